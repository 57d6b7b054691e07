"""What an engineer sees of a proof: the region of attraction, and the response in time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from hybrid.errors import ParseError, ProblemError
from hybrid.render_local import outward_doubles, relation
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, product
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, nearest_float, spell
from hybrid.systems.reading_equations import parse_assignments

from .cli_options import coloured, plot_format, require_writable, table, write_bytes
from .cli_system import require_nonlinear, system_options
from .time_limit import guard, read_seconds

if TYPE_CHECKING:
    from hybrid.simulate import Trajectory
    from hybrid.verify.equilibrium import Equilibrium
    from hybrid.verify.region import Region

_PROVED, _UNDECIDED = 0, 3
_MAX_GAIN_BYTES = 20_000_000
_GAIN_HELP = "u = u* - K (x - x*): [[k1,k2]], or what feedback --save wrote, with its equilibrium."


@click.command(short_help="Prove a region of attraction.")
@system_options
@click.option("--gain", metavar="FILE", help=_GAIN_HELP)
@click.option(
    "--timeout",
    metavar="SECONDS",
    default="10",
    show_default=True,
    is_eager=True,
    callback=guard,
    help="How long to search.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, the certificate inside.")
@click.option("--save", metavar="FILE", help="Write the certificate, whole or not at all.")
@click.option("--plot", metavar="FILE", help="Draw the phase plane, a slice of it for more than two states.")
def region(
    system: Any, at: Any, gain: str | None, timeout: str, as_json: bool, save: str | None, plot: str | None
) -> None:
    """Prove that all motions from an ellipsoid around a stable equilibrium stay in it and tend to the equilibrium.

    The largest ellipsoid found is printed, with its volume and semi-axes. Exit code 3 if none was proved.
    """
    plant, kind = require_nonlinear(system), None if plot is None else plot_format(plot)
    if save is not None:
        require_writable("--save", save)
    K, point = (None, None) if gain is None else read_gain(gain, plant)
    seconds = read_seconds(timeout, "--timeout")
    from hybrid.verify.region import certificate, largest

    started = time.perf_counter()
    place = _equilibrium(plant, at if point is None else point)
    found = largest(plant, place, K, seconds=seconds)
    elapsed = time.perf_counter() - started
    drawing = None
    if found is not None and kind is not None:
        from .cli_drawings import plane_of_region

        drawing = plane_of_region(found, kind)
    if found is not None and save is not None:
        certificate(found).save(save)
    if plot is not None and drawing is not None:
        write_bytes(plot, drawing)
    if as_json:
        click.echo(json.dumps(_document(found, elapsed), allow_nan=False))
    else:
        text = "UNDECIDED: no region of attraction was proved." if found is None else _text(found, elapsed)
        click.echo(coloured(text, "undecided" if found is None else "proved"))
    click.get_current_context().exit(_UNDECIDED if found is None else _PROVED)


@click.command(short_help="Compute the response in time, open or closed loop.")
@system_options
@click.option("--gain", metavar="FILE", help=_GAIN_HELP)
@click.option("--start", metavar="POINT", help="Where it starts, as x=0.1; other states at the equilibrium.")
@click.option("--seconds", metavar="T", help="How long; six time constants of the slowest pole by default.")
@click.option("--json", "as_json", is_flag=True, help="Print t, x and u as one JSON object.")
@click.option("--plot", metavar="FILE", help="Draw states and inputs over time into a .png, .svg or .pdf file.")
def simulate(
    system: Any, at: Any, gain: str | None, start: str | None, seconds: str | None, as_json: bool, plot: str | None
) -> None:
    """Compute the response in time with u = u* - K (x - x*), or with constant inputs. This proves nothing."""
    from hybrid.simulate import simulate as respond

    kind = None if plot is None else plot_format(plot)
    K, point = (None, None) if gain is None else read_gain(gain, system)
    at = at if point is None or isinstance(system, LinearSystem) else point
    first = None if start is None else parse_assignments(start, "--start")
    duration = None if seconds is None else read_seconds(seconds, "--seconds")
    trajectory = respond(system, K, at, first, duration)
    if plot is not None and kind is not None:
        from .cli_drawings import response

        write_bytes(plot, response(trajectory, kind))
    click.echo(json.dumps(_samples(trajectory)) if as_json else _summary(trajectory, plot))


def read_gain(
    text: str, system: LinearSystem | NonlinearSystem
) -> tuple[list[list[Fraction]], dict[str, Fraction] | None]:
    """A gain from a certificate, with the equilibrium that it is for, or from a file or text with a JSON matrix.

    One of the outputs, as its certificate says, becomes the gain of the state that it amounts to, K C.

    Raises:
        ProblemError: there is no gain, or not one for this system.

    >>> read_gain("[[0.5, 1]]", LinearSystem([[0, 1], [0, 0]], [[0], [1]]))
    ([[Fraction(1, 2), Fraction(1, 1)]], None)
    """
    if os.path.exists(text):
        text = _file_text(text)
    try:
        # Numbers stay text, so that 0.1 is 1/10 here as everywhere.
        content = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise ParseError("--gain", text, "a certificate with a gain, or a JSON matrix such as [[1,2]]") from None
    claim = content.get("claim") if isinstance(content, dict) else {"gain": content}
    claim = claim if isinstance(claim, Mapping) else {}
    stated: Any = claim.get("gain")
    measured = _measured(claim, system)
    columns, fed_back = (system.n, "states") if measured is None else (system.p, "outputs")
    is_matrix = isinstance(stated, list) and all(isinstance(row, list) and len(row) == columns for row in stated)
    if not is_matrix or len(stated) != system.m:
        raise ProblemError("--gain", text, f"a gain of {system.m} rows and {columns} columns, inputs by {fed_back}")
    gain, point = [[exact(entry, "--gain") for entry in row] for row in stated], claim.get("point")
    if measured is not None:
        gain = [list(row) for row in product(ExactMatrix.read(gain, "--gain"), measured).fractions]
    return gain, None if point is None else _middle(point)


def _measured(claim: Mapping[str, Any], system: LinearSystem | NonlinearSystem) -> ExactMatrix | None:
    """C where the claim is about a gain of the outputs, None where it is about one of the states."""
    if claim.get("output") is not True:
        return None
    if not isinstance(system, LinearSystem) or system.C is None:
        raise ProblemError("--gain", "a gain of the outputs", "a gain of the states, or a linear system with C")
    return system.C


def _middle(point: Any) -> dict[str, Fraction]:
    try:
        return {name: (exact(lo, "--gain, point") + exact(hi, "--gain, point")) / 2 for name, (lo, hi) in point.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ProblemError("--gain, point", point, "bounds of each state and input") from error


def _file_text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_GAIN_BYTES + 1)
        if len(content) > _MAX_GAIN_BYTES:
            raise ProblemError("--gain", path, f"a file of at most {_MAX_GAIN_BYTES} bytes")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ProblemError("--gain", path, "a readable text file") from None


def _equilibrium(system: Any, at: Any) -> Equilibrium:
    from hybrid.verify.equilibrium import locate

    located = locate(system, at)
    if located.equilibrium is None:
        raise ProblemError("--at", "no equilibrium nearby", "a point near an equilibrium; try hybrid equilibria --box")
    return located.equilibrium


# The region


def _text(found: Region, seconds: float) -> str:
    system, box = found.equilibrium.system, found.equilibrium.box
    place = ", ".join(f"{name} {relation(*box[name])}" for name in system.states)
    law = " under u = u* - K (x - x*)" if found.gain is not None else ""
    headline = f"PROVED: every motion{law} that starts where V(x) <= c stays there and tends to {place}."
    rows = [tuple(spell(entry) for entry in row) for row in found.P]
    facts = [
        ("V(x)", "(x - x*)' P (x - x*)"),
        ("c", spell(found.level)),
        ("semi-axes", ", ".join(f"{axis:.6g}" for axis in found.semi_axes)),
        ("volume", f"at least {found.volume[0]:.6g}"),
        ("proof", f"V decreases in each of {found.boxes} boxes"),
        ("time", f"{seconds:.3g} s"),
    ]
    return "\n\n".join([headline, "P =\n" + table(rows, indent=2), table(facts, indent=2)])


def _document(found: Region | None, seconds: float) -> dict[str, Any]:
    from hybrid.verify.region import certificate

    if found is None:
        return {"status": "undecided", "seconds": seconds}
    return {
        "status": "proved",
        "point": {name: outward_doubles(*bounds) for name, bounds in found.equilibrium.box.items()},
        "P": [[spell(entry) for entry in row] for row in found.P],
        "level": spell(found.level),
        "gain": None if found.gain is None else [[nearest_float(entry) for entry in row] for row in found.gain],
        "semi_axes": list(found.semi_axes),
        "volume": list(found.volume),
        "boxes": found.boxes,
        "seconds": seconds,
        "certificate": certificate(found).to_dict(),
    }


# The response


def _summary(trajectory: Trajectory, plot: str | None) -> str:
    rows: list[tuple[str, ...]] = [("", "START", "END", "EQUILIBRIUM")]
    ends = zip(trajectory.states, trajectory.x[0], trajectory.x[-1], trajectory.target, strict=True)
    rows += [(name, *(f"{value:.6g}" for value in values)) for name, *values in ends]
    told = [f"Simulated {trajectory.t[-1]:.6g} s in double precision; a simulation proves nothing."]
    if trajectory.ended:
        told.append(trajectory.ended)
    if plot is not None:
        told.append(f"Drawn into {plot}.")
    return "\n\n".join([" ".join(told), table(rows, indent=2)])


def _samples(trajectory: Trajectory) -> dict[str, Any]:
    return {
        "states": list(trajectory.states),
        "inputs": list(trajectory.inputs),
        "t": trajectory.t.tolist(),
        "x": trajectory.x.tolist(),
        "u": trajectory.u.tolist(),
        "ended": trajectory.ended,
    }
