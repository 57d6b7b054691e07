"""Another library has changed how floats are calculated: noticed, put right for the time of a question, or refused."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid.errors import ProblemError
from hybrid.systems.numbers import exact
from hybrid.verify import float_environment

ROOT = Path(hybrid.__file__).parents[1]
ON_X86_LINUX = sys.platform == "linux" and platform.machine() in ("x86_64", "AMD64")
only_there = pytest.mark.skipif(not ON_X86_LINUX, reason="sets the control word of x86 by way of glibc")

SWITCH = """
import ctypes, json
libm = ctypes.CDLL(None)

def switch(bits):
    '''Bits of MXCSR, which glibc keeps in the last four bytes of its environment; the x87 unit keeps its own.'''
    env = (ctypes.c_ubyte * 32)()
    libm.fegetenv(env)
    word = int.from_bytes(bytes(env[28:]), "little") & ~0xE040 | bits
    env[28:] = list(word.to_bytes(4, "little"))
    libm.fesetenv(env)

MODES = {"FTZ": 0x8000, "DAZ": 0x40, "FTZ and DAZ": 0x8040, "down": 0x2000, "up": 0x4000, "to zero": 0x6000}
"""


def in_every_mode(body: str) -> dict[str, Any]:
    """What `ask(mode)` returns under each mode, run in a process of its own: NumPy remembers what it found out."""
    loop = """
found = {}
for mode, bits in MODES.items():
    switch(bits)
    try:
        found[mode] = ask(mode)
    finally:
        switch(0)
print(json.dumps(found))
"""
    command = [sys.executable, "-W", "ignore", "-c", SWITCH + body + loop]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert len(found) == 6
    return found


@only_there
def test_other_arithmetic_is_noticed_and_comes_back_after_a_question() -> None:
    body = """
from hybrid.verify.lyapunov import arithmetic_is_ieee
from hybrid.verify.float_environment import ieee_arithmetic
assert arithmetic_is_ieee()

def ask(mode):
    before = arithmetic_is_ieee()
    with ieee_arithmetic():
        within = arithmetic_is_ieee()
    return [before, within, arithmetic_is_ieee()]
"""
    assert all(found == [False, True, False] for found in in_every_mode(body).values())


@only_there
def test_doubles_too_small_for_the_thread_are_not_taken_for_zero() -> None:
    """Under "denormals are zero" both were called marginal, with a certificate for another matrix."""
    body = """
import hybrid, numpy as np
tiny = np.array([[-1e-320, 1.0], [0.0, -1.0]])
written = [["-1e-320", 1], [0, -1]]
product = np.array([[-1e-160, 1.0], [0.0, -1e-161]])

def ask(mode):
    systems = [hybrid.LinearSystem(A) for A in (tiny, -tiny, written, product)]
    answers = [hybrid.stability(system) for system in systems]
    answers.append(hybrid.stability(hybrid.LinearSystem([[-1]]), decay=1e-320))
    return [[a.verdict.value, a.certificate.to_dict()] for a in answers]
"""
    for mode, found in in_every_mode(body).items():
        assert [verdict for verdict, _ in found] == ["stable", "unstable", "stable", "stable", "stable"], mode
        assert all(hybrid.check(document).valid for _, document in found), mode
        assert exact(found[0][1]["system"]["A"][0][0], "A") == Fraction(-1e-320), mode
        assert found[4][1]["claim"]["decay"] != "0"


@only_there
def test_gains_are_proved_as_before() -> None:
    body = """
import hybrid, numpy as np
rng = np.random.default_rng(0)
plants = [hybrid.LinearSystem(rng.standard_normal((3, 3)), rng.standard_normal((3, 1))) for _ in range(3)]
bound = hybrid.LinearSystem([[1, 0], [0, -1]], [[0], [1]])

def ask(mode):
    answers = [hybrid.feedback(plant, model=False) for plant in [*plants, bound]]
    return [[a.status.value, a.certificate.to_dict()] for a in answers]
"""
    for mode, found in in_every_mode(body).items():
        assert [status for status, _ in found] == ["proved"] * 3 + ["disproved"], mode
        assert all(hybrid.check(document).valid for _, document in found), mode


@only_there
def test_equilibria_are_searched_as_before() -> None:
    body = """
from hybrid.exact.equilibria import certificate, find
from hybrid.systems.nonlinear import NonlinearSystem
system = NonlinearSystem.from_text("x' = x^2 - 1/3*x")

def ask(mode):
    found = find(system, {"x": ("-1e-310", 1)})
    return [found.complete, len(found.proved), certificate(found).to_dict()]
"""
    for mode, (complete, count, document) in in_every_mode(body).items():
        assert (complete, count) == (True, 2), mode
        assert hybrid.check(document).valid, mode


def test_what_cannot_be_put_right_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(float_environment, "arithmetic_is_ieee", lambda: False)
    with pytest.raises(ProblemError, match=r"floating-point arithmetic: got another rounding mode, .* IEEE 754"):
        hybrid.stability(hybrid.LinearSystem([[-1]]))
