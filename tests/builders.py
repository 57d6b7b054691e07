"""Systems built from their answer, and an oracle in plain Fractions that shares nothing with hybrid.exact."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

Rows = list[list[Fraction]]


def rows(matrix: Sequence[Sequence[Any]]) -> Rows:
    return [[Fraction(x) for x in row] for row in matrix]


def identity(n: int) -> Rows:
    return [[Fraction(i == j) for j in range(n)] for i in range(n)]


def product(*factors: Rows) -> Rows:
    whole = factors[0]
    for factor in factors[1:]:
        columns = list(zip(*factor, strict=True))
        whole = [[sum((a * b for a, b in zip(r, c, strict=True)), Fraction(0)) for c in columns] for r in whole]
    return whole


def minus(left: Rows, right: Rows) -> Rows:
    return [[a - b for a, b in zip(*pair, strict=True)] for pair in zip(left, right, strict=True)]


def transposed(matrix: Rows) -> Rows:
    return [list(column) for column in zip(*matrix, strict=True)]


def block_diagonal(*blocks: Rows) -> Rows:
    n, start = sum(map(len, blocks)), 0
    whole = [[Fraction(0)] * n for _ in range(n)]
    for block in blocks:
        for i, row in enumerate(block):
            whole[start + i][start : start + len(row)] = row
        start += len(block)
    return whole


def pair(re: Any, im: Any) -> Rows:
    """Eigenvalues re ± im j."""
    return rows([[re, im], [-Fraction(im), re]])


def jordan(eigenvalue: Any, order: int) -> Rows:
    return [[Fraction(eigenvalue) if i == j else Fraction(j == i + 1) for j in range(order)] for i in range(order)]


def jordan_pair(re: Any, im: Any, order: int) -> Rows:
    """Eigenvalues re ± im j, each with one Jordan block of this order."""
    whole = block_diagonal(*[pair(re, im)] * order)
    for i in range(2 * order - 2):
        whole[i][i + 2] = Fraction(1)
    return whole


def expanded(roots: Sequence[Any]) -> list[Fraction]:
    """Coefficients of Π(s − root), highest power first."""
    p = [Fraction(1)]
    for root in roots:
        p = [a - Fraction(root) * b for a, b in zip([*p, Fraction(0)], [Fraction(0), *p], strict=True)]
    return p


def companion(coefficients: Sequence[Any]) -> Rows:
    """The companion matrix of sⁿ + c₁ sⁿ⁻¹ + … + c_n, from [1, c₁, …, c_n]; controllable from the last state."""
    n = len(coefficients) - 1
    last = [-Fraction(c) for c in reversed(coefficients[1:])]
    return [[Fraction(j == i + 1) for j in range(n)] for i in range(n - 1)] + [last]


def similarity(n: int, seed: int, steps: int | None = None) -> tuple[Rows, Rows]:
    """An integer matrix of determinant 1 and its inverse, which are as exact as each other."""
    source = random.Random(seed)
    T, inverse = identity(n), identity(n)
    for _ in range(2 * n if steps is None else steps):
        if n < 2:
            break
        i, j = source.sample(range(n), 2)
        k = source.choice((-2, -1, 1, 2))
        T[i] = [a + k * b for a, b in zip(T[i], T[j], strict=True)]
        for row in inverse:
            row[j] -= k * row[i]
    return T, inverse


def hidden(matrix: Rows, seed: int = 0) -> Rows:
    """The same spectrum in other coordinates, where no entry shows it."""
    T, inverse = similarity(len(matrix), seed)
    return product(T, matrix, inverse)


# ------------------------------------------------------------------------------------------ the oracle


def characteristic_polynomial(matrix: Rows) -> list[Fraction]:
    """det(sI − M), highest power first, by Faddeev and Le Verrier."""
    n = len(matrix)
    p, power = [Fraction(1)], identity(n)
    for k in range(1, n + 1):
        moved = product(matrix, power)
        p.append(-sum((moved[i][i] for i in range(n)), Fraction(0)) / k)
        power = [[x + p[-1] * (i == j) for j, x in enumerate(row)] for i, row in enumerate(moved)]
    return p


def determinant(matrix: Rows) -> Fraction:
    return characteristic_polynomial(matrix)[-1] * (-1) ** len(matrix)


def rank(matrix: Sequence[Sequence[Any]]) -> int:
    left, found = rows(matrix), 0
    for column in range(len(left[0])):
        pivot = next((row for row in left[found:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(found, pivot)
        for i in range(found + 1, len(left)):
            factor = left[i][column] / pivot[column]
            left[i] = [a - factor * b for a, b in zip(left[i], pivot, strict=True)]
        found += 1
    return found


def is_positive_definite(matrix: Rows) -> bool:
    """Sylvester's criterion, through the pivots of a rational elimination."""
    left = [list(row) for row in matrix]
    for k, pivot in enumerate(left):
        if pivot[k] <= 0:
            return False
        for row in left[k + 1 :]:
            factor = row[k] / pivot[k]
            row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
    return True


def is_hurwitz(matrix: Rows) -> bool:
    """Whether every eigenvalue has negative real part: the leading minors of Hurwitz's matrix are positive."""
    p = characteristic_polynomial(matrix)
    n = len(matrix)
    entry = [[p[k] if 0 <= (k := 2 * j - i + 1) <= n else Fraction(0) for j in range(n)] for i in range(n)]
    return all(determinant([row[:k] for row in entry[:k]]) > 0 for k in range(1, n + 1))


def is_schur(matrix: Rows) -> bool:
    """Whether every eigenvalue has modulus below 1: the Cayley transform (M − I)(M + I)⁻¹ is Hurwitz."""
    n = len(matrix)
    plus = [[x + (i == j) for j, x in enumerate(row)] for i, row in enumerate(matrix)]
    if not determinant(plus):
        return False
    return is_hurwitz(product(minus(matrix, identity(n)), inverse(plus)))


def inverse(matrix: Rows) -> Rows:
    n = len(matrix)
    left = [[*row, *unit] for row, unit in zip(matrix, identity(n), strict=True)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if left[i][k])
        left[k], left[pivot] = left[pivot], left[k]
        left[k] = [x / left[k][k] for x in left[k]]
        for i in range(n):
            if i != k and left[i][k]:
                left[i] = [a - left[i][k] * b for a, b in zip(left[i], left[k], strict=True)]
    return [row[n:] for row in left]


def kalman(A: Rows, B: Rows) -> Rows:
    """[B AB … Aⁿ⁻¹B]."""
    blocks = [B]
    while len(blocks) < len(A):
        blocks.append(product(A, blocks[-1]))
    return [[x for block in blocks for x in block[i]] for i in range(len(A))]
