"""Proofs that a polynomial is bounded below on a box: what may be negative is dominated by what is not.

With y = |η| and positive terms p_β y^β, a term −m y^γ is dominated by portions a_β of them if λ ≥ 0, Σ λ = 1 and

    m F ≤ Π (a_β / λ_β)^{λ_β},   where y^γ ≤ F y^{Σ λ β} on the box,

by the inequality of weighted arithmetic and geometric means. F comes from the box: a coordinate with |η_i| ≤ b_i may
lack in the exponent, one with |η_i| ≥ a_i > 0 may have more.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf, isfinite, lcm, log
from typing import Any

import numpy as np

from hybrid.exact.symbol_terms import Exponents, Side, Symbol, Witness

PIECES = 48
"""Of a box."""
LARGEST_DENOMINATOR = 1000
GRID = 120
"""The common denominator of shares from a convex programme."""
MAX_POWER = 3000
"""Both sides of the inequality are raised to this at most."""
FREE = 300.0
"""The logarithm of what the constant has to give where only a bound is asked for."""
SLACK = 1 + 1e-6
_BITS = 30


def dominated(q: Symbol, least: Fraction | None) -> Witness | None:
    """A witness that q ≥ least on the box; least None: that q has some lower bound there."""
    terms, origin = dict(q.terms), (0,) * len(q.box)
    terms[origin] = terms.get(origin, Fraction(0)) - (least or 0)
    if least is None or not terms[origin]:  # no constant moves whether there is a bound
        del terms[origin]
    budget = [PIECES]
    tree = _proved(terms, q.box, least is None, budget)
    if tree is None:
        return None
    return {"kind": "domination", "least": None if least is None else str(least), "tree": tree}


def _proved(
    terms: dict[Exponents, Fraction], box: tuple[Side, ...], free: bool, budget: list[int]
) -> dict[str, Any] | None:
    """A tree of pieces, each with its circuits; None when the pieces are used up."""
    if budget[0] <= 0:
        return None
    budget[0] -= 1
    circuits = _circuits(terms, box, free)
    if circuits is not None:
        return {"circuits": circuits}
    cut = _cut(terms, box)
    if cut is None:
        return None
    i, at = cut
    parts = []
    for side in ((box[i][0], at), (at, box[i][1])):
        part = _proved(terms, (*box[:i], side, *box[i + 1 :]), free, budget)
        if part is None:
            return None
        parts.append(part)
    return {"coordinate": i, "at": str(at), "parts": parts}


def _cut(terms: dict[Exponents, Fraction], box: tuple[Side, ...]) -> tuple[int, Fraction] | None:
    """Where to divide a box: at 0 first, where powers change sign; then the widest bounded coordinate."""
    used = [any(e[i] for e in terms) for i in range(len(box))]
    widest: tuple[float, int, Fraction] | None = None
    for i, (low, high) in enumerate(box):
        if not used[i] or (low is not None and low == high):
            continue
        odd = any(e[i] % 2 for e in terms)
        if odd and (low is None or low < 0) and (high is None or high > 0):
            return i, Fraction(0)
        if low is None or high is None:
            continue
        near, far = sorted((abs(low), abs(high)))
        ratio = inf if near == 0 else float(far / near)
        middle = (low + high) / 2 if near == 0 or ratio < 4 else _short((near * far) ** 0.5) * (1 if high > 0 else -1)
        width = float(far) if near == 0 else ratio
        if widest is None or width > widest[0]:
            widest = width, i, middle
    return _far(used, box) if widest is None else (widest[1], widest[2])


def _far(used: list[bool], box: tuple[Side, ...]) -> tuple[int, Fraction] | None:
    """A place on a half line, well beyond its end, so that what lies before is bounded."""
    for i, (low, high) in enumerate(box):
        if used[i] and (low is None) != (high is None):
            end = low if high is None else high
            assert end is not None
            place = max(Fraction(1), 4 * abs(end))
            return i, place if high is None else -place
    return None


def _short(x: float) -> Fraction:
    return Fraction(f"{x:.3g}")


@dataclass
class _Extent:
    """|η_i| of a piece: a ≤ |η_i| ≤ b, and the sign of η_i, 0 where it changes."""

    a: Fraction
    b: Fraction | None
    sign: int

    @classmethod
    def of(cls, side: Side) -> _Extent:
        low, high = side
        sign = 1 if low is not None and low >= 0 else -1 if high is not None and high <= 0 else 0
        ends = [abs(end) for end in side if end is not None]
        return cls(min(ends) if sign else Fraction(0), max(ends) if len(ends) == 2 else None, sign)


def _circuits(terms: dict[Exponents, Fraction], box: tuple[Side, ...], free: bool) -> list[Any] | None:
    """A circuit for each term that may be negative on the piece; None where the portions do not reach."""
    extents = [_Extent.of(side) for side in box]
    left: dict[Exponents, Fraction] = {}
    negative: dict[Exponents, Fraction] = {}
    for e, value in terms.items():
        sign = 1 if value > 0 else -1
        for extent, k in zip(extents, e, strict=True):
            sign *= extent.sign if k % 2 else 1
        (left if sign > 0 else negative)[e] = abs(value)
    planned = []
    for gamma, m in negative.items():
        plan = _plan(gamma, m, left, extents, free)
        if plan is None:
            return None
        planned.append((plan[0], gamma))
    circuits = []
    for k, (_, gamma) in enumerate(sorted(planned, reverse=True)):
        plan = _plan(gamma, negative[gamma], left, extents, free)
        if plan is None:
            return None
        circuit = _circuit(gamma, negative[gamma], plan[1], left, extents, len(planned) - k)
        if circuit is None and not free:
            spread = _spread(gamma, left, extents)
            circuit = None if spread is None else _circuit(gamma, negative[gamma], spread, left, extents, 1)
        if circuit is None:
            return None
        for beta, _, portion in circuit:
            if beta in left:
                left[beta] -= portion
        left = {beta: value for beta, value in left.items() if value > 0}
        by = [[list(beta), str(share), str(portion)] for beta, share, portion in circuit]
        circuits.append({"term": list(gamma), "by": by})
    return circuits


def _plan(
    gamma: Exponents, m: Fraction, left: dict[Exponents, Fraction], extents: list[_Extent], free: bool
) -> tuple[float, dict[Exponents, Fraction]] | None:
    """The shares λ that need least of what is left (a linear programme), and the logarithm of the need."""
    from scipy.optimize import linprog

    origin = (0,) * len(gamma)
    betas = [*left, origin] if free else list(left)
    if not betas:
        return None
    price = [-FREE if free and beta == origin else -_log(left[beta]) for beta in betas]
    columns, costs = [[*beta, 1] for beta in betas], list(price)
    for i, extent in enumerate(extents):
        for turn, end in ((1, extent.b), (-1, extent.a if extent.a > 0 else None)):
            if end:  # neither infinite nor 0
                columns.append([turn * (j == i) for j in range(len(gamma))] + [0])
                costs.append(turn * _log(end))
    found = linprog(costs, A_eq=np.array(columns, float).T, b_eq=[*gamma, 1], method="highs")
    if found.status != 0:
        return None
    shares = {
        beta: Fraction(float(x)).limit_denominator(LARGEST_DENOMINATOR)
        for beta, x in zip(betas, found.x[: len(betas)], strict=True)
        if x > 1e-7
    }
    if sum(shares.values()) != 1 or lcm(*(share.denominator for share in shares.values())) > MAX_POWER:
        return None
    return _log(m) + float(found.fun), shares


def _spread(
    gamma: Exponents, left: dict[Exponents, Fraction], extents: list[_Extent]
) -> dict[Exponents, Fraction] | None:
    """Shares that need least with what mixing them spares, Σ λ log λ: a convex programme, rounded to a grid.

    Where the rounded shares miss the term, the box has to make up for it; `_circuit` sees whether it does.
    """
    from scipy.optimize import minimize

    betas, n = list(left), len(left)
    if n < 2:
        return None
    columns, costs = [[*beta, 1] for beta in betas], []
    for i, extent in enumerate(extents):
        for turn, end in ((1, extent.b), (-1, extent.a)):
            if end:
                columns.append([turn * (j == i) for j in range(len(gamma))] + [0])
                costs.append(turn * _log(end))
    A, price = np.array(columns, float).T, np.array([_log(left[beta]) for beta in betas])

    def need(x: np.ndarray[Any, Any]) -> float:
        shares = np.maximum(x[:n], 1e-12)
        return float((shares * (np.log(shares) - price)).sum() + np.dot(costs, x[n:]))

    start = np.concatenate([np.full(n, 1 / n), np.full(len(costs), 0.1)])
    fits = {"type": "eq", "fun": lambda x: A @ x - [*gamma, 1]}
    limits = [(0.0, 1.0)] * n + [(0.0, None)] * len(costs)
    found = minimize(need, start, method="SLSQP", bounds=limits, constraints=fits)
    if not found.success:
        return None
    parts = np.round(found.x[:n] * GRID).astype(int)
    parts[np.argmax(parts)] += GRID - parts.sum()
    return {beta: Fraction(int(k), GRID) for beta, k in zip(betas, parts, strict=True) if k > 0}


def _circuit(
    gamma: Exponents,
    m: Fraction,
    shares: dict[Exponents, Fraction],
    left: dict[Exponents, Fraction],
    extents: list[_Extent],
    waiting: int,
) -> list[tuple[Exponents, Fraction, Fraction]] | None:
    """Shares with portions of what is left that dominate the term, checked exactly; None where there is too little."""
    factor = _factor(gamma, shares, extents)
    if factor is None:
        return None
    power, raised = factor
    need = _log(m) + _log(raised) / power
    origin = (0,) * len(gamma)
    paid = {beta: left[beta] for beta in shares if beta in left}
    if origin in shares and origin not in left:  # the constant, of which there is as much as is wanted
        portions = {beta: value / (2 * waiting) for beta, value in paid.items()}
        given = sum(float(shares[beta]) * (_log(portions[beta]) - _log(shares[beta])) for beta in portions)
        share = float(shares[origin])
        exponent = (need - given) / share + log(share)
        if not isfinite(exponent) or exponent > 60_000:
            return None
        portions[origin] = Fraction(2) ** (int(exponent / log(2)) + 2)
    else:
        given = sum(float(share) * (_log(paid[beta]) - _log(share)) for beta, share in shares.items())
        part = np.exp(need - given) * SLACK
        if not part < 1:
            part = 1.0 if need - given < 1e-9 else inf
        if part > 1:
            return None
        taken = min(Fraction(1), Fraction(int(part * 2**_BITS) + 1, 2**_BITS))
        portions = {beta: taken * value for beta, value in paid.items()}
    if not _holds(m, raised, power, shares, portions):
        return None
    return [(beta, share, portions[beta]) for beta, share in shares.items()]


def _factor(gamma: Exponents, shares: dict[Exponents, Fraction], extents: list[_Extent]) -> tuple[int, Fraction] | None:
    """(N, Fᴺ) with the least N that makes the shares whole; None where the box gives no F."""
    power = lcm(*(share.denominator for share in shares.values()))
    raised = Fraction(1)
    for i, extent in enumerate(extents):
        lack = power * (gamma[i] - sum((share * beta[i] for beta, share in shares.items()), start=Fraction(0)))
        if lack > 0 and extent.b is not None:
            raised *= extent.b ** int(lack)
        elif lack < 0 and extent.a > 0:
            raised *= extent.a ** int(lack)
        elif lack:
            return None
    return power, raised


def _holds(
    m: Fraction, raised: Fraction, power: int, shares: dict[Exponents, Fraction], portions: dict[Exponents, Fraction]
) -> bool:
    """mᴺ Fᴺ ≤ Π (a/λ)^{N λ}, exactly."""
    right = Fraction(1)
    for beta, share in shares.items():
        right *= (portions[beta] / share) ** int(power * share)
    return m**power * raised <= right


def _log(value: Fraction) -> float:
    """Of a positive rational, however large."""
    return log(value.numerator) - log(value.denominator)
