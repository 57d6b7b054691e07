"""For which values of the free parameters equations and their derivatives are defined at a point.

sympy cancels as it computes: k/k is 1, also for k = 0. So what each operation asks of its operands is written down
while a tape is run, before anything can cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sympy import Abs, Dummy, Expr, Ge, Gt, Integer, Ne, S, Symbol, cos, exp
from sympy.logic.boolalg import Boolean

from hybrid.errors import ProblemError
from hybrid.expressions.evaluate import KINK, Arithmetic, symbols

from .conjunctions import simplest


@dataclass
class Domain:
    """The sympy arithmetic, and the relations that the operations run in it have asked for.

    >>> from hybrid.expressions.evaluate import Program
    >>> from hybrid.expressions.parser import parse
    >>> domain, k = Domain(), Symbol("k", real=True)
    >>> Program(parse("k/k + log(k - 1)*0", ["k"]), domain.arithmetic())([k])
    [1]
    >>> domain.relation()
    k > 1
    """

    _asked: list[Boolean] = field(default_factory=list)
    _slopes: dict[Symbol, Expr] = field(default_factory=dict)

    def arithmetic(self) -> Arithmetic:
        """sympy's arithmetic; an operation that has no value whatever the parameters are raises ArithmeticError."""
        plain = symbols()
        f = plain.operations
        operations: dict[str, Callable[..., Any]] = {
            **f,
            "/": lambda u, v: f["/"](u, self._nonzero(v)),
            "^": lambda u, k: f["^"](self._nonzero(u) if k < 0 else u, k),
            "sqrt": lambda u: f["sqrt"](self._nonnegative(u)),
            "root": lambda u, k: f["root"](self._nonnegative(u), k),
            "log": lambda u: f["log"](self._asking(Gt, u, u)),
            "tan": lambda u: f["tan"](self._asking(Ne, cos(u), u)),
            "asin": lambda u: f["asin"](self._asking(Ge, 1 - u**2, u)),
            "acos": lambda u: f["acos"](self._asking(Ge, 1 - u**2, u)),
            "slope": self._slope,
        }
        return replace(plain, operations=operations)

    def relation(self) -> Boolean:
        """All that was asked for, in its simplest form."""
        return simplest(self._asked)

    def settled(self, entries: Sequence[Any]) -> list[Any]:
        """Derivatives with the slope of each abs put in; away from its kink, unless zero times it is all there is.

        Raises:
            ProblemError: a parameter is at once in an abs and in a factor of its slope, and both may be 0.
        """
        for slope, argument in self._slopes.items():
            factors = [entry.diff(slope) for entry in entries if slope in entry.free_symbols]
            if not factors:
                continue
            if not any(factor.is_zero is False for factor in factors):
                got = f"the slope of abs at {argument} times {factors[0]}"
                raise ProblemError("--symbolic", got, "a factor that is not zero, as with k>0 in place of k")
            self._nonzero(argument)
        values = {slope: argument / Abs(argument) for slope, argument in self._slopes.items()}
        return [entry.xreplace(values) for entry in entries]

    def _nonzero(self, u: Expr) -> Expr:
        return self._asking(Ne, u, u)

    def _nonnegative(self, u: Expr) -> Expr:
        return self._asking(Ge, u, u)

    def _asking(self, kind: type, u: Expr, operand: Expr) -> Expr:
        """The operand, after asking for u ≠ 0, u > 0 or u ≥ 0."""
        for part in _factors(u) if kind is Ne else (u,):
            try:
                asked = kind(part, S.Zero)
            except TypeError:  # of numbers that are not real
                asked = S.false
            if asked == False and not u.free_symbols:  # noqa: E712 - sympy's own false
                raise ArithmeticError
            if asked != True:  # noqa: E712
                self._asked.append(asked)
        return operand

    def _slope(self, u: Expr) -> Any:
        """±1; KINK at 0; of what has either sign a symbol, which drops out where it is multiplied by zero."""
        if u.is_zero:
            return KINK
        if u.is_positive or u.is_negative:
            return Integer(1 if u.is_positive else -1)
        slope = Dummy("slope", real=True)
        self._slopes[slope] = u
        return slope


def _factors(u: Expr) -> Iterable[Expr]:
    """Expressions that vanish nowhere exactly if u does not."""
    if u.is_Mul:
        for factor in u.args:
            yield from _factors(factor)
    elif isinstance(u, Abs) or (u.is_Pow and u.exp.is_Rational):
        yield from _factors(u.args[0])
    elif not isinstance(u, exp):
        yield u
