"""Gains for stacked pairs: a model or a stacked Riccati solver proposes, the float kernel proves, in whole stacks.

The order of the routes is a matter of cost alone. `COSTS` holds what a system costs on the model's route and on the
doubling's, gain and proof, as `hybrid bench batch` measures it on one thread; where it says that the model costs more,
the model is not asked. It is asked first where the caller names a model file, or says "always".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import api
from hybrid.answer import Answer, Route, Status, Verdict
from hybrid.batch.answers import BatchAnswer
from hybrid.batch.output_gains import static_feedback
from hybrid.batch.rows import Indices, Rows
from hybrid.batch.stacks import BoolArray, Boundary, FloatArray, Stack
from hybrid.errors import ProblemError
from hybrid.propose.bilinear import Regulator, continuous_twin, in_unit_weights
from hybrid.propose.session import by_halves
from hybrid.question import FeedbackQuestion
from hybrid.systems.linear import LinearSystem
from hybrid.verify.float_environment import ieee_arithmetic
from hybrid.verify.gain import SHORT

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer

ALWAYS = "always"
"""As `model`: ask the shipped model wherever there is one of the size."""

_CHUNK = 4096  # rows that a network sees at once
_REFINEMENT_STEPS = 2  # where any stabilising gain will do
_FULL_STEPS = 6  # where the user's weights ask for the optimum
_OVER_Q_UP_TO = 20  # states: beyond, an exact residual costs as much as answering the row by itself
_SETTLED = 1e-4  # relative change in a step of Newton's iteration, whose next one is about the square of it

COSTS = {
    2: (6.3, 0.7), 3: (9.3, 1.0), 4: (12.4, 1.4), 5: (21.7, 2.0), 6: (27.0, 2.5), 8: (29.3, 4.4), 10: (40.3, 7.0),
}  # fmt: skip
"""States → microseconds a system by the model, and by doubling (m = 2, Gaussian pairs, one thread)."""


@dataclass(frozen=True)
class Regulators:
    """What proposals are computed from: stacked pairs with the decay rate taken in, and the weights.

    Attributes:
        A, B: (N, n, n), (N, n, m): A + σI, or A/(1 − σ) and B/(1 − σ).
        Q, R, R_inverse: (1, n, n), (1, m, m), (1, m, m).
        discrete: x⁺ = A x + B u.
        weighted: whether the weights are the user's, so that the gain has to be the optimal one for them.
    """

    A: FloatArray
    B: FloatArray
    Q: FloatArray
    R: FloatArray
    R_inverse: FloatArray
    discrete: bool
    weighted: bool

    @classmethod
    def of(cls, rows: Rows, question: FeedbackQuestion) -> Regulators:
        """For the rows that are left."""
        A, B = rows.pairs()
        n, m = B.shape[1:]
        decay, discrete = float(question.region.decay), rows.boundary.discrete
        if decay:
            A, B = (A / (1 - decay), B / (1 - decay)) if discrete else (A + decay * np.eye(n), B)
        Q = np.eye(n) if question.Q is None else question.Q
        R = np.eye(m) if question.R is None else question.R
        weighted = question.Q is not None or question.R is not None
        return cls(A, B, Q[None].copy(), R[None].copy(), np.linalg.inv(R)[None], discrete, weighted)

    @property
    def weights(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Q, R and the inverse of R."""
        return self.Q, self.R, self.R_inverse


