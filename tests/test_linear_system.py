"""Linear systems: shapes, times, exact closed loops, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import builders as build
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Verdict
from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.exact_matrix import EnclosedMatrix
from hybrid.systems.linear import LinearSystem, require_inputs, sample_time, subtract_product

few = settings(deadline=None, max_examples=40)
entries = st.one_of(st.fractions(-9, 9, max_denominator=9), st.floats(-9, 9).map(Fraction))


def matrix(rows: int, columns: int) -> st.SearchStrategy[build.Rows]:
    return st.lists(st.lists(entries, min_size=columns, max_size=columns), min_size=rows, max_size=rows)


def test_sizes_and_defaults() -> None:
    plant = LinearSystem([[1, 2], [3, 4]], [[1], [0]], [[1, 1]], [[5]], dt="0.1", name="plant")
    assert (plant.n, plant.m, plant.p, plant.dt, plant.is_discrete) == (2, 1, 1, Fraction(1, 10), True)
    alone = LinearSystem([[1, 2], [3, 4]])
    assert (alone.n, alone.m, alone.p, alone.dt, alone.is_discrete, alone.is_enclosed) == (2, 0, 2, None, False, False)
    assert repr(plant) == "<LinearSystem plant: n=2, m=1, p=1, dt=0.1>"
    assert repr(alone) == "<LinearSystem n=2, m=0, p=2, continuous>"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([[1, 2]],), "A"),
        (([[1, 2], [3, 4]], [[1]]), "B"),
        (([[1, 2], [3, 4]], [[1, 2]]), "B"),
        (([[1]], None, [[1, 2]]), "C"),
        (([[1, 2], [3, 4]], None, [[1], [2]]), "C"),
        (([[1]], [[1]], [[1]], [[1, 2]]), "D"),
        (([[1]], [[1]], [[1], [2]], [[1]]), "D"),
        (([[1, 0], [0, 1]], [[1], [0]], None, [[1]]), "D"),
    ],
)
def test_shapes_that_do_not_fit(arguments: Any, field: str) -> None:
    with pytest.raises(DimensionError) as error:
        LinearSystem(*arguments)
    assert error.value.field == field
    assert "shape" in error.value.got


def test_feedthrough_needs_inputs() -> None:
    with pytest.raises(ProblemError) as error:
        LinearSystem([[1]], D=[[1]])
    assert error.value.field == "D"


@pytest.mark.parametrize(
    ("dt", "expected"),
    [(None, None), (0, None), ("0", None), (1, Fraction(1)), ("0.1", Fraction(1, 10)), (0.5, Fraction(1, 2))],
)
def test_sample_times(dt: Any, expected: Fraction | None) -> None:
    assert sample_time(dt) == LinearSystem([[1]], dt=dt).dt == expected


@pytest.mark.parametrize("dt", [-1, "-0.1", float("nan"), float("inf"), "soon", True, [1]])
def test_times_that_are_none(dt: Any) -> None:
    with pytest.raises(ProblemError) as error:
        LinearSystem([[1]], dt=dt)
    assert error.value.field == "dt"


@few
@given(st.data(), st.integers(1, 3), st.integers(1, 2))
def test_the_closed_loop_is_exact(data: st.DataObject, n: int, m: int) -> None:
    A, B, C, D, K = (data.draw(matrix(*shape)) for shape in ((n, n), (n, m), (2, n), (2, m), (m, n)))
    closed = LinearSystem(A, B, C, D, dt=1, name="plant").closed_loop(K)
    assert build.rows(closed.A.fractions) == build.minus(A, build.product(B, K))
    assert closed.C is not None
    assert closed.D is not None
    assert build.rows(closed.C.fractions) == build.minus(C, build.product(D, K))
    assert build.rows(closed.D.fractions) == D
    assert (closed.dt, closed.name) == (1, "plant, closed loop")


def test_a_gain_of_doubles_is_those_doubles() -> None:
    plant = LinearSystem([["0.1"]], [[1]])
    assert plant.closed_loop(np.array([[0.1]])).A.fractions == ((Fraction(1, 10) - Fraction(0.1),),)
    assert plant.closed_loop([["0.1"]]).A.fractions == ((0,),)
    assert subtract_product(plant.A, require_inputs(plant), plant.A).fractions == ((0,),)


@pytest.mark.parametrize("gain", [[[1]], [[1], [2]], [[1, 2], [3, 4]], [1, 2], "K", [[1, None]]])
def test_gains_that_do_not_fit(gain: Any) -> None:
    with pytest.raises(ProblemError) as error:
        LinearSystem([[1, 2], [3, 4]], [[1], [0]]).closed_loop(gain)
    assert error.value.field.startswith("gain")


def test_the_dual() -> None:
    plant = LinearSystem([[1, "1/3"], [0, 2]], C=[[1, 0.1]], dt=1)
    assert plant.dual.A == plant.A.T
    assert plant.dual.B is not None
    assert plant.dual.B.fractions == ((1,), (Fraction(0.1),))
    assert plant.dual.dt == 1
    with pytest.raises(ProblemError) as error:
        _ = LinearSystem([[1]]).dual
    assert error.value.field == "C"


def test_frozen() -> None:
    plant = LinearSystem([[1]])
    with pytest.raises(AttributeError, match="frozen"):
        plant.A = plant.A  # type: ignore[misc]
    with pytest.raises(AttributeError):
        plant.extra = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(plant)


def test_equality() -> None:
    plant = LinearSystem([[1]], [["1/2"]], dt=1, name="one")
    assert plant == LinearSystem(np.array([[1.0]]), [[0.5]], dt="1", name="other")
    for other in (LinearSystem([[1]], [["1/2"]]), LinearSystem([[1]], dt=1), LinearSystem([[1]], [[1]], dt=1), "plant"):
        assert plant != other


def test_inputs_are_required_by_name() -> None:
    with pytest.raises(ProblemError) as error:
        require_inputs(LinearSystem([[1]]))
    assert error.value.field == "B"


def test_enclosures_are_known() -> None:
    enclosed = EnclosedMatrix(np.eye(1), np.ones((1, 1)))
    assert LinearSystem(enclosed).is_enclosed
    assert LinearSystem([[1]], enclosed).is_enclosed


def test_the_document_spells_exact_numbers() -> None:
    document = LinearSystem([["1/3"]], [[0.1]], dt="0.5").as_document()
    assert document == {"A": [["1/3"]], "B": [["0x1.999999999999ap-4"]], "dt": "0.5"}


def test_to_control() -> None:
    pytest.importorskip("control")
    plant = LinearSystem([["1/3", 1], [0, -1]], [[0], [1]], dt="0.1")
    other = plant.to_control()
    assert other.A.tolist() == [[1 / 3, 1.0], [0.0, -1.0]]
    assert other.C.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert other.dt == 0.1


@pytest.mark.parametrize("n", [1, 2])
def test_to_control_without_inputs_has_one_that_does_nothing(n: int) -> None:
    pytest.importorskip("control")
    alone = hybrid.stability([[-int(i == j) for j in range(n)] for i in range(n)]).to_control()
    assert (alone.ninputs, alone.dt, alone.B.tolist()) == (1, 0, [[0.0]] * n)


def test_what_answers_give_back_is_the_system() -> None:
    plant = LinearSystem([[0, 1], [0, 0]], [[0], [1]])
    answer = hybrid.feedback(plant, poles=[-1, -2])
    assert hybrid.stability(answer.closed_loop()).verdict is Verdict.STABLE  # type: ignore[arg-type]
    with pytest.raises(ProblemError) as error:
        hybrid.stability(plant).closed_loop()
    assert error.value.field == "gain"
