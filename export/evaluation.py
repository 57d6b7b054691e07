"""How the question for a gain ends on many systems: raw, refined, by the fallback, or not at all.

Gains count as the solver counts them: proved by the float kernel or in exact arithmetic, never by eigenvalues in
floating point. Needs no torch, so that `hybrid eval` works without the [train] extra. Validation during a training run
and the cards of the models are these numbers too.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from hybrid import batch
from hybrid.answer import Answer, Route, Status
from hybrid.batch import gains as stacked_gains
from hybrid.batch.kernels.proof import PROBE, prove
from hybrid.batch.kernels.riccati import refine, solve_regulators
from hybrid.errors import ModelError
from hybrid.propose import static_gains
from hybrid.propose.gain import GainProposer
from hybrid.propose.output_gain import OutputGainProposer
from hybrid.question import FeedbackQuestion, StaticGainQuestion
from hybrid.solve import solve
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.trials import STARTS, Means, Search
from hybrid.verify import gain as verify_gain

from . import distributions

FloatArray = NDArray[np.float64]
Words = NDArray[np.str_]
ModelChoice = bool | str | os.PathLike[str]
"""True for the shipped models, False for none, or the path of a model file or folder."""

VALIDATION = 990_000
"""With m added, the seed of the pairs that the shipped models were chosen on."""

STAGES = ("raw", "refined", "fallback")
"""A gain as the model proposed it; after Newton–Kleinman or quasi-Newton steps; found without the model."""

ENDS = (*STAGES, "impossible", "undecided")
"""How the question for a gain ends: proved at one of the stages, proved to have no answer, or undecided."""

_STAGE_OF = {Route.MODEL.value: "raw", Route.MODEL_REFINED.value: "refined"}


@dataclass(frozen=True)
class Score:
    """How many systems of a set ended in which way.

    Attributes:
        name: of the family or the plant.
        n, m, p: states, inputs, and outputs where these are fed back (None for the state).
        count: systems asked about; the sum of the five numbers that follow.
        raw, refined, fallback: gains proved, by stage.
        impossible: systems proved to have no stabilising gain.
        undecided: neither.
        cost_ratio: median of tr J(K) / tr J(K_LQR), Q = I, R = I, over the raw gains that are stabilising, which the
            matrix of their own cost proves where the one proposed does not; None where there is none, or for outputs.
        seconds: how it ended → mean time for such a system, whatever was tried before included.
        model: whether there is one for this size.
    """

    name: str
    n: int
    m: int
    p: int | None
    count: int
    raw: int
    refined: int
    fallback: int
    impossible: int
    undecided: int
    cost_ratio: float | None
    seconds: dict[str, float]
    model: bool

    def share(self, *ends: str) -> float:
        """Percentage of the systems that ended in one of these ways.

        >>> Score("gaussian", 2, 1, None, 8, 6, 1, 1, 0, 0, 1.001, {}, True).share("raw", "refined")
        87.5
        """
        return 100 * sum(int(getattr(self, end)) for end in ends) / self.count

    def as_dict(self) -> dict[str, object]:
        """The fields by name, as JSON knows them."""
        return asdict(self)


def score_pairs(name: str, A: FloatArray, B: FloatArray, model: ModelChoice = True, *, discrete: bool = False) -> Score:
    """Ask for a state feedback gain for each pair of a stack, in stacks, the model first wherever there is one.

    Args:
        name: what the score is called.
        A, B: (N, n, n), (N, n, m), N ≥ 1.
        model: the shipped ones, none, or a path.
        discrete: x⁺ = A x + B u.

    Raises:
        ModelError: `model` names a file that is no gain model.

    >>> pairs = np.array([[[1.0]], [[2.0]]]), np.array([[[1.0]], [[0.0]]])
    >>> found = score_pairs("two plants", *pairs, model=False)
    >>> found.fallback, found.impossible
    (1, 1)
    """
    n, m = B.shape[1:]
    found = batch.feedback(A, B, discrete=discrete, model=stacked_gains.ALWAYS if model is True else model)
    ends = _ends(found.status, found.route)
    proposer = None if model is False else GainProposer(None if model is True else model)
    has_model = proposer is not None and proposer.accepts(n, m)
    ratios = _ratios_of_proposals(A, B, proposer, discrete) if proposer is not None and has_model else np.empty(0)
    return _score(name, (n, m, None), ends, ratios, _stage_seconds(found.seconds, ends), has_model)


def validation_score(file: Path, n: int, inputs: tuple[int, ...], count: int = 1000) -> dict[str, float]:
    """Raw percentages on fixed sets of Gaussian and of mixed pairs, for each number of inputs, and their mean.

    Args:
        file: the model.
        n, inputs: its states, and the numbers of inputs that it was trained for.
        count: pairs of each set.
    """
    table = {}
    for name, family in (("gaussian", distributions.gaussian), ("mixed", distributions.mixed)):
        for m in inputs:
            A, B = family(np.random.default_rng(VALIDATION + m), count, n, m)
            table[f"{name} m={m}"] = score_pairs(name, A, B, file).share("raw")
    return table | {"mean": sum(table.values()) / len(table)}


def score_systems(
    name: str, systems: Sequence[LinearSystem], ask: Callable[[LinearSystem], Answer], *, output: bool, model: bool
) -> Score:
    """Ask about systems of one size, one after the other, as `hybrid.feedback` does.

    Here a raw gain of the model counts as proved by whatever Lyapunov matrix the solver finds for it; in `score_pairs`
    the matrix that the model proposed has to do.

    Args:
        name: what the score is called.
        systems: at least one, all of one size.
        ask: see `asker`.
        output: whether the outputs alone are fed back.
        model: whether there is one for this size.

    Raises:
        ProblemError: a system that cannot be asked about, such as one without inputs.
    """
    answers = [ask(system) for system in systems]
    ends = _ends([a.status.value for a in answers], [a.route.value for a in answers])
    times = np.array([answer.timings["total"] for answer in answers])
    raw = [answer for answer, end in zip(answers, ends, strict=True) if end == "raw" and not output]
    ratios = np.array([ratio for answer in raw for ratio in _cost_ratio(answer)])
    first = systems[0]
    return _score_of_times(name, (first.n, first.m, first.p if output else None), ends, times, ratios, model)


def asker(
    model: ModelChoice = True, *, output: bool = False, starts: int = STARTS
) -> tuple[Callable[[LinearSystem], Answer], Callable[[LinearSystem], bool]]:
    """What answers one system after the other, the model's session kept open; and whether that has a model for one.

    Args:
        model: the shipped ones, none, or a path.
        output: static output feedback u = −K y instead of u = −K x.
        starts: of the search for an output gain, before it gives up.

    Raises:
        ModelError: `model` names a file that is no model for this question.
    """
    if output:
        outputs = None if model is False else OutputGainProposer(None if model is True else model)

        def ask_outputs(system: LinearSystem) -> Answer:
            return solve(StaticGainQuestion.read([system], True, None, 0), Means(search=Search(outputs, starts)))

        return ask_outputs, lambda system: outputs is not None and outputs.accepts(system.n, system.m, system.p)
    proposer = None if model is False else GainProposer(None if model is True else model)

    def ask_states(system: LinearSystem) -> Answer:
        return solve(FeedbackQuestion.read(system, None, None, 0, None), Means(gain=proposer))

    return ask_states, lambda system: proposer is not None and proposer.accepts(system.n, system.m)


def score_output_proposals(name: str, systems: Sequence[LinearSystem], proposer: OutputGainProposer) -> Score:
    """As `score_systems` for output feedback, but without a fallback, which takes its time: what is left is undecided.

    Raises:
        ProblemError: a system that cannot be asked about.
    """
    ends, times = [], []
    for system in systems:
        began = time.perf_counter()
        ends.append(_end_of_proposals(StaticGainQuestion.read([system], True, None, 0), proposer))
        times.append(time.perf_counter() - began)
    first = systems[0]
    return _score_of_times(name, (first.n, first.m, first.p), np.array(ends), np.array(times), np.empty(0), True)


def _end_of_proposals(question: StaticGainQuestion, proposer: OutputGainProposer) -> str:
    try:
        with np.errstate(all="ignore"):
            for proposal in static_gains.proposals(question, proposer):
                if verify_gain.prove(question, proposal) is not None:
                    return _STAGE_OF[proposal.route.value]
    except ModelError:  # what the model says is no gain
        pass
    return "undecided"


@contextmanager
def as_file(exported: bytes) -> Iterator[Path]:
    """A model file that is there for a while, as proposers open files."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        file.write_bytes(exported)
        yield file


