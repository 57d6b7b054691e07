"""The spectral abscissa of a Jacobian known in balls: enclosed tightly, or exactly 0 where its zeros show that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from flint import acb_mat, arb, arb_poly

from hybrid.answer import Verdict
from hybrid.exact.at_point import PointJacobian, ball_pattern
from hybrid.exact.routh import real_polynomial, roots_beyond, without_zeros
from hybrid.exact.zero_pattern import blocks, term_rank, zero_eigenvalues
from hybrid.pole_region import Region
from hybrid.precision import working_precision

_WIDTHS = (2.0**-36, 2.0**-24, 2.0**-12)
"""Of the enclosure beside the abscissa, the narrowest first: clustered eigenvalues are guessed less well."""
_WIDE = (2.0**-4, 2.0**-2, 0.75, 0.99)
"""The same around the abscissa of a proposal, which may be off by as much."""
_LARGEST_GUESS = 1e300  # wide bounds around it are doubles still

_LARGEST_BLOCK = 12  # states; the search for cycles doubles its time with each


@dataclass(frozen=True)
class Located:
    """lo ≤ abscissa ≤ hi, on one side of the stability boundary and of the region's, or exactly on the former.

    `witness` is what a certificate needs beside the claim.
    """

    bounds: tuple[Fraction, Fraction]
    verdict: Verdict
    in_region: bool
    witness: dict[str, Any] = field(default_factory=dict)


def locate(found: PointJacobian, region: Region) -> Located | None:
    """The abscissa of A; None where this precision does not decide."""
    with working_precision(found.precision):
        bounds = enclose(found.balls[0], found.floats[0])
        decided = None if bounds is None else _decided(found, bounds, region)
        return decided or _on_the_axis(found)


def locate_near(found: PointJacobian, region: Region, jacobian: np.ndarray[Any, Any]) -> Located | None:
    """The abscissa of A, enclosed around that of a proposal for it; None where it is not shown to be near."""
    if not np.isfinite(jacobian).all():
        return None
    with working_precision(found.precision):
        try:
            guess = float(np.linalg.eigvals(jacobian).real.max())
        except np.linalg.LinAlgError:
            return None
        if not 0 < abs(guess) < _LARGEST_GUESS:
            return None
        p = real_polynomial(found.balls[0])
        tried = (_beside(p, guess, width) for width in _WIDE)
        bounds = next((each for each in tried if each is not None), None)
        return None if bounds is None else _decided(found, bounds, region)


def enclose(M: Any, guess: np.ndarray[Any, Any]) -> tuple[Fraction, Fraction] | None:
    """lo < abscissa < hi for a matrix of balls, at the precision of flint's context; None where that is not shown.

    Args:
        M: of balls.
        guess: M in doubles.
    """
    p = real_polynomial(M)
    tried: list[float] = []
    for middle in _guesses(M, guess):
        tried.append(middle)
        bounds = _beside(p, middle, _WIDTHS[0])
        if bounds is not None:
            return bounds
    wider = (_beside(p, middle, width) for width in _WIDTHS[1:] for middle in tried)
    return next((bounds for bounds in wider if bounds is not None), None)


def _decided(found: PointJacobian, bounds: tuple[Fraction, Fraction], region: Region) -> Located | None:
    lo, hi = bounds
    if lo < 0 < hi:
        return None
    edge = -region.decay
    if lo < edge < hi:  # by chance between the bounds
        beyond = roots_beyond(real_polynomial(found.balls[0]), edge)
        if beyond is None:
            return None
        lo, hi = (lo, edge) if beyond == 0 else (edge, hi)
    verdict = Verdict.STABLE if hi <= 0 else Verdict.UNSTABLE
    return Located((lo, hi), verdict, hi <= edge)


def _guesses(M: Any, floats: np.ndarray[Any, Any]) -> Iterator[float]:
    """The abscissa as eigenvalues in doubles have it, then as those in longer numbers do."""
    if np.isfinite(floats).all():
        try:
            guess = float(np.linalg.eigvals(floats).real.max())
        except np.linalg.LinAlgError:
            guess = math.nan
        if math.isfinite(guess) and guess:
            yield guess
    try:
        values: Any = acb_mat(M).mid().eig(algorithm="approx", maxiter=1000)
        guess = max(float(value.real.mid()) for value in values)
    except (ValueError, ZeroDivisionError, OverflowError):
        return
    if math.isfinite(guess) and guess:
        yield guess


def _beside(p: arb_poly, middle: float, width: float) -> tuple[Fraction, Fraction] | None:
    """Bounds so wide around a guess, where Routh's array proves them."""
    reach = Fraction(abs(middle) * width)
    lo, hi = _double(Fraction(middle) - reach, -math.inf), _double(Fraction(middle) + reach, math.inf)
    return (lo, hi) if roots_beyond(p, hi) == 0 and (roots_beyond(p, lo) or 0) > 0 else None


