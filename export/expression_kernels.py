"""Random expressions, their complex values and adjoints: compiled loops over prefix arrays.

Symbols are small integers: the operators in the order of
`hybrid.propose.expression_trees`, then INTEGER, then a variable x_i as VARIABLE + i. A node of a
prefix array knows its children by position. Derivatives are holomorphic, branches those of sympy: principal, and on
the cuts of asin and acos the side that sympy's evaluation takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

ADD, SUB, MUL, DIV, SQRT, EXP, LN, SIN, COS, TAN, ASIN, ACOS, ATAN = range(13)
BINARIES = 4
INTEGER = 13
VARIABLE = 14
INTEGER_SHARE = 0.3
LARGEST_INTEGER = 10

_HUGE = 1e300
_ROUND_OFF = 1e-13
"""An imaginary part of this relative size is what a real number has gathered on the way."""

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function on its first call, or take it from numba's cache."""
    return cast(Function, cast(Any, numba.njit)(cache=True, error_model="numpy")(function))


def shape_counts(operators: int) -> NDArray[np.float64]:
    """D(e, n): how many forests with e empty nodes hold n more operators (Lample & Charton 2020, appendix C).

    >>> shape_counts(2)[1]  # one tree without operators, two with one, six with two
    array([1., 2., 6.])
    """
    most = 2 * operators + 2
    D = np.zeros((most + 1, operators + 1))
    D[1:, 0] = 1
    for n in range(1, operators + 1):
        for e in range(1, most - n):
            D[e, n] = D[e - 1, n] + D[e, n - 1] + D[e + 1, n - 1]
    return D


@kernel
def grow(rng: Any, operators: int, variables: int, D: Any, symbol: Any, number: Any) -> int:
    """Write one random expression with so many operators in prefix order; its length."""
    most = 2 * operators + 1
    first = np.full(most, -1, np.int64)
    arity = np.zeros(most, np.int64)
    count, at = 1, 0
    for left in range(operators, 0, -1):
        empty = count - at
        draw = rng.random() * D[empty, left]
        for skipped in range(empty):
            draw -= D[empty - skipped, left - 1]
            if draw < 0:
                arity[at + skipped] = 1
                break
            draw -= D[empty - skipped + 1, left - 1]
            if draw < 0 or skipped == empty - 1:
                arity[at + skipped] = 2
                break
        at += skipped
        first[at] = count
        count += arity[at]
        at += 1
    stack = np.empty(most, np.int64)
    stack[0], height, length = 0, 1, 0
    while height > 0:
        height -= 1
        node = stack[height]
        number[length] = 0
        if arity[node] == 2:
            symbol[length] = rng.integers(0, BINARIES)
            stack[height], stack[height + 1] = first[node] + 1, first[node]
            height += 2
        elif arity[node] == 1:
            symbol[length] = rng.integers(BINARIES, INTEGER)
            stack[height] = first[node]
            height += 1
        elif rng.random() < INTEGER_SHARE:
            symbol[length] = INTEGER
            drawn = rng.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
            number[length] = drawn if drawn < 0 else drawn + 1
        else:
            symbol[length] = VARIABLE + rng.integers(0, variables)
        length += 1
    return length


@kernel
def link(symbol: Any, begin: int, end: int, left: Any, right: Any) -> None:
    """The positions of the children of each node of one prefix expression; −1 where there is none."""
    stack = np.empty(end - begin + 1, np.int64)
    height = 0
    for i in range(end - 1, begin - 1, -1):
        left[i] = right[i] = -1
        if symbol[i] < INTEGER:
            height -= 1
            left[i] = stack[height]
            if symbol[i] < BINARIES:
                height -= 1
                right[i] = stack[height]
        stack[height] = i
        height += 1


@kernel
def _divide(a: complex, b: complex) -> complex:
    """a/b, NaN for b = 0: numba's own division raises there, whatever the error model."""
    return a / b if b != 0 else complex(np.nan, 0.0)


@kernel
def _apply(op: int, a: complex, b: complex) -> Any:
    if op == ADD:
        return a + b
    if op == SUB:
        return a - b
    if op == MUL:
        return a * b
    if op == DIV:
        return _divide(a, b)
    if a.imag == 0:
        a = complex(a.real, -0.0 if op in (ASIN, ACOS) and a.real > 1 else 0.0)
    if op == SQRT:
        return np.sqrt(a)
    if op == EXP:
        return np.exp(a)
    if op == LN:
        return np.log(a) if a != 0 else complex(np.nan, 0.0)
    if op == SIN:
        return np.sin(a)
    if op == COS:
        return np.cos(a)
    if op == TAN:
        return np.tan(a)
    if op == ASIN:
        return np.arcsin(a)
    if op == ACOS:
        return np.arccos(a)
    return np.arctan(a)


