"""BFGS for functions that have no gradient at their minima, such as a spectral abscissa."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hybrid.verify.lyapunov import FloatArray

_DECREASE, _CURVATURE = 1e-4, 0.5  # of the weak Wolfe conditions
_PATIENCE = 20  # steps
_PROGRESS = 1e-3  # of the way to the target that so many steps have to make
_TRIALS = 40  # steps tried along one line; fewer places than a double has would stop short of a kink

Objective = Callable[[FloatArray], tuple[float, FloatArray]]


class Minimum(NamedTuple):
    """The last point reached, and the value there."""

    x: FloatArray
    value: float


def minimise(objective: Objective, x: FloatArray, *, target: float, steps: int) -> Minimum:
    """Descend from x until the value is below `target`, no step leads down any more, or there were enough.

    With the weak Wolfe conditions BFGS goes on where the objective has kinks: its matrix learns their directions. A
    descent that would never arrive at its present pace is given up.

    Args:
        objective: gives a value (inf where there is none) and a gradient, some one-sided gradient at a kink.
        x: (k,), the start.
        target: a value that is good enough.
        steps: at most so many line searches.

    Source: Lewis and Overton 2013, Math. Program. 141, 135–163, Algorithms 2.1 and 2.6.

    >>> bool(minimise(lambda x: (abs(x[0]), np.sign(x)), np.array([3.0]), target=1e-3, steps=50).value < 1e-3)
    True
    """
    value, slope = objective(x)
    inverse = np.eye(len(x))  # of the Hessian
    before = np.inf
    for step in range(steps):
        if value < target or not np.isfinite(value):
            break
        if step % _PATIENCE == 0:
            if before - value < _PROGRESS * (value - target):
                break
            before = value
        direction = -inverse @ slope
        if not slope @ direction < 0:  # rounding has spoilt the matrix, or the slope is 0
            inverse, direction = np.eye(len(x)), -slope
        if step == 0:
            direction = direction / max(1.0, float(np.linalg.norm(direction)))
        found = _line_search(objective, x, value, slope, direction, target)
        if found is None:
            break
        after, value, new_slope = found
        inverse = _updated(inverse, after - x, new_slope - slope, scaled=step == 0)
        x, slope = after, new_slope
    return Minimum(x, value)


def _line_search(
    objective: Objective, x: FloatArray, value: float, slope: FloatArray, direction: FloatArray, target: float
) -> tuple[FloatArray, float, FloatArray] | None:
    """A point that is lower, and where the descent has slowed down; bisection and doubling find one.

    A line that leads down for ever is followed to the target, and no farther: gains would become as large as doubling
    makes them. Where no point slows it down (a kink may lie in between), the lowest point that was seen; None where
    none is lower.
    """
    descent = float(slope @ direction)
    if not descent < 0:
        return None
    low, high, length = 0.0, np.inf, 1.0
    lower = None
    for _ in range(_TRIALS):
        there = x + length * direction
        reached, gradient = objective(there)
        if not reached < value + _DECREASE * length * descent:
            high = length
        else:
            lower = there, reached, gradient
            if gradient @ direction >= _CURVATURE * descent or (reached < target and high == np.inf):
                break
            low = length
        length = (low + high) / 2 if high < np.inf else 2 * low
    return lower


def _updated(inverse: FloatArray, moved: FloatArray, turned: FloatArray, *, scaled: bool) -> FloatArray:
    """The BFGS update of the inverse Hessian, which stays positive definite; scaled to the function at first."""
    curvature = float(moved @ turned)
    if not curvature > 0:
        return inverse
    if scaled:
        inverse = inverse * (curvature / float(turned @ turned))
    image = inverse @ turned
    cross = np.outer(moved, image)
    growth = (1 + float(turned @ image) / curvature) / curvature
    return np.asarray(inverse - (cross + cross.T) / curvature + growth * np.outer(moved, moved))
