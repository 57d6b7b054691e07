"""Phase planes: vector field, equilibria, and the region of attraction that was proved."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid.errors import ProblemError
from hybrid.expressions.source import DomainError
from hybrid.plot import require_format
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, nearest_float
from hybrid.verify.equilibrium import Equilibrium
from hybrid.verify.lyapunov import FloatArray
from hybrid.verify.region import Region, exact_rows, floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FLOW, _PROVED, _RISES = "#8294a8", "#2a9d8f", "#e9a23b"
_KINDS = {
    "stable": ("o", "#1f4e79", "#1f4e79"),
    "unstable": ("o", "white", "#d1495b"),
    "saddle": ("D", "#d1495b", "#d1495b"),
    "critical": ("s", "white", "#6c567b"),
}
"""Marker, face and edge of each kind of equilibrium."""
_GRID = 240
_SHADE = 0.22
_OFF_PLANE = 0.35
"""Opacity of what lies in front of the plane or behind it."""
_MARGIN = 1.35
_REACH = 3.0
"""Half-width of the picture where there is nothing but one equilibrium to fit into it."""


@dataclass(frozen=True)
class _Slice:
    """The plane of two states through a point at which the others are held."""

    system: NonlinearSystem
    axes: tuple[int, int]
    x0: FloatArray
    u0: FloatArray
    K: FloatArray

    def points(self, across: FloatArray, up: FloatArray) -> FloatArray:
        """(k, n) points of the plane."""
        x = np.repeat(self.x0[None], across.size, 0)
        x[:, self.axes[0]], x[:, self.axes[1]] = across.ravel(), up.ravel()
        return x

    def f(self, x: FloatArray) -> FloatArray:
        return self.system.f(x, self.u0 - (x - self.x0) @ self.K.T)


def phase_plane(
    system: NonlinearSystem,
    path: str | Path,
    equilibria: Sequence[Equilibrium] = (),
    region: Region | None = None,
    gain: Any = None,
    box: Mapping[str, Any] | None = None,
) -> None:
    """Draw the vector field of two states, the equilibria by kind, and a proved region of attraction.

    Of a system of more states a slice is drawn: the others are held at their values in the equilibrium of the region,
    or else in the first equilibrium, and arrows show the two components in the plane. Shaded is where V̇ ≥ 0. The
    kinds come from eigenvalues in double precision; what is proved is the region.

    Args:
        system: continuous time, two states or more, no free parameters.
        path: .png, .svg or .pdf file, written.
        equilibria: to be marked.
        region: to be drawn, with its gain.
        gain: K (m, n) of u = u* − K (x − x*); of the region where there is one.
        box: two states → (lower, upper): which states, and how much of them. None for the first two.

    Raises:
        ProblemError: another file name, one state, discrete time, free parameters, or a box of other than two states.

    >>> import tempfile
    >>> pendulum = NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/2")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     phase_plane(pendulum, folder + "/pendulum.png", box={"x": (-7, 7), "y": (-3, 3)})
    """
    kind = require_format(path)
    plane = _plane(system, equilibria, region, gain, box)
    window = _window(plane, equilibria, region, box)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = [system.states[i] for i in plane.axes]
    axes.set(xlim=window[0], ylim=window[1], xlabel=names[0], ylabel=names[1])
    _field(axes, plane, window, region)
    if region is not None:
        _ellipse(axes, plane, region)
    _equilibria(axes, plane, equilibria)
    axes.set_title(_title(plane, closed=bool(plane.K.any())), fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        below: dict[str, Any] = {"loc": "outside lower center", "ncols": 3, "fontsize": 8.5, "frameon": False}
        figure.legend(handles, labels, columnspacing=1.2, **below)
    figure.savefig(Path(path), format=kind)


# What is drawn


def _plane(
    system: NonlinearSystem,
    equilibria: Sequence[Equilibrium],
    region: Region | None,
    gain: Any,
    box: Mapping[str, Any] | None,
) -> _Slice:
    if system.n < 2 or system.is_discrete or system.free:
        raise ProblemError("system", system, "continuous time, two states or more, and no free parameters")
    names = list(system.states[:2] if box is None else box)
    unknown = [name for name in names if name not in system.states]
    if unknown or len(names) != 2:
        raise ProblemError("box", ", ".join(names), f"two of the states {', '.join(system.states)}")
    centre = region.equilibrium if region is not None else next(iter(equilibria), None)
    x0, u0 = _centre(system, centre)
    K = region.gain if region is not None and region.gain is not None else gain
    factors = np.zeros((system.m, system.n)) if K is None else floats(exact_rows(K, system.m, system.n, "gain"))
    across, up = (list(system.states).index(name) for name in names)
    return _Slice(system, (across, up), x0, u0, factors)


def _centre(system: NonlinearSystem, place: Equilibrium | None) -> tuple[FloatArray, FloatArray]:
    if place is None:
        return np.zeros(system.n), np.zeros(system.m)
    x0, u0 = (np.array([nearest_float(v) for v in values]) for values in (place.midpoint, place.inputs))
    return x0, u0


def _window(
    plane: _Slice, equilibria: Sequence[Equilibrium], region: Region | None, box: Mapping[str, Any] | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of the two axes: as asked, or around equilibria and region with some air."""
    if box is not None:
        pairs = [tuple(nearest_float(exact(bound, name)) for bound in bounds) for name, bounds in box.items()]
        if not all(len(pair) == 2 and pair[0] < pair[1] for pair in pairs):
            raise ProblemError("box", dict(box), "a lower and an upper bound for each state")
        return (pairs[0][0], pairs[0][1]), (pairs[1][0], pairs[1][1])
    points = [plane.x0[list(plane.axes)], *(_centre(plane.system, e)[0][list(plane.axes)] for e in equilibria)]
    if region is not None:
        points += list(_outline(plane, region))
    lower, upper = np.min(points, 0), np.max(points, 0)
    half = _MARGIN * (upper - lower) / 2
    half = np.where(half > 0, half, half.max() or _REACH)
    middle = (lower + upper) / 2
    spans = [(float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True)]
    return spans[0], spans[1]


