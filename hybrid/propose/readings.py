"""What the networks make of equations: tokens → Jacobian at a point → verdict. Proposals; nothing here is trusted."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import ProblemError
from hybrid.propose.equation_reader import ComplexArray, EquationReader
from hybrid.propose.verdicts import INPUTS, STATES, VerdictProposer
from hybrid.systems.tokens import TokenSystem

VERDICTS: Final = {
    "stability": "stability",
    "speed": "stability",
    "control": "controllability",
    "control_t": "controllability",
    "gram": "",
}
"""Tasks, named as in the paper's code, and the network that judges; none for a feedback matrix."""

INSTANTS: Final = (0.19, 0.39, 0.59, 0.79, 0.99)
"""Where a system with time is read; controllable at one of them is controllable."""


class Reading(NamedTuple):
    """Of one system.

    Attributes:
        jacobian: (n, n + m) the proposed ∂f/∂(x, u); of a system with time, at the instant that decided.
        verdict: what the network holds for the probability of yes: stable, or controllable; None where it does not
            judge such a system.
        rate: the guessed rate of convergence −max Re λ, its sign that of the verdict; None but for stability.
        latent: the last layer but one of the network that judged.
    """

    jacobian: ComplexArray
    verdict: float | None
    rate: float | None
    latent: NDArray[np.float32] | None


class Networks:
    """The networks of one folder, opened when first needed.

    Args:
        folder: with `equations.onnx`, `verdict-stability.onnx`, `verdict-controllability.onnx`; None: the shipped ones.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.reader = EquationReader(folder)
        self.judges = {task: VerdictProposer(task, folder) for task in ("stability", "controllability")}

    def read(
        self, systems: Sequence[TokenSystem], points: Sequence[Sequence[complex]], task: str
    ) -> list[Reading | None]:
        """Read systems at points, in batches.

        Args:
            systems: of any sizes; with time for "control_t".
            points: for each the values of states and inputs.
            task: of `VERDICTS`.

        Returns:
            A reading of each; None where it is too large, or there is no network.

        Raises:
            ProblemError: an unknown task.
            ModelError: a model file is damaged or foreign.
        """
        if task not in VERDICTS:
            raise ProblemError("task", task, f"one of {', '.join(VERDICTS)}")
        if not self.reader.is_there:
            return [None] * len(systems)
        instants = INSTANTS if task == "control_t" else (None,)
        found: list[Reading | None] = [None] * len(systems)
        for instant in instants:
            full = [[*at, *((instant,) if system.has_time else ())] for system, at in zip(systems, points, strict=True)]
            jacobians = self.reader.jacobians(systems, full)
            for i, reading in self._judged(systems, jacobians, VERDICTS[task]):
                before = found[i]
                if before is None or (reading.verdict or 0) > (before.verdict or 0):
                    found[i] = reading
        return found

    def _judged(
        self, systems: Sequence[TokenSystem], jacobians: Sequence[ComplexArray | None], judge: str
    ) -> Iterator[tuple[int, Reading]]:
        """Readings by position; systems of one size are judged together."""
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, (system, jacobian) in enumerate(zip(systems, jacobians, strict=True)):
            if jacobian is not None:
                alike[system.states, system.inputs].append(i)
        for (n, m), rows in alike.items():
            stack = np.stack([_kept(jacobians[i], n + m) for i in rows])
            if not judge or n > STATES or m > INPUTS or not self.judges[judge].is_there:
                yield from ((i, Reading(J, None, None, None)) for i, J in zip(rows, stack, strict=True))
                continue
            said = self.judges[judge].propose(stack[:, :, :n], stack[:, :, n:] if m else None)
            for k, i in enumerate(rows):
                score = float(said.score[k])
                rate = float(said.rate[k]) * (1 if score > 0.5 else -1) if judge == "stability" else None
                yield i, Reading(stack[k], score, rate, said.latent[k])


def _kept(jacobian: Any, columns: int) -> ComplexArray:
    """Without the column of time."""
    return np.asarray(jacobian[:, :columns])
