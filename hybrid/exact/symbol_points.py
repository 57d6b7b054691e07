"""Rational points of a box where a polynomial is negative, or zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import islice, product

import numpy as np

from hybrid.exact.symbol_terms import FloatArray, Symbol, Witness, clipped, samples, short, spelled

COUNT = 3000
"""Random points."""
ROUNDS = 12
"""Of moving the best points by smaller and smaller factors."""
CORNERS = 243


def negative_point(q: Symbol, proposals: Sequence[Sequence[float]] = ()) -> Witness | None:
    """A point with q < 0, exactly: one of the proposals, or the best of many that are moved downhill."""
    for proposal in proposals:
        found = _exactly_negative(q, np.asarray(proposal, float))
        if found is not None:
            return {"kind": "point", "point": spelled(found), "from": "proposal"}
    if all(value > 0 and not any(k % 2 for k in e) for e, value in q.terms.items()):
        return None
    for point in downhill(q, samples(np.random.default_rng(1), q.box, COUNT)):
        found = _exactly_negative(q, point)
        if found is not None:
            return {"kind": "point", "point": spelled(found)}
    return None


def downhill(q: Symbol, points: FloatArray) -> Iterator[FloatArray]:
    """Points where q is negative in floating point, from the best of the given ones moved by random factors."""
    rng = np.random.default_rng(3)
    for spread in np.geomspace(1.0, 0.02, ROUNDS):
        share = _share(q, points)
        order = np.argsort(share)[:12]
        best = points[order]
        yield from best[:3][share[order[:3]] < 0]
        factors = np.exp(spread * rng.standard_normal((40, *best.shape)))
        points = np.concatenate([best, _inside((best * factors).reshape(-1, best.shape[1]), q)])


def _share(q: Symbol, points: FloatArray) -> FloatArray:
    """q over the sum of the sizes of its terms; 1 where that is no number."""
    with np.errstate(all="ignore"):
        parts = q.parts(points)
        share = parts.sum(1) / np.abs(parts).sum(1)
    return np.asarray(np.nan_to_num(share, nan=1.0))


def _inside(points: FloatArray, q: Symbol) -> FloatArray:
    low = np.array([-np.inf if side[0] is None else float(side[0]) for side in q.box])
    high = np.array([np.inf if side[1] is None else float(side[1]) for side in q.box])
    return np.asarray(np.clip(points, low, high))


def _exactly_negative(q: Symbol, point: FloatArray) -> tuple[Fraction, ...] | None:
    """The point with three digits, or with all that it has, if q is negative there."""
    if point.shape != (len(q.box),) or not np.isfinite(point).all():
        return None
    for rounded in (short, Fraction):
        candidate = clipped([rounded(float(x)) for x in point], q.box)
        if q.at(candidate) < 0:
            return candidate
    return None


def vanishing_point(q: Symbol) -> tuple[Witness | None, Fraction]:
    """A point with q = 0 among the point nearest to the origin and the corners; or half the least value in samples."""
    for point in islice(_corners(q), CORNERS):
        if q.at(point) == 0:
            return {"kind": "point", "point": spelled(point)}, Fraction(0)
    points = np.concatenate([samples(np.random.default_rng(2), q.box, COUNT), _inside(np.zeros((1, len(q.box))), q)])
    with np.errstate(all="ignore"):
        values = q.parts(points).sum(1)
    least = float(np.nanmin(np.where(np.isfinite(values), values, np.inf)))
    return None, short(least / 2) if 0 < least < np.inf else Fraction(0)


def _corners(q: Symbol) -> Iterator[tuple[Fraction, ...]]:
    nearest = clipped([Fraction(0)] * len(q.box), q.box)
    ends = [
        dict.fromkeys([x, *(end for end in side if end is not None)]) for x, side in zip(nearest, q.box, strict=True)
    ]
    return product(*ends)
