"""A guess for a gain: untrusted, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hybrid.answer import Route
from hybrid.verify.lyapunov import FloatArray


@dataclass(frozen=True)
class GainProposal:
    """K for u = −K x or u = −K y, and where known the P that should prove the closed loop.

    Attributes:
        gain: (m, n), or (m, p) for output feedback.
        lyapunov: (n, n), or None.
        source: a model's file name and hash, or the name of an algorithm.
        route: what an answer from it says of its origin.
    """

    gain: FloatArray
    lyapunov: FloatArray | None
    source: str
    route: Route

    def fits(self, n: int, m: int, p: int | None = None) -> bool:
        """Whether it is made of finite doubles in the shapes of a plant; a proposer may return anything.

        Args:
            n, m: states and inputs.
            p: what the gain is fed, the n states where left out.
        """
        proves = self.lyapunov is None or _is_matrix(self.lyapunov, (n, n))
        return proves and _is_matrix(self.gain, (m, n if p is None else p))


def _is_matrix(value: object, shape: tuple[int, int]) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype == np.float64
        and value.shape == shape
        and bool(np.isfinite(value).all())
    )
