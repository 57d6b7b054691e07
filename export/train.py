"""Train a network that proposes Riccati solutions.

    python -m hybrid.export.train --n 4 --minutes 15 --seed 0 --out runs/n4

Data are drawn afresh for every step, from the seed and the number of the step; labels come from stacked
doubling. On a GPU the same command runs the layers in bfloat16. A checkpoint, written about once a minute,
resumes a run (`--resume`); a shipped ONNX file starts one (`--start-from`), so no checkpoint lives in git.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from hybrid.propose.canonical import FloatArray, canonical_pair

from .distributions import mixed
from .evaluate import validation_score
from .losses import SHIFT, divergence, riccati_residual
from .network import RiccatiNetwork, Shape
from .riccati import solve_care
from .to_onnx import load_network, ship

STAGE_WEIGHT = 0.3
"""Weight of the divergence after each stage but the last."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run, apart from the clock."""

    shape: Shape
    inputs: tuple[int, ...]
    seed: int
    batch: int
    rate: float
    minutes: float
    start_from: str | None = None


class Training:
    """Network, averaged weights, optimiser, and how far they have come."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.device = settings, device
        self.network = RiccatiNetwork(settings.shape).to(device)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(0.999))  # type: ignore[no-untyped-call]
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=settings.rate, weight_decay=1e-4)
        self.step, self.samples, self.seconds = 0, 0, 0.0
        if settings.start_from is not None:
            self._take_weights(Path(settings.start_from))

    def _take_weights(self, path: Path) -> None:
        """Those of an exported model of the same shape."""
        source = load_network(path)
        if source.shape != self.settings.shape:
            raise SystemExit(f"{path} has the {source.shape}, this run the {self.settings.shape}")
        weights = source.state_dict()
        self.network.load_state_dict(weights)
        self.average.module.load_state_dict(weights)

    def state(self) -> dict[str, Any]:
        """Tensors and numbers for a checkpoint."""
        return {
            "shape": self.settings.shape.as_dict(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": {"step": self.step, "samples": self.samples, "seconds": self.seconds},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where a checkpoint ended."""
        if state["shape"] != self.settings.shape.as_dict():
            raise SystemExit(f"the checkpoint has the shape {state['shape']}, this run {self.settings.shape}")
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
        m = int(rng.choice(settings.inputs, p=_input_shares(settings.inputs)))
        loss = self.loss(*mixed(rng, settings.batch, settings.shape.n, m))
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

    def loss(self, A: FloatArray, B: FloatArray) -> Tensor:
        """Residual of the last guess, and divergence of every guess from the label."""
        pair = canonical_pair(A, B)
        a, b, q = (torch.from_numpy(x).to(self.device) for x in (pair.A, pair.B, pair.Q))
        P = solve_care(a + SHIFT * torch.eye(a.shape[-1], dtype=a.dtype, device=a.device), b @ b.mT, q)
        sign, log_determinant = torch.linalg.slogdet(P)
        usable = torch.isfinite(log_determinant) & (sign > 0)
        a, b, q, P, log_determinant = (x[usable].float() for x in (a, b, q, P, log_determinant))
        *earlier, last = self.network.guesses(a, b, q)
        loss = riccati_residual(last).mean() + divergence(last, P, log_determinant).mean()
        for guess in earlier:
            loss = loss + STAGE_WEIGHT * divergence(guess, P, log_determinant).mean()
        return loss

    def propose(self, A: FloatArray, B: FloatArray) -> FloatArray:
        """P from the averaged weights, on plants as they come."""
        pair = canonical_pair(A, B)
        with torch.no_grad():
            inputs = (torch.from_numpy(x).float().to(self.device) for x in (pair.A, pair.B, pair.Q))
            return pair.riccati_from_factor(self.average(*inputs).cpu().numpy())


def train(settings: Settings, out: Path, ship_to: Path, resume: bool, every: float) -> None:
    """Train until the minutes are used up; checkpoint, validate, and ship every `every` minutes."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training = Training(settings, device)
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
    settings = training.settings
    validation = validation_score(training.propose, settings.shape.n, settings.inputs)
    progress = {"minutes": training.seconds / 60, "samples": training.samples, "step": training.step, "loss": loss}
    line = json.dumps({name: round(value, 4) for name, value in (progress | validation).items()})
    print(line, flush=True)
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(line + "\n")
    record = {
        "settings": {name: value for name, value in asdict(settings).items() if name != "shape"},
        "samples": training.samples,
        "minutes": round(training.seconds / 60, 1),
        "device": _hardware(training.device),
    }
    ship(training.average.module, record, validation["mean"], settings.inputs, ship_to)


def _hardware(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} CPU thread(s)"


def _schedule(step: int, share: float) -> float:
    """Learning rate as a share of its peak: 200 steps up, a cosine down to 1 % over the whole time."""
    return min(1.0, (step + 1) / 200) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))


def _input_shares(inputs: tuple[int, ...]) -> list[float]:
    """Single-input plants, the hard ones, get half of the steps where there are others."""
    weights = [len(inputs) - 1 if m == 1 and len(inputs) > 1 else 1 for m in inputs]
    return [w / sum(weights) for w in weights]


def _save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.train", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, required=True, help="order of the plants")
    parser.add_argument("--inputs", type=int, nargs="+", default=[1, 2, 3], help="numbers of inputs m")
    parser.add_argument("--minutes", type=float, default=15.0, help="training time, with that of a resumed run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint and the log")
    parser.add_argument("--ship", type=Path, help="folder of the model, written when best there; default --out")
    parser.add_argument("--resume", action="store_true", help="continue the checkpoint in --out, if there is one")
    parser.add_argument("--start-from", help="ONNX file of the same shape whose weights come first")
    parser.add_argument("--stages", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=float, default=2.0, help="minutes between validations")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    settings = Settings(
        shape=Shape(given.n, given.stages, given.width, given.blocks),
        inputs=tuple(given.inputs),
        seed=given.seed,
        batch=given.batch,
        rate=given.rate,
        minutes=given.minutes,
        start_from=given.start_from,
    )
    train(settings, given.out, given.ship or given.out, given.resume, given.every)


if __name__ == "__main__":
    main()
