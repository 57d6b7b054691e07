"""What the verdict networks hold before they answer: a map of it, and what can be read out by a linear probe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hybrid.expressions.tokens import VOCABULARY
from hybrid.systems.tokens import TokenSystem

from .matrix_answers import RANK_TOLERANCE, abscissae
from .study_tasks import Record, label

FEWEST: Final = 40
"""Systems, below which there is no map and no probe."""
RIDGE: Final = 1e-2
"""Of the probe, relative to the variance of a standardised coordinate."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LatentMap:
    """The latents of a set in the plane of their two largest principal components.

    Attributes:
        points: (N, 2)
        answers: (N,) what the paper's labels say: 1 yes, 0 no; of PDEs 0 no solution, 1 no decay, 2 decay.
        explained: share of the variance in the plane.
    """

    set: str
    points: Floats
    answers: NDArray[np.int64]
    explained: float


@dataclass(frozen=True)
class Probe:
    """How well a linear map reads a quantity on the half of the systems that it was not fitted to.

    Attributes:
        measure: "R²", or "share right" for what is one of two.
        latent, tokens: from the latent, and from the numbers of each token of the system.
        guess: without looking: 0, or the share of the commoner value.
    """

    set: str
    quantity: str
    measure: str
    latent: float
    tokens: float
    guess: float


def latent_map(name: str, records: Sequence[Record]) -> LatentMap | None:
    """None where there are too few latents."""
    kept = [record for record in records if record.proposed.latent is not None]
    if len(kept) < FEWEST:
        return None
    points, explained = principal_plane(_latents(kept))
    return LatentMap(name, points, np.array([_answer(record) for record in kept]), explained)


def principal_plane(rows: Floats) -> tuple[Floats, float]:
    """Coordinates (N, 2) along the two first principal components of standardised rows, and their share of variance."""
    X = _standardised(rows, rows)
    U, s, _ = np.linalg.svd(X - X.mean(0), full_matrices=False)
    total = float((s**2).sum())
    return np.asarray(U[:, :2] * s[:2]), float((s[:2] ** 2).sum() / total) if total else 0.0


def probes(name: str, records: Sequence[Record]) -> list[Probe]:
    """What can be read from latents of ordinary systems whose Jacobians are known."""
    kept = [
        record
        for record in records
        if record.proposed.latent is not None and record.jacobian is not None and np.isfinite(record.jacobian).all()
    ]
    if len(kept) < 2 * FEWEST:
        return []
    latents, tokens = _latents(kept), np.array([token_counts(r.case.system) for r in kept])  # type: ignore[union-attr]
    found = []
    for quantity, measured in QUANTITIES.items():
        values = np.array([measured(record.jacobian) for record in kept], dtype=np.float64)
        two = bool(np.isin(values, (0.0, 1.0)).all())
        if values.std() > 0:
            read = readable_share if two else explained_variance
            guess = max(values.mean(), 1 - values.mean()) if two else 0.0
            measure = "share right" if two else "R²"
            found.append(Probe(name, quantity, measure, read(latents, values), read(tokens, values), float(guess)))
    return found


def token_counts(system: TokenSystem) -> list[float]:
    """How often each token of the vocabulary stands in the system's sequence, and the sequence's length."""
    tokens = system.tokens()
    return [*(float(tokens.count(token)) for token in VOCABULARY), float(len(tokens))]


def explained_variance(rows: Floats, values: Floats) -> float:
    """R² of a ridge regression on the half that it was not fitted to; below 0 if worse than the mean."""
    said, known = _held_out(rows, values)
    return float(1 - ((said - known) ** 2).sum() / max(((known - known.mean()) ** 2).sum(), 1e-300))


def readable_share(rows: Floats, values: Floats) -> float:
    """Share of values 0 or 1 of the held-out half that a ridge regression puts on the right side of 1/2."""
    said, known = _held_out(rows, values)
    return float(((said > 0.5) == (known > 0.5)).mean())


def _held_out(rows: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Fitted to every other system; what is said of the rest, and what is right there."""
    X = _standardised(rows[::2], rows)
    X = np.concatenate([X, np.ones((len(X), 1))], axis=1)
    fitted, target = X[::2], values[::2]
    penalty = RIDGE * len(fitted) * np.eye(X.shape[1])
    penalty[-1, -1] = 0
    weights = np.linalg.solve(fitted.T @ fitted + penalty, fitted.T @ target)
    return np.asarray(X[1::2] @ weights), values[1::2]


def _standardised(reference: Floats, rows: Floats) -> Floats:
    spread = reference.std(0)
    return np.asarray((rows - reference.mean(0)) / np.where(spread > 0, spread, 1.0))


def _latents(records: Sequence[Record]) -> Floats:
    return np.array([record.proposed.latent for record in records], dtype=np.float64)


def _answer(record: Record) -> int:
    said = label(record.case)
    return int(bool(said.yes)) if said.pde is None else sum(said.pde)


# Quantities on the way to the answer


def _square(J: Any) -> Any:
    return J[:, : len(J)]


def _kalman(J: Any) -> Any:
    """[B AB … Aⁿ⁻¹B]; the unit matrix where there is no B."""
    n = len(J)
    if J.shape[1] == n:
        return np.eye(n)
    blocks = [J[:, n:]]
    for _ in range(n - 1):
        blocks.append(_square(J) @ blocks[-1])
    return np.nan_to_num(np.concatenate(blocks, 1))


def _signed_log(x: float) -> float:
    """Of numbers of any size and sign."""
    return float(np.sign(x) * np.log1p(1e3 * abs(x)))


QUANTITIES: Final[dict[str, Callable[[Any], float]]] = {
    "sign of the spectral abscissa": lambda J: float(abscissae(_square(J)[None])[0] < 0),
    "spectral abscissa (signed log)": lambda J: _signed_log(float(abscissae(_square(J)[None])[0])),
    "trace (signed log)": lambda J: _signed_log(float(np.trace(_square(J)).real)),
    "sign of the trace": lambda J: float(np.trace(_square(J)).real < 0),
    "log of the largest entry": lambda J: float(np.log(max(float(np.abs(J).max()), 1e-300))),
    "number of zero entries": lambda J: float((J == 0).sum()),
    "singular A": lambda J: float(np.linalg.matrix_rank(_square(J)) < len(J)),
    "rank deficiency of A": lambda J: float(len(J) - np.linalg.matrix_rank(_square(J))),
    "rank deficiency of [B AB …]": lambda J: float(len(J) - np.linalg.matrix_rank(_kalman(J), tol=RANK_TOLERANCE)),
    "complex entries": lambda J: float(bool((J.imag != 0).any())),
    "decoupled states (rows with the diagonal alone)": lambda J: float(
        ((_square(J) != 0).sum(1) - (np.diagonal(_square(J)) != 0) == 0).sum()
    ),
}
"""Of a Jacobian (n, n + m); those that are 0 or 1 are read as one of two."""
