"""Whole processes: what one has to wait for before anything is computed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from hybrid.bench.comparison import Call, Peer, Target, compare
from hybrid.bench.table import Row

_PLANT = """\
# two masses, coupled by a spring
A = [[0, 1, 0, 0], [-1, -2, 0.5, 0], [0, 0, 0, 1], [0.5, 0, -11, -0.25]]
"""


def measure(*, quick: bool) -> list[Row]:
    """Interpreter, imports and work together, each time in a new process."""
    rounds = 5 if quick else 21
    with tempfile.TemporaryDirectory() as folder:
        plant = Path(folder, "plant.toml")
        plant.write_text(_PLANT, encoding="utf-8")
        return [
            *compare(
                "import hybrid",
                python("-c", "import hybrid"),
                [Peer("import numpy", lambda: python("-c", "import numpy"), Target(1.3))],
                [None],
                rounds=rounds,
            ),
            *compare(
                "hybrid stability plant.toml",
                python("-m", "hybrid", "stability", str(plant)),
                [Peer("import control", _import_control, Target(0.5))],
                [None],
                rounds=rounds,
                seconds=60,
            ),
        ]


def python(*arguments: str, exit_codes: tuple[int, ...] = (0,)) -> Call[None]:
    """A call that runs Python with these arguments in a new process, to an exit code that is expected."""

    def process(_: None) -> None:
        finished = subprocess.run([sys.executable, *arguments], check=False, capture_output=True, encoding="utf-8")
        if finished.returncode not in exit_codes:
            raise RuntimeError(f"{' '.join(arguments)}: exit code {finished.returncode}: {finished.stderr.strip()}")

    return process


def _import_control() -> Call[None]:
    if find_spec("control") is None:
        raise ImportError("control")
    return python("-c", "import control")
