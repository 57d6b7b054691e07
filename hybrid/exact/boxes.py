"""Boxes by the doubles that bound their sides: exact to split, so that neighbours share a face and leave no gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from flint import arb

from hybrid.exact.contraction import Empty

Sides = tuple[tuple[float, float], ...]


def around(lower: Fraction, upper: Fraction) -> tuple[float, float]:
    """The narrowest doubles around an interval."""
    below, above = float(lower), float(upper)
    return (
        below if below <= lower else math.nextafter(below, -math.inf),
        above if above >= upper else math.nextafter(above, math.inf),
    )


def to_balls(box: Sides) -> list[arb]:
    """Balls around the sides."""
    return [arb(lower).union(arb(upper)) for lower, upper in box]


def hull(balls: Sequence[arb]) -> Sides:
    """Doubles around balls."""
    return tuple((_down(ball.lower()), _up(ball.upper())) for ball in balls)


def cut(box: Sides, smaller: Sequence[arb]) -> Sides:
    """The part of a box that a contraction left.

    Raises:
        Empty: there is none.
    """
    pairs = zip(box, hull(smaller), strict=True)
    part = tuple((max(lower, low), min(upper, high)) for (lower, upper), (low, high) in pairs)
    if any(lower > upper for lower, upper in part):
        raise Empty
    return part


def contains(outer: Sides, inner: Sequence[tuple[float | Fraction, float | Fraction]]) -> bool:
    """Whether a box lies in another, faces included."""
    return all(low <= lower and upper <= high for (low, high), (lower, upper) in zip(outer, inner, strict=True))


def shrank(before: Sides, after: Sides, factor: float) -> bool:
    """Whether a side became narrower than `factor` times what it was."""
    pairs = zip(before, after, strict=True)
    return any(upper - lower < factor * (high - low) for (low, high), (lower, upper) in pairs)


def clusters(boxes: Sequence[Sides]) -> list[Sides]:
    """The hulls of touching boxes: around a fold, the boxes for each corner that meets there become one.

    >>> clusters([((0.0, 1.0),), ((5.0, 6.0),), ((1.0, 2.0),)])
    [((0.0, 2.0),), ((5.0, 6.0),)]
    """
    hulls: list[Sides] = []
    left = np.array(boxes, dtype=np.float64)
    while len(left):
        joined, left = left[0], left[1:]
        while (touching := ((left[..., 0] <= joined[:, 1]) & (joined[:, 0] <= left[..., 1])).all(axis=1)).any():
            members = np.concatenate([joined[None], left[touching]])
            joined = np.stack([members[..., 0].min(axis=0), members[..., 1].max(axis=0)], axis=1)
            left = left[~touching]
        hulls.append(tuple((lower, upper) for lower, upper in joined.tolist()))
    return hulls


def _down(bound: arb) -> float:
    nearest = float(bound)
    return nearest if nearest <= bound else math.nextafter(nearest, -math.inf)


def _up(bound: arb) -> float:
    nearest = float(bound)
    return nearest if nearest >= bound else math.nextafter(nearest, math.inf)
