"""Attempts at questions of analysis: stability and rank of linear systems, time-varying ones, PDEs."""

from __future__ import annotations

from hybrid.answer import Reason, Trial
from hybrid.question import PDEQuestion, RankQuestion, StabilityQuestion, TimeVaryingQuestion
from hybrid.trials import Means, proposed_wave_number
from hybrid.verify import rank as verify_rank
from hybrid.verify import stability as verify_stability

from . import Attempts, undecided

_EXACT_FIRST_UP_TO = 20  # states: up to here the exact route costs less than it would save, and bounds more tightly


def stability(question: StabilityQuestion) -> Attempts:
    """Large plants: bounds guessed from eigenvectors, proved in floats. Small ones, and what that leaves: exact."""
    if question.system.is_enclosed or question.system.n > _EXACT_FIRST_UP_TO:
        yield verify_stability.decide(question)
    if question.system.is_enclosed:
        yield undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import stability

    yield stability.decide(question)


def rank(question: RankQuestion) -> Attempts:
    """Full rank modulo a prime, or an exact subspace that no input reaches: one computation shows which."""
    if question.system.is_enclosed:
        yield verify_rank.decide(question)
        yield undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import reachability

    yield reachability.decide(question)


def over_time(question: TimeVaryingQuestion) -> Attempts:
    """A minor at an instant, or a row that no input ever reaches."""
    from hybrid.exact import silverman_meadows

    yield silverman_meadows.decide(question)


def pde(question: PDEQuestion, means: Means, trials: list[Trial]) -> Attempts:
    """A wave number that grows, proposed or found; a curve of them; or proof that terms which decay dominate."""
    from hybrid.exact import pde_answers

    proposed = None
    if means.wave_number is not None:
        proposed = proposed_wave_number(question.system, means.wave_number, trials)
    yield pde_answers.decide(question, proposed, trials)
