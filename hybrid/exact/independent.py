"""Columns of balls that are certainly independent, chosen where their sizes are far apart too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import acb, acb_mat, arb_mat

Column = list[Any]  # of arb or acb


def independent(columns: Sequence[Column], n: int) -> list[int] | None:
    """Places of n columns whose determinant is certainly not 0, at the precision of flint's context.

    They are chosen in doubles, after rows and columns were divided by their largest entries; None proves nothing.

    >>> from flint import arb
    >>> independent([[arb(1), arb(0)], [arb(2), arb(0)], [arb(1), arb("1e-400")]], 2)
    [0, 2]
    """
    scaled = _balanced(columns)
    chosen = _farthest(scaled, n)
    if len(chosen) < n:
        return None
    entries = [scaled[c][j] for j in range(n) for c in chosen]
    kind: Any = acb_mat if any(isinstance(entry, acb) for entry in entries) else arb_mat
    return None if kind(n, n, entries).det().contains(0) else chosen


def _balanced(columns: Sequence[Column]) -> list[Column]:
    """Columns, then rows, then columns again divided by their largest entries, for doubles to hold them."""
    for _ in range(3):
        columns = [list(row) for row in zip(*map(_scaled, columns), strict=True)]
    return [list(column) for column in zip(*columns, strict=True)]


def _scaled(entries: Column) -> Column:
    largest = max((abs(entry).abs_upper() for entry in entries), key=lambda size: size)
    return entries if largest == 0 else [entry / largest for entry in entries]


def _farthest(scaled: Sequence[Column], n: int) -> list[int]:
    """n columns that look independent at the midpoints: each time the one that is farthest from those taken."""
    rest = np.array([[complex(entry) for entry in column] for column in scaled])
    if not np.isfinite(rest).all():
        return []
    taken: list[int] = []
    for _ in range(n):
        lengths = np.linalg.norm(rest, axis=1)
        taken.append(int(lengths.argmax()))
        if not lengths[taken[-1]]:
            return []
        direction = rest[taken[-1]] / lengths[taken[-1]]
        rest = rest - np.outer(rest @ direction.conj(), direction)
        rest[taken] = 0
    return sorted(taken)
