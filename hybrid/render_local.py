"""The words for an answer near a point of a nonlinear system: where, what was asked, the point itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hybrid import render_pde
from hybrid.answer import Answer, PaperReading, SearchedLabels, Verdict
from hybrid.decimals import exactly, outwards
from hybrid.pole_region import Region
from hybrid.question import LocalQuestion, TimeVaryingQuestion
from hybrid.systems.numbers import spell

Bounds = tuple[Fraction, Fraction]

_IN_A_SENTENCE = 6  # coordinates; more are listed below


def about(answer: Answer) -> str:
    """What was asked: stability, controllability, …, feedback; empty where nothing was proved."""
    return str(_claim(answer).get("about", "")).removeprefix("local ")


def region(answer: Answer) -> Region:
    """The region that was asked for."""
    claim = _claim(answer)
    return Region(Fraction(claim.get("decay", 0)), Fraction(claim.get("damping", 0)))


def bounds(answer: Answer) -> dict[str, Bounds]:
    """Lower and upper bound of each coordinate of the point, as they were proved; empty where nothing was."""
    stated = _claim(answer).get("point", {})
    return {name: (Fraction(lo), Fraction(hi)) for name, (lo, hi) in stated.items()}


def found(answer: Answer) -> str:
    """The verdict with its place; exponential decay in discrete time is that of a geometric sequence.

    >>> import hybrid
    >>> found(hybrid.stability(hybrid.NonlinearSystem.from_text("x' = -sin(x)")))
    'locally exponentially stable at x = 0'
    """
    where = place(answer)
    if not _claim(answer).get("equilibrium", True):
        return f"the linearisation at the point {where} is {answer.verdict.value}"
    if answer.verdict is Verdict.STABLE:
        return f"locally exponentially stable at {where}"
    if answer.verdict in (Verdict.UNSTABLE, Verdict.MARGINAL):
        return f"{answer.verdict.value} at {where}"
    if answer.verdict is Verdict.STABILISED:
        return f"locally stabilised at {where}"
    return f"the linearisation at {where} is {answer.verdict.value}"


def over_time(answer: Answer) -> str:
    """The verdict on a system that varies with time, and around which instant.

    >>> import hybrid
    >>> lift = hybrid.NonlinearSystem(["x"], ["u"], ["t*u"], time="t")
    >>> over_time(hybrid.controllability(lift, at={"x": 0, "t": 2}))
    'the linearisation over time is controllable on every interval around t = 2 on which it is continuous'
    """
    question = answer.question
    assert isinstance(question, TimeVaryingQuestion)
    assert answer.instant is not None
    instant = f"{question.system.time} = {spell(answer.instant)}"
    if answer.verdict is Verdict.CONTROLLABLE:
        where = f"every interval around {instant} on which it is continuous"
    else:
        where = f"no interval around {instant} on which it is analytic"
    return f"the linearisation over time is controllable on {where}"


def place(answer: Answer) -> str:
    """The states of the point in a few words; digits of an enclosed coordinate are those that are proved."""
    system = answer.question.system
    coordinates = bounds(answer)
    states = [name for name in coordinates if name in getattr(system, "states", ())]
    if len(states) > _IN_A_SENTENCE:
        return "the point below"
    return ", ".join(f"{name} {relation(*coordinates[name])}" for name in states)


def facts(answer: Answer) -> list[tuple[str, str]]:
    """The point line by line where a sentence does not hold it, and the law that a gain stands for."""
    coordinates = bounds(answer)
    lines = [f"{name} {_interval(*ends)}" for name, ends in coordinates.items()]
    is_short = len(lines) <= _IN_A_SENTENCE and all(exactly(*ends) for ends in coordinates.values())
    label = "equilibrium" if _claim(answer).get("equilibrium", True) else "point"
    labels = [label, *[""] * (len(lines) - 1)]
    told = [] if is_short else list(zip(labels, lines, strict=True))
    return told + ([("law", law(answer))] if answer.gain is not None else [])


def law(answer: Answer) -> str:
    """The feedback that the gain stands for, with the inputs of the point.

    >>> import hybrid
    >>> answer = hybrid.feedback(hybrid.NonlinearSystem(["x"], ["u"], ["x^2 - 1 + u"]), at={"x": 1}, model=False)
    >>> law(answer)
    'u = u* - K (x - x*) with u* = (0)'
    """
    assert isinstance(answer.question, LocalQuestion)
    coordinates = bounds(answer)
    inputs = (_number(*coordinates[name]) for name in answer.question.system.inputs)
    return f"{feedback_law(answer)} with u* = ({', '.join(inputs)})"


def feedback_law(answer: Answer) -> str:
    """The law alone: of the outputs where these are fed back."""
    return "u = u* - K (y - y*)" if _claim(answer).get("output", False) else "u = u* - K (x - x*)"


def document(answer: Answer) -> dict[str, list[float]] | None:
    """The point for JSON: name → [lo, hi] in doubles, rounded outwards; None where nothing was proved."""
    return {name: outward_doubles(*ends) for name, ends in bounds(answer).items()} or None


def outward_doubles(lo: Fraction, hi: Fraction) -> list[float]:
    """The narrowest two doubles that enclose lo and hi.

    >>> outward_doubles(Fraction(1, 10), Fraction(1, 2))
    [0.09999999999999999, 0.5]
    """
    return [_outward(lo, -math.inf), _outward(hi, math.inf)]


def paper(answer: Answer) -> list[tuple[str, str]]:
    """What the paper's rules say, in one line."""
    said = answer.paper
    if said is None:
        return []
    if isinstance(said.value, SearchedLabels):
        return [("paper", render_pde.paper(said.value))]
    if isinstance(said.value, tuple):
        proved = {True: "proved", False: "proved not", None: "not proved"}[said.holds]
        rows = "; ".join(" ".join(f"{x:g}" for x in row) for row in said.value)
        return [("paper", f"K = [{rows}] for A/‖A‖_F and u = +K x, {proved} to stabilise that system")]
    if isinstance(said.value, int):
        word = "controllable" if said.holds else "not controllable"
        return [("paper", f"{said.value}, {word} by its rule: rank in doubles, absolute tolerance 1e-6, no proof")]
    return [("paper", f"λ = {said.value:g}, {'stable' if said.holds else 'not stable'}")]