def cost_ratios(A: FloatArray, B: FloatArray, K: FloatArray, *, discrete: bool) -> FloatArray:
    """tr J(K) / tr J(K_LQR) of stabilising gains, Q = I, R = I: the mean cost over initial states on the unit sphere.

    Args:
        A, B, K: (N, n, n), (N, n, m), (N, m, n).
        discrete: x⁺ = A x + B u.

    >>> one = np.ones((1, 1, 1))
    >>> cost_ratios(0 * one, one, np.array([[[1.0]]]), discrete=False).round(12)
    array([1.])
    """
    n, m = B.shape[1:]
    weights = np.eye(n)[None], np.eye(m)[None], np.eye(m)[None]
    optimal, _ = solve_regulators(A, B, *weights, discrete)
    cost, _ = refine(A, B, K, *weights, discrete, 1)
    return np.asarray(np.trace(cost, axis1=1, axis2=2) / np.trace(optimal, axis1=1, axis2=2))


def _ratios_of_proposals(A: FloatArray, B: FloatArray, proposer: GainProposer, discrete: bool) -> FloatArray:
    """Of the gains that a model proposes for stacked pairs, where the matrix of their cost proves them."""
    n, m = B.shape[1:]
    one, other = np.eye(n)[None], np.eye(m)[None]
    problem = stacked_gains.Regulators(A, B, one, other, other, discrete, weighted=False)
    with np.errstate(all="ignore"):
        asked = stacked_gains.ask(proposer, problem)
        if asked is None:
            return np.empty(0)
        K = asked[1]
        cost, _ = refine(A, B, K, *problem.weights, discrete, 1)
    stabilising = prove(A, B, K, cost, A[:, :, :0].copy(), 1.0 if discrete else 0.0, discrete, PROBE)
    return cost_ratios(A[stabilising], B[stabilising], K[stabilising], discrete=discrete)


