"""Questions about python-control systems, and what their own tools get wrong."""

from __future__ import annotations

from fractions import Fraction

import control
import numpy as np
import pytest
import scipy.linalg
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import LinearSystem, Status, Verdict
from hybrid.errors import DimensionError, ProblemError
from hybrid.plugins import control_front as hc


def random_system(seed: int, n: int, m: int = 1, p: int = 1, dt: float = 0) -> control.StateSpace:
    shape = np.random.default_rng(seed)
    return control.StateSpace(
        shape.normal(size=(n, n)), shape.normal(size=(n, m)), shape.normal(size=(p, n)), shape.normal(size=(p, m)), dt
    )


# There and back


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3), st.integers(1, 2), st.sampled_from([0, 0.125, 2.0]))
def test_state_space_there_and_back(seed, n, m, p, dt):
    system = random_system(seed, n, m, p, dt)
    back = hc.to_state_space(hc.to_linear_system(system))
    for key in "ABCD":
        assert np.array_equal(getattr(back, key), getattr(system, key))
    assert back.dt == system.dt


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 2), st.integers(1, 2))
def test_transfer_function_has_the_same_response(seed, n, m, p):
    system = random_system(seed, n, m, p)
    assume(np.linalg.cond(system.A) < 1e3)
    transfer = hc.to_transfer_function(hc.to_linear_system(system))
    for point in (0.3 + 1j, 7j, 50.0):
        assert np.allclose(transfer(point, squeeze=False), system(point, squeeze=False), rtol=1e-8, atol=1e-10)


def test_transfer_function_is_exact_where_doubles_are():
    system = LinearSystem([[0, 1, 0], [0, 0, 1], [-6, -11, -6]], [[0], [0], [1]], [["1/2", 0, 2]], [["1/4"]])
    transfer = hc.to_transfer_function(system)
    assert transfer.den[0][0].tolist() == [1, 6, 11, 6]
    assert transfer.num[0][0].tolist() == [0.25, 3.5, 2.75, 2]
    assert hc.to_transfer_function(LinearSystem([[-1]], [[1]])).num[0][0].tolist() == [1]  # every state measured


def test_transfer_function_is_realised_exactly():
    system = hc.to_linear_system(control.tf([1, 2], [3, 1, 0.1]))
    third = Fraction(1, 3)
    assert system.A.fractions == ((0, 1), (-Fraction(0.1) * third, -third))


@pytest.mark.parametrize(("dt", "expected"), [(0, None), (None, None), (True, 1), (0.1, Fraction(0.1))])
def test_time_bases(dt, expected):
    system = control.StateSpace([[-0.5]], [[1]], [[1]], [[0]], dt)
    assert hc.to_linear_system(system).dt == expected
    assert hc.stability(system).verdict is Verdict.STABLE


def test_discrete_time_is_not_continuous_time():
    assert hc.stability(control.tf([1], [1, -0.5], 0.1)).verdict is Verdict.STABLE
    assert hc.stability(control.tf([1], [1, -0.5])).verdict is Verdict.UNSTABLE


# Answers


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.sampled_from([0, 0.5]), st.floats(-2, 2))
def test_verdict_agrees_with_poles(seed, n, dt, shift):
    system = random_system(seed, n, dt=dt)
    system = control.StateSpace(system.A / n + shift * np.eye(n), system.B, system.C, system.D, dt)
    poles = system.poles()
    margin = np.abs(poles).max() - 1 if dt else poles.real.max()
    assume(abs(margin) > 1e-6)
    answer = hc.stability(system)
    assert answer.verdict is (Verdict.STABLE if margin < 0 else Verdict.UNSTABLE)
    lo, hi = answer.abscissa
    measured = margin + 1 if dt else margin
    assert lo - 1e-9 <= measured <= hi + 1e-9


