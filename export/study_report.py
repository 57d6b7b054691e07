"""The study as one HTML file that needs no other: tables, and plots as inline SVG."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Final

from . import study_plots, study_tables
from .study import Study
from .study_tables import NOTHING, Table

LONG: Final = 60
"""Rows, beyond which a table is folded."""
_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 96rem; padding: 0 1rem; color: #1b1b1b; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
p { max-width: 60rem; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 2px 8px; text-align: right; border-bottom: 1px solid #e5e5e5; white-space: nowrap; }
th { vertical-align: bottom; white-space: normal; background: #f5f5f5; } .word { text-align: left; }
tr.all td { font-weight: 600; } .better { color: #1a7f37; } .worse { color: #b3261e; }
figure { display: inline-block; vertical-align: top; margin: 1rem 1.5rem 1rem 0; }
details { margin: 0.5rem 0; } svg { max-width: 100%; height: auto; } figcaption { font-size: 13px; color: #555; }
"""

_INTRODUCTION: Final = (
    "The tasks of “Deep Differential System Stability” (Charton, Hayat, Lample, arXiv 2006.06462). “One pass” is what "
    "a network answers, “by Jacobian” what numpy computes from the Jacobian that a network read from the equations. "
    "For a feedback matrix, “one pass” is the network that proposes LQR gains, given that Jacobian; for a PDE, it is "
    "what the paper would say, and “by Jacobian” what is true, with a frequency where the solution grows. Nothing of "
    "this is proved; the exact route is. Published figures marked README are of the paper's repository; “paper” and "
    "“paper?” were recalled from its text, the latter without confidence."
)


def as_html(study: Study) -> str:
    """The report."""
    sections = "\n".join(_sections(study))
    remarks = "".join(f"<li>{html.escape(each)}</li>" for each in study_tables.remarks(study))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Reading equations</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>Reading equations: the study</h1>\n"
        f"<p>{html.escape(_INTRODUCTION)}</p>\n<ul>{remarks}</ul>\n{sections}\n</body></html>\n"
    )


def _sections(study: Study) -> Iterator[str]:
    """Each table under its title, with its plots; what there is nothing of is left out."""
    made = (
        (study_tables.accuracy_table, study_plots.accuracy_plots),
        (study_tables.tolerance_table, study_plots.tolerance_plots),
        (study_tables.rewriting_table, study_plots.rewriting_plots),
        (study_tables.neighbour_table, study_plots.neighbour_plots),
        (study_tables.bin_table, None),
        (study_tables.size_table, study_plots.size_plots),
        (study_tables.probe_table, study_plots.map_plots),
    )
    for table_of, plots_of in made:
        table = table_of(study)
        plots = "" if plots_of is None else "".join(_plot(*plot) for plot in plots_of(study))
        if table.rows or plots:
            yield f"<h2>{html.escape(table.title)}</h2>\n<p>{html.escape(table.says)}</p>\n{plots}\n{_table(table)}"


def _plot(caption: str, svg: str) -> str:
    said = html.escape(caption)
    return f'<figure role="img" aria-label="{said}">{svg}<figcaption>{said}</figcaption></figure>\n'


def _table(table: Table) -> str:
    words = study_tables.columns_of_words(table)
    head = "".join(_cell("th", text, word) for text, word in zip(table.headings, words, strict=True))
    rows = []
    for row in table.rows:
        cells = "".join(_cell("td", text, word) for text, word in zip(row, words, strict=True))
        rows.append(f'<tr class="all">{cells}</tr>' if "all" in row else f"<tr>{cells}</tr>")
    drawn = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    return drawn if len(rows) <= LONG else f"<details><summary>{len(rows)} rows</summary>{drawn}</details>"


def _cell(tag: str, text: str, word: bool) -> str:
    mark = "better" if text[:1] == "+" else "worse" if text[:1] == "−" and text != NOTHING else ""
    kinds = " ".join(kind for kind in ("word" if word else "", mark) if kind)
    return f"<{tag}" + (f' class="{kinds}"' if kinds else "") + f">{html.escape(text)}</{tag}>"
