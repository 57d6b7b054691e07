"""How good raw proposals are on fresh systems: proved, stabilising, and what they cost.

python -m hybrid.export.evaluate hybrid/models/lqr-n4.onnx
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from hybrid.propose.canonical import FloatArray, canonical_pair
from hybrid.verify.lyapunov import BoolArray, closed_loop, prove_below

from .distributions import FAMILIES, Family, mixed
from .riccati import solve_care

Solver = Callable[[FloatArray, FloatArray], FloatArray]
"""Stacked A, B to stacked P."""


@dataclass(frozen=True)
class Score:
    """Percentages of the systems; the cost ratio is the median of tr J(K) / tr J(LQR) over the stabilised.

    Attributes:
        proved: the raw P satisfies P ≻ 0 and AᵀP + PA − 2PBBᵀP ≺ 0.
        stabilising: the raw gain BᵀP gives a Hurwitz closed loop.
        proved_after_1: raw, or proved by P after one Newton–Kleinman step.
        proved_after_2: the same after two steps.
    """

    proved: float
    stabilising: float
    proved_after_1: float
    proved_after_2: float
    cost_ratio: float

    def as_dict(self) -> dict[str, float]:
        """The fields by name, rounded for a card."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def solver_of(exported: bytes) -> Solver:
    """The proposals of an exported model, by ONNX Runtime on the CPU."""
    session = _session(exported)

    def solve(A: FloatArray, B: FloatArray) -> FloatArray:
        pair = canonical_pair(A, B)
        named = {"A": pair.A.astype("float32"), "B": pair.B.astype("float32"), "Q": pair.Q.astype("float32")}
        return pair.riccati_from_factor(session.run(None, named)[0])

    return solve


def score(solver: Solver, family: Family, count: int, n: int, m: int, seed: int) -> Score:
    """Score raw proposals on `count` systems of a family drawn with this seed."""
    A, B = family(np.random.default_rng(seed), count, n, m)
    P = solver(A, B)
    raw = proves(A, B, P)
    stable = np.asarray(np.linalg.eigvals(A - B @ B.mT @ P).real.max(axis=1) < 0)
    once = newton_kleinman(A, B, P)
    twice = newton_kleinman(A, B, once)
    after_1 = raw | proves(A, B, once)
    return Score(
        proved=100 * float(raw.mean()),
        stabilising=100 * float(stable.mean()),
        proved_after_1=100 * float(after_1.mean()),
        proved_after_2=100 * float((after_1 | proves(A, B, twice)).mean()),
        cost_ratio=_median_cost_ratio(A, B, once, stable),
    )


def proves(A: FloatArray, B: FloatArray, P: FloatArray) -> BoolArray:
    """Which rows of P prove that A − BBᵀP is Hurwitz, by the float proof that the solver itself uses."""
    midpoint, radius = closed_loop(A, B, B.mT @ P)
    return prove_below(midpoint, P, 0.0, discrete=False, radius=radius)


def newton_kleinman(A: FloatArray, B: FloatArray, P: FloatArray) -> FloatArray:
    """The cost matrix of the gain K = BᵀP: (A − BK)ᵀX + X(A − BK) + I + KᵀK = 0, row by row.

    Source: Kleinman 1968, IEEE TAC 13, 114–115.
    """
    n = A.shape[-1]
    K = B.mT @ P
    F, eye = (A - B @ K).mT, np.eye(n)
    lyapunov = np.einsum("kij,ab->kiajb", F, eye) + np.einsum("ij,kab->kiajb", eye, F)
    right = -(eye + K.mT @ K).reshape(-1, n * n, 1)
    X = np.linalg.solve(lyapunov.reshape(-1, n * n, n * n), right).reshape(-1, n, n)
    return np.asarray(0.5 * (X + X.mT))


def validation_score(solver: Solver, n: int, inputs: tuple[int, ...], count: int = 1000) -> dict[str, float]:
    """Proved percentages on fixed sets of Gaussian and of mixed pairs, for each number of inputs, and their mean."""
    table = {
        f"{name} m={m}": score(solver, family, count, n, m, seed=990_000 + m).proved
        for name, family in (("gaussian", FAMILIES["gaussian"]), ("mixed", mixed))
        for m in inputs
    }
    return table | {"mean": sum(table.values()) / len(table)}


def _median_cost_ratio(A: FloatArray, B: FloatArray, cost: FloatArray, stable: BoolArray) -> float:
    """Median of tr X(K) / tr P(LQR), for an initial state spread evenly over the unit sphere."""
    if not stable.any():
        return float("inf")
    a, b = (torch.from_numpy(x[stable]) for x in (A, B))
    optimal = solve_care(a, b @ b.mT, torch.eye(A.shape[-1], dtype=a.dtype).expand_as(a), doublings=14)
    ratio = np.trace(cost[stable], axis1=1, axis2=2) / optimal.diagonal(dim1=1, dim2=2).sum(1).numpy()
    return float(np.median(ratio[np.isfinite(ratio)]))


def _session(exported: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


def main() -> None:
    """Print the score of a model file on every family of systems."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.evaluate", description="Score a gain model.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--inputs", type=int, nargs="+", default=[1, 2, 3], help="numbers of inputs m")
    parser.add_argument("--count", type=int, default=1000, help="systems of each family")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    exported = given.model.read_bytes()
    solver, n = solver_of(exported), _session(exported).get_inputs()[0].shape[-1]
    print(f"{'family':20} m  proved  stabilising  after 1  after 2  cost ratio")
    for name, family in FAMILIES.items():
        for m in given.inputs:
            s = score(solver, family, given.count, n, m, given.seed)
            print(
                f"{name:20} {m}  {s.proved:6.1f}  {s.stabilising:11.1f}  {s.proved_after_1:7.1f}"
                f"  {s.proved_after_2:7.1f}  {s.cost_ratio:10.4f}"
            )


if __name__ == "__main__":
    main()
