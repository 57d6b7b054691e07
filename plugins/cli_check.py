"""Re-checking a certificate, and the library of demonstration plants."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import hybrid
from hybrid.errors import CertificateError, HybridError

from .cli_options import load_system

_VALID, _REFUSED = 0, 4


@click.command()
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--system", "system_name", metavar="SYSTEM", help="Also require that it speaks about this system."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: valid, claim, reason.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing: the exit code is the answer.")
def check(file: str, system_name: str | None, as_json: bool, quiet: bool) -> None:
    """Re-check a certificate from nothing but its own text; exit code 0 valid, 4 refused."""
    document = _document(file)
    report = hybrid.check(document)
    valid, reason = report.valid, report.reason
    if valid and system_name is not None and (difference := _difference(document["system"], system_name)):
        valid, reason = False, difference
    if as_json:
        click.echo(json.dumps({"valid": valid, "claim": report.claim, "reason": reason}))
    elif not quiet:
        word = (
            click.style("VALID", fg="green", bold=True)
            if valid
            else click.style("REFUSED", fg="red", bold=True)
        )
        click.echo(f"{word}: {report.claim}\n\n  {reason}" if valid else f"{word}: {reason}")
    click.get_current_context().exit(_VALID if valid else _REFUSED)


def _document(file: str) -> dict[str, Any]:
    from hybrid.certificate import checker

    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        document: dict[str, Any] = checker.read(content)
    except OSError as error:
        raise CertificateError(f"{file}: cannot be read, {error.strerror or error}") from None
    except checker.Unreadable as error:
        raise CertificateError(f"{file}: {error}") from None
    return document


def _difference(certified: Mapping[str, Any], name: str) -> str:
    """In what the certified system differs from the one of that name; empty where they agree."""
    system = load_system(name)
    try:
        other = hybrid.LinearSystem(**certified)
    except HybridError as error:
        return f"The system of the certificate cannot be read: {error}."
    different = [key for key in ("A", "B", "C", "D", "dt") if getattr(system, key) != getattr(other, key)]
    # A certificate that leaves B, C or D out claims nothing about them.
    different = [key for key in different if key == "dt" or key in certified]
    return f"It speaks about another system: {', '.join(different)} differs from {name}." if different else ""
