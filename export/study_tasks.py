"""When an answer to one of the paper's tasks is right: by its own rules, against its labels or against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .paper_files import PaperPDE
from .random_systems import differentiate
from .study_formulas import stabilises, unit
from .study_proposals import Case, Proposed, Proposer, Saying, point_of

TASKS: Final = {
    "stability": ("stability", "speed"),
    "speed": ("stability", "speed"),
    "control": ("controllability",),
    "control_t": ("controllability in time",),
    "gram": ("feedback entries", "feedback stabilises"),
    "fourier": ("pde",),
}
"""Kind of file → what is asked of its systems."""
READINGS: Final = ("head", "jacobian", "exact")
"""Who answers: a network in one pass; numpy from the proposed Jacobian; the exact route."""
MODELS: Final = READINGS[:2]
OTHER_GAINS: Final = {("feedback entries", "head")}
"""The network that reads matrices proposes LQR gains, which are other stabilising gains than the paper's."""
TOLERANCE: Final = 0.1
"""Of the paper, relative: for rates and for each entry of a feedback matrix."""


class Truth(NamedTuple):
    """What the exact route says of one system.

    Attributes:
        said: what was proved; a field is None where that stayed undecided. A feedback matrix is computed, not proved.
        stabilised: reading (or "label") → whether its feedback matrix was proved to stabilise.
        reason: why it stayed undecided, or "".
        from_proposal: whether the verifier proved an answer from what the networks proposed: a Jacobian, a feedback
            matrix, a frequency of negative Re P; None where they proposed nothing.
        has_gain: whether a gain for the system as it is, not for the paper's scaled one, was proved.
        seconds: it took.
    """

    said: Saying = Saying()
    stabilised: dict[str, bool | None] = {}  # noqa: RUF012 - never written to
    reason: str = ""
    from_proposal: bool | None = None
    has_gain: bool | None = None
    seconds: float = 0.0


class Record(NamedTuple):
    """One system, and all that was said of it.

    Attributes:
        case: with the paper's label.
        proposed: by the networks.
        truth: by the exact route; None where that was not asked.
        jacobian: (n, n + m) in double precision; None for PDEs, for systems with time, and where a value on the way is
            not finite.
    """

    case: Case
    proposed: Proposed
    truth: Truth | None
    jacobian: NDArray[np.complex128] | None = None

    def said(self, reading: str) -> Saying | None:
        """The answer of one of `READINGS`."""
        if reading == "exact":
            return None if self.truth is None else self.truth.said
        return self.proposed.head if reading == "head" else self.proposed.jacobian


def jacobians(cases: Sequence[Case]) -> list[NDArray[np.complex128] | None]:
    """In double precision, as `Record.jacobian`."""
    rows = [i for i, case in enumerate(cases) if not isinstance(case, PaperPDE) and not case.system.has_time]
    systems: list[Any] = [cases[i] for i in rows]
    found: list[NDArray[np.complex128] | None] = [None] * len(cases)
    for i, J in zip(rows, differentiate([s.system for s in systems], [point_of(s) for s in systems]), strict=True):
        found[i] = J
    return found


def unproved(cases: Sequence[Case], proposer: Proposer) -> list[Record]:
    """Systems with what the networks say of them, and no truth."""
    said, known = proposer.propose(cases), jacobians(cases)
    return [Record(case, each, None, J) for case, each, J in zip(cases, said, known, strict=True)]


def label(case: Case) -> Saying:
    """The paper's answer."""
    if isinstance(case, PaperPDE):
        return Saying(pde=(case.label.exists, case.label.decays))
    if case.kind == "gram":
        return Saying(gain=np.array(case.label, dtype=np.float64))
    return Saying(case.positive, case.label if type(case.label) is float else None)


def is_right(task: str, record: Record, reading: str, *, truly: bool, tolerance: float = TOLERANCE) -> bool | None:
    """Whether an answer is right by the paper's rule; nothing said is wrong.

    Args:
        task: one of those of its kind, see `TASKS`.
        record: the system.
        reading: whose answer, see `READINGS`.
        truly: against the truth, not against the label.
        tolerance: relative.

    Returns:
        None where there is nothing to compare: no label of this task, a truth that stayed undecided, `OTHER_GAINS`.
    """
    if (task, reading) in OTHER_GAINS:
        return None
    if task == "feedback stabilises":
        return _stabilises(record, reading, truly=truly)
    known = record.said("exact") if truly else label(record.case)
    said = record.said(reading)
    return None if known is None else agrees(task, Saying() if said is None else said, known, tolerance)


def agrees(task: str, said: Saying, known: Saying, tolerance: float = TOLERANCE) -> bool | None:
    """Whether an answer agrees with another one; None if the other one is missing.

    >>> agrees("speed", Saying(rate=1.05), Saying(rate=1.0)), agrees("speed", Saying(rate=1.2), Saying(rate=1.0))
    (True, False)
    """
    if task in ("stability", "controllability", "controllability in time"):
        return None if known.yes is None else said.yes is known.yes
    if task == "pde":
        return None if known.pde is None else said.pde == known.pde
    if task == "speed":
        return None if known.rate is None else said.rate is not None and _is_near(said.rate, known.rate, tolerance)
    if known.gain is None:
        return None
    fits = said.gain is not None and said.gain.shape == known.gain.shape
    return fits and _is_near(said.gain, known.gain, tolerance)


def near(said: Any, known: Any, tolerance: float) -> NDArray[np.bool_]:
    """Entry by entry: within the tolerance of the known size; where that is 0, only 0 is right."""
    with np.errstate(all="ignore"):
        return np.asarray((said == known) | (np.abs(said - known) < tolerance * np.abs(known)))


def _is_near(said: Any, known: Any, tolerance: float) -> bool:
    return bool(near(said, known, tolerance).all())


def _stabilises(record: Record, reading: str, *, truly: bool) -> bool | None:
    """Of the pair (A/‖A‖, B): proved, or by the eigenvalues in double precision as the paper judges."""
    if truly:
        return None if record.truth is None else record.truth.stabilised.get(reading)
    said = record.said(reading)
    if record.jacobian is None or (reading == "exact" and (said is None or said.gain is None)):
        return None
    n = record.case.degree
    A, B = unit(record.jacobian[None, :, :n].real), record.jacobian[None, :, n:].real
    if said is None or said.gain is None or said.gain.shape != B.shape[:0:-1]:
        return False
    return bool(stabilises(A, B, said.gain[None])[0])
