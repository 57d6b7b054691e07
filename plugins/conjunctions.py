"""Conjunctions of relations in their simplest form, with even roots and absolute values in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sympy import Abs, Dummy, Expr, Ge, Gt, Le, Lt, Ne, Rational, S, Symbol, solve_linear
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean

from .polynomials import Ring
from .requirements import Requirements

_LONG = 50  # operations or terms; a longer condition is left as it was written
_SPELLED: Mapping[Any, Callable[[Expr], Boolean]] = {
    Gt: lambda e: Gt(e, 0),
    Lt: lambda e: Gt(-e, 0),
    Ge: lambda e: Ge(e, 0),
    Le: lambda e: Ge(-e, 0),
    Ne: lambda e: Ne(e, 0),
}
"""Relations with their difference of both sides, compared with 0."""


def simplest(relations: Iterable[Boolean]) -> Boolean:
    """The same conjunction, simplified: even roots and absolute values are not negative, what follows goes.

    It is fulfilled by the same points, of those at which every function in it is real. Long relations, and those
    that are not of <, ≤, >, ≥, ≠ alone, stay as they are.

    >>> k = Symbol("k", real=True)
    >>> simplest([k >= 0, k ** Rational(1, 2) > 0]), simplest([Abs(k) > 0]), simplest([k >= 0, k ** Rational(1, 2) < 0])
    (k > 0, Ne(k, 0), False)
    """
    parts = [_against_zero(part) for relation in relations for part in And.make_args(relation)]
    weak = [part for part in parts if isinstance(part, Ge)]
    short = [part for part in parts if isinstance(part, Gt | Ne) and part.lhs.count_ops() <= _LONG]
    rest = [part for part in parts if part not in weak and part not in short]
    strict = _strict(short)
    for part in dict.fromkeys(weak):
        strict, left = _with_weak(strict, part)
        rest += left
    return And(strict, *rest)


def _against_zero(part: Boolean) -> Boolean:
    spelled = _SPELLED.get(type(part))
    return part if spelled is None or not isinstance(part, Relational) else spelled(part.lhs - part.rhs)


def _strict(parts: Sequence[Boolean]) -> Boolean:
    """A conjunction of > 0 and ≠ 0, simplified."""
    if any(not isinstance(part, Gt | Ne) for part in parts):
        return And(*parts)
    plain = _Unsigned()
    requirements, long = _required(parts, plain)
    found = requirements.relation()
    if found == False:  # noqa: E712 - sympy's own false
        return S.false
    stated = [plain.stated(part) for part in And.make_args(found)]
    if any(is_new for _, is_new in stated):
        again = [_against_zero(part) for whole, _ in stated for part in And.make_args(whole)]
        return And(_strict([part for part in again if part != True]), *long)  # noqa: E712
    return And(*(part for part, _ in stated), *long)


def _with_weak(strict: Boolean, weak: Relational) -> tuple[Boolean, list[Boolean]]:
    """The conjunction with u ≥ 0: alone where that follows, with u > 0 where u ≠ 0 follows, else beside it."""
    if strict == False:  # noqa: E712 - sympy's own false
        return S.false, []
    parts = [_against_zero(part) for part in And.make_args(strict) if part != True]  # noqa: E712
    u = weak.lhs
    if _strict([*parts, Gt(-u, 0)]) == False:  # noqa: E712
        return strict, []
    positive = _strict([*parts, Gt(u, 0)])
    if _strict([*parts, Ne(u, 0)]) == strict or _at_zero(strict, u) == False:  # noqa: E712
        return positive, []
    return strict, [weak]


def _at_zero(relation: Boolean, u: Expr) -> Boolean:
    """What is left of a relation where u = 0, if that can be solved for a symbol."""
    symbol, value = solve_linear(u)
    if not isinstance(symbol, Symbol):
        return relation
    parts = [part.subs(symbol, value) for part in And.make_args(relation)]
    return S.false if any(part == False for part in parts) else relation  # noqa: E712


class _Unsigned:
    """Symbols in place of even roots and absolute values: the requirements then know that these are not negative."""

    def __init__(self) -> None:
        self._known: dict[Expr, Dummy] = {}

    def of(self, expression: Expr) -> Expr:
        """The expression with the symbols; of nested roots the inner ones first."""
        return expression.replace(_is_unsigned, self._symbol)

    def stated(self, part: Boolean) -> tuple[Boolean, bool]:
        """A relation in the functions again, and whether it says more of their arguments: √u > 0 is u > 0."""
        for function, symbol in reversed(self._known.items()):
            if isinstance(part, Relational) and part.lhs == symbol and part.rhs == 0:
                inner = function.args[0]
                return self._plain(Ne(inner, 0) if isinstance(function, Abs) else Gt(inner, 0)), True
        return self._plain(part), False

    def _plain(self, part: Boolean) -> Boolean:
        for function, symbol in reversed(self._known.items()):
            part = part.xreplace({symbol: function})
        return part

    def _symbol(self, expression: Expr) -> Expr:
        if isinstance(expression, Abs):
            root, power = expression, 1
        else:
            root, power = expression.base ** Rational(1, expression.exp.q), expression.exp.p
        sign = {"positive": True} if root.is_positive else {"nonnegative": True}
        return self._known.setdefault(root, Dummy(f"r{len(self._known)}", **sign)) ** power


def _is_unsigned(expression: Expr) -> bool:
    if not expression.free_symbols:
        return False
    return isinstance(expression, Abs) or (
        expression.is_Pow and expression.exp.is_Rational and not expression.exp.q % 2
    )


def _required(parts: Sequence[Boolean], plain: _Unsigned) -> tuple[Requirements, list[Boolean]]:
    """The requirements that the relations make, and the relations too long to be multiplied out."""
    expressions = [plain.of(part.args[0]) for part in parts]
    ring = Ring.of(expressions)
    requirements, long = Requirements(ring), []
    for part, expression in zip(parts, expressions, strict=True):
        ratio = ring.ratio(expression)
        if max(map(len, ratio)) > _LONG:
            long.append(part)
        elif isinstance(part, Ne):
            requirements.nonzero(ratio.numerator)
        else:
            requirements.positive(*ratio)
    return requirements, long
