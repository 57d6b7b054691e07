"""The generator draws what FACTS A0–A4 describe, its derivatives are right, and it is the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.export.expression_kernels import BINARIES, INTEGER, VARIABLE, shape_counts
from hybrid.export.matrix_answers import abscissae, controllable
from hybrid.export.random_systems import DISTRIBUTIONS, Forest, differentiate, forest, sizes
from hybrid.expressions.evaluate import COMPLEX, Program


def drawn(task: str, count: int, degree: int, controls: int, seed: int = 1) -> Forest:
    return forest(np.random.default_rng(seed), task, count, degree, controls)


def test_a_seed_draws_the_same_systems_again() -> None:
    first, again, other = drawn("control", 40, 4, 2), drawn("control", 40, 4, 2), drawn("control", 40, 4, 2, seed=2)
    assert [first.system(i) for i in range(40)] == [again.system(i) for i in range(40)]
    assert first.system(0) != other.system(0)


def test_unary_binary_trees_are_counted() -> None:
    """1, 2, 6, 22, 90, …: the large Schröder numbers count trees with 0, 1, 2, … operators of one or two operands."""
    assert shape_counts(5)[1].tolist() == [1, 2, 6, 22, 90, 394]


def test_operators_and_leaves_have_their_shares() -> None:
    """Before expressions are rejected; rejection moves the shares, so the bounds are wide."""
    given = drawn("control", 4000, 3, 1)
    operators = np.bincount(given.symbol[given.symbol < INTEGER], minlength=INTEGER) / (given.symbol < INTEGER).sum()
    assert operators[:BINARIES].sum() > 0.55
    assert (operators > 0.02).all()
    leaves = given.symbol[given.symbol >= INTEGER]
    assert 0.2 < (leaves == INTEGER).mean() < 0.35
    numbers = given.number[given.symbol == INTEGER]
    assert set(np.unique(numbers)) == set(range(-10, 11)) - {0}
    assert set(np.unique(leaves)) - {INTEGER} == {VARIABLE + i for i in range(4)}


@pytest.mark.parametrize(("degree", "share"), [(2, 0.16), (3, 0.064), (4, 0.023), (5, 0.008)])
def test_as_many_are_stable_as_in_the_papers_generator(degree: int, share: float) -> None:
    """FACTS C, natural rates; both numbers are samples, of some ten thousand systems each."""
    count = 20_000
    stable = (abscissae(drawn("stability", count, degree, 0).jacobian) < 0).mean()
    assert abs(stable - share) < 4 * np.sqrt(2 * share / count) + 0.003


@pytest.mark.parametrize(("degree", "share"), [(3, 0.93), (4, 0.95), (5, 0.95)])
def test_as_many_are_controllable_as_in_the_papers_generator(degree: int, share: float) -> None:
    """FACTS C: 93, 95 and 95 % of about 1600 each; p is uniform."""
    found = []
    for _, controls, _ in (size for size in sizes("control") if size[0] == degree):
        J = drawn("control", 3000, degree, controls).jacobian.real
        found.append(controllable(J[:, :, :degree], J[:, :, degree:]).mean())
    assert abs(np.mean(found) - share) < 0.025


@pytest.mark.parametrize("task", DISTRIBUTIONS)
def test_jacobians_are_those_of_the_tokens(task: str) -> None:
    """Differences of values from our own evaluation of the token system, along complex directions."""
    degree, controls, _ = max(sizes(task))
    given = drawn(task, 30, degree, controls)
    checked = 0
    for i in range(len(given)):
        program = Program(given.system(i).tape(), COMPLEX)
        for column in range(degree + controls):
            there, step = [], 1e-7
            for sign in (1, -1):
                moved = given.point.copy()
                moved[column] += sign * step
                there.append(np.array(program([*moved]), complex))
            slope = (there[0] - there[1]) / (2 * step)
            true = given.jacobian[i][:, column]
            size = np.abs(given.jacobian[i]).max(1) + np.abs(there[0]) + 1
            smooth = np.abs(slope - true) <= 1e-4 * size
            checked += int(smooth.sum())
    assert checked >= 0.9 * 30 * degree * (degree + controls)  # the others are rough within the step


def test_jacobians_from_tokens_are_those_of_the_draw() -> None:
    given = drawn("control_t", 50, 3, 1)
    found = differentiate([given.system(i) for i in range(50)], [given.point.tolist()] * 50)
    for one, true in zip(found, given.jacobian, strict=True):
        assert one is not None
        np.testing.assert_array_equal(one[:, :4], true)


def test_a_pole_has_no_jacobian() -> None:
    from hybrid.systems.tokens import TokenSystem

    system = TokenSystem.from_text(["1/(x - y)", "x"], ["x", "y"])
    assert differentiate([system], [[0.5, 0.5]]) == [None]


def test_every_system_is_usable() -> None:
    for task in DISTRIBUTIONS:
        degree, controls, _ = min(sizes(task))
        J = drawn(task, 300, degree, controls).jacobian
        assert np.isfinite(J).all()
        assert (J[:, :, :degree] != 0).any(2).all()
        assert (J != 0).any(1).all()
        if DISTRIBUTIONS[task].real:
            assert not J.imag.any()
