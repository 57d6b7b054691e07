"""Branch and bound in Arb arithmetic: up to which level a quadratic form V decreases along the solutions of x' = f(x).

Everything is told in y with x = x* + T y for an invertible T of exact numbers. Then V = yᵀ(TᵀPT)y is exact even where
x* is only enclosed, and with TᵀPT ≈ I the ellipsoids V ≤ c are nearly balls, which boxes fill better than needles.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush, heapreplace
from typing import Any

from flint import arb

from hybrid.cached import cached_property
from hybrid.expressions.balls import ball, balls
from hybrid.expressions.derivatives import jacobian_tape
from hybrid.expressions.evaluate import Program
from hybrid.expressions.graph import MAX_DERIVATIVE_NODES, Graph, Tape
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.verify.equilibrium import Equilibrium

Rows = tuple[tuple[Fraction, ...], ...]

PRECISION = 64
"""Bits. The margins are those of a search that stops short of V̇ = 0; rounding is far below them."""
_MAX_DEPTH = 40
"""Bisections of one side. A root box has sides of 10 bits, so that all centres are exact doubles up to this depth."""
_ROOT_BITS = 10
_TIGHT = 0.99
"""The search ends where the level proved is this fraction of one at which V̇ ≥ 0 was seen."""


@dataclass(frozen=True)
class Cell:
    """The box |y − centre| ≤ radius, in doubles; V ≥ low on it."""

    low: float
    centre: tuple[float, ...]
    radius: tuple[float, ...]

    def __lt__(self, other: Cell) -> bool:
        return self.low < other.low

    @property
    def holds_origin(self) -> bool:
        """Whether y = 0, the equilibrium, is in the box."""
        return all(abs(c) <= r for c, r in zip(self.centre, self.radius, strict=True))

    def within(self, sides: Sequence[float]) -> bool:
        """Whether the box lies in |y_i| ≤ sides_i."""
        return all(abs(c) + r <= side for c, r, side in zip(self.centre, self.radius, sides, strict=True))


class Form:
    """V(y) = yᵀSy for a positive definite S of exact numbers."""

    def __init__(self, S: Rows) -> None:
        self._balls = [[ball(entry) for entry in row] for row in S]

    def value(self, y: Sequence[float]) -> arb:
        """V(y)."""
        value: arb = _dot(self._product(y), y)
        return value

    def cell(self, centre: tuple[float, ...], radius: tuple[float, ...]) -> Cell:
        """A box with a lower bound on V over it: V lies above its tangent at the centre, because it is convex."""
        half_slope = self._product(centre)
        low = _dot(half_slope, centre) - 2 * _dot([abs(g) for g in half_slope], radius)
        return Cell(below(low), centre, radius)

    def _product(self, y: Sequence[float]) -> list[arb]:
        return [_dot(row, y) for row in self._balls]


@dataclass(frozen=True)
class Candidate:
    """V = (x − x*)ᵀP(x − x*) in coordinates x = x* + T y, for u = u* − K (x − x*), or u* where K is None."""

    equilibrium: Equilibrium
    P: Rows
    gain: Rows | None
    T: Rows

    @cached_property
    def form(self) -> Rows:
        """TᵀPT: V as a form of y."""
        columns = tuple(zip(*self.T, strict=True))
        products = [[_dot(row, column) for column in columns] for row in self.P]
        return tuple(tuple(_dot(left, right) for right in zip(*products, strict=True)) for left in columns)

    def tapes(self) -> tuple[Tape, Tape]:
        """F = TᵀP f, and ∂F/∂y row by row, as expressions of y and x*; V̇ = 2 yᵀF."""
        system = self.equilibrium.system
        y = range(system.n)
        graph = Graph([*(f"y{i}" for i in y), *system.states], limit=MAX_DERIVATIVE_NODES)
        z = [_combination(graph, row, y) for row in self.T]
        u = [graph.constant(value) for value in self.equilibrium.inputs]
        if self.gain is not None:
            u = [graph.subtract(value, _combination(graph, row, z)) for value, row in zip(u, self.gain, strict=True)]
        nodes = graph.extend(system.rhs, [*(graph.add(system.n + i, z[i]) for i in y), *u])
        f = [nodes[output] for output in system.rhs.outputs]
        columns = zip(*self.T, strict=True)
        force = graph.tape([_combination(graph, [_dot(row, column) for row in self.P], f) for column in columns])
        return force, jacobian_tape(force, y)


class Derivative:
    r"""V̇ = 2 yᵀF(y), bounded on boxes for every x* in the enclosure of the equilibrium.

    Let J(Y) enclose ∂F/∂y over a box Y, entry by entry, for all those x*.

    With y = 0 in Y: F(0) = 0 as f(x*, u*) = 0, so F(y) = J y for some J in J(Y) (mean value theorem; J(Y) is convex and
    so is Y), and V̇ = 2 yᵀJy. Where −(J + Jᵀ) ≻ 0 for all of J(Y), V̇ < 0 on Y \ {0}.

    Elsewhere, for c + d in Y: F(c + d) = F(c) + J d, so V̇ = 2cᵀF(c) + 2 (F(c) + Jᵀc)·d + 2 dᵀJd. The last term is
    bounded entry by entry, and by 0 where −(J + Jᵀ) ≻ 0 for all of J(Y).

    Either way ∂F/∂y was enclosed over Y: f is defined there, and Lipschitz. (For abs read Clarke's derivative, for
    which the mean value theorem holds: Clarke 1983, 2.6.5.)
    """

    def __init__(self, candidate: Candidate) -> None:
        self._force, self._slopes = (Program(tape, balls()) for tape in candidate.tapes())
        equilibrium = candidate.equilibrium
        enclosure = [equilibrium.box[name] for name in equilibrium.system.states]
        self._equilibrium = [ball(lower).union(ball(upper)) for lower, upper in enclosure]

    def decreases(self, cell: Cell) -> tuple[bool, Sequence[float]]:
        """Whether V̇ < 0 on a box, 0 excepted; and, if not, how much each side adds to the doubt."""
        n, radius = len(cell.centre), cell.radius
        try:
            J = self._slopes([*map(arb, cell.centre, radius), *self._equilibrium])
            S = [[J[i * n + j] + J[j * n + i] for j in range(n)] for i in range(n)]
            concave = positive_definite([[-entry for entry in row] for row in S])
            if cell.holds_origin:
                return concave, radius
            F = self._force([*map(arb, cell.centre), *self._equilibrium])
        except DomainError:
            return False, radius
        pull = [F[i] + _dot(J[i::n], cell.centre) for i in range(n)]
        slopes = [2 * abs(entry) * r for entry, r in zip(pull, radius, strict=True)]
        curves = [_dot([abs(s) for s in row], radius) * r for row, r in zip(S, radius, strict=True)]
        bound = 2 * _dot(F, cell.centre) + sum(slopes, arb(0))
        if bound + (0 if concave else sum(curves, arb(0))) < 0:
            return True, ()
        return False, [float((slope + curve).upper()) for slope, curve in zip(slopes, curves, strict=True)]

    def at(self, y: Sequence[float]) -> arb:
        """V̇ at a point."""
        half: arb = _dot(self._force([*map(arb, y), *self._equilibrium]), y)
        return 2 * half


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return sum(map(operator.mul, a, b))


def _combination(graph: Graph, factors: Sequence[Fraction], nodes: Sequence[int]) -> int:
    """The sum of some nodes times numbers."""
    total = graph.constant(0)
    for factor, node in zip(factors, nodes, strict=True):
        total = graph.add(total, graph.multiply(graph.constant(factor), node))
    return total


def positive_definite(S: list[list[arb]]) -> bool:
    """Whether elimination over balls shows every symmetric matrix of the enclosure positive definite.

    The pivots of each such matrix lie in the balls computed, and a symmetric matrix is positive definite where all its
    pivots are positive (Sylvester).

    >>> positive_definite([[arb(2), arb(0, 1)], [arb(0, 1), arb(2)]]), positive_definite([[arb(0, 1)]])
    (True, False)
    """
    rows = [list(row) for row in S]
    for k, pivots in enumerate(rows):
        if not pivots[k] > 0:
            return False
        for row in rows[k + 1 :]:
            factor = row[k] / pivots[k]
            for j in range(k + 1, len(rows)):
                row[j] -= factor * pivots[j]
    return True


def proved_level(
    candidate: Candidate, reach: Sequence[float], target: float, spent: Callable[[int], bool]
) -> tuple[float, int]:
    """The level below which V̇ < 0 is proved, by bisecting a box around the equilibrium, lowest V first.

    Of the boxes left, the one on which V may be least is tested and, where that fails, bisected; so all y of the root
    box with V(y) below the bound of that box are proved at any time.

    Args:
        candidate: P positive definite, a system in continuous time.
        reach: sides of the root box |y_i| ≤ reach_i.
        target: stop where more than this is proved.
        spent: whether a number of boxes, or the time, is too much.

    Returns:
        ℓ such that V̇ < 0 at all y ≠ 0 of the root box with V(y) < ℓ, 0 where nothing was proved; boxes tested.
    """
    with working_precision(PRECISION):
        form, derivative = Form(candidate.form), Derivative(candidate)
        root = _short(reach)
        core = _core(derivative, root)
        smallest = [math.ldexp(r, -_MAX_DEPTH) for r in root]
        cells = [form.cell((0.0,) * len(root), root)]
        ceiling, tested = math.inf, 0
        while cells:
            cell = cells[0]
            if cell.low > target or cell.low >= _TIGHT * ceiling or spent(tested):
                break
            tested += 1
            proved, doubts = (True, ()) if cell.within(core) else derivative.decreases(cell)
            if proved:
                heappop(cells)
                continue
            ceiling = min(ceiling, _ceiling(form, derivative, cell))
            side = max(range(len(root)), key=lambda i: doubts[i] if cell.radius[i] > smallest[i] else -1.0)
            if cell.radius[side] <= smallest[side]:
                break
            first, second = (form.cell(*half) for half in _halves(cell, side))
            heapreplace(cells, first)
            heappush(cells, second)
    return max(0.0, cells[0].low) if cells else math.inf, tested


def _core(derivative: Derivative, root: tuple[float, ...]) -> tuple[float, ...]:
    """Sides of a box |y_i| ≤ core_i that the first test of `Derivative` shows, the largest 2^−k·root; 0 for none.

    Boxes beside the equilibrium would else have to be small against their distance from it.
    """
    for depth in range(_MAX_DEPTH):
        sides = tuple(math.ldexp(r, -depth) for r in root)
        if derivative.decreases(Cell(0.0, (0.0,) * len(root), sides))[0]:
            return sides
    return (0.0,) * len(root)


def _ceiling(form: Form, derivative: Derivative, cell: Cell) -> float:
    """V at the centre of a box if V̇ ≥ 0 there: no higher level can be proved."""
    if not any(cell.centre):
        return math.inf
    try:
        rises = not derivative.at(cell.centre) < 0
    except DomainError:
        rises = True
    return float(form.value(cell.centre).upper()) if rises else math.inf


def _halves(cell: Cell, side: int) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    half = cell.radius[side] / 2
    radius = (*cell.radius[:side], half, *cell.radius[side + 1 :])
    centres = (cell.centre[side] + offset for offset in (-half, half))
    return [((*cell.centre[:side], centre, *cell.centre[side + 1 :]), radius) for centre in centres]


def _short(reach: Sequence[float]) -> tuple[float, ...]:
    """The sides rounded up to a few bits."""
    parts = (math.frexp(r) for r in reach)
    return tuple(math.ldexp(math.ceil(mantissa * 2**_ROOT_BITS), exponent - _ROOT_BITS) for mantissa, exponent in parts)


def below(value: arb) -> float:
    """A double that is no larger than any number of the ball."""
    return math.nextafter(float(value.lower()), -math.inf)
