"""Expressions as they are written: nothing is folded; to and from tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from hybrid.expressions.graph import MAX_NUMBER_BITS, PI, Graph
from hybrid.expressions.tokens import (
    ARITY,
    BINARY_OPERATORS,
    MAX_DECIMALS,
    MAX_LENGTH,
    UNARY_OPERATORS,
    float_tokens,
    integer_tokens,
    is_number,
    number_value,
)

Tokens = tuple[str, ...]
_RATIONAL: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": Fraction.__add__, "-": Fraction.__sub__, "*": Fraction.__mul__, "/": Fraction.__truediv__,
}  # fmt: skip
_MINUS_ONE, _ZERO, _ONE, _TWO = (integer_tokens(value) for value in (-1, 0, 1, 2))


class Unsimplified(Graph):
    """A graph that keeps every operation: x − x, asin(6) and √4 stay what they are.

    It knows the exact values of rational constants all the same, for exponents and for Rational(1, 3).

    >>> from hybrid.expressions.parser import read_expression
    >>> graph = Unsimplified(["x0"])
    >>> node = read_expression(graph, {"x": 0}, "f", "x - x + asin(6)")
    >>> graph.tape([node]).operations
    (('-', 0, 0), ('asin', 1, -1), ('+', 2, 3))
    >>> graph.as_tokens([node])
    [('+', '-', 'x0', 'x0', 'asin', 'INT+', '6')]
    """

    def node(self, words: Sequence[str], leaves: Mapping[str, int]) -> int:
        """The node of an expression in words, `leaves` naming the nodes of its variables."""
        operands: list[int] = []
        for word in reversed(words):
            if word in ARITY:
                arguments = [operands.pop() for _ in range(ARITY[word])]
                operands.append(self.operations["log" if word == "ln" else word](*arguments))
            else:
                operands.append(self.constant(number_value(word)) if is_number(word) else leaves[word])
        return operands.pop()

    def as_tokens(self, outputs: Sequence[int]) -> list[Tokens]:
        """The expressions of some nodes as tokens, each variable by its name in this graph.

        What the paper has no operator for is written with those it has: −a as −1·a (of a number the sign changes),
        powers as products and quotients, a^0 as 1 + 0·a, other roots and powers as exp(b·ln a), π as 4·atan(1),
        e as exp(1), sinh, cosh and tanh by exp.

        Raises:
            ParseError: abs or sign, which no tokens are for, or an expression that is too long.
        """
        written: dict[int, Tokens] = {node: (name,) for node, name in enumerate(self.names)}
        for node in self._used(outputs):
            self.at = self._positions[node]
            op, a, b = self._nodes[node]
            if op == "constant":
                written[node] = self._number(self._rational[node])
            elif op in ("^", "root"):
                written[node] = self._powered(written[a], b) if op == "^" else _power(written[a], Fraction(1, b))
            else:
                written[node] = self._written(op, written.get(a, ()), written.get(b, ()))
            self._check_length(len(written[node]))
        return [written[output] for output in outputs]

    def _node(self, op: str, a: int, b: int) -> int:
        node = self._known.get((op, a, b))
        if node is None:
            node = self._known[op, a, b] = self._new(op, a, b)
            value = _exact(op, self.value(a), self.value(b))
            if value is not None:
                self._rational[node] = value
        return node

    def _number(self, value: Fraction) -> Tokens:
        """An integer or a decimal; a text holds no other numbers."""
        if value.denominator == 1:
            return integer_tokens(value.numerator)
        if value.denominator > 10**MAX_DECIMALS:
            raise self.refuse("a longer number", f"at most {MAX_DECIMALS} decimals")
        return float_tokens(value)

    def _powered(self, base: Tokens, exponent: int) -> Tokens:
        """A product of as many factors; 1 over it for a negative exponent."""
        self._check_length(abs(exponent) * (len(base) + 1))
        if exponent == 0:
            return ("+", *_ONE, "*", *_ZERO, *base)  # has a value where the base has one, as the power
        product = ("*",) * (abs(exponent) - 1) + base * abs(exponent)
        return product if exponent > 0 else ("/", *_ONE, *product)

    def _written(self, op: str, a: Tokens, b: Tokens) -> Tokens:
        """An operation as tokens of its operands."""
        if op in BINARY_OPERATORS or op in UNARY_OPERATORS:
            return (op, *a, *b)
        if op == "neg":
            return _negated(a)
        if op not in _REWRITTEN:
            raise self.refuse(op, f"what tokens can write: + - * / {' '.join(UNARY_OPERATORS)}, and what they compose")
        return _REWRITTEN[op](a)

    def _check_length(self, length: int) -> None:
        if length > MAX_LENGTH:
            raise self.refuse(f"an expression of {length} tokens", f"at most {MAX_LENGTH}")


def _exact(op: str, a: Fraction | None, b: Fraction | None) -> Fraction | None:
    """The value of a rational operation on rational constants, unless it has many digits."""
    if a is None or (op == "/" and not b):
        return None
    value = -a if op == "neg" else None if b is None or op not in _RATIONAL else _RATIONAL[op](a, b)
    if value is None or value.numerator.bit_length() + value.denominator.bit_length() > MAX_NUMBER_BITS:
        return None
    return value


def _negated(a: Tokens) -> Tokens:
    sign = a[0]
    if sign in ("INT+", "FLOAT+"):
        return a if a == _ZERO else (sign[:-1] + "-", *a[1:])
    return ("*", *_MINUS_ONE, *a)


def _power(base: Tokens, exponent: Fraction) -> Tokens:
    return ("exp", "*", "/", *integer_tokens(exponent.numerator), *integer_tokens(exponent.denominator), "ln", *base)


def _hyperbolic(sign: str) -> Callable[[Tokens], Tokens]:
    """(exp(a) ± exp(−a))/2."""
    return lambda a: ("/", sign, "exp", *a, "exp", *_negated(a), *_TWO)


_REWRITTEN: dict[str, Callable[[Tokens], Tokens]] = {
    "log": lambda a: ("ln", *a),
    "sinh": _hyperbolic("-"),
    "cosh": _hyperbolic("+"),
    "tanh": lambda a: ("-", *_ONE, "/", *_TWO, "+", "exp", "*", *_TWO, *a, *_ONE),  # one copy of a only
    PI: lambda a: ("*", *integer_tokens(4), "atan", *_ONE),
}  # fmt: skip
"""Operations that the paper has another name for or none, in its operators."""
