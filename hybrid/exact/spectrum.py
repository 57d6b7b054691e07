"""The spectrum of a rational matrix through its characteristic polynomial: exact tests, and enclosures to any width."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from flint import acb, arb, fmpq_mat, fmpz, fmpz_mat, fmpz_poly
from numpy.typing import NDArray

from hybrid.answer import Enclosure, Verdict
from hybrid.cached import cached_property
from hybrid.exact import polynomial
from hybrid.pole_region import Region
from hybrid.precision import working_precision
from hybrid.systems.exact_matrix import ExactMatrix

_GUESS_SLACK = 2.0**-34  # of the spectral radius: bounds to ten digits from eigenvalues in floats
_FIRST_PRECISION, _LAST_PRECISION = 64, 1 << 13  # bits; the last is reached by constructed cases only
_DISC_PRECISIONS = (_FIRST_PRECISION, 512)  # bits; eigenvalues closer than the last stay without separate discs


def integer_matrix(A: ExactMatrix) -> tuple[fmpz_mat, int]:
    """N and d > 0 with N = d A in integers.

    >>> integer_matrix(ExactMatrix.read([["1/2", 1]], "A"))
    ([1, 2], 2)
    """
    rows, columns = A.shape
    if A.radius is None:  # the doubles are exact: shift their mantissas to a common exponent
        mantissa, exponent = np.frexp(A.floats)
        whole = np.ldexp(mantissa, 53).astype(np.int64)
        lowest = int(np.where(whole == 0, 0, exponent - 53).min(initial=0))
        trailing = 0 if not lowest else _trailing_zeros(whole, exponent - 53 - lowest)
        shifts = (exponent - 53 - lowest - trailing).ravel().tolist()
        entries = [m << s if s >= 0 else m >> -s for m, s in zip(whole.ravel().tolist(), shifts, strict=True)]
        scale = -lowest - trailing
        if scale < 0:
            return fmpz_mat(rows, columns, [x << -scale for x in entries]), 1
        return fmpz_mat(rows, columns, entries), 1 << scale
    scale = math.lcm(*(x.denominator for row in A.fractions for x in row))
    entries = [x.numerator * (scale // x.denominator) for row in A.fractions for x in row]
    return fmpz_mat(rows, columns, entries), scale


def rational_matrix(A: ExactMatrix) -> fmpq_mat:
    """A as flint has it."""
    matrix, scale = integer_matrix(A)
    return fmpq_mat(matrix) / scale


def _trailing_zeros(whole: NDArray[np.int64], shifts: NDArray[Any]) -> int:
    """How many powers of two all of whole · 2^shifts have in common."""
    used = whole != 0
    if not used.any():
        return 0
    lowest_bit = np.frexp((whole & -whole).astype(np.float64))[1] - 1
    return int((lowest_bit + shifts)[used].min())


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of A = N/d in continuous or discrete time; `scaled` is det(sI − N), with roots d·λ."""

    matrix: fmpz_mat
    scale: int
    discrete: bool
    floats: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, A: ExactMatrix, *, discrete: bool) -> Spectrum:
        """The spectrum of a square matrix.

        >>> spectrum = Spectrum.of(ExactMatrix.read([[0, 1], [-1, 0]], "A"), discrete=False)
        >>> spectrum.verdict.value, spectrum.bounds
        ('marginal', (Fraction(0, 1), Fraction(0, 1)))
        """
        matrix, scale = integer_matrix(A)
        return cls(matrix, scale, discrete, A.floats)

    @cached_property
    def scaled(self) -> fmpz_poly:
        """det(sI − N)."""
        return self.matrix.charpoly()

    def is_below(self, bound: Fraction) -> bool:
        """Whether the abscissa (the radius, in discrete time) is smaller than `bound`."""
        if not self.discrete:
            return polynomial.is_hurwitz(polynomial.shifted(self.scaled, self.scale * bound))
        return bound > 0 and polynomial.is_schur(polynomial.stretched(self.scaled, self.scale * bound))

    def is_at_most(self, bound: Fraction) -> bool:
        """Whether the abscissa (the radius) is at most `bound`."""
        if not self.discrete:
            return polynomial.is_closed_hurwitz(polynomial.shifted(self.scaled, self.scale * bound))
        if bound <= 0:
            return bound == 0 and self.scaled == fmpz_poly([0] * self.scaled.degree() + [1])
        return polynomial.is_closed_schur(polynomial.stretched(self.scaled, self.scale * bound))

    @cached_property
    def is_stable(self) -> bool:
        """Whether every eigenvalue is strictly inside the stability boundary."""
        boundary, guessed = Fraction(self.discrete), self._guessed_bounds
        return self.is_below(boundary) if guessed is None else guessed[1] <= boundary

    @cached_property
    def is_on_boundary(self) -> bool:
        """Whether the abscissa (radius) is exactly that of the stability boundary."""
        return self._guessed_bounds is None and not self.is_stable and self.is_at_most(Fraction(self.discrete))

    def lies_in(self, region: Region) -> bool:
        """Whether every eigenvalue lies in the region."""
        below = self.is_below(region.boundary(self.discrete)) if region.decay else self.is_stable
        return below and (not region.damping or polynomial.in_sector(self.scaled, region.damping))

    @cached_property
    def verdict(self) -> Verdict:
        """Stable; marginal, with every boundary eigenvalue semisimple; or unstable."""
        if self.is_stable:
            return Verdict.STABLE
        return Verdict.MARGINAL if self.is_on_boundary and self._boundary_is_semisimple() else Verdict.UNSTABLE

    def _boundary_is_semisimple(self) -> bool:
        """Whether no boundary eigenvalue has a Jordan block above order 1, where none lies outside.

        With q the squarefree polynomial of the boundary eigenvalues and u the characteristic polynomial without them,
        (q u)(N) = 0 exactly if the minimal polynomial has them as simple roots.
        """
        p = self.scaled
        if not self.discrete:
            q = polynomial.boundary_factor(p)
        else:
            unit = polynomial.stretched(p, Fraction(self.scale))
            circle = polynomial.circle_factor(unit)
            q = polynomial.stretched(circle, Fraction(1, self.scale))
            q = q // q.content()
        u = polynomial.without_roots(p, q)
        if u.degree() + q.degree() == p.degree():
            return True
        return _at_matrix(q * u, self.matrix)

    def roots(self, precision: int) -> list[tuple[acb, int]]:
        """Each distinct eigenvalue of A in a ball, with its multiplicity."""
        with working_precision(precision):
            roots: Any = self.scaled.complex_roots()
            return [(root / self.scale, multiplicity) for root, multiplicity in roots]

    @cached_property
    def bounds(self) -> tuple[Fraction, Fraction]:
        """[lo, hi] around the abscissa (radius), narrow enough to show on which side of the boundary it lies."""
        boundary = Fraction(self.discrete)
        if self._guessed_bounds is not None:
            return self._guessed_bounds
        if self.is_on_boundary:
            return boundary, boundary
        precision = _FIRST_PRECISION
        while True:
            lo, hi = _extreme(self.roots(precision), self.discrete, precision)
            if not lo <= boundary <= hi or precision >= _LAST_PRECISION:
                return _outwards(lo, -math.inf, boundary), _outwards(hi, math.inf, boundary)
            precision *= 2

    @cached_property
    def _guessed_bounds(self) -> tuple[Fraction, Fraction] | None:
        """lo ≤ abscissa < hi, short numbers beside the float eigenvalues, proved by Routh: cheaper than all the roots.

        Both on one side of the stability boundary, which settles it. None where the guess is wrong (clustered
        eigenvalues, numbers beyond the doubles) or the boundary too near.
        """
        boundary = Fraction(self.discrete)
        if not np.isfinite(self.floats).all():
            return None
        try:
            values = np.linalg.eigvals(self.floats)
        except np.linalg.LinAlgError:
            return None
        guess = float((np.abs(values) if self.discrete else values.real).max())
        slack = float(np.abs(values).max()) * _GUESS_SLACK
        if not (math.isfinite(slack) and slack > 0 and math.isfinite(guess)):
            return None
        grid = 2.0 ** (math.frexp(slack)[1] - 1)
        step = Fraction(grid)
        lo, hi = (math.floor(guess / grid) - 1) * step, (math.ceil(guess / grid) + 1) * step
        decided = lo > boundary or hi <= boundary
        return (lo, hi) if decided and self.is_below(hi) and not self.is_below(lo) else None

    def enclosures(self) -> tuple[Enclosure, ...] | None:
        """A disc around each distinct eigenvalue, pairwise disjoint, wide enough for Smith's theorem to prove it.

        Sorted by real part, rightmost first; None where the last precision does not separate them. Around roots known
        within e, Smith's radius is at most √e̅ k e (e̅ = 2.718…) where the discs of radius 2 k e are disjoint (k distinct
        roots), so 2 k e is claimed.
        """
        for precision in _DISC_PRECISIONS:
            roots = self.roots(precision)
            discs = [_disc(root, multiplicity, len(roots), precision) for root, multiplicity in roots]
            if _disjoint(discs):
                return tuple(sorted(discs, key=lambda d: (-d.re, abs(d.im), -d.im)))
        return None


