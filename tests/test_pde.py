"""PDEs with constant coefficients: reading them, what is decided, how it is told."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Evolution, Route, SearchedLabels, Status, Verdict
from hybrid.errors import ProblemError
from hybrid.exact.pde_answers import NO_LABEL
from hybrid.plugins.cli import cli
from hybrid.propose.pde import PDEProposal, PDEProposer
from hybrid.systems.initial_condition import read_support
from hybrid.systems.pde import LinearPDE
from hybrid.systems.pde_equation import read_equation
from hybrid.systems.plants import pde_plants
from hybrid.systems.reading_pde import read_pde, read_pde_file

INF = math.inf
WAVES = "u_t = -u_xx - u_xxxx"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(cli, words, input=stdin, catch_exceptions=False)

    return invoke


# Equations


@pytest.mark.parametrize(
    ("text", "operator", "names"),
    [
        ("u_t = u_xx", {(2,): -1}, "x"),
        ("u_t - u_xx = 0", {(2,): -1}, "x"),
        ("0 = u_t - u_xx", {(2,): -1}, "x"),
        ("2*u_t = u_x/3 + u", {(1,): Fraction(-1, 6), (0,): Fraction(-1, 2)}, "x"),
        ("w_t = -(w_xx + w_yy)*0.1", {(2, 0): Fraction(1, 10), (0, 2): Fraction(1, 10)}, "xy"),
        ("u_t = u_yx + u_xy", {(1, 1): -2}, "xy"),
        ("u_t = u_x10 - u_x2x2", {(2, 0): 1, (0, 1): -1}, ["x2", "x10"]),
        ("u_t = u", {(0,): -1}, "x"),
        ("u_t = 0", {}, "x"),
        ("u_t = u_xx - u_xx", {}, "x"),
    ],
)
def test_equations_become_operators(text: str, operator: dict[tuple[int, ...], Any], names: Any) -> None:
    assert read_equation(text) == (operator, tuple(names))


@given(st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), st.fractions().filter(bool), min_size=1))
def test_equations_read_back(terms: dict[tuple[int, int], Fraction]) -> None:
    pde = LinearPDE.from_bounds([(c, powers) for powers, c in terms.items()], [(-1, 1)] * 2, coordinates=["x", "y"])
    assert read_pde(pde.equation, support={"x": (-1, 1), "y": (-1, 1)}) == pde
    assert read_pde(pde.as_document()) == pde
    assert read_pde({"operator": pde.operator, "coordinates": ["x", "y"], "support": [[-1, 1]] * 2}) == pde


def test_the_symbol_keeps_even_orders_with_their_sign() -> None:
    pde = LinearPDE.from_bounds([(2, (4,)), (3, (2,)), (5, (1,)), (7, (3,)), (11, (0,)), (1, (6,))], [(None, None)])
    assert pde.real_symbol == {(4,): 2, (2,): -3, (0,): 11, (6,): -1}
    k = Fraction(3, 7)
    assert pde.real_part([k]) == 2 * k**4 - 3 * k**2 + 11 - k**6
    value = sum(complex(c) * (1j * float(k)) ** powers[0] for c, powers in pde.terms)
    assert float(pde.real_part([k])) == pytest.approx(value.real)


# Initial conditions


@pytest.mark.parametrize(
    ("text", "intervals"),
    [
        ("1", [(0, 0), (0, 0)]),
        ("-3/2*exp(5*I*x)", [(5, 5), (0, 0)]),
        ("exp(57*(I*x) + 0)*exp(((-5) * (I * y)) + 0)", [(57, 57), (-5, -5)]),
        ("exp(I*(2*x - y))*exp(I*x)", [(3, 3), (-1, -1)]),
        ("sin(-3*x + 0)/(-3*x + 0)", [(-3, 3), (0, 0)]),
        ("(sin(3*x)/x)*exp(I*x)", [(-2, 4), (0, 0)]),
        ("(sin(x)*sin(2*y))/(x*1)/(2*y)", [(-1, 1), (-2, 2)]),
        ("sin(x)/x*sin(2*x)/(2*x)", [(-3, 3), (0, 0)]),
        ("exp(-1*(-95*y + 0)**2)", [(0, 0), (-INF, INF)]),
        ("exp(-x^2/2 + 3*x + 4*I*x)*delta0(7*y - 1)", [(-INF, INF), (-INF, INF)]),
        ("exp(-x^2 - 2*y^2)", [(-INF, INF), (-INF, INF)]),
        ("DiracDelta(x)*exp(I*y)", [(-INF, INF), (1, 1)]),
        ("exp(-(0*x)^2)", [(0, 0), (0, 0)]),
        ("1/2*\n exp(\nI*x)", [(1, 1), (0, 0)]),
    ],
)
def test_supports(text: str, intervals: list[Any]) -> None:
    assert read_support(text, ["x", "y"]) == tuple(intervals)


@pytest.mark.parametrize(
    ("text", "interval"),
    [("sin(0*x + 0)/(0*x + 0)", (0, 0)), ("exp(-1*(0*x + 0)^2)", (-INF, INF)), ("delta0(0*x + 0)", (-INF, INF))],
)
def test_degenerate_factors_as_the_paper_reads_them(text: str, interval: Any) -> None:
    assert read_support(text, ["x"], paper=True) == (interval,)


@given(
    st.lists(st.tuples(st.integers(-99, 99), st.sampled_from(["1", "sinc", "gauss", "delta0"]), st.integers(1, 99)),
             min_size=1, max_size=5)
)  # fmt: skip
def test_supports_are_moved_kernels(drawn: list[tuple[int, str, int]]) -> None:
    """Products as the paper's generator draws them."""
    text, expected = "1", []
    for i, (shift, kernel, a) in enumerate(drawn):
        arg = f"({a}*x{i} + 0)"
        form = {"1": "1", "sinc": f"sin{arg}/{arg}", "gauss": f"exp(-1*{arg}**2)", "delta0": f"delta0{arg}"}[kernel]
        text = f"(exp(({shift}*(I*x{i}) + 0))*{text})*{form}"
        half = {"1": 0, "sinc": a}.get(kernel, INF)
        expected.append((shift - half, shift + half))
    assert read_support(text, [f"x{i}" for i in range(len(drawn))]) == tuple(expected)


