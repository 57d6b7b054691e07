"""Train a network that proposes Riccati solutions.

    python -m hybrid.export.train --n 4 --minutes 15 --seed 0 --out runs/n4

Labels come from stacked doubling; see `training.py` for the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hybrid.propose.canonical import canonical_pair

from . import training
from .distributions import Pairs, mixed
from .evaluation import as_file, validation_score
from .graph import to_model
from .losses import SHIFT, divergence, riccati_residual
from .network import RiccatiNetwork, Shape
from .riccati import solve_care
from .to_onnx import load_network, ship

STAGE_WEIGHT = 0.3
"""Weight of the divergence after each stage but the last."""


@dataclass(frozen=True)
class RiccatiTask:
    """Riccati solutions of plants with these numbers of inputs."""

    shape: Shape
    inputs: tuple[int, ...]

    def network(self) -> nn.Module:
        """A fresh one."""
        return RiccatiNetwork(self.shape)

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        return load_network(path)

    def draw(self, rng: np.random.Generator, batch: int) -> Pairs:
        """The pairs of one step, all with the same number of inputs."""
        m = int(rng.choice(self.inputs, p=_input_shares(self.inputs)))
        return mixed(rng, batch, self.shape.n, m)

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Residual of the last guess, and divergence of every guess from the label."""
        assert isinstance(network, RiccatiNetwork)
        pair = canonical_pair(*self.draw(rng, batch))
        a, b, q = (torch.from_numpy(x).to(device) for x in (pair.A, pair.B, pair.Q))
        P = solve_care(a + SHIFT * torch.eye(a.shape[-1], dtype=a.dtype, device=a.device), b @ b.mT, q)
        sign, log_determinant = torch.linalg.slogdet(P)
        usable = torch.isfinite(log_determinant) & (sign > 0)
        a, b, q, P, log_determinant = (x[usable].float() for x in (a, b, q, P, log_determinant))
        *earlier, last = network.guesses(a, b, q)
        loss = riccati_residual(last).mean() + divergence(last, P, log_determinant).mean()
        for guess in earlier:
            loss = loss + STAGE_WEIGHT * divergence(guess, P, log_determinant).mean()
        return loss

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages of proved proposals on fixed plants, those of the exported network."""
        assert isinstance(network, RiccatiNetwork)
        with as_file(to_model(network).SerializeToString()) as file:
            return validation_score(file, self.shape.n, self.inputs)

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder."""
        return ship(network, record, validation, self.inputs, folder)

    def settings(self) -> dict[str, Any]:
        """The numbers of inputs."""
        return {"inputs": self.inputs}


def _input_shares(inputs: tuple[int, ...]) -> list[float]:
    """Single-input plants, the hard ones, get half of the steps where there are others."""
    weights = [len(inputs) - 1 if m == 1 and len(inputs) > 1 else 1 for m in inputs]
    return [w / sum(weights) for w in weights]


def main() -> None:
    """The command line."""
    parser = training.parser("train", (__doc__ or "").splitlines()[0], batch=512, minutes=15.0)
    parser.add_argument("--inputs", type=int, nargs="+", default=[1, 2, 3], help="numbers of inputs m")
    parser.add_argument("--stages", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--blocks", type=int, default=2)
    given = parser.parse_args()
    shape = Shape(given.n, given.stages, given.width, given.blocks)
    training.run(RiccatiTask(shape, tuple(given.inputs)), given)


if __name__ == "__main__":
    main()
