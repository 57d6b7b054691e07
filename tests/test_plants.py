"""The demonstration plants have, exactly, the properties that their sources state."""

from fractions import Fraction

import flint
import numpy as np
import pytest

from hybrid.errors import ProblemError
from hybrid.systems.linear import LinearSystem
from hybrid.systems.plants import plant, plants

# name: (n, m), eigenvalues right of the axis, on it, controllable; in discrete time the circle is the axis
FACTS = {
    "acrobot": ((4, 1), 2, 0, True),
    "batch-reactor": ((4, 2), 2, 0, True),
    "boeing-747-lateral": ((4, 2), 0, 0, True),
    "boeing-747-longitudinal": ((4, 2), 0, 0, True),
    "cart-pole": ((4, 1), 1, 2, True),
    "cstr": ((2, 1), 1, 0, True),
    "dc-motor": ((2, 1), 0, 0, True),
    "double-integrator": ((2, 1), 0, 2, True),
    "f16-short-period": ((3, 1), 0, 0, True),
    "heat-rod": ((20, 1), 0, 0, True),
    "inverted-pendulum": ((2, 1), 1, 0, True),
    "lightly-damped-structure": ((10, 1), 0, 0, True),
    "magnetic-levitation": ((3, 1), 1, 0, True),
    "mass-spring-chain": ((60, 2), 0, 1, True),
    "pendulum-on-cart": ((4, 1), 1, 1, True),
    "quadrotor-hover": ((12, 4), 0, 12, True),
    "quadruple-tank": ((4, 2), 0, 0, True),
    "quadruple-tank-nonminimum-phase": ((4, 2), 0, 0, True),
    "sampled-double-integrator": ((2, 1), 0, 2, True),
    "satellite": ((4, 2), 0, 4, True),
    "satellite-radial-thrust": ((4, 1), 0, 4, False),
    "two-link-arm": ((4, 2), 2, 0, True),
    "two-mass-spring": ((4, 1), 0, 4, True),
}

# poles as the source prints them, real part and imaginary part above zero, with half a unit of their last digit
PUBLISHED_POLES = {
    "batch-reactor": ([(1.991, 0), (0.0635, 0), (-5.0566, 0), (-8.6659, 0)], 5e-4),
    "boeing-747-lateral": ([(-0.0329, 0.9467), (-0.5627, 0), (-0.0073, 0)], 5e-5),
    "boeing-747-longitudinal": ([(-0.3750, 0.8818), (-0.0005, 0.0674)], 5e-5),
    "pendulum-on-cart": ([(0, 0), (-0.1428, 0), (-5.6041, 0), (5.5651, 0)], 5e-5),
}


def exact(matrix):
    return flint.fmpq_mat([[flint.fmpq(x.numerator, x.denominator) for x in row] for row in matrix.fractions])


def characteristic_polynomial(system):
    return exact(system.A).charpoly()


def eigenvalues(system):
    """Enclosures with their multiplicities."""
    polynomial = characteristic_polynomial(system)
    return flint.fmpz_poly((polynomial * polynomial.denom()).numer().coeffs()).complex_roots()


def kalman_rank(system):
    A, block = exact(system.A), exact(system.B)
    columns = []
    for _ in range(system.n):
        columns.extend(zip(*block.tolist(), strict=True))
        block = A * block
    return flint.fmpq_mat([list(column) for column in columns]).rank()


def in_half_plane(system):
    """p(s) whose right half-plane is the unstable region: for a discrete system det(zI − A) at z = (1+s)/(1−s)."""
    p = characteristic_polynomial(system)
    if not system.is_discrete:
        return p
    plus, minus = flint.fmpq_poly([1, 1]), flint.fmpq_poly([1, -1])
    n = system.n
    return sum((p[k] * plus**k * minus ** (n - k) for k in range(n + 1)), flint.fmpq_poly())


