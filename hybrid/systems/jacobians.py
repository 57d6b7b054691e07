"""What a nonlinear system is like near a point: values and derivatives, in any arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hybrid.expressions.graph import Tape

Matrix = TypeVar("Matrix")


@dataclass(frozen=True)
class Linearisation(Generic[Matrix]):
    """x' ≈ f + A (x − x₀) + B (u − u₀), y ≈ g + C (x − x₀) + D (u − u₀); g, C and D are None without outputs."""

    f: tuple[Any, ...]
    A: Matrix
    B: Matrix
    g: tuple[Any, ...] | None = None
    C: Matrix | None = None
    D: Matrix | None = None


@dataclass(frozen=True)
class Jacobians:
    """A = ∂f/∂x, B = ∂f/∂u and, of the outputs, C and D as tapes over the system's variables, row by row."""

    A: Tape
    B: Tape
    C: Tape | None
    D: Tape | None


def float_matrix(rows: list[list[float]], width: int) -> NDArray[np.float64]:
    """Rows of doubles; also where there are none."""
    return np.array(rows, float).reshape(len(rows), width)


def arb_matrix(rows: list[list[Any]], width: int) -> Any:
    """Rows of balls; also where there are none."""
    from flint import arb_mat

    return arb_mat(len(rows), width, [entry for row in rows for entry in row])
