"""Mutants of the trusted base: each would prove something false, and a named test, run here against it, says so.

A mutant is one place in the source with another text. Its module is compiled anew and every function whose code differs
takes the mutated code on, wherever it has been imported to; the test named in the table then has to fail.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import product
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

import builders as build
import numpy as np
import pytest
import test_checker
import test_lyapunov_kernel
from flint import arb, ctx, fmpz_poly

import hybrid
from hybrid.answer import Route, Verdict
from hybrid.cached import cached_property
from hybrid.exact import boxes, closed_loop, krawczyk, polynomial
from hybrid.exact.spectrum import Spectrum
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.selftest import FAMILIES
from hybrid.selftest.campaign import false_findings
from hybrid.selftest.engines import ENGINES
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.verify import gain as verify_gain
from hybrid.verify import lyapunov


class Mutant(NamedTuple):
    """One text for another in a module, and the test that fails on it."""

    name: str
    module: str
    old: str
    new: str
    killer: Callable[[], object]


# ------------------------------------------------------------------------------------------- mutation


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    """The module with the mutant's text, for as long as it lasts."""
    module = importlib.import_module(mutant.module)
    source = inspect.getsource(module)
    assert source.count(mutant.old) == 1, f"{mutant.module} has changed: adapt the mutant {mutant.name!r}"
    twin = ModuleType(module.__name__)
    twin.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, twin)  # dataclasses look their module up
        exec(compile(source.replace(mutant.old, mutant.new), f"<{mutant.name}>", "exec"), twin.__dict__)
    changed = [
        (old, new) for old, new in _twins(module, twin, module.__name__) if not _alike(old.__code__, new.__code__)
    ]
    assert changed, "the mutation changed no function"
    originals = [(old, old.__code__) for old, _ in changed]
    for old, new in changed:
        old.__code__ = new.__code__
    try:
        yield
    finally:
        for old, code in originals:
            old.__code__ = code


def _twins(owner: object, twin: object, home: str) -> Iterator[tuple[FunctionType, FunctionType]]:
    """The functions of a module, and of its classes, beside those of the same name in its twin."""
    for key, value in vars(owner).items():
        other = vars(twin).get(key)
        one, two = _function(value), _function(other)
        if isinstance(value, type) and value.__module__ == home and isinstance(other, type):
            yield from _twins(value, other, home)
        elif one is not None and two is not None and one.__module__ == home:
            yield one, two


def _function(value: object) -> FunctionType | None:
    """The function under decorators, properties and class methods."""
    if isinstance(value, property):
        value = value.fget
    elif isinstance(value, cached_property):
        value = value.func
    elif isinstance(value, classmethod | staticmethod):
        value = value.__func__
    value = inspect.unwrap(value) if callable(value) and not isinstance(value, type) else value
    return value if isinstance(value, FunctionType) else None


def _alike(one: Any, other: Any) -> bool:
    """Whether two codes do the same, wherever they stand."""
    if one.co_code != other.co_code or one.co_names != other.co_names or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _alike(a, b) if hasattr(a, "co_code") and hasattr(b, "co_code") else repr(a) == repr(b)
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


# ------------------------------------------------------------------------------------------- the tests that kill


@pytest.mark.parametrize(("n", "seed"), [(3, 268), (4, 151), (5, 207), (6, 74), (8, 118), (12, 193), (16, 115)])
def test_singular_matrices_are_not_positive_definite(n: int, seed: int) -> None:
    """Cholesky runs to its end on these, for its roundings."""
    factor = np.random.default_rng(seed).integers(-9, 10, (n, n - 1)).astype(float)
    assert not lyapunov.positive_definite(factor @ factor.T, np.zeros((n, n)))


