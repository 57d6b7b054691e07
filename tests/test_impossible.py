"""No static gain: refuted where it is impossible by construction, never where a gain was put in first."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import builders as build
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Status, Verdict
from hybrid.exact import blocking_zeros, coefficient_signs, fixed_modes, impossible, scalar_gain
from hybrid.exact.impossible import loops_of
from hybrid.question import StaticGainQuestion
from hybrid.systems.linear import LinearSystem

Rows = list[list[Fraction]]
TINY = Fraction(1, 10**30)


def ask(*systems: LinearSystem, structure: Any = None, decay: Any = 0, output: bool = True) -> StaticGainQuestion:
    return StaticGainQuestion.read(list(systems), output, structure, decay)


def refuted(question: StaticGainQuestion, *, thorough: bool = False) -> str:
    """The theorem by which a question was refuted, after the stand-alone checker has agreed."""
    answer = impossible.refute(question, thorough=thorough)
    assert answer is not None
    assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.NOT_STABILISABLE)
    assert answer.certificate is not None
    report = hybrid.check(answer.certificate)
    assert report.valid, report.reason
    return answer.certificate.method


def stands(question: StaticGainQuestion) -> bool:
    return impossible.refute(question, thorough=True) is None


def closed(system: LinearSystem, K: Any) -> Rows:
    C = build.identity(system.n) if system.C is None else build.rows(system.C.fractions)
    assert system.B is not None
    return build.minus(build.rows(system.A.fractions), build.product(build.rows(system.B.fractions), build.rows(K), C))


def stabilises(K: Any, system: LinearSystem, decay: Any = 0) -> bool:
    """Hurwitz's determinants on A − B K C + σI, or on the Cayley transform; nothing of hybrid.exact."""
    matrix, decay = closed(system, K), Fraction(decay)
    if system.is_discrete:
        return build.is_schur([[x / (1 - decay) for x in row] for row in matrix])
    return build.is_hurwitz([[x + decay * (i == j) for j, x in enumerate(row)] for i, row in enumerate(matrix)])


def plus(left: Rows, right: Rows) -> Rows:
    return [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(left, right, strict=True)]


def siso(p: list[Any], q: list[Any], dt: Any = None) -> LinearSystem:
    """The plant q/p in controllable form, coefficients highest power first; k adds k q to the polynomial p."""
    n = len(p) - 1
    B = [[int(i == n - 1)] for i in range(n)]
    return LinearSystem(build.companion(p), B, [[*reversed(q), *[0] * (n - len(q))]], dt=dt)


def in_other_coordinates(A: Any, B: Any, C: Any, seed: int = 1, dt: Any = None) -> LinearSystem:
    T, inverse = build.similarity(len(A), seed)
    A, B, C = (build.rows(x) for x in (A, B, C))
    return LinearSystem(build.product(T, A, inverse), build.product(T, B), build.product(C, inverse), dt=dt)


# ------------------------------------------------------------------------------------------------ fixed modes


@pytest.mark.parametrize(("mode", "decay"), [(1, 0), (0, 0), (Fraction(-1), 1), (TINY, 0)])
@pytest.mark.parametrize("hidden_from", ["inputs", "outputs"])
def test_a_mode_that_is_not_reached_or_not_seen(mode: Any, decay: Any, hidden_from: str) -> None:
    A = [[mode, 0, 0], [0, 2, 1], [0, 0, 3]]
    B = [[int(hidden_from == "outputs"), 0], [0, 1], [1, 0]]
    C = [[int(hidden_from == "inputs"), 1, 0], [0, 0, 1]]
    assert refuted(ask(in_other_coordinates(A, B, C), decay=decay)) == "fixed modes"
    inside = in_other_coordinates([[-decay - TINY, 0, 0], *A[1:]], B, C)
    assert stands(ask(inside, decay=decay)), "the mode is inside, and the rest is fully actuated and measured"


