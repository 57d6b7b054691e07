"""The proof kernel for gains of outputs: Lyapunov's inequality for A − B K C, eight rows at a time.

As `proof.py`, but for the gain G = K C that the state sees. |G − fl(K C)| ≤ γ_p |K||C| + (p + 1)η for the doubles of K,
and another 2u |K||C| for the decimals that they print as: H = ((p + 4)u |K||C| + (p + 1)η)(1 + (4p + 16)u), computed in
floats, covers both, as in `hybrid.verify.lyapunov.enclosed_product`. The closed loop then takes
((m + 6)u (|A| + |B||G|) + (3m + 1)η + |B|H)(1 + (4m + 16)u) for its radius.
"""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.blocks import block, fill
from hybrid.batch.kernels.compile import inner, kernel
from hybrid.batch.kernels.lanes import WIDTH, BoolArray, FloatArray, flag_of, get, lanes, magnitude, put
from hybrid.batch.kernels.proof import _ETA, _U, _arithmetic_is_ieee, _inequalities, _no_subnormals


@kernel
def prove_outputs(
    A: FloatArray,
    B: FloatArray,
    C: FloatArray,
    K: FloatArray,
    P: FloatArray,
    bound: float,
    discrete: bool,
    probe: FloatArray,
) -> BoolArray:
    """Decide for each row whether P proves abscissa < bound (radius < bound) of A − B K C.

    For the doubles of K, and for every gain within an ulp of them.

    Args:
        A, B, C, K: (N, n, n), (N, n, m), (N, p, n), (N, m, p).
        P: (N, n, n); the lower triangle is read.
        bound: a double, in the unit of A.
        discrete: Stein's inequality instead of Lyapunov's.
        probe: `proof.PROBE`.

    Returns:
        (N,) True where the proof holds.

    Source: as `hybrid.verify.lyapunov.prove_below`.
    """
    count, n, m = B.shape
    p = C.shape[1]
    proved = np.zeros(count, dtype=np.bool_)
    if not _arithmetic_is_ieee(probe):
        return proved
    a, b, c, k, x = block(n, n), block(n, m), block(p, n), block(m, p), block(n, n)
    gain, spread, M, radius, work = block(m, n), block(m, n), block(n, n), block(n, n), block(5 * n, n)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        fill(C, first, c)
        fill(K, first, k)
        fill(P, first, x)
        _enclosed_product(k, c, gain, spread)
        _closed_loop(a, b, gain, spread, M, radius)
        holds = _inequalities(M, radius, x, bound, discrete, True, work)
        holds = holds & _no_subnormals(b) & _no_subnormals(c) & _no_subnormals(k) & _no_subnormals(gain)
        for lane in range(min(WIDTH, count - first)):
            proved[first + lane] = flag_of(holds, lane)
    return proved


@kernel
def closed_loops(A: FloatArray, B: FloatArray, C: FloatArray, K: FloatArray) -> FloatArray:
    """A − B K C, (N, n, n): the midpoints of which `prove_outputs` speaks."""
    count, n, m = B.shape
    p = C.shape[1]
    loops = np.empty((count, n, n))
    for row in range(count):
        gain = np.zeros((m, n))
        for i in range(m):
            for j in range(n):
                for k in range(p):
                    gain[i, j] += K[row, i, k] * C[row, k, j]
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(m):
                    total += B[row, i, k] * gain[k, j]
                loops[row, i, j] = A[row, i, j] - total
    return loops


@inner
def _enclosed_product(K: FloatArray, C: FloatArray, gain: FloatArray, spread: FloatArray) -> None:
    """K C and its radius."""
    m, n, p = K.shape[0], C.shape[1], C.shape[0]
    unit, tiny, more = (p + 4) * _U, (p + 1) * _ETA, 1 + (4 * p + 16) * _U
    for i in range(m):
        for j in range(n):
            total, size = lanes(0.0), lanes(0.0)
            for k in range(p):
                product = get(K, i, k) * get(C, k, j)
                total, size = total + product, size + magnitude(product)
            put(gain, i, j, total)
            put(spread, i, j, (unit * size + tiny) * more)


@inner
def _closed_loop(
    A: FloatArray, B: FloatArray, gain: FloatArray, spread: FloatArray, M: FloatArray, radius: FloatArray
) -> None:
    """A − B G and its radius."""
    n, m = B.shape[0], B.shape[1]
    unit, tiny, more = (m + 6) * _U, (3 * m + 1) * _ETA, 1 + (4 * m + 16) * _U
    for i in range(n):
        for j in range(n):
            a = get(A, i, j)
            loop, size, taken = lanes(0.0), magnitude(a), lanes(0.0)
            for k in range(m):
                b = get(B, i, k)
                product = b * get(gain, k, j)
                loop, size = loop + product, size + magnitude(product)
                taken = taken + magnitude(b) * get(spread, k, j)
            put(M, i, j, a - loop)
            put(radius, i, j, (unit * size + taken + tiny) * more)
