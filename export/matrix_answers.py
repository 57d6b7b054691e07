"""The paper's answers on stacked Jacobians, in floating point as the paper computes them; labels, not proofs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

RANK_TOLERANCE = 1e-6
"""Absolute, of singular values (FACTS A2)."""


def abscissae(A: NDArray[Any]) -> NDArray[np.float64]:
    """Largest real parts of the eigenvalues of A (N, n, n); NaN where they do not converge.

    >>> abscissae(np.array([[[-1.0, 5.0], [0.0, -2.0]]]))
    array([-1.])
    """
    try:
        return np.asarray(np.linalg.eigvals(A).real.max(-1))
    except np.linalg.LinAlgError:
        if len(A) == 1:
            return np.array([np.nan])
        half = len(A) // 2
        return np.concatenate([abscissae(A[:half]), abscissae(A[half:])])


def controllable(A: NDArray[Any], B: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether [B, AB, …, Aⁿ⁻¹B] of A (N, n, n), B (N, n, m) has n singular values above the tolerance.

    >>> A = np.array([[[0.0, 1.0], [0.0, 0.0]]])
    >>> controllable(A, np.array([[[0.0], [1.0]]])), controllable(A, np.array([[[1.0], [0.0]]]))
    (array([ True]), array([False]))
    """
    blocks = [B]
    with np.errstate(all="ignore"):
        for _ in range(A.shape[-1] - 1):
            blocks.append(A @ blocks[-1])
        kalman = np.concatenate(blocks, -1)
        finite = np.isfinite(kalman).all((1, 2))
        rank = np.linalg.matrix_rank(np.where(finite[:, None, None], kalman, 0), tol=RANK_TOLERANCE)
    return np.asarray(rank == A.shape[-1])
