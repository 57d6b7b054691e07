"""Cases that come one by one: equations with known equilibria, and plants that an output gain stabilises or cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hybrid.selftest.oracle import Rows
from hybrid.systems.linear import LinearSystem
from hybrid.systems.numbers import spell

if TYPE_CHECKING:
    from hybrid.selftest.symbols import SymbolCase


class Question(Enum):
    """What is asked of the cases of a family; the text says which verdicts there are."""

    STABILITY = "stability of A"
    GAIN = "stability of A − B K"
    REACH = "controllable subspace of (A, B)"
    EQUILIBRIA = "equilibria in a box"
    OUTPUT_GAIN = "a gain K for which A − B K C is stable"
    SYMBOL = "sign of a PDE's symbol"


def simpler(x: Fraction) -> Iterator[Fraction]:
    """0, a unit, or numbers of half as many digits."""
    sign, drop = (1 if x > 0 else -1), x.numerator.bit_length() // 2
    if x and abs(x) != 1:
        yield Fraction(sign)
    if x:
        yield Fraction(0)
    if x.denominator > 1:
        yield Fraction(round(x))
        yield x.limit_denominator(1 << (x.denominator.bit_length() // 2))
    shorter = sign * (abs(x.numerator) >> drop << drop)
    if shorter != x.numerator:
        yield Fraction(shorter, x.denominator)


@dataclass(frozen=True)
class EquationCase:
    """x' = gain · Π((x − middle)² − sign · distance²) / Π(x − pole), whose equilibria are known.

    Attributes:
        folds: (middle, distance, sign): two equilibria where the sign is 1, a double one where it is 0, none for −1.
        poles: where f has no value; a fold whose equilibrium lies on one has none there.
        gain: ±1.
        planar: whether there is a second state, y' = x − y.
    """

    folds: tuple[tuple[Fraction, Fraction, int], ...]
    poles: tuple[Fraction, ...]
    gain: int
    planar: bool = False

    question = Question.EQUILIBRIA
    bound = 4
    """The box is −4 ≤ x ≤ 4."""

    @property
    def roots(self) -> list[Fraction]:
        """The equilibria, each once."""
        found = {m + s * abs(sign) * d for m, d, sign in self.folds if sign >= 0 for s in (-1, 1)}
        return sorted(found - set(self.poles))

    @property
    def truth(self) -> int:
        """The verdict: how many equilibria the box holds."""
        return 1 + len(self.roots)

    def sign(self, x: Fraction) -> int:
        """The sign of the right-hand side at a point that is no pole."""
        factors = [(x - m) ** 2 - sign * d * d for m, d, sign in self.folds] + [x - pole for pole in self.poles]
        is_odd = len([factor for factor in factors if factor < 0]) % 2 == 1
        return 0 if 0 in factors else -self.gain if is_odd else self.gain

    @property
    def text(self) -> str:
        """The equation."""
        above = [f"((x - ({m}))^2 - ({sign * d * d}))" for m, d, sign in self.folds]
        below = [f"(x - ({pole}))" for pole in self.poles]
        quotient = "*".join([str(self.gain), *above]) + (f"/({'*'.join(below)})" if below else "")
        return f"x' = {quotient}" + ("; y' = x - y" if self.planar else "")

    def at(self, x: Any) -> dict[str, Any]:
        """The point, or the box, where each state is x; equilibria have y = x."""
        return {"x": x, "y": x} if self.planar else {"x": x}

    def stack(self, family: str) -> ListStack:
        """A stack of this case alone."""
        return ListStack(family, (self,))

    def document(self) -> dict[str, Any]:
        """As a reproducer states it."""
        roots = [spell(root) for root in self.roots]
        box = ",".join(f"{name}=-{self.bound}:{self.bound}" for name in self.at(0))
        return {"equations": self.text, "box": box, "equilibria": roots}

    def smaller(self) -> Iterator[EquationCase]:
        """Fewer states and factors first, then simpler places."""
        if self.planar:
            yield replace(self, planar=False)
        for i in range(len(self.folds) if len(self.folds) > 1 else 0):
            yield replace(self, folds=self.folds[:i] + self.folds[i + 1 :])
        for i in range(len(self.poles)):
            yield replace(self, poles=self.poles[:i] + self.poles[i + 1 :])
        for i, (middle, distance, sign) in enumerate(self.folds):
            for shorter in simpler(middle):
                yield replace(self, folds=(*self.folds[:i], (shorter, distance, sign), *self.folds[i + 1 :]))


@dataclass(frozen=True)
class OutputCase:
    """A plant x' = A x + B u, y = C x for which a stabilising u = −K y exists, or does not, by construction."""

    A: Rows
    B: Rows
    C: Rows
    truth: int

    question = Question.OUTPUT_GAIN

    @property
    def system(self) -> LinearSystem:
        """As the public functions take it."""
        return LinearSystem(self.A, self.B, self.C)

    def stack(self, family: str) -> ListStack:
        """A stack of this case alone."""
        return ListStack(family, (self,))

    def document(self) -> dict[str, Any]:
        """As a reproducer states it: "system" has the keys of a system file."""
        parts = {"A": self.A, "B": self.B, "C": self.C}
        return {"system": {name: [[spell(x) for x in row] for row in part] for name, part in parts.items()}}

    def smaller(self) -> Iterator[OutputCase]:
        """None: of another plant the truth would not be known."""
        return iter(())


@dataclass(frozen=True)
class ListStack:
    """Cases of one family, of one kind."""

    family: str
    cases: tuple[EquationCase, ...] | tuple[OutputCase, ...] | tuple[SymbolCase, ...]

    abscissa = None
    n = 1

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def question(self) -> Question:
        """What is asked of each."""
        return self.cases[0].question

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) verdicts."""
        return np.array([case.truth for case in self.cases])

    def case(self, i: int) -> EquationCase | OutputCase | SymbolCase:
        """One of them by itself."""
        return self.cases[i]
