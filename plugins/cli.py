"""The command line: the group of commands, its errors and its exit codes. The commands lie beside it.

Exit codes: 0 proved (or done), 1 disproved, 2 usage or bad input, 3 undecided, 4 certificate invalid,
70 internal error, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from hybrid import __version__
from hybrid.errors import HybridError, PluginError, ProblemError

from . import time_limit

PLUGIN_GROUP = "hybrid.commands"
BAD_INPUT, INTERNAL, INTERRUPTED, BROKEN_PIPE = 2, 70, 130, 141
OWN_COMMANDS = {
    "stability": "cli_linear",
    "controllability": "cli_linear",
    "observability": "cli_linear",
    "stabilizability": "cli_linear",
    "detectability": "cli_linear",
    "feedback": "cli_linear",
    "pde": "cli_pde",
    "screen": "cli_screen",
    "equilibria": "cli_equilibria",
    "region": "cli_nonlinear",
    "simulate": "cli_nonlinear",
    "check": "cli_check",
    "plants": "cli_check",
    "doctor": "doctor",
    "bench": "cli_tools",
    "eval": "cli_eval",
    "train": "cli_train",
    "selftest": "cli_selftest",
    "completion": "cli_tools",
}


class CommandLine(click.Group):
    """Commands that load when they run, one sentence for each error, and the exit codes of the contract."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Own commands in the order of the story, then those of installed plugins."""
        return [*OWN_COMMANDS, *sorted(set(plugin_commands()) - set(OWN_COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """An own command, which wins every clash of names, or a plugin's, not loaded yet."""
        if cmd_name in OWN_COMMANDS:
            module = importlib.import_module(f".{OWN_COMMANDS[cmd_name]}", __package__)
            command: click.Command = getattr(module, cmd_name)
            return time_limit.limited(command)
        return plugin_commands().get(cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; the words are kept for --timeout."""
        time_limit.remember(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is nobody's exit code."""
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except time_limit.TimeUp:  # of which click would make the end of a line
            ctx.exit(time_limit.TIMED_OUT)
        except BrokenPipeError:
            # Python flushes once more at exit, which would complain about the pipe again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(BROKEN_PIPE)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run and exit; every error is one sentence on stderr and, under --json, one object on stdout."""
        words = list(sys.argv[1:] if args is None else args)
        if os.environ.get("NO_COLOR"):
            extra.setdefault("color", False)
        try:
            code = super().main(words, "hybrid", complete_var, standalone_mode=False, **extra) or 0
        except (HybridError, click.ClickException) as error:
            code = _report(error, as_json="--json" in words)
        except (KeyboardInterrupt, click.Abort) as error:
            code = _interrupted(error)
        except OSError as error:  # such as a full disk behind stdout
            click.echo(f"hybrid: {error}", err=True)
            code = BAD_INPUT
        except Exception as error:
            if os.environ.get("HYBRID_DEBUG"):
                raise
            click.echo(
                f"hybrid: internal error, please report it: {type(error).__name__}: {error} "
                "(HYBRID_DEBUG=1 shows where)",
                err=True,
            )
            code = INTERNAL
        sys.exit(code)


class PluginCommand(click.Command):
    """A command from the entry points, which loads when it is invoked and never for the sake of others."""

    def __init__(self, entry_point: Any) -> None:
        self.entry_point = entry_point
        package = entry_point.dist.name if entry_point.dist else entry_point.value
        super().__init__(entry_point.name, short_help=f"From the plugin {package}.")

    def load(self) -> click.Command:
        """The command itself.

        Raises:
            PluginError: it cannot be imported, or is no click command.
        """
        try:
            command = self.entry_point.load()
        except Exception as error:
            raise PluginError(self.entry_point.name, error) from error
        if not isinstance(command, click.Command):
            cause = TypeError(f"{self.entry_point.value} is no click command")
            raise PluginError(self.entry_point.name, cause)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the real command: from here on click deals with that one alone."""
        return time_limit.limited(self.load()).make_context(info_name, args, parent, **extra)


def plugin_commands() -> dict[str, PluginCommand]:
    """Commands that installed packages offer under `hybrid.commands`, by name, none of them loaded."""
    from importlib.metadata import entry_points

    return {found.name: PluginCommand(found) for found in entry_points(group=PLUGIN_GROUP)}


def _interrupted(error: BaseException) -> int:
    """The exit code after Ctrl-C, or after the time of --timeout, which click turns into an Abort."""
    if isinstance(error, time_limit.TimeUp) or isinstance(error.__cause__, time_limit.TimeUp):
        return time_limit.TIMED_OUT
    click.echo("hybrid: interrupted", err=True)
    return INTERRUPTED


def _report(error: HybridError | click.ClickException, *, as_json: bool) -> int:
    sentence = error.format_message() if isinstance(error, click.ClickException) else str(error)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        sentence = f"{sentence.rstrip('.')} (see {error.ctx.command_path} --help)"
    click.echo(f"hybrid: {' '.join(sentence.split())}", err=True)
    if as_json:
        details = {"type": type(error).__name__, "message": sentence}
        if isinstance(error, ProblemError):
            details |= {"field": error.field, "got": error.got, "expected": error.expected}
            details |= {key: getattr(error, key) for key in ("line", "column") if hasattr(error, key)}
        click.echo(json.dumps({"error": details}))
    return BAD_INPUT


@click.command(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    epilog="Exit codes: 0 proved, 1 disproved, 2 usage or bad input, 3 undecided, 4 certificate invalid.",
)
@click.version_option(__version__, prog_name="hybrid")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Proved answers for control engineers.

    SYSTEM is a file (TOML, YAML, JSON, MATLAB .mat, .npz), - for standard input, the name of a
    demonstration plant, or equations such as "x' = y; y' = -sin(x) - y/10".

    \b
    hybrid stability       aircraft.mat
    hybrid controllability plant.toml
    hybrid stability       "x' = y; y' = -sin(x) - y/10" --at x=0,y=0
    hybrid feedback        plant.toml --decay 0.5 --save k.json
    hybrid check           k.json
    """  # noqa: D301 - click reads \b as: keep these lines
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        ctx.exit(BAD_INPUT)


def main(words: Sequence[str] | None = None, **extra: Any) -> NoReturn:
    """Run the command line as a program; the words are those of the shell, unless given."""
    time_limit.begin()
    # Threads cost small problems more than they bring large ones: on a busy machine a 4-state gain took 20 times longer
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not sys.warnoptions:  # a library's warning is no sentence of ours; -W shows them
        import warnings

        warnings.simplefilter("ignore")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without λ still gets its answer
    cli.main(words, **extra)
