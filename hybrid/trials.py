"""Proposals tried one after the other: each is proved or dropped, and every trial is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from hybrid.answer import Answer, Trial
from hybrid.question import GainQuestion, LinearQuestion, RankQuestion, StabilityQuestion
from hybrid.verify import rank, stability
from hybrid.verify.gain import stabilised

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer
    from hybrid.propose.jacobian import JacobianProposal, JacobianProposer
    from hybrid.propose.output_gain import OutputGainProposer
    from hybrid.propose.pde import PDEProposal, PDEProposer
    from hybrid.propose.proposal import GainProposal
    from hybrid.systems.nonlinear import NonlinearSystem
    from hybrid.systems.pde import LinearPDE
    from hybrid.verify.gain import ProvedGain

AnyGainQuestion = TypeVar("AnyGainQuestion", bound=GainQuestion)

STARTS = 60
"""Of the search for a static gain, before it gives up."""


@dataclass(frozen=True)
class Search:
    """How a static gain is looked for.

    Attributes:
        proposer: the model that may propose gains; None turns proposals off.
        starts: descents of the search before it gives up.
        progress: is told the share of them that are done.
    """

    proposer: OutputGainProposer | None = None
    starts: int = STARTS
    progress: Callable[[float], None] | None = None


@dataclass(frozen=True)
class Means:
    """What an answer may be found with, beside exact computation; None turns a model's proposals off.

    Attributes:
        gain: proposes gains for the state.
        jacobian: proposes the Jacobian of a nonlinear system.
        wave_number: proposes a growing wave number of a PDE.
        search: for a gain of outputs, of a structure, or for several systems.
    """

    gain: GainProposer | None = None
    jacobian: JacobianProposer | None = None
    wave_number: PDEProposer | None = None
    search: Search = Search()


def prove_one_of(
    question: AnyGainQuestion,
    proposals: Iterable[GainProposal],
    verify: Callable[[AnyGainQuestion, GainProposal], ProvedGain | None],
    trials: list[Trial],
) -> Answer | None:
    """The answer for the first proposal that the verifier proves; every trial is recorded."""
    started = time.perf_counter()
    for proposal in proposals:
        proved = verify(question, proposal)
        seconds, started = time.perf_counter() - started, time.perf_counter()
        trials.append(Trial(proposal.source, "proved" if proved else "not proved", seconds))
        if proved is not None:
            return stabilised(question, proposal, proved)
    return None


def surviving(proposals: Iterator[GainProposal], trials: list[Trial]) -> Iterator[GainProposal]:
    """The proposals of a model until it fails; a model may fail in any way, and the answer is not to suffer from it."""
    started = time.perf_counter()
    try:
        yield from proposals
    except Exception as error:  # noqa: BLE001
        trials.append(Trial("model", f"{type(error).__name__}: {error}", time.perf_counter() - started))


def prove_from_jacobian(
    system: NonlinearSystem,
    point: Mapping[str, Any],
    proposer: JacobianProposer,
    verify: Callable[[JacobianProposal], Answer | None],
    trials: list[Trial],
) -> Answer | None:
    """The answer with a proof taken from a proposed Jacobian, if the verifier proves one; the trial is recorded.

    Args:
        system: the equations.
        point: a value for each state and input.
        proposer: of the Jacobian there; it may fail in any way.
        verify: proves an answer of the true Jacobian.
        trials: receives what came of it.
    """
    started = time.perf_counter()
    try:
        proposal = proposer.propose(system, point)
    except Exception as error:  # noqa: BLE001
        trials.append(Trial("model", f"{type(error).__name__}: {error}", time.perf_counter() - started))
        return None
    if proposal is None:
        return None
    answer = verify(proposal) if proposal.fits(system.n, system.m) else None
    trials.append(Trial(proposal.source, "not proved" if answer is None else "proved", time.perf_counter() - started))
    return answer


def proposed_wave_number(equation: LinearPDE, proposer: PDEProposer, trials: list[Trial]) -> PDEProposal | None:
    """The proposal for an equation; None where there is no wave number in it. What fails is recorded.

    Args:
        equation: u_t + P(D) u = 0.
        proposer: may fail in any way.
        trials: receives that.
    """
    started = time.perf_counter()
    try:
        (proposal,) = proposer.propose([equation])
    except Exception as error:  # noqa: BLE001
        trials.append(Trial("model", f"{type(error).__name__}: {error}", time.perf_counter() - started))
        return None
    return None if proposal is None or proposal.point is None else proposal


def proved_from(question: LinearQuestion, proposal: JacobianProposal) -> Answer | None:
    """The answer about a real linear system with Lyapunov matrices, or a minor, of a proposal for its matrices."""
    A, B = proposal.parts(question.system.n)
    if isinstance(question, StabilityQuestion):
        return stability.decide_from(question, A)
    return rank.decide_from(question, A, B) if isinstance(question, RankQuestion) else None
