"""Many threads, and processes that were forked, get the answers that one thread gets."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

import hybrid
from hybrid.batch.kernels import compile
from hybrid.cached import cached_property
from hybrid.exact.series import working
from hybrid.precision import ALONE, working_precision
from hybrid.systems.nonlinear import NonlinearSystem

L = hybrid.LinearSystem
PENDULUM = NonlinearSystem.from_text("x' = y; y' = -sin(x) - y/2 + u", ["u"])
CUBIC = NonlinearSystem.from_text("x' = y - x/3; y' = 1/7 - x^3 - y")
_rng = np.random.default_rng(5)
PLANTS = [L(_rng.standard_normal((n, n)), _rng.standard_normal((n, 2))) for n in (2, 3, 4, 5, 6)]


def in_a_box() -> Any:
    from hybrid.exact.equilibria import certificate, find

    found = find(NonlinearSystem.from_text("x' = x^2 - 2"), {"x": (-2, 2)})
    proof = certificate(found)
    assert proof is not None
    return [each.box for each in found.proved], proof


def told(answer: Any) -> Any:
    return answer.status, answer.verdict, answer.route, answer.bounds, answer.poles


QUESTIONS: list[Callable[[], tuple[Any, Any]]] = [
    *(lambda plant=plant: hybrid.stability(plant, poles=True) for plant in PLANTS),  # type: ignore[misc]
    *(lambda plant=plant: hybrid.feedback(plant) for plant in PLANTS),  # type: ignore[misc]
    lambda: hybrid.stability(PENDULUM, at={"x": "pi", "y": 0}),  # type: ignore[list-item]
    lambda: hybrid.feedback(PENDULUM, at={"x": "pi", "y": 0}),  # type: ignore[list-item]
    lambda: hybrid.stability(CUBIC),  # type: ignore[list-item]
    lambda: hybrid.controllability(PLANTS[4]),  # type: ignore[list-item]
    lambda: hybrid.feedback(L([[0, 1], [1, -1]], [[0], [1]], [[1, 0]]), output=True),  # type: ignore[list-item]
    in_a_box,
]


def ask(question: Callable[[], Any]) -> tuple[Any, bool]:
    """What is said, and whether the certificate checks."""
    found = question()
    said, proof = found if isinstance(found, tuple) else (told(found), found.certificate)
    return said, hybrid.check(proof).valid


def test_eight_threads_say_what_one_says() -> None:
    alone = [ask(question) for question in QUESTIONS]
    assert all(valid for _, valid in alone)
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(ask, QUESTIONS * 4))
    assert together == alone * 4
    assert (ctx.prec, ctx.cap) == (53, 10)


def test_stacks_in_threads() -> None:
    A, B = np.random.default_rng(1).standard_normal((2, 50, 4, 4))
    B = B[:, :, :2].copy()
    alone = hybrid.batch.feedback(A, B)
    with ThreadPoolExecutor(8) as threads:
        for found in threads.map(lambda _: hybrid.batch.feedback(A, B), range(16)):
            assert found.verdict.tolist() == alone.verdict.tolist()
            assert (found.gain == alone.gain).all()


def test_no_thread_changes_the_precision_of_another() -> None:
    seen, go = [], threading.Event()

    def other() -> None:
        go.wait()
        with working_precision(64):
            seen.append(ctx.prec)

    thread = threading.Thread(target=other)
    thread.start()
    with working(300, 25):
        go.set()
        thread.join(0.3)
        assert (ctx.prec, ctx.cap, seen) == (300, 25, [])
        assert float(arb(2).sqrt().rad()) < 1e-80
    thread.join()
    assert seen == [64]
    assert (ctx.prec, ctx.cap) == (53, 10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_says_what_its_parent_says() -> None:
    """Sessions are open, other threads set precisions while the process forks, and the child has none of them."""
    plant = PLANTS[2]
    expected = [told(hybrid.feedback(plant))[:3], told(hybrid.stability(plant))[:3]]
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            hybrid.stability(PLANTS[4], poles=True)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(3):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:  # nothing but the answer leaves the child, not even an exception
                signal.alarm(60)  # rather than wait for ever for a lock that a thread of the parent's holds
                try:
                    answers = [hybrid.feedback(plant), hybrid.stability(plant)]
                    valid = all(hybrid.check(answer.certificate).valid for answer in answers if answer.certificate)
                    said = [[part.value for part in told(answer)[:3]] for answer in answers]
                    os.write(writer, json.dumps([said, valid, ctx.prec]).encode())
                finally:
                    os._exit(0)
            os.close(writer)
            with os.fdopen(reader) as pipe:
                said, valid, precision = json.loads(pipe.read())
            os.waitpid(child, 0)
            assert said == [[part.value for part in each] for each in expected]
            assert (valid, precision) == (True, 53)
    finally:
        stop.set()
        thread.join()


def test_threads_compute_properties_side_by_side() -> None:
    """One lock for all instances, as functools had before Python 3.12, would hold the second thread back."""
    both = threading.Barrier(2)

    class Meeting:
        @cached_property
        def place(self) -> int:
            return both.wait(timeout=10)

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(lambda each: each.place, [Meeting(), Meeting()])) == [0, 1]


def test_no_property_holds_a_lock() -> None:
    package = Path(hybrid.__file__).parent
    of_functools = re.compile(r"from functools import .*cached_property|functools\.cached_property")
    assert not [file for file in package.rglob("*.py") if of_functools.search(file.read_text())]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("lock", [ALONE, compile.COMPILING])
def test_a_child_finds_no_lock_locked(lock: Any) -> None:
    taken = threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(timeout=5) else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_precision_is_set_in_one_place() -> None:
    """Only the checker, which stands alone and is called under the lock, and benchmarks set it by themselves."""
    package = Path(hybrid.__file__).parent
    allowed = ("precision.py", "certificate/", "bench/", "export/")
    files = (str(file.relative_to(package)) for file in package.rglob("*.py") if "workprec(" in file.read_text())
    assert not [file for file in files if not file.startswith(allowed)]
