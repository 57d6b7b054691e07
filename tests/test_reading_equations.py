"""Files with equations: every shape says the same system, and what is wrong is said with its place."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybrid
from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.reading import read_text, read_with_point
from hybrid.systems.reading_equations import is_equations, parse_assignments, parse_box, with_parameters

PENDULUM = NonlinearSystem(["x", "y"], ["u"], ["y", "-sin(x) - b*y + u"], {"b": "0.1"}, ["x"])
SHAPES = {
    "text.toml": """
        states = ["x", "y"]
        inputs = ["u"]
        equations = "x' = y; y' = -sin(x) - b*y + u"
        outputs = ["x"]
        parameters = {b = 0.1}
        at = {x = "pi", y = 0, u = 0}
    """,
    "block.toml": '''
        inputs = ["u"]
        equations = """
        friction = b*y         # a definition
        x' = y
        y' = -sin(x) - friction + u
        """
        outputs = ["x"]
        at = {x = "pi", y = 0, u = 0}
        [parameters]
        b = 0.1
    ''',
    "table.yaml": """
        equations: {x: y, y: -sin(x) - b*y + u}
        inputs: [u]
        parameters: {b: 0.1}
        outputs: [x]
        at: {x: pi, y: 0, u: 0}
    """,
    "list.json": json.dumps({
        "states": ["x", "y"], "inputs": ["u"], "f": ["y", "-sin(x) - b*y + u"], "params": {"b": 0.1}, "outputs": ["x"],
        "equilibrium": {"x": ["pi", 0], "u": [0]}, "claim": "anything", "linearization": {"A": [[0]]}, "citation": "-",
    }),
}  # fmt: skip


def refusal(document: object) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        read_text(json.dumps(document), "json", "plant")
    assert "\n" not in str(caught.value)
    return caught.value


def dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines())


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_says_the_same_system(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(dedented(SHAPES[name]))
    system, at = read_with_point(path)
    assert isinstance(system, NonlinearSystem)
    assert system.as_document() == PENDULUM.as_document()
    assert system.name == path.stem
    assert at is not None
    assert {key: str(value) for key, value in at.items()} == {"x": "pi", "y": "0", "u": "0"}
    assert hybrid.read(path) == system


def test_decimals_of_a_file_are_exact() -> None:
    system = read_text("equations = {x = '-k*x'}\nparameters = {k = 0.1}", "toml")
    assert isinstance(system, NonlinearSystem)
    found = system.linearise_exact({"x": 0})
    assert found is not None
    assert found.A[0][0] == Fraction(-1, 10)


def test_linear_files_have_no_point(tmp_path: Path) -> None:
    path = tmp_path / "linear.json"
    path.write_text('{"A": [[-1]]}')
    assert read_with_point(path) == (hybrid.LinearSystem([[-1]]), None)


@pytest.mark.parametrize(
    ("more", "dt"),
    [({}, None), ({"dt": 0.5}, Fraction(1, 2)), ({"time_domain": "discrete"}, 1), ({"dt": True}, 1),
     ({"time_domain": "discrete", "dt": 2}, 2), ({"time_domain": "continuous", "dt": 0}, None)],
)  # fmt: skip
def test_sample_times(more: dict[str, object], dt: object) -> None:
    assert read_text(json.dumps({"equations": {"x": "x/2"}, **more}), "json").dt == dt


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"equations": "x' = y", "A": [[1]]}, "plant, A: got a matrix beside equations"),
        ({"equations": "x' = -x", "f": ["-x"]}, "plant, f: got a value beside equations"),
        ({"states": ["x"]}, "plant, equations: got nothing"),
        ({"states": ["x", "y"], "equations": ["y"]}, "plant, equations: got 1 right-hand sides"),
        ({"states": ["x"], "equations": "x' = y"}, "plant, equations, line 1, column 6: got unknown symbol y"),
        ({"states": ["x"], "equations": "x' = 1;\ny' = 2"}, "line 2, column 1: got an equation for y"),
        ({"equations": "x' = x;\nx' = 2"}, "line 2, column 1: got a second equation for x"),
        ({"states": ["x", "y"], "equations": "x' = x"}, "got no equation for y"),
        ({"states": ["x", "x"], "equations": ["1", "2"]}, "got x twice"),
        ({"states": ["x"], "inputs": ["x"], "equations": ["x"]}, "got x twice"),
        ({"states": ["x"], "equations": {"y": "1"}}, "got an equation for y"),
        ({"states": ["x", "y"], "equations": {"y": "1"}}, "got no equation for x"),
        ({"states": "x", "equations": ["x"]}, "states: got x, expected a list of names"),
        ({"equations": {"x": "x"}, "inputs": "u"}, "inputs: got u, expected a list of names"),
        ({"equations": {"x": "x"}, "parameters": ["k"]}, "expected a table of names and numbers"),
        ({"equations": {"x": "k*x"}, "parameters": {"k": "oops"}}, "parameters.k, line 1, column 1"),
        ({"equations": {"x": "x"}, "parameters": {"k": [1]}}, "parameters.k"),
        ({"equations": {"x": ["x"]}}, "equations"),
        ({"equations": {"x": "x"}, "at": {"z": 0}}, "at: got z, expected one of x"),
        ({"equations": {"x": "x"}, "at": 3}, "expected a table of states and inputs"),
        ({"equations": {"x": "x"}, "equation": "y"}, "did you mean equations?"),
        ({"equations": {"x": "x"}, "time_domain": "hybrid"}, "expected continuous or discrete"),
        ({"equations": {"x": "x"}, "time_domain": "continuous", "dt": 1}, "dt: got 1, expected nothing"),
        ({"equations": {"x": "x"}, "dt": -1}, "dt"),
        ({"equations": {"x": "(" * 10_000}}, "deeper nesting"),
        ({"equations": {"x": "9**9**9**9"}}, "equations"),
        ({"equations": {"x": "__import__('os').system('true')"}}, "unknown function __import__"),
        ({"equations": {"x": "x.real"}}, "column 2"),
        ({"equations": {"x": "lambda: x"}}, "column"),
        ({"equations": {"x": "[y for y in x]"}}, "column 1"),
        ({"equations": {"x": "x" * 2_000_000}}, "2000000 characters"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(document: dict[str, object], message: str) -> None:
    assert message in str(refusal(document))


def test_the_place_and_type_of_an_error_survive() -> None:
    error = refusal({"states": ["x"], "equations": "k = 2;\nx' = k*z"})
    assert isinstance(error, ParseError)
    assert (error.line, error.column) == (2, 8)
    assert isinstance(refusal({"equations": {"x": "x"}, "at": [1, 2]}), DimensionError)
    assert isinstance(refusal({"equations": {"x": "x"}, "at": {"x": [1], "u": [2]}}), DimensionError)


def test_equations_are_told_from_names() -> None:
    assert is_equations("x' = y")
    assert is_equations("dx/dt=-x")
    assert not is_equations("plant.toml")
    assert not is_equations("o'neill.toml")
    assert not is_equations("a=b.toml")


def test_other_parameters() -> None:
    assert with_parameters(PENDULUM, {"b": "1"}).linearise_exact({"x": 0, "y": 0}).A[1][1] == -1
    assert with_parameters(PENDULUM, {}) is PENDULUM
    with pytest.raises(ProblemError, match="got c, expected one of b"):
        with_parameters(PENDULUM, {"c": "1"})


@given(st.dictionaries(st.sampled_from(["x", "y", "theta_1", "u"]), st.fractions(), min_size=1))
def test_points_are_read_as_written(values: dict[str, Fraction]) -> None:
    text = ", ".join(f"{name} = {value}" for name, value in values.items())
    assert parse_assignments(text, "at") == {name: str(value) for name, value in values.items()}
    box = ",".join(f"{name}={value}:{value + 1}" for name, value in values.items())
    assert parse_box(box, "box") == {name: (value, value + 1) for name, value in values.items()}


@pytest.mark.parametrize("text", ["", "x", "x=", "=1", "x=1,x=2", "2=x", "x=1,,y=2", "sin=1"])
def test_assignments_that_are_none(text: str) -> None:
    with pytest.raises(ProblemError, match="--at"):
        parse_assignments(text, "--at")


@pytest.mark.parametrize("text", ["x=1:0", "x=:1", "x=1:", "x=a:b", "x=0:1:2", "x=0:nan"])
def test_boxes_that_are_none(text: str) -> None:
    with pytest.raises(ProblemError, match="--box"):
        parse_box(text, "--box")


@pytest.mark.shared
def test_the_collection_reads_with_its_points(shared: Path) -> None:
    """All that the linearisation of the collection says is reproduced at the point that the file states."""
    paths = [path for path in sorted((shared / "plants/nonlinear").glob("*.json")) if "fossil" not in path.name]
    assert len(paths) > 40
    for path in paths:
        system, at = read_with_point(path)
        stated = json.loads(path.read_text())["linearization"]["A"]
        assert isinstance(system, NonlinearSystem)
        assert at is not None
        if stated is None or path.stem == "barrett_vinograd":  # 0/0 at the origin, which limits alone give a value
            continue
        assert np.allclose(system.linearise(at).A, stated, rtol=1e-6, atol=1e-9), path.name


@pytest.mark.shared
def test_the_lines_of_fossil_read(shared: Path) -> None:
    for line in (shared / "plants/nonlinear/fossil_models.jsonl").read_text().splitlines():
        document = json.loads(line)
        system = read_text(line, "json", "fossil")
        assert list(system.states) == document["states"]
        assert system.is_discrete is (document["time_domain"] == "discrete")
