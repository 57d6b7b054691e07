"""Nonlinear systems from sympy, against sympy's own Jacobians and numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Derivative, Eq, Float, Function, Matrix, Ne, Rational, cos, pi, sin, sqrt, symbols
from sympy.physics.mechanics import (
    KanesMethod,
    LagrangesMethod,
    Lagrangian,
    Particle,
    Point,
    ReferenceFrame,
    dynamicsymbols,
)

import hybrid
from hybrid import NonlinearSystem, Status, Verdict
from hybrid.answer import Reason
from hybrid.errors import ProblemError
from hybrid.plugins import sympy_equations as he
from hybrid.plugins.sympy_text import FUNCTIONS, texts

t = dynamicsymbols._t
x, y, u, a, b, k = symbols("x y u a b k")
X, Y = Function("x")(t), Function("y")(t)


def values(expressions, point):
    """sympy's numbers, to compare with."""
    return [float(each.subs(point).evalf(30)) for each in expressions]


# Expressions


LEAVES = st.one_of(
    st.sampled_from([x, y, pi, sympy.E, sqrt(2)]),
    st.fractions(-3, 3, max_denominator=12).map(lambda q: Rational(q.numerator, q.denominator)),
    st.floats(0.01, 4).map(Float),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from([sympy.Add, sympy.Mul]), inner, inner).map(lambda part: part[0](part[1], part[2])),
        st.tuples(inner, inner).map(lambda part: part[0] / (part[1] ** 2 + 1)),
        st.tuples(st.sampled_from([sin, cos, sympy.tanh, sympy.atan, sympy.Abs]), inner).map(lambda f: f[0](f[1])),
        st.tuples(inner, st.sampled_from([2, 3])).map(lambda part: part[0] ** part[1]),
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(TREES, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_text_has_the_value_of_the_expression(tree, p, q):
    system = NonlinearSystem(["x", "y"], [], texts([tree, x], ["x", "y"], "f"))
    expected = complex(tree.subs({x: p, y: q}).evalf(30))
    assert system.f([p, q])[0] == pytest.approx(expected.real, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function(function):
    system = he.nonlinear_system([function(x) + sqrt(x) - x ** Rational(-3, 2)], [x])
    expected = values([function(x) + sqrt(x) - x ** Rational(-3, 2)], {x: Rational(3, 7)})
    assert system.f([3 / 7]) == pytest.approx(expected)


def slope_at_zero(system):
    return system.linearise_exact({"x": 0}).A[0][0]


def test_numbers_are_exact():
    system = he.nonlinear_system([Rational(1, 3) * x + Float(0.1)], [x])
    assert slope_at_zero(system) == Fraction(1, 3)
    assert system.linearise_exact({"x": 0}).f == (Fraction(0.1),)
    assert slope_at_zero(he.nonlinear_system([a * x], [x], parameters={a: Float(0.1)})) == Fraction(0.1)
    assert slope_at_zero(he.nonlinear_system([sin(a) * x], [x], parameters={a: pi / 6})) == Fraction(1, 2)


def test_discrete_time_and_outputs():
    system = he.nonlinear_system([y, x / 4 + u], [x, y], [u], outputs=[x + y], dt=Rational(1, 10))
    assert system.dt == Fraction(1, 10)
    assert system.outputs == ("x + y",)
    assert he.stability(system).verdict is Verdict.STABLE


# Differential equations


def test_second_order_is_reduced():
    pendulum = he.nonlinear_system([Eq(X.diff(t, 2) + X.diff(t) / 5 + sin(X), u)], inputs=[u])
    assert pendulum.states == ("x", "x_dot")
    assert np.allclose(pendulum.f([0.3, 2.0], [1.0]), [2.0, 1.0 - 0.4 - np.sin(0.3)])
    third = he.nonlinear_system([X.diff(t, 3) + X])
    assert (third.states, third.equations) == (("x", "x_dot", "x_ddot"), ("x_dot", "x_ddot", "-x"))


def test_coupled_equations_are_solved_and_ordered():
    coupled = [Eq(2 * X.diff(t) + Y.diff(t), X * Y), Eq(X.diff(t) * cos(X) - Y.diff(t), X)]
    system = he.nonlinear_system(coupled, states=[Y, X])
    assert system.states == ("y", "x")
    X1, Y1 = symbols("X1 Y1")
    solution = sympy.solve([each.subs({X.diff(t): X1, Y.diff(t): Y1}) for each in coupled], [X1, Y1])
    assert np.allclose(system.f([0.7, -0.2]), values([solution[Y1], solution[X1]], {X: -0.2, Y: 0.7}))


def test_rows_that_stand_alone_are_put_into_the_others():
    Z = Function("z")(t)
    dx, dy, dz = (each.diff(t) for each in (X, Y, Z))
    system = he.nonlinear_system([Eq(2 * dz, X), Eq(dx + dy + dz, 0), Eq(dx - dy + 3 * dz, Y)], [X, Y, Z])
    assert np.allclose(system.f([0.4, 1.0, 0.0]), [0.1, -0.3, 0.2])


def test_unevaluated_derivatives_and_function_states():
    product = he.nonlinear_system([Eq(Derivative(X * X, t), 2 * X)])
    assert product.f([0.5]) == pytest.approx([1.0])
    explicit = he.nonlinear_system([X.diff(t), -X], [X, X.diff(t)])
    assert explicit.equations == ("x_dot", "-x")


def cart_pole():
    """Cart of 1 kg, pole of 1/10 kg and 1/2 m, by Lagrange's equations."""
    s, q, force = dynamicsymbols("s q F")
    m, length, g = Rational(1, 10), Rational(1, 2), Rational(981, 100)
    speed = (s.diff(t) + length * cos(q) * q.diff(t)) ** 2 + (length * sin(q) * q.diff(t)) ** 2
    energy = s.diff(t) ** 2 / 2 + m * speed / 2 - m * g * length * cos(q)
    forces = (force, 0)
    equations = [
        Eq(energy.diff(each.diff(t)).diff(t) - energy.diff(each), f) for each, f in zip((s, q), forces, strict=True)
    ]
    return he.nonlinear_system(equations, inputs=[force]), (s, q, force)


def test_cart_pole_from_lagrange_by_hand():
    system, (s, q, force) = cart_pole()
    assert system.states == ("q", "s", "q_dot", "s_dot")
    A = np.array(system.linearise_exact({"q": 0, "s": 0, "q_dot": 0, "s_dot": 0}).A, float)
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[1, 3] = 1
    expected[2, 0], expected[3, 0] = 1.1 * 9.81 / 0.5, -0.1 * 9.81  # (M + m) g/(M l), −m g/M
    assert np.allclose(A, expected)
    upright = dict.fromkeys([s, q, s.diff(t), q.diff(t), force], 0)
    assert he.stability(system, at=upright).verdict is Verdict.UNSTABLE
    answer = he.feedback(system, at=upright, Q=sympy.eye(4), R=sympy.eye(1))
    assert answer.status is Status.PROVED
    assert answer.gain.shape == (1, 4)
    assert hybrid.check(answer.certificate).valid


# Mechanics


def double_pendulum():
    """Two masses on rods, a horizontal force on the lower one."""
    q1, q2, force = dynamicsymbols("q1 q2 F")
    m, length, g = symbols("m l g", positive=True)
    N, O = ReferenceFrame("N"), Point("O")  # noqa: E741 - the names of the field
    O.set_vel(N, 0)
    P = O.locatenew("P", length * (sin(q1) * N.x - cos(q1) * N.y))
    R = P.locatenew("R", length * (sin(q2) * N.x - cos(q2) * N.y))
    particles = []
    for each in (P, R):
        each.set_vel(N, each.pos_from(O).dt(N))
        particles.append(Particle(f"particle {each}", each, m))
        particles[-1].potential_energy = m * g * each.pos_from(O).dot(N.y)
    method = LagrangesMethod(Lagrangian(N, *particles), [q1, q2], forcelist=[(R, force * N.x)], frame=N)
    return method, (q1, q2, force), (m, length, g)


def test_double_pendulum():
    method, (q1, q2, force), (m, length, g) = double_pendulum()
    method.form_lagranges_equations()
    numbers = {m: 2, length: Rational(1, 2), g: 10}
    system = he.nonlinear_system(method, inputs=[force], parameters=numbers)
    assert system.states == ("q1", "q2", "q1_dot", "q2_dot")
    # Oracle: M and F at a point in numbers, solved by numpy
    point = {q1.diff(t): 0.3, q2.diff(t): -0.2, q1: 0.4, q2: 1.1, force: 0.7}
    mass, forcing = (
        np.array(each.subs(numbers).subs(point).evalf(), float)
        for each in (method.mass_matrix_full, method.forcing_full)
    )
    expected = np.linalg.solve(mass, forcing).ravel()
    assert np.allclose(system.f([0.4, 1.1, 0.3, -0.2], [0.7]), expected)

    up = {q1: pi, q2: pi, q1.diff(t): 0, q2.diff(t): 0}
    assert he.stability(system, at=up).verdict is Verdict.UNSTABLE
    hanging = he.stability(system)
    assert (hanging.status, hanging.answer.reason) == (Status.UNDECIDED, Reason.CRITICAL)
    assert he.controllability(system, at=up).verdict is Verdict.CONTROLLABLE
    free = he.nonlinear_system(method, inputs=[force])
    assert free.free == ("g", "l", "m")
    assert he.controllability(free, symbols=[m, length, g]) == True  # noqa: E712 - sympy's own
    assert he.stability(free, at=up, symbols=[m, length, g]) == False  # noqa: E712


def kane():
    """A damped pendulum by Kane's method."""
    q, v = dynamicsymbols("q v")
    N, O = ReferenceFrame("N"), Point("O")  # noqa: E741
    O.set_vel(N, 0)
    A = N.orientnew("A", "Axis", [q, N.z])
    A.set_ang_vel(N, v * N.z)
    P = O.locatenew("P", A.x)
    P.v2pt_theory(O, N, A)
    method = KanesMethod(N, q_ind=[q], u_ind=[v], kd_eqs=[q.diff(t) - v])
    return method, [Particle("p", P, 1)], [(P, 10 * N.x - k * P.vel(N))]


def test_kane():
    method, bodies, loads = kane()
    method.kanes_equations(bodies, loads)
    system = he.nonlinear_system(method)
    assert (system.states, system.free) == (("q", "v"), ("k",))
    assert np.allclose(system.f([0.3, 0.2], parameters={"k": 2}), [0.2, -10 * np.sin(0.3) - 0.4])
    assert he.stability(system) == (k > 0)


def test_unformed_mechanics_is_refused():
    with pytest.raises(ProblemError, match="equations have been formed"):
        he.nonlinear_system(kane()[0])


# Questions


def test_conditions_in_the_symbols_of_the_caller():
    m = sympy.Symbol("m", positive=True)
    spring = he.nonlinear_system([y, -(k * x + a * y + x**3) / m], [x, y])
    assert he.stability(spring, symbols=[m, k, a]) == sympy.And(a > 0, k > 0)
    assert he.stability(spring, decay=1, symbols=[m]) == sympy.And(a - 2 * m > 0, -a + k + m > 0)


def test_conditions_at_a_symbolic_equilibrium():
    A = sympy.Symbol("a", positive=True)
    brusselator = he.nonlinear_system([A - (b + 1) * x + x**2 * y, b * x - x**2 * y], [x, y])
    assert he.stability(brusselator, at={x: A, y: b / A}, symbols=[A]) == (A**2 - b + 1 > 0)
    with pytest.raises(ProblemError, match="equilibrium for all values"):
        he.stability(brusselator, at={x: A, y: b}, symbols=[A])


def test_controllability_conditions():
    system = he.nonlinear_system([y, x + b * cos(x) * u], [x, y], [u])
    assert he.controllability(system, at={x: 0, y: 0}) == Ne(b, 0)


def test_given_point_that_is_no_equilibrium():
    system = he.nonlinear_system([y, -sin(x) - y], [x, y])
    assert he.stability(system, at={x: Rational(1, 2), y: 0}).answer.reason is Reason.NOT_AN_EQUILIBRIUM
    assert he.stability(system, at={x: Rational(1, 2), y: 0}, at_point=True).status is Status.PROVED
    assert he.stability(system, at={"x": pi, "y": 0}).verdict is Verdict.UNSTABLE


@settings(max_examples=20, deadline=None)
@given(st.lists(st.fractions(-3, 3, max_denominator=9), min_size=3, max_size=3), st.integers(0, 1))
def test_linearisation_is_sympys_jacobian(c, sine):
    p, q, r = (Rational(each.numerator, each.denominator) for each in c)
    f = Matrix([p * x * y + sin(x * sine) + y, q * x**2 - sympy.exp(y) + 1 + r * x])
    system = he.nonlinear_system(list(f), [x, y])
    expected = f.jacobian([x, y]).subs({x: 0, y: 0})
    assert Matrix(2, 2, [Rational(e) for row in system.linearise_exact({"x": 0, "y": 0}).A for e in row]) == expected


def test_equilibria():
    system = he.nonlinear_system([y, x - x**3 - y], [x, y])
    found = he.equilibria(system, {x: (-2, 2), y: (-1, 1)})
    assert found.complete
    assert found.points == ({x: -1, y: 0}, {x: 0, y: 0}, {x: 1, y: 0})
    root = he.equilibria(he.nonlinear_system([x**2 - 2], [x]), {x: (0, Rational(3, 2))})
    ((lo, hi),) = (each[x] for each in root.enclosures)
    assert lo <= sqrt(2) <= hi
    assert hi - lo < Rational(1, 10**9)


# Refusals


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([sympy.gamma(x)], [x]), r"equations: got gamma\(x\), expected real numbers"),
        (([sympy.Piecewise((x, x > 0), (0, True))], [x]), "Piecewise"),
        (([sympy.I * x], [x]), "equations: got I, expected real numbers"),
        (([x + sympy.zoo], [x]), "got zoo"),
        (([Float("inf") * x], [x]), "got oo"),
        (([x + t, X], [X, x]), "two different symbols named x"),
        (([symbols("x", positive=True) + x], [x]), "two different symbols named x"),
        (([X + t], [X]), "the time t"),
        (([Y], [X]), "among the inputs"),
        ((["x + 1"], ["x"]), r"got x \+ 1, expected sympy's expressions"),
        (([x, y], [x]), "2 right-hand sides, expected 1"),
        (([x],), "states: got nothing"),
        (([Eq(X.diff(t) ** 2, X)],), "equations linear in them"),
        (([Eq(X.diff(t), Y)],), "among the inputs"),
        (([Eq(X.diff(t) + Y.diff(t), X), Eq(2 * X.diff(t) + 2 * Y.diff(t), Y)],), "mass matrix that is singular"),
        (([Eq(X.diff(t), X), Eq(X.diff(t), 2 * X)],), "2 for 1 functions"),
        (([Eq(X.diff(t), X)], [Y]), "expected x, in any order"),
        (([Eq(X.diff(t), Y.diff(t))], None, [Y]), "inputs without derivatives"),
        (([x ** (10**6)], [x]), "larger exponent"),
        (([symbols("v(x)") * x], [x]), "names of letters"),
        (([x / (y - y)], [x]), "zoo"),
    ],
)
def test_refused_in_one_sentence(arguments, sentence):
    with pytest.raises(ProblemError, match=sentence):
        he.nonlinear_system(*arguments)


