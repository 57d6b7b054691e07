"""Lyapunov matrices of stable A from a network: a stability proof without an eigenvalue or a linear solve."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from hybrid.errors import DimensionError
from hybrid.propose.canonical import CANONICAL_FORM, CanonicalPair, FloatArray, canonical_pair
from hybrid.propose.session import Form, Model, ModelFiles, by_halves

SCHEMA = "hybrid-lyapunov/1"
"""What a model file takes and gives, float32: stacked canonical A, B = 0, Q to G, where P = GᵀG."""


def model_name(n: int) -> str:
    """The file that proposes Lyapunov matrices of order n."""
    return f"lyapunov-n{n}.onnx"


FORM = Form(
    task="Lyapunov",
    schema=SCHEMA,
    canonical_form=CANONICAL_FORM,
    name=model_name,
    shapes=lambda n: {"A": [n, n], "B": [n, "m"], "Q": [n, n], "G": [n, n]},
)


class LyapunovProposer:
    """Proposes P with AᵀP + PA + I = 0, the Riccati equation without inputs, for stable A.

    Args:
        path: a model file, or a folder of files named like the shipped ones (`lyapunov-n4.onnx`); None: the shipped.

    >>> LyapunovProposer().accepts(40)
    False
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._files = ModelFiles(FORM, None if path is None else Path(path))

    def accepts(self, n: int) -> bool:
        """Whether there is a model for n states; its file is not opened."""
        return self._files.has(n)

    def propose_batch(self, A: FloatArray, *, discrete: bool = False) -> FloatArray:
        """P (N, n, n), symmetric, for stacked A (N, n, n); noise where A is not stable, NaN where A is not finite.

        In discrete time for (A + I)⁻¹(A − I), whose P also has AᵀPA − P ≺ 0.

        Raises:
            DimensionError: A is no stack of square matrices.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        if A.ndim != 3 or A.shape[-1] != A.shape[-2]:
            raise DimensionError("A", A.shape, "square matrices")
        model = self._files.model(A.shape[-1])
        with np.errstate(all="ignore"):
            return by_halves(lambda a: _solve(model, cayley(a) if discrete else a), A)


def cayley(A: FloatArray) -> FloatArray:
    """(A + I)⁻¹(A − I), stacked: Hurwitz where A is Schur.

    Raises:
        numpy.linalg.LinAlgError: a matrix has the eigenvalue −1.
    """
    eye = np.eye(A.shape[-1])
    return np.asarray(np.linalg.solve(A + eye, A - eye))


def canonical_matrix(A: FloatArray) -> CanonicalPair:
    """The canonical form of (A, b), b = (1, …, 1): nearly Hessenberg, free of time units; B means nothing."""
    return canonical_pair(A, np.ones((*A.shape[:-1], 1)))


def _solve(model: Model, A: FloatArray) -> FloatArray:
    pair = canonical_matrix(A)
    a, q = pair.A.astype(np.float32), pair.Q.astype(np.float32)
    return pair.riccati_from_factor(model.session.run(None, {"A": a, "B": np.zeros_like(a[:, :, :1]), "Q": q})[0])
