"""Exact evaluation over ℚ + ℚπ: the rational numbers, and the multiples of π that angles are written with.

Rational operations are exact; a function has an exact value at its special points (sin 0, √4, cos π, sin π/6,
asin 1). Everything else ends in NotExact, and the answer is for `balls` to enclose.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from flint import fmpq

from hybrid.expressions.evaluate import KINK, Arithmetic
from hybrid.expressions.graph import UNARY
from hybrid.expressions.special import special_value

MAX_BITS = 100_000
"""Bits of numerator or denominator beyond which exact evaluation gives up."""


_ZERO = Fraction(0)  # most entries of a Jacobian


class NotExact(Exception):  # noqa: N818  an outcome, not an error: the value exists and is no rational number
    """The value is irrational, or too long to be worth having."""


class Angle:
    """A number a + bπ with rational a and b ≠ 0; π is transcendental, so it is neither rational nor zero."""

    __slots__ = ("multiple", "offset")

    def __init__(self, offset: fmpq, multiple: fmpq) -> None:
        self.offset, self.multiple = offset, multiple

    def __repr__(self) -> str:
        return f"{self.offset} + {self.multiple}*pi"

    def height_bits(self) -> int:
        """Bits of the longer number."""
        return max(self.offset.height_bits(), self.multiple.height_bits())

    def __neg__(self) -> Any:
        return Angle(-self.offset, -self.multiple)

    def __add__(self, other: Any) -> Any:
        offset, multiple = _parts(other)
        return _number(self.offset + offset, self.multiple + multiple)

    def __sub__(self, other: Any) -> Any:
        offset, multiple = _parts(other)
        return _number(self.offset - offset, self.multiple - multiple)

    def __rsub__(self, other: Any) -> Any:
        return -(self - other)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Angle):
            raise NotExact
        return _number(self.offset * other, self.multiple * other)

    __radd__, __rmul__ = __add__, __mul__

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, Angle):
            return _number(self.offset / other, self.multiple / other)
        ratio = self.multiple / other.multiple
        if self.offset != ratio * other.offset:
            raise NotExact
        return ratio

    def __rtruediv__(self, other: Any) -> Any:
        if other == 0:
            return fmpq(0)
        raise NotExact

    def __pow__(self, k: int) -> Any:
        raise NotExact


def _parts(value: Any) -> tuple[Any, Any]:
    return (value.offset, value.multiple) if isinstance(value, Angle) else (value, fmpq(0))


def _number(offset: fmpq, multiple: fmpq) -> Any:
    return offset if multiple == 0 else Angle(offset, multiple)


_SINES = {k: fmpq(*ratio) for k, ratio in {0: (0, 1), 1: (1, 2), 3: (1, 1), 5: (1, 2)}.items()}
_SINES |= {k + 6: -sine for k, sine in _SINES.items()}


def _sine(angle: Angle, quarter: int) -> fmpq:
    """sin(bπ + quarter·π/2): rational just at the multiples of π/6 where it is 0, ±1/2 or ±1 (Niven)."""
    sixths = 6 * angle.multiple + 3 * quarter
    if angle.offset != 0 or sixths.q != 1 or int(sixths.p) % 12 not in _SINES:
        raise NotExact
    return _SINES[int(sixths.p) % 12]


def _tangent(angle: Angle) -> fmpq:
    """tan(bπ): rational just at the multiples of π/4 (Niven); a pole at the odd multiples of π/2."""
    quarters = 4 * angle.multiple
    if angle.offset != 0 or quarters.q != 1:
        raise NotExact
    if int(quarters.p) % 4 == 2:
        raise ZeroDivisionError
    return fmpq((0, 1, 0, -1)[int(quarters.p) % 4])


def _arc(op: str, a: fmpq) -> Any:
    """The arcs that are rational multiples of π: arcsine and arccosine of 0, ±1/2, ±1, arctangent of ±1."""
    half, twice = fmpq(1, 2), 2 * a
    if op == "atan":
        return Angle(fmpq(0), a / 4) if abs(a) == 1 else None
    if twice.q != 1:
        return None
    arcsine = {0: fmpq(0), 1: fmpq(1, 6), 2: half}[int(abs(twice).p)] * (1 if a > 0 else -1)
    return _number(fmpq(0), arcsine if op == "asin" else half - arcsine)


def _function(op: str) -> Callable[[Any], Any]:
    """An operation of one argument on rationals and angles."""

    def value(a: Any) -> Any:
        if isinstance(a, Angle):
            if op == "tan":
                return _tangent(a)
            if op in ("sin", "cos"):
                return _sine(a, 1 if op == "cos" else 0)
            raise NotExact
        result = special_value(op, a, 0)
        if result is None and op in ("asin", "acos", "atan"):
            result = _arc(op, a)
        if result is None:
            raise NotExact
        return result

    return value


def _root(a: Any, k: int) -> Any:
    root = None if isinstance(a, Angle) else special_value("root", a, k)
    if root is None:
        raise NotExact
    return root


def _bounded(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The operation, given up on where its result is longer than MAX_BITS."""

    def value(a: Any, b: Any) -> Any:
        result = operation(a, b)
        if result is not KINK and result.height_bits() > MAX_BITS:
            raise NotExact
        return result

    return value


def _power(a: Any, k: int) -> Any:
    if not isinstance(a, Angle) and a.height_bits() * abs(k) > MAX_BITS:
        raise NotExact
    return a**k


def _slope(a: Any) -> Any:
    if isinstance(a, Angle):
        raise NotExact
    return KINK if a == 0 else fmpq(1 if a > 0 else -1)


@cache
def exact() -> Arithmetic:
    """The arithmetic of fmpq and Angle values; running a tape in it raises NotExact where a value is neither."""
    return Arithmetic(
        "exact",
        {
            "+": _bounded(operator.add), "-": _bounded(operator.sub), "*": _bounded(operator.mul),
            "/": _bounded(operator.truediv), "^": _power, "root": _root,
            **{op: _function(op) for op in UNARY}, "neg": operator.neg, "slope": _slope,
        },
        rational,
        lambda: Angle(fmpq(0), fmpq(1)),
        fmpq,
    )  # fmt: skip


def rational(value: Fraction | int) -> fmpq:
    """The same number in flint's arithmetic, which is ten times as fast as Python's."""
    return fmpq(value.numerator, value.denominator)


def fraction(value: Any) -> Fraction:
    """The same number as Python's Fraction; NotExact for an angle."""
    if isinstance(value, Angle):
        raise NotExact
    return Fraction(int(value.p), int(value.q)) if value != 0 else _ZERO
