"""A guess for a gain: untrusted, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid.answer import Route
from hybrid.verify.lyapunov import FloatArray


@dataclass(frozen=True)
class GainProposal:
    """K for u = −K x, and where known the P that should prove the closed loop.

    Attributes:
        gain: (m, n).
        lyapunov: (n, n), or None.
        source: a model's file name and hash, or the name of an algorithm.
        route: what an answer from it says of its origin.
    """

    gain: FloatArray
    lyapunov: FloatArray | None
    source: str
    route: Route
