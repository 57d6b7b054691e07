"""Conditions on free symbols under which a pair is controllable: necessary and sufficient, division-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

from flint import fmpz_mpoly
from sympy import MatrixBase
from sympy.logic.boolalg import Boolean

from hybrid.errors import ProblemError

from .polynomials import Ring, bounded, cleared, determinant, factored
from .requirements import Requirements

_MOST_SELECTIONS = 400


def controllability_conditions(A: MatrixBase, B: MatrixBase) -> Boolean:
    """When (A, B) with free symbols is controllable.

    The Kalman matrix has full rank exactly if one of its determinants with columns b₁, Ab₁, …, A^(k₁−1)b₁, b₂, … and
    k₁ + … + k_m = n does not vanish; these are far fewer than all maximal minors.

    Args:
        A: (n, n), rational expressions in symbols.
        B: (n, m).

    Returns:
        Polynomials that must not vanish, true exactly where A and B are defined and the pair is controllable.
        Observability of (A, C) is controllability of (Aᵀ, Cᵀ).

    Raises:
        ProblemError: an entry is not real or not finite, or the conditions would be too long.

    Source: Kalman, Ho, Narendra 1963; nice selections: Hazewinkel and Kalman 1976.

    >>> from sympy import Matrix
    >>> from sympy.abc import a, b
    >>> controllability_conditions(Matrix([[0, 1], [0, 0]]), Matrix([a, b]))
    Ne(b, 0)
    """
    ring = Ring.of([*A, *B])
    n, m = B.shape
    entries, _ = cleared([ring.ratio(entry) for entry in A])  # a multiple of A, of B, has the same reachable space
    scaled = [entries[i * n : (i + 1) * n] for i in range(n)]
    chains = [_krylov(scaled, cleared([ring.ratio(entry) for entry in B.col(j)])[0]) for j in range(m)]
    requirements = Requirements(ring)
    requirements.defined()
    minors = (
        determinant([column for chain, k in zip(chains, counts, strict=True) for column in chain[:k]])
        for counts in _selections(n, m)
    )
    _require_any(requirements, minors)
    return requirements.relation()


def _krylov(A: Sequence[Sequence[fmpz_mpoly]], b: list[fmpz_mpoly]) -> list[list[fmpz_mpoly]]:
    """b, Ab, …, A^(n−1) b."""
    chain = [b]
    for _ in range(len(A) - 1):
        previous, zero = chain[-1], b[0] * 0
        chain.append([bounded(sum((x * y for x, y in zip(row, previous, strict=True)), zero)) for row in A])
    return chain


def _selections(n: int, m: int) -> list[tuple[int, ...]]:
    """All (k₁, …, k_m) with sum n, the most even ones first: their determinants have the lowest degree."""
    if comb(n + m - 1, m - 1) > _MOST_SELECTIONS:
        raise ProblemError("B", f"{m} columns for {n} states", "a symbolic pair with fewer inputs or states")
    bars = combinations(range(n + m - 1), m - 1)
    counts = [tuple(b - a - 1 for a, b in zip((-1, *bar), (*bar, n + m - 1), strict=True)) for bar in bars]
    return sorted(counts, key=lambda ks: (max(ks) - min(ks), ks))


def _require_any(requirements: Requirements, polynomials: Iterable[fmpz_mpoly]) -> None:
    """At least one of these does not vanish. Factors of all of them are required apart."""
    alternatives: list[list[fmpz_mpoly]] = []
    for polynomial in polynomials:
        if polynomial.is_zero():
            continue
        factors = [factor for factor, _ in factored(polynomial)[1] if not requirements.sign(factor).nonzero]
        if not factors:
            return
        alternatives.append(factors)
    if not alternatives:
        requirements.impossible()
        return
    common = [factor for factor in alternatives[0] if all(factor in others for others in alternatives[1:])]
    for factor in common:
        requirements.nonzero(factor)
    rest = [[factor for factor in factors if factor not in common] for factors in alternatives]
    if all(rest):
        requirements.any_nonzero(_without_multiples(rest))


def _without_multiples(products: Sequence[Sequence[fmpz_mpoly]]) -> list[Sequence[fmpz_mpoly]]:
    """Products of distinct factors, without those that another one divides: where they differ from 0, so does it."""
    kept: list[Sequence[fmpz_mpoly]] = []
    for factors in sorted(products, key=len):
        if not any(all(factor in factors for factor in divisor) for divisor in kept):
            kept.append(factors)
    return kept
