"""What a user gets: the pipeline with its certificates, about matrices and about equations; and the oracle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.selftest import oracle
from hybrid.selftest.findings import CODES, Chosen, Findings, doubles
from hybrid.selftest.listed import EquationCase, ListStack, OutputCase, Question
from hybrid.selftest.oracle import STABLE, UNSTABLE, Rows
from hybrid.selftest.stacks import CONTRADICTED, UNDECIDED, MatrixStack
from hybrid.verify.lyapunov import FloatArray

_ROUNDING = Fraction(1, 2**37)
"""Of a point, up to which `locate` takes it for the equilibrium, where |x| ≤ 4."""
_STARTS = 6  # of the search for an output gain: enough for most of these plants


def answers(stack: MatrixStack, rows: Chosen) -> Findings:
    """What a user gets: the pipeline with its certificate, which the stand-alone checker has to accept."""
    ask = {Question.STABILITY: _stability, Question.REACH: _reach, Question.GAIN: _gain}[stack.question]
    found = [ask(stack, i) for i in rows.tolist()]
    return Findings.of([verdict for verdict, _ in found], [bounds for _, bounds in found])


_Found = tuple[int, tuple[float, float]]
_ANYWHERE = (-math.inf, math.inf)


def _stability(stack: MatrixStack, i: int) -> _Found:
    from hybrid import api

    answer = api.stability(stack.system(i))
    if not _is_valid(answer) or not _decay_is_right(stack, i):
        return CONTRADICTED, _ANYWHERE
    return CODES[answer.verdict.value], doubles(*(answer.bounds or (None, None)))


def _decay_is_right(stack: MatrixStack, i: int) -> bool:
    """Where the abscissa is known: the decay that it allows is refused, and a little less is proved."""
    from hybrid import api
    from hybrid.answer import Status

    abscissa = math.nan if stack.abscissa is None else float(stack.abscissa[i])
    if not abscissa < stack.discrete:
        return True
    most = int(stack.discrete) - Fraction(abscissa)
    at, inside = (api.stability(stack.system(i), decay=decay) for decay in (most, most * (1 - Fraction(1, 2**40))))
    return (at.status, inside.status) == (Status.DISPROVED, Status.PROVED) and _is_valid(at) and _is_valid(inside)


def _reach(stack: MatrixStack, i: int) -> _Found:
    from hybrid import api
    from hybrid.answer import Verdict

    whole, rest = api.controllability(stack.system(i)), api.stabilizability(stack.system(i))
    agree = (whole.verdict is Verdict.CONTROLLABLE) == (whole.dimension == stack.n) == (rest.dimension == stack.n)
    if not (agree and _is_valid(whole) and _is_valid(rest)) or whole.dimension is None:
        return CONTRADICTED, _ANYWHERE
    return oracle.reach_code(whole.dimension, rest.verdict is Verdict.STABILIZABLE), _ANYWHERE


def _gain(stack: MatrixStack, i: int) -> _Found:
    """The gain as a proposal: rounded, proved, and then multiplied out by the oracle; and any gain of the solver's."""
    from hybrid import api
    from hybrid.answer import Route
    from hybrid.exact import closed_loop
    from hybrid.propose.proposal import GainProposal
    from hybrid.question import FeedbackQuestion
    from hybrid.verify.gain import stabilised

    assert stack.K is not None
    system, K = stack.system(i), stack.K.floats[i]
    question = FeedbackQuestion.read(system, None, None, 0, None)
    proposal = GainProposal(np.array(K), None, "selftest", Route.EXACT)
    proved = closed_loop.prove_thoroughly(question, proposal)
    given = [] if proved is None else [stabilised(question, proposal, proved)]
    for answer in (*given, api.feedback(system, model=False)):
        if answer.certificate is not None and not _is_valid(answer):
            return CONTRADICTED, _ANYWHERE
        if answer.gain is not None and not _stabilises(stack.case(i).A, stack.case(i).B or [], answer.gain):
            return CONTRADICTED, _ANYWHERE
    same = proved is not None and bool((proved.gain == K).all())
    return (STABLE if same else UNDECIDED), _ANYWHERE


def _stabilises(A: Rows, B: Rows, gain: FloatArray) -> bool:
    """Whether the doubles of a gain, and the decimals that they print as, stabilise."""
    both = [[[kind(x) for x in row] for row in gain.tolist()] for kind in (Fraction, _printed)]
    return all(oracle.verdict(oracle.minus(A, oracle.product(B, K))) == STABLE for K in both)


