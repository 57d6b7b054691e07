"""What the networks say of test systems, before any verifier: in one pass, and through the Jacobian they propose."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import ProblemError
from hybrid.propose.gain import GainProposer
from hybrid.propose.pde import PDEProposal, PDEProposer
from hybrid.propose.readings import INSTANTS, Networks, Reading
from hybrid.systems.tokens import TokenSystem

from .matrix_answers import abscissae, controllable
from .paper_files import PaperPDE, PaperSystem
from .study_formulas import controllable_in_time, gramian_gains, unit

if TYPE_CHECKING:
    from hybrid.systems.pde import LinearPDE

Case = PaperSystem | PaperPDE
"""A test system with the paper's label."""
Gain = NDArray[np.float64]


class Saying(NamedTuple):
    """An answer, wherever it comes from; only the fields of its task are there.

    Attributes:
        yes: stable (rate ≥ 0, as the paper counts), or controllable.
        rate: −max Re λ, 1/s.
        gain: K (m, n) for u = +K x, the pair (A/‖A‖, B).
        pde: whether a solution exists, and whether it decays.
    """

    yes: bool | None = None
    rate: float | None = None
    gain: Gain | None = None
    pde: tuple[bool, bool] | None = None


class Proposed(NamedTuple):
    """What the networks say of one system.

    Attributes:
        head: in one pass: by the network that judges; for a feedback matrix, by that which reads matrices; for a PDE,
            as the paper would label it.
        jacobian: by numpy from the proposed Jacobian; for a PDE, in truth, and falling where a frequency of negative
            Re P is named.
        matrix: (n, n + m) the proposed Jacobian.
        latent: what the head answers from.
        frequency: of a PDE, η = 2πξ at which Re P should be negative.
    """

    head: Saying | None = None
    jacobian: Saying | None = None
    matrix: NDArray[np.complex128] | None = None
    latent: NDArray[np.floating[Any]] | None = None
    frequency: tuple[Fraction, ...] | None = None


NOTHING = Proposed()


class Proposer(Protocol):
    """Anything that proposes answers."""

    name: str

    def propose(self, cases: Sequence[Case]) -> list[Proposed]:
        """For each what it says; `NOTHING` of what it cannot read."""


class ShippedNetworks:
    """The networks of one folder; those that are not there say nothing.

    Args:
        folder: with `equations.onnx`, `verdict-*.onnx`, `pde.onnx`; None: the shipped ones.

    Raises:
        ProblemError: there is no such folder.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        if folder is not None and not Path(folder).is_dir():
            raise ProblemError("--model", folder, "a folder of model files")
        self.name = "the shipped networks" if folder is None else str(folder)
        self._networks = Networks(folder)
        self._gains = GainProposer()
        self._pde = PDEProposer(folder)

    def propose(self, cases: Sequence[Case]) -> list[Proposed]:
        """For each what the networks say."""
        found = [NOTHING] * len(cases)
        kinds: dict[str, list[int]] = defaultdict(list)
        for i, case in enumerate(cases):
            kinds[case.kind].append(i)
        for kind, rows in kinds.items():
            some = [cases[i] for i in rows]
            said = self._equations(some) if kind == "fourier" else self._systems(kind, some)
            for i, each in zip(rows, said, strict=True):
                found[i] = each
        return found

    def _equations(self, cases: Sequence[Any]) -> Iterable[Proposed]:
        if not self._pde.is_there:
            return [NOTHING] * len(cases)
        return map(_of_equation, self._pde.propose([equation_of(each) for each in cases]))

    def _systems(self, kind: str, cases: Sequence[Any]) -> Iterable[Proposed]:
        systems, points = [case.system for case in cases], [point_of(case) for case in cases]
        readings = self._networks.read(systems, points, kind)
        if kind == "gram":
            return self._feedback(cases, readings)
        if kind == "control_t":
            return self._in_time(systems, points, readings)
        return map(_of_rate if kind in ("stability", "speed") else _of_rank, readings, systems)

    def _in_time(
        self, systems: Sequence[TokenSystem], points: Sequence[tuple[float, ...]], readings: Sequence[Reading | None]
    ) -> Iterable[Proposed]:
        grids = [
            self._networks.reader.jacobians(systems, [(*at, t) for at in points]) if any(readings) else readings
            for t in INSTANTS
        ]
        for system, reading, grid in zip(systems, readings, zip(*grids, strict=True), strict=True):
            if reading is None or any(each is None for each in grid):
                yield NOTHING
                continue
            J, n = np.stack(grid), system.states
            said = Saying(controllable_in_time(J[:, :, :n], J[:, :, n : n + system.inputs], np.array(INSTANTS)))
            yield Proposed(_head(reading), said, reading.jacobian, reading.latent)

    def _feedback(self, cases: Sequence[Any], readings: Sequence[Reading | None]) -> list[Proposed]:
        """By the Gramian formula, and by the network that proposes LQR gains, from the proposed pair (A/‖A‖, B)."""
        found = [NOTHING] * len(cases)
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, (case, reading) in enumerate(zip(cases, readings, strict=True)):
            if reading is not None:
                alike[case.degree, case.inputs].append(i)
        for (n, m), rows in alike.items():
            matrices = [_jacobian(readings[i]) for i in rows]
            J = np.stack(matrices).real
            with np.errstate(all="ignore"):
                A, B = unit(J[:, :, :n]), J[:, :, n:]
            formula = gramian_gains(A, B)
            lqr = -self._gains.propose_batch(A, B)[1] if self._gains.accepts(n, m) else [None] * len(rows)
            for i, matrix, by_formula, by_network in zip(rows, matrices, formula, lqr, strict=True):
                head = None if by_network is None else Saying(gain=by_network)
                found[i] = Proposed(head, Saying(gain=by_formula), matrix)
        return found


def point_of(case: PaperSystem) -> tuple[float, ...]:
    """The values of states and inputs."""
    return tuple(case.point[name] for name in (*case.system.state_names, *case.system.input_names))


def equation_of(case: PaperPDE) -> LinearPDE:
    """The equation of a line."""
    from hybrid.systems.pde import LinearPDE

    return LinearPDE.from_text(case.operator, case.initial_condition, case.degree, paper=True)


def _of_equation(said: PDEProposal | None) -> Proposed:
    if said is None:
        return NOTHING
    paper = said.paper_exists > 0.5, said.paper_decays > 0.5
    truth = said.exists > 0.5, said.decays > 0.5 and said.point is None
    return Proposed(Saying(pde=paper), Saying(pde=truth), None, said.latent, said.point)


def _of_rate(reading: Reading | None, system: TokenSystem) -> Proposed:
    if reading is None:
        return NOTHING
    rate = -float(abscissae(_finite(reading.jacobian[:, : system.states]))[0])
    return Proposed(_head(reading), Saying(rate >= 0, rate), reading.jacobian, reading.latent)


def _of_rank(reading: Reading | None, system: TokenSystem) -> Proposed:
    if reading is None:
        return NOTHING
    J, n = _finite(reading.jacobian), system.states
    return Proposed(_head(reading), Saying(bool(controllable(J[:, :, :n], J[:, :, n:])[0])), J[0], reading.latent)


def _head(reading: Reading) -> Saying | None:
    return None if reading.verdict is None else Saying(reading.verdict > 0.5, reading.rate)


def _finite(jacobian: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """A stack of one, of numbers that eigenvalues can be computed of."""
    return np.nan_to_num(jacobian)[None]


def _jacobian(reading: Reading | None) -> NDArray[np.complex128]:
    assert reading is not None
    return reading.jacobian
