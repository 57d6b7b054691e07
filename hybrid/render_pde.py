"""The words for an answer about a PDE: what evolves how, the symbol, the wave numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hybrid.answer import Answer, Evolution, SearchedLabels, Status, Verdict
from hybrid.decimals import exactly
from hybrid.expressions.polynomial import spelled
from hybrid.question import PDEQuestion
from hybrid.systems.numbers import nearest_float, spell
from hybrid.systems.pde import LinearPDE, Side

_OPEN = "not decided"
_EXISTS = {True: "yes, Re P is bounded below", False: "no, Re P is unbounded below", None: _OPEN}
_STAYS_BOUNDED = {True: "yes, Re P >= 0", False: "no, Re P < 0 somewhere", None: _OPEN}
_SHORT_EQUATION = 70  # characters; longer ones read better as an operator


def headline(answer: Answer) -> str:
    """What was decided, in one sentence without its end.

    >>> import hybrid
    >>> headline(hybrid.pde("u_t = u_xx", model=False))
    'the solution stays bounded: no wave number grows, and k_x = 0 does not decay'
    """
    equation, evolution = _equation(answer), _evolution(answer)
    if answer.verdict is Verdict.NO_SOLUTION:
        return "no solution for some initial conditions: their wave numbers grow at rates without bound"
    if answer.status is Status.DISPROVED:
        exists = "exists and grows" if evolution.exists else "does not stay bounded"
        return f"the solution {exists}: the wave number {_place(equation, evolution.point)} grows{_growth(answer)}"
    if answer.status is Status.PROVED and evolution.decays:
        return f"the solution decays: every wave number at least as fast as exp(-c t), c = {_short(evolution.rate)}"
    if answer.status is Status.PROVED:
        return f"the solution stays bounded: no wave number grows{_slowest(equation, evolution)}"
    exists = "a solution exists; whether it stays bounded was not decided" if evolution.exists else "nothing was proved"
    return f"{exists}. {answer.reason.value if answer.reason else ''}".rstrip(" .")


def facts(answer: Answer) -> list[tuple[str, str]]:
    """The equation, its symbol, the support and the three answers, a line each."""
    equation, evolution = _equation(answer), _evolution(answer)
    law = ("equation", equation.equation) if len(equation.equation) <= _SHORT_EQUATION else ("P(D)", equation.operator)
    return [
        law,
        ("Re P(ik)", spelled(equation.real_symbol, [f"k_{x}" for x in equation.coordinates])),
        ("wave numbers", wave_numbers(equation)),
        ("exists", _EXISTS[evolution.exists]),
        ("stays bounded", _STAYS_BOUNDED[evolution.stays_bounded]),
        ("decays", _decays(evolution)),
    ]


def _decays(evolution: Evolution) -> str:
    if evolution.decays:
        return f"yes, Re P >= {_short(evolution.rate)}"
    if evolution.decays is None:
        return _OPEN
    return "no, Re P is not above a positive number" if evolution.stays_bounded else _STAYS_BOUNDED[False]


def wave_numbers(equation: LinearPDE) -> str:
    """The support, coordinate by coordinate.

    >>> wave_numbers(LinearPDE.from_bounds([(1, (2, 0))], [(-1, 1), (None, None)]))
    'k_x0 in [-1, 1], k_x1 any'
    """
    return ", ".join(f"k_{x} {_side(side)}" for x, side in zip(equation.coordinates, equation.box, strict=True))


def paper(labels: SearchedLabels) -> str:
    """The labels of the paper in one line."""
    exists, decays = int(labels.exists), int(labels.decays)
    return f"exists {exists}, decays {decays} by its rule: a local search found {labels.lowest:.3g}, no proof"


def document(answer: Answer) -> dict[str, Any]:
    """What was decided, for JSON: numbers as exact text."""
    evolution = _evolution(answer)
    return {
        "exists": evolution.exists,
        "stays_bounded": evolution.stays_bounded,
        "decays": evolution.decays,
        "rate": None if evolution.rate is None else spell(evolution.rate),
        "point": None if evolution.point is None else [spell(x) for x in evolution.point],
    }


def paper_document(labels: SearchedLabels) -> dict[str, Any]:
    """The labels of the paper for JSON."""
    return {"exists": labels.exists, "decays": labels.decays, "lowest": labels.lowest}


def system_document(equation: LinearPDE) -> dict[str, Any]:
    """The equation for JSON, as certificates store it."""
    return {"name": equation.name, **equation.as_document()}


def latex(answer: Answer) -> list[str]:
    """The equation's symbol and the bound, as rows of a formula."""
    equation, evolution = _equation(answer), _evolution(answer)
    symbol = spelled(equation.real_symbol, [f"k_{{{x}}}" for x in equation.coordinates]).replace("*", r"\,")
    rows = [rf"\operatorname{{Re}}P(ik) = {symbol}"]
    if evolution.rate is not None:
        rows.append(rf"\operatorname{{Re}}P(ik) \ge {spell(evolution.rate)}")
    return rows


def _equation(answer: Answer) -> LinearPDE:
    assert isinstance(answer.question, PDEQuestion)
    return answer.question.system


def _evolution(answer: Answer) -> Evolution:
    assert answer.evolution is not None
    return answer.evolution


def _growth(answer: Answer) -> str:
    """At which rate the wave number of the witness grows."""
    equation, point = _equation(answer), _evolution(answer).point
    if point is None:
        return ""
    return f" like exp({_short(-equation.real_part(point))} t)"


def _slowest(equation: LinearPDE, evolution: Evolution) -> str:
    if evolution.decays is None:
        return "; whether all decay at a common rate was not decided"
    return "" if evolution.point is None else f", and {_place(equation, evolution.point)} does not decay"


def _place(equation: LinearPDE, point: tuple[Fraction, ...] | None) -> str:
    if point is None:
        return "on a curve"
    return ", ".join(f"k_{x} = {_short(value)}" for x, value in zip(equation.coordinates, point, strict=True))


def _short(value: Fraction | None) -> str:
    """A number in few digits, exact where these are all of them."""
    if value is None:
        return "some number"
    return exactly(value, value) or f"{nearest_float(value):.6g}"


def _side(side: Side) -> str:
    low, high = side
    if low is None and high is None:
        return "any"
    if low is None or high is None:
        return f"at most {_short(high)}" if low is None else f"at least {_short(low)}"
    return f"= {_short(low)}" if low == high else f"in [{_short(low)}, {_short(high)}]"
