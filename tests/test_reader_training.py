"""Training of the networks that read equations: data, resuming, export, and that weights come back from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; only training needs it")
pytest.importorskip("onnx", reason="onnx is not installed; only training needs it")

import hybrid  # noqa: E402
from hybrid.export import equation_tasks, files, train_reader, train_verdict, training  # noqa: E402
from hybrid.export.random_systems import forest  # noqa: E402
from hybrid.export.reader_graph import to_model as reader_model  # noqa: E402
from hybrid.export.reader_network import Cells, CellShape, Codes  # noqa: E402
from hybrid.export.verdict_graph import to_model as verdict_model  # noqa: E402
from hybrid.export.verdict_network import VerdictNetwork, VerdictShape  # noqa: E402
from hybrid.propose.equation_reader import EquationReader  # noqa: E402
from hybrid.propose.expression_trees import OPERATORS, encode, trees  # noqa: E402
from hybrid.propose.verdicts import VerdictProposer, scaled_codes  # noqa: E402

pytestmark = pytest.mark.train


def test_samples_are_what_operators_do() -> None:
    """Every operator has samples; products, quotients and exponentials are checked by hand."""
    pool = train_reader.operator_samples(np.random.default_rng(1), 2000)
    assert len(pool) == len(OPERATORS)
    assert all(len(samples) > 50 for samples in pool)
    left, right, value, by_left, by_right = pool[OPERATORS.index("/")].T
    np.testing.assert_allclose(value, left / right, rtol=1e-9, atol=0)
    np.testing.assert_allclose(by_left, 1 / right, rtol=1e-9)
    np.testing.assert_allclose(by_right, -left / right**2, rtol=1e-9, atol=0)
    argument, _, power, slope, _ = pool[OPERATORS.index("exp")].T
    np.testing.assert_allclose(power, np.exp(argument), rtol=1e-9)
    np.testing.assert_allclose(slope, power, rtol=1e-9)


def test_an_untrained_cell_learns(tmp_path: Path) -> None:
    """Thirty steps take the loss down, a checkpoint resumes, and the shipped file holds the same network."""
    task = train_reader.ReaderTask(CellShape(8))
    run = training.Training(task, training.Settings(0, 64, 3e-3, 1.0), torch.device("cpu"))
    losses = [run.advance() for _ in range(30)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    again = training.Training(task, training.Settings(0, 64, 3e-3, 1.0), torch.device("cpu"))
    again.restore(run.state())
    assert again.step == 30
    target = tmp_path / "equations.onnx"
    target.write_bytes(reader_model(run.network).SerializeToString())
    loaded = task.load(target).state_dict()
    for name, weight in run.network.state_dict().items():
        torch.testing.assert_close(loaded[name], weight, rtol=1e-3, atol=1e-4)  # half precision


@pytest.mark.parametrize("name", ["pde", "equations", "stability", "controllability"])
def test_the_size_for_a_gpu_is_larger_and_learns_as_well(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step at either size; the small one is that of the shipped file, whose weights it takes."""
    for module in (train_reader, train_verdict):
        monkeypatch.setattr(module, "EQUATIONS" if module is train_reader else "DRAWN", 400)
    small, full = (equation_tasks.chosen(name, size) for size in ("small", "full"))
    assert full.batch > small.batch
    counts = [sum(each.numel() for each in one.task.network().parameters()) for one in (small, full)]
    assert counts[1] > 2 * counts[0]
    shipped = Path(hybrid.__file__).parent / "models" / small.file
    for one, start in ((small, str(shipped)), (full, None)):
        run = training.Training(one.task, training.Settings(0, 32, one.rate, 1.0, start), torch.device("cpu"))
        assert run.start == (None if start is None else files.named(shipped))
        before = [each.clone() for each in run.network.parameters()]
        assert np.isfinite(run.advance())
        assert any((a != b).any() for a, b in zip(before, run.network.parameters(), strict=True))


def test_the_exported_reader_composes_its_cells(tmp_path: Path) -> None:
    """Values of the nodes from ONNX Runtime and from torch, node by node, for random weights."""
    torch.manual_seed(3)
    network = Cells(CellShape(16))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
        parameter.data = parameter.data.half().float()
    target = tmp_path / "equations.onnx"
    target.write_bytes(reader_model(network).SerializeToString())
    given = forest(np.random.default_rng(2), "control", 5, 3, 1)
    packed = trees([given.system(i) for i in range(5)], [given.point.tolist()] * 5)
    session = EquationReader(target)._files.model(0).session
    values = torch.from_numpy(session.run(["values"], packed.inputs())[0])
    first = 1 + len(packed.leaves)
    np.testing.assert_array_equal(values[1:first], packed.leaves)
    children, operators = torch.from_numpy(packed.children), packed.operators
    with torch.no_grad():
        left, right = (values[children[:, side]].expand(len(OPERATORS), -1, -1) for side in (0, 1))
        said: Codes = network(left, right)
    own = (operators, np.arange(len(operators)))
    zero = said.zero[own][:, 0] > 0
    assert 0 < zero.float().mean() < 1
    assert torch.equal(values[first:, 3] > 0, zero)
    log = said.log[own][:, 0].clamp(-60, 60)
    torch.testing.assert_close(values[first:, 0][~zero], log[~zero], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("task", ["stability", "controllability"])
def test_the_exported_judge_is_the_trained_one(task: str, tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = VerdictNetwork(VerdictShape(16, 3))
    for parameter in network.parameters():
        parameter.data = parameter.data.half().float()
    target = tmp_path / f"verdict-{task}.onnx"
    target.write_bytes(verdict_model(network, task).SerializeToString())
    rng = np.random.default_rng(5)
    A, B = rng.standard_normal((20, 4, 4)), rng.standard_normal((20, 4, 2))
    A[:, 0, 1] = 0
    said = VerdictProposer(task, target).propose(A, B)
    codes, present, _ = scaled_codes(A, B)
    with torch.no_grad():
        expected, latent = network(torch.from_numpy(codes), torch.from_numpy(present))
    np.testing.assert_allclose(said.score, torch.sigmoid(expected[:, 0]).numpy(), atol=1e-4)
    np.testing.assert_allclose(said.latent, latent.numpy(), atol=1e-3)


def test_judges_learn_from_both_answers() -> None:
    task = train_verdict.VerdictTask("controllability", VerdictShape(16, 2))
    J, yes = train_verdict.balanced(np.random.default_rng(1), "controllability", "control", 3, 1, 30)
    assert yes.sum() == 30
    assert train_verdict.judged("controllability", J, 3)[0].tolist() == yes.tolist()
    loss = task.loss(task.network(), np.random.default_rng(1), 64, torch.device("cpu"))
    assert torch.isfinite(loss)


def test_codes_of_torch_features_are_finite() -> None:
    """Zero, huge and tiny numbers, and ±1 where logarithms turn."""
    from hybrid.export.reader_network import features

    codes = encode(np.array([0, 1, -1, 1e300, 1e-300, 1j, 1e-20 + 1j]))
    assert torch.isfinite(features(torch.from_numpy(codes))).all()
