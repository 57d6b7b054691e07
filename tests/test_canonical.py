"""Canonical coordinates: exact changes of coordinates that take freedoms of (A, B) away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.propose.canonical import FloatArray, canonical_pair

ROUNDING = 1e-6
"""Relative to the largest entry; well above the rounding of the float64 factorisations on these pairs."""

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(2, 6), st.integers(1, 3))


def gaussian(seed: int, n: int, m: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((1, n, n)), rng.standard_normal((1, n, m))


def close(x: FloatArray, y: FloatArray) -> bool:
    return bool(np.abs(x - y).max() <= ROUNDING * np.abs(x).max())


def residual(A: FloatArray, B: FloatArray, P: FloatArray, Q: FloatArray) -> FloatArray:
    return A.mT @ P + P @ A - P @ B @ B.mT @ P + Q


@settings(deadline=None)
@given(seeds, sizes)
def test_canonical_problem_is_the_original_one(seed: int, size: tuple[int, int]) -> None:
    """A, BBᵀ and Q are those of w = M x in the scaled time."""
    A, B = gaussian(seed, *size)
    pair = canonical_pair(A, B)
    M, s = pair.to_canonical, pair.time_scale[0]
    assert close(M @ A, s * pair.A @ M)
    assert close(s**2 * pair.B @ pair.B.mT, M @ B @ B.mT @ M.mT)
    assert close(M.mT @ pair.Q @ M, np.eye(size[0])[None])


@settings(deadline=None)
@given(seeds, sizes)
def test_riccati_residual_maps_back(seed: int, size: tuple[int, int]) -> None:
    """For every P′ = GᵀG: AᵀP + PA − PBBᵀP + I is the residual of the canonical problem, MᵀR′M."""
    A, B = gaussian(seed, *size)
    A, B = 2.0**9 * A, 2.0**9 * B
    pair = canonical_pair(A, B)
    G = np.random.default_rng(seed).standard_normal(A.shape)
    P, M = pair.riccati_from_factor(G), pair.to_canonical
    assert (P.mT == P).all()
    original = residual(A, B, P, np.eye(size[0]))
    assert close(original, M.mT @ residual(pair.A, pair.B, G.mT @ G, pair.Q) @ M)


@settings(deadline=None)
@given(seeds, sizes, st.integers(-300, 300))
def test_time_unit_leaves_no_trace(seed: int, size: tuple[int, int], exponent: int) -> None:
    A, B = gaussian(seed, *size)
    pair, slow = canonical_pair(A, B), canonical_pair(A * 2.0**exponent, B * 2.0**exponent)
    assert (pair.A == slow.A).all()
    assert (pair.B == slow.B).all()
    assert (pair.Q == slow.Q).all()


@pytest.mark.parametrize("m", [1, 2, 3])
def test_basis_and_mixing_of_inputs_leave_no_trace(m: int) -> None:
    rng = np.random.default_rng(m)
    A, B = rng.standard_normal((200, 4, 4)), rng.standard_normal((200, 4, m))
    T = np.linalg.qr(rng.standard_normal((200, 4, 4)))[0]
    V = np.linalg.qr(rng.standard_normal((200, m, m)))[0]
    pair, turned = canonical_pair(A, B), canonical_pair(T @ A @ T.mT, T @ B @ V)
    for x, y in ((pair.A, turned.A), (pair.B, turned.B), (pair.Q, turned.Q)):
        same = np.abs(x - y).max(axis=(1, 2)) <= ROUNDING * np.abs(x).max(axis=(1, 2))
        assert same.mean() > 0.99  # two inputs of nearly the same length have no stable order


def test_a_row_does_not_depend_on_its_stack() -> None:
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((7, 5, 5)), rng.standard_normal((7, 5, 2))
    whole = canonical_pair(A, B)
    for i in range(7):
        row = canonical_pair(A[i : i + 1], B[i : i + 1])
        assert (row.A[0] == whole.A[i]).all()
        assert (row.Q[0] == whole.Q[i]).all()


@settings(deadline=None, max_examples=30)
@given(seeds, sizes, st.sampled_from(["no input", "no dynamics", "one input twice", "unreached states"]))
def test_degenerate_pairs_keep_invertible_coordinates(seed: int, size: tuple[int, int], kind: str) -> None:
    A, B = gaussian(seed, *size)
    if kind == "no input":
        B[:] = 0
    elif kind == "no dynamics":
        A[:] = 0
    elif kind == "one input twice":
        B[:, :, -1] = B[:, :, 0]
    else:
        A[:, 1:, :1] = B[:, 1:] = 0
    pair = canonical_pair(A, B)
    assert np.linalg.cond(pair.to_canonical[0]) < 100
    assert np.isfinite(pair.A).all()


def test_inputs_are_not_modified() -> None:
    A, B = gaussian(1, 4, 3)
    before = A.copy(), B.copy()
    canonical_pair(A, B)
    assert (before[0] == A).all()
    assert (before[1] == B).all()
