"""u_t + P(D) u = 0 on Rⁿ with constant coefficients, and the wave numbers that its initial condition has."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any, Final

from hybrid.errors import DimensionError, ProblemError
from hybrid.expressions.parser import is_name
from hybrid.expressions.polynomial import MAX_TERMS, Polynomial, plus, read_polynomial, spelled
from hybrid.systems.initial_condition import IMAGINARY, LINE, End, Interval, read_support
from hybrid.systems.numbers import exact, nearest_float, spell

MAX_DIMENSION = 20
"""Coordinates of one equation."""
MAX_ORDER = 100
"""Derivatives of one term."""

Term = tuple[Fraction, tuple[int, ...]]
"""c·∂₁^k₁…∂ₙ^kₙ as (c, (k₁, …, kₙ))."""
Symbol = dict[tuple[int, ...], Fraction]
Side = tuple[Fraction | None, Fraction | None]
Box = tuple[Side, ...]

_NUMBERED = re.compile(r"(?<!\w)x([0-9]{1,3})(?!\w)")
_INFINITE: Final = {"inf": math.inf, "+inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, repr=False)
class LinearPDE:
    """u_t + P(D) u = 0, D = ∂, and a product of intervals that holds the wave numbers η of u at time 0.

    The Fourier transform turns it into û_t = −P(iη) û: each wave number η = 2πξ evolves alone, and |û| like
    exp(−t Re P(iη)). The real part has rational coefficients in η, and none from terms of odd order.

    Attributes:
        terms: of P, coefficient and exponents; like terms collected, none of them 0.
        support: an interval of η for each coordinate, rational or ±inf (radians per unit of length): a point, a closed
            interval, a half line or the line.
        coordinates: their names.
        name: of the equation, for output.

    >>> heat = LinearPDE.from_bounds([(-1, (2,))], [("-inf", "inf")])
    >>> heat
    <LinearPDE u_t = u_x0x0>
    >>> heat.real_symbol
    {(2,): Fraction(1, 1)}
    """

    terms: tuple[Term, ...]
    support: tuple[Interval, ...]
    coordinates: tuple[str, ...]
    name: str = ""

    is_discrete = False
    dt = None

    @classmethod
    def from_text(
        cls,
        operator: str,
        initial_condition: str,
        dimension: int | None = None,
        *,
        coordinates: Sequence[str] | None = None,
        paper: bool = False,
        name: str = "",
    ) -> LinearPDE:
        """From P as a polynomial and u at time 0, as Charton, Hayat and Lample 2020 write them.

        Args:
            operator: P with the name of each coordinate for the derivative by it: `x0^2*x1 - 3*x0` is
                ∂²/∂x0² ∂/∂x1 − 3 ∂/∂x0.
            initial_condition: a product of factors, see `hybrid.systems.initial_condition.read_support`.
            dimension: number of coordinates, x0, x1, …; None: as many as the texts name.
            coordinates: names other than x0, x1, …
            paper: read degenerate factors of the initial condition as the paper's generator does.
            name: of the equation.

        Raises:
            ParseError: a text that cannot be read.
            ProblemError: names or a dimension that make no sense.

        >>> pde = LinearPDE.from_text("2*x0^2 - x1*x0", "exp(3*(I*x0) + 0)*(1*(sin(2*x1 + 0)/(2*x1 + 0)))")
        >>> pde.real_symbol
        {(2, 0): Fraction(-2, 1), (1, 1): Fraction(1, 1)}
        >>> pde.support
        ((Fraction(3, 1), Fraction(3, 1)), (Fraction(-2, 1), Fraction(2, 1)))
        """
        if coordinates is None:
            coordinates = numbered(dimension, operator, initial_condition)
        names = _names(coordinates)
        if dimension is not None and dimension != len(names):
            raise DimensionError("coordinates", f"{len(names)} names", f"{dimension}, the dimension")
        support = read_support(initial_condition, names, paper=paper)
        return cls(_terms(_polynomial(operator, names)), support, names, name)

    @classmethod
    def from_bounds(
        cls,
        terms: Sequence[tuple[Any, Sequence[int]]],
        bounds: Sequence[Sequence[Any]],
        *,
        coordinates: Sequence[str] | None = None,
        name: str = "",
    ) -> LinearPDE:
        """From the terms of P and the interval of wave numbers η = 2πξ of each coordinate.

        Args:
            terms: coefficient and exponents of each; coefficients as `hybrid.LinearSystem` takes numbers.
            bounds: (lower, upper) for each coordinate; "-inf" and "inf", or None, where there is no end.
            coordinates: names; None: x0, x1, …
            name: of the equation.

        Raises:
            ProblemError, DimensionError: numbers, exponents or intervals that make no sense.

        >>> LinearPDE.from_bounds([(1, (4,)), ("0.5", (2,))], [(-1, 1)]).support
        ((Fraction(-1, 1), Fraction(1, 1)),)
        """
        names = _names(numbered(len(bounds)) if coordinates is None else coordinates)
        if len(names) != len(bounds):
            raise DimensionError("support", f"{len(bounds)} intervals", f"{len(names)}, one for each coordinate")
        support = tuple(read_interval(each, f"support.{x}") for x, each in zip(names, bounds, strict=True))
        return cls(_terms(_collected(terms, len(names))), support, names, name)

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.coordinates)

    @property
    def real_symbol(self) -> Symbol:
        """Re P(iη) as exponents of η → coefficient: terms of odd order drop out, (iη)² = −η²."""
        return {powers: -c if sum(powers) % 4 == 2 else c for c, powers in self.terms if sum(powers) % 2 == 0}

    @property
    def box(self) -> Box:
        """The support with None for an end at infinity."""
        return tuple((_finite(low), _finite(high)) for low, high in self.support)

    @property
    def ends(self) -> list[tuple[float, float]]:
        """The support in doubles."""
        return [
            (-math.inf if low is None else nearest_float(low), math.inf if high is None else nearest_float(high))
            for low, high in self.box
        ]

    @property
    def operator(self) -> str:
        """P as text, a coordinate's name for the derivative by it."""
        return spelled({powers: c for c, powers in self.terms}, self.coordinates)

    @property
    def equation(self) -> str:
        """u_t = −P(D) u as text, a coordinate in the subscript for each derivative."""
        derivatives = {powers: _derivative(powers, self.coordinates) for _, powers in self.terms}
        names = list(derivatives.values())
        unit = {powers: tuple(int(name == other) for other in names) for powers, name in derivatives.items()}
        return f"u_t = {spelled({unit[powers]: -c for c, powers in self.terms}, names)}"

    def real_part(self, point: Sequence[Fraction]) -> Fraction:
        """Re P(iη): the rate at which the wave number η decays, in 1/s."""
        symbol = self.real_symbol.items()
        parts = (c * prod((x**k for x, k in zip(point, e, strict=True)), start=Fraction(1)) for e, c in symbol)
        return sum(parts, start=Fraction(0))

    def as_document(self) -> dict[str, Any]:
        """As files and certificates store it: numbers as text, null for an end at infinity."""
        return {
            "operator": [{"coefficient": spell(c), "powers": list(powers)} for c, powers in self.terms],
            "support": [[None if end is None else spell(end) for end in side] for side in self.box],
            "names": list(self.coordinates),
        }

    def __repr__(self) -> str:
        title = f"LinearPDE {self.name}:" if self.name else "LinearPDE"
        return f"<{title} {self.equation}>"


