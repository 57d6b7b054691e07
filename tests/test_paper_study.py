"""The study of `hybrid eval paper`: metrics on constructed answers, sections of the report, the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from hybrid.errors import ProblemError
from hybrid.export import study_cases, study_formulas, study_latent, study_neighbours, study_tables, study_tasks
from hybrid.export.paper_files import PaperPDE, PaperSystem
from hybrid.export.paper_labels import PDELabel
from hybrid.export.study import Settings, Study, study
from hybrid.export.study_accuracy import TOLERANCES, Accuracy, accuracies, curves
from hybrid.export.study_cases import CaseSet, draw_set
from hybrid.export.study_figures import BY_DEGREE, OVERALL, Figure
from hybrid.export.study_proposals import NOTHING, Case, Proposed, Saying, ShippedNetworks
from hybrid.export.study_report import as_html
from hybrid.export.study_rewritings import rewriting_scores
from hybrid.export.study_tasks import Record, Truth, is_right, jacobians, label
from hybrid.export.study_truth import truths
from hybrid.plugins.cli import cli
from hybrid.propose.equation_reader import EquationReader
from hybrid.systems.tokens import TokenSystem

SHARED = Path(__file__).resolve().parents[2] / "shared" / "paper"
QUICK = Settings(exact=False, training=300, rewritten=5, sizes=8)


class Oracle:
    """Proposes what the labels say, bent by a function; for tests."""

    name = "an oracle"

    def __init__(self, bend: Callable[[Saying], Saying] = lambda said: said) -> None:
        self.bend = bend

    def propose(self, cases: Sequence[Case]) -> list[Proposed]:
        rng = np.random.default_rng(0)
        said = [self.bend(label(case)) for case in cases]
        known = jacobians(cases)
        return [
            Proposed(each, each, J, rng.standard_normal(8)) for each, J in zip(said, known, strict=True)
        ]  # fmt: skip


class Mute:
    """Has no networks."""

    name = "nothing"

    def propose(self, cases: Sequence[Case]) -> list[Proposed]:
        return [NOTHING] * len(cases)


def system(texts: list[str], inputs: list[str] | None = None, **of: Any) -> PaperSystem:
    states = [f"x{i}" for i in range(len(texts))]
    read = TokenSystem.from_text(texts, states, inputs or [])
    point = dict.fromkeys([*states, *(f"u{i}" for i in range(read.inputs))], of.pop("at", 0.5))
    return PaperSystem(of["kind"], of["kind"], read.states, read.inputs, read, point, of["label"], 1)


def records(cases: Sequence[Case], oracle: Any, known: Sequence[Truth | None] | None = None) -> list[Record]:
    said, true = oracle.propose(cases), jacobians(cases)
    found = known or [None] * len(cases)
    return [Record(*each) for each in zip(cases, said, found, true, strict=True)]


def times(factor: float) -> Callable[[Saying], Saying]:
    def bend(said: Saying) -> Saying:
        rate = None if said.rate is None else factor * said.rate
        return said._replace(rate=rate, gain=None if said.gain is None else factor * said.gain)

    return bend


def row(found: list[Accuracy], task: str, degree: int | None = None) -> Accuracy:
    return next(each for each in found if (each.task, each.degree) == (task, degree))


STABLE = system(["-1*x0", "x0 - 2*x1"], kind="stability", label=1.0)
UNSTABLE = system(["x0 + x1", "-3*x1"], kind="stability", label=-1.0)


# Metrics


def test_answers_as_the_labels_are_all_right() -> None:
    found = accuracies("made", records([STABLE, UNSTABLE], Oracle()))
    for task in ("stability", "speed"):
        assert row(found, task).against_label["head"] == row(found, task).against_label["jacobian"] == 1.0
    assert row(found, "stability").yes == 0.5


@pytest.mark.parametrize(("factor", "first_wrong"), [(1.11, 0), (1.095, 1), (1.055, 5), (0.945, 5), (1.005, None)])
def test_shifted_rates_are_right_down_to_their_error(factor: float, first_wrong: int | None) -> None:
    (curve,) = [c for c in curves("made", records([STABLE, UNSTABLE], Oracle(times(factor)))) if c.name == "head"]
    right = len(TOLERANCES) if first_wrong is None else first_wrong
    assert curve.shares == (1.0,) * right + (0.0,) * (len(TOLERANCES) - right)


def test_a_sign_that_is_wrong_counts_by_degree() -> None:
    three = system(["-1*x0", "-1*x1", "-1*x2"], kind="stability", label=1.0)
    wrong = Oracle(lambda said: said._replace(yes=True))
    found = accuracies("made", records([STABLE, UNSTABLE, three], wrong))
    assert row(found, "stability", 2).against_label["head"] == 0.5
    assert row(found, "stability", 3).against_label["head"] == 1.0
    assert row(found, "stability").against_label["head"] == pytest.approx(2 / 3)


def test_what_is_not_said_is_wrong_and_without_networks_unknown() -> None:
    some = records([STABLE, UNSTABLE], Oracle())
    found = accuracies("made", [some[0], some[1]._replace(proposed=NOTHING)])
    assert row(found, "stability").against_label["head"] == 0.5
    assert row(accuracies("made", records([STABLE], Mute())), "stability").against_label["head"] is None


def test_a_label_proved_wrong_is_counted_and_the_truth_is_the_other_yardstick() -> None:
    lying = replace(UNSTABLE, label=2.0)
    known = [Truth(Saying(True, 1.0)), Truth(Saying(False, -1.0))]
    found = row(accuracies("made", records([STABLE, lying], Oracle(), known)), "stability")
    assert (found.wrong_labels, found.undecided, found.decided) == (1, 0, 2)
    assert found.against_label["head"] == 1.0
    assert found.against_truth["head"] == 0.5
    assert found.against_label["exact"] == 0.5


def test_an_undecided_truth_judges_nothing() -> None:
    known = [Truth(Saying(True, 1.0)), Truth(reason="The enclosure is too wide.")]
    found = row(accuracies("made", records([STABLE, UNSTABLE], Oracle(), known)), "stability")
    assert (found.wrong_labels, found.undecided, found.decided) == (0, 1, 1)
    assert found.against_truth["head"] == 1.0


def test_a_rate_of_zero_is_right_only_as_zero() -> None:
    assert study_tasks.agrees("speed", Saying(rate=0.0), Saying(rate=0.0))
    assert not study_tasks.agrees("speed", Saying(rate=1e-9), Saying(rate=0.0))


def test_entries_of_a_gain_are_all_within_the_tolerance_or_wrong() -> None:
    known = Saying(gain=np.array([[1.0, -10.0]]))
    assert study_tasks.agrees("feedback entries", Saying(gain=np.array([[1.09, -9.1]])), known)
    assert not study_tasks.agrees("feedback entries", Saying(gain=np.array([[1.0, -11.1]])), known)
    assert not study_tasks.agrees("feedback entries", Saying(gain=np.array([[1.0], [-10.0]])), known)
    assert not study_tasks.agrees("feedback entries", Saying(gain=np.array([[np.nan, -10.0]])), known)


def test_pdes_need_both_answers() -> None:
    pde = PaperPDE("fourier", "fourier", 2, "x0^2", "delta0(x0)", PDELabel(True, False), 1)
    right = records([pde], Oracle())[0]
    half = records([pde], Oracle(lambda said: said._replace(pde=(True, True))))[0]
    assert is_right("pde", right, "head", truly=False) is True
    assert is_right("pde", half, "head", truly=False) is False


def test_jacobian_entries_are_counted() -> None:
    one = records([STABLE], Oracle())[0]
    assert one.proposed.matrix is not None
    bent = one.proposed.matrix * np.array([[1.0, 1.0], [1.05, 1.0]])  # one of four entries, by 5 %
    found = {c.name: c.shares for c in curves("made", [one._replace(proposed=one.proposed._replace(matrix=bent))])}
    assert found["entries"][0] == 1.0
    assert found["entries"][-1] == 0.75
    assert found["all entries of a system"][0] == 1.0
    assert found["all entries of a system"][-1] == 0.0


# Formulas


def test_the_gain_is_the_paper_s() -> None:
    """Of a double integrator, where C = ∫ e^{−As} B Bᵀ e^{−Aᵀs} ds = [[1/3, −1/2], [−1/2, 1]]."""
    A, B = np.array([[[0.0, 1.0], [0.0, 0.0]]]), np.array([[[0.0], [1.0]]])
    K = study_formulas.gramian_gains(A, B)[0]
    C = np.array([[1 / 3, -1 / 2], [-1 / 2, 1]])
    assert pytest.approx(-B[0].T @ np.linalg.inv(C), rel=0.01) == K
    assert study_formulas.stabilises(A, B, K[None]).tolist() == [True]
    assert study_formulas.stabilises(A, B, -K[None]).tolist() == [False]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not there")
def test_the_gains_of_the_paper_s_files_come_out() -> None:
    cases = study_cases.read_sets([SHARED / "gram.jsonl"], limit=40)[0].cases
    for case, J in zip(cases, jacobians(cases), strict=True):
        if J is not None:
            n = case.degree
            K = study_formulas.gramian_gains(study_formulas.unit(J[None, :, :n].real), J[None, :, n:].real)[0]
            assert study_tasks.agrees("feedback entries", Saying(gain=K), label(case), 0.02)


def test_a_pair_that_time_makes_controllable() -> None:
    t = np.array([0.2, 0.4, 0.6, 0.8])
    A = np.zeros((4, 2, 2))
    moving = np.stack([np.ones(4), t], 1)[:, :, None]
    assert study_formulas.controllable_in_time(A, moving, t)
    assert not study_formulas.controllable_in_time(A, np.ones((4, 2, 1)), t)


# The other sections


def test_rewritings_leave_an_oracle_unmoved_and_move_a_reader_of_texts() -> None:
    cases = draw_set("stability", 30, 1).cases
    scores = rewriting_scores("made", records(cases, Oracle()), Oracle(), 0)
    assert {score.rewriting for score in scores} >= {"commuted", "renamed", "times one"}
    assert all(score.right == score.unchanged == 1.0 for score in scores)

    class ByText(Oracle):
        """Answers by the length of the text."""

        def propose(self, cases: Sequence[Case]) -> list[Proposed]:
            said = [Saying(len(case.system.tokens()) % 7 < 3, 1.0) for case in cases if isinstance(case, PaperSystem)]
            return [Proposed(each, each) for each in said]

    texts = rewriting_scores("made", records(cases, ByText()), ByText(), 0)
    times_one = [score for score in texts if score.rewriting == "times one" and score.task == "stability"]
    assert all(score.unchanged < 1.0 for score in times_one)


def test_gains_move_with_the_names() -> None:
    case = system(
        ["x1 + u0", "x0 + u1", "x2 + u0"], ["u0", "u1"], kind="gram", label=((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    )
    scores = rewriting_scores("made", records([case], Oracle()), Oracle(), 3)
    assert all(score.unchanged == 1.0 for score in scores)
    assert {score.rewriting for score in scores} >= {"renamed", "reordered"}


def test_distances_find_a_training_system_and_bins_hold_everything() -> None:
    cases = draw_set("stability", 60, 2).cases
    features, seen = study_cases.training_sample("stability", 200)
    found = study_neighbours.neighbourhood("made", records(cases, Oracle()), features)
    assert sum(part.count for part in found.bins) == len(cases)
    assert [part.distance for part in found.bins] == sorted(part.distance for part in found.bins)
    assert study_neighbours.nearest_distances(features[:5], features, 1) == pytest.approx(0, abs=1e-3)
    assert len(seen) == len(features)


def test_systems_that_stand_twice_are_left_out() -> None:
    again = replace(STABLE, system=TokenSystem.from_text(["-1*x0", "-2*x1 + x0"], ["x0", "x1"]))
    kept = study_cases.without_repeated(CaseSet("made", [STABLE, again, UNSTABLE]), None)
    assert (kept.cases, kept.repeated) == ([STABLE, UNSTABLE], 1)


def test_a_probe_reads_what_is_there_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    rows, noise = rng.standard_normal((400, 6)), rng.standard_normal((400, 6))
    value = rows @ np.arange(6.0)
    assert study_latent.explained_variance(rows, value) > 0.99
    assert study_latent.explained_variance(noise, value) < 0.1
    assert study_latent.readable_share(rows, (value > 0).astype(float)) > 0.9
    assert study_latent.readable_share(noise, (value > 0).astype(float)) < 0.65


def test_a_probe_is_judged_on_what_it_was_not_fitted_to() -> None:
    rng = np.random.default_rng(1)
    assert study_latent.explained_variance(rng.standard_normal((120, 50)), rng.standard_normal(120)) < 0


def test_the_plane_of_a_line_holds_all_of_it() -> None:
    rows = np.outer(np.linspace(-1, 1, 50), np.arange(1.0, 5.0))
    points, explained = study_latent.principal_plane(rows)
    assert explained == pytest.approx(1.0)
    assert np.abs(points[:, 1]).max() < 1e-9


def test_drawn_sets_are_fresh_repeatable_and_half_yes() -> None:
    first, second = (draw_set("control_bal", 24, 5).cases for _ in range(2))
    assert first == second
    assert sum(bool(case.positive) for case in first if isinstance(case, PaperSystem)) == len(first) / 2
    assert draw_set("control_bal", 24, 6).cases != first
    assert all(case.degree == 6 for case in draw_set("stability", 10, 5, degree=6).cases)
    with pytest.raises(ProblemError, match="--draw: got rank"):
        draw_set("rank", 1, 0)


# The exact route


def test_the_truth_about_rates_and_ranks() -> None:
    rank = system(["x1 + u0", "x0", "2*x2"], ["u0"], kind="control", label=True, at=0.9)
    complex_one = system(["sqrt(-4)*x0 - x0", "-3*x1"], kind="stability", label=1.0, at=0.01)
    cases = [STABLE, UNSTABLE, rank, complex_one]
    known = list(truths(cases, Mute().propose(cases), jacobians(cases)))
    assert [truth.said.yes for truth in known] == [True, False, False, True]
    assert [known[i].said.rate for i in (0, 1, 3)] == pytest.approx([1.0, -1.0, 1.0], rel=1e-3)


def test_time_makes_a_system_controllable() -> None:
    timed = TokenSystem.from_text(["t*u", "u"], ["x", "y"], ["u"], "t")
    still = TokenSystem.from_text(["u", "2*y"], ["x", "y"], ["u"], "t")
    point = {"x0": 0.5, "x1": 0.5, "u0": 0.5}
    cases = [PaperSystem("control_t", "control_t", 2, 1, each, point, True, 1) for each in (timed, still)]
    known = list(truths(cases, Mute().propose(cases), jacobians(cases)))
    assert [truth.said.yes for truth in known] == [True, False]
    found = row(accuracies("made", records(cases, Oracle(), known)), "controllability in time")
    assert (found.wrong_labels, found.against_label["exact"]) == (1, 0.5)


def test_a_proof_from_a_proposal_needs_one() -> None:
    chain = system(["x1", "u0"], ["u0"], kind="control", label=True, at=0.9)
    (true,) = jacobians([chain])
    assert true is not None
    cases = [chain, chain, chain]
    said = [NOTHING._replace(matrix=true), NOTHING._replace(matrix=np.nan * true), NOTHING]
    known = list(truths(cases, said, [true] * 3))
    assert [truth.from_proposal for truth in known] == [True, False, None]
    assert all(truth.said.yes for truth in known)
    rows = [Record(case, each, truth, true) for case, each, truth in zip(cases, said, known, strict=True)]
    assert row(accuracies("made", rows), "controllability").from_proposal == pytest.approx(1 / 3)


def test_gains_are_proved_to_stabilise_or_not() -> None:
    A = np.array([[0.0, 1.0], [0.0, 0.0]])
    K = study_formulas.gramian_gains(study_formulas.unit(A[None]), np.array([[[0.0], [1.0]]]))[0]
    case = system(["x1", "u0"], ["u0"], kind="gram", label=tuple(map(tuple, K.tolist())))
    said = [Proposed(Saying(gain=-K), Saying(gain=K))]
    (known,) = truths([case], said, jacobians([case]))
    assert known.stabilised == {"head": False, "jacobian": True, "exact": True, "label": True}
    assert known.has_gain is True
    (record,) = [Record(case, said[0], known, jacobians([case])[0])]
    found = accuracies("made", [record])
    assert row(found, "feedback stabilises").against_truth == {"head": 0.0, "jacobian": 1.0}
    assert row(found, "feedback stabilises").against_label == {"head": 0.0, "jacobian": 1.0, "exact": 1.0}
    assert row(found, "feedback entries").against_label["head"] is None


def test_the_truth_about_pdes_and_their_labels() -> None:
    """u_t = u_xx decays, u_t = −u_xx has no solution from all frequencies, and grows from few."""

    def pde(operator: str, condition: str, exists: bool, decays: bool) -> PaperPDE:
        return PaperPDE("fourier", "fourier", 1, operator, condition, PDELabel(exists, decays), 1)

    cases = [
        pde("-1*x0^2", "delta0(x0)", True, True),
        pde("x0^2", "delta0(x0)", False, False),
        pde("x0^2", "sin(3*x0)/(3*x0)", True, True),  # a label that is wrong
    ]
    said = [Proposed(jacobian=Saying(pde=(True, False)), frequency=(Fraction(x),)) for x in (1, 1, 7)]
    known = list(truths(cases, said, jacobians(cases)))
    assert [truth.said.pde for truth in known] == [(True, True), (False, False), (True, False)]
    assert [truth.from_proposal for truth in known] == [False, True, False]  # 7 lies outside the box
    found = row(accuracies("made", records(cases, Oracle(), known)), "pde")
    assert (found.wrong_labels, found.undecided, found.against_label["head"]) == (1, 0, 1.0)
    assert found.against_truth["head"] == pytest.approx(2 / 3)


def test_drawn_pdes_have_the_box_that_they_were_drawn_with() -> None:
    from hybrid.export.study_proposals import equation_of

    cases = [case for case in draw_set("fourier", 12, 1).cases if isinstance(case, PaperPDE)]
    assert len(cases) == 12
    assert study_cases._kernel(0, -2.0, 6.0) == "exp(2*(I*x0))*(sin(4*x0)/(4*x0))"
    one = replace(cases[0], degree=1, operator="x0^2", initial_condition=study_cases._kernel(0, -2.0, 6.0))
    assert equation_of(one).support == ((-2, 6),)
    assert all(len(equation_of(case).support) == case.degree for case in cases)


# The report


@pytest.fixture(scope="module")
def whole() -> Study:
    sets = [draw_set("stability_bal", 120, 3), draw_set("gram", 20, 3)]
    return study(sets, Oracle(times(1.03)), QUICK, lambda share: None)


def test_the_report_has_every_section(whole: Study) -> None:
    page = as_html(whole)
    titles = [table.title for table in study_tables.tables(whole)]
    assert titles == [
        "Accuracy", "Accuracy against the tolerance", "Equivalent rewritings", "Nearest training systems",
        "Accuracy by distance to training systems", "Systems unlike the training data",
        "The latent: a map and linear probes",
    ]  # fmt: skip
    assert all(f"<h2>{title}</h2>" in page for title in titles)
    assert page.count("<svg") == page.count("</svg>") >= 8
    assert "http://www.w3.org" in page
    assert 'src="' not in page
    assert "<script" not in page


def test_the_text_has_the_paper_s_figures_beside_ours(whole: Study) -> None:
    text = study_tables.as_text(whole)
    assert "97.1 (README)" in text
    assert "+2.9" in text  # 100 % against 97.1
    assert "Equivalent rewritings" in text
    assert study_tables.as_markdown(whole).startswith("| set | task | degree |")


def test_the_document_is_json(whole: Study) -> None:
    document = json.loads(json.dumps(whole.as_document(), allow_nan=False))
    assert document["accuracy"][0]["figure"] == {"percent": 97.1, "source": "README"}
    assert len([row for row in document["sizes"] if row["task"] == "stability"]) == 4 + 3 * 4 + 1
    assert {row["degree"] for row in document["sizes"] if row["task"] == "feedback stabilises"} == {None, 3, 4, 5, 6, 7}


def test_a_study_without_networks_says_so() -> None:
    found = study([CaseSet("made", [STABLE, UNSTABLE])], Mute(), Settings(training=0, sizes=0), lambda share: None)
    assert "The networks are missing" in study_tables.as_text(found)
    assert row(found.accuracy, "stability").decided == 2
    assert "<svg" in as_html(found)


def test_an_interrupted_study_keeps_the_sets_that_are_complete() -> None:
    class Interrupted(Oracle):
        def propose(self, cases: Sequence[Case]) -> list[Proposed]:
            if len(cases) == 1:
                raise KeyboardInterrupt
            return super().propose(cases)

    sets = [CaseSet("first", [STABLE, UNSTABLE]), CaseSet("second", [STABLE])]
    found = study(sets, Interrupted(), Settings(False, 0, 0, 0, 0), lambda share: None)
    assert not found.complete
    assert {each.set for each in found.accuracy} == {"first"}


def test_figures_are_those_of_the_facts() -> None:
    assert OVERALL["pde"] == Figure(98.6, "README")
    assert BY_DEGREE["stability"][5] == 94.1


def test_an_unbalanced_set_is_not_compared() -> None:
    found = row(accuracies("made", records([UNSTABLE] * 9 + [STABLE], Oracle())), "stability")
    assert (found.comparable, found.lead("head")) == (False, None)


# The command


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command draws less than it does for users."""
    monkeypatch.setattr("hybrid.export.study.Settings", partial(Settings, training=200, rewritten=4, sizes=8))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["eval", "paper", *arguments])


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    page, numbers = tmp_path / "study.html", tmp_path / "study.json"
    done = run("--draw", "control", "--count", "12", "--model-only", "--html", str(page), "--save", str(numbers))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Accuracy\n")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {each["set"] for each in json.loads(numbers.read_text())["accuracy"]} == {"drawn control"}


