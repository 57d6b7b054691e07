"""Candidate gains for static output feedback u = −K y from the shipped networks, with zeros where the user wants them.

As in `gain.py` nothing here is trusted. A network sees a continuous-time triple in canonical coordinates, padded to
four inputs and four outputs, and which entries of K are free; it answers with several candidates, of which one may do.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.answer import Route
from hybrid.errors import DimensionError
from hybrid.propose.canonical_triple import CANONICAL_FORM, CanonicalTriple, canonical_triple
from hybrid.propose.proposal import GainProposal
from hybrid.propose.session import Form, ModelFiles, by_halves
from hybrid.verify.lyapunov import BoolArray, FloatArray

SCHEMA = "hybrid-output-gain/1"
"""What a model file takes and gives, float32: stacked canonical A, B, C and the free entries to candidates K.

The input `steps`, an int64, is how many learned steps the file makes after its first guesses; the shape in the metadata
names the number that it was trained for.
"""

CHANNELS = 4
"""Inputs and outputs are padded with zeros to this many."""

CANDIDATES = 8
"""Gains proposed for each plant."""

Network = Callable[[dict[str, Any]], Any]
"""From the float32 tensors A, B, C, free by name to K (N, CANDIDATES, CHANNELS, CHANNELS)."""


def model_name(n: int) -> str:
    """The file that proposes output gains for plants with n states."""
    return f"sof-n{n}.onnx"


FORM = Form(
    task="output gain",
    schema=SCHEMA,
    canonical_form=CANONICAL_FORM,
    name=model_name,
    shapes=lambda n: {
        "A": [n, n],
        "B": [n, CHANNELS],
        "C": [CHANNELS, n],
        "free": [CHANNELS, CHANNELS],
        "steps": [],
        "K": [CANDIDATES, CHANNELS, CHANNELS],
    },
)


class OutputGainProposer:
    """Proposes output gains, several for each plant, that should make A − B K C stable.

    Args:
        path: a model file, or a folder of files named like the shipped ones (`sof-n4.onnx`); None: the shipped ones.

    >>> OutputGainProposer().accepts(40, 1, 1)
    False
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._files = ModelFiles(FORM, None if path is None else Path(path))

    def accepts(self, n: int, m: int, p: int) -> bool:
        """Whether there is a model for n states, m inputs and p outputs; its file is not opened."""
        return 1 <= m <= CHANNELS and 1 <= p <= CHANNELS and self._files.has(n)

    def propose(
        self, A: FloatArray, B: FloatArray, C: FloatArray, free: BoolArray | None = None, *, discrete: bool = False
    ) -> list[GainProposal]:
        """Candidates for one plant A (n, n), B (n, m), C (p, n), the likeliest first.

        Args:
            A, B, C: of x′ = A x + B u, y = C x, or of x⁺ = A x + B u.
            free: (m, p), True where the entry of K is free, False where it must be zero; None: all are free.
            discrete: whether time is discrete.

        Raises:
            DimensionError: the shapes do not fit.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        gains = self.propose_batch(A[None], B[None], C[None], free, discrete=discrete)[0]
        source = self._files.model(A.shape[-1]).source
        order = np.argsort(_growth(A - B @ gains @ C, discrete), kind="stable")
        return [GainProposal(gains[i], None, source, Route.MODEL) for i in order]

    def propose_batch(
        self,
        A: FloatArray,
        B: FloatArray,
        C: FloatArray,
        free: BoolArray | None = None,
        *,
        discrete: bool = False,
        steps: int | None = None,
    ) -> FloatArray:
        """Candidates K (N, c, m, p), in no order, for stacked plants A (N, n, n), B (N, n, m), C (N, p, n).

        One structure (m, p) serves all, or each has its own, (N, m, p). A row with NaN, inf, or overflow in its
        canonical form gives NaN. In discrete time, candidates with a structure are cut to it after the way back from
        the continuous-time twin, which does not keep it: starts for a search rather than answers.

        `steps` is the number of learned steps behind the candidates; None: as many as the model was trained for. The
        first guesses alone, 0, cost a hundredth of that.

        Raises:
            DimensionError: the shapes do not fit.
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        _require_stack(A, B, C)
        m, p = B.shape[-1], C.shape[-2]
        mask = np.ones((m, p), dtype=bool) if free is None else free
        if mask.shape not in {(m, p), (len(A), m, p)}:
            raise DimensionError("free", mask.shape, f"{m} rows and {p} columns")
        network = self.network(A.shape[-1], steps)

        def solve(A: FloatArray, B: FloatArray, C: FloatArray, mask: BoolArray) -> FloatArray:
            if not discrete:
                return gains_from(network, A, B, C, mask)
            A, B, C, G = continuous_twin(A, B, C)
            K = gains_from(network, A, B, C, np.ones_like(mask))
            return np.where(mask[:, None], np.linalg.solve(np.eye(m) + K @ G[:, None], K), 0.0)

        with np.errstate(all="ignore"):
            return by_halves(solve, A, B, C, np.broadcast_to(mask, (len(A), m, p)))

    def network(self, n: int, steps: int | None = None) -> Network:
        """The network for n states itself, after so many learned steps; None: as many as it was trained for.

        Raises:
            ModelError: there is no model for this n, or its file is damaged or foreign.
        """
        model = self._files.model(n)
        return stepping(model.session, trained_steps(model.properties) if steps is None else steps)


