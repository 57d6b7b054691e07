"""The parser: what it reads, what it refuses and where, and that writing a tape down gives it back."""

from __future__ import annotations

import ast
import contextlib
from fractions import Fraction

import pytest
from expression_cases import expressions
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hybrid.errors import ParseError, ProblemError
from hybrid.expressions import parser as parser_module
from hybrid.expressions.equations import primed_names, read_equations
from hybrid.expressions.evaluate import FLOATS, Program, expect_real_constants
from hybrid.expressions.graph import Graph
from hybrid.expressions.infix import infix
from hybrid.expressions.parser import parse
from hybrid.expressions.source import DomainError


def value(text: str) -> Fraction:
    (constant,) = parse(text, []).constants
    return constant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2^-1", Fraction(1, 2)),
        ("-2^2", Fraction(-4)),
        ("(-2)^2", Fraction(4)),
        ("2^3^2", Fraction(512)),
        ("2**-2*3", Fraction(3, 4)),
        ("8/4/2", Fraction(1)),
        ("1 - 2 - 3", Fraction(-4)),
        ("2*-3 + +1", Fraction(-5)),
        ("--2", Fraction(2)),
        ("0.1", Fraction(1, 10)),
        ("1.25e-3", Fraction(1, 800)),
        (".5", Fraction(1, 2)),
        ("2.", Fraction(2)),
        ("0x1.8p-1", Fraction(3, 4)),
        ("1/3", Fraction(1, 3)),
        ("Rational(-4, 6)", Fraction(-2, 3)),
        ("sqrt(9/4)", Fraction(3, 2)),
        ("27^(2/3)", Fraction(9)),
        ("sin(0) + cos(0) + ln(1) + Abs(-2) + sign(-7)", Fraction(2)),
        ("(1 +\n  1) # a comment", Fraction(2)),
    ],
)
def test_constants_are_exact(text: str, expected: Fraction) -> None:
    assert value(text) == expected


def test_precedence_is_that_of_python() -> None:
    for text in ("-x**2*y", "2**-x**2", "x - y*x/y**2 - -x", "-x/y*x", "x*-y**2", "(x + y)**2**x"):
        tree = ast.parse(text, mode="eval")
        ours = Program(parse(text, ["x", "y"]), FLOATS)([1.3, 0.7])[0]
        theirs = eval(compile(tree, "", "eval"), {"x": 1.3, "y": 0.7})
        assert ours == pytest.approx(theirs, rel=1e-14), text


REFUSED = [
    ("__import__('os').system('true')", 1, 1),
    ("x.__class__", 1, 2),
    ("x.real", 1, 2),
    ("lambda x: x", 1, 1),
    ("[i for i in x]", 1, 1),
    ("x if y else x", 1, 3),
    ("'x'", 1, 1),
    ("x @ y", 1, 3),
    ("x == y", 1, 1),
    ("9**9**9**9", 1, 5),
    ("x^1001", 1, 2),
    ("2x", 1, 2),
    ("x y", 1, 3),
    ("x(y)", 1, 2),
    ("sin x", 1, 1),
    ("sine(x)", 1, 1),
    ("sin(x, y)", 1, 6),
    ("Rational(x, 2)", 1, 1),
    ("Rational(1, 2, 3)", 1, 14),
    ("(x + y", 1, 7),
    ("x + y)", 1, 6),
    ("x +", 1, 4),
    ("()", 1, 2),
    ("x + \\\ny", 1, 5),
    ("(x +\n z)", 2, 2),
    ("1e9999", 1, 1),
    ("9" * 5000, 1, 1),
    ("x + 1..2", 1, 7),
    ("√x", 1, 1),
]


@pytest.mark.parametrize(("text", "line", "column"), REFUSED, ids=lambda case: str(case)[:24])
def test_refusals_name_their_place(text: str, line: int, column: int) -> None:
    with pytest.raises(ParseError) as refusal:
        parse(text, ["x", "y"], "f")
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert str(refusal.value).startswith(f"f, line {line}, column {column}: got ")


@pytest.mark.parametrize(
    ("text", "operation", "column"),
    [
        ("x + 1/(2 - 2)", "/", 6),
        ("log(0)", "log", 1),
        ("0^-1", "^", 2),
    ],
)
def test_constants_without_a_value_name_their_operation(text: str, operation: str, column: int) -> None:
    with pytest.raises(DomainError) as refusal:
        parse(text, ["x"])
    assert (refusal.value.operation, refusal.value.column) == (operation, column)


@pytest.mark.parametrize(
    ("text", "operation", "column"), [("log(-1)", "log", 1), ("x*sqrt(-4)", "sqrt", 3), ("asin(2)", "asin", 1)]
)
def test_constants_with_a_complex_value_are_refused_where_real_ones_are_needed(
    text: str, operation: str, column: int
) -> None:
    tape = parse(text, ["x"])
    for ask in (lambda: expect_real_constants(tape), lambda: Program(tape, FLOATS)([1.0])):
        with pytest.raises(DomainError) as refusal:
            ask()
        assert (refusal.value.operation, refusal.value.column) == (operation, column)


