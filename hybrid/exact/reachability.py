"""Controllability, observability, stabilizability and detectability, decided exactly."""

from __future__ import annotations

from typing import Any

from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.exact.placement import fixed_modes_allow
from hybrid.exact.subspace import Reach, reach
from hybrid.question import FeedbackQuestion, RankQuestion
from hybrid.systems.numbers import spell

_VERDICTS = {
    "controllability": (Verdict.CONTROLLABLE, Verdict.UNCONTROLLABLE),
    "observability": (Verdict.OBSERVABLE, Verdict.UNOBSERVABLE),
    "stabilizability": (Verdict.STABILIZABLE, Verdict.NOT_STABILIZABLE),
    "detectability": (Verdict.DETECTABLE, Verdict.NOT_DETECTABLE),
}


def decide(question: RankQuestion) -> Answer:
    """Decide one of the four properties; always PROVED or DISPROVED.

    Full rank modulo a prime proves all four. Otherwise an exact left-invariant subspace shows what is out of reach, and
    stabilizability asks whether its eigenvalues lie in the region (Hautus 1970).

    >>> from hybrid.pole_region import Region
    >>> from hybrid.systems.linear import LinearSystem
    >>> plant = LinearSystem([[1, 0], [0, -2]], [[1], [0]])
    >>> decide(RankQuestion(plant, "controllability", Region())).verdict.value
    'uncontrollable'
    >>> decide(RankQuestion(plant, "stabilizability", Region())).verdict.value
    'stabilizable'
    """
    found = reach(question.pair)
    modes = found.unreached(discrete=question.system.is_discrete)
    by_modes = question.about in ("stabilizability", "detectability")
    holds = modes is None or (by_modes and modes.lies_in(question.region))
    verdict = _VERDICTS[question.about][0 if holds else 1]
    claim: dict[str, Any] = {
        "about": question.about,
        "verdict": verdict.value,
        "decay": question.region.decay,
        "dimension": found.dimension,
    }
    return Answer(
        question,
        Status.PROVED if holds else Status.DISPROVED,
        verdict,
        Route.EXACT,
        Certificate(question.system, claim, *_proof(found)),
        poles=None if modes is None else modes.enclosures(),
        dimension=found.dimension,
    )


def refute_stabilisation(question: FeedbackQuestion, found: Reach) -> Answer | None:
    """A proof that no gain brings every pole into the region; None where the uncontrollable poles are in it."""
    modes = found.unreached(discrete=question.system.is_discrete)
    if modes is None or modes.lies_in(question.region):
        return None
    return _impossible(question, found, Verdict.NOT_STABILISABLE, {"decay": question.region.decay})


def refute_placement(question: FeedbackQuestion, found: Reach) -> Answer | None:
    """A proof that no gain gives the poles asked for: an uncontrollable one is missing, or is there too rarely."""
    if fixed_modes_allow(found, question.poles or ()):
        return None
    requested = [{"re": spell(re), "im": spell(im)} for re, im in question.poles or ()]
    return _impossible(question, found, Verdict.NOT_PLACEABLE, {"requested": requested})


def _impossible(question: FeedbackQuestion, found: Reach, verdict: Verdict, more: dict[str, Any]) -> Answer:
    modes = found.unreached(discrete=question.system.is_discrete)
    return Answer(
        question,
        Status.DISPROVED,
        verdict,
        Route.EXACT,
        Certificate(question.system, {"about": "feedback", "verdict": verdict.value, **more}, *_proof(found)),
        poles=None if modes is None else modes.enclosures(),
        dimension=found.dimension,
    )


def _proof(found: Reach) -> tuple[str, dict[str, Any]]:
    """Method and witness of a certificate."""
    if found.W is None or found.F is None:
        return "modular rank", {"prime": str(found.prime)}
    return "invariant subspace", {"W": found.W, "F": found.F, "prime": str(found.prime)}
