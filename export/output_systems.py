"""Seeded families of triples (A, B, C) with a known stabilising output gain, built from the answer.

A family draws a Hurwitz closed loop F, inputs B and outputs C; then a gain K* with the wanted zeros makes the plant
A = F + B K* C. Plants that are stable without a gain are left out. Nothing is read from disk, so a seed and the mixture
name the data completely.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.output_gain import continuous_twin
from hybrid.verify.lyapunov import BoolArray

FloatArray = NDArray[np.float64]


class Triples(NamedTuple):
    """Stacked plants A (N, n, n), B (N, n, m), C (N, p, n)."""

    A: FloatArray
    B: FloatArray
    C: FloatArray


Family = Callable[[np.random.Generator, int, int, int, int], Triples]
"""From a generator, a count, n, m and p: a closed loop F in the place of A, B and C."""


def shifted(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Triples:
    """Gaussian F, B, C; F moved to an abscissa from −0.03 to −1, log-uniform, in units of √n."""
    F = rng.standard_normal((count, n, n)) / np.sqrt(n)
    margin = 10 ** rng.uniform(-1.5, 0.0, count)
    F -= (np.linalg.eigvals(F).real.max(1) + margin)[:, None, None] * np.eye(n)
    return Triples(F, *_channels(rng, count, n, m, p))


def modal(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Triples:
    """Real poles and pairs −ζω ± jω√(1−ζ²), ω over a decade, ζ from 0.03 to 1, in a random basis; Gaussian B, C."""
    F = _modes(rng, count, n)
    T = np.linalg.qr(rng.standard_normal(F.shape))[0]
    T = T * 10 ** rng.uniform(-0.5, 0.5, (count, 1, n))
    T = np.linalg.qr(rng.standard_normal(F.shape))[0] @ T
    return Triples(T @ F @ np.linalg.inv(T), *_channels(rng, count, n, m, p))


def companion(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Triples:
    """Controller companion form of a Hurwitz polynomial; B = e_n and Gaussian columns, Gaussian C (random zeros)."""
    roots = np.linalg.eigvals(_modes(rng, count, n))
    coefficients = np.ones((count, 1), dtype=complex)
    for root in roots.T:
        longer = np.pad(coefficients, ((0, 0), (0, 1)))
        longer[:, 1:] -= root[:, None] * coefficients
        coefficients = longer
    F = np.zeros((count, n, n))
    F[:, np.arange(n - 1), np.arange(1, n)] = 1.0
    F[:, -1] = -coefficients[:, :0:-1].real
    B, C = _channels(rng, count, n, m, p)
    B *= 0.5
    B[:, :, 0] = np.eye(n)[-1]
    return Triples(F, B, C)


def masses(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Triples:
    """A damped chain of masses (odd n: and a lag), forces on some masses, positions or velocities of some measured."""
    bodies = n // 2
    stiffness = 10 ** rng.uniform(-1.0, 1.0, (count, bodies + 1))
    k, i = np.zeros((count, bodies, bodies)), np.arange(bodies)
    k[:, i, i] = stiffness[:, :-1] + stiffness[:, 1:]
    k[:, i[1:], i[:-1]] = k[:, i[:-1], i[1:]] = -stiffness[:, 1:-1]
    damping = 10 ** rng.uniform(-1.5, 0.0, (count, 1, 1))
    F = -np.eye(n) * 10 ** rng.uniform(-0.5, 0.5, (count, 1, 1))
    F[:, : 2 * bodies, : 2 * bodies] = 0.0
    F[:, :bodies, bodies : 2 * bodies] = np.eye(bodies)
    F[:, bodies : 2 * bodies, :bodies] = -k
    F[:, bodies : 2 * bodies, bodies : 2 * bodies] = -damping * (k + np.eye(bodies))
    B, C = 0.1 * rng.standard_normal((count, n, m)), 0.1 * rng.standard_normal((count, p, n))
    rows = np.arange(count)[:, None]
    B[rows, bodies + rng.integers(0, bodies, (count, m)), np.arange(m)] += 1.0
    C[rows, np.arange(p), rng.integers(0, 2 * bodies, (count, p))] += 1.0
    return Triples(F, B, C)


def sampled(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Triples:
    """Discrete-time Gaussian F of radius 0.4 to 0.98 and Gaussian B, C, as their continuous-time twins."""
    F = rng.standard_normal((count, n, n))
    F *= (rng.uniform(0.4, 0.98, count) / np.abs(np.linalg.eigvals(F)).max(1))[:, None, None]
    return Triples(*continuous_twin(F, *_channels(rng, count, n, m, p))[:3])


FAMILIES: dict[str, Family] = {family.__name__: family for family in (shifted, modal, companion, masses, sampled)}

MIXTURE: dict[str, float] = {"shifted": 0.4, "modal": 0.25, "companion": 0.1, "masses": 0.15, "sampled": 0.1}
"""Share of each family in the data."""


def mixed(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> Triples:
    """A shuffled stack of `count` closed loops drawn from `MIXTURE`."""
    counts = rng.multinomial(count, list(MIXTURE.values()))
    stacks = [FAMILIES[name](rng, int(k), n, m, p) for name, k in zip(MIXTURE, counts, strict=True) if k]
    order = rng.permutation(count)
    return Triples(*(np.concatenate(part)[order] for part in zip(*stacks, strict=True)))


def plants(
    rng: np.random.Generator, count: int, n: int, m: int, p: int, free: BoolArray | None = None, family: Family = mixed
) -> Triples:
    """`count` plants that are unstable and that some gain, zero outside `free` (m, p), makes stable."""
    found: list[Triples] = []
    while sum(len(part.A) for part in found) < count:
        F, B, C = family(rng, 2 * count, n, m, p)
        A = F + B @ _gains(rng, 2 * count, m, p, F, B, C, free) @ C
        unstable = np.linalg.eigvals(A).real.max(1) > 0
        found.append(Triples(A[unstable], B[unstable], C[unstable]))
    return Triples(*(np.concatenate(part)[:count] for part in zip(*found, strict=True)))


def structure(rng: np.random.Generator, m: int, p: int) -> BoolArray:
    """A random mask of free entries, at least one: diagonal blocks (decentralised), or entries drawn by chance."""
    if rng.random() < 0.5:
        stations = int(rng.integers(2, 4))
        free = rng.integers(0, stations, m)[:, None] == rng.integers(0, stations, p)
    else:
        free = rng.random((m, p)) < rng.uniform(0.3, 0.9)
    if not free.any():
        free[rng.integers(0, m), rng.integers(0, p)] = True
    return np.asarray(free)


def _gains(
    rng: np.random.Generator,
    count: int,
    m: int,
    p: int,
    F: FloatArray,
    B: FloatArray,
    C: FloatArray,
    free: BoolArray | None,
) -> FloatArray:
    """Gaussian gains, scaled so that ‖B K C‖_F is 0.5 to 5 times ‖F‖_F."""
    K = rng.standard_normal((count, m, p)) * (True if free is None else free)
    ratio = np.linalg.norm(F, axis=(1, 2)) / np.linalg.norm(B @ K @ C, axis=(1, 2))
    return np.asarray(K * (ratio * 10 ** rng.uniform(-0.3, 0.7, count))[:, None, None])


def _channels(rng: np.random.Generator, count: int, n: int, m: int, p: int) -> tuple[FloatArray, FloatArray]:
    return rng.standard_normal((count, n, m)), rng.standard_normal((count, p, n))


def _modes(rng: np.random.Generator, count: int, n: int) -> FloatArray:
    """Real Hurwitz blocks in a row: pairs and, where they do not fill n or by chance, real poles."""
    F = np.zeros((count, n, n))
    omega = 10 ** rng.uniform(-0.5, 0.5, (count, n))
    zeta = 10 ** rng.uniform(-1.5, 0.0, (count, n))
    F[:, np.arange(n), np.arange(n)] = -omega
    for i in range(0, n - 1, 2):
        pair = rng.random(count) < 0.6
        w, z = omega[pair, i], zeta[pair, i]
        F[pair, i, i] = F[pair, i + 1, i + 1] = -z * w
        F[pair, i, i + 1] = w * np.sqrt(1 - z * z)
        F[pair, i + 1, i] = -F[pair, i, i + 1]
    return F
