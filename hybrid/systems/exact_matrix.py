"""A matrix of exact numbers that also knows its nearest doubles."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.cached import cached_property
from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.numbers import EXPECTED, exact, nearest_float, spell, stored

FloatMatrix = NDArray[np.float64]
MAX_BITS = 2**31
"""In the numerators and denominators of one matrix, 256 MB: short text such as 2**20000 stands for long numbers."""

_UNIT = 2.0**-52  # an ulp of 1: the relative error of rounding in any direction, whatever the thread's mode was
_TINY = 2.0**-1022  # the smallest normal number bounds the absolute error, also where subnormals are taken for zero


class ExactMatrix:
    """A rectangular matrix of rationals, frozen; `floats` are the nearest doubles.

    Built from doubles it *is* those doubles and converts to rationals only when somebody asks.
    """

    def __init__(self, floats: FloatMatrix, fractions: tuple[tuple[Fraction, ...], ...] | None) -> None:
        floats.setflags(write=False)
        self.floats = floats
        self._fractions = fractions

    @classmethod
    def read(cls, value: Any, field: str, *, square: bool = False) -> ExactMatrix:
        """Read a numpy array or nested lists of int, float, Fraction, Decimal or text; `square` is asked for first.

        Raises:
            ProblemError: an entry is no finite number.
            DimensionError: ragged, empty, not two-dimensional, or not square where that is asked for.

        >>> ExactMatrix.read([["1/3", 2]], "A").fractions
        ((Fraction(1, 3), Fraction(2, 1)),)
        """
        if isinstance(value, ExactMatrix):
            return value
        if isinstance(value, np.ma.MaskedArray):
            raise ProblemError(field, "a masked array", "an array without masked entries")
        if isinstance(value, np.ndarray) and _converts_to_doubles(value):
            return cls._from_doubles(value, field)
        rows = _rows(value, field)
        if square and len(rows) != len(rows[0]):  # before a million numbers are read for nothing
            raise DimensionError(field, f"shape {(len(rows), len(rows[0]))}", "a square matrix")
        return cls._from_rows(rows, field)

    @classmethod
    def _from_doubles(cls, value: NDArray[Any], field: str) -> ExactMatrix:
        if value.ndim != 2 or value.size == 0:
            raise DimensionError(field, f"an array of shape {value.shape}", "a matrix with rows and columns")
        floats = np.array(value, dtype=np.float64, order="C")
        if not np.isfinite(floats).all():
            row, column = np.argwhere(~np.isfinite(floats))[0]
            raise ProblemError(f"{field}[{row + 1},{column + 1}]", floats[row, column].item(), EXPECTED)
        return cls(floats, None)

    @classmethod
    def _from_rows(cls, rows: list[list[Any]], field: str) -> ExactMatrix:
        fractions = []
        bits = 0
        for i, row in enumerate(rows, 1):
            numbers = tuple(exact(entry, f"{field}[{i},{j}]") for j, entry in enumerate(row, 1))
            bits += sum(x.numerator.bit_length() + x.denominator.bit_length() for x in numbers)
            if bits > MAX_BITS:
                raise ProblemError(field, "numbers of too many digits together", f"at most {MAX_BITS} bits")
            fractions.append(numbers)
        return cls.from_fractions(tuple(fractions))

    @classmethod
    def from_fractions(cls, fractions: tuple[tuple[Fraction, ...], ...]) -> ExactMatrix:
        """A matrix of rationals already known to be rectangular."""
        floats = np.array([[nearest_float(x) for x in row] for row in fractions], dtype=np.float64)
        return cls(floats.reshape(len(fractions), -1), fractions)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.floats.shape
        return rows, columns

    @cached_property
    def fractions(self) -> tuple[tuple[Fraction, ...], ...]:
        """Rows of exact entries."""
        if self._fractions is not None:
            return self._fractions
        return tuple(tuple(map(stored, row)) for row in self.floats.tolist())

    @cached_property
    def radius(self) -> FloatMatrix | None:
        """Entrywise bound on |exact − floats|, None where the doubles are the exact entries."""
        if self._fractions is None:
            return None
        pairs = zip(self._fractions, self.floats.tolist(), strict=True)
        inexact = [
            [abs(f) == float("inf") or Fraction(f) != x for x, f in zip(row, floats, strict=True)]
            for row, floats in pairs
        ]
        if not np.any(inexact):
            return None
        bound = np.where(inexact, np.abs(self.floats) * (_UNIT * (1 + 4 * _UNIT)) + _TINY, 0.0)
        bound.setflags(write=False)
        return bound

    @property
    def T(self) -> ExactMatrix:  # noqa: N802 - the transpose is T everywhere in the field
        """The transpose."""
        transposed = None if self._fractions is None else tuple(zip(*self._fractions, strict=True))
        return ExactMatrix(np.ascontiguousarray(self.floats.T), transposed)

    def spelled(self) -> list[list[str]]:
        """Exact text of each entry, as certificates store it."""
        return [[spell(x) for x in row] for row in self.fractions]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExactMatrix):
            return NotImplemented
        if self._fractions is None and other._fractions is None:
            return np.array_equal(self.floats, other.floats)
        return self.fractions == other.fractions

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ExactMatrix({self.spelled()})"


class EnclosedMatrix(ExactMatrix):
    """A matrix known up to a radius in each entry: what is proved of it holds for every matrix in between.

    >>> EnclosedMatrix(np.array([[1.0]]), np.array([[0.25]])).radius
    array([[0.25]])
    """

    def __init__(self, midpoint: FloatMatrix, radius: FloatMatrix) -> None:
        super().__init__(midpoint, None)
        radius.setflags(write=False)
        self._radius = radius

    @property
    def radius(self) -> FloatMatrix:
        """Entrywise, zero or more."""
        return self._radius

    @property
    def fractions(self) -> tuple[tuple[Fraction, ...], ...]:
        """There are none: the entries are not known exactly.

        Raises:
            TypeError: always; the exact routes are not for enclosures.
        """
        raise TypeError("an enclosed matrix has no exact entries")

    @property
    def T(self) -> EnclosedMatrix:  # noqa: N802
        """The transpose."""
        return EnclosedMatrix(np.ascontiguousarray(self.floats.T), np.ascontiguousarray(self._radius.T))

    def __repr__(self) -> str:
        return f"EnclosedMatrix({self.floats.tolist()} ± {float(self._radius.max()):.1e})"


def _converts_to_doubles(value: NDArray[Any]) -> bool:
    """Whether every entry is a double, or an integer that is one."""
    if value.dtype.kind in "iu" and value.size:
        return int(value.max()) <= 2**53 and int(value.min()) >= -(2**53)
    return value.dtype.kind == "f" and value.dtype.itemsize <= 8


def _rows(value: Any, field: str) -> list[list[Any]]:
    """Nested lists, checked to be a rectangle with at least one entry."""
    if not _is_list(value):
        raise ProblemError(field, value, "a matrix, written as a list of rows")
    rows = [list(row) if _is_list(row) else None for row in value]
    if None in rows:
        bad = rows.index(None)
        raise ProblemError(f"{field}, row {bad + 1}", value[bad], "a list of numbers")
    kept = [row for row in rows if row is not None]
    if not kept or not kept[0]:
        raise DimensionError(field, "an empty matrix", "at least one row and one column")
    for i, row in enumerate(kept, 1):
        if len(row) != len(kept[0]):
            raise DimensionError(f"{field}, row {i}", f"{len(row)} numbers", f"as many as in row 1, {len(kept[0])}")
    return kept


def _is_list(value: Any) -> bool:
    """Whether something is a list of things: a list, a tuple, or an array with an axis."""
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