def test_a_closed_loop_whose_roundings_all_fall_one_way() -> None:
    """b₁k₁ loses half an ulp, the sum with b₂k₂ another, and the difference with a a third: 3u |B||K| and no less."""
    b, k, half = 1 + 2.0**-26, 1 + 2.0**-27, 2.0**-53 * (1 - 2.0**-10)
    for order in ([0, 1], [1, 0]):
        A, B, K = np.array([[-half]]), np.array([[b, 2.0**-30]])[:, order], np.array([[k], [half * 2.0**30]])[order]
        midpoint, radius = lyapunov.closed_loop(A, B, K)
        exact = Fraction(-half) - Fraction(b) * Fraction(k) - Fraction(half)
        assert abs(exact - Fraction(midpoint.item())) <= Fraction(radius.item())


def test_products_whose_roundings_are_all_there_is() -> None:
    for seed in range(20):
        test_lyapunov_kernel.test_products_that_cancel(seed)


def test_an_unstable_matrix_has_no_lyapunov_matrix() -> None:
    """Any P, and M with an eigenvalue of 1 or more: neither the whole residual nor a half of it is a proof."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        T = rng.standard_normal((2, 2))
        M = T @ np.diag([1.0, -9.0]) @ np.linalg.inv(T)
        factor = rng.standard_normal((2, 2))
        P = factor @ factor.T
        assert not lyapunov.prove_below(M, np.tril(P) + np.tril(P, -1).T, 0.0, discrete=False)


def test_p_is_what_its_lower_triangle_says() -> None:
    """What the certificate's reader sees: with 9 for 0.5 the inequality fails."""
    M, P = np.array([[-1.0, 0.5], [0.0, -2.0]]), np.array([[1.0, 0.1], [9.0, 1.0]])
    assert not lyapunov.prove_below(M, P, 0.0, discrete=False)


def test_a_limit_lies_in_the_region() -> None:
    """−1/10 and −3/10 are no doubles: the nearest ones lie on either side."""
    for value in (Fraction(-1, 10), Fraction(-3, 10), Fraction(1, 3), Fraction(2, 3)):
        assert Fraction(verify_gain._double_at_most(value)) <= value


def test_bounds_that_are_no_doubles_are_rounded_outwards() -> None:
    for numerator in (1, 2, -1, -2):
        value = Fraction(numerator, 3 * 2**80)
        lo, hi = Spectrum.of(ExactMatrix.read([[value, 0], [0, -1]], "A"), discrete=False).bounds
        assert lo <= value <= hi
        assert lo < hi or value in (lo, hi)


def test_ends_of_balls_are_rounded_outwards() -> None:
    with ctx.workprec(128):
        for value in (arb(1) / 3, arb(2) / 3, arb(5) / 7):
            for end in (value.lower(), -value.lower()):
                assert boxes._down(end) <= end <= boxes._up(end)


def test_a_box_is_not_in_its_own_interior() -> None:
    """For |x| + x, which vanishes wherever x ≤ 0, K([−1, 1]) = [−1, 1]: existence, and no uniqueness."""
    assert krawczyk.inside([arb(0, 0.5)], [arb(0, 1)])
    assert not krawczyk.inside([arb(0, 1)], [arb(0, 1)])


def test_polynomials_with_imaginary_roots_are_not_hurwitz() -> None:
    for boundary, rest in product(([1, 0, 1], [4, 0, 1], [4, 0, 5, 0, 1]), ([1, 1], [6, 5, 1])):
        assert not polynomial.is_hurwitz(fmpz_poly(boundary) * fmpz_poly(rest))


def test_roots_on_the_unit_circle_are_not_inside() -> None:
    for root in (1, -1):
        assert Spectrum.of(ExactMatrix.read([[root, 0], [0, "1/2"]], "A"), discrete=True).verdict is Verdict.MARGINAL


def ask(A: Any, B: Any, K: Any) -> tuple[FeedbackQuestion, GainProposal]:
    question = FeedbackQuestion.read(LinearSystem(A, B), None, None, 0, None)
    return question, GainProposal(np.array(K, dtype=np.float64), None, "mutation", Route.MODEL)


