"""Token expressions as arrays for a tree network: leaves, operators by height, and the paths of the chain rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hybrid.expressions.tokens import ARITY, number_value
from hybrid.systems.tokens import TokenSystem

OPERATORS: Final = tuple(ARITY)
"""In the order of the network's cells."""
NUMBER = {name: number for number, name in enumerate(OPERATORS)}

CODE = 4
"""Numbers of a code: log|v|, the cosine and the sine of its angle, and 1 for zero (the others are 0 then)."""

LARGEST_LOG = 60.0
ABSENT = 0
"""The position of the operand that a unary operator lacks."""
UNIT = 0
"""The edge that pads paths: a derivative of 1."""

MAX_NODES = 4000
"""Of one system that is proposed for."""
MAX_HEIGHT = 64

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


def encode(values: NDArray[Any]) -> FloatArray:
    """The codes of complex numbers, (…, 4).

    >>> encode(np.array([-1.0, 1j, 0.0])).tolist()
    [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """
    size = np.abs(values)
    zero = size == 0
    safe = np.where(zero, 1.0, size)
    direction = np.where(zero, 0.0, values / safe)
    log = np.clip(np.log(safe), -LARGEST_LOG, LARGEST_LOG)
    return np.stack([log, direction.real, direction.imag, zero], -1).astype(np.float32)


@dataclass(frozen=True)
class Trees:
    """The expressions of several systems: node 0 is absent, then L leaves, then M operators from low to high.

    Attributes:
        leaves: (L, 4) codes. operators: (M,) numbers of cells. children: (M, 2) positions of nodes.
        bounds: (H + 1,) where the operators of each height begin among the M.
        paths: (V, D) the edges from each variable's leaf to the root of its equation; edge 1 + 2k + side leads from
            the operator k to its left (0) or right (1) child; `UNIT` fills up.
        entries: (V,) the entry of the Jacobians, laid end to end, that a leaf contributes to.
        sizes: for each system its numbers of equations and variables.
    """

    leaves: FloatArray
    operators: IntArray
    children: IntArray
    bounds: IntArray
    paths: IntArray
    entries: IntArray
    sizes: tuple[tuple[int, int], ...]

    def inputs(self) -> dict[str, Any]:
        """What the network is fed."""
        count = np.zeros(sum(rows * columns for rows, columns in self.sizes), np.float32)
        return {
            "leaves": self.leaves,
            "operators": self.operators,
            "children": self.children,
            "bounds": self.bounds,
            "paths": self.paths,
            "entries": self.entries,
            "room": count,
        }


def is_readable(system: TokenSystem) -> bool:
    """Whether the network takes a system of this size."""
    return sum(map(len, system.words)) <= MAX_NODES and all(_height(words) <= MAX_HEIGHT for words in system.words)


def _height(words: Sequence[str]) -> int:
    heights: list[int] = []
    for word in reversed(words):
        heights.append(1 + max(heights.pop() for _ in range(ARITY[word])) if word in ARITY else 0)
    return heights[0]


class _Nodes:
    """Nodes in the order in which they are read, with where each hangs and which numbers it has."""

    def __init__(self) -> None:
        self.cell: list[int] = []  # −1 for a leaf
        self.left: list[int] = []
        self.right: list[int] = []
        self.height: list[int] = []
        self.value: list[complex] = []
        self.entry: list[int] = []  # −1 but for a variable

    def add(self, words: Sequence[str], point: dict[str, complex], columns: dict[str, int], first: int) -> None:
        """Append one equation whose row of the Jacobian begins at `first`."""
        stack: list[int] = []
        for word in reversed(words):
            here, cell, left, right, height = len(self.cell), NUMBER.get(word, -1), -1, -1, 0
            if cell >= 0:
                left = stack.pop()
                height = self.height[left]
                if ARITY[word] == 2:
                    right = stack.pop()
                    height = max(height, self.height[right])
                height += 1
            self.cell.append(cell)
            self.left.append(left)
            self.right.append(right)
            self.height.append(height)
            is_variable = word in columns
            self.entry.append(first + columns[word] if is_variable else -1)
            self.value.append(0j if cell >= 0 else point[word] if is_variable else complex(number_value(word)))
            stack.append(here)


def trees(systems: Sequence[TokenSystem], points: Sequence[Sequence[complex]]) -> Trees:
    """The expressions of systems with the values of their variables: states, inputs, time."""
    nodes, first, sizes = _Nodes(), 0, []
    for system, point in zip(systems, points, strict=True):
        columns = {name: i for i, name in enumerate(system.variables)}
        values = dict(zip(system.variables, map(complex, point), strict=True))
        for words in system.words:
            nodes.add(words, values, columns, first)
            first += len(columns)
        sizes.append((system.states, len(columns)))
    return _laid_out(nodes, tuple(sizes))


def _laid_out(nodes: _Nodes, sizes: tuple[tuple[int, int], ...]) -> Trees:
    """Leaves first, then operators by height; children and paths by their new positions."""
    cell, left, right, height = (np.array(x, np.int64) for x in (nodes.cell, nodes.left, nodes.right, nodes.height))
    entry = np.array(nodes.entry, np.int64)
    order = np.argsort(height, kind="stable")
    is_leaf = cell[order] < 0
    count = int(is_leaf.sum())
    place = np.empty(len(order) + 1, np.int64)
    place[order] = np.arange(1, len(order) + 1)
    place[-1] = ABSENT  # where a child is −1
    inner = order[count:]
    children = np.stack([place[left[inner]], place[right[inner]]], 1)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(height[inner], minlength=1)[1:])])
    edge, parent = np.zeros(len(order) + 1, np.int64), np.zeros(len(order) + 1, np.int64)
    for side in (0, 1):
        edge[children[:, side]] = 1 + 2 * np.arange(len(inner)) + side
        parent[children[:, side]] = 1 + count + np.arange(len(inner))
    edge[ABSENT] = parent[ABSENT] = 0
    variables = np.flatnonzero(entry >= 0)
    at = place[variables]
    paths = np.full((len(at), max(1, len(bounds) - 1)), UNIT, np.int64)
    for step in range(paths.shape[1]):
        paths[:, step] = edge[at]
        at = parent[at]
    leaves = encode(np.array(nodes.value)[order[:count]])
    return Trees(leaves, cell[inner], children, bounds, paths, entry[variables], sizes)
