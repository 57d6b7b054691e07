"""python-control's nonlinear systems as equations: the right-hand side is called once with symbols, and recorded.

    from hybrid.plugins import control_tracing as ht

What can be recorded is proved as any NonlinearSystem is. For what cannot, python-control linearises numerically, a
warning says why, and the proof is about that matrix alone.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import control
import numpy as np

import hybrid
from hybrid.answer import Answer
from hybrid.errors import ProblemError
from hybrid.expressions.graph import Graph
from hybrid.expressions.infix import infix
from hybrid.expressions.parser import is_name
from hybrid.expressions.source import DomainError
from hybrid.systems.coerce import coerce
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact
from hybrid.trials import STARTS

from .control_tracer import Tracer, TracingError

__all__ = ["TracingError", "controllability", "feedback", "nonlinear_system", "stability"]

_NO_PARAMETERS: Mapping[str, Any] = MappingProxyType({})
_UPDATE, _OUTPUT = "update function", "output function"
_POINTS, _ENOUGH = 24, 3
_BITS = 40
"""Of the balls that a value in doubles has to lie in: wide against its rounding errors, narrow against any other."""


def nonlinear_system(
    system: control.NonlinearIOSystem, params: Mapping[str, Any] = _NO_PARAMETERS, *, outputs: bool = True
) -> NonlinearSystem:
    """The equations of a python-control system, recorded from its update and output functions.

    The functions are called once with tracers for the states, inputs and the time. + − * / **, matrix products and
    numpy's elementary functions are recorded, also abs, sign, minimum, maximum and clip; every double is the binary
    number that it stores. The equations are then compared with the functions at random points, and used only if
    each value lies within rounding errors of the function's.

    Args:
        system: with a known number of states; labels such as x[0] become the names x0.
        params: values over those of `system.params`; the functions get them as they are.
        outputs: record the output function too; without, every state is measured.

    Returns:
        A NonlinearSystem. dt = 0 and dt = None are continuous time; dt = True counts samples, dt = 1.

    Raises:
        TracingError: the function compares, branches, converts to float, writes into an array of floats, depends on
            time, or calls what is not recorded: the sentence says which.
        ProblemError: no such system, or its number of states is unknown.

    >>> pendulum = control.nlsys(lambda t, x, u, p: [x[1], -p["k"] * np.sin(x[0]) + u[0]], None, states=["x", "v"],
    ...     inputs=1, params={"k": 2.5})
    >>> nonlinear_system(pendulum).equations
    ('v', '-5/2*sin(x) + u0')
    """
    names = _names(system)
    given = {**system.params, **params}
    n = system.nstates
    functions = [(system.updfcn, n, _UPDATE)]
    if outputs and system.outfcn is not None:
        functions.append((system.outfcn, system.noutputs, _OUTPUT))
    recorded = [_recorded(function, names, n, length, given, what) for function, length, what in functions]
    readout = recorded[1] if len(recorded) > 1 else None
    label = system.name if isinstance(system.name, str) and not system.name.startswith("sys[") else ""
    dt = 1 if system.dt is True else system.dt
    traced = NonlinearSystem(names[:n], names[n:], recorded[0], {}, readout, dt, label)
    for function, _, what in functions:
        _compare(traced, function, given, what)
    return traced


def stability(
    system: Any,
    *,
    at: Any = None,
    at_point: bool = False,
    params: Mapping[str, Any] = _NO_PARAMETERS,
    decay: Any = 0,
    damping: Any = 0,
    poles: bool = False,
) -> Answer:
    """Decide whether an equilibrium of a python-control system is locally exponentially stable.

    Args:
        system: a NonlinearIOSystem; anything else goes to `hybrid.stability` as it is.
        at: state and input labels → numbers; a control.OperatingPoint; or the states in their order. The
            equilibrium, or a guess; None for the one nearest the origin.
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        params: as in `nonlinear_system`.
        decay, damping, poles: as in `hybrid.stability`.

    Returns:
        An Answer about the nonlinear system. Where it could not be recorded, after a UserWarning that says why: an
        answer about the doubles of `control.linearize` at the point (the origin without one), and no more.

    Raises:
        ProblemError: the point or a requirement makes no sense.

    >>> pendulum = control.nlsys(lambda t, x, u, p: [x[1], -np.sin(x[0]) - x[1] + u[0]], None, states=2, inputs=1)
    >>> stability(pendulum, at=[0, 0]).verdict.value
    'stable'
    """
    return _ask(hybrid.stability, system, at, at_point, params, decay=decay, damping=damping, poles=poles)


def controllability(
    system: Any, *, at: Any = None, at_point: bool = False, params: Mapping[str, Any] = _NO_PARAMETERS
) -> Answer:
    """Decide whether the linearisation of a python-control system at an equilibrium is controllable.

    Args, returns, raises: as `stability`.
    """
    return _ask(hybrid.controllability, system, at, at_point, params)


def feedback(
    system: Any,
    *,
    at: Any = None,
    at_point: bool = False,
    params: Mapping[str, Any] = _NO_PARAMETERS,
    Q: Any = None,
    R: Any = None,
    decay: Any = 0,
    poles: Any = None,
    output: bool = False,
    structure: Any = None,
    model: Any = True,
    starts: int = STARTS,
) -> Answer:
    """Find a gain K so that u = u* − K (x − x*) makes an equilibrium locally exponentially stable, and prove it.

    `answer.to_control()` is the closed loop as a NonlinearIOSystem (a StateSpace after a numerical linearisation).

    Args:
        system, at, at_point, params: as in `stability`; a list of StateSpaces asks for one gain for all of them.
        Q, R, decay, poles, output, structure, model, starts: as in `hybrid.feedback`.

    Returns, raises: as `stability`.

    >>> pendulum = control.nlsys(lambda t, x, u, p: [x[1], np.sin(x[0]) + u[0]], None, states=2, inputs=1)
    >>> feedback(pendulum, poles=[-1, -2]).gain
    array([[3., 3.]])
    """
    options = {"output": output, "structure": structure, "model": model, "starts": starts}
    return _ask(hybrid.feedback, system, at, at_point, params, Q=Q, R=R, decay=decay, poles=poles, **options)


def _ask(
    question: Callable[..., Answer], system: Any, at: Any, at_point: bool, params: Mapping[str, Any], **asked: Any
) -> Answer:
    """The question about the recorded system, or about the numerical linearisation where there is none."""
    is_linear = isinstance(system, control.StateSpace)  # one that python-control counts among the nonlinear
    if not isinstance(system, control.NonlinearIOSystem) or is_linear:
        return question(system, at=at, at_point=at_point, **asked)
    names = _names(system)
    point = None if at is None else _point(system, at, names)
    try:
        traced = nonlinear_system(system, params, outputs=bool(asked.get("output")))
    except TracingError as why:
        linear, note = _linearised(system, point or {}, names, params, why)
        warnings.warn(note, UserWarning, stacklevel=3)
        answer = question(linear, **asked)
        return replace(answer, notes=(note, *answer.notes))
    return question(traced, at=point, at_point=at_point, **asked)


# Names and points


def _names(system: Any) -> list[str]:
    """States, then inputs: the labels where they are names, else x[0] as x0."""
    if not isinstance(system, control.NonlinearIOSystem) or isinstance(system, control.StateSpace):
        raise ProblemError("system", type(system).__name__, "a control.NonlinearIOSystem that is not linear")
    if not system.nstates:
        raise ProblemError("states", system.nstates, "a system that says how many states it has, at least one")
    labels = [*system.state_labels, *system.input_labels]
    names = [re.sub(r"\W", "", label) for label in labels]
    if len(set(names)) < len(names) or not all(map(is_name, names)):
        n = system.nstates
        names = [f"x{i}" if i < n else f"u{i - n}" for i in range(len(labels))]
    return names


def _point(system: Any, at: Any, names: Sequence[str]) -> dict[str, Any]:
    """A point by name, given by label, by name, in order, or as an OperatingPoint."""
    if isinstance(at, control.OperatingPoint):
        at = [*np.ravel(at.states), *np.ravel(at.inputs)]
    if isinstance(at, Mapping):
        labels: list[Any] = [*system.state_labels, *system.input_labels]
        by_label = dict(zip(labels, names, strict=True))
        for key in at:
            if key not in by_label and key not in names:
                raise ProblemError("at", key, f"one of {', '.join(names)}")
        return {str(by_label.get(key, key)): value for key, value in at.items()}
    values = list(at) if isinstance(at, Sequence | np.ndarray) and not isinstance(at, str) else []
    if len(values) not in (system.nstates, len(names)):
        expected = f"{system.nstates} states (and {len(names) - system.nstates} inputs), or a mapping of labels"
        raise ProblemError("at", at, expected)
    return dict(zip(names, values, strict=False))


# Recording


def _recorded(
    function: Callable[..., Any], names: Sequence[str], n: int, length: int, params: Mapping[str, Any], what: str
) -> list[str]:
    """The expressions that a function returns for symbols.

    Raises:
        TracingError: it cannot be recorded.
    """
    graph = Graph([*names, "t"])
    *variables, time = (Tracer(graph, node) for node in range(len(graph.names)))
    x, u = np.array(variables[:n], object), np.array(variables[n:], object)
    try:
        returned = np.asarray(function(time, x, u, dict(params)), object).reshape(-1)
        nodes = [Tracer.node_of(graph, value) for value in returned]
    except TracingError:
        raise
    except Exception as cause:
        raise TracingError(what, f"{type(cause).__name__}, {cause}", "a function that takes symbols") from cause
    if len(nodes) != length:
        raise TracingError(what, f"{len(nodes)} values", f"{length} values")
    tape = graph.tape(nodes)
    depends = tape.depends([len(names)])
    if any(depends[output] for output in tape.outputs):
        raise TracingError(what, "a value that depends on the time t", "equations that are the same at all times")
    try:
        return infix(tape)
    except ProblemError as cause:
        raise TracingError(what, str(cause), "shorter equations") from None


def _compare(traced: NonlinearSystem, function: Callable[..., Any], params: Mapping[str, Any], what: str) -> None:
    """Require the values of the function at random points to lie in the enclosures of the equations'.

    Raises:
        TracingError: one does not, or there are hardly any points at which the function has a value.
    """
    draw, compared = np.random.default_rng(0), 0
    for _ in range(_POINTS):
        point = draw.normal(size=traced.n + traced.m)
        point = np.abs(point) if draw.random() < 0.5 else point  # many models have no value at negative states
        with np.errstate(all="ignore"):
            values = _called(function, draw.normal(), point, traced.n, params)
        if values is None or not np.isfinite(values).all():
            continue
        enclosed = traced.linearise_ball(point.tolist(), _BITS)
        if not isinstance(enclosed, DomainError):
            found = enclosed.g if what == _OUTPUT else enclosed.f
            if len(values) != len(found or ()) or not all(map(_lies_in, values, found or ())):
                raise TracingError(what, f"other values at x, u = {point.tolist()}", "those of the equations recorded")
            compared += 1
    if compared < _ENOUGH:
        raise TracingError(what, "no values at random points", "some, to compare the equations with")


def _called(
    function: Callable[..., Any], t: float, point: np.ndarray[Any, Any], n: int, params: Mapping[str, Any]
) -> np.ndarray[Any, Any] | None:
    """The function's values, or None where it has none."""
    try:
        return np.asarray(function(t, point[:n].copy(), point[n:].copy(), dict(params)), float).reshape(-1)
    except (ArithmeticError, ValueError):
        return None


