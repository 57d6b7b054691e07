"""Whether a PDE with constant coefficients has a solution and whether it decays, guessed by a network that reads terms.

Nothing here is trusted: the network's frequencies of negative Re P are for the verifier to check, and its probabilities
decide nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybrid.errors import ModelError
from hybrid.propose.pde_features import AXIS, CELL, MOST_POWER, TERM, Features, IntArray, features
from hybrid.propose.session import Form, ModelFiles
from hybrid.verify.lyapunov import FloatArray

if TYPE_CHECKING:
    from hybrid.systems.pde import LinearPDE

SCHEMA = "hybrid-pde/1"
"""What the model file takes and gives, float32: see `pde_features.Features`; logits, points, latent."""
CANONICAL_FORM = "real-terms/1"
MODEL_NAME = "pde.onnx"
MOST_DIMENSIONS, MOST_TERMS = 6, 14
"""Beyond these the network has seen nothing."""
LARGEST = 1e12
"""Numbers beyond this are not read."""
FURTHEST = 10.0
"""Of asinh η for a frequency on a line."""
LINE = (-math.inf, math.inf)
Symbol = dict[tuple[int, ...], Fraction]
STACK = 64
"""Equations read at once."""

FORM = Form(
    task="PDE",
    schema=SCHEMA,
    canonical_form=CANONICAL_FORM,
    name=lambda _: MODEL_NAME,
    shapes=lambda _: {
        "cells": ["T", "D", CELL], "terms": ["T", TERM], "axes": ["D", AXIS],
        "logits": [6], "points": ["D", 4], "latent": [64],
    },
    sized=False,
)  # fmt: skip


@dataclass(frozen=True)
class PDEProposal:
    """What the network says of u_t + P(D) u = 0.

    Attributes:
        exists, decays: probabilities that a solution exists, and that it decays.
        paper_exists, paper_decays: the same of the labels in the paper, which a local search made.
        point: η = 2πξ in the box where the network's guesses lead to a negative Re P in floats, the most negative in
            relation to the sizes of its terms; None if no guess does.
        latent: what the verdicts are read from, for maps and probes.
        source: the model's file name and hash.
    """

    exists: float
    decays: float
    paper_exists: float
    paper_decays: float
    point: tuple[Fraction, ...] | None
    latent: FloatArray
    source: str


class _Stack(NamedTuple):
    """What `features` takes."""

    dimension: IntArray
    coefficient: FloatArray
    power: IntArray
    low: FloatArray
    high: FloatArray


class PDEProposer:
    """Reads equations of up to 6 dimensions and 14 terms in Re P, with powers up to 7.

    Args:
        path: a model file, or a folder with `pde.onnx`; None: the shipped one.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._files = ModelFiles(FORM, None if path is None else Path(path))

    @property
    def is_there(self) -> bool:
        """Whether there is a model; its file is not opened."""
        return self._files.has(0)

    def propose(self, equations: Sequence[LinearPDE]) -> list[PDEProposal | None]:
        """What the network says of each; None for one beyond what it reads, or where it says something not finite.

        Raises:
            ModelError: there is no model, or its file is damaged or foreign.
        """
        found: list[PDEProposal | None] = [None] * len(equations)
        readable = [i for i, each in enumerate(equations) if _is_readable(each)]
        for start in range(0, len(readable), STACK):
            rows = readable[start : start + STACK]
            for i, proposal in zip(rows, self._read([equations[i] for i in rows]), strict=True):
                found[i] = proposal
        return found

    def read(self, given: Features) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits (N, 6), points (N, D, K) before they are put into the box, latent (N, 64)."""
        logits, points, latent = self._files.model(0).session.run(None, given._asdict())
        return logits, points, latent

    def _read(self, equations: list[LinearPDE]) -> list[PDEProposal | None]:
        parts = [real_terms(each.terms) for each in equations]
        stack = _stacked(parts, [each.support for each in equations])
        logits, points, latent = self.read(features(*stack))
        source, chances = self._files.model(0).source, probabilities(logits)
        inside = shortened(in_box(points.astype(np.float64), stack.low, stack.high), stack.low, stack.high)
        balance = balances(stack.coefficient, stack.power, inside)
        best = balance.argmin(axis=1)
        return [
            PDEProposal(
                exists=float(chances[i, 2]), decays=float(chances[i, 3]),
                paper_exists=float(chances[i, 0]), paper_decays=float(chances[i, 1]),
                point=_exact_point(inside[i, :, best[i]], each.support) if balance[i, best[i]] < 0 else None,
                latent=latent[i], source=source,
            ) if np.isfinite(chances[i]).all() and np.isfinite(inside[i]).all() else None
            for i, each in enumerate(equations)
        ]  # fmt: skip


def propose(equations: Sequence[LinearPDE]) -> list[PDEProposal | None]:
    """What the shipped network says of each equation; None for one beyond what it reads, and for all without a model.

    >>> propose([])
    []
    """
    proposer = _shipped()
    try:
        return proposer.propose(equations) if proposer.is_there else [None] * len(equations)
    except ModelError:
        return [None] * len(equations)


@lru_cache(maxsize=1)
def _shipped() -> PDEProposer:
    return PDEProposer()


def real_terms(terms: Iterable[tuple[Fraction, tuple[int, ...]]]) -> Symbol:
    """Re P(iη) by the powers of η, from the terms of P: those of odd degree are imaginary.

    >>> real_terms([(Fraction(-3), (2, 0)), (Fraction(1), (1, 2)), (Fraction(2), (1, 1))])
    {(2, 0): Fraction(3, 1), (1, 1): Fraction(-2, 1)}
    """
    return {powers: c if sum(powers) % 4 == 0 else -c for c, powers in terms if sum(powers) % 2 == 0}


def probabilities(logits: FloatArray) -> FloatArray:
    """(N, 4): a solution exists, decays by the paper's rule, then in truth; from logits (N, 6), three classes each.

    >>> probabilities(np.log([[0.5, 0.25, 0.25, 0.1, 0.2, 0.7]])).round(6)
    array([[0.5 , 0.25, 0.9 , 0.7 ]])
    """
    classes = logits.reshape(-1, 2, 3).astype(np.float64)
    share = np.exp(classes - classes.max(axis=2, keepdims=True))
    share /= share.sum(axis=2, keepdims=True)
    return np.stack([share[..., 1] + share[..., 2], share[..., 2]], axis=2).reshape(-1, 4)


def in_box(points: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Frequencies (N, D, K) from the network's points: sinh on a line, a share of the interval elsewhere.

    >>> in_box(np.zeros((1, 2, 1)), np.array([[-np.inf, 2.0]]), np.array([[np.inf, 4.0]])).ravel()
    array([0., 3.])
    """
    line = np.isinf(low)
    low, high = np.where(line, 0.0, low), np.where(line, 0.0, high)
    inside = low[:, :, None] + (high - low)[:, :, None] / (1 + np.exp(-np.clip(points, -50, 50)))
    return np.where(line[:, :, None], np.sinh(np.clip(points, -FURTHEST, FURTHEST)), inside)


