"""The float proof kernel: Lyapunov inequalities decided in double precision, with every rounding error accounted for.

Everything works on stacks: leading axes of the arrays are a batch, and the arithmetic of a row does not depend on
its neighbours. `False` never means that the property fails, only that this matrix does not prove it.

Error analysis (u = 2⁻⁵³, η = 2⁻¹⁰²²; n the order; γ_k = k u/(1 − k u)). A float inner product of length k, in any
order of summation and with or without fused multiply-add, errs by at most γ_k Σ|x||y| + kη (Higham 2002, §3.1), so
fl(AᵀP) errs by at most γ_n |A|ᵀ|P| + nη. (This η covers BLAS threads that flush subnormal results to zero, for others
2⁻¹⁰⁷⁵ would do; matrices with subnormal entries, which such a thread might not see, are left to the exact route.) The
factors (2n + 8) u and (4n + 16) u below leave room for the symmetric sum and for the rounding of the bound itself: it
is computed from |A|ᵀ|P| in floats, low by a factor 1 − γ_n at most.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_U = 2.0**-53
_ETA = 2.0**-1000  # far above η times any count of operations here, far below any number that matters
_SMALLEST_NORMAL = 2.0**-1022
_MAX_ORDER = 100_000  # (2n + 8) u and the like stay far below 1


def arithmetic_is_ieee() -> bool:
    """Whether this thread rounds to nearest and keeps subnormal numbers, as the error analysis assumes.

    A library built with -ffast-math can switch subnormals off for a whole process. None is written here: Python,
    while it compiles this file in such a process, would store zero in its place.
    """
    one, half_ulp, small, factor = np.float64(1.0), np.float64(_U), np.float64(2.0**-1000), np.float64(2.0**-60)
    nearest = one + half_ulp == one and one + half_ulp * 1.5 > one and -one - half_ulp == -one
    return bool(nearest and small * factor / factor == small)


@np.errstate(all="ignore")
def positive_definite(M: FloatArray, radius: FloatArray) -> BoolArray:
    """Decide whether float Cholesky proves every symmetric X with |X − M| ≤ radius positive definite.

    M is scaled to a unit diagonal by powers of two, which is exact, the row sums of `radius` and a shift c that covers
    the rounding of the factorisation are taken off the diagonal, and Cholesky has to run to its end.

    Args:
        M: (..., n, n), symmetric.
        radius: (..., n, n) entrywise bounds, zero or more.

    Returns:
        (...) True where the proof holds.

    Source: Rump 2006, BIT 46, Theorem 2.3 with c from Corollary 2.4; X − M + diag(radius·1) ⪰ 0 by diagonal dominance.

    >>> positive_definite(np.array([[2.0, 1.0], [1.0, 2.0]]), np.zeros((2, 2))).item()
    True
    >>> positive_definite(np.array([[1.0, 1.0], [1.0, 1.0]]), np.zeros((2, 2))).item()
    False
    """
    if M.shape[-1] > _MAX_ORDER:
        raise ValueError("the error analysis stops at order 100000")
    n = M.shape[-1]
    diagonal = np.diagonal(M, axis1=-2, axis2=-1)
    usable: BoolArray = np.asarray(
        (diagonal > 0).all(-1) & np.isfinite(M).all((-2, -1)) & np.isfinite(radius).all((-2, -1))
    )
    exponent = -(np.frexp(np.where(usable[..., None], diagonal, 1.0))[1] // 2)
    both = exponent[..., :, None] + exponent[..., None, :]
    scaled = np.ldexp(np.where(usable[..., None, None], M, 0.0), both)
    slack = np.ldexp(np.where(usable[..., None, None], radius, 0.0), both) + _ETA
    unit = np.diagonal(scaled, axis1=-2, axis2=-1)
    shift = unit.sum(-1) * ((n + 3) * _U * (1 + 2.0**-30)) + n * n * _ETA
    taken = slack.sum(-1) * (1 + (n + 4) * 2 * _U) + shift[..., None]
    work = scaled.copy()
    index = np.arange(n)
    work[..., index, index] = np.nextafter(unit - np.nextafter(taken, np.inf), -np.inf)
    return usable & _cholesky_completes(work)


def _cholesky_completes(work: FloatArray) -> BoolArray:
    """Right-looking Cholesky, in place; entry by entry it sums left to right as Rump's analysis has it."""
    n = work.shape[-1]
    alive = np.ones(work.shape[:-2], dtype=bool)
    for k in range(n):
        pivot = work[..., k, k]
        alive &= (pivot > 0) & (pivot < np.inf)
        if not alive.any():
            break
        column = work[..., k + 1 :, k] / np.sqrt(np.where(alive, pivot, 1.0))[..., None]
        work[..., k + 1 :, k + 1 :] -= column[..., :, None] * column[..., None, :]
    return alive


def prove_below(
    M: FloatArray, P: FloatArray, bound: FloatArray | float, *, discrete: bool, radius: FloatArray | None = None
) -> BoolArray:
    """Decide whether P proves abscissa < bound (radius < bound in discrete time) for all of M ± radius.

    Checks P ≻ 0 and −((M − bI)ᵀP + P(M − bI)) ≻ 0, or b²P − MᵀPM ≻ 0.

    Args:
        M: (..., n, n) doubles, in 1/s (per sample in discrete time).
        P: (..., n, n); only the lower triangle is read.
        bound: (...) doubles, in the unit of M.
        radius: (..., n, n) entrywise, None where the doubles of M are exact.

    Source: Lyapunov's theorem, Boyd et al. 1994, (1.2); decay rate by A − bI, ibid. (5.6).

    >>> prove_below(np.array([[-1.0]]), np.array([[1.0]]), -0.5, discrete=False).item()
    True
    """
    upper = np.ones(M.shape[:-2], dtype=bool)
    return prove_sides(M, P, bound, np.zeros(M.shape[:-1]), upper, discrete=discrete, radius=radius)


def prove_above(
    M: FloatArray,
    P: FloatArray,
    x: FloatArray,
    bound: FloatArray | float,
    *,
    discrete: bool,
    radius: FloatArray | None = None,
) -> BoolArray:
    """Decide whether P and x prove abscissa > bound (radius > bound in discrete time) for all of M ± radius.

    Checks −((M − bI)ᵀP + P(M − bI)) ≻ 0 (or b²P − MᵀPM ≻ 0) and xᵀPx < 0: P then has a negative eigenvalue, and M − bI
    has as many eigenvalues in the right half plane as P has negative ones.

    Source: Ostrowski and Schneider 1962, J. Math. Anal. Appl. 4, Theorem 1 (inertia); Stein's form: Wimmer 1973.

    >>> prove_above(np.array([[1.0]]), np.array([[-1.0]]), np.array([1.0]), 0.5, discrete=False).item()
    True
    """
    upper = np.zeros(M.shape[:-2], dtype=bool)
    return prove_sides(M, P, bound, x, upper, discrete=discrete, radius=radius)


@np.errstate(all="ignore")
def prove_sides(
    M: FloatArray,
    P: FloatArray,
    bound: FloatArray | float,
    x: FloatArray,
    upper: BoolArray,
    *,
    discrete: bool,
    radius: FloatArray | None = None,
) -> BoolArray:
    """Several bounds in one stack: `prove_below` where `upper` is True, `prove_above` with its x where it is False."""
    lower = _symmetric(P)
    level = np.asarray(bound, dtype=np.float64)
    residual, error = (_stein if discrete else _lyapunov)(M, lower, level[..., None, None], radius)
    both = positive_definite(np.stack([lower, residual]), np.stack([np.zeros_like(lower), error]))
    proved = both[1] & np.where(upper, both[0], _negative_along(lower, x)) & arithmetic_is_ieee()
    proved &= _no_subnormals(M) & _no_subnormals(lower)
    return np.asarray(proved & (level > 0) if discrete else proved)


def _no_subnormals(M: FloatArray) -> BoolArray:
    """Whether no entry is one that a BLAS thread in "denormals are zero" mode would read as zero."""
    return np.asarray(((M == 0) | (np.abs(M) >= _SMALLEST_NORMAL)).all((-2, -1)))


def _negative_along(P: FloatArray, x: FloatArray) -> BoolArray:
    """Whether xᵀPx < 0 for certain."""
    n = x.shape[-1]
    form = (x * (P @ x[..., None])[..., 0]).sum(-1)
    size = (np.abs(x) * (np.abs(P) @ np.abs(x)[..., None])[..., 0]).sum(-1)
    slack = (4 * n + 16) * _U * size + n * n * _ETA * (1 + np.abs(x).max(-1)) ** 2
    return np.asarray(form + slack < 0)