@pytest.mark.parametrize("prove", [verify_gain.prove, closed_loop.prove])
def test_a_gain_of_the_wrong_sign_is_not_proved(prove: Any) -> None:
    assert prove(*ask([[1]], [[1]], [[3]])) is not None
    assert prove(*ask([[1]], [[1]], [[-3]])) is None


def test_the_decimals_of_a_gain_are_proved_too() -> None:
    """0.1 as a double is more than 1/10, and as it prints it is 1/10."""
    assert closed_loop.prove(*ask([["1/10"]], [[1]], [[0.1]])) is None


def test_the_gain_that_is_proved_is_the_one_that_is_returned() -> None:
    """Rounded to six digits this one would leave the pole at +1e-9."""
    K = 1 + 1e-9 + 2.0**-40
    proved = closed_loop.prove(*ask([[1 + 1e-9]], [[1]], [[K]]))
    assert proved is not None
    assert proved.gain.item() > 1 + 1e-9


def test_a_pair_that_lacks_one_dimension_is_uncontrollable() -> None:
    for n in (2, 3, 5):
        A = build.hidden(build.block_diagonal(build.jordan(1, n - 1), build.rows([[2]])))
        T, _ = build.similarity(n, 0)
        B = build.product(T, [[Fraction(k == n - 2)] for k in range(n)])
        answer = hybrid.controllability(LinearSystem(A, B))
        assert answer.verdict is Verdict.UNCONTROLLABLE
        assert answer.dimension == n - 1


def test_the_radius_of_a_fraction_holds_it() -> None:
    """A double that was rounded down, in another rounding mode, is as far away as it can be, but for 2⁻¹¹³."""
    x = 1 + Fraction(1, 2**52) - Fraction(1, 2**113)
    matrix = ExactMatrix(np.array([[1.0]]), ((x,),))
    assert matrix.radius is not None
    assert abs(x - Fraction(matrix.floats.item())) <= Fraction(matrix.radius.item())


def test_the_checker_refuses_a_boundary() -> None:
    """The roots of s² + 2s + 4 lie on the edge of the sector ζ = 1/2, where a row of Routh's scheme vanishes."""
    A = build.companion([1, 2, 4])
    test_checker.test_boundaries_of_sectors_do_not_belong_to_them(A, "1/2", False)


def test_the_checker_reads_the_lower_triangle() -> None:
    claim = {"about": "stability", "verdict": "stable", "in_region": True, "abscissa": [None, 0]}
    for above, below in ((Fraction(1, 10), 9), (9, Fraction(1, 10))):
        witness = {"upper": {"P": [[1, above], [below, 1]]}, "lower": None}
        A = build.rows([[-1, "1/2"], [0, -2]])
        document = test_checker.certificate({"A": A}, claim, "lyapunov", witness)
        assert test_checker.valid(document) is (below != 9)


def test_the_checker_refuses_an_indefinite_matrix() -> None:
    """P = −I has a positive residual for M = I, and shows no upper bound."""
    claim = {"about": "stability", "verdict": "stable", "in_region": True, "abscissa": [None, 0]}
    witness = {"upper": {"P": [[-1, 0], [0, -1]]}, "lower": None}
    assert not test_checker.valid(test_checker.certificate({"A": build.identity(2)}, claim, "lyapunov", witness))


def test_the_checker_counts_the_rank() -> None:
    for B, dimension in (([[1], [0]], 1), ([[0], [0]], 0)):
        claim = {"about": "controllability", "verdict": "controllable", "dimension": 2}
        system = {"A": build.rows([[1, 0], [0, 2]]), "B": build.rows(B)}
        for claimed in (claim, claim | {"dimension": dimension}):
            document = test_checker.certificate(system, claimed, "modular rank", {"prime": test_checker.PRIME})
            assert not test_checker.valid(document)


# ------------------------------------------------------------------------------------------- the mutants