def read_interval(value: Any, field: str) -> Interval:
    """Two ends, the lower not above the upper.

    >>> read_interval(("-inf", "1/2"), "support.x")
    (-inf, Fraction(1, 2))
    """
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise ProblemError(field, value, 'two ends, as [-1, 1] or ["-inf", "inf"]')
    low, high = _end(value[0], field, LINE[0]), _end(value[1], field, LINE[1])
    if low > high or low == math.inf or high == -math.inf:
        raise ProblemError(field, f"{_spelled(low)} to {_spelled(high)}", "a lower end that is not above the upper one")
    return low, high


def _end(value: Any, field: str, outermost: End) -> End:
    if value is None:
        return outermost
    if isinstance(value, str) and value.strip() in _INFINITE:
        return _INFINITE[value.strip()]
    if isinstance(value, float) and math.isinf(value):
        return value
    return exact(value, field)


def _finite(end: End) -> Fraction | None:
    return None if isinstance(end, float) else end


def _spelled(end: End) -> str:
    return str(end) if isinstance(end, float) else spell(end)


# Coordinates


def numbered(dimension: Any, *texts: Any) -> tuple[str, ...]:
    """x0, x1, … up to the dimension, or to the highest that stands in a text.

    >>> numbered(None, "x0^2 - x2")
    ('x0', 'x1', 'x2')
    """
    if dimension is None:
        found = [int(i) for text in texts if isinstance(text, str) for i in _NUMBERED.findall(text)]
        dimension = max(found, default=0) + 1
    if type(dimension) is not int or not 1 <= dimension <= MAX_DIMENSION:
        raise ProblemError("dimension", dimension, f"1 to {MAX_DIMENSION} coordinates")
    return tuple(f"x{i}" for i in range(dimension))


