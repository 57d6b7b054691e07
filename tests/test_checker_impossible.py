"""Certificates that no static gain exists: the honest ones hold, and every change to a claim or witness is noticed."""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import builders as build
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_checker import sealed

from hybrid.certificate import checker, checker_static_gains
from hybrid.certificate.checker import Report, Unreadable, check
from hybrid.exact import impossible
from hybrid.question import StaticGainQuestion
from hybrid.systems.linear import LinearSystem

Document = dict[str, Any]
TINY = Fraction(1, 10**30)


def text(matrix: Any) -> list[list[str]]:
    return [[str(Fraction(x)) for x in row] for row in matrix]


def document(A: Any, B: Any, C: Any, method: str, witness: Any, *, dt: Any = None, **claim: Any) -> Document:
    system = {"A": text(A), "B": text(B), "C": text(C), "dt": dt}
    claimed = {"about": "feedback", "verdict": "not stabilisable", "output": True, "decay": "0", **claim}
    rest = {"claim": claimed, "method": method, "witness": witness, "versions": {}}
    return sealed({"schema": checker.SCHEMA, "system": system} | rest)


def siso(p: list[Any], q: list[Any]) -> tuple[Any, Any, Any]:
    n = len(p) - 1
    return build.companion(p), [[int(i == n - 1)] for i in range(n)], [[*reversed(q), *[0] * (n - len(q))]]


def changed(original: Document, *path: Any, to: Any) -> Document:
    """One entry replaced, under a fresh digest."""
    document = copy.deepcopy(original)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return sealed(document)


def without(original: Document, *path: Any) -> Document:
    document = copy.deepcopy(original)
    place = document
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return sealed(document)


def refused(document: Document) -> str:
    report = check(document)
    assert not report.valid, report.claim
    return report.reason


def proved(document: Document) -> Report:
    report = check(document)
    assert report.valid, report.reason
    return report


def refutation(*systems: LinearSystem, structure: Any = None, decay: Any = 0) -> Document:
    answer = impossible.refute(StaticGainQuestion.read(list(systems), True, structure, decay), thorough=True)
    assert answer is not None
    assert answer.certificate is not None
    return answer.certificate.to_dict()


# ------------------------------------------------------------------------------------------------ fixed modes

# Reached by u2 alone and seen by y1 alone is the mode 1; the path u1 → y2 has the numerator s − zero.
A3 = [[1, 0, 0], [0, 0, 1], [0, -2, -3]]
B3 = [[0, 1], [0, 0], [1, 0]]
DIAGONAL = [[1, 0], [0, 1]]


def decentralised(zero: Any = 1, **claim: Any) -> Document:
    """Two kernel vectors for I = {u1}, J = {y2} at s = 1: (1, 0, 0; 0) and (0, 1, 1; 6)·: x = (0, 1, 1), u = −6."""
    witness = {
        "transposed": False,
        "inputs": [0],
        "factor": ["-1", "1"],
        "kernel": [[["1"], ["0"], ["0"], ["0"]], [["0"], ["1"], ["1"], ["-6"]]],
    }
    C = [[1, 0, 0], [0, -Fraction(zero), 1]]
    return document(A3, B3, C, "fixed modes", witness, structure=DIAGONAL, **claim)


