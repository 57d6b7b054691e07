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
MAX_STEPS = 3 * 10**7  # with coefficients of series
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

    def in_numbers(self, prove: Callable[[_Series], str], length: int, precision: int) -> str:
        """A proof in series at the instant: of rationals if that goes, else of balls."""
        try:
            return prove(_Series(_Scalars(self, None), length))
        except self.equations._NotRational:
            flint = self.equations._flint(self.core)
            with flint.ctx.workprec(precision):
                return prove(_Series(_Scalars(self, flint), length))


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

    def prove(o: _Series) -> str:
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

    def is_analytic(o: _Series) -> str:
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


# ------------------------------------------------------------------------------------------------ numbers


class _Scalars:
    """The coefficients of series: rationals, angles and real balls as in checker_equations.py, or complex balls."""

    def __init__(self, pair: _Pair, flint: Any) -> None:
        self.flint, self.core, self.equations, self.complex = flint, pair.core, pair.equations, pair.complex
        self.real = pair.equations._Arithmetic(flint)

    def add(self, a: Any, b: Any) -> Any:
        return self.real.add(a, b)

    def multiply(self, a: Any, b: Any) -> Any:
        return self.real.multiply(a, b)

    def divide(self, a: Any, b: Any) -> Any:
        return self.real.divide(a, b)

    def is_complex(self, a: Any) -> bool:
        return self.flint is not None and isinstance(a, self.flint.acb)

    def is_not_zero(self, a: Any) -> bool:
        return bool(a != 0) if isinstance(a, Fraction) else not self.real.balls(a)[0].contains(0)

    def call(self, name: str, a: Any, k: int = 2) -> Any:
        """A function that is analytic at a; the root of order k for the name "root"."""
        if name in ("root", "log"):
            self._expect_away(self.is_not_zero(a))
        elif name in ("asin", "acos"):
            one_less_square = self.add(_ONE, self.multiply(Fraction(-1), self.multiply(a, a)))
            self._expect_away(self.is_not_zero(one_less_square))
        if self.is_complex(a):
            return self._complex(name, a, k)
        if self.complex and name in ("root", "log", "asin", "acos") and self._is_outside(name, a):
            return self._complex(name, self.flint.acb(self.real.ball(a)), k, on_cut=True)
        return self.real.root(a, k) if name == "root" else self.real.call(name, a)

    def _is_outside(self, name: str, a: Any) -> bool:
        """Whether a real number is certainly outside the real domain."""
        if isinstance(a, Fraction) and ((a < 0) if name in ("root", "log") else abs(a) > 1):
            self.real.balls()  # irrational: the balls are needed
            return True
        if isinstance(a, Fraction):
            return False
        (x,) = self.real.balls(a)
        return bool(x < 0 if name in ("root", "log") else abs(x) > 1)

    def _complex(self, name: str, z: Any, k: int, on_cut: bool = False) -> Any:
        if not on_cut:
            if name in ("root", "log"):
                touches = z.imag.contains(0) and not z.real > 0
            elif name in ("asin", "acos"):
                touches = z.imag.contains(0) and not abs(z.real) < 1
            else:
                touches = name == "atan" and z.real.contains(0) and not abs(z.imag) < 1
            self._expect_away(not touches)
        if name == "root":
            return self.real.result(z.sqrt() if k == 2 else (z.log() / k).exp())
        return self.real.result(getattr(z, name)())

    def _expect_away(self, holds: bool) -> None:
        if not holds:
            raise self.equations._Undefined("An operation may not be analytic at the instant.")

    def regular(self, rows: list[list[Any]]) -> bool:
        """Whether the determinant is certainly not zero."""
        if self.flint is None:
            return _determinant(rows) != 0
        self.real.afford(len(rows) ** 3)
        balls = [self.real.balls(*row) for row in rows]
        kind = self.flint.acb_mat if any(self.is_complex(x) for row in balls for x in row) else self.flint.arb_mat
        return not kind(balls).det().contains(0)


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    rows, product = [list(row) for row in rows], _ONE
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return _ZERO
        if pivot != k:
            rows[k], rows[pivot], product = rows[pivot], rows[k], -product
        product *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return product


