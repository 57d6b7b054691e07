"""Controllability over time: built from the answer, certificates re-checked and altered, the paper's own systems."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid.answer import Reason, Status, Verdict
from hybrid.certificate import checker
from hybrid.errors import ParseError, ProblemError

PAPER = Path(__file__).parents[2] / "shared/paper/control_t.jsonl"


def linear(A, B, name="t"):
    """x' = A(t) x + B(t) u from text entries."""
    n, m = len(A), len(B[0])
    states, inputs = [f"x{i}" for i in range(n)], [f"u{i}" for i in range(m)]
    rows = [" + ".join(f"({a})*{x}" for a, x in zip([*A[i], *B[i]], [*states, *inputs], strict=True)) for i in range(n)]
    return hybrid.NonlinearSystem(states, inputs, rows, time=name)


def ask(system, instant=None, **more):
    at = dict.fromkeys(system.states, 0) | ({} if instant is None else {system.time: instant})
    answer = hybrid.controllability(system, at=at, **more)
    if answer.certificate is not None:
        report = hybrid.check(answer.certificate)
        assert report.valid, report.reason
    return answer


def signed(document):
    rest = {key: value for key, value in document.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return rest | {"digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()}


def moved(A, B, T, inverse, rate):
    """z = T(t) x: A → T A T⁻¹ + T' T⁻¹, B → T B, of text entries."""

    def times(left, right):
        return [
            [
                " + ".join(f"({a})*({b})" for a, b in zip(row, column, strict=True))
                for column in zip(*right, strict=True)
            ]
            for row in left
        ]

    first, second = times(times(T, A), inverse), times(rate, inverse)
    both = [[f"{a} + {b}" for a, b in zip(*rows, strict=True)] for rows in zip(first, second, strict=True)]
    return both, times(T, B)


ROTATION = (
    [["cos(t)", "sin(t)"], ["-sin(t)", "cos(t)"]],
    [["cos(t)", "-sin(t)"], ["sin(t)", "cos(t)"]],
    [["-sin(t)", "cos(t)"], ["-cos(t)", "-sin(t)"]],
)
SHEAR = ([["1", "t^2"], ["0", "1"]], [["1", "-t^2"], ["0", "1"]], [["0", "2*t"], ["0", "0"]])


# What is controllable


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(-9, 9).filter(bool), min_size=1, max_size=4), st.fractions(-2, 2, max_denominator=9))
def test_a_chain_of_integrators_with_gains_that_vanish_elsewhere(gains, instant):
    n = len(gains)
    shifted = [f"{g}*(t - 5)" for g in gains]
    A = [[shifted[i] if j == i + 1 else "0" for j in range(n)] for i in range(n)]
    answer = ask(linear(A, [["0"]] * (n - 1) + [[shifted[-1]]]), str(instant))
    assert (answer.status, answer.verdict, answer.instant) == (Status.PROVED, Verdict.CONTROLLABLE, instant)


@pytest.mark.parametrize("power", [1, 2, 3])
def test_a_gain_that_vanishes_at_the_instant_needs_more_derivatives(power):
    answer = ask(linear([["0", "1"], ["0", "0"]], [["0"], [f"t^{power}"]]), 0)
    assert answer.status is (Status.PROVED if power < 3 else Status.UNDECIDED)
    if power == 3:  # D_0 … D_3 miss it at 0 alone
        assert answer.reason is Reason.RANK_NOT_SHOWN
        assert ask(linear([["0", "1"], ["0", "0"]], [["0"], ["t^3"]])).status is Status.PROVED


@pytest.mark.parametrize("change", [ROTATION, SHEAR])
def test_a_change_of_coordinates_over_time_keeps_controllability(change):
    A, B = moved([["0", "1"], ["-2", "-3"]], [["0"], ["1"]], *change)
    assert ask(linear(A, B)).verdict is Verdict.CONTROLLABLE


