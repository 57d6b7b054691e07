"""The Jacobian at a point that need be no equilibrium, real or complex, and what its balls decide.

Where the point and the derivatives are rational, the exact route answers; this one is for the others. The precision is
raised until the question is decided, so that all that stays undecided hinges on an equality between irrational numbers.

A complex Jacobian M = X + jY has the stability of the real matrix [[X, −Y], [Y, X]], whose eigenvalues are those of M
and their conjugates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import acb, acb_mat, arb, arb_mat, fmpq

from hybrid.cached import cached_property
from hybrid.errors import ProblemError
from hybrid.exact.point_values import complex_, real
from hybrid.exact.zero_pattern import Pattern
from hybrid.expressions.derivatives import jacobian
from hybrid.expressions.evaluate import Program
from hybrid.expressions.graph import CONTINUED
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.point import enter, required

PRECISIONS = (128, 512, 2048, 8192)
"""Bits, tried in this order."""

Rows = list[list[Any]]  # of fmpq, arb, acb


@dataclass(frozen=True)
class PointJacobian:
    """A = ∂f/∂x and B = ∂f/∂u at a point: exact entries where they are rational, balls elsewhere."""

    system: NonlinearSystem
    point: Mapping[str, Any]
    is_complex: bool
    precision: int
    A: Rows
    B: Rows
    vanishing: tuple[tuple[int, int], ...] = ()
    """Places (row, column of [A B]) whose zeros are supposed; the checker proves them or refuses the certificate."""

    @cached_property
    def open_places(self) -> tuple[tuple[int, int], ...]:
        """Entries that may be 0 and may be not."""
        rows = [(*a, *b) for a, b in zip(self.A, self.B, strict=True)]
        return tuple((i, j) for i, row in enumerate(rows) for j, x in enumerate(row) if _may_be_zero(x))

    def supposing(self, places: tuple[tuple[int, int], ...]) -> PointJacobian:
        """The same with exact zeros in these places."""
        n = self.system.n
        rows = [[*a, *b] for a, b in zip(self.A, self.B, strict=True)]
        for i, j in places:
            rows[i][j] = fmpq(0)
        return replace(self, A=[row[:n] for row in rows], B=[row[n:] for row in rows], vanishing=places)

    @cached_property
    def is_rational(self) -> bool:
        """Whether every entry is known exactly."""
        return all(isinstance(entry, fmpq) for row in (*self.A, *self.B) for entry in row)

    @cached_property
    def pattern(self) -> tuple[Pattern, Pattern]:
        """Which entries of A and B may be other than zero."""
        return _pattern(self.A), _pattern(self.B)

    @cached_property
    def balls(self) -> tuple[Any, Any]:
        """A and B as matrices of balls, acb_mat where an entry is complex; B is None without inputs."""
        matrix: Any = arb_mat if self.is_real else acb_mat
        entered: Any = _real_ball if self.is_real else acb
        with working_precision(self.precision):
            parts = [[[entered(entry) for entry in row] for row in rows] for rows in (self.A, self.B)]
        A, B = (matrix(rows) if rows[0] else None for rows in parts)
        return A, B

    @cached_property
    def is_real(self) -> bool:
        """Whether no entry has an imaginary part, as it may be of complex values too."""
        return all(not isinstance(x, acb) or x.imag == 0 for row in (*self.A, *self.B) for x in row)

    @property
    def may_be_real(self) -> bool:
        """Whether no entry is certainly not real."""
        return all(not isinstance(x, acb) or x.imag.contains(0) for row in (*self.A, *self.B) for x in row)

    @cached_property
    def floats(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The midpoints in doubles, for guesses."""
        return _floats(self.A), _floats(self.B)

    def rational(self) -> LinearSystem:
        """The linear system, where every entry is rational."""
        from hybrid.expressions.exact import fraction

        A, B = (tuple(tuple(map(fraction, row)) for row in rows) for rows in (self.A, self.B))
        inputs = ExactMatrix.from_fractions(B) if self.system.m else None
        return LinearSystem(ExactMatrix.from_fractions(A), inputs, dt=self.system.dt, name=self.system.name)

    def stand_in(self) -> LinearSystem:
        """A system of the same size and kind, for questions that are made of one."""
        A, B = (np.nan_to_num(np.real(part)) for part in self.floats)
        return LinearSystem(A, B if self.system.m else None, dt=self.system.dt, name=self.system.name)


