"""Stability answered from the outside: on the boundary, a hair beside it, and where peers go wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import builders as build
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.errors import ProblemError
from hybrid.systems.linear import LinearSystem

few = settings(deadline=None, max_examples=25)
STABLE, MARGINAL, UNSTABLE = Verdict.STABLE, Verdict.MARGINAL, Verdict.UNSTABLE
HAIR = Fraction(1, 10**60)


def ask(system: Any, **options: Any) -> Answer:
    """The answer, whose certificate the stand-alone checker accepts."""
    answer = hybrid.stability(system, **options)
    assert answer.certificate is not None
    report = hybrid.check(answer.certificate)
    assert report.valid, report.reason
    return answer


def in_samples(matrix: Any) -> LinearSystem:
    return LinearSystem(matrix, dt=1)


# ------------------------------------------------------------------------------------------ constructed


@few
@given(
    st.lists(
        st.tuples(st.fractions(-3, 3, max_denominator=5), st.fractions(0, 3, max_denominator=5)), min_size=1, max_size=4
    ),
    st.integers(0, 99),
)
def test_the_spectrum_comes_back(listed: list[tuple[Fraction, Fraction]], seed: int) -> None:
    blocks = [build.pair(re, im) if im else build.jordan(re, 1) for re, im in listed]
    answer = ask(build.hidden(build.block_diagonal(*blocks), seed), poles=True)
    top = max(re for re, _ in listed)
    assert answer.verdict is (STABLE if top < 0 else MARGINAL if top == 0 else UNSTABLE)
    assert answer.status is (Status.PROVED if top < 0 else Status.DISPROVED)
    assert answer.abscissa is not None
    assert Fraction(answer.abscissa[0]) <= top <= Fraction(answer.abscissa[1])
    assert answer.poles is not None
    assert sum(disc.multiplicity for disc in answer.poles) == sum(map(len, blocks))
    for re, im in listed:
        assert sum((d.re - re) ** 2 + (d.im - im) ** 2 <= d.radius**2 for d in answer.poles) == 1


@pytest.mark.parametrize(
    ("matrix", "verdict"),
    [
        (build.jordan(0, 1), MARGINAL),
        (build.jordan(0, 2), UNSTABLE),
        (build.pair(0, 3), MARGINAL),
        (build.jordan_pair(0, 3, 2), UNSTABLE),
        (build.block_diagonal(build.jordan(0, 1), build.pair(0, 1), build.jordan(-1, 3)), MARGINAL),
        (build.block_diagonal(build.jordan_pair(-1, 1, 2), build.pair(-HAIR, 1)), STABLE),
        (build.block_diagonal(build.jordan_pair(-1, 1, 2), build.pair(HAIR, 1)), UNSTABLE),
    ],
)
def test_the_axis(matrix: build.Rows, verdict: Verdict) -> None:
    assert ask(build.hidden(matrix, 5)).verdict is verdict


@pytest.mark.parametrize(
    ("matrix", "verdict"),
    [
        (build.jordan(1, 1), MARGINAL),
        (build.jordan(-1, 2), UNSTABLE),
        (build.pair(Fraction(5, 13), Fraction(12, 13)), MARGINAL),
        (build.jordan_pair(Fraction(5, 13), Fraction(12, 13), 2), UNSTABLE),
        (build.jordan(1 - HAIR, 2), STABLE),
        (build.jordan(-1 - HAIR, 1), UNSTABLE),
        (build.jordan(0, 2), STABLE),
    ],
)
def test_the_unit_circle(matrix: build.Rows, verdict: Verdict) -> None:
    assert ask(in_samples(build.hidden(matrix, 5))).verdict is verdict


# ------------------------------------------------------------------------------------- decay and damping


@pytest.mark.parametrize("n", [2, 24])
@pytest.mark.parametrize("decay", ["1", "0.1", "1/3"])
def test_decay_exactly_at_the_abscissa_is_not_reached(n: int, decay: str) -> None:
    """With 24 states the float route goes first and has to leave this to the exact one."""
    sigma = Fraction(decay)
    A = build.block_diagonal(*[build.jordan(-sigma - k, 1) for k in range(n)])
    for asked, status in ((sigma, Status.DISPROVED), (sigma - HAIR, Status.PROVED), (sigma + HAIR, Status.DISPROVED)):
        answer = ask(A, decay=asked)
        assert (answer.status, answer.verdict) == (status, STABLE)


@pytest.mark.parametrize("n", [1, 24])
def test_decay_in_discrete_time(n: int) -> None:
    A = build.block_diagonal(*[build.jordan(Fraction(1, 2 + k), 1) for k in range(n)])
    for asked, status in (("1/2", Status.DISPROVED), (Fraction(1, 2) - HAIR, Status.PROVED), (0, Status.PROVED)):
        answer = ask(in_samples(A), decay=asked)
        assert (answer.status, answer.verdict) == (status, STABLE)


def test_damping_exactly_at_the_ratio_is_not_reached() -> None:
    A = build.hidden(build.block_diagonal(build.pair(-3, 4), build.jordan(-7, 1)), 1)
    for asked, status in (("3/5", Status.DISPROVED), (Fraction(3, 5) - HAIR, Status.PROVED), ("0.6", Status.DISPROVED)):
        answer = ask(A, damping=asked)
        assert (answer.status, answer.verdict) == (status, STABLE)
    assert ask(A, damping="1/2", decay=3).status is Status.DISPROVED
    assert ask(A, damping="1/2", decay="2.999").status is Status.PROVED


def test_a_region_says_nothing_about_the_verdict() -> None:
    answer = ask([[0, 1], [-1, 0]], decay=1)
    assert (answer.status, answer.verdict) == (Status.DISPROVED, MARGINAL)


# ----------------------------------------------------------------------------------------------- doubles


@pytest.mark.parametrize("size", [1.0, 1 / 3, 1e300, 1e-300, 2.0**-1060])
def test_one_unit_in_the_last_place(size: float) -> None:
    """−s ± √(entry·s): marginal where the entry is s, and on either side of it with its neighbours."""
    for entry, verdict in (
        (size, MARGINAL),
        (float(np.nextafter(size, 0)), STABLE),
        (float(np.nextafter(size, np.inf)), UNSTABLE),
    ):
        assert ask(np.array([[-size, entry], [size, -size]])).verdict is verdict


def test_one_unit_in_the_last_place_of_a_radius() -> None:
    for value, verdict in ((1.0, MARGINAL), (np.nextafter(1, 0), STABLE), (np.nextafter(1, 2), UNSTABLE)):
        for sign in (1, -1):
            assert ask(in_samples(np.array([[sign * value, 0.0], [0.3, 0.1]]))).verdict is verdict


@pytest.mark.parametrize("n", [25, 40])
def test_large_matrices_an_ulp_beside_the_axis(n: int) -> None:
    """The float route must not settle what its arithmetic cannot see."""
    rng = np.random.default_rng(n)
    A = np.tril(rng.integers(-3, 4, (n, n)), -1).astype(float) - np.diag(np.arange(1.0, n + 1))
    A[:2, :2] = [[-1.0, 1.0], [1.0, -1.0]]
    for entry, verdict in ((1.0, MARGINAL), (np.nextafter(1, 0), STABLE), (np.nextafter(1, 2), UNSTABLE)):
        A[0, 1] = entry
        assert ask(A).verdict is verdict


@pytest.mark.parametrize("exponent", [-300, -160, 160, 300])
@pytest.mark.parametrize("n", [2, 22])
def test_scales(exponent: int, n: int) -> None:
    A = (np.diag(-np.arange(1.0, n + 1)) + np.diag(np.ones(n - 1), 1)) * 10.0**exponent
    answer = ask(A)
    assert answer.verdict is STABLE
    assert answer.abscissa is not None
    assert answer.abscissa[0] <= A[0, 0] <= answer.abscissa[1] < 0
    assert ask(-A).verdict is UNSTABLE
    assert ask(in_samples(A)).verdict is (STABLE if exponent < 0 else UNSTABLE)


def test_scales_within_one_matrix() -> None:
    assert ask(np.array([[-1e-300, 1e300], [0.0, -1e300]])).verdict is STABLE
    assert ask(np.array([[-1e-300, 1e300], [1e-300, -1e-300]])).verdict is UNSTABLE
    assert ask([["-1e-1000", "1e1000"], ["-1e1000", "0"]]).verdict is STABLE


@pytest.mark.parametrize("n", [21, 40])
def test_large_plants_are_proved_in_floats(n: int) -> None:
    rng = np.random.default_rng(n)
    A = rng.standard_normal((n, n)) / np.sqrt(n)
    for shift, verdict in ((-1.5, STABLE), (0.5, UNSTABLE)):
        answer = ask(A + shift * np.eye(n))
        assert answer.certificate is not None
        assert (answer.verdict, answer.certificate.method) == (verdict, "lyapunov")
        assert answer.bounds is not None
        lo, hi = answer.bounds
        assert lo is not None
        assert hi is not None
        assert 0 < hi - lo < Fraction(1, 1000)


def test_small_plants_are_decided_exactly() -> None:
    answer = ask([[-1, 2], [0, -3]])
    assert answer.certificate is not None
    assert (answer.route, answer.certificate.method) == (Route.EXACT, "characteristic polynomial")
    assert (answer.gain, answer.dimension, answer.reason) == (None, None, None)
    assert answer.poles is None


# -------------------------------------------------------------------------------- where peers go wrong


def test_control_place_of_fourteen_poles_is_refuted() -> None:
    """FIELD.md: control.place(diag(1..14), ones, −1..−14) gives no warning, and the closed loop is not Hurwitz."""
    control = pytest.importorskip("control")
    A, B = np.diag(np.arange(1.0, 15)), np.ones((14, 1))
    K = np.asarray(control.place(A, B, -np.arange(1.0, 15)))
    closed = LinearSystem(A, B).closed_loop(K)
    answer = ask(closed)
    assert (answer.status, answer.verdict) == (Status.DISPROVED, UNSTABLE)


def test_the_gain_that_scipy_gives_an_undamped_oscillator() -> None:
    """Q = 0: solve_continuous_are silently returns X = 0, so K = 0 and nothing moves."""
    linalg = pytest.importorskip("scipy.linalg")
    A, B = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.array([[0.0], [1.0]])
    try:
        K = B.T @ linalg.solve_continuous_are(A, B, np.zeros((2, 2)), np.eye(1))
    except np.linalg.LinAlgError:
        K = np.zeros((1, 2))
    closed = LinearSystem(A, B).closed_loop(np.asarray(K))
    assert ask(closed, decay="0.001").status is Status.DISPROVED


def test_an_abscissa_of_minus_1e_16_is_not_stable_by_rounding() -> None:
    """Float eigenvalues of a defective or a marginal matrix fall on either side of the axis."""
    T, inverse = build.similarity(6, 11, steps=24)
    marginal = build.product(T, build.block_diagonal(*[build.pair(0, k) for k in (1, 2, 3)]), inverse)
    assert ask(marginal).verdict is MARGINAL
    defective = build.product(T, build.block_diagonal(build.jordan_pair(0, 1, 2), build.pair(-1, 1)), inverse)
    assert ask(defective).verdict is UNSTABLE
    assert np.abs(np.linalg.eigvals(np.array(defective, dtype=float)).real).max() > 0


def test_numeric_quartics_are_decided() -> None:
    """sympy 1.14: TransferFunction.is_stable() returned None for numeric stable quartics."""
    for roots, verdict in (((-1, -2, -3, -4), STABLE), ((-1, -2, -3, Fraction(1, 10**9)), UNSTABLE)):
        assert ask(build.companion(build.expanded(roots))).verdict is verdict


def test_wilkinson() -> None:
    """Roots 1…20 in a companion matrix: float eigenvalues are off by 1e-2 and more."""
    answer = ask(build.companion(build.expanded(range(-20, 0))), poles=True)
    assert answer.verdict is STABLE
    assert answer.poles is not None
    for k, disc in enumerate(answer.poles, 1):
        assert abs(disc.re + k) <= disc.radius < Fraction(1, 2**30)


# ---------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"decay": -1}, "decay"),
        ({"decay": float("nan")}, "decay"),
        ({"decay": "fast"}, "decay"),
        ({"damping": 1}, "damping"),
        ({"damping": -0.5}, "damping"),
        ({"at": {"x": 0}}, "at"),
        ({"at_point": True}, "at_point"),
    ],
)
def test_requests_that_make_no_sense(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ProblemError) as error:
        hybrid.stability([[-1]], **options)
    assert error.value.field == field


def test_no_damping_and_no_decay_of_one_in_discrete_time() -> None:
    for options, field in (({"damping": "0.1"}, "damping"), ({"decay": 1}, "decay")):
        with pytest.raises(ProblemError) as error:
            hybrid.stability(in_samples([[0]]), **options)
        assert error.value.field == field


@pytest.mark.shared
def test_a_55_state_aircraft(shared: Any) -> None:
    answer = ask(hybrid.read(shared / "plants/linear/AC10.json"))
    assert answer.verdict is UNSTABLE
    assert answer.abscissa is not None
    assert 0.1 < answer.abscissa[0] <= answer.abscissa[1] < 0.103
