"""The soundness campaign: systems whose answer is known, put to every engine."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hybrid.errors import ProblemError

from .cli_equilibria import late_progress
from .cli_options import table

if TYPE_CHECKING:
    from hybrid.selftest import Tally

_AGREED, _DISAGREED = 0, 1
_SECONDS = 60.0  # where neither a time nor a number of cases is given


@click.command(short_help="Try to catch this solver proving something false.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long to try; 1 if --cases is not given.")
@click.option("--cases", type=click.IntRange(1), help="How many cases to try.")
@click.option("--seed", type=click.IntRange(0), help="The same seed draws the same cases; another one each time.")
@click.option("--family", "families", multiple=True, metavar="NAME", help="Only this family; may be given repeatedly.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes.")
@click.option("--save", metavar="FOLDER", default=".", help="Where to write the case of a disagreement.")
@click.option("--replay", "replayed", metavar="FILE", help="Put the case of a saved disagreement to the engines again.")
@click.option("--list", "list_families", is_flag=True, help="List the families and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def selftest(
    minutes: float | None,
    cases: int | None,
    seed: int | None,
    families: tuple[str, ...],
    jobs: int,
    save: str,
    replayed: str | None,
    list_families: bool,
    as_json: bool,
) -> None:
    """Draw systems whose answer is known by construction and put them to every engine.

    They lie where answers are lost: on the stability boundary or an ulp beside it. A float proof, exact arithmetic,
    ball arithmetic and whole answers with their certificates have to agree with the truth wherever they decide.
    The first disagreement ends the run; it is made as small as possible and written to a file.

    Ctrl-C ends the run and prints what was done so far. Exit code 0 if nothing disagreed, 1 if something did.
    """
    from hybrid.selftest import FAMILIES, as_text, chosen_families

    if list_families:
        click.echo("\n".join(f"{name:22}{family.about}" for name, family in FAMILIES.items()))
        return
    if replayed is not None:
        _deliver_again(replayed, as_json)
    names = chosen_families(families)
    if Path(save).exists() and not Path(save).is_dir():
        raise ProblemError("--save", save, "a folder")
    seconds = _SECONDS if minutes is None and cases is None else None if minutes is None else 60 * minutes
    drawn = secrets.randbelow(2**31) if seed is None else seed
    tally = _run(drawn, names, seconds, cases, jobs, Path(save))
    click.echo(json.dumps(tally.document(), allow_nan=False) if as_json else as_text(tally))
    if tally.wrong:
        click.echo(f"hybrid: engines disagree; please report {tally.reproducer}", err=True)
    click.get_current_context().exit(_DISAGREED if tally.wrong else _AGREED)


def _deliver_again(file: str, as_json: bool) -> NoReturn:
    """What the engines say of one saved case; exit code 1 where one of them is wrong."""
    from hybrid.selftest import replay

    document = replay(file)
    results: dict[str, Any] = document["results"]
    wrong = any(told["false"] for told in results.values())
    if as_json:
        click.echo(json.dumps(document, allow_nan=False))
    else:
        click.echo(f"{document['question']}: {document['truth']}, by the oracle\n")
        rows = [(name, told["verdict"], "WRONG" if told["false"] else "") for name, told in results.items()]
        click.echo(table(rows, indent=2))
    click.get_current_context().exit(_DISAGREED if wrong else _AGREED)
    raise AssertionError  # exit does not return


def _run(seed: int, names: tuple[str, ...], seconds: float | None, cases: int | None, jobs: int, folder: Path) -> Tally:
    """The tally at the end, or when the user ends it."""
    from hybrid.selftest import Tally, run, run_in_processes

    tally = Tally(seed)
    steps: Iterator[Tally]
    if jobs == 1:
        steps = run(seed, names, seconds=seconds, cases=cases, folder=folder)
    else:
        steps = run_in_processes(jobs, seed, names, seconds, cases, folder)
    with late_progress("Looking for a wrong proof") as progress:
        try:
            for tally in steps:
                spent = 0.0 if seconds is None else tally.seconds / seconds
                progress(min(1.0, max(spent, 0.0 if cases is None else tally.total / cases)))
        except KeyboardInterrupt:
            pass
    return tally
