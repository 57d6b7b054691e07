"""Lyapunov matrices from a network: they prove what they prove, and change no verdict."""

import numpy as np
import pytest

import hybrid
from hybrid.errors import DimensionError, ModelError, ProblemError
from hybrid.propose.lyapunov_matrix import LyapunovProposer, cayley, model_name

ORDERS = range(2, 11)


def stable_stack(seed: int, count: int, n: int) -> np.ndarray:
    """Normal matrices with a chosen spectrum in random coordinates: abscissa −0.1 to −2 by construction."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((count, n, n))
    skew = A - A.mT
    diagonal = np.where(np.eye(n, dtype=bool), -rng.uniform(0.1, 2.0, (count, n, 1)), 0.0)
    T = np.linalg.qr(rng.standard_normal((count, n, n)))[0]
    return T.mT @ (diagonal + 0.3 * skew) @ T  # symmetric part ≺ 0


def twins(A: np.ndarray) -> np.ndarray:
    """The same with one eigenvalue moved far into the right half plane: trace positive."""
    n = A.shape[-1]
    return A + 4.0 * n * np.eye(n)[0][:, None] * np.eye(n)[0]


@pytest.mark.parametrize("n", ORDERS)
@pytest.mark.parametrize("discrete", [False, True])
def test_most_are_proved_by_the_network_and_all_are_proved(n, discrete):
    assert LyapunovProposer().accepts(n)
    A = stable_stack(n, 200, n)
    if discrete:
        A = np.linalg.inv(np.eye(n) - A) @ (np.eye(n) + A)
    found = hybrid.batch.stability(A, discrete=discrete, model=True)
    assert (found.status == "proved").all()
    assert (found.route == "model").mean() > 0.5
    row = int(np.flatnonzero(found.route == "model")[0])
    assert hybrid.check(found.certificate(row)).valid


@pytest.mark.parametrize("n", [2, 5])
def test_verdicts_are_those_without_it(n):
    A = stable_stack(1, 50, n)
    mixed = np.concatenate([A, twins(A)])
    found = hybrid.batch.stability(mixed, model=True)
    assert (found.verdict == np.repeat(["stable", "unstable"], 50)).all()


@pytest.mark.parametrize(
    "P", [np.eye(3), -np.eye(3), np.full((3, 3), np.nan), np.zeros((3, 3)), np.diag([1e308, 1, 1]), np.eye(2)]
)
def test_hostile_proposals_prove_nothing_false(P, monkeypatch):
    def propose(self, A, *, discrete):
        return np.broadcast_to(P, (len(A), *P.shape)).copy()

    monkeypatch.setattr(LyapunovProposer, "propose_batch", propose)
    A = stable_stack(2, 20, 3)
    found = hybrid.batch.stability(np.concatenate([A, twins(A)]), model=True)
    assert (found.verdict == np.repeat(["stable", "unstable"], 20)).all()


def test_a_proposer_that_fails_is_left_out(monkeypatch):
    def fail(self, A, *, discrete):
        raise RuntimeError("no")

    monkeypatch.setattr(LyapunovProposer, "propose_batch", fail)
    assert (hybrid.batch.stability(stable_stack(2, 5, 3), model=True).route == "doubling").all()


def test_wrong_models_are_named(tmp_path):
    A = stable_stack(3, 2, 3)
    with pytest.raises(ProblemError, match="model"):
        hybrid.batch.stability(A, model=3)
    (tmp_path / model_name(3)).write_bytes(b"no model")
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        LyapunovProposer(tmp_path).propose_batch(A)
    with pytest.raises(DimensionError):
        LyapunovProposer().propose_batch(A[0])


def test_the_cayley_transform_keeps_lyapunov_matrices():
    """A contraction in the norm of P stays one: AᵀPA − P ≺ 0 goes to MᵀP + PM ≺ 0."""
    A = np.array([[[0.5, 0.3], [0.0, -0.4]]])
    M = cayley(A)[0]
    P = np.eye(2)
    assert np.linalg.eigvalsh(A[0].T @ P @ A[0] - P).max() < 0
    assert np.linalg.eigvalsh(M.T @ P + P @ M).max() < 0
