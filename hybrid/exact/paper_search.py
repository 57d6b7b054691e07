"""The labels of Charton, Hayat and Lample 2020 for a PDE: a local search for the least Re P, in floating point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from hybrid.answer import SearchedLabels
from hybrid.systems.numbers import nearest_float

if TYPE_CHECKING:
    from hybrid.systems.pde import LinearPDE

START, DIFFERENCE, TOLERANCE = 0.5, 1e-8, 1e-15
LARGEST = 1e15
"""Values are clipped to ± this."""
UNBOUNDED = -1e14


def searched_labels(equation: LinearPDE) -> SearchedLabels | None:
    """What their rule says; None where the support is one point, or where the search fails, as they then draw another.

    The search is scipy's truncated Newton method in ξ = η/(2π), from 0.5 in each coordinate or the end of the support
    nearest to it, with gradients by forward differences, as in the versions of scipy that they had.

    >>> from hybrid.systems.pde import LinearPDE
    >>> searched_labels(LinearPDE.from_bounds([(1, (2,))], [(None, None)]))
    SearchedLabels(exists=False, decays=False, lowest=-1000000000000000.0)
    """
    ends = np.array(equation.ends) / (2 * math.pi)
    free = np.flatnonzero(ends[:, 0] < ends[:, 1])
    if not len(free):
        return None
    powers = np.array(list(equation.real_symbol), dtype=float).reshape(-1, equation.dimension)
    sizes = np.array([nearest_float(c) for c in equation.real_symbol.values()]) * (2 * math.pi) ** powers.sum(1)
    point = np.clip(np.full(equation.dimension, START), ends[:, 0], ends[:, 1])

    def value(x: Any) -> float:
        at = point.copy()
        at[free] = x
        total = float(sizes @ np.prod(at**powers, axis=1))
        return min(max(total, -LARGEST), LARGEST) if total == total else LARGEST

    def gradient(x: Any) -> Any:
        here = value(x)
        return np.array([(value(x + DIFFERENCE * step) - here) / DIFFERENCE for step in np.eye(len(x))])

    with np.errstate(all="ignore"):
        found = minimize(
            value,
            point[free],
            jac=gradient,
            method="TNC",
            bounds=ends[free],
            options={"ftol": TOLERANCE, "gtol": TOLERANCE},
        )
    if not found.success:
        return None
    return SearchedLabels(bool(found.fun >= UNBOUNDED), bool(found.fun >= 0), float(found.fun))
