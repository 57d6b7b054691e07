"""Screening: every verdict is the one by construction, whoever guesses; bad lines, order, processes, limits."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import Rows, block_diagonal, jordan, pair, product, similarity
from click.testing import CliRunner

import hybrid
from hybrid.batch import lines as reading
from hybrid.batch import screen
from hybrid.batch.guesses import score
from hybrid.batch.lines import Line, Refusal, lines_of, read_candidate
from hybrid.batch.screened import Screened
from hybrid.batch.workers import rows_here, rows_in_order
from hybrid.errors import HybridError, ModelError, ProblemError
from hybrid.plugins.cli import cli
from hybrid.propose import readings

# Systems with a chosen spectrum, in bent coordinates: z = A z with z1 = x1, z2 = x2 + x1², z3 = x3 + x2², …


def bent(A: Rows) -> str:
    """The equations of z' = A z in x, on one line; the Jacobian at 0 is A."""
    n = len(A)
    z = ["x1", *(f"(x{i + 1} + x{i}^2)" for i in range(1, n))]
    told = []
    for i, row in enumerate(A):
        linear = " + ".join(f"({entry})*{z[j]}" for j, entry in enumerate(row))
        told.append(f"f{i + 1} = {linear}" + (f" - 2*x{i}*f{i}" if i else ""))
    return "; ".join([*told, *(f"x{i}' = f{i}" for i in range(1, n + 1))])


def by_construction(seed: int) -> tuple[str, str, Fraction]:
    """A line, its verdict and its abscissa."""
    rng = random.Random(seed)
    abscissa = Fraction(rng.choice((-3, -1, 2, 5)), rng.choice((2, 7, 10)))
    blocks = [jordan(abscissa, 1), pair(abscissa - Fraction(1, 3), 2)][: rng.randint(1, 2)]
    inside = block_diagonal(*blocks, *([jordan(abscissa - 1, rng.randint(1, 2))] if rng.random() < 0.5 else []))
    S, inverse = similarity(len(inside), seed)
    return bent(product(S, inside, inverse)), "stable" if abscissa < 0 else "unstable", abscissa


KNOWN = [by_construction(seed) for seed in range(24)]


def verdicts(rows: Any) -> list[tuple[int, str, str, str]]:
    return [(row.line, row.status, row.verdict, row.reason) for row in rows]


class Network:
    """In place of the networks: says what a test wants."""

    what: Any = None

    def __init__(self, folder: Any = None) -> None:
        self.random = np.random.default_rng(3)

    def read(self, systems: Sequence[Any], points: Sequence[Any], task: str) -> list[Any]:
        return [self.one(system, point) for system, point in zip(systems, points, strict=True)]

    def one(self, system: Any, point: Any) -> Any:
        raise NotImplementedError


def reading_of(jacobian: Any, verdict: float | None = None) -> Any:
    return readings.Reading(jacobian, verdict, None, None)


class Random(Network):
    """A network with other weights."""

    def one(self, system: Any, point: Any) -> Any:
        shape = system.states, system.states + system.inputs
        size = 10.0 ** self.random.integers(-3, 4)
        return reading_of((self.random.normal(size=shape) * size).astype(complex), float(self.random.random()))


class Mad(Network):
    """A network that says what no network should."""

    def one(self, system: Any, point: Any) -> Any:
        said = (np.full((system.states,) * 2, np.nan, complex), np.zeros((1, 7), complex), np.full((2, 2), np.inf + 0j))
        return reading_of(said[self.random.integers(3)], float(self.random.choice([np.nan, np.inf, -5.0])))


class Broken(Network):
    def one(self, system: Any, point: Any) -> Any:
        raise ValueError("no weights")


class Perfect(Network):
    """A network that is always right."""

    def one(self, system: Any, point: Any) -> Any:
        found = system.system().linearise(dict(zip(system.state_names, np.real(point).tolist(), strict=True)))
        return reading_of(found.A.astype(complex))