# What is decided, constructed from the answer


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=3),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.sampled_from([-1, 0, 1]),
)
@settings(max_examples=40, deadline=None)
def test_squares_and_a_constant(roots: list[int], weights: list[int], constant: int) -> None:
    """Re P = Σ w k_i^2 (k_i^2 + r) + c: its infimum is c, at 0."""
    n = min(len(roots), len(weights))
    terms: list[tuple[Any, Any]] = [(constant, (0,) * n)]
    for i in range(n):
        terms += [(weights[i], _powers(n, i, 4)), (-weights[i] * roots[i], _powers(n, i, 2))]
    answer = hybrid.pde(LinearPDE.from_bounds(terms, [(None, None)] * n))
    assert answer.evolution is not None
    assert answer.evolution.exists is True
    assert answer.evolution.stays_bounded is (constant >= 0)
    assert answer.evolution.decays is (constant > 0)
    assert hybrid.check(answer.certificate).valid


@given(st.integers(1, 30), st.integers(1, 30), st.booleans())
@settings(max_examples=40, deadline=None)
def test_waves_between_two_roots_grow(inner: int, width: int, inside: bool) -> None:
    """Re P = (k^2 − a)(k^2 − b) is negative exactly for a < k^2 < b."""
    a, b = inner, inner + width
    terms = [(1, (4,)), (a + b, (2,)), (a * b, (0,))]
    low = 2 * math.isqrt(b) + 2
    support = (None, None) if inside else (low, None)
    answer = hybrid.pde(LinearPDE.from_bounds(terms, [support]))
    assert answer.verdict is (Verdict.GROWING if inside else Verdict.DECAYING)
    evolution = answer.evolution
    assert evolution is not None
    if inside:
        assert evolution.point is not None
        assert a < evolution.point[0] ** 2 < b
    else:
        assert evolution.rate is not None
        assert 0 < evolution.rate <= (low**2 - a) * (low**2 - b)


