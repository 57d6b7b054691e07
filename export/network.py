"""The network that proposes a Riccati solution, as a product of learned changes of coordinates.

Each stage sees the regulator problem (A, BBᵀ, Q) in coordinates in which the guess so far is P = I, and
answers with a lower triangular G that moves on to better ones: A → G A G⁻¹, B → G B, Q → G⁻ᵀ Q G⁻¹. The
proposal is P = G_kᵀ…G_1ᵀ G_1…G_k read from the last stage inwards, positive definite by construction. A later stage therefore
only learns the error of the earlier ones, and relative errors multiply. The inverse of a triangular matrix
is a short product, (I − N)⁻¹ = (I + N)(I + N²)(I + N⁴), so the graph holds matrix products alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: order n, stages, width and residual blocks of each stage."""

    n: int
    stages: int
    width: int
    blocks: int

    def as_dict(self) -> dict[str, int]:
        """The fields by name, for a checkpoint or a card."""
        return asdict(self)


class Block(nn.Module):
    """x + W₂ relu(W₁ norm(x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(torch.relu(self.inner(self.norm(x))))


class Stage(nn.Module):
    """One change of coordinates: features of (A, BBᵀ, Q) → residual network → G and its inverse."""

    lower: Tensor
    below: Tensor
    scatter: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        n, packed = shape.n, shape.n * (shape.n + 1) // 2
        self.n = n
        self.enter = nn.Linear(n * n + 2 * packed + n, shape.width)
        self.blocks = nn.ModuleList(Block(shape.width) for _ in range(shape.blocks))
        self.norm = nn.LayerNorm(shape.width)
        self.leave = nn.Linear(shape.width, packed)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        rows, columns = torch.tril_indices(n, n)
        self.register_buffer("lower", rows * n + columns, persistent=False)
        below = torch.zeros(packed - n, n * n)
        rows, columns = torch.tril_indices(n, n, -1)
        below[torch.arange(packed - n), rows * n + columns] = 1.0
        self.register_buffer("scatter", below, persistent=False)

    def forward(self, A: Tensor, S: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
        n = self.n
        q = Q.flatten(1)[:, self.lower]
        s = S.flatten(1)[:, self.lower]
        features = torch.cat([torch.asinh(torch.cat([A.flatten(1), s, q], 1)), torch.log(Q.flatten(1)[:, :: n + 1].clamp_min(1e-12))], 1)
        x = self.enter(features)
        for block in self.blocks:
            x = block(x)
        raw = self.leave(self.norm(x))
        log_diagonal = 6.0 * torch.tanh(raw[:, :n] / 6.0)
        N = (raw[:, n:] @ self.scatter).reshape(-1, n, n)
        eye = torch.eye(n, dtype=A.dtype, device=A.device)
        inverse, power, reached = eye - N, N, 2
        while reached < n:
            power = power @ power
            inverse = inverse @ (eye + power)
            reached *= 2
        scale = torch.exp(log_diagonal)
        return scale[:, :, None] * (eye + N), inverse / scale[:, None, :]


class RiccatiNetwork(nn.Module):
    """Proposes P for stacked canonical problems: A (N, n, n), B (N, n, m) with any m, Q (N, n, n)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.stages = nn.ModuleList(Stage(shape) for _ in range(shape.stages))

    def problems(self, A: Tensor, B: Tensor, Q: Tensor):
        """After each stage: the total G and the problem (A, BBᵀ, Q) in its coordinates."""
        S, total = B @ B.mT, None
        for stage in self.stages:
            G, H = stage(A, S, Q)
            A, S, Q = G @ A @ H, G @ S @ G.mT, H.mT @ Q @ H
            total = G if total is None else G @ total
            yield total, A, S, Q

    def forward(self, A: Tensor, B: Tensor, Q: Tensor) -> Tensor:
        for G, *_ in self.problems(A, B, Q):
            pass
        return G.mT @ G


def riccati_residual(A: Tensor, S: Tensor, Q: Tensor, shift: float) -> Tensor:
    """Residual of the shifted Riccati equation at P = I, relative to the slack of the Lyapunov inequality.

    With W = Q + 2σI + BBᵀ and E = A + Aᵀ + Q + 2σI − BBᵀ this is W^{-1/2} E W^{-1/2} in the factor C of
    W = C Cᵀ. The Lyapunov inequality A + Aᵀ − 2BBᵀ = E − W ≺ 0 (+ 2σ to spare) holds iff λ_max < 1.
    """
    eye = torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    W = Q + S + 2 * shift * eye
    E = A + A.mT + Q - S + 2 * shift * eye
    C = torch.linalg.cholesky_ex(W)[0]
    half = torch.linalg.solve_triangular(C, E, upper=False)
    return torch.linalg.solve_triangular(C, half.mT, upper=False)
