"""The certificate checker, against spectra and subspaces that are known because the systems are built from them."""

from __future__ import annotations

import ast
import contextlib
import copy
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.certificate import checker
from hybrid.certificate.checker import Unreadable, check, read

PRIME = str(2**61 - 1)
TINY = Fraction(1, 10**12)
Matrix = list[list[Fraction]]
Document = dict[str, Any]


# ---------------------------------------------------------------------------------------------- construction


def text(value: Any) -> Any:
    """Exact text of every number but for multiplicities and dimensions, as a certificate has it."""
    if isinstance(value, dict):
        counts = ("multiplicity", "dimension")
        return {key: entry if key in counts else text(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [text(entry) for entry in value]
    return str(value) if isinstance(value, Fraction | int) and not isinstance(value, bool) else value


def sealed(document: Document) -> Document:
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def certificate(system: Any, claim: Any, method: str = "characteristic polynomial", witness: Any = None) -> Document:
    system = {key: [[str(x) for x in row] for row in value] if key != "dt" else value for key, value in system.items()}
    return sealed(
        {
            "schema": checker.SCHEMA,
            "system": {"dt": None} | system,
            "claim": text(claim),
            "method": method,
            "witness": text(witness or {}),
            "versions": {"hybrid": "0"},
        }
    )


def changed(document: Document, *path: Any, to: Any) -> Document:
    """The document with one entry replaced, under a fresh digest."""
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to if path[-1] == "dimension" else text(to)
    return sealed(document)


def valid(document: Document) -> bool:
    return check(read(json.dumps(document))).valid


def refused(document: Document) -> bool:
    return not valid(document)


def block_diagonal(*blocks: Matrix) -> Matrix:
    n = sum(map(len, blocks))
    whole = [[Fraction(0)] * n for _ in range(n)]
    start = 0
    for block in blocks:
        for i, row in enumerate(block):
            whole[start + i][start : start + len(block)] = row
        start += len(block)
    return whole


@dataclass(frozen=True)
class Mode:
    """A real Jordan block of size 1 or 2 for an eigenvalue re ± im j."""

    re: Fraction
    im: Fraction
    size: int

    def block(self) -> Matrix:
        re, im = Fraction(self.re), Fraction(self.im)
        cell = [[re, -im], [im, re]] if im else [[re]]
        whole = block_diagonal(*[cell] * self.size)
        if self.size == 2:
            for i in range(len(cell)):
                whole[i][len(cell) + i] = Fraction(1)
        return whole

    @property
    def eigenvalues(self) -> list[tuple[Fraction, Fraction]]:
        return [(self.re, im) for im in ((self.im, -self.im) if self.im else (self.im,))] * self.size


Moves = list[tuple[int, int, int]]


def moved(A: Matrix, moves: Moves, *, left: str = "E", right: bool = True) -> Matrix:
    """E A E⁻¹ for a product E of matrices I + c eᵢeⱼᵀ: how A moves under x → E x.

    B moves as E B (right=False), W and C as W E⁻¹ (left=""), quadratic forms as E⁻ᵀ P E⁻¹ (left="E⁻ᵀ").
    """
    A = [list(row) for row in A]
    n = len(A) if left else len(A[0])
    for i, j, c in moves:
        i, j = i % n, j % n
        if i == j:
            continue
        if right:
            for row in A:
                row[j] -= c * row[i]
        if left == "E":
            A[i] = [x + c * y for x, y in zip(A[i], A[j], strict=True)]
        elif left:
            A[j] = [x - c * y for x, y in zip(A[j], A[i], strict=True)]
    return A


move_lists = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(-2, 2)), max_size=5)
MOVES: Moves = [(0, 1, 1), (2, 0, -1), (1, 2, 2), (3, 1, 1)]
HALF = Fraction(1, 2)


def of_modes(*modes: Mode, moves: Moves = MOVES) -> Matrix:
    return moved(block_diagonal(*(mode.block() for mode in modes)), moves)


def mode(re: Any, im: Any = 0, size: int = 1) -> Mode:
    return Mode(Fraction(re), Fraction(im), size)


def stability(A: Matrix, verdict: str, bounds: Any, in_region: bool, dt: Any = None, **rest: Any) -> Document:
    claim = {"about": "stability", "verdict": verdict, "in_region": in_region, "abscissa": list(bounds)}
    return certificate({"A": A, "dt": dt}, claim | rest)


# ------------------------------------------------------------------------- stability, characteristic polynomial


continuous_modes = st.lists(
    st.builds(Mode, st.integers(-4, 2).map(Fraction), st.integers(0, 4).map(Fraction), st.integers(1, 2)),
    min_size=1, max_size=3,
)  # fmt: skip
ZERO = Fraction(0)
ON_CIRCLE = [(Fraction(3, 5), Fraction(4, 5)), (Fraction(-1), Fraction(0)), (Fraction(1), Fraction(0))]
discrete_modes = st.lists(
    st.builds(
        lambda point, size: Mode(*point, size),
        st.sampled_from([*ON_CIRCLE, (HALF, HALF), (-HALF, ZERO), (ZERO, HALF), (ZERO, ZERO), (HALF, ZERO + 1)]),
        st.integers(1, 2),
    ),
    min_size=1, max_size=3,
)  # fmt: skip
OTHERS = {"stable": "marginal", "marginal": "unstable", "unstable": "stable"}


@settings(max_examples=120, deadline=None)
@given(continuous_modes, move_lists, st.sampled_from([Fraction(x) for x in (-1, 0, 1, 2)]))
def test_continuous_spectra_are_decided_exactly(modes: list[Mode], moves: Moves, decay: Fraction) -> None:
    abscissa = max(mode.re for mode in modes)
    defective = any(mode.re == 0 and mode.size == 2 for mode in modes)
    verdict = "stable" if abscissa < 0 else "unstable" if abscissa > 0 or defective else "marginal"
    inside = abscissa < -decay
    document = stability(of_modes(*modes, moves=moves), verdict, (abscissa, abscissa), inside, decay=decay)
    assert valid(document)
    assert refused(changed(document, "claim", "verdict", to=OTHERS[verdict]))
    assert refused(changed(document, "claim", "verdict", to=OTHERS[OTHERS[verdict]]))
    assert refused(changed(document, "claim", "in_region", to=not inside))
    assert refused(changed(document, "claim", "abscissa", to=[abscissa + TINY, None]))
    assert refused(changed(document, "claim", "abscissa", to=[None, abscissa - TINY]))
    assert valid(changed(document, "claim", "abscissa", to=[None, None]))


