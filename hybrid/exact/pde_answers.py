"""The answer about a PDE: what bounds of Re P over the wave numbers of the initial condition say about the solution."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from hybrid.answer import Answer, Evolution, PaperReading, Reason, Route, Status, Trial, Verdict
from hybrid.certificate import Certificate
from hybrid.exact.symbol_bound import Finding, SymbolAnswer
from hybrid.exact.symbol_bound import decide as bound_symbol
from hybrid.exact.symbol_terms import clipped
from hybrid.systems.numbers import nearest_float

if TYPE_CHECKING:
    from hybrid.propose.pde import PDEProposal
    from hybrid.question import PDEQuestion
    from hybrid.systems.pde import LinearPDE

METHOD = "symbol bounds"
NO_LABEL = "The paper's rule gives no label: its search does not converge, or has nothing to search."


def decide(question: PDEQuestion, proposal: PDEProposal | None, trials: list[Trial]) -> Answer:
    """Decide existence, boundedness and decay; certify what was decided.

    Args:
        question: with the equation.
        proposal: with a wave number that may grow, tried before others.
        trials: receives what came of the proposal.

    >>> from hybrid.question import PDEQuestion
    >>> from hybrid.systems.pde import LinearPDE
    >>> answer = decide(PDEQuestion(LinearPDE.from_bounds([(-1, (2,))], [(1, None)])), None, [])
    >>> answer.verdict, answer.evolution.rate
    (<Verdict.DECAYING: 'decaying'>, Fraction(1, 1))
    """
    equation, started = question.system, time.perf_counter()
    points = [] if proposal is None or proposal.point is None else [[float(x) for x in proposal.point]]
    found = _bounds(equation, points)
    if proposal is None:
        found = _with_fastest_growth(equation, found)
    from_proposal = found.nonnegative.holds is False and (found.nonnegative.witness or {}).get("from") == "proposal"
    if proposal is not None:
        outcome = "proved" if from_proposal else "not needed" if found.bounded.holds is False else "not proved"
        trials.append(Trial(proposal.source, outcome, time.perf_counter() - started))
    certificate = _certificate(equation, found)
    if from_proposal and certificate is not None and proposal is not None:
        certificate = replace(certificate, provenance={"proposer": proposal.source})
    paper = _paper(equation) if question.paper else None
    bounded, exists = found.nonnegative.holds, found.bounded.holds
    return Answer(
        question,
        status=Status.UNDECIDED if bounded is None else Status.PROVED if bounded else Status.DISPROVED,
        verdict=_verdict(found),
        route=Route.MODEL if from_proposal else Route.EXACT,
        certificate=certificate,
        evolution=Evolution(exists, bounded, found.positive.holds, _rate(found.positive), _point(found)),
        reason=Reason.SYMBOL_OPEN if bounded is None else None,
        notes=(NO_LABEL,) if question.paper and paper is None else (),
        paper=paper,
    )


def _bounds(equation: LinearPDE, points: list[list[float]]) -> SymbolAnswer:
    """What is proved of Re P; nothing where the numbers are too large for the doubles that guide the search."""
    try:
        return bound_symbol(equation.real_symbol, equation.box, proposals=points)
    except OverflowError:
        left_open = Finding(None)
        return SymbolAnswer(left_open, left_open, left_open)


def _with_fastest_growth(equation: LinearPDE, found: SymbolAnswer) -> SymbolAnswer:
    """The wave number that grows moved to where it grows fastest, as far as a descent finds it."""
    witness = found.nonnegative.witness or {}
    if found.bounded.holds is not True or found.nonnegative.holds is not False or witness.get("kind") != "point":
        return found
    start = tuple(map(Fraction, witness["point"]))
    nearest_zero = clipped([Fraction(0)] * equation.dimension, equation.box)
    best = min(nearest_zero, lowest_from(equation, start), start, key=equation.real_part)
    fastest = Finding(False, {**witness, "point": [str(x) for x in best]})
    return SymbolAnswer(found.bounded, fastest, fastest)


def lowest_from(equation: LinearPDE, start: tuple[Fraction, ...]) -> tuple[Fraction, ...]:
    """Where a descent of Re P on the support ends, to four digits; nothing is proved of it.

    >>> from hybrid.systems.reading_pde import read_pde
    >>> lowest_from(read_pde("u_t = -u_xx - u_xxxx"), (Fraction(1, 100),))
    (Fraction(7071, 10000),)
    """
    from scipy.optimize import minimize

    powers = np.array(list(equation.real_symbol), dtype=float).reshape(-1, equation.dimension)
    sizes = np.array([nearest_float(c) for c in equation.real_symbol.values()])
    point = np.array([nearest_float(x) for x in start])
    found = minimize(
        lambda x: float(sizes @ np.prod(x**powers, axis=1)), point, method="L-BFGS-B", bounds=equation.ends
    )
    if not np.isfinite(found.x).all():
        return start
    return clipped([Fraction(f"{x:.3e}") for x in found.x.tolist()], equation.box)


def _verdict(found: SymbolAnswer) -> Verdict:
    if found.bounded.holds is False:
        return Verdict.NO_SOLUTION
    if found.nonnegative.holds is None:
        return Verdict.UNKNOWN
    if not found.nonnegative.holds:
        return Verdict.GROWING
    return Verdict.DECAYING if found.positive.holds else Verdict.BOUNDED


def _certificate(equation: LinearPDE, found: SymbolAnswer) -> Certificate | None:
    """What was decided, with its witnesses; None where all stayed open."""
    findings = {"bounded": found.bounded, "nonnegative": found.nonnegative, "positive": found.positive}
    decided = {question: finding for question, finding in findings.items() if finding.holds is not None}
    if not decided:
        return None
    claim = {"about": "pde", **{question: finding.holds for question, finding in decided.items()}}
    return Certificate(equation, claim, METHOD, {question: finding.witness for question, finding in decided.items()})


def _rate(positive: Finding) -> Fraction | None:
    least = (positive.witness or {}).get("least") if positive.holds else None
    return None if least is None else Fraction(least)


def _point(found: SymbolAnswer) -> tuple[Fraction, ...] | None:
    """A wave number with Re P < 0, or with Re P = 0 where none is below."""
    for finding in (found.nonnegative, found.positive):
        witness = finding.witness or {}
        if finding.holds is False and witness.get("kind") == "point":
            return tuple(map(Fraction, witness["point"]))
    return None


def _paper(equation: LinearPDE) -> PaperReading | None:
    from hybrid.exact.paper_search import searched_labels

    labels = searched_labels(equation)
    return None if labels is None else PaperReading(labels, labels.decays)
