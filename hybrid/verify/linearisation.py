"""The linear system that decides at an equilibrium: exact where it is rational, enclosed where it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.systems.exact_matrix import EnclosedMatrix, ExactMatrix
from hybrid.systems.jacobians import Linearisation
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.point import enter, plain_number

_PRECISION = 192  # bits: far below the radius of any enclosure that was worth proving


def linearise(system: NonlinearSystem, box: Mapping[str, Any], *, exact: bool) -> LinearSystem:
    """A = ∂f/∂x and B = ∂f/∂u over a box of states and inputs.

    Args:
        system: no free parameters.
        box: name → number, or (lower, upper); see `NonlinearSystem.linearise_ball`.
        exact: the box is a point; rational derivatives are taken as they are.

    Returns:
        Exact matrices where the derivatives at a point are rational, otherwise matrices with radii that hold every
        Jacobian over the box.

    Raises:
        DomainError: f has no derivative somewhere in the box; the sentence names the operation.

    >>> pendulum = NonlinearSystem(["x", "y"], [], ["y", "-sin(x)"])
    >>> linearise(pendulum, {"x": "pi", "y": 0}, exact=True).A
    ExactMatrix([['0', '1'], ['1', '0']])
    """
    if exact:
        found = system.linearise_exact(box)
        if found is not None:
            return _linear(system, ExactMatrix.from_fractions, found)
    enclosed = system.linearise_ball(box, _PRECISION)
    if isinstance(enclosed, DomainError):
        raise enclosed
    return _linear(system, _enclosed, enclosed)


def point_box(system: NonlinearSystem, at: Mapping[str, Any]) -> dict[str, tuple[Fraction, Fraction]]:
    """Bounds on each coordinate of a point: equal where it is rational, a hair apart where it is text such as "pi/2".

    A missing input is 0.

    Raises:
        ProblemError: a state without a value, or an unknown name.

    >>> rotor = NonlinearSystem(["x"], ["u"], ["sin(x) + u"])
    >>> point_box(rotor, {"x": "1/2"})
    {'x': (Fraction(1, 2), Fraction(1, 2)), 'u': (Fraction(0, 1), Fraction(0, 1))}
    """
    with working_precision(_PRECISION):
        balls = system.enclose(at)
    around = {name: (_fraction(ball.lower()), _fraction(ball.upper())) for name, ball in balls.items()}
    for name in around:
        known = rational_coordinate(at.get(name, 0), name)
        around[name] = around[name] if known is None else (known, known)
    return around


def rational_coordinate(value: object, name: str) -> Fraction | None:
    """A coordinate as an exact number; None where it is irrational, as "pi/2".

    >>> rational_coordinate("1/10", "x"), rational_coordinate("pi/2", "x")
    (Fraction(1, 10), None)
    """
    number = plain_number(value, name)
    if number is not None:
        return number
    from hybrid.expressions.exact import NotExact, exact, fraction

    try:
        return fraction(enter(value, name, exact()))
    except NotExact:
        return None


def _linear(system: NonlinearSystem, read: Callable[[Any], ExactMatrix], found: Linearisation[Any]) -> LinearSystem:
    """The linear system of a linearisation, its matrices read one by one; B, C and D only where there are any."""
    B = read(found.B) if system.m else None
    C = read(found.C) if system.outputs is not None else None
    D = read(found.D) if system.outputs is not None and system.m else None
    return LinearSystem(read(found.A), B, C, D, system.dt, system.name)


def _enclosed(matrix: Any) -> EnclosedMatrix:
    """An arb matrix as doubles with radii, rounded outwards."""
    rows, columns = matrix.nrows(), matrix.ncols()
    entries = [_midpoint_and_radius(matrix[i, j]) for i in range(rows) for j in range(columns)]
    midpoint = np.array([m for m, _ in entries]).reshape(rows, columns)
    return EnclosedMatrix(midpoint, np.array([r for _, r in entries]).reshape(rows, columns))


def _midpoint_and_radius(ball: Any) -> tuple[float, float]:
    """The double nearest to the middle, and a bound on how far the ball reaches from it; 0 where it is that double."""
    midpoint = float(ball.mid())
    reach = (ball - midpoint).abs_upper()  # covers the rounding of the difference too
    return midpoint, math.nextafter(float(reach), math.inf) if reach > 0 else 0.0


def _fraction(exact: Any) -> Fraction:
    mantissa, exponent = exact.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
