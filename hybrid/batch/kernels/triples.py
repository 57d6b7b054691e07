"""The canonical coordinates of `hybrid.propose.canonical_triple` for stacks of small triples, eight at a time.

The same numbers up to rounding, and up to the signs that cancel in every gain. Guesses, like all that is not in
`hybrid.batch.kernels.proof` and `output_proof`.
"""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.blocks import (
    block,
    combine,
    fill,
    multiply,
    norm,
    replace,
    scale,
    scaled_identity,
    spill,
    symmetrise,
    transpose,
)
from hybrid.batch.kernels.compile import inner, kernel
from hybrid.batch.kernels.lanes import (
    WIDTH,
    Flags,
    FloatArray,
    Lanes,
    get,
    inverse_root_scale,
    lanes,
    magnitude,
    put,
    root,
    some,
    where,
)
from hybrid.batch.kernels.symmetric import cholesky, eigen, exchange, lower_inverse, signed

_BALANCINGS = 12  # sweeps over the states, at most
_FAR, _FARTHEST = 128.0, 1e200  # ratios of a row to its column from which, and up to which, a unit is changed
_SWEEPS = 3  # of the channels' scaling

Stacks = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


@kernel
def balancing(A: FloatArray) -> FloatArray:
    """Units d (N, n) of the states, powers of two, that bring rows and columns of D⁻¹A D to about the same size.

    Where they differ by less than a factor of a hundred or so, all are 1.

    Source: Parlett and Reinsch 1969, Numer. Math. 13, with the sums of |a_ij|.
    """
    count, n = A.shape[0], A.shape[1]
    units = np.empty((count, 1, n))
    a, d = block(n, n), block(1, n)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        for i in range(n):
            put(d, 0, i, lanes(1.0))
        for _ in range(_BALANCINGS):
            going = lanes(0.0) == 1.0
            for i in range(n):
                going = going | _balance_one(a, d, i)
            if not some(going):
                break
        spill(d, units, first)
    return units[:, 0]


@inner
def _balance_one(A: FloatArray, d: FloatArray, i: int) -> Flags:
    """Change the unit of one state where its row and its column differ much; in which lanes."""
    n, row, column = A.shape[0], lanes(0.0), lanes(0.0)
    for j in range(n):
        if j != i:
            row, column = row + magnitude(get(A, i, j)), column + magnitude(get(A, j, i))
    ratio = row / column
    far = ((ratio > _FAR) & (ratio < _FARTHEST)) | ((ratio < 1 / _FAR) & (ratio > 1 / _FARTHEST))
    inverse = inverse_root_scale(where(far, ratio, lanes(1.0)))
    unit = 1.0 / inverse
    put(d, 0, i, get(d, 0, i) * unit)
    for j in range(n):
        if j != i:
            put(A, i, j, get(A, i, j) * inverse)
            put(A, j, i, get(A, j, i) * unit)
    return far


@kernel
def canonical(A: FloatArray, B: FloatArray, C: FloatArray, floor: float, slowest: float) -> Stacks:
    """Canonical A (N, n, n), B (N, n, m), C (N, p, n), and what leads back to the channels of the user.

    Args:
        A, B, C: stacked triples.
        floor, slowest: the constants of `canonical_triple` and `canonical`.

    Returns:
        A, B, C; inputs (N, 2, m) and outputs (N, 2, p): the channel that stands in each place, and its scale with its
        sign, u = scale · u′, y′ = scale · y.

    Source: see `hybrid.propose.canonical_triple`; Golub and Van Loan 2013, §8.5 (Jacobi).
    """
    count, n, m = B.shape
    p = C.shape[1]
    states, inputs, outputs = np.empty((count, n, n)), np.empty((count, n, m)), np.empty((count, p, n))
    of_inputs, of_outputs = np.empty((count, 2, m)), np.empty((count, 2, p))
    a, b, c, turned = block(n, n), block(n, m), block(p, n), block(n, p)
    left, right, work = block(2, m), block(2, p), block(n, n)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        fill(C, first, c)
        rate = _rate(a, slowest)
        scale(a, 1.0 / rate)
        transpose(c, turned)
        _normalise(b, left)
        _normalise(turned, right)
        _scale_and_sort(a, b, turned, left, right)
        _balance(a, b, turned, floor, work)
        for j in range(m):
            put(left, 1, j, get(left, 1, j) * rate)
        transpose(turned, c)
        spill(a, states, first)
        spill(b, inputs, first)
        spill(c, outputs, first)
        spill(left, of_inputs, first)
        spill(right, of_outputs, first)
    return states, inputs, outputs, of_inputs, of_outputs


