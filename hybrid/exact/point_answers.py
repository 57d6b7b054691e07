"""Answers about the Jacobian at a rational point, equilibrium or not; complex in the paper's reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from types import MappingProxyType
from typing import Any

import numpy as np
from flint import acb, arb, fmpq

from hybrid.answer import Answer, PaperReading, Reason, Route, Status, Verdict
from hybrid.certificate import Certificate, check
from hybrid.errors import ProblemError
from hybrid.exact import gramian, point_rank, point_stability, riccati
from hybrid.exact.at_point import PRECISIONS, PointJacobian, jacobians
from hybrid.exact.zero_pattern import unreached_in_words
from hybrid.expressions.graph import CONTINUED
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.question import FeedbackQuestion, LinearQuestion, LocalQuestion, RankQuestion, StabilityQuestion
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import require_inputs
from hybrid.verify.gain import FULL, SHORT, decimals, rounded
from hybrid.verify.linearisation import rational_coordinate
from hybrid.verify.lyapunov import FloatArray

_NOT_REAL = "; the equations are not real there, and only the paper's reading goes on in complex numbers (--paper)"

_ENOUGH = PRECISIONS[2]
"""Bits up to which the paper's own loop is to be decided before another gain is taken."""


def decide(question: LocalQuestion) -> Answer | PointJacobian | None:
    """The answer; the Jacobian, where it is rational; None for a question that is answered elsewhere.

    Stability (without a damping ratio or poles), controllability, and in the paper's reading feedback, in continuous
    time at a rational point.

    Raises:
        DomainError: an operation or a derivative has no value at the point.
        ProblemError: the equations are not real there, and the question is not the paper's.
    """
    point = _rational_point(question)
    if point is None or question.system.is_discrete:
        _refuse_for_the_paper(question)
        return None
    tried: list[tuple[PointJacobian, LinearQuestion]] = []
    for found in _jacobians(question, point):
        asked = question.ask(found.stand_in())
        if not _is_ours(asked, question):
            _refuse_for_the_paper(question)
            return None
        if found.is_rational and not isinstance(asked, FeedbackQuestion):
            return found
        answer = _answer(question, asked, found, point)
        if answer is not None:
            return answer
        tried.append((found, asked))
        if found.precision in (PRECISIONS[1], PRECISIONS[-1]):  # 512 bits tell nearly all from 0
            answer = _with_zeros(question, tried, point)
            if answer is not None:
                return answer
    last = tried[-1]
    reason = Reason.GAIN_NOT_PROVED if isinstance(last[1], FeedbackQuestion) else Reason.ENCLOSURE_TOO_WIDE
    paper = _undecided_reading(*last, point) if question.paper else None
    return Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, reason=reason, point=point, paper=paper)


def _with_zeros(
    question: LocalQuestion, tried: list[tuple[PointJacobian, LinearQuestion]], point: dict[str, Fraction]
) -> Answer | None:
    """The answer if entries that no precision tells from 0 are 0, where the checker proves that they are."""
    places = tried[-1][0].open_places
    if not places:
        return None
    answers = (_answer(question, asked, found.supposing(places), point) for found, asked in tried)
    answer = next((each for each in answers if each is not None), None)
    proved = answer is not None and answer.certificate is not None and check(answer.certificate).valid
    return answer if proved else None


def decide_from(question: LocalQuestion, jacobian: FloatArray) -> Answer | None:
    """The answer with a proof taken from a proposed Jacobian; None where that does not hold for the true one.

    Of stability: Routh's array on both sides of the proposed abscissa; of controllability: the minor that is regular
    for the proposal.

    Args:
        question: as for `decide`.
        jacobian: (n, n + m), real or complex, from anywhere.
    """
    point, n = _rational_point(question), question.system.n
    if point is None or question.system.is_discrete or jacobian.shape != (n, n + question.system.m):
        return None
    try:
        found = next(_jacobians(question, point))
    except ProblemError:
        return None  # the exact route says why
    asked = question.ask(found.stand_in())
    if not _is_ours(asked, question):
        return None
    if isinstance(asked, StabilityQuestion):
        located = point_stability.locate_near(found, asked.region, jacobian[:, :n])
        return None if located is None else _located(question, asked, found, point, located, Route.MODEL)
    if not isinstance(asked, RankQuestion):
        return None
    columns = point_rank.regular_minor(found, (jacobian[:, :n], jacobian[:, n:]))
    return None if columns is None else _regular(question, asked, found, point, columns, Route.MODEL)


