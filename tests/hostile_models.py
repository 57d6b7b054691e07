"""Model files that pass for ours and do something else: a graph of any kind behind the metadata of a gain model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hybrid.propose.gain import FORM

Nodes = Callable[[], tuple[Sequence[Any], Sequence[Any]]]


def constant(name: str, value: Any) -> Any:
    return numpy_helper.from_array(np.asarray(value), name)


def endless() -> tuple[Sequence[Any], Sequence[Any]]:
    """A loop of 2⁶² turns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Cos", ["x"], ["y"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
        ],
    )
    return [helper.make_node("Loop", ["turns", "", "A"], ["G"], body=body)], [constant("turns", np.int64(2**62))]


def scaled(factor: float) -> Nodes:
    """G = factor · A: NaN, inf, or too large."""
    return lambda: ([helper.make_node("Mul", ["A", "k"], ["G"])], [constant("k", np.float32(factor))])


def other_shape() -> tuple[Sequence[Any], Sequence[Any]]:
    """G has another shape than the file declares."""
    return [helper.make_node("Reshape", ["A", "s"], ["G"])], [constant("s", np.array([-1, 2], dtype=np.int64))]


def enormous() -> tuple[Sequence[Any], Sequence[Any]]:
    """G has 2⁴⁶ entries, whatever the file declares."""
    return [helper.make_node("ConstantOfShape", ["s"], ["G"])], [constant("s", np.array([2**30, 2**8, 2**8]))]


def failing() -> tuple[Sequence[Any], Sequence[Any]]:
    """An index that no tensor has."""
    return [helper.make_node("Gather", ["A", "i"], ["G"], axis=1)], [constant("i", np.full(4, 99))]


def text() -> tuple[Sequence[Any], Sequence[Any]]:
    """G is text."""
    return [helper.make_node("Cast", ["A"], ["G"], to=TensorProto.STRING)], []


def write(nodes: Nodes, file: Path, n: int = 4, kind: int = TensorProto.FLOAT) -> Path:
    """A file of the form of gain models for n states."""
    made, constants = nodes()
    shapes = {name: ["N", *shape] for name, shape in FORM.shapes(n).items()}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in "ABQ"]
    outputs = [helper.make_tensor_value_info("G", kind, shapes["G"])]
    graph = helper.make_graph(made, "g", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"hybrid_schema": FORM.schema, "canonical_form": FORM.canonical_form})
    onnx.save(model, file)
    return file
