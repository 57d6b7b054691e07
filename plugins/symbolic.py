"""Nonlinear systems with parameters left free: the linearisation in symbols, and when it is stable or controllable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Matrix, Symbol, simplify
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, Or

from hybrid.errors import ProblemError
from hybrid.expressions.derivatives import jacobian
from hybrid.expressions.evaluate import Arithmetic, Program, symbols
from hybrid.expressions.parser import parse
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, spell

from .conditions import stability_conditions
from .conjunctions import simplest
from .rank_conditions import controllability_conditions
from .symbolic_domain import Domain


@dataclass(frozen=True)
class SymbolicLinearisation:
    """A = ∂f/∂x and B = ∂f/∂u at an equilibrium, in the free parameters.

    Attributes:
        system: with free parameters.
        point: each state and input, an expression of the parameters.
        f: the n right-hand sides there.
        A, B: (n, n) and (n, m).
        domain: when the point, f, A and B are defined, as they are written: x/k needs k ≠ 0 wherever it stands.
    """

    system: NonlinearSystem
    point: Mapping[str, Expr]
    f: tuple[Expr, ...]
    A: Matrix
    B: Matrix
    domain: Boolean

    def stable(self, decay: Any = 0, damping: Any = 0) -> Boolean:
        """When every eigenvalue of A lies in the region; see `conditions.stability_conditions`."""
        rate, ratio = (_number(value, key) for value, key in ((decay, "decay"), (damping, "damping")))
        discrete = self.system.is_discrete
        return self._where_defined(
            lambda: stability_conditions(self.A, decay=rate, damping=ratio, is_discrete=discrete)
        )

    def controllable(self) -> Boolean:
        """When (A, B) is controllable; see `rank_conditions.controllability_conditions`.

        Raises:
            ProblemError: the system has no inputs.
        """
        if not self.system.m:
            raise ProblemError("B", "nothing", "a system with inputs")
        return self._where_defined(lambda: controllability_conditions(self.A, self.B))

    def _where_defined(self, conditions: Callable[[], Boolean]) -> Boolean:
        """The conditions together with the domain; where that is empty, the entries of A and B need not be real."""
        return self.domain if self.domain == False else simplest([self.domain, conditions()])  # noqa: E712


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
    if system.time is not None:
        raise ProblemError("time", system.time, "equations without time, or one that is set to a number")
    named = {name: Symbol(name, real=True, **(assumptions or {}).get(name, {})) for name in system.free}
    stated = {name: value for name, value in system.parameters.items() if name not in named}
    numbers = {name: _value(value, f"parameters.{name}", {}, symbols()) for name, value in stated.items()}
    domain = Domain()
    arithmetic, n, m = domain.arithmetic(), system.n, system.m
    point = _point(system, at or {}, {**named, **numbers}, arithmetic)
    values = Program(system.rhs, arithmetic).trace([*point.values(), *named.values()])
    f = tuple(values[output] for output in system.rhs.outputs)
    if not at_point:
        _require_equilibrium(system, point, f)
    rows = jacobian(system.rhs, values, arithmetic, range(n + m))
    entries = domain.settled([entry for row in rows for entry in row])
    both = Matrix(n, n + m, entries)
    return SymbolicLinearisation(system, point, f, both[:, :n], both[:, n:], domain.relation())


def spelled(relation: Boolean) -> list[str]:
    """The conditions of a conjunction, each as text; empty where it is always true.

    >>> from sympy import Ne
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


def _point(
    system: NonlinearSystem, at: Mapping[str, Any], known: Mapping[str, Expr], arithmetic: Arithmetic
) -> dict[str, Expr]:
    coordinates = (*system.states, *system.inputs)
    for name in at:
        if name not in coordinates:
            raise ProblemError("at", name, f"one of {', '.join(coordinates)}")
    return {name: _value(at.get(name, 0), name, known, arithmetic) for name in coordinates}


def _value(value: Any, name: str, known: Mapping[str, Expr], arithmetic: Arithmetic) -> Expr:
    """A number, or a text in the parameters."""
    if not isinstance(value, str):
        return _number(value, name)
    found: Expr = Program(parse(value, list(known), name), arithmetic)(list(known.values()))[0]
    return found


def _require_equilibrium(system: NonlinearSystem, point: Mapping[str, Expr], f: Sequence[Any]) -> None:
    for state, value in zip(system.states, f, strict=True):
        residual = simplify(value - point[state] if system.is_discrete else value)
        if residual != 0:
            left = f"{state} of the next step less {state}" if system.is_discrete else f"{state}'"
            expected = f"an equilibrium for all values of {', '.join(system.free)}, which may stand in --at"
            raise ProblemError("at", f"a point with {left} = {residual}", expected)


def _number(value: Any, field: str) -> Expr:
    return symbols().constant(exact(value, field))
