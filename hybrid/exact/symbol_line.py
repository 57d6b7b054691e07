"""Symbols in one free coordinate: every question is decided by the real roots of a polynomial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import fmpq, fmpq_poly, fmpz_poly

from hybrid.exact.real_roots import real_roots, refine
from hybrid.exact.symbol_terms import Side, Symbol, Witness, clipped

HALVINGS = 60
"""Of the enclosures of roots."""
CLOSENESS = Fraction(1, 10**6)
"""Of a lower bound to the least value, relative; where that is too close, half of it and so on."""


@dataclass(frozen=True)
class LineSymbol:
    """A polynomial of one coordinate, on a side that is bounded or where it rises to +∞."""

    q: Symbol
    coordinate: int
    p: fmpq_poly

    @classmethod
    def of(cls, q: Symbol) -> LineSymbol | None:
        """The symbol, where one coordinate occurs; None for others, and where it falls to −∞ or is too hard.

        >>> q = Symbol({(0, 2): Fraction(1), (0, 0): Fraction(-2)}, ((Fraction(1), Fraction(1)), (None, None)))
        >>> LineSymbol.of(q).negative_point()["point"]
        ['1', '0']
        """
        used = {i for e in q.terms for i, k in enumerate(e) if k}
        if len(used) != 1:
            return None
        i = used.pop()
        coefficients = [fmpq(0)] * (1 + max(e[i] for e in q.terms))
        for e, value in q.terms.items():
            coefficients[e[i]] = fmpq(value.numerator, value.denominator)
        line = cls(q, i, fmpq_poly(coefficients))
        low, high = line.side
        leading, even = coefficients[-1], len(coefficients) % 2 == 1
        rises = (high is not None or leading > 0) and (low is not None or (leading > 0) == even)
        return line if rises and line._roots(line.p) is not None else None

    @property
    def side(self) -> Side:
        """Of the box."""
        return self.q.box[self.coordinate]

    def negative_point(self) -> Witness | None:
        """A point with q < 0; None proves that there is none, as q keeps its sign between its roots."""
        for x in self._between(self._roots(self.p) or []):
            point = self._point(x)
            if self.q.at(point) < 0:
                return {"kind": "point", "point": [str(each) for each in point]}
        return None

    def touches_zero(self) -> bool:
        """Whether q has a root on the side."""
        return bool(self._inside(self._roots(self.p) or []))

    def least(self) -> Fraction | None:
        """A positive lower bound: the least value where it is rational, or close to it. None beyond doubles.

        q has to be positive on the side.
        """
        critical = [(lo + hi) / 2 for lo, hi in self._inside(self._roots(self.p.derivative()) or [])]
        places = [*critical, *(end for end in self.side if end is not None)]
        value = min(self.q.at(self._point(x)) for x in places)
        if self._minus(value).negative_point() is None:
            return value
        for below in (CLOSENESS, *(1 - Fraction(1, 2**k) for k in range(1, 8))):
            least = Fraction(f"{float(value * (1 - below)):.6e}")
            if 0 < least <= value and not self._minus(least).touches_zero():
                return least
        return None

    def _minus(self, value: Fraction) -> LineSymbol:
        origin = (0,) * len(self.q.box)
        terms = {**self.q.terms, origin: self.q.terms.get(origin, Fraction(0)) - value}
        shifted = self.p - fmpq(value.numerator, value.denominator)
        return LineSymbol(Symbol(terms, self.q.box), self.coordinate, shifted)

    def _point(self, x: Fraction) -> tuple[Fraction, ...]:
        origin = clipped([Fraction(0)] * len(self.q.box), self.q.box)
        return (*origin[: self.coordinate], x, *origin[self.coordinate + 1 :])

    def _roots(self, p: fmpq_poly) -> list[tuple[Fraction, Fraction]] | None:
        """Enclosures of the real roots, each once."""
        squarefree = p.numer() // p.numer().gcd(p.numer().derivative()) if p.degree() > 0 else p.numer()
        found = real_roots(squarefree)
        return None if found is None else [self._parted(squarefree, each) for each in found]

    def _parted(self, p: fmpz_poly, root: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction]:
        """An enclosure that is one end of the side, or holds none."""
        root = refine(p, root, HALVINGS)
        for end in self.side:
            while end is not None and root[0] < root[1] and root[0] <= end <= root[1]:
                is_root = not p(fmpq(end.numerator, end.denominator))
                root = (end, end) if is_root else refine(p, root, HALVINGS)
        return root

    def _inside(self, roots: list[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
        """Those whose enclosure meets the side."""
        low, high = self.side
        return [(a, b) for a, b in roots if (low is None or b >= low) and (high is None or a <= high)]

    def _between(self, roots: list[tuple[Fraction, Fraction]]) -> Iterator[Fraction]:
        """Places on the side: one in each part that roots divide it into."""
        low, high = self.side
        inside = self._inside(roots)
        yield from (end for end in self.side if end is not None)
        outermost = [end for pair in inside for end in pair] or [low if low is not None else high or Fraction(0)]
        inner = [(b + c) / 2 for (_, b), (c, _) in pairwise(inside)]
        edges = [] if low is None else [(low + outermost[0]) / 2]
        edges += [] if high is None else [(high + outermost[-1]) / 2]
        edges += [outermost[0] - 1] if low is None else []
        edges += [outermost[-1] + 1] if high is None else []
        for x in [*inner, *edges, *outermost]:
            if (low is None or x >= low) and (high is None or x <= high):
                yield x
