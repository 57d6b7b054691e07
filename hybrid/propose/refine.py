"""Newton's iteration on the Riccati equation: a stabilising gain becomes the LQR gain."""

from __future__ import annotations

import numpy as np

from hybrid.verify.lyapunov import FloatArray

_SETTLED = 1e-10  # relative change of the gain at which further steps only repeat rounding errors
_KRONECKER_UP_TO = 8  # states; beyond, one dense system of order n(n+1)/2 costs more than a Schur form


def newton_kleinman(
    A: FloatArray,
    B: FloatArray,
    Q: FloatArray,
    R: FloatArray,
    K: FloatArray,
    *,
    discrete: bool,
    steps: int = 10,
) -> tuple[FloatArray, FloatArray] | None:
    """Improve a stabilising gain towards the minimum of ∫ xᵀQx + uᵀRu.

    Each step solves one Lyapunov equation for the cost X of the present gain and takes K = R⁻¹BᵀX; from a stabilising
    start every iterate is stabilising and the cost falls.

    Args:
        A, B: (n, n), (n, m).
        Q, R: (n, n), (m, m), symmetric.
        K: (m, n), taken to be stabilising; where it is not, X comes out indefinite and None is returned.
        discrete: x⁺ = A x + B u instead of x′.
        steps: at most so many; fewer once the gain settles.

    Returns:
        The gain and the cost matrix of the gain before it, or None.

    Source: Kleinman 1968, IEEE TAC 13(1); Hewer 1971 for discrete time.
    """
    X = None
    for _ in range(steps):
        with np.errstate(all="ignore"):
            closed = A - B @ K
            X = _lyapunov(closed, Q + K.T @ R @ K, discrete)
        if X is None or not np.isfinite(X).all():
            return None
        X = (X + X.T) / 2
        try:
            np.linalg.cholesky(X + 1e-14 * np.abs(X).max() * np.eye(len(X)))
            weight, pull = (R + B.T @ X @ B, B.T @ X @ A) if discrete else (R, B.T @ X)
            gain = np.asarray(np.linalg.solve(weight, pull), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        change = np.abs(gain - K).max()
        K = gain
        if change <= _SETTLED * np.abs(K).max():
            break
    return None if X is None else (K, X)


def _lyapunov(M: FloatArray, W: FloatArray, discrete: bool) -> FloatArray | None:
    """X with MᵀX + XM + W = 0, or MᵀXM − X + W = 0."""
    n = len(M)
    try:
        if n <= _KRONECKER_UP_TO:
            operator = np.kron(M.T, M.T) - np.eye(n * n) if discrete else _kronecker_sum(M.T)
            return np.asarray(np.linalg.solve(operator, -W.reshape(-1)).reshape(n, n))
        import scipy.linalg

        if discrete:
            return np.asarray(scipy.linalg.solve_discrete_lyapunov(M.T, W))
        return np.asarray(scipy.linalg.solve_continuous_lyapunov(M.T, -W))
    except (np.linalg.LinAlgError, ValueError):
        return None


def _kronecker_sum(M: FloatArray) -> FloatArray:
    """M ⊗ I + I ⊗ M."""
    n = len(M)
    identity = np.eye(n)
    return np.asarray(
        (M[:, None, :, None] * identity[None, :, None, :] + identity[:, None, :, None] * M[None, :, None, :]).reshape(
            n * n, n * n
        )
    )
