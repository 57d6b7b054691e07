"""Conjunctions of sign requirements, simplified.

'f₁ f₂ … > 0' is a linear equation over GF(2) in the signs of the irreducible factors, so a conjunction is a linear
system: elimination removes what is common and redundant, and finds contradictions. What the solution set is never
changes on the way, zeros included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flint import fmpz_mpoly
from sympy import And, Basic, Expr, Gt, Lt, Mul, Ne, Or, Rational, S
from sympy.logic.boolalg import Boolean

from .polynomials import Ring
from .signs import UNKNOWN, Sign, sign_of, sign_table, smallest_equivalent, univariate

_FACTORED = 20_000  # terms; longer polynomials are taken as they are


@dataclass(frozen=True)
class Row:
    """The product of these factors is positive (or negative)."""

    factors: frozenset[int]
    negative: bool

    def combined(self, other: Row) -> Row:
        """What both rows say together, with their common factors cancelled."""
        return Row(self.factors ^ other.factors, self.negative != other.negative)


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
        factors: frozenset[int] = frozenset()
        negative = False
        for entry in product:
            is_negative, parts = self._split(entry)
            negative ^= is_negative
            self._nonzero.update(i for i, _ in parts)
            factors ^= frozenset(i for i, power in parts if power % 2)
        self._rows.append(Row(factors, negative))

    def nonzero(self, polynomial: fmpz_mpoly) -> None:
        """Require a polynomial not to vanish."""
        self.positive(polynomial, polynomial)

    def show(self, polynomial: fmpz_mpoly, expression: Expr) -> None:
        """Write a polynomial as this shorter expression wherever it is stated, unless it has factors."""
        is_negative, parts = self._split(polynomial)
        if len(parts) == 1 and parts[0][1] == 1:
            self._shown[parts[0][0]] = -expression if is_negative else expression

    def defined(self, leading: Iterable[fmpz_mpoly] = ()) -> None:
        """Require that nothing vanishes that the ring has divided by, `leading` and its factors aside."""
        stated = list(leading)
        for divisor in self.ring.inverted:
            for factor, _ in divisor.factor()[1]:
                if all(not (polynomial % factor).is_zero() for polynomial in stated):
                    self.nonzero(factor)

    def impossible(self) -> None:
        """Require what cannot be."""
        self._rows.append(Row(frozenset(), True))

    def any_nonzero(self, products: Iterable[Iterable[fmpz_mpoly]]) -> None:
        """Require one of these products not to vanish."""
        self._others.append(
            Or(*(And(*(_relation(Ne, self.ring.expression(f)) for f in factors)) for factors in products))
        )

    def sign(self, polynomial: fmpz_mpoly) -> Sign:
        """What the assumptions on the symbols say about a polynomial."""
        return UNKNOWN if polynomial.is_zero() else sign_of(polynomial, self._assumed())

    def relation(self) -> Boolean:
        """All requirements as one sympy relation; true or false where that is decided."""
        solved = self._solved()
        if solved is None:
            return S.false
        rows, known = solved
        stated = {i for row in rows for i in row.factors}
        nonzero = sorted(i for i in self._nonzero - stated if not self._factor_sign(i, known).nonzero)
        relations = self._simplified([*rows, *(Row(frozenset([i]), False) for i in nonzero)], set(nonzero), known)
        return S.false if relations is None else And(*relations, *self._others)

    def _split(self, entry: fmpz_mpoly | Expr) -> tuple[bool, list[tuple[int, int]]]:
        """Sign of the constant, and the factors with their powers."""
        if isinstance(entry, Basic):
            return False, [(self._index(entry), 1)]
        if entry.is_zero():
            self.impossible()
            return False, []
        if len(entry) > _FACTORED:
            return False, [(self._index(entry), 1)]
        constant, parts = entry.factor()
        return constant < 0, [(self._index(factor), int(power)) for factor, power in parts]

    def _index(self, factor: fmpz_mpoly | Expr) -> int:
        for i, known in enumerate(self._factors):
            if type(known) is type(factor) and known == factor:
                return i
        self._factors.append(factor)
        return len(self._factors) - 1

    def _assumed(self) -> list[Sign]:
        return [Sign.assumed(symbol) for symbol in self.ring.symbols]

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
                        direction = (-1 if row.negative else 1) if len(row.factors) == 1 else 0
                        learned[variable] = learned[variable].and_also(Sign(direction, True))
            if learned == known:
                return rows, known
            known = learned

    def _reduced(self, known: list[Sign]) -> list[Row] | None:
        """The rows without the factors whose signs are known, in reduced echelon form over GF(2)."""
        signs = [self._factor_sign(i, known) for i in range(len(self._factors))]
        settled = [Row(frozenset([i]), sign.direction < 0) for i, sign in enumerate(signs) if sign.direction]
        by_factor = {next(iter(row.factors)): row for row in settled}
        pivots: dict[int, Row] = {}
        for row in self._rows:
            for i in row.factors & by_factor.keys():
                row = row.combined(by_factor[i])
            for i in row.factors & pivots.keys():
                row = row.combined(pivots[i])
            if not row.factors:
                if row.negative:
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

    def _simplified(self, rows: list[Row], nonzero: set[int], known: list[Sign]) -> list[Boolean] | None:
        """Relations; those on one symbol alone reduced to the fewest that say the same. None for a contradiction."""
        groups: dict[int, list[Row]] = {}
        relations: list[Boolean] = []
        for row in rows:
            variables = {self._single_variable(i) for i in row.factors}
            if len(variables) == 1 and None not in variables:
                groups.setdefault(variables.pop() or 0, []).append(row)
            else:
                relations.append(self._stated(row, nonzero, known))
        for variable, group in groups.items():
            kept = self._on_one_variable(variable, group, nonzero)
            if kept is None:
                return None
            relations += [self._stated(row, nonzero, known) for row in kept]
        return relations

    def _single_variable(self, i: int) -> int | None:
        factor = self._factors[i]
        found = None if isinstance(factor, Basic) else univariate(factor)
        return None if found is None else found[0]

    def _on_one_variable(self, variable: int, group: list[Row], nonzero: set[int]) -> list[Row] | None:
        group = sorted(group, key=lambda row: max(map(self._complexity, row.factors)), reverse=True)
        members = sorted({i for row in group for i in row.factors})
        polynomials = [found[1] for i in members if (found := univariate(self._factors[i])) is not None]
        table = sign_table(polynomials, Sign.assumed(self.ring.symbols[variable]))

        def holds(row: Row, signs: tuple[int, ...]) -> bool:
            product = 1
            for i in row.factors:
                product *= signs[members.index(i)]
            return product != 0 if row.factors <= nonzero else product == (-1 if row.negative else 1)

        conditions = [lambda signs, row=row: holds(row, signs) for row in group]
        kept = smallest_equivalent(conditions, table)
        return None if kept is None else [group[i] for i in kept]

    def _stated(self, row: Row, nonzero: set[int], known: list[Sign]) -> Boolean:
        """A row as a relation, solved for the symbol where that is trivial."""
        members = sorted(row.factors, key=self._complexity)
        if len(members) == 1:
            return self._single(members[0], row.negative, members[0] in nonzero, known)
        first, *rest = (self._expression(i) for i in members)
        return _relation(Gt, Mul(-first if row.negative else first, *rest))

    def _single(self, i: int, negative: bool, only_nonzero: bool, known: list[Sign]) -> Boolean:
        direction = self._factor_sign(i, known).direction
        if only_nonzero and direction:  # ≥ 0 by assumption and not zero
            only_nonzero, negative = False, direction < 0
        solved = self._linear(i)
        if solved is not None:
            symbol, root, rising = solved
            return Ne(symbol, root) if only_nonzero else (Lt if negative == rising else Gt)(symbol, root)
        expression = self._expression(i)
        return _relation(Ne, expression) if only_nonzero else _relation(Gt, -expression if negative else expression)

    def _linear(self, i: int) -> tuple[Expr, Rational, bool] | None:
        """(x, r, a > 0) of a factor a (x − r)."""
        factor = self._factors[i]
        found = None if isinstance(factor, Basic) else univariate(factor)
        if found is None or found[1].degree() != 1:
            return None
        slope, offset = found[1].all_coeffs()
        return self.ring.symbols[found[0]], -offset / slope, bool(slope > 0)

    def _expression(self, i: int) -> Expr:
        factor = self._factors[i]
        if isinstance(factor, Basic):
            return factor
        return self._shown[i] if i in self._shown else self.ring.expression(factor)


def _relation(kind: type[Boolean], left: Expr) -> Boolean:
    """left > 0 or left ≠ 0. sympy decides numbers; of symbols all is known already, and asking it takes long."""
    return kind(left, S.Zero, evaluate=not left.free_symbols)