def test_time_makes_controllable_what_no_frozen_instant_is():
    system = linear([["0", "0"], ["0", "0"]], [["1"], ["t"]])  # A = 0: [B AB] has rank 1 at every instant
    assert ask(system).verdict is Verdict.CONTROLLABLE
    frozen = hybrid.NonlinearSystem(["x", "y"], ["u"], ["u", "t*u"], {"t": "0.19"})
    assert hybrid.controllability(frozen, at={"x": 0, "y": 0}).verdict is Verdict.UNCONTROLLABLE


@settings(max_examples=20, deadline=None)
@given(
    rates=st.tuples(st.sampled_from(["-1", "t", "cos(t)", "-exp(t)"]), st.sampled_from(["0", "2", "-t", "sin(t)"])),
    shears=st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.integers(-2, 2)),
    drive=st.sampled_from(["1", "exp(t)", "2 + cos(t)"]),
)
def test_an_unreached_state_in_coordinates_that_move_is_found(rates, shears, drive):
    """z₂ is reached by nothing; in x₁ = z₁, x₂ = s(t) z₁ + z₂ with a quadratic s the row (−s, 1) shows it."""
    a, b, c = shears
    s = f"({a} + {b}*t + {c}*t^2)"
    change = [["1", "0"], [s, "1"]], [["1", "0"], [f"-{s}", "1"]], [["0", "0"], [f"{b} + 2*{c}*t", "0"]]
    A = [[rates[0], "0"], ["0", rates[1]]]
    unreached = ask(linear(*moved(A, [[drive], ["0"]], *change)), "1/3")
    assert (unreached.status, unreached.verdict) == (Status.DISPROVED, Verdict.UNCONTROLLABLE)
    assert ask(linear(*moved(A, [[drive], ["1e-5*(1 + t)^5"]], *change)), "1/3").verdict is Verdict.CONTROLLABLE


@pytest.mark.parametrize(
    ("A", "B"),
    [
        ([["-t", "0"], ["0", "-t"]], [["1"], ["1"]]),
        ([["0", "1"], ["0", "0"]], [["t"], ["1"]]),
        ([["0", "2*t"], ["0", "0"]], [["t^2"], ["1"]]),
        ([["sin(t)", "0", "0"], ["0", "sin(t)", "0"], ["0", "0", "sin(t)"]], [["1"], ["3"], ["-1/2"]]),
        ([["0", "1", "0"], ["0", "0", "0"], ["0", "1", "0"]], [["0"], ["cos(t)"], ["0"]]),
    ],
)
def test_rows_that_mix_states_are_found(A, B):
    for instant in (None, "1/2"):
        answer = ask(linear(A, B), instant)
        assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.UNCONTROLLABLE)


def test_no_row_is_fitted_to_one_that_is_no_polynomial():
    """(−eᵗ, 1) vanishes on what the inputs reach; it is not found, and nothing is said."""
    answer = ask(linear([["0", "0"], ["exp(t)", "0"]], [["1"], ["exp(t)"]]))
    assert (answer.status, answer.reason) == (Status.UNDECIDED, Reason.RANK_NOT_SHOWN)


def test_stability_is_not_asked_for():
    for sign in "+-":
        assert ask(linear([[f"{sign}9", "exp(t)"], ["0", f"{sign}t"]], [["0"], ["1"]])).verdict is Verdict.CONTROLLABLE


def test_along_a_curve():
    pendulum = hybrid.NonlinearSystem(["x", "v"], ["u"], ["v", "sin(x)*u"], time="t")
    still = hybrid.controllability(pendulum, at={"x": 0, "v": 0})
    assert still.status is Status.DISPROVED
    moving = hybrid.controllability(pendulum, at={"x": "t", "v": 1, "u": 0, "t": "1/2"})
    assert moving.status is Status.PROVED
    assert not moving.notes
    assert "no solution" in hybrid.controllability(pendulum, at={"x": "t^2", "v": 1}).notes[0]


# What is not


