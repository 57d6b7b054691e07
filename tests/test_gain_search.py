"""How static gains are found: proposals of a model, descents of the abscissa, and the proof in floats."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from builders import (
    block_diagonal,
    companion,
    expanded,
    minus,
    product,
    rows,
)
from gain_cases import (
    UNSTABLE,
    plant,
    proved,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import LinearSystem, Route, Status
from hybrid.exact import closed_loop as closed_loop_proof
from hybrid.exact import gain_search
from hybrid.propose import static_gains
from hybrid.propose.abscissa import ClosedLoops
from hybrid.propose.balance import balancing
from hybrid.propose.proposal import GainProposal
from hybrid.propose.quasi_newton import minimise
from hybrid.question import StaticGainQuestion
from hybrid.solve import solve
from hybrid.systems.exact_matrix import EnclosedMatrix
from hybrid.trials import Means, Search
from hybrid.verify import gain as verify_gain
from hybrid.verify.lyapunov import closed_loop, enclosed_product

# --------------------------------------------------------------------------------------------------- proposals


class Guess:
    """A proposer of whatever it is given."""

    def __init__(self, *gains: Any) -> None:
        self.gains = [np.array(gain, dtype=np.float64) for gain in gains]
        self.asked: list[tuple[tuple[int, ...], ...]] = []

    def accepts(self, n: int, m: int, p: int) -> bool:
        return True

    def propose(self, A: Any, B: Any, C: Any, free: Any = None, *, discrete: bool = False) -> list[GainProposal]:
        self.asked.append((A.shape, B.shape, C.shape))
        return [GainProposal(gain, None, "a guess", Route.MODEL) for gain in self.gains]


def ask(system: LinearSystem, guess: Any, **options: Any) -> hybrid.Answer:
    return solve(StaticGainQuestion.read([system], True, options.get("structure"), 0), Means(search=Search(guess)))


def test_a_proposal_that_works_is_the_answer() -> None:
    answer = proved(ask(UNSTABLE, Guess([[1.0]], [[5.0]], [[-3.0]])))
    assert answer.route is Route.MODEL
    assert answer.gain is not None
    assert answer.gain[0, 0] == 5.0
    assert [trial.source for trial in answer.trials] == ["a guess"]


def test_a_proposal_that_nearly_works_is_refined() -> None:
    answer = proved(ask(UNSTABLE, Guess([[1.9]])))
    assert answer.route is Route.MODEL_REFINED


@pytest.mark.parametrize(
    "gains", [[np.full((1, 1), np.nan)], [np.full((1, 1), 1e308)], [np.zeros((2, 2))], [np.zeros((1, 1, 1))], []]
)
def test_nonsense_proposals_cost_time_alone(gains: list[Any]) -> None:
    answer = proved(ask(UNSTABLE, Guess(*gains)))
    assert answer.route is not Route.MODEL


def test_a_proposer_that_fails_is_noted() -> None:
    class Failing(Guess):
        def propose(self, *parts: Any, **options: Any) -> Any:
            raise RuntimeError("out of order")

    answer = proved(ask(UNSTABLE, Failing()))
    assert "RuntimeError: out of order" in answer.trials[0].outcome


def test_proposals_are_cut_to_the_structure() -> None:
    parts = [rows(part.fractions) for part in (UNSTABLE.A, UNSTABLE.B, UNSTABLE.C) if part is not None]
    A = block_diagonal(parts[0], parts[0])
    B = [[*row, Fraction(0)] for row in parts[1]] + [[Fraction(0), *row] for row in parts[1]]
    C = [[*parts[2][0], Fraction(0), Fraction(0)], [Fraction(0), Fraction(0), *parts[2][0]]]
    answer = proved(ask(LinearSystem(A, B, C), Guess([[5, 0.25], [0.25, 5]]), structure="diagonal"))
    assert answer.gain is not None
    assert answer.gain.tolist() == [[5, 0], [0, 5]]
    assert answer.route is Route.MODEL


def test_proposals_are_for_each_of_several_plants() -> None:
    guess = Guess([[5.0]])
    question = StaticGainQuestion.read([UNSTABLE, LinearSystem([[1]], [[1]], [[1]])], True, None, "1/4")
    answer = solve(question, Means(search=Search(guess)))  # type: ignore[arg-type]
    assert answer.route is Route.MODEL
    assert guess.asked == [((2, 2), (2, 1), (1, 2)), ((1, 1), (1, 1), (1, 1))]


def test_the_search_says_how_far_it_came() -> None:
    """s³ + s² + k has a zero coefficient: no k helps, the abscissa stays above 0."""
    system = LinearSystem(companion(expanded([0, 0, -1])), [[0], [0], [1]], [[1, 0, 0]])
    question = StaticGainQuestion.read([system], True, None, 0)
    *_, last = gain_search.from_random_gains(question, 4)
    assert last.source.startswith("search, the best of 4 random starts with ")
    shares: list[float] = []
    list(gain_search.from_random_gains(question, 4, shares.append))
    assert shares == [0.25, 0.5, 0.75, 1.0]


def test_the_search_repeats_itself() -> None:
    question = StaticGainQuestion.read([plant(5, 2, 2, 4)], True, None, 0)
    once, again = ([p.gain.tolist() for p in gain_search.from_random_gains(question, 5)] for _ in range(2))
    assert once == again


# ------------------------------------------------------------------------------------------------ the kernel


SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60)
@given(SHAPES, st.integers(0, 10**6), st.sampled_from([1e-7, 1.0, 1e9]), st.sampled_from([(50, 39), (39, 50)]))
def test_the_radius_holds_the_exact_loop(
    shape: tuple[int, int, int], seed: int, size: float, bits: tuple[int, int]
) -> None:
    n, m, p = shape
    source = np.random.default_rng(seed)
    A, B, K, C = (source.standard_normal(shape) * size for shape in ((n, n), (n, m), (m, p), (p, n)))
    spread, radius_c = np.abs(K) * 2.0 ** -bits[0], np.abs(C) * 2.0 ** -bits[1]
    shown = C * (1 + 2.0 ** -(bits[1] + 1))  # a C inside its radius, and a K inside its own
    moved = K + spread * source.choice((-1, 1), K.shape)
    fed_back, doubt = enclosed_product(K, C, spread, radius_c)
    midpoint, radius = closed_loop(A, B, fed_back, None, None, doubt)
    exact = minus(rows(A.tolist()), product(rows(B.tolist()), rows(moved.tolist()), rows(shown.tolist())))
    for i in range(n):
        for j in range(n):
            assert abs(exact[i][j] - Fraction(midpoint[i, j])) <= Fraction(radius[i, j])
    assert (radius <= 1e-9 * (np.abs(A) + np.abs(B) @ np.abs(K) @ np.abs(C)) + 1e-290).all()


@settings(max_examples=60)
@given(SHAPES, st.integers(0, 10**6))
def test_the_radius_covers_the_rounding_of_a_product(shape: tuple[int, int, int], seed: int) -> None:
    n, m, p = shape
    source = np.random.default_rng(seed)
    K, C = source.standard_normal((m, p)), source.standard_normal((p, n))
    C[-1] = -(K[0, :-1] @ C[:-1]) / K[0, -1] if p > 1 else C[-1]  # the first row cancels
    midpoint, radius = enclosed_product(K, C)
    exact = product(rows(K.tolist()), rows(C.tolist()))
    assert all(
        abs(exact[i][j] - Fraction(midpoint[i, j])) <= Fraction(radius[i, j]) for i in range(m) for j in range(n)
    )


@pytest.mark.parametrize("prove", [closed_loop_proof.prove, verify_gain.prove])
def test_a_gain_is_proved_for_every_plant_or_not_at_all(prove: Any) -> None:
    other = LinearSystem([[0, 1], [4, -1]], [[0], [1]], [[1, 0]])  # needs a gain above 4, and UNSTABLE above 2
    for systems in ([UNSTABLE, other], [other, UNSTABLE]):
        question = StaticGainQuestion.read(systems, True, None, 0)
        assert prove(question, GainProposal(np.array([[3.0]]), None, "a guess", Route.EXACT)) is None
        found = prove(question, GainProposal(np.array([[5.0]]), None, "a guess", Route.EXACT))
        assert len(found.intervals) == len(found.witnesses) == 2


def test_subnormal_numbers_are_left_to_exact_arithmetic() -> None:
    tiny = np.array([[2.0**-1060]])
    assert np.isinf(enclosed_product(tiny, np.ones((1, 1)))[1]).all()
    assert np.isinf(enclosed_product(np.ones((1, 1)), tiny)[1]).all()


def test_enclosed_plants_are_proved_through_their_radius_or_not_at_all() -> None:
    narrow, wide = 2.0**-40, 10.0
    for radius, status in ((narrow, Status.PROVED), (wide, Status.UNDECIDED)):
        A = EnclosedMatrix(np.array(UNSTABLE.A.floats), np.full((2, 2), radius))
        question = StaticGainQuestion.read([LinearSystem(A, UNSTABLE.B, UNSTABLE.C)], True, None, 0)
        assert solve(question).status is status


# ------------------------------------------------------------------------------------------------- the search


def test_descent_over_a_kink() -> None:
    """|x| + 10 |y − x| has a gradient nowhere near its minimum that points there."""

    def valley(x: Any) -> tuple[float, Any]:
        across = np.sign(x[1] - x[0])
        return abs(x[0]) + 10 * abs(x[1] - x[0]), np.array([np.sign(x[0]) - 10 * across, 10 * across])

    assert minimise(valley, np.array([3.0, -1.0]), target=1e-4, steps=100).value < 1e-4
    assert minimise(valley, np.array([3.0, -1.0]), target=100.0, steps=100).x.tolist() == [3.0, -1.0]


def test_gains_are_no_larger_than_needed() -> None:
    """More gain makes this plant faster for ever; it was doubled forty times."""
    answer = proved(hybrid.feedback(LinearSystem([[2]], [[1]], [[1]]), output=True, model=False))
    assert 2 < answer.gain.item() < 10


@pytest.mark.parametrize("b", ["1e-400", 5e-324])
def test_a_gain_beyond_the_doubles_is_not_found(b: Any) -> None:
    answer = hybrid.feedback(LinearSystem([[1]], [[b]], [[1]]), output=True, model=False)
    assert answer.status is Status.UNDECIDED


def test_a_descent_survives_values_that_do_not_exist() -> None:
    assert minimise(lambda x: (np.inf, np.zeros(1)), np.ones(1), target=0.0, steps=9).value == np.inf
    assert np.isnan(minimise(lambda x: (np.nan, np.full(1, np.nan)), np.ones(1), target=0.0, steps=9).value)


@pytest.mark.parametrize("dt", [None, 1])
def test_the_gradient_is_that_of_the_abscissa(dt: Any) -> None:
    question = StaticGainQuestion.read([plant(5, 2, 2, 6, dt=dt)], True, [[1, 0], [1, 1]], "0.1")
    loops = ClosedLoops(question)
    x = np.random.default_rng(1).standard_normal(loops.size)
    _, gradient = loops(x)
    for k in range(loops.size):
        step = np.eye(loops.size)[k] * 1e-6
        slope = (loops(x + step)[0] - loops(x - step)[0]) / 2e-6
        assert abs(slope - gradient[k]) < 1e-6 * (1 + abs(slope))
    assert np.allclose(loops.entries(loops.gain(x)), x, rtol=1e-12)


def test_the_objective_is_the_worst_of_the_loops() -> None:
    systems = [plant(4, 2, 2, 1), plant(6, 2, 2, 2)]
    question = StaticGainQuestion.read(systems, True, None, 0)
    loops = ClosedLoops(question)
    x = np.array([0.3, -0.2, 0.1, 0.5])
    K = loops.gain(x)
    worst = max(
        np.linalg.eigvals(system.A.floats - system.B.floats @ K @ system.C.floats).real.max()  # type: ignore[union-attr]
        for system in systems
    )
    assert abs(loops.abscissa(loops(x)[0]) - worst) < 1e-9 * abs(worst)


def test_balancing_makes_rows_and_columns_alike() -> None:
    A = np.array([[0.0, 1e8, 0.0], [1e-8, 0.0, 1e4], [0.0, 1e-6, -1.0]])
    d = balancing(A)
    scaled = np.abs(A * d / d[:, None]) * (1 - np.eye(3))
    assert (np.exp2(np.round(np.log2(d))) == d).all()
    assert scaled.sum(0).max() / scaled.sum(1)[scaled.sum(1) > 0].min() < 100
    assert (balancing(np.zeros((2, 2))) == 1).all()


def test_model_candidates_come_best_first() -> None:
    question = StaticGainQuestion.read([UNSTABLE], True, None, 0)
    found = list(static_gains.proposals(question, Guess([[0.0]], [[2.1]], [[7.0]])))  # type: ignore[arg-type]
    assert [p.gain[0, 0] for p in found[:2]] == [7.0, 2.1]
    assert all(p.route is Route.MODEL_REFINED for p in found[2:])
