"""Static gains for stacked plants, of their outputs or with zeros in given places: proposed and proved in stacks.

A first guess of the model and its proof cost some ten microseconds a plant, a quasi-Newton descent about as much, the
model's learned steps a hundred times that: they are asked in this order, each about what is left. Among the candidates
of one plant the one counts whose closed loop grows least over a long horizon, in canonical coordinates.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import api
from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.batch.answers import BatchAnswer
from hybrid.batch.rows import Indices, Rows
from hybrid.batch.stacks import BoolArray, Boundary, FloatArray, Stack
from hybrid.errors import ProblemError
from hybrid.propose.canonical import SLOWEST, time_scale
from hybrid.propose.canonical_triple import FLOOR, CanonicalTriple
from hybrid.question import StaticGainQuestion
from hybrid.systems.linear import LinearSystem
from hybrid.verify.float_environment import ieee_arithmetic
from hybrid.verify.gain import SHORT

if TYPE_CHECKING:
    from hybrid.propose.output_gain import OutputGainProposer

DESCENT = "descent"
"""The route of gains that were found without a model."""

_STACKED_UP_TO = 20  # states: a descent costs about their cube
_STARTS_ALONE = 10  # of the search for a row: three descents and the model have failed on it before
_FREE_UP_TO = 64  # entries of a gain: and the square of these
_CHUNK = 4096  # rows that a network sees at once
_TARGET = 1 - 1e-4  # growth at which a descent is content: room for the gain's rounding
_WORTH = 1.01  # growth up to which a proof is tried: over a finite horizon stable loops may grow a little
_BEST = 2  # candidates that a descent starts from
_SHORT, _LONG = 8, 14  # horizons of the growth, as powers of two: the longer one sees narrow margins
_FEW = 40  # evaluations of a descent from a candidate
_ATTEMPTS = ((20, _FEW, _SHORT), (20, 60, _LONG), (150, 300, _LONG))  # random starts, evaluations from each, horizon
_SEED = 0
_SIZES = (1.0, 0.3, 3.0, 0.1, 10.0)  # of random gains, in canonical coordinates


@dataclass(frozen=True)
class Plants:
    """The plants that are left, in canonical coordinates, with the decay rate taken in.

    Attributes:
        units: (N, n) of the user's states, powers of two that balance A.
        triple: A, B, C, and the way back to the user's channels.
        free: (N, m, p) 1 where a canonical gain is free, 0 where it is zero.
        gamma: (N,) what makes the growth of a closed loop one without a unit.
        discrete: x⁺ = A x + B u.
    """

    units: FloatArray
    triple: CanonicalTriple
    free: FloatArray
    gamma: FloatArray
    discrete: bool

    @classmethod
    def of(cls, A: FloatArray, B: FloatArray, C: FloatArray, free: BoolArray, discrete: bool) -> Plants:
        """For one structure (m, p)."""
        from hybrid.batch.kernels.triples import balancing

        units = balancing(A)
        if (units != 1).any():
            A, B, C = _in_units(A, units), B / units[:, :, None], C * units[:, None, :]
        triple = canonical(A, B, C)
        gamma = time_scale(A) if discrete else np.ones(len(A))
        return cls(units, triple, triple.structure(free).astype(np.float64), gamma, discrete)

    def take(self, rows: Indices) -> Plants:
        """Some of them."""
        triple = CanonicalTriple(*(getattr(self.triple, name)[rows] for name in CanonicalTriple.__slots__))
        units, free, gamma = self.units[rows], self.free[rows], self.gamma[rows]
        return replace(self, units=units, triple=triple, free=free, gamma=gamma)

    def growths(self, K: FloatArray) -> FloatArray:
        """How the closed loops of canonical candidates (N, c, m, p) grow; stable below 1."""
        from hybrid.batch.kernels.descent import growths

        triple = self.triple
        return growths(triple.A, triple.B, triple.C, np.ascontiguousarray(K), self.gamma, self.discrete, _SHORT)

    def descend(self, starts: FloatArray, evaluations: int, horizon: int = _SHORT) -> tuple[FloatArray, FloatArray]:
        """The best canonical gains (N, m, p) that descents from the starts (N, c, m, p) come to, and their growths."""
        from hybrid.batch.kernels.descent import descend

        plants = self.triple.A, self.triple.B, self.triple.C, self.free
        return descend(*plants, np.ascontiguousarray(starts), self.gamma, self.discrete, horizon, _TARGET, evaluations)


def canonical(A: FloatArray, B: FloatArray, C: FloatArray) -> CanonicalTriple:
    """`canonical_triple`, compiled."""
    from hybrid.batch.kernels.triples import canonical

    states, inputs, outputs, left, right = canonical(A, B, C, FLOOR, SLOWEST)
    in_order, out_order = (x[:, 0].astype(np.intp) for x in (left, right))
    return CanonicalTriple(states, inputs, outputs, in_order, out_order, left[:, 1], right[:, 1])


def static_feedback(
    A: Any, B: Any, C: Any, structure: Any, discrete: Any, decay: Any, model: bool | str | os.PathLike[str]
) -> BatchAnswer:
    """See `hybrid.batch.feedback`, for C or a structure."""
    stack, boundary = Stack.read(A, B, C), Boundary.read(decay, discrete)
    n, m = stack.B.shape[1:]
    measured = None if C is None else np.zeros(stack.C.shape[1:])
    template = LinearSystem(np.zeros((n, n)), np.zeros((n, m)), measured, dt=boundary.dt)
    question = StaticGainQuestion.read([template], C is not None, structure, boundary.region.decay)
    rows = Rows("feedback", stack, boundary, inputs=m, structure=question.structure)
    free = question.free
    if len(rows.left) and n <= _STACKED_UP_TO and free.size <= _FREE_UP_TO:
        with ieee_arithmetic(), np.errstate(all="ignore"):
            _in_stacks(rows, free, _proposer(model, n, *free.shape))
    else:
        _proposer(model, n, *free.shape)

    def alone(system: LinearSystem) -> Answer:
        return api.feedback(
            system,
            output=question.output,
            structure=question.structure,
            decay=question.region.decay,
            model=False,
            starts=_STARTS_ALONE,
        )

    with rows.timed(Route.EXACT.value):
        rows.one_by_one(alone)
    return rows.freeze()


def _proposer(model: Any, n: int, m: int, p: int) -> OutputGainProposer | None:
    """The model to ask first; None where there is none of the size."""
    if model is False:
        return None
    from hybrid.propose.output_gain import OutputGainProposer, shipped

    if model is not True and not isinstance(model, str | os.PathLike):
        raise ProblemError("model", model, 'True, False, "always", or the path of a model file or folder')
    proposer = shipped() if model is True or model == "always" else OutputGainProposer(model)
    return proposer if proposer.accepts(n, m, p) else None


def _in_stacks(rows: Rows, free: BoolArray, proposer: OutputGainProposer | None) -> None:
    """What the stacked routes can prove."""
    first = Route.MODEL.value if proposer is not None else DESCENT
    with rows.timed(first):
        A, B, C = _shifted(rows)
        plants = Plants.of(A, B, C, free, rows.boundary.discrete)
    if proposer is not None:
        plants = _by_model(rows, plants, free, proposer, 0)
    for attempt in _ATTEMPTS:
        plants = _by_descent(rows, plants, *attempt)
    if proposer is not None:
        _by_model(rows, plants, free, proposer, None)


def _by_model(rows: Rows, plants: Plants, free: BoolArray, proposer: OutputGainProposer, steps: int | None) -> Plants:
    """The best of the model's candidates as it is, and what descents from the best ones come to."""
    if not rows.left.size:
        return plants
    with rows.timed(Route.MODEL.value):
        K = ask(proposer, plants, _shifted(rows), free, steps)
        if K is None:
            return plants
        growth = plants.growths(K)
        order = np.argsort(growth, axis=1)[:, :_BEST]
        K, growth = np.take_along_axis(K, order[:, :, None, None], 1), np.take_along_axis(growth, order, 1)
        left = _settle(rows, plants, K[:, 0], growth[:, 0], Route.MODEL.value)
        plants, K = plants.take(left), K[left]
    with rows.timed(Route.MODEL_REFINED.value):
        left = _settle(rows, plants, *plants.descend(K, _FEW), Route.MODEL_REFINED.value)
    return plants.take(left)


