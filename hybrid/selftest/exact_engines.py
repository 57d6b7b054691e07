"""Exact arithmetic and ball arithmetic."""

from __future__ import annotations

import math
from typing import Any

from hybrid.precision import working_precision
from hybrid.selftest import oracle
from hybrid.selftest.findings import CODES, Chosen, Findings, doubles
from hybrid.selftest.listed import Question
from hybrid.selftest.oracle import STABLE, UNSTABLE
from hybrid.selftest.stacks import UNDECIDED, Matrices, MatrixStack

_BALL_PRECISION = 128  # bits; more would decide more of the cases next to the boundary, and cost more on all
_BOUNDS_OF_EVERY = 8  # rows: the exact bounds cost as much as the verdict


def exact(stack: MatrixStack, rows: Chosen) -> Findings:
    """Routh over Q, and subspaces over Q: what `hybrid.exact` decides."""
    if stack.question is Question.REACH:
        return Findings.of([_exact_reach(stack, i) for i in rows.tolist()])
    from hybrid.exact.closed_loop import spectrum_of
    from hybrid.exact.spectrum import Spectrum

    verdicts, bounds = [], []
    for i in rows.tolist():
        if stack.K is None:
            spectrum = Spectrum.of(stack.A.exact(i), discrete=stack.discrete)
        else:
            spectrum = spectrum_of(stack.system(i), stack.K.exact(i))
        verdicts.append(CODES[spectrum.verdict.value])
        claimed = i % _BOUNDS_OF_EVERY == 0
        bounds.append(doubles(*spectrum.bounds) if claimed else (-math.inf, math.inf))
    return Findings.of(verdicts, bounds)


def _exact_reach(stack: MatrixStack, i: int) -> int:
    from hybrid.exact.subspace import reach

    found = reach(stack.system(i))
    modes = found.unreached(discrete=stack.discrete)
    return oracle.reach_code(found.dimension, modes is None or modes.is_stable)


def balls(stack: MatrixStack, rows: Chosen) -> Findings:
    """Eigenvalue enclosures in Arb, and for pairs the determinant of columns of [B AB …]."""
    from flint import acb_mat

    with working_precision(_BALL_PRECISION):
        if stack.question is Question.REACH:
            return Findings.of([_ball_reach(stack, i) for i in rows.tolist()])
        return Findings.of([_ball_verdict(acb_mat(_ball_loop(stack, i)), stack.discrete) for i in rows.tolist()])


def _ball_loop(stack: MatrixStack, i: int) -> Any:
    A = _ball_matrix(stack.A, i)
    return A if stack.B is None or stack.K is None else A - _ball_matrix(stack.B, i) * _ball_matrix(stack.K, i)


def _ball_matrix(matrices: Matrices, i: int) -> Any:
    from flint import arb, arb_mat, fmpq

    if matrices.rows is None:
        return arb_mat(matrices.floats[i].tolist())
    return arb_mat([[arb(fmpq(x.numerator, x.denominator)) for x in row] for row in matrices.rows[i]])


def _ball_verdict(M: Any, discrete: bool) -> int:
    try:
        values = M.eig(multiple=True)
    except ValueError:  # no enclosure at this precision
        return UNDECIDED
    places = [abs(value) - 1 if discrete else value.real for value in values]
    if all(place < 0 for place in places):
        return STABLE
    return UNSTABLE if any(place > 0 for place in places) else UNDECIDED


def _ball_reach(stack: MatrixStack, i: int) -> int:
    from hybrid.pole_region import Region
    from hybrid.question import RankQuestion
    from hybrid.verify import rank

    answer = rank.decide(RankQuestion(stack.system(i), "controllability", Region()))
    return UNDECIDED if answer is None else oracle.reach_code(stack.n, True)
