"""Symmetric matrices, eight at a time: Cholesky's factor, its inverse, and eigenvectors by Jacobi's rotations."""

from __future__ import annotations

from hybrid.batch.kernels.blocks import scaled_identity
from hybrid.batch.kernels.compile import inner
from hybrid.batch.kernels.lanes import FloatArray, Lanes, get, lanes, magnitude, put, root, some, where

_ROTATIONS = 12  # sweeps of Jacobi's method, at most
_DIAGONAL = 1e-24  # what is left off the diagonal, of the square of the norm


@inner
def cholesky(W: FloatArray) -> None:
    """The lower factor in place, zeros above."""
    n = W.shape[0]
    for i in range(n):
        for j in range(i + 1):
            total = get(W, i, j)
            for k in range(j):
                total = total - get(W, i, k) * get(W, j, k)
            put(W, i, j, root(total) if i == j else total / get(W, j, j))
        for j in range(i + 1, n):
            put(W, i, j, lanes(0.0))


@inner
def lower_inverse(L: FloatArray, out: FloatArray) -> None:
    """Of a lower triangular matrix."""
    n = L.shape[0]
    for j in range(n):
        for i in range(n):
            total = lanes(1.0 if i == j else 0.0)
            for k in range(j, i):
                total = total - get(L, i, k) * get(out, k, j)
            put(out, i, j, total / get(L, i, i) if i >= j else lanes(0.0))


@inner
def eigen(S: FloatArray, V: FloatArray) -> None:
    """Eigenvectors of a symmetric S in the columns of V, their eigenvalues on the diagonal of S, falling."""
    n = S.shape[0]
    scaled_identity(lanes(1.0), V)
    for _ in range(_ROTATIONS):
        off, all_ = lanes(0.0), lanes(0.0)
        for i in range(n):
            all_ = all_ + get(S, i, i) * get(S, i, i)
            for j in range(i):
                off = off + get(S, i, j) * get(S, i, j)
        if not some(off > _DIAGONAL * all_):
            break
        for q in range(1, n):
            for p in range(q):
                _rotate(S, V, p, q)
    for last in range(n - 1, 0, -1):
        for j in range(last):
            swap = get(S, j + 1, j + 1) > get(S, j, j)
            x, y = get(S, j, j), get(S, j + 1, j + 1)
            put(S, j, j, where(swap, y, x))
            put(S, j + 1, j + 1, where(swap, x, y))
            exchange(V, swap, j)


@inner
def _rotate(S: FloatArray, V: FloatArray, p: int, q: int) -> None:
    """One rotation that makes S_pq zero."""
    n, x = S.shape[0], get(S, p, q)
    none = x == 0.0
    slope = (get(S, q, q) - get(S, p, p)) / where(none, lanes(1.0), 2.0 * x)
    tangent = 1.0 / (magnitude(slope) + root(slope * slope + 1.0))
    tangent = where(none, lanes(0.0), signed(tangent, slope))
    cosine = 1.0 / root(tangent * tangent + 1.0)
    sine = tangent * cosine
    put(S, p, p, get(S, p, p) - tangent * x)
    put(S, q, q, get(S, q, q) + tangent * x)
    put(S, p, q, lanes(0.0))
    put(S, q, p, lanes(0.0))
    for k in range(n):
        if k != p and k != q:
            u, v = get(S, k, p), get(S, k, q)
            put(S, k, p, cosine * u - sine * v)
            put(S, p, k, cosine * u - sine * v)
            put(S, k, q, sine * u + cosine * v)
            put(S, q, k, sine * u + cosine * v)
        u, v = get(V, k, p), get(V, k, q)
        put(V, k, p, cosine * u - sine * v)
        put(V, k, q, sine * u + cosine * v)


@inner
def exchange(X: FloatArray, swap: Lanes, j: int) -> None:
    """Columns j and j + 1 in the lanes whose flag is set."""
    for i in range(X.shape[0]):
        x, y = get(X, i, j), get(X, i, j + 1)
        put(X, i, j, where(swap, y, x))
        put(X, i, j + 1, where(swap, x, y))


@inner
def signed(x: Lanes, sign: Lanes) -> Lanes:
    """x, or −x where the other is negative."""
    return where(sign < 0.0, 0.0 - x, x)
