"""python-control's systems, asked about and given back.

    from hybrid.plugins import control_front as hc

The questions are hybrid's own and take StateSpace and TransferFunction as they are: every double is the binary number
that it stores, and nothing is cancelled. What is proved holds for exactly those numbers. A NonlinearIOSystem is traced
into equations (`control_tracing`); one that cannot be is linearised in floats, with a warning.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import control
import numpy as np
from flint import fmpq, fmpq_mat, fmpq_poly

from hybrid.api import detectability, observability, stabilizability
from hybrid.errors import ProblemError
from hybrid.systems.coerce import coerce
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.systems.numbers import nearest_float

from .control_tracer import TracingError
from .control_tracing import controllability, feedback, nonlinear_system, stability

__all__ = [
    "TracingError",
    "controllability",
    "detectability",
    "feedback",
    "nonlinear_system",
    "observability",
    "stability",
    "stabilizability",
    "to_linear_system",
    "to_state_space",
    "to_transfer_function",
]


def to_linear_system(system: control.StateSpace | control.TransferFunction) -> LinearSystem:
    """The LinearSystem with the doubles of a python-control system, a transfer function realised exactly.

    A transfer function becomes its controllable canonical form, input by input; its poles are kept as written, while
    `control.ss` rounds them. dt = 0 and dt = None are continuous time; dt = True counts samples, dt = 1.

    Raises:
        ProblemError: no linear system, or an improper transfer function.
        DimensionError: a system without states.

    >>> double_integrator = control.tf([1], [1, 0, 0])
    >>> to_linear_system(double_integrator).A
    ExactMatrix([['0', '1'], ['0', '0']])
    """
    if not isinstance(system, control.StateSpace | control.TransferFunction):
        raise ProblemError("system", type(system).__name__, "a control.StateSpace or control.TransferFunction")
    return coerce(system)


def to_state_space(system: LinearSystem) -> control.StateSpace:
    """A LinearSystem in doubles; every state is an output where it has no C.

    >>> to_state_space(LinearSystem([["-1/3"]], [[1]], dt="0.1")).dt
    0.1
    """
    return system.to_control()


def to_transfer_function(system: LinearSystem) -> control.TransferFunction:
    """C (sI − A)⁻¹ B + D, each coefficient rounded once; nothing is cancelled.

    The numerator from input j to output i is det(sI − A + b_j c_i) − (1 − d_ij) det(sI − A), exactly.

    Args:
        system: with B; every state is an output where it has no C.

    Raises:
        ProblemError: no B.

    Source: the matrix determinant lemma, det(M + b c) = det M + c adj(M) b.

    >>> loop = to_transfer_function(LinearSystem([[0, 1], ["-1/2", -1]], [[0], [1]], [[1, 0]]))
    >>> loop.num[0][0].tolist(), loop.den[0][0].tolist()
    ([1.0], [1.0, 1.0, 0.5])
    """
    A, B = _matrix(system.A.fractions), _matrix(require_inputs(system).fractions)
    C = _matrix(system.C.fractions) if system.C is not None else _identity(system.n)
    denominator = A.charpoly()
    numerators: list[list[np.ndarray[Any, np.dtype[np.float64]]]] = []
    for i in range(system.p):
        row = fmpq_mat(1, system.n, [C[i, k] for k in range(system.n)])
        numerators.append([])
        for j in range(system.m):
            column = fmpq_mat(system.n, 1, [B[k, j] for k in range(system.n)])
            direct = fmpq(0) if system.D is None else _rational(system.D.fractions[i][j])
            numerators[-1].append(_doubles((A - column * row).charpoly() - (1 - direct) * denominator))
    denominators = [[_doubles(denominator)] * system.m] * system.p
    return control.TransferFunction(numerators, denominators, 0 if system.dt is None else float(system.dt))


def _matrix(rows: tuple[tuple[Fraction, ...], ...]) -> fmpq_mat:
    return fmpq_mat(len(rows), len(rows[0]), [_rational(x) for row in rows for x in row])


def _identity(n: int) -> fmpq_mat:
    return fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])


def _rational(value: Fraction) -> fmpq:
    return fmpq(value.numerator, value.denominator)


def _doubles(polynomial: fmpq_poly) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Coefficients from the highest power down."""
    coefficients = [nearest_float(Fraction(int(c.p), int(c.q))) for c in reversed(polynomial.coeffs())]
    return np.array(coefficients or [0.0])
