"""Questions about the Jacobian at a point that need be no equilibrium, real and complex, built from their answers."""

from __future__ import annotations

import cmath
import hashlib
import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import acb_mat, arb_mat
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Status, Verdict
from hybrid.errors import ProblemError
from hybrid.exact.at_point import jacobian_at
from hybrid.exact.routh import real_polynomial, roots_beyond
from hybrid.exact.zero_pattern import blocks, dilation, term_rank, unreached, zero_eigenvalues
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact

Document = dict[str, Any]


def system(*equations: str, inputs: int = 0) -> NonlinearSystem:
    return NonlinearSystem([f"x{i}" for i in range(len(equations))], [f"u{i}" for i in range(inputs)], list(equations))


def sealed(document: Document) -> Document:
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def linear_in(matrix: np.ndarray[Any, Any], scale: str = "exp(1)") -> NonlinearSystem:
    """x' = e·M x for an integer matrix M: an irrational Jacobian e·M everywhere."""
    rows = [" + ".join(f"({int(m)})*{scale}*x{j}" for j, m in enumerate(row)) for row in matrix]
    return system(*rows)


def square(n: int) -> st.SearchStrategy[Any]:
    return st.lists(st.integers(-5, 5), min_size=n * n, max_size=n * n).map(lambda e: np.array(e).reshape(n, n))


matrices = st.integers(1, 4).flatmap(square)
pairs = st.integers(1, 3).flatmap(lambda n: st.tuples(square(n), square(n)))


@settings(deadline=None, max_examples=60)
@given(matrices)
def test_the_abscissa_is_enclosed_and_the_certificate_holds(M: np.ndarray[Any, Any]) -> None:
    at = {f"x{i}": "1/3" for i in range(len(M))}
    answer = hybrid.stability(linear_in(M), at=at, at_point=True)
    rational = hybrid.stability(M)
    assume(M.any())
    if answer.status is Status.UNDECIDED:  # an equality that the zeros do not show
        assert rational.bounds == (0, 0)
        return
    assert answer.verdict is rational.verdict
    assert answer.certificate is not None
    assert hybrid.check(answer.certificate).valid
    (lo, hi), (low, high) = answer.bounds, rational.bounds  # type: ignore[misc]
    assert low is not None
    assert high is not None
    assert lo <= Fraction(np.e) * high + Fraction(1, 10**9)
    assert hi >= Fraction(np.e) * low - Fraction(1, 10**9)
    assert hi - lo <= max(abs(lo), abs(hi)) / 1000


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_the_stability_of_a_complex_matrix_is_that_of_its_real_form(pair: Any) -> None:
    X, Y = pair
    root = "sqrt(-2)"
    rows = [
        " + ".join(f"(({a}) + ({b})*{root})*x{j}" for j, (a, b) in enumerate(zip(x, y, strict=True)))
        for x, y in zip(X.tolist(), Y.tolist(), strict=True)
    ]
    answer = hybrid.stability(system(*rows), paper=True)
    values = np.linalg.eigvals(X + 1j * np.sqrt(2) * Y)
    if answer.status is Status.UNDECIDED:
        assert abs(values.real.max()) < 1e-6
        return
    assert answer.bounds is not None
    assert answer.certificate is not None
    lo, hi = (float(end) for end in answer.bounds)  # type: ignore[arg-type]
    assert lo - 1e-2 <= values.real.max() <= hi + 1e-2
    if abs(values.real.max()) > 1e-2:
        assert (answer.verdict is Verdict.STABLE) is bool(values.real.max() < 0)
    assert hybrid.check(answer.certificate).valid


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x0*sqrt(-4)", 2j),
        ("x0*log(-1)", cmath.pi * 1j),
        ("x0*asin(6)", np.arcsin(6 + 0j).conjugate()),
        ("x0*acos(-3)", np.arccos(-3 + 0j)),
        ("sqrt(x0 - 2)", 1 / (2 * cmath.sqrt(-1))),
        ("asin(6*x0)", 6 / cmath.sqrt(1 - 36)),
        ("log(exp(x0*sqrt(-100)))*x0", None),
    ],
)
def test_complex_derivatives_are_those_of_principal_branches(text: str, value: complex | None) -> None:
    entry = jacobian_at(system(text), {"x0": 1}, 96, is_complex=True).A[0][0]
    if value is None:  # log exp 10j = (10 − 4π)j, and not 10j; its derivative is 10j all the same
        value = (10 - 4 * np.pi) * 1j + 10j
    assert abs(complex(entry) - value) < 1e-9


