"""From proposals to proved bounds on a spectral abscissa, with the witness that a certificate carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.propose.lyapunov import BoundProposals, from_eigenvectors
from hybrid.verify.lyapunov import BoolArray, FloatArray, prove_sides

_ONE_STACK_UP_TO = 40  # states: beyond, a stack of all guesses costs more than trying them one after the other


@dataclass(frozen=True)
class ProvedBound:
    """abscissa < bound by P alone; abscissa > bound by P and a direction."""

    bound: float
    lyapunov: FloatArray
    direction: FloatArray | None = None


@dataclass(frozen=True)
class ProvedBounds:
    """lo < abscissa < hi, each with its witness; None where nothing was proved on that side."""

    lower: ProvedBound | None
    upper: ProvedBound | None

    @property
    def interval(self) -> tuple[Fraction | None, Fraction | None]:
        """[lo, hi] as exact numbers."""
        lower = None if self.lower is None else Fraction(self.lower.bound)
        return lower, None if self.upper is None else Fraction(self.upper.bound)

    def witness(self) -> dict[str, Any]:
        """The witness of the certificate method "lyapunov"."""
        lower, upper = self.lower, self.upper
        return {
            "upper": None if upper is None else {"P": upper.lyapunov},
            "lower": None if lower is None else {"P": lower.lyapunov, "x": lower.direction},
        }


def prove_bounds(
    M: FloatArray,
    *,
    discrete: bool,
    radius: FloatArray | None = None,
    proposed: tuple[float, FloatArray] | None = None,
) -> ProvedBounds:
    """The tightest bounds on the abscissa (radius) of M ± radius that proposals help to prove.

    Args:
        M: (n, n) midpoints.
        discrete: bounds the spectral radius instead.
        radius: (n, n) entrywise, None where M is exact.
        proposed: an upper bound and P that came with a proposal, beside those from an eigendecomposition.
    """
    guesses = from_eigenvectors(M, discrete=discrete)
    if proposed is not None:
        guesses = guesses.with_upper(*proposed)
    return prove_guesses(guesses, M, discrete=discrete, radius=radius)


def prove_guesses(
    guesses: BoundProposals, M: FloatArray, *, discrete: bool, radius: FloatArray | None = None
) -> ProvedBounds:
    """The tightest bounds on the abscissa (radius) of M ± radius among guesses from anywhere."""
    proved = _proved(guesses, M, discrete, radius)
    above = [i for i in proved if guesses.upper[i]]
    below = [i for i in proved if not guesses.upper[i]]
    upper = min(above, key=lambda i: guesses.bound[i], default=None)
    lower = max(below, key=lambda i: guesses.bound[i], default=None)
    return ProvedBounds(
        None if lower is None else ProvedBound(*_row(guesses, lower), np.array(guesses.direction[lower])),
        None if upper is None else ProvedBound(*_row(guesses, upper)),
    )


def _row(guesses: BoundProposals, i: int) -> tuple[float, FloatArray]:
    return float(guesses.bound[i]), np.array(guesses.lyapunov[i])


def _proved(guesses: BoundProposals, M: FloatArray, discrete: bool, radius: FloatArray | None) -> list[int]:
    """The guesses that the kernel proves; for a large matrix only the tightest on each side."""

    def holds(rows: slice) -> BoolArray:
        parts = guesses.lyapunov[rows], guesses.bound[rows], guesses.direction[rows], guesses.upper[rows]
        return prove_sides(M, *parts, discrete=discrete, radius=radius)

    if len(M) <= _ONE_STACK_UP_TO:
        return np.flatnonzero(holds(slice(None))).tolist() if len(guesses.bound) else []
    return [i for upper in (True, False) if (i := _tightest(guesses, upper, holds)) is not None]


def _tightest(guesses: BoundProposals, upper: bool, holds: Callable[[slice], BoolArray]) -> int | None:
    """The first proved guess on one side, trying the tightest first."""
    side = np.flatnonzero(guesses.upper == upper)
    order = side[np.argsort(guesses.bound[side] if upper else -guesses.bound[side])].tolist()
    return next((i for i in order if holds(slice(i, i + 1))[0]), None)
