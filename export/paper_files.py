"""Files of systems drawn by the paper's generator: JSON lines, or its own lines of input and output tokens."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from hybrid.errors import ParseError, ProblemError
from hybrid.expressions.tokens import PDE_ARITY, SEPARATOR, infix, integer_tokens, read_words
from hybrid.systems.tokens import MAX_VARIABLES, TIME, TokenSystem

from .paper_labels import (
    KINDS,
    Label,
    PDELabel,
    finite,
    label_of_answer,
    label_of_tokens,
    pde_label_of_answer,
    pde_label_of_tokens,
)

POINTS: Final = {"stability": 0.01, "speed": 0.01, "control": 0.9, "control_t": 0.5, "gram": 0.5}
"""The value of every state and input at the point of each kind of task."""
MAX_LINE = 1_000_000
"""Characters of one line."""

L = TypeVar("L")
_TASKS = "one of " + ", ".join(KINDS) + ", also with a suffix, as control_bal"
_COUNT = re.compile(r"[0-9]{1,20}\|")
_VARIABLE = re.compile(r"x([0-9]{1,4})")


@dataclass(frozen=True)
class PaperSystem:
    """One line of a file: an ordinary differential system, the point, and the paper's answer."""

    task: str
    """As the file says: `control_bal`."""
    kind: str
    """Of `KINDS`: the task without its suffix."""
    degree: int
    inputs: int
    system: TokenSystem
    point: dict[str, float]
    """A value for each state and input, by the names x0 …, u0 …; time has none."""
    label: Label
    line: int
    """Where it stands in the file; counts from 1."""

    @property
    def positive(self) -> bool | None:
        """Whether the paper calls it stable (rate ≥ 0) or controllable; None for a feedback matrix."""
        if isinstance(self.label, bool):
            return self.label
        return self.label >= 0 if isinstance(self.label, float) else None


@dataclass(frozen=True)
class PaperPDE:
    """One line of a file: u_t + P(D) u = 0 with an initial condition, and the paper's answer."""

    task: str
    kind: str
    degree: int
    """Number of coordinates."""
    operator: str
    """P as text, x0 … standing for the derivatives by the coordinates."""
    initial_condition: str
    """u at time 0 as text in the coordinates x0 …; I is the imaginary unit, delta0 Dirac's delta."""
    label: PDELabel
    line: int


def read_paper_file(path: str | os.PathLike[str], task: str | None = None) -> list[PaperSystem | PaperPDE]:
    """The systems of a file, in its order.

    A line is either a JSON object (keys task, degree, controls, point, answer, input_tokens, output_tokens; other
    keys are not read), or, as the paper's data were released, input tokens, a tab and output tokens, with or without
    a count and `|` before them. Released lines do not say how many variables are inputs: in `control` and `gram` all
    that are used beyond the states are, in `control_t` there is one input, then time. Empty lines are skipped.

    Args:
        path: of the file.
        task: what lines that do not name their task belong to: one of `KINDS`, also with a suffix.

    Raises:
        ParseError: file, line and field of the first thing that cannot be read.
        ProblemError: the file cannot be opened, or a task that there is not.
    """
    if task is not None:
        kind_of(task, "task")
    found = []
    name = Path(path).name
    try:
        with Path(path).open(encoding="utf-8") as file:
            for line, text in enumerate(iter(lambda: file.readline(MAX_LINE + 1), ""), 1):
                if text.strip():
                    found.append(_read_line(text.strip("\r\n"), task, line, f"{name}, line {line}"))
    except OSError as error:
        raise ProblemError(name, (error.strerror or str(error)).lower(), "a readable file of systems") from None
    except UnicodeDecodeError:
        raise ParseError(name, "bytes that are no text", "a text file in UTF-8") from None
    return found


def kind_of(task: str, field: str = "task") -> str:
    """The kind of a task: `control` for `control_bal`.

    Raises:
        ProblemError: there is no such task.

    >>> kind_of("control_t"), kind_of("control_unc")
    ('control_t', 'control')
    """
    kinds = [kind for kind in KINDS if isinstance(task, str) and (task == kind or task.startswith(f"{kind}_"))]
    if not kinds:
        raise ParseError(field, task, _TASKS)
    return max(kinds, key=len)


def _read_line(text: str, task: str | None, line: int, place: str) -> PaperSystem | PaperPDE:
    """One line, errors with its place before their field."""
    if len(text) > MAX_LINE:
        raise ParseError(place, "a longer line", f"at most {MAX_LINE} characters")
    try:
        return _from_json(text, task, line) if text.lstrip().startswith("{") else _from_release(text, task, line)
    except ProblemError as error:
        raise ParseError(f"{place}, {error.field}", error.got, error.expected) from None


# JSON lines


