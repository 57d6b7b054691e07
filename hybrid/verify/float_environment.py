"""The floating-point environment of a thread, which another library may have changed.

A library built with -ffast-math switches subnormal numbers off for the thread that loads it, interval arithmetic may
leave a rounding mode behind, and a new thread inherits both. Proofs in floats, exact numbers taken from doubles and
bounds rounded outwards to doubles all assume what IEEE 754 starts with.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from hybrid.errors import ProblemError
from hybrid.verify.lyapunov import arithmetic_is_ieee

_LARGEST_ENVIRONMENT = 512  # bytes of a fenv_t; glibc's have 8 to 32


@contextmanager
def ieee_arithmetic() -> Iterator[None]:
    """Round to nearest and keep subnormal numbers within, and put back afterwards what was there. Also a decorator.

    Raises:
        ProblemError: another environment is switched on, and it cannot be changed here.

    >>> with ieee_arithmetic():
    ...     arithmetic_is_ieee()
    True
    """
    if arithmetic_is_ieee():
        yield
        return
    before = ctypes.create_string_buffer(_LARGEST_ENVIRONMENT)
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    try:
        if library is not None:
            library.fegetenv(before)
            library.fesetenv(ctypes.c_void_p(-1))  # FE_DFL_ENV of glibc and musl
        if not arithmetic_is_ieee():
            got = "another rounding mode, or subnormal numbers taken for zero"
            raise ProblemError("floating-point arithmetic", got, "IEEE 754's, which some library has switched off")
        yield
    finally:
        if library is not None:
            library.fesetenv(before)
