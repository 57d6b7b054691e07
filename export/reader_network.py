"""A tree network that reads equations: one cell for each operator, trained on what the operator does to numbers.

A node's state is a *code* of its value, nothing hidden: log-modulus, direction, and whether it is zero. A cell maps
the codes of the children to that of the node and to those of its derivatives with respect to the children, so that
each step shows what it claims. Up the tree the cells are composed; down, derivatives are multiplied along the paths
and added over the leaves of a variable, which gives the Jacobian. The chain rule is wired, the operators are learned.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hybrid.propose.expression_trees import OPERATORS

FEATURES = 14
SCALES = ((4.0, 1 / 2), (12.0, 1 / 4), (50.0, 1 / 16))
"""Numbers up to the first are seen as they are, in the unit of the second."""
STRAIGHT = 15
EQUAL = 1e-7
"""A squared relative difference that is rounding: what cancels to this size is zero."""


def features(code: Tensor) -> Tensor:
    """What a cell sees of a child: its code, and the number itself at several scales, (…, FEATURES)."""
    log, c, s, zero = code.unbind(-1)
    keep = 1 - zero
    size = log.clamp(max=4.0).exp() * keep
    ratio = size / (1 + size)
    scales = [size.clamp(max=most) * unit for most, unit in SCALES]
    near = (log.square() + s.square() + 1e-6).log() * 0.25  # how close to ±1, where ln, asin and acos turn
    parts = [scale * x for scale in (ratio, *scales) for x in (c, s)]
    return torch.stack([zero, log / 8, (log / 2).tanh(), c, s, *parts, near], -1)


def straight(left: Tensor, right: Tensor) -> Tensor:
    """What products, quotients and sums of very different numbers are linear in, (…, STRAIGHT)."""
    a, c, s, _ = left.unbind(-1)
    b, d, t, _ = right.unbind(-1)
    apart = (a - b).clamp(-8, 8)
    logs = [a, b, torch.maximum(a, b), apart, (-apart.abs()).exp()]
    alike = [(apart.square() + (c - k * d).square() + (s - k * t).square() + EQUAL).log() / 4 for k in (1, -1)]
    return torch.stack([*logs, *alike, c, s, d, t, c * d, s * t, c * t, s * d], -1)


@dataclass(frozen=True)
class CellShape:
    """Width of the two hidden layers of each cell."""

    width: int

    def as_dict(self) -> dict[str, int]:
        """The sizes by name."""
        return asdict(self)


class Codes(NamedTuple):
    """What cells say: log-moduli (…, 3), directions (…, 3, 2) of length about 1, logits of zero (…, 3).

    The three are the value and the derivatives with respect to the left and to the right child.
    """

    log: Tensor
    direction: Tensor
    zero: Tensor


class Cells(nn.Module):
    """One small network for each operator, (children's features) → (codes)."""

    def __init__(self, shape: CellShape) -> None:
        super().__init__()
        count, width, given = len(OPERATORS), shape.width, 2 * FEATURES + STRAIGHT
        self.shape = shape
        self.enter = nn.Parameter(torch.randn(count, given, width) * (2 / given) ** 0.5)
        self.enter_bias = nn.Parameter(torch.zeros(count, 1, width))
        self.inner = nn.Parameter(torch.randn(count, width, width) * (2 / width) ** 0.5)
        self.inner_bias = nn.Parameter(torch.zeros(count, 1, width))
        self.second = nn.Parameter(torch.randn(count, width, width) * (0.5 / width) ** 0.5)
        self.second_bias = nn.Parameter(torch.zeros(count, 1, width))
        self.leave = nn.Parameter(torch.zeros(count, width, 12))
        self.leave_bias = nn.Parameter(torch.zeros(count, 1, 12))
        self.straight = nn.Parameter(torch.zeros(count, STRAIGHT, 12))

    def forward(self, left: Tensor, right: Tensor) -> Codes:
        """Codes (13, N, …) of operators applied to children of the codes (13, N, 4)."""
        both = straight(left, right)
        x = torch.cat([features(left), features(right), both[..., :3] / 8, both[..., 3:]], -1)
        x = torch.relu(torch.baddbmm(self.enter_bias, x, self.enter))
        x = x + torch.relu(torch.baddbmm(self.inner_bias, x, self.inner))
        x = x + torch.relu(torch.baddbmm(self.second_bias, x, self.second))
        out = torch.baddbmm(self.leave_bias, x, self.leave) + torch.bmm(both, self.straight)
        return Codes(out[..., :3], out[..., 3:9].reshape(*out.shape[:-1], 3, 2), out[..., 9:])


def distance(said: Codes, true: Tensor) -> Tensor:
    """Relative errors |v̂/v − 1| to first order, (…, 3), zero where v is; true (…, 3, 4)."""
    apart = (said.log - true[..., 0]).square() + (said.direction - true[..., 1:3]).square().sum(-1)
    return torch.where(true[..., 3] > 0, torch.zeros_like(apart), apart)
