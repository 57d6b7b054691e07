"""From equations to a proved answer near an equilibrium, beside sympy and python-control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import hybrid
from hybrid.bench.comparison import Call, Peer, Target, compare
from hybrid.bench.samples import LocalProblem, local_problems
from hybrid.bench.table import Row

_SYMPY, _CONTROL = Target(1 / 50), Target(1 / 5)


def measure(*, quick: bool) -> list[Row]:
    """Stability of plants of four states, from their equations as text and from systems that are read already."""
    return [row for problem in local_problems() for row in _of_plant(problem, 3 if quick else 21)]


def _of_plant(problem: LocalProblem, rounds: int) -> list[Row]:
    answer, system = _from_text(problem), problem.read()
    proof = answer.status.value if answer.certificate is None else answer.certificate.method
    note = f"{answer.verdict.value}, {proof}"
    control = Peer("control linearize, poles", _linearize(problem), _CONTROL, "no proof; f compiled beforehand")
    prebuilt = replace(control, target=None)

    def from_system(given: LocalProblem) -> hybrid.Answer:
        return hybrid.stability(system, at=given.at)

    return [
        *compare(f"{problem.name}, text to answer", _from_text, [control], [problem], rounds=rounds, note=note),
        *compare(f"{problem.name}, text to answer, beside sympy", _from_text, _sympy_peers(), [problem], rounds=rounds),
        *compare(f"{problem.name}, system to answer", from_system, [prebuilt], [problem], rounds=rounds),
        *compare(f"{problem.name}, text to system", LocalProblem.read, [], [problem], rounds=rounds),
    ]


def _from_text(problem: LocalProblem) -> hybrid.Answer:
    return hybrid.stability(problem.read(), at=problem.at)


def _sympy_peers() -> list[Peer[LocalProblem]]:
    """sympy remembers what it has computed: once made to forget it before each turn, once not."""
    route = "sympify, jacobian, subs, eigenvals"
    return [
        Peer(f"sympy {route}", _sympy, _SYMPY, "its cache emptied before each turn"),
        Peer(f"sympy {route}, repeated", _sympy_again, _SYMPY, "much of it remembered from the turn before"),
    ]


def _sympy() -> Call[LocalProblem]:
    from sympy.core.cache import clear_cache

    eigenvalues = _sympy_again()

    def afresh(problem: LocalProblem) -> object:
        clear_cache()
        return eigenvalues(problem)

    return afresh


def _sympy_again() -> Call[LocalProblem]:
    import sympy

    def eigenvalues(problem: LocalProblem) -> object:
        states, inputs, f = _expressions(problem)
        point = {symbol: sympy.sympify(problem.at[symbol.name]) for symbol in (*states, *inputs)}
        return sympy.Matrix(f).jacobian(states).subs(point).eigenvals()

    return eigenvalues


def _expressions(problem: LocalProblem) -> tuple[list[Any], list[Any], list[Any]]:
    """The states, the inputs and the right-hand sides in sympy, definitions and parameters put in."""
    import sympy

    states, inputs = sympy.symbols(problem.states), sympy.symbols(problem.inputs)
    known = {symbol.name: symbol for symbol in (*states, *inputs)}
    known |= {name: sympy.Rational(value) for name, value in problem.parameters.items()}
    for line in problem.equations.strip().splitlines():
        left, right = (side.strip() for side in line.split("="))
        known[left] = sympy.sympify(right.replace("^", "**"), locals=known)
    return states, inputs, [known[f"{state}'"] for state in problem.states]


def _linearize(problem: LocalProblem) -> Callable[[], Call[LocalProblem]]:
    """python-control on a right-hand side that sympy has compiled: forward differences, then eigenvalues."""

    def load() -> Call[LocalProblem]:
        import control
        import sympy

        states, inputs, f = _expressions(problem)
        compiled = sympy.lambdify((*states, *inputs), f, "math", cse=True)
        x, u = ([float(sympy.sympify(problem.at[symbol.name])) for symbol in group] for group in (states, inputs))
        system = control.nlsys(
            lambda t, x, u, params: np.array(compiled(*x, *u)), inputs=len(u), outputs=len(x), states=len(x)
        )
        return lambda _: system.linearize(x, u).poles()

    return load