def _by_descent(rows: Rows, plants: Plants, count: int, evaluations: int, horizon: int) -> Plants:
    """Descents from K = 0, then from so many random gains, the same ones for every plant, each with both signs."""
    if not rows.left.size:
        return plants
    shape, sizes = plants.free.shape[1:], np.resize(_SIZES, count // 2)[:, None, None]
    draw = np.random.default_rng(_SEED).standard_normal((count // 2, *shape)) * sizes
    draw = np.stack([draw, -draw], 1).reshape(-1, *shape)
    with rows.timed(DESCENT):
        starts = plants.free[:, None] * np.concatenate([np.zeros((1, *shape)), draw])
        return plants.take(_settle(rows, plants, *plants.descend(starts, evaluations, horizon), DESCENT))


def _shifted(rows: Rows) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A + σI, B, C, or A/(1 − σ), B/(1 − σ), C, of the rows that are left."""
    A, B, C = rows.triples()
    decay = float(rows.boundary.region.decay)
    if not decay:
        return A, B, C
    return (A / (1 - decay), B / (1 - decay), C) if rows.boundary.discrete else (A + decay * np.eye(A.shape[1]), B, C)


def ask(
    proposer: OutputGainProposer,
    plants: Plants,
    given: tuple[FloatArray, FloatArray, FloatArray],
    free: BoolArray,
    steps: int | None,
) -> FloatArray | None:
    """A model's canonical candidates (N, c, m, p); None where it fails, in whatever way."""
    (m, p), count = free.shape, len(plants.gamma)
    try:
        if plants.discrete:
            K = canonical_gains(plants.triple, proposer.propose_batch(*given, free, discrete=True, steps=steps))
        else:
            K = _ask_network(proposer, plants.triple, free, steps)
    except Exception:  # noqa: BLE001 - a model may fail in any way, and the answer is not to suffer from it
        return None
    fits = K.ndim == 4 and K.shape[0] == count and K.shape[2:] == (m, p)
    return K * plants.free[:, None] if fits else None


def _ask_network(
    proposer: OutputGainProposer, triple: CanonicalTriple, free: BoolArray, steps: int | None
) -> FloatArray:
    from hybrid.propose.output_gain import network_inputs

    network, named = proposer.network(triple.A.shape[1], steps), network_inputs(triple, free)
    chunks = range(0, max(len(triple.A), 1), _CHUNK)
    parts = [network({name: x[first : first + _CHUNK] for name, x in named.items()}) for first in chunks]
    return np.concatenate(parts).astype(np.float64)[:, :, : free.shape[0], : free.shape[1]]


def canonical_gains(triple: CanonicalTriple, gains: FloatArray) -> FloatArray:
    """What `CanonicalTriple.gains` undoes."""
    sorted_rows = np.take_along_axis(gains, triple.input_order[:, None, :, None], 2)
    both = np.take_along_axis(sorted_rows, triple.output_order[:, None, None, :], 3)
    return np.asarray(both / triple.input_scale[:, None, :, None] / triple.output_scale[:, None, None, :])


def _settle(rows: Rows, plants: Plants, K: FloatArray, growth: FloatArray, route: str) -> Indices:
    """Prove canonical gains (N, m, p) where their growth promises it, rounded if possible; which rows are left."""
    from hybrid.batch.kernels.decimals import POWERS, shortened

    proved, gain = np.zeros(len(K), dtype=bool), np.full(K.shape, np.nan)
    lyapunov = np.full((len(K), *rows.stack.A.shape[1:]), np.nan)
    worth = np.flatnonzero(growth < _WORTH)
    if worth.size:
        given = *(x[worth] for x in rows.triples()), plants.units[worth]
        exact = plants.take(worth).triple.gains(K[worth][:, None])[:, 0] + 0.0  # no zero has a sign
        gain[worth] = shortened(exact, SHORT, POWERS)
        lyapunov[worth], proved[worth] = _proof(rows.boundary, gain[worth], *given)
        longer = np.flatnonzero(~proved[worth])
        if longer.size:
            again = worth[longer]
            gain[again] = exact[longer]
            lyapunov[again], proved[again] = _proof(rows.boundary, gain[again], *(x[longer] for x in given))
    if rows.structure is not None:  # a part of the claim, so it is looked at and not trusted to whoever proposed
        proved &= ((gain == 0) | rows.structure).all((1, 2))
    rows.settle(proved, Status.PROVED, Verdict.STABILISED, route, gain=gain, lyapunov=lyapunov)
    return np.flatnonzero(~proved)


def _proof(
    boundary: Boundary, K: FloatArray, A: FloatArray, B: FloatArray, C: FloatArray, units: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """P (N, n, n), from the cost in balanced units, and where it proves A − B K C."""
    from hybrid.batch.kernels.lyapunov import costs
    from hybrid.batch.kernels.output_proof import closed_loops, prove_outputs
    from hybrid.batch.kernels.proof import PROBE

    limit, discrete, M = boundary.inside, boundary.discrete, closed_loops(A, B, C, K)
    if (units == 1).all():
        P = costs(M, limit, discrete)
    else:
        P = costs(_in_units(M, units), limit, discrete) / (units[:, :, None] * units[:, None, :])
    return P, prove_outputs(A, B, C, K, P, limit, discrete, PROBE)


def _in_units(A: FloatArray, units: FloatArray) -> FloatArray:
    """D⁻¹A D."""
    return np.asarray(A * units[:, None, :] / units[:, :, None])