def test_refused_questions():
    nested = x
    for _ in range(3000):
        nested = sympy.tanh(nested, evaluate=False)
    with pytest.raises(ProblemError, match="nesting"):
        he.nonlinear_system([nested], [x])
    with pytest.raises(ProblemError, match="dt: got 1"):
        he.nonlinear_system([Eq(X.diff(t), X)], dt=1)
    free = he.nonlinear_system([k * x + u], [x], [u])
    for question in (lambda: he.feedback(free), lambda: he.equilibria(free, {x: (0, 1)})):
        with pytest.raises(ProblemError, match=r"parameters\.k"):
            question()
    with pytest.raises(ProblemError, match="a NonlinearSystem"):
        he.stability(Matrix([[1]]))
    with pytest.raises(ProblemError, match="real numbers"):
        he.stability(free, symbols=[sympy.Symbol("k", imaginary=True)])


# Systems that vary with time, and the paper's reading


def test_time_in_right_hand_sides():
    pendulum = he.nonlinear_system([Eq(X.diff(t, 2), -(1 + cos(t) / 2) * sin(X) + u)], inputs=[u], time=t)
    assert (pendulum.time, pendulum.states, pendulum.free) == ("t", ("x", "x_dot"), ("t",))
    answer = he.controllability(pendulum, at={X: 0, X.diff(t): 0, t: Rational(1, 2)})
    assert (answer.status, answer.answer.instant) == (Status.PROVED, Fraction(1, 2))
    assert hybrid.check(answer.certificate).valid


