"""Plants of 55 and 200 states: as commands, where promises were made, and as calls beside peers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import hybrid
from hybrid.bench.comparison import Target, compare
from hybrid.bench.feedback import lqr_peers, ours, routes
from hybrid.bench.samples import FloatArray, Pair, gaussian_pairs, shifted_to_stable
from hybrid.bench.stability import float_peers
from hybrid.bench.startup import python
from hybrid.bench.table import Row
from hybrid.systems.coerce import coerce
from hybrid.systems.linear import require_inputs

_AIRCRAFT = Path(__file__).resolve().parents[3] / "shared" / "plants" / "linear" / "AC10.json"
_ORDER, _INPUTS = 200, 20  # of the Gaussian plant; with 2 inputs no Riccati solver here finds its gain
_ANSWERED = (0, 1)  # exit codes: proved, disproved


def measure(*, quick: bool) -> list[Row]:
    """A B767 at a flutter condition (Davison 1990) where ../shared has it, and Gaussian plants, unstable and stable."""
    rows = _aircraft(2 if quick else 7)
    return rows if quick else rows + _gaussian()


def _aircraft(rounds: int) -> list[Row]:
    if not _AIRCRAFT.is_file():
        return [Row("AC10, 55 states", note=f"not here: {_AIRCRAFT}")]
    system = coerce(hybrid.read(_AIRCRAFT))
    pair = Pair(system.A.floats, require_inputs(system).floats)
    return [
        *_command("hybrid stability AC10.json, 55 states", _AIRCRAFT, Target(2, "s"), rounds),
        *_stability("stability AC10, 55 states", pair.A, rounds),
        *compare("feedback AC10, 55 states", ours, lqr_peers(), [pair], rounds=rounds, note=routes([pair])),
    ]


def _gaussian() -> list[Row]:
    (pair,) = gaussian_pairs(_ORDER, _INPUTS, 1)
    stable = Pair(shifted_to_stable(pair.A), pair.B)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, plant in (("unstable", pair), ("stable", stable)):
            path = Path(folder, f"{kind}.npz")
            np.savez(path, A=plant.A, B=plant.B)
            rows += _command(f"hybrid stability {kind}.npz, {_ORDER} states", path, Target(60, "s"), 3)
            rows += _stability(f"stability {kind}, {_ORDER} states", plant.A, 3)
    name = f"feedback unstable, {_ORDER} states, {_INPUTS} inputs"
    return rows + compare(name, ours, lqr_peers(), [pair], rounds=3, note=routes([pair]))


def _command(name: str, path: Path, target: Target, rounds: int) -> list[Row]:
    call = python("-m", "hybrid", "stability", str(path), exit_codes=_ANSWERED)
    return compare(name, call, [], [None], rounds=rounds, target=target, note="whole process")


def _stability(name: str, A: FloatArray, rounds: int) -> list[Row]:
    answer = hybrid.stability(A)
    method = [] if answer.certificate is None else [answer.certificate.method]
    note = ", ".join([answer.verdict.value, *method])
    return compare(name, hybrid.stability, float_peers(), [A], rounds=rounds, note=note)
