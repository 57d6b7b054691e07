"""Gains that place poles: SLICOT and scipy first, then exact assignment over Q, which does not lose digits."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import ctrlsys
import numpy as np
from flint import fmpq, fmpq_mat, fmpq_poly

from hybrid.answer import Enclosure, Route
from hybrid.exact.spectrum import rational_matrix
from hybrid.exact.subspace import Reach
from hybrid.pole_region import Pole
from hybrid.propose.proposal import GainProposal
from hybrid.question import FeedbackQuestion
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.systems.numbers import nearest_float
from hybrid.verify.lyapunov import FloatArray

_DIRECTIONS_TRIED = 3  # random input directions for the exact assignment of a multi-input plant


@dataclass(frozen=True)
class Placement:
    """Closed-loop poles in the order of the poles asked for, with the largest distance between the two."""

    poles: tuple[Enclosure, ...]
    requested: tuple[Pole, ...]
    distance: Fraction


def fixed_modes_allow(reach: Reach, poles: tuple[Pole, ...]) -> bool:
    """Whether the uncontrollable eigenvalues are among the poles asked for, as often: no gain can move them."""
    if reach.F is None:
        return True
    return not (target_polynomial(poles) % rational_matrix(reach.F).charpoly()).coeffs()


def target_polynomial(poles: tuple[Pole, ...]) -> fmpq_poly:
    """Π(s − p), with rational coefficients since the list is closed under conjugation."""
    target = fmpq_poly([1])
    for re, im in poles:
        a, b = _fmpq(re), _fmpq(im)
        if im > 0:
            target *= fmpq_poly([a * a + b * b, -2 * a, 1])
        elif im == 0:
            target *= fmpq_poly([-a, 1])
    return target


def candidates(question: FeedbackQuestion, reach: Reach) -> Iterator[GainProposal]:
    """Gains that should place the poles of the question, cheapest algorithm first.

    Source: Varga 1981 (sb01bd), Tits and Yang 1996 (scipy), Ackermann 1972 with Heymann's lemma (exact).
    """
    system, poles = question.system, question.poles or ()
    A, B = system.A.floats, require_inputs(system).floats
    if reach.F is None:
        for name, solver in (("SLICOT sb01bd", _slicot), ("scipy place_poles", _scipy)):
            gain = solver(A, B, poles, system.is_discrete)
            if gain is not None and np.isfinite(gain).all():
                yield GainProposal(gain, None, name, Route.EXACT)
    target = target_polynomial(poles)
    if reach.F is not None:
        target //= rational_matrix(reach.F).charpoly()
    for gain in _exact_assignments(system, target, reach):
        yield GainProposal(gain, None, "exact assignment", Route.EXACT)


def stabilising_candidates(question: FeedbackQuestion, reach: Reach) -> Iterator[GainProposal]:
    """Gains that put the movable poles at simple places in the region, for plants whose Riccati gains were not proved.

    Real, equally spaced poles, on a few scales of the open loop's; in discrete time spread over half the radius.
    """
    system, count = question.system, reach.dimension
    boundary = question.region.boundary(system.is_discrete)
    if system.is_discrete:
        targets = [[boundary * Fraction(k, 2 * count) for k in range(1, count + 1)]]
    else:
        size = max(1.0, float(np.abs(np.linalg.eigvals(system.A.floats)).max()))
        scales = [Fraction(size * factor / max(count, 1)).limit_denominator(1000) for factor in (1.0, 0.25)]
        targets = [[boundary - scale * k for k in range(1, count + 1)] for scale in scales]
    for places in targets:
        target = target_polynomial(tuple((place, Fraction(0)) for place in places))
        for gain in _exact_assignments(system, target, reach):
            yield GainProposal(gain, None, "exact assignment", Route.EXACT)


def match(discs: tuple[Enclosure, ...], requested: tuple[Pole, ...]) -> Placement:
    """Give each disc, in turn, the nearest poles asked for: as many as its multiplicity.

    Both lists come back in the order of the pairing. Any pairing is true to the claim; the nearest one says most.
    """
    left, taken = list(requested), []
    for disc in sorted(discs, key=lambda d: -d.multiplicity):
        for _ in range(disc.multiplicity):
            nearest = min(left, key=lambda p: (p[0] - disc.re) ** 2 + (p[1] - disc.im) ** 2)
            left.remove(nearest)
            taken.append((disc, nearest))
    distance = max((_distance_above(disc, pole) for disc, pole in taken), default=Fraction(0))
    return Placement(tuple(dict.fromkeys(disc for disc, _ in taken)), tuple(pole for _, pole in taken), distance)


def _distance_above(disc: Enclosure, pole: Pole) -> Fraction:
    """A short rational above |pole − centre| + radius."""
    square = (pole[0] - disc.re) ** 2 + (pole[1] - disc.im) ** 2
    shift = 1 << 200
    root = Fraction(math.isqrt(math.ceil(square * shift * shift)) + 1, shift) if square else Fraction(0)
    total = root + disc.radius
    if not total:
        return total
    bits = 16 - (total.numerator.bit_length() - total.denominator.bit_length())
    return Fraction(math.ceil(total * Fraction(2) ** bits)) / Fraction(2) ** bits


def _slicot(A: FloatArray, B: FloatArray, poles: tuple[Pole, ...], discrete: bool) -> FloatArray | None:
    n, m = B.shape
    ordered = sorted(poles, key=lambda p: (p[1] != 0, p[0], abs(p[1]), -p[1]))  # conjugates side by side
    re, im = (np.array([float(p[i]) for p in ordered]) for i in (0, 1))
    alpha = 0.0 if discrete else -1e300  # move every eigenvalue
    try:
        result = ctrlsys.sb01bd(
            "D" if discrete else "C", n, m, n, alpha, np.array(A, order="F"), np.array(B, order="F"), re, im, 0.0
        )
    except (ValueError, RuntimeError):
        return None
    return -np.asarray(result[6]) if result[-1] == 0 else None


def _scipy(A: FloatArray, B: FloatArray, poles: tuple[Pole, ...], discrete: bool) -> FloatArray | None:
    import scipy.signal

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            wanted = np.array([complex(float(re), float(im)) for re, im in poles])
            return np.asarray(scipy.signal.place_poles(A, B, wanted, maxiter=50).gain_matrix)
        except (np.linalg.LinAlgError, ValueError):
            return None


def _exact_assignments(system: LinearSystem, target: fmpq_poly, reach: Reach) -> Iterator[FloatArray]:
    """Ackermann's formula over Q on the controllable part, one random input direction at a time.

    A single input needs no direction. Otherwise Heymann: for almost every K₀ and g, (A − B K₀, B g) is controllable.
    """
    A, B = rational_matrix(system.A), rational_matrix(require_inputs(system))
    if reach.W is not None:
        lift, project = _controllable_part(rational_matrix(reach.W))
        A, B = project * A * lift, project * B
    else:
        project = _identity(system.n)
    source = random.Random(0)
    n, m = A.nrows(), B.ncols()
    if n == 0:
        yield np.zeros((m, system.n))
        return
    for _ in range(1 if m == 1 else _DIRECTIONS_TRIED):
        K0, g = _zeros(m, n), fmpq_mat(1, 1, [fmpq(1)])
        if m > 1:
            K0 = fmpq_mat(m, n, [fmpq(source.randint(-9, 9), 10) for _ in range(m * n)])
            g = fmpq_mat(m, 1, [fmpq(source.randint(1, 9), 10) for _ in range(m)])
        row = _ackermann(A - B * K0, B * g, target)
        if row is not None:
            K = (K0 + g * row) * project
            yield np.array([[nearest_float(Fraction(int(x.p), int(x.q))) for x in r] for r in K.tolist()])


def _ackermann(A: fmpq_mat, b: fmpq_mat, target: fmpq_poly) -> fmpq_mat | None:
    """k with det(sI − A + b k) = target: the last row of [b Ab …]⁻¹ times target(A)."""
    n = A.nrows()
    columns = [b]
    while len(columns) < n:
        columns.append(A * columns[-1])
    kalman = fmpq_mat(n, n, [column[i, 0] for i in range(n) for column in columns])
    try:
        last = kalman.transpose().solve(fmpq_mat(n, 1, [fmpq(int(i == n - 1)) for i in range(n)])).transpose()
    except ZeroDivisionError:
        return None
    row = _zeros(1, n)
    for k in range(n, -1, -1):
        row = row * A + last * target[k]
    return row


def _controllable_part(W: fmpq_mat) -> tuple[fmpq_mat, fmpq_mat]:
    """V with W V = 0 spanning the controllable subspace, and L with L V = I, from W with an identity in its pivots."""
    r, n = W.nrows(), W.ncols()
    pivots = [next(j for j in range(n) if W[i, j]) for i in range(r)]
    free = [j for j in range(n) if j not in pivots]
    lift, project = _zeros(n, len(free)), _zeros(len(free), n)
    for c, j in enumerate(free):
        lift[j, c], project[c, j] = fmpq(1), fmpq(1)
        for i, pivot in enumerate(pivots):
            lift[pivot, c] = -W[i, j]
    return lift, project


def _zeros(rows: int, columns: int) -> fmpq_mat:
    return fmpq_mat(rows, columns)


def _identity(n: int) -> fmpq_mat:
    return fmpq_mat(n, n, [fmpq(int(i == j)) for i in range(n) for j in range(n)])


def _fmpq(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)
