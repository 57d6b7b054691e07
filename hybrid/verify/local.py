"""From an answer about a linearisation to an answer about the nonlinear system near its equilibrium.

Lyapunov's indirect method: every eigenvalue inside the stability region makes the equilibrium exponentially stable, one
strictly outside makes it unstable, and eigenvalues on the boundary decide nothing (Khalil 2002, Theorem 4.7; the same
for maps with the unit circle). Where the equilibrium is only enclosed, the linear answer holds for every Jacobian over
the enclosure, and so for the one at the equilibrium.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.answer import Answer, Enclosure, Reason, Route, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.question import LocalQuestion
from hybrid.systems.linear import LinearSystem
from hybrid.systems.numbers import spell
from hybrid.verify.equilibrium import Equilibrium, Located


def conclude(
    question: LocalQuestion, linear: LinearSystem, answer: Answer, point: Mapping[str, Any], notes: tuple[str, ...]
) -> Answer:
    """What the answer about the linearisation says of the nonlinear system.

    Args:
        question: about the nonlinear system.
        linear: its linearisation.
        answer: about the linearisation.
        point: name → [lo, hi] of each state and input, where it was linearised.
        notes: to be told with the answer.
    """
    told = (*notes, *answer.notes)
    middle = {name: (lo + hi) / 2 for name, (lo, hi) in point.items()}
    undecidable = answer.verdict in (Verdict.MARGINAL, Verdict.UNSTABLE) and _is_critical(linear, answer)
    if undecidable and not question.at_point:
        return replace(
            answer,
            question=question,
            status=Status.UNDECIDED,
            verdict=Verdict.UNKNOWN,
            certificate=None,
            reason=Reason.CRITICAL,
            point=middle,
            notes=(*told, *_centre(linear)),
        )
    certificate = None
    if answer.certificate is not None:
        certificate = _certificate(question, linear, answer.certificate, point)
    return replace(answer, question=question, certificate=certificate, point=middle, notes=told)


def not_at_an_equilibrium(question: LocalQuestion, found: Located) -> Answer:
    """UNDECIDED: the question has no answer at this point; the nearest proved equilibrium is offered in `point`."""
    nearest = found.equilibrium
    return Answer(
        question,
        Status.UNDECIDED,
        Verdict.UNKNOWN,
        Route.EXACT,
        reason=Reason.NO_EQUILIBRIUM if nearest is None else Reason.NOT_AN_EQUILIBRIUM,
        point=None if nearest is None else nearest.point,
        notes=notes(found),
    )


def notes(found: Located) -> tuple[str, ...]:
    """What the search for the equilibrium is worth telling: inputs taken as zero, a point that is none."""
    told = []
    if found.inputs_assumed_zero:
        told.append(f"Taken as 0: {', '.join(found.inputs_assumed_zero)}.")
    if not found.is_given_point and found.residual is not None:
        largest = max(float(hi) for _, hi in found.residual)
        nearest = "" if found.equilibrium is None else f"; the nearest one found is {_words(found.equilibrium)}"
        told.append(f"The point given is no equilibrium: |f| reaches {largest:.3g} there{nearest}.")
    elif found.equilibrium is None and found.reason is not None:
        told.append(found.reason.value)
    return tuple(told)


def _words(place: Equilibrium) -> str:
    """The coordinates, exact or to all digits of a double, so that they can be given back as the point."""
    exact = place.exact
    coordinates = zip(place.system.states, place.midpoint, strict=True)
    return ", ".join(f"{name} = {spell(x) if exact else repr(float(x))}" for name, x in coordinates)


def _is_critical(linear: LinearSystem, answer: Answer) -> bool:
    """Whether the abscissa may be on the boundary, so that higher orders decide."""
    return answer.bounds is None or answer.bounds[0] is None or answer.bounds[0] <= Fraction(linear.is_discrete)


def _centre(linear: LinearSystem) -> tuple[str, ...]:
    """The eigenvalues on the boundary with their directions, in words."""
    from hybrid.exact.spectrum import Spectrum

    values, vectors = np.linalg.eig(linear.A.floats)
    told = []
    for disc in Spectrum.of(linear.A, discrete=linear.is_discrete).enclosures() or ():
        if disc.im < 0 or not _on_boundary(disc, linear.is_discrete):
            continue
        direction = vectors[:, int(np.abs(values - complex(disc)).argmin())]
        entries = ", ".join(f"{x:.4g}" for x in (direction if disc.im else direction.real))
        value = f"{complex(disc):.6g}" if disc.im else f"{float(disc.re):.6g}"
        told.append(f"The linearisation has the critical eigenvalue {value}, with the direction ({entries}).")
    return tuple(told)


def _on_boundary(disc: Enclosure, discrete: bool) -> bool:
    """Whether the disc of an eigenvalue touches the boundary."""
    if not discrete:
        return abs(disc.re) <= disc.radius
    return abs(float(disc.re**2 + disc.im**2) - 1) <= 4 * float(disc.radius)


def _certificate(
    question: LocalQuestion, linear: LinearSystem, inner: Certificate, point: Mapping[str, Any]
) -> Certificate:
    """The linear claim and witness, carried over to the equations and the point."""
    claim = {
        **inner.claim,
        "about": f"local {inner.claim['about']}",
        "point": {name: list(bounds) for name, bounds in point.items()},
        "equilibrium": not question.at_point,
    }
    method = "enclosed linearisation" if linear.is_enclosed else "exact linearisation"
    return Certificate(
        question.system, claim, method, {"method": inner.method, "witness": dict(inner.witness)}, inner.provenance
    )
