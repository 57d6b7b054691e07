"""The precision of ball arithmetic, which python-flint keeps once for the whole process.

Balls enclose at any precision: another thread that changes it in between makes no proof false. It makes enclosures
wider than they should be, answers depend on chance, and leaves its precision behind. So one thread at a time sets it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hybrid.locks import fork_waits_for

ALONE = fork_waits_for(threading.RLock())
"""Held by the thread whose precision it is; taken also around code with precisions of its own, as the checker has."""


@contextmanager
def working_precision(bits: int) -> Iterator[None]:
    """So many bits for ball arithmetic within, and what was there before afterwards. Other threads wait.

    >>> from flint import arb, ctx
    >>> with working_precision(200):
    ...     ctx.prec, bool(arb(2).sqrt().rad() < 1e-50)
    (200, True)
    >>> ctx.prec
    53
    """
    from flint import ctx

    with ALONE, ctx.workprec(bits):
        yield