def test_a_decentralised_fixed_mode_by_hand() -> None:
    report = proved(decentralised())
    assert "structure" in report.claim
    assert "no such gain moves" in report.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: changed(d, "claim", "structure", to=[[1, 1], [1, 1]]), "shows in an output"),
        (lambda d: without(d, "claim", "structure"), "shows in an output"),
        (lambda d: changed(d, "claim", "structure", to=[[1, 0], [1, 1]]), "shows in an output"),
        (lambda d: changed(d, "witness", "inputs", to=[1]), "shows in an output"),
        (lambda d: changed(d, "witness", "inputs", to=[0, 0]), "twice"),
        (lambda d: changed(d, "witness", "inputs", to=[2]), "not there"),
        (lambda d: changed(d, "witness", "inputs", to=[]), "one vector more"),
        (lambda d: changed(d, "witness", "kernel", 1, to=d["witness"]["kernel"][0]), "not independent"),
        (lambda d: changed(d, "witness", "kernel", 1, to=[["0"]] * 4), "not independent"),
        (lambda d: changed(d, "witness", "kernel", 1, 3, to=["6"]), "modulo the factor"),
        (lambda d: changed(d, "witness", "kernel", to=d["witness"]["kernel"][:1]), "one vector more"),
        (lambda d: changed(d, "witness", "factor", to=["1", "1"]), "modulo the factor"),
        (lambda d: changed(d, "witness", "factor", to=["1", "-1", "0"]), "degree"),
        (lambda d: changed(d, "witness", "factor", to=["1"]), "degree"),
        (lambda d: changed(d, "witness", "transposed", to=True), ""),
        (lambda d: changed(d, "system", "dt", to="1"), None),  # the circle is a boundary as well
        (lambda d: changed(d, "system", "A", 0, 0, to="0.999"), "modulo the factor"),
        (lambda d: changed(d, "system", "C", 1, 1, to="-1.001"), "shows in an output"),
        (lambda d: changed(d, "system", "D", to=[["1", "0"], ["0", "0"]]), "D to be zero"),
        (lambda d: changed(d, "claim", "plant", to=0), "plant"),
        (lambda d: changed(d, "claim", "damping", to="0.5"), "damping"),
        (lambda d: changed(d, "claim", "decay", to="-2"), "in the region"),  # a weaker wish, which can be granted
        (lambda d: changed(d, "claim", "decay", to="3"), None),  # a stronger one, which this proves impossible too
        (lambda d: changed(d, "method", to="invariant subspace"), "does not prove"),
        (lambda d: changed(d, "method", to="lyapunov"), "does not prove"),
    ],
)
def test_changes_to_a_fixed_mode(change: Callable[[Document], Document], reason: str | None) -> None:
    """None: the changed claim is true as well, and proved."""
    after = change(decentralised())
    if reason is None:
        proved(after)
    else:
        assert reason in refused(after)


def test_a_witness_of_another_kind_is_unreadable() -> None:
    for method in ("scalar gain", "coefficient signs", "blocking zero"):
        with pytest.raises(Unreadable):
            check(changed(decentralised(), "method", to=method))


def test_the_stabilisable_twin_is_refused() -> None:
    """The zero moved off the mode: the structure has a gain, and the same witness says that it has none."""
    assert "output" in refused(decentralised(zero=1 + TINY))
    assert "digest" in refused(decentralised() | {"versions": {"hybrid": "9"}})


def test_vectors_that_depend_at_one_root_only() -> None:
    """f = (s − 1)(s + 1), and a vector of the kernel that vanishes at the root outside: A has no mode at 1."""
    A, B, C = [[-1, 0], [0, -2]], [[0], [1]], [[1, 1]]
    honest = {"transposed": True, "inputs": [], "factor": ["1", "1"], "kernel": [[["1"], ["0"]]]}
    assert "in the region" in refused(document(A, B, C, "fixed modes", honest))
    factor = ["-1", "0", "1"]
    kernel = [[["-1", "1"], ["0", "0"]]]  # (s − 1) e_1, and (s + 1)(s − 1) = f
    hostile = {"transposed": True, "inputs": [], "factor": factor, "kernel": kernel}
    assert "not independent" in refused(document(A, B, C, "fixed modes", hostile))


def test_a_constant_kernel_vector_of_an_idle_input() -> None:
    """An input that does nothing has a kernel vector at every s; it must not be counted for two."""
    A, B, C = [[1]], [[0, 1]], [[1]]
    vectors = [[["0"], ["1"], ["0"]], [["1"], ["0"], ["0"]], [["0"], ["2"], ["0"]]]
    hostile = {"transposed": False, "inputs": [0, 1], "factor": ["-1", "1"], "kernel": vectors}
    assert "not independent" in refused(document(A, B, C, "fixed modes", hostile))


