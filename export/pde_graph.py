"""The ONNX graph of the PDE network, node by node, with the parameters under their torch names."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np
import onnx

from hybrid.propose.pde import CANONICAL_FORM, SCHEMA
from hybrid.propose.pde_features import AXIS, CELL, TERM

from .graph import Graph, tensor
from .pde_network import ABSENT, CLASSES, LEAST_MAXIMUM, SymbolNetwork

TERMS, AXES = 1, 2
"""Axes of the grid (N, T, D, width)."""


class Grid(NamedTuple):
    """Which cells there are: as factors 1 or 0, as summands 0 or very negative, how many in each term, axis and all."""

    factor: str
    summand: str
    in_term: str
    in_axis: str
    in_all: str


def to_model(network: SymbolNetwork) -> onnx.ModelProto:
    """The network as a model of the features, any number of terms T and coordinates D."""
    graph, shape = Graph(), network.shape
    graph.parameters(network)
    for name, result in zip(("logits", "points", "latent"), _reading(graph, network), strict=True):
        graph.nodes.append(onnx.helper.make_node("Identity", [result], [name]))
    metadata = {"hybrid_schema": SCHEMA, "canonical_form": CANONICAL_FORM, "shape": json.dumps(shape.as_dict())}
    inputs = [tensor("cells", "T", "D", CELL), tensor("terms", "T", TERM), tensor("axes", "D", AXIS)]
    outputs = [tensor("logits", CLASSES), tensor("points", "D", shape.points), tensor("latent", shape.width)]
    return graph.model("pde", inputs, outputs, metadata)


def _reading(graph: Graph, network: SymbolNetwork) -> tuple[str, str, str]:
    """See `SymbolNetwork.forward`."""
    for axis in (TERMS, AXES):
        graph.constant(f"axis {axis}", np.array([axis]))
    graph.constant("both", np.array([TERMS, AXES]))
    grid = _grid(graph)
    terms = _widened(graph, _affine(graph, "terms", "terms"), AXES)
    axes = _widened(graph, _affine(graph, "axes", "axes"), TERMS)
    x = graph.add("Add", _affine(graph, "cells", "cells"), graph.add("Add", terms, axes))
    for _ in range(network.shape.rounds):
        for i in range(len(network.layers)):
            x = _layer(graph, x, grid, f"layers.{i}")
    _, over_terms, over_all = _pools(graph, graph.norm(x, "norm"), grid)
    latent = graph.add("Relu", _affine(graph, over_all, "latent"))
    points = _affine(graph, graph.add("Relu", _affine(graph, over_terms, "axis")), "points")
    return _affine(graph, latent, "classes"), points, latent


def _grid(graph: Graph) -> Grid:
    """From the last of the terms' numbers and the first of the axes'."""
    last = graph.constant("last", np.array([-1]))
    first = graph.constant("first", np.array([0]))
    terms = _widened(graph, graph.add("Gather", "terms", last, axis=2), AXES)
    axes = _widened(graph, graph.add("Gather", "axes", first, axis=2), TERMS)
    there = graph.add("Mul", terms, axes)
    one = graph.constant("unit", np.array(1.0, dtype=np.float32))
    absent = graph.constant("absent", np.array(ABSENT, dtype=np.float32))
    graph.constant("least", np.array(LEAST_MAXIMUM, dtype=np.float32))
    counts = (graph.add("ReduceSum", there, over, keepdims=0) for over in ("axis 2", "axis 1", "both"))
    summand = graph.add("Mul", graph.add("Sub", one, there), absent)
    return Grid(there, summand, *(graph.add("Max", count, one) for count in counts))


def _layer(graph: Graph, cells: str, grid: Grid, layer: str) -> str:
    """See `pde_network.Layer`."""
    x = graph.norm(cells, f"{layer}.norm")
    terms, axes, over_all = _pools(graph, x, grid)
    terms = _widened(graph, _affine(graph, terms, f"{layer}.term"), AXES)
    axes = _widened(graph, _affine(graph, axes, f"{layer}.axis"), TERMS)
    over_all = _affine(graph, over_all, f"{layer}.grid")
    over_all = _widened(graph, _widened(graph, over_all, TERMS), TERMS)
    inner = _affine(graph, x, f"{layer}.cell")
    for part in (terms, axes, over_all):
        inner = graph.add("Add", inner, part)
    return graph.add("Add", cells, _affine(graph, graph.add("Relu", inner), f"{layer}.leave"))


def _pools(graph: Graph, x: str, grid: Grid) -> tuple[str, str, str]:
    """See `pde_network.pools`."""
    kept, low = graph.add("Mul", x, grid.factor), graph.add("Add", x, grid.summand)
    results = []
    for over, axes, count in (("axis 2", [AXES], grid.in_term), ("axis 1", [TERMS], grid.in_axis),
                              ("both", [TERMS, AXES], grid.in_all)):  # fmt: skip
        mean = graph.add("Div", graph.add("ReduceSum", kept, over, keepdims=0), count)
        largest = graph.add("Max", graph.add("ReduceMax", low, axes=axes, keepdims=0), "least")
        results.append(graph.add("Concat", mean, largest, axis=-1))
    return results[0], results[1], results[2]


def _affine(graph: Graph, x: str, layer: str) -> str:
    """A `pde_network.Affine`."""
    return graph.add("Add", graph.product(x, f"{layer}.weight"), f"{layer}.bias")


def _widened(graph: Graph, x: str, axis: int) -> str:
    """With a new axis of length 1."""
    return graph.add("Unsqueeze", x, f"axis {axis}")
