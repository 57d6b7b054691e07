"""Output gains: canonical coordinates of triples, model files, discrete time, structure."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid.models
from hybrid.answer import Route
from hybrid.errors import DimensionError, ModelError
from hybrid.propose import output_gain
from hybrid.propose.canonical import FloatArray, time_scale
from hybrid.propose.canonical_triple import CanonicalTriple, canonical_triple
from hybrid.propose.output_gain import OutputGainProposer, continuous_twin, gains_from, model_name

MODELS = Path(hybrid.models.__file__).parent
ORDERS = sorted(int(file.stem.removeprefix("sof-n")) for file in MODELS.glob("sof-n*.onnx"))
ROUNDING = 1e-6

seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(2, 6), st.integers(1, 4), st.integers(1, 4))
Triple = tuple[FloatArray, FloatArray, FloatArray]

needs_models = pytest.mark.skipif(not ORDERS, reason="no output-gain model is shipped")


def gaussian(seed: int, n: int, m: int, p: int, count: int = 1) -> Triple:
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((count, n, n)),
        rng.standard_normal((count, n, m)),
        rng.standard_normal((count, p, n)),
    )


def gains(seed: int, m: int, p: int, count: int = 1, candidates: int = 3) -> FloatArray:
    return np.random.default_rng([seed, 1]).standard_normal((count, candidates, m, p))


def characteristic(F: FloatArray) -> FloatArray:
    """Traces of the powers of a stack (N, c, n, n), which settle the spectrum."""
    powers = [F]
    for _ in range(F.shape[-1] - 1):
        powers.append(powers[-1] @ F)
    return np.stack([np.trace(power, axis1=-2, axis2=-1) for power in powers], -1)


def same(x: FloatArray, y: FloatArray) -> bool:
    return bool(np.abs(x - y).max() <= ROUNDING * max(np.abs(x).max(), 1.0))


@settings(deadline=None)
@given(seeds, sizes, st.integers(-3, 3))
def test_closed_loops_are_the_same_in_both_coordinates(seed: int, size: tuple[int, int, int], exponent: int) -> None:
    A, B, C = gaussian(seed, *size)
    A, B, C = A * 10.0**exponent, B * 10.0 ** (2 * exponent), C * 10.0**-exponent
    triple, K = canonical_triple(A, B, C), gains(seed, *size[1:])
    ours = triple.A[:, None] - triple.B[:, None] @ K @ triple.C[:, None]
    users = (A[:, None] - B[:, None] @ triple.gains(K) @ C[:, None]) / time_scale(A)[:, None, None, None]
    assert same(characteristic(ours), characteristic(users))


@settings(deadline=None)
@given(seeds, sizes)
def test_the_structure_follows_the_channels(seed: int, size: tuple[int, int, int]) -> None:
    triple = canonical_triple(*gaussian(seed, *size))
    free = np.random.default_rng(seed).random(size[1:]) < 0.5
    K = gains(seed, *size[1:]) * triple.structure(free)[:, None]
    assert ((triple.gains(K) != 0) == free).all()


@settings(deadline=None)
@given(seeds, sizes, st.integers(-200, 200), st.integers(-200, 200), st.integers(-200, 200))
def test_units_leave_no_trace(seed: int, size: tuple[int, int, int], t: int, u: int, y: int) -> None:
    A, B, C = gaussian(seed, *size)
    triple, other = canonical_triple(A, B, C), canonical_triple(A * 2.0**t, B * 2.0**u, C * 2.0**y)
    assert all(same(x, z) for x, z in ((triple.A, other.A), (triple.B, other.B), (triple.C, other.C)))


def test_signs_order_and_basis_leave_no_trace() -> None:
    A, B, C = gaussian(3, 4, 3, 2, count=200)
    rng = np.random.default_rng(4)
    T = np.linalg.qr(rng.standard_normal((200, 4, 4)))[0]
    u, y = (np.where(rng.random((200, k)) < 0.5, -1.0, 1.0) for k in (3, 2))
    turned = T @ B[:, :, [2, 0, 1]] * u[:, None, :], C[:, [1, 0]] @ T.mT * y[:, :, None]
    triple, other = canonical_triple(A, B, C), canonical_triple(T @ A @ T.mT, *turned)
    for x, z in ((triple.A, other.A), (triple.B, other.B), (triple.C, other.C)):
        assert (np.abs(x - z).max((1, 2)) <= ROUNDING).mean() > 0.97  # some signs and orders hang on a hair


@settings(deadline=None, max_examples=40)
@given(
    seeds, sizes, st.sampled_from(["no input", "no output", "no dynamics", "twice", "unreached", "unseen", "all zero"])
)
def test_degenerate_triples_keep_coordinates(seed: int, size: tuple[int, int, int], kind: str) -> None:
    A, B, C = gaussian(seed, *size)
    if kind in ("no input", "all zero"):
        B[:] = 0
    if kind in ("no output", "all zero"):
        C[:] = 0
    if kind in ("no dynamics", "all zero"):
        A[:] = 0
    if kind == "twice":
        B[:, :, -1], C[:, -1] = B[:, :, 0], C[:, 0]
    if kind == "unreached":
        A[:, 1:, :1] = B[:, 1:] = 0
    if kind == "unseen":
        A[:, :1, 1:] = C[:, :, 1:] = 0
    triple = canonical_triple(A, B, C)
    K = gains(seed, *size[1:])
    assert all(np.isfinite(x).all() for x in (triple.A, triple.B, triple.C, triple.gains(K)))
    ours = triple.A[:, None] - triple.B[:, None] @ K @ triple.C[:, None]
    users = (A[:, None] - B[:, None] @ triple.gains(K) @ C[:, None]) / time_scale(A)[:, None, None, None]
    assert same(characteristic(ours), characteristic(users))


def test_a_row_does_not_depend_on_its_stack() -> None:
    A, B, C = gaussian(0, 5, 2, 3, count=7)
    whole = canonical_triple(A, B, C)
    for i in range(7):
        row = canonical_triple(A[i : i + 1], B[i : i + 1], C[i : i + 1])
        assert (row.A[0] == whole.A[i]).all()
        assert (row.input_scale[0] == whole.input_scale[i]).all()


@settings(deadline=None)
@given(seeds, sizes)
def test_a_discrete_loop_and_its_twin_are_tied_by_the_bilinear_map(seed: int, size: tuple[int, int, int]) -> None:
    A, B, C = gaussian(seed, *size)
    *twin, G = continuous_twin(A, B, C)
    K_twin = gains(seed, *size[1:], candidates=1)[:, 0]
    K = np.linalg.solve(np.eye(size[1]) + K_twin @ G, K_twin)
    discrete = np.linalg.eigvals(A - B @ K @ C)
    continuous = np.linalg.eigvals(twin[0] - twin[1] @ K_twin @ twin[2])
    near = min(np.abs(np.abs(discrete) - 1).min(), np.abs(continuous.real).min())
    assert near < 1e-9 or ((np.abs(discrete) < 1).sum() == (continuous.real < 0).sum())


def zero_network(named: dict[str, FloatArray]) -> FloatArray:
    return np.ones((len(named["A"]), 8, 4, 4), dtype=np.float32)


def test_entries_that_must_be_zero_are_zero_whatever_the_network_says() -> None:
    free = np.array([[True, False], [False, True]])
    K = gains_from(zero_network, *gaussian(1, 3, 2, 2, count=5), free)
    assert K.shape == (5, 8, 2, 2)
    assert ((K != 0) == free).all()


def test_nothing_without_a_model(tmp_path: Path) -> None:
    proposer = OutputGainProposer(tmp_path)
    assert not proposer.accepts(4, 1, 1)
    with pytest.raises(ModelError, match="sof-n4"):
        proposer.propose(*(x[0] for x in gaussian(0, 4, 1, 1)))


def test_a_riccati_model_is_foreign(tmp_path: Path) -> None:
    (tmp_path / model_name(4)).write_bytes((MODELS / "lqr-n4.onnx").read_bytes())
    with pytest.raises(ModelError, match="hybrid-output-gain"):
        OutputGainProposer(tmp_path / model_name(4))


@needs_models
@pytest.mark.parametrize("n", ORDERS)
@pytest.mark.parametrize("discrete", [False, True])
def test_most_plants_are_stabilised_by_a_candidate(n: int, discrete: bool) -> None:
    """Plants built from a stable loop and a hidden gain, in other units than those of the training.

    The networks know continuous time alone: from six states on, the twins of discrete plants are unlike what they saw.
    """
    rng = np.random.default_rng(n)
    F, B, C = 10 * rng.standard_normal((300, n, n)), rng.standard_normal((300, n, 3)), rng.standard_normal((300, 3, n))
    values = np.linalg.eigvals(F)
    if discrete:
        F = F * (0.8 / np.abs(values).max(1))[:, None, None]
    else:
        F = F - (values.real.max(1) + 2.0)[:, None, None] * np.eye(n)
    hidden = rng.standard_normal((300, 3, 3)) * (1.0 if discrete else 10.0)
    A = F + B @ hidden @ C
    K = output_gain.shipped().propose_batch(A, B, C, discrete=discrete)
    loops = np.linalg.eigvals(A[:, None] - B[:, None] @ K @ C[:, None])
    stable = (np.abs(loops).max(-1) < 1) if discrete else (loops.real.max(-1) < 0)
    assert stable.any(1).mean() > (0.5 if discrete and n > 5 else 0.8)


@needs_models
def test_candidates_of_one_plant_come_best_first() -> None:
    A, B, C = (x[0] for x in gaussian(8, 4, 2, 3))
    proposals = output_gain.shipped().propose(A, B, C, np.array([[True, False, True], [False, True, True]]))
    abscissae = [np.linalg.eigvals(A - B @ each.gain @ C).real.max() for each in proposals]
    assert abscissae == sorted(abscissae)
    assert all(each.gain[0, 1] == each.gain[1, 0] == 0 for each in proposals)
    assert {(each.route, each.lyapunov is None) for each in proposals} == {(Route.MODEL, True)}
    assert proposals[0].source.startswith("sof-n4.onnx ")


@needs_models
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e308])
def test_a_bad_row_spoils_no_other(bad: float) -> None:
    A, B, C = gaussian(5, 4, 2, 2, count=9)
    clean = output_gain.shipped().propose_batch(A, B, C)
    A[6] = bad
    K = output_gain.shipped().propose_batch(A, B, C)
    others = np.arange(9) != 6
    assert np.allclose(K[others], clean[others], rtol=1e-3, atol=1e-5)


@needs_models
def test_a_row_without_canonical_form_is_found_in_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def strict(A: FloatArray, B: FloatArray, C: FloatArray) -> CanonicalTriple:
        if np.isnan(A).any():
            raise np.linalg.LinAlgError
        return canonical_triple(A, B, C)

    monkeypatch.setattr("hybrid.propose.output_gain.canonical_triple", strict)
    A, B, C = gaussian(5, 4, 2, 2, count=5)
    A[3, 2, 1] = np.nan
    K = output_gain.shipped().propose_batch(A, B, C)
    assert np.isfinite(K).all((1, 2, 3)).tolist() == [True, True, True, False, True]


@needs_models
def test_an_empty_stack() -> None:
    assert output_gain.shipped().propose_batch(*gaussian(0, 4, 2, 3, count=0)).shape == (0, 8, 2, 3)


@needs_models
def test_inputs_are_not_modified() -> None:
    triple = gaussian(2, 4, 2, 2)
    before = [x.copy() for x in triple]
    output_gain.shipped().propose_batch(*triple)
    output_gain.shipped().propose_batch(*triple, discrete=True)
    assert all((x == y).all() for x, y in zip(triple, before, strict=True))


@pytest.mark.parametrize("wrong", ["A", "B", "C", "free"])
def test_shapes_that_do_not_fit(wrong: str) -> None:
    A, B, C = gaussian(0, 4, 2, 3)
    free = np.ones((2, 3), dtype=bool)
    if wrong == "A":
        A = A[:, :, :3]
    elif wrong == "B":
        B = B[:, :3]
    elif wrong == "C":
        C = C[:, :, :3]
    else:
        free = free.T
    with pytest.raises(DimensionError):
        output_gain.shipped().propose_batch(A, B, C, free)


@needs_models
@pytest.mark.parametrize("n", ORDERS)
def test_cards_belong_to_the_files(n: int) -> None:
    file = MODELS / model_name(n)
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {"task", "canonical_form", "training", "metrics"} <= set(card)


def test_shipped_models_are_small() -> None:
    assert sum(file.stat().st_size for file in MODELS.glob("sof-*.onnx")) <= 5_000_000
