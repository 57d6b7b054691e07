"""Nonlinear systems from sympy: expressions, differential equations, sympy.physics.mechanics.

    from hybrid.plugins import sympy_equations as he

Numbers are exact: a Rational is itself, a Float is the binary number that it stores. A symbol that is neither state nor
input nor given a value is a free parameter, and a question is then answered by conditions on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from sympy import Basic, Derivative, Expr, Rational, Symbol
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean

import hybrid
from hybrid.errors import ProblemError
from hybrid.exact.equilibria import Equilibria, find
from hybrid.systems.nonlinear import FREE, NonlinearSystem
from hybrid.verify.given_point import Bounds

from .symbolic import SymbolicLinearisation, linearise
from .sympy_answer import SympyAnswer
from .sympy_first_order import first_order
from .sympy_text import leaves, name_of, texts
from .sympy_values import number, pole, rational, weight

__all__ = ["SympyEquilibria", "controllability", "equilibria", "feedback", "nonlinear_system", "stability"]

_SIGNS = ("positive", "negative", "nonpositive", "nonnegative", "nonzero")
_DEEP = "expressions of a few hundred levels"


def nonlinear_system(
    equations: Any,
    states: Iterable[Any] | None = None,
    inputs: Iterable[Any] = (),
    parameters: Mapping[Any, Any] = MappingProxyType({}),
    *,
    outputs: Iterable[Expr] | None = None,
    dt: Any = None,
    name: str = "",
    time: Symbol | None = None,
) -> NonlinearSystem:
    """The system of sympy's expressions, equations or mechanics, with every number exact.

    States and inputs are symbols, or functions of time such as dynamicsymbols. x(t) is named x, its derivatives x_dot,
    x_ddot, …; these are the names to ask with, and so are the sympy objects.

    Args:
        equations: one of
            - the right-hand sides x' = f (x⁺ = f with `dt`), in the order of `states`;
            - differential equations, `Eq` or what is to vanish, of any order. They are solved for the highest
              derivatives, in which they have to be linear, and x'' = f becomes x' = x_dot, x_dot' = f;
            - a KanesMethod or LagrangesMethod whose equations have been formed.
        states: symbols in their order; of differential equations and mechanics, only another order.
        inputs: symbols.
        parameters: symbol → number, sympy's or any other that hybrid reads; None or "free" for one that stays free.
        outputs: expressions, or None where every state is measured.
        dt: the sample time of x⁺ = f; nothing for continuous time.
        name: shown in reports.
        time: the symbol of time, where f depends on it; see `controllability`.

    Raises:
        ProblemError: a function that hybrid does not know, a number that is not real, time that was not named,
            equations that do not determine the derivatives or hold constraints; one sentence.

    Source: M x' = F is solved over the polynomials in what its entries are made of, without pivots (sympy's
    `DomainMatrix.solve_den`), so that det M = 0 is the only place where a value is lost.

    >>> from sympy import Eq, Function, Rational, sin, symbols
    >>> t, k = symbols("t k")
    >>> x = Function("x")(t)
    >>> pendulum = nonlinear_system([Eq(x.diff(t, 2), -k * sin(x) - x.diff(t) / 10)], parameters={k: Rational(1, 3)})
    >>> pendulum.states, pendulum.equations
    (('x', 'x_dot'), ('x_dot', '-x_dot/10 - k*sin(x)'))
    >>> stability(pendulum, at={x: 0, x.diff(t): 0})
    <SympyAnswer proved: stable>
    """
    given = {name_of(key, "parameters"): _value(value, "parameters") for key, value in parameters.items()}
    forced = [name_of(each, "inputs") for each in inputs]
    try:
        ordered, rhs = first_order(equations, states, forced, dt)
        named = [name_of(state, "states") for state in ordered]
        shown = None if outputs is None else list(outputs)
        clock = [] if time is None else [name_of(time, "time")]
        unknown = _parameters([*rhs, *(shown or ())], [*named, *forced, *given], clock)
        variables = [*named, *forced, *given, *unknown, *clock]
        written = texts(rhs, variables, "equations")
        readout = None if shown is None else texts(shown, variables, "outputs")
    except RecursionError:
        raise ProblemError("equations", "deeper nesting", _DEEP) from None
    free = dict.fromkeys(unknown, FREE)
    return NonlinearSystem(named, forced, written, {**given, **free}, readout, dt, name, *clock)


def stability(
    system: NonlinearSystem,
    *,
    at: Mapping[Any, Any] | None = None,
    at_point: bool = False,
    decay: Any = 0,
    damping: Any = 0,
    poles: bool = False,
    paper: bool = False,
    symbols: Iterable[Symbol] = (),
) -> SympyAnswer | Boolean:
    """Decide whether an equilibrium is locally exponentially stable; with free parameters, say when.

    Args:
        system: see `nonlinear_system`.
        at: symbol (function, derivative, name) → value: the equilibrium, or a guess; None for the one nearest the
            origin. With free parameters the values may hold them, what is left out is 0, and it has to be an
            equilibrium whatever they are.
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        decay, damping, poles: as in `hybrid.stability`.
        paper: take the reading of Charton, Hayat and Lample 2020 (see `hybrid.stability`); without free parameters.
        symbols: your own symbols for the free parameters: the conditions are in them and use their assumptions.

    Returns:
        A SympyAnswer; with free parameters, which stand for real numbers, the relation that holds exactly where every
        eigenvalue of the linearisation lies in the region.

    Raises:
        ProblemError: the point is no equilibrium for all values of the parameters, or names something unknown.

    Source: Khalil 2002, Theorem 4.7; see `hybrid.stability` and `conditions.stability_conditions`.

    >>> from sympy import symbols as names
    >>> x, v, k, m = names("x v k m")
    >>> spring = nonlinear_system([v, -(k * x + v) / m], [x, v])
    >>> stability(spring)
    (k > 0) & (m > 0)
    """
    rate, ratio = number(decay, "decay"), number(damping, "damping")
    if _checked(system).free and system.time is None and not paper:
        local = _symbolic(system, at, at_point, symbols)
        return _in_terms_of(local.stable(rate, ratio), symbols)
    asked: dict[str, Any] = {"at": _point(at), "at_point": at_point, "paper": paper}
    return SympyAnswer(hybrid.stability(system, decay=rate, damping=ratio, poles=poles, **asked))


def controllability(
    system: NonlinearSystem,
    *,
    at: Mapping[Any, Any] | None = None,
    at_point: bool = False,
    paper: bool = False,
    symbols: Iterable[Symbol] = (),
) -> SympyAnswer | Boolean:
    """Decide whether the linearisation at an equilibrium is controllable; with free parameters, say when.

    Of a system whose equations depend on time: along `at`, constants or expressions of time, around the instant that
    it gives to time, or one of those that are tried.

    Args, returns, raises: as `stability`; ProblemError also where the system has no inputs.

    >>> from sympy import cos, symbols as names
    >>> x, v, u, b = names("x v u b")
    >>> controllability(nonlinear_system([v, x + b * cos(x) * u], [x, v], [u]))
    Ne(b, 0)
    >>> t = names("t")
    >>> swing = nonlinear_system([v, -(1 + cos(t) / 2) * x + u], [x, v], [u], time=t)
    >>> controllability(swing, at={x: 0, v: 0, t: 0})
    <SympyAnswer proved: controllable>
    """
    if _checked(system).free and system.time is None and not paper:
        return _in_terms_of(_symbolic(system, at, at_point, symbols).controllable(), symbols)
    return SympyAnswer(hybrid.controllability(system, at=_point(at), at_point=at_point, paper=paper))


def feedback(
    system: NonlinearSystem,
    *,
    at: Mapping[Any, Any] | None = None,
    at_point: bool = False,
    Q: Any = None,
    R: Any = None,
    decay: Any = 0,
    poles: Any = None,
    paper: bool = False,
    model: Any = True,
) -> SympyAnswer:
    """Find a gain K so that u = u* − K (x − x*) makes the equilibrium (x*, u*) locally exponentially stable.

    Args:
        system: see `nonlinear_system`; without free parameters.
        at, at_point: as in `stability`.
        Q, R, decay, poles, paper, model: as in `hybrid.feedback`; sympy's matrices and numbers are understood.

    Returns:
        A SympyAnswer, whose `gain` is the Matrix of Rationals that was proved.

    Raises:
        ProblemError: free parameters; a weight, pole or point that makes no sense.

    >>> from sympy import sin, symbols as names
    >>> x, v, u = names("x v u")
    >>> feedback(nonlinear_system([v, sin(x) + u], [x, v], [u]), poles=[-1, -2]).gain
    Matrix([[3, 3]])
    """
    answer = hybrid.feedback(
        _checked(system),
        Q=weight(Q, "Q"),
        R=weight(R, "R"),
        decay=number(decay, "decay"),
        poles=None if poles is None else [pole(wanted, f"poles[{i}]") for i, wanted in enumerate(poles, 1)],
        model=model,
        at=_point(at),
        at_point=at_point,
        paper=paper,
    )
    return SympyAnswer(answer)


@dataclass(frozen=True, eq=False)
class SympyEquilibria:
    """The equilibria in a box, by the symbols that the box was given with.

    Attributes:
        found: what `hybrid.exact.equilibria.find` found.
        symbols: name → the symbol in the box.
    """

    found: Equilibria
    symbols: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether the box is proved to hold no equilibria but these."""
        return self.found.complete

    @property
    def points(self) -> tuple[dict[Any, Rational], ...]:
        """Each equilibrium, or the midpoint of its enclosure."""
        return tuple(
            {self.symbols[state]: rational(one.point[state]) for state in self.found.system.states}
            for one in self.found.proved
        )

    @property
    def enclosures(self) -> tuple[dict[Any, tuple[Rational, Rational]], ...]:
        """Bounds (lo, hi) on each state, within which just one equilibrium lies; lo = hi where it is known exactly."""
        return tuple(self._bounds(one.box) for one in self.found.proved)

    @property
    def undecided(self) -> tuple[dict[Any, tuple[Rational, Rational]], ...]:
        """Boxes that may hold others."""
        return tuple(self._bounds(box) for box in self.found.undecided)

    def _bounds(self, box: Mapping[str, Bounds]) -> dict[Any, tuple[Rational, Rational]]:
        states = self.found.system.states
        return {self.symbols[state]: (rational(box[state][0]), rational(box[state][1])) for state in states}

    def __repr__(self) -> str:
        left = "complete" if self.complete else f"{len(self.undecided)} boxes undecided"
        return f"<SympyEquilibria {len(self.points)} proved, {left}>"


