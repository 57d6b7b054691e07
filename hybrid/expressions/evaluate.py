"""Computes a tape in any arithmetic: floats, complex, stacks of points, sympy; see `exact` and `balls` too."""

from __future__ import annotations

import cmath
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from hybrid.errors import ProblemError
from hybrid.expressions.graph import CONTINUED, IMMEDIATE, Tape
from hybrid.expressions.source import DomainError
from hybrid.expressions.special import EXPECTED, special_value


@dataclass(frozen=True)
class Arithmetic:
    """What the operations of a tape mean: a function for each, and how exact numbers enter.

    A function that has no value at its argument raises ArithmeticError or ValueError.
    """

    name: str
    operations: Mapping[str, Callable[..., Any]]
    constant: Callable[[Fraction], Any]
    pi: Callable[[], Any]
    number: Callable[[int], Any]


class Kink:
    """The slope of abs at 0: some number of [−1, 1]. Zero times it is zero; else it absorbs what it meets.

    By Clarke's chain rule (Optimization and Nonsmooth Analysis 1983, 2.3) a derivative that comes out as a
    plain number in spite of it, as that of x·|x| at 0, is the (strict) derivative.
    """

    def _absorb(self, other: object) -> Kink:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __truediv__ = _absorb

    def __neg__(self) -> Kink:
        return self

    def __mul__(self, other: Any) -> Any:
        return other if other == 0 else self

    __rmul__ = __mul__


KINK = Kink()


class Program:
    """A tape bound to an arithmetic: its constants converted, its operations looked up.

    >>> from hybrid.expressions.parser import parse
    >>> Program(parse("x^2/2 + y", ["x", "y"]), FLOATS)([3.0, 1.0])
    [5.5]
    """

    def __init__(self, tape: Tape, arithmetic: Arithmetic) -> None:
        self.tape, self.arithmetic = tape, arithmetic
        self._constants = [_converted(constant, arithmetic) for constant in tape.constants]
        functions = arithmetic.operations
        self._steps = [(functions[op], a, b) for op, a, b in tape.operations]

    def __call__(self, point: Sequence[Any]) -> list[Any]:
        """The values of the tape's outputs at a point that lists a value for each of its names.

        Raises:
            DomainError: an operation has no value there; names it and its line and column.
        """
        values = self.trace(point)
        outputs = [values[output] for output in self.tape.outputs]
        for output, value in zip(self.tape.outputs, outputs, strict=True):
            if value is KINK:
                raise kink_error(self.tape, output, values)
        return outputs

    def trace(self, point: Sequence[Any]) -> list[Any]:
        """The values of everything on the tape: variables, constants, operations."""
        values = [*point, *self._constants]
        append = values.append
        try:
            for function, a, b in self._steps:
                append(function(values[a]) if b < 0 else function(values[a], values[b]))
        except (ArithmeticError, ValueError) as cause:
            raise domain_error(self.tape, len(values), values, cause) from None
        return values


_SPOKEN = {
    "/": "a division",
    "^": "a power",
    "*": "a product",
    "+": "a sum",
    "-": "a difference",
    "neg": "a sign",
}


def domain_error(
    tape: Tape, number: int, values: Sequence[Any], cause: Exception, derivative: bool = False
) -> DomainError:
    """The error for the operation that computes value `number`, or for its derivative."""
    op, a, b = tape.operations[number - tape.first]
    place = tape.sources.place(tape.positions[number - tape.first])
    if isinstance(cause, OverflowError):
        expected = "a result in the range of floating point"
    elif derivative:
        expected = "a point inside the domain of the derivative"
    else:
        expected = EXPECTED.get(op, "a finite result")
    operands = f"{values[a]}" if b < 0 or op in IMMEDIATE else f"{values[a]} and {values[b]}"
    of = "the derivative of " if derivative else ""
    return DomainError(place, op, f"{of}{_SPOKEN.get(op, op)} of {operands}", expected)


def kink_error(tape: Tape, output: int, values: Sequence[Any]) -> DomainError:
    """The error for an output whose derivative is undefined because an abs that it uses is at its kink."""
    needed = tape.needed([output])
    for number, (op, a, _) in enumerate(tape.operations, tape.first):
        if op in ("abs", "slope") and needed[number] and values[a] == 0:
            return domain_error(tape, number, values, ArithmeticError(), op == "abs")
    raise AssertionError("a kink without abs")


