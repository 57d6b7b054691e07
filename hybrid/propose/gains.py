"""Gains proposed by a model, in the coordinates and for the weights of the question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hybrid.answer import Route
from hybrid.errors import ModelError
from hybrid.propose.bilinear import Regulator, continuous_twin, in_unit_weights
from hybrid.propose.proposal import GainProposal
from hybrid.propose.refine import newton_kleinman
from hybrid.question import FeedbackQuestion
from hybrid.systems.linear import require_inputs

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer

_REFINEMENT_STEPS = 2  # where any stabilising gain will do
_FULL_STEPS = 8  # where the user's weights ask for the optimum


def proposals(question: FeedbackQuestion, proposer: GainProposer) -> Iterator[GainProposal]:
    """The model's gain as it is, then after Newton–Kleinman steps; for weights of the user only the latter.

    The model knows continuous time, Q = I and R = I; a change of coordinates makes every problem such a one. A decay
    rate σ is taken in by A + σI (by A/(1 − σ) and B/(1 − σ) in discrete time).

    Raises:
        ModelError: the model file is absent, damaged or foreign, or what it says has another shape, or is not finite.
    """
    system = question.system
    if not proposer.accepts(system.n, system.m):
        return
    discrete = system.is_discrete
    weighted = question.Q is not None or question.R is not None
    problem = _problem(question)
    if discrete or weighted:
        guess = _guess(proposer, problem, discrete=discrete)
    else:
        guess = proposer.propose(problem.A, problem.B)
    if guess is None:
        return
    if not guess.fits(system.n, system.m):
        raise ModelError(f"{guess.source}: proposed something that is no gain for this plant")
    if not weighted:
        yield guess
    steps = _FULL_STEPS if weighted else _REFINEMENT_STEPS
    refined = newton_kleinman(*problem, guess.gain, discrete=discrete, steps=steps)
    if refined is not None:
        yield GainProposal(*refined, guess.source, Route.MODEL_REFINED)


def _problem(question: FeedbackQuestion) -> Regulator:
    """The regulator problem whose solution also has the decay rate."""
    system, decay = question.system, float(question.region.decay)
    A, B = system.A.floats, require_inputs(system).floats
    A, B = (A / (1 - decay), B / (1 - decay)) if system.is_discrete else (A + decay * np.eye(system.n), B)
    Q = np.eye(system.n) if question.Q is None else question.Q
    return Regulator(A, B, Q, np.eye(system.m) if question.R is None else question.R)


def _guess(proposer: GainProposer, problem: Regulator, *, discrete: bool) -> GainProposal | None:
    """The proposal for a problem; None where Q is singular, or A has an eigenvalue at −1 in discrete time."""
    A, B, _, R = problem
    try:
        a, b, L, S = in_unit_weights(continuous_twin(*problem) if discrete else problem)
    except np.linalg.LinAlgError:
        return None
    guess = proposer.propose(a, b)
    if guess.lyapunov is None:
        return GainProposal(np.linalg.solve(S.T, guess.gain) @ L.T, None, guess.source, guess.route)
    P = L @ guess.lyapunov @ L.T
    gain = np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A) if discrete else np.linalg.solve(S.T, guess.gain) @ L.T
    return GainProposal(np.asarray(gain, dtype=np.float64), P, guess.source, guess.route)
