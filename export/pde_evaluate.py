"""How often the PDE network is right: on fresh equations, and on those of the paper's generator.

    python -m hybrid.export.pde_evaluate hybrid/models/pde.onnx --paper ../shared/paper/fourier.jsonl --write

prints one JSON object; with `--write` it goes into the model's card.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.propose.pde import PDEProposer, balances, in_box
from hybrid.propose.pde_features import Features, features
from hybrid.systems.pde import LinearPDE

from .files import write
from .paper_files import PaperPDE, read_paper_file
from .pde_labels import ROUNDING, BoolArray, Labelled, draw_labelled
from .pde_systems import FloatArray, Symbols

STACK = 256
TEST_SEED, TEST_COUNT = 770_000, 20_000
NOTE = (
    "percentages of fresh equations, existence and decay both right: by the paper's rule, and in truth as search can "
    "tell; of those that do not decay, how many have a proposed frequency of negative Re P. On the paper's own "
    "systems, never trained on: its labels, by dimension, and with ξ = 0.5 in the box"
)

Reader = Callable[[Features], Sequence[FloatArray]]
"""Logits and points, as `PDEProposer.read` returns them first."""


def score_labelled(given: Labelled, read: Reader) -> dict[str, float]:
    """Percentages "paper", "truth", "frequency" and their mean."""
    logits, points = answers(given.symbols, read)
    paper, truth = verdicts(logits)
    falling = ~given.truth[:, 1]
    table = {
        "paper": _percentage((paper == given.paper).all(1)),
        "truth": _percentage((truth == given.truth).all(1)),
        "frequency": _percentage(has_negative(given.symbols, points)[falling]),
    }
    return table | {"mean": sum(table.values()) / len(table)}


def answers(given: Symbols, read: Reader) -> tuple[FloatArray, FloatArray]:
    """Logits (N, 6) and points (N, 6, K) of equations of all sizes."""
    logits, points = [], []
    for rows in np.array_split(np.arange(len(given.terms)), -(-len(given.terms) // STACK)):
        some = given.take(rows)
        found = read(features(some.dimension, some.coefficient, some.power, some.low, some.high))
        logits.append(found[0])
        points.append(found[1])
    return np.concatenate(logits), np.concatenate(points)


def verdicts(logits: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Existence and decay (N, 2) by the paper's rule and in truth: the likeliest of three classes each."""
    paper, truth = (np.stack([each >= 1, each == 2], axis=1) for each in logits.reshape(-1, 2, 3).argmax(2).T)
    return paper, truth


def has_negative(given: Symbols, points: FloatArray) -> BoolArray:
    """Whether one of the points of each equation has a negative Re P, by more than rounding."""
    found = balances(given.coefficient, given.power, in_box(points.astype(np.float64), given.low, given.high))
    return np.asarray(found.min(1) < -ROUNDING)


def score_paper(proposer: PDEProposer, file: Path) -> dict[str, float]:
    """Percentages of the paper's labels, existence and decay both right: of all, by dimension, by where 0.5 is."""
    cases = [case for case in read_paper_file(file) if isinstance(case, PaperPDE)]
    equations = [LinearPDE.from_text(x.operator, x.initial_condition, x.degree, paper=True) for x in cases]
    found = proposer.propose(equations)
    labels = [(case.label.exists, case.label.decays) for case in cases]
    right = np.array(
        [
            x is not None and (x.paper_exists > 0.5, x.paper_decays > 0.5) == y
            for x, y in zip(found, labels, strict=True)
        ]
    )
    dimension = np.array([case.degree for case in cases])
    inside = np.array([all(a == b or a <= np.pi <= b for a, b in equation.support) for equation in equations])
    by_dimension = {f"n={n}": _percentage(right[dimension == n]) for n in np.unique(dimension)}
    return {"all": _percentage(right), "start in the box": _percentage(right[inside])} | by_dimension


def metrics(file: Path, paper: Path | None) -> dict[str, Any]:
    """What a model file does, with what the numbers mean."""
    proposer = PDEProposer(file)
    fresh = draw_labelled(np.random.default_rng(TEST_SEED), TEST_COUNT)
    found: dict[str, Any] = {"fresh": score_labelled(fresh, proposer.read)}
    if paper is not None:
        found["the paper's systems"] = score_paper(proposer, paper)
    return {"metrics": found, "metrics_note": NOTE}


def _percentage(right: BoolArray) -> float:
    return round(100 * float(right.mean()), 2)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.pde_evaluate", description="Measure a PDE model.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--paper", type=Path, help="fourier.jsonl, systems of the paper's generator")
    parser.add_argument("--write", action="store_true", help="put the numbers into the model's card")
    given = parser.parse_args()
    found = metrics(given.model, given.paper)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    if given.write:
        card = json.loads(given.model.with_suffix(".json").read_text(encoding="utf-8"))
        write(given.model, given.model.read_bytes(), card | found)


if __name__ == "__main__":
    main()