def _powers(n: int, i: int, power: int) -> tuple[int, ...]:
    return tuple(power * (j == i) for j in range(n))


@pytest.mark.parametrize(
    ("equation", "support", "verdict", "evolution"),
    [
        ("u_t = u_xx", None, Verdict.BOUNDED, (True, True, False)),
        ("u_t = -u_xx", None, Verdict.NO_SOLUTION, (False, False, False)),
        ("u_t = -u_xx", {"x": (-1, 1)}, Verdict.GROWING, (True, False, False)),
        ("u_t = -u_xx", {"x": (0, 0)}, Verdict.BOUNDED, (True, True, False)),
        ("u_t = u_xx", {"x": (1, "inf")}, Verdict.DECAYING, (True, True, True)),
        ("u_t = 3*u_x - u_xxx", None, Verdict.BOUNDED, (True, True, False)),
        (WAVES, None, Verdict.GROWING, (True, False, False)),
        (WAVES, {"x": (2, 3)}, Verdict.DECAYING, (True, True, True)),
        (WAVES, {"x": (1, 2)}, Verdict.BOUNDED, (True, True, False)),
        ("u_t = u_xy", None, Verdict.NO_SOLUTION, (False, False, False)),
        ("u_t = u_xy", {"x": (0, None), "y": (0, None)}, Verdict.BOUNDED, (True, True, False)),
        ("u_t = u_xy", {"x": (1, None), "y": (1, None)}, Verdict.DECAYING, (True, True, True)),
    ],
)
def test_textbook_equations(equation: str, support: Any, verdict: Verdict, evolution: tuple[bool, ...]) -> None:
    answer = hybrid.pde(equation, support=support)
    found = answer.evolution
    assert found is not None
    assert (answer.verdict, (found.exists, found.stays_bounded, found.decays)) == (verdict, evolution)
    assert answer.status is (Status.PROVED if evolution[1] else Status.DISPROVED)
    assert hybrid.check(answer.certificate).valid


def test_the_fastest_growth_is_found() -> None:
    answer = hybrid.pde(WAVES)
    assert answer.evolution is not None
    assert answer.evolution.point is not None
    assert float(answer.evolution.point[0]) == pytest.approx(math.sqrt(0.5), abs=1e-3)
    assert "grows like exp(0.25 t)" in str(answer)


def test_numbers_beyond_doubles_are_undecided() -> None:
    answer = hybrid.pde(WAVES, support={"x": ("1e400", "1e500")})
    assert answer.status is Status.UNDECIDED
    assert answer.certificate is None
    assert answer.evolution == Evolution(None, None, None)
    assert str(answer).startswith("UNDECIDED: nothing was proved. Neither")


def test_what_is_half_decided_keeps_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid.exact import pde_answers
    from hybrid.exact.symbol_bound import Finding, SymbolAnswer

    whole = pde_answers.bound_symbol

    def half(*args: Any, **options: Any) -> SymbolAnswer:
        return SymbolAnswer(whole(*args, **options).bounded, Finding(None), Finding(None))

    monkeypatch.setattr(pde_answers, "bound_symbol", half)
    answer = hybrid.pde(WAVES)
    assert (answer.status, answer.verdict) == (Status.UNDECIDED, Verdict.UNKNOWN)
    assert answer.evolution == Evolution(True, None, None)
    assert hybrid.check(answer.certificate).valid
    assert str(answer).startswith("UNDECIDED: a solution exists; whether it stays bounded was not decided.")


