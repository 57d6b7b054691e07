"""A second implementation of the verdicts, in plain integers and Fractions: slow, short, and sharing nothing.

It uses other theorems than hybrid.exact and than the stand-alone checker where there are others: Hurwitz's minors
instead of Routh's rows, Sturm's theorem for roots on the boundary instead of Hermite–Biehler, ranks of powers instead
of the minimal polynomial for Jordan blocks, and the Kalman decomposition instead of modular ranks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

Rows = list[list[Fraction]]
Poly = list[Fraction]  # coefficients of 1, s, s², …; the last is not 0, and the zero polynomial is empty

STABLE, MARGINAL, UNSTABLE = 1, 2, 3
"""Verdicts as `hybrid.answer.Verdict` has them: an abscissa of 0 with a Jordan block is unstable."""


def verdict(A: Rows, discrete: bool = False) -> int:
    """Stable, marginal or unstable, for a square matrix of rationals.

    >>> verdict([[Fraction(0), Fraction(1)], [Fraction(0), Fraction(0)]]) == UNSTABLE
    True
    """
    p = characteristic_polynomial(A)
    if not discrete:
        side, boundary = _side(p), _common(p, [-c if k % 2 else c for k, c in enumerate(p)])
    else:
        side, boundary = _side_of_circle(p)
    if side:
        return STABLE if side < 0 else UNSTABLE
    return MARGINAL if _is_semisimple(A, _squarefree(boundary)) else UNSTABLE


def side(A: Rows, discrete: bool, bound: Fraction) -> int:
    """The sign of max Re λ − bound, in discrete time of max |λ| − bound.

    >>> side([[Fraction(2)]], False, Fraction(2)), side([[Fraction(-2)]], True, Fraction(1))
    (0, 1)
    """
    if discrete and bound <= 0:
        is_nilpotent = not any(characteristic_polynomial(A)[:-1])
        return 0 if is_nilpotent and not bound else 1
    if discrete:
        return _side_of_circle(characteristic_polynomial([[x / bound for x in row] for row in A]))[0]
    shifted = [[x - bound * (i == j) for j, x in enumerate(row)] for i, row in enumerate(A)]
    return _side(characteristic_polynomial(shifted))


def reach(A: Rows, B: Rows, discrete: bool = False) -> int:
    """How many dimensions the inputs reach, and whether what they do not reach is stable, as `reach_code` has it.

    Source: Kalman 1963: in a basis that begins with a basis of the reachable subspace, A is block triangular.
    """
    n = len(A)
    basis: list[list[Fraction]] = []
    block = B
    for _ in range(n):
        basis = _independent(basis + _transposed(block))
        block = product(A, block)
    r = len(basis)
    if r == n:
        return reach_code(n, True)
    units = [[Fraction(i == j) for j in range(n)] for i in range(n)]
    T = _transposed(_independent(basis + units))
    moved = _solved(T, product(A, T))
    unreached = [row[r:] for row in moved[r:]]
    return reach_code(r, verdict(unreached, discrete) == STABLE)


def reach_code(dimension: int, stabilizable: bool) -> int:
    """Dimension and stabilizability in one number."""
    return 1 + 2 * dimension + stabilizable


# -------------------------------------------------------------------------------------------- matrices


def product(left: Rows, right: Rows) -> Rows:
    """Left times right."""
    columns = _transposed(right)
    return [[sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in columns] for row in left]


def minus(left: Rows, right: Rows) -> Rows:
    """Left less right."""
    return [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(left, right, strict=True)]


def leading_minors(matrix: Sequence[Sequence[int]]) -> list[int]:
    """Leading principal minors of an integer matrix, up to the first that is 0.

    Source: Bareiss 1968: the pivots of fraction-free elimination.
    """
    left, previous, minors = [list(row) for row in matrix], 1, []
    for k in range(len(left)):
        pivot = left[k][k]
        minors.append(pivot)
        if not pivot:
            break
        for row in left[k + 1 :]:
            factor = row[k]
            for j in range(k, len(left)):
                row[j] = (row[j] * pivot - factor * left[k][j]) // previous
        previous = pivot
    return minors


def characteristic_polynomial(A: Rows) -> Poly:
    """det(sI − A), by Faddeev and Le Verrier in integers."""
    n = len(A)
    scale = math.lcm(*(x.denominator for row in A for x in row))
    N = [[x.numerator * (scale // x.denominator) for x in row] for row in A]
    columns = list(zip(*N, strict=True))
    p, power = [1], [[int(i == j) for j in range(n)] for i in range(n)]
    for k in range(1, n + 1):  # power commutes with N, so the product may be taken from the right
        power = [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in power]
        p.append(-sum(power[i][i] for i in range(n)) // k)
        for i in range(n):
            power[i][i] += p[-1]
    return [Fraction(c, scale**k) for k, c in enumerate(p)][::-1]


def _transposed(matrix: Rows) -> Rows:
    return [list(column) for column in zip(*matrix, strict=True)]


def _independent(vectors: list[list[Fraction]]) -> list[list[Fraction]]:
    """Those vectors that do not depend on the ones before."""
    kept: list[list[Fraction]] = []
    reduced: list[tuple[int, list[Fraction]]] = []
    for vector in vectors:
        left = vector
        for pivot, row in reduced:
            if left[pivot]:
                factor = left[pivot] / row[pivot]
                left = [a - factor * b for a, b in zip(left, row, strict=True)]
        pivot = next((k for k, x in enumerate(left) if x), -1)
        if pivot >= 0:
            kept.append(vector)
            reduced.append((pivot, left))
    return kept


def _solved(T: Rows, right: Rows) -> Rows:
    """T⁻¹ times right, by Gauss and Jordan."""
    n = len(T)
    left = [[*a, *b] for a, b in zip(T, right, strict=True)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if left[i][k])
        left[k], left[pivot] = left[pivot], left[k]
        left[k] = [x / left[k][k] for x in left[k]]
        for i in range(n):
            if i != k and left[i][k]:
                left[i] = [a - left[i][k] * b for a, b in zip(left[i], left[k], strict=True)]
    return [row[n:] for row in left]


def _is_semisimple(A: Rows, h: Poly) -> bool:
    """Whether the eigenvalues of A that are roots of h have no Jordan block: h(A) and h(A)² have one rank."""
    n = len(A)
    value = [[h[-1] * (i == j) for j in range(n)] for i in range(n)]
    for c in reversed(h[:-1]):
        value = product(value, A)
        for i in range(n):
            value[i][i] += c
    return len(_independent(value)) == len(_independent(product(value, value)))


# -------------------------------------------------------------------------------------------- polynomials


def _side(p: Poly) -> int:
    """The sign of the abscissa of the roots of p, of degree 1 or more."""
    g = _common(p, [-c if k % 2 else c for k, c in enumerate(p)])  # it takes imaginary roots with their multiplicity
    if not _is_hurwitz(_divided(p, g)[0]):
        return 1
    if len(g) == 1:
        return -1
    h = _squarefree(g)
    even = h[0::2] if h[0] else h[1::2]  # h(s) = s^e q(s²): its roots are imaginary if those of q are negative
    return 0 if _negative_roots(even) == len(even) - 1 else 1


def _side_of_circle(p: Poly) -> tuple[int, Poly]:
    """The sign of max |root| − 1, and a polynomial that holds the roots on the circle if none lies outside."""
    rest, at_minus_one = p, False
    while len(rest) > 1 and not sum(c * (-1) ** k for k, c in enumerate(rest)):
        rest, at_minus_one = _divided(rest, [Fraction(1), Fraction(1)])[0], True
    side, boundary = -1, [Fraction(1)]
    if len(rest) > 1:
        degree, mapped = len(rest) - 1, [Fraction(0)]
        for k, c in enumerate(rest):  # z = (1 + s)/(1 − s)
            mapped = _plus(mapped, [c * x for x in _times(_power([1, 1], k), _power([1, -1], degree - k))])
        side = _side(mapped)
        stripped = rest[next(k for k, c in enumerate(rest) if c) :]
        boundary = _common(stripped, stripped[::-1])
    if at_minus_one:
        side, boundary = max(side, 0), _times(boundary, [Fraction(1), Fraction(1)])
    return side, boundary


def _is_hurwitz(p: Poly) -> bool:
    """Whether every root has negative real part: Hurwitz's determinants; constants pass."""
    scale = math.lcm(*(c.denominator for c in p)) * (1 if p[-1] > 0 else -1)
    a, n = [int(c * scale) for c in reversed(p)], len(p) - 1
    if any(c <= 0 for c in a):
        return False
    matrix = [[a[k] if 0 <= (k := 2 * j - i + 1) <= n else 0 for j in range(n)] for i in range(n)]
    return all(minor > 0 for minor in leading_minors(matrix))


