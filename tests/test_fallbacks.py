"""Gains for plants whose Riccati gains are not proved: SLICOT in discrete time, scaled inputs, exact assignment."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import hybrid
from hybrid import LinearSystem, Reason, Status
from hybrid.exact import riccati
from hybrid.question import FeedbackQuestion
from hybrid.verify import gain as verify_gain

HARD = {
    "control.place's failure": LinearSystem(np.diag(np.arange(1.0, 15.0)), np.ones((14, 1))),
    "a weak input": LinearSystem([[1, 0], [0, 2]], [[1], ["2**-60"]]),
    "neighbouring poles": LinearSystem([[1, 0], [0, "1.0000000000000002"]], [[1], [1]]),
    "states of far apart sizes": LinearSystem([[0, "1e200"], ["1e-200", 0]], [[0], [1]]),
    "an immovable pole beside the axis": LinearSystem([[1, 0], [0, "-1e-40"]], [[1], [0]]),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_plants_are_stabilised(name: str) -> None:
    answer = hybrid.feedback(HARD[name], model=False)
    assert answer.status is Status.PROVED
    assert hybrid.check(answer.certificate).valid


@pytest.mark.parametrize("size", [1e50, 1e150, 1e300, 1e-300])
def test_inputs_in_any_unit(size: float) -> None:
    answer = hybrid.feedback(LinearSystem([[0, 1], [1, 0]], [[0], [size]]), model=False)
    assert answer.status is Status.PROVED
    assert hybrid.check(answer.certificate).valid


def test_slicot_wins_in_discrete_time() -> None:
    plant = hybrid.plant("sampled-double-integrator").system
    question = FeedbackQuestion.read(plant, None, None, 0, None)
    first = next(riccati.candidates(question))
    assert first.source == "SLICOT sb02md"
    assert verify_gain.prove(question, first) is not None


def test_a_large_decay_rate_is_reached() -> None:
    answer = hybrid.feedback(hybrid.plant("cart-pole"), decay=1000)
    assert answer.status is Status.PROVED
    assert answer.bounds is not None
    assert answer.bounds[1] is not None
    assert answer.bounds[1] <= Fraction(-1000)


def test_weights_that_see_nothing_are_named() -> None:
    answer = hybrid.feedback(LinearSystem([[0, 1], [-1, 0]], [[0], [1]]), Q=[[0, 0], [0, 0]])
    assert answer.status is Status.UNDECIDED
    assert answer.reason is Reason.WEIGHTS_NOT_STABILISING


def test_no_closed_loop_without_a_gain() -> None:
    answer = hybrid.feedback(LinearSystem([[1, 0], [0, 1]], [[1], [0]]))
    with pytest.raises(hybrid.ProblemError, match="gain"):
        answer.to_control()


def test_a_solution_without_a_gain_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """R + BᵀXB is singular in doubles where rounding has lost R; numpy's complaint came through."""
    monkeypatch.setattr(riccati, "_slicot", lambda *_: -np.eye(1))
    one = np.eye(1)
    found = [proposal.source for proposal in riccati.solutions(2 * one, one, one, one, True)]
    assert found[0] == "scipy Riccati solver"
