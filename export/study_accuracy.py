"""Accuracy by task and degree, beside the paper's figures; and against the tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .study_figures import Figure, figure, is_comparable
from .study_tasks import MODELS, READINGS, TASKS, Record, is_right, label, near

TOLERANCES: Final = tuple(percent / 100 for percent in range(10, 0, -1))
"""From the paper's 10 % down to 1 %."""


@dataclass(frozen=True)
class Accuracy:
    """Of the answers to one task on systems of one degree (None: of all degrees). Shares are of 1, None where unknown.

    Attributes:
        against_label, against_truth: reading → share right, see `READINGS`.
        from_proposal: share proved by the verifier from what the networks proposed.
        decided: how many the exact route answered with a proof.
        wrong_labels: how many of the paper's labels are proved wrong.
        undecided: how many stayed so; None where the exact route was not asked.
        yes: share of labels that say yes.
        figure: the paper's.
    """

    set: str
    task: str
    degree: int | None
    count: int
    against_label: dict[str, float | None]
    against_truth: dict[str, float | None]
    from_proposal: float | None
    decided: int | None
    wrong_labels: int | None
    undecided: int | None
    yes: float | None
    figure: Figure | None

    @property
    def comparable(self) -> bool:
        """Whether the labels are distributed as those of the paper's figure."""
        return self.figure is not None and is_comparable(self.task, self.yes)

    def lead(self, reading: str) -> float | None:
        """Percentage points that a reading is better than the paper (negative: worse), by the paper's labels."""
        share = self.against_label.get(reading)
        if share is None or self.figure is None or not self.comparable:
            return None
        return 100 * share - self.figure.percent


@dataclass(frozen=True)
class Curve:
    """Share of right answers for each of `TOLERANCES`."""

    set: str
    task: str
    name: str
    shares: tuple[float, ...]


def accuracies(name: str, records: Sequence[Record]) -> list[Accuracy]:
    """Of one set: for each task, all degrees together, then each."""
    degrees = sorted({record.case.degree for record in records})
    found = []
    for task in TASKS[records[0].case.kind]:
        asked = [r for r in records if task != "speed" or label(r.case).rate is not None]
        if asked:
            parts = [(None, asked), *((d, [r for r in asked if r.case.degree == d]) for d in degrees)]
            found += [_accuracy(name, task, d, part) for d, part in parts if part]
    return found


def _accuracy(name: str, task: str, degree: int | None, records: Sequence[Record]) -> Accuracy:
    exact = [is_right(task, r, "exact", truly=False) for r in records]
    asked = any(r.truth is not None for r in records)
    decided = sum(is_decided(task, r) for r in records)
    wrong = sum(_is_disproved(task, r, right) for r, right in zip(records, exact, strict=True))
    says_yes = [label(r.case).yes for r in records]
    return Accuracy(
        set=name,
        task=task,
        degree=degree,
        count=len(records),
        against_label={reading: share_right(task, records, reading, truly=False) for reading in READINGS},
        against_truth={reading: share_right(task, records, reading, truly=True) for reading in MODELS},
        from_proposal=_share_from_proposal(task, records),
        decided=decided if asked else None,
        wrong_labels=wrong if asked else None,
        undecided=len(records) - decided if asked else None,
        yes=None if None in says_yes else sum(map(bool, says_yes)) / len(records),
        figure=figure(task, degree),
    )


def _share_from_proposal(task: str, records: Sequence[Record]) -> float | None:
    """None for rates and entries, whose size a proof from a proposal does not tell."""
    if task in ("speed", "feedback entries") or all(record.truth is None for record in records):
        return None
    proved = [None if record.truth is None else record.truth.from_proposal for record in records]
    return None if all(each is None for each in proved) else sum(map(bool, proved)) / len(proved)


def is_decided(task: str, record: Record) -> bool:
    """Whether the exact route has an answer to the task."""
    if record.truth is None:
        return False
    if task == "feedback stabilises":
        return record.truth.stabilised.get("exact") is not None
    said = record.truth.said
    return {"speed": said.rate, "feedback entries": said.gain, "pde": said.pde}.get(task, said.yes) is not None


def _is_disproved(task: str, record: Record, agrees: bool | None) -> bool:
    """Whether the paper's label is proved wrong."""
    if task == "feedback stabilises":
        return record.truth is not None and record.truth.stabilised.get("label") is False
    return agrees is False and is_decided(task, record)


def share_right(
    task: str, records: Sequence[Record], reading: str, *, truly: bool, tolerance: float = 0.1
) -> float | None:
    """The share of right answers among those that can be judged; None where nobody answered, or none can be judged."""
    if all(record.said(reading) is None for record in records):
        return None
    judged = [is_right(task, record, reading, truly=truly, tolerance=tolerance) for record in records]
    known = [right for right in judged if right is not None]
    return sum(known) / len(known) if known else None


def curves(name: str, records: Sequence[Record]) -> list[Curve]:
    """Against the tolerance: rates, entries of feedback matrices, entries of the proposed Jacobians."""
    found = []
    for task in TASKS[records[0].case.kind]:
        for reading in READINGS if task in ("speed", "feedback entries") else ():
            shares = [share_right(task, records, reading, truly=False, tolerance=t) for t in TOLERANCES]
            if None not in shares:
                found.append(Curve(name, task, reading, tuple(share for share in shares if share is not None)))
    return [*found, *_of_jacobians(name, records)]


def _of_jacobians(name: str, records: Sequence[Record]) -> Iterator[Curve]:
    """Right entries among all, and systems with all entries right; what nobody proposed is wrong."""
    true = [record.jacobian for record in records if record.jacobian is not None]
    said = [record.proposed.matrix for record in records if record.jacobian is not None]
    if all(J is None for J in said):
        return
    entries, systems = [], []
    for tolerance in TOLERANCES:
        right = [
            np.zeros(J.shape, bool) if guess is None else near(guess, J, tolerance)
            for guess, J in zip(said, true, strict=True)
        ]
        entries.append(sum(int(each.sum()) for each in right) / sum(each.size for each in right))
        systems.append(sum(bool(each.all()) for each in right) / len(right))
    yield Curve(name, "Jacobian", "entries", tuple(entries))
    yield Curve(name, "Jacobian", "all entries of a system", tuple(systems))
