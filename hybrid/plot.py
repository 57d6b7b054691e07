"""Pole plots: open and closed loop, with the region that was asked for."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.answer import Answer
from hybrid.errors import ProblemError
from hybrid.pole_region import Region
from hybrid.question import LocalQuestion, PDEQuestion, StaticGainQuestion, TimeVaryingQuestion
from hybrid.systems.numbers import spell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
_OPEN, _CLOSED, _REGION = "#d1495b", "#1f4e79", "#2a9d8f"
_ComplexVector = np.ndarray[Any, np.dtype[np.complex128]]


def require_format(path: str | Path) -> str:
    """The format that a file name asks for.

    Raises:
        ProblemError: none of .png, .svg, .pdf.

    >>> require_format("poles.svg")
    'svg'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ProblemError("plot", Path(path).name, "a file name that ends in .png, .svg or .pdf")
    return suffix[1:]


def pole_plot(answer: Answer, kind: str) -> bytes:
    """Draw the poles of A, and of the closed loop where the answer has a gain, in the complex plane.

    Poles are eigenvalues in double precision, drawn to be looked at; the proof is in the answer. The region
    that was asked for is shaded: left of −σ within the damping sector, or |λ| < 1 − σ in discrete time.

    Args:
        answer: any answer.
        kind: "png", "svg" or "pdf".

    Returns:
        The file's content.

    Raises:
        ProblemError: an entry is beyond the range of doubles, or the system is nonlinear.
    """
    question = answer.question
    if isinstance(question, LocalQuestion):
        raise ProblemError("plot", "a nonlinear system", "a linear one, such as its linearisation")
    if isinstance(question, TimeVaryingQuestion | PDEQuestion):
        raise ProblemError("plot", "a system that has no poles", "a linear one with constant matrices")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    system = question.system
    open_loop = _poles_of(question.systems if isinstance(question, StaticGainQuestion) else (system,))
    closed_loop = None if answer.gain is None else _poles_of(answer.closed_loop())
    everything = open_loop if closed_loop is None else np.concatenate([open_loop, closed_loop])
    figure = Figure(figsize=(7, 5.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(_title(answer), fontsize=11, loc="left")
    draw = _discrete_plane if system.is_discrete else _continuous_plane
    draw(axes, everything, question.region)
    _mark(axes, open_loop, _OPEN, "x", "poles of A")
    if closed_loop is not None:
        loop = "A − B K C" if isinstance(question, StaticGainQuestion) and question.output else "A − B K"
        _mark(axes, closed_loop, _CLOSED, "o", f"poles of {loop}")
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    content = io.BytesIO()
    figure.savefig(content, format=kind)
    return content.getvalue()


def _poles_of(systems: Any) -> _ComplexVector:
    """The poles of one linear system, or of several."""
    several = systems if isinstance(systems, tuple) else (systems,)
    return np.concatenate([_poles(system.A.floats) for system in several])


def _poles(matrix: Any) -> _ComplexVector:
    if not np.isfinite(matrix).all():
        raise ProblemError("plot", "entries beyond the range of doubles", "a system that can be drawn to scale")
    poles: _ComplexVector = np.linalg.eigvals(matrix).astype(np.complex128)
    return poles


def _title(answer: Answer) -> str:
    name = answer.question.system.name
    return (f"{name}: " if name else "") + f"{answer.verdict.value} ({answer.status.value})"


def _mark(axes: Axes, poles: _ComplexVector, colour: str, marker: str, label: str) -> None:
    face = colour if marker == "x" else "none"
    axes.scatter(
        poles.real, poles.imag, s=52, marker=marker, c=face, edgecolors=None if marker == "x" else colour,
        linewidths=1.7, label=label, zorder=3,
    )  # fmt: skip


def _continuous_plane(axes: Axes, poles: _ComplexVector, region: Region) -> None:
    decay, damping = float(region.decay), float(region.damping)
    left, right = _span(np.concatenate([poles.real, [0.0, -decay]]))
    bottom, top = _span(np.concatenate([poles.imag, [-1.0, 1.0] if not poles.imag.any() else [0.0]]))
    label = "real part (1/s)"
    if (threshold := _log_threshold(poles.real)) is not None:
        left, right = 2 * left, 3 * max(poles.real.max(), -decay, threshold)
        label += f", logarithmic beyond ±{threshold:g}"
        axes.set_xscale("symlog", linthresh=threshold)
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=label, ylabel="imaginary part (rad/s)")
    edge = np.concatenate([-np.geomspace(-left, 1e-6 * -left, 400), [0.0, -decay]])
    edge = np.unique(edge[edge <= (min(-decay, 0.0) if damping else -decay)])
    height = -edge * _slope(damping) if damping else np.full(edge.shape, max(-bottom, top))
    label = _region_label(region)
    axes.fill_between(edge, -height, height, color=_REGION, alpha=0.13, linewidth=0, label=label)
    axes.axvline(0, color="black", linewidth=0.9)
    axes.axhline(0, color="black", linewidth=0.5)
    if decay:
        axes.axvline(-decay, color=_REGION, linewidth=1.2, linestyle="--")
    if damping:
        ray = np.append(-np.geomspace(-left, 1e-6 * -left, 400), 0.0)
        for slope in (_slope(damping), -_slope(damping)):
            axes.plot(ray, slope * ray, color=_REGION, linewidth=1.2, linestyle="-.")


def _log_threshold(values: Any) -> float | None:
    """Where a logarithmic axis may begin, None where a linear one shows every pole apart from the axis."""
    sizes = np.abs(values)
    sizes = np.sort(sizes[sizes > 1e-9 * sizes.max(initial=0.0)])
    if not sizes.size or sizes[-1] < 200 * sizes[0]:
        return None
    return float(10.0 ** np.floor(np.log10(max(sizes[0], 1e-6 * sizes[-1]))))


def _slope(damping: float) -> float:
    """|Im| / |Re| on the rays of constant damping ratio."""
    return math.sqrt(1 - damping**2) / damping


def _discrete_plane(axes: Axes, poles: _ComplexVector, region: Region) -> None:
    from matplotlib.patches import Circle

    radius = 1 - float(region.decay)
    label = _region_label(region, discrete=True)
    axes.add_patch(Circle((0, 0), radius, color=_REGION, alpha=0.13, linewidth=0, label=label))
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor="black", linewidth=0.9))
    if region.decay:
        axes.add_patch(Circle((0, 0), radius, fill=False, edgecolor=_REGION, linewidth=1.2, linestyle="--"))
    axes.axhline(0, color="black", linewidth=0.5)
    axes.axvline(0, color="black", linewidth=0.5)
    reach = 1.12 * max(1.0, float(np.abs(poles.real).max()), float(np.abs(poles.imag).max()))
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="real part (–)", ylabel="imaginary part (–)")
    axes.set_aspect("equal")


def _region_label(region: Region, *, discrete: bool = False) -> str:
    if discrete:
        return f"region |λ| < {spell(1 - region.decay)}"
    sector = f", ζ > {spell(region.damping)}" if region.damping else ""
    return f"region Re λ < {spell(-region.decay).replace('-', '−')}{sector}"


def _span(values: Any) -> tuple[float, float]:
    """An interval around the values with some air on both sides."""
    lo, hi = float(values.min()), float(values.max())
    air = 0.1 * (hi - lo) or 1.0
    return lo - air, hi + air
