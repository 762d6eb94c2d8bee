"""Writes the pages of docs that are made from the code: the error codes, and the index of decisions."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import infra.cdk_context
import infra.emr.bootstrap.wheelhouse
import infra.errors  # noqa: F401 - its errors are on the page
import job.errors
import tools.audit  # noqa: F401 - two kinds of failure are its own
from infra.runs import diagnose
from tools.set_up import SetUpError

ROOT = Path(__file__).resolve().parent.parent
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
DECISIONS = ROOT / "docs" / "decisions"
SOURCES = ("job", "infra", "localcloud", "tools")

UNKNOWN = "…"
"""What stands in a message of the page for a value that is only known when it is said."""

Kind = type[job.errors.OrchardError] | type[SetUpError]


@dataclass(frozen=True)
class Entry:
    """What the page says about one code.

    Parameters
    ----------
    code, title, meaning, hint
        From the class's attribute and docstring.
    exit_code
        What the shell is told.
    messages
        The first lines that are said with it, ``…`` for each value.
    """

    code: str
    title: str
    meaning: str
    hint: str
    exit_code: int
    messages: tuple[str, ...]


def error_kinds() -> list[Kind]:
    """Return every class of failure that a person can meet, by code."""
    found: list[Kind] = [SetUpError, *SetUpError.__subclasses__(), *job.errors.kinds()]
    return sorted(found, key=lambda kind: kind.code)


def explained(kind: Kind) -> tuple[str, str, str]:
    """Return title, meaning and remedy of a kind of failure: the first three paragraphs of its docstring.

    Raises
    ------
    ValueError
        If it has fewer.
    """
    paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(kind) or "").split("\n\n")]
    if len(paragraphs) < 3 or "---" in " ".join(paragraphs[:3]):
        raise ValueError(f"the docstring of {kind.__name__} does not say what it means and what to do")
    return paragraphs[0], paragraphs[1], paragraphs[2]


def entries() -> list[Entry]:
    """Return what the page says, by code."""
    said = messages()
    return [
        Entry(
            kind.code,
            *explained(kind),
            kind.exit_code,
            tuple(
                sorted(
                    {
                        message
                        for room, name, message in said
                        if kind.__module__.startswith(room) and name == kind.__name__
                    }
                )
            ),
        )
        for kind in error_kinds()
    ]


def messages() -> set[tuple[str, str, str]]:
    """Return room, class and first line of every failure that the code makes; ``…`` stands for each value."""
    names = {kind.__name__ for kind in error_kinds()}
    return {
        # What the local cloud raises, the command raises again as its own.
        ("infra" if room == "localcloud" else room, name, message)
        for room in SOURCES
        for file in (ROOT / room).rglob("*.py")
        for name, message in _made(ast.parse(file.read_text()), names)
    }


def _made(tree: ast.AST, names: set[str]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
            text = _text(node.args[0])
            # What is a value from end to end says nothing to a reader of the page.
            if re.search(r"\w{3}", text):
                yield node.func.id, text


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return UNKNOWN


def troubleshooting(described: list[Entry]) -> str:
    """Return the page of all error codes."""
    parts = [_TROUBLESHOOTING_HEAD]
    for entry in described:
        said = " Said as:\n\n" + "\n".join(f"- `{message}`" for message in entry.messages) if entry.messages else ""
        parts.append(
            f"## {entry.code} {entry.title.rstrip('.')}\n\n{entry.meaning}\n\n"
            f"**To do**: {entry.hint}\n\nExit code {entry.exit_code}.{said}\n"
        )
    return "\n".join([*parts, _from_logs()])


def _from_logs() -> str:
    """Return the part of the page on what is found in the logs of a cluster."""
    failed = "The bootstrap action failed: …"
    rows = [f"| {diagnose.BOOTSTRAP_FAILED} | bootstrap action | {failed} | Mend it, then: orchard up |"]
    for cause in (*diagnose.CAUSES, *diagnose.CLUSTER_CAUSES):
        if cause.code:
            sentence, hint = (re.sub(r"{\w+}", UNKNOWN, text) for text in (cause.sentence, cause.hint))
            rows.append(f"| {cause.code} | {cause.name} | {sentence} | {hint} |")
    return _LOGS_HEAD + "\n".join(sorted(rows)) + "\n"


def decisions(folder: Path) -> str:
    """Return the index of the decisions in a folder: number, title and link of each page."""
    rows = []
    for page in sorted(folder.glob("[0-9]*.md")):
        number, _, title = page.read_text().splitlines()[0].removeprefix("# ").partition(" ")
        rows.append(f"| [{number}]({page.name}) | {title} |\n")
    return _DECISIONS_HEAD + "".join(rows)


def pages() -> dict[Path, str]:
    """Return every page that is made from the code, by its file."""
    return {TROUBLESHOOTING: troubleshooting(entries()), DECISIONS / "README.md": decisions(DECISIONS)}


def main() -> int:
    """Write the pages; return the exit code."""
    for file, text in pages().items():
        file.write_text(text)
        print(f"docs: {file.relative_to(ROOT)}")
    return 0


_TROUBLESHOOTING_HEAD = """\
# Troubleshooting: what each error code means

<!-- Written by `make docs` from the error classes; change those. -->

Every failure is two lines on standard error, what and what to do, and an exit code that is not 0:

```text
error: There is no folder '/home/me/photo'. [ORC-110]
Check its name, and that it can be reached from here.
```

The code stays the same whatever the words. `--debug` shows the whole trace. Exit codes: 1 something failed, 2 it has to
be asked for differently, 75 the same command may succeed later, 130 stopped by Ctrl-C.

| codes | what they are about |
|---|---|
| ORC-0.. | setting up |
| ORC-1.. | the job: photos, features, components, results |
| ORC-2.. | the commands of `orchard`: settings, uploads, stacks, clusters, runs |
| ORC-3.. | AWS itself |
| ORC-4.. | the local cloud and the demonstration |
| ORC-5.. | what the logs of a cluster show |
"""

_LOGS_HEAD = """\
## ORC-5.. What the logs of a cluster show

When a run or a cluster has failed, `orchard run`, `orchard up` and `orchard status` read its logs and say the probable
cause. The log itself stands behind the remedy. Where the job has said what was wrong, its own code is shown.

| code | cause | said as | to do |
|---|---|---|---|
"""

_DECISIONS_HEAD = """\
# Decisions

<!-- Written by `make docs` from the titles of the pages. -->

Choices that had an alternative: what was chosen, why, what else there was, and what it costs. One that no longer holds
is replaced by a new one that says so.

| number | what was decided |
|---|---|
"""


if __name__ == "__main__":
    sys.exit(main())
