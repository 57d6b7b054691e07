"""The ONNX graph of the equation reader: cells applied level by level, and the chain rule along paths.

Inputs are those of `hybrid.propose.expression_trees.Trees`; outputs the values of the nodes and the Jacobian entries,
so that every step of the answer can be looked at.
"""

from __future__ import annotations

import json
import math

import numpy as np
import onnx
from onnx import TensorProto, helper

from hybrid.propose.equation_reader import SCHEMA
from hybrid.propose.expression_trees import CODE, LARGEST_LOG

from .graph import Graph
from .reader_network import EQUAL, SCALES, Cells

SNAP = 0.01
"""Sines below are rounding: real functions of real numbers are the rule."""
CANCELLED = 3e-3
"""A sum smaller than this share of its terms together is zero: equal terms are said with errors of about this size."""
LARGEST_PRODUCT = 80.0


def to_model(network: Cells) -> onnx.ModelProto:
    """The reader as a model; weights are stored in half precision and used in single."""
    graph = _ReaderGraph()
    graph.parameters(network, halved=True)
    values, edges = graph.climbed()
    graph.nodes.append(helper.make_node("Identity", [values], ["values"]))
    real, imaginary = graph.added(edges)
    pair = graph.add("Concat", *(graph.add("Unsqueeze", x, graph.ints(1)) for x in (real, imaginary)), axis=1)
    graph.nodes.append(helper.make_node("Identity", [pair], ["jacobian"]))
    metadata = {
        "hybrid_schema": SCHEMA,
        "canonical_form": SCHEMA,
        "shape": json.dumps(network.shape.as_dict()),
    }
    whole, single = TensorProto.INT64, TensorProto.FLOAT
    inputs = [
        helper.make_tensor_value_info("leaves", single, ["L", CODE]),
        helper.make_tensor_value_info("operators", whole, ["M"]),
        helper.make_tensor_value_info("children", whole, ["M", 2]),
        helper.make_tensor_value_info("bounds", whole, ["H"]),
        helper.make_tensor_value_info("paths", whole, ["V", "D"]),
        helper.make_tensor_value_info("entries", whole, ["V"]),
        helper.make_tensor_value_info("room", single, ["E"]),
    ]
    outputs = [
        helper.make_tensor_value_info("values", single, ["K", CODE]),
        helper.make_tensor_value_info("jacobian", single, ["E", 2]),
    ]
    return graph.model("equation reader", inputs, outputs, metadata)


