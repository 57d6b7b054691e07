"""Jacobians of equations at a point, as a network reads them: proposals, and nothing here is trusted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from hybrid.errors import ModelError
from hybrid.verify.lyapunov import FloatArray

if TYPE_CHECKING:
    from hybrid.systems.nonlinear import NonlinearSystem


@dataclass(frozen=True)
class JacobianProposal:
    """A guess for ∂f/∂(x, u) at a point.

    Attributes:
        jacobian: (n, n + m), real or complex.
        source: a model's name.
    """

    jacobian: Any
    source: str

    def fits(self, n: int, m: int) -> bool:
        """Whether it is a finite matrix of that shape; a proposer may return anything."""
        jacobian = self.jacobian
        is_matrix = isinstance(jacobian, np.ndarray) and jacobian.dtype.kind in "fc" and jacobian.shape == (n, n + m)
        return is_matrix and bool(np.isfinite(jacobian).all())

    def parts(self, n: int) -> tuple[FloatArray, FloatArray]:
        """The real parts of ∂f/∂x and ∂f/∂u, of one that fits."""
        real = np.ascontiguousarray(self.jacobian.real, np.float64)
        return real[:, :n].copy(), real[:, n:].copy()


@runtime_checkable
class JacobianProposer(Protocol):
    """Whoever proposes Jacobians; it may raise, or return anything."""

    def propose(self, system: NonlinearSystem, point: Mapping[str, Any]) -> JacobianProposal | None:
        """A guess for the Jacobian at a point, a value for each state and input; None where there is none."""


@dataclass(frozen=True)
class Given:
    """A proposal that was made before, for one system and point: many were read together."""

    proposal: JacobianProposal

    def propose(self, system: NonlinearSystem, point: Mapping[str, Any]) -> JacobianProposal | None:
        """The proposal, whatever is asked."""
        return self.proposal


class EquationNetwork:
    """The network that reads equations, for one system at a time.

    Args:
        folder: with `equations.onnx`; None: the shipped one, which may be absent.

    Raises:
        ModelError: a folder without one.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        from hybrid.propose.equation_reader import EquationReader

        self._reader = EquationReader(folder)
        if folder is not None and not self._reader.is_there:
            raise ModelError(f"{os.fspath(folder)}: there is no equations.onnx")

    def propose(self, system: NonlinearSystem, point: Mapping[str, Any]) -> JacobianProposal | None:
        """The Jacobian as the network reads it; None where there is no network, or it does not take this system.

        Raises:
            ParseError: an operation that has no tokens, as abs.
            ModelError: a model file that is damaged or foreign.
        """
        from hybrid.systems.tokens import TokenSystem

        if not self._reader.is_there:
            return None
        tokens = TokenSystem.from_system(system)
        values = [_double(point[name], name) for name in system.variables]
        jacobian = self._reader.jacobians([tokens], [values])[0]
        return None if jacobian is None else JacobianProposal(jacobian, "equations.onnx")


def _double(value: Any, name: str) -> complex:
    """A coordinate, which may be text such as "pi/2"."""
    from hybrid.expressions.evaluate import FLOATS
    from hybrid.systems.point import enter

    return complex(enter(value, name, FLOATS))


@lru_cache(maxsize=1)
def shipped() -> EquationNetwork:
    """The shipped network, opened once."""
    return EquationNetwork()
