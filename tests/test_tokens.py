"""Tokens: what is written is read back the same, means what the text means, and nothing is simplified."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybrid
from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.expressions.evaluate import COMPLEX, FLOATS, Program
from hybrid.expressions.parser import parse
from hybrid.expressions.tokens import (
    BINARY_OPERATORS,
    MAX_DEPTH,
    MAX_LENGTH,
    UNARY_OPERATORS,
    VOCABULARY,
    float_tokens,
    infix,
    integer_tokens,
    is_number,
    number_value,
    number_words,
    read_words,
    split_tokens,
)
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.tokens import TokenSystem

PAPER = Path(__file__).resolve().parents[2] / "shared" / "paper"

integers_of_9 = st.integers(-(10**9), 10**9)
integers = st.integers(-(10**30), 10**30).map(integer_tokens)
floats = st.builds(lambda k, shift: float_tokens(Fraction(10 * k + 1, 10**shift)), integers_of_9, st.integers(1, 60))


def expressions(variables: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    leaves = st.sampled_from(variables).map(lambda name: (name,)) | integers | floats
    return st.recursive(
        leaves,
        lambda below: (
            st.builds(lambda op, a: (op, *a), st.sampled_from(UNARY_OPERATORS), below)
            | st.builds(lambda op, a, b: (op, *a, *b), st.sampled_from(BINARY_OPERATORS), below, below)
        ),
        max_leaves=20,
    )


@st.composite
def systems(draw: st.DrawFn) -> TokenSystem:
    states, inputs, has_time = draw(st.integers(1, 4)), draw(st.integers(0, 2)), draw(st.booleans())
    variables = [f"x{i}" for i in range(states + inputs + has_time)]
    equations = draw(st.lists(expressions(variables), min_size=states, max_size=states))
    return TokenSystem(states, inputs, has_time, tuple(equations))


def same(system: TokenSystem) -> TokenSystem:
    return TokenSystem.from_text(
        system.texts(), system.state_names, system.input_names, "t" if system.has_time else None
    )


@given(systems())
def test_tokens_are_read_back(system: TokenSystem) -> None:
    written = " ".join(system.tokens())
    assert TokenSystem.from_paper(written, inputs=system.inputs, has_time=system.has_time) == system


@given(systems())
def test_texts_are_read_back(system: TokenSystem) -> None:
    assert same(system) == system


@given(systems())
def test_words_split_into_tokens(system: TokenSystem) -> None:
    assert tuple(split_tokens(words) for words in system.words) == system.equations


@given(st.integers(-(10**40), 10**40))
def test_integers(value: int) -> None:
    tokens = integer_tokens(value)
    assert all(len(digit) == 1 for digit in tokens[1:])
    assert number_words(" ".join(tokens)) == [" ".join(tokens)]
    assert number_value(" ".join(tokens)) == value


@given(st.fractions(max_denominator=10**6).map(lambda x: Fraction(x.numerator, 10 ** len(str(x.denominator)))))
def test_floats(value: Fraction) -> None:
    """As C writes them with %.2e where two decimals suffice, and exact in every case."""
    tokens = float_tokens(value)
    word = " ".join(tokens)
    assert number_words(word) == [word]
    assert is_number(word)
    assert number_value(word) == value
    if Fraction(f"{float(value):.2e}") == value:
        mantissa, exponent = f"{abs(float(value)):.2e}".split("e")
        assert tokens[1:] == (*mantissa, "10^", *integer_tokens(int(exponent)))


def test_vocabulary_holds_what_is_written() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == 61
    system = TokenSystem.from_text(["-1.5*sin(x) + sqrt(acos(u))", "tanh(x)/y - t"], ["x", "y"], ["u"], "t")
    assert set(system.tokens()) <= set(VOCABULARY)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("x - x + 0*y", "+ - x0 x0 * INT+ 0 x1"),
        ("2 + 3", "+ INT+ 2 INT+ 3"),
        ("-3*x", "* INT- 3 x0"),
        ("-x*y", "* * INT- 1 x0 x1"),
        ("-(-x)", "* INT- 1 * INT- 1 x0"),
        ("--7", "* INT- 1 INT- 7"),
        ("-0", "INT+ 0"),
        ("x^3", "* * x0 x0 x0"),
        ("x**-2", "/ INT+ 1 * x0 x0"),
        ("(cos(x) + 4)^0", "+ INT+ 1 * INT+ 0 + cos x0 INT+ 4"),
        ("x^0.5", "sqrt x0"),
        ("x^(1/3)", "exp * / INT+ 1 INT+ 3 ln x0"),
        ("x^y", "exp * x1 ln x0"),
        ("1/3 + Rational(1, 3)", "+ / INT+ 1 INT+ 3 / INT+ 1 INT+ 3"),
        ("0.05", "FLOAT+ 5 . 0 0 10^ INT- 2"),
        ("-9.80665", "FLOAT- 9 . 8 0 6 6 5 10^ INT+ 0"),
        ("2.0 + 1e3", "+ INT+ 2 INT+ 1 0 0 0"),
        ("log(x) + ln(x)", "+ ln x0 ln x0"),
        ("asin(6)", "asin INT+ 6"),
        ("pi", "* INT+ 4 atan INT+ 1"),
        ("e", "exp INT+ 1"),
    ],
)
def test_text_is_written_as_it_stands(text: str, tokens: str) -> None:
    assert TokenSystem.from_text([text, "y"], ["x", "y"]).equations[0] == tuple(tokens.split())


@given(st.sampled_from(["sinh(x)", "cosh(x*y)", "tanh(x - y)", "pi*x^2", "e^x", "x^(2/3)", "(x*y)^-3", "y^2.5"]))
def test_rewritten_operations_have_their_value(text: str) -> None:
    (value,) = Program(TokenSystem.from_text([text, "y"], ["x", "y"]).tape(), FLOATS)([0.7, 1.3])[:1]
    assert value == pytest.approx(Program(parse(text, ["x", "y"]), FLOATS)([0.7, 1.3])[0], rel=1e-13)


@pytest.mark.parametrize("text", ["abs(x)", "2 + sign(x)"])
def test_what_tokens_cannot_write_is_named(text: str) -> None:
    with pytest.raises(ParseError, match=r"equations, line 1, column \d+: got (abs|sign), expected what tokens can"):
        TokenSystem.from_text(text, ["x"])


def test_definitions_primes_and_time() -> None:
    text = "force = u - k; k = 1; v' = force"
    with pytest.raises(ParseError, match="defined before it is used"):
        TokenSystem.from_text(text, ["v"], ["u"])
    system = TokenSystem.from_text("force = u - s; v' = force*s; p' = v", ["p", "v"], ["u"], time="s")
    assert system.texts() == ("x1", "(u0 - t)*t")
    assert system.tokens() == tuple(["INT+", "2", "<SPECIAL_3>", "x1", "<SPECIAL_3>", "*", "-", "x2", "x3", "x3"])
    assert system.system().free == ("t",)


def test_a_system_in_tokens_is_the_system() -> None:
    pendulum = NonlinearSystem(["x", "y"], ["u"], ["y", "-g*sin(x) - y/10 + u"], {"g": "9.81"})
    system = TokenSystem.from_system(pendulum)
    point = {"x0": 0.3, "x1": -1.0, "u0": 0.2}
    given = pendulum.linearise({"x": 0.3, "y": -1.0, "u": 0.2})
    found = system.system().linearise(point)
    np.testing.assert_allclose(found.A, given.A, rtol=1e-14)
    np.testing.assert_allclose(found.B, given.B, rtol=1e-14)


def test_nothing_is_folded_in_the_tape() -> None:
    system = TokenSystem.from_paper("INT+ 1 <SPECIAL_3> + x0 - asin INT+ 6 asin INT+ 6")
    assert len(system.tape().operations) == 3
    assert Program(system.tape(), COMPLEX)([2.0]) == [2.0]
    with pytest.raises(ProblemError, match="arcsine"):
        hybrid.stability(system.system(), at={"x0": 0})


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("", "got nothing before 0 equations"),
        ("INT+ 2 <SPECIAL_3> x0", "got INT\\+ 2 before 1 equations"),
        ("INT+ 0 1 <SPECIAL_3> x0", "before 1 equations"),
        ("INT+ 1 <SPECIAL_3>", r"equations\[0\]: got nothing, expected an operand more"),
        ("INT+ 1 <SPECIAL_3> + x0", "got the end of the expression, expected an operand more"),
        ("INT+ 1 <SPECIAL_3> x0 x0", r"got x0 after the end of the expression \(word 2\)"),
        ("INT+ 1 <SPECIAL_3> + x0 x1", r"got x1 \(word 3\), expected one of the variables x0"),
        ("INT+ 1 <SPECIAL_3> + x0 INT+", r"got INT\+ \(word 3\), expected a number"),
        ("INT+ 1 <SPECIAL_3> + x0 INT+ 0 7", "got INT\\+ \\(word 3\\), expected a number"),
        ("INT+ 1 <SPECIAL_3> INT- 0", "expected a number"),
        ("INT+ 1 <SPECIAL_3> INT+ 1 2x0", "after the end|expected"),
        ("INT+ 1 <SPECIAL_3> INT+ \u0663", "expected a number"),
        ("INT+ 1 <SPECIAL_3> FLOAT+ 1 . 5 10^ INT+ 9 9 9 9", "expected a number"),
        ("INT+ 1 <SPECIAL_3> ^ x0 INT+ 2", r"got \^ \(word 1\), expected a variable, a number, or one of \+"),
        ("INT+ 1 <SPECIAL_3> sinh x0", "got sinh"),
        ("INT+ 1 <SPECIAL_3> " + "sin " * MAX_DEPTH + "x0", "deeper nesting"),
        ("INT+ 1 <SPECIAL_3> " + "+ x0 " * MAX_LENGTH + "x0", "tokens, expected at most"),
    ],
)
def test_wrong_tokens_are_refused(tokens: str, expected: str) -> None:
    with pytest.raises(ParseError, match=expected):
        TokenSystem.from_paper(tokens)


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(DimensionError, match="2, one for each state"):
        TokenSystem(2, 0, False, (("x0",),))
    with pytest.raises(ProblemError, match="inputs: got -1"):
        TokenSystem(1, -1, False, (("x0",),))


def test_tokens_are_text() -> None:
    with pytest.raises(ParseError, match="expected tokens"):
        TokenSystem(1, 0, False, (("+", "x0", 3),))  # type: ignore[arg-type]
    with pytest.raises(ParseError, match="expected tokens separated by blanks"):
        TokenSystem.from_paper(7)  # type: ignore[arg-type]


def test_negative_numbers_stand_in_parentheses_after_an_operator() -> None:
    words = ("-", "*", "x0", "INT- 3", "+", "INT- 1", "INT- 2")
    assert infix(words) == "x0*(-3) - (-1 + (-2))"


def test_long_texts_are_refused_before_they_are_written() -> None:
    doubled = "; ".join(["y0 = x + 1", *(f"y{i + 1} = y{i}*y{i}" for i in range(60)), "x' = y60"])
    with pytest.raises(ParseError, match="tokens, expected at most"):
        TokenSystem.from_text(doubled, ["x"])
    with pytest.raises(ParseError, match="tokens, expected at most"):
        TokenSystem.from_text("((x^1000)^1000)^1000", ["x"])
    with pytest.raises(ParseError, match="a longer number, expected at most 999 decimals"):
        TokenSystem.from_text("x + 1e-1000", ["x"])


@given(expressions(["x0", "x1"]))
def test_infix_is_what_the_parser_joins_in_the_same_way(tokens: tuple[str, ...]) -> None:
    words = read_words(tokens, ["x0", "x1"], "f")
    system = TokenSystem(2, 0, False, (tokens, ("x1",)))
    assert TokenSystem.from_text([infix(words), "x1"], ["x0", "x1"]) == system


@pytest.mark.parametrize("file", ["stability", "stability_bal", "control", "control_unc", "control_t", "gram"])
@pytest.mark.shared
@pytest.mark.skipif(not PAPER.is_dir(), reason="../shared/paper is absent")
def test_the_papers_texts_and_tokens_are_the_same_systems(file: str) -> None:
    for line in (PAPER / f"{file}.jsonl").read_text(encoding="utf-8").splitlines():
        stated = json.loads(line)
        time = "t" if file == "control_t" else None
        system = TokenSystem.from_paper(stated["input_tokens"], inputs=stated.get("controls", 0), has_time=bool(time))
        assert " ".join(system.tokens()) == stated["input_tokens"]
        assert TokenSystem.from_text(stated["equations"], system.state_names, system.input_names, time) == system
