"""Stacks of matrices as users hand them over, and the region asked about."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import DimensionError, ProblemError
from hybrid.pole_region import Region
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_LARGEST_INTEGER = 2**53


@dataclass(frozen=True)
class Stack:
    """N systems in doubles.

    Attributes:
        A, B: (N, n, n), (N, n, m); B has no columns where no inputs were given.
        C: (N, p, n); no rows where no outputs were given.
        errors: row → why it is no system.
    """

    A: FloatArray
    B: FloatArray
    C: FloatArray
    errors: dict[int, str]

    @classmethod
    def read(cls, A: Any, B: Any = None, C: Any = None) -> Stack:
        """Read stacks of doubles, of shorter floats or of integers; each becomes the double that it equals.

        A row with NaN, inf, or an integer beyond 2⁵³ is an error row: it gets its reason, and zeros.

        Raises:
            DimensionError: not (N, n, n), B without a row or C without a column for each state of each system.
            ProblemError: entries that are no real numbers.
        """
        states = _array(A, "A")
        if states.ndim != 3 or states.shape[1] != states.shape[2] or not states.shape[1]:
            raise DimensionError("A", f"shape {states.shape}", "shape (N, n, n), a stack of square matrices")
        count, n = states.shape[:2]
        inputs = np.zeros((count, n, 0)) if B is None else _array(B, "B")
        if inputs.ndim != 3 or inputs.shape[:2] != (count, n) or (B is not None and not inputs.shape[2]):
            raise DimensionError("B", f"shape {inputs.shape}", f"shape ({count}, {n}, m), with m inputs at least one")
        outputs = np.zeros((count, 0, n)) if C is None else _array(C, "C")
        if outputs.ndim != 3 or outputs.shape[::2] != (count, n) or (C is not None and not outputs.shape[1]):
            raise DimensionError("C", f"shape {outputs.shape}", f"shape ({count}, p, {n}), with p outputs at least one")
        errors: dict[int, str] = {}
        doubles = _doubles(states, "A", errors), _doubles(inputs, "B", errors), _doubles(outputs, "C", errors)
        for array in doubles:
            array[list(errors)] = 0.0
        return cls(*doubles, errors)

    def system(self, row: int, dt: int | None) -> LinearSystem:
        """One of them by itself."""
        B = self.B[row] if self.B.shape[2] else None
        return LinearSystem(self.A[row], B, self.C[row] if self.C.shape[1] else None, dt=dt)


@dataclass(frozen=True)
class Boundary:
    """The region's boundary on the real axis, and doubles on the safe side of it.

    Attributes:
        region: as asked for.
        discrete: radii instead of abscissas.
    """

    region: Region
    discrete: bool

    @classmethod
    def read(cls, decay: Any, discrete: Any) -> Boundary:
        """Validate a decay rate, as `hybrid.stability` does.

        Raises:
            ProblemError: negative, no number, or 1 and more in discrete time; `discrete` is no bool.
        """
        if not isinstance(discrete, bool | np.bool_):
            raise ProblemError("discrete", discrete, "True or False")
        return cls(Region.read(decay, 0, is_discrete=bool(discrete)), bool(discrete))

    @property
    def inside(self) -> float:
        """The largest double at or below the boundary: an abscissa below it lies in the region."""
        exact = self.region.boundary(self.discrete)
        try:
            double = float(exact)
        except OverflowError:
            return -math.inf  # nothing is proved below it; the exact route has its own numbers
        return double if Fraction(double) <= exact else math.nextafter(double, -math.inf)

    @property
    def outside(self) -> float:
        """The boundary of plain stability: an abscissa above it is unstable, and so outside of every region."""
        return 1.0 if self.discrete else 0.0

    @property
    def dt(self) -> int | None:
        """The sample time that a system of this kind gets; the claims do not depend on it."""
        return 1 if self.discrete else None


def _array(value: Any, field: str) -> NDArray[Any]:
    if isinstance(value, np.ma.MaskedArray):
        raise ProblemError(field, "a masked array", "an array without masked entries")
    try:
        array = np.asarray(value)
    except ValueError:
        raise DimensionError(field, "rows of different lengths", "a stack of matrices of one shape") from None
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise ProblemError(field, f"an array of {array.dtype}", "an array of float64, float32 or integers")
    if array.dtype.kind == "f" and not hasattr(value, "dtype") and _rounds_integers(value):
        expected = "integers within ±2^53, or an array of doubles"
        raise ProblemError(field, "an integer beyond ±2^53 among floats", expected)
    return array


def _rounds_integers(value: Any) -> bool:
    """Whether lists hold an integer that numpy has rounded, because a float stands beside it."""
    entries = np.asarray(value, dtype=object).flat
    return any(isinstance(x, int | np.integer) and abs(int(x)) > _LARGEST_INTEGER for x in entries)


def _doubles(array: NDArray[Any], field: str, errors: dict[int, str]) -> FloatArray:
    """A copy as doubles, contiguous and writable as the kernels were compiled for; rows that are none are noted."""
    if array.dtype.kind == "f":
        strange = ~np.isfinite(array)
    else:
        strange = (array > _LARGEST_INTEGER) | (array < -_LARGEST_INTEGER)
    for row in np.flatnonzero(strange.any((1, 2))).tolist():
        errors.setdefault(row, _why(array[row], strange[row], field))
    return np.array(array, dtype=np.float64, order="C")


def _why(matrix: NDArray[Any], strange: NDArray[np.bool_], field: str) -> str:
    if matrix.dtype.kind == "f":
        try:
            ExactMatrix.read(matrix, field)
        except ProblemError as error:
            return str(error)
    i, j = np.argwhere(strange)[0]
    expected = "an integer within ±2^53; beyond, ask about this system alone"
    return str(ProblemError(f"{field}[{i + 1},{j + 1}]", int(matrix[i, j]), expected))
