"""Write the pages of docs/ that come from the code: the error codes and the index of decisions."""

import ast
import inspect
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import infra.cdk_context
import infra.emr.bootstrap.wheelhouse
import infra.errors  # noqa: F401 - its errors are on the page
import job.errors
from infra.runs import diagnose
from tools.set_up import SetUpError

ROOT = Path(__file__).resolve().parent.parent
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
DECISIONS = ROOT / "docs" / "decisions"
SOURCES = ("job", "infra", "localcloud", "tools")

WIDTH = 100
"""Columns of a line of prose."""

UNKNOWN = "…"
"""Replaces each value in a message."""

Kind = type[job.errors.OrchardError] | type[SetUpError]


class Entry(NamedTuple):
    """What the page says about one code; ``messages`` are the first lines printed with it, ``…`` for each value."""

    code: str
    title: str
    meaning: str
    hint: str
    exit_code: int
    messages: list[str]


def error_kinds() -> list[Kind]:
    """Return every coded error class, sorted by code."""
    found: list[Kind] = [SetUpError, *SetUpError.__subclasses__(), *job.errors.kinds()]
    return sorted(found, key=lambda kind: kind.code)


def explained(kind: Kind) -> tuple[str, str, str]:
    """Return title, meaning and hint of an error class: its docstring must have these three paragraphs."""
    paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(kind) or "").split("\n\n")]
    if len(paragraphs) < 3 or "---" in " ".join(paragraphs[:3]):
        raise ValueError(f"the docstring of {kind.__name__} must say what the error means and what to do")
    return paragraphs[0], paragraphs[1], paragraphs[2]


def entries() -> list[Entry]:
    """Return the entries of the page, sorted by code."""
    kinds = error_kinds()
    printed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for source, name, text in messages({kind.__name__ for kind in kinds}):
        printed[source, name].add(text)
    return [
        Entry(
            kind.code, *explained(kind), kind.exit_code, sorted(printed[kind.__module__.split(".")[0], kind.__name__])
        )
        for kind in kinds
    ]


def messages(names: set[str]) -> Iterator[tuple[str, str, str]]:
    """Yield source folder, class and first line of each error that the code constructs, for the named classes."""
    files = [(source, file) for source in SOURCES for file in (ROOT / source).rglob("*.py")]
    for source, file in [("job", ROOT / "orchard.py"), *files]:
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                # A message that is only a value tells the reader nothing.
                case ast.Call(ast.Name(name), [first, *_]) if name in names and re.search(r"\w{3}", _text(first)):
                    # The command raises again what the local cloud raises.
                    yield source.replace("localcloud", "infra"), name, _text(first)


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value):
            return str(value)
        case ast.JoinedStr(parts):
            return "".join(map(_text, parts))
    return UNKNOWN


def troubleshooting(described: list[Entry]) -> str:
    """Return the page of all error codes."""
    parts = [_TROUBLESHOOTING_HEAD]
    for entry in described:
        said = " Said as:\n\n" + "\n".join(f"- `{message}`" for message in entry.messages) if entry.messages else ""
        parts.append(
            f"## {entry.code} {entry.title.rstrip('.')}\n\n{_wrapped(entry.meaning)}\n\n"
            f"{_wrapped(f'**To do**: {entry.hint}')}\n\nExit code {entry.exit_code}.{said}\n"
        )
    return "\n".join([*parts, _from_logs()])


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _from_logs() -> str:
    """Return the section on causes that cluster logs show."""
    failed, fix = "The bootstrap action failed: …", "Fix the cause above, then run: orchard up"
    rows = [f"| {diagnose.BOOTSTRAP_FAILED} | bootstrap action | {failed} | {fix} |"]
    for cause in (*diagnose.CAUSES, *diagnose.CLUSTER_CAUSES):
        if cause.code:
            sentence, hint = (re.sub(r"{\w+}", UNKNOWN, text) for text in (cause.sentence, cause.hint))
            rows.append(f"| {cause.code} | {cause.name} | {sentence} | {hint} |")
    return _LOGS_HEAD + "\n".join(sorted(rows)) + "\n"


def decisions() -> str:
    """Return the index of the decisions."""
    rows = []
    for page in sorted(DECISIONS.glob("[0-9]*.md")):
        number, _, title = page.read_text().splitlines()[0].removeprefix("# ").partition(" ")
        rows.append(f"| [{number}]({page.name}) | {title} |\n")
    return _DECISIONS_HEAD + "".join(rows)


def pages() -> dict[Path, str]:
    """Return the text of each page by its file."""
    return {TROUBLESHOOTING: troubleshooting(entries()), DECISIONS / "README.md": decisions()}


_TROUBLESHOOTING_HEAD = """\
# Troubleshooting: what each error code means

<!-- Written by `make docs` from the error classes; change those. -->

After reading this page you can look up what an error code means and how to fix it. Every failure
prints two lines to standard error, the error and how to fix it, and ends with a non-zero exit code:

```text
error: There is no folder '/home/me/photo'. [ORC-110]
Check its name, and that it can be reached from here.
```

A code never changes its meaning. `--debug` shows the traceback. Exit codes: 1 failure, 2 invalid
usage or input, 75 temporary failure, try again later, 130 stopped by Ctrl-C.

| codes | area |
|---|---|
| ORC-0.. | set-up |
| ORC-1.. | the job: photos, features, components, results |
| ORC-2.. | the commands of `orchard`: settings, uploads, stacks, clusters, runs |
| ORC-3.. | AWS itself |
| ORC-4.. | the local cloud and the demonstration |
| ORC-5.. | what the logs of a cluster show |
"""

_LOGS_HEAD = """\
## ORC-5.. What the logs of a cluster show

After a run or a cluster fails, `orchard run`, `orchard up` and `orchard status` read its logs and
print the probable cause, with the address of the log after the fix. If the job reported its own
error, they print its code instead.

| code | cause | said as | to do |
|---|---|---|---|
"""

_DECISIONS_HEAD = """\
# Decisions

<!-- Written by `make docs` from the titles of the pages. -->

After reading this page you can find out why a choice was made. Each page has the context, the
decision, the alternatives with the reason against each, and the consequences.

| number | decision |
|---|---|
"""


if __name__ == "__main__":
    for written, content in pages().items():
        written.write_text(content)
        print(f"docs: {written.relative_to(ROOT)}")
