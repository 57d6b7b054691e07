"""A forger with the checker's source at hand: one certificate of each kind, altered in every place, digest renewed.

Whatever is altered, the document is refused, or what it claims is still true: the solver, which shares no code with the
checker, is asked again. The checker runs on its own, in a folder with nothing but its files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checker_impossible import NEVER, ROOT_TWO, samples, zero

import hybrid
from hybrid.answer import Status
from hybrid.certificate import checker
from hybrid.certificate.checker import Report, Unreadable, check, read
from hybrid.errors import ProblemError
from hybrid.exact import equilibria
from hybrid.systems.nonlinear import NonlinearSystem
from hybrid.verify import region
from hybrid.verify.equilibrium import locate

Document = dict[str, Any]
Path_ = tuple[Any, ...]
L = hybrid.LinearSystem

PENDULUM = NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/2 + u", ["u"])
CHAIN = ([[0, 1], [2, -1]], [[0], [1]])
TWO_CHANNELS = L([[1, 0], [0, -2]], [[0, 1], [1, 0]], [[1, 0], [0, 1]])


def gain(*given: Any, **options: Any) -> Any:
    return hybrid.feedback(*given, model=False, **options).certificate


def by_lyapunov() -> Any:
    """A stability proof in floats: plants of more than twenty states begin with one."""
    n = 21
    A = [
        [Fraction(-1 - i) if i == j else Fraction(1, 100) if j == i + 1 else Fraction(0) for j in range(n)]
        for i in range(n)
    ]
    return hybrid.stability(L(A)).certificate


def around_the_origin() -> Any:
    system = NonlinearSystem.from_text("x' = -x + x^3")
    return region.certificate(region.prove(system, locate(system, {"x": 0}).equilibrium, [[1]], "1/2"))


MAKE: dict[str, Callable[[], Any]] = {
    "stable": lambda: hybrid.stability(L([[0, 1], [-2, -3]]), decay="1/2", damping="1/2", poles=True).certificate,
    "unstable": lambda: hybrid.stability(L([[0, 1], [2, -3]])).certificate,
    "marginal, discrete": lambda: hybrid.stability(L([[0, 1], [-1, 0]], dt=1)).certificate,
    "by lyapunov": by_lyapunov,
    "controllable": lambda: hybrid.controllability(L(*CHAIN)).certificate,
    "unobservable": lambda: hybrid.observability(L([[1, 0], [0, 2]], C=[[1, 0]])).certificate,
    "stabilizable": lambda: hybrid.stabilizability(L([[1, 0], [0, -2]], [[1], [0]])).certificate,
    "feedback": lambda: gain(L(*CHAIN), decay="1/2"),
    "feedback from a model": lambda: hybrid.feedback(L(*CHAIN)).certificate,
    "placement": lambda: gain(L(*CHAIN), poles=[-1, -2]),
    "output feedback with structure": lambda: gain(TWO_CHANNELS, output=True, structure=[[0, 1], [1, 0]]),
    "simultaneous": lambda: gain([L(*CHAIN), L([[0, 1], [1, -1]], [[0], [1]])]),
    "not stabilisable": lambda: gain(L([[1, 0], [0, -2]], [[0], [1]])),
    "not placeable": lambda: gain(L([[1, 0], [0, -2]], [[0], [1]]), poles=[-1, -3]),
    "fixed modes": lambda: gain(TWO_CHANNELS, output=True, structure=[[0, 1], [0, 0]]),
    "coefficient signs": lambda: gain(L([[0, 1], [0, 0]], [[0], [1]], [[1, 0]]), output=True),
    "blocking zero": lambda: zero(ROOT_TWO, "1.414", "1.415"),
    "scalar gain": lambda: samples(NEVER, -6, 0),
    "local": lambda: hybrid.stability(PENDULUM, at={"x": 0, "y": 0}).certificate,
    "local, enclosed": lambda: hybrid.feedback(PENDULUM, at={"x": "pi", "y": 0}, model=False).certificate,
    "region": around_the_origin,
    "equilibria": lambda: equilibria.certificate(
        equilibria.find(NonlinearSystem.from_text("x' = x^2 - 2"), {"x": (0, 2)})
    ),
}
LINEAR = list(MAKE)[:-4]
SWINGING = NonlinearSystem(["x", "y"], ["u"], ["y", "-(1 + t)*x + u"], time="t")
FURTHER: dict[str, Callable[[], Any]] = {
    "at a point": lambda: hybrid.stability(PENDULUM, at={"x": "1/2", "y": 1}, at_point=True).certificate,
    "at a point, complex": lambda: (
        hybrid.stability(NonlinearSystem.from_text("x' = sqrt(x - 2)*y; y' = x - y"), paper=True).certificate
    ),
    "rank at a point": lambda: hybrid.controllability(PENDULUM, at={"x": 1, "y": 1}, at_point=True).certificate,
    "over time": lambda: hybrid.controllability(SWINGING, at={"x": 0, "y": 0, "t": "1/2"}).certificate,
    "PDE that grows": lambda: hybrid.pde("u_t = -u_xx - u_xxxx - u_yyyy").certificate,
    "PDE that decays": lambda: hybrid.pde("u_t = u_xx - u_xxxx - u").certificate,
}
"""Claims that a later version of the schema brought."""
SAYS = ("about", "verdict", "in_region", "reading", "values", "dimension", "bounded", "nonnegative", "positive")
"""What such a claim says; its numbers may be others and true, as a wider enclosure or another instant."""
NEED_FLINT = ("local, enclosed", "region", "equilibria")


@cache
def made(name: str) -> str:
    found = (MAKE | FURTHER)[name]()
    return json.dumps(found if isinstance(found, dict) else found.to_dict())


def document(name: str) -> Document:
    fresh: Document = json.loads(made(name))
    return fresh


def sealed(altered: Any) -> Any:
    """With the digest of what it says now."""
    if not isinstance(altered, dict):
        return altered
    rest = {key: value for key, value in altered.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def verdict(altered: Any) -> Report:
    """What the checker says; whatever it raises beside its own sentence fails the test."""
    try:
        report = check(read(json.dumps(sealed(altered))))
    except Unreadable as error:
        report = Report(False, "", str(error))
    assert report.reason.endswith(".")
    assert len(report.reason) < 400
    return report


def paths(value: Any, before: Path_ = ()) -> Iterator[Path_]:
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*before, key)
            yield from paths(value[key], (*before, key))


def altered(name: str, path: Path_, *to: Any) -> Document:
    """The certificate with something else at a place, or with nothing there."""
    fresh = document(name)
    *inner, last = path
    place: Any = fresh
    for key in inner:
        place = place[key]
    if to:
        place[last] = to[0]
    else:
        del place[last]
    return fresh


# ---------------------------------------------------------------------------------------- is the claim true?


def is_true(claimed: Document) -> bool:
    """Whether the solver comes to the same verdict on the system of the document."""
    claim = claimed["claim"]
    systems = [L(**one) for one in claimed.get("systems", [claimed.get("system")])]
    about, decay = claim["about"], claim.get("decay", "0")
    if about == "stability":
        answer = hybrid.stability(systems[0], decay=decay, damping=claim.get("damping", "0"))
        return answer.verdict.value == claim["verdict"] and (answer.status is Status.PROVED) is claim["in_region"]
    if about in ("controllability", "observability"):
        return bool(getattr(hybrid, about)(systems[0]).verdict.value == claim["verdict"])
    if about in ("stabilizability", "detectability"):
        return bool(getattr(hybrid, about)(systems[0], decay=decay).verdict.value == claim["verdict"])
    if "gain" in claim:
        return all(is_stabilised(system, claim) for system in systems)
    options = {"output": claim.get("output", False), "structure": claim.get("structure")}
    asked: Any = systems if len(systems) > 1 else systems[0]
    if "requested" in claim:
        poles = [(Fraction(each["re"]), Fraction(each["im"])) for each in claim["requested"]]
        return hybrid.feedback(asked, poles=poles, model=False).status is not Status.PROVED
    return hybrid.feedback(asked, decay=decay, model=False, **options).status is not Status.PROVED


def is_stabilised(system: Any, claim: Document) -> bool:
    K = claim["gain"]
    loop = system.closed_loop(K, output=claim.get("output", False))
    zero = all(
        free or not Fraction(k)
        for row, s in zip(K, claim.get("structure", []), strict=False)
        for k, free in zip(row, s, strict=False)
    )
    answer = hybrid.stability(loop, decay=claim.get("decay", "0"), damping=claim.get("damping", "0"))
    return zero and answer.status is Status.PROVED


def expect_refused_or_true(name: str, path: Path_, forged: Document) -> None:
    if not verdict(forged).valid or forged == document(name):
        return
    if path[0] in ("versions", "provenance", "digest"):
        return  # no part of the claim, and the digest is made anew
    if path[0] == "witness":
        return  # another proof of the same claim
    if name in LINEAR:
        with contextlib.suppress(ProblemError):  # what the solver does not take: longer numbers, unstable poles
            assert is_true(forged), (path, forged["claim"])
    else:
        assert is_true_nearby(name, path, forged), (path, forged["claim"], forged["system"])


def is_true_nearby(name: str, path: Path_, forged: Document) -> bool:
    """Whether an altered claim about a nonlinear system still holds, by what is known of these systems."""
    claim = forged["claim"]
    if same_numbers(forged, document(name)):
        return True
    if name == "region" and path[:2] in (("claim", "P"), ("claim", "level")):  # x′ = −x + x³ is drawn in from (−1, 1)
        P, level = Fraction(claim["P"][0][0]), Fraction(claim["level"])
        return P > 0 and 0 < level / P < 1
    if name == "equilibria" and path[:2] == ("claim", "box"):  # x′ = x² − 2 rests at ±√2, of which one was found
        lo, hi = (Fraction(end) for end in claim["box"]["x"])
        return lo * lo < 2 < hi * hi and hi > 0
    if path[:2] == ("claim", "point"):  # they rest where y = 0 and u = 0, and at one x in the box that was proved
        box = {x: [checker._number(end, x) for end in ends] for x, ends in claim["point"].items()}
        lo, hi = (checker._number(end, "x") for end in document(name)["claim"]["point"]["x"])
        return box["x"][0] <= lo and hi <= box["x"][1] and all(a <= 0 <= b for x, (a, b) in box.items() if x != "x")
    not_even_at_rest = path == ("claim", "equilibrium") and not claim["equilibrium"]
    return not_even_at_rest or path[1] in ("outputs", "abscissa", "decay", "damping")


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two documents differ at most in how they spell their numbers, and in the digest."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (one.keys() | other.keys()) - {"digest"}
        return all(key in one and key in other and same_numbers(one[key], other[key]) for key in keys)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_numbers, one, other))
    if isinstance(one, str) and isinstance(other, str) and one != other:
        with contextlib.suppress(ValueError, ZeroDivisionError):
            return Fraction(one) == Fraction(other)
    return one == other


# ---------------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("name", MAKE)
def test_what_was_proved_is_accepted(name: str) -> None:
    assert verdict(document(name)).valid
    assert name not in LINEAR or is_true(document(name))


HOSTILE: list[Any] = [
    None, True, False, 0, -1, 10**17, "", "x", "0", "-1", "1/0", "-0", "1e9999", "-1e9999", "nan",
    "9" * 4300, "1/" + "9" * 4300, "9" * 1000, "1/" + "9" * 1000,
    [], [[]], {}, [["0"]], {"P": []}, ["0", "0"], ["1", "-1"], [None, None], "stable", "controllable", "stabilised",
    "not stabilisable", "lyapunov", "modular rank", "characteristic polynomial", "invariant subspace", "\0", "é",
]  # fmt: skip


@pytest.mark.parametrize("name", MAKE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_alteration_proves_something_false(name: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(paths(document(name)))))
    to = data.draw(st.sampled_from(HOSTILE) | st.just("removed"))
    expect_refused_or_true(name, path, altered(name, path) if to == "removed" else altered(name, path, to))


@pytest.mark.parametrize("name", MAKE)
def test_every_claim_and_every_name_in_it_removed_or_of_another_type(name: str) -> None:
    for path in paths(document(name)):
        if path[0] in ("claim", "method", "schema") and len(path) <= 2:
            expect_refused_or_true(name, path, altered(name, path))
            for to in (None, [], {}, "", 7, True):
                expect_refused_or_true(name, path, altered(name, path, to))


@pytest.mark.parametrize("name", FURTHER)
def test_a_further_claim_altered_is_refused_or_the_same(name: str) -> None:
    """Each entry in turn something else: what a claim says is then refused, as are the method and the schema."""
    assert verdict(document(name)).valid
    refused = 0
    for path in paths(document(name)):
        for to in HOSTILE[::3] if path[0] in ("claim", "method", "schema") else HOSTILE[::7]:
            forged = altered(name, path, to)
            accepted = verdict(forged).valid
            refused += not accepted
            if accepted and (path[0] in ("method", "schema") or (path[0] == "claim" and path[-1] in SAYS)):
                assert same_numbers(forged, document(name)), (path, to)
    assert refused > 50


@pytest.mark.parametrize("name", [*MAKE, *FURTHER])
def test_numbers_of_any_length_and_lists_of_any_depth_end_soon(name: str) -> None:
    text = made(name)
    for path in list(paths(document(name)))[::11]:
        marked = json.dumps(altered(name, path, "MARK"))
        for long in (
            "1" * 100_000,
            '"' + "1" * 100_000 + '"',
            "[" * 100_000 + "]" * 100_000,
            '{"a":' * 50_000 + "1" + "}" * 50_000,
        ):
            hostile = marked.replace('"MARK"', long)
            with pytest.raises(Unreadable) if long[0] != '"' else contextlib.suppress(Unreadable):
                check(read(hostile))
    assert verdict(json.loads(text)).valid


def spelled_twice(value: Any, path: Path_) -> str:
    """JSON in which the key at the end of the path stands twice."""
    if isinstance(value, list):
        inner = path[1:] if path else ()
        return (
            "[" + ", ".join(spelled_twice(x, inner if path and i == path[0] else ()) for i, x in enumerate(value)) + "]"
        )
    if not isinstance(value, dict):
        return json.dumps(value)
    entries = []
    for key, entry in value.items():
        on_the_way = bool(path) and key == path[0]
        entries.append(f"{json.dumps(key)}: {spelled_twice(entry, path[1:] if on_the_way else ())}")
        if on_the_way and len(path) == 1:
            entries.append(entries[-1])
    return "{" + ", ".join(entries) + "}"


@pytest.mark.parametrize("name", [*MAKE, *FURTHER])
def test_no_key_may_stand_twice(name: str) -> None:
    original = document(name)
    assert json.loads(spelled_twice(original, ())) == original
    for path in paths(original):
        if isinstance(path[-1], str):
            with pytest.raises(Unreadable, match="twice"):
                read(spelled_twice(original, path))


@pytest.mark.parametrize("name", LINEAR)
def test_the_claim_of_one_system_is_not_that_of_another(name: str) -> None:
    for other in LINEAR:
        theirs = document(other)
        kept = {key: value for key, value in theirs.items() if key in ("system", "systems")}
        mine = {key: value for key, value in document(name).items() if key not in ("system", "systems")}
        forged = mine | kept
        assert not verdict(forged).valid or is_true(forged), other


@pytest.mark.parametrize("name", [*MAKE, *FURTHER])
def test_a_document_that_was_changed_and_not_sealed_again(name: str) -> None:
    for key in ("system", "claim", "method", "witness", "versions"):
        fresh = document(name)
        if key in fresh:
            fresh[key] = {"forged": True} if key == "versions" else fresh[key]
            fresh["digest"] = fresh["digest"][:-1] + ("0" if fresh["digest"][-1] != "0" else "1")
            assert "digest" in check(fresh).reason


def test_the_same_object_many_times_is_not_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a value of Python a document may be a small graph that is an immense tree, or hold itself: YAML makes such."""
    monkeypatch.setattr(checker, "MAX_ENTRIES", 10_000)
    laugh: Any = ["1"]
    for _ in range(100):
        laugh = [laugh] * 4
    endless: list[Any] = []
    endless.append(endless)
    for graph in (laugh, endless, ["1" * 10**6] * 100):
        for path in (("witness",), ("system", "A"), ("system", "A", 0), ("provenance",), ("claim", "abscissa")):
            with pytest.raises(Unreadable, match="bytes or"):
                check(altered("stable", path, graph))


@pytest.mark.parametrize("name", MAKE)
def test_the_files_of_the_checker_are_enough(name: str, tmp_path: Path) -> None:
    """Nothing but the standard library; where the numbers are irrational it says what it needs."""
    for file in Path(checker.__file__).parent.glob("checker*.py"):
        shutil.copy(file, tmp_path)
    (tmp_path / "c.json").write_text(made(name))
    command = [sys.executable, "-I", "-S", "checker.py", "c.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert not done.stderr
    if name in NEED_FLINT:
        assert (done.returncode, "needs the package python-flint" in done.stdout) == (4, True)
    else:
        assert (done.returncode, "\nvalid: " in done.stdout) == (0, True)


def test_another_system_beside_it_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(made("feedback"))
    for A, code in (([[0, 1], [2, -1]], 0), ([[0, 1], [2, "-1.0000000000000000000001"]], 4)):
        (tmp_path / "plant.json").write_text(json.dumps({"A": A, "B": [[0], [1]]}))
        command = [sys.executable, checker.__file__, "c.json", "--system", "plant.json"]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == code
