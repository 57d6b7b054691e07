"""Commands around the questions: the benchmark and shell completion."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from hybrid.errors import ProblemError

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("selection", nargs=-1, metavar="[JOB]...")
@click.option("--quick", is_flag=True, help="Fewer repetitions: a first impression in seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def bench(selection: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure this solver beside its peers on this machine and print the ratios."""
    from hybrid.bench import run

    rows = run(selection, quick=quick)
    click.echo(json.dumps({"rows": rows}, allow_nan=False) if as_json else _table(rows))


@click.command()
@click.argument("shell", required=False, type=click.Choice(_SHELLS))
def completion(shell: str | None) -> None:
    r"""Print the script that lets a shell complete commands, options, plants and files.

    \b
    bash  eval "$(hybrid completion bash)"       in ~/.bashrc
    zsh   eval "$(hybrid completion zsh)"        in ~/.zshrc
    fish  hybrid completion fish > ~/.config/fish/completions/hybrid.fish
    """
    from click.shell_completion import get_completion_class

    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _SHELLS:
        raise ProblemError("shell", name or "no $SHELL", "one of bash, zsh, fish")
    script = get_completion_class(name)
    assert script is not None  # click knows the three
    commands = click.get_current_context().find_root().command
    click.echo(script(commands, {}, "hybrid", "_HYBRID_COMPLETE").source())


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows under their common keys, numbers to three digits."""
    if not rows:
        return "nothing was measured"
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
