"""The paper's gain, and the one that it gives for the user's own system."""

from __future__ import annotations

import contextlib
import hashlib
import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import hybrid
from hybrid.answer import Status, Verdict
from hybrid.errors import ProblemError
from hybrid.exact.gramian import for_own_system, paper_gain
from hybrid.systems.nonlinear import NonlinearSystem

CRANE = NonlinearSystem(["x", "v", "y"], ["u"], ["sin(v)", "x*y - exp(u)", "y + v*u - tan(x)"])


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def matrices() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    found = CRANE.linearise(dict.fromkeys(["x", "v", "y", "u"], 0.5))
    return found.A, found.B


def test_the_gain_is_that_of_the_formula_as_written() -> None:
    """Term by term, with 40 exponentials."""
    A, B = matrices()
    unit = A / np.linalg.norm(A)
    times = np.linspace(0, 1, 40)
    G = np.trapezoid([expm(unit * (1 - s)) @ B @ B.T @ expm(unit.T * (1 - s)) for s in times], times, axis=0)
    C = expm(-unit) @ G @ expm(-unit.T)
    K = -B.T @ np.linalg.inv(C + 1e-6 * np.eye(3))
    found = paper_gain(A, B)
    assert found is not None
    assert found.tolist() == [[float(f"{x:.2e}") for x in row] for row in K]


def test_both_gains_are_proved_and_told_apart() -> None:
    answer = hybrid.feedback(CRANE, paper=True)
    A, B = matrices()
    assert answer.verdict is Verdict.STABILISED
    assert answer.gain is not None
    assert answer.paper is not None
    assert answer.certificate is not None
    assert answer.paper.certificate is not None
    K = np.array(answer.paper.value)
    assert answer.paper.holds is True
    assert np.linalg.eigvals(A / np.linalg.norm(A) + B @ K).real.max() < 0
    assert np.linalg.eigvals(A - B @ answer.gain).real.max() < 0
    assert np.allclose(answer.gain, -np.linalg.norm(A) * K, rtol=1e-5)
    assert np.allclose(answer.gain, for_own_system(K, A), rtol=1e-5)
    for certificate, words in ((answer.certificate, "A − B K"), (answer.paper.certificate, "A/‖A‖_F")):
        report = hybrid.check(certificate)
        assert report.valid
        assert words in report.claim
    assert np.linalg.eigvals(A + B @ answer.gain).real.max() > 0  # the other sign does not work here


def test_the_document_and_the_text_tell_the_papers_gain() -> None:
    answer = hybrid.feedback(CRANE, paper=True)
    document = json.loads(json.dumps(answer.to_dict()))
    assert answer.paper is not None
    assert document["paper"]["value"] == [list(row) for row in answer.paper.value]  # type: ignore[union-attr]
    assert hybrid.check(document["paper"]["certificate"]).valid
    assert "u = +K x, proved to stabilise" in str(answer)


@pytest.mark.parametrize("which", ["own", "paper"])
def test_altered_gains_are_refused(which: str) -> None:
    answer = hybrid.feedback(CRANE, paper=True)
    assert answer.paper is not None
    certificate = answer.certificate if which == "own" else answer.paper.certificate
    assert certificate is not None
    document = certificate.to_dict()
    claim = document["claim"]
    negated = [[str(-Fraction(entry)) for entry in row] for row in claim["gain"]]
    alterations = [
        {"gain": negated},
        {"gain": [[str(2 * Fraction(entry)) for entry in row] for row in claim["gain"]]},  # other bounds
        {"reading": "paper" if which == "own" else "engineer"},
        {"decay": "100"},
        {"equilibrium": True},
        {"abscissa": ["-1000000", "-1000"]},
    ]
    for change in alterations:
        with contextlib.suppress(hybrid.CertificateError):
            assert not hybrid.check(sealed(document | {"claim": claim | change})).valid, change
    if which == "paper":  # for A itself the gain was not proved, and does not work
        plain = {key: value for key, value in claim.items() if key != "reading"}
        assert not hybrid.check(sealed(document | {"claim": plain})).valid


def test_a_decay_is_of_the_users_system() -> None:
    answer = hybrid.feedback(CRANE, paper=True, decay="1/10")
    assert answer.status is Status.PROVED
    assert answer.bounds is not None
    assert answer.bounds[1] is not None
    assert answer.bounds[1] <= Fraction(-1, 10)


def test_a_jacobian_with_complex_entries_has_no_real_gain() -> None:
    with pytest.raises(ProblemError, match="got a complex Jacobian"):
        hybrid.feedback(NonlinearSystem(["x"], ["u"], ["x*sqrt(x - 2) + u"]), paper=True)


def test_a_complex_value_with_real_derivatives_is_no_obstacle() -> None:
    answer = hybrid.feedback(NonlinearSystem(["x"], ["u"], ["exp(x) + u + sqrt(-2)"]), paper=True)
    assert answer.verdict is Verdict.STABILISED
    assert answer.certificate is not None
    assert answer.certificate.claim["values"] == "complex"
    assert hybrid.check(answer.certificate).valid


def test_the_papers_reading_leaves_no_choice_of_structure() -> None:
    with pytest.raises(ProblemError, match="paper"):
        hybrid.feedback(CRANE, paper=True, structure=[[1, 0, 1]])
