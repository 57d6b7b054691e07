"""The soundness campaign: its truths are true, it finds nothing here, and it catches an engine that lies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import builders as build
import numpy as np
import pytest
from click.testing import CliRunner

import hybrid
from hybrid import selftest
from hybrid.errors import ProblemError
from hybrid.plugins.cli import cli
from hybrid.selftest import FAMILIES, oracle
from hybrid.selftest.campaign import engines_here, false_findings
from hybrid.selftest.findings import Engine, Findings
from hybrid.selftest.listed import EquationCase, Question
from hybrid.selftest.oracle import MARGINAL, STABLE, UNSTABLE
from hybrid.selftest.stacks import MatrixCase, MatrixStack, Stack
from hybrid.systems.nonlinear import NonlinearSystem

MATRIX_FAMILIES = [name for name in FAMILIES if name not in ("folds and poles", "output gains", "PDE symbols")]


def last(*arguments: Any, **options: Any) -> selftest.Tally:
    *_, tally = selftest.run(*arguments, **options)
    return tally


def verdicts_from(decide: Callable[[MatrixStack, int], int]) -> Callable[[MatrixStack, Any], Findings]:
    return lambda stack, rows: Findings.of([decide(stack, i) for i in rows.tolist()])


def by_trace(stack: MatrixStack, i: int) -> int:
    """Wrong: a negative trace is necessary for stability, not sufficient."""
    return STABLE if sum(row[k] for k, row in enumerate(stack.A.fractions(i))) < 0 else UNSTABLE


LIAR = Engine("trace", (Question.STABILITY,), verdicts_from(by_trace))


# ------------------------------------------------------------------------------------------- the truth


@pytest.mark.parametrize("name", MATRIX_FAMILIES)
def test_the_truth_by_construction_is_that_of_the_oracle(name: str) -> None:
    for seed in range(4):
        stack = FAMILIES[name].draw(np.random.default_rng(seed), 5)
        assert isinstance(stack, MatrixStack)
        assert (stack.family, len(stack)) == (name, 5)
        assert [stack.case(i).truth for i in range(5)] == stack.truth.tolist()
        known = np.full(5, np.nan) if stack.abscissa is None else stack.abscissa
        for i in np.flatnonzero(np.isfinite(known)).tolist():
            assert stack.case(i).side(float(known[i])) == 0


@pytest.mark.parametrize("name", MATRIX_FAMILIES)
def test_a_family_has_more_than_one_truth(name: str) -> None:
    stacks = [FAMILIES[name].draw(np.random.default_rng(seed), 16) for seed in range(4)]
    assert len({truth for stack in stacks for truth in stack.truth.tolist()}) > 1


@pytest.mark.parametrize(
    ("rows", "discrete", "expected"),
    [
        ([[-1]], False, STABLE),
        ([[0]], False, MARGINAL),
        ([[0, 1], [0, 0]], False, UNSTABLE),
        ([[0, 1], [-1, 0]], False, MARGINAL),
        (build.jordan_pair(0, 1, 2), False, UNSTABLE),
        (build.block_diagonal(build.pair(0, 1), build.pair(0, 1)), False, MARGINAL),
        (build.block_diagonal(build.pair(0, 1), build.rows([[1]])), False, UNSTABLE),
        ([["1/2"]], True, STABLE),
        ([[-1]], True, MARGINAL),
        ([[-1, 1], [0, -1]], True, UNSTABLE),
        ([[0, -1], [1, 0]], True, MARGINAL),
        ([[-1, 0], [0, "-9/8"]], True, UNSTABLE),
        (build.block_diagonal(build.rows([[-1]]), build.jordan(1, 2)), True, UNSTABLE),
        (build.jordan(0, 3), True, STABLE),
    ],
)
def test_the_oracle(rows: Any, discrete: bool, expected: int) -> None:
    for seed in range(3):
        assert oracle.verdict(build.hidden(build.rows(rows), seed), discrete) == expected


def test_the_oracle_knows_what_inputs_reach() -> None:
    A, B = build.block_diagonal(build.jordan(1, 2), build.rows([[-3]])), build.rows([[0], [1], [0]])
    assert oracle.reach(A, B) == oracle.reach_code(2, True)
    assert oracle.reach(A, build.rows([[0], [0], [1]])) == oracle.reach_code(1, False)
    assert oracle.reach(A, build.rows([[0], [1], [1]])) == oracle.reach_code(3, True)


def test_equations_know_their_equilibria() -> None:
    third, tiny = Fraction(1, 3), Fraction(1, 10**9)
    case = EquationCase(((third, tiny, 1), (Fraction(-2), tiny, 0), (Fraction(2), tiny, -1)), (third + tiny,), 1)
    assert case.roots == [-2, third - tiny]
    assert case.sign(third) == 1
    assert case.sign(Fraction(-2)) == 0
    assert NonlinearSystem.from_text(case.text).n == 1


def test_plants_know_whether_an_output_gain_stabilises_them() -> None:
    """Where there is none, no gain on a grid does; where there is one, K of the construction is on the grid."""
    for seed in range(6):
        for case in FAMILIES["output gains"].draw(np.random.default_rng(seed), 4).cases:
            loops = [
                oracle.minus(case.A, [[k * x for x in row] for row in oracle.product(case.B, case.C)])
                for k in map(Fraction, range(-4, 5))
            ]
            stabilised = any(oracle.verdict(loop) == STABLE for loop in loops)
            assert case.truth == (STABLE if stabilised else UNSTABLE)


# ------------------------------------------------------------------------------------------- the campaign


def test_nothing_disagrees(tmp_path: Path) -> None:
    tally = last(1, cases=1200, folder=tmp_path)
    assert (tally.total, tally.wrong, tally.reproducer) == (1200, 0, None)
    assert set(tally.cases) == set(FAMILIES)
    assert not list(tmp_path.iterdir())
    for engine in engines_here():
        if engine.share == 1 and engine.name != "location":  # which refutes, or is content
            assert sum(count for (_, name), count in tally.decided.items() if name == engine.name)
    for name in MATRIX_FAMILIES:
        assert tally.decided[name, "exact"] == tally.cases[name]


@pytest.mark.parametrize("name", ["integer similarity", "unit circle", "uncontrollable", "barely stabilising"])
def test_whole_answers_and_the_oracle_on_every_case(name: str) -> None:
    """In a campaign they get a sample."""
    stack = FAMILIES[name].draw(np.random.default_rng(5), 8)
    for engine in engines_here():
        if stack.question in engine.questions and engine.name in ("answers", "fractions"):
            found = engine.asked(stack, np.arange(8))
            assert not false_findings(stack, np.arange(8), found).any()
            assert found.verdict.any()


def test_the_seed_says_which_cases(tmp_path: Path) -> None:
    def seen(seed: int) -> list[Any]:
        stacks: list[Stack] = []

        def keep(stack: Stack, rows: Any) -> Findings:
            stacks.append(stack)
            return Findings.of([0] * len(rows))

        last(seed, cases=60, engines=[Engine("keeper", tuple(Question), keep)])
        return [stack.case(i).document() for stack in stacks for i in range(len(stack))]

    assert seen(3) == seen(3) != seen(4)


def test_unknown_families_are_named() -> None:
    with pytest.raises(ProblemError, match="weather"):
        last(1, ["weather"], cases=1)


# ------------------------------------------------------------------------------------------- engines that lie


def test_a_wrong_engine_is_caught_minimised_and_kept(tmp_path: Path) -> None:
    tally = last(1, cases=10_000, folder=tmp_path, engines=[*engines_here(), LIAR])
    assert tally.wrong
    assert tally.total < 10_000
    assert tally.reproducer is not None
    document = json.loads(Path(tally.reproducer).read_text())
    assert document["schema"] == "hybrid-selftest/1"
    assert document["origin"]["seed"] == 1
    assert document["origin"]["by construction"] in ("marginal", "unstable")
    wrong = {name for name, result in document["results"].items() if result["false"]}
    assert wrong == {"trace"}
    assert {"float proof", "exact", "Arb"} <= set(document["results"])
    A = hybrid.LinearSystem(**document["system"]).A
    assert A.shape[0] <= 2  # of one state the trace is right, but at 0
    assert all(abs(x.numerator) <= 4 and x.denominator == 1 for row in A.fractions for x in row)
    assert document["origin"]["case"] != {"system": document["system"]}


def test_a_false_bound_is_caught(tmp_path: Path) -> None:
    def too_tight(stack: MatrixStack, rows: Any) -> Findings:
        assert stack.abscissa is not None
        return Findings(np.zeros(len(rows), dtype=np.int64), np.full(len(rows), -np.inf), stack.abscissa[rows], True)

    liar = Engine("tight", (Question.STABILITY,), too_tight)
    tally = last(1, ["integer similarity"], cases=50, folder=tmp_path, engines=[liar])
    assert tally.wrong


def test_an_engine_that_raises_is_caught(tmp_path: Path) -> None:
    def picky(stack: MatrixStack, i: int) -> int:
        if max(abs(x) for row in stack.A.fractions(i) for x in row) > 3:
            raise ArithmeticError("too large for me")
        return 0

    liar = Engine("picky", (Question.STABILITY,), verdicts_from(picky))
    tally = last(1, ["integer similarity"], cases=50, folder=tmp_path, engines=[liar])
    assert tally.reproducer is not None
    assert json.loads(Path(tally.reproducer).read_text())["results"]["picky"]["verdict"] == "raised an error"


def test_a_wrong_gain_and_a_wrong_rank_are_minimised(tmp_path: Path) -> None:
    always = {
        "barely stabilising": ((Question.GAIN,), STABLE),
        "uncontrollable": ((Question.REACH,), oracle.reach_code(1, True)),
    }
    for name, (questions, code) in always.items():
        liar = Engine("liar", questions, verdicts_from(lambda stack, i, code=code: code))
        tally = last(2, [name], cases=80, folder=tmp_path, engines=[liar])
        assert tally.reproducer is not None
        document = json.loads(Path(tally.reproducer).read_text())
        assert len(document["system"]["A"]) == 1
        assert len(document["system"]["B"][0]) == 1


def test_wrong_equilibria_are_minimised(tmp_path: Path) -> None:
    liar = Engine("blind", (Question.EQUILIBRIA,), lambda stack, rows: Findings.of([1] * len(rows)))
    tally = last(2, ["folds and poles"], cases=40, folder=tmp_path, engines=[liar])
    assert tally.reproducer is not None
    document = json.loads(Path(tally.reproducer).read_text())
    assert document["equations"].count("x - ") == 1  # one fold, and no poles
    assert document["equilibria"]


def test_smaller_cases_come_to_an_end() -> None:
    case: Any = MatrixCase(
        Question.GAIN, False, build.rows([["7/3", 12], [5, "1/8"]]), build.rows([[3], [1]]), build.rows([[1, "5/4"]])
    )
    steps = 0
    while (smaller := next(case.smaller(), None)) is not None:
        case, steps = smaller, steps + 1
        assert steps < 200


# ------------------------------------------------------------------------------------------- the command


def command(*words: str) -> Any:
    return CliRunner().invoke(cli, ["selftest", *words])


def test_the_command_prints_a_table() -> None:
    done = command("--cases", "40", "--seed", "1", "--family", "Kahan", "--family", "one ulp")
    assert done.exit_code == 0
    assert "wrong = 0" in done.output
    assert [line.split("  ")[0] for line in done.output.splitlines()[:3]] == ["family", "one ulp", "Kahan"]


def test_the_command_prints_json() -> None:
    done = command("--cases", "12", "--seed", "1", "--json", "--family", "Jordan blocks")
    document = json.loads(done.output)
    assert (document["wrong"], document["cases"], document["seed"]) == (0, 12, 1)
    assert document["families"]["Jordan blocks"]["decided"]["exact"] == {"asked": 12, "decided": 12}


def test_the_command_lists_families() -> None:
    assert [line[:22].rstrip() for line in command("--list").output.splitlines()] == list(FAMILIES)


@pytest.mark.parametrize("words", [["--family", "weather"], ["--cases", "0"], ["--minutes", "0"], ["--save", __file__]])
def test_bad_options_are_refused(words: list[str]) -> None:
    assert command("--seed", "1", *words).exit_code == 2


def test_the_command_reports_a_disagreement(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("hybrid.selftest.campaign.ENGINES", (LIAR,))
    done = command("--seed", "1", "--cases", "500", "--save", str(tmp_path / "new"))
    assert done.exit_code == 1
    (path,) = (tmp_path / "new").iterdir()
    assert str(path) in done.output


def test_an_interrupt_ends_with_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seed: int, *_: Any, **__: Any) -> Any:
        tally = selftest.Tally(seed)
        tally.cases["Kahan"] += 7
        yield tally
        raise KeyboardInterrupt

    monkeypatch.setattr(selftest, "run", interrupted)
    done = command("--minutes", "5", "--seed", "1")
    assert done.exit_code == 0
    assert "7 cases" in done.output


def test_several_processes_draw_different_cases() -> None:
    *_, tally = selftest.run_in_processes(2, 1, ["one ulp"], None, 12, Path())
    assert (tally.total, tally.wrong) == (12, 0)


def test_a_saved_disagreement_is_put_to_the_engines_again(tmp_path: Path) -> None:
    """An engine that lies makes the reproducer; those of this installation agree about its case."""
    from hybrid.selftest.replay import replay

    for family in ("one ulp", "barely stabilising", "folds and poles"):
        engines = [lying(engine) for engine in engines_here()]
        tally = last(3, [family], cases=40, folder=tmp_path, engines=engines)
        assert tally.reproducer is not None
        saved, again = json.loads(Path(tally.reproducer).read_text()), replay(tally.reproducer)
        assert again["truth"] in (saved["truth"], saved["origin"]["by construction"])  # the latter where drawn again
        assert any(told["false"] for told in saved["results"].values())
        assert again["results"]
        assert not any(told["false"] for told in again["results"].values())
        result = CliRunner().invoke(cli, ["selftest", "--replay", tally.reproducer])
        assert (result.exit_code, again["truth"] in result.stdout) == (0, True)


def lying(engine: Any) -> Any:
    def decide(stack: Any, rows: Any) -> Any:
        found = engine.decide(stack, rows)
        return replace(found, verdict=(found.verdict + 1) % 3)

    return replace(engine, decide=decide)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "hybrid-selftest/1"}', "nonsense", "[" * 10**5])
def test_what_is_no_reproducer(text: str, tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    file.write_text(text)
    for name in (file, tmp_path, tmp_path / "absent"):
        result = CliRunner().invoke(cli, ["selftest", "--replay", str(name)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("hybrid: ")
        assert result.stderr.count("\n") == 1