def conclude(question: LocalQuestion, found: PointJacobian, answer: Answer) -> Answer:
    """The answer of the exact route about a rational Jacobian, with what the paper's reading adds to it."""
    if found.is_complex and answer.certificate is not None:
        claim = {**answer.certificate.claim, "values": "complex"}
        answer = replace(answer, certificate=replace(answer.certificate, claim=claim))
    if not question.paper:
        return answer
    is_rank = answer.certificate is not None and "abscissa" not in answer.certificate.claim
    return replace(answer, paper=_rank_reading(found) if is_rank else _speed(answer.bounds, answer.verdict))


def _rational_point(question: LocalQuestion) -> dict[str, Fraction] | None:
    """The point, inputs that are left out at 0; None where a coordinate is text to be computed, as pi/2."""
    at = question.at or {}
    inputs_at_zero: dict[str, Fraction | None] = dict.fromkeys(question.system.inputs, Fraction(0))
    given = inputs_at_zero | {name: rational_coordinate(value, name) for name, value in at.items()}
    known = {name: value for name, value in given.items() if value is not None}
    return known if len(known) == len(given) else None


def _refuse_for_the_paper(question: LocalQuestion) -> None:
    if question.paper:
        expected = "stability without damping or poles, controllability or feedback, continuous time, a rational point"
        raise ProblemError("paper", "a question of another kind", expected)


def _is_ours(asked: LinearQuestion, question: LocalQuestion) -> bool:
    if isinstance(asked, StabilityQuestion):
        return not asked.region.damping and not asked.poles
    if isinstance(asked, RankQuestion):
        return asked.about == "controllability"
    return question.paper and isinstance(asked, FeedbackQuestion) and asked.poles is None


def _jacobians(question: LocalQuestion, point: dict[str, Fraction]) -> Iterator[PointJacobian]:
    try:
        yield from jacobians(question.system, point, allow_complex=question.paper)
    except DomainError as refusal:
        if question.paper or refusal.operation not in CONTINUED:
            raise
        raise ProblemError(refusal.field, refusal.got, refusal.expected + _NOT_REAL) from None


def _answer(
    question: LocalQuestion, asked: LinearQuestion, found: PointJacobian, point: dict[str, Fraction]
) -> Answer | None:
    if isinstance(asked, StabilityQuestion):
        return _stability(question, asked, found, point)
    if isinstance(asked, RankQuestion):
        return _controllability(question, asked, found, point)
    assert isinstance(asked, FeedbackQuestion)
    return _feedback(question, asked, found, point)


def _stability(
    question: LocalQuestion, asked: StabilityQuestion, found: PointJacobian, point: dict[str, Fraction]
) -> Answer | None:
    located = point_stability.locate(found, asked.region)
    return None if located is None else _located(question, asked, found, point, located)


def _located(
    question: LocalQuestion,
    asked: StabilityQuestion,
    found: PointJacobian,
    point: dict[str, Fraction],
    located: point_stability.Located,
    route: Route = Route.EXACT,
) -> Answer | None:
    claim = {
        "verdict": located.verdict.value,
        "decay": asked.region.decay,
        "damping": asked.region.damping,
        "in_region": located.in_region,
        "abscissa": located.bounds,
    }
    status = Status.PROVED if located.in_region else Status.DISPROVED
    certificate = _certificate(found, point, "stability", claim, "routh", located.witness)
    paper = _speed(located.bounds, located.verdict) if question.paper else None
    return _proved(
        question, status, located.verdict, certificate, point, route=route, bounds=located.bounds, paper=paper
    )


