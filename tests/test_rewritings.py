"""Rewritings keep values and Jacobians; fingerprints know a system in other words, and no other system."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hybrid.export.duplicates import (
    features,
    features_of_forest,
    fingerprints,
    fingerprints_of_forest,
    first_of_each,
)
from hybrid.export.paper_files import PaperSystem, read_paper_file
from hybrid.export.random_systems import forest
from hybrid.export.rewritings import REWRITINGS, Rewritten, with_order
from hybrid.expressions.balls import balls
from hybrid.expressions.derivatives import jacobian
from hybrid.expressions.evaluate import COMPLEX, Arithmetic, Program
from hybrid.expressions.source import DomainError
from hybrid.systems.tokens import TokenSystem

PAPER = Path(__file__).resolve().parents[2] / "shared" / "paper"
PRECISION = 300
FIRST = TokenSystem.from_text(
    ["3*x*(y + u)/(2 - y) + sin(x - t)", "exp(x*y)*(u - 5) - (x + (y + v))", "atan(z)*(2*v*z) - 7"],
    ["x", "y", "z"], ["u", "v"], "t",
)  # fmt: skip
"""Offers every rewriting a place in some equation."""


def expressions(variables: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Real and finite everywhere: what is divided by is at least 3."""
    leaves = st.sampled_from(variables).map(lambda name: (name,)) | st.integers(1, 9).map(lambda k: ("INT+", str(k)))
    return st.recursive(
        leaves,
        lambda below: (
            st.builds(lambda op, a: (op, *a), st.sampled_from(["sin", "cos", "atan"]), below)
            | st.builds(lambda op, a, b: (op, *a, *b), st.sampled_from(["+", "-", "*"]), below, below)
            | st.builds(lambda a, b: ("/", *a, "+", "INT+", "4", "cos", *b), below, below)
        ),
        max_leaves=12,
    )


@st.composite
def systems(draw: st.DrawFn) -> TokenSystem:
    n, m, has_time = draw(st.integers(1, 4)), draw(st.integers(0, 2)), draw(st.booleans())
    variables = [f"x{i}" for i in range(n + m + has_time)]
    return TokenSystem(n, m, has_time, tuple(draw(st.lists(expressions(variables), min_size=n, max_size=n))))


def linearised(system: TokenSystem, point: Sequence[Any], arithmetic: Arithmetic) -> tuple[list[Any], NDArray[Any]]:
    """f and ∂f/∂(x, u) at a point that lists states, inputs and time."""
    tape = system.tape()
    values = Program(tape, arithmetic).trace(point)
    rows = jacobian(tape, values, arithmetic, range(system.states + system.inputs))
    return [values[output] for output in tape.outputs], np.array(rows, object).reshape(system.states, -1)


def coordinates(system: TokenSystem, rewritten: Rewritten | None = None) -> list[Fraction]:
    """A different value for each state and input, all of them about 0.7; in the order of the rewriting."""
    names = (*system.state_names, *system.input_names)
    point = {name: Fraction(7, 10) + Fraction(i, 97) for i, name in enumerate(names)}
    ordered = point if rewritten is None else rewritten.point(point)
    return [*(ordered[name] for name in names), *([Fraction(19, 100)] if system.has_time else [])]


def assert_same_in_balls(system: TokenSystem, rewritten: Rewritten) -> None:
    """Value and Jacobian as enclosures at 300 bits: they meet, and are narrower than 2⁻²⁰⁰."""
    with ctx.workprec(PRECISION):
        arithmetic = balls()
        old_f, old = linearised(system, list(map(arithmetic.constant, coordinates(system))), arithmetic)
        at = list(map(arithmetic.constant, coordinates(system, rewritten)))
        new_f, new = linearised(rewritten.system, at, arithmetic)
        expected = [*(old_f[i] for i in rewritten.states), *rewritten.jacobian(old).ravel()]
        for before, after in zip(expected, [*new_f, *new.ravel()], strict=True):
            difference = arb(before) - arb(after)
            assert difference.contains(0)
            assert difference.rad() < arb(2) ** -200 * (1 + abs(arb(before)))


@pytest.mark.parametrize("name", REWRITINGS)
def test_every_rewriting_finds_a_place(name: str) -> None:
    rewritten = REWRITINGS[name](FIRST, 0)
    assert rewritten is not None
    assert rewritten.system != FIRST
    assert_same_in_balls(FIRST, rewritten)


@pytest.mark.parametrize("name", REWRITINGS)
@settings(max_examples=20, deadline=None)
@given(system=systems(), seed=st.integers(0, 2**32))
def test_rewritings_keep_the_mathematics(name: str, system: TokenSystem, seed: int) -> None:
    rewritten = REWRITINGS[name](system, seed)
    if rewritten is not None:
        assert_same_in_balls(system, rewritten)
        assert rewritten == REWRITINGS[name](system, seed)


@pytest.mark.parametrize("name", sorted(set(REWRITINGS) - {"times sin²+cos²"}))
@settings(max_examples=20, deadline=None)
@given(system=systems(), seed=st.integers(0, 2**32))
def test_a_system_in_other_words_has_its_fingerprint(name: str, system: TokenSystem, seed: int) -> None:
    rewritten = REWRITINGS[name](system, seed)
    if rewritten is not None:
        own, other = fingerprints([system, rewritten.system])
        assert own == other


