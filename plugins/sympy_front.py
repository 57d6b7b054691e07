"""Questions asked with sympy objects, answered with sympy objects.

    from hybrid.plugins import sympy_front as hs

Numbers are exact: a Rational is itself, a Float is the binary number that it stores. With free symbols in it, a
question of stability or controllability is answered by conditions on the symbols.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sympy import Expr, MatrixBase, Symbol
from sympy.logic.boolalg import Boolean

import hybrid
from hybrid.errors import DimensionError, ProblemError
from hybrid.pole_region import Region
from hybrid.systems.linear import LinearSystem
from hybrid.trials import STARTS

from .conditions import polynomial_conditions, stability_conditions
from .rank_conditions import controllability_conditions
from .sympy_answer import SympyAnswer
from .sympy_transfer import Transfer
from .sympy_values import expression, matrix, number, numbers, pole, square, weight

__all__ = [
    "SympyAnswer",
    "conditions",
    "controllability",
    "detectability",
    "feedback",
    "observability",
    "stability",
    "stabilizability",
    "to_linear_system",
]


def stability(
    system: Any, *, decay: Any = 0, damping: Any = 0, poles: bool = False, dt: Any = None
) -> SympyAnswer | Boolean:
    """Decide whether every eigenvalue lies in the region of stability; with free symbols, say when.

    Args:
        system: the matrix A, a StateSpace, or a (proper) transfer function, in which nothing is cancelled.
        decay: σ in 1/s, asks for Re λ < −σ; in discrete time for |λ| < 1 − σ.
        damping: ζ with 0 ≤ ζ < 1, asks for Re λ < −ζ|λ| as well; continuous time only.
        poles: enclose every eigenvalue too; without free symbols.
        dt: the sample time of x⁺ = A x; nothing for continuous time, or for what the system itself says.

    Returns:
        A SympyAnswer; with free symbols the relation that `conditions` gives.

    Raises:
        ProblemError: an entry that is not real, or irrational without a symbol; a requirement that makes no sense.

    Source: see `hybrid.stability` and `conditions`.

    >>> from sympy import Matrix, Rational, symbols
    >>> stability(Matrix([[0, 1], [-1, -Rational(1, 10)]]))
    <SympyAnswer proved: stable>
    >>> k = symbols("k")
    >>> stability(Matrix([[0, 1], [-1, -k]]))
    k > 0
    """
    if _symbols(system, decay, damping):
        return conditions(system, decay=decay, damping=damping, dt=dt)
    plant = to_linear_system(system, dt=dt)
    rate, ratio = number(decay, "decay"), number(damping, "damping")
    return SympyAnswer(hybrid.stability(plant, decay=rate, damping=ratio, poles=poles), _is_model(system))


def conditions(system: Any, *, decay: Any = 0, damping: Any = 0, dt: Any = None) -> Boolean:
    """When is a system with free symbols stable: a conjunction of inequalities, necessary and sufficient.

    Liénard–Chipart conditions on the factors of the characteristic polynomial, without division and without
    eigenvalues. Common factors, squares, and what the assumptions on the symbols settle are removed. A symbol stands
    for a real number. The leading coefficient of a denominator is required not to vanish.

    Args:
        system, decay, damping, dt: as in `stability`; `decay` and `damping` may hold symbols too.

    Returns:
        A sympy relation: true exactly where the system is defined and every eigenvalue lies in the region.

    Raises:
        ProblemError: an entry that is not real, or conditions of more than 20 000 terms.

    Source: Gantmacher 1959, vol. 2, ch. XV, Theorem 11; in discrete time after s = (z − 1)/(z + 1).

    >>> from sympy import Matrix, Symbol
    >>> k, m = Symbol("k"), Symbol("m", positive=True)
    >>> conditions(Matrix([[0, 1, 0], [0, 0, 1], [-k / m, -1, -1]]))
    (k > 0) & (-k + m > 0)
    >>> from sympy.physics.control import Feedback, TransferFunction
    >>> s = Symbol("s")
    >>> conditions(Feedback(TransferFunction(k, s * (s + 1) * (s + 2), s), TransferFunction(1, 1, s)))
    (k > 0) & (k < 6)
    """
    rate, ratio = expression(decay, "decay"), expression(damping, "damping")
    is_discrete = _sample_time(system, dt) is not None
    if is_discrete and ratio != 0:
        raise ProblemError("damping", ratio, "a continuous-time system: the sector is no region of the z-plane")
    if not rate.free_symbols and not ratio.free_symbols:
        Region.read(number(rate, "decay"), number(ratio, "damping"), is_discrete=is_discrete)
    transfer = Transfer.of(system)
    if transfer is None:
        return stability_conditions(_state_matrix(system), decay=rate, damping=ratio, is_discrete=is_discrete)
    ring, entries = transfer.polynomials([rate, ratio])
    product = ring.integer(1)
    for row in entries:
        for _, denominator in row:
            product *= denominator
    return polynomial_conditions(ring, product, decay=rate, damping=ratio, is_discrete=is_discrete)


def controllability(A: Any, B: Any = None) -> SympyAnswer | Boolean:
    """Decide whether (A, B) is controllable; with free symbols, say when.

    Args:
        A: the matrix A, or a StateSpace.
        B: (n, m), beside a matrix A.

    Returns:
        A SympyAnswer; with free symbols the relation that holds exactly where the pair is defined and controllable.

    Raises:
        ProblemError, DimensionError: no B, or of another height; an entry that is not real.

    Source: see `hybrid.controllability` and `rank_conditions.controllability_conditions`.

    >>> from sympy import Matrix, symbols
    >>> a, b = symbols("a b")
    >>> controllability(Matrix([[a, 0], [0, b]]), Matrix([1, 1]))
    Ne(a - b, 0)
    """
    pair = _pair(A, B, "B")
    if pair is not None and (pair[0].free_symbols or pair[1].free_symbols):
        return controllability_conditions(*pair)
    return SympyAnswer(hybrid.controllability(to_linear_system(A, B=B)), _is_model(A))


def observability(A: Any, C: Any = None) -> SympyAnswer | Boolean:
    """Decide whether (A, C) is observable; with free symbols, say when.

    Args:
        A: the matrix A, a StateSpace, or a transfer function (its controllable canonical form).
        C: (p, n), beside a matrix A.

    Returns, raises: as `controllability`, of (Aᵀ, Cᵀ).

    >>> from sympy import Matrix
    >>> observability(Matrix([[1, 0], [0, 2]]), Matrix([[1, 0]]))
    <SympyAnswer disproved: unobservable>
    """
    pair = _pair(A, C, "C")
    if pair is not None and (pair[0].free_symbols or pair[1].free_symbols):
        return controllability_conditions(pair[0].T, pair[1].T)
    return SympyAnswer(hybrid.observability(to_linear_system(A, C=C)), _is_model(A))


def stabilizability(A: Any, B: Any = None, *, decay: Any = 0, dt: Any = None) -> SympyAnswer:
    """Decide whether every uncontrollable eigenvalue has Re λ < −decay (|λ| < 1 − decay in discrete time).

    Raises:
        ProblemError: free symbols; substitute numbers, or ask for `controllability`.

    >>> from sympy import Matrix
    >>> stabilizability(Matrix([[1, 0], [0, -2]]), Matrix([1, 0]))
    <SympyAnswer proved: stabilizable>
    """
    system = to_linear_system(A, B=B, dt=dt)
    return SympyAnswer(hybrid.stabilizability(system, decay=number(decay, "decay")), _is_model(A))


def detectability(A: Any, C: Any = None, *, decay: Any = 0, dt: Any = None) -> SympyAnswer:
    """Decide whether every unobservable eigenvalue has Re λ < −decay: stabilizability of (Aᵀ, Cᵀ).

    Raises:
        ProblemError: free symbols; substitute numbers, or ask for `observability`.

    >>> from sympy import Matrix
    >>> detectability(Matrix([[1, 0], [0, 2]]), Matrix([[1, 0]]))
    <SympyAnswer disproved: not detectable>
    """
    system = to_linear_system(A, C=C, dt=dt)
    return SympyAnswer(hybrid.detectability(system, decay=number(decay, "decay")), _is_model(A))


def feedback(
    A: Any,
    B: Any = None,
    C: Any = None,
    *,
    Q: Any = None,
    R: Any = None,
    decay: Any = 0,
    poles: Any = None,
    output: bool = False,
    structure: Any = None,
    dt: Any = None,
    model: Any = True,
    starts: int = STARTS,
) -> SympyAnswer:
    """Find a gain K so that u = −K x brings every closed-loop pole into the stability region, and prove it.

    Args:
        A: the matrix A, a StateSpace, or a transfer function (its controllable canonical form); a list of StateSpaces
            or transfer functions for one gain that stabilises each of them.
        B, C: (n, m) and, for output feedback, (p, n), beside a matrix A.
        Q, R: weights of an LQR gain, sympy matrices or anything that `hybrid.feedback` takes.
        decay: σ in 1/s, asks for Re λ < −σ; in discrete time for |λ| < 1 − σ.
        poles: n numbers closed under conjugation, instead of weights.
        output: feed back the outputs, u = −K y.
        structure: a Matrix of 1 (free) and 0 (zero) or anything that `hybrid.feedback` takes.
        dt: the sample time of x⁺ = A x + B u; nothing for continuous time, or for what the system itself says.
        model, starts: as in `hybrid.feedback`.

    Returns:
        A SympyAnswer, whose `gain` is the Matrix of Rationals that was proved.

    Raises:
        ProblemError, DimensionError: free symbols or irrational numbers; a weight or pole that makes no sense.

    Source: see `hybrid.feedback`.

    >>> from sympy import I, Matrix
    >>> answer = feedback(Matrix([[0, 1], [0, 0]]), Matrix([0, 1]), poles=[-1 + I, -1 - I])
    >>> answer.gain
    Matrix([[2, 2]])
    >>> answer.closed_loop
    Matrix([
    [ 0,  1],
    [-2, -2]])
    >>> feedback(Matrix([[0, 1], [1, -1]]), Matrix([0, 1]), Matrix([[1, 0]]), output=True).closed_loop.shape
    (2, 2)
    """
    if isinstance(A, list | tuple):
        plants: Any = [to_linear_system(one, dt=dt) for one in A]
    else:
        plants = to_linear_system(A, B=B, C=C, dt=dt)
    answer = hybrid.feedback(
        plants,
        Q=weight(Q, "Q"),
        R=weight(R, "R"),
        decay=number(decay, "decay"),
        poles=None if poles is None else [pole(wanted, f"poles[{i}]") for i, wanted in enumerate(poles, 1)],
        output=output,
        structure=weight(structure, "structure"),
        model=model,
        starts=starts,
    )
    return SympyAnswer(answer, isinstance(A, list | tuple) or _is_model(A))


def to_linear_system(system: Any, *, B: Any = None, C: Any = None, dt: Any = None) -> LinearSystem:
    """The LinearSystem of a Matrix, StateSpace or transfer function, every number exact.

    Args:
        system: A; or a StateSpace; or a transfer function, which becomes its controllable canonical form.
        B, C: beside a matrix A.
        dt: the sample time; nothing for continuous time, or for what the system itself says.

    Raises:
        ProblemError: free symbols or irrational numbers, an improper transfer function.
        DimensionError: shapes that do not fit, or no states.

    >>> from sympy import Float, Matrix
    >>> to_linear_system(Matrix([[Float(0.1)]])).A.fractions
    ((Fraction(3602879701896397, 36028797018963968),),)
    """
    if _is_model(system) and (B is not None or C is not None):
        raise ProblemError("C" if B is None else "B", "a second one", "none beside a model, which has its own")
    sample_time = _sample_time(system, dt)
    transfer = Transfer.of(system)
    if transfer is not None:
        rows = transfer.realised()
        return LinearSystem(*rows, sample_time)
    state = numbers(_state_matrix(system), "A")
    if _has_states(system):
        B, C, feedthrough = system.input_matrix, system.output_matrix, numbers(system.feedforward_matrix, "D")
    else:
        feedthrough = None
    inputs, outputs = (None if X is None else numbers(matrix(X, key), key) for X, key in ((B, "B"), (C, "C")))
    return LinearSystem(state, inputs, outputs, feedthrough, sample_time)


def _is_model(system: Any) -> bool:
    return _has_states(system) or Transfer.of(system) is not None


def _has_states(system: Any) -> bool:
    """A StateSpace, or sympy's DiscreteStateSpace (after 1.14)."""
    return hasattr(system, "state_matrix")


