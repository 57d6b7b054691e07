"""Answers as sympy objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from sympy import Expr, I, ImmutableMatrix, Rational, oo
from sympy.physics.control import StateSpace

from hybrid.answer import Answer, Evolution, PaperReading, Reason, Route, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.question import FeedbackQuestion, LocalQuestion, StaticGainQuestion
from hybrid.systems.linear import LinearSystem

from .sympy_values import rational, to_matrix

Loop: TypeAlias = ImmutableMatrix | StateSpace


@dataclass(frozen=True, eq=False)
class SympyAnswer:
    """An answer of hybrid, read as sympy objects. It has three outcomes and no truth value.

    Attributes:
        answer: the answer itself, with its certificate, reason, notes and timings.
        is_model: whether the question came as a StateSpace or transfer function, so that `closed_loop` is one too.
    """

    answer: Answer
    is_model: bool = False

    def __bool__(self) -> bool:
        raise TypeError("an answer has three outcomes and no truth value; compare answer.status")

    @property
    def status(self) -> Status:
        """PROVED, DISPROVED or UNDECIDED, about the question."""
        return self.answer.status

    @property
    def verdict(self) -> Verdict:
        """What was found about the system."""
        return self.answer.verdict

    @property
    def route(self) -> Route:
        """Who found it."""
        return self.answer.route

    @property
    def reason(self) -> Reason | None:
        """Why it stayed undecided."""
        return self.answer.reason

    @property
    def certificate(self) -> Certificate | None:
        """The proof; `hybrid.check` re-checks it."""
        return self.answer.certificate

    @property
    def evolution(self) -> Evolution | None:
        """Of a PDE: whether a solution exists, stays bounded, decays; numbers in it are Fractions."""
        return self.answer.evolution

    @property
    def paper(self) -> PaperReading | None:
        """What the rule of Charton, Hayat and Lample 2020 says, where their reading was asked for."""
        return self.answer.paper

    @property
    def dimension(self) -> int | None:
        """Of the controllable (observable) subspace, where that was the question."""
        return self.answer.dimension

    @property
    def abscissa(self) -> tuple[Expr, Expr] | None:
        """Exact bounds (lo, hi) on max Re λ, or on max |λ| in discrete time; ∓oo where unbounded."""
        if self.answer.bounds is None:
            return None
        lo, hi = self.answer.bounds
        return (-oo if lo is None else rational(lo)), (oo if hi is None else rational(hi))

    @property
    def poles(self) -> tuple[tuple[Expr, Rational, int], ...] | None:
        """(centre, radius, multiplicity) of a disc around each eigenvalue, where asked for."""
        if self.answer.poles is None:
            return None
        return tuple(
            (rational(disc.re) + I * rational(disc.im), rational(disc.radius), disc.multiplicity)
            for disc in self.answer.poles
        )

    @property
    def gain(self) -> ImmutableMatrix | None:
        """K for u = −K x (u = −K y): the decimals that the answer prints, exactly; their doubles are proved too."""
        if self.answer.gain is None or self.certificate is None:
            return None
        return to_matrix(self.certificate.claim["gain"].fractions)

    @property
    def closed_loop(self) -> Loop | tuple[Loop, ...] | None:
        """A − B K (A − B K C) in exact numbers; a StateSpace where the question came as a continuous model.

        A tuple where one gain is for several systems, None without a gain.
        """
        question = self.answer.question
        if self.answer.gain is None or self.certificate is None or isinstance(question, LocalQuestion):
            return None
        if not isinstance(question, StaticGainQuestion):
            assert isinstance(question, FeedbackQuestion)  # nothing else has a gain
            return self._closed(question.system, output=False)
        loops = tuple(self._closed(system, output=question.output) for system in question.systems)
        return loops if len(loops) > 1 else loops[0]

    def _closed(self, system: LinearSystem, *, output: bool) -> Loop:
        assert self.certificate is not None
        loop = system.closed_loop(self.certificate.claim["gain"], output=output)
        matrices = [to_matrix(X.fractions) for X in (loop.A, loop.B, loop.C, loop.D) if X is not None]
        return StateSpace(*matrices) if self.is_model and not system.is_discrete else matrices[0]

    def __str__(self) -> str:
        return str(self.answer)

    def __repr__(self) -> str:
        return f"<SympyAnswer {self.status.value}: {self.verdict.value}>"

    def _repr_latex_(self) -> str:
        return self.answer._repr_latex_()
