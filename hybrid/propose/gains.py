"""Gains proposed by a model, in the coordinates and for the weights of the question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hybrid.answer import Route
from hybrid.errors import ModelError
from hybrid.propose.proposal import GainProposal
from hybrid.propose.refine import newton_kleinman
from hybrid.question import FeedbackQuestion
from hybrid.systems.linear import require_inputs
from hybrid.verify.lyapunov import FloatArray

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer

_REFINEMENT_STEPS = 2  # where any stabilising gain will do
_FULL_STEPS = 8  # where the user's weights ask for the optimum


def proposals(question: FeedbackQuestion, proposer: GainProposer) -> Iterator[GainProposal]:
    """The model's gain as it is, then after Newton–Kleinman steps; for weights of the user only the latter.

    The model knows Q = I and R = I. With Q = L Lᵀ and R = S Sᵀ, z = Lᵀx and v = Sᵀu make any weights these; a decay
    rate σ is taken in by A + σI.

    Raises:
        ModelError: the model file is absent, damaged or foreign, or what it says has another shape, or is not finite.
    """
    system = question.system
    if system.is_discrete or not proposer.accepts(system.n, system.m):
        return
    A, B = system.A.floats + float(question.region.decay) * np.eye(system.n), require_inputs(system).floats
    Q = np.eye(system.n) if question.Q is None else question.Q
    R = np.eye(system.m) if question.R is None else question.R
    weighted = question.Q is not None or question.R is not None
    guess = _in_weighted_coordinates(proposer, A, B, Q, R) if weighted else proposer.propose(A, B)
    if guess is None:
        return
    if not guess.fits(system.n, system.m):
        raise ModelError(f"{guess.source}: proposed something that is no gain for this plant")
    if not weighted:
        yield guess
    refined = newton_kleinman(
        A, B, Q, R, guess.gain, discrete=False, steps=_FULL_STEPS if weighted else _REFINEMENT_STEPS
    )
    if refined is not None:
        yield GainProposal(*refined, guess.source, Route.MODEL_REFINED)


def _in_weighted_coordinates(
    proposer: GainProposer, A: FloatArray, B: FloatArray, Q: FloatArray, R: FloatArray
) -> GainProposal | None:
    """A proposal for the weights Q ≻ 0 and R; None where Q is singular."""
    try:
        L, S = np.linalg.cholesky(Q), np.linalg.cholesky(R)
    except np.linalg.LinAlgError:
        return None
    to_z, from_z, from_v = L.T, np.linalg.inv(L.T), np.linalg.inv(S.T)
    guess = proposer.propose(to_z @ A @ from_z, to_z @ B @ from_v)
    P = None if guess.lyapunov is None else L @ guess.lyapunov @ L.T
    return GainProposal(from_v @ guess.gain @ to_z, P, guess.source, guess.route)
