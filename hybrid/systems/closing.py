"""A nonlinear system under a feedback law, as a system of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import DimensionError, ProblemError
from hybrid.expressions.infix import infix
from hybrid.systems.nonlinear import FREE, NonlinearSystem
from hybrid.systems.point import Point, as_text

_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")  # not the exponent of a number


def close(system: NonlinearSystem, K: NDArray[np.float64], at: Point, *, by_output: bool) -> NonlinearSystem:
    """The work of `NonlinearSystem.closed_loop`."""
    fed_back, width = (_measured(system), system.p) if by_output else (list(system.states), system.n)
    if K.shape != (system.m, width):
        expected = f"({system.m}, {width}), inputs by {'outputs' if by_output else 'states'}"
        raise DimensionError("gain", f"shape {K.shape}", expected)
    values = {name: as_text(value) for value, name in system.ordered(at)}
    offsets = [f"(({y}) - ({_with_values(y, values)}))" for y in fed_back]
    feedback = [
        f"{u} = ({values[u]})" + "".join(f" - ({k.hex()})*{x}" for k, x in zip(row, offsets, strict=True))
        for u, row in zip(system.inputs, K.tolist(), strict=True)
    ]
    equations = [f"{x}' = {f}" for x, f in zip(system.states, infix(system.rhs), strict=True)]
    text = "\n".join([*feedback, *equations])
    free = dict.fromkeys(system.free, FREE)
    outputs = None if system.readout is None else infix(system.readout)
    name = f"{system.name}, closed loop" if system.name else ""
    return NonlinearSystem(system.states, (), text, free, outputs, system.dt, name, system.time)


def _measured(system: NonlinearSystem) -> list[str]:
    """The outputs as text in the states."""
    if system.readout is None:
        return list(system.states)
    measured = infix(system.readout)
    for name in (name for text in measured for name in _NAME.findall(text)):
        if name in system.inputs:
            raise ProblemError("outputs", f"one that depends on {name}", "outputs of the states, to feed them back")
    return measured


def _with_values(text: str, values: Mapping[str, str]) -> str:
    """An expression with the values of its variables in it."""
    return _NAME.sub(lambda name: f"({values[name[0]]})" if name[0] in values else name[0], text)
