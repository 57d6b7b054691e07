"""Stacked Lyapunov and Stein equations by doubling, for matrices of either kind; eight rows at a time.

Guesses, like all that is not in `hybrid.batch.kernels.proof`.
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
from hybrid.batch.kernels.lanes import WIDTH, FloatArray, get, lanes, put, root, some, where

_DOUBLINGS = 40
_SETTLED = 1e-8  # relative step at which the next one, about its square, is rounding
_DIVERGED = 1e12  # relative to the first term: no P of that size proves anything
_SIGN_STEPS = 30


@kernel
def costs(A: FloatArray, bound: float, discrete: bool) -> FloatArray:
    """P (N, n, n) with MᵀP + PM + I = 0 for M = A − bI, or MᵀPM − P + I = 0 for M = A/b; noise where M is not stable.

    Source: Smith 1968, SIAM J. Appl. Math. 16(1).
    """
    count, n = A.shape[0], A.shape[1]
    P = np.empty((count, n, n))
    a, M, W, X = block(n, n), block(n, n), block(n, n), block(n, n)
    scaled_identity(lanes(1.0), W)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        _relative(a, bound, discrete, M)
        cost_block(M, W, discrete, X)
        spill(X, P, first)
    return P


@kernel
def indefinite_costs(A: FloatArray, bound: float, discrete: bool) -> tuple[FloatArray, FloatArray]:
    """P (N, n, n) as `costs` has it up to a congruence, for unstable M too, and x (N, n, 1) with xᵀPx < 0.

    With Z = sign(M) and the cost Y of the stable matrix −MZ, P = −(ZᵀY + YZ)/2 has MᵀP + PM = −(I + ZᵀZ)/2 ≺ 0, and is
    negative along the columns of I + Z, which span the unstable subspace. In discrete time the sign is that of the
    Cayley transform (M − I)(M + I)⁻¹, whose Lyapunov matrices are the Stein matrices of M.

    Source: Roberts 1980, Int. J. Control 32(4) (sign by Newton's iteration); Higham 2008, §5.5 (scaling).
    """
    count, n = A.shape[0], A.shape[1]
    P, x = np.empty((count, n, n)), np.empty((count, n, 1))
    a, M, Z, N, X, Y, W = block(n, n), block(n, n), block(n, n), block(n, n), block(n, n), block(n, n), block(n, n)
    direction = block(n, 1)
    scaled_identity(lanes(1.0), W)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        _relative(a, bound, discrete, M)
        if discrete:
            _cayley(M)
        _sign(M, Z)
        multiply(M, Z, N)
        scale(N, lanes(-1.0))
        cost_block(N, W, False, Y)
        multiply(Y, Z, X)
        scale(X, lanes(-1.0))
        symmetrise(X)
        _most_negative(X, Z, N, direction)
        spill(X, P, first)
        spill(direction, x, first)
    return P, x


@inner
def cost_block(M: FloatArray, W: FloatArray, discrete: bool, X: FloatArray) -> None:
    """X with MᵀX + XM + W = 0, or MᵀXM − X + W = 0."""
    n = M.shape[0]
    S, turned, step, Y = block(n, n), block(n, n), block(n, n), block(n, n)
    if discrete:
        copy(M, S)
        copy(W, X)
    else:
        _to_stein(M, W, S, X)
    start, going = norm(X), lanes(0.0) == 0.0
    for _ in range(_DOUBLINGS):
        transpose(S, turned)
        multiply(X, S, Y)
        multiply(turned, Y, step)
        combine(X, lanes(1.0), step, Y)
        replace(X, going, Y)
        change, size = norm(step), norm(X)
        going = going & (change > _SETTLED * size) & (size < _DIVERGED * start)
        if not some(going):
            break
        multiply(S, S, Y)
        copy(Y, S)
    symmetrise(X)


@inner
def _to_stein(M: FloatArray, W: FloatArray, S: FloatArray, X: FloatArray) -> None:
    """Cayley's transform S = (γI − M)⁻¹(γI + M), X = 2γ (γI − M)⁻ᵀ W (γI − M)⁻¹: Stein's equation for the same P."""
    n = M.shape[0]
    both, Y = block(n, 2 * n), block(n, n)
    left, inverse = both[:, :n], both[:, n:]
    gamma = norm(M) * (1.0 / np.sqrt(n))
    scaled_identity(lanes(1.0), inverse)
    scaled_identity(gamma, left)
    combine(left, lanes(-1.0), M, left)
    eliminate(both)
    transpose(inverse, Y)
    multiply(W, inverse, S)
    multiply(Y, S, X)
    scale(X, 2.0 * gamma)
    scaled_identity(lanes(-1.0), Y)
    combine(Y, 2.0 * gamma, inverse, S)


@inner
def _relative(A: FloatArray, bound: float, discrete: bool, M: FloatArray) -> None:
    """A − bI, or A/b."""
    if discrete:
        copy(A, M)
        scale(M, lanes(1.0 / bound))
        return
    scaled_identity(lanes(bound), M)
    combine(A, lanes(-1.0), M, M)


@inner
def _cayley(M: FloatArray) -> None:
    """I − 2(M + I)⁻¹ = (M − I)(M + I)⁻¹ in place."""
    n = M.shape[0]
    both, identity = block(n, 2 * n), block(n, n)
    scaled_identity(lanes(1.0), identity)
    combine(M, lanes(1.0), identity, both[:, :n])
    scaled_identity(lanes(1.0), both[:, n:])
    eliminate(both)
    combine(identity, lanes(-2.0), both[:, n:], M)


@inner
def _sign(M: FloatArray, Z: FloatArray) -> None:
    """The matrix sign: Z ← (μZ + (μZ)⁻¹)/2 from M, μ = √(‖Z⁻¹‖/‖Z‖)."""
    n = M.shape[0]
    both, step = block(n, 2 * n), block(n, n)
    left, inverse = both[:, :n], both[:, n:]
    copy(M, Z)
    going = lanes(0.0) == 0.0
    for _ in range(_SIGN_STEPS):
        copy(Z, left)
        scaled_identity(lanes(1.0), inverse)
        eliminate(both)
        mu = root(norm(inverse) / norm(Z))
        mu = where((mu > 0.9) & (mu < 1.1), lanes(1.0), mu)  # near the end the plain step converges quadratically
        copy(Z, step)
        scale(step, 0.5 * mu)
        combine(step, 0.5 / mu, inverse, step)
        combine(Z, lanes(-1.0), step, inverse)
        replace(Z, going, step)
        going = going & (norm(inverse) > _SETTLED * norm(step))
        if not some(going):
            break


@inner
def _most_negative(X: FloatArray, Z: FloatArray, work: FloatArray, direction: FloatArray) -> None:
    """The column x of I + Z, of length 1, with the least xᵀXx."""
    n = X.shape[0]
    least = lanes(np.inf)
    for i in range(n):
        put(Z, i, i, get(Z, i, i) + 1.0)
        put(direction, i, 0, lanes(0.0))
    multiply(X, Z, work)
    for j in range(n):
        form, length = lanes(0.0), lanes(0.0)
        for i in range(n):
            form = form + get(Z, i, j) * get(work, i, j)
            length = length + get(Z, i, j) * get(Z, i, j)
        form = form / length
        better = form < least
        least = where(better, form, least)
        scale = 1.0 / root(length)
        for i in range(n):
            put(direction, i, 0, where(better, get(Z, i, j) * scale, get(direction, i, 0)))
