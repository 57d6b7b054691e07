"""The wave numbers in an initial condition: the support of its Fourier transform, read off its factors."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from hybrid.errors import ParseError, ProblemError
from hybrid.expressions.polynomial import Polynomial, read_polynomial
from hybrid.expressions.source import END, Sources
from hybrid.systems.numbers import parse_number

MAX_LETTERS = 5000
"""Characters of one initial condition."""
MAX_DEPTH = 100
"""Parentheses within each other."""
IMAGINARY = "I"
"""The imaginary unit."""
FACTORS: Final = "a product of 1, exp(a*I*x), sin(a*x)/(a*x), exp(-(a*x)^2) and delta0(a*x)"

End = Fraction | float
"""Of an interval of wave numbers: exact, or ±inf."""
Interval = tuple[End, End]
LINE: Final[Interval] = (-math.inf, math.inf)


def read_support(
    text: str, coordinates: Sequence[str], field: str = "initial_condition", *, paper: bool = False
) -> tuple[Interval, ...]:
    """The interval of wave numbers η of each coordinate: the Fourier transform vanishes outside their product.

    The text is a product of factors. 1 has the wave number 0 alone, sin(a x)/(a x) those in [−|a|, |a|], exp(−(a x)²)
    and delta0(a x) or DiracDelta(a x) all; exp(a I x) moves them by a. Arguments may be moved (a x + b). Factors
    of the same coordinate add their intervals, as the transform of a product is the convolution of the transforms.

    Args:
        text: with I for the imaginary unit.
        coordinates: their names.
        field: what errors call the text.
        paper: read arguments with a = 0 as Charton, Hayat and Lample 2020 do: exp(−(0 x)²) and delta0(0 x) have all
            wave numbers, sin(0 x)/(0 x) has 0. Without it exp(−(0 x)²) is 1, and the other two are errors.

    Raises:
        ParseError: the text is no such product.

    >>> read_support("sin(3*x)/(3*x)*exp(2*I*x)*exp(-y^2)", ["x", "y"])
    ((Fraction(-1, 1), Fraction(5, 1)), (-inf, inf))
    """
    if not isinstance(text, str):
        raise ProblemError(field, text, f"text, {FACTORS}")
    if len(text) > MAX_LETTERS:
        raise ParseError(field, f"{len(text)} characters", f"at most {MAX_LETTERS}")
    return _Reader(text, tuple(coordinates), field, paper).support()


@dataclass
class _Reader:
    """Reads factors from left to right; sines are matched with what they are divided by at the end."""

    text: str
    coordinates: tuple[str, ...]
    name: str
    paper: bool
    sines: list[tuple[int, Polynomial]] = field(default_factory=list)
    divisors: list[tuple[int, Polynomial]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sources = Sources()
        self.tokens, _ = self.sources.read(self.name, self.text)
        self.intervals: list[Interval] = [(Fraction(0), Fraction(0))] * len(self.coordinates)
        self.deltas: set[int] = set()

    def support(self) -> tuple[Interval, ...]:
        end = self._product(self._skip(0), 0)
        if self.tokens[end] != END:
            raise self._error(end, f"{self.tokens[end]!r}", FACTORS)
        self._match_sines()
        return tuple(self.intervals)

    # Factors

    def _product(self, at: int, depth: int) -> int:
        """Read factors from a token on; returns the token after them."""
        if depth > MAX_DEPTH:
            raise self._error(at, "deeper nesting", f"at most {MAX_DEPTH} levels")
        at = self._factor(at, depth)
        while self.tokens[at] in ("*", "/"):
            divides, at = self.tokens[at] == "/", self._skip(at + 1)
            at = self._divisor(at) if divides else self._factor(at, depth)
        return at

    def _factor(self, at: int, depth: int) -> int:
        while self.tokens[at] in ("-", "+"):
            at = self._skip(at + 1)
        token = self.tokens[at]
        if token == "(":
            end = self._product(self._skip(at + 1), depth + 1)
            if self.tokens[end] != ")":
                raise self._error(end, self._shown(end), f"a closing parenthesis, or {FACTORS}")
            return self._skip(end + 1)
        if token[:1].isdigit() or (token[:1] == "." and token != "."):
            self._number(at)
            return self._skip(at + 1)
        functions = {"exp": self._exp, "sin": self._sin, "delta0": self._delta, "DiracDelta": self._delta}
        if token not in functions or self.tokens[at + 1] != "(":
            raise self._error(at, self._shown(at), FACTORS)
        end, argument = self._argument(at + 1)
        functions[token](at, end, argument)
        return self._skip(end)

    def _divisor(self, at: int) -> int:
        """A number, a coordinate, or a polynomial in parentheses."""
        token = self.tokens[at]
        if token == "(":
            end, argument = self._argument(at)
        elif token in self.coordinates:
            end, argument = at + 1, self._polynomial(at, at + 1)
        else:
            self._number(at)
            return self._skip(at + 1)
        self.divisors.append((at, argument))
        return self._skip(end)

    def _number(self, at: int) -> None:
        """A factor other than 0 leaves the wave numbers as they are."""
        token = self.tokens[at]
        if not token[:1].isdigit() and not (token[:1] == "." and len(token) > 1):
            raise self._error(at, self._shown(at), "a number, a coordinate or an opening parenthesis after /")
        if not parse_number(token, self.name):
            raise self._error(at, "the factor 0", "an initial condition that is not zero everywhere")

    def _exp(self, at: int, end: int, argument: Polynomial) -> None:
        """exp of I times a linear form moves the wave numbers; exp of minus a square has all of them."""
        if not argument and self.paper and any(token in ("^", "**") for token in self.tokens[at:end]):
            self._add(self._only_coordinate(at, end), LINE)
            return
        shifts: dict[int, Fraction] = {}
        squares, linear = set(), set()
        for powers, c in argument.items():
            turns, variables = powers[-1] % 4, [i for i, k in enumerate(powers[:-1]) if k]
            real, imaginary = ((c, 0), (0, c), (-c, 0), (0, -c))[turns]
            degree = sum(powers[:-1])
            if degree == 1 and imaginary:
                shifts[variables[0]] = shifts.get(variables[0], Fraction(0)) + imaginary
            elif degree == 1:
                linear.add(variables[0])
            elif degree == 2 and len(variables) == 1 and real < 0:
                squares.add(variables[0])
            elif degree:
                raise self._error(at, "exp of something else", "exp(a*I*x) or exp(-(a*x)^2), a and x real")
        if linear - squares:
            raise self._error(at, "exp that grows without bounds", "exp(a*I*x) or exp(-(a*x)^2), a and x real")
        for i, shift in shifts.items():
            self._add(i, (shift, shift))
        for i in squares:
            self._add(i, LINE)

    def _sin(self, at: int, end: int, argument: Polynomial) -> None:
        self.sines.append((at, argument))

    def _delta(self, at: int, end: int, argument: Polynomial) -> None:
        i = self._only_coordinate(at, end) if self.paper and not argument else self._affine(at, argument)[0]
        if i in self.deltas:
            raise self._error(at, f"a second delta0 of {self.coordinates[i]}", "one of each coordinate")
        self.deltas.add(i)
        self._add(i, LINE)

    def _match_sines(self) -> None:
        """Each sine with a divisor that is its argument, up to a number."""
        for at, divisor in self.divisors:
            found = next((each for each in self.sines if _ratio(each[1], divisor) is not None), None)
            if found is None:
                raise self._error(at, "a division by something else", "sin(a*x)/(a*x), the same below as in the sine")
            self.sines.remove(found)
            if divisor or not self.paper:
                i, slope = self._affine(at, found[1])
                self._add(i, (-abs(slope), abs(slope)))
        for at, _ in self.sines:
            raise self._error(at, "a sine alone", "sin(a*x)/(a*x)")

    # Parts of factors

    def _argument(self, opening: int) -> tuple[int, Polynomial]:
        """What stands in the parentheses that open at a token, and the token after them."""
        depth = 0
        for at in range(opening, len(self.tokens) - 1):
            depth += (self.tokens[at] == "(") - (self.tokens[at] == ")")
            if not depth:
                return at + 1, self._polynomial(opening, at + 1)
        raise self._error(opening, "a parenthesis that is not closed", "as many ) as (")

    def _polynomial(self, start: int, end: int) -> Polynomial:
        """The tokens as a polynomial in the coordinates and I; blanks before them keep the places of errors."""
        first = self._offset(start)
        text = re.sub(r"[^\n]", " ", self.text[:first]) + self.text[first : self._offset(end)]
        return read_polynomial(text, (*self.coordinates, IMAGINARY), self.name)

    def _affine(self, at: int, argument: Polynomial) -> tuple[int, Fraction]:
        """The coordinate i and the slope a of an argument a·x_i + b."""
        linear = [(powers.index(1), c) for powers, c in argument.items() if sum(powers) == 1 and not powers[-1]]
        constants = sum(not any(powers) for powers in argument)
        if len(linear) != 1 or len(argument) != 1 + constants:
            raise self._error(at, "an argument of another form", "a*x + b with one coordinate x, and a other than 0")
        return linear[0]

    def _only_coordinate(self, start: int, end: int) -> int:
        """The coordinate that stands in an argument 0·x + 0."""
        named = {token for token in self.tokens[start:end] if token in self.coordinates}
        if len(named) != 1:
            raise self._error(start, "an argument of another form", "a*x + b with one coordinate x")
        return self.coordinates.index(named.pop())

    def _add(self, i: int, interval: Interval) -> None:
        low, high = self.intervals[i]
        self.intervals[i] = (low + interval[0], high + interval[1])

    # Places

    def _skip(self, at: int) -> int:
        """The next token that is no line end."""
        while self.tokens[at] == "\n":
            at += 1
        return at

    def _offset(self, at: int) -> int:
        """Where a token starts in the text."""
        place = self.sources.place(at)
        assert place is not None
        lines = self.text.split("\n")
        return sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1

    def _shown(self, at: int) -> str:
        return "the end of the text" if self.tokens[at] == END else repr(self.tokens[at])

    def _error(self, at: int, got: str, expected: str) -> ParseError:
        return self.sources.parse_error(at, got, expected)


def _ratio(p: Polynomial, q: Polynomial) -> Fraction | None:
    """The number c of p = c·q; None where there is none."""
    if p.keys() != q.keys():
        return None
    ratios = {p[powers] / q[powers] for powers in p}
    return ratios.pop() if len(ratios) == 1 else None if ratios else Fraction(1)
