"""Regions of attraction: ellipsoids around an equilibrium on which a quadratic form is proved to decrease."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import monotonic
from typing import Any

import numpy as np

from hybrid.cached import cached_property
from hybrid.certificate import Certificate
from hybrid.errors import DimensionError, ProblemError
from hybrid.expressions.source import DomainError
from hybrid.precision import working_precision
from hybrid.propose.level import LevelProposal, proposals
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, nearest_float
from hybrid.verify.equilibrium import Equilibrium
from hybrid.verify.float_environment import ieee_arithmetic
from hybrid.verify.lyapunov import FloatArray

Rows = tuple[tuple[Fraction, ...], ...]

METHOD = "branch and bound"
_GUESSING = 0.25
"""Share of the time for guessing P."""
_TRIES = 3
"""Forms whose levels are searched for, the most promising first."""
_DIGITS = (4, 8, 17)
"""Significant decimal digits of P, fewest first."""
_WORTHWHILE = 1.03
"""A form is tried if samples promise this much more than what is proved."""
_LEVEL_DIGITS = 4
_SHORT_BITS = 10
"""Of the coordinates T."""


@dataclass(frozen=True)
class Region:
    """The ellipsoid (x − x*)ᵀP(x − x*) ≤ level: every solution from it stays in it and tends to x*.

    Attributes:
        equilibrium: x*, u*.
        P: n rows of n exact numbers, positive definite.
        level: c > 0.
        gain: K of u = u* − K (x − x*), m rows; None where the inputs are held at u*.
        boxes: how many the proof tested.

    `prove` says what is proved, and how.
    """

    equilibrium: Equilibrium
    P: Rows
    level: Fraction
    gain: Rows | None
    boxes: int

    @cached_property
    def volume(self) -> tuple[float, float]:
        """Lower and upper bound of π^(n/2)/Γ(n/2 + 1) · c^(n/2) / √det P, in the product of the states' units."""
        from flint import arb, fmpq, fmpq_mat

        n = len(self.P)
        with working_precision(128):
            half = arb(n) / 2
            det = fmpq_mat(n, n, [fmpq(p.numerator, p.denominator) for row in self.P for p in row]).det()
            level = arb(fmpq(self.level.numerator, self.level.denominator))
            volume = arb.pi() ** half / (half + 1).gamma() * level**half / arb(det).sqrt()
            bounds = float(volume.lower()), float(volume.upper())
        return math.nextafter(bounds[0], 0.0), math.nextafter(bounds[1], math.inf)

    @cached_property
    def semi_axes(self) -> tuple[float, ...]:
        """√(c/λ) for the eigenvalues λ of P, longest first, in doubles; they mean something where the units agree."""
        values = np.linalg.eigvalsh(floats(self.P))
        return tuple(np.sqrt(nearest_float(self.level) / values).tolist())

    def claim(self) -> dict[str, Any]:
        """What a certificate says: the equilibrium's enclosure, P, the level, and the gain if there is one."""
        point = {name: list(bounds) for name, bounds in self.equilibrium.box.items()}
        P = [list(row) for row in self.P]
        said = {"about": "region of attraction", "point": point, "P": P, "level": self.level}
        return said if self.gain is None else said | {"gain": [list(row) for row in self.gain]}

    def witness(self) -> dict[str, Any]:
        """What helps a checker to repeat the proof: the number of boxes that it took here."""
        return {"boxes": self.boxes}


def prove(
    system: NonlinearSystem,
    equilibrium: Equilibrium,
    P: Any,
    level: Any,
    gain: Any = None,
    *,
    boxes: int = 200_000,
    seconds: float = 60.0,
) -> Region | None:
    """Prove that the ellipsoid V(x) = (x − x*)ᵀP(x − x*) ≤ level lies in the region of attraction of x*.

    Shown is V̇(x) = 2 (x − x*)ᵀP f(x, u) < 0 on the ellipsoid without x*, and that f is defined and locally Lipschitz
    on it. The ellipsoid is compact; so solutions that start in it exist for all time, stay in it, and tend to x*
    (Lyapunov; Khalil 2002, Theorem 4.1), exponentially since V̇ ≤ −ε|x − x*|² near x*.

    With x = x* + T y, TᵀPT ≈ I, the ellipsoid is nearly a ball. It lies in the box |y_i| ≤ √(level·((TᵀPT)⁻¹)_ii),
    which is bisected until each part is shown either to lie outside the ellipsoid or to have V̇ < 0, in Arb arithmetic
    (`hybrid.exact.decrease.Derivative` has the two tests). Where x* is only enclosed, V is still exact in y,
    f(x* + T y) is enclosed for all x* in the enclosure, and f(x*, u*) = 0 is used for the true one: the statement is
    about the ellipsoid around the true x*, and about the gain acting on x minus the true x*.

    Args:
        system: continuous time, no free parameters.
        equilibrium: of that system.
        P: (n, n) symmetric, numbers as `hybrid.systems.numbers.exact` takes them: text is exact, floats their doubles.
        level: c > 0.
        gain: K (m, n) of u = u* − K (x − x*), or None for inputs held at u*.
        boxes: how many may be tested.
        seconds: how long it may take.

    Returns:
        The region; None proves nothing: V̇ ≥ 0 somewhere, P not positive definite, f not defined, or the budget spent.

    Raises:
        ProblemError: discrete time, free parameters, P not symmetric, a level that is not positive.
        DimensionError: P or the gain has the wrong shape.

    Source: interval branch and bound: Moore, Kearfott and Cloud 2009, chapter 5; region estimate: Khalil 2002, §8.2.

    >>> from hybrid.verify.equilibrium import locate
    >>> system = NonlinearSystem.from_text("x' = -x + x^3")
    >>> origin = locate(system, {"x": 0}).equilibrium
    >>> prove(system, origin, [[1]], "0.99").semi_axes
    (0.99498743710662,)
    >>> prove(system, origin, [[1]], 1) is None
    True
    """
    K = _checked(system, equilibrium, gain)
    rows = exact_rows(P, system.n, system.n, "P")
    if any(rows[i][j] != rows[j][i] for i in range(system.n) for j in range(i)):
        raise ProblemError("P", P, "a symmetric matrix")
    c = exact(level, "level")
    if c <= 0:
        raise ProblemError("level", level, "a positive number")
    end = monotonic() + seconds
    with ieee_arithmetic():
        target = math.nextafter(nearest_float(c), math.inf)
        found = _level(equilibrium, rows, K, target, lambda tested: tested >= boxes or monotonic() > end)
    return None if found is None or found[0] <= target else Region(equilibrium, rows, c, K, found[1])


