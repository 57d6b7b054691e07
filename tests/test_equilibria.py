"""All equilibria of a box: systems built from their equilibria, which all come back, proved or in undecided boxes."""

from __future__ import annotations

import itertools
import json
import math
import re
from fractions import Fraction

import pytest
from click.testing import CliRunner
from expression_cases import expressions
from flint import arb, ctx
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hybrid.errors import ProblemError
from hybrid.exact.boxes import contains
from hybrid.exact.branch_and_bound import _hulls_of_neighbours
from hybrid.exact.contraction import Contractor, Empty
from hybrid.exact.equilibria import find
from hybrid.expressions.balls import ball
from hybrid.expressions.source import DomainError
from hybrid.plugins.cli import cli
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.equilibrium import verify_unique

SQRT2 = Fraction("1.41421356237309504880168872420969807856967187537694")
rationals = st.fractions(Fraction(-3), Fraction(3), max_denominator=6)
roots = st.lists(rationals, min_size=1, max_size=3, unique=True)


def scalar(text, dt=None):
    return NonlinearSystem(["x"], [], [text], dt=dt)


def midpoints(found):
    return [each.midpoint for each in found.proved]


def is_covered(found, point):
    """Whether a point lies in a proved enclosure or in an undecided box."""
    names = found.system.states
    boxes = [*(each.box for each in found.proved), *found.undecided]
    return any(all(box[x][0] <= p <= box[x][1] for x, p in zip(names, point, strict=True)) for box in boxes)


def assert_consistent(found):
    """Proved enclosures are disjoint, and Krawczyk's test succeeds on each that is no point."""
    for each in found.proved:
        assert each.exact or verify_unique(found.system, each.box)
    for one, other in itertools.combinations(found.proved, 2):
        assert any(a[1] < b[0] or b[1] < a[0] for a, b in zip(one.sides, other.sides, strict=True))


# Built from the answer


@settings(max_examples=60, deadline=None)
@given(roots, rationals, st.fractions(Fraction(0), Fraction(4), max_denominator=6), st.booleans())
def test_the_roots_of_a_polynomial(zeros, centre, radius, discrete):
    product = "*".join(f"(x - ({root}))" for root in zeros)
    system = scalar(f"x + {product}", dt=1) if discrete else scalar(product)
    low, high = centre - radius, centre + radius
    found = find(system, {"x": (low, high)})
    assert found.complete
    assert midpoints(found) == sorted((root,) for root in zeros if low <= root <= high)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(roots, roots, st.integers(-2, 2), st.integers(-2, 2), st.sampled_from([1, 2, 3]))
def test_a_grid_of_equilibria_in_mixed_equations(first, second, a, b, reach):
    # p(x) = q(y) = 0, mixed by a matrix of determinant 1; grid points on the border and the first cut belong too
    p = "*".join(f"(x - ({root}))" for root in first)
    q = "*".join(f"(y - ({root}))" for root in second)
    system = NonlinearSystem(["x", "y"], [], [f"(1 + {a * b})*({p}) + ({a})*({q})", f"({b})*({p}) + ({q})"])
    found = find(system, {"x": (-reach, reach), "y": (-reach, reach)})
    assert found.complete
    assert midpoints(found) == sorted((x, y) for x in first for y in second if max(abs(x), abs(y)) <= reach)


def test_lorenz_has_three():
    lorenz = NonlinearSystem.from_text("x' = 10*(y - x); y' = x*(28 - z) - y; z' = x*y - 8/3*z")
    found = find(lorenz, {"x": (-20, 20), "y": (-20, 20), "z": (-20, 50)})
    assert found.complete
    assert len(found.proved) == 3
    for each, sign in zip(found.proved, (-1, 0, 1), strict=True):
        low, high = (sign * bound for bound in each.box["x"])
        assert each.midpoint == (0, 0, 0) if sign == 0 else min(low, high) ** 2 < 72 < max(low, high) ** 2
    assert_consistent(found)
    assert find(lorenz, {"x": (-20, 20), "y": (-20, 20), "z": (-20, 20)}).complete


