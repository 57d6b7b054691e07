"""Controllability of stacked pairs: full rank modulo a prime, and exactly one by one what that leaves."""

from __future__ import annotations

from typing import Any

from hybrid import api
from hybrid.answer import Status, Verdict
from hybrid.batch.answers import BatchAnswer
from hybrid.batch.rows import Rows
from hybrid.batch.stacks import Boundary, Stack
from hybrid.verify.float_environment import ieee_arithmetic


def controllability(A: Any, B: Any) -> BatchAnswer:
    """Decide for each pair of a stack whether it is controllable.

    Full rank of [B AB … Aⁿ⁻¹B] modulo 2³¹ − 1 proves it. What is left gets the exact answer of
    `hybrid.controllability`, with the subspace that the inputs do not reach.

    Args:
        A, B: (N, n, n), (N, n, m), float64, float32 or integers; each number is the one stored.

    Returns:
        A `BatchAnswer`: "proved" for controllable, "disproved" for uncontrollable, "error" for a row with NaN or inf.

    Raises:
        DimensionError: A is no stack of square matrices, or B does not have their rows.
        ProblemError: entries that are no real numbers.

    Source: Kalman, Ho and Narendra 1963.

    >>> import numpy as np
    >>> import hybrid.batch
    >>> A = np.array([[[0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]]])
    >>> hybrid.batch.controllability(A, np.array([[[0.0], [1.0]], [[0.0], [1.0]]])).verdict.tolist()
    ['controllable', 'uncontrollable']
    """
    rows = Rows("controllability", Stack.read(A, B), Boundary.read(0, False), by_lyapunov=False)
    if rows.worth_stacking:
        from hybrid.batch.kernels.modular import full_rank

        with ieee_arithmetic(), rows.timed("modular rank"):
            rows.settle(full_rank(*rows.pairs()), Status.PROVED, Verdict.CONTROLLABLE, "modular rank")
    with rows.timed("exact"):
        rows.one_by_one(api.controllability)
    return rows.freeze()
