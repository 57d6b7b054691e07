"""Text, JSON and LaTeX: what is printed still encloses, and every stored digit of a gain comes through."""

from __future__ import annotations

import json
import math
import re
from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Answer, Enclosure, Reason, Route, Status, Trial, Verdict
from hybrid.certificate import Certificate
from hybrid.decimals import MOST_DIGITS, at_most, exactly, outwards, short_centre
from hybrid.pole_region import Region
from hybrid.question import FeedbackQuestion, RankQuestion, StabilityQuestion
from hybrid.render import as_document, as_latex, as_text

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # two cores, many processes
fractions = st.fractions() | st.builds(
    lambda digits, exponent: Fraction(digits) * Fraction(10) ** exponent,
    st.integers(-(10**20), 10**20),
    st.integers(-330, 330),
)


@relaxed
@given(fractions, fractions)
def test_printed_ends_enclose_and_keep_their_sign(first: Fraction, second: Fraction) -> None:
    lo, hi = sorted((first, second))
    a, b = outwards(lo, hi)
    assert a is not None
    assert b is not None
    assert Fraction(a) <= lo <= hi <= Fraction(b)
    assert (Fraction(a) > 0, Fraction(b) < 0) == (lo > 0, hi < 0)
    # Readable: no more than a few per cent wider than what was proved, unless that is finer than twelve digits.
    slack = max((hi - lo) / 4, max(abs(lo), abs(hi)) / 10 ** (MOST_DIGITS - 3))
    assert (lo - Fraction(a)) + (Fraction(b) - hi) <= slack


@relaxed
@given(fractions.map(abs))
def test_a_printed_radius_is_no_smaller(radius: Fraction) -> None:
    assert radius <= Fraction(at_most(radius)) <= radius * Fraction(12, 10)


@relaxed
@given(fractions, fractions, fractions.map(abs))
def test_a_short_centre_tells_how_far_it_moved(re: Fraction, im: Fraction, radius: Fraction) -> None:
    x, y, moved = short_centre(re, im, radius)
    assert (Fraction(x) - re) ** 2 + (Fraction(y) - im) ** 2 <= moved**2


def test_exact_values_are_printed_as_such() -> None:
    assert exactly(Fraction(0), Fraction(0)) == "0"
    assert exactly(Fraction(1, 10), Fraction(1, 10)) == "0.1"
    assert exactly(Fraction(2, 3**40), Fraction(2, 3**40)) is None


SYSTEM = hybrid.LinearSystem([[0, 1], ["-1/3", 1]], [[0], [1]], name="oscillator")
SAMPLED = hybrid.LinearSystem([["1/2"]], [[1]], dt="1/10")


def answer(question: Any, status: Status, verdict: Verdict, **facts: Any) -> Answer:
    if status is not Status.UNDECIDED:
        proof = Certificate(question.system, facts.pop("claim", {}), "lyapunov", facts.pop("witness", {}))
        facts["certificate"] = proof
    return Answer(question, status, verdict, facts.pop("route", Route.EXACT), **facts)


def test_status_comes_first_and_recheck_last() -> None:
    text = as_text(answer(StabilityQuestion(SYSTEM, Region()), Status.PROVED, Verdict.STABLE), recheck="look again")
    assert text.startswith("PROVED: the system is stable: every pole of A has real part below 0.")
    assert text.endswith("re-check  look again")


@pytest.mark.parametrize(
    ("verdict", "bounds", "system", "words"),
    [
        (Verdict.UNSTABLE, (Fraction(1, 3), Fraction(1, 2)), SYSTEM, "A has a pole of real part in [0.3333, 0.5]"),
        (Verdict.UNSTABLE, (Fraction(0), Fraction(0)), SYSTEM, "on the imaginary axis is not semisimple"),
        (Verdict.UNSTABLE, None, SYSTEM, "beyond the imaginary axis, or one on it that is not semisimple"),
        (Verdict.UNSTABLE, (Fraction(2), None), SAMPLED, "A has a pole of magnitude at least 2"),
        (Verdict.MARGINAL, (Fraction(0), Fraction(0)), SYSTEM, "exactly on the imaginary axis"),
        (Verdict.MARGINAL, (Fraction(1), Fraction(1)), SAMPLED, "exactly on the unit circle"),
    ],
)
def test_a_system_that_is_not_stable_shows_its_witness(verdict: Verdict, bounds: Any, system: Any, words: str) -> None:
    text = as_text(answer(StabilityQuestion(system, Region()), Status.DISPROVED, verdict, bounds=bounds))
    assert text.startswith(f"DISPROVED: the system is {verdict.value}: ")
    assert words in text


def test_a_stable_system_that_misses_its_region_says_which_half_fails() -> None:
    question = StabilityQuestion(SYSTEM, Region(Fraction(1, 4), Fraction(1, 2)))
    text = as_text(answer(question, Status.DISPROVED, Verdict.STABLE, bounds=(Fraction(-1), Fraction(-1))))
    assert "not every pole of A has real part below -0.25 and damping ratio above 0.5" in text
    assert "the damping ratio fails (the decay rate holds); the system is stable." in text


