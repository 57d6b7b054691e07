"""What the PDE network reads: the terms of Re P(iη) and the box of frequencies, as numbers of moderate size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.verify.lyapunov import FloatArray

FloatArray32 = NDArray[np.float32]
IntArray = NDArray[np.int64]

MOST_POWER = 7
"""The largest exponent of one derivative in a term: a term of the paper is a product of distinct x, x², x⁴."""
START = np.pi
"""η = 2πξ where the paper's search begins, ξ = 0.5, unless the box ends before."""
SMALLEST = 1e-3
"""Logarithms are taken of sizes not below this."""
CELL, TERM, AXIS = MOST_POWER + 5, 3, 8
"""Numbers for each pair of term and coordinate, for each term, for each coordinate."""


class Features(NamedTuple):
    """Stacked input of the network for T terms and D coordinates at most; zero where a smaller equation has none.

    Attributes:
        cells: (N, T, D, CELL), of a term and a coordinate: which power; how the start, the lower and the upper end
            count in the logarithm of the term's size; the sign of the power of the start.
        terms: (N, T, TERM): the sign and the logarithm of the coefficient; 1 for a term that is there.
        axes: (N, D, AXIS): 1 for a coordinate that is there; whether it is a point, a line, has zero inside; its start
            and its ends.
    """

    cells: FloatArray32
    terms: FloatArray32
    axes: FloatArray32


def features(
    dimension: IntArray, coefficient: FloatArray, power: IntArray, low: FloatArray, high: FloatArray
) -> Features:
    """The input for stacked symbols: coefficients (N, T), powers (N, T, D), boxes (N, D), ±inf for lines.

    A term with the coefficient 0 is not there, nor is a coordinate from the dimension on. Where Re P = 0 the network
    reads one term with the coefficient 0.

    >>> one, inf = np.ones((1, 1)), np.full((1, 1), np.inf)
    >>> found = features(np.array([1]), 3 * one, np.array([[[2]]]), -inf, inf)
    >>> [part.shape for part in found], found.terms[0, 0]
    ([(1, 1, 1, 12), (1, 1, 3), (1, 1, 8)], array([1. , 0.36620408, 1. ], dtype=float32))
    """
    there = coefficient != 0
    there[:, 0] |= ~there.any(axis=1)
    axis = np.arange(low.shape[1]) < dimension[:, None]
    line = np.isinf(low)
    start = np.clip(START, low, high)
    low, high = np.where(line, 0.0, low), np.where(line, 0.0, high)
    sizes = [_log(start), np.where(line, 0.0, _log(low)), np.where(line, 0.0, _log(high))]
    cells = np.zeros((*power.shape, CELL), dtype=np.float32)
    np.put_along_axis(cells, np.clip(power, 0, MOST_POWER)[..., None], 1.0, axis=-1)
    for i, size in enumerate(sizes):
        cells[..., MOST_POWER + 1 + i] = power * size[:, None, :] / 8
    cells[..., -1] = np.where(power % 2 == 1, np.sign(start)[:, None, :], 1.0)
    terms = np.stack([np.sign(coefficient), _log(np.where(there, coefficient, 1.0)) / 3, there], axis=-1)
    axes = np.stack(
        [
            axis, low == high, line, line | ((low < 0) & (high > 0)), np.sign(start) * (start != 0),
            sizes[0] / 5, np.sign(low) * np.log1p(np.abs(low)) / 5, np.sign(high) * np.log1p(np.abs(high)) / 5,
        ],
        axis=-1,
    )  # fmt: skip
    cells *= (there[:, :, None] & axis[:, None, :])[..., None]
    return Features(cells, (terms * there[..., None]).astype(np.float32), (axes * axis[..., None]).astype(np.float32))


def _log(x: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.maximum(np.abs(x), SMALLEST)))
