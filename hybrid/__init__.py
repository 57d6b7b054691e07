"""hybrid: proved answers for control engineers.

A model proposes, a verifier proves or throws away, exact computation stands behind. Read `hybrid.solve` first.
"""

__version__ = "0.1.0"

from hybrid.answer import Answer, Reason, Route, Status, Verdict
from hybrid.api import controllability, detectability, feedback, observability, stability, stabilizability
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
from hybrid.systems.plants import plant, plants
from hybrid.systems.reading import read

__all__ = [
    "Answer",
    "Certificate",
    "CertificateError",
    "DimensionError",
    "HybridError",
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
    "check",
    "controllability",
    "detectability",
    "feedback",
    "observability",
    "plant",
    "plants",
    "read",
    "stability",
    "stabilizability",
]
