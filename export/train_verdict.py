"""Train a network that judges Jacobians of the paper's systems: stable and how fast, or controllable.

    python -m hybrid.export.train_verdict stability --minutes 15 --out runs/verdict-stability

It learns from true Jacobians with the errors of a reader, so that no equation is read meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from hybrid.propose.readings import INSTANTS
from hybrid.propose.verdicts import FORMS, SCHEMA, TASKS, VerdictProposer, scaled_codes

from . import files, training
from .matrix_answers import abscissae, controllable
from .random_systems import forest, sizes
from .verdict_graph import to_model
from .verdict_network import VerdictNetwork, VerdictShape

BATCH, RATE, WIDTH, ROUNDS = 512, 1e-3, 64, 4

SLOWEST = -12.0
"""The logarithm of an abscissa against the largest entry of A below which it is as good as zero."""

READING_ERROR = 0.01
"""Of the entries of a Jacobian that a reader proposes, relative."""
REFRESH = 200
"""Steps between two draws of systems."""
DRAWN = 6000
"""Systems of each size in one draw."""
KEPT = 20_000
"""Rows of each size and answer that are kept."""

Rows = tuple[NDArray[np.complex128], NDArray[np.complex128] | None]
SIZES = {
    "stability": [("stability", d, p) for d, p, _ in sizes("stability")],
    "controllability": [(task, d, p) for task in ("control", "control_t") for d, p, _ in sizes(task)],
}
FURTHER = {"stability": [("speed", d, 0) for d, _, _ in sizes("speed")], "controllability": []}
"""Sizes that are drawn as they come, where the others are drawn half yes, half no."""


def judged(task: str, J: NDArray[np.complex128], degree: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """The answers on Jacobians (N, d, d + p) as the paper has them, and log|abscissa|."""
    if task == "stability":
        abscissa = abscissae(J)
        return abscissa < 0, np.log(np.maximum(np.abs(abscissa), 1e-300))
    return controllable(J[:, :, :degree], J[:, :, degree:]), np.zeros(len(J))


def usable(J: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Rows that single precision can hold."""
    return np.asarray(np.isfinite(J).all((1, 2)) & (np.abs(J).max((1, 2)) < 1e25))


