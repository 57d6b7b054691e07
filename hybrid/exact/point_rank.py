"""Controllability of a pair known in balls: full rank by a minor, less by what the exact zeros of the pair show."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.exact.at_point import PointJacobian
from hybrid.exact.independent import independent
from hybrid.exact.zero_pattern import dilation, unreached
from hybrid.precision import working_precision
from hybrid.verify.rank import independent_columns

PAPER_TOLERANCE = 1e-6
"""Singular values of [B AB … Aⁿ⁻¹B] up to here count as 0 in the paper's rule, whatever the scale of the system."""


def regular_minor(found: PointJacobian, like: tuple[Any, Any] | None = None) -> list[list[int]] | None:
    """Columns [power, input] of [B AB … Aⁿ⁻¹B] whose determinant is certainly not 0; None proves nothing.

    Args:
        found: the pair.
        like: a pair in doubles for which the columns are chosen; None: the midpoints.
    """
    A, B = found.floats if like is None else like
    guess = independent_columns(A, B) if np.isfinite(A).all() and np.isfinite(B).all() else None
    n = found.system.n
    with working_precision(found.precision):
        A, block = found.balls
        powers = [block]
        while len(powers) < n:
            powers.append(A * powers[-1])
        if guess is not None:
            minor = type(A)([[powers[k][j, i] for k, i in guess] for j in range(n)])
            if not minor.det().contains(0):
                return [list(column) for column in guess]
        if like is not None:
            return None
        columns = [[k, i] for k in range(n) for i in range(block.ncols())]
        chosen = independent([[powers[k][j, i] for j in range(n)] for k, i in columns], n)
        return None if chosen is None else [columns[c] for c in chosen]


def why_uncontrollable(found: PointJacobian) -> dict[str, Any] | None:
    """States that no input reaches, or rows of [A B] with fewer columns than rows: exact zeros, whatever the rest is.

    Together these are the ways in which a pattern of zeros makes every pair uncontrollable (Lin 1974).
    """
    pattern = found.pattern
    for name, bits in (("unreached", unreached(*pattern)), ("dilation", dilation(*pattern))):
        if bits:
            return {name: [i for i in range(found.system.n) if bits >> i & 1]}
    return None


def paper_rank(A: Any, B: Any) -> int | None:
    """The rank of [B AB … Aⁿ⁻¹B] in double precision by the paper's absolute tolerance; proves nothing."""
    block, blocks = B, []
    with np.errstate(all="ignore"):
        for _ in range(len(A)):
            blocks.append(block)
            block = A @ block
    kalman = np.hstack(blocks)
    return int(np.linalg.matrix_rank(kalman, PAPER_TOLERANCE)) if np.isfinite(kalman).all() else None
