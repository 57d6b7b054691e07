"""How far test systems are from the systems that training draws, and whether the far ones are answered less well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .duplicates import features
from .paper_files import PaperSystem
from .study_tasks import MODELS, TASKS, Record, is_right

NEAREST = 10
"""Training systems that count as neighbours."""
BINS = 5
"""Of test systems, equally many in each."""
ROWS = 256
"""Test systems whose distances are computed together."""


@dataclass(frozen=True)
class Bin:
    """Test systems of like distance.

    Attributes:
        distance: mean over them.
        shares: "task, reading" → share right, by the paper's labels.
    """

    distance: float
    count: int
    shares: dict[str, float]


@dataclass(frozen=True)
class Neighbourhood:
    """Of one set. Distances are Hellinger's, from 0 to √2, see `duplicates.features`.

    Attributes:
        training: how many training systems there are to be near to.
        mean, deviation: over the systems, of their mean distance to the `NEAREST` training systems.
        spread: mean over the systems, of the standard deviation of these distances.
        right, wrong: "task, reading" → mean distance of the systems answered rightly, and wrongly; None: none are.
        bins: from near to far.
    """

    set: str
    training: int
    mean: float
    deviation: float
    spread: float
    right: dict[str, float | None]
    wrong: dict[str, float | None]
    bins: list[Bin]


def neighbourhood(name: str, records: Sequence[Record], training: NDArray[np.float32]) -> Neighbourhood:
    """Of one set of ordinary systems.

    Args:
        name: of the set.
        records: its systems.
        training: features of the systems that training draws, (N, F).
    """
    systems = [record.case.system for record in records if isinstance(record.case, PaperSystem)]
    near = nearest_distances(features(systems), training, min(NEAREST, len(training)))
    distance = near.mean(1)
    answers = _answers(records)
    ranks = np.argsort(distance, kind="stable")
    bins = [
        Bin(float(distance[rows].mean()), len(rows), {key: _mean(right[rows]) or 0.0 for key, right in answers.items()})
        for rows in np.array_split(ranks, min(BINS, len(ranks)))
    ]
    return Neighbourhood(
        name, len(training), float(distance.mean()), float(distance.std()), float(near.std(1).mean()),
        {key: _mean(distance[right == 1]) for key, right in answers.items()},
        {key: _mean(distance[right == 0]) for key, right in answers.items()}, bins,
    )  # fmt: skip


def nearest_distances(test: NDArray[Any], training: NDArray[Any], count: int) -> NDArray[np.float64]:
    """(N, count): the smallest Euclidean distances of rows of length 1, in no order.

    >>> nearest_distances(np.eye(2), np.eye(2), 1)
    array([[0.],
           [0.]])
    """
    found = []
    for begin in range(0, len(test), ROWS):
        likeness = test[begin : begin + ROWS] @ training.T
        best = -np.partition(-likeness, count - 1, axis=1)[:, :count]
        found.append(np.sqrt(np.maximum(2 - 2 * best.astype(np.float64), 0.0)))
    return np.concatenate(found)


def _answers(records: Sequence[Record]) -> dict[str, NDArray[np.float64]]:
    """By "task, reading" for each system 1 right, 0 wrong, NaN not judged; of those that say anything."""
    found = {}
    for task in TASKS[records[0].case.kind]:
        for reading in MODELS:
            if any(record.said(reading) is not None for record in records):
                right = [is_right(task, record, reading, truly=False) for record in records]
                values = np.array([np.nan if each is None else float(each) for each in right])
                if not np.isnan(values).all():
                    found[f"{task}, {reading}"] = values
    return found


def _mean(values: NDArray[Any]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None
