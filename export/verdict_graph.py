"""The ONNX graph of a verdict network; see `verdict_network.py`."""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx import helper

from hybrid.propose.expression_trees import CODE
from hybrid.propose.verdicts import INPUTS, LATENT, SCHEMA, STATES

from .graph import tensor
from .reader_graph import FeatureGraph
from .reader_network import FEATURES
from .verdict_network import ABSENT, VerdictNetwork


def to_model(network: VerdictNetwork, task: str) -> onnx.ModelProto:
    """The network as a model with inputs codes and present, outputs said and latent; weights in half precision."""
    graph = _VerdictGraph()
    graph.parameters(network, halved=True)
    said, latent = graph.judged(network.shape.rounds)
    for result, name in ((said, "said"), (latent, "latent")):
        graph.nodes.append(helper.make_node("Identity", [result], [name]))
    metadata = {"hybrid_schema": SCHEMA, "canonical_form": task, "shape": json.dumps(network.shape.as_dict())}
    inputs = [tensor("codes", STATES, STATES + INPUTS, CODE), tensor("present", STATES)]
    return graph.model("verdict", inputs, [tensor("said", 2), tensor("latent", LATENT)], metadata)


class _VerdictGraph(FeatureGraph):
    """Messages between states."""

    def dense(self, x: str, layer: str, *, bias: bool = True) -> str:
        """A torch.nn.Linear over the last axis."""
        y = self.add("MatMul", x, self.add("Transpose", f"{layer}.weight", perm=[1, 0]))
        return self.add("Add", y, f"{layer}.bias") if bias else y

    def judged(self, rounds: int) -> tuple[str, str]:
        """See `VerdictNetwork.forward`."""
        seen = self.features("codes")
        A = self.columns(seen, 0, STATES, axis=2)
        eye = self.constant("eye", np.eye(STATES, dtype=np.float32)[None, :, :, None])
        own = self.add("ReduceSum", self.add("Mul", A, eye), self.ints(2), keepdims=0)
        inputs = self.columns(seen, STATES, STATES + INPUTS, axis=2)
        inputs = self.add("Reshape", inputs, self.ints(0, 0, INPUTS * FEATURES))
        h = self.silu(self.dense(self.add("Concat", own, inputs, axis=2), "node"))
        edges = self.dense(self.add("Concat", A, self.add("Transpose", A, perm=[0, 2, 1, 3]), axis=3), "edge")
        there = self.add("Unsqueeze", "present", self.ints(1, 3))
        here = self.add("Unsqueeze", "present", self.ints(2))
        for _ in range(rounds):
            received = self.add("Unsqueeze", self.dense(h, "receiver", bias=False), self.ints(2))
            sent = self.add("Unsqueeze", self.dense(h, "sender", bias=False), self.ints(1))
            said = self.silu(self.add("Add", self.add("Add", edges, received), sent))
            said = self.silu(self.dense(said, "message"))
            heard = self.add("Concat", self.total(said, there, 2), self.largest(said, there, 2), h, axis=2)
            h = self.norm(self.add("Add", h, self.silu(self.dense(heard, "update"))), "norm")
        count = self.add("ReduceSum", here, self.ints(1), keepdims=0)
        mean = self.add("Div", self.total(h, here, 1), count)
        latent = self.silu(self.dense(self.add("Concat", mean, self.largest(h, here, 1), axis=1), "pool"))
        return self.dense(latent, "leave"), latent

    def total(self, x: str, mask: str, axis: int) -> str:
        """The sum over what is there."""
        return self.add("ReduceSum", self.add("Mul", x, mask), self.ints(axis), keepdims=0)

    def largest(self, x: str, mask: str, axis: int) -> str:
        """The largest of what is there."""
        absent = self.scaled(self.add("Sub", self.number(1), mask), ABSENT)
        return self.add("ReduceMax", self.add("Add", x, absent), axes=[axis], keepdims=0)
