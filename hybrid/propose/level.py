"""Quadratic forms V and levels guessed in floats, for the region of attraction of an equilibrium."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.verify.lyapunov import FloatArray

Field = Callable[[FloatArray], FloatArray]
"""z → f(x* + z) for a stack of points z; nan where f has no value."""

_DIRECTIONS = {1: 2, 2: 180, 3: 1000}
_MANY_DIRECTIONS = 2000
_FEW = 200
_RADII = np.geomspace(1e-4, 1e3, 113)  # in units of the largest semi-axis; 16 a decade
_FINE = np.linspace(0.2, 1.0, 25)  # of the radius found in few directions
_FINEST = np.arange(1, 9) / 8
_SLOWEST = 0.1
"""The least rate −V̇/V near the equilibrium, as a fraction of the largest that any P has: 2|abscissa|.

The slower V falls in some direction, the smaller the boxes that show that it does.
"""


@dataclass(frozen=True)
class LevelProposal:
    """V = zᵀPz is proposed to decrease where V ≤ level; volume is that of the ellipsoid; near 0 V̇ ≤ −rate V."""

    P: FloatArray
    level: float
    volume: float
    rate: float


def proposals(field: Field, A: FloatArray, spent: Callable[[], bool]) -> list[LevelProposal]:
    """Forms for a Hurwitz matrix A with the levels that samples allow, largest volume first.

    P solves AᵀP + PA = −Q for Q = I, for the Q of the two next forms of that sequence (Q ← P), and for random Q = GᵀG
    that climb to larger volumes as long as time is left. Nothing is proved.

    Args:
        field: f around the equilibrium.
        A: its Jacobian there, (n, n).
        spent: whether the time is up.
    """
    directions = _directions(len(A))
    found: list[LevelProposal] = []
    Q = np.eye(len(A))
    for _ in range(3):
        proposal = _proposal(field, A, Q, directions)
        if proposal is None:
            break
        found.append(proposal)
        Q = proposal.P / np.abs(proposal.P).max()
    if not found:
        return []
    found += _climb(field, A, max(found, key=lambda p: p.volume), directions, spent)
    return sorted(found, key=lambda p: -p.volume)


def _climb(
    field: Field, A: FloatArray, start: LevelProposal, directions: FloatArray, spent: Callable[[], bool]
) -> Iterator[LevelProposal]:
    """The best of an evolution strategy with one parent and one child, over the factors G of Q = GᵀG."""
    random = np.random.default_rng(0)
    G = np.linalg.cholesky(_positive(-(A.T @ start.P + start.P @ A))).T
    slowest = min(start.rate, -2 * _SLOWEST * float(np.linalg.eigvals(A).real.max()))
    best, step = start, 0.3
    for _ in range(400):
        if spent():
            break
        trial = (np.eye(len(A)) + step * random.standard_normal(A.shape)) @ G
        child = _proposal(field, A, trial.T @ trial, directions, slowest)
        if child is not None and child.volume > best.volume:
            best, G, step = child, trial / np.abs(trial).max(), min(1.0, 1.6 * step)
        else:
            step = max(0.01, 0.88 * step)  # about one success in five keeps the step (Rechenberg 1973)
    if best is not start:
        yield best


def _proposal(
    field: Field, A: FloatArray, Q: FloatArray, directions: FloatArray, slowest: float = 0.0
) -> LevelProposal | None:
    """The form of Q, unless V falls more slowly than `slowest` near the equilibrium."""
    from scipy.linalg import eigvalsh, solve_continuous_lyapunov

    try:
        P = solve_continuous_lyapunov(A.T, -Q)
        P = (P + P.T) / 2
        P = P / np.linalg.eigvalsh(P)[0]  # the largest semi-axis of V = 1 has length 1
        factor = np.linalg.cholesky(P)
        rates = eigvalsh(-(A.T @ P + P @ A), P)
    except np.linalg.LinAlgError:
        return None
    if rates[0] < slowest:
        return None
    rays = np.linalg.solve(factor.T, directions.T).T
    level = sampled_level(field, P, np.asarray(rays, np.float64))
    n = len(A)
    ball = math.pi ** (n / 2) / math.gamma(n / 2 + 1)
    volume = ball * level ** (n / 2) / float(np.prod(np.diag(factor)))
    return LevelProposal(P, level, volume, float(rates[0])) if math.isfinite(volume) and volume > 0 else None


def sampled_level(field: Field, P: FloatArray, directions: FloatArray) -> float:
    """The least V at which V̇ ≥ 0 was seen, on rays from the equilibrium: first in few directions, then in all.

    Args:
        field: f around the equilibrium.
        P: (n, n).
        directions: (k, n) with V = 1 each.
    """
    few = directions[:: max(1, len(directions) // _FEW)]
    coarse = _first_rise(field, P, few, _RADII)
    if coarse is None:
        coarse = (0.0, float(_RADII[-1]))
    fine = _first_rise(field, P, directions, coarse[1] * _FINE) or coarse
    finest = _first_rise(field, P, directions, fine[0] + (fine[1] - fine[0]) * _FINEST)
    return (finest or fine)[1] ** 2


def _first_rise(field: Field, P: FloatArray, directions: FloatArray, radii: FloatArray) -> tuple[float, float] | None:
    """The first radius at which V̇ < 0 fails in some direction, after the one before it."""
    z = radii[:, None, None] * directions
    flat = z.reshape(-1, z.shape[-1])
    with np.errstate(all="ignore"):
        rate = np.einsum("ki,ki->k", flat @ P, field(flat)).reshape(z.shape[:2])
    rises = ~(rate < 0).all(1)
    if not rises.any():
        return None
    first = int(rises.argmax())
    return float(radii[max(0, first - 1)]), float(radii[first])


def _directions(n: int) -> FloatArray:
    """Unit vectors all around."""
    count = _DIRECTIONS.get(n, _MANY_DIRECTIONS)
    if n <= 2:
        angles = 2 * math.pi * np.arange(count) / count
        return np.stack([np.cos(angles), np.sin(angles)], -1)[:, :n]
    sample: NDArray[Any] = np.random.default_rng(0).standard_normal((count, n))
    return np.concatenate([sample / np.linalg.norm(sample, axis=1, keepdims=True), np.eye(n), -np.eye(n)])


def _positive(Q: FloatArray) -> FloatArray:
    """Q with what rounding left of its symmetry and definiteness restored."""
    shifted: FloatArray = (Q + Q.T) / 2 + 1e-12 * np.abs(Q).max() * np.eye(len(Q))
    return shifted
