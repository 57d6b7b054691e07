"""Lower bounds by sums of squares: for symbols that are quadratic in a few monomials.

A diffusion tensor is quadratic in the wave numbers, Swift and Hohenberg's symbol (|η|² − 1)² in their squares. Where
terms of both signs meet in a zero that is no single point of each orthant, means of single terms do not reach it, and
the square is what does.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, combinations_with_replacement

from hybrid.exact.symbol_terms import Exponents, Symbol, Witness

MOST_MONOMIALS = 40
Row = list[Fraction]


def squares(q: Symbol) -> tuple[Fraction, Witness] | None:
    """The largest c with q − c = Σ w_k s_k², w_k > 0, for the Gram matrix below, and the witness of q ≥ c everywhere.

    The monomials are the halves of the positive even terms, without those that lie midway between two others; a term
    that is the product of several pairs of them belongs to the pair of different ones. None: there is no such sum.

    >>> q = Symbol({(4, 0): Fraction(1), (2, 2): Fraction(2), (0, 4): Fraction(1), (2, 0): Fraction(-2),
    ...             (0, 2): Fraction(-2)}, ((None, None),) * 2)
    >>> squares(q)[0]  # of (|η|² − 1)² − 1
    Fraction(-1, 1)
    """
    monomials = _monomials(q)
    gram = None if len(monomials) > MOST_MONOMIALS else _gram(q, monomials)
    found = None if gram is None else _reduced(gram)
    if found is None:
        return None
    rows, pivots = found
    least = pivots[-1]  # of the constant, which comes last
    listed = [
        {"weight": str(pivot), "square": _spelled(row, monomials)}
        for row, pivot in zip(rows[:-1], pivots[:-1], strict=True)
        if pivot
    ]
    return least, {"kind": "squares", "least": str(least), "squares": listed}


def _monomials(q: Symbol) -> list[Exponents]:
    """Whose squares may occur; the constant last."""
    origin = (0,) * len(q.box)
    even = (e for e, value in q.terms.items() if value > 0 and not any(k % 2 for k in e))
    halves = {tuple(k // 2 for k in e) for e in even} - {origin}
    if len(halves) > MOST_MONOMIALS:
        return [*halves, origin]
    middles = {_product(a, b) for a, b in combinations({*halves, origin}, 2)}
    return [*sorted((m for m in halves if tuple(2 * k for k in m) not in middles), reverse=True), origin]


def _gram(q: Symbol, monomials: Sequence[Exponents]) -> list[Row] | None:
    """The symmetric matrix G with q = mᵀ G m; None where a term is no product of two monomials."""
    place: dict[Exponents, tuple[int, int]] = {}
    for i, j in combinations_with_replacement(range(len(monomials)), 2):
        product = _product(monomials[i], monomials[j])
        if product not in place or i != j:
            place[product] = i, j
    gram = [[Fraction(0)] * len(monomials) for _ in monomials]
    for e, value in q.terms.items():
        if e not in place:
            return None
        i, j = place[e]
        gram[i][j] += value / 2
        gram[j][i] += value / 2
    return gram


def _reduced(gram: list[Row]) -> tuple[list[Row], Row] | None:
    """G = Σ d_k r_k r_kᵀ with d_k ≥ 0 but for the last one; None where G is not like that."""
    left, rows, pivots = [row[:] for row in gram], [], []
    size = len(gram)
    for k in range(size):
        pivot = left[k][k]
        if k < size - 1 and (pivot < 0 or (pivot == 0 and any(left[k]))):
            return None
        row = [x / pivot for x in left[k]] if pivot else [Fraction(0)] * size
        for i in range(k, size):
            for j in range(k, size):
                left[i][j] -= pivot * row[i] * row[j]
        rows.append(row)
        pivots.append(pivot)
    return rows, pivots


def _product(a: Exponents, b: Exponents) -> Exponents:
    return tuple(i + j for i, j in zip(a, b, strict=True))


def _spelled(row: Row, monomials: Sequence[Exponents]) -> list[list[object]]:
    return [[list(m), str(value)] for m, value in zip(monomials, row, strict=True) if value]
