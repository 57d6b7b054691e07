"""The whole study of `hybrid eval paper`: what is asked, in which order, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np

from .study_accuracy import Accuracy, Curve, accuracies, curves
from .study_cases import CaseSet, training_sample, without_repeated
from .study_latent import LatentMap, Probe, latent_map, probes
from .study_neighbours import Neighbourhood, neighbourhood
from .study_proposals import Proposer
from .study_rewritings import RewritingScore, rewriting_scores
from .study_sizes import other_sizes
from .study_tasks import Record, unproved
from .study_truth import truths

REWRITTEN: Final = 200
"""Systems of each set that are rewritten, evenly from all of it."""
TRAINING: Final = 20_000
"""Training systems that the nearest ones are looked for among."""
SIZES_COUNT: Final = 400
"""Systems of each drawing that is unlike the training data."""
Progress = Callable[[float], None]
"""Is told the share that is done."""


@dataclass(frozen=True)
class Settings:
    """How much is asked.

    Attributes:
        exact: whether the exact route establishes the truth.
        seed: of rewritings and drawings.
        training: systems that training draws, to be near to; 0 for none.
        rewritten: systems of each set that are rewritten; 0 for none.
        sizes: systems of each drawing of other sizes; 0 for none.
    """

    exact: bool = True
    seed: int = 0
    training: int = TRAINING
    rewritten: int = REWRITTEN
    sizes: int = SIZES_COUNT


@dataclass
class Study:
    """What came out, by sections.

    Attributes:
        models: what proposed.
        complete: whether it came to its end.
        repeated: set → systems left out, standing twice or among the training systems.
        accuracy: by set, task and degree.
        curves: against the tolerance.
        rewritings, neighbours, maps, probes: of each set where they apply.
        sizes: the models on systems unlike their training data; the set is the name of the drawing.
        failures: why the exact route stayed undecided → how often.
        seconds: mean time of the exact route for a system, by set.
        gains: set → systems as they are, unscaled, with a proved gain, and all.
    """

    models: str
    settings: Settings
    complete: bool = False
    repeated: dict[str, int] = field(default_factory=dict)
    accuracy: list[Accuracy] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    rewritings: list[RewritingScore] = field(default_factory=list)
    neighbours: list[Neighbourhood] = field(default_factory=list)
    sizes: list[Accuracy] = field(default_factory=list)
    maps: list[LatentMap] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    gains: dict[str, tuple[int, int]] = field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        """As JSON knows it; the points of the maps are left out."""
        document = asdict(self)
        for each, accuracy in zip(document["accuracy"], self.accuracy, strict=True):
            each["figure"] = None if accuracy.figure is None else accuracy.figure._asdict()
            each["comparable"] = accuracy.comparable
        for each, accuracy in zip(document["sizes"], self.sizes, strict=True):
            each["figure"] = None if accuracy.figure is None else accuracy.figure._asdict()
        document["maps"] = [{"set": each.set, "explained": each.explained} for each in self.maps]
        return document


def study(sets: Sequence[CaseSet], proposer: Proposer, settings: Settings, progress: Progress) -> Study:
    """Ask about every set; Ctrl-C ends it with the sets that are complete.

    Args:
        sets: not empty each.
        proposer: what answers as the model.
        settings: how much is asked.
        progress: is told how far it is.
    """
    found = Study(proposer.name, settings)
    total = len(sets) + 1
    try:
        for i, given in enumerate(sets):
            _study_set(found, given, proposer, settings, partial(_from, progress, i / total, 1 / total))
        found.sizes = other_sizes([each.cases[0].kind for each in sets], proposer, settings.sizes, settings.seed)
        found.complete = True
    except KeyboardInterrupt:
        pass
    progress(1.0)
    return found


def _from(progress: Progress, begin: float, width: float, share: float) -> None:
    """Tell how far a part of the whole is."""
    progress(begin + width * share)


def _study_set(found: Study, given: CaseSet, proposer: Proposer, settings: Settings, progress: Progress) -> None:
    training, seen = _training(given, settings.training)
    kept = without_repeated(given, seen)
    if not kept.cases:
        found.repeated[kept.name] = kept.repeated
        return
    records = read(kept, proposer, settings, progress)
    near = [] if training is None else [neighbourhood(kept.name, records, training)]
    some = records[:: max(1, len(records) // settings.rewritten)][: settings.rewritten] if settings.rewritten else []
    rewritten = rewriting_scores(kept.name, some, proposer, settings.seed)
    drawn = latent_map(kept.name, records)
    # From here on nothing takes time, so that an interrupted study has a set as a whole or not at all.
    found.repeated[kept.name] = kept.repeated
    _count_truths(found, kept.name, records)
    found.accuracy += accuracies(kept.name, records)
    found.curves += curves(kept.name, records)
    found.neighbours += near
    found.rewritings += rewritten
    found.maps += [] if drawn is None else [drawn]
    found.probes += probes(kept.name, records)


def read(given: CaseSet, proposer: Proposer, settings: Settings, progress: Progress) -> list[Record]:
    """All that is said of the systems of a set."""
    records = unproved(given.cases, proposer)
    if not settings.exact:
        return records
    proposed, known = [record.proposed for record in records], []
    for truth in truths(given.cases, proposed, [record.jacobian for record in records]):
        known.append(truth)
        progress(len(known) / len(records))
    return [record._replace(truth=truth) for record, truth in zip(records, known, strict=True)]


def _training(given: CaseSet, count: int) -> tuple[Any, Any]:
    """Features and fingerprints; none for PDEs."""
    kind = given.cases[0].kind
    return (None, None) if kind == "fourier" or not count else training_sample(kind, count)


def _count_truths(found: Study, name: str, records: Sequence[Record]) -> None:
    known = [record.truth for record in records if record.truth is not None]
    for truth in known:
        if truth.reason:
            found.failures[truth.reason] = found.failures.get(truth.reason, 0) + 1
    if known:
        found.seconds[name] = float(np.mean([truth.seconds for truth in known]))
    if any(truth.has_gain is not None for truth in known):
        found.gains[name] = sum(bool(truth.has_gain) for truth in known), len(known)
