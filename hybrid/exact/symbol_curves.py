"""Curves in a box along which a polynomial falls to −∞: its Newton polytope tells where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice, product
from math import lcm, prod

import numpy as np

from hybrid.exact.symbol_points import downhill
from hybrid.exact.symbol_terms import Exponents, FloatArray, Side, Symbol, Witness, clipped, is_infinite, samples, short

LARGEST_WEIGHT = (0, 8, 6, 5, 4, 3, 2)
"""Of the coordinates' powers, by the number of infinite coordinates; more have 1."""
TRIED = 400
"""Directions on a face."""
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
    seen: set[tuple[int, ...]] = set()
    for weights in candidates:
        degrees = [sum(w * k for w, k in zip(weights, e, strict=True)) for e in q.terms]
        top = max(degrees)
        face = tuple(k for k, degree in enumerate(degrees) if degree == top)
        if top <= 0 or face in seen:
            continue
        seen.add(face)
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
    """For each term that can be negative the weights, also negative ones, that lead it out of all others by most."""
    from scipy.optimize import linprog

    bounds = [(-1.0 if _holds_zero(side) else 0.0, 1.0 if is_infinite(side) else 0.0) for side in q.box]
    every = q.exponents
    for gamma, value in zip(every, q.coefficients, strict=True):
        if value > 0 and not (gamma % 2).any():
            continue
        others = every[(every != gamma).any(1)]
        rows = np.concatenate([others - gamma, -gamma[None]])  # w·(β − γ) + t ≤ 0, and w·γ ≥ t
        found = linprog(
            [*np.zeros(len(gamma)), -1.0],
            A_ub=np.column_stack([rows, np.ones(len(rows))]),
            b_ub=np.zeros(len(rows)),
            bounds=[*bounds, (0.0, 1.0)],
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
    return low != high and (low is None or low <= 0) and (high is None or high >= 0)


def _negative_on(
    rng: np.random.Generator, q: Symbol, face: tuple[int, ...], weights: tuple[int, ...], thorough: bool
) -> tuple[Fraction, ...] | None:
    """Constants and directions where the terms of a face are negative together."""
    every = list(q.terms.items())
    terms = dict(every[k] for k in face)
    if all(value > 0 and not any(k % 2 for k in e) for e, value in terms.items()):
        return None
    form = Symbol(terms, q.box)
    tried = islice(downhill(form, samples(rng, q.box, TRIED, (-1.5, 1.5))), MOST_POINTS)
    for near in tried if thorough else islice(tried, 3):
        point = _direction(near, q, weights)
        if _leading(terms, point) < 0 and all(x for x, w in zip(point, weights, strict=True) if w):
            return point
    return None


def _direction(point: FloatArray, q: Symbol, weights: tuple[int, ...]) -> tuple[Fraction, ...]:
    """Rational; what stays constant lies in the box, what runs away does so to an infinite end."""
    near = [short(float(x)) for x in point]
    inside = clipped(near, q.box)
    return tuple(_turned(x, side, w) if w else c for x, c, w, side in zip(near, inside, weights, q.box, strict=True))


def _turned(x: Fraction, side: Side, weight: int) -> Fraction:
    """With the sign with which x s^weight stays in the side."""
    low, high = side
    if (high is not None) if weight > 0 else high == 0:
        return -abs(x)
    return abs(x) if ((low is not None) if weight > 0 else low == 0) else x


def _leading(terms: dict[Exponents, Fraction], point: tuple[Fraction, ...]) -> Fraction:
    return sum(
        (c * prod((x**k for x, k in zip(point, e, strict=True) if k), start=Fraction(1)) for e, c in terms.items()),
        start=Fraction(0),
    )
