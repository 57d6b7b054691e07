"""Curves in a box along which a polynomial falls to −∞: its Newton polytope tells where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice, product
from math import lcm, prod

import numpy as np

from hybrid.exact.symbol_points import downhill
from hybrid.exact.symbol_terms import (
    Box,
    Exponents,
    FloatArray,
    Side,
    Symbol,
    Witness,
    clipped,
    is_infinite,
    samples,
    short,
)

LARGEST_WEIGHT = (0, 8, 6, 5, 4, 3, 2)
"""Of the coordinates' powers, by the number of infinite coordinates; more have 1."""
TRIED = 400
"""Directions on a face."""
SIZES = (-1.5, 1.5)
"""Powers of ten of constants and directions."""
MOST_POINTS = 12
"""That are looked at exactly on one face."""
LARGEST_DENOMINATOR, LARGEST_SCALE = 24, 100
"""Of weights from a linear programme."""


def falling_curve(q: Symbol, *, thorough: bool = False) -> Witness | None:
    """η_i(s) = c_i for i with the weight 0, d_i s^{w_i} for the others: q(η(s)) has a negative leading coefficient.

    On the face of the Newton polytope that the weights w expose, the terms of the highest degree in s are a polynomial
    in c and d; its sign is looked at in random points.
    """
    infinite = [i for i, side in enumerate(q.box) if is_infinite(side)]
    if not infinite or not q.terms:
        return None
    small = _small(len(q.box), infinite)
    return _along(q, chain(_exposing(q), small) if thorough else small, thorough)


def _along(q: Symbol, candidates: Iterable[tuple[int, ...]], thorough: bool) -> Witness | None:
    """The first of the weights whose face has a negative point."""
    rng = np.random.default_rng(0)
    seen: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    for weights in candidates:
        degrees = [sum(w * k for w, k in zip(weights, e, strict=True)) for e in q.terms]
        top = max(degrees)
        face = tuple(k for k, degree in enumerate(degrees) if degree == top)
        kind = face, tuple((w > 0) - (w < 0) for w in weights)
        if top <= 0 or kind in seen:
            continue
        seen.add(kind)
        found = _negative_on(rng, q, face, weights, thorough)
        if found is not None:
            return {"kind": "curve", "weights": list(weights), "point": [str(x) for x in found]}
    return None


def _small(n: int, infinite: list[int]) -> Iterator[tuple[int, ...]]:
    """Integer weights of the infinite coordinates, small ones first, 0 for the others."""
    k = len(infinite)
    largest = LARGEST_WEIGHT[k] if k < len(LARGEST_WEIGHT) else 1
    every = sorted(product(range(largest + 1), repeat=k), key=lambda w: (max(w), sum(w))) if k <= 10 else []
    for some in every[1:]:
        weights = [0] * n
        for i, w in zip(infinite, some, strict=True):
            weights[i] = w
        yield tuple(weights)


def _exposing(q: Symbol) -> Iterator[tuple[int, ...]]:
    """For each term that can be negative the weights, also negative ones, that lead it out of all others by most.

    Terms with the same powers of all coordinates that may have weights stay together; so those that are bounded and
    occur in the term also stay where they are, in a second try.
    """
    for gamma, value in zip(q.exponents, q.coefficients, strict=True):
        if value > 0 and not (gamma % 2).any():
            continue
        bounds = [(-1 if _holds_zero(side) else 0, 1 if is_infinite(side) else 0) for side in q.box]
        resting = [
            (0, most) if k and not most else (least, most) for (least, most), k in zip(bounds, gamma, strict=True)
        ]
        yield from _leading_out(gamma, q.exponents, bounds)
        if resting != bounds:
            yield from _leading_out(gamma, q.exponents, resting)


def _leading_out(gamma: FloatArray, every: FloatArray, bounds: list[tuple[int, int]]) -> Iterator[tuple[int, ...]]:
    """The weights within bounds for which w·γ exceeds all other w·β by most, if it does at all."""
    from scipy.optimize import linprog

    moving = [least < most for least, most in bounds]
    others = every[((every != gamma) & moving).any(1)]
    rows = np.concatenate([others - gamma, -gamma[None]])  # w·(β − γ) + t ≤ 0, and w·γ ≥ t
    found = linprog(
        [*np.zeros(len(gamma)), -1.0],
        A_ub=np.column_stack([rows, np.ones(len(rows))]),
        b_ub=np.zeros(len(rows)),
        bounds=[*bounds, (0, 1)],
        method="highs",
    )
    if found.status == 0 and found.x[-1] > 1e-9:
        ratios = [Fraction(float(w)).limit_denominator(LARGEST_DENOMINATOR) for w in found.x[:-1]]
        scale = lcm(*(ratio.denominator for ratio in ratios))
        if scale <= LARGEST_SCALE:
            yield tuple(int(scale * ratio) for ratio in ratios)


def _holds_zero(side: Side) -> bool:
    """Whether a coordinate can tend to 0."""
    low, high = side
    return (low is None or low != high) and (low is None or low <= 0) and (high is None or high >= 0)


def _negative_on(
    rng: np.random.Generator, q: Symbol, face: tuple[int, ...], weights: tuple[int, ...], thorough: bool
) -> tuple[Fraction, ...] | None:
    """Constants and directions where the terms of a face are negative together."""
    every = list(q.terms.items())
    terms = dict(every[k] for k in face)
    if all(value > 0 and not any(k % 2 for k in e) for e, value in terms.items()):
        return None
    room = tuple(_room(side, weight) for side, weight in zip(q.box, weights, strict=True))
    form = Symbol(terms, room)
    tried = islice(downhill(form, _points(rng, room, weights)), MOST_POINTS)
    for near in tried if thorough else islice(tried, 3):
        point = clipped([short(float(x)) for x in near], room)
        if _leading(terms, point) < 0 and all(x for x, w in zip(point, weights, strict=True) if w):
            return point
    return None


def _points(rng: np.random.Generator, room: Box, weights: tuple[int, ...]) -> FloatArray:
    """Constants and directions, which are not 0."""
    points = samples(rng, room, TRIED, SIZES)
    signs = np.array([1.0 if high is None else -1.0 for _, high in room])
    directions = signs * 10.0 ** rng.uniform(*SIZES, points.shape)
    return np.where((points == 0) & (np.array(weights) != 0), directions, points)


def _room(side: Side, weight: int) -> Side:
    """Where x may lie so that x s^weight stays in the side when s grows; 0 ends it where one sign alone does."""
    low, high = side
    if not weight:
        return side
    runs_away = weight > 0
    is_open = low is None or (low < 0 and not runs_away), high is None or (high > 0 and not runs_away)
    return None if is_open[0] else Fraction(0), None if is_open[1] else Fraction(0)


def _leading(terms: dict[Exponents, Fraction], point: tuple[Fraction, ...]) -> Fraction:
    return sum(
        (c * prod((x**k for x, k in zip(point, e, strict=True) if k), start=Fraction(1)) for e, c in terms.items()),
        start=Fraction(0),
    )
