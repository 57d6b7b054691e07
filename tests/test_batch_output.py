"""Stacks of plants with a gain of their outputs, or with zeros in it: built from the answer, and what may go wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid
import hybrid.batch
from hybrid.batch import BatchAnswer, output_gains
from hybrid.batch.kernels.decimals import POWERS, shortened
from hybrid.batch.kernels.lyapunov import costs
from hybrid.batch.kernels.output_proof import closed_loops, prove_outputs
from hybrid.batch.kernels.proof import PROBE
from hybrid.batch.output_gains import Plants, canonical, canonical_gains
from hybrid.errors import DimensionError, ProblemError
from hybrid.exact.spectrum import rational_matrix
from hybrid.propose.canonical_triple import canonical_triple
from hybrid.propose.output_gain import OutputGainProposer
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.verify.gain import decimals
from hybrid.verify.lyapunov import BoolArray, FloatArray

flint = pytest.importorskip("flint")

both_times = pytest.mark.parametrize("discrete", [False, True], ids=["continuous", "discrete"])
Triple = tuple[FloatArray, FloatArray, FloatArray]
ALL = np.ones((2, 2), dtype=bool)


def stabilisable(
    count: int, n: int, m: int, p: int, *, discrete: bool = False, free: BoolArray | None = None, seed: int = 0
) -> Triple:
    """A stable closed loop, and a hidden gain taken back from it."""
    rng = np.random.default_rng([seed, n, m, p])
    F, B, C = rng.standard_normal((count, n, n)), rng.standard_normal((count, n, m)), rng.standard_normal((count, p, n))
    values = np.linalg.eigvals(F)
    if discrete:
        F *= (0.8 / np.abs(values).max(1))[:, None, None]
    else:
        F -= (values.real.max(1) + 0.2)[:, None, None] * np.eye(n)
    K = rng.standard_normal((count, m, p)) * (1 if free is None else free)
    return F + B @ K @ C, B, C


def tops(A: FloatArray, B: FloatArray, C: FloatArray, K: FloatArray, discrete: bool) -> FloatArray:
    values = np.linalg.eigvals(A - B @ K @ C)
    return np.asarray(np.abs(values).max(-1) if discrete else values.real.max(-1))


def check_certificates(found: BatchAnswer) -> None:
    for i, status in enumerate(found.status):
        certificate = found.certificate(i)
        assert (certificate is not None) == (status in ("proved", "disproved"))
        report = None if certificate is None else hybrid.check(certificate)
        assert report is None or report.valid, (i, report.reason)


# ------------------------------------------------------------------------------------ answers


@both_times
@pytest.mark.parametrize("model", [True, False])
@pytest.mark.parametrize(("n", "m", "p"), [(1, 1, 1), (4, 2, 2), (5, 3, 1), (4, 1, 6)])
def test_every_plant_with_a_hidden_gain_gets_one(n: int, m: int, p: int, model: bool, discrete: bool) -> None:
    A, B, C = stabilisable(24, n, m, p, discrete=discrete)
    found = hybrid.batch.feedback(A, B, C, discrete=discrete, model=model)
    assert (found.status == "proved").all()
    assert found.gain is not None
    assert found.gain.shape == (24, m, p)
    assert (tops(A, B, C, found.gain, discrete) < discrete).all()
    assert {"output"} <= set(found.certificate(0).claim)  # type: ignore[union-attr]
    check_certificates(found)


@both_times
def test_most_are_settled_in_stacks(discrete: bool) -> None:
    found = hybrid.batch.feedback(*stabilisable(200, 4, 2, 2, discrete=discrete), discrete=discrete)
    assert (found.route == "exact").sum() <= 2
    assert set(found.summary()["route"]) <= set(found.seconds)


@both_times
@pytest.mark.parametrize("decay", ["0.1", "1/3"])
def test_the_decay_is_that_asked_for(decay: Any, discrete: bool) -> None:
    A, B, C = stabilisable(16, 4, 2, 3, discrete=discrete)
    found = hybrid.batch.feedback(A, B, C, discrete=discrete, decay=decay)
    proved, rate = found.status == "proved", 0.1 if decay == "0.1" else 1 / 3
    assert proved.sum() >= 12
    assert found.gain is not None
    assert (tops(A, B, C, found.gain, discrete)[proved] < (1 - rate if discrete else -rate)).all()
    check_certificates(found)


@both_times
@pytest.mark.parametrize("model", [True, False])
def test_zeros_stay_zeros(model: bool, discrete: bool) -> None:
    free = np.array([[1, 0, 1], [0, 1, 0]], dtype=bool)
    A, B, C = stabilisable(24, 4, 2, 3, discrete=discrete, free=free)
    found = hybrid.batch.feedback(A, B, C, structure=free, discrete=discrete, model=model)
    assert (found.status == "proved").all()
    assert found.gain is not None
    assert (found.gain[:, ~free] == 0).all()
    assert not np.signbit(found.gain[:, ~free]).any()
    assert found.certificate(3).claim["structure"] == free.astype(int).tolist()  # type: ignore[union-attr]
    check_certificates(found)


def test_a_structure_without_outputs_is_one_of_the_state() -> None:
    A, B, _ = stabilisable(16, 3, 3, 3)
    F = A - B @ np.stack([np.diag(x) for x in np.random.default_rng(0).standard_normal((16, 3))])
    found = hybrid.batch.feedback(F, B, structure="diagonal")
    assert (found.status != "error").all()
    assert (found.status == "proved").sum() >= 8
    assert found.gain is not None
    assert (found.gain[found.status == "proved"][:, ~np.eye(3, dtype=bool)] == 0).all()
    claim = found.certificate(int(np.flatnonzero(found.status == "proved")[0])).claim  # type: ignore[union-attr]
    assert "output" not in claim
    assert claim["structure"] == np.eye(3, dtype=int).tolist()
    check_certificates(found)


def test_what_no_gain_does_is_disproved_and_bad_rows_spoil_nothing() -> None:
    A, B, C = stabilisable(6, 2, 1, 1)
    A[1], B[1], C[1] = [[0, 1], [0, 0]], [[0], [1]], [[1, 0]]  # position feedback gives no damping
    A[2], B[2], C[2] = [[1, 0], [0, -1]], [[0], [1]], [[1, 1]]  # an unreached mode
    A[3], B[3], C[3] = [[1, 0], [0, -1]], [[1], [1]], [[0, 1]]  # an unseen mode
    C[4, 0, 1] = np.nan
    found = hybrid.batch.feedback(A, B, C)
    assert found.verdict[1:4].tolist() == ["not stabilisable"] * 3
    assert found.status.tolist() == ["proved", "disproved", "disproved", "disproved", "error", "proved"]
    assert (found.route[1:4] == "exact").all()
    assert "C[1,2]" in found.reason[4]
    assert found.gain is not None
    assert np.isnan(found.gain[1:5]).all()
    with pytest.raises(ProblemError, match="row"):
        found.system(4)
    check_certificates(found)


def test_units_and_bases_far_from_one() -> None:
    A, B, C = stabilisable(16, 4, 2, 2)
    T = np.diag([1e6, 1.0, 1e-5, 10.0])
    A, B, C = 1e4 * T @ A @ np.linalg.inv(T), T @ B * [1e8, 1e-3], C @ np.linalg.inv(T) * np.array([[1e-7], [1e5]])
    found = hybrid.batch.feedback(A, B, C)
    assert (found.status == "proved").all()
    assert (found.route != "exact").sum() >= 14
    check_certificates(found)


def test_no_rows_and_large_plants() -> None:
    empty = hybrid.batch.feedback(np.zeros((0, 4, 4)), np.zeros((0, 4, 2)), np.zeros((0, 1, 4)))
    assert len(empty) == 0
    assert empty.gain is not None
    assert empty.gain.shape == (0, 2, 1)
    n = output_gains._STACKED_UP_TO + 1
    found = hybrid.batch.feedback(-np.eye(n)[None], np.ones((1, n, 1)), np.ones((1, 1, n)))
    assert (found.status[0], found.route[0]) == ("proved", "exact")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"C": np.zeros((3, 2, 4))}, DimensionError),
        ({"C": np.zeros((2, 2, 3))}, DimensionError),
        ({"C": np.zeros((2, 0, 4))}, DimensionError),
        ({"structure": np.ones((2, 3))}, DimensionError),
        ({"structure": np.zeros((2, 2))}, ProblemError),
        ({"Q": np.eye(4)}, ProblemError),
        ({"R": np.eye(2)}, ProblemError),
        ({"model": 3}, ProblemError),
        ({"decay": -1}, ProblemError),
    ],
)
def test_wrong_calls_are_named(change: dict[str, Any], error: type[Exception]) -> None:
    A, B, C = stabilisable(2, 4, 2, 2)
    with pytest.raises(error, match=next(iter(change))):
        hybrid.batch.feedback(**({"A": A, "B": B, "C": C} | change))


def test_inputs_are_not_modified() -> None:
    triple = stabilisable(9, 4, 2, 2)
    before = [x.copy() for x in triple]
    hybrid.batch.feedback(*triple, decay="1/10")
    assert all((x == y).all() and x.flags.writeable for x, y in zip(triple, before, strict=True))


# ------------------------------------------------------------------------------------ whatever the model says


def raising(count: int) -> FloatArray:
    raise RuntimeError("out of order")


ANSWERS: dict[str, Callable[[int], FloatArray]] = {
    "random": lambda count: np.random.default_rng(0).standard_normal((count, 8, 4, 4)),
    "huge": lambda count: np.full((count, 8, 4, 4), 1e30),
    "nan": lambda count: np.full((count, 8, 4, 4), np.nan),
    "inf": lambda count: np.full((count, 8, 4, 4), np.inf),
    "another shape": lambda count: np.zeros((count, 8, 4)),
    "one candidate": lambda count: np.zeros((count, 1, 4, 4)),
    "another count": lambda count: np.zeros((count + 1, 8, 4, 4)),
    "an exception": raising,
}


@both_times
@pytest.mark.parametrize("says", ANSWERS)
def test_no_model_makes_a_false_proof(says: str, discrete: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def network(self: OutputGainProposer, n: int, steps: int | None = None) -> Callable[[dict[str, Any]], FloatArray]:
        return lambda named: ANSWERS[says](len(named["A"]))

    monkeypatch.setattr(OutputGainProposer, "accepts", lambda self, n, m, p: True)
    monkeypatch.setattr(OutputGainProposer, "network", network)
    A, B, C = stabilisable(12, 3, 2, 2, discrete=discrete)
    A[5], B[5], C[5] = 2 * np.eye(3), 0, 0
    found = hybrid.batch.feedback(A, B, C, discrete=discrete)
    assert found.status.tolist() == ["proved"] * 5 + ["disproved"] + ["proved"] * 6
    assert found.gain is not None
    assert (tops(*(np.delete(x, 5, 0) for x in (A, B, C, found.gain)), discrete) < discrete).all()
    check_certificates(found)


def test_a_folder_without_models_is_no_model(tmp_path: Path) -> None:
    found = hybrid.batch.feedback(*stabilisable(3, 4, 2, 2), model=tmp_path)
    assert set(found.route) == {"descent"}


# ------------------------------------------------------------------------------------ kernels


def exactly(matrix: FloatArray) -> Any:
    return rational_matrix(ExactMatrix.read(matrix, "matrix"))


def is_proof(A: Any, B: Any, C: Any, K: Any, P: FloatArray, bound: float, discrete: bool) -> bool:
    """Lyapunov's (Stein's) inequality over Q, by leading minors."""
    b, X = flint.fmpq(*bound.as_integer_ratio()), exactly(np.tril(P) + np.tril(P, -1).T)
    M = A - B * K * C
    L = X * (b * b) - M.transpose() * X * M if discrete else X * (2 * b) - M.transpose() * X - X * M
    n = P.shape[0]
    minors = (
        flint.fmpq_mat([[Y[i, j] for j in range(k)] for i in range(k)]).det() for Y in (X, L) for k in range(1, n + 1)
    )
    return all(minor > 0 for minor in minors)


@both_times
def test_the_kernel_proves_what_holds_over_q_and_no_more(discrete: bool) -> None:
    """Bounds from far above to a hair above and below the abscissa; for the doubles of K and the decimals printed."""
    A, B, C = stabilisable(160, 3, 2, 2, discrete=discrete)
    K = shortened(np.random.default_rng(1).standard_normal((160, 2, 2)), 17, POWERS)
    top = tops(A, B, C, K, discrete)
    proved = 0
    for i, exponent in enumerate(np.resize(np.arange(-17.0, 0.0), 160)):
        row = slice(i, i + 1)
        bound = float(top[i] + (1 if i % 3 else -1) * 10**exponent)
        P = costs(closed_loops(A[row], B[row], C[row], K[row]), bound, discrete)
        if prove_outputs(A[row], B[row], C[row], K[row], P, bound, discrete, PROBE)[0]:
            proved += 1
            given = exactly(A[i]), exactly(B[i]), exactly(C[i])
            further = np.nextafter(K[i], np.inf), np.nextafter(K[i], -np.inf)
            gains = *(exactly(k) for k in (K[i], *further)), rational_matrix(decimals(K[i]))
            assert all(is_proof(given[0], given[1], given[2], k, P[0], bound, discrete) for k in gains)
    assert 40 < proved < 110  # two in three are true, and those near to the bound are left


@pytest.mark.parametrize("at", ["A", "B", "C", "K"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, 5e-324])
def test_numbers_that_the_analysis_leaves_out_prove_nothing(at: str, bad: float) -> None:
    A, B, C = (np.array(x, dtype=np.float64) for x in ([[[-1.0, 0], [0, -1]]], [[[1.0], [1]]], [[[1.0, 1]]]))
    K, P = np.array([[[0.5]]]), np.eye(2)[None].copy()
    assert prove_outputs(A, B, C, K, P, 0.0, False, PROBE)[0]
    if (at, bad) == ("A", 5e-324):
        return  # the sum with B K C swallows it
    {"A": A, "B": B, "C": C, "K": K}[at][0, 0, 0] = bad
    assert not prove_outputs(A, B, C, K, P, 0.0, False, PROBE)[0]


@pytest.mark.parametrize(("n", "m", "p"), [(1, 1, 1), (2, 1, 3), (4, 2, 2), (5, 4, 3), (8, 3, 4)])
def test_compiled_canonical_coordinates_are_those_of_numpy(n: int, m: int, p: int) -> None:
    A, B, C = stabilisable(61, n, m, p)
    ours, numpys = canonical(A, B, C), canonical_triple(A, B, C)
    K = np.random.default_rng(2).standard_normal((61, 2, m, p))
    assert np.allclose(np.abs(ours.A), np.abs(numpys.A), atol=1e-6)
    assert np.allclose(ours.gains(K), numpys.gains(K), rtol=1e-9)
    assert np.allclose(canonical_gains(ours, ours.gains(K)), K)
    loops = [x.A[:, None] - x.B[:, None] @ K @ x.C[:, None] for x in (ours, numpys)]
    assert np.allclose(loops[0], loops[1], atol=1e-6)


@both_times
def test_growth_bounds_the_radius_and_descent_lowers_it(discrete: bool) -> None:
    triple = stabilisable(40, 4, 2, 2, discrete=discrete)
    plants = Plants.of(*triple, ALL, discrete)
    K = np.random.default_rng(3).standard_normal((40, 3, 2, 2))
    growth = plants.growths(K)
    M = plants.triple.A[:, None] - plants.triple.B[:, None] @ K @ plants.triple.C[:, None]
    E = plants.gamma[:, None, None, None] * M if discrete else np.linalg.solve(np.eye(4) - M, np.eye(4) + M)
    radius = np.abs(np.linalg.eigvals(E)).max(-1)
    assert ((growth > radius * (1 - 1e-9)) & (growth < radius * 1.05)).all()
    reached, least = plants.descend(K, 30)
    assert ((least <= growth.min(1) + 1e-12) | (least < 1)).all()  # the first that is stable is enough
    assert np.allclose(plants.growths(reached[:, None])[:, 0], least)
    assert (least < 1).mean() > 0.8


@both_times
def test_descents_stop_where_the_slope_is_zero(discrete: bool) -> None:
    """With one free entry there is a least growth between two kinks or none: finite differences cannot beat it."""
    A, B, C = stabilisable(30, 3, 1, 1, discrete=discrete)
    plants = Plants.of(A, B, C, np.ones((1, 1), dtype=bool), discrete)
    reached, least = plants.descend(np.zeros((30, 1, 1, 1)), 200)
    beside = plants.growths(reached[:, None] + np.array([-1e-3, 1e-3])[None, :, None, None])
    stuck = least >= 1
    assert (beside[stuck] > least[stuck, None] - 1e-4).all()


def test_a_gain_outside_the_structure_proves_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proposals that ignore the mask: whatever they stabilise, no row may be called proved with such a gain."""
    from hybrid.propose.canonical_triple import CanonicalTriple

    def ignored(self: CanonicalTriple, free: np.ndarray) -> np.ndarray:
        return np.ones((len(self.A), *free.shape), dtype=bool)

    monkeypatch.setattr(CanonicalTriple, "structure", ignored)
    A = np.array([[[1.0, 0.0], [0.0, -1.0]]] * 4)
    found = hybrid.batch.feedback(A, np.array([np.eye(2)] * 4), np.array([np.eye(2)] * 4), structure=[[1, 0], [0, 1]])
    assert found.gain is not None
    assert (found.status == "proved").all()
    assert (found.gain[:, [0, 1], [1, 0]] == 0).all()
    assert (found.route == "exact").any()
