"""python-control's nonlinear systems, recorded or linearised, against the functions and their finite differences."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import control
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import Status, Verdict
from hybrid.answer import Reason
from hybrid.errors import ProblemError
from hybrid.plugins import control_tracing as ht
from hybrid.plugins.control_tracing import TracingError
from hybrid.question import LocalQuestion


def pendulum(t, x, u, params):
    return np.array([x[1], params["g"] * np.sin(x[0]) - params["b"] * x[1] + u[0]])


def cart_pole(t, x, u, params):
    M, m, length, g = 1.0, 0.1, 0.5, 9.81
    s, c, w = np.sin(x[1]), np.cos(x[1]), x[3]
    mass = np.array([[M + m, m * length * c], [m * length * c, m * length**2]])
    force = np.array([u[0] + m * length * w**2 * s, m * g * length * s])
    det = mass[0, 0] * mass[1, 1] - mass[0, 1] ** 2
    adjugate = np.array([[mass[1, 1], -mass[0, 1]], [-mass[1, 0], mass[0, 0]]])
    return np.concatenate([x[2:], adjugate @ force / det])


def car(t, x, u, params):
    steering = np.clip(u[1], -params.get("limit", 0.5), params.get("limit", 0.5))
    return [np.cos(x[2]) * u[0], np.sin(x[2]) * u[0], u[0] / params.get("base", 3.0) * np.tan(steering)]


def tanks(t, x, u, params):
    flow = 0.5 * np.sqrt(x)
    return np.diag([-1.0, -1.0]) @ flow + np.array([u[0], flow[0]])


def neuron(t, x, u, params):
    v, w = x
    gate = 1 / (1 + np.exp(-4 * v))
    return v - v**3 / 3 - w + 0.1 * gate + np.maximum(v, -3.0) * 0.0, 0.08 * (np.tanh(v) + 0.7 - np.abs(w) * 0.8)


PLANTS = {
    "pendulum": control.nlsys(
        pendulum, lambda t, x, u, params: x[:1], states=["th", "w"], inputs=["tau"], outputs=1,
        params={"g": 9.81, "b": 0.1},
    ),
    "cart-pole": control.nlsys(cart_pole, None, states=4, inputs=1),
    "car": control.nlsys(car, None, states=["x", "y", "th"], inputs=["v", "delta"], outputs=3),
    "tanks": control.nlsys(tanks, None, states=2, inputs=1),
    "neuron": control.nlsys(neuron, None, states=2, inputs=0),
    "logistic map": control.nlsys(lambda t, x, u, p: 2.5 * x * (1 - x), None, states=1, inputs=0, dt=True),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTS)
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_recorded_system_is_the_function(plant, seed):
    system = PLANTS[plant]
    traced = traced_once(plant)
    point = np.random.default_rng(seed).uniform(0.1, 2, system.nstates + system.ninputs)
    x, u = np.split(point, [system.nstates])
    assert np.allclose(traced.f(x, u), np.ravel(system.updfcn(0, x, u, dict(system.params))), rtol=1e-12, atol=1e-12)
    if len(u):  # python-control 0.10 linearises no single state without inputs
        assert np.allclose(traced.linearise([*x, *u]).A, control.linearize(system, x, u).A, rtol=1e-4, atol=1e-4)


_TRACED = {}


def traced_once(plant):
    if plant not in _TRACED:
        _TRACED[plant] = ht.nonlinear_system(PLANTS[plant])
    return _TRACED[plant]


def test_names_outputs_and_time():
    traced = traced_once("pendulum")
    assert (traced.states, traced.inputs, traced.outputs) == (("th", "w"), ("tau",), ("th",))
    assert traced_once("cart-pole").states == ("x0", "x1", "x2", "x3")
    assert traced_once("logistic map").dt == 1
    clashing = control.nlsys(lambda t, x, u, p: -x, None, states=["a b", "ab"], inputs=0)
    assert ht.nonlinear_system(clashing).states == ("x0", "x1")


@pytest.mark.parametrize(("dt", "expected"), [(0, None), (None, None), (True, 1), (0.1, Fraction(0.1))])
def test_time_bases(dt, expected):
    system = control.nlsys(lambda t, x, u, p: -0.5 * x, None, states=1, inputs=0, dt=dt)
    assert ht.nonlinear_system(system).dt == expected


def test_doubles_are_the_numbers_they_store():
    traced = ht.nonlinear_system(PLANTS["pendulum"], {"b": 0.2})
    assert traced.linearise_exact({"th": 0, "w": 0}).A[1] == (Fraction(9.81), -Fraction(0.2))


def every_function(t, x, u, p):
    z = np.abs(x[0]) + 0.1
    unit = z / (1 + z)
    ones = np.array([1.0, 2.0])
    total = np.log10(z) + np.log2(z) + np.log1p(z) + np.expm1(-z) + np.hypot(z, 2) + np.reciprocal(z) + z**0.5
    total = total + np.arcsin(unit) + np.arccos(unit) + np.arctan(z) + np.sinh(unit) + np.cosh(unit)
    total += np.deg2rad(z) + np.rad2deg(z) + np.square(z) + np.fabs(z) + np.sign(z) + (+z) - (-z) + abs(z) + 3 / z
    total = total + np.minimum(z, 1) + np.maximum(2.0, z) + np.clip(z, 0.2, 0.9) + np.float64(2) ** z
    total = total + (ones * z).sum() + ones @ (z * ones)
    x -= ones  # of the whole array, in place
    return [total + np.array(2.0) * z + True * z, np.sum(np.sqrt(np.exp(x))) + np.dot(x, x)]


def test_every_function_is_recorded():
    system = control.nlsys(every_function, None, states=2, inputs=0)
    assert "atan" in ht.nonlinear_system(system).equations[0]


# Questions


def test_questions_about_a_pendulum():
    system = PLANTS["pendulum"]
    up = ht.stability(system, at={"th": 0, "w": 0})
    assert (up.status, up.verdict) == (Status.DISPROVED, Verdict.UNSTABLE)
    down = ht.stability(system, at=control.find_operating_point(system, [3, 0.1], [0.0]))
    assert down.verdict is Verdict.STABLE
    assert isinstance(down.question, LocalQuestion)
    assert float(down.point["th"]) == pytest.approx(math.pi)
    assert ht.controllability(system, at=[0, 0, 0]).verdict is Verdict.CONTROLLABLE
    assert ht.stability(system, at=[0.5, 0]).reason is Reason.NOT_AN_EQUILIBRIUM


def test_feedback_gives_back_a_nonlinear_system():
    system = PLANTS["cart-pole"]
    answer = ht.feedback(system, at=np.zeros(4), Q=np.eye(4), R=np.eye(1))
    assert answer.status is Status.PROVED
    assert hybrid.check(answer.certificate).valid
    loop = answer.to_control()
    assert isinstance(loop, control.NonlinearIOSystem)
    x = np.array([0.1, -0.2, 0.3, 0.1])
    assert np.allclose(loop.dynamics(0, x, []), cart_pole(0, x, -answer.gain @ x, {}))


def test_linear_systems_pass_through():
    assert ht.stability(control.ss([[-1]], [[1]], [[1]], [[0]])).verdict is Verdict.STABLE
    assert ht.stability(control.tf([1], [1, -1])).verdict is Verdict.UNSTABLE
    assert ht.stability([[0, 1], [-1, -1]]).verdict is Verdict.STABLE


def in_place(t, x, u, params):
    rate = np.zeros(2)
    rate[0], rate[1] = x[1], math.sin(x[0]) - x[1] + u[0]
    return rate


def test_what_cannot_be_recorded_is_linearised_with_a_warning():
    system = control.nlsys(in_place, None, states=2, inputs=1)
    with pytest.warns(UserWarning, match=r"float\(\) of a state or input.*about the matrices of control\.linearize"):
        answer = ht.stability(system, at=[0, 0])
    assert answer.verdict is Verdict.UNSTABLE
    assert not isinstance(answer.question, LocalQuestion)
    assert np.array_equal(answer.question.system.A.floats, control.linearize(system, [0, 0], [0]).A)
    assert "says nothing about the nonlinear system" in answer.notes[0]
    with pytest.warns(UserWarning, match="x0 = 3"):
        assert ht.feedback(system, at={"x[0]": 3, "x[1]": 0}, poles=[-1, -2]).status is Status.PROVED


@pytest.mark.parametrize(("dt", "verdict"), [(0, Verdict.UNSTABLE), (True, Verdict.STABLE)])
def test_linearised_without_inputs(dt, verdict):
    system = control.nlsys(lambda t, x, u, p: [math.sin(x[0]) / 2], None, states=1, inputs=0, dt=dt)
    with pytest.warns(UserWarning, match=r"\|f\| reaches 0:"):
        assert ht.stability(system).verdict is verdict
    with pytest.warns(UserWarning, match=r"\|f\| reaches 0\.421:" if dt == 0 else r"\|f\| reaches 0\.579:"):
        ht.stability(system, at=[1])


def test_recorded_systems_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ht.stability(PLANTS["tanks"], at={"x0": 1, "x1": 1, "u0": 0.5})


# Refusals


class Stateful:
    """Another function at each call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, t, x, u, params):
        self.calls += 1
        return [x[1], self.calls * 1e-6 * x[0]]


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (in_place, r"float\(\)"),
        (lambda t, x, u, p: [x[1], math.sin(x[0])], r"float\(\)"),
        (lambda t, x, u, p: [x[1], x[0] if x[0] > 0 else -x[0]], "a comparison"),
        (lambda t, x, u, p: [x[1], 1.0 if x[0] else 0.0], "a branch"),
        (lambda t, x, u, p: [x[1], max(x[0], 0)], "a comparison"),
        (lambda t, x, u, p: [x[1], np.where(x[0] > 1, 1, 0)], "a comparison"),
        (lambda t, x, u, p: [x[1], [1, 2][x[0]]], "as an index"),
        (lambda t, x, u, p: [x[1], round(x[0])], "rounded"),
        (lambda t, x, u, p: [x[1], np.floor(x[0])], r"np\.floor"),
        (lambda t, x, u, p: [x[1], np.arctan2(x[0], x[1])], r"np\.arctan2"),
        (lambda t, x, u, p: [x[1], t * x[0]], "depends on the time"),
        (lambda t, x, u, p: [x[1]], "got 1 values, expected 2"),
        (lambda t, x, u, p: [x[1], 1j], "real numbers"),
        (lambda t, x, u, p: [x[1], float("nan") * x[0]], "nan"),
        (lambda t, x, u, p: np.linalg.solve(np.array([[1, x[0]], [0, 1]]), x), "UFuncTypeError"),
        (lambda t, x, u, p: p["missing"] * x, "KeyError"),
        (lambda t, x, u, p: [x[1], x[0] / 0], "division by 0"),
        (lambda t, x, u, p: [x[1], np.sqrt(-1 - x[0] ** 2)], "no values at random points"),
        (lambda t, x, u, p: [x[1], (1.0 if isinstance(x[0], float) else 2.0) * x[0]], "other values at"),
        (Stateful(), "other values at"),
    ],
)  # fmt: skip
def test_refused_with_the_reason(function, sentence):
    with pytest.raises(TracingError, match=sentence):
        ht.nonlinear_system(control.nlsys(function, None, states=2, inputs=1))