def test_complex_values_are_for_the_paper_alone() -> None:
    with pytest.raises(ProblemError, match=r"not real there.*--paper"):
        hybrid.stability(system("-x0*sqrt(x0 - 2)"), at={"x0": 1}, at_point=True)
    with pytest.raises(ProblemError, match=r"got asin of 6"):
        hybrid.stability(system("x0*asin(6)"), at={"x0": 1}, at_point=True)
    assert hybrid.stability(system("-x0*(2 + sqrt(x0 - 2))"), paper=True).verdict is Verdict.STABLE


def test_a_singular_point_is_an_error_that_names_its_place() -> None:
    with pytest.raises(ProblemError, match=r"equations, line 1, column 3: got a division"):
        hybrid.stability(system("x0/(x0 - 1/100)"), paper=True)


def test_the_papers_reading_is_of_equations_at_a_rational_point() -> None:
    for call in (
        lambda: hybrid.stability([[1]], paper=True),
        lambda: hybrid.stability(system("x0"), at={"x0": "pi"}, paper=True),
        lambda: hybrid.stability(system("x0"), damping="1/2", paper=True),
        lambda: hybrid.stability(NonlinearSystem(["x"], [], ["x"], dt=1), paper=True),
    ):
        with pytest.raises(ProblemError, match="paper"):
            call()


def test_a_decimal_point_is_taken_exactly() -> None:
    answer = hybrid.stability(system("x0*x1 - 1", "x1 - x0"), at={"x0": "0.1", "x1": "0.3"}, at_point=True)
    assert answer.certificate is not None
    assert answer.certificate.method == "exact linearisation"
    assert (
        hybrid.controllability(system("exp(x0)*u0", inputs=1), at={"x0": "0.9", "u0": "0.9"}, at_point=True).status
        is Status.PROVED
    )


@pytest.mark.parametrize(
    ("equations", "verdict"),
    [
        (("exp(x1)", "-x1*exp(1)"), Verdict.MARGINAL),
        (("exp(x1)", "0*x0"), Verdict.UNSTABLE),  # a Jordan block at 0
        (("x1*exp(1)", "-x0"), Verdict.MARGINAL),
        (("x0*sqrt(-exp(1))", "-x1"), Verdict.MARGINAL),
        (("x0*exp(1)", "-x1"), Verdict.UNSTABLE),
        (("exp(x1) + exp(x2)", "0*x0", "0*x0"), Verdict.UNSTABLE),
    ],
)
def test_eigenvalues_that_zeros_put_on_the_axis(equations: tuple[str, ...], verdict: Verdict) -> None:
    answer = hybrid.stability(system(*equations), paper=True)
    assert answer.verdict is verdict
    assert answer.status is Status.DISPROVED
    assert answer.certificate is not None
    assert hybrid.check(answer.certificate).valid
    assert answer.paper is not None
    assert answer.paper.holds is False


def test_the_speed_has_three_digits() -> None:
    answer = hybrid.stability(system("-exp(x0)*x0 - tan(x1)", "x0 - 3*x1"), paper=True)
    assert answer.paper is not None
    assert answer.bounds is not None
    assert answer.paper.value == float(f"{-float(answer.bounds[0]):.2e}")  # type: ignore[arg-type]


# Controllability


@pytest.mark.parametrize(
    ("equations", "verdict", "method"),
    [
        (("tan(x1)", "x0 + exp(u0)"), Verdict.CONTROLLABLE, "regular minor"),
        (("tan(x0)", "x0 + exp(u0)"), Verdict.UNCONTROLLABLE, "zero pattern"),  # no input reaches x0
        (("exp(x2)", "sin(x2)", "exp(u0)"), Verdict.UNCONTROLLABLE, "zero pattern"),  # a dilation
        (("x1", "u0"), Verdict.CONTROLLABLE, "modular rank"),
    ],
)
def test_controllability_at_a_point(equations: tuple[str, ...], verdict: Verdict, method: str) -> None:
    answer = hybrid.controllability(system(*equations, inputs=1), paper=True)
    assert answer.verdict is verdict
    assert answer.certificate is not None
    assert answer.certificate.witness["method"] == method
    assert hybrid.check(answer.certificate).valid
    assert answer.paper is not None
    assert answer.paper.value == (verdict is Verdict.CONTROLLABLE)


def test_the_papers_tolerance_is_told_where_it_differs() -> None:
    answer = hybrid.controllability(system("1e-8*exp(x1)", "exp(u0)", inputs=1), paper=True)
    assert answer.verdict is Verdict.CONTROLLABLE
    assert answer.paper is not None
    assert answer.paper.value == 0
    assert answer.paper.holds is False