def test_along_a_curve_in_time():
    """v' = sin(x) u: along x = t the input acts, at x = 0 it does not."""
    v = symbols("v")
    system = he.nonlinear_system([v, sin(x) * u], [x, v], [u], time=t)
    assert he.controllability(system, at={x: t, v: 1, t: Rational(1, 2)}).verdict is Verdict.CONTROLLABLE
    assert he.controllability(system, at={x: 0, v: 0}).verdict is Verdict.UNCONTROLLABLE


def test_other_questions_about_time_are_refused():
    system = he.nonlinear_system([-x * t], [x], time=t)
    with pytest.raises(ProblemError, match="time: got t"):
        he.stability(system)
    with pytest.raises(ProblemError, match="equations: got the time t, expected none"):
        he.nonlinear_system([X + t], [X])


def test_the_papers_reading():
    system = he.nonlinear_system([-x * (2 + sqrt(x - 2)), sympy.asin(6) * x - y], [x, y])
    answer = he.stability(system, paper=True)
    assert (answer.status, answer.paper.holds) == (Status.PROVED, True)
    assert hybrid.check(answer.certificate).valid
    drive = he.nonlinear_system([sympy.tan(y) + u, sympy.exp(x) * y], [x, y], [u])
    assert he.controllability(drive, paper=True).paper.value == 1
    gained = he.feedback(drive, paper=True)
    assert (gained.status, gained.gain.shape) == (Status.PROVED, (1, 2))
    with pytest.raises(ProblemError, match=r"parameters\.k: got no value"):
        he.stability(he.nonlinear_system([-k * x], [x]), paper=True)
