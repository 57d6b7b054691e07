"""Static gains proposed by a model: as they come, then after quasi-Newton steps on the closed-loop abscissa."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hybrid.answer import Route
from hybrid.errors import ModelError
from hybrid.propose.abscissa import ClosedLoops
from hybrid.propose.proposal import GainProposal
from hybrid.propose.quasi_newton import minimise
from hybrid.question import StaticGainQuestion

if TYPE_CHECKING:
    from hybrid.propose.output_gain import OutputGainProposer

_REFINED = 3  # of the candidates, the most promising ones
_STEPS = 20  # line searches for each of these


def proposals(question: StaticGainQuestion, proposer: OutputGainProposer) -> Iterator[GainProposal]:
    """The model's candidates for each of the systems that stabilise all of them as far as doubles tell, best first.

    Where none of these is proved, the best candidates after a few quasi-Newton steps.

    Raises:
        ModelError: the model file is absent, damaged or foreign, or what it says has another shape, or is not finite.
    """
    loops = ClosedLoops(question)
    guesses = _guesses(question, proposer)
    values = [loops(loops.entries(guess.gain))[0] for guess in guesses]
    order = np.argsort(values, kind="stable").tolist()
    yield from (guesses[i] for i in order if values[i] < loops.boundary)
    for i in order[:_REFINED]:
        reached = minimise(loops, loops.entries(guesses[i].gain), target=loops.target, steps=_STEPS)
        if reached.value < loops.boundary:
            yield replace(guesses[i], gain=loops.gain(reached.x), route=Route.MODEL_REFINED)


def _guesses(question: StaticGainQuestion, proposer: OutputGainProposer) -> list[GainProposal]:
    """What the model says of each system, with the zeros that were asked for."""
    m, p = question.shape
    found: list[GainProposal] = []
    for system, (A, B, C) in zip(question.systems, question.plants(), strict=True):
        if proposer.accepts(system.n, m, p):
            found += proposer.propose(A, B, C, question.structure, discrete=system.is_discrete)
    for guess in found:
        if not guess.fits(question.system.n, m, p):
            raise ModelError(f"{guess.source}: proposed something that is no gain for this plant")
    return [replace(guess, gain=np.where(question.free, guess.gain, 0.0), lyapunov=None) for guess in found]