def as_claim(disc: Enclosure) -> dict[str, Any]:
    """An enclosure as a certificate states it."""
    return {"re": disc.re, "im": disc.im, "radius": disc.radius, "multiplicity": disc.multiplicity}


def to_fraction(x: arb) -> Fraction:
    """An exact arb (radius 0) as a rational."""
    mantissa, exponent = x.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _extreme(roots: list[tuple[acb, int]], discrete: bool, precision: int) -> tuple[Fraction, Fraction]:
    with working_precision(precision):
        if discrete:
            lows = [to_fraction(arb(root.abs_lower())) for root, _ in roots]
            highs = [to_fraction(arb(root.abs_upper())) for root, _ in roots]
        else:
            lows = [to_fraction(root.real.lower()) for root, _ in roots]
            highs = [to_fraction(root.real.upper()) for root, _ in roots]
    return max(lows), max(highs)


def _outwards(value: Fraction, direction: float, boundary: Fraction) -> Fraction:
    """Round to a double on the given side, unless that would reach the boundary or leave the doubles."""
    try:
        double = float(value)
    except OverflowError:
        return value
    if (Fraction(double) < value) == (direction > 0) and Fraction(double) != value:
        double = math.nextafter(double, direction)
    rounded = Fraction(double) if math.isfinite(double) else value
    return value if rounded == boundary else rounded


