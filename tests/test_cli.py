"""The command line as its users meet it: exit codes, one sentence for each error, files whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

import hybrid
from hybrid import bench
from hybrid.bench.table import Row
from hybrid.plugins import cli as command_line
from hybrid.plugins.cli import PluginCommand, cli
from hybrid.plugins.cli_linear import read_weight
from hybrid.systems.plants import nonlinear_plants, pde_plants

ROOT = Path(__file__).resolve().parent.parent
STABLE = "A = [[0, 1], [-2, -3]]\nB = [[0], [1]]\n"
UNSTABLE = "A = [[1, 0], [0, -2]]\nB = [[1], [0]]\n"
HUGE = 'A = [["1e400"]]\n'
STUCK = "A = [[1, 0], [0, 2]]\nB = [[1], [0]]\n"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder that holds three small plants."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("stable", STABLE), ("unstable", UNSTABLE), ("stuck", STUCK), ("huge", HUGE)):
        Path(f"{name}.toml").write_text(text)

    def invoke(*words: str, stdin: str | bytes | None = None, **options: Any) -> Result:
        return CliRunner().invoke(cli, words, input=stdin, catch_exceptions=False, **options)

    return invoke


def process(
    *words: str, cwd: Path = ROOT, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """A real process, from a bare checkout."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "hybrid", *words]
    return subprocess.run(command, cwd=cwd, input=stdin, env=variables, capture_output=True, check=False)


# Exit codes and text


@pytest.mark.parametrize(
    ("words", "code", "first_line"),
    [
        (["stability", "stable.toml"], 0, "PROVED: the system is stable: every pole of A has real part below 0."),
        (["stability", "stable.toml", "--decay", "1/2"], 0, "PROVED: every pole of A has real part below -0.5;"),
        (["stability", "stable.toml", "--decay", "1"], 1, "DISPROVED: not every pole of A has real part below -1;"),
        (["stability", "stable.toml", "--damping", "0.5"], 0, "PROVED: every pole of A has real part below 0 and"),
        (["stability", "unstable.toml"], 1, "DISPROVED: the system is unstable: A has a pole of real part"),
        (["controllability", "stable.toml"], 0, "PROVED: the system is controllable"),
        (["controllability", "unstable.toml"], 1, "DISPROVED: the system is uncontrollable"),
        (["stabilizability", "unstable.toml"], 0, "PROVED: the system is stabilizable"),
        (["stabilizability", "unstable.toml", "--decay", "2"], 1, "DISPROVED: the system is not stabilizable"),
        (["observability", "dc-motor"], 0, "PROVED: the system is observable"),
        (["detectability", "dc-motor"], 0, "PROVED: the system is detectable"),
        (["feedback", "unstable.toml"], 0, "PROVED: the system is stabilised: with u = -K x every pole"),
        (["feedback", "stuck.toml"], 1, "DISPROVED: no gain K gives every pole real part below 0"),
        (["feedback", "stuck.toml", "--poles", "-1,-3"], 1, "DISPROVED: no gain K places these poles"),
    ],
)
def test_exit_codes_and_first_lines(run: Run, words: list[str], code: int, first_line: str) -> None:
    result = run(*words)
    assert result.stdout.startswith(first_line)
    assert result.exit_code == code
    assert result.stderr == ""


def test_an_undecided_question_ends_with_3_and_saves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid.answer import Answer, Reason, Route, Status, Verdict
    from hybrid.pole_region import Region
    from hybrid.question import FeedbackQuestion

    def undecided(system: Any, **_: Any) -> Answer:
        question = FeedbackQuestion(system, Region())
        reason = Reason.GAIN_NOT_PROVED
        return Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, reason=reason)

    monkeypatch.setattr(hybrid, "feedback", undecided)
    result = run("feedback", "unstable.toml", "--save", "k.json")
    assert result.exit_code == 3
    assert result.stdout.startswith("UNDECIDED: No gain in double precision was proved")
    assert "k.json not written" in result.stderr
    assert not Path("k.json").exists()


def test_weights_and_poles_reach_the_solver(run: Run) -> None:
    document = json.loads(run("feedback", "double-integrator", "--poles", "-1+1j,-1-1j", "--json").stdout)
    assert document["gain"] == [[2.0, 2.0]]
    document = json.loads(run("feedback", "double-integrator", "--Q", "1,0", "--R", "[[1]]", "--json").stdout)
    assert document["gain"] == [[pytest.approx(1, rel=1e-4), pytest.approx(2**0.5, rel=1e-4)]]


