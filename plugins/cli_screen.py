"""Screening: one question about every line of a file of equations."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from hybrid.decimals import outwards
from hybrid.errors import ProblemError
from hybrid.systems.reading_equations import parse_assignments
from hybrid.whole_files import write_whole

from .cli_options import table
from .time_limit import read_seconds

if TYPE_CHECKING:
    from hybrid.batch.screened import Screened
    from hybrid.batch.screening import Screen

_DONE, _SOME_REFUSED, _SOME_UNDECIDED, _INTERRUPTED = 0, 2, 3, 130
_TIMEOUT = "30"
_COLOURS = {"proved": "green", "disproved": "red", "undecided": "yellow", "refused": "magenta"}
_SHOWN_REASONS = 12
_REFRESH = 0.25  # seconds between two looks of the progress line
_MOST_COUNTED = 2**30  # bytes of a file whose lines are counted for the sake of progress

_ASK = "stability", "speed", "controllability"
_WORDS = "stable", "unstable", "controllable", "uncontrollable"


@click.command(short_help="Ask one question about every line of a file of equations.")
@click.argument("file", metavar="FILE")
@click.option("--ask", type=click.Choice(_ASK), default="stability", show_default=True, help="The question.")
@click.option("--at", metavar="POINT", help="Values for some variables, as x=0,u=1/2; whatever the line says.")
@click.option("--at-all", metavar="VALUE", help="A value for all others. Without it the line says, or it is 0.")
@click.option("--at-point", is_flag=True, help="Ask about the Jacobian at that very point, equilibrium or not.")
@click.option("--paper", is_flag=True, help="Ask as Charton, Hayat and Lample 2020 do, complex Jacobians included.")
@click.option("--inputs", metavar="NAMES", help="Which symbols are inputs, as u,v, in lines of plain equations.")
@click.option("--time", metavar="NAME", help="Which symbol is time, in lines of plain equations.")
@click.option("--find", type=click.Choice(_WORDS), help="Look for systems with this verdict, the likeliest first.")
@click.option("--count", type=click.IntRange(1), help="End when so many are found.")
@click.option(
    "--guess",
    type=click.Choice(("network", "derivative", "none")),
    default="network",
    show_default=True,
    help="Who guesses before the proofs: the network that reads equations, or a derivative in doubles.",
)
@click.option("--model", metavar="FOLDER", help="Let the network of this folder guess.")
@click.option(
    "--model-first/--exact-first",
    default=None,
    help="Whether to take proofs from the network's Jacobian; by default where that costs nothing, at a point.",
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; as many as cores where it is not given.")
@click.option("--timeout", metavar="SECONDS", default=_TIMEOUT, show_default=True, help="For each proof.")
@click.option("--strict", is_flag=True, help="End at the first line that is no system.")
@click.option("--certificates", metavar="FOLDER", help="Write the certificate of each line into this folder.")
@click.option("--summary", is_flag=True, help="Print the summary alone.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line; with --summary, the summary.")
def screen(
    file: str,
    at: str | None,
    inputs: str | None,
    jobs: int | None,
    timeout: str,
    certificates: str | None,
    summary: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Ask one question about every line of FILE (- for standard input), with proofs.

    A line is a system: equations such as  x' = y; y' = -sin(x) - y/10  or a JSON object with equations, as .json
    files hold it and the paper's test files do. Blank lines and lines that begin with # are skipped. A line that is
    no system is refused, with a sentence, and the others go on.

    A network guesses about 64 lines at a time. Guesses decide nothing: every verdict is proved. With --find, all
    lines are guessed about first and the likeliest are proved first, to find what is rare without proving the rest.

    \b
    hybrid screen systems.txt --at-all 0.01 --at-point
    hybrid screen systems.jsonl --find stable --count 10
    hybrid screen systems.jsonl --ask controllability --json

    Ctrl-C keeps what was printed. Exit code 0 if every line was decided (with --find: looked for), 2 if lines were
    refused, 3 if some stayed undecided.
    """  # noqa: D301 - click reads \b as: keep these lines
    from hybrid.batch import screen as ask

    seconds = read_seconds(timeout, "--timeout")
    folder = None if certificates is None else _folder(certificates)
    progress = _Progress(file, summary or options["find"] is not None)
    with _opened(file) as lines:
        rows = ask(
            lines,
            at=None if at is None else parse_assignments(at, "--at"),
            inputs=[name.strip() for name in inputs.split(",")] if inputs else (),
            jobs=jobs or _cores(),
            timeout=seconds,
            certificates=folder is not None,
            progress=progress,
            **options,
        )
        interrupted = _deliver(rows, folder, progress, None if summary else as_json)
    found = rows.summary()
    if summary and as_json:
        click.echo(json.dumps(found, allow_nan=False))
    else:
        click.echo(_text(found, interrupted), err=as_json)
    click.get_current_context().exit(_INTERRUPTED if interrupted else _exit_code(found, options["find"] is not None))


def _deliver(rows: Screen, folder: Path | None, progress: _Progress, as_json: bool | None) -> bool:
    """Print rows as they come, as text or JSON, or not at all; whether Ctrl-C ended it."""
    try:
        for row in rows:
            if folder is not None and row.certificate is not None:
                _save(folder / f"line-{row.line}.json", row.certificate)
            if as_json is not None:
                progress.clear()
                click.echo(json.dumps(row.to_dict(), allow_nan=False) if as_json else _line(row))
    except KeyboardInterrupt:
        return True
    finally:
        rows.close()
        progress.clear()
    return False


