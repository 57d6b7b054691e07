"""The library of demonstration plants: textbook systems in exact numbers, each with its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from hybrid.errors import ProblemError
from hybrid.systems.linear import LinearSystem

_CATALOGUE: dict[str, Plant] = {}


@dataclass(frozen=True)
class Plant:
    """A named plant; its matrices are computed when somebody asks for `system`."""

    name: str
    description: str
    citation: str
    _define: Callable[[], LinearSystem] = field(repr=False)

    @cached_property
    def system(self) -> LinearSystem:
        """The matrices, under the plant's name."""
        system = self._define()
        return LinearSystem(system.A, system.B, system.C, system.D, system.dt, self.name)


def plants() -> tuple[Plant, ...]:
    """Every demonstration plant, in alphabetical order.

    >>> [p.name for p in plants()][:3]
    ['acrobot', 'batch-reactor', 'boeing-747-lateral']
    """
    from hybrid.systems import demonstrations  # noqa: F401 - fills the catalogue, once

    return tuple(_CATALOGUE[name] for name in sorted(_CATALOGUE))


def plant(name: str) -> Plant:
    """The demonstration plant of that name; capitals, spaces and underscores are read as the list writes them.

    Raises:
        ProblemError: there is none; the sentence names those whose names are close.

    >>> plant("Cart_Pole").system
    <LinearSystem cart-pole: n=4, m=1, p=4, continuous>
    """
    known = {each.name: each for each in plants()}
    key = str(name).strip().lower().replace("_", "-").replace(" ", "-")
    if key not in known:
        import difflib

        close = difflib.get_close_matches(key[:60], known, n=3, cutoff=0.5) or known
        raise ProblemError("plant", ascii(name), f"the name of a demonstration plant, such as {', '.join(close)}")
    return known[key]


def demonstration(
    name: str, description: str, citation: str
) -> Callable[[Callable[[], LinearSystem]], Callable[[], LinearSystem]]:
    """Enter the plant that a function defines into the library."""

    def enter(define: Callable[[], LinearSystem]) -> Callable[[], LinearSystem]:
        _CATALOGUE[name] = Plant(name, description, citation, define)
        return define

    return enter
