"""Riccati networks from torch to a shipped ONNX file and back: parity, shipping with a card, weights of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from hybrid.propose.canonical import FloatArray, canonical_pair
from hybrid.propose.gain import SCHEMA, model_name

from . import files
from .card import model_card
from .distributions import mixed
from .graph import to_model
from .network import RiccatiNetwork, Shape

PARITY = 1e-4
"""Allowed difference of torch and ONNX Runtime: rounding in float32, through all stages."""


def load_network(path: Path) -> RiccatiNetwork:
    """The torch network of an exported file."""
    return files.load(path, SCHEMA, lambda shape: RiccatiNetwork(Shape(**shape)))


def parity(network: RiccatiNetwork, exported: bytes, inputs: tuple[int, ...], count: int = 256) -> float:
    """How far torch and ONNX Runtime differ on mixed pairs, in coordinates where the guess of torch is I.

    99 % of the pairs differ by less in every entry. Not the largest difference: a pair that is nearly
    uncontrollable magnifies the rounding of any program.
    """
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    worst = 0.0
    for m in inputs:
        pair = canonical_pair(*mixed(np.random.default_rng(m), count, network.shape.n, m))
        a, b, q = (np.asarray(x, dtype=np.float32) for x in (pair.A, pair.B, pair.Q))
        with torch.no_grad():
            *_, guess = network.guesses(*(torch.from_numpy(x) for x in (a, b, q)))
        H = guess.H.double().numpy()
        G: FloatArray = session.run(None, {"A": a, "B": b, "Q": q})[0].astype(np.float64)
        difference = np.abs(G @ H - np.eye(network.shape.n)).max(axis=(1, 2))
        worst = max(worst, float(np.quantile(difference, 0.99)))
    return worst


def ship(module: nn.Module, record: dict[str, Any], validation: float, inputs: tuple[int, ...], folder: Path) -> bool:
    """Export to `folder` with a card if no better model of this order lies there; whether it did."""
    assert isinstance(module, RiccatiNetwork)
    target = folder / model_name(module.shape.n)

    def describe(exported: bytes) -> dict[str, Any]:
        difference = parity(module, exported, inputs)
        files.require_parity(target.name, difference, PARITY)
        card = model_card(exported, module.shape, record, inputs)
        return card | {"parity": float(f"{difference:.1e}")}

    return files.ship(module, target, validation, to_model, describe)
