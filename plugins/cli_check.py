"""Re-checking a certificate, and the library of demonstration plants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

import hybrid
from hybrid.errors import CertificateError, HybridError

from .cli_options import PlantName, load_system, table

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
    if valid and system_name is not None and (difference := _difference(document["system"], system_name)):
        valid, reason = False, difference
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


def _difference(certified: Mapping[str, Any], name: str) -> str:
    """In what the certified system differs from the one of that name; empty where they agree."""
    system = load_system(name)
    try:
        other = hybrid.LinearSystem(**certified)
    except HybridError as error:
        return f"The system of the certificate cannot be read: {error}."
    different = [key for key in ("A", "B", "C", "D", "dt") if getattr(system, key) != getattr(other, key)]
    # A certificate that leaves B, C or D out claims nothing about them.
    different = [key for key in different if key == "dt" or key in certified]
    return f"It speaks about another system: {', '.join(different)} differs from {name}." if different else ""


@click.command(short_help="List the demonstration plants, or show one.")
@click.argument("name", required=False, type=PlantName(), metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; with NAME a system that every command reads.")
def plants(name: str | None, as_json: bool) -> None:
    """List the demonstration plants, or show one with its matrices and its source."""
    if name is not None:
        plant = hybrid.plant(name)
        click.echo(json.dumps(_as_document(plant)) if as_json else _as_text(plant))
    elif as_json:
        click.echo(json.dumps({"plants": [_summary(plant) for plant in hybrid.plants()]}))
    else:
        rows = [("NAME", "STATES", "INPUTS", "TIME", ""), *(_row(plant) for plant in hybrid.plants())]
        click.echo(table(rows))


def _summary(plant: Plant) -> dict[str, Any]:
    system = plant.system
    size = {"n": system.n, "m": system.m, "p": system.p, "dt": None if system.dt is None else float(system.dt)}
    return {"name": plant.name, **size, "description": plant.description, "citation": plant.citation}


def _row(plant: Plant) -> tuple[str, ...]:
    system = plant.system
    time = "discrete" if system.is_discrete else "continuous"
    return plant.name, str(system.n), str(system.m), time, plant.description


def _as_document(plant: Plant) -> dict[str, Any]:
    about = {"name": plant.name, "description": plant.description, "citation": plant.citation}
    return about | plant.system.as_document()


def _as_text(plant: Plant) -> str:
    document = plant.system.as_document()
    time = "Continuous time" if document["dt"] is None else f"Sample time {document['dt']} s"
    size = f"{plant.system.n} states, {plant.system.m} inputs, {plant.system.p} outputs"
    matrices = [f"{key} =\n{table(document[key], indent=2)}" for key in "ABCD" if key in document]
    title = f"{plant.name}\n{plant.description}\n{time}: {size}\nSource: {plant.citation}"
    return "\n\n".join([title, *matrices, f"Try: hybrid feedback {plant.name}"])
