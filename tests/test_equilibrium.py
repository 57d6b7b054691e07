"""Equilibria near a point: built from the answer, so that what comes back can be checked exactly."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hybrid.errors import ParseError, ProblemError
from hybrid.expressions.source import DomainError
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.equilibrium import Equilibrium, Shortfall, locate, refine, same, verify_unique

ZERO = Fraction(0)
PI = (Fraction("3.14159265358979323846264338327950288"), Fraction("3.14159265358979323846264338327950289"))
rationals = st.fractions(Fraction(-3), Fraction(3), max_denominator=9)


def scalar(text, dt=None):
    return NonlinearSystem(["x"], [], [text], dt=dt)


def pendulum():
    return NonlinearSystem(["x", "y"], ["u"], ["y", "u - sin(x) - y/10"])


def through(point, dt=None):
    """A system with a regular equilibrium at a rational point: 4(x_i − p_i) + (x_i − p_i)(x_j − p_j)."""
    states = [f"x{i}" for i in range(len(point))]
    shifted = [f"({x} - ({p}))" for x, p in zip(states, point, strict=True)]
    f = [f"4*{d} + {d}*{shifted[i - 1]}" for i, d in enumerate(shifted)]
    f = f if dt is None else [f"{x} + {g}" for x, g in zip(states, f, strict=True)]
    return NonlinearSystem(states, [], f, dt=dt)


# The point that was given


@given(st.lists(rationals, min_size=1, max_size=4), st.sampled_from([None, 1]))
def test_a_rational_equilibrium_is_recognised_exactly(point, dt):
    system = through(point, dt)
    found = locate(system, dict(zip(system.states, point, strict=True)))
    assert found.is_given_point
    assert found.equilibrium == Equilibrium(system, tuple(point), (ZERO,) * len(point), ())
    assert found.equilibrium.exact
    assert found.residual == ((ZERO, ZERO),) * len(point)
    assert found.reason is None


@settings(max_examples=30)
@given(st.lists(rationals, min_size=1, max_size=3), st.sampled_from([None, 1]))
def test_a_point_beside_an_equilibrium_is_not_one_and_the_equilibrium_is_offered(point, dt):
    system = through(point, dt)
    at = {x: p + Fraction(1, 1000) for x, p in zip(system.states, point, strict=True)}
    found = locate(system, at)
    assert not found.is_given_point
    assert found.equilibrium.exact
    assert found.equilibrium.midpoint == tuple(point)
    assert all(low == high > 0 for low, high in found.residual)


def test_a_double_is_taken_for_the_equilibrium_that_it_rounds():
    system = through([Fraction(1, 3), Fraction(2, 7)])
    found = locate(system, {"x0": 1 / 3, "x1": 2 / 7})
    assert found.is_given_point
    assert found.equilibrium.midpoint == (Fraction(1, 3), Fraction(2, 7))
    assert any(low > 0 for low, _ in found.residual)


def test_ten_digits_are_no_rounding():
    found = locate(scalar("x^2 - 2"), {"x": "1.4142135623"})
    assert not found.is_given_point
    assert found.equilibrium is not None


@settings(max_examples=40)
@given(st.integers(2, 200), st.booleans())
def test_an_irrational_equilibrium_is_enclosed(k, negative):
    assume(round(k**0.5) ** 2 != k)
    system = scalar(f"x^2 - {k}")
    start = -(k**0.5) if negative else k**0.5
    found = locate(system, {"x": start})
    low, high = found.equilibrium.box["x"]
    outer, inner = (low, high) if negative else (high, low)
    assert inner**2 < k < outer**2
    assert (low < 0) == negative
    assert high - low < Fraction(1, 10**15)
    assert found.is_given_point
    assert not found.equilibrium.exact
    assert verify_unique(system, found.equilibrium.box)
    assert found.residual[0][0] <= abs(Fraction(start) ** 2 - k) <= found.residual[0][1]


def test_a_multiple_of_pi_is_an_equilibrium_exactly():
    found = locate(pendulum(), {"x": "pi", "y": 0, "u": 0})
    assert found.is_given_point
    assert found.residual == ((ZERO, ZERO), (ZERO, ZERO))
    low, high = found.equilibrium.box["x"]
    assert low < PI[0] < PI[1] < high
    assert verify_unique(pendulum(), found.equilibrium.box)


def test_an_irrational_text_lies_in_the_enclosure():
    lorenz = NonlinearSystem.from_text("x' = 10*(y - x); y' = x*(28 - z) - y; z' = x*y - 8/3*z")
    found = locate(lorenz, {"x": "sqrt(72)", "y": "sqrt(72)", "z": 27})
    assert found.is_given_point
    low, high = found.equilibrium.box["x"]
    assert low**2 < 72 < high**2


def test_a_fixed_point_in_discrete_time():
    logistic = scalar("3.2*x*(1 - x)", dt=1)
    found = locate(logistic, {"x": "0.6875"})
    assert found.is_given_point
    assert not locate(scalar("3.2*x*(1 - x)"), {"x": "0.6875"}).is_given_point


# Equilibria close together


CLOSE = ["(x - 1)*(x - 2)*(x - 2 - 1e-12)", "x^3 - (5 + 1e-12)*x^2 + (8 + 3e-12)*x - 4 - 2e-12"]


@pytest.mark.parametrize("text", CLOSE)
def test_equilibria_1e_12_apart_are_told_apart(text):
    system = scalar(text)
    for at in ("2", "2.000000000001"):
        found = locate(system, {"x": at})
        assert found.is_given_point
        assert found.equilibrium.midpoint == (Fraction(at),)
    assert verify_unique(system, {"x": ("1.99999999999999", "2.00000000000001")})
    assert not verify_unique(system, {"x": ("1.9999999999999", "2.0000000000011")})


@pytest.mark.parametrize("text", CLOSE)
def test_between_two_equilibria_neither_is_the_given_point(text):
    found = locate(scalar(text), {"x": "2.0000000000005"})
    assert not found.is_given_point
    assert found.equilibrium.midpoint in {(Fraction(2),), (Fraction("2.000000000001"),)}


def test_irrational_equilibria_1e_40_apart_end_in_disjoint_enclosures():
    system = scalar("(x^2 - 2)*((x - 1e-40)^2 - 2)")
    found = locate(system, {"x": "1.41421356237309504880168872420969807856967"})
    assert found.equilibrium is not None
    (low, high) = found.equilibrium.box["x"]
    first, second = low**2 < 2 < high**2, (low - Fraction(1, 10**40)) ** 2 < 2 < (high - Fraction(1, 10**40)) ** 2
    assert first != second


@pytest.mark.parametrize("text", ["(x^2 - 2)^2", "x^2 + 1e-30", "x^2 - 2*x + 1 + 1e-24", "(exp(x) - 2)^3"])
@pytest.mark.parametrize("at", [{"x": 1.5}, {"x": "sqrt(2)"}, {"x": 1e-9}, None])
def test_a_fold_is_not_proved(text, at):
    found = locate(scalar(text), at)
    assert found.equilibrium is None
    assert not found.is_given_point
    assert found.reason in set(Shortfall)


def test_a_fold_at_exactly_known_coordinates_is_an_equilibrium():
    found = locate(scalar("(x - 1/3)^2"), {"x": "1/3"})
    assert found.is_given_point
    assert found.equilibrium.exact
    assert locate(scalar("(x - 1/3)^2"), {"x": 0.4}).equilibrium.midpoint == (Fraction(1, 3),)


def test_a_given_fold_at_pi_is_recognised_but_not_proved_unique():
    found = locate(scalar("sin(x)^2"), {"x": "pi"})
    assert found.residual == ((ZERO, ZERO),)
    assert found.is_given_point
    assert found.equilibrium is None
    assert found.reason is Shortfall.NOT_ISOLATED


def test_a_curve_of_equilibria_yields_an_exact_one():
    tora = NonlinearSystem.from_text("a' = b; b' = -a + 0.1*sin(c); c' = d; d' = u", inputs=["u"])
    found = locate(tora, {"a": 0.1, "b": 0, "c": 0.3, "d": 0})
    assert not found.is_given_point
    assert found.equilibrium.exact


# Without a point


def test_without_a_point_the_origin_comes_first():
    found = locate(pendulum())
    assert found.equilibrium.midpoint == (0, 0)
    assert not found.is_given_point
    assert found.residual is None


def test_without_a_point_the_nearest_one_found_is_taken():
    found = locate(pendulum(), {"u": "1/2"})
    low, high = found.equilibrium.box["x"]
    assert low < PI[0] / 6 < high
    assert found.equilibrium.inputs == (Fraction(1, 2),)


def test_inputs_left_out_are_zero_and_listed():
    system = NonlinearSystem(["x"], ["u", "v"], ["u + v - x"])
    found = locate(system, {"x": 3, "v": 3})
    assert found.is_given_point
    assert found.inputs_assumed_zero == ("u",)
    assert found.equilibrium.box == {"x": (3, 3), "u": (0, 0), "v": (3, 3)}
    assert found.equilibrium.point == {"x": 3, "u": 0, "v": 3}


@pytest.mark.parametrize("text", ["exp(x)", "1", "x^2 + 1", "sqrt(x) + 1"])
def test_nothing_is_found_where_nothing_is(text):
    found = locate(scalar(text))
    assert found.equilibrium is None
    assert found.reason in set(Shortfall)


def test_an_origin_outside_the_domain_is_no_obstacle():
    low, high = locate(scalar("log(x) + 1")).equilibrium.box["x"]
    assert low < Fraction("0.36787944117144232159552") < high


# Krawczyk's test


@given(st.lists(rationals, min_size=1, max_size=3, unique=True), rationals, st.fractions(Fraction(0), Fraction(2)))
def test_a_box_proved_to_hold_one_does(roots, centre, radius):
    system = scalar("*".join(f"(x - ({root}))" for root in roots))
    low, high = centre - radius, centre + radius
    if verify_unique(system, {"x": (low, high)}):
        assert sum(low < root < high for root in roots) == sum(low <= root <= high for root in roots) == 1


@pytest.mark.parametrize("just", ["0", "1e-30", "1e-12"])
def test_an_equilibrium_just_outside_the_box_is_not_in_it(just):
    assert not verify_unique(scalar("x"), {"x": (just, 2)})
    assert verify_unique(scalar("x"), {"x": (f"-{just}", 2)}) == (just != "0")


@given(rationals, rationals)
def test_a_box_around_a_regular_equilibrium_is_proved(p, q):
    system = through([p, q])
    assert verify_unique(system, {"x0": (p - Fraction(1, 10), p + Fraction(1, 9)), "x1": (q - Fraction(1, 8), q + 1)})


def test_a_kink_has_the_jacobian_of_clarke():
    assert verify_unique(scalar("-x - abs(x)/2"), {"x": (-1, 1)})
    assert not verify_unique(scalar("-x - 2*abs(x)"), {"x": (-1, 1)})
    assert not verify_unique(scalar("x*sign(x) + x/2"), {"x": (-1, 1)})


@pytest.mark.parametrize("text", ["1/x - 1e6", "log(x) + 7", "tan(x) - 1e6"])
def test_a_box_that_leaves_the_domain_is_not_proved(text):
    assert not verify_unique(scalar(text), {"x": (-3, 3)})


# Enclosures


@pytest.mark.parametrize("bits", [80, 300, 900])
def test_refine_narrows(bits):
    root = locate(scalar("x^2 - 2"), {"x": 1.4}).equilibrium
    narrow = refine(root, bits)
    assert narrow.radius[0] <= Fraction(2, 2**bits)
    low, high = narrow.box["x"]
    assert low**2 < 2 < high**2
    assert narrow.lies_in(root)
    assert same(root, narrow)


def test_refine_leaves_an_exact_equilibrium():
    exact = locate(scalar("x - 1"), {"x": 1}).equilibrium
    assert refine(exact, 500) is exact


def test_a_fraction_with_a_long_denominator_is_found_exactly():
    root = Fraction(123456789, 987654321)
    assert locate(scalar(f"(x - {root})*(x + 5)"), {"x": 0.1}).equilibrium.midpoint == (root,)


def test_a_fraction_in_the_enclosure_that_is_no_equilibrium_is_not_taken():
    found = locate(scalar("x^2 - 1/9 - 1e-25"), {"x": 0.4}).equilibrium
    low, high = found.box["x"]
    assert not found.exact
    assert low**2 < Fraction(1, 9) + Fraction(1, 10**25) < high**2


# Wrong calls


@pytest.mark.parametrize(
    ("at", "field"),
    [({"z": 1}, "at"), ({"x": 1}, "y"), ({"x": 1, "y": 0, "u": "pi"}, "u"), ({"x": 1, "y": 0, "u": "sqrt(2)"}, "u")],
)
def test_a_wrong_point_is_refused(at, field):
    with pytest.raises(ProblemError) as caught:
        locate(pendulum(), at)
    assert caught.value.field == field


def test_text_is_read_and_never_run():
    with pytest.raises(ParseError):
        locate(pendulum(), {"x": "__import__('os')", "y": 0})


def test_a_free_parameter_is_refused():
    with pytest.raises(ProblemError, match="no value for k"):
        locate(NonlinearSystem(["x"], [], ["k*x"], {"k": None}), {"x": 0})


@pytest.mark.parametrize(
    ("text", "x"), [("1/x", 0), ("log(x)", -1), ("sqrt(x)", -1), ("asin(x)", 2), ("1/sin(x)", "pi")]
)
def test_a_point_outside_the_domain_names_the_operation(text, x):
    with pytest.raises(DomainError) as caught:
        locate(scalar(text), {"x": x})
    assert (caught.value.line, caught.value.column) == (1, 2 if text == "1/x" or "/s" in text else 1)


@pytest.mark.parametrize(
    ("box", "field"),
    [
        ({"x": (1, 0)}, "x"),
        ({"x": (0, 1, 2)}, "x"),
        ({"x": (0, 1)}, "y"),
        ({"x": (0, 1), "y": (0, 1), "u": (0, 1)}, "u"),
    ],
)
def test_a_wrong_box_is_refused(box, field):
    with pytest.raises(ProblemError) as caught:
        verify_unique(pendulum(), box)
    assert caught.value.field == field


# Published equilibria

UNDEFINED = {"barrett_vinograd": DomainError}


@pytest.mark.shared
def test_published_equilibria_are_equilibria(shared):
    count = 0
    for path in sorted((shared / "plants" / "nonlinear").glob("*.json")):
        plant = json.loads(path.read_text(), parse_float=str)
        if not isinstance(plant, dict) or plant.get("equilibrium") is None:
            continue
        dt = None if plant["time_domain"] == "continuous" else 1
        system = NonlinearSystem(plant["states"], plant["inputs"], plant["f"], plant["params"], dt=dt)
        at = dict(zip(system.variables, plant["equilibrium"]["x"] + plant["equilibrium"]["u"], strict=True))
        if plant["name"] in UNDEFINED:
            with pytest.raises(UNDEFINED[plant["name"]]):
                locate(system, at)
            continue
        found = locate(system, at)
        assert found.is_given_point, plant["name"]
        assert found.equilibrium.exact or verify_unique(system, found.equilibrium.box), plant["name"]
        count += 1
    assert count >= 40
