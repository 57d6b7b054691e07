"""Exceptions: the call is wrong. How a solve ended is data, see `hybrid.answer`."""

from __future__ import annotations


class HybridError(Exception):
    """Base of everything that this package raises on purpose."""


class ProblemError(HybridError, ValueError):
    """A question that cannot be asked as stated, in one sentence: field, value, what was expected.

    >>> raise ProblemError("dt", "-1", "a positive number, or nothing for continuous time")
    Traceback (most recent call last):
    ...
    hybrid.errors.ProblemError: dt: got -1, expected a positive number, or nothing for continuous time
    """

    def __init__(self, field: str, got: object, expected: str) -> None:
        self.field, self.got, self.expected = field, _short(got), expected
        super().__init__(f"{field}: got {self.got}, expected {expected}")


class DimensionError(ProblemError):
    """Matrices whose shapes do not fit each other."""


class ParseError(ProblemError):
    """Text that cannot be read; `line` and `column` count from 1 where they are known."""

    def __init__(
        self, field: str, got: object, expected: str, line: int | None = None, column: int | None = None
    ) -> None:
        self.line, self.column = line, column
        place = "" if line is None else f", line {line}" + ("" if column is None else f", column {column}")
        super().__init__(field + place, got, expected)


class ModelError(HybridError):
    """A model file that is absent, damaged, or made for other inputs."""


class CertificateError(HybridError, ValueError):
    """A certificate that cannot be read at all; one that is read and fails its check is data."""


class PluginError(HybridError):
    """A third-party plugin that could not be loaded: its name and the cause."""

    def __init__(self, name: str, cause: BaseException) -> None:
        self.name = name
        super().__init__(f"plugin {name!r} could not be loaded: {cause}")


class MissingDependencyError(HybridError, ImportError):
    """An optional package is needed and absent; the sentence names what to install."""

    def __init__(self, package: str, extra: str | None = None) -> None:
        install = f"pip install 'hybrid[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"this needs the package {package}, which is not installed: {install}")


def _short(value: object, limit: int = 80) -> str:
    """A value fit for one sentence: one line, no more than `limit` characters."""
    try:
        text = " ".join((value if isinstance(value, str) else repr(value))[: 4 * limit].split())
    except ValueError:  # Python prints no integers of more than 4300 digits
        return "a number of too many digits"
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)  # no control sequences to a terminal
    return text if len(text) <= limit else text[: limit - 1] + "…"