@pytest.mark.parametrize("dt", [None, "1"])
def test_a_pair_on_the_boundary_is_outside(dt: Any) -> None:
    A = [[0, 1, 0], [-1, 0, 0], [0, 0, 3]]
    hidden: Document = {"transposed": True, "inputs": [], "factor": ["1", "0", "1"]}
    for first, holds in (("1", True), ("-1", False)):  # Aᵀ (s, 1, 0) = s (s, 1, 0) modulo s² + 1
        witness = hidden | {"kernel": [[["0", first], ["1", "0"], ["0", "0"]]]}
        assert check(document(A, [[0], [0], [1]], [[1, 1, 1]], "fixed modes", witness, dt=dt)).valid is holds


def test_b_and_c_exchanged() -> None:
    unreached = refutation(LinearSystem([[1, 0], [1, -2]], [[0], [1]], [[1, 0]]))
    proved(unreached)
    B, C = unreached["system"]["B"], unreached["system"]["C"]
    exchanged = copy.deepcopy(unreached)
    exchanged["system"] |= {"B": [[x] for x in C[0]], "C": [[row[0] for row in B]]}
    refused(sealed(exchanged))


# ------------------------------------------------------------------------------------------ coefficient signs

UNDAMPED = ([[0, 1], [-1, 0]], [[0], [1]], [[1, 0]])
NO_RATE = {"weights": ["0", "1", "0"]}


def signs(plant: Any, weights: list[Any], **claim: Any) -> Document:
    return document(*plant, "coefficient signs", {"weights": [str(y) for y in weights]}, **claim)


def test_the_trace_and_what_is_not_the_trace() -> None:
    proved(signs(UNDAMPED, [0, 1, 0]))
    proved(signs(UNDAMPED, [0, "1/3", 0]))
    assert "depends on the gain" in refused(signs(UNDAMPED, [1, 1, 0]))
    assert "positive" in refused(signs(UNDAMPED, [0, 1, 1]))
    assert "positive" in refused(signs(UNDAMPED, [0, 0, 1]))
    assert "negative" in refused(signs(UNDAMPED, [0, 1, -1]))
    assert "zero" in refused(signs(UNDAMPED, [0, 0, 0]))
    with pytest.raises(Unreadable):
        check(signs(UNDAMPED, [0, 1]))
    assert "positive" in refused(signs(([[0, 1], [-1, -TINY]], *UNDAMPED[1:]), [0, 1, 0]))
    assert "depends" in refused(signs(([[0, 1], [-1, 0]], [[0], [1]], [[1, TINY]]), [0, 1, 0]))
    assert "depends" in refused(changed(signs(UNDAMPED, [0, 1, 0]), "claim", "output", to=False))
    refused(changed(signs(UNDAMPED, [0, 1, 0]), "system", "dt", to="1"))


def test_decay_moves_the_coefficients() -> None:
    damped = ([[0, 1], [-1, -1]], [[0], [1]], [[1, 0]])
    assert "positive" in refused(signs(damped, [0, 1, 0]))
    proved(signs(damped, [0, 1, 0], decay="1/2"))
    assert "positive" in refused(signs(damped, [0, 1, 0], decay=str(Fraction(1, 2) - TINY)))


def test_a_trace_in_discrete_time() -> None:
    """Σ (n − j) c_j = 2ⁿ⁻¹ (n − trace); the other weights Σ j c_j are for a negative trace."""
    plant = ([[2, 1], [7, 0]], [[0], [1]], [[1, 0]])
    proved(signs(plant, [2, 1, 0], dt="1"))
    assert "positive" in refused(signs(plant, [0, 1, 2], dt="1"))
    refused(signs(plant, [2, 1, 0]))
    below = ([[2 - TINY, 1], [7, 0]], *plant[1:])
    assert "positive" in refused(signs(below, [2, 1, 0], dt="1"))
    proved(signs(([[1, 1], [7, 0]], *plant[1:]), [2, 1, 0], dt="1", decay="1/2"))


def test_products_of_gains_are_seen() -> None:
    """s² + (k1 + k2) s + k1 k2 − 1 with diagonal K: each gain alone leaves the last coefficient as it is."""
    plant = ([[0, 1], [1, 0]], [[1, 0], [0, 1]], [[1, 0], [0, 1]])
    assert "depends" in refused(signs(plant, [1, 0, 0], structure=DIAGONAL))
    crossed = [[0, 1], [0, 0]]
    assert "depends" in refused(signs(plant, [1, 0, 0], structure=crossed))
    # only the entry of the second row, which leaves s² + 0 s − 1 in its trace
    proved(signs(plant, [0, 1, 0], structure=crossed))
    proved(signs(plant, [0, 1, 0], structure=[[0, 1], [1, 0]]))
    assert "depends" in refused(signs(plant, [0, 1, 0], structure=[[0, 1], [1, 1]]))


