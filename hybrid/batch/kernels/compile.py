"""How kernels are compiled: strict IEEE arithmetic, once for each machine, and never from yesterday's source.

`fastmath` stays off, so that LLVM keeps the order of operations and fuses none; divisions by zero follow IEEE and do
not raise. Compiled code is kept on disk. numba dates it by the file of the outermost function alone, although the
functions that it calls are compiled into it; a proof kernel must not outlive a change in any of them, so the folder of
the cache is named after the text of all kernels.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import numba

config: Any = numba.config

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIMISATION = 1  # of LLVM's levels: the lanes are vectors already, and 3 takes twice as long for the same speed
_compiling = Lock()


def kernel(function: Function) -> Function:
    """Compile a function that Python calls, on its first call or from the cache."""
    with _settings("CACHE_DIR", config.CACHE_DIR or _cache_folder()):
        dispatcher: Any = _compiled(function, cache=True)

    @wraps(function)
    def call(*given: Any) -> Any:
        if dispatcher.signatures:
            return dispatcher(*given)
        with _compiling, _settings("OPT", _OPTIMISATION):
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
def _cache_folder() -> str:
    """A folder for this very source: beside it, or where the user may not write there, in the user's own cache."""
    here = Path(__file__).parent
    text = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(here.glob("*.py"))))
    name = f"kernels-{text.hexdigest()[:16]}"
    beside = here / "__pycache__"
    if os.access(beside if beside.is_dir() else here, os.W_OK):
        return str(beside / name)
    return str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid" / name)
