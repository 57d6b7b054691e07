"""Check certificates about differential equations; `checker.py` calls this file, which has to lie beside it.

A certificate about x' = f(x, u) (x⁺ = f(x, u) where there is a sample time) claims something near a point. Equations
are read and differentiated anew here, by a parser and an automatic differentiation of their own.

  exact linearisation     The point, f and its derivatives are rational: exact arithmetic, the standard library alone.
  enclosed linearisation  The point lies in a box, and the derivatives in balls: python-flint does the ball arithmetic.
    Krawczyk's test (Neumaier 1990, Theorem 5.1.8) shows that the box holds exactly one equilibrium, and the linear
    claim is proved for every matrix in the balls.

What the linear claim says of the equations is Lyapunov's indirect method (Khalil 2002, Theorem 4.7): every eigenvalue
of the Jacobian inside the stability region makes the equilibrium exponentially stable, one strictly outside unstable.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

MAX_TOKENS = 200_000
MAX_EXPONENT = 10_000
MAX_BITS = 200_000  # of an exact number
_TOKEN = re.compile(
    r"\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)"  # a number
    r"|([A-Za-z_]\w*)"  # a name
    r"|(\*\*|[-+*/^()]))",
    re.ASCII,
)
_FUNCTIONS = frozenset(
    ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "abs", "sign")
)
_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "^": 4}
_EXACT, _ENCLOSED = "exact linearisation", "enclosed linearisation"


class _NotRational(Exception):  # noqa: N818
    """A value is irrational, so that balls have to enclose it."""


class _Undefined(Exception):  # noqa: N818
    """An operation has no value, or a derivative no meaning, at the point."""


def check(document: dict[str, Any], core: Any) -> Any:
    """Decide whether a certificate about equations proves its claim; `core` is the module checker.py."""
    claim = "a claim that was not read"
    try:
        entries = core._fields(
            document, "The document", "schema system claim method witness digest", "versions provenance"
        )
        core._word(entries["schema"], "The schema", (core.SCHEMA,))
        core._expect_digest(entries)
        system = _Equations.read(entries["system"], core)
        claim, proved = _check_local(entries, system, core)
    except (core._Refused, _Undefined) as refusal:
        return core.Report(False, claim, str(refusal))
    return core.Report(proved.valid, claim, proved.reason)


def _check_local(entries: dict[str, Any], system: _Equations, core: Any) -> tuple[str, Any]:
    """A linear claim about the Jacobian at a point."""
    method = core._word(entries["method"], "The method", (_EXACT, _ENCLOSED))
    claim = entries["claim"]
    if not isinstance(claim, dict) or not str(claim.get("about", "")).startswith("local "):
        raise core.Unreadable("The claim about equations has to be local.")
    inner = {key: value for key, value in claim.items() if key not in ("about", "point", "equilibrium")}
    inner["about"] = claim["about"].removeprefix("local ")
    at_equilibrium = claim.get("equilibrium")
    if not isinstance(at_equilibrium, bool):
        raise core.Unreadable("The claim has to say with true or false whether the point is an equilibrium.")
    witness = core._fields(entries["witness"], "The witness", "method witness")
    point = _point(claim.get("point"), system, core)
    if at_equilibrium and inner["about"] == "stability":
        _expect_no_critical_case(inner, system, core)
    words = f"Of the Jacobian{' at the equilibrium' if at_equilibrium else ''} where {_words(point, system)}: "
    if method == _EXACT:
        report = _check_exact(inner, witness, system, point, at_equilibrium, core)
    else:
        report = _check_enclosed(inner, witness, system, point, at_equilibrium, core)
    return words + report.claim, report


def _expect_no_critical_case(inner: dict[str, Any], system: _Equations, core: Any) -> None:
    """An eigenvalue on the boundary says nothing of the equations, and one outside only if it is proved to be."""
    low = core._bounds(inner.get("abscissa"))[0]
    boundary = 0 if system.dt is None else 1
    if inner.get("verdict") != "stable" and not (low is not None and low > boundary):
        raise core._Refused("The Jacobian is critical, and its stability says nothing of the equations.")


def _words(point: list[tuple[Fraction, Fraction]], system: _Equations) -> str:
    names = (*system.states, *system.inputs)
    return ", ".join(f"{name} ≈ {float((lo + hi) / 2):.12g}" for name, (lo, hi) in zip(names, point, strict=True))


# --------------------------------------------------------------------------------------------- the system


@dataclass(frozen=True)
class _Equations:
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    programs: tuple[list[Any], ...]
    outputs: tuple[list[Any], ...] | None
    dt: Fraction | None
    dt_text: str | None

    @classmethod
    def read(cls, value: Any, core: Any) -> _Equations:
        entries = core._fields(value, "The system", "states inputs equations dt", "outputs")
        states, inputs = (tuple(core._list(entries[key], key)) for key in ("states", "inputs"))
        names = (*states, *inputs)
        if not states or not all(isinstance(n, str) and re.fullmatch(r"[A-Za-z_]\w*", n) for n in names):
            raise core.Unreadable("States and inputs have to be names, and there has to be a state.")
        if len(set(names)) != len(names) or set(names) & (_FUNCTIONS | {"pi"}):
            raise core.Unreadable("A name stands twice, or is that of a function.")
        equations = core._list(entries["equations"], "The equations")
        if len(equations) != len(states):
            raise core.Unreadable("There have to be as many equations as states.")
        where = {name: i for i, name in enumerate(names)}
        dt = None if entries["dt"] is None else core._number(entries["dt"], "dt")
        if dt is not None and dt <= 0:
            raise core.Unreadable("dt has to be a sample time above zero, or null.")
        outputs = entries.get("outputs")
        return cls(
            states,
            inputs,
            tuple(_parsed(text, where, core) for text in equations),
            None if outputs is None else tuple(_parsed(t, where, core) for t in core._list(outputs, "The outputs")),
            dt,
            entries["dt"],
        )


def _point(value: Any, system: _Equations, core: Any) -> list[tuple[Fraction, Fraction]]:
    names = (*system.states, *system.inputs)
    entries = core._fields(value, "The point", " ".join(names))
    point = []
    for name in names:
        pair = core._list(entries[name], f"The place of {name}")
        if len(pair) != 2:
            raise core.Unreadable(f"The place of {name} has to be a list of two bounds.")
        low, high = (core._number(x, f"The place of {name}") for x in pair)
        if low > high or (name in system.inputs and low != high):
            raise core._Refused(f"The place of {name} has no inside, or an input is not one number.")
        point.append((low, high))
    return point


# ---------------------------------------------------------------------------------------------- equations


def _parsed(text: Any, names: dict[str, int], core: Any) -> list[Any]:
    """The expression in postfix order: numbers, ("x", i), "pi", operators and functions (shunting yard)."""
    if not isinstance(text, str):
        raise core.Unreadable("An equation has to be text.")
    program: list[Any] = []
    stack: list[str] = []
    operand, position, count = True, 0, 0  # whether an operand is due
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        count += 1
        if match is None or count > MAX_TOKENS:
            raise core.Unreadable(f"An equation cannot be read at character {position + 1}.")
        number, name, symbol = match.groups()
        position = match.end()
        if operand:
            if number:
                program.append(Fraction(number))
            elif name in _FUNCTIONS:
                stack.append(name)
                continue
            elif name:
                if name not in names and name != "pi":
                    raise core.Unreadable(f"An equation has the unknown name {name[:40]!r}.")
                program.append(("x", names[name]) if name in names else "pi")
            elif symbol in "(+-" and len(symbol) == 1:
                if symbol != "+":
                    stack.append("(" if symbol == "(" else "neg")
                continue
            else:
                raise core.Unreadable(f"An equation cannot be read at character {position}.")
            operand = False
        elif symbol == ")":
            while stack and stack[-1] != "(":
                program.append(stack.pop())
            if not stack:
                raise core.Unreadable("An equation closes a parenthesis that it did not open.")
            stack.pop()
            if stack and stack[-1] in _FUNCTIONS:
                program.append(stack.pop())
        elif symbol and symbol != "(":
            operator = "^" if symbol == "**" else symbol
            while stack and stack[-1] != "(" and _yields(stack[-1], operator):
                program.append(stack.pop())
            stack.append(operator)
            operand = True
        else:
            raise core.Unreadable(f"An equation cannot be read at character {position}.")
        if operand is False and stack and stack[-1] in _FUNCTIONS:
            raise core.Unreadable("A function has to be followed by a parenthesis.")
    if operand or "(" in stack:
        raise core.Unreadable("An equation ends too early.")
    return [*program, *reversed(stack)]


def _yields(waiting: str, arriving: str) -> bool:
    """Whether an operator on the stack comes before one that arrives; powers group to the right."""
    if waiting in _FUNCTIONS:
        return False
    return _BINDING[waiting] > _BINDING[arriving] or (_BINDING[waiting] == _BINDING[arriving] and arriving != "^")


# ------------------------------------------------------------------------------- values and derivatives


class _Pi:
    """A rational multiple of π, not zero."""

    def __init__(self, multiple: Fraction) -> None:
        self.multiple = multiple


class _Kink:
    """The derivative of abs at 0: it means nothing, unless it is multiplied by zero."""


_KINK = _Kink()


@dataclass(frozen=True)
class _Arithmetic:
    """Rationals as long as it goes; balls of python-flint after that, where the module is given."""

    flint: Any = None

    def ball(self, a: Any) -> Any:
        if isinstance(a, Fraction):
            return self.flint.arb(self.flint.fmpq(a.numerator, a.denominator))
        if isinstance(a, _Pi):
            return self.ball(a.multiple) * self.flint.arb.pi()
        return a

    def result(self, a: Any) -> Any:
        if isinstance(a, Fraction):
            if max(a.numerator.bit_length(), a.denominator.bit_length()) > MAX_BITS:
                raise _Undefined("The exact numbers grow too long.")
        elif not isinstance(a, _Pi | _Kink) and not a.is_finite():
            raise _Undefined("An operation has no value somewhere in the enclosure of the point.")
        return a

    def balls(self, *values: Any) -> list[Any]:
        if self.flint is None:
            raise _NotRational
        return [self.ball(a) for a in values]

    def add(self, a: Any, b: Any) -> Any:
        if a is _KINK or b is _KINK:
            return _KINK
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self.result(a + b)
        if isinstance(a, _Pi) and isinstance(b, _Pi):
            total = a.multiple + b.multiple
            return _Pi(total) if total else Fraction(0)
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Fraction) and x == 0:
                return y
        x, y = self.balls(a, b)
        return self.result(x + y)

    def multiply(self, a: Any, b: Any) -> Any:
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Fraction):
                if x == 0:
                    return x
                if x == 1:
                    return y
                if isinstance(y, _Pi):
                    return _Pi(x * y.multiple)
        if a is _KINK or b is _KINK:
            return _KINK
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self.result(a * b)
        x, y = self.balls(a, b)
        return self.result(x * y)

    def negate(self, a: Any) -> Any:
        return self.multiply(Fraction(-1), a)

    def divide(self, a: Any, b: Any) -> Any:
        if isinstance(b, Fraction):
            if b == 0:
                raise _Undefined("A division by zero.")
            return self.multiply(1 / b, a)
        if isinstance(a, _Pi) and isinstance(b, _Pi):
            return a.multiple / b.multiple
        x, y = self.balls(a, b)
        return self.result(x / y)

    def power(self, a: Any, k: int) -> Any:
        if abs(k) > MAX_EXPONENT:
            raise _Undefined("An exponent is too large.")
        if k == 0:
            return Fraction(1)
        if isinstance(a, Fraction):
            if a == 0 and k < 0:
                raise _Undefined("A division by zero.")
            if abs(k) * max(a.numerator.bit_length(), a.denominator.bit_length()) > MAX_BITS:
                raise _Undefined("The exact numbers grow too long.")
            return a**k
        (x,) = self.balls(a)
        return self.result(x ** abs(k) if k > 0 else 1 / x ** abs(k))

    def call(self, name: str, a: Any) -> Any:
        special = _special(name, a)
        if special is not None:
            return special
        (x,) = self.balls(a)
        if name in ("abs", "sign"):
            if x.contains(0):
                raise _Undefined(f"{name} is not smooth somewhere in the enclosure of the point.")
            return abs(x) if name == "abs" else Fraction(1 if x > 0 else -1)
        return self.result(getattr(x, name)())

    def root(self, a: Any, k: int) -> Any:
        rational = _rational_root(a, k)
        if rational is not None:
            return rational
        (x,) = self.balls(a)
        return self.result(x.root(k))

    def derivative(self, name: str, a: Any, value: Any) -> Any:
        """The derivative of a function at a, where it has the given value."""
        one = Fraction(1)
        square = self.multiply(a, a) if name in ("asin", "acos", "atan") else None
        if name == "exp":
            return value
        if name == "log":
            return self.divide(one, a)
        if name == "sqrt":
            return self.divide(Fraction(1, 2), value)
        if name in ("asin", "acos"):
            slope = self.divide(one, self.root(self.add(one, self.negate(square)), 2))
            return slope if name == "asin" else self.negate(slope)
        if name == "atan":
            return self.divide(one, self.add(one, square))
        if name in ("tan", "tanh"):
            part = self.multiply(value, value)
            return self.add(one, part if name == "tan" else self.negate(part))
        if name == "abs":
            return _KINK if isinstance(a, Fraction) and a == 0 else self.call("sign", a)
        if name == "sign":
            if isinstance(a, Fraction) and a == 0:
                raise _Undefined("sign jumps at the point.")
            return Fraction(0)
        other = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh"}[name]
        slope = self.call(other, a)
        return self.negate(slope) if name == "cos" else slope


def _special(name: str, a: Any) -> Any:
    """The value of a function where it is rational, or None."""
    if isinstance(a, _Pi):
        quarter = 2 * a.multiple + (1 if name == "cos" else 0)  # cos x = sin(x + π/2)
        if name in ("sin", "cos"):
            if quarter.denominator == 1:
                return Fraction((0, 1, 0, -1)[int(quarter) % 4])
            sixth = 3 * quarter
            if sixth.denominator == 1 and int(sixth) % 12 in (1, 5, 7, 11):
                return Fraction(1, 2) if int(sixth) % 12 < 6 else Fraction(-1, 2)
        if name == "tan" and a.multiple.denominator == 1:
            return Fraction(0)
        return None
    if not isinstance(a, Fraction):
        return None
    if name == "abs":
        return abs(a)
    if name == "sign":
        return Fraction((a > 0) - (a < 0))
    if name == "sqrt":
        return _rational_root(a, 2)
    if a == 0 and name in ("sin", "tan", "asin", "atan", "sinh", "tanh", "cos", "cosh", "exp"):
        return Fraction(name in ("cos", "cosh", "exp"))
    return Fraction(0) if a == 1 and name in ("log", "acos") else None


def _rational_root(a: Any, k: int) -> Fraction | None:
    """The k-th root of a rational where it is rational."""
    if not isinstance(a, Fraction) or a < 0:
        return None
    above, below = _integer_root(a.numerator, k), _integer_root(a.denominator, k)
    return None if above is None or below is None else Fraction(above, below)


def _integer_root(value: int, k: int) -> int | None:
    """The k-th root where it is an integer."""
    if k == 2:
        root = isqrt(value)
        return root if root * root == value else None
    low, high = 0, 1 << (value.bit_length() // k + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**k <= value else (low, middle - 1)
    return low if low**k == value else None


def _evaluate(program: list[Any], point: list[Any], arithmetic: _Arithmetic) -> tuple[Any, list[Any]]:
    """Value and gradient, by forward differentiation."""
    zero = Fraction(0)
    flat = [zero] * len(point)
    stack: list[tuple[Any, list[Any]]] = []
    for step in program:
        if isinstance(step, Fraction):
            stack.append((step, flat))
        elif isinstance(step, tuple):
            stack.append((point[step[1]], [Fraction(i == step[1]) for i in range(len(point))]))
        elif step == "pi":
            stack.append((_Pi(Fraction(1)), flat))
        elif step == "neg":
            a, da = stack.pop()
            stack.append((arithmetic.negate(a), [arithmetic.negate(d) for d in da]))
        elif step in _FUNCTIONS:
            a, da = stack.pop()
            value = arithmetic.call(step, a)
            stack.append((value, _chained(da, lambda a=a, v=value, f=step: arithmetic.derivative(f, a, v), arithmetic)))
        else:
            (b, db), (a, da) = stack.pop(), stack.pop()
            stack.append(_combined(step, a, da, b, db, arithmetic))
    return stack[0]


def _chained(gradient: list[Any], slope: Any, arithmetic: _Arithmetic) -> list[Any]:
    """slope · gradient; the slope is computed only where something depends on it."""
    if all(isinstance(d, Fraction) and d == 0 for d in gradient):
        return gradient
    factor = slope()
    return [arithmetic.multiply(factor, d) for d in gradient]


def _combined(step: str, a: Any, da: list[Any], b: Any, db: list[Any], o: _Arithmetic) -> tuple[Any, list[Any]]:
    if step == "+":
        return o.add(a, b), [o.add(x, y) for x, y in zip(da, db, strict=True)]
    if step == "-":
        return o.add(a, o.negate(b)), [o.add(x, o.negate(y)) for x, y in zip(da, db, strict=True)]
    if step == "*":
        return o.multiply(a, b), [o.add(o.multiply(x, b), o.multiply(a, y)) for x, y in zip(da, db, strict=True)]
    if step == "/":
        value = o.divide(a, b)
        return value, [o.divide(o.add(x, o.negate(o.multiply(value, y))), b) for x, y in zip(da, db, strict=True)]
    if isinstance(b, Fraction) and all(isinstance(y, Fraction) and y == 0 for y in db):
        return _powered(a, da, b, o)
    logarithm = o.call("log", a)
    exponent = o.multiply(b, logarithm)
    value = o.call("exp", exponent)
    slopes = [o.add(o.multiply(y, logarithm), o.multiply(b, o.divide(x, a))) for x, y in zip(da, db, strict=True)]
    return value, [o.multiply(value, s) for s in slopes]


def _powered(a: Any, da: list[Any], b: Fraction, o: _Arithmetic) -> tuple[Any, list[Any]]:
    """a to a rational power: the root first, as the writer of the certificate means it."""
    base = a if b.denominator == 1 else o.root(a, b.denominator)
    value = o.power(base, b.numerator)
    if b == 0:
        return value, [Fraction(0)] * len(da)
    if b.denominator == 1:
        return value, _chained(da, lambda: o.multiply(b, o.power(a, b.numerator - 1)), o)
    return value, _chained(da, lambda: o.multiply(b, o.divide(value, a)), o)


def _jacobian(programs: Any, point: list[Any], o: _Arithmetic) -> tuple[list[Any], list[list[Any]]]:
    rows = [_evaluate(program, point, o) for program in programs]
    if any(entry is _KINK for _, row in rows for entry in row):
        raise _Undefined("abs is not smooth at the point.")
    return [value for value, _ in rows], [row for _, row in rows]


# ------------------------------------------------------------------------------------------ exact claims


def _check_exact(
    inner: dict[str, Any],
    witness: dict[str, Any],
    system: _Equations,
    point: list[tuple[Fraction, Fraction]],
    at_equilibrium: bool,
    core: Any,
) -> Any:
    """Rational point and derivatives: the linear claim is checked by checker.py as it stands."""
    if any(low != high for low, high in point):
        raise core._Refused("An exact linearisation is at a point, not in a box.")
    exact = [low for low, _ in point]
    try:
        f, rows = _jacobian(system.programs, exact, _Arithmetic())
        C = None if system.outputs is None else _jacobian(system.outputs, exact, _Arithmetic())[1]
    except _NotRational:
        raise core._Refused("The linearisation at this point is not rational.") from None
    target = [Fraction(0)] * len(f) if system.dt is None else exact[: len(f)]
    if at_equilibrium and [core._number(_spelled(v), "f") if isinstance(v, Fraction) else v for v in f] != target:
        raise core._Refused("The point is no equilibrium.")
    n = len(system.states)
    matrices: dict[str, Any] = {"A": [row[:n] for row in rows]}
    if system.inputs:
        matrices["B"] = [row[n:] for row in rows]
    if C is not None:
        matrices["C"] = [row[:n] for row in C]
    if any(not isinstance(x, Fraction) for rows in matrices.values() for row in rows for x in row):
        raise core._Refused("The linearisation at this point is not rational.")
    spelled = {key: [[_spelled(x) for x in row] for row in rows] for key, rows in matrices.items()}
    document = {
        "schema": core.SCHEMA,
        "system": {**spelled, "dt": system.dt_text},
        "claim": inner,
        "method": witness["method"],
        "witness": witness["witness"],
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    return core.check({**document, "digest": digest})


def _spelled(x: Fraction) -> str:
    return f"{x.numerator}/{x.denominator}"


# --------------------------------------------------------------------------------------- enclosed claims


def _check_enclosed(
    inner: dict[str, Any],
    witness: dict[str, Any],
    system: _Equations,
    point: list[tuple[Fraction, Fraction]],
    at_equilibrium: bool,
    core: Any,
) -> Any:
    """The linear claim for every Jacobian over the box."""
    try:
        import flint
    except ImportError:
        raise core._Refused("This claim needs the package python-flint, which is not installed.") from None
    widths = [high - low for low, high in point if high > low]
    bits = max((w.denominator.bit_length() - w.numerator.bit_length() for w in widths), default=0)
    if bits > 20_000:
        raise core._Refused("The box is too small to be checked.")
    with flint.ctx.workprec(256 + 2 * max(0, bits)):
        arithmetic = _Arithmetic(flint)
        box = [_hull(low, high, arithmetic) for low, high in point]
        if at_equilibrium:
            _expect_equilibrium(system, box, arithmetic, core)
        rows = _jacobian(system.programs, box, arithmetic)[1]
        n = len(system.states)
        A, B = (_matrix([row[part] for row in rows], arithmetic) for part in (slice(0, n), slice(n, None)))
        proof = {"stability": _prove_stability, "feedback": _prove_feedback, "controllability": _prove_rank}
        if inner["about"] not in proof:
            raise core._Refused(f"No method proves {inner['about']} for enclosed matrices.")
        claim = proof[inner["about"]](inner, witness, A, B, system, arithmetic, core)
    return core.Report(True, claim, "Proved in ball arithmetic for every Jacobian over the enclosure of the point.")


def _hull(low: Fraction, high: Fraction, o: _Arithmetic) -> Any:
    return o.ball(low) if low == high else o.ball(low).union(o.ball(high))


def _matrix(rows: list[list[Any]], o: _Arithmetic) -> Any:
    return o.flint.arb_mat([[o.ball(x) for x in row] for row in rows]) if rows[0] else None


def _expect_equilibrium(system: _Equations, box: list[Any], o: _Arithmetic, core: Any) -> None:
    """Krawczyk: m − Y g(m) + (I − Y J)(X − m) in the interior of X proves one zero of g in X, and only one."""
    n = len(system.states)
    arb_mat = o.flint.arb_mat
    middle = [x.mid() for x in box[:n]] + box[n:]
    f = _jacobian(system.programs, middle, o)[0]
    J = _jacobian(system.programs, box, o)[1]
    g = [o.ball(value) for value in f]
    rows = [[o.ball(x) for x in row[:n]] for row in J]
    if system.dt is not None:
        g = [value - x for value, x in zip(g, middle, strict=False)]
        rows = [[x - (i == j) for j, x in enumerate(row)] for i, row in enumerate(rows)]
    jacobian = arb_mat(rows)
    try:
        Y = arb_mat([[x.mid() for x in row] for row in jacobian.mid().inv().tolist()])
    except ZeroDivisionError:
        raise core._Refused("The Jacobian is singular over the enclosure of the point.") from None
    identity = arb_mat([[int(i == j) for j in range(n)] for i in range(n)])
    offset = arb_mat([[x - m] for x, m in zip(box[:n], middle, strict=False)])
    image = arb_mat([[m] for m in middle[:n]]) - Y * arb_mat([[v] for v in g]) + (identity - Y * jacobian) * offset
    for i in range(n):
        if not box[i].contains_interior(image[i, 0]):
            raise core._Refused("Krawczyk's test does not show an equilibrium in the enclosure of the point.")


def _prove_stability(
    inner: dict[str, Any], witness: Any, A: Any, B: Any, system: _Equations, o: _Arithmetic, core: Any
) -> str:
    core._fields(inner, "The claim", "about verdict in_region abscissa decay damping")
    low, high, region = _prove_bounds(inner, witness, [A], system, o, core)
    boundary = 0 if system.dt is None else 1
    verdict = "stable" if high is not None and high <= boundary else None
    verdict = "unstable" if low is not None and low >= boundary else verdict
    inside = True if high is not None and high <= region.edge else None
    inside = False if low is not None and low >= region.edge else inside
    core._expect(verdict == inner["verdict"], "The bounds do not show the verdict.")
    core._expect(inside is not None and inside is inner["in_region"], "The bounds do not show the claim on the region.")
    every = "every" if inside else "not every"
    return f"it is {verdict}, and {every} eigenvalue has {region}"


def _prove_feedback(
    inner: dict[str, Any], witness: Any, A: Any, B: Any, system: _Equations, o: _Arithmetic, core: Any
) -> str:
    core._fields(inner, "The claim", "about verdict gain abscissa decay damping")
    core._word(inner["verdict"], "The verdict", ("stabilised",))
    if B is None:
        raise core.Unreadable("The claim is about a gain, and the system has no inputs.")
    K = core._matrix(inner["gain"], "The gain", len(system.inputs), len(system.states))
    closed = [A - B * _matrix(gain, o) for gain in (K, core._nearest_doubles(K))]
    _, high, region = _prove_bounds(inner, witness, closed, system, o, core)
    core._expect(high is not None and high <= region.edge, "The bounds do not show every pole in the region.")
    return f"with u = u* − K (x − x*) every eigenvalue of A − B K has {region}"


def _prove_bounds(
    inner: dict[str, Any], witness: Any, matrices: list[Any], system: _Equations, o: _Arithmetic, core: Any
) -> Any:
    """lo < abscissa < hi for every matrix in the balls, by Lyapunov inequalities."""
    core._expect(witness["method"] == "lyapunov", "Only Lyapunov matrices prove a claim about enclosed matrices.")
    region = core._Region.read(inner, system.dt is not None)
    core._expect(region.damping == 0, "Lyapunov matrices do not prove a damping ratio.")
    sides = core._fields(witness["witness"], "The witness", "upper lower")
    low, high = core._bounds(inner["abscissa"])
    n = matrices[0].nrows()
    for bound, side, keys in ((high, sides["upper"], "P"), (low, sides["lower"], "P x")):
        core._expect((bound is None) == (side is None), "A bound has no Lyapunov matrix, or one has no bound.")
        if bound is None:
            continue
        core._fields(side, "A Lyapunov matrix", keys)
        P = core._matrix(side["P"], "P", n, n)
        P = [[P[max(i, j)][min(i, j)] for j in range(n)] for i in range(n)]
        form = _matrix(P, o)
        for M in matrices:
            residual = _residual(M, form, o.ball(bound), system.dt is not None)
            core._expect(_positive(residual), "A residual is not proved positive definite.")
        if keys == "P x":
            x = core._matrix([side["x"]], "x", 1, n)[0]
            value = sum(x[i] * P[i][j] * x[j] for i in range(n) for j in range(n))
            core._expect(value < 0, "xᵀPx is not negative.")
        else:
            core._expect(_positive(form), "P is not proved positive definite.")
            core._expect(system.dt is None or bound > 0, "A radius is not below zero.")
    return low, high, region


def _residual(M: Any, P: Any, bound: Any, discrete: bool) -> Any:
    n = M.nrows()
    if discrete:
        return P * (bound * bound) - M.transpose() * P * M
    shifted = M - type(M)([[bound if i == j else 0 for j in range(n)] for i in range(n)])
    return -(shifted.transpose() * P + P * shifted)


def _positive(M: Any) -> bool:
    """Whether elimination shows every symmetric matrix in the balls positive definite: all pivots are positive."""
    n = M.nrows()
    rows = [[M[max(i, j), min(i, j)] for j in range(n)] for i in range(n)]
    for k in range(n):
        if not rows[k][k] > 0:
            return False
        for i in range(k + 1, n):
            factor = rows[i][k] / rows[k][k]
            for j in range(k + 1, n):
                rows[i][j] = rows[i][j] - factor * rows[k][j]
    return True


def _prove_rank(
    inner: dict[str, Any], witness: Any, A: Any, B: Any, system: _Equations, o: _Arithmetic, core: Any
) -> str:
    core._fields(inner, "The claim", "about verdict decay dimension")
    core._word(inner["verdict"], "The verdict", ("controllable",))
    core._expect(witness["method"] == "kalman minor", "Only a minor proves full rank of enclosed matrices.")
    n, m = len(system.states), len(system.inputs)
    columns = core._list(core._fields(witness["witness"], "The witness", "columns")["columns"], "The columns")
    complete = inner["dimension"] == n and len(columns) == n and B is not None
    core._expect(complete, "A minor has as many columns as there are states.")
    powers = [B]
    while len(powers) < n:
        powers.append(A * powers[-1])
    chosen = []
    for column in columns:
        k, i = (core._count(x) for x in core._list(column, "A column"))
        core._expect(k < n and i < m, "There is no such column.")
        chosen.append([powers[k][j, i] for j in range(n)])
    core._expect(not o.flint.arb_mat(chosen).det().contains(0), "The minor may be zero.")
    return "the pair of its matrices is controllable"
