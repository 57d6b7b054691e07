"""Exact rank, beside the floating-point rank of the Kalman matrix and its wrong answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import hybrid
from hybrid.bench.comparison import Call, Peer, compare
from hybrid.bench.samples import Pair, gaussian_pairs
from hybrid.bench.table import Row


def measure(*, quick: bool) -> list[Row]:
    """Gaussian pairs with one input, and diag(1 … n) with every state driven alike: all of them are controllable."""
    sizes, count = ((4, 14, 20), 5) if quick else ((4, 10, 14, 16, 18, 20), 40)
    diagonals = [Pair(np.diag(np.arange(1.0, n + 1)), np.ones((n, 1))) for n in range(14, 21)]
    return [
        *(row for n in sizes for row in _of_pairs(f"controllability n={n} m=1", gaussian_pairs(n, 1, count), quick)),
        *_of_pairs("controllability diag(1…n), n=14…20", diagonals, quick),
    ]


def _of_pairs(name: str, pairs: Sequence[Pair], quick: bool) -> list[Row]:
    verdicts, confirmed = _truth(pairs)
    return compare(
        name,
        _ours,
        [Peer("control.ctrb, matrix_rank", _kalman_rank, note=_wrong_answers(pairs, verdicts))],
        pairs,
        rounds=3 if quick else 9,
        note=f"{sum(verdicts)} of {len(pairs)} controllable, {confirmed} certificates confirmed",
    )


def _ours(pair: Pair) -> hybrid.Answer:
    return hybrid.controllability(hybrid.LinearSystem(pair.A, pair.B))


def _truth(pairs: Sequence[Pair]) -> tuple[list[bool], int]:
    """Which pairs are controllable, and how many of these verdicts the stand-alone checker confirms."""
    answers = [_ours(pair) for pair in pairs]
    confirmed = sum(a.certificate is not None and hybrid.check(a.certificate).valid for a in answers)
    return [a.status is hybrid.Status.PROVED for a in answers], confirmed


def _wrong_answers(pairs: Sequence[Pair], verdicts: Sequence[bool]) -> str:
    try:
        rank = _kalman_rank()
    except ImportError:
        return ""
    wrong = sum((rank(pair) == len(pair.A)) is not verdict for pair, verdict in zip(pairs, verdicts, strict=True))
    return f"peer wrong on {wrong} of {len(pairs)}"


def _kalman_rank() -> Call[Pair]:
    import control

    return lambda pair: int(np.linalg.matrix_rank(control.ctrb(pair.A, pair.B)))
