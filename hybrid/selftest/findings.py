"""What an engine is, and what it says of the cases that are put to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.selftest.listed import Question
from hybrid.selftest.oracle import MARGINAL, STABLE, UNSTABLE
from hybrid.selftest.stacks import CRASHED, Codes, Stack
from hybrid.verify.lyapunov import FloatArray

Chosen = NDArray[np.intp]
CODES = {"stable": STABLE, "marginal": MARGINAL, "unstable": UNSTABLE}
"""Verdicts in words and as codes."""


@dataclass(frozen=True)
class Findings:
    """What an engine says of k rows.

    Attributes:
        verdict: (k,) as `hybrid.selftest.stacks` has them.
        lower, upper: (k,) doubles with lower ≤ abscissa ≤ upper, infinite where nothing is claimed.
        strict: whether the bounds are claimed to be strict.
    """

    verdict: Codes
    lower: FloatArray
    upper: FloatArray
    strict: bool = False

    @classmethod
    def of(cls, verdicts: Sequence[int], bounds: Sequence[tuple[float, float]] = ()) -> Findings:
        """Verdicts, and bounds of all of them or of none."""
        sides = np.array(bounds or [(-math.inf, math.inf)] * len(verdicts), dtype=np.float64).reshape(-1, 2)
        return cls(np.array(verdicts, dtype=np.int64), sides[:, 0], sides[:, 1])


@dataclass(frozen=True)
class Engine:
    """One way to decide.

    Attributes:
        name: in tables and reproducers.
        questions: those that it answers.
        decide: the rows of a stack → findings.
        share: of the cases, those that are put to it.
        up_to: states up to which all cases are put to it.
    """

    name: str
    questions: tuple[Question, ...]
    decide: Callable[[Any, Chosen], Findings]
    share: float = 1.0
    up_to: int = 0

    def chosen(self, stack: Stack, rng: np.random.Generator) -> Chosen:
        """The rows that are put to it."""
        if stack.question not in self.questions:
            return np.zeros(0, dtype=np.intp)
        if stack.n <= self.up_to or self.share >= 1:
            return np.arange(len(stack))
        return np.flatnonzero(rng.random(len(stack)) < self.share)

    def asked(self, stack: Stack, rows: Chosen) -> Findings:
        """What it decides; an exception is a finding too, of the row that raised it."""
        try:
            return self.decide(stack, rows)
        except ImportError:
            raise
        except Exception:  # noqa: BLE001
            if len(rows) == 1:
                return Findings.of([CRASHED])
        each = [self.asked(stack, rows[i : i + 1]) for i in range(len(rows))]
        return Findings(
            np.concatenate([one.verdict for one in each]),
            np.concatenate([one.lower for one in each]),
            np.concatenate([one.upper for one in each]),
            any(one.strict for one in each),
        )


def doubles(lower: Fraction | None, upper: Fraction | None) -> tuple[float, float]:
    """Bounds rounded outwards."""

    def rounded(x: Fraction, direction: float) -> float:
        try:
            near = float(x)
        except OverflowError:
            near = math.copysign(math.inf, x)
        inside = near > x if direction < 0 else near < x
        return math.nextafter(near, direction) if inside else near

    return (
        -math.inf if lower is None else rounded(lower, -math.inf),
        math.inf if upper is None else rounded(upper, math.inf),
    )
