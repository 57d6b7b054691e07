"""PDEs whose symbol has the minimum zero, or misses it by little, by construction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

from hybrid.selftest.findings import Chosen, Findings
from hybrid.selftest.listed import ListStack, Question
from hybrid.selftest.oracle import STABLE, UNSTABLE
from hybrid.selftest.spectra import Draw
from hybrid.selftest.stacks import CONTRADICTED, UNDECIDED
from hybrid.systems.pde import LinearPDE

Powers = tuple[int, ...]
Side = tuple[Fraction, Fraction | None]
_HALF: Side = (Fraction(0), None)


@dataclass(frozen=True)
class SymbolCase:
    """q = (a ηᵅ − b ηᵝ)² − 2ab·ε·ηᵅ⁺ᵝ with a = tᵝ, b = tᵅ at a point t of the box: q(t) = −2ab·ε·tᵅ⁺ᵝ.

    Attributes:
        powers: α and β, each with even entries or each with the same parity, so that q has even orders alone.
        touching: t, positive.
        excess: ε; q ≥ 0 exactly if it is not positive, as long as |ε| ≤ 1.
        box: the support, which holds t and only nonnegative wave numbers.
    """

    powers: tuple[Powers, Powers]
    touching: tuple[Fraction, ...]
    excess: Fraction
    box: tuple[Side, ...]

    question = Question.SYMBOL

    @property
    def truth(self) -> int:
        """The verdict: stable where q is nowhere negative."""
        return UNSTABLE if self.excess > 0 else STABLE

    @property
    def terms(self) -> dict[Powers, Fraction]:
        """Of q."""
        alpha, beta = self.powers
        a, b = (prod((x**k for x, k in zip(self.touching, e, strict=True)), start=Fraction(1)) for e in (beta, alpha))
        found: dict[Powers, Fraction] = {}
        for value, e, f in ((a * a, alpha, alpha), (b * b, beta, beta), (-2 * a * b * (1 + self.excess), alpha, beta)):
            powers = tuple(j + k for j, k in zip(e, f, strict=True))
            found[powers] = found.get(powers, Fraction(0)) + value
        return found

    @property
    def equation(self) -> LinearPDE:
        """P with Re P(iη) = q."""
        operator = [(-value if sum(powers) % 4 else value, powers) for powers, value in self.terms.items()]
        return LinearPDE.from_bounds(operator, self.box)

    def stack(self, family: str) -> ListStack:
        """A stack of this case alone."""
        return ListStack(family, (self,))

    def document(self) -> dict[str, Any]:
        """As a reproducer states it."""
        return {"system": self.equation.as_document(), "touching": [str(x) for x in self.touching]}

    def smaller(self) -> Iterator[SymbolCase]:
        """The whole quadrant, and the point 1 in place of another."""
        if any(side != _HALF for side in self.box):
            yield replace(self, box=(_HALF,) * len(self.box))
        if any(x != 1 for x in self.touching) and all(side == _HALF for side in self.box):
            yield replace(self, touching=(Fraction(1),) * len(self.box))


def zero_minima(rng: Draw, count: int) -> ListStack:
    """Squares of differences of two monomials, whose mixed term is as it is, a little smaller, or a little larger."""
    return ListStack("PDE symbols", tuple(_case(rng) for _ in range(count)))


def _case(rng: Draw) -> SymbolCase:
    n = int(rng.integers(1, 4))
    alpha = rng.integers(0, 3, n)
    beta = alpha + 2 * rng.integers(-1, 2, n)
    if (alpha == beta).all() or (beta < 0).any():
        alpha, beta = 2 * rng.permutation(n) + 2, 0 * alpha
    touching = tuple(Fraction(int(x), 2) for x in rng.integers(1, 7, n))
    excess = Fraction(int(rng.integers(-1, 2)), 10 ** int(rng.choice((1, 3, 6, 18))))
    box = tuple(
        (Fraction(0), None) if rng.random() < 0.6 else (x * Fraction(int(rng.integers(0, 3)), 3), x + 1)
        for x in touching
    )
    powers = (tuple(map(int, alpha)), tuple(map(int, beta)))
    return SymbolCase(powers, touching, excess, box)


def bounds(stack: ListStack, rows: Chosen) -> Findings:
    """The whole answer about each equation, with a certificate that the stand-alone checker accepts."""
    return Findings.of([_answer(case) for case in map(stack.case, rows.tolist()) if isinstance(case, SymbolCase)])


def _answer(case: SymbolCase) -> int:
    from hybrid import api
    from hybrid.certificate import check

    answer = api.pde(case.equation)
    if answer.certificate is not None and not check(answer.certificate).valid:
        return CONTRADICTED
    assert answer.evolution is not None
    holds = answer.evolution.stays_bounded
    if answer.evolution.exists is False and holds is not False:
        return CONTRADICTED
    return UNDECIDED if holds is None else STABLE if holds else UNSTABLE