def test_state_feedback_that_does_not_reach_a_mode() -> None:
    plant = LinearSystem([[1, 0], [0, 2]], [[0], [1]])
    assert refuted(ask(plant, structure=[[1, 1]], output=False)) == "fixed modes"
    assert refuted(ask(LinearSystem([[1, 0], [0, 2]], [[1], [1]]), structure=[[1, 0]], output=False)) == "fixed modes"
    assert stands(ask(LinearSystem([[1, 0], [1, -2]], [[1], [1]]), structure=[[1, 0]], output=False))


@pytest.mark.parametrize("discrete", [False, True])
def test_a_decentralised_fixed_mode(discrete: bool) -> None:
    """Controllable and observable, but not through (u1, y1) and (u2, y2): the path u1 → y2 has its zero at the mode."""
    mode = Fraction(3, 2) if discrete else Fraction(1)

    def plant(zero: Fraction) -> LinearSystem:
        A = [[mode, 0, 0], [0, 0, 1], [0, Fraction(-1, 8), Fraction(-3, 4)]]
        return in_other_coordinates(A, [[0, 1], [0, 0], [1, 0]], [[1, 0, 0], [0, -zero, 1]], dt=1 if discrete else None)

    fixed = plant(mode)
    assert hybrid.controllability(fixed).status is hybrid.observability(fixed).status is Status.PROVED
    assert refuted(ask(fixed, structure="diagonal")) == "fixed modes"
    found = fixed_modes.find(loops_of(ask(fixed, structure="diagonal"))[0])
    assert found is not None
    assert len(found.inputs) == 1
    assert stands(ask(fixed)), "one gain of the full structure moves it"
    assert fixed_modes.find(loops_of(ask(plant(mode + TINY), structure="diagonal"))[0]) is None


def test_a_decentralised_mode_that_a_small_change_frees() -> None:
    """The twin: the same pattern with a gain, built from that gain."""
    K = [[2, 0], [0, 3]]
    B, C = build.rows([[0, 1], [0, 0], [1, 0]]), build.rows([[1, 0, 0], [0, -1, 1]])
    stable = build.hidden([[-1, 1, 0], [0, -2, 0], [0, 1, -1]], 3)
    A = plus(stable, build.product(B, build.rows(K), C))
    plant = LinearSystem(A, B, C)
    assert stabilises(K, plant)
    assert stands(ask(plant, structure="diagonal"))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_fixed_modes_of_any_structure_are_found(data: st.DataObject) -> None:
    """A block with the polynomial f, behind the inputs outside I and before the outputs outside J; zeros do the rest.

    With B_I = (λ − A₂) V and C_J V = 0 the matrix [λ − A, B_I; C_J, 0] loses rank at one λ.
    """
    numbers = st.integers(-2, 2)
    m, p, rest = data.draw(st.integers(2, 3)), data.draw(st.integers(2, 3)), data.draw(st.integers(1, 3))
    inputs = data.draw(st.integers(0, m))  # I: the first ones
    outputs = data.draw(st.integers(0, p))  # J: the first ones
    mode = data.draw(st.integers(0, 3))
    matrix = lambda rows, columns: [[data.draw(numbers) for _ in range(columns)] for _ in range(rows)]  # noqa: E731
    A2, V = matrix(rest, rest), matrix(rest, inputs)
    C_J = _annihilating(V, outputs, rest, data)
    A = [[mode, *[0] * rest], *([0, *row] for row in A2)]
    pencil = [[Fraction(mode * (i == j) - x) for j, x in enumerate(row)] for i, row in enumerate(A2)]
    reach = build.product(pencil, build.rows(V)) if inputs else [[] for _ in range(rest)]
    B = [[*[0] * inputs, *[1] * (m - inputs)], *([*row, *matrix(1, m - inputs)[0]] for row in reach)]
    C = [*([0, *row] for row in C_J), *([1, *matrix(1, rest)[0]] for _ in range(p - outputs))]
    structure = [[int(i < inputs or j < outputs) for j in range(p)] for i in range(m)]
    if not any(map(any, structure)):
        return
    assert refuted(ask(in_other_coordinates(A, B, C), structure=structure)) == "fixed modes"


