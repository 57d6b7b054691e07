"""From a disagreement to a reproducer: the smallest case that still shows it, and the file that keeps it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybrid.certificate import write_whole
from hybrid.selftest.findings import Engine, Findings
from hybrid.selftest.stacks import UNDECIDED, Case, MatrixCase, worded

SCHEMA = "hybrid-selftest/1"
_TRIALS = 2000  # smaller cases tried; seconds


def minimised(case: Case, disagrees: Callable[[Case], bool]) -> Case:
    """The case after every simplification that keeps `disagrees` true: fewer states, then shorter numbers."""
    for _ in range(_TRIALS):
        smaller = next((each for each in case.smaller() if disagrees(each)), None)
        if smaller is None:
            break
        case = smaller
    return case


def is_wrong(case: Case, engine: Engine, family: str) -> bool:
    """Whether an engine says something false of a case, judged by the oracle."""
    return _is_false(case, _asked(case, engine, family))


def _asked(case: Case, engine: Engine, family: str) -> Findings | None:
    stack = case.stack(family)
    return engine.asked(stack, np.arange(1)) if stack.question in engine.questions else None


def _is_false(case: Case, found: Findings | None) -> bool:
    if found is None:
        return False
    verdict, lower, upper = int(found.verdict[0]), float(found.lower[0]), float(found.upper[0])
    if verdict not in (UNDECIDED, case.truth):
        return True
    if not isinstance(case, MatrixCase):
        return False
    most = -1 if found.strict else 0
    return any(math.isfinite(bound) and sign * case.side(bound) > most for bound, sign in ((lower, -1), (upper, 1)))


def reproducer(case: Case, original: Case, engines: Sequence[Engine], origin: dict[str, Any]) -> dict[str, Any]:
    """The document that keeps a disagreement.

    Args:
        case: minimised.
        original: as it was drawn.
        engines: all of them; what each says stands in the document.
        origin: family, seed, and where in the campaign it came up.
    """
    family = origin["family"]
    found = {engine.name: _asked(case, engine, family) for engine in engines}
    return {
        "schema": SCHEMA,
        **case.document(),
        "question": case.question.value,
        "truth": worded(case.question, case.truth),
        "results": {name: _result(case, each) for name, each in found.items() if each is not None},
        "origin": origin | {"case": original.document()},
    }


def _result(case: Case, found: Findings) -> dict[str, Any]:
    told: dict[str, Any] = {"verdict": worded(case.question, int(found.verdict[0])), "false": _is_false(case, found)}
    bounds = [float(found.lower[0]), float(found.upper[0])]
    if any(map(math.isfinite, bounds)):
        told["abscissa"] = [bound if math.isfinite(bound) else None for bound in bounds]
    return told


def save(document: dict[str, Any], folder: Path) -> Path:
    """Write a reproducer into a folder, which is made where it is not there.

    Raises:
        CertificateError: the place cannot be written to.
    """
    origin = document["origin"]
    stem = "-".join(str(origin[key]) for key in ("family", "seed", "round", "row"))
    path = folder / f"disagreement-{stem.replace(' ', '-')}.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n")
    return path
