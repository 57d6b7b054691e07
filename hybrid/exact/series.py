"""Truncated power series in time: a tape run over them gives values and derivatives in t, enclosed in balls.

Every operation is refused where it may not be analytic, so that a result is the series of an analytic function.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import Any

from flint import acb_series, arb, arb_series, ctx, fmpq

from hybrid.expressions.evaluate import Arithmetic
from hybrid.precision import working_precision

_OUTSIDE: dict[str, Callable[[Any], bool]] = {
    "sqrt": lambda x: x < 0, "log": lambda x: x < 0, "asin": lambda x: abs(x) > 1, "acos": lambda x: abs(x) > 1,
}  # fmt: skip
_ON_CUT: dict[str, Callable[[Any], bool]] = {
    "sqrt": lambda z: z.imag.contains(0) and not z.real > 0,
    "log": lambda z: z.imag.contains(0) and not z.real > 0,
    "asin": lambda z: z.imag.contains(0) and not abs(z.real) < 1,
    "acos": lambda z: z.imag.contains(0) and not abs(z.real) < 1,
    "atan": lambda z: z.real.contains(0) and not abs(z.imag) < 1,
}  # fmt: skip
"""Where a complex argument may lie on a branch cut, beside which the function is another one."""


@contextmanager
def working(precision: int, length: int) -> Iterator[None]:
    """Series of so many coefficients in balls of so many bits."""
    before = ctx.cap
    with working_precision(precision):
        ctx.cap = length
        try:
            yield
        finally:
            ctx.cap = before


@cache
def series(complex_values: bool) -> Arithmetic:
    """The arithmetic of `arb_series`; with complex values, a real number outside a real domain gives an `acb_series`.

    A real number stays on its own side of a branch cut, as it is real at every time; a complex one that may lie on a
    cut is refused.
    """
    functions = {name: _function(name, complex_values) for name in ("sqrt", "log", "asin", "acos", "atan", "exp")}
    functions |= {name: _finite(operator.methodcaller(name)) for name in ("sin", "cos", "tan")}
    return Arithmetic(
        "complex series" if complex_values else "series",
        {
            "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _finite(operator.truediv),
            "neg": operator.neg, "^": _finite(_power), "root": lambda x, k: functions["exp"](functions["log"](x) / k),
            **functions, "sinh": lambda x: _hyperbolic(x, operator.sub), "cosh": lambda x: _hyperbolic(x, operator.add),
            "tanh": lambda x: _finite(operator.truediv)(
                _hyperbolic(x, operator.sub), _hyperbolic(x, operator.add)
            ),
            "abs": lambda x: _sign(x) * x, "sign": lambda x: arb_series([_sign(x)]),
            "slope": lambda x: arb_series([_sign(x)]),
        },
        _constant,
        lambda: arb_series([arb.pi()]),
        lambda k: arb_series([k]),
    )  # fmt: skip


def variable(instant: Fraction) -> Any:
    """Time around an instant."""
    return arb_series([arb(fmpq(instant.numerator, instant.denominator)), 1])


def _constant(value: Fraction) -> Any:
    return arb_series([arb(fmpq(value.numerator, value.denominator))])


def _finite(operation: Callable[..., Any]) -> Callable[..., Any]:
    def value(*arguments: Any) -> Any:
        result = operation(*arguments)
        if not all(coefficient.is_finite() for coefficient in result.coeffs()):
            raise ValueError
        return result

    return value


def _power(x: Any, k: int) -> Any:
    return 1 / _power(x, -k) if k < 0 else x**k


def _sign(x: Any) -> int:
    start = x[0]
    if isinstance(x, acb_series) or start.contains(0):
        raise ValueError
    return 1 if start > 0 else -1


def _hyperbolic(x: Any, combine: Callable[[Any, Any], Any]) -> Any:
    up = x.exp()
    return _finite(combine)(up, (-x).exp()) / 2


def _function(name: str, complex_values: bool) -> Callable[[Any], Any]:
    """An analytic function; ValueError where its argument may leave the domain."""

    def value(x: Any) -> Any:
        start = x[0]
        if isinstance(x, acb_series):
            if name in _ON_CUT and _ON_CUT[name](start):
                raise ValueError
        elif complex_values and name in _OUTSIDE and _OUTSIDE[name](start):
            x = acb_series(x)
        elif (name in ("sqrt", "log") and not start > 0) or (name in ("asin", "acos") and not abs(start) < 1):
            raise ValueError
        if isinstance(x, acb_series) and name in ("asin", "acos"):
            return _complex_arc(name, x)
        return getattr(x, name)()

    return _finite(value)


def _complex_arc(name: str, x: Any) -> Any:
    """asin or acos by their derivative, as acb_series has neither."""
    rate = x.derivative() / (1 - x * x).sqrt()
    start = getattr(x[0], name)()
    return start + (rate if name == "asin" else -rate).integral()
