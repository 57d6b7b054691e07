"""The models on systems unlike their training data: longer equations, and a degree that training has not seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from .random_systems import DISTRIBUTIONS
from .study_accuracy import Accuracy, accuracies
from .study_cases import draw_set
from .study_figures import OTHER_SIZES, Figure
from .study_proposals import Proposer
from .study_tasks import unproved

DRAWN: Final = {"stability": "stability_bal", "speed": "stability_bal", "control": "control_bal", "gram": "gram"}
"""Kind of file → what is drawn."""
SHOWN: Final = ("stability", "controllability", "feedback stabilises")
"""Tasks whose accuracies are shown."""
LONGER: Final = {"training distribution": 0, "n+3 to 3n+3 operators": 1, "2n+3 to 4n+3 operators": 2}
"""Operators more in each equation, in multiples of the degree; named as the paper counts those of stability."""
LARGER: Final = "one degree more"


def other_sizes(kinds: Iterable[str], proposer: Proposer, count: int, seed: int) -> list[Accuracy]:
    """Accuracies by the labels of our own generator, half of them yes; the set is the name of the drawing.

    Args:
        kinds: of files, see `study_tasks.TASKS`; others than those of `DRAWN` have no drawings.
        proposer: what answers.
        count: systems of each drawing; 0 for none.
        seed: of the drawings.
    """
    found: list[Accuracy] = []
    for drawing in dict.fromkeys(DRAWN[kind] for kind in kinds if kind in DRAWN and count):
        for name, operators in LONGER.items():
            found += _accuracies(name, drawing, proposer, count, seed, operators=operators)
        largest = max(DISTRIBUTIONS[drawing.removesuffix("_bal")].degrees)
        found += _accuracies(LARGER, drawing, proposer, count, seed, degree=largest + 1)
    return found


def _accuracies(
    name: str, drawing: str, proposer: Proposer, count: int, seed: int, *, degree: int | None = None, operators: int = 0
) -> list[Accuracy]:
    cases = draw_set(drawing, count, seed, degree=degree, operators=operators).cases
    rows = accuracies(name, unproved(cases, proposer)) if cases else []
    return [replace(row, figure=_figure(row)) for row in rows if row.task in SHOWN]


def _figure(row: Accuracy) -> Figure | None:
    """The paper has tried this with its stability model alone."""
    percent = OTHER_SIZES[row.set].get(row.degree) if row.task == "stability" else None
    return None if percent is None else Figure(percent, "paper?")
