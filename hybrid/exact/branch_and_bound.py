"""Branch and bound for the zeros of f in a box: what is proved, what is excluded, what is left."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from flint import arb

from hybrid.exact.boxes import Sides, around, clusters, contains, cut, hull, shrank, to_balls
from hybrid.exact.contraction import Contractor, Empty
from hybrid.exact.krawczyk import Box, Expansion, contains_one, image, inside, midpoint_radius
from hybrid.expressions.balls import balls
from hybrid.precision import working_precision
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify.equilibrium import Equilibrium, prove_near, same
from hybrid.verify.given_point import Bounds
from hybrid.verify.residual import Residual

_ZERO = arb(0)
_PRECISIONS = (64, 128, 256)
_BITS_PER_HALVING = 4  # near a double root f is as small as the square of the distance, and rounding errors are not
_ROUNDS = 4  # contractions of a box before it is split
_WORTHWHILE = 0.75  # a contraction that leaves more of every side is the last
_MARGIN = 0.125  # share of its width by which a box grows for Krawczyk's test, to have its faces inside
_OFF_CENTRE = 0.46875  # where a side is split: equilibria at round numbers stay off the faces
_FINEST = 2.0**-48  # relative width below which doubles no longer split a side usefully
_FINEST_SHARE = 2.0**-64  # the same, relative to the side of the whole box
_THIN = 2.0**-10  # a side this narrow beside the widest is not split
_DOUBLINGS = 8  # of the region in which an equilibrium is proved unique
_NARROWINGS = 4  # of a region, to come within six digits of its equilibrium
_REPORT_EVERY = 32  # boxes
_LISTED = 64  # more undecided boxes than this are joined with their neighbours


class Search:
    """One search: boxes still to examine, equilibria found, and the regions that hold no other than those.

    Attributes:
        found: equilibria, some perhaps just outside the box.
        examined: number of boxes looked at.
    """

    def __init__(self, system: NonlinearSystem, inputs: tuple[Fraction, ...], bounds: Sequence[Bounds]) -> None:
        self.system, self.inputs = system, inputs
        self.found: list[Equilibrium] = []
        self.examined = 0
        whole = tuple(around(*side) for side in bounds)
        self._scale = [upper - lower or max(1.0, abs(upper)) for lower, upper in whole]
        self._queue: deque[tuple[Sides, float]] = deque([(whole, 1.0)])
        self._too_small: list[Sides] = []
        self._unsettled: list[Sides] = []
        self._regions: list[Sides] = []
        self._programs: dict[int, tuple[Residual, Contractor]] = {}

    def run(self, limit: int, timeout: float | None, progress: Callable[[float], None] | None) -> None:
        """Examine boxes, those split least first, until none is left or a limit is reached."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        settled = 0.0
        while self._queue and self.examined < limit and time.monotonic() < deadline:
            box, share = self._queue.popleft()
            self.examined += 1
            rest = self._examine(box)
            self._queue.extend((part, share / len(rest)) for part in rest)
            settled += 0.0 if rest else share
            if progress is not None and (self.examined % _REPORT_EVERY == 0 or not self._queue):
                progress(min(settled, 1.0))
        for cluster in clusters(self._too_small):
            if time.monotonic() >= deadline or not self._is_settled(cluster):
                self._unsettled.append(cluster)

    def undecided(self) -> list[Sides]:
        """Boxes that may hold zeros beside those found."""
        left = [*self._unsettled, *(box for box, _ in self._queue)]
        return left if len(left) <= _LISTED else _hulls_of_neighbours(left, _LISTED)

    def _examine(self, box: Sides) -> tuple[Sides, ...]:
        """What is left to search of a box: nothing, or its halves."""
        precision = self._precision(box)
        with working_precision(precision):
            residual, contractor = self._bound_to(precision)
            expansion = None
            for _ in range(_ROUNDS):
                before = box
                try:
                    box = cut(box, contractor.contract(to_balls(box)))
                    if any(contains(region, box) for region in self._regions):
                        return ()
                    expansion = Expansion.over(residual, to_balls(self._grown(box)))
                    if expansion is not None:
                        box = self._newton(residual, box, expansion)
                except Empty:
                    return ()
                if not shrank(before, box, _WORTHWHILE):
                    break
            return self._halves(box, expansion)

    def _precision(self, box: Sides) -> int:
        """Enough bits for rounding errors to be small beside f, also where a root is near."""
        bits = _PRECISIONS[0] - _BITS_PER_HALVING * math.log2(max(self._size(box), 2.0**-1000))
        return next((precision for precision in _PRECISIONS if precision >= bits), _PRECISIONS[-1])

    def _bound_to(self, precision: int) -> tuple[Residual, Contractor]:
        """f and its contractor at the precision of flint's context."""
        if precision not in self._programs:
            residual = Residual(self.system, self.inputs, balls())
            self._programs[precision] = residual, Contractor(self.system, self.inputs)
        return self._programs[precision]

    def _newton(self, residual: Residual, box: Sides, expansion: Expansion) -> Sides:
        """What the expansion over a grown box leaves of a box; Empty where that is nothing, or a zero now found."""
        if not all(value.contains(_ZERO) for value in expansion.values(to_balls(box))):
            raise Empty
        mapped = expansion.image()
        if mapped is None:
            return box
        if inside(mapped, expansion.box):
            self._register(residual, expansion.box, mapped)
            raise Empty
        if self._size(hull(mapped)) < self._size(hull(expansion.box)):
            # It contracts, if not in each coordinate. Every zero is in the image: a box around that may do.
            wider = to_balls(self._grown(hull(mapped)))
            again = image(residual, wider)
            if again is not None and inside(again, wider):
                self._register(residual, wider, again)
                raise Empty
        return cut(box, mapped)

    def _register(self, residual: Residual, region: Box, mapped: Box) -> None:
        """Note the one zero in a region, and the wider regions around it that hold no other."""
        pairs = [midpoint_radius(side) for side in region]
        one = Equilibrium(self.system, tuple(m for m, _ in pairs), tuple(r for _, r in pairs), self.inputs)
        for _ in range(_NARROWINGS):
            mapped = image(residual, mapped) or mapped  # contracts quadratically
        near = prove_near(self.system, self.inputs, [midpoint_radius(side)[0] for side in mapped])
        if near is None or not near.lies_in(one):
            near = one
        self._add(near)
        for power in range(-1, _DOUBLINGS):
            widths = [2.0**power * (upper - lower) for lower, upper in hull(region)]
            wider = tuple((float(m) - w, float(m) + w) for m, w in zip(near.midpoint, widths, strict=True))
            if not contains(wider, near.sides) or not contains_one(residual, to_balls(wider)):
                return
            self._regions.append(wider)

    def _add(self, equilibrium: Equilibrium) -> None:
        if not any(same(equilibrium, other) for other in self.found):
            self.found.append(equilibrium)

    def _halves(self, box: Sides, expansion: Expansion | None) -> tuple[Sides, ...]:
        """The box split across the direction in which the equations vary most, or nothing if it is too small."""
        widths = [upper - lower for lower, upper in box]
        scores = self._variation(widths, expansion)
        for j, (lower, upper) in enumerate(box):
            if widths[j] <= max(_FINEST * max(abs(lower), abs(upper)), _FINEST_SHARE * self._scale[j]):
                scores[j] = -1.0
        best = max(scores)
        if best < 0:
            self._too_small.append(box)
            return ()
        j = scores.index(best)
        lower, upper = box[j]
        middle = lower + _OFF_CENTRE * widths[j]
        return (*box[:j], (lower, middle), *box[j + 1 :]), (*box[:j], (middle, upper), *box[j + 1 :])

    def _variation(self, widths: Sequence[float], expansion: Expansion | None) -> list[float]:
        """For each state, its share in the variation of the equations (Trombettoni et al. 2011), or its width."""
        relative = [width / scale for width, scale in zip(widths, self._scale, strict=True)]
        if expansion is None:
            return relative
        shares = [0.0] * len(widths)
        for row in expansion.J.tolist():
            variations = [float(entry.abs_upper()) * width for entry, width in zip(row, widths, strict=True)]
            total = sum(variations)
            if 0 < total < math.inf:
                shares = [share + variation / total for share, variation in zip(shares, variations, strict=True)]
        thin = _THIN * max(relative)
        return [share if width > thin else 0.0 for share, width in zip(shares, relative, strict=True)]

    def _is_settled(self, cluster: Sides) -> bool:
        """Whether boxes too small to split hold nothing beside what is found; notes an equilibrium found in them."""
        found = prove_near(self.system, self.inputs, [(Fraction(low) + Fraction(up)) / 2 for low, up in cluster])
        if found is None or not contains(cluster, found.sides):
            return False
        self._add(found)
        return all(lower == upper for lower, upper in cluster)  # then the cluster is that point

    def _grown(self, box: Sides) -> Sides:
        """A box with the faces of the given one in its interior."""
        grown = []
        for (lower, upper), scale in zip(box, self._scale, strict=True):
            margin = _MARGIN * (upper - lower) + _FINEST * max(abs(lower), abs(upper)) + _FINEST_SHARE * scale
            grown.append((lower - margin, upper + margin))
        return tuple(grown)

    def _size(self, box: Sides) -> float:
        """The widest side, relative to the whole box."""
        return max((upper - lower) / scale for (lower, upper), scale in zip(box, self._scale, strict=True))