def _controllability(
    question: LocalQuestion, asked: RankQuestion, found: PointJacobian, point: dict[str, Fraction]
) -> Answer | None:
    require_inputs(asked.system)
    paper = _rank_reading(found) if question.paper else None
    columns = point_rank.regular_minor(found)
    if columns is not None:
        return _regular(question, asked, found, point, columns)
    why = point_rank.why_uncontrollable(found)
    if why is None:
        return None
    claim = {"verdict": Verdict.UNCONTROLLABLE.value, "decay": Fraction(0)}
    certificate = _certificate(found, point, asked.about, claim, "zero pattern", why)
    notes = (_in_words(found.system.states, why),)
    return _proved(question, Status.DISPROVED, Verdict.UNCONTROLLABLE, certificate, point, paper=paper, notes=notes)


def _in_words(states: Sequence[str], why: Mapping[str, Sequence[int]]) -> str:
    """What the zeros of the pair show."""
    ((kind, rows),) = why.items()
    named = [states[i] for i in rows]
    if kind == "unreached":
        return unreached_in_words(named)
    return f"There, the rates of {', '.join(named)} depend on fewer variables than they are themselves."


def _regular(
    question: LocalQuestion,
    asked: RankQuestion,
    found: PointJacobian,
    point: dict[str, Fraction],
    columns: list[list[int]],
    route: Route = Route.EXACT,
) -> Answer | None:
    n, paper = found.system.n, _rank_reading(found) if question.paper else None
    claim = {"verdict": Verdict.CONTROLLABLE.value, "decay": Fraction(0), "dimension": n}
    certificate = _certificate(found, point, asked.about, claim, "regular minor", {"columns": columns})
    return _proved(
        question, Status.PROVED, Verdict.CONTROLLABLE, certificate, point, route=route, dimension=n, paper=paper
    )


# Feedback


def _feedback(
    question: LocalQuestion, asked: FeedbackQuestion, found: PointJacobian, point: dict[str, Fraction]
) -> Answer | None:
    """The paper's gain for its own system, and from it one for the user's; Riccati equations where that fails."""
    require_inputs(asked.system)
    if not found.may_be_real:
        raise ProblemError("paper", "a complex Jacobian", "a real one: a gain is made of real numbers")
    A, B = found.floats
    K = gramian.paper_gain(A, B)
    paper = None if K is None else _paper_loop(found, point, K)
    if paper is not None and paper.holds is None and found.precision < _ENOUGH:
        return None
    candidates = [] if K is None else [gramian.for_own_system(K, A)]
    proposals = chain(candidates, (proposal.gain for proposal in riccati.candidates(asked)))
    for gain in (rounded(gain, digits) for gain in proposals for digits in (SHORT, FULL)):
        bounds = _loop_bounds(found, gain, -1)
        if bounds is None or bounds[1] > -asked.region.decay:
            continue
        claim = _gain_claim(gain, asked.region.decay, bounds)
        certificate = _certificate(found, point, "feedback", claim, "routh")
        notes = (_LAW,) if paper is not None else ()
        return _proved(
            question, Status.PROVED, Verdict.STABILISED, certificate, point, bounds=bounds, gain=gain, paper=paper,
            notes=notes,
        )  # fmt: skip
    return None


_LAW = (
    "The paper's gain is for A/‖A‖_F and u = +K x; times −‖A‖_F it is one for this system and u = -K x, where it works."
)


def _paper_loop(found: PointJacobian, point: dict[str, Fraction], K: FloatArray) -> PaperReading:
    """Whether A/‖A‖_F + B K is stable, proved where it is."""
    rows = tuple(map(tuple, K.tolist()))
    bounds = _loop_bounds(found, K, 1)
    if bounds is None:
        return PaperReading(rows, None)
    if bounds[1] > 0:
        return PaperReading(rows, False if bounds[0] >= 0 else None)
    claim = _gain_claim(K, Fraction(0), bounds) | {"reading": "paper"}
    certificate = _certificate(found, point, "feedback", claim, "routh")
    return PaperReading(rows, True, certificate)