# The paper's labels


@pytest.mark.parametrize(
    ("equation", "support", "labels"),
    [
        ("u_t = u_xx + u_yy", {}, (True, True)),
        ("u_t = -u_xx", {}, (False, False)),
        (WAVES, {}, (True, False)),
        ("u_t = -u_xx - u_xxxx - u", {"x": (1, 2)}, (True, True)),
    ],
)
def test_the_papers_labels(equation: str, support: Any, labels: tuple[bool, bool]) -> None:
    said = hybrid.pde(equation, support=support, paper=True).paper
    assert said is not None
    assert isinstance(said.value, SearchedLabels)
    assert (said.value.exists, said.value.decays) == labels
    assert said.holds is labels[1]


def test_the_papers_search_misses_what_is_proved() -> None:
    """Re P = ((s − 10)² + 1)(s − 100)(s − 110), s = k²: a descent from ξ = 0.5 ends at s = 10, where it is positive."""
    in_s = [1, -230, 15301, -241210, 1111000]
    terms = [(c if power % 2 == 0 else -c, (2 * power,)) for c, power in zip(in_s, range(4, -1, -1), strict=True)]
    answer = hybrid.pde(LinearPDE.from_bounds(terms, [(None, None)]), paper=True)
    assert answer.evolution is not None
    assert (answer.evolution.exists, answer.evolution.stays_bounded) == (True, False)
    assert answer.paper is not None
    assert isinstance(answer.paper.value, SearchedLabels)
    assert (answer.paper.value.exists, answer.paper.value.decays) == (True, True)


def test_without_a_label_a_note_says_so() -> None:
    answer = hybrid.pde("u_t = u_xx", "exp(3*I*x)", paper=True)
    assert answer.paper is None
    assert answer.notes == (NO_LABEL,)


# Proposals


class Proposer(PDEProposer):
    """Says what it is told to say."""

    def __init__(self, point: tuple[Fraction, ...] | None) -> None:
        self.point = point

    def propose(self, equations: Any) -> list[PDEProposal | None]:
        latent = np.zeros(1)
        return [PDEProposal(0.5, 0.5, 0.5, 0.5, self.point, latent, "test") for _ in equations]


@pytest.mark.parametrize(
    ("point", "route", "outcomes"),
    [
        ((Fraction(1, 2),), Route.MODEL, ["proved"]),
        ((Fraction(3),), Route.EXACT, ["not proved"]),
        ((Fraction(1, 2), Fraction(1)), Route.EXACT, ["not proved"]),
        (None, Route.EXACT, []),
    ],
)
def test_a_proposed_wave_number_is_checked(point: Any, route: Route, outcomes: list[str]) -> None:
    answer = hybrid.pde(WAVES, model=Proposer(point))
    assert (answer.verdict, answer.route) == (Verdict.GROWING, route)
    assert [trial.outcome for trial in answer.trials] == outcomes
    assert hybrid.check(answer.certificate).valid
    if route is Route.MODEL:
        assert answer.evolution is not None
        assert answer.evolution.point == point
        assert answer.certificate is not None
        assert answer.certificate.provenance == {"proposer": "test"}


def test_a_proposer_may_fail() -> None:
    class Failing(PDEProposer):
        def propose(self, equations: Any) -> Any:
            raise RuntimeError("no")

    answer = hybrid.pde(WAVES, model=Failing())
    assert answer.verdict is Verdict.GROWING
    assert [trial.outcome for trial in answer.trials] == ["RuntimeError: no"]


