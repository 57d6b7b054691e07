"""Placeholder by the lead until helper 4's version lands (overwrite me)."""

from __future__ import annotations

from typing import Any

from hybrid.systems.linear import LinearSystem


def coerce(value: Any) -> LinearSystem:
    return value if isinstance(value, LinearSystem) else LinearSystem(value)
