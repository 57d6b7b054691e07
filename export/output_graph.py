"""The ONNX graph of an output-gain network, node by node; see `graph.py`."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

from hybrid.propose.canonical_triple import CANONICAL_FORM
from hybrid.propose.output_gain import CANDIDATES, CHANNELS, SCHEMA

from .graph import Graph, tensor
from .output_network import ENTRIES, SQUARINGS, TINY, OutputGainNetwork, Trunk


def to_model(network: OutputGainNetwork) -> onnx.ModelProto:
    """The network as a model with inputs A, B, C, free, steps and output K, and metadata that name its form.

    `steps` is how many learned steps the answer has behind it: 0 gives the first guesses, which cost a hundredth.
    """
    graph = _OutputGraph()
    graph.parameters(network)
    n = network.shape.n
    graph.nodes.append(helper.make_node("Identity", [_network(graph, network)], ["K"]))
    metadata = {"hybrid_schema": SCHEMA, "canonical_form": CANONICAL_FORM, "shape": json.dumps(network.shape.as_dict())}
    inputs = [
        tensor("A", n, n),
        tensor("B", n, CHANNELS),
        tensor("C", CHANNELS, n),
        tensor("free", CHANNELS, CHANNELS),
        helper.make_tensor_value_info("steps", TensorProto.INT64, []),
    ]
    return graph.model("output gain", inputs, [tensor("K", CANDIDATES, CHANNELS, CHANNELS)], metadata)


class _OutputGraph(Graph):
    """Matrices in stacks of stacks, (N, c, rows, columns)."""

    def transpose(self, matrix: str) -> str:
        return self.add("Transpose", matrix, perm=[0, 1, 3, 2])

    def number(self, value: float) -> str:
        """A float32 constant."""
        return self.constant(f"{value:.9g}f", np.array(value, dtype=np.float32))

    def shape(self, *shape: int) -> str:
        return self.constant("x".join(map(str, shape)), np.array(shape))

    def reshape(self, x: str, *shape: int) -> str:
        """A new shape; 0 keeps an axis, also that of an empty stack."""
        return self.add("Reshape", x, self.shape(*shape))

    def linear(self, x: str, layer: str) -> str:
        """A torch.nn.Linear over the last of any number of axes; ONNX Runtime transposes the weights when it loads."""
        weight = self.add("Transpose", f"{layer}.weight", perm=[1, 0])
        return self.add("Add", self.add("MatMul", x, weight), f"{layer}.bias")

    def scaled_asinh(self, x: str, factor: float) -> str:
        return self.add("Asinh", self.add("Mul", x, self.number(factor)))

    def repeated(self, count: str, x: str, step: Callable[[_OutputGraph, str], str]) -> str:
        """`step` applied to x so many times; it may read what is known outside, and has its own node names."""
        body = _OutputGraph()
        body.prefix, body.constants = "in.", self.constants
        result = step(body, "in")
        going = helper.make_tensor_value_info("going", TensorProto.BOOL, [])
        number = helper.make_tensor_value_info("number", TensorProto.INT64, [])
        inside, outside = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("in", result))
        body.nodes.append(helper.make_node("Identity", ["going"], ["still"]))
        still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
        graph = helper.make_graph(body.nodes, "step", [number, going, inside], [still, outside])
        return self.add("Loop", count, "", x, body=graph)

    def norm_of(self, matrix: str) -> str:
        """Frobenius norms, (N, c, 1, 1)."""
        return self.add("ReduceL2", matrix, axes=[2, 3], keepdims=1)


def _network(graph: _OutputGraph, network: OutputGainNetwork) -> str:
    """See `OutputGainNetwork.guesses`."""
    n = network.shape.n
    flat = [graph.reshape("A", 0, n * n), *(graph.reshape(x, 0, n * CHANNELS) for x in ("B", "C"))]
    entries = graph.scaled_asinh(graph.add("Concat", *flat, axis=1), 2.0)
    seen = graph.add("Concat", entries, graph.reshape("free", 0, ENTRIES), axis=1)
    first, features = _trunk(graph, network.guess, "guess", seen)
    context = graph.reshape(graph.linear(features, "context"), 0, 1, network.shape.step_width)
    free = graph.reshape("free", 0, 1, CHANNELS, CHANNELS)
    A, B, C = (
        graph.reshape("A", 0, 1, n, n),
        graph.reshape("B", 0, 1, n, CHANNELS),
        graph.reshape("C", 0, 1, CHANNELS, n),
    )
    raw = graph.add("Mul", graph.reshape(first, 0, CANDIDATES, CHANNELS, CHANNELS), free)

    def step(graph: _OutputGraph, raw: str) -> str:
        M = graph.add("Sub", A, graph.product(B, _gain(graph, raw), C))
        downhill, growth = _descent(graph, n, M, B, C)
        parts = ((graph.scaled_asinh(M, 2.0), n * n), (raw, ENTRIES), (downhill, ENTRIES), (growth, 3))
        seen = graph.add("Concat", *(graph.reshape(x, 0, 0, size) for x, size in parts), axis=2)
        answer, _ = _trunk(graph, network.step, "step", seen, context)
        split = graph.constant("split", np.array([ENTRIES, 1]))
        direct = graph.add("Split", answer, split, outputs=2, axis=2)
        length = graph.reshape(f"{direct}.1", 0, 0, 1, 1)
        change = graph.add("Add", graph.reshape(direct, 0, 0, CHANNELS, CHANNELS), graph.add("Mul", length, downhill))
        return graph.add("Add", raw, graph.add("Mul", change, free))

    return _gain(graph, graph.repeated("steps", raw, step))


def _gain(graph: _OutputGraph, raw: str) -> str:
    return graph.add("Sinh", graph.add("Clip", raw, graph.number(-6.0), graph.number(6.0)))


def _trunk(graph: _OutputGraph, trunk: Trunk, name: str, x: str, context: str | None = None) -> tuple[str, str]:
    """See `Trunk`."""
    x = graph.linear(x, f"{name}.enter")
    if context is not None:
        x = graph.add("Add", x, context)
    for i in range(len(trunk.blocks)):
        x = graph.block(x, f"{name}.blocks.{i}")
    features = graph.norm(x, f"{name}.norm")
    return graph.linear(features, f"{name}.leave"), features


def _descent(graph: _OutputGraph, n: int, M: str, B: str, C: str) -> tuple[str, str]:
    """See `output_network.descent`."""
    eye, tiny, half = graph.constant("eye", np.eye(n, dtype=np.float32)), graph.number(TINY), graph.number(0.5)
    size = graph.add("Add", graph.norm_of(M), tiny)
    X = graph.add("Div", M, size)
    E = graph.add("Add", eye, graph.add("Div", X, graph.number(3.0)))
    E = graph.add("Add", eye, graph.add("Mul", graph.product(X, E), half))
    E = graph.add("Add", eye, graph.product(X, E))
    chain, logarithms = [], []
    for i in range(SQUARINGS + 1):
        norm = graph.norm_of(E)
        logarithms.append(graph.add("Mul", graph.add("Log", norm), graph.number(2.0**-i)))
        if i < SQUARINGS:
            chain.append(graph.add("Div", E, norm))
            E = graph.product(chain[-1], chain[-1])
    growth = graph.add("Mul", size, graph.add("Sum", *logarithms))
    gradient = graph.add("Div", E, graph.add("Mul", norm, norm))
    for E in reversed(chain):
        turned = graph.transpose(E)
        both = graph.add("Add", graph.product(gradient, turned), graph.product(turned, gradient))
        gradient = graph.add("Mul", both, half)
    downhill = graph.product(graph.transpose(B), gradient, graph.transpose(C))
    slope = graph.add("Add", graph.norm_of(downhill), tiny)
    logs = graph.add("Log", slope), graph.add("Log", size)
    described = graph.add("Concat", graph.scaled_asinh(growth, 3.0), *logs, axis=3)
    return graph.add("Div", downhill, slope), described
