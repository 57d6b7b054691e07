"""The float kernel against exact rationals, where the answer flips: what it says holds, and it says it almost there."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import builders as build
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.verify import lyapunov
from hybrid.verify.lyapunov import FloatArray, closed_loop, positive_definite, prove_above, prove_below, prove_sides

few = settings(deadline=None, max_examples=40)
both_times = pytest.mark.parametrize("discrete", [False, True], ids=["continuous", "discrete"])


def residual(M: build.Rows, P: build.Rows, bound: Fraction, discrete: bool) -> build.Rows:
    """−((M − bI)ᵀP + P(M − bI)), or b²P − MᵀPM, exactly."""
    n = len(M)
    if discrete:
        scaled = [[bound * bound * x for x in row] for row in P]
        return build.minus(scaled, build.product(build.transposed(M), P, M))
    shifted = build.minus(M, [[bound * x for x in row] for row in build.identity(n)])
    half = build.product(P, shifted)
    zero = [[Fraction(0)] * n for _ in range(n)]
    return build.minus(build.minus(zero, half), build.transposed(half))


def holds_below(M: FloatArray, P: FloatArray, bound: float, discrete: bool) -> bool:
    """The two inequalities of `prove_below` for the stored doubles, over Q."""
    exact_m, exact_p, b = build.rows(M.tolist()), build.rows(P.tolist()), Fraction(bound)
    in_time = not discrete or b > 0
    return in_time and all(map(build.is_positive_definite, (exact_p, residual(exact_m, exact_p, b, discrete))))


def proves_below(M: FloatArray, P: FloatArray, bound: float, discrete: bool, radius: FloatArray | None = None) -> bool:
    return bool(prove_below(M, P, bound, discrete=discrete, radius=radius))


def flip(holds: Callable[[float], bool], no: float, yes: float) -> tuple[float, float]:
    """Neighbouring doubles, or nearly, between which a condition flips."""
    assert holds(yes)
    assert not holds(no)
    for _ in range(200):
        middle = (no + yes) / 2
        if middle in (no, yes):
            break
        no, yes = (no, middle) if holds(middle) else (middle, yes)
    return no, yes


def plant(seed: int, n: int, discrete: bool) -> tuple[FloatArray, FloatArray]:
    """A stable M with a P that proves it, both with full mantissas."""
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((n, n)) + 2 * np.eye(n)
    values = rng.uniform(0.1, 0.9, n) * (1 if discrete else -1)
    W = np.linalg.inv(V)
    P = W.T @ W
    return V @ np.diag(values) @ W, np.tril(P) + np.tril(P, -1).T


# ------------------------------------------------------------------------------------ positive definite


@few
@given(st.integers(1, 5), st.integers(0, 10**6), st.integers(-60, -30))
def test_positive_definite_near_singular(n: int, seed: int, exponent: int) -> None:
    """A singular integer matrix plus 2^exponent on its diagonal, and minus it."""
    rng = np.random.default_rng(seed)
    factor = rng.integers(-9, 10, (n, max(n - 1, 1))).astype(float)
    M = factor @ factor.T + (-1) ** seed * 2.0**exponent * np.eye(n)
    if positive_definite(M, np.zeros((n, n))):
        assert build.is_positive_definite(build.rows(M.tolist()))


@few
@given(st.integers(0, 10**6), st.integers(-40, -1))
def test_positive_definite_for_every_matrix_in_the_radius(seed: int, exponent: int) -> None:
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((3, 3))
    M = factor @ factor.T
    M = np.tril(M) + np.tril(M, -1).T
    radius = rng.uniform(0, 2.0**exponent, (3, 3)) * float(np.linalg.eigvalsh(M)[0])
    radius = np.tril(radius) + np.tril(radius, -1).T
    if not positive_definite(M, radius):
        assert exponent > -20  # a radius so small has to pass
        return
    for signs in product((-1, 1), repeat=6):
        S = np.zeros((3, 3), dtype=int)
        S[np.tril_indices(3)] = signs
        S = np.tril(S) + np.tril(S, -1).T
        vertex = [
            [Fraction(m) + s * Fraction(r) for m, s, r in zip(*rows, strict=True)]
            for rows in zip(M.tolist(), S.tolist(), radius.tolist(), strict=True)
        ]
        assert build.is_positive_definite(vertex)


def test_positive_definite_flips_where_it_should() -> None:
    """The Hilbert matrix of order 4 less c: its smallest eigenvalue is 9.67e-5."""
    hilbert = np.array([[1 / (i + j + 1) for j in range(4)] for i in range(4)])

    def holds(c: float) -> bool:
        return bool(positive_definite(hilbert - c * np.eye(4), np.zeros((4, 4))))

    refused, proved = flip(holds, 1.0, 0.0)
    assert build.is_positive_definite(build.rows((hilbert - proved * np.eye(4)).tolist()))
    assert not build.is_positive_definite(build.rows((hilbert - (refused + 1e-13) * np.eye(4)).tolist()))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0, 0.0])
def test_positive_definite_needs_a_positive_finite_diagonal(bad: float) -> None:
    M = np.diag([1.0, bad])
    assert not positive_definite(M, np.zeros((2, 2)))
    assert not positive_definite(np.eye(2), np.full((2, 2), abs(bad) + 1))


@pytest.mark.parametrize("exponent", [-1000, -600, 600, 1000])
def test_scale_does_not_matter(exponent: int) -> None:
    M = np.ldexp(np.array([[2.0, 1.0], [1.0, 2.0]]), exponent)
    assert positive_definite(M, np.zeros((2, 2)))
    assert not positive_definite(np.ldexp(np.array([[1.0, 1.0], [1.0, 1.0]]), exponent), np.zeros((2, 2)))


# ------------------------------------------------------------------------------------ bounds from above


@both_times
@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_the_upper_bound_flips_where_it_should(n: int, seed: int, discrete: bool) -> None:
    M, P = plant(seed, n, discrete)
    refused, proved = flip(lambda b: proves_below(M, P, b, discrete), 2.0**-60 if discrete else -9.0, 9.0)
    assert holds_below(M, P, proved, discrete)
    assert not holds_below(M, P, refused - 1e-10, discrete)


@both_times
def test_a_scalar_against_its_neighbours(discrete: bool) -> None:
    """λ < b for b a few ulps beside λ: never at or below it."""
    for value in (0.1, 0.7, 1 / 3, 0.9999999):
        M, one, b = np.array([[value]]), np.eye(1), value
        for _ in range(6):
            assert not proves_below(M, one, b, discrete)
            b = float(np.nextafter(b, -1))
        assert proves_below(M, one, value * (1 + 2.0**-45), discrete)


@pytest.mark.parametrize("seed", range(20))
def test_products_that_cancel(seed: int) -> None:
    """A fast oscillation whose residual is nothing but the rounding of its products, beside a damping as small."""
    rng = np.random.default_rng(seed)
    p, q, w = rng.uniform(0.1, 1, 3)
    M, P = np.array([[0.0, w], [-w * p / q, 0.0]]), np.diag([p, q])
    off = Fraction(M[0, 1]) * Fraction(p) + Fraction(M[1, 0]) * Fraction(q)
    for share in (0.5, 0.9, 1.1, 2.0):
        M[0, 0] = M[1, 1] = -share * abs(float(off)) / 2 / np.sqrt(p * q)
        assert holds_below(M, P, 0.0, discrete=False) is (share > 1 and off != 0)
        assert not proves_below(M, P, 0.0, discrete=False)
    M[0, 0] = M[1, 1] = -1e-13
    assert proves_below(M, P, 0.0, discrete=False)


@both_times
@few
@given(data=st.data())
def test_whatever_is_proved_holds_over_q(data: st.DataObject, discrete: bool) -> None:
    """Any small matrices, any bound: True is the exact truth for P, and so for the spectrum."""
    n = data.draw(st.integers(1, 3))
    entry = st.integers(-4, 4).map(lambda k: k / 3)
    M, P = (np.array(data.draw(st.lists(entry, min_size=n * n, max_size=n * n))).reshape(n, n) for _ in "MP")
    P = P @ P.T + np.eye(n) * data.draw(st.sampled_from([0.0, 1e-9, 1.0]))
    P = np.tril(P) + np.tril(P, -1).T
    spectrum = np.linalg.eigvals(M)
    top = float(np.abs(spectrum).max() if discrete else spectrum.real.max())
    bound = top + data.draw(st.sampled_from([-1e-15, 0.0, 1e-16, 1e-14, 1e-10, 0.5]))
    if proves_below(M, P, bound, discrete):
        assert holds_below(M, P, bound, discrete)
        exact, b = build.rows(M.tolist()), Fraction(bound)
        if discrete:
            assert build.is_schur([[x / b for x in row] for row in exact])
        else:
            assert build.is_hurwitz(build.minus(exact, [[b * x for x in row] for row in build.identity(n)]))


@both_times
@pytest.mark.parametrize("seed", range(6))
def test_a_radius_covers_every_matrix_in_it(seed: int, discrete: bool) -> None:
    """The inequality is convex in M, so the sixteen vertices of a 2 × 2 box decide; at the largest radius proved."""
    M, P = plant(seed, 2, discrete)
    shape = np.random.default_rng(seed + 50).uniform(0.1, 1, (2, 2))
    bound = 1.0 if discrete else 0.0
    refused, proved = flip(lambda r: proves_below(M, P, bound, discrete, r * shape), 10.0, 0.0)

    def vertices_hold(size: float) -> bool:
        exact_p = build.rows(P.tolist())
        for signs in product((-1, 1), repeat=4):
            vertex = [
                [Fraction(M[i, j]) + signs[2 * i + j] * Fraction(size * shape[i, j]) for j in (0, 1)] for i in (0, 1)
            ]
            if not build.is_positive_definite(residual(vertex, exact_p, Fraction(bound), discrete)):
                return False
        return True

    assert proved > 0
    assert vertices_hold(proved)
    assert not vertices_hold(64 * refused)  # rough, since a box in M is not a box in the residual, but not idle


# ------------------------------------------------------------------------------------ bounds from below


@both_times
@few
@given(data=st.data())
def test_a_lower_bound_proved_is_one(data: st.DataObject, discrete: bool) -> None:
    n = data.draw(st.integers(1, 3))
    seed = data.draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((n, n))
    values, vectors = np.linalg.eig(M)
    place = np.abs(values) if discrete else values.real
    gap = data.draw(st.sampled_from([-1e-15, 0.0, 1e-16, 1e-13, 1e-9, 1e-3]))
    bound = float(place.max()) - gap
    left = np.linalg.inv(vectors)
    with np.errstate(all="ignore"):
        weights = 1 / ((bound**2 - place**2) if discrete else (bound - place))
        P = ((left.conj().T * weights) @ left).real
    P = np.tril(P) + np.tril(P, -1).T
    top = vectors[:, int(place.argmax())]
    x = max((np.array(top.real), np.array(top.imag)), key=lambda v: -float(v @ P @ v) if np.isfinite(P).all() else 0)
    if not prove_above(M, P, x, bound, discrete=discrete):
        assert gap < 1e-3 or np.linalg.cond(vectors) > 1e3
        return
    exact_m, exact_p, b = build.rows(M.tolist()), build.rows(P.tolist()), Fraction(bound)
    assert b > 0 or not discrete
    assert build.is_positive_definite(residual(exact_m, exact_p, b, discrete))
    column = build.transposed(build.rows([x.tolist()]))
    assert build.product(build.transposed(column), exact_p, column)[0][0] < 0
    if discrete:
        assert not build.is_schur([[entry / b for entry in row] for row in exact_m])
    else:
        assert not build.is_hurwitz(build.minus(exact_m, [[b * entry for entry in row] for row in build.identity(n)]))


@pytest.mark.parametrize("x", [[0.0, 0.0], [1.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [1e-200, 1e-200]])
def test_a_direction_that_shows_nothing(x: list[float]) -> None:
    """P = diag(1, −1) is negative along the second axis only, and a tiny vector has a form that underflows."""
    M, P = np.diag([-1.0, 1.0]), np.diag([1.0, -1.0])
    assert prove_above(M, P, np.array([0.0, 1.0]), 0.0, discrete=False)
    assert not prove_above(M, P, np.array(x), 0.0, discrete=False)


def test_both_sides_in_one_stack() -> None:
    M = np.diag([-1.0, -2.0])
    P, x = np.stack([np.eye(2), np.diag([-1.0, 1.0])]), np.array([[0.0, 0.0], [1.0, 0.0]])
    upper = np.array([True, False])
    bounds = np.array([-0.5, -1.5])
    assert prove_sides(M, P, bounds, x, upper, discrete=False).tolist() == [True, True]
    assert prove_sides(M, P, bounds[::-1], x, upper, discrete=False).tolist() == [False, False]
    assert prove_sides(M, P, bounds, x, ~upper, discrete=False).tolist() == [False, False]


# ------------------------------------------------------------------------------------ stacks and strange numbers


@both_times
def test_rows_of_a_stack_do_not_see_each_other(discrete: bool) -> None:
    """Rows at the edge of what can be proved, alone, shuffled, and among NaN and infinite ones."""
    M, P, bounds = [], [], []
    for seed in range(24):
        a, p = plant(seed, 3, discrete)
        refused, proved = flip(lambda b, a=a, p=p: proves_below(a, p, b, discrete), 2.0**-60 if discrete else -9.0, 9.0)
        M.append(a)
        P.append(p)
        bounds.append(proved if seed % 2 else refused)
    alone = [proves_below(a, p, b, discrete) for a, p, b in zip(M, P, bounds, strict=True)]
    assert alone == [bool(seed % 2) for seed in range(24)]
    stack, proofs, levels = np.stack(M), np.stack(P), np.array(bounds)
    assert prove_below(stack, proofs, levels, discrete=discrete).tolist() == alone
    order = np.random.default_rng(0).permutation(24)
    assert prove_below(stack[order], proofs[order], levels[order], discrete=discrete).tolist() == [
        alone[i] for i in order
    ]
    stack[::3], proofs[1::5] = np.nan, np.inf
    spoiled = [ok and i % 3 != 0 and i % 5 != 1 for i, ok in enumerate(alone)]
    assert prove_below(stack, proofs, levels, discrete=discrete).tolist() == spoiled


def test_only_the_lower_triangle_of_p_is_read() -> None:
    M = np.array([[-1.0, 0.5], [0.0, -2.0]])
    for above in (0.1, 1e300, np.nan, np.inf):
        P = np.array([[1.0, above], [0.1, 1.0]])
        assert prove_below(M, P, 0.0, discrete=False)


@both_times
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["M", "P", "bound", "radius"])
def test_what_is_not_finite_proves_nothing(where: str, bad: float, discrete: bool) -> None:
    given: dict[str, Any] = {"M": np.diag([-0.5, -0.5]), "P": np.eye(2), "bound": 0.9, "radius": np.zeros((2, 2))}
    assert prove_below(**given, discrete=discrete)
    given[where] = bad if where == "bound" else np.where(np.eye(2)[0] * np.eye(2)[:, :1] > 0, bad, given[where])
    assert not prove_below(**given, discrete=discrete)


@both_times
@pytest.mark.parametrize("size", [1e-308, 1e-160, 1e160, 1e308])
@pytest.mark.parametrize("where", ["M", "P", "bound"])
def test_overflow_and_underflow_prove_nothing_false(where: str, size: float, discrete: bool) -> None:
    for sign in (-1, 1):
        given: dict[str, Any] = {"M": np.array([[-0.5, 0.25], [0.0, -0.5]]), "P": np.eye(2), "bound": 0.9}
        given[where] = sign * size * (np.ones((2, 2)) if where == "M" else given[where])
        if prove_below(**given, discrete=discrete):
            assert holds_below(**given, discrete=discrete)


def test_subnormal_entries_are_left_to_the_exact_route() -> None:
    """A BLAS thread in "denormals are zero" mode would not see them."""
    M, P, tiny = -np.eye(2), np.eye(2), 2.0**-1060
    assert prove_below(M, P, 0.0, discrete=False)
    for i, j in product(range(2), repeat=2):
        changed = M.copy()
        changed[i, j] = tiny if i != j else -tiny
        assert not prove_below(changed, P, 0.0, discrete=False)
    P[1, 0] = tiny
    assert not prove_below(M, P, 0.0, discrete=False)
    _, radius = closed_loop(M, np.array([[tiny], [1.0]]), np.ones((1, 2)))
    assert np.isinf(radius).all()
    _, radius = closed_loop(M, np.ones((2, 1)), np.array([[tiny, 1.0]]))
    assert np.isinf(radius).all()


def test_other_arithmetic_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lyapunov.arithmetic_is_ieee()
    monkeypatch.setattr(lyapunov, "arithmetic_is_ieee", lambda: False)
    assert not prove_below(-np.eye(2), np.eye(2), 0.0, discrete=False)
    assert not prove_above(np.eye(2), -np.eye(2), np.ones(2), 0.0, discrete=False)


def test_orders_beyond_the_error_analysis_are_refused() -> None:
    huge = np.broadcast_to(np.float64(0), (100_001, 100_001))
    with pytest.raises(ValueError, match="100000"):
        positive_definite(huge, huge)


# ------------------------------------------------------------------------------------ the closed loop


@few
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 10**6), st.integers(-20, 20))
def test_a_closed_loop_lies_in_its_radius(n: int, m: int, seed: int, exponent: int) -> None:
    """Also where A, B, K are themselves known up to a radius, at vertices of theirs."""
    rng = np.random.default_rng(seed)
    A, B, K = (rng.standard_normal(shape) for shape in ((n, n), (n, m), (m, n)))
    K = np.ldexp(K, exponent)
    radii = [np.abs(x) * 2.0**-53 * rng.integers(0, 2) for x in (A, B, K)]
    midpoint, radius = closed_loop(A, B, K, *radii)
    for _ in range(4):
        a, b, k = (
            [[Fraction(x) + s * Fraction(r) for x, s, r in zip(*rows, strict=True)] for rows in zip(*each, strict=True)]
            for each in (
                (x.tolist(), rng.choice((-1, 1), x.shape).tolist(), r.tolist())
                for x, r in zip((A, B, K), radii, strict=True)
            )
        )
        off = build.minus(build.minus(a, build.product(b, k)), build.rows(midpoint.tolist()))
        assert all(
            abs(x) <= Fraction(r) for rows in zip(off, radius.tolist(), strict=True) for x, r in zip(*rows, strict=True)
        )


def test_inputs_are_not_modified() -> None:
    M, P, radius = np.diag([-1.0, -2.0]), np.eye(2), np.full((2, 2), 1e-9)
    before = M.copy(), P.copy(), radius.copy()
    prove_below(M, P, 0.0, discrete=False, radius=radius)
    prove_above(M, P, np.ones(2), 0.0, discrete=True, radius=radius)
    closed_loop(M, P, P, radius, radius, radius)
    assert all((old == new).all() for old, new in zip(before, (M, P, radius), strict=True))