@np.errstate(all="ignore")
def closed_loop(
    A: FloatArray, B: FloatArray, K: FloatArray, *radii: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """A − B K in doubles, with an entrywise bound on its distance from the exact closed loop.

    Args:
        A, B, K: (..., n, n), (..., n, m), (..., m, n).
        radii: entrywise distances of the exact A, B, K from these doubles, None for none.

    Returns:
        midpoint and radius, (..., n, n) each.
    """
    m = B.shape[-1]
    radius_a, radius_b, radius_k = (*radii, None, None, None)[:3]
    midpoint = A - B @ K
    size, gain = np.abs(B), np.abs(K)
    tiny = ~(_no_subnormals(B) & _no_subnormals(K))
    radius = (m + 3) * _U * (np.abs(A) + size @ gain) + (3 * m + 1) * _ETA
    if radius_b is not None:
        radius = radius + radius_b @ (gain if radius_k is None else gain + radius_k)
    if radius_k is not None:
        radius = radius + size @ radius_k
    if radius_a is not None:
        radius = radius + radius_a
    return midpoint, np.where(tiny[..., None, None], np.inf, radius * (1 + (4 * m + 16) * _U))


@np.errstate(all="ignore")
def enclosed_product(
    K: FloatArray, C: FloatArray, radius_k: FloatArray | None = None, radius_c: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """K C in doubles, with an entrywise bound on its distance from the exact product.

    An output gain as the state sees it: it goes into `closed_loop` as K with its radius, for A − B K C.

    Args:
        K, C: (..., m, p), (..., p, n).
        radius_k, radius_c: entrywise distances of the exact K, C from these doubles, None for none.

    Returns:
        midpoint and radius, (..., m, n) each; the radius is infinite where an entry is subnormal.
    """
    p = C.shape[-2]
    gain, size = np.abs(K), np.abs(C)
    radius = (p + 2) * _U * (gain @ size) + (p + 1) * _ETA
    if radius_c is not None:
        radius = radius + gain @ radius_c
    if radius_k is not None:
        radius = radius + radius_k @ (size if radius_c is None else size + radius_c)
    tiny = ~(_no_subnormals(K) & _no_subnormals(C))
    return K @ C, np.where(tiny[..., None, None], np.inf, radius * (1 + (4 * p + 16) * _U))


def _lyapunov(M: FloatArray, P: FloatArray, bound: Any, radius: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """−((M − bI)ᵀP + P(M − bI)) and its error."""
    n = M.shape[-1]
    shifted = M - bound * np.eye(n)  # off the diagonal exact, on it within u of the result
    product = np.swapaxes(shifted, -1, -2) @ P
    size = np.swapaxes(np.abs(shifted), -1, -2) @ np.abs(P)
    error = (2 * n + 8) * _U * (size + np.swapaxes(size, -1, -2)) + (n + 2) * _ETA
    if radius is not None:
        spread = np.swapaxes(radius, -1, -2) @ np.abs(P)
        error = error + (spread + np.swapaxes(spread, -1, -2)) * (1 + (2 * n + 8) * _U)
    return -(product + np.swapaxes(product, -1, -2)), error


def _stein(M: FloatArray, P: FloatArray, bound: Any, radius: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """b²P − MᵀPM and its error."""
    n = M.shape[-1]
    size_m, size_p = np.abs(M), np.abs(P)
    product = np.swapaxes(M, -1, -2) @ (P @ M)
    outer = np.swapaxes(size_m, -1, -2)
    weighted = size_p @ size_m
    error = (4 * n + 16) * _U * (outer @ weighted + bound * bound * size_p)
    largest = size_m.max((-2, -1), keepdims=True)
    if radius is not None:
        largest = largest + radius.max((-2, -1), keepdims=True)
    error = error + (n + 2) * _ETA * (1 + n * largest) + _ETA * size_p  # the latter: b² may underflow
    if radius is not None:
        across = np.swapaxes(radius, -1, -2)
        spread = across @ weighted
        spread = spread + np.swapaxes(spread, -1, -2) + across @ (size_p @ radius)
        error = error + spread * (1 + (4 * n + 16) * _U)
    error = (error + np.swapaxes(error, -1, -2)) * 0.5 * (1 + 4 * _U)
    return bound * bound * P - (product + np.swapaxes(product, -1, -2)) * 0.5, error


def _symmetric(P: FloatArray) -> FloatArray:
    """The symmetric matrix whose lower triangle is that of P."""
    lower = np.tril(P, -1)
    symmetric: FloatArray = lower + np.swapaxes(lower, -1, -2)
    index = np.arange(P.shape[-1])
    symmetric[..., index, index] = np.diagonal(P, axis1=-2, axis2=-1)
    return symmetric
