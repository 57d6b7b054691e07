"""'Proved' means proved: one named test for each way in which an answer was once wrong, or nearly so."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import builders as build
import numpy as np
import pytest

import hybrid
from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.errors import ProblemError
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.solve import solve
from hybrid.systems.linear import LinearSystem
from hybrid.trials import Means
from hybrid.verify.lyapunov import prove_above, prove_below


def proved(answer: Answer) -> Answer:
    """An answer whose certificate the stand-alone checker accepts."""
    assert answer.certificate is not None
    report = hybrid.check(answer.certificate)
    assert report.valid, report.reason
    return answer


def verdict(*arguments: Any, **options: Any) -> Verdict:
    return proved(hybrid.stability(*arguments, **options)).verdict


# ------------------------------------------------------------------------------------------- numbers in


def test_integers_beyond_the_doubles_are_not_rounded() -> None:
    d = (2**54 + 1) // 5  # det = 5 d − 2 (2⁵³ + 1) = −1: a saddle, by less than one ulp of an entry
    A = np.array([[-5, 2**53 + 1], [2, -d]])
    assert build.determinant(build.rows(A.tolist())) == -1
    assert verdict(A) is verdict(A.tolist()) is Verdict.UNSTABLE


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64])
def test_no_numpy_integer_survives_inside_a_fraction(kind: type[np.integer[Any]]) -> None:
    """They wrap around: uint8(1) − 3 is 254."""
    plant = LinearSystem([[kind(1)]], [[kind(1)]], dt=kind(1))
    assert plant.closed_loop([[kind(3)]]).A.fractions == ((-2,),)
    assert type(plant.A.fractions[0][0].numerator) is int
    assert hybrid.stability([[10]], decay=kind(100)).status is Status.DISPROVED


def test_large_numpy_integers_beside_fractions() -> None:
    plant = [[np.int64(2**62), "1/1000"], ["1/7", -3]]
    assert proved(hybrid.stability(plant)).abscissa == pytest.approx((2.0**62, 2.0**62))


@pytest.mark.parametrize("entries", [[[3.0, 1], [1, 2]], [[3, 1], [1, 2]]])
def test_a_mask_is_not_dropped(entries: Any) -> None:
    for mask in ([[True, False], [False, False]], False):
        with pytest.raises(ProblemError, match="masked"):
            LinearSystem(np.ma.array(entries, mask=mask))


def test_units_of_time_are_no_numbers() -> None:
    for unit in ("m8[s]", "M8[s]"):
        with pytest.raises(ProblemError):
            LinearSystem(np.array([[3]], dtype=unit))


@pytest.mark.parametrize("entry", [Fraction(1, 2**12000 + 1), Fraction(2**15000 + 1, 3), -Fraction(3**9000)])
def test_certificates_with_long_numbers_are_read(entry: Fraction) -> None:
    assert verdict([[entry]]) is (Verdict.STABLE if entry < 0 else Verdict.UNSTABLE)


@pytest.mark.parametrize(
    "above_one",
    ["0x1.00000000000000001p0", str(1 + Fraction(1, 2**60)), Fraction(2**60 + 1, 2**60)],
    ids=["hex", "decimal", "fraction"],
)
def test_text_is_not_rounded_to_doubles(above_one: Any) -> None:
    assert verdict([["-1", above_one], ["1", "-1"]]) is Verdict.UNSTABLE


def test_what_is_no_rational_is_refused_rather_than_rounded() -> None:
    sympy = pytest.importorskip("sympy")
    flint = pytest.importorskip("flint")
    longdouble = np.longdouble(1) + np.longdouble(2) ** -60
    for entry in (longdouble, sympy.sqrt(2), sympy.Float("0.1", 40), flint.fmpq(1, 3), 1j, np.bool_(True), True, None):
        with pytest.raises(ProblemError):
            LinearSystem([[entry]])
    if np.finfo(np.longdouble).nmant > 52:
        with pytest.raises(ProblemError):
            LinearSystem(np.array([[longdouble]]))


def test_a_minus_sign_binds_less_than_a_power() -> None:
    """As in Python, MATLAB and sympy: −2² is −4. Read as 4, this saddle was proved stable."""
    for entry in ("-2**2", "-2^2"):
        assert verdict([["-1", entry], ["-1", "-1"]]) is Verdict.UNSTABLE
    assert verdict([["-2**-40"]]) is Verdict.STABLE


def test_numbers_too_long_to_print() -> None:
    with pytest.raises(ProblemError, match="digits"):
        hybrid.stability([[-(10**7000)]])
    answer = proved(hybrid.stability([["-1e1100"]]))
    assert answer.verdict is Verdict.STABLE
    assert str(answer).startswith("PROVED")


@pytest.mark.parametrize("where", ["A", "B", "decay", "poles", "Q", "R"])
@pytest.mark.parametrize("huge", ["1e400", "-1e400"])
def test_a_gain_is_not_computed_from_numbers_beyond_doubles(where: str, huge: str) -> None:
    A: list[list[Any]] = [[0, 1], [0, 0]]
    B: list[list[Any]] = [[0], [1]]
    options: dict[str, Any] = {"model": False}
    if where == "A":
        A[0][0] = huge
    elif where == "B":
        B[1][0] = huge
    else:
        options[where] = {"decay": huge, "poles": [huge, -1], "Q": [[huge, 0], [0, 1]], "R": [[huge]]}[where]
    with pytest.raises(ProblemError):
        hybrid.feedback(LinearSystem(A, B), **options)


# ------------------------------------------------------------------------------------------- the region


def test_a_negative_decay_makes_nothing_stabilised() -> None:
    """A + BK with a pole at 0.94 was once 'stabilised' for decay −5."""
    plant, fixed = LinearSystem([[1, 1], [0, 1]], [[0], [1]]), LinearSystem([[1, 0], [0, 1]], [[0], [1]])
    questions: list[Callable[[], Answer]] = [
        lambda: hybrid.feedback(plant, decay=-5, model=False),
        lambda: hybrid.feedback(plant, decay=-5, poles=[1, 2], model=False),
        lambda: hybrid.feedback(fixed, decay=-5, model=False),
        lambda: hybrid.stabilizability(fixed, decay=-5),
        lambda: hybrid.detectability(LinearSystem([[1, 0], [0, 1]], C=[[0, 1]]), decay=-5),
    ]
    for ask in questions:
        with pytest.raises(ProblemError, match="decay"):
            ask()


# ------------------------------------------------------------------------------------------- the kernel


def test_a_square_that_underflows_proves_nothing() -> None:
    b, m = 0.8 * 2.0**-537, 0.9 * 2.0**-537
    assert not prove_below(np.array([[m]]), np.array([[2.0**1020]]), b, discrete=True)


@pytest.mark.parametrize("where", [0, 200, 397])
def test_entries_that_a_blas_thread_may_not_see_prove_nothing(where: int) -> None:
    """A thread started while a library had switched subnormals off reads 0; M has the eigenvalue −a + 2b > 0."""
    n, a = 400, 2.0**-1022
    M = -a * np.eye(n)
    M[where : where + 3, where : where + 3] = 0.9 * a
    np.fill_diagonal(M, -a)
    assert not prove_below(M, np.eye(n) * 2.0**60, 0.0, discrete=False)
    stable = -np.eye(2)
    stable[0, 1] = 0.9 * a  # nothing is proved of such entries in floats, true or not; the exact route decides
    assert not prove_below(stable, np.eye(2), 0.0, discrete=False)
    assert verdict(stable) is Verdict.STABLE


def test_the_zero_vector_is_no_witness() -> None:
    one = np.eye(1)
    assert not prove_above(-one, one, np.zeros(1), 0.0, discrete=False)


def test_no_radius_is_below_a_negative_bound() -> None:
    for bound in (-5.0, -0.0, 0.0):
        assert not prove_below(np.zeros((1, 1)), np.eye(1), bound, discrete=True)
        assert not prove_above(np.zeros((1, 1)), -np.eye(1), np.ones(1), bound, discrete=True)


# -------------------------------------------------------------------------------------- hostile proposers

PLANT = LinearSystem([[1, 0], [1, -1]], [[1], [0]])
GAIN = np.array([[3.0, 1.0]])


class Hostile:
    """A proposer that returns whatever it was given, or raises it."""

    def __init__(self, proposal: Any) -> None:
        self.proposal = proposal

    def accepts(self, n: int, m: int) -> bool:
        return True

    def propose(self, A: Any, B: Any) -> Any:
        if isinstance(self.proposal, BaseException):
            raise self.proposal
        return self.proposal


GAINS = {
    "one number": np.array([[3.0]]),  # would be subtracted from every column
    "column": np.array([[3.0], [1.0]]),
    "vector": np.array([3.0, 1.0]),
    "stack": np.ones((1, 1, 2)),
    "too wide": np.ones((1, 3)),
    "NaN": np.full((1, 2), np.nan),
    "inf": np.full((1, 2), np.inf),
    "huge": np.full((1, 2), np.finfo(float).max),
    "zero": np.zeros((1, 2)),
    "wrong sign": -GAIN,
    "complex": GAIN.astype(complex),
    "single": GAIN.astype(np.float32),
    "list": GAIN.tolist(),
    "objects": GAIN.astype(object),
    "nothing": None,
}
MATRICES = {
    "too small": np.eye(1),
    "too large": np.eye(3),
    "stack": np.ones((4, 2, 2)),
    "NaN": np.full((2, 2), np.nan),
    "inf": np.full((2, 2), np.inf),
    "huge": np.full((2, 2), 1e308),
    "zero": np.zeros((2, 2)),
    "negative": -np.eye(2),
    "complex": np.eye(2) * 1j,
    "objects": np.eye(2, dtype=object),
    "text": "P",
}


def guess(gain: Any, P: Any = None) -> GainProposal:
    return GainProposal(gain, P, "hostile", Route.MODEL)


@pytest.mark.parametrize(
    "proposal",
    [pytest.param(guess(K), id=f"gain {name}") for name, K in GAINS.items()]
    + [pytest.param(guess(GAIN, P), id=f"P {name}") for name, P in MATRICES.items()]
    + [pytest.param(error, id=type(error).__name__) for error in (RuntimeError("x"), MemoryError(), RecursionError())]
    + [pytest.param(other, id=repr(other)) for other in ("hello", 3, (1, 2), None)],
)
def test_no_proposer_can_change_the_verdict(proposal: Any) -> None:
    question = FeedbackQuestion.read(PLANT, None, None, 0, None)
    answer = proved(solve(question, Means(gain=Hostile(proposal))))  # type: ignore[arg-type]
    assert answer.verdict is Verdict.STABILISED
    assert answer.gain is not None
    closed = build.minus(
        build.rows(PLANT.A.fractions), build.product(build.rows(PLANT.B.fractions), build.rows(answer.gain.tolist()))
    )
    assert build.is_hurwitz(closed)


def test_poles_far_beyond_the_reach_of_an_input() -> None:
    """The gain would be 1e310: no number, no crash."""
    plant = LinearSystem([[0, 1], [1, 0]], [[0], ["1e-300"]])
    answer = hybrid.feedback(plant, poles=["-1e10", "-2e10"], model=False)
    assert (answer.status, answer.gain) == (Status.UNDECIDED, None)


@pytest.mark.parametrize("gain", GAINS.values(), ids=GAINS)
def test_no_proposer_stabilises_what_cannot_be(gain: Any) -> None:
    fixed = LinearSystem([[1, 0], [0, 1]], [[0], [1]])
    means = Means(gain=Hostile(guess(gain, np.eye(2))))  # type: ignore[arg-type]
    answer = proved(solve(FeedbackQuestion.read(fixed, None, None, 0, None), means))
    assert answer.verdict is Verdict.NOT_STABILISABLE


# -------------------------------------------------------------------------------------- the surroundings


def test_floating_point_errors_of_the_caller_are_left_alone() -> None:
    with np.errstate(all="raise"):
        assert verdict(np.diag(-np.arange(1, 22.0)) * 1e200) is Verdict.STABLE
        assert verdict(LinearSystem(np.eye(21) * 1e200, dt=1)) is Verdict.UNSTABLE
        assert verdict(LinearSystem(np.eye(21) * 1e-200, dt=1)) is Verdict.STABLE
        assert proved(hybrid.feedback(LinearSystem([[0, 1], [0, 0]], [[0], [1]]))).status is Status.PROVED
        assert np.geterr() == dict.fromkeys(("divide", "over", "under", "invalid"), "raise")


def test_an_input_matrix_divisible_by_the_first_primes() -> None:
    sympy = pytest.importorskip("sympy")
    prime, factor = 2**61, 1
    for _ in range(3):
        prime = sympy.prevprime(prime)
        factor *= prime
    answer = proved(hybrid.controllability(LinearSystem([[0, 1], [2, 3]], [[0], [factor]])))
    assert answer.verdict is Verdict.CONTROLLABLE


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda plant: pickle.loads(pickle.dumps(plant))])
def test_a_copy_is_the_same_system(duplicate: Callable[[LinearSystem], LinearSystem]) -> None:
    plant = LinearSystem([["1/3", 0.1], [2, 3]], [[1], ["0.1"]], [[1, 0]], [[0]], dt="0.1", name="copied")
    twin = duplicate(plant)
    assert twin == plant
    assert (twin.name, twin.A.fractions, twin.is_discrete) == (plant.name, plant.A.fractions, True)


def test_discs_do_not_overlap() -> None:
    near = [Fraction(k, 10**30) for k in range(4)] + [Fraction(-1), Fraction(-1) - Fraction(1, 10**25)]
    answer = proved(hybrid.stability(build.companion(build.expanded(near)), poles=True))
    assert answer.poles is not None
    assert sum(disc.multiplicity for disc in answer.poles) == len(near)
    for root in near:
        assert sum(abs(disc.re - root) <= disc.radius and disc.im**2 <= disc.radius**2 for disc in answer.poles) == 1
