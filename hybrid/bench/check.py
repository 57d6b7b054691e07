"""Re-checking certificates with the stand-alone checker: exact rationals, the standard library alone."""

from __future__ import annotations

import json
from typing import Any

import hybrid
from hybrid.bench.comparison import compare
from hybrid.bench.samples import gaussian_pairs, local_problems, shifted_to_stable
from hybrid.bench.table import Row

_SIZES = ((4, 2), (20, 2), (55, 5), (200, 20))  # states, inputs


def measure(*, quick: bool) -> list[Row]:
    """Stability and a gain of Gaussian plants, and local stability of nonlinear ones, read from text and checked."""
    rows = []
    for n, m in _SIZES[:2] if quick else _SIZES:
        (pair,) = gaussian_pairs(n, m, 1)
        rows += _checked(f"check stability n={n}", hybrid.stability(shifted_to_stable(pair.A)))
        rows += _checked(f"check feedback n={n}", hybrid.feedback(hybrid.LinearSystem(*pair)))
    for problem in local_problems():
        rows += _checked(f"check {problem.name}, 4 states", hybrid.stability(problem.read(), at=problem.at))
    return rows


def _checked(name: str, answer: hybrid.Answer) -> list[Row]:
    if answer.certificate is None:
        return [Row(name, note=answer.status.value)]
    text = answer.certificate.to_json()
    verdict = "valid" if hybrid.check(answer.certificate).valid else "REFUSED"
    note = f"{verdict}, {answer.certificate.method}, {len(text) / 1000:.3g} kB"
    return compare(name, _check, [], [text], rounds=5, seconds=5, note=note)


def _check(text: str) -> Any:
    return hybrid.check(json.loads(text))
