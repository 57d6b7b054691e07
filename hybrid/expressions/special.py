"""Where an elementary function of an exact number is an exact number, and where it has no value."""

from __future__ import annotations

from math import isqrt
from typing import Any

EXPECTED = {
    "/": "a divisor that is not zero",
    "^": "a base that is not zero under a negative exponent",
    "root": "a root of a number that is not negative",
    "sqrt": "a square root of a number that is not negative",
    "log": "a logarithm of a positive number",
    "tan": "a tangent away from its poles",
    "asin": "an arcsine of a number from -1 to 1",
    "acos": "an arccosine of a number from -1 to 1",
    "abs": "abs away from its kink at 0, where it has no derivative",
    "slope": "abs away from its kink at 0, where it has no derivative",
    "sign": "sign away from its jump at 0, where it has no derivative",
}
"""What an operation asks of its argument, for the sentence of a DomainError."""

_AT_ZERO = {
    "neg": 0, "exp": 1, "sin": 0, "cos": 1, "tan": 0, "asin": 0, "atan": 0, "sinh": 0, "cosh": 1, "tanh": 0,
    "sqrt": 0, "root": 0, "abs": 0, "sign": 0,
}  # fmt: skip


def special_value(op: str, a: Any, k: int) -> Any | None:
    """The exact value of an operation at a rational number, or None where it is irrational or not looked for.

    Works on `Fraction` and on flint's `fmpq` and returns the same type. The functions exp, log, sin, … take
    irrational values at every other rational number (Lindemann–Weierstrass).

    Raises:
        ArithmeticError: the operation has no (real, finite) value there.

    """
    number = type(a)
    if op == "^":
        return a**k
    if op in ("sqrt", "root"):
        return exact_root(a, k if op == "root" else 2)
    if (op == "log" and a <= 0) or (op in ("asin", "acos") and abs(a) > 1) or (op == "slope" and a == 0):
        raise ArithmeticError
    if a == 0 and op in _AT_ZERO:
        return number(_AT_ZERO[op])
    if op == "neg":
        return -a
    if op == "abs":
        return abs(a)
    if op in ("sign", "slope"):
        return number(1 if a > 0 else -1)
    return number(0) if a == 1 and op in ("log", "acos") else None


def exact_root(a: Any, k: int) -> Any | None:
    """a^(1/k) for a rational a ≥ 0, or None where it is irrational; a negative a raises ArithmeticError."""
    if a < 0:
        raise ArithmeticError
    numerator, denominator = (_integer_root(int(part), k) for part in (a.numerator, a.denominator))
    return None if numerator is None or denominator is None else type(a)(numerator, denominator)


def _integer_root(value: int, k: int) -> int | None:
    """The integer whose k-th power is value ≥ 0, if there is one, by Newton's iteration from above."""
    if k == 2:
        root = isqrt(value)
    else:
        root = 1 << -(-value.bit_length() // k)
        while root and (step := ((k - 1) * root + value // root ** (k - 1)) // k) < root:
            root = step
    return root if root**k == value else None
