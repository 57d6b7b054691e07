"""Plants that are built around a gain, and what has to hold of an answer about one."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
from builders import (
    Rows,
    block_diagonal,
    hidden,
    identity,
    is_hurwitz,
    is_schur,
    minus,
    pair,
    product,
    rows,
)

import hybrid
from hybrid import LinearSystem, Status, Verdict
from hybrid.certificate import checker
from hybrid.question import StaticGainQuestion

UNSTABLE = LinearSystem([[0, 1], [2, -1]], [[0], [1]], [[1, 0]])
"""Stable under y-feedback exactly for k > 2."""


def whole_numbers(height: int, width: int, seed: int, largest: int = 3) -> Rows:
    source = np.random.default_rng(seed)
    entries = source.integers(1, largest + 1, (height, width)) * source.choice((-1, 1), (height, width))
    return rows(entries.tolist())


def around(loop: Rows, K: Rows, seed: int) -> tuple[Rows, Rows, Rows]:
    """A, B, C with A − B K C = loop, exactly."""
    n, m, p = len(loop), len(K), len(K[0])
    B, C = whole_numbers(n, m, seed + 1), whole_numbers(p, n, seed + 2)
    return minus(loop, [[-x for x in row] for row in product(B, K, C)]), B, C


def stable_loop(n: int, seed: int, slowest: Any = Fraction(1, 2)) -> Rows:
    blocks = [pair(-slowest - k, 2 + k) for k in range(n // 2)] + [rows([[-slowest - 4]])] * (n % 2)
    return hidden(block_diagonal(*blocks), seed)


def plant(n: int, m: int, p: int, seed: int, *, structure: Any = None, dt: Any = None) -> LinearSystem:
    """An unstable plant that an output gain (with zeros where the structure has them) is known to stabilise."""
    loop = stable_loop(n, seed)
    if dt is not None:
        loop = hidden(block_diagonal(pair(Fraction(1, 4), Fraction(1, 2)), *[rows([[Fraction(1, 3)]])] * (n - 2)), seed)
    for other in range(seed, 10**6, 10):
        K = whole_numbers(m, p, other)
        if structure is not None:
            K = [[k * free for k, free in zip(*entries, strict=True)] for entries in zip(K, structure, strict=True)]
        found = LinearSystem(*around(loop, K, other), dt=dt)
        if hybrid.stability(found).verdict is Verdict.UNSTABLE:
            return found
    raise AssertionError("all of them are stable")


def exact_loops(answer: hybrid.Answer) -> list[Rows]:
    """The closed loops under the gain as it is written in the certificate, by other arithmetic than the solver's."""
    question = answer.question
    assert isinstance(question, StaticGainQuestion)
    assert answer.certificate is not None
    K = [list(row) for row in answer.certificate.claim["gain"].fractions]
    loops = []
    for system in question.systems:
        A, B = rows(system.A.fractions), rows(system.B.fractions)  # type: ignore[union-attr]
        C = rows(system.C.fractions) if question.output else identity(system.n)  # type: ignore[union-attr]
        loops.append(minus(A, product(B, K, C)))
    return loops


def proved(answer: hybrid.Answer, *, discrete: bool = False) -> hybrid.Answer:
    """The answer, if its claim holds by an independent oracle and its certificate by the checker."""
    assert answer.status is Status.PROVED
    assert answer.verdict is Verdict.STABILISED
    assert all(map(is_schur if discrete else is_hurwitz, exact_loops(answer)))
    assert answer.certificate is not None
    report = hybrid.check(answer.certificate)
    assert report.valid, report.reason
    return answer


def certificate_of(answer: hybrid.Answer) -> dict[str, Any]:
    assert answer.certificate is not None
    return answer.certificate.to_dict()


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    import hashlib

    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def outcome(document: dict[str, Any]) -> checker.Report:
    return checker.check(checker.read(json.dumps(sealed(document))))


def negative(number: str) -> str:
    return number.removeprefix("-") if number.startswith("-") else "-" + number
