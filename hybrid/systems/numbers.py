"""Exact numbers in and out: text is the rational that it spells, a float is the double that it stores."""

from __future__ import annotations

import re
import struct
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.errors import DimensionError, ParseError, ProblemError

_MAX_LETTERS = 4000  # longer numbers are an attack or a mistake, and exact arithmetic would crawl
_MAX_EXPONENT = 1200  # decimal; doubles end at 308
_MAX_BITS = 20_000  # of numerator and denominator
_DECIMAL_UP_TO = 10_000  # bits; Python refuses to print integers of more than 4300 decimal digits
_MAGNITUDE = 2**63 - 1  # of a double's bits, all but the sign
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>(?:\d+(?:\.\d*)?|\.\d+))(?:[eE](?P<exponent>[+-]?\d{1,8}))?"
    r"(?:\s*/\s*(?P<denominator>\d+)|\s*(?:\*\*|\^)\s*(?P<power>[+-]?\d{1,8}))?"
)
_HEX_FLOAT = re.compile(
    r"(?P<sign>[+-]?)0x(?P<whole>[0-9a-fA-F]+)(?:\.(?P<part>[0-9a-fA-F]*))?p(?P<power>[+-]?\d{1,6})"
)
EXPECTED = f"a finite number such as 2, -0.1, 1e-3, 1/3 or 2**-40, within 1e±{_MAX_EXPONENT}"


def parse_number(text: str, field: str) -> Fraction:
    """Read a decimal, fraction, integer power or hexadecimal float as an exact rational.

    Raises:
        ParseError: the text is no finite number, or one beyond the limits above.

    >>> parse_number("0.1", "A"), parse_number("1/3", "A"), parse_number("2**-2", "A"), parse_number("0x1.8p1", "A")
    (Fraction(1, 10), Fraction(1, 3), Fraction(1, 4), Fraction(3, 1))
    """
    stripped = text.strip()
    if len(stripped) <= _MAX_LETTERS:
        decimal, binary = _NUMBER.fullmatch(stripped), _HEX_FLOAT.fullmatch(stripped)
        if decimal is not None:
            exponent, power = int(decimal["exponent"] or 0), int(decimal["power"] or 1)
            if abs(exponent) <= _MAX_EXPONENT and abs(power) <= _MAX_BITS:
                value = _assemble(decimal["whole"], exponent, decimal["denominator"], power, field, stripped)
                return _within_limits(-value if decimal["sign"] == "-" else value, field)  # −2**2 is −(2**2)
        elif binary is not None and abs(int(binary["power"])) <= _MAX_BITS:
            part = binary["part"] or ""
            digits = int(binary["sign"] + binary["whole"] + part, 16)
            return _within_limits(digits * Fraction(2) ** (int(binary["power"]) - 4 * len(part)), field)
    raise ParseError(field, repr(text[:80]), EXPECTED)


def _assemble(whole: str, exponent: int, denominator: str | None, power: int, field: str, text: str) -> Fraction:
    base = Fraction(whole) * Fraction(10) ** exponent if exponent else Fraction(whole)
    if denominator is None and power == 1:
        return base
    if denominator is not None and int(denominator) == 0:
        raise ParseError(field, text, "a fraction whose denominator is not zero")
    if power < 0 and base == 0:
        raise ParseError(field, text, "a power of a number that is not zero")
    if power != 1 and abs(power) * max(base.numerator.bit_length(), base.denominator.bit_length()) > _MAX_BITS:
        raise ParseError(field, text, f"a power with at most {_MAX_BITS} bits")
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
    if isinstance(value, float | np.float16 | np.float32) and np.isfinite(value):
        return stored(float(value))
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) <= _MAX_EXPONENT:
        return _within_limits(Fraction(value), field)
    if isinstance(value, Rational) and not isinstance(value, bool | np.timedelta64):
        return _within_limits(Fraction(int(value.numerator), int(value.denominator)), field)  # no numpy integers inside
    raise ProblemError(field, value, EXPECTED)


def stored(double: float) -> Fraction:
    """The rational that a finite double stores, also where the thread takes subnormal numbers for zero.

    >>> stored(0.1) == Fraction(0.1), stored(-5e-324) == Fraction(-1, 2**1074)
    (True, True)
    """
    if double:
        return Fraction(double)
    (bits,) = struct.unpack("<q", struct.pack("<d", double))
    size = bits & _MAGNITUDE
    return Fraction(-size if bits < 0 else size, 2**1074)


def _within_limits(value: Fraction, field: str) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
        raise ProblemError(field, "a number of too many digits", f"at most {_MAX_BITS} bits above and below the line")
    return value


def spell(value: Fraction) -> str:
    """The shortest exact text: an integer, a short decimal, a hexadecimal double, or a fraction.

    >>> spell(Fraction(-3)), spell(Fraction(1, 10)), spell(Fraction(0.1)), spell(Fraction(1, 3))
    ('-3', '0.1', '0x1.999999999999ap-4', '1/3')
    """
    if value.denominator == 1 and abs(value.numerator) < 10**40:
        return str(value.numerator)
    double = nearest_float(value)
    if abs(double) != float("inf"):
        if Fraction(decimal := repr(double)) == value:
            return decimal
        if Fraction(double) == value:
            return double.hex()
    longest = max(value.numerator.bit_length(), value.denominator.bit_length())
    digits = str if longest < _DECIMAL_UP_TO else hex
    above, below = digits(value.numerator), digits(value.denominator)
    return above if value.denominator == 1 else f"{above}/{below}"


def nearest_float(value: Fraction) -> float:
    """The double nearest to a rational, infinite beyond the range of doubles."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def expect_doubles(field: str, value: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """A gain is made of doubles, and so has to be what it is computed from."""
    if not np.isfinite(value).all():
        raise ProblemError(field, "a number above 1.8e308", "numbers in the range of doubles, to compute a gain")


def number_rows(values: ArrayLike, width: int, name: str) -> NDArray[Any]:
    """(width,) or (k, width), of doubles or complex doubles.

    Raises:
        ProblemError, DimensionError: no numbers, or of another shape.
    """
    array = np.asarray(values)
    try:
        array = array.astype(complex if array.dtype.kind == "c" else float)
    except (TypeError, ValueError):
        raise ProblemError(name, values, f"{width} numbers") from None
    if array.ndim not in (1, 2) or array.shape[-1] != width:
        raise DimensionError(name, f"shape {array.shape}", f"({width},), or (k, {width}) for a stack")
    return array