def _is_valid(answer: Any) -> bool:
    from hybrid.certificate import check

    return answer.certificate is not None and check(answer.certificate).valid


def fractions(stack: MatrixStack, rows: Chosen) -> Findings:
    """The oracle, against the truth by construction."""
    return Findings.of([stack.case(i).truth for i in rows.tolist()])


def output_gain(stack: ListStack, rows: Chosen) -> Findings:
    """A gain of the outputs, multiplied out by the oracle, or the proof that there is none."""
    return Findings.of([_output_gain(case) for case in map(stack.case, rows.tolist()) if isinstance(case, OutputCase)])


def _output_gain(case: OutputCase) -> int:
    from hybrid import api

    answer = api.feedback(case.system, output=True, model=False, starts=_STARTS)
    if answer.certificate is None:
        return UNDECIDED
    if not _is_valid(answer):
        return CONTRADICTED
    if answer.gain is None:
        return UNSTABLE
    fed_back = [[[kind(x) for x in row] for row in answer.gain.tolist()] for kind in (Fraction, _printed)]
    loops = [oracle.minus(case.A, oracle.product(case.B, oracle.product(K, case.C))) for K in fed_back]
    return STABLE if all(oracle.verdict(loop) == STABLE for loop in loops) else CONTRADICTED


def _printed(x: float) -> Fraction:
    """The decimals that a double prints as."""
    return Fraction(repr(x))


def search(stack: ListStack, rows: Chosen) -> Findings:
    """All equilibria in the box by branch and bound; each proved one has to hold just one of those that there are."""
    from hybrid.exact.equilibria import find
    from hybrid.systems.nonlinear import NonlinearSystem

    verdicts = []
    for i in rows.tolist():
        case = stack.case(i)
        assert isinstance(case, EquationCase)
        found = find(NonlinearSystem.from_text(case.text), case.at((-case.bound, case.bound)), limit_boxes=300)
        held = [_held(case.roots, each.box["x"]) for each in found.proved]
        if any(len(roots) != 1 for roots in held) or len({roots[0] for roots in held}) != len(held):
            verdicts.append(CONTRADICTED)
        else:
            verdicts.append(1 + len(held) if found.complete else UNDECIDED)
    return Findings.of(verdicts)


def location(stack: ListStack, rows: Chosen) -> Findings:
    """The equilibrium near a fold by Newton and Krawczyk, and its stability with a certificate."""
    return Findings.of([_located(case) for case in map(stack.case, rows.tolist()) if isinstance(case, EquationCase)])


def _located(case: EquationCase) -> int:
    from hybrid import api
    from hybrid.expressions.source import DomainError
    from hybrid.systems.nonlinear import NonlinearSystem
    from hybrid.verify.equilibrium import locate

    system, (middle, distance, _) = NonlinearSystem.from_text(case.text), case.folds[0]
    verdict = UNDECIDED
    for x in (middle + distance, middle + distance + Fraction(1, 3)):
        try:
            located, answer = locate(system, case.at(x)), api.stability(system, at=case.at(x))
        except DomainError:  # the point is a pole
            continue
        claims = []
        if located.equilibrium is not None:
            claims.append(len(_held(case.roots, located.equilibrium.box["x"])) == 1)
        if located.is_given_point:
            claims.append(bool(_held(case.roots, (x - _ROUNDING, x + _ROUNDING))))
        if answer.certificate is not None:
            claims.append(_is_valid(answer) and answer.verdict.value == _slope(case, x))
        if not all(claims):
            return CONTRADICTED
        verdict = case.truth if claims else verdict
    return verdict


def _slope(case: EquationCase, at: Fraction) -> str:
    """Stable or unstable at the equilibrium nearest to a point: the sign of f on both sides of it."""
    root = min(case.roots, key=lambda r: abs(r - at))
    others = [abs(x - root) for x in (*case.roots, *case.poles) if x != root]
    step = min(others, default=Fraction(1)) / 2
    before, after = case.sign(root - step), case.sign(root + step)
    return {(1, -1): "stable", (-1, 1): "unstable"}.get((before, after), "neither")


def _held(roots: Sequence[Fraction], side: tuple[Fraction, Fraction]) -> list[Fraction]:
    return [root for root in roots if side[0] <= root <= side[1]]
