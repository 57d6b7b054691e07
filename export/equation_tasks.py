"""What `hybrid train NAME` can train on random equations of its own: at the size of the shipped models, or a GPU's."""

from __future__ import annotations

from typing import NamedTuple

import torch

from hybrid.propose import pde

from . import train_pde, train_reader, train_verdict, training
from .pde_network import Shape


class Chosen(NamedTuple):
    """A task with its batch, peak learning rate, and the name of the file that it ships."""

    task: training.Task
    batch: int
    rate: float
    file: str


def chosen(name: str, size: str | None = None) -> Chosen:
    """What trains the network of a name.

    Args:
        name: pde, equations, stability or controllability.
        size: "full", for a GPU; "small", that of the shipped models, which one core trains in an hour; None for what
            this machine has.
    """
    full = torch.cuda.is_available() if size is None else size == "full"
    if name == "pde":
        shape = Shape(width=160, layers=4) if full else Shape()
        return Chosen(train_pde.PDETask(shape), _batch(train_pde.BATCH, full), train_pde.RATE, pde.MODEL_NAME)
    if name == "equations":
        task = train_reader.task(256 if full else train_reader.WIDTH)
        return Chosen(task, _batch(train_reader.BATCH, full), train_reader.RATE, train_reader.FILE)
    width, rounds = (160, 6) if full else (train_verdict.WIDTH, train_verdict.ROUNDS)
    batch, file = _batch(train_verdict.BATCH, full), train_verdict.file_name(name)
    return Chosen(train_verdict.task(name, width, rounds), batch, train_verdict.RATE, file)


def _batch(small: int, full: bool) -> int:
    return 8 * small if full else small
