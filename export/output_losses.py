"""What candidates are trained on: the growth of their closed loops, of which the best one counts.

No labels: a plant has many stabilising gains, and their mean need not be one. The candidate whose closed loop decays
fastest takes the gradient (winner takes all), the others a small share of it, so that none dies.

Growth is measured through the Cayley transform S = (I − M)⁻¹(I + M), which maps the left half plane to the unit disc.
log ‖S^{2ᵏ}‖ / 2ᵏ is a smooth stand-in for log ρ(S), from above; where it is negative the loop is stable, however fast.
Poles that are very fast come near the circle again, so gains do not run away. Compared with the abscissa of the winner
and its gradient through eigenvectors, this was as good after equal times, and needs no eigenvalues of c loops a plant.
"""

from __future__ import annotations

import torch
from torch import Tensor

SQUARINGS = 6
MARGIN = 0.05
"""Growth below −MARGIN (in the canonical unit of time) is good enough; the effort goes to the other plants."""

SOFTNESS = 0.03
RUNNERS_UP = 0.02
"""Share of the mean over all candidates in the loss."""

WORST = 3.0
"""Losses beyond count a hundredth."""


def growth(M: Tensor) -> Tensor:
    """log ‖S^{2ᵏ}‖ / 2ᵏ⁺¹ of stacked M (..., n, n): for slow poles about the abscissa, never below that of S.

    >>> bool((growth(torch.diag(torch.tensor([-0.1, -2.0]))) < 0).item())
    True
    """
    eye = torch.eye(M.shape[-1], dtype=M.dtype, device=M.device)
    S = torch.linalg.solve_ex(eye - M, eye + M)[0]
    logarithm = torch.zeros(M.shape[:-2], dtype=M.dtype, device=M.device)
    for i in range(SQUARINGS + 1):
        norm = S.square().sum((-2, -1)).clamp_min(1e-30).sqrt()
        logarithm = logarithm + torch.log(norm) * 2.0**-i
        S = S / norm[..., None, None]
        if i < SQUARINGS:
            S = S @ S
    return logarithm / 2


def winner_takes_all(A: Tensor, B: Tensor, C: Tensor, K: Tensor) -> Tensor:
    """The loss of each plant, (N,), for candidates K (N, c, m, p)."""
    rate = growth(A[:, None] - B[:, None] @ K @ C[:, None])
    cost = SOFTNESS * torch.nn.functional.softplus((rate + MARGIN) / SOFTNESS)
    cost = cost.clamp(max=WORST) + 0.01 * cost
    return (1 - RUNNERS_UP) * cost.min(1).values + RUNNERS_UP * cost.mean(1)
