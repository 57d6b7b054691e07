"""PDEs from sympy: the same as their text, term by term, and answered the same."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Derivative, Eq, Float, Function, I, Rational, exp, oo, sin, sqrt, symbols

import hybrid
from hybrid import Status, Verdict
from hybrid.errors import HybridError, ProblemError
from hybrid.plugins.sympy_pde import linear_pde, pde

t, x, y, k = symbols("t x y k")
u, v = Function("u")(t, x), Function("u")(t, x, y)

PAIRS = [  # equation, the same as text, the verdict, the twin with another sign, its verdict
    (Eq(u.diff(t), u.diff(x, 2) - u), "u_t = u_xx - u", Verdict.DECAYING, -1, Verdict.NO_SOLUTION),
    (Eq(u.diff(t), u.diff(x, 2)), "u_t = u_xx", Verdict.BOUNDED, -1, Verdict.NO_SOLUTION),
    (Eq(u.diff(t), -u.diff(x, 2) - u.diff(x, 4)), "u_t = -u_xx - u_xxxx", Verdict.GROWING, -1, Verdict.NO_SOLUTION),
    (Eq(u.diff(t) + 3 * u.diff(x), -u / 2), "u_t = -3*u_x - u/2", Verdict.DECAYING, -1, Verdict.GROWING),
    (
        Eq(2 * v.diff(t), v.diff(x, 2) + v.diff(x, y) + v.diff(y, 2) - v),
        "u_t = u_xx/2 + u_xy/2 + u_yy/2 - u/2", Verdict.DECAYING, -1, Verdict.NO_SOLUTION,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "text", "verdict", "sign", "other"), PAIRS)
def test_as_its_text_and_with_its_twin(equation: Any, text: str, verdict: Verdict, sign: int, other: Verdict) -> None:
    read, spelled = linear_pde(equation), hybrid.pde(text).question.system
    assert (set(read.terms), read.coordinates) == (set(spelled.terms), spelled.coordinates)
    answer = pde(equation)
    assert answer.verdict is verdict
    assert hybrid.check(answer.certificate).valid
    of_time = [each for each in equation.atoms(Derivative) if each.variables == (t,)]
    twin = equation.xreplace({of_time[0]: sign * of_time[0]})
    assert pde(twin).verdict is other


coefficients = st.fractions(-3, 3, max_denominator=5).map(lambda c: Rational(c.numerator, c.denominator))
orders = st.tuples(st.integers(0, 4), st.integers(0, 3))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(orders, coefficients, max_size=4), coefficients.filter(lambda c: c != 0))
def test_terms_are_read_exactly(terms: dict[tuple[int, int], Any], rate: Any) -> None:
    shape = sum((c * Derivative(v, (x, i), (y, j)) if i or j else c * v for (i, j), c in terms.items()), 0 * v)
    read = linear_pde(Eq(rate * v.diff(t), -shape))
    expected = {powers: Fraction(int((c / rate).p), int((c / rate).q)) for powers, c in terms.items() if c != 0}
    assert {powers: c for c, powers in read.terms} == expected


def test_the_answer_has_what_was_decided() -> None:
    answer = pde(Eq(u.diff(t), u.diff(x, 2) - u / 3))
    assert (answer.status, answer.evolution.rate) == (Status.PROVED, Fraction(1, 3))
    assert pde(linear_pde(Eq(u.diff(t), u.diff(x, 2)))).evolution.decays is False


def test_supports_and_initial_conditions() -> None:
    swift = Eq(u.diff(t), -u.diff(x, 2) - u.diff(x, 4))
    assert pde(swift, support={x: (2, oo)}).verdict is Verdict.DECAYING
    assert pde(swift, support={"x": (-oo, Rational(1, 2))}).verdict is Verdict.GROWING
    assert pde(Eq(u.diff(t), -u.diff(x, 2)), sin(5 * x) / (5 * x)).verdict is Verdict.GROWING
    assert pde(Eq(u.diff(t), -u.diff(x, 2)), exp(-(x**2))).verdict is Verdict.NO_SOLUTION
    assert linear_pde(swift, exp(3 * I * x) * sin(2 * x) / (2 * x)).support == ((1, 5),)
    assert linear_pde(swift, "exp(3*I*x)").support == ((3, 3),)
    labels = pde(swift, paper=True).paper.value
    assert (labels.exists, labels.decays) == (True, False)


def test_time_may_have_another_name() -> None:
    tau = symbols("tau")
    w = Function("w")(x, tau)
    assert linear_pde(Eq(w.diff(tau), w.diff(x, 2)), time=tau).coordinates == ("x",)
    backwards = Eq(w.diff(x), w.diff(tau, 2))  # the first argument is time, where none is called t
    assert linear_pde(backwards).coordinates == ("tau",)


def test_floats_are_the_numbers_that_they_store() -> None:
    assert linear_pde(Eq(u.diff(t), -Float(0.1) * u)).terms == ((Fraction(0.1), (0,)),)


@pytest.mark.parametrize(
    ("equation", "options", "sentence"),
    [
        (Eq(u.diff(t), u * u.diff(x)), {}, "equation: got"),
        (Eq(u.diff(t), u.diff(x, 2) + 1), {}, "equation: got"),
        (Eq(u.diff(t), x * u.diff(x)), {}, "equation"),
        (Eq(u.diff(t), k * u.diff(x, 2)), {}, "equation"),
        (Eq(u.diff(t), sqrt(2) * u), {}, "equation"),
        (Eq(u.diff(t), sin(u)), {}, "equation: got"),
        (Eq(u.diff(t, 2), u.diff(x, 2)), {}, "the first derivative in time alone"),
        (Eq(u.diff(t), u.diff(x, t)), {}, "the first derivative in time alone"),
        (Eq(u.diff(x, 2), u), {}, "expected u_t, the first derivative by t"),
        (Eq(u.diff(t), v.diff(x)), {}, "expected one function"),
        (x + 1, {}, "got no function"),
        (Function("u")(t).diff(t), {}, "one coordinate at least"),
        ("u_t = u_xx", {}, "sympy's Eq"),
        (u.diff(t), {"time": k}, "time: got k, expected one of t, x"),
        (u.diff(t), {"support": {y: (0, 1)}}, "support: got y, expected one of x"),
        (u.diff(t), {"support": {x: 3}}, "support.x: got 3, expected a pair"),
        (u.diff(t), {"support": {x: (2, 1)}}, "support.x"),
        (u.diff(t), {"support": {x: (0, 1)}, "initial_condition": exp(I * x)}, "either a support or"),
        (u.diff(t), {"initial_condition": x**2}, "initial_condition"),
    ],
)
def test_what_is_refused_in_a_sentence(equation: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(HybridError) as refusal:
        linear_pde(equation, **options)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_linear_pde_has_its_own_support() -> None:
    with pytest.raises(ProblemError, match="support: got a second one"):
        pde(linear_pde(Eq(u.diff(t), u)), support={x: (0, 1)})
