"""A plant under u = −K y: det(sI − A + B K C) as a function of the entries of K, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpq_poly, fmpz_poly

from hybrid.cached import cached_property
from hybrid.exact import polynomial
from hybrid.exact.spectrum import rational_matrix
from hybrid.pole_region import Region
from hybrid.question import Mask
from hybrid.systems.linear import LinearSystem, require_inputs

Entry = tuple[int, int]  # (input, output) of an entry of K
CHECKED_WORK = 3 * 10**10  # the checker's limit on each step, in products of 30-bit digits
Matching = tuple[Entry, ...]  # no two in one row or in one column of K


@dataclass(frozen=True)
class StaticLoop:
    """A − B K C, where K is free in some entries and 0 in the others, and the region where its eigenvalues should lie.

    Attributes:
        A, B, C: (n, n), (n, m), (p, n); C is the identity where the state is fed back.
        free: the entries of K that are free.
        edge: the abscissa (radius) below which every eigenvalue has to lie.
        discrete: whether time runs in samples.
    """

    A: fmpq_mat
    B: fmpq_mat
    C: fmpq_mat
    free: tuple[Entry, ...]
    edge: Fraction
    discrete: bool

    @classmethod
    def of(cls, system: LinearSystem, free: Mask, region: Region, output: bool) -> StaticLoop:
        """The loop of one system; `free` has the shape of K.

        >>> import numpy as np
        >>> plant = LinearSystem([[0, 1], [0, 0]], [[0], [1]], [[1, 0]])
        >>> loop = StaticLoop.of(plant, np.ones((1, 1), dtype=bool), Region(), output=True)
        >>> loop.coefficients({(0, 0): 3})
        [3, 0, 1]
        """
        C = _identity(system.n) if not output or system.C is None else rational_matrix(system.C)
        entries = tuple((i, j) for i, row in enumerate(free.tolist()) for j, x in enumerate(row) if x)
        edge = region.boundary(system.is_discrete)
        B = rational_matrix(require_inputs(system))
        return cls(rational_matrix(system.A), B, C, entries, edge, system.is_discrete)

    @property
    def n(self) -> int:
        """Number of states."""
        return int(self.A.nrows())

    @property
    def transposed(self) -> StaticLoop:
        """(Aᵀ, Cᵀ, Bᵀ) with Kᵀ, which has the same closed-loop eigenvalues."""
        free = tuple(sorted((j, i) for i, j in self.free))
        return StaticLoop(self.A.transpose(), self.C.transpose(), self.B.transpose(), free, self.edge, self.discrete)

    @cached_property
    def checked_gains(self) -> int:
        """For how many gains the stand-alone checker is willing to compute the characteristic polynomial."""
        matrix, _ = self._moved({}).numer_denom()
        digits = max(int(x).bit_length() for x in matrix.entries()) // 30 + 1
        return CHECKED_WORK // ((self.n**4 // 4 + 1) * (20 + self.n * digits**2 // 2))

    def closed(self, gain: dict[Entry, int | fmpq]) -> fmpq_mat:
        """A − B K C for the entries of K that are not 0."""
        K = fmpq_mat(self.B.ncols(), self.C.nrows())
        for entry, value in gain.items():
            K[entry] = value
        return self.A - self.B * K * self.C

    def coefficients(self, gain: dict[Entry, int | fmpq]) -> list[fmpq]:
        """n + 1 numbers, constant term first, which are all positive if every eigenvalue lies in the region.

        They are those of p(s + edge), p the characteristic polynomial. In discrete time they are those of
        (1 − s)ⁿ q((1 + s)/(1 − s)) with q(z) = p(edge · z)/edgeⁿ: where every root of q lies in the open unit disc, the
        ends q(1) and (−1)ⁿ q(−1) are positive, the roots in s lie in the open left half plane, and so the other
        coefficients have that sign too.
        """
        if not self.discrete:
            return _padded(self._moved(gain).charpoly(), self.n)
        return _padded(_to_half_plane(self._moved(gain).charpoly(), self.n), self.n)

    def contains(self, gain: dict[Entry, int | fmpq]) -> bool:
        """Whether every closed-loop eigenvalue lies in the region."""
        p = fmpq_poly(self.coefficients(gain)).numer()
        return p.degree() == self.n and polynomial.is_hurwitz(p)

    def has_outside(self, factor: fmpz_poly) -> bool:
        """Whether a root of a polynomial lies outside the region."""
        if self.discrete:
            return not polynomial.is_schur(polynomial.stretched(factor, self.edge))
        return not polynomial.is_hurwitz(polynomial.shifted(factor, self.edge))

    @cached_property
    def trace(self) -> fmpq | None:
        """The trace of the closed loop, moved so that the region is the half plane or the disc; None if K changes it.

        It is tr A − Σ K_ij (C B)_ji.
        """
        moves = self.C * self.B
        if any(moves[j, i] for i, j in self.free):
            return None
        moved = self._moved({})
        return sum((moved[i, i] for i in range(self.n)), fmpq(0))

    def _moved(self, gain: dict[Entry, int | fmpq]) -> fmpq_mat:
        closed, edge = self.closed(gain), fmpq(self.edge.numerator, self.edge.denominator)
        return closed / edge if self.discrete else closed - _identity(self.n) * edge


def matchings(free: Sequence[Entry], most: int) -> list[Matching] | None:
    """Every set of free entries without two in one row or column, the empty set first; None if more than `most`.

    det(sI − A + B K C) is the sum over these sets T of Π_T K_ij times a polynomial π_T(s), by the formula of Cauchy and
    Binet, as every minor of K is such a sum. With K = 1 on T and 0 elsewhere it is the sum of π_S over the subsets S of
    T, so that these values of K determine every π_T.

    >>> matchings([(0, 0), (0, 1), (1, 1)], 10)
    [(), ((0, 0),), ((0, 1),), ((1, 1),), ((0, 0), (1, 1))]
    """
    found: list[Matching] = []
    for matching in _matchings(tuple(free)):
        found.append(matching)
        if len(found) > most:
            return None
    return sorted(found, key=lambda matching: (len(matching), matching))


def _matchings(free: tuple[Entry, ...]) -> Iterator[Matching]:
    yield ()
    for k, (i, j) in enumerate(free):
        rest = tuple(entry for entry in free[k + 1 :] if entry[0] != i and entry[1] != j)
        yield from (((i, j), *others) for others in _matchings(rest))


def _to_half_plane(p: fmpq_poly, n: int) -> fmpq_poly:
    """(1 − s)ⁿ p((1 + s)/(1 − s)), where z + 1 = 2/(1 − s)."""
    moved = _padded(p(fmpq_poly([-1, 1])), n)  # in powers of z + 1
    return fmpq_poly([c * 2**k for k, c in enumerate(moved)][::-1])(fmpq_poly([1, -1]))


def _padded(p: fmpq_poly, n: int) -> list[fmpq]:
    return [p[k] for k in range(n + 1)]


def _identity(n: int) -> fmpq_mat:
    return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
