"""Conditions on symbols: compared with the exact answer at rational points, on the boundary too."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import (
    And,
    Basic,
    BlockMatrix,
    Expr,
    Matrix,
    Ne,
    Or,
    Poly,
    Rational,
    Symbol,
    eye,
    false,
    pi,
    sin,
    sqrt,
    symbols,
    true,
    zeros,
)
from sympy.abc import a, b, c, d, k, x
from sympy.logic.boolalg import Boolean

import hybrid
from hybrid import LinearSystem, Status, Verdict
from hybrid.errors import ProblemError
from hybrid.plugins.conditions import hurwitz_determinants, stability_conditions
from hybrid.plugins.polynomials import Ring, determinant
from hybrid.plugins.rank_conditions import controllability_conditions
from hybrid.plugins.signs import UNKNOWN, Sign, sign_of

Values = dict[Symbol, Fraction]
COMPARISONS = {">": Fraction.__gt__, "<": Fraction.__lt__, "!=": Fraction.__ne__}


def value(expression: Basic, values: Values) -> Fraction | None:
    """An expression at a point, in exact arithmetic; None where it divides by zero."""
    if expression.is_Symbol:
        return values[expression]
    if expression.is_Rational:
        return Fraction(int(expression.p), int(expression.q))
    arguments = [value(argument, values) for argument in expression.args]
    if any(argument is None for argument in arguments):
        return None
    if expression.is_Add:
        return sum(arguments, Fraction(0))
    if expression.is_Mul:
        product = Fraction(1)
        for factor in arguments:
            product *= factor
        return product
    assert expression.is_Pow
    base, exponent = arguments
    return None if base == 0 and exponent < 0 else base ** int(exponent)


def holds(relation: Boolean, values: Values) -> bool:
    if relation in (true, false):
        return relation == true
    if isinstance(relation, And | Or):
        parts = [holds(part, values) for part in relation.args]
        return all(parts) if isinstance(relation, And) else any(parts)
    return COMPARISONS[relation.rel_op](value(relation.lhs, values), value(relation.rhs, values))


def at(matrix: Matrix, values: Values) -> list[list[Fraction]] | None:
    rows = [[value(entry, values) for entry in row] for row in matrix.tolist()]
    return None if any(entry is None for row in rows for entry in row) else rows


def is_in_region(matrix: Matrix, values: Values, *, is_discrete: bool = False, **region: Fraction) -> bool:
    """What the exact route says of the matrix at this point; false where it is not defined."""
    rows = at(matrix, values)
    if rows is None:
        return False
    return hybrid.stability(LinearSystem(rows, dt=1 if is_discrete else None), **region).status is Status.PROVED


# Random matrices with symbols against the exact answer

PARAMETERS = (a, b, Symbol("p", positive=True), Symbol("q", nonnegative=True), Symbol("r", negative=True))
small = st.builds(Fraction, st.integers(-6, 6), st.sampled_from([1, 1, 2, 3]))


def rational(number: Fraction) -> Rational:
    return Rational(number.numerator, number.denominator)


@st.composite
def entries(draw: st.DrawFn) -> Expr:
    terms = draw(st.lists(st.tuples(small, st.sampled_from(PARAMETERS), st.integers(0, 2)), max_size=2))
    entry = sum((rational(weight) * symbol**power for weight, symbol, power in terms), rational(draw(small)))
    if draw(st.integers(0, 5)) == 0:
        entry /= draw(st.sampled_from(PARAMETERS)) + rational(draw(small))
    return entry


@st.composite
def matrices(draw: st.DrawFn, rows: int, columns: int) -> Matrix:
    # entries that are not defined anywhere (1/0) are no business of ours
    matrix = Matrix(rows, columns, draw(st.lists(entries(), min_size=rows * columns, max_size=rows * columns)))
    assume(all(entry.is_finite is not False and not entry.has(sqrt) for entry in matrix))
    return matrix


@st.composite
def points(draw: st.DrawFn) -> Values:
    values = {symbol: draw(small) for symbol in PARAMETERS}
    p, q, r = PARAMETERS[2:]
    return values | {p: abs(values[p]) + Fraction(1, 2), q: abs(values[q]), r: -abs(values[r]) - 1}


regions = st.sampled_from(
    [
        {},
        {"is_discrete": True},
        {"decay": Fraction(1, 2)},
        {"damping": Fraction(3, 5)},
        {"damping": Fraction(1, 2), "decay": Fraction(1, 3)},
        {"is_discrete": True, "decay": Fraction(1, 3)},
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.data(), regions, st.integers(-8, 0))
def test_conditions_hold_exactly_where_the_matrix_is_stable(data, region, shift):
    n = data.draw(st.integers(1, 2 if "damping" in region else 3))
    matrix = data.draw(matrices(n, n))
    matrix = matrix / (1 - shift) if region.get("is_discrete") else matrix + shift * eye(n)
    limits = {key: rational(number) if key != "is_discrete" else number for key, number in region.items()}
    relation = stability_conditions(matrix, **limits)
    for values in data.draw(st.lists(points(), min_size=4, max_size=8)):
        assert holds(relation, values) is is_in_region(matrix, values, **region), (matrix, values, relation)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 3), small)
def test_conditions_on_the_boundary(data, n, critical):
    """One block has its eigenvalues on the axis at k = critical exactly; the others stay inside."""
    stays = Matrix(n, n, lambda i, j: -1 - i if i == j else (k - 2 * i if i < j else 0))
    frequency = rational(data.draw(st.sampled_from([Fraction(0), Fraction(1), Fraction(2, 3)])))
    crossing = Matrix([[0, frequency], [-frequency, 2 * (k - rational(critical))]])
    if frequency == 0:
        crossing = Matrix([[k - rational(critical)]])
    order = n + crossing.rows
    diagonal = Matrix(BlockMatrix([[stays, zeros(n, crossing.rows)], [zeros(crossing.rows, n), crossing]]))
    mixing = eye(order)
    for i in range(1, order):
        mixing[i, i - 1] = data.draw(st.integers(-2, 2))
    matrix = mixing * diagonal * mixing.inv()
    relation = stability_conditions(matrix)
    tiny = Fraction(1, 2**60)
    for distance, expected in ((-tiny, True), (Fraction(0), False), (tiny, False)):
        values = {k: critical + distance}
        assert holds(relation, values) is expected
        assert is_in_region(matrix, values) is expected


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 3), st.integers(1, 2))
def test_controllability_conditions_hold_exactly_where_the_pair_is_controllable(data, n, m):
    A, B = data.draw(matrices(n, n)), data.draw(matrices(n, m))
    if n > 1 and data.draw(st.booleans()):  # lose one direction on purpose where a = 1
        A[n - 1, : n - 1] = zeros(1, n - 1)
        B[n - 1, :] = B[n - 1, :] * (a - 1)
    relation = controllability_conditions(A, B)
    for values in data.draw(st.lists(points(), min_size=4, max_size=8)):
        values[a] = data.draw(st.sampled_from([values[a], Fraction(1)]))
        rows, columns = at(A, values), at(B, values)
        expected = (
            rows is not None
            and columns is not None
            and hybrid.controllability(LinearSystem(rows, columns)).status is Status.PROVED
        )
        assert holds(relation, values) is expected, (A, B, values, relation)


# What the textbooks write


def companion(*coefficients: Expr) -> Matrix:
    n = len(coefficients)
    return Matrix(n, n, lambda i, j: -coefficients[n - 1 - j] if i == n - 1 else int(j == i + 1))


def test_second_to_fourth_order():
    assert stability_conditions(companion(a, b)) == And(a > 0, b > 0)
    assert stability_conditions(companion(a, b, c)) == And(a > 0, c > 0, a * b - c > 0)
    quartic = stability_conditions(companion(a, b, c, d))
    assert set(quartic.args) == {a > 0, b > 0, d > 0, a * b * c - c**2 - a**2 * d > 0}


def test_triangle_of_jury():
    expected = {b < 1, a + b + 1 > 0, -a + b + 1 > 0}
    assert set(stability_conditions(companion(a, b), is_discrete=True).args) == expected


def test_damping_of_an_oscillator():
    relation = stability_conditions(companion(c, k), damping=Rational(3, 5))
    assert set(relation.args) == {c > 0, k > 0, 25 * c**2 - 36 * k > 0}


@pytest.mark.parametrize("angle", [(3, 4, 5), (5, 12, 13), (20, 21, 29)])
def test_damping_of_two_oscillators(angle):
    """At k = 0 the poles −sine ± j cosine have a damping ratio of sine exactly: on the boundary of the sector."""
    sine = Rational(angle[0], angle[2])
    poles = Poly((x**2 + 2 * sine * x + 1) * (x**2 + 6 * sine * x + 4), x) + k * Poly(x**2 + 3 * x - 2, x)
    matrix = companion(*poles.all_coeffs()[1:])
    for ratio in (sine - Rational(1, 1000), sine, sine + Rational(1, 1000)):
        relation = stability_conditions(matrix, damping=ratio)
        for shift in (-10, -1, 0, 1, 10):
            values, region = {k: Fraction(shift, 1000)}, {"damping": Fraction(int(ratio.p), int(ratio.q))}
            assert holds(relation, values) is is_in_region(matrix, values, **region)


def test_determinants_of_hurwitz():
    """The scheme without division against the determinants that it computes."""
    symbols_ = symbols("c0:7")
    ring = Ring.of(symbols_)
    minors = hurwitz_determinants([ring.ratio(symbol).numerator for symbol in symbols_])
    table = Matrix(5, 5, lambda i, j: symbols_[2 * j + 1 - i] if 0 <= 2 * j + 1 - i <= 6 else 0)
    assert len(minors) == 6
    for order in range(1, 6):
        assert ring.expression(minors[order]) == table[:order, :order].det(method="berkowitz").expand()


@pytest.mark.parametrize("size", [2**20, 2**70, 3**90])
def test_factors_with_large_coefficients(size):
    """python-flint 0.9 raises OverflowError where factors differ in a large coefficient alone."""
    relation = stability_conditions(Matrix([[k - size, 0], [0, -k - size - 1]]))
    assert relation == And(k > -size - 1, k < size)
    relation = stability_conditions(companion(2 * (a + b), (a + b + size) * (a + b - size)))
    assert holds(relation, {a: Fraction(size), b: Fraction(1)})
    assert not holds(relation, {a: Fraction(size), b: Fraction(0)})


@pytest.mark.parametrize(
    "matrix", [Matrix([[0, a, 1], [b, 0, 2], [1, a, b]]), Matrix([[0, 0, a], [0, b, 1], [1, 2, 3]])]
)
def test_determinant(matrix):
    ring = Ring.of(list(matrix))
    rows = [[ring.ratio(entry).numerator for entry in row] for row in matrix.tolist()]
    assert ring.expression(determinant(rows)) == matrix.det().expand()


def test_symbols_in_the_requirement():
    rate, ratio = symbols("sigma zeta", positive=True)
    assert stability_conditions(Matrix([[-k]]), decay=rate) == (k - rate > 0)
    relation = stability_conditions(companion(c, 1), damping=ratio)
    assert holds(relation, {c: Fraction(1), ratio: Fraction(49, 100)})
    assert not holds(relation, {c: Fraction(1), ratio: Fraction(1, 2)})
    assert not holds(relation, {c: Fraction(100), ratio: Fraction(2)})  # no damping ratio
    relation = stability_conditions(Matrix([[k]]), decay=rate, is_discrete=True)
    assert holds(relation, {k: Fraction(1, 3), rate: Fraction(1, 2)})
    assert not holds(relation, {k: Fraction(1, 2), rate: Fraction(1, 2)})
    assert not holds(relation, {k: Fraction(0), rate: Fraction(3, 2)})  # no radius


def test_one_parameter_is_reduced_to_an_interval():
    assert stability_conditions(companion(3, 2, k)) == And(k > 0, k < 6)
    assert stability_conditions(Matrix([[k - 5, 0], [1, -1 - k**2]])) == (k < 5)
    assert stability_conditions(Matrix([[-k, 0], [0, 1 - k]])) == (k > 1)
    assert stability_conditions(Matrix([[2 - k**2, 0], [0, 1 - k]])) == And(k > 1, k**2 - 2 > 0)


def test_contradiction_is_false_and_tautology_is_true():
    positive = Symbol("p", positive=True)
    assert stability_conditions(Matrix([[k, 0], [0, 1 - k]])) == false
    assert stability_conditions(Matrix([[0, 1], [k, 0]])) == false
    assert stability_conditions(companion(positive, positive + 1)) == true
    assert stability_conditions(companion(a**2 + 1, b**2 - b + 1)) == true
    assert stability_conditions(companion(-positive, k)) == false
    assert stability_conditions(companion(a, b, a * b, d)) == false  # Δ₂ vanishes identically


def test_factors_common_to_conditions_are_removed():
    assert stability_conditions(companion(a * b**2, b**2)) == And(a > 0, Ne(b, 0))
    assert stability_conditions(companion(c / d, k / d)) == And(c * d > 0, d * k > 0)


def test_assumptions_settle_signs():
    mass = Symbol("m", positive=True)
    assert stability_conditions(companion(c / mass, k / mass)) == And(c > 0, k > 0)
    lengths = symbols("l_1 l_2", nonnegative=True)
    assert stability_conditions(Matrix([[-1 / (lengths[0] + lengths[1])]])) == (lengths[0] + lengths[1] > 0)
    compartments = symbols("k1:5", positive=True)
    k1, k2, k3, k4 = compartments  # a compartment model loses to the outside: stable for all positive rates
    assert stability_conditions(Matrix([[-k1 - k2, k3, 0], [k2, -k3 - k4, k1], [0, k4, -k1 - k2]])) == true


def test_denominators_may_not_vanish():
    assert stability_conditions(Matrix([[-1, 1 / k], [0, -1]])) == Ne(k, 0)
    assert stability_conditions(Matrix([[-1, (k**2 + k) / (k + 1)], [0, -1]])) == Ne(k, -1)
    assert stability_conditions(Matrix([[-1 / (1 + 1 / k)]])) == (k * (k + 1) > 0)
    assert controllability_conditions(Matrix([[1 / a]]), Matrix([1])) == Ne(a, 0)


def test_blocks_are_taken_apart():
    blocks = Matrix([[0, 1, a, b], [-k, -c, 1, 2], [0, 0, 0, 1], [0, 0, -d, -x]])
    assert set(stability_conditions(blocks).args) == {k > 0, c > 0, d > 0, x > 0}


def test_functions_of_symbols_are_real_unknowns():
    angle = Symbol("theta", real=True)
    assert stability_conditions(companion(1, sin(angle))) == (sin(angle) > 0)
    assert stability_conditions(companion(sqrt(k), 1)) == (sqrt(k) > 0)
    assert stability_conditions(companion(k * pi, 1)) == (k > 0)
    assert stability_conditions(Matrix([[k, 0], [0, 3 - pi]])) == (k < 0)
    assert stability_conditions(Matrix([[k, 0], [0, pi - 3]])) == false


def test_controllability_of_many_inputs():
    assert controllability_conditions(Matrix([[a, 0], [0, a]]), Matrix([[1, 0], [0, b]])) == Ne(b, 0)
    chain = Matrix([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    either = controllability_conditions(chain, Matrix([[0, 0], [0, 0], [a, b]]))
    assert either == Or(Ne(a, 0), Ne(b, 0))
    assert controllability_conditions(chain, Matrix([a, b, 0])) == false


# sympy#28010: a standing human, two segments with feedback; get_asymptotic_stability_conditions() does not return


def standing_human() -> Matrix:
    """Legs and torso over the ankle and the hip, joint torques −K x; the matrix of sympy#28010 from its mechanics."""
    I_L, I_T, d_L, d_T, l_L, m_L, m_T, g = symbols("I_L I_T d_L d_T l_L m_L m_T g", nonnegative=True)
    gains = Matrix(2, 4, lambda i, j: Symbol(f"k_{i}{j}") * Symbol(f"s_{i}{j}"))
    coupling, torso = I_T + m_T * (d_T**2 + d_T * l_L), I_T + m_T * d_T**2
    legs = I_L + I_T + d_L**2 * m_L + m_T * (d_T**2 + 2 * d_T * l_L + l_L**2)
    gravity = g * Matrix([[d_L * m_L + d_T * m_T + l_L * m_T, d_T * m_T], [d_T * m_T, d_T * m_T]])
    inverse = Matrix([[torso, -coupling], [-coupling, legs]]) / (legs * torso - coupling**2)
    return Matrix(BlockMatrix([[zeros(2), eye(2)], [inverse * (gravity - gains[:, :2]), -inverse * gains[:, 2:]]]))