def paper_document(said: PaperReading) -> dict[str, Any]:
    """The same for JSON."""
    if isinstance(said.value, SearchedLabels):
        return render_pde.paper_document(said.value)
    value = [list(row) for row in said.value] if isinstance(said.value, tuple) else said.value
    certificate = None if said.certificate is None else said.certificate.to_dict()
    return {"value": value, "holds": said.holds, "certificate": certificate}


def relation(lo: Fraction, hi: Fraction) -> str:
    """What a coordinate is: exactly, or in digits that go on.

    >>> relation(Fraction(1, 3), Fraction(1, 3)), relation(Fraction("1.41421356237"), Fraction("1.41421356238"))
    ('= 1/3', '= 1.4142136…')
    """
    value = exactly(lo, hi)
    return f"= {value}" if value else f"= {float((lo + hi) / 2):.8g}…"


def latex(answer: Answer) -> str:
    """The point as one row of a formula."""
    entries = []
    for name, (lo, hi) in bounds(answer).items():
        symbol = rf"\mathit{{{name}}}".replace("_", r"\_")
        value = exactly(lo, hi)
        entries.append(f"{symbol} = {value}" if value else rf"{symbol} \approx {float((lo + hi) / 2):.8g}")
    return r",\; ".join(entries)


def _claim(answer: Answer) -> Mapping[str, Any]:
    return {} if answer.certificate is None else answer.certificate.claim


def _number(lo: Fraction, hi: Fraction) -> str:
    return exactly(lo, hi) or repr(float((lo + hi) / 2))


def _interval(lo: Fraction, hi: Fraction) -> str:
    value = exactly(lo, hi)
    if value:
        return f"= {value}"
    a, b = outwards(lo, hi)
    return f"in [{a}, {b}]"


def _outward(value: Fraction, direction: float) -> float:
    """The double nearest to the value on one side of it."""
    nearest = float(value)
    beyond = Fraction(nearest) < value if direction > 0 else Fraction(nearest) > value
    return math.nextafter(nearest, direction) if beyond else nearest
