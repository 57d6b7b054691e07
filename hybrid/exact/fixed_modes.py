"""Eigenvalues that no gain of a given structure moves: uncontrollable, unobservable, or fixed by the structure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat, fmpz, fmpz_poly, nmod, nmod_mat, nmod_poly

from hybrid.exact.static_loop import StaticLoop
from hybrid.systems.numbers import spell

_FIRST_PRIME = (1 << 31) - 1
_PRIMES_TRIED = 400  # until a factor of the characteristic polynomial has a root
_MOST_SUBSETS = 4096  # sets of inputs that are looked at
_LONGEST = 800  # bits in a factor whose roots are shown; near each other, they would take minutes
_MOST_UNKNOWNS = 600  # of the exact linear system that gives the kernel

Vector = tuple[tuple[int, ...], ...]  # of polynomials, coefficients from the constant term upwards
Kernel = tuple[Vector, ...]


@dataclass(frozen=True)
class FixedMode:
    """Closed-loop eigenvalues, the roots of `factor`, for every K of a structure.

    For every root λ of `factor` the columns of `kernel`, polynomials in λ, are |inputs| + 1 independent vectors (x, u)
    with (λI − A) x + B_I u = 0 and C_J x = 0. Here I is `inputs`, and J holds the outputs that K may feed to an input
    outside I. Where `transposed`, all of this is about (Aᵀ, Cᵀ, Bᵀ) and Kᵀ.

    Attributes:
        factor: irreducible over Q, with a root outside the region.
        transposed: whether inputs and outputs have changed places.
        inputs: I, counted from 0.
        kernel: for each vector its n + |I| entries, each a list of coefficients, constant term first.
    """

    factor: tuple[int, ...]
    transposed: bool
    inputs: tuple[int, ...]
    kernel: Kernel

    def outermost(self, *, discrete: bool) -> complex | None:
        """The root that lies farthest to the right, or from 0 in discrete time, as floats have it; None if hard."""
        if len(self.factor) > 2 and fmpz_poly(list(self.factor)).height_bits() > _LONGEST:
            return None
        balls: list[Any] = fmpz_poly(list(self.factor)).complex_roots()
        roots = [complex(root) for root, _ in balls]
        return max(roots, key=lambda root: (abs(root) if discrete else root.real, root.imag))

    def witness(self) -> dict[str, Any]:
        """As a certificate has it."""
        return {
            "transposed": self.transposed,
            "inputs": list(self.inputs),
            "factor": [spell(Fraction(c)) for c in self.factor],
            "kernel": [[[spell(Fraction(c)) for c in entry] for entry in vector] for vector in self.kernel],
        }


def find(loop: StaticLoop) -> FixedMode | None:
    """A mode outside the region that no gain of the structure moves; None if there is none, or it takes too long.

    λ is such a mode if and only if the rank of [λI − A, B_I; C_J, 0] is below n for a set I of inputs, where J holds
    the outputs with a free entry of K into an input outside I. That it is one is seen from

        λI − A + B K C = [I, B_Iᶜ K_IᶜJ] · [λI − A, B_I; C_J, 0] · [I; K_I C]

    (I without index: identity), whose rank is below n then. I = ∅ is an unobservable mode, I = all an uncontrollable
    one. The candidates are common roots of two characteristic polynomials; ranks modulo a prime select I, and an exact
    kernel proves it.

    Source: Anderson and Clements 1981, Automatica 17(5), 703–712; Wang and Davison 1973, IEEE TAC 18(5).

    >>> import numpy as np
    >>> from hybrid.pole_region import Region
    >>> from hybrid.systems.linear import LinearSystem
    >>> plant = LinearSystem([[1, 0], [0, 2]], [[1], [0]], [[1, 1]])
    >>> find(StaticLoop.of(plant, np.ones((1, 1), dtype=bool), Region(), output=True)).factor
    (-2, 1)
    """
    for factor in _suspects(loop):
        prime, root = _root_modulo_a_prime(factor)
        if not prime:
            continue
        for transposed, inputs, outputs in _pencils(loop):
            pencil = loop.transposed if transposed else loop
            if _is_deficient(pencil, inputs, outputs, prime, root):
                kernel = _kernel(pencil, inputs, outputs, factor, prime, root)
                if kernel is not None:
                    return FixedMode(tuple(map(int, factor.coeffs())), transposed, inputs, kernel)
    return None


def _suspects(loop: StaticLoop) -> list[fmpz_poly]:
    """Irreducible factors, with a root outside the region, that K = 0 and two gains drawn at random have in common."""
    source = random.Random(1981)
    common = loop.A.charpoly().numer()
    for _ in range(2):
        gain: dict[tuple[int, int], int | fmpq] = {entry: source.randint(1, 1 << 20) for entry in loop.free}
        common = common.gcd(loop.closed(gain).charpoly().numer())
        if common.degree() < 1:
            return []
    factors = [factor for factor, _ in common.factor()[1] if loop.has_outside(factor)]
    return sorted(factors, key=lambda factor: (factor.degree(), factor.height_bits()))


def _pencils(loop: StaticLoop) -> Iterator[tuple[bool, tuple[int, ...], tuple[int, ...]]]:
    """The pairs (I, J) that can matter, the smallest I first, and whether they are about the transposed system.

    Of all I with the same J the smallest gives the least rank: J is a union of rows of the structure, and I holds the
    inputs whose row is no part of it. Transposed, the pair is (J, I), with the same ranks.
    """
    rows: dict[int, frozenset[int]] = {}
    for i, j in loop.free:
        rows[i] = rows.get(i, frozenset()) | {j}
    unions = {frozenset[int]()}
    for row in set(rows.values()):
        unions |= {union | row for union in unions}
        if len(unions) > _MOST_SUBSETS:
            return
    found = []
    for union in unions:
        inputs = tuple(sorted(i for i, row in rows.items() if not row <= union))
        outputs = tuple(sorted(union))
        found.append((False, inputs, outputs) if len(inputs) <= len(outputs) else (True, outputs, inputs))
    yield from sorted(found, key=lambda pencil: (len(pencil[1]), pencil))


def _root_modulo_a_prime(factor: fmpz_poly) -> tuple[int, nmod]:
    """A prime and a simple root of the factor modulo it; 0 where none is found soon."""
    coefficients = factor.coeffs()
    candidate = _FIRST_PRIME
    for _ in range(_PRIMES_TRIED):
        if coefficients[-1] % candidate:
            reduced = nmod_poly([int(c % candidate) for c in coefficients], candidate)
            for part, multiplicity in reduced.factor()[1]:
                if part.degree() == 1 and multiplicity == 1:
                    return candidate, -part[0] / part[1]
        candidate -= 2
        while not fmpz(candidate).is_prime():
            candidate -= 2
    return 0, nmod(0, _FIRST_PRIME)


def _is_deficient(loop: StaticLoop, inputs: tuple[int, ...], outputs: tuple[int, ...], prime: int, root: nmod) -> bool:
    """Whether [λI − A, B_I; C_J, 0] has a rank below n modulo the prime."""
    n = loop.n
    rows = []
    try:
        for a in range(n):
            own = [root * int(a == b) - _modulo(loop.A[a, b], prime) for b in range(n)]
            rows.append(own + [_modulo(loop.B[a, i], prime) for i in inputs])
        for j in outputs:
            rows.append([_modulo(loop.C[j, b], prime) for b in range(n)] + [nmod(0, prime)] * len(inputs))
    except ZeroDivisionError:  # the prime divides a denominator
        return False
    entries = [x for row in rows for x in row]
    return int(nmod_mat(len(rows), n + len(inputs), entries, prime).rank()) < n


def _modulo(x: fmpq, prime: int) -> nmod:
    return nmod(int(x.p % prime), prime) / nmod(int(x.q % prime), prime)


def _kernel(
    loop: StaticLoop, inputs: tuple[int, ...], outputs: tuple[int, ...], factor: fmpz_poly, prime: int, root: nmod
) -> Kernel | None:
    """|I| + 1 vectors of the kernel over the field of the factor's roots, independent; None if there are fewer.

    (s − A) x(s) + B_I u(s) = f(s) w, for polynomials x, u of degree below r = deg f and a vector w: comparing
    coefficients gives x_{r−1} = f_r w and x_{a−1} = A x_a − B_I u_a + f_a w, where x_{−1} has to be 0, and C_J x_a = 0.
    """
    n, r, m = loop.n, factor.degree(), len(inputs)
    unknowns = n + r * m
    if unknowns > _MOST_UNKNOWNS:
        return None
    B = fmpq_mat(n, m, [loop.B[a, i] for a in range(n) for i in inputs]) if m else None
    C = fmpq_mat(len(outputs), n, [loop.C[j, b] for j in outputs for b in range(n)]) if outputs else None
    w = fmpq_mat(n, unknowns, [int(a == b) for a in range(n) for b in range(unknowns)])
    x = w * factor[r]
    states, conditions = [x], []
    for power in range(r - 1, -1, -1):
        following = loop.A * x + w * factor[power]
        if B is not None:
            following = following - B * _selection(m, unknowns, n + power * m)
        if C is not None:
            conditions.extend((C * x).tolist())
        x = following
        states.append(x)
    conditions.extend(states.pop().tolist())
    solutions = _null_space(conditions, unknowns)
    vectors = [_as_polynomials(states[::-1], solution, n, m) for solution in solutions]
    return _independent(vectors, m + 1, prime, root)


def _selection(m: int, unknowns: int, start: int) -> fmpq_mat:
    """The rows that pick m unknowns."""
    return fmpq_mat(m, unknowns, [int(c == start + i) for i in range(m) for c in range(unknowns)])


def _null_space(rows: list[list[fmpq]], columns: int) -> list[list[fmpq]]:
    """A basis of the vectors orthogonal to every row."""
    reduced, rank = fmpq_mat(len(rows), columns, [x for row in rows for x in row]).rref()
    pivots = [next(c for c in range(columns) if reduced[i, c]) for i in range(int(rank))]
    basis = []
    for free in sorted(set(range(columns)) - set(pivots)):
        vector = [fmpq(0)] * columns
        vector[free] = fmpq(1)
        for i, pivot in enumerate(pivots):
            vector[pivot] = -reduced[i, free]
        basis.append(vector)
    return basis


def _as_polynomials(states: list[fmpq_mat], solution: list[fmpq], n: int, m: int) -> Vector:
    """x and u of one solution, as integer polynomials without a common divisor."""
    column = fmpq_mat(len(solution), 1, solution)
    x = [(state * column).entries() for state in states]
    entries = [[x[power][a] for power in range(len(states))] for a in range(n)]
    entries += [[solution[n + power * m + i] for power in range(len(states))] for i in range(m)]
    whole, _ = fmpq_mat(n + m, len(states), [c for entry in entries for c in entry]).numer_denom()
    content = max(1, int(fmpz_poly(whole.entries()).content()))
    return tuple(tuple(int(c) // content for c in row) for row in whole.tolist())


def _independent(vectors: list[Vector], wanted: int, prime: int, root: nmod) -> Kernel | None:
    """So many of the vectors whose values at the root are independent modulo the prime, and hence at every λ."""
    chosen: list[Vector] = []
    values: list[nmod] = []
    for vector in vectors:
        own = [nmod_poly([c % prime for c in entry], prime)(root) for entry in vector]
        if nmod_mat(len(chosen) + 1, len(own), values + own, prime).rank() == len(chosen) + 1:
            chosen.append(vector)
            values += own
        if len(chosen) == wanted:
            return tuple(chosen)
    return None