def test_a_pendulum_rests_at_the_multiples_of_pi():
    pendulum = NonlinearSystem(["x", "y"], ["u"], ["y", "u - sin(x) - y/10"])
    found = find(pendulum, {"x": (-10, 10), "y": (-1, 1)})
    assert found.complete
    assert [float(each.point["x"]) for each in found.proved] == pytest.approx([k * math.pi for k in range(-3, 4)])
    pushed = find(pendulum, {"x": (-10, 10), "y": (-1, 1)}, {"u": "1/2"})
    assert pushed.complete
    assert pushed.box["u"] == (Fraction(1, 2), Fraction(1, 2))
    expected = sorted(k * math.pi + (-1) ** k * math.pi / 6 for k in range(-4, 4))
    assert [float(each.point["x"]) for each in pushed.proved] == pytest.approx([x for x in expected if abs(x) < 10])
    assert_consistent(pushed)
    assert find(pendulum, {"x": (-10, 10), "y": (-1, 1)}, {"u": "1.0001"}).proved == ()


def test_fixed_points_of_the_second_iterate():
    twice = scalar("3.5*(3.5*x*(1 - x))*(1 - 3.5*x*(1 - x))", dt=1)
    found = find(twice, {"x": (0, 1)})
    assert found.complete
    assert midpoints(found) == [(0,), (Fraction(3, 7),), (Fraction(5, 7),), (Fraction(6, 7),)]


# Close together, folds, poles


@pytest.mark.parametrize(
    "text", ["(x - 1)*(x - 2)*(x - 2 - 1e-12)", "x^3 - (5 + 1e-12)*x^2 + (8 + 3e-12)*x - 4 - 2e-12"]
)
def test_equilibria_1e_12_apart(text):
    found = find(scalar(text), {"x": (-10, 10)})
    assert found.complete
    assert midpoints(found) == [(1,), (2,), (Fraction("2.000000000001"),)]


def test_irrational_equilibria_1e_12_apart():
    found = find(
        NonlinearSystem(["x", "y"], [], ["(x^2 - 2)*((x - 1e-12)^2 - 2)", "y - x^3"]), {"x": (0, 3), "y": (-9, 9)}
    )
    assert found.complete
    assert [
        each.box["x"][0] < root < each.box["x"][1]
        for each, root in zip(found.proved, (SQRT2, SQRT2 + Fraction(1, 10**12)), strict=True)
    ] == [True, True]
    assert_consistent(found)


@pytest.mark.parametrize("text", ["(x^2 - 2)^2", "(x^2 - 2)^3", "exp(x^2 - 2) - 1 - (x^2 - 2)"])
def test_irrational_folds_are_undecided(text):
    found = find(scalar(text), {"x": (-10, 10)})
    assert found.proved == ()
    assert len(found.undecided) == 2
    assert is_covered(found, [SQRT2])
    assert is_covered(found, [-SQRT2])
    assert all(box["x"][1] - box["x"][0] < Fraction(1, 10**6) for box in found.undecided)


def test_a_split_fold_is_proved_and_a_lifted_one_excluded():
    split, lifted = find(scalar("x^2 - 1e-20"), {"x": (-5, 4)}), find(scalar("x^2 + 1e-20"), {"x": (-5, 4)})
    assert midpoints(split) == [(Fraction(-1, 10**10),), (Fraction(1, 10**10),)]
    assert split.complete
    assert lifted.complete
    assert lifted.proved == ()


def test_a_fold_in_two_states():
    system = NonlinearSystem(["x", "y"], [], ["x^2 - 2*x*y + y", "y - 1/2 - x/2 + x^2/8"])
    assert_consistent(find(system, {"x": (-4, 4), "y": (-4, 4)}))
    touching = NonlinearSystem(["x", "y"], [], ["y - sin(x)", "y - 1 + (x - 3)^2*cos(x)^2"])
    found = find(touching, {"x": (1, 2), "y": (0, 2)}, limit_boxes=4000)
    half_pi = Fraction("1.570796326794896619231321691639751442")
    assert found.proved == ()
    assert is_covered(found, [half_pi, 1])


