"""Check certificates about differential equations; `checker.py` calls this file, which has to lie beside it.

A certificate about x' = f(x, u) (x⁺ = f(x, u) where there is a sample time) claims something near a point, or in a
region of the states, which `checker_regions.py` checks. Equations are read and differentiated anew here, by a parser
and an automatic differentiation of their own.

  exact linearisation     The point, f and its derivatives are rational: exact arithmetic, the standard library alone.
  enclosed linearisation  The point lies in a box, and the derivatives in balls: python-flint does the ball arithmetic.
    Krawczyk's test (Neumaier 1990, Theorem 5.1.8) shows that the box holds exactly one equilibrium, and the linear
    claim is proved for every matrix in the balls. At a point that need be no equilibrium see checker_points.py.

What the linear claim says of the equations is Lyapunov's indirect method (Khalil 2002, Theorem 4.7): every eigenvalue
of the Jacobian inside the stability region makes the equilibrium exponentially stable, one strictly outside unstable.
Where abs may be at its kink, an enclosed Jacobian is Clarke's, for which the mean value theorem holds (Clarke 1983,
2.6.5): one Lyapunov matrix for all of it proves the same.

Powers: a rational exponent p/q is (a^(1/q))^p with the principal root, so that a ≥ 0 is needed where q > 1; every other
exponent is exp(b log a). −x² is −(x²), 2^−x is 2^(−x), and powers group to the right.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

MAX_TEXT = 4_000_000  # characters of all equations
MAX_NAMES = 2000  # of states and inputs
MAX_EXPONENT = 10_000  # also of the denominator of one
MAX_BITS = 200_000  # of an exact number
MAX_WORK = 6 * 10**13  # about two minutes; an operation on b bits counts as b² + 10⁶
MAX_PRECISION = 20_000  # bits
_BITS = 256  # of values between rational ones
_TOKEN = re.compile(
    r"[ \t]*(?:((?:[0-9]{1,4000}(?:\.[0-9]{0,4000})?|\.[0-9]{1,4000})(?:[eE][+-]?[0-9]{1,4})?)"  # a number
    r"|([^\W\d]\w*)"  # a name
    r"|(\*\*|[-+*/^()]))"
)
_NAME = re.compile(r"[^\W\d]\w*")
_OPENING = re.compile(r"[ \t]*\(")
_FUNCTIONS = frozenset(
    ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "abs", "sign")
)
_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "^": 4}
_EXACT, _ENCLOSED = "exact linearisation", "enclosed linearisation"
_IN_REGIONS = ("region of attraction", "equilibria")

Side = tuple[Fraction, Fraction]
Gradient = dict[int, Any]
"""The derivatives by the variables that a value is made of; empty for what is made of none."""


class _NotRational(Exception):  # noqa: N818
    """A value is irrational, so that balls have to enclose it."""


class _Undefined(Exception):  # noqa: N818
    """An operation has no value, or a derivative no meaning, at the point."""


class _Nowhere(_Undefined):
    """An operation has no value anywhere in the box."""


class _TooMuchWork(Exception):  # noqa: N818
    """A proof takes longer than this checker is willing to work."""


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
        about = entries["claim"].get("about") if isinstance(entries["claim"], dict) else None
        if about in _IN_REGIONS:
            read = _regions(core).read(entries, system, core, sys.modules[__name__])
            claim = read.words()
            return core.Report(True, claim, read.prove())
        if not isinstance(about, str) or not about.startswith("local "):
            raise core.Unreadable(f"A claim about equations is local, or about one of {', '.join(_IN_REGIONS)}.")
        point = _point(entries["claim"].get("point"), system, core)
        claim = f"of the Jacobian where {_words(point, system.names)}: {core._quoted(about)}"
        claim, proved = _check_local(entries, system, point, core)
    except (core._Refused, _Undefined, _TooMuchWork) as refusal:
        return core.Report(False, claim, str(refusal))
    return core.Report(proved.valid, claim, proved.reason)


def _regions(core: Any) -> Any:
    """The file checker_regions.py beside this one."""
    path = Path(__file__).with_name("checker_regions.py")
    spec = spec_from_file_location("hybrid_checker_regions", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise core.Unreadable("A claim about a region needs the file checker_regions.py beside checker.py.")
    if spec.name not in sys.modules:
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules[spec.name]


def _check_local(entries: dict[str, Any], system: _Equations, point: list[Side], core: Any) -> tuple[str, Any]:
    """A linear claim about the Jacobian at a point."""
    method = core._word(entries["method"], "The method", (_EXACT, _ENCLOSED))
    claim = entries["claim"]
    inner = {key: value for key, value in claim.items() if key not in ("about", "point", "equilibrium")}
    inner["about"] = claim["about"].removeprefix("local ")
    at_equilibrium = claim.get("equilibrium")
    if not isinstance(at_equilibrium, bool):
        raise core.Unreadable("The claim has to say with true or false whether the point is an equilibrium.")
    witness = core._fields(entries["witness"], "The witness", "method witness")
    if at_equilibrium and inner["about"] == "stability":
        _expect_no_critical_case(inner, system, core)
    place = ("at the equilibrium " if at_equilibrium else "where ") + _words(point, system.names)
    if not at_equilibrium and method == _ENCLOSED and witness["method"] in ("routh", "regular minor", "zero pattern"):
        report = core._beside("points", "A claim about a point").prove(
            inner, witness, system, point, core, sys.modules[__name__]
        )
    elif method == _EXACT:
        report = _check_exact(inner, witness, system, point, at_equilibrium, core)
    else:
        report = _check_enclosed(inner, witness, system, point, at_equilibrium, core)
    return f"Of the Jacobian {place}: {report.claim}", report


def _expect_no_critical_case(inner: dict[str, Any], system: _Equations, core: Any) -> None:
    """An eigenvalue on the boundary says nothing of the equations, and one outside only if it is proved to be."""
    low = core._bounds(inner.get("abscissa"))[0]
    boundary = 0 if system.dt is None else 1
    if inner.get("verdict") != "stable" and not (low is not None and low > boundary):
        raise core._Refused("The Jacobian is critical, and its stability says nothing of the equations.")


def _words(point: Sequence[Side], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_number_words(lo, hi)}" for name, (lo, hi) in zip(names, point, strict=True))


def _number_words(lo: Fraction, hi: Fraction) -> str:
    if lo == hi and max(lo.numerator.bit_length(), lo.denominator.bit_length()) <= 40:
        return f"= {lo}"
    try:
        return f"≈ {float((lo + hi) / 2):.12g}"
    except OverflowError:
        return "= a number beyond the range of doubles"


# --------------------------------------------------------------------------------------------- the system


@dataclass(frozen=True)
class _Equations:
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    programs: tuple[list[Any], ...]
    outputs: tuple[list[Any], ...] | None
    dt: Fraction | None
    dt_text: str | None

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.states, *self.inputs)

    @classmethod
    def read(cls, value: Any, core: Any) -> _Equations:
        entries = core._fields(value, "The system", "states inputs equations dt", "outputs")
        states, inputs = (tuple(core._list(entries[key], key)) for key in ("states", "inputs"))
        names = (*states, *inputs)
        if len(names) > MAX_NAMES:
            raise core.Unreadable(f"There are more than {MAX_NAMES} states and inputs.")
        if not states or not all(isinstance(n, str) and _NAME.fullmatch(n) for n in names):
            raise core.Unreadable("States and inputs have to be names, and there has to be a state.")
        if len(set(names)) != len(names) or set(names) & (_FUNCTIONS | {"pi"}):
            raise core.Unreadable("A name stands twice, or is that of a function.")
        equations = core._list(entries["equations"], "The equations")
        if len(equations) != len(states):
            raise core.Unreadable("There have to be as many equations as states.")
        outputs = None if entries.get("outputs") is None else core._list(entries["outputs"], "The outputs")
        if sum(len(text) if isinstance(text, str) else 0 for text in [*equations, *(outputs or [])]) > MAX_TEXT:
            raise core.Unreadable(f"The equations have more than {MAX_TEXT} characters.")
        dt = None if entries["dt"] is None else core._number(entries["dt"], "dt")
        if dt is not None and dt <= 0:
            raise core.Unreadable("dt has to be a sample time above zero, or null.")
        where = {name: i for i, name in enumerate(names)}
        return cls(
            states,
            inputs,
            tuple(_parsed(text, where, core) for text in equations),
            None if outputs is None else tuple(_parsed(text, where, core) for text in outputs),
            dt,
            entries["dt"],
        )


def _point(value: Any, system: _Equations, core: Any) -> list[Side]:
    names = system.names
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
    operand, position = True, 0  # whether an operand is due
    text = text.rstrip(" \t")
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise core.Unreadable(f"An equation cannot be read at character {position + 1}.")
        number, name, symbol = match.groups()
        start, position = position, match.end()
        if operand and number:
            program.append(Fraction(number))
            operand = False
        elif operand and name in _FUNCTIONS:
            opening = _OPENING.match(text, position)
            if opening is None:
                raise core.Unreadable("A function has to be followed by a parenthesis.")
            position = opening.end()
            stack += [name, "("]
        elif operand and name:
            if name not in names and name != "pi":
                raise core.Unreadable(f"An equation has the unknown name {name[:40]!a}.")
            program.append(("x", names[name]) if name in names else "pi")
            operand = False
        elif operand and symbol in ("(", "+", "-"):
            stack += {"(": ["("], "+": [], "-": ["neg"]}[symbol]
        elif not operand and symbol == ")":
            _close(program, stack, core)
        elif not operand and symbol and symbol != "(":
            operator = "^" if symbol == "**" else symbol
            while stack and stack[-1] != "(" and _comes_first(stack[-1], operator):
                program.append(stack.pop())
            stack.append(operator)
            operand = True
        else:
            raise core.Unreadable(f"An equation cannot be read at character {start + 1}.")
    if operand or "(" in stack:
        raise core.Unreadable("An equation ends too early.")
    return _with_powers(program + stack[::-1])


def _close(program: list[Any], stack: list[str], core: Any) -> None:
    """A closing parenthesis: what waits since the opening one, and the function before that."""
    while stack and stack[-1] != "(":
        program.append(stack.pop())
    if not stack:
        raise core.Unreadable("An equation closes a parenthesis that it did not open.")
    stack.pop()
    if stack and stack[-1] in _FUNCTIONS:
        program.append(stack.pop())


def _comes_first(waiting: str, arriving: str) -> bool:
    """Whether an operator on the stack comes before one that arrives; powers group to the right."""
    return _BINDING[waiting] > _BINDING[arriving] or (_BINDING[waiting] == _BINDING[arriving] and arriving != "^")


def _with_powers(program: list[Any]) -> list[Any]:
    """The program with "^" written "power" where the exponent names no variable."""
    marked: list[Any] = []
    varies: list[bool] = []
    for step in program:
        if isinstance(step, Fraction | tuple) or step == "pi":
            varies.append(isinstance(step, tuple))
        elif step != "neg" and step not in _FUNCTIONS:
            exponent = varies.pop()
            step = "power" if step == "^" and not exponent else step
            varies[-1] = varies[-1] or exponent
        marked.append(step)
    return marked


# ------------------------------------------------------------------------------- values and derivatives


@dataclass(frozen=True)
class _Angle:
    """offset + multiple · π, multiple not zero."""

    offset: Fraction
    multiple: Fraction


class _Kink:
    """The derivative of abs at 0: some number of [−1, 1], which means nothing unless it is multiplied by zero.

    A derivative that is a number in spite of it, as that of x·|x| at 0, is the strict one (Clarke 1983, 2.3).
    """


_KINK = _Kink()


class _Arithmetic:
    """Rationals and rational multiples of π as long as it goes; balls of python-flint after that, if it is given.

    Where `nonsmooth`, the derivative of abs over its kink is all of [−1, 1]. Where `partial`, values are enclosed over
    the part of a box on which they are defined, without bounds where there are none.
    """

    def __init__(self, flint: Any = None, nonsmooth: bool = False, partial: bool = False) -> None:
        self.flint, self.nonsmooth, self.partial = flint, nonsmooth, partial
        self._price = 10**6 + (0 if flint is None else flint.ctx.prec**2)
        self._left = MAX_WORK

    def ball(self, a: Any) -> Any:
        if isinstance(a, Fraction):
            return self.flint.arb(self.flint.fmpq(a.numerator, a.denominator))
        if isinstance(a, _Angle):
            return self.ball(a.offset) + self.ball(a.multiple) * self.flint.arb.pi()
        return a

    def result(self, a: Any) -> Any:
        if isinstance(a, Fraction):
            bits = max(a.numerator.bit_length(), a.denominator.bit_length())
            if bits > MAX_BITS:
                raise _Undefined("The exact numbers grow too long.")
            self._spend(10**6 + bits * bits)
        else:
            if not a.is_finite():
                if not self.partial:
                    raise _Undefined("An operation may have no value somewhere in the enclosure of the point.")
                a = self.flint.arb(0, math.inf)
            self._spend(self._price)
        return a

    def afford(self, operations: int) -> None:
        """To be called before work on matrices."""
        self._spend(operations * self._price)

    def _spend(self, work: int) -> None:
        self._left -= work
        if self._left < 0:
            raise _TooMuchWork("Its proof needs more arithmetic than this checker undertakes.")

    def angle(self, offset: Fraction, multiple: Fraction) -> Any:
        self.result(offset)
        return _Angle(offset, self.result(multiple)) if multiple else offset

    def balls(self, *values: Any) -> list[Any]:
        if self.flint is None:
            raise _NotRational
        return [self.ball(a) for a in values]

    def add(self, a: Any, b: Any) -> Any:
        if a is _KINK or b is _KINK:
            return _KINK
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return self.result(a + b)
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Fraction) and x == 0:
                return y
        if isinstance(a, Fraction | _Angle) and isinstance(b, Fraction | _Angle):
            (a0, a1), (b0, b1) = _parts(a), _parts(b)
            return self.angle(a0 + b0, a1 + b1)
        x, y = self.balls(a, b)
        return self.result(x + y)

    def multiply(self, a: Any, b: Any) -> Any:
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Fraction):
                if x == 0:
                    return x
                if x == 1:
                    return y
                if isinstance(y, _Angle):
                    return self.angle(x * y.offset, x * y.multiple)
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
        if isinstance(a, _Angle) and isinstance(b, _Angle) and a.offset * b.multiple == b.offset * a.multiple:
            return a.multiple / b.multiple
        if a is _KINK:
            return a
        x, y = self.balls(a, b)
        quotient = x / y
        if isinstance(a, Fraction) and a == 0 and quotient.is_finite():  # the divisor is not 0, so this is
            return a
        return self.result(quotient)

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
            return self.result(a**k)
        (x,) = self.balls(a)
        size = _range_of_power(x, abs(k))
        return self.result(size if k > 0 else 1 / size)

    def root(self, a: Any, k: int) -> Any:
        if k > MAX_EXPONENT:
            raise _Undefined("An exponent is too large.")
        rational = _rational_root(a, k)
        if rational is not None:
            return rational
        (x,) = self.balls(a)
        if self.partial:
            return self._over_domain(lambda end: end.root(k), x, 0, math.inf)
        return self.result(x.root(k))

    def call(self, name: str, a: Any) -> Any:
        if name == "sqrt":
            return self.root(a, 2)
        special = _special(name, a)
        if special is not None:
            return special
        (x,) = self.balls(a)
        if name == "abs":
            return self.result(abs(x) if not x.contains(0) else x.abs_upper().union(self.flint.arb(0)))
        if self.partial and name in ("log", "asin", "acos"):
            least, most = (0, math.inf) if name == "log" else (-1, 1)
            return self._over_domain(lambda end: getattr(end, name)(), x, least, most)
        if name == "sign":
            if x.contains(0) and self.partial:
                return self.flint.arb(0, 1)
            if x.contains(0):
                raise _Undefined("sign may jump somewhere in the enclosure of the point.")
            return Fraction(1 if x > 0 else -1)
        if name == "tanh" and x.rad() > 1e-3:  # wide balls: its ends are tighter than Arb's formula
            return self.result(x.lower().tanh().union(x.upper().tanh()))
        return self.result(getattr(x, name)())

    def _over_domain(self, function: Callable[[Any], Any], x: Any, least: float, most: float) -> Any:
        """A monotone function on the part of a ball that lies in [least, most]."""
        low, high = x.lower(), x.upper()
        if high < least or low > most:
            raise _Nowhere("An operation has no value anywhere in a box.")
        low = low if low > least else self.flint.arb(least)
        high = high if high < most else self.flint.arb(most)
        return self.result(function(low).union(function(high)))

    def derivative(self, name: str, a: Any, value: Any) -> Any:
        """The derivative of a function at a, where it has the given value."""
        one = Fraction(1)
        if name == "exp":
            return value
        if name == "log":
            return self.divide(one, a)
        if name == "sqrt":
            return self.divide(Fraction(1, 2), value)
        if name in ("asin", "acos"):
            slope = self.divide(one, self.root(self.add(one, self.negate(self.power(a, 2))), 2))
            return slope if name == "asin" else self.negate(slope)
        if name == "atan":
            return self.divide(one, self.add(one, self.power(a, 2)))
        if name in ("tan", "tanh"):
            square = self.power(value, 2)
            return self.add(one, square if name == "tan" else self.negate(square))
        if name == "abs":
            return self._slope_of_abs(a)
        if name == "sign":
            if isinstance(a, Fraction) and a == 0:
                raise _Undefined("sign jumps at the point.")
            return Fraction(0)  # its value was refused where it may jump
        other = {"sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh"}[name]
        slope = self.call(other, a)
        return self.negate(slope) if name == "cos" else slope

    def _slope_of_abs(self, a: Any) -> Any:
        at_kink = a == 0 if isinstance(a, Fraction) else self.balls(a)[0].contains(0)
        if not at_kink:
            return self.call("sign", a)
        if self.nonsmooth:
            return self.flint.arb(0, 1)
        if isinstance(a, Fraction):
            return _KINK
        raise _Undefined("abs is not smooth somewhere in the enclosure of the point.")


def _range_of_power(x: Any, k: int) -> Any:
    """x^k; flint has no value for a ball around 0, on which an even power starts at 0."""
    if not x.contains(0):
        return x**k
    lowest = x.lower() ** k if k % 2 else type(x)(0)
    return lowest.union(x.abs_upper() ** k if k % 2 == 0 else x.upper() ** k)


def _parts(a: Any) -> tuple[Fraction, Fraction]:
    return (a.offset, a.multiple) if isinstance(a, _Angle) else (a, Fraction(0))


_HALF = Fraction(1, 2)
_SINES = {0: Fraction(0), 1: _HALF, 3: 2 * _HALF, 5: _HALF}
_SINES |= {k + 6: -sine for k, sine in _SINES.items()}
_ARCS = {Fraction(0): Fraction(0), _HALF: Fraction(1, 6), Fraction(1): _HALF}
_AT_ZERO = {"exp": 1, "cos": 1, "cosh": 1, "sin": 0, "tan": 0, "sinh": 0, "tanh": 0, "atan": 0}


def _special(name: str, a: Any) -> Any:
    """The value of a function where it is rational, or a rational multiple of π; None elsewhere."""
    if isinstance(a, _Angle):
        return None if a.offset else _of_angle(name, a.multiple)
    if not isinstance(a, Fraction):
        return None
    if name == "abs":
        return abs(a)
    if name == "sign":
        return Fraction((a > 0) - (a < 0))
    if name in ("asin", "acos") and abs(a) in _ARCS:
        arcsine = _ARCS[abs(a)] * (1 if a > 0 else -1)
        return _multiple_of_pi(arcsine if name == "asin" else _HALF - arcsine)
    if name == "atan" and abs(a) == 1:
        return _multiple_of_pi(a / 4)
    if name == "log":
        return Fraction(0) if a == 1 else None
    return Fraction(_AT_ZERO[name]) if a == 0 and name in _AT_ZERO else None


def _of_angle(name: str, multiple: Fraction) -> Fraction | None:
    """sin, cos and tan of a rational multiple of π."""
    sixths = 6 * multiple + (3 if name == "cos" else 0)  # cos x = sin(x + π/2)
    if name in ("sin", "cos") and sixths.denominator == 1 and sixths % 12 in _SINES:
        return _SINES[int(sixths % 12)]
    quarters = 4 * multiple
    if name == "tan" and quarters.denominator == 1:
        if quarters % 4 == 2:
            raise _Undefined("A tangent at its pole.")
        return Fraction({0: 0, 1: 1, 3: -1}[int(quarters % 4)])
    return None


def _multiple_of_pi(multiple: Fraction) -> Any:
    return _Angle(Fraction(0), multiple) if multiple else multiple


def _rational_root(a: Any, k: int) -> Fraction | None:
    """The k-th root of a rational where it is rational."""
    if not isinstance(a, Fraction) or a < 0:
        return None
    above, below = _integer_root(a.numerator, k), _integer_root(a.denominator, k)
    return None if above is None or below is None else Fraction(above, below)


def _integer_root(value: int, k: int) -> int | None:
    """The k-th root where it is an integer."""
    if k == 2:
        root = math.isqrt(value)
        return root if root * root == value else None
    low, high = 0, 1 << (value.bit_length() // k + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**k <= value else (low, middle - 1)
    return low if low**k == value else None


def _evaluate(program: list[Any], point: Sequence[tuple[Any, Gradient]], o: _Arithmetic) -> tuple[Any, Gradient]:
    """Value and gradient by forward differentiation, from those of the variables.

    What is made of variables has their entries in its gradient even where they are 0 at the point: a slope that is
    infinite there, as that of sqrt(x²) at 0, must not be missed.
    """
    stack: list[tuple[Any, Gradient]] = []
    for step in program:
        if isinstance(step, Fraction):
            stack.append((step, {}))
        elif isinstance(step, tuple):
            stack.append(point[step[1]])
        elif step == "pi":
            stack.append((_Angle(Fraction(0), Fraction(1)), {}))
        elif step == "neg":
            a, da = stack.pop()
            stack.append((o.negate(a), _scaled(da, Fraction(-1), o)))
        elif step in _FUNCTIONS:
            a, da = stack.pop()
            value = o.call(step, a)
            stack.append((value, _scaled(da, o.derivative(step, a, value), o) if da else da))
        else:
            b, a = stack.pop(), stack.pop()
            stack.append(_COMBINED[step](a, b, o))
    return stack[0]


def _scaled(gradient: Gradient, factor: Any, o: _Arithmetic) -> Gradient:
    return {i: o.multiply(factor, d) for i, d in gradient.items()}


def _sum(da: Gradient, db: Gradient, o: _Arithmetic) -> Gradient:
    return {i: o.add(da[i], db[i]) if i in da and i in db else (da if i in da else db)[i] for i in da | db}


Jet = tuple[Any, Gradient]


def _added(a: Jet, b: Jet, o: _Arithmetic) -> Jet:
    return o.add(a[0], b[0]), _sum(a[1], b[1], o)


def _subtracted(a: Jet, b: Jet, o: _Arithmetic) -> Jet:
    return o.add(a[0], o.negate(b[0])), _sum(a[1], _scaled(b[1], Fraction(-1), o), o)


def _multiplied(a: Jet, b: Jet, o: _Arithmetic) -> Jet:
    return o.multiply(a[0], b[0]), _sum(_scaled(a[1], b[0], o), _scaled(b[1], a[0], o), o)


def _divided(a: Jet, b: Jet, o: _Arithmetic) -> Jet:
    value = o.divide(a[0], b[0])
    change = _sum(a[1], _scaled(b[1], o.negate(value), o), o)
    return value, {i: o.divide(d, b[0]) for i, d in change.items()}


def _raised(a: Jet, b: Jet, o: _Arithmetic) -> Jet:
    """A power whose exponent varies, or is irrational."""
    logarithm = o.call("log", a[0])
    value = o.call("exp", o.multiply(b[0], logarithm))
    of_base = {i: o.multiply(b[0], o.divide(d, a[0])) for i, d in a[1].items()}
    return value, _scaled(_sum(of_base, _scaled(b[1], logarithm, o), o), value, o)


def _powered(a: Jet, b: Jet, o: _Arithmetic) -> Jet:
    """A power whose exponent is a number: the root first, as the writer of the certificate means it."""
    (base, gradient), (exponent, _) = a, b
    if not isinstance(exponent, Fraction):
        return _raised(a, b, o)
    k = exponent.numerator
    if exponent.denominator == 1:
        return o.power(base, k), _scaled(gradient, o.multiply(exponent, o.power(base, k - 1) if k else base), o)
    value = o.power(o.root(base, exponent.denominator), k)
    slope = o.multiply(exponent, o.divide(value, base)) if gradient else None
    return value, _scaled(gradient, slope, o)


_COMBINED: dict[str, Callable[[Jet, Jet, _Arithmetic], Jet]] = {
    "+": _added, "-": _subtracted, "*": _multiplied, "/": _divided, "^": _raised, "power": _powered,
}  # fmt: skip


def _values(programs: Sequence[list[Any]], point: Sequence[Any], o: _Arithmetic) -> list[Any]:
    """f at a point."""
    return [_evaluate(program, [(x, {}) for x in point], o)[0] for program in programs]


def _jacobian(programs: Sequence[list[Any]], point: Sequence[Any], o: _Arithmetic) -> tuple[list[Any], list[list[Any]]]:
    """f and its derivatives by every variable."""
    seeds = [(x, {i: Fraction(1)}) for i, x in enumerate(point)]
    jets = [_evaluate(program, seeds, o) for program in programs]
    rows = [[gradient.get(i, Fraction(0)) for i in range(len(point))] for _, gradient in jets]
    if any(entry is _KINK for row in rows for entry in row):
        raise _Undefined("abs is not smooth at the point.")
    return [value for value, _ in jets], rows


# ------------------------------------------------------------------------------------------ exact claims


def _check_exact(
    inner: dict[str, Any],
    witness: dict[str, Any],
    system: _Equations,
    point: list[Side],
    at_equilibrium: bool,
    core: Any,
) -> Any:
    """Rational point and derivatives: the linear claim is checked by checker.py as it stands."""
    if any(low != high for low, high in point):
        raise core._Refused("An exact linearisation is at a point, not in a box.")
    exact, n = [low for low, _ in point], len(system.states)
    is_complex = not at_equilibrium and inner.pop("values", None) == "complex"
    try:
        if is_complex:
            raise _NotRational
        f, rows, readout = _linearisation(system, exact, _Arithmetic())
    except _NotRational:  # values in between may be irrational, and leave rational derivatives all the same
        flint = _flint(core)
        with flint.ctx.workprec(_BITS):
            points = core._beside("points", "A claim about a point")
            o = points.complex_arithmetic(sys.modules[__name__], flint) if is_complex else _Arithmetic(flint)
            f, rows, readout = _linearisation(system, exact, o)
    if at_equilibrium:
        core._expect(_stands_still(f, exact, system), "The point is no equilibrium.")
    matrices = {"A": [row[:n] for row in rows]}
    if system.inputs:
        matrices["B"] = [row[n:] for row in rows]
    if readout is not None:
        matrices["C"] = [row[:n] for row in readout]
    if readout is not None and system.inputs:
        matrices["D"] = [row[n:] for row in readout]
    document = {
        "schema": core.SCHEMA,
        "system": {**{key: _spelled(matrix, core) for key, matrix in matrices.items()}, "dt": system.dt_text},
        "claim": inner,
        "method": witness["method"],
        "witness": witness["witness"],
    }
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    return core.check({**document, "digest": digest})


def _linearisation(system: _Equations, point: list[Any], o: _Arithmetic) -> tuple[list[Any], list[Any], Any]:
    """f, its derivatives and those of the outputs."""
    f, rows = _jacobian(system.programs, point, o)
    return f, rows, None if system.outputs is None else _jacobian(system.outputs, point, o)[1]


def _stands_still(f: list[Any], x: Sequence[Any], system: _Equations) -> bool:
    """Whether f = 0, in discrete time f = x, in exact numbers."""
    target = [Fraction(0)] * len(f) if system.dt is None else x
    return all(isinstance(v, Fraction) and v == t for v, t in zip(f, target, strict=False))


def _spelled(rows: list[list[Any]], core: Any) -> list[list[str]]:
    for x in (x for row in rows for x in row):
        core._expect(isinstance(x, Fraction), "The linearisation at this point is not rational.")
        short = max(x.numerator.bit_length(), x.denominator.bit_length()) < 14_000
        core._expect(short, "The exact numbers grow too long.")
    return [[f"{x.numerator}/{x.denominator}" for x in row] for row in rows]


# --------------------------------------------------------------------------------------- enclosed claims


def _check_enclosed(
    inner: dict[str, Any],
    witness: dict[str, Any],
    system: _Equations,
    point: list[Side],
    at_equilibrium: bool,
    core: Any,
) -> Any:
    """The linear claim for every Jacobian over the box."""
    flint, n, about = _flint(core), len(system.states), inner["about"]
    prove = {"stability": _prove_stability, "feedback": _prove_feedback}.get(about, _prove_rank)
    with flint.ctx.workprec(_precision(point, core)):
        # A Lyapunov matrix for all of Clarke's Jacobian proves stability; its rank says nothing of the equations.
        o = _Arithmetic(flint, nonsmooth=at_equilibrium and about in ("stability", "feedback"))
        if at_equilibrium:
            _expect_equilibrium(system, point, o, core)
        box = [_ball_or_number(side, o) for side in point]
        rows = _jacobian(system.programs, box, o)[1]
        readout = [] if system.outputs is None else _jacobian(system.outputs, box, o)[1]
        matrices = {
            "A": _matrix([row[:n] for row in rows], o),
            "B": _matrix([row[n:] for row in rows], o),
            "C": _matrix([row[:n] for row in readout], o),
            "D": _matrix([row[n:] for row in readout], o),
        }
        claim = prove(inner, witness, matrices, system, o, core)
    return core.Report(True, claim, "Proved in ball arithmetic for every Jacobian over the enclosure of the point.")


def _flint(core: Any) -> Any:
    try:
        import flint
    except ImportError:
        raise core._Refused("This claim needs the package python-flint, which is not installed.") from None
    return flint


def _precision(point: Sequence[Side], core: Any) -> int:
    """Bits with which rounding is far below the width of every side."""
    bits = 0
    for low, high in point:
        if low < high:
            ratio = max(abs(low), abs(high), Fraction(1)) / (high - low)
            bits = max(bits, ratio.numerator.bit_length() - ratio.denominator.bit_length())
    core._expect(256 + 2 * bits <= MAX_PRECISION, "The box is too small to be checked.")
    return 256 + 2 * bits


def _ball_or_number(side: Side, o: _Arithmetic) -> Any:
    low, high = side
    return low if low == high else o.ball(low).union(o.ball(high))


def _matrix(rows: list[list[Any]], o: _Arithmetic) -> Any:
    return o.flint.arb_mat([[o.ball(x) for x in row] for row in rows]) if rows and rows[0] else None


def _expect_equilibrium(system: _Equations, point: Sequence[Side], o: _Arithmetic, core: Any) -> None:
    """There is an equilibrium at a point, or exactly one in a box."""
    n = len(system.states)
    if all(low == high for low, high in point):
        exact = [low for low, _ in point]
        still = _stands_still(_values(system.programs, exact, o), exact, system)
        core._expect(still, "Exact arithmetic does not show that the point is an equilibrium.")
        return
    together = all(low < high for low, high in point[:n])
    core._expect(together, "An enclosure of an equilibrium has to have a width in every state, or in none.")
    core._expect(_holds_one(system, point, o), "Krawczyk's test does not show an equilibrium in the enclosure.")


def _holds_one(system: _Equations, point: Sequence[Side], o: _Arithmetic) -> bool:
    """Krawczyk's test: with its image strictly inside, the box holds exactly one equilibrium.

    The balls reach a little beyond the sides, so the image is compared with the sides themselves.
    """
    box = [_ball_or_number(side, o) for side in point]
    n = len(system.states)
    image = _krawczyk(box[:n], box[n:], system, o)
    sides = [(o.ball(low), o.ball(high)) for low, high in point[:n]]
    return image is not None and all(low < x < high for x, (low, high) in zip(image, sides, strict=True))


def _krawczyk(box: list[Any], inputs: list[Any], system: _Equations, o: _Arithmetic) -> list[Any] | None:
    """m − Y g(m) + (I − Y J)(X − m), which holds every zero of g in X; None where the middle of J is singular."""
    arb_mat, n = o.flint.arb_mat, len(box)
    o.afford(n**3)
    middle = [x.mid() for x in box]
    g = [o.ball(value) for value in _values(system.programs, [*middle, *inputs], o)]
    jacobian = [[o.ball(x) for x in row[:n]] for row in _jacobian(system.programs, [*box, *inputs], o)[1]]
    if system.dt is not None:
        g = [value - x for value, x in zip(g, middle, strict=True)]
        jacobian = [[x - (i == j) for j, x in enumerate(row)] for i, row in enumerate(jacobian)]
    J = arb_mat(jacobian)
    try:
        Y = J.mid().inv().mid()
    except ZeroDivisionError:
        return None
    identity = arb_mat([[int(i == j) for j in range(n)] for i in range(n)])
    offset = arb_mat([[x - m] for x, m in zip(box, middle, strict=True)])
    moved = (identity - Y * J) * offset - Y * arb_mat([[value] for value in g])
    return [m + moved[i, 0] for i, m in enumerate(middle)]


def _prove_stability(
    inner: dict[str, Any], witness: Any, matrices: dict[str, Any], system: _Equations, o: _Arithmetic, core: Any
) -> str:
    core._fields(inner, "The claim", "about verdict in_region abscissa decay damping")
    low, high, region = _prove_bounds(inner, witness, [matrices["A"]], system, o, core)
    boundary = 0 if system.dt is None else 1
    verdict = "stable" if high is not None and high <= boundary else None
    verdict = "unstable" if low is not None and low >= boundary else verdict
    inside = True if high is not None and high <= region.edge else None
    inside = False if low is not None and low >= region.edge else inside
    core._expect(verdict is not None and verdict == inner["verdict"], "The bounds do not show the verdict.")
    core._expect(inside is not None and inside is inner["in_region"], "The bounds do not show the claim on the region.")
    every = "every" if inside else "not every"
    return f"it is {verdict}, {every} eigenvalue has {region}, and {_abscissa_words(low, high, system, core)}"


def _prove_feedback(
    inner: dict[str, Any], witness: Any, matrices: dict[str, Any], system: _Equations, o: _Arithmetic, core: Any
) -> str:
    core._fields(inner, "The claim", "about verdict gain abscissa decay damping", "output structure")
    core._word(inner["verdict"], "The verdict", ("stabilised",))
    A, B = matrices["A"], matrices["B"]
    if B is None:
        raise core.Unreadable("The claim is about a gain, and the system has no inputs.")
    C = _fed_back(inner, matrices, core)
    K = core._matrix(inner["gain"], "The gain", len(system.inputs), len(system.states) if C is None else C.nrows())
    if "structure" in inner:
        core._expect_zeros(K, core._structure(inner["structure"], K))
    gains = [_matrix(gain, o) for gain in (K, core._nearest_doubles(K))]
    closed = [A - B * (gain if C is None else gain * C) for gain in gains]
    low, high, region = _prove_bounds(inner, witness, closed, system, o, core)
    core._expect(region.decay >= 0, "A negative decay would call an unstable loop stabilised.")
    core._expect(high is not None and high <= region.edge, "The bounds do not show every pole in the region.")
    within = _abscissa_words(low, high, system, core)
    law, loop = ("K (x − x*)", "A − B K") if C is None else ("K (y − y*)", "A − B K C")
    return (
        f"with u = u* − {law} every eigenvalue of {loop} has {region}, and {within}, "
        "for K as written and for the doubles nearest to it"
    )


def _fed_back(inner: dict[str, Any], matrices: dict[str, Any], core: Any) -> Any:
    """C for a gain of the outputs, on which the inputs must have no direct effect; None for one of the states."""
    output = inner.get("output", False)
    if not isinstance(output, bool):
        raise core.Unreadable("output has to be true or false.")
    if not output:
        return None
    if matrices["C"] is None:
        raise core.Unreadable("The claim is about a gain of the outputs, and the system has none.")
    core._expect(all(x == 0 for x in matrices["D"].entries()), "Output feedback needs D to be zero.")
    return matrices["C"]


def _abscissa_words(low: Fraction | None, high: Fraction | None, system: _Equations, core: Any) -> str:
    ends = ("−∞" if low is None else core._shown(low), "∞" if high is None else core._shown(high))
    return f"the spectral {'abscissa' if system.dt is None else 'radius'} lies in [{ends[0]}, {ends[1]}]"


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
            o.afford(n**3)
            residual = _residual(M, form, o.ball(bound), system.dt is not None)
            core._expect(_positive(residual), "A residual is not proved positive definite.")
        if keys == "P x":
            x = core._matrix([side["x"]], "x", 1, n)[0]
            value = sum(x[i] * P[i][j] * x[j] for i in range(n) for j in range(n))
            core._expect(value < 0, "The form xᵀPx is not negative.")
            core._expect(system.dt is None or bound >= 0, "A radius below 0 bounds nothing.")
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


_FULL_RANK = {
    "controllability": "controllable",
    "observability": "observable",
    "stabilizability": "stabilizable",
    "detectability": "detectable",
}


def _prove_rank(
    inner: dict[str, Any], witness: Any, matrices: dict[str, Any], system: _Equations, o: _Arithmetic, core: Any
) -> str:
    """A minor of [B AB … Aⁿ⁻¹B] that is not zero; the same of (Aᵀ, Cᵀ). Full rank leaves no mode to be stable."""
    about = core._word(inner["about"], "What the claim is about", tuple(_FULL_RANK))
    core._fields(inner, "The claim", "about verdict decay dimension")
    core._word(inner["verdict"], "The verdict", (_FULL_RANK[about],))
    core._expect(witness["method"] == "kalman minor", "Only a minor proves full rank of enclosed matrices.")
    core._expect(core._Region.read(inner, system.dt is not None).decay >= 0, "The decay is negative.")
    of_outputs = about in ("observability", "detectability")
    needed = matrices["C" if of_outputs else "B"]
    core._expect(needed is not None, f"The claim is about {'outputs' if of_outputs else 'inputs'}, and there are none.")
    A = matrices["A"].transpose() if of_outputs else matrices["A"]
    powers = [needed.transpose() if of_outputs else needed]
    n, m = powers[0].nrows(), powers[0].ncols()
    columns = core._list(core._fields(witness["witness"], "The witness", "columns")["columns"], "The columns")
    complete = core._count(inner["dimension"]) == n and len(columns) == n
    core._expect(complete, "A minor has as many columns as there are states.")
    o.afford(n**3 * m)
    while len(powers) < n:
        powers.append(A * powers[-1])
    chosen = []
    for column in columns:
        place = [core._count(x) for x in core._list(column, "A column")]
        core._expect(len(place) == 2 and place[0] < n and place[1] < m, "There is no such column.")
        chosen.append([powers[place[0]][j, place[1]] for j in range(n)])
    core._expect(not o.flint.arb_mat(chosen).det().contains(0), "The minor may be zero.")
    return f"the pair of its matrices is {_FULL_RANK[about]}"
