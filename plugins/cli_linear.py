"""The questions about linear systems, and about nonlinear ones near an equilibrium: one command each."""

from __future__ import annotations

import json
import os
from typing import Any

import click

import hybrid
from hybrid.errors import DimensionError, ParseError, ProblemError

from .cli_equilibria import late_progress
from .cli_options import Output, damping_option, decay_option, output_options
from .cli_symbolic import CONTROLLABLE, IN_REGION, STABLE, deliver_conditions, linearisation, symbolic_options
from .cli_system import SystemName, at_point_option, load_system, model_options, paper_option, system_options

_MAX_WEIGHT_BYTES = 20_000_000
_STRUCTURE = 'Zeros of K: "1 0; 0 1" (1, x or * is free; 0 or . is zero), or diagonal.'
_AND = "Another system that the same gain has to stabilise; repeatable, up to 8 in all."


@click.command()
@system_options
@at_point_option
@paper_option
@decay_option
@damping_option
@click.option("--poles", is_flag=True, help="Enclose each pole as well.")
@model_options
@symbolic_options
@output_options
def stability(
    system: Any,
    at: Any,
    at_point: bool,
    paper: bool,
    decay: str,
    damping: str,
    poles: bool,
    model: bool | str,
    symbolic: Any,
    window: Any,
    output: Output,
) -> None:
    """Is every pole of A in the region? How fast is it?

    Of a nonlinear system: is its equilibrium locally exponentially stable? With --symbolic: for which parameters?
    """
    if symbolic:
        linear = linearisation(system, at, at_point, symbolic)
        said = STABLE if decay == damping == "0" and not at_point else IN_REGION
        deliver_conditions(linear, linear.stable(decay, damping), said, window, output)
    output.deliver(
        hybrid.stability(
            system, decay=decay, damping=damping, poles=poles, at=at, at_point=at_point, paper=paper, model=model
        )
    )


@click.command()
@system_options
@at_point_option
@paper_option
@model_options
@symbolic_options
@output_options
def controllability(
    system: Any,
    at: Any,
    at_point: bool,
    paper: bool,
    model: bool | str,
    symbolic: Any,
    window: Any,
    output: Output,
) -> None:
    """Can the inputs move every state? With --symbolic: for which parameters?"""
    if symbolic:
        linear = linearisation(system, at, at_point, symbolic)
        deliver_conditions(linear, linear.controllable(), CONTROLLABLE, window, output)
    output.deliver(hybrid.controllability(system, at=at, at_point=at_point, paper=paper, model=model))


@click.command()
@system_options
@at_point_option
@output_options
def observability(system: Any, at: Any, at_point: bool, output: Output) -> None:
    """Do the outputs show every state?"""
    output.deliver(hybrid.observability(system, at=at, at_point=at_point))


@click.command()
@system_options
@at_point_option
@decay_option
@output_options
def stabilizability(system: Any, at: Any, at_point: bool, decay: str, output: Output) -> None:
    """Are all uncontrollable poles in the region?"""
    output.deliver(hybrid.stabilizability(system, decay=decay, at=at, at_point=at_point))


@click.command()
@system_options
@at_point_option
@decay_option
@output_options
def detectability(system: Any, at: Any, at_point: bool, decay: str, output: Output) -> None:
    """Are all unobservable poles in the region?"""
    output.deliver(hybrid.detectability(system, decay=decay, at=at, at_point=at_point))