@pytest.mark.parametrize(
    ("modes", "dt"),
    [
        ([mode(1), mode(-1)], None),
        ([mode(2, 1), mode(-2, 1), mode(-1)], None),
        ([mode(1), mode(-1), mode(0)], None),
        ([mode(2), mode("1/2")], "1"),
        ([mode(0, 2), mode(0, "1/2"), mode(-1)], "1"),
    ],
)
def test_spectra_with_mirror_images_are_unstable(modes: list[Mode], dt: Any) -> None:
    """λ and −λ, or λ and 1/λ, divide out of the polynomial in the same way as boundary eigenvalues do."""
    A = of_modes(*modes)
    assert valid(stability(A, "unstable", (None, None), False, dt))
    assert refused(stability(A, "marginal", (None, None), False, dt))
    assert refused(stability(A, "unstable", (None, 0 if dt is None else 1), False, dt))


@settings(max_examples=80, deadline=None)
@given(discrete_modes, move_lists)
def test_discrete_spectra_are_decided_exactly(modes: list[Mode], moves: Moves) -> None:
    square = max(mode.re**2 + mode.im**2 for mode in modes)
    defective = any(mode.re**2 + mode.im**2 == 1 and mode.size == 2 for mode in modes)
    verdict = "stable" if square < 1 else "unstable" if square > 1 or defective else "marginal"
    # an irrational radius is enclosed in an interval of length 10⁻¹², a rational one is met exactly
    radius = Fraction(isqrt(int(square * 10**24)), 10**12) if square not in (0, 1, Fraction(1, 4)) else None
    bounds = (radius - TINY, radius + TINY) if radius else [{0: Fraction(0), 1: Fraction(1)}.get(square, HALF)] * 2
    document = stability(of_modes(*modes, moves=moves), verdict, bounds, square < 1, dt="1/10")
    assert valid(document)
    assert refused(changed(document, "claim", "verdict", to=OTHERS[verdict]))
    assert refused(changed(document, "claim", "verdict", to=OTHERS[OTHERS[verdict]]))
    assert refused(changed(document, "claim", "in_region", to=square >= 1))
    assert refused(changed(document, "claim", "abscissa", to=[None, bounds[0] - TINY]))
    assert refused(changed(document, "claim", "abscissa", to=[bounds[1] + TINY, None]))
    if square > 0:
        assert refused(changed(document, "claim", "abscissa", to=[None, 0]))
    if bounds[0] > 0 and bounds[1] < 1:  # the radius is below 1 − σ for the first decay, not for the second
        assert valid(changed(document, "claim", "decay", to=1 - bounds[1] - TINY))
        assert refused(changed(document, "claim", "decay", to=1 - bounds[0]))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.builds(mode, st.integers(-5, 0), st.integers(0, 5), st.just(1)), min_size=1, max_size=3),
    st.sampled_from(["3/5", "4/5", "1/2", "1/3", "1/1000", "0.99"]),
    move_lists,
)
def test_sectors_are_decided_exactly(modes: list[Mode], damping: str, moves: Moves) -> None:
    inside = all(m.re < 0 and m.re**2 > Fraction(damping) ** 2 * (m.re**2 + m.im**2) for m in modes)
    verdict = "stable" if all(m.re < 0 for m in modes) else "marginal"
    A = of_modes(*modes, moves=moves)
    assert valid(stability(A, verdict, (None, None), inside, damping=damping))
    assert refused(stability(A, verdict, (None, None), not inside, damping=damping))


@pytest.mark.parametrize(
    ("A", "damping", "inside"),
    [
        (mode(-3, 4).block(), "3/5", False),  # on the boundary, √(1 − ζ²) rational
        (mode(-3, 4).block(), "0.599999999999999999999", True),
        ([[Fraction(0), Fraction(1)], [Fraction(-4), Fraction(-2)]], "1/2", False),  # s² + 2s + 4: on it, √3
        ([[Fraction(0), Fraction(1)], [Fraction(-4), Fraction(-2)]], "0.499999999999999999999", True),
        ([[Fraction(0)]], "1/2", False),
    ],
)
def test_boundaries_of_sectors_do_not_belong_to_them(A: Matrix, damping: str, inside: bool) -> None:
    verdict = "stable" if any(map(any, A)) else "marginal"
    assert valid(stability(A, verdict, (None, None), inside, damping=damping))
    assert refused(stability(A, verdict, (None, None), not inside, damping=damping))


quadratic_numbers = st.tuples(st.integers(-3, 9), st.integers(-3, 3))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(quadratic_numbers, min_size=1, max_size=2), min_size=1, max_size=4), st.sampled_from([2, 3]))
def test_routh_over_quadratic_numbers(factors: list[list[tuple[int, int]]], d: int) -> None:
    """Factors s + c and s² + c s + e are Hurwitz if and only if the coefficients, here a + b√d, are positive."""
    p = [(1, 0)]
    for factor in factors:
        grown = [(0, 0)] * (len(p) + len(factor))
        for i, (a, b) in enumerate(p):
            for j, (e, h) in enumerate([*reversed(factor), (1, 0)]):
                x, y = grown[i + j]
                grown[i + j] = (x + a * e + d * b * h, y + a * h + b * e)
        p = grown
    expected = all(checker._sign(a, b, d) > 0 for factor in factors for a, b in factor)
    assert checker._routh(p, d) is expected
    assert checker._routh_in_intervals(p, d, 8) in (expected, None)
    assert checker._routh_in_intervals(p, d, 400) in ((True,) if expected else (False, None))


