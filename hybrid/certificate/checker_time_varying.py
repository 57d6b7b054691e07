"""Check claims about x' = f(x, u, t) along a curve; `checker.py` calls this file, which has to lie beside it.

A curve gives each state and input as an expression of time, most often a constant. Along it A(t) = ∂f/∂x and
B(t) = ∂f/∂u. A claim is about z' = A(t) z + B(t) v, whether or not the curve solves x' = f(x, u, t). D_0 = B and
D_(k+1) = dD_k/dt − A D_k, so that dᵏ/dtᵏ Φ(s, t) B(t) = Φ(s, t) D_k(t), Φ the transition matrix.

  silverman-meadows minor  n columns of D_0 … D_N at the instant t* have a determinant that is not zero. The entries are
    analytic near t*, as every operation is analytic where it is evaluated. So the pair is controllable on every
    interval of positive length that holds t* and on which A and B are continuous: were qᵀΦ(s, t)B(t) zero on it, so
    would be its derivatives qᵀΦ(s, t*)D_k(t*), and q (Chang 1965; Silverman and Meadows 1967, Theorem 1 and its
    Corollary, where N = n − 1, A is n − 2 and B n − 1 times continuously differentiable).
  unreached states  Of these states neither the inputs nor other states are in the equations: the entries of B and A for
    them are 0, as functions of t and of the numbers that occur. A unit row of one of them is a vanishing row.
  vanishing row  p(t), not zero at t*, with p_j B = 0 identically for p_0 = p, p_(j+1) = dp_j/dt + p_j A, j < n. Then
    p D_k = 0 for k < n. So the rank of [D_0 … D_(n−1)] is below n wherever these are analytic, and no more columns
    raise it; hence there is q ≠ 0 with qᵀΦ(s, t)B(t) = 0 on every interval around t* on which A and B are analytic: on
    none of them is the pair controllable (Silverman and Meadows 1967, for analytic pairs). Identities are proved in
    rational functions of t and of the functions that occur, these taken as independent but for sin² + cos² = 1.

Derivatives in t are coefficients of truncated power series: in rationals with the standard library alone, in the balls
of python-flint where a value is irrational. With "complex": true, values may be complex: principal branches, sqrt, log,
asin and acos of real numbers outside their domain included, but no argument that may cross a branch cut.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

MAX_BLOCKS = 64
MAX_PRECISION = 8192
MAX_STATES = 50
_MINOR, _ROW, _UNREACHED = "silverman-meadows minor", "vanishing row", "unreached states"
_ONE, _ZERO = Fraction(1), Fraction(0)


def check(document: dict[str, Any], core: Any) -> Any:
    """Decide whether a certificate about a time-varying pair proves its claim; `core` is the module checker.py."""
    claim, equations = "a claim that was not read", core._equations()
    try:
        entries = core._fields(
            document, "The document", "schema system claim method witness digest", "versions provenance"
        )
        core._word(entries["schema"], "The schema", (core.SCHEMA,))
        core._expect_digest(entries)
        pair = _Pair(entries["system"], entries["claim"], core, equations)
        claim = pair.words()
        method = core._word(entries["method"], "The method", (_MINOR, _ROW, _UNREACHED))
        proofs = {_MINOR: _prove_minor, _ROW: _prove_row, _UNREACHED: _prove_unreached}
        proved = proofs[method](pair, entries["witness"])
    except (core._Refused, equations._Undefined, equations._TooMuchWork) as refusal:
        return core.Report(False, claim, str(refusal))
    return core.Report(True, claim, proved)


class _Pair:
    """The equations, the curve along which they are linearised, and the instant."""

    def __init__(self, system: Any, claim: Any, core: Any, equations: Any) -> None:
        self.core, self.equations = core, equations
        system = core._fields(system, "The system", "states inputs time equations dt")
        time = system["time"]
        core._expect(system["dt"] is None, "A system that depends on time has no sample time here.")
        inner = {**system, "inputs": [*core._list(system["inputs"], "inputs"), time]}
        read = equations._Equations.read({key: value for key, value in inner.items() if key != "time"}, core)
        self.states, self.inputs, self.time = read.states, read.inputs[:-1], time
        self.programs = read.programs
        core._expect(len(self.states) <= MAX_STATES, f"There are more than {MAX_STATES} states.")
        core._expect(len(self.inputs) > 0, "A system without inputs is not controllable, and needs no proof.")
        claim = core._fields(claim, "The claim", "about verdict point instant complex dimension")
        core._word(claim["about"], "What the claim is about", ("controllability over time",))
        self.verdict = core._word(claim["verdict"], "The verdict", ("controllable", "uncontrollable"))
        self.instant = core._number(claim["instant"], "The instant")
        self.complex = claim["complex"]
        if not isinstance(self.complex, bool):
            raise core.Unreadable("complex has to be true or false.")
        names = (*self.states, *self.inputs)
        self.texts = core._fields(claim["point"], "The point", " ".join(names))
        core._expect(sum(map(len, map(str, self.texts.values()))) <= equations.MAX_TEXT, "The point is too long.")
        self.curve = [self.parsed(self.texts[name]) for name in names]
        full = None if self.verdict == "uncontrollable" else len(self.states)
        core._expect(claim["dimension"] == full, "The dimension is not that of the claim.")

    def parsed(self, text: Any) -> list[Any]:
        program: list[Any] = self.equations._parsed(text, {self.time: 0}, self.core)
        return program

    def words(self) -> str:
        shown = {name: text if len(text) <= 60 else "an expression" for name, text in self.texts.items()}
        place = ", ".join(f"{name} = {text}" for name, text in shown.items())
        where = f"of the Jacobians A({self.time}), B({self.time}) along {place}"
        if self.verdict == "controllable":
            what = (
                "the pair is controllable on every interval of positive length, on which it is continuous, that holds"
            )
        else:
            what = "the pair is controllable on no interval, on which it is analytic, that holds"
        values = " (complex numbers)" if self.complex else ""
        return f"{where}{values}: {what} {self.time} = {self.core._shown(self.instant)}"

    def jacobians(self, o: Any, time: Any) -> tuple[list[list[Any]], list[list[Any]]]:
        """A and B along the curve, in any arithmetic."""
        evaluate = self.equations._evaluate
        point = [evaluate(program, [(time, {})], o)[0] for program in self.curve]
        rows = self.equations._jacobian(self.programs, [*point, time], o)[1]
        n, m = len(self.states), len(self.inputs)
        return [row[:n] for row in rows], [row[n : n + m] for row in rows]

    def value(self, program: list[Any], o: Any, time: Any) -> Any:
        return self.equations._evaluate(program, [(time, {})], o)[0]

    def in_numbers(self, prove: Callable[[Any], str], length: int, precision: int) -> str:
        """A proof in series at the instant: of rationals if that goes, else of balls."""
        series = self.core._beside("series", "A claim about equations that depend on time")
        try:
            return prove(series.Series(series.Scalars(self, None), length))
        except self.equations._NotRational:
            flint = self.equations._flint(self.core)
            with flint.ctx.workprec(precision):
                return prove(series.Series(series.Scalars(self, flint), length))


def _prove_minor(pair: _Pair, witness: Any) -> str:
    core, n = pair.core, len(pair.states)
    witness = core._fields(witness, "The witness", "columns precision")
    core._expect(pair.verdict == "controllable", "A minor proves nothing but controllability.")
    columns = [[core._count(x) for x in core._list(c, "A column")] for c in core._list(witness["columns"], "Columns")]
    core._expect(len(columns) == n and all(len(c) == 2 for c in columns), "A minor has as many columns as rows.")
    for k, i in columns:
        core._expect(k < MAX_BLOCKS and i < len(pair.inputs), "There is no such column.")
    precision = core._count(witness["precision"])
    core._expect(32 <= precision <= MAX_PRECISION, "The precision is out of range.")
    last = max(k for k, _ in columns)

    def prove(o: Any) -> str:
        A, block = pair.jacobians(o, o.time(pair.instant))
        blocks = [block]
        while len(blocks) <= last:
            blocks.append(_next_block(A, blocks[-1], o))
        chosen = [[o.constant_term(blocks[k][j][i]) for k, i in columns] for j in range(n)]
        core._expect(o.scalars.regular(chosen), "The minor may be zero.")
        kind = "rational numbers" if o.scalars.flint is None else f"balls of {precision} bits"
        return f"Proved in {kind}: a minor of [D_0 … D_{last}] is not zero at the instant."

    return pair.in_numbers(prove, last + 1, precision)


def _next_block(A: list[list[Any]], block: list[list[Any]], o: Any) -> list[list[Any]]:
    """dD/dt − A D."""
    product = _product(A, block, o)
    return [
        [o.add(o.change(d), o.negate(p)) for d, p in zip(row, moved, strict=True)]
        for row, moved in zip(block, product, strict=True)
    ]


def _product(left: list[list[Any]], right: list[list[Any]], o: Any) -> list[list[Any]]:
    columns = list(zip(*right, strict=True))
    return [
        [reduce(o.add, (o.multiply(a, b) for a, b in zip(row, column, strict=True))) for column in columns]
        for row in left
    ]


def _prove_unreached(pair: _Pair, witness: Any) -> str:
    core = pair.core
    names = core._list(core._fields(witness, "The witness", "states precision")["states"], "The states")
    core._expect(pair.verdict == "uncontrollable", "Unreached states prove no controllability.")
    core._expect(bool(names) and all(name in pair.states for name in names), "The witness has to name states.")
    unreached = {pair.states.index(name) for name in names}
    _expect_analytic(pair, [], core._count(witness["precision"]))
    o = core._beside("functions", "A claim about states").Algebra(pair.equations)
    evaluate = pair.equations._evaluate
    time: tuple[Any, dict[int, Any]] = o.symbol("t"), {}
    along = [evaluate(program, [time], o)[0] for program in pair.curve]
    others = [(x, {} if i in unreached else {i: _ONE}) for i, x in enumerate(along)]
    for i in unreached:
        _, slopes = evaluate(pair.programs[i], [*others, time], o)
        core._expect(all(o.is_zero(slope) for slope in slopes.values()), "A state may depend on what inputs reach.")
    return "Proved in exact rational functions: no input acts on certain states, nor does anything that inputs reach."


def _expect_analytic(pair: _Pair, row: list[Any], precision: int) -> None:
    """At the instant; and a row, if there is one, is not zero there."""
    core = pair.core
    core._expect(32 <= precision <= MAX_PRECISION, "The precision is out of range.")

    def is_analytic(o: Any) -> str:
        time = o.time(pair.instant)
        pair.jacobians(o, time)  # refuses what has no value, or is not analytic, at the instant
        values = [o.constant_term(pair.value(program, o, time)) for program in row]
        seen = not row or any(o.scalars.is_not_zero(x) for x in values)
        core._expect(seen, "The row may be zero at the instant.")
        return ""

    pair.in_numbers(is_analytic, 1, precision)


def _prove_row(pair: _Pair, witness: Any) -> str:
    core, n = pair.core, len(pair.states)
    texts = core._list(core._fields(witness, "The witness", "row precision")["row"], "The row")
    core._expect(pair.verdict == "uncontrollable", "A vanishing row proves no controllability.")
    core._expect(len(texts) == n, "The row has as many entries as there are states.")
    row = [pair.parsed(text) for text in texts]
    _expect_analytic(pair, row, core._count(witness["precision"]))
    functions = _Functions(pair)
    o, time = functions.algebra, functions.time
    A, B = pair.jacobians(o, time)
    p = [[pair.value(program, o, time) for program in row]]
    for _ in range(n):
        for entry in _product(p, B, o)[0]:
            core._expect(o.is_zero(entry), "The row is not shown to vanish on what the inputs reach.")
        moved = _product(p, A, o)[0]
        p = [[o.add(functions.change(x), y) for x, y in zip(p[0], moved, strict=True)]]
    return "Proved in exact rational functions: a row vanishes on everything that the inputs reach."


# ---------------------------------------------------------------------------------------------- functions


class _Functions:
    """Functions of t: the algebra of checker_functions.py with t as a symbol, and derivatives in t."""

    def __init__(self, pair: _Pair) -> None:
        functions = pair.core._beside("functions", "A claim about a row")
        self.algebra = functions.Algebra(pair.equations, self._differentiate)
        self._angle = pair.equations._Angle
        self.time = self.algebra.symbol("t")
        self._rates: dict[int, Any] = {0: _ONE}  # of other symbols, where they are not 0

    def _differentiate(self, number: int, symbol: Any, name: str, argument: Any, order: int) -> None:
        """Keep the rate of a new symbol: (x^(1/k))' = x^(1/k) x'/(k x), f(x)' = f'(x) x'."""
        o, rate = self.algebra, self.change(argument)
        if o.is_zero(rate):
            return
        if name == "root":
            self._rates[number] = o.divide(o.multiply(symbol, rate), o.multiply(Fraction(order), argument))
        else:
            self._rates[number] = o.multiply(o.derivative(name, argument, symbol), rate)

    def change(self, a: Any) -> Any:
        """The derivative in time."""
        if isinstance(a, Fraction | self._angle):
            return _ZERO
        o, (p, q) = self.algebra, a
        one = {(): _ONE}
        gained, lost = o.multiply(self._rate(p), (q, one)), o.multiply((p, one), self._rate(q))
        return o.divide(o.add(gained, o.negate(lost)), (o.times(q, q), one))

    def _rate(self, p: Any) -> Any:
        """The derivative of a polynomial."""
        total: Any = _ZERO
        for m, c in p.items():
            for i, (symbol, exponent) in enumerate(m):
                rest = (*m[:i], *([(symbol, exponent - 1)] if exponent > 1 else []), *m[i + 1 :])
                rate = self._rates.get(symbol, _ZERO)
                total = self.algebra.add(total, self.algebra.multiply(({rest: c * exponent}, {(): _ONE}), rate))
        return total


if __name__ == "__main__":
    sys.exit("This file is called by checker.py, which has to lie beside it.")
