"""What README promises exists: its two commands, every `hybrid …`, every option."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

import hybrid
from hybrid.plugins.cli import OWN_COMMANDS, CommandLine

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOR_USERS = README.split("## For developers")[0]  # below, options are those of the training programs
CODE = [
    *re.findall(r"^```[a-z]*\n(.*?)^```$", FOR_USERS, re.MULTILINE | re.DOTALL),
    *re.findall(r"`([^`\n]+)`", FOR_USERS),
]


def command(mark: str) -> str:
    """The one line of the code block under `<!-- mark -->`."""
    found = re.findall(rf"^<!-- {mark} -->\n```[a-z]*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    lines = found[0].splitlines()
    assert len(lines) == 1, "a single line that does all its own set-up"
    return str(lines[0])


def commands() -> dict[str, click.Command]:
    group = CommandLine("hybrid")
    found = {name: group.get_command(click.Context(group), name) for name in OWN_COMMANDS}
    return {name: each for name, each in found.items() if each is not None}


def test_the_main_command_proves_a_gain() -> None:
    line = command("main")
    assert line.startswith("python3 -m venv .venv && ")
    assert re.search(r"\.venv/bin/pip install [^&]*\.(\s|$)", line)
    plant = re.search(r"\.venv/bin/hybrid feedback ([a-z-]+)$", line)
    assert plant is not None
    assert hybrid.feedback(hybrid.plant(plant[1])).verdict is hybrid.Verdict.STABILISED


def test_the_test_command_installs_what_the_tests_need() -> None:
    line = command("tests")
    assert line.startswith("python3 -m venv .venv && ")
    assert "'.[train,test]'" in line
    assert line.endswith(".venv/bin/python -m pytest -q")


def test_the_two_commands_come_first() -> None:
    blocks = re.findall(r"^(?:<!-- (\w+) -->\n)?```", README, re.MULTILINE)
    assert [mark for mark in blocks if mark] == ["main", "tests"]
    assert blocks[0] == "main"
    assert README.startswith("# hybrid")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_ci_runs_the_test_command_to_the_letter(tmp_path: Path) -> None:
    """.ci/run on a clone whose ruff, mypy, pip and pytest only say that they were called."""
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    (tmp_path / ".ci").mkdir()
    shutil.copy(script, tmp_path / ".ci/run")
    shutil.copy(ROOT / "README.md", tmp_path)
    tools = tmp_path / "tools"
    bin_ = tmp_path / ".venv/bin"
    tools.mkdir()
    bin_.mkdir(parents=True)
    for file in (tools / "python3", *(bin_ / name for name in ("pip", "ruff", "mypy", "python", "hybrid"))):
        file.write_text(f'#!/bin/sh\necho "{file.name} $*"\n', encoding="utf-8")
        file.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run([tmp_path / ".ci/run"], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert f"+ {command('tests')}" in lines
    after = lines[lines.index(f"+ {command('tests')}") + 1 :]
    assert after == [step.removeprefix(".venv/bin/").replace("'", "") for step in command("tests").split(" && ")]
    assert any(line.startswith("ruff check") for line in lines)
    assert any(line.startswith("mypy") for line in lines)
    (tmp_path / "README.md").write_text("# hybrid\n", encoding="utf-8")
    ran = subprocess.run([tmp_path / ".ci/run"], capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert ran.returncode == 1


def test_every_command_in_readme_exists() -> None:
    named = {name for block in CODE for name in re.findall(r"(?:^|[/\s])hybrid +([a-z][a-z-]*)", block)}
    assert {"stability", "controllability", "feedback", "check"} <= named
    assert named <= set(commands())


def test_every_command_is_in_readme() -> None:
    words = {word for block in CODE for word in re.findall(r"[a-z][a-z-]*", block)}
    assert set(OWN_COMMANDS) <= words


def test_every_option_in_readme_exists() -> None:
    groups = [each.commands.values() for each in commands().values() if isinstance(each, click.Group)]
    each_command = [*commands().values(), *(each for group in groups for each in group)]
    known = {option for each in each_command for parameter in each.params for option in parameter.opts}
    lines = [line for block in CODE for line in block.splitlines() if "python" not in line]
    named = {name for line in lines for name in re.findall(r"(?<!\S)--[a-zA-Z-]+", line)}
    assert {"--decay", "--save", "--json", "--no-model"} <= named
    assert named <= known


def test_every_demonstration_plant_in_readme_exists() -> None:
    pattern = r"hybrid +(?:feedback|stability|equilibria|region|simulate) +([a-z]+(?:-[a-z]+)*)(?=\s|$)"
    named = {name for block in CODE for name in re.findall(pattern, block, re.MULTILINE)}
    assert "cart-pole" in named
    for name in named:
        assert hybrid.plant(name).name == name
