"""The benchmark: everybody has the same number of turns, targets are judged as stated, and what peers get wrong is
counted by proof. No test here depends on how long anything takes: the clock is the test's own."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import hybrid
from hybrid import bench
from hybrid.bench import controllability, equations, equilibria, feedback, large, placement, stability
from hybrid.bench.comparison import Peer, Target, compare, interleave
from hybrid.bench.samples import Pair, gaussian_matrices, gaussian_pairs, local_problems
from hybrid.bench.table import Row, as_markdown, as_text, targets
from hybrid.plugins.cli import cli

KEYS = [field.name for field in fields(Row)]


class Clock:
    """Time that passes only where a call says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[str, Any]] = []

    def call(self, name: str, seconds: float) -> Callable[[Any], None]:
        def spend(problem: Any) -> None:
            self.calls.append((name, problem))
            self.now += seconds

        return spend


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("hybrid.bench.comparison.time.perf_counter", lambda: made.now)
    return made


def not_installed() -> Callable[[Any], None]:
    raise ImportError("nothing of that name")


def test_everybody_solves_every_problem_in_every_round(clock: Clock) -> None:
    interleave([clock.call("a", 1), clock.call("b", 1)], ["x", "y"], rounds=3, seconds=100)
    untimed, timed = clock.calls[:2], clock.calls[2:]
    assert untimed == [("a", "x"), ("b", "x")]
    assert sorted(timed) == sorted((name, problem) for name in "ab" for problem in "xy" for _ in range(3))
    for turn in range(0, len(timed), 2):  # side by side on the same problem, whoever begins
        (first, problem), (second, same) = timed[turn : turn + 2]
        assert {first, second} == {"a", "b"}
        assert problem == same
    assert {timed[turn][0] for turn in range(0, len(timed), 2)} == {"a", "b"}


def test_no_round_begins_after_the_time_is_up(clock: Clock) -> None:
    interleave([clock.call("a", 2)], ["x"], rounds=100, seconds=5)
    assert len(clock.calls) == 1 + 3


def test_a_slow_moment_changes_no_median_and_problems_are_averaged(clock: Clock) -> None:
    delays = iter([0, 1, 10, 50, 10, 1, 10])  # the untimed call, then the problems in turn
    seconds = {"x": 1.0, "y": 10.0}

    def call(problem: str) -> None:
        clock.now += max(seconds[problem], next(delays))

    assert interleave([call], ["x", "y"], rounds=3, seconds=1000) == [5.5]


def test_rows_say_ratio_target_and_whether_it_was_met(clock: Clock) -> None:
    theirs = clock.call("theirs", 0.004)
    peers = [Peer("kept", lambda: theirs, Target(0.3)), Peer("missed", lambda: theirs, Target(0.2), "no proof")]
    kept, missed = compare("job", clock.call("ours", 0.001), peers, [1], rounds=3, note="ours")
    assert (kept.target, kept.met, kept.note) == ("≤ 0.3 ×", True, "ours")
    assert (missed.target, missed.met, missed.note) == ("≤ 0.2 ×", False, "no proof")
    assert [kept.ours_us, kept.peer_us, kept.ratio] == pytest.approx([1000, 4000, 0.25])


@pytest.mark.parametrize(("limit", "met"), [(2.0, True), (0.5, False)])
def test_a_target_in_seconds_needs_no_peer(clock: Clock, limit: float, met: bool) -> None:
    (row,) = compare("job", clock.call("ours", 1), [], [1], rounds=1, target=Target(limit, "s"))
    assert (row.peer, row.ratio, row.target, row.met) == (None, None, f"≤ {limit:g} s", met)


def test_a_peer_that_is_absent_keeps_its_row(clock: Clock) -> None:
    peers = [Peer("absent", not_installed, Target(2)), Peer("there", lambda: clock.call("there", 4))]
    absent, there = compare("job", clock.call("ours", 1), peers, [1], rounds=1)
    assert (absent.peer_us, absent.ratio, absent.met, absent.note) == (None, None, None, "not installed")
    assert absent.target == "≤ 2 ×"
    assert there.ratio == pytest.approx(0.25)


