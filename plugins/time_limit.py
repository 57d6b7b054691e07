"""--timeout: the command runs in a process of its own, which is interrupted when its time is up, and killed soon after.

Exact arithmetic spends minutes inside one call of a C library that holds Python's lock: no exception, no other thread
and no signal handler of Python ends it. Another process can.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from hybrid.errors import ProblemError

TIMED_OUT = 124
"""Exit code of the process within when its time was up; the user sees 3, undecided."""

GRACE = 0.05
"""Share of the time: so much before its end the process is interrupted, and so much after it killed."""

_UNDECIDED, _INTERRUPTED, _TERMINATED, _INTERNAL = 3, 130, 143, 70
_WORDS = "hybrid.words"
_HELP = "After it the outcome is undecided, exit code 3."
_CHILD = "import sys; sys.path[:] = {path!r}; from hybrid.plugins.time_limit import within; within()"

_SHARE = 0.9  # of the time that is left, for a search that ends by itself and keeps what it has found

_began: float | None = None
"""When this program began, by the monotonic clock, which all processes share; None within another program."""

_end: float | None = None
"""Within: when it will be interrupted, by the same clock."""


class TimeUp(KeyboardInterrupt):
    """The time is up: raised where Ctrl-C would be, so that what keeps its work then keeps it now."""


def begin() -> None:
    """Count from the start of this program, which has done nothing but load itself so far."""
    global _began
    _began = time.monotonic() - time.process_time()


def remember(context: click.Context, words: Sequence[str]) -> None:
    """Keep the words of the command line for the process within."""
    context.meta[_WORDS] = list(words)


def limited(command: click.Command) -> click.Command:
    """The command with --timeout, unless it has an option of that name; of a group, each of its commands."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            limited(each)
    elif all(parameter.name != "timeout" for parameter in command.params):
        option = click.Option(
            ["--timeout"], metavar="SECONDS", is_eager=True, expose_value=False, callback=guard, help=_HELP
        )
        command.params.append(option)
    return command


def guard(context: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Callback of --timeout: where the user gives it, the command runs within it, and this process ends after it.

    A command with a time of its own is told what is left of it, less what it needs to print the answer.

    Raises:
        ProblemError: it is no positive number.
    """
    is_given = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
    if text is None or not is_given or context.resilient_parsing:
        return text
    if _end is None:
        context.exit(_run(context.meta[_WORDS], read_seconds(text, "--timeout")))
    return f"{max(1e-3, _SHARE * (_end - time.monotonic())):.6f}"


def read_seconds(text: str, option: str) -> float:
    """A positive time in seconds.

    Raises:
        ProblemError: it is none.
    """
    from hybrid.systems.numbers import exact, nearest_float  # with numpy, which --help has no need of

    seconds = nearest_float(exact(text, option))
    if not 0 < seconds < float("inf"):
        raise ProblemError(option, text, "a positive number of seconds")
    return seconds


def within() -> NoReturn:
    """What the process within does: the command, and at the end of its time an interrupt."""
    global _end
    end, coloured, *words = sys.argv[1:]
    _end = float(end)

    def time_is_up(*_: Any) -> NoReturn:
        raise TimeUp

    try:
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, time_is_up)
            signal.setitimer(signal.ITIMER_REAL, min(max(_end - time.monotonic(), 1e-3), 1e8))
        from .cli import main

        main(words, color=True if coloured == "coloured" else None)
    except SystemExit as error:
        _leave(error.code)
    except KeyboardInterrupt as error:  # while modules are loaded
        _leave(TIMED_OUT if isinstance(error, TimeUp) else _INTERRUPTED)


def _leave(code: Any) -> NoReturn:
    """Exit at once: to take a large program apart in order takes Python a third of a second."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed at the other end
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _run(words: Sequence[str], seconds: float) -> int:
    """Run the command in a process of its own, pass its output on once it is whole; the exit code."""
    end = (time.monotonic() if _began is None else _began) + seconds
    start, warnings = _CHILD.format(path=sys.path), [f"-W{option}" for option in sys.warnoptions]
    coloured = "coloured" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else "plain"
    encoding = f"{sys.stdout.encoding or 'utf-8'}:replace"
    child = subprocess.Popen(
        [sys.executable, "-P", *warnings, "-c", start, repr(end - GRACE * seconds), coloured, *words],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": encoding},
        process_group=0 if os.name == "posix" else None,  # Ctrl-C is passed on once, and all of it is killed
    )
    try:
        import hybrid.answer  # noqa: F401 - needed when the time is up, and takes a while

        output, was_interrupted = _output(child, end + GRACE * seconds)
    finally:
        _kill(child)
    code = child.returncode
    if output is None or code == TIMED_OUT:
        _tell(words, seconds)
        return _UNDECIDED
    click.echo(output, nl=False)
    if code == _INTERRUPTED and not was_interrupted:  # a command that prints what it has so far
        click.echo(f"hybrid: ended after {seconds:g} s, as --timeout says", err=True)
        return _UNDECIDED
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        click.echo(f"hybrid: internal error, please report it: the process was ended by {name}", err=True)
        return _INTERNAL
    return code


def _output(child: subprocess.Popen[bytes], deadline: float) -> tuple[bytes | None, bool]:
    """What the process writes, None where it does not end in time; and whether the user interrupted it."""
    was_interrupted = False
    _end_with_us()
    while True:
        try:
            output, _ = child.communicate(timeout=max(0.0, min(deadline - time.monotonic(), 1e6)))
        except KeyboardInterrupt:
            was_interrupted = True
            child.send_signal(signal.SIGINT)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= deadline:
                return None, was_interrupted
        else:
            return output, was_interrupted


def _end_with_us() -> None:
    """Let a request to terminate this process run its `finally`, which kills the other one."""

    def terminate(*_: Any) -> NoReturn:
        sys.exit(_TERMINATED)

    try:
        signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread, which alone may
        return


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End a process that is still there, with those that it started."""
    if child.poll() is not None:
        return
    if os.name == "posix":
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _tell(words: Sequence[str], seconds: float) -> None:
    """The answer of a command that was not let to its end."""
    from hybrid.answer import Reason, Status, Verdict

    from .cli_options import coloured

    status, reason = Status.UNDECIDED.value, Reason.TIMEOUT.value
    if "--json" in words:
        told = {"status": status, "verdict": Verdict.UNKNOWN.value, "reason": reason, "timeout": seconds}
        click.echo(json.dumps(told))
    elif "--quiet" not in words and "-q" not in words:
        click.echo(coloured(f"UNDECIDED: not answered within {seconds:g} s.\n\n  {reason}", status))
