"""Conjunctions of sign requirements, simplified.

'f₁ f₂ … > 0' is a linear equation over GF(2) in the signs of the irreducible factors, so a conjunction is a linear
system: elimination removes what is common and redundant, and finds contradictions. What the solution set is never
changes on the way, zeros included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flint import fmpz_mpoly
from sympy import And, Basic, Expr, Gt, Lt, Mul, Ne, Or, Rational, S
from sympy.logic.boolalg import Boolean

from .polynomials import Ring, factored, writable
from .signs import UNKNOWN, Sign, sign_of, sign_table, univariate

_FACTORED = 20_000  # terms; longer polynomials are taken as they are


@dataclass(frozen=True)
class Row:
    """The product of these factors has this sign, 1 or −1; 0 asks only that it does not vanish."""

    factors: frozenset[int]
    sign: int

    def combined(self, other: Row) -> Row:
        """What both rows say together, with their common factors cancelled."""
        return Row(self.factors ^ other.factors, self.sign * other.sign)

    def holds(self, signs: Mapping[int, int]) -> bool:
        """Whether it holds where the factors have these signs."""
        product = math.prod(signs[i] for i in self.factors)
        return product == self.sign if self.sign else product != 0


@dataclass(eq=False)
class Requirements:
    """Sign requirements on polynomials, collected one by one; `relation` gives them back in their simplest form.

    >>> from sympy.abc import a, b
    >>> ring = Ring.of([a, b])
    >>> requirements = Requirements(ring)
    >>> requirements.positive(ring.ratio(a * b**2).numerator)
    >>> requirements.positive(ring.ratio(a).numerator, ring.ratio(b).numerator)
    >>> requirements.relation()
    (a > 0) & (b > 0)
    """

    ring: Ring
    _factors: list[fmpz_mpoly | Expr] = field(default_factory=list)
    _rows: list[Row] = field(default_factory=list)
    _nonzero: set[int] = field(default_factory=set)
    _others: list[Boolean] = field(default_factory=list)
    _shown: dict[int, Expr] = field(default_factory=dict)

    def positive(self, *product: fmpz_mpoly | Expr) -> None:
        """Require the product of these polynomials (or long expressions) to be greater than zero."""
        row = Row(frozenset(), 1)
        for entry in product:
            sign, parts = self._split(entry)
            self._nonzero.update(i for i, _ in parts)
            row = row.combined(Row(frozenset(i for i, power in parts if power % 2), sign))
        self._rows.append(row)

    def nonzero(self, polynomial: fmpz_mpoly) -> None:
        """Require a polynomial not to vanish."""
        self.positive(polynomial, polynomial)

    def show(self, polynomial: fmpz_mpoly, expression: Expr) -> None:
        """Write a polynomial as this shorter expression wherever it is stated, unless it has factors."""
        sign, parts = self._split(polynomial)
        if len(parts) == 1 and parts[0][1] == 1:
            self._shown[parts[0][0]] = sign * expression

    def defined(self, leading: Iterable[fmpz_mpoly] = ()) -> None:
        """Require that nothing vanishes that the ring has divided by, `leading` and its factors aside."""
        stated = list(leading)
        for divisor in self.ring.inverted:
            for factor, _ in factored(divisor)[1]:
                if all(not (polynomial % factor).is_zero() for polynomial in stated):
                    self.nonzero(factor)

    def impossible(self) -> None:
        """Require what cannot be."""
        self._rows.append(Row(frozenset(), -1))

    def any_nonzero(self, products: Sequence[Sequence[fmpz_mpoly]]) -> None:
        """Require one of these products not to vanish."""
        writable(sum(len(factor) for factors in products for factor in factors))
        self._others.append(
            Or(*(And(*(_relation(Ne, self.ring.expression(f)) for f in factors)) for factors in products))
        )

    def sign(self, polynomial: fmpz_mpoly) -> Sign:
        """What the assumptions on the symbols say about a polynomial."""
        return UNKNOWN if polynomial.is_zero() else sign_of(polynomial, self._assumed())

    def is_possible(self) -> bool:
        """Whether no contradiction was found."""
        return self._settled() is not None

    def relation(self) -> Boolean:
        """All requirements as one sympy relation; true or false where that is decided.

        Raises:
            ProblemError: it has more than 20 000 terms.
        """
        settled = self._settled()
        return S.false if settled is None else And(*map(self._stated, settled), *self._others)

    def _split(self, entry: fmpz_mpoly | Expr) -> tuple[int, list[tuple[int, int]]]:
        """Sign of the constant, and the factors with their powers."""
        if isinstance(entry, Basic) or len(entry) > _FACTORED:
            return 1, [(self._index(entry), 1)]
        if entry.is_zero():
            self.impossible()
            return 1, []
        sign, parts = factored(entry)
        return sign, [(self._index(factor), power) for factor, power in parts]

    def _index(self, factor: fmpz_mpoly | Expr) -> int:
        for i, known in enumerate(self._factors):
            if type(known) is type(factor) and known == factor:
                return i
        self._factors.append(factor)
        return len(self._factors) - 1

    def _assumed(self) -> list[Sign]:
        return [Sign.assumed(symbol) for symbol in self.ring.symbols]

    def _settled(self) -> list[Row] | None:
        """The fewest rows found that say the same; None for a contradiction."""
        solved = self._solved()
        if solved is None:
            return None
        rows, known = solved
        for i in sorted(self._nonzero.difference(*(row.factors for row in rows))):
            sign = self._factor_sign(i, known)
            if not sign.nonzero:
                rows.append(Row(frozenset([i]), sign.direction))  # ≥ 0 by assumption and not zero: > 0
        return self._without_redundant(rows)

    def _solved(self) -> tuple[list[Row], list[Sign]] | None:
        """Reduced rows and the signs of the symbols that follow from them; None for a contradiction.

        A row about one symbol alone tells its sign, which may tell the signs of other factors, and so on. Such rows
        stay, so nothing is dropped because of itself.
        """
        known = self._assumed()
        while True:
            rows = self._reduced(known)
            if rows is None:
                return None
            learned = list(known)
            for row in rows:
                for i in row.factors:
                    variable = self._variable(i)
                    if variable is not None:
                        direction = row.sign if len(row.factors) == 1 else 0
                        learned[variable] = learned[variable].and_also(Sign(direction, True))
            if learned == known:
                return rows, known
            known = learned

    def _reduced(self, known: list[Sign]) -> list[Row] | None:
        """The rows without the factors whose signs are known, in reduced echelon form over GF(2)."""
        signs = [self._factor_sign(i, known).direction for i in range(len(self._factors))]
        settled = {i: Row(frozenset([i]), sign) for i, sign in enumerate(signs) if sign}
        pivots: dict[int, Row] = {}
        for row in self._rows:
            for i in row.factors & settled.keys():
                row = row.combined(settled[i])
            for i in row.factors & pivots.keys():
                row = row.combined(pivots[i])
            if not row.factors:
                if row.sign < 0:
                    return None
                continue
            pivot = max(row.factors, key=self._complexity)
            pivots = {i: other.combined(row) if pivot in other.factors else other for i, other in pivots.items()}
            pivots[pivot] = row
        return [pivots[i] for i in sorted(pivots, key=self._complexity)]

    def _factor_sign(self, i: int, known: list[Sign]) -> Sign:
        """The sign of a factor; of a symbol itself only what is assumed, so that what was learned stays stated."""
        factor = self._factors[i]
        if isinstance(factor, Basic):
            return UNKNOWN
        return sign_of(factor, self._assumed() if self._variable(i) is not None else known)

    def _variable(self, i: int) -> int | None:
        """Which symbol the factor is, if it is one."""
        factor = self._factors[i]
        if isinstance(factor, Basic) or len(factor) != 1 or factor.total_degree() != 1:
            return None
        return max(range(len(self.ring.symbols)), key=lambda j: int(factor.degrees()[j]))

    def _complexity(self, i: int) -> tuple[int, int, int, int]:
        factor = self._factors[i]
        if isinstance(factor, Basic):
            return (2, 0, 0, i)
        return (len(factor) > 1, int(factor.total_degree()), len(factor), i)

    def _without_redundant(self, rows: list[Row]) -> list[Row] | None:
        """Of the rows on one symbol alone only as many as it takes. None for a contradiction."""
        groups: dict[int | None, list[Row]] = {}
        for row in rows:
            symbols = {self._only_symbol(i) for i in row.factors}
            groups.setdefault(symbols.pop() if len(symbols) == 1 else None, []).append(row)
        result = groups.pop(None, [])
        for symbol, group in groups.items():
            kept = None if symbol is None else self._on_one_symbol(symbol, group)
            if kept is None:
                return None
            result += kept
        return result

    def _only_symbol(self, i: int) -> int | None:
        factor = self._factors[i]
        found = None if isinstance(factor, Basic) else univariate(factor)
        return None if found is None else found[0]

    def _on_one_symbol(self, symbol: int, group: list[Row]) -> list[Row] | None:
        """Walk along the real line: every interval between roots, and every root, is like one row of the table."""
        group = sorted(group, key=lambda row: max(map(self._complexity, row.factors)), reverse=True)
        members = sorted({i for row in group for i in row.factors})
        polynomials = [found[1] for i in members if (found := univariate(self._factors[i])) is not None]
        table = sign_table(polynomials, Sign.assumed(self.ring.symbols[symbol]))
        places = [dict(zip(members, signs, strict=True)) for signs in table]
        meets = [all(row.holds(place) for row in group) for place in places]
        if not any(meets):
            return None
        for candidate in list(group):
            others = [row for row in group if row is not candidate]
            if [all(row.holds(place) for row in others) for place in places] == meets:
                group = others
        return group[::-1]

    def _stated(self, row: Row) -> Boolean:
        """A row as a relation, solved for the symbol where that is trivial."""
        members = sorted(row.factors, key=self._complexity)
        linear = self._linear(members[0]) if len(members) == 1 else None
        if linear is not None:
            return {0: Ne, 1: Gt, -1: Lt}[row.sign](*linear)
        first, *rest = (self._expression(i) for i in members)
        return _relation(Gt if row.sign else Ne, Mul(-first if row.sign < 0 else first, *rest))

    def _linear(self, i: int) -> tuple[Expr, Rational] | None:
        """(x, r) of a factor a (x − r); a > 0, as of every irreducible factor that flint gives."""
        factor = self._factors[i]
        found = None if isinstance(factor, Basic) else univariate(factor)
        if found is None or found[1].degree() != 1:
            return None
        slope, offset = found[1].all_coeffs()
        return self.ring.symbols[found[0]], -offset / slope

    def _expression(self, i: int) -> Expr:
        factor = self._factors[i]
        if isinstance(factor, Basic):
            return factor
        return self._shown[i] if i in self._shown else self.ring.expression(factor)


def _relation(kind: type[Boolean], left: Expr) -> Boolean:
    """left > 0 or left ≠ 0. sympy decides numbers; of symbols all is known already, and asking it takes long."""
    return kind(left, S.Zero, evaluate=not left.free_symbols)
