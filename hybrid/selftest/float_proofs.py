"""Proofs in floats, tempted with Lyapunov matrices that should prove something, and with such as should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.selftest.findings import Chosen, Findings
from hybrid.selftest.oracle import STABLE, UNSTABLE
from hybrid.selftest.stacks import CONTRADICTED, UNDECIDED, MatrixStack
from hybrid.verify import lyapunov
from hybrid.verify.lyapunov import BoolArray, FloatArray


def float_proof(stack: MatrixStack, rows: Chosen) -> Findings:
    """Lyapunov inequalities in double precision, for P that eigenvectors suggest."""
    with np.errstate(all="ignore"):
        M, radius = _midpoints(stack, rows)
        tried = proposals(M, stack.discrete)
        given = (tried.P, tried.bound, tried.x, tried.upper)
        proved = lyapunov.prove_sides(M, *given, discrete=stack.discrete, radius=radius)
    upper = np.where(proved & tried.upper, tried.bound, np.inf).min(0)
    lower = np.where(proved & ~tried.upper, tried.bound, -np.inf).max(0)
    return _sided(upper <= stack.discrete, lower >= stack.discrete, lower, upper)


def compiled_proof(stack: MatrixStack, rows: Chosen) -> Findings:
    """The same inequalities at the boundary by the compiled kernels of `hybrid.batch`, also for P of their own."""
    from hybrid.batch.kernels.lyapunov import costs, indefinite_costs
    from hybrid.batch.kernels.proof import PROBE, prove

    if stack.A.rows is not None:  # the kernels take the doubles for the entries
        return Findings.of([UNDECIDED] * len(rows))
    limit, nothing = float(stack.discrete), np.zeros((len(rows), stack.n, 0))
    if stack.B is None or stack.K is None:
        B, K = nothing, np.ascontiguousarray(nothing.mT)
    else:
        B, K = stack.B.floats[rows], stack.K.floats[rows]
    with np.errstate(all="ignore"):
        M, _ = _midpoints(stack, rows)
        tried = proposals(M, stack.discrete)
        above = (costs(M, limit, stack.discrete), *tried.P[:2])
        below = (indefinite_costs(M, limit, stack.discrete), *zip(tried.P[:2], tried.x[:2, ..., None], strict=True))

        def proved(P: FloatArray, x: FloatArray) -> BoolArray:
            P, x = np.ascontiguousarray(P), np.ascontiguousarray(x)
            return prove(stack.A.floats[rows], B, K, P, x, limit, stack.discrete, PROBE)

        stable = np.any([proved(P, nothing) for P in above], axis=0)
        unstable = np.any([proved(P, x) for P, x in below], axis=0)
    return _sided(stable, unstable, np.where(unstable, limit, -np.inf), np.where(stable, limit, np.inf))


def _sided(stable: BoolArray, unstable: BoolArray, lower: FloatArray, upper: FloatArray) -> Findings:
    verdict = np.where(stable, STABLE, np.where(unstable, UNSTABLE, UNDECIDED))
    return Findings(np.where(stable & unstable, CONTRADICTED, verdict), lower, upper, strict=True)


def _midpoints(stack: MatrixStack, rows: Chosen) -> tuple[FloatArray, FloatArray | None]:
    """The matrices in question in doubles, and their distance from the exact ones."""
    A, radius = stack.A.floats[rows], stack.A.radius(rows)
    if stack.B is None or stack.K is None:
        return A, radius
    K = stack.K.floats[rows]
    return lyapunov.closed_loop(A, stack.B.floats[rows], K, radius, stack.B.radius(rows), np.spacing(np.abs(K)))


@dataclass(frozen=True)
class Proposals:
    """What a proof is tried with, three for each of k matrices: bound, P, direction, and which side it is of."""

    bound: FloatArray  # (3, k)
    P: FloatArray  # (3, k, n, n)
    x: FloatArray  # (3, k, n)
    upper: BoolArray  # (3, k)


def proposals(M: FloatArray, discrete: bool) -> Proposals:
    """At the boundary what the eigenvalues say, then the opposite, then a bound 10⁻¹ to 10⁻¹⁶ beside the abscissa.

    P = Σ w wᴴ/(b − Re λ) over the left eigenvectors proves what there is to prove (`hybrid.propose.lyapunov`). With the
    signs of the weights turned to please, it nearly proves what is false.
    """
    values, vectors, left = _decomposed(M)
    place = np.abs(values) if discrete else values.real
    top = place.argmax(-1)
    guess = np.take_along_axis(place, top[:, None], -1)[:, 0]
    extent = np.abs(values).max(-1)
    upper = np.stack([guess < discrete, guess >= discrete, np.arange(len(M)) % 2 == 0])
    distance = extent * 10.0 ** -(1 + np.arange(len(M)) * 7 % 16)
    boundary = np.full(len(M), float(discrete))
    bound = np.stack([boundary, boundary, np.where(upper[2], guess + distance, guess - distance)])
    gap = (bound**2)[..., None] - place**2 if discrete else bound[..., None] - place
    pleasing = np.where(np.arange(M.shape[-1]) == top[:, None], np.where(upper[1], 1.0, -1.0)[:, None], 1.0)
    gap[1] = np.maximum(np.abs(gap[1]), extent[:, None] * 2.0**-50) * pleasing  # an eigenvalue on the boundary has none
    P = ((np.conj(left.mT) / gap[..., None, :]) @ left).real
    directions = np.take_along_axis(vectors, top[:, None, None], -1)[..., 0]
    parts = np.stack([directions.real, directions.imag])
    forms = np.einsum("pki,tkij,pkj->ptk", parts, P, parts)
    x = np.where((forms[1] < forms[0])[..., None], parts[1], parts[0])
    return Proposals(bound, P, x, upper)


def _decomposed(M: FloatArray) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Eigenvalues, eigenvectors and their inverse, NaN where there are none."""
    try:
        values, vectors = np.linalg.eig(M)
        left = np.linalg.inv(vectors)
    except np.linalg.LinAlgError:
        if len(M) > 1:
            parts = [_decomposed(M[i : i + 1]) for i in range(len(M))]
            values, vectors, left = (np.concatenate(each) for each in zip(*parts, strict=True))
        else:
            vectors = left = np.full(M.shape, np.nan)
            values = vectors[:, 0]
    return values, vectors, left / np.linalg.norm(left, axis=-1, keepdims=True)
