"""Writes a tape as text that the parser reads back to the same tape."""

from __future__ import annotations

from fractions import Fraction

from hybrid.errors import ProblemError
from hybrid.expressions.graph import IMMEDIATE, Tape
from hybrid.expressions.source import MAX_TEXT

# How tightly a text binds, so that parentheses stand only where they are needed
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)
_BINARY = {"+": (_SUM, " + "), "-": (_SUM, " - "), "*": (_PRODUCT, "*"), "/": (_PRODUCT, "/")}


def infix(tape: Tape) -> list[str]:
    """The tape's outputs as text. Shared subexpressions are written out wherever they are used.

    Raises:
        ProblemError: a text would be longer than the parser accepts.

    >>> from hybrid.expressions.parser import parse
    >>> infix(parse("-(x + 1)^2/(3*y)", ["x", "y"]))
    ['-(x + 1)^2/(3*y)']
    """
    texts: list[tuple[str, int]] = [(name, _ATOM) for name in tape.names]
    texts += [_constant(constant) for constant in tape.constants]
    for op, a, b in tape.operations:
        if op in IMMEDIATE:
            exponent = texts[b][0]
            shown = f"(1/{exponent})" if op == "root" else f"({exponent})" if exponent[0] == "-" else exponent
            texts.append((f"{_within(texts[a], _ATOM)}^{shown}", _POWER))
        elif op in _BINARY:
            precedence, symbol = _BINARY[op]
            # The parser joins from the left, so a right operand that binds no tighter keeps its parentheses.
            right = _within(texts[b], precedence + 1)
            right = f"({right})" if right[0] == "-" else right
            texts.append((f"{_within(texts[a], precedence)}{symbol}{right}", precedence))
        elif op == "neg":
            texts.append((f"-{_within(texts[a], _SIGN)}", _SIGN))
        elif op == "slope":
            texts.append((f"{_within(texts[a], _PRODUCT)}/abs({texts[a][0]})", _PRODUCT))
        else:
            texts.append((f"{op}({texts[a][0]})", _ATOM))
        if len(texts[-1][0]) > MAX_TEXT:
            raise ProblemError("expression", "a tape with many shared parts", f"text of at most {MAX_TEXT} characters")
    return [texts[output][0] for output in tape.outputs]


def _within(text: tuple[str, int], precedence: int) -> str:
    return text[0] if text[1] >= precedence else f"({text[0]})"


def _constant(constant: Fraction | int | str) -> tuple[str, int]:
    if isinstance(constant, Fraction):
        precedence = _PRODUCT if constant.denominator != 1 else _SIGN if constant < 0 else _ATOM
        return str(constant), precedence
    return str(constant), _ATOM
