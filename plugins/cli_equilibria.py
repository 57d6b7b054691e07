"""Equilibria: all of them in a box, or the one near a guess."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from hybrid.decimals import exactly, outwards
from hybrid.errors import ProblemError
from hybrid.render_local import outward_doubles
from hybrid.systems.numbers import spell
from hybrid.systems.reading_equations import parse_box

from .cli_options import coloured, plot_format, table, write_bytes
from .cli_system import require_nonlinear, system_options
from .time_limit import guard, read_seconds

if TYPE_CHECKING:
    from hybrid.certificate import Certificate
    from hybrid.exact.equilibria import Equilibria
    from hybrid.systems.nonlinear import NonlinearSystem
    from hybrid.verify.equilibrium import Equilibrium, Located

Bounds = tuple[Fraction, Fraction]

_PROVED, _UNDECIDED = 0, 3
_QUIET_SECONDS = 2.0  # before a progress bar appears
_STEPS = 1000
_LISTED_BOXES = 20


@click.command(short_help="Find equilibria, each proved to exist.")
@system_options
@click.option("--box", metavar="INTERVALS", help="Search x=-5:5,y=-2:2; inputs as numbers, u=1. All are found.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    default="60",
    show_default=True,
    is_eager=True,
    callback=guard,
    help="After it the rest is undecided.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--save", metavar="FILE", help="Write the certificate of a complete answer for a box.")
@click.option("--plot", metavar="FILE", help="Draw the phase plane over the box into a .png, .svg or .pdf file.")
def equilibria(
    system: Any, at: Any, box: str | None, timeout: str, as_json: bool, save: str | None, plot: str | None
) -> None:
    """Find all equilibria in a box, or the one near the point of --at (else near the origin).

    Each is proved to exist, and to be the only one in its enclosure; so is that the rest of the box holds none. What
    stays undecided is listed as boxes. Exit code 0 if the answer is complete, 3 if boxes are left or none was found.
    """
    plant = require_nonlinear(system)
    started = time.perf_counter()
    if box is None:
        for option, value, purpose in (("--plot", plot, "what to draw"), ("--save", save, "what is claimed")):
            if value is not None:
                raise ProblemError(option, value, f"a --box as well, which says {purpose}")
        _deliver_one(plant, at, started, as_json)
        return
    from hybrid.exact.equilibria import certificate, find

    kind = None if plot is None else plot_format(plot)
    intervals, seconds = parse_box(box, "--box"), read_seconds(timeout, "--timeout")
    for name in plant.inputs:
        lower, upper = intervals.get(name, (0, 0))
        if lower != upper:
            expected = "one number: inputs are held constant"
            raise ProblemError(f"--box, {name}", f"{spell(lower)}:{spell(upper)}", expected)
    with late_progress("Searching the box") as progress:
        found = find(plant, intervals, timeout=seconds, progress=progress)
    if plot is not None and kind is not None:
        from .cli_drawings import plane_of_box

        write_bytes(plot, plane_of_box(found, kind))
    if save is not None:
        _save(certificate(found), save)
    status = "proved" if found.complete else "undecided"
    if as_json:
        click.echo(json.dumps(_document(found, status, time.perf_counter() - started), allow_nan=False))
    else:
        click.echo(coloured(_text(found, time.perf_counter() - started), status))
    click.get_current_context().exit(_PROVED if found.complete else _UNDECIDED)


def _save(proof: Certificate | None, path: str) -> None:
    """Write the certificate, or say on stderr why there is none."""
    if proof is None:
        click.echo(f"hybrid: {path} not written: undecided, or more than the checker can repeat", err=True)
    else:
        proof.save(path)


@contextmanager
def late_progress(label: str) -> Iterator[Callable[[float], None]]:
    """Gives a function that takes the share done; a bar appears on a terminal's stderr after two seconds."""
    started = time.monotonic()
    bar: Any = None

    def show(share: float) -> None:
        nonlocal bar
        if bar is None and sys.stderr.isatty() and time.monotonic() - started > _QUIET_SECONDS:
            bar = click.progressbar(length=_STEPS, label=label, file=sys.stderr)
        if bar is not None:
            bar.update(max(0, int(_STEPS * share) - bar.pos))

    try:
        yield show
    finally:
        if bar is not None:
            bar.render_finish()