def test_what_doubles_cannot_tell_apart_stays_undecided():
    found = find(scalar("(x - 1)*(x - 2)*(x - 2 - 1e-40)"), {"x": (-10, 10)})
    assert midpoints(found) == [(1,), (2,)]
    assert not found.complete
    assert is_covered(found, [2 + Fraction(1, 10**40)])


def test_a_degenerate_equilibrium_at_exact_coordinates():
    found = find(NonlinearSystem(["x", "y"], [], ["x*y", "-y - x^2"]), {"x": (-5, 5), "y": (-5, 5)})
    assert midpoints(found) == [(0, 0)]
    assert is_covered(found, [0, 0])
    cubic = find(scalar("-x^3"), {"x": (-3, 4)})
    assert cubic.complete
    assert midpoints(cubic) == [(0,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/x - 2", [Fraction(1, 2)]),
        ("1/x - 1e9", [Fraction(1, 10**9)]),
        ("1/(x - 1) - 1e9", [1 + Fraction(1, 10**9)]),
        ("(x - 1/3)/(x - 1/3 - 1e-9)", [Fraction(1, 3)]),
        ("1/x^2 - 1e6", [Fraction(-1, 1000), Fraction(1, 1000)]),
        ("sqrt(x) - 1e-6", [Fraction(1, 10**12)]),
        ("asin(x) - pi/6", [Fraction(1, 2)]),
        ("acos(x)", [Fraction(1)]),
        ("log(x)*(x - 3)", [Fraction(1), Fraction(3)]),
    ],
)
def test_equilibria_beside_poles_and_borders_of_the_domain(text, expected):
    found = find(scalar(text), {"x": (-5, 7)})
    assert all(is_covered(found, [x]) for x in expected)
    assert set(midpoints(found)) <= {(x,) for x in expected} or not found.proved[0].exact
    assert len(found.proved) <= len(expected)
    assert found.complete or text == "acos(x)"


def test_an_irrational_equilibrium_beside_a_pole():
    found = find(scalar("log(x) + 30"), {"x": (-5, 5)})
    assert found.complete
    assert [float(each.point["x"]) for each in found.proved] == [pytest.approx(math.exp(-30), rel=1e-12)]
    assert find(scalar("tan(x) - 1e6"), {"x": (-4, 4)}).complete


# Boxes that hold none


@pytest.mark.parametrize(
    "text",
    [
        "exp(x)",
        "x^2 + 1e-30",
        "1/x",
        "log(x) - 20",
        "sqrt(x) + 1e-9",
        "cosh(x) - 0.999",
        "abs(x) + 1e-12",
        "tanh(x) - 1",
    ],
)
def test_nothing_is_proved_to_be_nothing(text):
    found = find(scalar(text), {"x": (-10, 10)})
    assert found.complete
    assert found.proved == ()


def test_a_box_outside_the_domain_holds_none():
    for text in ("log(x)", "sqrt(x) - x", "x^(1/4) - 1", "acos(x - 8)"):
        found = find(scalar(text), {"x": (-3, -1)})
        assert found.complete
        assert found.proved == ()


def test_a_box_that_may_leave_the_domain_is_not_excluded():
    found = find(scalar("sqrt(x - 1) - sqrt(1 - x)"), {"x": (-3, 4)})
    assert is_covered(found, [1])


# The border of the box


def test_an_equilibrium_on_the_border_belongs_to_the_box():
    assert midpoints(find(scalar("x - 1"), {"x": (1, 2)})) == [(1,)]
    assert midpoints(find(scalar("x - 1"), {"x": (1, 1)})) == [(1,)]
    assert midpoints(find(scalar("x - 0.1"), {"x": ("0.1", "0.2")})) == [(Fraction(1, 10),)]


def test_an_irrational_equilibrium_just_outside_does_not():
    below, above = (math.isqrt(2 * 10**80) + k for k in (0, 1))
    inside = find(scalar("x^2 - 2"), {"x": (0, Fraction(above, 10**40))})
    outside = find(scalar("x^2 - 2"), {"x": (0, Fraction(below, 10**40))})
    assert len(inside.proved) == 1
    assert inside.complete
    assert outside.proved == ()
    assert outside.complete


# Limits


def test_a_curve_of_equilibria_is_covered_when_the_search_stops():
    circle = NonlinearSystem(["x", "y"], [], ["x^2 + y^2 - 1", "x*(x^2 + y^2 - 1)"])
    found = find(circle, {"x": (-2, 2), "y": (-2, 2)}, limit_boxes=300)
    assert not found.complete
    assert found.examined == 300
    for a, b, c in ((3, 4, 5), (5, 12, 13), (8, 15, 17), (0, 1, 1)):
        assert all(is_covered(found, [s * Fraction(a, c), t * Fraction(b, c)]) for s in (-1, 1) for t in (-1, 1))


def test_many_undecided_boxes_are_joined_to_few_that_follow_the_curve():
    circle = NonlinearSystem(["x", "y"], [], ["x^2 + y^2 - 1", "0"])
    found = find(circle, {"x": (-2, 2), "y": (-2, 2)}, limit_boxes=3000)
    assert len(found.undecided) <= 64
    for a, b, c in ((3, 4, 5), (5, 12, 13), (8, 15, 17), (0, 1, 1)):
        assert all(is_covered(found, [s * Fraction(a, c), t * Fraction(b, c)]) for s in (-1, 1) for t in (-1, 1))
    assert not is_covered(found, [0, 0])
    area = sum((box["x"][1] - box["x"][0]) * (box["y"][1] - box["y"][0]) for box in found.undecided)
    assert area < 1


def test_joined_boxes_cover_all_that_are_left():
    corners = [((float(i % 17), i % 17 + 0.5), (i * 1e-3, i * 1e-3)) for i in range(300)]
    for boxes in (corners, corners[:1] * 100):
        joined = _hulls_of_neighbours(boxes, 64)
        assert len(joined) <= 64
        assert all(any(contains(hull, box) for hull in joined) for box in boxes)
    assert _hulls_of_neighbours(corners[:1] * 100, 64) == corners[:1]


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("x' = sin(exp(x))", {"x": (-1000, 1000)}),
        ("x' = cos(x^9)", {"x": ("1e40", "1e41")}),
        ("x' = tan(exp(x))", {"x": (-1000, 1000)}),
        ("x' = sin(exp(x*y)); y' = x - y", {"x": (-50, 50), "y": (-50, 50)}),
    ],
)
def test_angles_beyond_the_doubles_are_searched(text, box):
    system = NonlinearSystem.from_text(text)
    found = find(system, box, limit_boxes=300)
    assert not found.complete
    assert_consistent(found)


def test_a_huge_narrow_angle_is_not_lost():
    found = find(scalar("sin(x)"), {"x": (10**40, 10**40 + 4)}, limit_boxes=300)
    assert found.proved or found.undecided  # 4 is more than half a turn


def test_no_time_leaves_the_whole_box():
    found = find(scalar("x"), {"x": (-1, 2)}, timeout=0)
    assert found.undecided == ({"x": (-1, 2)},)
    assert found.examined == 0


def test_progress_rises_to_one():
    shares = []
    system = NonlinearSystem.from_text("x' = sin(y) - x/5; y' = sin(z) - y/5; z' = sin(x) - z/5")
    first = find(system, {name: (-10, 10) for name in "xyz"}, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    again = find(system, {name: (-10, 10) for name in "xyz"})
    assert again == first
    assert first.complete
    assert len(first.proved) % 2 == 1
    assert_consistent(first)


# Any system: f(x, y) = F(x, y) − F(p), so that p is an equilibrium whatever F is


def shifted(cases, point):
    """The system, or None where F has no value at the point."""
    names = dict(zip("xy", point, strict=True))
    there = [re.sub(r"\b[xy]\b", lambda match: f"({names[match[0]]})", text) for text, _ in cases]
    try:
        system = NonlinearSystem(["x", "y"], [], [f"({t}) - ({c})" for (t, _), c in zip(cases, there, strict=True)])
        return None if isinstance(system.linearise_ball(dict(names)), DomainError) else system
    except ProblemError:
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(expressions(), expressions()), st.tuples(rationals, rationals), st.tuples(rationals, rationals))
def test_a_contraction_keeps_the_equilibrium(cases, point, corner):
    system = shifted(cases, point)
    assume(system is not None)
    with ctx.workprec(64):
        box = [ball(p).union(ball(c)) for p, c in zip(point, corner, strict=True)]
        contractor = Contractor(system, [])
        try:
            for _ in range(3):
                box = contractor.contract(box)
        except Empty:
            pytest.fail("the box held an equilibrium")
        assert all(side.overlaps(ball(p)) for side, p in zip(box, point, strict=True))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(expressions(), expressions()), st.tuples(rationals, rationals), st.tuples(rationals, rationals))
