"""Canonical coordinates of a pair (A, B): what a network sees, and the data to undo it.

A network should not have to learn that a plant in other units, in another basis, or with its inputs
exchanged is the same plant. Four changes of coordinates take these freedoms away:

1. time: A/s and B/s with s = (‖A⁸‖_F/√n)^{1/8}, which comes near the spectral radius where ‖A‖_F does
   not (states in unlike units); the Riccati solution becomes s times larger;
2. inputs: u = V v with V orthonormal, so that the columns of B V are orthogonal, the longest first;
3. balance: x = L z, where L Lᵀ = Σ_k B_k B_kᵀ + εI (with B_k = AᵏB/k!) says how far one unit of input
   effort reaches. Directions that are hard to control get short, so that the Riccati solution, whose
   condition explodes with n in the coordinates x, stays nearer to the identity in the coordinates z;
4. basis: z = T w with T orthonormal from a Householder QR of L⁻¹[B_0 B_1 …], diagonal of R positive.

The weight Q = I on x becomes (L T)ᵀ(L T) on w; R = I stays. Any invertible map is sound here: the proof
is done afterwards, in the coordinates of the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CANONICAL_FORM = "balanced-krylov/1"
"""Name of this form; the card and the metadata of a model file carry it."""

FLOOR = 0.01
"""ε relative to the trace of Σ B_k B_kᵀ. Without it hard directions are shortened too much, because the
Riccati solution does not grow with them for ever; 0.01 gave the smallest spread of its eigenvalues
(Gaussian pairs, n = 4 and 6), and it keeps L well conditioned for every pair, controllable or not."""

SLOWEST = 0.25
"""Least time scale relative to ‖A‖_F/√n."""


@dataclass(frozen=True, slots=True)
class CanonicalPair:
    """Stacked pairs in canonical coordinates, with the data that maps a proposal back.

    Attributes:
        A: (N, n, n), dimensionless.
        B: (N, n, m), the inputs turned by V.
        Q: (N, n, n), the identity weight of the original state.
        to_canonical: (N, n, n), the matrix M of w = M x.
        time_scale: (N,), s in 1/s; a zero matrix A has s = 1.
    """

    A: FloatArray
    B: FloatArray
    Q: FloatArray
    to_canonical: FloatArray
    time_scale: FloatArray

    def riccati_from_factor(self, G: NDArray[Any]) -> FloatArray:
        """P of the original problem where GᵀG solves the canonical one; stacked, symmetric, in float64.

        A factor and not P itself, because the condition of P is that of G squared: too much for float32.
        """
        F = G.astype(np.float64) @ self.to_canonical
        P = F.mT @ F / self.time_scale[:, None, None]
        return np.asarray(0.5 * (P + P.mT))


def canonical_pair(A: FloatArray, B: FloatArray) -> CanonicalPair:
    """Bring stacked pairs A (N, n, n), B (N, n, m) to canonical coordinates.

    Deterministic, and invertible for every finite pair, controllable or not. A row with NaN or inf becomes NaN,
    or raises numpy's LinAlgError where the LAPACK in use does.

    >>> A, B = np.array([[[0.0, 1.0], [0.0, 0.0]]]), np.array([[[0.0], [3.0]]])
    >>> pair = canonical_pair(A, B)
    >>> factor = np.linalg.cholesky(pair.Q).mT
    >>> bool(np.allclose(pair.riccati_from_factor(factor) * pair.time_scale[0], np.eye(2)))
    True
    """
    n, m = B.shape[-2:]
    scale = time_scale(A)
    A, B = A / scale[:, None, None], B / scale[:, None, None]
    if m > 1:
        B = _turn_inputs(A, B)
    reach = _reach(A, B)
    gram = reach @ reach.mT
    trace = np.trace(gram, axis1=1, axis2=2)
    floor = FLOOR * np.where(trace > 0, trace, 1.0)
    L = np.linalg.cholesky(gram + floor[:, None, None] * np.eye(n))
    L_inverse = np.linalg.inv(L)
    T, R = np.linalg.qr(L_inverse @ reach[:, :, : max(n, m)])
    T = T * np.where(np.diagonal(R, axis1=1, axis2=2) < 0, -1.0, 1.0)[:, None, :n]
    from_canonical = L @ T
    to_canonical = T.mT @ L_inverse
    return CanonicalPair(
        A=to_canonical @ A @ from_canonical,
        B=to_canonical @ B,
        Q=from_canonical.mT @ from_canonical,
        to_canonical=to_canonical,
        time_scale=scale,
    )


def time_scale(A: FloatArray) -> FloatArray:
    """s of every row, at least `SLOWEST` ‖A‖_F/√n, so that a nilpotent A has one too."""
    n = A.shape[-1]
    size = np.sqrt(np.einsum("kij,kij->k", A, A) / n)
    size = np.where(size > 0, size, 1.0)
    power = A / size[:, None, None]
    for _ in range(3):
        power = power @ power
    return np.asarray(size * np.maximum((np.einsum("kij,kij->k", power, power) / n) ** (1 / 16), SLOWEST))


def _turn_inputs(A: FloatArray, B: FloatArray) -> FloatArray:
    """B V with orthogonal columns, the longest first, and signs such that b_1ᵀA b_j ≥ 0."""
    B = B @ np.linalg.eigh(B.mT @ B)[1][:, :, ::-1]
    coupling = B[:, :, :1].mT @ A @ B
    coupling[:, :, 0] = 1.0  # the sign of the first column cancels in every product
    return np.asarray(B * np.where(coupling < 0, -1.0, 1.0))


def _reach(A: FloatArray, B: FloatArray) -> FloatArray:
    """The blocks AᵏB/k!, k < n, side by side: (N, n, n·m)."""
    blocks = [B]
    for k in range(1, A.shape[-1]):
        blocks.append(A @ blocks[-1] / k)
    return np.concatenate(blocks, axis=-1)
