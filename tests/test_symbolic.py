"""--symbolic: conditions include where the equations are defined as written, and kinks are refused or vanish."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sympy import Abs, And, Ne, S, Symbol, sqrt

from hybrid.plugins.cli import cli
from hybrid.plugins.conjunctions import simplest

Run = Callable[..., Result]
k = Symbol("k", real=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(cli, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("equations", "conditions"),
    [
        ("x' = -k*x/k", ["k != 0"]),
        ("x' = -x*k^2*k^(-2)", ["k != 0"]),
        ("x' = x/k - x/k - x", ["k != 0"]),
        ("x' = k*(x - k)/k - x*2 + k", ["k != 0"]),
        ("x' = x*(k/(k - 1) - k/(k - 1)) - x", ["k != 1"]),
        ("x' = log(k) - log(k) - x", ["k > 0"]),
        ("x' = -x*exp(log(k))/k", ["k > 0"]),
        ("x' = -x*sqrt(k)/sqrt(k)", ["k > 0"]),
        ("x' = -x + sqrt(k) - sqrt(k)", ["k >= 0"]),
        ("x' = -x + sqrt(x + k) - sqrt(x + k)", ["k > 0"]),
        ("x' = -x + k^(1/3) - k^(1/3)", ["k >= 0"]),
        ("x' = -x + k^pi - k^pi", ["k > 0"]),
        ("x' = -x - x*asin(k)*0", ["1 - k**2 >= 0"]),
        ("x' = -x + asin(x + k) - asin(x + k)", ["(1 - k)*(k + 1) > 0"]),
        ("x' = -x + tan(k) - tan(k)", ["cos(k) != 0"]),
        ("x' = -k*x + tan(k) - tan(k)", ["cos(k) != 0", "k > 0"]),
        ("x' = -x + sign(x - k) + sign(k)", ["k != 0"]),
        ("x' = -x + abs(x - k) - abs(x - k)", []),
        ("x' = -k*x + x*abs(x)", ["k > 0"]),
        ("x' = -k*x + x*abs(x - k)*0", ["k > 0"]),
        ("x' = -x*abs(k)", ["k != 0"]),
        ("x' = -x*sqrt(k)", ["k > 0"]),
        ("x' = x*sqrt(k)", ["false"]),
        ("x' = -x + log(k) - log(k) + log(-k) - log(-k)", ["false"]),
    ],
)
def test_where_equations_are_defined_as_written(run: Run, equations: str, conditions: list[str]) -> None:
    result = run("stability", equations, "--symbolic", "k", "--json")
    found = json.loads(result.stdout)
    assert found["conditions"] == conditions
    assert found["status"] == {(): "proved", ("false",): "disproved"}.get(tuple(conditions), "conditions")
    assert result.exit_code == (found["status"] == "disproved")


def test_assumptions_that_leave_the_domain(run: Run) -> None:
    assert run("stability", "x' = -x*sqrt(k)", "--symbolic", "k<0").exit_code == 1
    assert run("stability", "x' = -k*x/k", "--symbolic", "k>0").stdout.startswith("PROVED")


def test_the_domain_of_the_point_counts(run: Run) -> None:
    at_k = run("stability", "x' = log(x) - log(k)", "--at", "x=k", "--symbolic", "k")
    assert (at_k.exit_code, at_k.stdout[:10]) == (1, "DISPROVED:")
    written = run("stability", "x' = -x", "--symbolic", "k", "--at", "x=k/k - 1", "--json")
    assert written.exit_code == 2  # k stands nowhere in the equations
    written = run("stability", "x' = -x + 0*k/k", "--symbolic", "k", "--at", "x=log(k) - log(k)", "--json")
    assert json.loads(written.stdout)["conditions"] == ["k > 0"]


def test_controllable_where_the_equations_are_defined(run: Run) -> None:
    words = ("controllability", "x' = y; y' = -x + k/k*u", "--inputs", "u", "--symbolic", "k", "--json")
    assert json.loads(run(*words).stdout)["conditions"] == ["k != 0"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x' = -k*x + x*sign(x)"], "equations, line 1, column 15: got the derivative of sign of 0"),
        (["x' = (k - 1)*abs(x)"], "equations, line 1, column 14: got the derivative of abs of 0"),
        (["x' = x*sqrt(x) - k*x"], "equations, line 1, column 8: got the derivative of sqrt of 0"),
        (["x' = sqrt(x) - k*x"], "equations, line 1, column 6: got the derivative of sqrt of 0"),
        (["x' = x*log(x) - k*x"], "equations, line 1, column 8: got log of 0"),
        (["x' = -x + k*abs(x - k) - k*abs(k)"], "--symbolic: got the slope of abs at -k times k"),
        (["x' = -k*x", "--param", "k=2"], "--param: got k=2 beside --symbolic k"),
        (["x' = -k*x", "--param", "z=1"], "got z, which stands nowhere in the equations, expected one of k"),
    ],
)
def test_refusals(run: Run, words: list[str], message: str) -> None:
    result = run("stability", *words, "--symbolic", "k")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert message in result.stderr


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        ([k >= 0, sqrt(k) < 0], S.false),
        ([sqrt(k) > 0, k >= 0], k > 0),
        ([Abs(k) > 0], Ne(k, 0)),
        ([k >= 0, Ne(k, 0)], k > 0),
        ([k >= 0, k > 1], k > 1),
        ([k >= 0, k < -1], S.false),
        ([k >= 0, k < 1], And(k >= 0, k < 1)),
        ([k >= 0, k < 1, Ne(k, 0)], And(k > 0, k < 1)),
        ([sqrt(k) - 2 > 0], sqrt(k) > 2),
        ([k - 1 <= 0, k > 1], S.false),
        ([], S.true),
    ],
)
def test_conjunctions_in_their_simplest_form(relations: list[object], expected: object) -> None:
    assert simplest(relations) == expected  # type: ignore[arg-type]
