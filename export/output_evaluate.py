"""How good raw output gains are on fresh plants: one of the candidates stable, and proved to be.

python -m hybrid.export.output_evaluate hybrid/models/sof-n4.onnx
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from hybrid.batch.kernels.lyapunov import costs
from hybrid.propose.output_gain import CHANNELS, gains_from, stepping, trained_steps
from hybrid.verify.lyapunov import BoolArray, FloatArray, closed_loop, prove_below

from .output_systems import FAMILIES, Family, Triples, mixed, plants, structure

Proposer = Callable[[Triples, BoolArray], FloatArray]
"""Stacked plants and one structure (m, p) to candidates K (N, c, m, p)."""


@dataclass(frozen=True)
class OutputScore:
    """Percentages of the plants.

    Attributes:
        stabilising: one of the raw candidates gives a Hurwitz closed loop, by its eigenvalues.
        proved: the candidate of least abscissa is proved by the float proof, with P of MᵀP + PM + I = 0.
        first: the first candidate alone is stabilising.
    """

    stabilising: float
    proved: float
    first: float

    def as_dict(self) -> dict[str, float]:
        """The fields by name, rounded for a card."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def proposer_of(exported: bytes) -> Proposer:
    """The candidates of an exported model after all its steps, by ONNX Runtime on the CPU."""
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    network = stepping(session, trained_steps(session.get_modelmeta().custom_metadata_map))
    return lambda triples, free: gains_from(network, *triples, free)


def score(proposer: Proposer, triples: Triples, free: BoolArray) -> OutputScore:
    """Score raw candidates on a stack of plants that some gain of this structure stabilises."""
    A, B, C = triples
    K = proposer(triples, free)
    abscissa = np.linalg.eigvals(A[:, None] - B[:, None] @ K @ C[:, None]).real.max(-1)
    best = abscissa.argmin(1)
    return OutputScore(
        stabilising=100 * float((abscissa.min(1) < 0).mean()),
        proved=100 * float(proves(A, B, C, K[np.arange(len(K)), best]).mean()),
        first=100 * float((abscissa[:, 0] < 0).mean()),
    )


def proves(A: FloatArray, B: FloatArray, C: FloatArray, K: FloatArray) -> BoolArray:
    """Which gains K (N, m, p) are proved stabilising; K C is rounded first and that rounding taken as a radius."""
    gain = K @ C
    rounding = (C.shape[1] + 2) * 2.0**-53 * (np.abs(K) @ np.abs(C))
    midpoint, radius = closed_loop(A, B, gain, None, None, rounding)
    P = costs(np.ascontiguousarray(midpoint), 0.0, False)
    return prove_below(midpoint, P, 0.0, discrete=False, radius=radius)


def validation_score(proposer: Proposer, n: int, count: int = 500) -> dict[str, float]:
    """Stabilising percentages on fixed mixed plants by numbers of channels, on structured gains, and their mean."""
    table = {}
    for m, p in ((1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 4)):
        triples = plants(np.random.default_rng(990_000 + 10 * m + p), count, n, m, p)
        table[f"m={m} p={p}"] = score(proposer, triples, np.ones((m, p), dtype=bool)).stabilising
    table["structured"] = float(np.mean([score(proposer, *_structured(n, i)).stabilising for i in range(10)]))
    return table | {"mean": sum(table.values()) / len(table)}


def card_scores(proposer: Proposer, n: int, count: int) -> dict[str, dict[str, float]]:
    """Scores on fresh plants for every m, p ≤ 3 and 4, 4, for each family, and on structured gains."""
    sizes = [(m, p) for m in (1, 2, 3) for p in (1, 2, 3)] + [(CHANNELS, CHANNELS)]
    cases: list[tuple[str, Family, int, int]] = [(f"mixed n={n}", mixed, m, p) for m, p in sizes]
    cases += [(f"{name} n={n}", family, m, m) for name, family in FAMILIES.items() for m in (1, 2, 3)]
    scores = {}
    for name, family, m, p in cases:
        triples = plants(np.random.default_rng(770_000 + 10 * m + p), count, n, m, p, family=family)
        scores[f"{name} m={m} p={p}"] = score(proposer, triples, np.ones((m, p), dtype=bool)).as_dict()
    return scores


def _structured(n: int, seed: int) -> tuple[Triples, BoolArray]:
    """A hundred plants with a random structure of three inputs and three outputs."""
    rng = np.random.default_rng([880_000, seed])
    free = structure(rng, 3, 3)
    return plants(rng, 100, n, 3, 3, free), free


def main() -> None:
    """Print the scores of a model file."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.output_evaluate", description="Score output gains.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=1000, help="plants of each kind")
    given = parser.parse_args()
    exported = given.model.read_bytes()
    n = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"]).get_inputs()[0].shape[-1]
    print(f"{'plants':26} stabilising  proved")
    for name, row in card_scores(proposer_of(exported), n, given.count).items():
        print(f"{name:26} {row['stabilising']:11.1f}  {row['proved']:6.1f}")


if __name__ == "__main__":
    main()