@pytest.mark.parametrize(
    ("a", "b", "sign"), [(0, 0, 0), (3, -2, 1), (-3, 2, -1), (2, -2, -1), (-2, 2, 1), (0, 1, 1), (-1, 0, -1)]
)
def test_the_sign_of_a_quadratic_number(a: int, b: int, sign: int) -> None:
    assert checker._sign(a, b, 2) == sign


# ------------------------------------------------------------------------------------------------------ poles


def disc(re: Any, im: Any = 0, radius: Any = 0, multiplicity: int = 1) -> dict[str, Any]:
    return {"re": str(re), "im": str(im), "radius": str(radius), "multiplicity": multiplicity}


REPEATED = (mode(-1, 0, 2), mode(-2, 1), mode(-2, 1), mode(-3))
REPEATED_POLES = [disc(-1, 0, 0, 2), disc(-2, 1, 0, 2), disc(-2, -1, 0, 2), disc(-3)]


def with_poles(poles: list[dict[str, Any]]) -> Document:
    return stability(of_modes(*REPEATED), "stable", (-1, -1), True, poles=poles)


def test_poles_are_proved_by_multiplicity() -> None:
    assert valid(with_poles(REPEATED_POLES))
    near = [disc("-1.001", 0, "4/1000", 2), disc("-2.01", "1.01", "1/10", 2), disc("-2.01", "-1.01", "1/10", 2)]
    assert valid(with_poles([*near, disc("-3", 0, "1/5")]))


@pytest.mark.parametrize(
    "poles",
    [
        REPEATED_POLES[:3],
        [disc(-1, 0, 0, 1), *REPEATED_POLES[1:], disc(-1, "1/100")],
        [disc(-1, 0, 0, 1), *REPEATED_POLES[1:3], disc(-3, 0, 0, 2)],  # multiplicities exchanged
        [disc("-1.001", 0, "0.0009", 2), *REPEATED_POLES[1:]],  # holds no eigenvalue
        [disc(-1, 0, "-1/1000", 2), *REPEATED_POLES[1:]],
        [disc(-1, 0, 1, 2), disc(-2, 1, 1, 2), disc(-2, -1, 1, 2), disc(-3, 0, "1/2")],  # discs meet
        [disc(-1, 0, 1, 2), disc(-2, 1, 0, 2), disc(-2, -1, 0, 2), disc(-3, 0, 1)],  # discs touch
        [disc(-1, 0, 0, 2), disc(-2, 1, 0, 2), disc(-2, 1, 0, 2), disc(-3)],  # one pole twice
        [*REPEATED_POLES, disc(-9, 0, 0, 0)],
        [*REPEATED_POLES, disc(-9, 0, 0, 3)],
        [disc("-1.001", 0, "0.0015", 2), *REPEATED_POLES[1:]],  # true, and Smith's theorem does not show it
        [disc(-3), disc(-1, 0, "1/8"), disc(-9, 0, "1/8"), *REPEATED_POLES[1:3]],  # three discs for s + 3
    ],
)
def test_wrong_poles_are_refused(poles: list[dict[str, Any]]) -> None:
    assert refused(with_poles(poles))


# ------------------------------------------------------------------------------------------- Lyapunov matrices


def diagonal(*entries: Any) -> Matrix:
    return block_diagonal(*([[Fraction(x)]] for x in entries))


def by_lyapunov(A: Any, verdict: str, inside: bool, low: Any, high: Any, P: Any, x: Any, dt: Any = None) -> Document:
    """The same matrix P for both bounds, where they are there; everything moved by E."""
    P, x = (
        moved(diagonal(*P), MOVES, left="E⁻ᵀ"),
        [row[0] for row in moved([[Fraction(e)] for e in x], MOVES, right=False)],
    )
    witness = {"upper": None if high is None else {"P": P}, "lower": None if low is None else {"P": P, "x": x}}
    claim = {"about": "stability", "verdict": verdict, "in_region": inside, "abscissa": [low, high]}
    return certificate({"A": moved(A, MOVES), "dt": dt}, claim, "lyapunov", witness)


STABLE = block_diagonal(mode(-1, 5).block(), diagonal(-2))
SADDLE = block_diagonal(mode(-1, 5).block(), diagonal(2))
BY_LYAPUNOV = {
    "stable": by_lyapunov(STABLE, "stable", True, None, "-1/2", [1, 1, 1], [0, 0, 0]),
    "unstable": by_lyapunov(SADDLE, "unstable", False, "1", None, [1, 1, -1], [0, 0, 1]),
    "schur": by_lyapunov(diagonal("1/2", "1/3", 0), "stable", True, None, "3/5", [1, 1, 1], [0, 0, 0], "1"),
    "not schur": by_lyapunov(diagonal("1/2", "-3/2", 0), "unstable", False, "1", None, [1, -1, 1], [0, 1, 0], "1"),
}


@pytest.mark.parametrize("name", BY_LYAPUNOV)
def test_lyapunov_matrices_prove_bounds(name: str) -> None:
    document = BY_LYAPUNOV[name]
    assert valid(document)
    side = "upper" if document["witness"]["upper"] else "lower"
    P = document["witness"][side]["P"]
    opposite = [[str(-Fraction(x)) for x in row] for row in P]
    assert refused(changed(document, "witness", side, "P", to=opposite))
    assert refused(changed(document, "witness", side, "P", 0, 0, to=Fraction(P[0][0]) + 1000))
    assert valid(changed(document, "witness", side, "P", 0, 1, to="1e9"))  # above the diagonal nothing is read
    for verdict in {"stable", "marginal", "unstable"} - {document["claim"]["verdict"]}:
        assert refused(changed(document, "claim", "verdict", to=verdict))
    assert refused(changed(document, "claim", "in_region", to=not document["claim"]["in_region"]))
    assert refused(changed(document, "claim", "poles", to=[disc(0, 0, 9, 3)]))
    assert refused(changed(document, "claim", "abscissa", to=[None, None]))
    assert refused(changed(document, "claim", "abscissa", to=document["claim"]["abscissa"][::-1]))


