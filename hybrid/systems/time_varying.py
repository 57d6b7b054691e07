"""x' = f(x, u, t) along a curve: what a question about controllability over time is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hybrid.errors import ProblemError
from hybrid.expressions.graph import Tape
from hybrid.expressions.infix import infix
from hybrid.expressions.parser import parse
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact


@dataclass(frozen=True)
class TimeVaryingSystem:
    """Equations that depend on time, and each state and input as an expression of time: z' = A(t) z + B(t) v.

    A(t) = ∂f/∂x and B(t) = ∂f/∂u along the curve, which need not solve the equations.

    Attributes:
        rhs: f over states, inputs and time.
        curve: name → expression of time.
    """

    states: tuple[str, ...]
    inputs: tuple[str, ...]
    time: str
    rhs: Tape
    curve: Mapping[str, Tape]
    name: str = ""

    is_discrete = False
    dt = None

    @classmethod
    def along(cls, system: NonlinearSystem, at: Mapping[str, Any], default: Any) -> TimeVaryingSystem:
        """The system along the curve that `at` gives.

        Args:
            system: with a name for time, and no other free parameter.
            at: number or text in time for each state; inputs left out are `default`, and states where it is not None.
            default: of what is left out; None: 0 for inputs, and an error for states.

        Raises:
            ProblemError: a state without a value, an unknown name, a system without inputs or time.
            ParseError: an expression that cannot be read.
        """
        states, inputs, time = tuple(system.states), tuple(system.inputs), system.time
        if time is None:
            raise ProblemError("time", "nothing", "the name of time in the equations")
        if system.free != (time,):
            other = next(each for each in system.free if each != time)
            raise ProblemError(f"parameters.{other}", "no value", "a number for each parameter but time")
        if not inputs:
            raise ProblemError("inputs", "none", "at least one, to ask what the inputs can move")
        for given in at:
            if given not in (*states, *inputs):
                raise ProblemError("at", given, f"one of {', '.join((*states, *inputs, time))}")
        curve = {}
        for coordinate in (*states, *inputs):
            fallback = 0 if default is None and coordinate in inputs else default
            value = at.get(coordinate, fallback)
            if value is None:
                expected = "a number or an expression of time for each state"
                raise ProblemError("at", f"nothing for {coordinate}", expected)
            curve[coordinate] = parse(_text(value, coordinate), [time], f"at, {coordinate}")
        return cls(states, inputs, time, system.rhs, curve, system.name)

    @property
    def n(self) -> int:
        """Number of states."""
        return len(self.states)

    @property
    def m(self) -> int:
        """Number of inputs."""
        return len(self.inputs)

    @property
    def p(self) -> int:
        """Every state is measured."""
        return self.n

    @property
    def point(self) -> dict[str, str]:
        """The curve as text."""
        return {name: infix(tape)[0] for name, tape in self.curve.items()}

    def as_document(self) -> dict[str, Any]:
        """As certificates store the equations."""
        return {
            "states": list(self.states),
            "inputs": list(self.inputs),
            "time": self.time,
            "equations": infix(self.rhs),
            "dt": None,
        }


def _text(value: Any, name: str) -> str:
    """Numbers exactly, as everywhere: a float is the double that it stores."""
    return value if isinstance(value, str) else str(Fraction(exact(value, name)))
