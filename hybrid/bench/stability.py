"""Exact stability, beside eigenvalue enclosures and eigenvalues in floating point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import hybrid
from hybrid.bench.comparison import Call, Peer, Target, compare
from hybrid.bench.samples import FloatArray, gaussian_matrices
from hybrid.bench.table import Row

_TARGET_AT = 10  # states
_TARGET = Target(0.2)
_PRECISIONS = (53, 64, 80, 106, 160, 256, 512)  # bits


def measure(*, quick: bool) -> list[Row]:
    """Gaussian matrices, every other one shifted to be stable."""
    return [row for n in (2, 4, 10, 20) for row in _of_size(n, quick)]


def _of_size(n: int, quick: bool) -> list[Row]:
    matrices = gaussian_matrices(n, 4 if quick else 20)
    verdicts = [hybrid.stability(A).verdict.value for A in matrices]
    return compare(
        f"stability n={n}",
        hybrid.stability,
        [_arb(matrices, _TARGET if n == _TARGET_AT else None), *float_peers()],
        matrices,
        rounds=5 if quick else 21,
        note=f"{verdicts.count('stable')} of {len(matrices)} stable",
    )


def float_peers() -> list[Peer[FloatArray]]:
    """Eigenvalues in floating point: no proof, no enclosure."""
    return [
        Peer("control poles", _control_poles, note="no proof"),
        Peer("numpy eigvals", lambda: np.linalg.eigvals, note="no proof"),
    ]


def _arb(matrices: Sequence[FloatArray], target: Target | None) -> Peer[FloatArray]:
    """Arb at the precision that isolates the eigenvalues of each matrix, found beforehand: a kind peer."""
    bits = [_isolating_precision(A) for A in matrices]
    known = {id(A): found for A, found in zip(matrices, bits, strict=True)}

    def load() -> Call[FloatArray]:
        from flint import acb_mat, ctx

        def enclosures(A: FloatArray) -> object:
            with ctx.workprec(known[id(A)]):
                return acb_mat(A.tolist()).eig()

        return enclosures

    lowest, highest = min(bits), max(bits)
    return Peer("Arb eigenvalues", load, target, f"{lowest} bits" if lowest == highest else f"{lowest}–{highest} bits")


def _isolating_precision(A: FloatArray) -> int:
    """The first precision at which Arb separates every eigenvalue from the others."""
    from flint import acb_mat, ctx

    for bits in _PRECISIONS[:-1]:
        with ctx.workprec(bits):
            try:
                acb_mat(A.tolist()).eig()
            except ValueError:
                continue
            return bits
    return _PRECISIONS[-1]


def _control_poles() -> Call[FloatArray]:
    import control

    def poles(A: FloatArray) -> object:
        n = len(A)
        return control.StateSpace(A, np.zeros((n, 1)), np.zeros((1, n)), np.zeros((1, 1))).poles()

    return poles