def boundary_and_right(p):
    """How many roots lie on the imaginary axis and right of it, with multiplicity."""
    mirrored = flint.fmpq_poly([c * (-1) ** k for k, c in enumerate(p.coeffs())])
    symmetric = p.gcd(mirrored)
    paired = flint.fmpz_poly((symmetric * symmetric.denom()).numer().coeffs()).complex_roots()
    rest = p // symmetric
    free = flint.fmpz_poly((rest * rest.denom()).numer().coeffs()).complex_roots()
    right = sum(k for root, k in [*paired, *free] if root.real > 0)
    left_of_pairs = sum(k for root, k in paired if root.real < 0)
    on_axis = symmetric.degree() - left_of_pairs - sum(k for root, k in paired if root.real > 0)
    return on_axis, right


def test_the_library_lists_what_it_should():
    names = [each.name for each in plants()]
    assert names == sorted(FACTS)
    assert len(names) == len(set(names)) >= 14
    for each in plants():
        assert each.description.endswith(".")
        assert "\n" not in each.description
        assert any(character.isdigit() for character in each.citation) or "Boyd" in each.citation
        assert each.system is each.system  # computed once
        assert each.system.name == each.name


@pytest.mark.parametrize("name", FACTS)
def test_stability_and_controllability(name):
    system = plant(name).system
    shape, unstable, marginal, controllable = FACTS[name]
    assert (system.n, system.m) == shape
    assert boundary_and_right(in_half_plane(system)) == (marginal, unstable)
    assert (kalman_rank(system) == system.n) is controllable


@pytest.mark.parametrize("name", PUBLISHED_POLES)
def test_poles_that_the_source_prints(name):
    printed, half_unit = PUBLISHED_POLES[name]
    computed = [root for root, _ in eigenvalues(plant(name).system) if not root.imag < 0]
    assert len(computed) == len(printed)
    for re, im in printed:
        near = [root for root in computed if abs(root.real - re) <= half_unit and abs(root.imag - im) <= half_unit]
        assert len(near) == 1, (re, im)


def test_matrices_that_the_source_prints():
    """In the printed digits: the tutorials' rounded entries, and the acrobot in whole tenths."""
    levitation = [[0, 1, 0], [980, 0, "-2.8"], [0, 0, -100]]
    assert plant("magnetic-levitation").system.A == LinearSystem(levitation).A
    assert plant("dc-motor").system.A == LinearSystem([[-10, 1], ["-0.02", -2]]).A
    printed = [[0, 1, 0, 0], [0, -0.1818, 2.6727, 0], [0, 0, 0, 1], [0, -0.4545, 31.1818, 0]]
    assert np.array_equal(plant("pendulum-on-cart").system.A.floats.round(4), printed)
    assert plant("acrobot").system.A.fractions[2] == (Fraction("12.6"), Fraction("-12.6"), 0, 0)
    gym = plant("cart-pole").system  # the linearisation of the equations that gym integrates
    assert gym.A.fractions[3][2] == Fraction("9.8") / (Fraction(1, 2) * (Fraction(4, 3) - Fraction(1, 11)))
    assert gym.A.fractions[1][2] == Fraction(-147, 205)
    assert gym.B.fractions[1][0] == Fraction(40, 41)


def test_sampling_is_exact():
    """With A² = 0 the zero-order hold gives I + hA and (h I + h²/2 A) B."""
    h = Fraction(1, 10)
    system = plant("sampled-double-integrator").system
    assert system == LinearSystem([[1, h], [0, 1]], [[h * h / 2], [h]], [[1, 0]], dt=h)


def test_reactor_is_at_rest_where_it_says():
    """dc/dt = q/V (cf − c) − k c and the energy balance vanish at c = 1/2, T = 350, coolant 300."""
    k, c, T, coolant = Fraction(1), Fraction(1, 2), 350, 300
    assert (1 - c) - k * c == 0
    assert (350 - T) + Fraction(50_000, 239) * k * c + Fraction(50_000, 23_900) * (coolant - T) == 0