@kernel
def _slope(op: int, a: complex, f: complex) -> Any:
    """The derivative of a function of one argument, f its value."""
    if op == SQRT:
        return _divide(0.5, f)
    if op == EXP:
        return f
    if op == LN:
        return _divide(1.0, a)
    if op == SIN:
        return np.cos(a)
    if op == COS:
        return -np.sin(a)
    if op == TAN:
        return 1 + f * f
    if op == ATAN:
        return _divide(1.0, 1 + a * a)
    inner = 1 - a * a
    if inner.imag == 0:
        inner = complex(inner.real, 0.0)
    return _divide(1.0 if op == ASIN else -1.0, np.sqrt(inner))


@kernel
def _tidy(v: complex) -> complex:
    """A real number where only rounding made it complex."""
    return complex(v.real, 0.0) if abs(v.imag) <= _ROUND_OFF * abs(v.real) else v


@kernel
def evaluate(
    symbol: Any, number: Any, left: Any, right: Any, begin: int, end: int, point: Any,
    value: Any, slope: Any, adjoint: Any, gradient: Any,
) -> bool:  # fmt: skip
    """Values, derivatives with respect to left and right child, adjoints, the gradient; whether all are finite.

    Args:
        symbol, number, left, right: the prefix arrays, of which begin … end − 1 is one expression.
        point: the values of the variables.
        value, slope (N, 2), adjoint, gradient: written.
    """
    for i in range(end - 1, begin - 1, -1):
        op = symbol[i]
        if op == INTEGER:
            value[i] = number[i]
        elif op > INTEGER:
            value[i] = point[op - VARIABLE]
        elif op < BINARIES:
            a, b = value[left[i]], value[right[i]]
            value[i] = _tidy(_apply(op, a, b))
            if op == MUL:
                slope[i, 0], slope[i, 1] = b, a
            elif op == DIV:
                slope[i, 0], slope[i, 1] = _divide(1.0, b), _divide(-a, b * b)
            else:
                slope[i, 0], slope[i, 1] = 1.0, (1.0 if op == ADD else -1.0)
        else:
            a = value[left[i]]
            value[i] = _tidy(_apply(op, a, a))
            slope[i, 0] = _tidy(_slope(op, a, value[i]))
        if not (abs(value[i]) < _HUGE and (op >= INTEGER or abs(slope[i, 0]) < _HUGE)):
            return False
        if op < BINARIES and not abs(slope[i, 1]) < _HUGE:
            return False
    gradient[:] = 0
    adjoint[begin] = 1
    for i in range(begin, end):
        op = symbol[i]
        if not abs(adjoint[i]) < _HUGE:
            return False
        if op >= VARIABLE:
            gradient[op - VARIABLE] += adjoint[i]
        elif op < INTEGER:
            adjoint[left[i]] = adjoint[i] * slope[i, 0]
            if op < BINARIES:
                adjoint[right[i]] = adjoint[i] * slope[i, 1]
    for k in range(len(gradient)):
        if not abs(gradient[k]) < _HUGE:
            return False
        gradient[k] = _tidy(gradient[k])
    return True


@kernel
def draw_systems(
    rng: Any, count: int, degree: int, variables: int, fewest: int, most: int, point: Any, real: bool, D: Any,
    symbol: Any, number: Any, left: Any, right: Any, value: Any, slope: Any, adjoint: Any, start: Any, jacobian: Any,
) -> int:  # fmt: skip
    """Draw systems as FACTS A0–A4 say, expressions redrawn until they are usable; the number of nodes written.

    An expression is redrawn where a value is not finite, a derivative complex though `real` is asked for, or none
    with respect to a state differs from zero; a system where a column of the Jacobian vanishes (but for the last
    variables beyond `jacobian`, as time).
    """
    drawn, end = 0, 0
    columns = jacobian.shape[2]
    gradient = np.zeros(variables, np.complex128)
    while drawn < count:
        first = end
        for row in range(degree):
            operators = rng.integers(fewest, most + 1)
            usable = False
            while not usable:
                length = grow(rng, operators, variables, D, symbol[end:], number[end:])
                link(symbol, end, end + length, left, right)
                finite = evaluate(
                    symbol, number, left, right, end, end + length, point, value, slope, adjoint, gradient
                )
                usable = bool(finite and np.any(gradient[:degree] != 0))
                if real and np.any(gradient.imag != 0):
                    usable = False
            start[drawn * degree + row] = end
            end += length
            jacobian[drawn, row] = gradient[:columns]
        whole = True
        for column in range(columns):
            if not np.any(jacobian[drawn, :, column] != 0):
                whole = False
        if whole:
            drawn += 1
        else:
            end = first
    start[count * degree] = end
    return end