def _state_matrix(system: Any) -> MatrixBase:
    if _has_states(system):
        return system.state_matrix
    return square(matrix(system, "A", "a sympy Matrix, StateSpace or transfer function"))


def _sample_time(system: Any, dt: Any) -> Fraction | None:
    """What the caller says, else what the system says (sympy after 1.14); a symbolic sample time counts as one."""
    stated = getattr(system, "sampling_time", 0) if dt is None else dt
    if isinstance(stated, Expr) and stated.free_symbols:
        return Fraction(1)
    value = number(stated, "dt")
    if value < 0:
        raise ProblemError("dt", stated, "a sample time above zero, or nothing (or 0) for continuous time")
    return value or None


def _symbols(system: Any, *others: Any) -> set[Symbol]:
    """Free symbols of a system and of numbers beside it; the variable of a transfer function is none."""
    transfer = Transfer.of(system)
    found: set[Symbol] = _state_matrix(system).free_symbols if transfer is None else transfer.symbols
    return found.union(*(value.free_symbols for value in others if isinstance(value, Expr)))


def _pair(A: Any, beside: Any, key: str) -> tuple[MatrixBase, MatrixBase] | None:
    """A and B, or A and C; None for a transfer function, which has numbers alone."""
    if Transfer.of(A) is not None:
        return None
    state = _state_matrix(A)
    if _has_states(A):
        return state, A.input_matrix if key == "B" else A.output_matrix
    if beside is None:
        raise ProblemError(key, "nothing", f"a matrix {key} beside A, or a StateSpace")
    other = matrix(beside, key)
    side, length = ("rows", other.rows) if key == "B" else ("columns", other.cols)
    if length != state.rows:
        raise DimensionError(key, f"shape {other.shape}", f"as many {side} as there are states, {state.rows}")
    return state, other
