"""Every arithmetic against sympy, and against each other."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from expression_cases import X, Y, expressions, rationals
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hybrid.expressions.balls import ball, balls
from hybrid.expressions.evaluate import COMPLEX, FLOATS, KINK, STACKS, Program, symbols
from hybrid.expressions.exact import Angle, NotExact, exact, fraction, rational
from hybrid.expressions.graph import Graph
from hybrid.expressions.infix import infix
from hybrid.expressions.parser import parse
from hybrid.expressions.source import DomainError

DIGITS = 40


def read(text: str):
    """The tape; an expression that has no value anywhere is no case."""
    try:
        return parse(text, ["x", "y"])
    except DomainError:
        assume(False)


def sympy_value(expression, point) -> arb | None:
    """A ball of relative radius 1e-30 around sympy's value, or None where it is not real and finite."""
    substitution = {X: sympy.Rational(*point[0].as_integer_ratio()), Y: sympy.Rational(*point[1].as_integer_ratio())}
    value = expression.subs(substitution).evalf(DIGITS, maxn=400)
    if not (value.is_Float or value.is_Integer or value.is_Rational):
        return None
    middle = arb(str(value))
    return middle + (abs(middle) + 1) * arb(0, 1e-30)


@settings(max_examples=150, deadline=None)
@given(expressions(), rationals, rationals)
def test_balls_agree_with_sympy(case, x, y) -> None:
    tape = read(case[0])
    with ctx.workprec(200):
        expected = sympy_value(case[1], (x, y))
        assume(expected is not None)
        try:
            (value,) = Program(tape, balls())([ball(x), ball(y)])
        except DomainError:
            return  # sympy may simplify a singularity away; we do not
        assert value.overlaps(expected), infix(tape)


@settings(max_examples=150, deadline=None)
@given(expressions(), rationals, rationals, st.fractions(0, Fraction(1, 2), max_denominator=64), st.data())
def test_balls_over_a_box_hold_the_values_in_it(case, x, y, radius, data) -> None:
    tape = read(case[0])
    inside = [centre + radius * data.draw(st.fractions(-1, 1, max_denominator=16)) for centre in (x, y)]
    with ctx.workprec(128):
        box = [ball(centre - radius).union(ball(centre + radius)) for centre in (x, y)]
        try:
            (enclosure,) = Program(tape, balls())(box)
        except DomainError:
            assume(False)
        (value,) = Program(tape, balls())([ball(entry) for entry in inside])  # a point of the domain, surely
        assert enclosure.overlaps(value)
        try:
            (exactly,) = Program(tape, exact())([rational(entry) for entry in inside])
        except NotExact:
            return
    if isinstance(exactly, fmpq):
        with ctx.workprec(4000):  # at which the rational number enters flint's comparison
            assert enclosure.contains(exactly)


@settings(max_examples=150)
@given(expressions(functions=(), leaves=8), rationals, rationals)
def test_rational_expressions_are_exact(case, x, y) -> None:
    tape = read(case[0])
    point = (x, y)
    expected = case[1].subs({X: sympy.Rational(*x.as_integer_ratio()), Y: sympy.Rational(*y.as_integer_ratio())})
    try:
        (value,) = Program(tape, exact())([rational(entry) for entry in point])
    except DomainError:
        return
    assert sympy.Rational(int(value.p), int(value.q)) == expected
    assert Program(tape, FLOATS)([float(entry) for entry in point])[0] == pytest.approx(
        float(expected), abs=1e-9, rel=1e-9
    )


@settings(max_examples=100, deadline=None)
@given(expressions(), st.lists(st.tuples(rationals, rationals), min_size=1, max_size=4))
def test_floats_complex_numbers_and_stacks_agree(case, points) -> None:
    tape = read(case[0])
    stack = [np.array(column, float) for column in zip(*points, strict=True)]
    with np.errstate(all="ignore"):
        (together,) = np.broadcast_arrays(Program(tape, STACKS)(stack)[0])
        together = np.broadcast_to(together, (len(points),))
    for point, entry in zip(points, together, strict=True):
        try:
            (alone,) = Program(tape, FLOATS)([float(x) for x in point])
            (in_plane,) = Program(tape, COMPLEX)([complex(x) for x in point])
        except DomainError:
            continue
        if abs(alone) < 1e100:
            assert entry == pytest.approx(alone, rel=1e-6, abs=1e-9)
            assert in_plane == pytest.approx(alone, rel=1e-6, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(expressions())
def test_symbols_are_what_sympy_reads(case) -> None:
    (ours,) = Program(read(case[0]), symbols())([X, Y])
    difference = (ours - case[1]).subs({X: sympy.Rational(7, 10), Y: sympy.Rational(2, 5)}).evalf(30)
    assert not difference.is_number or difference is sympy.nan or abs(complex(difference)) < 1e-12


# Exact special values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cos(pi) + sin(pi/2)", 0),
        ("sin(pi/6) + sin(-7*pi/6) + cos(2*pi/3)", Fraction(1, 2)),
        ("sin(11*pi/6)", Fraction(-1, 2)),
        ("tan(-pi/4) + tan(5*pi)", -1),
        ("(3*pi - pi)/(pi/2)", 4),
        ("(2 + 4*pi)/(1 + 2*pi)", 2),
        ("6*asin(1/2)/pi - acos(-1)/pi + 4*atan(1)/pi", 1),
        ("acos(1/2)*3/pi + acos(1) + asin(-1)*2/pi", 0),
        ("0/pi", 0),
        ("x - pi + pi", 3),
        ("sqrt(x + 1) + x^3 + sinh(x - x*1)", 29),
        ("abs(-x)*sign(-x)", -3),
        ("(x - 2)^(1/5) + (x/3)^(-7/9)", 2),
    ],
)
def test_exact_special_values(text: str, expected: Fraction) -> None:
    (value,) = Program(parse(text, ["x"]), exact())([fmpq(3)])
    assert fraction(value) == expected


