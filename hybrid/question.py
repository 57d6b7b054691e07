"""What can be asked: a question is a frozen, validated value that goes through `hybrid.solve`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import DimensionError, ProblemError
from hybrid.expressions.evaluate import expect_real_constants
from hybrid.pole_region import Pole, Region, read_poles
from hybrid.systems.exact_matrix import EnclosedMatrix, ExactMatrix, FloatMatrix
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.systems.numbers import exact, expect_doubles, nearest_float, spell

if TYPE_CHECKING:
    from hybrid.systems.nonlinear import NonlinearSystem
    from hybrid.systems.pde import LinearPDE
    from hybrid.systems.time_varying import TimeVaryingSystem

INSTANTS = tuple(Fraction(20 * k - 1, 100) for k in range(1, 6))
"""Where a system that varies with time is looked at: 0.19 to 0.99, those of Charton, Hayat and Lample 2020."""
Mask = np.ndarray[Any, np.dtype[np.bool_]]
MOST_SYSTEMS = 8  # that one gain may be asked to stabilise
RANK_PROPERTIES = ("controllability", "observability", "stabilizability", "detectability")


@dataclass(frozen=True)
class StabilityQuestion:
    """Is every eigenvalue of A in the region? `poles` asks for an enclosure of each as well."""

    system: LinearSystem
    region: Region
    poles: bool = False


@dataclass(frozen=True)
class RankQuestion:
    """One of controllability, observability, stabilizability, detectability (the latter two up to a decay rate)."""

    system: LinearSystem
    about: str
    region: Region

    @property
    def pair(self) -> LinearSystem:
        """The system whose controllable subspace decides: itself, or its dual."""
        if self.about in ("controllability", "stabilizability"):
            require_inputs(self.system)
            return self.system
        return self.system.dual


@dataclass(frozen=True)
class FeedbackQuestion:
    """A gain K for u = −K x with every closed-loop pole in the region, LQR-optimal for Q, R, or placing `poles`."""

    system: LinearSystem
    region: Region
    Q: np.ndarray[Any, np.dtype[np.float64]] | None = None
    R: np.ndarray[Any, np.dtype[np.float64]] | None = None
    poles: tuple[Pole, ...] | None = None

    @classmethod
    def read(cls, system: LinearSystem, Q: Any, R: Any, decay: Any, poles: Any) -> FeedbackQuestion:
        """Validate the weights (symmetric, Q ⪰ 0, R ≻ 0) and the pole list.

        Raises:
            DimensionError: a weight of the wrong shape, or a pole list of the wrong length.
            ProblemError: weights together with poles, a weight that is not symmetric or not definite,
                poles that are not closed under conjugation or outside the region.
        """
        region = Region.read(decay, 0, is_discrete=system.is_discrete)
        for field, matrix in (("A", system.A), ("B", require_inputs(system))):
            expect_doubles(field, matrix.floats)
        expect_doubles("decay", np.array(nearest_float(region.decay)))
        if poles is not None and (Q is not None or R is not None):
            raise ProblemError("poles", "a pole list and weights", "either poles or the weights Q and R")
        return cls(
            system,
            region,
            None if Q is None else _weight(Q, "Q", system.n, strictly=False),
            None if R is None else _weight(R, "R", system.m, strictly=True),
            None if poles is None else read_poles(poles, system, region),
        )

    @property
    def systems(self) -> tuple[LinearSystem, ...]:
        """The one system."""
        return (self.system,)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the gain: inputs by states."""
        return self.system.m, self.system.n

    def measured(self, system: LinearSystem) -> ExactMatrix | None:
        """What the gain is fed: the state itself, which needs no C."""
        return None