class _Series:
    """Power series around the instant, cut off: a tuple of coefficients; what never changes stays one number."""

    def __init__(self, scalars: _Scalars, length: int) -> None:
        self.scalars, self.length, self._equations, self._left = scalars, length, scalars.equations, MAX_STEPS

    def _spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise self._equations._TooMuchWork("Its proof needs more arithmetic than this checker undertakes.")

    def time(self, instant: Fraction) -> Any:
        return (instant, _ONE, *[_ZERO] * self.length)[: self.length]

    def constant_term(self, a: Any) -> Any:
        return a[0] if isinstance(a, tuple) else a

    def _all(self, a: Any) -> tuple[Any, ...]:
        return a if isinstance(a, tuple) else (a, *[_ZERO] * (self.length - 1))

    def change(self, a: Any) -> Any:
        """The derivative in time; one coefficient less is known of it."""
        if not isinstance(a, tuple):
            return _ZERO
        return tuple(self.scalars.multiply(Fraction(k), x) for k, x in enumerate(a[1:], 1))

    def add(self, a: Any, b: Any) -> Any:
        self._spend(self.length)
        if not isinstance(a, tuple) and not isinstance(b, tuple):
            return self.scalars.add(a, b)
        return tuple(map(self.scalars.add, self._all(a), self._all(b)))

    def negate(self, a: Any) -> Any:
        return self.multiply(Fraction(-1), a)

    def multiply(self, a: Any, b: Any) -> Any:
        multiply = self.scalars.multiply
        if not isinstance(a, tuple):
            a, b = b, a
        self._spend(self.length**2 if isinstance(b, tuple) else self.length)
        if not isinstance(b, tuple):
            if isinstance(b, Fraction) and b == 0:
                return _ZERO
            return tuple(multiply(x, b) for x in a) if isinstance(a, tuple) else multiply(a, b)
        return tuple(self._sum(multiply(a[j], b[k - j]) for j in range(k + 1)) for k in range(min(len(a), len(b))))

    def _sum(self, terms: Any) -> Any:
        return reduce(self.scalars.add, terms, _ZERO)

    def divide(self, a: Any, b: Any) -> Any:
        if not isinstance(b, tuple):
            return self.multiply(a, self.scalars.divide(_ONE, b))
        self._spend(self.length**2)
        quotient: list[Any] = []
        for k, x in enumerate(self._all(a)[: len(b)]):
            known = self._sum(self.scalars.multiply(b[j], quotient[k - j]) for j in range(1, k + 1))
            rest = self.scalars.add(x, self.scalars.multiply(Fraction(-1), known))
            quotient.append(self.scalars.divide(rest, b[0]))
        return tuple(quotient)

    def power(self, a: Any, k: int) -> Any:
        if k < 0:
            return self.divide(_ONE, self.power(a, -k))
        if k > self._equations.MAX_EXPONENT:
            raise self._equations._Undefined("An exponent is too large.")
        result: Any = _ONE
        while k:
            result, a, k = self.multiply(result, a) if k & 1 else result, self.multiply(a, a) if k > 1 else a, k >> 1
        return result

    def root(self, a: Any, k: int) -> Any:
        """By k x y' = x' y for y = x^(1/k)."""
        if k > self._equations.MAX_EXPONENT:
            raise self._equations._Undefined("An exponent is too large.")
        if isinstance(a, Fraction) and a == 0:
            return a
        if not isinstance(a, tuple):
            return self.scalars.call("root", a, k)
        y, multiply = [self.scalars.call("root", a[0], k)], self.scalars.multiply
        for i in range(1, len(a)):
            terms = (multiply(multiply(Fraction(j, k) - (i - j), a[j]), y[i - j]) for j in range(1, i + 1))
            y.append(self.scalars.divide(self._sum(terms), multiply(Fraction(i), a[0])))
        return tuple(y)

    def call(self, name: str, a: Any) -> Any:
        if name == "sqrt":
            return self.root(a, 2)
        if name == "abs":
            return self.multiply(self.call("sign", a), a)
        special = None if isinstance(a, tuple) else self._equations._special(name, a)
        if special is not None:
            return special
        if name == "sign":
            return self._sign(self.constant_term(a))
        if not isinstance(a, tuple):
            return self.scalars.call(name, a)
        self._spend(self.length**2)
        if name == "exp":
            return self._exp(a)
        if name in ("sin", "cos"):
            return self._sine_and_cosine(a)[name == "cos"]
        if name == "tan":
            return self.divide(*self._sine_and_cosine(a))
        if name in ("sinh", "cosh", "tanh"):
            return self._hyperbolic(name, a)
        start, rate = self.scalars.call(name, a[0]), self.change(a) or (_ZERO,)
        return self._integrated(start, self.multiply(self.derivative(name, a, None), rate))

    def _integrated(self, start: Any, rate: tuple[Any, ...]) -> Any:
        rest = (self.scalars.multiply(Fraction(1, k), x) for k, x in enumerate(rate, 1))
        return (start, *rest)[: self.length]

    def _sign(self, a: Any) -> Any:
        if not self.scalars.is_not_zero(a) or self.scalars.is_complex(a):
            raise self._equations._Undefined("abs or sign is not analytic at the instant.")
        return self.scalars.real.call("sign", a)

    def _exp(self, a: tuple[Any, ...]) -> Any:
        y, multiply = [self.scalars.call("exp", a[0])], self.scalars.multiply
        for k in range(1, len(a)):
            y.append(self._sum(multiply(multiply(Fraction(j, k), a[j]), y[k - j]) for j in range(1, k + 1)))
        return tuple(y)

    def _sine_and_cosine(self, a: tuple[Any, ...]) -> tuple[Any, Any]:
        multiply = self.scalars.multiply
        sine, cosine = [self.scalars.call("sin", a[0])], [self.scalars.call("cos", a[0])]
        for k in range(1, len(a)):
            rates = [multiply(Fraction(j, k), a[j]) for j in range(1, k + 1)]
            next_sine = self._sum(multiply(r, cosine[k - j]) for j, r in enumerate(rates, 1))
            next_cosine = self._sum(multiply(r, sine[k - j]) for j, r in enumerate(rates, 1))
            sine.append(next_sine)
            cosine.append(multiply(Fraction(-1), next_cosine))
        return tuple(sine), tuple(cosine)

    def _hyperbolic(self, name: str, a: Any) -> Any:
        up = self._exp(a)
        down = self.divide(_ONE, up)
        sine = self.multiply(Fraction(1, 2), self.add(up, self.negate(down)))
        cosine = self.multiply(Fraction(1, 2), self.add(up, down))
        return {"sinh": sine, "cosh": cosine}[name] if name != "tanh" else self.divide(sine, cosine)

    def derivative(self, name: str, a: Any, value: Any) -> Any:
        return self._equations._Arithmetic.derivative(self, name, a, value)

    def _slope_of_abs(self, a: Any) -> Any:
        return self.call("sign", a)


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