def test_a_change_of_structure_is_noticed() -> None:
    with_zero = signs(([[1, 0], [0, -1]], [[1, 0], [0, 1]], [[1, 0], [0, 1]]), [0, 1, 0], structure=[[0, 1], [1, 0]])
    proved(with_zero)
    assert "depends" in refused(changed(with_zero, "claim", "structure", to=DIAGONAL))
    of_other_types = ([[0, 2], [1, 0]], [[False, True], [True, False]], "diagonal", [["0", "1"], ["1", "0"]])
    for wrong in ([[0, 1]], [[0, 1], [1]], *of_other_types):
        with pytest.raises(Unreadable):
            check(changed(with_zero, "claim", "structure", to=wrong))


def test_two_plants_together() -> None:
    honest = refutation(LinearSystem([[1]], [[1]], [[1]]), LinearSystem([[1]], [[-1]], [[1]]))
    assert honest["witness"] == {"weights": [["0.5", "0"], ["0.5", "0"]]}
    proved(honest)
    assert "depends" in refused(changed(honest, "systems", 1, "B", to=[["1"]]))
    assert "positive" in refused(changed(honest, "systems", 1, "A", to=[["-1.001"]]))
    refused(changed(honest, "witness", "weights", to=[["1", "0"], ["0", "0"]]))
    assert "each system" in refused(changed(honest, "witness", "weights", to=[["1/2", "0"]]))
    for other in (changed(honest, "claim", "plant", to=0), changed(honest, "systems", 1, "B", to=[["-1", "1"]])):
        with pytest.raises(Unreadable):
            check(other)
    with pytest.raises(Unreadable):
        check(changed(honest, "systems", 1, "dt", to="1"))
    alone = without(honest, "systems")
    with pytest.raises(Unreadable):
        check(sealed(alone | {"system": honest["systems"][0]}))


def test_the_plant_named_is_the_one_checked() -> None:
    fine, bad = LinearSystem([[1]], [[1]], [[1]]), LinearSystem([[1]], [[0]], [[1]])
    honest = refutation(fine, bad)
    assert honest["claim"]["plant"] == 1
    assert "system 2" in proved(honest).claim
    refused(changed(honest, "claim", "plant", to=0))
    with pytest.raises(Unreadable):
        check(changed(honest, "claim", "plant", to=2))
    refused(without(honest, "claim", "plant"))


# --------------------------------------------------------------------------------------------- blocking zeros

BLOCKED = siso(build.expanded([-1, 2]), [1, -1])  # (s − 1)/((s + 1)(s − 2))
ROOT_TWO = siso(build.expanded([-1, -1, -1, 2]), [1, 0, -2])


def zero(plant: Any, lo: Any, hi: Any, **claim: Any) -> Document:
    return document(*plant, "blocking zero", {"lo": str(lo), "hi": str(hi)}, **claim)


def test_an_interval_that_does_not_hold_the_zero() -> None:
    proved(zero(BLOCKED, 1, 1))
    proved(zero(BLOCKED, "0.5", "1.5"))
    for lo, hi in [("0.5", "0.9"), ("1.1", "1.9"), ("1", "1.5"), ("0.5", "1"), ("1.5", "0.5"), ("2", "2")]:
        refused(zero(BLOCKED, lo, hi))
    assert "negative" in refused(zero(BLOCKED, "0.5", "2.5")), "the pole 2 is in it"
    bump = siso(build.expanded([Fraction(9, 10), Fraction(11, 10), 2]), [1, -1])  # positive between 0.9 and 1.1
    assert "negative" in refused(zero(bump, "0.5", "1.5")), "negative at both ends, and positive at the zero"
    proved(zero(ROOT_TWO, "1.414", "1.415"))
    refused(zero(ROOT_TWO, "-1.415", "-1.414"))
    refused(zero(ROOT_TWO, "1.4143", "1.415"))
    refused(zero(ROOT_TWO, "1.41421356237309504880", "1.41421356237309504880"))


