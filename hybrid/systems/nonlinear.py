"""Nonlinear systems from equations: exact coefficients, derivatives, values in every arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid.cached import cached_property
from hybrid.errors import DimensionError, ProblemError
from hybrid.expressions.derivatives import jacobian, jacobian_tape
from hybrid.expressions.equations import check_distinct, primed_names, read_equations, read_names, read_texts
from hybrid.expressions.evaluate import COMPLEX, FLOATS, STACKS, Arithmetic, Program
from hybrid.expressions.graph import Graph, Tape
from hybrid.expressions.infix import infix
from hybrid.expressions.parser import read_expression
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.systems.jacobians import Jacobians, Linearisation, Matrix, arb_matrix, float_matrix
from hybrid.systems.linear import sample_time
from hybrid.systems.numbers import number_rows, spell
from hybrid.systems.point import Point, constant_node, enclose, enter, required

FREE = "free"
"""The value of a parameter that stays a symbol; None says the same."""


@dataclass(frozen=True, repr=False)
class NonlinearSystem:
    """x' = f(x, u), y = g(x, u) in continuous time; x⁺ = f(x, u) in discrete time.

    Equations are text: + − * / ^ **, sqrt exp log sin cos tan asin acos atan sinh cosh tanh abs sign, pi, e,
    parentheses; `name = …` defines an intermediate expression, `#` starts a comment. Numbers are exact (0.1 is
    1/10), and so are the coefficients. Nothing in the text is executed.

    Args:
        states: n names.
        inputs: m names.
        equations: one text or several: the right-hand sides in the order of the states, or `x' = …` (also
            `dx/dt = …`) in any order; definitions stand before their use. In discrete time x' is the next x.
        parameters: name → int, Fraction, float (the double that it stores) or text ("0.1", "pi/6"); None or
            "free" for one that stays a symbol.
        outputs: p expressions, or None where every state is measured.
        dt: sample time in seconds; None or 0 for continuous time.
        name: shown in reports.
        time: the name of time where x' = f(x, u, t); a free parameter, which `hybrid.controllability` knows what to
            do with. Every other question is about systems whose time is set to a number.

    Raises:
        ParseError: an equation cannot be read; names its field, line and column.
        ProblemError: a name is used twice, a state has no equation, a parameter is no number.

    >>> pendulum = NonlinearSystem(["x", "y"], ["u"], ["y", "-sin(x) - b*y + u"], {"b": "0.1"})
    >>> pendulum.f([0.0, 1.0], [0.5])
    array([1. , 0.4])
    >>> pendulum.linearise_exact({"x": "pi", "y": 0}).A
    ((Fraction(0, 1), Fraction(1, 1)), (Fraction(1, 1), Fraction(-1, 10)))
    """

    states: Sequence[str]
    inputs: Sequence[str]
    equations: str | Sequence[str]
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)
    outputs: Sequence[str] | None = None
    dt: Any = None
    name: str = field(default="", compare=False)
    time: str | None = None
    rhs: Tape = field(init=False, compare=False)
    """f as expressions of `variables`."""
    readout: Tape | None = field(init=False, compare=False)
    """g, or None where every state is measured."""
    _both: Tape = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.parameters, Mapping):
            raise ProblemError("parameters", self.parameters, "a mapping of names to numbers")
        if self.time is not None:
            self._declare_time(self.time)
        named = read_names(self.parameters, "parameters")
        normalised = {
            "states": read_names(self.states, "states"),
            "inputs": read_names(self.inputs, "inputs"),
            "equations": read_texts(self.equations, "equations"),
            "parameters": MappingProxyType({name: self.parameters[name] for name in named}),
            "outputs": None if self.outputs is None else read_texts(self.outputs, "outputs"),
            "dt": sample_time(self.dt),
        }
        for attribute, value in normalised.items():
            object.__setattr__(self, attribute, value)
        if not self.states:
            raise ProblemError("states", "none", "at least one state")
        check_distinct([*self.states, *self.inputs, *self.parameters])
        rhs, readout, both = self._read()
        object.__setattr__(self, "rhs", rhs)
        object.__setattr__(self, "readout", readout)
        object.__setattr__(self, "_both", both)

    def _declare_time(self, time: str) -> None:
        """Time is a parameter that stays a symbol."""
        if not isinstance(time, str):
            raise ProblemError("time", time, "a name, as t")
        if self.dt not in (None, 0):
            raise ProblemError("time", time, "nothing in discrete time, where x' is the next x")
        if not _is_free(self.parameters.get(time)):
            raise ProblemError("time", time, "a name that is no parameter with a value")
        object.__setattr__(self, "parameters", {**self.parameters, time: FREE})

    @classmethod
    def from_text(
        cls,
        text: str,
        inputs: Sequence[str] = (),
        parameters: Mapping[str, Any] = MappingProxyType({}),
        outputs: Sequence[str] | None = None,
        dt: Any = None,
        name: str = "",
        time: str | None = None,
    ) -> NonlinearSystem:
        """The system of a text of equations; its states are the names with a derivative, in their order.

        Raises:
            ParseError: also for a symbol that is no state, declared input, parameter or definition.

        >>> NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/10")
        <NonlinearSystem n=2, m=0, p=2, continuous>
        """
        states = primed_names(text)
        if not states:
            raise ProblemError("equations", text, "equations such as x' = y; y' = -sin(x) - y/10")
        return cls(states, inputs, text, parameters, outputs, dt, name, time)

    # What the system is

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
        """Number of outputs; every state where none are given."""
        return self.n if self.outputs is None else len(self.outputs)

    @property
    def is_discrete(self) -> bool:
        """Whether time runs in samples."""
        return self.dt is not None

    @property
    def free(self) -> tuple[str, ...]:
        """The parameters that stay symbols."""
        return tuple(name for name, value in self.parameters.items() if _is_free(value))

    @property
    def variables(self) -> tuple[str, ...]:
        """What f depends on: states, inputs, free parameters."""
        return self.rhs.names

    @cached_property
    def jacobians(self) -> Jacobians:
        """The partial derivatives as expressions, for repeated evaluation and for conditions; made once."""
        states, inputs = range(self.n), range(self.n, self.n + self.m)
        return Jacobians(
            jacobian_tape(self.rhs, states),
            jacobian_tape(self.rhs, inputs),
            None if self.readout is None else jacobian_tape(self.readout, states),
            None if self.readout is None else jacobian_tape(self.readout, inputs),
        )

    # Values

    def f(
        self, x: ArrayLike, u: ArrayLike | None = None, parameters: Mapping[str, Any] = MappingProxyType({})
    ) -> NDArray[Any]:
        """The right-hand side in floating point.

        Args:
            x: (n,) a point, or (k, n) a stack of points; real or complex.
            u: (m,) or (k, m); None for zero inputs.
            parameters: values of the free parameters.

        Returns:
            x' (x⁺ in discrete time), shaped like x. In a stack, what has no value is nan.

        Raises:
            DomainError: at a point: an operation has no value there.
            DimensionError: x or u has another number of entries.
        """
        return self._values(self.rhs, x, u, parameters)

    def output(
        self, x: ArrayLike, u: ArrayLike | None = None, parameters: Mapping[str, Any] = MappingProxyType({})
    ) -> NDArray[Any]:
        """The outputs y = g(x, u), as `f` evaluates f; the states themselves where no outputs are given."""
        return np.asarray(x) if self.readout is None else self._values(self.readout, x, u, parameters)

    def linearise(self, point: Point) -> Linearisation[NDArray[np.float64]]:
        """The linearisation at a point in floating point, by automatic differentiation; proves nothing.

        Raises:
            DomainError: f or a derivative has no value there; names the operation, its line and column.
        """
        values = [enter(value, name, FLOATS) for value, name in self.ordered(point)]
        return self._linearised(FLOATS, values, float, float_matrix)

    def linearise_exact(self, point: Point) -> Linearisation[tuple[tuple[Fraction, ...], ...]] | None:
        """The linearisation at a point in exact arithmetic, or None where a value is irrational.

        Exact are rational operations, and functions at their special points: sin 0, √4, cos π, asin(1/2). A
        coordinate may be a rational multiple of π.

        Raises:
            DomainError: f or a derivative has no value there; names the operation, its line and column.
        """
        from hybrid.expressions.exact import NotExact, exact, fraction

        try:
            values = [enter(value, name, exact()) for value, name in self.ordered(point)]
            return self._linearised(exact(), values, fraction, lambda rows, _: tuple(map(tuple, rows)))
        except NotExact:
            return None

    def linearise_ball(self, box: Point, precision: int = 128) -> Linearisation[Any] | DomainError:
        """Enclosures of f, A, B, C, D over a box: arb and arb_mat of python-flint, valid at every point of it.

        Args:
            box: for each coordinate a number, a pair (lower, upper), or an arb; see `Point`.
            precision: bits.

        Returns:
            The enclosures; or, as data, a DomainError naming the operation that may leave its domain in the box.
            Over the kink of abs the derivative is enclosed by [−1, 1], which is right for Lipschitz bounds and
            mean values (Clarke 1983, 2.6.5); the jump of sign is outside the domain of its derivative.
        """
        from flint import arb

        from hybrid.expressions.balls import balls

        with working_precision(precision):
            values = [enclose(value, name) for value, name in self.ordered(box)]
            try:
                return self._linearised(balls(), values, arb, arb_matrix, precision)
            except DomainError as violation:
                return violation

    def enclose(self, point: Point) -> dict[str, Any]:
        """Each coordinate of a point as an arb, at the precision of flint's context; inputs left out are 0."""
        return {name: enclose(value, name) for value, name in self.ordered(point)}

    def ordered(self, point: Point) -> list[tuple[Any, str]]:
        """Value and name of each variable; inputs that are left out are 0."""
        if not isinstance(point, Mapping):
            if len(point) not in (self.n, len(self.variables)):
                expected = f"{self.n}, one for each state, or {len(self.variables)} with inputs and free parameters"
                raise DimensionError("point", f"{len(point)} values", expected)
            point = dict(zip(self.variables, point, strict=False))
        unknown = [name for name in point if name not in self.variables]
        if unknown:
            raise ProblemError("point", unknown[0], f"one of {', '.join(self.variables)}")
        inputs = set(self.inputs)
        return [(point.get(name, 0) if name in inputs else required(point, name), name) for name in self.variables]

    # Other systems

    def closed_loop(self, gain: ArrayLike, at: Point, *, output: bool = False) -> NonlinearSystem:
        """The system under u = u* − K (x − x*), or u = u* − K (y − y*), at a point (x*, u*).

        Args:
            gain: (m, n) K; its doubles; (m, p) for output feedback.
            at: x* and u*; see `Point`.
            output: whether K is fed the outputs, none of which may depend on an input then.

        Raises:
            DimensionError: a gain of another shape.
            ProblemError: an output that depends on an input.

        >>> NonlinearSystem(["x"], ["u"], ["x^2 + u"]).closed_loop([[2.0]], {"x": 1, "u": -1}).f([1.0])
        array([0.])
        """
        from hybrid.systems.closing import close

        return close(self, np.asarray(gain, float), at, by_output=output)

    def to_control(self) -> Any:
        """The same system as a python-control NonlinearIOSystem, in doubles."""
        import control

        return control.NonlinearIOSystem(
            lambda t, x, u, params: self.f(x, np.atleast_1d(u)[: self.m]),
            lambda t, x, u, params: self.output(x, np.atleast_1d(u)[: self.m]),
            states=list(self.states),
            inputs=list(self.inputs),
            outputs=self.p,
            dt=0 if self.dt is None else float(self.dt),
            name=self.name or None,
        )

    def as_document(self) -> dict[str, Any]:
        """States, inputs and right-hand sides with the parameters put in, as certificates store them."""
        outputs = {} if self.readout is None else {"outputs": infix(self.readout)}
        time = {} if self.time is None else {"time": self.time}
        return {
            "states": list(self.states),
            "inputs": list(self.inputs),
            "equations": infix(self.rhs),
            "dt": None if self.dt is None else spell(self.dt),
            **time,
            **outputs,
        }

    # Inside

    def _read(self) -> tuple[Tape, Tape | None, Tape]:
        """Parse everything into one graph: f, g, and both."""
        graph = Graph([*self.states, *self.inputs, *self.free])
        names = {name: node for node, name in enumerate(graph.names)}
        for name, value in self.parameters.items():
            if not _is_free(value):
                names[name] = constant_node(graph, value, f"parameters.{name}")
        several = len(self.equations) > 1
        texts = [(f"equations[{i}]" if several else "equations", text) for i, text in enumerate(self.equations)]
        f = read_equations(graph, names, self.states, texts)
        if self.outputs is None:
            return (rhs := graph.tape(f)), None, rhs
        declare = "a declared input or parameter"
        g = [read_expression(graph, names, f"outputs[{i}]", y, declare) for i, y in enumerate(self.outputs)]
        return graph.tape(f), graph.tape(g), graph.tape(f + g)

    @cached_property
    def _programs(self) -> dict[tuple[int, str, int], Program]:
        return {}

    def _program(self, tape: Tape, arithmetic: Arithmetic, precision: int = 0) -> Program:
        key = (id(tape), arithmetic.name, precision)
        if key not in self._programs:
            self._programs[key] = Program(tape, arithmetic)
        return self._programs[key]

    def _linearised(
        self,
        arithmetic: Arithmetic,
        point: Sequence[Any],
        entry: Callable[[Any], Any],
        matrix: Callable[[list[list[Any]], int], Matrix],
        precision: int = 0,
    ) -> Linearisation[Matrix]:
        """Values and derivatives in one pass; `entry` and `matrix` give them the types that are returned."""
        n, m, tape = self.n, self.m, self._both
        values = self._program(tape, arithmetic, precision).trace(point)
        results = tuple(entry(values[output]) for output in tape.outputs)
        rows = [list(map(entry, row)) for row in jacobian(tape, values, arithmetic, range(n + m))]
        A, B = matrix([row[:n] for row in rows[:n]], n), matrix([row[n:] for row in rows[:n]], m)
        if self.readout is None:
            return Linearisation(results, A, B)
        C, D = matrix([row[:n] for row in rows[n:]], n), matrix([row[n:] for row in rows[n:]], m)
        return Linearisation(results[:n], A, B, results[n:], C, D)

    def _values(self, tape: Tape, x: ArrayLike, u: ArrayLike | None, parameters: Mapping[str, Any]) -> NDArray[Any]:
        state = number_rows(x, self.n, "x")
        given = number_rows(np.zeros(self.m) if u is None else u, self.m, "u")
        free = [enter(required(parameters, name), f"parameters.{name}", FLOATS) for name in self.free]
        kind = np.result_type(state, given)
        if state.ndim == given.ndim == 1:
            arithmetic = COMPLEX if kind.kind == "c" else FLOATS
            point = [arithmetic.number(entry) for entry in (*state.tolist(), *given.tolist(), *free)]
            return np.array(self._program(tape, arithmetic)(point), kind)
        stack = np.broadcast_shapes(state.shape[:-1], given.shape[:-1])
        if kind.kind == "c":
            pairs = zip(np.broadcast_to(state, (*stack, self.n)), np.broadcast_to(given, (*stack, self.m)), strict=True)
            return np.array([self._values(tape, *pair, parameters) for pair in pairs])
        with np.errstate(all="ignore"):
            columns = self._program(tape, STACKS)([*state.T, *given.T, *free])
        return np.stack([np.broadcast_to(column, stack) for column in columns], axis=-1)

    def __reduce__(self) -> tuple[Any, ...]:
        # Read again on the other side: programs and read-only mappings do not travel.
        texts = (self.states, self.inputs, self.equations, dict(self.parameters), self.outputs, self.dt, self.name)
        return type(self), (*texts, self.time)

    def __repr__(self) -> str:
        time = "continuous" if self.dt is None else f"dt={spell(self.dt)}"
        label = f"{self.name}: " if self.name else ""
        free = f", free {', '.join(self.free)}" if self.free else ""
        return f"<NonlinearSystem {label}n={self.n}, m={self.m}, p={self.p}, {time}{free}>"


def _is_free(value: object) -> bool:
    return value is None or (isinstance(value, str) and value == FREE)