def test_the_command_reads_files_and_proves(tmp_path: Path) -> None:
    file = tmp_path / "two.jsonl"
    tokens = [" ".join(case.system.tokens()) for case in (STABLE, UNSTABLE)]
    lines = [
        json.dumps({"task": "stability", "input_tokens": text, "answer": answer})
        for text, answer in zip(tokens, (1.0, 1.0), strict=True)
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    done = run(str(file), "--json")
    assert done.exit_code == 0, done.output
    first = json.loads(done.output)["accuracy"][0]
    assert (first["count"], first["decided"], first["wrong_labels"]) == (2, 2, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give a FILE or --draw TASK"),
        (("--draw", "rank"), "--draw: got rank"),
        (("--draw", "control", "--model", "nowhere"), "--model: got nowhere"),
        (("absent.jsonl",), "absent.jsonl"),
        (("--draw", "control", "--markdown", "--json"), "exclude each other"),
    ],
)
def test_the_command_refuses_nonsense(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.skipif(not EquationReader().is_there, reason="no network that reads equations is shipped")
def test_the_shipped_networks_read_equations() -> None:
    sets = [draw_set(task, 30, 9) for task in ("control", "gram", "control_t")]
    networks = ShippedNetworks()
    for some in sets:
        first, *_ = accuracies(some.name, records(some.cases, networks))
        share = first.against_label["jacobian"]
        assert share is not None
        assert share > 0.3


def test_networks_of_an_empty_folder_say_nothing(tmp_path: Path) -> None:
    assert ShippedNetworks(tmp_path).propose([STABLE]) == [NOTHING]