def largest(
    system: NonlinearSystem, equilibrium: Equilibrium, gain: Any = None, *, seconds: float = 10.0
) -> Region | None:
    """Search for the quadratic form and the level of the largest region of attraction that `prove` can show.

    P is guessed from Lyapunov equations of the linearisation (`hybrid.propose.level`), rounded to few digits; then the
    boxes are taken in the order of V, so that the level proved rises until V̇ ≥ 0 is met or the time is up.

    Args:
        system: continuous time, no free parameters.
        equilibrium: of that system.
        gain: K (m, n) of u = u* − K (x − x*), or None for inputs held at u*.
        seconds: how long it may take; the result may depend on it.

    Returns:
        The region of the largest volume found. None where the linearisation is not stable, or nothing was proved.

    Raises:
        ProblemError: discrete time or free parameters.
        DimensionError: the gain has the wrong shape.

    >>> from hybrid.verify.equilibrium import locate
    >>> system = NonlinearSystem.from_text("x' = -x + x^3")
    >>> region = largest(system, locate(system, {"x": 0}).equilibrium)
    >>> 0.98 < region.semi_axes[0] < 1
    True
    """
    K = _checked(system, equilibrium, gain)
    start = monotonic()
    field, A = _field(equilibrium, K)
    if A is None or not np.isfinite(A).all() or np.linalg.eigvals(A).real.max() >= 0:
        return None
    guesses = proposals(field, A, lambda: monotonic() > start + _GUESSING * seconds)
    best: Region | None = None
    for guess in guesses[:_TRIES]:
        if best is not None and guess.volume <= _WORTHWHILE * best.volume[0]:
            break
        left = start + seconds - monotonic()
        if left <= 0:
            break
        region = _highest(equilibrium, guess, A, K, monotonic() + 0.6 * left)
        if region is not None and (best is None or region.volume[0] > best.volume[0]):
            best = region
    return best


def certificate(region: Region) -> Certificate:
    """The certificate of a region of attraction; `hybrid.check` repeats the proof by a bisection of its own.

    >>> import hybrid
    >>> from hybrid.verify.equilibrium import locate
    >>> system = NonlinearSystem.from_text("x' = -x + x^3")
    >>> region = prove(system, locate(system, {"x": 0}).equilibrium, [[1]], "0.99")
    >>> hybrid.check(certificate(region)).valid
    True
    """
    return Certificate(region.equilibrium.system, region.claim(), METHOD, region.witness())


def floats(rows: Rows) -> FloatArray:
    """Exact rows as doubles."""
    return np.array([[nearest_float(entry) for entry in row] for row in rows])


@ieee_arithmetic()
def _highest(
    equilibrium: Equilibrium, guess: LevelProposal, A: FloatArray, gain: Rows | None, end: float
) -> Region | None:
    """The largest level that is proved for a form by a given time, rounded down."""
    rows = _rounded(guess.P, A)
    found = None if rows is None else _level(equilibrium, rows, gain, guess.level, lambda _: monotonic() > end)
    if rows is None or found is None:
        return None
    level = _rounded_down(min(found[0], guess.level))
    return Region(equilibrium, rows, level, gain, found[1]) if level > 0 else None


