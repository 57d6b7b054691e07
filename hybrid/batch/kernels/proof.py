"""The float proof kernel of `hybrid.verify.lyapunov` for stacks of small matrices, compiled, eight rows at a time.

The theorems and the error analysis are those of that file, whose constants are used here: u = 2⁻⁵³, and 2⁻¹⁰⁰⁰ (`_ETA`)
for whatever underflow may cost. What differs, and why the bounds stay good:

- Sums run from left to right, without fused multiply-add; the bounds hold for every order, and with it.
- The error bounds come from one weighted product each. Continuous time: W = (2n + 8)u |M − bI| + (1 + (2n + 8)u) R,
  R the radius, makes |P|W + Wᵀ|P| the rounding and the radius term of `lyapunov._lyapunov` together. Discrete time:
  with W = (2n + 8)u |M| + (1 + (4n + 16)u) R and V = |P|W, the sum (|M| + W/2)ᵀV + Vᵀ(|M| + W/2) is
  |M|ᵀ|P|W + Wᵀ|P||M| + Wᵀ|P|W, which covers (4n + 16)u |M|ᵀ|P||M| and Rᵀ|P||M| + |M|ᵀ|P|R + Rᵀ|P|R. Both are
  computed in floats, low by a factor 1 − γ at most, for which the constants have room as there: roundings need n + 3
  (2n + 5) of the 2n + 8 (4n + 16) units, and three roundings make W and γ_{2n+4} its products.
- The closed loop takes (m + 6)u (|A| + |B||K|) for its radius: m + 3 of it for its rounding, and 2u |B||K| because the
  decimals that the doubles of K print as lie within an ulp of them.
- Rounding downwards is done by factors 1 ± 2⁻⁵¹ instead of `nextafter`.
- Rows with subnormal entries, with diagonals outside 2^±900, or in discrete time with entries above 2⁴⁰⁰ or a bound
  below 2⁻⁴⁰⁰, prove nothing here: that keeps scaling by powers of two exact up to `_ETA`, and underflow below it.
"""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.blocks import block, fill
from hybrid.batch.kernels.compile import inner, kernel
from hybrid.batch.kernels.lanes import (
    WIDTH,
    BoolArray,
    Flags,
    FloatArray,
    every,
    flag_of,
    get,
    inverse_root_scale,
    lanes,
    magnitude,
    put,
    root,
    some,
    where,
)

_U = 2.0**-53
_ETA = 2.0**-1000
_SMALLEST_NORMAL = 2.0**-1022
_OUTER, _INNER = 2.0**900, 2.0**400
_UP, _DOWN = 1 + 2.0**-51, 1 - 2.0**-51

PROBE = np.array([1.0, _U, np.array(1 << 14, dtype=np.int64).view(np.float64), 2.0**-10])
"""What `_arithmetic_is_ieee` calculates with; as an argument, so that the compiler cannot know the answer."""


@kernel
def prove(
    A: FloatArray,
    B: FloatArray,
    K: FloatArray,
    P: FloatArray,
    x: FloatArray,
    bound: float,
    discrete: bool,
    probe: FloatArray,
) -> BoolArray:
    """Decide for each row whether P proves abscissa < bound (radius < bound) of A − B K, or > bound with a direction.

    For the doubles of K, and for every gain within an ulp of them. Without inputs (m = 0) it is about A itself.

    Args:
        A, B, K: (N, n, n), (N, n, m), (N, m, n).
        P: (N, n, n); the lower triangle is read.
        x: (N, n, 0) for a bound from above, which needs P ≻ 0; (N, n, 1) for one from below, which needs xᵀPx < 0.
        bound: a double, in the unit of A.
        discrete: Stein's inequality instead of Lyapunov's.
        probe: `PROBE`.

    Returns:
        (N,) True where the proof holds.

    Source: as `hybrid.verify.lyapunov.prove_below` and `prove_above`.
    """
    count, n, m = B.shape
    upper = x.shape[2] == 0
    proved = np.zeros(count, dtype=np.bool_)
    if not _arithmetic_is_ieee(probe):
        return proved
    a, b, k, p, direction = block(n, n), block(n, m), block(m, n), block(n, n), block(n, 1)
    M, radius, work = block(n, n), block(n, n), block(5 * n, n)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        fill(K, first, k)
        fill(P, first, p)
        _closed_loop(a, b, k, M, radius)
        holds = _inequalities(M, radius, p, bound, discrete, upper, work)
        holds = holds & _no_subnormals(b) & _no_subnormals(k)
        if not upper:
            fill(x, first, direction)
            holds = holds & _negative_along(p, direction)
        for lane in range(min(WIDTH, count - first)):
            proved[first + lane] = flag_of(holds, lane)
    return proved


