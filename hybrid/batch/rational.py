"""Lyapunov's inequality over Q, for the few rows of a stack where the bounds of the float kernel are too wide.

There P is good to a digit or two more than those bounds can show. An exact residual costs a millisecond, and answering
such a row from nothing a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid.batch.stacks import FloatArray
from hybrid.exact.spectrum import rational_matrix
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.verify.gain import decimals


def proves(system: LinearSystem, gain: FloatArray, P: FloatArray, bound: float) -> bool:
    """Decide whether P proves abscissa < bound (radius < bound) of A − B K, for the gain as stored and as printed.

    Args:
        system: n states.
        gain: (m, n) K.
        P: (n, n); the lower triangle is read.
        bound: a finite double.

    >>> proves(LinearSystem([[1]], [[1]]), np.array([[1.1]]), np.eye(1), 0.0)
    True
    >>> proves(LinearSystem([[1]], [[1]]), np.array([[1.0]]), np.eye(1), 0.0)
    False
    """
    if not (np.isfinite(gain).all() and np.isfinite(P).all()):
        return False
    A, B = rational_matrix(system.A), rational_matrix(require_inputs(system))
    form = rational_matrix(ExactMatrix.read(np.tril(P) + np.tril(P, -1).T, "P"))
    if not _is_positive_definite(form):
        return False
    from flint import fmpq

    limit = fmpq(*bound.as_integer_ratio())
    loops = (A - B * rational_matrix(K) for K in (ExactMatrix.read(gain, "gain"), decimals(gain)))
    return all(_is_positive_definite(_residual(M, form, limit, system.is_discrete)) for M in loops)


def _residual(M: Any, P: Any, bound: Any, discrete: bool) -> Any:
    """−((M − bI)ᵀP + P(M − bI)), or b²P − MᵀPM."""
    if discrete:
        return P * (bound * bound) - M.transpose() * P * M
    half = P * M
    return P * (2 * bound) - half - half.transpose()


def _is_positive_definite(X: Any) -> bool:
    """Descartes: the real roots of the characteristic polynomial are positive where its signs alternate strictly."""
    coefficients = X.numer_denom()[0].charpoly().coeffs()
    return all((c > 0) if k % 2 == 0 else (c < 0) for k, c in enumerate(reversed(coefficients)))
