"""What can be asked, and the one sentence for what cannot."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.errors import DimensionError, ProblemError
from hybrid.pole_region import Region
from hybrid.question import FeedbackQuestion, RankQuestion
from hybrid.systems.linear import LinearSystem

few = settings(deadline=None, max_examples=50)
PLANT = LinearSystem([[0, 1], [0, 0]], [[0], [1]])
SAMPLED = LinearSystem([[0, 1], [0, 0]], [[0], [1]], dt=1)


def read(system: LinearSystem = PLANT, **options: Any) -> FeedbackQuestion:
    given = {"Q": None, "R": None, "decay": 0, "poles": None} | options
    return FeedbackQuestion.read(system, **given)


# ---------------------------------------------------------------------------------------------- regions


def test_regions_are_exact() -> None:
    region = Region.read("0.1", 0.1, is_discrete=False)
    assert region == Region(Fraction(1, 10), Fraction(0.1))
    assert not region.is_plain
    assert Region().is_plain
    assert not Region(damping=Fraction(1, 2)).is_plain
    assert region.boundary(is_discrete=False) == Fraction(-1, 10)
    assert region.boundary(is_discrete=True) == Fraction(9, 10)


@pytest.mark.parametrize(
    ("decay", "damping", "discrete", "field"),
    [
        (-1, 0, False, "decay"),
        ("-1e-300", 0, False, "decay"),
        (-1, 0, True, "decay"),
        (1, 0, True, "decay"),
        (2, 0, True, "decay"),
        (0, 1, False, "damping"),
        (0, "-0.1", False, "damping"),
        (0, 2, False, "damping"),
        (0, "0.1", True, "damping"),
        ("x", 0, False, "decay"),
        (None, 0, False, "decay"),
        (float("nan"), 0, False, "decay"),
        (0, float("inf"), False, "damping"),
        (True, 0, False, "decay"),
    ],
)
def test_regions_that_make_no_sense(decay: Any, damping: Any, discrete: bool, field: str) -> None:
    with pytest.raises(ProblemError) as error:
        Region.read(decay, damping, is_discrete=discrete)
    assert error.value.field == field
    assert "\n" not in str(error.value)


def test_regions_at_their_limits() -> None:
    assert Region.read(Fraction(10**30 - 1, 10**30), 0, is_discrete=True).boundary(True) == Fraction(1, 10**30)
    assert Region.read("1e300", Fraction(10**30 - 1, 10**30), is_discrete=False).decay == 10**300


# ---------------------------------------------------------------------------------------------- weights


def test_weights() -> None:
    question = read(Q=[[1, "1/2"], ["0.5", 2]], R=np.eye(1))
    assert question.Q is not None
    assert question.R is not None
    assert (question.Q.tolist(), question.R.tolist(), question.poles) == ([[1, 0.5], [0.5, 2]], [[1]], None)
    assert read(Q=[[0, 0], [0, 0]]).Q is not None  # Q ⪰ 0 is enough
    assert read(Q=[[1, 1], [1, 1]]).R is None


@pytest.mark.parametrize(
    ("options", "kind", "field"),
    [
        ({"Q": [[1]]}, DimensionError, "Q"),
        ({"Q": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, DimensionError, "Q"),
        ({"R": [[1, 0], [0, 1]]}, DimensionError, "R"),
        ({"Q": [[1, 2], [0, 1]]}, ProblemError, "Q"),
        ({"Q": [[1, 2], [2, 1]]}, ProblemError, "Q"),
        ({"Q": [[-1, 0], [0, 1]]}, ProblemError, "Q"),
        ({"R": [[0]]}, ProblemError, "R"),
        ({"R": [[-1]]}, ProblemError, "R"),
        ({"Q": "I"}, ProblemError, "Q"),
        ({"Q": 1}, ProblemError, "Q"),
        ({"Q": [[1, 0], [0]]}, ProblemError, "Q, row 2"),
        ({"Q": [[1, 0], [0, float("nan")]]}, ProblemError, "Q[2,2]"),
        ({"R": [["1e400"]]}, ProblemError, "R"),
        ({"decay": "1e400"}, ProblemError, "decay"),
        ({"poles": [-1, -2], "Q": [[1, 0], [0, 1]]}, ProblemError, "poles"),
        ({"poles": [-1, -2], "R": [[1]]}, ProblemError, "poles"),
    ],
)
def test_weights_that_make_no_sense(options: dict[str, Any], kind: type[ProblemError], field: str) -> None:
    with pytest.raises(kind) as error:
        read(**options)
    assert error.value.field == field
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------------------ poles


@pytest.mark.parametrize(
    ("written", "pole"),
    [
        (-1, (-1, 0)),
        ("-1/3", (Fraction(-1, 3), 0)),
        ("-0.1+2j", (Fraction(-1, 10), 2)),
        ("-0.1 + 2i", (Fraction(-1, 10), 2)),
        ("-1e-3-1/3j", (Fraction(-1, 1000), Fraction(-1, 3))),
        ("-1+j", (-1, 1)),
        ("-1-i", (-1, -1)),
        ("-2**-1+2**3j", (Fraction(-1, 2), 8)),
        ("-1+1e-2j", (-1, Fraction(1, 100))),
        (("-1", "0.5"), (-1, Fraction(1, 2))),
        ([-1, 0.5], (-1, Fraction(1, 2))),
        (complex(-1, 0.1), (-1, Fraction(0.1))),
        (np.complex128(-1 - 0.1j), (-1, Fraction(-0.1))),
        (np.float64(-0.1), (Fraction(-0.1), 0)),
    ],
)
def test_ways_to_write_a_pole(written: Any, pole: tuple[Fraction, Fraction]) -> None:
    re, im = pole
    poles = read(poles=[written, (re, -im)] if im else [written, -5]).poles
    assert poles is not None
    assert poles[0] == pole


@pytest.mark.parametrize("written", ["0.1j", "-j", "+2i", "2**-1j"])
def test_poles_without_a_real_part(written: str) -> None:
    conjugate = written[1:] if written[0] == "-" else "-" + written.lstrip("+")
    poles = read(SAMPLED, poles=["0.1j", "-0.1j"]).poles
    assert poles == ((0, Fraction(1, 10)), (0, Fraction(-1, 10)))
    with pytest.raises(ProblemError, match="real part below 0"):
        read(poles=[written, conjugate])


@few
@given(st.fractions(-9, -1, max_denominator=99), st.fractions(-9, 9, max_denominator=99).filter(bool))
def test_written_poles_read_back(re: Fraction, im: Fraction) -> None:
    text = f"{re}{'+' if im > 0 else '-'}{abs(im)}j"
    assert read(poles=[text, (re, -im)]).poles == ((re, im), (re, -im))


@pytest.mark.parametrize(
    ("poles", "kind", "field"),
    [
        ([], DimensionError, "poles"),
        ([-1], DimensionError, "poles"),
        ([-1, -2, -3], DimensionError, "poles"),
        (-1, ProblemError, "poles"),
        (None.__class__, ProblemError, "poles"),
        (["-1+2j", -3], ProblemError, "poles"),
        (["-1+2j", "-1+2j"], ProblemError, "poles"),
        (["-1+2j", "-1.0001-2j"], ProblemError, "poles"),
        ([-1, "x"], ProblemError, "poles[2]"),
        ([-1, "j j"], ProblemError, "poles[2]"),
        (["-1+-2j", -1], ProblemError, "poles[1]"),
        ([-1, None], ProblemError, "poles[2]"),
        ([-1, float("nan")], ProblemError, "poles[2]"),
        ([-1, (1, 2, 3)], ProblemError, "poles[2]"),
        ([-1, "1e400"], ProblemError, "poles"),
        ([-1, 0], ProblemError, "poles"),
        ([-1, 1], ProblemError, "poles"),
        (["1j", "-1j"], ProblemError, "poles"),
    ],
)
def test_pole_lists_that_make_no_sense(poles: Any, kind: type[ProblemError], field: str) -> None:
    with pytest.raises(kind) as error:
        read(poles=poles)
    assert error.value.field == field
    assert "\n" not in str(error.value)


def test_conjugates_are_counted() -> None:
    chain = LinearSystem(np.diag([1.0, 1.0], 1), [[0], [0], [1]])
    with pytest.raises(ProblemError, match="as often"):
        read(chain, poles=["-1+1j", "-1+1j", "-1-1j"])


def test_poles_on_the_edge_of_the_region_are_refused() -> None:
    hair = Fraction(1, 10**50)
    for system, decay, edge in ((PLANT, 2, Fraction(-2)), (SAMPLED, "1/2", Fraction(1, 2)), (SAMPLED, 0, Fraction(1))):
        read(system, decay=decay, poles=[edge - hair, edge - hair])
        with pytest.raises(ProblemError) as error:
            read(system, decay=decay, poles=[edge, edge - hair])
        assert error.value.field == "poles"
    with pytest.raises(ProblemError):
        read(SAMPLED, poles=[(Fraction(3, 5), Fraction(4, 5)), (Fraction(3, 5), Fraction(-4, 5))])


# ------------------------------------------------------------------------------------------------- rank


def test_the_pair_that_decides() -> None:
    plant = LinearSystem([[1, 2], [3, 4]], [[1], [0]], [[0, 1]])
    for about in ("controllability", "stabilizability"):
        assert RankQuestion(plant, about, Region()).pair is plant
    for about in ("observability", "detectability"):
        assert RankQuestion(plant, about, Region()).pair == plant.dual


def test_no_inputs_no_feedback() -> None:
    for poles in (None, [-1]):
        with pytest.raises(ProblemError) as error:
            read(LinearSystem([[1]]), poles=poles)
        assert error.value.field == "B"


@pytest.mark.parametrize(("A", "B", "field"), [("1e400", 1, "A"), (1, "-1e400", "B")])
def test_plants_beyond_the_doubles_have_no_gain(A: Any, B: Any, field: str) -> None:
    with pytest.raises(ProblemError) as error:
        read(LinearSystem([[A]], [[B]]))
    assert error.value.field == field


def test_poles_as_one_text() -> None:
    plant = LinearSystem([[0, 1], [0, 0]], [[0], [1]])
    assert hybrid.feedback(plant, poles="-1, -2").gain.tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("wrong", [3, None, b"x"])
def test_what_is_no_certificate_or_model_is_named(wrong: object) -> None:
    with pytest.raises(hybrid.CertificateError, match="no certificate"):
        hybrid.check(wrong)  # type: ignore[arg-type]
    with pytest.raises(hybrid.ProblemError, match="model"):
        hybrid.feedback(LinearSystem([[1]], [[1]]), model=wrong)  # type: ignore[arg-type]


def test_an_answer_is_one_line_in_a_session() -> None:
    assert repr(hybrid.stability([[-1]])) == "<Answer proved: stable, route exact>"
