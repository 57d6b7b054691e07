"""--timeout on every command: undecided, exit code 3 and a sentence, however deep in a C library the time runs out."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import hybrid
from hybrid.answer import Reason
from hybrid.plugins.cli import OWN_COMMANDS, CommandLine, cli

ROOT = Path(hybrid.__file__).parents[1]
LIMIT = 20.0  # seconds; machines that run tests are busy
on_posix = pytest.mark.skipif(os.name != "posix", reason="sends signals")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "hybrid", *words]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    started = time.monotonic()
    done = subprocess.run(command(*words), cwd=ROOT, capture_output=True, text=True, check=False)
    assert time.monotonic() - started < LIMIT
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> str:
    """60 states, 20-bit rational entries: the characteristic polynomial is minutes inside one call of FLINT."""
    draw = random.Random(1).randint
    entries = [[f"{draw(-(10**6), 10**6)}/{draw(1, 10**6)}" for _ in range(60)] for _ in range(60)]
    file = tmp_path_factory.mktemp("dense") / "dense.json"
    file.write_text(json.dumps({"A": entries}))
    return str(file)


def leaves(group: click.Group, names: list[str]) -> list[click.Command]:
    found: list[click.Command] = []
    for name in names:
        each = group.get_command(click.Context(group), name)
        assert each is not None
        found += leaves(each, list(each.commands)) if isinstance(each, click.Group) else [each]
    return found


def test_every_command_has_one_timeout() -> None:
    for each in leaves(CommandLine("hybrid"), list(OWN_COMMANDS)) * 2:
        options = [option for parameter in each.params for option in parameter.opts]
        assert options.count("--timeout") == 1, each.name


def test_a_call_into_c_ends(dense: str) -> None:
    done = run("stability", dense, "--poles", "--timeout", "1")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("UNDECIDED: not answered within 1 s.")
    assert Reason.TIMEOUT.value in done.stdout


def test_as_json_and_quietly(dense: str, tmp_path: Path) -> None:
    saved = tmp_path / "c.json"
    done = run("stability", dense, "--poles", "--timeout", "0.5", "--json", "--save", str(saved))
    assert done.returncode == 3
    told = json.loads(done.stdout)
    assert (told["status"], told["verdict"], told["timeout"]) == ("undecided", "unknown", 0.5)
    assert told["reason"] == Reason.TIMEOUT.value
    assert not saved.exists()
    done = run("stability", dense, "--poles", "--timeout", "0.5", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.parametrize(
    "words",
    [
        ("bench", "--quick"),
        ("selftest", "--minutes", "5", "--jobs", "2"),
        ("eval", "feedback", "--n", "4", "--no-model"),
        ("doctor",),
        ("stability", "x' = y; y' = -x", "--timeout", "1e-9"),
    ],
)
def test_any_command_ends_without_a_traceback(words: tuple[str, ...]) -> None:
    done = run(*words, *(() if "--timeout" in words else ("--timeout", "0.6")))
    assert done.returncode in (0, 3)
    assert "hybrid: internal" not in done.stderr


def test_what_is_decided_in_time_is_what_it_was() -> None:
    for words in (
        ("stability", "double-integrator", "--json"),
        ("feedback", "inverted-pendulum", "--no-model", "--json"),
        ("stability", "nowhere"),
        ("stability", "double-integrator", "--colour"),
    ):
        plain, limited = run(*words), run(*words, "--timeout", "60")
        assert (plain.returncode, plain.stderr) == (limited.returncode, limited.stderr)
        if plain.stdout:
            first, second = json.loads(plain.stdout), json.loads(limited.stdout)
            assert [first["status"], first["verdict"]] == [second["status"], second["verdict"]]
            assert first["certificate"]["claim"] == second["certificate"]["claim"]


def test_a_search_with_a_time_of_its_own_keeps_what_it_found() -> None:
    done = run("equilibria", "x' = (x - y)*(x - 1); y' = (y - x)*(y + 1)", "--box", "x=-2:2,y=-2:2", "--timeout", "5")
    assert done.returncode == 3
    assert "boxes examined" in done.stdout


def test_standard_input_reaches_the_command() -> None:
    done = subprocess.run(
        command("stability", "-", "--timeout", "60"), cwd=ROOT, input='{"A": [[-1]]}', capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("PROVED")


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1e999", "nan"])
def test_what_is_no_time(text: str) -> None:
    result = CliRunner().invoke(cli, ["stability", "double-integrator", f"--timeout={text}"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--timeout: got" in result.stderr


def test_within_another_program() -> None:
    """The output goes where click's goes, and the program goes on."""
    result = CliRunner().invoke(cli, ["stability", "double-integrator", "--json", "--timeout", "60"])
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "disproved"


def children(parent: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (map(int, line.split()) for line in listed.splitlines())
    return [pid for pid, ppid in pairs if ppid == parent]


def alive(pid: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.startswith("Z")


@on_posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_ends_the_one_ends_the_other(dense: str, number: Any, code: int) -> None:
    """Ctrl-C waits for FLINT to come back, here no longer than the time allowed; SIGTERM does not wait."""
    process = subprocess.Popen(
        command("stability", dense, "--poles", "--timeout", "6"), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while not (below := children(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    _, told = process.communicate(timeout=LIMIT)
    assert process.returncode in ((code, 3) if number is signal.SIGINT else (code,))
    assert "Traceback" not in told
    deadline = time.monotonic() + LIMIT
    while any(map(alive, below)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, below))


@on_posix
@pytest.mark.parametrize(
    "words", [("equilibria", "x' = (x - y)*(x - 1); y' = (y - x)*(y + 1)", "--box", "x=-2:2,y=-2:2")]
)
def test_ctrl_c_is_one_sentence(words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        command(*words),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits "ignore"
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=LIMIT)
    assert (process.returncode, out, told.strip()) == (130, "", "hybrid: interrupted")
