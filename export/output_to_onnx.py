"""Output-gain networks from torch to a shipped ONNX file and back: parity, card, shipping.

    python -m hybrid.export.output_to_onnx hybrid/models/sof-n4.onnx

writes the graph of this version around the weights of an exported file, and its card, whose metrics stay.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from hybrid.propose.canonical_triple import CANONICAL_FORM, canonical_triple
from hybrid.propose.output_gain import CANDIDATES, SCHEMA, model_name, network_inputs, stepping
from hybrid.verify.lyapunov import FloatArray

from . import files
from .output_evaluate import card_scores, proposer_of
from .output_graph import to_model
from .output_losses import MARGIN, RUNNERS_UP, SOFTNESS
from .output_network import OutputGainNetwork, OutputShape
from .output_systems import FAMILIES, MIXTURE, plants

PARITY = 1e-4
"""Allowed difference of torch and ONNX Runtime relative to 1 + |K|: rounding in float32."""

COUNT = 1000


def load_network(path: Path) -> OutputGainNetwork:
    """The torch network of an exported file."""
    return files.load(path, SCHEMA, lambda shape: OutputGainNetwork(OutputShape(**shape)))


def parity(network: OutputGainNetwork, exported: bytes, count: int = 256) -> float:
    """How far torch and ONNX Runtime differ, relative to 1 + |K|: at first, after one step, and after all.

    Until after one step 99 % of the entries of K differ by less; after all steps half of them do, because where two
    poles compete for the largest real part a step turns with the last bit, and later ones lead further apart.
    """
    first, one, *_, last = _differences(network, exported, count)
    return max(*(float(np.quantile(x, 0.99)) for x in (first, one)), float(np.median(last)))


def _differences(network: OutputGainNetwork, exported: bytes, count: int) -> list[FloatArray]:
    """After 0, 1, and all steps: of every entry that belongs to a channel, for plants of several sizes."""
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    found: list[list[FloatArray]] = [[], [], []]
    for m, p in ((1, 1), (3, 2), (4, 4)):
        triples = plants(np.random.default_rng(10 * m + p), count, network.shape.n, m, p)
        named = network_inputs(canonical_triple(*triples), np.ones((m, p), dtype=bool))
        with torch.no_grad():
            A, B, C, free = (torch.from_numpy(named[name]) for name in ("A", "B", "C", "free"))
            guesses = [guess.numpy() for guess in network.guesses(A, B, C, free, steps=max(1, network.shape.steps))]
        for differences, steps in zip(found, (0, 1, network.shape.steps), strict=True):
            ours = guesses[steps]
            difference = np.abs(stepping(session, steps)(named) - ours) / (1 + np.abs(ours))
            differences.append(difference[:, :, :m, :p].reshape(-1).astype(np.float64))
    return [np.concatenate(differences) for differences in found]


def ship(network: OutputGainNetwork, record: dict[str, Any], validation: float, folder: Path) -> bool:
    """Export to `folder` with a card if no better model of this order lies there; whether it did."""
    target = folder / model_name(network.shape.n)

    def describe(exported: bytes) -> dict[str, Any]:
        difference = parity(network, exported)
        files.require_parity(target.name, difference, PARITY)
        return model_card(exported, network.shape, record) | {"parity": float(f"{difference:.1e}")}

    return files.ship(network, target, validation, to_model, describe)


def model_card(exported: bytes, shape: OutputShape, record: dict[str, Any]) -> dict[str, Any]:
    """Everything about an exported model that its bytes do not say, measured on those bytes."""
    losses = {"margin": MARGIN, "softness": SOFTNESS, "runners_up": RUNNERS_UP}
    families = {name: " ".join((family.__doc__ or "").split()) for name, family in FAMILIES.items()}
    return {
        "task": f"propose {CANDIDATES} output gains K, u = −K y, of which one should make A − B K C Hurwitz",
        **_form(shape),
        "network": shape.as_dict(),
        "training": record | {"loss": losses, "mixture": MIXTURE, "families": families},
        "metrics": card_scores(proposer_of(exported), shape.n, COUNT),
        "metrics_note": f"{COUNT} fresh unstable plants with a known gain for each entry; percentages with one of the "
        "raw candidates stabilising, with the best one proved, and with the first one alone stabilising",
    }


def _form(shape: OutputShape) -> dict[str, Any]:
    """What a card says of the file as such."""
    n = shape.n
    return {
        "schema": SCHEMA,
        "canonical_form": CANONICAL_FORM,
        "inputs": {"A": ["N", n, n], "B": ["N", n, 4], "C": ["N", 4, n], "free": ["N", 4, 4], "steps": []},
        "outputs": {"K": ["N", CANDIDATES, 4, 4]},
        "steps": shape.steps,
    }


def renew(file: Path) -> None:
    """Write the graph of this version around the weights of an exported file; torch has to agree with it.

    Raises:
        ModelError: it is no model of ours, or torch and ONNX Runtime disagree.
    """
    network = load_network(file)
    exported = to_model(network).SerializeToString()
    difference = parity(network, exported)
    files.require_parity(file.name, difference, PARITY)
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    renewed = {**_form(network.shape), **files.digest(exported), "parity": float(f"{difference:.1e}")}
    files.write(file, exported, card | renewed)


def main() -> None:
    """Renew the graphs of model files."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.output_to_onnx", description="Renew model files.")
    parser.add_argument("models", type=Path, nargs="+")
    for file in parser.parse_args().models:
        renew(file)


if __name__ == "__main__":
    main()
