"""The questions for stacks of systems: arrays in, arrays out, every row proved.

    hybrid.batch.stability(A), hybrid.batch.controllability(A, B), hybrid.batch.feedback(A, B)

Kernels are compiled by numba when they are first called, and kept on disk (`hybrid.batch.kernels`).
"""

from __future__ import annotations

from hybrid.batch.answers import BatchAnswer
from hybrid.batch.gains import feedback
from hybrid.batch.ranks import controllability
from hybrid.batch.screening import screen
from hybrid.batch.spectra import stability

__all__ = ["BatchAnswer", "controllability", "feedback", "screen", "stability"]
