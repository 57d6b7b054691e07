"""Exact proof of a gain, for its decimals and for the doubles nearest to them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hybrid.exact.placement import Placement, match
from hybrid.exact.spectrum import Spectrum, as_claim, rational_matrix
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import require_inputs
from hybrid.verify import gain as verify_gain
from hybrid.verify.gain import FULL, SHORT, ProvedGain, decimals, rounded
from hybrid.verify.lyapunov import FloatArray

_TIGHTENED_UP_TO = 60  # states: an exact proof takes less than a second there
_PLACED_WITHIN = Fraction(1, 100)  # of the largest pole asked for; the distance reached is part of the answer
_SMALLEST_SCALE = Fraction(1, 1000)  # where all poles asked for are (nearly) zero


def prove(question: FeedbackQuestion, proposal: GainProposal) -> ProvedGain | None:
    """Decide over Q whether every closed-loop pole lies in the region, with six digits of the gain and with all.

    Unlike with `verify.gain.prove`, None refutes both of these gains.
    """
    if not proposal.fits(question.system.n, question.system.m):
        return None
    for digits in (SHORT, FULL):
        proved = _prove_rounded(question, rounded(proposal.gain, digits))
        if proved is not None:
            return proved
    return None


def prove_tightly(question: FeedbackQuestion, proposal: GainProposal) -> ProvedGain | None:
    """A proof in floats, replaced by an exact one of the same gain where its bounds are open or wide and n is small."""
    proved = verify_gain.prove(question, proposal)
    system = question.system
    if proved is None or system.is_enclosed or system.n > _TIGHTENED_UP_TO or None not in proved.interval:
        return proved
    return _prove_rounded(question, proved.gain) or proved


def prove_placement(question: FeedbackQuestion, proposal: GainProposal) -> ProvedGain | None:
    """Prove a gain and enclose its poles, each within 1 % of the largest pole asked for; None where it fails.

    The distance between the poles and the poles asked for is part of the claim.
    """
    if not proposal.fits(question.system.n, question.system.m):
        return None
    for digits in (SHORT, FULL):
        gain = rounded(proposal.gain, digits)
        discs = spectrum_of(question, decimals(gain)).enclosures()
        placed = None if discs is None else match(discs, question.poles or ())
        if placed is None or placed.distance > _tolerance(question):
            continue
        proved = _prove_rounded(question, gain)
        if proved is not None:
            return replace(proved, poles=placed.poles, more=_claim(placed))
    return None


def spectrum_of(question: FeedbackQuestion, gain: ExactMatrix) -> Spectrum:
    """The closed-loop spectrum under an exact gain."""
    system = question.system
    A, B, K = (rational_matrix(part) for part in (system.A, require_inputs(system), gain))
    matrix, scale = (A - B * K).numer_denom()
    floats = system.A.floats - require_inputs(system).floats @ gain.floats
    return Spectrum(matrix, int(scale), system.is_discrete, floats)


def _prove_rounded(question: FeedbackQuestion, gain: FloatArray) -> ProvedGain | None:
    both = [spectrum_of(question, K) for K in (decimals(gain), ExactMatrix.read(gain, "gain"))]
    if not all(spectrum.lies_in(question.region) for spectrum in both):
        return None
    bounds = [spectrum.bounds for spectrum in both]
    interval = min(lo for lo, _ in bounds), max(hi for _, hi in bounds)
    return ProvedGain(gain, interval, "characteristic polynomial", {})


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
