"""The questions as functions: validate, ask, answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import solve as pipeline
from hybrid.answer import Answer
from hybrid.errors import ProblemError
from hybrid.expressions.evaluate import expect_real_constants
from hybrid.pole_region import Region
from hybrid.propose import chosen
from hybrid.propose.chosen import ModelName
from hybrid.question import (
    FeedbackQuestion,
    LinearQuestion,
    LocalQuestion,
    PDEQuestion,
    RankQuestion,
    StabilityQuestion,
    StaticGainQuestion,
    TimeVaryingQuestion,
)
from hybrid.systems.coerce import coerce, coerce_linear, several
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.plants import NonlinearPlant
from hybrid.systems.reading_pde import read_pde
from hybrid.trials import STARTS, Means, Search

if TYPE_CHECKING:
    from hybrid.propose.jacobian import JacobianProposer
    from hybrid.propose.pde import PDEProposer
    from hybrid.systems.pde import LinearPDE


def stability(
    system: Any,
    *,
    decay: Any = 0,
    damping: Any = 0,
    poles: bool = False,
    at: Mapping[str, Any] | None = None,
    at_point: bool = False,
    paper: bool = False,
    model: ModelName | JacobianProposer = False,
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
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        paper: read the question as Charton, Hayat and Lample 2020 do: of the Jacobian at the point (all variables 0.01
            where none is given), in complex numbers where the equations leave the real ones, on principal branches.
            What their rules say is in `answer.paper`: λ = −abscissa to three digits, stable where λ > 0.
        model: of a nonlinear system, True lets the network that reads equations propose the Jacobian, from which the
            proof is taken where it holds for the true one (route model); or a folder with its file. The exact
            derivative is usually faster, and bounds the abscissa more tightly.

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

    return _solve(_question(system, at, at_point, ask, "0.01" if paper else None), chosen.jacobian(model))


def controllability(
    system: Any,
    *,
    at: Mapping[str, Any] | None = None,
    at_point: bool = False,
    paper: bool = False,
    model: ModelName | JacobianProposer = False,
) -> Answer:
    """Decide whether (A, B) is controllable.

    PROVED by full rank of [B AB … Aⁿ⁻¹B] modulo a prime; DISPROVED by an exact rational subspace that the inputs do not
    reach, with its modes in `answer.poles`.

    Args:
        system: a LinearSystem, NonlinearSystem (then of its linearisation) or python-control system with inputs.
        at, at_point: the equilibrium of a nonlinear system, as in `stability`.
        paper: as in `stability`, with all variables 0.9; `answer.paper` has the label of their rank rule, an absolute
            tolerance of 1e-6 in double precision, which the proved answer may contradict.
        model: whether a network proposes the Jacobian of a nonlinear system, as in `stability`.

    A system with a name for time is linearised along `at`, numbers or texts such as "sin(t)" for its states and inputs
    (with `paper` 0.5 where none is given, and complex values), time left free: z' = A(t) z + B(t) v. PROVED is
    controllability on every interval of positive length around `answer.instant` on which A and B are continuous: D_0 =
    B and D_(k+1) = dD_k/dt − A D_k have rank n there. DISPROVED is that there is none around it on which A and B are
    analytic. The instant is that of `at`, or one of 0.19, 0.39, 0.59, 0.79, 0.99.

    Raises:
        ProblemError: no inputs.

    Source: Kalman, Ho and Narendra 1963; Chang 1965; Silverman and Meadows 1967, Theorem 1.

    >>> import hybrid
    >>> hybrid.controllability(hybrid.LinearSystem([[0, 1], [0, 0]], [[0], [1]])).verdict.value
    'controllable'
    >>> swing = hybrid.NonlinearSystem.from_text("x' = y; y' = -(1 + cos(t)/2)*sin(x) + u", ["u"], time="t")
    >>> answer = hybrid.controllability(swing, at={"x": 0, "y": 0, "t": 0})
    >>> answer.verdict.value, answer.instant
    ('controllable', Fraction(0, 1))
    """
    if isinstance(system, NonlinearSystem) and system.time is not None:
        return pipeline.solve(TimeVaryingQuestion.read(system, at or {}, paper))
    return _rank(system, "controllability", 0, at, at_point, chosen.jacobian(model), "0.9" if paper else None)


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
    model: ModelName = True,
    starts: int = STARTS,
    progress: Callable[[float], None] | None = None,
    at: Mapping[str, Any] | None = None,
    at_point: bool = False,
    paper: bool = False,
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
        paper: as in `stability`, with all variables 0.5. `answer.paper` has the K of Charton, Hayat and Lample 2020,
            from a Gramian: for A/‖A‖_F, B as it is, and u = +K x. `answer.gain` is for this system and u = −K x as
            ever: −‖A‖_F times theirs where that works, which it does where theirs does, up to rounding.

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
    plants = several(system)
    if plants is None and output is False and structure is None:

        def ask(plant: LinearSystem) -> LinearQuestion:
            return FeedbackQuestion.read(plant, Q, R, decay, poles)

        about = _question(system, at, at_point, ask, "0.5" if paper else None)
        return pipeline.solve(about, Means(gain=None if poles is not None else chosen.gain(model)))

    for field, value in (("Q", Q), ("R", R), ("poles", poles), ("paper", paper or None)):
        if value is not None:
            expected = "nothing beside output feedback, a structure or several systems, which leave no such choice"
            raise ProblemError(field, "a value", expected)
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise ProblemError("starts", starts, "a whole number of 1 or more")
    means = Means(search=Search(chosen.static_gain(model), starts, progress))
    if plants is None:

        def ask_one(plant: LinearSystem) -> LinearQuestion:
            return StaticGainQuestion.read([plant], output, structure, decay)

        return pipeline.solve(_question(system, at, at_point, ask_one), means)

    linear = [coerce_linear(plant) for plant in plants]
    _expect_no_point(at, at_point)
    return pipeline.solve(StaticGainQuestion.read(linear, output, structure, decay), means)


def pde(
    equation: LinearPDE | str | Mapping[str, Any],
    initial_condition: str | None = None,
    *,
    support: Mapping[str, Any] | None = None,
    paper: bool = False,
    model: ModelName | PDEProposer = False,
) -> Answer:
    """Decide whether u_t + P(D) u = 0 on Rⁿ has a solution for t ≥ 0, whether it stays bounded, and whether it decays.

    A wave number k (radians per unit of length) evolves alone, û(k, t) = exp(−t P(ik)) û(k, 0). What counts is Re P(ik)
    on the support, the box of wave numbers that the initial condition may have, and nothing else about it:

    - a solution exists (a tempered one, for every initial condition with this support) where Re P is bounded below;
    - it stays bounded where Re P ≥ 0: no wave number grows;
    - it decays where Re P ≥ c > 0: all wave numbers at least as fast as exp(−c t).

    With Re P = 0 somewhere and never below, as for the heat equation on the line, it stays bounded, and no common rate
    holds. Where Re P < 0 somewhere and bounded below, it exists and grows.
    Where Re P is unbounded below, single initial conditions (such as narrow Gaussians in place of their box) may still
    have a solution for a time.

    Args:
        equation: a LinearPDE; text such as "u_t = u_xx - u_xxxx", with a letter for each derivative; or a mapping with
            the keys of a file: `equation` or `operator`, `initial_condition` or `support`, `coordinates`, `name`.
        initial_condition: a product of 1, exp(a*I*x), sin(a*x)/(a*x), exp(-(a*x)^2), delta0(a*x), which says the
            support; see `hybrid.systems.initial_condition.read_support`.
        support: the interval of wave numbers of each coordinate by name, as {"x": (-1, 1)}; those left out are not
            bounded. Without it and without an initial condition, none is.
        paper: also tell the labels of Charton, Hayat and Lample 2020, which call "decays" what is "stays bounded" here,
            and come from a local search: `answer.paper.value`. Degenerate initial conditions are read as they do.
        model: whether a network proposes a wave number that grows; a path for another model. Computing is faster.

    Returns:
        About whether it stays bounded: PROVED, DISPROVED or UNDECIDED; `answer.evolution` has all three answers, with a
        rate c or a wave number that grows. The verdict is decaying, bounded, growing or no solution.

    Raises:
        ProblemError, ParseError: the equation, the initial condition or the support makes no sense.
        ModelError: `model` names a file that is no model of ours.

    Source: Charton, Hayat and Lample 2020, section 3.3; for proofs of bounds Iliman and de Wolff 2016, Theorem 3.8.

    >>> import hybrid
    >>> hybrid.pde("u_t = u_xx - u").evolution
    Evolution(exists=True, stays_bounded=True, decays=True, rate=Fraction(1, 1), point=None)
    >>> hybrid.pde("u_t = -u_xx - u_xxxx").verdict.value, hybrid.pde("u_t = -u_xx").verdict.value
    ('growing', 'no solution')
    >>> hybrid.pde("u_t = -u_xx - u_xxxx", support={"x": (2, 3)}).verdict.value
    'decaying'
    """
    if not isinstance(paper, bool | np.bool_):
        raise ProblemError("paper", paper, "True or False")
    read = read_pde(equation, initial_condition, support, paper=bool(paper))
    return pipeline.solve(PDEQuestion(read, bool(paper)), Means(wave_number=chosen.wave_number(model)))


def _rank(
    system: Any,
    about: str,
    decay: Any,
    at: Mapping[str, Any] | None,
    at_point: bool,
    reader: JacobianProposer | None = None,
    paper: str | None = None,
) -> Answer:
    def ask(plant: LinearSystem) -> RankQuestion:
        return RankQuestion(plant, about, Region.read(decay, 0, is_discrete=plant.is_discrete))

    return _solve(_question(system, at, at_point, ask, paper), reader)


def _solve(question: LinearQuestion | LocalQuestion, reader: JacobianProposer | None) -> Answer:
    if reader is not None and not isinstance(question, LocalQuestion):
        expected = "nothing: this system has matrices, and the network reads equations"
        raise ProblemError("model", "a network", expected)
    return pipeline.solve(question, Means(jacobian=reader))


def _question(
    system: Any,
    at: Mapping[str, Any] | None,
    at_point: bool,
    ask: Callable[[LinearSystem], LinearQuestion],
    paper: str | None = None,
) -> LinearQuestion | LocalQuestion:
    """The question itself, or for a nonlinear system the question near its equilibrium.

    In the paper's reading it is about a point, where every variable has the value `paper` if none is given.
    """
    if isinstance(system, NonlinearPlant):
        system, at = system.system, system.at if at is None and paper is None else at
    if isinstance(system, NonlinearSystem):
        if system.time is not None:
            expected = "equations without time, or one set to a number; controllability alone is asked over time"
            raise ProblemError("time", system.time, expected)
        if system.free:
            expected = "a number; the conditions on free parameters are another question"
            raise ProblemError(f"parameters.{system.free[0]}", "no value", expected)
        if paper is not None:
            everywhere = dict.fromkeys((*system.states, *system.inputs), paper)
            return LocalQuestion(system, everywhere if at is None else at, True, ask, paper=True)
        expect_real_constants(system.rhs)
        if at_point and at is None:
            raise ProblemError("at", "nothing", "a point, to ask about the Jacobian there")
        return LocalQuestion(system, at, at_point, ask)
    _expect_no_point(at, at_point)
    if paper is not None:
        raise ProblemError("paper", "a linear system", "a nonlinear one, given by equations")
    return ask(coerce(system))


def _expect_no_point(at: Mapping[str, Any] | None, at_point: bool) -> None:
    for field, value in (("at", at), ("at_point", at_point or None)):
        if value is not None:
            raise ProblemError(field, value, "nothing: a linear system has its equilibrium at 0")
