"""What is asked of an equation: does a solution exist, does it decay? By the paper's rule, and as search can tell.

The paper minimises Re P from the frequency ξ = 0.5 by a truncated Newton method (scipy's TNC, gradients by differences)
and reads the value: below −10¹⁴ no solution exists, below 0 it does not decay. That is a local search, and some of its
labels are wrong. The second pair of labels looks for a ray along which Re P falls without bound, and for any negative
value: what it finds is there, what it does not find may be.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import _moduleTNC  # the public interface costs ten times the search, and refuses boxes without 0.5

from .pde_systems import Equations, FloatArray, Symbols, draw, symbols

BoolArray = NDArray[np.bool_]

START, DIFFERENCE, PRECISION = 0.5, 1e-8, 1e-15
LARGEST = 1e15
"""Values are clipped to ± this."""
UNBOUNDED = -1e14
FAILED = 3
"""From this status of TNC on, the search has not converged."""
RAYS, POINTS, STEPS = 400, 400, 60
ROUNDING = 1e-9
"""A sum is negative if it is so by more than this share of its terms' sizes."""


class Labelled(NamedTuple):
    """Equations with their symbols and labels.

    Attributes:
        equations, symbols: N of them.
        paper: (N, 2), whether a solution exists and whether it decays, by the paper's rule.
        truth: (N, 2), the same as far as search can tell.
        end: (N, 6), where the paper's search ended, in η = 2πξ.
        lowest: (N,), the value there.
    """

    equations: Equations
    symbols: Symbols
    paper: BoolArray
    truth: BoolArray
    end: FloatArray
    lowest: FloatArray

    def take(self, rows: Any) -> Labelled:
        """Some of them."""
        return Labelled(self.equations.take(rows), self.symbols.take(rows), *(part[rows] for part in self[2:]))


