"""Is a polynomial bounded below on a box, nonnegative, bounded away from zero? Every answer comes with a witness.

The polynomial is the real part of a PDE's symbol, the box the support of the initial condition's Fourier transform.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hybrid.exact.symbol_curves import falling_curve
from hybrid.exact.symbol_domination import dominated
from hybrid.exact.symbol_line import LineSymbol
from hybrid.exact.symbol_points import negative_point, vanishing_point
from hybrid.exact.symbol_squares import squares
from hybrid.exact.symbol_terms import Box, Symbol, Witness

OPEN = "neither a witness nor a domination of the negative terms was found; narrow the support, or split it"


@dataclass(frozen=True)
class Finding:
    """One statement about the symbol on the box.

    Attributes:
        holds: True, False, or None where it stays open.
        witness: what proves it, as plain JSON with rationals as text; None where it stays open.
        reason: why it stays open, in a sentence.
    """

    holds: bool | None
    witness: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True)
class SymbolAnswer:
    """bounded: below, on the box. nonnegative: ≥ 0. positive: ≥ c for some c > 0."""

    bounded: Finding
    nonnegative: Finding
    positive: Finding


def decide(
    symbol: Mapping[tuple[int, ...], Fraction], box: Box, *, proposals: Sequence[Sequence[float]] = ()
) -> SymbolAnswer:
    """Decide all three.

    A curve in the box along which the symbol falls to −∞ disproves all; a rational point where it is negative the
    second, one where it vanishes the third. Proofs dominate every term that may be negative by terms that are not,
    with the inequality of weighted arithmetic and geometric means (circuit polynomials: Iliman and de Wolff,
    Research in the Mathematical Sciences 3:9, 2016), on pieces of the box; or write what exceeds the bound as squares.
    In one free coordinate the real roots decide everything.

    Args:
        symbol: exponents → coefficient.
        box: for each coordinate its ends, None for an infinite one.
        proposals: points that are tried first, one number for each coordinate.

    >>> q = {(4,): Fraction(1), (2,): Fraction(-2)}
    >>> decide(q, ((None, None),)).bounded.holds, decide(q, ((None, None),)).nonnegative.holds
    (True, False)
    >>> decide(q, ((Fraction(2), Fraction(5)),)).positive.holds
    True
    """
    q = Symbol.read(symbol, box)
    curve = falling_curve(q)
    point = negative_point(q, proposals) if curve is None else None
    line = LineSymbol.of(q) if curve is None else None
    if line is not None:
        return _on_line(line, point or line.negative_point())
    if curve is None and point is None:
        sums = squares(q)
        proof = sums[1] if sums is not None and sums[0] >= 0 else dominated(q, Fraction(0))
        if proof is not None:
            return SymbolAnswer(Finding(True, proof), Finding(True, proof), _positive(q, proof))
    bound = (dominated(q, None) or (squares(q) or (0, None))[1]) if curve is None else None
    if bound is None and curve is None:
        curve = falling_curve(q, thorough=True)
    if curve is not None:
        fallen = Finding(False, curve)
        return SymbolAnswer(fallen, fallen, fallen)
    bounded = _open() if bound is None else Finding(True, bound)
    negative = _open() if point is None else Finding(False, point)
    return SymbolAnswer(bounded, negative, negative)


def _open() -> Finding:
    return Finding(None, reason=OPEN)


def _on_line(line: LineSymbol, point: Witness | None) -> SymbolAnswer:
    """All three are decided; the checker counts roots itself."""
    bounded = Finding(True, {"kind": "line", "least": None})
    if point is not None:
        return SymbolAnswer(bounded, Finding(False, point), Finding(False, point))
    nonnegative = Finding(True, {"kind": "line", "least": "0"})
    if line.touches_zero():
        zero = vanishing_point(line.q)[0] or {"kind": "line", "least": None}
        return SymbolAnswer(bounded, nonnegative, Finding(False, zero))
    least = line.least()
    positive = _open() if least is None else Finding(True, {"kind": "line", "least": str(least)})
    return SymbolAnswer(bounded, nonnegative, positive)


def _positive(q: Symbol, proof: Witness) -> Finding:
    """Whether a symbol stays away from zero that this proof shows to be nonnegative."""
    zero, least = vanishing_point(q)
    if zero is not None:
        return Finding(False, zero)
    better = dominated(q, least) if least > 0 else None
    if better is not None:
        return Finding(True, better)
    return Finding(True, proof) if Fraction(proof["least"]) > 0 else _open()