def test_a_peer_that_raises_is_counted_by_problem(clock: Clock) -> None:
    def call(problem: int) -> None:
        clock.now += 1
        if problem > 1:
            raise ArithmeticError

    (row,) = compare("job", clock.call("ours", 1), [Peer("p", lambda: call)], [1, 2, 3], rounds=4)
    assert row.note == "raised on 2 of 3"
    assert row.ratio == pytest.approx(1)


def test_our_own_error_is_no_measurement(clock: Clock) -> None:
    with pytest.raises(ZeroDivisionError):
        compare("job", lambda problem: 1 / problem, [Peer("p", lambda: clock.call("p", 1))], [0], rounds=1)


ROWS = [
    asdict(row)
    for row in (
        Row("feedback n=4", 191.4, "control.lqr", 95.7, 2.0, "≤ 2 ×", True, "model 19, exact 1"),
        Row("feedback n=4", 191.4, "a|b", None, None, "≤ 1 ×", None, "not installed"),
        Row("large", 2.5e6, None, None, None, "≤ 2 s", False, "whole process"),
        Row("startup", note="failed: no such thing"),
    )
]


def test_text_is_aligned_and_says_what_was_missed() -> None:
    lines = as_text(ROWS).splitlines()
    assert [line.find("control.lqr") for line in lines[:2]] == [-1, lines[0].index("peer")]
    assert " ".join(lines[1].split()) == "feedback n=4 191 µs control.lqr 95.7 µs 2.00 ≤ 2 × met model 19, exact 1"
    assert " ".join(lines[2].split()) == "a|b ≤ 1 × not installed"
    assert " ".join(lines[3].split()) == "large 2.50 s ≤ 2 s MISSED whole process"
    assert lines[4].endswith("failed: no such thing")
    assert "Targets met: 1 of 2 (missed: large)." in lines


def test_a_job_that_misses_twice_is_named_once() -> None:
    assert targets([ROWS[2], ROWS[2], ROWS[0]]) == "Targets met: 1 of 3 (missed: large)."


def test_markdown_has_as_many_cells_in_every_line() -> None:
    table = as_markdown(ROWS).split("\n\n")[0].splitlines()
    assert len(table) == 2 + len(ROWS)
    assert {line.replace("\\|", "").count("|") for line in table} == {9}
    assert "a\\|b" in table[3]


def test_an_unknown_job_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something ran"))
    with pytest.raises(hybrid.ProblemError, match="job: got weather, expected one of startup, feedback"):
        bench.run(["stability", "weather"])


