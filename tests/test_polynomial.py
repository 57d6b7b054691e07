"""Root tests on polynomials made from their roots, on boundaries and a hair beside them."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.exact import polynomial

few = settings(deadline=None, max_examples=50)
Root = tuple[Fraction, Fraction]  # re + im j; im > 0 stands for the conjugate pair

HAIR = Fraction(1, 2**80)
parts = st.one_of(
    st.sampled_from([Fraction(0), HAIR, -HAIR, Fraction(1), Fraction(-1), 1 + HAIR, 1 - HAIR]),
    st.fractions(-3, 3, max_denominator=7),
)
roots = st.lists(st.tuples(parts, parts.map(abs)), min_size=1, max_size=6)
PYTHAGORAS = [(Fraction(3, 5), Fraction(4, 5)), (Fraction(-5, 13), Fraction(12, 13)), (Fraction(0), Fraction(1))]


def poly(listed: list[Root]) -> fmpz_poly:
    """Π(s − root) times a positive integer."""
    whole = fmpz_poly([1])
    for re, im in listed:
        factor = [re * re + im * im, -2 * re, Fraction(1)] if im else [-re, Fraction(1)]
        scale = math.lcm(*(c.denominator for c in factor))
        whole *= fmpz_poly([int(c * scale) for c in factor])
    return whole


def same_roots(p: fmpz_poly, q: fmpz_poly) -> bool:
    """Equal up to a factor."""
    return p.degree() == q.degree() and p * q.leading_coefficient() == q * p.leading_coefficient()


@few
@given(roots, st.sampled_from([1, -1, 12]))
def test_half_planes(listed: list[Root], factor: int) -> None:
    p = factor * poly(listed)
    assert polynomial.is_hurwitz(p) is all(re < 0 for re, _ in listed)
    assert polynomial.is_closed_hurwitz(p) is all(re <= 0 for re, _ in listed)


@few
@given(roots)
def test_mirror_images_are_not_taken_for_imaginary_roots(listed: list[Root]) -> None:
    """±a share the boundary factor with ±b j, and 1/a with the unit circle."""
    p = poly([*listed, *((-re, im) for re, im in listed)])
    assert not polynomial.is_hurwitz(p)
    assert polynomial.is_closed_hurwitz(p) is all(re == 0 for re, _ in listed)
    squares = [re * re + im * im for re, im in listed]
    if all(squares):
        inverses = [(re / square, im / square) for (re, im), square in zip(listed, squares, strict=True)]
        assert polynomial.is_closed_schur(poly([*listed, *inverses])) is all(square == 1 for square in squares)


@few
@given(roots, st.sampled_from([1, -3]))
def test_discs(listed: list[Root], factor: int) -> None:
    p = factor * poly(listed)
    squares = [re * re + im * im for re, im in listed]
    assert polynomial.is_schur(p) is all(x < 1 for x in squares)
    assert polynomial.is_closed_schur(p) is all(x <= 1 for x in squares)


@few
@given(roots, parts)
def test_shifts(listed: list[Root], by: Fraction) -> None:
    moved = polynomial.shifted(poly(listed), by)
    assert same_roots(moved, poly([(re - by, im) for re, im in listed]))
    assert moved.leading_coefficient() > 0


@few
@given(roots, parts.filter(lambda x: x > 0))
def test_stretches(listed: list[Root], by: Fraction) -> None:
    stretched = polynomial.stretched(poly(listed), by)
    assert same_roots(stretched, poly([(re / by, im / by) for re, im in listed]))
    assert stretched.leading_coefficient() > 0


@few
@given(roots, st.sampled_from(["3/5", "1/2", "5/13", "1/1000000000000", "999999/1000000"]))
def test_sectors(listed: list[Root], ratio: str) -> None:
    damping = Fraction(ratio)
    inside = all(re < 0 and re * re > damping**2 * (re * re + im * im) for re, im in listed)
    assert polynomial.in_sector(poly(listed), damping) is inside


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(10) ** 30, Fraction(1, 7**20)])
@pytest.mark.parametrize("triple", [(3, 4, 5), (5, 12, 13), (20, 21, 29)])
def test_the_edge_of_a_sector_is_outside(triple: tuple[int, int, int], scale: Fraction) -> None:
    adjacent, opposite, hypotenuse = triple
    edge = Fraction(adjacent, hypotenuse)
    p = poly([(-adjacent * scale, opposite * scale), (Fraction(-1), Fraction(0))])
    assert not polynomial.in_sector(p, edge)
    assert polynomial.in_sector(p, edge - HAIR)
    assert not polynomial.in_sector(p, edge + HAIR)


def test_a_sector_with_an_irrational_edge() -> None:
    """ζ² = 1/2 for −1 ± j: between two neighbours of √½."""
    p = poly([(Fraction(-1), Fraction(1))])
    below = Fraction(math.isqrt(2**199), 2**100)
    assert below**2 * 2 < 1 < (below + Fraction(1, 2**100)) ** 2 * 2
    assert polynomial.in_sector(p, below)
    assert not polynomial.in_sector(p, below + Fraction(1, 2**100))


@few
@given(roots)
def test_boundary_factor_holds_every_imaginary_root_once(listed: list[Root]) -> None:
    p = poly(listed)
    g = polynomial.boundary_factor(p)
    imaginary = poly([(Fraction(0), im) for im in {im for re, im in listed if re == 0}])
    assert not (g % imaginary).coeffs() or imaginary.degree() == 0
    assert same_roots(g, polynomial.squarefree(g))
    if all(re <= 0 for re, _ in listed):
        assert same_roots(g, imaginary)


@few
@given(roots, st.lists(st.sampled_from(PYTHAGORAS), max_size=3))
def test_circle_factor_holds_every_root_of_modulus_one_once(listed: list[Root], on_circle: list[Root]) -> None:
    everything = [(re / 4, im / 4) for re, im in listed] + on_circle
    inside = [(re, im) for re, im in everything if re * re + im * im < 1]
    g = polynomial.circle_factor(poly(inside + on_circle))
    assert same_roots(g, poly(sorted(set(on_circle))))


@few
@given(roots)
def test_squarefree_and_without_roots(listed: list[Root]) -> None:
    p, distinct = poly(listed), sorted(set(listed))
    assert same_roots(polynomial.squarefree(p), poly(distinct))
    first = distinct[0]
    assert same_roots(polynomial.without_roots(p, poly([first])), poly([root for root in listed if root != first]))
    assert same_roots(polynomial.without_roots(p, fmpz_poly([1])), p)


@few
@given(roots)
def test_the_disc_becomes_the_half_plane(listed: list[Root]) -> None:
    """(1 + s)/(1 − s) = z: s = (z − 1)/(z + 1)."""
    mapped, lost = polynomial.to_half_plane(poly(listed))
    assert lost == sum(1 for re, im in listed if (re, im) == (-1, 0))
    kept = [(re, im) for re, im in listed if (re, im) != (-1, 0)]
    images = [
        ((re * re + im * im - 1) / ((re + 1) ** 2 + im * im), 2 * im / ((re + 1) ** 2 + im * im)) for re, im in kept
    ]
    assert same_roots(mapped, poly(images))


@pytest.mark.parametrize("degree", [40, 41, 60])
@pytest.mark.parametrize("last", [Fraction(-1, 3), -HAIR, Fraction(0), HAIR])
def test_high_degrees(degree: int, last: Fraction) -> None:
    """Beyond degree 40 balls go first; a pair on the axis is more than they can decide."""
    listed = [(Fraction(-k, 3), Fraction(k % 3, 5)) for k in range(1, degree // 2)]
    p = poly([*listed, (last, Fraction(2))])
    assert polynomial.is_hurwitz(p) is (last < 0)
    assert polynomial.is_closed_hurwitz(p) is (last <= 0)


def test_what_balls_of_any_precision_leave_open() -> None:
    """A pair on the axis makes one entry of the Routh table exactly zero: no ball shows its sign."""
    p = poly([(Fraction(-1, k), Fraction(k)) for k in range(1, 25)] + [(Fraction(0), Fraction(1, 3))])
    coefficients = p.coeffs()[::-1]
    rows = fmpz_poly(coefficients[0::2]), fmpz_poly(coefficients[1::2])
    assert polynomial._routh_in_balls(*rows, p.degree(), 1024) is None
    assert not polynomial.is_hurwitz(p)


def test_constants_and_lines() -> None:
    assert polynomial.is_hurwitz(fmpz_poly([5]))
    assert polynomial.is_hurwitz(fmpz_poly([-5]))
    for root, hurwitz, closed in ((-1, True, True), (0, False, True), (1, False, False)):
        p = fmpz_poly([-root, 1])
        assert (polynomial.is_hurwitz(p), polynomial.is_closed_hurwitz(p)) == (hurwitz, closed)
    for root, schur, closed in ((0, True, True), (1, False, True), (-1, False, True), (2, False, False)):
        p = fmpz_poly([-root, 1])
        assert (polynomial.is_schur(p), polynomial.is_closed_schur(p)) == (schur, closed)