def _names(coordinates: Sequence[str]) -> tuple[str, ...]:
    if isinstance(coordinates, str) or not isinstance(coordinates, Sequence):
        raise ProblemError("coordinates", coordinates, 'a list of names, as ["x", "y"]')
    names = tuple(coordinates)
    if not 1 <= len(names) <= MAX_DIMENSION:
        raise ProblemError("coordinates", f"{len(names)} names", f"1 to {MAX_DIMENSION} of them")
    for each in names:
        if not is_name(each) or each in (IMAGINARY, "t") or names.count(each) > 1:
            raise ProblemError("coordinates", each, "different names of letters, digits and _, neither I nor t")
    return names


def _derivative(powers: tuple[int, ...], names: tuple[str, ...]) -> str:
    subscript = "".join(name * k for name, k in zip(names, powers, strict=True))
    return f"u_{subscript}" if subscript else "u"


# Terms


def _polynomial(text: Any, names: tuple[str, ...]) -> Polynomial:
    if not isinstance(text, str):
        raise ProblemError("operator", text, "a polynomial as text, such as x0^2 - 3*x1")
    return read_polynomial(text, names, "operator")


def _collected(terms: Sequence[tuple[Any, Sequence[int]]], dimension: int) -> Polynomial:
    collected: Polynomial = {}
    for at, term in enumerate(terms):
        field = f"terms[{at}]"
        if not isinstance(term, Sequence) or isinstance(term, str) or len(term) != 2:
            raise ProblemError(field, term, "a coefficient and its exponents, as (-1, (2, 0))")
        coefficient, powers = exact(term[0], field), term[1]
        if not isinstance(powers, Sequence) or any(type(k) is not int or k < 0 for k in powers):
            raise ProblemError(field, powers, "exponents 0, 1, 2, …")
        if len(powers) != dimension:
            raise DimensionError(field, f"{len(powers)} exponents", f"{dimension}, one for each coordinate")
        collected = plus(collected, {tuple(powers): coefficient})
    return collected


def _terms(polynomial: Mapping[tuple[int, ...], Fraction]) -> tuple[Term, ...]:
    if len(polynomial) > MAX_TERMS:
        raise ProblemError("operator", f"{len(polynomial)} terms", f"at most {MAX_TERMS}")
    if any(sum(powers) > MAX_ORDER for powers in polynomial):
        raise ProblemError("operator", "more derivatives in one term", f"at most {MAX_ORDER}")
    return tuple((c, powers) for powers, c in polynomial.items() if c)
