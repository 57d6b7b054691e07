"""Certificates about symbols: the stand-alone checker accepts what was proved, and nothing that was altered."""

from __future__ import annotations

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hybrid.certificate import checker
from hybrid.exact.symbol_bound import decide

Document = dict[str, Any]

CASES: dict[str, tuple[list[tuple[Any, tuple[int, ...]]], list[list[str | None]]]] = {
    "heat": ([(-1, (2,))], [[None, None]]),
    "heat backwards": ([(1, (2,))], [[None, None]]),
    "Kuramoto–Sivashinsky": ([(1, (4,)), (1, (2,))], [[None, None]]),
    "short waves": ([(1, (4,)), (1, (2,))], [["2", None]]),
    "circuits": ([(1, (4, 0)), (3, (0, 4)), ("-7/2", (2, 2)), (2, (2, 0))], [["-9", "9"], [None, None]]),
    "pieces": ([(1, (0, 4)), (-5, (3, 1)), (-40, (2, 0))], [["-2", "3"], [None, None]]),
    "vanishing": ([(4, (8, 4)), (-7, (4, 0)), (1, (1, 1))], [[None, None], ["0", "1"]]),
}


def sealed(document: Document) -> Document:
    """With the digest that belongs to it."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def certificate(name: str) -> Document:
    terms, support = CASES[name]
    operator = [{"coefficient": str(c), "powers": list(powers)} for c, powers in terms]
    symbol = {e: Fraction(c) * (-1 if sum(e) % 4 else 1) for c, e in terms if sum(e) % 2 == 0}
    box = [tuple(None if end is None else Fraction(end) for end in side) for side in support]
    found = decide(symbol, box)  # type: ignore[arg-type]
    findings = {each: getattr(found, each) for each in ("bounded", "nonnegative", "positive")}
    decided = {each: finding for each, finding in findings.items() if finding.holds is not None}
    assert len(decided) >= 2
    document = {
        "schema": checker.SCHEMA,
        "system": {"operator": operator, "support": support},
        "claim": {"about": "pde", **{each: finding.holds for each, finding in decided.items()}},
        "method": "symbol bounds",
        "witness": {each: finding.witness for each, finding in decided.items()},
    }
    return sealed(json.loads(json.dumps(document)))


def is_proved(document: Document) -> bool:
    """Whether the checker accepts it; a document it cannot read proves nothing."""
    try:
        return checker.check(checker.read(json.dumps(document))).valid
    except checker.Unreadable:
        return False


@pytest.mark.parametrize("name", CASES)
def test_what_was_proved_is_accepted(name: str) -> None:
    assert is_proved(certificate(name))


@pytest.mark.parametrize("name", CASES)
def test_the_opposite_is_refused(name: str) -> None:
    """Each answer turned round, with each of the witnesses."""
    document = certificate(name)
    for question in ("bounded", "nonnegative", "positive"):
        if question not in document["claim"]:
            continue
        for witness in document["witness"].values():
            turned = copy.deepcopy(document)
            turned["claim"][question] = not turned["claim"][question]
            turned["witness"][question] = witness
            assert not is_proved(sealed(turned)), question


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from leaves(entry, (*path, key))
    elif isinstance(value, list):
        for i, entry in enumerate(value):
            yield from leaves(entry, (*path, i))
    else:
        yield path


def replaced(document: Document, path: tuple[Any, ...], value: Any) -> Document:
    altered = copy.deepcopy(document)
    place = altered
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return sealed(altered)


def alternatives(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value, None, 1]
    if isinstance(value, int):
        return [value + 1, -value - 1, "1", None, 10**9]
    if value is None:
        return ["0", "1", "-1"]
    try:
        number = Fraction(value)
    except ValueError:
        return ["", None, 3]
    return [str(-number), str(number * 2), str(number / 2), str(number + 1), "0", None, "1/0", 7]


def is_true(document: Document) -> bool:
    """Whether an altered claim happens to be true, by our own solver on the altered system."""
    try:
        terms = document["system"]["operator"]
        box = [tuple(None if end is None else Fraction(end) for end in side) for side in document["system"]["support"]]
        symbol: dict[tuple[int, ...], Fraction] = {}
        for term in terms:
            e = tuple(term["powers"])
            if sum(e) % 2 == 0:
                symbol[e] = symbol.get(e, Fraction(0)) + Fraction(term["coefficient"]) * (-1 if sum(e) % 4 else 1)
        found = decide(symbol, box)  # type: ignore[arg-type]
    except (TypeError, ValueError, KeyError):
        return False
    claimed = {key: value for key, value in document["claim"].items() if key != "about"}
    said = {each: getattr(found, each).holds for each in claimed}
    return all(said[each] in (None, value) for each, value in claimed.items())


@pytest.mark.parametrize("name", CASES)
def test_an_altered_field_proves_nothing_false(name: str) -> None:
    """Any one entry changed, the digest renewed: what is still accepted is true of what the document then says."""
    document = certificate(name)
    refused = 0
    for path in leaves({key: document[key] for key in ("system", "claim", "witness", "method", "schema")}):
        value: Any = document
        for key in path:
            value = value[key]
        for other in alternatives(value):
            altered = replaced(document, path, other)
            if is_proved(altered):
                assert is_true(altered), (path, other)
            else:
                refused += 1
    assert refused > 20


def test_a_portion_that_is_too_small_by_little_is_refused() -> None:
    """x⁴ + y⁴ − 2x²y² with portions cut by one part in 10¹²."""
    circuit = {"term": [2, 2], "by": [[[4, 0], "1/2", "1"], [[0, 4], "1/2", "1"]]}
    document = {
        "schema": checker.SCHEMA,
        "system": {
            "operator": [
                {"coefficient": "1", "powers": [4, 0]},
                {"coefficient": "1", "powers": [0, 4]},
                {"coefficient": "-2", "powers": [2, 2]},
            ],
            "support": [[None, None], [None, None]],
        },
        "claim": {"about": "pde", "nonnegative": True},
        "method": "symbol bounds",
        "witness": {"nonnegative": {"kind": "domination", "least": "0", "tree": {"circuits": [circuit]}}},
    }
    assert is_proved(sealed(document))
    small = str(1 - Fraction(1, 10**12))
    assert not is_proved(
        replaced(sealed(document), ("witness", "nonnegative", "tree", "circuits", 0, "by", 0, 2), small)
    )
    large = str(1 + Fraction(1, 10**12))
    assert not is_proved(
        replaced(sealed(document), ("witness", "nonnegative", "tree", "circuits", 0, "by", 0, 2), large)
    )


@pytest.mark.parametrize("kind", ["deep", "wide", "power", "digits"])
def test_a_hostile_document_ends_soon(kind: str) -> None:
    document = certificate("circuits")
    tree: Any = document["witness"]["bounded"]["tree"]
    if kind == "deep":
        for _ in range(300):
            tree = {"coordinate": 0, "at": "0", "parts": [tree, {"circuits": []}]}
    elif kind == "wide":
        tree = {"coordinate": 0, "at": "0", "parts": [tree] * 10_000}
    elif kind == "power":
        tree = {"circuits": [{"term": [2, 2], "by": [[[4, 0], "1/99999989", "1"], [[0, 4], "99999988/99999989", "1"]]}]}
    else:
        tree = {"circuits": [{"term": [2, 2], "by": [[[4, 0], "1/2", "9" * 4000], [[0, 4], "1/2", "1/" + "7" * 4000]]}]}
    document["witness"]["bounded"]["tree"] = tree
    try:
        report = checker.check(sealed(document))
    except (checker.Unreadable, RecursionError):
        return
    assert not report.valid


def test_the_checker_works_alone(tmp_path: Path) -> None:
    """The two files in an empty folder, with no package installed."""
    folder = Path(checker.__file__).parent
    for name in ("checker.py", "checker_pde.py"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "claim.json").write_text(json.dumps(certificate("pieces")))
    done = subprocess.run(
        [sys.executable, "-I", "checker.py", "claim.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
