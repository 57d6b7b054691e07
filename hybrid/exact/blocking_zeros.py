"""A real zero that blocks every path of the feedback, where the open loop has the wrong sign."""

from __future__ import annotations

from fractions import Fraction

from flint import fmpq, fmpq_poly, fmpz_poly

from hybrid.exact import polynomial
from hybrid.exact.real_roots import Enclosure, real_roots, refine
from hybrid.exact.static_loop import StaticLoop, matchings

_HALVINGS = (0, 200, 1000)  # of an enclosure, until the sign is certain there


def find(loop: StaticLoop, most_gains: int) -> Enclosure | None:
    """[lo, hi] around a real z ≥ 0 where det(zI − A + B K C) is the same negative number for every K.

    The region is moved to the left half plane (in discrete time by z = (s_d − 1)/(s_d + 1), which takes the real s_d
    beyond the circle to the z ≥ 0). For a single loop that is a zero of the plant, or of every path from an input to
    an output that the structure closes. The polynomial is negative at z and positive for large arguments, so that it
    has a root beyond z for every K: the plant has an odd number of real poles there. Static gains have no pole to
    mend it, as in the parity interlacing property.

    The differences of det(sI − A + B K C) between the gains of `matchings` and K = 0 span all that K can change, so
    that z is a root of their greatest common divisor.

    Source: Youla, Bongiorno and Lu 1974, Automatica 10, 159–173.

    >>> import numpy as np
    >>> from hybrid.pole_region import Region
    >>> from hybrid.systems.linear import LinearSystem
    >>> plant = LinearSystem([[0, 1], [2, 1]], [[0], [1]], [[-1, 1]])  # (s − 1)/((s + 1)(s − 2))
    >>> find(StaticLoop.of(plant, np.ones((1, 1), dtype=bool), Region(), output=True), 10)
    (Fraction(1, 1), Fraction(1, 1))
    """
    sets = matchings(loop.free, most_gains)
    if sets is None:
        return None
    start = fmpq_poly(loop.coefficients({}))
    common = fmpz_poly([])
    for T in sets[1:]:
        common = common.gcd((fmpq_poly(loop.coefficients(dict.fromkeys(T, 1))) - start).numer())
        if common.degree() == 0:
            return None
    if common.degree() < 1:
        return None
    g = polynomial.squarefree(common)
    return _rational_zero(g, start) or _enclosed_zero(g, start)


def _rational_zero(g: fmpz_poly, p: fmpq_poly) -> Enclosure | None:
    for root, _ in fmpq_poly(g).roots():
        if root >= 0 and p(root) < 0:
            z = Fraction(int(root.p), int(root.q))
            return z, z
    return None


def _enclosed_zero(g: fmpz_poly, p: fmpq_poly) -> Enclosure | None:
    """Ends with different signs of g and p < 0 in between."""
    for enclosure in real_roots(g) or []:
        for halvings in _HALVINGS:
            lo, hi = refine(g, enclosure, halvings)
            if lo > 0 and _is_negative(p, lo, hi):
                return lo, hi
    return None


def _is_negative(p: fmpq_poly, lo: Fraction, hi: Fraction) -> bool:
    """Whether p < 0 from lo to hi, as p(lo) and all that may be added to it on the way show."""
    ends = fmpq(lo.numerator, lo.denominator), fmpq(hi.numerator, hi.denominator)
    along = p(fmpq_poly([ends[0], ends[1] - ends[0]]))
    return bool(along[0] + sum((c for c in along.coeffs()[1:] if c > 0), fmpq(0)) < 0)