def _annihilating(V: list[list[int]], count: int, order: int, data: st.DataObject) -> list[list[Any]]:
    """Rows c with c V = 0, drawn from the left null space."""
    if not V[0]:
        return [[data.draw(st.integers(-2, 2)) for _ in range(order)] for _ in range(count)]
    import sympy

    basis = sympy.Matrix(V).T.nullspace()
    rows = []
    for _ in range(count):
        weights = [data.draw(st.integers(-2, 2)) for _ in basis]
        total = sum((w * b for w, b in zip(weights, basis, strict=True)), sympy.zeros(order, 1))
        rows.append([Fraction(int(x.p), int(x.q)) for x in total])
    return rows


@pytest.mark.parametrize("factor", [[1, 0, -2], [1, 0, 4], [1, 0, 0, -2], [1, -1, 1, -3, 1]])
def test_fixed_modes_that_are_irrational_or_complex(factor: list[int]) -> None:
    """Blocks whose polynomial is irreducible, reached by u2 alone and seen by y1 alone, in a chain without zeros."""
    r = len(factor) - 1
    block = build.companion(factor)
    # the path u1 → y2 has the numerator `factor`, and so a zero at each of the modes
    path = build.companion(build.expanded([-1] * (r + 1)))
    A = build.block_diagonal(block, path)
    B = [[0, int(i == r - 1)] for i in range(r)] + [[int(i == r), 0] for i in range(r + 1)]
    C = [[1] + [0] * (2 * r), [0] * r + list(reversed(factor))]
    plant = in_other_coordinates(A, B, C)
    assert refuted(ask(plant, structure="diagonal")) == "fixed modes"
    found = fixed_modes.find(loops_of(ask(plant, structure="diagonal"))[0])
    assert found is not None
    assert len(found.factor) == r + 1
    assert fixed_modes.find(loops_of(ask(plant, structure=[[1, 1], [1, 1]]))[0]) is None


# ------------------------------------------------------------------------------------------ coefficient signs


def test_a_trace_that_nothing_moves() -> None:
    undamped = LinearSystem([[0, 1], [-1, 0]], [[0], [1]], [[1, 0]])
    assert refuted(ask(undamped)) == "coefficient signs"
    damped = LinearSystem([[0, 1], [5, -TINY]], [[0], [1]], [[1, 0]])
    assert stabilises([[6]], damped)
    assert stands(ask(damped))
    assert refuted(ask(damped, decay=TINY / 2)) == "coefficient signs", "half the trace is the best decay rate"
    assert stands(ask(damped, decay=TINY / 2 - TINY**2))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_trace_beyond_the_unit_circle(sign: int) -> None:
    """Discrete time: the trace is at most n in modulus, and less inside the circle."""
    A = [[2 * sign, 1], [7, 0]]
    plant = LinearSystem(A, [[0], [1]], [[1, 0]], dt=1)
    assert refuted(ask(plant)) == "coefficient signs"
    inside = LinearSystem([[2 * sign - sign * TINY, 1], [7, 0]], [[0], [1]], [[1, 0]], dt=1)
    # z² − t z − 7 + k with 1 − |t| + (k − 7) > 0 and k − 7 < 1
    assert stabilises([[8 - TINY / 4]], inside)
    assert stands(ask(inside))


def test_a_large_plant_by_its_trace() -> None:
    """No path from an input to an output has a first Markov parameter, in any entry of a large gain."""
    n = 12
    A = [[Fraction((3 * i + 5 * j) % 7 - 3) * (i != j) for j in range(n)] for i in range(n)]
    B = [[int(j == i) for j in range(5)] for i in range(n)]
    C = [[int(j == n - 1 - i) for j in range(n)] for i in range(6)]
    assert refuted(ask(LinearSystem(A, B, C))) == "coefficient signs"
    A[0][0] = Fraction(-1)
    assert impossible.refute(ask(LinearSystem(A, B, C))) is None


