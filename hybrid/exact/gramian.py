"""The gain from the Gramian of a short horizon, as the paper computes it: a candidate, like any other.

Charton, Hayat and Lample 2020 normalise A to A/‖A‖_F, leave B as it is, and take K = −Bᵀ(C + 10⁻⁶ I)⁻¹ with
C = ∫₀¹ e^(−As) B Bᵀ e^(−Aᵀs) ds by the trapezoid rule, for u = +K x: of x' = (A/‖A‖_F) x + B u the closed loop is
A/‖A‖_F + B K (Kleinman 1970; Lukes 1968).
"""

from __future__ import annotations

import numpy as np

from hybrid.verify.gain import rounded
from hybrid.verify.lyapunov import FloatArray

_POINTS, _REGULARISATION, _DIGITS = 40, 1e-6, 3


def paper_gain(A: FloatArray, B: FloatArray) -> FloatArray | None:
    """K for (A/‖A‖_F, B) and u = +K x, (m, n), to three digits; None where a number is too large for doubles.

    >>> paper_gain(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0], [1.0]]))
    array([[-5.99, -4.  ]])
    """
    from scipy.linalg import expm

    with np.errstate(all="ignore"):
        unit = A / np.linalg.norm(A)
        if not np.isfinite(unit).all():
            return None
        step = expm(unit / (_POINTS - 1))
        flows = [B]
        while len(flows) < _POINTS:
            flows.append(step @ flows[-1])
        G = np.trapezoid(np.stack([flow @ flow.T for flow in flows]), dx=1 / (_POINTS - 1), axis=0)
        back = expm(-unit)
        C = back @ G @ back.T
        try:
            K = -B.T @ np.linalg.inv(C + _REGULARISATION * np.eye(len(A)))
        except np.linalg.LinAlgError:
            return None
    return rounded(K, _DIGITS) if np.isfinite(K).all() else None


def for_own_system(K: FloatArray, A: FloatArray) -> FloatArray:
    """The gain for x' = A x + B u and u = −K x that gives ‖A‖_F times the closed loop of the paper's: −‖A‖_F K."""
    return np.asarray(-float(np.linalg.norm(A)) * K)
