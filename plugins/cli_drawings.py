"""Drawings for the commands about nonlinear systems: made whole in memory before anything is written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybrid.question import LocalQuestion

if TYPE_CHECKING:
    from hybrid.answer import Answer
    from hybrid.exact.equilibria import Equilibria
    from hybrid.simulate import Trajectory
    from hybrid.verify.region import Region


def phase_plane(answer: Answer, kind: str) -> bytes:
    """The vector field near the equilibrium of an answer, under its gain where it has one."""
    from hybrid.phase_plot import phase_plane as draw
    from hybrid.verify.equilibrium import locate

    question, gain = answer.question, answer.gain
    assert isinstance(question, LocalQuestion)
    system, at = question.system, question.at
    if answer.certificate is not None and answer.certificate.claim.get("output", False):
        loop: Any = answer.closed_loop()  # its gain is not one of the states
        system, at, gain = loop, {name: (answer.point or {})[name] for name in loop.states}, None
    found = locate(system, at).equilibrium
    marked = () if found is None else (found,)
    return _content(kind, lambda path: draw(system, path, marked, gain=gain))


def plane_of_box(found: Equilibria, kind: str) -> bytes:
    """The vector field over a box with its equilibria; of more than two states the first two."""
    from hybrid.phase_plot import phase_plane as draw

    window: Mapping[str, Any] = {name: found.box[name] for name in found.system.states[:2]}
    return _content(kind, lambda path: draw(found.system, path, found.proved, box=window))


def plane_of_region(region: Region, kind: str) -> bytes:
    """The vector field around a proved region of attraction."""
    from hybrid.phase_plot import phase_plane as draw

    return _content(kind, lambda path: draw(region.equilibrium.system, path, (region.equilibrium,), region))


def response(trajectory: Trajectory, kind: str) -> bytes:
    """States and inputs over time."""
    from hybrid.simulate import plot_response

    return _content(kind, lambda path: plot_response(trajectory, path))


def _content(kind: str, draw: Callable[[Path], None]) -> bytes:
    """What a function that draws into a file puts there."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"drawing.{kind}")
        draw(path)
        return path.read_bytes()