def _gain_claim(gain: FloatArray, decay: Fraction, bounds: tuple[Fraction, Fraction]) -> dict[str, Any]:
    verdict = Verdict.STABILISED.value
    return {"verdict": verdict, "gain": decimals(gain), "decay": decay, "damping": Fraction(0), "abscissa": bounds}


def _loop_bounds(found: PointJacobian, gain: FloatArray, sign: int) -> tuple[Fraction, Fraction] | None:
    """Bounds on the abscissa of A − B K (sign −1), or A/‖A‖_F + B K (sign 1), for K as printed and as stored."""
    floats, (A, B) = found.floats, found.balls
    M = floats[0]
    with working_precision(found.precision):
        if sign > 0:
            parts = [part for x in A.entries() for part in ((x.real, x.imag) if isinstance(x, acb) else (x,))]
            size = sum((part * part for part in parts), arb(0)).sqrt()
            A, M = A / size, M / np.linalg.norm(M)
        ends = []
        for exact in (decimals(gain), ExactMatrix.read(gain, "gain")):
            K = type(B)([[arb(fmpq(sign * x.numerator, x.denominator)) for x in row] for row in exact.fractions])
            ends.append(point_stability.enclose(A + B * K, M + sign * floats[1] @ gain))
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    return min(lo for lo, _ in known), max(hi for _, hi in known)


# What the paper's rules say


def _speed(bounds: tuple[Fraction | None, Fraction | None] | None, verdict: Verdict) -> PaperReading | None:
    """λ = −max Re to three digits, where the bounds are narrow enough for them."""
    lo, hi = bounds or (None, None)
    if lo is None or hi is None or hi - lo > abs(lo + hi) / 2000:
        return None
    return PaperReading(float(f"{-float((lo + hi) / 2):.2e}") + 0.0, verdict is Verdict.STABLE)


def _rank_reading(found: PointJacobian) -> PaperReading | None:
    return _rank_label(*found.floats)


def _rank_label(A: FloatArray, B: FloatArray) -> PaperReading | None:
    rank = point_rank.paper_rank(A, B)
    return None if rank is None else PaperReading(int(rank == len(A)), rank == len(A))


def _undecided_reading(found: PointJacobian, asked: LinearQuestion, point: dict[str, Fraction]) -> PaperReading | None:
    if isinstance(asked, RankQuestion):
        return _rank_reading(found)
    K = gramian.paper_gain(*found.floats) if isinstance(asked, FeedbackQuestion) else None
    return None if K is None else _paper_loop(found, point, K)


# What all have in common


def _proved(
    question: LocalQuestion,
    status: Status,
    verdict: Verdict,
    certificate: Certificate,
    point: Any,
    route: Route = Route.EXACT,
    **more: Any,
) -> Answer | None:
    """The answer; where a kink may be at the point, only if the checker sees a derivative there."""
    if question.system.rhs.nonsmooth and not check(certificate).valid:
        return None
    return Answer(question, status, verdict, route, certificate, point=point, **more)


def _certificate(
    found: PointJacobian,
    point: dict[str, Fraction],
    about: str,
    claim: dict[str, Any],
    method: str,
    witness: Mapping[str, Any] = MappingProxyType({}),
) -> Certificate:
    """With bits to spare: the checker takes its own way through the equations, where balls may grow wider."""
    stated = {
        **claim,
        "about": f"local {about}",
        "point": {name: [point[name]] * 2 for name in (*found.system.states, *found.system.inputs)},
        "equilibrium": False,
        **({"values": "complex"} if found.is_complex else {}),
    }
    inner = {"precision": 2 * found.precision, **witness}
    if found.vanishing:
        inner["vanishing"] = [list(place) for place in found.vanishing]
    return Certificate(found.system, stated, "enclosed linearisation", {"method": method, "witness": inner})
