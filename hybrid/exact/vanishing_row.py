"""Rows p(t) that vanish on everything that the inputs reach: candidates, which the checker proves or drops."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

DEGREE = 2
"""Of the polynomials in t that are fitted to rows found at single instants."""
SAMPLES = 5
"""Instants at which they are found: more than the degree asks for, so that a fit by chance is rare."""
_DEPENDENT = 1e-9  # singular values up to here, of columns of length 1, are taken for 0
_SMALL = 1e-6  # beside the largest entry
_DENOMINATOR = 720  # of coefficients


def fitted_row(time: str, instants: Sequence[Fraction], blocks: Sequence[NDArray[np.float64]]) -> list[str] | None:
    """A row, polynomial in t with small rational coefficients, that vanishes on the columns seen at some instants.

    Args:
        time: its name.
        instants: `SAMPLES` of them.
        blocks: at each the columns [D_0 … D_(n−1)], (n, nm).

    >>> t = [Fraction(k, 4) for k in range(5)]
    >>> fitted_row("t", t, [np.array([[1.0], [2 + 3 * float(x)]]) for x in t])
    ['-2 - 3*t', '1']
    """
    rows = [_left_null_row(block) for block in blocks]
    found = np.array([row for row in rows if row is not None])
    if len(found) < SAMPLES:
        return None
    powers = np.vander([float(t) for t in instants], DEGREE + 1, increasing=True)
    for j in reversed(np.flatnonzero((np.abs(found) > _SMALL * np.abs(found).max(1, keepdims=True)).all(0))):
        scaled = found / found[:, j : j + 1]
        coefficients = np.linalg.lstsq(powers, scaled, rcond=None)[0]
        if np.abs(powers @ coefficients - scaled).max() < _SMALL * np.abs(scaled).max():
            return [_polynomial(time, entry) for entry in coefficients.T]
    return None


def _left_null_row(block: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """p with p D = 0: of several the one that elimination from the first entry on leaves."""
    lengths = np.linalg.norm(block, axis=0)
    if not np.isfinite(lengths).all():
        return None
    columns = block[:, lengths > 0] / lengths[lengths > 0]
    left, values, _ = np.linalg.svd(columns, full_matrices=True)
    rank = int((values > _DEPENDENT).sum())
    null = left[:, rank:].T
    if not len(null):
        return None
    for j in range(null.shape[1]):
        if len(null) == 1:
            break
        pivot = int(np.abs(null[:, j]).argmax())
        if abs(null[pivot, j]) > _SMALL:
            null = np.delete(null - np.outer(null[:, j] / null[pivot, j], null[pivot]), pivot, axis=0)
    return np.asarray(null[0])


def _polynomial(time: str, coefficients: NDArray[np.float64]) -> str:
    near = [Fraction(float(c)).limit_denominator(_DENOMINATOR) for c in coefficients]
    text = ""
    for k, c in enumerate(near):
        factors = [str(abs(c))] * (abs(c) != 1 or not k) + [time if k == 1 else f"{time}^{k}"] * bool(k)
        text += f" {'-' if c < 0 else '+'} {'*'.join(factors)}" if c else ""
    return ("-" + text[3:] if text.startswith(" -") else text[3:]) or "0"