def test_a_zero_below_the_boundary() -> None:
    left = siso(build.expanded([-1, 2]), [1, 1 + TINY])
    assert "right half plane" in refused(zero(left, -1 - TINY, -1 - TINY))
    origin = siso(build.expanded([-1, 2]), [1, 0])
    proved(zero(origin, 0, 0))
    beside = siso(build.expanded([-1, 2]), [1, TINY])
    assert "right half plane" in refused(zero(beside, -TINY, -TINY))
    assert "not shown" in refused(zero(beside, 0, 0))


def test_an_even_number_of_poles_beyond_the_zero() -> None:
    assert "negative" in refused(zero(siso(build.expanded([3, 2]), [1, -1]), 1, 1))
    assert "negative" in refused(zero(siso(build.expanded([-1, 1 - TINY]), [1, -1]), 1, 1))


def test_a_zero_of_the_direct_paths_alone() -> None:
    """y1/u1 and y2/u2 vanish at 1, and y1/u2 · y2/u1 does not: k1 k2 moves the polynomial at 1."""
    A = [[0, 1, 0, 0], [2, 1, 0, 0], [0, 0, 0, 1], [0, 0, 2, 1]]
    B = [[0, 0], [1, 0], [0, 0], [0, 1]]
    direct = [[-1, 1, 0, 0], [0, 0, -1, 1]]
    crossed = [[-1, 1, 1, 0], [1, 0, -1, 1]]
    for C, common in ((direct, True), (crossed, False)):
        report = check(zero((A, B, C), 1, 1, structure=DIAGONAL))
        assert not report.valid, "two pairs of poles: the polynomial is positive at 1"
        assert ("negative" in report.reason) is common


def test_discrete_zeros_are_in_the_half_plane() -> None:
    """z = 2 is s = 1/3; read as continuous time it is another plant."""
    plant = siso(build.expanded([Fraction(1, 2), 3]), [1, -2])
    proved(zero(plant, "1/3", "1/3", dt="1"))
    refused(zero(plant, "1/3", "1/3"))
    refused(zero(plant, 2, 2, dt="1"))
    proved(zero(plant, 2, 2))
    behind = siso(build.expanded([Fraction(1, 2), -3]), [1, 2])  # z = −2 is s = 3
    proved(zero(behind, 3, 3, dt="1"))


# ------------------------------------------------------------------------------------------------ scalar gain

NEVER = siso([1, 1, 1, 1, 5], [1])  # crossings at k = −5 alone
SHUT = siso([1, -1, 0, 1], [1, 0, 0])  # s³ + (k − 1) s² + 1


def samples(plant: Any, *listed: Any, **claim: Any) -> Document:
    return document(*plant, "scalar gain", {"samples": [str(k) for k in listed], "entry": [0, 0]}, **claim)


def window(at: Any, width: Any) -> Any:
    """s² + (k − at) s + at + width − k: in the region for at < k < at + width."""
    return siso([1, -Fraction(at), Fraction(at) + Fraction(width)], [1, -1])


def test_every_interval_needs_its_sample() -> None:
    proved(samples(NEVER, -6, 0))
    for wrong in [(), (0,), (-6,), (-6, -5, 0), (0, -6), (-6, -6, 0), (-8, -7, -6), (1, 2)]:
        refused(samples(NEVER, *wrong))
    closed = window(1, 0)
    proved(samples(closed, 0, 2))
    refused(samples(closed, 0))
    refused(samples(closed, 1))


@pytest.mark.parametrize("width", [1, Fraction(1, 1000), TINY])
def test_a_window_between_two_samples(width: Any) -> None:
    """The samples on both sides show instability, and the one in the window is left out or moved."""
    plant = window(1, width)
    assert "between" in refused(samples(plant, 0, 3))
    assert "every eigenvalue is in the region" in refused(samples(plant, 0, 1 + Fraction(width) / 2, 3))
    refused(samples(plant, 0, 1, 3))
    refused(samples(plant, 0, 1 + Fraction(width), 3))
    refused(samples(plant, 0, 1 - TINY, 3))


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=5), st.fractions(-4, 4), st.integers(1, 9))
@settings(deadline=None, max_examples=30)
def test_no_list_of_samples_shuts_a_window(listed: list[int], at: Fraction, width: int) -> None:
    ordered = sorted(set(listed))
    refused(samples(window(at, Fraction(width, 10)), *ordered))


