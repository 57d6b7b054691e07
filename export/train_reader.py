"""Train the cells of the equation reader: every node of random expressions is one sample.

    python -m hybrid.export.train_reader --minutes 30 --out runs/reader

No tree is needed for that: the children's values are known, so all nodes of an operator are one batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hybrid.propose.equation_reader import FORM, SCHEMA, EquationReader
from hybrid.propose.expression_trees import OPERATORS, encode
from hybrid.propose.readings import INSTANTS

from . import files, training
from .expression_kernels import BINARIES
from .random_systems import DISTRIBUTIONS, Forest, forest, sizes
from .reader_evaluate import scores
from .reader_graph import to_model
from .reader_network import Cells, CellShape, distance

BATCH, RATE, WIDTH = 1024, 3e-3, 96
FILE = FORM.name(0)

SOFTNESS = 1e-3
"""Relative errors above count by their size, smaller ones by their square."""

REFRESH = 60
"""Steps between two draws of expressions."""

EQUATIONS = 60_000

LARGE = 2.0
"""Operands above are drawn more often than they come."""

Samples = NDArray[np.complex128]


def operator_samples(rng: np.random.Generator, equations: int) -> list[Samples]:
    """For each operator: left child, right child, value, derivatives to left and right; (N, 5) complex.

    From all tasks in equal shares; unary operators have a zero in place of what they lack.
    """
    found: list[list[Samples]] = [[] for _ in OPERATORS]
    for task in DISTRIBUTIONS:
        for degree, controls, share in sizes(task):
            count = max(1, round(equations * share / (degree * len(DISTRIBUTIONS))))
            drawn = forest(rng, task, count, degree, controls, instant=float(rng.choice(INSTANTS)))
            for op, samples in enumerate(_by_operator(drawn)):
                found[op].append(samples)
    return [np.concatenate(samples) for samples in found]


def _by_operator(drawn: Forest) -> list[Samples]:
    table = []
    for op in range(len(OPERATORS)):
        at = np.flatnonzero(drawn.symbol == op)
        samples = np.zeros((len(at), 5), complex)
        samples[:, 0], samples[:, 2] = drawn.value[drawn.left[at]], drawn.value[at]
        samples[:, 3] = drawn.slope[at, 0]
        if op < BINARIES:
            samples[:, 1], samples[:, 4] = drawn.value[drawn.right[at]], drawn.slope[at, 1]
        table.append(samples)
    return table


@dataclass
class ReaderTask:
    """Codes of values and derivatives from those of the children."""

    shape: CellShape
    _pool: list[Samples] = field(default_factory=list)
    _step: int = 0

    def network(self) -> nn.Module:
        """A fresh one."""
        return Cells(self.shape)

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        return files.load(path, SCHEMA, lambda shape: Cells(CellShape(**shape)))

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Mean error over operators, of values and derivatives."""
        if self._step % REFRESH == 0:
            self._pool = operator_samples(rng, EQUATIONS)
        self._step += 1
        drawn = np.stack([_chosen(rng, pool, batch) for pool in self._pool])
        return _loss(network, torch.from_numpy(encode(drawn)).to(device)).mean()

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages of fixed nodes that are right within 1 %, value and derivatives, by operator."""
        pool = operator_samples(np.random.default_rng(990_000), EQUATIONS)
        table = {}
        assert isinstance(network, Cells)
        with torch.no_grad():
            codes = torch.from_numpy(encode(np.stack([samples[:2000] for samples in pool]))).to(device)
            said = network(codes[..., 0, :], codes[..., 1, :])
            error = distance(said, codes[..., 2:, :]).sqrt()
            zero = codes[..., 2:, 3] > 0
            good = torch.where(zero, said.zero > 0, (error < 0.01) & (said.zero < 0))
            good[BINARIES:, :, 2] = True
            every = good.all(-1).double().mean(-1)
        for op, name in enumerate(OPERATORS):
            table[name] = 100 * float(every[op])
        return table | {"mean": sum(table.values()) / len(table)}

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder."""
        assert isinstance(network, Cells)
        about = {
            "task": "read equations: values of all subexpressions and the Jacobian at a point",
            "schema": SCHEMA,
            "network": self.shape.as_dict(),
            "training": record | {"data": (operator_samples.__doc__ or "").splitlines()[0]},
        }

        def measure(file: Path) -> dict[str, Any]:
            metrics = scores(EquationReader(file), seed=770_000, count=1000)
            return {"metrics": metrics, "metrics_note": " ".join((scores.__doc__ or "").split())}

        return files.ship(network, folder / FILE, validation, to_model, lambda _: about, measure)

    def settings(self) -> dict[str, Any]:
        """What else decides the data."""
        return {"equations": EQUATIONS, "refresh": REFRESH}


def _chosen(rng: np.random.Generator, pool: Samples, count: int) -> Samples:
    """As they come, and a third from those with complex or large operands, which are harder and rarer."""
    operands = pool[:, :2]
    hard = np.flatnonzero(((operands.imag != 0) | (abs(operands) > LARGE)).any(1))
    few = count // 3 if len(hard) else 0
    chosen = hard[rng.integers(0, max(1, len(hard)), few)]
    found: Samples = pool[np.concatenate([rng.integers(0, len(pool), count - few), chosen])]
    return found


def _loss(network: nn.Module, codes: Tensor) -> Tensor:
    """Of every sample: relative errors of what is not zero, and what is called zero wrongly."""
    said = network(codes[..., 0, :], codes[..., 1, :])
    true = codes[..., 2:, :]
    wrong = (distance(said, true) + SOFTNESS**2).sqrt() - SOFTNESS
    zero = nn.functional.binary_cross_entropy_with_logits(said.zero, true[..., 3], reduction="none")
    loss = torch.log1p(10 * wrong) + 0.1 * zero
    weight = torch.ones_like(loss)
    weight[BINARIES:, :, 2] = 0
    return (loss * weight).sum(-1)


def task(width: int = WIDTH) -> ReaderTask:
    """Cells of a width; by default that of the shipped ones."""
    return ReaderTask(CellShape(width))


def main() -> None:
    """The command line."""
    parser = training.parser(
        "train_reader", (__doc__ or "").splitlines()[0], batch=BATCH, minutes=30.0, of_plants=False
    )
    parser.set_defaults(rate=RATE)
    parser.add_argument("--width", type=int, default=WIDTH)
    given = parser.parse_args()
    training.run(task(given.width), given)


if __name__ == "__main__":
    main()
