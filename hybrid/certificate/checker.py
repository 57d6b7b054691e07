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
from fractions import Fraction
from itertools import combinations
from math import gcd, isqrt, lcm
from operator import mul
from typing import Any

SCHEMA = "hybrid-certificate/1"
MAX_BYTES = 64 * 2**20
_MOST_WORK = 10**11  # products of 30-bit digits, some minutes; hostile documents end here
_MOST_BITS = 2**31  # in the integers of one matrix
_MERSENNE = (127, 521, 1279, 2203, 4423, 9689, 19937, 44497)  # 2^e − 1 is prime
_NUMBER = re.compile(
    r"(?P<ratio>[+-]?[0-9]{1,4300}(?:/[0-9]{1,4300})?)"
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
    if len(text) > MAX_BYTES:
        raise Unreadable(f"The document is larger than {MAX_BYTES} bytes.")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
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


def _count(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Unreadable(f"{where} has to be a whole number.")
    return value


def _number(value: Any, where: str) -> Fraction:
    """Exact: an integer, a fraction, a decimal or a hexadecimal float, as text."""
    match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        if match["whole"] is None:
            return Fraction(value)
        part = match["part"] or ""
        mantissa, power = int(match["sign"] + match["whole"] + part, 16), int(match["power"]) - 4 * len(part)
        return Fraction(mantissa << power) if power >= 0 else Fraction(mantissa, 1 << -power)
    except (ValueError, ZeroDivisionError):
        raise Unreadable(f"{where} is {_quoted(value)}, not a number such as '-3/7', '0.25' or '0x1.8p-3'.") from None


def _matrix(value: Any, where: str, rows: int | None = None, columns: int | None = None) -> Rows:
    listed = _list(value, where)
    matrix = [[_number(x, f"{where}[{i},{j}]") for j, x in enumerate(_list(row, f"Row {i} of {where}"), 1)]
              for i, row in enumerate(listed, 1)]  # fmt: skip
    width = columns if columns is not None else len(matrix[0]) if matrix else 0
    if rows not in (None, len(matrix)) or any(len(row) != width for row in matrix):
        raise Unreadable(f"{where} has to be a matrix of {'any' if rows is None else rows} rows and {width} columns.")
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
        entries = _fields(value, "The system", "A", "B C D dt")
        A = _matrix(entries["A"], "A")
        n = len(A)
        if not A or len(A[0]) != n:
            raise Unreadable("A has to be square, with at least one row.")
        B = None if entries.get("B") is None else _matrix(entries["B"], "B", rows=n)
        C = None if entries.get("C") is None else _matrix(entries["C"], "C", columns=n)
        outputs, inputs = n if C is None else len(C), 0 if B is None else len(B[0])
        D = None if entries.get("D") is None else _matrix(entries["D"], "D", outputs, inputs)
        dt = None if entries.get("dt") is None else _number(entries["dt"], "dt")
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


Bounds = tuple[Fraction | None, Fraction | None]


def _bounds(value: Any) -> Bounds:
    ends = _list(value, "The abscissa")
    if len(ends) != 2:
        raise Unreadable("The abscissa has to be a list of two bounds.")
    low, high = (None if end is None else _number(end, "A bound of the abscissa") for end in ends)
    return low, high


def _bounds_in_words(bounds: Bounds, discrete: bool) -> str:
    name = "spectral radius" if discrete else "spectral abscissa"
    low, high = ("" if x is None else _shown(x) for x in bounds)
    return f"its {name} lies in [{low or '−∞'}, {high or '∞'}]" if low or high else f"nothing about its {name}"


@dataclass(frozen=True)
class _Disc:
    re: Fraction
    im: Fraction
    radius: Fraction
    multiplicity: int


def _discs(value: Any) -> list[_Disc]:
    discs = []
    for i, entry in enumerate(_list(value, "The list of poles"), 1):
        where = f"Pole {i}"
        disc = _fields(entry, where, "re im radius multiplicity")
        re, im, radius = (_number(disc[key], f"{where}, {key}") for key in ("re", "im", "radius"))
        discs.append(_Disc(re, im, radius, _count(disc["multiplicity"], f"{where}, multiplicity")))
    return discs


Point = tuple[Fraction, Fraction]


def _requested(value: Any, n: int) -> list[Point]:
    points = []
    for i, entry in enumerate(_list(value, "The list of requested poles"), 1):
        point = _fields(entry, f"Requested pole {i}", "re im")
        points.append((_number(point["re"], f"Requested pole {i}"), _number(point["im"], f"Requested pole {i}")))
    if len(points) != n:
        raise Unreadable(f"The list of requested poles has to have {n} entries.")
    if sorted(points) != sorted((re, -im) for re, im in points):
        raise Unreadable("The requested poles have to be closed under conjugation.")
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
    """
    claim = "a claim that was not read"
    try:
        entries = _fields(document, "The document", "schema system claim method witness digest", "versions provenance")
        _word(entries["schema"], "The schema", (SCHEMA,))
        system = _System.read(entries["system"])
        claimed = _claim(entries["claim"], system)
        claim = claimed.words()
        method = _word(entries["method"], "The method", sorted(_METHODS))
        _expect_digest(entries)
        if method not in claimed.methods:
            raise _Refused(f"The method {method} does not prove a claim of this kind.")
        claimed.prove(method, entries["witness"])
    except _Refused as refusal:
        return Report(False, claim, str(refusal))
    return Report(True, claim, f"Proved in exact arithmetic {_METHODS[method]}.")


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
}


@dataclass(frozen=True)
class _Stability:
    """Where the eigenvalues of A lie."""

    system: _System
    verdict: str
    region: _Region
    in_region: bool
    bounds: Bounds
    poles: list[_Disc] | None

    methods = (_SPECTRAL, _LYAPUNOV)

    @classmethod
    def read(cls, claim: dict[str, Any], system: _System) -> _Stability:
        _fields(claim, "The claim", "about verdict in_region abscissa", "decay damping poles")
        verdict = _word(claim["verdict"], "The verdict", ("stable", "marginal", "unstable"))
        if not isinstance(claim["in_region"], bool):
            raise Unreadable("in_region has to be true or false.")
        poles = _discs(claim["poles"]) if "poles" in claim else None
        region = _Region.read(claim, system.discrete)
        return cls(system, verdict, region, claim["in_region"], _bounds(claim["abscissa"]), poles)

    def words(self) -> str:
        every = "every" if self.in_region else "not every"
        discs = f", and {len(self.poles)} discs hold one distinct eigenvalue each" if self.poles is not None else ""
        known = _bounds_in_words(self.bounds, self.system.discrete)
        return f"A is {self.verdict}, {every} eigenvalue of A has {self.region}, {known}{discs}"

    def prove(self, method: str, witness: Any) -> None:
        if method == _LYAPUNOV:
            _expect(self.poles is None, "Lyapunov matrices do not prove where single eigenvalues lie.")
            bounds = _prove_bounds(self.system.A, self.bounds, self.system.discrete, witness)
            boundary = Fraction(self.system.discrete)
            _expect(
                bounds.side_of(boundary) == {"stable": True, "unstable": False}.get(self.verdict),
                f"The bounds do not show that A is {self.verdict}.",
            )
            _expect(self.verdict != "marginal", "Lyapunov matrices do not prove that a system is marginal.")
            _expect(self.region.damping == 0, "Lyapunov matrices do not prove a damping ratio.")
            _expect(bounds.side_of(self.region.edge) is self.in_region, "The bounds do not show the claim on the region.")
            return
        _fields(witness, "The witness", "")
        spectrum = _Spectrum.of(self.system.A, self.system.discrete)
        verdict = spectrum.verdict()
        _expect(verdict == self.verdict, f"A is {verdict}, not {self.verdict}.")
        _expect(spectrum.lies_in(self.region) is self.in_region, "The claim on the region is false.")
        spectrum.expect_within(self.bounds)
        if self.poles is not None:
            spectrum.expect_in_discs(self.poles)


_PROPERTIES = {
    "controllability": ("controllable", "uncontrollable"),
    "observability": ("observable", "unobservable"),
    "stabilizability": ("stabilizable", "not stabilizable"),
    "detectability": ("detectable", "not detectable"),
}


@dataclass(frozen=True)
class _Rank:
    """What the inputs reach, or what the outputs see: the same of the transposed system."""

    system: _System
    about: str
    verdict: str
    region: _Region
    dimension: int

    methods = (_RANK, _INVARIANT)

    @classmethod
    def read(cls, claim: dict[str, Any], system: _System) -> _Rank:
        _fields(claim, "The claim", "about verdict dimension", "decay")
        verdict = _word(claim["verdict"], "The verdict", _PROPERTIES[claim["about"]])
        region = _Region.read(claim, system.discrete)
        return cls(system, claim["about"], verdict, region, _count(claim["dimension"], "The dimension"))

    @property
    def _of_outputs(self) -> bool:
        return self.about in ("observability", "detectability")

    @property
    def _up_to_decay(self) -> bool:
        return self.about in ("stabilizability", "detectability")

    def words(self) -> str:
        pair, space = ("(C, A)", "observable") if self._of_outputs else ("(A, B)", "controllable")
        known = f"the {space} subspace has dimension {self.dimension} of {len(self.system.A)}"
        if not self._up_to_decay:
            return f"{pair} is {self.verdict}: {known}"
        every = "not every" if self.verdict.startswith("not ") else "every"
        return f"{pair} is {self.verdict}: {every} un{space} eigenvalue has {self.region}, and {known}"

    def prove(self, method: str, witness: Any) -> None:
        _expect(self.region.decay >= 0, "A negative decay would call unstable eigenvalues stable.")
        _expect(self._up_to_decay or self.region.decay == 0, "The claim does not depend on a decay, and names one.")
        A = _transposed(self.system.A) if self._of_outputs else self.system.A
        B = _transposed(self.system.need("C")) if self._of_outputs else self.system.need("B")
        yes, no = _PROPERTIES[self.about]
        if method == _RANK:
            entries = _fields(witness, "The witness", "prime")
            dimension, verdict = _reached(A, B, _prime(entries["prime"])), yes
            _expect(dimension == len(A), f"The rank modulo this prime is {dimension}, and {len(A)} is needed.")
        else:
            dimension, unreached = _prove_invariant(A, B, witness)
            verdict = yes if self._up_to_decay and unreached.below(self.region.edge) else no
        _expect(verdict == self.verdict, f"The verdict is {verdict}, not {self.verdict}.")
        _expect(dimension == self.dimension, f"The dimension is {dimension}, not {self.dimension}.")


@dataclass(frozen=True)
class _Stabilised:
    """A gain, and where the eigenvalues of the closed loop lie."""

    system: _System
    gain: Rows
    output: bool
    region: _Region
    bounds: Bounds
    poles: list[_Disc] | None
    requested: list[Point] | None
    distance: Fraction | None

    methods = (_SPECTRAL, _LYAPUNOV)

    @classmethod
    def read(cls, claim: dict[str, Any], system: _System) -> _Stabilised:
        optional = "decay damping output poles requested distance"
        _fields(claim, "The claim", "about verdict gain abscissa", optional)
        output = claim.get("output", False)
        if not isinstance(output, bool) or ("requested" in claim) != ("distance" in claim):
            raise Unreadable("output has to be true or false, and requested poles need a distance.")
        if "requested" in claim and "poles" not in claim:
            raise Unreadable("The distance to requested poles needs the poles.")
        n, inputs = len(system.A), len(system.need("B")[0])
        return cls(
            system,
            _matrix(claim["gain"], "The gain", inputs, len(system.need("C")) if output else n),
            output,
            _Region.read(claim, system.discrete),
            _bounds(claim["abscissa"]),
            _discs(claim["poles"]) if "poles" in claim else None,
            _requested(claim["requested"], n) if "requested" in claim else None,
            _number(claim["distance"], "The distance") if "distance" in claim else None,
        )

    def words(self) -> str:
        loop = "A − B K C" if self.output else "A − B K"
        known = _bounds_in_words(self.bounds, self.system.discrete)
        discs = f", and {len(self.poles)} discs hold one distinct eigenvalue each" if self.poles is not None else ""
        near = "" if self.distance is None else f", all within {_shown(self.distance)} of the requested poles"
        return (
            f"every eigenvalue of {loop} has {self.region} and {known}, "
            f"for K as written and for the doubles nearest to it{discs}{near}"
        )

    def prove(self, method: str, witness: Any) -> None:
        _expect(self.region.decay >= 0, "A negative decay would call an unstable loop stabilised.")
        _expect(
            not self.output or not any(any(row) for row in self.system.D or []), "Output feedback needs D to be zero."
        )
        loops = [self._closed_loop(self.gain)]
        doubles = _nearest_doubles(self.gain)
        if doubles != self.gain:
            loops.append(self._closed_loop(doubles))
        if method == _LYAPUNOV:
            _expect(self.poles is None, "Lyapunov matrices do not prove where single eigenvalues lie.")
            _expect(self.region.damping == 0, "Lyapunov matrices do not prove a damping ratio.")
            for loop in loops:
                bounds = _prove_bounds(loop, self.bounds, self.system.discrete, witness)
                _expect(bounds.side_of(self.region.edge) is True, "The upper bound does not reach the region.")
            return
        _fields(witness, "The witness", "")
        spectra = [_Spectrum.of(loop, self.system.discrete) for loop in loops]
        for spectrum in spectra:
            _expect(spectrum.lies_in(self.region), "An eigenvalue of the closed loop is not in the region.")
            spectrum.expect_within(self.bounds)
        if self.poles is not None:
            spectra[0].expect_in_discs(self.poles)
            self._expect_near(self.poles)

    def _closed_loop(self, gain: Rows) -> Rows:
        B = self.system.need("B")
        fed_back = _product(gain, self.system.need("C")) if self.output else gain
        change = _product(B, fed_back) if fed_back else [[Fraction(0)] * len(self.system.A) for _ in B]
        return [[a - c for a, c in zip(*rows, strict=True)] for rows in zip(self.system.A, change, strict=True)]

    def _expect_near(self, poles: list[_Disc]) -> None:
        if self.requested is None or self.distance is None:
            return
        repeated = [pole for pole in poles for _ in range(pole.multiplicity)]
        for (re, im), pole in zip(self.requested, repeated, strict=True):
            room = self.distance - pole.radius
            near = room >= 0 and (re - pole.re) ** 2 + (im - pole.im) ** 2 <= room**2
            _expect(near, f"The pole near {_shown(pole.re)} + {_shown(pole.im)}j is farther than the distance claimed.")


@dataclass(frozen=True)
class _NoGain:
    """No state feedback does what was asked, because of eigenvalues that no input moves."""

    system: _System
    region: _Region | None
    requested: list[Point]

    methods = (_INVARIANT,)

    @classmethod
    def read(cls, claim: dict[str, Any], system: _System) -> _NoGain:
        if claim["verdict"] == "not placeable":
            _fields(claim, "The claim", "about verdict requested")
            return cls(system, None, _requested(claim["requested"], len(system.A)))
        _fields(claim, "The claim", "about verdict", "decay")
        return cls(system, _Region.read(claim, system.discrete), [])

    def words(self) -> str:
        what = "the requested eigenvalues" if self.region is None else f"only eigenvalues with {self.region}"
        return f"there is no K for which A − B K has {what}"

    def prove(self, method: str, witness: Any) -> None:
        _, fixed = _prove_invariant(self.system.A, self.system.need("B"), witness)
        if self.region is not None:
            _expect(not fixed.below(self.region.edge), "The eigenvalues that no input moves are all in the region.")
        else:
            missing = _divide(_with_roots(self.requested), fixed.p) is None
            _expect(missing, "The eigenvalues that no input moves are all among those requested.")


_Claim = _Stability | _Rank | _Stabilised | _NoGain


def _claim(value: Any, system: _System) -> _Claim:
    if not isinstance(value, dict) or "about" not in value or "verdict" not in value:
        raise Unreadable("The claim has to be an object with the keys 'about' and 'verdict'.")
    about = _word(value["about"], "What the claim is about", ("stability", "feedback", *_PROPERTIES))
    if about == "stability":
        return _Stability.read(value, system)
    if about in _PROPERTIES:
        return _Rank.read(value, system)
    verdict = _word(value["verdict"], "The verdict", ("stabilised", "not stabilisable", "not placeable"))
    return _Stabilised.read(value, system) if verdict == "stabilised" else _NoGain.read(value, system)


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

    def side_of(self, point: Fraction) -> bool | None:
        """True if the abscissa is below `point`, False if it is above, None if the bounds do not tell."""
        if self.high is not None and self.high <= point:
            return True
        return False if self.low is not None and self.low >= point else None


def _prove_bounds(M: Rows, bounds: Bounds, discrete: bool, witness: Any) -> _Proved:
    """Prove low < abscissa < high by one Lyapunov matrix for each; a bound that is null has none."""
    entries = _fields(witness, "The witness", "upper lower")
    low, high = bounds
    n = len(M)
    for side, bound, keys in (("upper", high, "P"), ("lower", low, "P x")):
        if (bound is None) != (entries[side] is None):
            raise _Refused(f"The {side} bound and its Lyapunov matrix have to be there together.")
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
    return _Proved(low, high)


def _lyapunov_residual(M: Rows, P: Integers, s: Fraction, discrete: bool) -> Integers:
    """A positive multiple of −((M − sI)ᵀP + P(M − sI)), in discrete time of s²P − MᵀPM."""
    N, d = _integers(M)
    n = len(N)
    _afford(n**3 * (20 + _digits(N) * _digits(P)) * (2 if discrete else 1))
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
        if bits >= enough or n**3 * (bits // 30) ** 2 > _MOST_WORK // 100:
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
            rest = _scaled(M[i][j], unit - halves[i] - halves[j]) - _dot(row, G[j])  # up to the j entries that are there
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


def _prove_invariant(A: Rows, B: Rows, witness: Any) -> tuple[int, _Spectrum]:
    """The dimension of the controllable subspace, and the eigenvalues that no input moves: those of F."""
    entries = _fields(witness, "The witness", "W F prime")
    n = len(A)
    W = _matrix(entries["W"], "W", columns=n)
    F = _matrix(entries["F"], "F", len(W), len(W))
    _expect(1 <= len(W) <= n, "W needs between 1 and n rows.")
    _expect(_product(W, A) == _product(F, W), "W A = F W does not hold.")
    _expect(not B[0] or not any(map(any, _product(W, B))), "W B = 0 does not hold.")
    large = (1 << 521) - 1
    echelon: dict[int, list[int]] = {}
    independent = all(_absorb(echelon, row, large) for row in _integers(W)[0])
    _expect(independent, "The rows of W are not independent.")
    reached = _reached(A, B, _prime(entries["prime"]))
    _expect(reached >= n - len(W), f"The rank modulo this prime is {reached}, and {n - len(W)} is needed.")
    return n - len(W), _Spectrum.of(F, bool(discrete_time := False))


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
