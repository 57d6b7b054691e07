"""A model for a user's plants: `hybrid train`.

Training starts from the shipped model of the order and goes on with random plants around the user's own, see
`plant_family.py`, and a share of those that the shipped model was trained on. Which weights are kept is decided on such
random plants too, so that the held-out plants are new to the model in every sense: neither its weights nor the choice
of them depend on these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hybrid.errors import ModelError
from hybrid.propose import gain, output_gain
from hybrid.systems.linear import LinearSystem
from hybrid.verify.lyapunov import BoolArray

from . import files, graph, output_graph, output_to_onnx, to_onnx
from .distributions import Pairs
from .evaluation import Score, as_file, score_output_proposals, score_pairs
from .network import RiccatiNetwork, Shape
from .output_network import OutputGainNetwork, OutputShape
from .output_systems import Triples
from .plant_family import INTERPOLATED, NOISE, Family, Neighbourhood, Stack, stacks
from .train import RiccatiTask
from .train_output import OutputGainTask
from .training import Settings, Training

GENERAL = 0.25
"""Share of the steps on plants of the shipped model's training, so that it forgets little."""

_RATE, _RATE_FROM_SCRATCH = 3e-4, 1e-3
_BATCH = 256
_VALIDATED, _VALIDATED_ONE_BY_ONE = 1000, 200  # random plants that decide which weights are kept
_VALIDATION = 1  # third word of their seed, which those of the steps do not have
_REPORTS, _SHORTEST = 20, 10.0  # looks at the weights, at least so many seconds apart
_NAMED = 100  # plants that a card names
_SHAPE = 4, 192, 2  # of fresh networks: stages, width, blocks
_OUTPUT_SHAPE = 12, 128, 2, 64, 1  # steps, width and blocks of the first guess, width and blocks of a step


