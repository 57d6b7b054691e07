"""Attempts at local questions: about a nonlinear system near an equilibrium, or at a point that need be none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hybrid.answer import Answer, Status, Trial
from hybrid.question import LinearQuestion, LocalQuestion
from hybrid.trials import Means, prove_from_jacobian, proved_from
from hybrid.verify import local as verify_local
from hybrid.verify.equilibrium import locate
from hybrid.verify.linearisation import linearise, point_box

from . import Attempts

if TYPE_CHECKING:
    from hybrid.propose.jacobian import JacobianProposal, JacobianProposer

Ask = Callable[[LinearQuestion], Answer]
"""Answers the question about the linear system, by the pipeline from its start."""


def near(question: LocalQuestion, means: Means, trials: list[Trial], ask: Ask) -> Attempts:
    """Prove that there is an equilibrium; then prove from a proposed Jacobian, or ask about the true linear system."""
    found = locate(question.system, question.at)
    place = found.equilibrium
    if place is None or (question.at and not found.is_given_point):
        yield verify_local.not_at_an_equilibrium(question, found)
        return
    linear = linearise(question.system, place.point if place.exact else place.box, exact=place.exact)
    asked, point, notes = question.ask(linear), place.box, verify_local.notes(found)
    if means.jacobian is not None:
        middle = {name: (lower + upper) / 2 for name, (lower, upper) in point.items()}
        proposed = prove_from_jacobian(question.system, middle, means.jacobian, partial(proved_from, asked), trials)
        answer = None if proposed is None else verify_local.conclude(question, linear, proposed, point, notes)
        yield None if answer is None or answer.status is Status.UNDECIDED else answer
    yield verify_local.conclude(question, linear, ask(asked), point, notes)


def at_point(question: LocalQuestion, means: Means, trials: list[Trial], ask: Ask) -> Attempts:
    """Ask about the Jacobian at the point that was given, whether the system rests there or not."""
    if means.jacobian is not None:
        yield _proposed_at_point(question, means.jacobian, trials)
    yield _in_balls(question, ask)
    at = question.at or {}
    point = point_box(question.system, at)
    is_exact = all(lower == upper for lower, upper in point.values())
    linear = linearise(question.system, at if is_exact else point, exact=is_exact)
    yield verify_local.conclude(question, linear, ask(question.ask(linear)), point, ())


def _proposed_at_point(question: LocalQuestion, reader: JacobianProposer, trials: list[Trial]) -> Answer | None:
    """A proof taken from a proposed Jacobian, where it holds for the true one; values may be complex."""
    from hybrid.exact import point_answers

    def verify(proposal: JacobianProposal) -> Answer | None:
        return point_answers.decide_from(question, proposal.jacobian)

    point = dict.fromkeys(question.system.inputs, 0) | dict(question.at or {})
    return prove_from_jacobian(question.system, point, reader, verify, trials)


def _in_balls(question: LocalQuestion, ask: Ask) -> Answer | None:
    """The Jacobian in balls, as narrow as the question needs; exact where it is rational."""
    from hybrid.exact import point_answers

    found = point_answers.decide(question)
    if found is None or isinstance(found, Answer):
        return found
    linear = found.rational()
    point = point_box(question.system, question.at or {})
    answer = verify_local.conclude(question, linear, ask(question.ask(linear)), point, ())
    return point_answers.conclude(question, found, answer)
