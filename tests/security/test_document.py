"""docs/security.md names a test for its claims, and every test that it names is there."""

import re

from tests.documents import DOCUMENTS

ROOT = DOCUMENTS.parent


def test_every_test_that_the_document_names_is_there() -> None:
    named = set(re.findall(r"`(?:tests/[a-z0-9_/]+/)?(test_[a-z0-9_]+\.py)`", (DOCUMENTS / "security.md").read_text()))
    there = {file.name for file in (ROOT / "tests").rglob("test_*.py")}

    assert len(named) > 20
    assert sorted(named - there) == []


def test_files_that_the_document_names_exist() -> None:
    named = re.findall(
        r"`((?:tests|infra|job|docs)/[A-Za-z0-9_/]+(?:\.[a-z]+)?)`", (DOCUMENTS / "security.md").read_text()
    )

    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
