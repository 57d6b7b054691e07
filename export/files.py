"""Model files with their cards: read, compared, and written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from hybrid.errors import ModelError
from hybrid.whole_files import write_whole

HALF = ".half"
"""Ends the names of weights that are stored in half precision."""


def read(path: Path, schema: str) -> tuple[dict[str, int], dict[str, Tensor]]:
    """The shape of the network in an exported file, and its stored tensors by name.

    Raises:
        ModelError: it is no ONNX file, or not one of this schema.
    """
    try:
        model = onnx.load(path)
    except Exception as cause:  # protobuf and onnx raise many kinds
        raise ModelError(f"{path}: cannot be read as an ONNX file ({type(cause).__name__})") from cause
    properties = {entry.key: entry.value for entry in model.metadata_props}
    if properties.get("hybrid_schema") != schema:
        raise ModelError(f"{path}: not a model exported by hybrid ({schema})")
    stored = {}
    for tensor in model.graph.initializer:
        value = torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
        stored[tensor.name.removesuffix(HALF)] = value.float() if tensor.name.endswith(HALF) else value
    return json.loads(properties["shape"]), stored


def fill(network: nn.Module, stored: Mapping[str, Tensor]) -> None:
    """Give a network its parameters among the stored tensors."""
    network.load_state_dict({name: stored[name] for name in network.state_dict()})


def is_best(target: Path, validation: float) -> bool:
    """Whether no model of at least this validation lies where one would be written.

    A card that is not the model's own says nothing about it: the process was killed after it had replaced one of them.
    """
    card = target.with_suffix(".json")
    if not (target.exists() and card.exists()):
        return True
    described = json.loads(card.read_text(encoding="utf-8"))
    if described.get("sha256") != hashlib.sha256(target.read_bytes()).hexdigest():
        return True
    return bool(described["validation"] < round(validation, 4))


def write(target: Path, exported: bytes, card: dict[str, Any]) -> None:
    """A model and its card beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    described = (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode()
    write_whole({target: exported, target.with_suffix(".json"): described})


def write_somewhere(target: Path, exported: bytes, card: dict[str, Any]) -> Path:
    """A model and its card, in the folder for temporary files where their own place takes them no more; where they are.

    Hours of training are not to be lost to a disk that has become full meanwhile.

    Raises:
        OSError: no place takes them; the first one's own words.
    """
    try:
        write(target, exported, card)
        return target
    except OSError as error:
        kept = Path(tempfile.mkdtemp(prefix="hybrid-"), target.name)
        try:
            write(kept, exported, card | {"name": kept.name})
        except OSError:
            raise error from None
        return kept


def require_parity(name: str, difference: float, allowed: float) -> None:
    """Refuse to ship a model that ONNX Runtime and torch disagree on."""
    if not difference <= allowed:
        raise ModelError(f"{name}: torch and ONNX Runtime differ by {difference:.1e}, more than {allowed:.0e}")
