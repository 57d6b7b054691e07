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
from hybrid.question import GainQuestion, StaticGainQuestion
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.verify.bounds import ProvedBounds, prove_bounds
from hybrid.verify.lyapunov import FloatArray, closed_loop, enclosed_product

SHORT, FULL = 6, 17  # significant decimal digits: what one likes to read, and all that a double holds


_NO_FEEDBACK = "K = 0 does: without feedback every pole has what was asked for. More decay asks for more."

Interval = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True)
class ProvedGain:
    """A rounded gain with every closed-loop pole of every system in the region.

    Attributes:
        gain: (m, n) or (m, p) doubles; the proof holds for them and for the decimals that they print as.
        intervals: [lo, hi] around the closed-loop abscissa (radius) of each system.
        method: of the certificate.
        witnesses: of the certificate, one for each system.
        poles: enclosures of the closed-loop poles, where they were asked for.
        more: what the certificate claims beside stability.
    """

    gain: FloatArray
    intervals: tuple[Interval, ...]
    method: str
    witnesses: tuple[dict[str, Any], ...]
    poles: tuple[Enclosure, ...] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def worst(self) -> Interval:
        """[lo, hi] around the largest of the abscissas."""
        lows = [lo for lo, _ in self.intervals if lo is not None]
        highs = [hi for _, hi in self.intervals]
        return max(lows, default=None), None if None in highs else max(hi for hi in highs if hi is not None)


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


def prove(question: GainQuestion, proposal: GainProposal) -> ProvedGain | None:
    """Prove a proposed gain by Lyapunov inequalities in double precision; None says nothing about the gain.

    The proposal's own P first, which needs no eigenvalues; an eigendecomposition then tightens the bounds, or stands in
    where P fails. Six digits are tried before all of them.
    """
    if not proposal.fits(question.system.n, *question.shape):
        return None
    for digits in (SHORT, FULL):
        proved = _prove_rounded(question, rounded(proposal.gain, digits), proposal.lyapunov)
        if proved is not None:
            return proved
    return None


def _prove_rounded(question: GainQuestion, gain: FloatArray, P: FloatArray | None) -> ProvedGain | None:
    limit = _double_at_most(question.region.boundary(question.system.is_discrete))
    found: list[ProvedBounds] = []
    for system in question.systems:
        midpoint, radius = enclosed_loop(system, gain, question.measured(system))
        proposed = None if P is None else (limit, P)
        proved = prove_bounds(midpoint, discrete=system.is_discrete, radius=radius, proposed=proposed)
        if proved.upper is None or proved.upper.bound > limit:
            return None
        found.append(proved)
    intervals, witnesses = (tuple(x) for x in zip(*((one.interval, one.witness()) for one in found), strict=True))
    return ProvedGain(gain, intervals, "lyapunov", witnesses)


def enclosed_loop(system: LinearSystem, gain: FloatArray, C: ExactMatrix | None) -> tuple[FloatArray, FloatArray]:
    """A − B K C (A − B K without C) in doubles, and a radius for K as stored and as printed."""
    A, B = system.A, require_inputs(system)
    # the doubles of the gain and the decimals that they print as differ by less than an ulp
    spread = np.spacing(np.abs(gain))
    if C is not None:
        gain, spread = enclosed_product(gain, C.floats, spread, C.radius)
    return closed_loop(A.floats, B.floats, gain, A.radius, B.radius, spread)


def _double_at_most(value: Fraction) -> float:
    double = float(value)
    return double if Fraction(double) <= value else math.nextafter(double, -math.inf)


def stabilised(question: GainQuestion, proposal: GainProposal, proved: ProvedGain) -> Answer:
    """The answer for a proved gain, with its certificate."""
    return Answer(
        question,
        Status.PROVED,
        Verdict.STABILISED,
        proposal.route,
        _certificate(question, proposal, proved),
        bounds=proved.worst,
        gain=proved.gain,
        poles=proved.poles,
        notes=() if proved.gain.any() else (_NO_FEEDBACK,),
    )


def _certificate(question: GainQuestion, proposal: GainProposal, proved: ProvedGain) -> Certificate:
    """Of one system as it always was; of several with one abscissa and one witness for each."""
    several = len(question.systems) > 1
    claim = {
        "about": "simultaneous feedback" if several else "feedback",
        "verdict": Verdict.STABILISED.value,
        "gain": decimals(proved.gain),
        "decay": question.region.decay,
        "damping": question.region.damping,
        "abscissa": proved.intervals if several else proved.intervals[0],
        **what_is_fed_back(question),
        **proved.more,
    }
    witness = {"systems": proved.witnesses} if several else proved.witnesses[0]
    system = question.systems if several else question.system
    return Certificate(system, claim, proved.method, witness, {"proposed by": proposal.source})


def what_is_fed_back(question: GainQuestion) -> dict[str, Any]:
    """The part of a claim that says which gains are meant: of the outputs, and with zeros in which places.

    >>> from hybrid.question import StaticGainQuestion
    >>> plant = LinearSystem([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    >>> what_is_fed_back(StaticGainQuestion.read([plant], False, "diagonal", 0))
    {'structure': [[1, 0], [0, 1]]}
    """
    if not isinstance(question, StaticGainQuestion):
        return {}
    of_outputs = {"output": True} if question.output else {}
    structure = question.structure
    return of_outputs if structure is None else {**of_outputs, "structure": structure.astype(int).tolist()}
