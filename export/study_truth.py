"""The truth about test systems, by our exact route, one system after the other; what it cannot prove stays open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import hybrid
from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.errors import HybridError, ProblemError
from hybrid.propose.jacobian import Given, JacobianProposal
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.tokens import TIME

from .paper_files import PaperPDE, PaperSystem
from .study_proposals import Case, Gain, Proposed, Saying, equation_of
from .study_tasks import MODELS, Truth, label

if TYPE_CHECKING:
    from hybrid.systems.pde import LinearPDE

UNBOUNDED: Final = "Neither a bound of Re P from below nor a fall of it was proved."
PRECISE: Final = 1e-3
"""Width of an enclosed rate, relative, up to which other rates are compared with it."""


def truths(cases: Sequence[Case], proposed: Sequence[Proposed], jacobians: Sequence[Any]) -> Iterator[Truth]:
    """The truth about each system, as the exact route proves it.

    Args:
        cases: the systems.
        proposed: what the networks say of each; their feedback matrices are proved to stabilise, or not to.
        jacobians: of each in double precision, or None; see `study_tasks.jacobians`.
    """
    for case, said, J in zip(cases, proposed, jacobians, strict=True):
        began = time.perf_counter()
        try:
            found = _truth(case, said, J)
        except HybridError as error:
            found = Truth(reason=_obstacle(error))
        yield found._replace(seconds=time.perf_counter() - began)


def _obstacle(error: HybridError) -> str:
    """What a refused system lacks, whatever its name and place."""
    return f"No value, as there is not {error.expected}." if isinstance(error, ProblemError) else str(error)


def _truth(case: Case, said: Proposed, J: Any) -> Truth:
    if isinstance(case, PaperPDE):
        return _equation(case, said)
    if case.kind == "gram":
        return _feedback(case, said, J)
    is_rate = case.kind in ("stability", "speed")
    ask, read = (hybrid.stability, _rate) if is_rate else (hybrid.controllability, _rank)
    found = read(ask(_system(case), at=_place(case), paper=True))
    return found if case.system.has_time else found._replace(from_proposal=_is_proved_from(said, case, ask))


def _is_proved_from(said: Proposed, case: PaperSystem, ask: Callable[..., Answer]) -> bool | None:
    """Whether the verifier proves the answer from the proposed Jacobian."""
    if said.matrix is None:
        return None
    given = Given(JacobianProposal(said.matrix, "the study"))
    return ask(_system(case), at=_place(case), paper=True, model=given).route is Route.MODEL


def _system(case: PaperSystem) -> NonlinearSystem:
    tokens = case.system
    time = TIME if tokens.has_time else None
    return NonlinearSystem(tokens.state_names, tokens.input_names, tokens.texts(), time=time)


def _place(case: PaperSystem) -> dict[str, str]:
    """The point in exact decimals."""
    return {name: repr(value) for name, value in case.point.items()}


def _rate(answer: Answer) -> Truth:
    """Stable is, as the paper counts, an abscissa of 0 or less."""
    if answer.abscissa is None:
        return Truth(reason=_reason(answer))
    low, high = answer.abscissa
    yes = True if high <= 0 else False if low > 0 else None
    rate = -(low + high) / 2
    known = np.isfinite(rate) and high - low <= PRECISE * abs(rate)
    return Truth(Saying(yes, float(rate) if known else None), reason=_reason(answer))


def _rank(answer: Answer) -> Truth:
    said = {Verdict.CONTROLLABLE: True, Verdict.UNCONTROLLABLE: False}.get(answer.verdict)
    return Truth(Saying(said), reason=_reason(answer))


def _reason(answer: Answer) -> str:
    return "" if answer.reason is None else answer.reason.value


# Partial differential equations


def _equation(case: PaperPDE, said: Proposed) -> Truth:
    """A solution exists where Re P is bounded below on the box, and decays where it is not negative there."""
    equation = equation_of(case)
    answer = hybrid.pde(equation)
    found = answer.evolution
    exists, decays = (None, None) if found is None else (found.exists, found.stays_bounded)
    pde = None if exists is None or decays is None else (exists, decays)
    refuted = None if said.jacobian is None else said.frequency is not None and _is_negative(equation, said.frequency)
    return Truth(Saying(pde=pde), reason="" if pde else _reason(answer) or UNBOUNDED, from_proposal=refuted)


def _is_negative(equation: LinearPDE, at: Sequence[Fraction]) -> bool:
    """Whether Re P is negative at a frequency of the box, exactly."""
    inside = all(low <= x <= high for x, (low, high) in zip(at, equation.support, strict=True))
    terms = (c * prod(x**power for x, power in zip(at, e, strict=True)) for e, c in equation.real_symbol.items())
    return inside and sum(terms, Fraction(0)) < 0


# Feedback


def _feedback(case: PaperSystem, said: Proposed, J: Any) -> Truth:
    """The paper's gain, and for every gain that somebody gave, whether it is proved to stabilise."""
    if J is None:
        return Truth(reason="The Jacobian has no value in double precision.")
    answer = hybrid.feedback(_system(case), at=_place(case), paper=True, model=False)
    gain = None if answer.paper is None else np.array(answer.paper.value, dtype=np.float64)
    size = float(np.linalg.norm(J[:, : case.degree]))
    gains = {"exact": gain, "label": label(case).gain, **{reading: _gain(said, reading) for reading in MODELS}}
    stabilised = {name: _is_stabilised(case, size, each) for name, each in gains.items()}
    return Truth(
        Saying(gain=gain),
        stabilised,
        _reason(answer),
        from_proposal=any(stabilised[reading] is True for reading in MODELS) if said.matrix is not None else None,
        has_gain=answer.status is Status.PROVED,
    )


def _gain(said: Proposed, reading: str) -> Gain | None:
    known = getattr(said, reading)
    return None if known is None else known.gain


def _is_stabilised(case: PaperSystem, size: float, gain: Gain | None) -> bool | None:
    """Whether A/‖A‖ + B K is proved to be stable, that is A + ‖A‖ B K: the system under u = u* + ‖A‖ K (x − x*)."""
    if gain is None or gain.shape != (case.inputs, case.degree) or not np.isfinite(gain).all():
        return False
    place = _place(case)
    loop = _system(case).closed_loop(-size * gain, place)
    answer = hybrid.stability(loop, at={name: place[name] for name in case.system.state_names}, paper=True)
    return None if answer.verdict is Verdict.UNKNOWN else answer.verdict is Verdict.STABLE