HUMAN = {
    "I_L": "1.01", "I_T": "1.54", "d_L": "0.575", "d_T": "0.4",
    "l_L": "0.878", "m_L": "26.3", "m_T": "42.5", "g": "9.81",
}  # fmt: skip
GAINS = {"k_00": 950, "k_01": 175, "k_02": 185, "k_03": 50, "k_10": 45, "k_11": 290, "k_12": 60, "k_13": 26}


@pytest.mark.parametrize(
    ("scale", "is_stable"), [("1", True), ("0.8", True), ("0.7", False), ("-1", False), ("0", False)]
)
def test_sympy_28010(scale, is_stable):
    matrix = standing_human()
    relation = stability_conditions(matrix)
    assert len(relation.args) == 5
    assert len(str(relation)) < 10_000  # the determinant is not multiplied out: 1378 terms
    numbers = {**HUMAN, **GAINS} | {f"s_{i}{j}": scale for i in range(2) for j in range(4)}
    values = {symbol: Fraction(numbers[symbol.name]) for symbol in matrix.free_symbols}
    assert holds(relation, values) is is_in_region(matrix, values) is is_stable


def test_full_matrix_of_symbols():
    matrix = Matrix(4, 4, symbols("x:16"))
    relation = stability_conditions(matrix)
    inside = [-1, 2, 0, 1, 0, -2, 1, 0, 1, 0, -3, 1, 0, 1, 0, -1]
    on_axis = [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, -1, 0, 0, 0, 0, -1]
    for entries_ in (inside, on_axis):
        values = dict(zip(matrix, map(Fraction, entries_), strict=True))
        assert holds(relation, values) is is_in_region(matrix, values)


