"""Stability of stacked matrices: Lyapunov matrices by doubling, proved in floats; the rest exactly, one by one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import api
from hybrid.answer import Route, Status, Verdict
from hybrid.batch.answers import BatchAnswer
from hybrid.batch.rows import Rows
from hybrid.batch.stacks import Boundary, FloatArray, Stack
from hybrid.errors import ProblemError
from hybrid.verify.float_environment import ieee_arithmetic

if TYPE_CHECKING:
    from hybrid.propose.lyapunov_matrix import LyapunovProposer


def stability(
    A: Any, *, discrete: bool = False, decay: Any = 0, model: bool | str | os.PathLike[str] = False
) -> BatchAnswer:
    """Decide for each matrix of a stack whether every eigenvalue lies in the stability region.

    Smith's doubling gives a Lyapunov matrix P of the stable ones, the matrix sign function one of the unstable ones; no
    eigenvalue is computed. What the float proof kernel then proves is settled. The rest (on the boundary, too near to
    it, too badly conditioned, or stable with less than the decay asked for) is decided over Q, one by one.

    Args:
        A: (N, n, n), float64, float32 or integers, in 1/s; each number is the one stored.
        discrete: x⁺ = A x instead of x′ = A x.
        decay: σ in 1/s, asks for Re λ < −σ; in discrete time for |λ| < 1 − σ.
        model: True, or the path of a model file or folder, asks a network for P first. Off, because doubling costs
            less at every size (`hybrid bench batch`).

    Returns:
        A `BatchAnswer`: "proved" if every eigenvalue of the row is in the region, "disproved" if one is not; the
        verdict is about plain stability, as in `hybrid.stability`. A row with NaN or inf is an "error" row.

    Raises:
        DimensionError: A is no stack of square matrices.
        ProblemError: entries that are no real numbers; a decay or `model` that makes no sense.
        ModelError: `model` names a file that is no model of ours.

    Source: Smith 1968, SIAM J. Appl. Math. 16(1); Roberts 1980, Int. J. Control 32(4); Rump 2006, Theorem 2.3.

    >>> import numpy as np
    >>> import hybrid.batch
    >>> found = hybrid.batch.stability(np.array([[[0.0, 1.0], [-2.0, -3.0]], [[0.0, 1.0], [-1.0, 0.0]]]))
    >>> found.verdict.tolist(), found.route.tolist()
    (['stable', 'marginal'], ['doubling', 'exact'])
    """
    stack, boundary = Stack.read(A), Boundary.read(decay, discrete)
    rows = Rows("stability", stack, boundary)
    proposer = _proposer(model)
    with ieee_arithmetic(), np.errstate(all="ignore"):
        if rows.worth_stacking and proposer is not None and proposer.accepts(stack.A.shape[1]):
            _prove_proposed(rows, proposer)
        if rows.worth_stacking:
            _prove_stable(rows)
        if rows.worth_stacking:
            _prove_unstable(rows)
    with rows.timed("exact"):
        rows.one_by_one(lambda system: api.stability(system, decay=boundary.region.decay))
    return rows.freeze()


def _proposer(model: Any) -> LyapunovProposer | None:
    if model is False:
        return None
    from hybrid.propose.lyapunov_matrix import LyapunovProposer

    if model is not True and not isinstance(model, str | os.PathLike):
        raise ProblemError("model", model, "True, False, or the path of a model file or folder")
    return LyapunovProposer(None if model is True else model)


def _prove_proposed(rows: Rows, proposer: LyapunovProposer) -> None:
    with rows.timed(Route.MODEL.value):
        A, _ = rows.pairs()
        limit, discrete = rows.boundary.inside, rows.boundary.discrete
        shifted = A / limit if discrete else A - limit * np.eye(A.shape[1])
        try:
            P = np.ascontiguousarray(proposer.propose_batch(shifted, discrete=discrete))
        except Exception:  # noqa: BLE001 - a model may fail in any way, and the answer is not to suffer from it
            return
        if P.shape == A.shape and P.dtype == np.float64:
            proved = _prove(A, P, A[:, :, :0], limit, discrete)
            rows.settle(proved, Status.PROVED, Verdict.STABLE, Route.MODEL.value, lyapunov=P)


def _prove_stable(rows: Rows) -> None:
    from hybrid.batch.kernels.lyapunov import costs

    with rows.timed("doubling"):
        A, _ = rows.pairs()
        limit, discrete = rows.boundary.inside, rows.boundary.discrete
        P = costs(A, limit, discrete)
        proved = _prove(A, P, A[:, :, :0], limit, discrete)
        rows.settle(proved, Status.PROVED, Verdict.STABLE, "doubling", lyapunov=P)


def _prove_unstable(rows: Rows) -> None:
    from hybrid.batch.kernels.lyapunov import indefinite_costs

    with rows.timed("matrix sign"):
        A, _ = rows.pairs()
        limit, discrete = rows.boundary.outside, rows.boundary.discrete
        P, x = indefinite_costs(A, limit, discrete)
        proved = _prove(A, P, x, limit, discrete)
        found = {"lyapunov": P, "direction": x[:, :, 0]}
        rows.settle(proved, Status.DISPROVED, Verdict.UNSTABLE, "matrix sign", **found)


def _prove(A: FloatArray, P: FloatArray, x: FloatArray, limit: float, discrete: bool) -> Any:
    from hybrid.batch.kernels.proof import PROBE, prove

    no_inputs = np.zeros((len(A), A.shape[1], 0))
    return prove(A, no_inputs, no_inputs.mT.copy(), P, np.ascontiguousarray(x), limit, discrete, PROBE)
