"""Verdicts on a Jacobian, guessed by a network: stable and how fast, or controllable. Nothing here is trusted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.expression_trees import CODE, encode
from hybrid.propose.session import Form, ModelFiles

SCHEMA = "hybrid-verdict/1"
"""What a model file takes and gives: codes of scaled A and B, and which states there are, to verdict and latent."""

STATES = 6
INPUTS = 3
SWEEPS = 6
"""Of balancing, in logarithms."""
NOTHING = -60.0

TASKS = ("stability", "controllability")
LATENT = 64


def _form(task: str) -> Form:
    return Form(
        task=f"{task} verdict",
        schema=SCHEMA,
        canonical_form=task,
        name=lambda _: f"verdict-{task}.onnx",
        shapes=lambda _: {
            "codes": [STATES, STATES + INPUTS, CODE], "present": [STATES], "said": [2], "latent": [LATENT]
        },
        sized=False,
    )  # fmt: skip


FORMS = {task: _form(task) for task in TASKS}
"""What the files of each task are."""


class Verdicts(NamedTuple):
    """Of N Jacobians.

    Attributes:
        score: (N,) what the network holds for the probability of yes: stable, or controllable.
        rate: (N,) the guessed modulus of the spectral abscissa, 1/s; only said by the stability network.
        latent: (N, LATENT) the network's last layer but one.
    """

    score: NDArray[np.float64]
    rate: NDArray[np.float64]
    latent: NDArray[np.float32]


class VerdictProposer:
    """Guesses one of `TASKS` from Jacobians.

    Args:
        task: which.
        path: a model file, or a folder of files named like the shipped ones; None: the shipped one.
    """

    def __init__(self, task: str, path: str | os.PathLike[str] | None = None) -> None:
        self._files = ModelFiles(FORMS[task], None if path is None else Path(path))

    @property
    def is_there(self) -> bool:
        """Whether there is a model; its file is not opened."""
        return self._files.has(0)

    def propose(self, A: NDArray[Any], B: NDArray[Any] | None = None) -> Verdicts:
        """Verdicts on stacked A (N, n, n) and B (N, n, m), n ≤ `STATES`, m ≤ `INPUTS`.

        Raises:
            ModelError: there is no model, or its file is damaged or foreign.
        """
        codes, present, unit = scaled_codes(A, B)
        said, latent = self._files.model(0).session.run(["said", "latent"], {"codes": codes, "present": present})
        said = said.astype(np.float64)
        return Verdicts(1 / (1 + np.exp(-said[:, 0])), np.exp(said[:, 1] + unit), latent)


def scaled_codes(A: NDArray[Any], B: NDArray[Any] | None) -> tuple[NDArray[np.float32], NDArray[np.float32], Any]:
    """Codes (N, STATES, STATES + INPUTS, 4), the states that there are (N, STATES), and the unit of A's logarithms.

    Balanced by scaling the states, time scaled so that the largest entry of A is 1, and each input likewise: none of
    it moves a verdict.
    """
    count, n = A.shape[:2]
    codes = np.zeros((count, STATES, STATES + INPUTS, CODE), np.float32)
    codes[..., 3] = 1
    with np.errstate(all="ignore"):
        codes[:, :n, :n] = encode(np.nan_to_num(A))
        if B is not None:
            codes[:, :n, STATES : STATES + B.shape[2]] = encode(np.nan_to_num(B))
    log = np.where(codes[..., 3] > 0, NOTHING, codes[..., 0])
    shift = _balancing(log[:, :STATES, :STATES])
    log[:, :, :STATES] += shift[:, :, None] - shift[:, None, :]
    log[:, :, STATES:] += shift[:, :, None]
    zero = codes[..., 3] > 0
    log[zero] = NOTHING
    unit = log[:, :, :STATES].max((1, 2))
    log[:, :, :STATES] -= unit[:, None, None]
    log[:, :, STATES:] -= log[:, :, STATES:].max(1, keepdims=True)
    codes[..., 0] = np.where(zero, 0, np.maximum(log, NOTHING))
    present = np.zeros((count, STATES), np.float32)
    present[:, :n] = 1
    return codes, present, unit


def _balancing(log: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithms of state scales that bring the largest entries of each row and its column together (Osborne 1960)."""
    shift = np.zeros(log.shape[:2], np.float32)
    apart = np.where(np.eye(log.shape[1], dtype=bool), NOTHING, log)
    known = (apart.max(2) > NOTHING) & (apart.max(1) > NOTHING)
    empty = apart <= NOTHING
    for _ in range(SWEEPS):
        now = np.where(empty, NOTHING, apart + shift[:, :, None] - shift[:, None, :])
        shift += np.where(known, (now.max(1) - now.max(2)) / 4, 0)
    return shift
