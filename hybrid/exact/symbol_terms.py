"""A polynomial over a box, with the coordinates that the box fixes put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Exponents = tuple[int, ...]
Side = tuple[Fraction | None, Fraction | None]
Box = Sequence[Side]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Symbol:
    """Terms with exponents of all coordinates; those of fixed coordinates are 0.

    Attributes:
        terms: exponents → coefficient, none of them 0.
        box: for each coordinate its ends; None is infinite.
    """

    terms: Mapping[Exponents, Fraction]
    box: tuple[Side, ...]

    @classmethod
    def read(cls, terms: Mapping[Exponents, Fraction], box: Box) -> Symbol:
        """Put in what is fixed, and join like terms."""
        joined: dict[Exponents, Fraction] = {}
        fixed = [low if low == high and low is not None else None for low, high in box]
        for exponents, coefficient in terms.items():
            value = coefficient * prod(
                (at**k for at, k in zip(fixed, exponents, strict=True) if at is not None), start=Fraction(1)
            )
            left = tuple(0 if at is not None else k for at, k in zip(fixed, exponents, strict=True))
            joined[left] = joined.get(left, Fraction(0)) + value
        return cls({exponents: value for exponents, value in joined.items() if value}, tuple(box))

    def at(self, point: Sequence[Fraction]) -> Fraction:
        """The value at a rational point."""
        return sum(
            (
                c * prod((x**k for x, k in zip(point, e, strict=True) if k), start=Fraction(1))
                for e, c in self.terms.items()
            ),
            start=Fraction(0),
        )

    @property
    def exponents(self) -> FloatArray:
        """(T, n)"""
        return np.array(list(self.terms), dtype=float).reshape(len(self.terms), len(self.box))

    @property
    def coefficients(self) -> FloatArray:
        """(T,)"""
        return np.array([float(value) for value in self.terms.values()])

    def parts(self, points: FloatArray) -> FloatArray:
        """The terms at points (N, n), (N, T); inf where a power overflows."""
        powers = np.abs(points)[:, None, :] ** self.exponents
        odd = (self.exponents % 2)[None] * (points < 0)[:, None, :]
        return np.asarray(powers.prod(2) * (1 - 2 * (odd.sum(2) % 2)) * self.coefficients)


def is_infinite(side: Side) -> bool:
    """Whether at least one end is."""
    return side[0] is None or side[1] is None


def is_fixed(side: Side) -> bool:
    """Whether the coordinate has one value."""
    return side[0] is not None and side[0] == side[1]


def clipped(point: Sequence[Fraction], box: Box) -> tuple[Fraction, ...]:
    """The nearest point of the box."""
    return tuple(_clip(x, low, high) for x, (low, high) in zip(point, box, strict=True))


def _clip(x: Fraction, low: Fraction | None, high: Fraction | None) -> Fraction:
    if low is not None and x < low:
        return low
    return high if high is not None and x > high else x


def samples(rng: np.random.Generator, box: Box, count: int, size: tuple[float, float] = (-4.0, 4.0)) -> FloatArray:
    """Points of a box (count, n): ends, zeros, evenly spread ones, and magnitudes spread over the powers of ten."""
    return np.stack([_coordinate(rng, side, count, size) for side in box], 1)


def _coordinate(rng: np.random.Generator, side: Side, count: int, size: tuple[float, float]) -> FloatArray:
    low, high = (-np.inf if side[0] is None else float(side[0])), (np.inf if side[1] is None else float(side[1]))
    if low == high:
        return np.full(count, low)
    largest = min(size[1], np.log10(max(abs(low), abs(high)))) if np.isfinite([low, high]).all() else size[1]
    x = 10 ** rng.uniform(size[0], max(largest, size[0] + 1), count) * rng.choice([-1, 1], count)
    special = [value for value in (0.0, low, high, (low + high) / 2) if np.isfinite(value)]
    kind = rng.random(count)
    x = np.where(kind < 0.2, rng.choice(special, count), x)
    if np.isfinite([low, high]).all():
        x = np.where(kind > 0.7, rng.uniform(low, high, count), x)
    return np.asarray(np.clip(x, low, high))


def short(x: float) -> Fraction:
    """A rational of three digits near a float."""
    return Fraction(f"{x:.2e}")


def spelled(values: Sequence[Fraction]) -> list[str]:
    """For JSON."""
    return [str(value) for value in values]


def pairs(symbol: Symbol) -> Iterator[tuple[Exponents, Fraction]]:
    """Terms in a fixed order."""
    return iter(sorted(symbol.terms.items()))


Witness = dict[str, Any]
