"""Responses in time: how a system, with or without a gain, moves from a start. To look at; nothing is proved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import DimensionError, ProblemError
from hybrid.plot import require_format
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.numbers import exact, nearest_float
from hybrid.verify.equilibrium import Equilibrium, locate
from hybrid.verify.lyapunov import FloatArray
from hybrid.verify.region import exact_rows, floats

_OFFSET = 0.1
_SAMPLES = 1000
_MAX_STEPS = 20_000
_MAX_SAMPLES_SHOWN = 200
_DIVERGED = 1e6
"""A response ends where it is this many times farther out than the start and the equilibrium are."""
_RELATIVE, _ABSOLUTE = 1e-8, 1e-10


@dataclass(frozen=True)
class Trajectory:
    """A response.

    Attributes:
        t: (k,) in seconds.
        x: (k, n) states.
        u: (k, m) inputs, those that acted.
        states, inputs: names.
        target: (n,) the equilibrium.
        sampled: whether time runs in samples.
        ended: why it stops before its time, or None.
    """

    t: FloatArray
    x: FloatArray
    u: FloatArray
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    target: FloatArray
    sampled: bool
    ended: str | None = None


@dataclass(frozen=True)
class _Loop:
    """x' = f(x, u) (x⁺ in discrete time), u = u* − K (x − x*), in floats."""

    states: tuple[str, ...]
    inputs: tuple[str, ...]
    f: Callable[[FloatArray, FloatArray], FloatArray]
    slope: FloatArray
    x0: FloatArray
    u0: FloatArray
    K: FloatArray
    dt: float | None

    def input(self, x: FloatArray) -> FloatArray:
        u: FloatArray = self.u0 - (x - self.x0) @ self.K.T
        return u

    def __call__(self, t: float, x: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            derivative: FloatArray = self.f(x[None], self.input(x)[None])[0]
        return derivative


def simulate(
    system: LinearSystem | NonlinearSystem,
    gain: Any = None,
    at: Mapping[str, Any] | Equilibrium | None = None,
    start: Mapping[str, Any] | Sequence[Any] | None = None,
    duration: float | None = None,
) -> Trajectory:
    """Compute the response from a start, with u = u* − K (x − x*) under a gain K, and u = u* without.

    Continuous time: scipy's LSODA, which switches to a stiff method where it has to. Discrete time:
    iteration.

    Args:
        system: linear (x* = 0, u* = 0) or nonlinear.
        gain: (m, n) K.
        at: where x* is, as `hybrid.verify.equilibrium.locate` takes it, or an equilibrium; of a nonlinear system.
        start: a value for each state, or some states by name, the others at x*. None for x* plus a tenth (of x* where
            that is larger than 1) in each state.
        duration: in seconds. None for six time constants of the slowest pole of the linearisation.

    Returns:
        The trajectory; `ended` says so where it leaves the domain of f, grows without bound or takes too many steps.

    Raises:
        ProblemError: no equilibrium found, an unknown state, a start where f has no value, a duration that is not
            positive.
        DimensionError: the gain or the start does not fit.

    >>> response = simulate(LinearSystem([[0, 1], [0, 0]], [[0], [1]]), gain=[[1, 2]], start=[1, 0], duration=20)
    >>> bool(abs(response.x[-1]).max() < 1e-6), response.ended
    (True, None)
    """
    loop = _loop(system, gain, at)
    x = _start(loop, start)
    if not np.isfinite(loop(0.0, x)).all():
        place = ", ".join(f"{name} = {value:.6g}" for name, value in zip(loop.states, x.tolist(), strict=True))
        raise ProblemError("start", place, "a point where f has a value in the range of doubles")
    time = _duration(loop) if duration is None else nearest_float(exact(duration, "duration"))
    if not 0 < time < math.inf:
        raise ProblemError("duration", duration, "a positive number of seconds")
    t, path, ended = _integrate(loop, x, time) if loop.dt is None else _iterate(loop, x, time, loop.dt)
    return Trajectory(t, path, loop.input(path), loop.states, loop.inputs, loop.x0, loop.dt is not None, ended)


def plot_response(trajectory: Trajectory, path: str | Path) -> None:
    """Draw states and inputs over time into a .png, .svg or .pdf file; equilibrium values are dotted.

    Raises:
        ProblemError: another file name.
    """
    kind = require_format(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = 2 if trajectory.inputs else 1
    figure = Figure(figsize=(7.2, 2.1 + 2.1 * rows), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False, height_ratios=[3, 2][:rows])[:, 0]
    _draw(panels[0], trajectory, trajectory.x, trajectory.states, "states")
    if trajectory.inputs:
        _draw(panels[1], trajectory, trajectory.u, trajectory.inputs, "inputs")
    for line, value in zip(panels[0].get_lines(), trajectory.target, strict=False):
        panels[0].axhline(value, color=line.get_color(), linewidth=0.8, linestyle=":", zorder=0)
    panels[-1].set_xlabel("time (s)")
    if trajectory.ended:
        panels[0].set_title(trajectory.ended, fontsize=9, color="#d1495b", loc="left")
        for axes, values in zip(panels, (trajectory.x, trajectory.u), strict=False):
            axes.set_ylim(*_without_end(values))
    figure.savefig(Path(path), format=kind)


def _draw(axes: Any, trajectory: Trajectory, values: FloatArray, names: Sequence[str], label: str) -> None:
    """Some signals over time; where time runs in samples, held or dotted."""
    few = len(trajectory.t) <= _MAX_SAMPLES_SHOWN
    style: dict[str, Any] = {"linewidth": 1.5}
    if trajectory.sampled:
        style |= {"drawstyle": "steps-post", "marker": "o" if few else "", "markersize": 2.5, "linewidth": 1.0}
    for name, signal in zip(names, values.T, strict=True):
        axes.plot(trajectory.t, signal, label=name, **style)
    axes.set_ylabel(label)
    axes.margins(x=0.01)
    axes.grid(True, linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    columns = 1 + (len(names) - 1) // 8
    axes.legend(frameon=False, fontsize=9, ncols=columns, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _without_end(values: FloatArray) -> tuple[float, float]:
    """Limits that the last few samples of a response that grows without bound do not dictate."""
    shown = values[: max(2, len(values) - len(values) // 20)]
    air = 0.1 * (float(np.ptp(shown)) or 1.0)
    return float(shown.min()) - air, float(shown.max()) + air


# The closed loop in floats


def _loop(system: LinearSystem | NonlinearSystem, gain: Any, at: Any) -> _Loop:
    dt = None if system.dt is None else nearest_float(system.dt)
    if isinstance(system, LinearSystem):
        if at is not None:
            raise ProblemError("at", at, "nothing: a linear system is simulated around 0")
        A = system.A.floats
        B = np.zeros((system.n, 0)) if system.B is None else system.B.floats
        K = _gain(gain, B.shape[1], system.n)
        states, inputs = (tuple(f"{s}{i + 1}" for i in range(k)) for s, k in (("x", system.n), ("u", B.shape[1])))
        field = lambda x, u: x @ A.T + u @ B.T  # noqa: E731
        return _Loop(states, inputs, field, A - B @ K, np.zeros(system.n), np.zeros(B.shape[1]), K, dt)
    place = at if isinstance(at, Equilibrium) else locate(system, at).equilibrium
    if place is None:
        raise ProblemError("at", at, "a point near an equilibrium")
    K = _gain(gain, system.m, system.n)
    x0, u0 = (np.array([nearest_float(v) for v in values]) for values in (place.midpoint, place.inputs))
    linear = system.linearise([*x0.tolist(), *u0.tolist()])
    return _Loop(tuple(system.states), tuple(system.inputs), system.f, linear.A - linear.B @ K, x0, u0, K, dt)


def _gain(gain: Any, m: int, n: int) -> FloatArray:
    if gain is None:
        return np.zeros((m, n))
    return floats(exact_rows(gain, m, n, "gain"))


def _start(loop: _Loop, start: Mapping[str, Any] | Sequence[Any] | None) -> FloatArray:
    if start is None:
        return loop.x0 + _OFFSET * np.maximum(1.0, np.abs(loop.x0))
    if isinstance(start, Mapping):
        unknown = [name for name in start if name not in loop.states]
        if unknown:
            raise ProblemError("start", unknown[0], f"one of the states {', '.join(loop.states)}")
        start = [start.get(name, middle) for name, middle in zip(loop.states, loop.x0.tolist(), strict=True)]
    if len(start) != len(loop.states):
        raise DimensionError("start", f"{len(start)} values", f"{len(loop.states)}, one for each state")
    return np.array([nearest_float(exact(value, "start")) for value in start])


def _duration(loop: _Loop) -> float:
    """Six time constants of the slowest stable pole, four of the fastest unstable one, or some periods."""
    poles: NDArray[Any] = np.linalg.eigvals(loop.slope).astype(complex)
    if loop.dt is not None:
        with np.errstate(divide="ignore"):
            poles = np.log(np.where(poles == 0, 1e-12, poles)) / loop.dt
    scale = float(np.abs(poles).max()) or 1.0
    moving = poles[np.abs(poles.real) > 1e-6 * scale].real
    if (moving > 0).any():
        return float(4 / moving.max())
    if moving.size:
        return float(6 / np.abs(moving).min())
    return 6 * math.pi / scale


def _integrate(loop: _Loop, x: FloatArray, duration: float) -> tuple[FloatArray, FloatArray, str | None]:
    """LSODA step by step, so that what came before the end of a solution is kept."""
    from scipy.integrate import LSODA, OdeSolution

    limit, tolerance = _limit(loop, x), _ABSOLUTE * np.maximum(1.0, np.abs(x))
    solver = LSODA(loop, 0.0, x, duration, rtol=_RELATIVE, atol=tolerance)
    times: list[float] = [0.0]
    pieces: list[Any] = []
    state = x
    while solver.status == "running" and len(pieces) < _MAX_STEPS and np.abs(state).max() < limit:
        solver.step()
        if solver.status == "failed" or solver.t <= times[-1] or not np.isfinite(solver.y).all():
            break
        state = solver.y
        times.append(solver.t)
        pieces.append(solver.dense_output())
    t = np.linspace(0.0, times[-1], _SAMPLES)
    path = OdeSolution(times, pieces)(t).T if pieces else np.repeat(x[None], len(t), 0)
    if times[-1] >= duration:
        return t, path, None
    return t, path, _ended(not np.abs(state).max() < limit, len(pieces) == _MAX_STEPS, times[-1])


def _iterate(loop: _Loop, x: FloatArray, duration: float, dt: float) -> tuple[FloatArray, FloatArray, str | None]:
    limit, path = _limit(loop, x), [x]
    steps = max(1.0, duration / dt + 0.5) // 1  # infinite where the quotient is
    while len(path) <= min(steps, _MAX_STEPS):
        x = loop(0.0, x)
        if not np.abs(x).max() < limit:
            break
        path.append(x)
    ended = None
    if len(path) <= steps:
        ended = _ended(bool(np.isfinite(x).all()), len(path) > _MAX_STEPS, (len(path) - 1) * dt)
    return dt * np.arange(len(path), dtype=np.float64), np.array(path), ended


def _limit(loop: _Loop, x: FloatArray) -> float:
    return _DIVERGED * max(1.0, float(np.abs(x).max()), float(np.abs(loop.x0).max()))


def _ended(diverged: bool, long: bool, time: float) -> str:
    if long:
        how = f"takes more than {_MAX_STEPS} steps (the time is too long, or f changes too fast)"
    elif diverged:
        how = "grows without bound"
    else:
        how = "cannot be continued (f has no value there, or changes too fast)"
    return f"The response {how}; it ends at t = {time:.4g} s."