@dataclass(frozen=True)
class Proved:
    """How many of `count` plants a model's gains were proved for, as they were and after refinement."""

    raw: int
    refined: int
    count: int

    @property
    def rank(self) -> tuple[int, int]:
        """What is compared: the raw gains, then all."""
        return self.raw, self.raw + self.refined

    def as_dict(self) -> dict[str, int]:
        """The fields by name, for a card."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.raw} of {self.count} raw, {self.raw + self.refined} with refinement"


@dataclass(frozen=True)
class Model:
    """The bytes of an ONNX file and what they were found to do.

    Attributes:
        exported: the file.
        validation: on random plants around those to train on.
        held_out: on the plants that training never saw.
        parity: how far torch and ONNX Runtime differ, in units of what is allowed; None for the file it started from.
    """

    exported: bytes
    validation: Proved
    held_out: Proved
    parity: float | None


@dataclass(frozen=True)
class Standing:
    """How far a run has come.

    Attributes:
        seconds: of training.
        held_out: what the present weights do on the held-out plants.
        kept: whether they are the best so far.
    """

    seconds: float
    held_out: Proved
    kept: bool


class FineTuning:
    """One run: from a family of plants to the best model so far.

    Args:
        family: the plants.
        output: whether the outputs alone are fed back.
        minutes: of training.
        samples: random plants after which it ends, if that comes first.
        seed: of the division, the data and the weights.
        start_from: the model to start from; None: the shipped one, or fresh weights where there is none of the order.
        target: where `write` puts the model.

    Raises:
        ModelError: `start_from`, or what lies at `target`, is no model for plants of this order.
    """

    def __init__(
        self,
        family: Family,
        *,
        output: bool = False,
        minutes: float = 10.0,
        samples: int | None = None,
        seed: int = 0,
        start_from: str | None = None,
        target: Path,
    ) -> None:
        self.family, self.output, self.samples, self.target = family, output, samples, target
        self.form = output_gain.FORM if output else gain.FORM
        self._other = self._held_out(target) if target.exists() else None
        start = _shipped(self.form.name(family.n)) if start_from is None else Path(start_from)
        if start is not None:
            self._held_out(start)  # it may be for other plants
        self.start = None if start is None else files.named(start)
        self._licence = "not stated" if start is None else f"that of {start.name}" if start_from else "BSD-3-Clause"
        neighbourhood = Neighbourhood(family.training, output=output)
        self._task = _task(family, neighbourhood, start, output)
        rate = _RATE_FROM_SCRATCH if start is None else _RATE
        settings = Settings(seed, _BATCH, rate, minutes, None if start is None else str(start))
        self._validation = _random_stacks(neighbourhood, seed, _VALIDATED_ONE_BY_ONE if output else _VALIDATED)
        torch.set_num_threads(1)  # networks of this size gain nothing from more, and lose much on a busy machine
        self._training = Training(self._task, settings, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
        self.best = self._present() if start is None else self._measured(start.read_bytes(), None)
        self.before = self.best

    def run(self) -> Iterator[Standing]:
        """Train to the end; what was best so far is in `best` after every step."""
        settings = self._training.settings
        every = max(_SHORTEST, 60 * settings.minutes / _REPORTS)
        due, finished = every, False
        while not finished:
            self._training.advance()
            spent = self._training.seconds
            finished = spent >= 60 * settings.minutes or self._training.samples >= (self.samples or np.inf)
            if spent < due and not finished:
                continue
            due = spent + every
            present = self._present()
            kept = present.validation.rank > self.best.validation.rank
            if kept:
                self.best = present
            yield Standing(spent, present.held_out, kept)

    def write(self) -> bool:
        """Write the best model and its card beside it, unless a model that is as good lay there; whether it was."""
        if self._other is not None and self._other.rank >= self.best.held_out.rank:
            return False
        if self.best.parity is not None:
            files.require_parity(self.target.name, self.best.parity, 1.0)
        self.target = files.write_somewhere(self.target, self.best.exported, self.card())
        return True

    def card(self) -> dict[str, Any]:
        """Everything about the best model that its bytes do not say."""
        training, family, best = self._training, self.family, self.best
        return {
            "name": self.target.name,
            "task": f"propose {self.form.task}s for the plants of one family",
            "schema": self.form.schema,
            "canonical_form": self.form.canonical_form,
            "tensors": self.form.shapes(family.n),
            "network": self._task.shape.as_dict(),
            "training": {
                "settings": asdict(training.settings) | {"start_from": self.start},
                "samples": training.samples,
                "minutes": round(training.seconds / 60, 2),
                "plants": _names(family.training),
                "data": "random plants on lines between these and around them, see hybrid/export/plant_family.py",
                "noise": NOISE,
                "interpolated": INTERPOLATED,
                "general": GENERAL,
            },
            "metrics": {
                "held out, before": self.before.held_out.as_dict(),
                "held out, after": best.held_out.as_dict(),
                "validation, before": self.before.validation.as_dict(),
                "validation, after": best.validation.as_dict(),
            },
            "metrics_note": "gains that the solver proved, raw and after refinement; held out are plants of "
            "the user on which neither the weights nor the choice of them depend; validation is on random plants",
            "held_out": _names(family.held_out),
            "parity": best.parity,
            **files.digest(best.exported),
            "licence": self._licence,
        }

    def _present(self) -> Model:
        """The averaged weights as a file."""
        network = self._training.average.module
        device = self._training.device
        network.cpu()
        exported, difference = self._task.export(network)
        network.to(device)
        return self._measured(exported, difference)

    def _measured(self, exported: bytes, difference: float | None) -> Model:
        with as_file(exported) as file:
            return Model(exported, _proved(file, self._validation), self._held_out(file), difference)

    def _held_out(self, file: Path) -> Proved:
        return _proved(file, stacks(self.family.held_out, output=self.output))


def _proved(file: Path, plants: Sequence[Stack]) -> Proved:
    """How a model does, by the code behind `hybrid eval`.

    Raises:
        ModelError: it is no model for these plants.
    """
    found = [_score(file, stack) for stack in plants]
    return Proved(sum(s.raw for s in found), sum(s.refined for s in found), sum(s.count for s in found))


def _score(file: Path, stack: Stack) -> Score:
    A, B, C, discrete = stack
    n, m, p = *B.shape[1:], C.shape[1]
    if not p:
        found = score_pairs(file.name, A, B, file, discrete=discrete)
        if not found.model:
            raise ModelError(f"{file}: no model for plants with {n} states and {m} inputs")
        return found
    proposer = output_gain.OutputGainProposer(file)
    if not proposer.accepts(n, m, p):
        raise ModelError(f"{file}: no model for plants with {n} states, {m} inputs and {p} outputs")
    dt = 1 if discrete else None
    return score_output_proposals(file.name, [LinearSystem(*row, dt=dt) for row in zip(A, B, C, strict=True)], proposer)


@dataclass(frozen=True)
class _PairsTask(RiccatiTask):
    """Riccati solutions of random plants around a family."""

    neighbourhood: Neighbourhood

    def draw(self, rng: np.random.Generator, batch: int) -> Pairs:
        if rng.random() < GENERAL:
            return super().draw(rng, batch)
        A, B, _ = self.neighbourhood.draw(rng, batch)
        return A, B

    def export(self, network: nn.Module) -> tuple[bytes, float]:
        """The file of a network on the CPU, and how far torch and ONNX Runtime differ."""
        assert isinstance(network, RiccatiNetwork)
        exported = graph.to_model(network).SerializeToString()
        return exported, to_onnx.parity(network, exported, self.inputs) / to_onnx.PARITY


@dataclass(frozen=True)
class _TriplesTask(OutputGainTask):
    """Output gains of random plants around a family, all entries of K free."""

    neighbourhood: Neighbourhood

    def draw(self, rng: np.random.Generator, batch: int) -> tuple[Triples, BoolArray]:
        if rng.random() < GENERAL:
            return super().draw(rng, batch)
        triples = self.neighbourhood.draw(rng, batch)
        return triples, np.ones((triples.B.shape[2], triples.C.shape[1]), dtype=bool)

    def export(self, network: nn.Module) -> tuple[bytes, float]:
        """The file of a network on the CPU, and how far torch and ONNX Runtime differ."""
        assert isinstance(network, OutputGainNetwork)
        exported = output_graph.to_model(network).SerializeToString()
        return exported, output_to_onnx.parity(network, exported) / output_to_onnx.PARITY


def _task(family: Family, neighbourhood: Neighbourhood, start: Path | None, output: bool) -> _PairsTask | _TriplesTask:
    """What to learn, in the shape of the network to start from."""
    if output:
        shape = OutputShape(family.n, *_OUTPUT_SHAPE) if start is None else output_to_onnx.load_network(start).shape
        return _TriplesTask(shape, neighbourhood)
    pairs_shape = Shape(family.n, *_SHAPE) if start is None else to_onnx.load_network(start).shape
    return _PairsTask(pairs_shape, family.inputs(), neighbourhood)


def _shipped(name: str) -> Path | None:
    """The shipped model of that name, where there is one."""
    file = Path(str(resources.files("hybrid.models"))) / name
    return file if file.is_file() else None


def _random_stacks(neighbourhood: Neighbourhood, seed: int, count: int) -> list[Stack]:
    """Random plants to choose weights by, in ten stacks for the sake of several numbers of inputs and outputs."""
    rng = np.random.default_rng([seed, 0, _VALIDATION])
    return [Stack(*neighbourhood.draw(rng, count // 10), discrete=False) for _ in range(10)]


def _names(plants: Sequence[LinearSystem]) -> list[str]:
    """At most a hundred names."""
    names = [plant.name for plant in plants[:_NAMED]]
    return names if len(plants) <= _NAMED else [*names, f"and {len(plants) - _NAMED} more"]