@pytest.mark.parametrize(
    ("name", "levels"),
    [("quadruple-tank", (12.4, 12.7, 1.8, 1.4)), ("quadruple-tank-nonminimum-phase", (12.6, 13.0, 4.8, 4.9))],
)
def test_time_constants_of_the_tanks(name, levels):
    """T_i = (A_i / a_i) √(2 h_i / g), which the paper prints in whole seconds."""
    system = plant(name).system
    for i, (level, area, outlet) in enumerate(zip(levels, (28, 32) * 2, (0.071, 0.057) * 2, strict=True)):
        assert abs(-1 / system.A.fractions[i][i] - area / outlet * (2 * level / 981) ** 0.5) < 1


def test_satellite_without_tangential_thrust_cannot_be_stabilised():
    """Angular momentum, the left eigenvector (2, 0, 0, 1) of the eigenvalue 0, is out of the input's reach."""
    system = plant("satellite-radial-thrust").system
    momentum = flint.fmpq_mat([[2, 0, 0, 1]])
    assert (momentum * exact(system.A)).rank() == 0
    assert (momentum * exact(system.B)).rank() == 0
    assert kalman_rank(system) == 3
    tangential = LinearSystem(system.A, [[0], [0], [0], [1]])
    assert kalman_rank(tangential) == 4


@pytest.mark.parametrize(("name", "right_zeros"), [("quadruple-tank", 0), ("quadruple-tank-nonminimum-phase", 1)])
def test_transmission_zeros_of_the_tanks(name, right_zeros):
    """det [sI − A, −B; C, D] is a quadratic; the sign of its constant term says whether a zero is on the right."""
    system = plant(name).system
    A, B, C = exact(system.A), exact(system.B), exact(system.C)

    def rosenbrock(s):
        rows = [[(s if i == j else 0) - A[i, j] for j in range(4)] + [-B[i, j] for j in range(2)] for i in range(4)]
        rows += [[C[i, j] for j in range(4)] + [flint.fmpq(0)] * 2 for i in range(2)]
        return flint.fmpq_mat(rows).det()

    values = [rosenbrock(flint.fmpq(s)) for s in (-1, 0, 1)]
    leading, constant = (values[0] + values[2]) / 2 - values[1], values[1]
    assert (constant / leading < 0) is (right_zeros == 1)


def test_formulas_for_the_modes():
    """Heat rod: −4(N+1)² sin²(jπ/(2(N+1))). Shear building: ω_j = 2√(k/m) sin((2j−1)π/(2(2N+1)))."""
    rod = [root.real for root, _ in eigenvalues(plant("heat-rod").system)]
    for j in range(1, 21):
        formula = -4 * 21**2 * (flint.arb.pi() * j / 42).sin() ** 2
        assert sum(formula.overlaps(value) for value in rod) == 1
    building = [abs(root) ** 2 for root, _ in eigenvalues(plant("lightly-damped-structure").system)]
    for j in range(1, 6):
        formula = 4000 * (flint.arb.pi() * (2 * j - 1) / 22).sin() ** 2
        assert sum(formula.overlaps(square) for square in building) == 2


def test_chain_keeps_its_centre_of_mass():
    """The one marginal mode of the chain: all masses moved together."""
    system = plant("mass-spring-chain").system
    together = flint.fmpq_mat([[int(i < 30)] for i in range(60)])
    assert (exact(system.A) * together).rank() == 0


def test_names_are_forgiving_and_close_ones_are_offered():
    assert plant("Mass_Spring_Chain") is plant("mass-spring-chain")
    assert plant(" DC motor ").name == "dc-motor"
    with pytest.raises(ProblemError, match="such as cart-pole"):
        plant("cart-pol")
    with pytest.raises(ProblemError, match="acrobot, batch-reactor"):
        plant("\x1b[31m")
