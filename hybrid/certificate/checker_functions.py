"""Exact algebra with numbers that are not rational, and with functions: rational functions of symbols.

The other checkers call this file. A value is a Fraction or a pair of polynomials in symbols, each of which stands for
π, for a root, or for a function of another value. Each symbol has one value, and the identities that are used between
them, sin² = 1 − cos² and (a^(1/k))^k = a, hold for real numbers, for complex ones and for functions. So what is 0 here
is 0, provided that no divisor is, which those who call have seen in numbers. What is not 0 here may be 0 all the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any

MAX_TERMS = 3000  # of one polynomial
MAX_WORK = 10**6  # products of terms
MAX_BITS = 20_000  # of a coefficient
MAX_EXPONENT = 64
_RIGHT_ANGLE = Fraction(3, 2)  # and a little more
_ONE, _ZERO = Fraction(1), Fraction(0)

Monomial = tuple[tuple[int, int], ...]
"""Pairs (number of a symbol, its exponent), in ascending order."""
Poly = dict[Monomial, Fraction]
Ratio = tuple[Poly, Poly]


class Algebra:
    """The arithmetic in which programs of checker_equations.py are run; `on_new` is told of each new symbol.

    It gets the symbol's number and value, the name of the function, its argument, and the order of a root.
    """

    def __init__(self, equations: Any, on_new: Callable[[int, Any, str, Any, int], None] | None = None) -> None:
        self._equations, self._left, self._on_new = equations, MAX_WORK, on_new
        self._numbers: dict[Any, int] = {}
        self._powers: dict[int, tuple[int, Poly]] = {}  # symbol → k and what its k-th power is
        self._positive: set[int] = set()

    def symbol(self, name: str, argument: Any = None, order: int = 0) -> Any:
        """What stands for a function of an argument, or for a number that has a name."""
        key = name, order, None if argument is None else self._key(argument)
        is_new = key not in self._numbers
        number = self._numbers.setdefault(key, len(self._numbers))
        value = {((number, 1),): _ONE}, {(): _ONE}
        if is_new and name == "sin":
            cosine = _number(self.symbol("cos", argument))
            self._powers[number] = 2, {(): _ONE, ((cosine, 2),): -_ONE}
        if is_new and name == "root":
            numerator, denominator = self._ratio(argument)
            if denominator.keys() == {()}:
                self._powers[number] = order, {m: c / denominator[()] for m, c in numerator.items()}
        if isinstance(argument, Fraction) and (name == "exp" or (name == "cos" and abs(argument) < _RIGHT_ANGLE)):
            self._positive.add(number)
        if is_new and argument is not None and self._on_new is not None:
            self._on_new(number, value, name, argument, order)
        return value

    def is_zero(self, a: Any) -> bool:
        """Whether a value is certainly 0."""
        if isinstance(a, self._equations._Angle):
            return False
        return bool(a == 0) if isinstance(a, Fraction) else not a[0]

    def _ratio(self, a: Any) -> Ratio:
        if isinstance(a, Fraction):
            return ({(): a} if a else {}), {(): _ONE}
        if isinstance(a, self._equations._Angle):
            pi = self.symbol("pi")
            found: Ratio = self.add(a.offset, self._multiplied(self._ratio(a.multiple), pi))
            return found
        return a  # type: ignore[no-any-return]

    def _reduced(self, numerator: Poly, denominator: Poly) -> Any:
        """The same value, as a number where it is seen to be one; common factors of all terms are cancelled."""
        if not numerator:
            return _ZERO
        lead = next(iter(denominator))
        ratio = numerator.get(lead, _ZERO) / denominator[lead]
        if numerator.keys() == denominator.keys() and all(numerator[m] == ratio * c for m, c in denominator.items()):
            return ratio
        common = _common([*numerator, *denominator])
        scale = denominator[lead]
        return tuple({_without(m, common): c / scale for m, c in part.items()} for part in (numerator, denominator))

    def times(self, a: Poly, b: Poly) -> Poly:
        """The product of polynomials."""
        self._spend(len(a) * len(b))
        product: Poly = {}
        for m, c in a.items():
            for k, d in b.items():
                _put(product, _joined(m, k), c * d)
        return self._in_low_powers(product)

    def _in_low_powers(self, p: Poly) -> Poly:
        """With what the powers of sines and roots are in their place."""
        while True:
            powers = self._powers
            found = next(((m, i) for m in p for i, (s, e) in enumerate(m) if s in powers and e >= powers[s][0]), None)
            if found is None:
                self._expect_short(p)
                return p
            m, i = found
            c, (symbol, exponent) = p.pop(m), m[i]
            k, power = powers[symbol]
            self._spend(len(p) + len(power))
            rest = (*m[:i], *([(symbol, exponent - k)] if exponent > k else []), *m[i + 1 :])
            for factor, d in power.items():
                _put(p, _joined(rest, factor), c * d)

    def _expect_short(self, p: Poly) -> None:
        if len(p) > MAX_TERMS:
            raise self._equations._TooMuchWork("The functions grow too long for this checker.")
        for c in p.values():
            self._short(c)

    def _short(self, c: Fraction) -> Fraction:
        if max(c.numerator.bit_length(), c.denominator.bit_length()) > MAX_BITS:
            raise self._equations._TooMuchWork("The functions have coefficients that are too long for this checker.")
        return c

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise self._equations._TooMuchWork("Its proof needs more algebra than this checker undertakes.")

    def _multiplied(self, a: Ratio, b: Ratio) -> Any:
        return self._reduced(self.times(a[0], b[0]), self.times(a[1], b[1]))

    def add(self, a: Any, b: Any) -> Any:
        """The sum."""
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self._short(a + b)
        (p, q), (r, s) = self._ratio(a), self._ratio(b)
        if q == s:
            return self._reduced(_plus(p, r), q)
        return self._reduced(_plus(self.times(p, s), self.times(r, q)), self.times(q, s))

    def negate(self, a: Any) -> Any:
        """−a."""
        return self.multiply(Fraction(-1), a)

    def multiply(self, a: Any, b: Any) -> Any:
        """The product."""
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self._short(a * b)
        return self._multiplied(self._ratio(a), self._ratio(b))

    def divide(self, a: Any, b: Any) -> Any:
        """The quotient."""
        if self.is_zero(b):
            raise self._equations._Undefined("A division by zero.")
        p, q = self._ratio(b)
        return self._multiplied(self._ratio(a), (q, p))

    def power(self, a: Any, k: int) -> Any:
        """a^k for an integer."""
        if abs(k) > MAX_EXPONENT:
            raise self._equations._TooMuchWork("An exponent is too large for this checker.")
        return reduce(self.multiply, [a] * k, _ONE) if k >= 0 else self.divide(_ONE, self.power(a, -k))

    def root(self, a: Any, k: int) -> Any:
        """The k-th root; a symbol where it is neither rational nor that of a power of positive numbers."""
        p, q = self._ratio(a)
        above, below = self._root_of_power(p, k), self._root_of_power(q, k)
        return self.symbol("root", a, k) if above is None or below is None else self._reduced(above, below)

    def _root_of_power(self, p: Poly, k: int) -> Poly | None:
        if len(p) > 1:
            return None
        for m, c in p.items():
            root = self._equations._rational_root(c, k)
            if root is None or any(e % k or s not in self._positive for s, e in m):
                return None
            return {tuple((s, e // k) for s, e in m): root}
        return p

    def _key(self, a: Any) -> Any:
        p, q = self._ratio(a)
        return frozenset(p.items()), frozenset(q.items())

    def call(self, name: str, a: Any) -> Any:
        """A function by its name."""
        if name == "sqrt":
            return self.root(a, 2)
        special = self._equations._special(name, a)
        if special is not None:
            return special
        if name == "tan":
            return self.divide(self.call("sin", a), self.call("cos", a))
        if name == "abs":
            return self.multiply(self.call("sign", a), a)
        return self._hyperbolic(name, a) if name in ("sinh", "cosh", "tanh") else self.symbol(name, a)

    def _hyperbolic(self, name: str, a: Any) -> Any:
        up = self.call("exp", a)
        down = self.divide(_ONE, up)
        sine, cosine = self.add(up, self.negate(down)), self.add(up, down)
        if name == "tanh":
            return self.divide(sine, cosine)
        return self.divide(sine if name == "sinh" else cosine, Fraction(2))

    def derivative(self, name: str, a: Any, value: Any) -> Any:
        """The derivative of a function at a, where it has the given value."""
        return self._equations._Arithmetic.derivative(self, name, a, value)

    def _slope_of_abs(self, a: Any) -> Any:
        if self.is_zero(a):
            raise self._equations._Undefined("abs has no slope at its kink.")
        return self.call("sign", a)


def _number(symbol: Any) -> int:
    ((((number, _),), _),) = symbol[0].items()
    return int(number)


def _joined(a: Monomial, b: Monomial) -> Monomial:
    exponents = dict(a)
    for symbol, exponent in b:
        exponents[symbol] = exponents.get(symbol, 0) + exponent
    return tuple(sorted(exponents.items()))


def _put(p: Poly, m: Monomial, c: Fraction) -> None:
    total = p.get(m, _ZERO) + c
    if total:
        p[m] = total
    else:
        p.pop(m, None)


def _plus(a: Poly, b: Poly) -> Poly:
    total = dict(a)
    for m, c in b.items():
        _put(total, m, c)
    return total


def _common(monomials: Sequence[Monomial]) -> Monomial:
    """The largest monomial that divides them all."""
    least = dict(monomials[0])
    for m in monomials[1:]:
        here = dict(m)
        least = {s: min(e, here[s]) for s, e in least.items() if s in here}
    return tuple(sorted(least.items()))


def _without(m: Monomial, common: Monomial) -> Monomial:
    taken = dict(common)
    return tuple((s, e - taken.get(s, 0)) for s, e in m if e > taken.get(s, 0))


if __name__ == "__main__":
    sys.exit("This file is called by the other checkers, beside which it has to lie.")
