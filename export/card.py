"""The card of a shipped model: what it does, what it was trained on, how good it is, and its hash.

    python -m hybrid.export.card hybrid/models/lqr-n4.onnx

measures the model again and writes the numbers into its card.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.propose.canonical import CANONICAL_FORM
from hybrid.propose.gain import SCHEMA

from .distributions import FAMILIES, MIXTURE, mixed
from .evaluation import ENDS, as_file, score_pairs
from .files import write
from .losses import SHIFT
from .network import Shape

EVALUATION_SEED = 770_000
COUNT = 2000


def model_card(exported: bytes, shape: Shape, record: dict[str, Any], inputs: tuple[int, ...]) -> dict[str, Any]:
    """Everything about an exported model that its bytes do not say, measured on those bytes."""
    return {
        "task": "propose the Riccati matrix P = GᵀG, hence the gain K = BᵀP and its Lyapunov proof, for Q = I, R = I",
        "schema": SCHEMA,
        "canonical_form": CANONICAL_FORM,
        "inputs": {"A": ["N", shape.n, shape.n], "B": ["N", shape.n, "m"], "Q": ["N", shape.n, shape.n]},
        "outputs": {"G": ["N", shape.n, shape.n]},
        "m": list(inputs),
        "network": shape.as_dict(),
        "training": record | {"shift": SHIFT, "mixture": MIXTURE, "families": _families()},
        **metrics(exported, shape.n, inputs),
    }


def metrics(exported: bytes, n: int, inputs: tuple[int, ...]) -> dict[str, Any]:
    """How the question for a gain ends on fresh systems, with what the numbers mean."""
    found = {}
    with as_file(exported) as file:
        for name, family in (("gaussian", FAMILIES["gaussian"]), ("mixed", mixed)):
            for m in inputs:
                A, B = family(np.random.default_rng(EVALUATION_SEED + m), COUNT, n, m)
                score = score_pairs(name, A, B, file)
                shares = {end: round(score.share(end), 4) for end in ENDS}
                ratio = None if score.cost_ratio is None else round(score.cost_ratio, 4)
                found[f"{name} n={n} m={m}"] = {**shares, "cost_ratio": ratio}
    note = f"percentages of {COUNT} fresh systems; cost_ratio is the median of J(K)/J(LQR) of raw gains that stabilise"
    return {"metrics": found, "metrics_note": note}


def _families() -> dict[str, str]:
    """The first line of each generator's description."""
    return {name: (family.__doc__ or "").splitlines()[0] for name, family in FAMILIES.items()}


def main() -> None:
    """Measure models again."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.card", description="Measure gain models again.")
    parser.add_argument("models", type=Path, nargs="+")
    for file in parser.parse_args().models:
        exported, card = file.read_bytes(), json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        write(file, exported, card | metrics(exported, card["network"]["n"], tuple(card["m"])))


if __name__ == "__main__":
    main()
