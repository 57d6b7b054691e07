"""The attempts at each kind of question, cheapest first: what is proposed, what proves it, and what stands behind.

An attempt is an answer, or None where it came to none; the last of each list is always an answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from hybrid.answer import Answer, Reason, Route, Status, Verdict
from hybrid.question import Question

Attempts = Iterator[Answer | None]


def undecided(question: Question, reason: Reason) -> Answer:
    """The answer where nothing more is tried."""
    return Answer(question, Status.UNDECIDED, Verdict.UNKNOWN, Route.EXACT, reason=reason)
