"""`hybrid eval feedback`: what is counted, on which systems, and how it is printed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from hybrid import LinearSystem, read
from hybrid.errors import ProblemError
from hybrid.export import distributions, evaluation, evaluation_runs, evaluation_sets
from hybrid.export.evaluation import ENDS, Score, asker, cost_ratios, score_pairs, score_systems
from hybrid.export.evaluation_sets import PAIRS, TRIPLES, pairs, sample, triples
from hybrid.export.output_systems import Triples
from hybrid.plugins.cli import cli
from hybrid.propose.gain import GainProposer
from hybrid.propose.output_gain import OutputGainProposer

ROOT = Path(__file__).resolve().parents[1]
UNSTABLE = "A = [[0, 1], [1, -1]]\nB = [[0], [1]]\nC = [[1, 0]]\n"
STUCK = "A = [[1, 0], [0, 2]]\nB = [[1], [0]]\nC = [[1, 0]]\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["eval", "feedback", *words], catch_exceptions=False)

    return invoke


def counted(score: Score) -> int:
    return sum(getattr(score, end) for end in ENDS)


def decided(score: Score) -> tuple[int, int]:
    """Gains proved, on whatever way, and proofs that there is none."""
    return score.raw + score.refined + score.fallback, score.impossible


# Systems


@pytest.mark.parametrize("family", PAIRS)
@pytest.mark.parametrize("discrete", [False, True])
def test_pairs_are_seeded(family: str, discrete: bool) -> None:
    A, B = pairs(family, 20, 4, 2, seed=1, discrete=discrete)
    again = pairs(family, 20, 4, 2, seed=1, discrete=discrete)
    assert np.array_equal(A, again[0])
    assert np.array_equal(B, again[1])
    assert np.isfinite(A).all()
    assert np.isfinite(B).all()
    assert (pairs(family, 20, 4, 2, seed=2, discrete=discrete)[0] != A).any()


def test_no_set_is_one_that_models_were_trained_or_chosen_on() -> None:
    """Streams of numbers, as the first system of each would show: seeds 0 to 3, steps 0 to 9, m = 2."""
    ours = {pairs("gaussian", 1, 3, 2, seed=seed)[0].tobytes() for seed in range(4)}
    seeds: list[Any] = [[seed, step] for seed in range(5) for step in range(10)]
    seeds += [evaluation.VALIDATION + 2, 770_002, 0, 1, evaluation_sets.EVALUATION]
    theirs = {distributions.gaussian(np.random.default_rng(seed), 1, 3, 2)[0].tobytes() for seed in seeds}
    assert len(ours) == 4
    assert not ours & theirs


def test_sampling_is_tustins() -> None:
    """Poles s = (2/h)(z − 1)/(z + 1), one h for all of a system, which the transfer function keeps."""
    rng = np.random.default_rng(0)
    plants = Triples(rng.standard_normal((5, 3, 3)), rng.standard_normal((5, 3, 1)), rng.standard_normal((5, 1, 3)))
    A, B, C = sample(rng, plants)
    for i in range(5):
        before, after = np.linalg.eigvals(plants.A[i]), np.linalg.eigvals(A[i])
        moved = (after - 1) / (after + 1)
        half = np.real(moved.sum() / before.sum())
        assert np.allclose(np.sort_complex(moved), np.sort_complex(half * before))
        z = 1.7
        s = (z - 1) / (z + 1) / half
        continuous = plants.C[i] @ np.linalg.solve(s * np.eye(3) - plants.A[i], plants.B[i])
        feedthrough = plants.C[i] @ np.linalg.solve(np.eye(3) / half - plants.A[i], plants.B[i])  # at z = ∞
        discrete = C[i] @ np.linalg.solve(z * np.eye(3) - A[i], B[i])
        assert np.allclose(discrete + feedthrough, continuous)


@pytest.mark.parametrize("family", TRIPLES)
def test_output_systems_are_unstable_and_have_a_gain(family: str) -> None:
    A, B, C = triples(family, 3, 3, 2, 1, seed=1)
    ask, _ = asker(model=False, output=True)
    systems = [LinearSystem(*row) for row in zip(A, B, C, strict=True)]
    found = score_systems(family, systems, ask, output=True, model=False)
    assert (np.linalg.eigvals(A).real.max(1) > 0).all()
    assert found.fallback == 3


# Scores


def test_every_system_ends_in_one_way() -> None:
    A = np.array([[[0.0, 1.0], [1.0, -1.0]], [[1.0, 0.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 0.0]]])
    B = np.array([[[0.0], [1.0]], [[1.0], [0.0]], [[0.0], [1.0]]])
    with_model, without = score_pairs("three", A, B), score_pairs("three", A, B, model=False)
    assert (with_model.raw, with_model.impossible) == (2, 1)
    assert (without.raw, without.refined, without.fallback, without.impossible) == (0, 0, 2, 1)
    assert counted(with_model) == counted(without) == 3
    assert with_model.model
    assert not without.model
    assert without.cost_ratio is None
    one_by_one, _ = asker()
    systems = [LinearSystem(*row) for row in zip(A, B, strict=True)]
    assert decided(score_systems("three", systems, one_by_one, output=False, model=True)) == decided(with_model)


@pytest.mark.parametrize(("gain", "ratio"), [(1.0, 1.0), (2.0, 1.25), (0.5, 1.25)])
def test_cost_of_a_scalar_gain(gain: float, ratio: float) -> None:
    """x′ = u, u = −kx: ∫ x² + u² = (1 + k²)/(2k) x₀², least at k = 1."""
    one = np.ones((1, 1, 1))
    assert cost_ratios(0 * one, one, gain * one, discrete=False) == pytest.approx([ratio])


def test_cost_ratio_is_of_all_raw_gains_that_stabilise(monkeypatch: pytest.MonkeyPatch) -> None:
    """K = 2 I stabilises both plants; P = 2 I proves it for the first alone, and the second still counts."""

    def doubled(self: GainProposer, A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        P = 2.0 * np.broadcast_to(np.eye(2), A.shape)
        return P, B.mT @ P

    monkeypatch.setattr(GainProposer, "propose_batch", doubled)
    A, B = np.array([[[0.0, 0.0], [0.0, 0.0]], [[0.0, 10.0], [0.0, 0.0]]]), np.stack([np.eye(2)] * 2)
    ratio = score_pairs("decoupled", A[:1], B[:1]).cost_ratio
    other = score_pairs("coupled", A[1:], B[1:])
    both = score_pairs("both", A, B)
    assert ratio == pytest.approx(1.25)
    assert (other.raw, other.refined) == (0, 1)
    assert other.cost_ratio is not None
    assert both.cost_ratio == pytest.approx((ratio + other.cost_ratio) / 2)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


def fails(*_: Any, **__: Any) -> Any:
    raise RuntimeError("no model at all")


@pytest.mark.parametrize("kind", ["noise", "nan", "raises"])
@pytest.mark.parametrize("discrete", [False, True])
def test_a_model_of_any_weights_changes_no_sum(kind: str, discrete: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw gains go, what is decided stays: in stacks and one by one."""
    A, B = pairs("gaussian", 40, 3, 1, seed=1, discrete=discrete)
    A[0], B[0] = np.diag([2.0, 0.5, 0.5]), [[0.0], [1.0], [1.0]]  # no gain
    systems = [LinearSystem(*row, dt=1 if discrete else None) for row in zip(A, B, strict=True)]
    ask, _ = asker()
    good = score_pairs("good", A, B, discrete=discrete)
    one_by_one = score_systems("good", systems, ask, output=False, model=True)

    def hostile(self: GainProposer, A: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        P = noise(*A.shape) if kind == "noise" else np.full(A.shape, np.nan)
        return P, B.mT @ P

    monkeypatch.setattr(GainProposer, "propose_batch", fails if kind == "raises" else hostile)
    bad = score_pairs("bad", A, B, discrete=discrete)
    bad_one_by_one = score_systems("bad", systems, ask, output=False, model=True)
    assert good.raw > 30
    assert bad.raw < good.raw
    assert bad_one_by_one.raw < one_by_one.raw
    assert decided(bad) == decided(good) == (39, 1)
    assert decided(bad_one_by_one) == decided(one_by_one) == (39, 1)


@pytest.mark.parametrize("kind", ["noise", "raises"])
def test_an_output_model_of_any_weights_changes_no_sum(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    A, B, C = triples("shifted", 6, 3, 2, 2, seed=1)
    systems = [LinearSystem(*row) for row in zip(A, B, C, strict=True)]

    def hostile(self: Any, A: np.ndarray, B: np.ndarray, C: np.ndarray, free: Any = None, **_: Any) -> np.ndarray:
        return 100 * noise(len(A), 8, B.shape[2], C.shape[1])

    monkeypatch.setattr(OutputGainProposer, "accepts", lambda *_: True)
    monkeypatch.setattr(OutputGainProposer, "propose_batch", fails if kind == "raises" else hostile)
    ask, has_model = asker(output=True)
    assert has_model(systems[0])
    bad = score_systems("bad", systems, ask, output=True, model=True)
    assert counted(bad) == 6
    assert decided(bad) == (6, 0)


def test_times_add_up() -> None:
    """A stage works on what the stages before it left, and a system waits for all of them."""
    ends = np.array(["raw"] * 6 + ["refined"] * 3 + ["fallback"])
    seconds = evaluation._stage_seconds({"model": 1.0, "model+refined": 0.4, "doubling": 0.2, "exact": 0.1}, ends)
    assert seconds == pytest.approx({"raw": 0.1, "refined": 0.2, "fallback": 0.5})


# The command


def test_sets_as_json_and_in_a_file(run: Callable[..., Result]) -> None:
    sets = "--n", "2", "--n", "3", "--inputs", "1", "--family", "masses", "--count", "30"
    result = run(*sets, "--json", "--save", "s.json")
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert json.loads(Path("s.json").read_text()) == document
    assert [(row["name"], row["n"], row["m"], row["count"]) for row in document["scores"]] == [
        ("masses", 2, 1, 30), ("masses", 3, 1, 30)
    ]  # fmt: skip
    assert all(sum(row[end] for end in ENDS) == 30 for row in document["scores"])
    assert document["complete"]
    assert set(document["models"]) == {"lqr-n2.onnx", "lqr-n3.onnx"}


def test_sets_as_a_table(run: Callable[..., Result]) -> None:
    sets = "--n", "3", "--inputs", "2", "--family", "gaussian", "--count", "40"
    head, row = run(*sets, "--discrete").stdout.splitlines()
    assert head.split()[:6] == ["family", "n", "m", "systems", "raw", "%"]
    assert row.split()[:4] == ["gaussian", "3", "2", "40"]
    without = run(*sets, "--no-model").stdout.splitlines()[1]
    assert without.split()[4:7] == ["–", "–", "100.0"]


def test_output_sets(run: Callable[..., Result]) -> None:
    words = ["--output", "--n", "3", "--inputs", "2", "--outputs", "1", "--family", "modal", "--count", "4"]
    for more in ([], ["--discrete"]):
        (row,) = json.loads(run(*words, *more, "--json").stdout)["scores"]
        assert (row["p"], row["count"], row["undecided"]) == (1, 4, 0)
    assert run(*words).stdout.splitlines()[0].split()[:4] == ["family", "n", "m", "p"]


def folder_of_plants(folder: Path) -> None:
    folder.mkdir()
    for name, text in {
        "good.toml": UNSTABLE, "stuck.toml": STUCK, "broken.toml": "A = [[1, 2]]\n", "free.toml": "A = [[-1]]\n",
        "bent.toml": 'inputs = ["u"]\nequations = {x = "u - x**3"}\n', "notes.txt": "no plant",
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    np.savez(folder / "large.npz", A=-np.eye(9), B=np.ones((9, 1)))
    np.savez(folder / "good.npz", A=-np.eye(9), B=np.ones((9, 1)))  # matrices of good.toml, by its name


@pytest.mark.parametrize("output", [False, True])
def test_a_folder_of_plants(output: bool, run: Callable[..., Result], tmp_path: Path) -> None:
    folder_of_plants(tmp_path / "plants")
    words = ["--plants", "plants", "--max-states", "8", *(["--output"] if output else [])]
    document = json.loads(run(*words, "--json").stdout)
    ends = {row["name"]: next(end for end in ENDS if row[end]) for row in document["scores"]}
    assert ends["good"] in ENDS[:3]
    assert ends["stuck"] == "impossible"
    reasons = {file["name"]: file["reason"] for file in document["skipped"]}
    assert set(reasons) == {"broken.toml", "free.toml", "bent.toml", "large.npz"}
    assert reasons["free.toml"] == "no inputs"
    assert reasons["large.npz"] == "9 states"
    assert reasons["bent.toml"] == "a nonlinear system"
    text = run(*words).stdout
    assert "2 plants: " in text
    assert "1 impossible" in text
    assert "4 left out:\n  bent.toml: a nonlinear system" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--family", "gausian"], "--family: got gausian, expected one of mixed, gaussian"),
        (["--plants", "absent"], "--plants: got absent, expected a folder of plant files"),
        (["--plants", "."], "expected a folder with files that end in .toml"),
        (["--plants", ".", "--seed", "3"], "--plants and --seed exclude each other"),
        (["--outputs", "2"], "--outputs needs --output"),
        (["--no-model", "--model", "x.onnx"], "--model and --no-model exclude each other"),
        (["--model", "absent.onnx", "--n", "2"], "absent.onnx"),
        (["--save", "absent/x.json"], "--save: got absent/x.json"),
    ],
)
def test_wrong_calls_get_a_sentence(words: list[str], sentence: str, run: Callable[..., Result]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_ctrl_c_prints_what_is_there(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    original = evaluation_runs.evaluate_generated

    def interrupted(*given: Any) -> Iterator[Any]:
        yield next(original(*given))
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation_runs, "evaluate_generated", interrupted)
    result = run("--n", "2", "--count", "10", "--json")
    assert result.exit_code == 130
    document = json.loads(result.stdout)
    assert not document["complete"]
    assert len(document["scores"]) == 1


def test_all_families() -> None:
    assert evaluation_runs.Generated(("all",)).names() == list(PAIRS)
    with pytest.raises(ProblemError, match="--family"):
        evaluation_runs.Generated(("companions",), output=True).names()


def test_evaluation_needs_no_torch() -> None:
    program = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("torch", "onnx"):
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
from hybrid.plugins.cli import cli
cli(["eval", "feedback", "--n", "2", "--inputs", "1", "--count", "5"])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.shared
def test_small_real_plants_with_a_known_output_gain_get_one(shared: Path) -> None:
    ask, _ = asker(output=True)
    asked = 0
    for file in sorted((shared / "plants/linear").glob("*.json")):
        stated = json.loads(file.read_text(encoding="utf-8"))
        if (stated["sof"] or {}).get("status") != "yes_exact" or len(stated["A"]) > 4:
            continue
        plant = read(file)
        assert isinstance(plant, LinearSystem)
        assert decided(score_systems(plant.name, [plant], ask, output=True, model=True)) == (1, 0), plant.name
        asked += 1
    assert asked
