"""Linear systems with exact entries, validated once and frozen."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.exact_matrix import EnclosedMatrix, ExactMatrix
from hybrid.systems.numbers import exact, spell


class LinearSystem:
    """x' = A x + B u, y = C x + D u in continuous time, x⁺ = A x + B u in discrete time.

    Args:
        A: (n, n) state matrix; a numpy array of doubles, or rows of int, float, Fraction, Decimal, text.
        B: (n, m) input matrix, optional.
        C: (p, n) output matrix, optional; without it every state is measured.
        D: (p, m) feedthrough, optional, zero.
        dt: sample time in seconds, greater than zero; None or 0 for continuous time.
        name: shown in reports.

    Raises:
        DimensionError: a shape does not fit.
        ProblemError: an entry is no finite number, or dt is negative.

    >>> plant = LinearSystem([[0, 1], ["-1/2", "-0.1"]], [[0], [1]])
    >>> plant.n, plant.m, plant.is_discrete
    (2, 1, False)
    """

    __slots__ = ("A", "B", "C", "D", "dt", "name")

    A: ExactMatrix
    B: ExactMatrix | None
    C: ExactMatrix | None
    D: ExactMatrix | None
    dt: Fraction | None
    name: str

    def __init__(self, A: Any, B: Any = None, C: Any = None, D: Any = None, dt: Any = None, name: str = "") -> None:
        state = ExactMatrix.read(A, "A", square=True)
        n = state.shape[0]
        _expect_shape("A", state, (n, n), "a square matrix")
        inputs = None if B is None else ExactMatrix.read(B, "B")
        outputs = None if C is None else ExactMatrix.read(C, "C")
        feedthrough = None if D is None else ExactMatrix.read(D, "D")
        if inputs is not None:
            _expect_shape("B", inputs, (n, inputs.shape[1]), f"a row for each state, {n} in all")
        if outputs is not None:
            _expect_shape("C", outputs, (outputs.shape[0], n), f"a column for each state, {n} in all")
        if feedthrough is not None:
            if inputs is None:
                raise ProblemError("D", "a matrix without B", "B beside it")
            rows = n if outputs is None else outputs.shape[0]
            expected = (rows, inputs.shape[1])
            _expect_shape("D", feedthrough, expected, f"shape {expected}, outputs by inputs")
        for attribute, value in zip(
            self.__slots__, (state, inputs, outputs, feedthrough, sample_time(dt), str(name)), strict=True
        ):
            object.__setattr__(self, attribute, value)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"a LinearSystem is frozen; build another one to change {attribute}")

    @property
    def n(self) -> int:
        """Number of states."""
        return self.A.shape[0]

    @property
    def m(self) -> int:
        """Number of inputs."""
        return 0 if self.B is None else self.B.shape[1]

    @property
    def p(self) -> int:
        """Number of outputs; every state where C is absent."""
        return self.n if self.C is None else self.C.shape[0]

    @property
    def is_discrete(self) -> bool:
        """Whether time runs in samples."""
        return self.dt is not None

    @property
    def is_enclosed(self) -> bool:
        """Whether A or B is known up to a radius only, as at an equilibrium whose coordinates are irrational."""
        return isinstance(self.A, EnclosedMatrix) or isinstance(self.B, EnclosedMatrix)

    @property
    def dual(self) -> LinearSystem:
        """(Aᵀ, Cᵀ): observability of a system is controllability of its dual."""
        if self.C is None:
            raise ProblemError("C", "nothing", "an output matrix: this question is about what the outputs show")
        return LinearSystem(self.A.T, self.C.T, dt=self.dt, name=self.name)

    def closed_loop(self, gain: Any, *, output: bool = False) -> LinearSystem:
        """The system under u = −K x + v, or u = −K y + v, in exact arithmetic.

        Args:
            gain: (m, n) K, exact as any matrix of a system; (m, p) for output feedback.
            output: whether K is fed the outputs; D has to be zero then.

        Raises:
            DimensionError: a gain of another shape.
            ProblemError: no B; for output feedback a D that is not zero.

        >>> LinearSystem([[1]], [[1]]).closed_loop([["5/2"]]).A
        ExactMatrix([['-1.5']])
        >>> LinearSystem([[0, 1], [0, 0]], [[0], [1]], [[1, 0]]).closed_loop([[4]], output=True).A
        ExactMatrix([['0', '1'], ['-4', '0']])
        """
        K = ExactMatrix.read(gain, "gain")
        B = require_inputs(self)
        if output and self.C is not None:
            if self.D is not None and any(map(any, self.D.fractions)):
                raise ProblemError("D", "a feedthrough that is not zero", "zero, for output feedback u = -K y")
            _expect_shape("gain", K, (self.m, self.p), f"shape {(self.m, self.p)}, inputs by outputs")
            K = product(K, self.C)
        _expect_shape("gain", K, (self.m, self.n), f"shape {(self.m, self.n)}, inputs by states")
        return LinearSystem(
            subtract_product(self.A, B, K),
            B,
            self.C if self.D is None or self.C is None else subtract_product(self.C, self.D, K),
            self.D,
            self.dt,
            f"{self.name}, closed loop" if self.name else "",
        )

    def to_control(self) -> Any:
        """The same system as a python-control StateSpace, in doubles; one without inputs gets one that does nothing."""
        import control

        B = np.zeros((self.n, 1)) if self.B is None else self.B.floats
        C = np.eye(self.n) if self.C is None else self.C.floats
        D = np.zeros((self.p, B.shape[1])) if self.D is None else self.D.floats
        return control.StateSpace(self.A.floats, B, C, D, 0 if self.dt is None else float(self.dt))

    def as_document(self) -> dict[str, Any]:
        """Exact text of everything, as certificates store it."""
        document: dict[str, Any] = {"A": self.A.spelled()}
        for key in ("B", "C", "D"):
            matrix: ExactMatrix | None = getattr(self, key)
            if matrix is not None:
                document[key] = matrix.spelled()
        return document | {"dt": None if self.dt is None else spell(self.dt)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LinearSystem):
            return NotImplemented
        return all(getattr(self, key) == getattr(other, key) for key in ("A", "B", "C", "D", "dt"))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return LinearSystem, (self.A, self.B, self.C, self.D, self.dt, self.name)

    def __repr__(self) -> str:
        time = "continuous" if self.dt is None else f"dt={spell(self.dt)}"
        label = f"{self.name}: " if self.name else ""
        return f"<LinearSystem {label}n={self.n}, m={self.m}, p={self.p}, {time}>"


def require_inputs(system: LinearSystem) -> ExactMatrix:
    """The input matrix of a system that needs one.

    Raises:
        ProblemError: the system has no B.
    """
    if system.B is None:
        raise ProblemError("B", "nothing", "an input matrix: this question is about what the inputs can do")
    return system.B


def product(K: ExactMatrix, C: ExactMatrix) -> ExactMatrix:
    """K C in exact arithmetic."""
    columns = list(zip(*C.fractions, strict=True))
    return ExactMatrix.from_fractions(
        tuple(
            tuple(sum((k * c for k, c in zip(row, column, strict=True) if k and c), Fraction(0)) for column in columns)
            for row in K.fractions
        )
    )


def subtract_product(A: ExactMatrix, B: ExactMatrix, K: ExactMatrix) -> ExactMatrix:
    """A − B K in exact arithmetic."""
    columns = list(zip(*K.fractions, strict=True))
    return ExactMatrix.from_fractions(
        tuple(
            tuple(
                a - sum((b * k for b, k in zip(row_b, column, strict=True) if b and k), Fraction(0))
                for a, column in zip(row_a, columns, strict=True)
            )
            for row_a, row_b in zip(A.fractions, B.fractions, strict=True)
        )
    )


def sample_time(dt: Any) -> Fraction | None:
    """A sample time, None for continuous time.

    Raises:
        ProblemError: below zero, or no number.
    """
    if dt is None:
        return None
    value = exact(dt, "dt")
    if value < 0:
        raise ProblemError("dt", dt, "a sample time above zero, or nothing (or 0) for continuous time")
    return value or None


def _expect_shape(field: str, matrix: ExactMatrix, expected: tuple[int, int], words: str) -> None:
    if matrix.shape != expected:
        raise DimensionError(field, f"shape {matrix.shape}", words)