# All in a box


def _text(found: Equilibria, seconds: float) -> str:
    count, whole = len(found.proved), found.complete
    noun = "equilibrium" if count == 1 else "equilibria"
    if whole:
        headline = f"PROVED: the box holds {f'exactly {count} {noun}' if count else 'no equilibrium'}."
    else:
        headline = f"UNDECIDED: {count} {noun} proved, and {len(found.undecided)} boxes that may hold more."
    blocks = [headline]
    if count:
        blocks.append(table(_rows(found.system, [each.box for each in found.proved]), indent=2))
    if not whole:
        shown = found.undecided[:_LISTED_BOXES]
        more = len(found.undecided) - len(shown)
        rest = f"\n  and {more} more (--json lists them all)" if more else ""
        blocks.append("undecided:\n" + table(_rows(found.system, shown), indent=2) + rest)
        blocks.append("  Try a smaller box, a longer --timeout, or other parameters: folds and curves stay undecided.")
    blocks.append(f"  boxes examined  {found.examined}\n  time            {seconds:.3g} s")
    return "\n\n".join(blocks)


def _rows(system: NonlinearSystem, boxes: Sequence[Mapping[str, Bounds]]) -> list[tuple[str, ...]]:
    return [tuple(system.states), *(tuple(_interval(*box[name]) for name in system.states) for box in boxes)]


def _interval(lo: Fraction, hi: Fraction) -> str:
    """An exact number, or two decimals that enclose."""
    value = exactly(lo, hi)
    if value is not None:
        return value
    a, b = outwards(lo, hi)
    return f"[{a}, {b}]"


def _document(found: Equilibria, status: str, seconds: float) -> dict[str, Any]:
    return {
        "status": status,
        "box": {name: outward_doubles(*bounds) for name, bounds in found.box.items()},
        "equilibria": [_equilibrium(each) for each in found.proved],
        "undecided": [{name: outward_doubles(*ends) for name, ends in box.items()} for box in found.undecided],
        "examined": found.examined,
        "seconds": seconds,
    }


def _equilibrium(each: Equilibrium) -> dict[str, Any]:
    exact = {name: spell(value) for name, value in each.point.items()} if each.exact else None
    return {"point": {name: outward_doubles(*bounds) for name, bounds in each.box.items()}, "exact": exact}


# The one near a guess


def _deliver_one(system: NonlinearSystem, at: Mapping[str, Any] | None, started: float, as_json: bool) -> None:
    from hybrid.verify.equilibrium import locate

    located = locate(system, at)
    seconds = time.perf_counter() - started
    status = "undecided" if located.equilibrium is None else "proved"
    if as_json:
        click.echo(json.dumps(_located_document(located, status, seconds), allow_nan=False))
    else:
        click.echo(coloured(_located_text(system, located, at is not None, seconds), status))
    click.get_current_context().exit(_PROVED if located.equilibrium is not None else _UNDECIDED)


def _located_text(system: NonlinearSystem, located: Located, is_given: bool, seconds: float) -> str:
    from hybrid.verify.local import notes

    found = located.equilibrium
    if found is None:
        headline = "UNDECIDED: no equilibrium was proved."
    elif located.is_given_point:
        headline = "PROVED: the point is an equilibrium."
    elif is_given:
        headline = "PROVED: an equilibrium near the point, which is none itself."
    else:
        headline = "PROVED: an equilibrium near the origin."
    blocks = [headline]
    if found is not None:
        unique = "exactly known" if found.exact else "the only one in its enclosure"
        blocks.append(table(_rows(system, [found.box]), indent=2) + f"\n\n  {unique}")
    told = [f"  {note}" for note in notes(located) if not note.startswith("Equilibrium:")]
    return "\n\n".join([*blocks, *told, f"  time  {seconds:.3g} s"])


def _located_document(located: Located, status: str, seconds: float) -> dict[str, Any]:
    found, residual = located.equilibrium, located.residual
    return {
        "status": status,
        "is_given_point": located.is_given_point,
        "residual": None if residual is None else [outward_doubles(*bounds) for bounds in residual],
        "equilibria": [] if found is None else [_equilibrium(found)],
        "inputs_assumed_zero": list(located.inputs_assumed_zero),
        "reason": None if located.reason is None else located.reason.value,
        "seconds": seconds,
    }