def test_closed_loop_is_given_back():
    answer = hc.feedback(control.tf([1], [1, 0, 0]), poles=[-1, -2])
    loop = answer.to_control()
    assert isinstance(loop, control.StateSpace)
    assert np.allclose(np.sort(loop.poles().real), [-2, -1])
    assert hc.stability(loop).status is Status.PROVED


def test_rank_questions():
    hidden = control.tf([1, -1], [1, 1, -2])  # (s − 1) is in both
    assert hc.controllability(hidden).verdict is Verdict.CONTROLLABLE
    assert hc.observability(hidden).verdict is Verdict.UNOBSERVABLE
    assert hc.detectability(hidden).verdict is Verdict.NOT_DETECTABLE
    assert hc.stabilizability(hidden).verdict is Verdict.STABILIZABLE


@pytest.mark.parametrize(
    ("system", "error"),
    [
        (control.FrequencyResponseData([1, 2], [1, 2]), ProblemError),
        (control.NonlinearIOSystem(lambda t, x, u, params: -x, states=1, inputs=1), ProblemError),
        ([[1]], ProblemError),
        (control.tf([1, 0, 0], [1, 1]), ProblemError),
        (control.tf([2], [1]), DimensionError),
        (control.StateSpace([[np.nan]], [[1]], [[1]], [[0]]), ProblemError),
    ],
)
def test_what_is_no_linear_system_is_refused(system, error):
    with pytest.raises(error):
        hc.to_linear_system(system)


# What the peers get wrong (FIELD.md)


def test_placement_by_control_is_refuted():
    """control.place(diag(1..14), ones, −1..−14): no warning, and the closed loop is not Hurwitz."""
    A, B = np.diag(np.arange(1.0, 15)), np.ones((14, 1))
    gain = control.place(A, B, -np.arange(1.0, 15))
    loop = LinearSystem(A, B).closed_loop(gain)
    answer = hybrid.stability(loop)
    assert answer.verdict is Verdict.UNSTABLE
    assert hybrid.check(answer.certificate).valid


def test_riccati_solution_that_stabilises_nothing_is_not_called_stable():
    """scipy's solve_continuous_are with Q = 0 on an undamped oscillator gives K = 0 without a word."""
    A, B = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.array([[0.0], [1.0]])
    gain = B.T @ scipy.linalg.solve_continuous_are(A, B, np.zeros((2, 2)), np.eye(1))
    assert hybrid.stability(LinearSystem(A, B).closed_loop(gain)).verdict is not Verdict.STABLE
    ours = hc.feedback(control.StateSpace(A, B, np.eye(2), 0))
    assert ours.status is Status.PROVED
    assert hc.stability(ours.to_control()).verdict is Verdict.STABLE


@pytest.mark.parametrize(("n", "rank"), [(14, 9), (16, 8)])
def test_controllable_where_the_float_rank_says_no(n, rank):
    """Distinct modes that one input drives are controllable: the Kalman matrix is a Vandermonde matrix."""
    system = control.StateSpace(np.diag(np.arange(1.0, n + 1)), np.ones((n, 1)), np.ones((1, n)), 0)
    assert np.linalg.matrix_rank(control.ctrb(system.A, system.B)) <= rank
    assert np.linalg.matrix_rank(control.obsv(system.A, system.C)) <= rank
    for answer in (hc.controllability(system), hc.observability(system)):
        assert answer.status is Status.PROVED
        assert answer.dimension == n
        assert hybrid.check(answer.certificate).valid


def test_no_pole_of_a_gain_one_unit_short_is_called_stable():
    """The last double at which a double integrator's loop is marginal, and the next one."""
    B = [[0], [1]]
    for damping, verdict in ((0.0, Verdict.MARGINAL), (5e-324, Verdict.STABLE), (-5e-324, Verdict.UNSTABLE)):
        loop = LinearSystem(np.array([[0.0, 1.0], [0.0, 0.0]]), B).closed_loop(np.array([[1.0, damping]]))
        assert hybrid.stability(loop).verdict is verdict
