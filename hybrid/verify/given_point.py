"""A point or a box as the user gives it: names checked, numbers exact, irrational coordinates kept as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hybrid.cached import cached_property
from hybrid.errors import ProblemError
from hybrid.precision import working_precision
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact as exact_number
from hybrid.systems.point import enter, required

Bounds = tuple[Fraction, Fraction]

_BITS = 2200
"""Precision of irrational coordinates: far beyond that of an equilibrium's enclosure."""


@dataclass(frozen=True)
class GivenPoint:
    """A value for each state, or for none of them; the inputs; the names of the inputs that were left out."""

    states: tuple[tuple[str, Any], ...]
    inputs: tuple[Fraction, ...]
    assumed_zero: tuple[str, ...]

    @classmethod
    def read(cls, system: NonlinearSystem, at: Mapping[str, Any]) -> GivenPoint:
        """Check the names; read the inputs.

        Raises:
            ProblemError: an unknown name, some states without a value, an input that is no rational number.
        """
        _check_names(system, at, "at")
        states = system.states if any(name in at for name in system.states) else ()
        return cls(
            tuple((name, required(at, name)) for name in states),
            tuple(_rational_input(at.get(name, 0), name) for name in system.inputs),
            tuple(name for name in system.inputs if name not in at),
        )

    @cached_property
    def exact(self) -> list[Any] | None:
        """The states as fmpq, or Angle for a multiple of π; None where one is neither."""
        from hybrid.expressions.exact import NotExact, exact

        try:
            return [enter(value, name, exact()) for name, value in self.states]
        except NotExact:
            return None

    @cached_property
    def rational(self) -> tuple[Fraction, ...] | None:
        """The states, or None where one is irrational."""
        return None if self.exact is None else rationals(self.exact)

    @cached_property
    def balls(self) -> list[Any]:
        """Narrow enclosures of the states."""
        from hybrid.expressions.balls import balls

        with working_precision(_BITS):
            return [enter(value, name, balls()) for name, value in self.states]

    @cached_property
    def midpoint(self) -> tuple[Fraction, ...]:
        """The states, irrational ones rounded."""
        from hybrid.exact.krawczyk import midpoint_radius

        return self.rational or tuple(midpoint_radius(side)[0] for side in self.balls)


def read_box(system: NonlinearSystem, box: Mapping[str, Any]) -> tuple[tuple[Fraction, ...], list[Bounds]]:
    """The inputs (0 where left out) and the bounds of the states.

    Raises:
        ProblemError: an unknown name, a state without bounds, bounds in the wrong order, an input with a width.
    """
    _check_names(system, box, "box")
    inputs = []
    for name in system.inputs:
        lower, upper = _pair(box.get(name, 0), name)
        if lower != upper:
            raise ProblemError(name, box[name], "one number: inputs are held constant")
        inputs.append(lower)
    return tuple(inputs), [_pair(required(box, name), name) for name in system.states]


def rationals(values: Sequence[Any]) -> tuple[Fraction, ...] | None:
    """Values of exact arithmetic as Fractions, or None where one is irrational."""
    from hybrid.expressions.exact import NotExact, fraction

    try:
        return tuple(fraction(value) for value in values)
    except NotExact:
        return None


def _check_names(system: NonlinearSystem, values: Mapping[str, Any], field: str) -> None:
    for name in values:
        if name not in system.variables:
            raise ProblemError(field, name, f"one of {', '.join(system.variables)}")


def _rational_input(value: Any, name: str) -> Fraction:
    from hybrid.expressions.exact import NotExact, exact

    try:
        numbers = rationals([enter(value, name, exact())])
    except NotExact:
        numbers = None
    if numbers is None:
        raise ProblemError(name, value, "a rational number: an input is set to a number")
    return numbers[0]


def _pair(value: Any, name: str) -> Bounds:
    bounds = value if isinstance(value, tuple | list) else (value, value)
    if len(bounds) != 2:
        raise ProblemError(name, value, "a lower and an upper bound")
    lower, upper = (exact_number(bound, name) for bound in bounds)
    if lower > upper:
        raise ProblemError(name, value, "a lower bound that is not above the upper one")
    return lower, upper
