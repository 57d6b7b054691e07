"""Files of equations, one system a line: text such as `x' = y; y' = -sin(x)`, or a JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple

from hybrid.errors import ProblemError
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact
from hybrid.systems.reading_equations import KEYS, OperatingPoint, build
from hybrid.systems.text_formats import parse_text
from hybrid.systems.tokens import TIME, TokenSystem

MAX_LINE: Final = 100_000
"""Bytes of one line."""
MAX_LINES: Final = 10_000_000
"""Of one file."""

PAPER_KEYS: Final = frozenset({
    "task", "degree", "controls", "point", "answer", "stable", "input_tokens", "output_tokens",
})  # fmt: skip
"""Keys beside those of `reading_equations`: of the lines that the paper's generator made."""
_PDE: Final = "a line with equations; `hybrid pde` takes partial differential equations"


class Refusal(str):
    """Why a line is no system, in one sentence."""

    __slots__ = ()


class Line(NamedTuple):
    """One line of a file, or one entry of a list.

    Attributes:
        number: counts from 1; comments and blank lines count.
        content: text, a mapping as a JSON line has it, a system, or the refusal of a line that cannot be text.
    """

    number: int
    content: Any


@dataclass(frozen=True)
class Candidate:
    """One system as it was read.

    Attributes:
        name: its own, or "".
        system: to be asked about.
        at: the point on its line.
        written: its equations as they were written, a TokenSystem, or None where they were given as a system.
    """

    name: str
    system: NonlinearSystem
    at: OperatingPoint | None
    written: Any = None

    def tokens(self) -> TokenSystem:
        """As a network reads it.

        Raises:
            ParseError: an operation that has no tokens, as abs.
        """
        if isinstance(self.written, TokenSystem):
            return self.written
        system = self.system
        if self.written is None or any(name != system.time for name in system.parameters):
            return TokenSystem.from_system(system, system.time)
        return TokenSystem.from_text(self.written, system.states, system.inputs, system.time)


def lines_of(file: BinaryIO) -> Iterator[Line]:
    r"""The lines of a file that are neither blank nor comments; one that cannot be read carries its refusal.

    Raises:
        ProblemError: more than `MAX_LINES` lines.

    >>> import io
    >>> [line.content for line in lines_of(io.BytesIO(b"# two\nx' = -x\n\ny' = y"))]
    ["x' = -x", "y' = y"]
    """
    number, raw = 0, file.readline(MAX_LINE + 1)
    while raw:
        number += 1
        if number > MAX_LINES:
            raise ProblemError(f"line {number}", "one line more", f"at most {MAX_LINES} lines in one file")
        if len(raw) > MAX_LINE and not raw.endswith(b"\n"):
            while raw and not raw.endswith(b"\n"):  # without holding the line
                raw = file.readline(MAX_LINE)
            yield Line(number, Refusal(f"got more than {MAX_LINE} bytes, expected at most that many"))
        else:
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                yield Line(number, Refusal(f"got the byte {raw[error.start]:#04x}, expected text in UTF-8"))
            else:
                if text and not text.startswith("#"):
                    yield Line(number, text)
        raw = file.readline(MAX_LINE + 1)


def read_candidate(content: Any, inputs: Sequence[str] = (), time: str | None = None) -> Candidate:
    """The system of a line.

    Args:
        content: as `Line` has it.
        inputs: which symbols of text are inputs.
        time: which symbol of text is time.

    Raises:
        ProblemError, ParseError: what is wrong with it.

    >>> read_candidate('{"equations": ["x1", "-x0"], "point": {"x0": 0.01, "x1": 0.01}}').at
    {'x0': '0.01', 'x1': '0.01'}
    """
    if isinstance(content, NonlinearSystem):
        return Candidate(content.name, content, None)
    if isinstance(content, TokenSystem):
        return Candidate("", content.system(), None, content)
    if isinstance(content, Mapping):
        return _of_document(content)
    if not isinstance(content, str):
        raise ProblemError("line", content, "equations such as x' = y; y' = -x, a mapping with equations, or a system")
    if content.lstrip().startswith("{"):
        return _of_document(parse_text(content, "json", "JSON"))
    return Candidate("", NonlinearSystem.from_text(content, inputs, time=time), None, content)


def _of_document(document: Mapping[str, Any]) -> Candidate:
    if "initial_condition" in document or document.get("task") == "fourier":
        raise ProblemError("task", "fourier", _PDE)
    for key in document:
        if key not in KEYS and key not in PAPER_KEYS:
            raise ProblemError("key", key, f"one of {', '.join((*KEYS, 'point', 'controls'))}")
    stated = {key: document[key] for key in KEYS if document.get(key) is not None}
    name = stated.pop("name", "")
    if not isinstance(name, str):
        raise ProblemError("name", name, "text")
    if document.get("point") is not None:
        if "at" in stated:
            raise ProblemError("point", "a value beside at", "one of the two, which mean the same")
        stated["at"] = document["point"]
    equations = stated.get("equations")
    if not isinstance(equations, list) or "states" in stated:
        system, at = build(stated, name)
        return Candidate(name, system, at, equations if isinstance(equations, str) else None)
    return _of_paper(equations, document, stated, name)


def _of_paper(equations: list[Any], document: Mapping[str, Any], stated: dict[str, Any], name: str) -> Candidate:
    """Right-hand sides without names, as the paper's generator writes them: x0 …, u0 …, and t for time."""
    states = [f"x{i}" for i in range(len(equations))]
    controls = exact(document.get("controls") or 0, "controls")
    if controls.denominator != 1 or not 0 <= controls <= len(equations):
        raise ProblemError("controls", controls, f"a whole number from 0 to {len(equations)}")
    stated.setdefault("inputs", [f"u{i}" for i in range(int(controls))])
    task = document.get("task")
    if isinstance(task, str) and task.startswith("control_t"):
        stated.setdefault("time", TIME)
    system, at = build({**stated, "states": states}, name)
    return Candidate(name, system, at, [str(equation) for equation in equations])