# Documents and files


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", 'equation = "u_t = -u_xx"\nsupport = {x = [-2, "1/2"]}'),
        ("a.toml", '[pde]\noperator = "x^2"\ncoordinates = ["x"]\n[pde.support]\nx = [-2, 0.5]'),
        ("a.yaml", "equation: u_t = -u_xx\nsupport: {x: [-2, 0.5]}"),
        ("a.yaml", "{operator: [{coefficient: 1, powers: [2]}], names: [x], support: [[-2, 1/2]]}"),
        ("a.json", '{"operator": "x^2", "support": {"x": [-2, 0.5]}}'),
        ("a.json", '{"equation": "u_t = -u_xx", "initial_condition": "sin(5/4*x)/x*exp(-3/4*I*x)"}'),
        ("a.jsonl", '{"equation": "u_t = -u_xx", "support": [[-2, 0.5]]}\n'),
    ],
)
def test_files(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    assert read_pde(read_pde_file(file)) == LinearPDE(((Fraction(1), (2,)),), ((-2, Fraction(1, 2)),), ("x",), "a")


def test_a_line_of_the_papers_data(tmp_path: Path) -> None:
    condition = "((exp(((-18) * (I * x1)) + 0)) * (exp(((-1) * (((14 * x0) + 0) ** 2))) * 1))"
    line = {"task": "fourier", "degree": 3, "equations": ["((3 * ((x0 ** 2) * x1)) + x0)"], "answer": {}}
    line |= {"initial_condition": condition}
    (tmp_path / "some.jsonl").write_text('{"equations": []}\n' + json.dumps(line))
    found = read_pde(read_pde_file(tmp_path / "some.jsonl", 2), paper=True)
    assert found.coordinates == ("x0", "x1", "x2")
    assert found.support == ((-INF, INF), (-18, -18), (0, 0))
    assert dict((e, c) for c, e in found.terms) == {(2, 1, 0): 3, (1, 0, 0): 1}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"equation": "u_tt = u_xx"}, "equation: got u_tt = u_xx, expected an equation such as u_t = u_xx - 3*u_x, fi"),
        ({"equation": "u_t = u_xx = 0"}, "equation: got u_t = u_xx = 0, expected an equation such as"),
        ({"equation": "u_t = u_xt"}, "equation: got u_xt, expected one derivative by time, u_t, and none beside it"),
        ({"equation": "u_t = u_*3"}, "equation: got u_, expected a derivative such as u_xx, with a letter for each"),
        ({"equation": "u_t = u*u_x"}, "equation: got a product of derivatives, expected a linear equation"),
        ({"equation": "u_t = u_xx + 1"}, "equation: got a term without the unknown, expected a homogeneous equation"),
        ({"equation": "u_t = x*u_xx"}, "equation, line 1, column 7: got unknown symbol x, expected"),
        ({"equation": "u_t = v_xx"}, "equation, line 1, column 7: got unknown symbol v_xx, expected"),
        ({"equation": "u_t = sin(u_xx)"}, "equation, line 1, column 7: got sin, expected a polynomial"),
        ({"equation": "u_t = u_xx*pi"}, "equation: got pi, expected rational coefficients"),
        ({"equation": "u_t - u_xx = u_t"}, "equation: got terms in u_t that cancel, expected an equation such as"),
        ({"equation": 3}, "equation: got 3, expected a LinearPDE, a mapping, or text"),
        ({"equation": {}}, "equation: got nothing, expected one of them: an equation such as"),
        ({"equation": {"equation": "u_t = u", "operator": "x"}}, "equation: got an equation beside an operator"),
        ({"equation": {"equation": 3}}, "equation: got 3, expected an equation such as"),
        ({"equation": {"operator": 3}}, "operator: got 3, expected a polynomial as text, or a list of terms"),
        ({"equation": {"operator": []}}, "operator: got [], expected a polynomial as text, or a list of terms"),
        ({"equation": {"operator": ["x"]}}, "operator[0]: got x, expected a term such as"),
        ({"equation": {"operator": [{"coefficient": "1", "powers": [-1]}]}}, "terms[0]: got [-1], expected exponents"),
        ({"equation": {"operator": [{"coefficient": "a", "powers": [1]}]}}, "terms[0]: got 'a', expected a finite"),
        ({"equation": {"operator": "x1/x0"}}, "operator, line 1, column 3: got a division by what is no number"),
        ({"equation": {"operator": "x0^101"}}, "operator: got more derivatives in one term, expected at most 100"),
        ({"equation": {"operator": "x0", "degree": 0}}, "dimension: got 0, expected 1 to 20 coordinates"),
        ({"equation": {"equations": ["x0", "x1"]}}, "equations: got ['x0', 'x1'], expected a list that holds the"),
        ({"equation": {"operater": "x0"}}, "key: got 'operater', expected one of equation, operator, coordinates"),
        ({"equation": {"operator": "x", "coordinates": ["x", "x"]}}, "coordinates: got x, expected different names"),
        ({"equation": {"operator": "I", "coordinates": ["I"]}}, "coordinates: got I, expected different names"),
        ({"equation": {"operator": "x", "coordinates": "x"}}, "coordinates: got x, expected a list of names"),
        ({"equation": {"operator": "x0", "name": 3}}, "name: got 3, expected one line of at most 200 characters"),
        ({"support": {"y": (0, 1), "x": (2, 1)}}, "support.x: got 2 to 1, expected a lower end that is not above"),
        ({"support": {"x": ("inf", "inf")}}, "support.x: got inf to inf, expected a lower end that is not above"),
        ({"support": {"x": (0, 1, 2)}}, "support.x: got (0, 1, 2), expected two ends, as [-1, 1]"),
        ({"support": {"x": (0, "a")}}, "support.x: got 'a', expected a finite number"),
        ({"support": 3}, "support: got 3, expected a table such as {x = [-1, 1]}, or a list of pairs"),
        ({"equation": {"operator": "x0", "support": {"x": [0, 1]}}}, "operator, line 1, column 1: got unknown"),
        ({"equation": {"operator": "x0", "coordinates": ["x0"], "support": {"x": [0, 1]}}}, "support: got x, expected"),
        ({"equation": {"operator": "x0", "support": [[0, 1]] * 2}}, "support: got 2 intervals, expected 1, one for"),
        ({"initial_condition": "1", "support": {}}, "support: got a support beside an initial condition, expected one"),
        ({"initial_condition": 1}, "initial_condition: got 1, expected text, a product of"),
        ({"initial_condition": "1" * 5001}, "initial_condition: got 5001 characters, expected at most 5000"),
        ({"initial_condition": ""}, "initial_condition, line 1, column 1: got the end of the text, expected a product"),
        ({"initial_condition": "1 + exp(-x^2)"}, "initial_condition, line 1, column 3: got '+', expected a product"),
        ({"initial_condition": "x"}, "initial_condition, line 1, column 1: got 'x', expected a product"),
        ({"initial_condition": "cos(x)"}, "initial_condition, line 1, column 1: got 'cos', expected a product"),
        ({"initial_condition": "0*exp(I*x)"}, "initial_condition, line 1, column 1: got the factor 0, expected an"),
        ({"initial_condition": "exp(2*x)"}, "initial_condition, line 1, column 1: got exp that grows without bounds"),
        ({"initial_condition": "exp(x^2)"}, "initial_condition, line 1, column 1: got exp of something else"),
        ({"initial_condition": "exp(I*x^2)"}, "initial_condition, line 1, column 1: got exp of something else"),
        ({"initial_condition": "exp(I*y)"}, "initial_condition, line 1, column 7: got unknown symbol y, expected"),
        ({"initial_condition": "\n exp(sin(x))"}, "initial_condition, line 2, column 6: got sin, expected a poly"),
        ({"initial_condition": "sin(x)"}, "initial_condition, line 1, column 1: got a sine alone, expected sin(a*x)/"),
        ({"initial_condition": "sin(x)/(x + 1)"}, "initial_condition, line 1, column 8: got a division by something"),
        ({"initial_condition": "sin(2*x)/2*x"}, "initial_condition, line 1, column 12: got 'x', expected a product"),
        ({"initial_condition": "1/x"}, "initial_condition, line 1, column 3: got a division by something else"),
        ({"initial_condition": "1/exp(I*x)"}, "initial_condition, line 1, column 3: got 'exp', expected a number, a"),
        ({"initial_condition": "sin(x^2)/x^2"}, "initial_condition, line 1, column 11: got '^', expected a product"),
        ({"initial_condition": "sin(0*x)/(0*x)"}, "initial_condition, line 1, column 10: got an argument of another"),
        ({"initial_condition": "delta0(0*x)"}, "initial_condition, line 1, column 1: got an argument of another form"),
        ({"initial_condition": "delta0(x)*delta0(x)"}, "initial_condition, line 1, column 11: got a second delta0"),
        ({"initial_condition": "exp(I*x"}, "initial_condition, line 1, column 4: got a parenthesis that is not closed"),
        ({"initial_condition": "(exp(I*x)"}, "initial_condition, line 1, column 10: got the end of the text"),
        ({"initial_condition": "exp(I*x))"}, "initial_condition, line 1, column 9: got ')', expected a product"),
        ({"initial_condition": "(" * 200 + "1"}, "initial_condition, line 1, column 102: got deeper nesting, expected"),
        ({"paper": "yes"}, "paper: got yes, expected True or False"),
        ({"model": 3}, "model: got 3, expected True, False, or the path of a model file or folder"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProblemError) as caught:
        hybrid.pde(**{"equation": "u_t = u_xx", **arguments})
    assert str(caught.value).startswith(sentence)
    assert len(str(caught.value)) < 300


