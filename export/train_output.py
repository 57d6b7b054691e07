"""Train a network that proposes gains for static output feedback.

    python -m hybrid.export.train_output --n 4 --minutes 8 --out runs/sof-n4

There are no labels: see `output_losses.py` for what is learned, and `training.py` for the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hybrid.propose.canonical_triple import canonical_triple
from hybrid.propose.output_gain import CHANNELS, gains_from, network_inputs
from hybrid.verify.lyapunov import BoolArray, FloatArray

from . import training
from .output_evaluate import validation_score
from .output_losses import winner_takes_all
from .output_network import OutputGainNetwork, OutputShape
from .output_systems import Triples, plants, structure
from .output_to_onnx import load_network, ship

STRUCTURED = 0.3
"""Share of the steps with a random structure of the gain."""

SEEN = 5
"""Steps that the gradient passes, after a random number of others: cheaper than all, and better for as much time."""

GUESS_WEIGHT = 0.1
"""Weight of the loss of the first guess, from which gradients do not reach the last where steps are blind."""


@dataclass(frozen=True)
class OutputGainTask:
    """Output gains of plants with one to four inputs and outputs."""

    shape: OutputShape

    def network(self) -> nn.Module:
        """A fresh one."""
        return OutputGainNetwork(self.shape)

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        return load_network(path)

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[Triples, BoolArray]:
        """The plants of one step, and which entries of their gains are free."""
        m, p = (int(k) for k in rng.integers(1, CHANNELS + 1, 2))
        free = structure(rng, m, p) if rng.random() < STRUCTURED else np.ones((m, p), dtype=bool)
        return plants(rng, batch, self.shape.n, m, p, free), free

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Growth of the best candidate's closed loop, at first and after the last step."""
        assert isinstance(network, OutputGainNetwork)
        triples, free = self.draw(rng, batch)
        named = network_inputs(canonical_triple(*triples), free)
        A, B, C, mask = (torch.from_numpy(named[name]).to(device) for name in ("A", "B", "C", "free"))
        seen = min(SEEN, self.shape.steps)
        blind = int(rng.integers(0, self.shape.steps - seen + 1))
        first, *_, last = network.guesses(A, B, C, mask, blind, seen)
        loss = winner_takes_all(A, B, C, last).mean()
        return loss + GUESS_WEIGHT * winner_takes_all(A, B, C, first).mean()

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Stabilising percentages on fixed plants as they come."""

        def run(named: dict[str, Any]) -> Any:
            with torch.no_grad():
                return network(*(torch.from_numpy(named[x]).to(device) for x in ("A", "B", "C", "free"))).cpu().numpy()

        def propose(triples: Triples, free: BoolArray) -> FloatArray:
            return gains_from(run, *triples, free)

        return validation_score(propose, self.shape.n)

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder."""
        assert isinstance(network, OutputGainNetwork)
        return ship(network, record, validation, folder)

    def settings(self) -> dict[str, Any]:
        """The share of structured gains."""
        return {"structured": STRUCTURED}


def main() -> None:
    """The command line."""
    parser = training.parser("train_output", (__doc__ or "").splitlines()[0], batch=256, minutes=8.0)
    parser.add_argument("--steps", type=int, default=16, help="learned steps after the first guess")
    parser.add_argument("--width", type=int, default=128, help="of the network of the first guess")
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--step-width", type=int, default=64, help="of the network of the steps")
    parser.add_argument("--step-blocks", type=int, default=1)
    given = parser.parse_args()
    sizes = (given.steps, given.width, given.blocks, given.step_width, given.step_blocks)
    training.run(OutputGainTask(OutputShape(given.n, *sizes)), given)


if __name__ == "__main__":
    main()
