"""hybrid: proved answers for control engineers.

A model proposes, a verifier proves or throws away, exact computation stands behind. Read `hybrid.solve` first.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.3.0"

if TYPE_CHECKING:
    from hybrid import batch
    from hybrid.answer import Answer, Reason, Route, Status, Verdict
    from hybrid.api import controllability, detectability, feedback, observability, pde, stability, stabilizability
    from hybrid.certificate import Certificate, check
    from hybrid.errors import (
        CertificateError,
        DimensionError,
        HybridError,
        MissingDependencyError,
        ModelError,
        ParseError,
        PluginError,
        ProblemError,
    )
    from hybrid.systems.linear import LinearSystem
    from hybrid.systems.nonlinear import NonlinearSystem
    from hybrid.systems.pde import LinearPDE
    from hybrid.systems.plants import plant, plants
    from hybrid.systems.reading import read

__all__ = [
    "Answer",
    "Certificate",
    "CertificateError",
    "DimensionError",
    "HybridError",
    "LinearPDE",
    "LinearSystem",
    "MissingDependencyError",
    "ModelError",
    "NonlinearSystem",
    "ParseError",
    "PluginError",
    "ProblemError",
    "Reason",
    "Route",
    "Status",
    "Verdict",
    "batch",
    "check",
    "controllability",
    "detectability",
    "feedback",
    "observability",
    "pde",
    "plant",
    "plants",
    "read",
    "stability",
    "stabilizability",
]

_HOMES = {
    "answer": ("Answer", "Reason", "Route", "Status", "Verdict"),
    "api": ("controllability", "detectability", "feedback", "observability", "pde", "stability", "stabilizability"),
    "certificate": ("Certificate", "check"),
    "systems.linear": ("LinearSystem",),
    "systems.pde": ("LinearPDE",),
    "systems.nonlinear": ("NonlinearSystem",),
    "systems.plants": ("plant", "plants"),
    "systems.reading": ("read",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name loads its module when it is first used (PEP 562): `import hybrid` itself costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'hybrid' has no attribute {name!r}")
    if name == "batch":  # a module of its own, which compiles kernels
        return import_module("hybrid.batch")
    value = getattr(import_module(f"hybrid.{_HOME.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
