"""The compiled proof kernel against exact rationals, where the answer flips, and its rows against their neighbours."""

from __future__ import annotations

import platform
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import builders as build
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hybrid.batch.kernels import modular, proof
from hybrid.batch.kernels.blocks import block, fill
from hybrid.batch.kernels.compile import kernel
from hybrid.batch.kernels.decimals import POWERS, shortened
from hybrid.batch.kernels.lanes import flag_of
from hybrid.batch.kernels.proof import PROBE, prove
from hybrid.verify import lyapunov
from hybrid.verify.lyapunov import BoolArray, FloatArray

few = settings(deadline=None, max_examples=40)
both_times = pytest.mark.parametrize("discrete", [False, True], ids=["continuous", "discrete"])


def proves(
    A: FloatArray,
    P: FloatArray,
    bound: float,
    discrete: bool,
    B: FloatArray | None = None,
    K: FloatArray | None = None,
    x: FloatArray | None = None,
) -> BoolArray:
    """`prove` for stacks, or for one matrix of each kind."""
    stacks = [None if X is None else np.array(X if X.ndim == 3 else X[None]) for X in (A, B, K, P, x)]
    count, n = stacks[0].shape[:2]
    a, b, k, p, along = (np.zeros((count, *s)) if X is None else X for X, s in zip(stacks, _empty(n), strict=True))
    return prove(a, b, k, p, along, float(bound), discrete, PROBE)


@kernel
def positive_definite(M: FloatArray, radius: FloatArray) -> BoolArray:
    """The part of `prove` that decides whether each M ± radius, (N, n, n), is positive definite."""
    count, n = M.shape[:2]
    proved = np.zeros(count, dtype=np.bool_)
    middle, spread, work = block(n, n), block(n, n), block(n, n)
    for row in range(count):
        fill(M, row, middle)
        fill(radius, row, spread)
        proved[row] = flag_of(proof._positive_definite(middle, spread, work), 0)
    return proved


@kernel
def negative_along(P: FloatArray, x: FloatArray) -> BoolArray:
    """The part of `prove` that decides whether xᵀPx < 0, for P (N, n, n) and x (N, n, 1)."""
    count, n = P.shape[:2]
    proved = np.zeros(count, dtype=np.bool_)
    form, direction = block(n, n), block(n, 1)
    for row in range(count):
        fill(P, row, form)
        fill(x, row, direction)
        proved[row] = flag_of(proof._negative_along(form, direction), 0)
    return proved


def _empty(n: int) -> list[tuple[int, int]]:
    return [(n, n), (n, 0), (0, n), (n, n), (n, 0)]


def residual(M: build.Rows, P: build.Rows, bound: Fraction, discrete: bool) -> build.Rows:
    """−((M − bI)ᵀP + P(M − bI)), or b²P − MᵀPM, exactly."""
    if discrete:
        scaled = [[bound * bound * x for x in row] for row in P]
        return build.minus(scaled, build.product(build.transposed(M), P, M))
    half = build.product(P, build.minus(M, [[bound * x for x in row] for row in build.identity(len(M))]))
    return [[-a - b for a, b in zip(*pair, strict=True)] for pair in zip(half, build.transposed(half), strict=True)]


def holds(M: build.Rows, P: FloatArray, bound: float, discrete: bool) -> bool:
    """Whether P proves the bound for M, over Q."""
    exact = build.rows(P.tolist())
    inequalities = exact, residual(M, exact, Fraction(bound), discrete)
    return (not discrete or bound > 0) and all(map(build.is_positive_definite, inequalities))


def closed(A: FloatArray, B: FloatArray, K: build.Rows) -> build.Rows:
    return build.minus(build.rows(A.tolist()), build.product(build.rows(B.tolist()), K))


def flip(condition: Callable[[float], bool], no: float, yes: float) -> tuple[float, float]:
    """Neighbouring doubles, or nearly, between which a condition flips."""
    assert condition(yes)
    assert not condition(no)
    for _ in range(200):
        middle = (no + yes) / 2
        if middle in (no, yes):
            break
        no, yes = (no, middle) if condition(middle) else (middle, yes)
    return no, yes


