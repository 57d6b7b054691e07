"""Stacks of systems, every row proved, beside loops over solvers that prove nothing and numpy's stacked eigenvalues.

All times are for one system: of a stack for us, of a loop over its first systems for those who take one at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import hybrid
import hybrid.batch
from hybrid.batch import BatchAnswer
from hybrid.bench.comparison import Call, Peer, Target, interleave
from hybrid.bench.feedback import lqr_peers
from hybrid.bench.samples import FloatArray, Pair, gaussian_pairs, shifted_to_stable
from hybrid.bench.table import Row
from hybrid.propose.gain import shipped

_INPUTS = 2
_SIZES = (4, 6, 8, 10)
_TARGETS_AT = 6  # states
_LOOP_TARGETS = {"ctrlsys sb02md": 1 / 8, "control.lqr": 1 / 20, "scipy solve_continuous_are": 1 / 100}
_CHECKED = 20  # certificates of each stack that the stand-alone checker sees


@dataclass(frozen=True)
class _Contender:
    """Somebody's call, the number of systems that it works on, and what was promised beside it."""

    name: str
    call: Call[Pair]
    count: int
    target: Target | None = None
    note: str = ""


def measure(*, quick: bool) -> list[Row]:
    """Gaussian stacks; stable ones are shifted."""
    count = 2000 if quick else 10_000
    return [
        *(row for n in _SIZES for row in _feedback(n, count, quick)),
        *(row for kind in ("stable", "unstable", "mixed") for row in _stability(_TARGETS_AT, kind, count, quick)),
        *(row for n in _SIZES if n != _TARGETS_AT for row in _stability(n, "mixed", count, quick)),
        *_controllability(_TARGETS_AT, count, quick),
    ]


def _stack(pairs: Sequence[Pair]) -> Pair:
    return Pair(np.stack([pair.A for pair in pairs]), np.stack([pair.B for pair in pairs]))


