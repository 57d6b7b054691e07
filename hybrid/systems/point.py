"""Coordinates of a point: exact numbers, or text such as "pi/2", in whichever arithmetic they are needed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from hybrid.errors import ProblemError
from hybrid.expressions.evaluate import Arithmetic, Program
from hybrid.expressions.graph import Graph
from hybrid.expressions.parser import read_expression
from hybrid.systems.numbers import exact as exact_number
from hybrid.systems.numbers import spell

_DECIMAL = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?")  # text that needs no parser, as most parameters

Point = Mapping[str, Any] | Sequence[Any]
"""A value for each state, input and free parameter, by name or in this order; inputs may be left out: 0.

A value is an int, a Fraction, a float (the double that it stores), or text: "0.1", "1/3", "pi/2".
"""


def plain_number(value: object, name: str) -> Fraction | None:
    """The value of a number, also of one in plain decimals; None for text that has to be parsed."""
    if not isinstance(value, str):
        return exact_number(value, name)
    return Fraction(value) if _DECIMAL.fullmatch(value) else None


def constant_node(graph: Graph, value: object, name: str) -> int:
    """The node of a number, or of a text such as "pi/6"."""
    number = plain_number(value, name)
    return read_expression(graph, {}, name, str(value)) if number is None else graph.constant(number)


def enter(value: object, name: str, arithmetic: Arithmetic) -> Any:
    """A number, or a text such as "pi/6", in an arithmetic."""
    number = plain_number(value, name)
    if number is not None:
        return arithmetic.constant(number)
    graph = Graph([])
    return Program(graph.tape([constant_node(graph, value, name)]), arithmetic)([])[0]


def as_text(value: object) -> str:
    """A number or a text such as "pi/6" as it stands in an equation."""
    return value if isinstance(value, str) else spell(exact_number(value, "point"))


def enclose(value: Any, name: str) -> Any:
    """An arb around a number, a pair of bounds, or a ball."""
    from flint import arb

    from hybrid.expressions.balls import balls

    if isinstance(value, arb):
        if not value.is_finite():
            raise ProblemError(name, value, "a finite ball")
        return value
    if not isinstance(value, tuple | list):
        return enter(value, name, balls())
    if len(value) != 2 or (bounds := [exact_number(bound, name) for bound in value]) != sorted(bounds):
        raise ProblemError(name, value, "a pair of a lower and an upper bound")
    return balls().constant(bounds[0]).union(balls().constant(bounds[1]))


def required(values: Mapping[str, Any], name: str) -> Any:
    """The value of a name that has to have one.

    Raises:
        ProblemError: it has none.
    """
    if name not in values:
        raise ProblemError(name, "no value", "a number: it is a state or a free parameter")
    return values[name]
