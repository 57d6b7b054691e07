"""This solver beside its peers on the machine at hand: what each job costs, and who was right.

`run` measures, `as_text` and `as_markdown` show. Nothing here passes or fails: a target that is missed is printed so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hybrid.bench.table import Row, as_markdown, as_text
from hybrid.errors import ProblemError

__all__ = ["JOBS", "as_markdown", "as_text", "run"]

JOBS = {
    "startup": "whole processes: `import hybrid`, and `hybrid stability` on a 4-state plant",
    "feedback": "a state feedback gain with its proof, beside Riccati solvers that prove nothing",
    "stability": "exact stability, beside eigenvalue enclosures and floating-point eigenvalues",
    "controllability": "exact rank, beside the floating-point rank of the Kalman matrix and its wrong answers",
    "placement": "pole placement with enclosed poles, beside control.place and its unstable closed loops",
    "equations": "from equations to a proved answer near an equilibrium, beside sympy and python-control",
    "screen": "a file of equations: proofs alone, with a network that guesses, and beside sympy",
    "equilibria": "all equilibria in a box, and a region of attraction",
    "large": "plants of 55 and 200 states",
    "batch": "stacks of 10 000 systems, beside loops over Riccati solvers and stacked eigenvalues",
    "outputs": "stacks of 1000 plants, a gain of the outputs for each, beside a multi-start search",
    "check": "re-checking certificates with the stand-alone checker",
}
"""What can be measured, in the order of the table; each is the module of that name beside this one."""

_ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    "1",
)


def run(selection: Sequence[str] = (), *, quick: bool = False) -> list[dict[str, Any]]:
    """Measure jobs of `JOBS`, all of them where none is named.

    Each job runs in a fresh process with one BLAS thread. Within a job everyone takes turns on the same problems, so
    that a busy machine slows all alike: read the ratios.

    Args:
        selection: names of jobs.
        quick: fewer problems and repetitions, and no 200-state plant.

    Returns:
        One row for each problem and peer. `name`: job and size; `ours_us`, `peer_us`: microseconds a call, None where
        nothing was measured; `peer`; `ratio`: ours by theirs; `target`: in words; `met`: None without a target or a
        measurement; `note`: who answered, what a peer got wrong, or why nothing was measured.

    Raises:
        ProblemError: there is no such job.

    >>> run(["weather"])
    Traceback (most recent call last):
    ...
    hybrid.errors.ProblemError: job: got weather, expected one of startup, feedback, stability, controllability,
    placement, equations, screen, equilibria, large, batch, outputs, check
    """
    return list(rows(selection, quick=quick))


def rows(selection: Sequence[str] = (), *, quick: bool = False) -> Iterator[dict[str, Any]]:
    """The rows of `run`, those of each job when it is done."""
    for name in selection:
        if name not in JOBS:
            raise ProblemError("job", name, f"one of {', '.join(JOBS)}")
    return (row for job in JOBS if job in selection or not selection for row in _in_fresh_process(job, quick))


def _in_fresh_process(job: str, quick: bool) -> list[dict[str, Any]]:
    """The rows of one job; a job that fails is a row that says so, and the others go on."""
    if sys.stderr.isatty():
        print(f"measuring {JOBS[job]} …", file=sys.stderr)
    checkout = str(Path(__file__).resolve().parents[2])  # measured itself where it is not installed
    paths = os.pathsep.join(filter(None, (checkout, os.environ.get("PYTHONPATH"))))
    finished = subprocess.run(
        [sys.executable, "-m", "hybrid.bench", job, *(["--quick"] if quick else [])],
        env=os.environ | _ONE_THREAD | {"PYTHONPATH": paths},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if finished.returncode:
        last_line = finished.stderr.strip().splitlines()[-1:] or [f"exit code {finished.returncode}"]
        return [asdict(Row(job, note=f"failed: {last_line[0]}"))]
    rows: list[dict[str, Any]] = json.loads(finished.stdout)
    return rows
