"""The network of the PDE task: a grid of terms × coordinates, read by layers that know no order of either.

A cell sees itself, the mean and the maximum over its term, over its coordinate and over the whole grid; weights are the
same everywhere. So the answer does not change when terms or coordinates change places, and one network takes all sizes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hybrid.propose.pde_features import AXIS, CELL, TERM

ABSENT = -1e4
"""Added to absent cells where a maximum is taken."""
LEAST_MAXIMUM = -100.0
"""The maximum where no cell is: such results go nowhere, but stay finite."""
CLASSES = 6
"""No solution; one that does not decay; one that does: by the paper's rule, and in truth."""


@dataclass(frozen=True)
class Shape:
    """Width of a cell, layers with weights of their own, how often they are gone through, points proposed."""

    width: int = 64
    layers: int = 3
    rounds: int = 2
    points: int = 4

    def as_dict(self) -> dict[str, int]:
        """The fields by name."""
        return asdict(self)


class Reading(NamedTuple):
    """What the network says.

    Attributes:
        logits: (N, 6), of the three classes by the paper's rule and in truth.
        points: (N, D, K), frequencies of low values, before they are put into the box.
        latent: (N, width).
    """

    logits: Tensor
    points: Tensor
    latent: Tensor


class Affine(nn.Module):
    """x W + b, the weights stored as ONNX multiplies them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(inputs, outputs) / inputs**0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(…, inputs) to (…, outputs)."""
        return torch.matmul(x, self.weight) + self.bias


class Layer(nn.Module):
    """One exchange between the cells of the grid."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.cell = Affine(width, width)
        self.term, self.axis, self.grid = (Affine(2 * width, width) for _ in range(3))
        self.leave = Affine(width, width)
        nn.init.zeros_(self.leave.weight)

    def forward(self, cells: Tensor, there: Tensor) -> Tensor:
        """Cells (N, T, D, width), 1 where they are (N, T, D, 1)."""
        x = self.norm(cells)
        terms, axes, grid = pools(x, there)
        inner = self.cell(x) + self.term(terms)[:, :, None] + self.axis(axes)[:, None] + self.grid(grid)[:, None, None]
        return cells + self.leave(torch.relu(inner))  # type: ignore[no-any-return]


def pools(x: Tensor, there: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and maximum over each term (N, T, 2C), each coordinate (N, D, 2C), and all (N, 2C)."""
    kept, low = x * there, x + (1 - there) * ABSENT
    results = []
    for over in ((2,), (1,), (1, 2)):
        mean = kept.sum(over) / there.sum(over).clamp_min(1.0)
        results.append(torch.cat([mean, low.amax(over).clamp_min(LEAST_MAXIMUM)], -1))
    return results[0], results[1], results[2]


class SymbolNetwork(nn.Module):
    """From the features of a symbol and its box to what a solution does."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        C = shape.width
        self.cells, self.terms, self.axes = Affine(CELL, C), Affine(TERM, C), Affine(AXIS, C)
        self.layers = nn.ModuleList(Layer(C) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(C)
        self.latent, self.classes = Affine(2 * C, C), Affine(C, CLASSES)
        self.axis, self.points = Affine(2 * C, C), Affine(C, shape.points)

    def forward(self, cells: Tensor, terms: Tensor, axes: Tensor) -> Reading:
        """See `hybrid.propose.pde_features.Features`; at least one term and one coordinate are there."""
        there = terms[:, :, None, -1:] * axes[:, None, :, :1]
        x = self.cells(cells) + self.terms(terms)[:, :, None] + self.axes(axes)[:, None]
        for _ in range(self.shape.rounds):
            for layer in self.layers:
                x = layer(x, there)
        _, over_terms, grid = pools(self.norm(x), there)
        latent = torch.relu(self.latent(grid))
        return Reading(self.classes(latent), self.points(torch.relu(self.axis(over_terms))), latent)
