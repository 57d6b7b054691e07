"""Families whose spectrum is chosen first, in integers, and hidden by similarities that are as exact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hybrid.selftest.listed import Question
from hybrid.selftest.oracle import MARGINAL, STABLE, UNSTABLE
from hybrid.selftest.stacks import Codes, Matrices, MatrixStack
from hybrid.verify.lyapunov import FloatArray

Integers = NDArray[np.int64]
Draw = np.random.Generator

_DOUBLE = 2**53
_ORDERS = (2, 2, 2, 3, 3, 4)
"""Numbers of states, small ones more often: they cost less, and are as easily wrong."""


def verdicts(top: Integers, defective: NDArray[np.bool_] | bool = False) -> Codes:
    """What an abscissa of the sign of `top` means, where the eigenvalues on the boundary are defective or are not."""
    return np.where(top < 0, STABLE, np.where((top > 0) | defective, UNSTABLE, MARGINAL)).astype(np.int64)


def _order(rng: Draw) -> int:
    return int(rng.choice(_ORDERS))


def tops(rng: Draw, count: int) -> Integers:
    """−1, 0 or 1 for each case: the abscissa in units of the family."""
    return rng.integers(-1, 2, count)


def similar(A: Integers, rng: Draw, largest: int = _DOUBLE, B: Integers | None = None) -> Integers:
    """T A T⁻¹ (and T B, in place) for random integer T of determinant 1; entries stay within `largest`.

    Row i plus k times row j, then column j less k times column i, with another k for each case.
    """
    A, n = A.copy(), A.shape[-1]
    for _ in range(2 * n if n > 1 else 0):
        if np.abs(A).max() > largest // 9 or (B is not None and np.abs(B).max() > largest // 9):
            break
        i, j = rng.choice(n, 2, replace=False)
        k = rng.integers(-2, 3, (len(A), 1)).astype(A.dtype)
        A[:, i, :] += k * A[:, j, :]
        A[:, :, j] -= k * A[:, :, i]
        if B is not None:
            B[:, i, :] += k * B[:, j, :]
    return A


def blocks(rng: Draw, n: int, top: Integers, low: int) -> Integers:
    """Block diagonal matrices with real eigenvalues and complex pairs, the rightmost at `top`, others down to −low."""
    count, i = len(top), 0
    A = np.zeros((count, n, n), dtype=np.int64)
    while i < n:
        pair = i + 1 < n and rng.random() < 0.5
        lower = np.where(rng.random(count) < 0.2, top, np.minimum(top, -rng.integers(1, low + 1, count)))
        real = top if i == 0 else lower
        for k in range(i, i + 1 + pair):
            A[:, k, k] = real
        if pair:
            A[:, i, i + 1] = rng.integers(1, low + 1, count)
            A[:, i + 1, i] = -A[:, i, i + 1]
        i += 1 + pair
    return A


def _stability(
    family: str, A: Matrices, truth: Codes, abscissa: FloatArray | None = None, discrete: bool = False
) -> MatrixStack:
    return MatrixStack(family, Question.STABILITY, discrete, truth, A, abscissa=abscissa)


def _hidden_spectrum(
    family: str, bits: tuple[int, int], exponents: tuple[int, int], orders: tuple[int, ...] = _ORDERS
) -> Callable[[Draw, int], MatrixStack]:
    """Spectra with eigenvalues down to −2^bits and the abscissa at 0 or ±1, all times 2^exponent."""

    def draw(rng: Draw, count: int) -> MatrixStack:
        n, low, exponent = int(rng.choice(orders)), 2 ** int(rng.integers(*bits)), int(rng.integers(*exponents))
        top = tops(rng, count)
        A = similar(blocks(rng, n, top, low), rng)
        return _stability(family, Matrices.of(A, exponent), verdicts(top), np.ldexp(top.astype(float), exponent))

    return draw


integer_similarity = _hidden_spectrum("integer similarity", (1, 20), (-40, 40))
one_ulp = _hidden_spectrum("one ulp", (36, 48), (-60, 60))
large_plants = _hidden_spectrum("large plants", (1, 8), (-40, 40), (12, 21, 24))
tiny_spectra = _hidden_spectrum("tiny spectra", (1, 20), (-1000, -960))


def rational_similarity(rng: Draw, count: int) -> MatrixStack:
    """T Λ T⁻¹ with T not unimodular: entries are fractions that no double holds."""
    n, top = _order(rng), tops(rng, count)
    weight = rng.integers(1, 8, n)
    common = int(np.prod(weight))
    A = blocks(rng, n, top, 9) * weight[:, None] * (common // weight)[None, :]
    A = similar(A, rng, 2**60)
    return _stability("rational similarity", Matrices.of(A, 0, common), verdicts(top), top.astype(float))


def tiny_beside_large(rng: Draw, count: int) -> MatrixStack:
    """An abscissa of ±1e-300 or 0 beside eigenvalues of order 1, in coordinates where no entry shows it."""
    n, top, unit = int(rng.integers(2, 4)), tops(rng, count), 10**300
    A = blocks(rng, n, np.zeros(count, dtype=np.int64), 9).astype(object) * unit
    real = A[:, np.arange(n), np.arange(n)]
    A[:, np.arange(n), np.arange(n)] = np.where(real == 0, top[:, None].astype(object), real)
    return _stability("tiny beside large", Matrices.of(similar(A, rng, unit**2), 0, unit), verdicts(top))


def jordan_blocks(rng: Draw, count: int) -> MatrixStack:
    """Chains of real or imaginary eigenvalues at the abscissa, some of whose links are missing."""
    n, top = _order(rng), tops(rng, count)
    step = 2 if n == 4 and rng.random() < 0.5 else 1
    length = 4 if step == 2 else int(rng.integers(1, n + 1))
    A = blocks(rng, n, np.minimum(top, -1), 9)
    A[:, :length, :length] = 0
    A[:, length:, :length] = 0
    A[:, :length, length:] = 0
    for i in range(length):
        A[:, i, i] = top
    if step == 2:
        frequency = rng.integers(1, 9, count)
        for i in (0, 2):
            A[:, i, i + 1], A[:, i + 1, i] = frequency, -frequency
    linked = np.zeros(count, dtype=bool)
    for i in range(0, length - step, step):
        link = rng.integers(0, 2, count) * rng.integers(1, 2 ** int(rng.integers(1, 12)), count)
        for k in range(i, i + step):
            A[:, k, k + step] = link
        linked |= link != 0
    if length < n:  # what is left of a pair that was cut is no pair any more
        A[:, length:, length:] = np.tril(A[:, length:, length:])
    exponent = int(rng.integers(-40, 40))
    abscissa = np.ldexp(top.astype(float), exponent)
    return _stability("Jordan blocks", Matrices.of(similar(A, rng), exponent), verdicts(top, linked), abscissa)


def clustered_companions(rng: Draw, count: int) -> MatrixStack:
    """Companion matrices whose roots lie within 2 units of each other, but for one that is far away."""
    n, top = int(rng.integers(2, 7)), tops(rng, count)
    roots = top[:, None] - rng.integers(0, 3, (count, n))
    roots[:, 0] = top
    if n > 2:
        roots[:, -1] = -(2 ** int(rng.integers(2, 40)))
    p = np.ones((count, 1), dtype=np.int64)
    for k in range(n):
        p = np.pad(p, ((0, 0), (0, 1))) - roots[:, k : k + 1] * np.pad(p, ((0, 0), (1, 0)))
    A = np.zeros((count, n, n), dtype=np.int64)
    A[:, np.arange(n - 1), np.arange(1, n)] = 1
    A[:, -1, :] = -p[:, :0:-1]
    repeated = (roots == 0).sum(1) > 1  # companion matrices have one block for each eigenvalue
    exponent = int(rng.integers(-40, 40))
    abscissa = np.ldexp(top.astype(float), exponent)
    return _stability("clustered companions", Matrices.of(A, exponent), verdicts(top, repeated), abscissa)


def huge_entries(rng: Draw, count: int) -> MatrixStack:
    """D Λ D⁻¹ with powers of two in D: entries of 1e±300 in one matrix."""
    n, top = _order(rng), tops(rng, count)
    A = similar(blocks(rng, n, top, 99), rng, 2**40)
    power = rng.integers(-475, 476, (count, n))
    exponent = power[:, :, None] - power[:, None, :] + int(rng.integers(-20, 20))
    unit = exponent[:, 0, 0]
    return _stability("huge entries", Matrices.of(A, exponent), verdicts(top), np.ldexp(top.astype(float), unit))


def subnormals(rng: Draw, count: int) -> MatrixStack:
    """Matrices whose entries are subnormal, all or some of them."""
    n, top = _order(rng), tops(rng, count)
    A, exponent = similar(blocks(rng, n, top, 99), rng, 2**40), int(rng.integers(-1074, -1020))
    return _stability("subnormals", Matrices.of(A, exponent), verdicts(top), np.ldexp(top.astype(float), exponent))


def unit_circle(rng: Draw, count: int) -> MatrixStack:
    """Discrete time: the largest modulus is 1, or 1 ± 2^−k, among rotations by right angles and Jordan blocks."""
    n, top, k = _order(rng), tops(rng, count), int(rng.integers(2, 46))
    edge = 2**k + top
    A = np.zeros((count, n, n), dtype=np.int64)
    defective = np.zeros(count, dtype=bool)
    kind = int(rng.integers(0, 3)) if n > 2 else int(rng.integers(0, 2))
    if kind == 0:  # ±edge
        A[:, 0, 0] = edge * rng.choice((-1, 1), count)
    else:  # ±edge j, in one way or the other
        A[:, 0, 1], A[:, 1, 0] = -edge, edge
    if kind == 2:  # ±edge twice, linked or not
        A[:, :2, :2] = 0
        A[:, 0, 0] = A[:, 1, 1] = edge * rng.choice((-1, 1), count)
        A[:, 0, 1] = rng.integers(0, 2, count) * rng.integers(1, 2**k + 1, count)
        defective = A[:, 0, 1] != 0
    for i in range(1 if kind == 0 else 2, n):
        A[:, i, i] = rng.integers(-(2**k) + 2, 2**k - 1, count)
    abscissa = np.ldexp(edge.astype(float), -k)
    truth = verdicts(top, defective)
    return _stability("unit circle", Matrices.of(similar(A, rng), -k), truth, abscissa, discrete=True)
