"""Screening a file of equations: proofs alone, with a network that guesses, and beside sympy and numpy, no proof.

All times are for one system, from its text to its verdict, on one core and in one process.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import hybrid
from hybrid.batch import screen
from hybrid.batch.screening import Screen
from hybrid.bench.comparison import Call, interleave
from hybrid.bench.table import Row

_SEED = 2006
_POINT = "0.01"
_STABLE_SHARE = 0.05  # as in systems drawn at random
_UNARY = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan")
_SHIFT = 4  # times a state, taken off the rates of a system that shall be stable

Texts = Sequence[str]


@dataclass(frozen=True)
class _Contender:
    name: str
    call: Call[Texts]
    count: int
    note: str = ""


def measure(*, quick: bool) -> list[Row]:
    """Random systems of 2 to 5 states, five in a hundred of them stable, about their Jacobian at a point."""
    texts = random_systems(120 if quick else 400)
    return [*_all(texts, quick), *_rare(texts, quick)]


def _all(texts: Texts, quick: bool) -> list[Row]:
    """Every system proved."""
    few = len(texts) // 10
    contenders = [
        _Contender("network guesses, then proof", _asked(model_first=False), len(texts), _guessed(texts)),
        _Contender("proof from the network's Jacobian", _asked(model_first=True), len(texts), _by_model(texts)),
        _Contender("derivative guesses, then proof", _asked(guess="derivative"), len(texts)),
    ]
    try:
        call = _first(few, _sympy())
    except ImportError:
        pass
    else:
        contenders.append(_Contender("sympy jacobian, lambdify, numpy eigvals", call, few, "no proof"))
    return _rows(
        "screen, proof alone", _asked(guess="none"), contenders, texts, quick, _told(_run(texts, guess="none"))
    )


def _rare(texts: Texts, quick: bool) -> list[Row]:
    """The first few stable systems, whatever has to be proved until then."""
    count = max(1, int(len(texts) * _STABLE_SHARE / 2))
    search = {guess: _asked(guess=guess, find="stable", count=count) for guess in ("network", "derivative", "none")}
    proved = {guess: _run(texts, guess=guess, find="stable", count=count) for guess in search}
    notes = {guess: f"{found.summary()['answered']} of {len(texts)} proved" for guess, found in proved.items()}
    contenders = [
        _Contender(f"{each} guesses", search[each], len(texts), notes[each]) for each in ("derivative", "none")
    ]
    name = f"screen, {count} stable among {len(texts)}, network guesses"
    return _rows(name, search["network"], contenders, texts, quick, notes["network"])


def _rows(
    name: str, own: Call[Texts], contenders: Sequence[_Contender], texts: Texts, quick: bool, note: str
) -> list[Row]:
    calls = [own, *(each.call for each in contenders)]
    ours, *theirs = interleave(calls, [texts], rounds=2 if quick else 5, seconds=60.0)
    ours /= len(texts)
    rows: list[Row] = []
    for each, spent in zip(contenders, theirs, strict=True):
        time = spent / each.count
        told = "; ".join(filter(None, (note if not rows else "", each.note)))
        rows.append(Row(name, ours * 1e6, each.name, time * 1e6, ours / time, None, None, told))
    return rows


def _run(texts: Texts, **options: object) -> Screen:
    rows = screen(texts, at_all=_POINT, at_point=True, **options)  # type: ignore[arg-type]
    for _ in rows:
        pass
    return rows


def _asked(**options: object) -> Call[Texts]:
    return lambda texts: _run(texts, **options)


def _first(count: int, call: Call[Texts]) -> Call[Texts]:
    return lambda texts: call(texts[:count])


def _told(rows: Screen) -> str:
    found = rows.summary()
    return ", ".join(f"{count} {word}" for word, count in (found["verdict"] | found["status"]).items() if count)


def _guessed(texts: Texts) -> str:
    guesses = _run(texts).summary()["guesses"]
    return f"{guesses['right']} of {guesses['judged']} guessed right"


def _by_model(texts: Texts) -> str:
    routes = _run(texts, model_first=True).summary()["route"]
    return ", ".join(f"{count} by route {route}" for route, count in routes.items())


def _sympy() -> Call[Texts]:
    """Every text read, differentiated, compiled and evaluated, as one writes it down; nothing is proved."""
    import sympy

    def verdicts(texts: Texts) -> list[bool]:
        found = []
        for text in texts:
            sides = [equation.split("'=") for equation in text.replace(" ", "").split(";")]
            states = sympy.symbols([name for name, _ in sides])
            known = {symbol.name: symbol for symbol in states}
            f = sympy.Matrix([sympy.sympify(right, locals=known) for _, right in sides])
            J = sympy.lambdify(states, f.jacobian(states), "numpy")(*[float(_POINT)] * len(states))
            found.append(bool(np.linalg.eigvals(np.asarray(J, float)).real.max() < 0))
        return found

    return verdicts


# Random systems


def random_systems(count: int) -> list[str]:
    """Texts of systems whose Jacobian at the point is real; every twentieth is made stable by a shift.

    Drawn as in Charton, Hayat and Lample 2020: 2 to 5 states, 3 to 2n + 2 operators in each equation.

    >>> len(random_systems(3)), random_systems(1) == random_systems(2)[:1]
    (3, True)
    """
    rng, found = random.Random(_SEED), list[str]()
    while len(found) < count:
        wants_stable = len(found) % round(1 / _STABLE_SHARE) == 0
        n = rng.randint(2, 5)
        sides = [_expression(rng, rng.randint(3, 2 * n + 2), n) for _ in range(n)]
        if wants_stable:
            sides = [f"({side})/8 - {_SHIFT}*x{i}" for i, side in enumerate(sides)]
        text = "; ".join(f"x{i}' = {side}" for i, side in enumerate(sides))
        if _is_stable(text) is wants_stable:
            found.append(text)
    return found


def _expression(rng: random.Random, operators: int, n: int) -> str:
    if operators == 0:
        return f"({rng.choice((-1, 1)) * rng.randint(1, 10)})" if rng.random() < 0.3 else f"x{rng.randrange(n)}"
    if rng.random() < 0.4:
        return f"{rng.choice(_UNARY)}({_expression(rng, operators - 1, n)})"
    left = rng.randint(0, operators - 1)
    sides = _expression(rng, left, n), _expression(rng, operators - 1 - left, n)
    return f"({sides[0]} {rng.choice('+-*/')} {sides[1]})"


def _is_stable(text: str) -> bool | None:
    """By eigenvalues in doubles; None where there are none, or 0 is near."""
    try:
        system = hybrid.NonlinearSystem.from_text(text)
        A = system.linearise(dict.fromkeys(system.states, float(_POINT))).A
        largest = float(np.linalg.eigvals(A).real.max())
    except (hybrid.HybridError, ArithmeticError, np.linalg.LinAlgError):
        return None
    return None if not 1e-6 < abs(largest) < 1e6 or not A.any(axis=1).all() else largest < 0