def _feedback(n: int, count: int, quick: bool) -> list[Row]:
    stack = _stack(gaussian_pairs(n, _INPUTS, count))
    contenders = _looped(lqr_peers(), count // 50, _LOOP_TARGETS if n == _TARGETS_AT else {})
    own = _Contender("", _feedback_by_doubling, count)
    name, note = f"batch feedback n={n} m={_INPUTS}", _told(_feedback_by_doubling, stack)
    rows = _rows(name, own, contenders, stack, quick, note)
    if shipped().accepts(n, _INPUTS):
        model = _Contender("", _feedback_by_model, count)
        without = _Contender("ours, no model", _feedback_by_doubling, count, Target(1) if n >= _TARGETS_AT else None)
        note = _routes(_warmed_up(_feedback_by_model, stack))
        rows += _rows(f"{name}, model first", model, [without], stack, quick, note)
    return rows


def _feedback_by_doubling(pair: Pair) -> BatchAnswer:
    return hybrid.batch.feedback(*pair, model=False)


def _feedback_by_model(pair: Pair) -> BatchAnswer:
    return hybrid.batch.feedback(*pair, model="always")


def _stability_of_first(pair: Pair) -> BatchAnswer:
    return hybrid.batch.stability(pair.A)


def _stability_by_model(pair: Pair) -> BatchAnswer:
    return hybrid.batch.stability(pair.A, model=True)


def _controllability_of_both(pair: Pair) -> BatchAnswer:
    return hybrid.batch.controllability(*pair)


def _stability(n: int, kind: str, count: int, quick: bool) -> list[Row]:
    A = _stack(gaussian_pairs(n, 0, count)).A
    if kind != "unstable":
        A = np.stack([shifted_to_stable(a) if kind == "stable" or i % 2 else a for i, a in enumerate(A)])
    stack = Pair(A, A[:, :, :0])
    eigenvalues = _Contender(
        "numpy eigvals, stacked",
        lambda pair: np.linalg.eigvals(pair.A),
        count,
        Target(1) if n == _TARGETS_AT else None,
        "no proof",
    )
    own = _Contender("", _stability_of_first, count)
    name, note = f"batch stability n={n}, {kind}", _told(_stability_of_first, stack)
    rows = _rows(name, own, [eigenvalues], stack, quick, note)
    if kind == "stable":
        model = _Contender("", _stability_by_model, count)
        without = _Contender("ours, no model", _stability_of_first, count)
        note = _routes(_warmed_up(_stability_by_model, stack))
        rows += _rows(f"{name}, model first", model, [without], stack, quick, note)
    return rows


def _controllability(n: int, count: int, quick: bool) -> list[Row]:
    stack = _stack(gaussian_pairs(n, _INPUTS, count))
    rank = _Contender("numpy matrix_rank, stacked", _kalman_ranks, count, note="no proof")
    own = _Contender("", _controllability_of_both, count)
    note = _told(_controllability_of_both, stack)
    return _rows(f"batch controllability n={n} m={_INPUTS}", own, [rank], stack, quick, note)


def _kalman_ranks(pair: Pair) -> FloatArray:
    blocks = [pair.B]
    while len(blocks) < pair.A.shape[1]:
        blocks.append(pair.A @ blocks[-1])
    return np.asarray(np.linalg.matrix_rank(np.concatenate(blocks, axis=2)))


def _looped(peers: Sequence[Peer[Pair]], count: int, targets: dict[str, float]) -> list[_Contender]:
    """Solvers for one system, in a loop; those that are not installed are left out."""
    found = []
    for peer in peers:
        try:
            call = peer.load()
        except ImportError:
            continue
        limit = next((limit for name, limit in targets.items() if peer.name.startswith(name)), None)
        target = None if limit is None else Target(limit)
        found.append(_Contender(f"{peer.name}, loop", _over_rows(call, count), count, target, peer.note))
    return found


def _over_rows(call: Call[Pair], count: int) -> Callable[[Pair], None]:
    def loop(stack: Pair) -> None:
        for A, B in zip(stack.A[:count], stack.B[:count], strict=True):
            call(Pair(A, B))

    return loop


def _rows(
    name: str, own: _Contender, contenders: Sequence[_Contender], stack: Pair, quick: bool, note: str
) -> list[Row]:
    calls = [own.call, *(contender.call for contender in contenders)]
    times = interleave(calls, [stack], rounds=3 if quick else 9, seconds=60.0)
    ours, *theirs = (time / each.count * 1e6 for time, each in zip(times, [own, *contenders], strict=True))
    rows: list[Row] = []
    for contender, time in zip(contenders, theirs, strict=True):
        ratio, target = ours / time, contender.target
        met = None if target is None else target.is_met(ours, ratio)
        told = "; ".join(filter(None, (note if not rows else "", contender.note)))
        rows.append(Row(name, ours, contender.name, time, ratio, None if target is None else str(target), met, told))
    return rows


def _warmed_up(ask: Callable[[Pair], BatchAnswer], stack: Pair) -> BatchAnswer:
    """The answer without the time that compiling takes."""
    ask(Pair(stack.A[:1], stack.B[:1]))
    return ask(stack)


def _told(ask: Callable[[Pair], BatchAnswer], stack: Pair) -> str:
    """What a batch came to, and how many of its certificates the stand-alone checker confirms."""
    found = _warmed_up(ask, stack)
    certificates = [found.certificate(i) for i in range(min(_CHECKED, len(found)))]
    confirmed = sum(c is not None and hybrid.check(c).valid for c in certificates)
    counts = ", ".join(f"{count} {status}" for status, count in found.summary()["status"].items())
    return f"{counts}; {_routes(found)}; {confirmed} of {len(certificates)} certificates confirmed"


def _routes(found: BatchAnswer) -> str:
    """Rows that each route settled, and its time for each row of the batch."""
    counts, seconds = found.summary()["route"], found.seconds
    return ", ".join(f"{route} {count} ({seconds[route] / len(found) * 1e6:.1f} µs)" for route, count in counts.items())