class FeatureGraph(Graph):
    """A `Graph` over codes of numbers."""

    def number(self, value: float) -> str:
        """A float32 constant."""
        return self.constant(f"{value:.9g}f", np.array(value, dtype=np.float32))

    def ints(self, *values: int) -> str:
        """A vector of integers."""
        return self.constant("i" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def scalar(self, value: int) -> str:
        """One integer."""
        return self.constant(f"s{value}", np.array(value, dtype=np.int64))

    def columns(self, x: str, begin: int, end: int, axis: int = -1) -> str:
        """A slice of the last axis, or of another one."""
        return self.add("Slice", x, self.ints(begin), self.ints(end), self.ints(axis))

    def column(self, x: str, at: int) -> str:
        """One column of the last axis, which it loses."""
        return self.add("Gather", x, self.scalar(at), axis=-1)

    def clipped(self, x: str, least: float, most: float) -> str:
        """Cut to an interval."""
        return self.add("Clip", x, self.number(least), self.number(most))

    def scaled(self, x: str, factor: float) -> str:
        """Times a constant."""
        return self.add("Mul", x, self.number(factor))

    def stacked(self, *columns: str) -> str:
        """Columns side by side, as a new last axis."""
        return self.add("Concat", *(self.add("Unsqueeze", x, self.ints(-1)) for x in columns), axis=-1)

    def silu(self, x: str) -> str:
        """x·σ(x)."""
        return self.add("Mul", x, self.add("Sigmoid", x))

    def features(self, code: str) -> str:
        """See `reader_network.features`."""
        log, c, s, zero = (self.column(code, k) for k in range(CODE))
        size = self.add("Mul", self.add("Exp", self.clipped(log, -1e9, 4.0)), self.add("Sub", self.number(1), zero))
        ratio = self.add("Div", size, self.add("Add", size, self.number(1)))
        scales = [(ratio, 1.0)]
        scales += [(self.add("Min", size, self.number(most)), unit) for most, unit in SCALES]
        parts = [self.scaled(self.add("Mul", scale, x), unit) for scale, unit in scales for x in (c, s)]
        squares = self.add("Add", self.add("Mul", log, log), self.add("Mul", s, s))
        near = self.scaled(self.add("Log", self.add("Add", squares, self.number(1e-6))), 0.25)
        return self.stacked(zero, self.scaled(log, 1 / 8), self.add("Tanh", self.scaled(log, 0.5)), c, s, *parts, near)


class _ReaderGraph(FeatureGraph):
    """Cells over trees."""

    def climbed(self) -> tuple[str, str]:
        """Codes of all nodes and of all edges, height by height: a loop over the levels."""
        absent = self.constant("absent", np.array([[0, 0, 0, 1]], np.float32))
        unit = self.constant("unit", np.array([[0, 1, 0, 0]], np.float32))
        nodes = self.add("Concat", absent, "leaves", axis=0)
        levels = self.add("Sub", self.add("Size", "bounds"), self.scalar(1))
        body = _ReaderGraph()
        body.prefix, body.constants = "in.", self.constants
        new_nodes, new_edges = body.level()
        infos = {
            name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["?", CODE])
            for name in ("known", "edges", new_nodes, new_edges)
        }
        going = helper.make_tensor_value_info("going", TensorProto.BOOL, [])
        still = helper.make_tensor_value_info("still", TensorProto.BOOL, [])
        count = helper.make_tensor_value_info("height", TensorProto.INT64, [])
        body.nodes.append(helper.make_node("Identity", ["going"], ["still"]))
        step = helper.make_graph(
            body.nodes,
            "level",
            [count, going, infos["known"], infos["edges"]],
            [still, infos[new_nodes], infos[new_edges]],
        )
        found = self.add("Loop", levels, "", nodes, unit, outputs=2, body=step)
        return found, f"{found}.1"

    def level(self) -> tuple[str, str]:
        """The body of the loop: the codes so far with those of the operators of one height."""
        begin = self.add("Gather", "bounds", self.add("Unsqueeze", "height", self.ints(0)))
        end = self.add(
            "Gather", "bounds", self.add("Unsqueeze", self.add("Add", "height", self.scalar(1)), self.ints(0))
        )
        operators = self.add("Slice", "operators", begin, end, self.ints(0))
        children = self.add("Slice", "children", begin, end, self.ints(0))
        left, right = (self.add("Gather", "known", self.column(children, side)) for side in (0, 1))
        said = self.cells(left, right, operators)
        codes = [self.code(said, k) for k in range(3)]
        both = self.add("Reshape", self.add("Concat", codes[1], codes[2], axis=1), self.ints(-1, CODE))
        return self.add("Concat", "known", codes[0], axis=0), self.add("Concat", "edges", both, axis=0)

    def cells(self, left: str, right: str, operators: str) -> str:
        """What the cell of each operator says, (N, 12); see `Cells.forward`."""
        both = self.straight(left, right)
        smaller = self.scaled(self.columns(both, 0, 3), 1 / 8)
        x = self.add("Concat", self.features(left), self.features(right), smaller, self.columns(both, 3, 99), axis=1)
        x = self.add("Relu", self.layer(x, "enter"))
        x = self.add("Add", x, self.add("Relu", self.layer(x, "inner")))
        x = self.add("Add", x, self.add("Relu", self.layer(x, "second")))
        out = self.add("Add", self.layer(x, "leave"), self.add("MatMul", both, "straight"))
        by_node = self.add("Transpose", out, perm=[1, 0, 2])
        return self.add("GatherND", by_node, self.add("Unsqueeze", operators, self.ints(1)), batch_dims=1)

    def layer(self, x: str, name: str) -> str:
        """The layer of every cell, (13, N, width)."""
        return self.add("Add", self.add("MatMul", x, name), f"{name}_bias")

    def straight(self, left: str, right: str) -> str:
        """See `reader_network.straight`."""
        a, c, s = (self.column(left, k) for k in range(3))
        b, d, t = (self.column(right, k) for k in range(3))
        apart = self.clipped(self.add("Sub", a, b), -8.0, 8.0)
        logs = [a, b, self.add("Max", a, b), apart, self.add("Exp", self.add("Neg", self.add("Abs", apart)))]
        logs += [self.alike(apart, (c, s), (d, t), turn) for turn in ("Sub", "Add")]
        pairs = [self.add("Mul", x, y) for x, y in ((c, d), (s, t), (c, t), (s, d))]
        return self.stacked(*logs, c, s, d, t, *pairs)

    def alike(self, apart: str, one: tuple[str, str], other: tuple[str, str], turn: str) -> str:
        """How equal or opposite the children are, as a logarithm."""
        differences = [apart, *(self.add(turn, x, y) for x, y in zip(one, other, strict=True))]
        squares = [self.add("Mul", x, x) for x in differences]
        return self.scaled(self.add("Log", self.add("Sum", *squares, self.number(EQUAL))), 0.25)

    def code(self, said: str, k: int) -> str:
        """The k-th code that a cell says: unit direction, real numbers real, zero where it says so."""
        direction = self.columns(said, 3 + 2 * k, 5 + 2 * k)
        length = self.add("Max", self.add("ReduceL2", direction, axes=[1], keepdims=1), self.number(1e-6))
        direction = self.add("Div", direction, length)
        c, s = self.column(direction, 0), self.column(direction, 1)
        real = self.add("Less", self.add("Abs", s), self.number(SNAP))
        c = self.add("Where", real, self.add("Sign", c), c)
        s = self.add("Where", real, self.number(0), s)
        zero = self.add("Cast", self.add("Greater", self.column(said, 9 + k), self.number(0)), to=TensorProto.FLOAT)
        keep = self.add("Sub", self.number(1), zero)
        log = self.clipped(self.column(said, k), -LARGEST_LOG, LARGEST_LOG)
        return self.stacked(*(self.add("Mul", x, keep) for x in (log, c, s)), zero)

    def added(self, edges: str) -> tuple[str, str]:
        """Real and imaginary parts of the Jacobian: derivatives multiplied along paths, added over leaves."""
        along = self.add("Gather", edges, "paths")
        log, c, s, zero = (self.column(along, k) for k in range(CODE))
        half = self.add(
            "Atan", self.add("Div", s, self.add("Max", self.add("Add", c, self.number(1)), self.number(1e-6)))
        )
        back = self.add("Less", c, self.number(-0.99999))
        angle = self.add("Where", back, self.number(math.pi), self.scaled(half, 2.0))
        total = self.add("ReduceSum", angle, self.ints(1), keepdims=0)
        size = self.add("ReduceSum", log, self.ints(1), keepdims=0)
        size = self.add("Exp", self.clipped(size, -LARGEST_PRODUCT, LARGEST_PRODUCT))
        none = self.add("Greater", self.add("ReduceSum", zero, self.ints(1), keepdims=0), self.number(0.5))
        size = self.add("Where", none, self.number(0), size)
        parts = [self.add("Mul", size, self.add(turn, total)) for turn in ("Cos", "Sin")]
        most = self.add("ScatterElements", "room", "entries", size, axis=0, reduction="add")
        sums = [self.add("ScatterElements", "room", "entries", part, axis=0, reduction="add") for part in parts]
        whole = self.add("Max", *(self.add("Abs", x) for x in sums))
        gone = self.add("Less", whole, self.scaled(most, CANCELLED))
        sums = [self.add("Where", gone, self.number(0), x) for x in sums]
        real = self.add("Less", self.add("Abs", sums[1]), self.scaled(self.add("Abs", sums[0]), SNAP / 10))
        return sums[0], self.add("Where", real, self.number(0), sums[1])
