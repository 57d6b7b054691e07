"""What the paper and its repository report, to be set beside our own numbers."""

from __future__ import annotations

from typing import Final, NamedTuple


class Figure(NamedTuple):
    """One published figure.

    Attributes:
        percent: of systems answered rightly by the paper's rule.
        source: "README" of the paper's repository; "paper" where the number was recalled from its text with
            confidence, "paper?" where it may be off and has to be looked up before it is quoted.
    """

    percent: float
    source: str

    def __str__(self) -> str:
        return f"{self.percent:.1f} ({self.source})"


OVERALL: Final = {
    "stability": Figure(97.1, "README"),
    "speed": Figure(87.4, "README"),
    "controllability": Figure(97.4, "README"),
    "controllability in time": Figure(99.6, "README"),
    "feedback entries": Figure(24.5, "README"),
    "feedback stabilises": Figure(63.5, "README"),
    "pde": Figure(98.6, "README"),
}
"""By task, over all degrees; models retrained in 2021, 10 000 held-out systems each."""

BY_DEGREE: Final = {
    "stability": dict(zip(range(2, 6), (98.2, 97.3, 95.9, 94.1), strict=True)),
    "feedback stabilises": dict(zip(range(3, 7), (87.5, 77.4, 58.0, 41.5), strict=True)),
    "pde": dict(zip(range(2, 7), (99.4, 98.9, 98.7, 98.0, 96.9), strict=True)),
}
"""By task and degree, from the text of the paper; of its first models, which do a little worse or better overall."""

_RECALLED = {"stability": "paper", "feedback stabilises": "paper?", "pde": "paper?"}

EXPECTED_YES: Final = {
    "stability": (0.35, 0.65),
    "speed": (0.0, 0.2),
    "controllability": (0.35, 0.65),
    "controllability in time": (0.7, 0.95),
}
"""Shares of yes among the labels on which the figures were measured; with others they are no yardstick."""

OTHER_SIZES: Final = {
    "training distribution": {None: 96.4, 2: 98.4, 3: 97.3, 4: 95.9, 5: 94.1},
    "n+3 to 3n+3 operators": {None: 89.5, 2: 96.5, 3: 92.6, 4: 90.0, 5: 77.9},
    "2n+3 to 4n+3 operators": {None: 79.3, 2: 93.3, 3: 88.3, 4: 73.4, 5: 58.2},
    "one degree more": {None: 78.7, 6: 78.7},
}
"""Of the paper's stability model on systems unlike its training data, by degree (None: all): all "paper?"."""


def figure(task: str, degree: int | None = None) -> Figure | None:
    """The published figure of a task, for one degree or for all of them.

    >>> str(figure("speed")), str(figure("stability", 5)), figure("speed", 3)
    ('87.4 (README)', '94.1 (paper)', None)
    """
    if degree is None:
        return OVERALL.get(task)
    percent = BY_DEGREE.get(task, {}).get(degree)
    return None if percent is None else Figure(percent, _RECALLED[task])


def is_comparable(task: str, yes: float | None) -> bool:
    """Whether labels with such a share of yes are like those of the published figure.

    >>> is_comparable("stability", 0.05), is_comparable("stability", 0.5), is_comparable("pde", None)
    (False, True, True)
    """
    low, high = EXPECTED_YES.get(task, (0.0, 1.0))
    return yes is None or low <= yes <= high
