"""Lyapunov matrices guessed from eigenvectors, for the bounds of a spectral abscissa."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    With left eigenvectors w_i, P = Σ w_i w_iᴴ / (b − Re λ_i) has −((M − bI)ᵀP + P(M − bI)) = 2 Σ w_i w_iᴴ ≻ 0, and as
    many negative eigenvalues as there are Re λ_i > b. In discrete time 1/(b² − |λ_i|²) does the same for b²P − MᵀPM.

    >>> above, below = next(Eigenvectors(np.diag([-1.0, -2.0]), discrete=False).pairs())
    >>> below.bound < -1.0 < above.bound
    True
    """

    def __init__(self, M: FloatArray, *, discrete: bool) -> None:
        self._discrete = discrete
        self._usable = bool(np.isfinite(M).all())
        if not self._usable:
            return
        try:
            with np.errstate(all="ignore"):
                values, self._vectors = np.linalg.eig(M)
                left = np.linalg.inv(self._vectors)
                self._left = left / np.linalg.norm(left, axis=1, keepdims=True)
        except np.linalg.LinAlgError:
            self._usable = False
            return
        self._place = np.asarray(np.abs(values) if discrete else values.real)
        self._top = self._vectors[:, int(self._place.argmax())]
        self._scale = float(np.abs(values).max())
        self.abscissa = float(self._place.max())
        self._rounding = 8 * len(M) * 2.0**-53 * float(np.linalg.norm(self._left)) ** 2

    def pairs(self) -> Iterator[tuple[BoundProposal, BoundProposal]]:
        """Bounds above and below the abscissa, tightest first."""
        if not self._usable:
            return
        for slack in _SLACKS:
            width = max(slack, self._rounding) * self._scale
            if width and slack * 100 > self._rounding:
                yield self._at(self.abscissa + width, None), self._at(self.abscissa - width, self._top)

    def _at(self, bound: float, top: NDArray[Any] | None) -> BoundProposal:
        """The matrix for one bound, and for a lower bound the direction along which it is negative."""
        with np.errstate(all="ignore"):
            gap = bound * bound - self._place**2 if self._discrete else bound - self._place
            P = ((self._left.conj().T / gap) @ self._left).real
            P = (P + P.T) / 2
            if top is None:
                return BoundProposal(bound, P)
            x = top.real if top.real @ P @ top.real < 0 else top.imag
            return BoundProposal(bound, P, np.array(x))