@dataclass(frozen=True)
class StaticGainQuestion:
    """One gain K for every one of the systems, u = −K y or u = −K x, with zeros where the structure asks for them.

    Attributes:
        systems: at least one, at most `MOST_SYSTEMS`; all in continuous or all in discrete time.
        region: where every closed-loop pole of every system has to lie.
        output: whether K is fed the outputs y = C x, and not the state.
        structure: (m, p) or (m, n), True where an entry of K is free and False where it has to be 0; None: all free.
    """

    systems: tuple[LinearSystem, ...]
    region: Region
    output: bool
    structure: Mask | None = None

    @classmethod
    def read(cls, systems: Sequence[LinearSystem], output: bool, structure: Any, decay: Any) -> StaticGainQuestion:
        """Validate the systems against each other, and the structure against them.

        Without C every state is an output, and output feedback is state feedback.

        Raises:
            DimensionError: other numbers of inputs or outputs than in the first system, a structure of another shape.
            ProblemError: no system or too many, continuous time beside discrete, no B, a D that is not zero, a
                structure that leaves no entry free.
        """
        if not isinstance(output, bool | np.bool_):
            raise ProblemError("output", output, "True or False")
        if not 0 < len(systems) <= MOST_SYSTEMS:
            raise ProblemError("systems", f"{len(systems)} systems", f"1 to {MOST_SYSTEMS} of them for one gain")
        by_output = bool(output) and any(system.C is not None for system in systems)
        for k, system in enumerate(systems, 1):
            _expect_alike(system, systems[0], f" of system {k}" if len(systems) > 1 else "", by_output)
        region = Region.read(decay, 0, is_discrete=systems[0].is_discrete)
        expect_doubles("decay", np.array(nearest_float(region.decay)))
        columns = systems[0].p if by_output else systems[0].n
        free = None if structure is None else _structure(structure, (systems[0].m, columns))
        return cls(tuple(systems), region, by_output, None if free is None or free.all() else free)

    @property
    def system(self) -> LinearSystem:
        """The first of the systems."""
        return self.systems[0]

    @property
    def shape(self) -> tuple[int, int]:
        """Of the gain: inputs by outputs, or by states."""
        return self.system.m, self.system.p if self.output else self.system.n

    @property
    def free(self) -> Mask:
        """True where an entry of the gain is free."""
        return np.ones(self.shape, dtype=bool) if self.structure is None else self.structure

    def measured(self, system: LinearSystem) -> ExactMatrix | None:
        """What the gain is fed: C of the system, or None for the state itself."""
        return system.C if self.output else None

    def plants(self) -> list[tuple[FloatMatrix, FloatMatrix, FloatMatrix]]:
        """A, B, C of each system in doubles, the decay rate taken in: to be stabilised, and no more than that.

        A + σI in continuous time, A/(1 − σ) and B/(1 − σ) in discrete time; C = I for the state itself.
        """
        decay, found = float(self.region.decay), []
        for system in self.systems:
            A, B, measured = system.A.floats, require_inputs(system).floats, self.measured(system)
            A, B = (A / (1 - decay), B / (1 - decay)) if system.is_discrete else (A + decay * np.eye(system.n), B)
            found.append((A, B, np.eye(system.n) if measured is None else measured.floats))
        return found


GainQuestion = FeedbackQuestion | StaticGainQuestion
LinearQuestion = StabilityQuestion | RankQuestion | GainQuestion


@dataclass(frozen=True)
class LocalQuestion:
    """A question about a nonlinear system near an equilibrium, which its linearisation there answers.

    Attributes:
        system: no free parameters.
        at: states and inputs by name, a guess that may be the equilibrium itself; None for one near the origin.
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        ask: makes the question about the linearisation.
        paper: go on in complex numbers where the equations leave the real ones, and tell what the paper's rules say.
    """

    system: NonlinearSystem
    at: Mapping[str, Any] | None
    at_point: bool
    ask: Callable[[LinearSystem], LinearQuestion]
    paper: bool = False


@dataclass(frozen=True)
class TimeVaryingQuestion:
    """Is z' = A(t) z + B(t) v, the linearisation along a curve, controllable around one of the instants?

    Attributes:
        system: the equations and the curve.
        instants: tried in this order.
        complex_values: whether values and derivatives may be complex, as in Charton et al. 2020.
    """

    system: TimeVaryingSystem
    instants: tuple[Fraction, ...]
    complex_values: bool = False

    @classmethod
    def read(cls, system: NonlinearSystem, at: Mapping[str, Any], paper: bool) -> TimeVaryingQuestion:
        """Validate the curve and the instant, which `at` gives under the name of time.

        Raises:
            ProblemError, ParseError: a value that makes no sense, or is missing.
        """
        from hybrid.systems.time_varying import TimeVaryingSystem

        if not paper:
            expect_real_constants(system.rhs)
        curve = {name: value for name, value in at.items() if name != system.time}
        varying = TimeVaryingSystem.along(system, curve, "0.5" if paper else None)
        instant = at.get(varying.time)
        instants = INSTANTS if instant is None else (exact(instant, f"at, {varying.time}"),)
        return cls(varying, instants, paper)


