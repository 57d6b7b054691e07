"""Nonlinear systems with parameters left free: the linearisation in symbols, and when it is stable or controllable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Matrix, Ne, Pow, Symbol, acos, asin, log, simplify
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, Or

from hybrid.errors import ProblemError
from hybrid.expressions.evaluate import Program, symbols
from hybrid.expressions.graph import Tape
from hybrid.expressions.parser import parse
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, spell

from .conditions import stability_conditions
from .polynomials import Ring
from .rank_conditions import controllability_conditions
from .requirements import Requirements


@dataclass(frozen=True)
class SymbolicLinearisation:
    """A = ∂f/∂x and B = ∂f/∂u at an equilibrium, in the free parameters.

    Attributes:
        system: with free parameters.
        point: each state and input, an expression of the parameters.
        f: the n right-hand sides there.
        A, B: (n, n) and (n, m).
    """

    system: NonlinearSystem
    point: Mapping[str, Expr]
    f: tuple[Expr, ...]
    A: Matrix
    B: Matrix

    def stable(self, decay: Any = 0, damping: Any = 0) -> Boolean:
        """When every eigenvalue of A lies in the region; see `conditions.stability_conditions`."""
        rate, ratio = (_number(value, key) for value, key in ((decay, "decay"), (damping, "damping")))
        discrete = self.system.is_discrete
        return self._where_real(stability_conditions(self.A, decay=rate, damping=ratio, is_discrete=discrete))

    def controllable(self) -> Boolean:
        """When (A, B) is controllable; see `rank_conditions.controllability_conditions`.

        Raises:
            ProblemError: the system has no inputs.
        """
        if not self.system.m:
            raise ProblemError("B", "nothing", "a system with inputs")
        return self._where_real(controllability_conditions(self.A, self.B))

    def _where_real(self, relation: Boolean) -> Boolean:
        """The relation, and what makes the roots and logarithms in it real, which it takes for real numbers."""
        parts = set(And.make_args(relation))
        strict: set[Expr] = set()
        weak: set[Expr] = set()
        for expression in (*self.point.values(), *self.f, *self.A, *self.B):
            for root in expression.atoms(Pow):
                if root.base.free_symbols and root.exp.is_Rational and not root.exp.q % 2:
                    nonzero = Ne(root, 0)
                    (strict if nonzero in parts or root.exp < 0 else weak).add(root.base)
                    parts.discard(nonzero)
            strict |= {each.args[0] for each in expression.atoms(log)}
            weak |= {1 - each.args[0] ** 2 for each in expression.atoms(asin, acos)}
        return And(*parts, *map(_positive, strict), *(base >= 0 for base in weak - strict))


def linearise(
    system: NonlinearSystem,
    at: Mapping[str, Any] | None,
    assumptions: Mapping[str, Mapping[str, bool]] | None = None,
    *,
    at_point: bool = False,
) -> SymbolicLinearisation:
    """Linearise at a point that is an equilibrium whatever the free parameters are.

    Args:
        system: its free parameters stand for real numbers.
        at: state or input → number, or text that may hold the parameters: {"x": "a", "y": "b/a"}. What is left out,
            or everything without a point, is 0.
        assumptions: of some parameters, as sympy's Symbol takes them: {"m": {"positive": True}}.
        at_point: do not ask whether the point is an equilibrium.

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
    stated = {name: value for name, value in system.parameters.items() if name not in named}
    numbers = {name: _value(value, f"parameters.{name}", {}) for name, value in stated.items()}
    point = _point(system, at or {}, {**named, **numbers})
    values = [*point.values(), *named.values()]
    f = tuple(Program(system.rhs, symbols())(values))
    if not at_point:
        _require_equilibrium(system, point, f)
    A, B = (_matrix(tape, system.n, values) for tape in (system.jacobians.A, system.jacobians.B))
    return SymbolicLinearisation(system, point, f, A, B)


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


def describe(point: Mapping[str, Expr], names: Sequence[str]) -> str:
    """Coordinates in words."""
    return ", ".join(f"{name} = {spell_expression(point[name])}" for name in names)


def spell_expression(value: Expr) -> str:
    """An expression; a rational number as everywhere."""
    return spell(Fraction(int(value.p), int(value.q))) if value.is_Rational else str(value)


def relations(relation: Boolean) -> Iterator[Relational]:
    """The inequalities that a condition is made of."""
    if isinstance(relation, Relational):
        yield relation
        return
    for part in getattr(relation, "args", ()):
        yield from relations(part)


def _positive(expression: Expr) -> Boolean:
    """expression > 0, in its simplest form."""
    ring = Ring.of([expression])
    ratio, requirements = ring.ratio(expression), Requirements(ring)
    requirements.positive(ratio.numerator, ratio.denominator)
    return requirements.relation()


def _point(system: NonlinearSystem, at: Mapping[str, Any], known: Mapping[str, Expr]) -> dict[str, Expr]:
    coordinates = (*system.states, *system.inputs)
    for name in at:
        if name not in coordinates:
            raise ProblemError("at", name, f"one of {', '.join(coordinates)}")
    return {name: _value(at.get(name, 0), name, known) for name in coordinates}


def _value(value: Any, name: str, known: Mapping[str, Expr]) -> Expr:
    """A number, or a text in the parameters."""
    if not isinstance(value, str):
        return symbols().constant(exact(value, name))
    found: Expr = Program(parse(value, list(known), name), symbols())(list(known.values()))[0]
    return found


def _require_equilibrium(system: NonlinearSystem, point: Mapping[str, Expr], f: Sequence[Any]) -> None:
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
