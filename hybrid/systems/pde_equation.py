"""PDEs as they are written by hand: u_t = u_xx - u_xxxx, a letter in the subscript for each derivative."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from hybrid.errors import ParseError, ProblemError
from hybrid.expressions.polynomial import Polynomial, plus, read_polynomial
from hybrid.expressions.source import Sources

MAX_DERIVATIVES = 300
"""Different ones in one equation."""
FORM = "an equation such as u_t = u_xx - 3*u_x, first order in time"
_TIME = re.compile(r"(?<!\w)([^\W\d_]\w*?)_t(?!\w)")
_LETTER = re.compile(r"[^\W\d_][0-9]*")
_TIME_LETTER = "t"


def is_pde(text: str) -> bool:
    """Whether text is an equation in this notation rather than the name of something.

    >>> is_pde("u_t = u_xx"), is_pde("heat.toml")
    (True, False)
    """
    return "=" in text and _TIME.search(text) is not None


def read_equation(
    text: str, field: str = "equation", coordinates: Sequence[str] = (), further: Sequence[str] = ()
) -> tuple[Polynomial, tuple[str, ...]]:
    """P of u_t + P(D) u = 0 as exponents → coefficient, and the coordinates.

    Both sides may hold terms: u_t + u_x = 0 is u_t = -u_x. A subscript is a run of coordinates, each a letter with
    or without digits: u_xxy is ∂³u/∂x²∂y, and u_x1x1 is ∂²u/∂x1².

    Args:
        text: the equation; u stands for whatever name has the subscript t.
        field: what errors call it.
        coordinates: in this order; those that stand in the equation alone follow in alphabetical order.
        further: coordinates that need not stand in the equation, and are put in alphabetical order as well.

    Raises:
        ParseError: it cannot be read, is not linear with constant coefficients, or not of first order in time.

    >>> read_equation("u_t = u_xx - u_xxxx/2")
    ({(2,): Fraction(-1, 1), (4,): Fraction(1, 2)}, ('x',))
    """
    if not isinstance(text, str):
        raise ProblemError(field, text, FORM)
    unknown = _TIME.search(text)
    if unknown is None or text.count("=") != 1:
        raise ParseError(field, text, FORM)
    derivatives = _derivatives(text, unknown.group(1), field)
    left, _, right = text.partition("=")
    sides = [_side(left, derivatives, field), _side(" " * (len(left) + 1) + right, derivatives, field)]
    collected = plus(sides[0], sides[1], -1)
    named = {x for found in derivatives.values() for x in found or ()} | {*further}
    letters = sorted(named - {*coordinates}, key=_by_number)
    names = (*coordinates, *letters) or ("x",)
    rate = Fraction(0)
    P: Polynomial = {}
    for exponents, c in collected.items():
        letters_of = list(derivatives.values())[exponents.index(1)]
        if letters_of is None:
            rate = c
        else:
            P = plus(P, {tuple(letters_of.count(x) for x in names): c})
    if not rate:
        raise ParseError(field, "terms in u_t that cancel", FORM)
    return {powers: c / rate for powers, c in P.items()}, names


def _derivatives(text: str, unknown: str, field: str) -> dict[str, list[str] | None]:
    """Each derivative of the unknown in the text, with its coordinates; None for the one by time."""
    tokens, _ = Sources().read(field, text)
    found: dict[str, list[str] | None] = {}
    for token in tokens:
        name, _, subscript = token.partition("_")
        if name != unknown or token in found:
            continue
        letters = _LETTER.findall(subscript)
        if "".join(letters) != subscript or (not subscript and "_" in token):
            raise ParseError(field, token, f"a derivative such as {unknown}_xx, with a letter for each")
        if _TIME_LETTER in letters and len(letters) > 1:
            raise ParseError(field, token, f"one derivative by time, {unknown}_t, and none beside it")
        if len(found) == MAX_DERIVATIVES:
            raise ParseError(field, "more derivatives", f"at most {MAX_DERIVATIVES} different ones")
        found[token] = None if letters == [_TIME_LETTER] else letters
    return found


def _side(text: str, derivatives: dict[str, list[str] | None], field: str) -> Polynomial:
    """One side as a polynomial of first degree in the derivatives."""
    side = read_polynomial(text, list(derivatives), field)
    for exponents in side:
        if sum(exponents) > 1:
            raise ParseError(field, "a product of derivatives", "a linear equation")
        if not any(exponents):
            raise ParseError(field, "a term without the unknown", "a homogeneous equation, each term with a derivative")
    return side


def _by_number(name: str) -> tuple[str, int]:
    digits = name[1:]
    return name[:1], int(digits[:9]) if digits.isdecimal() else -1