def test_signs_in_several_outputs() -> None:
    """s² + (k1 − 1) s + (1 − 2 k1 + k2·0): k1 > 1 and k1 < 1/2."""
    plant = LinearSystem([[0, 1], [-1, 1]], [[0], [1]], [[-2, 1], [0, 0]])
    assert refuted(ask(plant)) in ("coefficient signs", "blocking zero")
    free = LinearSystem([[0, 1], [-1, 1]], [[0], [1]], [[-2, 1], [TINY, 0]])
    assert stabilises([[2, 4 / TINY]], free)
    assert stands(ask(free))


def test_signs_of_a_gain_with_two_rows() -> None:
    """k1 + k2 = 3 is needed for the one coefficient, and k1 + k2 < 2 for the other; products do not enter."""
    A, B, C = [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [[0, 0], [0, 0], [1, 1]], [[1, -1, 1]]
    plant = LinearSystem(A, B, C)  # s³ + (k1 + k2)(s² − s + 1)
    assert refuted(ask(plant)) == "coefficient signs"
    assert stands(ask(LinearSystem(A, B, [[1, 1, 1]])))
    assert stabilises([[2], [1]], LinearSystem(A, B, [[1, 1, 1]]))


def test_each_plant_alone_but_not_both() -> None:
    left, right = LinearSystem([[1]], [[1]]), LinearSystem([[1]], [[-1]])
    assert stands(ask(left, output=False))
    assert stands(ask(right, output=False))
    question = ask(left, right, output=False)
    assert refuted(question) == "coefficient signs"
    answer = impossible.refute(question)
    assert answer is not None
    assert answer.certificate is not None
    assert "plant" not in answer.certificate.claim
    mild = LinearSystem([[-3]], [[-1]])
    assert stabilises([[2]], left)
    assert stabilises([[2]], mild)
    assert stands(ask(left, mild, output=False))


def test_one_of_several_plants() -> None:
    good = LinearSystem([[1, 0], [0, 1]], [[1], [0]], [[1, 0]])
    fine = LinearSystem([[1, 0], [0, -1]], [[1], [0]], [[1, 0]])
    answer = impossible.refute(ask(fine, good, fine))
    assert answer is not None
    assert answer.certificate is not None
    assert answer.certificate.claim["plant"] == 1
    assert hybrid.check(answer.certificate).valid


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=0, max_size=3),
    st.lists(st.integers(-4, 4), min_size=4, max_size=4),
)
def test_weights_or_a_point_with_positive_coefficients(rows: list[list[int]], start: list[int]) -> None:
    """Motzkin's alternative: scipy finds the point wherever there are no weights."""
    from flint import fmpq
    from scipy.optimize import linprog

    y = coefficient_signs.nonnegative_annihilator([[fmpq(x) for x in row] for row in rows], [fmpq(x) for x in start])
    if y is not None:
        assert sum(y) == 1
        assert min(y) >= 0
        assert all(sum(a * b for a, b in zip(row, y, strict=True)) == 0 for row in rows)
        assert sum(a * b for a, b in zip(start, y, strict=True)) <= 0
        return
    # the largest t ≤ 1 with start + Σ k_i row_i ≥ t
    width = len(rows) + 1
    A_ub = [[*(-row[j] for row in rows), 1.0] for j in range(4)]
    bounds = [*[(None, None)] * (width - 1), (None, 1)]
    found = linprog([*[0.0] * (width - 1), -1.0], A_ub=A_ub, b_ub=start, bounds=bounds)
    assert found.status == 0
    assert found.fun < -1e-7


