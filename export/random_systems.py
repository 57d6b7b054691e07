"""Random systems as the paper draws them (Charton, Hayat, Lample 2020), with values, adjoints and Jacobians.

Own implementation of the distributions that ../shared/paper/FACTS.md describes (A0–A4).

    python -m hybrid.export.random_systems

tells how many systems of each task and size one core draws and differentiates in a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.expressions.tokens import integer_tokens, is_number, number_value
from hybrid.propose.expression_trees import NUMBER, OPERATORS
from hybrid.propose.readings import INSTANTS
from hybrid.systems.tokens import TokenSystem

from .expression_kernels import INTEGER, VARIABLE, draw_systems, evaluate, link, shape_counts


class Distribution(NamedTuple):
    """Of one task: degrees, the point, the operators of an equation, and whether complex derivatives are redrawn."""

    degrees: tuple[int, ...]
    point: float
    controlled: bool = False
    timed: bool = False
    real: bool = False

    def most_controls(self, degree: int) -> int:
        """p is uniform in 1…⌊d/2⌋."""
        return degree // 2 if self.controlled else 0

    def operators(self, variables: int) -> tuple[int, int]:
        """Fewest and most operators of an equation of a system with so many states and controls."""
        return (variables if self.controlled else 3), 2 * variables + 2


DISTRIBUTIONS = {
    "stability": Distribution((2, 3, 4, 5), 0.01),
    "speed": Distribution((2, 3, 4, 5, 6), 0.01),
    "control": Distribution((3, 4, 5, 6), 0.9, controlled=True, real=True),
    "gram": Distribution((3, 4, 5, 6), 0.5, controlled=True, real=True),
    "control_t": Distribution((2, 3), 0.5, controlled=True, timed=True),
}


@dataclass(frozen=True)
class Forest:
    """Systems of one degree and number of controls, drawn together: prefix arrays over all their nodes.

    Attributes:
        task, degree, controls: what they are of; `timed` ones have time as last variable.
        point: the values of the variables, (v,).
        symbol, number, left, right: (N,) see `expression_kernels`.
        value, adjoint: (N,) complex; slope: (N, 2), of a node with respect to its children.
        start: (S·d + 1,) where each equation begins.
        jacobian: (S, d, d + p) complex.
    """

    task: str
    degree: int
    controls: int
    point: NDArray[np.complex128]
    symbol: NDArray[np.int16]
    number: NDArray[np.int16]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.complex128]
    slope: NDArray[np.complex128]
    adjoint: NDArray[np.complex128]
    start: NDArray[np.int64]
    jacobian: NDArray[np.complex128]

    def __len__(self) -> int:
        return len(self.jacobian)

    def system(self, i: int) -> TokenSystem:
        """The i-th in tokens."""
        rows = range(i * self.degree, (i + 1) * self.degree)
        return TokenSystem(
            self.degree, self.controls, len(self.point) > self.degree + self.controls, tuple(map(self._tokens, rows))
        )

    def _tokens(self, equation: int) -> tuple[str, ...]:
        tokens: list[str] = []
        for at in range(*self.start[equation : equation + 2]):
            symbol = self.symbol[at]
            if symbol == INTEGER:
                tokens += integer_tokens(int(self.number[at]))
            else:
                tokens.append(OPERATORS[symbol] if symbol < INTEGER else f"x{symbol - VARIABLE}")
        return tuple(tokens)


def forest(
    rng: np.random.Generator, task: str, count: int, degree: int, controls: int, *, more_operators: int = 0,
    instant: float = INSTANTS[0],
) -> Forest:  # fmt: skip
    """`count` systems of one size.

    Args:
        rng: where they come from.
        task: of `DISTRIBUTIONS`.
        count: how many systems.
        degree, controls: their size.
        more_operators: added to the fewest and to the most operators of an equation (the paper tries n and 2n).
        instant: the time at which a timed system is differentiated.
    """
    given = DISTRIBUTIONS[task]
    columns = degree + controls
    variables = columns + given.timed
    fewest, most = given.operators(columns)
    fewest, most = fewest + more_operators, most + more_operators
    room = count * degree * (2 * most + 1) + (2 * most + 1) * degree
    point = np.full(variables, given.point, complex)
    point[columns:] = instant
    symbol, number = np.empty(room, np.int16), np.empty(room, np.int16)
    left, right = np.empty(room, np.int32), np.empty(room, np.int32)
    value, adjoint, slope = np.empty(room, complex), np.empty(room, complex), np.empty((room, 2), complex)
    start = np.empty(count * degree + 1, np.int64)
    jacobian = np.empty((count, degree, columns), complex)
    end = draw_systems(
        rng, count, degree, variables, fewest, most, point, given.real, shape_counts(most),
        symbol, number, left, right, value, slope, adjoint, start, jacobian,
    )  # fmt: skip
    return Forest(
        task, degree, controls, point, symbol[:end], number[:end], left[:end], right[:end],
        value[:end], slope[:end], adjoint[:end], start,
        jacobian,
    )  # fmt: skip


def sizes(task: str) -> Iterator[tuple[int, int, float]]:
    """Every degree and number of controls of a task, with its share."""
    given = DISTRIBUTIONS[task]
    for degree in given.degrees:
        controls = range(1, given.most_controls(degree) + 1) if given.controlled else range(1)
        for p in controls:
            yield degree, p, 1 / (len(given.degrees) * len(controls))


def differentiate(
    systems: Sequence[TokenSystem], points: Sequence[Sequence[complex]]
) -> list[NDArray[np.complex128] | None]:
    """Jacobians in double precision with respect to all variables, None where a value on the way is not finite."""
    found: list[NDArray[np.complex128] | None] = []
    for system, point in zip(systems, points, strict=True):
        columns = {name: VARIABLE + i for i, name in enumerate(system.variables)}
        jacobian = np.empty((system.states, len(columns)), complex)
        finite = all(
            _gradient(words, columns, np.array(point, complex), jacobian[row]) for row, words in enumerate(system.words)
        )
        found.append(jacobian if finite else None)
    return found


def _gradient(words: Sequence[str], columns: dict[str, int], point: NDArray[Any], gradient: NDArray[Any]) -> bool:
    symbol = np.array([NUMBER.get(word, columns.get(word, INTEGER)) for word in words], np.int16)
    number = np.array([float(number_value(word)) if is_number(word) else 0.0 for word in words])
    left, right = np.empty(len(words), np.int32), np.empty(len(words), np.int32)
    value, adjoint, slope = (
        np.empty(len(words), complex),
        np.empty(len(words), complex),
        np.empty((len(words), 2), complex),
    )
    link(symbol, 0, len(words), left, right)
    return bool(evaluate(symbol, number, left, right, 0, len(words), point, value, slope, adjoint, gradient))


def main() -> None:
    """Measure the generator; the first call of each size compiles or warms up, and is left out."""
    rng = np.random.default_rng(0)
    for task in DISTRIBUTIONS:
        for degree, controls, _ in sizes(task):
            forest(rng, task, 10, degree, controls)
            began = time.perf_counter()
            forest(rng, task, 4000, degree, controls)
            rate = 4000 / (time.perf_counter() - began)
            print(f"{task}, {degree} states, {controls} inputs: {rate:,.0f} systems a second")


if __name__ == "__main__":
    main()
