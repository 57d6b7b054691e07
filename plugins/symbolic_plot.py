"""Where conditions on one or two parameters hold, as a drawing."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import Add, Expr, Mul, Poly, PolynomialError, Pow, Symbol, real_roots
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean

from hybrid.errors import ProblemError
from hybrid.systems.nonlinear import NonlinearSystem

from .symbolic import relations, spell_expression, spelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[Any]
Interval = tuple[float, float]

_HOLDS, _BORDER = "#2a9d8f", "#1f4e79"
_GRID = 700
_UNSTATED = (-5.0, 5.0)
_COMPARE = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "!=": np.not_equal, "==": np.equal,
}  # fmt: skip


def draw(relation: Boolean, system: NonlinearSystem, window: Mapping[str, Any], kind: str) -> bytes:
    """Shade where the conditions hold, with their borders; for one parameter with the exact ends of the intervals.

    Args:
        relation: conditions on the free parameters of the system.
        system: names them.
        window: parameter → (lower, upper); from −5 to 5 where nothing is said.
        kind: "png", "svg" or "pdf".

    Returns:
        The file's content.

    Raises:
        ProblemError: more than two parameters are free, or the window names another or has no width.
    """
    limits = _limits(system, window)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.2 if len(limits) == 2 else 2.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    (_line if len(limits) == 1 else _plane)(axes, relation, limits)
    axes.set_title("holds where " + (" and ".join(spelled(relation)) or "anything")[:110], fontsize=9, loc="left")
    content = io.BytesIO()
    figure.savefig(content, format=kind)
    return content.getvalue()


def _limits(system: NonlinearSystem, window: Mapping[str, Any]) -> dict[str, Interval]:
    if len(system.free) > 2:
        raise ProblemError("--plot", f"{len(system.free)} free parameters", "one or two of them")
    for name, (lower, upper) in window.items():
        if name not in system.free:
            raise ProblemError("--range", name, f"one of {', '.join(system.free)}")
        if lower == upper:
            raise ProblemError("--range", f"{name} = {lower}", "an interval such as 0:10")
    stated = {name: (float(lower), float(upper)) for name, (lower, upper) in window.items()}
    return {name: stated.get(name, _UNSTATED) for name in system.free}


def _line(axes: Axes, relation: Boolean, limits: Mapping[str, Interval]) -> None:
    """Intervals between the exact zeros of the conditions: on each of them they hold or fail as in its middle."""
    ((name, (lower, upper)),) = limits.items()
    zeros = {float(zero): zero for part in relations(relation) for zero in _zeros(part.lhs - part.rhs)}
    inner = sorted(zero for zero in zeros if lower < zero < upper)
    ends = [lower, *inner, upper]
    for left, right in pairwise(ends):
        if _holds(relation, {name: np.array([(left + right) / 2])}).all():
            axes.axvspan(left, right, color=_HOLDS, alpha=0.25, linewidth=0)
    for zero in inner:
        exact = spell_expression(zeros[zero])
        axes.axvline(zero, color=_BORDER, linewidth=1.2)
        label = exact if len(exact) <= 20 else f"{zero:.6g}"
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "rotation": 90, "ha": "right", "va": "center"}
        axes.annotate(label, (zero, 0.5), fontsize=9, **place)
    axes.set(xlim=(lower, upper), xlabel=name, yticks=[])


def _zeros(difference: Expr) -> list[Expr]:
    """The real zeros of a polynomial in one symbol; none are drawn of anything else."""
    try:
        polynomial = Poly(difference, *difference.free_symbols)
        return [] if polynomial.degree() < 1 else list(real_roots(polynomial))
    except (PolynomialError, NotImplementedError):
        return []


def _plane(axes: Axes, relation: Boolean, limits: Mapping[str, Interval]) -> None:
    (first, across), (second, up) = limits.items()
    grid = np.meshgrid(np.linspace(*across, _GRID), np.linspace(*up, _GRID))
    values: dict[str, Array] = {first: grid[0], second: grid[1]}
    holds = _holds(relation, values)
    axes.contourf(*grid, holds.astype(float), levels=[0.5, 1.5], colors=[_HOLDS], alpha=0.25)
    for part in relations(relation):
        difference = np.broadcast_to(evaluate(part.lhs - part.rhs, values), grid[0].shape)
        if np.nanmin(difference) < 0 < np.nanmax(difference):
            axes.contour(*grid, difference, levels=[0.0], colors=[_BORDER], linewidths=1.2)
    axes.set(xlim=across, ylim=up, xlabel=first, ylabel=second)


def _holds(relation: Any, values: Mapping[str, Array]) -> Array:
    """Where a condition holds on a grid."""
    shape = next(iter(values.values())).shape
    if isinstance(relation, Relational):
        with np.errstate(all="ignore"):
            found = _COMPARE[relation.rel_op](evaluate(relation.lhs, values), evaluate(relation.rhs, values))
        return np.broadcast_to(found, shape)
    if relation == True or relation == False:  # noqa: E712 - sympy's own true and false
        return np.full(shape, bool(relation))
    combine = np.logical_and if isinstance(relation, And) else np.logical_or
    found = combine.reduce([_holds(part, values) for part in relation.args])
    return np.asarray(found)


def evaluate(expression: Expr, values: Mapping[str, Array]) -> Any:
    """An expression on a grid, in doubles, operation by operation: no code is generated.

    >>> from sympy.abc import k
    >>> evaluate(k**2 - 1, {"k": np.array([2.0])})
    array([3.])
    """
    if isinstance(expression, Symbol):
        return values[expression.name]
    if not expression.free_symbols:
        return float(expression)
    arguments = [evaluate(argument, values) for argument in expression.args]
    if isinstance(expression, Add | Mul):
        return (np.add if isinstance(expression, Add) else np.multiply).reduce(np.broadcast_arrays(*arguments))
    if isinstance(expression, Pow):
        return np.power(*arguments)
    return getattr(np, type(expression).__name__.replace("Abs", "abs"))(*arguments)