def symmetric(P: FloatArray) -> FloatArray:
    return np.tril(P) + np.tril(P, -1).mT


def plants(seed: int, count: int, n: int, discrete: bool) -> tuple[FloatArray, FloatArray]:
    """Stable matrices with P that prove them, both with full mantissas."""
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((count, n, n)) + 2 * np.eye(n)
    values = rng.uniform(0.1, 0.9, (count, n)) * (1 if discrete else -1)
    W = np.linalg.inv(V)
    return V @ (values[:, :, None] * W), symmetric(W.mT @ W)


# ------------------------------------------------------------------------------------ against exact rationals


@pytest.mark.parametrize("exponent", range(-60, -36, 3))
def test_nearly_singular_matrices(exponent: int) -> None:
    """Singular integer matrices, with a little added to the diagonal or taken off it."""
    rng = np.random.default_rng(exponent + 100)
    for n in (1, 2, 3, 5):
        factor = rng.integers(-9, 10, (40, n, max(n - 1, 1))).astype(float)
        sign = np.where(np.arange(40) % 2, -1.0, 1.0)[:, None, None]
        P = factor @ factor.mT + sign * 2.0**exponent * np.eye(n) * rng.integers(0, 2, (40, 1, 1))
        for row in np.flatnonzero(positive_definite(P, np.zeros_like(P))):
            assert build.is_positive_definite(build.rows(P[row].tolist()))


def test_singular_matrices_are_never_proved() -> None:
    """Rank n − 1 exactly: plain Cholesky finishes on about half of them, with a last pivot that is all rounding."""
    rng = np.random.default_rng(1)
    for n in (2, 3, 4, 6, 8):
        factor = rng.integers(-999, 1000, (400, n, n - 1)).astype(float)
        P = factor @ factor.mT
        plain = np.array([_cholesky_finishes(each) for each in P])
        assert 0.02 < plain.mean() < 0.98
        assert not positive_definite(P, np.zeros_like(P)).any()
        assert not proves(np.broadcast_to(-np.eye(n) / 2, P.shape), P, 0.0, False).any()
        assert not proves(np.broadcast_to(np.eye(n) / 2, P.shape), P, 1.0, True).any()
        nudged = P + 1e-9 * np.abs(P).max((1, 2), keepdims=True) * np.eye(n)
        assert positive_definite(nudged, np.zeros_like(P)).all()
        assert proves(np.broadcast_to(-np.eye(n) / 2, P.shape), nudged, 0.0, False).all()


