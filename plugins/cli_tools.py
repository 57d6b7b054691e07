"""Commands around the questions: the benchmark and shell completion."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from hybrid.bench import JOBS
from hybrid.errors import ProblemError

_SHELLS = ("bash", "zsh", "fish")
_INTERRUPTED = 130


_JOBS = "\n".join(f"  {name:<16}{job}" for name, job in JOBS.items())


@click.command(
    short_help="Measure this solver beside its peers.",
    help="Measure this solver beside its peers on this machine and print the ratios.\n\n\b\n"
    f"Jobs, all of them by default:\n{_JOBS}",
)
@click.argument("selection", nargs=-1, metavar="[JOB]...")
@click.option("--quick", is_flag=True, help="Fewer repetitions: a first impression in seconds.")
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def bench(selection: tuple[str, ...], quick: bool, markdown: bool, as_json: bool) -> None:
    """Measure, and print a table; after Ctrl-C that of the jobs that are done, exit code 130."""
    from hybrid.bench import as_markdown, as_text
    from hybrid.bench import rows as measured

    rows: list[dict[str, Any]] = []
    ended_early = False
    try:
        for row in measured(selection, quick=quick):
            rows.append(row)
    except KeyboardInterrupt:
        if not rows:
            raise
        click.echo("hybrid: ended early; the jobs that are done follow", err=True)
        ended_early = True
    if as_json:
        click.echo(json.dumps({"rows": rows}, allow_nan=False))
    else:
        click.echo(as_markdown(rows) if markdown else as_text(rows))
    if ended_early:
        click.get_current_context().exit(_INTERRUPTED)


@click.command(short_help="Print the script for shell completion.")
@click.argument("shell", required=False, type=click.Choice(_SHELLS))
def completion(shell: str | None) -> None:
    """Print the script that lets a shell complete commands, options, plants and files.

    \b
    bash  eval "$(hybrid completion bash)"       in ~/.bashrc
    zsh   eval "$(hybrid completion zsh)"        in ~/.zshrc
    fish  hybrid completion fish > ~/.config/fish/completions/hybrid.fish
    """  # noqa: D301 - click reads \b as: keep these lines
    from click.shell_completion import get_completion_class

    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise ProblemError("shell", name or "no $SHELL", "one of bash, zsh, fish")
    script = get_completion_class(name)
    assert script is not None  # click knows the three
    commands = click.get_current_context().find_root().command
    click.echo(script(commands, {}, "hybrid", "_HYBRID_COMPLETE").source())
