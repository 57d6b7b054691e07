"""`hybrid train`: plants read and divided, training data, what is written and what is left alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from scipy.io import savemat

import hybrid
from hybrid import LinearSystem
from hybrid.errors import DimensionError, HybridError, ParseError, ProblemError
from hybrid.export.plant_family import Family, Neighbourhood, stacks
from hybrid.plugins import cli_train
from hybrid.plugins.cli import cli

train = pytest.mark.train
Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]


def rotors(count: int = 20, n: int = 2) -> Matrices:
    """Unstable second-order plants, and states that follow them."""
    rng = np.random.default_rng(0)
    A, B, C = np.zeros((count, n, n)), np.zeros((count, n, 1)), np.zeros((count, 1, n))
    A[:, 0, 1], A[:, 1, 0], A[:, 1, 1] = 1.0, rng.uniform(0.5, 2.0, count), -rng.uniform(0.1, 1.0, count)
    for i in range(2, n):
        A[:, i, i - 1], A[:, i, i] = 1.0, -1.0
    B[:, 1, 0], C[:, 0, 0] = 1.0, 1.0
    return A, B, C


def as_folder(folder: Path, matrices: Matrices) -> None:
    folder.mkdir()
    for i, (A, B, C) in enumerate(zip(*matrices, strict=True)):
        text = f"A = {A.tolist()}\nB = {B.tolist()}\nC = {C.tolist()}\n"
        (folder / f"rotor-{i:02}.toml").write_text(text)


def as_npz(file: Path, matrices: Matrices, **more: Any) -> None:
    np.savez(file, **dict(zip("ABC", matrices, strict=True)), **more)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, words, catch_exceptions=False)

    return invoke


def contents(plants: tuple[LinearSystem, ...]) -> set[str]:
    """The plants in doubles: text numbers are other rationals than those stored in arrays."""
    return {repr([x.floats.tolist() for x in (plant.A, plant.B, plant.C) if x is not None]) for plant in plants}


# Plants


@pytest.mark.parametrize("output", [False, True])
def test_a_folder_and_tables_hold_the_same_plants(output: bool, tmp_path: Path) -> None:
    matrices = rotors()
    as_folder(tmp_path / "rotors", matrices)
    (tmp_path / "rotors/notes.toml").write_text("A = 'nothing'\n")
    as_npz(tmp_path / "rotors.npz", matrices)
    rows = [dict(zip("ABC", (x.tolist() for x in row), strict=True)) for row in zip(*matrices, strict=True)]
    (tmp_path / "rotors.json").write_text(json.dumps(rows))
    savemat(tmp_path / "rotors.mat", {key: np.moveaxis(x, 0, 2) for key, x in zip("ABC", matrices, strict=True)})
    names = "rotors", "rotors.npz", "rotors.mat", "rotors.json"
    found = [Family.read(str(tmp_path / name), 1, output=output) for name in names]
    assert [(len(family.training), len(family.held_out)) for family in found] == [(16, 4)] * 4
    assert len({frozenset(contents(family.training) | contents(family.held_out)) for family in found}) == 1
    assert [file.name for file in found[0].skipped] == ["notes.toml"]
    assert {plant.name for plant in found[0].held_out} <= {f"rotor-{i:02}" for i in range(20)}


def test_held_out_plants_are_on_one_side_alone(tmp_path: Path) -> None:
    A, B, C = rotors(10)
    as_npz(tmp_path / "twice.npz", (np.concatenate([A, A]), np.concatenate([B, B]), np.concatenate([C, C])))
    family, again, other = (Family.read(str(tmp_path / "twice.npz"), seed) for seed in (1, 1, 2))
    assert (len(family.training), len(family.held_out)) == (8, 2)
    assert not contents(family.training) & contents(family.held_out)
    assert contents(again.held_out) == contents(family.held_out) != contents(other.held_out)


def table(A: Any, B: Any, C: Any = None) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        np.savez(file.with_suffix(".npz"), **{key: x for key, x in zip("ABC", (A, B, C), strict=True) if x is not None})

    return write


def mixed_orders(file: Path) -> None:
    entries = [{"A": [[k, 1], [0, k]], "B": [[0], [1]], "name": f"two-{k}"} for k in range(4)]
    entries.append({"A": [[1]], "B": [[1]], "name": "odd one"})
    file.with_suffix(".json").write_text(json.dumps(entries))


@pytest.mark.parametrize(
    ("write", "error", "sentence"),
    [
        (mixed_orders, DimensionError, "odd one: got 1 states, expected 2 states, as two-0 has"),
        (table(np.eye(2), np.ones((2, 1))), DimensionError, "expected a stack of shape (N, n, n)"),
        (table(np.zeros((5, 2, 2)), np.zeros((4, 2, 1))), DimensionError, "a matrix for each plant"),
        (table(np.zeros((5, 2, 2)), np.zeros((5, 3, 1))), DimensionError, "plant 1, B: got"),
        (table(rotors(5)[0], np.ones((5, 2, 7))), DimensionError, "got 7 inputs, expected 1 to 4 inputs"),
        (table(*rotors(3)), ProblemError, "got 3 plants in"),
        (table(*[np.concatenate([x] * 5) for x in rotors(1)]), ProblemError, "at least 4 different ones"),
        (table(np.full((5, 2, 2), np.nan), np.ones((5, 2, 1))), ProblemError, "plant 1, A"),
        (lambda file: file.with_suffix(".json").write_text("{}"), ParseError, "a JSON list of systems"),
        (lambda file: file.with_suffix(".json").write_text("[["), ParseError, "a JSON list of systems"),
        (lambda file: file.with_suffix(".json").write_text('[{"A": [[1]], "E": [[2]]}]'), ProblemError, "plant 1, E"),
        (lambda file: file.with_suffix(".json").write_text("[7]"), ParseError, "plant 1"),
        (lambda file: file.with_suffix(".csv").write_text("1,2"), ProblemError, "expected a folder of plant files"),
        (lambda file: file.with_suffix(".npz").write_text("1,2"), ParseError, "a NumPy .npz file"),
    ],
)
def test_plants_that_cannot_be_a_family(
    write: Callable[[Path], Any], error: type[HybridError], sentence: str, tmp_path: Path
) -> None:
    write(tmp_path / "plants")
    (file,) = tmp_path.iterdir()
    with pytest.raises(error) as raised:
        Family.read(str(file), 0)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_plants_that_are_not_there_and_outputs_that_are_not() -> None:
    with pytest.raises(ProblemError, match="PLANTS"):
        Family.read("absent.npz", 0)


def test_outputs_are_needed_where_they_are_fed_back(tmp_path: Path) -> None:
    A, B, _ = rotors(5)
    np.savez(tmp_path / "plants.npz", A=A, B=B)
    with pytest.raises(DimensionError, match="0 outputs"):
        Family.read(str(tmp_path / "plants.npz"), 0, output=True)


# Training data


def test_random_plants_lie_around_those_given() -> None:
    A, B, C = rotors()
    plants = [LinearSystem(*row) for row in zip(A, B, C, strict=True)]
    near = Neighbourhood(plants, output=True).draw(np.random.default_rng(0), 2000)
    assert (near.A[:, 0, 0] == 0).all()
    assert (near.B[:, 0] == 0).all()
    assert (near.A[:, 0, 1] > -1).all()
    low, high = np.quantile(near.A[:, 1, 0], [0.05, 0.95])
    assert A[:, 1, 0].min() - 0.5 < low < high < A[:, 1, 0].max() + 0.5
    assert len(np.unique(near.A[:, 1, 0])) == 2000


def test_plants_of_several_sizes_keep_theirs() -> None:
    one = [LinearSystem([[0, 1], [k, 0]], [[0], [1]]) for k in range(6)]
    two = [LinearSystem([[0, 1], [k, 0]], [[0, 1], [1, 0]]) for k in range(3)]
    assert sorted(stack.B.shape for stack in stacks([*one, *two])) == [(3, 2, 2), (6, 2, 1)]
    rng, near = np.random.default_rng(0), Neighbourhood([*one, *two])
    drawn = [near.draw(rng, 5).B.shape[2] for _ in range(300)]
    assert 0.5 < drawn.count(1) / 300 < 0.8


@pytest.mark.parametrize("output", [False, True])
def test_discrete_plants_enter_as_their_twins(output: bool) -> None:
    """The twin is stable where the plant is, whatever the noise is not; one with an eigenvalue at −1 has none."""
    plants = [LinearSystem([[k, 0], [0, "1/2"]], [[1], [1]], [[1, 1]], dt=1) for k in ("1/4", "9/10", "-1")]
    group = Neighbourhood(plants[:2], output=output)._groups[0]
    assert len(group.A) == 2
    if output:
        assert np.allclose(np.linalg.eigvals(group.A)[0], [(0.25 - 1) / 1.25, -1 / 3])
    assert len(Neighbourhood(plants, output=output)._groups[0].A) == 2


# The command


def test_without_torch_there_is_one_sentence(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_train, "find_spec", lambda name: None)
    result = run("train", "rotors", "--out", "x.onnx")
    assert result.exit_code == 2
    assert "torch" in result.stderr
    assert "pip install 'hybrid[train]'" in result.stderr
    assert result.stderr.count("\n") == 1


@train
@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("model.bin", "expected a file name that ends in .onnx"),
        ("absent/model.onnx", "--out: got absent/model.onnx"),
        ("table.onnx", "expected another name, as the card would replace table.json"),
    ],
)
def test_places_that_are_refused(out: str, sentence: str, run: Callable[..., Result]) -> None:
    Path("table.json").write_text("[]")
    result = run("train", "table.json", "--out", out)
    assert (result.exit_code, Path("table.json").read_text()) == (2, "[]")
    assert sentence in result.stderr


@train
def test_a_model_for_a_family(run: Callable[..., Result]) -> None:
    as_folder(Path("rotors"), rotors(12))
    result = run("train", "rotors", "--out", "rotors.onnx", "--count", "1024", "--seed", "3")
    assert result.exit_code == 0
    assert "10 plants to train on, 2 held out; n = 2; from lqr-n2.onnx " in result.stderr
    assert "Written: rotors.onnx" in result.stdout
    card = json.loads(Path("rotors.json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(Path("rotors.onnx").read_bytes()).hexdigest()
    assert card["training"]["settings"]["seed"] == 3
    assert card["training"]["samples"] == 1024
    assert card["metrics"]["held out, after"]["count"] == 2
    assert not set(card["held_out"]) & set(card["training"]["plants"])
    assert card["training"]["settings"]["start_from"].startswith("lqr-n2.onnx ")
    assert card["licence"] == "BSD-3-Clause"
    answer = json.loads(run("feedback", "rotors/rotor-03.toml", "--model", "rotors.onnx", "--json").stdout)
    assert (answer["status"], answer["route"]) == ("proved", "model")
    A, B, _ = rotors(12)
    import hybrid.batch

    found = hybrid.batch.feedback(A, B, model="rotors.onnx")
    assert (found.status == "proved").all()
    assert (found.route == "model").any()


def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shipped model to start from, and small networks instead."""
    from hybrid.export import fine_tune

    monkeypatch.setattr(fine_tune, "_shipped", lambda name: None)
    monkeypatch.setattr(fine_tune, "_SHAPE", (2, 16, 1))
    monkeypatch.setattr(fine_tune, "_OUTPUT_SHAPE", (2, 16, 1, 16, 1))


