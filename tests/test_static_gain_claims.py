"""What certificates and front ends say of static gains."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import (
    rows,
)
from gain_cases import (
    UNSTABLE,
    around,
    certificate_of,
    negative,
    outcome,
    plant,
    proved,
    stable_loop,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import LinearSystem, Status, Verdict
from hybrid.certificate import checker


@cache
def two_plants() -> dict[str, Any]:
    K = rows([[1, -2], [3, 1]])
    systems = [LinearSystem(*around(stable_loop(n, seed), K, seed)) for n, seed in ((3, 1), (4, 2))]
    return certificate_of(proved(hybrid.feedback(systems, output=True, structure=[[1, 1], [1, 1]], model=False)))


@cache
def structured() -> dict[str, Any]:
    structure = [[1, 0], [1, 1]]
    system = plant(4, 2, 2, 5, structure=structure)
    return certificate_of(proved(hybrid.feedback(system, output=True, structure=structure, model=False)))


def test_an_entry_where_the_structure_has_a_zero_is_refused() -> None:
    document = json.loads(json.dumps(structured()))
    assert outcome(document).valid
    document["claim"]["gain"][0][1] = "1e-300"
    report = outcome(document)
    assert not report.valid
    assert "structure" in report.reason


def test_another_gain_than_the_one_proved_is_refused() -> None:
    document = json.loads(json.dumps(structured()))
    for gain in (
        [list(column) for column in zip(*document["claim"]["gain"], strict=True)],
        [[negative(x) if x != "0" else x for x in row] for row in document["claim"]["gain"]],
    ):
        changed = json.loads(json.dumps(document))
        changed["claim"]["gain"] = gain
        assert not outcome(changed).valid
    del document["claim"]["output"]  # the same gain of the state: another shape
    with pytest.raises(checker.Unreadable):
        outcome(document)


@pytest.mark.parametrize(
    "structure", [[[1, 0]], [[1, 0], [1]], [["1", "0"], ["1", "1"]], [[1, 0], [1, 2]], [[True, False], [True, True]], 1]
)
def test_a_structure_is_made_of_zeros_and_ones(structure: Any) -> None:
    document = json.loads(json.dumps(structured()))
    document["claim"]["structure"] = structure
    with pytest.raises(checker.Unreadable):
        outcome(document)


def test_output_feedback_needs_a_feedthrough_of_zero() -> None:
    document = json.loads(json.dumps(structured()))
    document["system"]["D"] = [["0", "0"], ["0", "0"]]
    assert outcome(document).valid
    document["system"]["D"][1][0] = "1/1000"
    assert not outcome(document).valid


def test_each_of_several_plants_is_checked() -> None:
    document = json.loads(json.dumps(two_plants()))
    assert outcome(document).valid
    for k in range(2):
        for key in ("systems", "witness"):
            changed = json.loads(json.dumps(document))
            if key == "systems":  # one plant made unstable beyond what the gain does
                changed["systems"][k]["A"][0][0] = "1000"
            else:
                changed["witness"]["systems"][k] = changed["witness"]["systems"][1 - k]
            try:
                report = outcome(changed)
            except checker.Unreadable:  # a witness of another order
                continue
            assert not report.valid
            assert f"Of system {k + 1}" in report.reason


def test_claims_about_several_plants_are_read_strictly() -> None:
    document = json.loads(json.dumps(two_plants()))
    changes: list[Any] = [
        lambda d: d["claim"]["abscissa"].pop(),
        lambda d: d["systems"][0].update(dt="1"),
        lambda d: d.update(systems=[]),
        lambda d: d["claim"].update(about="feedback"),
        lambda d: d["claim"].update(verdict="not placeable"),
        lambda d: d.update(systems=d["systems"][0]),
    ]
    for change in changes:
        changed = json.loads(json.dumps(document))
        change(changed)
        with pytest.raises(checker.Unreadable):
            outcome(changed)
    for change in (
        lambda d: d["witness"]["systems"].pop(),
        lambda d: d["claim"].update(poles=[]),
        lambda d: d["claim"].update(decay="1000"),
        lambda d: d["claim"].update(decay="-1000"),
        lambda d: d.update(system=d["systems"][0]),
        lambda d: d["claim"].update(surplus="1"),
    ):
        changed = json.loads(json.dumps(document))
        change(changed)
        assert not outcome(changed).valid


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all entries, inner ones too."""
    if path:
        yield path
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(entry, (*path, key))


def floats(matrix: Any) -> Any:
    return np.array([[nearest(x) for x in row] for row in matrix])


def nearest(number: str) -> float:
    if "x" in number:
        return float.fromhex(number)
    value = Fraction(number)
    return float(max(min(value, Fraction(10) ** 300), -(Fraction(10) ** 300)))


