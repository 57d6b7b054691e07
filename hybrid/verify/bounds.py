"""From proposals to proved bounds on a spectral abscissa, with the witness that a certificate carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.propose.lyapunov import BoundProposal, Eigenvectors
from hybrid.verify.lyapunov import FloatArray, prove_above, prove_below


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
    M: FloatArray, *, discrete: bool, radius: FloatArray | None = None, spare: BoundProposal | None = None
) -> ProvedBounds:
    """The tightest bounds on the abscissa (radius) of M ± radius that an eigendecomposition helps to prove.

    Args:
        M: (n, n) midpoints.
        discrete: bounds the spectral radius instead.
        radius: (n, n) entrywise, None where M is exact.
        spare: an upper bound already proved, kept where no tighter one is found.
    """
    guesses = Eigenvectors(M, discrete=discrete)
    upper = _first(
        guesses.proposals(above=True),
        lambda b: prove_below(M, b.lyapunov, b.bound, discrete=discrete, radius=radius),
    )
    lower = _first(
        guesses.proposals(above=False),
        lambda b: prove_above(
            M, b.lyapunov, np.asarray(b.direction), b.bound, discrete=discrete, radius=radius
        ),
    )
    if upper is None or (spare is not None and spare.bound < upper.bound):
        upper = spare
    return ProvedBounds(lower, upper)


def _first(proposals: Any, holds: Callable[[BoundProposal], Any]) -> BoundProposal | None:
    return next((proposal for proposal in proposals if holds(proposal)), None)