def expect_real_constants(tape: Tape) -> None:
    """Refuse √−1 and its like: an operation on a rational number that has no real value, wherever the variables are.

    Raises:
        DomainError: names the operation, its line and column.
    """
    values: list[Any] = [*tape.names, *tape.constants]
    for number, (op, a, b) in enumerate(tape.operations, tape.first):
        if op in CONTINUED and a < tape.first and isinstance(values[a], Fraction | int):
            try:
                special_value(op, Fraction(values[a]), values[b] if b >= 0 else 2)
            except ArithmeticError as cause:
                raise domain_error(tape, number, values, cause) from None


def _converted(constant: Fraction | int | str, arithmetic: Arithmetic) -> Any:
    if isinstance(constant, int):
        return constant
    if isinstance(constant, str):
        return arithmetic.pi()
    return arithmetic.constant(constant)


def _float(value: Fraction) -> float:
    try:
        return value.numerator / value.denominator
    except OverflowError:
        raise ProblemError("expression", value, "numbers in the range of floating point") from None


# Floats and complex numbers


def _slope(u: float) -> Any:
    return math.copysign(1.0, u) if u else KINK


def _sign(u: float) -> float:
    return math.copysign(1.0, u) if u else 0.0


def _float_root(u: float, k: int) -> float:
    if u < 0:
        raise ValueError
    return math.cbrt(u) if k == 3 else u ** (1 / k)


_ALGEBRA: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "neg": operator.neg, "^": operator.pow,
}  # fmt: skip
_NAMED = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")

FLOATS = Arithmetic(
    "floats",
    {
        **_ALGEBRA, **{name: getattr(math, name) for name in _NAMED},
        "root": _float_root, "abs": abs, "sign": _sign, "slope": _slope,
    },
    _float,
    lambda: math.pi,
    float,
)  # fmt: skip
"""Doubles, rounded to nearest at each step; a proof needs `balls` or `exact`."""


def _complex_slope(u: complex) -> Any:
    """|u| continued analytically from the real axis is u or −u, by the sign of the real part."""
    if u.real == 0:
        raise ValueError
    return math.copysign(1.0, u.real)


COMPLEX = Arithmetic(
    "complex",
    {
        **_ALGEBRA, **{name: getattr(cmath, name) for name in _NAMED},
        "root": lambda u, k: u ** (1 / k),
        "abs": lambda u: u * _complex_slope(u) if u else 0j,
        "sign": lambda u: complex(_complex_slope(u)) if u else 0j,
        "slope": lambda u: _complex_slope(u) if u else KINK,
    },
    lambda value: complex(_float(value)),
    lambda: complex(math.pi),
    complex,
)  # fmt: skip
"""Complex doubles, principal branches; abs and sign are continued from the real axis."""


# Stacks


def _stack_root(u: Any, k: int) -> Any:
    return np.where(u < 0, np.nan, np.abs(u) ** (1 / k))


def _numpy_name(name: str) -> str:
    return name.replace("asin", "arcsin").replace("acos", "arccos").replace("atan", "arctan")


STACKS = Arithmetic(
    "stacks",
    {
        **_ALGEBRA, **{name: getattr(np, _numpy_name(name)) for name in _NAMED},
        "root": _stack_root, "abs": np.abs, "sign": np.sign, "slope": lambda u: u / np.abs(u),
    },
    _float,
    lambda: math.pi,
    float,
)  # fmt: skip
"""Arrays, one entry for each point; what has no value at a point is nan there, and raises nothing."""


# Symbols


@cache
def symbols() -> Arithmetic:
    """The sympy arithmetic: a tape run over sympy symbols gives sympy expressions, constants as Rationals."""
    import sympy

    functions = {name: getattr(sympy, name) for name in _NAMED}
    return Arithmetic(
        "sympy",
        {
            **_ALGEBRA, **functions, "root": lambda u, k: u ** sympy.Rational(1, k),
            "abs": sympy.Abs, "sign": sympy.sign, "slope": lambda u: u / sympy.Abs(u),
        },
        lambda value: sympy.Rational(value.numerator, value.denominator),
        lambda: sympy.pi,
        sympy.Integer,
    )  # fmt: skip
