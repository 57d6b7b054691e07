"""Questions from a sympy session."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import (
    And,
    Float,
    Function,
    I,
    ImmutableMatrix,
    Integer,
    Matrix,
    MatrixSymbol,
    Ne,
    Poly,
    Rational,
    Symbol,
    diag,
    exp,
    eye,
    false,
    nan,
    oo,
    pi,
    sqrt,
    true,
    zeros,
    zoo,
)
from sympy.abc import c, k, m, s, t, z
from sympy.physics.control import (
    Feedback,
    Parallel,
    Series,
    StateSpace,
    TransferFunction,
    TransferFunctionMatrix,
)

import hybrid
from hybrid import Status, Verdict
from hybrid.errors import DimensionError, ProblemError
from hybrid.plugins import sympy_front as hs

TENTH = Rational(1, 10)
rationals = st.builds(Rational, st.integers(-9, 9), st.integers(1, 5))


def companion(coefficients: list[Rational]) -> Matrix:
    n = len(coefficients)
    return Matrix(n, n, lambda i, j: -coefficients[n - 1 - j] if i == n - 1 else int(j == i + 1))


# Numbers


@settings(max_examples=30, deadline=None)
@given(st.lists(rationals, min_size=1, max_size=4))
def test_verdict_of_chosen_poles(poles):
    """Built from the answer: the eigenvalues are known before the matrix is."""
    coefficients = Poly.from_list([1], s)
    for pole in poles:
        coefficients *= Poly(s - pole, s)
    answer = hs.stability(companion(coefficients.all_coeffs()[1:]), poles=True)
    largest = max(poles)
    assert (answer.verdict is Verdict.STABLE) is bool(largest < 0)
    assert (answer.status is Status.PROVED) is bool(largest < 0)
    lo, hi = answer.abscissa
    assert lo <= largest <= hi
    assert sum(multiplicity for _, _, multiplicity in answer.poles) == len(poles)
    assert all(any(abs(pole - centre) <= radius for centre, radius, _ in answer.poles) for pole in poles)
    assert hybrid.check(answer.certificate).valid


def test_rational_and_float_are_told_apart():
    exact, binary = Matrix([[0, 1], [-1, TENTH - TENTH]]), Matrix([[0, 1], [-1, Float(0.3) - 3 * Float(0.1)]])
    assert hs.stability(exact).verdict is Verdict.MARGINAL
    assert hs.stability(binary).verdict is not Verdict.MARGINAL  # 0.3 − 3·0.1 is not zero in binary
    stored = hs.to_linear_system(Matrix([[Float("0.1", 30)]])).A.fractions[0][0]
    assert stored != Fraction(1, 10)
    assert abs(stored - Fraction(1, 10)) < Fraction(1, 10**29)


def test_every_kind_of_matrix():
    for matrix in (Matrix([[-1]]), ImmutableMatrix([[-1]]), -eye(1), diag(-1)):
        assert hs.stability(matrix).verdict is Verdict.STABLE
    assert hs.stability(MatrixSymbol("A", 1, 1) * 0 - eye(1)).verdict is Verdict.STABLE


def test_sum_of_irrationals_that_is_rational():
    assert hs.stability(Matrix([[(1 + sqrt(2)) * (1 - sqrt(2))]])).verdict is Verdict.STABLE


def test_discrete_time():
    matrix = Matrix([[TENTH, 1], [0, -Rational(9, 10)]])
    assert hs.stability(matrix, dt=TENTH).verdict is Verdict.STABLE
    assert hs.stability(matrix).verdict is Verdict.UNSTABLE
    assert hs.stability(matrix, dt=1, decay=Rational(1, 5)).status is Status.DISPROVED


def test_decay_and_damping():
    matrix = companion([Rational(6), Rational(25)])  # -3 ± 4j
    assert hs.stability(matrix, decay=3).status is Status.DISPROVED
    assert hs.stability(matrix, decay="2.99").status is Status.PROVED
    assert hs.stability(matrix, damping=Rational(3, 5)).status is Status.DISPROVED
    assert hs.stability(matrix, damping=Rational(59, 100)).status is Status.PROVED


def test_gain_is_rational_and_stabilises_exactly():
    A, B = Matrix([[0, 1, 0], [TENTH, 0, 3], [0, 2, 5]]), Matrix([0, 0, 1])
    answer = hs.feedback(A, B, Q=eye(3), R=Matrix([[2]]), decay=TENTH)
    assert answer.status is Status.PROVED
    assert isinstance(answer.gain, ImmutableMatrix)
    assert all(entry.is_Rational for entry in answer.gain)
    assert answer.closed_loop == A - B * answer.gain
    assert hs.stability(answer.closed_loop, decay=TENTH).status is Status.PROVED
    assert hybrid.check(answer.certificate).valid


def test_poles_are_placed_where_sympy_says():
    wanted = [-1, Rational(-3, 2) + 2 * I, Rational(-3, 2) - 2 * I]
    A, B = Matrix([[0, 1, 0], [0, 0, 1], [1, 2, 3]]), Matrix([0, 0, 1])
    answer = hs.feedback(A, B, poles=wanted)
    expected = Poly((s + 1) * ((s + Rational(3, 2)) ** 2 + 4), s)
    assert (A - B * answer.gain).charpoly(s).as_expr() == expected.as_expr()


def test_no_gain_where_there_is_none():
    answer = hs.feedback(diag(1, 2), Matrix([1, 0]))
    assert answer.verdict is Verdict.NOT_STABILISABLE
    assert answer.gain is None
    assert answer.closed_loop is None


def test_rank_questions():
    A, B = diag(1, -2), Matrix([1, 0])
    assert hs.controllability(A, B).dimension == 1
    assert hs.stabilizability(A, B).status is Status.PROVED
    assert hs.stabilizability(A, B, decay=2).status is Status.DISPROVED
    assert hs.observability(A, B.T).verdict is Verdict.UNOBSERVABLE
    assert hs.detectability(A, B.T).verdict is Verdict.DETECTABLE
    assert hs.detectability(A, Matrix([[0, 1]])).verdict is Verdict.NOT_DETECTABLE
    assert hs.stabilizability(A / 2, B, dt=1).verdict is Verdict.NOT_STABILIZABLE


# Models


@settings(max_examples=30, deadline=None)
@given(
    st.lists(rationals.filter(bool), min_size=1, max_size=3), st.lists(rationals, max_size=3), rationals.filter(bool)
)
def test_realisation_has_the_transfer_function(poles, zeros_, scale):
    numerator, denominator = Poly(1, s), Poly(scale, s)
    for pole in poles:
        denominator *= Poly(s - pole, s)
    for zero in zeros_[: len(poles)]:
        numerator *= Poly(s - zero, s)
    system = hs.to_linear_system(TransferFunction(numerator.as_expr(), denominator.as_expr(), s))
    A, B, C, D = (
        Matrix([[Rational(x.numerator, x.denominator) for x in row] for row in part.fractions])
        for part in (system.A, system.B, system.C, system.D)
    )
    at = Rational(1, 7) + 11  # equal at one point beyond the poles, and of the right order: equal
    transferred = (C * (at * eye(A.rows) - A).inv() * B + D)[0]
    assert transferred == (numerator.eval(at) / denominator.eval(at))
    assert A.rows == len(poles)


@pytest.mark.parametrize(
    ("denominator", "expected"),
    [
        (s**4 + 2 * s**3 + 3 * s**2 + 2 * s + 1, Verdict.STABLE),
        (s**4 + 3 * s**3 + 5 * s**2 + 4 * s + 2, Verdict.STABLE),
        (s**4 + s**3 + 3 * s**2 + 3 * s + 3, Verdict.UNSTABLE),
        (2 * s**4 + 5 * s**3 + 7 * s**2 + 6 * s + 3, Verdict.STABLE),
        ((s**2 + 1) * (s**2 + 2 * s + 5), Verdict.MARGINAL),
        ((s**2 + 1) ** 2, Verdict.UNSTABLE),
        (3 * s**4 + 2 * s**3 + 4 * s**2 + s + TENTH, Verdict.STABLE),
    ],
)
def test_quartics_are_decided(denominator, expected):
    """sympy 1.14 `TransferFunction.is_stable()` gave None for numeric stable quartics."""
    assert hs.stability(TransferFunction(1, denominator, s)).verdict is expected


def test_nothing_is_cancelled():
    hidden = TransferFunction((s - 1) * (s + 3), (s - 1) * (s + 2), s)
    assert hs.stability(hidden).verdict is Verdict.UNSTABLE
    assert hs.observability(hidden).verdict is Verdict.UNOBSERVABLE
    assert hs.detectability(hidden).verdict is Verdict.NOT_DETECTABLE


def test_interconnections_have_the_poles_of_the_loop():
    plant, controller = TransferFunction(1, s - 1, s), TransferFunction(3, s + 1, s)
    assert hs.stability(Feedback(plant, TransferFunction(2, 1, s))).verdict is Verdict.STABLE
    assert hs.stability(Feedback(plant, TransferFunction(1, 2, s))).verdict is Verdict.UNSTABLE
    assert hs.conditions(Feedback(Series(plant, TransferFunction(k, 1, s)), controller)) == false
    assert hs.conditions(Feedback(plant, TransferFunction(k, 1, s))) == (k > 1)
    assert hs.conditions(Feedback(plant, TransferFunction(k, 1, s), 1)) == (k < -1)
    assert hs.stability(Parallel(controller, controller)).verdict is Verdict.STABLE
    assert hs.to_linear_system(Series(controller, plant)).n == 2


def test_transfer_function_matrix():
    first, second = TransferFunction(1, s + 1, s), TransferFunction(k, s**2 + s + k, s)
    assert hs.conditions(TransferFunctionMatrix([[first, second]])) == (k > 0)
    system = hs.to_linear_system(TransferFunctionMatrix([[first], [first.subs(s, s)]]))
    assert (system.n, system.m, system.p) == (1, 1, 2)


def test_state_space():
    model = StateSpace(Matrix([[0, 1], [0, 0]]), Matrix([0, 1]), Matrix([[1, 0]]))
    answer = hs.feedback(model, poles=[-1, -2])
    assert answer.closed_loop == StateSpace(Matrix([[0, 1], [-2, -3]]), Matrix([0, 1]), Matrix([[1, 0]]))
    assert hs.observability(model).verdict is Verdict.OBSERVABLE
    assert hs.controllability(model).verdict is Verdict.CONTROLLABLE


def test_models_of_later_sympy_say_their_sample_time():
    """DiscreteTransferFunction and DiscreteStateSpace of sympy after 1.14, by their attributes."""
    model = SimpleNamespace(num=Integer(1), den=z - Rational(1, 2), var=z, sampling_time=TENTH)
    assert hs.to_linear_system(model).dt == Fraction(1, 10)
    assert hs.stability(model).verdict is Verdict.STABLE
    assert hs.conditions(SimpleNamespace(num=Integer(1), den=z - k, var=z, sampling_time=t)) == And(k > -1, k < 1)
    one = Matrix([[1]])
    states = SimpleNamespace(
        state_matrix=2 * one, input_matrix=one, output_matrix=one, feedforward_matrix=0 * one, sampling_time=TENTH
    )
    answer = hs.feedback(states, poles=[TENTH])
    assert answer.closed_loop == Matrix([[TENTH]])
    assert hs.stability(states).verdict is Verdict.UNSTABLE


# Symbols


def test_stability_with_symbols_gives_conditions():
    assert hs.stability(Matrix([[0, 1], [-k, -c]])) == And(c > 0, k > 0)
    assert hs.stability(Matrix([[0, 1], [-1, -1]]), decay=k) == hs.conditions(Matrix([[0, 1], [-1, -1]]), decay=k)
    assert hs.stability(TransferFunction(1, s**3 + 3 * s**2 + 2 * s + k, s)) == And(k > 0, k < 6)
    assert hs.stability(StateSpace(Matrix([[-k]]))) == (k > 0)


def test_leading_coefficient_may_not_vanish():
    assert hs.conditions(TransferFunction(1, m * s**2 + c * s + k, s)) == And(c * m > 0, k * m > 0)
    assert hs.conditions(TransferFunction(k / m, s + 1, s)) == Ne(m, 0)


def test_conditions_of_numbers():
    assert hs.conditions(Matrix([[-1]])) == true
    assert hs.conditions(Matrix([[Float(0.5)]])) == false
    assert hs.conditions(Matrix([[Float(0.5)]]), dt=1) == true


def test_functions_of_time_count_as_symbols():
    angle = Function("q", real=True)(t)
    assert hs.stability(Matrix([[0, 1], [-angle, -1]])) == (angle > 0)


def test_rank_with_symbols():
    a, b = Symbol("a"), Symbol("b")
    assert hs.controllability(Matrix([[a, 1], [0, b]]), Matrix([0, 1])) == true
    assert hs.observability(Matrix([[a, 1], [0, b]]), Matrix([[0, 1]])) == false
    assert hs.observability(StateSpace(diag(a, 1), Matrix([1, 1]), Matrix([[1, b]]))) == And(Ne(a, 1), Ne(b, 0))


def test_assumptions_reach_the_conditions():
    mass = Symbol("m", positive=True)
    assert hs.stability(Matrix([[0, 1], [-k / mass, -c / mass]])) == And(c > 0, k > 0)


# How it prints


def test_answers_print():
    answer = hs.feedback(Matrix([[0, 1], [0, 0]]), Matrix([0, 1]))
    assert repr(answer) == "<SympyAnswer proved: stabilised>"
    assert str(answer).startswith("PROVED: ")
    assert "stabilised" in answer._repr_latex_()
    assert r"\wedge" in hs.stability(Matrix([[0, 1], [-k, -c]]))._repr_latex_()
    with pytest.raises(TypeError, match="no truth value"):
        bool(answer)


# Bad input


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: hs.stability(Matrix([[sqrt(2)]])), r"A\[1,1\]: got sqrt\(2\), expected a rational number"),
        (lambda: hs.stability(Matrix([[-1, 0], [pi, -1]])), r"A\[2,1\]: got pi, expected a rational number"),
        (lambda: hs.stability(Matrix([[I]])), "got I, expected a rational number"),
        (lambda: hs.stability(Matrix([[nan]])), "got nan"),
        (lambda: hs.stability(Matrix([[oo]])), "got oo"),
        (lambda: hs.conditions(Matrix([[k, zoo], [0, k]])), "got zoo, expected finite entries"),
        (lambda: hs.conditions(Matrix([[k * I]])), "got I, expected real entries"),
        (lambda: hs.stability(Matrix([[1, 2]])), "expected a square matrix"),
        (lambda: hs.stability(zeros(0, 0)), "at least one row"),
        (lambda: hs.stability([[1]]), "expected a sympy Matrix, StateSpace or transfer function"),
        (lambda: hs.stability("[[1]]"), "expected a sympy Matrix, StateSpace or transfer function"),
        (lambda: hs.stability(Matrix([[-1]]), dt=-1), "dt: got -1"),
        (lambda: hs.stability(Matrix([[-1]]), damping=1), "damping: got 1"),
        (lambda: hs.conditions(Matrix([[-k]]), damping=1), "damping: got 1"),
        (lambda: hs.conditions(Matrix([[-k]]), damping=k, dt=1), "damping: got k, expected a continuous-time"),
        (lambda: hs.feedback(Matrix([[k]]), Matrix([1])), "got the free symbols k, expected numbers"),
        (lambda: hs.feedback(Matrix([[1]]), Matrix([1]), poles=[sqrt(2)]), r"poles\[1\]: got sqrt\(2\)"),
        (lambda: hs.feedback(Matrix([[1]]), [[1]]), "B: got"),
        (lambda: hs.feedback(Matrix([[1]])), "B: got nothing"),
        (lambda: hs.controllability(Matrix([[k]])), "B: got nothing"),
        (lambda: hs.controllability(Matrix([[k]]), Matrix([1, 2])), "as many rows as there are states, 1"),
        (lambda: hs.observability(Matrix([[1]]), Matrix([[1, 2]])), "as many columns as there are states, 1"),
        (lambda: hs.stabilizability(Matrix([[k]]), Matrix([1])), "free symbols k"),
        (lambda: hs.feedback(StateSpace(Matrix([[1]])), Matrix([1])), "B: got a second one"),
        (lambda: hs.stability(TransferFunction(s**2, s + 1, s)), "proper"),
        (lambda: hs.stability(TransferFunction(exp(-s), s + 1, s)), r"got exp\(-s\), expected polynomials in s"),
        (lambda: hs.feedback(TransferFunction(k, s + 1, s)), "free symbols k"),
        (lambda: hs.stability(Parallel(StateSpace(Matrix([[-1]])), TransferFunction(1, s, s))), "interconnections"),
    ],
)
def test_bad_input_is_one_sentence(ask, sentence):
    with pytest.raises(ProblemError, match=sentence) as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_shapes_are_dimension_errors():
    with pytest.raises(DimensionError):
        hs.feedback(Matrix([[1]]), Matrix([1, 2]))
