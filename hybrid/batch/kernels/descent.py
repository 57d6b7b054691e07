"""Static gains by quasi-Newton descent of the growth of a closed loop, for stacks of small plants, eight at a time.

With E = (γI − M)⁻¹(γI + M), or E = γM in discrete time, M = A − B K C is stable where and only where the powers of E
fall; the growth g = ‖E^k‖^(1/k), k = 2ˢ, bounds the spectral radius of E from above and tends to it, and it has a
gradient where a radius has none. BFGS descends it from each start until g < 1 by some margin. A lane that is done takes
the next start, of any plant that is left, so that none waits for its neighbours.

Guesses, like all that is not in `hybrid.batch.kernels.proof` and `output_proof`.

Source: Nocedal and Wright 2006, algorithm 6.1 (BFGS), with backtracking alone.
"""

from __future__ import annotations

import numpy as np

from hybrid.batch.kernels.blocks import (
    block,
    combine,
    copy,
    eliminate,
    fill,
    multiply,
    norm,
    scale,
    scaled_identity,
    transpose,
)
from hybrid.batch.kernels.compile import inner, kernel
from hybrid.batch.kernels.lanes import WIDTH, FloatArray, Lanes, get, lanes, put, root, where

_SMALLEST = 1e-150
_DECREASE = 1e-4  # of Armijo's condition
_FARTHEST = 1.0  # length of a first step
_SHORTEST = 1e-7  # of the steps tried along a line

_VALUE, _STEP, _SLOPE, _MOVES = 0, 1, 2, 3  # rows of the state of the lanes


@kernel
def growths(
    A: FloatArray, B: FloatArray, C: FloatArray, K: FloatArray, gamma: FloatArray, discrete: bool, squarings: int
) -> FloatArray:
    """g of the closed loops of candidates K (N, c, m, p), below 1 where it is certainly stable but for rounding.

    Args:
        A, B, C: (N, n, n), (N, n, m), (N, p, n).
        gamma: (N,), about the size of M.
        discrete: E = γM.
        squarings: s.
    """
    count, n, m = B.shape
    p, candidates = C.shape[1], K.shape[1]
    found = np.empty((count, candidates))
    a, b, c, k = block(n, n), block(n, m), block(p, n), block(m, p)
    factor, g = block(1, 1), block(1, 1)
    M, both, chain, norms = block(n, n), block(n, 2 * n), block((squarings + 1) * n, n), block(squarings + 1, 1)
    for first in range(0, count, WIDTH):
        fill(A, first, a)
        fill(B, first, b)
        fill(C, first, c)
        for lane in range(WIDTH):
            factor[0, 0, lane] = gamma[min(first + lane, count - 1)]
        for i in range(candidates):
            fill(K[:, i], first, k)
            _loop(a, b, c, k, M)
            _image(M, get(factor, 0, 0), discrete, both, chain[:n])
            put(g, 0, 0, _growth(chain, norms))
            for lane in range(min(WIDTH, count - first)):
                found[first + lane, i] = g[0, 0, lane]
    return found


@kernel
def descend(
    A: FloatArray,
    B: FloatArray,
    C: FloatArray,
    free: FloatArray,
    starts: FloatArray,
    gamma: FloatArray,
    discrete: bool,
    squarings: int,
    target: float,
    evaluations: int,
) -> tuple[FloatArray, FloatArray]:
    """The gain (N, m, p) with the least g that descents from the starts (N, c, m, p) came to, and that g (N,).

    Args:
        A, B, C, gamma, discrete, squarings: as for `growths`.
        free: (N, m, p), 1 where an entry of K is free and 0 where it is zero.
        starts: the descents from the first ones come first; the next ones follow where none reached the target.
        target: a g that is good enough.
        evaluations: of g, at most, on the way from one start.
    """
    count, n, m = B.shape
    p, size = C.shape[1], B.shape[2] * C.shape[1]
    best, least = np.zeros((count, m, p)), np.full(count, np.inf)
    a, b, c, k, mask, gradient = block(n, n), block(n, m), block(p, n), block(m, p), block(m, p), block(m, p)
    M, both, chain, norms = block(n, n), block(n, 2 * n), block((squarings + 1) * n, n), block(squarings + 1, 1)
    work, factor, state = block(4 * n, n), block(1, 1), block(4, 1)
    x, direction, slope, H, pairs = block(size, 1), block(size, 1), block(size, 1), block(size, size), block(size, 3)
    row, spent, job, busy = np.full(WIDTH, -1), np.zeros(WIDTH, np.int64), 0, 0
    jobs = count * starts.shape[1]  # all from the first starts, then those from the second of what is left, …
    for room in (a, b, c, mask, factor, x, direction, slope, H, state):
        room[:] = 0.0
    while True:
        for lane in range(WIDTH):
            while row[lane] < 0 and job < jobs:
                at, start = job % count, job // count
                job += 1
                if least[at] >= target:
                    row[lane], spent[lane], busy = at, 0, busy + 1
                    _take(A, B, C, free, gamma, at, lane, a, b, c, mask, factor)
                    _begin(starts, at, start, lane, x, direction, slope, H, state)
        if not busy:
            return best, least
        _trial(x, direction, get(state, _STEP, 0), k)
        _loop(a, b, c, k, M)
        _image(M, get(factor, 0, 0), discrete, both, chain[:n])
        g = _growth(chain, norms)
        _gradient(chain, norms, g, both, get(factor, 0, 0), discrete, b, c, work, gradient)
        _cut(gradient, mask)
        _move(g, target, k, gradient, x, direction, slope, H, pairs, state)
        for lane in range(WIDTH):
            at = row[lane]
            if at < 0:
                continue
            spent[lane] += 1
            value = state[_VALUE, 0, lane]
            stuck = spent[lane] >= evaluations or state[_STEP, 0, lane] < _SHORTEST
            if not (stuck or value < target or least[at] < target):
                continue
            row[lane], busy = -1, busy - 1
            if value < least[at]:
                least[at] = value
                for i in range(m):
                    for j in range(p):
                        best[at, i, j] = x[i * p + j, 0, lane]


