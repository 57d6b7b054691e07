"""The rows of a benchmark, as text and as Markdown."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_HEADINGS = ("job", "ours", "peer", "theirs", "ours/theirs", "target", "", "note")
_LEFT, _RIGHT = str.ljust, str.rjust
_ALIGNMENT = (_LEFT, _RIGHT, _LEFT, _RIGHT, _RIGHT, _LEFT, _LEFT, _LEFT)
_PEERS = ("numpy", "scipy", "control", "slycot", "ctrlsys", "python-flint")
_UNITS = ((1e6, "s"), (1e3, "ms"), (1.0, "µs"))


@dataclass(frozen=True)
class Row:
    """One problem, our time and a peer's; None is what was not measured."""

    name: str
    ours_us: float | None = None
    peer: str | None = None
    peer_us: float | None = None
    ratio: float | None = None
    target: str | None = None
    met: bool | None = None
    note: str = ""


def as_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of `hybrid.bench.run` as an aligned table; below it the targets missed and how it was measured.

    >>> from dataclasses import asdict
    >>> row = Row("stability n=4", 60.0, "Arb", 300.0, 0.2, "≤ 0.5 ×", True, "53 bits")
    >>> print(as_text([asdict(row)]).splitlines()[1])
    stability n=4  60.0 µs  Arb   300 µs        0.200  ≤ 0.5 ×  met  53 bits
    """
    cells = _lines_of_cells(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        "  ".join(align(cell, width) for align, cell, width in zip(_ALIGNMENT, line, widths, strict=True)).rstrip()
        for line in cells
    )
    return "\n".join([*lines, "", targets(rows), conditions()])


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of `hybrid.bench.run` as a Markdown table; below it the targets missed and how it was measured."""
    heading, *body = _lines_of_cells(rows)
    rule = ["---:" if align is _RIGHT else "---" for align in _ALIGNMENT]
    return "\n".join([*map(_piped, (heading, rule, *body)), "", targets(rows), conditions()])


def targets(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many targets were met, and which were not.

    >>> targets([{"name": "n=4", "met": True}, {"name": "n=6", "met": False}, {"name": "n=8", "met": None}])
    'Targets met: 1 of 2 (missed: n=6).'
    """
    decided = [row for row in rows if row["met"] is not None]
    if not decided:
        return "No row has a target."
    missed = [row["name"] for row in decided if not row["met"]]
    names = f" (missed: {'; '.join(dict.fromkeys(missed))})" if missed else ""
    return f"Targets met: {len(decided) - len(missed)} of {len(decided)}{names}."


def conditions() -> str:
    """What a reader has to know about the numbers: the machine, the versions, the method.

    >>> conditions().startswith("One thread")
    True
    """
    installed = ", ".join(f"{name} {found}" for name in _PEERS if (found := _version(name)) is not None)
    return (
        "One thread; median over interleaved repetitions, mean over the problems of a row. "
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; {installed}."
    )


def _lines_of_cells(rows: Sequence[Mapping[str, Any]]) -> list[Sequence[str]]:
    """The heading and the rows; a job's name and our time stand in its first row alone."""
    lines: list[Sequence[str]] = [_HEADINGS]
    above = None
    for row in rows:
        name, ours, *others = _cells(row)
        lines.append(("", "", *others) if name == above else (name, ours, *others))
        above = name
    return lines


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    ratio, met = row["ratio"], row["met"]
    return (
        row["name"],
        _duration(row["ours_us"]),
        row["peer"] or "",
        _duration(row["peer_us"]),
        "" if ratio is None else _three_digits(ratio),
        row["target"] or "",
        "" if met is None else "met" if met else "MISSED",
        row["note"],
    )


def _duration(microseconds: float | None) -> str:
    if microseconds is None:
        return ""
    size, unit = next(((s, u) for s, u in _UNITS if microseconds >= s), _UNITS[-1])
    return f"{_three_digits(microseconds / size)} {unit}"


def _three_digits(x: float) -> str:
    """Three significant digits, without an exponent where a reader would not want one.

    >>> _three_digits(0.0123), _three_digits(1.5), _three_digits(1234.5)
    ('0.0123', '1.50', '1234')
    """
    if x <= 0:
        return "0"
    return f"{x:.{max(0, 2 - math.floor(math.log10(x)))}f}"


def _piped(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
