"""Proposals tried one after the other: each is proved or dropped, and every trial is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hybrid.answer import Answer, Trial
from hybrid.question import GainQuestion
from hybrid.verify.gain import stabilised

if TYPE_CHECKING:
    from hybrid.propose.output_gain import OutputGainProposer
    from hybrid.propose.proposal import GainProposal
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
