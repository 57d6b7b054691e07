"""What can be asked: a question is a frozen, validated value that goes through `hybrid.solve`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import DimensionError, ProblemError
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem, require_inputs
from hybrid.systems.numbers import exact, nearest_float, spell

if TYPE_CHECKING:
    from hybrid.systems.nonlinear import NonlinearSystem

Pole = tuple[Fraction, Fraction]  # real and imaginary part, exact
RANK_PROPERTIES = ("controllability", "observability", "stabilizability", "detectability")


@dataclass(frozen=True)
class Region:
    """The part of the complex plane where every pole has to lie.

    Continuous time: Re λ < −decay and Re λ < −damping·|λ|. Discrete time: |λ| < 1 − decay.

    >>> Region.read("1/2", 0.25, is_discrete=False)
    Region(decay=Fraction(1, 2), damping=Fraction(1, 4))
    """

    decay: Fraction = Fraction(0)
    damping: Fraction = Fraction(0)

    @classmethod
    def read(cls, decay: Any, damping: Any, *, is_discrete: bool) -> Region:
        """Validate a decay rate (1/s; in discrete time 1 − radius) and a damping ratio.

        Raises:
            ProblemError: a damping ratio outside [0, 1), a negative decay; in discrete time a decay of 1, or damping.
        """
        rate, ratio = exact(decay, "decay"), exact(damping, "damping")
        if not 0 <= ratio < 1:
            raise ProblemError("damping", spell(ratio), "a ratio with 0 ≤ ζ < 1")
        if is_discrete and ratio:
            expected = "0 in discrete time, where the sector is no region of the z-plane"
            raise ProblemError("damping", spell(ratio), expected)
        if rate < 0:
            raise ProblemError("decay", spell(rate), "a decay rate of 0 or more")
        if is_discrete and rate >= 1:
            raise ProblemError("decay", spell(rate), "0 ≤ σ < 1 in discrete time, for poles with |λ| < 1 − σ")
        return cls(rate, ratio)

    @property
    def is_plain(self) -> bool:
        """Whether this is stability itself, with no margin asked for."""
        return not self.decay and not self.damping

    def boundary(self, is_discrete: bool) -> Fraction:
        """The abscissa (or radius) below which the decay requirement holds."""
        return 1 - self.decay if is_discrete else -self.decay


@dataclass(frozen=True)
class StabilityQuestion:
    """Is every eigenvalue of A in the region? `poles` asks for an enclosure of each as well."""

    system: LinearSystem
    region: Region
    poles: bool = False


@dataclass(frozen=True)
class RankQuestion:
    """One of controllability, observability, stabilizability, detectability (the latter two up to a decay rate)."""

    system: LinearSystem
    about: str
    region: Region

    @property
    def pair(self) -> LinearSystem:
        """The system whose controllable subspace decides: itself, or its dual."""
        if self.about in ("controllability", "stabilizability"):
            require_inputs(self.system)
            return self.system
        return self.system.dual


@dataclass(frozen=True)
class FeedbackQuestion:
    """A gain K for u = −K x with every closed-loop pole in the region, LQR-optimal for Q, R, or placing `poles`."""

    system: LinearSystem
    region: Region
    Q: np.ndarray[Any, np.dtype[np.float64]] | None = None
    R: np.ndarray[Any, np.dtype[np.float64]] | None = None
    poles: tuple[Pole, ...] | None = None

    @classmethod
    def read(cls, system: LinearSystem, Q: Any, R: Any, decay: Any, poles: Any) -> FeedbackQuestion:
        """Validate the weights (symmetric, Q ⪰ 0, R ≻ 0) and the pole list.

        Raises:
            DimensionError: a weight of the wrong shape, or a pole list of the wrong length.
            ProblemError: weights together with poles, a weight that is not symmetric or not definite,
                poles that are not closed under conjugation or outside the region.
        """
        region = Region.read(decay, 0, is_discrete=system.is_discrete)
        for field, matrix in (("A", system.A), ("B", require_inputs(system))):
            _expect_doubles(field, matrix.floats)
        _expect_doubles("decay", np.array(nearest_float(region.decay)))
        if poles is not None and (Q is not None or R is not None):
            raise ProblemError("poles", "a pole list and weights", "either poles or the weights Q and R")
        return cls(
            system,
            region,
            None if Q is None else _weight(Q, "Q", system.n, strictly=False),
            None if R is None else _weight(R, "R", system.m, strictly=True),
            None if poles is None else _poles(poles, system, region),
        )


LinearQuestion = StabilityQuestion | RankQuestion | FeedbackQuestion


@dataclass(frozen=True)
class LocalQuestion:
    """A question about a nonlinear system near an equilibrium, which its linearisation there answers.

    Attributes:
        system: no free parameters.
        at: states and inputs by name, a guess that may be the equilibrium itself; None for one near the origin.
        at_point: ask about the Jacobian at that very point, equilibrium or not.
        ask: makes the question about the linearisation.
    """

    system: NonlinearSystem
    at: Mapping[str, Any] | None
    at_point: bool
    ask: Callable[[LinearSystem], LinearQuestion]


Question = LinearQuestion | LocalQuestion


def _expect_doubles(field: str, value: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """A gain is made of doubles, and so has to be what it is computed from."""
    if not np.isfinite(value).all():
        raise ProblemError(field, "a number above 1.8e308", "numbers in the range of doubles, to compute a gain")


def _weight(value: Any, field: str, order: int, *, strictly: bool) -> np.ndarray[Any, np.dtype[np.float64]]:
    weight = ExactMatrix.read(value, field).floats
    _expect_doubles(field, weight)
    if weight.shape != (order, order):
        raise DimensionError(field, f"shape {weight.shape}", f"shape {(order, order)}")
    if not np.array_equal(weight, weight.T):
        raise ProblemError(field, "a matrix that is not symmetric", "a symmetric matrix")
    smallest = np.linalg.eigvalsh(weight)[0]
    if smallest < (0 if strictly else -1e-12 * np.abs(weight).max()) or (strictly and smallest <= 0):
        kind = "positive definite" if strictly else "positive semidefinite"
        raise ProblemError(field, f"smallest eigenvalue {smallest:.3g}", f"a {kind} matrix")
    return weight


def _poles(value: Any, system: LinearSystem, region: Region) -> tuple[Pole, ...]:
    try:
        listed = value.split(",") if isinstance(value, str) else list(value)
    except TypeError:
        raise ProblemError("poles", value, "a list of numbers") from None
    poles = tuple(_pole(entry, f"poles[{i}]") for i, entry in enumerate(listed, 1))
    if len(poles) != system.n:
        raise DimensionError("poles", f"{len(poles)} poles", f"{system.n}, one for each state")
    _expect_doubles("poles", np.array([[nearest_float(part) for part in pole] for pole in poles]))
    for re, im in poles:
        if poles.count((re, im)) != poles.count((re, -im)):
            raise ProblemError("poles", _spell_pole(re, im), "its complex conjugate in the list as often")
        if not _inside(re, im, region, system.is_discrete):
            raise ProblemError("poles", _spell_pole(re, im), _region_in_words(region, system.is_discrete))
    return poles


def _pole(entry: Any, field: str) -> Pole:
    if isinstance(entry, tuple | list) and len(entry) == 2:
        return exact(entry[0], field), exact(entry[1], field)
    if isinstance(entry, complex | np.complexfloating):
        return exact(entry.real, field), exact(entry.imag, field)
    if isinstance(entry, str) and entry.strip()[-1:] in ("j", "i"):
        return _complex_text(entry.strip()[:-1], field)
    return exact(entry, field), Fraction(0)


def _complex_text(body: str, field: str) -> Pole:
    """Read '-1+2' of '-1+2j': split at the last sign that does not belong to an exponent."""
    for i in range(len(body) - 1, 0, -1):
        if body[i] in "+-" and body[i - 1] not in "eE*^+-":
            imaginary = body[i:] if body[i + 1 :].strip() else body[i:] + "1"
            return exact(body[:i], field), exact(imaginary.replace(" ", ""), field)
    return Fraction(0), exact(body if body.strip("+- ") else body + "1", field)


def _inside(re: Fraction, im: Fraction, region: Region, is_discrete: bool) -> bool:
    square = re * re + im * im
    if is_discrete:
        return square < (1 - region.decay) ** 2
    return re < -region.decay and (not region.damping or re * re > region.damping**2 * square)


def _region_in_words(region: Region, is_discrete: bool) -> str:
    if is_discrete:
        return f"every pole inside |λ| < {spell(1 - region.decay)}"
    sector = f" and a damping ratio above {spell(region.damping)}" if region.damping else ""
    return f"every pole with real part below {spell(-region.decay)}{sector}"


def _spell_pole(re: Fraction, im: Fraction) -> str:
    return spell(re) if not im else f"{spell(re)}{'+' if im > 0 else '-'}{spell(abs(im))}j"
