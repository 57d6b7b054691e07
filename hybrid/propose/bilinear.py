"""Discrete-time regulators as continuous-time ones: the bilinear map s = (z − 1)/(z + 1) keeps the Riccati solution.

With E = (I + A)⁻¹ the discrete problem (A, B, Q, R) and the continuous one with

    Ā = E(A − I),  B̄ = √2 E B,  Q̄ = 2 EᵀQE,  N̄ = −√2 EᵀQEB,  R̄ = R + BᵀEᵀQEB

have the same stabilising P, because the symplectic pencil of one is the Hamiltonian matrix of the other
under the same map. The cross weight N̄ goes into Ā − B̄R̄⁻¹N̄ᵀ and Q̄ − N̄R̄⁻¹N̄ᵀ, which is positive definite
where Q and R are. So one network serves both kinds of time. The discrete gain is (R + BᵀPB)⁻¹BᵀPA.

Source: Hitz and Anderson 1972, Proc. IEE 119(9); Mehrmann 1996, Linear Algebra Appl. 241–243.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Regulator(NamedTuple):
    """Stacked regulator problems: A (..., n, n), B (..., n, m), Q (..., n, n), R (..., m, m)."""

    A: FloatArray
    B: FloatArray
    Q: FloatArray
    R: FloatArray


def continuous_twin(A: FloatArray, B: FloatArray, Q: FloatArray, R: FloatArray) -> Regulator:
    """The continuous-time regulator with the Riccati solution of this discrete one; stacked.

    Raises:
        numpy.linalg.LinAlgError: a matrix A has the eigenvalue −1, which the map sends to infinity.

    >>> one = np.eye(1)
    >>> twin = continuous_twin(0 * one, one, one, one)  # x⁺ = u: P = 1
    >>> [round(part.item(), 12) for part in twin]
    [0.0, 1.414213562373, 1.0, 2.0]
    """
    E = np.linalg.inv(np.eye(A.shape[-1]) + A)
    reach = E @ B
    weight = E.mT @ Q @ E
    cross = -np.sqrt(2.0) * E.mT @ Q @ reach
    R_twin = R + reach.mT @ Q @ reach
    pull = np.linalg.solve(R_twin, cross.mT)
    B_twin = np.sqrt(2.0) * reach
    Q_twin = 2.0 * weight - cross @ pull
    return Regulator(E @ (A - np.eye(A.shape[-1])) - B_twin @ pull, B_twin, (Q_twin + Q_twin.mT) / 2, R_twin)


def in_unit_weights(problem: Regulator) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The pair in coordinates z = Lᵀx, v = Sᵀu where both weights are I, and L, S themselves; Q = LLᵀ, R = SSᵀ.

    Raises:
        numpy.linalg.LinAlgError: a weight is not positive definite.
    """
    L, S = (np.asarray(np.linalg.cholesky(weight), dtype=np.float64) for weight in (problem.Q, problem.R))
    from_z = np.linalg.inv(L.mT)
    return L.mT @ problem.A @ from_z, L.mT @ problem.B @ np.linalg.inv(S.mT), L, S