@pytest.mark.parametrize("guess", ["none", "derivative", "network"])
def test_verdicts_are_those_by_construction(guess: str) -> None:
    rows = list(screen([line for line, *_ in KNOWN], guess=guess))
    for row, (_, verdict, abscissa) in zip(rows, KNOWN, strict=True):
        assert row.verdict == verdict
        assert row.status == ("proved" if verdict == "stable" else "disproved")
        assert row.abscissa is not None
        assert row.abscissa[0] <= abscissa <= row.abscissa[1]
        assert row.rate == (-row.abscissa[1], -row.abscissa[0])
        assert row.route == "exact"
    assert [row.line for row in rows] == list(range(1, len(KNOWN) + 1))


@pytest.mark.parametrize("network", [Random, Mad, Broken, Perfect])
@pytest.mark.parametrize("ask", ["stability", "speed"])
def test_no_network_changes_a_verdict(monkeypatch: pytest.MonkeyPatch, network: type[Network], ask: str) -> None:
    monkeypatch.setattr(readings, "Networks", network)
    rows = list(screen([line for line, *_ in KNOWN], ask, model_first=True, certificates=True))
    for row, (_, verdict, abscissa) in zip(rows, KNOWN, strict=True):
        assert row.verdict == verdict
        assert row.abscissa is not None
        assert row.abscissa[0] <= abscissa <= row.abscissa[1]
        assert row.certificate is not None
        assert hybrid.check(row.certificate).valid
        json.dumps(row.to_dict(), allow_nan=False)
    by_model = sum(row.route == "model" for row in rows)
    if ask == "speed" or network in (Mad, Broken):
        assert by_model == 0
    elif network is Perfect:  # Jordan blocks have no eigenvectors to make a Lyapunov matrix of
        assert by_model > len(KNOWN) / 2


def test_controllability() -> None:
    lines = [
        {"equations": {"x": "y + x^2", "y": "u*exp(x) - x^3"}, "inputs": ["u"]},
        {"equations": ["x1", "x0*x1 + u0", "-x2 + x2*u0"], "controls": 1},
        "x' = y; y' = u",
    ]
    rows = list(screen(lines, "controllability", inputs=["u"]))
    assert [row.verdict for row in rows] == ["controllable", "uncontrollable", "controllable"]
    assert next(screen(["x' = -x"], "controllability")).status == "refused"


def test_points() -> None:
    pendulum = "x' = y; y' = -sin(x) - y/10"
    assert [row.verdict for row in screen([pendulum], at={"x": "pi", "y": 0})] == ["unstable"]
    assert [row.verdict for row in screen([pendulum], at_all="0")] == ["stable"]
    own = {"equations": pendulum, "at": {"x": "pi", "y": 0}}
    assert [row.verdict for row in screen([own])] == ["unstable"]
    assert [row.verdict for row in screen([own], at_all=0)] == ["stable"]  # an option wins
    assert [row.verdict for row in screen([own], at={"x": 0})] == ["stable"]
    (row,) = screen(["x' = 1 - x^2"])  # without a point, the equilibrium near the origin
    assert row.point is not None
    assert abs(row.point["x"]) == 1
    (row,) = screen(["x' = 1 + x"], at_point=True)
    assert (row.verdict, row.point) == ("unstable", {"x": 0.0})
    (row,) = screen(["x' = 1 + x"], at_all="1/100")
    assert row.status == "undecided"
    assert "equilibrium" in row.reason
    (row,) = screen(["x' = -x"], at={"z": 1})
    assert row.reason == "line 1: at: got z, expected one of x"


@pytest.mark.parametrize("value", ["1e400", "1e-400", "pi", "1/0", "nan", "0x1p5000", "9" * 3000, "exp(1000)"])
@pytest.mark.parametrize("guess", ["network", "derivative"])
def test_points_far_away(value: str, guess: str) -> None:
    rows = list(screen(["x' = -x*exp(x)", "x' = -x"], at_all=value, at_point=True, guess=guess))
    for row in rows:
        assert row.status in ("proved", "disproved", "refused", "undecided")
        assert "internal error" not in row.reason
        json.dumps(row.to_dict(), allow_nan=False)
    if value in ("1e400", "1e-400", "pi", "exp(1000)"):
        assert rows[1].verdict == "stable"


# The file


def file_of(*lines: str | bytes) -> io.BytesIO:
    return io.BytesIO(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))


