"""Seeded problems, the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import hybrid
from hybrid.systems.plants import nonlinear_plants

FloatArray = NDArray[np.float64]
_SEED = 20250
_MARGIN = 0.1  # of √n: how far to the left of the axis a stable sample begins
_FOUR_STATES = ("cart-pole-nonlinear", "quadruple-tank-nonlinear", "two-link-arm-nonlinear")
"""The linearisation of the first two is exact; π/2 in the equilibrium of the third leaves it enclosed."""


class Pair(NamedTuple):
    """A and B in doubles: what every solver is handed."""

    A: FloatArray
    B: FloatArray


class Triples(NamedTuple):
    """Stacks A (N, n, n), B (N, n, m), C (N, p, n)."""

    A: FloatArray
    B: FloatArray
    C: FloatArray


@dataclass(frozen=True)
class LocalProblem:
    """A nonlinear plant as an engineer has it, text and numbers, and its operating point."""

    name: str
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    equations: str
    parameters: Mapping[str, str]
    at: Mapping[str, str]

    def read(self) -> hybrid.NonlinearSystem:
        """The system, read from its text."""
        return hybrid.NonlinearSystem(self.states, self.inputs, self.equations, self.parameters)


def local_problems() -> list[LocalProblem]:
    """Demonstration plants of four states at their operating points, as text."""
    plants = {plant.name: plant for plant in nonlinear_plants()}
    chosen = [(plants[name], plants[name].system) for name in _FOUR_STATES]
    return [
        LocalProblem(
            plant.name.removesuffix("-nonlinear"),
            tuple(system.states),
            tuple(system.inputs),
            "\n".join(system.equations),
            system.parameters,
            dict.fromkeys(system.inputs, "0") | dict(plant.at),
        )
        for plant, system in chosen
    ]


def gaussian_pairs(n: int, m: int, count: int) -> list[Pair]:
    """Independent standard normal entries: controllable with probability one."""
    source = _source(n, m)
    return [Pair(source.standard_normal((n, n)), source.standard_normal((n, m))) for _ in range(count)]


def gaussian_matrices(n: int, count: int) -> list[FloatArray]:
    """Standard normal matrices, every other one shifted to be stable: both verdicts have their cost."""
    source = _source(n, 0)
    drawn = [source.standard_normal((n, n)) for _ in range(count)]
    return [shifted_to_stable(A) if i % 2 else A for i, A in enumerate(drawn)]


def stabilisable_triples(n: int, m: int, p: int, count: int) -> Triples:
    """Unstable A + B K C with Gaussian B, C, K and a Gaussian A shifted to be stable: u = −K y stabilises each."""
    source = _source(n, m, p)
    found: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    while len(found) < count:
        A, B = shifted_to_stable(source.standard_normal((n, n))), source.standard_normal((n, m))
        K, C = source.standard_normal((m, p)), source.standard_normal((p, n))
        plant = A + B @ K @ C
        if np.linalg.eigvals(plant).real.max() > 0:
            found.append((plant, B, C))
    return Triples(*(np.stack(part) for part in zip(*found, strict=True)))


def shifted_to_stable(A: FloatArray) -> FloatArray:
    """A − sI with a spectral abscissa of about −√n/10."""
    n = len(A)
    abscissa = np.linalg.eigvals(A).real.max()
    return np.asarray(A - (abscissa + _MARGIN * np.sqrt(n)) * np.eye(n))


def _source(*parameters: Any) -> np.random.Generator:
    return np.random.default_rng([_SEED, *parameters])
