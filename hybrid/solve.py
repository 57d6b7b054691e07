"""The pipeline: propose → verify → fall back → answer. Read this first, then the lists in `hybrid.attempts`.

Nothing that a proposer says is believed. Each proposal is proved or dropped; where none survives, exact computation
answers, and only exact computation may say no. Each question has a list of attempts, cheapest first; the first that
comes to an answer ends it.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

import numpy as np

from hybrid.answer import Answer, Trial
from hybrid.attempts import Attempts, analysis, gains
from hybrid.question import (
    FeedbackQuestion,
    LocalQuestion,
    PDEQuestion,
    Question,
    RankQuestion,
    StabilityQuestion,
    StaticGainQuestion,
    TimeVaryingQuestion,
)
from hybrid.trials import Means
from hybrid.verify.float_environment import ieee_arithmetic

_EXACT_ALONE = Means()


@ieee_arithmetic()
def solve(question: Question, means: Means = _EXACT_ALONE) -> Answer:
    """Answer a question with proof.

    Args:
        question: a validated question, with its system.
        means: the models that may propose, and how long a search goes on.
    """
    started = time.perf_counter()
    trials: list[Trial] = []
    with np.errstate(all="ignore"):  # whatever the caller has set; overflow is looked for in the results
        answer = next(attempt for attempt in _attempts(question, means, trials) if attempt is not None)
    return replace(answer, trials=(*answer.trials, *trials), timings={"total": time.perf_counter() - started})


def _attempts(question: Question, means: Means, trials: list[Trial]) -> Attempts:
    match question:
        case StabilityQuestion():
            return analysis.stability(question)
        case RankQuestion():
            return analysis.rank(question)
        case TimeVaryingQuestion():
            return analysis.over_time(question)
        case PDEQuestion():
            return analysis.pde(question, means, trials)
        case StaticGainQuestion():
            return gains.static_gain(question, means, trials)
        case FeedbackQuestion() if question.poles is None:
            return gains.feedback(question, means, trials)
        case FeedbackQuestion():
            return gains.placement(question, trials)
        case LocalQuestion():
            from hybrid.attempts import local

            attempts = local.at_point if question.at_point else local.near
            return attempts(question, means, trials, partial(solve, means=means))
