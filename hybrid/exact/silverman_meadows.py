"""Controllability of a linear system that varies with time, decided at an instant.

D_0 = B, D_(k+1) = dD_k/dt − A D_k. Rank n of [D_0 … D_N] at one instant proves controllability on every interval
around it (Chang 1965; Silverman and Meadows 1967: N = n − 1, A n − 2 and B n − 1 times continuously differentiable).
Where A and B are analytic, rank n of [D_0 … D_(n−1)] at some instant is necessary too; a row p(t) ≠ 0 with p D_k = 0
identically for k < n shows that it is missed at all of them. A rank that is missed at one instant shows nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.answer import Answer, PaperReading, Reason, Route, Status, Verdict
from hybrid.certificate import Certificate, check
from hybrid.exact.independent import independent
from hybrid.exact.series import series, variable, working
from hybrid.exact.vanishing_row import SAMPLES, fitted_row
from hybrid.exact.zero_pattern import unreached, unreached_in_words
from hybrid.expressions.derivatives import jacobian
from hybrid.expressions.evaluate import Program
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.question import TimeVaryingQuestion
from hybrid.systems.time_varying import TimeVaryingSystem

_PRECISIONS = (128, 512, 2048)
_PAPER_TOLERANCE = 1e-6
Block = list[list[Any]]


def decide(question: TimeVaryingQuestion) -> Answer:
    """PROVED by a minor at one of the instants, DISPROVED by a row that the inputs never reach, or UNDECIDED.

    Instants at which a derivative is not defined, or may not be analytic, are passed over.
    """
    answer = _decided(question)
    if not question.complex_values:
        return answer
    label = _rank_by_tolerance(question.system, question.instants)
    holds = None if answer.status is Status.UNDECIDED else answer.status is Status.PROVED
    return replace(answer, paper=PaperReading(label, holds))


def _decided(question: TimeVaryingQuestion) -> Answer:
    system, real = question.system, not question.complex_values
    defined = [instant for instant in question.instants if _blocks(system, instant, 1, _PRECISIONS[0], real)]
    if not defined:
        return _undecided(question, Reason.NOT_ANALYTIC)
    notes = _notes(question, defined)
    states = _unreached(system, defined, real)
    if states:
        shown = {"states": states, "precision": 2 * _PRECISIONS[0]}
        answer = _disproved(question, defined[0], "unreached states", shown, (unreached_in_words(states), *notes))
        if answer is not None:
            return answer
    for precision in _PRECISIONS:
        for instant in defined:
            columns = _regular_columns(system, instant, precision, real)
            if columns is not None:
                return _proved(question, instant, columns, precision, notes)
    row = _row_from_samples(system, defined, real)
    if row is not None:
        shown = {"row": row, "precision": 2 * _PRECISIONS[0]}
        said = f"No input moves p({system.time}) z with p = ({', '.join(row)})."
        answer = _disproved(question, defined[0], "vanishing row", shown, (said, *notes))
        if answer is not None:
            return answer
    return _undecided(question, Reason.RANK_NOT_SHOWN, notes)


def _unreached(system: TimeVaryingSystem, defined: Sequence[Fraction], real: bool) -> list[str]:
    """States that no input leads to by entries which are seen not to be 0 at one of the instants."""
    n, A, B = system.n, [0] * system.n, [0] * system.n
    for instant in defined:
        with working(_PRECISIONS[0], 1):
            rows = _jacobians(system, instant, real) or []
            for i, row in enumerate(rows):
                bits = sum(1 << j for j, entry in enumerate(row) if not entry[0].contains(0))
                A[i], B[i] = A[i] | bits & ((1 << n) - 1), B[i] | bits >> n
    left = unreached(A, B)
    return [name for i, name in enumerate(system.states) if left >> i & 1]


def _row_from_samples(system: TimeVaryingSystem, defined: Sequence[Fraction], real: bool) -> list[str] | None:
    """A row that vanishes at the instants, and at others after the first where they are few; a guess."""
    instants = list(defined[:SAMPLES])
    instants += [instants[0] + Fraction(k, 16) for k in range(1, SAMPLES - len(instants) + 1)]
    seen = [_blocks(system, instant, system.n, _PRECISIONS[0], real) for instant in instants]
    columns = [
        np.array([[complex(entry) for block in blocks for entry in block[j]] for j in range(system.n)])
        for blocks in seen
        if blocks is not None
    ]
    if len(columns) < SAMPLES or any(block.imag.any() for block in columns):
        return None
    return fitted_row(system.time, instants, [block.real for block in columns])


def _blocks(system: TimeVaryingSystem, instant: Fraction, count: int, precision: int, real: bool) -> list[Block] | None:
    """D_0 … D_(count−1) at the instant, in balls; None where A or B is not analytic there."""
    with working(precision, count):
        rows = _jacobians(system, instant, real)
        if rows is None:
            return None
        n = system.n
        A, block = [row[:n] for row in rows], [row[n:] for row in rows]
        blocks = [_constant_terms(block)]
        while len(blocks) < count:
            block = _next(A, block)
            blocks.append(_constant_terms(block))
        return blocks


def _jacobians(system: TimeVaryingSystem, instant: Fraction, real: bool) -> Block | None:
    """[A B] as series at the instant, of the length and precision that are set; None where it is not analytic."""
    arithmetic = series(not real)
    try:
        time = variable(instant)
        point = [Program(tape, arithmetic)([time])[0] for tape in system.curve.values()]
        values = Program(system.rhs, arithmetic).trace([*point, time])
        return jacobian(system.rhs, values, arithmetic, range(system.n + system.m))
    except DomainError:
        return None


def _next(A: Block, block: Block) -> Block:
    """dD/dt − A D."""
    columns = list(zip(*block, strict=True))
    return [
        [entry.derivative() - sum((a * d for a, d in zip(row, column, strict=True)), start=0 * entry)
         for entry, column in zip(entries, columns, strict=True)]
        for row, entries in zip(A, block, strict=True)
    ]  # fmt: skip


def _constant_terms(block: Block) -> Block:
    return [[entry[0] for entry in row] for row in block]


def _regular_columns(
    system: TimeVaryingSystem, instant: Fraction, precision: int, real: bool
) -> list[tuple[int, int]] | None:
    """Pairs (k, input) whose columns of D_0, D_1, … certainly have a determinant that is not zero.

    First of D_0 … D_(n−1); then of twice as many, as the rank of these may be missed at single instants.
    """
    for count in (system.n, 2 * system.n):
        blocks = _blocks(system, instant, count, precision, real)
        if blocks is None:
            return None
        columns = [(k, i) for k in range(count) for i in range(system.m)]
        with working_precision(precision):
            chosen = independent([[row[i] for row in blocks[k]] for k, i in columns], system.n)
        if chosen is not None:
            return [columns[c] for c in chosen]
    return None


def _proved(
    question: TimeVaryingQuestion,
    instant: Fraction,
    columns: list[tuple[int, int]],
    precision: int,
    notes: tuple[str, ...],
) -> Answer:
    n = question.system.n
    claim = _claim(question, instant, Verdict.CONTROLLABLE, n)
    witness = {"columns": [list(column) for column in columns], "precision": 2 * precision}
    certificate = Certificate(question.system, claim, "silverman-meadows minor", witness)
    return Answer(
        question,
        Status.PROVED,
        Verdict.CONTROLLABLE,
        Route.EXACT,
        certificate,
        dimension=n,
        instant=instant,
        notes=notes,
    )


def _disproved(
    question: TimeVaryingQuestion, instant: Fraction, method: str, witness: dict[str, Any], notes: tuple[str, ...]
) -> Answer | None:
    """The answer, if the checker agrees, which proves identities of functions."""
    claim = _claim(question, instant, Verdict.UNCONTROLLABLE, None)
    certificate = Certificate(question.system, claim, method, witness)
    if not check(certificate).valid:
        return None
    return Answer(
        question, Status.DISPROVED, Verdict.UNCONTROLLABLE, Route.EXACT, certificate, instant=instant, notes=notes
    )


def _claim(question: TimeVaryingQuestion, instant: Fraction, verdict: Verdict, dimension: int | None) -> dict[str, Any]:
    return {
        "about": "controllability over time",
        "verdict": verdict.value,
        "point": question.system.point,
        "instant": instant,
        "complex": question.complex_values,
        "dimension": dimension,
    }


def _undecided(question: TimeVaryingQuestion, reason: Reason, notes: tuple[str, ...] = ()) -> Answer:
    return Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, reason=reason, notes=notes)


def _notes(question: TimeVaryingQuestion, instants: list[Fraction]) -> tuple[str, ...]:
    """What is worth knowing: a curve that is no solution."""
    if question.complex_values or not _leaves_the_curve(question.system, instants[0]):
        return ()
    return ("The point is no solution of the equations; this is about the Jacobians along it.",)


def _leaves_the_curve(system: TimeVaryingSystem, instant: Fraction) -> bool:
    """Whether x' − f(x, u, t) is certainly not zero along the curve."""
    arithmetic = series(False)
    with working(_PRECISIONS[0], 2):
        try:
            time = variable(instant)
            point = [Program(tape, arithmetic)([time])[0] for tape in system.curve.values()]
            rates = Program(system.rhs, arithmetic)([*point, time])
        except DomainError:
            return False
        pairs = zip(point, rates, strict=False)
        return any(not (x.derivative()[0] - f[0]).contains(0) for x, f in pairs)


def _rank_by_tolerance(system: TimeVaryingSystem, instants: Sequence[Fraction]) -> int:
    """The rule of the paper's code: N = ⌊2n/m⌋ + 1 blocks, singular values above 1e-6, at any of the instants."""
    for instant in instants:
        blocks = _blocks(system, instant, 2 * system.n // system.m + 1, _PRECISIONS[0], real=False)
        if blocks is None:
            continue
        matrix = np.hstack([np.array([[complex(x) for x in row] for row in block]) for block in blocks])
        if np.isfinite(matrix).all() and np.linalg.matrix_rank(matrix, _PAPER_TOLERANCE) == system.n:
            return 1
    return 0
