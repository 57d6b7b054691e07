"""Numbers in and out: text is the rational that it spells, and what is spelled reads back."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybrid.errors import ParseError, ProblemError
from hybrid.systems.exact_matrix import EnclosedMatrix, ExactMatrix
from hybrid.systems.numbers import exact, nearest_float, parse_number, spell

few = settings(deadline=None, max_examples=50)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        (" -12 ", Fraction(-12)),
        ("+.5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e-3", Fraction(1, 1000)),
        ("1.5E+2", Fraction(150)),
        ("1/3", Fraction(1, 3)),
        ("-1 / 3", Fraction(-1, 3)),
        ("0.5/3", Fraction(1, 6)),
        ("2**-40", Fraction(1, 2**40)),
        ("2^10", Fraction(1024)),
        ("-2**2", Fraction(-4)),
        ("-2^2", Fraction(-4)),
        ("-2**-2", Fraction(-1, 4)),
        ("-3**3", Fraction(-27)),
        ("+2**2", Fraction(4)),
        ("0.1**2", Fraction(1, 100)),
        ("7**0", Fraction(1)),
        ("0x1.8p1", Fraction(3)),
        ("-0x1p-1074", Fraction(-1, 2**1074)),
        ("0x1.00000000000000001p0", 1 + Fraction(1, 2**68)),
        ("1e-1200", Fraction(1, 10**1200)),
        ("0." + "3" * 3000, Fraction(int("3" * 3000), 10**3000)),
    ],
)
def test_text(text: str, value: Fraction) -> None:
    assert parse_number(text, "A") == value


NO_NUMBERS = (
    *("", " ", "-", "nan", "inf", "-inf", "1e", "e5", "1.2.3", "1,5", "1_000", "--1", "1/0", "1/-3", "1/3/5", "0**-1"),
    *("2**0.5", "(1)", "1+1", "x", "0x", "0x1.8", "1e1201", "1e-99999999", "2**99999", "9**20000", "1" * 5000, "1;"),
    *("__import__('os')", "1 2", "½", "1j", "None", "True", "\x00", "1\n2"),
)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_text_that_is_no_number(text: str) -> None:
    with pytest.raises(ParseError) as error:
        parse_number(text, "B[1,2]")
    assert error.value.field == "B[1,2]"
    assert len(str(error.value)) < 400


@few
@given(
    st.one_of(
        st.fractions(), st.floats(allow_nan=False, allow_infinity=False).map(Fraction), st.integers().map(Fraction)
    )
)
@example(Fraction(10**40))
@example(Fraction(1, 2**1074))
@example(Fraction(-1, 3**2000))
def test_what_is_spelled_reads_back(value: Fraction) -> None:
    assert parse_number(spell(value), "A") == value


@few
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_are_themselves(value: float) -> None:
    assert exact(value, "A") == exact(np.float64(value), "A") == Fraction(value)
    assert parse_number(value.hex(), "A") == Fraction(value)
    assert nearest_float(Fraction(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, Fraction(3)),
        (2**70, Fraction(2**70)),
        (Fraction(1, 3), Fraction(1, 3)),
        (Decimal("0.1"), Fraction(1, 10)),
        (np.int8(-3), Fraction(-3)),
        (np.uint64(2**64 - 1), Fraction(2**64 - 1)),
        (np.float32(0.1), Fraction(float(np.float32(0.1)))),
        (np.float16(0.1), Fraction(float(np.float16(0.1)))),
        ("1/7", Fraction(1, 7)),
    ],
)
def test_kinds_of_numbers(value: Any, expected: Fraction) -> None:
    found = exact(value, "A")
    assert found == expected
    assert type(found.numerator) is type(found.denominator) is int


NOT_EXACT = (
    *(None, True, np.bool_(False), 1j, float("nan"), float("inf"), np.float32("inf"), Decimal("NaN")),
    *(Decimal("1e99999"), [], {}, b"1", np.datetime64(1, "s"), np.timedelta64(1, "s"), np.longdouble(1), object()),
    10**7000,
)


@pytest.mark.parametrize("value", NOT_EXACT, ids=lambda value: type(value).__name__)
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(ProblemError) as error:
        exact(value, "decay")
    assert error.value.field == "decay"
    assert "\n" not in str(error.value)


def test_nearest_floats_at_the_ends() -> None:
    assert nearest_float(Fraction(10) ** 400) == float("inf")
    assert nearest_float(-(Fraction(10) ** 400)) == float("-inf")
    assert nearest_float(Fraction(1, 10**400)) == 0.0


# --------------------------------------------------------------------------------------------- matrices


@few
@given(st.lists(st.lists(st.fractions(), min_size=2, max_size=2), min_size=1, max_size=3))
def test_the_radius_covers_the_rounding(rows: list[list[Fraction]]) -> None:
    matrix = ExactMatrix.read(rows, "A")
    assert matrix.fractions == tuple(map(tuple, rows))
    radius = np.zeros(matrix.shape) if matrix.radius is None else matrix.radius
    for row, floats, radii in zip(rows, matrix.floats.tolist(), radius.tolist(), strict=True):
        for x, f, r in zip(row, floats, radii, strict=True):
            assert abs(x - Fraction(f)) <= Fraction(r)
            assert (r == 0) is (x == Fraction(f))


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int32, np.uint8])
def test_arrays_of_numbers_are_exact(kind: Any) -> None:
    matrix = ExactMatrix.read(np.array([[1, 2], [3, 4]], dtype=kind), "A")
    assert (matrix.radius, matrix.fractions) == (None, ((1, 2), (3, 4)))


def test_matrices_are_frozen_and_copied() -> None:
    array = np.eye(2)
    matrix = ExactMatrix.read(array, "A")
    array[0, 0] = 7
    assert matrix.floats[0, 0] == 1
    for view in (matrix.floats, matrix.T.floats, ExactMatrix.read([["0.1"]], "A").radius):
        assert view is not None
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 3


def test_equality_is_of_numbers() -> None:
    assert ExactMatrix.read([["0.5", 1]], "A") == ExactMatrix.read(np.array([[0.5, 1.0]]), "A")
    assert ExactMatrix.read([["0.1"]], "A") != ExactMatrix.read([[0.1]], "A")
    row, column = ExactMatrix.read([["1/3", 2]], "A"), ExactMatrix.read([["1/3"], [2]], "A")
    assert column == row.T
    assert ExactMatrix.read([["1/3", 2, 0.1]], "A").spelled() == [["1/3", "2", "0x1.999999999999ap-4"]]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([[1, 2], [3]], "A, row 2"),
        ([[1, 2], 3], "A, row 2"),
        ([], "A"),
        ([[]], "A"),
        (3, "A"),
        ("[[1]]", "A"),
        (None, "A"),
        ([[1, "x"]], "A[1,2]"),
        ([[1], [float("nan")]], "A[2,1]"),
        (np.array([[1.0, np.inf]]), "A[1,2]"),
        (np.ones(3), "A"),
        (np.ones((1, 2, 2)), "A"),
        (np.zeros((0, 0)), "A"),
        (np.array([[1j]]), "A[1,1]"),
        (np.array([[True]]), "A[1,1]"),
        (np.array([["a"]]), "A[1,1]"),
        (np.array([[3]], dtype="m8[s]"), "A[1,1]"),
        (np.ma.array([[3.0, 1.0]], mask=[[1, 0]]), "A"),
        (np.ma.array([[3.0, 1.0]]), "A"),
    ],
)
def test_what_is_no_matrix(value: Any, place: str) -> None:
    with pytest.raises(ProblemError) as error:
        ExactMatrix.read(value, "A")
    assert error.value.field.startswith(place)


def test_an_enclosure_has_no_exact_entries() -> None:
    enclosed = EnclosedMatrix(np.array([[1.0, 2.0]]), np.array([[0.5, 0.0]]))
    assert enclosed.T.radius.tolist() == [[0.5], [0.0]]
    with pytest.raises(TypeError):
        _ = enclosed.fractions