@pytest.mark.parametrize(
    "system",
    [
        linear([["t", "0"], ["1", "sin(t)"]], [["0"], ["exp(t)"]]),
        linear([["tan(t)", "exp(t)", "0"], ["log(t)", "1", "0"], ["t", "1", "atan(t)"]], [["0"], ["0"], ["1"]]),
        linear([["1"]], [["t - t"]]),
    ],
)
def test_states_that_nothing_reaches(system):
    answer = ask(system)
    assert (answer.status, answer.verdict) == (Status.DISPROVED, Verdict.UNCONTROLLABLE)
    assert answer.dimension is None


def row_certificate(system, row):
    """A certificate with a row of our own."""
    document = ask(linear([["t", "0"], ["1", "1"]], [["0"], ["1"]])).certificate.to_dict()
    document["system"] = system.as_document()
    document["claim"]["point"] = dict.fromkeys((*system.states, *system.inputs), "0")
    document["method"], document["witness"] = "vanishing row", {"row": row, "precision": 256}
    return checker.check(signed(document))


UNREACHED = linear([["t", "1", "0"], ["sin(t)", "0", "0"], ["1", "1", "t"]], [["0"], ["exp(t)/exp(t) - 1"], ["1"]])
"""Nothing acts on x0 and x1 but they themselves: the input's weight is 0."""


def unreached_certificate(states, system=UNREACHED):
    document = ask(UNREACHED).certificate.to_dict()
    assert document["method"] == "unreached states"
    document["witness"]["states"] = states
    document["system"] = system.as_document()
    return checker.check(signed(document))


def test_unreached_states_are_those_that_are_named():
    assert unreached_certificate(["x0", "x1"]).valid
    assert unreached_certificate(["x1", "x0", "x0"]).valid
    for states in (["x0"], ["x1"], ["x2"], ["x0", "x1", "x2"], [], ["u0"], ["x9"], [0], [None], [["x0"]]):
        assert not unreached_certificate(states).valid, states
    for states in ("x0", None, {"x0": 1}, 3):
        with pytest.raises(checker.Unreadable):
            unreached_certificate(states)


@pytest.mark.parametrize(
    "entry", ["1e-40", "t - 1/3", "sin(t)*1e-30", "sqrt(t - 1/2)", "abs(t - 1/2)", "exp(t)*exp(-t) - 1"]
)
def test_what_may_act_on_them_is_not_overlooked(entry):
    """As an entry of B for x1, and of A; the last is 0, but not as functions that are taken as independent."""
    A = [["t", "1", "0"], ["sin(t)", "0", "0"], ["1", "1", "t"]]
    assert not unreached_certificate(["x0", "x1"], linear(A, [["0"], [entry], ["1"]])).valid
    A[0][2] = entry
    assert not unreached_certificate(["x0", "x1"], linear(A, [["0"], ["0"], ["1"]])).valid


@pytest.mark.parametrize("entry", ["sqrt(t - 1/2)", "abs(t - 19/100)", "1/(t - 19/100)", "log(t - 1)"])
def test_nothing_is_said_of_states_whose_own_entries_are_not_analytic(entry):
    A = [[entry, "1", "0"], ["sin(t)", "0", "0"], ["1", "1", "t"]]
    assert not unreached_certificate(["x0", "x1"], linear(A, [["0"], ["0"], ["1"]])).valid


@pytest.mark.parametrize(
    "term", ["abs(x2)", "abs(x2)*t", "abs(x2 - x2^2)", "abs(u0)", "abs(sin(x2))", "sign(x2)", "sqrt(x2^2)"]
)
def test_a_kink_at_rest_is_no_zero_entry(term):
    """At x2 = 0 abs has no slope: nothing is said of x0, neither by a set of states nor by a row."""
    system = hybrid.NonlinearSystem(["x0", "x1", "x2"], ["u0"], [f"t*x0 + x1 + {term}", "sin(t)*x0", "u0"], time="t")
    assert not unreached_certificate(["x0", "x1"], system).valid
    assert not row_certificate(system, ["1", "0", "0"]).valid
    alone = hybrid.NonlinearSystem(["x0", "x1"], ["u0"], [term.replace("x2", "x1"), "u0"], time="t")
    assert not row_certificate(alone, ["1", "0"]).valid
    assert ask(system).status is Status.UNDECIDED


