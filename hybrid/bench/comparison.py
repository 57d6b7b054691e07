"""Ourselves and our peers, in turns on the same problems."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hybrid.bench.table import Row

Problem = TypeVar("Problem")
Call = Callable[[Problem], object]


@dataclass(frozen=True)
class Target:
    """What was promised: at most `limit` times the peer (unit ×), or `limit` seconds (unit s)."""

    limit: float
    unit: str = "×"

    def __str__(self) -> str:
        return f"≤ {self.limit:g} {self.unit}"

    def is_met(self, seconds: float, ratio: float | None) -> bool | None:
        """Whether it was kept; None where the peer was not measured."""
        measured = seconds if self.unit == "s" else ratio
        return None if measured is None else measured <= self.limit


@dataclass(frozen=True)
class Peer(Generic[Problem]):
    """Somebody else's solver for the same problem.

    Attributes:
        name: of the package and function.
        load: imports what it needs and returns the call; ImportError means that it is not installed.
        target: what was promised beside this peer.
        note: what its answer lacks or gets wrong.
    """

    name: str
    load: Callable[[], Call[Problem]]
    target: Target | None = None
    note: str = ""


@dataclass
class _Tolerant(Generic[Problem]):
    """A peer's call that may raise: the time until then counts, and each problem where it did is kept."""

    call: Call[Problem]
    raised_on: list[Problem] = field(default_factory=list)

    def __call__(self, problem: Problem) -> None:
        try:
            self.call(problem)
        except Exception:  # noqa: BLE001 - a peer raises whatever it likes
            if not any(problem is known for known in self.raised_on):
                self.raised_on.append(problem)


def compare(
    name: str,
    ours: Call[Problem],
    peers: Sequence[Peer[Problem]],
    problems: Sequence[Problem],
    *,
    rounds: int,
    seconds: float = 15.0,
    target: Target | None = None,
    note: str = "",
) -> list[Row]:
    """A row for each peer, or one of our own where there is none.

    Args:
        name: of the job and its size.
        ours: what we do, on one problem.
        peers: whom to measure beside us.
        problems: everybody solves each of them in every round.
        rounds: repetitions, at most.
        seconds: no further round begins after that time.
        target: for our own time, in seconds.
        note: about our answers; stands in the first row.
    """
    calls: list[_Tolerant[Problem] | None] = []
    for peer in peers:
        try:
            calls.append(_Tolerant(peer.load()))
        except ImportError:
            calls.append(None)
    present = [call for call in calls if call is not None]
    own, *others = interleave([ours, *present], problems, rounds=rounds, seconds=seconds)
    if not peers:
        return [_row(name, own, Peer("", lambda: ours, target), None, note)]
    times = iter(others)
    rows: list[Row] = []
    for peer, call in zip(peers, calls, strict=True):
        notes = [note] if not rows else []
        if call is None:
            notes.append("not installed")
        else:
            notes.append(peer.note)
            if call.raised_on:
                notes.append(f"raised on {len(call.raised_on)} of {len(problems)}")
        rows.append(_row(name, own, peer, None if call is None else next(times), "; ".join(filter(None, notes))))
    return rows


def interleave(
    calls: Sequence[Call[Problem]], problems: Sequence[Problem], *, rounds: int, seconds: float
) -> list[float]:
    """Seconds of each call, median over the rounds and mean over the problems.

    Everybody takes a turn on a problem before the next one comes; who begins changes each time. No round begins after
    `seconds`. Each call runs once untimed, for what loads on first use.
    """
    times: list[list[list[float]]] = [[[] for _ in problems] for _ in calls]
    for call in calls:
        call(problems[0])
    started = time.perf_counter()
    gc.disable()
    try:
        for turn in range(rounds):
            for i, problem in enumerate(problems):
                for k in range(len(calls)):
                    contender = (turn + i + k) % len(calls)
                    times[contender][i].append(_timed(calls[contender], problem))
            if time.perf_counter() - started > seconds:
                break
    finally:
        gc.enable()
    return [statistics.fmean(statistics.median(repeated) for repeated in of_call) for of_call in times]


def _timed(call: Call[Problem], problem: Problem) -> float:
    started = time.perf_counter()
    call(problem)
    return time.perf_counter() - started


def _row(name: str, own: float, peer: Peer[Problem], theirs: float | None, note: str) -> Row:
    ratio = None if theirs is None else own / theirs
    return Row(
        name,
        own * 1e6,
        peer.name or None,
        None if theirs is None else theirs * 1e6,
        ratio,
        None if peer.target is None else str(peer.target),
        None if peer.target is None else peer.target.is_met(own, ratio),
        note,
    )
