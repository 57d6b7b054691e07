"""The plots of a study, as SVG text for the HTML report."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .study import Study
from .study_accuracy import TOLERANCES, Accuracy, Curve
from .study_latent import LatentMap
from .study_neighbours import Neighbourhood
from .study_tables import CALLED
from .study_tasks import MODELS, READINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: Final = {"head": "#1f4e79", "jacobian": "#2a9d8f", "exact": "#6a4c93", "paper": "#d1495b"}
_OF_PDES: Final = {"head": "one pass, as the paper labels", "jacobian": "one pass, in truth"}
_ANSWERS: Final = ("#d1495b", "#1f4e79", "#2a9d8f")
_BELOW: Final = {"bbox_to_anchor": (0.5, -0.08), "ncols": 3}
_WIDTH: Final = 4.4
"""Inches of one panel."""

Panel = Callable[["Axes"], None]


def accuracy_plots(study: Study) -> Iterator[tuple[str, str]]:
    """(what, SVG) for each set: accuracy by degree beside the paper's, a panel for each task."""
    for name, rows in _by_set(study.accuracy):
        tasks = list(dict.fromkeys(row.task for row in rows))
        panels = [_accuracy_panel([row for row in rows if row.task == task]) for task in tasks]
        yield f"Accuracy by degree, {name}", _figure(panels)


def tolerance_plots(study: Study) -> Iterator[tuple[str, str]]:
    """For each set with tolerances: a panel for each task."""
    for name, rows in _by_set(study.curves):
        tasks = list(dict.fromkeys(row.task for row in rows))
        yield (
            f"Accuracy against the tolerance, {name}",
            _figure([_tolerance_panel(task, [row for row in rows if row.task == task]) for task in tasks]),
        )


def rewriting_plots(study: Study) -> Iterator[tuple[str, str]]:
    """For each set: answers that stayed right, and the same, by rewriting."""
    for name, rows in _by_set(study.rewritings):
        keys = list(dict.fromkeys((row.task, row.reading) for row in rows))
        panels = [_rewriting_panel(key, [row for row in rows if (row.task, row.reading) == key]) for key in keys]
        yield f"Equivalent rewritings, {name}", _figure(panels, height=3.6)


def neighbour_plots(study: Study) -> Iterator[tuple[str, str]]:
    """For each set: accuracy against the distance to training systems."""
    for each in study.neighbours:
        if each.right:
            yield f"Accuracy by distance to training systems, {each.set}", _figure([_neighbour_panel(each)])


def size_plots(study: Study) -> Iterator[tuple[str, str]]:
    """For each task: the drawings beside each other."""
    for task, rows in groupby(study.sizes, key=lambda row: row.task):
        yield f"Systems unlike the training data, {task}", _figure([_size_panel(list(rows))], width=6.5)


def map_plots(study: Study) -> Iterator[tuple[str, str]]:
    """For each set the plane of its latents."""
    for each in study.maps:
        yield f"Latents, {each.set}", _figure([_map_panel(each)], height=3.8)


