"""Stability of large plants, proved in floats from one eigendecomposition."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.propose.lyapunov import from_approximation
from hybrid.question import StabilityQuestion
from hybrid.systems.numbers import nearest_float
from hybrid.verify.bounds import ProvedBounds, prove_bounds, prove_guesses
from hybrid.verify.lyapunov import FloatArray

_NO_DISCS = "The linearisation is known up to a radius only, so its poles are not enclosed one by one."


def decide(question: StabilityQuestion) -> Answer | None:
    """Answer a stability question from proved bounds on the abscissa; None where they do not settle it.

    Sectors and pole enclosures are left to the exact route, which an enclosed matrix does not have. What comes back
    is a proof, whichever way it goes: two Lyapunov inequalities, for the upper and the lower bound.
    """
    system, region = question.system, question.region
    if region.damping or (question.poles and not system.is_enclosed):
        return None
    return _answer(question, prove_bounds(system.A.floats, discrete=system.is_discrete, radius=system.A.radius))


def decide_from(question: StabilityQuestion, jacobian: FloatArray) -> Answer | None:
    """Answer with Lyapunov matrices of a proposed A, proved for the true one; None where they do not settle it.

    Args:
        question: about the true A.
        jacobian: (n, n), from anywhere.
    """
    system, region = question.system, question.region
    if region.damping or question.poles or jacobian.shape != system.A.shape:
        return None
    boundaries = {float(system.is_discrete), nearest_float(region.boundary(system.is_discrete))}
    guesses = from_approximation(jacobian, sorted(boundaries), discrete=system.is_discrete)
    proved = prove_guesses(guesses, system.A.floats, discrete=system.is_discrete, radius=system.A.radius)
    return _answer(question, proved, Route.MODEL)


def _answer(question: StabilityQuestion, proved: ProvedBounds, route: Route = Route.EXACT) -> Answer | None:
    """What proved bounds say to the question; None where they do not settle it."""
    system, region = question.system, question.region
    verdict = _side(proved.interval, Fraction(system.is_discrete), (Verdict.STABLE, Verdict.UNSTABLE))
    in_region = _side(proved.interval, region.boundary(system.is_discrete), (True, False))
    if verdict is None or in_region is None:
        return None
    claim: dict[str, Any] = {
        "about": "stability",
        "verdict": verdict.value,
        "decay": region.decay,
        "damping": region.damping,
        "in_region": in_region,
        "abscissa": proved.interval,
    }
    return Answer(
        question,
        Status.PROVED if in_region else Status.DISPROVED,
        verdict,
        route,
        Certificate(system, claim, "lyapunov", proved.witness()),
        bounds=proved.interval,
        notes=(_NO_DISCS,) if question.poles else (),
    )


def _side(interval: tuple[Fraction | None, Fraction | None], boundary: Fraction, names: tuple[Any, Any]) -> Any:
    """names[0] if lo < abscissa < hi ≤ boundary, names[1] if boundary ≤ lo, None if neither is proved."""
    lo, hi = interval
    if hi is not None and hi <= boundary:
        return names[0]
    return names[1] if lo is not None and lo >= boundary else None
