"""The proposers that an argument `model` names: False is none, True the shipped one, a path that of a file or folder.

Raises ProblemError for anything else; ModelError where a file is absent or no such model.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hybrid.errors import ProblemError

if TYPE_CHECKING:
    from hybrid.propose.gain import GainProposer
    from hybrid.propose.jacobian import JacobianProposer
    from hybrid.propose.output_gain import OutputGainProposer
    from hybrid.propose.pde import PDEProposer

ModelName = bool | str | os.PathLike[str]


def gain(model: ModelName) -> GainProposer | None:
    """For gains of the state."""
    if model is False:
        return None
    from hybrid.propose.gain import GainProposer, shipped

    return shipped() if model is True else GainProposer(_path(model))


def static_gain(model: ModelName) -> OutputGainProposer | None:
    """For gains of outputs, with or without a structure."""
    if model is False:
        return None
    from hybrid.propose.output_gain import OutputGainProposer, shipped

    return shipped() if model is True else OutputGainProposer(_path(model))


def jacobian(model: ModelName | JacobianProposer) -> JacobianProposer | None:
    """For Jacobians of equations; a proposer is itself."""
    if model is False:
        return None
    from hybrid.propose.jacobian import EquationNetwork, JacobianProposer, shipped

    if isinstance(model, JacobianProposer):
        return model
    return shipped() if model is True else EquationNetwork(_path(model))


def wave_number(model: ModelName | PDEProposer) -> PDEProposer | None:
    """For growing wave numbers of PDEs; a proposer is itself."""
    if model is False:
        return None
    from hybrid.propose.pde import PDEProposer

    if isinstance(model, PDEProposer):
        return model
    return PDEProposer(None if model is True else _path(model))


def _path(model: object) -> str | os.PathLike[str]:
    if not isinstance(model, str | os.PathLike):
        raise ProblemError("model", model, "True, False, or the path of a model file or folder")
    return model