def test_uncontrollable_modes_are_named() -> None:
    question = RankQuestion(SYSTEM, "stabilizability", Region())
    facts = {"dimension": 1, "poles": (Enclosure(Fraction(1, 4), Fraction(0), Fraction(0)),)}
    text = as_text(answer(question, Status.DISPROVED, Verdict.NOT_STABILIZABLE, **facts))
    assert "dimension 1 of 2, and not every other pole has real part below 0." in text
    title, header, row = text.split("\n\n")[1].splitlines()
    assert title == "uncontrollable poles:"
    assert header.split("  ")[-1] == "multiplicity"
    assert row.split() == ["0.25", "0", "0", "1"]
    dual = answer(RankQuestion(SYSTEM, "observability", Region()), Status.DISPROVED, Verdict.UNOBSERVABLE, **facts)
    assert "\n\nunobservable poles:\n" in as_text(dual)


def test_an_undecided_question_says_what_to_try_and_offers_no_recheck() -> None:
    question = FeedbackQuestion(SYSTEM, Region())
    text = as_text(answer(question, Status.UNDECIDED, Verdict.UNKNOWN, reason=Reason.GAIN_NOT_PROVED))
    assert text.startswith(f"UNDECIDED: {Reason.GAIN_NOT_PROVED.value}")
    assert "re-check" not in text


@relaxed
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_every_stored_digit_of_a_gain_is_printed(row: list[float]) -> None:
    gain = np.array([row, row[::-1]])
    question = FeedbackQuestion(SYSTEM, Region())
    text = as_text(answer(question, Status.PROVED, Verdict.STABILISED, gain=gain))
    lines = re.sub(r"columns \d+ to \d+", "", text.split("\n\n")[1].removeprefix("K =")).splitlines()
    printed = [[float(cell) for cell in line.split()] for line in lines if line.strip()]
    first, second = chain.from_iterable(printed[0::2]), chain.from_iterable(printed[1::2])
    assert [list(first), list(second)] == gain.tolist()
    assert max(map(len, lines)) <= 100


def test_the_document_is_strict_json_that_encloses() -> None:
    pole = Enclosure(Fraction(1, 3), Fraction(-1, 7), Fraction(1, 10**40), 2)
    found = answer(
        FeedbackQuestion(SYSTEM, Region()),
        Status.PROVED,
        Verdict.STABILISED,
        route=Route.MODEL,
        bounds=(None, Fraction(-1, 3)),
        gain=np.array([[0.1, -1e-300]]),
        poles=(pole,),
        trials=(Trial("m1", "verified", 0.5),),
        timings={"propose": 0.25},
    )
    document = json.loads(json.dumps(as_document(found), allow_nan=False))
    lowest, highest = document["abscissa"]
    assert lowest is None
    assert Fraction(highest) >= Fraction(-1, 3) > Fraction(math.nextafter(highest, -math.inf))
    assert document["gain"] == [[0.1, -1e-300]]
    (disc,) = document["poles"]
    moved = (Fraction(disc["re"]) - pole.re) ** 2 + (Fraction(disc["im"]) - pole.im) ** 2
    assert Fraction(disc["radius"]) > pole.radius
    assert (Fraction(disc["radius"]) - pole.radius) ** 2 >= moved
    assert disc["multiplicity"] == 2
    assert document["system"] == {"name": "oscillator", "n": 2, "m": 1, "p": 2, "dt": None}
    assert document["trials"] == [{"source": "m1", "outcome": "verified", "seconds": 0.5}]
    assert document["route"] == "model"
    assert document["certificate"]["schema"] == "hybrid-certificate/1"


def test_poles_beyond_the_range_of_doubles_are_null() -> None:
    pole = Enclosure(Fraction(10) ** 400, Fraction(0), Fraction(1))
    found = answer(StabilityQuestion(SYSTEM, Region(), True), Status.DISPROVED, Verdict.UNSTABLE, poles=(pole,))
    assert as_document(found)["poles"] == [{"re": None, "im": None, "radius": None, "multiplicity": 1}]
    assert "1e+400" in as_text(found)


def test_latex_rounds_outwards_and_says_when_a_gain_is_rounded() -> None:
    question = FeedbackQuestion(SYSTEM, Region())
    facts: dict[str, Any] = {"bounds": (Fraction(-2, 3), Fraction(-1, 3)), "gain": np.array([[1 / 3, 1e-9]])}
    text = as_latex(answer(question, Status.PROVED, Verdict.STABILISED, **facts))
    assert r"\max \operatorname{Re}\lambda(A-BK) \in [-0.6667, -0.3333]" in text
    assert r"K \approx \begin{bmatrix}0.333333 & 1\times 10^{-9}\end{bmatrix}" in text
    exact = as_latex(answer(question, Status.PROVED, Verdict.STABILISED, gain=np.array([[0.5, 2.0]])))
    assert r"K = \begin{bmatrix}0.5 & 2\end{bmatrix}" in exact
    for formula in (text, exact):
        assert formula.count("{") == formula.count("}")
        assert formula.startswith("$")
        assert formula.endswith("$")
