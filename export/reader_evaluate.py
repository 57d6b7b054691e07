"""How well an equation reader does on fresh systems: entries of the Jacobian, and what follows from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.equation_reader import EquationReader

from .matrix_answers import abscissae, controllable
from .random_systems import forest, sizes

TASKS = ("stability", "control", "control_t")


def scores(reader: EquationReader, seed: int, count: int) -> dict[str, dict[str, float]]:
    """By task: percentages of non-zero entries of ∂f/∂(x, u) within 1 % and 10 %, of zeros said to be zero, and of
    answers on the read Jacobian that are those on the true one (stable, or controllable), systems as they come.
    """
    rng = np.random.default_rng(seed)
    table = {}
    for task in TASKS:
        kept: list[tuple[float, ...]] = []
        for degree, controls, share in sizes(task):
            drawn = forest(rng, task, max(1, round(count * share)), degree, controls)
            systems = [drawn.system(i) for i in range(len(drawn))]
            said = reader.jacobians(systems, [drawn.point.tolist()] * len(systems))
            for J, true in zip(said, drawn.jacobian, strict=True):
                assert J is not None  # nothing of this size is too large
                kept.append(_of_one(task, J[:, : degree + controls], true))
        means = np.nanmean(np.array(kept), 0)
        names = ("within 1 %", "within 10 %", "zeros", "answers")
        table[task] = {name: round(100 * float(mean), 1) for name, mean in zip(names, means, strict=True)}
    return table


def _of_one(task: str, said: NDArray[np.complex128], true: NDArray[np.complex128]) -> tuple[float, ...]:
    zero = true == 0
    error = np.abs(said - true)[~zero] / np.abs(true[~zero])
    right = float((said[zero] == 0).mean()) if zero.any() else np.nan
    n = len(true)
    with np.errstate(all="ignore"):
        if task == "stability":
            same = (abscissae(said[None]) < 0) == (abscissae(true[None]) < 0)
        else:
            same = controllable(said[None, :, :n], said[None, :, n:]) == controllable(
                true[None, :, :n], true[None, :, n:]
            )
    return float((error < 0.01).mean()), float((error < 0.1).mean()), right, float(same[0])
