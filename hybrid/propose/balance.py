"""Scaling of states by powers of two, which is exact and changes no eigenvalue."""

from __future__ import annotations

import numpy as np

from hybrid.verify.lyapunov import FloatArray

_SWEEPS = 20
_MOST = 300  # binary places: beyond, products of scaled entries overflow


def balancing(A: FloatArray) -> FloatArray:
    """Powers of two d so that diag(d)⁻¹ A diag(d) has rows and columns of like size.

    Source: Osborne 1960, J. ACM 7, 338–345.

    >>> balancing(np.array([[0.0, 1e6], [1.0, 0.0]]))
    array([1.024e+03, 1.000e+00])
    """
    size = np.abs(A)
    np.fill_diagonal(size, 0.0)
    exponents = np.zeros(len(A))
    for _ in range(_SWEEPS):
        settled = True
        for i in range(len(A)):
            row, column = size[i].sum(), size[:, i].sum()
            step = np.round(0.5 * np.log2(row / column)) if row > 0 and column > 0 else 0.0
            if step and abs(exponents[i] + step) <= _MOST:
                size[i] /= 2.0**step
                size[:, i] *= 2.0**step
                exponents[i] += step
                settled = False
        if settled:
            break
    return np.asarray(2.0**exponents)
