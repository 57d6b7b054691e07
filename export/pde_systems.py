"""Random equations u_t + P(D) u = 0 with the frequencies of an initial condition, by the rule of the paper.

Charton, Hayat, Lample 2021 (arXiv 2006.06462), task `fourier_cond_init`: P has constant integer coefficients, and what
decides is Re P(iη) over a box of frequencies η = 2πξ. In these units all coefficients and all ends are integers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from hybrid.systems.pde import LinearPDE

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST_DIMENSIONS = 6
MOST_TERMS = 2 * MOST_DIMENSIONS + 2
MOST_FACTORS = 4
POINT, INTERVAL, LINE = range(3)
"""Supports of the kernels: 1 has {0}, sinc an interval, the Gaussian and the Dirac distribution the whole line."""


class Equations(NamedTuple):
    """Stacked equations; what does not exist in a smaller one is zero.

    Attributes:
        dimension: (N,), from 2 to 6.
        coefficient: (N, T), of the terms of P, in the order drawn.
        power: (N, T, 6), of the derivatives in each term.
        low, high: (N, 6), the frequencies η = 2πξ of the initial condition; ±inf.
    """

    dimension: IntArray
    coefficient: FloatArray
    power: IntArray
    low: FloatArray
    high: FloatArray

    def take(self, rows: Any) -> Equations:
        """Some of them."""
        return Equations(*(part[rows] for part in self))


class Symbols(NamedTuple):
    """Stacked real parts Re P(iη) = Σ coefficient · Π η^power, like terms collected, those that vanish left out.

    Attributes:
        dimension: (N,).
        terms: (N,), how many there are.
        coefficient: (N, T).
        power: (N, T, 6).
        low, high: (N, 6), the box; ±inf.
    """

    dimension: IntArray
    terms: IntArray
    coefficient: FloatArray
    power: IntArray
    low: FloatArray
    high: FloatArray

    def take(self, rows: Any) -> Symbols:
        """Some of them."""
        return Symbols(*(part[rows] for part in self))


def draw(rng: np.random.Generator, count: int) -> Equations:
    """Random equations.

    Dimension n uniform in 2…6; n to 2n + 2 terms of 1 to 4 factors, each a variable with the power 1, 2 or 4; repeated
    factors of a term and repeated terms are one. Coefficients −10…10 without 0, the first positive. The support of
    each coordinate is a point, an interval or the line (1 : 1 : 2), moved by 1 to 2n delays.

    >>> some = draw(np.random.default_rng(0), 3)
    >>> some.coefficient.shape, some.power.shape, bool((some.coefficient[:, 0] > 0).all())
    ((3, 14), (3, 14, 6), True)
    """
    dimension = rng.integers(2, MOST_DIMENSIONS + 1, count)
    coefficient = np.zeros((count, MOST_TERMS))
    power = np.zeros((count, MOST_TERMS, MOST_DIMENSIONS), dtype=np.int64)
    low, high = np.zeros((count, MOST_DIMENSIONS)), np.zeros((count, MOST_DIMENSIONS))
    for i in range(count):
        _operator(rng, dimension[i], coefficient[i], power[i])
        _support(rng, dimension[i], low[i], high[i])
    return Equations(dimension, coefficient, power, low, high)


def symbols(equations: Equations) -> Symbols:
    """The real part of each P(iη): terms of even degree, with a minus sign where the degree is 2 modulo 4.

    >>> heat = Equations(*map(np.array, ([1], [[-3.0, 5.0]], [[[2], [1]]], [[-np.inf]], [[np.inf]])))  # −3 D² + 5 D
    >>> found = symbols(heat)
    >>> found.coefficient[0, : found.terms[0]], found.power[0, : found.terms[0]]
    (array([3.]), array([[2]]))
    """
    coefficient, power = np.zeros_like(equations.coefficient), np.zeros_like(equations.power)
    terms = _collect(equations.coefficient, equations.power, coefficient, power)
    return Symbols(equations.dimension, terms, coefficient, power, equations.low, equations.high)


def operator_text(equations: Equations, row: int) -> str:
    """The operator of one equation, where x0 stands for ∂/∂x0.

    >>> heat = Equations(*map(np.array, ([2], [[3.0, -1.0]], [[[2, 0], [1, 1]]], [[0, 0]], [[0, 0]])))
    >>> operator_text(heat, 0)
    '3*x0**2 - x0*x1'
    """
    text = ""
    for coefficient, powers in zip(equations.coefficient[row], equations.power[row], strict=True):
        if coefficient:
            factors = [f"x{k}" if p == 1 else f"x{k}**{p}" for k, p in enumerate(powers) if p]
            size = [f"{abs(coefficient):.0f}"] if abs(coefficient) != 1 else []
            sign = (" - " if coefficient < 0 else " + ") if text else ("-" if coefficient < 0 else "")
            text += sign + "*".join(size + factors)
    return text


def linear_pdes(equations: Equations) -> list[LinearPDE]:
    """The same equations with exact numbers."""
    return [
        LinearPDE.from_bounds(
            [(int(c), tuple(map(int, powers[:n]))) for c, powers in zip(coefficient, power, strict=True) if c],
            [
                (a, b) if np.isinf(a) else (int(a), int(b))
                for a, b in zip(low[:n].tolist(), high[:n].tolist(), strict=True)
            ],
        )
        for n, coefficient, power, low, high in zip(*equations, strict=True)
    ]


@numba.njit(cache=True)
def _operator(rng: Any, n: int, coefficient: Any, power: Any) -> None:
    """Coefficients and powers of one operator."""
    sets = np.zeros((MOST_TERMS, 3 * MOST_DIMENSIONS), dtype=np.bool_)  # the pairs (variable, power) of each term
    count = 0
    for _ in range(rng.integers(n, 2 * n + 3)):
        sets[count] = False
        for _ in range(rng.integers(1, MOST_FACTORS + 1)):
            sets[count, 3 * rng.integers(0, n) + rng.integers(0, 3)] = True
        known = False
        for j in range(count):
            known |= (sets[j] == sets[count]).all()
        if not known:
            count += 1
    for j in range(count):
        size = rng.integers(1, 11)
        coefficient[j] = -size if rng.integers(0, 2) and j else size
        for k in range(n):
            power[j, k] = 1 * sets[j, 3 * k] + 2 * sets[j, 3 * k + 1] + 4 * sets[j, 3 * k + 2]


@numba.njit(cache=True)
def _support(rng: Any, n: int, low: Any, high: Any) -> None:
    """The box of one initial condition."""
    shift = np.zeros(n)
    delayed = np.zeros(n, dtype=np.bool_)
    for _ in range(rng.integers(1, 2 * n + 1)):
        delayed[rng.integers(0, n)] = True
    for k in range(n):
        shift[k] = rng.integers(-100, 100) if delayed[k] else 0
        kernel = rng.integers(0, 4)
        if kernel >= LINE:
            low[k], high[k] = -np.inf, np.inf
        else:
            radius = abs(rng.integers(-100, 100)) if kernel == INTERVAL else 0
            low[k], high[k] = shift[k] - radius, shift[k] + radius


@numba.njit(cache=True)
def _collect(given: Any, powers: Any, coefficient: Any, power: Any) -> Any:
    """Write the terms of each real part; how many there are."""
    counts = np.zeros(len(given), dtype=np.int64)
    for i in range(len(given)):
        count = 0
        for j in range(given.shape[1]):
            degree = powers[i, j].sum()
            if given[i, j] == 0 or degree % 2:
                continue
            place = 0
            while place < count and (power[i, place] != powers[i, j]).any():
                place += 1
            power[i, place] = powers[i, j]
            coefficient[i, place] += given[i, j] if degree % 4 == 0 else -given[i, j]
            count = max(count, place + 1)
        kept = 0
        for j in range(count):
            if coefficient[i, j] != 0:
                coefficient[i, kept], power[i, kept] = coefficient[i, j], power[i, j]
                kept += 1
        coefficient[i, kept:] = 0
        power[i, kept:] = 0
        counts[i] = kept
    return counts