def test_other_changes_to_samples() -> None:
    honest = samples(NEVER, -6, 0)
    refused(changed(honest, "system", "A", 3, 1, to=str(-1)) | {"method": "blocking zero"})
    assert "between" in refused(changed(honest, "claim", "decay", to="1/100")), "the crossings have moved"
    refused(changed(honest, "claim", "decay", to="-2"))
    stable = changed(honest, "system", "A", 3, 2, to="-2")  # s⁴ + s³ + 2 s² + s + 5 + k: −5 < k < −4
    assert "between" in refused(stable)
    two = samples(([[1, 0], [0, 0]], DIAGONAL, DIAGONAL), 0)
    assert "one line" in refused(two)
    one = changed(two, "claim", "structure", to=[[1, 0], [0, 0]])
    proved(changed(one, "witness", "samples", to=[]))  # the other mode stays at 0: R = 0
    refused(changed(changed(one, "witness", "samples", to=[]), "system", "A", 1, 1, to=str(-TINY)))
    with pytest.raises(Unreadable):
        check(changed(honest, "witness", "samples", to=[0]))
    with pytest.raises(Unreadable):
        check(changed(honest, "witness", "samples", to="0"))


def test_inputs_that_are_as_good_as_one() -> None:
    """Parallel columns of B: both entries move the polynomial along one line; apart by a little, they do not."""
    A, B, C = NEVER
    doubled = [[b, 3 * b] for (b,) in B]
    honest = samples((A, doubled, C), -6, 0)
    proved(honest)
    refused(changed(honest, "witness", "entry", to=[0, 1]))
    proved(changed(changed(honest, "witness", "entry", to=[1, 0]), "witness", "samples", to=["-2", "0"]))
    assert "free" in refused(changed(honest, "witness", "entry", to=[0, 1]))
    assert "free" in refused(changed(honest, "claim", "structure", to=[[0], [1]]))
    assert "one line" in refused(changed(honest, "system", "B", 2, 1, to=str(TINY)))
    idle = samples((A, [[0, b] for (b,) in B], C), -6, 0)
    assert "one line" in refused(idle), "the entry chosen moves nothing, and the other does"


def test_samples_in_discrete_time() -> None:
    """z + k: in the region for |k| < 1; z² + k z + 2 never."""
    assert "in the region" in refused(samples(([[0]], [[1]], [[1]]), -2, 0, 2, dt="1"))
    assert "between" in refused(samples(([[0]], [[1]], [[1]]), -2, 2, dt="1"))
    never = siso([1, 0, 2], [1, 0])
    proved(samples(never, -4, 0, 4, dt="1"))
    refused(samples(never, -4, 4, dt="1"))
    refused(samples(never, -4, 0, 4))


def test_two_plants_with_windows_apart() -> None:
    def both(first: Any, second: Any, *listed: Any) -> Document:
        one, two = samples(first), samples(second)
        claim = one["claim"] | {"about": "simultaneous feedback"}
        whole = {key: one[key] for key in ("schema", "method", "versions")} | {"claim": claim}
        witness = {"samples": [str(k) for k in listed], "entry": [0, 0]}
        return sealed(whole | {"systems": [one["system"], two["system"]], "witness": witness})

    proved(both(window(1, 1), window(3, 1), 0, "3/2", "5/2", "7/2", 5))
    refused(both(window(1, 1), window(3, 1), 0, "3/2", "7/2", 5))
    refused(both(window(1, 1), window(2 - TINY, 1), 0, "3/2", "5/2", 5))
    refused(both(window(1, 1), window(2 - TINY, 1), 0, "3/2", 2 - TINY / 2, "5/2", 5))
    proved(both(window(1, 1), window(2, 1), 0, "3/2", "5/2", 5))


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9))
def test_resultants(p: list[int]) -> None:
    """Against the determinant of Sylvester's matrix, in formal degrees."""
    if not p[0] or not p[-1]:
        assert checker_static_gains._may_cross(p) == 0
        return
    first, other = (p[0::2], p[1::2]) if len(p) % 2 else (p[1::2], p[0::2])
    d, e = len(first) - 1, len(other) - 1
    rows = [[0] * i + first[::-1] + [0] * (e - 1 - i) for i in range(e)]
    rows += [[0] * i + other[::-1] + [0] * (d - 1 - i) for i in range(d)]
    determinant = build.determinant(build.rows(rows)) if rows else 1
    assert checker_static_gains._may_cross(p) == p[0] * p[-1] * determinant


