"""The answers of the paper's six tasks: read off output tokens, or off the `answer` of a JSON line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hybrid.errors import ParseError
from hybrid.expressions.tokens import is_number, number_value, number_words

KINDS: Final = ("stability", "speed", "control", "control_t", "gram", "fourier")
"""Kinds of tasks; `stability` and `speed` are one kind of file: the rate of convergence, whose sign says stability."""
_END_OF_FIELD, _END_OF_ROW, _END_OF_ENTRY, _START = "<SPECIAL_3>", "<SPECIAL_4>", "<SPECIAL_5>", "<SPECIAL_6>"
_INFINITE = {"<SPECIAL_7>": -math.inf, "<SPECIAL_8>": math.inf, "-inf": -math.inf, "inf": math.inf, "+inf": math.inf}

Gain = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class PDELabel:
    """What the paper says of u_t + P(D) u = 0 (its local minimiser is wrong in about one case of twenty).

    `bounds` are the lower and upper end of the frequencies of each coordinate, to 3 digits; None where not given.
    """

    exists: bool
    decays: bool
    bounds: tuple[tuple[float, float], ...] | None = None


Label = float | bool | Gain
"""stability, speed: the rate −max Re λ as a float, or a bool where the file tells only whether it is stable;
control, control_t: whether it is controllable; gram: the feedback matrix K, inputs by states."""


def label_of_tokens(kind: str, tokens: str, degree: int, inputs: int) -> Label:
    """The answer in the paper's output tokens.

    Args:
        kind: of `KINDS`, without fourier.
        tokens: separated by blanks.
        degree: number of states.
        inputs: number of inputs.

    Raises:
        ParseError: tokens that are no answer of this kind.

    >>> label_of_tokens("stability", "FLOAT- 2 . 1 2 10^ INT+ 4", 3, 0)
    -21200.0
    >>> label_of_tokens("stability", "INT+ 1", 3, 0)  # the paper writes 1 for unstable
    False
    """
    words = number_words(tokens)
    if kind in ("stability", "speed"):
        if len(words) == 1 and words[0].startswith("FLOAT"):
            return _number(words[0])
        return not _flag(words)
    if kind == "gram":
        if words[:2] != ["INT+ 0", _START]:
            raise ParseError("output", " ".join(words[:2]), f"INT+ 0 {_START} and the rows of a matrix")
        return _gain(_rows(words[2:]), degree, inputs)
    return _flag(words)


def pde_label_of_tokens(tokens: str, degree: int) -> PDELabel:
    """The answer in the paper's output tokens for a partial differential equation in `degree` coordinates.

    Raises:
        ParseError: tokens that are no such answer.

    >>> pde_label_of_tokens("INT+ 1 <SPECIAL_3> INT+ 0", 2)
    PDELabel(exists=True, decays=False, bounds=None)
    """
    fields = _split(number_words(tokens), _END_OF_FIELD)
    if len(fields) not in (2, 3):
        raise ParseError("output", tokens, f"whether a solution exists, {_END_OF_FIELD} and whether it decays")
    bounds = _bounds(_rows(fields[2]), degree) if len(fields) == 3 else None
    return PDELabel(_flag(fields[0]), _flag(fields[1]), bounds)


def label_of_answer(kind: str, answer: Any, degree: int, inputs: int) -> Label:
    """The answer of a JSON line: a number, 0 or 1, or a matrix.

    Raises:
        ParseError: a value that is no answer of this kind.

    >>> label_of_answer("gram", [[16.3, -115.0]], 2, 1)
    ((16.3, -115.0),)
    """
    if kind in ("stability", "speed"):
        return answer if isinstance(answer, bool) else finite(answer, "answer")
    if kind == "gram":
        rows = _lists(answer, "answer")
        return _gain([[finite(entry, "answer") for entry in row] for row in rows], degree, inputs)
    return _truth(answer, "answer")


def pde_label_of_answer(answer: Any, degree: int) -> PDELabel:
    """The answer of a JSON line for a partial differential equation: an object of exists, decays and bounds.

    Raises:
        ParseError: a value that is no such answer.

    >>> pde_label_of_answer({"exists": 1, "decays": 1, "bounds": [["-inf", "inf"], [3.18, 3.18]]}, 2).bounds
    ((-inf, inf), (3.18, 3.18))
    """
    if not isinstance(answer, Mapping):
        raise ParseError("answer", answer, "an object of exists, decays and bounds")
    exists, decays = (_truth(answer.get(key), f"answer.{key}") for key in ("exists", "decays"))
    if answer.get("bounds") is None:
        return PDELabel(exists, decays)
    rows = [[_end(entry) for entry in row] for row in _lists(answer["bounds"], "answer.bounds")]
    return PDELabel(exists, decays, _bounds(rows, degree))


def _gain(rows: Sequence[Sequence[float]], degree: int, inputs: int) -> Gain:
    if len(rows) != inputs or any(len(row) != degree for row in rows):
        shape = f"rows of {', '.join(str(len(row)) for row in rows) or 'no'} entries"
        raise ParseError("answer", shape, f"{inputs} rows (inputs) of {degree} entries (states)")
    return tuple(map(tuple, rows))


def _bounds(rows: Sequence[Sequence[float]], degree: int) -> tuple[tuple[float, float], ...]:
    if len(rows) != degree or any(len(row) != 2 or not row[0] <= row[1] for row in rows):
        expected = f"a lower and an upper bound for each of {degree} coordinates"
        raise ParseError("answer.bounds", str(list(rows)), expected)
    return tuple((row[0], row[1]) for row in rows)


def _truth(value: Any, field: str) -> bool:
    """0, 1, false or true."""
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ParseError(field, value, "0 or 1")


def finite(value: Any, field: str) -> float:
    """A finite number of a JSON file."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise ParseError(field, value, "a finite number")


def _lists(value: Any, field: str) -> list[list[Any]]:
    """A list of lists of a JSON file."""
    if isinstance(value, list) and all(isinstance(row, list) for row in value):
        return value
    raise ParseError(field, value, "a list of rows")


def _end(value: Any) -> float:
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    return finite(value, "answer.bounds")


def _number(word: str) -> float:
    if word in _INFINITE:
        return _INFINITE[word]
    if not is_number(word):
        raise ParseError("output", word, "a number")
    value = number_value(word)
    if abs(value) >= 10**300:
        raise ParseError("output", word, "a number in the range of floating point")
    return float(value)


def _flag(words: Sequence[str]) -> bool:
    if list(words) not in (["INT+ 0"], ["INT+ 1"]):
        raise ParseError("output", " ".join(words) or "nothing", "INT+ 0 or INT+ 1")
    return list(words) == ["INT+ 1"]


def _rows(words: Sequence[str]) -> list[list[float]]:
    """The rows of a matrix: each ends with <SPECIAL_4>, its entries are separated (or ended) by <SPECIAL_5>."""
    *rows, rest = _split(words, _END_OF_ROW)
    if rest:
        raise ParseError("output", " ".join(rest[:4]), f"{_END_OF_ROW} at the end of each row")
    entries = [[entry for entry in _split(row, _END_OF_ENTRY) if entry] for row in rows]
    wrong = [entry for row in entries for entry in row if len(entry) != 1]
    if wrong:
        raise ParseError("output", " ".join(wrong[0]), f"one number between {_END_OF_ENTRY} and {_END_OF_ENTRY}")
    return [[_number(entry[0]) for entry in row] for row in entries]


def _split(words: Sequence[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == separator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts
