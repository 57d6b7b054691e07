"""Values at a point: rational as long as they are, and balls from there on, real or complex.

What is rational stays exact, so that zeros and equal numbers are known to be so: x − y at a point with x = y is 0, and
not a ball around it. `real` has no value where an operation leaves the real numbers; `complex_` continues it there, on
principal branches, a branch cut belonging to its side as in sympy, mpmath and Arb: √−1 = j, log −1 = πj.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flint import acb, arb, fmpq

from hybrid.expressions.balls import balls
from hybrid.expressions.evaluate import Arithmetic
from hybrid.expressions.exact import rational
from hybrid.expressions.graph import UNARY
from hybrid.expressions.special import special_value

MAX_BITS = 4096
"""Bits of an exact number beyond which it becomes a ball."""

_ZERO = fmpq(0)


@cache
def real() -> Arithmetic:
    """Rationals and arb, at the precision of flint's context; no derivative at a kink."""
    table = dict(balls().operations) | {"slope": _slope_of_ball}
    return _mixed("real at a point", arb, table)


@cache
def complex_() -> Arithmetic:
    """Rationals and acb, at the precision of flint's context."""
    names = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
    table: dict[str, Callable[..., Any]] = {name: _finite(getattr(acb, name)) for name in names}
    table |= {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _finite(operator.truediv),
        "neg": operator.neg, "^": _finite(_power), "root": _finite(lambda a, k: (a.log() / k).exp()),
        "abs": _on_the_real_axis(abs), "sign": _on_the_real_axis(_sign_of_ball),
        "slope": _on_the_real_axis(_slope_of_ball),
    }  # fmt: skip
    return _mixed("complex at a point", acb, table)


def _mixed(name: str, ball: Callable[[fmpq], Any], table: Mapping[str, Callable[..., Any]]) -> Arithmetic:
    """Exact where both operands are, in balls otherwise; zero times anything that has a value is zero."""

    def entered(a: Any) -> Any:
        return ball(a) if isinstance(a, fmpq) else a

    def shortened(a: fmpq) -> Any:
        return ball(a) if a.height_bits() > MAX_BITS else a

    def binary(op: str, exactly: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        in_balls = table[op]

        def value(a: Any, b: Any) -> Any:
            left, right = isinstance(a, fmpq), isinstance(b, fmpq)
            if left and right:
                return shortened(exactly(a, b))
            if op == "*" and ((left and a == 0) or (right and b == 0)):
                return _ZERO
            if op == "/" and left and a == 0 and not _may_vanish(b):
                return _ZERO
            return in_balls(entered(a), entered(b))

        return value

    def power(a: Any, k: int) -> Any:
        if isinstance(a, fmpq) and a.height_bits() * abs(k) <= MAX_BITS:
            return a**k
        return table["^"](entered(a), k) if k else fmpq(1)

    def unary(op: str) -> Callable[..., Any]:
        in_balls = table[op]

        def value(a: Any, k: int = 2) -> Any:
            if isinstance(a, fmpq):
                exact = _special(op, a, k, is_complex=ball is acb)
                if exact is not None:
                    return exact
                a = ball(a)
            return in_balls(a, k) if op == "root" else in_balls(a)

        return value

    operations = {
        "+": binary("+", operator.add), "-": binary("-", operator.sub), "*": binary("*", operator.mul),
        "/": binary("/", operator.truediv), "^": power, "root": unary("root"), "slope": unary("slope"),
        **{op: unary(op) for op in UNARY},
    }  # fmt: skip
    return Arithmetic(name, operations, rational, lambda: entered_pi(ball), fmpq)


def entered_pi(ball: Callable[[Any], Any]) -> Any:
    """π as a ball."""
    return ball(arb.pi())


def _special(op: str, a: fmpq, k: int, *, is_complex: bool) -> fmpq | None:
    """An exact value; None where there is none, and where only a complex one is left."""
    if is_complex and ((op in ("sqrt", "root", "log") and a < 0) or (op in ("asin", "acos") and abs(a) > 1)):
        return None
    return special_value(op, a, k)


def _may_vanish(b: Any) -> bool:
    return bool(b == 0) if isinstance(b, fmpq) else bool(b.contains(0))


def _finite(operation: Callable[..., acb]) -> Callable[..., acb]:
    def value(*arguments: Any) -> acb:
        result = operation(*arguments)
        if not result.is_finite():
            raise ValueError
        return result

    return value


def _power(a: acb, k: int) -> acb:
    return a**k if k >= 0 else 1 / a**-k


def _sign_of_ball(a: arb) -> arb:
    if a.contains(0):
        raise ValueError
    return a.sgn()


_slope_of_ball = _sign_of_ball


def _on_the_real_axis(operation: Callable[[arb], arb]) -> Callable[[acb], acb]:
    """abs and its kin, which are functions of real numbers."""

    def value(a: acb) -> acb:
        if not a.imag == 0:  # a ball may be neither equal to 0 nor unequal
            raise ValueError
        return acb(operation(a.real))

    return value
