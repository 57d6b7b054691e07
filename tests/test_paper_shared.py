"""The paper's test systems: answered, the certificates checked, the answers held against the labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid.answer import Answer, Status, Verdict
from hybrid.errors import ProblemError
from hybrid.systems.nonlinear import NonlinearSystem

PAPER = Path(__file__).resolve().parents[2] / "shared" / "paper"
SAMPLE = 120
"""Lines of each file."""

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not PAPER.is_dir(), reason="../shared/paper is absent"),
]


def lines(name: str) -> list[dict[str, Any]]:
    with (PAPER / f"{name}.jsonl").open() as file:
        return [json.loads(line) for _, line in zip(range(SAMPLE), file, strict=False)]


def read(line: dict[str, Any]) -> NonlinearSystem:
    names, n = list(line["point"]), line["degree"]
    return NonlinearSystem(names[:n], names[n:], line["equations"])


def asked(name: str, question: Any) -> list[tuple[dict[str, Any], Answer]]:
    """Each system with its answer, but for singular points."""
    found = []
    for line in lines(name):
        try:
            found.append((line, question(read(line), paper=True)))
        except ProblemError:
            continue
    assert len(found) >= 0.97 * len(lines(name))
    return found


@pytest.mark.parametrize("name", ["stability", "stability_bal"])
def test_stability_and_speed(name: str) -> None:
    """Labels are wrong where eigenvalues of doubles are noise, and a rounded 0 counts as stable there."""
    answers = asked(name, hybrid.stability)
    decided = [(line, answer) for line, answer in answers if answer.status is not Status.UNDECIDED]
    assert len(decided) >= 0.98 * len(answers)
    different = 0
    for line, answer in decided:
        assert answer.certificate is not None
        assert hybrid.check(answer.certificate).valid
        value = line["answer"]
        if answer.paper is None or abs(answer.paper.value - value) > 0.01 * abs(value):  # type: ignore[operator]
            different += 1
        elif answer.verdict is not Verdict.MARGINAL:
            assert (answer.verdict is Verdict.STABLE) == line["stable"]
    assert different <= 0.05 * len(answers)


@pytest.mark.parametrize("name", ["control", "control_unc"])
def test_controllability(name: str) -> None:
    """The label is that of the tolerance rule, which `answer.paper` reproduces; the proof may contradict it."""
    answers = asked(name, hybrid.controllability)
    followed = 0
    for line, answer in answers:
        assert answer.paper is not None
        followed += answer.paper.value == line["answer"]
        if answer.certificate is not None:
            assert hybrid.check(answer.certificate).valid
    assert followed >= 0.95 * len(answers)
    assert sum(answer.status is not Status.UNDECIDED for _, answer in answers) >= 0.95 * len(answers)


def test_feedback() -> None:
    answers = asked("gram", hybrid.feedback)
    for line, answer in answers:
        assert answer.paper is not None
        assert [list(row) for row in answer.paper.value] == line["answer"]  # type: ignore[union-attr]
        assert answer.paper.holds is True
        assert answer.status is Status.PROVED
    for _, answer in answers[:40]:
        assert answer.paper is not None
        assert answer.certificate is not None
        assert answer.paper.certificate is not None
        assert hybrid.check(answer.certificate).valid
        assert hybrid.check(answer.paper.certificate).valid
