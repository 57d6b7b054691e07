"""Check a certificate of the schema hybrid-certificate/1: `python checker.py FILE [--system FILE.json]`.

A certificate claims something about the linear system x' = A x + B u, y = C x (x⁺ = A x + B u where it has a sample
time) and carries what is needed to prove it. This file needs nothing but Python 3.11 and shares no code with the
program that wrote the certificate. Every number is an exact rational and every decision is exact: floating point is
used for display, and to round a gain to doubles where the claim speaks about those doubles too. Where integers are
enclosed in intervals to save time, the intervals are rounded outwards and a sign is used only if it is certain.

A region of the complex plane is given by a decay σ and a damping ratio ζ: Re λ < −σ and, if ζ > 0, Re λ < −ζ|λ|; in
discrete time |λ| < 1 − σ. The abscissa is max Re λ, in discrete time max |λ|.

What makes each method a proof
  characteristic polynomial  p = det(sI − M), by Berkowitz 1984. All eigenvalues are in a half plane: Routh (Gantmacher
    1959, vol. 2, ch. XV, Theorem 3); in its closure: Hermite–Biehler (ibid. §14) for the common factor of p(s) and
    p(−s); in a disc: z = (1 + s)/(1 − s); in a sector: Routh over Q(√(1 − ζ²)) for the roots turned by ±arcsin ζ.
    Discs that hold one eigenvalue each: Smith 1970, J. ACM 17, 137–147.
  lyapunov  L = −(MₛᵀP + PMₛ) ≻ 0 with Mₛ = M − sI: no eigenvalue of M has real part s, and as many have one above s as
    P has negative eigenvalues (Ostrowski and Schneider 1962, J. Math. Anal. Appl. 4, Theorem 1). So P ≻ 0 proves
    abscissa < s, and xᵀPx < 0 proves abscissa > s. Discrete: the same of L = s²P − MᵀPM (Wimmer 1973).
  modular rank  [B AB … Aⁿ⁻¹B] has at least the rank that it has modulo a prime.
  invariant subspace  W A = F W and W B = 0 with independent rows: W (A − B K) = F W for every K, so no input moves the
    eigenvalues of F (Hautus 1969; PBH). The rest is controllable if the rank of [B AB …] is at least n − r.
  fixed modes, coefficient signs, blocking zero, scalar gain  no static gain exists: see checker_static_gains.py.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from itertools import chain, combinations
from math import gcd, isqrt, lcm
from operator import mul
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = "hybrid-certificate/1"
MAX_BYTES = 64 * 2**20
MAX_ENTRIES = 2**22
_MOST_WORK = 3 * 10**10  # products of 30-bit digits, half a minute for each step; hostile documents end here
_MOST_BITS = 2**29  # in the integers of one matrix
_MERSENNE = (127, 521, 1279, 2203, 4423, 9689, 19937, 44497)  # 2^e − 1 is prime
_NUMBER = re.compile(
    r"(?P<ratio>[+-]?[0-9]{1,4300}(?:/[0-9]{1,4300})?)"
    r"|(?P<hexratio>[+-]?0x[0-9a-f]{1,20000}(?:/0x[0-9a-f]{1,20000})?)"  # for integers too long to print in decimal
    r"|(?P<decimal>[+-]?(?:[0-9]{1,4300}(?:\.[0-9]{0,4300})?|\.[0-9]{1,4300})(?:[eE][+-]?[0-9]{1,4})?)"
    r"|(?P<sign>[+-]?)0[xX](?P<whole>[0-9a-fA-F]{1,64})(?:\.(?P<part>[0-9a-fA-F]{0,64}))?[pP](?P<power>[+-]?[0-9]{1,4})"
)

Rows = list[list[Fraction]]
Integers = list[list[int]]
Poly = list[int]  # coefficients of 1, s, s², …; the last one is not zero


class Unreadable(ValueError):  # noqa: N818 - the caller sees what the document is
    """The document is no certificate of this schema."""


class _Refused(Exception):  # noqa: N818
    """The document is a certificate, and this is why it proves nothing."""


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    Attributes:
        valid: whether the claim is proved.
        claim: what is claimed, in one sentence.
        reason: how it was proved, or why it was refused.
    """

    valid: bool
    claim: str
    reason: str


# ---------------------------------------------------------------------------------------------- reading


def read(text: str | bytes) -> dict[str, Any]:
    """Read the JSON of a certificate, with limits on size, nesting and the length of numbers.

    Raises:
        Unreadable: not JSON, not an object, larger than 64 MB, a key given twice, or a number that is not text.
    """

    def not_text(literal: str) -> int:
        if literal.lstrip("-").isdigit() and len(literal) < 20:  # a multiplicity or a dimension
            return int(literal)
        raise Unreadable(f"The number {literal[:40]} has to be written as text.")

    document = _json(text, not_text)
    if not isinstance(document, dict):
        raise Unreadable("A certificate is a JSON object.")
    return document


def _json(text: str | bytes, number: Any) -> Any:
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        if len(text) > MAX_BYTES or sum(map(decoded.count, "[{,")) > MAX_ENTRIES:
            raise Unreadable(f"The document has more than {MAX_BYTES} bytes or {MAX_ENTRIES} entries.")
        return json.loads(
            decoded, object_pairs_hook=_object, parse_int=number, parse_float=number, parse_constant=number
        )
    except RecursionError:
        raise Unreadable("The document is nested too deeply.") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"The document is not UTF-8 at byte {error.start}.") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"The document is not JSON: {error.msg}, line {error.lineno}.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, value in pairs:
        if key in entries:
            raise Unreadable(f"The key {_quoted(key)} stands twice in one object.")
        entries[key] = value
    return entries


def _fields(value: Any, where: str, required: str, optional: str = "") -> dict[str, Any]:
    """An object with these keys and no other: an unknown key could be taken for something proved."""
    if not isinstance(value, dict):
        raise Unreadable(f"{where} has to be an object.")
    for key in required.split():
        if key not in value:
            raise Unreadable(f"{where} lacks the key {key!r}.")
    for key in value:
        if key not in required.split() + optional.split():
            raise _Refused(f"{where} has the key {_quoted(key)}, which this schema does not know and nothing proves.")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable(f"{where} has to be a list.")
    return value


def _word(value: Any, where: str, words: Iterable[str]) -> str:
    if not isinstance(value, str) or value not in words:
        raise Unreadable(f"{where} is {_quoted(value)}, not one of {', '.join(words)}.")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Unreadable(f"A multiplicity or dimension is {_quoted(value)}, not a whole number.")
    return value


def _number(value: Any, where: str) -> Fraction:
    """Exact: an integer, a fraction, a decimal or a hexadecimal float, as text."""
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        if match["hexratio"] is not None:
            return Fraction(*(int(part, 16) for part in value.split("/")))
        if match["whole"] is None:
            return Fraction(value)
        part = match["part"] or ""
        mantissa, power = int(match["sign"] + match["whole"] + part, 16), int(match["power"]) - 4 * len(part)
        return Fraction(mantissa << power) if power >= 0 else Fraction(mantissa, 1 << -power)
    except (ValueError, ZeroDivisionError):
        raise Unreadable(f"{where} is {_quoted(value)}, not a number such as '-3/7', '0.25' or '0x1.8p-3'.") from None


def _matrix(value: Any, where: str, rows: int | None = None, columns: int | None = None) -> Rows:
    matrix: Rows = []
    bits = 0
    for i, row in enumerate(_list(value, where), 1):
        matrix.append([_number(x, f"{where}[{i},{j}]") for j, x in enumerate(_list(row, f"Row {i} of {where}"), 1)])
        bits += sum(x.numerator.bit_length() + x.denominator.bit_length() for x in matrix[-1])
        if bits > _MOST_BITS:  # "1e9999" says much in little space
            raise Unreadable(f"{where} has longer numbers than this checker can hold.")
    height, width = rows or len(matrix), columns or len(matrix[0] if matrix else [])
    if not height or not width or len(matrix) != height or any(len(row) != width for row in matrix):
        raise Unreadable(f"{where} has to be a matrix, of {height or 'some'} rows and {width or 'some'} columns.")
    return matrix


