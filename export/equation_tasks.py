"""What `hybrid train NAME` can train on random equations of its own, with the settings of the shipped models."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hybrid.propose import pde

from . import train_pde, train_reader, train_verdict, training


class Chosen(NamedTuple):
    """A task with its batch, peak learning rate, and the name of the file that it ships."""

    task: training.Task
    batch: int
    rate: float
    file: str


def _verdict(name: str) -> Chosen:
    return Chosen(train_verdict.task(name), train_verdict.BATCH, train_verdict.RATE, train_verdict.file_name(name))


EQUATION_TASKS: dict[str, Callable[[], Chosen]] = {
    "pde": lambda: Chosen(train_pde.PDETask(), train_pde.BATCH, train_pde.RATE, pde.MODEL_NAME),
    "equations": lambda: Chosen(train_reader.task(), train_reader.BATCH, train_reader.RATE, train_reader.FILE),
    "stability": lambda: _verdict("stability"),
    "controllability": lambda: _verdict("controllability"),
}
