"""All equilibria in a box: proved, excluded, or listed as undecided."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hybrid.certificate import Certificate, check
from hybrid.errors import ProblemError
from hybrid.exact.branch_and_bound import Search
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import spell
from hybrid.verify.equilibrium import Equilibrium, refine
from hybrid.verify.float_environment import ieee_arithmetic
from hybrid.verify.given_point import Bounds, read_box

_LARGEST = 10**150  # squares of widths stay in the range of doubles
_TIGHTER = (64, 200, 450, 950)  # bits, to tell an enclosure from the border


@dataclass(frozen=True)
class Equilibria:
    """The equilibria in a box.

    Attributes:
        system: what was searched.
        box: where; the bounds of each state and of each input, a point.
        proved: equilibria that exist, in the order of their coordinates, each in an enclosure that holds no other.
            One whose enclosure crosses the border of the box, however narrow, may lie outside. An exact one whose
            Jacobian is singular may have others near it: then they are in an undecided box around it.
        undecided: boxes, by the names of the states, that may hold equilibria beside the proved ones.
        examined: number of boxes that the search looked at.
    """

    system: NonlinearSystem
    box: Mapping[str, Bounds]
    proved: tuple[Equilibrium, ...]
    undecided: tuple[Mapping[str, Bounds], ...]
    examined: int

    @property
    def complete(self) -> bool:
        """Whether the box is proved to hold no equilibria but the proved ones."""
        return not self.undecided


def find(
    system: NonlinearSystem,
    box: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    limit_boxes: int = 20_000,
    timeout: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> Equilibria:
    """Find every equilibrium (in discrete time, every fixed point) in a box, with proof.

    Interval branch and bound in Arb arithmetic. Boxes are cut down by the equations (HC4), excluded where an
    enclosure of f, natural or by the mean value theorem, holds no zero, cut down by Krawczyk's operator, which also
    proves existence and uniqueness, and split where the equations vary most. A point where f has no value is no
    equilibrium.

    Args:
        system: without free parameters.
        box: each state → (lower, upper).
        inputs: input → number; those left out are 0.
        limit_boxes: boxes to examine before the rest is undecided.
        timeout: seconds before the rest is undecided; None for no limit, and the same outcome at each call.
        progress: called now and then with the settled share of the box, from 0 to 1.

    Returns:
        Every equilibrium in the box is proved, or lies in an undecided box. Folds, curves of equilibria and others
        whose Jacobian is singular end in undecided boxes.

    Raises:
        ProblemError: an unknown name, a state without bounds, bounds in the wrong order or beyond 1e150.

    Source: Krawczyk 1969, Computing 4; Neumaier 1990, Theorem 5.1.8; HC4: Benhamou et al. 1999.

    >>> lorenz = NonlinearSystem.from_text("x' = 10*(y - x); y' = x*(28 - z) - y; z' = x*y - 8/3*z")
    >>> found = find(lorenz, {"x": (-20, 20), "y": (-20, 20), "z": (-5, 40)})
    >>> found.complete, [round(float(each.point["x"]), 6) for each in found.proved]
    (True, [-8.485281, 0.0, 8.485281])
    """
    values, bounds = read_box(system, {**box, **(inputs or {})})
    for name, side in zip(system.states, bounds, strict=True):
        if max(map(abs, side)) > _LARGEST:
            raise ProblemError(name, ":".join(map(spell, side)), "bounds of at most 1e150 in size")
    with ieee_arithmetic():
        search = Search(system, values, bounds)
        search.run(limit_boxes, timeout, progress)
    whole = dict(zip(system.variables, [*bounds, *zip(values, values, strict=True)], strict=True))
    proved = sorted((one for one in search.found if _may_lie_in(one, whole)), key=lambda one: one.midpoint)
    undecided = (
        {
            name: (max(Fraction(lower), whole[name][0]), min(Fraction(upper), whole[name][1]))
            for name, (lower, upper) in zip(system.states, left, strict=True)
        }
        for left in search.undecided()
    )
    return Equilibria(system, whole, tuple(proved), tuple(undecided), search.examined)


def certificate(found: Equilibria) -> Certificate | None:
    """The certificate that a box holds these equilibria and no other.

    None where boxes are undecided, or the checker cannot repeat the search by its own bisection, which is plainer than
    `find`: with a pole of f or the end of a logarithm's domain in the box, or a singular Jacobian at an equilibrium.

    >>> import hybrid
    >>> found = find(NonlinearSystem.from_text("x' = x^2 - 2"), {"x": (0, 2)})
    >>> hybrid.check(certificate(found)).claim
    'the box 0 ≤ x ≤ 2 holds exactly one equilibrium: x ≈ 1.41421356237'
    """
    if not found.complete:
        return None
    boxes = (found.box, *(each.box for each in found.proved))
    box, *points = ({name: list(side) for name, side in bounds.items()} for bounds in boxes)
    claim = {"about": "equilibria", "box": box, "points": points}
    written = Certificate(found.system, claim, "branch and bound", {"boxes": found.examined})
    return written if check(written).valid else None


def _may_lie_in(equilibrium: Equilibrium, box: Mapping[str, Bounds]) -> bool:
    """False where the equilibrium is proved to lie outside."""
    for bits in _TIGHTER:
        pairs = [(side, box[name]) for name, side in equilibrium.box.items()]
        if any(upper < low or lower > high for (lower, upper), (low, high) in pairs):
            return False
        if all(low <= lower and upper <= high for (lower, upper), (low, high) in pairs):
            return True
        equilibrium = refine(equilibrium, bits)
    return True
