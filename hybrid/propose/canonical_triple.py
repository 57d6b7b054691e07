"""Canonical coordinates of a triple (A, B, C): what the network of output gains sees, and the data to undo it.

Units of time, of inputs and outputs, and the basis of the state are conventions; the network should not have to
learn them. Inputs and outputs are scaled, turned round and put in order, but never mixed, so that an entry of the gain
that has to stay zero is still one entry.

1. time: A/s and B/s, with s as in `canonical.py`;
2. channels: with H_k = C AᵏB/k!, k < n, inputs and outputs are scaled until the rows and the columns of
   N_ij = (Σ_k (H_k)_ij²)^½ have unit mean squares (as far as three sweeps go), get the signs that make the leading
   singular vectors of Σ_k H_k positive, and are sorted by the share of H_0 in them: how directly they act. All this
   depends on the transfer function alone;
3. state: balanced between W_c = Σ_k B_k B_kᵀ and W_o = Σ_k C_kᵀC_k (B_k = AᵏB/k!, C_k = CAᵏ/k!), both with a floor, in
   the order of their singular values; every state has the sign that makes its row sum in B positive.

Source: Moore 1981, IEEE TAC 26(1) (balanced coordinates); Sinkhorn 1964, Ann. Math. Statist. 35 (alternating scaling).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.canonical import FloatArray, time_scale
from hybrid.verify.lyapunov import BoolArray

CANONICAL_FORM = "balanced-triple/1"
"""Name of this form; the card and the metadata of a model file carry it."""

FLOOR = 1e-3
"""What is added to W_c and W_o, relative to their mean eigenvalue: unreachable and unseen states keep coordinates."""

_SWEEPS = 3


@dataclass(frozen=True, slots=True)
class CanonicalTriple:
    """Stacked triples in canonical coordinates, with the data that maps gains back.

    Attributes:
        A: (N, n, n), dimensionless.
        B: (N, n, m), C: (N, p, n), the channels scaled and sorted.
        input_order, output_order: (N, m), (N, p): which channel of the user stands where.
        input_scale, output_scale: (N, m), (N, p), of the sorted channels, with signs: u = scale · u′, y′ = scale · y.
    """

    A: FloatArray
    B: FloatArray
    C: FloatArray
    input_order: NDArray[np.intp]
    output_order: NDArray[np.intp]
    input_scale: FloatArray
    output_scale: FloatArray

    def gains(self, K: FloatArray) -> FloatArray:
        """Gains (N, c, m, p) of the original triples from canonical ones."""
        scaled = self.input_scale[:, None, :, None] * K * self.output_scale[:, None, None, :]
        rows = np.argsort(self.input_order)[:, None, :, None]
        columns = np.argsort(self.output_order)[:, None, None, :]
        return np.take_along_axis(np.take_along_axis(scaled, rows, 2), columns, 3)

    def structure(self, free: BoolArray) -> BoolArray:
        """Where the canonical gains are free, (N, m, p), for one structure (m, p) or one each (N, m, p)."""
        stacked = np.broadcast_to(free, (len(self.A), *free.shape[-2:]))
        rows = np.take_along_axis(stacked, self.input_order[:, :, None], 1)
        return np.take_along_axis(rows, self.output_order[:, None, :], 2)


def canonical_triple(A: FloatArray, B: FloatArray, C: FloatArray) -> CanonicalTriple:
    """Bring stacked triples A (N, n, n), B (N, n, m), C (N, p, n) to canonical coordinates.

    Deterministic, and invertible for every finite triple, whatever is uncontrollable or unobservable. A row with NaN or
    inf becomes NaN, or raises numpy's LinAlgError where the LAPACK in use does.

    >>> A, B, C = np.array([[[0.0, 1.0], [0.0, 0.0]]]), np.array([[[0.0], [-3.0]]]), np.array([[[2.0, 2.0]]])
    >>> triple = canonical_triple(A, B, C)
    >>> K = triple.gains(np.ones((1, 1, 1, 1)))[:, 0]
    >>> ours, users = (np.linalg.eigvals(x) for x in (triple.A - triple.B @ triple.C, A - B @ K @ C))
    >>> bool(np.allclose(np.sort(users / ours), users[0] / ours[0]))  # the same but for the unit of time
    True
    """
    scale = time_scale(A)[:, None, None]
    A = A / scale
    size_in, size_out = _norms(B, 1), _norms(C, 2)
    B, C = B / size_in[:, None, :], C / size_out[:, :, None]
    reach, sight = _series(A, B), _series(A.mT, C.mT)
    in_scale, out_scale, in_order, out_order = _channels(C[:, None] @ reach)
    input_scale = np.take_along_axis(in_scale / size_in, in_order, 1) * scale[:, 0]
    output_scale = np.take_along_axis(out_scale / size_out, out_order, 1)
    from_canonical, to_canonical = _balance(reach * in_scale[:, None, None, :], sight * out_scale[:, None, None, :])
    B = to_canonical @ np.take_along_axis(B * in_scale[:, None, :], in_order[:, None, :], 2)
    C = np.take_along_axis(C * out_scale[:, :, None], out_order[:, :, None], 1) @ from_canonical
    sign = np.where(B.sum(2) < 0, -1.0, 1.0)
    return CanonicalTriple(
        A=to_canonical @ A @ from_canonical * sign[:, :, None] * sign[:, None, :],
        B=B * sign[:, :, None],
        C=C * sign[:, None, :],
        input_order=in_order,
        output_order=out_order,
        input_scale=input_scale,
        output_scale=output_scale,
    )


def _norms(M: FloatArray, axis: int) -> FloatArray:
    """Euclidean norms along an axis, 1 for zero."""
    largest = np.abs(M).max(axis, keepdims=True)  # taken out first: the squares may overflow
    largest = np.where(largest > 0, largest, 1.0)
    norms = largest.squeeze(axis) * np.sqrt(((M / largest) ** 2).sum(axis))
    return np.asarray(np.where(norms > 0, norms, 1.0))


def _series(A: FloatArray, B: FloatArray) -> FloatArray:
    """The terms AᵏB/k!, k < n: (N, n, n, m), the second axis counts k."""
    terms = [B]
    for k in range(1, A.shape[-1]):
        terms.append(A @ terms[-1] / k)
    return np.stack(terms, 1)


def _channels(H: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.intp], NDArray[np.intp]]:
    """Scales with signs, and orders, of inputs and outputs from H_k (N, k, p, m)."""
    energy = (H**2).sum(1)
    rows, columns = np.ones(energy.shape[:2]), np.ones((len(energy), energy.shape[2]))
    for _ in range(_SWEEPS):
        rows = _inverse_root((energy * columns[:, None, :] ** 2).mean(2))
        columns = _inverse_root((energy * rows[:, :, None] ** 2).mean(1))
    left, _, right = np.linalg.svd(H.sum(1) * rows[:, :, None] * columns[:, None, :], full_matrices=False)
    direct = (H[:, 0] * rows[:, :, None] * columns[:, None, :]) ** 2
    input_order, output_order = np.argsort(-direct.sum(1), axis=1), np.argsort(-direct.sum(2), axis=1)
    columns = columns * np.where(right[:, 0, :] < 0, -1.0, 1.0)
    rows = rows * np.where(left[:, :, 0] < 0, -1.0, 1.0)
    return columns, rows, input_order, output_order


def _inverse_root(square: FloatArray) -> FloatArray:
    return np.asarray(1 / np.sqrt(np.where(square > 0, square, 1.0)))


def _balance(reach: FloatArray, sight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """x = T z with T⁻¹W_cT⁻ᵀ = TᵀW_oT diagonal and falling; T and its inverse."""
    lower = np.linalg.cholesky(_gramian(reach))
    values, vectors = np.linalg.eigh(lower.mT @ _gramian(sight) @ lower)
    root = np.sqrt(np.sqrt(values[:, None, ::-1]))
    T = lower @ vectors[:, :, ::-1]
    return T / root, root.mT * vectors[:, :, ::-1].mT @ np.linalg.inv(lower)


def _gramian(terms: FloatArray) -> FloatArray:
    """Σ_k B_k B_kᵀ with the floor."""
    n = terms.shape[2]
    gramian = (terms @ terms.mT).sum(1)
    trace = np.trace(gramian, axis1=1, axis2=2)
    return np.asarray(gramian + (FLOOR / n * np.where(trace > 0, trace, 1.0))[:, None, None] * np.eye(n))
