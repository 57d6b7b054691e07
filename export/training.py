"""The training loop of all matrix models: fresh data for every step, averaged weights, checkpoints, reports, shipping.

Data are drawn from the seed and the number of the step. On a GPU the layers run in bfloat16. A checkpoint, written
at every report, resumes a run (`--resume`); a shipped ONNX file starts one (`--start-from`), so none lives in git.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from hybrid.whole_files import write_whole

from . import files

Tensors = tuple[Tensor, ...] | list[Tensor]


class Shape(Protocol):
    """The sizes of a network, equal where weights fit."""

    def as_dict(self) -> dict[str, int]:
        """The sizes by name."""
        ...


class Task(Protocol):
    """What a run learns."""

    @property
    def shape(self) -> Shape:
        """The sizes of its network."""
        ...

    def network(self) -> nn.Module:
        """A fresh one."""
        ...

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        ...

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """On `batch` systems drawn from `rng`."""
        ...

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages on fixed systems, and their "mean", by which models are compared."""
        ...

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder; whether it was."""
        ...

    def settings(self) -> dict[str, Any]:
        """What else a card should say of the data."""
        ...


@dataclass(frozen=True)
class Settings:
    """What decides a run beside its task, apart from the clock."""

    seed: int
    batch: int
    rate: float
    minutes: float
    start_from: str | None = None


class Training:
    """Network, averaged weights, optimiser, and how far they have come."""

    def __init__(self, task: Task, settings: Settings, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.task, self.settings, self.device = task, settings, device
        self.network = task.network().to(device)
        self.average = AveragedModel(self.network, multi_avg_fn=_average)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=settings.rate, weight_decay=1e-4)
        self.step, self.samples, self.seconds = 0, 0, 0.0
        self.start = None
        if settings.start_from is not None:
            self.start = files.named(Path(settings.start_from))  # now: the file may be replaced by what is trained
            self._take_weights(Path(settings.start_from))

    def _take_weights(self, path: Path) -> None:
        """Those of an exported model of the same shape."""
        source = self.task.load(path)
        if source.shape != self.task.shape:
            raise SystemExit(f"{path} has the {source.shape}, this run the {self.task.shape}")
        weights = source.state_dict()
        self.network.load_state_dict(weights)
        self.average.module.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """Tensors and numbers for a checkpoint."""
        return {
            "shape": self.task.shape.as_dict(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": {"step": self.step, "samples": self.samples, "seconds": self.seconds},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where a checkpoint ended."""
        if state["shape"] != self.task.shape.as_dict():
            raise SystemExit(f"the checkpoint has the shape {state['shape']}, this run {self.task.shape}")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        progress = state["progress"]
        self.step, self.samples, self.seconds = progress["step"], progress["samples"], progress["seconds"]

    def advance(self) -> float:
        """One optimiser step on fresh systems; the loss, NaN for a step that was skipped."""
        began = time.perf_counter()
        settings = self.settings
        rng = np.random.default_rng([settings.seed, self.step])
        loss = self.task.loss(self.network, rng, settings.batch, self.device)
        for group in self.optimiser.param_groups:
            group["lr"] = settings.rate * _schedule(self.step, self.seconds / (60 * settings.minutes))
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.step += 1
        self.samples += settings.batch
        if torch.isfinite(norm):
            self.optimiser.step()
            self.average.update_parameters(self.network)
        self.seconds += time.perf_counter() - began
        return loss.item() if torch.isfinite(norm) else math.nan


def train(task: Task, settings: Settings, out: Path, ship_to: Path, resume: bool, every: float) -> None:
    """Train until the minutes are used up; checkpoint, validate, and ship every `every` minutes."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training = Training(task, settings, device)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    if resume and checkpoint.exists():
        training.restore(torch.load(checkpoint, map_location=device, weights_only=True))
    due, smooth = training.seconds + 60 * every, math.nan
    finished = False
    while not finished:
        loss = training.advance()
        if math.isfinite(loss):
            smooth = loss if math.isnan(smooth) else 0.99 * smooth + 0.01 * loss
        finished = training.seconds >= 60 * settings.minutes
        if training.seconds < due and not finished:
            continue
        due = training.seconds + 60 * every
        _save(training.state(), checkpoint)
        report(training, smooth, out, ship_to)


def report(training: Training, loss: float, out: Path, ship_to: Path) -> None:
    """Validate the averaged weights, add a line to the log, and ship them where they are the best so far."""
    task, best = training.task, training.average.module
    validation = task.validation(best, training.device)
    progress = {"minutes": training.seconds / 60, "samples": training.samples, "step": training.step, "loss": loss}
    line = json.dumps({name: round(value, 4) for name, value in (progress | validation).items()})
    print(line, flush=True)
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(line + "\n")
    record = {
        "settings": task.settings() | asdict(training.settings) | {"start_from": training.start},
        "samples": training.samples,
        "minutes": round(training.seconds / 60, 1),
        "device": _hardware(training.device),
    }
    task.ship(best, record, validation["mean"], ship_to)


def parser(
    program: str, description: str, batch: int, minutes: float, *, of_plants: bool = True
) -> argparse.ArgumentParser:
    """A command line with the options that all tasks share; models of plants are for one order each."""
    options = argparse.ArgumentParser(prog=f"python -m hybrid.export.{program}", description=description)
    if of_plants:
        options.add_argument("--n", type=int, required=True, help="order of the plants")
    options.add_argument("--minutes", type=float, default=minutes, help="training time, with that of a resumed run")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--out", type=Path, required=True, help="folder of the checkpoint and the log")
    options.add_argument("--ship", type=Path, help="folder of the model, written when best there; default --out")
    options.add_argument("--resume", action="store_true", help="continue the checkpoint in --out, if there is one")
    options.add_argument("--start-from", help="ONNX file of the same shape whose weights come first")
    options.add_argument("--batch", type=int, default=batch)
    options.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--every", type=float, default=2.0, help="minutes between validations")
    return options


def run(task: Task, given: argparse.Namespace) -> None:
    """Train a task as the shared options say."""
    torch.set_num_threads(given.threads)
    settings = Settings(given.seed, given.batch, given.rate, given.minutes, given.start_from)
    train(task, settings, given.out, given.ship or given.out, given.resume, given.every)


def _hardware(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} CPU thread(s)"


@torch.no_grad()
def _average(averaged: Tensors, current: Tensors, count: Tensor | int) -> None:
    """Exponential averages over about a thousand steps, fewer in the beginning: they forget the untrained weights."""
    share = 1 - min(0.999, (1 + int(count)) / (10 + int(count)))
    for average, value in zip(averaged, current, strict=True):
        average.lerp_(value, share)


def _schedule(step: int, share: float) -> float:
    """Learning rate as a share of its peak: 200 steps up, a cosine down to 1 % over the whole time."""
    return min(1.0, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


def _save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    content = io.BytesIO()
    torch.save(state, content)
    write_whole({path: content.getvalue()})
