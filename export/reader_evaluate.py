"""How well an equation reader does on fresh systems: entries of the Jacobian, and what follows from it.

    python -m hybrid.export.reader_evaluate hybrid/models/equations.onnx

measures that of a file, and how long it takes for one system and for a batch.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hybrid.propose.equation_reader import BATCH, EquationReader

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


def latencies(reader: EquationReader, repetitions: int = 100) -> dict[str, float]:
    """Milliseconds a system, alone and in a batch: medians, on systems of four states, from tokens to the Jacobian."""
    drawn = forest(np.random.default_rng(3), "stability", BATCH, 4, 0)
    systems, point = [drawn.system(i) for i in range(BATCH)], drawn.point.tolist()
    found = {}
    for name, count in (("alone", 1), (f"in a batch of {BATCH}", BATCH)):
        seconds = []
        for _ in range(repetitions):
            began = time.perf_counter()
            reader.jacobians(systems[:count], [point] * count)
            seconds.append((time.perf_counter() - began) / count)
        found[name] = round(1e3 * float(np.median(seconds)), 3)
    return found


def main() -> None:
    """Measure a file."""
    parser = argparse.ArgumentParser(prog="python -m hybrid.export.reader_evaluate", description="Measure a reader.")
    parser.add_argument("model", type=Path)
    reader = EquationReader(parser.parse_args().model)
    print(
        json.dumps({"percent": scores(reader, seed=660_000, count=1000), "milliseconds": latencies(reader)}, indent=1)
    )


if __name__ == "__main__":
    main()