def clearly_false(document: dict[str, Any], margin: float = 1e-3) -> bool:
    """Whether floating point, with a wide margin, contradicts a claim that a gain stabilises."""
    claim = document["claim"]
    several = "systems" in document
    systems, ends = (document["systems"], claim["abscissa"]) if several else ([document["system"]], [claim["abscissa"]])
    K = floats(claim["gain"])
    wrong = "structure" in claim and bool(K[np.array(claim["structure"]) == 0].any())
    for system, (low, high) in zip(systems, ends, strict=True):
        seen = K @ floats(system["C"]) if claim.get("output") else K
        eigenvalues = np.linalg.eigvals(floats(system["A"]) - floats(system["B"]) @ seen)
        discrete, decay = system["dt"] is not None, floats([[claim.get("decay", "0")]]).item()
        value = abs(eigenvalues).max() if discrete else eigenvalues.real.max()
        wrong |= value > (1 - decay if discrete else -decay) + margin
        wrong |= low is not None and value < floats([[low]]).item() - margin
        wrong |= high is not None and value > floats([[high]]).item() + margin
    return bool(wrong)


VALUES = ["0", "1", "-1", "5", "-7/2", "1e-3", "1e9999", None, True, 0, 1, 2, [], {}, [["1"]], "é", "lyapunov"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_changed_a_false_claim_is_refused(data: st.DataObject) -> None:
    document = json.loads(json.dumps(data.draw(st.sampled_from([structured, two_plants]))()))
    for _ in range(data.draw(st.integers(1, 2))):
        *path, key = data.draw(st.sampled_from([p for p in leaves(document) if p[0] not in ("schema", "digest")]))
        place = document
        for step in path:
            place = place[step]
        place[key] = deepcopy(data.draw(st.sampled_from(VALUES)))  # the next change may be one inside it
    try:
        report = outcome(document)
    except checker.Unreadable as error:
        assert str(error).endswith(".")  # noqa: PT017 - one sentence
    else:
        assert not (report.valid and clearly_false(document))


def test_certificates_of_several_plants_stand_alone(tmp_path: Path) -> None:
    document = json.loads(json.dumps(two_plants()))
    file, second, third = tmp_path / "k.json", tmp_path / "second.json", tmp_path / "third.json"
    file.write_text(json.dumps(document))
    second.write_text(json.dumps(document["systems"][1]))
    third.write_text(json.dumps({**document["systems"][1], "dt": "1"}))
    for system, code in ((None, 0), (second, 0), (third, 4)):
        words = [] if system is None else ["--system", str(system)]
        done = subprocess.run(
            [sys.executable, "-I", checker.__file__, str(file), *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"D": [["0"]]}, 0, "valid"),
        ({"D": [["1"]]}, 4, "D that is not zero"),
        ({"C": None}, 4, "no C"),
        ({"C": [["1", "1"]]}, 4, "C[1,2]"),
    ],
)
def test_the_plant_of_a_file_has_the_outputs_that_are_fed_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], code: int, words: str
) -> None:
    """A certificate without D says that D is zero, and a plant with another D or without C is another plant."""
    system = LinearSystem([[0, 1], [1, -1]], [[0], [1]], [[1, 0]])
    saved, file = tmp_path / "k.json", tmp_path / "plant.json"
    proved(hybrid.feedback(system, output=True, model=False)).certificate.save(saved)
    document = {**system.as_document(), **change}
    file.write_text(json.dumps({key: entry for key, entry in document.items() if entry is not None}))
    assert checker.main([str(saved), "--system", str(file)]) == code
    assert words in capsys.readouterr().out
    assert command("check", str(saved), "--system", str(file)).returncode == code


# -------------------------------------------------------------------------------------------------- front ends


def command(*words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "hybrid", *words]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_the_command_line(tmp_path: Path) -> None:
    files = []
    for k, system in enumerate((UNSTABLE, LinearSystem([[1]], [[1]], [[1]]))):
        files.append(str(tmp_path / f"plant{k}.json"))
        Path(files[-1]).write_text(json.dumps({**system.as_document()}))
    saved = str(tmp_path / "k.json")
    done = command("feedback", files[0], "--output", "--and", files[1], "--no-model", "--save", saved)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("PROVED: one gain stabilises all 2 systems: with u = -K y every pole of A - B K C")
    assert command("check", saved, "--system", files[1]).stdout.startswith("VALID: one K for all")
    assert command("check", saved, "--system", "dc-motor").returncode == 4
    wrong = command("feedback", files[0], "--structure", "1 ? 0")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "structure: got 1 ? 0, expected rows such as" in wrong.stderr


def test_a_saved_output_gain_is_simulated_as_such(tmp_path: Path) -> None:
    """As many outputs as states, so that the shape alone does not tell: the response has to decay under K C."""
    system = LinearSystem([[0, 1], [2, -1]], [[0], [1]], [[0, 1], [1, 0]])
    answer = proved(hybrid.feedback(system, output=True, decay=1, model=False))
    assert answer.certificate is not None
    answer.certificate.save(tmp_path / "k.json")
    (tmp_path / "plant.json").write_text(json.dumps(system.as_document()))
    files = [str(tmp_path / name) for name in ("plant.json", "k.json")]
    done = command("simulate", files[0], "--gain", files[1], "--start", "x1=1,x2=1", "--seconds", "20", "--json")
    assert done.returncode == 0, done.stderr
    assert max(abs(x) for x in json.loads(done.stdout)["x"][-1]) < 1e-6
    refused = command("simulate", "pendulum", "--gain", files[1])
    assert "--gain: got a gain of the outputs" in refused.stderr


