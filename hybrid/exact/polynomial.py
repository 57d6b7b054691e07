"""Where the roots of an integer polynomial lie, decided exactly: half planes, discs, sectors, and their boundaries.

Polynomials are flint `fmpz_poly`, real, of degree one or more unless said otherwise.
"""

from __future__ import annotations

from fractions import Fraction

from flint import arb_poly, fmpq, fmpq_poly, fmpz, fmpz_poly

from hybrid.precision import working_precision

_BALLS_FROM_DEGREE = 8  # below, integers are as fast as balls
_BALL_PRECISIONS = (128, 512, 4096)  # bits


def is_hurwitz(p: fmpz_poly) -> bool:
    """Whether every root has negative real part; a constant other than 0 has no root and passes.

    Routh's reduction on the rows of even and odd coefficients, fraction-free; the first coefficient of every row has
    to be positive. At high degree, where the integers grow long, balls are tried first: their signs are certain too.

    Source: Gantmacher 1959, vol. 2, ch. XV, Theorem 3 (Routh).

    >>> is_hurwitz(fmpz_poly([2, 3, 1])), is_hurwitz(fmpz_poly([1, 0, 1])), is_hurwitz(fmpz_poly([-1, 1]))
    (True, False, False)
    """
    coefficients = p.coeffs()[::-1]
    if coefficients[0] < 0:
        coefficients = [-c for c in coefficients]
    if any(c <= 0 for c in coefficients):  # Stodola: necessary, and cheap
        return False
    upper, lower = fmpz_poly(coefficients[0::2]), fmpz_poly(coefficients[1::2])
    if len(coefficients) > _BALLS_FROM_DEGREE:
        for precision in _BALL_PRECISIONS:
            certain = _routh_in_balls(upper, lower, len(coefficients) - 1, precision)
            if certain is not None:
                return certain
    for _ in range(len(coefficients) - 1):
        if lower[0] <= 0:
            return False
        following = (lower[0] * upper - upper[0] * lower).right_shift(1)
        content = following.content()
        upper, lower = lower, following // content if content > 1 else following
    return True


def _routh_in_balls(upper: fmpz_poly, lower: fmpz_poly, rows: int, precision: int) -> bool | None:
    """Routh's reduction in ball arithmetic; None where a ball holds both signs."""
    with working_precision(precision):
        above, below = arb_poly(upper), arb_poly(lower)
        for _ in range(rows):
            if not below[0] > 0:
                return False if below[0] < 0 else None
            above, below = below, (above - (above[0] / below[0]) * below).right_shift(1)
    return True


def boundary_factor(p: fmpz_poly) -> fmpz_poly:
    """The squarefree g whose roots are those of p that have a mirror image −λ̄ among the roots of p.

    It holds every imaginary root. Where no root has positive real part it holds nothing else.

    >>> boundary_factor(fmpz_poly([0, 0, 1, 1]))
    x
    """
    return squarefree(p.gcd(_reflect(p)))


def squarefree(p: fmpz_poly) -> fmpz_poly:
    """The product of the distinct irreducible factors of p."""
    return p // p.gcd(p.derivative()) if p.degree() > 0 else fmpz_poly([1])


def is_closed_hurwitz(p: fmpz_poly) -> bool:
    """Whether no root has positive real part.

    With g the boundary factor, that is: p without the roots of g is Hurwitz, and every root of g is imaginary. The
    latter holds exactly if g + g′ is Hurwitz, since g is even or odd and squarefree.

    Source: Hermite–Biehler theorem, Gantmacher 1959, vol. 2, ch. XV, §14.

    >>> is_closed_hurwitz(fmpz_poly([1, 0, 1])), is_closed_hurwitz(fmpz_poly([-1, 0, 1]))
    (True, False)
    """
    g = boundary_factor(p)
    if g.degree() < 1:
        return is_hurwitz(p)
    return is_hurwitz(without_roots(p, g)) and is_hurwitz(g + g.derivative())


def without_roots(p: fmpz_poly, g: fmpz_poly) -> fmpz_poly:
    """p divided by every factor that it shares with g, as often as it goes."""
    common = p.gcd(g)
    while common.degree() > 0:
        p //= common
        common = p.gcd(common)
    return p


