"""Training of the output-gain models: data, network, loss, export, shipping, and resuming."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch", reason="needs the [train] extra")
onnx = pytest.importorskip("onnx", reason="needs the [train] extra")

from hybrid.errors import ModelError  # noqa: E402
from hybrid.export import output_systems, output_to_onnx, train_output  # noqa: E402
from hybrid.export.output_evaluate import proves, score  # noqa: E402
from hybrid.export.output_graph import to_model  # noqa: E402
from hybrid.export.output_losses import growth, winner_takes_all  # noqa: E402
from hybrid.export.output_network import OutputGainNetwork, OutputShape, descent  # noqa: E402
from hybrid.export.output_to_onnx import PARITY, load_network, parity, ship  # noqa: E402
from hybrid.propose.canonical_triple import canonical_triple  # noqa: E402
from hybrid.propose.output_gain import OutputGainProposer, model_name, network_inputs  # noqa: E402

SMALL = OutputShape(n=3, steps=2, width=16, blocks=1, step_width=16, step_blocks=1)
RECORD = {"settings": {}, "samples": 0, "minutes": 0.0, "device": "test"}


def random_network(shape: OutputShape = SMALL, seed: int = 0) -> OutputGainNetwork:
    """Weights everywhere, also where an untrained network has zeros."""
    torch.manual_seed(seed)
    network = OutputGainNetwork(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def tensors(n: int, m: int, p: int, free: np.ndarray | None = None, count: int = 16) -> list[torch.Tensor]:
    triples = output_systems.plants(np.random.default_rng(5), count, n, m, p)
    named = network_inputs(canonical_triple(*triples), np.ones((m, p), dtype=bool) if free is None else free)
    return [torch.from_numpy(named[name]) for name in ("A", "B", "C", "free")]


@pytest.mark.parametrize("name", output_systems.FAMILIES)
@pytest.mark.parametrize(("n", "m", "p"), [(2, 1, 1), (5, 3, 2), (6, 2, 4)])
def test_families_are_seeded_and_stable_before_the_gain(name: str, n: int, m: int, p: int) -> None:
    family = output_systems.FAMILIES[name]
    F, B, C = family(np.random.default_rng(1), 50, n, m, p)
    assert (F.shape, B.shape, C.shape) == ((50, n, n), (50, n, m), (50, p, n))
    assert np.linalg.eigvals(F).real.max() < 0
    assert (family(np.random.default_rng(1), 50, n, m, p).A == F).all()
    assert (family(np.random.default_rng(2), 50, n, m, p).A != F).any()


@pytest.mark.parametrize("name", output_systems.FAMILIES)
def test_plants_are_unstable_and_have_a_gain(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hidden gain, caught on its way, makes every plant stable and has the structure."""
    caught = []
    original = output_systems._gains

    def catch(*arguments: object) -> np.ndarray:
        caught.append(original(*arguments))
        return caught[-1]

    monkeypatch.setattr(output_systems, "_gains", catch)
    free = np.array([[True, False], [True, True]])
    family = output_systems.FAMILIES[name]
    A, B, C = output_systems.plants(np.random.default_rng(0), 20, 4, 2, 2, free, family=family)
    assert len(A) == 20
    assert np.linalg.eigvals(A).real.max(1).min() > 0
    K = np.concatenate(caught)
    loops = A[:, None] - B[:, None] @ K @ C[:, None]
    assert (np.linalg.eigvals(loops).real.max(-1).min(1) < 0).all()
    assert (K[:, 0, 1] == 0).all()


def test_structures_are_proper_masks() -> None:
    drawn = [output_systems.structure(np.random.default_rng(i), 3, 2) for i in range(50)]
    assert all(free.shape == (3, 2) and free.dtype == bool and free.any() for free in drawn)
    assert sum(free.all() for free in drawn) < 10
    assert len({free.tobytes() for free in drawn}) > 10


def test_mixture_names_every_family() -> None:
    assert set(output_systems.MIXTURE) == set(output_systems.FAMILIES)
    assert abs(sum(output_systems.MIXTURE.values()) - 1) < 1e-9


