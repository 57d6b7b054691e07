"""Systems out of files: TOML, YAML, JSON, MATLAB .mat, NumPy .npz, and standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

from hybrid.errors import ParseError, ProblemError
from hybrid.systems import reading_equations
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.reading_equations import OperatingPoint
from hybrid.systems.text_formats import NumberText, parse_text, recognise

MAX_FILE_BYTES = 64 * 2**20  # refused before the file is read
MAX_TEXT_BYTES = 16 * 2**20  # 800 states, dense; text takes many times its size and long to become rationals
MAX_NAME = 200

FORMATS = {".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".mat": "mat", ".npz": "npz"}
"""What each suffix means."""
TEXT_FORMATS = ("toml", "yaml", "json")
LINES = ".jsonl"
"""The suffix of files with a JSON document a line."""

KEYS = ("A", "B", "C", "D", "dt", "name")
"""The keys that say what the system is."""

DESCRIPTIVE_KEYS = frozenset({
    "description", "citation", "source", "reference", "notes", "meta", "collection", "family", "facts", "sof",
    "performance_channel", "care_dare", "lyapunov", "parameters_used", "dims", "source_model_time_domain",
    "as_discrete", "E_cond",
})  # fmt: skip
"""Keys that say something about the system (benchmark collections carry many); their values are not read."""

_DETOUR_KEYS = ("E", "matrix_file")  # a descriptor matrix, and where the matrices of a large plant lie
_Problem = TypeVar("_Problem", bound=ProblemError)
_Found = tuple[LinearSystem | NonlinearSystem, OperatingPoint | None]


def read(source: str | os.PathLike[str]) -> LinearSystem | NonlinearSystem:
    """Read a system from a file, or from standard input where `source` is "-".

    The suffix says the format: .toml, .yaml, .yml, .json, .mat (MATLAB version 4 to 7), .npz. From standard
    input it is recognised from the content. Numbers in text are exact rationals: 0.1 is one tenth, and "1/3",
    "2**-40" and "0x1p-3" may stand as strings; numbers in .mat and .npz are the doubles that are stored.

    Keys are A, B, C, D (lists of rows), dt (sample time in seconds; absent, null or 0 for continuous time,
    true or "unspecified" for samples of unknown length, counted as 1) and name (else the file's);
    `DESCRIPTIVE_KEYS` are skipped and any other key is refused. In .mat, Ts may stand for dt and other
    variables are skipped. In .npz, a matrix may be given as CSR parts (A_data, A_indices, A_indptr, A_shape).
    A text file may name, as `matrix_file`, an .npz beside it that holds its matrices.

    A text file with `equations` instead of A is a nonlinear system, see `reading_equations.build`.

    Raises:
        ParseError: the content is not of this format; `line` and `column` where they are known.
        DimensionError: ragged or empty matrices, or shapes that do not fit each other.
        ProblemError: no such file, a directory, more than `MAX_FILE_BYTES`, an unknown key, an entry that is
            no finite number, a negative dt, or a descriptor matrix E other than the identity.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "oscillator.toml")
    ...     _ = path.write_text('A = [[0, 1], ["-1/3", -0.1]]')
    ...     read(path).A
    ExactMatrix([['0', '1'], ['-1/3', '-0.1']])
    """
    return read_with_point(source)[0]


def read_with_point(source: str | os.PathLike[str]) -> tuple[LinearSystem | NonlinearSystem, OperatingPoint | None]:
    """What `read` reads, and the operating point `at` of a nonlinear system where the file states one.

    Raises:
        ParseError, DimensionError, ProblemError: as `read`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "pendulum.yaml")
    ...     _ = path.write_text("{equations: {x: y, y: -sin(x)}, at: {x: pi, y: 0}}")
    ...     read_with_point(path)
    (<NonlinearSystem pendulum: n=2, m=0, p=2, continuous>, {'x': 'pi', 'y': '0'})
    """
    name = os.fspath(source)
    if name == "-":
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        _expect_at_most(MAX_FILE_BYTES, len(data), "standard input")
        return _system(data, _format_of_content(data), "standard input", "", None)
    path, place = Path(name), name if name.isprintable() else ascii(name)
    if path.suffix.lower() not in FORMATS:
        expected = f"a file name that ends in {', '.join(FORMATS)}"
        raise ProblemError(place, f"the suffix {path.suffix!r}" if path.suffix else "no suffix", expected)
    data = _file_bytes(path, place)
    stem = path.stem if path.stem.isprintable() else ""
    return _system(data, FORMATS[path.suffix.lower()], place, stem[:MAX_NAME], path.parent)


def read_text(text: str, format: str, name: str = "") -> LinearSystem | NonlinearSystem:
    """Read a system from text, as `read` does from a file.

    Args:
        text: the document.
        format: "toml", "yaml" or "json".
        name: the system's name where the text gives none; messages begin with it.

    Raises:
        ParseError, DimensionError, ProblemError: as `read`.

    >>> read_text("A: [[-1/2]]", "yaml").A
    ExactMatrix([['-0.5']])
    """
    place = name or f"{format} text"
    return _build(parse_text(text, format, place), place, name, None)[0]


def read_document(source: str | os.PathLike[str], line: int | None = None) -> tuple[dict[str, Any], str]:
    """What a text file (TOML, YAML, JSON), one line of a .jsonl file, or standard input spells, and the file's name.

    Args:
        source: the file, or "-".
        line: of a .jsonl file; counts from 1, and may be left out where there is one line.

    Raises:
        ParseError, ProblemError: as `read`.
    """
    name = os.fspath(source)
    path, place = Path(name), name if name.isprintable() else ascii(name)
    if name == "-":
        data, place, stem = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "standard input", ""
        format = _format_of_content(data)
    elif (suffix := path.suffix.lower()) == LINES or FORMATS.get(suffix) in TEXT_FORMATS:
        data, stem = _file_bytes(path, place), path.stem if path.stem.isprintable() else ""
        format = FORMATS.get(suffix, LINES)
    else:
        expected = f"a file name that ends in {', '.join([x for x in FORMATS if FORMATS[x] in TEXT_FORMATS] + [LINES])}"
        raise ProblemError(place, f"the suffix {path.suffix!r}" if path.suffix else "no suffix", expected)
    text = _decoded(data, format, place)
    if format == LINES:
        return parse_text(_line(text, line, place), "json", place), stem
    if line is not None:
        raise ProblemError("line", line, "nothing, as the file holds one document")
    return parse_text(text, format, place), stem


def _line(text: str, line: int | None, place: str) -> str:
    lines = text.splitlines()
    if line is None and len(lines) != 1:
        raise ProblemError(place, f"{len(lines)} lines", "the number of one of them")
    if line is not None and not 1 <= line <= len(lines):
        raise ProblemError("line", line, f"1 to {len(lines)}, the lines of {place}")
    return lines[0 if line is None else line - 1]


def _file_bytes(path: Path, place: str) -> bytes:
    readable = f"a readable file of at most {MAX_FILE_BYTES} bytes"
    try:
        if path.is_dir():
            raise ProblemError(place, "a directory", readable)
        _expect_at_most(MAX_FILE_BYTES, path.stat().st_size, place)
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)  # a device does not tell its size
    except OSError as error:
        raise ProblemError(place, (error.strerror or str(error)).lower(), readable) from None
    except ProblemError:
        raise
    except ValueError:  # a NUL character in the name
        raise ProblemError(place, "a name that no file can have", readable) from None
    _expect_at_most(MAX_FILE_BYTES, len(data), place)
    return data


def _format_of_content(data: bytes) -> str:
    if data.startswith(b"PK\x03\x04"):
        return "npz"
    if data.startswith(b"MATLAB "):
        return "mat"
    return recognise(data[:4096].decode("utf-8", "replace"))


def _system(data: bytes, format: str, place: str, name: str, folder: Path | None) -> _Found:
    """The system that a file's bytes hold."""
    if format == "npz":
        from hybrid.systems.npz import parse_npz

        return _build(parse_npz(data, place), place, name, folder)
    if format == "mat":
        from hybrid.systems.mat import parse_mat

        return _build(parse_mat(data, place), place, name, folder)
    return _build(parse_text(_decoded(data, format, place), format, place), place, name, folder)


