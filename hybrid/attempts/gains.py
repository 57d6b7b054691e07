"""Attempts at gains: state feedback, gains of outputs or of a structure, poles at given places."""

from __future__ import annotations

from hybrid.answer import Reason, Trial
from hybrid.propose import gains, static_gains
from hybrid.question import FeedbackQuestion, StaticGainQuestion
from hybrid.trials import Means, prove_one_of, surviving
from hybrid.verify import gain as verify_gain

from . import Attempts, undecided


def feedback(question: FeedbackQuestion, means: Means, trials: list[Trial]) -> Attempts:
    """Gains from the model, then from Riccati equations; failing those, a proof that there is none."""
    if means.gain is not None:
        proposals = surviving(gains.proposals(question, means.gain), trials)
        yield prove_one_of(question, proposals, verify_gain.prove, trials)

    from hybrid.exact import closed_loop, placement, reachability, riccati
    from hybrid.exact.subspace import reach

    yield prove_one_of(question, riccati.candidates(question), closed_loop.prove_tightly, trials)
    if question.system.is_enclosed:
        yield undecided(question, Reason.GAIN_NOT_PROVED)
    reached = reach(question.system)
    yield reachability.refute_stabilisation(question, reached)
    yield prove_one_of(question, riccati.candidates(question), closed_loop.prove, trials)
    if question.Q is not None or question.R is not None:  # another gain is not what was asked for
        yield undecided(question, Reason.WEIGHTS_NOT_STABILISING)
    yield prove_one_of(question, riccati.further_candidates(question), verify_gain.prove, trials)
    yield prove_one_of(question, placement.stabilising_candidates(question, reached), closed_loop.prove, trials)
    yield undecided(question, Reason.GAIN_NOT_PROVED)


def placement(question: FeedbackQuestion, trials: list[Trial]) -> Attempts:
    """A proof that an immovable pole is not among those asked for, or gains whose closed-loop poles are enclosed."""
    if question.system.is_enclosed:
        yield undecided(question, Reason.ENCLOSURE_TOO_WIDE)

    from hybrid.exact import closed_loop, placement, reachability
    from hybrid.exact.subspace import reach

    reached = reach(question.system)
    yield reachability.refute_placement(question, reached)
    candidates = placement.candidates(question, reached)
    yield prove_one_of(question, candidates, closed_loop.prove_placement, trials)
    yield undecided(question, Reason.POLES_ILL_CONDITIONED)


def static_gain(question: StaticGainQuestion, means: Means, trials: list[Trial]) -> Attempts:
    """No closed form gives these gains: the model does, a search does, or a proof shows that there is none."""
    if means.search.proposer is not None:
        proposals = surviving(static_gains.proposals(question, means.search.proposer), trials)
        yield prove_one_of(question, proposals, verify_gain.prove, trials)

    from hybrid.exact import closed_loop, gain_search, impossible

    yield prove_one_of(question, gain_search.from_regulators(question), closed_loop.prove_thoroughly, trials)
    yield impossible.refute(question)
    yield prove_one_of(question, gain_search.from_one_parameter(question), closed_loop.prove_thoroughly, trials)
    found = gain_search.from_random_gains(question, means.search.starts, means.search.progress)
    yield prove_one_of(question, found, closed_loop.prove_thoroughly, trials)
    yield impossible.refute(question, thorough=True)
    yield undecided(question, Reason.GAIN_NOT_FOUND)
