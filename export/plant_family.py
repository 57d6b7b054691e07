"""A user's plants as a family to train on: read, split, and varied. Needs no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.propose import output_gain
from hybrid.propose.bilinear import continuous_twin, in_unit_weights
from hybrid.propose.gain import MAX_INPUTS
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.systems.mat import parse_mat
from hybrid.systems.npz import parse_npz
from hybrid.systems.reading import MAX_FILE_BYTES, read_text

from .distributions import FloatArray
from .evaluation_sets import Skipped, plant_files
from .output_systems import Triples

HELD_OUT = 0.2
"""Share of the plants that training never sees."""

FEWEST = 4
"""Plants, without repetitions."""

NOISE = (-3.0, -0.5)
"""Powers of ten between which the relative noise on the entries lies, log-uniform."""

INTERPOLATED = 0.5
"""Share of the training plants that lie between two plants of the user."""


@dataclass(frozen=True)
class Family:
    """Plants of one order, divided once and for all.

    Attributes:
        training: those that training data come from.
        held_out: those that no training data come from.
        skipped: files without a plant to train on.
    """

    training: tuple[LinearSystem, ...]
    held_out: tuple[LinearSystem, ...]
    skipped: tuple[Skipped, ...]

    @classmethod
    def read(cls, source: str, seed: int, *, output: bool = False) -> Family:
        """The plants of a folder of plant files, of an .npz or .mat file with stacks, or of a JSON list, divided.

        Args:
            source: a folder; an .npz file with A (N, n, n), B (N, n, m), C (N, p, n) and dt; a .mat file with these,
                the plants along the third axis; or a .json file with a list of systems, each as in a file of its own.
            seed: of the division.
            output: whether the outputs alone are fed back, so that C is needed.

        Raises:
            ProblemError: no such source, a table whose entry is no plant to train on, or fewer than `FEWEST` plants.
            DimensionError: plants of several orders, more than four inputs or outputs.
            ParseError: a table that cannot be read.
        """
        skipped: list[Skipped] = []
        if Path(source).is_dir():
            found = [plant for _, plant in plant_files(source, 1000, output=output)]
            plants = [plant for plant in found if isinstance(plant, LinearSystem)]
            skipped = [plant for plant in found if isinstance(plant, Skipped)]
        else:
            plants = _table(Path(source))
        plants = _without_repetitions(plants)
        if len(plants) < FEWEST:
            raise ProblemError("PLANTS", f"{len(plants)} plants in {source}", f"at least {FEWEST} different ones")
        for plant in plants:
            _expect_trainable(plant, plants[0], output)
        order = np.random.default_rng(seed).permutation(len(plants))
        shuffled = [plants[i] for i in order]
        count = max(1, round(HELD_OUT * len(plants)))
        return cls(tuple(shuffled[count:]), tuple(shuffled[:count]), tuple(skipped))

    @property
    def n(self) -> int:
        """States of every plant."""
        return self.training[0].n

    def inputs(self) -> tuple[int, ...]:
        """The numbers of inputs that occur in the plants to train on."""
        return tuple(sorted({plant.m for plant in self.training}))


class Stack(NamedTuple):
    """Plants of one size and one kind of time, A (N, n, n), B (N, n, m), C (N, p, n), in doubles."""

    A: FloatArray
    B: FloatArray
    C: FloatArray
    discrete: bool


def stacks(plants: Sequence[LinearSystem], *, output: bool = False) -> list[Stack]:
    """Plants of one order, sorted by their size and kind of time; C has no rows for state feedback."""
    groups: dict[tuple[int, int, bool], list[tuple[FloatArray, ...]]] = {}
    for plant in plants:
        matrices = _doubles(plant, output)
        groups.setdefault((plant.m, len(matrices[2]), plant.is_discrete), []).append(matrices)
    found = []
    for (_, _, discrete), group in groups.items():
        A, B, C = (np.stack(matrices) for matrices in zip(*group, strict=True))
        found.append(Stack(A, B, C, discrete))
    return found


class Neighbourhood:
    """Random plants around given ones, in continuous time: between two of them, or with noise on the entries, or both.

    Discrete-time plants enter as their continuous-time twins, which have the same gains up to a change of coordinates.

    Args:
        plants: of one order.
        output: whether the outputs alone are fed back.

    Raises:
        ProblemError: every plant has an eigenvalue at −1 in discrete time, and so no twin.
    """

    def __init__(self, plants: Sequence[LinearSystem], *, output: bool = False) -> None:
        continuous: dict[tuple[int, int], list[Triples]] = {}
        for stack in stacks(plants, output=output):
            size = stack.B.shape[2], stack.C.shape[1]
            continuous.setdefault(size, []).append(_continuous(stack))
        groups = [Triples(*map(np.concatenate, zip(*group, strict=True))) for group in continuous.values()]
        self._groups = [group for group in groups if len(group.A)]
        if not self._groups:
            raise ProblemError("PLANTS", "an eigenvalue at -1 in every plant", "a discrete-time plant without one")
        sizes = np.array([len(group.A) for group in self._groups])
        self._shares = sizes / sizes.sum()

    def draw(self, rng: np.random.Generator, count: int) -> Triples:
        """`count` plants with the numbers of inputs and outputs of one of the plants; C has no rows for state feedback.

        A plant lies, in half of the cases, somewhere on the line between two of the user's plants; every entry of A, B
        and C is then multiplied by 1 + ε g, g standard normal, ε the same for all entries and log-uniform between
        10⁻³ and 10⁻⁰·⁵. Zeros stay zero.

        >>> plants = [LinearSystem([[0, 1], [k, -1]], [[0], [1]]) for k in range(1, 5)]
        >>> A, B, _ = Neighbourhood(plants).draw(np.random.default_rng(0), 100)
        >>> A.shape, bool((A[:, 0, 0] == 0).all()), bool((A[:, 0, 1] != 1).any())
        ((100, 2, 2), True, True)
        """
        group = self._groups[rng.choice(len(self._groups), p=self._shares)]
        one, other = rng.integers(0, len(group.A), (2, count))
        between = rng.random(count) * (rng.random(count) < INTERPOLATED)
        noise = 10 ** rng.uniform(*NOISE, count)
        t, size = between[:, None, None], noise[:, None, None]

        def vary(stack: FloatArray) -> FloatArray:
            mean = (1 - t) * stack[one] + t * stack[other]
            return np.asarray(mean * (1 + size * rng.standard_normal(mean.shape)))

        return Triples(*map(vary, group))


def _table(path: Path) -> list[LinearSystem]:
    """The plants of one file."""
    place = str(path)
    expected = "a folder of plant files, an .npz or .mat file with stacks A, B (and C), or a JSON list of systems"
    kind = path.suffix.lower()
    try:
        if kind not in (".npz", ".mat", ".json") or path.stat().st_size > MAX_FILE_BYTES:
            raise ProblemError("PLANTS", place, expected)
        data = path.read_bytes()
    except OSError as error:
        raise ProblemError("PLANTS", f"{place} ({error.strerror})", expected) from None
    if kind == ".json":
        return _listed(data, place)
    return _stacks(parse_npz(data, place) if kind == ".npz" else parse_mat(data, place, stacked=True), place)


def _stacks(stored: dict[str, Any], place: str) -> list[LinearSystem]:
    """Stacked matrices, a row for each plant."""
    stacks = {key: np.asarray(stored[key]) for key in ("A", "B", "C") if key in stored}
    for key, least in (("A", "(N, n, n)"), ("B", "(N, n, m)")):
        if key not in stacks or stacks[key].ndim != 3:
            got = "nothing" if key not in stacks else f"shape {stacks[key].shape}"
            raise DimensionError(f"{place}, {key}", got, f"a stack of shape {least}, a matrix for each plant")
    counts = {len(stack) for stack in stacks.values()}
    if len(counts) > 1 or any(stack.ndim != 3 for stack in stacks.values()):
        shapes = ", ".join(f"{key} {stack.shape}" for key, stack in stacks.items())
        raise DimensionError(place, shapes, "stacks with a matrix for each plant")
    rows = zip(*stacks.values(), strict=True)
    return [_named(f"{place}, plant {i}", dict(zip(stacks, row, strict=True)), stored) for i, row in enumerate(rows, 1)]


def _named(name: str, matrices: dict[str, Any], stored: dict[str, Any]) -> LinearSystem:
    try:
        return LinearSystem(**matrices, dt=stored.get("dt"), name=name)
    except ProblemError as error:
        raise type(error)(f"{name}, {error.field}", error.got, error.expected) from None


def _listed(data: bytes, place: str) -> list[LinearSystem]:
    """A JSON list of documents, each read as a file of its own."""
    try:
        entries = json.loads(data.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise ParseError(place, "no JSON", "a JSON list of systems") from None
    if not isinstance(entries, list):
        raise ParseError(place, "no list", "a JSON list of systems")
    plants = []
    for i, entry in enumerate(entries, 1):
        system = read_text(json.dumps(entry), "json", f"{place}, plant {i}")
        if not isinstance(system, LinearSystem):
            raise ProblemError(f"{place}, plant {i}", "a nonlinear system", "a linear one, with matrices A and B")
        plants.append(system)
    return plants


def _without_repetitions(plants: Sequence[LinearSystem]) -> list[LinearSystem]:
    """One of each: a plant that occurs twice would stand on both sides of the division."""

    def content(plant: LinearSystem) -> tuple[Any, ...]:
        return plant.is_discrete, *(part and part.fractions for part in (plant.A, plant.B, plant.C))

    return list({content(plant): plant for plant in reversed(plants)}.values())[::-1]


def _expect_trainable(plant: LinearSystem, first: LinearSystem, output: bool) -> None:
    """Of the order of the first, with one to four inputs (and outputs), in the range of doubles."""
    if plant.n != first.n:
        expected = f"{first.n} states, as {first.name} has; a model is for plants of one order"
        raise DimensionError(plant.name, f"{plant.n} states", expected)
    if not 1 <= plant.m <= MAX_INPUTS:
        raise DimensionError(plant.name, f"{plant.m} inputs", f"1 to {MAX_INPUTS} inputs")
    if output and (plant.C is None or not 1 <= plant.p <= output_gain.CHANNELS):
        raise DimensionError(plant.name, f"{plant.p if plant.C else 0} outputs", f"1 to {output_gain.CHANNELS} outputs")
    if not all(np.isfinite(matrix).all() for matrix in _doubles(plant, output)):
        raise ProblemError(plant.name, "a number beyond 1.8e308", "numbers in the range of doubles")


def _doubles(plant: LinearSystem, output: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    C = plant.C.floats if output and plant.C is not None else np.zeros((0, plant.n))
    return plant.A.floats, require_inputs(plant).floats, C


def _continuous(stack: Stack) -> Triples:
    """The plants, or their continuous-time twins; without those that have none, with an eigenvalue at −1."""
    A, B, C, discrete = stack
    if not discrete:
        return Triples(A, B, C)
    n, m = B.shape[1:]
    usable = np.linalg.matrix_rank(np.eye(n) + A) == n
    A, B, C = A[usable], B[usable], C[usable]
    if C.shape[1]:
        return Triples(*output_gain.continuous_twin(A, B, C)[:3])
    weights = (np.broadcast_to(np.eye(k), (len(A), k, k)) for k in (n, m))
    return Triples(*in_unit_weights(continuous_twin(A, B, *weights))[:2], C)
