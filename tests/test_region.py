"""Regions of attraction: from systems whose exact region is known, and whose wrong regions are known too."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.errors import DimensionError, ProblemError
from hybrid.exact.decrease import Candidate, Cell, Derivative, Form, positive_definite, proved_level
from hybrid.phase_plot import phase_plane
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.equilibrium import Equilibrium, locate
from hybrid.verify.region import Region, largest, prove


def place(system, at=None):
    return locate(system, at or dict.fromkeys(system.states, 0)).equilibrium


def text(*equations, **more):
    return NonlinearSystem.from_text("; ".join(equations), **more)


CUBIC = text("x' = -x + x^3")
CIRCLE = text("x' = -y - x*(1 - x^2 - y^2)", "y' = x - y*(1 - x^2 - y^2)")  # unstable limit cycle r = 1
VAN_DER_POL = text("x' = -y", "y' = x - (1 - x^2)*y")
PENDULUM = text("x' = y", "y' = -sin(x) - y/2")
IDENTITY = [[1, 0], [0, 1]]


def test_the_region_of_a_cubic_is_found_up_to_its_border():
    region = largest(CUBIC, place(CUBIC), seconds=4)
    assert 0.98 < region.semi_axes[0] < 1
    assert region.volume[0] <= 2 * region.semi_axes[0] <= region.volume[1] * (1 + 1e-12)


@given(radius=st.fractions(Fraction(1, 100), 100, max_denominator=1000))
@settings(max_examples=15, deadline=None)
def test_an_unstable_limit_cycle_of_known_radius_bounds_what_is_proved(radius):
    r = f"(1 - (x^2 + y^2)/({radius**2}))"
    system = text(f"x' = -y - x*{r}", f"y' = x - y*{r}")
    assert prove(system, place(system), IDENTITY, radius**2 * Fraction(95, 100)) is not None
    assert prove(system, place(system), IDENTITY, radius**2, boxes=300) is None
    assert prove(system, place(system), IDENTITY, radius**2 * Fraction(1001, 1000), boxes=300) is None


@pytest.mark.parametrize("n", [2, 3, 4])
def test_products_of_a_cubic_have_the_unit_cube_and_the_ball_in_it(n):
    system = text(*(f"x{i}' = -x{i} + x{i}^3" for i in range(n)))
    identity = np.eye(n).tolist()
    assert prove(system, place(system), identity, "0.9") is not None
    assert prove(system, place(system), identity, "1.01", boxes=3000) is None


def test_no_region_holds_another_equilibrium():
    region = largest(PENDULUM, place(PENDULUM), seconds=4)
    P = np.array(region.P, float)
    upright = np.array([math.pi, 0.0])
    assert upright @ P @ upright > region.level
    assert region.volume[0] > 20  # the region between the saddles is about 6 wide
    level = Fraction(float(upright @ P @ upright)) * Fraction(10001, 10000)
    assert prove(PENDULUM, region.equilibrium, region.P, level, boxes=3000) is None


def test_the_van_der_pol_region_beats_the_textbook_and_stays_inside_the_cycle():
    region = largest(VAN_DER_POL, place(VAN_DER_POL), seconds=4)
    assert region.volume[0] > 2.25 * math.pi / math.sqrt(1.25)  # Khalil 2002, Example 8.9: 1.5x² − xy + y² < 2.25
    assert prove(VAN_DER_POL, place(VAN_DER_POL), [["1.5", "-0.5"], ["-0.5", 1]], "2.25") is not None
    for z in boundary(region):
        assert np.abs(flow(VAN_DER_POL, z, 40.0)).max() < 1e-3


def boundary(region: Region, count: int = 12):
    P = np.array(region.P, float)
    angles = np.linspace(0, 2 * math.pi, count, endpoint=False)
    return np.linalg.solve(np.linalg.cholesky(P).T, [np.cos(angles), np.sin(angles)]).T * math.sqrt(region.level)


def flow(system, start, duration):
    from scipy.integrate import solve_ivp

    return solve_ivp(lambda t, x: system.f(x), (0, duration), start, rtol=1e-9, atol=1e-12).y[:, -1]


def test_an_enclosed_equilibrium_has_a_region_around_the_true_one():
    system = text("x' = 2 - x^2")  # x* = √2; the region of attraction is x > −√2
    equilibrium = place(system, {"x": 1})
    assert not equilibrium.exact
    region = largest(system, equilibrium, seconds=3)
    assert 0.98 * 2 * math.sqrt(2) < region.semi_axes[0] < 2 * math.sqrt(2)


def test_the_width_of_the_enclosure_counts():
    system = text("x' = 2 - x^2")
    narrow = place(system, {"x": 1})
    wide = Equilibrium(system, narrow.midpoint, (Fraction(1, 4),), ())
    assert prove(system, narrow, [[1]], 7) is not None  # |x − √2| ≤ 2.65, up to −1.23
    assert prove(system, wide, [[1]], 7, boxes=2000) is None
    mirrored = text("x' = x^2 - 2")
    left = Equilibrium(mirrored, tuple(-m for m in narrow.midpoint), (Fraction(1, 4),), ())
    assert prove(mirrored, left, [[1]], 7, boxes=2000) is None


def test_a_gain_acts_on_the_region():
    system = NonlinearSystem(["x"], ["u"], ["x + x^3 + u"])
    assert largest(system, place(system), seconds=1) is None  # open loop: unstable
    region = largest(system, place(system), gain=[[5]], seconds=3)  # x' = −4x + x³: |x| < 2
    assert 1.96 < region.semi_axes[0] < 2
    assert region.gain == ((Fraction(5),),)
    assert region.claim()["gain"] == [[5]]


def test_the_region_stays_in_the_domain():
    system = text("x' = -sqrt(1 + x) + 1")  # f ends at x = −1, where f = 1
    assert prove(system, place(system), [[1]], "0.98") is not None
    assert prove(system, place(system), [[1]], "1.01", boxes=2000) is None
    assert largest(system, place(system), seconds=2).level < 1


def test_a_kink_is_bounded_by_all_its_slopes():
    system = text("x' = -2*x + abs(x - 1) - 1")  # slopes −3 and −1: globally stable
    assert prove(system, place(system), [[1]], 100) is not None


def test_marginal_and_unstable_equilibria_have_none():
    for system in (text("x' = -x^3"), text("x' = x"), text("x' = y", "y' = -x")):
        assert largest(system, place(system), seconds=1) is None
    assert prove(text("x' = x"), place(text("x' = x")), [[1]], 1, boxes=500) is None
    assert prove(CUBIC, place(CUBIC), [[-1]], 1) is None


def test_a_spent_budget_proves_nothing():
    assert prove(VAN_DER_POL, place(VAN_DER_POL), IDENTITY, "0.9", boxes=3) is None
    assert prove(VAN_DER_POL, place(VAN_DER_POL), IDENTITY, "0.9", seconds=0) is None


@given(st.lists(st.integers(-6, 6), min_size=9, max_size=9), st.floats(0, 0.5))
@settings(max_examples=60, deadline=None)
def test_positive_definite_agrees_with_eigenvalues(entries, spread):
    M = np.array(entries).reshape(3, 3)
    S = M @ M.T + np.diag([0, 1, 0])
    direction = np.sign(np.linalg.eigh(S)[1][:, 0])
    proved = positive_definite([[arb(int(entry), spread) for entry in row] for row in S])
    worst = np.linalg.eigvalsh(S - spread * np.outer(direction, direction))[0]  # within the enclosure
    assert not proved or worst > -1e-9
    assert proved or spread > 0 or np.linalg.eigvalsh(S)[0] < 1e-9


@given(st.tuples(*[st.floats(-2, 2)] * 2), st.tuples(*[st.floats(0.01, 1)] * 2), st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_the_bounds_hold_at_points_of_the_box(centre, radius, seed):
    P = ((Fraction(3, 2), Fraction(-1, 2)), (Fraction(-1, 2), Fraction(1)))
    T = ((Fraction(1), Fraction(1, 4)), (Fraction(0), Fraction(1)))
    candidate = Candidate(place(VAN_DER_POL), P, None, T)
    form = Form(candidate.form)
    cell = form.cell(centre, radius)
    y = np.array(centre) + np.random.default_rng(seed).uniform(-1, 1, (50, 2)) * radius
    z = y @ np.array(T, float).T
    V = np.einsum("ki,ij,kj->k", z, np.array(P, float), z)
    assert V.min() >= cell.low - 1e-9
    if Derivative(candidate).decreases(cell)[0]:
        assert np.einsum("ki,ij,kj->k", z, np.array(P, float), VAN_DER_POL.f(z)).max() < 1e-12


def test_curvature_that_is_not_negative_counts():
    saddle = text("x' = -x", "y' = y")  # V̇ = 2 (y² − x²)
    identity = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
    derivative = Derivative(Candidate(place(saddle), identity, None, identity))
    assert derivative.decreases(Cell(0.0, (1.0, 0.0), (0.1, 0.8)))[0]
    assert not derivative.decreases(Cell(0.0, (1.0, 0.0), (0.1, 1.0)))[0]


def test_a_box_with_the_equilibrium_is_decided_by_its_slopes():
    identity = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
    derivative = Derivative(Candidate(place(CIRCLE), identity, None, identity))
    assert derivative.decreases(Cell(0.0, (0.0, 0.0), (0.25, 0.25)))[0]
    assert not derivative.decreases(Cell(0.0, (0.0, 0.0), (1.0, 1.0)))[0]
    level, boxes = proved_level(Candidate(place(CIRCLE), identity, None, identity), [2.0, 2.0], 9.0, lambda n: n > 4000)
    assert 0.97 < level <= 1
    assert boxes <= 4001


def test_a_claim_says_it_in_exact_numbers():
    region = prove(CUBIC, place(CUBIC), [["0.5"]], "0.1")
    assert region.claim() == {
        "about": "region of attraction", "point": {"x": [0, 0]}, "P": [[Fraction(1, 2)]], "level": Fraction(1, 10),
    }  # fmt: skip
    assert region.witness() == {"boxes": region.boxes}
    assert region.volume[0] <= 2 * math.sqrt(0.2) <= region.volume[1]


@pytest.mark.parametrize(
    ("system", "arguments", "field"),
    [
        (text("x' = x/2", dt=1), ([[1]], 1), "system"),
        (NonlinearSystem(["x"], [], ["-a*x"], {"a": None}), ([[1]], 1), "parameters"),
        (CUBIC, ([[1, 0]], 1), "P"),
        (CUBIC, ([[1]], 0), "level"),
        (CUBIC, ([[1]], "nan"), "level"),
        (CUBIC, ([[1]], 1, [[1]]), "gain"),
        (CIRCLE, ([[1, 2], [0, 1]], 1), "P"),
    ],
)
def test_wrong_calls_are_refused(system, arguments, field):
    equilibrium = Equilibrium(system, (Fraction(0),) * system.n, (Fraction(0),) * system.n, ())
    with pytest.raises(ProblemError) as refused:
        prove(system, equilibrium, *arguments)
    assert refused.value.field == field


def test_an_equilibrium_of_another_system_is_refused():
    with pytest.raises(ProblemError, match="another system"):
        largest(CUBIC, place(text("x' = -x")))


def test_phase_planes_are_drawn_and_slices_told(tmp_path):
    region = prove(PENDULUM, place(PENDULUM), [["1.7", "0.8"], ["0.8", "1.9"]], 5)
    phase_plane(PENDULUM, tmp_path / "a.svg", [region.equilibrium, place(PENDULUM, {"x": "pi", "y": 0})], region)
    assert "proved region of attraction" in readable(tmp_path / "a.svg")
    lorenz = text("x' = 10*(y - x)", "y' = x*(14 - z) - y", "z' = x*y - 8*z/3")
    phase_plane(lorenz, tmp_path / "b.svg", [place(lorenz)], box={"x": (-5, 5), "z": (-5, 5)})
    assert "slice at y = 0" in readable(tmp_path / "b.svg")
    for wrong in ({"x": (0, 1)}, {"x": (0, 1), "w": (0, 1)}, {"x": (1, 0), "y": (0, 1)}):
        with pytest.raises(ProblemError):
            phase_plane(PENDULUM, tmp_path / "c.svg", box=wrong)
    with pytest.raises(ProblemError):
        phase_plane(CUBIC, tmp_path / "c.svg")
    with pytest.raises((ProblemError, DimensionError)):
        phase_plane(PENDULUM, tmp_path / "c.gif")


def readable(path):
    """matplotlib draws text as outlines and leaves the words in comments."""
    return path.read_text()