def test_four_parameters_in_five_states():
    matrix = Matrix(5, 5, lambda i, j: a * (i - j) + b * ((i + j) % 3) + c * (i * j % 2) + d * (j - 2)) - 9 * eye(5)
    relation = stability_conditions(matrix)
    for point in ((0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 1, 0), (2, -1, 3, 1), (0, 0, 0, 5)):
        values = dict(zip((a, b, c, d), map(Fraction, point), strict=True))
        assert holds(relation, values) is is_in_region(matrix, values)


# What is known of signs


POSITIVE, NONNEGATIVE = Symbol("u", positive=True), Symbol("v", nonnegative=True)


@pytest.mark.parametrize(
    ("expression", "sign"),
    [
        (POSITIVE * a**2 + NONNEGATIVE, Sign(1, False)),
        (-POSITIVE - a**2, Sign(-1, True)),
        (POSITIVE - NONNEGATIVE, UNKNOWN),
        (a**2 * NONNEGATIVE, Sign(1, False)),
        (a**3 * POSITIVE, UNKNOWN),
        (a**2 + a * b + b**2, Sign(1, False)),
        (-(a**2) - a * b - b**2 - 1, Sign(-1, True)),
        (a**2 + 3 * a * b + b**2, UNKNOWN),
        (NONNEGATIVE * a**2 + NONNEGATIVE**2 * b, UNKNOWN),  # nothing where v = 0
        (NONNEGATIVE * a**2 + 2 * NONNEGATIVE * a + b, UNKNOWN),
        (POSITIVE * a**2 - 2 * POSITIVE * a + POSITIVE + 1, Sign(1, True)),
        (k**4 - k + 1, Sign(1, True)),
        (k**4 - 3 * k + 1, UNKNOWN),
        (k**2 - 2, Sign(0, False)),
        (POSITIVE**2 - POSITIVE + 1, Sign(1, True)),
        (POSITIVE**3 + 2 * POSITIVE**2 - POSITIVE + 1, Sign(1, True)),
    ],
)
def test_sign_of_a_polynomial(expression, sign):
    ring = Ring.of([expression])
    known = [Sign.assumed(symbol) for symbol in ring.symbols]
    assert sign_of(ring.ratio(expression).numerator, known) == sign


# Refused


@pytest.mark.parametrize(
    "entry",
    [Symbol("z", imaginary=True), k * sqrt(-1), Symbol("n", commutative=False), k**201, (a + b + c + d + k) ** 60],
)
def test_entries_that_are_no_real_numbers_or_too_long(entry):
    with pytest.raises(ProblemError):
        stability_conditions(Matrix([[entry]]))


def test_division_by_zero_is_refused():
    with pytest.raises(ProblemError, match="divide by zero"):
        stability_conditions(Matrix([[1 / (a * (b + 1) - a * b - a)]]))


def test_conditions_agree_with_the_verdict_on_numbers():
    matrix = companion(Rational(1, 3), 2, Rational(1, 7))
    assert stability_conditions(matrix) == true
    assert hybrid.stability(LinearSystem(at(matrix, {}))).verdict is Verdict.STABLE