def test_lyapunov_bounds_are_no_better_than_the_matrix() -> None:
    stable, schur = BY_LYAPUNOV["stable"], BY_LYAPUNOV["schur"]
    assert valid(changed(stable, "claim", "abscissa", 1, to="-0.999"))
    assert refused(changed(stable, "claim", "abscissa", 1, to="-1"))  # the residual is only semidefinite
    assert refused(changed(stable, "claim", "abscissa", 1, to="1"))  # true, but "stable" does not follow from it
    assert valid(changed(stable, "claim", "decay", to="1/2"))
    assert refused(changed(stable, "claim", "decay", to="0.6"))  # true, and does not follow either
    assert refused(changed(stable, "claim", "damping", to="1/1000"))
    assert refused(changed(schur, "claim", "abscissa", 1, to="1/2"))
    assert refused(changed(schur, "claim", "abscissa", 1, to="-3/5"))
    assert refused(changed(schur, "system", "dt", to=None))
    assert refused(changed(stable, "system", "dt", to="1"))
    slow = by_lyapunov(diagonal("-1/2", "-2/3", "-1"), "stable", True, None, "-0.49", [1, 1, 1], [0, 0, 0])
    assert valid(slow)
    assert refused(changed(slow, "claim", "abscissa", 1, to="-0.51"))
    # with an indefinite P the residual is positive definite for unstable systems as well
    assert refused(by_lyapunov(SADDLE, "stable", True, None, 0, [1, 1, -1], [0, 0, 1]))
    unstable = BY_LYAPUNOV["unstable"]
    assert refused(changed(unstable, "witness", "lower", "x", to=["0", "0", "0"]))
    assert refused(changed(unstable, "claim", "abscissa", 0, to="2"))


def test_both_bounds_together() -> None:
    document = by_lyapunov(diagonal(-1, -1, -3), "stable", True, None, "-1/2", [1, 1, 1], [0, 0, 0])
    e1 = moved([[Fraction(1)], [ZERO], [ZERO]], MOVES, right=False)
    lower = {"P": moved(diagonal(-1, -1, 1), MOVES, left="E⁻ᵀ"), "x": [row[0] for row in e1]}
    document = changed(document, "witness", "lower", to=lower)
    assert refused(document)
    document = changed(document, "claim", "abscissa", 0, to="-2")
    assert valid(document)
    assert refused(changed(document, "claim", "abscissa", 0, to="-0.9"))
    below_only = changed(changed(document, "claim", "abscissa", 1, to=None), "witness", "upper", to=None)
    assert refused(below_only)
    assert refused(changed(changed(below_only, "claim", "verdict", to="unstable"), "claim", "in_region", to=False))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32), st.sampled_from([0, 1, 10**6, 10**30]), st.booleans())
def test_positive_definite_is_decided_exactly(n: int, seed: int, spread: int, singular: bool) -> None:
    """G Gᵀ + εI is positive definite for ε = 1, and not for ε = 0 with a rank below n, nor for a negative ε."""
    random = np.random.default_rng(seed)
    G = [[int(x) * (spread**i or 1) for x in random.integers(-9, 10, size=n)] for i in range(n)]
    if singular:
        G[-1] = [sum(column) for column in zip(*G[:-1], strict=True)] or [0]
    gram = [[sum(x * y for x, y in zip(a, b, strict=True)) for b in G] for a in G]
    regular = abs(np.linalg.det(np.array(G, dtype=float) / np.abs(np.array(G, dtype=float)).max(1, initial=1.0))) > 1e-3

    def plus(epsilon: int) -> list[list[int]]:
        return [[x + epsilon * (i == j) for j, x in enumerate(row)] for i, row in enumerate(gram)]

    assert checker._positive_definite(plus(1))
    if singular:
        assert not checker._positive_definite(plus(0))
        assert not checker._positive_definite(plus(-1))
    elif regular:
        assert checker._positive_definite(plus(0))


# ------------------------------------------------------------------------------------------------------- rank

# x₁, x₂ form a chain that the input drives; x₃ and x₄ are driven by nobody
REACHED = [[Fraction(0), Fraction(1)], [Fraction(2), Fraction(1)]]


def pair(fixed: Matrix, moves: Moves = MOVES) -> tuple[Matrix, Matrix, Matrix]:
    """A and B with the fixed part beside a controllable chain, and W with W A = fixed · W, W B = 0."""
    A = block_diagonal(REACHED, fixed)
    A[0][2] = Fraction(1)
    n = len(A)
    B = [[Fraction(i == 1)] for i in range(n)]
    W = [[Fraction(j == i) for j in range(n)] for i in range(2, n)]
    return moved(A, moves), moved(B, moves, right=False), moved(W, moves, left="")


def transposed(A: Matrix) -> Matrix:
    return [list(column) for column in zip(*A, strict=True)]


def rank(about: str, verdict: str, fixed: Matrix | None, dimension: int, dt: Any = None, **rest: Any) -> Document:
    A, B, W = pair(fixed) if fixed else (REACHED, [[Fraction(0)], [Fraction(1)]], [])
    dual = about in ("observability", "detectability")
    system = {"A": transposed(A), "C": transposed(B), "dt": dt} if dual else {"A": A, "B": B, "dt": dt}
    claim = {"about": about, "verdict": verdict, "dimension": dimension} | rest
    witness = {"W": W, "F": fixed, "prime": PRIME} if fixed else {"prime": PRIME}
    return certificate(system, claim, "invariant subspace" if fixed else "modular rank", witness)


SLOW = mode(-1, 2).block()
FAST = diagonal("-3")
YES = {
    "controllability": "controllable",
    "observability": "observable",
    "stabilizability": "stabilizable",
    "detectability": "detectable",
}
UNREACHED = {"controllability": "uncontrollable", "observability": "unobservable"}
FIXED = {"stabilizability": "not stabilizable", "detectability": "not detectable"}


