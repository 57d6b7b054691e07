"""Gains from model files: what the shipped ones propose, and what happens to files that are not models."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import hybrid.models
from hybrid.answer import Route
from hybrid.errors import DimensionError, ModelError
from hybrid.propose.canonical import CanonicalPair, canonical_pair
from hybrid.propose.gain import GainProposer, model_name, shipped
from hybrid.verify.lyapunov import closed_loop, prove_below

MODELS = Path(hybrid.models.__file__).parent
ORDERS = sorted(int(file.stem.removeprefix("lqr-n")) for file in MODELS.glob("lqr-n*.onnx"))


def proved(A: np.ndarray, B: np.ndarray, K: np.ndarray, P: np.ndarray) -> np.ndarray:
    midpoint, radius = closed_loop(A, B, K)
    return prove_below(midpoint, P, 0.0, discrete=False, radius=radius)


def test_there_is_a_model_for_two_to_ten_states() -> None:
    assert set(range(2, 11)) <= set(ORDERS)


@pytest.mark.parametrize(("n", "m"), [*((n, m) for n in range(2, 7) for m in (1, 2, 3, 4)), (7, 3), (7, 4), (8, 4)])
def test_most_proposals_are_proofs(n: int, m: int) -> None:
    """Fresh Gaussian plants, in another unit of time than those of the training."""
    rng = np.random.default_rng(31 * n + m)
    A, B = 40 * rng.standard_normal((300, n, n)), 40 * rng.standard_normal((300, n, m))
    P, K = shipped().propose_batch(A, B)
    assert proved(A, B, K, P).mean() > 0.5


def test_double_integrator() -> None:
    A, B = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0], [1.0]])
    proposal = shipped().propose(A, B)
    P = proposal.lyapunov
    assert P is not None
    assert proposal.route is Route.MODEL
    assert proposal.gain.shape == (1, 2)
    assert (P.T == P).all()
    assert (proposal.gain == B.T @ P).all()
    assert proved(A, B, proposal.gain, P)


def test_inputs_are_not_modified() -> None:
    rng = np.random.default_rng(3)
    A, B = rng.standard_normal((3, 3)), rng.standard_normal((3, 2))
    before = A.copy(), B.copy()
    shipped().propose(A, B)
    assert (before[0] == A).all()
    assert (before[1] == B).all()


@pytest.mark.parametrize(
    ("n", "m", "accepted"), [(4, 1, True), (4, 4, True), (4, 0, False), (4, 5, False), (99, 1, False)]
)
def test_sizes_accepted(n: int, m: int, accepted: bool) -> None:
    assert shipped().accepts(n, m) is accepted


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_a_bad_row_spoils_no_other(bad: float) -> None:
    rng = np.random.default_rng(5)
    A, B = rng.standard_normal((9, 4, 4)), rng.standard_normal((9, 4, 2))
    clean, _ = shipped().propose_batch(A, B)
    A[6] = bad
    P, K = shipped().propose_batch(A, B)
    others = np.arange(9) != 6
    assert not proved(A, B, K, P)[6]
    assert (proved(A, B, K, P) == proved(A, B, K, clean))[others].all()


def test_a_row_without_canonical_form_is_found_in_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a LAPACK that refuses NaN, where numpy raises for the whole stack."""

    def strict(A: np.ndarray, B: np.ndarray) -> CanonicalPair:
        if np.isnan(A).any():
            raise np.linalg.LinAlgError
        return canonical_pair(A, B)

    monkeypatch.setattr("hybrid.propose.gain.canonical_pair", strict)
    A, B = np.stack([np.eye(4)] * 5), np.ones((5, 4, 1))
    A[3, 2, 1] = np.nan
    P, _ = shipped().propose_batch(A, B)
    assert np.isfinite(P).all(axis=(1, 2)).tolist() == [True, True, True, False, True]


def test_an_empty_stack() -> None:
    P, K = shipped().propose_batch(np.zeros((0, 4, 4)), np.zeros((0, 4, 2)))
    assert P.shape == (0, 4, 4)
    assert K.shape == (0, 2, 4)


def test_plants_without_dynamics_or_input_raise_nothing() -> None:
    for A, B in ((np.zeros((3, 3)), np.ones((3, 1))), (np.eye(3), np.zeros((3, 2)))):
        shipped().propose(A, B)


