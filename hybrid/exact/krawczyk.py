"""Krawczyk's test in Arb arithmetic: whether a box holds exactly one zero of a function, and a box that does.

K(X) = m − Y g(m) + (I − Y J(X)) (X − m), m the midpoint of X, J(X) an enclosure of the Jacobian over X (Clarke's
Jacobian at a kink of abs), Y any matrix; here the inverse of the midpoint of J(X), rounded.

Source: Krawczyk 1969, Computing 4; Neumaier 1990, Interval Methods for Systems of Equations, Theorem 5.1.8.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb, arb_mat

from hybrid.expressions.balls import ball, balls
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.residual import Residual

Box = list[arb]
Bounds = tuple[Fraction, Fraction]

LADDER = (64, 128, 256, 512, 1024)
"""Precisions in bits, tried one after the other."""
_NEWTON_STEPS = 16
_INFLATIONS = 8


@dataclass(frozen=True)
class Expansion:
    """g(x) ∈ g(m) + J (x − m) for every x in a box X with midpoint m: the mean value theorem."""

    box: Box
    centre: Box
    g: arb_mat
    J: arb_mat

    @classmethod
    def over(cls, residual: Residual, box: Box) -> Expansion | None:
        """The expansion over a box; None where g or its Jacobian may have no value in it."""
        centre = [side.mid() for side in box]
        try:
            rows = residual.with_jacobian(box)[1]
            return cls(box, centre, _column(residual(centre)), _square(rows))
        except DomainError:
            return None

    def values(self, part: Sequence[arb]) -> Box:
        """An enclosure of g over a part of X."""
        return list((self.g + self.J * self._offset(part)).entries())

    def image(self) -> Box | None:
        """K(X), or None where the midpoint of J is singular.

        Every zero in X lies in K(X); if K(X) lies in the interior of X, then X holds exactly one zero.
        """
        Y = preconditioner(self.J)
        if Y is None:
            return None
        moved = (_identity(len(self.box)) - Y * self.J) * self._offset(self.box) - Y * self.g
        mapped = [middle + move for middle, move in zip(self.centre, moved.entries(), strict=True)]
        return mapped if all(side.is_finite() for side in mapped) else None

    def _offset(self, part: Sequence[arb]) -> arb_mat:
        return _column([side - middle for side, middle in zip(part, self.centre, strict=True)])


def image(residual: Residual, box: Box) -> Box | None:
    """K(X); None where g or its Jacobian may have no value in X, or the midpoint of the Jacobian is singular."""
    expansion = Expansion.over(residual, box)
    return None if expansion is None else expansion.image()


def preconditioner(J: arb_mat) -> arb_mat | None:
    """The inverse of the midpoint, rounded: exact numbers, whatever they are worth; None for a singular one."""
    try:
        Y = J.mid().inv().mid()
    except ZeroDivisionError:
        return None
    return Y if all(entry.is_finite() for entry in Y.entries()) else None


def contains_one(residual: Residual, box: Box) -> bool:
    """Whether K(X) lies in the interior of X: then X holds exactly one zero, and K(X) holds it too."""
    mapped = image(residual, box)
    return mapped is not None and inside(mapped, box)


def inside(inner: Sequence[arb], outer: Sequence[arb]) -> bool:
    """Whether a box lies in the interior of another."""
    return all(around.contains_interior(side) for side, around in zip(inner, outer, strict=True))


def isolate(system: NonlinearSystem, inputs: Sequence[Fraction], start: Sequence[Fraction]) -> Iterator[Box]:
    """Boxes around a zero near `start`, each proved to hold exactly one; narrower ones as the precision rises.

    Precisions at which the proof fails yield nothing: all of them, where the Jacobian at the zero is singular.
    """
    for precision in LADDER:
        with working_precision(precision):
            residual = Residual(system, inputs, balls())
            box = _isolated(residual, [ball(coordinate).mid() for coordinate in start], precision)
        if box is not None:
            start = [midpoint_radius(side)[0] for side in box]
            yield box


def contains_one_zero(system: NonlinearSystem, inputs: Sequence[Fraction], bounds: Sequence[Bounds]) -> bool:
    """Krawczyk's test on a box given by its bounds, at rising precision.

    It runs on balls, which reach a little beyond the bounds, so the image has to lie within the bounds themselves.
    """
    for precision in LADDER:
        with working_precision(precision):
            sides = [(ball(lower), ball(upper)) for lower, upper in bounds]
            mapped = image(Residual(system, inputs, balls()), [lower.union(upper) for lower, upper in sides])
            if mapped and all(low < side and side < up for side, (low, up) in zip(mapped, sides, strict=True)):
                return True
    return False


def midpoint_radius(side: arb) -> Bounds:
    """Midpoint and radius of a ball, exactly: both are dyadic."""
    return _dyadic(side.mid()), _dyadic(side.rad())


def _dyadic(value: arb) -> Fraction:
    mantissa, exponent = map(int, value.man_exp())
    return Fraction(mantissa * 2**exponent) if exponent >= 0 else Fraction(mantissa, 2**-exponent)


def _isolated(residual: Residual, start: Box, precision: int) -> Box | None:
    """Newton's iteration from a start, then a box inflated until Krawczyk's test succeeds (Rump 2010, §10.6)."""
    newton = _newton(residual, start, precision)
    if newton is None:
        return None
    centre, step = newton
    box = [_inflated(x, 4 * abs(move), precision) for x, move in zip(centre, step, strict=True)]
    for _ in range(_INFLATIONS):
        mapped = image(residual, box)
        if mapped is None:
            return None
        if inside(mapped, box):
            narrow = [_short(_inflated(side.mid(), 8 * side.rad(), precision)) for side in mapped]
            return narrow if contains_one(residual, narrow) else box
        box = [_inflated(side.mid(), 2 * side.rad(), precision) for side in mapped]
    return None


def _newton(residual: Residual, x: Box, precision: int) -> tuple[Box, Box] | None:
    """A point that Newton's iteration no longer improves, and the last step, with the rounding errors in it."""
    size = None
    for _ in range(_NEWTON_STEPS):
        try:
            g, rows = residual.with_jacobian(x)
        except DomainError:
            return None
        Y = preconditioner(_square(rows))
        if Y is None:
            return None
        step = (Y * _column(g)).entries()
        moved = [(coordinate - move).mid() for coordinate, move in zip(x, step, strict=True)]
        if not all(coordinate.is_finite() for coordinate in moved):
            return None
        last, size = size, max(float(move.abs_upper()) for move in step)
        if last is not None and size >= last / 2:
            break
        x = moved
        if all(move.mid() == 0 or move.rad() > abs(move.mid()) for move in step):
            break
    return x, step


def _inflated(centre: arb, radius: arb, precision: int) -> arb:
    """A ball a little wider than the radius, and never a point."""
    floor = (abs(centre) + arb(2) ** -precision) * arb(2) ** -precision
    return arb(centre, (radius + floor).abs_upper())


def _short(side: arb) -> arb:
    """A ball around a ball, whose midpoint has no digits far below the radius."""
    mantissa, exponent = side.rad().man_exp()
    bits = int(mantissa).bit_length() + int(exponent)
    grid = arb(2) ** (bits - 3)
    return arb((side.mid() / grid + arb(0.5)).floor().mid() * grid, 10 * grid)


def _square(rows: list[list[arb]]) -> arb_mat:
    return arb_mat(len(rows), len(rows), [entry for row in rows for entry in row])


def _column(entries: list[arb]) -> arb_mat:
    return arb_mat(len(entries), 1, entries)


def _identity(n: int) -> arb_mat:
    return arb_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
