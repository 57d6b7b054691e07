"""Equation text: its tokens, the place of each of them, and the error that names a place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice

from hybrid.errors import ParseError, ProblemError

MAX_TEXT = 1_000_000
"""Characters of one text; a longer one is refused before it is read."""

MAX_TOKENS = 250_000
"""Numbers, names and signs of one text."""

# One match is one token with the blanks and the comment before it, the end of the text being one too. Every
# quantifier is possessive and every start matches: no text makes it backtrack, so the time is linear.
_TOKEN = re.compile(
    r"(?s)[ \t\r]*+(?:\#[^\n]*+)?+"
    r"(0x[0-9a-fA-F]++(?:\.[0-9a-fA-F]*+)?+p[+-]?+[0-9]++"
    r"|(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+"
    r"|[^\W\d]\w*+|\*\*|.|\Z)"
)
END = ""
"""The token at the end of a text."""
UNPLACED = -1
"""The position of what no text stands for."""


@dataclass(frozen=True)
class Place:
    """A token in its text; line and column count from 1."""

    field: str
    line: int
    column: int
    token: str


@dataclass
class Sources:
    """The texts that one graph was read from. A position is a token's number, counted through all of them.

    Keeping a number for each operation costs nothing; its line and column are counted when an error asks.
    """

    texts: list[tuple[int, str, str]] = field(default_factory=list)
    count: int = 0

    def read(self, name: str, text: str) -> tuple[list[str], int]:
        """The tokens of a text, the last being END, and the position of the first of them."""
        if len(text) > MAX_TEXT:
            raise ParseError(name, f"{len(text)} characters", f"at most {MAX_TEXT}")
        tokens = _TOKEN.findall(text)
        if len(tokens) > MAX_TOKENS:
            raise ParseError(name, f"{len(tokens)} numbers, names and signs", f"at most {MAX_TOKENS}")
        first = self.count
        self.texts.append((first, name, text))
        self.count += len(tokens)
        return tokens, first

    def place(self, position: int) -> Place | None:
        """The place of a position, or None for one that stands for no text."""
        if not 0 <= position < self.count:
            return None
        first, name, text = next(entry for entry in reversed(self.texts) if entry[0] <= position)
        match = next(islice(_TOKEN.finditer(text), position - first, None))
        start = match.start(1)
        line_start = text.rfind("\n", 0, start) + 1
        return Place(name, text.count("\n", 0, start) + 1, start - line_start + 1, match.group(1))

    def parse_error(self, position: int, got: object, expected: str) -> ParseError:
        """What was found at a position, and what was expected there."""
        place = self.place(position)
        if place is None:
            return ParseError("expression", got, expected)
        return ParseError(place.field, got, expected, place.line, place.column)


class DomainError(ProblemError):
    """An operation outside its domain: a division by zero, the logarithm of a negative number, a kink.

    Raised at a point; returned as data for an enclosure, where it says that the enclosure *may* leave the
    domain. `operation` is its name; `line` and `column` count from 1, None where no text stands for it.
    """

    def __init__(self, place: Place | None, operation: str, got: str, expected: str) -> None:
        self.operation = operation
        self.line = place.line if place else None
        self.column = place.column if place else None
        name = f"{place.field}, line {place.line}, column {place.column}" if place else "expression"
        super().__init__(name, got, expected)
