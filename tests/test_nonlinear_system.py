"""NonlinearSystem: reading, values, linearisations, and the plants of ../shared."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.expressions.evaluate import FLOATS, Program
from hybrid.expressions.exact import rational
from hybrid.expressions.infix import infix
from hybrid.expressions.source import DomainError
from hybrid.systems.nonlinear import NonlinearSystem

PLANTS = Path(__file__).resolve().parents[2] / "shared" / "plants" / "nonlinear"
shared = [pytest.mark.shared, pytest.mark.skipif(not PLANTS.is_dir(), reason="../shared/plants is absent")]

PENDULUM = NonlinearSystem(["x", "y"], ["u"], ["y", "-sin(x) - b*y + u"], {"b": "0.1"})


def test_states_inputs_and_equations_in_any_order() -> None:
    text = "w = a*x  # shared\ny' = -w + u; dx/dt = y"
    system = NonlinearSystem(["x", "y"], ["u"], text, {"a": "1/3"}, outputs=["x + y", "w*u"])
    assert (system.n, system.m, system.p, system.variables) == (2, 1, 2, ("x", "y", "u"))
    assert infix(system.rhs) == ["y", "-(1/3*x) + u"]
    assert infix(system.readout) == ["x + y", "1/3*x*u"]
    assert system == NonlinearSystem(["x", "y"], ["u"], [text], {"a": "1/3"}, ["x + y", "w*u"])
    assert system != PENDULUM


def test_states_are_inferred() -> None:
    system = NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/10 + u", inputs=["u"])
    assert (system.states, system.inputs) == (("x", "y"), ("u",))
    with pytest.raises(ParseError, match="unknown symbol u, expected one of x, y, or a declared input or parameter"):
        NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/10 + u")
    with pytest.raises(ProblemError, match="expected equations such as x' = y"):
        NonlinearSystem.from_text("-sin(x)")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.1", Fraction(1, 10)),
        (0.1, Fraction(0.1)),
        (3, 3),
        (Fraction(1, 3), Fraction(1, 3)),
        (np.float64(0.5), Fraction(1, 2)),
        ("sqrt(4)/3", Fraction(2, 3)),
        ("0x1p-1", Fraction(1, 2)),
    ],
)
def test_parameters_are_exact(value, expected) -> None:
    system = NonlinearSystem(["x"], [], ["-k*x"], {"k": value})
    assert ((-expected,),) == system.linearise_exact([0]).A


@pytest.mark.parametrize("value", [None, "free"])
def test_free_parameters_stay_symbols(value) -> None:
    system = NonlinearSystem(["x"], [], ["-k*x + c"], {"k": value, "c": 2})
    assert (system.free, system.variables) == (("k",), ("x", "k"))
    assert infix(system.jacobians.A) == ["-k"]
    assert ((Fraction(-1, 3),),) == system.linearise_exact({"x": 1, "k": "1/3"}).A
    assert system.f([1.0], parameters={"k": 0.5}) == [1.5]
    with pytest.raises(ProblemError, match="k: got no value"):
        system.f([1.0])


def test_values_at_points_and_stacks() -> None:
    x, u = np.array([[0.1, 2.0], [-1.0, 0.5], [3.0, 4.0]]), np.array([[1.0], [2.0], [3.0]])
    stack = PENDULUM.f(x, u)
    assert stack.shape == (3, 2)
    assert stack == pytest.approx(np.array([PENDULUM.f(*pair) for pair in zip(x, u, strict=True)]))
    assert stack == pytest.approx(np.stack([x[:, 1], -np.sin(x[:, 0]) - 0.1 * x[:, 1] + u[:, 0]], axis=1))
    assert PENDULUM.f(x) == pytest.approx(PENDULUM.f(x, np.zeros(1)))
    assert PENDULUM.f(x.astype(complex), u) == pytest.approx(stack.astype(complex))
    assert PENDULUM.f([1j, 0]).dtype == complex
    assert NonlinearSystem(["x"], [], ["3"]).f(np.zeros((2, 1))).tolist() == [[3.0], [3.0]]
    assert np.isnan(NonlinearSystem(["x"], [], ["log(x)"]).f([[-1.0], [1.0]])).tolist() == [[True], [False]]
    assert PENDULUM.output(x) is not None


def test_linearisations_agree() -> None:
    system = NonlinearSystem(["x", "y"], ["u"], ["x*y", "exp(x) - u^2*y"], outputs=["x*u", "y"])
    exactly = system.linearise_exact({"x": 0, "y": "1/2", "u": 3})
    assert ((Fraction(1, 2), 0), (1, -9)) == exactly.A
    assert exactly.B == ((0,), (-3,))
    assert (exactly.C, exactly.D) == (((3, 0), (0, 1)), ((0,), (0,)))
    assert (exactly.f, exactly.g) == ((0, Fraction(-7, 2)), (0, Fraction(1, 2)))
    floats = system.linearise([0, 0.5, 3])
    assert floats.A.tolist() == [[0.5, 0], [1, -9]]
    ball = system.linearise_ball([0, "1/2", 3])
    assert isinstance(ball.A, arb_mat)
    assert ball.A.contains(arb_mat([[0.5, 0], [1, -9]]))
    assert ball.D.contains(arb_mat([[0], [0]]))
    assert (ball.B.nrows(), ball.B.ncols()) == (2, 1)


def test_an_upright_pendulum_is_exact_at_pi() -> None:
    point = {"x": "pi", "y": 0}
    linear = PENDULUM.linearise_exact(point)
    assert linear.f == (0, 0)
    assert ((0, 1), (1, Fraction(-1, 10))) == linear.A
    assert PENDULUM.linearise_exact({"x": 1, "y": 0}) is None
    assert PENDULUM.linearise_ball(point).A[1, 0].contains(1)


def test_boxes_are_enclosed() -> None:
    linear = PENDULUM.linearise_ball({"x": (-1, "1/2"), "y": arb(0, 1)}, precision=64)
    slope = linear.A[1, 0]  # -cos x, from -1 to -cos 1 and beyond
    assert slope.contains(-1)
    assert slope.contains(arb(-1).cos() * -1)
    assert slope.upper() < -0.3
    violation = NonlinearSystem(["x"], [], ["-sqrt(x)"]).linearise_ball([(-1, 1)])
    assert isinstance(violation, DomainError)
    assert (violation.operation, violation.line, violation.column) == ("sqrt", 1, 2)


def test_the_domain_of_an_output_does_not_restrict_f() -> None:
    system = NonlinearSystem(["x"], [], ["-x"], outputs=["log(x)"])
    assert system.f([-1.0]) == [1.0]
    with pytest.raises(DomainError, match=r"outputs\[0\], line 1, column 1: got log of -1.0"):
        system.output([-1.0])


def test_jacobian_tapes_evaluate_to_the_linearisation() -> None:
    system = NonlinearSystem(["x", "y"], ["u"], ["y*u", "-sin(x) + u^2"], outputs=["x*y + u"])
    point = [0.3, -0.7, 1.1]
    linear, tapes = system.linearise(point), system.jacobians
    for matrix, tape in ((linear.A, tapes.A), (linear.B, tapes.B), (linear.C, tapes.C), (linear.D, tapes.D)):
        assert Program(tape, FLOATS)(point) == pytest.approx(matrix.ravel().tolist())


def test_discrete_time_and_transport() -> None:
    system = NonlinearSystem(["x"], ["u"], "x' = x/2 + u", dt="0.1", name="filter")
    assert system.is_discrete
    assert system.dt == Fraction(1, 10)
    assert repr(system) == "<NonlinearSystem filter: n=1, m=1, p=1, dt=0.1>"
    copy = pickle.loads(pickle.dumps(system))
    assert copy == system
    assert hash(copy) == hash(system)
    assert NonlinearSystem(["x"], [], ["x"], dt=0).dt is None
    with pytest.raises(AttributeError):
        system.dt = 3


def test_given_objects_are_not_changed() -> None:
    parameters = {"b": "0.1"}
    system = NonlinearSystem(["x"], [], ["-b*x"], parameters)
    parameters["b"] = "7"
    assert system.parameters["b"] == "0.1"
    with pytest.raises(TypeError):
        system.parameters["b"] = "7"


WRONG = [
    (dict(states=[]), "states: got none"),
    (dict(states=["x", "x"]), "x twice"),
    (dict(inputs=["y"]), "y twice"),
    (dict(parameters={"x": 1}), "x twice"),
    (dict(states=["x", "sin"]), "states: got sin"),
    (dict(inputs=["2u"]), "inputs: got 2u"),
    (dict(states="xy"), "expected a list of names"),
    (dict(parameters=[1]), "expected a mapping"),
    (dict(parameters={"k": float("nan")}), "parameters.k: got nan"),
    (dict(parameters={"k": True}), "parameters.k"),
    (dict(parameters={"k": "1/0"}), "parameters.k, line 1, column 2: got a division by 0"),
    (dict(parameters={"k": "x"}), "parameters.k, line 1, column 1: got unknown symbol x"),
    (dict(equations=["y", "-x", "x"]), "3 right-hand sides"),
    (dict(equations=["y", 3]), "equations: got"),
    (dict(equations=["y", "log(x"]), "equations[1], line 1, column 6"),
    (dict(outputs=["z"]), "outputs[0], line 1, column 1: got unknown symbol z"),
    (dict(outputs=[]), "outputs: got"),
    (dict(dt=-1), "dt: got -1"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG, ids=lambda case: str(case)[:40])
def test_wrong_systems_are_refused(change, sentence) -> None:
    arguments = dict(states=["x", "y"], inputs=[], equations=["y", "-x"]) | change
    with pytest.raises(ProblemError) as refusal:
        NonlinearSystem(**arguments)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("point", "kind", "sentence"),
    [
        ({"x": 1}, ProblemError, "y: got no value"),
        ({"x": 1, "y": 2, "z": 3}, ProblemError, "point: got z, expected one of x, y, u"),
        ([1], DimensionError, "point: got 1 values"),
        ({"x": "1 +", "y": 0}, ParseError, "x, line 1, column 4"),
        ({"x": float("inf"), "y": 0}, ProblemError, "x: got inf"),
    ],
)
def test_wrong_points_are_refused(point, kind, sentence) -> None:
    for linearise in (PENDULUM.linearise, PENDULUM.linearise_exact, PENDULUM.linearise_ball):
        with pytest.raises(kind) as refusal:
            linearise(point)
        assert sentence in str(refusal.value)


def test_wrong_boxes_and_shapes_are_refused() -> None:
    with pytest.raises(ProblemError, match="a lower and an upper bound"):
        PENDULUM.linearise_ball({"x": (1, 0), "y": 0})
    with pytest.raises(ProblemError, match="a finite ball"):
        PENDULUM.linearise_ball({"x": arb("nan"), "y": 0})
    for x in ([1.0], [[1.0, 2.0, 3.0]], 3.0, [["a", "b"]]):
        with pytest.raises(ProblemError, match="x: got"):
            PENDULUM.f(x)


def test_a_singular_point_is_named() -> None:
    system = NonlinearSystem(["x"], [], ["(1 +\n  2/(x - 1))"])
    for evaluate in (lambda: system.f([1.0]), lambda: system.linearise([1]), lambda: system.linearise_exact([1])):
        with pytest.raises(DomainError, match=r"line 2, column 4: got a division of 2.* and 0.*, expected"):
            evaluate()


# ../shared


def plants():
    for path in sorted(PLANTS.glob("*.json")):
        plant = json.loads(path.read_text(), parse_float=str)
        if isinstance(plant, dict):
            yield pytest.param(plant, id=path.stem, marks=shared)


@pytest.mark.parametrize("plant", list(plants()))
def test_published_linearisations(plant) -> None:
    system = NonlinearSystem(plant["states"], plant["inputs"], plant["f"], plant["params"])
    point = [*plant["equilibrium"]["x"], *plant["equilibrium"]["u"]]
    published = plant["linearization"]
    if published["A"] is None:
        with pytest.raises(DomainError, match="division"):
            system.linearise_exact(point)
        return
    x, u = np.array(point[: system.n], float), np.array(point[system.n :], float)
    assert system.f(x, u) == pytest.approx(0, abs=1e-6)
    floats, ball, exactly = system.linearise(point), system.linearise_ball(point), system.linearise_exact(point)
    for key in ("A", "B"):
        expected = np.array(published[key] or np.zeros((system.n, 0)), float)
        matrix, enclosure = getattr(floats, key), getattr(ball, key)
        assert matrix == pytest.approx(expected, rel=1e-9, abs=1e-9)
        middle = np.array([[float(entry) for entry in row] for row in enclosure.tolist()]).reshape(expected.shape)
        assert middle == pytest.approx(expected, rel=1e-9, abs=1e-9)
        if exactly is not None:
            rows = getattr(exactly, key)
            assert np.array(rows, float).reshape(expected.shape) == pytest.approx(expected, rel=1e-9, abs=1e-9)
            with ctx.workprec(1000):  # at which rational numbers enter flint's comparison
                for i, row in enumerate(rows):
                    assert all(enclosure[i, j].contains(rational(entry)) for j, entry in enumerate(row))


def fossil():
    lines = (PLANTS / "fossil_models.jsonl").read_text().splitlines() if PLANTS.is_dir() else []
    for model in map(json.loads, lines):
        yield pytest.param(model, id=model["name"], marks=shared)


@pytest.mark.parametrize("model", list(fossil()))
def test_fossil_systems_at_the_origin(model) -> None:
    dt = 1 if model["time_domain"] == "discrete" else None
    system = NonlinearSystem(model["states"], model["inputs"], model["f"], dt=dt)
    linear = system.linearise_exact([0] * system.n)
    assert [float(entry) for entry in linear.f] == pytest.approx(model["origin_residual"])
    if "B_at_0" in model:
        assert np.array(linear.B, float) == pytest.approx(np.array(model["B_at_0"]))
    if "eig_linearization_at_0" in model:
        ours = np.sort_complex(np.linalg.eigvals(np.array(linear.A, float)))
        theirs = np.sort_complex([complex(*pair) for pair in model["eig_linearization_at_0"]])
        assert ours == pytest.approx(theirs, abs=1e-6)
