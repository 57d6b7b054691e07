"""How kernels are compiled: strict IEEE arithmetic, once for each machine, and never from yesterday's source.

`fastmath` stays off, so that LLVM keeps the order of operations and fuses none; divisions by zero follow IEEE and do
not raise. Compiled code is kept on disk. numba dates it by the file of the outermost function alone, although the
functions that it calls are compiled into it; a proof kernel must not outlive a change in any of them, so the folder of
the cache is named after the text of all kernels, wherever NUMBA_CACHE_DIR puts it. Where no folder can be written to,
nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar, cast

import numba

from hybrid.locks import fork_waits_for

config: Any = numba.config

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIMISATION = 1  # of LLVM's levels: the lanes are vectors already, and 3 takes twice as long for the same speed
COMPILING = fork_waits_for(RLock())

ENABLED = not config.DISABLE_JIT
"""Whether numba compiles in this process; under NUMBA_DISABLE_JIT=1 it does not, and rows are answered one by one."""


def kernel(function: Function) -> Function:
    """Compile a function that Python calls, on its first call or from the cache."""
    folder = _cache_folder()
    with _settings("CACHE_DIR", folder):
        dispatcher: Any = _compiled(function, cache=folder is not None)

    @wraps(function)
    def call(*given: Any) -> Any:
        if dispatcher.signatures:
            return dispatcher(*given)
        with COMPILING, _settings("OPT", _OPTIMISATION):
            try:
                return dispatcher(*given)
            except Exception:  # noqa: BLE001 - a damaged cache, a full disk: compiled it can be without
                dispatcher._cache.disable()
                return dispatcher(*given)

    return cast(Function, call)


def inner(function: Function) -> Function:
    """Compile a function that only kernels call: it becomes part of them."""
    return _compiled(function, cache=False)


def _compiled(function: Function, *, cache: bool) -> Function:
    njit: Any = numba.njit
    options = {"fastmath": False, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
    return cast(Function, njit(cache=cache, **options)(function))


@contextmanager
def _settings(name: str, value: Any) -> Iterator[None]:
    """A setting of numba's for a while."""
    given = getattr(config, name)
    setattr(config, name, value)
    try:
        yield
    finally:
        setattr(config, name, given)


@cache
def _cache_folder() -> str | None:
    """A folder for this very source: where the user wants it, beside the source, or in the user's cache; or none."""
    here = Path(__file__).parent
    text = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(here.glob("*.py"))))
    own = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    places = [Path(config.CACHE_DIR).absolute()] if config.CACHE_DIR else [here / "__pycache__", Path(own) / "hybrid"]
    folders = (place / f"kernels-{text.hexdigest()[:16]}" for place in places if place.is_absolute())
    return next((str(folder) for folder in folders if _can_be_written(folder)), None)


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
