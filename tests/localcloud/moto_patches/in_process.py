"""Closes gaps in this process, for one test only."""

from types import ModuleType

import pytest

from localcloud import patching


def close(monkeypatch: pytest.MonkeyPatch, *gaps: ModuleType) -> None:
    """Close gaps until the test ends."""

    def replace(owner: object, name: str, new: object) -> None:
        monkeypatch.setattr(owner, name, new, raising=False)

    monkeypatch.setattr(patching, "replace", replace)
    for gap in gaps:
        gap.close()