def _quoted(value: Any) -> str:
    return ascii(value) if isinstance(value, str) and len(value) <= 60 else f"a {type(value).__name__}"


@dataclass(frozen=True)
class _System:
    A: Rows
    B: Rows | None
    C: Rows | None
    D: Rows | None
    dt: Fraction | None

    @classmethod
    def read(cls, value: Any) -> _System:
        entries = _fields(value, "The system", "A dt", "B C D")
        A = _matrix(entries["A"], "A")
        n = len(A)
        if len(A[0]) != n:
            raise Unreadable("A has to be square.")
        B = None if entries.get("B") is None else _matrix(entries["B"], "B", rows=n)
        C = None if entries.get("C") is None else _matrix(entries["C"], "C", columns=n)
        outputs, inputs = n if C is None else len(C), 0 if B is None else len(B[0])
        D = None if entries.get("D") is None else _matrix(entries["D"], "D", outputs, inputs)
        dt = None if entries["dt"] is None else _number(entries["dt"], "dt")
        if dt is not None and dt <= 0:
            raise Unreadable("dt has to be a sample time above zero, or null.")
        return cls(A, B, C, D, dt)

    @property
    def discrete(self) -> bool:
        return self.dt is not None

    def need(self, name: str) -> Rows:
        matrix: Rows | None = getattr(self, name)
        if matrix is None:
            raise Unreadable(f"The claim is about {name}, and the system has none.")
        return matrix


def _systems(value: Any) -> list[_System]:
    """Several systems, which have one kind of time."""
    systems = [_System.read(one) for one in _list(value, "The systems")]
    if not systems or any(system.discrete != systems[0].discrete for system in systems):
        raise Unreadable("The systems have to be at least one, all in continuous time or all in discrete time.")
    return systems


@dataclass(frozen=True)
class _Region:
    decay: Fraction
    damping: Fraction
    discrete: bool

    @classmethod
    def read(cls, claim: dict[str, Any], discrete: bool) -> _Region:
        decay, damping = (_number(claim.get(key, "0"), key) for key in ("decay", "damping"))
        if not 0 <= damping < 1 or (discrete and damping):
            raise Unreadable("The damping ratio has to lie in 0 ≤ ζ < 1, and to be 0 in discrete time.")
        if discrete and not 0 <= decay < 1:
            raise Unreadable("The decay of a discrete-time system has to lie in 0 ≤ σ < 1.")
        return cls(decay, damping, discrete)

    @property
    def edge(self) -> Fraction:
        """The abscissa lies below this number if every eigenvalue is in the region (and, if ζ = 0, only if)."""
        return 1 - self.decay if self.discrete else -self.decay

    def __str__(self) -> str:
        plain = f"{'modulus' if self.discrete else 'real part'} below {_shown(self.edge)}"
        return plain + (f" and a damping ratio above {_shown(self.damping)}" if self.damping else "")


def _shown(x: Fraction) -> str:
    if max(x.numerator.bit_length(), x.denominator.bit_length()) <= 40:
        return str(x).replace("-", "−")
    try:
        return f"{float(x):.9g} (rounded)".replace("-", "−")
    except OverflowError:
        return f"a number of about {abs(x.numerator).bit_length() - x.denominator.bit_length()} bits"


def _outwards(x: Fraction, rounding: str) -> str:
    """A bound to twelve digits, never inside what was proved."""
    decimal = Context(prec=12, rounding=rounding).divide(Decimal(x.numerator), Decimal(x.denominator))
    return f"{decimal:g}".replace("-", "−")


Bounds = tuple[Fraction | None, Fraction | None]


def _bounds(value: Any) -> Bounds:
    ends = _list(value, "The abscissa")
    if len(ends) != 2:
        raise Unreadable("The abscissa has to be a list of two bounds.")
    low, high = (None if end is None else _number(end, "A bound of the abscissa") for end in ends)
    return low, high


class _Disc(NamedTuple):
    re: Fraction
    im: Fraction
    radius: Fraction
    multiplicity: int


def _entries(value: Any, where: str, keys: str, most: int) -> list[dict[str, Any]]:
    listed = _list(value, f"The list of {where}s")
    if not 0 < len(listed) <= most:
        raise Unreadable(f"The list of {where}s has to have 1 to {most} entries.")
    return [_fields(entry, f"A {where}", keys) for entry in listed]


def _discs(value: Any, n: int) -> list[_Disc]:
    entries = _entries(value, "pole", "re im radius multiplicity", n)
    place = [[_number(entry[key], f"A pole's {key}") for key in ("re", "im", "radius")] for entry in entries]
    return [_Disc(x, y, r, _count(entry["multiplicity"])) for (x, y, r), entry in zip(place, entries, strict=True)]


Point = tuple[Fraction, Fraction]


def _requested(value: Any, n: int) -> list[Point]:
    entries = _entries(value, "requested pole", "re im", n)
    points = [(_number(entry["re"], "A requested pole"), _number(entry["im"], "A requested pole")) for entry in entries]
    if len(points) != n or sorted(points) != sorted((x, -y) for x, y in points):
        raise Unreadable(f"The requested poles have to be {n}, and closed under conjugation.")
    return points


# ------------------------------------------------------------------------------------- claims and proofs


def check(document: dict[str, Any]) -> Report:
    """Decide whether a certificate proves its claim.

    Args:
        document: what `read` returned, or an equal dict.

    Returns:
        A report; one that is not valid says nothing about the system.

    Raises:
        Unreadable: this is no certificate: another schema, a missing key, a malformed matrix or number.

    >>> claim = {"about": "stability", "verdict": "stable", "in_region": True, "abscissa": [None, "0"]}
    >>> witness = {"upper": {"P": [["2", "0"], ["1/2", "2"]]}, "lower": None}
    >>> system = {"A": [["0", "1"], ["-1", "-0.5"]], "dt": None}
    >>> document = {"schema": SCHEMA, "system": system, "claim": claim, "method": "lyapunov", "witness": witness}
    >>> document["digest"] = "sha256:8d7ec9c57eaaf7b02242184668a3df458e3d4358fa05c77692c83d2b96420ea2"
    >>> check(document).claim
    'A is stable: every eigenvalue of A has real part below 0, the spectral abscissa lies in [−∞, 0]'
    """
    _expect_size(document)
    if isinstance(document, dict) and isinstance(document.get("system"), dict) and "equations" in document["system"]:
        beside = _time_varying() if "time" in document["system"] else _equations()
        report: Report = beside.check(document, sys.modules[__name__])
        return report
    if isinstance(document, dict) and isinstance(document.get("system"), dict) and "operator" in document["system"]:
        about_pde: Report = _pde().check(document, sys.modules[__name__])
        return about_pde
    claim = "a claim that was not read"
    try:
        about = "systems" if isinstance(document, dict) and "systems" in document else "system"
        required = f"schema {about} claim method witness digest"
        entries = _fields(document, "The document", required, "versions provenance")
        _word(entries["schema"], "The schema", (SCHEMA,))
        if about == "systems":
            claimed = _claim_of_several(entries["claim"], _systems(entries["systems"]))
        else:
            claimed = _claim(entries["claim"], _System.read(entries["system"]))
        claim = claimed.words()
        method = _word(entries["method"], "The method", sorted(_METHODS))
        _expect_digest(entries)
        if method not in claimed.methods:
            raise _Refused(f"The method {method} does not prove a claim of this kind.")
        claimed.prove(method, entries["witness"])
    except _Refused as refusal:
        return Report(False, claim, str(refusal))
    return Report(True, claim, f"Proved in exact arithmetic {_METHODS[method]}.")


