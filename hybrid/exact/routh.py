"""How many roots lie right of a line, from balls around the coefficients of a real polynomial."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import acb_mat, arb, arb_poly, fmpq


def real_polynomial(M: Any) -> arb_poly:
    """det(sI − M), lowest power first; of a complex M times its conjugate, whose roots are the conjugate ones.

    The product is real and has degree 2n: the characteristic polynomial of the real matrix [[X, −Y], [Y, X]] for
    M = X + jY.
    """
    p: Any = M.charpoly()
    if not isinstance(M, acb_mat):
        return arb_poly(p)
    x, y = (arb_poly([getattr(c, part) for c in p.coeffs()]) for part in ("real", "imag"))
    return x * x + y * y


def roots_beyond(p: arb_poly, line: Fraction) -> int | None:
    """The number of roots with real part above `line`; None where the balls are too wide, or a root is on the line.

    Sign changes in the first column of Routh's array, each of its entries certainly not 0.

    Source: Gantmacher 1959, vol. 2, ch. XV, Theorem 2.

    >>> roots_beyond(arb_poly([-2, 1, 1]), Fraction(0))
    1
    """
    shifted = p(arb_poly([arb(fmpq(line.numerator, line.denominator)), 1])).coeffs()[::-1]
    upper, lower = shifted[0::2], shifted[1::2]
    changes = 0
    while lower:
        pivot, first = lower[0], upper[0]
        if pivot.contains(0) or first.contains(0):
            return None
        changes += (pivot > 0) != (first > 0)
        ratio = first / pivot
        below = [*lower[1:], arb(0)]
        upper, lower = lower, [a - ratio * b for a, b in zip(upper[1:], below, strict=False)]
    return changes


def without_zeros(p: arb_poly, count: int) -> arb_poly:
    """p / s^count, where its lowest coefficients are known to be 0."""
    return arb_poly(p.coeffs()[count:])