BAD = {
    "x' = -x; y' =": "expected",
    "x' = -z": "a declared input",
    "no equations at all": "expected equations",
    "x' = x^100000000": "expected at most 1000",
    "x' = " + "(" * 5000 + "x" + ")" * 5000: "expected",
    "x' = " + "9" * 5000: "expected at most",
    "x' = 1/0": "divisor",
    "x' = __import__('os')": "expected",
    "\x00\x01\x02": "expected",
    "{": "JSON",
    '{"equations": ["-x0"], "equations": ["x0"]}': "twice",
    '{"equations": ' + "[" * 3000 + "]" * 3000 + "}": "expected",
    '{"equations": ["-x0"], "sates": ["x"]}': "got sates, expected one of",
    '{"equations": ["-x0", "-x1"], "states": ["x0"]}': "unknown symbol x1",
    '{"equations": ["-x0"], "at": {"x0": 1}, "point": {"x0": 1}}': "one of the two",
    '{"equations": ["-x0"], "at": {"x0": "nan"}}': "x0",
    '{"equations": ["-x0"], "at": [1, 2]}': "2 values",
    '{"equations": ["-x0"], "controls": 1e9}': "controls",
    '{"equations": 7}': "equations",
    '{"equations": ["-x0"], "name": {}}': "expected text",
    '{"task": "fourier", "equations": ["x0"], "initial_condition": "1"}': "hybrid pde",
    "[1, 2]": "expected",
    "null": "expected",
}


@pytest.mark.parametrize("guess", ["none", "network"])
def test_bad_lines_are_refused_and_the_others_go_on(guess: str) -> None:
    good = "x' = -x"
    given = [each for bad in BAD for each in (bad, good)]
    rows = list(screen(file_of(*given), guess=guess))
    for number, (row, text) in enumerate(zip(rows, given, strict=True), 1):
        assert row.line == number
        assert row.status == ("proved" if text == good else "refused"), row
        if text != good:
            assert row.reason.startswith(f"line {number}: ")
            assert BAD[text] in row.reason
            assert len(row.reason) < 600
            assert row.reason.isprintable()


def test_lines_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 30)
    file = file_of("\ufeff# comment", "", "x' = -x", "y" * 30, b"y" * 31, b"\xff\xfe", b"z" * 100, "  w' = w\r", "v'=v")
    found = list(lines_of(file))
    assert [line.number for line in found] == [3, 4, 5, 6, 7, 8, 9]
    assert [line.content for line in found if not isinstance(line.content, Refusal)] == [
        "x' = -x", "y" * 30, "w' = w", "v'=v"
    ]  # fmt: skip
    assert [line.content for line in found if isinstance(line.content, Refusal)] == [
        "got more than 30 bytes, expected at most that many",
        "got the byte 0xff, expected text in UTF-8",
        "got more than 30 bytes, expected at most that many",
    ]
    monkeypatch.setattr(reading, "MAX_LINES", 3)
    with pytest.raises(ProblemError, match="line 4: got one line more, expected at most 3 lines"):
        list(lines_of(file_of("x' = x", "", "", "", "")))


def test_the_papers_lines() -> None:
    found = read_candidate('{"task": "control_t", "degree": 1, "controls": 1, "equations": ["t*x0 + u0"], "answer": 1}')
    assert (found.system.states, found.system.inputs, found.system.free) == (("x0",), ("u0",), ("t",))
    assert found.tokens().has_time
    found = read_candidate('{"equations": ["x1", "asin(6)*x0"], "point": {"x0": 0.01, "x1": 0.01}}')
    assert found.at == {"x0": "0.01", "x1": "0.01"}
    assert found.tokens().equations[1] == ("*", "asin", "INT+", "6", "x0")
    (row,) = screen(['{"equations": ["x1", "asin(6)*x0"]}'], paper=True)
    assert row.verdict == "unstable"
    assert row.paper is None or row.paper < 0  # the bounds of a network's proof may be too wide for three digits
    (row,) = screen(['{"equations": ["x1", "asin(6)*x0"]}'], "speed", paper=True)
    assert row.rate is not None
    assert row.paper == float(f"{row.rate[0]:.2e}")


