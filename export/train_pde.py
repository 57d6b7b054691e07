"""Train the network that reads whether a constant-coefficient PDE has a solution, and whether that decays.

    python -m hybrid.export.train_pde --minutes 60 --out runs/pde

Equations and labels are drawn fresh for every step (`pde_systems`, `pde_labels`); see `training.py` for the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from hybrid.propose.pde import CANONICAL_FORM, MODEL_NAME, SCHEMA
from hybrid.propose.pde_features import Features, features

from . import files, training
from .pde_evaluate import score_labelled
from .pde_graph import to_model
from .pde_labels import Labelled, draw_labelled
from .pde_network import Reading, Shape, SymbolNetwork

BATCH, RATE = 512, 2e-3
GROUPS = 8
"""A batch is read in groups of equations of about the same size, so that little of a grid is empty."""
FURTHEST = 10.0
"""Of asinh η, for the end of the paper's search on a line."""
SMALLEST = 1e-6
"""Sizes of frequencies are not taken below this in logarithms."""
END_WEIGHT, POINT_WEIGHT, SPREAD = 0.2, 0.5, 0.1
VALIDATION_SEED, VALIDATION_COUNT = 990_000, 4000


class Group(NamedTuple):
    """Tensors of some labelled equations."""

    cells: Tensor
    terms: Tensor
    axes: Tensor
    classes: Tensor
    end: Tensor
    coefficient: Tensor
    power: Tensor
    low: Tensor
    high: Tensor


@dataclass(frozen=True)
class PDETask:
    """Labels by the paper's rule and in truth, the end of the paper's search, and points of negative Re P."""

    shape: Shape = field(default_factory=Shape)

    def network(self) -> nn.Module:
        """A fresh one."""
        return SymbolNetwork(self.shape)

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        return files.load(path, SCHEMA, lambda shape: SymbolNetwork(Shape(**shape)))

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Cross entropies of both pairs of labels, and what is wrong with the points."""
        groups = list(grouped(draw_labelled(rng, batch), device))
        losses = [group_loss(network(*group[:3]), group) * len(group.classes) for group in groups]
        return torch.stack(losses).sum() / batch

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages of fixed equations."""

        def read(given: Features) -> list[Any]:
            with torch.no_grad():
                return [part.cpu().numpy() for part in network(*(torch.from_numpy(x).to(device) for x in given))]

        return score_labelled(validation_set(), read)

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder."""
        assert isinstance(network, SymbolNetwork)
        about = {
            "task": "propose whether u_t + P(D) u = 0 has a solution, whether it decays, and where Re P is negative",
            "schema": SCHEMA,
            "canonical_form": CANONICAL_FORM,
            "network": self.shape.as_dict(),
            "training": record | {"data": (draw_labelled.__doc__ or "").splitlines()[0]},
        }
        return files.ship(network, folder / MODEL_NAME, validation, to_model, lambda _: about)

    def settings(self) -> dict[str, Any]:
        """Nothing beside the shape."""
        return {}


def grouped(given: Labelled, device: torch.device) -> Any:
    """The equations in groups by size."""
    size = given.symbols.terms * 8 + given.symbols.dimension
    for rows in np.array_split(np.argsort(size, kind="stable"), GROUPS):
        yield as_group(given.take(rows), device)


def as_group(given: Labelled, device: torch.device) -> Group:
    """Tensors no larger than the largest equation."""
    T, D = max(1, given.symbols.terms.max()), given.symbols.dimension.max()
    real = given.symbols
    c, e, low, high = real.coefficient[:, :T], real.power[:, :T, :D], real.low[:, :D], real.high[:, :D]
    read = features(real.dimension, c, e, low, high)
    classes = np.stack([given.paper.sum(1), given.truth.sum(1)], axis=1)
    end = np.clip(np.arcsinh(given.end[:, :D]), -FURTHEST, FURTHEST)
    numbers = (torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).to(device) for x in (end, c, e, low, high))
    return Group(*(torch.from_numpy(x).to(device) for x in (*read, classes)), *numbers)


def group_loss(found: Reading, group: Group) -> Tensor:
    """The mean over a group."""
    entropy = nn.functional.cross_entropy(found.logits[:, :3], group.classes[:, 0])
    entropy = entropy + nn.functional.cross_entropy(found.logits[:, 3:], group.classes[:, 1])
    points = in_box(found.points, group.low, group.high)
    there = group.axes[:, :, 0]
    missed = nn.functional.smooth_l1_loss(torch.asinh(points[:, :, 0]), group.end, reduction="none")
    balance = _balance(points, group)
    negative = balance.amin(1) + SPREAD * balance.mean(1)
    return (
        entropy
        + END_WEIGHT * (missed * there).sum() / there.sum()
        + POINT_WEIGHT * (negative * (group.classes[:, 1] < 2)).mean()
    )


def in_box(points: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Frequencies (N, D, K) in the box, as `hybrid.propose.pde.in_box` puts them there."""
    line = torch.isinf(low)
    low, high = torch.where(line, 0.0, low), torch.where(line, 0.0, high)
    inside = low[:, :, None] + (high - low)[:, :, None] * torch.sigmoid(points)
    return torch.where(line[:, :, None], torch.sinh(points.clamp(-FURTHEST, FURTHEST)), inside)


def _balance(points: Tensor, group: Group) -> Tensor:
    """(N, K): the sum of the terms over the sum of their sizes at each point, from −1 to 1; without overflow."""
    size = torch.log(points.abs().clamp_min(SMALLEST))
    odd = group.power % 2
    flips = odd @ (points < 0).float()
    logarithm = torch.log(group.coefficient.abs().clamp_min(1e-30))[:, :, None] + group.power @ size
    sign = torch.sign(group.coefficient)[:, :, None] * (1 - 2 * (flips % 2))
    return (sign * torch.softmax(logarithm, dim=1)).sum(1)


@lru_cache(maxsize=1)
def validation_set() -> Labelled:
    """The equations that decide which weights are kept."""
    return draw_labelled(np.random.default_rng(VALIDATION_SEED), VALIDATION_COUNT)


def main() -> None:
    """The command line."""
    parser = training.parser("train_pde", (__doc__ or "").splitlines()[0], batch=BATCH, minutes=60.0, of_plants=False)
    parser.set_defaults(rate=RATE)
    for name, size in Shape().as_dict().items():
        parser.add_argument(f"--{name}", type=int, default=size)
    given = parser.parse_args()
    training.run(PDETask(Shape(given.width, given.layers, given.rounds, given.points)), given)


if __name__ == "__main__":
    main()
