"""The pipeline: which attempt answers, in which order, and what is recorded of the others."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import pytest

import hybrid
from hybrid.answer import Answer, Reason, Route, Status, Verdict
from hybrid.exact import stability as exact_stability
from hybrid.pole_region import Region
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion, RankQuestion, StabilityQuestion
from hybrid.solve import solve
from hybrid.systems.exact_matrix import EnclosedMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.trials import Means
from hybrid.verify import stability as float_stability

PLANT = LinearSystem([[0, 1], [0, 0]], [[0], [1]])
GAIN = np.array([[2.0, 3.0]])
LYAPUNOV = np.array([[1.25, 0.25], [0.25, 0.25]])  # AᵀP + PA = −I for the closed loop [[0, 1], [−2, −3]]


class Proposer:
    """Says what it was told to, and counts how often it was asked."""

    def __init__(self, gain: Any = GAIN, P: Any = None, accepts: bool = True) -> None:
        self.gain, self.P, self.willing, self.asked = gain, P, accepts, 0

    def accepts(self, n: int, m: int) -> bool:
        return self.willing

    def propose(self, A: Any, B: Any) -> GainProposal:
        self.asked += 1
        return GainProposal(self.gain, self.P, "test model", Route.MODEL)


class Broken(Proposer):
    def __init__(self, error: BaseException, where: str) -> None:
        super().__init__()
        self.error, self.where = error, where

    def accepts(self, n: int, m: int) -> bool:
        if self.where == "accepts":
            raise self.error
        return True

    def propose(self, A: Any, B: Any) -> NoReturn:
        raise self.error


def ask(question: Any, proposer: Any = None) -> Answer:
    answer = solve(question, Means(gain=proposer))
    assert answer.certificate is None or hybrid.check(answer.certificate).valid
    assert answer.timings["total"] > 0
    assert isinstance(answer.trials, tuple)
    return answer


def feedback(system: LinearSystem = PLANT, **options: Any) -> FeedbackQuestion:
    given = {"Q": None, "R": None, "decay": 0, "poles": None} | options
    return FeedbackQuestion.read(system, **given)


def outcomes(answer: Answer) -> list[tuple[str, str]]:
    return [(trial.source, trial.outcome) for trial in answer.trials]


# -------------------------------------------------------------------------------------------- proposals


@pytest.mark.parametrize("P", [LYAPUNOV, None, -LYAPUNOV, np.zeros((2, 2))])
def test_a_good_gain_is_taken_whatever_its_matrix(P: Any) -> None:
    answer = ask(feedback(), Proposer(GAIN, P))
    assert (answer.route, answer.status) == (Route.MODEL, Status.PROVED)
    assert answer.gain is not None
    assert answer.gain.tolist() == GAIN.tolist()
    assert outcomes(answer) == [("test model", "proved")]


def test_the_matrix_proves_where_eigenvectors_do_not() -> None:
    """A triple eigenvalue has no basis of eigenvectors; the P of the proposal needs none."""
    plant = LinearSystem(np.diag([1.0, 1.0], 1), [[0], [0], [1]])
    closed = plant.closed_loop([[1, 3, 3]]).A.floats
    P = np.linalg.solve(np.kron(closed.T, np.eye(3)) + np.kron(np.eye(3), closed.T), -np.eye(3).ravel()).reshape(3, 3)
    answer = ask(feedback(plant), Proposer(np.array([[1.0, 3.0, 3.0]]), (P + P.T) / 2))
    assert (answer.route, outcomes(answer)) == (Route.MODEL, [("test model", "proved")])


def test_the_proposal_is_refined_after_it_fails() -> None:
    """Poles 0.05 to the left are stable, and too slow for the decay rate that is asked for."""
    answer = ask(feedback(decay="0.1"), Proposer(np.array([[0.0025, 0.1]])))
    assert answer.status is Status.PROVED
    assert outcomes(answer)[0] == ("test model", "not proved")


def test_weights_ask_for_the_refined_gain() -> None:
    answer = ask(feedback(Q=[[1, 0], [0, 2]]), Proposer(np.array([[1.5, 2.5]])))
    assert answer.route is Route.MODEL_REFINED
    assert answer.gain is not None
    assert answer.gain.tolist() == [[1.0, 2.0]]
    assert outcomes(answer) == [("test model", "proved")]


@pytest.mark.parametrize("gain", [np.zeros((1, 2)), -GAIN, np.full((1, 2), 1e300)])
def test_a_bad_gain_is_recorded_and_replaced(gain: Any) -> None:
    proposer = Proposer(gain, LYAPUNOV)
    answer = ask(feedback(), proposer)
    assert (answer.route, answer.status, proposer.asked) == (Route.EXACT, Status.PROVED, 1)
    assert outcomes(answer)[0] == ("test model", "not proved")
    assert outcomes(answer)[-1][1] == "proved"
    assert "test model" not in outcomes(answer)[-1][0]


def test_what_was_proposed_may_change_afterwards() -> None:
    gain = GAIN.copy()
    answer = ask(feedback(), Proposer(gain, LYAPUNOV))
    gain[:] = np.nan
    assert answer.gain is not None
    assert answer.gain.tolist() == GAIN.tolist()
    assert answer.certificate is not None
    assert hybrid.check(answer.certificate).valid


@pytest.mark.parametrize("where", ["accepts", "propose"])
@pytest.mark.parametrize("error", [RuntimeError("x"), MemoryError(), StopIteration(), ZeroDivisionError("y")])
def test_a_broken_proposer_is_recorded(error: Exception, where: str) -> None:
    answer = ask(feedback(), Broken(error, where))
    assert (answer.route, answer.status) == (Route.EXACT, Status.PROVED)
    assert outcomes(answer)[0][0] == "model"
    assert outcomes(answer)[0][1].startswith(("RuntimeError", type(error).__name__))


def test_an_interruption_is_no_failed_proposal() -> None:
    with pytest.raises(KeyboardInterrupt):
        solve(feedback(), Means(gain=Broken(KeyboardInterrupt(), "propose")))  # type: ignore[arg-type]


def test_who_is_not_asked() -> None:
    unwilling, idle = Proposer(accepts=False), Proposer()
    assert ask(feedback(), unwilling).route is Route.EXACT
    assert ask(feedback(LinearSystem([[-1, 1], [0, 1]], [[0], [1]], dt=1)), idle).route is Route.EXACT  # a pole at -1
    assert ask(feedback(poles=[-1, -2]), idle).status is Status.PROVED
    assert ask(StabilityQuestion(PLANT, Region()), idle).verdict is Verdict.UNSTABLE
    assert ask(RankQuestion(PLANT, "controllability", Region()), idle).verdict is Verdict.CONTROLLABLE
    assert (unwilling.asked, idle.asked) == (0, 0)


def test_a_proposer_changes_no_refutation() -> None:
    fixed = LinearSystem([[1, 0], [0, 0]], [[1], [0]])
    answer = ask(feedback(fixed), Proposer(np.array([[5.0, 5.0]]), np.eye(2)))
    assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.NOT_STABILISABLE)
    assert outcomes(answer)[0] == ("test model", "not proved")


# ----------------------------------------------------------------------------------------- without a model


def test_riccati_goes_first() -> None:
    answer = ask(feedback())
    assert answer.route is Route.EXACT
    assert outcomes(answer) == [("SLICOT sb02md", "proved")]


def test_placement_tries_the_cheapest_first() -> None:
    answer = ask(feedback(poles=[-1, -2]))
    assert outcomes(answer) == [("SLICOT sb01bd", "proved")]


def unreachable(*arguments: Any) -> NoReturn:
    raise AssertionError("this attempt is not its turn")


@pytest.mark.parametrize("n", [1, 20])
def test_small_plants_are_decided_exactly(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(float_stability, "decide", unreachable)
    assert ask(StabilityQuestion(LinearSystem(-np.eye(n)), Region())).verdict is Verdict.STABLE


def test_large_plants_are_tried_in_floats_first(monkeypatch: pytest.MonkeyPatch) -> None:
    question = StabilityQuestion(LinearSystem(-np.diag(np.arange(1.0, 22))), Region())
    with monkeypatch.context() as patch:
        patch.setattr(exact_stability, "decide", unreachable)
        assert ask(question).verdict is Verdict.STABLE
    monkeypatch.setattr(float_stability, "decide", lambda question: None)
    answer = ask(question)
    assert answer.verdict is Verdict.STABLE
    assert answer.certificate is not None
    assert answer.certificate.method == "characteristic polynomial"


@pytest.mark.parametrize(("radius", "status"), [(0.25, Status.UNDECIDED), (1e-12, Status.PROVED)])
def test_enclosures_never_reach_the_exact_route(radius: float, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no exact entries; too wide a one is undecided, never refuted."""
    monkeypatch.setattr(exact_stability, "decide", unreachable)
    A = EnclosedMatrix(np.array([[-0.125]]), np.array([[radius]]))
    plant = LinearSystem(A, [[1]])
    answer = solve(StabilityQuestion(plant, Region()))
    assert answer.status is status
    if status is Status.UNDECIDED:
        assert (answer.reason, answer.verdict) == (Reason.ENCLOSURE_TOO_WIDE, Verdict.UNKNOWN)
    assert solve(RankQuestion(plant, "controllability", Region())).status is Status.PROVED
    wide = LinearSystem(A, EnclosedMatrix(np.array([[1.0]]), np.array([[2.0]])))
    assert solve(RankQuestion(wide, "controllability", Region())).status is Status.UNDECIDED
    assert solve(feedback(wide, poles=[-1])).reason is Reason.ENCLOSURE_TOO_WIDE


def test_an_answer_needs_its_certificate() -> None:
    question = StabilityQuestion(PLANT, Region())
    with pytest.raises(TypeError, match="certificate"):
        Answer(question, Status.PROVED, Verdict.STABLE, Route.EXACT)
    certificate = ask(question).certificate
    with pytest.raises(TypeError, match="claim"):
        Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, certificate)


def test_nothing_has_a_truth_value() -> None:
    answer = ask(StabilityQuestion(PLANT, Region()))
    for value in (answer, answer.status):
        with pytest.raises(TypeError, match="truth value"):
            bool(value)
