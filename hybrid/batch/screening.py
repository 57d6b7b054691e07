"""Screening: many systems of equations, a network's word on each, and a proof of each or of those that matter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from hybrid.batch.lines import Line, lines_of
from hybrid.batch.screened import REFUSED, YES, Screened, Tally
from hybrid.batch.screeners import BATCH, Guess, Screener, Screening, lost
from hybrid.batch.workers import Work, rows_here, rows_in_order
from hybrid.errors import HybridError, ProblemError
from hybrid.propose.jacobian import EquationNetwork

FINDABLE: Final = {
    "stability": ("stable", "unstable"),
    "speed": ("stable", "unstable"),
    "controllability": ("controllable", "uncontrollable"),
}
"""What can be looked for, by question: first what a score of 1 stands for, then the opposite."""

GUESSES: Final = ("network", "derivative", "none")
"""Who guesses before the proofs."""

_STEP: Final = 4  # guessed lines to a batch of proofs: a count is reached without many more
Progress = Callable[[str, int], None]


class Screen(Iterator[Screened]):
    """The lines that are dealt with, as they come; see `screen`.

    Attributes:
        tally: counts up to now.
    """

    def __init__(self, rows: Iterator[Screened], tally: Tally) -> None:
        self._rows, self.tally = rows, tally

    def __next__(self) -> Screened:
        row = next(self._rows)
        self.tally.add(row)
        return row

    def close(self) -> None:
        """End it, and the processes that work for it."""
        self._rows.close()  # type: ignore[attr-defined]  # it is a generator

    def summary(self) -> dict[str, Any]:
        """Counts by status, verdict, route and reason, agreement with the network, seconds and rates, up to now."""
        return self.tally.document()


def screen(
    systems: str | os.PathLike[str] | BinaryIO | Iterable[Any],
    ask: str = "stability",
    *,
    at: Mapping[str, Any] | None = None,
    at_all: Any = None,
    at_point: bool = False,
    paper: bool = False,
    inputs: Iterable[str] = (),
    time: str | None = None,
    find: str | None = None,
    count: int | None = None,
    guess: str = "network",
    model: str | os.PathLike[str] | None = None,
    model_first: bool | None = None,
    jobs: int = 1,
    timeout: float | None = None,
    certificates: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> Screen:
    """Ask one question about every system of a file or list, with proofs.

    Lines are read 64 at a time; a network that reads equations guesses about each, and the pipeline proves. No guess
    decides anything: with other weights the verdicts are the same; `score`, `route`, how tight `abscissa` is and, with
    `find`, the order may differ.
    A line that is no system is refused with a sentence, and the others go on.

    With `find`, all lines are guessed about before anything is proved, the likeliest are proved first, and it ends
    after `count` of them: to look for what is rare. What comes are the refused lines, and those that were found.

    Args:
        systems: the path of a file, a binary file, or texts, mappings, NonlinearSystem and TokenSystem one by one.
            A line is a text of equations, or a JSON object as `hybrid.read` takes it, or one of the paper's files.
        ask: "stability"; "speed", the same with tight bounds on the rate; or "controllability".
        at: a value for some variables by name, whatever the line says.
        at_all: a value for all others. Without either the line says; without that the origin is meant: the
            equilibrium near it, or with `at_point` the origin itself.
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        paper: ask as Charton, Hayat and Lample 2020 do, see `hybrid.stability`.
        inputs: which symbols of text are inputs.
        time: which symbol of text is time, for controllability over time.
        find: the verdict that is looked for: "stable", "unstable", "controllable", "uncontrollable".
        count: how many of them, from 1; None for all.
        guess: "network"; "derivative", automatic differentiation and eigenvalues in doubles; or "none".
        model: the folder with the network's files, in place of the shipped ones.
        model_first: whether to take each proof from the network's Jacobian where it holds for the true one (route
            model). None: where that costs nothing, as measured: at a point, not at an equilibrium. Never for a speed.
        jobs: processes, 1 for this one. A script that starts several needs `if __name__ == "__main__"`.
        timeout: seconds for each proof, then the line is undecided; needs a process of its own, also for one job.
        certificates: hand back each certificate's document.
        strict: raise on the first line that is refused.
        progress: is told "read" or "proved" and how many lines were, now and then.

    Returns:
        An iterator of `Screened`, in the order of the lines (with `find`, of likelihood), that also has `summary()`.

    Raises:
        ProblemError: an option makes no sense, or the file cannot be read.
        HybridError: a line is refused, and `strict`.
        ModelError: `model` holds no network, or (later) a damaged one.

    >>> import hybrid.batch
    >>> rows = hybrid.batch.screen(["x' = -x", "x' = y; y' = x", "x' = !"], guess="none")
    >>> [(row.line, row.status, row.verdict) for row in rows]
    [(1, 'proved', 'stable'), (2, 'disproved', 'unstable'), (3, 'refused', 'unknown')]
    >>> rows.summary()["verdict"]
    {'stable': 1, 'unstable': 1}
    """
    if ask not in YES:
        raise ProblemError("ask", ask, f"one of {', '.join(YES)}")
    if find is not None and find not in FINDABLE[ask]:
        raise ProblemError("find", find, f"one of {', '.join(FINDABLE[ask])}")
    if count is not None and find is None:
        raise ProblemError("count", count, "nothing without find, which says what is counted")
    for field, number in (("count", 1 if count is None else count), ("jobs", jobs)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ProblemError(field, number, "a whole number of 1 or more")
    if timeout is not None and not timeout > 0:
        raise ProblemError("timeout", timeout, "a positive number of seconds")
    if guess not in GUESSES:
        raise ProblemError("guess", guess, f"one of {', '.join(GUESSES)}")
    if guess != "network" and (model is not None or model_first):
        raise ProblemError("guess", guess, "network, where a model is named or asked for proofs")
    folder = None if model is None else os.fspath(model)
    if folder is not None:
        EquationNetwork(folder)  # raises where there is none
    first = guess == "network" and (at_point or paper) if model_first is None else model_first
    screening = Screening(ask, at, at_all, at_point, paper, tuple(inputs), time, guess, folder, first, certificates)
    tally = Tally(ask)
    run = _Run(screening, jobs, timeout, tally, progress)
    rows = run.all(systems) if find is None else run.find(systems, find, count)
    return Screen(_strictly(rows) if strict else rows, tally)


class _Run:
    """One screening on its way."""

    def __init__(
        self, screening: Screening, jobs: int, timeout: float | None, tally: Tally, progress: Progress | None
    ) -> None:
        self.screening, self.jobs, self.timeout = screening, jobs, timeout
        self.tally, self.progress = tally, progress

    def all(self, systems: Any) -> Iterator[Screened]:
        """Each line, read and proved."""
        with ExitStack() as stack:
            for done, row in enumerate(self._rows("screen", _batched(_lines(systems, stack), BATCH)), 1):
                self.tally.read += 1
                self._tell("proved", done)
                yield row

    def find(self, systems: Any, verdict: str, count: int | None) -> Iterator[Screened]:
        """Refused lines, then those with the verdict, the likeliest first."""
        guesses: list[Guess] = []
        with ExitStack() as stack:
            for found in self._rows("guess", _batched(_lines(systems, stack), BATCH)):
                self.tally.read += 1
                self._tell("read", self.tally.read)
                if isinstance(found, Screened):  # its process was stopped
                    yield found
                elif found.refused:
                    yield Screened(found.line.number, reason=found.refused, seconds=found.seconds)
                else:
                    self.tally.spend(found.seconds)
                    guesses.append(found._replace(seconds={}))
        guesses.sort(key=partial(_unlikeliness, FINDABLE[self.screening.ask].index(verdict) == 0))
        hits = 0
        for done, row in enumerate(self._rows("prove", _batched(guesses, _STEP)), 1):
            self._tell("proved", done)
            if row.verdict == verdict or row.status == REFUSED:
                yield row
                hits += row.verdict == verdict
            else:
                self.tally.add(row)
            if hits == count:
                return

    def _rows(self, how: str, batches: Iterable[list[Any]]) -> Iterator[Any]:
        start = partial(_start, self.screening, how)
        if self.jobs == 1 and self.timeout is None:
            yield from rows_here(start, batches)
        else:
            yield from rows_in_order(start, batches, self.jobs, self.timeout, _lost)

    def _tell(self, stage: str, count: int) -> None:
        if self.progress is not None:
            self.progress(stage, count)


def _start(screening: Screening, how: str) -> Work:
    work: Work = getattr(Screener(screening), how)
    return work


def _lost(item: Line | Guess, timeout: bool) -> Screened | Guess:
    return lost(item, timeout=timeout)


def _unlikeliness(wants_yes: bool, guess: Guess) -> tuple[float, int]:
    """Lines without a guess come in the middle, as nothing is known of them; ties keep their order."""
    score = 0.5 if guess.score is None else guess.score
    return (-score if wants_yes else score), guess.line.number


def _strictly(rows: Iterator[Screened]) -> Iterator[Screened]:
    for row in rows:
        if row.status == REFUSED:
            raise HybridError(row.reason)
        yield row


def _lines(systems: Any, stack: ExitStack) -> Iterator[Line]:
    """The lines of a file, which the stack closes, or the entries of a list."""
    if isinstance(systems, str | os.PathLike):
        path = Path(systems)
        try:
            if path.is_dir():
                raise ProblemError(str(path), "a directory", "a file of equations, one system a line")
            systems = stack.enter_context(path.open("rb"))
        except (OSError, ValueError) as error:
            if isinstance(error, ProblemError):
                raise
            said = getattr(error, "strerror", None) or str(error)
            raise ProblemError(str(path), said.lower(), "a readable file of equations, one system a line") from None
    if hasattr(systems, "readline"):
        return lines_of(systems)
    return (Line(number, content) for number, content in enumerate(systems, 1))


def _batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
