"""State-space realisations of transfer functions in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.numbers import exact

Polynomial = list[Fraction]  # coefficients from the highest power down; zero is []
Rows = list[list[Fraction]]
_PROPER = "a proper transfer function, the degree of the numerator at most that of the denominator"


def realise(numerators: Sequence[Any], denominators: Sequence[Any]) -> tuple[Rows, Rows, Rows, Rows]:
    """A, B, C, D of a matrix of transfer functions: one controllable canonical form for each input.

    The states of an input are those of the least common multiple, over Q, of the denominators in its column.
    Nothing is cancelled between numerator and denominator, so that every pole that is written is an eigenvalue
    of A; the realisation is controllable by construction and need not be observable.

    Args:
        numerators: for each output, for each input, coefficients from the highest power down.
        denominators: likewise.

    Raises:
        ProblemError: a denominator that is zero, a coefficient that is no finite number, or an improper entry.
        DimensionError: no entry has a pole, so that there is no state.

    Source: Kailath 1980, Linear Systems, section 6.4.1 (controller form).

    >>> A, B, C, D = realise([[[1.0, 3.0]]], [[[1.0, 3.0, 2.0]]])
    >>> [[int(x) for x in row] for row in A + C]
    [[0, 1], [-2, -3], [3, 1]]
    """
    fractions = _read(numerators, denominators)
    columns = [_common_denominator([below for _, below in column]) for column in zip(*fractions, strict=True)]
    starts = [0]
    for column in columns:
        starts.append(starts[-1] + len(column) - 1)
    n, m = starts[-1], len(columns)
    if n == 0:
        raise DimensionError("transfer function", "no poles", "at least one, for at least one state")
    A, B = _zeros(n, n), _zeros(n, m)
    C, D = _zeros(len(fractions), n), _zeros(len(fractions), m)
    for j, (column, (start, end)) in enumerate(zip(columns, pairwise(starts), strict=True)):
        for i in range(start, end - 1):
            A[i][i + 1] = Fraction(1)
        if end > start:
            A[end - 1][start:end] = [-a for a in reversed(column[1:])]
            B[end - 1][j] = Fraction(1)
        for i, row in enumerate(fractions):
            above, below = row[j]
            factor, _ = _divide(column, below)
            direct, rest = _divide(_multiply(above, factor), column)
            D[i][j] = direct[0] if direct else Fraction(0)
            C[i][start : start + len(rest)] = reversed(rest)
    return A, B, C, D


def _read(numerators: Sequence[Any], denominators: Sequence[Any]) -> list[list[tuple[Polynomial, Polynomial]]]:
    """For each output and input the numerator and the denominator, checked one by one."""
    fractions: list[list[tuple[Polynomial, Polynomial]]] = []
    for i, rows in enumerate(zip(numerators, denominators, strict=True), 1):
        fractions.append([])
        for j, (above, below) in enumerate(zip(*rows, strict=True), 1):
            field = f"transfer function [{i},{j}]"
            numerator, denominator = _polynomial(above, field), _polynomial(below, field)
            if not denominator:
                raise ProblemError(field, "the denominator 0", "a denominator that is not zero")
            if len(numerator) > len(denominator):
                raise ProblemError(field, f"a numerator of degree {len(numerator) - 1}", _PROPER)
            fractions[-1].append((numerator, denominator))
    return fractions


def _polynomial(coefficients: Any, field: str) -> Polynomial:
    return _trim([exact(coefficient, field) for coefficient in coefficients])


def _trim(polynomial: Polynomial) -> Polynomial:
    leading = next((i for i, a in enumerate(polynomial) if a), len(polynomial))
    return polynomial[leading:]


def _multiply(f: Polynomial, g: Polynomial) -> Polynomial:
    product = [Fraction(0)] * max(len(f) + len(g) - 1, 0)
    for i, a in enumerate(f):
        for j, b in enumerate(g):
            product[i + j] += a * b
    return product if f and g else []


def _divide(f: Polynomial, g: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Quotient and remainder."""
    quotient, rest = [], list(f)
    while len(rest) >= len(g):
        ratio = rest[0] / g[0]
        quotient.append(ratio)
        padded = g + [Fraction(0)] * (len(rest) - len(g))
        rest = [a - ratio * b for a, b in zip(rest, padded, strict=True)][1:]
    return _trim(quotient), _trim(rest)


def _common_denominator(denominators: list[Polynomial]) -> Polynomial:
    """The monic least common multiple over Q."""
    common = [Fraction(1)]
    for denominator in denominators:
        divisor, rest = common, denominator
        while rest:  # Euclid
            divisor, rest = rest, _divide(divisor, rest)[1]
        common = _multiply(common, _divide(denominator, divisor)[0])
        common = [a / common[0] for a in common]
    return common


def _zeros(rows: int, columns: int) -> Rows:
    return [[Fraction(0)] * columns for _ in range(rows)]