def _cost_ratio(answer: Answer) -> list[float]:
    """Of one answer with a gain, in a list."""
    system = answer.question.system
    assert isinstance(system, LinearSystem)
    assert answer.gain is not None
    matrices = system.A.floats, require_inputs(system).floats, answer.gain
    A, B, K = (np.array(matrix, dtype=np.float64)[None] for matrix in matrices)
    return [float(ratio) for ratio in cost_ratios(A, B, K, discrete=system.is_discrete)]


def _ends(status: Iterable[str], route: Iterable[str]) -> Words:
    """Which of `ENDS` each row came to."""
    proved, impossible = Status.PROVED.value, Status.DISPROVED.value
    return np.array([
        _STAGE_OF.get(by, "fallback") if said == proved else "impossible" if said == impossible else "undecided"
        for said, by in zip(status, route, strict=True)
    ])  # fmt: skip


def _stage_seconds(spent: Mapping[str, float], ends: Words) -> dict[str, float]:
    """Stage → time for a system that it settled; a stage works on all systems that those before it left."""
    by_stage = dict.fromkeys(STAGES, 0.0)
    for route, seconds in spent.items():
        by_stage[_STAGE_OF.get(route, "fallback")] += seconds
    total, left = 0.0, len(ends)
    found: dict[str, float] = {}
    for stage in STAGES:
        settled = int((ends == stage).sum())
        total += by_stage[stage] / left if left else 0.0
        if settled:
            found[stage] = total
        left -= settled
    return found


def _score_of_times(
    name: str,
    size: tuple[int, int, int | None],
    ends: Words,
    times: FloatArray,
    ratios: FloatArray,
    model: bool,
) -> Score:
    """From the time that each system took."""
    seconds = {end: float(times[ends == end].mean()) for end in ENDS if (ends == end).any()}
    return _score(name, size, ends, ratios, seconds, model)


def _score(
    name: str,
    size: tuple[int, int, int | None],
    ends: Words,
    ratios: FloatArray,
    seconds: dict[str, float],
    model: bool,
) -> Score:
    counts = Counter(ends.tolist())
    by_end = {end: counts[end] for end in ENDS}
    usable = ratios[np.isfinite(ratios)]
    ratio = float(np.median(usable)) if usable.size else None
    n, m, p = size
    return Score(name, n, m, p, len(ends), **by_end, cost_ratio=ratio, seconds=seconds, model=model)