@click.command(short_help="Give a gain K for u = -K x, proved to work.")
@system_options
@at_point_option
@paper_option
@decay_option
@click.option("--poles", metavar="LIST", help='Place the closed-loop poles: "-1,-2,-3+1j,-3-1j".')
@click.option("--Q", "state_weight", metavar="WEIGHT", help='LQR state weight: 2, "1,10,1", [[1,0],[0,1]] or a file.')
@click.option("--R", "input_weight", metavar="WEIGHT", help="LQR input weight, written like --Q.")
@click.option("--output", "of_outputs", is_flag=True, help="Feed back the outputs alone: u = -K y.")
@click.option("--structure", metavar="MASK", help=_STRUCTURE)
@click.option("--and", "others", metavar="SYSTEM", type=SystemName(), multiple=True, help=_AND)
@click.option("--starts", metavar="N", type=click.IntRange(1), help="Of the search for such gains, before it gives up.")
@click.option("--model", metavar="FILE", help="Let this ONNX model propose, or those in a folder.")
@click.option("--no-model", is_flag=True, help="Compute, without proposals of a model.")
@output_options
def feedback(
    system: Any,
    at: Any,
    at_point: bool,
    paper: bool,
    decay: str,
    poles: str | None,
    state_weight: str | None,
    input_weight: str | None,
    of_outputs: bool,
    structure: str | None,
    others: tuple[str, ...],
    starts: int | None,
    model: str | None,
    no_model: bool,
    output: Output,
) -> None:
    """Give a gain K for u = -K x (u = -K y) that is proved to work, or a proof that none exists.

    \b
    hybrid feedback plant.toml --decay 0.5
    hybrid feedback batch-reactor --output
    hybrid feedback boeing-747-longitudinal --output --structure diagonal
    hybrid feedback cruise.toml --and climb.toml --and descent.toml
    """  # noqa: D301 - click reads \b as: keep these lines
    if model is not None and no_model:
        raise click.UsageError("--model and --no-model exclude each other", click.get_current_context())
    plants = [system, *(load_system(other)[0] for other in others)]
    with late_progress("Searching for a gain") as progress:
        answer = hybrid.feedback(
            plants if others else system,
            Q=None if state_weight is None else read_weight(state_weight, "Q", system.n),
            R=None if input_weight is None else read_weight(input_weight, "R", system.m),
            decay=decay,
            poles=None if poles is None else poles.strip("[] ").split(","),
            output=of_outputs,
            structure=None if structure is None else read_structure(structure),
            model=not no_model if model is None else model,
            **({} if starts is None else {"starts": starts}),
            progress=progress,
            at=at,
            at_point=at_point,
            paper=paper,
        )
    output.deliver(answer)


def read_structure(text: str) -> str | list[list[int]]:
    """The zeros of a gain: rows divided by semicolons, of 1, x, * (free) and 0, . (zero); or a word such as diagonal.

    Raises:
        ParseError: another character.

    >>> read_structure("1 0; 0 1"), read_structure("x.;xx")
    ([[1, 0], [0, 1]], [[1, 0], [1, 1]])
    """
    if text.strip().isalpha() and set(text.strip().lower()) != {"x"}:
        return text.strip()
    free = {"1": 1, "x": 1, "X": 1, "*": 1, "0": 0, ".": 0}
    rows = [[c for c in row if c not in " ,[]\t"] for row in text.strip().strip(";").split(";")]
    for entry in (entry for row in rows for entry in row):
        if entry not in free:
            expected = 'rows such as "1 0; 0 1" (1, x or * is free; 0 or . is zero), or diagonal'
            raise ParseError("structure", text, expected)
    return [[free[entry] for entry in row] for row in rows]


def read_weight(text: str, field: str, order: int) -> list[list[Any]]:
    """A weight from "2" (2·I), "1,10,1" (its diagonal), "[[1,0],[0,1]]" (JSON), or a file with one of these.

    Raises:
        ParseError: it is none of these.
        DimensionError: a diagonal of the wrong length.

    >>> read_weight("1,1/3", "Q", 2)
    [['1', 0], [0, '1/3']]
    """
    if os.path.exists(text):
        text = _file_text(text, field)
    if not text.lstrip().startswith("["):
        return _diagonal(text.split(","), field, order)
    try:
        # Numbers stay text, so that 0.1 is 1/10 here as everywhere.
        matrix = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise ParseError(field, text, "a JSON matrix such as [[1,0],[0,1]]") from None
    is_flat = not any(isinstance(entry, list) for entry in matrix)
    return _diagonal(matrix, field, order) if is_flat else matrix


def _diagonal(entries: list[Any], field: str, order: int) -> list[list[Any]]:
    diagonal = entries * order if len(entries) == 1 else entries
    if len(diagonal) != order:
        raise DimensionError(field, f"a diagonal of {len(diagonal)} numbers", f"{order} numbers, or one for all")
    return [[diagonal[i] if i == j else 0 for j in range(order)] for i in range(order)]


def _file_text(path: str, field: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_MAX_WEIGHT_BYTES + 1)
        if len(content) > _MAX_WEIGHT_BYTES:
            raise ProblemError(field, path, f"a file of at most {_MAX_WEIGHT_BYTES} bytes")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ProblemError(field, path, "a readable text file with a weight matrix") from None
