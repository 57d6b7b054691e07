"""Proofs that no static gain of a given structure does what was asked, each by a theorem that a checker can repeat.

'Not found' is no proof: where no theorem below applies, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.exact import blocking_zeros, coefficient_signs, fixed_modes, scalar_gain
from hybrid.exact.static_loop import CHECKED_WORK, StaticLoop
from hybrid.question import StaticGainQuestion
from hybrid.systems.numbers import spell

MOST_STATES = 60


@dataclass(frozen=True)
class _Effort:
    """Limits: on characteristic polynomials, states for them, the simplex method, and the resultant for one entry."""

    gains: int
    states: int
    simplex: int
    resultant: int


_QUICK = _Effort(40, 20, coefficient_signs.A_SECOND // 10, CHECKED_WORK // 100)  # fractions of a second
_THOROUGH = _Effort(250, 30, 10 * coefficient_signs.A_SECOND, CHECKED_WORK)  # seconds


@dataclass(frozen=True)
class _Proof:
    """A theorem that applies: to one system, or to all of them together (None)."""

    which: int | None
    method: str
    witness: dict[str, Any]
    notes: tuple[str, ...] = ()


def refute(question: StaticGainQuestion, *, thorough: bool = False) -> Answer | None:
    """A proof that no gain K of the structure brings every pole of every system into the region.

    One system suffices, and is looked for first; signs of coefficients and a single free entry are decided for all
    systems together, too. None says nothing; but with one free entry, `scalar_gain.decide` gives the gain then, up to
    its limits.

    Args:
        question: every system with D = 0 where outputs are fed back.
        thorough: whether to spend seconds instead of milliseconds.

    Returns:
        A DISPROVED answer whose certificate names the theorem; None where none applies.

    >>> from hybrid.systems.linear import LinearSystem
    >>> undamped = LinearSystem([[0, 1], [-1, 0]], [[0], [1]], [[1, 0]])  # no rate is measured
    >>> refute(StaticGainQuestion.read([undamped], True, None, 0)).certificate.method
    'coefficient signs'
    """
    if any(system.is_enclosed or system.n > MOST_STATES for system in question.systems) or question.region.damping:
        return None
    loops = loops_of(question)
    proof = next(_proofs(loops, thorough), None)
    return None if proof is None else _answer(question, proof)


def loops_of(question: StaticGainQuestion) -> list[StaticLoop]:
    """The closed loop of each system of a question."""
    return [StaticLoop.of(system, question.free, question.region, question.output) for system in question.systems]


def _proofs(loops: Sequence[StaticLoop], thorough: bool) -> Iterator[_Proof]:
    """Every theorem in turn, cheap ones first."""
    effort = _THOROUGH if thorough else _QUICK
    for k, loop in enumerate(loops):
        mode = fixed_modes.find(loop)
        if mode is not None:
            yield _Proof(k, "fixed modes", mode.witness(), _near(mode.outermost(discrete=loop.discrete)))
    small = max(loop.n for loop in loops) <= effort.states
    most_gains = min(effort.gains, *(loop.checked_gains for loop in loops)) if small else 0
    for k, loop in enumerate(loops):
        zero = blocking_zeros.find(loop, most_gains)
        if zero is not None:
            yield _Proof(k, "blocking zero", {"lo": spell(zero[0]), "hi": spell(zero[1])})
        weights = coefficient_signs.find([loop], most_gains, effort.simplex)
        if weights is not None:
            yield _Proof(k, "coefficient signs", {"weights": _spelled(weights[0])})
    if len(loops) > 1:
        weights = coefficient_signs.find(loops, most_gains, effort.simplex)
        if weights is not None:
            yield _Proof(None, "coefficient signs", {"weights": [_spelled(row) for row in weights]})
    decided = scalar_gain.decide(loops, effort.resultant, most_gains)
    if decided is not None and decided.gain is None:
        witness = {"entry": list(decided.entry), "samples": [spell(k) for k in decided.samples]}
        yield _Proof(0 if len(loops) == 1 else None, "scalar gain", witness)


def _near(pole: complex | None) -> tuple[str, ...]:
    if pole is None:
        return ()
    near = f"{pole.real:.6g}" + (f" ± {abs(pole.imag):.6g}j" if pole.imag else "")
    return (f"No gain of this structure moves the pole near {near}.",)


def _spelled(weights: list[fmpq]) -> list[str]:
    return [spell(Fraction(int(y.p), int(y.q))) for y in weights]


def _answer(question: StaticGainQuestion, proof: _Proof) -> Answer:
    several = len(question.systems) > 1
    claim: dict[str, Any] = {
        "about": "simultaneous feedback" if several else "feedback",
        "verdict": Verdict.NOT_STABILISABLE.value,
        "output": question.output,
        "decay": question.region.decay,
    }
    if question.structure is not None:
        claim["structure"] = question.structure.astype(int).tolist()
    if several and proof.which is not None:
        claim["plant"] = proof.which
    system = question.systems if several else question.system
    certificate = Certificate(system, claim, proof.method, proof.witness)
    return Answer(question, Status.DISPROVED, Verdict.NOT_STABILISABLE, Route.EXACT, certificate, notes=proof.notes)
