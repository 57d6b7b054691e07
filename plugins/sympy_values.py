"""sympy's numbers and matrices as exact numbers, and back."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sympy import Expr, ImmutableMatrix, MatrixBase, Rational, nan
from sympy.matrices.expressions import MatrixExpr

from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.numbers import exact

_RATIONAL = "a rational number, such as Rational(7, 5), or a Float"


def number(value: Any, field: str) -> Fraction:
    """An exact number, sympy's or any other that hybrid reads. A Float is the binary number that it stores.

    Raises:
        ProblemError: free symbols, an irrational number, or none at all.

    >>> from sympy import Float
    >>> number(Rational(1, 3), "A"), number(Float(0.5), "A")
    (Fraction(1, 3), Fraction(1, 2))
    """
    if not isinstance(value, Expr):
        return exact(value, field)
    if not (value.is_Rational or value.is_Float):
        value = value.expand()
    if value.free_symbols:
        names = ", ".join(sorted(map(str, value.free_symbols)))
        raise ProblemError(field, f"the free symbols {names}", "numbers here; substitute values, or ask for conditions")
    if value is nan or not (value.is_Rational or value.is_Float):
        raise ProblemError(field, value, _RATIONAL)
    ratio = Rational(value)
    return Fraction(int(ratio.p), int(ratio.q))


def numbers(matrix: MatrixBase, field: str) -> list[list[Fraction]]:
    """The entries of a matrix as exact numbers.

    Raises:
        ProblemError: as `number`, naming the entry.
    """
    return [[number(matrix[i, j], f"{field}[{i + 1},{j + 1}]") for j in range(matrix.cols)] for i in range(matrix.rows)]


def expression(value: Any, field: str) -> Expr:
    """A number beside a system that may hold symbols."""
    return value if isinstance(value, Expr) else rational(exact(value, field))


def weight(value: Any, field: str) -> Any:
    """A weight: a sympy matrix as exact numbers, anything else as it is."""
    return numbers(value, field) if isinstance(value, MatrixBase) else value


def pole(value: Any, field: str) -> Any:
    """A pole: a sympy number as (re, im), anything else as it is."""
    if not isinstance(value, Expr):
        return value
    re, im = value.expand().as_real_imag()
    return number(re, field), number(im, field)


def rational(value: Fraction) -> Rational:
    """A fraction as sympy has it."""
    return Rational(value.numerator, value.denominator)


def to_matrix(rows: Sequence[Sequence[Fraction]]) -> ImmutableMatrix:
    """Rows of fractions as an immutable matrix of Rationals."""
    return ImmutableMatrix([[rational(x) for x in row] for row in rows])


def matrix(value: Any, field: str, expected: str = "a sympy Matrix") -> MatrixBase:
    """A sympy matrix with entries.

    Raises:
        ProblemError: something else; text and lists are not turned into matrices, which would evaluate them.
        DimensionError: no rows or no columns.
    """
    if isinstance(value, MatrixExpr):
        value = value.as_explicit()
    if not isinstance(value, MatrixBase):
        raise ProblemError(field, value, expected)
    if not value.rows or not value.cols:
        raise DimensionError(field, f"shape {value.shape}", "at least one row and one column")
    return value


def square(A: MatrixBase) -> MatrixBase:
    """A square matrix."""
    if A.rows != A.cols:
        raise DimensionError("A", f"shape {A.shape}", "a square matrix")
    return A
