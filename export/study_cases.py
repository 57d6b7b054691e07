"""What the study asks about: files of the paper's generator, or fresh systems of our own."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import ProblemError

from .duplicates import features_of_forest, fingerprints_of_forest, first_of_each
from .matrix_answers import abscissae, controllable
from .paper_files import PaperPDE, PaperSystem, read_paper_file
from .paper_labels import Gain, Label, PDELabel
from .random_systems import DISTRIBUTIONS, Forest, differentiate, forest, sizes
from .study_formulas import controllable_in_time, gramian_gains, stabilises, unit
from .study_proposals import Case

DRAWABLE: Final = ("stability", "stability_bal", "speed", "control", "control_bal", "control_t", "gram", "fourier")
"""Tasks that fresh systems can be drawn for; `_bal`: half of each degree and number of inputs yes, half no."""
STUDY: Final = 20_060_646
"""Seeds of the study start with this, those of training never do."""
TRAINING: Final = 0
"""The seed that training starts from."""
CHUNK: Final = 500
"""Systems drawn together."""
MOST_DRAWN: Final = 2_000_000
"""Systems of one size, after which a set that is to be half yes stays as it is."""
DENSE: Final = tuple(0.59 + 0.4 * x for x in (-1, -0.93, -0.71, -0.38, 0.0, 0.38, 0.71, 0.93, 1))
"""Instants for the labels of our own systems with time, near Chebyshev's."""

_Labelled = tuple[Forest, int, Label]
"""One system of a forest."""


class CaseSet(NamedTuple):
    """Systems of one file or drawing, and one task.

    Attributes:
        name: of the file without its suffix, or of the drawing.
        cases: in their order.
        repeated: how many were left out, standing twice or among the training systems, be it in other words.
    """

    name: str
    cases: list[Case]
    repeated: int = 0


def read_sets(
    paths: Sequence[str | os.PathLike[str]], task: str | None = None, limit: int | None = None
) -> list[CaseSet]:
    """The systems of files, a set for each file and task in it.

    Args:
        paths: of files, see `read_paper_file`.
        task: of lines that name none.
        limit: keep the first so many of each file.

    Raises:
        ParseError, ProblemError: a file that cannot be read, or holds nothing.
    """
    found = []
    for path in paths:
        cases = read_paper_file(path, task)[:limit]
        if not cases:
            raise ProblemError(Path(path).name, "no systems", "a system in each line")
        tasks = sorted({case.task for case in cases})
        for each in tasks:
            name = Path(path).stem if len(tasks) == 1 else f"{Path(path).stem}: {each}"
            found.append(CaseSet(name, [case for case in cases if case.task == each]))
    return found


def without_repeated(given: CaseSet, seen: NDArray[np.uint64] | None) -> CaseSet:
    """The set without systems that stand twice or that training has seen."""
    systems = [case.system for case in given.cases if isinstance(case, PaperSystem)]
    if not systems:
        return given
    kept = first_of_each(systems, seen)
    return CaseSet(given.name, [given.cases[i] for i in kept], len(systems) - len(kept))


def training_sample(task: str, count: int) -> tuple[NDArray[np.float32], NDArray[np.uint64]]:
    """Features and fingerprints of systems as training draws them, from its seed.

    Args:
        task: of `DISTRIBUTIONS`.
        count: about how many.
    """
    rng = np.random.default_rng([TRAINING, 0])
    drawn = [forest(rng, task, max(1, round(share * count)), d, p) for d, p, share in sizes(task)]
    return np.concatenate(list(map(features_of_forest, drawn))), np.concatenate(
        list(map(fingerprints_of_forest, drawn))
    )


# Fresh systems


def draw_set(
    task: str, count: int, seed: int, *, degree: int | None = None, operators: int = 0, name: str | None = None
) -> CaseSet:
    """Fresh systems that training never saw, with labels in double precision by the paper's rules.

    Args:
        task: of `DRAWABLE`.
        count: about how many.
        seed: any.
        degree: of all of them; None: as the paper draws it.
        operators: more in each equation, in multiples of the degree.
        name: of the set.

    Raises:
        ProblemError: a task that there is not.
    """
    if task not in DRAWABLE:
        raise ProblemError("--draw", task, f"one of {', '.join(DRAWABLE)}")
    called = name or f"drawn {task}"
    if task == "fourier":
        return CaseSet(called, list(_equations(count, seed)))
    kind, balanced = task.removesuffix("_bal"), task.endswith("_bal")
    wanted = list(sizes(kind)) if degree is None else _of_degree(kind, degree)
    cases: list[Case] = []
    for d, p, share in wanted:
        rng = np.random.default_rng([STUDY, seed, d, p, operators])
        drawn = _labelled(rng, kind, d, p, operators * d)
        chosen = _half_each(drawn, round(share * count)) if balanced else _first(drawn, round(share * count))
        cases += [_case(kind, *each, line) for line, each in enumerate(chosen, 1)]
    return CaseSet(called, cases)


def _of_degree(kind: str, degree: int) -> list[tuple[int, int, float]]:
    most = DISTRIBUTIONS[kind].most_controls(degree)
    controls = range(1, most + 1) if most else range(1)
    return [(degree, p, 1 / len(controls)) for p in controls]


