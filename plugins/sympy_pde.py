"""Partial differential equations from sympy: u_t + P(D) u = 0 with constant coefficients.

    from hybrid.plugins import sympy_pde

Numbers are exact: a Rational is itself, a Float is the binary number that it stores.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from sympy import Derivative, Dummy, Eq, Expr, Float, I, Poly, Rational, Symbol, oo
from sympy.core.function import AppliedUndef
from sympy.polys.polyerrors import PolynomialError

import hybrid
from hybrid.errors import ProblemError
from hybrid.systems.pde import LinearPDE

from .sympy_answer import SympyAnswer
from .sympy_text import name_of, texts
from .sympy_values import number

__all__ = ["linear_pde", "pde"]

_EXPECTED = "u_t and derivatives of u by the other coordinates, each times a number"


def pde(
    equation: Any,
    initial_condition: Any = None,
    *,
    support: Mapping[Any, Any] | None = None,
    time: Symbol | None = None,
    paper: bool = False,
    model: Any = False,
) -> SympyAnswer:
    """Decide whether u_t + P(D) u = 0 has a solution for t ≥ 0, whether it stays bounded, and whether it decays.

    Args:
        equation, initial_condition, support, time: as in `linear_pde`; or a LinearPDE alone.
        paper, model: as in `hybrid.pde`.

    Returns:
        A SympyAnswer, about whether it stays bounded; `answer.evolution` has all three answers.

    Raises:
        ProblemError, ParseError: as `linear_pde`.

    Source: see `hybrid.pde`.

    >>> from sympy import Eq, Function, symbols
    >>> t, x = symbols("t x")
    >>> u = Function("u")(t, x)
    >>> pde(Eq(u.diff(t), u.diff(x, 2) - u))
    <SympyAnswer proved: decaying>
    >>> swift = Eq(u.diff(t), -u.diff(x, 2) - u.diff(x, 4))
    >>> pde(swift), pde(swift, support={x: (2, 3)})
    (<SympyAnswer disproved: growing>, <SympyAnswer proved: decaying>)
    """
    if not isinstance(equation, LinearPDE):
        equation = linear_pde(equation, initial_condition, support=support, time=time, paper=paper)
    elif initial_condition is not None or support is not None:
        raise ProblemError("support", "a second one", "none beside a LinearPDE, which has its own")
    return SympyAnswer(hybrid.pde(equation, paper=paper, model=model))


def linear_pde(
    equation: Any,
    initial_condition: Any = None,
    *,
    support: Mapping[Any, Any] | None = None,
    time: Symbol | None = None,
    paper: bool = False,
    name: str = "",
) -> LinearPDE:
    """The LinearPDE of an equation for a function u(t, x, …), every number exact.

    Args:
        equation: `Eq`, or what is to vanish: first order in time, linear in u, coefficients that are numbers.
        initial_condition: u at time 0, a product of exp(a I x), sin(a x)/(a x) and exp(−(a x)²), or text; it says
            which wave numbers there are.
        support: coordinate (symbol or name) → (lower, upper), wave numbers in radians per unit of length, ±oo where
            there is no end; those left out are not bounded. Without it and without an initial condition, none is.
        time: which argument of u is time; None: the one called t, or else the first.
        paper: read degenerate initial conditions as Charton, Hayat and Lample 2020 do.
        name: shown in reports.

    Raises:
        ProblemError: an equation of another kind, free symbols, coordinates that u does not have; one sentence.
        ParseError: an initial condition of another kind.

    >>> from sympy import Function, Rational, exp, I, sin, symbols
    >>> t, x, y = symbols("t x y")
    >>> u = Function("u")(t, x, y)
    >>> read = linear_pde(2 * u.diff(t) - u.diff(x, 2) + u.diff(x, y) / 3, exp(3 * I * x) * sin(2 * y) / (2 * y))
    >>> read
    <LinearPDE u_t = 1/2*u_xx - 1/6*u_xy>
    >>> read.support
    ((Fraction(3, 1), Fraction(3, 1)), (Fraction(-2, 1), Fraction(2, 1)))
    """
    residual = _residual(equation)
    u = _unknown(residual)
    at = _time(u, time)
    coordinates = [each for each in u.args if each != at]
    names = [name_of(each, "equation") for each in coordinates]
    rate, terms = Fraction(0), []
    for derivative, coefficient in _linear_in(u, residual):
        orders = dict(derivative.variable_count) if isinstance(derivative, Derivative) else {}
        powers = [int(orders.get(x, 0)) for x in coordinates]
        if at not in orders:
            terms.append((coefficient, powers))
        elif orders[at] == 1 and not any(powers):
            rate = coefficient
        else:
            raise ProblemError("equation", derivative, "the first derivative in time alone, " + _EXPECTED)
    if not rate:
        raise ProblemError("equation", equation, f"u_t, the first derivative by {at}")
    shares = [(coefficient / rate, powers) for coefficient, powers in terms]
    if initial_condition is None:
        return LinearPDE.from_bounds(shares, _bounds(support, names), coordinates=names, name=name)
    if support is not None:
        raise ProblemError("support", "a second one", "either a support or an initial condition")
    operator = " + ".join(
        "*".join([f"({coefficient})", *(f"{x}^{k}" for x, k in zip(names, powers, strict=True) if k)])
        for coefficient, powers in shares
    )
    start = _initial_text(initial_condition, names)
    return LinearPDE.from_text(operator or "0", start, coordinates=names, paper=paper, name=name)


def _residual(equation: Any) -> Expr:
    if not isinstance(equation, Expr | Eq):
        raise ProblemError("equation", equation, "sympy's Eq(…), or the expression that is to vanish")
    residual = equation.lhs - equation.rhs if isinstance(equation, Eq) else equation
    exact = residual.xreplace({x: Rational(x) for x in residual.atoms(Float) if x.is_finite})
    return exact.doit().expand()


def _unknown(residual: Expr) -> AppliedUndef:
    """The one function in an equation, of symbols."""
    functions = residual.atoms(AppliedUndef)
    if len(functions) != 1:
        got = ", ".join(sorted(map(str, functions))) or "no function"
        raise ProblemError("equation", got, "one function u(t, x, …), of all coordinates")
    (u,) = functions
    if not all(isinstance(each, Symbol) for each in u.args) or len(u.args) < 2:
        raise ProblemError("equation", u, "a function of time and of one coordinate at least, all of them symbols")
    return u


def _time(u: AppliedUndef, time: Symbol | None) -> Symbol:
    if time is None:
        return next((each for each in u.args if each.name == "t"), u.args[0])
    if time not in u.args:
        raise ProblemError("time", time, f"one of {', '.join(map(str, u.args))}")
    return time


def _linear_in(u: AppliedUndef, residual: Expr) -> list[tuple[Any, Fraction]]:
    """u and its derivatives, each with its coefficient."""
    found = [*sorted(residual.atoms(Derivative), key=str), u]
    stand_ins = {each: Dummy() for each in found}
    try:
        polynomial = Poly(residual.xreplace(stand_ins), *stand_ins.values())
    except PolynomialError:
        raise ProblemError("equation", residual, _EXPECTED) from None
    read = []
    for exponents, coefficient in polynomial.terms():
        if sum(exponents) != 1 and coefficient != 0:
            raise ProblemError("equation", residual, _EXPECTED)
        if coefficient != 0:
            read.append((found[exponents.index(1)], number(coefficient, "equation")))
    return read


def _bounds(support: Mapping[Any, Any] | None, names: list[str]) -> list[tuple[Any, Any]]:
    given = {name_of(key, "support"): value for key, value in (support or {}).items()}
    for key in given:
        if key not in names:
            raise ProblemError("support", key, f"one of {', '.join(names)}")
    return [_interval(given.get(x, (-oo, oo)), f"support.{x}") for x in names]


def _interval(value: Any, field: str) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ProblemError(field, value, "a pair (lower, upper)")
    ends = {-oo: "-inf", oo: "inf"}
    lower, upper = (ends[end] if isinstance(end, Expr) and end in ends else number(end, field) for end in value)
    return lower, upper


def _initial_text(value: Any, names: list[str]) -> str:
    if not isinstance(value, Expr):
        return str(value)
    (text,) = texts([value.xreplace({I: Symbol("I")})], [*names, "I"], "initial_condition")
    return text
