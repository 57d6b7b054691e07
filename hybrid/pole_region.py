"""Where poles have to lie: the region that a question asks about, and poles that are asked for one by one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.numbers import exact, expect_doubles, nearest_float, spell

if TYPE_CHECKING:
    from hybrid.systems.linear import LinearSystem

Pole = tuple[Fraction, Fraction]  # real and imaginary part, exact


@dataclass(frozen=True)
class Region:
    """The part of the complex plane where every pole has to lie.

    Continuous time: Re λ < −decay and Re λ < −damping·|λ|. Discrete time: |λ| < 1 − decay.

    >>> Region.read("1/2", 0.25, is_discrete=False)
    Region(decay=Fraction(1, 2), damping=Fraction(1, 4))
    """

    decay: Fraction = Fraction(0)
    damping: Fraction = Fraction(0)

    @classmethod
    def read(cls, decay: Any, damping: Any, *, is_discrete: bool) -> Region:
        """Validate a decay rate (1/s; in discrete time 1 − radius) and a damping ratio.

        Raises:
            ProblemError: a damping ratio outside [0, 1), a negative decay; in discrete time a decay of 1, or damping.
        """
        rate, ratio = exact(decay, "decay"), exact(damping, "damping")
        if not 0 <= ratio < 1:
            raise ProblemError("damping", spell(ratio), "a ratio with 0 ≤ ζ < 1")
        if is_discrete and ratio:
            expected = "0 in discrete time, where the sector is no region of the z-plane"
            raise ProblemError("damping", spell(ratio), expected)
        if rate < 0:
            raise ProblemError("decay", spell(rate), "a decay rate of 0 or more")
        if is_discrete and rate >= 1:
            raise ProblemError("decay", spell(rate), "0 ≤ σ < 1 in discrete time, for poles with |λ| < 1 − σ")
        return cls(rate, ratio)

    @property
    def is_plain(self) -> bool:
        """Whether this is stability itself, with no margin asked for."""
        return not self.decay and not self.damping

    def boundary(self, is_discrete: bool) -> Fraction:
        """The abscissa (or radius) below which the decay requirement holds."""
        return 1 - self.decay if is_discrete else -self.decay


def read_poles(value: Any, system: LinearSystem, region: Region) -> tuple[Pole, ...]:
    """The poles that are asked for: one for each state, conjugates together, all in the region.

    Args:
        value: numbers, complex numbers, pairs of real and imaginary part or texts ("-1+2j"); or a text with commas.
        system: whose closed loop is to have them.
        region: where they have to lie.

    Raises:
        ProblemError: no list, a pole without its conjugate or outside the region, or above the range of doubles.
        DimensionError: another number of poles than of states.
    """
    try:
        listed = value.split(",") if isinstance(value, str) else list(value)
    except TypeError:
        raise ProblemError("poles", value, "a list of numbers") from None
    poles = tuple(_pole(entry, f"poles[{i}]") for i, entry in enumerate(listed, 1))
    if len(poles) != system.n:
        raise DimensionError("poles", f"{len(poles)} poles", f"{system.n}, one for each state")
    expect_doubles("poles", np.array([[nearest_float(part) for part in pole] for pole in poles]))
    for re, im in poles:
        if poles.count((re, im)) != poles.count((re, -im)):
            raise ProblemError("poles", _spell_pole(re, im), "its complex conjugate in the list as often")
        if not _inside(re, im, region, system.is_discrete):
            raise ProblemError("poles", _spell_pole(re, im), _region_in_words(region, system.is_discrete))
    return poles


def _pole(entry: Any, field: str) -> Pole:
    if isinstance(entry, tuple | list) and len(entry) == 2:
        return exact(entry[0], field), exact(entry[1], field)
    if isinstance(entry, complex | np.complexfloating):
        return exact(entry.real, field), exact(entry.imag, field)
    if isinstance(entry, str) and entry.strip()[-1:] in ("j", "i"):
        return _complex_text(entry.strip()[:-1], field)
    return exact(entry, field), Fraction(0)


def _complex_text(body: str, field: str) -> Pole:
    """Read '-1+2' of '-1+2j': split at the last sign that does not belong to an exponent."""
    for i in range(len(body) - 1, 0, -1):
        if body[i] in "+-" and body[i - 1] not in "eE*^+-":
            imaginary = body[i:] if body[i + 1 :].strip() else body[i:] + "1"
            return exact(body[:i], field), exact(imaginary.replace(" ", ""), field)
    return Fraction(0), exact(body if body.strip("+- ") else body + "1", field)


def _inside(re: Fraction, im: Fraction, region: Region, is_discrete: bool) -> bool:
    square = re * re + im * im
    if is_discrete:
        return square < (1 - region.decay) ** 2
    return re < -region.decay and (not region.damping or re * re > region.damping**2 * square)


def _region_in_words(region: Region, is_discrete: bool) -> str:
    if is_discrete:
        return f"every pole inside |λ| < {spell(1 - region.decay)}"
    sector = f" and a damping ratio above {spell(region.damping)}" if region.damping else ""
    return f"every pole with real part below {spell(-region.decay)}{sector}"


def _spell_pole(re: Fraction, im: Fraction) -> str:
    return spell(re) if not im else f"{spell(re)}{'+' if im > 0 else '-'}{spell(abs(im))}j"
