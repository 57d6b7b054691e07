"""Systems of other libraries, and transfer functions as exact realisations."""

import subprocess
import sys
from fractions import Fraction

import control
import flint
import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.coerce import coerce
from hybrid.systems.linear import LinearSystem
from hybrid.systems.plants import plant
from hybrid.systems.realisation import realise

A, B, C, D = np.array([[0.0, 1.0], [-0.1, 3.0]]), np.ones((2, 1)), np.eye(2), np.zeros((2, 1))


def exact(rows):
    return flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in map(Fraction, row)] for row in rows])


def value_of(system, s):
    """C (sI − A)⁻¹ B + D, exactly."""
    identity = flint.fmpq_mat([[int(i == j) for j in range(system.n)] for i in range(system.n)])
    resolvent = (identity * s - exact(system.A.fractions)).inv()
    return exact(system.C.fractions) * resolvent * exact(system.B.fractions) + exact(system.D.fractions)


def test_what_is_a_system_already():
    system = LinearSystem(A)
    assert coerce(system) is system
    assert coerce(plant("cart-pole")) is plant("cart-pole").system
    assert coerce(A) == coerce(A.tolist()) == coerce(system.A) == system
    assert coerce([["1/3"]]).A.fractions == ((Fraction(1, 3),),)


@pytest.mark.parametrize(("dt", "expected"), [(None, None), (0, None), (True, 1), (0.1, Fraction(0.1))])
def test_control_state_space_and_its_time_base(dt, expected):
    given = control.ss(A, B, C, D, dt, name="motor")
    system = coerce(given)
    assert system == LinearSystem(A, B, C, D, expected)
    assert system.name == "motor"
    assert coerce(control.ss(A, B, C, D, dt)).name == ""
    assert coerce(control.tf([1.0], [1.0, 2.0], dt)).dt == expected


def test_systems_without_inputs_or_states():
    autonomous = coerce(control.ss(A, np.zeros((2, 0)), C, np.zeros((2, 0))))
    assert (autonomous.m, autonomous.D) == (0, None)
    with pytest.raises(DimensionError):
        coerce(control.ss([], [], [], 5))
    with pytest.raises(DimensionError, match="no poles"):
        coerce(control.tf([2.0], [4.0]))


def test_scipy_systems():
    assert coerce(scipy.signal.StateSpace(A, B, C, D)) == LinearSystem(A, B, C, D)
    assert coerce(scipy.signal.TransferFunction([1.0], [1.0, 0.1], dt=0.5)).A.fractions == ((Fraction(-0.1),),)


def test_siso_transfer_function_cancels_nothing():
    """(s − 1)/((s − 1)(s + 2)): the unstable pole is the user's, and stays."""
    system = coerce(control.tf([1.0, -1.0], np.polymul([1.0, -1.0], [1.0, 2.0])))
    assert system.A.fractions == ((0, 1), (2, -1))
    assert system.C.fractions == ((-1, 1),)
    biproper = coerce(control.tf([3.0, 5.0], [2.0, 1.0]))
    assert (biproper.A, biproper.D.fractions) == (LinearSystem([["-1/2"]]).A, ((Fraction(3, 2),),))


coefficients = st.lists(st.integers(-9, 9), min_size=1, max_size=3)
denominators = st.tuples(st.integers(1, 9), st.integers(-9, 9), st.integers(-9, 9)).map(list)


@given(st.lists(st.lists(st.tuples(coefficients, denominators), min_size=2, max_size=2), min_size=1, max_size=3))
def test_realisation_has_the_transfer_function(entries):
    rows = realise([[n for n, _ in row] for row in entries], [[d for _, d in row] for row in entries])
    system = LinearSystem(*rows)
    assert system.n <= 2 * 2 * len(entries)
    s = flint.fmpq(1001, 7)
    values = value_of(system, s)
    for i, row in enumerate(entries):
        for j, (numerator, denominator) in enumerate(row):
            above, below = (sum(c * s**k for k, c in enumerate(reversed(p))) for p in (numerator, denominator))
            assert values[i, j] == above / below


def test_mimo_shares_the_denominator_of_a_column():
    both = control.tf([[[1.0]], [[2.0]]], [[[1.0, 3.0, 2.0]], [[1.0, 2.0]]])
    assert coerce(both).n == 2  # s + 2 divides (s + 1)(s + 2)
    apart = control.tf([[[1.0], [2.0]]], [[[1.0, 1.0], [1.0, 1.0]]])
    assert (coerce(apart).n, coerce(apart).m) == (2, 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("plant.toml", "hybrid.read"),
        (3, "system: got int"),
        (None, "system: got NoneType"),
        (control.tf([1.0, 0.0, 0.0], [1.0, 2.0]), r"transfer function \[1,1\]: got a numerator of degree 2"),
        (np.ones(3), "A: got an array of shape"),
        ([1, 2], "A, row 1"),
        (control.ss(A * np.nan, B, C, D, remove_useless_states=False), r"A\[1,1\]: got nan"),
    ],
)
def test_refusals(value, message):
    with pytest.raises(ProblemError, match=message):
        coerce(value)


def test_control_is_never_imported():
    code = "import sys; from hybrid.systems.coerce import coerce; coerce([[1]]); assert 'control' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