def draw_labelled(rng: np.random.Generator, count: int) -> Labelled:
    """Random equations on which the paper's search converges, with labels.

    >>> some = draw_labelled(np.random.default_rng(0), 5)
    >>> some.paper.shape, some.truth.shape
    ((5, 2), (5, 2))
    """
    parts: list[Labelled] = []
    missing = count
    while missing > 0:
        parts.append(_converged(draw(rng, missing + missing // 8 + 8)))
        missing -= len(parts[-1].lowest)
    return _joined(parts).take(slice(count))


def paper_labels(given: Symbols) -> tuple[BoolArray, BoolArray, FloatArray, FloatArray]:
    """Labels (N, 2) by the paper's rule; whether its search converged (N,), its end in η (N, 6), the value there."""
    found = [_search(given, i) for i in range(len(given.terms))]
    status = np.array([each[0] for each in found], dtype=int)
    lowest = np.array([each[1] for each in found])
    end = np.zeros_like(given.low)
    for i, each in enumerate(found):
        end[i, : len(each[2])] = 2 * np.pi * np.asarray(each[2])
    labels = np.stack([lowest >= UNBOUNDED, lowest >= 0], axis=1)
    return labels, (status >= 0) & (status < FAILED), end, lowest


def searched_labels(rng: np.random.Generator, given: Symbols) -> BoolArray:
    """(N, 2): no ray was found along which Re P falls without bound; no negative value was found."""
    labels = np.ones((len(given.terms), 2), dtype=bool)
    for i in range(len(given.terms)):
        n, count = given.dimension[i], given.terms[i]
        parts = given.coefficient[i, :count], given.power[i, :count, :n], given.low[i, :n], given.high[i, :n]
        if _falls(rng, *parts):
            labels[i] = False
        else:
            labels[i, 1] = not _negative(rng, *parts)
    return labels


def _converged(equations: Equations) -> Labelled:
    real = symbols(equations)
    paper, converged, end, lowest = paper_labels(real)
    rows = np.flatnonzero(converged)
    real, paper, end, lowest = real.take(rows), paper[rows], end[rows], lowest[rows]
    truth = searched_labels(np.random.default_rng(0), real)
    truth[:, 1] &= _exact_sign(real, end)
    return Labelled(equations.take(rows), real, paper, truth, end, lowest)


def _joined(parts: list[Labelled]) -> Labelled:
    equations = Equations(*map(np.concatenate, zip(*(part.equations for part in parts), strict=True)))
    real = Symbols(*map(np.concatenate, zip(*(part.symbols for part in parts), strict=True)))
    return Labelled(equations, real, *map(np.concatenate, zip(*(part[2:] for part in parts), strict=True)))


def _exact_sign(given: Symbols, at: FloatArray) -> BoolArray:
    """Whether Re P is not negative at one frequency each, by more than rounding."""
    terms = given.coefficient * np.prod(at[:, None, :] ** given.power, axis=2)
    return np.asarray(terms.sum(1) >= -ROUNDING * np.abs(terms).sum(1))


def _search(given: Symbols, row: int) -> tuple[int, float, FloatArray]:
    """Status, value and end ξ of the paper's search on one symbol."""
    n, count = given.dimension[row], given.terms[row]
    power = given.power[row, :count, :n]
    coefficient = given.coefficient[row, :count] * (2 * np.pi) ** power.sum(1)
    low, high = given.low[row, :n] / (2 * np.pi), given.high[row, :n] / (2 * np.pi)
    if (low == high).all():
        return FAILED, 0.0, low
    none = np.zeros(0)
    status, *_, end, _, _ = _moduleTNC.tnc_minimize(
        partial(_value_and_differences, coefficient, power), np.full(n, START), low, high, none, none, 0,
        -1, max(100, 10 * n), -1.0, 0.0, 0.0, 0.0, PRECISION, -1.0, PRECISION, -1.0, None,
    )  # fmt: skip
    end = np.asarray(end)
    return status, _value(coefficient, power, end), end


@numba.njit(cache=True)
def _sum(coefficient: Any, power: Any, x: Any) -> Any:
    """Re P at x, and the sum of the sizes of its terms."""
    total, size = 0.0, 0.0
    for j in range(len(coefficient)):
        term = coefficient[j]
        for k in range(len(x)):
            for _ in range(power[j, k]):
                term *= x[k]
        total += term
        size += abs(term)
    return total, size


@numba.njit(cache=True)
def _value(coefficient: Any, power: Any, x: Any) -> Any:
    return min(max(_sum(coefficient, power, x)[0], -LARGEST), LARGEST)


@numba.njit(cache=True)
def _value_and_differences(coefficient: Any, power: Any, x: Any) -> Any:
    """The clipped value and its forward differences."""
    value = _value(coefficient, power, x)
    gradient = np.empty(len(x))
    for k in range(len(x)):
        kept = x[k]
        x[k] = kept + DIFFERENCE
        gradient[k] = (_value(coefficient, power, x) - value) / DIFFERENCE
        x[k] = kept
    return value, gradient


@numba.njit(cache=True)
def _somewhere(rng: Any, low: Any, high: Any, x: Any, decades: float) -> None:
    """A random point of the box: ends, zero and all between; on a line of either sign, sizes log-uniform."""
    for k in range(len(x)):
        if low[k] == -np.inf:
            x[k] = np.exp(decades * np.log(10.0) * (2 * rng.random() - 1)) * (1 if rng.random() < 0.5 else -1)
            continue
        kind = rng.integers(0, 4)
        x[k] = low[k] if kind == 0 else high[k] if kind == 1 else low[k] + (high[k] - low[k]) * rng.random()
        if kind == 2 and low[k] <= 0 <= high[k]:
            x[k] = np.exp(-6 * rng.random()) * (low[k] if rng.random() < 0.5 else high[k])


@numba.njit(cache=True)
def _falls(rng: Any, coefficient: Any, power: Any, low: Any, high: Any) -> Any:
    """Whether some ray x_k t^w_k, t → ∞, in the box has leading terms with a negative sum."""
    n = len(low)
    if not np.isinf(low).any() or len(coefficient) == 0:
        return False
    x, weight = np.empty(n), np.zeros(n, dtype=np.int64)
    for _ in range(RAYS):
        _somewhere(rng, low, high, x, 1.0)
        for k in range(n):
            if low[k] == -np.inf:
                weight[k] = rng.integers(-2, 4)
            else:
                weight[k] = -rng.integers(0, 3) if low[k] <= 0 <= high[k] else 0
        degrees = (power * weight).sum(axis=1)
        leading = degrees.max()
        if leading > 0:
            chosen = degrees == leading
            total, size = _sum(coefficient[chosen], power[chosen], x)
            if total < -ROUNDING * size:
                return True
    return False


@numba.njit(cache=True)
def _negative(rng: Any, coefficient: Any, power: Any, low: Any, high: Any) -> Any:
    """Whether a negative value was found: at random points, and in shrinking steps from the one nearest to that."""
    n = len(low)
    if len(coefficient) == 0:
        return False
    x, best, nearest = np.empty(n), np.empty(n), np.inf
    _somewhere(rng, low, high, best, 2.0)
    for _ in range(POINTS):
        _somewhere(rng, low, high, x, 2.0)
        total, size = _sum(coefficient, power, x)
        if size > 0 and total / size < nearest:
            nearest = total / size
            best[:] = x
        if nearest < -ROUNDING:
            return True
    for step in range(STEPS * n):
        x[:] = best
        k = rng.integers(0, n)
        reach = 3.0 * 0.93 ** (step / n)
        x[k] = min(max(x[k] * np.exp(reach * (2 * rng.random() - 1)), low[k]), high[k])
        total, size = _sum(coefficient, power, x)
        if size > 0 and total / size < nearest:
            nearest = total / size
            best[:] = x
        if nearest < -ROUNDING:
            return True
    return False
