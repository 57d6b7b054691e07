"""Stacked Riccati solutions by structure-preserving doubling: the labels of the training and the yardstick of costs."""

from __future__ import annotations

import torch
from torch import Tensor


def solve_care(A: Tensor, S: Tensor, Q: Tensor, doublings: int = 12) -> Tensor:
    """Solve AᵀP + PA − PSP + Q = 0 for the stabilising P of each of the stacked problems, in float64.

    The doubling algorithm after a Cayley transform with γ = ‖A‖_F, a fixed number of quadratically
    convergent steps. Nothing is checked: a row without a stabilising solution gives NaN, inf, or noise.

    Args:
        A: (N, n, n).
        S: (N, n, n), B R⁻¹ Bᵀ.
        Q: (N, n, n), positive semidefinite.
        doublings: steps; k steps resolve closed-loop poles down to about γ 2⁻ᵏ.

    Source: Chu, Fan, Lin 2005, Linear Algebra Appl. 396, Algorithm 3.1 (SDA).

    >>> one = torch.ones(1, 1, 1, dtype=torch.float64)
    >>> round(solve_care(0 * one, one, one).item(), 12)
    1.0
    """
    n = A.shape[-1]
    eye = torch.eye(n, dtype=A.dtype, device=A.device)
    gamma = (torch.linalg.matrix_norm(A) + torch.linalg.matrix_norm(S @ Q).sqrt())[:, None, None] / n**0.5
    shifted = torch.linalg.inv_ex(A - gamma * eye)[0]
    W = torch.linalg.inv_ex((A - gamma * eye).mT + Q @ shifted @ S)[0]
    E = eye + 2 * gamma * W.mT
    G = 2 * gamma * shifted @ S @ W
    H = 2 * gamma * W @ Q @ shifted
    for _ in range(doublings):
        EGH = E @ torch.linalg.inv_ex(eye + G @ H)[0]
        G, H, E = G + EGH @ G @ E.mT, H + E.mT @ H @ torch.linalg.solve_ex(eye + G @ H, E)[0], EGH @ E
    P: Tensor = 0.5 * (H + H.mT)
    return P