def _level(
    equilibrium: Equilibrium, P: Rows, gain: Rows | None, target: float, spent: Callable[[int], bool]
) -> tuple[float, int] | None:
    """What `proved_level` finds up to a target, in coordinates in which the ellipsoids are nearly balls.

    None unless P is positive definite.
    """
    from hybrid.exact.decrease import Candidate, proved_level

    T = _coordinates(P)
    candidate = None if T is None else Candidate(equilibrium, P, gain, T)
    reach = None if candidate is None else _reach(candidate.form, Fraction(target))
    return None if candidate is None or reach is None else proved_level(candidate, reach, target, spent)


def _coordinates(P: Rows) -> Rows | None:
    """T with TᵀPT ≈ I in short numbers: the inverse of P's Cholesky factor, rounded to few bits, triangular."""
    try:
        inverse = np.linalg.inv(np.linalg.cholesky(floats(P))).T
    except np.linalg.LinAlgError:
        return None
    mantissa, exponent = np.frexp(inverse)
    short = np.ldexp(np.round(mantissa * 2**_SHORT_BITS), exponent - _SHORT_BITS)
    return tuple(tuple(Fraction(entry) for entry in row) for row in short.tolist())


def _rounded(P: FloatArray, A: FloatArray) -> Rows | None:
    """P in the fewest digits that leave it a Lyapunov matrix of A, as far as floats tell."""
    for digits in _DIGITS:
        rows = tuple(tuple(Fraction(f"{entry:.{digits}g}") for entry in row) for row in P.tolist())
        S = floats(rows)
        if min(np.linalg.eigvalsh(S)[0], np.linalg.eigvalsh(-(A.T @ S + S @ A))[0]) > 0:
            return rows
    return None


def _rounded_down(level: float) -> Fraction:
    """A short decimal below a positive level, within a thousandth of it."""
    if not 0 < level < math.inf:
        return Fraction(0)
    unit = Fraction(10) ** (math.floor(math.log10(level)) - _LEVEL_DIGITS + 1)
    return (math.ceil(Fraction(level) / unit) - 1) * unit


def _reach(P: Rows, level: Fraction) -> list[float] | None:
    """√(c (P⁻¹)_ii), rounded up: sides of a box around V ≤ c; None unless P is positive definite."""
    from flint import fmpq, fmpq_mat

    n = len(P)
    matrix = fmpq_mat(n, n, [fmpq(p.numerator, p.denominator) for row in P for p in row])
    minors = (fmpq_mat(k, k, [matrix[i, j] for i in range(k) for j in range(k)]).det() for k in range(1, n + 1))
    if not all(minor > 0 for minor in minors):
        return None
    inverse = matrix.inv()
    squares = [level * Fraction(int(inverse[i, i].p), int(inverse[i, i].q)) for i in range(n)]
    sides = [math.sqrt(nearest_float(square)) * (1 + 2.0**-40) for square in squares]
    pairs = zip(sides, squares, strict=True)
    return sides if all(0 < side < math.inf and Fraction(side) ** 2 > square for side, square in pairs) else None


def _field(equilibrium: Equilibrium, gain: Rows | None) -> tuple[Callable[[FloatArray], FloatArray], FloatArray | None]:
    """f around the equilibrium in floats, and its Jacobian there, None where it has none; with the gain."""
    system = equilibrium.system
    x0, u0 = (np.array([nearest_float(v) for v in values]) for values in (equilibrium.midpoint, equilibrium.inputs))
    K = np.zeros((system.m, system.n)) if gain is None else floats(gain).reshape(system.m, system.n)

    def field(z: FloatArray) -> FloatArray:
        return system.f(x0 + z, u0 - z @ K.T)

    try:
        linear = system.linearise([*x0.tolist(), *u0.tolist()])
    except DomainError:
        return field, None
    return field, linear.A - linear.B @ K


def _checked(system: NonlinearSystem, equilibrium: Equilibrium, gain: Any) -> Rows | None:
    """The gain in exact numbers, once the question makes sense."""
    if system.is_discrete:
        raise ProblemError("system", f"a sample time of {system.dt}", "continuous time: V̇ < 0 is proved for x' = f(x)")
    if system.free:
        raise ProblemError("parameters", f"no value for {', '.join(system.free)}", "a number for each parameter")
    if equilibrium.system != system:
        raise ProblemError("equilibrium", "that of another system", "an equilibrium of the system asked about")
    return None if gain is None else exact_rows(gain, system.m, system.n, "gain")


def exact_rows(values: Any, height: int, width: int, field: str) -> Rows:
    """A matrix of the given shape in exact numbers.

    Raises:
        DimensionError: another shape, or no matrix.
        ProblemError: an entry is no finite number.

    >>> exact_rows([["0.5", 2]], 1, 2, "gain")
    ((Fraction(1, 2), Fraction(2, 1)),)
    """
    rows = values.tolist() if isinstance(values, np.ndarray) else values
    is_matrix = isinstance(rows, Sequence) and all(isinstance(row, Sequence) and len(row) == width for row in rows)
    if not is_matrix or isinstance(rows, str) or len(rows) != height:
        raise DimensionError(field, rows, f"{height} rows of {width} numbers")
    return tuple(tuple(exact(entry, field) for entry in row) for row in rows)