@pytest.mark.parametrize(("change", "row"), [(ROTATION, ["cos(t)", "sin(t)"]), (SHEAR, ["1", "-t^2"])])
def test_a_row_over_time_proves_that_moved_coordinates_are_out_of_reach(change, row):
    """x0' = x0 alone is out of reach; after z = T x it is the first row of T⁻¹ times z."""
    plain = [["1", "0"], ["1", "2"]], [["0"], ["1"]]
    inverse = change[1]
    assert row_certificate(linear(*moved(*plain, *change)), inverse[0]).valid
    assert not row_certificate(linear(*moved(*plain, *change)), inverse[1]).valid
    assert not row_certificate(linear(*moved(*plain, *change)), ["0", "0"]).valid


@pytest.mark.parametrize(
    ("A", "B", "row"),
    [
        ([["0", "0"], ["0", "0"]], [["exp(t)*exp(-t) - 1"], ["1"]], ["1", "0"]),  # true, but not by independent symbols
        ([["0", "1"], ["0", "0"]], [["0"], ["1"]], ["1", "0"]),
        ([["0", "t"], ["0", "0"]], [["0"], ["t"]], ["1", "0"]),
        ([["0", "0"], ["0", "0"]], [["1"], ["t"]], ["-t", "1"]),  # vanishes on B, not on what follows
        ([["0"]], [["0"]], ["t - 19/100"]),  # zero at the instant
    ],
)
def test_rows_that_prove_nothing_are_refused(A, B, row):
    assert not row_certificate(linear(A, B), row).valid


# Outside the real numbers


def test_complex_values_are_the_papers_reading_alone():
    system = hybrid.NonlinearSystem(["x", "y"], ["u"], ["sqrt(x - 1)*t + y", "u - y"], time="t")
    real = hybrid.controllability(system, at={"x": "1/2", "y": 0})
    assert (real.status, real.reason) == (Status.UNDECIDED, Reason.NOT_ANALYTIC)
    read = hybrid.controllability(system, paper=True)
    assert read.status is Status.PROVED
    assert read.paper.value == 1
    assert hybrid.check(read.certificate).valid
    document = read.certificate.to_dict()
    document["claim"]["complex"] = False
    assert not checker.check(signed(document)).valid


@pytest.mark.parametrize("term", ["abs(t)", "sqrt(t)", "log(t)", "1/t", "asin(t + 1)", "sign(t)", "t^(1/3)"])
def test_nothing_is_proved_where_an_entry_is_not_analytic(term):
    system = linear([["0", "2"], ["0", "0"]], [[term], ["1"]])
    assert ask(system, 0).reason is Reason.NOT_ANALYTIC
    assert ask(system, "-1/2" if term == "asin(t + 1)" else "1/2").status is Status.PROVED


# Certificates


@pytest.fixture(scope="module")
def rational():
    return ask(linear([["0", "t"], ["1", "0"]], [["0"], ["t^2"]]), "1/2").certificate.to_dict()


@pytest.fixture(scope="module")
def irrational():
    A = [["sin(t)", "tanh(t)", "0"], ["log(t)", "0", "acos(t/2)"], ["0", "0", "atan(t)^2"]]
    return ask(linear(A, [["0"], ["0"], ["sqrt(t)"]]), "1/2").certificate.to_dict()


def test_rational_claims_need_the_standard_library_alone(rational, tmp_path):
    for file in Path(checker.__file__).parent.glob("checker*.py"):
        shutil.copy(file, tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(rational))
    (tmp_path / "flint.py").write_text("raise ImportError")
    done = subprocess.run(
        [sys.executable, "-E", "checker.py", "c.json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "rational numbers" in done.stdout


def altered(document, *path, to):
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return signed(changed)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("claim", "verdict"), "uncontrollable"),
        (("claim", "dimension"), 1),
        (("claim", "instant"), "0"),
        (("system", "equations", 1), "0"),
        (("witness", "columns"), [[0, 0], [0, 0]]),
        (("witness", "columns"), [[0, 0]]),
        (("witness", "columns"), [[0, 1], [1, 0]]),
        (("witness", "precision"), 10**6),
        (("method",), "vanishing row"),
        (("claim", "about"), "controllability"),
        (("claim", "more"), "true"),
        (("system", "dt"), "1"),
        (("system", "time"), "x0"),
        (("claim", "point", "x0"), "1/(t - 1/2)"),
    ],
)
def test_altered_certificates_are_refused(rational, path, to):
    assert checker.check(rational).valid
    document = altered(rational, *path, to=to)
    with contextlib.suppress(checker.Unreadable):
        assert not checker.check(document).valid


