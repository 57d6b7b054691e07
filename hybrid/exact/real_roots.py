"""Real roots of integer polynomials, isolated by Descartes' rule of signs on halves.

Arb's root finder takes minutes where roots lie 2⁻²⁰⁰⁰ apart, as plants with numbers far out have them; halving an
interval two thousand times takes milliseconds.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from flint import fmpq, fmpz_poly

Enclosure = tuple[Fraction, Fraction]

_FURTHER = 64  # halvings of an isolating interval
_MOST_HALVINGS = 20_000


def real_roots(p: fmpz_poly) -> list[Enclosure] | None:
    """[lo, hi] around each distinct real root of a squarefree polynomial, ascending and disjoint; None if too hard.

    p changes its sign between lo and hi, or lo = hi is the root.

    Source: Collins and Akritas 1976, SYMSAC '76, 272–275.

    >>> [(float(lo), float(hi)) for lo, hi in real_roots(fmpz_poly([0, -3, 1]))]
    [(0.0, 0.0), (3.0, 3.0)]
    """
    if p.degree() < 1:
        return []
    zero = [(Fraction(0), Fraction(0))] if not p[0] else []
    rest = fmpz_poly(p.coeffs()[1:]) if zero else p
    above, below = _positive_roots(rest), _positive_roots(rest(fmpz_poly([0, -1])))
    if above is None or below is None:
        return None
    found = sorted([*((-hi, -lo) for lo, hi in below), *zero, *above])
    return found if all(first[1] < second[0] for first, second in pairwise(found)) else None


def refine(p: fmpz_poly, enclosure: Enclosure, halvings: int) -> Enclosure:
    """An enclosure of `real_roots`, halved so many times more."""
    lo, hi = enclosure
    rising = _sign_at(p, hi)
    for _ in range(halvings if lo < hi else 0):
        middle = (lo + hi) / 2
        sign = _sign_at(p, middle)
        if not sign:
            return middle, middle
        lo, hi = (lo, middle) if sign == rising else (middle, hi)
    return lo, hi


def _positive_roots(p: fmpz_poly) -> list[Enclosure] | None:
    """Of p with p(0) ≠ 0; ends are no roots unless they coincide."""
    scale = max(1, p.height_bits() - int(p[p.degree()]).bit_length() + 2)  # all roots lie below 2^scale (Cauchy)
    waiting = [(_stretched(p, scale), Fraction(0), Fraction(2) ** scale)]
    found: list[Enclosure] = []
    for _ in range(_MOST_HALVINGS):
        if not waiting:
            return found
        q, lo, width = waiting.pop()
        changes = _changes(fmpz_poly(q.coeffs()[::-1])(fmpz_poly([1, 1])))
        if changes == 1:
            start, end = _refined(q)
            found.append((lo + width * start, lo + width * end))
        elif changes:
            left = fmpz_poly([c << (q.degree() - k) for k, c in enumerate(map(int, q.coeffs()))])
            right, middle = left(fmpz_poly([1, 1])), lo + width / 2
            if not right[0]:
                found.append((middle, middle))
                right, left = fmpz_poly(right.coeffs()[1:]), _without_root_one(left)
            waiting += [(_primitive(left), lo, width / 2), (_primitive(right), middle, width / 2)]
    return None


def _refined(q: fmpz_poly) -> Enclosure:
    """Of the one root of q in (0, 1), with q(0) and q(1) not 0: neither end stays, as it may be another root of p."""
    enclosure = Fraction(0), Fraction(1)
    for _ in range(_MOST_HALVINGS // _FURTHER):
        lo, hi = enclosure = refine(q, enclosure, _FURTHER)
        if lo > 0 and hi < 1:
            break
    return enclosure


def _stretched(p: fmpz_poly, power: int) -> fmpz_poly:
    """p(2^power x)."""
    return _primitive(fmpz_poly([int(c) << (k * power) for k, c in enumerate(p.coeffs())]))


def _without_root_one(p: fmpz_poly) -> fmpz_poly:
    return p // fmpz_poly([-1, 1])


def _primitive(p: fmpz_poly) -> fmpz_poly:
    return fmpz_poly([c // p.content() for c in p.coeffs()])


def _changes(p: fmpz_poly) -> int:
    signs = [c > 0 for c in p.coeffs() if c]
    return sum(a != b for a, b in pairwise(signs))


def _sign_at(p: fmpz_poly, x: Fraction) -> int:
    value = p(fmpq(x.numerator, x.denominator))
    return (value > 0) - (value < 0)
