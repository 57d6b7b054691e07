"""All equilibria in a box, and a region of attraction: proofs that have no peer among the solvers measured here."""

from __future__ import annotations

import hybrid
from hybrid.bench.comparison import Target, compare
from hybrid.bench.table import Row
from hybrid.exact import equilibria
from hybrid.verify import region
from hybrid.verify.equilibrium import locate

_LORENZ = "x' = 10*(y - x); y' = x*(28 - z) - y; z' = x*y - 8/3*z"
_BOX = {"x": (-20, 20), "y": (-20, 20), "z": (-20, 50)}
_VAN_DER_POL = "x' = -y; y' = x - (1 - x^2)*y"
_SECONDS = Target(2, "s")


def measure(*, quick: bool) -> list[Row]:
    """The three equilibria of Lorenz's system, and the basin of van der Pol's oscillator in reversed time."""
    return [*_of_lorenz(5 if quick else 21), *_of_van_der_pol(2 if quick else 7)]


def _of_lorenz(rounds: int) -> list[Row]:
    system = hybrid.NonlinearSystem.from_text(_LORENZ)
    found = equilibria.find(system, _BOX)
    rest = "no other" if found.complete else f"{len(found.undecided)} boxes undecided"
    note = f"{len(found.proved)} proved, {rest}; {found.examined} boxes examined"
    return compare(
        "equilibria of Lorenz in a box, 3 states",
        lambda box: equilibria.find(system, box),
        [],
        [_BOX],
        rounds=rounds,
        target=_SECONDS,
        note=note,
    )


def _of_van_der_pol(rounds: int) -> list[Row]:
    system = hybrid.NonlinearSystem.from_text(_VAN_DER_POL)
    name, origin = "region of attraction, van der Pol", locate(system, {"x": 0, "y": 0}).equilibrium
    largest = None if origin is None else region.largest(system, origin)
    if origin is None or largest is None:
        return [Row(name, note="no region was proved")]
    P, level = largest.P, largest.level
    return [
        *compare(
            f"{name}: search",
            lambda place: region.largest(system, place),
            [],
            [origin],
            rounds=rounds,
            seconds=30,
            note=f"proved volume {largest.volume[0]:.4g}, {largest.boxes} boxes",
        ),
        *compare(
            f"{name}: proof alone",
            lambda place: region.prove(system, place, P, level),
            [],
            [origin],
            rounds=rounds,
            note="of the level found",
        ),
    ]
