"""Derivatives, forward and reverse, as numbers and as expressions, against sympy's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from expression_cases import FUNCTIONS, X, Y, expressions, rationals
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from test_expressions_evaluate import read, sympy_value

from hybrid.expressions.balls import ball, balls
from hybrid.expressions.derivatives import jacobian, jacobian_tape
from hybrid.expressions.equations import read_equations
from hybrid.expressions.evaluate import COMPLEX, FLOATS, STACKS, Program
from hybrid.expressions.exact import exact, fraction
from hybrid.expressions.graph import Graph
from hybrid.expressions.infix import infix
from hybrid.expressions.parser import parse
from hybrid.expressions.source import DomainError

RULES = [(f"{name}(x/2)", function(X / 2)) for name, function in FUNCTIONS.items()] + [
    ("x^5", X**5),
    ("x^-3", X**-3),
    ("x^(1/3)", X ** sympy.Rational(1, 3)),
    ("x^(-7/5)", X ** sympy.Rational(-7, 5)),
    ("x^x", X**X),
    ("2^(x/3)", 2 ** (X / 3)),
    ("(x + 1)/(x^2 + 3)", (X + 1) / (X**2 + 3)),
    ("(x - 5)*(3 - x)", (X - 5) * (3 - X)),
    ("-(x - 2*x^2)", 2 * X**2 - X),
]


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize(("text", "expression"), RULES, ids=lambda case: str(case)[:20])
def test_each_rule_twice(text, expression, mode) -> None:
    tape = parse(text, ["x", "y"])
    slope, curvature = jacobian_tape(tape, [0], mode), jacobian_tape(jacobian_tape(tape, [0], mode), [0], mode)
    with ctx.workprec(150):
        point = [ball(Fraction(3, 5)), ball(0)]
        (numeric,) = jacobian(tape, Program(tape, balls()).trace(point), balls(), [0], mode)[0]
        entries = [numeric, *Program(slope, balls())(point), *Program(curvature, balls())(point)]
        for entry, order in zip(entries, (1, 1, 2), strict=True):
            expected = sympy_value(sympy.diff(expression, X, order), (Fraction(3, 5), Fraction(0)))
            assert entry.overlaps(expected)
            assert entry.rad() < 1e-30


def test_derivatives_keep_the_places_of_their_parts() -> None:
    with pytest.raises(DomainError) as error:
        Program(jacobian_tape(parse("y*log(x)", ["x", "y"]), [1]), FLOATS)([-1.0, 0.0])
    assert (error.value.operation, error.value.column) == ("log", 3)


@settings(max_examples=150, deadline=None)
@given(expressions(leaves=5), rationals, rationals)
def test_gradients_enclose_those_of_sympy(case, x, y) -> None:
    tape = read(case[0])
    with ctx.workprec(200):
        point = [ball(x), ball(y)]
        try:
            values = Program(tape, balls()).trace(point)
            (forward,) = jacobian(tape, values, balls(), [0, 1], "forward")
            (reverse,) = jacobian(tape, values, balls(), [0, 1], "reverse")
            symbolic = Program(jacobian_tape(tape, [0, 1]), balls())(point)
        except DomainError:
            assume(False)
        for variable, entries in zip((X, Y), zip(forward, reverse, symbolic, strict=True), strict=True):
            expected = sympy_value(sympy.diff(case[1], variable), (x, y))
            if expected is not None:
                assert all(arb(entry).overlaps(expected) for entry in entries), (variable, entries, expected)


@settings(max_examples=80, deadline=None)
@given(expressions(leaves=4), rationals, rationals)
def test_second_derivatives(case, x, y) -> None:
    assume("abs" not in case[0])
    tape = read(case[0])
    hessian = jacobian_tape(jacobian_tape(tape, [0, 1]), [0, 1])
    with ctx.workprec(300):
        try:
            entries = Program(hessian, balls())([ball(x), ball(y)])
        except DomainError:
            assume(False)
        expected = [sympy_value(sympy.diff(case[1], a, b), (x, y)) for a in (X, Y) for b in (X, Y)]
    assert all(value is None or entry.overlaps(value) for entry, value in zip(entries, expected, strict=True))


@settings(max_examples=100)
@given(expressions(functions=(), leaves=8), rationals, rationals)
def test_gradients_of_rational_expressions_are_exact(case, x, y) -> None:
    tape = read(case[0])
    at = {X: sympy.Rational(*x.as_integer_ratio()), Y: sympy.Rational(*y.as_integer_ratio())}
    point = [fmpq(*x.as_integer_ratio()), fmpq(*y.as_integer_ratio())]
    try:
        (gradient,) = jacobian(tape, Program(tape, exact()).trace(point), exact(), [0, 1])
    except DomainError:
        return
    expected = [sympy.diff(case[1], variable).subs(at) for variable in (X, Y)]
    assert [sympy.Rational(*fraction(entry).as_integer_ratio()) for entry in gradient] == expected


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_stacks_and_complex_steps(mode) -> None:
    tape = parse("exp(-x)*sin(x*y)/(1 + y^2)", ["x", "y"])
    points = np.array([[0.3, 1.2], [-1.0, 0.4], [2.0, 3.0]])
    (rows,) = jacobian(tape, Program(tape, STACKS).trace(list(points.T)), STACKS, [0, 1], mode)
    for point, *entries in zip(points, *rows, strict=True):
        for i, entry in enumerate(entries):
            step = [complex(value, 1e-30 * (i == j)) for j, value in enumerate(point)]
            assert entry == pytest.approx(Program(tape, COMPLEX)(step)[0].imag / 1e-30, rel=1e-13)


def test_both_modes_on_several_outputs() -> None:

    graph = Graph(["x", "y"])
    nodes = read_equations(graph, {"x": 0, "y": 1}, ["x", "y"], [("f", "s = x*y; x; s + 3")])
    tape = graph.tape([*nodes, 1])
    values = Program(tape, FLOATS).trace([2.0, 5.0])
    for mode in ("forward", "reverse", None):
        assert jacobian(tape, values, FLOATS, [1, 0], mode) == [[0, 1], [2, 5], [1, 0]]


def derivative(text: str, at, arithmetic=FLOATS):
    tape = parse(text, ["x"])
    numeric = jacobian(tape, Program(tape, arithmetic).trace([at]), arithmetic, [0])[0][0]
    symbolic = Program(jacobian_tape(tape, [0]), arithmetic)([at])[0]
    return numeric, symbolic


@pytest.mark.parametrize(
    ("text", "at", "slope"),
    [
        ("abs(x)", -2.0, -1),
        ("x*abs(x)", 0.0, 0),
        ("sin(x)*abs(x) + 3*x", 0.0, 3),
        ("sign(x)*x", 2.0, 1),
        ("abs(x)*sign(x)", -2.0, 1),
        ("(abs(x) - 1)^2", 3.0, 4),
    ],
)
def test_kinks_that_do_not_matter(text: str, at: float, slope: float) -> None:
    assert derivative(text, at) == (slope, slope)
    assert derivative(text, fmpq(int(at)), exact()) == (slope, slope)
    assert all(entry.contains(slope) and entry.rad() == 0 for entry in derivative(text, arb(at), balls()))


@pytest.mark.parametrize(
    ("text", "operation", "column"),
    [
        ("1 + abs(x)", "abs", 5),
        ("x + sign(x)", "sign", 5),
        ("x*sign(x)", "sign", 3),
        ("sqrt(x)", "sqrt", 1),
        ("x*sqrt(x)", "sqrt", 3),
        ("x^(1/3)", "root", 2),
        ("asin(1 - x)", "asin", 1),
    ],
)
def test_kinks_that_matter_are_placed(text: str, operation: str, column: int) -> None:
    tape = parse(text, ["x"])
    for arithmetic, zero in ((FLOATS, 0.0), (exact(), fmpq(0)), (COMPLEX, 0j)):
        with pytest.raises(DomainError, match="derivative") as error:
            jacobian(tape, Program(tape, arithmetic).trace([zero]), arithmetic, [0])
        assert (error.value.operation, error.value.line, error.value.column) == (operation, 1, column)
        with pytest.raises(DomainError) as error:
            Program(jacobian_tape(tape, [0]), arithmetic)([zero])
        assert error.value.column == column


def test_what_is_not_smooth_is_flagged() -> None:
    flags = parse("(x^2 +\n abs(x)*sign(x))", ["x"], "f").nonsmooth
    assert [(op, place.field, place.line, place.column) for op, place in flags] == [
        ("abs", "f", 2, 2),
        ("sign", "f", 2, 9),
    ]
    assert parse("sin(x)", ["x"]).nonsmooth == ()


def test_a_box_around_a_kink() -> None:
    for entry in derivative("abs(x)", arb(0, 1), balls()):
        assert entry.contains(arb(0, 1))
        assert entry.abs_upper() < 1 + 1e-6
    tape = parse("sign(x)", ["x"])
    with pytest.raises(DomainError):
        jacobian(tape, Program(tape, balls()).trace([arb(0, 1)]), balls(), [0])
    with pytest.raises(DomainError):
        Program(jacobian_tape(jacobian_tape(parse("abs(x)", ["x"]), [0]), [0]), balls())([arb(0, 1)])


def test_derivatives_are_light_expressions() -> None:
    assert infix(jacobian_tape(parse("x^3 + x*y + 7", ["x", "y"]), [0, 1])) == ["y + 3*x^2", "x"]
    assert infix(jacobian_tape(parse("sin(exp(-x)) - 2", ["x"]), [0])) == ["-(exp(-x)*cos(exp(-x)))"]
