"""Training of the matrix models: data, labels, network, losses, export, shipping, and resuming."""

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
from hybrid.export import distributions, train  # noqa: E402
from hybrid.export.card import main as measure_again  # noqa: E402
from hybrid.export.graph import to_model  # noqa: E402
from hybrid.export.losses import SHIFT, divergence, riccati_residual  # noqa: E402
from hybrid.export.network import Guess, RiccatiNetwork, Shape  # noqa: E402
from hybrid.export.riccati import solve_care  # noqa: E402
from hybrid.export.to_onnx import PARITY, load_network, parity, ship  # noqa: E402
from hybrid.propose.canonical import FloatArray, canonical_pair  # noqa: E402
from hybrid.propose.gain import GainProposer, model_name  # noqa: E402
from hybrid.verify.lyapunov import closed_loop, prove_below  # noqa: E402

SMALL = Shape(n=3, stages=2, width=16, blocks=1)
RECORD = {"settings": {}, "samples": 0, "minutes": 0.0, "device": "test"}


def random_network(shape: Shape = SMALL, seed: int = 0) -> RiccatiNetwork:
    """Weights everywhere, also where an untrained network has zeros."""
    torch.manual_seed(seed)
    network = RiccatiNetwork(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


def gaussian(n: int, m: int, count: int = 64) -> tuple[FloatArray, FloatArray]:
    return distributions.gaussian(np.random.default_rng(7), count, n, m)


def labels(A: FloatArray, B: FloatArray) -> FloatArray:
    """Riccati solutions, found in canonical coordinates as in training."""
    pair = canonical_pair(A, B)
    a, b, q = (torch.from_numpy(x) for x in (pair.A, pair.B, pair.Q))
    return pair.riccati_from_factor(torch.linalg.cholesky_ex(solve_care(a, b @ b.mT, q))[0].mT.numpy())


@pytest.mark.parametrize("name", distributions.FAMILIES)
@pytest.mark.parametrize(("n", "m"), [(2, 1), (5, 3), (6, 2)])
def test_families_are_seeded_and_finite(name: str, n: int, m: int) -> None:
    family = distributions.FAMILIES[name]
    A, B = family(np.random.default_rng(1), 50, n, m)
    again, _ = family(np.random.default_rng(1), 50, n, m)
    other, _ = family(np.random.default_rng(2), 50, n, m)
    assert A.shape == (50, n, n)
    assert B.shape == (50, n, m)
    assert np.isfinite(A).all()
    assert np.isfinite(B).all()
    assert (again == A).all()
    assert (other != A).any()


def test_families_are_what_they_say() -> None:
    rng = np.random.default_rng(0)
    assert np.linalg.eigvals(distributions.masses(rng, 200, 6, 1)[0]).real.max() < 1e-6
    A, B = distributions.integrators(rng, 200, 4, 1)
    assert (np.linalg.matrix_rank(A) < 4).all()
    assert (np.linalg.matrix_rank(np.concatenate([A, B], axis=2)) == 4).all()  # the origin is controllable
    assert (distributions.companion(rng, 5, 4, 1)[1][:, :, 0] == np.eye(4)[-1]).all()


def test_mixture_names_every_family() -> None:
    assert set(distributions.MIXTURE) == set(distributions.FAMILIES)
    assert abs(sum(distributions.MIXTURE.values()) - 1) < 1e-9
    A, B = distributions.mixed(np.random.default_rng(0), 33, 4, 2)
    assert (A.shape, B.shape) == ((33, 4, 4), (33, 4, 2))


@pytest.mark.parametrize("name", distributions.FAMILIES)
def test_labels_prove_their_systems(name: str) -> None:
    """Doubling gives P whose own inequality is a proof; of nearly uncontrollable pairs some are out of its reach."""
    A, B = distributions.FAMILIES[name](np.random.default_rng(3), 200, 5, 1)
    P = labels(A, B)
    midpoint, radius = closed_loop(A, B, B.mT @ P)
    assert prove_below(midpoint, P, 0.0, discrete=False, radius=radius).mean() > 0.9


def test_an_untrained_network_proposes_the_identity() -> None:
    network = RiccatiNetwork(SMALL)
    A, B = (torch.randn(5, 3, k) for k in (3, 2))
    assert torch.equal(network(A, B, torch.eye(3).expand(5, 3, 3)), torch.eye(3).expand(5, 3, 3))


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_every_guess_is_a_change_of_coordinates(n: int) -> None:
    network = random_network(Shape(n, 2, 16, 1)).double()
    A, B = (torch.randn(8, n, k).double() for k in (n, 2))
    Q = torch.eye(n).double().expand(8, n, n)
    for guess in network.guesses(A, B, Q):
        torch.testing.assert_close(guess.H @ guess.G, torch.eye(n).double().expand(8, n, n))
        torch.testing.assert_close(guess.A @ guess.G, guess.G @ A)
        torch.testing.assert_close(guess.S, guess.G @ B @ B.mT @ guess.G.mT)
        torch.testing.assert_close(guess.G.mT @ guess.Q @ guess.G, Q)
    assert torch.equal(network(A, B, Q), guess.G)


def guess_of(P: torch.Tensor, A: torch.Tensor, S: torch.Tensor, Q: torch.Tensor) -> Guess:
    G = torch.linalg.cholesky(P).mT  # P = GᵀG
    H = torch.linalg.inv(G)
    return Guess(G, H, G @ A @ H, G @ S @ G.mT, H.mT @ Q @ H)


def test_losses_vanish_at_the_solution_alone() -> None:
    A, B = (torch.from_numpy(x) for x in gaussian(4, 2))
    Q = torch.eye(4).double().expand_as(A)
    P = solve_care(A + SHIFT * Q, B @ B.mT, Q)
    at, beside = guess_of(P, A, B @ B.mT, Q), guess_of(1.1 * P, A, B @ B.mT, Q)
    log_determinant = torch.linalg.slogdet(P)[1]
    assert riccati_residual(at).max() < 1e-9
    assert riccati_residual(beside).min() > 1e-6
    assert divergence(at, P, log_determinant).max() < 1e-9
    assert divergence(beside, P, log_determinant).min() > 1e-3


@pytest.mark.parametrize("shape", [SMALL, Shape(2, 1, 8, 1), Shape(6, 3, 24, 2)])
def test_onnx_says_what_torch_says(shape: Shape) -> None:
    network = random_network(shape)
    assert parity(network, to_model(network).SerializeToString(), inputs=(1, 3)) <= PARITY


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


def test_only_a_better_model_is_shipped(tmp_path: Path) -> None:
    file = tmp_path / model_name(3)
    assert ship(random_network(seed=1), RECORD, 50.0, (1, 2), tmp_path)
    first = file.read_bytes()
    assert not ship(random_network(seed=2), RECORD, 50.0, (1, 2), tmp_path)
    assert file.read_bytes() == first
    assert ship(random_network(seed=2), RECORD, 51.0, (1, 2), tmp_path)
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() != hashlib.sha256(first).hexdigest()
    shares = card["metrics"]["gaussian n=3 m=1"]
    assert sum(shares[end] for end in ("raw", "refined", "fallback", "impossible", "undecided")) == pytest.approx(100)
    assert {entry.name for entry in tmp_path.iterdir()} == {file.name, file.with_suffix(".json").name}


def test_a_model_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / model_name(3)
    ship(random_network(), RECORD, 50.0, (1,), tmp_path)
    before = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    file.with_suffix(".json").write_text(json.dumps(before | {"metrics": {}}))
    monkeypatch.setattr(sys, "argv", ["card", str(file)])
    measure_again()
    assert json.loads(file.with_suffix(".json").read_text(encoding="utf-8")) == before


def run(monkeypatch: pytest.MonkeyPatch, out: Path, *options: str) -> list[dict[str, float]]:
    small = ["--n", "2", "--width", "16", "--stages", "2", "--blocks", "1", "--batch", "64", "--every", "1"]
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(out), *small, *options])
    train.main()
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_training_resuming_and_starting_from_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cold,) = run(monkeypatch, tmp_path / "c", "--minutes", "0.001")
    (first,) = run(monkeypatch, tmp_path / "a", "--minutes", "0.04")
    assert GainProposer(tmp_path / "a").accepts(2, 1)
    _, second = run(monkeypatch, tmp_path / "a", "--minutes", "0.04", "--resume")
    assert second["step"] == first["step"] + 1  # the time was up, and a run makes one step at least
    assert second["mean"] > cold["mean"]
    model = str(tmp_path / "a" / model_name(2))
    (warm,) = run(monkeypatch, tmp_path / "b", "--minutes", "0.001", "--start-from", model)
    assert warm["mean"] > cold["mean"]


def test_a_checkpoint_of_another_shape_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, tmp_path, "--minutes", "0.001")
    with pytest.raises(SystemExit, match="shape"):
        run(monkeypatch, tmp_path, "--minutes", "0.002", "--resume", "--width", "8")