def _lies_in(value: float, ball: Any) -> bool:
    from flint import arb

    return bool(arb(float(value), abs(float(value)) * 2.0**-_BITS).overlaps(ball))


# Numerically


def _linearised(
    system: Any, point: Mapping[str, Any], names: Sequence[str], params: Mapping[str, Any], why: TracingError
) -> tuple[LinearSystem, str]:
    """What `control.linearize` makes of the system at a point, and the sentence that goes with it."""
    values = [float(exact(point.get(name, 0), name)) for name in names]
    x, u, given = values[: system.nstates], values[system.nstates :], {**system.params, **params}
    linear = coerce(control.linearize(system, x, u, params=given)) if u else _autonomous(system, x, given)
    rate = np.ravel(system.updfcn(0, np.array(x), np.array(u), given))
    residual = np.abs(rate - x if linear.is_discrete else rate).max()
    where = ", ".join(f"{name} = {value:.6g}" for name, value in zip(names, values, strict=True))
    return linear, (
        f"The equations could not be recorded ({why}), so that the proof is about the matrices of control.linearize at "
        f"{where}, by finite differences, where |f| reaches {residual:.3g}: it says nothing about the nonlinear system."
    )


def _autonomous(system: Any, x: Sequence[float], params: Mapping[str, Any]) -> LinearSystem:
    """The linearisation without inputs, by way of an input without effect: python-control 0.10 fails on one state."""

    def update(t: float, x: Any, u: Any, params: Any) -> Any:
        return system.updfcn(t, x, u[:0], params)

    forced = control.nlsys(update, None, states=system.nstates, inputs=1, dt=system.dt)
    linear = coerce(control.linearize(forced, x, [0.0], params=params))
    return LinearSystem(linear.A, dt=linear.dt)
