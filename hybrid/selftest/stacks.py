"""Cases in stacks: systems of one family, with what is true of them by construction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hybrid.selftest import oracle
from hybrid.selftest.listed import EquationCase, ListStack, OutputCase, Question, simpler
from hybrid.selftest.oracle import MARGINAL, STABLE, UNSTABLE, Rows
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.systems.numbers import spell
from hybrid.verify.lyapunov import FloatArray

if TYPE_CHECKING:
    from hybrid.selftest.symbols import SymbolCase

Codes = NDArray[np.int64]
UNDECIDED, CONTRADICTED, CRASHED = 0, -1, -2
"""Beside the verdicts of `oracle`: nothing decided; refuted by itself, its certificate or its gain; no answer."""


def worded(question: Question, code: int) -> str:
    """A verdict as a reproducer shows it.

    >>> worded(Question.REACH, oracle.reach_code(2, True))
    '2 reachable, stabilizable'
    """
    if code <= UNDECIDED:
        return {UNDECIDED: "undecided", CONTRADICTED: "contradicted", CRASHED: "raised an error"}[code]
    if question is Question.REACH:
        return f"{(code - 1) // 2} reachable, {'' if (code - 1) % 2 else 'not '}stabilizable"
    if question is Question.EQUILIBRIA:
        return f"{code - 1} equilibria"
    if question is Question.SYMBOL:
        return "nowhere negative" if code == STABLE else "negative somewhere"
    if question is Question.OUTPUT_GAIN:
        return "there is a gain" if code == STABLE else "there is none"
    return {STABLE: "stable", MARGINAL: "marginal", UNSTABLE: "unstable"}[code]


@dataclass(frozen=True)
class Matrices:
    """A stack of exact matrices of one shape.

    Attributes:
        floats: (N, r, c) nearest doubles.
        rows: N matrices of rationals, None where the doubles are the entries.
    """

    floats: FloatArray
    rows: tuple[Rows, ...] | None = None

    @classmethod
    def of(cls, integers: NDArray[Any], exponent: int | NDArray[Any] = 0, denominator: int = 1) -> Matrices:
        """integers · 2^exponent / denominator; as doubles where every entry is one."""
        if denominator == 1 and integers.dtype != object and not (np.abs(integers) > 2**53).any():
            floats = np.ldexp(integers.astype(np.float64), exponent)
            if (np.ldexp(floats, np.negative(exponent)) == integers).all():
                return cls(floats)
        powers = np.broadcast_to(np.asarray(exponent), integers.shape)
        return cls.of_rows(
            [
                [
                    [Fraction(int(x)) * Fraction(2) ** int(e) / denominator for x, e in zip(*row, strict=True)]
                    for row in zip(*both, strict=True)
                ]
                for both in zip(integers.tolist(), powers.tolist(), strict=True)
            ]
        )

    @classmethod
    def of_rows(cls, rows: Sequence[Rows]) -> Matrices:
        """Rational matrices."""
        exact = [ExactMatrix.from_fractions(tuple(map(tuple, each))) for each in rows]
        return cls(np.stack([each.floats for each in exact]), tuple(rows))

    def exact(self, i: int) -> ExactMatrix:
        """One of them as a question takes it."""
        if self.rows is None:
            return ExactMatrix.read(self.floats[i], "matrix")
        return ExactMatrix.from_fractions(tuple(map(tuple, self.rows[i])))

    def fractions(self, i: int) -> Rows:
        """One of them as the oracle takes it."""
        return [[Fraction(x) for x in row] for row in self.floats[i].tolist()] if self.rows is None else self.rows[i]

    def radius(self, chosen: NDArray[Any]) -> FloatArray | None:
        """Entrywise distance of some of them from their doubles, None where there is none."""
        return None if self.rows is None else np.spacing(np.abs(self.floats[chosen]))


@dataclass(frozen=True)
class MatrixCase:
    """One linear system and what is asked of it; `smaller` gives simpler ones, `truth` needs no construction."""

    question: Question
    discrete: bool
    A: Rows
    B: Rows | None = None
    K: Rows | None = None

    @property
    def truth(self) -> int:
        """The verdict by the oracle's own exact arithmetic."""
        if self.question is Question.REACH:
            return oracle.reach(self.A, self.B or [], self.discrete)
        return oracle.verdict(self.closed_loop, self.discrete)

    def side(self, bound: float) -> int:
        """The sign of abscissa − bound (radius − bound), by the oracle."""
        return oracle.side(self.closed_loop, self.discrete, Fraction(bound))

    @property
    def closed_loop(self) -> Rows:
        """A − B K, or A where there is no gain."""
        return self.A if self.B is None or self.K is None else oracle.minus(self.A, oracle.product(self.B, self.K))

    @property
    def system(self) -> LinearSystem:
        """As the public functions take it."""
        return LinearSystem(self.A, self.B, dt=1 if self.discrete else None)

    def stack(self, family: str) -> MatrixStack:
        """A stack of this case alone."""
        A, B, K = (None if part is None else _single(part) for part in (self.A, self.B, self.K))
        assert A is not None
        return MatrixStack(family, self.question, self.discrete, np.array([self.truth]), A, B, K)

    def document(self) -> dict[str, Any]:
        """As a reproducer states it: "system" has the keys of a system file."""
        parts = {"A": self.A, "B": self.B}
        system: dict[str, Any] = {
            name: [[spell(x) for x in row] for row in part] for name, part in parts.items() if part is not None
        }
        gain = None if self.K is None else [[spell(x) for x in row] for row in self.K]
        dt = {"dt": "1"} if self.discrete else {}
        return {"system": system | dt} | ({} if gain is None else {"gain": gain})

    def smaller(self) -> Iterator[MatrixCase]:
        """Fewer states first, then fewer inputs, then entries of fewer digits."""
        n, m = len(self.A), len(self.B[0]) if self.B is not None else 0
        for i in range(n if n > 1 else 0):
            yield self._without_state(i)
        for j in range(m if m > 1 else 0):
            yield self._without_input(j)
        for name in ("A", "B", "K"):
            part: Rows | None = getattr(self, name)
            for i, row in enumerate(part or ()):
                for j, entry in enumerate(row):
                    for shorter in simpler(entry):
                        changed = [list(other) for other in part or ()]
                        changed[i][j] = shorter
                        yield self._with(name, changed)

    def _with(self, name: str, part: Rows) -> MatrixCase:
        parts = {"A": self.A, "B": self.B, "K": self.K} | {name: part}
        return MatrixCase(self.question, self.discrete, parts["A"] or [], parts["B"], parts["K"])

    def _without_state(self, i: int) -> MatrixCase:
        def kept(row: list[Fraction]) -> list[Fraction]:
            return row[:i] + row[i + 1 :]

        A = [kept(row) for k, row in enumerate(self.A) if k != i]
        B = None if self.B is None else [row for k, row in enumerate(self.B) if k != i]
        return replace(self, A=A, B=B, K=None if self.K is None else [kept(row) for row in self.K])

    def _without_input(self, j: int) -> MatrixCase:
        B = None if self.B is None else [row[:j] + row[j + 1 :] for row in self.B]
        return replace(self, B=B, K=None if self.K is None else self.K[:j] + self.K[j + 1 :])