@pytest.mark.parametrize("about", YES)
def test_rank_modulo_a_prime(about: str) -> None:
    document = rank(about, YES[about], None, 2)
    assert valid(document)
    assert refused(changed(document, "claim", "dimension", to=1))
    for composite in ("561", "3215031751", str(2**61 + 1), "1", "0", "-7", "7/2", str(2**89 - 1)):
        assert refused(changed(document, "witness", "prime", to=composite))
    no = (UNREACHED | FIXED)[about]
    assert refused(changed(document, "claim", "verdict", to=no))
    matrix = "C" if "C" in document["system"] else "B"
    assert refused(changed(document, "system", matrix, to=[["0"] * len(row) for row in document["system"][matrix]]))
    if about in FIXED:
        assert valid(changed(document, "claim", "decay", to="1000"))
        assert refused(changed(document, "claim", "decay", to="-1"))
    else:
        assert refused(changed(document, "claim", "decay", to="1"))


@pytest.mark.parametrize("about", UNREACHED)
def test_an_invariant_subspace_shows_what_is_not_reached(about: str) -> None:
    document = rank(about, UNREACHED[about], SLOW, 2)
    assert valid(document)
    assert refused(changed(document, "claim", "verdict", to=YES[about]))
    assert refused(changed(document, "claim", "dimension", to=3))
    assert refused(changed(document, "witness", "prime", to=str(2**61 + 1)))
    assert refused(changed(document, "witness", "W", 0, 0, to="7"))
    assert refused(changed(document, "witness", "F", 0, 0, to="-2"))
    assert refused(changed(document, "witness", "W", to=[document["witness"]["W"][0]] * 2))
    # one row of W is invariant too where the fixed part is real, but then the rank has to be n − 1
    single = rank(about, UNREACHED[about], diagonal(-1, -2), 2)
    one = changed(single, "witness", "W", to=single["witness"]["W"][:1])
    one = changed(one, "witness", "F", to=[["-1"]])
    assert refused(one)
    assert refused(changed(one, "claim", "dimension", to=3))


def test_the_rows_of_an_invariant_subspace_are_independent() -> None:
    document = rank("controllability", "uncontrollable", diagonal(-1), 2)
    row = document["witness"]["W"][0]
    twice = changed(changed(document, "witness", "W", to=[row, row]), "witness", "F", to=diagonal(-1, -1))
    assert refused(changed(twice, "claim", "dimension", to=1))
    nothing = changed(no_gain(diagonal(-1), verdict="not stabilisable"), "witness", "W", to=[["0"] * 3])
    assert refused(changed(nothing, "witness", "F", to=[["1"]]))


@pytest.mark.parametrize("about", FIXED)
def test_eigenvalues_that_no_input_moves_decide(about: str) -> None:
    yes, no = YES[about], FIXED[about]
    assert valid(rank(about, yes, SLOW, 2))
    assert valid(rank(about, yes, SLOW, 2, decay="0.999"))
    assert valid(rank(about, no, SLOW, 2, decay="1"))
    assert valid(rank(about, no, mode(0, 1).block(), 2))
    assert refused(rank(about, yes, mode(0, 1).block(), 2))
    assert refused(rank(about, no, SLOW, 2))
    assert refused(rank(about, yes, SLOW, 2, decay="1"))
    assert valid(rank(about, yes, diagonal("-1/2"), 2, dt="1"))
    assert valid(rank(about, no, diagonal("-1/2"), 2, dt="1", decay="1/2"))
    assert valid(rank(about, no, diagonal(-1), 2, dt="1"))


# ---------------------------------------------------------------------------------------------------- feedback


def feedback(A: Matrix, B: Matrix, gain: Matrix, bounds: Any, C: Matrix | None = None, **rest: Any) -> Document:
    claim = {"about": "feedback", "verdict": "stabilised", "gain": gain, "abscissa": list(bounds)} | rest
    return certificate({"A": A, "B": B} | ({"C": C} if C else {}), claim)


def points(*entries: tuple[Any, Any]) -> list[dict[str, str]]:
    return [{"re": str(re), "im": str(im)} for re, im in entries]


def chain(*coefficients: Any) -> tuple[Matrix, Matrix, Matrix]:
    """A chain of integrators, its input, and the gain with det(sI − A + B K) = sⁿ + … + coefficients[0]."""
    n = len(coefficients)
    A = [[Fraction(j == i + 1) for j in range(n)] for i in range(n)]
    return A, [[Fraction(i == n - 1)] for i in range(n)], [[Fraction(c) for c in coefficients]]


A2, B2, K2 = chain(2, 3)  # −1, −2
PLACES = {"requested": points((-1, 0), (-2, 0)), "distance": "1/100"}
PLACED = feedback(A2, B2, K2, (-1, -1), poles=[disc(-1), disc(-2, 0, "1/100")], **PLACES)


def test_a_gain_is_checked_in_the_closed_loop() -> None:
    document = feedback(A2, B2, K2, (-1, -1), decay="1/2", damping="3/5")
    assert valid(document)
    assert refused(changed(document, "claim", "gain", to=[["3", "2"]]))  # the entries exchanged
    assert refused(changed(document, "claim", "gain", to=[["-2", "-3"]]))
    assert refused(changed(document, "claim", "decay", to="1"))
    assert refused(changed(document, "claim", "abscissa", 1, to="-1.0001"))
    assert refused(changed(document, "claim", "abscissa", 0, to="-0.9999"))
    assert refused(changed(document, "system", "B", to=[["0"], ["-1"]]))
    assert refused(changed(document, "claim", "verdict", to="not stabilisable"))
    spiral = feedback(*chain(25, 6), (-3, -3), damping="0.6")
    assert refused(spiral)
    assert valid(changed(spiral, "claim", "damping", to="0.59"))


def test_a_negative_decay_stabilises_nothing() -> None:
    unstable = feedback(*chain(-1), (1, 1), decay="-2")
    assert refused(unstable)


def test_the_doubles_nearest_to_the_gain_are_checked_too() -> None:
    third = feedback([[Fraction(0)]], [[Fraction(1)]], [[Fraction(1, 3)]], (None, "-1/3"))
    assert refused(third)  # the double is smaller than 1/3
    assert valid(changed(third, "claim", "abscissa", 1, to="-0.3333333333333333"))
    assert refused(changed(third, "claim", "decay", to="0.33333333333333332"))
    assert refused(changed(third, "claim", "gain", 0, 0, to="1e400"))


