"""Families whose verdict follows from their structure: Metzler, symmetric, Hamiltonian and gyroscopic matrices."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from hybrid.selftest import oracle
from hybrid.selftest.listed import Question
from hybrid.selftest.oracle import MARGINAL, STABLE, UNSTABLE
from hybrid.selftest.spectra import Draw, Integers, similar, verdicts
from hybrid.selftest.stacks import Codes, Matrices, MatrixStack
from hybrid.verify.lyapunov import FloatArray


def _stability(family: str, A: Matrices, truth: Codes, abscissa: FloatArray | None = None) -> MatrixStack:
    return MatrixStack(family, Question.STABILITY, False, truth, A, abscissa=abscissa)


def _only_zero(truth: Codes) -> FloatArray:
    """The abscissa where it is known: 0 of what is marginal."""
    return np.where(truth == MARGINAL, 0.0, np.nan)


def less_than_an_ulp(rng: Draw, count: int) -> MatrixStack:
    """[[−a, b], [c, −d]] with numbers of up to 53 bits and ad − bc = −1, 0 or 1: of a saddle, a line, or a node."""
    bits, rows, signs = int(rng.integers(8, 53)), [], []
    for _ in range(count):
        sign = int(rng.integers(-1, 2))
        if sign:
            b = int(rng.integers(2, 2**bits))
            a = next(a for a in rng.integers(1, b, 64).tolist() if math.gcd(a, b) == 1)
            d = pow(a, -1, b) * sign % b
            c = (a * d - sign) // b
        else:
            p, q, r, s = (int(x) for x in rng.integers(1, 2 ** (bits // 2), 4))
            a, d, b, c = p * q, r * s, p * r, q * s
        rows.append([[-a, b], [c, -d]])
        signs.append(a * d - b * c)
    A = np.array(rows, dtype=np.int64)
    # With a + d > 0 the sum of the eigenvalues is negative and their product has the sign of ad − bc.
    truth = verdicts(-np.sign(np.array(signs)))
    return _stability("less than an ulp", Matrices.of(A, int(rng.integers(-60, 60))), truth, _only_zero(truth))


def kahan(rng: Draw, count: int) -> MatrixStack:
    """−1 times Kahan's triangular matrices, with a corner that makes them singular, or nearly so, or a little more.

    Off the diagonal they are positive, so the abscissa is an eigenvalue, simple since the matrix is irreducible, and it
    is negative just if the leading minors of −A are positive (M-matrices: Berman and Plemmons 1979, Theorem 6.2.3);
    all but the last are those of a triangular matrix.
    """
    n = int(rng.integers(3, 7))
    power = np.arange(n)  # of sin θ, from row to row
    angle = rng.uniform(0.3, 1.4, count)[:, None]
    A = np.zeros((count, n, n))
    A += np.triu(np.broadcast_to((np.cos(angle) * np.sin(angle) ** power)[:, :, None], A.shape), 1)
    A[:, power, power] = -(np.sin(angle) ** power)
    truth = np.empty(count, dtype=np.int64)
    for i in range(count):
        matrix = [[int(x) for x in row] for row in np.ldexp(-A[i], 80).tolist()]  # entries are multiples of 2⁻⁸⁰
        minor = _determinant([row[1:] for row in matrix[:-1]]) * (-1) ** (n + 1)
        threshold = Fraction(_determinant(matrix), minor * 2**80)
        corner = _beside(float(threshold), int(rng.integers(-2, 3)))
        A[i, -1, 0] = corner
        margin = threshold - Fraction(corner)
        truth[i] = STABLE if margin > 0 else UNSTABLE if margin < 0 else MARGINAL
    return _stability("Kahan", Matrices(A), truth, _only_zero(truth))


def _determinant(matrix: list[list[int]]) -> int:
    """The last of the leading minors; 0 where one before it vanishes, which does not happen here."""
    minors = oracle.leading_minors(matrix)
    return minors[-1] if len(minors) == len(matrix) else 0


def _beside(x: float, ulps: int) -> float:
    for _ in range(abs(ulps)):
        x = math.nextafter(x, math.copysign(math.inf, ulps))
    return x


def wilkinson(rng: Draw, count: int) -> MatrixStack:
    """Wilkinson's W⁺ and W⁻, and their like, shifted by the double nearest to an extreme eigenvalue, or beside it."""
    n = 2 * int(rng.integers(1, 5)) + 1
    diagonal = np.abs(np.arange(n) - n // 2) if rng.random() < 0.5 else np.arange(n) - n // 2
    off = rng.integers(1, 4, count)
    W = diagonal * np.eye(n) + off[:, None, None] * (np.eye(n, k=1) + np.eye(n, k=-1))
    largest = np.linalg.eigvalsh(W)[:, -1]
    shift = np.array([_beside(x, int(k)) for x, k in zip(largest, rng.integers(-3, 4, count), strict=True)])
    whole = rng.random(count) < 0.3  # shifts for which W − cI may be singular: of order 3, off the integers never
    A = W - np.where(whole, np.rint(largest), shift)[:, None, None] * np.eye(n)
    truth = np.array([_tridiagonal(np.diag(a).tolist(), int(b)) for a, b in zip(A, off, strict=True)])
    return _stability("Wilkinson", Matrices(A), truth, _only_zero(truth))


def _tridiagonal(diagonal: list[float], off: int) -> int:
    """The verdict of a symmetric tridiagonal matrix: the leading minors of −A are a Sturm sequence."""
    minors = [Fraction(1), -Fraction(diagonal[0])]
    for d in diagonal[1:]:
        minors.append(-Fraction(d) * minors[-1] - off * off * minors[-2])
    if min(minors[:-1]) <= 0 or minors[-1] < 0:
        return UNSTABLE
    return STABLE if minors[-1] > 0 else MARGINAL


def hamiltonian(rng: Draw, count: int) -> MatrixStack:
    """Hamiltonian matrices: a centre or a saddle in each degree of freedom, or a drift between them, then sheared.

    [[a, b], [c, −a]] has the eigenvalues ±√(a² + bc).
    """
    f = int(rng.integers(1, 3))
    a, b = rng.integers(-(2**8), 2**8, (count, f)), rng.choice((-1, 1), (count, f))
    square = rng.choice((-9, -1, -1, -1, 0, 1), (count, f))
    c = b * (square - a * a)
    still = (square == 0) & (rng.random((count, f)) < 0.5)
    a, b, c = (np.where(still, 0, x) for x in (a, b, c))
    A = np.concatenate([_blocks(a, b), _blocks(c, -a)], axis=1)
    for lower in (False, True):
        S = rng.integers(-2, 3, (count, f, f))
        A = _sheared(A, S + np.swapaxes(S, 1, 2), lower)
    unstable = ((square > 0) | ((square == 0) & ~still)).any(1)
    truth = np.where(unstable, UNSTABLE, MARGINAL).astype(np.int64)
    return _stability("Hamiltonian", Matrices.of(A, int(rng.integers(-40, 40))), truth, _only_zero(truth))


def _blocks(left: Integers, right: Integers) -> Integers:
    """[diag(left) diag(right)]."""
    eye = np.eye(left.shape[1], dtype=np.int64)
    return np.concatenate([left[:, :, None] * eye, right[:, :, None] * eye], axis=2)


def _sheared(A: Integers, S: Integers, lower: bool) -> Integers:
    """T A T⁻¹ with T = [[I, S], [0, I]], or its like below the diagonal; symplectic for symmetric S."""
    f = S.shape[1]
    T = np.broadcast_to(np.eye(2 * f, dtype=np.int64), A.shape).copy()
    back = T.copy()
    rows, columns = (slice(f, None), slice(f)) if lower else (slice(f), slice(f, None))
    T[:, rows, columns], back[:, rows, columns] = S, -S
    return T @ A @ back


def gyroscopic(rng: Draw, count: int) -> MatrixStack:
    """q'' + (D + G) q' + K q = 0 in two degrees of freedom, where gyroscopic forces just stabilise, or just do not.

    Without damping s² has the roots of t² + (g² + k₁ + k₂) t + k₁k₂, and a double one has one eigenvector unless g = 0.
    With damping in both the stiffness alone decides (Kelvin, Tait and Chetaev: Merkin 1997, §6.3).
    """
    p, q = rng.integers(1, 2**10, (2, count))
    g = np.where(rng.random(count) < 0.2, 0, p + q + rng.integers(-1, 2, count))
    sign = rng.choice((-1, 1), (2, count))
    k1, k2 = sign[0] * p * p, np.where(rng.random(count) < 0.2, sign[0] * p * p, sign[1] * q * q)
    damping = rng.integers(1, 9, (2, count)) * (rng.random(count) < 0.3)
    A = np.zeros((count, 4, 4), dtype=np.int64)
    A[:, 0, 2] = A[:, 1, 3] = 1
    A[:, 2, 0], A[:, 3, 1] = -k1, -k2
    A[:, 2, 3], A[:, 3, 2] = -g, g
    A[:, 2, 2], A[:, 3, 3] = -damping
    total, product = g * g + k1 + k2, k1 * k2
    spread = total * total - 4 * product
    centre = (product > 0) & (total > 0) & ((spread > 0) | ((spread == 0) & (g == 0)))
    undamped = np.where(centre, MARGINAL, UNSTABLE)
    damped = np.where((k1 > 0) & (k2 > 0), STABLE, UNSTABLE)
    truth = np.where(damping[0] > 0, damped, undamped).astype(np.int64)
    exponent = int(rng.integers(-40, 40))
    return _stability("gyroscopic", Matrices.of(similar(A, rng), exponent), truth, _only_zero(truth))


def small_integers(rng: Draw, count: int) -> MatrixStack:
    """Any small integers, often on the boundary; here the oracle is the truth. Half of them in discrete time."""
    n, discrete = int(rng.integers(2, 4)), bool(rng.integers(0, 2))
    A = Matrices.of(rng.integers(-1, 2, (count, n, n)) - int(rng.integers(0, 2)) * np.eye(n, dtype=np.int64))
    truth = np.array([oracle.verdict(A.fractions(i), discrete) for i in range(count)])
    boundary = np.where(truth == MARGINAL, float(discrete), np.nan)
    return MatrixStack("small integers", Question.STABILITY, discrete, truth, A, abscissa=boundary)