def test_a_search_keeps_the_equilibrium(cases, point, corner):
    system = shifted(cases, point)
    assume(system is not None)
    box = {x: (min(p, c), max(p, c)) for x, p, c in zip("xy", point, corner, strict=True)}
    found = find(system, box, limit_boxes=60)
    assert is_covered(found, point)
    assert_consistent(found)


@pytest.mark.parametrize(
    "text", ["sin", "cos", "tan", "exp", "atan", "tanh", "sinh", "cosh", "abs", "sqrt", "log", "asin", "acos"]
)
@pytest.mark.parametrize("inner", ["x", "3*x - 1", "x^2", "x^3 - x", "1/x", "1/(x - 2)^3"])
def test_each_operation_backward(text, inner):
    for k in range(-12, 13):
        point = Fraction(k, 4)
        value = inner.replace("x", f"({point})")
        try:
            system = scalar(f"{text}({inner}) - {text}({value})")
            if isinstance(system.linearise_ball({"x": point}), DomainError):
                continue
        except ProblemError:
            continue
        with ctx.workprec(64):
            (side,) = Contractor(system, []).contract([arb(-3).union(arb(4))])
            assert side.overlaps(ball(point)), (text, inner, point)


# Wrong calls


@pytest.mark.parametrize(
    ("box", "field"),
    [
        ({}, "x"),
        ({"x": (1, 0)}, "x"),
        ({"x": (0, 1), "w": (0, 1)}, "box"),
        ({"x": (0, "1e200")}, "x"),
        ({"x": "a"}, "x"),
    ],
)
def test_a_wrong_box_is_refused(box, field):
    with pytest.raises(ProblemError) as caught:
        find(scalar("x"), box)
    assert caught.value.field == field
    assert "Fraction" not in str(caught.value)


def test_an_input_with_a_width_is_refused_in_plain_text():
    result = CliRunner().invoke(cli, ["equilibria", "x'=x^2-y", "--inputs", "y", "--box", "x=-2:2,y=1:2"])
    assert result.exit_code == 2
    assert "--box, y: got 1:2, expected one number: inputs are held constant" in result.output


def test_a_free_parameter_is_refused():
    with pytest.raises(ProblemError, match="no value for k"):
        find(NonlinearSystem(["x"], [], ["k*x"], {"k": None}), {"x": (0, 1)})


# Published equilibria


@pytest.mark.shared
def test_published_equilibria_lie_in_what_is_found(shared):
    for path in sorted((shared / "plants" / "nonlinear").glob("*.json")):
        plant = json.loads(path.read_text(), parse_float=str)
        if not isinstance(plant, dict) or plant.get("equilibrium") is None:
            continue
        dt = None if plant["time_domain"] == "continuous" else 1
        system = NonlinearSystem(plant["states"], plant["inputs"], plant["f"], plant["params"], dt=dt)
        point = [Fraction(x) for x in plant["equilibrium"]["x"]]
        box = {x: (p - 1, p + 2) for x, p in zip(system.states, point, strict=True)}
        inputs = dict(zip(system.inputs, plant["equilibrium"]["u"], strict=True))
        found = find(system, box, inputs, limit_boxes=300)
        near = {x: Fraction(1, 10**12) * max(1, abs(p)) for x, p in zip(system.states, point, strict=True)}
        boxes = [*(each.box for each in found.proved), *found.undecided]
        assert any(
            all(box[x][0] - near[x] <= p <= box[x][1] + near[x] for x, p in zip(system.states, point, strict=True))
            for box in boxes
        ), plant["name"]
        assert_consistent(found)
