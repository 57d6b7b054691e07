"""Where equilibria may be: Newton's iteration in floats. It proves nothing; what it finds is a proposal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction

import numpy as np

from hybrid.expressions.evaluate import FLOATS
from hybrid.expressions.source import DomainError
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.lyapunov import FloatArray
from hybrid.verify.residual import Residual

_Iterate = tuple[FloatArray, tuple[FloatArray, FloatArray]]  # x, and g and J there

_STEPS = 60
_HALVINGS = 12
_CONVERGED = 2.0**-50  # relative size of a step that no longer matters
_SMALL = 1e-6  # |g| against |J| |x|: larger is no zero, whatever the rounding
_RANK = 1e-9  # smaller singular values are taken for zero: along a line of equilibria, or at a fold
_NEAR = 0.1  # a root this close to the start is taken without looking for nearer ones
_SAME = 1e-6
_RESTARTS = 9
_SCALES = (0.25, 1.0, 4.0)


def candidates(
    system: NonlinearSystem, inputs: Sequence[Fraction], start: Sequence[float] | None
) -> Iterator[FloatArray]:
    """Points where g almost vanishes, the nearest to the start (or to the origin) first.

    Restarts are a low-discrepancy sequence around the start, so the outcome is the same at each call.
    """
    residual = Residual(system, inputs, FLOATS)
    origin = np.zeros(system.n) if start is None else np.array(start, dtype=np.float64)
    first = _newton(residual, origin)
    if first is not None and _distance(first, origin) <= _NEAR:
        yield first
    found = [] if first is None else [first]
    found += [root for x in _around(origin) if (root := _newton(residual, x)) is not None]
    distinct: list[FloatArray] = []
    for root in sorted(found, key=lambda root: _distance(root, origin)):
        if all(_distance(root, other) > _SAME for other in distinct):
            distinct.append(root)
    yield from distinct


def _distance(x: FloatArray, y: FloatArray) -> float:
    """Largest difference of a coordinate, relative where |y| > 1."""
    return float((np.abs(x - y) / np.maximum(1.0, np.abs(y))).max())


def _around(centre: FloatArray) -> Iterator[FloatArray]:
    """The centre shifted by Roberts' additive recurrence (2018) at several scales."""
    n = centre.size
    ratio = 1.0
    for _ in range(32):  # the positive root of r^(n+1) = r + 1
        ratio = (1.0 + ratio) ** (1.0 / (n + 1))
    steps = ratio ** -np.arange(1.0, n + 1)
    for k in range(_RESTARTS):
        shift = 2.0 * np.mod(0.5 + (k + 1) * steps, 1.0) - 1.0
        yield centre + shift * _SCALES[k % len(_SCALES)] * np.maximum(1.0, np.abs(centre))


def _newton(residual: Residual, x: FloatArray) -> FloatArray | None:
    """Damped Newton; None where it does not come to a zero."""
    here = _evaluated(residual, x)
    if here is None:
        return None
    for _ in range(_STEPS):
        improved = _improved(residual, x, *here)
        if improved is None:
            break
        x, here = improved
    g, J = here
    return x if np.abs(g).max() <= _SMALL * (1.0 + (np.abs(J) @ np.abs(x)).max()) else None


def _improved(residual: Residual, x: FloatArray, g: FloatArray, J: FloatArray) -> _Iterate | None:
    """The next iterate; None where the step is lost in rounding, or no step makes |g| smaller."""
    for step in _steps(g, J):
        if np.abs(step).max() <= _CONVERGED * np.abs(x).max():
            return None
        moved = _damped(residual, x, step, float(np.abs(g).max()))
        if moved is not None:
            return moved
    return None


def _steps(g: FloatArray, J: FloatArray) -> Iterator[FloatArray]:
    """Newton's step, then the shortest step for a Jacobian of lower rank."""
    with suppress(np.linalg.LinAlgError):
        yield np.asarray(np.linalg.solve(J, g), dtype=np.float64)
    with suppress(np.linalg.LinAlgError):
        yield np.asarray(np.linalg.lstsq(J, g, rcond=_RANK)[0], dtype=np.float64)


def _damped(residual: Residual, x: FloatArray, step: FloatArray, size: float) -> _Iterate | None:
    """The first of x − step, x − step/2, … at which |g| is smaller."""
    if not np.isfinite(step).all():
        return None
    for _ in range(_HALVINGS):
        there = _evaluated(residual, x - step)
        if there is not None and np.abs(there[0]).max() < size:
            return x - step, there
        step = step / 2
    return None


def _evaluated(residual: Residual, x: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    try:
        g, rows = residual.with_jacobian(x.tolist())
    except DomainError:
        return None
    values, J = np.array(g), np.array(rows)
    return (values, J) if np.isfinite(values).all() and np.isfinite(J).all() else None