def _decoded(data: bytes, format: str, place: str) -> str:
    _expect_at_most(MAX_TEXT_BYTES, len(data), place)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = f"the byte {data[error.start]:#04x} at offset {error.start}"
        raise ParseError(place, byte, f"{format.upper()} in UTF-8") from None


def _expect_at_most(limit: int, size: int, place: str) -> None:
    if size > limit:
        raise ProblemError(place, f"{size} bytes", f"at most {limit}; large matrices fit into an .npz file")


def _build(document: Mapping[str, Any], place: str, name: str, folder: Path | None) -> _Found:
    """The system that a document describes; messages of the system's own checks get the file's name."""
    if reading_equations.is_nonlinear(document):
        return _nonlinear(document, place, name)
    _refuse_unknown_keys(document, place, KEYS, DESCRIPTIVE_KEYS.union(_DETOUR_KEYS))
    if document.get("matrix_file") is not None:
        document = _with_matrix_file(document, place, folder)
    if document.get("A") is None:
        raise ProblemError(f"{place}, A", "nothing", "the state matrix, a list of rows")
    try:
        name = _name(document.get("name"), name)
        A, B, C, D = (document.get(key) for key in KEYS[:4])
        system = LinearSystem(A, B, C, D, _sample_time(document.get("dt")), name)
        _refuse_descriptor(document.get("E"), system.n)
    except ProblemError as error:
        raise _in_file(error, place) from None
    return system, None