def test_strict() -> None:
    rows = screen(["x' = -x", "x' =", "x' = x"], strict=True)
    assert next(rows).status == "proved"
    with pytest.raises(HybridError, match=r"^line 2: equations"):
        next(rows)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"ask": "weather"}, "ask"),
        ({"find": "controllable"}, "find"),
        ({"count": 3}, "count"),
        ({"find": "stable", "count": 0}, "count"),
        ({"jobs": 0}, "jobs"),
        ({"jobs": True}, "jobs"),
        ({"timeout": -1.0}, "timeout"),
        ({"guess": "oracle"}, "guess"),
        ({"guess": "none", "model_first": True}, "guess"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ProblemError, match=f"^{field}: got"):
        screen(["x' = -x"], **options)


def test_a_folder_without_a_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no equations\.onnx"):
        screen(["x' = -x"], model=tmp_path)
    (tmp_path / "equations.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        list(screen(["x' = -x"], model=tmp_path))
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        list(screen(["x' = -x"], model=tmp_path, jobs=2))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="a directory"):
        list(screen(tmp_path))
    with pytest.raises(ProblemError, match="no such file"):
        list(screen(tmp_path / "absent"))


# Looking for what is rare

MANY = ["x' = x"] * 60 + ["x' = -x", "x' = -2*x", "x' = "] + ["x' = 2*x"] * 60


@pytest.mark.parametrize("guess", ["network", "derivative"])
def test_the_likeliest_are_proved_first(monkeypatch: pytest.MonkeyPatch, guess: str) -> None:
    monkeypatch.setattr(readings, "Networks", Perfect)
    rows = screen(MANY, find="stable", count=2, guess=guess)
    assert [(row.line, row.status) for row in rows] == [(63, "refused"), (61, "proved"), (62, "proved")]
    assert rows.summary()["read"] == len(MANY)
    assert rows.summary()["decided"] == 2


def test_what_is_looked_for_is_found_whoever_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    for network in (Random, Mad, Broken):
        monkeypatch.setattr(readings, "Networks", network)
        rows = screen(MANY, find="stable")
        assert {row.line for row in rows if row.status == "proved"} == {61, 62}
        assert rows.summary()["decided"] == len(MANY) - 1
        some = list(screen(MANY, find="unstable", count=5))
        assert [row.verdict for row in some if row.status != "refused"] == ["unstable"] * 5


def test_without_guesses_lines_are_proved_in_their_order() -> None:
    rows = screen(MANY, find="unstable", count=3, guess="none")
    assert [row.line for row in rows] == [63, 1, 2, 3]


def test_scores() -> None:
    assert score(np.array([[np.nan]]), 1, "stability") is None
    assert score(np.array([[0.0]]), 1, "stability") == 0.5
    assert score(np.zeros((2, 3)), 2, "controllability") == 0.0
    values = [score(np.array([[x]]), 1, "stability") for x in (-1.0, -1.0 + 5j, 1.0)]
    assert values == sorted(values, reverse=True)  # type: ignore[type-var]


# Processes


def test_processes_give_the_same_rows() -> None:
    lines = [line for line, *_ in KNOWN] * 6 + list(BAD)
    for options in ({"model_first": True}, {"find": "stable", "count": 9}):
        alone = screen(lines, **options)  # type: ignore[arg-type]
        several = screen(lines, **options, jobs=2, timeout=60.0)  # type: ignore[arg-type]
        one, other = ([{**row.to_dict(), "seconds": 0} for row in rows] for rows in (alone, several))
        assert one == other


def test_the_time_of_each_proof_is_limited() -> None:
    """An equilibrium of so many equations takes seconds to look for."""
    n = 300
    slow = "; ".join(f"x{i}' = sin(x{i}*x{(i + 1) % n}) + exp(x{(i + 7) % n}) - 1 - x{(i + 3) % n}^3" for i in range(n))
    rows = list(screen(["x' = -x", slow, "x' = x"], guess="none", timeout=2.0, at_all="1/10"))
    assert [row.status for row in rows] == ["undecided"] * 3
    assert "equilibrium" in rows[0].reason
    assert "equilibrium" in rows[2].reason
    assert rows[1].reason.startswith("No answer in the time allowed")


