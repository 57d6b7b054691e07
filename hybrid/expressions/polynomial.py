"""Text as a polynomial: exact coefficients by exponents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from hybrid.errors import ParseError
from hybrid.expressions.graph import Tape
from hybrid.expressions.parser import parse

MAX_TERMS = 2000
"""Terms of one polynomial, also on the way to it."""
MAX_BITS = 20_000
"""Bits of a coefficient."""

Exponents = tuple[int, ...]
Polynomial = dict[Exponents, Fraction]
"""Exponents → coefficient, none of them 0."""


class _NoPolynomialError(Exception):
    """What an operation leads out of the polynomials, or beyond their limits: got, expected."""


def read_polynomial(text: str, names: Sequence[str], field: str) -> Polynomial:
    """The polynomial that a text spells, expanded.

    Args:
        text: an expression with + − * / ^ **, parentheses and exact numbers.
        names: the variables, in the order of the exponents.
        field: what errors call the text.

    Raises:
        ParseError: it cannot be read, is no polynomial with rational coefficients, or has more than `MAX_TERMS` terms.

    >>> read_polynomial("(x - 2*y)^2/4", ["x", "y"], "p")
    {(2, 0): Fraction(1, 4), (1, 1): Fraction(-1, 1), (0, 2): Fraction(1, 1)}
    """
    tape = parse(text, names, field)
    if any(isinstance(constant, str) for constant in tape.constants):
        raise ParseError(field, "pi", "rational coefficients")
    n = len(names)
    values: list[Polynomial] = [{tuple(int(i == j) for j in range(n)): Fraction(1)} for i in range(n)]
    values += [_constant(constant, n) for constant in tape.constants]
    for (operation, a, b), position in zip(tape.operations, tape.positions, strict=True):
        try:
            values.append(_apply(tape, operation, a, b, values))
        except _NoPolynomialError as cause:
            got, expected = cause.args
            raise tape.sources.parse_error(position, got, expected) from None
    return values[tape.outputs[0]]


def _constant(constant: Fraction | int | str, n: int) -> Polynomial:
    return {(0,) * n: Fraction(constant)} if constant else {}


def _apply(tape: Tape, operation: str, a: int, b: int, values: list[Polynomial]) -> Polynomial:
    if operation == "neg":
        return {powers: -c for powers, c in values[a].items()}
    if operation in ("+", "-"):
        return plus(values[a], values[b], 1 if operation == "+" else -1)
    if operation == "*":
        return _times(values[a], values[b])
    if operation == "/":
        return _times(values[a], {powers: 1 / c for powers, c in _number(values[b]).items()})
    exponent = tape.constants[b - len(tape.names)] if operation == "^" else None
    if isinstance(exponent, int) and exponent >= 0:
        return _power(values[a], exponent, len(tape.names))
    shown = "a power that is no whole number" if operation in ("^", "root") else operation
    raise _NoPolynomialError(shown, "a polynomial: sums, products and whole powers")


def _number(value: Polynomial) -> Polynomial:
    if len(value) != 1 or any(next(iter(value))):
        raise _NoPolynomialError("a division by what is no number", "a polynomial: sums, products and whole powers")
    return value


def plus(p: Mapping[Exponents, Fraction], q: Mapping[Exponents, Fraction], factor: Fraction | int = 1) -> Polynomial:
    """p + factor·q.

    >>> plus({(1,): Fraction(1)}, {(1,): Fraction(1)}, -1)
    {}
    """
    total = dict(p)
    for powers, c in q.items():
        value = total.pop(powers, Fraction(0)) + factor * c
        if value:
            total[powers] = value
    return total


def _times(p: Polynomial, q: Polynomial) -> Polynomial:
    product: Polynomial = {}
    for left, c in p.items():
        for right, d in q.items():
            powers = tuple(i + j for i, j in zip(left, right, strict=True))
            product[powers] = product.get(powers, Fraction(0)) + c * d
        if len(product) > MAX_TERMS:
            raise _NoPolynomialError(f"more than {MAX_TERMS} terms", "a polynomial of fewer terms")
    if any(max(c.numerator.bit_length(), c.denominator.bit_length()) > MAX_BITS for c in product.values()):
        raise _NoPolynomialError("a coefficient of too many digits", f"at most {MAX_BITS} bits")
    return {powers: c for powers, c in product.items() if c}


def _power(p: Polynomial, exponent: int, n: int) -> Polynomial:
    result: Polynomial = {(0,) * n: Fraction(1)}
    for bit in bin(exponent)[2:]:
        result = _times(result, result)
        if bit == "1":
            result = _times(result, p)
    return result


def spelled(p: Mapping[Exponents, Fraction], names: Sequence[str]) -> str:
    """The polynomial as text that reads back to it.

    >>> spelled({(2, 1): Fraction(-1, 2), (0, 0): Fraction(1)}, ["x", "y"])
    '-1/2*x^2*y + 1'
    """
    text = ""
    for powers, c in p.items():
        factors = [f"{x}^{k}" if k > 1 else x for x, k in zip(names, powers, strict=True) if k]
        size = [] if abs(c) == 1 and factors else [str(abs(c))]
        sign = ("-" if c < 0 else "") if not text else " - " if c < 0 else " + "
        text += sign + "*".join([*size, *factors])
    return text or "0"
