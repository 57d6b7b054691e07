"""Discrete-time regulators as continuous-time ones: the same Riccati solution, so the same networks serve."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Route, Status
from hybrid.propose.bilinear import continuous_twin, in_unit_weights

SHAPES = [(1, 1), (2, 1), (4, 2), (6, 3)]


def discrete_residual(A, B, Q, R, P):
    """How far P is from solving P = Q + Aᵀ(P − PB(R + BᵀPB)⁻¹BᵀP)A, relative to P."""
    reach = B.T @ P
    again = Q + A.T @ (P - reach.T @ np.linalg.solve(R + reach @ B, reach)) @ A
    return np.abs(again - P).max() / np.abs(P).max()


@pytest.mark.parametrize(("n", "m"), SHAPES)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_solution_of_the_twin_solves_the_discrete_equation(n, m, seed):
    """Continuous problems built around a chosen P, taken back through the map: no solver is needed."""
    rng = np.random.default_rng(seed)
    A, B = rng.standard_normal((n, n)) / np.sqrt(n), rng.standard_normal((n, m))
    Q, R = (np.cov(rng.standard_normal((k, 3 * k + 1))).reshape(k, k) + np.eye(k) for k in (n, m))
    if np.linalg.cond(A + np.eye(n)) > 1e4:
        return
    twin = continuous_twin(A, B, Q, R)
    P = scipy.linalg.solve_continuous_are(*twin)
    assert discrete_residual(A, B, Q, R, P) < 1e-7
    assert discrete_residual(A, B, 2 * Q, R, P) > 1e-7  # another problem has another solution


def test_unit_weights_are_unit():
    rng = np.random.default_rng(3)
    A, B = rng.standard_normal((5, 4, 4)), rng.standard_normal((5, 4, 2))
    Q, R = np.broadcast_to(np.diag([1.0, 4, 9, 16]), A.shape), np.broadcast_to(np.diag([0.25, 4.0]), (5, 2, 2))
    twin = continuous_twin(A, B, Q, R)
    _, _, L, S = in_unit_weights(twin)
    assert np.allclose(L @ L.mT, twin.Q)
    assert np.allclose(S @ S.mT, twin.R)


def test_an_eigenvalue_at_minus_one_has_no_twin_and_still_gets_a_gain():
    plant = hybrid.LinearSystem([[-1, 0], [0, 2]], [[1], [1]], dt=1)
    answer = hybrid.feedback(plant)
    assert answer.status is Status.PROVED
    assert answer.route is Route.EXACT


@pytest.mark.parametrize("decay", [0, "1/10"])
def test_the_model_serves_discrete_plants(decay):
    plant = hybrid.LinearSystem([[1, "1/10"], [0, "11/10"]], [[0], ["1/10"]], dt="1/10")
    answer = hybrid.feedback(plant, decay=decay)
    assert answer.route in (Route.MODEL, Route.MODEL_REFINED)
    assert answer.abscissa[1] <= 1 - float(answer.question.region.decay)
    assert hybrid.check(answer.certificate).valid


def test_weights_in_discrete_time_reach_the_optimum_through_the_model():
    plant = hybrid.LinearSystem([[1, 1], [0, 1]], [["1/2"], [1]], dt=1)
    through_model = hybrid.feedback(plant, Q=[[2, 0], [0, 1]], R=[[3]])
    exact = hybrid.feedback(plant, Q=[[2, 0], [0, 1]], R=[[3]], model=False)
    assert through_model.route is Route.MODEL_REFINED
    assert np.abs(through_model.gain - exact.gain).max() < 1e-4
