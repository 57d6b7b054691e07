"""Certificates: self-contained JSON that proves one claim about one system.

The schema is `hybrid-certificate/1`; `checker.py` beside this file is the only authority on what each field means.
It imports the standard library alone and shares no code with the solver.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid import whole_files
from hybrid.errors import CertificateError
from hybrid.precision import ALONE
from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem
from hybrid.systems.numbers import spell

if TYPE_CHECKING:
    from hybrid.certificate.checker import Report
    from hybrid.systems.nonlinear import NonlinearSystem
    from hybrid.systems.pde import LinearPDE
    from hybrid.systems.time_varying import TimeVaryingSystem

SCHEMA = "hybrid-certificate/1"

__all__ = ["SCHEMA", "Certificate", "check", "write_whole"]


@dataclass(frozen=True, eq=False)
class Certificate:
    """A claim about a system with the witness that proves it.

    Attributes:
        system: exact numbers; several systems where the claim is about one gain for them all.
        claim: what is claimed, in exact text.
        method: which theorem turns the witness into a proof.
        witness: what that theorem needs.
        provenance: who proposed the witness; informational, no part of the proof.
    """

    system: LinearSystem | NonlinearSystem | TimeVaryingSystem | LinearPDE | tuple[LinearSystem, ...]
    claim: Mapping[str, Any]
    method: str
    witness: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON document, with its digest."""
        import hashlib

        from hybrid import __version__

        document: dict[str, Any] = {
            "schema": SCHEMA,
            **self._systems(),
            "claim": _spelled(self.claim),
            "method": self.method,
            "witness": _spelled(self.witness),
            "versions": {"hybrid": __version__},
        }
        if self.provenance:
            document["provenance"] = dict(self.provenance)
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return document | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}

    def _systems(self) -> dict[str, Any]:
        if isinstance(self.system, tuple):
            return {"systems": [system.as_document() for system in self.system]}
        return {"system": self.system.as_document()}

    def to_json(self) -> str:
        """The certificate as text, ready to be saved."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=True) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the certificate whole or not at all: a temporary file beside it, then a rename.

        Raises:
            CertificateError: the place cannot be written to.
        """
        write_whole(path, self.to_json())


def write_whole(path: str | os.PathLike[str], text: str) -> None:
    """Replace a file by `text` in one step, so that no reader ever sees half of it.

    Raises:
        CertificateError: the place cannot be written to.
    """
    try:
        whole_files.write_whole({path: text.encode()})
    except (OSError, ValueError) as error:  # the latter: a NUL character in the name
        raise CertificateError(f"{os.fspath(path)}: cannot be written, {_cause(error)}") from None


def _cause(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def check(certificate: Certificate | Mapping[str, Any] | str | os.PathLike[str]) -> Report:
    """Re-check a certificate from nothing but its own text, with the stand-alone checker.

    Args:
        certificate: a Certificate, its document, or the path of a file that holds it.

    Returns:
        A Report: `valid`, the `claim` in words, and the `reason` (how it was proved, or why it is refused).

    Raises:
        CertificateError: the file is absent or is no certificate.

    >>> import hybrid
    >>> answer = hybrid.stability(hybrid.LinearSystem([[0, 1], [-2, -3]]))
    >>> hybrid.check(answer.certificate).valid
    True
    """
    from hybrid.certificate import checker

    try:
        if isinstance(certificate, Certificate):
            return _checked(checker.read(certificate.to_json()))
        if isinstance(certificate, Mapping):
            return _checked(dict(certificate))
        if not isinstance(certificate, str | os.PathLike):
            raise CertificateError(f"a {type(certificate).__name__} is no certificate, and no path of one")
        with Path(certificate).open("rb") as file:
            return _checked(checker.read(file.read(checker.MAX_BYTES + 1)))  # a device has no end
    except OSError as error:
        raise CertificateError(f"{certificate}: cannot be read, {error.strerror or error}") from None
    except checker.Unreadable as error:
        raise CertificateError(str(error)) from None


def _checked(document: Any) -> Report:
    """What the checker says; it stands alone, and sets the precision of balls without asking other threads."""
    from hybrid.certificate import checker

    with ALONE:
        return checker.check(document)


def _spelled(value: Any) -> Any:
    """Numbers of a claim or witness as exact text; containers are kept."""
    if isinstance(value, Mapping):
        return {key: _spelled(entry) for key, entry in value.items()}
    if isinstance(value, ExactMatrix):
        return value.spelled()
    if isinstance(value, np.ndarray):
        return _spelled(value.tolist())
    if isinstance(value, list | tuple):
        return [_spelled(entry) for entry in value]
    if isinstance(value, float | Fraction):
        return spell(Fraction(value))
    return value
