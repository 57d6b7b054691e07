"""Whatever a caller calls a system, as a LinearSystem."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from hybrid.errors import ProblemError
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.systems.plants import NonlinearPlant, Plant
from hybrid.systems.realisation import realise

_EXPECTED = (
    "a LinearSystem, a NonlinearSystem, an object with A, B, C, D such as control.StateSpace, a transfer function, or "
    "rows of A; a control.NonlinearIOSystem goes to hybrid.plugins.control_front"
)


def coerce(value: Any) -> LinearSystem:
    """The LinearSystem that `value` stands for; python-control is recognised by its attributes, never imported.

    - a LinearSystem, or a Plant of the library: itself;
    - an object with A, B, C, D and dt (control.StateSpace, scipy.signal.StateSpace): the doubles that it holds;
    - an object with num and den (control.TransferFunction): the exact realisation of `realisation.realise`, in
      which nothing is cancelled;
    - a numpy array or rows of numbers: the state matrix A of a continuous system.

    python-control's dt is read thus: 0 is continuous; None (unspecified) is continuous; True (discrete, sample time
    unspecified) counts time in samples, dt = 1, which changes no verdict.

    Raises:
        ProblemError: `value` is none of these, or an entry is no finite number.
        DimensionError: shapes that do not fit, or a system without states.

    >>> coerce([[0, 1], ["-1/3", 0]]).A
    ExactMatrix([['0', '1'], ['-1/3', '0']])
    """
    if isinstance(value, LinearSystem):
        return value
    if isinstance(value, Plant):
        return value.system
    if isinstance(value, np.ndarray | ExactMatrix) or (isinstance(value, Sequence) and not isinstance(value, str)):
        return LinearSystem(value)
    if all(hasattr(value, key) for key in "ABCD"):
        A, B, C, D = (_matrix(getattr(value, key), key) for key in "ABCD")
        return LinearSystem(A, B, C, None if B is None or C is None else D, _sample_time(value), _name(value))
    if hasattr(value, "num") and hasattr(value, "den"):
        rows = realise(_by_output_and_input(value.num), _by_output_and_input(value.den))
        return LinearSystem(*rows, _sample_time(value), _name(value))
    got = f"{value!r}; read a file with hybrid.read" if isinstance(value, str) else type(value).__name__
    raise ProblemError("system", got, _EXPECTED)


def coerce_linear(value: Any) -> LinearSystem:
    """The same, where several systems are asked for one gain, for which equations are no help.

    Raises:
        ProblemError: it is nonlinear; and as `coerce`.
    """
    if isinstance(value, NonlinearSystem | NonlinearPlant):
        raise ProblemError("system", "a nonlinear system", "linear ones, where one gain is asked for several")
    return coerce(value)


def several(value: Any) -> list[Any] | None:
    """The systems of a list of systems; None for one system, which may be written as rows of numbers.

    >>> several([[0, 1], [2, 3]]) is None
    True
    """
    row_of_a_matrix = list, tuple, np.ndarray, str, Number
    is_list = isinstance(value, list | tuple) and len(value) > 0
    return list(value) if is_list and not isinstance(value[0], row_of_a_matrix) else None


def _matrix(value: Any, key: str) -> Any:
    """The matrix; None for B, C or D without entries, as of a system without inputs."""
    return None if key != "A" and np.size(value) == 0 else value


def _by_output_and_input(coefficients: Any) -> Any:
    """Coefficients nested as python-control nests them; scipy.signal has one output and one input."""
    return [[coefficients]] if np.ndim(coefficients[0]) == 0 else coefficients


def _sample_time(value: Any) -> Any:
    dt = getattr(value, "dt", None)
    return 1 if dt is True else dt


def _name(value: Any) -> str:
    """The name that the user gave; python-control calls the others sys[0], sys[1]."""
    name = getattr(value, "name", None)
    return name if isinstance(name, str) and not name.startswith("sys[") else ""