def _expect_size(document: Any) -> None:
    """A value of Python may hold one list many times, or itself, and spell an immense text that `read` refuses."""
    left, entries, letters = [document], 0, 0
    while left:
        value = left.pop()
        entries += 1
        letters += len(value) if isinstance(value, str) else 0
        if entries > 2 * MAX_ENTRIES + 1 or letters > MAX_BYTES:  # keys count here, and not when a text is read
            raise Unreadable(f"The document has more than {MAX_BYTES} bytes or {MAX_ENTRIES} entries.")
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list | tuple):
            left += value


def _equations() -> Any:
    """The file checker_equations.py beside this one, which checks claims about differential equations."""
    return _beside("equations", "A claim about equations")


def _time_varying() -> Any:
    """The file checker_time_varying.py beside this one, which checks claims about equations that depend on time."""
    return _beside("time_varying", "A claim about equations that depend on time")


def _pde() -> Any:
    """The file checker_pde.py beside this one, which checks claims about partial differential equations."""
    return _beside("pde", "A claim about a partial differential equation")


def _static_gains() -> Any:
    """The file checker_static_gains.py beside this one, which checks claims that there is no static gain."""
    return _beside("static_gains", "A claim that there is no static gain")


def _beside(name: str, needed_by: str) -> Any:
    path = Path(__file__).with_name(f"checker_{name}.py")
    spec = spec_from_file_location(f"hybrid_checker_{name}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise Unreadable(f"{needed_by} needs the file {path.name} beside checker.py.")
    if spec.name not in sys.modules:
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules[spec.name]


def _expect_digest(entries: dict[str, Any]) -> None:
    rest = {key: value for key, value in entries.items() if key != "digest"}
    try:
        canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    except (TypeError, ValueError, RecursionError):
        raise Unreadable("The document holds something that JSON cannot hold.") from None
    if entries["digest"] != "sha256:" + hashlib.sha256(canonical.encode()).hexdigest():
        raise _Refused("The file was changed after it was written: its digest does not match.")


_SPECTRAL, _LYAPUNOV, _RANK, _INVARIANT = "characteristic polynomial", "lyapunov", "modular rank", "invariant subspace"
_METHODS = {
    _SPECTRAL: "from the characteristic polynomial",
    _LYAPUNOV: "by Lyapunov matrices",
    _RANK: "by the rank of the controllability matrix modulo a prime",
    _INVARIANT: "by an invariant subspace that no input reaches",
    "fixed modes": "by eigenvalues that no such gain moves",
    "coefficient signs": "by the signs of the characteristic polynomial's coefficients",
    "blocking zero": "by a real zero that blocks the feedback",
    "scalar gain": "by a gain in every interval between crossings of the boundary",
}


class _Located:
    """A claim about where the eigenvalues of A, or of a closed loop, lie."""

    methods = (_SPECTRAL, _LYAPUNOV)

    def __init__(self, claim: dict[str, Any], system: _System) -> None:
        self.system = system
        self.region = _Region.read(claim, system.discrete)
        self.bounds = _bounds(claim["abscissa"])
        self.poles = _discs(claim["poles"], len(system.A)) if "poles" in claim else None

    def locate(self, M: Rows, method: str, witness: Any, poles: list[_Disc] | None) -> _Spectrum | _Proved:
        """Prove the bounds and the discs for M; what comes back tells the verdict and the region."""
        if method == _LYAPUNOV:
            _expect(poles is None, "Lyapunov matrices do not prove where single eigenvalues lie.")
            _expect(self.region.damping == 0, "Lyapunov matrices do not prove a damping ratio.")
            return _prove_bounds(M, self.bounds, self.system.discrete, witness)
        _fields(witness, "The witness", "")
        spectrum = _Spectrum.of(M, self.system.discrete)
        spectrum.expect_within(self.bounds)
        if poles is not None:
            spectrum.expect_in_discs(poles)
        return spectrum

    def within(self) -> str:
        name = "radius" if self.system.discrete else "abscissa"
        low, high = self.bounds
        if low is high is None:
            return ""
        lower = "−∞" if low is None else _outwards(low, ROUND_FLOOR)
        upper = "∞" if high is None else _outwards(high, ROUND_CEILING)
        return f", the spectral {name} lies in [{lower}, {upper}]"

    def discs(self) -> str:
        return f", {len(self.poles)} discs hold one distinct eigenvalue each" if self.poles else ""


class _Stability(_Located):
    def __init__(self, claim: dict[str, Any], system: _System) -> None:
        _fields(claim, "The claim", "about verdict in_region abscissa", "decay damping poles")
        super().__init__(claim, system)
        self.verdict = _word(claim["verdict"], "The verdict", ("stable", "marginal", "unstable"))
        self.in_region = claim["in_region"]
        if not isinstance(self.in_region, bool):
            raise Unreadable("in_region has to be true or false.")

    def words(self) -> str:
        every = "every" if self.in_region else "not every"
        return f"A is {self.verdict}: {every} eigenvalue of A has {self.region}{self.within()}{self.discs()}"

    def prove(self, method: str, witness: Any) -> None:
        located = self.locate(self.system.A, method, witness, self.poles)
        verdict = located.verdict()
        _expect(verdict == self.verdict, f"The proof shows that A is {verdict}, not {self.verdict}.")
        inside = located.lies_in(self.region)
        _expect(
            inside is self.in_region, "The claim on the region is " + ("not proved." if inside is None else "false.")
        )


class _Stabilised(_Located):
    def __init__(self, claim: dict[str, Any], system: _System) -> None:
        optional = "decay damping output structure poles requested distance"
        _fields(claim, "The claim", "about verdict gain abscissa", optional)
        super().__init__(claim, system)
        n, B, self.output = len(system.A), system.need("B"), claim.get("output", False)
        if not isinstance(self.output, bool):
            raise Unreadable("output has to be true or false.")
        self.gain = _matrix(claim["gain"], "The gain", len(B[0]), len(system.need("C")) if self.output else n)
        self.structure = None if "structure" not in claim else _structure(claim["structure"], self.gain)
        self.requested = _requested(claim["requested"], n) if "requested" in claim else None
        self.distance = _number(claim["distance"], "The distance") if "distance" in claim else Fraction(0)
        if ("requested" in claim) != ("distance" in claim) or ("requested" in claim and self.poles is None):
            raise Unreadable("Requested poles, their distance and the poles have to be there together.")

    def words(self) -> str:
        loop = "A − B K C" if self.output else "A − B K"
        near = f", within {_shown(self.distance)} of those requested, for K as written" if self.requested else ""
        zeros = "" if self.structure is None else ", and K is 0 where its structure is"
        return (
            f"every eigenvalue of {loop} has {self.region}{self.within()}, for K as written and for the doubles "
            f"nearest to it{zeros}{self.discs()}{near}"
        )

    def prove(self, method: str, witness: Any) -> None:
        _expect(self.region.decay >= 0, "A negative decay would call an unstable loop stabilised.")
        _expect(not self.output or not any(map(any, self.system.D or [])), "Output feedback needs D to be zero.")
        if self.structure is not None:
            _expect_zeros(self.gain, self.structure)
        doubles = _nearest_doubles(self.gain)
        for gain in [self.gain] if doubles == self.gain else [self.gain, doubles]:
            poles = self.poles if gain is self.gain else None
            located = self.locate(self._closed_loop(gain), method, witness, poles)
            _expect(located.lies_in(self.region) is True, "Not every eigenvalue is shown to lie in the region.")
        if self.requested:
            self._expect_near(self.requested, self.poles or [])

    def _closed_loop(self, gain: Rows) -> Rows:
        fed_back = _product(gain, self.system.need("C")) if self.output else gain
        change = _product(self.system.need("B"), fed_back)
        return [[a - c for a, c in zip(*rows, strict=True)] for rows in zip(self.system.A, change, strict=True)]

    def _expect_near(self, requested: list[Point], poles: list[_Disc]) -> None:
        repeated = [pole for pole in poles for _ in range(pole.multiplicity)]
        for i, ((x, y), pole) in enumerate(zip(requested, repeated, strict=True), 1):
            room = self.distance - pole.radius
            near = room >= 0 and (x - pole.re) ** 2 + (y - pole.im) ** 2 <= room**2
            _expect(near, f"The requested pole {i} may be farther from its eigenvalue than the distance claimed.")


def _structure(value: Any, gain: Rows) -> list[list[int]]:
    """1 where an entry of the gain is free, and 0 where it has to be 0."""
    rows = [_list(row, "A row of the structure") for row in _list(value, "The structure")]
    if [len(row) for row in rows] != [len(row) for row in gain]:
        raise Unreadable("The structure has to have the shape of the gain.")
    if any(isinstance(x, bool) or not isinstance(x, int) or x not in (0, 1) for row in rows for x in row):
        raise Unreadable("The structure has to consist of the numbers 0 and 1.")
    return rows


def _expect_zeros(gain: Rows, structure: list[list[int]]) -> None:
    entries = zip(chain(*gain), chain(*structure), strict=True)
    _expect(all(free or not k for k, free in entries), "The gain is not zero where its structure is.")


class _Simultaneous:
    """One gain for several systems: of each the claim about its closed loop, with a witness of its own."""

    methods = (_SPECTRAL, _LYAPUNOV)

    def __init__(self, claim: dict[str, Any], systems: list[_System]) -> None:
        _fields(claim, "The claim", "about verdict gain abscissa", "decay damping output structure")
        bounds = _list(claim["abscissa"], "The abscissa")
        if len(bounds) != len(systems):
            raise Unreadable("The abscissa has to hold a pair of bounds for each system.")
        pairs = zip(bounds, systems, strict=True)
        self.loops = [_Stabilised({**claim, "abscissa": ends}, system) for ends, system in pairs]

    def words(self) -> str:
        return "one K for all: " + "; ".join(f"of system {i}, {loop.words()}" for i, loop in enumerate(self.loops, 1))

    def prove(self, method: str, witness: Any) -> None:
        witnesses = _list(_fields(witness, "The witness", "systems")["systems"], "The list of witnesses")
        _expect(len(witnesses) == len(self.loops), "There has to be one witness for each system.")
        for i, (loop, one) in enumerate(zip(self.loops, witnesses, strict=True), 1):
            try:
                loop.prove(method, one)
            except _Refused as refusal:
                raise _Refused(f"Of system {i}: {refusal}") from None


_PROPERTIES = {
    "controllability": ("controllable", "uncontrollable"),
    "observability": ("observable", "unobservable"),
    "stabilizability": ("stabilizable", "not stabilizable"),
    "detectability": ("detectable", "not detectable"),
}


class _Rank:
    """A claim about what the inputs reach, or what the outputs see: the same of the transposed system."""

    methods = (_RANK, _INVARIANT)

    def __init__(self, claim: dict[str, Any], system: _System) -> None:
        _fields(claim, "The claim", "about verdict dimension", "decay")
        self.about, self.discrete = claim["about"], system.discrete
        self.of_outputs = self.about in ("observability", "detectability")
        self.up_to_decay = self.about in ("stabilizability", "detectability")
        self.A = _transposed(system.A) if self.of_outputs else system.A
        self.B = _transposed(system.need("C")) if self.of_outputs else system.need("B")
        self.verdict = _word(claim["verdict"], "The verdict", _PROPERTIES[self.about])
        self.region = _Region.read(claim, system.discrete)
        self.dimension = _count(claim["dimension"])

    def words(self) -> str:
        pair, space = ("(C, A)", "observable") if self.of_outputs else ("(A, B)", "controllable")
        every = "not every" if self.verdict.startswith("not ") else "every"
        fixed = f"{every} un{space} eigenvalue has {self.region}, and " if self.up_to_decay else ""
        return f"{pair} is {self.verdict}: {fixed}the {space} subspace has dimension {self.dimension} of {len(self.A)}"

    def prove(self, method: str, witness: Any) -> None:
        _expect(self.region.decay >= 0, "A negative decay would call unstable eigenvalues stable.")
        _expect(self.up_to_decay or self.region.decay == 0, "The claim does not depend on a decay, and names one.")
        yes, no = _PROPERTIES[self.about]
        if method == _RANK:
            prime = _prime(_fields(witness, "The witness", "prime")["prime"])
            dimension, verdict = _reached(self.A, self.B, prime), yes
            _expect(
                dimension == len(self.A), f"The rank modulo this prime is {dimension}, and {len(self.A)} is needed."
            )
        else:
            dimension, fixed = _prove_invariant(self.A, self.B, self.discrete, witness)
            verdict = yes if self.up_to_decay and fixed.below(self.region.edge) else no
        _expect(verdict == self.verdict, f"The verdict is {verdict}, not {self.verdict}.")
        _expect(dimension == self.dimension, f"The dimension is {dimension}, not {self.dimension}.")


class _NoGain:
    """The claim that no state feedback does what was asked, because no input moves certain eigenvalues."""

    methods = (_INVARIANT,)

    def __init__(self, claim: dict[str, Any], system: _System) -> None:
        self.system, self.B = system, system.need("B")
        self.requested = _requested(claim["requested"], len(self.B)) if "requested" in claim else None
        self.region = _Region.read(claim, system.discrete)
        if claim["verdict"] == "not placeable":
            _fields(claim, "The claim", "about verdict requested")
        else:
            _fields(claim, "The claim", "about verdict", "decay")

    def words(self) -> str:
        what = "the requested eigenvalues" if self.requested else f"only eigenvalues with {self.region}"
        return f"there is no K for which A − B K has {what}"

    def prove(self, method: str, witness: Any) -> None:
        _, fixed = _prove_invariant(self.system.A, self.B, self.system.discrete, witness)
        if self.requested:
            missing = _divide(_with_roots(self.requested), fixed.p) is None
            _expect(missing, "The eigenvalues that no input moves are all among those requested.")
        else:
            _expect(not fixed.below(self.region.edge), "The eigenvalues that no input moves are all in the region.")


class _NoCommonGain:
    """No gain for one of several systems is none for all of them."""

    def __init__(self, claim: dict[str, Any], systems: list[_System]) -> None:
        if _count(claim["plant"]) >= len(systems):
            raise Unreadable("The claim has to name, as plant, the system that no gain stabilises, counted from 0.")
        self.place = claim["plant"] + 1
        alone = {key: entry for key, entry in claim.items() if key != "plant"}
        self.one = _no_gain(alone, systems[claim["plant"]])
        self.methods: tuple[str, ...] = self.one.methods

    def words(self) -> str:
        return f"no gain is common to all, as of system {self.place}: {self.one.words()}"

    def prove(self, method: str, witness: Any) -> None:
        self.one.prove(method, witness)


_Claim = _Stability | _Stabilised | _Rank | _NoGain | _Simultaneous | _NoCommonGain


def _claim_of_several(value: Any, systems: list[_System]) -> _Claim:
    if not isinstance(value, dict) or "about" not in value or "verdict" not in value:
        raise Unreadable("The claim has to be an object with the keys 'about' and 'verdict'.")
    _word(value["about"], "What the claim about several systems is about", ("simultaneous feedback",))
    verdict = _word(value["verdict"], "The verdict", ("stabilised", "not stabilisable"))
    if verdict == "stabilised":
        return _Simultaneous(value, systems)
    if "plant" in value:
        return _NoCommonGain(value, systems)
    together: _Claim = _static_gains().read(value, systems, sys.modules[__name__])
    return together


def _no_gain(value: dict[str, Any], system: _System) -> _Claim:
    """No state feedback, or no static gain with a structure or from the outputs."""
    if value["verdict"] == "not stabilisable" and ("output" in value or "structure" in value):
        static: _Claim = _static_gains().read(value, [system], sys.modules[__name__])
        return static
    return _NoGain(value, system)


def _claim(value: Any, system: _System) -> _Claim:
    if not isinstance(value, dict) or "about" not in value or "verdict" not in value:
        raise Unreadable("The claim has to be an object with the keys 'about' and 'verdict'.")
    about = _word(value["about"], "What the claim is about", ("stability", "feedback", *_PROPERTIES))
    if about == "stability":
        return _Stability(value, system)
    if about in _PROPERTIES:
        return _Rank(value, system)
    verdict = _word(value["verdict"], "The verdict", ("stabilised", "not stabilisable", "not placeable"))
    return _Stabilised(value, system) if verdict == "stabilised" else _no_gain(value, system)


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Refused(otherwise)


def _afford(work: int) -> None:
    _expect(work <= _MOST_WORK, "Its proof needs more arithmetic than this checker undertakes.")


# ------------------------------------------------------------------------- Lyapunov and rank certificates


@dataclass(frozen=True)
class _Proved:
    """low < abscissa < high."""

    low: Fraction | None
    high: Fraction | None
    discrete: bool

    def below(self, bound: Fraction) -> bool | None:
        """Whether the abscissa is smaller than `bound`; None if that does not follow."""
        if self.high is not None and self.high <= bound:
            return True
        return False if self.low is not None and self.low >= bound else None

    def lies_in(self, region: _Region) -> bool | None:
        return self.below(region.edge)

    def verdict(self) -> str:
        inside = self.below(Fraction(self.discrete))
        return "undecided" if inside is None else "stable" if inside else "unstable"


def _prove_bounds(M: Rows, bounds: Bounds, discrete: bool, witness: Any) -> _Proved:
    """Prove low < abscissa < high by one Lyapunov matrix for each; a bound that is null has none."""
    entries = _fields(witness, "The witness", "upper lower")
    low, high = bounds
    n = len(M)
    for side, bound, keys in (("upper", high, "P"), ("lower", low, "P x")):
        together = (bound is None) == (entries[side] is None)
        _expect(together, f"The {side} bound and its Lyapunov matrix have to be there together.")
        if bound is None:
            continue
        proof = _fields(entries[side], f"The {side} witness", keys)
        P, _ = _integers(_matrix(proof["P"], "P", n, n))
        P = [[P[max(i, j)][min(i, j)] for j in range(n)] for i in range(n)]  # only the lower triangle counts
        _expect(not discrete or bound > 0 or (bound == 0 and side == "lower"), "A radius below 0 bounds nothing.")
        residual = _lyapunov_residual(M, P, bound, discrete)
        _expect(_positive_definite(residual), f"The residual of the {side} Lyapunov matrix is not positive definite.")
        if side == "upper":
            _expect(_positive_definite(P), "The upper Lyapunov matrix is not positive definite.")
        else:
            x = _integers(_matrix([proof["x"]], "x", 1, n))[0][0]
            form = _dot(x, [_dot(row, x) for row in P])
            _expect(form < 0, "The form xᵀPx of the lower Lyapunov matrix is not negative.")
    return _Proved(low, high, discrete)


def _lyapunov_residual(M: Rows, P: Integers, s: Fraction, discrete: bool) -> Integers:
    """A positive multiple of −((M − sI)ᵀP + P(M − sI)), in discrete time of s²P − MᵀPM."""
    N, d = _integers(M)
    n = len(N)
    _afford(n**3 * (20 + (_digits(N) + _digits([[s.denominator]])) * _digits(P)) * (2 if discrete else 1))
    if discrete:
        columns = _transposed(N)
        image = [[_dot(row, column) for column in columns] for row in P]  # PN
        images = _transposed(image)
        outer, inner = s.numerator**2 * d * d, s.denominator**2
        L = [[0] * n for _ in range(n)]
        for i, column in enumerate(columns):
            for j in range(i + 1):
                L[i][j] = L[j][i] = outer * P[i][j] - inner * _dot(column, images[j])
        return L
    for i, row in enumerate(N):
        row[:] = [s.denominator * x for x in row]
        row[i] -= s.numerator * d
    columns = _transposed(N)
    image = [[_dot(row, column) for column in columns] for row in P]
    return [[-image[i][j] - image[j][i] for j in range(n)] for i in range(n)]


def _positive_definite(M: Integers) -> bool:
    """Whether a symmetric integer matrix is positive definite.

    Scaled by powers of two to diagonal entries in [1/4, 1), S = GGᵀ + E with G from Cholesky's factorisation of S − δI
    in b binary places. E is known exactly; if it is diagonally dominant with a positive diagonal, it is positive
    definite, and so are S and M. True is proved. As det M ≥ 1 where M is positive definite, the smallest eigenvalue of
    S exceeds 2^(−b) n with the last b tried, unless that is beyond reach: False then says only that it was not proved.
    """
    n = len(M)
    if any(M[i][i] <= 0 for i in range(n)):
        return False
    halves = [(M[i][i].bit_length() + 1) // 2 for i in range(n)]
    enough = 2 * sum(halves) + n * n.bit_length() + 16
    bits = 64
    while True:
        if _dominant_residual(M, halves, bits):
            return True
        if bits >= enough or n**3 * (bits // 30) ** 2 > _MOST_WORK // 5:
            return False
        bits *= 4


def _dominant_residual(M: Integers, halves: list[int], bits: int) -> bool:
    n = len(M)
    unit, shift = 2 * bits, n << bits  # entries of S count in units of 2^(−2·bits), those of G in units of 2^(−bits)
    G: Integers = []
    off_diagonal = [n] * n  # rounding S down to whole units leaves less than one unit in each entry
    diagonal = []
    for i in range(n):
        row: list[int] = []
        for j in range(i):
            rest = _scaled(M[i][j], unit - halves[i] - halves[j]) - _dot(row, G[j])  # row has j entries here
            entry = (rest + G[j][j] // 2) // G[j][j]
            error = abs(rest - entry * G[j][j])
            off_diagonal[i] += error
            off_diagonal[j] += error
            row.append(entry)
        pivot = _scaled(M[i][i], unit - 2 * halves[i]) - _dot(row, row)
        if pivot <= shift:
            return False
        row.append(isqrt(pivot - shift))
        diagonal.append(pivot - row[i] ** 2)
        G.append(row)
    return all(e > others for e, others in zip(diagonal, off_diagonal, strict=True))


def _scaled(x: int, power: int) -> int:
    return x << power if power >= 0 else x >> -power


def _prove_invariant(A: Rows, B: Rows, discrete: bool, witness: Any) -> tuple[int, _Spectrum]:
    """The dimension of the controllable subspace, and the eigenvalues that no input moves: those of F."""
    entries = _fields(witness, "The witness", "W F prime")
    n = len(A)
    W = _matrix(entries["W"], "W", columns=n)
    F = _matrix(entries["F"], "F", len(W), len(W))
    _expect(len(W) <= n, "W has more rows than A.")
    _expect(_product(W, A) == _product(F, W), "W A = F W does not hold.")
    _expect(not any(map(any, _product(W, B))), "W B = 0 does not hold.")
    large = (1 << 521) - 1
    echelon: dict[int, list[int]] = {}
    independent = all(_absorb(echelon, row, large) for row in _integers(W)[0])
    _expect(independent, "The rows of W are not independent.")
    reached = _reached(A, B, _prime(entries["prime"]))
    _expect(reached >= n - len(W), f"The rank modulo this prime is {reached}, and {n - len(W)} is needed.")
    return n - len(W), _Spectrum.of(F, discrete)


def _reached(A: Rows, B: Rows, prime: int) -> int:
    """The rank of [B AB … Aⁿ⁻¹B] modulo a prime; over the rationals it is at least that."""
    N, columns = _integers(A)[0], _transposed(_integers(B)[0])
    N = [[x % prime for x in row] for row in N]
    _afford(len(N) ** 2 * (len(N) + len(columns)) * 40)
    echelon: dict[int, list[int]] = {}
    for column in columns:  # grows while the vectors are worked off
        if len(echelon) < len(N) and (new := _absorb(echelon, column, prime)):
            columns.append([_dot(row, new) % prime for row in N])
    return len(echelon)


def _absorb(echelon: dict[int, list[int]], vector: list[int], prime: int) -> list[int] | None:
    """Reduce a vector by an echelon basis modulo a prime; if something is left, it joins the basis."""
    rest = [x % prime for x in vector]
    for pivot, row in echelon.items():
        if factor := rest[pivot]:
            rest = [(x - factor * y) % prime for x, y in zip(rest, row, strict=True)]
    place = next((i for i, x in enumerate(rest) if x), None)
    if place is None:
        return None
    inverse = pow(rest[place], -1, prime)
    echelon[place] = [x * inverse % prime for x in rest]
    return echelon[place]


def _prime(value: Any) -> int:
    """A prime below 2⁶⁴, by Miller and Rabin's test with the bases that suffice there (Sorenson and Webster 2015)."""
    number = _number(value, "The prime")
    q = number.numerator
    _expect(number.denominator == 1 and 2 <= q < 2**64, "The prime has to be an integer from 2 to 2^64.")
    bases = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
    twos = ((q - 1) & -(q - 1)).bit_length() - 1

    def passes(base: int) -> bool:
        power = pow(base, (q - 1) >> twos, q)
        return power in (1, q - 1) or any(pow(power, 1 << k, q) == q - 1 for k in range(1, twos))

    _expect(q in bases or (all(q % b for b in bases) and all(map(passes, bases))), f"{q} is not a prime.")
    return q


# ---------------------------------------------------------------------------------------------- matrices


def _dot(x: Iterable[int], y: Iterable[int]) -> int:
    return sum(map(mul, x, y))  # up to the end of the shorter one


def _digits(rows: Iterable[Iterable[int]]) -> int:
    return max((abs(x).bit_length() for row in rows for x in row), default=0) // 30 + 1


def _transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _integers(rows: Rows) -> tuple[Integers, int]:
    """N and d > 0 with integer N = d · rows."""
    d, count = 1, sum(map(len, rows))
    for row in rows:
        for x in row:
            d = lcm(d, x.denominator)
            _expect(d.bit_length() * count < _MOST_BITS, "Its numbers have no manageable common denominator.")
    return [[x.numerator * (d // x.denominator) for x in row] for row in rows], d


def _product(X: Rows, Y: Rows) -> Rows:
    (N, d), (M, e) = _integers(X), _integers(Y)
    columns = _transposed(M)
    _afford(len(N) * len(M) * len(columns) * (20 + _digits(N) * _digits(M)))
    return [[Fraction(_dot(row, column), d * e) for column in columns] for row in N]


def _nearest_doubles(rows: Rows) -> Rows:
    try:
        return [[Fraction(float(x)) for x in row] for row in rows]
    except OverflowError:
        raise _Refused("An entry of the gain lies beyond the range of doubles.") from None


def _characteristic(N: Integers) -> Poly:
    """det(sI − N) without divisions, one leading submatrix after the other (Berkowitz 1984)."""
    n, w = len(N), _digits(N)
    _afford(n**4 // 4 * (20 + n * w * w // 2))
    descending = [1]
    for k in range(n):
        minor = [row[:k] for row in N[:k]]
        power, toeplitz = [row[k] for row in N[:k]], [1, -N[k][k]]
        for _ in range(k):
            toeplitz.append(-_dot(N[k], power))
            power = [_dot(row, power) for row in minor]
        descending = [_dot(descending, toeplitz[i::-1]) for i in range(k + 2)]
    return descending[::-1]


@dataclass(frozen=True)
class _Spectrum:
    """The eigenvalues of N/d, which are the roots of p."""

    N: Integers
    d: int
    p: Poly
    discrete: bool

    @classmethod
    def of(cls, M: Rows, discrete: bool) -> _Spectrum:
        N, d = _integers(M)
        return cls(N, d, _primitive([c * d**k for k, c in enumerate(_characteristic(N))]), discrete)

    def below(self, bound: Fraction) -> bool:
        """Whether the abscissa is smaller than `bound`."""
        if not self.discrete:
            return _hurwitz(_shift(self.p, bound))
        if bound <= 0:
            return False
        mapped = _to_half_plane(_stretch(self.p, bound))
        return len(mapped) == len(self.p) and _hurwitz(mapped)

    def at_most(self, bound: Fraction) -> bool:
        """Whether the abscissa is at most `bound`."""
        if not self.discrete:
            return _closed_hurwitz(_shift(self.p, bound))
        if bound <= 0:
            return bound == 0 and not any(self.p[:-1])
        return _closed_hurwitz(_to_half_plane(_stretch(self.p, bound)))

    def lies_in(self, region: _Region) -> bool:
        return self.below(region.edge) and (not region.damping or _in_sector(self.p, region.damping))

    def verdict(self) -> str:
        boundary = Fraction(self.discrete)
        if self.below(boundary):
            return "stable"
        return "marginal" if self.at_most(boundary) and self._boundary_is_semisimple() else "unstable"

    def _boundary_is_semisimple(self) -> bool:
        """Whether no boundary eigenvalue has a Jordan block above order 1, where none lies outside.

        q holds the boundary eigenvalues once, u the others as often as p: the minimal polynomial has the former as
        simple roots if and only if (q u)(A) = 0.
        """
        mirrored = self.p[::-1] if self.discrete else _reflected(self.p)  # the roots 1/λ or −λ
        q = _squarefree(_gcd(self.p, mirrored))
        u = _without_roots(self.p, q)
        return len(u) + len(q) == len(self.p) + 1 or self._is_root_of(_times(q, u))

    def _is_root_of(self, f: Poly) -> bool:
        """Whether f(N/d) = 0, one column after the other by Horner's rule."""
        n, w = len(self.N), _digits(self.N)
        _afford(n**3 * len(f) * (20 + w * (w * len(f) + _digits([f]))))
        for i in range(n):
            column, scale = [0] * n, 1
            for c in reversed(f):
                column = [_dot(row, column) for row in self.N]
                column[i] += c * scale
                scale *= self.d
            if any(column):
                return False
        return True

    def expect_within(self, bounds: Bounds) -> None:
        low, high = bounds
        _expect(low is None or not self.below(low), "The lower bound of the abscissa is too high.")
        _expect(high is None or self.at_most(high), "The upper bound of the abscissa is too low.")

    def expect_in_discs(self, discs: list[_Disc]) -> None:
        """Disjoint discs that hold one distinct eigenvalue each: Smith's discs, class by class, lie inside them."""
        degree = len(self.p) - 1
        right = all(disc.multiplicity for disc in discs) and sum(disc.multiplicity for disc in discs) == degree
        _expect(right, f"The multiplicities of the poles do not add up to {degree}.")
        (re, im, radius), w = _integers(_transposed([[disc.re, disc.im, disc.radius] for disc in discs]))
        _expect(min(radius) >= 0, "A disc has a negative radius.")
        for i, j in combinations(range(len(discs)), 2):
            apart = (re[i] - re[j]) ** 2 + (im[i] - im[j]) ** 2 > (radius[i] + radius[j]) ** 2
            _expect(apart, f"The discs {i + 1} and {j + 1} of the poles meet.")
        for multiplicity, f in _by_multiplicity(self.p).items():
            members = [i for i, disc in enumerate(discs) if disc.multiplicity == multiplicity]
            k = len(f) - 1
            _afford(k**3 * _digits([re, im, [w]]) * (_digits([f]) + k * _digits([re, im, [w]])))
            _expect(len(members) == k, f"There are {k} distinct eigenvalues of multiplicity {multiplicity}.")
            for i in members:  # k |f(z)| ≤ radius · |a Π (z − zⱼ)|, squared, in units of 1/w
                x, y, scale = 0, 0, 1
                for c in reversed(f):
                    x, y, scale = x * re[i] - y * im[i] + c * scale, x * im[i] + y * re[i], scale * w
                right_side = (radius[i] * f[-1]) ** 2
                for j in members:
                    right_side *= (re[i] - re[j]) ** 2 + (im[i] - im[j]) ** 2 if j != i else 1
                _expect(k * k * (x * x + y * y) <= right_side, f"The disc {i + 1} of the poles is not proved.")


# -------------------------------------------------------------------------------------------- polynomials


def _primitive(p: Poly) -> Poly:
    content = gcd(*p)
    return [c // (content if p[-1] > 0 else -content) for c in p]


def _times(p: Poly, q: Poly) -> Poly:
    product = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            product[i + j] += a * b
    return product


def _plus(p: Poly, q: Poly, factor: int = 1) -> Poly:
    """p + factor · q, where q has no higher degree."""
    return [a + factor * b for a, b in zip(p, q + [0] * (len(p) - len(q)), strict=True)]


def _reflected(p: Poly) -> Poly:
    """p(−s)."""
    return [-c if k % 2 else c for k, c in enumerate(p)]


def _taylor(p: Poly, by: int) -> Poly:
    """p(s + by)."""
    _afford(len(p) ** 2 * (_digits([p]) + len(p) * _digits([[by]])) * _digits([[by]]))
    moved = list(p)
    for i in range(len(p) - 1):
        for j in range(len(p) - 2, i - 1, -1):
            moved[j] += by * moved[j + 1]
    return moved


def _stretch(p: Poly, by: Fraction) -> Poly:
    """p(by · s) up to a positive factor: its roots are those of p divided by `by` > 0."""
    a, b, n = by.numerator, by.denominator, len(p) - 1
    _afford(n * (_digits([p]) + n * _digits([[a, b]])) ** 2)
    return _primitive([c * a**k * b ** (n - k) for k, c in enumerate(p)])


def _shift(p: Poly, by: Fraction) -> Poly:
    """p(s + by), stretched: its roots are positive multiples of those of p less `by`."""
    return _taylor(_stretch(p, Fraction(1, by.denominator)), by.numerator)


def _to_half_plane(p: Poly) -> Poly:
    """(1 − s)ⁿ p((1 + s)/(1 − s)): the unit disc goes to the left half plane, and a root −1 to infinity."""
    halves = [c << k for k, c in enumerate(_taylor(p, -1))]  # p in powers of 2/(1 − s) = z + 1
    kept = halves[next(k for k, c in enumerate(halves) if c) :]
    return _primitive(_reflected(_taylor(kept[::-1], 1)))


def _divide(p: Poly, by: Poly) -> Poly | None:
    """p / by for a primitive `by`; None if it does not divide p (by Gauss, the quotient would be integral)."""
    rest, quotient = list(p), [0] * max(0, len(p) - len(by) + 1)
    for i in reversed(range(len(quotient))):
        quotient[i], remainder = divmod(rest[i + len(by) - 1], by[-1])
        if remainder:
            return None
        for j, c in enumerate(by):
            rest[i + j] -= quotient[i] * c
    return None if any(rest) else quotient


def _quotient(p: Poly, by: Poly) -> Poly:
    quotient = _divide(p, by)
    assert quotient is not None
    return quotient


def _gcd(p: Poly, q: Poly) -> Poly:
    """The primitive greatest common divisor, by way of a prime (Brown 1971).

    Modulo a prime that leaves the leading coefficient of p its degree is never too low, so that a common divisor of
    that degree is the greatest.
    """
    for exponent in _MERSENNE:
        prime = (1 << exponent) - 1
        _afford(len(p) * len(q) * (exponent // 30) ** 2)
        if not p[-1] % prime:
            continue
        modular = _gcd_modulo(p, q, prime)
        if len(modular) == 1:
            return [1]
        residues = [c * gcd(p[-1], q[-1]) % prime for c in modular]
        candidate = _primitive([c - prime if 2 * c > prime else c for c in residues])
        if _divide(p, candidate) is not None and _divide(q, candidate) is not None:
            return candidate
    raise _Refused("A common divisor has coefficients too long for this checker.")


def _gcd_modulo(p: Poly, q: Poly, prime: int) -> Poly:
    a, b = ([c % prime for c in f] for f in (p, q))
    while True:
        while b and not b[-1]:
            b.pop()
        if not b:
            return a
        inverse = pow(b[-1], -1, prime)
        b = [c * inverse % prime for c in b]
        while len(a) >= len(b):
            if factor := a.pop():
                start = len(a) + 1 - len(b)
                a[start:] = [(x - factor * y) % prime for x, y in zip(a[start:], b, strict=False)]
        a, b = b, a


def _squarefree(p: Poly) -> Poly:
    return _quotient(p, _gcd(p, _derivative(p))) if len(p) > 1 else [1]


def _derivative(p: Poly) -> Poly:
    return [k * c for k, c in enumerate(p)][1:]


def _without_roots(p: Poly, q: Poly) -> Poly:
    """p without the roots that it shares with q."""
    while len(common := _gcd(p, q)) > 1:
        p = _quotient(p, common)
    return p


def _by_multiplicity(p: Poly) -> dict[int, Poly]:
    """The squarefree polynomial of the roots of each multiplicity that occurs."""
    at_least: list[Poly] = []
    while len(p) > 1:
        common = _gcd(p, _derivative(p))
        at_least.append(_quotient(p, common))
        p = common
    exactly = (_quotient(f, g) for f, g in zip(at_least, [*at_least[1:], [1]], strict=True))
    return {k: f for k, f in enumerate(exactly, 1) if len(f) > 1}


def _with_roots(points: list[Point]) -> Poly:
    """The primitive polynomial of these roots, which are closed under conjugation."""
    factors = [[-x, Fraction(1)] if y == 0 else [x * x + y * y, -2 * x, Fraction(1)] for x, y in points if y >= 0]
    p = [1]
    for factor in factors:
        integral = _integers([factor])[0]
        _afford(len(points) ** 2 * _digits([p]) * _digits(integral))
        p = _times(p, integral[0])
    return _primitive(p)


def _closed_hurwitz(p: Poly) -> bool:
    """Whether no root has positive real part.

    q holds, once, the roots of p whose mirror image −λ is a root as well. The others have to be in the open half
    plane, and those of q imaginary: q is even or odd, so that they are if and only if q + q′ is Hurwitz.
    """
    q = _squarefree(_gcd(p, _reflected(p)))
    if len(q) == 1:
        return _hurwitz(p)
    return _hurwitz(_plus(q, _derivative(q))) and _hurwitz(_without_roots(p, q))


def _in_sector(p: Poly, damping: Fraction) -> bool:
    """Whether every root has Re λ < −ζ|λ|: turned by ±φ with sin φ = ζ it has to stay in the open left half plane.

    p turned one way is f + jg over Q(√d), turned the other way f − jg, and f² + g² has all these roots.
    """
    sine, scale, n = damping.numerator, damping.denominator, len(p) - 1
    d = scale**2 - sine**2
    _afford(n**2 * 16 * (_digits([p]) + n * _digits([[scale]])) ** 2)
    parts: list[Poly] = [[0] * (n + 1) for _ in range(4)]  # f = parts[0] + parts[1] √d, g = parts[2] + parts[3] √d
    a, b, e, h = 1, 0, 0, 0  # (a + b√d) + j (e + h√d) = (√d + j sine)^(n − k) = scale^(n − k) exp(j (n − k) φ)
    for k in range(n, -1, -1):
        for part, x in zip(parts, (a, b, e, h), strict=True):
            part[k] = p[k] * scale**k * x
        a, b, e, h = b * d - e * sine, a - h * sine, h * d + a * sine, e + b * sine
    squares = [_times(part, part) for part in parts]
    rational = _plus(_plus(squares[0], squares[2]), _plus(squares[1], squares[3]), d)
    radical = [2 * c for c in _plus(_times(parts[0], parts[1]), _times(parts[2], parts[3]))]
    if isqrt(d) ** 2 == d:
        return _hurwitz(_primitive(_plus(rational, radical, isqrt(d))))
    return _hurwitz(rational, radical, d)


def _hurwitz(p: Poly, radical: Poly | None = None, d: int = 0) -> bool:
    """Whether every root of p + radical √d has negative real part; a constant has no root.

    Routh's reduction first in integer intervals, whose certain signs decide nearly every case, then exactly.
    """
    if len(p) == 1:
        return True
    pairs = list(zip(p, radical or [0] * len(p), strict=True))
    leading = _sign(*pairs[-1], d)
    pairs = [(leading * a, leading * b) for a, b in pairs]
    longest = _digits(pairs) * 30
    for bits in (192, 768, 3072, 12288):
        decided = _routh_in_intervals(pairs, d, bits)
        if decided is not None:
            return decided
        if bits > 8 * longest:
            break
    if radical is None and len(_gcd(p, _reflected(p))) > 1:
        return False  # λ and −λ are roots
    return _routh(pairs, d)


Pairs = list[tuple[int, int]]


def _sign(a: int, b: int, d: int) -> int:
    """The sign of a + b√d."""
    one, other = (a > 0) - (a < 0), ((b > 0) - (b < 0)) * (d > 0)
    if one * other >= 0:
        return one or other
    return one if a * a > b * b * d else other if a * a < b * b * d else 0


def _routh_in_intervals(pairs: Pairs, d: int, bits: int) -> bool | None:
    """Routh's reduction with each row cut to `bits`, outwards; None as soon as a sign is not certain.

    Every entry of a row has to be positive, as each pair of rows belongs to a Hurwitz polynomial of lower degree.
    """
    root = isqrt(d << 2 * bits)
    row = []
    for a, b in reversed(pairs):
        ends = (b * root, b * (root + 1)) if b else (0, 0)
        row.append(((a << bits) + min(ends), (a << bits) + max(ends)))
    upper, lower = row[0::2], row[1::2]
    while lower:
        if any(high <= 0 for _, high in upper + lower):
            return False
        if any(low <= 0 for low, _ in upper[:1] + lower):
            return None
        upper, lower = _cut(upper, bits), _cut(lower, bits)
        (first, first_high), (pivot, pivot_high) = upper[0], lower[0]
        padded = [*lower[1:], (0, 0)]
        following = [
            (pivot * low - first_high * other_high, pivot_high * high - first * other)
            for (low, high), (other, other_high) in zip(upper[1:], padded, strict=False)
        ]
        upper, lower = lower, following
    return True


def _cut(row: Pairs, bits: int) -> Pairs:
    excess = max(0, max(high.bit_length() for _, high in row) - bits)
    return [(low >> excess, -(-high >> excess)) for low, high in row]


def _routh(pairs: Pairs, d: int) -> bool:
    """Routh's reduction over Q(√d)."""
    n = len(pairs) - 1
    _afford(n**2 * (n * _digits(pairs)) ** 2 // 8)
    upper, lower = pairs[::-1][0::2], pairs[::-1][1::2]
    while lower:
        (a, b), (e, h) = upper[0], lower[0]
        if _sign(e, h, d) <= 0:
            return False
        padded = [*lower[1:], (0, 0)]
        following = [
            (e * x + d * h * y - a * u - d * b * v, e * y + h * x - a * v - b * u)
            for (x, y), (u, v) in zip(upper[1:], padded, strict=False)
        ]
        content = max(1, gcd(*(c for pair in following for c in pair)))
        upper, lower = lower, [(x // content, y // content) for x, y in following]
    return True


# ------------------------------------------------------------------------------------------- command line


def _system_of_file(text: bytes) -> _System:
    """The system of a plain JSON file {"A": …, "B": …, "dt": …}, its numbers read as exact decimals."""
    entries = _json(text, str)
    if not isinstance(entries, dict) or "A" not in entries:
        raise Unreadable("The system's file has to hold an object with the key 'A'.")
    known = {key: entries.get(key) for key in ("A", "B", "C", "D", "dt")}
    if known["dt"] is not None and _number(known["dt"], "dt") == 0:
        known["dt"] = None  # a usual way to say continuous time
    return _System.read(known)


def _difference(stored: _System, given: _System, claim: dict[str, Any]) -> str | None:
    """Where the certificate's system first differs from another one, in a sentence; None if they are equal."""
    if stored.discrete != given.discrete:
        return "One of certificate and file is in continuous time, and the other in discrete time."
    is_fed_back = claim.get("output") is True
    if given.C is None and (is_fed_back or claim["about"] in ("observability", "detectability")):
        return "The claim is about outputs, and the file has no C."
    if is_fed_back and any(map(any, given.D or [])):
        return "The claim is about output feedback without D, and the file has a D that is not zero."
    different: list[tuple[str, Fraction, Fraction]] = []
    for name in ("A", "B", "C", "D"):
        ours, theirs = getattr(stored, name) or [[]], getattr(given, name) or [[]]
        if name in "CD" and (ours == [[]] or theirs == [[]]):
            continue  # not used by the claim, or zero
        if (len(ours), len(ours[0])) != (len(theirs), len(theirs[0])):
            return f"The matrix {name} of the certificate does not have the shape of the file's."
        for i, rows in enumerate(zip(ours, theirs, strict=True), 1):
            entries = enumerate(zip(*rows, strict=True), 1)
            different += [(f"{name}[{i},{j}]", x, y) for j, (x, y) in entries if x != y]
    if stored.dt is not None and given.dt is not None and stored.dt != given.dt:
        different.append(("dt", stored.dt, given.dt))
    if not different:
        return None
    place, ours, theirs = different[0]
    nearest = _nearest_doubles([[y for _, _, y in different]])[0] == [x for _, x, _ in different]
    rounded = "; the certificate speaks about the doubles nearest to these numbers" if nearest else ""
    return f"{place} is {_shown(ours)} in the certificate and {_shown(theirs)} in the file{rounded}."


def _bytes_of(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def main(arguments: list[str] | None = None) -> int:
    """Check a file and print the outcome: 0 valid, 4 refused, 2 unreadable."""
    parser = argparse.ArgumentParser(description="Check a certificate of the schema hybrid-certificate/1.")
    parser.add_argument("file", help="the certificate")
    parser.add_argument("--system", metavar="FILE.json", help="a system that has to be the certificate's")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # where there is no minus sign −, none is lost
    try:
        document = read(_bytes_of(options.file))
        report = check(document)
        if report.valid and options.system:
            given = _system_of_file(_bytes_of(options.system))
            certified = _systems(document.get("systems", [document.get("system")]))
            found = [_difference(system, given, document["claim"]) for system in certified]
            difference = min(found, key=lambda one: one is not None)
            report = Report(difference is None, report.claim, difference or report.reason)
    except (OSError, Unreadable, _Refused) as error:
        print(f"unreadable: {error}")
        return 2
    print(f"claim: {report.claim}\n{'valid' if report.valid else 'refused'}: {report.reason}")
    return 0 if report.valid else 4


if __name__ == "__main__":
    raise SystemExit(main())
