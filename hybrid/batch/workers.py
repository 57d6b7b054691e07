"""Processes that work on batches in turn: rows come back in order, and a row that takes too long costs only itself."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, Final

from hybrid.errors import HybridError, ModelError

GRACE: Final = 60.0
"""Seconds beyond the time for one row until the first word about a batch: a process has to start, and to read."""
_NO_START: Final = (
    "a process of the screening ended before it began; a script that starts several needs if __name__ == '__main__'"
)
_WAITING: Final = 2  # batches under way for each process, so that none is idle while an early one is slow

Rows = Iterator[Any]
Work = Callable[[Sequence[Any]], Rows]
"""Takes the items of a batch; gives one word when they are read, then a row for each."""


def rows_here(start: Callable[[], Work], batches: Iterable[Sequence[Any]]) -> Rows:
    """The rows of batches, worked on in this process.

    Args:
        start: makes what does the work.
        batches: of items.
    """
    work = start()
    for batch in batches:
        rows = work(batch)
        next(rows)
        yield from rows


def rows_in_order(
    start: Callable[[], Work],
    batches: Iterable[Sequence[Any]],
    jobs: int,
    timeout: float | None,
    lost: Callable[[Any, bool], Any],
) -> Rows:
    """The rows of batches, in their order, from several processes.

    A process whose row takes longer than `timeout`, or that comes to an end by itself, is replaced, and goes on behind
    that row. Ctrl-C is for this process alone.

    Args:
        start: makes what does the work; it is sent to each process.
        batches: of items; taken as they are needed.
        jobs: processes.
        timeout: seconds for a row; None for no limit.
        lost: the row for an item whose process was stopped (then with True) or came to an end (False).

    Raises:
        ModelError: in a process, a model file could not be used.
        ChildProcessError: a process ended before it began.
        RuntimeError: whatever else was raised in a process.
    """
    crew = _Crew(start, timeout, lost)
    tasks: deque[_Task] = deque()
    source = iter(batches)
    exhausted = False
    try:
        while tasks or not exhausted:
            while not exhausted and len(tasks) < _WAITING * jobs:
                batch = next(source, None)
                exhausted = batch is None
                if batch is not None:
                    tasks.append(_Task(list(batch)))
            crew.work(tasks, jobs)
            while tasks and (tasks[0].rows or tasks[0].is_done):
                yield from tasks[0].take()
                if tasks[0].is_done:
                    tasks.popleft()
    finally:
        crew.end()


@dataclass(eq=False)
class _Task:
    """A batch under way: its items that have no row yet, and rows that nobody has taken yet."""

    items: list[Any]
    rows: deque[Any] = field(default_factory=deque)
    is_given: bool = False

    @property
    def is_done(self) -> bool:
        return not self.items and not self.rows

    def receive(self, row: Any) -> None:
        """The row of the first item that has none."""
        self.items.pop(0)
        self.rows.append(row)

    def take(self) -> Rows:
        while self.rows:
            yield self.rows.popleft()


class _Worker:
    """A process, the connection to it, and the batch that it works on."""

    def __init__(self, start: Callable[[], Work]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, start), daemon=True)
        with _interrupts_ignored():
            self.process.start()
        other.close()
        self.task: _Task | None = None
        self.deadline = float("inf")
        self.has_started = False

    def give(self, task: _Task, timeout: float | None) -> None:
        self.task, task.is_given = task, True
        self.extend(None if timeout is None else timeout + GRACE)
        self.connection.send(task.items)

    def extend(self, seconds: float | None) -> None:
        self.deadline = float("inf") if seconds is None else time.monotonic() + seconds

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


class _Crew:
    """The processes, started when there is work for them."""

    def __init__(self, start: Callable[[], Work], timeout: float | None, lost: Callable[[Any, bool], Any]) -> None:
        self.start, self.timeout, self.lost = start, timeout, lost
        self.workers: list[_Worker] = []

    def work(self, tasks: Iterable[_Task], jobs: int) -> None:
        """Give batches to idle processes, then wait for news from any."""
        waiting = deque(task for task in tasks if not task.is_given)
        while waiting and (idle := self._idle(jobs)) is not None:
            try:
                idle.give(waiting[0], self.timeout)
            except OSError:  # it ended while it was idle
                self._dismiss(idle)
                waiting[0].is_given = False
                continue
            waiting.popleft()
        busy = {worker.connection: worker for worker in self.workers if worker.task is not None}
        if not busy:
            return
        patience = min(worker.deadline for worker in busy.values()) - time.monotonic()
        for connection in wait(list(busy), None if patience == float("inf") else max(0.0, patience)):
            self._hear(busy[connection])  # type: ignore[index]  # they are all connections
        for worker in [each for each in self.workers if each.deadline < time.monotonic()]:
            self._give_up(worker, timeout=True)

    def end(self) -> None:
        """Stop all of them."""
        for worker in self.workers:
            worker.end()
        self.workers.clear()

    def _idle(self, jobs: int) -> _Worker | None:
        """A process without work, a new one where there may be more."""
        for worker in self.workers:
            if worker.task is None:
                return worker
        if len(self.workers) >= jobs:
            return None
        self.workers.append(_Worker(self.start))
        return self.workers[-1]

    def _hear(self, worker: _Worker) -> None:
        """One message: the batch is read, a row, or an exception."""
        task = worker.task
        assert task is not None
        try:
            kind, content = worker.connection.recv()
        except (EOFError, OSError):
            self._give_up(worker, timeout=False)
            return
        if kind == "raised":
            ours, name, sentence = content
            raise ModelError(sentence) if ours else RuntimeError(f"{name}: {sentence}")
        worker.has_started = True
        if kind == "row":
            task.receive(content)
        if kind != "ready":
            worker.extend(self.timeout)
        if not task.items:
            worker.task, worker.deadline = None, float("inf")

    def _give_up(self, worker: _Worker, *, timeout: bool) -> None:
        """End a process; the row that it was at is lost, the rest of its batch goes to another one."""
        task = worker.task
        self._dismiss(worker)
        if not worker.has_started and not timeout:
            raise ChildProcessError(_NO_START)
        if task is not None:
            task.receive(self.lost(task.items[0], timeout))
            task.is_given = not task.items

    def _dismiss(self, worker: _Worker) -> None:
        self.workers.remove(worker)
        worker.end()


def _serve(connection: Any, start: Callable[[], Work]) -> None:
    """What a process does until its connection closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work = start()
        connection.send(("ready", None))
        while True:
            rows = work(connection.recv())
            connection.send(("read", next(rows)))
            for row in rows:
                connection.send(("row", row))
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:  # noqa: BLE001 - raised where it is heard
        connection.send(("raised", (isinstance(error, HybridError), type(error).__name__, str(error))))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """A process that starts here ignores Ctrl-C from its first instant on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
