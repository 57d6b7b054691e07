"""Families of pairs (A, B), of gains of states and outputs, and of equations."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hybrid.selftest.listed import EquationCase, ListStack, OutputCase, Question
from hybrid.selftest.oracle import STABLE, UNSTABLE, reach_code
from hybrid.selftest.spectra import Draw, blocks, similar, tops, verdicts
from hybrid.selftest.stacks import Matrices, MatrixStack


def uncontrollable(rng: Draw, count: int) -> MatrixStack:
    """A chain of integrators with an input, beside states that no input reaches."""
    n = int(rng.integers(2, 6))
    r, m = int(rng.integers(1, n)), int(rng.integers(1, 3))
    A = np.zeros((count, n, n), dtype=np.int64)
    A[:, :r, :] = rng.integers(-3, 4, (count, r, n))
    A[:, np.arange(1, r), :] = 0
    A[:, np.arange(1, r), np.arange(r - 1)] = 1
    top = tops(rng, count)
    A[:, r:, r:] = blocks(rng, n - r, top, 9)
    B = np.zeros((count, n, m), dtype=np.int64)
    B[:, 0, 0] = 1
    B[:, :r, 1:] = rng.integers(-2, 3, (count, r, m - 1))
    A = similar(A, rng, B=B)
    truth = np.where(top < 0, reach_code(r, True), reach_code(r, False))
    exponent = int(rng.integers(-40, 40))
    return MatrixStack("uncontrollable", Question.REACH, False, truth, Matrices.of(A, exponent), Matrices.of(B))


def barely_controllable(rng: Draw, count: int) -> MatrixStack:
    """One input to n modes, of which the last is reached with 2^−k of the strength of the others, or not at all.

    In the other half of the cases two modes lie as near to each other, or coincide.
    """
    n, k = int(rng.integers(2, 5)), int(rng.integers(30, 46))
    hit = rng.integers(0, 2, count)
    steps = rng.integers(1, 4, (count, n))
    values = np.cumsum(steps, axis=1) - rng.integers(0, 2 * n, (count, 1))
    B = rng.integers(1, 9, (count, n, 1)) << k
    near = bool(rng.integers(0, 2))
    if near:
        values = values << k
        values[:, -1] = values[:, -2] + hit
    else:
        B[:, -1, 0] = hit
    A = np.zeros((count, n, n), dtype=np.int64)
    A[:, np.arange(n), np.arange(n)] = values
    A = similar(A, rng, B=B)
    lost = np.where(values[:, -1] < 0, reach_code(n - 1, True), reach_code(n - 1, False))
    truth = np.where(hit > 0, reach_code(n, True), lost)
    return MatrixStack(
        "barely controllable", Question.REACH, False, truth, Matrices.of(A, -k if near else 0), Matrices.of(B, -k)
    )


def barely_stabilising(rng: Draw, count: int) -> MatrixStack:
    """Gains whose closed loop has its abscissa at 0 or ±1 unit: the loop is drawn first, and A = loop + B K."""
    n, m, top = int(rng.integers(2, 5)), int(rng.integers(1, 3)), tops(rng, count)
    loop = similar(blocks(rng, n, top, 2 ** int(rng.integers(1, 20))), rng, 2**45)
    B = rng.integers(-9, 10, (count, n, m))
    digits = int(rng.choice((9, 2**45)))  # few, so that a rounded gain is the gain; or all that a double has
    K = rng.integers(-digits, digits + 1, (count, m, n))
    exponent = int(rng.integers(-40, 40))
    A = Matrices.of(loop + B @ K, exponent)
    abscissa = np.ldexp(top.astype(float), exponent)
    return MatrixStack(
        "barely stabilising", Question.GAIN, False, verdicts(top), A, Matrices.of(B, exponent), Matrices.of(K), abscissa
    )


def folds_and_poles(rng: Draw, count: int) -> ListStack:
    """Two equilibria so near to each other, or to a pole of the equation, that they may be one, or none."""
    return ListStack("folds and poles", tuple(_equation(rng) for _ in range(count)))


def _equation(rng: Draw) -> EquationCase:
    places = rng.permutation(np.arange(-10, 11))[:2].tolist()
    folds = []
    for place in places[: int(rng.integers(1, 3))]:
        distance = Fraction(1, 10 ** int(rng.choice((1, 3, 9, 18, 40))))
        folds.append((Fraction(int(place), 3), distance, int(rng.integers(-1, 2))))
    middle, distance, _ = folds[0]
    beside = (middle + distance, middle + 2 * distance, middle, Fraction(1, 7))
    poles = tuple(beside[k] for k in rng.permutation(4)[: int(rng.integers(0, 3))])
    return EquationCase(tuple(folds), poles, int(rng.choice((-1, 1))), planar=rng.random() < 0.3)


def output_gains(rng: Draw, count: int) -> ListStack:
    """A = loop + B K C with a stable loop, or plants whose trace or one of whose modes no output gain moves."""
    return ListStack("output gains", tuple(_output_case(rng) for _ in range(count)))


def _output_case(rng: Draw) -> OutputCase:
    n, kind = int(rng.integers(2, 4)), int(rng.integers(0, 3))
    B, C = rng.integers(-2, 3, (1, n, 1)), rng.integers(-2, 3, (1, 1, n))
    if kind == 0:  # there is a gain: K
        A = similar(blocks(rng, n, np.array([-1]), 3), rng) + B @ rng.integers(-3, 4, (1, 1, 1)) @ C
    elif kind == 1:  # B enters where C does not look: trace (A − B K C) = trace A ≥ 0
        C[0, 0, 0], B[0, 1:, 0] = 0, 0
        A = rng.integers(-2, 3, (1, n, n))
        A[0, 0, 0] += max(0, -int(np.trace(A[0])))
    else:  # the last mode is not reached, or not seen
        A = blocks(rng, n - 1, np.array([-1]), 3)
        A = np.pad(A, ((0, 0), (0, 1), (0, 1)))
        A[0, -1, -1] = rng.integers(0, 3)
        (B[0, -1, :] if rng.random() < 0.5 else C[0, :, -1])[...] = 0
        A = similar(A, rng, B=B) if not B[0, -1, 0] else A
    truth = STABLE if kind == 0 else UNSTABLE
    return OutputCase(Matrices.of(A).fractions(0), Matrices.of(B).fractions(0), Matrices.of(C).fractions(0), truth)