def test_many_derivatives_are_refused_at_once() -> None:
    text = "u_t = " + " + ".join(f"u_{'x' * k}" for k in range(1, 600))
    with pytest.raises(ProblemError, match="at most 300 different ones"):
        hybrid.pde(text)


def test_a_pde_has_no_poles_and_no_gain() -> None:
    answer = hybrid.pde("u_t = u_xx")
    with pytest.raises(ProblemError, match="gain: got none"):
        answer.closed_loop()
    with pytest.raises(ProblemError, match="a PDE"):
        answer.to_control()


# The command line


@pytest.mark.parametrize(
    ("words", "code", "first_line"),
    [
        (["u_t = u_xx"], 0, "PROVED: the solution stays bounded: no wave number grows, and k_x = 0 does not decay."),
        (["u_t = u_xx - u"], 0, "PROVED: the solution decays: every wave number at least as fast as exp(-c t), c = 1."),
        (["u_t = -u_xx"], 1, "DISPROVED: no solution for some initial conditions: their wave numbers grow at rates wi"),
        ([WAVES], 1, "DISPROVED: the solution exists and grows: the wave number k_x = 0.7071 grows like exp(0.25 t)."),
        ([WAVES, "--support", "x=2:inf"], 0, "PROVED: the solution decays: every wave number"),
        ([WAVES, "--support", "x=1/2"], 1, "DISPROVED: the solution exists and grows: the wave number k_x = 0.5 grow"),
        ([WAVES, "--initial", "exp(2*I*x)*sin(x)/x"], 0, "PROVED: the solution stays bounded"),
        (["kuramoto-sivashinsky"], 1, "DISPROVED: the solution exists and grows"),
        ([WAVES, "--support", "x=1e400:1e500"], 3, "UNDECIDED: nothing was proved."),
    ],
)  # fmt: skip
def test_exit_codes_and_first_lines(run: Run, words: list[str], code: int, first_line: str) -> None:
    result = run("pde", *words)
    assert result.stdout.startswith(first_line)
    assert result.exit_code == code
    assert run("pde", *words, "--quiet").stdout == ""


