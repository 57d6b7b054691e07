"""Seeded families of pairs (A, B): the training and evaluation data of the matrix models, written down.

Every family draws stacks A (N, n, n), B (N, n, m) in float64 from a numpy Generator; nothing is read from
disk, so a seed and the mixture name the data completely. Scales matter only where a family says so: the
canonical form takes out time, basis, and the mixing of inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.bilinear import continuous_twin, in_unit_weights

FloatArray = NDArray[np.float64]
Pairs = tuple[FloatArray, FloatArray]
Family = Callable[[np.random.Generator, int, int, int], Pairs]


def gaussian(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Independent standard normal entries; nearly always unstable and controllable."""
    return rng.standard_normal((count, n, n)), rng.standard_normal((count, n, m))


def authority(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Gaussian pairs with all inputs 10⁻¹·⁵ to 10¹·⁵ times as strong: control from expensive to cheap."""
    A, B = gaussian(rng, count, n, m)
    return A, B * 10 ** rng.uniform(-1.5, 1.5, (count, 1, 1))


def weighted(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Gaussian pairs as general weights Q = diag(q²), R = diag(r²) leave them: q, r log-normal, one decade."""
    A, B = gaussian(rng, count, n, m)
    q = 10 ** (0.5 * rng.standard_normal((count, n, 1)))
    r = 10 ** (0.5 * rng.standard_normal((count, 1, m)))
    return q * A / q.mT, q * B / r


def companion(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Controller companion forms with normal coefficients, poles of size about 1; B = e_n and normal columns."""
    A = np.zeros((count, n, n))
    A[:, np.arange(n - 1), np.arange(1, n)] = 1.0
    A[:, -1] = rng.standard_normal((count, n))
    B = 0.5 * rng.standard_normal((count, n, m))
    B[:, :, 0] = np.eye(n)[-1]
    return A, B


def near_uncontrollable(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """A random invariant subspace reached through a coupling of 10⁻³ to 10⁻⁰·⁵ of the other entries."""
    A, B = gaussian(rng, count, n, m)
    weak = np.arange(n)[None, :] >= rng.integers(1, n, size=(count, 1))
    coupling = 10 ** rng.uniform(-3.0, -0.5, size=(count, 1, 1))
    A = np.where(weak[:, :, None] & ~weak[:, None, :], coupling * A, A)
    B = np.where(weak[:, :, None], coupling * B, B)
    A[:, np.arange(n), np.arange(n)] -= 1.5 * weak * rng.integers(0, 2, size=(count, 1))
    return rotate(rng, A, B)


def lightly_damped(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Modes −ζω ± jω with ζ from 10⁻³ to 10⁻¹ (some unstable), ω over a decade; normal B; random basis."""
    A = np.zeros((count, n, n))
    for i in range(0, n - 1, 2):
        omega = 10 ** rng.uniform(-0.5, 0.5, count)
        zeta = 10 ** rng.uniform(-3.0, -1.0, count) * np.where(rng.random(count) < 0.2, -1.0, 1.0)
        A[:, i, i + 1], A[:, i + 1, i] = omega, -omega
        A[:, i + 1, i + 1] = -2 * zeta * omega
    if n % 2:
        A[:, -1, -1] = rng.normal(-0.5, 0.5, count)
    return rotate(rng, A, rng.standard_normal((count, n, m)))


def badly_scaled(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Gaussian pairs in units that differ by up to 10²: D A D⁻¹, D B with log-normal D, inputs too."""
    A, B = gaussian(rng, count, n, m)
    d = 10 ** rng.normal(0.0, 0.7, size=(count, n, 1))
    return d * A / d.mT, d * B * 10 ** rng.normal(0.0, 0.7, size=(count, 1, m))


def integrators(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Stable Gaussian dynamics of random order whose outputs feed chains of integrators."""
    A, B = gaussian(rng, count, n, m)
    order = rng.integers(0, n, size=(count, 1))
    integrating = np.arange(n)[None, :] >= order
    A[:, np.arange(n), np.arange(n)] -= np.sqrt(n)
    chain = np.eye(n, k=-1) + 0.0 * A
    chain[:, 0, -1] = 0.0
    A = np.where(integrating[:, :, None], chain, np.where(integrating[:, None, :], 0.0, A))
    B = np.where(integrating[:, :, None], 0.0, B)
    first = order[:, 0] == 0
    B[first, 0, 0] = 1.0
    return A, B


def masses(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """A chain of masses with springs and dampers, forces on m of them; odd n adds an actuator lag."""
    bodies = n // 2
    mass = 10 ** rng.uniform(-0.5, 0.5, (count, bodies))
    stiffness = 10 ** rng.uniform(-1.0, 1.0, (count, bodies + 1))
    stiffness[:, [0, -1]] *= rng.random((count, 2)) < 0.6  # without walls: rigid-body modes
    laplacian = _chain(stiffness)
    damping = 10 ** rng.uniform(-2.5, -0.5, (count, 1, 1))
    A = np.zeros((count, n, n))
    A[:, :bodies, bodies : 2 * bodies] = np.eye(bodies)
    A[:, bodies : 2 * bodies, :bodies] = -laplacian / mass[:, :, None]
    A[:, bodies : 2 * bodies, bodies : 2 * bodies] = -damping * laplacian / mass[:, :, None]
    B = np.zeros((count, n, m))
    place = rng.integers(0, bodies, (count, m))
    rows = np.arange(count)[:, None]
    B[rows, bodies + place, np.arange(m)] = 1.0 / mass[rows, place]
    if n % 2:
        A[:, -1, -1] = -(10 ** rng.uniform(-0.5, 0.5, count))
        A[:, :-1, -1], B[:, :, 0] = B[:, :-1, 0], np.eye(n)[-1]
    return A, B


def aircraft(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """A fast and a slow oscillatory pair (short period, phugoid), further lags and integrators, coupled weakly."""
    A = 0.15 * rng.standard_normal((count, n, n))
    for i, (low, high) in zip(range(0, n - 1, 2), ((0.0, 0.7), (-1.5, -0.5), (-0.5, 0.5)), strict=False):
        omega = 10 ** rng.uniform(low, high, count)
        zeta = rng.uniform(-0.1, 0.8, count)
        A[:, i, i + 1], A[:, i + 1, i] = 1.0, -(omega**2)
        A[:, i + 1, i + 1] -= 2 * zeta * omega
    if n % 2:
        A[:, -1, -1] = -(10 ** rng.uniform(-2.0, 0.5, count))
    strength = 10 ** rng.uniform(-1.0, 1.0, (count, 1, m))
    return A, rng.standard_normal((count, n, m)) * strength * (rng.random((count, n, m)) < 0.7) + 1e-2


def sampled(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """Discrete-time Gaussian pairs, spectral radius about 0.5 to 2, as their continuous-time twins in unit weights."""
    A, B = gaussian(rng, count, n, m)
    A *= 10 ** rng.uniform(-0.3, 0.3, (count, 1, 1)) / np.sqrt(n)
    eye = np.broadcast_to(np.eye(n), A.shape), np.broadcast_to(np.eye(m), (count, m, m))
    return in_unit_weights(continuous_twin(A, B, *eye))[:2]


FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        gaussian, authority, weighted, companion, near_uncontrollable, lightly_damped,
        badly_scaled, integrators, masses, aircraft, sampled,
    )
}  # fmt: skip

MIXTURE: dict[str, float] = {
    "gaussian": 0.32, "authority": 0.13, "weighted": 0.07, "companion": 0.04, "near_uncontrollable": 0.06,
    "lightly_damped": 0.06, "badly_scaled": 0.10, "integrators": 0.05, "masses": 0.04, "aircraft": 0.05,
    "sampled": 0.08,
}  # fmt: skip
"""Share of each family in the training data."""


def rotate(rng: np.random.Generator, A: FloatArray, B: FloatArray) -> Pairs:
    """The same pairs in random orthonormal bases."""
    T = np.linalg.qr(rng.standard_normal(A.shape))[0]
    return T.mT @ A @ T, T.mT @ B


def mixed(rng: np.random.Generator, count: int, n: int, m: int) -> Pairs:
    """A shuffled stack of `count` pairs drawn from `MIXTURE`."""
    counts = rng.multinomial(count, list(MIXTURE.values()))
    stacks = [FAMILIES[name](rng, int(k), n, m) for name, k in zip(MIXTURE, counts, strict=True) if k]
    A, B = (np.concatenate(part) for part in zip(*stacks, strict=True))
    order = rng.permutation(count)
    return A[order], B[order]


def _chain(stiffness: FloatArray) -> FloatArray:
    """Stiffness matrices (N, k, k) of k masses in a row between two walls, from k + 1 springs."""
    k = stiffness.shape[1] - 1
    out = np.zeros((len(stiffness), k, k))
    i = np.arange(k)
    out[:, i, i] = stiffness[:, :-1] + stiffness[:, 1:]
    out[:, i[1:], i[:-1]] = out[:, i[:-1], i[1:]] = -stiffness[:, 1:-1]
    return out
