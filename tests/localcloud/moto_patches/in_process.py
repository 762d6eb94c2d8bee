"""Applies patches in this process, for one test only."""

from functools import partial
from types import ModuleType

import pytest


def apply(monkeypatch: pytest.MonkeyPatch, *patches: ModuleType) -> None:
    """Apply patches until the test ends."""
    for patch in patches:
        patch.apply(partial(monkeypatch.setattr, raising=False))
