"""Equilibria that exist: found in floats, proved in exact arithmetic or by Krawczyk's test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import islice
from math import isqrt
from typing import Any

from hybrid.cached import cached_property
from hybrid.expressions.evaluate import expect_real_constants
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.given_point import Bounds, GivenPoint, rationals, read_box
from hybrid.verify.newton import candidates
from hybrid.verify.residual import Residual

_ROUNDING = Fraction(1, 2**40)
"""Distance, relative where |x| > 1, up to which a given point may be a rounding of the equilibrium: twelve digits."""
_CLOSE, _LOOSE = Fraction(1, 2**46), Fraction(1, 2**20)
"""Distance to a simple fraction: of a regular zero that floats found, and of a zero of higher multiplicity."""
_DENOMINATORS = (100, 10**4, 10**7)
_CANDIDATES = 8
_TIGHTER = (64, 200, 450, 950)  # bits, to tell enclosures from each other
_ALGEBRAIC = frozenset({"+", "-", "*", "/", "neg", "^", "sqrt", "root", "abs"})
_COINCIDENCE = 2**10
"""Fractions of denominator d lie in an interval by chance where d² exceeds 1/radius; this is room below that."""


class Shortfall(Enum):
    """Why no equilibrium was proved; the text says what to try."""

    NOT_FOUND = "Newton's iteration found no equilibrium near the point; give another point, or search a box."
    NOT_ISOLATED = (
        "The Jacobian is singular, or almost so, where an equilibrium may be (a fold, or equilibria closer together "
        "than 1024 bits resolve); change a parameter or an input, or give the point exactly."
    )


@dataclass(frozen=True)
class Equilibrium:
    """A point with f = 0 (f(x) = x in discrete time), exactly known or proved to lie in an enclosure.

    Attributes:
        system: whose equilibrium it is.
        midpoint: n numbers.
        radius: n numbers; all zero where the midpoint is the equilibrium. Otherwise exactly one equilibrium x has
            |x − midpoint| ≤ radius in each state, and Krawczyk's test succeeds on just that box.
        inputs: m numbers, held constant.

    >>> found = locate(NonlinearSystem.from_text("x' = x^2 - 2"), {"x": 1}).equilibrium
    >>> found.exact, [float(bound) for bound in found.box["x"]]
    (False, [1.4142135623730951, 1.4142135623730951])
    """

    system: NonlinearSystem
    midpoint: tuple[Fraction, ...]
    radius: tuple[Fraction, ...]
    inputs: tuple[Fraction, ...]

    @cached_property
    def exact(self) -> bool:
        """Whether the midpoint is the equilibrium, by exact arithmetic."""
        return not any(self.radius) and _vanishes(self.system, self.inputs, self.midpoint)

    @cached_property
    def sides(self) -> tuple[Bounds, ...]:
        """Lower and upper bound of each state."""
        return tuple(
            (middle - radius, middle + radius) for middle, radius in zip(self.midpoint, self.radius, strict=True)
        )

    @cached_property
    def box(self) -> dict[str, Bounds]:
        """Lower and upper bound of each state, and of each input: a point."""
        sides = (*self.sides, *zip(self.inputs, self.inputs, strict=True))
        return dict(zip(self.system.variables, sides, strict=True))

    @cached_property
    def point(self) -> dict[str, Fraction]:
        """The midpoint and the inputs by name."""
        return dict(zip(self.system.variables, (*self.midpoint, *self.inputs), strict=True))

    def lies_in(self, other: Equilibrium) -> bool:
        """Whether the enclosure is part of another, which holds one equilibrium: then both are the same."""
        pairs = zip(self.sides, other.sides, strict=True)
        return all(low <= lower and upper <= high for (lower, upper), (low, high) in pairs)


@dataclass(frozen=True)
class Located:
    """What `locate` found.

    Attributes:
        equilibrium: the one at the given point, or else the nearest one found; None where none was proved.
        is_given_point: the given point is an equilibrium exactly, or a rounding of `equilibrium`: within 2⁻⁴⁰ of it
            (relative where |x| > 1), in a box proved to hold no other. False where no point was given.
        residual: [lo, hi] around |f| (|f(x) − x| in discrete time) at the given point, for each state; all (0, 0)
            just where the given point, irrational or not, is an equilibrium by exact arithmetic. None where no point
            was given, or where it lies so near the border of the domain that f was not enclosed.
        inputs_assumed_zero: the inputs that were not given.
        reason: why there is no equilibrium; None where there is one.
    """

    equilibrium: Equilibrium | None
    is_given_point: bool
    residual: tuple[Bounds, ...] | None
    inputs_assumed_zero: tuple[str, ...]
    reason: Shortfall | None = None


def locate(system: NonlinearSystem, at: Mapping[str, Any] | None = None) -> Located:
    """Find and prove the equilibrium at a point or near it, or, without a point, near the origin.

    The given point is tried in exact arithmetic (rational numbers, and multiples of π). Failing that, Newton's
    iteration in floats, from the point and from others around it, proposes points: rounded to simple fractions they
    are tried exactly; then Krawczyk's test in Arb, at 64 to 1024 bits, proves that a small box holds exactly one.

    Args:
        system: without free parameters.
        at: state or input → number, or text such as "1/3" or "pi/2". Inputs left out are 0 and listed in the
            outcome. Either every state is given, or none: then what is looked for is near the origin.

    Returns:
        What was proved. That nothing was proved is no proof that there is nothing; `hybrid.exact.equilibria` decides
        that for a box.

    Raises:
        DomainError: f has no value at the given point; names the operation, its line and column.
        ProblemError: an unknown name, a state without a value, an input that is no rational number.

    Source: Krawczyk 1969; Neumaier 1990, Theorem 5.1.8; inflation: Rump 2010, Acta Numerica 19, §10.6.

    >>> pendulum = NonlinearSystem(["x", "y"], ["u"], ["y", "u - sin(x)"])
    >>> locate(pendulum, {"x": 0, "y": 0}).equilibrium.exact
    True
    >>> upright = locate(pendulum, {"x": "pi", "y": 0, "u": 0})
    >>> upright.is_given_point, upright.equilibrium.exact
    (True, False)
    """
    expect_real_constants(system.rhs)
    given = GivenPoint.read(system, {} if at is None else at)
    if not given.states:
        return _near_origin(system, given)
    residual = _residual(system, given)
    if residual is not None and not any(upper for _, upper in residual):
        found = _at(system, given)
        return Located(found, True, residual, given.assumed_zero, None if found else Shortfall.NOT_ISOLATED)
    found, reason = _search(system, given.inputs, given.midpoint)
    is_given = found is not None and _is_rounding(given, found)
    return Located(found, is_given, residual, given.assumed_zero, reason)


def verify_unique(system: NonlinearSystem, box: Mapping[str, Any]) -> bool:
    """Decide whether Krawczyk's test proves that a box holds exactly one equilibrium.

    With g = f (f − x in discrete time), X the box, m its midpoint, J(X) an enclosure of ∂g/∂x over X and any
    matrix Y, let K(X) = m − Y g(m) + (I − Y J(X)) (X − m). If K(X) lies in the interior of X, then X holds exactly
    one zero of g, and K(X) holds it. Here Y is the inverse of the midpoint of J(X), rounded; 64 to 1024 bits.

    Args:
        system: without free parameters.
        box: each state → (lower, upper); each input → a number, or a pair that is a point. Inputs left out are 0.

    Returns:
        True is a proof. False says nothing: the box may be too wide, hold several, hold none, or leave the domain.

    Source: Krawczyk 1969, Computing 4; Neumaier 1990, Theorem 5.1.8.

    >>> system = NonlinearSystem.from_text("x' = x^2 - 2")
    >>> verify_unique(system, {"x": (1, 2)}), verify_unique(system, {"x": (-2, 2)})
    (True, False)
    """
    from hybrid.exact.krawczyk import contains_one_zero

    return contains_one_zero(system, *read_box(system, box))


def refine(equilibrium: Equilibrium, bits: int) -> Equilibrium:
    """The same equilibrium in an enclosure of radius at most 2^−bits·max(1, |midpoint|), where 1024 bits reach it.

    >>> root = locate(NonlinearSystem.from_text("x' = x^2 - 2"), {"x": 1}).equilibrium
    >>> max(refine(root, 100).radius) < Fraction(1, 2**100)
    True
    """
    from hybrid.exact.krawczyk import isolate

    system, inputs = equilibrium.system, equilibrium.inputs
    best = equilibrium
    if any(best.radius):
        for box in isolate(system, inputs, best.midpoint):
            narrower = _enclosed(system, inputs, box)
            if narrower.lies_in(equilibrium):
                best = narrower
            if all(r <= max(1, abs(m)) / 2**bits for r, m in zip(best.radius, best.midpoint, strict=True)):
                break
    return best


def same(one: Equilibrium, other: Equilibrium) -> bool:
    """Whether two proved equilibria are one: an enclosure that lies in the other, which holds one, says so."""
    for bits in _TIGHTER:
        if one.lies_in(other) or other.lies_in(one):
            return True
        if any(a[1] < b[0] or b[1] < a[0] for a, b in zip(one.sides, other.sides, strict=True)):
            return False
        one = refine(one, bits)
    return False


def prove_near(system: NonlinearSystem, inputs: tuple[Fraction, ...], point: Sequence[Fraction]) -> Equilibrium | None:
    """Prove the equilibrium that a point approximates to six digits; None where there is none, or no proof."""
    from hybrid.exact.krawczyk import isolate

    simple = _simple(system, inputs, point, _CLOSE)
    if simple is not None:
        return simple
    boxes = isolate(system, inputs, point)
    first = next(boxes, None)
    found = None if first is None else _enclosed(system, inputs, first)
    if found is None or not _agree(point, found.midpoint, _LOOSE):  # at a fold Newton's iteration may jump elsewhere
        return _simple(system, inputs, point, _LOOSE)
    if any(found.radius) and _is_algebraic(system):  # fractions of larger denominators show in a narrower box
        narrower = [_enclosed(system, inputs, box) for box in islice(boxes, 1)]
        return next((one for one in narrower if not any(one.radius)), found)
    return found


# The given point


def _residual(system: NonlinearSystem, given: GivenPoint) -> tuple[Bounds, ...] | None:
    """|g| at the given point: exactly where it is rational there, else enclosed."""
    from hybrid.exact.krawczyk import midpoint_radius
    from hybrid.expressions.balls import balls

    if given.exact is not None:
        values = _exact_residual(system, given.inputs, given.exact)
        exact = None if values is None else rationals(values)
        if exact is not None:
            return tuple((abs(value), abs(value)) for value in exact)
    with working_precision(128):
        try:
            enclosures = Residual(system, given.inputs, balls())(given.balls)
        except DomainError:
            if given.rational is not None:
                raise
            return None
    bounds = []
    for middle, radius in map(midpoint_radius, enclosures):
        bounds.append((max(Fraction(0), abs(middle) - radius), abs(middle) + radius))
    return tuple(bounds)


def _at(system: NonlinearSystem, given: GivenPoint) -> Equilibrium | None:
    """The equilibrium at a given point that is one, in an enclosure where the point is irrational."""
    from hybrid.exact.krawczyk import isolate

    if given.rational is not None:
        return _point(system, given.inputs, given.rational)
    for box in isolate(system, given.inputs, given.midpoint):
        if all(side.contains(ball) for side, ball in zip(box, given.balls, strict=True)):
            return _enclosed(system, given.inputs, box)
    return None


def _is_rounding(given: GivenPoint, found: Equilibrium) -> bool:
    """Whether the given point agrees with an equilibrium to twelve digits, in a box that holds no other."""
    if not _agree(given.midpoint, found.midpoint, _ROUNDING):
        return False
    hulls = [(min(lower, x), max(upper, x)) for x, (lower, upper) in zip(given.midpoint, found.sides, strict=True)]
    slack = max(upper - lower for lower, upper in hulls)
    around = [(lower - slack, upper + slack) for lower, upper in hulls]
    return verify_unique(found.system, found.box | dict(zip(found.system.states, around, strict=True)))


# The search


def _near_origin(system: NonlinearSystem, given: GivenPoint) -> Located:
    if _vanishes(system, given.inputs, _origin(system)):
        return Located(_point(system, given.inputs, _origin(system)), False, None, given.assumed_zero)
    found, reason = _search(system, given.inputs, None)
    return Located(found, False, None, given.assumed_zero, reason)


def _search(
    system: NonlinearSystem, inputs: tuple[Fraction, ...], start: Sequence[Fraction] | None
) -> tuple[Equilibrium | None, Shortfall | None]:
    """The first point that Newton's iteration proposes and that is proved."""
    reason = Shortfall.NOT_FOUND
    floats = None if start is None else [_float(x) for x in start]
    for candidate in islice(candidates(system, inputs, floats), _CANDIDATES):
        point = [Fraction(x) for x in candidate.tolist()]
        points = [point] if start is None or not _agree(start, point, _ROUNDING) else [start, point]
        for each in points:  # the start may have more digits than a double
            equilibrium = prove_near(system, inputs, each)
            if equilibrium is not None:
                return equilibrium, None
        reason = Shortfall.NOT_ISOLATED
    if _vanishes(system, inputs, _origin(system)):  # also where the equilibria form a curve that Newton leads to
        return _point(system, inputs, _origin(system)), None
    return None, reason


