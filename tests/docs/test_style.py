"""README and docs are short, narrow and in plain English."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name, prose

WIDTH = 100
README_LINES = 120

OLD_IDIOMS = re.compile(
    r"\b(whoever|whatever|nobody|somebody|a person|stands?|told|beside|of its own|mend(ed|s)?|as it is|anew)\b"
    r"|(?<!there )\b(is|are|holds) no\b",
    re.IGNORECASE,
)
"""Phrases that make a sentence sound translated."""

REWRITTEN = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs/comparison.md", ROOT / "docs/results.md"]


def test_readme_fits_in_120_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


@pytest.mark.parametrize("page", REWRITTEN, ids=name)
def test_prose_is_wrapped_at_100_columns(page: Path) -> None:
    assert [line for line in prose(page) if len(line) > WIDTH] == []


@pytest.mark.parametrize("page", REWRITTEN, ids=name)
def test_pages_use_no_old_idioms(page: Path) -> None:
    assert [line for line in prose(page) if OLD_IDIOMS.search(line)] == []
