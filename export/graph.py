"""The ONNX graph of a network, node by node, with the parameters under their torch names.

Written by hand rather than traced: a third of the nodes, which is what a single call costs, and names that
`--start-from` can read back.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from hybrid.propose.canonical import CANONICAL_FORM
from hybrid.propose.gain import SCHEMA

from .files import HALF
from .network import RiccatiNetwork, Stage

OPSET = 17
HALVED_FROM = 3000
"""Weights of a tensor; smaller ones gain little."""
IR_VERSION = 9


class Graph:
    """Nodes and constants in the order they are added; every operation returns the name of its result."""

    def __init__(self) -> None:
        self.prefix = ""
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[np.generic]] = {}

    def add(self, operation: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Append a node; the name of its first result, a number, further ones carry the suffixes .1, .2, …"""
        name = f"{self.prefix}{len(self.nodes)}"  # short: a graph whose steps repeat has thousands
        names = [name] + [f"{name}.{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(operation, list(inputs), names, **attributes))
        return name

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """A stored tensor under its own name."""
        self.constants[name] = value
        return name

    def product(self, *factors: str) -> str:
        """The matrix product from left to right."""
        left, *rest = factors
        for right in rest:
            left = self.add("MatMul", left, right)
        return left

    def transpose(self, matrix: str) -> str:
        """The stacked matrices transposed."""
        return self.add("Transpose", matrix, perm=[0, 2, 1])

    def linear(self, x: str, layer: str) -> str:
        """A torch.nn.Linear."""
        return self.add("Gemm", x, f"{layer}.weight", f"{layer}.bias", transB=1)

    def norm(self, x: str, layer: str) -> str:
        """A torch.nn.LayerNorm over the last axis."""
        return self.add("LayerNormalization", x, f"{layer}.weight", f"{layer}.bias", epsilon=1e-5)

    def block(self, x: str, block: str) -> str:
        """A `network.Block`."""
        inner = self.add("Relu", self.linear(self.norm(x, f"{block}.norm"), f"{block}.inner"))
        return self.add("Add", x, self.linear(inner, f"{block}.outer"))

    def parameters(self, network: nn.Module, *, halved: bool = False) -> None:
        """All of a network, under their torch names; halved: large ones are stored in half precision, used in single.

        Half precision keeps 11 bits of each weight: half the bytes, for networks that bear it.
        """
        for name, value in network.state_dict().items():
            weights = value.detach().cpu().numpy()
            if not halved or weights.size < HALVED_FROM:
                self.constant(name, weights)
                continue
            self.constant(name + HALF, weights.astype(np.float16))
            self.nodes.append(helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT))

    def model(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto], metadata: dict[str, str]
    ) -> onnx.ModelProto:
        """The checked model; its metadata say what it is."""
        constants = [numpy_helper.from_array(value, name) for name, value in self.constants.items()]
        model = helper.make_model(
            helper.make_graph(self.nodes, name, inputs, outputs, constants),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="hybrid.export",
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model


def to_model(network: RiccatiNetwork, schema: str = SCHEMA, *, halved: bool = False) -> onnx.ModelProto:
    """The network as a model with inputs A, B, Q (stacked, any m), output G, and metadata that name its form."""
    graph = Graph()
    graph.parameters(network, halved=halved)
    graph.nodes.append(helper.make_node("Identity", [_network(graph, network)], ["G"]))
    n = network.shape.n
    metadata = {"hybrid_schema": schema, "canonical_form": CANONICAL_FORM, "shape": json.dumps(network.shape.as_dict())}
    inputs = [tensor("A", n, n), tensor("B", n, "m"), tensor("Q", n, n)]
    return graph.model("riccati", inputs, [tensor("G", n, n)], metadata)


def tensor(name: str, *shape: int | str) -> onnx.ValueInfoProto:
    """A stacked input or output in float32."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])


def _network(graph: Graph, network: RiccatiNetwork) -> str:
    """G of the last stage; see `RiccatiNetwork.guesses`."""
    n = network.shape.n
    eye = np.eye(n, dtype=np.float32)
    graph.constant("eye", eye)
    A, B, Q, total = "A", "B", "Q", ""
    for i, stage in enumerate(network.stages):
        assert isinstance(stage, Stage)
        S = graph.product(B, graph.transpose(B))
        G, H = _triangular(graph, stage, _layers(graph, stage, f"stages.{i}", _features(graph, n, A, S, Q)))
        total = graph.product(G, total) if total else G
        if i + 1 < len(network.stages):
            A, B, Q = graph.product(G, A, H), graph.product(G, B), graph.product(graph.transpose(H), Q, H)
    return total


def _features(graph: Graph, n: int, A: str, S: str, Q: str) -> str:
    """See `Stage.features`."""
    rows, columns = np.tril_indices(n)
    lower = rows * n + columns
    square = np.arange(n * n)
    entries = graph.constant("entries", np.concatenate([square, n * n + lower, 2 * n * n + lower]))
    diagonal = graph.constant("diagonal", 2 * n * n + np.arange(n) * (n + 1))
    flat = graph.constant("flat", np.array([-1, 3 * n * n]))
    tiny = graph.constant("tiny", np.array(1e-12, dtype=np.float32))
    every = graph.add("Reshape", graph.add("Concat", A, S, Q, axis=1), flat)
    linear = graph.add("Asinh", graph.add("Gather", every, entries, axis=1))
    weights = graph.add("Log", graph.add("Max", graph.add("Gather", every, diagonal, axis=1), tiny))
    return graph.add("Concat", linear, weights, axis=1)


def _layers(graph: Graph, stage: Stage, name: str, x: str) -> str:
    """The residual network between features and triangular factor."""
    x = graph.linear(x, f"{name}.enter")
    for i in range(len(stage.blocks)):
        x = graph.block(x, f"{name}.blocks.{i}")
    return graph.linear(graph.norm(x, f"{name}.norm"), f"{name}.leave")


def _triangular(graph: Graph, stage: Stage, raw: str) -> tuple[str, str]:
    """See `Stage.triangular`."""
    n = stage.n
    parts = graph.constant("parts", np.array([n, n * (n - 1) // 2]))
    bound = graph.constant("bound", np.array(6.0, dtype=np.float32))
    graph.constant("scatter", stage.scatter.cpu().numpy())
    log_scale = graph.add("Split", raw, parts, outputs=2, axis=1)
    square = graph.constant("square", np.array([-1, n, n]))
    N = graph.add("Reshape", graph.product(f"{log_scale}.1", "scatter"), square)
    scale = graph.add("Exp", graph.add("Mul", graph.add("Tanh", graph.add("Div", log_scale, bound)), bound))
    columns = graph.add("Unsqueeze", scale, graph.constant("last", np.array([2])))
    rows = graph.add("Unsqueeze", scale, graph.constant("middle", np.array([1])))
    inverse, power, reached = graph.add("Sub", "eye", N), N, 2
    while reached < n:
        power = graph.product(power, power)
        inverse = graph.product(inverse, graph.add("Add", "eye", power))
        reached *= 2
    return graph.add("Mul", columns, graph.add("Add", "eye", N)), graph.add("Div", inverse, rows)
