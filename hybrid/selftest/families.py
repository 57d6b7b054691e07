"""The families of cases: each draws stacks whose truth is known by construction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hybrid.selftest import loops, spectra, structured, symbols
from hybrid.selftest.spectra import Draw
from hybrid.selftest.stacks import Stack


@dataclass(frozen=True)
class Family:
    """How to draw a stack, of how many cases, and what they are."""

    draw: Callable[[Draw, int], Stack]
    size: int
    about: str


FAMILIES = {
    "integer similarity": Family(spectra.integer_similarity, 256, "abscissa 0 or ±1 unit, hidden by integer matrices"),
    "rational similarity": Family(spectra.rational_similarity, 128, "the same with fractions that no double holds"),
    "one ulp": Family(spectra.one_ulp, 256, "the same, in units of the last place of the largest entries"),
    "large plants": Family(spectra.large_plants, 2, "the same of up to 24 states, where floats decide first"),
    "tiny spectra": Family(spectra.tiny_spectra, 256, "all eigenvalues of size 1e-300"),
    "tiny beside large": Family(spectra.tiny_beside_large, 32, "abscissa 0 or ±1e-300 beside eigenvalues of size 1"),
    "Jordan blocks": Family(spectra.jordan_blocks, 256, "real and complex, at and beside the boundary"),
    "clustered companions": Family(spectra.clustered_companions, 256, "companion matrices with clusters of roots"),
    "Kahan": Family(structured.kahan, 128, "triangular with a corner that makes them singular"),
    "Wilkinson": Family(structured.wilkinson, 64, "tridiagonal, shifted by an eigenvalue"),
    "huge entries": Family(spectra.huge_entries, 256, "entries of 1e±300 in one matrix"),
    "subnormals": Family(spectra.subnormals, 256, "entries below 2.2e-308"),
    "less than an ulp": Family(structured.less_than_an_ulp, 256, "stable or not by less than one ulp of one entry"),
    "Hamiltonian": Family(structured.hamiltonian, 256, "centres, saddles and drifts"),
    "gyroscopic": Family(structured.gyroscopic, 256, "gyroscopic stabilisation and its limit"),
    "unit circle": Family(spectra.unit_circle, 256, "discrete time, radius 1 or beside it"),
    "small integers": Family(structured.small_integers, 32, "any matrices of small integers, in both times"),
    "uncontrollable": Family(loops.uncontrollable, 128, "pairs with states that no input reaches"),
    "barely controllable": Family(loops.barely_controllable, 128, "modes reached with a strength of 1e-16, or not"),
    "barely stabilising": Family(loops.barely_stabilising, 256, "gains whose closed loop lies at the boundary"),
    "output gains": Family(loops.output_gains, 2, "plants that an output gain stabilises, or that none does"),
    "folds and poles": Family(loops.folds_and_poles, 2, "equilibria at folds and beside poles of the equations"),
    "PDE symbols": Family(symbols.zero_minima, 4, "symbols whose minimum is zero, or misses it by little"),
}
