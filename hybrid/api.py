"""The questions as functions: validate, ask, answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import solve as pipeline
from hybrid.answer import Answer
from hybrid.errors import ProblemError
from hybrid.question import (
    FeedbackQuestion,
    LinearQuestion,
    LocalQuestion,
    RankQuestion,
    Region,
    StabilityQuestion,
    StaticGainQuestion,
)
from hybrid.systems.coerce import coerce
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.plants import NonlinearPlant
from hybrid.trials import STARTS, Search

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer
    from hybrid.propose.output_gain import OutputGainProposer


def stability(
    system: Any,
    *,
    decay: Any = 0,
    damping: Any = 0,
    poles: bool = False,
    at: Mapping[str, Any] | None = None,
    at_point: bool = False,
) -> Answer:
    """Decide whether every eigenvalue of A lies in the stability region, and enclose the spectral abscissa.

    Up to 20 states: characteristic polynomial and Routh's reduction over Q. Above: two Lyapunov inequalities proved in
    floating point, the exact route behind them. Rational matrices are always decided, on the boundary too.

    A nonlinear system is asked about near an equilibrium, which is proved to exist: PROVED is local exponential
    stability (of the requested rate, for the linearisation), and a critical linearisation is UNDECIDED.

    Args:
        system: a LinearSystem, a NonlinearSystem, a python-control system, or the matrix A alone, (n, n), in 1/s.
        decay: σ in 1/s, asks for Re λ < −σ; in discrete time for |λ| < 1 − σ.
        damping: ζ with 0 ≤ ζ < 1, asks for Re λ < −ζ|λ| as well; continuous time only.
        poles: enclose every eigenvalue too.
        at: of a nonlinear system, a value for each state (inputs left out are 0): the equilibrium, or a guess; None
            for the one nearest the origin.
        at_point: ask about the Jacobian at that very point, equilibrium or not, as Charton et al. 2020 do.

    Returns:
        PROVED if every eigenvalue is in the region, DISPROVED if one is not. The verdict is about plain stability:
        stable (asymptotically), marginal (on the boundary, semisimple: Lyapunov stable), or unstable.

    Raises:
        ProblemError: the system or a requirement makes no sense; the sentence names it.

    Source: Gantmacher 1959, ch. XV; Rump 2006, Theorem 2.3; verdicts as in Hespanha 2018, Theorem 8.1.

    >>> import hybrid
    >>> answer = hybrid.stability([[0, 1], ["-1/2", "-0.1"]], decay="0.04")
    >>> answer.status.value, answer.verdict.value
    ('proved', 'stable')
    >>> hybrid.stability([[0, 1], [-1, 0]]).verdict.value
    'marginal'
    """
    def ask(plant: LinearSystem) -> StabilityQuestion:
        return StabilityQuestion(plant, Region.read(decay, damping, is_discrete=plant.is_discrete), poles)

    return pipeline.solve(_question(system, at, at_point, ask))


def controllability(system: Any, *, at: Mapping[str, Any] | None = None, at_point: bool = False) -> Answer:
    """Decide whether (A, B) is controllable.

    PROVED by full rank of [B AB … Aⁿ⁻¹B] modulo a prime; DISPROVED by an exact rational subspace that the inputs do not
    reach, with its modes in `answer.poles`.

    Args:
        system: a LinearSystem, NonlinearSystem (then of its linearisation) or python-control system with inputs.
        at, at_point: the equilibrium of a nonlinear system, as in `stability`.

    Raises:
        ProblemError: no inputs.

    Source: Kalman, Ho and Narendra 1963.

    >>> import hybrid
    >>> hybrid.controllability(hybrid.LinearSystem([[0, 1], [0, 0]], [[0], [1]])).verdict.value
    'controllable'
    """
    return _rank(system, "controllability", 0, at, at_point)


def observability(system: Any, *, at: Mapping[str, Any] | None = None, at_point: bool = False) -> Answer:
    """Decide whether (A, C) is observable: controllability of (Aᵀ, Cᵀ).

    Raises:
        ProblemError: no C.

    >>> import hybrid
    >>> hybrid.observability(hybrid.LinearSystem([[1, 0], [0, 2]], C=[[1, 0]])).verdict.value
    'unobservable'
    """
    return _rank(system, "observability", 0, at, at_point)


def stabilizability(
    system: Any, *, decay: Any = 0, at: Mapping[str, Any] | None = None, at_point: bool = False
) -> Answer:
    """Decide whether every uncontrollable eigenvalue has Re λ < −decay (|λ| < 1 − decay in discrete time).

    Source: Hautus 1970.

    >>> import hybrid
    >>> hybrid.stabilizability(hybrid.LinearSystem([[1, 0], [0, 2]], [[1], [0]])).verdict.value
    'not stabilizable'
    """
    return _rank(system, "stabilizability", decay, at, at_point)


def detectability(
    system: Any, *, decay: Any = 0, at: Mapping[str, Any] | None = None, at_point: bool = False
) -> Answer:
    """Decide whether every unobservable eigenvalue has Re λ < −decay: stabilizability of (Aᵀ, Cᵀ).

    >>> import hybrid
    >>> hybrid.detectability(hybrid.LinearSystem([[1, 0], [0, -2]], C=[[1, 0]])).verdict.value
    'detectable'
    """
    return _rank(system, "detectability", decay, at, at_point)


def feedback(
    system: Any,
    *,
    Q: Any = None,
    R: Any = None,
    decay: Any = 0,
    poles: Any = None,
    output: bool = False,
    structure: Any = None,
    model: bool | str | os.PathLike[str] = True,
    starts: int = STARTS,
    progress: Callable[[float], None] | None = None,
    at: Mapping[str, Any] | None = None,
    at_point: bool = False,
) -> Answer:
    """Find a gain K so that u = −K x brings every closed-loop pole into the stability region, and prove it.

    The gain is rounded first (six significant digits where that is enough) and proved after, for the decimals that it
    prints as and for the doubles that it stores. A model proposes; where its proposals are not proved, a Riccati
    equation or a pole placement gives the gain. Without Q, R and poles any stabilising gain answers; with Q or R it is
    the LQR gain for them, up to rounding (the optimum itself is computed, not proved).

    For a gain of the outputs (u = −K y), one with zeros in given places, or one for several systems there is no closed
    form. A search answers: quasi-Newton steps on the spectral abscissa, the largest over the systems, from many starts.

    Args:
        system: a LinearSystem, NonlinearSystem or python-control system with inputs. Near an equilibrium (x*, u*) of a
            nonlinear one the gain is for u = u* − K (x − x*), or u = u* − K (y − y*). A list of up to 8 linear systems
            asks for one gain that stabilises each of them: operating points, failures.
        Q: (n, n) state weight, symmetric, positive semidefinite.
        R: (m, m) input weight, symmetric, positive definite.
        decay: σ in 1/s, asks for Re λ < −σ; in discrete time for |λ| < 1 − σ.
        poles: n numbers closed under conjugation, instead of weights; "-1+2j", (re, im) and complex are understood.
        output: feed back the outputs y = C x in place of the state (D has to be zero); the gain is (m, p).
        structure: (m, n) or (m, p), True (1) where an entry of K is free, False (0) where it has to be zero; or the
            word "diagonal", for a decentralised gain.
        model: False for no proposals; a path for another model file or folder.
        starts: of the search, before it gives up.
        progress: is told the share of the search that is done.
        at, at_point: the equilibrium of a nonlinear system, as in `stability`.

    Returns:
        PROVED with `gain`; DISPROVED with a proof that there is none (verdict not stabilisable, or not placeable, with
        the immovable modes in `poles`); UNDECIDED with the reason.

    Raises:
        ProblemError, DimensionError: a weight, a pole or the system makes no sense; the sentence names it.
        ModelError: `model` names a file that is no model of ours.

    Source: Boyd et al. 1994, (1.2); Laub 1979; Kleinman 1968; Varga 1981; Hautus 1970; for the search Burke, Henrion,
    Lewis and Overton 2006; Lewis and Overton 2013.

    >>> import hybrid
    >>> double_integrator = hybrid.LinearSystem([[0, 1], [0, 0]], [[0], [1]])
    >>> answer = hybrid.feedback(double_integrator, poles=[-1, -2], model=False)
    >>> answer.gain
    array([[2., 3.]])
    >>> hybrid.check(answer.certificate).valid
    True

    The outputs alone, and one gain for two plants, the second with half the inertia:

    >>> lagged = hybrid.LinearSystem([[0, 1], [1, -1]], [[0], [1]], [[1, 0]])
    >>> hybrid.feedback(lagged, output=True).gain.shape
    (1, 1)
    >>> both = hybrid.feedback([double_integrator, hybrid.LinearSystem([[0, 1], [0, 0]], [[0], [2]])])
    >>> both.status.value, [loop.n for loop in both.closed_loop()]
    ('proved', [2, 2])
    """
    plants = _several(system)
    if plants is None and output is False and structure is None:

        def ask(plant: LinearSystem) -> LinearQuestion:
            return FeedbackQuestion.read(plant, Q, R, decay, poles)

        return pipeline.solve(_question(system, at, at_point, ask), None if poles is not None else _proposer(model))

    for field, value in (("Q", Q), ("R", R), ("poles", poles)):
        if value is not None:
            expected = "nothing beside output feedback, a structure or several systems, which leave no such choice"
            raise ProblemError(field, "a value", expected)
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise ProblemError("starts", starts, "a whole number of 1 or more")
    search = Search(_output_proposer(model), starts, progress)
    if plants is None:

        def ask_one(plant: LinearSystem) -> LinearQuestion:
            return StaticGainQuestion.read([plant], output, structure, decay)

        return pipeline.solve(_question(system, at, at_point, ask_one), search=search)

    linear = [_linear(plant) for plant in plants]
    _expect_no_point(at, at_point)
    return pipeline.solve(StaticGainQuestion.read(linear, output, structure, decay), search=search)


def _several(system: Any) -> list[Any] | None:
    """The systems of a list of systems; None for one system, which may be written as rows of numbers."""
    row_of_a_matrix = list, tuple, np.ndarray, str, Number
    is_list = isinstance(system, list | tuple) and len(system) > 0
    return list(system) if is_list and not isinstance(system[0], row_of_a_matrix) else None


def _linear(system: Any) -> LinearSystem:
    if isinstance(system, NonlinearSystem | NonlinearPlant):
        expected = "linear ones, where one gain is asked for several"
        raise ProblemError("system", "a nonlinear system", expected)
    return coerce(system)


def _rank(system: Any, about: str, decay: Any, at: Mapping[str, Any] | None, at_point: bool) -> Answer:
    def ask(plant: LinearSystem) -> RankQuestion:
        return RankQuestion(plant, about, Region.read(decay, 0, is_discrete=plant.is_discrete))

    return pipeline.solve(_question(system, at, at_point, ask))


def _question(
    system: Any, at: Mapping[str, Any] | None, at_point: bool, ask: Callable[[LinearSystem], LinearQuestion]
) -> LinearQuestion | LocalQuestion:
    """The question itself, or for a nonlinear system the question near its equilibrium."""
    if isinstance(system, NonlinearPlant):
        system, at = system.system, system.at if at is None else at
    if isinstance(system, NonlinearSystem):
        if system.free:
            expected = "a number; the conditions on free parameters are another question"
            raise ProblemError(f"parameters.{system.free[0]}", "no value", expected)
        if at_point and at is None:
            raise ProblemError("at", "nothing", "a point, to ask about the Jacobian there")
        return LocalQuestion(system, at, at_point, ask)
    _expect_no_point(at, at_point)
    return ask(coerce(system))


def _expect_no_point(at: Mapping[str, Any] | None, at_point: bool) -> None:
    for field, value in (("at", at), ("at_point", at_point or None)):
        if value is not None:
            raise ProblemError(field, value, "nothing: a linear system has its equilibrium at 0")


def _proposer(model: bool | str | os.PathLike[str]) -> GainProposer | None:
    if model is False:
        return None
    from hybrid.propose.gain import GainProposer, shipped

    return shipped() if model is True else GainProposer(_model_path(model))


def _output_proposer(model: bool | str | os.PathLike[str]) -> OutputGainProposer | None:
    if model is False:
        return None
    from hybrid.propose.output_gain import OutputGainProposer, shipped

    return shipped() if model is True else OutputGainProposer(_model_path(model))


def _model_path(model: object) -> str | os.PathLike[str]:
    if not isinstance(model, str | os.PathLike):
        raise ProblemError("model", model, "True, False, or the path of a model file or folder")
    return model
