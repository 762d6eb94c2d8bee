"""README and docs are short, narrow and in plain English."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name, pages, prose

WIDTH = 100
README_LINES = 120

OLD_IDIOMS = re.compile(
    r"\b(whoever|whatever|nobody|somebody|a person|stands?|told|beside|of its own|mend(ed|s)?|as it is|anew)\b"
    r"|(?<!there )\b(is|are|holds) no\b",
    re.IGNORECASE,
)
"""Phrases that make a sentence sound translated."""

QUOTED = re.compile(r"#+ .*|- `.*`")
"""A heading or a quoted message, which cannot be wrapped."""

SECTIONS = ["Context", "Decision", "Alternatives", "Consequences"]
"""The headings of a decision, in order; a decision may have no alternatives."""

DECISIONS = [page for page in pages() if page.parent.name == "decisions" and page.name[0] == "0"]
PAGES = [*(page for page in pages() if page.parent.name != "decisions"), *DECISIONS]
WRAPPED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "localcloud" / "README.md"]
WRITTEN = [page for page in PAGES if page.name not in ("troubleshooting.md", "demarrage.md")]
"""The pages in English that are not generated from the code."""


def test_readme_fits_in_120_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


@pytest.mark.parametrize("page", WRAPPED, ids=name)
def test_prose_is_wrapped_at_100_columns(page: Path) -> None:
    too_long = [line for line in prose(page) if len(line) > WIDTH]
    assert [line for line in too_long if not QUOTED.fullmatch(line)] == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_pages_use_no_old_idioms(page: Path) -> None:
    assert [line for line in prose(page) if OLD_IDIOMS.search(line)] == []


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_decisions_have_their_sections_in_order(page: Path) -> None:
    found = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)

    assert found == [section for section in SECTIONS if section in found or section != "Alternatives"]
