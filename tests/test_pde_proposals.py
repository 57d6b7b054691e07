"""Proposals for PDEs: what the network reads, and that weights only ever change proposals."""

from __future__ import annotations

import hashlib
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from hybrid.errors import ModelError
from hybrid.export.pde_systems import draw, linear_pdes, symbols
from hybrid.propose.pde import MODEL_NAME, PDEProposer, balances, in_box, propose
from hybrid.propose.pde_features import features
from hybrid.systems.pde import LinearPDE

INF = float("inf")


def equations(count: int, seed: int = 0) -> list[LinearPDE]:
    """Random ones."""
    return linear_pdes(draw(np.random.default_rng(seed), count))


def real_part(equation: LinearPDE, point: tuple[Fraction, ...]) -> Fraction:
    """Re P(iη), exactly."""
    total = Fraction(0)
    for coefficient, powers in equation.terms:
        value = coefficient * math.prod(x**p for x, p in zip(point, powers, strict=True))
        total += (value, Fraction(0), -value, Fraction(0))[sum(powers) % 4]
    return total


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with random weights."""
    return written(tmp_path, std=0.15)


def written(folder: Path, std: float) -> Path:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    pytest.importorskip("onnx", reason="needs the [train] extra")
    from hybrid.export.pde_graph import to_model
    from hybrid.export.pde_network import Shape, SymbolNetwork

    torch.manual_seed(3)
    network = SymbolNetwork(Shape())
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=std)
    path = folder / MODEL_NAME
    path.write_bytes(to_model(network).SerializeToString())
    return path


@pytest.mark.train
def test_random_weights_change_proposals_and_nothing_else(model: Path) -> None:
    """Points lie in the box, and Re P is negative there."""
    asked = equations(150)
    found = PDEProposer(model).propose(asked)
    assert len(found) == 150
    negative = 0
    for equation, proposal in zip(asked, found, strict=True):
        assert proposal is not None
        assert 0 <= proposal.decays <= proposal.exists <= 1 + 1e-9
        assert 0 <= proposal.paper_decays <= proposal.paper_exists <= 1 + 1e-9
        assert proposal.latent.shape == (64,)
        assert proposal.source.startswith(MODEL_NAME)
        if proposal.point is not None:
            negative += 1
            assert all(low <= x <= high for x, (low, high) in zip(proposal.point, equation.support, strict=True))
            assert real_part(equation, proposal.point) < 0
    assert negative > 30


@pytest.mark.train
def test_weights_without_sense_propose_nothing(tmp_path: Path) -> None:
    assert PDEProposer(written(tmp_path, std=1e30)).propose(equations(5)) == [None] * 5


@pytest.mark.train
def test_the_order_of_terms_and_coordinates_does_not_matter(model: Path) -> None:
    proposer, asked = PDEProposer(model), equations(40, seed=1)
    turned = [
        LinearPDE.from_bounds([(c, powers[::-1]) for c, powers in reversed(equation.terms)], equation.support[::-1])
        for equation in asked
    ]
    for one, other in zip(proposer.propose(asked), proposer.propose(turned), strict=True):
        assert one is not None
        assert other is not None
        assert np.allclose([one.exists, one.paper_decays], [other.exists, other.paper_decays], atol=1e-5)


@pytest.mark.train
def test_batches_do_not_change_answers(model: Path) -> None:
    """Padding to the largest equation of a stack is not seen."""
    proposer, asked = PDEProposer(model), equations(70, seed=2)
    for together, equation in zip(proposer.propose(asked), asked, strict=True):
        (alone,) = proposer.propose([equation])
        assert together is not None
        assert alone is not None
        assert np.allclose(together.latent, alone.latent, atol=1e-4)


@pytest.mark.train
def test_torch_and_onnx_say_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from hybrid.export.pde_network import Shape
    from hybrid.export.train_pde import PDETask

    path = written(tmp_path, std=0.15)
    network = PDETask(Shape()).load(path)
    real = symbols(draw(np.random.default_rng(5), 60))
    given = features(real.dimension, real.coefficient, real.power, real.low, real.high)
    with torch.no_grad():
        expected = network(*map(torch.from_numpy, given))
    for one, other in zip(PDEProposer(path).read(given), expected, strict=True):
        assert np.allclose(one, other.numpy(), atol=1e-4)


@pytest.mark.train
def test_what_is_too_large_is_not_read(model: Path) -> None:
    line, small, large = (-INF, INF), [(-1, (2,))], Fraction(10) ** 400
    asked = [
        LinearPDE.from_bounds([(-1, (2, *[0] * 6))], [line] * 7),
        LinearPDE.from_bounds([(-1, (8,))], [line]),
        LinearPDE.from_bounds([(large, (2,))], [line]),
        LinearPDE.from_bounds(small, [(0, large)]),
        LinearPDE.from_bounds(small, [(0, INF)]),
        LinearPDE.from_bounds([(-1, (1,))], [line]),
    ]
    found = PDEProposer(model).propose(asked)
    assert [each is None for each in found] == [True, True, True, True, True, False]


@pytest.mark.train
def test_losses_are_finite_and_lead_somewhere() -> None:
    torch = pytest.importorskip("torch", reason="needs the [train] extra")
    from hybrid.export.pde_network import Shape
    from hybrid.export.train_pde import PDETask

    torch.manual_seed(0)
    task = PDETask(Shape(width=16, layers=1, rounds=1))
    network = task.network()
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = task.loss(network, np.random.default_rng(0), 64, torch.device("cpu"))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.train
def test_training_from_the_command_line_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the [train] extra")
    from hybrid.export import train_pde
    from hybrid.plugins.cli import cli

    monkeypatch.setattr(train_pde, "VALIDATION_COUNT", 60)
    train_pde.validation_set.cache_clear()
    folder = tmp_path / "run"
    for _ in range(2):
        result = CliRunner().invoke(cli, ["train", "pde", "--out", str(folder), "--minutes", "0.001"])
        assert result.exit_code == 0, result.output
    train_pde.validation_set.cache_clear()
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == [1, 2]
    card = json.loads((folder / "pde.json").read_text())
    assert card["sha256"] == hashlib.sha256((folder / MODEL_NAME).read_bytes()).hexdigest()
    assert PDEProposer(folder).propose(equations(1))[0] is not None


def test_a_missing_or_foreign_file(tmp_path: Path) -> None:
    assert not PDEProposer(tmp_path).is_there
    with pytest.raises(ModelError):
        PDEProposer(tmp_path).propose(equations(1))
    with pytest.raises(ModelError, match="PDE model"):
        PDEProposer(Path(__file__).parents[1] / "hybrid" / "models" / "lyapunov-n2.onnx")
    assert len(propose(equations(2))) == 2


def test_points_are_put_into_the_box() -> None:
    points = np.random.default_rng(0).standard_normal((50, 3, 4)) * 100
    low, high = np.array([[-INF, -3.0, 5.0]] * 50), np.array([[INF, 8.0, 5.0]] * 50)
    inside = in_box(points, low, high)
    assert np.isfinite(inside).all()
    assert (inside[:, 1] >= -3).all()
    assert (inside[:, 1] <= 8).all()
    assert (inside[:, 2] == 5).all()


def test_balances_are_those_of_exact_values() -> None:
    """η0² η1 − 3 η1 at (2, −1): −4 + 3, of 7 in size."""
    found = balances(np.array([[1.0, -3.0, 0.0]]), np.array([[[2, 1], [0, 1], [0, 0]]]), np.array([[[2.0], [-1.0]]]))
    assert found[0, 0] == pytest.approx(-1 / 7)


def test_an_equation_without_a_real_part_is_read() -> None:
    given = features(
        np.array([1]), np.zeros((1, 1)), np.zeros((1, 1, 1), dtype=np.int64), np.zeros((1, 1)), np.ones((1, 1))
    )
    assert given.terms[0, 0, -1] == 1
    assert np.isfinite(given.cells).all()
