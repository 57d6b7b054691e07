"""One process's part of a screening: read lines, let the network guess about them together, prove them one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hybrid import api
from hybrid.answer import Answer, PaperReading, Reason, Status
from hybrid.batch.guesses import derivative, score
from hybrid.batch.lines import Candidate, Line, Refusal, read_candidate
from hybrid.batch.screened import Screened
from hybrid.cached import cached_property
from hybrid.errors import HybridError, ProblemError
from hybrid.propose.jacobian import Given, JacobianProposal
from hybrid.systems.numbers import nearest_float
from hybrid.systems.tokens import TokenSystem

if TYPE_CHECKING:
    from hybrid.propose.readings import Networks, Reading

BATCH: Final = 64
"""Lines that go through the network together."""

READ: Final = "read"
"""What a batch says between reading and proving, so that the time of each proof can be limited."""

_TASKS: Final = {"stability": "stability", "speed": "speed", "controllability": "control"}
PAPER_POINT: Final = {"stability": "0.01", "speed": "0.01", "controllability": "0.9", "controllability_t": "0.5"}
"""The value of every variable in the paper's tasks."""

_LARGEST: Final = 2000  # tokens that are read by the network: a batch of longer ones could take long
_INTERNAL: Final = "internal error, please report it"
_ENDED: Final = "The process that worked on it came to an end, as one does that runs out of memory."


@dataclass(frozen=True)
class Screening:
    """What is asked about every line.

    Attributes:
        ask: "stability", "speed" or "controllability".
        at: a value for some variables by name, in place of those on the line.
        at_all: a value for every other variable; None: as the line says, else 0.
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        paper: ask as Charton, Hayat and Lample 2020 do.
        inputs: which symbols of text are inputs.
        time: which symbol of text is time.
        guess: who guesses before the proof: "network", "derivative" (in doubles), or "none".
        model: the folder with the network's files; None: the shipped ones.
        model_first: try to take each proof from the network's Jacobian before anything else.
        certificates: hand each certificate back as its document.
    """

    ask: str = "stability"
    at: Mapping[str, Any] | None = None
    at_all: Any = None
    at_point: bool = False
    paper: bool = False
    inputs: tuple[str, ...] = ()
    time: str | None = None
    guess: str = "network"
    model: str | None = None
    model_first: bool = False
    certificates: bool = False


class Guess(NamedTuple):
    """What was learnt of a line without proving anything: the network's word, or why the line is refused."""

    line: Line
    score: float | None
    jacobian: Any
    refused: str
    seconds: Mapping[str, float]


class _Read(NamedTuple):
    guess: Guess
    candidate: Candidate | None