def equilibria(
    system: NonlinearSystem, box: Mapping[Any, Any], *, limit_boxes: int = 20_000, timeout: float | None = None
) -> SympyEquilibria:
    """Find every equilibrium in a box, each proved to exist and to be the only one in its enclosure.

    Args:
        system: see `nonlinear_system`; without free parameters.
        box: each state → (lower, upper); input → number, 0 where left out.
        limit_boxes, timeout: as in `hybrid.exact.equilibria.find`.

    Raises:
        ProblemError: free parameters, an unknown name, a state without bounds, bounds in the wrong order.

    >>> from sympy import symbols as names
    >>> x = names("x")
    >>> found = equilibria(nonlinear_system([x - x**3], [x]), {x: (-2, 2)})
    >>> found, found.points
    (<SympyEquilibria 3 proved, complete>, ({x: -1}, {x: 0}, {x: 1}))
    """
    free = _checked(system).free
    if free:
        raise ProblemError(f"parameters.{free[0]}", "no value", "a number, to search for equilibria")
    symbols = {name_of(key, "box"): key for key in box}
    sides = {name: _side(box[key], name) for name, key in symbols.items()}
    return SympyEquilibria(find(system, sides, limit_boxes=limit_boxes, timeout=timeout), symbols)


# Symbols and names


