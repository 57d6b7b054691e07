"""Pole placement: the poles asked for are where the answer says, or it says why not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import builders as build
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Answer, Enclosure, Reason, Route, Status, Verdict
from hybrid.exact import closed_loop, placement
from hybrid.exact.placement import match, target_polynomial
from hybrid.exact.subspace import reach
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.systems.linear import LinearSystem

few = settings(deadline=None, max_examples=25)


def ask(system: Any, poles: Any, **options: Any) -> Answer:
    """The answer; its certificate, where it has one, is accepted by the stand-alone checker."""
    answer = hybrid.feedback(system, poles=poles, **options)
    if answer.certificate is not None:
        report = hybrid.check(answer.certificate)
        assert report.valid, report.reason
    return answer


def placed(system: LinearSystem, poles: Any, **options: Any) -> Answer:
    """A proved answer; its poles are compared with the characteristic polynomial of the exact closed loop."""
    answer = ask(system, poles, **options)
    assert (answer.status, answer.verdict, answer.route) == (Status.PROVED, Verdict.STABILISED, Route.EXACT)
    assert answer.gain is not None
    assert answer.poles is not None
    assert sum(disc.multiplicity for disc in answer.poles) == system.n
    return answer


def closed_polynomial(system: LinearSystem, answer: Answer) -> list[Fraction]:
    assert answer.gain is not None
    K = build.rows([[repr(x) for x in row] for row in answer.gain.tolist()])
    A, B = build.rows(system.A.fractions), build.rows(system.B.fractions)  # type: ignore[union-attr]
    return build.characteristic_polynomial(build.minus(A, build.product(B, K)))


def claim(answer: Answer) -> Any:
    assert answer.certificate is not None
    return answer.certificate.claim


# ----------------------------------------------------------------------------------------------- exactly


@few
@given(st.lists(st.integers(-8, -1), min_size=1, max_size=4), st.lists(st.integers(-5, 5), min_size=4, max_size=4))
def test_integer_gains_come_back(poles: list[int], plant: list[int]) -> None:
    """A companion plant and integer poles, repeated ones too: the gain is an integer row, and there is no other."""
    system = LinearSystem(
        build.companion([1, *plant[: len(poles)]]), [[int(i == len(poles) - 1)] for i in range(len(poles))]
    )
    answer = placed(system, poles)
    assert claim(answer)["distance"] <= Fraction(max(map(abs, poles)), 100)
    assert answer.gain is not None
    wanted = [float(c - a) for c, a in zip(build.expanded(poles)[:0:-1], plant[len(poles) - 1 :: -1], strict=True)]
    for k, found in zip(wanted, answer.gain[0].tolist(), strict=True):
        assert found == k or k == 0  # six digits hold the integer; a zero may come with rounding errors


@pytest.mark.parametrize(
    ("A", "B", "poles", "gain"),
    [
        ([[0, 1], [0, 0]], [[0], [1]], [-1, -2], [["2", "3"]]),
        ([[0, 1], [0, 0]], [[0], [1]], [-1, -1], [["1", "2"]]),
        ([[0, 1], [0, 0]], [[0], [1]], ["-1+2j", "-1-2j"], [["5", "2"]]),
        ([[0, 1], [0, 0]], [[0], [1]], [complex(-3, 4), complex(-3, -4)], [["25", "6"]]),
        ([[0, 1], [0, 0]], [[0], [1]], ["-1/2", "-1/4"], [["0.125", "0.75"]]),
        ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[0], [0], [1]], [-2, -2, -2], [["8", "12", "6"]]),
        ([[0, 1, 0], [0, 0, 1], [1, 2, 3]], [[0], [0], [1]], [-1, (-1, 1), (-1, -1)], [["3", "6", "6"]]),
        ([[5]], [[2]], [-1], [["3"]]),
    ],
)
def test_known_gains(A: Any, B: Any, poles: Any, gain: Any) -> None:
    answer = placed(LinearSystem(A, B), poles)
    assert answer.gain is not None
    assert answer.gain.tolist() == [[float(x) for x in row] for row in gain]


def test_exact_poles_are_at_distance_of_their_radius() -> None:
    answer = placed(LinearSystem([[0, 1], [0, 0]], [[0], [1]]), [-1, -2])
    assert answer.poles is not None
    assert [(d.re, d.im, d.multiplicity) for d in answer.poles] == [(-1, 0, 1), (-2, 0, 1)]
    assert claim(answer)["distance"] < Fraction(1, 10**15)


def test_a_triple_pole_is_one_disc_where_the_gain_is_exact() -> None:
    answer = placed(LinearSystem([[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[0], [0], [1]]), [-2, -2, -2])
    assert answer.poles is not None
    assert [(d.re, d.multiplicity) for d in answer.poles] == [(-2, 3)]


def test_poles_in_discrete_time() -> None:
    plant = LinearSystem([[1, 1], [0, 1]], [[0], [1]], dt="0.1")
    answer = placed(plant, ["1/2", "1/4"])
    assert closed_polynomial(plant, answer) == build.expanded([Fraction(1, 2), Fraction(1, 4)])
    deadbeat = placed(plant, [0, 0])
    assert closed_polynomial(plant, deadbeat) == [1, 0, 0]


@pytest.mark.parametrize("m", [2, 3])
def test_several_inputs(m: int) -> None:
    rng = np.random.default_rng(m)
    system = LinearSystem(rng.integers(-3, 4, (4, 4)), rng.integers(-3, 4, (4, m)))
    assert hybrid.controllability(system).status is Status.PROVED
    for poles in ([-1, -2, -3, -4], ["-1+1j", "-1-1j", "-2+1j", "-2-1j"]):
        answer = placed(system, poles)
        assert claim(answer)["distance"] <= Fraction(4, 100)


def test_decay_is_proved_beside_the_poles() -> None:
    answer = placed(LinearSystem([[0, 1], [0, 0]], [[0], [1]]), [-3, -4], decay=2)
    assert answer.bounds is not None
    assert answer.bounds[1] is not None
    assert answer.bounds[1] <= -2
    assert claim(answer)["decay"] == 2


# ------------------------------------------------------------------------------------------- out of reach


FIXED = LinearSystem([[0, 1, 0], [0, 0, 1], [0, 0, -2]], [[0], [1], [0]])  # −2 stays where it is


def test_a_fixed_pole_among_those_asked_for() -> None:
    answer = placed(FIXED, [-1, -2, -3])
    assert closed_polynomial(FIXED, answer) == build.expanded([-1, -2, -3])
    placed(FIXED, ["-1+1j", "-1-1j", -2])
    placed(FIXED, [-2, -2, -2])


def test_a_fixed_pole_that_is_not() -> None:
    for poles in ([-1, -1, -3], [-1, -3, Fraction(-2) - Fraction(1, 10**30)], ["-2+1j", "-2-1j", -1]):
        answer = ask(FIXED, poles)
        assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.NOT_PLACEABLE)
        assert answer.gain is None
        assert answer.poles is not None
        assert [d.re for d in answer.poles] == [-2]


def test_a_fixed_pole_asked_for_too_rarely() -> None:
    plant = LinearSystem(np.diag([1.0, -2.0, -2.0]), [[1], [0], [0]])
    assert ask(plant, [-1, -2, -3]).verdict is Verdict.NOT_PLACEABLE
    assert ask(plant, [-1, -2, -2]).verdict is Verdict.STABILISED


def test_fixed_complex_poles() -> None:
    plant = LinearSystem(build.block_diagonal(build.jordan(1, 1), build.pair(-1, 2)), [[1], [0], [0]])
    assert ask(plant, [-3, -3, -3]).verdict is Verdict.NOT_PLACEABLE
    assert closed_polynomial(plant, placed(plant, [-3, "-1+2j", "-1-2j"])) == [1, 5, 11, 15]  # (s + 3)(s² + 2s + 5)


def test_nothing_within_reach() -> None:
    plant = LinearSystem([[-1, 0], [0, -2]], [[0], [0]])
    assert ask(plant, [-1, -3]).verdict is Verdict.NOT_PLACEABLE
    answer = placed(plant, [-1, -2])
    assert answer.gain is not None
    assert not answer.gain.any()


# ------------------------------------------------------------------------------------- ill-conditioned ones


@pytest.mark.parametrize("n", [8, 14])
def test_what_control_place_gets_wrong(n: int) -> None:
    """FIELD.md: A = diag(1…14), B = ones, poles −1…−14: no double gain may do it, and then the answer says so."""
    answer = ask(LinearSystem(np.diag(np.arange(1.0, n + 1)), np.ones((n, 1))), list(range(-n, 0)))
    if answer.status is Status.PROVED:
        assert claim(answer)["distance"] <= Fraction(n, 100)
    else:
        assert (answer.status, answer.reason) == (Status.UNDECIDED, Reason.POLES_ILL_CONDITIONED)
        assert (answer.gain, answer.poles) == (None, None)


def test_the_gain_of_control_place_is_refused() -> None:
    control = pytest.importorskip("control")
    A, B, poles = np.diag(np.arange(1.0, 15)), np.ones((14, 1)), -np.arange(1.0, 15)
    question = FeedbackQuestion.read(LinearSystem(A, B), None, None, 0, poles.tolist())
    proposal = GainProposal(np.asarray(control.place(A, B, poles)), None, "control.place", Route.EXACT)
    assert closed_loop.prove_placement(question, proposal) is None
    assert closed_loop.prove(question, proposal) is None


def test_a_gain_that_stabilises_elsewhere_is_refused() -> None:
    """Poles −1, −2 asked for, −5, −6 given: stable, and not what was asked."""
    plant = LinearSystem([[0, 1], [0, 0]], [[0], [1]])
    question = FeedbackQuestion.read(plant, None, None, 0, [-1, -2])
    for gain, holds in (([[2.0, 3.0]], True), ([[30.0, 11.0]], False), ([[-2.0, -3.0]], False)):
        proposal = GainProposal(np.array(gain), None, "test", Route.EXACT)
        assert (closed_loop.prove_placement(question, proposal) is not None) is holds


# ------------------------------------------------------------------------------------------- the pieces


@few
@given(
    st.lists(
        st.tuples(st.fractions(-4, -1, max_denominator=3), st.fractions(0, 3, max_denominator=3)),
        min_size=1,
        max_size=3,
    )
)
def test_the_target_is_the_product(listed: list[tuple[Fraction, Fraction]]) -> None:
    poles = [pole for re, im in listed for pole in ([(re, im), (re, -im)] if im else [(re, im)])]
    blocks = [build.pair(re, im) if im else build.jordan(re, 1) for re, im in listed]
    expected = build.characteristic_polynomial(build.block_diagonal(*blocks))
    found = target_polynomial(tuple(poles)).coeffs()[::-1]
    assert [Fraction(int(c.p), int(c.q)) for c in found] == expected


def test_matching_pairs_each_pole_once() -> None:
    third = Fraction(1, 3)
    discs = (Enclosure(-third, Fraction(0), Fraction(1, 100)), Enclosure(Fraction(-2), Fraction(0), Fraction(0), 2))
    requested = ((Fraction(-2), Fraction(0)), (Fraction(0), Fraction(0)), (Fraction(-2), Fraction(0)))
    found = match(discs, requested)
    assert sorted(found.requested) == sorted(requested)
    assert [d.multiplicity for d in found.poles] == [2, 1]
    assert third + Fraction(1, 100) <= found.distance <= (third + Fraction(1, 100)) * Fraction(101, 100)


def test_exact_assignment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With both float algorithms gone the answer is the same."""
    plant = LinearSystem([[0, 1, 0], [0, 0, 1], [1, 2, 3]], [[0, 1], [0, 0], [1, 1]])
    for name in ("_slicot", "_scipy"):
        monkeypatch.setattr(placement, name, lambda *arguments: None)
    answer = placed(plant, [-1, -2, -3])
    assert [trial.source for trial in answer.trials] == ["exact assignment"] * len(answer.trials)


def test_candidates_for_a_fixed_pole_are_exact() -> None:
    question = FeedbackQuestion.read(FIXED, None, None, 0, [-1, -2, -3])
    sources = {proposal.source for proposal in placement.candidates(question, reach(FIXED))}
    assert sources == {"exact assignment"}