def _negative_roots(q: Poly) -> int:
    """How many negative roots a squarefree polynomial with q(0) ≠ 0 has, by Sturm's theorem."""
    chain = [q, _derivative(q)]
    while chain[-1]:
        chain.append([-c for c in _divided(chain[-2], chain[-1])[1]])
    chain.pop()
    at_minus_infinity = [part[-1] * (-1) ** (len(part) - 1) for part in chain]
    return _changes(at_minus_infinity) - _changes([part[0] for part in chain])


def _changes(values: list[Fraction]) -> int:
    signs = [x > 0 for x in values if x]
    return sum(a != b for a, b in pairwise(signs))


def _squarefree(p: Poly) -> Poly:
    return _divided(p, _common(p, _derivative(p)))[0] if len(p) > 1 else p


def _derivative(p: Poly) -> Poly:
    return [k * c for k, c in enumerate(p)][1:]


def _common(p: Poly, q: Poly) -> Poly:
    """The monic greatest common divisor."""
    while q:
        p, q = q, _divided(p, q)[1]
    return [c / p[-1] for c in p]


def _divided(p: Poly, q: Poly) -> tuple[Poly, Poly]:
    """Quotient and remainder."""
    rest, quotient = list(p), [Fraction(0)] * max(1, len(p) - len(q) + 1)
    while len(rest) >= len(q):
        factor, shift = rest[-1] / q[-1], len(rest) - len(q)
        quotient[shift] = factor
        rest = [c - factor * q[k - shift] if k >= shift else c for k, c in enumerate(rest[:-1])]
        while rest and not rest[-1]:
            rest.pop()
    return quotient, rest


def _times(p: Poly, q: Poly) -> Poly:
    whole = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            whole[i + j] += a * b
    return whole


def _plus(p: Poly, q: Poly) -> Poly:
    longer, shorter = (p, q) if len(p) >= len(q) else (q, p)
    return [c + (shorter[k] if k < len(shorter) else 0) for k, c in enumerate(longer)]


def _power(p: Sequence[int], exponent: int) -> Poly:
    whole = [Fraction(1)]
    for _ in range(exponent):
        whole = _times(whole, [Fraction(c) for c in p])
    return whole
