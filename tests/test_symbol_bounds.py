"""Polynomials over boxes: bounded below, nonnegative, positive, each decided as it was constructed."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.exact.symbol_bound import decide

Terms = dict[tuple[int, ...], Fraction]
LINE = (None, None)


def side(low: Any, high: Any) -> tuple[Fraction | None, Fraction | None]:
    return (None if low is None else Fraction(low), None if high is None else Fraction(high))


def times(p: Terms, q: Terms) -> Terms:
    product: Terms = {}
    for (a, x), (b, y) in itertools.product(p.items(), q.items()):
        key = tuple(i + j for i, j in zip(a, b, strict=True))
        product[key] = product.get(key, Fraction(0)) + x * y
    return {key: value for key, value in product.items() if value}


def plus(p: Terms, q: Terms) -> Terms:
    return {key: p.get(key, Fraction(0)) + q.get(key, Fraction(0)) for key in {*p, *q}}


def holds(q: dict[tuple[int, ...], Any], *box: Any, proposals: Any = ()) -> tuple[bool | None, ...]:
    found = decide({e: Fraction(c) for e, c in q.items()}, box, proposals=proposals)
    return found.bounded.holds, found.nonnegative.holds, found.positive.holds


@pytest.mark.parametrize(
    ("q", "box", "expected"),
    [
        ({(2,): 1}, [LINE], (True, True, False)),  # heat: 0 at η = 0
        ({(2,): 1}, [side(1, 3)], (True, True, True)),
        ({(2,): 1}, [side(0, 3)], (True, True, False)),
        ({(2,): -1}, [LINE], (False, False, False)),  # heat backwards
        ({(2,): -1}, [side(-1, 2)], (True, False, False)),
        ({}, [LINE], (True, True, False)),  # transport: no real part at all
        ({(4,): 1, (2,): -1}, [LINE], (True, False, False)),  # Kuramoto–Sivashinsky
        ({(4,): 1, (2,): -1}, [side(1, None)], (True, True, False)),  # zero at the end
        ({(4,): 1, (2,): -1}, [side(2, None)], (True, True, True)),
        ({(4,): 1, (2,): -5, (0,): 6}, [side(2, 4)], (True, True, True)),  # (k² − 2)(k² − 3), mixed shares
        ({(4,): 1, (2,): -5, (0,): 6}, [side(2, None)], (True, True, True)),
        ({(4,): 1, (2,): -5, (0,): 7}, [LINE], (True, True, True)),
        ({(2, 0): 1, (0, 2): -1}, [LINE, LINE], (False, False, False)),
        ({(2, 0): 1, (0, 2): -1}, [LINE, side(-1, 1)], (True, False, False)),
        ({(2, 0): 1, (0, 2): -1}, [side(2, None), side(-1, 1)], (True, True, True)),
        ({(2, 6): 9, (1, 4): 10, (0, 4): -4}, [LINE, LINE], (False, False, False)),  # falls where the first is near 0
        ({(4, 6): 7, (0, 4): -5, (0, 2): 1}, [side(-1, 2), LINE], (False, False, False)),
        ({(4, 6): 7, (0, 4): -5, (0, 2): 1}, [side("1/9", 2), LINE], (True, False, False)),
        ({(4, 6, 0): 7, (0, 4, 0): 8, (0, 4, 1): -9}, [side(-1, 2), LINE, side(0, 3)], (False, False, False)),
        ({(4, 6, 0): 7, (0, 4, 0): 8, (0, 4, 1): -2}, [side(-1, 2), LINE, side(0, 3)], (True, True, False)),
        ({(3, 1): 1}, [LINE, side(1, 2)], (False, False, False)),  # odd: down to the left
        ({(3, 1): 1}, [side(0, None), side(1, 2)], (True, True, False)),
        ({(3, 1): 1}, [side(None, 0), side(-2, -1)], (True, True, False)),
        ({(2, 2): 1, (0, 0): -3}, [side(5, 5), LINE], (True, False, False)),  # one coordinate fixed
        ({(2, 2): 1, (1, 1): -2, (0, 0): 1}, [LINE, LINE], (True, None, None)),  # (xy − 1)², zero on a curve
        ({(4, 2): 1, (2, 4): 1, (2, 2): -3, (0, 0): 1}, [LINE, LINE], (True, True, None)),  # Motzkin's polynomial
        ({(4, 2): 1, (2, 4): 1, (2, 2): -3, (0, 0): 2}, [LINE, LINE], (True, True, True)),
        ({(6, 0): 1, (2, 1): -1}, [LINE, side(-2, 2)], (True, False, False)),
        ({(6, 4): 4, (3, 1): -7}, [LINE, side(0, 1)], (False, False, False)),  # only where y falls with x
        ({(1, 4): 1, (0, 2): -1}, [side(0, 1), LINE], (False, False, False)),  # only at x = 0
    ],
)
def test_known_symbols(q: Any, box: Any, expected: tuple[bool | None, ...]) -> None:
    found = holds(q, *box)
    for name, said, true in zip(("bounded", "nonnegative", "positive"), found, expected, strict=True):
        if true is not None:
            assert said is true, name


def test_a_double_curve_of_zeros_is_never_called_negative() -> None:
    """(xy − 1)² ≥ 0 touches zero along a hyperbola: open is allowed, no is not."""
    _, nonnegative, positive = holds({(2, 2): 1, (1, 1): -2, (0, 0): 1}, LINE, LINE)
    assert nonnegative is not False
    assert positive is not True


def test_a_proposed_point_is_tried_first_and_checked() -> None:
    q = {(4,): Fraction(1), (2,): Fraction(-1)}
    good = decide(q, (LINE,), proposals=[[0.5]])
    assert good.nonnegative.witness is not None
    assert good.nonnegative.witness["from"] == "proposal"
    for useless in ([3.0], [float("nan")], [float("inf")], [], [0.5, 0.5]):
        found = decide(q, (LINE,), proposals=[useless])
        assert found.nonnegative.holds is False
        assert found.nonnegative.witness is not None
        assert "from" not in found.nonnegative.witness


coefficients = st.integers(-6, 6).filter(bool).map(Fraction)
small = st.integers(0, 2)


@st.composite
def polynomials(draw: st.DrawFn, n: int) -> Terms:
    exponents = draw(st.lists(st.tuples(*[small] * n), min_size=1, max_size=3, unique=True))
    return {e: draw(coefficients) for e in exponents}


@settings(max_examples=12, deadline=None)
@given(polynomials(2), polynomials(2), st.integers(0, 5))
def test_sums_of_squares_are_never_negative(p: Terms, q: Terms, constant: int) -> None:
    """Open is allowed: not every sum of squares is a sum of circuits."""
    total = plus(plus(times(p, p), times(q, q)), {(0, 0): Fraction(constant)})
    bounded, nonnegative, positive = holds({e: c for e, c in total.items() if c}, LINE, side(-3, 2))
    assert bounded is not False
    assert nonnegative is not False
    if constant:
        assert positive is not False


@settings(max_examples=25, deadline=None)
@given(polynomials(2), st.integers(-4, 4), st.integers(-3, 3))
def test_a_hidden_negative_value_is_never_denied(p: Terms, x: int, y: int) -> None:
    """q = p² − p(x, y)² − 1 is −1 at (x, y)."""
    value = sum(c * x ** e[0] * y ** e[1] for e, c in p.items())
    q = plus(times(p, p), {(0, 0): -value * value - 1})
    _, nonnegative, positive = holds(q, side(-4, 4), LINE)
    assert nonnegative is not True
    assert positive is not True


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 9))
def test_what_falls_along_a_curve_is_never_called_bounded(a: int, b: int, c: int) -> None:
    """x^{2a} y^{2b} − c x^{2a+2} on two lines: with y = 0 it falls, with y large it rises."""
    bounded, nonnegative, _ = holds({(2 * a, 2 * b): 1, (2 * a + 2, 0): -c}, LINE, LINE)
    assert bounded is False
    assert nonnegative is False


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=3, max_size=3), st.integers(1, 3))
def test_the_circuit_inequality_is_decided_at_its_boundary(weights: list[int], k: int) -> None:
    """a x^{4k} + b y^{4k} − 2√(ab) x^{2k} y^{2k} has minimum zero for squares a, b; one less is negative somewhere."""
    a, b, _ = (w * w for w in weights)
    least = 2 * weights[0] * weights[1]
    touching = {(4 * k, 0): a, (0, 4 * k): b, (2 * k, 2 * k): -least}
    assert holds(touching, LINE, LINE)[:2] == (True, True)
    crossing = {**touching, (2 * k, 2 * k): -least - 1}
    assert holds(crossing, LINE, LINE)[:2] == (False, False)
