"""Lyapunov matrices guessed from eigenvectors, for the bounds of a spectral abscissa."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hybrid.verify.lyapunov import FloatArray

_SLACKS = (1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3)  # of the spectral radius: how tight a bound to try, tightest first


@dataclass(frozen=True)
class BoundProposal:
    """P is proposed to show abscissa < bound; with x, to show abscissa > bound."""

    bound: float
    lyapunov: FloatArray
    direction: FloatArray | None = None


class Eigenvectors:
    """Bounds on the abscissa (radius) of one matrix, from one eigendecomposition.

    With left eigenvectors w_i, P = Σ w_i w_iᴴ / (b − Re λ_i) has −((M − bI)ᵀP + P(M − bI)) = 2 Σ w_i w_iᴴ ≻ 0, and as many
    negative eigenvalues as there are Re λ_i > b. In discrete time 1/(b² − |λ_i|²) does the same for b²P − MᵀPM.

    >>> above, below = Eigenvectors(np.diag([-1.0, -2.0]), discrete=False).proposals(above=True), None
    >>> next(above).bound > -1.0
    True
    """

    def __init__(self, M: FloatArray, *, discrete: bool) -> None:
        self._discrete = discrete
        self._usable = bool(np.isfinite(M).all())
        if not self._usable:
            return
        try:
            values, self._vectors = np.linalg.eig(M)
            left = np.linalg.inv(self._vectors)
        except np.linalg.LinAlgError:
            self._usable = False
            return
        self._left = left / np.linalg.norm(left, axis=1, keepdims=True)
        self._place = np.abs(values) if discrete else values.real
        self._scale = float(np.abs(values).max())
        self.abscissa = float(self._place.max())

    def proposals(self, *, above: bool) -> Iterator[BoundProposal]:
        """Bounds above (below) the abscissa, tightest first."""
        if not self._usable:
            return
        for slack in _SLACKS:
            bound = self.abscissa + (slack if above else -slack) * self._scale
            if self._discrete and bound <= 0:
                continue
            proposal = self.at(bound, with_direction=not above)
            if proposal is not None:
                yield proposal

    def at(self, bound: float, *, with_direction: bool = False) -> BoundProposal | None:
        """The matrix for one bound; None where an eigenvalue lies on it."""
        if not self._usable:
            return None
        gap = bound * bound - self._place**2 if self._discrete else bound - self._place
        if not gap.all():
            return None
        P = ((self._left.conj().T / gap) @ self._left).real
        top = self._vectors[:, int(self._place.argmax())]
        x = top.real if top.real @ P @ top.real < 0 else top.imag
        return BoundProposal(bound, (P + P.T) / 2, np.ascontiguousarray(x) if with_direction else None)
