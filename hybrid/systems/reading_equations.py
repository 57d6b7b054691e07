"""Nonlinear systems out of documents and out of shell text: equations, parameters, the operating point."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hybrid.errors import DimensionError, ProblemError
from hybrid.expressions.parser import is_name
from hybrid.expressions.source import Sources
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact

KEYS = ("states", "inputs", "equations", "parameters", "outputs", "dt", "name", "at", "time")
"""The keys that say what the system is, and where it operates."""

ALIASES = {"f": "equations", "params": "parameters", "equilibrium": "at"}
"""Other spellings, as collections of benchmark systems have them."""

DESCRIPTIVE_KEYS = frozenset({
    "equilibrium_exact", "equilibrium_residual", "domain", "task", "published_fact", "claim", "known_lyapunov",
    "known_lyapunov_check", "linearization", "used_in", "origin_residual", "eig_linearization_at_0", "reported_runs",
    "B_at_0", "time_domain",
})  # fmt: skip
"""Keys beside those of linear systems that say something about the system; of their values only time_domain is read."""

OperatingPoint = Mapping[str, Any]
"""State or input → number, or text such as "pi/2"."""

_TIME = "time_domain"
_EQUATION = re.compile(r"'\s*=|/\s*dt\s*=")
_ASSIGNMENTS = "assignments such as x=0,y=pi/2"
_BOX = "intervals such as x=-5:5,y=-2:2"


def is_nonlinear(document: Mapping[str, Any]) -> bool:
    """Whether a document speaks of equations."""
    return any(document.get(key) is not None for key in ("states", "equations", "f"))


def is_equations(text: str) -> bool:
    """Whether shell text is equations, as x' = -x, rather than the name of something.

    >>> is_equations("x' = y; y' = -x"), is_equations("dx/dt = -x"), is_equations("plant.toml")
    (True, True, False)
    """
    return _EQUATION.search(text) is not None


def build(document: Mapping[str, Any], name: str) -> tuple[NonlinearSystem, OperatingPoint | None]:
    """The system that a document describes, and its operating point.

    Args:
        document: `states` and `inputs` (lists of names), `equations` (a text of x' = …, a list of right-hand sides,
            or a table state → right-hand side), `parameters`, `outputs`, `dt`, `name`, `at`, `time`; or `ALIASES` of
            these. Without states they are those that have an equation. Other keys have to be refused before.
        name: the system's name where the document gives none.

    Returns:
        The system, and its operating point: `at` is a table state or input → value, or a list in the order of the
        states, or {"x": …, "u": …} of two lists; None where it is absent.

    Raises:
        ParseError, ProblemError: what is wrong, with line and column within the equations.

    >>> build({"equations": {"x": "y", "y": "u - sin(x)"}, "inputs": ["u"], "at": {"x": "pi", "y": 0}}, "pendulum")
    (<NonlinearSystem pendulum: n=2, m=1, p=2, continuous>, {'x': 'pi', 'y': 0})
    """
    stated = _without_aliases(document)
    equations = stated.get("equations")
    if not isinstance(equations, str | list | Mapping):
        expected = "a text of equations, a list of right-hand sides, or a table of them"
        raise ProblemError("equations", "nothing" if equations is None else equations, expected)
    inputs = _names(stated.get("inputs") or [], "inputs")
    parameters, outputs = _table(stated.get("parameters"), "parameters"), _texts(stated.get("outputs"))
    rest = parameters, outputs, _sample_time(stated), name, stated.get("time")
    if stated.get("states") is None and isinstance(equations, str):
        system = NonlinearSystem.from_text(equations, inputs, *rest)
    else:
        states = _names(list(equations) if stated.get("states") is None else stated["states"], "states")
        system = NonlinearSystem(states, inputs, _right_hand_sides(equations, states), *rest)
    return system, _operating_point(stated.get("at"), system)


def from_shell(
    text: str, inputs: Sequence[str], parameters: Mapping[str, Any], dt: Any = None, time: str | None = None
) -> NonlinearSystem:
    """The system of equations typed into a shell.

    Raises:
        ParseError: also for a symbol that is neither a state nor among the inputs and parameters.
        ProblemError: a parameter stands nowhere in the equations, as when it is misspelled.

    >>> from_shell("x' = -k*x + u", ["u"], {"k": "2"})
    <NonlinearSystem n=1, m=1, p=1, continuous>
    """
    system = NonlinearSystem.from_text(text, inputs, parameters, dt=dt, time=time)
    tokens, _ = Sources().read("equations", text)
    for name in parameters:
        if name not in tokens:
            known = [other for other in parameters if other in tokens]
            expected = f"one of {', '.join(known)}" if known else "nothing, as the equations have no parameters"
            raise ProblemError("parameters", f"{name}, which stands nowhere in the equations", expected)
    return system


def with_parameters(system: NonlinearSystem, parameters: Mapping[str, Any]) -> NonlinearSystem:
    """The same equations with other values of some parameters.

    Raises:
        ProblemError: the system has no such parameter.
    """
    if not parameters:
        return system
    known = system.parameters
    for name in parameters:
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "nothing: the system has no parameters"
            raise ProblemError("parameters", name, expected)
    together, time = {**known, **parameters}, None if system.time in parameters else system.time
    return NonlinearSystem(
        system.states, system.inputs, system.equations, together, system.outputs, system.dt, system.name, time
    )


def parse_assignments(text: str, field: str) -> dict[str, str]:
    """The values of `x=0,y=pi/2`, as the text that was written.

    Raises:
        ProblemError: an entry is no assignment, or a name stands twice.

    >>> parse_assignments("x=0.1, y=pi/2", "at")
    {'x': '0.1', 'y': 'pi/2'}
    """
    return {name: value for name, value in _pairs(text, field, _ASSIGNMENTS)}


def parse_box(text: str, field: str) -> dict[str, tuple[Any, Any]]:
    """The exact bounds of `x=-5:5,y=0:1/3`; a single number is an interval of its own.

    Raises:
        ProblemError: an entry is no interval, its ends are in the wrong order, or a name stands twice.

    >>> parse_box("x=-5:5,u=1/2", "box")
    {'x': (Fraction(-5, 1), Fraction(5, 1)), 'u': (Fraction(1, 2), Fraction(1, 2))}
    """
    box = {}
    for name, value in _pairs(text, field, _BOX):
        lower, colon, upper = value.partition(":")
        bounds = exact(lower, f"{field}, {name}"), exact(upper if colon else lower, f"{field}, {name}")
        if bounds[0] > bounds[1]:
            raise ProblemError(f"{field}, {name}", value, "a lower bound that is not above the upper one")
        box[name] = bounds
    return box


def _pairs(text: str, field: str, expected: str) -> Iterable[tuple[str, str]]:
    seen = set()
    for entry in text.split(","):
        name, equals, value = (part.strip() for part in entry.partition("="))
        if not equals or not value or not is_name(name):
            raise ProblemError(field, repr(entry.strip()), expected)
        if name in seen:
            raise ProblemError(field, f"{name} twice", "each name once")
        seen.add(name)
        yield name, value


def _without_aliases(document: Mapping[str, Any]) -> dict[str, Any]:
    stated = dict(document)
    for alias, key in ALIASES.items():
        if stated.get(alias) is None:
            continue
        if stated.get(key) is not None:
            raise ProblemError(alias, f"a value beside {key}", "one of the two, which mean the same")
        stated[key] = stated.pop(alias)
    return stated


def _names(stated: Any, key: str) -> list[Any]:
    if not isinstance(stated, list):
        raise ProblemError(key, stated, "a list of names")
    return stated


def _table(stated: Any, key: str) -> Mapping[str, Any]:
    if stated is None:
        return {}
    if not isinstance(stated, Mapping):
        raise ProblemError(key, stated, "a table of names and numbers")
    return stated


def _texts(stated: Any) -> Any:
    """Expressions as text; a bare number is one too."""
    return [str(entry) if _is_integer(entry) else entry for entry in stated] if isinstance(stated, list) else stated


def _right_hand_sides(equations: Any, states: Sequence[Any]) -> Any:
    if not isinstance(equations, Mapping):
        return _texts(equations)
    for state in equations:
        if state not in states:
            raise ProblemError("equations", f"an equation for {state}", "one of the states")
    missing = [state for state in states if state not in equations]
    if missing:
        raise ProblemError("equations", f"no equation for {missing[0]}", "one equation for each state")
    return _texts([equations[state] for state in states])


def _sample_time(stated: Mapping[str, Any]) -> Any:
    """dt; 1 where a discrete system does not say how long its samples are, which changes no verdict."""
    dt, time = stated.get("dt"), stated.get(_TIME)
    if time not in (None, "continuous", "discrete"):
        raise ProblemError(_TIME, time, "continuous or discrete")
    unspecified = dt is True or (isinstance(dt, str) and dt.lower() in ("true", "unspecified"))
    if unspecified or (dt is None and time == "discrete"):
        return 1
    if time == "continuous" and dt is not None and exact(dt, "dt"):
        raise ProblemError("dt", dt, "nothing, as time_domain says continuous")
    return dt


def _operating_point(stated: Any, system: NonlinearSystem) -> OperatingPoint | None:
    if stated is None:
        return None
    if isinstance(stated, list):
        return _listed(stated, system.states, "at")
    if not isinstance(stated, Mapping):
        raise ProblemError("at", stated, "a table of states and inputs with their values")
    if stated and set(stated) <= {"x", "u"} and all(isinstance(part, list) for part in stated.values()):
        inputs = _listed(stated.get("u", []), system.inputs, "at, u") if "u" in stated else {}
        return _listed(stated.get("x", []), system.states, "at, x") | inputs
    for name in stated:
        known = (*system.states, *system.inputs, *(() if system.time is None else (system.time,)))
        if name not in known:
            raise ProblemError("at", name, f"one of {', '.join(known)}")
    return dict(stated)


def _listed(values: list[Any], names: Sequence[str], key: str) -> dict[str, Any]:
    if len(values) != len(names):
        each = f", one for each of {', '.join(names)}" if names else ""
        raise DimensionError(key, f"{len(values)} values", f"{len(names)}{each}")
    return dict(zip(names, values, strict=True))


def _is_integer(entry: Any) -> bool:
    return isinstance(entry, int) and not isinstance(entry, bool)
