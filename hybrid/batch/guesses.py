"""How likely yes is, judged from a Jacobian in doubles: an order in which to prove, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import HybridError
from hybrid.systems.nonlinear import NonlinearSystem

_STEEPNESS: Final = 20.0
_NEGLIGIBLE: Final = 1e-9  # singular value beside the largest, below which the rank is held to fall


@np.errstate(all="ignore")
def score(jacobian: NDArray[Any], n: int, ask: str) -> float | None:
    """A number from 0 (surely not) to 1 (surely yes: stable, or controllable); None where floats do not tell.

    Stability by the largest real part of the eigenvalues beside their size, controllability by the singular values of
    the Kalman matrix, its columns of length 1.

    Args:
        jacobian: (n, n + m), real or complex.
        n: states.
        ask: the question.

    >>> round(score(np.array([[-1.0]]), 1, "stability"), 3), score(np.array([[0.0, 1.0]]), 1, "controllability")
    (1.0, 1.0)
    """
    A, B = jacobian[:, :n], jacobian[:, n:]
    if not np.isfinite(jacobian).all():
        return None
    try:
        if ask == "controllability":
            sizes = np.linalg.svd(_kalman(A, B), compute_uv=False)
            return float(sizes[-1] > _NEGLIGIBLE * sizes[0]) if len(sizes) and np.isfinite(sizes).all() else None
        values = np.linalg.eigvals(A)
    except np.linalg.LinAlgError:
        return None
    size = np.abs(values).max()
    return float(1 / (1 + np.exp(_STEEPNESS * values.real.max() / size))) if size > 0 else 0.5


def _kalman(A: NDArray[Any], B: NDArray[Any]) -> NDArray[Any]:
    """[B AB … Aⁿ⁻¹B], each column of length 1."""
    blocks = [B]
    while len(blocks) < len(A):
        blocks.append(A @ _normed(blocks[-1]))
    return np.hstack([_normed(block) for block in blocks])


def _normed(block: NDArray[Any]) -> NDArray[Any]:
    lengths = np.linalg.norm(block, axis=0)
    return np.asarray(block / np.where(lengths > 0, lengths, 1.0))


def derivative(system: NonlinearSystem, point: Mapping[str, float]) -> NDArray[np.float64] | None:
    """∂f/∂(x, u) in doubles by automatic differentiation; None where it has no real value."""
    try:
        found = system.linearise(point)
    except (HybridError, ArithmeticError):
        return None
    return np.hstack([found.A, found.B])
