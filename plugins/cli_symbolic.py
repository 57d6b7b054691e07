"""--symbolic: for which values of the parameters, instead of whether for these."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from hybrid.errors import ProblemError
from hybrid.expressions.parser import is_name
from hybrid.systems.reading_equations import parse_box

from .cli_options import Output, coloured, plot_format, write_bytes
from .cli_system import require_equations

if TYPE_CHECKING:
    from sympy.logic.boolalg import Boolean

    from .symbolic import SymbolicLinearisation

Command = TypeVar("Command", bound=Callable[..., Any])
Assumptions = Mapping[str, Mapping[str, bool]]

_PROVED, _DISPROVED = 0, 1
_SIZES = {">0": "positive", "<0": "negative", ">=0": "nonnegative", "<=0": "nonpositive"}
_ENTRY = re.compile(r"(\w+)([<>]=?0)?")
STABLE, IN_REGION = "locally exponentially stable", "every pole of the linearisation is in the region asked for,"
CONTROLLABLE = "the linearisation is controllable"


def symbolic_options(command: Command) -> Command:
    """--symbolic, read into names with their assumptions, and --range, read into `window`."""

    def parsed(read: Callable[[str], Any]) -> Callable[..., Any]:
        return lambda _ctx, _option, text: None if text is None else read(text)

    free = click.option(
        "--symbolic",
        metavar="NAMES",
        callback=parsed(read_symbols),
        help="Leave parameters free, as k,m>0: print the conditions on them.",
    )
    shown = click.option(
        "--range",
        "window",
        metavar="INTERVALS",
        callback=parsed(lambda text: parse_box(text, "--range")),
        help="What --plot shows of free parameters: k=0:10,m=0:2.",
    )
    return free(shown(command))


def read_symbols(text: str) -> dict[str, dict[str, bool]]:
    """Names with what is assumed of them, from `k,m>0`.

    Raises:
        ProblemError: an entry is no name, or a name stands twice.

    >>> read_symbols("k, m>0")
    {'k': {}, 'm': {'positive': True}}
    """
    found: dict[str, dict[str, bool]] = {}
    for entry in text.split(","):
        match = _ENTRY.fullmatch(entry.replace(" ", ""))
        if match is None or not is_name(match[1]) or match[1] in found:
            raise ProblemError("--symbolic", repr(entry.strip()), "different names of parameters, as k,m or k,m>0")
        found[match[1]] = {_SIZES[match[2]]: True} if match[2] else {}
    return found


def linearisation(system: Any, at: Any, at_point: bool, assumptions: Assumptions) -> SymbolicLinearisation:
    """The linearisation of the system of a command, in the parameters left free."""
    from .symbolic import linearise

    return linearise(require_equations(system), at, assumptions, at_point=at_point)


def deliver_conditions(
    linear: SymbolicLinearisation, relation: Boolean, said: str, window: Mapping[str, Any] | None, output: Output
) -> NoReturn:
    """Print the conditions, draw them where asked, and end: exit code 1 where they hold nowhere, else 0."""
    if output.save is not None:
        raise click.UsageError("--save needs an answer about numbers: --symbolic has no certificate")
    from .symbolic import spelled

    conditions = spelled(relation)
    status = {(): "proved", ("false",): "disproved"}.get(tuple(conditions), "conditions")
    if output.plot is not None:
        from .symbolic_plot import draw

        write_bytes(output.plot, draw(relation, linear.system, window or {}, plot_format(output.plot)))
    if output.as_json:
        click.echo(json.dumps(_document(linear, relation, status)))
    elif not output.quiet:
        click.echo(coloured(_text(linear, conditions, status, said), status))
    click.get_current_context().exit(_DISPROVED if status == "disproved" else _PROVED)
    raise AssertionError  # exit does not return


def _text(linear: SymbolicLinearisation, conditions: list[str], status: str, said: str) -> str:
    from .symbolic import describe

    system = linear.system
    place = describe(linear.point, system.states)
    found = f"{said} at {place}"
    free = ", ".join(system.free)
    if status == "proved":
        return f"PROVED: {found}, for all values of {free}."
    if status == "disproved":
        return f"DISPROVED: for no value of {free} is it true: {found}."
    lines = "\n".join(f"  {condition}" for condition in conditions)
    return f"CONDITIONS: {found}, exactly where\n\n{lines}"


def _document(linear: SymbolicLinearisation, relation: Boolean, status: str) -> dict[str, Any]:
    from sympy import latex

    from .symbolic import spell_expression, spelled

    return {
        "status": status,
        "symbols": list(linear.system.free),
        "point": {name: spell_expression(value) for name, value in linear.point.items()},
        "conditions": spelled(relation),
        "latex": latex(relation),
    }
