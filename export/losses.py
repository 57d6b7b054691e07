"""What a proposal P is trained on: two distances to the Riccati solution that no change of coordinates moves.

The target is the solution for A + σI, σ = `SHIFT` in the time scale of the canonical form. Near the plain
solution the Lyapunov inequality can hold by a hair only (a slow optimal pole leaves no room for an error);
the shift buys room of 2σP, and the cost rises by σ² to first order: for σ = 0.03 by 0.2 % at n = 4, m = 2
and 1.2 % at n = 6, m = 1 (medians, Gaussian pairs).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .network import Guess

SHIFT = 0.03


def riccati_residual(guess: Guess, shift: float = SHIFT) -> Tensor:
    """log(1 + ‖W^{-1/2} E W^{-1/2}‖_F²): the residual of the guess relative to the slack of its proof.

    In the coordinates where P = I the residual is E = A + Aᵀ + Q + 2σI − S, and with W = Q + 2σI + S the
    Lyapunov inequality of the proof, A + Aᵀ − 2S ≺ 0, reads E ≺ W. A proof needs λ_max(W^{-1/2}EW^{-1/2}) < 1
    and nothing else. The loss is zero at the solution alone: no other P ≻ 0 has the residual zero.

    Rows in which W is not positive definite in single precision are left out: one of them would make the gradient of
    the whole stack NaN (from n = 8 on that happened in every step, after a few hundred).
    """
    room = 2 * shift * torch.eye(guess.A.shape[-1], dtype=guess.A.dtype, device=guess.A.device)
    W = guess.Q + guess.S + room
    E = guess.A + guess.A.mT + guess.Q - guess.S + room
    C, info = torch.linalg.cholesky_ex(W.detach())
    sound = (info == 0) & torch.isfinite(C).all(2).all(1)
    C, E = torch.linalg.cholesky_ex(W[sound])[0], E[sound]
    half = torch.linalg.solve_triangular(C, E, upper=False)
    whole = torch.linalg.solve_triangular(C, half.mT, upper=False)
    return torch.log1p(whole.square().sum((1, 2)))


def divergence(guess: Guess, P: Tensor, log_determinant: Tensor) -> Tensor:
    """log(1 + tr X − log det X − n), X = HᵀP*H: the solution P* in coordinates where the guess is I.

    Convex in H before the logarithm (Stein's loss), which leads a fresh network past the local minima of
    the residual; for one input those stopped it at 12 % proved.
    """
    X = guess.H.mT @ P @ guess.H
    log_det = log_determinant - 2 * torch.log(guess.G.diagonal(dim1=1, dim2=2)).sum(1)
    stein = X.diagonal(dim1=1, dim2=2).sum(1) - log_det - X.shape[-1]
    return torch.log1p(stein.clamp_min(0.0))