def test_the_logarithm_of_an_exponential_is_its_argument_where_that_is_real() -> None:
    assert parse("log(exp(x))", ["x"]).operations == ()
    assert [op for op, *_ in parse("log(exp(sqrt(x)))", ["x"]).operations] == ["sqrt", "exp", "log"]


def test_close_names_are_suggested() -> None:
    with pytest.raises(ParseError, match=r"unknown symbol thtea.*did you mean theta"):
        parse("sin(thtea)", ["theta", "x"])
    with pytest.raises(ParseError, match=r"unknown function sinn.*did you mean sin"):
        parse("sinn(x)", ["x"])


@pytest.mark.parametrize(
    ("pattern", "count", "end"),
    [
        ("(", 10_000, "x" + ")" * 10_000),
        ("sin(", 10_000, ""),
        ("-", 10_000, "x"),
        ("x^", 10_000, "x"),
        ("x", 100_000_000, ""),
        ("#", 999_999, ""),
        ("9", 999_999, ""),
        ("x+", 499_999, "x"),
        ("1+", 499_999, ""),
        ("7^900/", 100_000, "3"),
        ("x", 999_999, ""),
        (";", 999_999, ""),
        ("'", 999_999, ""),
        ("d=x*x;", 100_000, ""),
    ],
)
def test_hostile_texts_are_refused(pattern: str, count: int, end: str) -> None:
    # Each takes well under a second; what this guards against (quadratic reading, recursion) takes minutes or dies.
    with pytest.raises(ProblemError):
        parse(pattern * count + end, ["x"] + [f"name{i}" for i in range(999)])


def test_blanks_cost_nothing() -> None:
    assert parse("x" + " " * 999_998, ["x"]).outputs == (0,)


def test_no_text_recurses() -> None:
    deep = "x" + " + sin(x)*2" * 5_000
    assert len(parse(deep, ["x"]).operations) > 5_000
    with pytest.raises(ParseError, match=f"at most {parser_module.MAX_DEPTH} levels"):
        parse("(" * 201 + "x" + ")" * 201, ["x"])
    assert parse("(" * 200 + "x" + ")" * 200, ["x"]).outputs == (0,)


@given(st.text(alphabet="xy012.+-*/^()=;',# \nsincoe\"\\[]{}:_ \t", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ProblemError):
        parse(text, ["x", "y"])


@settings(max_examples=200)
@given(expressions())
def test_text_of_a_tape_gives_the_tape(case) -> None:
    try:
        tape = parse(case[0], ["x", "y"])
    except DomainError:
        assume(False)
    (text,) = infix(tape)
    assert parse(text, ["x", "y"]) == tape


def test_shared_parts_do_not_explode() -> None:
    graph = Graph(["x"])
    node = 0
    for _ in range(60):
        node = graph.add(graph.unary("sin", node), graph.unary("cos", node))
    tape = graph.tape([node])
    assert len(tape.operations) == 180
    with pytest.raises(ProblemError, match="text of at most"):
        infix(tape)


# Equations


def read(text: str, states: list[str], names: list[str] | None = None) -> list[str]:
    graph = Graph(names or states)
    nodes = read_equations(graph, {name: i for i, name in enumerate(graph.names)}, states, [("equations", text)])
    return infix(graph.tape(nodes))


def test_equations_in_any_order_with_definitions_and_comments() -> None:
    text = """
    # a pendulum
    s = sin(x)      # shared
    dy/dt = -s - y/10
    x' = y; """
    assert read(text, ["x", "y"]) == ["y", "-sin(x) - y/10"]
    assert primed_names(text) == ["y", "x"]
    assert read("y; -x", ["x", "y"]) == ["y", "-x"]


def test_names_shadow_e() -> None:
    assert read("x' = e*x", ["x"], ["x", "e"]) == ["e*x"]
    assert read("x' = e*x", ["x"]) == ["exp(1)*x"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x' = y\nz' = x; y' = x", "line 2, column 1: got an equation for z, expected one of the states x, y"),
        ("x' = y; y' = x; x' = 1", "column 17: got a second equation for x"),
        ("x' = y; s = 1; s = 2", "column 16: got a second meaning of s"),
        ("x = y; y' = 1", "column 1: got a second meaning of x"),
        ("x' = s; y' = x; s = 1", "column 6: got s, expected a name that is defined before it is used"),
        ("x' = y", "got no equation for y"),
        ("x' = y; -x", "right-hand sides with and without a state"),
        ("y", "got 1 right-hand sides, expected 2"),
        ("x'' = y", "column 3: got a second derivative"),
        ("2' = y", "column 1: got '2', expected the name of a state"),
        ("sin = y", "column 1: got 'sin', expected the name"),
        ("x' + y", "column 4: got '+', expected ="),
        ("x' = ; y' = x", "column 6: got the end of the expression"),
        ("x' = (y; y' = x", "column 8: got the end of the expression"),
        ("x' = u; y' = x", "unknown symbol u, expected one of x, y, or a declared input or parameter"),
    ],
)
def test_wrong_equations_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(ProblemError) as refusal:
        read(text, ["x", "y"])
    assert sentence in str(refusal.value)