def _nonlinear(document: Mapping[str, Any], place: str, name: str) -> _Found:
    """The system of a document with equations, which may hold no matrices."""
    for key in (*KEYS[:4], *_DETOUR_KEYS):
        if document.get(key) is not None:
            raise ProblemError(f"{place}, {key}", "a matrix beside equations", "either equations or matrices")
    others = DESCRIPTIVE_KEYS.union(reading_equations.DESCRIPTIVE_KEYS, reading_equations.ALIASES, KEYS, _DETOUR_KEYS)
    _refuse_unknown_keys(document, place, reading_equations.KEYS, others)
    try:
        return reading_equations.build(document, _name(document.get("name"), name))
    except ProblemError as error:
        raise _in_file(error, place) from None


def _refuse_unknown_keys(
    document: Mapping[str, Any], place: str, telling: tuple[str, ...], others: frozenset[str]
) -> None:
    known = [*telling, *sorted(others)]
    for key in document:
        if key not in known:
            import difflib

            spelled = {other.lower(): other for other in known}
            close = difflib.get_close_matches(key.lower()[:60], spelled, n=1, cutoff=0.7)
            hint = f" (did you mean {spelled[close[0]]}?)" if close else ""
            raise ProblemError(f"{place}, key", ascii(key[:60]), f"one of {', '.join(telling)}{hint}")


def _with_matrix_file(document: Mapping[str, Any], place: str, folder: Path | None) -> dict[str, Any]:
    """The document with the matrices of the .npz file that it names; what follows a space is a remark."""
    from hybrid.systems.npz import MATRICES, parse_npz

    stated = document["matrix_file"]
    file_name = stated.partition(" ")[0] if isinstance(stated, str) else ""
    if folder is None or not file_name.endswith(".npz") or Path(file_name).name != file_name:
        expected = "the name of an .npz file beside this one"
        raise ProblemError(f"{place}, matrix_file", ascii(stated), expected)
    for key in MATRICES:
        if document.get(key) not in (None, "zero"):
            expected = f"the matrices in {file_name} alone"
            raise ProblemError(f"{place}, {key}", "a matrix beside matrix_file", expected)
    other = str(folder / file_name)
    return {**document, **dict.fromkeys(MATRICES), **parse_npz(_file_bytes(folder / file_name, other), other)}


def _sample_time(stated: Any) -> Any:
    """What LinearSystem takes for dt; 1 where time runs in samples of a length that nobody states.

    Such a dt changes no verdict: the eigenvalues of a discrete system do not depend on it.
    """
    unspecified = isinstance(stated, str) and stated.lower().startswith(("true", "unspecified"))
    return 1 if stated is True or unspecified else stated


def _name(stated: Any, otherwise: str) -> str:
    if stated is None:
        return otherwise
    if isinstance(stated, NumberText) or not isinstance(stated, str):
        raise ProblemError("name", stated, "text")
    if not stated.isprintable() or len(stated) > MAX_NAME:
        raise ProblemError("name", ascii(stated), f"one line of at most {MAX_NAME} characters")
    return stated


def _refuse_descriptor(stated: Any, n: int) -> None:
    """Accept E where it is the identity: for any other, E x' = A x is not the system that A says."""
    if stated is None:
        return
    descriptor = ExactMatrix.read(stated, "E")
    identity = ExactMatrix.from_fractions(tuple(tuple(Fraction(i == j) for j in range(n)) for i in range(n)))
    if descriptor.shape != (n, n) or descriptor != identity:
        expected = "no E or the identity; multiply A and B by its inverse where it has one"
        raise ProblemError("E", "a descriptor matrix", expected)


def _in_file(error: _Problem, place: str) -> _Problem:
    """The error with the file named before the field; it keeps its type, line and column."""
    error.field = f"{place}, {error.field}"
    error.args = (f"{error.field}: got {error.got}, expected {error.expected}",)
    return error
