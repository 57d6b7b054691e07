"""Jacobians and verdicts proposed by a network that reads equations; nothing here is trusted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.expression_trees import CODE, is_readable, trees
from hybrid.propose.session import Form, ModelFiles
from hybrid.systems.tokens import TokenSystem

SCHEMA = "hybrid-equations/1"
"""What a model file takes and gives: the arrays of `Trees` to codes of all nodes and entries of the Jacobians."""

FORM = Form(
    task="equation",
    schema=SCHEMA,
    canonical_form=SCHEMA,
    name=lambda _: "equations.onnx",
    shapes=lambda _: {
        "leaves": [CODE], "operators": [], "children": [2], "bounds": [], "paths": ["D"], "entries": [], "room": [],
        "values": [CODE], "jacobian": [2],
    },
    sized=False,
)  # fmt: skip

BATCH = 64
"""Systems that go through the network together."""

ComplexArray = NDArray[np.complex128]


class EquationReader:
    """Proposes ∂f/∂(x, u, t) at a point from the tokens of f.

    Args:
        path: a model file, or a folder with `equations.onnx`; None: the shipped one.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._files = ModelFiles(FORM, None if path is None else Path(path))

    @property
    def is_there(self) -> bool:
        """Whether there is a model; its file is not opened."""
        return self._files.has(0)

    def jacobians(
        self, systems: Sequence[TokenSystem], points: Sequence[Sequence[complex]]
    ) -> list[ComplexArray | None]:
        """For each system the proposed Jacobian, (states, states + inputs + time); None where it is too large to read.

        Args:
            systems: what is read.
            points: for each system the values of its states, inputs, and time.

        Raises:
            ModelError: there is no model, or its file is damaged or foreign.
        """
        session = self._files.model(0).session
        found: list[ComplexArray | None] = [None] * len(systems)
        readable = [i for i, system in enumerate(systems) if is_readable(system)]
        for begin in range(0, len(readable), BATCH):
            part = readable[begin : begin + BATCH]
            packed = trees([systems[i] for i in part], [points[i] for i in part])
            entries = session.run(["jacobian"], packed.inputs())[0].astype(np.float64)
            ends = np.cumsum([rows * columns for rows, columns in packed.sizes])[:-1]
            for i, size, piece in zip(part, packed.sizes, np.split(entries, ends), strict=True):
                found[i] = (piece[:, 0] + 1j * piece[:, 1]).reshape(size)
        return found
