"""The rows of a batch while they are being answered: what is settled, and which are left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from hybrid.answer import Answer, Status, Verdict
from hybrid.batch.answers import ERROR, BatchAnswer
from hybrid.batch.stacks import BoolArray, Boundary, FloatArray, Stack
from hybrid.errors import HybridError
from hybrid.systems.linear import LinearSystem

Indices = NDArray[np.intp]

_LONGEST = 24  # letters of a status, verdict or route
_STACKED_UP_TO = 64  # states: beyond, the kernels' own loops cost more than LAPACK's one by one


class Rows:
    """Rows of a batch: each is settled once, by the first route that proves something about it.

    Args:
        about: the question, as certificates call it.
        stack: the systems.
        boundary: of the region asked about.
        inputs: of the gain; None where no gain is asked for.
        structure: where entries of the gain are free; None: everywhere.
        by_lyapunov: whether a matrix P proves a row.
    """

    def __init__(
        self,
        about: str,
        stack: Stack,
        boundary: Boundary,
        *,
        inputs: int | None = None,
        structure: BoolArray | None = None,
        by_lyapunov: bool = True,
    ) -> None:
        count, n = stack.A.shape[:2]
        self.about, self.stack, self.boundary, self.structure = about, stack, boundary, structure
        self.status = np.full(count, Status.UNDECIDED.value, dtype=f"<U{_LONGEST}")
        self.verdict = np.full(count, Verdict.UNKNOWN.value, dtype=f"<U{_LONGEST}")
        self.route = np.full(count, "", dtype=f"<U{_LONGEST}")
        self.reason = np.full(count, "", dtype=object)
        self.gain = None if inputs is None else np.full((count, inputs, stack.C.shape[1] or n), np.nan)
        self.lyapunov = np.full((count, n, n), np.nan) if by_lyapunov else None
        self.direction = np.full((count, n), np.nan) if by_lyapunov and inputs is None else None
        self.answers: dict[int, Answer] = {}
        self.seconds: dict[str, float] = {}
        is_system = np.ones(count, dtype=bool)
        for row, reason in stack.errors.items():
            self.status[row], self.reason[row], is_system[row] = ERROR, reason, False
        self.left: Indices = np.flatnonzero(is_system)

    @property
    def worth_stacking(self) -> bool:
        """Whether rows are left, and small enough for the kernels, if there are any."""
        from hybrid.batch.kernels import compile

        return len(self.left) > 0 and self.stack.A.shape[1] <= _STACKED_UP_TO and compile.ENABLED

    def pairs(self) -> tuple[FloatArray, FloatArray]:
        """A and B of the rows that are left."""
        if len(self.left) == len(self.status):
            return self.stack.A, self.stack.B
        return self.stack.A[self.left], self.stack.B[self.left]

    def triples(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """A, B, C of the rows that are left; C = I where no outputs were given."""
        C = self.stack.C[self.left]
        if not C.shape[1]:
            C = np.zeros((len(C), C.shape[2], C.shape[2])) + np.eye(C.shape[2])
        return *self.pairs(), C

    def systems(self) -> Iterator[LinearSystem]:
        """The rows that are left, one by one."""
        for row in self.left.tolist():
            yield self.stack.system(row, self.boundary.dt)

    def settle(
        self,
        proved: NDArray[np.bool_],
        status: Status,
        verdict: Verdict,
        route: str,
        *,
        gain: FloatArray | None = None,
        lyapunov: FloatArray | None = None,
        direction: FloatArray | None = None,
    ) -> NDArray[np.bool_]:
        """Record what was proved of the rows that are left, of all of which the arguments speak; which remain."""
        rows = self.left[proved]
        self.status[rows], self.verdict[rows], self.route[rows] = status.value, verdict.value, route
        for kept, found in ((self.gain, gain), (self.lyapunov, lyapunov), (self.direction, direction)):
            if kept is not None and found is not None:
                kept[rows] = found[proved]
        self.left = self.left[~proved]
        return ~proved

    @contextmanager
    def timed(self, route: str) -> Iterator[None]:
        """Add the time until the end of the block to a route."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[route] = self.seconds.get(route, 0.0) + time.perf_counter() - started

    def one_by_one(self, ask: Callable[[LinearSystem], Answer]) -> None:
        """Answer the rows that are left by themselves."""
        for row, system in zip(self.left.tolist(), self.systems(), strict=True):
            try:
                answer = ask(system)
            except HybridError as error:
                self.status[row], self.reason[row] = ERROR, str(error)
                continue
            self.answers[row] = answer
            self.status[row], self.verdict[row] = answer.status.value, answer.verdict.value
            self.route[row] = answer.route.value if answer.status is not Status.UNDECIDED else ""
            self.reason[row] = "" if answer.reason is None else answer.reason.value
            if self.gain is not None and answer.gain is not None:
                self.gain[row] = answer.gain
        self.left = self.left[:0]

    def freeze(self) -> BatchAnswer:
        """The answer; its arrays can be read and not written."""
        arrays = (self.status, self.verdict, self.route, self.reason, self.gain, self.lyapunov, self.direction)
        for array in (*arrays, self.stack.A, self.stack.B, self.stack.C):
            if array is not None:
                array.setflags(write=False)
        asked = self.stack, self.boundary, self.structure
        return BatchAnswer(self.about, *arrays, *asked, self.answers, self.seconds)
