"""Power series in time, cut off, for checker_time_varying.py: in rationals, or in the balls of python-flint.

An operation is refused where it may not be analytic, so that a result is the series of an analytic function.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from functools import reduce
from typing import Any

MAX_STEPS = 3 * 10**7  # with coefficients
_ONE, _ZERO = Fraction(1), Fraction(0)


class Scalars:
    """The coefficients of series: rationals, angles and real balls as in checker_equations.py, or complex balls."""

    def __init__(self, pair: Any, flint: Any) -> None:
        self.flint, self.core, self.equations, self.complex = flint, pair.core, pair.equations, pair.complex
        self.real = pair.equations._Arithmetic(flint)

    def add(self, a: Any, b: Any) -> Any:
        """The sum."""
        return self.real.add(a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        """The product."""
        return self.real.multiply(a, b)

    def divide(self, a: Any, b: Any) -> Any:
        """The quotient."""
        return self.real.divide(a, b)

    def is_complex(self, a: Any) -> bool:
        """Whether it is a complex ball."""
        return self.flint is not None and isinstance(a, self.flint.acb)

    def is_not_zero(self, a: Any) -> bool:
        """Whether it is certainly not 0."""
        return bool(a != 0) if isinstance(a, Fraction) else not self.real.balls(a)[0].contains(0)

    def call(self, name: str, a: Any, k: int = 2) -> Any:
        """A function that is analytic at a; the root of order k for the name "root"."""
        if name in ("root", "log"):
            self._expect_away(self.is_not_zero(a))
        elif name in ("asin", "acos"):
            one_less_square = self.add(_ONE, self.multiply(Fraction(-1), self.multiply(a, a)))
            self._expect_away(self.is_not_zero(one_less_square))
        if self.is_complex(a):
            return self._complex(name, a, k)
        if self.complex and name in ("root", "log", "asin", "acos") and self._is_outside(name, a):
            return self._complex(name, self.flint.acb(self.real.ball(a)), k, on_cut=True)
        return self.real.root(a, k) if name == "root" else self.real.call(name, a)

    def _is_outside(self, name: str, a: Any) -> bool:
        """Whether a real number is certainly outside the real domain."""
        if isinstance(a, Fraction) and ((a < 0) if name in ("root", "log") else abs(a) > 1):
            self.real.balls()  # irrational: the balls are needed
            return True
        if isinstance(a, Fraction):
            return False
        (x,) = self.real.balls(a)
        return bool(x < 0 if name in ("root", "log") else abs(x) > 1)

    def _complex(self, name: str, z: Any, k: int, on_cut: bool = False) -> Any:
        if not on_cut:
            if name in ("root", "log"):
                touches = z.imag.contains(0) and not z.real > 0
            elif name in ("asin", "acos"):
                touches = z.imag.contains(0) and not abs(z.real) < 1
            else:
                touches = name == "atan" and z.real.contains(0) and not abs(z.imag) < 1
            self._expect_away(not touches)
        if name == "root":
            return self.real.result(z.sqrt() if k == 2 else (z.log() / k).exp())
        return self.real.result(getattr(z, name)())

    def _expect_away(self, holds: bool) -> None:
        if not holds:
            raise self.equations._Undefined("An operation may not be analytic at the instant.")

    def regular(self, rows: list[list[Any]]) -> bool:
        """Whether the determinant is certainly not zero."""
        if self.flint is None:
            return _determinant(rows) != 0
        self.real.afford(len(rows) ** 3)
        balls = [self.real.balls(*row) for row in rows]
        kind = self.flint.acb_mat if any(self.is_complex(x) for row in balls for x in row) else self.flint.arb_mat
        return not kind(balls).det().contains(0)


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    rows, product = [list(row) for row in rows], _ONE
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return _ZERO
        if pivot != k:
            rows[k], rows[pivot], product = rows[pivot], rows[k], -product
        product *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return product


class Series:
    """Power series around the instant, cut off: a tuple of coefficients; what never changes stays one number."""

    def __init__(self, scalars: Scalars, length: int) -> None:
        self.scalars, self.length, self._equations, self._left = scalars, length, scalars.equations, MAX_STEPS

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise self._equations._TooMuchWork("Its proof needs more arithmetic than this checker undertakes.")

    def time(self, instant: Fraction) -> Any:
        """Time around the instant."""
        return (instant, _ONE, *[_ZERO] * self.length)[: self.length]

    def constant_term(self, a: Any) -> Any:
        """The value at the instant."""
        return a[0] if isinstance(a, tuple) else a

    def _all(self, a: Any) -> tuple[Any, ...]:
        return a if isinstance(a, tuple) else (a, *[_ZERO] * (self.length - 1))

    def change(self, a: Any) -> Any:
        """The derivative in time; one coefficient less is known of it."""
        if not isinstance(a, tuple):
            return _ZERO
        return tuple(self.scalars.multiply(Fraction(k), x) for k, x in enumerate(a[1:], 1))

    def add(self, a: Any, b: Any) -> Any:
        """The sum."""
        self._spend(self.length)
        if not isinstance(a, tuple) and not isinstance(b, tuple):
            return self.scalars.add(a, b)
        return tuple(map(self.scalars.add, self._all(a), self._all(b)))

    def negate(self, a: Any) -> Any:
        """−a."""
        return self.multiply(Fraction(-1), a)

    def multiply(self, a: Any, b: Any) -> Any:
        """The product."""
        multiply = self.scalars.multiply
        if not isinstance(a, tuple):
            a, b = b, a
        self._spend(self.length**2 if isinstance(b, tuple) else self.length)
        if not isinstance(b, tuple):
            if isinstance(b, Fraction) and b == 0:
                return _ZERO
            return tuple(multiply(x, b) for x in a) if isinstance(a, tuple) else multiply(a, b)
        return tuple(self._sum(multiply(a[j], b[k - j]) for j in range(k + 1)) for k in range(min(len(a), len(b))))

    def _sum(self, terms: Any) -> Any:
        return reduce(self.scalars.add, terms, _ZERO)

    def divide(self, a: Any, b: Any) -> Any:
        """The quotient."""
        if not isinstance(b, tuple):
            return self.multiply(a, self.scalars.divide(_ONE, b))
        self._spend(self.length**2)
        quotient: list[Any] = []
        for k, x in enumerate(self._all(a)[: len(b)]):
            known = self._sum(self.scalars.multiply(b[j], quotient[k - j]) for j in range(1, k + 1))
            rest = self.scalars.add(x, self.scalars.multiply(Fraction(-1), known))
            quotient.append(self.scalars.divide(rest, b[0]))
        return tuple(quotient)

    def power(self, a: Any, k: int) -> Any:
        """a^k for an integer."""
        if k < 0:
            return self.divide(_ONE, self.power(a, -k))
        if k > self._equations.MAX_EXPONENT:
            raise self._equations._Undefined("An exponent is too large.")
        result: Any = _ONE
        while k:
            result, a, k = self.multiply(result, a) if k & 1 else result, self.multiply(a, a) if k > 1 else a, k >> 1
        return result

    def root(self, a: Any, k: int) -> Any:
        """By k x y' = x' y for y = x^(1/k)."""
        if k > self._equations.MAX_EXPONENT:
            raise self._equations._Undefined("An exponent is too large.")
        if isinstance(a, Fraction) and a == 0:
            return a
        if not isinstance(a, tuple):
            return self.scalars.call("root", a, k)
        y, multiply = [self.scalars.call("root", a[0], k)], self.scalars.multiply
        for i in range(1, len(a)):
            terms = (multiply(multiply(Fraction(j, k) - (i - j), a[j]), y[i - j]) for j in range(1, i + 1))
            y.append(self.scalars.divide(self._sum(terms), multiply(Fraction(i), a[0])))
        return tuple(y)

    def call(self, name: str, a: Any) -> Any:
        """A function by its name."""
        if name == "sqrt":
            return self.root(a, 2)
        if name == "abs":
            return self.multiply(self.call("sign", a), a)
        special = None if isinstance(a, tuple) else self._equations._special(name, a)
        if special is not None:
            return special
        if name == "sign":
            return self._sign(self.constant_term(a))
        if not isinstance(a, tuple):
            return self.scalars.call(name, a)
        self._spend(self.length**2)
        if name == "exp":
            return self._exp(a)
        if name in ("sin", "cos"):
            return self._sine_and_cosine(a)[name == "cos"]
        if name == "tan":
            return self.divide(*self._sine_and_cosine(a))
        if name in ("sinh", "cosh", "tanh"):
            return self._hyperbolic(name, a)
        start, rate = self.scalars.call(name, a[0]), self.change(a) or (_ZERO,)
        return self._integrated(start, self.multiply(self.derivative(name, a, None), rate))

    def _integrated(self, start: Any, rate: tuple[Any, ...]) -> Any:
        rest = (self.scalars.multiply(Fraction(1, k), x) for k, x in enumerate(rate, 1))
        return (start, *rest)[: self.length]

    def _sign(self, a: Any) -> Any:
        if not self.scalars.is_not_zero(a) or self.scalars.is_complex(a):
            raise self._equations._Undefined("abs or sign is not analytic at the instant.")
        return self.scalars.real.call("sign", a)

    def _exp(self, a: tuple[Any, ...]) -> Any:
        y, multiply = [self.scalars.call("exp", a[0])], self.scalars.multiply
        for k in range(1, len(a)):
            y.append(self._sum(multiply(multiply(Fraction(j, k), a[j]), y[k - j]) for j in range(1, k + 1)))
        return tuple(y)

    def _sine_and_cosine(self, a: tuple[Any, ...]) -> tuple[Any, Any]:
        multiply = self.scalars.multiply
        sine, cosine = [self.scalars.call("sin", a[0])], [self.scalars.call("cos", a[0])]
        for k in range(1, len(a)):
            rates = [multiply(Fraction(j, k), a[j]) for j in range(1, k + 1)]
            next_sine = self._sum(multiply(r, cosine[k - j]) for j, r in enumerate(rates, 1))
            next_cosine = self._sum(multiply(r, sine[k - j]) for j, r in enumerate(rates, 1))
            sine.append(next_sine)
            cosine.append(multiply(Fraction(-1), next_cosine))
        return tuple(sine), tuple(cosine)

    def _hyperbolic(self, name: str, a: Any) -> Any:
        up = self._exp(a)
        down = self.divide(_ONE, up)
        sine = self.multiply(Fraction(1, 2), self.add(up, self.negate(down)))
        cosine = self.multiply(Fraction(1, 2), self.add(up, down))
        return {"sinh": sine, "cosh": cosine}[name] if name != "tanh" else self.divide(sine, cosine)

    def derivative(self, name: str, a: Any, value: Any) -> Any:
        """The derivative of a function at a, where it has the given value."""
        return self._equations._Arithmetic.derivative(self, name, a, value)

    def _slope_of_abs(self, a: Any) -> Any:
        return self._sign(self.constant_term(a))  # also of a constant: at 0 there is no slope, though sign has a value


if __name__ == "__main__":
    sys.exit("This file is called by checker_time_varying.py, beside which it has to lie.")
