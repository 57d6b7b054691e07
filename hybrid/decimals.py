"""Short decimals that still enclose: a lower end is never rounded up, an upper end never down."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from hybrid.systems.numbers import spell

_FEWEST_DIGITS = 4  # significant digits that an end of an enclosure shows
MOST_DIGITS = 12  # a reader compares no more; the certificate keeps them all


def exactly(lo: Fraction | None, hi: Fraction | None) -> str | None:
    """The one number between lo and hi, where they are equal and short enough to be read.

    >>> exactly(Fraction(-1, 3), Fraction(-1, 3)), exactly(Fraction(0), Fraction(1))
    ('-1/3', None)
    """
    if lo is None or lo != hi:
        return None
    text = spell(lo)
    return text if len(text) <= MOST_DIGITS else None


def outwards(lo: Fraction | None, hi: Fraction | None) -> tuple[str | None, str | None]:
    """Decimals a ≤ lo and b ≥ hi, with two digits more than it takes to tell them apart; None is unbounded.

    Every end keeps its sign and 4 to 12 significant digits of its own.

    >>> outwards(Fraction(-2, 3), Fraction(-2, 3) + Fraction(1, 10**6))
    ('-0.6666667', '-0.6666656')
    """
    width = None if lo is None or hi is None else hi - lo
    return (
        None if lo is None else _directed(lo, width, math.floor),
        None if hi is None else _directed(hi, width, math.ceil),
    )


def at_most(value: Fraction) -> str:
    """A decimal of two digits that is no smaller than `value` ≥ 0.

    >>> at_most(Fraction(1, 3 * 10**9))
    '3.4e-10'
    """
    if not value:
        return "0"
    unit = _leading(value) - 1
    return _decimal(math.ceil(value / _power(unit)), unit)


def short_centre(re: Fraction, im: Fraction, radius: Fraction) -> tuple[str, str, Fraction]:
    """Decimals near the centre of a disc, with digits down to its radius, and how far away they are at most.

    >>> short_centre(Fraction(1, 3), Fraction(0), Fraction(1, 1000))
    ('0.3333', '0', Fraction(1, 30000))
    """
    size = max(abs(re), abs(im))
    unit = _leading(size) - MOST_DIGITS + 1 if size else 0
    if radius:
        unit = max(unit, _leading(radius) - 1)
    x, y = round(re / _power(unit)), round(im / _power(unit))
    moved = abs(re - x * _power(unit)) + abs(im - y * _power(unit))
    return _decimal(x, unit), _decimal(y, unit), moved


def _directed(value: Fraction, width: Fraction | None, towards: Callable[[Fraction], int]) -> str:
    if not value:
        return "0"
    size = _leading(value)
    unit, finest = size - _FEWEST_DIGITS + 1, size - MOST_DIGITS + 1
    if width is not None:
        unit = min(unit, _leading(width) - 1) if width else finest
    unit = max(unit, finest)
    return _decimal(towards(value / _power(unit)), unit)


def _decimal(units: int, exponent: int) -> str:
    """The exact decimal units·10^exponent without trailing zeros, scientific where it is long."""
    if not units:
        return "0"
    digits = str(abs(units)).rstrip("0")
    exponent += len(str(abs(units))) - len(digits)
    sign, leading = "-" if units < 0 else "", exponent + len(digits) - 1
    if not -5 < leading < 16:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{leading:+d}"
    if exponent >= 0:
        return sign + digits + "0" * exponent
    padded = digits.rjust(1 - exponent, "0")
    return f"{sign}{padded[:exponent]}.{padded[exponent:]}"


def _leading(value: Fraction) -> int:
    """The exponent of the leading decimal digit, to within one."""
    return math.floor(math.log10(abs(value.numerator)) - math.log10(value.denominator))


def _power(exponent: int) -> Fraction:
    return Fraction(10) ** exponent
