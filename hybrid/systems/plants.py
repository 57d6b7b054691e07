"""The library of demonstration plants: textbook systems in exact numbers, each with its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hybrid.cached import cached_property
from hybrid.errors import ProblemError
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.pde import LinearPDE

_CATALOGUE: dict[str, Plant] = {}
_NONLINEAR: dict[str, NonlinearPlant] = {}
_PDES: dict[str, PDEPlant] = {}
_NAMED_IN_AN_ERROR = 12


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


@dataclass(frozen=True)
class NonlinearPlant:
    """A named nonlinear plant and its standard operating point: state or input → number or text such as "pi"."""

    name: str
    description: str
    citation: str
    at: Mapping[str, str]
    _define: Callable[[], NonlinearSystem] = field(repr=False)

    @cached_property
    def system(self) -> NonlinearSystem:
        """The equations, under the plant's name."""
        found = self._define()
        parts = (found.states, found.inputs, found.equations, found.parameters, found.outputs, found.dt)
        return NonlinearSystem(*parts, self.name, found.time)


@dataclass(frozen=True)
class PDEPlant:
    """A named PDE with constant coefficients, and the wave numbers of its initial conditions."""

    name: str
    description: str
    citation: str
    _define: Callable[[], LinearPDE] = field(repr=False)

    @cached_property
    def system(self) -> LinearPDE:
        """The equation, under the plant's name."""
        return replace(self._define(), name=self.name)


def plants() -> tuple[Plant, ...]:
    """Every linear demonstration plant, in alphabetical order; the others are in `nonlinear_plants`.

    >>> [p.name for p in plants()][:3]
    ['acrobot', 'batch-reactor', 'boeing-747-lateral']
    """
    from hybrid.systems import demonstrations  # noqa: F401 - fills the catalogue, once

    return tuple(_CATALOGUE[name] for name in sorted(_CATALOGUE))


def nonlinear_plants() -> tuple[NonlinearPlant, ...]:
    """Every nonlinear demonstration plant, in alphabetical order.

    >>> "van-der-pol" in [p.name for p in nonlinear_plants()]
    True
    """
    from hybrid.systems import nonlinear_demonstrations, nonlinear_processes  # noqa: F401 - fill the catalogue, once

    return tuple(_NONLINEAR[name] for name in sorted(_NONLINEAR))


def pde_plants() -> tuple[PDEPlant, ...]:
    """Every demonstration PDE, in alphabetical order.

    >>> "heat-equation" in [p.name for p in pde_plants()]
    True
    """
    from hybrid.systems import pde_demonstrations  # noqa: F401 - fills the catalogue, once

    return tuple(_PDES[name] for name in sorted(_PDES))


def every_plant() -> tuple[Plant | NonlinearPlant, ...]:
    """The linear plants, then the nonlinear ones, of ordinary differential equations all."""
    return (*plants(), *nonlinear_plants())


def plant(name: str) -> Plant | NonlinearPlant | PDEPlant:
    """The plant or PDE of that name; capitals, spaces and underscores are read as the list writes them.

    Raises:
        ProblemError: there is none; the sentence names those whose names are close.

    >>> plant("Cart_Pole").system
    <LinearSystem cart-pole: n=4, m=1, p=4, continuous>
    """
    known: dict[str, Plant | NonlinearPlant | PDEPlant] = {each.name: each for each in every_plant()}
    known |= {each.name: each for each in pde_plants()}
    key = str(name).strip().lower().replace("_", "-").replace(" ", "-")
    if key not in known:
        import difflib

        close = difflib.get_close_matches(key[:60], known, n=3, cutoff=0.5) or list(known)[:_NAMED_IN_AN_ERROR]
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


def nonlinear_demonstration(
    name: str, description: str, citation: str, at: Mapping[str, str]
) -> Callable[[Callable[[], NonlinearSystem]], Callable[[], NonlinearSystem]]:
    """Enter the nonlinear plant that a function defines into the library, with its operating point."""

    def enter(define: Callable[[], NonlinearSystem]) -> Callable[[], NonlinearSystem]:
        _NONLINEAR[name] = NonlinearPlant(name, description, citation, at, define)
        return define

    return enter


def pde_demonstration(
    name: str, description: str, citation: str
) -> Callable[[Callable[[], LinearPDE]], Callable[[], LinearPDE]]:
    """Enter the PDE that a function defines into the library."""

    def enter(define: Callable[[], LinearPDE]) -> Callable[[], LinearPDE]:
        _PDES[name] = PDEPlant(name, description, citation, define)
        return define

    return enter
