"""Accuracy on the same systems in other words: what is answered differently was matched, not learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .paper_files import PaperPDE, PaperSystem
from .rewritings import REWRITINGS, Rewritten
from .study_proposals import Proposer, Saying
from .study_tasks import MODELS, TASKS, Record, agrees, is_right, unproved


@dataclass(frozen=True)
class RewritingScore:
    """Of one rewriting of the systems of a set; shares are of the systems that it applies to.

    Attributes:
        before, right: share of right answers, by the paper's labels, to the systems as they were and rewritten.
        unchanged: share of answers that stayed the same: rates and entries of feedback matrices within 10 %.
    """

    set: str
    task: str
    reading: str
    rewriting: str
    count: int
    before: float
    right: float
    unchanged: float


def rewriting_scores(name: str, records: Sequence[Record], proposer: Proposer, seed: int) -> list[RewritingScore]:
    """For every rewriting, task and reading of a set; none for PDEs, and none without networks."""
    ordinary = [record for record in records if isinstance(record.case, PaperSystem)]
    readings = [reading for reading in MODELS if any(record.said(reading) is not None for record in ordinary)]
    if not readings:
        return []
    found = []
    for rewriting in REWRITINGS:
        pairs = _rewritten(ordinary, rewriting, proposer, seed)
        for task in TASKS[ordinary[0].case.kind] if pairs else ():
            found += [score for r in readings if (score := _score(name, task, r, rewriting, pairs)) is not None]
    return sorted(found, key=lambda score: (score.task, score.reading))


def _rewritten(
    records: Sequence[Record], rewriting: str, proposer: Proposer, seed: int
) -> list[tuple[Record, Record, Rewritten]]:
    """Each record, what the networks say of it in other words, and how it was rewritten."""
    pairs = []
    for i, record in enumerate(records):
        assert not isinstance(record.case, PaperPDE)
        new = REWRITINGS[rewriting](record.case.system, seed + i)
        if new is not None:
            pairs.append((record, _case(record.case, new), new))
    answered = unproved([case for _, case, _ in pairs], proposer)
    return [(record, again, new) for (record, _, new), again in zip(pairs, answered, strict=True)]


def _case(case: PaperSystem, new: Rewritten) -> PaperSystem:
    label: Any = case.label
    if case.kind == "gram":
        label = tuple(map(tuple, new.gain(np.array(label)).tolist()))
    return replace(case, system=new.system, point=new.point(case.point), label=label)


def _score(
    name: str, task: str, reading: str, rewriting: str, pairs: Sequence[tuple[Record, Record, Rewritten]]
) -> RewritingScore | None:
    before = [is_right(task, old, reading, truly=False) for old, _, _ in pairs]
    after = [is_right(task, new, reading, truly=False) for _, new, _ in pairs]
    known = [i for i, (old, new) in enumerate(zip(before, after, strict=True)) if old is not None and new is not None]
    if not known:
        return None
    same = [_is_same(task, *pairs[i], reading) for i in known]
    first, second = (float(np.mean([bool(each[i]) for i in known])) for each in (before, after))
    return RewritingScore(name, task, reading, rewriting, len(known), first, second, float(np.mean(same)))


def _is_same(task: str, old: Record, new: Record, how: Rewritten, reading: str) -> bool:
    """Whether two answers are the same one; a feedback matrix moves with the names."""
    first, second = old.said(reading), new.said(reading)
    if first is None or second is None:
        return first is second
    if first.gain is not None:
        first, task = Saying(gain=how.gain(first.gain)), "feedback entries"
    return bool(agrees(task, second, first))
