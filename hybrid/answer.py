"""What comes back: a status about the question, a verdict about the system, and the certificate that proves both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hybrid.certificate import Certificate
    from hybrid.question import Question
    from hybrid.systems.linear import LinearSystem
    from hybrid.systems.nonlinear import NonlinearSystem


class _NoTruthValue(Enum):
    def __bool__(self) -> bool:
        raise TypeError(f"{type(self).__name__} has three outcomes and no truth value; compare it with 'is'")


class Status(_NoTruthValue):
    """How the question ended. DISPROVED is as much a proof as PROVED; UNDECIDED proves nothing."""

    PROVED = "proved"
    DISPROVED = "disproved"
    UNDECIDED = "undecided"


class Verdict(Enum):
    """What was found about the system, in the words of the field."""

    STABLE = "stable"
    MARGINAL = "marginal"
    UNSTABLE = "unstable"
    CONTROLLABLE = "controllable"
    UNCONTROLLABLE = "uncontrollable"
    OBSERVABLE = "observable"
    UNOBSERVABLE = "unobservable"
    STABILIZABLE = "stabilizable"
    NOT_STABILIZABLE = "not stabilizable"
    DETECTABLE = "detectable"
    NOT_DETECTABLE = "not detectable"
    STABILISED = "stabilised"
    NOT_STABILISABLE = "not stabilisable"
    NOT_PLACEABLE = "not placeable"
    DECAYING = "decaying"
    BOUNDED = "bounded"
    GROWING = "growing"
    NO_SOLUTION = "no solution"
    UNKNOWN = "unknown"


class Route(Enum):
    """Who found the answer. Every route ends in the same proof."""

    MODEL = "model"
    MODEL_REFINED = "model+refined"
    EXACT = "exact"


class Check(_NoTruthValue):
    """What a verifier says of one proposal: a rejected guess says nothing about the system."""

    VERIFIED = "verified"
    REJECTED = "rejected"


class Reason(Enum):
    """Why a question stayed undecided; the text says what to try."""

    GAIN_NOT_PROVED = "No gain in double precision was proved; scale the states and inputs, or ask for less decay."
    GAIN_NOT_FOUND = (
        "No such gain was found, which does not show that there is none; allow more starts, more outputs or more free "
        "entries, or ask for less decay."
    )
    WEIGHTS_NOT_STABILISING = (
        "No gain for these weights was proved stabilising; take a Q that sees every mode on the stability boundary."
    )
    POLES_ILL_CONDITIONED = (
        "No gain in double precision keeps the poles near the ones requested; ask for other poles, or give Q and R."
    )
    NOT_AN_EQUILIBRIUM = "The point is no equilibrium; ask about the one offered, or about the Jacobian (at_point)."
    NO_EQUILIBRIUM = "No equilibrium was proved near the point; try another point, or search a box for equilibria."
    CRITICAL = "The linearisation has an eigenvalue on the stability boundary; terms of higher order decide."
    ENCLOSURE_TOO_WIDE = "The enclosed linearisation decides neither way; the answer hinges on its last digits."
    NOT_ANALYTIC = "At no instant tried are the derivatives real and analytic; try another instant, or another point."
    RANK_NOT_SHOWN = (
        "Full rank was shown at no instant tried, which does not show that it is missed; try other instants, or leave "
        "the instant out."
    )
    TIMEOUT = "No answer in the time allowed; allow more, or ask for less: fewer states or digits, a smaller box."
    SYMBOL_OPEN = (
        "Neither a growing wave number nor a proof that there is none was found; narrow the support, or split it."
    )
    PRECISION_EXHAUSTED = "The poles lie too near each other for separate enclosures; scale the system."


@dataclass(frozen=True)
class Enclosure:
    """A disc that holds exactly one distinct eigenvalue, with its algebraic multiplicity."""

    re: Fraction
    im: Fraction
    radius: Fraction
    multiplicity: int = 1

    def __complex__(self) -> complex:
        return complex(float(self.re), float(self.im))


@dataclass(frozen=True)
class Trial:
    """One proposal that was tried: where it came from, what the verifier said, how long both took (s)."""

    source: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class Evolution:
    """What was decided about u_t + P(D) u = 0 for t ≥ 0; None where it stayed open.

    Attributes:
        exists: Re P(iη) is bounded below on the support: each initial condition with this support has a tempered
            solution. False: it falls to −∞ there, and some initial conditions have none.
        stays_bounded: Re P ≥ 0 on the support: no wave number grows. This is what the paper calls decay.
        decays: Re P ≥ c for some c > 0: all wave numbers decay, at a common rate. An infimum of 0 is not enough: the
            heat equation on the line stays bounded, and no rate holds for all of it.
        rate: a proved c, in 1/s.
        point: a wave number that grows, or one that neither grows nor decays.
    """

    exists: bool | None
    stays_bounded: bool | None
    decays: bool | None
    rate: Fraction | None = None
    point: tuple[Fraction, ...] | None = None


@dataclass(frozen=True)
class SearchedLabels:
    """The labels of the paper for a PDE: what a local search for the least Re P came to, from ξ = 0.5.

    Attributes:
        exists: the least value found is not below −10¹⁴.
        decays: it is not below 0.
        lowest: that value.
    """

    exists: bool
    decays: bool
    lowest: float


@dataclass(frozen=True, eq=False)
class PaperReading:
    """What the rules of Charton, Hayat and Lample 2020 say of the system, where `paper` asked for it.

    Attributes:
        value: of stability λ = −max Re, three digits; of controllability 1 or 0 by their rank rule, in floating point
            with an absolute tolerance of 1e-6; of feedback the rows of their K for x' = (A/‖A‖_F) x + B u, u = +K x; of
            a PDE their two labels.
        holds: whether that is stable, controllable, or stabilises their system; None where it was not proved.
        certificate: of feedback, that every eigenvalue of A/‖A‖_F + B K is left of the axis.
    """

    value: float | int | tuple[tuple[float, ...], ...] | SearchedLabels
    holds: bool | None
    certificate: Certificate | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """The outcome of a question.

    Attributes:
        question: what was asked, with the system.
        status: PROVED, DISPROVED or UNDECIDED, about the question.
        verdict: what was found about the system.
        route: who found it.
        certificate: the proof, which anyone can re-check; None only where the status is UNDECIDED. That of an
            undecided PDE proves what was decided about it.
        abscissa: [lo, hi] around max Re λ (continuous) or max |λ| (discrete), rounded outwards, of A or of the
            closed loop; of one gain for several systems, around the largest of theirs (the claim has each).
        gain: (m, n) K for u = −K x, or (m, p) for u = −K y: the doubles that were proved.
        poles: an enclosure of each eigenvalue, where asked for.
        point: of a nonlinear system, the midpoint of the equilibrium's enclosure by name.
        dimension: of the controllable (observable) subspace, where that was the question.
        instant: of a system that varies with time, the instant at which it was decided.
        evolution: of a PDE, what was decided.
        reason: why it stayed undecided.
        notes: sentences worth knowing.
        trials: the proposals tried, in order.
        timings: stage → seconds.
        paper: what the paper's rules say, where they were asked for.

    >>> import hybrid
    >>> answer = hybrid.stability(hybrid.LinearSystem([[0, 1], [-2, -3]]))
    >>> answer.status, answer.verdict
    (<Status.PROVED: 'proved'>, <Verdict.STABLE: 'stable'>)
    >>> bool(answer)
    Traceback (most recent call last):
    ...
    TypeError: an answer has three outcomes and no truth value; compare answer.status
    """

    question: Question
    status: Status
    verdict: Verdict
    route: Route
    certificate: Certificate | None = None
    bounds: tuple[Fraction | None, Fraction | None] | None = None
    gain: np.ndarray[Any, np.dtype[np.float64]] | None = None
    poles: tuple[Enclosure, ...] | None = None
    point: Mapping[str, Fraction] | None = None
    dimension: int | None = None
    instant: Fraction | None = None
    evolution: Evolution | None = None
    reason: Reason | None = None
    notes: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    paper: PaperReading | None = None

    def __post_init__(self) -> None:
        partly_decided = self.evolution is not None and self.status is Status.UNDECIDED
        if not partly_decided and (self.status is Status.UNDECIDED) is (self.certificate is not None):
            raise TypeError("a claim needs a certificate, and a certificate needs a claim")

    def __bool__(self) -> bool:
        raise TypeError("an answer has three outcomes and no truth value; compare answer.status")

    @property
    def abscissa(self) -> tuple[float, float] | None:
        """[lo, hi] in doubles that enclose the proved bounds."""
        if self.bounds is None:
            return None
        lo, hi = self.bounds
        least = 0.0 if self.question.system.is_discrete else -math.inf  # a radius has its own
        return (
            least if lo is None else _round_towards(lo, -math.inf),
            math.inf if hi is None else _round_towards(hi, math.inf),
        )

    def closed_loop(self) -> LinearSystem | NonlinearSystem | tuple[LinearSystem, ...]:
        """The system under u = −K x (u = −K y), exactly as proved.

        A nonlinear one is under u = u* − K (x − x*), or u = u* − K (y − y*).

        One gain for several systems gives a tuple, in their order.

        Raises:
            ProblemError: there is no gain in this answer.
        """
        from hybrid.errors import ProblemError
        from hybrid.question import LocalQuestion, PDEQuestion, StaticGainQuestion, TimeVaryingQuestion

        question, gain = self.question, self.gain
        if gain is None:
            raise ProblemError("gain", "none in this answer", "an answer that carries a gain")
        if isinstance(question, LocalQuestion):
            of_outputs = self.certificate is not None and self.certificate.claim.get("output", False)
            return question.system.closed_loop(gain, self.point or {}, output=of_outputs)
        if isinstance(question, TimeVaryingQuestion | PDEQuestion):
            raise ProblemError("gain", "a question about no gain", "an answer that carries a gain")
        if not isinstance(question, StaticGainQuestion):
            return question.system.closed_loop(gain)
        loops = tuple(system.closed_loop(gain, output=question.output) for system in question.systems)
        return loops if len(loops) > 1 else loops[0]

    def to_control(self) -> Any:
        """As a python-control system: the closed loop where a gain was asked for, otherwise the system.

        One gain for several systems gives a tuple, in their order.

        Raises:
            ProblemError: a gain was asked for, and there is none.
        """
        from hybrid.errors import ProblemError
        from hybrid.question import FeedbackQuestion, PDEQuestion, StaticGainQuestion, TimeVaryingQuestion

        if isinstance(self.question, TimeVaryingQuestion | PDEQuestion):
            kind = "a PDE" if isinstance(self.question, PDEQuestion) else "one linearised over time"
            raise ProblemError("system", kind, "one that python-control has a class for")
        asked_for_gain = isinstance(self.question, FeedbackQuestion | StaticGainQuestion) or self.gain is not None
        found = self.closed_loop() if asked_for_gain else self.question.system
        return tuple(loop.to_control() for loop in found) if isinstance(found, tuple) else found.to_control()

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON knows it; the keys are those of `--json`."""
        from hybrid.render import as_document

        return as_document(self)

    def __repr__(self) -> str:
        return f"<Answer {self.status.value}: {self.verdict.value}, route {self.route.value}>"

    def __str__(self) -> str:
        from hybrid.render import as_text

        return as_text(self)

    def _repr_latex_(self) -> str:
        from hybrid.render import as_latex

        return as_latex(self)


def _round_towards(value: Fraction, direction: float) -> float:
    """The double nearest to `value` on the given side of it (or equal)."""
    try:
        nearest = float(value)
    except OverflowError:
        nearest = math.inf if value > 0 else -math.inf
    if math.isinf(nearest):
        beyond = (nearest > 0) == (direction > 0)
        return nearest if beyond else math.copysign(float.fromhex("0x1.fffffffffffffp+1023"), nearest)
    exact_side = Fraction(nearest) >= value if direction > 0 else Fraction(nearest) <= value
    return nearest if exact_side else math.nextafter(nearest, direction)