@lru_cache(maxsize=1)
def shipped() -> OutputGainProposer:
    """The proposer of the shipped models, one for the whole process."""
    return OutputGainProposer()


def trained_steps(properties: Mapping[str, str]) -> int:
    """How many learned steps a model was trained for, from the metadata of its file.

    >>> trained_steps({"shape": '{"n": 4, "steps": 12}'})
    12
    """
    return int(json.loads(properties["shape"])["steps"])


def stepping(session: Any, steps: int) -> Network:
    """An open session as a network that makes so many learned steps."""
    count = np.array(steps, dtype=np.int64)

    def network(tensors: dict[str, Any]) -> Any:
        return session.run(None, tensors | {"steps": count})[0]

    return network


def gains_from(network: Network, A: FloatArray, B: FloatArray, C: FloatArray, free: BoolArray) -> FloatArray:
    """What a network proposes for stacked plants: into canonical coordinates and back, in float64."""
    triple = canonical_triple(A, B, C)
    m, p = B.shape[-1], C.shape[-2]
    K = np.asarray(network(network_inputs(triple, free)), dtype=np.float64)[:, :, :m, :p]
    return np.where(np.broadcast_to(free, (len(A), m, p))[:, None], triple.gains(K), 0.0)


def network_inputs(triple: CanonicalTriple, free: BoolArray) -> dict[str, Any]:
    """The tensors of a stack by name, float32, channels padded with zeros; free is (m, p) or (N, m, p)."""
    count, n, m = triple.B.shape
    p = triple.C.shape[1]
    B, C = np.zeros((count, n, CHANNELS), np.float32), np.zeros((count, CHANNELS, n), np.float32)
    mask = np.zeros((count, CHANNELS, CHANNELS), np.float32)
    B[:, :, :m], C[:, :p], mask[:, :m, :p] = triple.B, triple.C, triple.structure(free)
    return {"A": triple.A.astype(np.float32), "B": B, "C": C, "free": mask}


def continuous_twin(
    A: FloatArray, B: FloatArray, C: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Continuous-time plants Ā, B̄, C̄ in the place of discrete ones, and G, which leads from their gains back.

    With E = (A + I)⁻¹, Ā = (A − I)E, B̄ = √2 E B, C̄ = √2 C E, G = C E B and K = (I + K̄G)⁻¹K̄ the bilinear map ties the
    closed loops, Ā − B̄K̄C̄ = (F − I)(F + I)⁻¹ with F = A − B K C: one is Hurwitz where the other is Schur. Where −A is
    farther from the eigenvalue −1 than A, both A and B change their signs first, and so does F.

    >>> A, B, C = (np.array([[[x]]]) for x in (3.0, 1.0, 2.0))
    >>> *twin, G = continuous_twin(A, B, C)
    >>> K_twin = np.array([[[-6.0]]])
    >>> K = np.linalg.solve(np.eye(1) + K_twin @ G, K_twin)
    >>> F = A - B @ K @ C
    >>> bool(np.allclose(twin[0] - twin[1] @ K_twin @ twin[2], (F - 1) / (F + 1)))
    True
    """
    eye = np.eye(A.shape[-1])
    determinants = np.abs(np.linalg.det(np.stack([A + eye, A - eye])))
    sign = np.where(determinants[0] < determinants[1], -1.0, 1.0)[:, None, None]
    A, B = sign * A, sign * B
    E = np.linalg.inv(A + eye)
    return (A - eye) @ E, np.sqrt(2.0) * E @ B, np.sqrt(2.0) * C @ E, C @ E @ B


def _growth(F: FloatArray, discrete: bool) -> FloatArray:
    """Abscissa or radius of each closed loop, inf where it is not finite."""
    usable = np.asarray(np.isfinite(F).all((-2, -1)))
    values = np.linalg.eigvals(np.where(usable[:, None, None], F, 0.0))
    return np.where(usable, (np.abs(values) if discrete else values.real).max(-1), np.inf)


def _require_stack(A: FloatArray, B: FloatArray, C: FloatArray) -> None:
    if A.ndim != 3 or A.shape[-1] != A.shape[-2]:
        raise DimensionError("A", A.shape, "square matrices")
    if B.ndim != 3 or B.shape[:-1] != A.shape[:-1]:
        raise DimensionError("B", B.shape, f"{A.shape[-1]} rows, as in A")
    if C.ndim != 3 or (C.shape[0], C.shape[2]) != (A.shape[0], A.shape[2]):
        raise DimensionError("C", C.shape, f"{A.shape[-1]} columns, as in A")
