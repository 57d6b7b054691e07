"""Controllability modulo a prime, for stacks of pairs of doubles.

Doubles are elements of Z[1/2], which has residues modulo the prime p = 2³¹ − 1 like Z, because 2 has an inverse modulo
p (2³¹ ≡ 1, so 2^e ≡ 2^(e mod 31)). A minor of [B AB … Aⁿ⁻¹B] that is not 0 modulo p is not 0: full rank modulo p proves
controllability. Clearing the denominators multiplies A and B by powers of two, and so each column of the Kalman matrix
by a unit: the rank modulo p that the stand-alone checker finds for the cleared integers is the same.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hybrid.batch.kernels.compile import inner, kernel
from hybrid.batch.kernels.lanes import BoolArray, FloatArray

PRIME = 2**31 - 1
"""A Mersenne prime; products of residues fit 64 bits."""

IntArray = NDArray[np.int64]


@kernel
def full_rank(A: FloatArray, B: FloatArray) -> BoolArray:
    """For each pair A (N, n, n), B (N, n, m), all finite: whether its Kalman matrix has rank n modulo `PRIME`."""
    count, n, m = B.shape
    full = np.zeros(count, dtype=np.bool_)
    a, basis, rest = np.empty((n, n), np.int64), np.empty((n, n), np.int64), np.empty((n + m, n), np.int64)
    pivots = np.empty(n, np.int64)
    for row in range(count):
        for i in range(n):
            for j in range(n):
                a[i, j] = _residue(A[row, i, j])
            for j in range(m):
                rest[j, i] = _residue(B[row, i, j])
        full[row] = _span(a, rest, m, basis, pivots) == n
    return full


@inner
def _span(a: IntArray, rest: IntArray, waiting: int, basis: IntArray, pivots: IntArray) -> int:
    """Dimension of the smallest subspace that holds the first rows of `rest` and is invariant under a."""
    n, dimension, next_one = len(a), 0, 0
    while next_one < waiting and dimension < n:
        slot = next_one % len(rest)
        next_one += 1
        for k in range(dimension):
            factor = rest[slot, pivots[k]]
            if factor:
                for j in range(n):
                    rest[slot, j] = (rest[slot, j] + (PRIME - factor) * basis[k, j]) % PRIME
        pivot = 0
        while pivot < n and rest[slot, pivot] == 0:
            pivot += 1
        if pivot == n:
            continue
        inverse = _power(rest[slot, pivot], PRIME - 2)
        for j in range(n):
            basis[dimension, j] = rest[slot, j] * inverse % PRIME
        pivots[dimension] = pivot
        image = waiting % len(rest)
        for i in range(n):
            total = 0
            for j in range(n):
                total = (total + a[i, j] * basis[dimension, j]) % PRIME
            rest[image, i] = total
        waiting += 1
        dimension += 1
    return dimension


@inner
def _residue(x: float) -> int:
    """x modulo `PRIME`."""
    fraction, exponent = math.frexp(x)
    return int(fraction * 2.0**53) % PRIME * (1 << (exponent - 53) % 31) % PRIME


@inner
def _power(base: int, exponent: int) -> int:
    """base^exponent modulo `PRIME`."""
    result = 1
    while exponent:
        if exponent & 1:
            result = result * base % PRIME
        base = base * base % PRIME
        exponent >>= 1
    return result
