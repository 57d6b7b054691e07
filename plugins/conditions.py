"""Conditions on free symbols under which a matrix is stable: necessary and sufficient, division-free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from flint import Ordering, fmpz_mpoly, fmpz_mpoly_ctx
from sympy import Add, Expr, Integer, MatrixBase, Mul, Pow, S
from sympy.logic.boolalg import Boolean

from hybrid.errors import ProblemError

from .polynomials import Ratio, Ring, bounded, cleared, determinant, factored, writable
from .requirements import Requirements

_LARGEST_PRODUCT = 3_000_000  # terms to multiply out; a longer Hurwitz determinant is left as a formula
_GENERIC_DEGREE = 9  # the Hurwitz determinants of a general polynomial of higher degree have thousands of terms
_SHORT = 50  # terms that need no shorter spelling


def stability_conditions(
    A: MatrixBase, *, decay: Expr = S.Zero, damping: Expr = S.Zero, is_discrete: bool = False
) -> Boolean:
    """When every eigenvalue of a matrix with free symbols lies in the region of stability.

    The characteristic polynomial is factored over the rationals; each factor meets the Liénard–Chipart conditions,
    computed without division. A symbol stands for a real number, with the assumptions that it carries.

    Args:
        A: (n, n), rational expressions in symbols; other functions of them count as symbols of their own.
        decay: σ in Re λ < −σ (1/s); in discrete time in |λ| < 1 − σ. May hold symbols.
        damping: ζ in Re λ < −ζ|λ|, 0 ≤ ζ < 1, continuous time only. May hold symbols.
        is_discrete: whether the system is x⁺ = A x.

    Returns:
        A conjunction of inequalities, true exactly where A is defined and stable; true or false if nothing is left.

    Raises:
        ProblemError: an entry is not real or not finite, or the conditions have more than 20 000 terms.

    Source: Gantmacher 1959, vol. 2, ch. XV, Theorem 11 (Liénard, Chipart).

    >>> from sympy import Matrix
    >>> from sympy.abc import c, k
    >>> stability_conditions(Matrix([[0, 1], [-k, -c]]))
    (c > 0) & (k > 0)
    >>> stability_conditions(Matrix([[0, 1], [-k, -c]]), is_discrete=True)
    (k < 1) & (c + k + 1 > 0) & (-c + k + 1 > 0)
    """
    ring = Ring.of([*A, decay, damping])
    polynomial = _characteristic_polynomial(A, ring)
    return polynomial_conditions(ring, polynomial, decay=decay, damping=damping, is_discrete=is_discrete)


def polynomial_conditions(
    ring: Ring,
    polynomial: fmpz_mpoly,
    *,
    decay: Expr = S.Zero,
    damping: Expr = S.Zero,
    is_discrete: bool = False,
) -> Boolean:
    """When every root of a polynomial in the variable of the ring lies in the region of stability.

    The degree is the one written: where the leading coefficient vanishes, the condition is false. So it is where
    anything vanishes that the ring has divided by.

    Args:
        ring: holds the polynomial and every symbol of `decay` and `damping`.
        polynomial: integer coefficients; where it vanishes identically, the condition is false.
        decay, damping, is_discrete: as in `stability_conditions`.
    """
    region = _Region(ring.ratio(decay), ring.ratio(damping), is_discrete)
    requirements = Requirements(ring)
    factors = [ring.coefficients(factor) for factor, _ in factored(bounded(polynomial))[1]]
    requirements.defined(c[0] for c in factors if len(c) > 1)
    for limit in region.limits():
        requirements.positive(limit)
    for coefficients in factors:
        for moved in region.moved(ring, coefficients):
            _require_hurwitz(requirements, moved)
            for product in region.consequences(coefficients, moved):
                requirements.positive(*product)
    return requirements.relation()


@dataclass(frozen=True)
class _Region:
    """Where the roots have to be, as transformations that take it to the open left half plane."""

    decay: Ratio
    damping: Ratio
    is_discrete: bool

    def limits(self) -> Iterator[fmpz_mpoly]:
        """What has to be positive for the region to make sense: 1 − σ in discrete time, 1 − ζ²."""
        if self.is_discrete:
            yield (self.decay.denominator - self.decay.numerator) * self.decay.denominator
        elif not self.damping.numerator.is_zero():
            yield self.damping.denominator**2 - self.damping.numerator**2

    def moved(self, ring: Ring, c: Sequence[fmpz_mpoly]) -> Iterator[list[fmpz_mpoly]]:
        """Polynomials that are all Hurwitz exactly if the roots of c₀ sⁿ + … + cₙ lie in the region."""
        if len(c) == 1:
            return
        if self.is_discrete:
            radius = self.decay.denominator - self.decay.numerator
            yield _composed(ring, c, radius * (1 + ring.s), self.decay.denominator * (1 - ring.s))
            return
        if not self.damping.numerator.is_zero():
            yield _sector(c, self.damping)
            if self.decay.numerator.is_zero():
                return
        yield _composed(ring, c, self.decay.denominator * ring.s - self.decay.numerator, self.decay.denominator)

    def consequences(
        self, c: Sequence[fmpz_mpoly], moved: Sequence[fmpz_mpoly]
    ) -> Iterator[tuple[fmpz_mpoly, fmpz_mpoly]]:
        """Products that are positive then anyway. Their factors are simple, and settle the signs of others."""
        if self.is_discrete:
            yield moved[0], sum(moved[1:], moved[0])  # a multiple of c₀: the polynomial at s = 1
        elif not self.damping.numerator.is_zero():
            yield from ((c[0], coefficient) for coefficient in c)


def _composed(ring: Ring, c: Sequence[fmpz_mpoly], numerator: fmpz_mpoly, denominator: fmpz_mpoly) -> list[fmpz_mpoly]:
    """Coefficients of p(numerator/denominator)·denominatorⁿ, as many as p has: a vanishing leading one is kept."""
    degree = len(c) - 1
    total, power = c[0], ring.integer(1)
    for coefficient in c[1:]:
        power = power * denominator
        total = bounded(total * numerator + coefficient * power)
    found = ring.coefficients(total)
    return [ring.integer(0)] * (degree + 1 - len(found)) + found


def _sector(c: Sequence[fmpz_mpoly], damping: Ratio) -> list[fmpz_mpoly]:
    """A polynomial of degree 2n that is Hurwitz exactly if Re λ < −ζ|λ| for the n roots λ of p.

    With sin φ = ζ, the roots turned by ±φ are those of P(s) = Σ cᵢ cⱼ cos((i − j)φ) s^(2n−i−j). Its odd coefficients
    have the factor cos φ > 0, which may be left out: whether E(s²) + w s O(s²) is Hurwitz is the same for all w > 0
    (Hermite–Biehler). What remains is rational in ζ².
    """
    square, scale = damping.numerator**2, damping.denominator**2
    double = scale - 2 * square  # cos 2φ, times the scale
    one, degree = scale**0, len(c) - 1
    cosines = [one, one, double, 2 * double - scale]  # cos mφ (m even), cos mφ / cos φ (m odd), times scale^⌊m/2⌋
    for m in range(4, degree + 1):
        cosines.append(2 * double * cosines[m - 2] - scale**2 * cosines[m - 4])
    weights = [cosine * scale ** (degree // 2 - m // 2) for m, cosine in enumerate(cosines[: degree + 1])]
    result = [one * 0] * (2 * degree + 1)
    for i, left in enumerate(c):
        for j, right in enumerate(c):
            result[i + j] = bounded(result[i + j] + left * right * weights[abs(i - j)])
    return result


def _require_hurwitz(requirements: Requirements, c: Sequence[fmpz_mpoly]) -> None:
    """Every root of c₀ sⁿ + … + cₙ has negative real part, factor by factor."""
    ring = requirements.ring
    if c[0].is_zero():
        requirements.impossible()
        return
    polynomial = sum((x * ring.s ** (len(c) - 1 - i) for i, x in enumerate(c)), ring.integer(0))
    for factor, _ in factored(polynomial)[1]:
        coefficients = ring.coefficients(factor)
        if len(coefficients) > 1:
            _require_lienard_chipart(requirements, coefficients)


def _require_lienard_chipart(requirements: Requirements, c: Sequence[fmpz_mpoly]) -> None:
    """For c₀ > 0: cₙ, cₙ₋₂, … > 0 and every other Hurwitz determinant Δₙ₋₁, Δₙ₋₃, … > 0; for c₀ < 0 all of −c.

    Δ_k is of degree k in c, so the sign of c₀ enters where k is odd.
    """
    ring, degree = requirements.ring, len(c) - 1
    minors = hurwitz_determinants(c) if _stodola(ring, c) else [ring.integer(0)]
    if minors[-1].is_zero():
        requirements.impossible()
        return
    for coefficient in c[::-2]:
        requirements.positive(c[0], coefficient)
    for k in range(degree - 1, 0, -2):
        sign = c[:1] if k % 2 else ()
        if k >= len(minors):
            requirements.positive(*sign, _as_formula(ring, c, k))
            continue
        requirements.positive(*sign, minors[k])
        if len(minors[k]) > _SHORT and degree <= _GENERIC_DEGREE and _formula_length(c, k) < len(minors[k]):
            requirements.show(minors[k], _as_formula(ring, c, k))


def _stodola(ring: Ring, c: Sequence[fmpz_mpoly]) -> bool:
    """Whether all coefficients can have the same sign: necessary, and known before any determinant is."""
    if any(coefficient.is_zero() for coefficient in c):
        return False
    necessary = Requirements(ring)
    for coefficient in c:
        necessary.positive(c[0], coefficient)
    return necessary.is_possible()


def hurwitz_determinants(c: Sequence[fmpz_mpoly]) -> list[fmpz_mpoly]:
    """Δ₀ = 1, Δ₁ = c₁, Δ₂ = c₁c₂ − c₀c₃, … up to Δₙ₋₁; fewer where one vanishes or gets too long to multiply out.

    The rows of Routh's scheme times the determinant before: these are minors of Hurwitz's matrix, so that every
    division is exact. A determinant that vanishes identically is the last one.
    """
    zero = c[0] * 0
    upper, lower = list(c[0::2]), list(c[1::2])
    minors = [zero + 1, c[1]]
    for k in range(1, len(c) - 2):
        lower += [zero] * (len(upper) - len(lower))
        if lower[0].is_zero() or _product_length(upper, lower) > _LARGEST_PRODUCT:
            break
        following = [lower[0] * upper[j + 1] - upper[0] * lower[j + 1] for j in range(len(upper) - 1)]
        if k >= 3:
            following = [entry / minors[k - 2] for entry in following]
        upper, lower = lower, following or [zero]
        minors.append(lower[0])
    return minors


def _product_length(upper: Sequence[fmpz_mpoly], lower: Sequence[fmpz_mpoly]) -> int:
    return max(len(lower[0]) * max(map(len, upper)), len(upper[0]) * max(map(len, lower)))


@cache
def _generic_determinants(degree: int) -> tuple[fmpz_mpoly, ...]:
    """Hurwitz determinants of the polynomial whose coefficients are the generators."""
    context = fmpz_mpoly_ctx.get([f"c{i}" for i in range(degree + 1)], Ordering.degrevlex)
    return tuple(hurwitz_determinants(context.gens()))


def _formula_length(c: Sequence[fmpz_mpoly], k: int) -> int:
    """How many terms Δ_k shows with the coefficients left as they are."""
    powers = _generic_determinants(len(c) - 1)[k].monoms()
    return sum(len(c[i]) for monomial in powers for i, power in enumerate(monomial) if power)


def _as_formula(ring: Ring, c: Sequence[fmpz_mpoly], k: int) -> Expr:
    """Δ_k as a sum of products of coefficients, not multiplied out.

    Raises:
        ProblemError: the degree is above 9, or there are more than 20 000 terms.
    """
    degree = len(c) - 1
    if degree > _GENERIC_DEGREE:
        raise ProblemError("A", f"long conditions on {degree} states", "fewer states or fewer symbols")
    writable(_formula_length(c, k))
    coefficients = [ring.expression(x) for x in c]
    return Add(
        *(
            Mul(Integer(int(weight)), *(Pow(coefficients[i], int(e)) for i, e in enumerate(monomial) if e))
            for monomial, weight in _generic_determinants(degree)[k].terms()
        )
    )


def _characteristic_polynomial(A: MatrixBase, ring: Ring) -> fmpz_mpoly:
    """det(sI − A) times the common denominator of each row."""
    rows = []
    for i in range(A.rows):
        row, common = cleared([ring.ratio(A[i, j]) for j in range(A.cols)])
        row = [-entry for entry in row]
        row[i] += common * ring.s
        rows.append(row)
    return determinant(rows)
