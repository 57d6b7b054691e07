"""Check claims about u_t + P(D)u = 0 with constant coefficients; `checker.py` calls this file, which lies beside it.

D = (∂/∂x_1, …, ∂/∂x_n) acts on the Fourier side as iη, so that each frequency η of the initial condition is multiplied
by exp(−t P(iη)). q(η) = Re P(iη) is a polynomial: terms of odd degree drop out, the others keep their sign or change
it as i^k = ±1. The support is a box of η. Claimed is whether q is bounded below on it (the solution exists as a
tempered distribution), nonnegative (no frequency grows), positive (q ≥ c for some c > 0: all decay at a common rate).

What makes each witness a proof
  curve  η_i(s) is the constant p_i where the weight w_i is 0, and p_i s^{w_i} otherwise, which leaves every bound or,
    for w_i < 0, tends to 0: in the box for all large s. The highest power of s in q(η(s)) that does not cancel is
    positive and has a negative coefficient: q falls to −∞.
  point  q < 0 there; or q ≤ 0, which is enough against "positive".
  domination  the box is divided at rational places into pieces. On a piece each term with y = |η| is ±m y^γ of a known
    sign, or is taken to be negative. Each negative one has a circuit: positive terms p_β y^β, shares λ_β > 0 with
    Σ λ = 1, portions a_β > 0, and with δ = γ − Σ λ_β β and F = Π b_i^{δ_i} over δ_i > 0 (|η_i| ≤ b_i) times Π a_i^{δ_i}
    over δ_i < 0 (|η_i| ≥ a_i > 0),  m F ≤ Π (a_β/λ_β)^{λ_β}. Then m y^γ ≤ m F y^{γ−δ} ≤ Σ a_β y^β by the inequality of
    weighted arithmetic and geometric means. The portions of a term add up to at most p_β, so q − least ≥ 0. Where least
    is null, any portion of the constant 1 may be taken, the constant of q is left out, and q has some lower bound.
  line  q has one free coordinate. q − least ≥ 0 on its side if no root of odd multiplicity lies inside (by Sturm's
    theorem for each squarefree factor) and one value is positive. A root on the side disproves "positive". Where
    least is null, the leading sign shows that there is some bound.
  squares  q − least = Σ w s(η)² with weights w > 0, as polynomials: q ≥ least everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm, prod
from typing import Any

MAX_COORDINATES = 50
MAX_TERMS = 2000
MAX_DEGREE = 200
MAX_PIECES = 5000
MAX_POWER = 4000
QUESTIONS = ("bounded", "nonnegative", "positive")

Exponents = tuple[int, ...]
Terms = dict[Exponents, Fraction]
Side = tuple[Fraction | None, Fraction | None]

_WORDS = {
    ("bounded", True): "is bounded below, so that a solution exists",
    ("bounded", False): "is unbounded below, so that some initial conditions on it have no tempered solution",
    ("nonnegative", True): "is nowhere negative, so that no frequency grows",
    ("nonnegative", False): "is negative somewhere, so that some frequencies grow",
    ("positive", True): "is above a positive number, so that all frequencies decay at a common rate",
    ("positive", False): "has no positive lower bound",
}


def check(document: dict[str, Any], core: Any) -> Any:
    """A report of `core`, which is the module checker."""
    claim = "a claim that was not read"
    try:
        entries = core._fields(
            document, "The document", "schema system claim method witness digest", "versions provenance"
        )
        core._word(entries["schema"], "The schema", (core.SCHEMA,))
        problem = _Problem(entries["system"], core)
        claimed = _claim(entries["claim"], core)
        claim = "the real part of the symbol, on the support, " + "; ".join(_WORDS[each] for each in claimed.items())
        core._word(entries["method"], "The method", ("symbol bounds",))
        core._expect_digest(entries)
        witnesses = core._fields(entries["witness"], "The witness", " ".join(claimed))
        for question, holds in claimed.items():
            problem.prove(question, holds, witnesses[question])
    except core._Refused as refusal:
        return core.Report(False, claim, str(refusal))
    return core.Report(True, claim, "Proved in exact arithmetic by curves, points, squares, roots or dominated terms.")


def _claim(value: Any, core: Any) -> dict[str, bool]:
    entries = core._fields(value, "The claim", "about", " ".join(QUESTIONS))
    core._word(entries["about"], "What the claim is about", ("pde",))
    claimed = {question: entries[question] for question in QUESTIONS if question in entries}
    if not claimed or not all(isinstance(holds, bool) for holds in claimed.values()):
        raise core.Unreadable(f"The claim has to say true or false of at least one of {', '.join(QUESTIONS)}.")
    return claimed


class _Problem:
    """q and the box, with the coordinates that the box fixes put in."""

    def __init__(self, value: Any, core: Any) -> None:
        self.core = core
        entries = core._fields(value, "The system", "operator support", "names")
        self.box = [self._side(side) for side in core._list(entries["support"], "The support")]
        if not 0 < len(self.box) <= MAX_COORDINATES:
            raise core.Unreadable(f"The support has to have 1 to {MAX_COORDINATES} coordinates.")
        terms = core._list(entries["operator"], "The operator")
        if len(terms) > MAX_TERMS:
            raise core.Unreadable(f"The operator has to have at most {MAX_TERMS} terms.")
        self.q: Terms = {}
        fields = [core._fields(term, "A term of the operator", "coefficient powers") for term in terms]
        fixed = [low for low, high in self.box if low is not None and low == high]
        values = [core._number(each["coefficient"], "A coefficient") for each in fields]
        core._afford(len(fields) * (_bits(values) + _bits(fixed) * MAX_DEGREE) ** 2 // 900)
        for each, value in zip(fields, values, strict=True):
            self._add(self._exponents(each["powers"]), value)
        self.q = {exponents: value for exponents, value in self.q.items() if value}

    def _side(self, value: Any) -> Side:
        ends = self.core._list(value, "A side of the support")
        if len(ends) != 2:
            raise self.core.Unreadable("A side of the support has to be a list of two ends.")
        low, high = (None if end is None else self.core._number(end, "An end of the support") for end in ends)
        if low is not None and high is not None and low > high:
            raise self.core.Unreadable("A side of the support has to have its lower end first.")
        return low, high

    def _exponents(self, value: Any) -> Exponents:
        found = tuple(self.core._count(k) for k in self.core._list(value, "Exponents"))
        if len(found) != len(self.box) or sum(found) > MAX_DEGREE:
            raise self.core.Unreadable(f"A term has to have {len(self.box)} exponents, together at most {MAX_DEGREE}.")
        return found

    def _add(self, powers: Exponents, value: Fraction) -> None:
        """A term c D^α of P gives c i^{|α|} η^α, whose real part is ±c η^α or 0."""
        if sum(powers) % 2:
            return
        value = -value if sum(powers) % 4 else value
        left = []
        for k, (low, high) in zip(powers, self.box, strict=True):
            fixed = low is not None and low == high
            value *= low**k if fixed and low is not None else 1
            left.append(0 if fixed else k)
        self.q[tuple(left)] = self.q.get(tuple(left), Fraction(0)) + value

    def prove(self, question: str, holds: bool, witness: Any) -> None:
        """Raise unless the witness proves it."""
        core = self.core
        if not isinstance(witness, dict) or "kind" not in witness:
            raise core.Unreadable("A witness has to be an object with the key 'kind'.")
        kind = core._word(witness["kind"], "The kind of a witness", ("curve", "point", "domination", "squares", "line"))
        if holds:
            core._expect(kind in ("domination", "squares", "line"), f"A {kind} does not prove a lower bound.")
            if kind == "line":
                self._on_line(question, core._fields(witness, "The witness", "kind least"))
                return
            if kind == "squares":
                self._squared(question, core._fields(witness, "The witness", "kind least squares"))
                return
            self._dominated(question, core._fields(witness, "The witness", "kind least tree"))
        elif kind == "curve":
            self._falls(core._fields(witness, "The witness", "kind weights point"))
        elif kind == "line":
            core._expect(question == "positive", "A line does not prove this.")
            core._fields(witness, "The witness", "kind least")
            side, p = self._line(Fraction(0))
            core._expect(_has_root(p, side, core), "The symbol does not vanish on the support.")
        else:
            core._expect(kind == "point" and question != "bounded", f"A {kind} does not prove this.")
            value = self._at(self._point(core._fields(witness, "The witness", "kind point", "from")["point"]))
            enough = value <= 0 if question == "positive" else value < 0
            core._expect(enough, "The symbol is not negative at the point.")

    def _point(self, value: Any) -> list[Fraction]:
        point = [self.core._number(x, "A coordinate") for x in self.core._list(value, "The point")]
        if len(point) != len(self.box):
            raise self.core.Unreadable(f"The point has to have {len(self.box)} coordinates.")
        for x, side in zip(point, self.box, strict=True):
            self._expect_within(x, side)
        return point

    def _expect_within(self, x: Fraction, side: Side) -> None:
        low, high = side
        within = (low is None or x >= low) and (high is None or x <= high)
        self.core._expect(within, "A coordinate lies outside the support.")

    def _at(self, point: list[Fraction], terms: Terms | None = None) -> Fraction:
        self._afford(point)
        every = (self.q if terms is None else terms).items()
        powers = ((c, (x**k for x, k in zip(point, e, strict=True) if k)) for e, c in every)
        return sum((c * prod(factors, start=Fraction(1)) for c, factors in powers), start=Fraction(0))

    def _afford(self, values: list[Fraction]) -> None:
        bits = sum(x.numerator.bit_length() + x.denominator.bit_length() for x in values)
        self.core._afford((bits * MAX_DEGREE) ** 2 // 900 * (1 + len(self.q)))

    def _falls(self, witness: dict[str, Any]) -> None:
        """The curve leaves every bounded set inside the box, and its leading coefficient is negative."""
        core = self.core
        weights = core._list(witness["weights"], "The weights")
        if len(weights) != len(self.box) or not all(type(w) is int and abs(w) <= MAX_DEGREE for w in weights):
            raise core.Unreadable(f"The weights have to be {len(self.box)} integers of size at most {MAX_DEGREE}.")
        point = [core._number(x, "A coordinate") for x in core._list(witness["point"], "The point")]
        if len(point) != len(self.box):
            raise core.Unreadable(f"The point has to have {len(self.box)} coordinates.")
        for x, w, side in zip(point, weights, self.box, strict=True):
            if w == 0:
                self._expect_within(x, side)
            else:
                core._expect(x != 0 and _stays(x, w, side), "The curve leaves the support.")
        by_degree: dict[int, Terms] = {}
        for e, value in self.q.items():
            by_degree.setdefault(sum(w * k for w, k in zip(weights, e, strict=True)), {})[e] = value
        values = ((degree, self._at(point, terms)) for degree, terms in sorted(by_degree.items(), reverse=True))
        top, leading = next(((degree, value) for degree, value in values if value), (0, Fraction(0)))
        core._expect(top > 0 and leading < 0, "The symbol does not fall to −∞ along the curve.")

    def _dominated(self, question: str, witness: dict[str, Any]) -> None:
        core, terms, origin = self.core, dict(self.q), (0,) * len(self.box)
        free = witness["least"] is None
        if free:
            core._expect(question == "bounded", "A bound that is not named proves only that there is one.")
            terms.pop(origin, None)
        else:
            terms[origin] = terms.get(origin, Fraction(0)) - self._least(question, witness)
        for count, (box, circuits) in enumerate(self._pieces(witness["tree"])):
            core._expect(count < MAX_PIECES, f"The box is divided into more than {MAX_PIECES} pieces.")
            self._expect_covered(terms, box, circuits, free=free)

    def _least(self, question: str, witness: dict[str, Any]) -> Fraction:
        least: Fraction = self.core._number(witness["least"], "The least value")
        enough = question == "bounded" or least > 0 or (question == "nonnegative" and least == 0)
        self.core._expect(enough, "The least value does not prove the claim.")
        return least

    def _squared(self, question: str, witness: dict[str, Any]) -> None:
        """Expand the squares, which have to add up to q − least, term by term."""
        core, origin = self.core, (0,) * len(self.box)
        total = {origin: self._least(question, witness)}
        listed = core._list(witness["squares"], "The squares")
        for entry in listed:
            entries = core._fields(entry, "A square", "weight square")
            weight = core._number(entries["weight"], "A weight")
            core._expect(weight > 0, "A square has a weight that is not positive.")
            parts = [self._part(part) for part in core._list(entries["square"], "A square")]
            bits = sum(x.numerator.bit_length() + x.denominator.bit_length() for x in (weight, *(c for _, c in parts)))
            core._afford((1 + len(parts)) ** 2 * (bits // 30 + 1) ** 2 * (1 + len(listed)))
            for a, x in parts:
                for b, y in parts:
                    both = tuple(i + j for i, j in zip(a, b, strict=True))
                    total[both] = total.get(both, Fraction(0)) + weight * x * y
        core._expect({e: c for e, c in total.items() if c} == self.q, "The squares do not add up to the symbol.")

    def _line(self, least: Fraction) -> tuple[Side, list[int]]:
        """The side of the only coordinate of q, and the coefficients of a positive multiple of q − least."""
        used = {i for e in self.q for i, k in enumerate(e) if k}
        self.core._expect(len(used) == 1, "The symbol does not have one free coordinate.")
        i = used.pop()
        p = [Fraction(0)] * (1 + max(e[i] for e in self.q))
        for e, value in self.q.items():
            p[e[i]] = value
        p[0] -= least
        integers: list[int] = self.core._integers([p])[0][0]
        return self.box[i], integers

    def _on_line(self, question: str, witness: dict[str, Any]) -> None:
        """Of a polynomial in one coordinate: its leading sign, or no change of sign on the side and one value."""
        core = self.core
        if witness["least"] is None:
            core._expect(question == "bounded", "A bound that is not named proves only that there is one.")
            (low, high), p = self._line(Fraction(0))
            rises = (high is not None or p[-1] > 0) and (low is not None or (p[-1] > 0) == (len(p) % 2 == 1))
            core._expect(rises, "The symbol falls to −∞.")
            return
        side, p = self._line(self._least(question, witness))
        for multiplicity, factor in core._by_multiplicity(core._primitive(p)).items():
            if multiplicity % 2:
                core._expect(_roots_within(factor, side, core) == 0, "The symbol is below the bound somewhere.")
        low, high = side
        places = (_inner(low, high, Fraction(k, len(p) + 2)) for k in range(1, len(p) + 2))
        value = next(value for x in places if (value := _scaled(p, x)))
        core._expect(value > 0, "The symbol is below the bound.")

    def _part(self, value: Any) -> tuple[Exponents, Fraction]:
        part = self.core._list(value, "A part of a square")
        if len(part) != 2:
            raise self.core.Unreadable("A part of a square has to be a list of exponents and coefficient.")
        return self._exponents(part[0]), self.core._number(part[1], "A coefficient")

    def _pieces(self, tree: Any) -> Iterator[tuple[list[Side], Any]]:
        """The leaves of a division of the box, which cover it by construction."""
        left = [(tree, self.box)]
        while left:
            node, box = left.pop()
            if isinstance(node, dict) and "circuits" in node:
                yield box, self.core._fields(node, "A piece", "circuits")["circuits"]
                continue
            entries = self.core._fields(node, "A division", "coordinate at parts")
            i, at = self.core._count(entries["coordinate"]), self.core._number(entries["at"], "The place of a division")
            parts = self.core._list(entries["parts"], "The parts of a division")
            if i >= len(box) or len(parts) != 2:
                raise self.core.Unreadable("A division has to name one coordinate and two parts.")
            self._expect_within(at, box[i])
            for part, side in zip(parts, ((box[i][0], at), (at, box[i][1])), strict=True):
                left.append((part, [*box[:i], side, *box[i + 1 :]]))

    def _expect_covered(self, terms: Terms, box: list[Side], circuits: Any, *, free: bool) -> None:
        """Every term that may be negative on a piece has one circuit, and no positive term is spent twice."""
        core = self.core
        budget: Terms = {}
        waiting: Terms = {}
        for exponents, value in terms.items():
            if value:
                sign = 1 if value > 0 else -1
                for k, side in zip(exponents, box, strict=True):
                    sign *= _sign(side) if k % 2 else 1
                (budget if sign > 0 else waiting)[exponents] = abs(value)
        origin = (0,) * len(box)
        for entry in core._list(circuits, "The circuits"):
            entries = core._fields(entry, "A circuit", "term by")
            gamma = self._exponents(entries["term"])
            core._expect(gamma in waiting, "A circuit dominates a term that is not there, or is not negative.")
            for beta, portion in self._circuit(gamma, waiting.pop(gamma), entries["by"], box):
                if free and beta == origin:
                    continue
                core._expect(beta in budget, "A term is dominated by one that is not positive.")
                budget[beta] -= portion
                core._expect(budget[beta] >= 0, "The portions of a term are more than the term.")
        core._expect(not waiting, "A term that may be negative is not dominated.")

    def _circuit(self, gamma: Exponents, m: Fraction, value: Any, box: list[Side]) -> list[tuple[Exponents, Fraction]]:
        """The portions of a circuit, which dominate m y^γ on the piece."""
        core, by = self.core, []
        for entry in core._list(value, "A circuit"):
            beta, share, portion = core._list(entry, "A part of a circuit") if _is_triple(entry) else (None, None, None)
            if beta is None:
                raise core.Unreadable("A part of a circuit has to be a list of exponents, share and portion.")
            by.append((self._exponents(beta), core._number(share, "A share"), core._number(portion, "A portion")))
        core._expect(len({beta for beta, _, _ in by}) == len(by), "A circuit names a term twice.")
        core._expect(all(share > 0 and portion > 0 for _, share, portion in by), "Shares and portions are positive.")
        core._expect(sum(share for _, share, _ in by) == 1, "The shares of a circuit do not add up to 1.")
        power = lcm(*(share.denominator for _, share, _ in by))
        core._expect(power <= MAX_POWER, f"The shares of a circuit have a common denominator above {MAX_POWER}.")
        ends = [end for side in box for end in side if end is not None]
        bits = sum(x.numerator.bit_length() + x.denominator.bit_length() for _, s, a in by for x in (s, a))
        bits += sum(x.numerator.bit_length() + x.denominator.bit_length() for x in (m, *ends)) * MAX_DEGREE
        core._afford((bits * power // 30) ** 2 // 100)
        left = m**power
        for i, side in enumerate(box):
            lack = power * (gamma[i] - sum(share * beta[i] for beta, share, _ in by))
            nearest, farthest = _extent(side)
            if lack > 0:
                core._expect(farthest is not None, "A circuit lacks a power of an unbounded coordinate.")
                left *= farthest ** int(lack)  # type: ignore[operator]
            elif lack < 0:
                core._expect(nearest > 0, "A circuit has too high a power of a coordinate that comes near 0.")
                left *= nearest ** int(lack)
        right = prod(((portion / share) ** int(power * share) for _, share, portion in by), start=Fraction(1))
        core._expect(left <= right, "The portions of a circuit are too small for its term.")
        return [(beta, portion) for beta, _, portion in by]


def _inner(low: Fraction | None, high: Fraction | None, share: Fraction) -> Fraction:
    """Different places inside a side for different shares in (0, 1)."""
    if low is not None and high is not None:
        return low + share * (high - low)
    return low + share if low is not None else high - share if high is not None else share


def _scaled(p: list[int], x: Fraction) -> int:
    """p(x) times a positive number."""
    value, power = 0, 1
    for c in reversed(p):
        value, power = value * x.numerator + c * power, power * x.denominator
    return value


def _has_root(p: list[int], side: Side, core: Any) -> bool:
    squarefree = core._squarefree(core._primitive(p))
    at_ends = any(end is not None and not _scaled(squarefree, end) for end in side)
    return at_ends or _roots_within(squarefree, side, core) > 0


def _roots_within(p: list[int], side: Side, core: Any) -> int:
    """The number of roots of a squarefree polynomial strictly inside a side (Sturm 1829)."""
    core._afford((len(p) * len(p) * core._digits([p])) ** 2)
    chain = _sturm(p)
    low, high = side
    bottom = [q[-1] * (-1) ** (len(q) - 1) for q in chain] if low is None else [_scaled(q, low) for q in chain]
    top = [q[-1] for q in chain] if high is None else [_scaled(q, high) for q in chain]
    return _changes(bottom) - _changes(top) - (high is not None and top[0] == 0)


def _sturm(p: list[int]) -> list[list[int]]:
    """p, p′ and the remainders with their signs turned, each times a positive number."""
    chain = [p, [k * c for k, c in enumerate(p)][1:]]
    while len(chain[-1]) > 1:
        rest, by = chain[-2][:], chain[-1]
        size, sign = abs(by[-1]), 1 if by[-1] > 0 else -1
        while len(rest) >= len(by):
            turned, shift = sign * rest[-1], len(rest) - len(by)
            rest = [size * c for c in rest]
            for j, c in enumerate(by):
                rest[shift + j] -= turned * c
            while rest and not rest[-1]:
                rest.pop()
        content = gcd(*rest)
        chain.append([-c // content for c in rest])
    return chain if chain[-1] else chain[:-1]


def _changes(values: list[int]) -> int:
    signs = [value > 0 for value in values if value]
    return sum(one != other for one, other in pairwise(signs))


def _bits(values: list[Fraction]) -> int:
    return sum(x.numerator.bit_length() + x.denominator.bit_length() for x in values)


def _stays(x: Fraction, weight: int, side: Side) -> bool:
    """Whether x s^weight is in the side for all large s, x ≠ 0: it runs to an infinite end, or to 0 inside."""
    low, high = side
    if weight > 0:
        return (high if x > 0 else low) is None
    closed = (low is None or low <= 0) and (high is None or high >= 0)
    end = high if x > 0 else low
    return closed and end != 0


def _is_triple(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3


def _sign(side: Side) -> int:
    """Of the coordinate on a piece; 0 where it has both."""
    low, high = side
    return 1 if low is not None and low >= 0 else -1 if high is not None and high <= 0 else 0


def _extent(side: Side) -> tuple[Fraction, Fraction | None]:
    """The least and the largest |η_i|; None for infinity."""
    ends = [abs(end) for end in side if end is not None]
    return (min(ends) if _sign(side) else Fraction(0)), (max(ends) if len(ends) == 2 else None)
