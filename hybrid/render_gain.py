"""The words for a gain: what it is fed, how many systems it serves, and why there is none."""

from __future__ import annotations

from fractions import Fraction

from hybrid.answer import Answer, Status
from hybrid.question import StaticGainQuestion

WHY_NONE = {
    "invariant subspace": "an uncontrollable pole, which no K moves, lies outside",
    "fixed modes": "a pole that no such K moves lies outside",
    "coefficient signs": "a sum of coefficients of the characteristic polynomial has the wrong sign for every K",
    "scalar gain": "a pole lies outside between all values of the one free number at which a pole crosses over",
    "blocking zero": "a real pole beyond a zero that blocks the feedback stays there for every K",
}
"""Of each method that proves that no gain exists, what it shows."""


def matrix(answer: Answer) -> str:
    """The matrix whose poles count.

    >>> import hybrid
    >>> plant = hybrid.LinearSystem([[0, 1], [1, -1]], [[0], [1]], [[1, 0]])
    >>> matrix(hybrid.feedback(plant, output=True, model=False))
    'A - B K C'
    """
    return "A - B K C" if _of_outputs(answer) else "A - B K"


def law(answer: Answer) -> str:
    """How the gain is used."""
    return "u = -K y" if _of_outputs(answer) else "u = -K x"


def headline(answer: Answer, region: str) -> str:
    """What was proved of a gain for linear systems, in one sentence.

    Args:
        answer: PROVED or DISPROVED, to a question about a gain and a region.
        region: what is asked of each pole, such as "real part below 0".
    """
    if answer.status is Status.DISPROVED:
        return f"no gain K{structured(answer)} gives every pole{_of_which(answer)} {region}: {why_none(answer)}."
    several = _count(answer) > 1
    whom = f"one gain stabilises all {_count(answer)} systems" if several else "the system is stabilised"
    whose = f"{matrix(answer)} of each" if several else matrix(answer)
    return f"{whom}: with {law(answer)} every pole of {whose} has {region}."


def each_abscissa(answer: Answer) -> list[tuple[Fraction | None, Fraction | None]]:
    """The proved bounds for each of several systems; nothing where there is one."""
    if answer.certificate is None or answer.gain is None or _count(answer) == 1:
        return []
    return list(answer.certificate.claim["abscissa"])


def why_none(answer: Answer) -> str:
    """What the proof shows that there is no gain, in half a sentence."""
    certificate = answer.certificate
    method = "" if certificate is None else certificate.witness.get("method", certificate.method)
    return WHY_NONE.get(method, "it was shown that there is none")


def structured(answer: Answer) -> str:
    """The words after "no gain" where the zeros of a structure were asked for."""
    asked = answer.question
    of_claim = answer.certificate is not None and "structure" in answer.certificate.claim
    of_question = isinstance(asked, StaticGainQuestion) and asked.structure is not None
    return " of this structure" if of_claim or of_question else ""


def _of_which(answer: Answer) -> str:
    """The loop, and of several systems the one that no gain stabilises, unless that takes them all."""
    if not isinstance(answer.question, StaticGainQuestion):
        return ""
    if _count(answer) == 1:
        return f" of {matrix(answer)}"
    claim = {} if answer.certificate is None else answer.certificate.claim
    which = f"system {claim['plant'] + 1}" if "plant" in claim else f"each of the {_count(answer)} systems"
    return f" of {matrix(answer)} of {which}"


def _of_outputs(answer: Answer) -> bool:
    claimed = answer.certificate is not None and bool(answer.certificate.claim.get("output", False))
    return claimed or (isinstance(answer.question, StaticGainQuestion) and answer.question.output)


def _count(answer: Answer) -> int:
    return len(answer.question.systems) if isinstance(answer.question, StaticGainQuestion) else 1
