"""The campaign: families in turn, every engine on each stack, and the first disagreement ends it."""

from __future__ import annotations

import importlib.util
import multiprocessing
import queue
import signal
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.errors import ProblemError
from hybrid.selftest.engines import ENGINES
from hybrid.selftest.families import FAMILIES
from hybrid.selftest.findings import Chosen, Engine, Findings
from hybrid.selftest.minimise import is_wrong, minimised, reproducer, save
from hybrid.selftest.stacks import UNDECIDED, Stack, worded

_ROUNDS = 4
"""Turns of all families, at the least, where a number of cases is given."""
_PATIENCE = 5.0  # seconds without news from a process before it is looked after


@dataclass
class Tally:
    """What a campaign has done so far.

    Attributes:
        seed: that it started from.
        cases: by family.
        asked, decided: by family and engine.
        seconds: of work; of several processes, the longest.
        wrong: disagreements.
        reproducer: the file of the first one.
    """

    seed: int
    cases: Counter[str] = field(default_factory=Counter)
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    decided: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0
    wrong: int = 0
    reproducer: str | None = None

    @property
    def total(self) -> int:
        """Cases in all."""
        return self.cases.total()

    def add(self, other: Tally) -> None:
        """Count what another process did."""
        self.cases += other.cases
        self.asked += other.asked
        self.decided += other.decided
        self.seconds = max(self.seconds, other.seconds)
        self.wrong += other.wrong
        self.reproducer = self.reproducer or other.reproducer

    def document(self) -> dict[str, Any]:
        """As --json prints it."""
        return {
            "wrong": self.wrong,
            "cases": self.total,
            "seconds": self.seconds,
            "seed": self.seed,
            "reproducer": self.reproducer,
            "families": {
                family: {"cases": count, "decided": self._decided_by(family)} for family, count in self.cases.items()
            },
        }

    def _decided_by(self, family: str) -> dict[str, Any]:
        return {
            engine: {"asked": count, "decided": self.decided[family, engine]}
            for (of, engine), count in self.asked.items()
            if of == family
        }


def engines_here() -> tuple[Engine, ...]:
    """The engines that this installation has: without numba there is no compiled one."""
    compiled = importlib.util.find_spec("numba") is not None
    return tuple(engine for engine in ENGINES if compiled or engine.name != "compiled proof")


def chosen_families(names: Iterable[str]) -> tuple[str, ...]:
    """The families of these names, all of them where there are none.

    Raises:
        ProblemError: there is no such family.

    >>> chosen_families(["weather"])
    Traceback (most recent call last):
    ...
    hybrid.errors.ProblemError: family: got weather, expected one of integer similarity, rational similarity, one ulp,
    large plants, tiny spectra, tiny beside large, Jordan blocks, clustered companions, Kahan, Wilkinson, huge entries,
    subnormals, less than an ulp, Hamiltonian, gyroscopic, unit circle, small integers, uncontrollable,
    barely controllable, barely stabilising, output gains, folds and poles, PDE symbols
    """
    wanted = list(names)
    for name in wanted:
        if name not in FAMILIES:
            raise ProblemError("family", name, f"one of {', '.join(FAMILIES)}")
    return tuple(name for name in FAMILIES if name in wanted or not wanted)


