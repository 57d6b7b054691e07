"""One free entry of the gain, or what amounts to one: a stabilising value, or a proof that there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_poly, fmpz, fmpz_mat, fmpz_poly

from hybrid.exact import polynomial
from hybrid.exact.real_roots import real_roots
from hybrid.exact.static_loop import CHECKED_WORK, Entry, StaticLoop, matchings

MOST_STATES = 30  # five seconds, and twenty for the checker; more states take minutes
_MOST_GAINS = 40  # tried, where several free entries may amount to one
_TRIED_IN_AN_INTERVAL = 41
_DIGITS = 17  # at most, of a gain
_MARGIN_KEPT = 0.9  # of the best one seen, for a gain of fewer digits

Interval = tuple[Fraction | None, Fraction | None]


@dataclass(frozen=True)
class ScalarGain:
    """The decision.

    Attributes:
        entry: the free entry of K; where there are more, one that can take the part of them all.
        gain: a value for it with every eigenvalue of every loop in the region; None if there is no such value.
        samples: one value in each interval between neighbouring values where an eigenvalue may cross the boundary of
            the region; empty if one lies there, or has a mirror image, for every value.
    """

    entry: Entry
    gain: Fraction | None
    samples: tuple[Fraction, ...]


def decide(
    loops: Sequence[StaticLoop], most_work: int = CHECKED_WORK, most_gains: int = _MOST_GAINS
) -> ScalarGain | None:
    """Decide whether a value of the single free entry k of K brings every loop into the region; None: too large.

    Several free entries are as good as one if all of `matchings` move the polynomials along one line, as with parallel
    columns of B; otherwise None.

    With the region moved to the left half plane the characteristic polynomial is p(s, k) = a(s) + k b(s), of degree n.
    An eigenvalue crosses the boundary only at a k with p_0(k) = 0 (s = 0), p_n(k) = 0 (s = ∞, in discrete time) or
    where the even and odd parts of p have a common root, so at a real root of R = p_0 · p_n · det Bez(even, odd).
    Between neighbouring roots the number of eigenvalues in the region is constant, and at a root all of them are in it
    only if they are on both sides: one sample in each interval decides. R = 0 for all k means that the loop is never in
    the region, as a Hurwitz polynomial has coprime even and odd parts (Hermite–Biehler).

    >>> import numpy as np
    >>> from hybrid.pole_region import Region
    >>> from hybrid.systems.linear import LinearSystem
    >>> one = np.ones((1, 1), dtype=bool)
    >>> plant = LinearSystem([[1, 1], [0, -3]], [[0], [1]], [[1, 0]])
    >>> decide([StaticLoop.of(plant, one, Region(), output=True)]).gain
    Fraction(4, 1)
    >>> undamped = LinearSystem([[0, 1], [-1, 0]], [[0], [1]], [[1, 0]])
    >>> decide([StaticLoop.of(undamped, one, Region(), output=True)])
    ScalarGain(entry=(0, 0), gain=None, samples=())

    Source: Neimark's D-decomposition (1949) on one parameter; Gantmacher 1959, vol. 2, ch. XV, §14; Barnett 1983.
    """
    if max(loop.n for loop in loops) > MOST_STATES:
        return None
    entry = _only_entry(loops, most_gains)
    if entry is None:
        return None
    crossings = fmpz_poly([1])
    for loop in loops:
        possible = _crossings(loop, entry, most_work)
        if possible is None:
            return None
        if possible.degree() < 0:
            return ScalarGain(entry, None, ())
        crossings = polynomial.squarefree(crossings * possible)
    intervals = _intervals(crossings)
    if intervals is None:
        return None
    samples = [_shortest_in(interval) for interval in intervals]
    inside = [interval for interval, k in zip(intervals, samples, strict=True) if _is_inside(loops, entry, k)]
    gain = _best(loops, entry, inside) if inside else None
    return ScalarGain(entry, gain, tuple(samples))


def _only_entry(loops: Sequence[StaticLoop], most_gains: int) -> Entry | None:
    """An entry along whose line every gain moves the polynomials of all loops together; None if there is none."""
    free = loops[0].free
    if len(free) == 1:
        return free[0]
    sets = matchings(free, most_gains)
    if sets is None:
        return None
    start = [c for loop in loops for c in loop.coefficients({})]
    along: list[fmpq] | None = None
    entry = free[0]
    for T in sets[1:]:
        moved = (c for loop in loops for c in loop.coefficients(dict.fromkeys(T, 1)))
        change = [c - c0 for c, c0 in zip(moved, start, strict=True)]
        if along is None and any(change):
            if len(T) > 1:
                return None
            along, entry = change, T[0]
        elif along is not None and not _is_multiple(change, along):
            return None
    return entry


def _is_multiple(x: list[fmpq], y: list[fmpq]) -> bool:
    """Whether x = c y, for a y that is not 0."""
    place = next(i for i, c in enumerate(y) if c)
    factor = x[place] / y[place]
    return all(a == factor * b for a, b in zip(x, y, strict=True))


def _is_inside(loops: Sequence[StaticLoop], entry: Entry, k: Fraction) -> bool:
    return all(loop.contains({entry: fmpq(k.numerator, k.denominator)}) for loop in loops)


# ------------------------------------------------------------------------------------------- where it may cross


def _crossings(loop: StaticLoop, entry: Entry, most_work: int) -> fmpz_poly | None:
    """R(k), squarefree, from its values at n + 3 integers, as its degree is at most n + 2; None if that is too long."""
    start, moved = loop.coefficients({}), loop.coefficients({entry: 1})
    slope = [c - c0 for c, c0 in zip(moved, start, strict=True)]
    scale = math.lcm(*(int(c.q) for c in start + slope))
    a, b = ([(c * scale).p for c in row] for row in (start, slope))
    digits = max(int(c).bit_length() for c in a + b) // 30 + 2
    if (loop.n + 3) * (loop.n + 1) ** 2 // 2 * (20 + ((loop.n + 1) * digits) ** 1.6) > most_work:
        return None
    nodes = range(-(loop.n // 2) - 1, loop.n - loop.n // 2 + 2)
    R = _through(list(nodes), [_may_cross([x + k * y for x, y in zip(a, b, strict=True)]) for k in nodes])
    return polynomial.squarefree(R) if R.degree() > 0 else R


def _may_cross(p: list[fmpz]) -> fmpz:
    """p_0 · p_n · det Bez(even, odd): zero if a root of p is imaginary or infinite."""
    size = (len(p) - 1) // 2
    even, odd = ([*part, fmpz(0)][: size + 1] for part in (p[0::2], p[1::2]))

    def entry(i: int, j: int) -> fmpz:
        total = i + j + 1
        terms = range(max(0, total - size), min(i, j) + 1)
        return sum((even[total - c] * odd[c] - even[c] * odd[total - c] for c in terms), fmpz(0))

    bezout = [entry(i, j) for i in range(size) for j in range(size)]
    return p[0] * p[-1] * (fmpz_mat(size, size, bezout).det() if size else 1)


def _through(nodes: list[int], values: list[fmpz]) -> fmpz_poly:
    """The polynomial with these values at these nodes, up to a positive factor (Newton)."""
    differences = [fmpq(v) for v in values]
    for order in range(1, len(nodes)):
        for i in range(len(nodes) - 1, order - 1, -1):
            differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order])
    p = fmpq_poly([0])
    for node, difference in zip(reversed(nodes), reversed(differences), strict=True):
        p = p * fmpq_poly([-node, 1]) + difference
    return p.numer()


def _intervals(crossings: fmpz_poly) -> list[Interval] | None:
    """The open intervals between real roots, each shortened to rational ends; None if the roots were not separated."""
    enclosures = real_roots(crossings)
    if enclosures is None:
        return None
    lows = [None, *(high for _, high in enclosures)]
    highs = [*(low for low, _ in enclosures), None]
    return list(zip(lows, highs, strict=True))


# --------------------------------------------------------------------------------------- a value of few digits


def _shortest_in(interval: Interval) -> Fraction:
    """A number of few digits, strictly inside."""
    low, high = interval
    if low is None and high is None:
        return Fraction(0)
    if low is None or high is None:
        end, towards = (high, -1) if high is not None else (low, 1)
        assert end is not None
        return Fraction(0) if end * towards < 0 else towards * Fraction(10) ** _power_above(abs(end))
    middle, step = (low + high) / 2, Fraction(10) ** _power_above(high - low)
    while True:
        step /= 10
        nearest = round(middle / step) * step
        if low < nearest < high:
            return nearest


def _power_above(x: Fraction) -> int:
    """The least e ≥ 0 … of a power of ten above x > 0; 0 for x = 0."""
    if not x:
        return 0
    e = math.floor((x.numerator.bit_length() - x.denominator.bit_length()) * math.log10(2)) - 1
    while Fraction(10) ** e <= x:
        e += 1
    return e


def _best(loops: Sequence[StaticLoop], entry: Entry, intervals: list[Interval]) -> Fraction:
    """A value of few digits strictly inside an interval: the smallest with nearly the most margin, as floats see it."""
    measure = _margin(loops, entry)
    found = [(measure(k), k, interval) for interval in intervals for k in _spread(interval)]
    enough = max(margin for margin, _, _ in found) * _MARGIN_KEPT
    if not enough > 0:  # floats cannot tell
        return _shortest_in(intervals[0])
    _, k, (low, high) = min((each for each in found if each[0] >= enough), key=lambda each: abs(each[1]))
    for digits in range(1, _DIGITS + 1):
        rounded = Fraction(f"{float(k):.{digits - 1}e}") if _is_double(k) else k
        within = (low is None or low < rounded) and (high is None or rounded < high)
        if within and measure(rounded) >= enough * _MARGIN_KEPT:
            return rounded
    return k


def _is_double(k: Fraction) -> bool:
    return abs(k) < 2**1000 and (not k or abs(k) > Fraction(1, 2**1000))


def _margin(loops: Sequence[StaticLoop], entry: Entry) -> Any:
    """How far the eigenvalues are inside the region, in floats, as a function of k."""
    i, j = entry
    parts = []
    for loop in loops:
        A, B, C = (np.array([[_float(x) for x in row] for row in part.tolist()]) for part in (loop.A, loop.B, loop.C))
        parts.append((A, np.outer(B[:, i], C[j]), float(loop.edge), loop.discrete))

    def measure(k: Fraction) -> float:
        worst = math.inf
        for A, change, edge, discrete in parts:
            closed = A - _float(fmpq(k.numerator, k.denominator)) * change
            if not np.isfinite(closed).all():
                return -math.inf
            values = np.linalg.eigvals(closed)
            worst = min(worst, edge - float((np.abs(values) if discrete else values.real).max()))
        return worst

    return measure


def _float(x: fmpq) -> float:
    try:
        return int(x.p) / int(x.q)
    except OverflowError:
        return math.inf


def _spread(interval: Interval) -> Iterator[Fraction]:
    """Values all over an interval: near its ends and far from them, as its size says."""
    low, high = interval
    if low is not None and high is not None:
        for c in range(1, _TRIED_IN_AN_INTERVAL + 1):
            share = Fraction(c, _TRIED_IN_AN_INTERVAL + 1)
            yield low + (high - low) * share
            if c <= _TRIED_IN_AN_INTERVAL // 2:  # the same towards both ends, in powers of two
                yield low + (high - low) / 2**c
                yield high - (high - low) / 2**c
        return
    yield _shortest_in(interval)
    end, towards = (high, -1) if high is not None else (low, 1)
    scale = abs(end) if end else Fraction(1)
    for e in range(-_TRIED_IN_AN_INTERVAL // 2, _TRIED_IN_AN_INTERVAL):
        step = scale * Fraction(2) ** e
        yield (end or 0) + towards * step
        if end is None:
            yield -step