def _parameters(expressions: Sequence[Basic], declared: Sequence[str], clock: Sequence[str]) -> list[str]:
    """The free symbols that nobody declared, by name.

    Args:
        expressions: where they occur.
        declared: names of states, inputs and parameters.
        clock: the name of time, where the expressions may depend on it.

    Raises:
        ProblemError: time itself, or a function or derivative that is neither state nor input.
    """
    found = leaves(expressions, "equations")
    times = {each.args[0] for each in found.values() if isinstance(each, AppliedUndef)}
    unknown = []
    for name, each in found.items():
        if name in clock:
            continue
        if each in times:
            raise ProblemError("equations", f"the time {name}", "none on the right-hand sides, or time= beside them")
        if name in declared:
            continue
        if isinstance(each, Derivative):
            raise ProblemError("equations", each, "derivatives of the states alone")
        if isinstance(each, AppliedUndef):
            raise ProblemError("inputs", f"{each} without an equation", "it among the inputs, or an equation for it")
        unknown.append(name)
    return sorted(unknown)


def _checked(system: Any) -> NonlinearSystem:
    if not isinstance(system, NonlinearSystem):
        raise ProblemError("system", type(system).__name__, "a NonlinearSystem, which nonlinear_system makes")
    return system


def _point(at: Mapping[Any, Any] | None) -> dict[str, Any] | None:
    return None if at is None else {name_of(key, "at"): _value(value, "at") for key, value in at.items()}


def _value(value: Any, field: str) -> Any:
    """A number beside a system: sympy's as a Fraction, or as text where it is irrational or holds parameters."""
    if not isinstance(value, Expr):
        return value
    if value.is_Rational or value.is_Float:
        return number(value, field)
    return texts([value], list(leaves([value], field)), field)[0]


def _side(value: Any, name: str) -> tuple[Fraction, ...]:
    bounds = value if isinstance(value, Iterable) and not isinstance(value, str) else (value, value)
    return tuple(number(bound, name) for bound in bounds)


def _symbolic(
    system: NonlinearSystem, at: Mapping[Any, Any] | None, at_point: bool, symbols: Iterable[Symbol]
) -> SymbolicLinearisation:
    assumptions = {}
    for symbol in symbols:
        if symbol.is_real is False:
            raise ProblemError("symbols", symbol, "symbols that may stand for real numbers")
        assumptions[symbol.name] = {sign: True for sign in _SIGNS if getattr(symbol, f"is_{sign}")}
    return linearise(system, _point(at), assumptions, at_point=at_point)


def _in_terms_of(relation: Boolean, symbols: Iterable[Symbol]) -> Boolean:
    """The relation in the caller's symbols; the others without assumptions, as `sympy.symbols` makes them."""
    own = {symbol.name: symbol for symbol in symbols}
    return relation.xreplace({each: own.get(each.name, Symbol(each.name)) for each in relation.free_symbols})