@inner
def _rate(A: FloatArray, slowest: float) -> Lanes:
    """See `hybrid.propose.canonical.time_scale`."""
    n = A.shape[0]
    size = norm(A) * (1.0 / np.sqrt(n))
    size = where(size > 0.0, size, lanes(1.0))
    X, Y = block(n, n), block(n, n)
    for i in range(n):
        for j in range(n):
            put(X, i, j, get(A, i, j) / size)
    for _ in range(3):
        multiply(X, X, Y)
        for i in range(n):
            for j in range(n):
                put(X, i, j, get(Y, i, j))
    share = root(root(root(norm(X) * (1.0 / np.sqrt(n)))))
    return size * where(share > slowest, share, lanes(slowest))


@inner
def _normalise(B: FloatArray, channels: FloatArray) -> None:
    """Columns of length 1, or 0; `channels` gets their numbers and what they were multiplied by."""
    n, m = B.shape[0], B.shape[1]
    for j in range(m):
        largest = lanes(0.0)
        for i in range(n):
            size = magnitude(get(B, i, j))
            largest = where(size > largest, size, largest)
        largest = where(largest > 0.0, largest, lanes(1.0))
        total = lanes(0.0)
        for i in range(n):
            entry = get(B, i, j) / largest
            total = total + entry * entry
        factor = 1.0 / (largest * where(total > 0.0, root(total), lanes(1.0)))
        for i in range(n):
            put(B, i, j, get(B, i, j) * factor)
        put(channels, 0, j, lanes(float(j)))
        put(channels, 1, j, factor)


@inner
def _scale_and_sort(A: FloatArray, B: FloatArray, C: FloatArray, left: FloatArray, right: FloatArray) -> None:
    """Scales, signs and order of the columns of B and of C (n, p), the outputs transposed."""
    m, p = B.shape[1], C.shape[1]
    energy, together, direct = block(p, m), block(p, m), block(p, m)
    _responses(A, B, C, energy, together, direct)
    rows, columns = block(p, 1), block(m, 1)
    for i in range(p):
        put(rows, i, 0, lanes(1.0))
    for j in range(m):
        put(columns, j, 0, lanes(1.0))
    for _ in range(_SWEEPS):
        for i in range(p):
            total = lanes(0.0)
            for j in range(m):
                total = total + get(energy, i, j) * get(columns, j, 0) * get(columns, j, 0)
            put(rows, i, 0, _inverse_root(total * (1.0 / m)))
        for j in range(m):
            total = lanes(0.0)
            for i in range(p):
                total = total + get(energy, i, j) * get(rows, i, 0) * get(rows, i, 0)
            put(columns, j, 0, _inverse_root(total * (1.0 / p)))
    for i in range(p):
        for j in range(m):
            both = get(rows, i, 0) * get(columns, j, 0)
            put(together, i, j, get(together, i, j) * both)
            entry = get(direct, i, j) * both
            put(direct, i, j, entry * entry)
    _sign(together, rows, columns)
    _apply(B, columns, left, direct, True)
    _apply(C, rows, right, direct, False)


@inner
def _responses(
    A: FloatArray, B: FloatArray, C: FloatArray, energy: FloatArray, together: FloatArray, direct: FloatArray
) -> None:
    """From H_k = C AᵏB/k!, k < n: the sums of squares and of entries, and H_0."""
    n, m, p = B.shape[0], B.shape[1], C.shape[1]
    term, following, H, outputs = block(n, m), block(n, m), block(p, m), block(p, n)
    transpose(C, outputs)
    for i in range(n):
        for j in range(m):
            put(term, i, j, get(B, i, j))
    for k in range(n):
        if k:
            multiply(A, term, following)
            for i in range(n):
                for j in range(m):
                    put(term, i, j, get(following, i, j) * (1.0 / k))
        multiply(outputs, term, H)
        for i in range(p):
            for j in range(m):
                h = get(H, i, j)
                put(energy, i, j, h * h if k == 0 else get(energy, i, j) + h * h)
                put(together, i, j, h if k == 0 else get(together, i, j) + h)
                if k == 0:
                    put(direct, i, j, h)


@inner
def _inverse_root(square: Lanes) -> Lanes:
    return 1.0 / root(where(square > 0.0, square, lanes(1.0)))


