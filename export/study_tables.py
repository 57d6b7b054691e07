"""The numbers of a study as tables of text: for a terminal, for Markdown, and for the HTML report."""

from __future__ import annotations

from itertools import groupby
from typing import Final, NamedTuple

from .study import Study
from .study_accuracy import TOLERANCES, Accuracy
from .study_tasks import MODELS

NOTHING: Final = "–"
REWRITINGS: Final = "Equivalent rewritings"
CALLED: Final = {"head": "one pass", "jacobian": "by Jacobian", "exact": "exact"}
"""What readings are called in tables."""


class Table(NamedTuple):
    """One table: a title, a sentence that says what it shows, headings, rows of text."""

    title: str
    says: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]


def tables(study: Study) -> list[Table]:
    """Those of the sections that have something to show, in the order of the report."""
    made = (
        accuracy_table(study), tolerance_table(study), rewriting_table(study), neighbour_table(study),
        bin_table(study), size_table(study), probe_table(study),
    )  # fmt: skip
    return [table for table in made if table.rows]


def accuracy_table(study: Study) -> Table:
    """Section 1."""
    says = (
        "Percent right: model alone in one pass and by numpy from the Jacobian that it proposes, against the paper's "
        "label and the proved truth; what the verifier proves from the proposal; what is proved in the end; the exact "
        "route against the label; labels proved wrong, systems undecided. The last columns: the paper's figure, and "
        "the percentage points that the model is ahead, where the labels are distributed as those of the figure."
    )
    headings = (
        "set", "task", "degree", "systems", "yes", "one pass, label", "truth", "by Jacobian, label", "truth",
        "from proposal", "proved", "exact, label", "labels wrong", "undecided", "paper", "one pass ±", "by Jacobian ±",
    )  # fmt: skip
    return Table("Accuracy", says, headings, [_accuracy_row(each) for each in study.accuracy])


def size_table(study: Study) -> Table:
    """Section 5."""
    says = (
        "Percent right by labels of our own generator in double precision, half of them yes; the network that judges "
        "takes up to six states. The ranges of operators are those of stability: n and 2n more than in training."
    )
    readings = [CALLED[reading] for reading in MODELS]
    headings = ("drawing", "task", "degree", "systems", *readings, "paper", *(f"{name} ±" for name in readings))
    rows = [
        (
            each.set, each.task, _degree(each), str(each.count), *(percent(each.against_label[r]) for r in MODELS),
            _figure(each), *(signed(each.lead(r)) for r in MODELS),
        )
        for each in study.sizes
    ]  # fmt: skip
    return Table("Systems unlike the training data", says, headings, rows)


def tolerance_table(study: Study) -> Table:
    """Section 2."""
    says = "Percent of answers within a tolerance of the paper's labels; Jacobians against those in double precision."
    headings = ("set", "task", "by", *(f"{100 * t:.0f} %" for t in TOLERANCES))
    rows = [
        (c.set, c.task, CALLED.get(c.name, c.name), *(percent(share) for share in c.shares)) for c in study.curves
    ]  # fmt: skip
    return Table("Accuracy against the tolerance", says, headings, rows)


def rewriting_table(study: Study) -> Table:
    """Section 3."""
    says = "The same systems in other words: percent right before and after, and percent of answers that are unchanged."
    headings = ("set", "task", "by", "rewriting", "systems", "before", "after", "unchanged")
    rows = [
        (s.set, s.task, CALLED[s.reading], s.rewriting, str(s.count), *map(percent, (s.before, s.right, s.unchanged)))
        for s in study.rewritings
    ]
    return Table(REWRITINGS, says, headings, rows)


def rewriting_summary(study: Study) -> Table:
    """Section 3 over all rewritings, with the one that changes most answers."""
    headings = ("set", "task", "by", "rewritten", "before", "after", "unchanged", "least unchanged")
    rows = []
    for key, some in groupby(study.rewritings, key=lambda score: (score.set, score.task, score.reading)):
        scores = list(some)
        total = sum(score.count for score in scores)
        shares = [
            sum(score.count * share for score, share in zip(scores, part, strict=True)) / total
            for part in zip(*((score.before, score.right, score.unchanged) for score in scores), strict=True)
        ]
        worst = min(scores, key=lambda score: score.unchanged)
        least = f"{percent(worst.unchanged)} ({worst.rewriting})"
        rows.append((key[0], key[1], CALLED[key[2]], str(total), *map(percent, shares), least))
    return Table(REWRITINGS, "", headings, rows)


def neighbour_table(study: Study) -> Table:
    """Section 4, distances."""
    says = (
        "Distance of each system to the nearest of the training systems (Hellinger's, 0 to 1.41): mean and standard "
        "deviation over the systems, spread over the neighbours of one; mean of those answered rightly and wrongly. "
        "Short texts are of few parts, which puts them farther from everything."
    )
    headings = ("set", "task, by", "training systems", "mean", "deviation", "spread", "right", "wrong")
    rows = []
    for each in study.neighbours:
        for i, key in enumerate(each.right or {NOTHING: None}):
            first = (each.set, _key(key), str(each.training))
            numbers = (each.mean, each.deviation, each.spread, each.right.get(key), each.wrong.get(key))
            rows.append((*(first if not i else ("", _key(key), "")), *map(distance, numbers)))
    return Table("Nearest training systems", says, headings, rows)


