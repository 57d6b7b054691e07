"""Exact numbers in and out: text is the rational that it spells, a float is the double that it stores."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any

from hybrid.errors import ParseError, ProblemError

_MAX_DIGITS = 4000  # longer numbers are an attack or a mistake, and exact arithmetic would crawl
_MAX_EXPONENT = 5000
_NUMBER = re.compile(
    r"(?P<whole>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:[eE](?P<exponent>[+-]?\d{1,8}))?"
    r"(?:\s*/\s*(?P<denominator>\d+)|\s*(?:\*\*|\^)\s*(?P<power>[+-]?\d{1,8}))?"
)
_HEX_FLOAT = re.compile(r"[+-]?0x[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?p[+-]?\d{1,6}")
EXPECTED = "a finite number such as 2, -0.1, 1e-3, 1/3 or 2**-40"


def parse_number(text: str, field: str) -> Fraction:
    """Read a decimal, fraction, integer power or hexadecimal float as an exact rational.

    Raises:
        ParseError: the text is no finite number, or has more than 4000 digits.

    >>> parse_number("0.1", "A"), parse_number("1/3", "A"), parse_number("2**-2", "A")
    (Fraction(1, 10), Fraction(1, 3), Fraction(1, 4))
    """
    stripped = text.strip()
    match = _NUMBER.fullmatch(stripped) if len(stripped) <= _MAX_DIGITS else None
    if match is not None:
        exponent, power = int(match["exponent"] or 0), int(match["power"] or 1)
        if max(abs(exponent), abs(power)) <= _MAX_EXPONENT:
            return _assemble(match["whole"], exponent, match["denominator"], power, field, stripped)
    elif len(stripped) <= _MAX_DIGITS and _HEX_FLOAT.fullmatch(stripped):
        try:
            return Fraction(float.fromhex(stripped))
        except (OverflowError, ValueError):
            pass
    raise ParseError(field, repr(text[:80]), EXPECTED)


def _assemble(
    whole: str, exponent: int, denominator: str | None, power: int, field: str, text: str
) -> Fraction:
    base = Fraction(whole) * Fraction(10) ** exponent
    if denominator is not None and int(denominator) == 0:
        raise ParseError(field, text, "a fraction whose denominator is not zero")
    if power < 0 and base == 0:
        raise ParseError(field, text, "a power of a number that is not zero")
    if power != 1 and abs(power) * max(base.numerator.bit_length(), base.denominator.bit_length()) > 20_000:
        raise ParseError(field, text, "a power with at most 20000 bits")
    return base**power / (int(denominator) if denominator is not None else 1)


def exact(value: Any, field: str) -> Fraction:
    """The exact rational that `value` stands for: str, int, Fraction, Decimal, or a float's stored double.

    Raises:
        ProblemError: not a number, or not finite.

    >>> exact(0.5, "decay"), exact("0.1", "decay")
    (Fraction(1, 2), Fraction(1, 10))
    """
    if isinstance(value, str):
        return parse_number(value, field)
    if isinstance(value, bool):
        raise ProblemError(field, value, EXPECTED)
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _MAX_EXPONENT:
            raise ProblemError(field, value, EXPECTED)
        return Fraction(value)
    if isinstance(value, int | Rational):
        return Fraction(value)
    try:  # numpy scalars and everything else that converts without loss
        as_float = float(value)
        if as_float != as_float or as_float in (float("inf"), float("-inf")):
            raise ProblemError(field, value, EXPECTED)
        return Fraction(as_float)
    except (TypeError, ValueError, OverflowError):
        raise ProblemError(field, value, EXPECTED) from None


def spell(value: Fraction) -> str:
    """The shortest exact text: an integer, a short decimal, a hexadecimal double, or a fraction.

    >>> spell(Fraction(-3)), spell(Fraction(1, 10)), spell(Fraction(0.1)), spell(Fraction(1, 3))
    ('-3', '0.1', '0x1.999999999999ap-4', '1/3')
    """
    if value.denominator == 1:
        return str(value.numerator) if abs(value.numerator) < 10**40 else _hex_or_ratio(value)
    try:
        decimal = repr(float(value))
        if Fraction(decimal) == value:
            return decimal
    except OverflowError:
        pass
    return _hex_or_ratio(value)


def _hex_or_ratio(value: Fraction) -> str:
    try:
        double = float(value)
        if Fraction(double) == value:
            return double.hex()
    except OverflowError:
        pass
    return f"{value.numerator}/{value.denominator}" if value.denominator != 1 else str(value.numerator)


def nearest_float(value: Fraction) -> float:
    """The double nearest to a rational, infinite beyond the range of doubles."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
