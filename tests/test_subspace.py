"""Controllable subspaces of pairs whose uncontrollable part was chosen first."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import builders as build
import numpy as np
import pytest
from flint import fmpz
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Answer, Status, Verdict
from hybrid.errors import ProblemError
from hybrid.exact import subspace
from hybrid.exact.subspace import LARGEST_PRIME, reach
from hybrid.systems.linear import LinearSystem

few = settings(deadline=None, max_examples=40)
HAIR = Fraction(1, 10**50)

values = st.lists(st.fractions(-3, 3, max_denominator=4), min_size=0, max_size=3)


def pair(moved: list[Any], fixed: list[Any], m: int = 1, seed: int = 0) -> LinearSystem:
    """Eigenvalues `moved` within reach of the first input, `fixed` out of reach, in hidden coordinates."""
    r = len(moved)
    A = build.block_diagonal(
        *([build.companion(build.expanded(moved))] if moved else []), *[build.jordan(x, 1) for x in fixed]
    )
    if moved:
        for i in range(r, len(A)):
            A[0][i] = Fraction(1)  # the fixed states act on the others
    B = [[Fraction(k + 1) * (i == r - 1) for k in range(m)] for i in range(len(A))]
    T, inverse = build.similarity(len(A), seed)
    return LinearSystem(build.product(T, A, inverse), build.product(T, B))


def proved(answer: Answer) -> Answer:
    assert answer.certificate is not None
    report = hybrid.check(answer.certificate)
    assert report.valid, report.reason
    return answer


@few
@given(values, values, st.integers(1, 3), st.integers(0, 99))
def test_the_fixed_part_comes_back(moved: list[Fraction], fixed: list[Fraction], m: int, seed: int) -> None:
    if not moved and not fixed:
        return
    system = pair(moved, fixed, m, seed)
    found = reach(system)
    A, B = build.rows(system.A.fractions), build.rows(system.B.fractions)  # type: ignore[union-attr]
    assert found.dimension == len(moved) == build.rank(build.kalman(A, B))
    if not fixed:
        assert (found.W, found.F, found.unreached(discrete=False)) == (None, None, None)
        return
    assert found.W is not None
    assert found.F is not None
    W, F = build.rows(found.W.fractions), build.rows(found.F.fractions)
    assert build.rank(W) == len(W) == len(fixed)
    assert build.product(W, A) == build.product(F, W)
    assert not any(x for row in build.product(W, B) for x in row)
    assert build.characteristic_polynomial(F) == build.expanded(fixed)


@few
@given(values, values.filter(bool), st.booleans(), st.integers(0, 99))
def test_the_four_properties(moved: list[Fraction], fixed: list[Fraction], discrete: bool, seed: int) -> None:
    system = pair(moved, fixed, 1, seed)
    plant = LinearSystem(system.A, system.B, dt=1 if discrete else None)
    dual = LinearSystem(system.A.T, C=system.B.T, dt=plant.dt)  # type: ignore[union-attr]
    held = all(abs(x) < 1 if discrete else x < 0 for x in fixed)
    for question, of, expected in (
        (hybrid.controllability, plant, Verdict.UNCONTROLLABLE),
        (hybrid.observability, dual, Verdict.UNOBSERVABLE),
        (hybrid.stabilizability, plant, Verdict.STABILIZABLE if held else Verdict.NOT_STABILIZABLE),
        (hybrid.detectability, dual, Verdict.DETECTABLE if held else Verdict.NOT_DETECTABLE),
    ):
        answer = proved(question(of))  # type: ignore[operator]
        assert answer.verdict is expected
        holds = expected in (Verdict.STABILIZABLE, Verdict.DETECTABLE)
        assert answer.status is (Status.PROVED if holds else Status.DISPROVED)
        assert answer.dimension == len(moved)
        assert answer.poles is not None
        assert sum(d.multiplicity for d in answer.poles) == len(fixed)
        assert all(any(abs(d.re - x) <= d.radius for d in answer.poles) for x in fixed)


@pytest.mark.parametrize("mode", ["-1", "-1/3"])
def test_a_decay_exactly_at_the_fixed_mode_is_not_reached(mode: str) -> None:
    rate = -Fraction(mode)
    system = pair([1, 2], [Fraction(mode)])
    for decay, verdict in (
        (rate, Verdict.NOT_STABILIZABLE),
        (rate - HAIR, Verdict.STABILIZABLE),
        (rate + HAIR, Verdict.NOT_STABILIZABLE),
    ):
        assert proved(hybrid.stabilizability(system, decay=decay)).verdict is verdict
    sampled = LinearSystem([[1, 1], [0, rate / 2]], [[1], [0]], dt=1)
    for decay, verdict in ((1 - rate / 2, Verdict.NOT_STABILIZABLE), (1 - rate / 2 - HAIR, Verdict.STABILIZABLE)):
        assert proved(hybrid.stabilizability(sampled, decay=decay)).verdict is verdict


@pytest.mark.parametrize("n", [14, 16, 20])
def test_what_a_float_rank_gets_wrong(n: int) -> None:
    """FIELD.md: numpy sees rank 9 of 14 and 8 of 16 in Kalman matrices of exactly controllable pairs."""
    A, B = np.diag(np.arange(1.0, n + 1)), np.ones((n, 1))
    kalman = np.hstack([np.linalg.matrix_power(A, k) @ B for k in range(n)])
    assert np.linalg.matrix_rank(kalman) < n
    answer = proved(hybrid.controllability(LinearSystem(A, B)))
    assert (answer.verdict, answer.dimension) == (Verdict.CONTROLLABLE, n)


def test_controllable_by_a_hair() -> None:
    for reached, verdict in ((HAIR, Verdict.CONTROLLABLE), (0, Verdict.UNCONTROLLABLE)):
        assert proved(hybrid.controllability(LinearSystem([[1, 0], [0, 2]], [[1], [reached]]))).verdict is verdict
    for second, verdict in ((1 + HAIR, Verdict.CONTROLLABLE), (1, Verdict.UNCONTROLLABLE)):
        assert proved(hybrid.controllability(LinearSystem([[1, 0], [0, second]], [[1], [1]]))).verdict is verdict


def test_no_input_reaches_anything() -> None:
    answer = proved(hybrid.controllability(LinearSystem([[1, 2], [3, 4]], [[0], [0]])))
    assert (answer.verdict, answer.dimension) == (Verdict.UNCONTROLLABLE, 0)


def test_one_state() -> None:
    assert proved(hybrid.controllability(LinearSystem([[5]], [["1e-300"]]))).verdict is Verdict.CONTROLLABLE
    assert proved(hybrid.controllability(LinearSystem([[5]], [[0]]))).verdict is Verdict.UNCONTROLLABLE


@pytest.mark.parametrize(
    "system",
    [
        LinearSystem([[1, 1], [0, 2]], [[1], [3]]),  # modulo 3 its null vector is not invariant over Q
        LinearSystem([[1, 0], [0, 2]], [[1, 0], [0, 3]]),  # invariant, but the second input reaches it
    ],
)
def test_an_unlucky_prime_is_noticed(system: LinearSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modulo 3 the pair looks uncontrollable; the null vector is then no proof, and the next prime is taken."""
    monkeypatch.setattr(subspace, "_primes", lambda: iter((3, 5)))
    found = reach(system)
    assert (found.dimension, found.prime, found.W) == (2, 5, None)


def test_the_primes_are_primes() -> None:
    source = subspace._primes()
    first = [next(source) for _ in range(3)]
    assert first[0] == LARGEST_PRIME
    assert first == sorted(set(first), reverse=True)
    assert all(fmpz(p).is_prime() for p in first)


def test_questions_that_need_a_matrix() -> None:
    plant = LinearSystem([[1]])
    for question, field in (
        (hybrid.controllability, "B"),
        (hybrid.stabilizability, "B"),
        (hybrid.observability, "C"),
        (hybrid.detectability, "C"),
    ):
        with pytest.raises(ProblemError) as error:
            question(plant)  # type: ignore[operator]
        assert error.value.field == field
