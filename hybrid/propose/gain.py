"""Gains from the shipped networks: canonical form, ONNX session, and the way back to the user's coordinates.

Nothing here is trusted. Whatever a model file says, finite or not, goes to the verifier as it is; only a file
that cannot be a model of ours is refused, so that the user learns of it.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np

from hybrid.answer import Route
from hybrid.errors import DimensionError
from hybrid.propose.canonical import CANONICAL_FORM, FloatArray, canonical_pair
from hybrid.propose.proposal import GainProposal
from hybrid.propose.session import Form, Model, ModelFiles, by_halves

SCHEMA = "hybrid-riccati/1"
"""What a model file takes and gives, float32: stacked canonical A, B, Q to G, where P = GᵀG."""

MAX_INPUTS = 4
"""The shipped models were trained on one to this many inputs."""


def model_name(n: int) -> str:
    """The file that proposes gains for plants with n states."""
    return f"lqr-n{n}.onnx"


FORM = Form(
    task="gain",
    schema=SCHEMA,
    canonical_form=CANONICAL_FORM,
    name=model_name,
    shapes=lambda n: {"A": [n, n], "B": [n, "m"], "Q": [n, n], "G": [n, n]},
)


class GainProposer:
    """Proposes LQR gains (Q = I, R = I, continuous time) with the Riccati matrix that should prove them.

    Sessions are opened when first needed and kept: one thread, on CUDA where that provider loads and on the CPU
    elsewhere.

    Args:
        path: a model file, or a folder of files named like the shipped ones (`lqr-n4.onnx`); None: the shipped ones.

    >>> proposer = GainProposer()
    >>> proposer.accepts(4, 2), proposer.accepts(40, 2)
    (True, False)
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._files = ModelFiles(FORM, None if path is None else Path(path))

    def accepts(self, n: int, m: int) -> bool:
        """Whether there is a model for n states and m inputs; its file is not opened."""
        return 1 <= m <= MAX_INPUTS and self._files.has(n)

    def propose(self, A: FloatArray, B: FloatArray) -> GainProposal:
        """The gain and the Riccati matrix for one plant A (n, n), B (n, m).

        Raises:
            DimensionError: A is not square or B has other rows.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        _require_stack(A[None], B[None])
        P, K = self.propose_batch(A[None], B[None])
        return GainProposal(K[0], P[0], self._files.model(A.shape[0]).source, Route.MODEL)

    def propose_batch(self, A: FloatArray, B: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P (N, n, n), symmetric, and K = BᵀP (N, m, n) for stacked plants A (N, n, n), B (N, n, m).

        A row with NaN, inf, or overflow in its canonical form gives NaN.

        Raises:
            DimensionError: the shapes do not fit.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        _require_stack(A, B)
        model = self._files.model(A.shape[-1])
        with np.errstate(all="ignore"):
            P = by_halves(lambda a, b: _solve(model, a, b), A, B)
            return P, B.mT @ P


@lru_cache(maxsize=1)
def shipped() -> GainProposer:
    """The proposer of the shipped models, one for the whole process."""
    return GainProposer()


def _solve(model: Model, A: FloatArray, B: FloatArray) -> FloatArray:
    """P for stacked plants."""
    pair = canonical_pair(A, B)
    named = {"A": pair.A.astype(np.float32), "B": pair.B.astype(np.float32), "Q": pair.Q.astype(np.float32)}
    return pair.riccati_from_factor(model.session.run(None, named)[0])


def _require_stack(A: FloatArray, B: FloatArray) -> None:
    if A.ndim != 3 or A.shape[-1] != A.shape[-2]:
        raise DimensionError("A", A.shape, "square matrices")
    if B.ndim != 3 or B.shape[:-1] != A.shape[:-1]:
        raise DimensionError("B", B.shape, f"{A.shape[-1]} rows, as in A")
