"""A saved disagreement, put to the engines once more."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from hybrid.errors import DimensionError, ParseError, ProblemError
from hybrid.selftest.campaign import engines_here
from hybrid.selftest.families import FAMILIES
from hybrid.selftest.listed import Question
from hybrid.selftest.minimise import SCHEMA, reproducer
from hybrid.selftest.stacks import Case, MatrixCase
from hybrid.systems.exact_matrix import ExactMatrix

_MOST_BYTES = 2**26
_OF_MATRICES = Question.STABILITY, Question.GAIN, Question.REACH


def replay(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What the engines of today say of the case in a reproducer: its document anew, with fresh `results`.

    A case of matrices is read from the file, as small as it was made. Others are drawn again from family, seed and
    place, which the file names too.

    Raises:
        ProblemError: the file cannot be read, or is no reproducer of this version.
    """
    document = _read(path)
    try:
        origin = dict(document["origin"])
        case = _case(document, origin)
        origin.pop("case", None)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, ProblemError):
            raise
        raise ProblemError("--replay", os.fspath(path), f"a whole reproducer ({error})") from None
    return reproducer(case, case, engines_here(), origin)


def _read(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
        document = json.loads(content) if len(content) <= _MOST_BYTES else None
    except OSError as error:
        raise ProblemError("--replay", os.fspath(path), f"a file that can be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise ParseError("--replay", os.fspath(path), "a JSON file that hybrid selftest wrote") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ProblemError("--replay", os.fspath(path), f"a reproducer of this version ({SCHEMA})")
    return document


def _case(document: Mapping[str, Any], origin: Mapping[str, Any]) -> Case:
    question = Question(document["question"])
    if question in _OF_MATRICES:
        return _of_matrices(document, question)
    family, seed, turn = origin["family"], int(origin["seed"]), int(origin["round"])
    if family not in FAMILIES:
        raise ProblemError("family", family, f"one of {', '.join(FAMILIES)}")
    size, row = int(origin["stack"]), int(origin["row"])
    if not 0 <= row < size <= FAMILIES[family].size:
        raise ProblemError("origin", row, "a row of its stack")
    place = (seed, zlib.crc32(family.encode()), turn)  # as the campaign draws
    return FAMILIES[family].draw(np.random.default_rng(place), size).case(row)


def _of_matrices(document: Mapping[str, Any], question: Question) -> MatrixCase:
    system = document["system"]
    entries = {"A": system["A"], "B": system.get("B"), "gain": document.get("gain")}
    read = {name: None if rows is None else ExactMatrix.read(rows, name) for name, rows in entries.items()}
    A, B, K = (None if part is None else [list(row) for row in part.fractions] for part in read.values())
    n = len(A or [])
    for name, part, shape in (("A", A, (n, n)), ("B", B, (n, None)), ("gain", K, (len((B or [[]])[0]), n))):
        if part is not None and (len(part) != shape[0] or shape[1] not in (None, len(part[0]))):
            raise DimensionError(name, (len(part), len(part[0])), "a shape that fits the other matrices")
    rows: list[list[Fraction]] = A or []
    return MatrixCase(question, "dt" in system, rows, B, K)
