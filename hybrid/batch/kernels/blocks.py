"""Linear algebra on blocks: eight matrices of one shape, (rows, columns, 8), worked on at once.

Nothing in this file is trusted: it makes guesses, which `hybrid.batch.kernels.proof` proves or not.
"""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.compile import inner
from hybrid.batch.kernels.lanes import WIDTH, Flags, FloatArray, Lanes, get, lanes, magnitude, put, root, some, where

_LINE = 8  # doubles in a cache line: a vector that straddles two costs twice


@inner
def block(rows: int, columns: int) -> FloatArray:
    """Room for eight matrices, at the begin of a cache line; what it holds is arbitrary.

    The last index makes it a slice for the compiler, as parts of blocks are, so that there is one kind of block to
    compile for.
    """
    room = np.empty(rows * columns * WIDTH + _LINE)
    begin = (-(room.ctypes.data // 8)) % _LINE
    return room[begin : begin + rows * columns * WIDTH].reshape(rows, columns, WIDTH)[:, :columns]


@inner
def fill(stack: FloatArray, first: int, out: FloatArray) -> None:
    """Read eight matrices of a stack; beyond its end the last one again."""
    for lane in range(WIDTH):
        matrix = stack[min(first + lane, len(stack) - 1)]
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j, lane] = matrix[i, j]


@inner
def spill(X: FloatArray, stack: FloatArray, first: int) -> None:
    """Write eight matrices into a stack, or as many as it has left."""
    for lane in range(min(WIDTH, len(stack) - first)):
        for i in range(X.shape[0]):
            for j in range(X.shape[1]):
                stack[first + lane, i, j] = X[i, j, lane]


@inner
def multiply(X: FloatArray, Y: FloatArray, out: FloatArray) -> None:
    """X Y, in tiles of two by two, which halves the reading; at an odd end the last row or column comes twice."""
    rows, columns = out.shape[0], out.shape[1]
    for i in range(0, rows, 2):
        below = min(i + 1, rows - 1)
        for j in range(0, columns, 2):
            beside = min(j + 1, columns - 1)
            a = b = c = d = lanes(0.0)
            for k in range(X.shape[1]):
                x, y, u, v = get(X, i, k), get(X, below, k), get(Y, k, j), get(Y, k, beside)
                a, b, c, d = a + x * u, b + x * v, c + y * u, d + y * v
            put(out, i, j, a)
            put(out, i, beside, b)
            put(out, below, j, c)
            put(out, below, beside, d)


@inner
def transpose(X: FloatArray, out: FloatArray) -> None:
    """Xᵀ."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            put(out, j, i, get(X, i, j))


@inner
def copy(X: FloatArray, out: FloatArray) -> None:
    """X."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            put(out, i, j, get(X, i, j))


@inner
def replace(X: FloatArray, going: Flags, Y: FloatArray) -> None:
    """Y in the lanes whose flag is set, X in the others: what a lane comes to does not depend on its neighbours."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            put(X, i, j, where(going, get(Y, i, j), get(X, i, j)))


@inner
def combine(X: FloatArray, factor: Lanes, Y: FloatArray, out: FloatArray) -> None:
    """X + factor · Y; `out` may be X or Y."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            put(out, i, j, get(X, i, j) + factor * get(Y, i, j))


@inner
def scale(X: FloatArray, factor: Lanes) -> None:
    """X times a factor, in place."""
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            put(X, i, j, factor * get(X, i, j))


@inner
def scaled_identity(value: Lanes, out: FloatArray) -> None:
    """value · I."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            put(out, i, j, value if i == j else lanes(0.0))


@inner
def symmetrise(X: FloatArray) -> None:
    """(X + Xᵀ)/2 in place."""
    for i in range(X.shape[0]):
        for j in range(i):
            mean = 0.5 * (get(X, i, j) + get(X, j, i))
            put(X, i, j, mean)
            put(X, j, i, mean)


@inner
def norm(X: FloatArray) -> Lanes:
    """Frobenius norm."""
    total = lanes(0.0)
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            total = total + get(X, i, j) * get(X, i, j)
    return root(total)


@inner
def eliminate(W: FloatArray) -> None:
    """Solve X Z = Y for W = [X | Y]: Z takes the place of Y. Gauss with partial pivoting, each lane with its own rows.

    In Crout's order, where every entry is one inner product; two columns at a time, like `multiply`. A singular X gives
    inf and NaN.
    """
    n, columns = W.shape[0], W.shape[1]
    for k in range(n):
        for i in range(k, n):
            total = get(W, i, k)
            for p in range(k):
                total = total - get(W, i, p) * get(W, p, k)
            put(W, i, k, total)
        _bring_up_pivot(W, k)
        for j in range(k + 1, columns, 2):
            _reduce(W, k, 0, k, j, lanes(1.0))
        inverse = 1.0 / get(W, k, k)
        for i in range(k + 1, n):
            put(W, i, k, get(W, i, k) * inverse)
        put(W, k, k, inverse)
    for j in range(n, columns, 2):
        for i in range(n - 1, -1, -1):
            _reduce(W, i, i + 1, n, j, get(W, i, i))


@inner
def _reduce(W: FloatArray, i: int, begin: int, end: int, j: int, factor: Lanes) -> None:
    """Take Σ W_ik W_kj, begin ≤ k < end, off W_ij, and multiply by a factor; in column j and the one beside it."""
    beside = min(j + 1, W.shape[1] - 1)
    a, b = get(W, i, j), get(W, i, beside)
    for k in range(begin, end):
        x = get(W, i, k)
        a, b = a - x * get(W, k, j), b - x * get(W, k, beside)
    put(W, i, j, a * factor)
    put(W, i, beside, b * factor)


@inner
def _bring_up_pivot(W: FloatArray, k: int) -> None:
    """Exchange row k with the one below whose entry in column k is the largest, in each lane for itself."""
    largest, place = magnitude(get(W, k, k)), lanes(float(k))
    for i in range(k + 1, W.shape[0]):
        entry = magnitude(get(W, i, k))
        place = where(entry > largest, lanes(float(i)), place)
        largest = where(entry > largest, entry, largest)
    for i in range(k + 1, W.shape[0]):
        here = place == float(i)
        if some(here):
            for j in range(W.shape[1]):
                above, below = get(W, k, j), get(W, i, j)
                put(W, k, j, where(here, below, above))
                put(W, i, j, where(here, above, below))
