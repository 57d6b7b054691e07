"""What the inputs cannot reach: rank of the Kalman matrix modulo a prime, and exact left-invariant subspaces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpz, fmpz_mat, nmod, nmod_mat

from hybrid.exact.spectrum import Spectrum, integer_matrix
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, require_inputs

LARGEST_PRIME = (1 << 61) - 1


@dataclass(frozen=True)
class Reach:
    """The controllable subspace of a pair: its dimension, proved modulo `prime`, and what it leaves out.

    W (r, n) and F (r, r) with W A = F W, W B = 0, rank W = r = n − dimension: the rows of W span the left-invariant
    subspace that no input reaches, and the eigenvalues of F are the uncontrollable ones. None where all is reached.
    """

    dimension: int
    prime: int
    W: ExactMatrix | None = None
    F: ExactMatrix | None = None

    def unreached(self, *, discrete: bool) -> Spectrum | None:
        """The uncontrollable eigenvalues."""
        return None if self.F is None else Spectrum.of(self.F, discrete=discrete)


def reach(system: LinearSystem) -> Reach:
    """Find the controllable subspace of (A, B) exactly.

    Full rank of [B AB … Aⁿ⁻¹B] modulo a prime proves full rank over Q. Where it is deficient, the left null space of
    the independent columns gives W; if W is invariant, it proves the deficiency, otherwise the prime was unlucky.

    Source: Kalman, Ho and Narendra 1963; Hautus 1969 (W with F in Jordan form is a left eigenvector test).

    >>> reach(LinearSystem([[1, 0], [0, 2]], [[1], [0]])).F
    ExactMatrix([['2']])
    """
    A, _ = integer_matrix(system.A)
    B, _ = integer_matrix(require_inputs(system))
    for prime in _primes():
        columns = _independent_columns(nmod_mat(A, prime), nmod_mat(B, prime))
        if len(columns) == system.n:
            return Reach(system.n, prime)
        W = _left_null_space(_exact_columns(A, B, columns), system.n)
        F = _invariant_action(W, A)
        if F is not None and not any((W * fmpq_mat(B)).entries()):
            scale = integer_matrix(system.A)[1]
            return Reach(system.n - W.nrows(), prime, _to_exact(W), _to_exact(F / scale))
    raise AssertionError("there are infinitely many primes, and finitely many divide a minor")


def _primes() -> Iterator[int]:
    """Primes below 2⁶¹, downwards: a further one is needed only where a plant was built against those before."""
    return (candidate for candidate in range(LARGEST_PRIME, 1, -2) if fmpz(candidate).is_prime())


def _independent_columns(A: nmod_mat, B: nmod_mat) -> list[tuple[int, int]]:
    """Pairs (power k, input i) so that the columns Aᵏ b_i span the controllable subspace modulo the prime.

    All powers at once where the subspace is everything, which one elimination shows; otherwise chain by chain.
    """
    n, m, prime = A.nrows(), B.ncols(), int(A.modulus())
    blocks = [B]
    while len(blocks) < n:
        blocks.append(A * blocks[-1])
    tables = [block.tolist() for block in blocks]
    rows = [int(table[j][i]) for table in tables for i in range(m) for j in range(n)]  # one row for each column Aᵏb_i
    krylov = nmod_mat(n, n * m, [rows[c * n + j] for j in range(n) for c in range(n * m)], prime)
    reduced, rank = krylov.rref()
    pivots, row = [], 0
    for column in range(n * m):
        if row < rank and reduced[row, column] == nmod(1, prime):
            pivots.append((column // m, column % m))
            row += 1
    return pivots


def _exact_columns(A: fmpz_mat, B: fmpz_mat, columns: list[tuple[int, int]]) -> fmpz_mat:
    """The chosen columns over Z, one in each row, each divided by its content."""
    n = A.nrows()
    chosen: list[list[int]] = []
    for i in sorted({i for _, i in columns}):
        vector = fmpz_mat(n, 1, [B[j, i] for j in range(n)])
        depth = max(k for k, j in columns if j == i)
        for k in range(depth + 1):
            entries = [int(x) for x in vector.entries()]
            content = math.gcd(*entries) or 1
            entries = [x // content for x in entries]
            vector = fmpz_mat(n, 1, entries)
            if (k, i) in columns:
                chosen.append(entries)
            vector = A * vector
    return fmpz_mat(len(chosen), n, [x for row in chosen for x in row]) if chosen else fmpz_mat(1, n)


def _left_null_space(columns: fmpz_mat, n: int) -> fmpq_mat:
    """Reduced basis (with an identity in its pivot columns) of the vectors orthogonal to each row of `columns`."""
    basis, nullity = columns.nullspace()
    rows = [[basis[i, j] for i in range(n)] for j in range(int(nullity))]
    reduced, rank = fmpq_mat(fmpz_mat(len(rows), n, [x for row in rows for x in row])).rref()
    return fmpq_mat(int(rank), n, reduced.entries()[: int(rank) * n])


def _invariant_action(W: fmpq_mat, A: fmpz_mat) -> fmpq_mat | None:
    """F with W A = F W, None where the rows of W do not span an invariant subspace."""
    r, n = W.nrows(), W.ncols()
    product = W * fmpq_mat(A)
    pivots = [next(j for j in range(n) if W[i, j]) for i in range(r)]
    F = fmpq_mat(r, r, [product[i, j] for i in range(r) for j in pivots])
    return F if product == F * W else None


def _to_exact(matrix: fmpq_mat) -> ExactMatrix:
    return ExactMatrix.from_fractions(tuple(tuple(_to_fraction(x) for x in row) for row in matrix.tolist()))


def _to_fraction(x: fmpq) -> Fraction:
    return Fraction(int(x.p), int(x.q))