@dataclass(frozen=True)
class PDEQuestion:
    """Has u_t + P(D) u = 0 a solution for t ≥ 0, does it stay bounded, does it decay?

    Attributes:
        system: the equation, with the wave numbers of its initial condition.
        paper: tell the labels that the rules of Charton, Hayat and Lample 2020 give.
    """

    system: LinearPDE
    paper: bool = False


Question = LinearQuestion | LocalQuestion | TimeVaryingQuestion | PDEQuestion


def _expect_alike(system: LinearSystem, first: LinearSystem, which: str, by_output: bool) -> None:
    """One gain fits all: the same inputs and outputs (or states), the same kind of time; D = 0 and doubles."""
    expect_doubles(f"A{which}", system.A.floats)
    expect_doubles(f"B{which}", require_inputs(system).floats)
    if system.is_discrete != first.is_discrete:
        time = "continuous time" if system.dt is None else f"a sample time of {spell(system.dt)}"
        raise ProblemError(f"dt{which}", time, "continuous time for all systems, or discrete time for all")
    if system.m != first.m:
        raise DimensionError(f"B{which}", f"{system.m} inputs", f"{first.m} inputs, as in the first system")
    if not by_output:
        if system.n != first.n:
            raise DimensionError(f"A{which}", f"{system.n} states", f"{first.n} states, as in the first system")
        return
    if system.C is None:
        raise ProblemError(f"C{which}", "nothing", "an output matrix, as the other systems have")
    expect_doubles(f"C{which}", system.C.floats)
    if system.p != first.p:
        raise DimensionError(f"C{which}", f"{system.p} outputs", f"{first.p} outputs, as in the first system")
    if system.D is not None and not _is_zero(system.D):
        expected = "zero, for output feedback u = -K y; feed back y - D u, and leave D out"
        raise ProblemError(f"D{which}", "a feedthrough that is not zero", expected)


def _is_zero(matrix: ExactMatrix) -> bool:
    if isinstance(matrix, EnclosedMatrix):
        return not matrix.floats.any() and not matrix.radius.any()
    return not any(map(any, matrix.fractions))


def _structure(value: Any, shape: tuple[int, int]) -> Mask:
    """A mask of free entries from the word "diagonal", an array or nested lists of True/1 and False/0."""
    if isinstance(value, str):
        if value.strip().lower() != "diagonal":
            raise ProblemError("structure", value, 'the word "diagonal", or a matrix of 1 (free) and 0 (zero)')
        if shape[0] != shape[1]:
            words = f"a square gain, as its shape is {shape}; write the matrix of 1 (free) and 0 (zero)"
            raise DimensionError("structure", "diagonal", words)
        return np.eye(shape[0], dtype=bool)
    rows = np.ndarray, list, tuple
    if isinstance(value, rows) and all(isinstance(row, rows) for row in value):
        value = [[int(x) if isinstance(x, bool | np.bool_) else x for x in row] for row in value]
    entries = ExactMatrix.read(value, "structure")
    mask: Mask = entries.floats != 0
    if not np.isin(entries.floats, (0.0, 1.0)).all():
        expected = "1 where an entry of K is free, 0 where it is zero"
        raise ProblemError("structure", "an entry other than 0 and 1", expected)
    if mask.shape != shape:
        raise DimensionError("structure", f"shape {mask.shape}", f"shape {shape}, that of the gain")
    if not mask.any():
        raise ProblemError("structure", "zeros alone", "a free entry at least")
    mask.setflags(write=False)
    return mask


def _weight(value: Any, field: str, order: int, *, strictly: bool) -> np.ndarray[Any, np.dtype[np.float64]]:
    weight = ExactMatrix.read(value, field).floats
    expect_doubles(field, weight)
    if weight.shape != (order, order):
        raise DimensionError(field, f"shape {weight.shape}", f"shape {(order, order)}")
    if not np.array_equal(weight, weight.T):
        raise ProblemError(field, "a matrix that is not symmetric", "a symmetric matrix")
    smallest = np.linalg.eigvalsh(weight)[0]
    if smallest < (0 if strictly else -1e-12 * np.abs(weight).max()) or (strictly and smallest <= 0):
        kind = "positive definite" if strictly else "positive semidefinite"
        raise ProblemError(field, f"smallest eigenvalue {smallest:.3g}", f"a {kind} matrix")
    return weight