def bin_table(study: Study) -> Table:
    """Section 4, accuracy by distance."""
    says = "Percent right in fifths of the systems, from the nearest to the training systems to the farthest."
    most = max((len(each.bins) for each in study.neighbours), default=0)
    headings = ("set", "task, by", *(f"fifth {i + 1}" if most == 5 else f"part {i + 1}" for i in range(most)))
    rows = [
        (each.set, _key(key), *(f"{percent(part.shares[key])} ({part.distance:.2f})" for part in each.bins))
        for each in study.neighbours
        for key in each.right
    ]
    rows = [(*row, *[""] * (len(headings) - len(row))) for row in rows]
    return Table("Accuracy by distance to training systems", says, headings, rows)


def probe_table(study: Study) -> Table:
    """Section 6."""
    says = (
        "What a linear map, fitted to one half of the systems, reads from the latent on the other half; beside it the "
        "same from the numbers of each token of the text, and without looking."
    )
    headings = ("set", "quantity", "measure", "latent", "token counts", "no look")
    rows = [
        (p.set, p.quantity, p.measure, *(_score(p.measure, x) for x in (p.latent, p.tokens, p.guess)))
        for p in study.probes
    ]
    return Table("The latent: a map and linear probes", says, headings, rows)


# As text


def as_text(study: Study) -> str:
    """The tables for a terminal, rewritings in short."""
    shown = [rewriting_summary(study) if table.title == REWRITINGS else table for table in tables(study)]
    return "\n\n".join([*map(_plain, shown), "\n".join(remarks(study))])


def as_markdown(study: Study) -> str:
    """The accuracies over all degrees, for a README, and the remarks."""
    table = accuracy_table(study)
    kept = [table.headings, *(row for row in table.rows if row[2] == "all")]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in kept]
    lines.insert(1, "|" + "---|" * len(table.headings))
    return "\n".join(lines) + "\n\n" + "\n".join(remarks(study)) + "\n"


def remarks(study: Study) -> list[str]:
    """Sentences about what the numbers rest on."""
    found = [f"Model: {study.models}."]
    if study.accuracy and all(row.against_label[reading] is None for row in study.accuracy for reading in MODELS):
        found.append("The networks are missing or read none of these systems: columns of the model are empty.")
    if not study.settings.exact:
        found.append("The exact route was not asked (--model-only).")
    repeated = {name: count for name, count in study.repeated.items() if count}
    if repeated:
        said = ", ".join(f"{count} of {name}" for name, count in repeated.items())
        found.append(f"Left out as they stand twice or among the training systems, be it in other words: {said}.")
    if study.seconds:
        times = ", ".join(f"{1e3 * seconds:.0f} ms ({name})" for name, seconds in study.seconds.items())
        found.append(f"Mean time of the exact route for a system: {times}.")
    for name, (proved, asked) in study.gains.items():
        found.append(f"A gain for the system as it is, not scaled, proved: {proved} of {asked} ({name}).")
    commonest = sorted(study.failures.items(), key=lambda pair: -pair[1])[:5]
    found += [f"Undecided, {count} of them: {reason}" for reason, count in commonest]
    return found


def _plain(table: Table) -> str:
    widths = [max(map(len, column)) for column in zip(table.headings, *table.rows, strict=True)]
    words = columns_of_words(table)
    lines = [
        "  ".join(
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, words, strict=True)
        ).rstrip()
        for row in (table.headings, *table.rows)
    ]
    return "\n".join([table.title, *lines])


def columns_of_words(table: Table) -> list[bool]:
    """Which columns hold words, and go to the left."""
    return [
        heading in ("set", "task", "by", "task, by", "rewriting", "drawing", "quantity", "measure")
        for heading in table.headings
    ]


# Cells


def _accuracy_row(row: Accuracy) -> tuple[str, ...]:
    models = [percent(part[r]) for r in MODELS for part in (row.against_label, row.against_truth)]
    proved = None if row.decided is None else row.decided / row.count
    return (
        row.set, row.task, _degree(row), str(row.count), percent(row.yes), *models, percent(row.from_proposal),
        percent(proved),
        percent(row.against_label["exact"]), _number(row.wrong_labels), _number(row.undecided), _figure(row),
        *(signed(row.lead(r)) for r in MODELS),
    )  # fmt: skip


def percent(share: float | None) -> str:
    """One decimal, or a dash.

    >>> percent(0.9712), percent(None)
    ('97.1', '–')
    """
    return NOTHING if share is None else f"{100 * share:.1f}"


def signed(points: float | None) -> str:
    """Percentage points ahead.

    >>> signed(1.26), signed(-3.0), signed(None)
    ('+1.3', '−3.0', '–')
    """
    return NOTHING if points is None else f"{points:+.1f}".replace("-", "−")


def distance(value: float | None) -> str:
    """Three decimals, or a dash."""
    return NOTHING if value is None else f"{value:.3f}"


def _number(value: int | None) -> str:
    return NOTHING if value is None else str(value)


def _degree(row: Accuracy) -> str:
    return "all" if row.degree is None else str(row.degree)


def _figure(row: Accuracy) -> str:
    """In parentheses where the labels are of another distribution."""
    said = NOTHING if row.figure is None else str(row.figure)
    return said if row.comparable or row.figure is None else f"({row.figure.percent:.1f})"


def _key(key: str) -> str:
    task, _, reading = key.rpartition(", ")
    return f"{task}, {CALLED.get(reading, reading)}" if task else key


def _score(measure: str, value: float) -> str:
    return f"{value:.3f}" if measure == "R²" else f"{100 * value:.1f} %"