def _hulls_of_neighbours(boxes: Sequence[Sides], most: int) -> list[Sides]:
    """At most so many boxes that cover the given ones: the widest group is split in the middle, again and again.

    Cheap, as it also runs when the time is over, and close to a curve where joining all that touch is not.
    """
    ends = np.array(boxes, dtype=np.float64)
    centres = ends.mean(axis=2)
    extent = np.ptp(centres, axis=0)
    centres = (centres - centres.min(axis=0)) / np.where(extent > 0, extent, 1.0)
    groups = [np.arange(len(ends))]
    spreads = [np.ptp(centres, axis=0)]
    while len(groups) < most and max(spread.max() for spread in spreads) > 0:
        k = max(range(len(groups)), key=lambda i: float(spreads[i].max()))
        group, axis = groups.pop(k), int(spreads.pop(k).argmax())
        group = group[centres[group, axis].argsort(kind="stable")]
        along = centres[group, axis]
        middle = min(max(int(np.searchsorted(along, (along[0] + along[-1]) / 2)), 1), len(group) - 1)
        for part in (group[:middle], group[middle:]):
            groups.append(part)
            spreads.append(np.ptp(centres[part], axis=0))
    hulls = (np.stack([ends[group, :, 0].min(axis=0), ends[group, :, 1].max(axis=0)], axis=1) for group in groups)
    return [tuple((lower, upper) for lower, upper in sides.tolist()) for sides in hulls]
