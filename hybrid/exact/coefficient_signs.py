"""Combinations of coefficients of the characteristic polynomial that no gain makes positive."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq, fmpq_mat

from hybrid.exact.static_loop import StaticLoop, matchings

A_SECOND = 10**12  # of work of the simplex method, where an operation counts the square of its bits
Weights = list[list[fmpq]]  # for each loop its y_0 … y_n


def find(loops: Sequence[StaticLoop], most_gains: int, most_work: int = A_SECOND) -> Weights | None:
    """Weights y ≥ 0, not all zero, for which Σ y_j c_j(K) ≤ 0 is the same number for every K.

    The c_j are the coefficients of det(sI − A + B K C), moved so that the region is the left half plane, of each loop.
    In the region they are all positive, and so would be the sum. By Cauchy and Binet the polynomial is a combination
    of fixed polynomials π_T, one for each set T of free entries without two in one row or column of K; the sum does not
    depend on K if y annihilates all but π_∅. Such weights exist if and only if no point of the span of the π_T, offset
    by π_∅, has positive coefficients only (Motzkin 1936), so that the trace and determinant conditions are among them,
    and a blocking zero z too, with the weights zʲ.

    Args:
        loops: of the plants that share K.
        most_gains: how many sets T to allow; more of them end in None.
        most_work: what the search for the weights may cost.

    >>> import numpy as np
    >>> from hybrid.pole_region import Region
    >>> from hybrid.systems.linear import LinearSystem
    >>> undamped = LinearSystem([[0, 1], [-1, 0]], [[0], [1]], [[1, 0]])
    >>> find([StaticLoop.of(undamped, np.ones((1, 1), dtype=bool), Region(), output=True)], 10)
    [[0, 1, 0]]
    """
    by_trace = _by_trace(loops)
    if by_trace is not None:
        return by_trace
    sets = matchings(loops[0].free, most_gains)
    if sets is None:
        return None
    values = [[c for loop in loops for c in loop.coefficients(dict.fromkeys(T, 1))] for T in sets]
    start = values[0]
    moves = [[c - c0 for c, c0 in zip(row, start, strict=True)] for row in values[1:]]
    y = nonnegative_annihilator(moves, start, most_work)
    if y is None:
        return None
    sizes = [loop.n + 1 for loop in loops]
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    return [y[first : first + size] for first, size in zip(starts, sizes, strict=True)]


def _by_trace(loops: Sequence[StaticLoop]) -> Weights | None:
    """A fixed trace that lies on the wrong side, in a plant of any size.

    Continuous time: tr ≥ 0, and c_{n−1} = −tr. Discrete time: |tr| ≥ n, where the eigenvalues have moduli below 1;
    Σ (n − j) c_j = 2^{n−1} (n − tr) and Σ j c_j = 2^{n−1} (n + tr).
    """
    for k, loop in enumerate(loops):
        n, trace = loop.n, loop.trace
        if trace is None:
            continue
        y: list[int] | None = None
        if not loop.discrete and trace >= 0:
            y = [int(j == n - 1) for j in range(n + 1)]
        elif loop.discrete and abs(trace) >= n:
            y = [n - j if trace > 0 else j for j in range(n + 1)]
        if y is not None:
            return [[fmpq(c) for c in y] if k == i else [fmpq(0)] * (other.n + 1) for i, other in enumerate(loops)]
    return None


def nonnegative_annihilator(rows: list[list[fmpq]], cost: list[fmpq], most_work: int = A_SECOND) -> list[fmpq] | None:
    """y ≥ 0 with Σ y = 1, row · y = 0 for every row and cost · y ≤ 0; None if there is none or it takes too long.

    The simplex method over Q with Bland's rule: a first phase drives artificial variables to 0, one for each equation;
    then cost · y is lowered until it is not positive any more.

    >>> nonnegative_annihilator([[fmpq(1), fmpq(-1), fmpq(0)]], [fmpq(1), fmpq(1), fmpq(3)]) is None
    True
    >>> nonnegative_annihilator([[fmpq(1), fmpq(-1), fmpq(0)]], [fmpq(1), fmpq(-2), fmpq(3)])
    [1/2, 1/2, 0]
    """
    width = len(cost)
    table = [[*row, fmpq(0)] for row in _reduced(rows, width)] + [[fmpq(1)] * (width + 1)]
    if len(table) > width:  # only y = 0 is orthogonal to all rows
        return None
    basis = [width + k for k in range(len(table))]  # artificial ones, whose columns need not be stored
    artificial = [-sum((row[c] for row in table), fmpq(0)) for c in range(width + 1)]
    prices = [*cost, fmpq(0)]
    work = 0
    for phase, objective in ((1, artificial), (2, prices)):
        while (phase == 1 and objective[width]) or (phase == 2 and objective[width] < 0):
            column = next((c for c in range(width) if objective[c] < 0), None)
            if column is None or work > most_work:
                return None
            leaving = _leaving(table, basis, column)
            work += len(table) * sum(_bits(x) ** 2 for x in table[leaving])
            _pivot(table, basis, leaving, column, [artificial, prices])
        if phase == 1:
            table, basis = _without_artificial(table, basis, width, [artificial, prices])
    y = [fmpq(0)] * width
    for row, variable in zip(table, basis, strict=True):
        y[variable] = row[width]
    return y


def _bits(x: fmpq) -> int:
    return int(x.p).bit_length() + int(x.q).bit_length()


def _reduced(rows: list[list[fmpq]], width: int) -> list[list[fmpq]]:
    """A basis of the row space."""
    if not rows:
        return []
    reduced, rank = fmpq_mat(len(rows), width, [x for row in rows for x in row]).rref()
    kept: list[list[fmpq]] = reduced.tolist()[: int(rank)]
    return kept


def _leaving(table: list[list[fmpq]], basis: list[int], column: int) -> int:
    """The row of the least ratio; among equals the one of the first variable (Bland)."""
    ratios = [(row[-1] / row[column], basis[k], k) for k, row in enumerate(table) if row[column] > 0]
    return min(ratios)[2]  # there is one: Σ y = 1 bounds every variable


def _pivot(table: list[list[fmpq]], basis: list[int], leaving: int, column: int, objectives: list[list[fmpq]]) -> None:
    pivot = table[leaving][column]
    table[leaving] = chosen = [x / pivot for x in table[leaving]]
    for row in [*table, *objectives]:
        if row is not chosen and (factor := row[column]):
            row[:] = [x - factor * y if y else x for x, y in zip(row, chosen, strict=True)]
    basis[leaving] = column


def _without_artificial(
    table: list[list[fmpq]], basis: list[int], width: int, objectives: list[list[fmpq]]
) -> tuple[list[list[fmpq]], list[int]]:
    """Exchange the artificial variables that are still in the basis, all 0 by now, for others."""
    for k in range(len(table)):
        if basis[k] >= width:
            column = next((c for c in range(width) if table[k][c]), None)
            if column is not None:
                _pivot(table, basis, k, column, objectives)
    kept = [k for k in range(len(table)) if basis[k] < width]
    return [table[k] for k in kept], [basis[k] for k in kept]
