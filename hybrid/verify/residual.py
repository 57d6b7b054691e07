"""The function whose zeros are the equilibria, in any arithmetic: f(x, u), or f(x, u) − x in discrete time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hybrid.errors import ProblemError
from hybrid.expressions.derivatives import jacobian
from hybrid.expressions.evaluate import Arithmetic, Program

if TYPE_CHECKING:
    from hybrid.systems.nonlinear import NonlinearSystem


class Residual:
    """g(x) for fixed inputs; zero where x is an equilibrium (in discrete time a fixed point).

    Over balls it is bound to the precision of flint's context when it is made, and to be run at the same.

    >>> from hybrid.expressions.evaluate import FLOATS
    >>> from hybrid.systems.nonlinear import NonlinearSystem
    >>> logistic = NonlinearSystem(["x"], ["u"], ["2*x*(1 - x) + u"], dt=1)
    >>> Residual(logistic, [Fraction(0)], FLOATS).with_jacobian([0.25])
    ([0.125], [[0.0]])
    """

    def __init__(self, system: NonlinearSystem, inputs: Sequence[Fraction], arithmetic: Arithmetic) -> None:
        if system.free:
            raise ProblemError("parameters", f"no value for {', '.join(system.free)}", "a number for each parameter")
        self.arithmetic = arithmetic
        self._n, self._discrete = system.n, system.is_discrete
        self._program = Program(system.rhs, arithmetic)
        self._inputs = [arithmetic.constant(value) for value in inputs]

    def __call__(self, x: Sequence[Any]) -> list[Any]:
        """g(x).

        Raises:
            DomainError: an operation has no value there.
        """
        return self._subtracted(self._program([*x, *self._inputs]), x)

    def with_jacobian(self, x: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        """g(x) and ∂g/∂x, row by row; over balls, enclosures of both for every point of x.

        Raises:
            DomainError: an operation has no value there, or no derivative.
        """
        tape = self._program.tape
        values = self._program.trace([*x, *self._inputs])
        rows = jacobian(tape, values, self.arithmetic, range(self._n))
        if self._discrete:
            one, minus = self.arithmetic.number(1), self.arithmetic.operations["-"]
            for i, row in enumerate(rows):
                row[i] = minus(row[i], one)
        return self._subtracted([values[output] for output in tape.outputs], x), rows

    def _subtracted(self, f: list[Any], x: Sequence[Any]) -> list[Any]:
        if not self._discrete:
            return f
        minus = self.arithmetic.operations["-"]
        return [minus(value, coordinate) for value, coordinate in zip(f, x, strict=True)]