def test_a_gain_with_a_lyapunov_matrix() -> None:
    document = feedback([[Fraction(1)]], [[Fraction(1)]], [[Fraction(3)]], (None, "-1"), decay="1")
    document = changed(
        changed(document, "method", to="lyapunov"), "witness", to={"upper": {"P": [["1"]]}, "lower": None}
    )
    assert valid(document)
    assert refused(changed(document, "claim", "gain", 0, 0, to="2"))
    assert refused(changed(document, "claim", "decay", to="3/2"))
    assert refused(changed(document, "claim", "damping", to="1/2"))
    assert refused(changed(document, "witness", "upper", "P", 0, 0, to="-1"))


def test_output_feedback() -> None:
    A, B, _ = chain(0, 0)
    A[1] = [Fraction(-2), Fraction(-1)]
    document = feedback(A, B, [[Fraction(2)]], (None, -1), C=[[Fraction(0), Fraction(1)]], output=True)
    assert valid(document)  # s² + 3s + 2
    assert refused(changed(document, "claim", "gain", 0, 0, to="-2"))
    assert valid(changed(document, "system", "D", to=[["0"]]))
    assert refused(changed(document, "system", "D", to=[["1"]]))
    with pytest.raises(Unreadable):
        check(changed(document, "claim", "output", to=False))


def test_placement() -> None:
    assert valid(PLACED)
    assert refused(changed(PLACED, "claim", "distance", to="0.0099"))
    assert refused(changed(PLACED, "claim", "requested", 1, "re", to="-2.001"))
    assert refused(changed(PLACED, "claim", "requested", to=PLACED["claim"]["requested"][::-1]))
    assert refused(changed(PLACED, "claim", "poles", 0, "re", to="-1.001"))
    with pytest.raises(Unreadable):
        check(changed(PLACED, "claim", "requested", 1, "im", to="1"))
    twice = {"requested": points((-1, 0), (-1, 0)), "distance": "0"}
    assert valid(feedback(*chain(1, 2), (-1, -1), poles=[disc(-1, 0, 0, 2)], **twice))


def no_gain(fixed: Matrix, dt: Any = None, **claim: Any) -> Document:
    A, B, W = pair(fixed)
    return certificate(
        {"A": A, "B": B, "dt": dt},
        {"about": "feedback"} | claim,
        "invariant subspace",
        {"W": W, "F": fixed, "prime": PRIME},
    )


def test_not_stabilisable() -> None:
    assert valid(no_gain(mode(1, 1).block(), verdict="not stabilisable"))
    assert valid(no_gain(SLOW, verdict="not stabilisable", decay="1"))
    assert refused(no_gain(SLOW, verdict="not stabilisable"))
    assert refused(no_gain(FAST, verdict="not stabilisable", dt="1", decay="0.5", distance="1"))
    assert valid(no_gain(FAST, verdict="not stabilisable", dt="1", decay="0.5"))
    document = no_gain(mode(1, 1).block(), verdict="not stabilisable")
    B = [[str(Fraction(x) + 1) for x in row] for row in document["system"]["B"]]
    assert refused(changed(document, "system", "B", to=B))


def test_not_placeable() -> None:
    with_fixed = points((-1, 2), (-5, 0), (-1, -2), (-6, 0))
    assert refused(no_gain(SLOW, verdict="not placeable", requested=with_fixed))
    assert valid(no_gain(SLOW, verdict="not placeable", requested=points((-1, 3), (-5, 0), (-1, -3), (-6, 0))))
    twice = diagonal(-1, -1)  # an eigenvalue that is fixed twice has to be asked for twice
    assert valid(no_gain(twice, verdict="not placeable", requested=points((-1, 0), (-5, 0), (-7, 0), (-6, 0))))
    assert refused(no_gain(twice, verdict="not placeable", requested=points((-1, 0), (-5, 0), (-1, 0), (-6, 0))))


# --------------------------------------------------------------------------------- tampering and hostile documents