@inner
def _arithmetic_is_ieee(probe: FloatArray) -> bool:
    """Whether compiled code on this thread rounds to nearest and keeps subnormal numbers, in each lane."""
    one, half_ulp, tiny, small = lanes(probe[0]), lanes(probe[1]), lanes(probe[2]), lanes(probe[3])
    nearest = (one + half_ulp == one) & (one + half_ulp * 1.5 > one) & (lanes(0.0) - one - half_ulp == lanes(0.0) - one)
    fine: bool = every(nearest & (tiny * small > 0.0))
    return fine


@inner
def _no_subnormals(X: FloatArray) -> Flags:
    fine = lanes(0.0) == 0.0
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            x = magnitude(get(X, i, j))
            fine = fine & ((x == 0.0) | (x >= _SMALLEST_NORMAL))
    return fine


@inner
def _closed_loop(A: FloatArray, B: FloatArray, K: FloatArray, M: FloatArray, radius: FloatArray) -> None:
    """A − B K and its radius, see the head of this file; without inputs A itself, and 0."""
    n, m = B.shape[0], B.shape[1]
    unit, tiny, more = (m + 6) * _U, (3 * m + 1) * _ETA, 1 + (4 * m + 16) * _U
    for i in range(n):
        for j in range(n):
            a = get(A, i, j)
            loop, size = lanes(0.0), magnitude(a)
            for k in range(m):
                product = get(B, i, k) * get(K, k, j)
                loop, size = loop + product, size + magnitude(product)
            put(M, i, j, a - loop)
            put(radius, i, j, (unit * size + tiny) * more if m else lanes(0.0))


@inner
def _inequalities(
    M: FloatArray, radius: FloatArray, P: FloatArray, bound: float, discrete: bool, upper: bool, work: FloatArray
) -> Flags:
    """Lyapunov's (Stein's) inequality for M − bI ± radius, and where `upper` P ≻ 0 too; work: (5n, n)."""
    n = M.shape[0]
    W, Y, V, L, error = work[:n], work[n : 2 * n], work[2 * n : 3 * n], work[3 * n : 4 * n], work[4 * n :]
    for i in range(n):
        for j in range(i):
            put(P, j, i, get(P, i, j))
    holds = _no_subnormals(M) & _no_subnormals(P)
    if discrete:
        holds = holds & _stein(M, radius, P, bound, W, Y, V, L, error)
    else:
        _lyapunov(M, radius, P, bound, W, Y, V, L, error)
    holds = holds & _positive_definite(L, error, W)
    if upper and some(holds):
        error[:] = 0.0
        holds = holds & _positive_definite(P, error, W)
    return holds


@inner
def _lyapunov(
    M: FloatArray, radius: FloatArray, P: FloatArray, bound: float, W: FloatArray, Y: FloatArray, V: FloatArray,
    L: FloatArray, error: FloatArray,
) -> None:  # fmt: skip
    """L = −((M − bI)ᵀP + P(M − bI)) and a bound of its error."""
    n = M.shape[0]
    unit = (2 * n + 8) * _U
    for i in range(n):
        for j in range(n):
            shifted = get(M, i, j) - bound if i == j else get(M, i, j)
            put(L, i, j, shifted)
            put(W, i, j, unit * magnitude(shifted) + (1 + unit) * get(radius, i, j))
    _products(P, L, W, Y, V)
    for i in range(n):
        for j in range(i + 1):
            value = lanes(0.0) - (get(Y, i, j) + get(Y, j, i))
            slack = get(V, i, j) + get(V, j, i) + (n + 2) * _ETA
            put(L, i, j, value)
            put(error, i, j, slack)
            put(error, j, i, slack)


