"""Check claims that no static gain exists; `checker.py` calls this file, which has to lie beside it.

The gain K is real, u = −K y with y = C x and D = 0 (C = I for state feedback), free in some entries and 0 in the
others. The claim is that A − B K C has an eigenvalue outside the region for every such K, or for one of several systems
whichever K they share. Eigenvalues on the boundary of the region are outside.

p_K(s) is the characteristic polynomial with the region moved to the left half plane: det(sI − A + B K C + edge · I), or
(1 − s)ⁿ q((1 + s)/(1 − s)) with q that of (A − B K C)/edge in discrete time. If every eigenvalue is in the region, each
of its n + 1 coefficients is positive. It is a sum over the sets T of free entries without two in one row or column,
Π_T K_ij π_T(s) (Cauchy and Binet), and so is determined by the K that are 1 on such a set and 0 elsewhere. Every proof
below computes these polynomials anew.

  fixed modes  f, and |I| + 1 vectors of polynomials (x, u) with (s − A) x + B_I u = 0 modulo f and C_J x = 0, which are
    independent at every root of f; J holds the outputs with a free entry of K into an input outside the set I. Then
    [λ − A, B_I; C_J, 0] has a rank below n at each root λ of f, and so has, for every K, λ − A + B K C =
    [1, B_Iᶜ K_IᶜJ] · [λ − A, B_I; C_J, 0] · [1; K_I C] (Anderson and Clements 1981). One root is outside the region.
  coefficient signs  y ≥ 0, not zero, for which Σ y_j · (coefficient j of p_K) is the same for all K, and not positive.
  blocking zero  a real z ≥ 0 in [lo, hi] where all p_K are equal, and p_0(z) < 0: p_K has a root beyond z.
  scalar gain  where all p_K lie on the line p_0 + k (p_E − p_0), with K = 1 at one free entry in p_E: an eigenvalue
    crosses the boundary only where R(k) = 0, R the product of the first and the last coefficient of p and the resultant
    of its even and odd part. One sample in every interval between neighbouring roots, and before and after all of them,
    where an eigenvalue is outside, shows that no k is good. Where R = 0 for all k, no k makes the parts coprime, as
    those of a Hurwitz polynomial are (Hermite–Biehler).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

MAX_GAINS = 300  # sets T, for each of which a characteristic polynomial is computed
MAX_STATES = 30  # of a scalar gain, half a minute
MAX_BISECTIONS = 2000
_PRIME = (1 << 521) - 1

Rows = list[list[Fraction]]
Poly = list[int]  # coefficients of 1, s, s², …
Entry = tuple[int, int]  # (input, output) of K


def read(claim: dict[str, Any], systems: list[Any], core: Any) -> _NoStaticGain:
    """The claim: `words()` says it, `prove(method, witness)` proves it, or refuses it by an exception."""
    return _NoStaticGain(claim, systems, core)


class _NoStaticGain:
    """The claim about one system, or about several that share K; with `plant` it is about that one alone."""

    methods = ("fixed modes", "coefficient signs", "blocking zero", "scalar gain")

    def __init__(self, claim: dict[str, Any], systems: list[Any], core: Any) -> None:
        core._fields(claim, "The claim", "about verdict", "output structure decay")
        self.core, self.systems, self.output = core, systems, claim.get("output", False)
        if not isinstance(self.output, bool):
            raise core.Unreadable("output has to be true or false.")
        self.region = core._Region.read(claim, systems[0].discrete)
        shapes = {(len(system.need("B")[0]), len(self._measured(system))) for system in systems}
        if len(shapes) != 1:
            raise core.Unreadable("The systems have to have as many inputs and outputs as each other.")
        ((m, p),) = shapes
        every = [[1] * p] * m
        mask = core._structure(claim["structure"], every) if "structure" in claim else every
        self.full = all(map(all, mask))
        self.free = [(i, j) for i in range(m) for j in range(p) if mask[i][j]]

    def _measured(self, system: Any) -> Rows:
        if self.output:
            measured: Rows = system.need("C")
            return measured
        n = len(system.A)
        return [[Fraction(i == j) for j in range(n)] for i in range(n)]

    def words(self) -> str:
        loop = "A − B K C" if self.output else "A − B K"
        zeros = "" if self.full else ", K being 0 where its structure is,"
        which = loop if len(self.systems) == 1 else f"{loop} of every system"
        return f"there is no K for which{zeros} {which} has only eigenvalues with {self.region}"

    def prove(self, method: str, witness: Any) -> None:
        feedthrough = any(any(map(any, system.D or [])) for system in self.systems)
        self.core._expect(not self.output or not feedthrough, "Output feedback needs D to be zero.")
        loops = [_Loop(system, self._measured(system), self.region, self.core) for system in self.systems]
        if method == "coefficient signs":
            _prove_by_signs(loops, self.free, witness, self.core)
        elif method == "scalar gain":
            _prove_by_samples(loops, self.free, witness, self.core)
        else:
            self.core._expect(len(loops) == 1, "This method is about one system.")
            prove = _prove_fixed_modes if method == "fixed modes" else _prove_blocking_zero
            prove(loops[0], self.free, witness, self.core)


class _Loop:
    """A − B K C, and the region that its eigenvalues should lie in."""

    def __init__(self, system: Any, C: Rows, region: Any, core: Any) -> None:
        self.A, self.B, self.C = system.A, system.need("B"), C
        self.n, self.edge, self.discrete, self.core = len(self.A), region.edge, region.discrete, core

    def coefficients(self, gain: dict[Entry, Fraction]) -> list[Fraction]:
        """Those of p_K, n + 1 of them, the last of which may be 0 in discrete time."""
        moved = self._moved(gain)
        N, d = self.core._integers(moved)
        p = [c * d**k for k, c in enumerate(self.core._characteristic(N))]  # of the eigenvalues themselves, times dⁿ
        if self.discrete:
            halves = [c << k for k, c in enumerate(self.core._taylor(p, -1))]  # in powers of 2/(1 − s) = z + 1
            p = self.core._reflected(self.core._taylor(halves[::-1], 1))
        return [Fraction(c, d**self.n) for c in p]

    def trace(self) -> Fraction:
        moved = self._moved({})
        return sum((moved[i][i] for i in range(self.n)), Fraction(0))

    def trace_moved_by(self, entry: Entry) -> Fraction:
        """What K = 1 at this entry takes from the trace."""
        i, j = entry
        change = sum((b[i] * c for b, c in zip(self.B, self.C[j], strict=True)), Fraction(0))
        return change / self.edge if self.discrete else change

    def expect_affordable(self, gains: int) -> None:
        """That so many characteristic polynomials are not too much work in all."""
        n, w = self.n, self.core._digits(self.core._integers(self._moved({}))[0])
        self.core._afford(gains * (n**4 // 4 + 1) * (20 + n * w * w // 2))

    def _moved(self, gain: dict[Entry, Fraction]) -> Rows:
        rows = [list(row) for row in self.A]
        for (i, j), k in gain.items():
            for row, b in zip(rows, self.B, strict=True):
                if b[i] and k:
                    row[:] = [x - b[i] * k * c for x, c in zip(row, self.C[j], strict=True)]
        for i, row in enumerate(rows):
            if self.discrete:
                row[:] = [x / self.edge for x in row]
            else:
                row[i] -= self.edge
        return rows


def _gains(loops: list[_Loop], free: list[Entry], core: Any) -> list[dict[Entry, Fraction]]:
    """K that is 1 on each set T in turn, beginning with the empty one, and 0 elsewhere."""
    found = []
    for matching in _matchings(free):
        found.append(dict.fromkeys(matching, Fraction(1)))
        core._expect(len(found) <= MAX_GAINS, f"Its proof needs more than {MAX_GAINS} characteristic polynomials.")
    for loop in loops:
        loop.expect_affordable(len(found))
    return found


def _matchings(free: list[Entry]) -> Iterator[list[Entry]]:
    yield []
    for k, first in enumerate(free):
        apart = [other for other in free[k + 1 :] if other[0] != first[0] and other[1] != first[1]]
        for rest in _matchings(apart):
            yield [first, *rest]


# ------------------------------------------------------------------------------------------------ fixed modes


def _prove_fixed_modes(loop: _Loop, free: list[Entry], witness: Any, core: Any) -> None:
    entries = core._fields(witness, "The witness", "transposed inputs factor kernel")
    if not isinstance(entries["transposed"], bool):
        raise core.Unreadable("transposed has to be true or false.")
    A, B, C = loop.A, loop.B, loop.C
    if entries["transposed"]:
        A, B, C, free = core._transposed(A), core._transposed(C), core._transposed(B), [(j, i) for i, j in free]
    inputs = [core._count(i) for i in core._list(entries["inputs"], "The list of inputs")]
    distinct = len(set(inputs)) == len(inputs) and all(i < len(B[0]) for i in inputs)
    core._expect(distinct, "The list of inputs names one twice, or one that is not there.")
    outputs = sorted({j for i, j in free if i not in inputs})
    f = core._integers(core._matrix([entries["factor"]], "The factor", 1))[0][0]
    r = len(f) - 1
    core._expect(r > 0 and f[-1] != 0, "The factor has to be a polynomial of degree 1 or more.")
    vectors = core._list(entries["kernel"], "The kernel")
    core._expect(len(vectors) == len(inputs) + 1, "The kernel has to have one vector more than there are inputs.")
    kernel = [core._matrix(vector, "A vector of the kernel", len(A) + len(inputs), r) for vector in vectors]
    B_I = [[row[i] for i in inputs] for row in B]
    for vector in kernel:
        _expect_in_kernel(A, B_I, [C[j] for j in outputs], f, vector, core)
    _expect_independent(kernel, f, core)
    modes = core._Spectrum([], 1, core._primitive(f), loop.discrete)
    core._expect(not modes.below(loop.edge), "The fixed modes are all in the region.")


def _expect_in_kernel(A: Rows, B: Rows, C: Rows, f: Poly, vector: Rows, core: Any) -> None:
    """(s − A) x(s) + B u(s) is f(s) times a vector, and C x(s) = 0."""
    x, u = vector[: len(A)], vector[len(A) :]
    change = core._product(A, x)
    if u:
        change = _minus(change, core._product(B, u))
    for row, moved in zip(x, change, strict=True):
        times = row[-1] / f[-1]
        left_over = [low - c - times * g for low, c, g in zip([Fraction(0), *row[:-1]], moved, f[:-1], strict=True)]
        core._expect(not any(left_over), "A vector of the kernel is none of [s − A, B] modulo the factor.")
    core._expect(not C or not any(map(any, core._product(C, x))), "A vector of the kernel shows in an output.")


def _expect_independent(kernel: list[Rows], f: Poly, core: Any) -> None:
    """That the vectors are independent at every root of f.

    Elimination modulo f and a prime with pivots that are coprime to f: a minor is coprime to f modulo the prime, so
    that its resultant with f is not 0, and it vanishes at no root.
    """
    r, width = len(f) - 1, len(kernel[0])
    core._afford(len(kernel) ** 2 * width * r * r * 600)
    core._expect(f[-1] % _PRIME != 0, "The factor has an unfortunate leading coefficient.")
    inverse = pow(f[-1], -1, _PRIME)
    monic = [c * inverse % _PRIME for c in f]
    echelon: list[tuple[int, list[Poly]]] = []
    for vector in kernel:
        rest = [[c % _PRIME for c in entry] for entry in core._integers(vector)[0]]
        for column, row in echelon:
            factor = rest[column]
            pairs = [
                (_modulo(x, row[column], monic), _modulo(y, factor, monic)) for x, y in zip(rest, row, strict=True)
            ]
            rest = [[(a - b) % _PRIME for a, b in zip(*pair, strict=True)] for pair in pairs]
        units = (c for c, entry in enumerate(rest) if any(entry) and len(core._gcd_modulo(monic, entry, _PRIME)) == 1)
        column = next(units, -1)
        core._expect(column >= 0, "The vectors of the kernel are not independent at every root of the factor.")
        echelon.append((column, rest))


def _modulo(x: Poly, y: Poly, monic: Poly) -> Poly:
    """x · y modulo a monic polynomial and the prime."""
    r = len(monic) - 1
    product = [0] * (2 * r - 1)
    for i, a in enumerate(x):
        if a:
            for j, b in enumerate(y):
                product[i + j] += a * b
    for top in range(2 * r - 2, r - 1, -1):
        if factor := product[top] % _PRIME:
            for k in range(r):
                product[top - r + k] -= factor * monic[k]
    return [c % _PRIME for c in product[:r]]


# ------------------------------------------------------------------------------ combinations of coefficients


def _prove_by_signs(loops: list[_Loop], free: list[Entry], witness: Any, core: Any) -> None:
    value = core._fields(witness, "The witness", "weights")["weights"]
    listed = [value] if len(loops) == 1 else core._list(value, "The weights")
    core._expect(len(listed) == len(loops), "There have to be weights for each system.")
    weights = [core._matrix([row], "The weights", 1, loop.n + 1)[0] for row, loop in zip(listed, loops, strict=True)]
    core._expect(all(y >= 0 for row in weights for y in row), "A weight is negative.")
    core._expect(any(map(any, weights)), "The weights are all zero.")
    by_trace = [_as_trace(y, loop.discrete) for y, loop in zip(weights, loops, strict=True)]
    if all(functional is not None for functional in by_trace):
        total = _sum_by_trace(loops, free, [each for each in by_trace if each is not None], core)
    else:
        total = _sum_of_coefficients(loops, free, weights, core)
    core._expect(total <= 0, "The weighted sum of the coefficients is positive.")


_VARIES = "The weighted sum of the coefficients depends on the gain."


def _sum_of_coefficients(loops: list[_Loop], free: list[Entry], weights: Rows, core: Any) -> Fraction:
    totals = set()
    for gain in _gains(loops, free, core):
        pairs = (zip(y, loop.coefficients(gain), strict=True) for y, loop in zip(weights, loops, strict=True))
        totals.add(sum((y * c for pair in pairs for y, c in pair if y), Fraction(0)))
        core._expect(len(totals) == 1, _VARIES)
    return totals.pop()


def _as_trace(y: list[Fraction], discrete: bool) -> tuple[Fraction, Fraction] | None:
    """α, β with Σ y_j c_j = α + β · trace, where the weights are of that kind.

    The trace is affine in K, so that the entries of K need not be combined. In continuous time c_n = 1 and
    c_{n−1} = −trace; in discrete time Σ c_j = 2ⁿ and Σ j c_j = 2ⁿ⁻¹ (n + trace).
    """
    n = len(y) - 1
    if not discrete:
        return None if any(y[: n - 1]) else (y[n], -y[n - 1])
    slope = y[1] - y[0]
    if any(after - before != slope for before, after in pairwise(y)):
        return None
    half = Fraction(2) ** (n - 1)
    return 2 * half * y[0] + half * n * slope, half * slope


def _sum_by_trace(
    loops: list[_Loop], free: list[Entry], functionals: list[tuple[Fraction, Fraction]], core: Any
) -> Fraction:
    for entry in free:
        moved = sum(beta * loop.trace_moved_by(entry) for (_, beta), loop in zip(functionals, loops, strict=True))
        core._expect(moved == 0, _VARIES)
    sums = (alpha + beta * loop.trace() for (alpha, beta), loop in zip(functionals, loops, strict=True))
    return sum(sums, Fraction(0))


def _prove_blocking_zero(loop: _Loop, free: list[Entry], witness: Any, core: Any) -> None:
    entries = core._fields(witness, "The witness", "lo hi")
    low, high = (core._number(entries[key], key) for key in ("lo", "hi"))
    core._expect(0 <= low <= high, "The zero has to lie in the closed right half plane, lo not above hi.")
    gains = _gains([loop], free, core)
    start = loop.coefficients({})
    common: Poly = []
    for gain in gains[1:]:
        difference = _stripped([a - b for a, b in zip(loop.coefficients(gain), start, strict=True)], core)
        if difference:
            common = core._gcd(common, difference) if common else difference
    core._expect(len(common) > 1, "The gain has no zero common to all its paths.")
    common = core._squarefree(common)
    ends = _sign_at(common, low), _sign_at(common, high)
    core._expect(ends == (0, 0) if low == high else ends[0] * ends[1] < 0, "The zero is not shown to lie in [lo, hi].")
    p = _stripped(start, core, keep_sign=True)
    negative = _sign_at(p, low) < 0 and _sign_at(p, high) < 0
    if negative and low < high:
        negative = not _roots_between(core._squarefree(core._primitive(p)), low, high, core)
    core._expect(negative, "The characteristic polynomial is not shown to be negative in [lo, hi].")


# ------------------------------------------------------------------------------------------ one free entry


def _prove_by_samples(loops: list[_Loop], free: list[Entry], witness: Any, core: Any) -> None:
    entries = core._fields(witness, "The witness", "samples entry")
    listed = core._list(entries["samples"], "The samples")
    samples = core._matrix([listed], "The samples", 1)[0] if listed else []
    entry = tuple(core._count(i) for i in core._list(entries["entry"], "The entry"))
    core._expect(entry in free, "The entry is not a free one.")
    core._expect(all(loop.n <= MAX_STATES for loop in loops), f"This method stops at {MAX_STATES} states.")
    core._expect(all(a < b for a, b in pairwise(samples)), "The samples do not ascend.")
    crossings, lines = [1], _lines(loops, free, entry, core)
    for line in lines:
        possible = _crossings(*line, core)
        if not possible:
            return  # never in the region
        crossings = core._squarefree(core._primitive(core._times(crossings, possible)))
    _expect_one_in_each_interval(samples, crossings, core)
    for k in samples:
        loops_at_k = (_stripped([a + k * b for a, b in zip(*line, strict=True)], core) for line in lines)
        outside = any(not core._hurwitz(p) for p in loops_at_k)  # of degree n, as k is no root of R
        core._expect(outside, f"At the sample {core._shown(k)} every eigenvalue is in the region.")


def _lines(loops: list[_Loop], free: list[Entry], entry: Any, core: Any) -> list[tuple[list[Fraction], list[Fraction]]]:
    """p_0 and p_E − p_0 of each loop, where every K moves all of them together by a multiple of the latter."""

    def polynomials(gain: dict[Entry, Fraction]) -> list[list[Fraction]]:
        return [loop.coefficients(gain) for loop in loops]

    gains = _gains(loops, free, core)
    start, moved = polynomials({}), polynomials({entry: Fraction(1)})
    slope = _minus(moved, start)
    along = [c for row in slope for c in row]
    place = next((i for i, c in enumerate(along) if c), 0)
    for gain in gains[1:] if len(free) > 1 else []:
        change = [c for row in _minus(polynomials(gain), start) for c in row]
        factor = change[place] / along[place] if along[place] else Fraction(0)
        parallel = all(a == factor * b for a, b in zip(change, along, strict=True))
        core._expect(parallel, "The gain does not move the characteristic polynomial along one line.")
    return list(zip(start, slope, strict=True))


def _minus(X: Rows, Y: Rows) -> Rows:
    return [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(X, Y, strict=True)]


def _expect_one_in_each_interval(samples: list[Fraction], crossings: Poly, core: Any) -> None:
    core._expect(0 < len(samples) <= len(crossings), f"There have to be 1 to {len(crossings)} samples.")
    core._expect(all(_sign_at(crossings, k) for k in samples), "At a sample an eigenvalue may cross the boundary.")
    first, last = samples[0], samples[-1]
    before = _roots_between(core._reflected(crossings), -first, None, core)
    core._expect(not before and not _roots_between(crossings, last, None, core), "A sample at an end is missing.")
    for low, high in pairwise(samples):
        core._expect(_roots_between(crossings, low, high, core) < 2, "A sample between two crossings is missing.")


def _crossings(start: list[Fraction], slope: list[Fraction], core: Any) -> Poly:
    """R(k), squarefree, for p = start + k · slope; [] if it is 0. From n + 3 values, as its degree is at most n + 2."""
    (a, b), _ = core._integers([start, slope])
    count, size = len(a) + 2, len(a) * (core._digits([a, b]) + 1)  # of the longest integers
    core._afford(int(count * len(a) ** 2 // 2 * (20 + size**1.6)))
    values = [_may_cross([x + k * y for x, y in zip(a, b, strict=True)]) for k in range(count)]
    if not any(values):
        return []
    R = _through(values)
    while not R[-1]:
        R.pop()
    squarefree: Poly = core._squarefree(core._primitive(R))
    return squarefree


def _may_cross(p: Poly) -> int:
    """p_0 · p_n · Res(even, odd), the part with p_n first: p_n^deg Π (other part) over its roots."""
    n = len(p) - 1
    first, other = (p[0::2], p[1::2]) if n % 2 == 0 else (p[1::2], p[0::2])
    if not p[-1] or not p[0]:
        return 0
    lost = len(other)
    while other and not other[-1]:
        other = other[:-1]
    lost -= len(other)
    return p[0] * int(p[-1] ** (1 + lost)) * _resultant(first, other)


def _resultant(a: Poly, b: Poly) -> int:
    """Of a and b, whose degree is not higher: by subresultants (Cohen 1993, Algorithm 3.3.7), exact divisions only."""
    sign = lead = h = 1
    while len(b) > 1:
        gap = len(a) - len(b)
        if len(a) % 2 == 0 == len(b) % 2:
            sign = -sign
        rest = list(a)
        for _ in range(gap + 1):
            top = rest.pop()
            rest = [b[-1] * c for c in rest]
            start = len(rest) + 1 - len(b)
            rest[start:] = [x - top * y for x, y in zip(rest[start:], b, strict=False)]
        while rest and not rest[-1]:
            rest.pop()
        a, b = b, [c // (lead * h**gap) for c in rest]
        lead = a[-1]
        h = lead**gap // h ** (gap - 1) if gap else h
    degree = len(a) - 1
    if not b or not degree:
        return 1 if b else 0
    return sign * int(b[0] ** degree // h ** (degree - 1))


def _through(values: list[int]) -> Poly:
    """A positive multiple of the polynomial with these values at 0, 1, 2, … (Newton, in forward differences)."""
    differences, row = [], list(values)
    while row:
        differences.append(row[0])
        row = [b - a for a, b in pairwise(row)]
    p, factorial = [0] * len(values), 1
    for k in range(len(values) - 1, -1, -1):  # p ← p · (x − k)/(k + 1) + difference, times (count − 1)!/k! in all
        moved = [0, *p[:-1]]
        p = [x - k * y for x, y in zip(moved, p, strict=True)]
        p[0] += differences[k] * factorial
        factorial *= max(k, 1)
    return p


# ------------------------------------------------------------------------------- real roots of polynomials


def _stripped(p: Iterable[Fraction], core: Any, *, keep_sign: bool = False) -> Poly:
    """An integer multiple without leading zeros; a positive one, or else the primitive one."""
    integers: Poly = core._integers([list(p)])[0][0]
    while integers and not integers[-1]:
        integers.pop()
    if keep_sign or not integers:
        return integers
    primitive: Poly = core._primitive(integers)
    return primitive


def _sign_at(p: Poly, x: Fraction) -> int:
    value, scale = 0, 1
    for c in reversed(p):
        value = value * x.numerator + c * scale
        scale *= x.denominator
    return (value > 0) - (value < 0)


def _roots_between(p: Poly, low: Fraction, high: Fraction | None, core: Any) -> int:
    """The number of real roots of a squarefree polynomial in an open interval, or 2 for more; high = None is ∞.

    Descartes' rule of signs on halves of (0, 1): with 0 or 1 changes of sign it is exact (Collins and Akritas 1976).
    """
    if len(p) == 1:
        return 0
    p = core._shift(p, low)  # from low · denominator on
    # either end goes to 1, infinity by x = y/(1 − y)
    p = core._taylor(p[::-1], -1)[::-1] if high is None else core._stretch(p, (high - low) * low.denominator)
    while p and not p[0]:  # a root at the lower end, which is not inside
        p = p[1:]
    waiting, found = [p], 0
    for _ in range(MAX_BISECTIONS):
        if not waiting or found > 1:
            return min(found, 2)
        q = waiting.pop()
        changes = _changes_of_sign(core._taylor(q[::-1], 1))
        if changes < 2:
            found += changes
            continue
        left = [c << (len(q) - 1 - k) for k, c in enumerate(q)]  # q(x/2)
        right = core._taylor(left, 1)
        if not right[0]:
            found, right = found + 1, right[1:]
        waiting += [left, right]
    raise core._Refused("Its roots lie too near each other for this checker.")


def _changes_of_sign(p: Poly) -> int:
    signs = [c > 0 for c in p if c]
    return sum(a != b for a, b in pairwise(signs))