def test_jobs_run_in_their_order_each_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def finished(command: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        started.append((command[3:], env["OPENBLAS_NUM_THREADS"], env["OMP_NUM_THREADS"]))
        return subprocess.CompletedProcess(command, 0, json.dumps([ROWS[0]]), "")

    monkeypatch.setattr(subprocess, "run", finished)
    assert bench.run(["check", "startup"], quick=True) == [ROWS[0], ROWS[0]]
    assert started == [(["startup", "--quick"], "1", "1"), (["check", "--quick"], "1", "1")]
    assert len(bench.run()) == len(bench.JOBS)


@pytest.mark.parametrize("done", [0, 2])
def test_what_is_done_when_the_user_ends_it_is_printed(done: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        yield from ROWS[:done]
        raise KeyboardInterrupt

    monkeypatch.setattr(bench, "rows", interrupted)
    result = CliRunner().invoke(cli, ["bench", "--json"])
    assert result.exit_code == 130
    assert (json.loads(result.stdout)["rows"] if done else result.stdout) == (ROWS[:done] or "")
    assert ("hybrid: ended early; the jobs that are done follow" in result.stderr) is bool(done)


def test_a_job_that_breaks_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bench.JOBS, "no_such_module", "nothing")
    (row,) = bench.run(["no_such_module"])
    assert list(row) == KEYS
    assert row["note"] == "failed: ModuleNotFoundError: No module named 'hybrid.bench.no_such_module'"


def test_every_job_has_its_module() -> None:
    folder = Path(bench.__file__).parent
    assert all((folder / f"{job}.py").is_file() for job in bench.JOBS)


def test_a_real_job_gives_strict_json_with_confirmed_certificates() -> None:
    rows = bench.run(["controllability"], quick=True)
    assert all(list(row) == KEYS and row["ours_us"] > 0 for row in rows)
    assert all(re.match(r"(\d) of \1 controllable, \1 certificates confirmed", row["note"]) for row in rows)
    json.dumps(rows, allow_nan=False)


def test_samples_are_seeded_and_half_of_them_are_stable() -> None:
    matrices = gaussian_matrices(5, 6)
    assert all(np.array_equal(A, B) for A, B in zip(matrices, gaussian_matrices(5, 6), strict=True))
    assert all(hybrid.stability(A).verdict is hybrid.Verdict.STABLE for A in matrices[1::2])
    assert not np.array_equal(matrices[0], matrices[2])


def test_wrong_ranks_of_a_peer_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = gaussian_pairs(3, 1, 3)
    monkeypatch.setattr(controllability, "_kalman_rank", lambda: lambda pair: 2 if pair is pairs[1] else 3)
    assert controllability._wrong_answers(pairs, [True] * 3) == "peer wrong on 1 of 3"
    assert controllability._wrong_answers(pairs, [True, False, True]) == "peer wrong on 0 of 3"


def test_closed_loops_of_a_peer_are_judged_exactly() -> None:
    integrator = Pair(np.zeros((1, 1)), np.ones((1, 1)))
    assert placement._failures(lambda: lambda pair: np.array([[2.0**-60]]), [integrator]).startswith("0 of 1")
    assert placement._failures(lambda: lambda pair: np.array([[-(2.0**-60)]]), [integrator]).startswith("1 of 1")
    assert placement._failures(not_installed, [integrator]) == ""


def test_arb_gets_the_precision_that_it_needs() -> None:
    nearly_defective = np.array([[1.0, 1.0], [2.0**-300, 1.0]])
    assert stability._isolating_precision(np.diag([1.0, 2.0])) == 53
    assert stability._isolating_precision(nearly_defective) > 53


def test_routes_count_who_answered() -> None:
    pairs = [Pair(np.array([[1.0]]), np.array([[1.0]])), Pair(np.array([[1.0]]), np.array([[0.0]]))]
    assert "disproved 1 of 2" in feedback.routes(pairs)


def test_equations_are_answered_by_both_routes() -> None:
    answers = [hybrid.stability(problem.read(), at=problem.at) for problem in local_problems()]
    methods = [answer.certificate and answer.certificate.method for answer in answers]
    assert methods == ["exact linearisation", "exact linearisation", "enclosed linearisation"]
    assert all(answer.question.system.n == 4 for answer in answers)


def test_sympy_and_control_are_given_the_same_equations() -> None:
    pytest.importorskip("sympy")
    for problem in local_problems():
        states, inputs, f = equations._expressions(problem)
        point = dict(zip([*states, *inputs], [1.5, 0.25, 0.75, 2.0, 3.0, 0.5], strict=False))
        values = [float(entry.subs(point)) for entry in f]
        x, u = ([point[symbol] for symbol in group] for group in (states, inputs))
        assert values == pytest.approx(problem.read().f(x, u).tolist())


def test_what_was_found_in_a_box_is_said() -> None:
    (row,) = equilibria._of_lorenz(1)
    assert row.note.startswith("3 proved, no other; ")


def test_a_missing_plant_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(large, "_AIRCRAFT", tmp_path / "AC10.json")
    (row,) = large.measure(quick=True)
    assert row.note == f"not here: {tmp_path / 'AC10.json'}"
