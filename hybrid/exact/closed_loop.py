"""Exact proof of a gain, for its decimals and for the doubles nearest to them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hybrid.exact.placement import Placement, match
from hybrid.exact.spectrum import Spectrum, as_claim, rational_matrix
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion, GainQuestion
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.verify import gain as verify_gain
from hybrid.verify.gain import FULL, SHORT, ProvedGain, decimals, rounded
from hybrid.verify.lyapunov import FloatArray

_TIGHTENED_UP_TO = 60  # states: an exact proof takes less than a second there
_PLACED_WITHIN = Fraction(1, 100)  # of the largest pole asked for; the distance reached is part of the answer
_SMALLEST_SCALE = Fraction(1, 1000)  # where all poles asked for are (nearly) zero


def prove(question: GainQuestion, proposal: GainProposal) -> ProvedGain | None:
    """Decide over Q whether every closed-loop pole lies in the region, with six digits of the gain and with all.

    Unlike with `verify.gain.prove`, None refutes both of these gains.
    """
    if not proposal.fits(question.system.n, *question.shape):
        return None
    for digits in (SHORT, FULL):
        proved = _prove_rounded(question, rounded(proposal.gain, digits))
        if proved is not None:
            return proved
    return None


def prove_tightly(question: GainQuestion, proposal: GainProposal) -> ProvedGain | None:
    """A proof in floats, replaced by an exact one of the same gain where its bounds are open or wide and n is small."""
    proved = verify_gain.prove(question, proposal)
    if proved is None or not _is_cheap(question) or not any(None in interval for interval in proved.intervals):
        return proved
    return _prove_rounded(question, proved.gain) or proved


def prove_thoroughly(question: GainQuestion, proposal: GainProposal) -> ProvedGain | None:
    """A proof in floats, and where that fails an exact one where n is small."""
    proved = prove_tightly(question, proposal)
    return prove(question, proposal) if proved is None and _is_cheap(question) else proved


def _is_cheap(question: GainQuestion) -> bool:
    """Whether exact arithmetic can say something, and soon."""
    return not any(system.is_enclosed or system.n > _TIGHTENED_UP_TO for system in question.systems)


def prove_placement(question: FeedbackQuestion, proposal: GainProposal) -> ProvedGain | None:
    """Prove a gain and enclose its poles, each within 1 % of the largest pole asked for; None where it fails.

    The distance between the poles and the poles asked for is part of the claim.
    """
    if not proposal.fits(question.system.n, *question.shape):
        return None
    for digits in (SHORT, FULL):
        gain = rounded(proposal.gain, digits)
        discs = spectrum_of(question.system, decimals(gain)).enclosures()
        placed = None if discs is None else match(discs, question.poles or ())
        if placed is None or placed.distance > _tolerance(question):
            continue
        proved = _prove_rounded(question, gain)
        if proved is not None:
            return replace(proved, poles=placed.poles, more=_claim(placed))
    return None


def spectrum_of(system: LinearSystem, gain: ExactMatrix, C: ExactMatrix | None = None) -> Spectrum:
    """The closed-loop spectrum under an exact gain: of A − B K C, or of A − B K where there is no C."""
    A, B, K = (rational_matrix(part) for part in (system.A, require_inputs(system), gain))
    fed_back = K if C is None else K * rational_matrix(C)
    matrix, scale = (A - B * fed_back).numer_denom()
    weights = gain.floats if C is None else gain.floats @ C.floats
    return Spectrum(matrix, int(scale), system.is_discrete, system.A.floats - require_inputs(system).floats @ weights)


def _prove_rounded(question: GainQuestion, gain: FloatArray) -> ProvedGain | None:
    printed, stored = decimals(gain), ExactMatrix.read(gain, "gain")
    intervals = []
    for system in question.systems:
        both = [spectrum_of(system, K, question.measured(system)) for K in (printed, stored)]
        if not all(spectrum.lies_in(question.region) for spectrum in both):
            return None
        bounds = [spectrum.bounds for spectrum in both]
        intervals.append((min(lo for lo, _ in bounds), max(hi for _, hi in bounds)))
    witnesses: tuple[dict[str, Any], ...] = tuple({} for _ in intervals)
    return ProvedGain(gain, tuple(intervals), "characteristic polynomial", witnesses)


def _tolerance(question: FeedbackQuestion) -> Fraction:
    largest = max(max(abs(re), abs(im)) for re, im in question.poles or ())
    return _PLACED_WITHIN * max(largest, _SMALLEST_SCALE)


def _claim(placed: Placement) -> dict[str, Any]:
    """What a certificate says of a placement."""
    return {
        "poles": [as_claim(disc) for disc in placed.poles],
        "requested": [{"re": re, "im": im} for re, im in placed.requested],
        "distance": placed.distance,
    }
