"""Expressions as tokens: the prefix encoding of "Deep Differential System Stability" (arXiv 2006.06462).

An operator stands before its operands, so no parentheses are needed: `(x0 + 3)*sin(x1)` is `* + x0 INT+ 3 sin x1`.
Operators and variables are one token each. An integer is `INT+` or `INT-` and its decimal digits, a token each; a
float is `FLOAT+` or `FLOAT-`, a mantissa `d . d … d`, `10^` and the exponent as an integer: −0.477 is
`FLOAT- 4 . 7 7 10^ INT- 1`. Nothing is simplified: x0 − x0 stays. A *word* is a token, or the tokens of one
number joined by blanks, so that an expression is a sequence of operators and operands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from hybrid.errors import ParseError, ProblemError

SPECIALS: Final = ("<s>", "</s>", "<pad>", "(", ")", *(f"<SPECIAL_{i}>" for i in range(10)))
SEPARATOR: Final = "<SPECIAL_3>"
"""Stands between the equations of a system."""
UNARY_OPERATORS: Final = ("sqrt", "exp", "ln", "sin", "cos", "tan", "asin", "acos", "atan")
BINARY_OPERATORS: Final = ("+", "-", "*", "/")
ARITY: Final[Mapping[str, int]] = {**dict.fromkeys(BINARY_OPERATORS, 2), **dict.fromkeys(UNARY_OPERATORS, 1)}
"""Operators of ordinary differential equations and the number of their operands."""
PDE_ARITY: Final[Mapping[str, int]] = {**ARITY, "^": 2, "delta0": 1}
"""Partial differential equations are written with powers and Dirac's delta, too."""

VOCABULARY: Final = (
    *SPECIALS,
    *("pi", "E"),
    *(f"x{i}" for i in range(12)),
    *PDE_ARITY,
    *("I", "INT+", "INT-", "FLOAT+", "FLOAT-", ".", "10^"),
    *"0123456789",
)
"""The 61 tokens of the paper's largest vocabulary (degree 6, partial differential equations), in groups:

15 special tokens: `<SPECIAL_3>` separates equations and fields, `<SPECIAL_4>` ends a line of a matrix, `<SPECIAL_5>` an
entry of one, `<SPECIAL_6>` starts one, `<SPECIAL_7>` is −∞ and `<SPECIAL_8>` +∞; the constants `pi` and `E`, which the
paper never uses; 12 variables; 4 binary and 9 unary operators, and `^` and `delta0`; `I`, the imaginary unit; signs of
integers and floats, the decimal point, `10^`; 10 digits. Vocabularies for smaller degrees leave out variables.
"""

MAX_LENGTH = 4096
"""Tokens of one system; the paper's network has this many positions."""
MAX_DECIMALS = 999
"""The size of a float's exponent; a number of more decimals has no tokens."""
MAX_DEPTH = 150
"""Operators and operand on the longest branch of an expression."""

_INTEGER = r"INT(?:\+ 0|[+-] [1-9](?: [0-9](?!\S))*+)(?! [0-9])"
_FLOAT = r"FLOAT[+-] [0-9] \.(?: [0-9](?!\S))++ 10\^ INT(?:\+ 0|[+-] [1-9](?: [0-9](?!\S)){0,2}+)(?! [0-9])"
_WORD = re.compile(rf"(?:{_INTEGER}|{_FLOAT})(?!\S)|\S+")
_VARIABLE = re.compile(r"x(?:0|[1-9][0-9]{0,3})")


# Numbers


def integer_tokens(value: int) -> tuple[str, ...]:
    """The tokens of an integer.

    >>> integer_tokens(-10)
    ('INT-', '1', '0')
    """
    return ("INT-" if value < 0 else "INT+", *str(abs(value)))


