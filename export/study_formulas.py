"""The paper's answers from Jacobians by numpy: its feedback matrix, and its test of non-autonomous controllability.

Nothing here is proved: these formulas turn proposed Jacobians into answers.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .matrix_answers import RANK_TOLERANCE, abscissae

Array = NDArray[Any]

HORIZON_POINTS: Final = 40
"""Of the trapezoidal rule over the horizon 1 (FACTS A4)."""
RIDGE: Final = 1e-6


def unit(A: Array) -> Array:
    """A / ‖A‖ in Frobenius' norm, for stacks (N, n, n); the paper's gain is for it, and for B as it is."""
    return np.asarray(A / np.linalg.norm(A, axis=(1, 2), keepdims=True))


def gramian_gains(A: Array, B: Array) -> NDArray[np.float64]:
    """K = −Bᵀ (C + 10⁻⁶ I)⁻¹ with C = ∫₀¹ exp(−As) B Bᵀ exp(−Aᵀs) ds, for u = +K x; NaN where it has no value.

    Args:
        A, B: (N, n, n) of norm 1 each, see `unit`, and (N, n, m), real.

    Returns:
        (N, m, n)

    Source: FACTS A4; Kleinman 1970, An easy way to stabilize a linear constant system.

    >>> gramian_gains(np.zeros((1, 1, 1)), np.ones((1, 1, 1))).round(3)
    array([[[-1.]]])
    """
    from scipy.linalg import expm

    step = 1 / (HORIZON_POINTS - 1)
    K = np.full((len(A), B.shape[2], A.shape[1]), np.nan)
    usable = np.flatnonzero(np.isfinite(A).all((1, 2)) & np.isfinite(B).all((1, 2)))
    with np.errstate(all="ignore"):
        backwards = expm(-step * A[usable]) if len(usable) else A[usable]
        moved, C = B[usable], np.zeros_like(A[usable])
        for point in range(HORIZON_POINTS):
            weight = step * (0.5 if point in (0, HORIZON_POINTS - 1) else 1.0)
            C = C + weight * moved @ moved.mT
            moved = backwards @ moved
        ridge = RIDGE * np.eye(A.shape[1])
        for row, gramian in zip(usable, C, strict=True):
            try:
                K[row] = -np.linalg.solve(gramian + ridge, B[row]).T
            except np.linalg.LinAlgError:
                continue
    return K


def stabilises(A: Array, B: Array, K: Array) -> NDArray[np.bool_]:
    """Whether max Re eig(A + B K) < 0 in double precision, by stacks; no where an entry is not finite."""
    with np.errstate(all="ignore"):
        loops = A + B @ K
        finite = np.isfinite(loops).all((1, 2))
        return np.asarray(finite & (abscissae(np.where(finite[:, None, None], loops, 0.0)) < 0))


def controllable_in_time(A: Array, B: Array, instants: Array) -> bool:
    """Whether W(t) = [D₀ … D_N], D₀ = B, Dᵢ₊₁ = Ḋᵢ − A Dᵢ, has full rank at one of the instants.

    The derivatives by t are those of the polynomials through the entries at all instants: exact for entries that do not
    change, so that zeros stay zeros.

    Args:
        A, B: (T, n, n) and (T, n, m), at T instants.
        instants: (T,)

    Source: Silverman and Meadows 1967; FACTS A3: N = ⌊2n/m⌋ and the tolerance of the rank.

    >>> t = np.array([0.2, 0.6, 1.0])
    >>> A, B = np.zeros((3, 2, 2)), np.stack([np.ones(3), t], -1)[:, :, None]
    >>> controllable_in_time(A, B, t), controllable_in_time(A, B * 0 + 1, t)
    (True, False)
    """
    n, m = B.shape[1:]
    derivative = _differentiation(instants)
    blocks = [B]
    with np.errstate(all="ignore"):
        for _ in range(2 * n // m):
            blocks.append(np.tensordot(derivative, blocks[-1], 1) - A @ blocks[-1])
        W = np.concatenate(blocks, 2)
    finite = W[np.isfinite(W).all((1, 2))]
    return bool(len(finite)) and bool((np.linalg.matrix_rank(finite, tol=RANK_TOLERANCE) == n).any())


def _differentiation(instants: Array) -> NDArray[np.float64]:
    """(T, T): values at the instants to those of the interpolating polynomial's derivative; rows sum to 0 exactly.

    Source: Berrut and Trefethen 2004, Barycentric Lagrange interpolation, section 9.3.
    """
    apart = instants[:, None] - instants[None, :] + np.eye(len(instants))
    weights = 1 / apart.prod(1)
    D = weights[None, :] / weights[:, None] / apart
    np.fill_diagonal(D, 0.0)
    return np.asarray(D - np.diag(D.sum(1)))