def run(
    seed: int,
    names: Sequence[str] = (),
    *,
    seconds: float | None = None,
    cases: int | None = None,
    folder: Path = Path(),
    engines: Sequence[Engine] | None = None,
) -> Iterator[Tally]:
    """Draw stacks of each family in turn and put them to every engine; yields the tally after each stack.

    It ends after so many seconds or cases, or at the first disagreement, which is minimised and saved. The cases depend
    on the seed alone.

    Args:
        seed: of all draws.
        names: of families; all of them where there are none.
        seconds, cases: when to end, whichever comes first; with neither it goes on until it is stopped.
        folder: for the reproducer of a disagreement.
        engines: other than those of this installation.

    Raises:
        ProblemError: there is no such family.
    """
    families, asked = chosen_families(names), engines_here() if engines is None else tuple(engines)
    tally, started, turn = Tally(seed), time.monotonic(), 0
    while True:
        for name in families:
            family, size = FAMILIES[name], FAMILIES[name].size
            if cases is not None:
                size = min(size, -(-cases // (_ROUNDS * len(families))), cases - tally.total)
            place = (seed, zlib.crc32(name.encode()), turn)  # whatever other families there are
            stack = family.draw(np.random.default_rng(place), size)
            disagreement = _put_to(asked, stack, np.random.default_rng((*place, 1)), tally)
            if disagreement is not None:
                origin = {"family": name, "seed": seed, "round": turn, "stack": size}
                tally.reproducer = str(_kept(stack, *disagreement, asked, origin, folder))
            tally.seconds = time.monotonic() - started
            yield tally
            out_of_time = seconds is not None and tally.seconds >= seconds
            if disagreement is not None or out_of_time or (cases is not None and tally.total >= cases):
                return
        turn += 1


def _put_to(
    engines: Sequence[Engine], stack: Stack, rng: np.random.Generator, tally: Tally
) -> tuple[Engine, int] | None:
    """Count what each engine decides; the first one that is wrong, and where."""
    first = None
    tally.cases[stack.family] += len(stack)
    for engine in engines:
        rows = engine.chosen(stack, rng)
        if not rows.size:
            continue
        found = engine.asked(stack, rows)
        tally.asked[stack.family, engine.name] += len(rows)
        tally.decided[stack.family, engine.name] += int(np.count_nonzero(found.verdict != UNDECIDED))
        wrong = rows[false_findings(stack, rows, found)]
        tally.wrong += len(wrong)
        if len(wrong) and first is None:
            first = engine, int(wrong[0])
    return first


def false_findings(stack: Stack, rows: Chosen, found: Findings) -> Any:
    """Which findings the truth contradicts: since it is known of every case, engines that differ cannot both pass."""
    false = (found.verdict != UNDECIDED) & (found.verdict != stack.truth[rows])
    if stack.abscissa is None:
        return false
    abscissa = stack.abscissa[rows]
    with np.errstate(invalid="ignore"):  # comparisons with NaN, where the abscissa is not known, are False
        outside = (found.lower > abscissa) | (found.upper < abscissa)
        touching = (found.lower == abscissa) | (found.upper == abscissa)
    return false | outside | (touching & found.strict)


def _kept(
    stack: Stack, engine: Engine, row: int, engines: Sequence[Engine], origin: dict[str, Any], folder: Path
) -> Path:
    """Minimise a row on which an engine is wrong, and save it with what all engines say of it."""
    original = stack.case(row)
    small = minimised(original, lambda case: is_wrong(case, engine, stack.family))
    truth = worded(stack.question, int(stack.truth[row]))
    return save(reproducer(small, original, engines, origin | {"row": row, "by construction": truth}), folder)


def run_in_processes(
    jobs: int, seed: int, names: Sequence[str], seconds: float | None, cases: int | None, folder: Path
) -> Iterator[Tally]:
    """The campaign in several processes, with the seeds that follow `seed`; yields their common tally.

    Raises:
        ChildProcessError: one of them came to an end that is none, as when the system runs out of memory.
    """
    context = multiprocessing.get_context("spawn")
    news: Any = context.Queue()
    share = None if cases is None else -(-cases // jobs)
    workers = [
        context.Process(target=_work, args=(news, seed + k, names, seconds, share, folder), daemon=True)
        for k in range(jobs)
    ]
    for worker in workers:
        worker.start()
    latest: dict[int, Tally] = {}
    running = {seed + k: worker for k, worker in enumerate(workers)}
    try:
        while running:
            try:
                tally, finished = news.get(timeout=_PATIENCE)
            except queue.Empty:
                for lost in [k for k, worker in running.items() if not worker.is_alive()]:
                    raise ChildProcessError(f"the process with seed {lost} ended by itself") from None
                continue
            latest[tally.seed] = tally
            if finished:
                del running[tally.seed]
            whole = Tally(seed)
            for each in latest.values():
                whole.add(each)
            yield whole
            if finished and whole.wrong:
                return
    finally:
        for worker in workers:
            worker.terminate()


def _work(news: Any, seed: int, names: Sequence[str], seconds: float | None, cases: int | None, folder: Path) -> None:
    """One of several processes; Ctrl-C is for the one that started them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tally = Tally(seed)
    for tally in run(seed, names, seconds=seconds, cases=cases, folder=folder):
        news.put((tally, False))
    news.put((tally, True))