@pytest.mark.parametrize(
    ("A", "B"), [(np.zeros((4, 3)), np.zeros((4, 1))), (np.eye(4), np.zeros((3, 1))), (np.eye(4), np.zeros(4))]
)
def test_shapes_that_do_not_fit(A: np.ndarray, B: np.ndarray) -> None:
    with pytest.raises(DimensionError):
        shipped().propose(A, B)


def test_source_names_file_and_hash() -> None:
    digest = hashlib.sha256((MODELS / model_name(4)).read_bytes()).hexdigest()
    assert shipped().propose(np.eye(4), np.eye(4)[:, :2]).source == f"lqr-n4.onnx {digest[:12]}"


@pytest.mark.parametrize("n", ORDERS)
def test_cards_belong_to_the_files(n: int) -> None:
    file = MODELS / model_name(n)
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert card["licence"] == "BSD-3-Clause"
    assert {"task", "canonical_form", "training", "metrics"} <= set(card)


def test_shipped_models_are_small() -> None:
    assert sum(file.stat().st_size for file in MODELS.glob("*.onnx")) <= 20_000_000


def test_a_single_file_and_a_folder() -> None:
    A, B = np.diag([1.0, -2.0, 0.5, 0.25]), np.eye(4)[:, :3]
    gains = [GainProposer(path).propose(A, B).gain for path in (None, MODELS, MODELS / model_name(4))]
    assert all((gain == gains[0]).all() for gain in gains)
    assert not GainProposer(MODELS / model_name(4)).accepts(3, 1)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.onnx"):
        GainProposer(tmp_path / "absent.onnx")


def test_missing_in_folder(tmp_path: Path) -> None:
    proposer = GainProposer(tmp_path)
    assert not proposer.accepts(4, 1)
    with pytest.raises(ModelError, match="lqr-n4"):
        proposer.propose(np.eye(4), np.ones((4, 1)))


def test_plant_of_another_order() -> None:
    with pytest.raises(ModelError, match="4 states"):
        GainProposer(MODELS / model_name(4)).propose(np.eye(3), np.ones((3, 1)))


@pytest.mark.parametrize("damage", ["empty", "text", "half", "flipped header"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    content = (MODELS / model_name(4)).read_bytes()
    file = tmp_path / model_name(4)
    file.write_bytes(
        {
            "empty": b"",
            "text": b"not a model",
            "half": content[: len(content) // 2],
            "flipped header": b"\xff" + content[1:],
        }[damage]
    )
    with pytest.raises(ModelError):
        GainProposer(file)


def test_a_model_under_the_name_of_another_order(tmp_path: Path) -> None:
    (tmp_path / model_name(3)).write_bytes((MODELS / model_name(4)).read_bytes())
    with pytest.raises(ModelError, match="expected 3"):
        GainProposer(tmp_path).propose(np.eye(3), np.ones((3, 1)))


@pytest.mark.train
@pytest.mark.parametrize("foreign", ["schema", "form", "output"])
def test_foreign_models(tmp_path: Path, foreign: str) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(MODELS / model_name(4))
    for entry in model.metadata_props:
        if (entry.key, foreign) in {("hybrid_schema", "schema"), ("canonical_form", "form")}:
            entry.value = "other/1"
    if foreign == "output":
        model.graph.output[0].name = "K"
        model.graph.node[-1].output[0] = "K"
    file = tmp_path / "foreign.onnx"
    onnx.save(model, file)
    with pytest.raises(ModelError):
        GainProposer(file)


@pytest.mark.train
@pytest.mark.parametrize("weight", [np.nan, np.inf, 1e30])
def test_weights_of_nonsense_pass_through_to_the_verifier(tmp_path: Path, weight: float) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(MODELS / model_name(4))
    for tensor in model.graph.initializer:
        if tensor.name.endswith("leave.bias"):
            values = np.full(tensor.dims, weight, dtype=np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    file = tmp_path / "nonsense.onnx"
    onnx.save(model, file)
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((4, 4)), rng.standard_normal((4, 2))
    proposal = GainProposer(file).propose(A, B)
    assert proposal.lyapunov is not None
    assert not proved(A, B, proposal.gain, proposal.lyapunov)
