"""The runs of `hybrid eval feedback`: generated sets by family and size, or the plants of a folder, one score each."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from hybrid import __version__
from hybrid.errors import HybridError, ProblemError
from hybrid.propose import gain, output_gain
from hybrid.systems.linear import LinearSystem
from hybrid.trials import STARTS

from . import evaluation_sets
from .distributions import FloatArray, Pairs
from .evaluation import ModelChoice, Score, asker, score_pairs, score_systems
from .evaluation_sets import PAIRS, TRIPLES, Skipped, plant_files

LARGEST_ORDER = 40
"""States that generated systems may have."""

_CHANNELS = (1, 2, 3)
_PAIRS, _TRIPLES = 1000, 100  # systems of a set: stacks are answered at once, systems with outputs one by one
_WARM_UP = 8  # systems that are answered first and not counted: kernels compile, sessions open

Step = tuple[float, Score | Skipped]
"""The share of a run that is done, and what came last."""


@dataclass(frozen=True)
class Generated:
    """Sets of generated systems: one for each family and size.

    Attributes:
        families: names of `PAIRS` or `TRIPLES`, or "all"; empty: gaussian and mixed, or with outputs mixed.
        orders, inputs, outputs: sizes n, m, p; empty: those of the models, and 1 to 3.
        count: systems of each set; None: 1000, or with outputs 100.
        seed: of the systems.
        discrete: whether they are sampled.
        output: whether the outputs alone are fed back; such plants are unstable and have a gain by construction.
    """

    families: tuple[str, ...] = ()
    orders: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    count: int | None = None
    seed: int = 1
    discrete: bool = False
    output: bool = False

    def names(self) -> list[str]:
        """The families, in the order in which they were asked for.

        Raises:
            ProblemError: there is none of that name.

        >>> Generated(output=True).names(), Generated(("masses", "gaussian", "masses")).names()
        (['mixed'], ['masses', 'gaussian'])
        """
        known: Iterable[str] = TRIPLES if self.output else PAIRS
        found: dict[str, None] = {}
        for name in self.families or (("mixed",) if self.output else ("gaussian", "mixed")):
            if name not in {*known, "all"}:
                raise ProblemError("--family", name, f"one of {', '.join(known)}, or all")
            found |= dict.fromkeys(known if name == "all" else [name])
        return list(found)

    def cases(self, orders: Sequence[int]) -> list[tuple[str, int, int, int | None]]:
        """Family, n, m and p of each set; with these orders where none were asked for."""
        outputs: Sequence[int | None] = (self.outputs or _CHANNELS) if self.output else [None]
        return list(product(self.names(), self.orders or orders, self.inputs or _CHANNELS, outputs))


def evaluate_generated(sets: Generated, model: ModelChoice = True, starts: int = STARTS) -> Iterator[Step]:
    """Score one generated set after the other.

    Args:
        sets: what to generate.
        model: the shipped ones, none, or a path.
        starts: of the search for an output gain, before it gives up.

    Raises:
        ProblemError, ModelError: a family that there is not; a file that is no model for this question.

    >>> sets = Generated(("gaussian",), orders=(3,), inputs=(1, 2), count=20)
    >>> [(share, score.m, score.fallback) for share, score in evaluate_generated(sets, model=False)]
    [(0.5, 1, 20), (1.0, 2, 20)]
    """
    count = sets.count or (_TRIPLES if sets.output else _PAIRS)
    ask, has_model = asker(model, output=sets.output, starts=starts)
    cases = sets.cases(_orders_of(model, sets.output))
    for i, (name, n, m, p) in enumerate(cases, 1):
        if p is None:
            A, B = evaluation_sets.pairs(name, count, n, m, sets.seed, discrete=sets.discrete)
            score_pairs("", *_warm_up(A, B), model, discrete=sets.discrete)
            yield i / len(cases), score_pairs(name, A, B, model, discrete=sets.discrete)
            continue
        triples = evaluation_sets.triples(name, count, n, m, p, sets.seed, discrete=sets.discrete)
        systems = [LinearSystem(*triple, dt=1 if sets.discrete else None) for triple in zip(*triples, strict=True)]
        ask(systems[0])
        yield i / len(cases), score_systems(name, systems, ask, output=True, model=has_model(systems[0]))


def evaluate_folder(
    folder: str, model: ModelChoice = True, starts: int = STARTS, *, output: bool = False, most_states: int = 60
) -> Iterator[Step]:
    """Score the plants of a folder, each by itself; the files that hold none to ask about come with a reason.

    Args:
        folder: of plant files.
        model, starts: as for `evaluate_generated`.
        output: whether the outputs alone are fed back.
        most_states: larger plants are skipped.

    Raises:
        ProblemError, ModelError: no folder of plants; a file that is no model for this question.
    """
    ask, has_model = asker(model, output=output, starts=starts)
    ask(LinearSystem([[0, 1], [1, -1]], [[0], [1]], [[1, 0]]))
    warm: set[tuple[int, int]] = set()
    for share, plant in plant_files(folder, most_states, output=output):
        if isinstance(plant, Skipped):
            yield share, plant
            continue
        try:
            if has_model(plant) and (plant.n, plant.m) not in warm:
                warm.add((plant.n, plant.m))
                ask(plant)
            yield share, score_systems(plant.name, [plant], ask, output=output, model=has_model(plant))
        except HybridError as error:
            yield share, Skipped(plant.name, str(error))


def _warm_up(A: FloatArray, B: FloatArray) -> Pairs:
    """A few pairs and one that no gain stabilises, which passes through every stage."""
    n, m = B.shape[1:]
    stuck = 2 * np.eye(n)[None], np.zeros((1, n, m))
    return np.concatenate([A[:_WARM_UP], stuck[0]]), np.concatenate([B[:_WARM_UP], stuck[1]])


def document(scores: Sequence[Score], skipped: Sequence[Skipped], model: ModelChoice, **about: Any) -> dict[str, Any]:
    """What `hybrid eval feedback` writes: what was asked, with which models, the scores, and the files left out."""
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return {
        **about,
        "models": _models(scores, model),
        "scores": [score.as_dict() for score in scores],
        "skipped": [file._asdict() for file in skipped],
        "made_by": f"hybrid {__version__}, {machine}",
    }


def _models(scores: Sequence[Score], model: ModelChoice) -> dict[str, str]:
    """The model files that were asked, with their SHA-256."""
    if model is False:
        return {}
    path = _folder(model)
    forms = {(output_gain.FORM if score.p else gain.FORM).name(score.n) for score in scores if score.model}
    files = [path / name for name in sorted(forms)] if path.is_dir() else [path]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _folder(model: ModelChoice) -> Path:
    return Path(str(resources.files("hybrid.models"))) if isinstance(model, bool) else Path(model)


def _orders_of(model: ModelChoice, output: bool) -> list[int]:
    """The orders that there are models for; where there are none, those of the shipped gain models."""
    _, has_model = asker(model, output=output)
    one = [LinearSystem([[0] * n] * n, [[0]] * n, [[0] * n]) for n in range(1, LARGEST_ORDER + 1)]
    return [system.n for system in one if has_model(system)] or list(range(2, 7))
