"""LQR gains from algebraic Riccati equations: candidates of high accuracy, proved elsewhere like any other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import ctrlsys
import numpy as np

from hybrid.answer import Route
from hybrid.propose.balance import balancing
from hybrid.propose.proposal import GainProposal
from hybrid.propose.refine import newton_kleinman
from hybrid.question import FeedbackQuestion
from hybrid.systems.linear import require_inputs
from hybrid.verify.lyapunov import FloatArray

_WEIGHTS = ((1.0, 1.0), (1.0, 1e4), (1.0, 1e-4), (1e-6, 1.0), (1.0, 1e8))  # on x and u, when the question names none


def candidates(question: FeedbackQuestion) -> Iterator[GainProposal]:
    """LQR gains for the weights of the question, identities where it names none.

    SLICOT's Schur method first, then scipy's balanced pencil; each as it comes, then polished by Newton's iteration.
    The decay rate is built in by solving for A + σI (A/(1 − σ), B/(1 − σ) in discrete time).

    Source: Laub 1979 (Schur method), Kleinman 1968, Hewer 1971 (Newton); Anderson and Moore 1990, §3.5 (decay).
    """
    A, B = shifted_pair(question)
    n, m = B.shape
    Q = np.eye(n) if question.Q is None else question.Q
    R = np.eye(m) if question.R is None else question.R
    yield from solutions(A, B, Q, R, question.system.is_discrete)


def further_candidates(question: FeedbackQuestion) -> Iterator[GainProposal]:
    """LQR gains for other weights and scalings, for plants so badly scaled that identities fail."""
    A, B = shifted_pair(question)
    n, m = B.shape
    inputs = _input_scale(A, B)
    for on_states, on_inputs in _WEIGHTS:
        for scaling in (np.ones(n), balancing(A)):
            Q = np.diag(on_states / scaling**2)
            for found in solutions(A, B / inputs, Q, on_inputs * np.eye(m), question.system.is_discrete):
                yield replace(found, gain=found.gain / inputs[:, None])


def shifted_pair(question: FeedbackQuestion) -> tuple[FloatArray, FloatArray]:
    """The pair whose plain stabilisation is the question's, with its decay rate taken in."""
    system, decay = question.system, float(question.region.decay)
    A, B = system.A.floats, require_inputs(system).floats
    if not decay:
        return A, B
    return (A / (1 - decay), B / (1 - decay)) if system.is_discrete else (A + decay * np.eye(system.n), B)


def solutions(A: FloatArray, B: FloatArray, Q: FloatArray, R: FloatArray, discrete: bool) -> Iterator[GainProposal]:
    """LQR gains for these weights by each of the algorithms that succeeds, as it is and polished."""
    for name, solver in (("SLICOT sb02md", _slicot), ("scipy Riccati solver", _scipy)):
        try:
            X = solver(A, B, Q, R, discrete)
            if X is None or not np.isfinite(X).all():
                continue
            K = lqr_gain(A, B, R, X, discrete)
        except np.linalg.LinAlgError:  # R + BᵀXB is singular where rounding lost R
            continue
        yield GainProposal(K, (X + X.T) / 2, name, Route.EXACT)
        polished = newton_kleinman(A, B, Q, R, K, discrete=discrete)
        if polished is not None:
            yield GainProposal(*polished, f"{name}, Newton's iteration", Route.EXACT)


def lqr_gain(A: FloatArray, B: FloatArray, R: FloatArray, X: FloatArray, discrete: bool) -> FloatArray:
    """K = R⁻¹BᵀX, or (R + BᵀXB)⁻¹BᵀXA in discrete time."""
    if discrete:
        return np.asarray(np.linalg.solve(R + B.T @ X @ B, B.T @ X @ A))
    return np.asarray(np.linalg.solve(R, B.T @ X))


def _slicot(A: FloatArray, B: FloatArray, Q: FloatArray, R: FloatArray, discrete: bool) -> FloatArray | None:
    G = B @ np.linalg.solve(R, B.T)
    if not np.isfinite(G).all():
        return None
    a, g, q = (np.array(x, order="F") for x in (A, (G + G.T) / 2, Q))
    try:
        sort = "U" if discrete else "S"  # of the symplectic pencil, "U" leads to the stabilising solution
        X, *_, info = ctrlsys.sb02md("D" if discrete else "C", "D", "U", "G", sort, len(A), a, g, q)
    except (ValueError, RuntimeError):
        return None
    return np.asarray(X) if info == 0 else None


def _scipy(A: FloatArray, B: FloatArray, Q: FloatArray, R: FloatArray, discrete: bool) -> FloatArray | None:
    import scipy.linalg

    solver: Callable[..., FloatArray] = (
        scipy.linalg.solve_discrete_are if discrete else scipy.linalg.solve_continuous_are
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return solver(A, B, Q, R)
        except (np.linalg.LinAlgError, ValueError):
            return None


def _input_scale(A: FloatArray, B: FloatArray) -> FloatArray:
    """Powers of two that bring every column of B to the size of A; 1 for a column of zeros."""
    size, columns = np.abs(A).max() or 1.0, np.abs(B).max(0)
    return np.asarray(np.exp2(np.round(np.log2(np.where(columns > 0, columns, size)) - np.log2(size))))
