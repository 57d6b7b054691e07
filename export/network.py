"""The network that proposes a Riccati solution, as a product of learned changes of coordinates.

Each stage sees the regulator problem (A, S = BBᵀ, Q) in coordinates in which the guess so far is P = I,
and answers with a lower triangular G that leads to better ones: A → GAG⁻¹, S → GSGᵀ, Q → G⁻ᵀQG⁻¹. With the
product G = G_k … G_1 of all stages the proposal is P = GᵀG, positive definite by construction. A later
stage has only the error of the earlier ones to learn, and relative errors multiply: three small stages
prove what one network of the same cost does not (n = 4, m = 2, 150 s of training: 98 % against 9 %).

The inverse of a triangular matrix is a short product, (I + N)⁻¹ = (I − N)(I + N²)(I + N⁴)…, so that the
exported graph holds matrix products alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Order n of the plants, number of stages, width and residual blocks of each stage."""

    n: int
    stages: int
    width: int
    blocks: int

    def as_dict(self) -> dict[str, int]:
        """The fields by name, for a checkpoint, the metadata of a model file, or a card."""
        return asdict(self)


class Guess(NamedTuple):
    """The guess P = GᵀG after a stage, H = G⁻¹, and the problem in the coordinates where P = I."""

    G: Tensor
    H: Tensor
    A: Tensor
    S: Tensor
    Q: Tensor


class Block(nn.Module):
    """x + W₂ relu(W₁ norm(x))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x and the correction, (N, width)."""
        inner: Tensor = torch.relu(self.inner(self.norm(x)))
        return x + self.outer(inner)  # type: ignore[no-any-return]


class Stage(nn.Module):
    """One change of coordinates: features of (A, S, Q), a residual network, then G and its inverse."""

    lower: Tensor
    scatter: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        n, packed = shape.n, shape.n * (shape.n + 1) // 2
        self.n = n
        self.enter = nn.Linear(n * n + 2 * packed + n, shape.width)
        self.blocks = nn.Sequential(*(Block(shape.width) for _ in range(shape.blocks)))
        self.norm = nn.LayerNorm(shape.width)
        self.leave = nn.Linear(shape.width, packed)
        nn.init.zeros_(self.leave.weight)  # an untrained stage is the identity
        nn.init.zeros_(self.leave.bias)
        rows, columns = torch.tril_indices(n, n)
        self.register_buffer("lower", rows * n + columns, persistent=False)
        rows, columns = torch.tril_indices(n, n, -1)
        scatter = torch.zeros(packed - n, n * n)
        scatter[torch.arange(packed - n), rows * n + columns] = 1.0
        self.register_buffer("scatter", scatter, persistent=False)

    def forward(self, A: Tensor, S: Tensor, Q: Tensor) -> tuple[Tensor, Tensor]:
        """G (N, n, n), lower triangular with positive diagonal, and G⁻¹."""
        features = self.features(A, S, Q)
        with torch.autocast("cuda", torch.bfloat16, enabled=features.is_cuda):
            raw = self.leave(self.norm(self.blocks(self.enter(features))))
        return self.triangular(raw.to(A.dtype))

    def features(self, A: Tensor, S: Tensor, Q: Tensor) -> Tensor:
        """All entries on a scale that is linear near zero and logarithmic far out, and log Q_ii."""
        A, S, Q = A.flatten(1), S.flatten(1), Q.flatten(1)
        entries = torch.cat([A, S[:, self.lower], Q[:, self.lower]], 1)
        return torch.cat([torch.asinh(entries), torch.log(Q[:, :: self.n + 1].clamp_min(1e-12))], 1)

    def triangular(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """G = D(I + N) and its inverse from log D (bounded by ±6) and the entries of N below the diagonal."""
        n = self.n
        scale = torch.exp(6.0 * torch.tanh(raw[:, :n] / 6.0))
        N = (raw[:, n:] @ self.scatter).reshape(-1, n, n)
        eye = torch.eye(n, dtype=raw.dtype, device=raw.device)
        inverse, power, reached = eye - N, N, 2
        while reached < n:
            power = power @ power
            inverse = inverse @ (eye + power)
            reached *= 2
        return scale[:, :, None] * (eye + N), inverse / scale[:, None, :]


class RiccatiNetwork(nn.Module):
    """Proposes P = GᵀG for stacked canonical problems A (N, n, n), B (N, n, m) with any m, Q (N, n, n)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.stages = nn.ModuleList(Stage(shape) for _ in range(shape.stages))

    def guesses(self, A: Tensor, B: Tensor, Q: Tensor) -> Iterator[Guess]:
        """The guess after each stage, best last."""
        S = B @ B.mT
        total = inverse = torch.eye(self.shape.n, dtype=A.dtype, device=A.device)
        for stage in self.stages:
            G, H = stage(A, S, Q)
            A, S, Q = G @ A @ H, G @ S @ G.mT, H.mT @ Q @ H
            total, inverse = G @ total, inverse @ H
            yield Guess(total, inverse, A, S, Q)

    def forward(self, A: Tensor, B: Tensor, Q: Tensor) -> Tensor:
        """G (N, n, n) of the last stage; the proposal is P = GᵀG, to be formed in float64."""
        *_, last = self.guesses(A, B, Q)
        return last.G
