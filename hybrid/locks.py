"""Locks that hold across `fork`."""

from __future__ import annotations

import os
from typing import Any, TypeVar

AnyLock = TypeVar("AnyLock", bound=Any)  # one of threading's, whose classes have no public names


def fork_waits_for(lock: AnyLock) -> AnyLock:
    """The same lock, which no child finds locked by a thread that it does not have.

    >>> from threading import Lock
    >>> with fork_waits_for(Lock()) as is_held:
    ...     is_held
    True
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock
