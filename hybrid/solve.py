"""The pipeline: propose → verify → fall back → answer. Read this first.

Nothing that a proposer says is believed. Each proposal is proved or dropped; where none survives, exact computation
answers, and only exact computation may say no. Each question has a list of attempts, cheapest first; the first that
comes to an answer ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybrid.answer import Answer, Reason, Route, Status, Trial, Verdict
from hybrid.propose import gains
from hybrid.question import FeedbackQuestion, LocalQuestion, Question, RankQuestion, StabilityQuestion
from hybrid.verify import gain as verify_gain
from hybrid.verify import rank as verify_rank
from hybrid.verify import stability as verify_stability

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer
    from hybrid.propose.proposal import GainProposal
    from hybrid.verify.gain import ProvedGain

Attempts = Iterator[Answer | None]

_EXACT_FIRST_UP_TO = 20  # states: up to here the exact route costs less than it would save, and bounds more tightly


def solve(question: Question, proposer: GainProposer | None = None) -> Answer:
    """Answer a question with proof.

    Args:
        question: a validated question, with its system.
        proposer: the model that may propose gains; None turns proposals off.
    """
    started = time.perf_counter()
    trials: list[Trial] = []
    if isinstance(question, LocalQuestion):
        attempts = _local(question, proposer)
    elif isinstance(question, StabilityQuestion):
        attempts = _stability(question)
    elif isinstance(question, RankQuestion):
        attempts = _rank(question)
    elif question.poles is not None:
        attempts = _placement(question, trials)
    else:
        attempts = _feedback(question, proposer, trials)
    with np.errstate(all="ignore"):  # whatever the caller has set; overflow is looked for in the results
        answer = next(attempt for attempt in attempts if attempt is not None)
    return replace(answer, trials=tuple(trials), timings={"total": time.perf_counter() - started})


def _stability(question: StabilityQuestion) -> Attempts:
    """Large plants: bounds guessed from eigenvectors, proved in floats. Small ones, and what that leaves: exact."""
    if question.system.is_enclosed or question.system.n > _EXACT_FIRST_UP_TO:
        yield verify_stability.decide(question)
    if question.system.is_enclosed:
        yield _undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import stability

    yield stability.decide(question)


def _rank(question: RankQuestion) -> Attempts:
    """Full rank modulo a prime, or an exact subspace that no input reaches: one computation shows which."""
    if question.system.is_enclosed:
        yield verify_rank.decide(question)
        yield _undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import reachability

    yield reachability.decide(question)


def _feedback(question: FeedbackQuestion, proposer: GainProposer | None, trials: list[Trial]) -> Attempts:
    """Gains from the model, then from Riccati equations; failing those, a proof that there is none."""
    if proposer is not None:
        proposals = _surviving(gains.proposals(question, proposer), trials)
        yield _prove_one_of(question, proposals, verify_gain.prove, trials)

    from hybrid.exact import closed_loop, placement, reachability, riccati
    from hybrid.exact.subspace import reach

    yield _prove_one_of(question, riccati.candidates(question), closed_loop.prove_tightly, trials)
    if question.system.is_enclosed:
        yield _undecided(question, Reason.GAIN_NOT_PROVED)
    reached = reach(question.system)
    yield reachability.refute_stabilisation(question, reached)
    yield _prove_one_of(question, riccati.candidates(question), closed_loop.prove, trials)
    if question.Q is not None or question.R is not None:  # another gain is not what was asked for
        yield _undecided(question, Reason.WEIGHTS_NOT_STABILISING)
    yield _prove_one_of(question, riccati.further_candidates(question), verify_gain.prove, trials)
    yield _prove_one_of(question, placement.stabilising_candidates(question, reached), closed_loop.prove, trials)
    yield _undecided(question, Reason.GAIN_NOT_PROVED)


def _placement(question: FeedbackQuestion, trials: list[Trial]) -> Attempts:
    """A proof that an immovable pole is not among those asked for, or gains whose closed-loop poles are enclosed."""
    if question.system.is_enclosed:
        yield _undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import closed_loop, placement, reachability
    from hybrid.exact.subspace import reach

    reached = reach(question.system)
    yield reachability.refute_placement(question, reached)
    candidates = placement.candidates(question, reached)
    yield _prove_one_of(question, candidates, closed_loop.prove_placement, trials)
    yield _undecided(question, Reason.POLES_ILL_CONDITIONED)


def _local(question: LocalQuestion, proposer: GainProposer | None) -> Attempts:
    """Prove that there is an equilibrium, and ask about the linear system at it."""
    from hybrid.verify import local
    from hybrid.verify.equilibrium import locate
    from hybrid.verify.linearisation import linearise, point_box

    found = None if question.at_point else locate(question.system, question.at)
    if found is None:
        point = point_box(question.system, question.at or {})
        rational = all(lo == hi for lo, hi in point.values())
        linear = linearise(question.system, (question.at or {}) if rational else point, exact=rational)
    elif found.equilibrium is None or (question.at and not found.is_given_point):
        yield local.not_at_an_equilibrium(question, found)
        return
    else:
        place = found.equilibrium
        point = place.box
        linear = linearise(question.system, place.point if place.exact else point, exact=place.exact)
    notes = () if found is None else local.notes(found)
    yield local.conclude(question, linear, solve(question.ask(linear), proposer), point, notes)


def _prove_one_of(
    question: FeedbackQuestion,
    proposals: Iterable[GainProposal],
    verify: Callable[[FeedbackQuestion, GainProposal], ProvedGain | None],
    trials: list[Trial],
) -> Answer | None:
    """The answer for the first proposal that the verifier proves; every trial is recorded."""
    started = time.perf_counter()
    for proposal in proposals:
        proved = verify(question, proposal)
        seconds, started = time.perf_counter() - started, time.perf_counter()
        trials.append(Trial(proposal.source, "proved" if proved else "not proved", seconds))
        if proved is not None:
            return verify_gain.stabilised(question, proposal, proved)
    return None


def _surviving(proposals: Iterator[GainProposal], trials: list[Trial]) -> Iterator[GainProposal]:
    """The proposals of a model until it fails; a model may fail in any way, and the answer is not to suffer from it."""
    started = time.perf_counter()
    try:
        yield from proposals
    except Exception as error:  # noqa: BLE001
        trials.append(Trial("model", f"{type(error).__name__}: {error}", time.perf_counter() - started))


def _undecided(question: Question, reason: Reason) -> Answer:
    return Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, reason=reason)