def test_zeros_that_cancel_are_seen() -> None:
    """∂/∂u of sin(u − (5 + u)) is 0 exactly, although the cosine is irrational."""
    answer = hybrid.controllability(system("sin(u0 - (5 + u0)) - x0", "exp(u0)*x0 + u0", inputs=1), paper=True)
    assert answer.verdict is Verdict.UNCONTROLLABLE


@settings(deadline=None, max_examples=40)
@given(st.integers(-5, 5), st.integers(-5, 5), st.integers(-9, 9))
def test_imaginary_pairs_are_on_the_axis_where_they_are_apart(x: int, y: int, w: int) -> None:
    """[[jx, e], [w/e, jy]] has the eigenvalues jμ, μ² − (x + y)μ + xy + w = 0; beside it an eigenvalue −1."""
    assume(w != 0)
    imaginary = [f"{'-' if k < 0 else ''}sqrt(-{k * k})" for k in (x, y)]
    rows = (f"{imaginary[0]}*x0 + exp(1)*x1", f"({w})/exp(1)*x0 + {imaginary[1]}*x1", "x0 - x2")
    answer = hybrid.stability(system(*rows), paper=True)
    square = (x - y) ** 2 - 4 * w
    if square < 0:
        assert answer.verdict is Verdict.UNSTABLE
    elif square > 0 and x * y + w != 0:
        assert (answer.verdict, answer.bounds) == (Verdict.MARGINAL, (0, 0))
    elif square == 0:  # a double eigenvalue on the axis: unstable, which is not proved
        assert answer.verdict is Verdict.UNKNOWN
    assert answer.certificate is None or hybrid.check(answer.certificate).valid


@pytest.mark.parametrize(
    ("entry", "valid"),
    [("1/exp(1)", True), ("3/2/exp(1)", True), ("9/exp(1)", False), ("sqrt(-1)/exp(1)", False), ("9/4/exp(1)", False)],
)
def test_the_claim_of_an_imaginary_pair_is_refused_where_it_is_none(entry: str, valid: bool) -> None:
    """[[j, e], [w/e, −2j]] has its eigenvalues on the axis for real w < 9/4."""
    document = hybrid.stability(system("sqrt(-1)*x0 + exp(1)*x1", "x0/exp(1) - sqrt(-4)*x1"), paper=True)
    assert document.certificate is not None
    altered = document.certificate.to_dict()
    altered["system"]["equations"] = ["sqrt(-1)*x0 + exp(1)*x1", f"{entry}*x0 - sqrt(-4)*x1"]
    assert hybrid.check(sealed(altered)).valid is valid


def test_equalities_of_irrational_numbers_that_follow_from_others_are_seen_and_the_rest_stays_open() -> None:
    seen = hybrid.controllability(system("x1*exp(u0)", "x0*(sin(u0)^2 + cos(u0)^2 - 1)", inputs=1), paper=True)
    assert seen.verdict is Verdict.UNCONTROLLABLE
    among_roots = "x0*(sqrt(2)*sqrt(3) - sqrt(6))*exp(u0)"
    assert hybrid.controllability(system("x1*exp(u0)", among_roots, inputs=1), paper=True).status is Status.UNDECIDED


# Patterns and polynomials

patterns = st.integers(1, 5).flatmap(lambda n: st.lists(st.integers(0, 2**n - 1), min_size=n, max_size=n))


def generic(rows: list[int], columns: int) -> np.ndarray[Any, Any]:
    """Random numbers where the pattern has entries: they have its generic rank."""
    rng = np.random.default_rng(1)
    return np.array([[rng.uniform(1, 2) * (row >> j & 1) for j in range(columns)] for row in rows])


@settings(deadline=None)
@given(patterns, st.data())
def test_what_zeros_show_is_what_generic_numbers_have(rows: list[int], data: st.DataObject) -> None:
    n = len(rows)
    A = generic(rows, n)
    assert term_rank(rows) == np.linalg.matrix_rank(A)
    coefficients = np.abs(np.poly(A))[::-1]
    assert zero_eigenvalues(rows) == int((np.cumsum(coefficients) < 1e-9).sum())
    B = data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    assert bool(dilation(rows, B)) == (np.linalg.matrix_rank(np.hstack([A, generic(B, 1)])) < n)
    powers = [np.array(B, bool)]
    for _ in range(n):
        powers.append(powers[-1] | (A.astype(bool) @ powers[-1]))
    assert unreached(rows, B) == sum(1 << i for i in range(n) if not powers[-1][i])
    assert sorted(i for block in blocks(rows) for i in block) == list(range(n))


