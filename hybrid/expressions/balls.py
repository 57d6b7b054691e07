"""Rigorous enclosures: a tape run over Arb balls encloses its value at every point of the box."""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from flint import arb, fmpq

from hybrid.expressions.evaluate import Arithmetic

_WIDE = arb(2) ** -10
"""Radius from which the endpoints of a monotone function give a tighter ball than Arb's formula."""


def _finite(operation: Callable[..., arb]) -> Callable[..., arb]:
    """The operation, refused where its argument may leave the domain: Arb's result is not finite there."""

    def value(*arguments: Any) -> arb:
        result = operation(*arguments)
        if not result.is_finite():
            raise ValueError
        return result

    return value


def _hull(a: arb, b: arb) -> arb:
    return a.union(b)


def _power(a: arb, k: int) -> arb:
    """a^k, tight on balls around 0 too: the range of an even power there starts at 0."""
    if k < 0:
        return 1 / _power(a, -k)
    if k == 0:
        return arb(1)
    if not a.contains(0):
        return a**k
    top = a.abs_upper() ** k
    return _hull(arb(0), top) if k % 2 == 0 else _hull(a.lower() ** k, a.upper() ** k)


def _tanh(a: arb) -> arb:
    return _hull(a.lower().tanh(), a.upper().tanh()) if a.rad() > _WIDE else a.tanh()


def _abs(a: arb) -> arb:
    return _hull(arb(0), a.abs_upper()) if a.contains(0) else abs(a)


def _slope(a: arb) -> arb:
    """The derivative of abs; over a ball around the kink all of [−1, 1] (Clarke's derivative)."""
    return a.sgn() if not a.contains(0) else arb(0, 1)


@cache
def balls() -> Arithmetic:
    """The arithmetic of Arb balls, at the precision of flint's context while a program is bound and run."""
    return Arithmetic(
        "balls",
        {
            "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _finite(operator.truediv),
            "neg": operator.neg, "^": _finite(_power), "root": _finite(arb.root),
            "sqrt": _finite(arb.sqrt), "log": _finite(arb.log), "tan": _finite(arb.tan),
            "asin": _finite(arb.asin), "acos": _finite(arb.acos), "exp": _finite(arb.exp),
            "sin": arb.sin, "cos": arb.cos, "atan": arb.atan, "tanh": _tanh,
            "sinh": _finite(arb.sinh), "cosh": _finite(arb.cosh),
            "abs": _abs, "sign": arb.sgn, "slope": _slope,
        },
        ball,
        arb.pi,
        arb,
    )  # fmt: skip


def ball(value: Fraction | int) -> arb:
    """The narrowest ball of the context's precision around an exact number."""
    return arb(fmpq(value.numerator, value.denominator))