def balances(coefficient: FloatArray, power: IntArray, points: FloatArray) -> FloatArray:
    """(N, K): the sum of terms (N, T), (N, T, D) at points (N, D, K) over the sum of their sizes; 0 where all vanish.

    >>> balances(np.array([[1.0, -2.0]]), np.array([[[2], [1]]]), np.array([[[1.0, 4.0]]])).round(3)
    array([[-0.333,  0.333]])
    """
    with np.errstate(all="ignore"):
        values = coefficient[:, :, None] * np.prod(points[:, None] ** power[..., None], axis=2)
        return np.asarray(np.nan_to_num(values.sum(axis=1) / np.abs(values).sum(axis=1)))


def shortened(x: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Frequencies (N, D, K) with three digits, for people to read; those that leave the box by that take its end.

    >>> shortened(np.array([[[0.123456, -98765.0, 0.0]]]), np.array([[-np.inf]]), np.array([[1e4]]))
    array([[[ 1.23e-01, -9.88e+04,  0.00e+00]]])
    """
    unit = 10.0 ** (np.floor(np.log10(np.maximum(np.abs(x), 1e-300))) - 2)
    return np.clip(np.round(x / unit) * unit, low[:, :, None], high[:, :, None])


def _exact_point(values: FloatArray, support: Sequence[tuple[Any, Any]]) -> tuple[Fraction, ...]:
    """The decimal fractions with three digits, or the ends of intervals, that doubles stand for."""
    return tuple(
        low if value <= low else high if value >= high else Fraction(f"{value:.3g}")
        for value, (low, high) in zip(values, support, strict=False)
    )


def _stacked(parts: list[Symbol], boxes: list[Any]) -> _Stack:
    N, T, D = len(parts), max(1, *map(len, parts)), max(map(len, boxes))
    coefficient, power = np.zeros((N, T)), np.zeros((N, T, D), dtype=np.int64)
    low, high = np.zeros((N, D)), np.zeros((N, D))
    for i, (terms, box) in enumerate(zip(parts, boxes, strict=True)):
        coefficient[i, : len(terms)] = [float(x) for x in terms.values()]
        power[i, : len(terms), : len(box)] = np.array(list(terms), dtype=np.int64).reshape(len(terms), len(box))
        low[i, : len(box)], high[i, : len(box)] = zip(*((float(a), float(b)) for a, b in box), strict=True)
    return _Stack(np.array([len(box) for box in boxes]), coefficient, power, low, high)


def _is_readable(equation: LinearPDE) -> bool:
    """Whether an equation is like those that the network has seen; it answers anything, but then at random."""
    symbol = real_terms(equation.terms)
    numbers: list[Fraction | float] = [*symbol.values()]
    numbers += (end for interval in equation.support if interval != LINE for end in interval)
    return (
        len(equation.support) <= MOST_DIMENSIONS
        and len(symbol) <= MOST_TERMS
        and all(max(powers) <= MOST_POWER for powers in symbol)
        and all(-LARGEST < x < LARGEST for x in numbers)
    )