@settings(deadline=None)
@given(pairs, st.fractions(-6, 6, max_denominator=7))
def test_routh_counts_the_roots_beyond_a_line(pair: Any, line: Fraction) -> None:
    X, Y = pair
    for M, balls, each in (
        (X, arb_mat(X.tolist()), 1),
        (X + 1j * Y, acb_mat([[complex(x) for x in row] for row in (X + 1j * Y).tolist()]), 2),
    ):
        found = roots_beyond(real_polynomial(balls), line)
        values = np.linalg.eigvals(M).real
        assume(np.abs(values - float(line)).min() > 1e-4)
        assert found is None or found == each * int((values > line).sum())


# Altered certificates

CLAIMS: dict[str, Callable[[], Any]] = {
    "stable": lambda: hybrid.stability(system("-x0*(2 + sqrt(-3)) + x1", "-exp(x1)"), paper=True),
    "unstable": lambda: hybrid.stability(system("x0*(2 + sqrt(-3)) + x1", "-exp(x1)"), paper=True),
    "marginal": lambda: hybrid.stability(system("exp(x1)", "-x1*exp(1)"), paper=True),
    "defective": lambda: hybrid.stability(system("exp(x1)", "0*x0"), paper=True),
    "controllable": lambda: hybrid.controllability(system("tan(x1)", "x0 + exp(u0)", inputs=1), paper=True),
    "unreached": lambda: hybrid.controllability(system("tan(x0)", "x0 + exp(u0)", inputs=1), paper=True),
    "dilation": lambda: hybrid.controllability(system("exp(x2)", "sin(x2)", "exp(u0)", inputs=1), paper=True),
    "rational": lambda: hybrid.stability(system("-x0 + sqrt(-2)"), paper=True),
}


def alterations(document: Document) -> list[Document]:
    """Documents that claim something false, or prove what is true by nothing."""
    claim, witness = document["claim"], document["witness"]
    opposite = {
        "stable": "unstable", "unstable": "stable", "marginal": "stable", "controllable": "uncontrollable",
        "uncontrollable": "controllable",
    }  # fmt: skip
    found = [document | {"claim": claim | {"verdict": opposite[claim["verdict"]]}}]
    found.append(document | {"claim": claim | {"equilibrium": True}})
    found.append(document | {"witness": witness | {"method": "lyapunov"}})
    found.append(document | {"claim": claim | {"values": "quaternion"}})
    if "abscissa" in claim:
        moved = [str(exact(end, "abscissa") - 1) for end in claim["abscissa"]]
        found.append(document | {"claim": claim | {"abscissa": moved}})
        found.append(document | {"claim": claim | {"in_region": not claim["in_region"]}})
    if "values" in claim:
        found.append(document | {"claim": {key: value for key, value in claim.items() if key != "values"}})
    if "precision" in witness["witness"]:
        for precision in (8, 10**9):
            inner = witness["witness"] | {"precision": precision}
            found.append(document | {"witness": witness | {"witness": inner}})
    for key in ("columns", "unreached", "dilation", "minor"):
        if key in witness["witness"]:
            wrong = [] if key != "minor" else [[0], [0]]
            found.append(document | {"witness": witness | {"witness": witness["witness"] | {key: wrong}}})
    return found


@pytest.mark.parametrize("kind", CLAIMS)
def test_altered_certificates_are_refused(kind: str) -> None:
    answer = CLAIMS[kind]()
    document = answer.certificate.to_dict()
    assert hybrid.check(document).valid
    for altered in alterations(document):
        with_seal = sealed(json.loads(json.dumps(altered)))
        try:
            report = hybrid.check(with_seal)
        except hybrid.CertificateError:
            continue
        assert not report.valid, altered["claim"]


def test_a_certificate_for_another_sign_is_refused() -> None:
    document = CLAIMS["stable"]().certificate.to_dict()
    equations = [
        text.replace("-", "+", 1) if i == 1 else text for i, text in enumerate(document["system"]["equations"])
    ]
    other = document | {"system": document["system"] | {"equations": ["(2 + sqrt(-3))*x0 + x1", equations[1]]}}
    assert not hybrid.check(sealed(other)).valid


def test_zero_over_an_irrational_number_is_zero_for_the_checker_too() -> None:
    """The solver folds 0/acos(x) away and finds a rational Jacobian; its certificate was refused for that."""
    system = NonlinearSystem(["x", "y"], [], ["y - asin((2 - 2)/x/acos(x)) - x", "-y"])
    answer = hybrid.stability(system, at={"x": "0.01", "y": "0.01"}, at_point=True)
    assert answer.certificate is not None
    assert answer.certificate.method == "exact linearisation"
    assert hybrid.check(answer.certificate).valid