@dataclass
class VerdictTask:
    """One of the verdicts."""

    task: str
    shape: VerdictShape
    _pool: dict[tuple[str, int, int, bool | None], NDArray[np.complex128]] = field(default_factory=dict)
    _step: int = 0

    def network(self) -> nn.Module:
        """A fresh one."""
        return VerdictNetwork(self.shape)

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        return files.load(path, SCHEMA, lambda shape: VerdictNetwork(VerdictShape(**shape)))

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Of the verdict, and of the rate where there is one."""
        if self._step % REFRESH == 0:
            self._draw(rng)
        self._step += 1
        keys = list(self._pool)
        parts = [self._rows(rng, key, max(1, batch // len(keys))) for key in keys]
        codes, present, yes, rate = (
            torch.from_numpy(np.concatenate(each)).to(device) for each in zip(*parts, strict=True)
        )
        said, _ = network(codes, present)
        loss = binary_cross_entropy_with_logits(said[:, 0], yes)
        if self.task == "stability":
            loss = loss + smooth_l1_loss(said[:, 1], rate, beta=0.1)
        return loss

    def _draw(self, rng: np.random.Generator) -> None:
        """More systems into the pools."""
        for source, d, p in SIZES[self.task] + FURTHER[self.task]:
            drawn = forest(rng, source, DRAWN if d < 5 else 2 * DRAWN, d, p, instant=float(rng.choice(INSTANTS)))
            J = drawn.jacobian[usable(drawn.jacobian)]
            yes, _ = judged(self.task, J, d)
            natural = (source, d, p) in FURTHER[self.task]
            for answer in (None,) if natural else (True, False):
                key = (source, d, p, answer)
                fresh = J if answer is None else J[yes == answer]
                before = self._pool.get(key, fresh[:0])
                self._pool[key] = np.concatenate([fresh[: KEPT // 4], before])[:KEPT]

    def _rows(self, rng: np.random.Generator, key: tuple[str, int, int, bool | None], count: int) -> tuple[Any, ...]:
        _, d, _, _ = key
        pool = self._pool[key]
        J = pool[rng.integers(0, len(pool), count)]
        yes, rate = judged(self.task, J, d)
        turn = np.argsort(rng.random((count, d)), 1)
        inputs = d + np.argsort(rng.random((count, J.shape[2] - d)), 1)
        J = np.take_along_axis(J, turn[:, :, None], 1)
        J = np.take_along_axis(J, np.concatenate([turn, inputs], 1)[:, None, :], 2)
        J = J * np.exp(READING_ERROR * rng.standard_normal(J.shape))
        codes, present, unit = scaled_codes(J[:, :, :d], J[:, :, d:] if J.shape[2] > d else None)
        rate = np.maximum(rate - unit, SLOWEST)
        return codes, present, yes.astype(np.float32), rate.astype(np.float32)

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages right by size, on fixed systems, half of them yes."""
        rng = np.random.default_rng(990_000)
        table = {}
        for source, d, p in SIZES[self.task]:
            J, yes = balanced(rng, self.task, source, d, p, 200)
            codes, present, _ = scaled_codes(J[:, :, :d], J[:, :, d:] if J.shape[2] > d else None)
            with torch.no_grad():
                said, _ = network(torch.from_numpy(codes).to(device), torch.from_numpy(present).to(device))
            table[f"{source} {d} {p}"] = 100 * float(((said[:, 0] > 0).cpu().numpy() == yes).mean())
        return table | {"mean": sum(table.values()) / len(table)}

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder."""
        assert isinstance(network, VerdictNetwork)
        about = {
            "task": f"judge the {self.task} of a Jacobian",
            "schema": SCHEMA,
            "network": self.shape.as_dict(),
            "training": record | {"data": "Jacobians of random systems as the paper draws them, half of them yes"},
        }

        def convert(network: VerdictNetwork) -> onnx.ModelProto:
            return to_model(network, self.task)

        return files.ship(network, folder / file_name(self.task), validation, convert, lambda _: about, self._measure)

    def _measure(self, file: Path) -> dict[str, Any]:
        shipped = VerdictProposer(self.task, file)
        rng, metrics = np.random.default_rng(770_000), {}
        for source, d, p in SIZES[self.task]:
            J, yes = balanced(rng, self.task, source, d, p, 400)
            said = shipped.propose(J[:, :, :d], J[:, :, d:] if J.shape[2] > d else None)
            metrics[f"{source}, {d} states, {p} inputs"] = round(100 * float(((said.score > 0.5) == yes).mean()), 1)
        return {"metrics": metrics, "metrics_note": "percentages right on fresh true Jacobians, half of them yes"}

    def settings(self) -> dict[str, Any]:
        """What else decides the data."""
        return {"task": self.task, "reading error": READING_ERROR}


def balanced(
    rng: np.random.Generator, task: str, source: str, d: int, p: int, count: int
) -> tuple[NDArray[np.complex128], NDArray[np.bool_]]:
    """Fresh Jacobians, `count` of each answer, and the answers."""
    found: dict[bool, list[NDArray[np.complex128]]] = {True: [], False: []}
    while min(sum(map(len, rows)) for rows in found.values()) < count:
        J = forest(rng, source, 4 * DRAWN, d, p, instant=float(rng.choice(INSTANTS))).jacobian
        J = J[usable(J)]
        yes, _ = judged(task, J, d)
        for answer, rows in found.items():
            rows.append(J[yes == answer])
    both = np.concatenate([np.concatenate(found[answer])[:count] for answer in (True, False)])
    return both, np.arange(2 * count) < count


def task(name: str, width: int = WIDTH, rounds: int = ROUNDS) -> VerdictTask:
    """A verdict, by default with the shape of the shipped ones."""
    return VerdictTask(name, VerdictShape(width, rounds))


def file_name(name: str) -> str:
    """The file that gives this verdict."""
    return FORMS[name].name(0)


def main() -> None:
    """The command line."""
    parser = training.parser(
        "train_verdict", (__doc__ or "").splitlines()[0], batch=BATCH, minutes=15.0, of_plants=False
    )
    parser.set_defaults(rate=RATE)
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    training.run(task(given.task, given.width, given.rounds), given)


if __name__ == "__main__":
    main()
