"""Files of the paper: both formats say the same, and what is wrong is named with file, line and field."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import ParseError, ProblemError
from hybrid.export.paper_files import PaperPDE, PaperSystem, kind_of, read_paper_file
from hybrid.export.paper_labels import PDELabel, label_of_tokens, pde_label_of_tokens
from hybrid.expressions.tokens import float_tokens

PAPER = Path(__file__).resolve().parents[2] / "shared" / "paper"
FILES = ["stability", "stability_bal", "control", "control_unc", "control_bal", "control_t", "gram", "fourier"]

STABILITY = {
    "task": "stability", "degree": 2, "equations": ["x1", "(x0 - 3)"], "point": {"x0": 0.01, "x1": 0.01},
    "answer": -1.0, "stable": False, "input_tokens": "INT+ 2 <SPECIAL_3> x1 <SPECIAL_3> - x0 INT+ 3",
    "output_tokens": "FLOAT- 1 . 0 0 10^ INT+ 0",
}  # fmt: skip
GRAM = {
    "task": "gram", "degree": 3, "controls": 1, "point": {"x0": 0.5, "x1": 0.5, "x2": 0.5, "u0": 0.5},
    "answer": [[-1.5, 0.0, 12.0]],
    "input_tokens": "INT+ 3 <SPECIAL_3> x1 <SPECIAL_3> x2 <SPECIAL_3> + x0 x3",
    "output_tokens": "INT+ 0 <SPECIAL_6> FLOAT- 1 . 5 0 10^ INT+ 0 <SPECIAL_5> FLOAT+ 0 . 0 0 10^ INT+ 0 <SPECIAL_5> "
    "FLOAT+ 1 . 2 0 10^ INT+ 1 <SPECIAL_5> <SPECIAL_4>",
}  # fmt: skip
CONTROL = {
    "task": "control_bal", "degree": 3, "controls": 1, "point": {"x0": 0.9, "x1": 0.9, "x2": 0.9, "u0": 0.9},
    "answer": 1, "input_tokens": GRAM["input_tokens"], "output_tokens": "INT+ 1",
}  # fmt: skip
CONTROL_T = {
    "task": "control_t", "degree": 2, "controls": 1, "point": {"x0": 0.5, "x1": 0.5, "u0": 0.5}, "answer": 0,
    "input_tokens": "INT+ 2 <SPECIAL_3> * x1 x3 <SPECIAL_3> + x0 x2", "output_tokens": "INT+ 0",
}  # fmt: skip
FOURIER = {
    "task": "fourier", "degree": 2, "equations": ["(2 * (x0 ** 2))"], "initial_condition": "...", "point": None,
    "answer": {"exists": 1, "decays": 0, "bounds": [["-inf", "inf"], [-0.796, 3.18]]},
    "input_tokens": "INT+ 2 <SPECIAL_3> - * INT+ 2 ^ x0 INT+ 2 x1 <SPECIAL_3> "
    "* exp + * INT+ 5 * I x1 INT+ 0 * delta0 x0 / sin * INT- 7 x1 * INT- 7 x1",
    "output_tokens": "INT+ 1 <SPECIAL_3> INT+ 0 <SPECIAL_3> <SPECIAL_7> <SPECIAL_5> <SPECIAL_8> <SPECIAL_4> "
    "FLOAT- 7 . 9 6 10^ INT- 1 <SPECIAL_5> FLOAT+ 3 . 1 8 10^ INT+ 0 <SPECIAL_4>",
}  # fmt: skip


def read(tmp_path: Path, *lines: dict[str, Any] | str, task: str | None = None) -> list[PaperSystem | PaperPDE]:
    file = tmp_path / "systems.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return read_paper_file(file, task)


def task_of(stated: dict[str, Any]) -> str:
    return str(stated["task"])


def released(stated: dict[str, Any]) -> str:
    return f"{stated['input_tokens']}\t{stated['output_tokens']}"


def test_every_task(tmp_path: Path) -> None:
    stability, gram, control, timed, pde = read(tmp_path, STABILITY, "", GRAM, CONTROL, CONTROL_T, FOURIER)
    assert isinstance(stability, PaperSystem)
    assert (stability.task, stability.kind, stability.degree, stability.inputs) == ("stability", "stability", 2, 0)
    assert (stability.label, stability.positive, stability.line) == (-1.0, False, 1)
    assert stability.system.texts() == ("x1", "x0 - 3")
    assert isinstance(gram, PaperSystem)
    assert (gram.label, gram.positive, gram.line) == (((-1.5, 0.0, 12.0),), None, 3)
    assert isinstance(control, PaperSystem)
    assert (control.task, control.kind, control.label) == ("control_bal", "control", True)
    assert control.point == {"x0": 0.9, "x1": 0.9, "x2": 0.9, "u0": 0.9}
    assert isinstance(timed, PaperSystem)
    assert (timed.system.texts(), timed.label, timed.inputs) == (("x1*t", "x0 + u0"), False, 1)
    assert isinstance(pde, PaperPDE)
    assert (pde.operator, pde.degree) == ("2*x0^2 - x1", 2)
    assert pde.initial_condition == "exp(5*(I*x1) + 0)*(delta0(x0)*(sin(-7*x1)/(-7*x1)))"
    assert pde.label == PDELabel(True, False, ((-math.inf, math.inf), (-0.796, 3.18)))


@pytest.mark.parametrize(
    "stated", [STABILITY, GRAM, CONTROL, CONTROL_T, FOURIER], ids=lambda stated: str(stated["task"])
)
@pytest.mark.parametrize("count", ["", "1|", "153|"])
def test_released_lines_say_the_same(tmp_path: Path, stated: dict[str, Any], count: str) -> None:
    assert read(tmp_path, count + released(stated), task=str(stated["task"])) == read(tmp_path, stated)


@pytest.mark.parametrize("stated", [STABILITY, GRAM, CONTROL, CONTROL_T], ids=task_of)
def test_tokens_say_what_is_not_stated(tmp_path: Path, stated: dict[str, Any]) -> None:
    """Degree, number of inputs, point and answer all follow from the tokens and the task."""
    bare = {key: stated[key] for key in ("input_tokens", "output_tokens")}
    assert read(tmp_path, bare, task=stated["task"]) == read(tmp_path, stated)


def test_inputs_of_released_lines_are_the_variables_beyond_the_states(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "INT+ 2 <SPECIAL_3> + x3 x0 <SPECIAL_3> x2\tINT+ 1", task="control")
    assert isinstance(found, PaperSystem)
    assert (found.degree, found.inputs) == (2, 2)


def test_time_need_not_be_used(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "INT+ 2 <SPECIAL_3> x1 <SPECIAL_3> x2\tINT+ 1", task="control_t")
    assert isinstance(found, PaperSystem)
    assert (found.inputs, found.system.has_time) == (1, True)


def test_the_qualitative_set_writes_one_for_unstable() -> None:
    assert label_of_tokens("stability", "INT+ 1", 2, 0) is False
    assert label_of_tokens("stability", "INT+ 0", 2, 0) is True


@given(st.floats(-1e200, 1e200).map(lambda value: float(f"{value:.2e}")))
def test_rates_are_read_exactly(rate: float) -> None:
    tokens = " ".join(float_tokens(Fraction(f"{rate:.2e}")))
    assert label_of_tokens("speed", tokens, 2, 0) == rate


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"task": "chess"}, "task: got chess, expected one of stability, speed"),
        ({"task": None}, "task: got nothing"),
        ({"task": 3}, "task: got 3"),
        ({"degree": 3}, "degree: got 3, expected 2, as input_tokens says"),
        ({"degree": "2"}, "degree: got 2, expected a number"),
        ({"controls": 1}, "point: got .* each of x0, x1, u0"),
        ({"controls": 1e9}, "controls: got"),
        ({"controls": 10**9}, "inputs: got 1000000000"),
        ({"input_tokens": None}, "input_tokens: got nothing"),
        ({"input_tokens": "INT+ 2 <SPECIAL_3> x1"}, "tokens: got INT\\+ 2 before 1 equations"),
        ({"input_tokens": "INT+ 2 <SPECIAL_3> x1 <SPECIAL_3> x2"}, r"equations\[1\]: got x2"),
        ({"answer": "stable"}, "answer: got stable, expected a finite number"),
        ({"answer": math.nan}, "answer: got nan"),
        ({"answer": 10**400}, "answer: got 1000"),
        ({"answer": None, "output_tokens": "INT+ 7"}, "output: got INT\\+ 7, expected INT\\+ 0 or INT\\+ 1"),
        ({"answer": None, "output_tokens": "FLOAT+ 1 . 0 0 10^ INT+ 3 0 1"}, "output: got"),
        ({"answer": None, "output_tokens": None}, "output_tokens: got nothing"),
        ({"point": {"x0": 0.01}}, "point: got"),
        ({"point": {"x0": 0.01, "x1": math.inf}}, r"point.x1: got inf"),
        ({"point": [0.01, 0.01]}, "point: got"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(ParseError, match=f"^systems.jsonl, line 2, {expected}"):
        read(tmp_path, STABILITY, STABILITY | change)


@pytest.mark.parametrize(
    ("stated", "answer", "expected"),
    [
        (GRAM, [[1.0, 2.0]], r"answer: got rows of 2 entries, expected 1 rows \(inputs\) of 3 entries"),
        (GRAM, [[1.0, 2.0, "x"]], "answer: got x"),
        (GRAM, 1, "answer: got 1, expected a list of rows"),
        (CONTROL, 2, "answer: got 2, expected 0 or 1"),
        (FOURIER, 1, "answer: got 1, expected an object"),
        (FOURIER, {"exists": 1}, "answer.decays: got None"),
        (FOURIER, {"exists": 1, "decays": 1, "bounds": [[0, 1]]}, "answer.bounds: got"),
        (FOURIER, {"exists": 1, "decays": 1, "bounds": [[0, 1], [2, 1]]}, "answer.bounds: got"),
        (FOURIER, {"exists": 1, "decays": 1, "bounds": [[0, 1], ["a", 1]]}, "answer.bounds: got a"),
    ],
)  # fmt: skip
def test_wrong_answers_are_named(tmp_path: Path, stated: dict[str, Any], answer: Any, expected: str) -> None:
    with pytest.raises(ParseError, match=f"^systems.jsonl, line 1, {expected}"):
        read(tmp_path, stated | {"answer": answer})


@pytest.mark.parametrize(
    ("line", "task", "expected"),
    [
        ("{", None, "JSON: got {"),
        ("[" * 100_000, "control", "line: got"),
        ('{"a": ' + "[" * 100_000, "control", "JSON: got"),
        ("INT+ 1 <SPECIAL_3> x0\tINT+ 1", None, "task: got nothing"),
        ("INT+ 1 <SPECIAL_3> x0", "control", "line: got INT"),
        ("INT+ 1 <SPECIAL_3> x0 <SPECIAL_3> x1\tINT+ 1", "fourier", "initial condition: got x1"),
        ("INT+ 1 <SPECIAL_3> x0\tINT+ 1", "fourier", "input_tokens: got INT"),
        ("INT+ 1 <SPECIAL_3> x9999\tINT+ 1", "control", "inputs: got 9999"),
        ("INT+ 1 <SPECIAL_3> + x0 x1\tINT+ 0 <SPECIAL_6> INT+ 1", "gram", "output: got INT"),
        ("INT+ 1 <SPECIAL_3> + x0 x1\tINT+ 0 <SPECIAL_6> <SPECIAL_5> x <SPECIAL_4>", "gram", "output: got x"),
    ],
)  # fmt: skip
def test_wrong_lines_are_named(tmp_path: Path, line: str, task: str | None, expected: str) -> None:
    with pytest.raises(ParseError, match=f"^systems.jsonl, line 1, ({expected})"):
        read(tmp_path, line, task=task)


def test_wrong_files_and_tasks_are_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"absent\.jsonl: got no such file or directory"):
        read_paper_file(tmp_path / "absent.jsonl")
    with pytest.raises(ProblemError, match="task: got chess"):
        read(tmp_path, STABILITY, task="chess")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParseError, match="bytes: got bytes that are no text"):
        read_paper_file(tmp_path / "bytes")
    with pytest.raises(ParseError, match="line 1: got a longer line"):
        read(tmp_path, "x" * 1_000_001)


def test_the_longest_name_of_a_task_counts() -> None:
    assert [kind_of(task) for task in ("control_t", "control_t_bal", "control_top", "speed")] == [
        "control_t", "control_t", "control", "speed",
    ]  # fmt: skip


def test_bounds_may_be_left_out() -> None:
    assert pde_label_of_tokens("INT+ 0 <SPECIAL_3> INT+ 0", 3) == PDELabel(False, False)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.shared
@pytest.mark.skipif(not PAPER.is_dir(), reason="../shared/paper is absent")
def test_drawn_files_agree_with_their_released_form(tmp_path: Path, name: str) -> None:
    lines = [json.loads(line) for line in (PAPER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    drawn = read_paper_file(PAPER / f"{name}.jsonl")
    assert len(drawn) == len(lines)
    assert read(tmp_path, *map(released, lines), task=lines[0]["task"]) == drawn
    for line, found in zip(lines, drawn, strict=True):
        assert (found.task, found.degree) == (line["task"], line["degree"])
        if isinstance(found, PaperSystem):
            assert (found.inputs, found.point) == (line.get("controls", 0), line["point"])
        if found.kind == "stability":
            assert isinstance(found, PaperSystem)
            assert found.positive == line["stable"]
