"""Stability decided exactly: any rational matrix, on the boundary too."""

from __future__ import annotations

from typing import Any

from hybrid.answer import Answer, Enclosure, Reason, Route, Status
from hybrid.certificate import Certificate
from hybrid.exact.spectrum import Spectrum, as_claim
from hybrid.question import StabilityQuestion

_CHECKED_UP_TO = 100  # states: the checker's own limit on work lies somewhat above


def decide(question: StabilityQuestion) -> Answer:
    """Decide a stability question by the characteristic polynomial over Q.

    Always PROVED or DISPROVED. The certificate needs no witness: the checker computes the polynomial itself.

    >>> from hybrid.pole_region import Region
    >>> from hybrid.systems.linear import LinearSystem
    >>> decide(StabilityQuestion(LinearSystem([[0, 1], [0, 0]]), Region())).verdict
    <Verdict.UNSTABLE: 'unstable'>

    Source: Gantmacher 1959, vol. 2, ch. XV.
    """
    system, region = question.system, question.region
    spectrum = Spectrum.of(system.A, discrete=system.is_discrete)
    in_region = spectrum.lies_in(region)
    poles = spectrum.enclosures() if question.poles else None
    claim: dict[str, Any] = {
        "about": "stability",
        "verdict": spectrum.verdict.value,
        "decay": region.decay,
        "damping": region.damping,
        "in_region": in_region,
        "abscissa": spectrum.bounds,
    }
    if poles is not None:
        claim["poles"] = [as_claim(disc) for disc in poles]
    return Answer(
        question,
        Status.PROVED if in_region else Status.DISPROVED,
        spectrum.verdict,
        Route.EXACT,
        Certificate(system, claim, "characteristic polynomial"),
        bounds=spectrum.bounds,
        poles=poles,
        notes=_notes(question, poles),
    )


def _notes(question: StabilityQuestion, poles: tuple[Enclosure, ...] | None) -> tuple[str, ...]:
    told = []
    if question.poles and poles is None:
        told.append(Reason.PRECISION_EXHAUSTED.value)
    if question.system.n > _CHECKED_UP_TO:
        told.append("The stand-alone checker may refuse a characteristic polynomial of this order as too much work.")
    return tuple(told)