def test_a_structured_gain_near_an_equilibrium() -> None:
    """Upright, the rate alone cannot hold it, and the angle alone can, with the friction that there is."""
    pendulum = hybrid.NonlinearSystem(["angle", "rate"], ["torque"], ["rate", "sin(angle) - rate/10 + torque"])
    answer = hybrid.feedback(pendulum, structure=[[1, 0]])
    assert answer.status is Status.PROVED
    assert answer.gain is not None
    assert (answer.gain[0, 0] > 1, answer.gain[0, 1]) == (True, 0)
    document = certificate_of(answer)
    assert outcome(document).valid
    document["claim"]["gain"][0][1] = "1e-9"
    assert not outcome(document).valid
    refuted = hybrid.feedback(pendulum, structure=[[0, 1]])
    assert refuted.status is Status.DISPROVED
    assert "no gain K of this structure gives every pole of the linearisation" in str(refuted)


def test_a_structured_gain_near_an_enclosed_equilibrium() -> None:
    """x* = √2 − 1 is known by its enclosure alone: Lyapunov matrices over it prove the gain."""
    plant = hybrid.NonlinearSystem(["x", "v"], ["u"], ["v", "x^2 + 2*x - 1 - v/10 + u"])
    answer = hybrid.feedback(plant, structure=[[1, 0]])
    assert answer.status is Status.PROVED
    document = certificate_of(answer)
    assert document["method"] == "enclosed linearisation"
    assert outcome(document).valid
    document["claim"]["structure"] = [[0, 1]]
    assert not outcome(document).valid


@pytest.mark.parametrize(("constant", "method"), [("3", "exact linearisation"), ("1", "enclosed linearisation")])
def test_a_gain_of_the_outputs_near_an_equilibrium(constant: str, method: str) -> None:
    """x* is 1, or √2 − 1, known by its enclosure alone; the output is a cube, whose slope there counts."""
    equations = ["v", f"x^2 + 2*x - {constant} - v/10 + u"]
    plant = hybrid.NonlinearSystem(["x", "v"], ["u"], equations, outputs=["(x + 1)^3"])
    answer = hybrid.feedback(plant, output=True)
    assert answer.status is Status.PROVED
    assert answer.gain is not None
    assert answer.gain.shape == (1, 1)
    assert "with u = u* - K (y - y*) every pole of A - B K C" in str(answer)
    loop = answer.closed_loop()
    assert isinstance(loop, hybrid.NonlinearSystem)
    assert hybrid.stability(loop, at={x: answer.point[x] for x in "xv"}).verdict is not Verdict.UNSTABLE  # type: ignore[index]
    document = certificate_of(answer)
    assert document["method"] == method
    assert outcome(document).valid
    for path, to in (
        (("claim", "gain"), [[negative(document["claim"]["gain"][0][0])]]),
        (("system", "outputs"), ["x^3/1000"]),
        (("system", "outputs"), ["(x + 1)^3 + u"]),
    ):
        changed = json.loads(json.dumps(document))
        changed[path[0]][path[1]] = to
        assert not outcome(changed).valid


def test_python_control_and_sympy() -> None:
    import control
    import sympy

    from hybrid.plugins import control_front, sympy_front

    loop = control.ss([[0, 1], [2, -1]], [[0], [1]], [[1, 0]], 0)
    closed = proved(control_front.feedback(loop, output=True)).to_control()
    assert max(closed.poles().real) < 0
    motion, angle = (lambda t, x, u, p: [x[1], np.sin(x[0]) - x[1] / 10 + u[0]]), (lambda t, x, u, p: x[:1])
    pendulum = control.nlsys(motion, angle, states=2, inputs=1, outputs=1)
    assert control_front.feedback(pendulum, output=True).gain[0, 0] > 1
    both = proved(control_front.feedback([loop, control.tf([1], [1, -1])], output=True))
    assert len(both.to_control()) == 2
    A, B, C = sympy.Matrix([[0, 1], [2, -1]]), sympy.Matrix([0, 1]), sympy.Matrix([[1, 0]])
    answer = sympy_front.feedback(A, B, C, output=True)
    assert answer.closed_loop == A - B * answer.gain * C
    state = sympy_front.feedback(A, B, structure=sympy.Matrix([[1, 0]]))
    assert state.gain[0, 1] == 0
    models = [sympy.physics.control.StateSpace(A, B, C), sympy.physics.control.StateSpace(A - B * C, B, C)]
    assert [loop.num_states for loop in sympy_front.feedback(models, output=True).closed_loop] == [2, 2]
