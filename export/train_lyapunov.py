"""Train a network that proposes Lyapunov matrices of stable A: the Riccati network with no input.

    python -m hybrid.export.train_lyapunov --n 4 --minutes 3 --out runs/lyapunov-n4

Labels come from stacked doubling; see `training.py` for the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from hybrid.propose.canonical import CANONICAL_FORM
from hybrid.propose.lyapunov_matrix import SCHEMA, LyapunovProposer, canonical_matrix, model_name
from hybrid.verify.lyapunov import FloatArray, prove_below

from . import files, training
from .distributions import FAMILIES, Family, mixed
from .graph import to_model
from .losses import divergence, riccati_residual
from .network import RiccatiNetwork, Shape
from .riccati import solve_care
from .train import STAGE_WEIGHT

SLOWEST_DECAY = -2.0
"""log₁₀ of the least distance from the imaginary axis, relative to the size of A."""


def stable(rng: np.random.Generator, family: Family, count: int, n: int) -> FloatArray:
    """A (N, n, n) of a family of pairs, moved along the real axis until it has decay 10⁻² to 1 times ‖A‖_F/√n."""
    A = family(rng, count, n, 1)[0]
    size = np.linalg.norm(A, axis=(1, 2)) / np.sqrt(n)
    decay = size * 10 ** rng.uniform(SLOWEST_DECAY, 0.0, count)
    excess = np.linalg.eigvals(A).real.max(axis=1) + np.where(decay > 0, decay, 1.0)
    return np.asarray(A - excess[:, None, None] * np.eye(n))


@dataclass(frozen=True)
class LyapunovTask:
    """P of AᵀP + PA + I = 0."""

    shape: Shape

    def network(self) -> nn.Module:
        """A fresh one."""
        return RiccatiNetwork(self.shape)

    def load(self, path: Path) -> nn.Module:
        """That of a shipped file."""
        return files.load(path, SCHEMA, lambda shape: RiccatiNetwork(Shape(**shape)))

    def loss(self, network: nn.Module, rng: np.random.Generator, batch: int, device: torch.device) -> Tensor:
        """Residual of the last guess, and divergence of every guess from the label."""
        assert isinstance(network, RiccatiNetwork)
        pair = canonical_matrix(stable(rng, mixed, batch, self.shape.n))
        a, q = (torch.from_numpy(x).to(device) for x in (pair.A, pair.Q))
        P = solve_care(a, torch.zeros_like(a), q, doublings=16)
        sign, log_determinant = torch.linalg.slogdet(P)
        usable = torch.isfinite(log_determinant) & (sign > 0)
        a, q, P, log_determinant = (x[usable].float() for x in (a, q, P, log_determinant))
        *earlier, last = network.guesses(a, torch.zeros_like(a[:, :, :1]), q)
        loss = riccati_residual(last, shift=0.0).mean() + divergence(last, P, log_determinant).mean()
        for guess in earlier:
            loss = loss + STAGE_WEIGHT * divergence(guess, P, log_determinant).mean()
        return loss

    def validation(self, network: nn.Module, device: torch.device) -> dict[str, float]:
        """Percentages of fixed stable matrices that the guess proves stable."""

        def propose(A: FloatArray) -> FloatArray:
            pair = canonical_matrix(A)
            with torch.no_grad():
                a, q = (torch.from_numpy(x).float().to(device) for x in (pair.A, pair.Q))
                return pair.riccati_from_factor(network(a, torch.zeros_like(a[:, :, :1]), q).cpu().numpy())

        return _scores(propose, self.shape.n, seed=990_000, count=1000)

    def ship(self, network: nn.Module, record: dict[str, Any], validation: float, folder: Path) -> bool:
        """Write the model with its card if it is the best in the folder."""
        assert isinstance(network, RiccatiNetwork)
        about = {
            "task": "propose P = GᵀG, the Lyapunov matrix of a stable A for Q = I",
            "schema": SCHEMA,
            "canonical_form": CANONICAL_FORM,
            "network": self.shape.as_dict(),
            "training": record | {"data": (stable.__doc__ or "").strip()},
        }

        def convert(network: RiccatiNetwork) -> onnx.ModelProto:
            return to_model(network, SCHEMA, halved=True)

        def measure(file: Path) -> dict[str, Any]:
            metrics = _scores(LyapunovProposer(file).propose_batch, self.shape.n, seed=770_000, count=2000)
            note = "percentages of fresh stable matrices that the proposal proves stable"
            return {"metrics": metrics, "metrics_note": note}

        target = folder / model_name(self.shape.n)
        return files.ship(network, target, validation, convert, lambda _: about, measure)

    def settings(self) -> dict[str, Any]:
        """Nothing beside the shape."""
        return {}


def _scores(propose: Any, n: int, seed: int, count: int) -> dict[str, float]:
    """Percentages that the guesses prove, for Gaussian and mixed matrices, and their mean."""
    table = {}
    for name, family in (("gaussian", FAMILIES["gaussian"]), ("mixed", mixed)):
        A = stable(np.random.default_rng(seed), family, count, n)
        table[name] = 100 * float(prove_below(A, propose(A), 0.0, discrete=False).mean())
    return table | {"mean": sum(table.values()) / len(table)}


def main() -> None:
    """The command line."""
    parser = training.parser("train_lyapunov", (__doc__ or "").splitlines()[0], batch=512, minutes=3.0)
    parser.add_argument("--stages", type=int, default=3)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=1)
    given = parser.parse_args()
    training.run(LyapunovTask(Shape(given.n, given.stages, given.width, given.blocks)), given)


if __name__ == "__main__":
    main()
