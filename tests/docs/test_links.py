"""Every link of README and docs leads somewhere, and every path that is named exists."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, inline, name, pages

_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_PATH = re.compile(r"(?:job|infra|localcloud|tests|docs|tools|bench|notebooks|requirements)/[\w./-]*\w/?")

_FILE = re.compile(
    r"(?<![\w./-])(?:job|infra|localcloud|tests|docs|tools|bench|notebooks)/[\w./-]*\.(?:py|md|json|sh|in|ipynb)\b"
)
"""A path of the project with an ending, in code quotes or not."""


def slugs(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*pages(), ROOT / "CHANGELOG.md"], ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and anchor not in slugs(there)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = {text for text in inline(page) if _PATH.fullmatch(text)}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_file_that_is_named_in_a_sentence_exists(page: Path) -> None:
    named = set(_FILE.findall(page.read_text()))
    assert sorted(file for file in named if not (ROOT / file).exists() and not (page.parent / file).exists()) == []


def test_every_page_can_be_reached_from_readme() -> None:
    found, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        links = [target.partition("#")[0] for target in _LINK.findall(page.read_text())]
        todo += [(page.parent / link).resolve() for link in links if link and not link.startswith("http")]
    assert sorted(name(page) for page in set(pages()) - found) == []
