"""Spectra of matrices built from their eigenvalues, hidden behind exact changes of coordinates."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import builders as build
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.answer import Enclosure, Verdict
from hybrid.exact.spectrum import Spectrum, as_claim, integer_matrix, to_fraction
from hybrid.pole_region import Region
from hybrid.systems.exact_matrix import ExactMatrix

few = settings(deadline=None, max_examples=40)
HAIR = Fraction(1, 10**40)

STABLE, MARGINAL, UNSTABLE = Verdict.STABLE, Verdict.MARGINAL, Verdict.UNSTABLE


def exact(matrix: Any) -> ExactMatrix:
    return ExactMatrix.read(matrix, "A")


def spectrum(matrix: build.Rows, *, discrete: bool = False, seed: int = 0) -> Spectrum:
    return Spectrum.of(exact(build.hidden(matrix, seed)), discrete=discrete)


parts = st.one_of(st.sampled_from([Fraction(0), HAIR, -HAIR]), st.fractions(-2, 2, max_denominator=6))
blocks = st.lists(st.tuples(parts, parts.map(abs), st.integers(1, 2)), min_size=1, max_size=3)
"""(re, im, order of the Jordan block)."""


def matrix_of(listed: list[tuple[Fraction, Fraction, int]]) -> build.Rows:
    made = [build.jordan_pair(re, im, k) if im else build.jordan(re, k) for re, im, k in listed]
    return build.block_diagonal(*made)


# --------------------------------------------------------------------------------------------- integers


@pytest.mark.parametrize(
    "entries",
    [
        np.array([[0.1, -3.0], [0.0, 2.0**-1074]]),
        np.array([[1e308, 5e-324], [-1.5, 0.0]]),
        np.array([[2.0**70, 4.0], [0.0, 8.0]]),
        np.zeros((2, 2)),
        np.array([[3, -(2**53)], [0, 1]]),
        [["1/3", "0.1"], [7, "-1e-30"]],
        [[Fraction(1, 7), 0.1], [2**100, 0]],
    ],
    ids=["subnormal", "both ends", "large", "zero", "integers", "text", "mixed"],
)
def test_integer_matrix_is_the_matrix(entries: Any) -> None:
    A = exact(entries)
    N, scale = integer_matrix(A)
    assert scale > 0
    assert [[Fraction(int(N[i, j]), scale) for j in range(2)] for i in range(2)] == [list(row) for row in A.fractions]


def test_common_powers_of_two_are_taken_out() -> None:
    assert integer_matrix(exact(np.array([[0.5, 1.0]])))[1] == 2
    assert integer_matrix(exact(np.array([[4.0, 1e-300]])))[1] < 2**1074


# ------------------------------------------------------------------------------- verdicts and half planes


@few
@given(blocks, st.integers(0, 99))
def test_verdicts_in_continuous_time(listed: list[tuple[Fraction, Fraction, int]], seed: int) -> None:
    top = max(re for re, _, _ in listed)
    defective = any(k > 1 for re, _, k in listed if re == 0)
    expected = STABLE if top < 0 else UNSTABLE if top > 0 or defective else MARGINAL
    found = spectrum(matrix_of(listed), seed=seed)
    assert found.verdict is expected
    assert (found.is_below(top), found.is_at_most(top)) == (False, True)
    assert found.is_below(top + HAIR)
    assert not found.is_at_most(top - HAIR)
    lo, hi = found.bounds
    assert lo <= top <= hi
    if top == 0:
        assert lo == hi == 0
    else:  # the bounds show the side
        assert not lo <= 0 <= hi


@few
@given(blocks, st.integers(0, 99))
def test_verdicts_in_discrete_time(listed: list[tuple[Fraction, Fraction, int]], seed: int) -> None:
    square = max(re * re + im * im for re, im, _ in listed)
    defective = any(k > 1 for re, im, k in listed if re * re + im * im == 1)
    expected = STABLE if square < 1 else UNSTABLE if square > 1 or defective else MARGINAL
    found = spectrum(matrix_of(listed), discrete=True, seed=seed)
    assert found.verdict is expected
    lo, hi = found.bounds
    assert max(lo, Fraction(0)) ** 2 <= square <= hi**2
    if square == 1:
        assert lo == hi == 1
    root = Fraction(math.isqrt(square.numerator * square.denominator), square.denominator)
    if root * root == square:
        assert (found.is_below(root), found.is_at_most(root)) == (False, True)
        assert found.is_below(root + HAIR)
        assert not found.is_at_most(root - HAIR)


@pytest.mark.parametrize(
    ("matrix", "verdict"),
    [
        (build.rows([[0]]), MARGINAL),
        (build.rows([[0, 0], [0, 0]]), MARGINAL),
        (build.jordan(0, 2), UNSTABLE),
        (build.pair(0, 1), MARGINAL),
        (build.block_diagonal(build.pair(0, 1), build.pair(0, 1)), MARGINAL),
        (build.jordan_pair(0, 1, 2), UNSTABLE),
        (build.block_diagonal(build.pair(0, 1), build.pair(0, 2), build.jordan(0, 1)), MARGINAL),
        (build.block_diagonal(build.jordan_pair(-1, 1, 3), build.jordan(0, 1), build.jordan(0, 1)), MARGINAL),
        (build.block_diagonal(build.jordan_pair(-1, 1, 2), build.jordan_pair(0, 3, 2)), UNSTABLE),
        (build.block_diagonal(build.pair(0, 1), build.jordan(HAIR, 1)), UNSTABLE),
        (build.block_diagonal(build.jordan(1, 1), build.jordan(-1, 1)), UNSTABLE),  # mirror images, none on the axis
        (build.block_diagonal(build.pair(HAIR, 1), build.pair(-HAIR, 1)), UNSTABLE),
    ],
)
@pytest.mark.parametrize("seed", [0, 7])
def test_on_the_axis(matrix: build.Rows, verdict: Verdict, seed: int) -> None:
    assert spectrum(matrix, seed=seed).verdict is verdict


@pytest.mark.parametrize(
    ("matrix", "verdict"),
    [
        (build.jordan(1, 1), MARGINAL),
        (build.jordan(-1, 1), MARGINAL),
        (build.jordan(-1, 2), UNSTABLE),
        (build.jordan(0, 3), STABLE),
        (build.pair(Fraction(3, 5), Fraction(4, 5)), MARGINAL),
        (build.jordan_pair(Fraction(3, 5), Fraction(4, 5), 2), UNSTABLE),
        (
            build.block_diagonal(build.pair(Fraction(3, 5), Fraction(4, 5)), build.jordan(-1, 1), build.jordan(1, 1)),
            MARGINAL,
        ),
        (build.block_diagonal(build.jordan(2, 1), build.jordan(Fraction(1, 2), 1)), UNSTABLE),  # 1/λ is there too
        (build.block_diagonal(build.jordan(0, 2), build.jordan(1, 1), build.jordan(1, 1)), MARGINAL),
    ],
)
def test_on_the_circle(matrix: build.Rows, verdict: Verdict) -> None:
    assert spectrum(matrix, discrete=True, seed=3).verdict is verdict


def test_radius_zero() -> None:
    nilpotent = spectrum(build.jordan(0, 3), discrete=True)
    assert nilpotent.is_at_most(Fraction(0))
    assert not nilpotent.is_below(Fraction(0))
    assert not nilpotent.is_at_most(Fraction(-1))
    assert not nilpotent.is_below(Fraction(-1))
    assert nilpotent.bounds == (0, 0)
    assert not spectrum(build.jordan(HAIR, 1), discrete=True).is_at_most(Fraction(0))


def test_regions() -> None:
    found = spectrum(build.block_diagonal(build.pair(-3, 4), build.jordan(-4, 1)))
    for decay, damping, inside in (
        (3 - HAIR, 0, True),
        (3, 0, False),
        (0, Fraction(3, 5) - HAIR, True),
        (0, Fraction(3, 5), False),
        (2, Fraction(1, 2), True),
        (3, Fraction(1, 2), False),
        (2, Fraction(4, 5), False),
    ):
        assert found.lies_in(Region(Fraction(decay), Fraction(damping))) is inside
    discrete = spectrum(build.pair(Fraction(3, 10), Fraction(4, 10)), discrete=True)
    assert discrete.lies_in(Region(Fraction(1, 2) - HAIR))
    assert not discrete.lies_in(Region(Fraction(1, 2)))


@pytest.mark.parametrize("exponent", [-1000, -300, 300, 1000])
def test_beyond_the_doubles(exponent: int) -> None:
    scale = Fraction(10) ** exponent
    for top, verdict in ((-scale, STABLE), (scale, UNSTABLE)):
        found = spectrum(build.block_diagonal(build.jordan(top, 1), build.pair(-5 * scale, scale)))
        assert found.verdict is verdict
        assert found.bounds[0] <= top <= found.bounds[1]
        assert not found.bounds[0] <= 0 <= found.bounds[1]


# ------------------------------------------------------------------------------------------- enclosures


@few
@given(blocks, st.integers(0, 99))
def test_enclosures_hold_one_eigenvalue_each(listed: list[tuple[Fraction, Fraction, int]], seed: int) -> None:
    count: dict[tuple[Fraction, Fraction], int] = {}
    for re, im, k in listed:
        for sign in (1, -1) if im else (1,):
            count[re, sign * im] = count.get((re, sign * im), 0) + k
    discs = spectrum(matrix_of(listed), seed=seed).enclosures()
    assert discs is not None
    assert len(discs) == len(count)
    for (re, im), multiplicity in count.items():
        around = [d for d in discs if (re - d.re) ** 2 + (im - d.im) ** 2 <= d.radius**2]
        assert [d.multiplicity for d in around] == [multiplicity]
    assert [d.re for d in discs] == sorted((d.re for d in discs), reverse=True)


def test_clusters_are_separated() -> None:
    listed = [Fraction(1, 3) + k * HAIR for k in range(3)]
    discs = spectrum(build.companion(build.expanded([*listed, -1, -1]))).enclosures()
    assert discs is not None
    assert [d.multiplicity for d in discs] == [1, 1, 1, 2]
    assert all(d.radius < HAIR / 2 for d in discs[:3])


def test_clusters_beyond_the_last_precision_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    near = spectrum(build.block_diagonal(build.jordan(Fraction(1, 3), 1), build.jordan(Fraction(1, 3) + HAIR, 1)))
    assert near.enclosures() is not None
    monkeypatch.setattr("hybrid.exact.spectrum._DISC_PRECISIONS", (64,))
    assert near.enclosures() is None


def test_roots_enclose() -> None:
    found = spectrum(build.block_diagonal(build.jordan(Fraction(1, 3), 1), build.jordan(-2, 2)))
    (first, one), (second, two) = sorted(found.roots(128), key=lambda root: root[1])
    assert (one, two) == (1, 2)
    assert (first * 3).contains(1)
    assert second.contains(-2)
    assert not first.contains(-2)


def test_small_pieces() -> None:
    assert to_fraction(arb("0.375")) == Fraction(3, 8)
    assert to_fraction(arb(0)) == 0
    disc = Enclosure(Fraction(1), Fraction(2), Fraction(1, 2), 3)
    assert as_claim(disc) == {"re": 1, "im": 2, "radius": Fraction(1, 2), "multiplicity": 3}
