"""The demonstration PDEs: constant coefficients, on the whole space. Times and lengths are in units of the equation."""

from __future__ import annotations

from hybrid.systems.pde import LinearPDE
from hybrid.systems.plants import pde_demonstration
from hybrid.systems.reading_pde import read_pde

_EVANS = "Evans 2010, Partial Differential Equations, 2nd ed., American Mathematical Society"
_KURAMOTO = (
    "Kuramoto and Tsuzuki 1976, Progress of Theoretical Physics 55(2):356-369; Sivashinsky 1977, Acta Astronautica "
    "4:1177-1206; linearised at 0"
)


@pde_demonstration(
    "heat-equation",
    "Heat in a plane: stays bounded, and long waves decay as slowly as one likes.",
    f"{_EVANS}, section 2.3",
)
def _heat() -> LinearPDE:
    return read_pde("u_t = u_xx + u_yy")


@pde_demonstration(
    "heat-equation-with-loss",
    "Heat in a rod that loses heat to its surroundings: all waves decay at a common rate.",
    f"{_EVANS}, section 2.3",
)
def _fin() -> LinearPDE:
    return read_pde("u_t = u_xx - 0.2*u")


@pde_demonstration(
    "backward-heat-equation",
    "Heat with time running backwards: ill-posed, short waves grow at rates without bound.",
    "Hadamard 1923, Lectures on Cauchy's Problem in Linear Partial Differential Equations, Yale University Press",
)
def _backward_heat() -> LinearPDE:
    return read_pde("u_t = -u_xx")


@pde_demonstration(
    "backward-heat-equation-filtered",
    "The same with initial conditions without waves shorter than 2 pi/5: a solution exists, and grows.",
    "Hadamard 1923, Lectures on Cauchy's Problem in Linear Partial Differential Equations, Yale University Press",
)
def _filtered_backward_heat() -> LinearPDE:
    return read_pde("u_t = -u_xx", "sin(5*x)/(5*x)")


@pde_demonstration(
    "transport-equation",
    "A profile that moves at speed 3 as it is: stays bounded, nothing decays.",
    f"{_EVANS}, section 2.1",
)
def _transport() -> LinearPDE:
    return read_pde("u_t + 3*u_x = 0")


@pde_demonstration(
    "kuramoto-sivashinsky",
    "Flame fronts near the flat one: a solution exists, long waves grow, short ones decay.",
    _KURAMOTO,
)
def _kuramoto_sivashinsky() -> LinearPDE:
    return read_pde("u_t = -u_xx - u_xxxx")


@pde_demonstration(
    "kuramoto-sivashinsky-short-waves",
    "The same for initial conditions of wave numbers 5/4 to 2 alone, all of which decay.",
    _KURAMOTO,
)
def _short_waves() -> LinearPDE:
    return read_pde("u_t = -u_xx - u_xxxx", support={"x": ("5/4", "2")})


@pde_demonstration(
    "overdamped-beam",
    "The deflection of a beam in a viscous fluid, inertia neglected: stays bounded.",
    "Timoshenko, Young and Weaver 1974, Vibration Problems in Engineering, 4th ed., Wiley (beam equation)",
)
def _beam() -> LinearPDE:
    return read_pde("u_t = -u_xxxx")