# --------------------------------------------------------------------------------------------- blocking zeros


@pytest.mark.parametrize("dt", [None, 1])
def test_a_zero_before_an_odd_number_of_poles(dt: Any) -> None:
    zero, pole = (2, 3) if dt else (1, 2)
    poles = [Fraction(1, 2), pole] if dt else [-1, pole]
    plant = siso(build.expanded(poles), build.expanded([zero]), dt)
    loop = loops_of(ask(plant))[0]
    assert blocking_zeros.find(loop, 10) is not None
    refuted(ask(plant))
    behind = siso(build.expanded([poles[0], Fraction(zero) - Fraction(1, 10)]), build.expanded([zero]), dt)
    assert blocking_zeros.find(loops_of(ask(behind))[0], 10) is None, "an even number of poles beyond it"


def test_an_irrational_zero_and_a_twin() -> None:
    """(s² − 2)/((s + 1)³ (s − p)): the zero √2 blocks where p is above it."""

    def plant(pole: Any) -> LinearSystem:
        return siso(build.expanded([-1, -1, -1, pole]), [1, 0, -2])

    root = Fraction(14142135623730951, 10**16)
    assert refuted(ask(plant(root))) == "blocking zero"
    assert blocking_zeros.find(loops_of(ask(plant(root - Fraction(1, 10**15))))[0], 10) is None


def test_paths_that_meet_only_through_the_other_channel() -> None:
    """Both direct paths vanish at z = 1, but not the product of the cross paths: the loop is not blocked."""
    K = [[1, 0], [0, 1]]
    stable = build.rows([[-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -2, 0], [0, 0, 0, -2]])
    B, C = build.rows([[1, 0], [0, 1], [1, 0], [0, 1]]), build.rows([[0, 2, 0, 1], [3, 0, 1, 0]])
    A = plus(stable, build.product(B, build.rows(K), C))
    plant = LinearSystem(A, B, C)
    assert stabilises(K, plant)
    assert stands(ask(plant, structure="diagonal"))


# ------------------------------------------------------------------------------------------------- scalar gain


def decided(*systems: LinearSystem, structure: Any = None, decay: Any = 0) -> Fraction | None:
    found = scalar_gain.decide(loops_of(ask(*systems, structure=structure, decay=decay)))
    assert found is not None
    return found.gain


@pytest.mark.parametrize("width", [Fraction(1), Fraction(1, 1000), Fraction(1, 10**12), TINY])
@pytest.mark.parametrize("at", [Fraction(0), Fraction(1), Fraction(10**6), Fraction(-3, 7)])
def test_an_interval_however_small(at: Fraction, width: Fraction) -> None:
    """s² + (k − at) s + (at + width − k): in the region for at < k < at + width."""
    plant = siso([1, -at, at + width], [1, -1])
    k = decided(plant)
    assert k is not None
    assert at < k < at + width
    assert stabilises([[k]], plant)
    assert stands(ask(plant))
    shut = siso([1, -at, at], [1, -1])
    assert decided(shut) is None
    refuted(ask(shut))


def test_gains_of_few_digits() -> None:
    assert decided(siso([1, -1, 1], [1, -Fraction(1, 10)])) in (Fraction(c, 2) for c in range(3, 20))  # 1 < k < 10
    assert decided(siso([1, -Fraction(10**6), Fraction(10**6 + 10)], [1, -1])) in range(10**6 + 1, 10**6 + 10)
    assert decided(LinearSystem([[Fraction(1, 2)]], [[1]], [[1]], dt=1)) is not None


@pytest.mark.parametrize("dt", [None, 1])
def test_unbounded_intervals(dt: Any) -> None:
    """Continuous: k > 100, or k < −100. Discrete: |k − 100| < 1."""
    for sign in (1, -1):
        plant = LinearSystem([[100]], [[sign]], [[1]], dt=dt)
        k = decided(plant)
        assert k is not None
        assert stabilises([[k]], plant)