class Work:
    """Items are what shall happen."""

    def __call__(self, items: Sequence[str]) -> Iterator[Any]:
        yield "read"
        for item in items:
            if item == "sleep":
                time.sleep(60)
            if item == "exit":
                os._exit(3)
            if item == "raise":
                raise KeyError(item)
            yield item.upper(), os.getpid()


def lost(item: str, timeout: bool) -> tuple[str, str]:
    return item, "timeout" if timeout else "ended"


def test_a_lost_process_costs_one_row() -> None:
    batches = [["a", "sleep", "b"], ["c", "exit", "exit"], ["d"]]
    rows = list(rows_in_order(Work, batches, 2, 0.5, lost))
    assert [row[0] for row in rows] == ["A", "sleep", "B", "C", "exit", "exit", "D"]
    assert {row[1] for row in rows if row[0] == "sleep"} == {"timeout"}
    assert {row[1] for row in rows if row[0] == "exit"} == {"ended"}
    assert os.getpid() not in {row[1] for row in rows}
    assert [row[0] for row in rows_here(Work, [["a"], ["b", "c"]])] == ["A", "B", "C"]


def test_exceptions_arrive() -> None:
    with pytest.raises(RuntimeError, match="KeyError: 'raise'"):
        list(rows_in_order(Work, [["a", "raise"]], 1, None, lost))


def broken_start() -> Any:
    os._exit(1)


def test_processes_that_cannot_begin() -> None:
    with pytest.raises(ChildProcessError, match="__main__"):
        list(rows_in_order(broken_start, [["a"]], 1, None, lost))


# The command


def run(*arguments: str, text: str | None = None) -> Any:
    return CliRunner().invoke(cli, ["screen", *arguments], input=text, catch_exceptions=False)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "systems.txt"
    path.write_text("# three\nx' = y; y' = -sin(x) - y/10\nx' = x\n\nx' =\n", encoding="utf-8")
    return str(path)


def test_json_lines(file: str) -> None:
    ran = run(file, "--json", "--jobs", "1")
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(row["line"], row["status"], row["verdict"]) for row in rows] == [
        (2, "proved", "stable"), (3, "disproved", "unstable"), (5, "refused", "unknown")
    ]  # fmt: skip
    assert ran.exit_code == 2
    assert "3 systems read" in ran.stderr


def test_text_and_summary(file: str, tmp_path: Path) -> None:
    ran = run(file, "--jobs", "1", "--certificates", str(tmp_path / "proofs"))
    assert "2  proved     stable" in ran.stdout
    assert "2 decided with proof, 0 undecided, 1 refused." in ran.stdout
    assert sorted(os.listdir(tmp_path / "proofs")) == ["line-2.json", "line-3.json"]
    assert all(hybrid.check(tmp_path / "proofs" / f"line-{i}.json").valid for i in (2, 3))
    found = json.loads(run(file, "--json", "--summary").stdout)
    assert found["verdict"] == {"stable": 1, "unstable": 1}
    assert found["status"]["refused"] == 1


def test_exit_codes() -> None:
    assert run("-", text="x' = -x\nx' = x\n").exit_code == 0
    assert run("-", text="x' = x^3\n").exit_code == 3
    assert run("-", "--find", "stable", "--count", "1", text="x' = x^3\nx' = -x\n").exit_code == 0
    assert run("-", text="").exit_code == 0


def test_a_strict_line_and_a_missing_file(file: str) -> None:
    for arguments, said in (([file, "--strict"], "line 5: equations"), ([file + "x"], "no such file")):
        command = [sys.executable, "-m", "hybrid", "screen", *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 2
        assert said in ran.stderr
        assert ran.stderr.startswith("hybrid: ")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_keeps_what_was_printed() -> None:
    command = [sys.executable, "-m", "hybrid", "screen", "-", "--json", "--jobs", "2", "--guess", "none"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background inherits "ignore"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x' = -x\n" * 64 * 4)  # as many as are taken before anything is given back
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert first["verdict"] == "stable"
    assert [json.loads(line)["line"] for line in out.splitlines()] == list(range(2, len(out.splitlines()) + 2))
    assert b"Interrupted: " in err
    assert process.returncode == 130


def test_rows_and_lines_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Screened(1).line = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Line(1, "").number = 2  # type: ignore[misc]
