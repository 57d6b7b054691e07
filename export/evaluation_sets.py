"""What `hybrid eval` asks about: sets drawn from the seeded families, and folders of plant files.

The seed of a set is [EVALUATION, seed, n, m, p, family]: longer than the [seed, step] of a training run and than the
one or two numbers of a validation set, and not zero where those end, so that no two of them draw from the same stream.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hybrid.errors import HybridError, ProblemError
from hybrid.systems.linear import LinearSystem
from hybrid.systems.reading import FORMATS, read

from . import distributions, output_systems

EVALUATION = 4
"""First word of every seed here."""

PAIRS: dict[str, distributions.Family] = {"mixed": distributions.mixed, **distributions.FAMILIES}
"""Families of pairs (A, B) by name; "mixed" is what the shipped models were trained on."""

TRIPLES: dict[str, output_systems.Family] = {"mixed": output_systems.mixed, **output_systems.FAMILIES}
"""Families of triples (A, B, C) that have a stabilising gain by construction, by name."""

_BINARY = (".npz", ".mat")  # beside a text file of the same name: the matrices that it refers to
_STEPS = (0.1, 1.0)  # sample times, in units of √n/‖A‖


class Skipped(NamedTuple):
    """A file that holds no plant to ask about, and why."""

    name: str
    reason: str


def pairs(family: str, count: int, n: int, m: int, seed: int, *, discrete: bool = False) -> distributions.Pairs:
    """A (N, n, n), B (N, n, m) of a family; sampled where time is discrete.

    >>> A, B = pairs("gaussian", 5, 3, 2, seed=1)
    >>> A.shape, B.shape
    ((5, 3, 3), (5, 3, 2))
    """
    rng = _generator(seed, n, m, 0, family)
    A, B = PAIRS[family](rng, count, n, m)
    if discrete:
        A, B, _ = sample(rng, output_systems.Triples(A, B, B.mT))
    return A, B


def triples(
    family: str, count: int, n: int, m: int, p: int, seed: int, *, discrete: bool = False
) -> output_systems.Triples:
    """A (N, n, n), B (N, n, m), C (N, p, n) of a family, each unstable, each with an output gain that stabilises it."""
    rng = _generator(seed, n, m, p, family)
    found = output_systems.plants(rng, count, n, m, p, family=TRIPLES[family])
    return sample(rng, found) if discrete else found


def sample(rng: np.random.Generator, plants: output_systems.Triples) -> output_systems.Triples:
    """Discrete-time systems by Tustin's method, with sample times h of 0.1 to 1 in units of √n/‖A‖.

    (I + hA/2)(I − hA/2)⁻¹, √h(I − hA/2)⁻¹B, √hC(I − hA/2)⁻¹: gains of one kind of system correspond to gains of the
    other, so what can be stabilised still can be.

    Source: Franklin, Powell and Workman 1998, Digital Control of Dynamic Systems, §6.1.

    >>> A = np.array([[[0.0, 1.0], [-1.0, 0.0]]])
    >>> sampled = sample(np.random.default_rng(0), output_systems.Triples(A, np.ones((1, 2, 1)), np.ones((1, 1, 2))))
    >>> bool(np.allclose(np.abs(np.linalg.eigvals(sampled.A)), 1))
    True
    """
    A, B, C = plants
    n = A.shape[-1]
    low, high = _STEPS
    size = np.linalg.norm(A, axis=(1, 2)) / np.sqrt(n)
    h = low * (high / low) ** rng.random(len(A)) / np.where(size > 0, size, 1.0)
    half, root = (h / 2)[:, None, None] * A, np.sqrt(h)[:, None, None]
    inverse = np.linalg.inv(np.eye(n) - half)
    return output_systems.Triples((np.eye(n) + half) @ inverse, root * inverse @ B, root * C @ inverse)


def plant_files(
    folder: str, most_states: int, *, output: bool = False
) -> Iterator[tuple[float, LinearSystem | Skipped]]:
    """The plants of a folder in the order of their names, and the files that hold none to ask about; share, find.

    Args:
        folder: its files are read as `hybrid.read` does; subfolders are not.
        most_states: larger plants are skipped.
        output: whether the outputs alone are fed back.

    Raises:
        ProblemError: no such folder, or no file in it that a plant could be in.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ProblemError("--plants", folder, "a folder of plant files")
    files = sorted(file for file in path.iterdir() if file.is_file() and file.suffix.lower() in FORMATS)
    texts = {file.stem for file in files if file.suffix.lower() not in _BINARY}
    files = [file for file in files if file.suffix.lower() not in _BINARY or file.stem not in texts]
    if not files:
        raise ProblemError("--plants", folder, f"a folder with files that end in {', '.join(FORMATS)}")
    for i, file in enumerate(files, 1):
        yield i / len(files), _plant(file, most_states, output)


def _plant(file: Path, most_states: int, output: bool) -> LinearSystem | Skipped:
    try:
        system = read(file)
    except HybridError as error:
        return Skipped(file.name, str(error))
    if not isinstance(system, LinearSystem):
        return Skipped(file.name, "a nonlinear system")
    reason = _why_not(system, most_states, output)
    return system if reason is None else Skipped(file.name, reason)


def _why_not(system: LinearSystem, most_states: int, output: bool) -> str | None:
    if not system.m:
        return "no inputs"
    if system.n > most_states:
        return f"{system.n} states"
    if output and system.C is None:
        return "no outputs"
    if output and system.D is not None and any(map(any, system.D.fractions)):
        return "a feedthrough D that is not zero"
    return None


def _generator(seed: int, n: int, m: int, p: int, family: str) -> np.random.Generator:
    return np.random.default_rng([EVALUATION, seed, n, m, p, zlib.crc32(family.encode())])
