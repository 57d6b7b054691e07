"""From torch to a shipped ONNX file and back: parity, shipping with a card, weights of a shipped file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from hybrid.errors import ModelError
from hybrid.propose.canonical import FloatArray, canonical_pair
from hybrid.propose.gain import SCHEMA, model_name

from .card import model_card
from .distributions import mixed
from .graph import to_model
from .network import RiccatiNetwork, Shape

PARITY = 1e-4
"""Allowed difference of torch and ONNX Runtime: rounding in float32, through all stages."""


def load_weights(path: Path) -> dict[str, Tensor]:
    """The parameters in an exported file, by name, ready for `load_state_dict`."""
    model = _read(path)
    return {
        tensor.name: torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        for tensor in model.graph.initializer
        if tensor.name.startswith("stages.")
    }


def load_network(path: Path) -> RiccatiNetwork:
    """The torch network of an exported file."""
    properties = {entry.key: entry.value for entry in _read(path).metadata_props}
    if properties.get("hybrid_schema") != SCHEMA:
        raise ModelError(f"{path}: not a model exported by hybrid ({SCHEMA})")
    network = RiccatiNetwork(Shape(**json.loads(properties["shape"])))
    network.load_state_dict(load_weights(path))
    return network


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
    card_path = target.with_suffix(".json")
    if target.exists() and card_path.exists():
        card = json.loads(card_path.read_text(encoding="utf-8"))
        if card["validation"] >= round(validation, 4):
            return False
    device = next(module.parameters()).device
    module.cpu()
    exported = to_model(module).SerializeToString()
    difference = parity(module, exported, inputs)
    module.to(device)
    if not difference <= PARITY:
        raise ModelError(f"{target.name}: torch and ONNX Runtime differ by {difference:.1e}, more than {PARITY:.0e}")
    card = model_card(target.name, exported, module.shape, record, inputs)
    card |= {"validation": round(validation, 4), "parity": float(f"{difference:.1e}")}
    folder.mkdir(parents=True, exist_ok=True)
    _replace(target, exported)
    _replace(card_path, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
    return True


def _read(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(path)
    except Exception as cause:  # protobuf and onnx raise many kinds
        raise ModelError(f"{path}: cannot be read as an ONNX file ({type(cause).__name__})") from cause


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
