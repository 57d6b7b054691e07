"""A network that judges matrices: messages between states along the entries of A, several rounds of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from hybrid.propose.verdicts import INPUTS, LATENT, STATES

from .reader_network import FEATURES, features

ABSENT = -30.0
"""Added where a state is not there, before the largest is taken."""


@dataclass(frozen=True)
class VerdictShape:
    """Width of a state's message and number of rounds."""

    width: int
    rounds: int

    def as_dict(self) -> dict[str, int]:
        """The sizes by name."""
        return asdict(self)


class VerdictNetwork(nn.Module):
    """(codes, present) of `hybrid.propose.verdicts` to the logit of yes with log|abscissa|, and the latent."""

    def __init__(self, shape: VerdictShape) -> None:
        super().__init__()
        width = shape.width
        self.shape = shape
        self.node = nn.Linear((1 + INPUTS) * FEATURES, width)
        self.edge = nn.Linear(2 * FEATURES, width)
        self.sender = nn.Linear(width, width, bias=False)
        self.receiver = nn.Linear(width, width, bias=False)
        self.message = nn.Linear(width, width)
        self.update = nn.Linear(3 * width, width)
        self.norm = nn.LayerNorm(width)
        self.pool = nn.Linear(2 * width, LATENT)
        self.leave = nn.Linear(LATENT, 2)

    def forward(self, codes: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """What is said (N, 2), and the latent (N, LATENT)."""
        seen = features(codes)
        A = seen[:, :, :STATES]
        own = torch.diagonal(A, dim1=1, dim2=2).mT
        h = silu(self.node(torch.cat([own, seen[:, :, STATES:].flatten(2)], -1)))
        edges = self.edge(torch.cat([A, A.transpose(1, 2)], -1))
        there = present[:, None, :, None]
        for _ in range(self.shape.rounds):
            said = silu(edges + self.receiver(h)[:, :, None] + self.sender(h)[:, None])
            said = silu(self.message(said))
            heard = torch.cat([(said * there).sum(2), (said + ABSENT * (1 - there)).amax(2), h], -1)
            h = self.norm(h + silu(self.update(heard)))
        here = present[:, :, None]
        mean = (h * here).sum(1) / here.sum(1)
        latent = silu(self.pool(torch.cat([mean, (h + ABSENT * (1 - here)).amax(1)], -1)))
        return self.leave(latent), latent
