"""What comes back for a stack of systems: arrays with a row for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.answer import Answer, Status, Verdict
from hybrid.batch.stacks import BoolArray, Boundary, FloatArray, Stack
from hybrid.certificate import Certificate
from hybrid.errors import ProblemError
from hybrid.systems.linear import LinearSystem
from hybrid.verify.gain import decimals

Words = NDArray[np.str_]

ERROR = "error"
"""The status of a row that is no system."""


@dataclass(frozen=True, eq=False, repr=False)
class BatchAnswer:
    """The outcome of one question for N systems, as arrays; words are those of `hybrid.Status` and `hybrid.Verdict`.

    Attributes:
        about: "stability", "controllability" or "feedback".
        status: (N,) "proved", "disproved", "undecided", or "error" for a row that is no system.
        verdict: (N,) "stable", "controllable", "stabilised", …; "unknown" where undecided.
        route: (N,) who found it: "model", "model+refined", "doubling", "descent", "matrix sign", "modular rank", and
            "exact" for a row that was answered by itself; "" where nothing was found.
        reason: (N,) texts: why a row is undecided or an error, "" elsewhere.
        gain: (N, m, n) K for u = −K x, (N, m, p) for u = −K y, the doubles that were proved; NaN where there is none.
        lyapunov: (N, n, n) P that proves the row; NaN where something else does.
        direction: (N, n) x with xᵀPx < 0 where the row is proved unstable by P; NaN elsewhere.
        stack, boundary, structure: what was asked.
        answers: row → the answer of a row that was answered by itself.
        seconds: route → time spent on it, on rows that it did not settle too.

    >>> import numpy as np
    >>> import hybrid.batch
    >>> found = hybrid.batch.stability(np.array([[[-1.0]], [[2.0]], [[np.nan]]]))
    >>> found.status.tolist()
    ['proved', 'disproved', 'error']
    >>> found
    <BatchAnswer stability of 3 systems: 1 proved, 1 disproved, 1 error>
    >>> import hybrid
    >>> hybrid.check(found.certificate(1)).valid
    True
    """

    about: str
    status: Words
    verdict: Words
    route: Words
    reason: NDArray[np.object_]
    gain: FloatArray | None
    lyapunov: FloatArray | None
    direction: FloatArray | None
    stack: Stack
    boundary: Boundary
    structure: BoolArray | None = None
    answers: Mapping[int, Answer] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        words = ", ".join(f"{count} {word}" for word, count in _counts(self.status).items())
        return f"<BatchAnswer {self.about} of {len(self)} systems: {words or 'none'}>"

    def system(self, i: int) -> LinearSystem:
        """The system of row i; in discrete time with a sample time of 1.

        Raises:
            ProblemError: the row is an error row.
            IndexError: there is no such row.
        """
        i = range(len(self))[i]
        if i in self.stack.errors:
            raise ProblemError("row", i, f"a row that is a system; {self.stack.errors[i]}")
        return self.stack.system(i, self.boundary.dt)

    def certificate(self, i: int) -> Certificate | None:
        """The certificate of row i, which `hybrid.check` re-checks; None for an undecided row and an error row.

        Raises:
            IndexError: there is no such row.
        """
        i = range(len(self))[i]
        if i in self.answers:
            return self.answers[i].certificate
        if self.status[i] not in (Status.PROVED.value, Status.DISPROVED.value):
            return None
        claim = {"about": self.about, "verdict": str(self.verdict[i]), "decay": self.boundary.region.decay}
        if self.about == "controllability":
            from hybrid.batch.kernels.modular import PRIME

            claim["dimension"] = self.stack.A.shape[1]
            return Certificate(self.system(i), claim, "modular rank", {"prime": str(PRIME)})
        return Certificate(self.system(i), claim | self._bounds(i), "lyapunov", self._witness(i))

    def _bounds(self, i: int) -> dict[str, Any]:
        """What a claim about a spectrum says beside its verdict."""
        proved = self.status[i] == Status.PROVED.value
        limit = Fraction(self.boundary.inside if proved else self.boundary.outside)
        claim: dict[str, Any] = {"damping": Fraction(0), "abscissa": (None, limit) if proved else (limit, None)}
        if self.gain is None:
            return claim | {"in_region": bool(proved)}
        claim |= {"output": True} if self.stack.C.shape[1] else {}
        claim |= {} if self.structure is None else {"structure": self.structure.astype(int).tolist()}
        return claim | {"gain": decimals(self.gain[i])}

    def _witness(self, i: int) -> dict[str, Any]:
        assert self.lyapunov is not None
        if self.status[i] == Status.PROVED.value:
            return {"upper": {"P": self.lyapunov[i]}, "lower": None}
        assert self.direction is not None
        return {"upper": None, "lower": {"P": self.lyapunov[i], "x": self.direction[i]}}

    def summary(self) -> dict[str, Any]:
        """Counts by status, verdict and route, and the seconds spent on each route, as JSON knows them."""
        return {
            "about": self.about,
            "count": len(self),
            "status": _counts(self.status),
            "verdict": _counts(self.verdict),
            "route": _counts(self.route[self.route != ""]),
            "seconds": dict(self.seconds),
        }

    def to_dict(self) -> dict[str, Any]:
        """The summary and every row, as JSON knows them; matrices that are not there are None."""
        columns = {"status": self.status, "verdict": self.verdict, "route": self.route, "reason": self.reason}
        by_row = zip(*(column.tolist() for column in columns.values()), strict=True)
        rows: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in by_row]
        for name, stack in (("gain", self.gain), ("lyapunov", self.lyapunov), ("direction", self.direction)):
            if stack is not None:
                for row, matrix in zip(rows, stack, strict=True):
                    row[name] = matrix.tolist() if np.isfinite(matrix).all() else None
        return self.summary() | {"rows": rows}


def _counts(words: Words) -> dict[str, int]:
    """How often each word occurs, in the order of `hybrid.Status` and `hybrid.Verdict` where it is one of them."""
    order = [word.value for word in (*Status, *Verdict)]
    found, counts = np.unique(words, return_counts=True)
    counted = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return {word: counted[word] for word in sorted(counted, key=lambda w: (order.index(w) if w in order else 99, w))}