def test_quiet_prints_nothing(run: Run) -> None:
    result = run("stability", "unstable.toml", "--quiet")
    assert (result.exit_code, result.output) == (1, "")


def test_standard_input_is_a_system(run: Run) -> None:
    result = run("stability", "-", stdin="A: [[-1]]\n")
    assert result.stdout.startswith("PROVED")
    assert run("stability", "-", stdin="nonsense").exit_code == 2


def test_a_file_wins_over_a_plant_of_its_name(run: Run) -> None:
    assert run("stability", "dc-motor").exit_code == 0
    Path("dc-motor").mkdir()
    assert run("stability", "dc-motor").exit_code == 0
    Path("dc-motor").rmdir()
    Path("dc-motor").write_text(UNSTABLE)
    assert "dc-motor" in run("stability", "dc-motor").stderr  # a file without a suffix has no format


# JSON


def test_json_holds_the_whole_answer(run: Run) -> None:
    result = run("feedback", "unstable.toml", "--json")
    assert result.stdout.count("\n") == 1
    document = json.loads(result.stdout)
    assert list(document) == [
        "status", "verdict", "route", "abscissa", "gain", "poles", "dimension", "reason", "notes", "timings",
        "trials", "system", "certificate",
    ]  # fmt: skip
    assert (document["status"], document["verdict"]) == ("proved", "stabilised")
    assert document["system"] == {"name": "unstable", "n": 2, "m": 1, "p": 2, "dt": None}
    assert hybrid.check(document["certificate"]).valid


def test_json_errors_are_objects_too(run: Run) -> None:
    result = run("stability", "stable.toml", "--decay", "fast", "--json")
    error = json.loads(result.stdout)["error"]
    assert (error["type"], error["field"]) == ("ParseError", "decay")
    assert result.stderr.count("\n") == 1
    assert result.exit_code == 2


def test_json_and_quiet_exclude_each_other(run: Run) -> None:
    result = run("stability", "stable.toml", "--json", "--quiet")
    assert result.exit_code == 2
    assert "exclude each other" in json.loads(result.stdout)["error"]["message"]


# Certificates


def test_a_saved_certificate_is_checked_and_a_tampered_one_refused(run: Run) -> None:
    saved = run("feedback", "unstable.toml", "--decay", "0.5", "--save", "k.json")
    assert "re-check" in saved.stdout
    assert "hybrid check k.json" in saved.stdout
    assert run("check", "k.json").stdout.startswith("VALID: ")
    assert json.loads(run("check", "k.json", "--json").stdout)["valid"] is True
    Path("k.json").write_text(Path("k.json").read_text().replace('"0.5"', '"0.75"', 1))
    refused = run("check", "k.json")
    assert refused.exit_code == 4
    assert refused.stdout.startswith("REFUSED: ")
    assert run("check", "k.json", "--quiet").output == ""
    assert json.loads(run("check", "k.json", "--json").stdout)["valid"] is False


def test_a_certificate_of_another_system_is_refused_on_request(run: Run) -> None:
    run("feedback", "unstable.toml", "--save", "k.json")
    assert run("check", "k.json", "--system", "unstable.toml").exit_code == 0
    Path("other.toml").write_text(UNSTABLE.replace("-2", "-2.000000000000000001"))
    result = run("check", "k.json", "--system", "other.toml")
    assert result.exit_code == 4
    assert "It speaks about another system: A differs from other.toml." in result.stdout
    Path("sampled.toml").write_text(UNSTABLE + "dt = 0.1\n")
    assert "dt differs" in run("check", "k.json", "--system", "sampled.toml").stdout