def _from_json(text: str, task: str | None, line: int) -> PaperSystem | PaperPDE:
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("JSON", text, "one JSON object a line") from None
    task = stated.get("task") or task
    if task is None:
        raise ParseError("task", "nothing", _TASKS)
    kind, tokens, stated_degree = kind_of(task), _text(stated, "input_tokens"), _count(stated, "degree")
    if kind == "fourier":
        degree, operator, condition = _pde(tokens)
        _check_degree(stated_degree, degree)
        said = _answer(
            stated, lambda answer: pde_label_of_answer(answer, degree), lambda text: pde_label_of_tokens(text, degree)
        )
        return PaperPDE(task, kind, degree, operator, condition, said, line)
    system = _system(kind, tokens, _count(stated, "controls"))
    _check_degree(stated_degree, system.states)
    label = _answer(
        stated,
        lambda answer: label_of_answer(kind, answer, system.states, system.inputs),
        lambda tokens: label_of_tokens(kind, tokens, system.states, system.inputs),
    )
    return PaperSystem(task, kind, system.states, system.inputs, system, _point(stated, kind, system), label, line)


def _text(stated: Mapping[str, Any], key: str) -> str:
    value = stated.get(key)
    if not isinstance(value, str):
        raise ParseError(key, "nothing" if value is None else value, "tokens separated by blanks")
    return value


def _count(stated: Mapping[str, Any], key: str) -> int | None:
    value = stated.get(key)
    if value is not None and type(value) is not int:
        raise ParseError(key, value, "a number of variables")
    return value


def _check_degree(stated: int | None, degree: int) -> None:
    if stated not in (None, degree):
        raise ParseError("degree", stated, f"{degree}, as input_tokens says")


def _answer(stated: Mapping[str, Any], from_answer: Callable[[Any], L], from_tokens: Callable[[str], L]) -> L:
    """The answer; where there is none, what the output tokens say."""
    answer = stated.get("answer")
    return from_tokens(_text(stated, "output_tokens")) if answer is None else from_answer(answer)


def _point(stated: Mapping[str, Any], kind: str, system: TokenSystem) -> dict[str, float]:
    """The stated point, a value for each state and input; the task's where none is stated."""
    names = (*system.state_names, *system.input_names)
    point = stated.get("point")
    if point is None:
        return dict.fromkeys(names, POINTS[kind])
    if not isinstance(point, Mapping) or set(point) - {TIME} != set(names):
        raise ParseError("point", point, f"an object with a value for each of {', '.join(names)}")
    return {name: finite(point[name], f"point.{name}") for name in names}


# Lines as they were released


def _from_release(text: str, task: str | None, line: int) -> PaperSystem | PaperPDE:
    if task is None:
        raise ParseError("task", "nothing", f"{_TASKS}, to be given as lines of tokens do not name it")
    counted = _COUNT.match(text)
    tokens, tab, answer = text[counted.end() if counted else 0 :].partition("\t")
    if not tab:
        raise ParseError("line", text, "input tokens, a tab and output tokens, or a JSON object")
    kind = kind_of(task)
    if kind == "fourier":
        degree, operator, condition = _pde(tokens)
        return PaperPDE(task, kind, degree, operator, condition, pde_label_of_tokens(answer, degree), line)
    system = _system(kind, tokens, None)
    label = label_of_tokens(kind, answer, system.states, system.inputs)
    return PaperSystem(task, kind, system.states, system.inputs, system, _point({}, kind, system), label, line)


# Input tokens


def _system(kind: str, tokens: str, inputs: int | None) -> TokenSystem:
    """The system of input tokens; None for inputs that are counted by the variables that stand there."""
    has_time = kind == "control_t"
    if inputs is None:
        inputs = 0 if kind in ("stability", "speed") else 1 if has_time else _used_inputs(tokens)
    return TokenSystem.from_paper(tokens, inputs=inputs, has_time=has_time)


def _used_inputs(tokens: str) -> int:
    """Every variable of these tasks has a column that is not zero, so that it stands in some equation."""
    degree = tokens.count(SEPARATOR)
    return max([int(index) + 1 - degree for index in _VARIABLE.findall(tokens)] + [0])


def _pde(tokens: str) -> tuple[int, str, str]:
    """Number of coordinates, operator and initial condition."""
    parts = [tuple(part.split()) for part in tokens.split(SEPARATOR)]
    degree = next((n for n in range(1, MAX_VARIABLES + 1) if parts[0] == integer_tokens(n)), None)
    if degree is None or len(parts) != 3:
        raise ParseError("input_tokens", tokens, f"INT+ n {SEPARATOR} operator {SEPARATOR} initial condition")
    coordinates = [f"x{i}" for i in range(degree)]
    operator = read_words(parts[1], coordinates, "operator", PDE_ARITY)
    condition = read_words(parts[2], [*coordinates, "I"], "initial condition", PDE_ARITY)
    return degree, infix(operator), infix(condition)
