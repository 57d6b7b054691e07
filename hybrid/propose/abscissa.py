"""The largest closed-loop abscissa of a question, as a function of the free entries of its gain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hybrid.propose.balance import balancing
from hybrid.question import StaticGainQuestion
from hybrid.verify.lyapunov import FloatArray

ENOUGH = 1e-3
"""Margin to the boundary, relative to the time scale, with which a search is content: room for the gain's rounding."""


class Plant(NamedTuple):
    """A, B, C in scaled coordinates."""

    A: FloatArray
    B: FloatArray
    C: FloatArray


class ClosedLoops:
    """The closed loops A − B K C of a question's systems, in units in which gains of about 1 matter.

    States are balanced, time is divided by the largest eigenvalue, inputs and outputs by the size of their columns of B
    and rows of C over all systems: entries of 1e5 beside 1e-5 are common in plants, and a search among gains of one
    size finds nothing there. The decay rate is taken in by a shift (a stretch, in discrete time): the boundary is 0
    (1, in discrete time).

    Attributes:
        plants: scaled, one for each system.
        discrete: whether the radius counts, and not the abscissa.
        boundary: where the region ends.
        evaluations: how often the objective was computed.
    """

    def __init__(self, question: StaticGainQuestion) -> None:
        self.discrete = question.system.is_discrete
        self.boundary = float(self.discrete)
        self.evaluations = 0
        self._decay = float(question.region.decay)
        self._free = question.free
        with np.errstate(all="ignore"):
            plants = [_balanced(*plant) for plant in question.plants()]
            self._rate = 1.0 if self.discrete else _largest_rate(plants)
            inputs = _units(np.sqrt(sum(np.square(B).sum(0) for _, B, _ in plants)))
            outputs = _units(np.sqrt(sum(np.square(C).sum(1) for _, _, C in plants)))
            self.plants = tuple(Plant(A / self._rate, B * inputs, C * outputs[:, None]) for A, B, C in plants)
            self._unit = self._rate * inputs[:, None] * outputs

    @property
    def size(self) -> int:
        """How many entries of the gain are free."""
        return int(self._free.sum())

    @property
    def target(self) -> float:
        """A value that leaves room for rounding."""
        return self.boundary * (1 - ENOUGH) if self.discrete else -ENOUGH

    def gain(self, x: FloatArray) -> FloatArray:
        """The gain in the user's units, whose free entries are those of x in scaled ones."""
        return self._scaled_gain(x) * self._unit

    def entries(self, gain: FloatArray) -> FloatArray:
        """The free entries of a gain, in scaled units; what `gain` undoes."""
        return np.asarray((gain / self._unit)[self._free])

    def scaled_entries(self, gain: FloatArray) -> FloatArray:
        """The free entries of a gain that is in scaled units already."""
        return np.asarray(gain[self._free])

    def abscissa(self, value: float) -> float:
        """A value of the objective as the abscissa (or radius) that it stands for, in the user's units."""
        return value * (1 - self._decay) if self.discrete else value * self._rate - self._decay

    def __call__(self, x: FloatArray) -> tuple[float, FloatArray]:
        """The largest abscissa (radius) over the systems and its gradient, from the eigenvectors of that eigenvalue.

        inf where the loops overflow; zeros for a gradient that does not exist, as at a defective eigenvalue.

        Source: Burke and Overton 2001, Math. Program. 90, 317–351; dλ = w dM v for w v = 1.
        """
        self.evaluations += 1
        K = self._scaled_gain(x)
        none = np.inf, np.zeros(len(x))
        worst, place = -np.inf, None
        for plant in self.plants:
            M = plant.A - plant.B @ K @ plant.C
            if not np.isfinite(M).all():
                return none
            try:
                values, vectors = np.linalg.eig(M)
            except np.linalg.LinAlgError:
                return none
            sizes = np.abs(values) if self.discrete else values.real
            leading = int(sizes.argmax())
            if sizes[leading] > worst:
                worst, place = float(sizes[leading]), (plant, values[leading], vectors, leading)
        if place is None:
            return none
        return worst, self._gradient(*place)

    def _gradient(self, plant: Plant, value: complex, vectors: FloatArray, leading: int) -> FloatArray:
        unit = np.zeros(len(vectors))
        unit[leading] = 1.0
        try:
            left = np.linalg.solve(vectors.T, unit)  # a row of the inverse: the left eigenvector with w v = 1
        except np.linalg.LinAlgError:
            return np.zeros(self.size)
        slope = -np.outer(left @ plant.B, plant.C @ vectors[:, leading])
        if self.discrete:
            slope = slope * (np.conj(value) / abs(value) if value else 0.0)
        found: FloatArray = slope.real[self._free]
        return found if np.isfinite(found).all() else np.zeros(self.size)

    def _scaled_gain(self, x: FloatArray) -> FloatArray:
        K = np.zeros(self._free.shape)
        K[self._free] = x
        return K


def _balanced(A: FloatArray, B: FloatArray, C: FloatArray) -> Plant:
    d = balancing(A)
    return Plant(A * d / d[:, None], B / d[:, None], C * d)


def _largest_rate(plants: list[Plant]) -> float:
    """The largest modulus of an eigenvalue, 1 where there is none above 0."""
    finite = (A for A, _, _ in plants if np.isfinite(A).all())
    rate = max((float(np.abs(np.linalg.eigvals(A)).max()) for A in finite), default=1.0)
    return rate if np.isfinite(rate) and rate > 0 else 1.0


def _units(sizes: FloatArray) -> FloatArray:
    """1/size, and 1 for an input or output that does nothing."""
    return np.where(np.isfinite(sizes) & (sizes > 0), 1 / sizes, 1.0)
