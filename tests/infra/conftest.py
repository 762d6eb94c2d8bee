"""Synthesises the environment, once for each set of settings, and shares the templates."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.synthesis import Environment, Synthesise, synthesise


@pytest.fixture(scope="session")
def stub_wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file that stands for the wheelhouse: templates only hold its hash."""
    path = tmp_path_factory.mktemp("wheelhouse") / "wheelhouse.zip"
    path.write_bytes(b"no wheels")
    return path


@pytest.fixture(scope="session")
def environment(stub_wheelhouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesise]:
    """Return a function from settings that differ from cdk.json to the synthesised environment."""

    @cache
    def cached(settings: tuple[tuple[str, Any], ...]) -> Environment:
        return synthesise(dict(settings), stub_wheelhouse, tmp_path_factory.mktemp("cdk.out"))

    def of(**settings: object) -> Environment:
        return cached(tuple(sorted(settings.items())))

    yield of
    cached.cache_clear()
