"""A proposer that does anything at all: no verdict changes, nothing false is proved, and time is bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import solve as pipeline
from hybrid.answer import Route, Status
from hybrid.errors import ModelError
from hybrid.plugins.cli import cli
from hybrid.propose import session
from hybrid.propose.gain import GainProposer
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion, StaticGainQuestion
from hybrid.trials import Means, Search

_rng = np.random.default_rng(1)
FREE = hybrid.LinearSystem(_rng.standard_normal((4, 4)), _rng.standard_normal((4, 2)))
BOUND = hybrid.LinearSystem(np.diag([1.0, -1.0, -2.0, -3.0]), [[0, 0], [1, 0], [1, 1], [0, 1]])
MEASURED = hybrid.LinearSystem([[0, 1], [1, -1]], [[0], [1]], [[1, 0]])


class Saying:
    """A proposer of whatever a function returns, for the state and for outputs."""

    def __init__(self, said: Callable[[int, int], Any]) -> None:
        self.said = said

    def accepts(self, *sizes: int) -> bool:
        return True

    def propose(self, A: Any, B: Any, C: Any = None, *rest: Any, **options: Any) -> Any:
        found = self.said(B.shape[1], A.shape[0] if C is None else C.shape[0])
        return found if C is None else [found]


def guess(K: Any, P: Any = None) -> GainProposal:
    return GainProposal(K, P, "hostile", Route.MODEL)


def fails(error: BaseException) -> Callable[[int, int], Any]:
    def said(m: int, p: int) -> Any:
        raise error

    return said


SAYINGS: dict[str, Callable[[int, int], Any]] = {
    "nothing": lambda m, p: None,
    "text": lambda m, p: "K",
    "no matrix": lambda m, p: guess("K"),
    "nan": lambda m, p: guess(np.full((m, p), np.nan)),
    "inf": lambda m, p: guess(np.full((m, p), -np.inf)),
    "huge": lambda m, p: guess(np.full((m, p), 1e308)),
    "subnormal": lambda m, p: guess(np.full((m, p), 5e-324)),
    "transposed": lambda m, p: guess(np.ones((p, m + 1))),
    "a vector": lambda m, p: guess(np.ones(m * p)),
    "single": lambda m, p: guess(np.ones((m, p), dtype=np.float32)),
    "complex": lambda m, p: guess(np.ones((m, p)) * 1j),
    "objects": lambda m, p: guess(np.array([[object()] * p] * m)),
    "P of nan": lambda m, p: guess(np.ones((m, p)), np.full((p, p), np.nan)),
    "P of another order": lambda m, p: guess(np.ones((m, p)), np.eye(p + 3)),
    "P that is negative": lambda m, p: guess(np.ones((m, p)), -np.eye(p)),
    "P that proves too much": lambda m, p: guess(np.zeros((m, p)), 1e308 * np.eye(p)),
    "an error": fails(RuntimeError("no")),
    "an error of its own": fails(type("Odd", (Exception,), {})()),
    "no memory": fails(MemoryError()),
    "too deep": fails(RecursionError()),
    "an end": fails(StopIteration()),
}


def with_proposer(system: Any, proposer: Any) -> Any:
    return pipeline.solve(FeedbackQuestion.read(system, None, None, 0, None), Means(gain=proposer))


@pytest.mark.parametrize("name", SAYINGS)
@pytest.mark.parametrize("system", [FREE, BOUND])
def test_what_a_proposer_says_changes_no_verdict(name: str, system: Any) -> None:
    answer, without = with_proposer(system, Saying(SAYINGS[name])), hybrid.feedback(system, model=False)
    assert (answer.status, answer.verdict) == (without.status, without.verdict)
    assert hybrid.check(answer.certificate).valid
    if answer.gain is not None:
        assert hybrid.stability(system.closed_loop(answer.gain)).status is Status.PROVED


@pytest.mark.parametrize("name", SAYINGS)
def test_nor_about_gains_of_outputs(name: str) -> None:
    question = StaticGainQuestion.read([MEASURED], True, None, 0)
    answer = pipeline.solve(question, Means(search=Search(Saying(SAYINGS[name]))))  # type: ignore[arg-type]
    assert answer.status is Status.PROVED
    assert hybrid.stability(answer.closed_loop()).status is Status.PROVED


# ------------------------------------------------------------------------------------ near misses, by ascent


def ascended(A: Any, B: Any, K: Any) -> Iterator[Any]:
    """Gains along the gradient of the closed loop's abscissa, from a stabilising one across the boundary and around it.

    The gradient of a simple eigenvalue λ of A − B K is −Re(Bᵀ w vᵀ)ᵀ over wᵀv, with its left and right eigenvectors.
    """

    def abscissa(K: Any) -> tuple[float, Any]:
        values, right = np.linalg.eig(A - B @ K)
        i = int(values.real.argmax())
        left = np.linalg.inv(right)[i]
        return float(values.real[i]), -(B.T @ np.outer(left, right[:, i])).real

    inside = K
    for _ in range(400):
        value, gradient = abscissa(K)
        if value > 0:
            break
        inside = K
        K = K + 0.2 * gradient / max(1e-12, np.linalg.norm(gradient))
    outside = K
    for _ in range(80):  # to neighbouring gains on either side
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if abscissa(middle)[0] > 0 else (middle, outside)
        yield middle
    for K in (inside, outside):
        for towards in (-np.inf, np.inf):
            yield np.nextafter(K, towards)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 2))
def test_near_misses_found_by_ascent_against_the_verifier(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((n, n)), rng.standard_normal((n, m))
    system = hybrid.LinearSystem(A, B)
    found = hybrid.feedback(system, model=False)
    if found.gain is None:
        return
    for K in list(ascended(A, B, found.gain))[::6]:
        closed = A - B @ K
        P = None if np.linalg.eigvals(closed).real.max() >= 0 else _lyapunov(closed)
        answer = with_proposer(system, Saying(lambda *_, K=K, P=P: guess(K, P)))
        assert answer.status is Status.PROVED
        truth = hybrid.stability(system.closed_loop(answer.gain))
        assert truth.status is Status.PROVED
        if answer.route is not Route.MODEL:
            continue
        assert answer.bounds is not None
        assert truth.bounds is not None
        assert answer.bounds[1] is None or answer.bounds[1] >= truth.bounds[0]


def _lyapunov(closed: Any) -> Any:
    from scipy.linalg import solve_continuous_lyapunov

    P = solve_continuous_lyapunov(closed.T, -np.eye(len(closed)))
    return (P + P.T) / 2


# --------------------------------------------------------------------------------------------- model files


def made(name: str, folder: Path) -> Path:
    pytest.importorskip("onnx")
    import hostile_models
    from onnx import TensorProto

    graphs = {
        "endless": hostile_models.endless,
        "nan": hostile_models.scaled(float("nan")),
        "huge": hostile_models.scaled(3e38),
        "failing": hostile_models.failing,
        "text": hostile_models.text,
        "other shape": hostile_models.other_shape,
        "enormous": hostile_models.enormous,
    }
    kind = TensorProto.STRING if name == "text" else TensorProto.FLOAT
    return hostile_models.write(graphs[name], folder / "model.onnx", kind=kind)


@pytest.mark.train
@pytest.mark.parametrize("name", ["endless", "nan", "huge", "failing", "text"])
def test_hostile_graphs_change_no_verdict(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_SECONDS", 0.3)
    file = made(name, tmp_path)
    for system in (FREE, BOUND):
        started = time.monotonic()
        answer, without = hybrid.feedback(system, model=str(file)), hybrid.feedback(system, model=False)
        assert time.monotonic() - started < 20
        assert (answer.status, answer.verdict) == (without.status, without.verdict)
        assert hybrid.check(answer.certificate).valid  # type: ignore[arg-type]
        assert answer.trials
    A = np.repeat(np.asarray(FREE.A.floats)[None], 40, 0)
    B = np.repeat(np.asarray(FREE.B.floats)[None], 40, 0)  # type: ignore[union-attr]
    stack = hybrid.batch.feedback(A, B, model=str(file))
    assert set(stack.verdict.tolist()) == {"stabilised"}


@pytest.mark.train
def test_a_model_without_end_is_stopped_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_SECONDS", 0.5)
    proposer = GainProposer(made("endless", tmp_path))
    A, B = np.eye(4), np.ones((4, 2))
    with pytest.raises(ModelError, match=r"more than 0\.5 s and was stopped"):
        proposer.propose(A, B)
    started = time.monotonic()
    for _ in range(100):
        with pytest.raises(ModelError, match="not asked again"):
            proposer.propose(A, B)
    assert time.monotonic() - started < 5


@pytest.mark.train
@pytest.mark.parametrize("name", ["other shape", "enormous"])
def test_graphs_that_lie_about_their_shape_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="of a gain model expected"):
        GainProposer(made(name, tmp_path))


@pytest.mark.train
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("endless", "more than 0.3 s and was stopped"),
        ("nan", "no finite numbers"),
        ("failing", "loads, but cannot run"),
        ("text", "no finite numbers"),
        ("other shape", "of a gain model expected"),
    ],
)
def test_doctor_says_why(name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_SECONDS", 0.3)
    result = CliRunner().invoke(cli, ["doctor", "--json", "--model", str(made(name, tmp_path))])
    finding = json.loads(result.stdout)["findings"][-1]
    assert finding["level"] == "warn"
    assert sentence in finding["found"]


def test_doctor_examines_models_that_are_none_and_ours(tmp_path: Path) -> None:
    shipped = Path(hybrid.__file__).parent / "models" / "lqr-n4.onnx"
    (tmp_path / "half.onnx").write_bytes(shipped.read_bytes()[:5000])
    for file, level, sentence in (
        (shipped, "ok", "a gain model for 4 states"),
        (tmp_path / "half.onnx", "warn", "not a readable ONNX model"),
        (tmp_path / "absent.onnx", "warn", "cannot be read"),
    ):
        result = CliRunner().invoke(cli, ["doctor", "--json", "--model", str(file)])
        finding = json.loads(result.stdout)["findings"][-1]
        assert (finding["level"], sentence in finding["found"]) == (level, True)


def test_our_own_models_run_without_an_alarm() -> None:
    proposer = GainProposer()
    proposer.propose(np.eye(4), np.ones((4, 2)))
    assert proposer._files.model(4).session._seconds is None
