"""The paper's way for comparison: a transformer over the tokens of a system, one pass, with a verdict for an answer.

    python -m hybrid.export.token_baseline --minutes 15 --out runs/baseline

Nothing is wired in but the order of the tokens. It is not shipped: the folder gets the log, and `baseline.json`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from hybrid.expressions.tokens import SEPARATOR, VOCABULARY, integer_tokens
from hybrid.propose.expression_trees import OPERATORS
from hybrid.whole_files import write_whole

from . import training
from .expression_kernels import INTEGER, LARGEST_INTEGER, VARIABLE
from .matrix_answers import abscissae
from .random_systems import Forest, forest, sizes

LENGTH = 256
"""Tokens that are read; one system in some ten thousand is longer and is cut."""
REFRESH = 50
DRAWN = 2000

_NUMBER = {token: number for number, token in enumerate(VOCABULARY)}
_PADDING = _NUMBER["<pad>"]


@dataclass(frozen=True)
class TransformerShape:
    """Width and number of layers."""

    width: int
    layers: int

    def as_dict(self) -> dict[str, int]:
        """The sizes by name."""
        return asdict(self)


class TokenTransformer(nn.Module):
    """Token numbers (N, T) to the logit of stable (N,)."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(len(VOCABULARY), shape.width, padding_idx=_PADDING)
        self.position = nn.Embedding(LENGTH, shape.width)
        layer = nn.TransformerEncoderLayer(shape.width, 8, 4 * shape.width, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, shape.layers, enable_nested_tensor=False)
        self.leave = nn.Linear(shape.width, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """The first position, the number of equations, gathers what is read."""
        x = self.embed(tokens) + self.position.weight[: tokens.shape[1]]
        out: Tensor = self.leave(self.layers(x, src_key_padding_mask=tokens == _PADDING)[:, 0])[:, 0]
        return out


def token_numbers(drawn: Forest) -> NDArray[np.int64]:
    """The paper's input sequences of a forest, (N, LENGTH), padded."""
    found = np.full((len(drawn), LENGTH), _PADDING)
    head = [_NUMBER[token] for token in integer_tokens(drawn.degree)]
    for i in range(len(drawn)):
        row = list(head)
        for equation in range(i * drawn.degree, (i + 1) * drawn.degree):
            row.append(_NUMBER[SEPARATOR])
            nodes = slice(*drawn.start[equation : equation + 2])
            for symbol, number in zip(drawn.symbol[nodes].tolist(), drawn.number[nodes].tolist(), strict=True):
                row += _TOKENS[symbol] if symbol != INTEGER else _INTEGERS[number]
        found[i, : len(row)] = row[:LENGTH]
    return found


_TOKENS = {i: [_NUMBER[name]] for i, name in enumerate(OPERATORS)} | {
    VARIABLE + i: [_NUMBER[f"x{i}"]] for i in range(12)
}
_INTEGERS = {k: [_NUMBER[token] for token in integer_tokens(k)] for k in range(-LARGEST_INTEGER, LARGEST_INTEGER + 1)}

Rows = tuple[NDArray[np.int64], NDArray[np.bool_]]


def balanced(rng: np.random.Generator, degree: int, count: int) -> Rows:
    """Token numbers and answers of systems, half of them stable as far as there are enough."""
    given = forest(rng, "stability", count, degree, 0)
    stable = abscissae(given.jacobian) < 0
    few = np.flatnonzero(stable)
    others = np.flatnonzero(~stable)[: max(1, len(few))]
    chosen = np.concatenate([few, others])
    return _only(given, chosen), stable[chosen]


def _only(given: Forest, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = (chosen[:, None] * given.degree + np.arange(given.degree)).ravel()
    nodes = [np.arange(*given.start[row : row + 2]) for row in rows]
    start = np.concatenate([[0], np.cumsum([len(part) for part in nodes])])
    at = np.concatenate(nodes) if nodes else np.zeros(0, int)
    fields = {
        name: getattr(given, name)[at] for name in ("symbol", "number", "left", "right", "value", "slope", "adjoint")
    }
    part = Forest(
        given.task, given.degree, given.controls, given.point, **fields, start=start, jacobian=given.jacobian[chosen]
    )
    return token_numbers(part)


@dataclass
class BaselineTask:
    """Local stability, degrees 2 to 5, half of the systems stable."""

    shape: TransformerShape
    _pool: dict[int, Rows] = field(default_factory=dict)
    _step: int = 0

    def network(self) -> nn.Module:
        """A fresh one."""
        return TokenTransformer(self.shape)

    def load(self, path: Path) -> nn.Module:
        """There are no shipped files."""
        raise SystemExit(f"{path}: the baseline is not shipped")

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Cross entropy of the verdict."""
        if self._step % REFRESH == 0:
            for degree, _, _ in sizes("stability"):
                fresh = balanced(rng, degree, DRAWN * 4 ** (degree - 2))
                before = self._pool.get(degree, fresh)
                self._pool[degree] = tuple(np.concatenate(x)[:40_000] for x in zip(fresh, before, strict=True))  # type: ignore[assignment]
        self._step += 1
        parts = []
        for tokens, stable in self._pool.values():
            chosen = rng.integers(0, len(tokens), batch // len(self._pool))
            parts.append((tokens[chosen], stable[chosen]))
        tokens, stable = (np.concatenate(x) for x in zip(*parts, strict=True))
        longest = int((tokens != _PADDING).sum(1).max())
        said = network(torch.from_numpy(tokens[:, :longest]).to(device))
        return binary_cross_entropy_with_logits(said, torch.from_numpy(stable.astype(np.float32)).to(device))

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages right by degree, on fixed systems, half of them stable."""
        rng, table = np.random.default_rng(990_000), {}
        for degree, _, _ in sizes("stability"):
            tokens, stable = balanced(rng, degree, 1000 * 4 ** (degree - 2))
            longest = int((tokens != _PADDING).sum(1).max())
            with torch.no_grad():
                said = network(torch.from_numpy(tokens[:, :longest]).to(device)) > 0
            table[f"degree {degree}"] = 100 * float((said.cpu().numpy() == stable).mean())
        return table | {"mean": sum(table.values()) / len(table)}

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write down how far it has come."""
        scores = self.validation(network, next(network.parameters()).device)
        weights = sum(value.numel() for value in network.parameters())
        text = json.dumps({"network": self.shape.as_dict(), "weights": weights, "training": record, "scores": scores})
        write_whole({folder / "baseline.json": (text + "\n").encode()})
        return True

    def settings(self) -> dict[str, Any]:
        """What else decides the data."""
        return {"task": "stability"}


def main() -> None:
    """The command line."""
    parser = training.parser(
        "token_baseline", (__doc__ or "").splitlines()[0], batch=128, minutes=15.0, of_plants=False
    )
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    given = parser.parse_args()
    training.run(BaselineTask(TransformerShape(given.width, given.layers)), given)


if __name__ == "__main__":
    main()