def test_output_function_that_cannot_be_recorded():
    system = control.nlsys(lambda t, x, u, p: -x, lambda t, x, u, p: [math.sin(x[0])], states=1, inputs=0, outputs=1)
    with pytest.raises(TracingError):
        ht.nonlinear_system(system)
    assert ht.nonlinear_system(system, outputs=False).outputs is None
    assert ht.stability(system).verdict is Verdict.STABLE
    lying = control.nlsys(
        lambda t, x, u, p: -x,
        lambda t, x, u, p: [x[0] * (1 if isinstance(x[0], float) else 2)],
        states=1, inputs=0, outputs=1,
    )  # fmt: skip
    with pytest.raises(TracingError, match="output function: got other values"):
        ht.nonlinear_system(lying)


def test_wrong_calls():
    with pytest.raises(ProblemError, match=r"a control\.NonlinearIOSystem"):
        ht.nonlinear_system(control.tf([1], [1, 1]))
    with pytest.raises(ProblemError, match="states"):
        ht.nonlinear_system(control.nlsys(None, lambda t, x, u, p: u, inputs=1, outputs=1))
    for system in (PLANTS["pendulum"], control.nlsys(in_place, None, states=["th", "w"], inputs=["tau"])):
        with pytest.raises(ProblemError, match="at: got z, expected one of th, w, tau"):
            ht.stability(system, at={"z": 1})
        with pytest.raises(ProblemError, match="2 states"):
            ht.stability(system, at=[1])
