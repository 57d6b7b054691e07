"""Gains from the shipped networks: canonical form, ONNX session, and the way back to the user's coordinates.

Nothing here is trusted. Whatever a model file says, finite or not, goes to the verifier as it is; only a file
that cannot be a model of ours is refused, so that the user learns of it.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid.answer import Route
from hybrid.errors import DimensionError, ModelError
from hybrid.propose.canonical import CANONICAL_FORM, FloatArray, canonical_pair
from hybrid.propose.proposal import GainProposal

SCHEMA = "hybrid-riccati/1"
"""What a model file takes and gives, float32: stacked canonical A, B, Q to G, where P = GᵀG."""

MAX_INPUTS = 3
"""The shipped models were trained on one to this many inputs."""


def model_name(n: int) -> str:
    """The file that proposes gains for plants with n states."""
    return f"lqr-n{n}.onnx"


class _Model(NamedTuple):
    session: Any
    order: int
    source: str


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
        self._folder = Path(str(resources.files("hybrid.models"))) if path is None else Path(path)
        self._models: dict[int, _Model] = {}
        self._single = None if path is None or self._folder.is_dir() else _load(self._folder)

    def accepts(self, n: int, m: int) -> bool:
        """Whether there is a model for n states and m inputs; its file is not opened."""
        if not 1 <= m <= MAX_INPUTS:
            return False
        if self._single is not None:
            return n == self._single.order
        return n in self._models or (self._folder / model_name(n)).is_file()

    def propose(self, A: FloatArray, B: FloatArray) -> GainProposal:
        """The gain and the Riccati matrix for one plant A (n, n), B (n, m).

        Raises:
            DimensionError: A is not square or B has other rows.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        _require_stack(A[None], B[None])
        P, K = self.propose_batch(A[None], B[None])
        return GainProposal(K[0], P[0], self._model(A.shape[0]).source, Route.MODEL)

    def propose_batch(self, A: FloatArray, B: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P (N, n, n), symmetric, and K = BᵀP (N, m, n) for stacked plants A (N, n, n), B (N, n, m).

        A row with NaN, inf, or overflow in its canonical form gives NaN.

        Raises:
            DimensionError: the shapes do not fit.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        _require_stack(A, B)
        model = self._model(A.shape[-1])
        with np.errstate(all="ignore"):
            P = _solve(model, A, B)
            return P, B.mT @ P

    def _model(self, n: int) -> _Model:
        if self._single is not None:
            if n != self._single.order:
                raise ModelError(f"{self._folder.name}: made for {self._single.order} states, the plant has {n}")
            return self._single
        if n not in self._models:
            model = _load(self._folder / model_name(n))
            if model.order != n:
                raise ModelError(f"{model_name(n)}: made for {model.order} states, expected {n}")
            self._models[n] = model
        return self._models[n]


@lru_cache(maxsize=1)
def shipped() -> GainProposer:
    """The proposer of the shipped models, one for the whole process."""
    return GainProposer()


def _solve(model: _Model, A: FloatArray, B: FloatArray) -> FloatArray:
    """P for stacked plants; halves the stack until rows without a canonical form stand alone, and are NaN."""
    try:
        pair = canonical_pair(A, B)
    except np.linalg.LinAlgError:
        if len(A) == 1:
            return np.full_like(A, np.nan)
        half = len(A) // 2
        return np.concatenate([_solve(model, A[:half], B[:half]), _solve(model, A[half:], B[half:])])
    named = {"A": pair.A.astype(np.float32), "B": pair.B.astype(np.float32), "Q": pair.Q.astype(np.float32)}
    return pair.riccati_from_factor(model.session.run(None, named)[0])


def _require_stack(A: FloatArray, B: FloatArray) -> None:
    if A.ndim != 3 or A.shape[-1] != A.shape[-2]:
        raise DimensionError("A", A.shape, "square matrices")
    if B.ndim != 3 or B.shape[:-1] != A.shape[:-1]:
        raise DimensionError("B", B.shape, f"{A.shape[-1]} rows, as in A")


def _load(path: Path) -> _Model:
    """Open a session on a model file whose schema, inputs and outputs are ours."""
    import onnxruntime

    try:
        content = path.read_bytes()
    except OSError as cause:
        raise ModelError(f"{path}: the model file cannot be read ({cause.strerror})") from cause
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(content, options, providers=_providers())
    except Exception as cause:  # onnxruntime raises a dozen kinds of its own
        raise ModelError(f"{path}: not a readable ONNX model ({type(cause).__name__})") from cause
    return _Model(session, _order(session, path), f"{path.name} {hashlib.sha256(content).hexdigest()[:12]}")


def _order(session: Any, path: Path) -> int:
    """The number of states a session takes; refuses a model that was made for something else."""
    properties = session.get_modelmeta().custom_metadata_map
    if properties.get("hybrid_schema") != SCHEMA or properties.get("canonical_form") != CANONICAL_FORM:
        raise ModelError(f"{path}: not a gain model of this version ({SCHEMA}, {CANONICAL_FORM})")
    shapes = {tensor.name: tensor.shape for tensor in (*session.get_inputs(), *session.get_outputs())}
    n = shapes.get("A", [None])[-1]
    expected = {"A": [n, n], "B": [n, "m"], "Q": [n, n], "G": [n, n]}
    if not isinstance(n, int) or {name: shape[1:] for name, shape in shapes.items()} != expected:
        raise ModelError(f"{path}: inputs A, B, Q and output G expected, got {shapes}")
    return n


def _providers() -> list[str]:
    """CUDA where its libraries load, and the CPU."""
    import onnxruntime

    return [p for p in ("CUDAExecutionProvider", "CPUExecutionProvider") if p in onnxruntime.get_available_providers()]