def to_half_plane(p: fmpz_poly) -> tuple[fmpz_poly, int]:
    """Map the unit disc to the left half plane, z = (1 + s)/(1 − s); count the roots at z = −1, which go to infinity.

    >>> to_half_plane(fmpz_poly([-1, 2]))
    (3*x + 1, 0)
    """
    degree = p.degree()
    moved = p(fmpz_poly([-1, 1]))  # roots λ + 1, and z + 1 = 2/(1 − s)
    at_minus_one = 0
    while moved[at_minus_one] == 0:
        at_minus_one += 1
    reverse = fmpz_poly([moved[degree - k] for k in range(degree + 1 - at_minus_one)])
    kept = reverse.degree()
    halves = fmpz_poly([reverse[k] * fmpz(2) ** (kept - k) for k in range(kept + 1)])
    return halves(fmpz_poly([1, -1])), at_minus_one


def is_schur(p: fmpz_poly) -> bool:
    """Whether every root lies strictly inside the unit circle.

    >>> is_schur(fmpz_poly([1, 2])), is_schur(fmpz_poly([1, 1]))
    (True, False)
    """
    mapped, at_minus_one = to_half_plane(p)
    return at_minus_one == 0 and is_hurwitz(mapped)


def is_closed_schur(p: fmpz_poly) -> bool:
    """Whether no root lies outside the unit circle.

    >>> is_closed_schur(fmpz_poly([1, 1])), is_closed_schur(fmpz_poly([2, 1]))
    (True, False)
    """
    mapped, _ = to_half_plane(p)
    return mapped.degree() < 1 or is_closed_hurwitz(mapped)


def circle_factor(p: fmpz_poly) -> fmpz_poly:
    """The squarefree g whose roots are those of p with 1/λ̄ among the roots of p; it holds every root of modulus 1."""
    coefficients = p.coeffs()
    while coefficients[0] == 0:
        coefficients = coefficients[1:]
    return squarefree(p.gcd(fmpz_poly(coefficients[::-1])))


def shifted(p: fmpz_poly, by: Fraction) -> fmpz_poly:
    """p(s + by) up to a positive factor: its roots are those of p less `by`.

    >>> shifted(fmpz_poly([1, 1]), Fraction(1, 2))
    2*x + 3
    """
    if not by:
        return p
    return _scaled_up(p, by.denominator)(fmpz_poly([by.numerator, by.denominator]))


def stretched(p: fmpz_poly, by: Fraction) -> fmpz_poly:
    """p(by · s) up to a positive factor: its roots are those of p divided by `by` > 0."""
    numerator, denominator, degree = fmpz(by.numerator), fmpz(by.denominator), p.degree()
    return fmpz_poly([p[k] * numerator**k * denominator ** (degree - k) for k in range(degree + 1)])


def in_sector(p: fmpz_poly, damping: Fraction) -> bool:
    """Whether every root has Re λ < −ζ|λ|, for a damping ratio 0 < ζ < 1.

    True exactly if the roots stay in the open left half plane when turned by ±φ, sin φ = ζ. The polynomial with the
    turned roots, Π(s − λe^{jφ})(s − λe^{−jφ}), has the coefficients Σ p_k p_l cos((l − k)φ) over k + l = m: a rational
    for even m, and cos φ > 0 times a rational for odd m. A positive factor on the odd part does not change whether a
    polynomial is Hurwitz (Hermite–Biehler), so it is left out.

    >>> in_sector(fmpz_poly([25, 6, 1]), Fraction(3, 5)), in_sector(fmpz_poly([25, 6, 1]), Fraction(1, 2))
    (False, True)
    """
    n = p.degree()
    twice = 2 * (1 - 2 * fmpq(damping.numerator, damping.denominator) ** 2)  # 2 cos 2φ
    cosines = [fmpq(1), fmpq(1), twice / 2, twice - 1]  # cos kφ, for odd k divided by cos φ
    while len(cosines) <= n:
        cosines.append(twice * cosines[-2] - cosines[-4])
    turned = [
        sum((p[k] * p[m - k] * cosines[abs(m - 2 * k)] for k in range(max(0, m - n), min(m, n) + 1)), fmpq(0))
        for m in range(2 * n + 1)
    ]
    return is_hurwitz(fmpq_poly(turned).numer())


def _reflect(p: fmpz_poly) -> fmpz_poly:
    """p(−s)."""
    return fmpz_poly([-c if k % 2 else c for k, c in enumerate(p.coeffs())])


def _scaled_up(p: fmpz_poly, by: int) -> fmpz_poly:
    """by^n p(s/by), with integer coefficients."""
    degree = p.degree()
    return fmpz_poly([p[k] * fmpz(by) ** (degree - k) for k in range(degree + 1)])