def test_json_holds_what_was_decided(run: Run) -> None:
    document = json.loads(run("pde", "u_t = u_xx - 2*u", "--json", "--paper").stdout)
    assert (document["status"], document["verdict"]) == ("proved", "decaying")
    assert document["evolution"] == {"exists": True, "stays_bounded": True, "decays": True, "rate": "2", "point": None}
    assert document["paper"] == {"exists": True, "decays": True, "lowest": pytest.approx(2)}
    assert document["system"]["support"] == [[None, None]]
    assert document["certificate"]["claim"] == {"about": "pde", "bounded": True, "nonnegative": True, "positive": True}
    assert hybrid.check(document["certificate"]).valid


def test_a_saved_certificate_speaks_about_its_equation(run: Run) -> None:
    assert run("pde", WAVES, "--save", "proof.json").exit_code == 1
    assert run("check", "proof.json").exit_code == 0
    assert run("check", "proof.json", "--system", "kuramoto-sivashinsky").exit_code == 0
    other = run("check", "proof.json", "--system", "u_t = -u_xx - 2*u_xxxx")
    assert (other.exit_code, "operator differs from u_t" in other.stdout) == (4, True)


def test_files_and_standard_input(run: Run) -> None:
    Path("waves.jsonl").write_text(json.dumps({"equation": "u_t = -u_xx"}) + "\n" + json.dumps({"equation": WAVES}))
    assert run("pde", "waves.jsonl", "--line", "2", "--support", "x=2:3").exit_code == 0
    assert "no solution" in run("pde", "waves.jsonl", "--line", "1").stdout
    assert run("pde", "-", stdin=f"equation: {WAVES}\nsupport: {{x: [2, 3]}}").exit_code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["heat"], "EQUATION: got heat, expected an existing file, -, a PDE that `hybrid plants` lists, or an eq"),
        (["u_t = u_xx", "--line", "2"], "--line: got 2, expected nothing, as EQUATION is no file"),
        (["u_t = u_xx", "--support", "x"], "--support: got 'x', expected assignments such as"),
        (["u_t = u_xx", "--support", "z=0:1", "--initial", "1"], "support: got a support beside an initial condition"),
        (["some.jsonl", "--line", "3"], "line: got 3, expected 1 to 2, the lines of some.jsonl"),
        (["some.jsonl"], "some.jsonl: got 2 lines, expected the number of one of them"),
        (["some.npz"], "some.npz: got the suffix '.npz', expected a file name that ends in .toml, .yaml, .yml, .jso"),
    ],
)  # fmt: skip
def test_the_command_line_says_what_is_wrong(run: Run, words: list[str], sentence: str) -> None:
    Path("some.jsonl").write_text("{}\n{}\n")
    Path("some.npz").write_text("")
    result = CliRunner().invoke(cli, ["pde", *words])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"hybrid: {sentence}")


# Demonstrations


EXPECTED = {
    "backward-heat-equation": "no solution",
    "backward-heat-equation-filtered": "growing",
    "heat-equation": "bounded",
    "heat-equation-with-loss": "decaying",
    "kuramoto-sivashinsky": "growing",
    "kuramoto-sivashinsky-short-waves": "decaying",
    "overdamped-beam": "bounded",
    "transport-equation": "bounded",
}


def test_demonstrations_end_as_they_say() -> None:
    assert {plant.name: hybrid.pde(plant.system).verdict.value for plant in pde_plants()} == EXPECTED


def test_demonstrations_are_listed_and_shown(run: Run) -> None:
    listed = run("plants").stdout
    for plant in pde_plants():
        assert plant.name in listed
        assert plant.system.equation in run("plants", plant.name).stdout
        Path("shown.json").write_text(run("plants", plant.name, "--json").stdout)
        assert read_pde(read_pde_file("shown.json")) == plant.system
    assert hybrid.plant("Heat_Equation").system.name == "heat-equation"