def jacobian_at(
    system: NonlinearSystem, point: Mapping[str, Any], precision: int, *, is_complex: bool = False
) -> PointJacobian:
    """Every derivative at a point, in real or complex numbers.

    Args:
        system: no free parameters.
        point: a number or text such as "pi/2" for each state; inputs left out are 0.
        precision: bits of the balls.
        is_complex: go on in complex numbers where an operation leaves the real ones.

    Raises:
        DomainError: f or a derivative has no value there; names the operation, its line and column.
        ProblemError: a name that is unknown, or a state without a value.

    >>> system = NonlinearSystem(["x"], ["u"], ["u*sqrt(x - 2)"])
    >>> complex(jacobian_at(system, {"x": 1, "u": 1}, 64, is_complex=True).A[0][0])
    -0.5j
    """
    for name in point:
        if name not in system.variables:
            raise ProblemError("at", name, f"one of {', '.join(system.variables)}")
    arithmetic = complex_() if is_complex else real()
    tape, n = system.rhs, system.n
    with working_precision(precision):
        values = [enter(required(point, x), x, arithmetic) for x in system.states]
        values += [enter(point.get(u, 0), u, arithmetic) for u in system.inputs]
        trace = Program(tape, arithmetic).trace(values)
        # forward: what is added up are derivatives of inner expressions, which are rational, and cancel, more often
        rows = jacobian(tape, trace, arithmetic, range(n + system.m), "forward")
    return PointJacobian(system, point, is_complex, precision, [row[:n] for row in rows], [row[n:] for row in rows])


def jacobians(system: NonlinearSystem, point: Mapping[str, Any], *, allow_complex: bool) -> Iterator[PointJacobian]:
    """The Jacobian at one precision after the other; what has no value with few bits may have one with more.

    Raises:
        DomainError: there is none at the last precision; of a complex one, where it is not allowed, at once.
    """
    is_complex, found = False, False
    for precision in PRECISIONS:
        try:
            yield jacobian_at(system, point, precision, is_complex=is_complex)
            found = True
            continue
        except DomainError as refusal:
            first = refusal
        if not is_complex and first.operation in CONTINUED and allow_complex:
            is_complex = True
            try:
                yield jacobian_at(system, point, precision, is_complex=True)
                found = True
            except DomainError as refusal:
                first = refusal
        if not found and precision == PRECISIONS[-1]:
            raise first


def ball_pattern(M: Any) -> Pattern:
    """Which entries of a matrix of balls may be other than zero."""
    return _pattern([[M[i, j] for j in range(M.ncols())] for i in range(M.nrows())])


def _pattern(rows: Rows) -> Pattern:
    return [sum(1 << j for j, entry in enumerate(row) if not _is_zero(entry)) for row in rows]


def _real_ball(entry: Any) -> arb:
    return entry.real if isinstance(entry, acb) else arb(entry)


def _is_zero(entry: Any) -> bool:
    return bool(entry == 0)  # of a ball: exactly 0, without a radius


def _may_be_zero(entry: Any) -> bool:
    return not isinstance(entry, fmpq) and not _is_zero(entry) and bool(entry.contains(0))


def _floats(rows: Rows) -> np.ndarray[Any, Any]:
    entries = [[_double(entry) for entry in row] for row in rows]
    return np.array(entries).reshape(len(rows), -1)


def _double(entry: Any) -> float | complex:
    if isinstance(entry, acb):
        return float(entry.real.mid()) if entry.imag.contains(0) else complex(entry.mid())
    return float(entry.mid()) if isinstance(entry, arb) else float(entry)
