"""What is known about the sign of a polynomial, from what is known about its variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from flint import fmpz_mpoly
from sympy import Expr, Poly, Symbol, intervals

_LONGEST = 5000  # terms; beyond, looking at every one costs more than it ever simplifies
_LONGEST_QUADRATIC = 100  # terms; longer discriminants have no definite sign, in practice


class Sign(NamedTuple):
    """direction 1: ≥ 0, −1: ≤ 0, 0: either; `nonzero` says that it never vanishes."""

    direction: int
    nonzero: bool

    @classmethod
    def assumed(cls, expression: Expr) -> Sign:
        """What sympy's assumptions say.

        >>> Sign.assumed(Symbol("k", positive=True))
        Sign(direction=1, nonzero=True)
        """
        direction = 1 if expression.is_extended_nonnegative else -1 if expression.is_extended_nonpositive else 0
        return cls(direction, expression.is_zero is False)

    @property
    def is_definite(self) -> bool:
        """Whether it is positive, or negative, everywhere."""
        return self.nonzero and self.direction != 0

    def and_also(self, other: Sign) -> Sign:
        """Both pieces of knowledge at once."""
        return Sign(self.direction or other.direction, self.nonzero or other.nonzero)

    def admits(self, sign: int) -> bool:
        """Whether a number of that sign (−1, 0, 1) is possible."""
        return not (self.nonzero if sign == 0 else self.direction == -sign)


UNKNOWN = Sign(0, False)


def sign_of(polynomial: fmpz_mpoly, known: Sequence[Sign]) -> Sign:
    """The sign that a polynomial has wherever its variables have the signs known of them.

    Looked for term by term, as a quadratic in one variable with a definite discriminant, and among the real roots of
    a polynomial in one variable. UNKNOWN where none of these tells.
    """
    if len(polynomial) > _LONGEST:
        return UNKNOWN
    by_terms = _by_terms(polynomial, known)
    if by_terms != UNKNOWN:
        return by_terms
    used = [i for i, degree in enumerate(polynomial.degrees()) if degree > 0]
    if len(used) == 1:
        return _on_line(polynomial, used[0], known)
    for i in used if len(polynomial) <= _LONGEST_QUADRATIC else ():
        sign = _as_quadratic(polynomial, i, known)
        if sign != UNKNOWN:
            return sign
    return UNKNOWN


def _by_terms(polynomial: fmpz_mpoly, known: Sequence[Sign]) -> Sign:
    """Terms that all have one sign; their sum vanishes only where all of them do."""
    direction, nonzero = 0, False
    for powers, coefficient in polynomial.terms():
        sign = Sign(1 if coefficient > 0 else -1, True)
        for i, power in enumerate(powers):
            if power:
                odd = known[i].direction if power % 2 else 1
                sign = Sign(sign.direction * odd, sign.nonzero and known[i].nonzero)
        if len(polynomial) == 1:
            return sign
        if sign.direction == 0 or sign.direction == -direction:
            return UNKNOWN
        direction, nonzero = sign.direction, nonzero or sign.nonzero
    return Sign(direction, nonzero)


def _as_quadratic(polynomial: fmpz_mpoly, i: int, known: Sequence[Sign]) -> Sign:
    """a x² + b x + c has the sign of a where b² − 4ac < 0, and no other sign where b² − 4ac ≤ 0 and a ≠ 0."""
    if polynomial.degrees()[i] != 2:
        return UNKNOWN
    leading = {
        tuple(0 if j == i else e for j, e in enumerate(powers)): c for powers, c in polynomial.terms() if powers[i] == 2
    }
    context = polynomial.context()
    first = _by_terms(context.from_dict(leading), known)
    if first.direction == 0:
        return UNKNOWN
    discriminant = polynomial.discriminant(context.names()[i])
    second = Sign(-1, False) if discriminant.is_zero() else _by_terms(discriminant, known)
    if second.direction != -1 or not (second.nonzero or first.nonzero):
        return UNKNOWN
    return Sign(first.direction, second.nonzero)


def _on_line(polynomial: fmpz_mpoly, i: int, known: Sequence[Sign]) -> Sign:
    signs = {row[0] for row in sign_table([_univariate(polynomial, i)], known[i])}
    if signs <= {0, 1}:
        return Sign(1, 0 not in signs)
    if signs <= {0, -1}:
        return Sign(-1, 0 not in signs)
    return Sign(0, 0 not in signs)


def sign_table(polynomials: Sequence[Poly], domain: Sign) -> list[tuple[int, ...]]:
    """The signs of polynomials in one variable along the real line: interval, root, interval, root, …, interval.

    Args:
        polynomials: distinct, irreducible over Q, all in one variable.
        domain: only the part of the line is kept where the variable has this sign.
    """
    x = polynomials[0].gen
    everything = [*polynomials, Poly(x, x)] if Poly(x, x) not in polynomials else list(polynomials)
    at_zero = everything.index(Poly(x, x))
    signs = [(1 if p.LC() > 0 else -1) * (-1) ** p.degree() for p in everything]
    table = [tuple(signs)]
    for _, vanishing in intervals(everything):
        table.append(tuple(0 if j in vanishing else sign for j, sign in enumerate(signs)))
        signs = [-sign if j in vanishing else sign for j, sign in enumerate(signs)]  # a simple root
        table.append(tuple(signs))
    return [row[: len(polynomials)] for row in table if domain.admits(row[at_zero])]


def univariate(polynomial: fmpz_mpoly) -> tuple[int, Poly] | None:
    """The variable and the polynomial in it, if there is only one."""
    used = [i for i, degree in enumerate(polynomial.degrees()) if degree > 0]
    return (used[0], _univariate(polynomial, used[0])) if len(used) == 1 else None


def _univariate(polynomial: fmpz_mpoly, i: int) -> Poly:
    return Poly.from_dict({(powers[i],): int(c) for powers, c in polynomial.terms()}, _LINE)


_LINE = Symbol("x", real=True)