def _agree(x: Sequence[Fraction], y: Sequence[Fraction], tolerance: Fraction) -> bool:
    """Whether two points differ by no more than a tolerance, relative where |x| > 1."""
    return all(abs(a - b) <= tolerance * max(Fraction(1), abs(a)) for a, b in zip(x, y, strict=True))


def _simple(
    system: NonlinearSystem, inputs: tuple[Fraction, ...], point: Sequence[Fraction], tolerance: Fraction
) -> Equilibrium | None:
    """The equilibrium at fractions of small denominators within a tolerance of a point, by exact arithmetic."""
    tried = set()
    for denominator in _DENOMINATORS:
        rounded = tuple(x.limit_denominator(denominator) for x in point)
        near = _agree(point, rounded, tolerance)
        if near and rounded not in tried and _vanishes(system, inputs, rounded):
            return _point(system, inputs, rounded)
        tried.add(rounded)
    return None


def _enclosed(system: NonlinearSystem, inputs: tuple[Fraction, ...], box: Sequence[Any]) -> Equilibrium:
    """The equilibrium in a box proved to hold exactly one: exactly, if simple fractions in it are an equilibrium."""
    from hybrid.exact.krawczyk import midpoint_radius

    pairs = [midpoint_radius(side) for side in box]
    enclosed = Equilibrium(system, tuple(m for m, _ in pairs), tuple(r for _, r in pairs), inputs)
    fractions = tuple(m.limit_denominator(max(1, isqrt(int(1 / (_COINCIDENCE * r))))) for m, r in pairs)
    simple = _point(system, inputs, fractions)
    return simple if simple.lies_in(enclosed) and simple.exact else enclosed


