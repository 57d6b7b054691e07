"""Nonlinear systems with parameters left free: the linearisation in symbols, and when it is stable or controllable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Matrix, Ne, Symbol, simplify
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, Or

from hybrid.errors import ProblemError
from hybrid.expressions.evaluate import Program, symbols
from hybrid.expressions.graph import Tape
from hybrid.expressions.parser import parse
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, spell

from .conditions import stability_conditions
from .rank_conditions import controllability_conditions

_SIZES = {">0": "positive", "<0": "negative", ">=0": "nonnegative", "<=0": "nonpositive"}


@dataclass(frozen=True)
class SymbolicLinearisation:
    """A = ∂f/∂x and B = ∂f/∂u at an equilibrium, in the free parameters.

    Attributes:
        system: with free parameters.
        point: each state and input, an expression of the parameters.
        A, B: (n, n) and (n, m).
    """

    system: NonlinearSystem
    point: Mapping[str, Expr]
    A: Matrix
    B: Matrix

    def stable(self, decay: Any = 0, damping: Any = 0) -> Boolean:
        """When every eigenvalue of A lies in the region; see `conditions.stability_conditions`."""
        rate, ratio = (_number(value, key) for value, key in ((decay, "decay"), (damping, "damping")))
        return stability_conditions(self.A, decay=rate, damping=ratio, is_discrete=self.system.is_discrete)

    def controllable(self) -> Boolean:
        """When (A, B) is controllable; see `rank_conditions.controllability_conditions`.

        Raises:
            ProblemError: the system has no inputs.
        """
        if not self.system.m:
            raise ProblemError("B", "nothing", "a system with inputs")
        return controllability_conditions(self.A, self.B)


def linearise(
    system: NonlinearSystem, at: Mapping[str, Any] | None, assumptions: Mapping[str, Mapping[str, bool]] | None = None
) -> SymbolicLinearisation:
    """Linearise at a point that is an equilibrium whatever the free parameters are.

    Args:
        system: its free parameters stand for real numbers.
        at: state or input → number, or text that may hold the parameters: {"x": "a", "y": "b/a"}. What is left out,
            or everything without a point, is 0.
        assumptions: of some parameters, as sympy's Symbol takes them: {"m": {"positive": True}}.

    Raises:
        ProblemError: the point is no equilibrium for all values of the parameters, or names something unknown.
        DomainError: f or a derivative has no value there.

    >>> spring = NonlinearSystem.from_text("x' = v; v' = -(k*x + c*v)/m", parameters=dict.fromkeys("kcm", "free"))
    >>> linearise(spring, None, {"m": {"positive": True}}).stable()
    (c > 0) & (k > 0)
    >>> brusselator = NonlinearSystem.from_text("x' = a - (b + 1)*x + x^2*y; y' = b*x - x^2*y",
    ...     parameters=dict.fromkeys("ab", "free"))
    >>> linearise(brusselator, {"x": "a", "y": "b/a"}, {"a": {"positive": True}}).stable()
    a**2 - b + 1 > 0
    """
    named = {name: Symbol(name, real=True, **(assumptions or {}).get(name, {})) for name in system.free}
    point = _point(system, at or {}, named)
    values = [*point.values(), *named.values()]
    _require_equilibrium(system, point, Program(system.rhs, symbols())(values))
    A, B = (_matrix(tape, system.n, values) for tape in (system.jacobians.A, system.jacobians.B))
    return SymbolicLinearisation(system, point, A, B)


def read_symbols(text: str) -> dict[str, dict[str, bool]]:
    """Names with what is assumed of them, from `k,m>0`.

    Raises:
        ProblemError: an entry is no name, or a name stands twice.

    >>> read_symbols("k, m>0")
    {'k': {}, 'm': {'positive': True}}
    """
    found: dict[str, dict[str, bool]] = {}
    for entry in text.split(","):
        plain = entry.replace(" ", "")
        size = next((ending for ending in (">=0", "<=0", ">0", "<0") if plain.endswith(ending)), "")
        name = plain.removesuffix(size) if size else plain
        if not name.isidentifier() or name in found:
            raise ProblemError("--symbolic", repr(entry.strip()), "different names of parameters, as k,m or k,m>0")
        found[name] = {_SIZES[size]: True} if size else {}
    return found


def spelled(relation: Boolean) -> list[str]:
    """The conditions of a conjunction, each as text; empty where it is always true.

    >>> from sympy.abc import k
    >>> spelled((k > 0) & Ne(k, 2))
    ['k != 2', 'k > 0']
    """
    if relation == True or relation == False:  # noqa: E712 - sympy's own true and false
        return [] if relation == True else ["false"]  # noqa: E712
    return sorted(_text(part) for part in And.make_args(relation))


def _text(part: Any) -> str:
    if isinstance(part, Relational):
        return f"{part.lhs} {part.rel_op} {part.rhs}"
    if isinstance(part, Or):
        return " or ".join(sorted(f"({_text(each)})" if isinstance(each, And) else _text(each) for each in part.args))
    if isinstance(part, And):
        return " and ".join(sorted(_text(each) for each in part.args))
    return str(part)


def relations(relation: Boolean) -> Iterator[Relational]:
    """The inequalities that a condition is made of."""
    if isinstance(relation, Relational):
        yield relation
        return
    for part in getattr(relation, "args", ()):
        yield from relations(part)


def _point(system: NonlinearSystem, at: Mapping[str, Any], named: Mapping[str, Symbol]) -> dict[str, Expr]:
    coordinates = (*system.states, *system.inputs)
    for name in at:
        if name not in coordinates:
            raise ProblemError("at", name, f"one of {', '.join(coordinates)}")
    return {name: _value(at.get(name, 0), name, named) for name in coordinates}


def _value(value: Any, name: str, named: Mapping[str, Symbol]) -> Expr:
    """A number, or a text in the free parameters."""
    if not isinstance(value, str):
        return symbols().constant(exact(value, name))
    return Integer(1) * Program(parse(value, list(named), name), symbols())(list(named.values()))[0]


def _require_equilibrium(system: NonlinearSystem, point: Mapping[str, Expr], f: list[Any]) -> None:
    for state, value in zip(system.states, f, strict=True):
        residual = simplify(value - point[state] if system.is_discrete else value)
        if residual != 0:
            left = f"{state} of the next step less {state}" if system.is_discrete else f"{state}'"
            expected = f"an equilibrium for all values of {', '.join(system.free)}, which may stand in --at"
            raise ProblemError("at", f"a point with {left} = {residual}", expected)


def _matrix(tape: Tape, rows: int, values: list[Any]) -> Matrix:
    entries = Program(tape, symbols())(values)
    return Matrix(rows, len(entries) // rows, entries)


def _number(value: Any, field: str) -> Expr:
    return symbols().constant(exact(value, field))


def describe(point: Mapping[str, Expr], names: tuple[str, ...]) -> str:
    """Coordinates in words."""
    return ", ".join(f"{name} = {spell_expression(point[name])}" for name in names)


def spell_expression(value: Expr) -> str:
    """An expression; a rational number as everywhere."""
    from fractions import Fraction

    return spell(Fraction(int(value.p), int(value.q))) if value.is_Rational else str(value)