@inner
def _stein(
    M: FloatArray, radius: FloatArray, P: FloatArray, bound: float, W: FloatArray, Y: FloatArray, V: FloatArray,
    L: FloatArray, error: FloatArray,
) -> Flags:  # fmt: skip
    """L = b²P − MᵀPM and a bound of its error; False where M or b is out of range."""
    n = M.shape[0]
    unit, more = (2 * n + 8) * _U, 1 + (4 * n + 16) * _U
    fine = lanes(bound) >= 1 / _INNER
    for i in range(n):
        for j in range(n):
            size, spread = magnitude(get(M, i, j)), get(radius, i, j)
            fine = fine & (size + spread < _INNER)
            put(W, i, j, unit * size + more * spread)
    _products(P, M, W, Y, V)
    square = bound * bound
    tiny = 2.0**-500  # (n + 2) ETA (1 + n 2⁴⁰⁰) and far more
    for i in range(n):
        for j in range(i + 1):
            inner_ij = inner_ji = outer_ij = outer_ji = lanes(0.0)
            for k in range(n):
                mi, mj = get(M, k, i), get(M, k, j)
                yi, yj = get(Y, k, i), get(Y, k, j)
                inner_ij, inner_ji = inner_ij + mi * yj, inner_ji + mj * yi
                wi, wj = magnitude(mi) + 0.5 * get(W, k, i), magnitude(mj) + 0.5 * get(W, k, j)
                outer_ij, outer_ji = outer_ij + wi * get(V, k, j), outer_ji + wj * get(V, k, i)
            p = get(P, i, j)
            slack = outer_ij + outer_ji + 2 * unit * (square * magnitude(p)) + tiny
            put(L, i, j, square * p - 0.5 * (inner_ij + inner_ji))
            put(error, i, j, slack)
            put(error, j, i, slack)
    return fine


@inner
def _products(P: FloatArray, X: FloatArray, W: FloatArray, Y: FloatArray, V: FloatArray) -> None:
    """Y = P X and V = |P| W."""
    n = P.shape[0]
    for i in range(n):
        for j in range(0, n, 2):
            beside = min(j + 1, n - 1)
            a = b = c = d = lanes(0.0)
            for k in range(n):
                p = get(P, i, k)
                a, b = a + p * get(X, k, j), b + p * get(X, k, beside)
                p = magnitude(p)
                c, d = c + p * get(W, k, j), d + p * get(W, k, beside)
            put(Y, i, j, a)
            put(Y, i, beside, b)
            put(V, i, j, c)
            put(V, i, beside, d)


@inner
def _positive_definite(M: FloatArray, radius: FloatArray, work: FloatArray) -> Flags:
    """`hybrid.verify.lyapunov.positive_definite`; the lower triangle of M is read, and all of the radius."""
    n = M.shape[0]
    fine, trace = lanes(0.0) == 0.0, lanes(0.0)
    for i in range(n):
        d = get(M, i, i)
        usable = (d > 1 / _OUTER) & (d < _OUTER)
        s = inverse_root_scale(where(usable, d, lanes(1.0)))
        put(work, 0, i, s)
        fine = fine & usable
        trace = trace + d * (s * s)
    shift = trace * ((n + 3) * _U * (1 + 2.0**-30)) + n * n * _ETA
    more = 1 + (n + 4) * 2 * _U
    for i in range(n - 1, -1, -1):  # upwards, because the scales lie in the first row of `work`
        s, taken = get(work, 0, i), lanes(0.0)
        for j in range(n):
            taken = taken + (get(radius, i, j) * (s * get(work, 0, j)) + _ETA)
        diagonal = get(M, i, i) * (s * s)
        lowered = (diagonal - (taken * more + shift) * _UP) * _DOWN
        for j in range(i):
            put(work, i, j, get(M, i, j) * (s * get(work, 0, j)))
        put(work, i, i, lowered)
    return fine & _cholesky_completes(work)


@inner
def _cholesky_completes(work: FloatArray) -> Flags:
    """Cholesky in the lower triangle, row by row; the square roots and quotients are those of Rump's analysis."""
    fine = lanes(0.0) == 0.0
    for i in range(work.shape[0]):
        for j in range(i + 1):
            total = get(work, i, j)
            for k in range(j):
                total = total - get(work, i, k) * get(work, j, k)
            if j < i:
                put(work, i, j, total / get(work, j, j))
            else:
                fine = fine & (total > 0.0) & (total < np.inf)
                put(work, i, i, root(total))
    return fine


@inner
def _negative_along(P: FloatArray, x: FloatArray) -> Flags:
    """Whether xᵀPx < 0 for certain."""
    n = P.shape[0]
    form, extent, largest = lanes(0.0), lanes(0.0), lanes(0.0)
    for i in range(n):
        row, row_size = lanes(0.0), lanes(0.0)
        for j in range(n):
            product = get(P, i, j) * get(x, j, 0)
            row, row_size = row + product, row_size + magnitude(product)
        xi = get(x, i, 0)
        size = magnitude(xi)
        largest = where(size > largest, size, largest)
        form, extent = form + xi * row, extent + size * row_size
    slack = (4 * n + 16) * _U * extent + n * n * _ETA * (1.0 + largest) * (1.0 + largest)
    return form + slack < 0.0
