"""Stacked regulators: the Riccati solution by doubling, and Newton's iteration on it; eight rows at a time.

Guesses of high accuracy, and no more than guesses: a row without a stabilising solution gives NaN, inf, or noise.
"""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.blocks import (
    block,
    combine,
    copy,
    eliminate,
    fill,
    multiply,
    norm,
    replace,
    scale,
    scaled_identity,
    spill,
    symmetrise,
    transpose,
)
from hybrid.batch.kernels.compile import inner, kernel
from hybrid.batch.kernels.lanes import WIDTH, FloatArray, get, lanes, put, root, some
from hybrid.batch.kernels.lyapunov import cost_block

_DOUBLINGS = 30  # closed-loop poles down to about γ 2⁻³⁰ are resolved
_SETTLED = 1e-8  # relative step at which the next one, its square, is rounding


@kernel
def solve_regulators(
    A: FloatArray, B: FloatArray, Q: FloatArray, R: FloatArray, R_inverse: FloatArray, discrete: bool
) -> tuple[FloatArray, FloatArray]:
    """The stabilising Riccati solution P (N, n, n) and its gain K (N, m, n) for each row.

    AᵀP + PA − PBR⁻¹BᵀP + Q = 0, or P = AᵀPA − AᵀPB(R + BᵀPB)⁻¹BᵀPA + Q.

    Args:
        A, B: (N, n, n), (N, n, m).
        Q, R, R_inverse: (1, n, n), (1, m, m), (1, m, m), the same for all rows.
        discrete: x⁺ = A x + B u.

    Source: Chu, Fan, Lin and Wang 2004 (discrete time), Chu, Fan and Lin 2005, Linear Algebra Appl. 396 (continuous).
    """
    count, n, m = A.shape[0], A.shape[1], B.shape[2]
    P, K = np.empty((count, n, n)), np.empty((count, m, n))
    a, b, q, r, r_inverse = block(n, n), block(n, m), block(n, n), block(m, m), block(m, m)
    E, G, H, gain = block(n, n), block(n, n), block(n, n), block(m, n)
    fill(Q, 0, q)
    fill(R, 0, r)
    fill(R_inverse, 0, r_inverse)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        _weighted_square(b, r_inverse, G)
        if discrete:
            copy(a, E)
            copy(q, H)
        else:
            _to_discrete(a, q, E, G, H)
        _double(E, G, H)
        gain_block(a, b, H, r, r_inverse, discrete, gain)
        spill(H, P, first)
        spill(gain, K, first)
    return P, K


@kernel
def refine(
    A: FloatArray,
    B: FloatArray,
    K: FloatArray,
    Q: FloatArray,
    R: FloatArray,
    R_inverse: FloatArray,
    discrete: bool,
    steps: int,
) -> tuple[FloatArray, FloatArray]:
    """Newton's iteration: the cost matrix P of the gain K of each row, and the better gain that follows from it.

    From a stabilising start every iterate stabilises; from another one the rows become noise.

    Args: as `solve_regulators`, and K (N, m, n); steps: at least 1.

    Source: Kleinman 1968, IEEE TAC 13(1); Hewer 1971 for discrete time.
    """
    count, n, m = A.shape[0], A.shape[1], B.shape[2]
    P, better = np.empty((count, n, n)), np.empty((count, m, n))
    a, b, q, r, r_inverse = block(n, n), block(n, m), block(n, n), block(m, m), block(m, m)
    M, W, X, gain, pull, turned = block(n, n), block(n, n), block(n, n), block(m, n), block(m, n), block(n, m)
    fill(Q, 0, q)
    fill(R, 0, r)
    fill(R_inverse, 0, r_inverse)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        fill(K, first, gain)
        for _ in range(steps):
            multiply(b, gain, M)
            combine(a, lanes(-1.0), M, M)
            multiply(r, gain, pull)
            transpose(gain, turned)
            multiply(turned, pull, W)
            combine(q, lanes(1.0), W, W)
            cost_block(M, W, discrete, X)
            gain_block(a, b, X, r, r_inverse, discrete, gain)
        spill(X, P, first)
        spill(gain, better, first)
    return P, better