MUTANTS = [
    Mutant(
        "drop the shift c",
        "hybrid.verify.lyapunov",
        "shift = unit.sum(-1) * ((n + 3) * _U * (1 + 2.0**-30)) + n * n * _ETA",
        "shift = unit.sum(-1) * 0.0",
        partial(test_singular_matrices_are_not_positive_definite, 5, 207),
    ),
    Mutant(
        "halve γ of the closed loop",
        "hybrid.verify.lyapunov",
        "radius = (m + 3) * _U *",
        "radius = (m + 3) / 2 * _U *",
        test_a_closed_loop_whose_roundings_all_fall_one_way,
    ),
    Mutant(
        "forget γ of the residual",
        "hybrid.verify.lyapunov",
        "error = (2 * n + 8) * _U * (size + np.swapaxes(size, -1, -2)) + (n + 2) * _ETA",
        "error = (2 * n + 8) * _ETA * (size + np.swapaxes(size, -1, -2)) + (n + 2) * _ETA",
        test_products_whose_roundings_are_all_there_is,
    ),
    Mutant(
        "flip the rounding of a limit",
        "hybrid.verify.gain",
        "math.nextafter(double, -math.inf)",
        "math.nextafter(double, math.inf)",
        test_a_limit_lies_in_the_region,
    ),
    Mutant(
        "flip the rounding of a bound",
        "hybrid.exact.spectrum",
        "(Fraction(double) < value) == (direction > 0)",
        "(Fraction(double) > value) == (direction > 0)",
        test_bounds_that_are_no_doubles_are_rounded_outwards,
    ),
    Mutant(
        "flip the rounding of the end of a box",
        "hybrid.exact.boxes",
        "nearest if nearest <= bound else math.nextafter(nearest, -math.inf)",
        "nearest if nearest >= bound else math.nextafter(nearest, math.inf)",
        test_ends_of_balls_are_rounded_outwards,
    ),
    Mutant(
        "< for ≤ in Routh's rows",
        "hybrid.exact.polynomial",
        "        if lower[0] <= 0:",
        "        if lower[0] < 0:",
        test_polynomials_with_imaginary_roots_are_not_hurwitz,
    ),
    Mutant(
        "roots at −1 count as inside the circle",
        "hybrid.exact.polynomial",
        "return at_minus_one == 0 and is_hurwitz(mapped)",
        "return at_minus_one >= 0 and is_hurwitz(mapped)",
        test_roots_on_the_unit_circle_are_not_inside,
    ),
    Mutant(
        "boxes that touch count as the interior",
        "hybrid.exact.krawczyk",
        "around.contains_interior(side)",
        "around.contains(side)",
        test_a_box_is_not_in_its_own_interior,
    ),
    Mutant(
        "transpose P",
        "hybrid.verify.lyapunov",
        "lower = np.tril(P, -1)\n    symmetric: FloatArray = lower +",
        "lower = np.triu(P, 1)\n    symmetric: FloatArray = lower +",
        test_p_is_what_its_lower_triangle_says,
    ),
    Mutant(
        "forget to transpose",
        "hybrid.verify.lyapunov",
        "    return -(product + np.swapaxes(product, -1, -2)), error",
        "    return -(product + product), error",
        test_an_unstable_matrix_has_no_lyapunov_matrix,
    ),
    Mutant(
        "the wrong sign of K in the float proof",
        "hybrid.verify.lyapunov",
        "midpoint = A - B @ K",
        "midpoint = A + B @ K",
        partial(test_a_gain_of_the_wrong_sign_is_not_proved, verify_gain.prove),
    ),
    Mutant(
        "the wrong sign of K in the exact proof",
        "hybrid.exact.closed_loop",
        "(A - B * fed_back)",
        "(A + B * fed_back)",
        partial(test_a_gain_of_the_wrong_sign_is_not_proved, closed_loop.prove),
    ),
    Mutant(
        "prove the doubles of K alone",
        "hybrid.exact.closed_loop",
        "for K in (printed, stored)]",
        "for K in (stored, stored)]",
        test_the_decimals_of_a_gain_are_proved_too,
    ),
    Mutant(
        "round K after the proof",
        "hybrid.exact.closed_loop",
        "return ProvedGain(gain, tuple(intervals)",
        "return ProvedGain(rounded(gain, SHORT), tuple(intervals)",
        test_the_gain_that_is_proved_is_the_one_that_is_returned,
    ),
    Mutant(
        "enlarge the rank modulo a prime by one",
        "hybrid.exact.subspace",
        "if len(columns) == system.n:",
        "if len(columns) + 1 >= system.n:",
        test_a_pair_that_lacks_one_dimension_is_uncontrollable,
    ),
    Mutant(
        "shrink the radius of a fraction by an ulp of it",
        "hybrid.systems.exact_matrix",
        "(_UNIT * (1 + 4 * _UNIT))",
        "(_UNIT * (1 - 4 * _UNIT))",
        test_the_radius_of_a_fraction_holds_it,
    ),
    Mutant(
        "checker: < for ≤ in Routh's rows",
        "hybrid.certificate.checker",
        "if _sign(e, h, d) <= 0:",
        "if _sign(e, h, d) < 0:",
        test_the_checker_refuses_a_boundary,
    ),
    Mutant(
        "checker: transpose P",
        "hybrid.certificate.checker",
        "P[max(i, j)][min(i, j)]",
        "P[min(i, j)][max(i, j)]",
        test_the_checker_reads_the_lower_triangle,
    ),
    Mutant(
        "checker: P need not be positive definite",
        "hybrid.certificate.checker",
        "_expect(_positive_definite(P), ",
        "_expect(_positive_definite(residual), ",
        test_the_checker_refuses_an_indefinite_matrix,
    ),
    Mutant(
        "checker: the wrong sign of K",
        "hybrid.certificate.checker",
        "return [[a - c for a, c in zip(*rows, strict=True)] for rows in zip(self.system.A, change, strict=True)]",
        "return [[a + c for a, c in zip(*rows, strict=True)] for rows in zip(self.system.A, change, strict=True)]",
        test_checker.test_a_gain_is_checked_in_the_closed_loop,
    ),
    Mutant(
        "checker: the decimals of K alone",
        "hybrid.certificate.checker",
        "for gain in [self.gain] if doubles == self.gain else [self.gain, doubles]:\n            poles",
        "for gain in [self.gain]:\n            poles",
        test_checker.test_the_doubles_nearest_to_the_gain_are_checked_too,
    ),
    Mutant(
        "checker: enlarge the rank modulo a prime by one",
        "hybrid.certificate.checker",
        "    return len(echelon)\n",
        "    return len(echelon) + 1\n",
        test_the_checker_counts_the_rank,
    ),
]
"""Several of an issue's kind where the kind has several places: 'flip a rounding direction' has three."""


