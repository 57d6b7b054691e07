"""What the equations leave of a box: forward through the operations, and backward from g = 0 (HC4).

Forward each operation is enclosed over the box. Backward, from the outputs, which have to be 0 (in discrete time
f has to be x), each operation is solved for its operands. What is cut off holds no zero. A value that has no
bounded enclosure (1/x over a box around 0) is None, and stays so only until the backward pass bounds it: the box is
not lost to a pole. Points outside the domain are no zeros, and are cut off as well.

Source: Benhamou, Goualard, Granvilliers and Puget 1999, Revising hull and box consistency, ICLP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb

from hybrid.expressions.balls import balls
from hybrid.expressions.evaluate import Arithmetic
from hybrid.systems.nonlinear import NonlinearSystem

Side = arb | None
"""An enclosure; None where nothing is known."""

_ZERO, _ONE = arb(0), arb(1)
_MAX_TURNS = 2.0**50
"""Half turns up to which doubles count them; farther out the angle is not contracted."""
_MAX_BRANCHES = 4
"""Periods of a sine that a box may meet; over more of them the equation says next to nothing about the angle."""


class Empty(Exception):  # noqa: N818  an outcome: the box holds no zero
    """No point of the box can be a zero."""


class Contractor:
    """Cuts off what cannot be a zero of f(x, u), or of f(x, u) − x; bound to the precision of flint's context.

    >>> contractor = Contractor(NonlinearSystem.from_text("x' = 1/x - 2; y' = y*x - x"), [])
    >>> [float(side) for side in contractor.contract([arb(0, 8), arb(0, 8)])]
    [0.5, 0.0]
    >>> [float(side) for side in contractor.contract([arb(0.5), arb(0, 8)])]
    [0.5, 1.0]
    """

    def __init__(self, system: NonlinearSystem, inputs: Sequence[Fraction]) -> None:
        arithmetic = balls()
        functions = {**arithmetic.operations, **_PARTIAL}
        tape = system.rhs
        self._inputs = [arithmetic.constant(value) for value in inputs]
        self._constants = [_converted(constant, arithmetic) for constant in tape.constants]
        self._forward = [(functions[op], a, b) for op, a, b in tape.operations]
        last = tape.first + len(tape.operations) - 1
        self._backward = [
            (_INVERSE[op], last - i, a, b) for i, (op, a, b) in enumerate(reversed(tape.operations)) if op in _INVERSE
        ]
        self._outputs, self._discrete = tape.outputs, system.is_discrete

    def contract(self, box: Sequence[arb]) -> list[arb]:
        """The hull of what is left of the box.

        Raises:
            Empty: nothing is left; the box holds no zero.
        """
        values: list[Any] = [*box, *self._inputs, *self._constants]
        self._enclose(values)
        for i, output in enumerate(self._outputs):
            if self._discrete:
                values[output] = values[i] = _meet(values[output], values[i])
            else:
                values[output] = _meet(values[output], _ZERO)
        for inverse, result, a, b in self._backward:
            w = values[result]
            if w is None:
                continue
            left, right = inverse(w, values[a], values[b] if b >= 0 else None)
            values[a] = _meet(values[a], left)
            if right is not None:
                values[b] = _meet(values[b], right)
        return values[: len(box)]

    def _enclose(self, values: list[Any]) -> None:
        """The forward pass."""
        for function, a, b in self._forward:
            u = values[a]
            if u is None or (b >= 0 and values[b] is None):
                values.append(None)
                continue
            try:
                value = function(u) if b < 0 else function(u, values[b])
            except (ArithmeticError, ValueError):
                value = None
            values.append(value if value is not None and value.is_finite() else None)


def _converted(constant: Fraction | int | str, arithmetic: Arithmetic) -> Any:
    if isinstance(constant, int):
        return constant
    return arithmetic.pi() if isinstance(constant, str) else arithmetic.constant(constant)


def _meet(known: Side, more: Side) -> Side:
    """The intersection of two enclosures of the same value."""
    if more is None or not more.is_finite():
        return known
    if known is None or known.contains(more):
        return more
    if more.contains(known):
        return known
    try:
        return known.intersection(more)  # rounded outwards, as what was returned above is not
    except ValueError:
        raise Empty from None


def _from_to(lower: arb, upper: arb) -> arb:
    """The hull of two bounds; Empty where they are in the wrong order."""
    if lower > upper:
        raise Empty
    return lower.union(upper)


def _increasing(function: Callable[[arb], arb], a: arb, least: arb | None = None, most: arb | None = None) -> arb:
    """The values of an increasing function on the part of an enclosure that lies in [least, most].

    Taken at the ends: a ball around [0, u] reaches below 0, where a root has no value.
    """
    lower = a.lower() if least is None else max(least, a.lower())
    upper = a.upper() if most is None else min(most, a.upper())
    if lower > upper:
        raise Empty
    return function(lower).union(function(upper))


def _root(a: arb, k: int) -> arb:
    return _increasing(lambda bound: bound.root(k), a, _ZERO)


# Forward over a part of the domain


def _logarithm(a: arb) -> arb:
    if a <= 0:
        raise Empty
    return a.log()


def _quotient(a: arb, b: arb) -> arb:
    if b.is_zero():
        raise Empty
    return a / b


_PARTIAL: dict[str, Callable[..., arb]] = {
    "sqrt": lambda a: _root(a, 2),
    "root": _root,
    "asin": lambda a: _increasing(arb.asin, a, -_ONE, _ONE),
    "acos": lambda a: -_increasing(lambda bound: -bound.acos(), a, -_ONE, _ONE),
    "log": _logarithm,
    "/": _quotient,
}
"""Operations over what their domain leaves of an enclosure; Empty where that is nothing."""


# Backward: what the result w leaves of the operands


def _divided(w: Side, by: Side) -> Side:
    return None if w is None or by is None or by.contains(_ZERO) else w / by


def _power(w: arb, a: Side, k: int) -> arb | None:
    """The base of a power."""
    if k == 0 or (k < 0 and w.contains(_ZERO)):
        return None
    if k < 0:
        return _power(1 / w, a, -k)
    if k % 2:
        return _increasing(lambda bound: bound.root(k) if bound >= 0 else -((-bound).root(k)), w)
    size = _root(w, k)
    if a is not None and a >= 0:
        return size
    if a is not None and a <= 0:
        return -size
    return _symmetric(size)


def _symmetric(size: arb) -> arb:
    """Everything between −u and u."""
    upper = size.upper()
    return (-upper).union(upper)


def _exponential(w: arb, a: Side) -> Side:
    """The argument of an exponential; where w reaches down to 0, only from above."""
    if w > 0:
        return w.log()
    upper = w.upper()
    if upper <= 0:
        raise Empty
    return None if a is None else _from_to(a.lower(), min(a.upper(), upper.log().upper()))


def _sine(w: arb, a: Side) -> Side:
    """sin is one to one on each [kπ − π/2, kπ + π/2], where it is (−1)^k sin(a − kπ)."""
    return _over_branches(_increasing(arb.asin, w, -_ONE, _ONE), a, alternating=True)


def _cosine(w: arb, a: Side) -> Side:
    """Cos a = sin(a + π/2)."""
    quarter = arb.pi() / 2
    shifted = None if a is None else _sine(w, a + quarter)
    return None if shifted is None else shifted - quarter


def _tangent(w: arb, a: Side) -> Side:
    return _over_branches(w.atan(), a, alternating=False)


def _over_branches(arc: arb, a: Side, alternating: bool) -> Side:
    """The hull of kπ + arc (kπ − arc for odd k if alternating) over the k that the argument allows."""
    if a is None:
        return None
    turns = a / arb.pi()
    lowest, highest = ((turn + 0.5).floor().mid() for turn in (turns.lower(), turns.upper()))
    if not highest - lowest < _MAX_BRANCHES or abs(lowest) > _MAX_TURNS:
        return None
    first, last = int(float(lowest)), int(float(highest))
    hull = None
    for k in range(first - 1, last + 2):  # one more on both sides: floor was rounded
        branch = k * arb.pi() + (-arc if alternating and k % 2 else arc)
        if branch.overlaps(a):
            part = branch.intersection(a)
            hull = part if hull is None else hull.union(part)
    if hull is None:
        raise Empty
    return hull


def _hyperbolic_cosine(w: arb) -> arb:
    return _symmetric(_increasing(arb.acosh, w, _ONE))


def _hyperbolic_tangent(w: arb) -> Side:
    if w >= 1 or w <= -1:
        raise Empty
    return w.atanh() if abs(w) < 1 else None


_INVERSE: dict[str, Callable[..., tuple[Side, Side]]] = {
    "+": lambda w, a, b: (None if b is None else w - b, None if a is None else w - a),
    "-": lambda w, a, b: (None if b is None else w + b, None if a is None else a - w),
    "*": lambda w, a, b: (_divided(w, b), _divided(w, a)),
    "/": lambda w, a, b: (None if b is None else w * b, _divided(a, w)),
    "neg": lambda w, a, _: (-w, None),
    "^": lambda w, a, k: (_power(w, a, k), None),
    "root": lambda w, a, k: (_increasing(lambda bound: bound**k, w, _ZERO), None),
    "sqrt": lambda w, a, _: (_increasing(lambda bound: bound**2, w, _ZERO), None),
    "abs": lambda w, a, _: (_symmetric(_increasing(lambda bound: bound, w, _ZERO)), None),
    "exp": lambda w, a, _: (_exponential(w, a), None),
    "log": lambda w, a, _: (w.exp(), None),
    "sin": lambda w, a, _: (_sine(w, a), None),
    "cos": lambda w, a, _: (_cosine(w, a), None),
    "tan": lambda w, a, _: (_tangent(w, a), None),
    "asin": lambda w, a, _: (w.sin(), None),
    "acos": lambda w, a, _: (w.cos(), None),
    "atan": lambda w, a, _: (w.tan(), None),
    "sinh": lambda w, a, _: (w.asinh(), None),
    "cosh": lambda w, a, _: (_hyperbolic_cosine(w), None),
    "tanh": lambda w, a, _: (_hyperbolic_tangent(w), None),
}
"""w, the operands (None where nothing is known; the integer of a power) → enclosures of the operands."""
