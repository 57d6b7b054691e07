"""What a campaign did, as a table."""

from __future__ import annotations

from hybrid.selftest.campaign import Tally
from hybrid.selftest.engines import ENGINES


def as_text(tally: Tally) -> str:
    """A row for each family: its cases, and the share that each engine decided of those put to it.

    >>> print(as_text(Tally(7, seconds=1.0)))
    no case was drawn
    """
    if not tally.cases:
        return "no case was drawn"
    names = [engine.name for engine in ENGINES if any(engine.name == asked for _, asked in tally.asked)]
    rows = [["family", "cases", *names]]
    for family, count in _sorted(tally):
        rows.append([family, f"{count:,}", *(_share(tally, family, name) for name in names)])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    speed = tally.total / tally.seconds if tally.seconds else 0.0
    return "\n".join(
        [
            *lines,
            "",
            f"{tally.total:,} cases in {tally.seconds:.1f} s, {speed:,.0f} a second, seed {tally.seed}: "
            f"wrong = {tally.wrong}",
        ]
    )


def _sorted(tally: Tally) -> list[tuple[str, int]]:
    from hybrid.selftest.families import FAMILIES

    return [(family, tally.cases[family]) for family in FAMILIES if family in tally.cases]


def _share(tally: Tally, family: str, engine: str) -> str:
    asked = tally.asked[family, engine]
    return f"{100 * tally.decided[family, engine] / asked:.0f} %" if asked else "–"
