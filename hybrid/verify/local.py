"""From an answer about a linearisation to an answer about the nonlinear system near its equilibrium.

Lyapunov's indirect method: every eigenvalue inside the stability region makes the equilibrium exponentially stable, one
strictly outside makes it unstable, and eigenvalues on the boundary decide nothing (Khalil 2002, Theorem 4.7; the same
for maps with the unit circle). Where the equilibrium is only enclosed, the linear answer holds for every Jacobian over
the enclosure, and so for the one at the equilibrium.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hybrid.answer import Answer, Enclosure, Reason, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.question import LocalQuestion
from hybrid.systems.linear import LinearSystem
from hybrid.systems.numbers import spell
from hybrid.verify.equilibrium import Equilibrium

_ABOUT = {
    "stability": "local stability",
    "controllability": "local controllability",
    "stabilizability": "local stabilizability",
    "feedback": "local feedback",
}


def conclude(
    question: LocalQuestion, linear: LinearSystem, answer: Answer, place: Equilibrium | None, notes: tuple[str, ...]
) -> Answer:
    """What the answer about the linearisation says of the nonlinear system.

    Args:
        question: about the nonlinear system.
        linear: its linearisation.
        answer: about the linearisation.
        place: the equilibrium, None where the question is about the Jacobian at a point.
        notes: to be told with the answer.
    """
    told = (*notes, *answer.notes)
    if place is not None and answer.verdict in (Verdict.MARGINAL, Verdict.UNSTABLE) and _is_critical(linear, answer):
        return replace(
            answer,
            question=question,
            status=Status.UNDECIDED,
            verdict=Verdict.UNKNOWN,
            certificate=None,
            reason=Reason.CRITICAL,
            notes=(*told, *_centre(linear)),
        )
    certificate = answer.certificate and _certificate(question, linear, answer.certificate, place)
    return replace(answer, question=question, certificate=certificate, notes=told)


def _is_critical(linear: LinearSystem, answer: Answer) -> bool:
    """Whether the abscissa is on the boundary, so that higher orders decide."""
    boundary = Fraction(linear.is_discrete)
    return answer.bounds is not None and answer.bounds[0] is not None and answer.bounds[0] <= boundary


def _centre(linear: LinearSystem) -> tuple[str, ...]:
    """The eigenvalues on the boundary with their directions, in words."""
    import numpy as np

    from hybrid.exact.spectrum import Spectrum

    if linear.is_enclosed:
        return ()
    values, vectors = np.linalg.eig(linear.A.floats)
    told = []
    for disc in Spectrum.of(linear.A, discrete=linear.is_discrete).enclosures() or ():
        if disc.im < 0 or not _on_boundary(disc, linear.is_discrete):
            continue
        nearest = vectors[:, int(np.abs(values - complex(disc)).argmin())]
        direction = ", ".join(f"{x:.4g}" for x in (nearest.real if not disc.im else nearest))
        told.append(f"The linearisation has the critical eigenvalue {complex(disc):.6g}, with direction ({direction}).")
    return tuple(told)


def _on_boundary(disc: Enclosure, discrete: bool) -> bool:
    if not discrete:
        return abs(disc.re) <= disc.radius
    return abs(float(disc.re**2 + disc.im**2) - 1) <= 4 * float(disc.radius)


def _certificate(
    question: LocalQuestion, linear: LinearSystem, inner: Certificate, place: Equilibrium | None
) -> Certificate:
    """The linear claim and witness, carried over to the equations and the enclosure of the equilibrium."""
    claim = {**inner.claim, "about": _ABOUT[inner.claim["about"]], "point": _point(question, place)}
    claim["equilibrium"] = place is not None
    method = "enclosed linearisation" if linear.is_enclosed else "exact linearisation"
    witness = {"method": inner.method, "witness": dict(inner.witness)}
    return Certificate(question.system, claim, method, witness, inner.provenance)


def _point(question: LocalQuestion, place: Equilibrium | None) -> dict[str, Any]:
    """Name → [lo, hi] in exact numbers, or the text of the user where the Jacobian at that point was asked for."""
    if place is not None:
        return {name: list(bounds) for name, bounds in place.box.items()}
    given = dict(question.at or {})
    names = (*question.system.states, *question.system.inputs)
    return {name: [given.get(name, 0)] * 2 if not isinstance(given.get(name, 0), str) else [spell_text(given[name])] * 2 for name in names}