@inner
def _sign(X: FloatArray, rows: FloatArray, columns: FloatArray) -> None:
    """Signs that make the leading singular vectors of X positive."""
    p, m = X.shape[0], X.shape[1]
    gram, turned, vectors = block(m, m), block(m, p), block(m, m)
    transpose(X, turned)
    multiply(turned, X, gram)
    eigen(gram, vectors)
    for j in range(m):
        put(columns, j, 0, signed(get(columns, j, 0), get(vectors, j, 0)))
    for i in range(p):
        total = lanes(0.0)
        for j in range(m):
            total = total + get(X, i, j) * get(vectors, j, 0)
        put(rows, i, 0, signed(get(rows, i, 0), total))


@inner
def _apply(B: FloatArray, factors: FloatArray, channels: FloatArray, direct: FloatArray, of_columns: bool) -> None:
    """Multiply the columns of B by their factors, and sort them by the sums of the columns (rows) of `direct`."""
    n, m = B.shape[0], B.shape[1]
    keys = block(m, 1)
    for j in range(m):
        total = lanes(0.0)
        for i in range(direct.shape[0] if of_columns else direct.shape[1]):
            total = total + (get(direct, i, j) if of_columns else get(direct, j, i))
        put(keys, j, 0, total)
        put(channels, 1, j, get(channels, 1, j) * get(factors, j, 0))
        for i in range(n):
            put(B, i, j, get(B, i, j) * get(factors, j, 0))
    for last in range(m - 1, 0, -1):
        for j in range(last):
            swap = get(keys, j + 1, 0) > get(keys, j, 0)
            if not some(swap):
                continue
            x, y = get(keys, j, 0), get(keys, j + 1, 0)
            put(keys, j, 0, where(swap, y, x))
            put(keys, j + 1, 0, where(swap, x, y))
            exchange(B, swap, j)
            exchange(channels, swap, j)


@inner
def _balance(A: FloatArray, B: FloatArray, C: FloatArray, floor: float, work: FloatArray) -> None:
    """Balanced coordinates of the state, in place; C is (n, p), the outputs transposed."""
    n = A.shape[0]
    turned, L, T, inverse, values = block(n, n), block(n, n), block(n, n), block(n, n), block(n, n)
    _gramian(A, B, floor, L)
    cholesky(L)
    transpose(A, turned)
    _gramian(turned, C, floor, T)
    transpose(L, turned)
    multiply(T, L, work)
    multiply(turned, work, values)
    symmetrise(values)
    vectors = block(n, n)
    eigen(values, vectors)
    multiply(L, vectors, T)
    lower_inverse(L, work)
    transpose(vectors, turned)
    multiply(turned, work, inverse)
    for j in range(n):
        fourth = root(root(get(values, j, j)))
        total = lanes(0.0)
        for i in range(n):
            put(T, i, j, get(T, i, j) / fourth)
            put(inverse, j, i, get(inverse, j, i) * fourth)
            for k in range(B.shape[1]):
                total = total + get(inverse, j, i) * get(B, i, k)
        for i in range(n):
            put(T, i, j, signed(get(T, i, j), total))
            put(inverse, j, i, signed(get(inverse, j, i), total))
    multiply(inverse, A, work)
    multiply(work, T, A)
    _replace_by(inverse, B)
    transpose(T, turned)
    _replace_by(turned, C)


@inner
def _replace_by(T: FloatArray, B: FloatArray) -> None:
    """T B in the place of B."""
    n, m = B.shape[0], B.shape[1]
    product = block(n, m)
    multiply(T, B, product)
    replace(B, lanes(0.0) == 0.0, product)


@inner
def _gramian(A: FloatArray, B: FloatArray, floor: float, W: FloatArray) -> None:
    """Σ_k B_k B_kᵀ, B_k = AᵏB/k!, k < n, with the floor."""
    n, m = B.shape[0], B.shape[1]
    term, following, turned, square = block(n, m), block(n, m), block(m, n), block(n, n)
    combine(B, lanes(0.0), B, term)
    scaled_identity(lanes(0.0), W)
    for k in range(n):
        if k:
            multiply(A, term, following)
            combine(following, lanes(1.0 / k - 1.0), following, term)
        transpose(term, turned)
        multiply(term, turned, square)
        combine(W, lanes(1.0), square, W)
    trace = lanes(0.0)
    for i in range(n):
        trace = trace + get(W, i, i)
    trace = where(trace > 0.0, trace, lanes(1.0)) * (floor / n)
    for i in range(n):
        put(W, i, i, get(W, i, i) + trace)