def feedback(
    A: Any,
    B: Any,
    C: Any = None,
    *,
    Q: Any = None,
    R: Any = None,
    structure: Any = None,
    discrete: bool = False,
    decay: Any = 0,
    model: bool | str | os.PathLike[str] = True,
) -> BatchAnswer:
    """Find a gain K for each pair of a stack so that u = −K x brings every closed-loop pole into the region, proved.

    Each gain is rounded first, to six significant digits where that is enough, and proved after, for the doubles that
    it stores and the decimals that it prints as. The gains are LQR gains, from the structure-preserving doubling
    algorithm or from a model and Newton's iteration; Q and R choose the LQR problem (the optimum itself is computed,
    not proved). Rows that no stacked route proves are answered one by one by `hybrid.feedback`, which may prove that
    there is none.

    With C the gain is one of the outputs, u = −K y; with a structure some of its entries are zero. For these there is
    no closed form: a model's candidates and compiled quasi-Newton descents are proved in whole stacks, and a search
    answers the rest one by one.

    Args:
        A, B: (N, n, n), (N, n, m), float64, float32 or integers; each number is the one stored.
        C: (N, p, n), the outputs y = C x to feed back in place of the state.
        Q: (n, n), one state weight for all rows, symmetric, positive semidefinite; I where absent.
        R: (m, m), one input weight for all rows, symmetric, positive definite; I where absent.
        structure: (m, n) or (m, p), one for all rows: True (1) where an entry of K is free, False (0) where it has to
            be zero; or the word "diagonal".
        discrete: x⁺ = A x + B u instead of x′ = A x + B u.
        decay: σ in 1/s, asks for Re λ < −σ; in discrete time for |λ| < 1 − σ.
        model: True asks a model first where that is the cheaper route, False never; "always", or the path of a model
            file or folder, asks it first wherever there is one of the size.

    Returns:
        A `BatchAnswer` with `gain`; "disproved" rows (not stabilisable) are proved too, "error" rows hold NaN or inf.

    Raises:
        DimensionError, ProblemError: a stack, a weight, the decay or `model` makes no sense; the sentence names it.
        ModelError: `model` names a file that is no model of ours.

    Source: Chu, Fan and Lin 2005, Linear Algebra Appl. 396 (doubling); Kleinman 1968; Boyd et al. 1994, (1.2).

    >>> import numpy as np
    >>> import hybrid.batch
    >>> A, B = np.array([[[0.0, 1.0], [0.0, 0.0]]] * 2), np.array([[[0.0], [1.0]], [[1.0], [0.0]]])
    >>> found = hybrid.batch.feedback(A, B)
    >>> found.verdict.tolist()
    ['stabilised', 'not stabilisable']
    >>> found.gain[0]
    array([[1.     , 1.73205]])

    The first output alone cannot stabilise the double integrator; the position and the speed, weighted equally, do:

    >>> C = np.array([[[1.0, 0.0]], [[1.0, 1.0]]])
    >>> hybrid.batch.feedback(A, B[:1].repeat(2, 0), C).verdict.tolist()
    ['not stabilisable', 'stabilised']
    """
    if C is not None or structure is not None:
        for field, weight in (("Q", Q), ("R", R)):
            if weight is not None:
                expected = "nothing beside C or a structure, which leave no such choice"
                raise ProblemError(field, "a value", expected)
        return static_feedback(A, B, C, structure, discrete, decay, model)
    stack, boundary = Stack.read(A, B), Boundary.read(decay, discrete)
    n, m = stack.B.shape[1:]
    template = LinearSystem(np.zeros((n, n)), np.zeros((n, m)), dt=boundary.dt)
    question = FeedbackQuestion.read(template, Q, R, boundary.region.decay, None)
    proposer = _proposer(model, n, m)
    rows = Rows("feedback", stack, boundary, inputs=m)
    with ieee_arithmetic(), np.errstate(all="ignore"):
        if rows.worth_stacking and proposer is not None:
            _by_model(rows, question, proposer)
        if rows.worth_stacking:
            _by_doubling(rows, question)

    def alone(system: LinearSystem) -> Answer:
        return api.feedback(system, Q=question.Q, R=question.R, decay=boundary.region.decay, model=False)

    with rows.timed(Route.EXACT.value):
        rows.one_by_one(alone)
    return rows.freeze()


def _proposer(model: Any, n: int, m: int) -> GainProposer | None:
    """The model to ask first; None where there is none of the size, or it does not pay."""
    if model is False or (model is True and not _model_pays(n)):
        return None
    from hybrid.propose.gain import GainProposer, shipped

    if model is not True and not isinstance(model, str | os.PathLike):
        raise ProblemError("model", model, 'True, False, "always", or the path of a model file or folder')
    proposer = shipped() if model is True or model == ALWAYS else GainProposer(model)
    return proposer if proposer.accepts(n, m) else None


def _model_pays(n: int) -> bool:
    by_model, by_doubling = COSTS.get(n, (np.inf, 0.0))
    return by_model < by_doubling


def _by_model(rows: Rows, question: FeedbackQuestion, proposer: GainProposer) -> None:
    """The model's gains as they are, where any stabilising gain will do, and after Newton's iteration."""
    from hybrid.batch.kernels.riccati import refine

    with rows.timed(Route.MODEL.value):
        problem = Regulators.of(rows, question)
        guess = ask(proposer, problem)
        if guess is None:
            return
        P, K = guess
        if not problem.weighted:
            K = K[_settle(rows, P, K, Route.MODEL.value)]
    with rows.timed(Route.MODEL_REFINED.value):
        if rows.left.size:
            problem = Regulators.of(rows, question)
            if problem.weighted:
                P, K = _optimum(problem, K, _FULL_STEPS)
            else:
                P, K = refine(problem.A, problem.B, K, *problem.weights, problem.discrete, _REFINEMENT_STEPS)
            _settle(rows, P, K, Route.MODEL_REFINED.value)


def _by_doubling(rows: Rows, question: FeedbackQuestion) -> None:
    """Riccati solutions by doubling; a Newton step polishes the gain where the weights are the user's."""
    from hybrid.batch.kernels.riccati import solve_regulators

    with rows.timed("doubling"):
        problem = Regulators.of(rows, question)
        P, K = solve_regulators(problem.A, problem.B, *problem.weights, problem.discrete)
        if problem.weighted:
            P, K = _optimum(problem, K, 1)
        left = _settle(rows, P, K, "doubling")
        if left.size:
            _by_other_proofs(rows, question, P[left], K[left])


