"""Check claims about regions of the states; `checker_equations.py` calls this file, which has to lie beside it.

Both proofs are repeated here by bisection, in the ball arithmetic of python-flint, with the parser and the automatic
differentiation of checker_equations.py. They take at most MAX_BOXES boxes; what needs more is refused.

  region of attraction  {"point", "P", "level", "gain" or none}, continuous time: every solution of x' = f(x, u) with
    u = u* − K (x − x*) (u = u* without a gain) that starts where V(x) = (x − x*)ᵀP(x − x*) ≤ level stays there and
    tends to x*, the one equilibrium in the enclosure "point". Proved by V̇ < 0 on that ellipsoid without x*
    (Khalil 2002, Theorem 4.1), and f locally Lipschitz on it.
  equilibria  {"box", "points"}: each of the points, enclosures that are disjoint and meet the box, holds exactly one
    equilibrium, and no other equilibrium lies in the box. (One whose enclosure crosses the border may lie outside.) A
    point of the box where f has no value is no equilibrium.

The witness {"boxes": count} says how many boxes the program that wrote the certificate needed, and proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

MAX_BOXES = 400_000
MAX_POINTS = 1000
_BITS = 96  # of the balls over boxes; the doubles that bound boxes have 53
_DEPTH = 40  # bisections of one side of the box around an ellipsoid
_SHORT = 2**10  # the sides of that box are multiples of 1/1024, so that 40 bisections leave the centres exact doubles
_FINEST = 2.0**-44  # a side of a box of states, relative to the whole side, that is bisected no further
_START = Fraction(1, 2**40)  # by how much, at least, an enclosure is widened at first; doubled after that
_WIDENINGS = 60
_LARGEST = 10**150  # of the bounds of a box of states, to stay in the range of doubles
_CONDITION = "P is too badly conditioned for this checker."
_ROUNDS = 3  # contractions of a box before it is bisected

Rows = list[list[Fraction]]
Side = tuple[Fraction, Fraction]
Sides = tuple[tuple[float, float], ...]


def read(entries: dict[str, Any], system: Any, core: Any, equations: Any) -> _Attraction | _Equilibria:
    """The claim: `words()` says it, `prove()` says how it was proved, or refuses it by an exception."""
    core._word(entries["method"], "The method", ("branch and bound",))
    boxes = core._count(core._fields(entries["witness"], "The witness", "boxes")["boxes"])
    core._expect(boxes <= MAX_BOXES, f"Its proof needs more than the {MAX_BOXES} boxes that this checker undertakes.")
    claim = _Attraction if entries["claim"]["about"] == "region of attraction" else _Equilibria
    return claim(entries["claim"], system, core, equations)


def _expect_in_place(system: Any, point: Sequence[Side], core: Any, equations: Any) -> None:
    flint = equations._flint(core)
    with flint.ctx.workprec(equations._precision(point, core)):
        equations._expect_equilibrium(system, point, equations._Arithmetic(flint, nonsmooth=True), core)


# -------------------------------------------------------------------------------------- regions of attraction


class _Attraction:
    def __init__(self, claim: Any, system: Any, core: Any, equations: Any) -> None:
        self.system, self.core, self.equations = system, core, equations
        core._fields(claim, "The claim", "about point P level", "gain")
        n, m = len(system.states), len(system.inputs)
        if system.dt is not None:
            raise core.Unreadable("A region of attraction is claimed in continuous time only.")
        self.point = equations._point(claim["point"], system, core)
        self.P = core._matrix(claim["P"], "P", n, n)
        self.level = core._number(claim["level"], "The level")
        if "gain" in claim and not m:
            raise core.Unreadable("The claim is about a gain, and the system has no inputs.")
        self.gain = core._matrix(claim["gain"], "The gain", m, n) if "gain" in claim else None

    def words(self) -> str:
        law = " under u = u* − K (x − x*)" if self.gain else ""
        region = f"(x − x*)ᵀP(x − x*) ≤ {self.core._shown(self.level)}"
        place = self.equations._words(self.point, self.system.names)
        return f"every solution{law} from {region} stays there and tends to the equilibrium x*: {place}"

    def prove(self) -> str:
        core = self.core
        core._expect(core._transposed(self.P) == self.P, "P is not symmetric.")
        core._expect(self.level > 0, "The level is not positive.")
        core._expect(core._positive_definite(core._integers(self.P)[0]), "P is not positive definite.")
        _expect_in_place(self.system, self.point, core, self.equations)
        with self.equations._flint(core).ctx.workprec(_BITS):
            unit = [[entry / self.level for entry in row] for row in self.P]  # V/level ≤ 1
            tested = _Decrease(self.system, self.point, unit, self.gain, self.equations, core).prove()
        return f"Proved in ball arithmetic: V decreases in each of {tested} boxes."


class _Decrease:
    r"""V̇ < 0 on V ≤ 1 without x*, in y with x = x* + T y, where TᵀPT ≈ I and the ellipsoid is nearly the unit ball.

    With F = TᵀP f and J(Y) an enclosure of ∂F/∂y over a box Y, for every x* in its enclosure, V̇ = 2 yᵀF(y), and
      y = 0 in Y: F(0) = 0, so that F(y) = J y for some J in J(Y): V̇ < 0 on Y \ {0} where −(J + Jᵀ) ≻ 0;
      else, for c + d in Y: V̇ = 2cᵀF(c) + 2 (F(c) + Jᵀc)·d + 2 dᵀJd with some J in J(Y).
    """

    def __init__(self, system: Any, point: Sequence[Side], P: Rows, gain: Rows | None, equations: Any, core: Any):
        self.system, self.equations, self.core, self.n = system, equations, core, len(P)
        self.o = o = equations._Arithmetic(equations._flint(core), nonsmooth=True)
        T = _coordinates(P, core)
        self.arb = o.flint.arb
        self.place = [o.ball(low).union(o.ball(high)) for low, high in point]
        fed_back = core._product(gain or [[Fraction(0)] * self.n] * len(system.inputs), T) if system.inputs else []
        self.slopes = [[o.ball(x) for x in row] for row in [*T, *([-x for x in row] for row in fed_back)]]
        self.force = [[o.ball(x) for x in row] for row in core._product(core._transposed(T), P)]  # TᵀP
        form = core._product(core._product(core._transposed(T), P), T)
        self.form = [[o.ball(x) for x in row] for row in form]
        self.root = self._root()

    def _root(self) -> tuple[float, ...]:
        """Sides |y_i| ≤ √((TᵀPT)⁻¹_ii) of a box around V ≤ 1, rounded up."""
        try:
            inverse = self.o.flint.arb_mat(self.form).inv()
        except ZeroDivisionError:
            raise self.core._Refused(_CONDITION) from None
        reach = [float(inverse[i, i].sqrt().upper()) for i in range(self.n)]
        self.core._expect(all(0 < side < 1000 for side in reach), _CONDITION)
        return tuple((math.floor(side * _SHORT) + 2) / _SHORT for side in reach)

    def prove(self) -> int:
        """Bisect the box around V ≤ 1; the number of boxes tested."""
        smallest = [math.ldexp(side, -_DEPTH) for side in self.root]
        core_box, tested = self._core(), 0
        left = [((0.0,) * self.n, self.root)]
        while left:
            centre, radius = left.pop()
            if self._is_outside(centre, radius):
                continue
            if all(abs(c) + r <= side for c, r, side in zip(centre, radius, core_box, strict=True)):
                continue
            tested += 1
            self.core._expect(tested <= MAX_BOXES, f"V is not shown to decrease by {MAX_BOXES} boxes.")
            doubts = self._doubts(centre, radius)
            if doubts is None:
                continue
            side = max(range(self.n), key=lambda i: doubts[i] if radius[i] > smallest[i] else -1.0)
            self.core._expect(radius[side] > smallest[side], "V is not shown to decrease near a point of the region.")
            half = radius[side] / 2
            parts = (*radius[:side], half, *radius[side + 1 :])
            left += [((*centre[:side], centre[side] + h, *centre[side + 1 :]), parts) for h in (half, -half)]
        return tested

    def _core(self) -> tuple[float, ...]:
        """A box around x* on which the first test succeeds; beside x* others would have to be arbitrarily small."""
        for depth in range(_DEPTH):
            sides = tuple(math.ldexp(side, -depth) for side in self.root)
            if self._doubts((0.0,) * self.n, sides) is None:
                return sides
        raise self.core._Refused("V is not shown to decrease near the equilibrium.")

    def _is_outside(self, centre: Sequence[float], radius: Sequence[float]) -> bool:
        """Whether V > 1 on a box: V is convex, and lies above its tangent at the centre."""
        half_slope = [_dot(row, centre) for row in self.form]
        return bool(_dot(half_slope, centre) - 2 * _dot([abs(x) for x in half_slope], radius) > 1)

    def _doubts(self, centre: Sequence[float], radius: Sequence[float]) -> list[float] | None:
        """None where V̇ < 0 is proved on a box, x* excepted; else how much each side adds to the doubt."""
        self.o.afford(self.n**3)
        try:
            J = self._derivative(centre, radius)
        except self.equations._Undefined:
            return [float(r) for r in radius]
        S = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(J, self.core._transposed(J), strict=True)]
        concave = self.equations._positive(-self.o.flint.arb_mat(S))
        if all(abs(c) <= r for c, r in zip(centre, radius, strict=True)):
            return None if concave else [float(r) for r in radius]
        try:
            F = self._value(centre)
        except self.equations._Undefined:
            return [float(r) for r in radius]
        middle = 2 * _dot(F, centre)
        if middle > 0 and not self._is_outside_at(centre):
            raise self.core._Refused("V increases at a point of the region.")
        pull = [F[i] + _dot([row[i] for row in J], centre) for i in range(self.n)]
        slopes = [2 * abs(p) * r for p, r in zip(pull, radius, strict=True)]
        curves = [_dot([abs(s) for s in row], radius) * r for row, r in zip(S, radius, strict=True)]
        if middle + sum(slopes) + (0 if concave else sum(curves)) < 0:
            return None
        return [float((slope + curve).upper()) for slope, curve in zip(slopes, curves, strict=True)]

    def _is_outside_at(self, y: Sequence[float]) -> bool:
        return not _dot([_dot(row, y) for row in self.form], y) <= 1

    def _value(self, y: Sequence[float]) -> list[Any]:
        """F(y)."""
        x = [start + _dot(row, y) for start, row in zip(self.place, self.slopes, strict=True)]
        f = [self.o.ball(value) for value in self.equations._values(self.system.programs, x, self.o)]
        return [_dot(row, f) for row in self.force]

    def _derivative(self, centre: Sequence[float], radius: Sequence[float]) -> list[list[Any]]:
        """∂F/∂y over a box."""
        box = [self.arb(c, r) for c, r in zip(centre, radius, strict=True)]
        point = [
            (start + _dot(row, box), dict(enumerate(row))) for start, row in zip(self.place, self.slopes, strict=True)
        ]
        gradients = [self.equations._evaluate(program, point, self.o)[1] for program in self.system.programs]
        zero = self.arb(0)
        columns = [[self.o.ball(g[j]) if j in g else zero for g in gradients] for j in range(self.n)]
        return [[_dot(row, column) for column in columns] for row in self.force]


def _coordinates(P: Rows, core: Any) -> Rows:
    """T with TᵀPT ≈ I: the inverse of the transposed Cholesky factor, in doubles. It need not be accurate."""
    n = len(P)
    try:
        a = [[float(entry) for entry in row] for row in P]
        L = [[0.0] * n for _ in range(n)]
        for i in range(n):
            for j in range(i):
                L[i][j] = (a[i][j] - math.fsum(L[i][k] * L[j][k] for k in range(j))) / L[j][j]
            L[i][i] = math.sqrt(a[i][i] - math.fsum(x * x for x in L[i][:i]))
        inverse = [[0.0] * n for _ in range(n)]
        for j in range(n):
            for i in range(j, n):
                rest = float(i == j) - math.fsum(L[i][k] * inverse[k][j] for k in range(j, i))
                inverse[i][j] = rest / L[i][i]
        return [[Fraction(inverse[j][i]) for j in range(n)] for i in range(n)]
    except (ArithmeticError, ValueError):
        raise core._Refused(_CONDITION) from None


def _dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    return sum(x * y for x, y in zip(a, b, strict=True))


# ------------------------------------------------------------------------------------------------ equilibria


class _Equilibria:
    def __init__(self, claim: Any, system: Any, core: Any, equations: Any) -> None:
        self.system, self.core, self.equations, self.n = system, core, equations, len(system.states)
        core._fields(claim, "The claim", "about box points")
        self.box = equations._point(claim["box"], system, core)
        points = core._list(claim["points"], "The points")
        if len(points) > MAX_POINTS:
            raise core.Unreadable(f"There are more than {MAX_POINTS} points.")
        self.points = [equations._point(point, system, core) for point in points]

    def words(self) -> str:
        shown, words, n = self.core._shown, self.equations._words, self.n
        sides = zip(self.system.states, self.box, strict=False)
        where = ", ".join(f"{shown(low)} ≤ {name} ≤ {shown(high)}" for name, (low, high) in sides)
        given = f", where {words(self.box[n:], self.system.inputs)}," if self.system.inputs else ""
        if not self.points:
            return f"the box {where}{given} holds no equilibrium"
        count = "one equilibrium" if len(self.points) == 1 else f"{len(self.points)} equilibria"
        crossing = sum(not _lies_in(point, self.box) for point in self.points)
        outside = f" ({crossing} of them on the border, or just outside)" if crossing else ""
        listed = "; ".join(words(point[:n], self.system.states) for point in self.points)
        return f"the box {where}{given} holds exactly {count}{outside}: {listed}"

    def prove(self) -> str:
        core, n = self.core, self.n
        for i, point in enumerate(self.points):
            core._expect(point[n:] == self.box[n:], "The points and the box have different inputs.")
            core._expect(_overlap(point, self.box), "A point lies outside the box.")
            disjoint = not any(_overlap(point, other) for other in self.points[:i])
            core._expect(disjoint, "Two enclosures meet, and may hold the same equilibrium.")
            _expect_in_place(self.system, point, core, self.equations)
        with self.equations._flint(core).ctx.workprec(_BITS):
            tested = _Search(self.system, self.box, self.points, self.equations, core).run()
        return f"Proved in ball arithmetic over {tested} boxes."


def _overlap(one: Sequence[Side], other: Sequence[Side]) -> bool:
    return all(a <= d and c <= b for (a, b), (c, d) in zip(one, other, strict=True))


class _Search:
    """Bisection of a box of states until no part can hold an equilibrium beside those that are listed."""

    def __init__(self, system: Any, box: Sequence[Side], places: Sequence[Sequence[Side]], equations: Any, core: Any):
        self.system, self.equations, self.core, self.n = system, equations, core, len(system.states)
        self.o = equations._Arithmetic(equations._flint(core), nonsmooth=True)
        self.partial = equations._Arithmetic(equations._flint(core), partial=True)
        self.inputs = [low for low, _ in box[self.n :]]
        core._expect(all(abs(x) <= _LARGEST for side in box for x in side), "The box is too large to be checked.")
        self.root: Sides = tuple(_outwards(*side) for side in box[: self.n])
        self.smallest = [_FINEST * (high - low) for low, high in self.root]
        self.places = [place[: self.n] for place in places]
        self.known = [self._alone(place) for place in self.places]

    def _alone(self, place: Sequence[Side]) -> list[Side]:
        """A box around a listed equilibrium in which there is no other: the enclosure, widened as far as it goes."""
        best = list(place)
        width = max(max(high - low, _START * max(Fraction(1), abs(high))) for low, high in place)
        inputs = [(value, value) for value in self.inputs]
        for _ in range(_WIDENINGS):
            wider = [(_short(low - width, False), _short(high + width, True)) for low, high in place]
            try:
                if not self.equations._holds_one(self.system, [*wider, *inputs], self.o):
                    break
            except self.equations._Undefined:
                break
            if any(abs(x) > _LARGEST for side in wider for x in side):
                break
            best, width = wider, 2 * width
        return best

    def run(self) -> int:
        """The number of boxes examined."""
        left, tested = [self.root], 0
        while left:
            tested += 1
            self.core._expect(tested <= MAX_BOXES, f"The box is not searched by {MAX_BOXES} parts.")
            left += self._rest(left.pop())
        return tested

    def _rest(self, box: Sides) -> list[Sides]:
        """What is left to examine of a box: nothing, or its halves."""
        for _ in range(_ROUNDS):
            if any(_lies_in(box, known) for known in self.known):
                return []
            smaller = self._contracted(box)
            if smaller is None:
                return []
            shrank = any(b - a < 0.75 * (d - c) for (a, b), (c, d) in zip(smaller, box, strict=True))
            box = smaller
            if not shrank:
                break
        widths = [(high - low) / (b - a) if b > a else 0.0 for (low, high), (a, b) in zip(box, self.root, strict=True)]
        side = widths.index(max(widths))
        low, high = box[side]
        middle = low + 0.47 * (high - low)  # off the centre, where equilibria like to be
        fine = high - low > self.smallest[side] and low < middle < high
        self.core._expect(fine, "A part of the box may hold an equilibrium that is not listed.")
        return [(*box[:side], half, *box[side + 1 :]) for half in ((low, middle), (middle, high))]

    def _contracted(self, box: Sides) -> Sides | None:
        """The part of a box that may hold equilibria not listed; None where there is none."""
        X = [self.o.ball(Fraction(low)).union(self.o.ball(Fraction(high))) for low, high in box]
        try:
            if not self._may_vanish(X):
                return None
            image = self.equations._krawczyk(X, self.inputs, self.system, self.o)
        except self.equations._Nowhere:
            return None
        except self.equations._Undefined:
            return box
        if image is None or not all(x.is_finite() for x in image):
            return box
        if not all(x.overlaps(y) for x, y in zip(X, image, strict=True)):
            return None
        is_one = all(x.contains_interior(y) for x, y in zip(X, image, strict=True))
        if is_one and any(_lies_in(place, box) for place in self.places):
            return None  # the one zero in X is the listed one
        hull = [_outwards(_fraction(y.lower()), _fraction(y.upper())) for y in image]
        part = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, hull, strict=True))
        return part if all(low <= high for low, high in part) else None

    def _may_vanish(self, X: list[Any]) -> bool:
        """Whether the enclosures of g over the part of a box where g is defined hold 0."""
        values = self.equations._values(self.system.programs, [*X, *self.inputs], self.partial)
        g = [self.o.ball(value) for value in values]
        if self.system.dt is not None:
            g = [value - x for value, x in zip(g, X, strict=True)]
        return all(value.contains(0) for value in g)


def _outwards(low: Fraction, high: Fraction) -> tuple[float, float]:
    """The narrowest doubles around an interval."""
    below, above = float(low), float(high)
    return (
        below if below <= low else math.nextafter(below, -math.inf),
        above if above >= high else math.nextafter(above, math.inf),
    )


def _short(value: Fraction, up: bool) -> Fraction:
    """A double beside a number, so that boxes stay short to write."""
    nearest = Fraction(float(value))
    return nearest if nearest == value else Fraction(math.nextafter(float(value), math.inf if up else -math.inf))


def _lies_in(one: Sequence[tuple[Any, Any]], other: Sequence[tuple[Any, Any]]) -> bool:
    return all(low <= a and b <= high for (a, b), (low, high) in zip(one, other, strict=True))


def _fraction(exact: Any) -> Fraction:
    mantissa, exponent = exact.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