@kernel
def gains(
    A: FloatArray, B: FloatArray, P: FloatArray, R: FloatArray, R_inverse: FloatArray, discrete: bool
) -> FloatArray:
    """The gain K (N, m, n) that belongs to P: R⁻¹BᵀP, or (R + BᵀPB)⁻¹BᵀPA."""
    count, n, m = A.shape[0], A.shape[1], B.shape[2]
    K = np.empty((count, m, n))
    a, b, p, r, r_inverse, gain = block(n, n), block(n, m), block(n, n), block(m, m), block(m, m), block(m, n)
    fill(R, 0, r)
    fill(R_inverse, 0, r_inverse)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        fill(P, first, p)
        gain_block(a, b, p, r, r_inverse, discrete, gain)
        spill(gain, K, first)
    return K


@inner
def _weighted_square(B: FloatArray, R_inverse: FloatArray, out: FloatArray) -> None:
    """B R⁻¹ Bᵀ."""
    n, m = B.shape[0], B.shape[1]
    scaled, turned = block(n, m), block(m, n)
    multiply(B, R_inverse, scaled)
    transpose(B, turned)
    multiply(scaled, turned, out)


@inner
def _to_discrete(A: FloatArray, Q: FloatArray, E: FloatArray, G: FloatArray, H: FloatArray) -> None:
    """Cayley's transform of the continuous problem (A, G, Q): where the doubling begins; G in place."""
    n = A.shape[0]
    both, X, Y = block(n, 2 * n), block(n, n), block(n, n)
    multiply(G, Q, X)
    gamma = (norm(A) + root(norm(X))) * (1.0 / np.sqrt(n))
    left, right = both[:, :n], both[:, n:]
    scaled_identity(lanes(0.0) - gamma, X)
    combine(A, lanes(1.0), X, left)
    scaled_identity(lanes(1.0), right)
    eliminate(both)
    multiply(Q, right, H)  # Q (A − γI)⁻¹
    multiply(right, G, Y)  # (A − γI)⁻¹ G
    multiply(H, G, E)
    transpose(A, left)
    combine(left, lanes(1.0), X, left)
    combine(left, lanes(1.0), E, left)
    scaled_identity(lanes(1.0), right)
    eliminate(both)  # W = ((A − γI)ᵀ + Q(A − γI)⁻¹G)⁻¹
    twice = 2.0 * gamma
    multiply(Y, right, G)
    scale(G, twice)
    multiply(right, H, X)
    copy(X, H)
    scale(H, twice)
    transpose(right, Y)
    scaled_identity(lanes(1.0), X)
    combine(X, twice, Y, E)
    symmetrise(G)
    symmetrise(H)


@inner
def _double(E: FloatArray, G: FloatArray, H: FloatArray) -> None:
    """Doubling until H settles in every lane: H becomes the Riccati solution."""
    n = E.shape[0]
    both, turned, step, X = block(n, 3 * n), block(n, n), block(n, n), block(n, n)
    left, first, second = both[:, :n], both[:, n : 2 * n], both[:, 2 * n :]
    going = lanes(0.0) == 0.0
    for _ in range(_DOUBLINGS):
        multiply(G, H, left)
        for i in range(n):
            put(left, i, i, get(left, i, i) + 1.0)
        transpose(E, turned)
        copy(E, first)
        multiply(G, turned, second)
        eliminate(both)  # (I + GH)⁻¹ [E, GEᵀ]
        multiply(H, first, X)
        multiply(turned, X, step)
        multiply(E, second, X)
        combine(G, lanes(1.0), X, G)
        multiply(E, first, X)
        copy(X, E)
        combine(H, lanes(1.0), step, X)
        symmetrise(X)
        replace(H, going, X)
        going = going & (norm(step) > _SETTLED * norm(X))
        if not some(going):
            break
        symmetrise(G)


@inner
def gain_block(
    A: FloatArray,
    B: FloatArray,
    P: FloatArray,
    R: FloatArray,
    R_inverse: FloatArray,
    discrete: bool,
    out: FloatArray,
) -> None:
    """R⁻¹BᵀP, or (R + BᵀPB)⁻¹BᵀPA."""
    n, m = B.shape[0], B.shape[1]
    turned, pull = block(m, n), block(m, n)
    transpose(B, turned)
    multiply(turned, P, pull)
    if not discrete:
        multiply(R_inverse, pull, out)
        return
    both = block(m, m + n)
    multiply(pull, B, both[:, :m])
    combine(both[:, :m], lanes(1.0), R, both[:, :m])
    multiply(pull, A, both[:, m:])
    eliminate(both)
    copy(both[:, m:], out)