def test_irrational_certificates(irrational):
    assert "balls" in checker.check(irrational).reason
    for equation in range(3):
        assert not checker.check(altered(irrational, "system", "equations", equation, to="0*x0")).valid


# What is asked


def test_time_in_files_and_texts(tmp_path):
    file = tmp_path / "s.json"
    file.write_text(json.dumps({"equations": "x' = t*u", "inputs": ["u"], "time": "t", "at": {"x": 0, "t": "1/3"}}))
    done = subprocess.run(
        [sys.executable, "-m", "hybrid", "controllability", str(file), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["instant"] == "1/3"
    shell = [
        sys.executable,
        "-m",
        "hybrid",
        "controllability",
        "x' = 0*u + t",
        "--inputs",
        "u",
        "--time",
        "t",
        "--at",
        "x=0",
    ]
    assert subprocess.run(shell, capture_output=True, check=False).returncode == 1


def test_other_questions_refuse_time():
    system = linear([["t"]], [["1"]])
    for question in (hybrid.stability, hybrid.feedback, hybrid.stabilizability):
        with pytest.raises(ProblemError, match="time"):
            question(system, at={"x0": 0})
    assert system.time == "t"
    assert system.free == ("t",)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: hybrid.NonlinearSystem(["x"], ["u"], ["u"], dt=1, time="t"), ProblemError),
        (lambda: hybrid.NonlinearSystem(["x"], ["u"], ["u"], time="x"), ProblemError),
        (lambda: hybrid.NonlinearSystem(["x"], ["u"], ["u"], {"t": 1}, time="t"), ProblemError),
        (lambda: hybrid.NonlinearSystem(["x"], ["u"], ["u"], time=3), ProblemError),
        (lambda: hybrid.controllability(linear([["t"]], [["1"]])), ProblemError),
        (lambda: hybrid.controllability(linear([["t"]], [["1"]]), at={"x0": 0, "y": 1}), ProblemError),
        (lambda: hybrid.controllability(linear([["t"]], [["1"]]), at={"x0": "s"}), ParseError),
        (
            lambda: hybrid.controllability(hybrid.NonlinearSystem(["x"], [], ["t*x"], time="t"), at={"x": 0}),
            ProblemError,
        ),
    ],
)
def test_a_wrong_call_is_one_sentence(make, error):
    with pytest.raises(error):
        make()


@pytest.mark.shared
@pytest.mark.skipif(not PAPER.exists(), reason="../shared is absent")
def test_the_papers_systems():
    """One label is an artefact of the absolute tolerance; one system lies on a branch cut."""
    found = Counter()
    for line in PAPER.read_text().splitlines():
        row = json.loads(line)
        states = [f"x{i}" for i in range(row["degree"])]
        answer = hybrid.controllability(hybrid.NonlinearSystem(states, ["u0"], row["equations"], time="t"), paper=True)
        assert answer.paper is not None
        if answer.certificate is not None:
            assert hybrid.check(answer.certificate).valid
        found[answer.status, row["answer"]] += 1
    assert found[Status.UNDECIDED, 0] + found[Status.UNDECIDED, 1] <= 3
    assert found[Status.DISPROVED, 1] == 0
    assert found[Status.PROVED, 0] <= 1
    assert Fraction(found[Status.PROVED, 1] + found[Status.DISPROVED, 0], sum(found.values())) > Fraction(97, 100)
