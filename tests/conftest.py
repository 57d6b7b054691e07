"""What a test may need beside this checkout, and the reason that a skipped one gives."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

settings.register_profile("ci", derandomize=True)  # the same examples each time; elsewhere new ones are tried
if os.environ.get("CI"):
    settings.load_profile("ci")

_NEEDS = {
    "shared": ((SHARED / "plants").is_dir(), "../shared/plants is absent"),
    "train": (importlib.util.find_spec("torch") is not None, "torch is not installed: pip install 'hybrid[train]'"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark, (is_there, reason) in _NEEDS.items():
            if item.get_closest_marker(mark) and not is_there:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def shared() -> Path:
    """The folder beside the checkout; a test that takes it is marked `shared`."""
    return SHARED