def test_growth_tells_stable_from_unstable() -> None:
    M = torch.randn(200, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    abscissa = torch.linalg.eigvals(M).real.amax(-1)
    slow = M - (abscissa + 0.5)[:, None, None] * torch.eye(4).double()
    assert (growth(slow) < 0).all()
    assert (growth(slow + torch.eye(4).double()) > 0).all()


def test_the_best_candidate_counts() -> None:
    A, B, C, free = (x.double() for x in tensors(3, 2, 2))
    K = torch.randn(16, 8, 4, 4, dtype=torch.float64) * free[:, None]
    K[:, 3:] = K[:, 2:3]
    loss = winner_takes_all(A, B, C, K)
    rate = growth(A[:, None] - B[:, None] @ K @ C[:, None])
    worse = K.clone()
    worst = rate.argmax(1)
    worse[torch.arange(16), worst] = K[torch.arange(16), rate.argmin(1)]
    assert (winner_takes_all(A, B, C, worse) <= loss + 1e-12).all()
    assert winner_takes_all(A, B, C, K.flip(1)).sub(loss).abs().max() < 1e-12


def test_the_direction_of_a_step_lowers_growth() -> None:
    """Against finite differences: along `descent` the growth of e^{Mt} over the horizon falls, at the slope it says."""
    A, B, C, _ = (x.double()[:, None] for x in tensors(3, 2, 2))
    M = A - B @ torch.zeros(16, 1, 4, 4).double() @ C
    downhill, described = descent(M, B, C)
    moved = descent(M - B @ (1e-6 * downhill) @ C, B, C)[1]
    before, after = (torch.sinh(x[..., 0]) / 3 for x in (described, moved))
    assert ((after - before) < 0).double().mean() > 0.9  # the horizon, 2ˢ/‖M‖, moves too
    assert (downhill.square().sum((2, 3)) - 1).abs().max() < 1e-4


def test_an_untrained_step_changes_nothing_and_zeros_stay() -> None:
    free = np.array([[True, False], [True, True]])
    inputs = tensors(3, 2, 2, free)
    first, *later = OutputGainNetwork(SMALL).guesses(*inputs)
    assert all(torch.allclose(first, guess, atol=1e-6) for guess in later)
    K = random_network()(*inputs)
    assert K.shape == (16, 8, 4, 4)
    assert (K[(inputs[3] == 0)[:, None].expand_as(K)] == 0).all()
    assert (K != 0).any()


@pytest.mark.parametrize("shape", [SMALL, OutputShape(2, 0, 8, 1, 8, 1), OutputShape(6, 3, 24, 2, 16, 2)])
def test_onnx_says_what_torch_says(shape: OutputShape) -> None:
    network = random_network(shape)
    assert parity(network, to_model(network).SerializeToString()) <= PARITY


@pytest.mark.parametrize("steps", [0, 1, SMALL.steps, SMALL.steps + 2])
def test_a_file_makes_as_many_steps_as_it_is_asked_for(tmp_path: Path, steps: int) -> None:
    network = random_network()
    onnx.save(to_model(network), tmp_path / model_name(3))
    A, B, C, free = tensors(3, 4, 4)
    guesses = list(network.guesses(A, B, C, free, steps=SMALL.steps + 2))
    run = OutputGainProposer(tmp_path).network(3, steps)
    K = run({"A": A.numpy(), "B": B.numpy(), "C": C.numpy(), "free": free.numpy()})
    assert np.abs(K - guesses[steps].detach().numpy()).max() < 1e-3
    assert steps == 0 or np.abs(K - guesses[0].detach().numpy()).max() > 1e-2


def test_steps_are_those_of_the_training_where_none_are_named(tmp_path: Path) -> None:
    onnx.save(to_model(random_network()), tmp_path / model_name(3))
    proposer = OutputGainProposer(tmp_path)
    triples = output_systems.plants(np.random.default_rng(5), 9, 3, 2, 2)
    few, trained, default = (proposer.propose_batch(*triples, steps=steps) for steps in (0, SMALL.steps, None))
    assert (default == trained).all()
    assert (default != few).any()


def test_a_file_of_another_graph_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an older version wrote it: with the weights and another graph around them."""
    monkeypatch.setattr(output_to_onnx, "COUNT", 20)
    assert ship(random_network(), RECORD, 50.0, tmp_path)
    file = tmp_path / model_name(3)
    good, card = file.read_bytes(), json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    model = onnx.load(file)
    model.graph.input.pop()
    onnx.save(model, file)
    with pytest.raises(ModelError, match="not a readable"):
        OutputGainProposer(file)
    monkeypatch.setattr(sys, "argv", ["output_to_onnx", str(file)])
    output_to_onnx.main()
    assert file.read_bytes() == good
    assert json.loads(file.with_suffix(".json").read_text(encoding="utf-8")) == card


def test_weights_survive_the_round_trip(tmp_path: Path) -> None:
    network = random_network()
    file = tmp_path / "model.onnx"
    onnx.save(to_model(network), file)
    back = load_network(file)
    assert back.shape == network.shape
    assert all(torch.equal(x, y) for x, y in zip(network.parameters(), back.parameters(), strict=True))


def test_weights_of_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelError):
        load_network(tmp_path / "text.onnx")


def test_scores_of_known_gains_and_of_none() -> None:
    rng = np.random.default_rng(0)
    F, B, C = output_systems.shifted(rng, 100, 4, 2, 2)
    hidden = rng.standard_normal((100, 2, 2))
    plants = output_systems.Triples(F + B @ hidden @ C, B, C)
    free = np.ones((2, 2), dtype=bool)
    known = score(lambda triples, free: hidden[:, None], plants, free)
    assert (known.stabilising, known.first, known.proved) == (100, 100, 100)
    unstable = (np.linalg.eigvals(plants.A).real.max(1) >= 0).mean()
    none = score(lambda triples, free: 0 * hidden[:, None], plants, free)
    assert abs(none.stabilising - 100 * (1 - unstable)) < 1e-9
    assert not proves(F + 9 * np.eye(4), B, C, 0 * hidden).any()


def test_only_a_better_model_is_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_to_onnx, "COUNT", 20)
    file = tmp_path / model_name(3)
    assert ship(random_network(seed=1), RECORD, 50.0, tmp_path)
    first = file.read_bytes()
    assert not ship(random_network(seed=2), RECORD, 50.0, tmp_path)
    assert file.read_bytes() == first
    assert ship(random_network(seed=2), RECORD, 51.0, tmp_path)
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() != hashlib.sha256(first).hexdigest()
    assert card["metrics"]["mixed n=3 m=1 p=1"]["stabilising"] <= 100
    assert {entry.name for entry in tmp_path.iterdir()} == {file.name, file.with_suffix(".json").name}


def run(monkeypatch: pytest.MonkeyPatch, out: Path, *options: str) -> list[dict[str, float]]:
    small = ["--n", "2", "--width", "16", "--steps", "2", "--step-width", "16", "--batch", "64", "--every", "1"]
    monkeypatch.setattr(output_to_onnx, "COUNT", 20)
    monkeypatch.setattr(sys, "argv", ["train_output", "--out", str(out), *small, *options])
    train_output.main()
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_training_resuming_and_starting_from_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = run(monkeypatch, tmp_path / "a", "--minutes", "0.05")
    assert OutputGainProposer(tmp_path / "a").accepts(2, 1, 4)
    _, second = run(monkeypatch, tmp_path / "a", "--minutes", "0.05", "--resume")
    assert second["step"] == first["step"] + 1  # the time was up, and a run makes one step at least
    model = str(tmp_path / "a" / model_name(2))
    (warm,) = run(monkeypatch, tmp_path / "b", "--minutes", "0.001", "--start-from", model)
    assert warm["mean"] == pytest.approx(first["mean"], abs=5)


def test_a_model_of_another_shape_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, tmp_path, "--minutes", "0.001")
    with pytest.raises(SystemExit, match="shape"):
        run(monkeypatch, tmp_path, "--minutes", "0.002", "--resume", "--width", "8")
    with pytest.raises(SystemExit, match="Shape"):
        run(monkeypatch, tmp_path, "--minutes", "0.002", "--start-from", str(tmp_path / model_name(2)), "--steps", "1")
