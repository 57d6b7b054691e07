"""Automatic differentiation of a tape, forward and reverse, in any arithmetic.

Over numbers it gives the Jacobian at a point; over a `Graph` it gives the partial derivatives as expressions,
which can be differentiated again.

Source: Griewank and Walther, Evaluating Derivatives, 2nd ed. 2008, chapters 3.1 (forward) and 3.2 (reverse).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from hybrid.errors import ProblemError
from hybrid.expressions.evaluate import KINK, domain_error, kink_error
from hybrid.expressions.graph import MAX_DERIVATIVE_NODES, Graph, Tape

Mode = Literal["forward", "reverse"]


class Operations(Protocol):
    """What differentiation needs of an arithmetic; `Arithmetic` and `Graph` have it."""

    @property
    def operations(self) -> Mapping[str, Callable[..., Any]]:
        """A function for each operation."""

    @property
    def number(self) -> Callable[[int], Any]:
        """A small integer as an operand."""


_SAME, _OPPOSITE = object(), object()
"""The partial derivatives 1 and −1, which cost no multiplication."""
_Partial = tuple[Any, Any]


def jacobian(
    tape: Tape,
    values: Sequence[Any],
    arithmetic: Operations,
    variables: Sequence[int],
    mode: Mode | None = None,
) -> list[list[Any]]:
    """The partial derivatives of the tape's outputs (rows) with respect to some variables (columns).

    Args:
        tape: the expressions.
        values: what `Program.trace` computed in the same arithmetic.
        arithmetic: of the values; over balls the entries enclose the derivatives at every point of the box.
        variables: numbers of the variables to differentiate by.
        mode: forward costs a sweep for each variable, reverse one for each output; None takes the cheaper.

    Raises:
        DomainError: a derivative does not exist there: √ at 0, abs at its kink (unless the kink is multiplied
            by zero: x·|x| at 0 has the derivative 0, see `Kink`), sign at its jump.

    >>> from hybrid.expressions.evaluate import FLOATS, Program
    >>> from hybrid.expressions.parser import parse
    >>> tape = parse("x^2*y", ["x", "y"])
    >>> jacobian(tape, Program(tape, FLOATS).trace([3.0, 5.0]), FLOATS, [0, 1])
    [[30.0, 9.0]]
    """
    partials = _partials(tape, values, arithmetic, tape.depends(variables))
    mode = mode or ("reverse" if len(tape.outputs) <= len(variables) else "forward")
    sweep = _reverse if mode == "reverse" else _forward
    rows = sweep(tape, partials, arithmetic, variables)
    for output, row in zip(tape.outputs, rows, strict=True):
        if any(entry is KINK for entry in row):
            raise kink_error(tape, output, values)
    return rows


def jacobian_tape(tape: Tape, variables: Sequence[int], mode: Mode | None = None) -> Tape:
    """The partial derivatives as a tape of the same variables; its outputs are the Jacobian, row by row.

    >>> from hybrid.expressions.infix import infix
    >>> from hybrid.expressions.parser import parse
    >>> infix(jacobian_tape(parse("x^2*sin(y)", ["x", "y"]), [0, 1]))
    ['2*x*sin(y)', 'cos(y)*x^2']
    """
    graph = Graph(tape.names, tape.sources, MAX_DERIVATIVE_NODES)
    values = graph.extend(tape, range(len(tape.names)))
    return graph.tape([entry for row in jacobian(tape, values, graph, variables, mode) for entry in row])


def _partials(tape: Tape, values: Sequence[Any], arithmetic: Operations, active: Sequence[bool]) -> list[_Partial]:
    """For each operation, its derivatives by its two operands, where those depend on the variables."""
    f, number, first = arithmetic.operations, arithmetic.number, tape.first
    graph = arithmetic if isinstance(arithmetic, Graph) else None
    partials: list[_Partial] = []
    try:
        for index, (op, a, b) in enumerate(tape.operations):
            if not active[first + index]:
                partials.append((None, None))
                continue
            if graph is not None:
                graph.at = tape.positions[index]
            u, v, r = values[a], values[b], values[first + index]
            left = _LEFT[op](f, number, u, v, r) if active[a] else None
            partials.append((left, _RIGHT[op](f, number, u, v, r) if b >= 0 and active[b] else None))
    except ProblemError:
        raise
    except (ArithmeticError, ValueError) as cause:
        raise domain_error(tape, first + len(partials), values, cause, derivative=True) from None
    return partials


def _scaled(f: Mapping[str, Callable[..., Any]], value: Any, partial: Any) -> Any:
    """partial·value."""
    if partial is _SAME:
        return value
    return f["neg"](value) if partial is _OPPOSITE else f["*"](partial, value)


def _reverse(
    tape: Tape, partials: Sequence[_Partial], arithmetic: Operations, variables: Sequence[int]
) -> list[list[Any]]:
    """From each output back to the variables: the adjoint of a value is ∂output/∂value."""
    f, number, first = arithmetic.operations, arithmetic.number, tape.first
    add = f["+"]
    rows = []
    for output in tape.outputs:
        adjoints: list[Any] = [None] * (output + 1)
        adjoints[output] = number(1)
        for index in range(output - first, -1, -1):
            adjoint = adjoints[first + index]
            if adjoint is None:
                continue
            _, a, b = tape.operations[index]
            for operand, partial in zip((a, b), partials[index], strict=True):
                if partial is not None:
                    term = _scaled(f, adjoint, partial)
                    before = adjoints[operand]
                    adjoints[operand] = term if before is None else add(before, term)
        adjoints += [None] * (len(tape.names) - len(adjoints))
        rows.append([number(0) if adjoints[i] is None else adjoints[i] for i in variables])
    return rows


def _forward(
    tape: Tape, partials: Sequence[_Partial], arithmetic: Operations, variables: Sequence[int]
) -> list[list[Any]]:
    """From the variables to the outputs: the tangent of a value maps a variable to ∂value/∂variable."""
    f, number = arithmetic.operations, arithmetic.number
    add = f["+"]
    tangents: list[dict[int, Any]] = [{} for _ in range(tape.first)]
    for variable in variables:
        tangents[variable] = {variable: number(1)}
    for (_, a, b), pair in zip(tape.operations, partials, strict=True):
        tangent: dict[int, Any] = {}
        for operand, partial in zip((a, b), pair, strict=True):
            if partial is not None:
                for variable, entry in tangents[operand].items():
                    term = _scaled(f, entry, partial)
                    tangent[variable] = add(tangent[variable], term) if variable in tangent else term
        tangents.append(tangent)
    return [[tangents[output].get(i, number(0)) for i in variables] for output in tape.outputs]


# The rules: f holds the operations, n makes numbers, u and v are the operands, r is the result.

_LEFT: dict[str, Callable[..., Any]] = {
    "+": lambda f, n, u, v, r: _SAME,
    "-": lambda f, n, u, v, r: _SAME,
    "*": lambda f, n, u, v, r: v,
    "/": lambda f, n, u, v, r: f["/"](n(1), v),
    "^": lambda f, n, u, k, r: f["*"](n(k), f["^"](u, k - 1)) if k else n(0),
    "root": lambda f, n, u, k, r: f["/"](r, f["*"](n(k), u)),
    "neg": lambda f, n, u, v, r: _OPPOSITE,
    "sqrt": lambda f, n, u, v, r: f["/"](n(1), f["*"](n(2), r)),
    "exp": lambda f, n, u, v, r: r,
    "log": lambda f, n, u, v, r: f["/"](n(1), u),
    "sin": lambda f, n, u, v, r: f["cos"](u),
    "cos": lambda f, n, u, v, r: f["neg"](f["sin"](u)),
    "tan": lambda f, n, u, v, r: f["+"](n(1), f["^"](r, 2)),
    "asin": lambda f, n, u, v, r: f["/"](n(1), f["sqrt"](f["-"](n(1), f["^"](u, 2)))),
    "acos": lambda f, n, u, v, r: f["/"](n(-1), f["sqrt"](f["-"](n(1), f["^"](u, 2)))),
    "atan": lambda f, n, u, v, r: f["/"](n(1), f["+"](n(1), f["^"](u, 2))),
    "sinh": lambda f, n, u, v, r: f["cosh"](u),
    "cosh": lambda f, n, u, v, r: f["sinh"](u),
    "tanh": lambda f, n, u, v, r: f["-"](n(1), f["^"](r, 2)),
    "abs": lambda f, n, u, v, r: f["slope"](u),
    # Both are constant away from 0; 0/u is that derivative, and has no value where there is none.
    "sign": lambda f, n, u, v, r: f["/"](n(0), u),
    "slope": lambda f, n, u, v, r: f["/"](n(0), u),
}
"""∂(operation)/∂u."""
_RIGHT: dict[str, Callable[..., Any]] = {
    "+": lambda f, n, u, v, r: _SAME,
    "-": lambda f, n, u, v, r: _OPPOSITE,
    "*": lambda f, n, u, v, r: u,
    "/": lambda f, n, u, v, r: f["neg"](f["/"](r, v)),
}
"""∂(operation)/∂v."""
