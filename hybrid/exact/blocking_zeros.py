"""A real zero that blocks every path of the feedback, where the open loop has the wrong sign."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, ctx, fmpq, fmpq_poly, fmpz_poly

from hybrid.exact import polynomial
from hybrid.exact.scalar_gain import real_roots
from hybrid.exact.spectrum import to_fraction
from hybrid.exact.static_loop import StaticLoop, matchings

_PRECISIONS = (64, 256, 1024)  # bits

Enclosure = tuple[Fraction, Fraction]


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
    >>> from hybrid.question import Region
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
    for precision in _PRECISIONS:
        with ctx.workprec(precision):
            for ball in real_roots(g):
                if ball > 0 and _value(p, ball) < 0:
                    lo, hi = to_fraction(ball.lower()), to_fraction(ball.upper())
                    if g(_rational(lo)) * g(_rational(hi)) < 0:
                        return lo, hi
    return None


def _value(p: fmpq_poly, x: arb) -> arb:
    value = arb(0)
    for c in reversed(p.coeffs()):
        value = value * x + arb(c)
    return value


def _rational(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)