def _by_set(rows: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, some in groupby(rows, key=lambda row: row.set):
        yield name, list(some)


# Panels


def _accuracy_panel(rows: Sequence[Accuracy]) -> Panel:
    each = [row for row in rows if row.degree is not None]

    def draw(axes: Axes) -> None:
        degrees = [row.degree for row in each]
        for reading in READINGS:
            name = _OF_PDES.get(reading, CALLED[reading]) if rows[0].task == "pde" else CALLED[reading]
            _line(axes, degrees, [row.against_label[reading] for row in each], COLOURS[reading], name)
        _line(axes, degrees, _of_paper(each), COLOURS["paper"], "paper", "s--")
        overall = rows[0].figure
        if overall is not None and all(row.figure is None for row in each):
            axes.axhline(overall.percent, color=COLOURS["paper"], linestyle="--", label="paper, all degrees")
        axes.set(title=rows[0].task, xlabel="degree", ylabel="right by the paper's labels, %", xticks=degrees)
        _legend(axes)

    return draw


def _of_paper(rows: Sequence[Accuracy]) -> list[float | None]:
    return [None if row.figure is None else row.figure.percent / 100 for row in rows]


def _tolerance_panel(task: str, rows: Sequence[Curve]) -> Panel:
    def draw(axes: Axes) -> None:
        for i, row in enumerate(rows):
            colour = COLOURS.get(row.name, list(COLOURS.values())[i])
            _line(axes, [100 * t for t in TOLERANCES], row.shares, colour, CALLED.get(row.name, row.name))
        axes.invert_xaxis()
        axes.set(title=task, xlabel="tolerance, %", ylabel="right, %")
        _legend(axes)

    return draw


def _rewriting_panel(key: tuple[str, str], rows: Sequence[Any]) -> Panel:
    def draw(axes: Axes) -> None:
        places = np.arange(len(rows))
        bars = (
            ("right before", [row.before for row in rows], "#adb5bd"),
            ("right after", [row.right for row in rows], COLOURS["head"]),
            ("unchanged", [row.unchanged for row in rows], COLOURS["jacobian"]),
        )
        for shift, (name, shares, colour) in zip((-0.27, 0.0, 0.27), bars, strict=True):
            axes.barh(places + shift, [100 * share for share in shares], 0.25, color=colour, label=name)
        axes.set_yticks(places, [row.rewriting for row in rows], fontsize=7)
        axes.invert_yaxis()
        axes.set(title=f"{key[0]}, {CALLED[key[1]]}", xlim=(0, 100))
        _legend(axes, inside=False)

    return draw


def _neighbour_panel(found: Neighbourhood) -> Panel:
    def draw(axes: Axes) -> None:
        for key, style in zip(found.right, ("o-", "s--", "^:", "v-."), strict=False):
            reading = key.rpartition(", ")[2]
            label = key.replace(reading, CALLED[reading])
            shares = [part.shares[key] for part in found.bins]
            _line(axes, [part.distance for part in found.bins], shares, COLOURS[reading], label, style)
        axes.set(title=found.set, xlabel="mean distance to the 10 nearest training systems", ylabel="right, %")
        _legend(axes)

    return draw


def _size_panel(rows: Sequence[Accuracy]) -> Panel:
    def draw(axes: Axes) -> None:
        overall = [row for row in rows if row.degree is None]
        places = np.arange(len(overall))
        bars = [(r, [row.against_label[r] for row in overall]) for r in MODELS] + [("paper", _of_paper(overall))]
        for shift, (who, shares) in zip((-0.27, 0.0, 0.27), bars, strict=True):
            heights = [100 * (share or 0.0) for share in shares]
            drawn = axes.bar(places + shift, heights, 0.25, color=COLOURS[who], label=CALLED.get(who, who))
            axes.bar_label(drawn, [f"{h:.0f}" if h else "" for h in heights], fontsize=7)
        axes.set_xticks(places, [row.set for row in overall], fontsize=7)
        axes.set(title=rows[0].task, ylabel="right, %", ylim=(0, 108))
        _legend(axes, inside=False)

    return draw


def _map_panel(found: LatentMap) -> Panel:
    names = ("no solution", "no decay", "decay") if found.answers.max(initial=0) > 1 else ("no", "yes")

    def draw(axes: Axes) -> None:
        for answer, name in enumerate(names):
            x, y = found.points[found.answers == answer].T
            axes.scatter(x, y, s=7, alpha=0.6, color=_ANSWERS[answer], label=name, linewidths=0)
        axes.set(
            title=f"{found.set}: {100 * found.explained:.0f} % of the variance",
            xlabel="first",
            ylabel="second component",
        )
        _legend(axes)

    return draw


# Drawing


def _line(
    axes: Axes, x: Sequence[Any], shares: Sequence[float | None], colour: str, label: str, style: str = "o-"
) -> None:
    """In percent; what is not known is left out, and what is not known at all is not in the legend."""
    known = [(at, 100 * share) for at, share in zip(x, shares, strict=True) if share is not None]
    if known:
        axes.plot(*zip(*known, strict=True), style, color=colour, label=label, markersize=4, linewidth=1.4)


def _legend(axes: Axes, *, inside: bool = True) -> None:
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, frameon=False, loc="best" if inside else "upper center", **({} if inside else _BELOW))


def _figure(panels: Sequence[Panel], *, width: float = _WIDTH, height: float = 3.1) -> str:
    """One row of panels as SVG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "hybrid", "axes.titlesize": 9, "font.size": 8}):
        figure = Figure(figsize=(width * len(panels), height), layout="constrained")
        FigureCanvasSVG(figure)
        for i, panel in enumerate(panels):
            panel(figure.add_subplot(1, len(panels), i + 1))
        content = io.StringIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    text = content.getvalue()
    return text[text.index("<svg") :]
