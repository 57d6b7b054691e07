"""Re-checking a certificate, and the library of demonstration plants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

import hybrid
from hybrid.errors import CertificateError, HybridError
from hybrid.render_pde import wave_numbers
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import spell
from hybrid.systems.plants import NonlinearPlant, PDEPlant, every_plant, pde_plants
from hybrid.systems.reading_pde import read_pde

from .cli_options import table
from .cli_pde import load_equation
from .cli_system import PlantName, load_system

if TYPE_CHECKING:
    from hybrid.systems.plants import Plant

_VALID, _REFUSED = 0, 4


@click.command(short_help="Re-check a certificate.")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--system", "system_name", metavar="SYSTEM", help="Also require that it speaks about this system.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: valid, claim, reason.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing: the exit code is the answer.")
def check(file: str, system_name: str | None, as_json: bool, quiet: bool) -> None:
    """Re-check a certificate from nothing but its own text; exit code 0 valid, 4 refused."""
    document = _document(file)
    report = hybrid.check(document)
    valid, reason = report.valid, report.reason
    if valid and system_name is not None:
        certified = document["systems"] if "systems" in document else [document["system"]]
        differences = [_difference(system, system_name, document["claim"]) for system in certified]
        if all(differences):  # of several systems it has to be one
            valid, reason = False, differences[0]
    if as_json:
        click.echo(json.dumps({"valid": valid, "claim": report.claim, "reason": reason}))
    elif not quiet:
        word = click.style("VALID", fg="green", bold=True) if valid else click.style("REFUSED", fg="red", bold=True)
        click.echo(f"{word}: {report.claim}\n\n  {reason}" if valid else f"{word}: {reason}")
    click.get_current_context().exit(_VALID if valid else _REFUSED)


def _document(file: str) -> dict[str, Any]:
    from hybrid.certificate import checker

    try:
        with click.open_file(file, "rb") as stream:
            document: dict[str, Any] = checker.read(stream.read(checker.MAX_BYTES + 1))
    except OSError as error:
        raise CertificateError(f"{file}: cannot be read, {error.strerror or error}") from None
    except checker.Unreadable as error:
        raise CertificateError(f"{file}: {error}") from None
    return document


def _difference(certified: Mapping[str, Any], name: str, claim: Mapping[str, Any]) -> str:
    """In what the certified system differs from the one of that name; empty where they agree."""
    if "operator" in certified:
        return _differing(read_pde(load_equation(name)).as_document(), certified, name)
    system, _ = load_system(name)
    if isinstance(system, NonlinearSystem) or "equations" in certified:
        return _differing(system.as_document(), certified, name)
    try:
        other = hybrid.LinearSystem(**certified)
    except HybridError as error:
        return f"The system of the certificate cannot be read: {error}."
    different = [key for key in ("A", "B", "C", "D", "dt") if getattr(system, key) != getattr(other, key)]
    # A certificate that leaves B, C or D out claims nothing about them, but for D = 0 where outputs are fed back.
    used = ["dt", *certified]
    if claim.get("output") and system.D is not None and any(map(any, system.D.fractions)):
        used.append("D")
    return _sentence([key for key in different if key in used], name)


def _differing(document: Mapping[str, Any], certified: Mapping[str, Any], name: str) -> str:
    """In what equations differ, as the documents spell them."""
    return _sentence([key for key in certified if certified[key] != document.get(key)], name)


def _sentence(different: list[str], name: str) -> str:
    return f"It speaks about another system: {', '.join(different)} differs from {name}." if different else ""


@click.command(short_help="List the demonstration plants, or show one.")
@click.argument("name", required=False, type=PlantName(), metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with NAME a system that every command reads.")
def plants(name: str | None, as_json: bool) -> None:
    """List the demonstration plants, or show one with its matrices or equations and its source."""
    if name is not None:
        plant = hybrid.plant(name)
        click.echo(json.dumps(_as_document(plant)) if as_json else _as_text(plant))
        return
    if as_json:
        listed = [*map(_summary, every_plant()), *map(_pde_summary, pde_plants())]
        click.echo(json.dumps({"plants": listed}))
        return
    rows = [*map(_row, every_plant()), *map(_pde_row, pde_plants())]
    click.echo(table([("NAME", "KIND", "STATES", "INPUTS", "TIME", ""), *rows]))


def _summary(plant: Plant | NonlinearPlant) -> dict[str, Any]:
    system = plant.system
    size = {"n": system.n, "m": system.m, "p": system.p, "dt": None if system.dt is None else float(system.dt)}
    kind = {"nonlinear": isinstance(plant, NonlinearPlant)}
    return {"name": plant.name, **size, **kind, "description": plant.description, "citation": plant.citation}


def _row(plant: Plant | NonlinearPlant) -> tuple[str, ...]:
    system = plant.system
    time = "discrete" if system.is_discrete else "continuous"
    kind = "nonlinear" if isinstance(plant, NonlinearPlant) else "linear"
    return plant.name, kind, str(system.n), str(system.m), time, plant.description


def _as_document(plant: Plant | NonlinearPlant | PDEPlant) -> dict[str, Any]:
    """The keys of a file that every command reads, of a PDE `hybrid pde` alone."""
    about = {"name": plant.name, "description": plant.description, "citation": plant.citation}
    return about | (_equations(plant) if isinstance(plant, NonlinearPlant) else plant.system.as_document())


def _equations(plant: NonlinearPlant) -> dict[str, Any]:
    """The keys of a file with equations."""
    system = plant.system
    equations: Any = system.equations[0] if len(system.equations) == 1 else list(system.equations)
    return {
        "states": list(system.states),
        "inputs": list(system.inputs),
        "equations": equations,
        "parameters": dict(system.parameters),
        "outputs": None if system.outputs is None else list(system.outputs),
        "dt": None if system.dt is None else str(system.dt),
        "at": dict(plant.at),
    }


def _as_text(plant: Plant | NonlinearPlant | PDEPlant) -> str:
    if isinstance(plant, PDEPlant):
        return _pde_as_text(plant)
    system = plant.system
    time = f"Sample time {spell(system.dt)} s" if system.dt is not None else "Continuous time"
    size = f"{system.n} states, {system.m} inputs, {system.p} outputs"
    title = f"{plant.name}\n{plant.description}\n{time}: {size}\nSource: {plant.citation}"
    if isinstance(plant, NonlinearPlant):
        return "\n\n".join([title, *_equations_as_text(plant), f"Try: hybrid stability {plant.name}"])
    document = plant.system.as_document()
    matrices = [f"{key} =\n{table(document[key], indent=2)}" for key in "ABCD" if key in document]
    return "\n\n".join([title, *matrices, f"Try: hybrid feedback {plant.name}"])


def _equations_as_text(plant: NonlinearPlant) -> list[str]:
    """Equations, parameters and the operating point, a block each."""
    equations = [line.strip() for text in plant.system.equations for line in text.replace(";", "\n").splitlines()]
    blocks = ["\n".join(f"  {line}" for line in equations if line)]
    if plant.system.parameters:
        blocks.append("Parameters: " + _listed(plant.system.parameters))
    return [*blocks, "Operating point: " + _listed(plant.at)]


def _pde_summary(plant: PDEPlant) -> dict[str, Any]:
    about = {"name": plant.name, "description": plant.description, "citation": plant.citation}
    return about | {"pde": True, "dimension": plant.system.dimension}


def _pde_row(plant: PDEPlant) -> tuple[str, ...]:
    return plant.name, "PDE", "-", "-", "continuous", plant.description


def _pde_as_text(plant: PDEPlant) -> str:
    title = f"{plant.name}\n{plant.description}\nSource: {plant.citation}"
    sides = wave_numbers(plant.system)
    return "\n\n".join([title, f"  {plant.system.equation}", f"Wave numbers: {sides}", f"Try: hybrid pde {plant.name}"])


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())
