"""Feedback answered from the outside: every gain is checked again over Q, every refusal has its mode."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import builders as build
import numpy as np
import pytest
from conftest import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Answer, Reason, Route, Status, Verdict
from hybrid.errors import ModelError, ProblemError
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.systems.exact_matrix import EnclosedMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.verify import gain as verify_gain

few = settings(deadline=None, max_examples=20)
HAIR = Fraction(1, 10**40)
DOUBLE_INTEGRATOR = LinearSystem([[0, 1], [0, 0]], [[0], [1]])


def ask(system: Any, **options: Any) -> Answer:
    """The answer, whose certificate the stand-alone checker accepts."""
    answer = hybrid.feedback(system, **options)
    assert answer.certificate is not None
    report = hybrid.check(answer.certificate)
    assert report.valid, report.reason
    return answer


def stabilised(system: LinearSystem, **options: Any) -> Answer:
    """The answer, whose gain is checked again: as the doubles that it stores and as the decimals that it prints."""
    answer = ask(system, **options)
    assert (answer.status, answer.verdict) == (Status.PROVED, Verdict.STABILISED)
    assert answer.gain is not None
    assert answer.gain.shape == (system.m, system.n)
    decay = Fraction(options.get("decay", 0))
    A, B = build.rows(system.A.fractions), build.rows(system.B.fractions)  # type: ignore[union-attr]
    for K in (build.rows(answer.gain.tolist()), build.rows([[repr(x) for x in row] for row in answer.gain.tolist()])):
        closed = build.minus(A, build.product(B, K))
        if system.is_discrete:
            assert build.is_schur([[x / (1 - decay) for x in row] for row in closed])
        else:
            shift = [[decay * x for x in row] for row in build.identity(system.n)]
            assert build.is_hurwitz(build.minus(closed, build.minus([[Fraction(0)] * system.n] * system.n, shift)))
    return answer


# ------------------------------------------------------------------------------------------- constructed


@few
@given(st.integers(1, 5), st.integers(1, 3), st.booleans(), st.booleans(), st.integers(0, 10**6))
def test_random_plants(n: int, m: int, discrete: bool, model: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((n, n)) + np.eye(n), rng.standard_normal((n, m))
    stabilised(LinearSystem(A, B, dt=1 if discrete else None), model=model)


@pytest.mark.parametrize("decay", ["1/3", "2", "10"])
@pytest.mark.parametrize("model", [True, False])
def test_decay(decay: str, model: bool) -> None:
    answer = stabilised(LinearSystem([[0, 1, 0], [0, 0, 1], [1, 2, 3]], [[0], [0], [1]]), decay=decay, model=model)
    assert answer.bounds is not None
    assert answer.bounds[1] is not None
    assert answer.bounds[1] <= -Fraction(decay)


@pytest.mark.parametrize("decay", ["0", "1/10", "9/10"])
def test_decay_in_discrete_time(decay: str) -> None:
    answer = stabilised(LinearSystem([[2, 1], [0, -3]], [[0], [1]], dt="0.1"), decay=decay)
    assert answer.bounds is not None
    assert answer.bounds[1] is not None
    assert answer.bounds[1] <= 1 - Fraction(decay)


@pytest.mark.parametrize(
    ("system", "options", "gain"),
    [
        (LinearSystem([[0]], [[1]]), {"Q": [[4]]}, [[2]]),
        (LinearSystem([[0]], [[1]]), {"Q": [[16]], "R": [[4]]}, [[2]]),
        (LinearSystem([[0]], [[1]]), {"Q": [[3]], "decay": 1}, [[3]]),  # (a + σ) + √((a + σ)² + q)
        (DOUBLE_INTEGRATOR, {"Q": [[1, 0], [0, 2]]}, [[1, 2]]),  # k₂² = q₂ + 2 k₁
        (LinearSystem([[1]], [[1]], dt=1), {"Q": [[1]], "R": [[2]]}, [["1/2"]]),  # p² = q (r + p)
    ],
)
@pytest.mark.parametrize("model", [True, False])
def test_weights_with_a_rational_optimum(
    system: LinearSystem, options: dict[str, Any], gain: list[Any], model: bool
) -> None:
    answer = stabilised(system, model=model, **options)
    assert answer.gain is not None
    assert [[Fraction(repr(x)) for x in row] for row in answer.gain.tolist()] == build.rows(gain)


def test_stable_plants_need_little() -> None:
    stabilised(LinearSystem([[-1, 0], [0, -2]], [[1], [0]]))
    stabilised(LinearSystem([[-1]], [[0]]))


@pytest.mark.parametrize("small", [1e-3, 1e-6, 1e-9])
def test_nearly_uncontrollable(small: float) -> None:
    stabilised(LinearSystem(np.diag([1.0, 2.0]), np.array([[1.0], [small]])))


@pytest.mark.parametrize("exponent", [-150, -100, -50])
def test_scales(exponent: int) -> None:
    stabilised(LinearSystem(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.0], [10.0**exponent]])))


@pytest.mark.parametrize("model", [True, False])
@pytest.mark.parametrize(("fixed", "decay"), [(-HAIR, 0), (-1 - HAIR, 1)])
def test_a_fixed_mode_a_hair_inside_is_not_refuted(fixed: Fraction, decay: int, model: bool) -> None:
    """Doubles may be too coarse to find a gain; that is no proof that there is none."""
    answer = hybrid.feedback(LinearSystem([[1, 0], [0, fixed]], [[1], [0]]), decay=decay, model=model)
    assert answer.status is not Status.DISPROVED
    if answer.status is Status.PROVED:
        assert answer.certificate is not None
        assert hybrid.check(answer.certificate).valid
    else:
        assert answer.reason is Reason.GAIN_NOT_PROVED


@pytest.mark.parametrize(
    ("A", "B", "gain", "holds"),
    [
        (([[-0.5]], [[0.25]]), ([[1]], [[0]]), [[0]], True),
        (([[-0.5]], [[0.75]]), ([[1]], [[0]]), [[0]], False),  # +0.25 is in it
        (([[0]], [[0.5]]), ([[1]], [[0.25]]), [[1]], True),
        (([[0]], [[0.5]]), ([[1]], [[0.625]]), [[1]], False),  # 0.5 − 0.375 is in it
    ],
)
def test_a_gain_for_every_plant_in_an_enclosure(A: Any, B: Any, gain: Any, holds: bool) -> None:
    state, inputs = (EnclosedMatrix(*(np.array(part, dtype=float) for part in each)) for each in (A, B))
    question = FeedbackQuestion.read(LinearSystem(state, inputs), None, None, 0, None)
    proposal = GainProposal(np.array(gain, dtype=float), np.eye(1), "test", Route.MODEL)
    assert (verify_gain.prove(question, proposal) is not None) is holds


def test_a_gain_beyond_the_doubles_is_undecided() -> None:
    answer = hybrid.feedback(LinearSystem([["1e200"]], [["1e-200"]]))
    assert (answer.status, answer.reason) == (Status.UNDECIDED, Reason.GAIN_NOT_PROVED)
    assert (answer.certificate, answer.gain) == (None, None)


# ------------------------------------------------------------------------------------------ no gain exists


@pytest.mark.parametrize(
    ("fixed", "decay", "discrete"),
    [
        ("0", 0, False),
        ("1", 0, False),
        (HAIR, 0, False),
        ("-1/2", "1/2", False),
        ("-1/2", 1, False),
        ("1", 0, True),
        ("-1", 0, True),
        (-1 - HAIR, 0, True),
        ("1/2", "1/2", True),
    ],
)
@pytest.mark.parametrize("model", [True, False])
def test_not_stabilisable(fixed: Any, decay: Any, discrete: bool, model: bool) -> None:
    T, inverse = build.similarity(4, 3)
    A = build.block_diagonal(build.companion(build.expanded([1, 2, 3])), build.jordan(fixed, 1))
    B = build.rows([[0], [0], [1], [0]])
    system = LinearSystem(build.product(T, A, inverse), build.product(T, B), dt=1 if discrete else None)
    answer = ask(system, decay=decay, model=model)
    assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.NOT_STABILISABLE)
    assert (answer.gain, answer.dimension) == (None, 3)
    assert answer.poles is not None
    assert [abs(d.re - Fraction(fixed)) <= d.radius for d in answer.poles] == [True]


def test_a_fixed_oscillation() -> None:
    A = build.block_diagonal(build.jordan(1, 1), build.pair(0, 2))
    answer = ask(LinearSystem(A, [[1], [0], [0]]))
    assert answer.verdict is Verdict.NOT_STABILISABLE
    assert answer.poles is not None
    assert {(d.re, d.im) for d in answer.poles} == {(0, 2), (0, -2)}


# ----------------------------------------------------------------------------------------------- model


def test_the_route_says_who_answered() -> None:
    answer = hybrid.feedback(DOUBLE_INTEGRATOR, model=False)
    assert answer.route is Route.EXACT
    assert all("lqr-n" not in trial.source for trial in answer.trials)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_without_and_with_any_model_the_answers_are_right(n: int, tmp_path: Path) -> None:
    """No file, a file of noise, and the shipped one."""
    rng = np.random.default_rng(n)
    plant = LinearSystem(rng.standard_normal((n, n)), rng.standard_normal((n, 1)))
    stabilised(plant)
    assert stabilised(plant, model=tmp_path).route is Route.EXACT
    (tmp_path / f"lqr-n{n}.onnx").write_bytes(b"noise" * 100)
    answer = stabilised(plant, model=tmp_path)
    assert answer.route is Route.EXACT
    assert answer.trials[0].outcome.startswith("ModelError")


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "noise.onnx"
    path.write_bytes(b"noise")
    for model in (path, tmp_path / "absent.onnx"):
        with pytest.raises(ModelError, match=model.name):
            hybrid.feedback(DOUBLE_INTEGRATOR, model=model)


# ----------------------------------------------------------------------------------------- whole plants


def test_a_plant_without_inputs() -> None:
    with pytest.raises(ProblemError) as error:
        hybrid.feedback([[1]])
    assert error.value.field == "B"


@pytest.mark.parametrize("name", [plant.name for plant in hybrid.plants() if plant.system.n <= 20])
def test_demonstration_plants(name: str) -> None:
    """A gain, or a proof that there is none."""
    answer = ask(hybrid.plant(name))
    assert answer.verdict in (Verdict.STABILISED, Verdict.NOT_STABILISABLE)
    assert (answer.gain is None) is (hybrid.stabilizability(hybrid.plant(name)).status is Status.DISPROVED)


def _small_shared_plants() -> list[str]:
    """Those with n ≤ 30 states and inputs, and no descriptor matrix."""
    names = []
    for file in sorted((SHARED / "plants/linear").glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        A = document.get("A")
        if isinstance(A, list) and len(A) <= 30 and document.get("B") and "E" not in document:
            names.append(file.stem)
    return names


@pytest.mark.shared
@pytest.mark.parametrize("name", _small_shared_plants())
def test_shared_plants(name: str, shared: Path) -> None:
    """All of them can be stabilised, with the model and without."""
    plant = hybrid.read(shared / "plants/linear" / f"{name}.json")
    for model in (True, False):
        answer = ask(plant, model=model)
        assert (answer.status, answer.verdict) == (Status.PROVED, Verdict.STABILISED)
        assert answer.gain is not None
        closed = hybrid.stability(plant.closed_loop(answer.gain))
        assert closed.verdict is Verdict.STABLE