CERTIFICATES: list[Document] = [
    stability(of_modes(mode(-2, 1), mode(-1)), "stable", (-1, -1), True, decay="1/2", damping="1/2"),
    stability(of_modes(mode(0, 1), mode(-1)), "marginal", (0, 0), False),
    stability(of_modes(mode(0, 1, 2)), "unstable", (0, 0), False),
    stability(of_modes(mode("3/5", "4/5"), mode("1/2")), "marginal", (1, 1), False, dt="1"),
    stability(of_modes(mode("1/2", "1/2"), mode("1/3")), "stable", (0, "4/5"), True, dt="1", decay="1/5"),
    with_poles(REPEATED_POLES),
    *BY_LYAPUNOV.values(),
    *(rank(about, YES[about], None, 2) for about in YES),
    *(rank(about, UNREACHED[about], SLOW, 2) for about in UNREACHED),
    *(rank(about, YES[about], SLOW, 2, decay="1/2") for about in FIXED),
    *(rank(about, FIXED[about], SLOW, 2, decay="3/2") for about in FIXED),
    PLACED,
    feedback(A2, B2, K2, (-1, -1), decay="1/2", damping="3/5"),
    no_gain(mode(1, 1).block(), verdict="not stabilisable"),
    no_gain(SLOW, verdict="not placeable", requested=points((-1, 0), (-2, 0), (-3, 1), (-3, -1))),
]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all entries, inner ones too."""
    if path:
        yield path
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []:
        yield from leaves(entry, (*path, key))


def exact(number: str) -> Fraction:
    return Fraction(float.fromhex(number)) if "x" in number else Fraction(number)


def floats(rows: Any) -> np.ndarray[Any, Any]:
    return np.array([[float(exact(x)) for x in row] for row in rows])


def abscissa(M: np.ndarray[Any, Any], discrete: bool) -> float:
    eigenvalues = np.linalg.eigvals(M)
    return float(max(abs(eigenvalues)) if discrete else max(eigenvalues.real))


def clearly_false(document: Document) -> bool:
    """Whether floating point, with a wide margin, contradicts a claim; it cannot beyond the range of doubles."""
    try:
        return contradicted(document)
    except OverflowError:
        return False


def contradicted(document: Document) -> bool:
    system, claim, margin = document["system"], document["claim"], 1e-3
    A, discrete = floats(system["A"]), system["dt"] is not None
    decay = float(exact(claim.get("decay", "0")))
    edge = 1 - decay if discrete else -decay
    if claim["about"] == "stability" or claim["verdict"] == "stabilised":
        M = A - floats(system["B"]) @ floats(claim["gain"]) if "gain" in claim else A
        value = abscissa(M, discrete)
        low, high = (None if bound is None else float(exact(bound)) for bound in claim["abscissa"])
        wrong = (low is not None and value < low - margin) or (high is not None and value > high + margin)
        verdict = claim["verdict"]
        wrong |= verdict in ("stable", "marginal") and value > discrete + margin
        wrong |= verdict in ("unstable", "marginal") and value < discrete - margin
        inside = claim.get("in_region", True)
        outside = value > edge + margin
        damping = float(exact(claim.get("damping", "0")))
        eigenvalues = np.linalg.eigvals(M)
        outside |= damping > 0 and bool((eigenvalues.real > -damping * abs(eigenvalues) + margin).any())
        well_inside = value < edge - margin and (
            not damping or bool((eigenvalues.real < -damping * abs(eigenvalues) - margin).all())
        )
        wrong |= outside if inside else well_inside
        for pole in claim.get("poles", []):
            re, im, radius = (float(exact(pole[key])) for key in ("re", "im", "radius"))
            wrong |= bool(min(abs(eigenvalues - complex(re, im))) > radius + margin)
        return wrong
    if claim["about"] in ("observability", "detectability"):
        A, B = A.T, floats(system["C"]).T
    else:
        B = floats(system["B"])
    blocks = [B]
    for _ in range(len(A) - 1):
        blocks.append(A @ blocks[-1])
    reached = np.linalg.matrix_rank(np.hstack(blocks), tol=1e-6)
    eigenvalues = np.linalg.eigvals(A)
    n = len(A)
    fixed = [e for e in eigenvalues if np.linalg.matrix_rank(np.hstack([A - e * np.eye(n), B]), tol=1e-5) < n]
    size = [abs(e) if discrete else e.real for e in fixed]
    verdict = claim["verdict"]
    if verdict in ("stabilizable", "detectable"):
        wrong = any(s > edge + margin for s in size)
    elif verdict in ("not stabilizable", "not detectable", "not stabilisable"):
        wrong = all(s < edge - margin for s in size)
    elif verdict == "not placeable":
        wanted = [complex(float(exact(p["re"])), float(exact(p["im"]))) for p in claim["requested"]]
        wrong = len(set(wanted)) == len(wanted) and all(min(abs(e - w) for w in wanted) < 1e-9 for e in fixed)
    else:
        wrong = (verdict in ("controllable", "observable")) != (reached == n)
    return bool(wrong or ("dimension" in claim and claim["dimension"] != reached))


WORDS = [
    "stability",
    "feedback",
    "stable",
    "marginal",
    "unstable",
    "stabilised",
    "not stabilisable",
    "not placeable",
    *YES,
    *YES.values(),
]
WORDS += [
    *UNREACHED.values(),
    *FIXED.values(),
    "characteristic polynomial",
    "lyapunov",
    "modular rank",
    "invariant subspace",
]
NUMBERS = ["0", "1", "-1", "2", "1/2", "-3/2", "1e-1", "0x1.8p-3", "-2", "3"]  # floats can tell what these do


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_is_changed_a_false_claim_is_refused(data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(CERTIFICATES)))
    for _ in range(data.draw(st.integers(1, 3))):
        *path, key = data.draw(
            st.sampled_from([p for p in leaves(document) if p[0] in ("system", "claim", "witness", "method")])
        )
        place = document
        for step in path:
            place = place[step]
        old = place[key]
        if isinstance(old, bool):
            place[key] = not old
        elif isinstance(old, int):
            place[key] = data.draw(st.integers(0, 4))
        elif isinstance(old, str) and old in WORDS:
            place[key] = data.draw(st.sampled_from(WORDS))
        elif isinstance(old, str):
            place[key] = data.draw(st.sampled_from([*NUMBERS, str(-exact(old)), str(exact(old) + Fraction(1, 7))]))
        elif isinstance(old, list) and old and data.draw(st.booleans()):
            place[key] = old[::-1]
        elif data.draw(st.booleans()):
            del place[key]
    try:
        proved = valid(sealed(document))
    except Unreadable:
        return
    assert not (proved and clearly_false(document))


@pytest.mark.parametrize("document", CERTIFICATES)
def test_certificates_as_built_are_valid(document: Document) -> None:
    report = check(read(json.dumps(document)))
    assert report.valid
    assert len(report.claim) > 20
    assert not clearly_false(document)


@pytest.mark.parametrize("document", CERTIFICATES)
def test_nothing_unproved_rides_along(document: Document) -> None:
    for place in [(), ("claim",), ("witness",), ("system",)]:
        assert refused(changed(document, *place, "remark", to="optimal"))
    for method in ("characteristic polynomial", "lyapunov", "modular rank", "invariant subspace"):
        if method != document["method"]:
            with contextlib.suppress(Unreadable):  # its witness is another one
                assert refused(changed(document, "method", to=method))
    assert valid(changed(document, "provenance", to={"model": "x"}))
    changed_after = copy.deepcopy(document)
    changed_after["versions"]["hybrid"] = "1"
    report = check(changed_after)
    assert not report.valid
    assert report.reason == "The file was changed after it was written: its digest does not match."


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from([*WORDS, *NUMBERS, "1e9999", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CERTIFICATES), st.data())
def test_hostile_documents_are_unreadable_or_refused(document: Document, data: st.DataObject) -> None:
    document = copy.deepcopy(document)
    *path, key = data.draw(st.sampled_from(list(leaves(document))))
    place = document
    for step in path:
        place = place[step]
    place[key] = data.draw(json_values)
    try:
        report = check(sealed(document))
    except Unreadable as error:
        assert str(error).endswith(".")  # noqa: PT017 - one sentence
    else:
        assert not (report.valid and clearly_false(document))


@settings(max_examples=200, deadline=None)
@given(json_values | st.dictionaries(st.sampled_from(list(CERTIFICATES[0])), json_values))
def test_any_json_is_unreadable_or_refused(value: Any) -> None:
    with contextlib.suppress(Unreadable):
        assert not check(value).valid


ONE = json.dumps(CERTIFICATES[0])
NO_NUMBERS = ["1/0", "1e99999", "9" * 5000, "١", "1_0", " 1", "inf", "nan", "0x1", ""]


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "[]",
        "{}",
        "null",
        "nan",
        ONE[:-1],
        ONE[:-1] + ', "schema": "hybrid-certificate/1"}',
        ONE.replace('"stable"', "NaN"),
        ONE.replace('"stable"', "-Infinity"),
        ONE.replace('"stable"', "1.5"),
        ONE.replace('"stable"', "1" * 100_000),
        ONE.replace('"stable"', "[" * 200_000 + "]" * 200_000),
        '{"a":' * 200_000,
        ONE.replace("hybrid-certificate/1", "hybrid-certificate/2"),
        *(ONE.replace('"1/2"', f'"{number}"') for number in NO_NUMBERS),
        b"\xff\xfe",
        "\ufeff" + ONE,
    ],
)  # fmt: skip
def test_hostile_texts_are_unreadable(hostile: str | bytes) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        check(read(hostile))


def test_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(ONE)
    monkeypatch.setattr(checker, "MAX_BYTES", len(ONE) - 1)
    with pytest.raises(Unreadable):
        read(ONE)
    monkeypatch.undo()
    with pytest.raises(Unreadable):
        read("[" + "1," * 2**22 + "1]")


def test_short_text_for_long_numbers_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "_MOST_BITS", 2**22)  # else it takes long to fill the memory
    row = ["1e9999"] * 20
    with pytest.raises(Unreadable, match="longer numbers"):
        check(changed(CERTIFICATES[0], "system", "A", to=[row] * 20))
    with pytest.raises(Unreadable):
        check(changed(with_poles(REPEATED_POLES), "claim", "poles", to=[]))


@pytest.mark.parametrize("key", list(CERTIFICATES[0]))
def test_missing_keys_are_unreadable(key: str) -> None:
    rest = {name: value for name, value in CERTIFICATES[0].items() if name != key}
    if key == "versions":
        assert valid(sealed(rest))
    else:
        with pytest.raises(Unreadable):
            check(rest if key == "digest" else sealed(rest))


def test_immense_proofs_are_refused_at_once() -> None:
    """Numbers of 4000 digits everywhere, no two with a common denominator, in matrices of order 30."""
    A: Matrix = [[Fraction(1, 10**3999 + 30 * i + j) for j in range(30)] for i in range(30)]
    big = [[Fraction(10**3999 + i * j) for j in range(30)] for i in range(30)]
    assert refused(stability(A, "stable", (None, None), True))
    assert refused(stability(big, "stable", (None, None), True))
    assert valid(stability(diagonal(*range(20)), "unstable", ("1/" + "3" * 4000, None), False))
    big = [row[:8] for row in big[:8]]
    witness = {"upper": {"P": big}, "lower": None}
    document = changed(stability(big, "stable", (None, 0), True), "method", to="lyapunov")
    assert refused(changed(document, "witness", to=witness))


# ------------------------------------------------------------------------------------------------ standing alone


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(Path(checker.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {a.name for node in imports if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    assert all(name.split(".")[0] in sys.stdlib_module_names for name in names)


@pytest.fixture
def alone(tmp_path: Path) -> Any:
    """Runs a copy of the file with a bare interpreter; returns its exit code and its words."""
    shutil.copy(checker.__file__, tmp_path / "checker.py")

    def run(document: str, *options: str) -> tuple[int, str]:
        (tmp_path / "claim.json").write_text(document, encoding="utf-8")
        command = [sys.executable, "-I", "-S", "checker.py", "claim.json", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
        assert not done.stderr
        return done.returncode, done.stdout

    return run


def test_the_file_runs_alone(alone: Any) -> None:
    code, words = alone(ONE)
    assert code == 0
    assert "every eigenvalue of A has real part below −1/2 and a damping ratio above 1/2" in words
    assert "Proved in exact arithmetic" in words
    code, words = alone(json.dumps(changed(CERTIFICATES[0], "claim", "verdict", to="unstable")))
    assert (code, "refused: The proof shows that A is stable, not unstable." in words) == (4, True)
    code, words = alone("{")
    assert (code, words.startswith("unreadable: ")) == (2, True)


def test_the_system_can_be_compared(alone: Any, tmp_path: Path) -> None:
    def against(system: str) -> tuple[int, str]:
        (tmp_path / "plant.json").write_text(system)
        code, words = alone(document, "--system", "plant.json")
        return code, words

    tenth = [[Fraction(-1, 10)]]
    claim = {"about": "stability", "verdict": "stable", "in_region": True, "abscissa": [None, 0]}
    document = json.dumps(certificate({"A": tenth, "B": [[1]]}, claim))
    assert against('{"A": [[-0.1]], "B": [[1.0]], "name": "tank", "dt": 0}')[0] == 0
    assert against('{"A": [["-1/10"]], "B": [["1"]]}')[0] == 0
    assert against('{"A": [[-0.11]], "B": [[1]]}')[0] == 4
    assert "A[1,1] is −1/10 in the certificate and −11/100 in the file." in against('{"A": [[-0.11]], "B": [[1]]}')[1]
    assert "time" in against('{"A": [[-0.1]], "B": [[1]], "dt": 0.1}')[1]
    assert "shape" in against('{"A": [[-0.1]]}')[1]
    assert against("{}")[0] == 2
    document = document.replace('"-1/10"', json.dumps((-0.1).hex()))
    document = json.dumps(sealed(json.loads(document)))
    code, words = against('{"A": [[-0.1]], "B": [[1]]}')
    assert code == 4
    assert "the certificate speaks about the doubles nearest to these numbers" in words
