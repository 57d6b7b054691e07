"""From an answer about a linearisation to an answer about the nonlinear system near its equilibrium.

Lyapunov's indirect method: every eigenvalue inside the stability region makes the equilibrium exponentially stable, one
strictly outside makes it unstable, and eigenvalues on the boundary decide nothing (Khalil 2002, Theorem 4.7; the same
for maps with the unit circle). Where the equilibrium is only enclosed, the linear answer holds for every Jacobian over
the enclosure, and so for the one at the equilibrium.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.answer import Answer, Enclosure, Reason, Route, Status, Verdict
from hybrid.certificate import Certificate, check
from hybrid.question import LocalQuestion
from hybrid.systems.linear import LinearSystem
from hybrid.systems.numbers import spell
from hybrid.verify.equilibrium import Equilibrium, Located
from hybrid.verify.lyapunov import FloatArray

_NEGLIGIBLE = 1e-9
"""Relative size below which a singular value or an entry of a direction counts as 0."""
_MAY_STILL_BE = {
    Verdict.UNCONTROLLABLE: "controllable",
    Verdict.NOT_STABILIZABLE: "stabilisable",
    Verdict.NOT_STABILISABLE: "stabilisable",
}


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
            notes=(*told, *_centre(linear, question.system.states)),
        )
    if answer.verdict in _MAY_STILL_BE and not question.at_point:
        may_be = _MAY_STILL_BE[answer.verdict]
        told = (*told, f"This is about the linearisation; the nonlinear system may still be {may_be}.")
    certificate = None
    if answer.certificate is not None:
        certificate = _certificate(question, linear, answer.certificate, point)
        lyapunov = answer.certificate.method == "lyapunov"
        # Over a kink of abs the enclosure holds Clarke's slopes. One Lyapunov matrix for all of them proves stability
        # at an equilibrium; of a Jacobian as such, which does not exist there, they say nothing: the checker refuses.
        if linear.is_enclosed and (question.at_point or not lyapunov) and not check(certificate).valid:
            return replace(
                answer,
                question=question,
                status=Status.UNDECIDED,
                verdict=Verdict.UNKNOWN,
                certificate=None,
                bounds=None,
                gain=None,
                reason=Reason.ENCLOSURE_TOO_WIDE,
                point=middle,
                notes=told,
            )
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


def _centre(linear: LinearSystem, states: Sequence[str]) -> tuple[str, ...]:
    """The eigenvalues on the boundary with their multiplicities and eigenvectors, in words."""
    from hybrid.exact.spectrum import Spectrum

    discs = Spectrum.of(linear.A, discrete=linear.is_discrete).enclosures() or ()
    critical = (disc for disc in discs if disc.im >= 0 and _on_boundary(disc, linear.is_discrete))
    return tuple(_critical_eigenvalue(disc, linear.A.floats, states) for disc in critical)


def _critical_eigenvalue(disc: Enclosure, A: FloatArray, states: Sequence[str]) -> str:
    """One of them, or it and its conjugate; that it is defective is found in floating point."""
    value, order = complex(disc), disc.multiplicity
    vectors = _null_space(A - (value if disc.im else value.real) * np.eye(len(A)), order)
    is_defective = len(vectors) < order
    if not disc.im:
        which = f"critical eigenvalue {value.real:.6g}"
    elif abs(disc.re) <= disc.radius:
        which = f"critical eigenvalues ±{value.imag:.6g}j"
    else:
        which = f"critical eigenvalues {value.real:.6g} ± {value.imag:.6g}j"
    if order > 1:
        each, defective = ", each" if disc.im else "", " and defective" if is_defective else ""
        which += f"{each} of multiplicity {order}{defective}"
    how = "with only the direction" if is_defective else "with the direction"
    directions = ("s " if len(vectors) > 1 else " ") + " and ".join(_direction(vector, states) for vector in vectors)
    upper = f" for +{value.imag:.6g}j" if disc.im else ""
    return f"The linearisation has the {which}, {how}{directions}{upper}."


def _null_space(M: NDArray[Any], most: int) -> NDArray[Any]:
    """A basis in rows of the null space of a singular matrix, at most so many, reduced to few entries.

    By the singular value decomposition, in floating point: a singular value below the tolerance counts as 0.
    """
    _, sizes, rows = np.linalg.svd(M)
    count = min(most, max(1, int((sizes <= _NEGLIGIBLE * max(1.0, sizes[0])).sum())))
    basis = rows[len(rows) - count :].conj()
    for i in range(count):
        pivot = int(np.round(np.abs(basis[i]), 9).argmax())  # of equal ones the first
        basis[i] /= basis[i, pivot]
        for k in range(count):
            if k != i:
                basis[k] -= basis[k, pivot] * basis[i]
    order = [int((np.abs(row) > _NEGLIGIBLE).argmax()) for row in basis]
    return basis[np.argsort(order, kind="stable")]


def _direction(vector: NDArray[Any], states: Sequence[str]) -> str:
    """The entries that are not negligible, by the names of the states."""
    entries = []
    for name, entry in zip(states, vector.tolist(), strict=True):
        real, imaginary = (0.0 if abs(part) <= _NEGLIGIBLE else part for part in (entry.real, entry.imag))
        if imaginary:
            entries.append(f"{name} = " + (f"{real:.4g}{imaginary:+.4g}j" if real else f"{imaginary:.4g}j"))
        elif real:
            entries.append(f"{name} = {real:.4g}")
    return f"({', '.join(entries)})"


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