@inner
def _cut(gradient: FloatArray, mask: FloatArray) -> None:
    """Zeros where entries are not free."""
    for i in range(gradient.shape[0]):
        for j in range(gradient.shape[1]):
            put(gradient, i, j, get(gradient, i, j) * get(mask, i, j))


@inner
def _take(
    A: FloatArray, B: FloatArray, C: FloatArray, free: FloatArray, gamma: FloatArray, row: int, lane: int,
    a: FloatArray, b: FloatArray, c: FloatArray, mask: FloatArray, factor: FloatArray,
) -> None:  # fmt: skip
    """Put a plant into a lane."""
    factor[0, 0, lane] = gamma[row]
    for stack, room in ((A, a), (B, b), (C, c), (free, mask)):
        for i in range(room.shape[0]):
            for j in range(room.shape[1]):
                room[i, j, lane] = stack[row, i, j]


@inner
def _begin(
    starts: FloatArray, row: int, start: int, lane: int,
    x: FloatArray, direction: FloatArray, slope: FloatArray, H: FloatArray, state: FloatArray,
) -> None:  # fmt: skip
    """Let a lane begin at a start: a step of length 0 there is taken first, because every g is below ∞."""
    p = starts.shape[3]
    for e in range(x.shape[0]):
        x[e, 0, lane] = starts[row, start, e // p, e % p]
        direction[e, 0, lane] = slope[e, 0, lane] = 0.0
    state[_VALUE, 0, lane], state[_STEP, 0, lane] = np.inf, 1.0
    state[_SLOPE, 0, lane] = state[_MOVES, 0, lane] = 0.0


@inner
def _trial(x: FloatArray, direction: FloatArray, step: Lanes, k: FloatArray) -> None:
    p = k.shape[1]
    for i in range(k.shape[0]):
        for j in range(p):
            put(k, i, j, get(x, i * p + j, 0) + step * get(direction, i * p + j, 0))


@inner
def _loop(A: FloatArray, B: FloatArray, C: FloatArray, K: FloatArray, M: FloatArray) -> None:
    """A − B K C."""
    n = A.shape[0]
    gain, product = block(K.shape[0], n), block(n, n)
    multiply(K, C, gain)
    multiply(B, gain, product)
    combine(A, lanes(-1.0), product, M)


@inner
def _image(M: FloatArray, gamma: Lanes, discrete: bool, both: FloatArray, E: FloatArray) -> None:
    """E; in continuous time (γI − M)⁻¹ is left in the right half of `both`."""
    n = M.shape[0]
    if discrete:
        copy(M, E)
        scale(E, gamma)
        return
    left, inverse = both[:, :n], both[:, n:]
    scaled_identity(gamma, left)
    combine(left, lanes(-1.0), M, left)
    scaled_identity(lanes(1.0), inverse)
    eliminate(both)
    scaled_identity(lanes(-1.0), E)
    combine(E, 2.0 * gamma, inverse, E)


@inner
def _growth(chain: FloatArray, norms: FloatArray) -> Lanes:
    """g from E, the first of the chain; the others become its powers E, E², E⁴, …, all but the last of norm 1."""
    n, squarings = chain.shape[1], norms.shape[0] - 1
    for i in range(squarings + 1):
        E = chain[i * n : (i + 1) * n]
        size = norm(E)
        size = where(size < _SMALLEST, lanes(_SMALLEST), size)
        put(norms, i, 0, size)
        if i < squarings:
            scale(E, 1.0 / size)
            multiply(E, E, chain[(i + 1) * n : (i + 2) * n])
    g = get(norms, squarings, 0)
    for i in range(squarings - 1, -1, -1):
        g = get(norms, i, 0) * root(g)
    return g


@inner
def _gradient(
    chain: FloatArray, norms: FloatArray, g: Lanes, both: FloatArray, gamma: Lanes, discrete: bool,
    B: FloatArray, C: FloatArray, work: FloatArray, gradient: FloatArray,
) -> None:  # fmt: skip
    """∂g/∂K: the chain of squares backwards, from ∂ log‖E‖ = ⟨E, dE⟩/‖E‖²."""
    n, squarings = chain.shape[1], norms.shape[0] - 1
    G, turned, left, right = work[:n], work[n : 2 * n], work[2 * n : 3 * n], work[3 * n :]
    last = get(norms, squarings, 0)
    copy(chain[squarings * n :], G)
    scale(G, 1.0 / (last * last))
    for i in range(squarings - 1, -1, -1):
        transpose(chain[i * n : (i + 1) * n], turned)
        multiply(G, turned, left)
        multiply(turned, G, right)
        combine(left, lanes(1.0), right, G)
        scale(G, 0.5 / get(norms, i, 0))
    if discrete:
        scale(G, gamma)
    else:
        transpose(both[:, n:], turned)
        multiply(turned, G, left)
        multiply(left, turned, G)
        scale(G, 2.0 * gamma)
    seen, inputs, outputs = block(B.shape[1], n), block(B.shape[1], n), block(n, C.shape[0])
    transpose(B, inputs)
    transpose(C, outputs)
    multiply(inputs, G, seen)
    multiply(seen, outputs, gradient)
    scale(gradient, 0.0 - g)


@inner
def _move(
    g: Lanes, target: float, k: FloatArray, gradient: FloatArray, x: FloatArray, direction: FloatArray,
    slope: FloatArray, H: FloatArray, pairs: FloatArray, state: FloatArray,
) -> None:  # fmt: skip
    """Go where the trial was lower and take a new direction there, or try a shorter step; each lane for itself."""
    size, p = x.shape[0], k.shape[1]
    value, step = get(state, _VALUE, 0), get(state, _STEP, 0)
    falls, moves = get(state, _SLOPE, 0), get(state, _MOVES, 0)
    lower = g < value + _DECREASE * step * falls
    curvature, turned, length = lanes(0.0), lanes(0.0), lanes(0.0)
    for e in range(size):
        there, before = get(gradient, e // p, e % p), get(slope, e, 0)
        moved = get(k, e // p, e % p) - get(x, e, 0)
        put(pairs, e, 0, moved)
        put(pairs, e, 1, there - before)
        curvature = curvature + moved * (there - before)
        turned = turned + (there - before) * (there - before)
        length = length + there * there
        put(slope, e, 0, where(lower, there, before))
        put(x, e, 0, where(lower, get(k, e // p, e % p), get(x, e, 0)))
    fresh = moves == 0.0
    second = moves == 1.0
    _update(H, pairs, lower & (curvature > 0.0), curvature, where(second, curvature / turned, lanes(1.0)), second)
    length = root(length)
    way = (g - target) / length  # to the target, if the slope stays as it is
    first = where(way > _FARTHEST, lanes(_FARTHEST), way) / length
    falling = lanes(0.0)
    for e in range(size):
        total = lanes(0.0)
        for f in range(size):
            total = total - get(H, e, f) * get(slope, f, 0)
        put(pairs, e, 2, total)
        falling = falling + total * get(slope, e, 0)
    useless = (fresh | (falling >= 0.0)) & lower
    falling = where(useless, 0.0 - length * length * first, falling)
    for e in range(size):
        ahead = where(useless, 0.0 - first * get(slope, e, 0), get(pairs, e, 2))
        put(direction, e, 0, where(lower, ahead, get(direction, e, 0)))
        for f in range(size):
            put(H, e, f, where(useless, lanes(1.0 if e == f else 0.0), get(H, e, f)))
    shorter = (0.0 - falls) * step * step / (2.0 * (g - value - step * falls))
    shorter = where(shorter > 0.1 * step, shorter, 0.1 * step)
    shorter = where(shorter < 0.5 * step, shorter, 0.5 * step)
    put(state, _VALUE, 0, where(lower, g, value))
    put(state, _STEP, 0, where(lower, lanes(1.0), shorter))
    put(state, _SLOPE, 0, where(lower, falling, falls))
    put(state, _MOVES, 0, where(lower, moves + 1.0, moves))


@inner
def _update(H: FloatArray, pairs: FloatArray, valid: Lanes, curvature: Lanes, first: Lanes, second: Lanes) -> None:
    """The BFGS update of the inverse Hessian, scaled to the function by `first` when it is the first one."""
    size = H.shape[0]
    for e in range(size):
        for f in range(size):
            put(H, e, f, where(valid & second, get(H, e, f) * first, get(H, e, f)))
    form = lanes(0.0)
    for e in range(size):
        total = lanes(0.0)
        for f in range(size):
            total = total + get(H, e, f) * get(pairs, f, 1)
        put(pairs, e, 2, total)
        form = form + total * get(pairs, e, 1)
    inverse = 1.0 / curvature
    more = (1.0 + form * inverse) * inverse
    for e in range(size):
        for f in range(size):
            s, image = get(pairs, e, 0), get(pairs, e, 2)
            t, other = get(pairs, f, 0), get(pairs, f, 2)
            value = get(H, e, f) - (s * other + image * t) * inverse + more * s * t
            put(H, e, f, where(valid, value, get(H, e, f)))