def _double(value: Fraction, direction: float) -> Fraction:
    return Fraction(math.nextafter(float(value), direction))


# Exactly on the axis


def _on_the_axis(found: PointJacobian) -> Located | None:
    """Abscissa 0 by eigenvalues that the exact zeros of A put on the imaginary axis, all others left of it.

    The eigenvalues are those of the blocks of a block triangular form.
    """
    pattern, A = found.pattern[0], found.balls[0]
    zeros, imaginary = 0, []
    for block in blocks(pattern):
        critical = _critical(type(A)([[A[i, j] for j in block] for i in block]))
        if critical is None:
            return None
        zeros += critical[0]
        imaginary += critical[1]
    if not zeros and not imaginary:
        return None
    if any(a.overlaps(b) for a, b in combinations(imaginary, 2)):
        return None
    witness: dict[str, Any] = {}
    verdict = Verdict.MARGINAL  # each eigenvalue on the axis has as many eigenvectors as its multiplicity
    if zeros and term_rank(pattern) > found.system.n - zeros:
        minor = _regular_minor(found, found.system.n - zeros + 1)
        if minor is None:
            return None
        verdict, witness = Verdict.UNSTABLE, {"minor": minor}
    return Located((Fraction(0), Fraction(0)), verdict, False, witness)


def _critical(block: Any) -> tuple[int, list[arb]] | None:
    """How often 0 is an eigenvalue, and the others on the imaginary axis; None where one may be right of it."""
    n, is_complex = block.nrows(), isinstance(block, acb_mat)
    if n > _LARGEST_BLOCK:
        return None
    if n == 1 and is_complex and block[0, 0].real == 0 and not block[0, 0].imag.contains(0):
        return 0, [block[0, 0].imag]
    zeros = zero_eigenvalues(ball_pattern(block))
    pair = _imaginary_pair(block) if n == 2 and is_complex and not zeros else None
    if pair is not None:
        return 0, pair
    p = without_zeros(real_polynomial(block), zeros * (1 + is_complex))
    if n - zeros == 2 and not is_complex and all(block[i, i] == 0 for i in range(n)):
        square = p[0]  # the rest is s² + p[0]
        return (zeros, [square.sqrt(), -square.sqrt()]) if square > 0 else None
    return (zeros, []) if roots_beyond(p, Fraction(0)) == 0 else None


def _imaginary_pair(block: acb_mat) -> list[arb] | None:
    """The eigenvalues over j of [[jx, b], [c, jy]] with a real product b c = w: roots of μ² − (x + y)μ + xy + w.

    None where they are not seen to be real, apart, and other than 0.
    """
    first, second, product = block[0, 0], block[1, 1], block[0, 1] * block[1, 0]
    if not (first.real == 0 and second.real == 0 and product.imag == 0):
        return None
    x, y = first.imag, second.imag
    square = (x - y) ** 2 - 4 * product.real
    if not square > 0:
        return None
    pair = [(x + y + square.sqrt()) / 2, (x + y - square.sqrt()) / 2]
    return None if any(each.contains(0) for each in pair) else pair


def _regular_minor(found: PointJacobian, size: int) -> list[list[int]] | None:
    """Rows and columns of a determinant that is not 0, which shows that the rank is so large."""
    A, n = found.balls[0], found.system.n
    places = list(combinations(range(n), size))
    for rows in places:
        for columns in places:
            minor = type(A)([[A[i, j] for j in columns] for i in rows])
            if not minor.det().contains(0):
                return [list(rows), list(columns)]
    return None
