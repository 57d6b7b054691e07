"""Gains of few decimal digits, so that what is proved is what somebody reads and types."""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.compile import kernel
from hybrid.batch.kernels.lanes import FloatArray

POWERS = np.array([float(f"1e{k}") for k in range(23)])
"""The powers of ten that are doubles."""


@kernel
def shortened(gain: FloatArray, digits: int, powers: FloatArray) -> FloatArray:
    """Each entry to so many significant decimal digits, (N, m, n).

    An integer of that many digits divided (or multiplied) by a power of ten that is a double is rounded once: the
    result is the double nearest to a short decimal, and prints as it. Entries outside 10^±17 stay as they are.
    """
    short = gain.copy()
    for row in range(gain.shape[0]):
        for i in range(gain.shape[1]):
            for j in range(gain.shape[2]):
                x = gain[row, i, j]
                if not 1e-17 < abs(x) < 1e17:
                    continue
                places = digits - 1 - int(np.floor(np.log10(abs(x))))
                if places >= 0:
                    short[row, i, j] = np.rint(x * powers[places]) / powers[places]
                else:
                    short[row, i, j] = np.rint(x / powers[-places]) * powers[-places]
    return short
