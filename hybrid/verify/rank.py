"""Controllability of an enclosed pair: full rank for every matrix in the enclosure."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.certificate import Certificate
from hybrid.precision import working_precision
from hybrid.question import RankQuestion
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.verify.lyapunov import FloatArray

_PRECISION = 256  # bits; the radius of the enclosure, not rounding, limits what can be proved


def decide(question: RankQuestion) -> Answer | None:
    """PROVED if n columns of [B AB … Aⁿ⁻¹B] have a determinant whose enclosure excludes 0; None proves nothing.

    Full rank cannot be refuted for an enclosure: a matrix of lower rank is never isolated.
    """
    pair = question.pair
    return _answer(question, independent_columns(pair.A.floats, require_inputs(pair).floats), Route.EXACT)


def decide_from(question: RankQuestion, A: FloatArray, B: FloatArray) -> Answer | None:
    """PROVED where the columns that look independent for a proposed pair are so for the true, enclosed one.

    The rank of an exact pair needs no witness, so that there is nothing to propose.

    Args:
        question: about the controllability (stabilizability) of the true pair.
        A, B: (n, n), (n, m), from anywhere.
    """
    pair = question.pair
    if not pair.is_enclosed or question.about not in ("controllability", "stabilizability"):
        return None
    if A.shape != pair.A.shape or B.shape != require_inputs(pair).shape:
        return None
    return _answer(question, independent_columns(A, B), Route.MODEL)


def _answer(question: RankQuestion, columns: list[tuple[int, int]] | None, route: Route) -> Answer | None:
    """PROVED by these columns [Aᵏb]; None where they may be dependent."""
    pair = question.pair
    if columns is None or not _minor_is_regular(pair, columns):
        return None
    verdict = {
        "controllability": Verdict.CONTROLLABLE,
        "observability": Verdict.OBSERVABLE,
        "stabilizability": Verdict.STABILIZABLE,
        "detectability": Verdict.DETECTABLE,
    }[question.about]
    claim: dict[str, Any] = {
        "about": question.about,
        "verdict": verdict.value,
        "decay": question.region.decay,
        "dimension": pair.n,
    }
    certificate = Certificate(question.system, claim, "kalman minor", {"columns": [list(c) for c in columns]})
    return Answer(question, Status.PROVED, verdict, route, certificate, dimension=pair.n)


def independent_columns(A: FloatArray, B: FloatArray) -> list[tuple[int, int]] | None:
    """Pairs (power k, input i) whose columns Aᵏ bᵢ look independent, lowest powers first."""
    from scipy.linalg import qr

    n, m = B.shape
    scale = np.abs(A).max() or 1.0
    blocks = [B]
    while len(blocks) < n:
        blocks.append(A @ blocks[-1] / scale)
    kalman = np.hstack(blocks)
    lengths = np.linalg.norm(kalman, axis=0)
    if not np.isfinite(lengths).all():
        return None
    *_, order = qr(kalman / np.where(lengths > 0, lengths, 1.0), mode="economic", pivoting=True)
    return sorted((int(c) // m, int(c) % m) for c in order[:n])


def _minor_is_regular(pair: LinearSystem, columns: list[tuple[int, int]]) -> bool:
    """Whether the determinant of these columns is certainly not zero, for every pair in the enclosure."""
    from flint import arb_mat

    with working_precision(_PRECISION):
        A, block = _balls(pair.A), _balls(require_inputs(pair))
        powers = [block]
        while len(powers) < pair.n:
            powers.append(A * powers[-1])
        minor = arb_mat(pair.n, pair.n, [powers[k][j, i] for j in range(pair.n) for k, i in columns])
        return not minor.det().contains(0)


def _balls(matrix: ExactMatrix) -> Any:
    from flint import arb, arb_mat, fmpq

    rows, columns = matrix.shape
    if matrix.radius is None:
        entries = [arb(fmpq(x.numerator, x.denominator)) for row in matrix.fractions for x in row]
    else:
        pairs = zip(matrix.floats.ravel().tolist(), matrix.radius.ravel().tolist(), strict=True)
        entries = [arb(middle, radius) for middle, radius in pairs]
    return arb_mat(rows, columns, entries)
