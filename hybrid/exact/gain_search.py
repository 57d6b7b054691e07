"""Static gains from a search: quasi-Newton descents of the largest closed-loop abscissa from many starts.

No closed form gives a gain of the outputs, one with prescribed zeros, or one for several plants; whether there is one
is NP-hard to decide in general (Blondel and Tsitsiklis 1997). What a search does not find may exist.

Source: Burke, Henrion, Lewis and Overton 2006, IEEE TAC 51(11) (HIFOO); Lewis and Overton 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hybrid.answer import Route
from hybrid.exact import impossible, riccati, scalar_gain
from hybrid.propose.abscissa import ClosedLoops
from hybrid.propose.proposal import GainProposal
from hybrid.propose.quasi_newton import Minimum, minimise
from hybrid.question import StaticGainQuestion
from hybrid.systems.numbers import nearest_float
from hybrid.verify.lyapunov import FloatArray

_STEPS = 200  # line searches of one descent
_SIZES = (1.0, 0.1, 10.0, 0.01, 100.0)  # of random gains, in units in which gains of 1 matter
_MOST_WORK = 5e9  # evaluations times n³: some twenty seconds, where n is large
_SEED = 0


def from_regulators(question: StaticGainQuestion) -> Iterator[GainProposal]:
    """Gains with every closed-loop pole in the region as far as doubles tell, from the starts that mostly do.

    They are 0 and, for each system, the gain of its outputs that comes nearest to a regulator, and to an observer.
    """
    loops = ClosedLoops(question)
    yield from (proposal for proposal, _ in _descents(loops, _regulators(loops)) if proposal is not None)


def from_random_gains(
    question: StaticGainQuestion, starts: int, progress: Callable[[float], None] | None = None
) -> Iterator[GainProposal]:
    """The same from random starts, always the same ones.

    Where no descent arrives, the best gain comes last, with the abscissa (or radius) that it reached.

    Args:
        question: with one system or several.
        starts: how many descents at most; fewer where the states are so many that each takes long.
        progress: is told the share of the starts that are done.
    """
    loops = ClosedLoops(question)
    limit = _MOST_WORK / max(system.n for system in question.systems) ** 3
    best, tried, found = Minimum(np.zeros(loops.size), np.inf), 0, False
    for proposal, reached in _descents(loops, _random_gains(loops.size, starts)):
        tried += 1
        if proposal is not None:
            found = True
            yield proposal
        best = min(best, reached, key=lambda minimum: minimum.value)
        if progress is not None:
            progress(tried / starts)
        if loops.evaluations > limit:
            break
    if not found:
        name = f"search, the best of {tried} random starts with {loops.abscissa(best.value):.3g}"
        yield GainProposal(loops.gain(best.x), None, name, Route.EXACT)


def from_one_parameter(question: StaticGainQuestion) -> Iterator[GainProposal]:
    """The gain where all free entries amount to one number: whether there is one is decided exactly, if n allows it."""
    if any(system.is_enclosed for system in question.systems):
        return
    decided = scalar_gain.decide(impossible.loops_of(question))
    if decided is not None and decided.gain is not None:
        gain = np.zeros(question.shape)
        gain[decided.entry] = nearest_float(decided.gain)  # inf is no gain that fits
        yield GainProposal(gain, None, "decision on the one free number", Route.EXACT)


def _descents(
    loops: ClosedLoops, starts: Iterator[tuple[FloatArray, str]]
) -> Iterator[tuple[GainProposal | None, Minimum]]:
    """Where each start leads, and the gain there if it is worth a proof.

    A descent goes on to some margin, which the rounding of the gain may use up. One that gets stuck before may be on
    the right side of the boundary by rounding alone: it has to be better than those before it.
    """
    best = loops.boundary
    for x, name in starts:
        reached = minimise(loops, x, target=loops.target, steps=_STEPS)
        is_promising = reached.value < min(best, loops.boundary) or reached.value < loops.target
        best = min(best, reached.value)
        proposal = GainProposal(loops.gain(reached.x), None, f"search from {name}", Route.EXACT)
        yield (proposal if is_promising else None), reached


def _regulators(loops: ClosedLoops) -> Iterator[tuple[FloatArray, str]]:
    yield np.zeros(loops.size), "0"
    for A, B, C in loops.plants:
        regulator = _regulator(A, B, loops.discrete)
        if regulator is not None:
            yield loops.scaled_entries(regulator @ np.linalg.pinv(C)), "an LQR gain seen by the outputs"
        observer = _regulator(A.T, C.T, loops.discrete)
        if observer is not None:
            yield loops.scaled_entries(np.linalg.pinv(B) @ observer.T), "an observer gain seen by the inputs"


def _regulator(A: FloatArray, B: FloatArray, discrete: bool) -> FloatArray | None:
    """An LQR gain for identity weights, or None where the Riccati equation is not solved."""
    n, m = B.shape
    found = next(riccati.solutions(A, B, np.eye(n), np.eye(m), discrete), None)
    return None if found is None or not np.isfinite(found.gain).all() else found.gain


def _random_gains(size: int, count: int) -> Iterator[tuple[FloatArray, str]]:
    source = np.random.default_rng(_SEED)
    for k in range(1, count + 1):
        yield source.standard_normal(size) * _SIZES[k % len(_SIZES)], f"random gain {k}"
