"""The card of a shipped model: what it does, what it was trained on, how good it is, and its hash."""

from __future__ import annotations

import hashlib
from typing import Any

from hybrid.propose.canonical import CANONICAL_FORM
from hybrid.propose.gain import SCHEMA

from .distributions import FAMILIES, MIXTURE, mixed
from .evaluate import Solver, score, solver_of
from .losses import SHIFT
from .network import Shape

EVALUATION_SEED = 770_000
COUNT = 2000


def model_card(
    name: str, exported: bytes, shape: Shape, record: dict[str, Any], inputs: tuple[int, ...]
) -> dict[str, Any]:
    """Everything about an exported model that its bytes do not say, measured on those bytes."""
    return {
        "name": name,
        "task": "propose the Riccati matrix P = GᵀG, hence the gain K = BᵀP and its Lyapunov proof, for Q = I, R = I",
        "schema": SCHEMA,
        "canonical_form": CANONICAL_FORM,
        "inputs": {"A": ["N", shape.n, shape.n], "B": ["N", shape.n, "m"], "Q": ["N", shape.n, shape.n]},
        "outputs": {"G": ["N", shape.n, shape.n]},
        "m": list(inputs),
        "network": shape.as_dict(),
        "training": record | {"shift": SHIFT, "mixture": MIXTURE, "families": _families()},
        "metrics": _metrics(solver_of(exported), shape.n, inputs),
        "metrics_note": f"{COUNT} fresh systems for each entry; percentages; cost_ratio is the median of J(K)/J(LQR)",
        "sha256": hashlib.sha256(exported).hexdigest(),
        "bytes": len(exported),
        "licence": "BSD-3-Clause",
    }


def _metrics(solver: Solver, n: int, inputs: tuple[int, ...]) -> dict[str, dict[str, float]]:
    return {
        f"{name} n={n} m={m}": score(solver, family, COUNT, n, m, EVALUATION_SEED + m).as_dict()
        for name, family in (("gaussian", FAMILIES["gaussian"]), ("mixed", mixed))
        for m in inputs
    }


def _families() -> dict[str, str]:
    """The first line of each generator's description."""
    return {name: (family.__doc__ or "").splitlines()[0] for name, family in FAMILIES.items()}