def float_tokens(value: Fraction, decimals: int = 2) -> tuple[str, ...]:
    """The tokens of a finite decimal, exactly: with `decimals` digits after the point, or as many as it takes.

    Raises:
        ProblemError: the number is no finite decimal, as 1/3.

    >>> " ".join(float_tokens(Fraction("-0.477")))
    'FLOAT- 4 . 7 7 10^ INT- 1'
    """
    twos, fives = (_multiplicity(value.denominator, prime) for prime in (2, 5))
    if 2**twos * 5**fives != value.denominator:
        raise ProblemError("number", value, "a finite decimal")
    shift = max(twos, fives)
    digits = str(abs(value.numerator) * 10**shift // value.denominator)
    exponent = len(digits) - 1 - shift if value else 0
    mantissa = digits.rstrip("0").ljust(decimals + 1, "0")
    return ("FLOAT-" if value < 0 else "FLOAT+", mantissa[0], ".", *mantissa[1:], "10^", *integer_tokens(exponent))


def _multiplicity(value: int, prime: int) -> int:
    count = 0
    while value % prime == 0:
        value //= prime
        count += 1
    return count


def is_number(word: str) -> bool:
    """Whether a word is an integer or a float: no other word holds a blank."""
    return " " in word


def number_value(word: str) -> Fraction:
    """The exact value of a number's word.

    >>> number_value("FLOAT- 4 . 7 7 10^ INT- 1"), number_value("INT+ 1 2")
    (Fraction(-477, 1000), Fraction(12, 1))
    """
    return Fraction(_decimal(word))


def _decimal(word: str) -> str:
    """A number's word as people write it: -12, 4.77e-1."""
    sign, *rest = word.split(" ")
    text = "".join(rest).replace("10^INT+", "e").replace("10^INT-", "e-")
    return f"-{text}" if sign[-1] == "-" else text


# Words


def number_words(text: str) -> list[str]:
    """The words of tokens separated by blanks: the tokens of a number joined, everything else as it stands.

    >>> number_words("INT+ 0 <SPECIAL_6> FLOAT- 4 . 7 7 10^ INT- 1")
    ['INT+ 0', '<SPECIAL_6>', 'FLOAT- 4 . 7 7 10^ INT- 1']
    """
    return _WORD.findall(" ".join(text.split()))


def read_words(
    tokens: Iterable[str], leaves: Iterable[str], field: str, arity: Mapping[str, int] = ARITY
) -> tuple[str, ...]:
    """The words of one complete expression.

    Args:
        tokens: in prefix order.
        leaves: the variables (and constants) that it may hold.
        field: what errors call it.
        arity: the operators it may hold, with the number of their operands.

    Raises:
        ParseError: the first word that cannot stand where it stands, an expression too long or too deep.

    >>> read_words("* + x0 INT- 1 0 sin x1".split(), ["x0", "x1"], "f")
    ('*', '+', 'x0', 'INT- 1 0', 'sin', 'x1')
    """
    words = tuple(number_words(" ".join(tokens)))
    if len(words) > MAX_LENGTH:
        raise ParseError(field, f"{len(words)} operators and operands", f"at most {MAX_LENGTH}")
    known = frozenset(leaves)
    awaited: list[int] = []  # of every operator that is still open, the operands to come
    complete = False
    for position, word in enumerate(words):
        if complete:
            raise ParseError(field, f"{word} after the end of the expression (word {position + 1})", "nothing more")
        operands = arity.get(word, 0)
        if operands:
            awaited.append(operands)
            if len(awaited) >= MAX_DEPTH:
                raise ParseError(field, "deeper nesting", f"at most {MAX_DEPTH} operators and operands on a branch")
            continue
        if word not in known and not is_number(word):
            raise ParseError(field, f"{word} (word {position + 1})", _expected(word, known, arity))
        while awaited and awaited[-1] == 1:
            awaited.pop()
        if awaited:
            awaited[-1] -= 1
        complete = not awaited
    if not complete:
        raise ParseError(field, "the end of the expression" if words else "nothing", "an operand more")
    return words


def _expected(word: str, leaves: frozenset[str], arity: Mapping[str, int]) -> str:
    if word in ("INT+", "INT-", "FLOAT+", "FLOAT-"):
        return "a number: INT+ or INT- and digits without a leading 0, or FLOAT+ d . d 10^ and an integer"
    if _VARIABLE.fullmatch(word):
        return f"one of the variables {', '.join(sorted(leaves, key=lambda name: (len(name), name))[:16])}"
    return f"a variable, a number, or one of {' '.join(arity)}"


def split_tokens(words: Iterable[str]) -> tuple[str, ...]:
    """The tokens of words, numbers taken apart again."""
    return tuple(" ".join(words).split(" "))


# Infix

_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)
_PRECEDENCE = {"+": (_SUM, " + "), "-": (_SUM, " - "), "*": (_PRODUCT, "*"), "/": (_PRODUCT, "/")}


def infix(words: Sequence[str], names: Mapping[str, str] | None = None) -> str:
    """The expression in the language of our equations, as it is: the parser joins it back in the same way.

    Args:
        words: of one expression, see `read_words`.
        names: what to call each variable; those without a name keep their token.

    >>> infix(("*", "+", "x0", "INT- 1 0", "ln", "x1"))
    '(x0 + (-10))*log(x1)'
    """
    called = {} if names is None else names
    operands: list[tuple[str, int]] = []
    for word in reversed(words):
        if word in _PRECEDENCE:
            precedence, symbol = _PRECEDENCE[word]
            left, right = _within(operands.pop(), precedence), _within(operands.pop(), precedence + 1)
            right = f"({right})" if right[0] == "-" else right
            operands.append((f"{left}{symbol}{right}", precedence))
        elif word == "^":
            left, right = _within(operands.pop(), _ATOM), _within(operands.pop(), _ATOM)
            operands.append((f"{left}^{right}", _POWER))
        elif word in PDE_ARITY:
            operands.append((f"{'log' if word == 'ln' else word}({operands.pop()[0]})", _ATOM))
        elif is_number(word):
            text = _decimal(word)
            operands.append((text, _SIGN if text[0] == "-" else _ATOM))
        else:
            operands.append((called.get(word, word), _ATOM))
    return operands.pop()[0]


def _within(text: tuple[str, int], precedence: int) -> str:
    return text[0] if text[1] >= precedence else f"({text[0]})"
