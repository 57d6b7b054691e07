"""Drawings for the commands about nonlinear systems."""

from __future__ import annotations

from hybrid.answer import Answer


def phase_plane(answer: Answer, kind: str) -> bytes:
    raise NotImplementedError