def _labelled(rng: np.random.Generator, kind: str, d: int, p: int, operators: int) -> Iterator[_Labelled]:
    """Systems of one size and their labels, without end."""
    while True:
        drawn = forest(rng, kind, CHUNK, d, p, more_operators=operators)
        yield from ((drawn, row, label) for row, label in _LABELS.get(kind, _rates)(drawn))


def _first(drawn: Iterator[_Labelled], count: int) -> list[_Labelled]:
    return list(itertools.islice(drawn, max(1, count)))


def _half_each(drawn: Iterator[_Labelled], count: int) -> list[_Labelled]:
    """As many of each answer, in the order drawn; stable is a rate of 0 or more."""
    half = max(1, count // 2)
    kept: dict[bool, list[_Labelled]] = {True: [], False: []}
    for each in itertools.islice(drawn, MOST_DRAWN):
        rows = kept[each[2] >= 0 if type(each[2]) is float else bool(each[2])]
        if len(rows) < half:
            rows.append(each)
        if min(map(len, kept.values())) == half:
            break
    return [each for pair in zip(*kept.values(), strict=False) for each in pair]


def _case(kind: str, drawn: Forest, row: int, label: Label, line: int) -> PaperSystem:
    system = drawn.system(row)
    point = dict.fromkeys((*system.state_names, *system.input_names), DISTRIBUTIONS[kind].point)
    return PaperSystem(kind, kind, system.states, system.inputs, system, point, label, line)


# Labels


def _rates(drawn: Forest) -> Iterator[tuple[int, float]]:
    rates = -abscissae(drawn.jacobian)
    return ((int(i), float(rates[i])) for i in np.flatnonzero(np.isfinite(rates)))


def _ranks(drawn: Forest) -> Iterator[tuple[int, bool]]:
    yes = controllable(*_parts(drawn))
    return enumerate(yes.tolist())


def _ranks_in_time(drawn: Forest) -> Iterator[tuple[int, bool]]:
    """By derivatives in time of polynomials through more instants than the paper's, where it has symbolic ones."""
    n, columns, point = drawn.degree, drawn.degree + drawn.controls, drawn.point[:-1].tolist()
    for i in range(len(drawn)):
        system = drawn.system(i)
        found = [J for t in DENSE if (J := differentiate([system], [[*point, t]])[0]) is not None]
        if len(found) == len(DENSE):
            J = np.stack(found)
            yield i, controllable_in_time(J[:, :, :n], J[:, :, n:columns], np.array(DENSE))


def _gains(drawn: Forest) -> Iterator[tuple[int, Gain]]:
    """Controllable systems whose K, rounded to 3 digits, does not fail the paper's test."""
    A, B = _parts(drawn)
    with np.errstate(all="ignore"):
        A, usable = unit(A), controllable(A, B)
    rows = np.flatnonzero(usable)
    K = gramian_gains(A[rows], B[rows])
    for i, gain in zip(rows.tolist(), K, strict=True):
        if np.isfinite(gain).all():
            rounded = np.vectorize(lambda x: float(f"{x:.2e}"))(gain)
            if stabilises(A[i : i + 1], B[i : i + 1], rounded[None])[0]:
                yield i, tuple(map(tuple, rounded.tolist()))


_LABELS: Final[dict[str, Callable[[Forest], Iterator[tuple[int, Label]]]]] = {
    "control": _ranks,
    "control_t": _ranks_in_time,
    "gram": _gains,
}


def _parts(drawn: Forest) -> tuple[NDArray[Any], NDArray[Any]]:
    return drawn.jacobian[:, :, : drawn.degree].real, drawn.jacobian[:, :, drawn.degree :].real


# Partial differential equations


def _equations(count: int, seed: int) -> Iterator[PaperPDE]:
    from .pde_labels import draw_labelled
    from .pde_systems import operator_text

    drawn = draw_labelled(np.random.default_rng([STUDY, seed]), count)
    for row, (exists, decays) in enumerate(drawn.paper.tolist()):
        n = int(drawn.equations.dimension[row])
        box = zip(drawn.equations.low[row, :n].tolist(), drawn.equations.high[row, :n].tolist(), strict=True)
        condition = "*".join(_kernel(i, low, high) for i, (low, high) in enumerate(box))
        operator = operator_text(drawn.equations, row).replace("**", "^")
        yield PaperPDE("fourier", "fourier", n, operator, condition, PDELabel(exists, decays), row + 1)


def _kernel(i: int, low: float, high: float) -> str:
    """A factor in x_i whose frequencies 2πξ are those from low to high.

    >>> _kernel(0, -np.inf, np.inf), _kernel(1, 3.0, 3.0), _kernel(2, -1.0, 5.0)
    ('delta0(x0)', 'exp(3*(I*x1))', 'exp(2*(I*x2))*(sin(3*x2)/(3*x2))')
    """
    if np.isinf(low):
        return f"delta0(x{i})"
    middle, radius = round((low + high) / 2), round((high - low) / 2)
    delay = f"exp({middle}*(I*x{i}))"
    return f"{delay}*(sin({radius}*x{i})/({radius}*x{i}))" if radius else delay
