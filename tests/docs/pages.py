"""Reads the pages of the documentation: their commands, links, prose and inline code."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PROGRAMS = ("make", "orchard", "python", "cdk", "aws", "source", "eval")
"""How a command of the documentation begins."""

NEEDS_AWS = "needs AWS"
NEEDS_PHOTOS = "needs photos"
"""Real ones, or another program: what a figure was measured with."""

NEEDS_CHECKOUT = "needs a checkout"
"""Commands that run the tests or start a server."""

RUN_BY = "run by "

_FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(rf"<!-- (?P<said>{NEEDS_AWS}|{NEEDS_PHOTOS}|{NEEDS_CHECKOUT}|{RUN_BY}\S+) -->\s*$")
_INDENTED = re.compile(r"(?:^ {4}\S.*\n(?:^ {4}.*\n|^\n(?= {4}))*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """Some lines of code of a page.

    Parameters
    ----------
    page
        The page.
    language
        What the fence says; empty where there is none.
    text
        The lines.
    marker
        What the comment above says of who runs it; empty where it is run by these tests.
    """

    page: Path
    language: str
    text: str
    marker: str

    def commands(self) -> list[str]:
        """Return the commands, without comments and with lines that go on put together."""
        whole = re.sub(r"\\\n\s*", "", self.text)
        lines = [re.sub(r"\s+# .*$", "", line).strip() for line in whole.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def pages() -> list[Path]:
    """Return README, CONTRIBUTING and every page of docs/."""
    tops = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "bench" / "README.md"]
    return [*tops, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of code of a page, fenced or indented by four spaces."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        yield Block(page, found["language"], found["text"], _marker(text[: found.start()]))
    without = _FENCE.sub("", text)
    for found in _INDENTED.finditer(without):
        lines = "".join(line[4:] + "\n" for line in found[0].splitlines())
        yield Block(page, "", lines, _marker(without[: found.start()]))


def _marker(before: str) -> str:
    found = _MARKER.search(before)
    return found["said"] if found else ""


def shell_blocks() -> list[Block]:
    """Return the blocks of all pages that hold commands."""
    found = [block for page in pages() for block in blocks(page)]
    return [block for block in found if block.language in ("", "sh") and _is_shell(block)]


def _is_shell(block: Block) -> bool:
    return block.language == "sh" or any(command.split()[0] in PROGRAMS for command in block.commands())


def prose(page: Path) -> list[str]:
    """Return the lines outside of code blocks, tables and comments."""
    text = _INDENTED.sub("", _FENCE.sub("", page.read_text()))
    return [line for line in text.splitlines() if not line.startswith(("|", "<"))]


def inline(page: Path) -> list[str]:
    """Return the inline code, outside of blocks."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", _FENCE.sub("", page.read_text()))


def inline_commands(page: Path) -> list[str]:
    """Return the commands among what stands between back quotes: a program, and more than its name."""
    quoted = [text.strip() for text in inline(page)]
    return [text for text in quoted if len(text.split()) > 1 and text.split()[0] in PROGRAMS]


def words(command: str) -> list[str]:
    """Return the words of a command, as a shell splits it."""
    return shlex.split(command)


def name(page: Path) -> str:
    """Return how a page is called in the name of a test."""
    return str(page.relative_to(ROOT))
