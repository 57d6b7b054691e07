"""Polynomials in free symbols: sympy expressions to flint and back.

flint's `fmpz_mpoly` takes gcds and factors of polynomials with thousands of terms in milliseconds, which is what makes
symbolic conditions quick. The first generator of every ring is the variable of the characteristic polynomial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from math import lcm
from typing import NamedTuple

from flint import Ordering, fmpq_mpoly_ctx, fmpz, fmpz_mpoly, fmpz_mpoly_ctx
from sympy import Add, Dummy, Expr, I, Integer, Mul, Pow, Rational, Symbol, default_sort_key, nan, oo, zoo

from hybrid.errors import ProblemError

_MOST_TERMS = 100_000  # a longer polynomial is no condition that anybody reads, and the next step would take minutes
_MOST_WRITTEN = 20_000  # terms; sympy takes seconds to build them
_HIGHEST_POWER = 200


class Ratio(NamedTuple):
    """A quotient of two coprime polynomials; the denominator is not zero."""

    numerator: fmpz_mpoly
    denominator: fmpz_mpoly

    def plus(self, other: Ratio) -> Ratio:
        """The sum, in lowest terms."""
        common = self.denominator.gcd(other.denominator)
        left, right = self.denominator / common, other.denominator / common
        return Ratio.reduced(
            bounded(self.numerator * right + other.numerator * left), bounded(left * other.denominator)
        )

    def times(self, other: Ratio) -> Ratio:
        """The product, in lowest terms."""
        return Ratio.reduced(bounded(self.numerator * other.numerator), bounded(self.denominator * other.denominator))

    @classmethod
    def reduced(cls, numerator: fmpz_mpoly, denominator: fmpz_mpoly) -> Ratio:
        """The quotient without common factors."""
        common = numerator.gcd(denominator)
        return cls(numerator / common, denominator / common)


@dataclass(frozen=True, eq=False)
class Ring:
    """Integer polynomials in a variable and in the free symbols (and functions) of some expressions.

    Every generator stands for a real number. Generators are treated as independent of each other: what is concluded
    holds at every point, since it rests on polynomial identities alone.

    Attributes:
        variable: of the characteristic polynomial; the first generator of the context.
        generators: symbols and functions, the other generators.
        inverted: what was divided by, on the way from expressions to ratios: it must not vanish, cancelled or not.
    """

    variable: Symbol
    generators: tuple[Expr, ...]
    context: fmpz_mpoly_ctx
    inverted: list[fmpz_mpoly] = field(default_factory=list, repr=False)
    _ratios: dict[Expr, Ratio] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, expressions: Iterable[Expr], variable: Symbol | None = None) -> Ring:
        """The ring that holds the numerators and denominators of `expressions`.

        Raises:
            ProblemError: an entry is infinite, or is not real.
        """
        found = {g for expression in expressions for g in _generators(expression)} - {variable}
        ordered = tuple(sorted(found, key=default_sort_key))
        names = [f"x{i}" for i in range(len(ordered) + 1)]
        return cls(variable or Dummy("s"), ordered, fmpz_mpoly_ctx.get(names, Ordering.degrevlex))

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """What each variable of a polynomial stands for, in order."""
        return (self.variable, *self.generators)

    def integer(self, value: int) -> fmpz_mpoly:
        """A constant polynomial."""
        return self.context.constant(value)

    @property
    def s(self) -> fmpz_mpoly:
        """The variable of the characteristic polynomial."""
        return self.context.gen(0)

    def ratio(self, expression: Expr) -> Ratio:
        """An expression as a quotient of polynomials, in lowest terms.

        Floats are the binary numbers that they store.

        Raises:
            ProblemError: it divides by zero, or has a power beyond 200 or more than 100 000 terms.
        """
        known = self._ratios.get(expression)
        if known is None:
            known = self._ratios[expression] = self._read(expression)
        return known

    def _read(self, expression: Expr) -> Ratio:
        one = self.integer(1)
        if expression in self.symbols:
            return Ratio(self.context.gen(self.symbols.index(expression)), one)
        if expression.is_Rational or expression.is_Float:
            exact = Rational(expression)
            return Ratio(self.integer(int(exact.p)), self.integer(int(exact.q)))
        if expression.is_Add:
            return reduce(Ratio.plus, map(self.ratio, expression.args))
        if expression.is_Mul:
            return reduce(Ratio.times, map(self.ratio, expression.args))
        base, exponent = _root_and_power(expression)
        numerator, denominator = self.ratio(base)
        if exponent < 0:
            if numerator.is_zero():
                raise ProblemError("A", expression, "entries that do not divide by zero")
            self.inverted.append(numerator)
            numerator, denominator = denominator, numerator
        return Ratio(_power(numerator, abs(exponent)), _power(denominator, abs(exponent)))

    def coefficients(self, polynomial: fmpz_mpoly) -> list[fmpz_mpoly]:
        """Coefficients of the powers of the variable, highest first."""
        degree = max(polynomial.degrees()[0], 0)
        terms: list[dict[tuple[int, ...], fmpz]] = [{} for _ in range(degree + 1)]
        for (power, *others), coefficient in polynomial.terms():
            terms[degree - power][(0, *others)] = coefficient
        return [self.context.from_dict(part) for part in terms]

    def expression(self, polynomial: fmpz_mpoly) -> Expr:
        """A polynomial as an expanded sympy expression.

        Raises:
            ProblemError: it has more than 20 000 terms.
        """
        writable(len(polynomial))
        symbols = self.symbols
        return Add(
            *(
                Mul(Integer(int(c)), *(Pow(symbols[i], int(e)) for i, e in enumerate(powers) if e))
                for powers, c in polynomial.terms()
            )
        )


def factored(polynomial: fmpz_mpoly) -> tuple[int, list[tuple[fmpz_mpoly, int]]]:
    """The sign of the constant factor, and the irreducible factors over Q with their powers."""
    try:
        constant, factors = polynomial.factor()
    except OverflowError:  # python-flint 0.9 sorts the factors by coefficients that have to fit a machine word
        return _factored_over_rationals(polynomial)
    return (1 if constant > 0 else -1), [(factor, int(power)) for factor, power in factors]


def _factored_over_rationals(polynomial: fmpz_mpoly) -> tuple[int, list[tuple[fmpz_mpoly, int]]]:
    context = polynomial.context()
    rationals = fmpq_mpoly_ctx.get(context.names(), context.ordering())
    constant, factors = rationals.from_dict(polynomial.to_dict()).factor()
    integral = []
    for factor, power in factors:
        scale = lcm(*(int(c.q) for c in factor.coeffs()))
        integral.append((context.from_dict({m: (c * scale).p for m, c in factor.to_dict().items()}), int(power)))
    return (1 if constant > 0 else -1), integral


def bounded(polynomial: fmpz_mpoly) -> fmpz_mpoly:
    """The polynomial itself.

    Raises:
        ProblemError: it has more than 100 000 terms.
    """
    if len(polynomial) > _MOST_TERMS:
        raise ProblemError("A", f"a polynomial of {len(polynomial)} terms on the way", "fewer states or fewer symbols")
    return polynomial


def writable(terms: int) -> None:
    """Refuse conditions that are too long to be written down.

    Raises:
        ProblemError: there are more than 20 000 terms.
    """
    if terms > _MOST_WRITTEN:
        raise ProblemError("A", f"conditions with {terms} terms", "fewer states or fewer symbols")


def determinant(rows: Sequence[Sequence[fmpz_mpoly]]) -> fmpz_mpoly:
    """The determinant of a square matrix of polynomials, by Bareiss elimination: every division is exact.

    Source: Bareiss 1968, Math. Comp. 22, 565–578.
    """
    matrix = [list(row) for row in rows]
    n, sign = len(matrix), 1
    previous = matrix[0][0].context().constant(1)
    for k in range(n - 1):
        pivot = min(
            (i for i in range(k, n) if not matrix[i][k].is_zero()), key=lambda i: len(matrix[i][k]), default=None
        )
        if pivot is None:
            return previous * 0
        if pivot != k:
            matrix[k], matrix[pivot], sign = matrix[pivot], matrix[k], -sign
        for i in range(k + 1, n):
            for j in range(k + 1, n):
                matrix[i][j] = bounded(matrix[i][j] * matrix[k][k] - matrix[i][k] * matrix[k][j]) / previous
        previous = matrix[k][k]
    return matrix[-1][-1] * sign


def cleared(ratios: Sequence[Ratio]) -> tuple[list[fmpz_mpoly], fmpz_mpoly]:
    """Ratios times their common denominator, and that denominator."""
    common = reduce(lambda p, q: bounded(p * (q / p.gcd(q))), (ratio.denominator for ratio in ratios))
    return [ratio.numerator * (common / ratio.denominator) for ratio in ratios], common


def _power(polynomial: fmpz_mpoly, exponent: int) -> fmpz_mpoly:
    result = polynomial**0
    for _ in range(exponent):
        result = bounded(result * polynomial)
    return result


def _root_and_power(expression: Expr) -> tuple[Expr, int]:
    """(b^(1/q), p) of b^(p/q)."""
    base, exponent = expression.as_base_exp()
    root = base if exponent.q == 1 else Pow(base, Rational(1, exponent.q))
    if abs(exponent.p) > _HIGHEST_POWER:
        raise ProblemError("A", expression, f"powers up to {_HIGHEST_POWER}")
    return root, int(exponent.p)


def _generators(expression: Expr) -> Iterator[Expr]:
    """What is left of an expression once sums, products and rational powers are taken apart."""
    if expression.is_Add or expression.is_Mul:
        for argument in expression.args:
            yield from _generators(argument)
    elif expression.is_Pow and expression.exp.is_Rational and not expression.exp.is_Integer:
        yield from _real(Pow(expression.base, Rational(1, expression.exp.q)))
    elif expression.is_Pow and expression.exp.is_Integer:
        yield from _generators(expression.base)
    elif not (expression.is_Rational or expression.is_Float):
        yield from _real(expression)


def _real(generator: Expr) -> Iterator[Expr]:
    if generator.has(nan, oo, -oo, zoo):
        raise ProblemError("A", generator, "finite entries")
    if generator.is_extended_real is False or generator.has(I) or not generator.is_commutative:
        raise ProblemError("A", generator, "real entries")
    yield generator
