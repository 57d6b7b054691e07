"""Check claims about the Jacobian at a point that need be no equilibrium; `checker_equations.py` calls this file.

The point is rational. Values are exact as long as they are rational, and balls of python-flint from there on: an entry
of the Jacobian that is exactly 0 is known to be. With "values": "complex" the equations go on in complex numbers where
they leave the real ones, on principal branches (√−1 = j, log −1 = πj, and on a cut the side that Arb takes).

  routh             Sign changes in the first column of Routh's array count the roots right of a line (Gantmacher 1959,
    vol. 2, ch. XV, Theorem 2): none beyond hi and one beyond lo prove lo < abscissa < hi. Of a complex matrix M the
    polynomial is det(sI − M) times its conjugate, real and with the same real parts of its roots.
    An abscissa that is exactly 0 follows from the zeros of the matrix: the blocks of its block triangular form have
    their other eigenvalues left of the axis. In one block 0 is an eigenvalue as often as no disjoint cycles go through
    more indices; a single imaginary entry, or a real block of two others and no diagonal, has them on the axis, and so
    has [[jx, b], [c, jy]] with a real product b c < (x − y)²/4.
    Of a gain K for u = −K x the matrix is A − B K. The reading "paper" is that of Charton, Hayat and Lample 2020, whose
    gain is for the normalised system x' = (A/‖A‖_F) x + B u under u = +K x.
  regular minor     n columns of [B AB … Aⁿ⁻¹B] with a determinant that is not 0.
  vanishing         (beside any of these) Entries that are exactly 0 although irrational numbers occur in them, as the
    derivative of f(x) u/u by u: they are 0 in the algebra of checker_functions.py, after all divisors were seen not to
    be 0 in balls.
  zero pattern      States to which no chain of entries leads from an input, or rows of [A B] with entries in fewer
    columns than there are rows: uncontrollable whatever the other entries are (Lin 1974).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

METHODS = ("routh", "regular minor", "zero pattern")
MAX_BLOCK = 12  # the search for cycles doubles its time with each index
_LEAST_PRECISION = 64

Pattern = list[set[int]]
"""For each row the columns of the entries that may be other than zero."""


def prove(inner: dict[str, Any], witness: dict[str, Any], system: Any, point: Any, core: Any, equations: Any) -> Any:
    """The report on a linear claim about the Jacobian at a point; refuses by the exceptions of checker.py."""
    is_complex = "values" in inner
    if is_complex:
        core._word(inner["values"], "The values", ("complex",))
        inner = {key: value for key, value in inner.items() if key != "values"}
    core._expect(all(low == high for low, high in point), "A claim of this kind is about a point, not a box.")
    core._expect(system.dt is None, "A claim of this kind is about continuous time.")
    flint = equations._flint(core)
    known = core._fields(witness["witness"], "The witness", "precision", "minor columns unreached dilation vanishing")
    bits = core._count(known["precision"])
    core._expect(_LEAST_PRECISION <= bits <= equations.MAX_PRECISION, "The precision is out of range.")
    with flint.ctx.workprec(bits):
        o = complex_arithmetic(equations, flint) if is_complex else equations._Arithmetic(flint)
        rows = equations._jacobian(system.programs, [low for low, _ in point], o)[1]
        n = len(system.states)
        for i, j in _vanishing(known.get("vanishing", []), system.programs, [low for low, _ in point], core, equations):
            rows[i][j] = Fraction(0)
        proof = _Proof(o, core, n, *_matrices(rows, n, is_complex, o), known)
        claim = proof.words(inner, witness["method"])
    values = ", continued to complex values" if is_complex else ""
    return core.Report(True, claim, f"Proved in ball arithmetic for the Jacobian at the point{values}.")


def _vanishing(stated: Any, programs: list[Any], point: list[Fraction], core: Any, equations: Any) -> list[list[int]]:
    """Places of entries that are 0 as rational functions of the irrational numbers in them."""
    places = [[core._count(i) for i in core._list(place, "A place")] for place in core._list(stated, "The places")]
    exists = all(len(place) == 2 and place[0] < len(programs) and place[1] < len(point) for place in places)
    core._expect(exists, "There is no such entry of the Jacobian.")
    algebra = core._beside("functions", "A claim about entries that vanish").Algebra(equations)
    rows = {i: equations._jacobian([programs[i]], point, algebra)[1][0] for i in {i for i, _ in places}}
    core._expect(all(algebra.is_zero(rows[i][j]) for i, j in places), "An entry is not shown to vanish.")
    return places


def complex_arithmetic(equations: Any, flint: Any) -> Any:
    """Rationals and acb, where checker_equations.py has rationals and arb."""

    class Complex(equations._Arithmetic):  # type: ignore[misc]
        def ball(self, a: Any) -> Any:
            if isinstance(a, Fraction):
                return self.flint.acb(self.flint.fmpq(a.numerator, a.denominator))
            return super().ball(a)

        def power(self, a: Any, k: int) -> Any:
            if isinstance(a, Fraction) or k == 0:
                return super().power(a, k)
            (x,) = self.balls(a)
            return self.result(x ** abs(k) if k > 0 else 1 / x ** abs(k))

        def root(self, a: Any, k: int) -> Any:
            rational = equations._rational_root(a, k)
            if rational is not None:
                return rational
            (x,) = self.balls(a)
            return self.result(x.sqrt() if k == 2 else (x.log() / k).exp())

        def call(self, name: str, a: Any) -> Any:
            if name == "sqrt":
                return self.root(a, 2)
            special = equations._special(name, a)
            if special is not None:
                return special
            (x,) = self.balls(a)
            if name in ("abs", "sign"):
                if not x.imag == 0 or x.real.contains(0):  # a ball may be neither equal to 0 nor unequal
                    raise equations._Undefined(f"{name} of a complex number, or at its kink.")
                return self.result(self.flint.acb(abs(x.real) if name == "abs" else x.real.sgn()))
            return self.result(getattr(x, name)())

        def _slope_of_abs(self, a: Any) -> Any:
            return self.call("sign", a) if a != 0 else super()._slope_of_abs(a)

    return Complex(flint)


def _matrices(rows: list[list[Any]], n: int, is_complex: bool, o: Any) -> tuple[Any, Any]:
    """A and B in real balls where no entry has an imaginary part; B is None without inputs."""
    balls = [[o.ball(entry) for entry in row] for row in rows]
    kind = o.flint.arb_mat
    if is_complex and not all(entry.imag == 0 for row in balls for entry in row):
        kind = o.flint.acb_mat
    elif is_complex:
        balls = [[entry.real for entry in row] for row in balls]
    return kind([row[:n] for row in balls]), kind([row[n:] for row in balls]) if len(balls[0]) > n else None


class _Proof:
    """A and B in balls, and what is proved of them."""

    def __init__(self, o: Any, core: Any, n: int, A: Any, B: Any, witness: dict[str, Any]) -> None:
        self.o, self.core, self.n, self.A, self.B, self.witness = o, core, n, A, B, witness
        o.afford(n**4)

    def words(self, inner: dict[str, Any], method: str) -> str:
        about = self.core._word(inner["about"], "What the claim is about", ("stability", "controllability", "feedback"))
        proofs = {
            ("stability", "routh"): self.stability,
            ("feedback", "routh"): self.feedback,
            ("controllability", "regular minor"): self.controllable,
            ("controllability", "zero pattern"): self.uncontrollable,
        }
        self.core._expect((about, method) in proofs, f"The method {method} does not prove a claim of this kind.")
        return proofs[about, method](inner)

    # Where the eigenvalues are

    def stability(self, inner: dict[str, Any]) -> str:
        core = self.core
        core._fields(inner, "The claim", "about verdict in_region abscissa decay damping")
        low, high = self._bounds(inner)
        region = self._region(inner)
        if low == high:
            core._expect(low == 0, "Only an abscissa of 0 is proved to be exactly that.")
            verdict: str = self._on_the_axis()
            inside: bool | None = False
        else:
            self._expect_between(self.A, low, high)
            verdict = "stable" if high <= 0 else "unstable" if low >= 0 else "undecided"
            inside = True if high <= region.edge else False if low >= region.edge else None
        core._expect(verdict == inner["verdict"], f"The verdict that is proved is {verdict}.")
        core._expect(inside is not None and inside is inner["in_region"], "The claim on the region is not proved.")
        every = "every" if inside else "not every"
        return f"it is {verdict}, {every} eigenvalue has {region}, and {self._within(low, high)}"

    def feedback(self, inner: dict[str, Any]) -> str:
        """A − B K; in the paper's reading A/‖A‖_F + B K."""
        core = self.core
        core._fields(inner, "The claim", "about verdict gain abscissa decay damping", "reading")
        core._word(inner["verdict"], "The verdict", ("stabilised",))
        core._expect(self.B is not None, "The claim is about a gain, and there are no inputs.")
        K = core._matrix(inner["gain"], "The gain", self.B.ncols(), self.n)
        region, (low, high) = self._region(inner), self._bounds(inner)
        core._expect(region.decay >= 0, "A negative decay would call an unstable loop stabilised.")
        core._expect(high <= region.edge, "The bounds do not show every pole in the region.")
        A, sign, loop = self.A, -1, "A − B K"
        if "reading" in inner:
            core._word(inner["reading"], "The reading", ("paper",))
            A, sign, loop = self._normalised(), 1, "A/‖A‖_F + B K, the normalised system under u = +K x,"
        for gain in (K, core._nearest_doubles(K)):
            matrix = type(self.B)([[self._ball(sign * entry) for entry in row] for row in gain])
            self._expect_between(A + self.B * matrix, low, high)
        within = self._within(low, high)
        return (
            f"every eigenvalue of {loop} has {region}, and {within}, for K as written and for the doubles nearest to it"
        )

    def _ball(self, x: Fraction) -> Any:
        return self.o.flint.arb(self.o.flint.fmpq(x.numerator, x.denominator))

    def _parts(self, x: Any) -> tuple[Any, ...]:
        return (x.real, x.imag) if isinstance(x, self.o.flint.acb) else (x,)

    def _normalised(self) -> Any:
        """A divided by the root of the sum of the squares of its entries."""
        places = [(i, j) for i in range(self.n) for j in range(self.n)]
        parts = [part for place in places for part in self._parts(self.A[place])]
        size = sum((part * part for part in parts), self.o.flint.arb(0)).sqrt()
        self.core._expect(size > 0, "The Jacobian may be zero, which has no size to divide by.")
        return type(self.A)([[self.A[i, j] / size for j in range(self.n)] for i in range(self.n)])

    def _bounds(self, inner: dict[str, Any]) -> tuple[Fraction, Fraction]:
        low, high = self.core._bounds(inner["abscissa"])
        self.core._expect(low is not None and high is not None and low <= high, "Both bounds of the abscissa are due.")
        return low, high

    def _region(self, inner: dict[str, Any]) -> Any:
        region = self.core._Region.read(inner, False)
        self.core._expect(region.damping == 0, "Routh's array does not prove a damping ratio here.")
        return region

    def _within(self, low: Fraction, high: Fraction) -> str:
        return f"the spectral abscissa lies in [{self.core._shown(low)}, {self.core._shown(high)}]"

    def _expect_between(self, M: Any, low: Fraction, high: Fraction) -> None:
        p = self._real_polynomial(M)
        self.core._expect(self._beyond(p, high) == 0, "No eigenvalue beyond the upper bound is not proved.")
        self.core._expect((self._beyond(p, low) or 0) > 0, "An eigenvalue beyond the lower bound is not proved.")

    def _real_polynomial(self, M: Any) -> list[Any]:
        """Coefficients of 1, s, s², …; for a complex matrix of its polynomial times the conjugate one."""
        p: list[Any] = M.charpoly().coeffs()
        if not isinstance(M, self.o.flint.acb_mat):
            return p
        doubled = [self.o.flint.arb(0)] * (2 * len(p) - 1)
        for (i, a), (j, b) in ((x, y) for x in enumerate(p) for y in enumerate(p)):
            doubled[i + j] = doubled[i + j] + a.real * b.real + a.imag * b.imag
        return doubled

    def _beyond(self, p: list[Any], line: Fraction) -> int | None:
        """The number of roots right of a line; None where a sign is not certain."""
        by, moved = self._ball(line), list(p)
        for i in range(len(p) - 1):
            for j in range(len(p) - 2, i - 1, -1):
                moved[j] = moved[j] + by * moved[j + 1]
        upper, lower = moved[::-1][0::2], moved[::-1][1::2]
        column = [upper[0]]
        while lower:
            column.append(lower[0])
            if lower[0].contains(0):
                return None
            ratio = upper[0] / lower[0]
            padded = [*lower[1:], self.o.flint.arb(0)]
            upper, lower = lower, [a - ratio * b for a, b in zip(upper[1:], padded, strict=False)]
        if any(entry.contains(0) for entry in column):
            return None
        return sum(1 for a, b in pairwise(column) if (a > 0) != (b > 0))

    # Exactly on the axis

    def _on_the_axis(self) -> str:
        """The verdict for an abscissa that is 0: marginal where each eigenvalue on the axis is semisimple."""
        pattern = self._pattern(self.A)
        zeros, imaginary = 0, []
        for block in _blocks(pattern):
            own_zeros, own_imaginary = self._critical(block)
            zeros += own_zeros
            imaginary += own_imaginary
        self.core._expect(bool(zeros or imaginary), "An eigenvalue on the axis is not proved.")
        apart = not any(a.overlaps(b) for a, b in combinations(imaginary, 2))
        self.core._expect(apart, "Two eigenvalues on the axis may be equal.")
        rank = self.n - zeros
        if not zeros or len(_matching(pattern)) <= rank:
            return "marginal"
        parts = self.core._list(self.witness.get("minor"), "The minor")
        self.core._expect(len(parts) == 2, "A minor is given by rows and columns.")
        rows, columns = (self.core._list(part, "The minor") for part in parts)
        places = [self.core._count(i) for i in (*rows, *columns)]
        proper = len(set(rows)) == len(set(columns)) == len(rows) == len(columns) == rank + 1
        self.core._expect(proper and all(i < self.n for i in places), "The minor is not one of a rank too large.")
        minor = type(self.A)([[self.A[i, j] for j in columns] for i in rows])
        self.core._expect(not minor.det().contains(0), "The minor may be zero.")
        return "unstable"

    def _critical(self, block: list[int]) -> tuple[int, list[Any]]:
        """How often 0 is an eigenvalue of a block, and its others on the axis; the rest is left of it."""
        size = len(block)
        self.core._expect(size <= MAX_BLOCK, "A block is too large for its cycles to be searched.")
        M = type(self.A)([[self.A[i, j] for j in block] for i in block])
        is_complex = isinstance(M, self.o.flint.acb_mat)
        if size == 1 and is_complex and M[0, 0].real == 0 and not M[0, 0].imag.contains(0):
            return 0, [M[0, 0].imag]
        zeros = size - _longest_cycles(self._pattern(M))
        pair = self._imaginary_pair(M) if size == 2 and is_complex and not zeros else []
        if pair:
            return 0, pair
        p = self._real_polynomial(M)[zeros * (1 + is_complex) :]
        if size - zeros == 2 and not is_complex and all(M[i, i] == 0 for i in range(size)):
            self.core._expect(p[0] > 0, "Two eigenvalues are not on the axis.")
            return zeros, [p[0].sqrt(), -p[0].sqrt()]
        self.core._expect(self._beyond(p, Fraction(0)) == 0, "An eigenvalue may be right of the axis.")
        return zeros, []

    def _imaginary_pair(self, M: Any) -> list[Any]:
        """Of [[jx, b], [c, jy]] with a real product b c = w: jμ with μ² − (x + y)μ + xy + w = 0; empty if not seen."""
        first, second, product = M[0, 0], M[1, 1], M[0, 1] * M[1, 0]
        if not (first.real == 0 and second.real == 0 and product.imag == 0):
            return []
        square = (first.imag - second.imag) ** 2 - 4 * product.real
        if not square > 0:
            return []
        sum_ = first.imag + second.imag
        pair = [(sum_ + square.sqrt()) / 2, (sum_ - square.sqrt()) / 2]
        return [] if any(each.contains(0) for each in pair) else pair

    def _pattern(self, M: Any) -> Pattern:
        return [{j for j in range(M.ncols()) if not M[i, j] == 0} for i in range(M.nrows())]  # noqa: SIM201

    # What the inputs reach

    def controllable(self, inner: dict[str, Any]) -> str:
        core, n = self.core, self.n
        core._fields(inner, "The claim", "about verdict decay dimension")
        core._word(inner["verdict"], "The verdict", ("controllable",))
        core._expect(self.B is not None, "The claim is about inputs, and there are none.")
        columns = core._list(self.witness.get("columns"), "The columns")
        core._expect(core._count(inner["dimension"]) == n == len(columns), "A minor has as many columns as states.")
        powers = [self.B]
        while len(powers) < n:
            powers.append(self.A * powers[-1])
        chosen = []
        for column in columns:
            place = [core._count(i) for i in core._list(column, "A column")]
            core._expect(len(place) == 2 and place[0] < n and place[1] < self.B.ncols(), "There is no such column.")
            chosen.append([powers[place[0]][j, place[1]] for j in range(n)])
        core._expect(not type(self.A)(chosen).det().contains(0), "The minor may be zero.")
        return "the pair (A, B) is controllable"

    def uncontrollable(self, inner: dict[str, Any]) -> str:
        core = self.core
        core._fields(inner, "The claim", "about verdict decay")
        core._word(inner["verdict"], "The verdict", ("uncontrollable",))
        core._expect(self.B is not None, "The claim is about inputs, and there are none.")
        shown = [key for key in ("unreached", "dilation") if key in self.witness]
        core._expect(len(shown) == 1, "The witness has to name unreached states, or rows of a dilation.")
        rows = {core._count(i) for i in core._list(self.witness[shown[0]], "The rows")}
        core._expect(bool(rows) and max(rows) < self.n, "The witness has to name states, and there have to be some.")
        A, B = self._pattern(self.A), self._pattern(self.B)
        if shown == ["unreached"]:
            apart = all(A[i] <= rows and not B[i] for i in rows)
            core._expect(apart, "A state that is called unreached depends on an input or on another state.")
            return "the pair (A, B) is uncontrollable, as no input reaches certain states"
        columns = {("A", j) for i in rows for j in A[i]} | {("B", j) for i in rows for j in B[i]}
        core._expect(len(columns) < len(rows), "The rows have entries in as many columns as there are rows.")
        return "the pair (A, B) is uncontrollable, as some rows of [A B] are dependent"


def _blocks(pattern: Pattern) -> list[list[int]]:
    """Indices that lead to each other and back."""
    reach = [row | {i} for i, row in enumerate(pattern)]
    for k in range(len(reach)):
        reach = [row | reach[k] if k in row else row for row in reach]
    classes = {frozenset(j for j in reach[i] if i in reach[j]) for i in range(len(reach))}
    return [sorted(block) for block in classes]


def _longest_cycles(pattern: Pattern) -> int:
    """The largest number of indices through which disjoint cycles go."""
    n = len(pattern)
    for size in range(n, 0, -1):
        for chosen in combinations(range(n), size):
            inside = [pattern[i] & set(chosen) for i in chosen]
            if len(_matching(inside)) == size:
                return size
    return 0


def _matching(pattern: Pattern) -> dict[int, int]:
    """A largest set of entries in different rows and columns."""
    owner: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for column in pattern[row]:
            if column not in seen:
                seen.add(column)
                if column not in owner or place(owner[column], seen):
                    owner[column] = row
                    return True
        return False

    for row in range(len(pattern)):
        place(row, set())
    return owner
