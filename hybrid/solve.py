"""The pipeline: propose → verify → fall back → answer. Read this first.

Nothing that a proposer says is believed. Each proposal is proved or dropped; where none survives, exact computation
answers, and only exact computation may say no. Each question has a list of attempts, cheapest first; the first that
comes to an answer ends it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.answer import Answer, Reason, Route, Status, Trial, Verdict
from hybrid.propose import gains, static_gains
from hybrid.question import (
    FeedbackQuestion,
    LocalQuestion,
    PDEQuestion,
    Question,
    RankQuestion,
    StabilityQuestion,
    StaticGainQuestion,
    TimeVaryingQuestion,
)
from hybrid.trials import (
    Search,
    proposed_wave_number,
    prove_from_jacobian,
    prove_one_of,
    proved_from,
    surviving,
)
from hybrid.verify import gain as verify_gain
from hybrid.verify import rank as verify_rank
from hybrid.verify import stability as verify_stability
from hybrid.verify.float_environment import ieee_arithmetic

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer
    from hybrid.propose.jacobian import JacobianProposal, JacobianProposer
    from hybrid.propose.pde import PDEProposer
    from hybrid.systems.linear import LinearSystem

Attempts = Iterator[Answer | None]
_EXACT_FIRST_UP_TO = 20  # states: up to here the exact route costs less than it would save, and bounds more tightly


@ieee_arithmetic()
def solve(
    question: Question,
    proposer: GainProposer | None = None,
    search: Search | None = None,
    reader: JacobianProposer | None = None,
    pde_proposer: PDEProposer | None = None,
) -> Answer:
    """Answer a question with proof.

    Args:
        question: a validated question, with its system.
        proposer: the model that may propose gains for the state; None turns proposals off.
        search: where the question is about a gain of outputs, of a structure, or for several systems.
        reader: the model that may propose the Jacobian of a nonlinear system; None turns that off.
        pde_proposer: the model that may propose a growing wave number of a PDE; None turns that off.
    """
    started = time.perf_counter()
    trials: list[Trial] = []
    search = search or Search()
    if isinstance(question, LocalQuestion):
        attempts = _local(question, proposer, search, reader, trials)
    elif isinstance(question, TimeVaryingQuestion):
        attempts = _over_time(question)
    elif isinstance(question, PDEQuestion):
        attempts = _pde(question, pde_proposer, trials)
    elif isinstance(question, StabilityQuestion):
        attempts = _stability(question)
    elif isinstance(question, RankQuestion):
        attempts = _rank(question)
    elif isinstance(question, StaticGainQuestion):
        attempts = _static_gain(question, search, trials)
    elif question.poles is not None:
        attempts = _placement(question, trials)
    else:
        attempts = _feedback(question, proposer, trials)
    with np.errstate(all="ignore"):  # whatever the caller has set; overflow is looked for in the results
        answer = next(attempt for attempt in attempts if attempt is not None)
    return replace(answer, trials=(*answer.trials, *trials), timings={"total": time.perf_counter() - started})


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


def _over_time(question: TimeVaryingQuestion) -> Attempts:
    """A minor at an instant, or a row that no input ever reaches."""
    from hybrid.exact import silverman_meadows

    yield silverman_meadows.decide(question)


def _pde(question: PDEQuestion, proposer: PDEProposer | None, trials: list[Trial]) -> Attempts:
    """A wave number that grows, proposed or found; a curve of them; or proof that terms which decay dominate."""
    from hybrid.exact import pde_answers

    proposed = None if proposer is None else proposed_wave_number(question.system, proposer, trials)
    yield pde_answers.decide(question, proposed, trials)


def _feedback(question: FeedbackQuestion, proposer: GainProposer | None, trials: list[Trial]) -> Attempts:
    """Gains from the model, then from Riccati equations; failing those, a proof that there is none."""
    if proposer is not None:
        proposals = surviving(gains.proposals(question, proposer), trials)
        yield prove_one_of(question, proposals, verify_gain.prove, trials)

    from hybrid.exact import closed_loop, placement, reachability, riccati
    from hybrid.exact.subspace import reach

    yield prove_one_of(question, riccati.candidates(question), closed_loop.prove_tightly, trials)
    if question.system.is_enclosed:
        yield _undecided(question, Reason.GAIN_NOT_PROVED)
    reached = reach(question.system)
    yield reachability.refute_stabilisation(question, reached)
    yield prove_one_of(question, riccati.candidates(question), closed_loop.prove, trials)
    if question.Q is not None or question.R is not None:  # another gain is not what was asked for
        yield _undecided(question, Reason.WEIGHTS_NOT_STABILISING)
    yield prove_one_of(question, riccati.further_candidates(question), verify_gain.prove, trials)
    yield prove_one_of(question, placement.stabilising_candidates(question, reached), closed_loop.prove, trials)
    yield _undecided(question, Reason.GAIN_NOT_PROVED)


def _static_gain(question: StaticGainQuestion, search: Search, trials: list[Trial]) -> Attempts:
    """No closed form gives these gains: the model does, a search does, or a proof shows that there is none."""
    if search.proposer is not None:
        proposals = surviving(static_gains.proposals(question, search.proposer), trials)
        yield prove_one_of(question, proposals, verify_gain.prove, trials)

    from hybrid.exact import closed_loop, gain_search, impossible

    yield prove_one_of(question, gain_search.from_regulators(question), closed_loop.prove_thoroughly, trials)
    yield impossible.refute(question)
    yield prove_one_of(question, gain_search.from_one_parameter(question), closed_loop.prove_thoroughly, trials)
    found = gain_search.from_random_gains(question, search.starts, search.progress)
    yield prove_one_of(question, found, closed_loop.prove_thoroughly, trials)
    yield impossible.refute(question, thorough=True)
    yield _undecided(question, Reason.GAIN_NOT_FOUND)


def _placement(question: FeedbackQuestion, trials: list[Trial]) -> Attempts:
    """A proof that an immovable pole is not among those asked for, or gains whose closed-loop poles are enclosed."""
    if question.system.is_enclosed:
        yield _undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import closed_loop, placement, reachability
    from hybrid.exact.subspace import reach

    reached = reach(question.system)
    yield reachability.refute_placement(question, reached)
    candidates = placement.candidates(question, reached)
    yield prove_one_of(question, candidates, closed_loop.prove_placement, trials)
    yield _undecided(question, Reason.POLES_ILL_CONDITIONED)


def _local(
    question: LocalQuestion,
    proposer: GainProposer | None,
    search: Search,
    reader: JacobianProposer | None,
    trials: list[Trial],
) -> Attempts:
    """Prove that there is an equilibrium, and ask about the linear system at it; or at the point that was given."""
    if question.at_point and reader is not None:
        yield _proposed_at_point(question, reader, trials)
        reader = None
    if question.at_point:
        yield _at_point(question, proposer, search)
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
    if reader is not None:
        yield _from_proposal(question, linear, point, notes, reader, trials)
    yield local.conclude(question, linear, solve(question.ask(linear), proposer, search), point, notes)


def _from_proposal(
    question: LocalQuestion,
    linear: LinearSystem,
    point: Mapping[str, Any],
    notes: tuple[str, ...],
    reader: JacobianProposer,
    trials: list[Trial],
) -> Answer | None:
    """A proof taken from a proposed Jacobian, where it holds for the true one."""
    from hybrid.verify import local

    middle = {name: (lower + upper) / 2 for name, (lower, upper) in point.items()}
    asked = question.ask(linear)
    proposed = prove_from_jacobian(question.system, middle, reader, partial(proved_from, asked), trials)
    answer = None if proposed is None else local.conclude(question, linear, proposed, point, notes)
    return None if answer is None or answer.status is Status.UNDECIDED else answer


def _proposed_at_point(question: LocalQuestion, reader: JacobianProposer, trials: list[Trial]) -> Answer | None:
    """The same at a point that need be no equilibrium, where values may be complex."""
    from hybrid.exact import point_answers

    def verify(proposal: JacobianProposal) -> Answer | None:
        return point_answers.decide_from(question, proposal.jacobian)

    point = dict.fromkeys(question.system.inputs, 0) | dict(question.at or {})
    return prove_from_jacobian(question.system, point, reader, verify, trials)


def _at_point(question: LocalQuestion, proposer: GainProposer | None, search: Search) -> Answer | None:
    """The Jacobian in balls, as narrow as the question needs; exact where it is rational."""
    from hybrid.exact import point_answers
    from hybrid.verify import local
    from hybrid.verify.linearisation import point_box

    found = point_answers.decide(question)
    if found is None or isinstance(found, Answer):
        return found
    linear = found.rational()
    inner = solve(question.ask(linear), proposer, search)
    answer = local.conclude(question, linear, inner, point_box(question.system, question.at or {}), ())
    return point_answers.conclude(question, found, answer)


def _undecided(question: Question, reason: Reason) -> Answer:
    return Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, reason=reason)
