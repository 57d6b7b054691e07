"""Proof of a gain: rounded first, to the numbers that the user sees, and proved after."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.answer import Answer, Enclosure, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import require_inputs
from hybrid.verify.bounds import prove_bounds
from hybrid.verify.lyapunov import FloatArray, closed_loop

SHORT, FULL = 6, 17  # significant decimal digits: what one likes to read, and all that a double holds


@dataclass(frozen=True)
class ProvedGain:
    """A rounded gain with every closed-loop pole in the region.

    Attributes:
        gain: (m, n) doubles; the proof holds for them and for the decimals that they print as.
        interval: [lo, hi] around the closed-loop abscissa (radius).
        method, witness: of the certificate.
        poles: enclosures of the closed-loop poles, where they were asked for.
        more: what the certificate claims beside stability.
    """

    gain: FloatArray
    interval: tuple[Fraction | None, Fraction | None]
    method: str
    witness: dict[str, Any]
    poles: tuple[Enclosure, ...] | None = None
    more: dict[str, Any] = field(default_factory=dict)


def rounded(gain: FloatArray, digits: int) -> FloatArray:
    """Each entry to so many significant decimal digits.

    >>> rounded(np.array([[1.23456789, 0.0]]), 3)
    array([[1.23, 0.  ]])
    """
    if digits >= FULL:
        return np.array(gain, dtype=np.float64)
    return np.array([[float(f"{x:.{digits - 1}e}") for x in row] for row in gain.tolist()])


def decimals(gain: FloatArray) -> ExactMatrix:
    """The decimal numbers that a gain prints as, exactly: the text of a certificate.

    >>> decimals(np.array([[0.1]])).fractions
    ((Fraction(1, 10),),)
    """
    return ExactMatrix.from_fractions(tuple(tuple(Fraction(repr(x)) for x in row) for row in gain.tolist()))


def prove(question: FeedbackQuestion, proposal: GainProposal) -> ProvedGain | None:
    """Prove a proposed gain by Lyapunov inequalities in double precision; None says nothing about the gain.

    The proposal's own P first, which needs no eigenvalues; an eigendecomposition then tightens the bounds, or stands in
    where P fails. Six digits are tried before all of them.
    """
    if not proposal.fits(question.system.n, question.system.m):
        return None
    for digits in (SHORT, FULL):
        proved = _prove_rounded(question, rounded(proposal.gain, digits), proposal.lyapunov)
        if proved is not None:
            return proved
    return None


def _prove_rounded(question: FeedbackQuestion, gain: FloatArray, P: FloatArray | None) -> ProvedGain | None:
    system = question.system
    A, B, discrete = system.A, require_inputs(system), system.is_discrete
    # the doubles of the gain and the decimals that they print as differ by less than an ulp
    midpoint, radius = closed_loop(A.floats, B.floats, gain, A.radius, B.radius, np.spacing(np.abs(gain)))
    boundary = question.region.boundary(discrete)
    limit = _double_at_most(boundary)
    proposed = None if P is None else (limit, P)
    proved = prove_bounds(midpoint, discrete=discrete, radius=radius, proposed=proposed)
    if proved.upper is None or proved.upper.bound > limit:
        return None
    return ProvedGain(gain, proved.interval, "lyapunov", proved.witness())


def _double_at_most(value: Fraction) -> float:
    double = float(value)
    return double if Fraction(double) <= value else math.nextafter(double, -math.inf)


def stabilised(question: FeedbackQuestion, proposal: GainProposal, proved: ProvedGain) -> Answer:
    """The answer for a proved gain, with its certificate."""
    region = question.region
    claim = {
        "about": "feedback",
        "verdict": Verdict.STABILISED.value,
        "gain": decimals(proved.gain),
        "decay": region.decay,
        "damping": region.damping,
        "abscissa": proved.interval,
        **proved.more,
    }
    return Answer(
        question,
        Status.PROVED,
        Verdict.STABILISED,
        proposal.route,
        Certificate(question.system, claim, proved.method, proved.witness, {"proposed by": proposal.source}),
        bounds=proved.interval,
        gain=proved.gain,
        poles=proved.poles,
    )