def _single(rows: Rows) -> Matrices:
    """As doubles where the entries are doubles."""
    exact = ExactMatrix.from_fractions(tuple(map(tuple, rows)))
    return Matrices(exact.floats[None], None if exact.radius is None else (rows,))


@dataclass(frozen=True)
class MatrixStack:
    """Linear systems of one family.

    Attributes:
        family: its name.
        question: what is asked.
        discrete: whether time runs in samples.
        truth: (N,) verdicts.
        A, B, K: states, inputs and gains.
        abscissa: (N,) the spectral abscissa (radius) as a double, NaN where it is none or not known.
    """

    family: str
    question: Question
    discrete: bool
    truth: Codes
    A: Matrices
    B: Matrices | None = None
    K: Matrices | None = None
    abscissa: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def n(self) -> int:
        """Number of states."""
        order: int = self.A.floats.shape[-1]
        return order

    def case(self, i: int) -> MatrixCase:
        """One of them by itself."""
        parts = (None if part is None else part.fractions(i) for part in (self.A, self.B, self.K))
        A, B, K = parts
        assert A is not None
        return MatrixCase(self.question, self.discrete, A, B, K)

    def system(self, i: int) -> LinearSystem:
        """One of them as the public functions take it."""
        return LinearSystem(
            self.A.exact(i), None if self.B is None else self.B.exact(i), dt=1 if self.discrete else None
        )


Case: TypeAlias = "MatrixCase | EquationCase | OutputCase | SymbolCase"
Stack = MatrixStack | ListStack