NOTICED = [
    ("forget γ of the residual", "Hamiltonian", "float proof"),
    ("forget to transpose", "Hamiltonian", "float proof"),
    ("the wrong sign of K in the float proof", "barely stabilising", "float proof"),
    ("< for ≤ in Routh's rows", "unit circle", "exact"),
    ("roots at −1 count as inside the circle", "unit circle", "exact"),
    ("the wrong sign of K in the exact proof", "barely stabilising", "exact"),
    ("enlarge the rank modulo a prime by one", "uncontrollable", "exact"),
]
"""Mutants that the campaign of `hybrid selftest` meets by itself: in which family, and who is wrong."""


@pytest.mark.parametrize(("name", "family", "engine"), NOTICED)
def test_the_campaign_notices(name: str, family: str, engine: str) -> None:
    (mutant,) = [each for each in MUTANTS if each.name == name]
    (asked,) = [each for each in ENGINES if each.name == engine]
    stacks = [FAMILIES[family].draw(np.random.default_rng(seed), 64) for seed in range(4)]
    rows = np.arange(64)
    with mutated(mutant):
        assert any(false_findings(stack, rows, asked.asked(stack, rows)).any() for stack in stacks)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_killed(mutant: Mutant) -> None:
    with mutated(mutant), pytest.raises(AssertionError):
        mutant.killer()
    mutant.killer()  # and what is left is as it was