def _optimum(problem: Regulators, K: FloatArray, steps: int) -> tuple[FloatArray, FloatArray]:
    """Newton's iteration from K; NaN where the last step still changed the gain, which then is not the optimum."""
    from hybrid.batch.kernels.riccati import refine

    if steps > 1:
        _, K = refine(problem.A, problem.B, K, *problem.weights, problem.discrete, steps - 1)
    P, better = refine(problem.A, problem.B, K, *problem.weights, problem.discrete, 1)
    change, size = (np.abs(X).max((1, 2)) for X in (better - K, better))
    better[~(change <= _SETTLED * size)] = np.nan
    return P, better


def _by_other_proofs(rows: Rows, question: FeedbackQuestion, P: FloatArray, K: FloatArray) -> None:
    """The rows left with gains that their own P does not prove: by their cost for Q = I, then by either P over Q."""
    from hybrid.batch.kernels.riccati import refine

    problem = Regulators.of(rows, question)
    identity = np.eye(P.shape[1])[None]
    cost, _ = refine(problem.A, problem.B, K, identity, problem.R, problem.R_inverse, problem.discrete, 1)
    left = _settle(rows, cost, K, "doubling")
    for guess in (P, cost) if P.shape[1] <= _OVER_Q_UP_TO else ():
        left = left[_settle_over_q(rows, guess[left], K[left], "doubling")]


def ask(proposer: GainProposer, problem: Regulators) -> tuple[FloatArray, FloatArray] | None:
    """What a model proposes, P (N, n, n) and K (N, m, n); None where it fails, in whatever way."""
    from hybrid.batch.kernels.riccati import gains

    try:
        P = np.concatenate(
            [_ask(proposer, problem, slice(first, first + _CHUNK)) for first in range(0, len(problem.A), _CHUNK)]
        )
    except Exception:  # noqa: BLE001 - a model may fail in any way, and the answer is not to suffer from it
        return None
    if P.shape != problem.A.shape or P.dtype != np.float64:
        return None
    P = np.ascontiguousarray(P)
    return P, gains(problem.A, problem.B, P, problem.R, problem.R_inverse, problem.discrete)


def _ask(proposer: GainProposer, problem: Regulators, rows: slice) -> FloatArray:
    """P of some rows, by way of the continuous-time problem with weights I that is equivalent to theirs."""
    A, B = problem.A[rows], problem.B[rows]
    if not problem.discrete and not problem.weighted:
        return proposer.propose_batch(A, B)[0]

    def solve(A: FloatArray, B: FloatArray) -> FloatArray:
        weights = (np.broadcast_to(weight, (len(A), *weight.shape[1:])) for weight in (problem.Q, problem.R))
        regulator = Regulator(A, B, *weights)
        a, b, L, _ = in_unit_weights(continuous_twin(*regulator) if problem.discrete else regulator)
        return np.asarray(L @ proposer.propose_batch(a, b)[0] @ L.mT)

    return by_halves(solve, A, B)


def _settle(rows: Rows, P: FloatArray, K: FloatArray, route: str) -> Indices:
    """Prove the gains rounded to six digits, then with all of them; which of the given rows are left."""
    from hybrid.batch.kernels.proof import PROBE, prove

    limit, discrete = rows.boundary.inside, rows.boundary.discrete

    def proved(P: FloatArray, K: FloatArray) -> BoolArray:
        A, B = rows.pairs()
        return prove(A, B, K, P, A[:, :, :0].copy(), limit, discrete, PROBE)

    return _settle_where(proved, rows, P, K, route)


def _settle_over_q(rows: Rows, P: FloatArray, K: FloatArray, route: str) -> Indices:
    """The same, exactly, row by row."""
    from hybrid.batch.rational import proves

    def proved(P: FloatArray, K: FloatArray) -> BoolArray:
        each = zip(rows.systems(), K, P, strict=True)
        return np.array([proves(system, k, p, rows.boundary.inside) for system, k, p in each], dtype=bool)

    return _settle_where(proved, rows, P, K, route)


def _settle_where(
    proved: Callable[[FloatArray, FloatArray], BoolArray], rows: Rows, P: FloatArray, K: FloatArray, route: str
) -> Indices:
    """Settle the rows whose gain is proved with six digits, then those with all of them; which are left."""
    from hybrid.batch.kernels.decimals import POWERS, shortened

    short, left = shortened(K, SHORT, POWERS), np.arange(len(K))
    for gains in (short, K):
        if left.size:
            gain, lyapunov = (gains, P) if len(left) == len(K) else (gains[left], P[left])
            holds = proved(lyapunov, gain)
            rows.settle(holds, Status.PROVED, Verdict.STABILISED, route, gain=gain, lyapunov=lyapunov)
            left = left[~holds]
    return left
