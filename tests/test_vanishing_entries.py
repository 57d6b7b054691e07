"""Entries of a Jacobian that are exactly 0 though irrational numbers occur in them: found, proved, and not forged."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import pytest
from expression_cases import expressions, rationals
from hypothesis import assume, example, given, settings

import hybrid
from hybrid.answer import Status, Verdict
from hybrid.certificate import checker
from hybrid.errors import CertificateError, HybridError
from hybrid.systems.nonlinear import NonlinearSystem

EQUATIONS = checker._equations()
FUNCTIONS = checker._beside("functions", "a test")

VANISHING = [  # f does not depend on u, and nothing else is driven
    "exp(y)*u/u",
    "tan(log(2 + y))*u*(-4)/u",
    "(6 + asin(u + sqrt(y)/2 - u))/u*u",
    "log(exp(u)*exp(y)) - u",
    "asin(sin(u)) - u + sqrt(y)",
    "sqrt(exp(1)^2*u^2)/u + sin(y)",
    "sin(u)^2 + cos(u)^2 + log(y)",
    "cosh(u)^2 - sinh(u)^2 + log(y)",
    "tan(u)*cos(u) - sin(u) + atan(y)",
    "exp(pi*u)/exp(pi*u) + sqrt(y + 1)",
    "u/sqrt(u)/sqrt(u) + exp(y)",
    "sqrt(exp(y) + u)^2 - u",
    "((u + exp(1))^(1/3))^3 - u + log(y)",
]
AT = {"x": "1/2", "y": "1/3", "u": "9/10"}


def driven(f: str) -> NonlinearSystem:
    return NonlinearSystem(["x", "y"], ["u"], [f, "x"])


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


@pytest.mark.parametrize("f", VANISHING)
def test_an_input_that_cancels_reaches_nothing(f: str) -> None:
    answer = hybrid.controllability(driven(f), at=AT, at_point=True)
    assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.UNCONTROLLABLE)
    assert hybrid.check(answer.certificate).valid


def test_the_answer_says_what_the_zeros_show() -> None:
    unreached = hybrid.controllability(driven(VANISHING[0]), at=AT, at_point=True)
    assert unreached.notes == ("No input acts on x, y, and nothing that an input reaches does.",)
    both = NonlinearSystem(["x", "y", "z"], ["u"], ["exp(z)", "sin(z)", "u"])
    dependent = hybrid.controllability(both, at={"x": 0, "y": 0, "z": "1/2"}, at_point=True)
    assert dependent.verdict is Verdict.UNCONTROLLABLE
    assert dependent.notes == ("There, the rates of x, y depend on fewer variables than they are themselves.",)


@pytest.mark.parametrize("f", VANISHING)
@pytest.mark.parametrize("rest", ["u*1e-60", "sin(u)*1e-60", "u/exp(200)"])
def test_its_twin_is_controllable_by_a_trace_of_the_input(f: str, rest: str) -> None:
    answer = hybrid.controllability(driven(f"{f} + {rest}"), at=AT, at_point=True)
    assert answer.verdict is Verdict.CONTROLLABLE
    assert hybrid.check(answer.certificate).valid


def test_an_eigenvalue_is_exactly_on_the_axis_behind_such_an_entry() -> None:
    """A is triangular as d/dy of y/(y/cos 7) is 0; its other eigenvalue, of an arccosine beyond 1, is imaginary."""
    system = NonlinearSystem(["x", "y"], [], ["acos(x) + 1 - y/(y/cos(7))", "acos(exp(x) + y)"])
    answer = hybrid.stability(system, paper=True)
    assert (answer.verdict, answer.bounds) == (Verdict.MARGINAL, (0, 0))
    assert hybrid.check(answer.certificate).valid


def test_the_arcsine_of_a_sine_has_the_slope_of_its_branch() -> None:
    """At 3 it falls: the root of cos² is not cos there."""
    rising, falling = driven("asin(sin(u)) - u"), driven("asin(sin(u)) + u")
    assert hybrid.controllability(rising, at=AT | {"u": 3}, at_point=True).verdict is Verdict.CONTROLLABLE
    assert hybrid.controllability(falling, at=AT | {"u": 1}, at_point=True).verdict is Verdict.CONTROLLABLE
    assert hybrid.controllability(falling, at=AT | {"u": 3}, at_point=True).verdict is not Verdict.CONTROLLABLE


# ------------------------------------------------------------------------------------------------- forgeries


def forged(places: Any, f: str = "exp(y)*u + y") -> dict[str, Any]:
    """The claim that an input of weight exp(y) does not act, with places where that were to be seen."""
    document = hybrid.controllability(driven(VANISHING[0]), at=AT, at_point=True).certificate.to_dict()
    document["system"]["equations"][0] = f
    document["witness"]["witness"]["vanishing"] = places
    return sealed(json.loads(json.dumps(document)))


def test_the_true_places_are_accepted() -> None:
    assert hybrid.check(forged([[0, 2]], VANISHING[0])).valid
    assert hybrid.check(forged([[0, 2], [0, 0]], VANISHING[0])).valid


@pytest.mark.parametrize(
    "places",
    [
        [], [[0, 2]], [[0, 2], [0, 2]], [[1, 2]], [[0, 3]], [[2, 2]], [[0, -1]], [[0]], [[0, 2, 0]], [["0", "2"]],
        [[0.0, 2]], "02", {"0": 2}, None, True, [[0, 10**30]], [[[0], [2]]],
    ],
)  # fmt: skip
def test_places_that_do_not_vanish_are_refused(places: Any) -> None:
    try:
        assert not hybrid.check(forged(places)).valid
    except CertificateError as error:
        assert str(error).endswith(".")  # noqa: PT017


@pytest.mark.parametrize("f", ["abs(u - 9/10)*exp(y)", "sqrt(u - 9/10) + y", "log(sin(u) - sin(u))*u", "u/(u - u)*y"])
def test_no_entry_vanishes_where_it_has_no_value(f: str) -> None:
    assert not hybrid.check(forged([[0, 2]], f)).valid


def test_its_work_is_bounded() -> None:
    """A product of sums of many irrational numbers would have millions of terms."""
    many = "*".join("(" + " + ".join(f"exp({k}/{p})*u" for k in range(1, 12)) + ")" for p in (7, 11, 13, 17, 19))
    report = hybrid.check(forged([[0, 2]], f"{many}/({many})"))
    assert (report.valid, "more algebra" in report.reason or "too long" in report.reason) == (False, True)


def test_the_files_of_the_checker_are_enough(tmp_path: Path) -> None:
    for file in Path(checker.__file__).parent.glob("checker*.py"):
        shutil.copy(file, tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(forged([[0, 2]], VANISHING[0])))
    command = [sys.executable, "checker.py", "c.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "\nvalid: " in done.stdout) == (0, True), done.stdout
    (tmp_path / "checker_functions.py").unlink()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "checker_functions.py" in done.stdout + done.stderr


# -------------------------------------------------------------------------------------- the algebra, by itself


def in_balls_and_symbols(text: str, point: list[Fraction]) -> tuple[list[Any], list[Any], Any]:
    """Value and derivatives of a text, in balls and in the algebra."""
    document = {"states": ["x", "y"], "inputs": [], "equations": [text, "y"], "dt": None}
    try:
        programs = EQUATIONS._Equations.read(document, checker).programs[:1]
        arithmetic = EQUATIONS._Arithmetic(flint)
        values, rows = EQUATIONS._jacobian(programs, point, arithmetic)
        algebra = FUNCTIONS.Algebra(EQUATIONS)
        known, columns = EQUATIONS._jacobian(programs, point, algebra)
    except (EQUATIONS._Undefined, EQUATIONS._TooMuchWork, HybridError):
        assume(False)
    return [arithmetic.ball(x) for x in (*values, *rows[0])], [*known, *columns[0]], algebra


@given(pair=expressions(), x=rationals, y=rationals)
@settings(max_examples=150, deadline=None)
@example(pair=("asin(sin(x)) - x", None), x=Fraction(3), y=Fraction(1))
@example(pair=("sqrt(sin(x)^2) - sin(x)", None), x=Fraction(-1), y=Fraction(1))
@example(pair=("abs(x*exp(y)) - x*exp(y)", None), x=Fraction(-1), y=Fraction(1))
@example(pair=("sin(x)^3 + cos(x)^2 - 1", None), x=Fraction(1), y=Fraction(1))
@example(pair=("(x^(1/3))^2*(x^(1/3))^2 - x", None), x=Fraction(2), y=Fraction(1))
def test_what_is_zero_in_the_algebra_is_zero(pair: Any, x: Fraction, y: Fraction) -> None:
    with flint.ctx.workprec(256):
        balls, symbols, algebra = in_balls_and_symbols(pair[0], [x, y])
        for ball, value in zip(balls, symbols, strict=True):
            assert not algebra.is_zero(value) or ball.contains(0)


@given(pair=expressions(leaves=4), x=rationals, y=rationals)
@settings(max_examples=100, deadline=None)
def test_a_difference_of_equals_is_zero_in_the_algebra(pair: Any, x: Fraction, y: Fraction) -> None:
    """T·(x + 4)/(x + 4) − T, whatever T is, with its derivatives."""
    with flint.ctx.workprec(256):
        _, symbols, algebra = in_balls_and_symbols(f"({pair[0]})*(x + 4)/(x + 4) - ({pair[0]})", [x, y])
        assert all(map(algebra.is_zero, symbols))