def _disc(root: acb, multiplicity: int, count: int, precision: int) -> Enclosure:
    """A disc around a ball, centred on a double where that is near enough."""
    with working_precision(precision):
        re, im = to_fraction(root.real.mid()), to_fraction(root.imag.mid())
        error = to_fraction(root.real.rad()) + to_fraction(root.imag.rad())
    if precision == _FIRST_PRECISION and max(abs(re), abs(im)) < 2**1000:
        near_re, near_im = Fraction(float(re)), Fraction(float(im))
        error += abs(near_re - re) + abs(near_im - im)
        re, im = near_re, near_im
    return Enclosure(re, im, _short_above(2 * count * error), multiplicity)


def _short_above(value: Fraction) -> Fraction:
    """A number of few digits, at least `value` and at most 1 % above."""
    if not value:
        return value
    shift = 8 - (value.numerator.bit_length() - value.denominator.bit_length())
    return Fraction(math.ceil(value * Fraction(2) ** shift)) / Fraction(2) ** shift


def _disjoint(discs: list[Enclosure]) -> bool:
    return all(
        (a.re - b.re) ** 2 + (a.im - b.im) ** 2 > (a.radius + b.radius) ** 2
        for i, a in enumerate(discs)
        for b in discs[:i]
    )


def _at_matrix(p: fmpz_poly, matrix: fmpz_mat) -> bool:
    """Whether p(N) = 0, by Horner's rule."""
    n = matrix.nrows()
    identity = fmpz_mat(n, n, [fmpz(i == j) for i in range(n) for j in range(n)])
    value = identity * p[p.degree()]
    for k in range(p.degree() - 1, -1, -1):
        value = value * matrix + identity * p[k]
    return not any(value.entries())