def test_signs_that_are_right_and_still_no_gain() -> None:
    """s⁴ + s³ + s² + s + 5 + k is Hurwitz for 5 + k > 0 and 1 > 1 + (5 + k); a twin has room between the two."""
    never = siso([1, 1, 1, 1, 5], [1])
    assert decided(never) is None
    assert coefficient_signs.find(loops_of(ask(never)), 10) is None
    assert refuted(ask(never)) == "scalar gain"
    almost = siso([1, 1, 1 + TINY, 1, 5], [1])
    k = decided(almost)
    assert k is not None
    assert stabilises([[k]], almost)


def test_mirror_images_for_every_value() -> None:
    """s⁴ + (1 + k) s² + 2: even whatever k is, so that R vanishes identically."""
    plant = siso([1, 0, 1, 0, 2], [1, 0, 0])
    found = scalar_gain.decide(loops_of(ask(plant)))
    assert found is not None
    assert (found.gain, found.samples) == (None, ())


def test_one_value_for_two_plants() -> None:
    low, high = siso([1, -1, 3], [1, -1]), siso([1, -2, 5], [1, -1])  # 1 < k < 3 and 2 < k < 5
    k = decided(low, high)
    assert k is not None
    assert 2 < k < 3
    apart = siso([1, -3, 5], [1, -1])  # 3 < k < 5
    assert decided(low, apart) is None
    assert refuted(ask(low, apart)) in ("coefficient signs", "scalar gain")


def test_one_value_for_two_plants_whose_coefficients_agree() -> None:
    never, always = siso([1, 1, 1, 1, 5], [1]), siso([1, 2, 1], [1])
    assert refuted(ask(always, never)) == "scalar gain"


def test_a_free_entry_among_zeros() -> None:
    A = [[0, 1], [-1, 1]]
    plant = LinearSystem(A, [[1, 0], [0, 1]], [[1, 0], [0, 1]])
    k = decided(plant, structure=[[0, 0], [0, 1]])
    assert k is not None
    assert stabilises([[0, 0], [0, k]], plant)
    assert decided(LinearSystem([[0, 1], [1, 1]], *[[[1, 0], [0, 1]]] * 2), structure=[[0, 0], [0, 1]]) is None


def test_parallel_inputs_are_one() -> None:
    """CTDSX_1_10 is of this kind: two inputs that enter in the same place, one output."""
    A = build.companion([1, 1, 1, 1, 5])
    plant = in_other_coordinates(A, [[0, 0], [0, 0], [0, 0], [2, -3]], [[1, 0, 0, 0]])
    assert refuted(ask(plant)) == "scalar gain"
    apart = in_other_coordinates(A, [[0, 0], [0, TINY], [0, 0], [2, -3]], [[1, 0, 0, 0]])
    assert scalar_gain.decide(loops_of(ask(apart))) is None
    twin = in_other_coordinates(build.companion([1, 1, 2, 1, 5]), [[0, 0], [0, 0], [0, 0], [2, -3]], [[1, 0, 0, 0]])
    k = decided(twin)
    assert k is not None
    assert stabilises([[k], [0]], twin)


coefficients = st.integers(-4, 4)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_plant_with_one_entry_is_decided(data: st.DataObject) -> None:
    """A gain is checked by Hurwitz's determinants; 'none' by the stand-alone checker, which samples anew."""
    n, dt = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([None, 1]))
    matrix = lambda rows, columns: [[data.draw(coefficients) for _ in range(columns)] for _ in range(rows)]  # noqa: E731
    decay = data.draw(st.sampled_from([0, Fraction(1, 4)]))
    plant = LinearSystem(matrix(n, n), matrix(n, 1), matrix(1, n), dt=dt)
    k = decided(plant, decay=decay)
    if k is None:
        refuted(ask(plant, decay=decay))
    else:
        assert stabilises([[k]], plant, decay)
        assert stands(ask(plant, decay=decay))