def test_a_certificate_comes_from_standard_input_too(run: Run) -> None:
    run("stability", "stable.toml", "--save", "s.json")
    assert run("check", "-", stdin=Path("s.json").read_bytes()).exit_code == 0


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_certificate_is_bad_input(run: Run, content: bytes | None) -> None:
    if content is not None:
        Path("k.json").write_bytes(content)
    result = run("check", "k.json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("hybrid: k.json")
    assert result.stderr.count("\n") == 1


# Bad input


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ragged.toml", b"A = [[1, 2], [3]]", "row 2"),
        ("wide.toml", b"A = [[1, 2]]", "square"),
        ("shapes.toml", b"A = [[1]]\nB = [[1], [2]]", "B: got"),
        ("nan.toml", b"A = [[nan]]", "finite number"),
        ("inf.json", b'{"A": [[Infinity]]}', "finite number"),
        ("key.toml", b"A = [[1]]\nE2 = 3", "E2"),
        ("empty.toml", b"", "A"),
        ("none.json", b'{"A": []}', "A"),
        ("dt.toml", b"A = [[1]]\ndt = -0.1", "dt"),
        ("tag.yaml", b"A: !!python/object/apply:os.system [echo]", "tag"),
        ("text.mat", b"this is no MATLAB file" * 20, "text.mat"),
        ("text.npz", b"this is no zip file", "text.npz"),
        ("folder.toml", None, "folder.toml"),
    ],
)
def test_bad_files_end_in_one_sentence(run: Run, name: str, content: bytes | None, words: str) -> None:
    if content is None:
        Path(name).mkdir()
    else:
        Path(name).write_bytes(content)
    before = sorted(Path().iterdir())
    result = run("stability", name, "--save", "c.json", "--plot", "p.png")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("hybrid: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("stability missing.toml", "SYSTEM: got missing.toml, expected an existing file"),
        ("stability cart-pol", "close names: cart-pole"),
        ("stability stable.toml --decay nan", "decay"),
        ("stability stable.toml --decay 1e99999", "decay"),
        ("stability stable.toml --damping 1", "damping"),
        ("stability stable.toml --colour", "No such option"),
        ("stability", "Missing argument 'SYSTEM'"),
        ("stability stable.toml unstable.toml", "unexpected extra argument"),
        ("stabilise stable.toml", "No such command"),
        ("observability stable.toml", "C: got nothing"),
        ("feedback stable.toml --poles -1", "poles: got 1 poles, expected 2"),
        ("feedback stable.toml --poles -1+1j,-1", "poles"),
        ("feedback stable.toml --poles -1,x", "poles[2]"),
        ("feedback stable.toml --poles -1,1", "real part below 0"),
        ("feedback stable.toml --poles -1,-2 --Q 1", "either poles or the weights"),
        ("feedback stable.toml --Q 1,2,3", "Q: got a diagonal of 3 numbers, expected 2 numbers"),
        ("feedback stable.toml --Q [[1,2],[3,4]]", "symmetric"),
        ("feedback stable.toml --Q -1", "Q"),
        ("feedback stable.toml --R 0", "R"),
        ("feedback stable.toml --R [[", "R"),
        ("feedback stable.toml --model m.onnx --no-model", "exclude each other"),
        ("feedback stable.toml --model missing.onnx", "missing.onnx"),
        ("stability stable.toml --save nowhere/c.json", "--save"),
        ("stability stable.toml --save .", "--save"),
        ("stability stable.toml --plot poles.doc", ".png, .svg or .pdf"),
        ("stability huge.toml --plot poles.png", "beyond the range of doubles"),
        ("plants cart-pol", "cart-pole"),
        ("completion tcsh", "'tcsh' is not one of"),
    ],
)
def test_bad_calls_end_in_one_sentence(run: Run, command: str, words: str) -> None:
    before = sorted(Path().iterdir())
    result = run(*command.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("hybrid: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert sorted(Path().iterdir()) == before


def test_no_command_shows_the_help(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "hybrid feedback        plant.toml --decay 0.5 --save k.json" in result.stdout


def test_a_fault_of_ours_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("seven")

    monkeypatch.setattr(hybrid, "stability", broken)
    result = run("stability", "stable.toml")
    assert result.exit_code == 70
    assert "internal error, please report it: ZeroDivisionError: seven" in result.stderr
    monkeypatch.setenv("HYBRID_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run("stability", "stable.toml")


@pytest.mark.parametrize(
    ("text", "matrix"),
    [
        ("2", [["2", 0], [0, "2"]]),
        ("0.1,1/3", [["0.1", 0], [0, "1/3"]]),
        ("[1, 10]", [["1", 0], [0, "10"]]),
        ("[[2, 1], [1, 0.1]]", [["2", "1"], ["1", "0.1"]]),
    ],
)
def test_weights_keep_their_digits(text: str, matrix: list[Any], tmp_path: Path) -> None:
    assert read_weight(text, "Q", 2) == matrix
    file = tmp_path / "weight.txt"
    file.write_text(text)
    assert read_weight(str(file), "Q", 2) == matrix


# Plots


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_plots_are_written(run: Run, suffix: str, start: bytes) -> None:
    result = run("feedback", "unstable.toml", "--decay", "0.5", "--plot", f"poles{suffix}")
    assert result.exit_code == 0
    assert Path(f"poles{suffix}").read_bytes().startswith(start)


@pytest.mark.parametrize("plant", ["sampled-double-integrator", "two-mass-spring", "mass-spring-chain"])
def test_plots_of_unusual_planes(run: Run, plant: str) -> None:
    assert run("stability", plant, "--plot", "poles.svg").exit_code == 1
    assert "poles of A" in Path("poles.svg").read_text()


def test_an_error_while_drawing_saves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> bytes:
        raise hybrid.ProblemError("plot", "x", "y")

    monkeypatch.setattr("hybrid.plot.pole_plot", broken)
    result = run("stability", "stable.toml", "--save", "c.json", "--plot", "p.png")
    assert result.exit_code == 2
    assert not Path("c.json").exists()


# Plants, doctor, bench, completion


def test_plants_are_listed_and_shown(run: Run) -> None:
    names = [plant.name for plant in (*hybrid.plants(), *nonlinear_plants(), *pde_plants())]
    listed = run("plants").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == names
    shown = run("plants", "cart-pole").stdout
    assert hybrid.plant("cart-pole").citation in shown
    summaries = json.loads(run("plants", "--json").stdout)["plants"]
    assert [summary["name"] for summary in summaries] == names


def test_a_plant_printed_as_json_can_be_asked_about(run: Run) -> None:
    printed = run("plants", "cart-pole", "--json").stdout
    Path("mine.json").write_text(printed)
    assert hybrid.read("mine.json") == hybrid.plant("cart-pole").system


def test_doctor_looks_at_everything(run: Run) -> None:
    result = run("doctor", "--json")
    document = json.loads(result.stdout)
    found = {finding["subject"]: finding for finding in document["findings"]}
    assert {
        "python",
        "hybrid",
        "numpy",
        "python-flint",
        "ctrlsys",
        "arithmetic",
        "onnxruntime",
        "torch",
    } <= found.keys()
    assert found["arithmetic"]["level"] == "ok"
    models = {subject: finding["level"] for subject, finding in found.items() if subject.endswith(".onnx")}
    assert len(models) == 31
    assert set(models.values()) == {"ok"}
    assert result.exit_code == (0 if document["ok"] else 1)
    assert "python-flint" in run("doctor").stdout


def test_doctor_explains_a_clash_of_runtimes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid.plugins import doctor

    versions = {"onnxruntime": "1.20.0", "onnxruntime-gpu": "1.21.0"}
    monkeypatch.setattr(doctor, "_version", lambda package: versions.get(package, "9"))
    result = run("doctor")
    assert result.exit_code == 1
    assert "onnxruntime 1.20.0, onnxruntime-gpu 1.21.0: the two overwrite each other's files" in result.stdout
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in result.stdout


def test_doctor_compares_models_with_their_cards(tmp_path: Path) -> None:
    from hybrid.plugins.doctor import examine_model

    model, card = tmp_path / "m.onnx", tmp_path / "m.json"
    model.write_bytes(b"weights")
    card.write_text(json.dumps({"task": "feedback", "sha256": "0" * 64}))
    assert "differs from the sha256" in examine_model(model).found
    card.write_text(json.dumps({"sha256": hashlib.sha256(b"weights").hexdigest()}))
    assert "cannot propose" in examine_model(model).found
    card.write_text("[]")
    assert "no readable card" in examine_model(model).found
    card.unlink()
    assert "no readable card" in examine_model(model).found


def test_bench_prints_the_rows_that_it_gets(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("stability n=4", 60.0, "Arb", 300.0, 0.2, "≤ 0.5 ×", True, "53 bits")
    rows = [asdict(row)]

    def given(selection: tuple[str, ...], *, quick: bool) -> list[Any]:
        return rows if quick and selection == ("stability",) else []

    monkeypatch.setattr(bench, "rows", given)
    assert "stability n=4  60.0 µs  Arb" in run("bench", "stability", "--quick").stdout
    assert "| stability n=4 | 60.0 µs | Arb |" in run("bench", "stability", "--quick", "--markdown").stdout
    assert json.loads(run("bench", "stability", "--quick", "--json").stdout) == {"rows": rows}


def test_bench_names_its_jobs(run: Run) -> None:
    assert run("bench", "weather").exit_code == 2
    assert all(job in run("bench", "--help").stdout for job in bench.JOBS)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    assert "_HYBRID_COMPLETE" in run("completion", shell).stdout


@pytest.mark.parametrize(
    ("line", "expected", "unexpected"),
    [
        ("hybrid stab", {"plain,stability", "plain,stabilizability"}, "plain,feedback"),
        ("hybrid feedback cart", {"plain,cart-pole", "plain,cart.toml"}, "plain,cart.txt"),
        ("hybrid plants cart", {"plain,cart-pole"}, "plain,cart.toml"),
        ("hybrid feedback elsewhere/", {"file,elsewhere/"}, "plain,cart-pole"),
    ],
)
def test_completion_knows_commands_plants_and_files(
    tmp_path: Path, line: str, expected: set[str], unexpected: str
) -> None:
    for name in ("cart.toml", "cart.txt"):
        (tmp_path / name).touch()
    words = str(len(line.split()) - 1)
    done = process(cwd=tmp_path, _HYBRID_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=words)
    offered = set(done.stdout.decode().split())
    assert expected <= offered
    assert unexpected not in offered


# Plugins


class EntryPoint(SimpleNamespace):
    """What importlib.metadata gives: a name, a value, a distribution, and load()."""

    def load(self) -> Any:
        if isinstance(self.target, Exception):
            raise self.target
        return self.target


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.option("--name", default="world")
    def hello(name: str) -> int:
        click.echo(f"hello {name}")
        return 5

    targets = {"hello": hello, "broken": ImportError("no module named nowhere"), "odd": "text", "stability": hello}
    dist = SimpleNamespace(name="hybrid-hello")
    found = {
        name: PluginCommand(EntryPoint(name=name, value=f"hello:{name}", dist=dist, target=target))
        for name, target in targets.items()
    }
    monkeypatch.setattr(command_line, "plugin_commands", lambda: found)


@pytest.mark.usefixtures("plugins")
def test_a_plugin_adds_a_command_and_its_return_value_is_no_exit_code(run: Run) -> None:
    result = run("hello", "--name", "pole")
    assert (result.exit_code, result.stdout) == (0, "hello pole\n")
    assert "hello            From the plugin hybrid-hello." in run("--help").stdout


@pytest.mark.usefixtures("plugins")
def test_a_broken_plugin_is_named_and_breaks_nothing_else(run: Run) -> None:
    for name, cause in (("broken", "no module named nowhere"), ("odd", "is no click command")):
        result = run(name)
        assert result.exit_code == 2
        assert f"hybrid: plugin '{name}' could not be loaded" in result.stderr
        assert cause in result.stderr
    assert run("stability", "stable.toml").stdout.startswith("PROVED")
    assert run("--help").stderr == ""
    doctor = json.loads(run("doctor", "--json").stdout)
    levels = {finding["subject"]: finding["level"] for finding in doctor["findings"]}
    assert levels["plugin hello"] == "ok"
    assert levels["plugin broken"] == levels["plugin odd"] == levels["plugin stability"] == "warn"


# Real processes


def test_python_m_hybrid_proves_a_gain_that_can_be_checked(tmp_path: Path) -> None:
    (tmp_path / "plant.toml").write_text(UNSTABLE)
    assert process("feedback", "plant.toml", "--save", "k.json", cwd=tmp_path).returncode == 0
    assert process("check", "k.json", cwd=tmp_path).returncode == 0


def test_colours_are_for_terminals_that_want_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in run("stability", "stable.toml", color=True).stdout
    assert "\x1b[" not in run("stability", "stable.toml").stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("stability", "stable.toml", color=True).stdout


def test_a_terminal_without_greek_letters_still_gets_its_help() -> None:
    done = process("feedback", "--help", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stderr == b""


def test_a_reader_that_goes_away_ends_quietly_and_an_interrupt_in_one_sentence(tmp_path: Path) -> None:
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "hybrid"]
    with subprocess.Popen(
        [*command, "plants"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert listing.stderr.read() == b""
        assert listing.wait() == 141
    with subprocess.Popen(
        [*command, "stability", "-"],
        env=variables,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits "ignore"
    ) as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=2)
        waiting.send_signal(signal.SIGINT)
        try:
            _, told = waiting.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            waiting.kill()
            raise
        assert told.strip() == b"hybrid: interrupted"
        assert waiting.returncode == 130


@pytest.mark.parametrize(
    "command", ["--help", "stability dc-motor", "feedback --help", "plants", "check --help", "doctor --help"]
)
def test_start_up_loads_nothing_heavy(command: str) -> None:
    heavy = ("sympy", "control", "scipy", "matplotlib", "onnxruntime", "rich", "torch", "yaml")
    script = (
        "import sys; from hybrid.plugins.cli import cli\n"
        f"try: cli.main({command.split()!r})\n"
        f"except SystemExit: print('LOADED', [m for m in {heavy!r} if m in sys.modules])"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, check=True)
    assert done.stdout.decode().splitlines()[-1] == "LOADED []"