@train
def test_training_makes_fresh_weights_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid.export.fine_tune import FineTuning

    fresh(monkeypatch)
    as_npz(tmp_path / "rotors.npz", rotors(40, n=3))
    family = Family.read(str(tmp_path / "rotors.npz"), 0)
    tuning = FineTuning(family, samples=256 * 150, target=tmp_path / "rotors.onnx")
    *_, last = tuning.run()
    assert tuning.start is None
    assert [len(group.A) for group in tuning._task.neighbourhood._groups] == [32]  # no held-out plant among them
    assert tuning.best is not tuning.before
    assert tuning.best.validation.rank > tuning.before.validation.rank
    assert last.held_out.raw > tuning.before.held_out.raw
    assert tuning.write()
    assert hybrid.feedback(family.held_out[0], model=str(tmp_path / "rotors.onnx")).status is hybrid.Status.PROVED


@train
def test_a_model_of_output_gains(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(monkeypatch)
    as_npz(Path("rotors.npz"), rotors(8))
    result = run("train", "rotors.npz", "--output", "--out", "sof.onnx", "--count", "512", "--json")
    document = json.loads(result.stdout)
    assert document["written"]
    assert document["schema"] == "hybrid-output-gain/1"
    assert document["metrics"]["held out, after"]["count"] == 2
    Path("rotor.toml").write_text("A = [[0, 1], [1, -1]]\nB = [[0], [1]]\nC = [[1, 0]]\n")
    assert run("feedback", "rotor.toml", "--output", "--model", "sof.onnx").exit_code == 0


@train
def test_only_a_better_model_is_replaced(run: Callable[..., Result]) -> None:
    """The shipped model proves all of these easy plants, so no other is better."""
    from importlib import resources

    as_folder(Path("rotors"), rotors(8))
    shipped = (resources.files("hybrid.models") / "lqr-n2.onnx").read_bytes()
    Path("mine.onnx").write_bytes(shipped)
    result = run("train", "rotors", "--out", "mine.onnx", "--count", "256")
    assert "Not written: the model in mine.onnx does as well" in result.stdout
    assert Path("mine.onnx").read_bytes() == shipped
    assert not Path("mine.json").exists()


@train
def test_a_worse_model_is_replaced(run: Callable[..., Result]) -> None:
    from hybrid.export.graph import to_model
    from hybrid.export.network import RiccatiNetwork, Shape

    as_folder(Path("rotors"), rotors(8))
    untrained = to_model(RiccatiNetwork(Shape(2, 1, 8, 1))).SerializeToString()
    Path("mine.onnx").write_bytes(untrained)
    assert "Written: mine.onnx" in run("train", "rotors", "--out", "mine.onnx", "--count", "256").stdout
    assert Path("mine.onnx").read_bytes() != untrained


@train
@pytest.mark.parametrize("option", ["--out", "--start-from"])
def test_files_that_are_no_models_for_these_plants(option: str, run: Callable[..., Result]) -> None:
    from importlib import resources

    as_folder(Path("rotors"), rotors(8))
    Path("text.onnx").write_text("no model")
    Path("other.onnx").write_bytes((resources.files("hybrid.models") / "lqr-n4.onnx").read_bytes())
    for name in ("text.onnx", "other.onnx"):
        before = Path(name).read_bytes()
        words = ["--out", name] if option == "--out" else ["--out", "new.onnx", "--start-from", name]
        result = run("train", "rotors", *words, "--count", "256")
        assert result.exit_code == 2
        assert result.stderr.startswith(f"hybrid: {name}")
        assert Path(name).read_bytes() == before
        assert not Path("new.onnx").exists()


@train
def test_ctrl_c_keeps_the_best_so_far(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    from hybrid.export.training import Training

    def interrupted(self: Training) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "advance", interrupted)
    as_folder(Path("rotors"), rotors(8))
    result = run("train", "rotors", "--out", "rotors.onnx")
    assert result.exit_code == 0
    assert "ended early" in result.stderr
    assert "Written: rotors.onnx" in result.stdout
