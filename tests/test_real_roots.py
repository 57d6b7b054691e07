"""Real roots enclosed by Descartes' rule: built from the roots, near each other and far out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import fmpq, fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.exact.real_roots import real_roots

quick = settings(deadline=None, max_examples=60)
rationals = st.fractions(min_value=-50, max_value=50, max_denominator=64)


def with_roots(roots: set[Fraction], pairs: list[tuple[int, int]]) -> fmpz_poly:
    """The squarefree polynomial of these real roots, and of a ± bj for distinct pairs with b > 0."""
    p = fmpz_poly([1])
    for x in roots:
        p *= fmpz_poly([-x.numerator, x.denominator])
    for a, b in set(pairs):
        p *= fmpz_poly([a * a + b * b, -2 * a, 1])
    return p


def expect_each_enclosed(p: fmpz_poly, roots: set[Fraction]) -> None:
    found = real_roots(p)
    assert found is not None
    assert len(found) == len(roots)
    for (lo, hi), x in zip(found, sorted(roots), strict=True):
        assert lo <= x <= hi
        ends = [p(fmpq(end.numerator, end.denominator)) for end in (lo, hi)]
        assert ends == [0, 0] if lo == hi else ends[0] * ends[1] < 0


@quick
@given(st.sets(rationals, max_size=5), st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 9)), max_size=3))
def test_every_real_root_has_an_enclosure(roots: set[Fraction], pairs: list[tuple[int, int]]) -> None:
    expect_each_enclosed(with_roots(roots, pairs), roots)


@pytest.mark.parametrize("bits", [60, 1500])
def test_roots_near_each_other_take_no_longer(bits: int) -> None:
    """As plants with numbers far out have them; Arb's root finder takes minutes for them."""
    roots = {-1 + Fraction(k, 2**bits + k) for k in (0, 1, 2, 5)} | {Fraction(7, 2**bits), Fraction(3**bits, 2)}
    expect_each_enclosed(with_roots(roots, [(0, 1)]), roots)


def test_a_polynomial_without_real_roots_has_no_enclosure() -> None:
    assert real_roots(fmpz_poly([1, 0, 1])) == real_roots(fmpz_poly([5])) == []