# ---------------------------------------------------------------------------------------------------- soundness


@st.composite
def stabilised(draw: st.DrawFn) -> tuple[StaticGainQuestion, Rows]:
    """Plants whose closed loop under a chosen gain of a chosen structure was put in first, barely inside the region."""
    numbers = st.integers(-2, 2)
    m, p = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dt, decay = draw(st.sampled_from([(None, 0), (None, 1), (1, 0), (1, Fraction(1, 2))]))
    mask = [[draw(st.integers(0, 1)) for _ in range(p)] for _ in range(m)]
    mask[0][0] = 1
    K = [[Fraction(draw(numbers) * free) for free in row] for row in mask]
    plants = []
    for seed in range(draw(st.integers(1, 2))):
        n = draw(st.integers(1, 4))
        stable = _barely_inside(draw, n, Fraction(decay), dt)
        B, C = (build.rows([[draw(numbers) for _ in range(c)] for _ in range(r)]) for r, c in ((n, m), (p, n)))
        stable = build.hidden(stable, seed)
        plants.append(LinearSystem(plus(stable, build.product(B, K, C)), B, C, dt=dt))
    return ask(*plants, structure=mask, decay=decay), K


def _barely_inside(draw: st.DrawFn, n: int, decay: Fraction, dt: Any) -> Rows:
    margins = st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(1, 10**9)])
    blocks: list[Rows] = []
    while sum(map(len, blocks)) < n:
        margin = draw(margins)
        if dt is None:
            re, im = -decay - margin, Fraction(draw(st.integers(0, 3)))
        else:
            radius = (1 - decay) * (1 - margin / 2)
            re, im = draw(st.sampled_from([(radius, 0), (-radius, 0), (radius * 3 / 5, radius * 4 / 5)]))
        wide = im and sum(map(len, blocks)) + 2 <= n
        blocks.append(build.pair(re, im) if wide else build.rows([[re]]))
    return build.block_diagonal(*blocks)


@settings(max_examples=120, deadline=None)
@given(stabilised())
def test_nothing_that_has_a_gain_is_refuted(case: tuple[StaticGainQuestion, Rows]) -> None:
    question, K = case
    assert all(stabilises(K, system, question.region.decay) for system in question.systems)
    assert stands(question)


def test_limits_end_in_none() -> None:
    n = impossible.MOST_STATES + 1
    large = LinearSystem(np.eye(n), np.eye(n)[:, :1], np.eye(n)[:1])
    assert impossible.refute(ask(large)) is None


# --------------------------------------------------------------------------------------------- shared plants


def _plants(folder: Path) -> list[tuple[dict[str, Any], LinearSystem]]:
    found = []
    for file in sorted((folder / "plants/linear").glob("*.json")):
        facts = json.loads(file.read_text("utf-8"))
        complete = all(facts.get(key) for key in "ABC")
        if complete and (len(facts["A"]) <= 20 or (facts["sof"] or {}).get("status") == "no_proved"):
            dt = 1 if facts["dt"] else None
            found.append((facts, LinearSystem(facts["A"], facts["B"], facts["C"], dt=dt)))
    return found


@pytest.mark.shared
def test_the_shared_plants(shared: Path) -> None:
    """What the collection proves impossible is refuted here as well, and nothing that it stabilises."""
    counted = {"no": 0, "yes": 0}
    for facts, plant in _plants(shared):
        status = (facts["sof"] or {}).get("status", "")
        if status == "no_proved":
            counted["no"] += 1
            refuted(ask(plant))
        elif status == "unknown":  # CTDSX_1_10, whose two inputs are parallel
            refuted(ask(plant))
        elif status.startswith("yes"):
            counted["yes"] += 1
            assert impossible.refute(ask(plant)) is None, facts["name"]
    assert counted["no"] >= 4
    assert counted["yes"] >= 50