@settings(max_examples=50, deadline=None)
@given(systems(), st.integers(0, 2**32), st.integers(0, 2**32))
def test_a_rewriting_of_a_rewriting_has_the_fingerprint(system: TokenSystem, first: int, second: int) -> None:
    rng, rewritten = random.Random(first), system
    for name in rng.sample(sorted(set(REWRITINGS) - {"times sin²+cos²"}), 4):
        found = REWRITINGS[name](rewritten, second)
        rewritten = rewritten if found is None else found.system
    assert len(set(fingerprints([system, rewritten]).tolist())) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["x + 3", "y"], ["x + 4", "y"]),
        (["x + y", "y"], ["x - y", "y"]),
        (["x - y", "y*y"], ["y - x", "y*y"]),
        (["x/y", "y"], ["y/x", "y"]),
        (["sin(x)", "y"], ["cos(x)", "y"]),
        (["sin(3)*x", "y"], ["sin(4)*x", "y"]),
        (["x", "x*y"], ["y", "x*y"]),
        (["x*x", "x*y"], ["x*y", "x*x"]),
        (["sin(x)", "cos(x)"], ["cos(x)", "sin(x)"]),
    ],
)
def test_other_systems_have_other_fingerprints(one: list[str], other: list[str]) -> None:
    first, second = fingerprints([TokenSystem.from_text(texts, ["x", "y"]) for texts in (one, other)])
    assert first != second


def test_roles_of_variables_count() -> None:
    """x u with u an input, x y with y a state, x t with t time."""
    variants = [TokenSystem(1, 1, False, (("*", "x0", "x1"),)), TokenSystem(1, 0, True, (("*", "x0", "x1"),))]
    variants += [TokenSystem(2, 0, False, (("*", "x0", "x1"), ("x1",))), TokenSystem(1, 2, False, (("*", "x0", "x1"),))]
    assert len(set(fingerprints(variants).tolist())) == len(variants)


def test_equal_systems_are_counted_once() -> None:
    system = TokenSystem.from_text(["12*y/4", "x + 3"], ["x", "y"])
    other = TokenSystem.from_text(["y", "x + 3"], ["x", "y"])
    words = [other, system, with_order(system, [1, 0], []).system, TokenSystem.from_text(["3*y", "3 + x"], ["x", "y"])]
    assert first_of_each(words) == [0, 1]
    assert first_of_each(words, seen=fingerprints([system])) == [0]
    assert first_of_each([]) == []


def test_fingerprints_are_the_same_on_every_machine() -> None:
    """Those of training systems are kept in files."""
    assert fingerprints([FIRST]).tolist() == [13690499951369475890]


def test_features_are_of_length_one_and_see_changes() -> None:
    changed = REWRITINGS["scaled"](FIRST, 0)
    renamed = REWRITINGS["reordered"](FIRST, 0)
    assert changed is not None
    assert renamed is not None
    rows = features([FIRST, changed.system, renamed.system, TokenSystem.from_text(["x"], ["x"])])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    near, same, far = np.linalg.norm(rows[1:] - rows[0], axis=1)
    assert same == 0
    assert 0 < near < far <= np.sqrt(2) + 1e-6


def test_the_generators_systems_are_those_of_their_tokens() -> None:
    drawn = forest(np.random.default_rng(1), "control_t", 20, 3, 1)
    found = [drawn.system(i) for i in range(20)]
    assert fingerprints(found).tolist() == fingerprints_of_forest(drawn).tolist()
    np.testing.assert_array_equal(features(found), features_of_forest(drawn))


@pytest.mark.parametrize("file", ["stability_bal", "control_unc", "gram", "control_t"])
@pytest.mark.shared
@pytest.mark.skipif(not PAPER.is_dir(), reason="../shared/paper is absent")
def test_the_papers_systems_in_other_words(file: str) -> None:
    """In balls where values are real, in complex doubles elsewhere; what has no value has none in either."""
    drawn = [found for found in read_paper_file(PAPER / f"{file}.jsonl") if isinstance(found, PaperSystem)][:20]
    for seed, paper in enumerate(drawn):
        for rewriting in REWRITINGS.values():
            rewritten = rewriting(paper.system, seed)
            if rewritten is None:
                continue
            try:
                assert_same_in_balls(paper.system, rewritten)
            except DomainError:
                assert_same_in_complex_doubles(paper.system, rewritten)


def assert_same_in_complex_doubles(system: TokenSystem, rewritten: Rewritten) -> None:
    try:
        f, old = linearised(system, list(map(complex, coordinates(system))), REAL_AXIS)
    except DomainError:
        return
    new_f, new = linearised(rewritten.system, list(map(complex, coordinates(system, rewritten))), REAL_AXIS)
    before = np.array([*(f[i] for i in rewritten.states), *rewritten.jacobian(old).ravel()], complex)
    after = np.array([*new_f, *new.ravel()], complex)
    np.testing.assert_allclose(after, before, rtol=1e-7, atol=1e-9 * np.abs(before).max())


def above_the_cut(operation: Callable[..., complex]) -> Callable[..., complex]:
    """A real result without the sign of its zero imaginary part, which would choose the side of a branch cut."""

    def tidy(*arguments: complex) -> complex:
        value = complex(operation(*arguments))
        return complex(value.real, 0.0) if value.imag == 0 else value

    return tidy


REAL_AXIS = replace(COMPLEX, operations={name: above_the_cut(each) for name, each in COMPLEX.operations.items()})
