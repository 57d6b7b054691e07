"""Symbols in one free coordinate: built from their roots, decided by them, and proved to the checker."""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_symbol_squares import certified, document, sealed

from hybrid.certificate import checker
from hybrid.exact.symbol_bound import decide

Side = tuple[Fraction | None, Fraction | None]
ROOTS = st.fractions(-4, 4, max_denominator=5)
AT_ONE = (Fraction(1), Fraction(1))
ENDS = st.fractions(-5, 5, max_denominator=3)


def product(factors: list[list[Fraction]]) -> dict[tuple[int, ...], Fraction]:
    """Of polynomials by their coefficients, the constant first; odd powers of x times y = 1, for even orders."""
    total = [Fraction(1)]
    for factor in factors:
        longer = [Fraction(0)] * (len(total) + len(factor) - 1)
        for i, a in enumerate(total):
            for j, b in enumerate(factor):
                longer[i + j] += a * b
        total = longer
    return {(k, k % 2): c for k, c in enumerate(total) if c}


@st.composite
def sides(draw: st.DrawFn) -> Side:
    low, high = sorted((draw(ENDS), draw(ENDS)))
    return (None if draw(st.booleans()) else low), (None if draw(st.booleans()) else high + 1)


def lies_on(x: Fraction, side: Side) -> bool:
    return (side[0] is None or side[0] <= x) and (side[1] is None or x <= side[1])


@settings(max_examples=80, deadline=None)
@given(st.lists(ROOTS, min_size=1, max_size=3), st.integers(1, 9), sides())
def test_squares_of_known_roots(roots: list[Fraction], gain: int, side: Side) -> None:
    """gain · Π (x − r)² (x² + 1) is nonnegative, and vanishes on the side exactly if a root lies there."""
    q = product(
        [[Fraction(gain)], [Fraction(1), Fraction(0), Fraction(1)], *([-r, Fraction(1)] for r in roots + roots)]
    )
    assert certified(q, (side, AT_ONE)) == (True, True, not any(lies_on(r, side) for r in roots))


@settings(max_examples=80, deadline=None)
@given(ROOTS, st.integers(1, 10**6), sides())
def test_an_unstable_twin(root: Fraction, parts: int, side: Side) -> None:
    """((x − r)² − 1/parts)(x² + 1) dips below zero around r and nowhere else."""
    shifted = [root * root - Fraction(1, parts), -2 * root, Fraction(1)]
    found = certified(product([[Fraction(1), Fraction(0), Fraction(1)], shifted]), (side, AT_ONE))
    if lies_on(root, side):
        assert found == (True, False, False)
    nearest = min((abs(end - root) for end in side if end is not None), default=Fraction(0))
    if not lies_on(root, side) and nearest**2 > Fraction(1, parts):
        assert found == (True, True, True)


@settings(max_examples=60, deadline=None)
@given(st.fractions(1, 9, max_denominator=7), st.sampled_from([2, 3, 5, 7]), sides())
def test_zeros_at_irrational_places(gain: Fraction, square: int, side: Side) -> None:
    """gain · (x² − 2)²: no rational point shows that it vanishes, its roots do."""
    factor = [Fraction(-square), Fraction(0), Fraction(1)]
    found = certified(product([[gain], factor, factor]), (side, AT_ONE))
    at = Fraction(square**0.5)
    assert found == (True, True, not (lies_on(at, side) or lies_on(-at, side)))


@pytest.mark.parametrize("degree", [2, 4, 8, 12])
def test_the_rate_is_close_to_the_least_value(degree: int) -> None:
    """x^d − d x has its least value 1 − d at 1."""
    q = {(degree,): Fraction(1), (1,): Fraction(-degree), (0,): Fraction(degree)}
    found = decide(q, ((Fraction(0), None),)).positive
    assert found.holds is True
    assert found.witness is not None
    assert 1 - Fraction(1, 10**5) < Fraction(found.witness["least"]) <= 1


def test_a_place_in_other_coordinates_is_kept() -> None:
    """x² y² − 3 on y = 5, x ∈ [−1/9, 1/9] is negative there."""
    q = {(2, 2): Fraction(1), (0, 0): Fraction(-3)}
    assert certified(q, ((Fraction(-1, 9), Fraction(1, 9)), (Fraction(5), Fraction(5)))) == (True, False, False)


def test_altered_lines_are_refused() -> None:
    q = product([[Fraction(-2), Fraction(1)], [Fraction(-2), Fraction(1)], [Fraction(3), Fraction(0), Fraction(1)]])
    box = ((Fraction(3), None), AT_ONE)
    answer = decide(q, box)
    names = ("bounded", "nonnegative", "positive")
    witness = {name: dict(getattr(answer, name).witness or {}) for name in names}
    good = document(q, dict.fromkeys(names, True), witness, box)
    assert checker.check(good).valid

    def refused(alter: Any) -> bool:
        bad = copy.deepcopy(good)
        alter(bad["witness"], bad)
        try:
            return not checker.check(sealed(bad)).valid
        except checker.Unreadable:
            return True

    assert refused(lambda w, _: w["positive"].update(least="12.001"))  # 12 is the value at 3
    assert refused(lambda w, _: w["positive"].update(least="0"))
    assert refused(lambda w, _: w["positive"].update(least=None))
    assert refused(lambda w, _: w["nonnegative"].update(least=None))
    assert refused(lambda w, _: w["nonnegative"].update(least="-1"))
    assert refused(lambda w, _: w["nonnegative"].update(extra="1"))
    assert refused(lambda _, d: d["claim"].update(positive=False))
    assert refused(lambda _, d: d["claim"].update(bounded=False))
    assert refused(lambda _, d: d["system"].update(support=[[None, None], ["1", "1"]]))  # 0 at 2
    assert refused(lambda _, d: d["system"].update(support=[["2", None], ["1", "1"]]))
    assert refused(lambda _, d: d["system"]["operator"].append({"coefficient": "-13", "powers": [0, 0]}))


def test_a_line_says_nothing_of_two_coordinates_or_of_falling() -> None:
    line = {"nonnegative": {"kind": "line", "least": "0"}}
    plane = {(2, 0): Fraction(1), (0, 2): Fraction(1)}
    assert not checker.check(document(plane, {"nonnegative": True}, line, ((None, None),) * 2)).valid
    cubic = {(2,): Fraction(-1)}
    bounded = {"bounded": {"kind": "line", "least": None}}
    assert not checker.check(document(cubic, {"bounded": True}, bounded, ((Fraction(0), None),))).valid
    assert checker.check(document(cubic, {"bounded": True}, bounded, ((Fraction(0), Fraction(1)),))).valid


def test_a_symbol_without_roots_may_be_negative() -> None:
    """−x² − 1 keeps its sign, and it is the wrong one."""
    q = {(2,): Fraction(-1), (0,): Fraction(-1)}
    line = {"nonnegative": {"kind": "line", "least": "0"}}
    assert not checker.check(document(q, {"nonnegative": True}, line, ((Fraction(0), Fraction(1)),))).valid


@pytest.mark.parametrize(("low", "high", "vanishes"), [(1, 2, True), (0, 1, True), (2, 3, False), (0, 2, True)])
def test_a_zero_at_an_end_is_one(low: int, high: int, vanishes: bool) -> None:
    q = {(2,): Fraction(1), (0,): Fraction(-1)}
    line = {"positive": {"kind": "line", "least": None}}
    found = checker.check(document(q, {"positive": False}, line, ((Fraction(low), Fraction(high)),)))
    assert found.valid is vanishes
