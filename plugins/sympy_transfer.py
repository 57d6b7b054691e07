"""sympy's transfer functions as pairs of polynomials, with nothing cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from flint import fmpz_mpoly
from sympy import Expr, S, Symbol
from sympy.physics.control import Feedback, Parallel, Series, TransferFunctionMatrix

from hybrid.errors import ProblemError
from hybrid.systems.realisation import Rows, realise

from .polynomials import Ring
from .sympy_values import number

_FIELD = "transfer function"
_PARTS = ("num", "den", "var")
Pair = tuple[Expr, Expr]


@dataclass(frozen=True)
class Transfer:
    """Numerator and denominator for each output and input, in one variable."""

    entries: tuple[tuple[Pair, ...], ...]
    variable: Symbol

    @classmethod
    def of(cls, system: Any) -> Transfer | None:
        """The transfer functions in a TransferFunction, an interconnection or a TransferFunctionMatrix; else None.

        What has num, den and var counts as one, as sympy's DiscreteTransferFunction (after 1.14) does.
        """
        if isinstance(system, Series | Parallel | Feedback) or all(hasattr(system, key) for key in _PARTS):
            return cls(((_connected(system),),), system.var)
        if isinstance(system, TransferFunctionMatrix):
            inputs, outputs = range(system.num_inputs), range(system.num_outputs)
            return cls(tuple(tuple(_connected(system[i, j]) for j in inputs) for i in outputs), system.var)
        return None

    @property
    def symbols(self) -> set[Symbol]:
        """Free symbols, without the variable."""
        found = (x.free_symbols for row in self.entries for pair in row for x in pair)
        return set().union(*found) - {self.variable}

    def polynomials(self, others: Sequence[Expr] = ()) -> tuple[Ring, list[list[tuple[fmpz_mpoly, fmpz_mpoly]]]]:
        """Numerators and denominators as polynomials in the variable, in a ring that holds `others` too.

        Raises:
            ProblemError: a denominator that is zero, or an entry that is no ratio of polynomials.
        """
        ring = Ring.of([x for row in self.entries for pair in row for x in pair] + list(others), self.variable)
        for generator in ring.generators:
            if generator.has(self.variable):
                raise ProblemError(_FIELD, generator, f"polynomials in {self.variable}")
        return ring, [[_cleared(ring, *pair) for pair in row] for row in self.entries]

    def realised(self) -> tuple[Rows, Rows, Rows, Rows]:
        """A, B, C, D of the controllable canonical form, exactly.

        Raises:
            ProblemError: free symbols or irrational numbers, an improper transfer function.
            DimensionError: no poles.
        """
        ring, entries = self.polynomials()
        for generator in ring.generators:
            number(generator, _FIELD)  # a symbol or an irrational number, refused in those words
        numerators, denominators = (
            [[[_constant(c) for c in ring.coefficients(pair[k])] for pair in row] for row in entries] for k in (0, 1)
        )
        return realise(numerators, denominators)


def _connected(system: Any) -> Pair:
    """Numerator and denominator of a single loop, whose poles are those of the parts connected.

    sympy's own `Feedback.doit` keeps the open-loop poles as well.
    """
    if isinstance(system, Series):
        return reduce(_in_series, map(_connected, system.args))
    if isinstance(system, Parallel):
        return reduce(_in_parallel, map(_connected, system.args))
    if isinstance(system, Feedback):
        (above, below), (back, under) = _connected(system.sys1), _connected(system.sys2)
        return above * under, below * under - system.sign * above * back
    if all(hasattr(system, key) for key in _PARTS):
        return system.num, system.den
    raise ProblemError(_FIELD, type(system).__name__, "interconnections of transfer functions alone")


def _in_series(left: Pair, right: Pair) -> Pair:
    return left[0] * right[0], left[1] * right[1]


def _in_parallel(left: Pair, right: Pair) -> Pair:
    return left[0] * right[1] + right[0] * left[1], left[1] * right[1]


def _cleared(ring: Ring, above: Expr, below: Expr) -> tuple[fmpz_mpoly, fmpz_mpoly]:
    """Polynomials with the same quotient."""
    if below is S.Zero or ring.ratio(below).numerator.is_zero():
        raise ProblemError(_FIELD, "the denominator 0", "a denominator that is not zero")
    numerator, denominator = ring.ratio(above), ring.ratio(below)
    return numerator.numerator * denominator.denominator, numerator.denominator * denominator.numerator


def _constant(polynomial: fmpz_mpoly) -> int:
    return 0 if polynomial.is_zero() else int(polynomial.leading_coefficient())
