"""Pole placement with enclosed poles, beside control.place and its unstable closed loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

import hybrid
from hybrid.bench.comparison import Call, Peer, compare
from hybrid.bench.samples import FloatArray, Pair, gaussian_pairs
from hybrid.bench.table import Row


def measure(*, quick: bool) -> list[Row]:
    """Poles −1 … −n for Gaussian pairs, and for diag(1 … 14) with one input."""
    count = 2 if quick else 10
    diagonal = Pair(np.diag(np.arange(1.0, 15.0)), np.ones((14, 1)))
    return [
        *_of_pairs("placement n=4 m=1", gaussian_pairs(4, 1, count), quick),
        *_of_pairs("placement n=6 m=2", gaussian_pairs(6, 2, count), quick),
        *_of_pairs("placement n=10 m=3", gaussian_pairs(10, 3, count), quick),
        *_of_pairs("placement diag(1…14)", [diagonal], quick),
    ]


def _of_pairs(name: str, pairs: Sequence[Pair], quick: bool) -> list[Row]:
    answers = [_ours(pair) for pair in pairs]
    proved = sum(answer.status is hybrid.Status.PROVED for answer in answers)
    return compare(
        name,
        _ours,
        [
            Peer("control.place", _control_place, note=_failures(_control_place, pairs)),
            Peer("ctrlsys sb01bd", _sb01bd, note=_failures(_sb01bd, pairs)),
        ],
        pairs,
        rounds=2 if quick else 9,
        note=f"{proved} of {len(pairs)} proved",
    )


def _ours(pair: Pair) -> hybrid.Answer:
    poles = [-k for k in range(1, len(pair.A) + 1)]
    return hybrid.feedback(hybrid.LinearSystem(pair.A, pair.B), poles=poles)


def _failures(load: Callable[[], Call[Pair]], pairs: Sequence[Pair]) -> str:
    """How many of a peer's closed loops are not stable, decided exactly."""
    try:
        place = load()
    except ImportError:
        return ""
    failed = sum(not _stabilises(place, pair) for pair in pairs)
    return f"{failed} of {len(pairs)} closed loops not Hurwitz"


def _stabilises(place: Call[Pair], pair: Pair) -> bool:
    try:
        gain = place(pair)
    except (ValueError, ArithmeticError):
        return False
    closed = hybrid.LinearSystem(pair.A, pair.B).closed_loop(gain)
    return hybrid.stability(closed).status is hybrid.Status.PROVED


def _control_place() -> Call[Pair]:
    import control

    return lambda pair: control.place(pair.A, pair.B, -np.arange(1.0, len(pair.A) + 1))


def _sb01bd() -> Call[Pair]:
    import ctrlsys

    def gain(pair: Pair) -> FloatArray:
        n, m = pair.B.shape
        A, B = (np.array(x, order="F") for x in pair)
        result = ctrlsys.sb01bd("C", n, m, n, -1e300, A, B, -np.arange(1.0, n + 1), np.zeros(n), 0.0)
        return -np.asarray(result[6])

    return gain
