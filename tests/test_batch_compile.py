"""Where kernels cannot be compiled, or what was compiled cannot be kept: the answers are the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid.batch.kernels import compile

WITHOUT_NUMBA = """
import numpy as np, hybrid, hybrid.batch
A = np.array([[[0.0, 1.0], [-2.0, -3.0]], [[0.0, 1.0], [2.0, 0.0]]])
B = np.ones((2, 2, 1))
for found in (hybrid.batch.stability(A), hybrid.batch.controllability(A, B), hybrid.batch.feedback(A, B)):
    assert all(hybrid.check(found.certificate(i)).valid for i in range(2))
    print(*found.verdict, *found.route)
"""


def doubled(x: float) -> float:
    return 2 * x


def test_without_a_compiler_rows_are_answered_one_by_one() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["stable", "unstable", "exact", "exact"],
        ["controllable", "controllable", "exact", "exact"],
        ["stabilised", "stabilised", "exact", "exact"],
    ]


def test_the_cache_is_named_after_the_source_wherever_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of the user's own must not bring back a proof kernel compiled from older files."""
    folder_of = compile._cache_folder.__wrapped__
    beside = folder_of()
    assert beside is not None
    monkeypatch.setattr(compile.config, "CACHE_DIR", str(tmp_path))
    assert folder_of() == str(tmp_path / Path(beside).name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compile.config, "CACHE_DIR", "here")
    assert folder_of() == str(tmp_path / "here" / Path(beside).name)


def test_where_nothing_can_be_written_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    monkeypatch.setattr(compile.config, "CACHE_DIR", str(tmp_path / "file"))
    assert compile._cache_folder.__wrapped__() is None
    monkeypatch.setattr(compile, "_cache_folder", lambda: None)
    assert compile.kernel(doubled)(2.0) == 4.0


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_cache_is_left_aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    monkeypatch.setattr(compile, "_cache_folder", lambda: str(tmp_path))
    assert compile.kernel(doubled)(2.0) == 4.0
    kept = list(tmp_path.rglob(f"*.{suffix}"))
    assert kept
    for file in kept:
        file.write_bytes(file.read_bytes()[:20])
    assert compile.kernel(doubled)(3.0) == 6.0
