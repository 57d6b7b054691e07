"""Model files with their cards: read, compared, and written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import onnx
import torch
from torch import Tensor, nn

from hybrid.errors import ModelError
from hybrid.whole_files import write_whole

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)

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


def load(path: Path, schema: str, build: Callable[[dict[str, int]], AnyNetwork]) -> AnyNetwork:
    """The network of an exported file; `build` makes one of its shape.

    Raises:
        ModelError: it is no ONNX file, or not one of this schema.
    """
    shape, stored = read(path, schema)
    network = build(shape)
    network.load_state_dict({name: stored[name] for name in network.state_dict()})
    return network


def ship(
    network: AnyNetwork,
    target: Path,
    validation: float,
    convert: Callable[[AnyNetwork], onnx.ModelProto],
    describe: Callable[[bytes], dict[str, Any]],
    measure: Callable[[Path], dict[str, Any]] | None = None,
) -> bool:
    """Export a network, with its card, if no better one lies in its place; whether it did.

    Args:
        network: on any device; on the CPU while it is converted and described.
        target: the file.
        validation: a percentage, by which models are compared.
        convert: to an ONNX model.
        describe: what the card says beside name, size and digest of the exported bytes; it may refuse them.
        measure: how good the file is, for the card.
    """
    if not is_best(target, validation):
        return False
    device = next(network.parameters()).device
    exported = convert(network.cpu()).SerializeToString()
    card = {"name": target.name, **describe(exported), "validation": round(validation, 4), **digest(exported)}
    network.to(device)
    write(target, exported, card)
    if measure is not None:
        write(target, exported, card | measure(target))
    return True


def named(file: Path) -> str:
    """The name and hash of a model, as answers give its source."""
    return f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"


def digest(exported: bytes) -> dict[str, Any]:
    """What a card says of the bytes it belongs to."""
    return {"sha256": hashlib.sha256(exported).hexdigest(), "bytes": len(exported), "licence": "BSD-3-Clause"}


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
