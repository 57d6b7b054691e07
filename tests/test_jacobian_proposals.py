"""Jacobians from a network: what is proved with one is proved of the true Jacobian, whatever was proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from builders import block_diagonal, hidden, jordan, pair, rows
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import LinearSystem, NonlinearSystem, Route, Status
from hybrid.pole_region import Region
from hybrid.propose.jacobian import EquationNetwork, Given, JacobianProposal, shipped
from hybrid.propose.lyapunov import from_approximation
from hybrid.question import RankQuestion, StabilityQuestion
from hybrid.systems.exact_matrix import EnclosedMatrix
from hybrid.verify import rank, stability

PENDULUM = NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/10")
DRIVEN = NonlinearSystem(["x", "y"], ["u"], ["y*exp(x)", "u*cos(y) - x^2"])
AT = {"x": "1/3", "y": "1/7", "u": 1}


def proposed(jacobian: Any, source: str = "a test") -> Given:
    return Given(JacobianProposal(np.asarray(jacobian), source))


def asked(matrix: Any, decay: str = "0") -> StabilityQuestion:
    return StabilityQuestion(LinearSystem(matrix), Region.read(decay, 0, is_discrete=False))


# The verifier


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), error=st.sampled_from([0.0, 1e-6, 0.01, 0.1, 1.0, 100.0]))
def test_no_proposal_proves_a_wrong_verdict(seed: int, error: float) -> None:
    rng = np.random.default_rng(seed)
    top = rng.choice([-3, -1, 1, 2])
    matrix = hidden(block_diagonal(jordan(top, 1), pair(top - 1, 3), jordan(top - 2, 1)), seed)
    J = np.array(matrix, float) * (1 + error * rng.standard_normal((4, 4)))
    answer = stability.decide_from(asked(matrix), J)
    if answer is None:
        assert error > 0
        return
    assert answer.verdict.value == ("stable" if top < 0 else "unstable")
    assert answer.route is Route.MODEL
    lo, hi = answer.bounds or (None, None)
    assert lo is None or lo <= top
    assert hi is None or top <= hi
    assert hybrid.check(answer.certificate or {}).valid


def test_the_closer_the_proposal_the_tighter_the_bounds() -> None:
    matrix = rows([[-1, 2], [0, -3]])
    exact = stability.decide_from(asked(matrix), np.array(matrix, float))
    rough = stability.decide_from(asked(matrix), np.array([[-1.3, 1.5], [0.1, -3.5]]))
    assert exact is not None
    assert rough is not None
    assert exact.abscissa == pytest.approx((-1.01, -0.99))
    assert rough.abscissa is not None
    assert rough.abscissa[1] <= 0


def test_decay_rates() -> None:
    matrix, J = rows([[-1, 2], [0, -3]]), np.array([[-1.05, 2.0], [0.0, -3.0]])
    yes, no = stability.decide_from(asked(matrix, "1/2"), J), stability.decide_from(asked(matrix, "3/2"), J)
    assert yes is not None
    assert no is not None
    assert (yes.status, no.status) == (Status.PROVED, Status.DISPROVED)
    assert yes.verdict is no.verdict is hybrid.Verdict.STABLE


@pytest.mark.parametrize("J", [np.full((2, 2), np.nan), np.zeros((3, 3)), np.zeros((2, 2)), np.full((2, 2), 1e308)])
def test_useless_proposals(J: Any) -> None:
    assert stability.decide_from(asked(rows([[-1, 2], [0, -3]])), J) is None


def test_a_marginal_system_is_left_to_the_exact_route() -> None:
    assert stability.decide_from(asked(rows([[0, 1], [-1, 0]])), np.array([[-0.1, 1.0], [-1.0, -0.1]])) is None


def test_an_approximation_knows_the_boundaries() -> None:
    guesses = from_approximation(np.diag([-1.0, -2.0]), [0.0, -0.5], discrete=False)
    assert {0.0, -0.5} <= set(guesses.bound.tolist())
    assert len(from_approximation(np.full((2, 2), np.inf), [0.0], discrete=False).bound) == 0


def test_minors() -> None:
    A, B = np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([[0.0], [1.0]])
    system = LinearSystem(EnclosedMatrix(A, np.full((2, 2), 1e-9)), EnclosedMatrix(B, np.full((2, 1), 1e-9)))
    question = RankQuestion(system, "controllability", Region())
    found = rank.decide_from(question, A * 1.1, B * 0.9)
    assert found is not None
    assert (found.verdict.value, found.route) == ("controllable", Route.MODEL)
    assert rank.decide_from(question, A[:1], B) is None
    assert rank.decide_from(question, A * np.nan, B) is None
    stuck = LinearSystem(EnclosedMatrix(A, np.full((2, 2), 1e-9)), EnclosedMatrix(B * 0, np.full((2, 1), 1e-9)))
    assert rank.decide_from(RankQuestion(stuck, "controllability", Region()), A, B) is None


# The pipeline


@pytest.mark.parametrize("error", [0.0, 0.01])
def test_a_good_proposal_is_what_gets_proved(error: float) -> None:
    J = np.array([[error, 1 - error], [-1.0, -0.1 - error]])
    answer = hybrid.stability(PENDULUM, model=proposed(J))
    assert (answer.verdict.value, answer.route) == ("stable", Route.MODEL)
    assert [(trial.source, trial.outcome) for trial in answer.trials] == [("a test", "proved")]
    assert hybrid.check(answer.certificate or {}).valid
    answer = hybrid.controllability(DRIVEN, at=AT, at_point=True, model=proposed(np.ones((2, 3)) + np.eye(2, 3)))
    assert answer.verdict.value == "controllable"
    assert hybrid.check(answer.certificate or {}).valid


class Raises:
    def propose(self, system: NonlinearSystem, point: Mapping[str, Any]) -> JacobianProposal | None:
        raise RuntimeError("out of ideas")


class Silent:
    def propose(self, system: NonlinearSystem, point: Mapping[str, Any]) -> JacobianProposal | None:
        return None


HOSTILE = [
    proposed(np.full((2, 2), np.nan)), proposed(np.eye(3)), proposed(np.array([["a", "b"], ["c", "d"]])),
    proposed(np.eye(2, dtype=int)), proposed(-np.eye(2) * 1e308), proposed(-np.eye(2)),
    Given(JacobianProposal("no", "a")), Raises(), Silent(),
]  # fmt: skip


@pytest.mark.parametrize("proposer", HOSTILE)
def test_a_bad_proposal_changes_nothing(proposer: Any) -> None:
    for system, at in ((PENDULUM, {"x": 0, "y": 0}), (PENDULUM, {"x": "pi", "y": 0})):
        alone, beside = hybrid.stability(system, at=at), hybrid.stability(system, at=at, model=proposer)
        assert (beside.status, beside.verdict) == (alone.status, alone.verdict)
        assert hybrid.check(beside.certificate or {}).valid


COMPLEX = NonlinearSystem.from_text("x' = sqrt(x)*y - 2*x; y' = log(y - 6)*x - y")
POINTS = (("complex", COMPLEX, {"x": -1, "y": "1/3"}), ("real", PENDULUM, {"x": "1/3", "y": "1/7"}))


@pytest.mark.parametrize(("kind", "system", "at"), POINTS, ids=["complex", "real"])
def test_at_a_point_the_true_jacobian_is_what_counts(kind: str, system: NonlinearSystem, at: Any) -> None:
    alone = hybrid.stability(system, at=at, paper=True)
    true = np.array([[0.0, 1.0], [-np.cos(1 / 3), -0.1]])
    if kind == "complex":
        y, w = 1 / 3, 6 - 1 / 3
        true = np.array([[y / (2 * 1j) - 2, 1j], [np.log(w) + np.pi * 1j, 1 / w - 1]])
    rng = np.random.default_rng(1)
    found = []
    for error in (0.0, 0.01, 0.3, 1.0, 1e4, 1e306):
        J = true * (1 + error * rng.standard_normal((2, 2)))
        answer = hybrid.stability(system, at=at, paper=True, model=proposed(J))
        assert (answer.status, answer.verdict) == (alone.status, alone.verdict)
        assert hybrid.check(answer.certificate or {}).valid
        assert answer.trials[0].outcome == ("proved" if answer.route is Route.MODEL else "not proved")
        lo, hi = answer.abscissa or (1.0, -1.0)
        assert lo <= np.linalg.eigvals(true).real.max() <= hi
        found.append(answer.route)
    assert found[0] is Route.MODEL
    assert found[-1] is Route.EXACT


def test_minors_at_a_point() -> None:
    system = NonlinearSystem(["x", "y"], ["u"], ["y*exp(x)", "u*asin(6) - x^2"])
    for J, route in ((np.eye(2, 3, 1) + 0.1, Route.MODEL), (np.zeros((2, 3)), Route.EXACT)):
        answer = hybrid.controllability(system, paper=True, model=proposed(J.astype(complex)))
        assert answer.verdict.value == "controllable"
        assert hybrid.check(answer.certificate or {}).valid
        assert answer.route in (route, Route.MODEL)
    stuck = NonlinearSystem(["x", "y"], ["u"], ["sin(x)", "u*exp(y) - x"])
    answer = hybrid.controllability(stuck, paper=True, model=proposed(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])))
    assert (answer.verdict.value, answer.route) == ("uncontrollable", Route.EXACT)


def test_the_shipped_network() -> None:
    answer = hybrid.stability(PENDULUM, model=True)
    assert answer.verdict.value == "stable"
    if shipped().propose(PENDULUM, {"x": 0, "y": 0}) is not None:
        assert answer.trials[0].source == "equations.onnx"
    answer = hybrid.stability(NonlinearSystem.from_text("x' = -abs(x) - x"), at={"x": 1}, at_point=True, model=True)
    assert answer.verdict.value == "stable"  # though the network has no word for abs


def test_a_folder_without_a_network(tmp_path: Any) -> None:
    with pytest.raises(hybrid.ModelError, match=r"no equations\.onnx"):
        EquationNetwork(tmp_path)


def test_no_model() -> None:
    with pytest.raises(hybrid.ProblemError, match="model: got 7"):
        hybrid.stability(PENDULUM, model=7)  # type: ignore[arg-type]


def test_matrices_are_not_read() -> None:
    with pytest.raises(hybrid.ProblemError, match="model: got a network, expected nothing"):
        hybrid.stability([[-1]], model=True)
    assert hybrid.controllability(LinearSystem([[1]], [[1]]), model=False).verdict.value == "controllable"
