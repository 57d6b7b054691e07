"""Reads equations: right-hand sides, derivatives, definitions. Nothing is executed, every error placed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from hybrid.errors import ParseError, ProblemError
from hybrid.expressions.graph import PI, UNARY, Graph, Tape
from hybrid.expressions.source import END

MAX_DEPTH = 200
"""Open parentheses, pending signs and pending powers at one place."""
MAX_DIGITS = 1200
"""Characters of one number, and the size of its decimal exponent."""

FUNCTIONS: Final = {
    **{name: name for name in UNARY if name not in ("neg", "slope")},
    "ln": "log",
    "Abs": "abs",
    "Rational": "Rational",
}  # fmt: skip
"""What may stand before a parenthesis, and what it means; Abs and Rational are sympy's spelling."""
_RATIO = "Rational,"
_GROUP = 0  # precedence of an open parenthesis: below every operator
_COMMA = 1  # inside Rational(a, b), a division that binds loosest
_BINARY: Final = {
    ",": (_COMMA, "/"), "+": (2, "+"), "-": (2, "-"), "*": (3, "*"), "/": (3, "/"),
    "^": (5, "^"), "**": (5, "^"),
}  # fmt: skip
_SIGN = 4  # −x² is −(x²), and −x·y is (−x)·y
_ENDS = (END, ";", "\n")
_NAME = re.compile(r"[^\W\d]\w*")
_NUMBER_START = frozenset("0123456789.")
_OPERATOR = "an operator, as + - * / or ^"
_OPERAND = "a number, a name or an opening parenthesis"


@dataclass(frozen=True)
class Statement:
    """One equation of a text: `name' = …` (derivative), `name = …` (definition) or an expression alone."""

    kind: Literal["derivative", "definition", "expression"]
    name: str
    start: int
    """Index of the token of the name, or of the expression where there is none."""
    body: int
    """Index of the first token of the expression."""


