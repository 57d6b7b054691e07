"""Lyapunov matrices guessed from eigenvectors, for the bounds of a spectral abscissa."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.verify.lyapunov import FloatArray

_SLACKS = np.array([1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3])  # of the spectral radius: how tight a bound to try
_DISTANCES = np.array([-0.5, -0.2, -0.1, -0.05, -0.01, 0.01, 0.05, 0.1, 0.2, 0.5])  # of the abscissa, likewise


@dataclass(frozen=True)
class BoundProposals:
    """A stack of k guesses: P shows abscissa < bound where `upper` is True, else abscissa > bound, with the row of x.

    Attributes:
        bound: (k,).
        lyapunov: (k, n, n), symmetric.
        direction: (k, n); only rows of lower bounds count.
        upper: (k,).
    """

    bound: FloatArray
    lyapunov: FloatArray
    direction: FloatArray
    upper: NDArray[np.bool_]

    def with_upper(self, bound: float, lyapunov: FloatArray) -> BoundProposals:
        """The stack and one more upper bound, at its end."""
        return BoundProposals(
            np.append(self.bound, bound),
            np.concatenate([self.lyapunov, lyapunov[None]]),
            np.concatenate([self.direction, np.zeros((1, lyapunov.shape[0]))]),
            np.append(self.upper, True),
        )


def from_eigenvectors(M: FloatArray, *, discrete: bool) -> BoundProposals:
    """Bounds on both sides of the abscissa (radius) of one matrix, tight ones and looser ones.

    With left eigenvectors w_i, P = Σ w_i w_iᴴ / (b − Re λ_i) has −((M − bI)ᵀP + P(M − bI)) = 2 Σ w_i w_iᴴ ≻ 0, and as
    many negative eigenvalues as there are Re λ_i > b. In discrete time 1/(b² − |λ_i|²) does the same for b²P − MᵀPM.
    The stack is empty where the eigenvectors are of no use.

    >>> guesses = from_eigenvectors(np.diag([-1.0, -2.0]), discrete=False)
    >>> bool((guesses.bound[guesses.upper] > -1).all() and (guesses.bound[~guesses.upper] < -1).all())
    True
    """
    found = _eigenvectors(M)
    if found is None:
        return _nothing(len(M))
    values, _, left = found
    with np.errstate(all="ignore"):
        place = np.abs(values) if discrete else values.real
        rounding = 8 * len(M) * 2.0**-53 * float(np.linalg.norm(left)) ** 2  # tighter bounds would not survive it
        slacks = np.maximum(_SLACKS[rounding < _SLACKS * 100], rounding) * np.abs(values).max()
        bound = np.concatenate([place.max() + slacks, place.max() - slacks])
    return _at_bounds(bound, *found, discrete=discrete)


def from_approximation(M: FloatArray, boundaries: Sequence[float], *, discrete: bool) -> BoundProposals:
    """Bounds for a matrix that M only approximates: the boundaries themselves, and some on both sides of M's abscissa.

    A Lyapunov matrix of M for a bound far from its spectrum is one of its neighbours too; the nearer the bound, the
    better M has to be. The stack is empty where the eigenvectors are of no use.

    Args:
        M: (n, n).
        boundaries: of the regions in question.
        discrete: bounds the spectral radius instead.

    >>> guesses = from_approximation(np.diag([-1.0, -2.0]), [0.0], discrete=False)
    >>> 0.0 in guesses.bound[guesses.upper], len(guesses.bound)
    (True, 11)
    """
    found = _eigenvectors(M)
    if found is None:
        return _nothing(len(M))
    values = found[0]
    with np.errstate(all="ignore"):
        top = float((np.abs(values) if discrete else values.real).max())
        around = top + (abs(top) or float(np.abs(values).max())) * _DISTANCES
    return _at_bounds(np.concatenate([np.asarray(boundaries, float), around]), *found, discrete=discrete)


def _nothing(n: int) -> BoundProposals:
    return BoundProposals(np.zeros(0), np.zeros((0, n, n)), np.zeros((0, n)), np.zeros(0, dtype=bool))


def _eigenvectors(M: FloatArray) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
    """Eigenvalues, right eigenvectors in columns, left ones of length 1 in rows; None where floats give none."""
    if not np.isfinite(M).all():
        return None
    with np.errstate(all="ignore"):
        try:
            values, vectors = np.linalg.eig(M)
            left = np.linalg.inv(vectors)
        except np.linalg.LinAlgError:
            return None
        return values, vectors, left / np.linalg.norm(left, axis=1, keepdims=True)


def _at_bounds(
    bound: FloatArray, values: NDArray[Any], vectors: NDArray[Any], left: NDArray[Any], *, discrete: bool
) -> BoundProposals:
    """P for each bound, and for those below the largest Re λ (|λ|) the part of its eigenvector that shows it best."""
    with np.errstate(all="ignore"):
        place = np.abs(values) if discrete else values.real
        top = int(place.argmax())
        gap = (bound**2)[:, None] - place**2 if discrete else bound[:, None] - place
        P = ((left.conj().T / gap[:, None, :]) @ left).real
        P = (P + P.mT) / 2
        parts = np.stack([vectors[:, top].real, vectors[:, top].imag])
        forms = ((parts @ P) * parts).sum(-1)  # (k, 2): xᵀPx along both parts of the top eigenvector
    return BoundProposals(bound, P, parts[np.nan_to_num(forms, nan=np.inf).argmin(-1)], bound > place[top])
