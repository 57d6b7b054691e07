"""From proposals to proved bounds on a spectral abscissa, with the witness that a certificate carries."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.propose.lyapunov import BoundProposal, Eigenvectors
from hybrid.verify.lyapunov import FloatArray, prove_sides


@dataclass(frozen=True)
class ProvedBounds:
    """lo < abscissa < hi, each with its proposal; None where nothing was proved on that side."""

    lower: BoundProposal | None
    upper: BoundProposal | None

    @property
    def interval(self) -> tuple[Fraction | None, Fraction | None]:
        """[lo, hi] as exact numbers."""
        return tuple(None if b is None else Fraction(b.bound) for b in (self.lower, self.upper))  # type: ignore[return-value]

    def witness(self) -> dict[str, Any]:
        """The witness of the certificate method "lyapunov"."""
        lower, upper = self.lower, self.upper
        return {
            "upper": None if upper is None else {"P": upper.lyapunov},
            "lower": None if lower is None else {"P": lower.lyapunov, "x": lower.direction},
        }


def prove_bounds(
    M: FloatArray, *, discrete: bool, radius: FloatArray | None = None, proposed: BoundProposal | None = None
) -> ProvedBounds:
    """The tightest bounds on the abscissa (radius) of M ± radius that an eigendecomposition helps to prove.

    Args:
        M: (n, n) midpoints.
        discrete: bounds the spectral radius instead.
        radius: (n, n) entrywise, None where M is exact.
        proposed: an upper bound that came with a proposal, kept where no tighter one is found.
    """
    lower: BoundProposal | None = None
    upper: BoundProposal | None = None
    for pair in Eigenvectors(M, discrete=discrete).pairs():
        proved = _proved([*pair], M, discrete, radius)
        lower = lower or next((b for b in proved if b.direction is not None), None)
        upper = upper or next((b for b in proved if b.direction is None), None)
        if lower is not None and upper is not None:
            break
    if upper is None and proposed is not None and _proved([proposed], M, discrete, radius):
        upper = proposed
    return ProvedBounds(lower, upper)


def _proved(
    proposals: list[BoundProposal], M: FloatArray, discrete: bool, radius: FloatArray | None
) -> list[BoundProposal]:
    """Those of a few proposals that the kernel proves, all in one stack."""
    n = len(M)
    holds = prove_sides(
        M,
        np.stack([b.lyapunov for b in proposals]),
        np.array([b.bound for b in proposals]),
        np.stack([np.zeros(n) if b.direction is None else b.direction for b in proposals]),
        np.array([b.direction is None for b in proposals]),
        discrete=discrete,
        radius=radius,
    )
    return [b for b, ok in zip(proposals, holds.tolist(), strict=True) if ok]