# Exact arithmetic


def _is_algebraic(system: NonlinearSystem) -> bool:
    """Whether f may have zeros that are fractions without being told so by special values of functions."""
    return all(op in _ALGEBRAIC for op, _, _ in system.rhs.operations)


def _origin(system: NonlinearSystem) -> tuple[Fraction, ...]:
    return (Fraction(0),) * system.n


def _point(system: NonlinearSystem, inputs: tuple[Fraction, ...], x: tuple[Fraction, ...]) -> Equilibrium:
    return Equilibrium(system, x, _origin(system), inputs)


def _vanishes(system: NonlinearSystem, inputs: Sequence[Fraction], x: Sequence[Fraction]) -> bool:
    """Whether exact arithmetic shows that x is an equilibrium."""
    from hybrid.expressions.exact import rational

    try:
        values = _exact_residual(system, inputs, [rational(coordinate) for coordinate in x])
    except DomainError:
        return False
    return values is not None and all(value == 0 for value in values)


def _exact_residual(system: NonlinearSystem, inputs: Sequence[Fraction], x: Sequence[Any]) -> list[Any] | None:
    """g(x) in exact arithmetic, or None where a value is neither rational nor a multiple of π."""
    from hybrid.expressions.exact import NotExact, exact

    try:
        return Residual(system, inputs, exact())(x)
    except NotExact:
        return None


def _float(value: Fraction) -> float:
    """The nearest double; beyond their range one of the largest, from where Newton's iteration may return."""
    try:
        return float(value)
    except OverflowError:
        return 1e300 if value > 0 else -1e300
