"""Symbols that are sums of squares of a few monomials: diffusion tensors, Swift–Hohenberg; and their certificates."""

from __future__ import annotations

import copy
import hashlib
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.certificate import checker
from hybrid.exact.symbol_bound import decide
from hybrid.exact.symbol_squares import squares
from hybrid.exact.symbol_terms import Symbol

LINE = (None, None)
Terms = dict[tuple[int, ...], Fraction]


def form(vectors: list[list[int]], n: int) -> Terms:
    """The sum of the squares of linear forms."""
    q: Terms = {}
    for v in vectors:
        for i in range(n):
            for j in range(n):
                e = tuple((k == i) + (k == j) for k in range(n))
                q[e] = q.get(e, Fraction(0)) + v[i] * v[j]
    return {e: c for e, c in q.items() if c}


def document(q: Terms, claim: dict[str, bool], witness: dict[str, Any], box: Any) -> dict[str, Any]:
    """P with the real symbol q: even orders keep their coefficient, with the sign of i^order."""
    operator = [{"coefficient": str(-c if sum(e) % 4 else c), "powers": list(e)} for e, c in q.items()]
    support = [[None if end is None else str(end) for end in side] for side in box]
    found = {
        "schema": checker.SCHEMA,
        "system": {"operator": operator, "support": support},
        "claim": {"about": "pde", **claim},
        "method": "symbol bounds",
        "witness": witness,
    }
    return sealed(found)


def sealed(found: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in found.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}


def certified(q: Terms, box: Any) -> tuple[bool | None, bool | None, bool | None]:
    """The three answers, each accepted by the checker."""
    answer = decide(q, box)
    findings = {"bounded": answer.bounded, "nonnegative": answer.nonnegative, "positive": answer.positive}
    decided = {name: found for name, found in findings.items() if found.holds is not None}
    if decided:
        claim = {name: bool(found.holds) for name, found in decided.items()}
        witness = {name: dict(found.witness or {}) for name, found in decided.items()}
        report = checker.check(document(q, claim, witness, box))
        assert report.valid, report.reason
    return answer.bounded.holds, answer.nonnegative.holds, answer.positive.holds


@pytest.mark.parametrize(
    ("shift", "expected"),
    [("1", (True, True, None)), ("1.1", (True, True, True)), ("0.9", (True, False, False))],
)
def test_swift_hohenberg_in_the_plane(shift: str, expected: tuple[bool | None, ...]) -> None:
    """(|η|² − 1)² − 1 + shift is zero on a circle for the shift 1."""
    pattern = {(4, 0): 1, (2, 2): 2, (0, 4): 1, (2, 0): -2, (0, 2): -2}
    q = {e: Fraction(c) for e, c in pattern.items()} | {(0, 0): Fraction(shift)}
    for said, true in zip(certified(q, (LINE, LINE)), expected, strict=True):
        assert true is None or said is true


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 4).flatmap(
        lambda n: st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_every_diffusion_tensor_is_proved(vectors: list[list[int]]) -> None:
    """Σ (v·η)² ≥ 0, with 0 at the origin; less any more than that along a null vector it is negative."""
    n = len(vectors[0])
    assert certified(form(vectors, n), (LINE,) * n) == (True, True, False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-3, 3), min_size=3, max_size=3), min_size=1, max_size=2))
def test_an_unstable_twin_is_never_called_nonnegative(vectors: list[list[int]]) -> None:
    """Two squares in three coordinates vanish along a line, so that a little less is negative there."""
    q = form(vectors, 3)
    q = {e: q.get(e, Fraction(0)) - Fraction(max(e) == 2, 1000) for e in {*q, (2, 0, 0), (0, 2, 0), (0, 0, 2)}}
    found = certified({e: c for e, c in q.items() if c}, (LINE,) * 3)
    assert found[0] is not True
    assert found[1] is not True


def test_the_bound_of_squares_is_the_least_value() -> None:
    q = {(4, 0): 1, (2, 2): 2, (0, 4): 1, (2, 0): -1, (0, 2): -1}
    found = squares(Symbol.read({e: Fraction(c) for e, c in q.items()}, (LINE, LINE)))
    assert found is not None
    assert found[0] == Fraction(-1, 4)


def test_altered_squares_are_refused() -> None:
    q = form([[1, 1, -1], [1, 0, 2]], 3)
    box = (LINE,) * 3
    good = document(q, {"nonnegative": True}, {"nonnegative": dict(decide(q, box).nonnegative.witness or {})}, box)
    assert good["witness"]["nonnegative"]["kind"] == "squares"
    assert checker.check(good).valid

    def refused(alter: Any) -> bool:
        bad = copy.deepcopy(good)
        alter(bad["witness"]["nonnegative"], bad)
        try:
            return not checker.check(sealed(bad)).valid
        except checker.Unreadable:
            return True

    assert refused(lambda w, _: w["squares"].pop())
    assert refused(lambda w, _: w["squares"][0].update(weight="-1"))
    assert refused(lambda w, _: w["squares"][0].update(weight="0"))
    assert refused(lambda w, _: w["squares"][0]["square"][0].__setitem__(1, "1.0000001"))
    assert refused(lambda w, _: w["squares"][0]["square"][0].__setitem__(0, [2, 0, 0]))
    assert refused(lambda w, _: w.update(least="1"))
    assert refused(lambda w, _: w.update(least="-1"))
    assert refused(lambda w, _: w.update(least=None))
    assert refused(lambda w, _: w.update(extra="1"))
    assert refused(lambda _, d: d["claim"].update(nonnegative=False))
    assert refused(lambda _, d: d["system"]["operator"].pop())
    assert refused(
        lambda _, d: (d["claim"].update(positive=True), d["witness"].update(positive=d["witness"]["nonnegative"]))
    )


def test_an_operator_that_takes_long_to_put_a_place_into_is_refused() -> None:
    """A fixed coordinate of thousands of digits to the power 200, two thousand times."""
    place = "1" + "0" * 3998 + "3/" + "7" * 3999
    found = document({}, {"nonnegative": True}, {"nonnegative": {"kind": "squares", "least": "0", "squares": []}}, [])
    found["system"] = {
        "operator": [{"coefficient": "1", "powers": [196 + 2 * (i % 2)]} for i in range(2000)],
        "support": [[place, place]],
    }
    assert not checker.check(sealed(found)).valid


def test_a_negative_weight_makes_no_square() -> None:
    squares_of = {"kind": "squares", "least": "0", "squares": [{"weight": "-1", "square": [[[1], "1"]]}]}
    found = document({(2,): Fraction(-1)}, {"nonnegative": True}, {"nonnegative": squares_of}, (LINE,))
    assert not checker.check(found).valid