@few
@given(st.integers(0, 10**6))
def test_every_matrix_in_the_radius_is_positive_definite(seed: int) -> None:
    """At the largest radius of a shape that is proved, the vertices of the box are positive definite over Q."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal((3, 3))
    M, shape = symmetric(factor @ factor.T), symmetric(rng.uniform(0, 1, (3, 3)))
    _, size = flip(lambda r: bool(positive_definite(M[None], r * shape[None])[0]), 100.0, 0.0)
    if size == 0.0:
        return
    for signs in product((-1, 1), repeat=6):
        S = np.zeros((3, 3), dtype=int)
        S[np.tril_indices(3)] = signs
        S = np.tril(S) + np.tril(S, -1).T
        vertex = [
            [Fraction(m) + s * Fraction(r) for m, s, r in zip(*rows, strict=True)]
            for rows in zip(M.tolist(), S.tolist(), (size * shape).tolist(), strict=True)
        ]
        assert build.is_positive_definite(vertex)


@pytest.mark.parametrize("gap", [0, 1, 4])
def test_roundings_that_all_go_one_way(gap: int) -> None:
    """A singular arrow (less `gap` ulps at its tip): 64 products of 81/64 ulp, of each of which Cholesky takes off 1.

    In floats the last pivot ends 17 ulps high; only the shift for the factorisation's own rounding sees that.
    """
    ulp, n = 2.0**-52, 66
    M = np.eye(n)
    M[:-2, -1] = M[-1, :-2] = 9 / 8 * 2.0**-26
    M[-2, -1] = M[-1, -2] = 1.0
    M[-1, -1] = 1 + (81 - gap) * ulp
    assert Fraction(M[-1, -1]) == 1 + 64 * Fraction(M[0, -1]) ** 2 - gap * Fraction(ulp)
    assert not positive_definite(M[None], np.zeros((1, n, n)))
    assert not lyapunov.positive_definite(M, np.zeros((n, n)))
    M[-1, -1] += 2 * n * n * ulp
    assert positive_definite(M[None], np.zeros((1, n, n)))


def _cholesky_finishes(P: FloatArray) -> bool:
    try:
        np.linalg.cholesky(P)
    except np.linalg.LinAlgError:
        return False
    return True


@both_times
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_bound_flips_where_it_should(n: int, discrete: bool) -> None:
    M, P = plants(n, 4, n, discrete)
    for m, p in zip(M, P, strict=True):
        low = 2.0**-60 if discrete else -9.0
        refused, proved = flip(lambda b, m=m, p=p: bool(proves(m, p, b, discrete)), low, 9.0)
        assert holds(build.rows(m.tolist()), p, proved, discrete)
        assert not holds(build.rows(m.tolist()), p, refused - 1e-10, discrete)


@both_times
def test_a_scalar_against_its_neighbours(discrete: bool) -> None:
    for value in (0.1, 0.7, 1 / 3, 0.9999999):
        b, M = value, np.array([[value]])
        for _ in range(6):
            assert not proves(M, np.eye(1), b, discrete)
            b = float(np.nextafter(b, -1))
        assert proves(M, np.eye(1), value * (1 + 2.0**-45), discrete)


def test_products_that_cancel() -> None:
    """A fast oscillation whose residual is nothing but the rounding of its products, beside a damping as small."""
    for seed in range(20):
        p, q, w = np.random.default_rng(seed).uniform(0.1, 1, 3)
        M, P = np.array([[0.0, w], [-w * p / q, 0.0]]), np.diag([p, q])
        off = Fraction(M[0, 1]) * Fraction(p) + Fraction(M[1, 0]) * Fraction(q)
        for share in (0.5, 0.9, 1.1, 2.0):
            M[0, 0] = M[1, 1] = -share * abs(float(off)) / 2 / np.sqrt(p * q)
            assert not proves(M, P, 0.0, False)
        M[0, 0] = M[1, 1] = -1e-13
        assert proves(M, P, 0.0, False)


@both_times
@few
@given(data=st.data())
def test_whatever_is_proved_holds_over_q(data: st.DataObject, discrete: bool) -> None:
    """Small matrices and gains, bounds at the very abscissa: True is the truth for the doubles and for the decimals."""
    n, m = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    A, B, K = rng.integers(-4, 5, (n, n)) / 3, rng.integers(-4, 5, (n, m)) / 3, rng.integers(-30, 31, (m, n)) / 10
    spectrum = np.linalg.eigvals(A - B @ K)
    top = float(np.abs(spectrum).max() if discrete else spectrum.real.max())
    bound = top + data.draw(st.sampled_from([-1e-15, 0.0, 1e-16, 1e-14, 1e-10, 0.5]))
    values, vectors = np.linalg.eig(A - B @ K)
    with np.errstate(all="ignore"):
        left = np.linalg.pinv(vectors)
        weights = 1 / (bound**2 - np.abs(values) ** 2) if discrete else 1 / (bound - values.real)
        P = symmetric(((left.conj().T * weights) @ left).real)
    if proves(A, P, bound, discrete, B, K):
        printed = [[Fraction(repr(x)) for x in row] for row in K.tolist()]
        for gain in (printed, build.rows(K.tolist())):
            assert holds(closed(A, B, gain), P, bound, discrete)


@both_times
def test_the_radius_of_a_gain_is_covered(discrete: bool) -> None:
    """At the bound where the proof begins to hold, gains an ulp up and down in each entry have it too, exactly."""
    for seed in range(6):
        M, P = (x[0] for x in plants(seed, 1, 2, discrete))
        rng = np.random.default_rng(seed)
        B, K = rng.standard_normal((2, 1)) * 1e6, rng.standard_normal((1, 2))
        A = M + B @ K  # rounding here is as large as what the radius has to cover
        low = 2.0**-60 if discrete else -9.0
        _, proved = flip(lambda b, A=A, P=P, B=B, K=K: bool(proves(A, P, b, discrete, B, K)), low, 9.0)
        for signs in product((-1, 0, 1), repeat=2):
            near = [[Fraction(x) + s * Fraction(np.spacing(abs(x))) for x, s in zip(K[0].tolist(), signs, strict=True)]]
            assert holds(closed(A, B, near), P, proved, discrete)


@both_times
@few
@given(seed=st.integers(0, 10**6), n=st.integers(1, 3), gap=st.sampled_from([-1e-15, 0.0, 1e-16, 1e-13, 1e-3]))
def test_a_lower_bound_proved_is_one(seed: int, n: int, gap: float, discrete: bool) -> None:
    M = np.random.default_rng(seed).standard_normal((n, n))
    values, vectors = np.linalg.eig(M)
    place = np.abs(values) if discrete else values.real
    bound, left = float(place.max()) - gap, np.linalg.inv(vectors)
    with np.errstate(all="ignore"):
        weights = 1 / ((bound**2 - place**2) if discrete else (bound - place))
        P = symmetric(((left.conj().T * weights) @ left).real)
    top = vectors[:, int(place.argmax())]
    for x in (np.array(top.real), np.array(top.imag)):
        if proves(M, P, bound, discrete, x=x[:, None]):
            exact_p, column = build.rows(P.tolist()), build.transposed(build.rows([x.tolist()]))
            assert build.is_positive_definite(residual(build.rows(M.tolist()), exact_p, Fraction(bound), discrete))
            assert build.product(build.transposed(column), exact_p, column)[0][0] < 0
            assert bound > 0 or not discrete


def test_a_form_that_is_zero_is_not_negative() -> None:
    """P = v vᵀ and x ⟂ v, integers too large for their products to be exact: in floats the form has either sign."""
    rng = np.random.default_rng(2)
    v = rng.integers(2**25, 2**26, (200, 3, 1)).astype(float)
    x = np.stack([v[:, 1] - v[:, 2], v[:, 2] - v[:, 0], v[:, 0] - v[:, 1]], axis=1)
    assert (v.mT @ x == 0).all()
    P = v @ v.mT
    assert ((x.mT @ (P @ x)) < 0).mean() > 0.1
    assert not negative_along(P, x).any()
    assert negative_along(P - 1e-6 * np.abs(P).max((1, 2), keepdims=True) * np.eye(3), x).all()


@pytest.mark.parametrize("x", [[0.0, 0.0], [1.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [1e-200, 1e-200]])
def test_a_direction_that_shows_nothing(x: list[float]) -> None:
    M = P = np.diag([-1.0, 1.0])
    assert proves(M, -P, 0.0, False, x=np.array([[0.0], [1.0]]))
    assert not proves(M, -P, 0.0, False, x=np.array(x)[:, None])


@both_times
def test_agrees_with_the_numpy_kernel(discrete: bool) -> None:
    """The same answers on closed loops some of which fail, with bounds that leave little to rounding."""
    rng = np.random.default_rng(3)
    for n, m in ((2, 1), (5, 2), (7, 3)):
        M = rng.standard_normal((60, n, n)) / np.sqrt(n) - (0 if discrete else 1) * np.eye(n)
        B, K = rng.standard_normal((60, n, m)), rng.standard_normal((60, m, n))
        A, P = M + B @ K, np.eye(n) + 0.1 * rng.standard_normal((60, n, n))
        P = P @ P.mT
        midpoint, radius = lyapunov.closed_loop(A, B, K, None, None, np.spacing(np.abs(K)))
        for bound in (0.25, 1.0, 2.0):
            wanted = lyapunov.prove_below(midpoint, P, bound, discrete=discrete, radius=radius)
            assert (proves(A, P, bound, discrete, B, K) == wanted).all()


# ------------------------------------------------------------------------------------ rows and strange numbers


@both_times
def test_rows_do_not_see_each_other(discrete: bool) -> None:
    """Rows at the edge of what can be proved: alone, in every number, shuffled, and among NaN and infinite ones."""
    A, P = plants(7, 19, 3, discrete)
    low = 2.0**-60 if discrete else -9.0
    A = A.copy()
    for row in range(19):  # scaled so that all of them flip at the same bound, where every other one holds
        refused, proved = flip(lambda b, row=row: bool(proves(A[row], P[row], b, discrete)), low, 9.0)
        edge = refused if row % 2 else proved
        A[row] = A[row] / edge if discrete else A[row] - edge * np.eye(3)
    bound = 1.0 if discrete else 0.0
    alone = np.array([proves(a, p, bound, discrete)[0] for a, p in zip(A, P, strict=True)])
    assert 0 < alone.sum() < 19
    for count in range(1, 20):
        assert (proves(A[:count], P[:count], bound, discrete) == alone[:count]).all()
    order = np.random.default_rng(0).permutation(19)
    assert (proves(A[order], P[order], bound, discrete) == alone[order]).all()
    for bad in (np.nan, np.inf, -np.inf, 1e308, 1e-310):
        spoiled, proofs = A.copy(), P.copy()
        spoiled[::3], proofs[1::5] = bad, bad
        usable = (np.arange(19) % 3 != 0) & (np.arange(19) % 5 != 1)
        assert (proves(spoiled, proofs, bound, discrete) == alone & usable).all()


@both_times
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 2.0**-1060])
@pytest.mark.parametrize("where", ["A", "P", "B", "K"])
def test_strange_entries_prove_nothing(where: str, bad: float, discrete: bool) -> None:
    given = {"A": -np.eye(2) / 2, "P": np.eye(2), "B": np.ones((2, 1)), "K": np.zeros((1, 2))}
    assert proves(**given, bound=0.9, discrete=discrete)
    for place in np.ndindex(given[where].shape):
        changed = given | {where: given[where].copy()}
        changed[where][place] = bad
        if where == "A" and abs(bad) < 1 and place[0] == place[1]:
            continue  # a subnormal pole at 0 is one that B K = 0 leaves there
        if where == "P" and place == (0, 1):
            assert proves(**changed, bound=0.9, discrete=discrete)  # only the lower triangle is read
        else:
            assert not proves(**changed, bound=0.9, discrete=discrete)


@both_times
@pytest.mark.parametrize("size", [1e-308, 1e-160, 1e160, 1e308])
@pytest.mark.parametrize("where", ["M", "P", "bound"])
def test_overflow_and_underflow_prove_nothing_false(where: str, size: float, discrete: bool) -> None:
    for sign in (-1, 1):
        M, P, bound = np.array([[-0.5, 0.25], [0.0, -0.5]]), np.eye(2), 0.9
        M = sign * size * np.ones((2, 2)) if where == "M" else M
        P = sign * size * P if where == "P" else P
        bound = sign * size if where == "bound" else bound
        if proves(M, P, bound, discrete):
            assert holds(build.rows(M.tolist()), P, bound, discrete)


@pytest.mark.parametrize("exponent", [-400, -100, 100, 400])
def test_the_size_of_p_does_not_matter(exponent: int) -> None:
    M, P = plants(5, 8, 3, False)
    assert proves(M, np.ldexp(P, exponent), 0.0, False).all()


def test_a_discrete_bound_below_zero_proves_nothing() -> None:
    assert not proves(np.zeros((1, 1)), np.eye(1), -0.5, True)
    assert not proves(np.zeros((1, 1)), np.eye(1), 0.0, True)


@pytest.mark.parametrize(("k", "value"), [(1, 2.0**-52), (2, 0.0), (3, 2.0**-100), (1, np.nan)])
def test_other_arithmetic_proves_nothing(k: int, value: float) -> None:
    """With these numbers the self-test sees what it would in another rounding mode, or where subnormals are zero."""
    A, P, none = -np.eye(2)[None], np.eye(2)[None], np.zeros((1, 2, 0))
    other = PROBE.copy()
    other[k] = value
    assert prove(A, none, none.mT.copy(), P, none, 0.0, False, PROBE)
    assert not prove(A, none, none.mT.copy(), P, none, 0.0, False, other)


@intrinsic
def _set_float_control(typing: Any, word: Any) -> Any:
    """Load a control word into the vector unit of an x86 processor; gives the one before."""

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
        places = [builder.alloca(ir.IntType(32)) for _ in "ab"]
        builder.store(given[0], places[0])
        for name, place in zip(("stmxcsr", "ldmxcsr"), reversed(places), strict=True):
            function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.sse.{name}")
            builder.call(function, [builder.bitcast(place, ir.IntType(8).as_pointer())])
        return builder.load(places[1])

    return types.uint32(types.uint32), build


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="sets the control word of x86")
@pytest.mark.parametrize("bits", [0x8000, 0x0040, 0x2000, 0x4000, 0x6000], ids=["FTZ", "DAZ", "down", "up", "to zero"])
def test_another_float_environment_is_noticed_in_compiled_code(bits: int) -> None:
    switch = numba.njit(lambda word: _set_float_control(word))
    A, P, none = -np.eye(2)[None], np.eye(2)[None], np.zeros((1, 2, 0))
    across = none.mT.copy()
    assert prove(A, none, across, P, none, 0.0, False, PROBE)
    usual = switch(np.uint32(0x1F80))
    try:
        switch(np.uint32(usual | bits))
        proved = prove(A, none, across, P, none, 0.0, False, PROBE)
    finally:
        switch(np.uint32(usual))
    assert not proved
    assert prove(A, none, across, P, none, 0.0, False, PROBE)


# ------------------------------------------------------------------------------------ decimals and residues


@few
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_short_decimals_print_short(entries: list[float]) -> None:
    (short,) = shortened(np.array([[entries]]), 6, POWERS)[0]
    for x, y in zip(entries, short.tolist(), strict=True):
        if 1e-17 < abs(x) < 1e17:
            assert abs(Fraction(x) - Fraction(y)) <= abs(Fraction(x)) * Fraction(51, 10**7)
            assert float(f"{y:.5e}") == y
        else:
            assert x == y


@few
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_residues_are_those_of_the_integers(entries: list[float]) -> None:
    """A pair of states, one input: full rank modulo p exactly where the cleared determinant is not 0 modulo p."""
    a, b, c, d = entries
    A, B = np.array([[[a, b], [c, d]]]), np.array([[[1.0], [0.0]]])
    integer = Fraction(c) * 2**2000
    assert integer.denominator == 1
    assert bool(modular.full_rank(A, B)[0]) is (int(integer) % modular.PRIME != 0)


@pytest.mark.parametrize("n", [2, 4, 7])
def test_uncontrollable_pairs_have_no_full_rank(n: int) -> None:
    for seed in range(10):
        T, inverse = build.similarity(n, seed)
        upper = np.random.default_rng(seed).integers(-9, 9, (n - 1, n - 1)).tolist()
        blocks = build.block_diagonal(build.rows(upper), [[Fraction(seed)]])
        inputs = [[Fraction(i + 1)] for i in range(n - 1)] + [[Fraction(0)]]
        A, B = build.product(T, blocks, inverse), build.product(T, inputs)
        A, B = (np.array([[float(x) for x in row] for row in X])[None] for X in (A, B))
        assert not modular.full_rank(np.ldexp(A, -30), np.ldexp(B, 900))
        B = B + np.random.default_rng(seed).integers(1, 5, B.shape)
        exact = build.rank(build.kalman(build.rows(A[0].tolist()), build.rows(B[0].tolist()))) == n
        assert bool(modular.full_rank(np.ldexp(A, -30), np.ldexp(B, 900))[0]) is exact
