"""Stacks of systems: built from their answers, row by row like the single questions, whatever the model says."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import builders as build
import numpy as np
import pytest

import hybrid
import hybrid.batch
from hybrid.batch import BatchAnswer, gains, rational
from hybrid.batch.kernels.proof import PROBE, prove
from hybrid.propose import gain as gain_proposals
from hybrid.verify.lyapunov import FloatArray

both_times = pytest.mark.parametrize("discrete", [False, True], ids=["continuous", "discrete"])


def doubles(matrix: build.Rows) -> FloatArray:
    return np.array([[float(x) for x in row] for row in matrix])


def gaussian(n: int, m: int, count: int, seed: int = 0, size: float = 1.0) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng([seed, n, m])
    return size * rng.standard_normal((count, n, n)), rng.standard_normal((count, n, m))


def check_certificates(found: BatchAnswer) -> None:
    """Every row that claims something has a certificate that the stand-alone checker accepts; the others have none."""
    for i, status in enumerate(found.status):
        certificate = found.certificate(i)
        if status in ("proved", "disproved"):
            assert certificate is not None
            report = hybrid.check(certificate)
            assert report.valid, (i, report.reason)
        else:
            assert certificate is None


# ------------------------------------------------------------------------------------ stability

KNOWN = {  # exact spectra, hidden by integer similarities: (matrix, continuous verdict, discrete verdict)
    "stable": (build.block_diagonal(build.pair("-1/4", "1/2"), [[Fraction(-1, 8)]]), "stable", "stable"),
    "unstable": (build.block_diagonal(build.pair("1/4", "2"), [[Fraction(-1, 8)]]), "unstable", "unstable"),
    "stable far out": (build.block_diagonal(build.pair(-3, 2), [[Fraction(-2)]]), "stable", "unstable"),
    "on the axis": (build.block_diagonal(build.pair(0, "1/2"), [[Fraction(-1, 8)]]), "marginal", "stable"),
    "on the circle": (build.block_diagonal([[Fraction(-1)]], build.pair("-1/4", "1/2")), "stable", "marginal"),
    "a Jordan block at 0": (build.block_diagonal(build.jordan(0, 2), [[Fraction(-1, 2)]]), "unstable", "stable"),
    "a Jordan block at 1": (build.block_diagonal(build.jordan(1, 2), [[Fraction(-1, 2)]]), "unstable", "unstable"),
    "nearly stable": (build.block_diagonal(build.pair("1/1073741824", 1), [[Fraction(-1)]]), "unstable", "unstable"),
}


@both_times
def test_known_spectra_are_decided(discrete: bool) -> None:
    matrices = [doubles(build.hidden(matrix, seed)) for seed in (1, 2) for matrix, *_ in KNOWN.values()]
    wanted = [verdicts[discrete] for _ in (1, 2) for _, *verdicts in KNOWN.values()]
    found = hybrid.batch.stability(np.stack(matrices), discrete=discrete)
    assert found.verdict.tolist() == wanted
    assert (found.status == np.where(np.array(wanted) == "stable", "proved", "disproved")).all()
    assert {"doubling", "matrix sign", "exact"} == set(found.route)
    check_certificates(found)


@both_times
@pytest.mark.parametrize("decay", [0, "0.1", "1/3"])
def test_stability_agrees_row_by_row(decay: Any, discrete: bool) -> None:
    A, _ = gaussian(4, 1, 24, size=0.4)
    A[::2] -= (0 if discrete else 0.6) * np.eye(4)
    found = hybrid.batch.stability(A, discrete=discrete, decay=decay)
    for i, status in enumerate(found.status):
        system = hybrid.LinearSystem(A[i], dt=1 if discrete else None)
        alone = hybrid.stability(system, decay=decay)
        assert (status, found.verdict[i]) == (alone.status.value, alone.verdict.value)
    assert len(set(found.status)) == 2
    check_certificates(found)


def test_larger_matrices_and_odd_counts() -> None:
    for n, count in ((1, 3), (7, 9), (13, 1), (25, 10), (65, 1)):
        A, _ = gaussian(n, 1, count, size=0.5)
        A[::2] -= np.sqrt(n) * np.eye(n)
        found = hybrid.batch.stability(A)
        tops = np.linalg.eigvals(A).real.max(1)
        assert (np.abs(tops) > 1e-6).all()
        assert (found.verdict == np.where(tops < 0, "stable", "unstable")).all()


# ------------------------------------------------------------------------------------ controllability


def test_controllability_agrees_with_how_the_pairs_were_built() -> None:
    A, B, wanted = [], [], []
    for seed in range(8):
        T, inverse = build.similarity(4, seed)
        blocks = build.block_diagonal(build.companion([1, 2, 3, 4]), [[Fraction(seed + 2)]])
        last = Fraction(seed % 2)
        A.append(doubles(build.product(T, blocks, inverse)))
        B.append(doubles(build.product(T, [[Fraction(0)], [Fraction(0)], [Fraction(1)], [last]])))
        wanted.append("controllable" if last else "uncontrollable")
    found = hybrid.batch.controllability(np.stack(A), np.stack(B))
    assert found.verdict.tolist() == wanted
    assert (found.route == np.where(found.status == "proved", "modular rank", "exact")).all()
    check_certificates(found)


def test_pairs_in_doubles_of_any_size() -> None:
    A, B = gaussian(5, 2, 6)
    found = hybrid.batch.controllability(np.ldexp(A, -60), np.ldexp(B, 90))
    assert set(found.verdict) == {"controllable"}
    check_certificates(found)


# ------------------------------------------------------------------------------------ feedback


@both_times
@pytest.mark.parametrize("model", [False, "always"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (2, 1), (4, 2), (5, 3)])
def test_gains_are_the_lqr_gains_and_proved(n: int, m: int, model: Any, discrete: bool) -> None:
    A, B = gaussian(n, m, 10, size=0.7)
    found = hybrid.batch.feedback(A, B, discrete=discrete, model=model)
    assert set(found.verdict) == {"stabilised"}
    check_certificates(found)
    assert found.gain is not None
    loops = A - B @ found.gain
    tops = np.abs(np.linalg.eigvals(loops)).max(1) if discrete else np.linalg.eigvals(loops).real.max(1)
    assert (tops < (1 if discrete else 0)).all()
    if model is False:
        alone = [
            hybrid.feedback(hybrid.LinearSystem(a, b, dt=1 if discrete else None), model=False).gain
            for a, b in zip(A, B, strict=True)
        ]
        assert found.gain == pytest.approx(np.stack(alone), rel=2e-5, abs=1e-6)
        assert all(float(f"{x:.5e}") == x for x in found.gain.ravel().tolist())  # six digits were enough


@both_times
@pytest.mark.parametrize("model", [False, "always"])
def test_weights_give_their_optimum(model: Any, discrete: bool) -> None:
    A, B = gaussian(4, 2, 6, size=0.7)
    Q, R = np.diag([4.0, 1.0, 0.5, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    if model is False:
        Q[3, 3] = 0.0  # then the Riccati solution itself does not prove the loop
    found = hybrid.batch.feedback(A, B, Q=Q, R=R, discrete=discrete, model=model)
    assert set(found.route) <= {"doubling", "model+refined"}
    for i in range(6):
        system = hybrid.LinearSystem(A[i], B[i], dt=1 if discrete else None)
        assert found.gain[i] == pytest.approx(hybrid.feedback(system, Q=Q, R=R, model=False).gain, rel=2e-5, abs=1e-6)
    check_certificates(found)


@both_times
def test_the_decay_asked_for_is_reached(discrete: bool) -> None:
    A, B = gaussian(3, 1, 8)
    found = hybrid.batch.feedback(A, B, discrete=discrete, decay="0.3")
    assert set(found.status) == {"proved"}
    spectra = np.linalg.eigvals(A - B @ found.gain)
    assert ((np.abs(spectra) < 0.7) if discrete else (spectra.real < -0.3)).all()
    check_certificates(found)


@both_times
def test_what_cannot_be_stabilised_is_disproved(discrete: bool) -> None:
    T, inverse = build.similarity(3, 5)
    A, B, wanted = [], [], []
    for fixed in ("-1/2", 2, "1/4", "3/2"):
        blocks = build.block_diagonal(build.companion([1, 1, 3]), [[Fraction(fixed)]])
        A.append(doubles(build.product(T, blocks, inverse)))
        B.append(doubles(build.product(T, [[Fraction(0)], [Fraction(1)], [Fraction(0)]])))
        inside = abs(Fraction(fixed)) < 1 if discrete else Fraction(fixed) < 0
        wanted.append("stabilised" if inside else "not stabilisable")
    found = hybrid.batch.feedback(np.stack(A), np.stack(B), discrete=discrete)
    assert found.verdict.tolist() == wanted
    assert (np.isnan(found.gain).all((1, 2)) == (found.status == "disproved")).all()
    check_certificates(found)


def test_rows_that_floats_leave_open_are_proved_over_q() -> None:
    """Gains of 10⁵ on pairs that are nearly uncontrollable: float bounds are too wide for some, exact ones are not."""
    A, B = gaussian(6, 1, 3000, seed=7)
    found = hybrid.batch.feedback(A, B)
    assert set(found.status) == {"proved"}
    none = np.zeros((3000, 6, 0))
    in_floats = prove(A, B, found.gain.copy(), found.lyapunov.copy(), none, 0.0, False, PROBE)
    open_rows = np.flatnonzero(~in_floats & (found.route == "doubling"))
    assert 0 < len(open_rows) < 30
    for i in open_rows.tolist():
        assert hybrid.check(found.certificate(i)).valid


@pytest.mark.parametrize(
    ("A", "K", "P", "bound", "discrete", "wanted"),
    [
        (1.0, 1.5, 1.0, 0.0, False, True),
        (1.0, 1.0, 1.0, 0.0, False, False),
        (1.0, 0.5, -1.0, 0.0, False, False),
        (1.0, 1.5, 1.0, -0.25, False, True),
        (1.0, 1.5, 1.0, -0.5, False, False),
        (1.0, 1.5, 1.0, -0.75, False, False),
        (1.0, 1.5, 1.0, 0.75, True, True),
        (1.0, 1.5, 1.0, 0.5, True, False),
        (1.0, 1.5, 1.0, 0.25, True, False),
        (0.3, 0.3, 1.0, 0.0, False, False),  # as printed 3/10, as stored less
        (1.0, 1.5, np.nan, 0.0, False, False),
        (1.0, np.inf, 1.0, 0.0, False, False),
    ],
)
def test_proofs_over_q(A: float, K: float, P: float, bound: float, discrete: bool, wanted: bool) -> None:
    system = hybrid.LinearSystem([[A]], [[1]], dt=1 if discrete else None)
    assert rational.proves(system, np.array([[K]]), np.array([[P]]), bound) is wanted


def test_a_proof_over_q_covers_the_gain_as_printed() -> None:
    """x′ = a x + b u with a between b·K as printed and b·K as stored: the doubles stabilise, the decimals do not."""
    found = 0
    for k, b in product(range(101, 140), range(101, 140, 2)):
        printed, stored = b * Fraction(k, 1000), b * Fraction(k / 1000)
        a = float(printed)
        if printed <= Fraction(a) < stored:
            found += 1
            system = hybrid.LinearSystem(np.array([[a]]), np.array([[float(b)]]))
            assert not rational.proves(system, np.array([[k / 1000]]), np.eye(1), 0.0)
    assert found > 20


# ------------------------------------------------------------------------------------ what a model may say


class _Hostile:
    """Answers with something, or raises it."""

    def __init__(self, say: Any) -> None:
        self.say = say

    def accepts(self, n: int, m: int) -> bool:
        return True

    def propose_batch(self, A: FloatArray, B: FloatArray) -> Any:
        if isinstance(self.say, Exception):
            raise self.say
        return self.say(A), None


HOSTILE = {
    "random": lambda A: np.random.default_rng(0).standard_normal(A.shape),
    "nan": lambda A: np.full(A.shape, np.nan),
    "huge": lambda A: np.full(A.shape, 1e300),
    "zero": np.zeros_like,
    "negative": lambda A: -np.broadcast_to(np.eye(A.shape[1]), A.shape),
    "other shape": lambda A: np.zeros((2, 2)),
    "float32": lambda A: A.astype(np.float32),
    "text": lambda A: "P",
    "exception": RuntimeError("no"),
}


@pytest.mark.parametrize("say", HOSTILE.values(), ids=HOSTILE)
def test_a_model_changes_no_verdict(monkeypatch: pytest.MonkeyPatch, say: Any) -> None:
    A, B = gaussian(4, 2, 12)
    B[3] = 0.0
    monkeypatch.setattr(gain_proposals, "shipped", lambda: _Hostile(say))
    hostile = hybrid.batch.feedback(A, B, model="always")
    without = hybrid.batch.feedback(A, B, model=False)
    assert (hostile.verdict == without.verdict).all()
    assert (hostile.status == without.status).all()
    check_certificates(hostile)


def test_the_router_asks_the_cheaper_one(monkeypatch: pytest.MonkeyPatch) -> None:
    A, B = gaussian(4, 2, 5)
    routes = []
    for costs in ({}, {4: (2.0, 1.0)}, {4: (1.0, 2.0)}):
        monkeypatch.setattr(gains, "COSTS", costs)
        routes.append(set(hybrid.batch.feedback(A, B).route) & {"model", "doubling"})
    assert routes[:2] == [{"doubling"}, {"doubling"}]
    assert "model" in routes[2]


def test_models_that_are_none(tmp_path: Path) -> None:
    A, B = gaussian(2, 1, 3)
    damaged = tmp_path / "lqr-n2.onnx"
    damaged.write_bytes(b"no model")
    with pytest.raises(hybrid.ModelError):
        hybrid.batch.feedback(A, B, model=damaged)
    assert set(hybrid.batch.feedback(A, B, model=tmp_path).route) == {"doubling"}
    with pytest.raises(hybrid.ProblemError, match="model: got 3"):
        hybrid.batch.feedback(A, B, model=3)


# ------------------------------------------------------------------------------------ stacks as they come


def test_error_rows_have_a_reason_and_leave_the_others_alone() -> None:
    A, B = gaussian(3, 1, 20)
    clean = hybrid.batch.feedback(A, B)
    A[4, 1, 2], A[11], B[12, 0, 0] = np.nan, np.inf, -np.inf
    for found in (hybrid.batch.feedback(A, B), hybrid.batch.controllability(A, B), hybrid.batch.stability(A)):
        errors = np.flatnonzero(found.status == "error").tolist()
        assert errors == ([4, 11] if found.about == "stability" else [4, 11, 12])
        assert found.reason[4].startswith("A[2,3]: got nan, expected a finite number")
        assert all(found.reason[i] == "" for i in range(20) if i not in errors)
        with pytest.raises(hybrid.ProblemError, match="row: got 4"):
            found.system(4)
        check_certificates(found)
    spoiled = hybrid.batch.feedback(A, B)
    rest = spoiled.status != "error"
    assert np.array_equal(spoiled.gain[rest], clean.gain[rest])
    assert np.isnan(spoiled.gain[~rest]).all()


@both_times
def test_a_row_comes_to_the_same_whatever_stands_beside_it(discrete: bool) -> None:
    """To the last bit of gain and P, beside rows that need many steps, have no solution, or are no systems."""
    A, B = gaussian(4, 1, 16)
    A[1], A[5], B[6], A[9, 0, 0] = 1e6 * A[1], np.eye(4), 0.0, np.nan
    B[3] *= 1e-9
    given: list[dict[str, Any]] = [{}, {"Q": np.diag([1.0, 2.0, 3.0, 4.0])}]
    for options in given:
        together = hybrid.batch.feedback(A, B, discrete=discrete, **options)
        stable = hybrid.batch.stability(A - 2 * np.eye(4), discrete=discrete)
        for i in (0, 2, 4, 7, 11):
            alone = hybrid.batch.feedback(A[i : i + 1], B[i : i + 1], discrete=discrete, **options)
            assert np.array_equal(together.gain[i], alone.gain[0])
            assert np.array_equal(together.lyapunov[i], alone.lyapunov[0])
            by_itself = hybrid.batch.stability(A[i : i + 1] - 2 * np.eye(4), discrete=discrete)
            assert np.array_equal(stable.lyapunov[i], by_itself.lyapunov[0])


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int64, np.int8, np.uint8])
def test_other_numbers_are_taken_exactly(kind: Any) -> None:
    A, B = ((10 * x).astype(kind) for x in gaussian(3, 1, 8))
    found = hybrid.batch.feedback(A, B)
    assert np.array_equal(found.stack.A, A)
    assert np.array_equal(found.gain, hybrid.batch.feedback(A.astype(float), B.astype(float)).gain, equal_nan=True)


def test_integers_that_are_no_doubles_are_error_rows() -> None:
    A = np.array([[[2**53]], [[-(2**53) - 1]], [[-(2**63)]]])
    found = hybrid.batch.stability(A)
    assert found.status.tolist() == ["disproved", "error", "error"]
    assert found.reason[1].startswith("A[1,1]: got -9007199254740993, expected an integer within")


@pytest.mark.parametrize("A", [[[[-(2**53) - 1, 2**53], [1.0, -1]]], [[[2**64 - 1, 0], [-1, 0]]]])
def test_integers_of_a_list_are_not_rounded_silently(A: Any) -> None:
    """numpy makes doubles of the whole list where a float, or a negative number, stands beside."""
    with pytest.raises(hybrid.ProblemError, match="integer beyond"):
        hybrid.batch.stability(A)


@pytest.mark.parametrize(
    ("A", "B", "match"),
    [
        (np.eye(2), None, r"A: got shape \(2, 2\), expected shape \(N, n, n\)"),
        (np.ones((3, 2, 1)), None, r"A: got shape \(3, 2, 1\)"),
        (np.ones((3, 0, 0)), None, r"A: got shape \(3, 0, 0\)"),
        (np.ones((3, 2, 2)), np.ones((2, 2, 1)), r"B: got shape \(2, 2, 1\), expected shape \(3, 2, m\)"),
        (np.ones((3, 2, 2)), np.ones((3, 2, 0)), r"B: got shape \(3, 2, 0\)"),
        (np.ones((3, 2, 2)), np.ones((3, 2)), r"B: got shape \(3, 2\)"),
        (np.ones((3, 2, 2), dtype=complex), None, "A: got an array of complex128"),
        (np.array([[["1"]]]), None, "A: got an array of <U1"),
        (np.ones((1, 1, 1), dtype=object), None, "A: got an array of object"),
        ([[[1.0], [1.0, 2.0]]], None, "A: got rows of different lengths"),
        (np.ma.masked_invalid(np.ones((1, 1, 1))), None, "A: got a masked array"),
    ],
)
def test_stacks_that_are_none(A: Any, B: Any, match: str) -> None:
    with pytest.raises(hybrid.ProblemError, match=match):
        hybrid.batch.stability(A) if B is None else hybrid.batch.controllability(A, B)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"decay": -1}, "decay"),
        ({"decay": 1, "discrete": True}, "decay"),
        ({"discrete": "yes"}, "discrete: got yes, expected True or False"),
        ({"Q": np.eye(3)}, r"Q: got shape \(3, 3\)"),
        ({"R": -np.eye(1)}, "R: got smallest eigenvalue -1"),
        ({"Q": np.array([[1.0, 2.0], [0.0, 1.0]])}, "Q: got a matrix that is not symmetric"),
    ],
)
def test_questions_that_make_no_sense(given: dict[str, Any], match: str) -> None:
    A, B = gaussian(2, 1, 3)
    with pytest.raises(hybrid.ProblemError, match=match):
        hybrid.batch.feedback(A, B, **given)


def test_an_empty_stack_has_an_empty_answer() -> None:
    none = np.zeros((0, 3, 3))
    pairs = hybrid.batch.feedback(none, none), hybrid.batch.controllability(none, none)
    for found in (hybrid.batch.stability(none), *pairs):
        assert len(found) == 0
        assert repr(found).endswith("of 0 systems: none>")
        assert json.dumps(found.to_dict(), allow_nan=False)


def test_the_answer_counts_and_serialises() -> None:
    A, B = gaussian(3, 1, 6)
    A[2, 0, 0], B[4] = np.nan, 0.0
    A[4] = np.eye(3)
    found = hybrid.batch.feedback(A, B)
    assert repr(found) == "<BatchAnswer feedback of 6 systems: 4 proved, 1 disproved, 1 error>"
    summary = found.summary()
    assert summary["status"] == {"proved": 4, "disproved": 1, "error": 1}
    assert summary["route"] == {"doubling": 4, "exact": 1}
    assert set(summary["route"]) <= set(summary["seconds"])
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["rows"][0]["gain"] == found.gain[0].tolist()
    assert document["rows"][2] == {
        "status": "error", "verdict": "unknown", "route": "", "reason": found.reason[2], "gain": None, "lyapunov": None,
    }  # fmt: skip
    assert found.certificate(-6).to_dict() == found.certificate(0).to_dict()
    for beyond in (6, -7):
        with pytest.raises(IndexError):
            found.certificate(beyond)


def test_inputs_are_not_modified_and_answers_not_writable() -> None:
    A, B = gaussian(3, 1, 6)
    A[2] = np.nan
    before = A.copy(), B.copy()
    found = hybrid.batch.feedback(A, B)
    hybrid.batch.stability(A)
    assert all(np.array_equal(old, new, equal_nan=True) for old, new in zip(before, (A, B), strict=True))
    for array in (found.status, found.gain, found.lyapunov):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def _read_only(X: FloatArray) -> FloatArray:
    view = X.view()
    view.setflags(write=False)
    return view


LAYOUTS = _read_only, np.asfortranarray, lambda X: X[::-1][::-1], lambda X: np.repeat(X, 2, 0)[::2]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_memory_layout_will_do(layout: Any) -> None:
    A, B = gaussian(4, 2, 9)
    assert np.array_equal(hybrid.batch.feedback(layout(A), layout(B)).gain, hybrid.batch.feedback(A, B).gain)