def _exit_code(found: Mapping[str, Any], is_search: bool) -> int:
    status = found["status"]
    if status.get("refused"):
        return _SOME_REFUSED
    return _SOME_UNDECIDED if status.get("undecided") and not is_search else _DONE


def _opened(file: str) -> BinaryIO:
    """The file, or standard input.

    Raises:
        ProblemError: it cannot be read.
    """
    if file == "-":
        return sys.stdin.buffer
    expected = "a readable file of equations, one system a line"
    try:
        if Path(file).is_dir():
            raise ProblemError(file, "a directory", expected)
        return Path(file).open("rb")
    except OSError as error:
        raise ProblemError(file, (error.strerror or str(error)).lower(), expected) from None
    except ProblemError:
        raise
    except ValueError:  # a NUL character in the name
        raise ProblemError(file, "a name that no file can have", expected) from None


def _folder(name: str) -> Path:
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ProblemError("--certificates", name, f"a folder that can be written to ({said.lower()})") from None
    return Path(name)


def _save(path: Path, certificate: Mapping[str, Any]) -> None:
    try:
        write_whole({str(path): (json.dumps(certificate, indent=1) + "\n").encode()})
    except OSError as error:
        expected = f"a folder that can be written to ({error.strerror or error})"
        raise ProblemError("--certificates", str(path), expected) from None


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


# Text


def _line(row: Screened) -> str:
    """One line of the table: number, status, verdict, abscissa, the guess, and what else there is to say."""
    status = click.style(f"{row.status:9}", fg=_COLOURS[row.status])
    verdict = "" if row.verdict == "unknown" else row.verdict
    abscissa = "" if row.abscissa is None else _interval(*row.abscissa)
    guess = "" if row.score is None else f"{row.score:.2f}"
    told = "  ".join(filter(None, (row.route, row.name, row.reason)))
    return f"{row.line:7}  {status}  {verdict:14}  {abscissa:32}  {guess:4}  {told}".rstrip()


def _interval(lo: float, hi: float) -> str:
    """An enclosure in decimals that still enclose; an end that is unbounded is shown as such."""
    a, b = outwards(*(Fraction(end) if math.isfinite(end) else None for end in (lo, hi)))
    return f"[{'-inf' if a is None else a}, {'inf' if b is None else b}]"


def _text(found: Mapping[str, Any], interrupted: bool) -> str:
    """The summary as a paragraph and a table."""
    status, seconds = found["status"], found["seconds"]
    rate = found["systems_per_second"]["all"]
    pace = "" if rate is None else f" ({_count(round(rate))} a second)"
    began = "Interrupted: " if interrupted else ""
    head = f"{began}{_count(found['read'])} systems read in {seconds['wall']:.3g} s{pace}; "
    head += f"{_count(found['decided'])} decided with proof, {_count(status.get('undecided', 0))} undecided, "
    head += f"{_count(status.get('refused', 0))} refused."
    blocks = [head]
    counts = [(verdict, _count(count)) for verdict, count in found["verdict"].items()]
    counts += [(f"route {route}", _count(count)) for route, count in found["route"].items()]
    guesses = found["guesses"]
    if guesses["judged"]:
        right = f"{_count(guesses['right'])} of {_count(guesses['judged'])}"
        counts.append(("guessed right", f"{right} ({100 * guesses['right'] / guesses['judged']:.1f} %)"))
    for stage in ("reading", "guess", "proof"):
        pace = found["systems_per_second"][stage]
        if pace is not None:
            counts.append((stage, f"{seconds[stage]:.3g} s, {_count(round(pace))} systems a second and core"))
    if counts:
        blocks.append(table(counts, indent=2))
    if found["reason"]:
        reasons = list(found["reason"].items())
        more = [("", f"and {len(reasons) - _SHOWN_REASONS} other reasons")] if len(reasons) > _SHOWN_REASONS else []
        listed = [(_count(count), reason) for reason, count in reasons[:_SHOWN_REASONS]]
        blocks.append("undecided or refused:\n" + table(listed + more, indent=2))
    return "\n\n".join(blocks)


def _count(number: int) -> str:
    """Digits in groups of three."""
    return f"{number:,}".replace(",", " ")


class _Progress:
    """One line on a terminal's stderr, where rows do not show how far it is."""

    def __init__(self, file: str, rows_are_few: bool) -> None:
        self._shows = sys.stderr.isatty() and (rows_are_few or not sys.stdout.isatty())
        self._total = _lines_of(file) if self._shows else None
        self._started = self._last = time.monotonic()
        self._visible = False

    def __call__(self, stage: str, count: int) -> None:
        now = time.monotonic()
        if not self._shows or now - self._last < _REFRESH:
            return
        self._last, self._visible = now, True
        of = "" if self._total is None else f" of {_count(self._total)}"
        pace = _count(round(count / (now - self._started)))
        click.echo(f"\r\x1b[K{stage} {_count(count)}{of} lines, {pace} a second", err=True, nl=False)

    def clear(self) -> None:
        """Take the line away."""
        if self._visible:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._visible = False


def _lines_of(file: str) -> int | None:
    """How many lines a file has; None for a pipe, and where counting would take long."""
    try:
        if file == "-" or not Path(file).is_file() or Path(file).stat().st_size > _MOST_COUNTED:
            return None
        with Path(file).open("rb") as opened:
            return sum(block.count(b"\n") for block in iter(lambda: opened.read(2**20), b""))
    except (OSError, ValueError):
        return None