class Reader:
    """Reads one text into a graph.

    Args:
        graph: receives the expressions; its sources keep the text for later errors.
        names: what each name stands for, as nodes of the graph; definitions are added to it.
        field: what errors call the text.
        text: expressions and equations, separated by `;` or line ends; `#` starts a comment.
        declare: what the error for an unknown name advises.

    Raises:
        ParseError: field, line and column of the first thing that cannot be read.

    >>> graph = Graph(["x"])
    >>> reader = Reader(graph, {"x": 0}, "f", "2*x + 1/3")
    >>> graph.tape([reader.expression(0)]).constants
    (Fraction(2, 1), Fraction(1, 3))

    """

    def __init__(self, graph: Graph, names: dict[str, int], field: str, text: str, declare: str = "") -> None:
        if not isinstance(text, str):
            raise ProblemError(field, text, "equations as text")
        self.graph, self.names, self.field, self.declare = graph, names, field, declare
        self.tokens, self.first = graph.sources.read(field, text)
        self._operands: list[int] = []
        self._pending: list[tuple[int, str, int]] = []  # precedence, operation, token
        self._depth = self._open = 0  # of everything nested, and of parentheses alone

    # Equations

    def statements(self) -> list[Statement]:
        """Where the equations of the text start and what they say they are."""
        found, start, depth = [], 0, 0
        for index, token in enumerate(self.tokens):
            if token == "(":
                depth += 1
            elif token == ")":
                depth -= 1
            elif token in (";", END) or (token == "\n" and depth <= 0):
                if index > start:
                    found.append(self._statement(start))
                start, depth = index + 1, 0
        return found

    def _statement(self, start: int) -> Statement:
        """The left-hand side at a token: name', dname/dt, name, or nothing."""
        tokens = self.tokens
        name, following = tokens[start], tokens[start + 1]
        if following == "'":
            if tokens[start + 2] == "'":
                raise self.error(start + 2, "a second derivative", "first-order equations, the velocity named")
            self._expect_equals(start + 2)
            return Statement("derivative", self._left(start, name), start, start + 3)
        if following == "=":
            return Statement("definition", self._left(start, name), start, start + 2)
        if following == "/" and tokens[start + 2] == "dt" and tokens[start + 3] == "=" and name[0] == "d":
            return Statement("derivative", self._left(start, name[1:]), start, start + 4)
        return Statement("expression", "", start, start)

    def _left(self, index: int, name: str) -> str:
        if not is_name(name):
            raise self.error(index, self._shown(index), "the name of a state or of a definition before =")
        return name

    def _expect_equals(self, index: int) -> None:
        if self.tokens[index] != "=":
            raise self.error(index, self._shown(index), "=")

    # Expressions

    def expression(self, index: int) -> int:
        """Read the expression at a token, to the end of its statement; returns its node.

        Operator precedence with two explicit stacks, so that no text can exhaust Python's.
        """
        tokens, names, operands, pending = self.tokens, self.names, self._operands, self._pending
        operands.clear()
        pending.clear()
        self._depth = self._open = 0
        while True:
            token = tokens[index]
            node = names.get(token)
            while node is None:  # signs, opening parentheses, then a number or constant
                node = self._open_or_number(index)
                if node is None:
                    index += 2 if token in FUNCTIONS else 1
                    token = tokens[index]
                    node = names.get(token)
            operands.append(node)
            index += 1
            binary = _BINARY.get(tokens[index])
            while binary is None:
                if not self._close(index):
                    return self._finish(index)
                index += 1
                binary = _BINARY.get(tokens[index])
            precedence, op = binary
            if op == "^":  # right-associative: nothing before it is finished
                self._nest(index)
            else:
                self._reduce(precedence)
                if precedence == _COMMA:
                    self._comma(index)
            pending.append((precedence, op, index))
            index += 1

    def _open_or_number(self, index: int) -> int | None:
        """An operand that is no declared name; None where a sign or parenthesis comes before it."""
        token = self.tokens[index]
        if token == "-":
            self._nest(index)
            self._pending.append((_SIGN, "neg", index))
        elif token == "(":
            self._nest(index)
            self._open += 1
            self._pending.append((_GROUP, "", index))
        elif token in FUNCTIONS and self.tokens[index + 1] == "(":
            self._nest(index)
            self._open += 1
            self._pending.append((_GROUP, FUNCTIONS[token], index))
        elif token != "+" and not (token == "\n" and self._open):
            self.graph.at = self.first + index
            return self._constant(index, token)
        return None

    def _constant(self, index: int, token: str) -> int:
        """A number, π or e."""
        if token[:1] in _NUMBER_START and token != ".":
            return self.graph.constant(self._number(index, token))
        if token == PI:
            return self.graph.pi()
        if token == "e":
            return self.graph.unary("exp", self.graph.constant(1))
        raise self._unknown(index, token)

    def _number(self, index: int, token: str) -> Fraction | int:
        """The exact value of a decimal number."""
        if len(token) > MAX_DIGITS:
            raise self.error(index, f"a number of {len(token)} characters", f"at most {MAX_DIGITS}")
        if "x" in token:
            return self._hexadecimal(index, token)
        mantissa, _, exponent = token.lower().partition("e")
        whole, _, decimals = mantissa.partition(".")
        shift = int(exponent or 0) - len(decimals)
        if abs(shift) > MAX_DIGITS:
            raise self.error(index, token, f"a decimal exponent of at most {MAX_DIGITS} in size")
        digits = int(whole + decimals)
        return digits * 10**shift if shift >= 0 else Fraction(digits, 10**-shift)

    def _hexadecimal(self, index: int, token: str) -> Fraction:
        """The double that a text such as 0x1.8p-3 spells: certificates write doubles so."""
        try:
            double = float.fromhex(token)
        except OverflowError:
            raise self.error(index, token, "a finite double") from None
        mantissa, _, power = token.lower().removeprefix("0x").partition("p")
        whole, _, part = mantissa.partition(".")
        if Fraction(int(whole + part, 16)) * Fraction(2) ** (int(power or 0) - 4 * len(part)) != Fraction(double):
            raise self.error(index, token, "the digits of a double, no more")
        return Fraction(double)

    def _close(self, index: int) -> bool:
        """A closing parenthesis, or a line end inside parentheses; False for what ends the expression."""
        if self.tokens[index] != ")":
            return self.tokens[index] == "\n" and self._open > 0
        self._reduce(_COMMA)
        if not self._pending:
            raise self.error(index, "')'", "an opening parenthesis before it")
        _, function, opening = self._pending.pop()
        self._depth -= 1
        self._open -= 1
        if function:
            self._call(function, opening)
        return True

    def _call(self, function: str, opening: int) -> None:
        self.graph.at = self.first + opening
        operand = self._operands[-1]
        if function not in ("Rational", _RATIO):
            self._operands[-1] = self.graph.unary(function, operand)
        elif function == "Rational" or self.graph.value(operand) is None:
            raise self.error(opening, "Rational of something else", "two exact numbers, as in Rational(1, 3)")

    def _comma(self, index: int) -> None:
        """Rational(a, b) is read as a group in which the one comma divides."""
        if not self._pending or self._pending[-1][1] != "Rational":
            raise self.error(index, "','", f"{_OPERATOR}; functions take one argument")
        _, _, opening = self._pending[-1]
        self._pending[-1] = (_GROUP, _RATIO, opening)

    def _nest(self, index: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.error(index, "deeper nesting", f"at most {MAX_DEPTH} levels")

    def _reduce(self, precedence: int) -> None:
        """Apply the pending operations that bind at least as strongly."""
        pending, operands, graph = self._pending, self._operands, self.graph
        while pending and pending[-1][0] >= precedence:
            _, op, index = pending.pop()
            graph.at = self.first + index
            right = operands.pop()
            if op == "neg":
                self._depth -= 1
                operands.append(graph.unary("neg", right))
                continue
            if op == "^":
                self._depth -= 1
                operands[-1] = graph.power(operands[-1], right)
            else:
                operands[-1] = graph.operations[op](operands[-1], right)

    def _finish(self, index: int) -> int:
        """The end of an expression: everything pending is applied, nothing may be left open."""
        self._reduce(_COMMA)
        if self.tokens[index] not in _ENDS or self._pending:
            expected = f"{_OPERATOR}, or a closing parenthesis" if self._pending else _OPERATOR
            raise self.error(index, self._shown(index), expected)
        return self._operands.pop()

    # Errors

    def error(self, index: int, got: str, expected: str) -> ParseError:
        """What was found at a token, and what was expected there."""
        return self.graph.sources.parse_error(self.first + index, got, expected)

    def _shown(self, index: int) -> str:
        token = self.tokens[index]
        return "the end of the expression" if token in _ENDS else repr(token)

    def _unknown(self, index: int, token: str) -> ParseError:
        """The error for what is no operand, with the names that come close."""
        if not _NAME.fullmatch(token):
            return self.error(index, self._shown(index), _OPERAND)
        if token in FUNCTIONS:
            return self.error(index, token, f"an argument in parentheses, as in {token}(x)")
        if self.tokens[index + 1] == "(":
            return self.error(index, f"unknown function {token}", _close_names(token, FUNCTIONS))
        if token in {statement.name for statement in self.statements() if statement.kind == "definition"}:
            return self.error(index, token, "a name that is defined before it is used")
        expected = _close_names(token, self.names) + (f", or {self.declare}" if self.declare else "")
        return self.error(index, f"unknown symbol {token}", expected)


def _close_names(token: str, names: Iterable[str]) -> str:
    """The known names, those that look like the token first."""
    known = list(names)
    close = difflib.get_close_matches(token[:64], known[:1000], n=3)
    if close:
        return "a known name; did you mean " + " or ".join(close)
    return "one of " + ", ".join(known[:12]) if known else "a number (no names are declared)"


def is_name(name: object) -> bool:
    """Whether a state, input, parameter or definition may have this name."""
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and name not in FUNCTIONS and name != PI


def read_expression(graph: Graph, names: dict[str, int], field: str, text: str, declare: str = "") -> int:
    """Read a text that holds one expression and nothing else; returns its node.

    >>> graph = Graph(["x"])
    >>> graph.tape([read_expression(graph, {"x": 0}, "f", "-x^2")]).operations
    (('^', 0, 1), ('neg', 2, -1))
    """
    reader = Reader(graph, names, field, text, declare)
    statements = reader.statements()
    if not statements:
        raise reader.error(0, "no text", "an expression")
    if statements[0].kind != "expression":
        raise reader.error(statements[0].start, "an equation", "an expression without =")
    node = reader.expression(statements[0].body)
    if len(statements) > 1:
        raise reader.error(statements[1].start, "a second expression", "one expression")
    return node


def parse(text: str, names: Sequence[str], field: str = "expression") -> Tape:
    """The tape of one expression in the given variables.

    Raises:
        ParseError: field, line and column of the first thing that cannot be read.

    >>> parse("sin(x)", ["x"]).operations
    (('sin', 0, -1),)
    """
    graph = Graph(names)
    declared = {name: node for node, name in enumerate(names)}
    return graph.tape([read_expression(graph, declared, field, text)])