def _outline(plane: _Slice, region: Region) -> FloatArray:
    """(k, 2) points of the level set in the plane."""
    P = floats(region.P)[np.ix_(plane.axes, plane.axes)]
    angles = np.linspace(0, 2 * math.pi, 361)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    z = np.linalg.solve(np.linalg.cholesky(P).T, circle) * math.sqrt(nearest_float(region.level))
    outline: FloatArray = z.T + plane.x0[list(plane.axes)]
    return outline


def _field(axes: Axes, plane: _Slice, window: Sequence[tuple[float, float]], region: Region | None) -> None:
    across, up = (np.linspace(*limits, _GRID) for limits in window)
    grid = np.meshgrid(across, up)
    x = plane.points(*grid)
    f = plane.f(x)
    right, upward = (np.ma.masked_invalid(f[:, i].reshape(_GRID, _GRID)) for i in plane.axes)
    speed = np.hypot(right / (across[-1] - across[0]), upward / (up[-1] - up[0]))
    relative = np.ma.filled(speed / speed.max(), 0.0) if speed.count() and speed.max() > 0 else np.zeros_like(grid[0])
    if region is not None:
        rises = np.einsum("ki,ij,kj->k", x - plane.x0, floats(region.P), f).reshape(_GRID, _GRID)
        axes.contourf(across, up, np.ma.masked_invalid(rises), levels=[0.0, math.inf], colors=[_RISES], alpha=_SHADE)
        axes.fill([], [], color=_RISES, alpha=_SHADE, linewidth=0, label="V̇ ≥ 0")
    width = 0.5 + 1.1 * np.sqrt(relative)
    axes.streamplot(
        across, up, right, upward, color=_FLOW, linewidth=width, density=1.25, arrowsize=0.85, zorder=1
    )  # fmt: skip


def _ellipse(axes: Axes, plane: _Slice, region: Region) -> None:
    outline = _outline(plane, region)
    axes.fill(*outline.T, color=_PROVED, alpha=0.22, linewidth=0, zorder=2)
    axes.plot(*outline.T, color=_PROVED, linewidth=2.0, label="proved region of attraction", zorder=3)


def _equilibria(axes: Axes, plane: _Slice, equilibria: Sequence[Equilibrium]) -> None:
    told: set[str] = set()
    for place in equilibria:
        kind = _kind(plane, place)
        marker, face, edge = _KINDS[kind]
        x = _centre(plane.system, place)[0]
        beside = np.delete(x - plane.x0, plane.axes)
        off = bool((np.abs(beside) > 1e-6 * (1 + np.abs(plane.x0).max())).any())
        said = f"{kind} equilibrium" + (", off slice" if off else "")
        axes.plot(
            *x[list(plane.axes)], marker, markersize=7.5, markerfacecolor=face, markeredgecolor=edge,
            markeredgewidth=1.8, label="" if said in told else said, zorder=5, linestyle="none",
            alpha=_OFF_PLANE if off else 1.0,
        )  # fmt: skip
        told.add(said)


def _kind(plane: _Slice, place: Equilibrium) -> str:
    x, u = _centre(plane.system, place)
    try:
        linear = plane.system.linearise([*x.tolist(), *u.tolist()])
    except DomainError:
        return "critical"
    real = np.linalg.eigvals(linear.A - linear.B @ plane.K).real
    if np.abs(real).min() <= 1e-9 * (np.abs(real).max() or 1.0):
        return "unstable" if real.max() > 1e-9 * np.abs(real).max() else "critical"
    return "stable" if real.max() < 0 else "unstable" if real.min() > 0 else "saddle"


def _title(plane: _Slice, *, closed: bool) -> str:
    said = [plane.system.name] if plane.system.name else []
    if closed:
        said.append("closed loop")
    others = [i for i in range(plane.system.n) if i not in plane.axes]
    if others:
        held = ", ".join(f"{plane.system.states[i]} = {plane.x0[i]:.4g}" for i in others)
        said.append(f"slice at {held}")
    return ": ".join(said[:1]) + "".join(f", {part}" for part in said[1:])
