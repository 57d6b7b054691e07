"""What screening says of each line, and of all of them."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

REFUSED: Final = "refused"
"""The status of a line that is no system, or of which the question makes no sense."""

STAGES: Final = ("reading", "guess", "proof")

YES: Final = {"stability": "stable", "speed": "stable", "controllability": "controllable"}
"""The verdict that a score of 1 stands for, by question."""


@dataclass(frozen=True)
class Screened:
    """One line of a file, answered.

    Attributes:
        line: its number.
        name: of the system, or "".
        status: "proved", "disproved", "undecided", or "refused".
        verdict: as `hybrid.Verdict` has it: "stable", "unstable", …; "unknown" where nothing was proved.
        route: who found the proof: "model" or "exact"; "" where there is none.
        score: the guess before any proof, from 0 to 1 for yes (stable, or controllable); None where there is none.
        abscissa: proved [lo, hi] around max Re λ, rounded outwards; None where it was not asked for or not bounded.
        paper: what the paper's rules say, where they were asked for: λ to three digits, or 1 for controllable and 0.
        point: the middle of the place that the answer is about, a double for each state and input.
        reason: why the line is undecided or refused.
        certificate: the document, where certificates were asked for.
        seconds: by stage: "reading", "guess" (a share of its batch), "proof".
    """

    line: int
    name: str = ""
    status: str = REFUSED
    verdict: str = "unknown"
    route: str = ""
    score: float | None = None
    abscissa: tuple[float, float] | None = None
    paper: float | None = None
    point: Mapping[str, float] | None = None
    reason: str = ""
    certificate: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def rate(self) -> tuple[float, float] | None:
        """[lo, hi] around the rate of convergence −max Re λ, in 1/s."""
        return None if self.abscissa is None else (-self.abscissa[1], -self.abscissa[0])

    def to_dict(self) -> dict[str, Any]:
        """As `hybrid screen --json` prints it: null where a value is absent or an end unbounded; no certificate."""
        return {
            "line": self.line,
            "name": self.name or None,
            "status": self.status,
            "verdict": self.verdict,
            "route": self.route or None,
            "score": self.score,
            "abscissa": _ends(self.abscissa),
            "rate": _ends(self.rate),
            "paper": self.paper,
            "point": None
            if self.point is None
            else {x: at if math.isfinite(at) else None for x, at in self.point.items()},
            "reason": self.reason or None,
            "seconds": sum(self.seconds.values()),
        }


def _ends(interval: tuple[float, float] | None) -> list[float | None] | None:
    return None if interval is None else [end + 0.0 if math.isfinite(end) else None for end in interval]


@dataclass
class Tally:
    """Counts of a screening, while it runs.

    Attributes:
        ask: the question.
        read: lines that were read; with `find`, more than were proved.
        status, verdict, route, reason: how often each word occurs among the lines that were dealt with.
        right, judged: of the lines with a proved verdict, those that were guessed right, and those with a guess.
        seconds: by stage, summed over the processes.
        wall: since the start.
    """

    ask: str
    read: int = 0
    status: Counter[str] = field(default_factory=Counter)
    verdict: Counter[str] = field(default_factory=Counter)
    route: Counter[str] = field(default_factory=Counter)
    reason: Counter[str] = field(default_factory=Counter)
    right: int = 0
    judged: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    wall: float = 0.0
    _started: float = field(default_factory=time.monotonic)

    def add(self, row: Screened) -> None:
        """Count a line that was dealt with."""
        self.status[row.status] += 1
        if row.status in ("proved", "disproved"):
            self.verdict[row.verdict] += 1
            self.route[row.route] += 1
        else:
            self.reason[_kind(row.reason)] += 1
        if row.score is not None and row.status in ("proved", "disproved"):
            self.judged += 1
            self.right += (row.score > 0.5) is (row.verdict == YES[self.ask])
        self.spend(row.seconds)

    def spend(self, seconds: Mapping[str, float]) -> None:
        """Add seconds by stage."""
        for stage, spent in seconds.items():
            self.seconds[stage] += spent
        self.wall = time.monotonic() - self._started

    def document(self) -> dict[str, Any]:
        """As JSON knows it. Rates are systems a second: of each stage alone on one core, and of the whole run."""
        answered = self.status.total()
        decided = self.status["proved"] + self.status["disproved"]
        return {
            "ask": self.ask,
            "read": self.read,
            "answered": answered,
            "decided": decided,
            "status": dict(self.status.most_common()),
            "verdict": dict(self.verdict.most_common()),
            "route": dict(self.route.most_common()),
            "reason": dict(self.reason.most_common()),
            "guesses": {"judged": self.judged, "right": self.right},
            "seconds": {**self.seconds, "wall": self.wall},
            "systems_per_second": {
                "reading": _per_second(self.read, self.seconds["reading"]),
                "guess": _per_second(self.read, self.seconds["guess"]),
                "proof": _per_second(answered - self.status[REFUSED], self.seconds["proof"]),
                "all": _per_second(self.read, self.wall),
            },
        }


def _kind(reason: str) -> str:
    """A reason without the place: its field and what was expected, so that like reasons count as one."""
    _, got, expected = reason.partition(", expected ")
    return f"expected {expected}" if got else reason


def _per_second(count: int, seconds: float) -> float | None:
    return count / seconds if count and seconds > 0 else None
