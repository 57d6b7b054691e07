"""Commands around the questions: the benchmark and shell completion."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hybrid.errors import ProblemError

from .cli_options import table

_SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Measure this solver beside its peers.")
@click.argument("selection", nargs=-1, metavar="[JOB]...")
@click.option("--quick", is_flag=True, help="Fewer repetitions: a first impression in seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def bench(selection: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure this solver beside its peers on this machine and print the ratios."""
    from hybrid.bench import run

    rows = run(selection, quick=quick)
    click.echo(json.dumps({"rows": rows}, allow_nan=False) if as_json else _text(rows))


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


def _text(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "Nothing was measured."
    return table([list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)])


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