class Screener:
    """Answers batches of lines; opens the network when it first needs it."""

    def __init__(self, screening: Screening) -> None:
        self.screening = screening

    @cached_property
    def networks(self) -> Networks:
        """Those of the folder."""
        from hybrid.propose.readings import Networks

        return Networks(self.screening.model)

    def screen(self, lines: Sequence[Line]) -> Iterator[Screened | str]:
        """Read lines together, say `READ`, then prove one after the other."""
        found = self._read(lines)
        yield READ
        for each in found:
            yield self._proved(each)

    def guess(self, lines: Sequence[Line]) -> Iterator[Guess | str]:
        """What the network says of lines that were read together; nothing is proved."""
        found = self._read(lines)
        yield READ
        yield from (each.guess for each in found)

    def prove(self, guesses: Sequence[Guess]) -> Iterator[Screened | str]:
        """Prove lines that were read before."""
        yield READ
        for guess in guesses:
            yield self._proved(self._read_line(guess.line, guess))

    # Reading

    def _read(self, lines: Sequence[Line]) -> list[_Read]:
        found = [self._read_line(line, Guess(line, None, None, "", {})) for line in lines]
        started = time.perf_counter()
        there = [(i, each.candidate) for i, each in enumerate(found) if each.candidate is not None]
        if self.screening.guess == "network":
            guessed = self._by_network(there)
        elif self.screening.guess == "derivative":
            guessed = self._by_derivative(there)
        else:
            guessed = {}
        spent = (time.perf_counter() - started) / max(1, len(there))
        for i, _ in there:
            guess = found[i].guess
            said, jacobian = guessed.get(i, (None, None))
            seconds = {**guess.seconds, "guess": spent}
            found[i] = found[i]._replace(guess=guess._replace(score=said, jacobian=jacobian, seconds=seconds))
        return found

    def _read_line(self, line: Line, guess: Guess) -> _Read:
        started, candidate, refused = time.perf_counter(), None, guess.refused
        if isinstance(line.content, Refusal):
            refused = f"line {line.number}: {line.content}"
        elif not refused:
            try:
                candidate = read_candidate(line.content, self.screening.inputs, self.screening.time)
                self._point(candidate)
            except HybridError as error:
                candidate, refused = None, f"line {line.number}: {error}"
            except Exception as error:  # noqa: BLE001 - one line does not end the others
                candidate, refused = None, f"line {line.number}: {_INTERNAL}: {type(error).__name__}: {error}"
        spent = guess.seconds.get("reading", 0.0) + time.perf_counter() - started
        return _Read(guess._replace(refused=refused, seconds={**guess.seconds, "reading": spent}), candidate)

    def _point(self, candidate: Candidate) -> Mapping[str, Any] | None:
        """Where the question is asked: by the options, else by the line, else 0 (the paper: its own value for all).

        None means near the origin.
        """
        asked, system = self.screening, candidate.system
        variables = (*system.states, *system.inputs)
        for name in asked.at or ():
            if name not in variables:
                raise ProblemError("at", name, f"one of {', '.join(variables)}")
        given = {**(candidate.at or {}), **dict.fromkeys(variables if asked.at_all is not None else (), asked.at_all)}
        point = {**given, **(asked.at or {})}
        if not point and asked.paper:
            return dict.fromkeys(variables, PAPER_POINT[f"{asked.ask}_t" if system.time else asked.ask])
        if not point:
            return dict.fromkeys(variables, 0) if asked.at_point else None
        return {name: 0 for name in system.inputs} | point

    def _by_network(self, candidates: Sequence[tuple[int, Candidate]]) -> dict[int, tuple[float | None, Any]]:
        """Scores and Jacobians of those that the network reads; a model may fail in any way."""
        by_task: dict[str, list[tuple[int, TokenSystem, list[complex]]]] = {}
        for i, candidate in candidates:
            given = self._as_tokens(candidate)
            if given is not None:
                task = _TASKS[self.screening.ask]
                by_task.setdefault(f"{task}_t" if given[0].has_time else task, []).append((i, *given))
        found = {}
        for task, readable in by_task.items():
            rows, systems, points = zip(*readable, strict=True)
            try:
                readings = self.networks.read(systems, points, task)
            except HybridError:
                raise
            except Exception:  # noqa: BLE001
                continue
            for i, system, reading in zip(rows, systems, readings, strict=True):
                if reading is not None:
                    found[i] = self._score(reading, system.states), reading.jacobian
        return found

    def _score(self, reading: Reading, n: int) -> float | None:
        """What the network judged, if that is a probability; where it only read, what follows from its Jacobian."""
        if reading.verdict is None:
            return score(reading.jacobian, n, self.screening.ask)
        return reading.verdict if 0 <= reading.verdict <= 1 else None

    def _by_derivative(self, candidates: Sequence[tuple[int, Candidate]]) -> dict[int, tuple[float | None, Any]]:
        """Scores of those that have a derivative in doubles; nothing is proposed from it."""
        found: dict[int, tuple[float | None, Any]] = {}
        for i, candidate in candidates:
            point = self._doubles(candidate)
            jacobian = None if point is None else derivative(candidate.system, point)
            if jacobian is not None:
                found[i] = score(jacobian, candidate.system.n, self.screening.ask), None
        return found

    def _doubles(self, candidate: Candidate) -> dict[str, float] | None:
        """The point in doubles; None where it has none."""
        point, system = self._point(candidate) or {}, candidate.system
        try:
            return {name: as_double(point.get(name, 0), name) for name in (*system.states, *system.inputs)}
        except (HybridError, ArithmeticError):
            return None

    def _as_tokens(self, candidate: Candidate) -> tuple[TokenSystem, list[complex]] | None:
        """What the network is given; None where the system has no tokens, too many, or the point no doubles."""
        point = self._doubles(candidate)
        try:
            tokens = candidate.tokens()
        except HybridError:
            return None
        if point is None or sum(map(len, tokens.words)) > _LARGEST:
            return None
        return tokens, [complex(value) for value in point.values()]

    # Proving

    def _proved(self, read: _Read) -> Screened:
        guess, candidate = read
        row = Screened(guess.line.number, score=guess.score, reason=guess.refused, seconds=guess.seconds)
        if candidate is None:
            return row
        started = time.perf_counter()
        row = replace(row, name=candidate.name)
        try:
            row = self._with_answer(row, self._ask(candidate, guess))
        except HybridError as error:
            row = replace(row, reason=f"line {row.line}: {error}")
        except Exception as error:  # noqa: BLE001 - one line does not end the others
            said = f"{_INTERNAL}: {type(error).__name__}: {error}"
            row = replace(row, status=Status.UNDECIDED.value, reason=said)
        return replace(row, seconds={**row.seconds, "proof": time.perf_counter() - started})

    def _ask(self, candidate: Candidate, guess: Guess) -> Answer:
        """The question, put to the pipeline; a speed has to be tight, and is never taken from a proposal."""
        asked, at = self.screening, self._point(candidate)
        proposes = asked.model_first and guess.jacobian is not None
        model = Given(JacobianProposal(guess.jacobian, "equations.onnx")) if proposes else False
        if asked.ask == "controllability":
            return api.controllability(candidate.system, at=at, at_point=asked.at_point, paper=asked.paper, model=model)
        model = False if asked.ask == "speed" else model
        return api.stability(candidate.system, at=at, at_point=asked.at_point, paper=asked.paper, model=model)

    def _with_answer(self, row: Screened, answer: Answer) -> Screened:
        decided = answer.status is not Status.UNDECIDED
        wanted = self.screening.certificates and answer.certificate is not None
        return replace(
            row,
            status=answer.status.value,
            verdict=answer.verdict.value,
            route=answer.route.value if decided else "",
            abscissa=answer.abscissa,
            paper=_number(answer.paper),
            point=None if answer.point is None else {name: nearest_float(x) for name, x in answer.point.items()},
            reason="" if answer.reason is None else answer.reason.value,
            certificate=answer.certificate.to_dict() if wanted and answer.certificate is not None else None,
        )


def lost(item: Line | Guess, *, timeout: bool) -> Screened | Guess:
    """What is said of a line whose process was stopped or came to an end."""
    line, said = (item if isinstance(item, Line) else item.line), Reason.TIMEOUT.value if timeout else _ENDED
    return Screened(line.number, status=Status.UNDECIDED.value, reason=said)


def as_double(value: Any, name: str) -> float:
    """A coordinate of a point, which may be text such as "pi/2"."""
    from hybrid.expressions.evaluate import FLOATS
    from hybrid.systems.point import enter

    return float(enter(value, name, FLOATS))


def _number(paper: PaperReading | None) -> float | None:
    """The paper's λ, or its 1 or 0 for controllable."""
    return paper.value if paper is not None and isinstance(paper.value, int | float) else None
