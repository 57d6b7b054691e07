"""What the commands of the command line share: the stability region, what to do with an answer."""

from __future__ import annotations

import functools
import json
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hybrid.errors import ProblemError
from hybrid.whole_files import write_whole

if TYPE_CHECKING:
    from hybrid.answer import Answer

Command = TypeVar("Command", bound=Callable[..., Any])
_EXIT_CODES = {"proved": 0, "disproved": 1, "undecided": 3}
_COLOURS = {"proved": "green", "disproved": "red", "undecided": "yellow", "conditions": "cyan"}


@dataclass(frozen=True)
class Output:
    """Where an answer goes: text or JSON on stdout, the certificate and a plot into files."""

    as_json: bool
    save: str | None
    plot: str | None
    quiet: bool

    def __post_init__(self) -> None:
        """Refuse what could not be written, before anything is computed."""
        if self.as_json and self.quiet:
            raise click.UsageError("--json and --quiet exclude each other", click.get_current_context(silent=True))
        if self.save is not None:
            require_writable("--save", self.save)
        if self.plot is not None:
            plot_format(self.plot)

    def deliver(self, answer: Answer) -> None:
        """Write the files, print the answer, and end with the exit code of its status."""
        saved = self._write_files(answer)
        status = answer.status.value
        if self.as_json:
            click.echo(json.dumps(answer.to_dict(), allow_nan=False))
        elif not self.quiet:
            click.echo(coloured(_text(answer, saved), status))
        click.get_current_context().exit(_EXIT_CODES[status])

    def _write_files(self, answer: Answer) -> str | None:
        """Draw first, write after: an error leaves no file behind. Where the certificate was saved."""
        drawing = None if self.plot is None else _drawing(answer, self.plot)
        saved = None
        if self.save is not None and answer.certificate is not None:
            answer.certificate.save(self.save)
            saved = self.save
        elif self.save is not None:
            click.echo(f"hybrid: {self.save} not written: an undecided question has no certificate", err=True)
        if self.plot is not None and drawing is not None:
            write_bytes(self.plot, drawing)
        return saved


def _drawing(answer: Answer, file: str) -> bytes:
    from hybrid.plot import pole_plot
    from hybrid.question import LocalQuestion, TimeVaryingQuestion

    kind = plot_format(file)
    if isinstance(answer.question, TimeVaryingQuestion):
        raise ProblemError("--plot", file, "no plot, as poles say nothing of a system that varies with time")
    if isinstance(answer.question, LocalQuestion):
        from .cli_drawings import phase_plane

        return phase_plane(answer, kind)
    return pole_plot(answer, kind)


def _text(answer: Answer, saved: str | None) -> str:
    from hybrid.render import as_text

    if saved is None:
        return as_text(answer, recheck="add --save FILE, then: hybrid check FILE")
    return as_text(answer, recheck=f"hybrid check {shlex.quote(saved)}")


def decay_option(command: Command) -> Command:
    """--decay, as exact text."""
    text = "Ask for Re λ < -σ (1/s), in discrete time for |λ| < 1 - σ; exact, such as 0.5 or 1/2."
    return click.option("--decay", metavar="σ", default="0", help=text)(command)


def damping_option(command: Command) -> Command:
    """--damping, as exact text."""
    text = "Ask for a damping ratio above ζ, 0 ≤ ζ < 1 (continuous time)."
    return click.option("--damping", metavar="ζ", default="0", help=text)(command)


def output_options(command: Command) -> Command:
    """--json, --save, --plot and --quiet, handed to the command as one `output`."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object, the certificate inside.")
    @click.option("--save", metavar="FILE", help="Write the certificate, whole or not at all.")
    @click.option("--plot", metavar="FILE", help="Draw the poles, or the phase plane, into a .png, .svg or .pdf.")
    @click.option("--quiet", "-q", is_flag=True, help="Print nothing: the exit code is the answer.")
    @functools.wraps(command)
    def with_output(*args: Any, as_json: bool, save: str | None, plot: str | None, quiet: bool, **options: Any) -> Any:
        return command(*args, output=Output(as_json, save, plot, quiet), **options)

    return with_output  # type: ignore[return-value]


def write_bytes(path: str, content: bytes, option: str = "--plot") -> None:
    """Write the file that an option names, whole or not at all.

    Raises:
        ProblemError: the place cannot be written to.
    """
    try:
        write_whole({path: content})
    except OSError as error:
        raise ProblemError(option, path, f"a place that can be written to ({error.strerror or error})") from None


def table(rows: Sequence[Sequence[str]], indent: int = 0) -> str:
    """Rows of text under each other, columns aligned."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(" " * indent + line.rstrip() for line in lines)


def plot_format(path: str) -> str:
    """The format of a drawing that can be written.

    Raises:
        ProblemError: another suffix, or a place that cannot be written to.
    """
    from hybrid.plot import require_format

    require_writable("--plot", path)
    return require_format(path)


def require_writable(option: str, path: str) -> None:
    """Refuse a place that cannot be written to, before anything is computed.

    Raises:
        ProblemError: a directory, a device, or a file in a directory that is absent or read-only.
    """
    if "\0" in path:
        raise ProblemError(option, path, "a name that a file can have")
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ProblemError(option, path, "a file, not a directory")
    if target.exists() and not target.is_file():
        raise ProblemError(option, path, "a file, not a device or pipe, as it is written whole or not at all")
    if not os.access(target.parent, os.W_OK):
        raise ProblemError(option, path, "a file in a directory that exists and can be written to")


def coloured(text: str, status: str) -> str:
    """Text that begins with its status, that word in the status's colour."""
    word = status.upper()
    return click.style(word, fg=_COLOURS[status], bold=True) + text.removeprefix(word)