@given(st.lists(st.fractions(-5, 5, max_denominator=50), min_size=1, max_size=6, unique=True), st.booleans())
def test_roots_are_counted(roots: list[Fraction], with_pair: bool) -> None:
    p = checker._with_roots([(x, Fraction(0)) for x in roots])
    p = checker._times(p, [1, 1, 7]) if with_pair else p
    ordered = sorted(roots)
    between = [Fraction(-6), *((a + b) / 2 for a, b in pairwise(ordered)), Fraction(6)]
    count = checker_static_gains._roots_between
    for low, high in pairwise(between):
        assert count(p, low, high, checker) == 1
    assert count(p, Fraction(-6), Fraction(6), checker) == min(2, len(roots))
    assert count(p, ordered[0], None, checker) == min(2, len(roots) - 1)
    if len(roots) > 1:
        assert count(p, ordered[0], ordered[-1], checker) == min(2, len(roots) - 2)


# ----------------------------------------------------------------------------------------------- bounded work


HONEST = (
    decentralised(),
    signs(UNDAMPED, [0, 1, 0]),
    zero(ROOT_TWO, "1.414", "1.415"),
    samples(NEVER, -6, 0),
    refutation(LinearSystem([[1]], [[1]], [[1]]), LinearSystem([[1]], [[-1]], [[1]])),
)
ODD = (None, True, -1, 0, 2, 10**18, "0", "-1", "1/0", "1e9999", "x", [], [[]], ["1"], [["1"]], [[["1"]]], {}, {"a": 1})


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, entry in inside for place in places(entry, (*path, key)))]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(HONEST), st.data())
def test_a_document_with_anything_in_any_place_is_reported_on(original: Document, data: st.DataObject) -> None:
    """Valid, refused or unreadable; never another error."""
    path = data.draw(st.sampled_from([place for place in places(original) if place]))
    changed_to = changed(original, *path, to=data.draw(st.sampled_from(ODD)))
    with contextlib.suppress(Unreadable):
        assert check(changed_to).claim


def test_too_many_products_are_refused() -> None:
    n = 7
    ones = [[int(i == j) for j in range(n)] for i in range(n)]
    weights = ["1", *["0"] * n]
    assert "300 characteristic" in refused(document(ones, ones, ones, "coefficient signs", {"weights": weights}))


def test_too_many_states_are_refused() -> None:
    n = 31
    ones = [[int(i == j) for j in range(n)] for i in range(n)]
    column = [[1] for _ in range(n)]
    assert "30 states" in refused(samples((ones, column, [[1] * n]), 0))


def test_too_many_samples_are_refused() -> None:
    assert "samples" in refused(samples(NEVER, *range(100)))


def test_the_file_stands_beside_the_checker(tmp_path: Path) -> None:
    folder = Path(checker.__file__).parent
    shutil.copy(folder / "checker.py", tmp_path)
    (tmp_path / "c.json").write_text(json.dumps(samples(NEVER, -6, 0)))
    run = [sys.executable, "-I", "-S", str(tmp_path / "checker.py"), str(tmp_path / "c.json")]
    alone = subprocess.run(run, capture_output=True, text=True, check=False)
    assert alone.returncode == 2
    assert "checker_static_gains.py" in alone.stdout
    shutil.copy(folder / "checker_static_gains.py", tmp_path)
    both = subprocess.run(run, capture_output=True, text=True, check=False)
    assert both.returncode == 0
    assert "valid" in both.stdout
