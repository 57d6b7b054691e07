"""Notes about a nonlinear system whose linearisation does not decide, or decides only about itself."""

import pytest

import hybrid
from hybrid.answer import Reason
from hybrid.systems.nonlinear import NonlinearSystem

STILL = "This is about the linearisation; the nonlinear system may still be "


def critical(text, dt=None):
    answer = hybrid.stability(NonlinearSystem.from_text(text, dt=dt))
    assert answer.reason is Reason.CRITICAL
    return [note for note in answer.notes if "critical" in note]


@pytest.mark.parametrize(
    ("text", "dt", "expected"),
    [
        ("x' = -x; y' = y^2", None, ["eigenvalue 0, with the direction (y = 1)."]),
        ("x' = y; y' = -x", None, ["eigenvalues ±1j, with the direction (x = 1, y = 1j) for +1j."]),
        (
            "x' = y; y' = -x; z' = w; w' = -z",
            None,
            ["±1j, each of multiplicity 2, with the directions (x = 1, y = 1j) and (z = 1, w = 1j) for +1j."],
        ),
        (
            "x' = y + z; y' = -x + w; z' = w; w' = -z",
            None,
            ["eigenvalues ±1j, each of multiplicity 2 and defective, with only the direction (x = 1, y = 1j) for +1j."],
        ),
        ("x' = y; y' = x^2", None, ["eigenvalue 0 of multiplicity 2 and defective, with only the direction (x = 1)."]),
        (
            "x' = y; y' = x^3; z' = z^3",
            None,
            ["eigenvalue 0 of multiplicity 3 and defective, with only the directions (x = 1) and (z = 1)."],
        ),
        (
            "x' = x^2; y' = w; w' = -4*y; z' = -z",
            None,
            ["eigenvalue 0, with the direction (x = 1).", "±2j, with the direction (y = -0.5j, w = 1) for +2j."],
        ),
        ("x' = x - x^3; y' = -y; z' = z/2", 1, ["eigenvalue 1, with the direction (x = 1).", "eigenvalue -1"]),
        ("x' = 0.6*x - 0.8*y; y' = 0.8*x + 0.6*y", 1, ["eigenvalues 0.6 ± 0.8j, with the direction (x = 1, y = -1j)"]),
    ],
)
def test_critical_eigenvalues_are_told_with_multiplicity_and_directions(text, dt, expected):
    told = critical(text, dt)
    assert len(told) == len(expected)
    for note, words in zip(told, expected, strict=True):
        assert words in note


def test_a_verdict_about_the_linearisation_says_so():
    plain = NonlinearSystem(["x", "y"], ["u"], ["x + x*u + y", "y + u*x"])
    cases = [(hybrid.controllability, "controllable"), (hybrid.stabilizability, "stabilisable")]
    for ask, word in [*cases, (hybrid.feedback, "stabilisable")]:
        assert f"{STILL}{word}." in ask(plain).notes
        assert not any(STILL in note for note in ask(plain, at={"x": 0, "y": 0}, at_point=True).notes)


def test_no_such_note_where_the_linearisation_decides():
    driven = NonlinearSystem(["x"], ["u"], ["x^2 + u"])
    assert not any(STILL in note for note in hybrid.controllability(driven).notes)


def test_there_is_no_jacobian_at_a_kink() -> None:
    system = hybrid.NonlinearSystem(["x"], ["u"], ["x^2 - 2 + abs(x^2 - 2)/2 + u"])
    assert hybrid.controllability(system, at={"x": "sqrt(2)"}, at_point=True).status is hybrid.Status.UNDECIDED
    smooth = hybrid.NonlinearSystem(["x"], ["u"], ["x^2 - 2 + u"])
    answer = hybrid.controllability(smooth, at={"x": "sqrt(2)"}, at_point=True)
    assert answer.status is hybrid.Status.PROVED
    assert hybrid.check(answer.certificate).valid
