"""Responses: against solutions in closed form."""

import numpy as np
import pytest

from hybrid.errors import DimensionError, ProblemError
from hybrid.simulate import plot_response, simulate
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.equilibrium import locate

OSCILLATOR = LinearSystem([[0, 1], [-1, 0]], [[0], [1]])
LOGISTIC = NonlinearSystem(["x"], ["u"], ["x*(1 - x) + u"])


def test_an_oscillator_turns():
    response = simulate(OSCILLATOR, start=[1, 0], duration=7)
    assert np.allclose(response.x[:, 0], np.cos(response.t), atol=1e-6)
    assert not response.u.any()
    assert response.t[-1] == 7


def test_a_gain_damps_it_and_its_input_is_minus_k_x():
    response = simulate(OSCILLATOR, gain=[[0, 2]], start=[1, 0], duration=7)
    assert np.allclose(response.x[:, 0], (1 + response.t) * np.exp(-response.t), atol=1e-6)
    assert np.allclose(response.u[:, 0], -2 * response.x[:, 1])


def test_a_logistic_equation_grows_to_its_equilibrium():
    response = simulate(LOGISTIC, at={"x": 1}, start={"x": 0.1})
    assert np.allclose(response.x[:, 0], 1 / (1 + 9 * np.exp(-response.t)), atol=1e-6)
    assert response.target.tolist() == [1]
    assert response.t[-1] == pytest.approx(6)  # six time constants of the pole −1


def test_a_stiff_equation_is_followed():
    system = NonlinearSystem(["x", "y"], [], ["-10^6*(x - y)", "-y"])
    response = simulate(system, start=[0, 1], duration=3)
    assert np.allclose(response.x[-1], np.exp(-3), atol=1e-5)


def test_inputs_act_around_the_equilibrium():
    system = NonlinearSystem(["x"], ["u"], ["x + u"])
    response = simulate(system, gain=[[2]], at={"x": 3, "u": -3}, start=[4], duration=5)
    assert np.allclose(response.x[:, 0], 3 + np.exp(-response.t), atol=1e-6)
    assert np.allclose(response.u[:, 0], -3 - 2 * (response.x[:, 0] - 3))


def test_time_in_samples_is_iterated():
    response = simulate(LinearSystem([["1/2"]], dt="0.1"), start=[8], duration="0.4")
    assert response.x[:, 0].tolist() == [8, 4, 2, 1, 0.5]
    assert np.allclose(response.t, [0, 0.1, 0.2, 0.3, 0.4])
    logistic = NonlinearSystem(["x"], [], ["2*x*(1 - x)"], dt=1)
    assert simulate(logistic, at={"x": "1/2"}, start=[0.25], duration=1).x[:, 0].tolist() == [0.25, 0.375]


def test_an_escape_in_finite_time_is_told():
    response = simulate(NonlinearSystem.from_text("x' = x^2 - 1"), at={"x": -1}, start=[2], duration=10)
    assert "without bound" in response.ended
    assert response.t[-1] == pytest.approx(np.log(3) / 2, abs=1e-5)  # (x − 1)/(x + 1) = e^{2t}/3
    doubling = simulate(LinearSystem([[2]], dt=1), start=[1], duration=1000)
    assert "without bound" in doubling.ended
    assert np.isfinite(doubling.x).all()


def test_the_end_of_the_domain_is_told():
    response = simulate(NonlinearSystem.from_text("x' = 1 - 1/sqrt(x)"), at={"x": 1}, start=[0.5], duration=5)
    assert "no value" in response.ended
    assert response.t[-1] == pytest.approx(0.5416, abs=1e-3)  # t = −2 (s²/2 + s + ln(1 − s)), s² = 1/2
    assert np.isfinite(response.x).all()


def test_a_response_that_chatters_is_given_up():
    response = simulate(NonlinearSystem.from_text("x' = 1 - 1/x"), at={"x": 1}, start=[0.5], duration=5)
    assert "too fast" in response.ended


def test_a_response_of_too_many_steps_says_so():
    pendulum = NonlinearSystem.from_text("x' = y; y' = -sin(x)")
    for system in (pendulum, LinearSystem([["1/2"]], dt=1)):
        response = simulate(system, duration="1e9")
        assert "takes more than 20000 steps" in response.ended
        assert response.t[-1] < 1e9
    assert simulate(LinearSystem([["1/2"]], dt=1), duration=20_000).ended is None


def test_a_start_outside_the_domain_is_refused():
    for dt in (None, 1):
        system = NonlinearSystem(["x"], [], ["log(x)" if dt is None else "x + log(x)"], dt=dt)
        with pytest.raises(ProblemError, match="start: got x = -1, expected a point where f has a value"):
            simulate(system, at={"x": 1}, start={"x": -1})


def test_an_equilibrium_may_be_given():
    pendulum = NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/2")
    response = simulate(pendulum, at=locate(pendulum, {"x": 0, "y": 0}).equilibrium)
    assert np.abs(response.x[-1]).max() < 1e-2 < np.abs(response.x[0]).max()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: simulate(OSCILLATOR, gain=[[1]]), DimensionError),
        (lambda: simulate(OSCILLATOR, gain=[[1, 2], [3]]), ProblemError),
        (lambda: simulate(OSCILLATOR, gain=3), ProblemError),
        (lambda: simulate(OSCILLATOR, at={"x": 0}), ProblemError),
        (lambda: simulate(OSCILLATOR, start=[1]), DimensionError),
        (lambda: simulate(OSCILLATOR, start=[1, float("nan")]), ProblemError),
        (lambda: simulate(OSCILLATOR, duration=-1), ProblemError),
        (lambda: simulate(OSCILLATOR, duration="long"), ProblemError),
        (lambda: simulate(LOGISTIC, start={"y": 1}), ProblemError),
        (lambda: simulate(NonlinearSystem.from_text("x' = 1 + x^2")), ProblemError),
        (lambda: plot_response(simulate(OSCILLATOR, duration=1), "response.txt"), ProblemError),
    ],
)
def test_wrong_calls_are_refused(call, error):
    with pytest.raises(error):
        call()


def test_responses_are_drawn(tmp_path):
    plot_response(simulate(OSCILLATOR, gain=[[0, 2]], start=[1, 0]), tmp_path / "a.png")
    plot_response(simulate(LinearSystem([["1/2"]], dt=1)), tmp_path / "b.svg")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert b"<svg" in (tmp_path / "b.svg").read_bytes()