@pytest.mark.parametrize(
    "text", ["sin(x)", "sqrt(x - 1)", "pi*pi", "sin(pi/3)", "sin(x + pi)", "exp(x)", "1/pi", "pi^2", "tan(pi/3)"]
)
def test_what_is_irrational_is_not_exact(text: str) -> None:
    with pytest.raises(NotExact):
        Program(parse(text, ["x"]), exact())([fmpq(3)])


def test_a_multiple_of_pi_is_no_fraction() -> None:
    (value,) = Program(parse("x*pi", ["x"]), exact())([fmpq(3)])
    assert isinstance(value, Angle)
    with pytest.raises(NotExact):
        fraction(value)


@pytest.mark.parametrize("step", ["{0}*{0} + 1", "{0} + 1/{0}"])
def test_numbers_that_double_in_length_end_exact_evaluation(step: str) -> None:
    graph = Graph(["x"])
    node = 0
    for _ in range(60):
        square = graph.multiply(node, node) if "*" in step else graph.divide(graph.constant(1), node)
        node = graph.add(square, graph.constant(1) if "*" in step else node)
    with pytest.raises(NotExact):
        Program(graph.tape([node]), exact())([fmpq(3, 7)])


# Outside the domain

OUTSIDE = [
    ("1/(x - 2)", "/", 2),
    ("x + log(-x)", "log", 5),
    ("sqrt(1 - x)", "sqrt", 1),
    ("asin(x)", "asin", 1),
    ("acos(-x)", "acos", 1),
    ("(x - 2)^-3", "^", 8),
    ("(1 - x)^(1/3)", "root", 8),
    ("(-x)^pi", "log", 5),
]


@pytest.mark.parametrize(("text", "operation", "column"), OUTSIDE)
def test_a_point_outside_the_domain_is_named(text: str, operation: str, column: int) -> None:
    tape = parse(text, ["x"], "equations[1]")
    for arithmetic, point in ((FLOATS, 2.0), (exact(), fmpq(2)), (balls(), arb(2))):
        with pytest.raises(DomainError, match=r"equations\[1\], line 1, column") as error:
            Program(tape, arithmetic)([point])
        assert (error.value.operation, error.value.line, error.value.column) == (operation, 1, column)


@pytest.mark.parametrize("text", ["1/x", "log(x)", "sqrt(x)", "tan(2*x)", "asin(2*x)", "x^-2", "x^(1/3)"])
def test_a_box_that_leaves_the_domain_is_refused(text: str) -> None:
    with pytest.raises(DomainError):
        Program(parse(text, ["x"]), balls())([arb(0, 1)])


def test_overflow_is_named() -> None:
    with pytest.raises(DomainError, match=r"exp of 1000\.0, expected a result in the range"):
        Program(parse("exp(x)", ["x"]), FLOATS)([1000.0])


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [("x^2", 0, 4), ("x^3", -8, 8), ("abs(x)", 0, 2), ("sign(x)", -1, 1), ("x*x", 0, 4), ("tanh(x)", -0.97, 0.97)],
)
def test_enclosures_around_zero_are_tight(text: str, lower: float, upper: float) -> None:
    (enclosure,) = Program(parse(text, ["x"]), balls())([arb(0, 2)])
    assert float(enclosure.lower()) == pytest.approx(lower, abs=1e-2)
    assert float(enclosure.upper()) == pytest.approx(upper, rel=1e-2)


def test_zero_times_what_may_be_undefined_stays() -> None:
    assert infix(parse("0*log(x) + 0*sin(x) + (x - x)", ["x"])) == ["0*log(x)"]
    assert infix(parse("sqrt(x) - sqrt(x) + log(x)^0 + x^0", ["x"])) == ["sqrt(x) - sqrt(x) + log(x)^0 + 1"]
    with pytest.raises(DomainError):
        Program(parse("0/x", ["x"]), FLOATS)([0.0])


def test_a_kink_is_absorbed_by_zero_only() -> None:
    assert 0.0 * KINK == 0.0
    assert fmpq(0) * KINK == 0
    assert 2.0 * KINK is KINK
    assert (1 + KINK) - 3 is KINK


def test_a_graph_composes() -> None:
    # The closed loop of x' = -x^3 + u under u = -2 sin(x)
    graph = Graph(["x"])
    feedback = graph.extend(parse("-2*sin(x)", ["x"]), [0])[-1]
    plant = parse("-x^3 + u", ["x", "u"])
    nodes = graph.extend(plant, [0, feedback])
    assert infix(graph.tape([nodes[output] for output in plant.outputs])) == ["-x^3 + (-2*sin(x))"]
