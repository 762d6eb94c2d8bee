"""Read what the program prints: the lines and codes of failures, and the values that a line carries."""

import re

_MESSAGE = re.compile(r"error: (?P<what>.+) \[(?P<code>ORC-\d{3})\]")
_VALUE = re.compile(
    r"""
    (?:^|:\s)\s*(?P<command>(?:orchard|aws|cdk|make|python)\ \S.*)$ # A command ends its line
    | (?<![\w'])'(?P<quoted>[^'\n]+)'(?![\w'])
    | (?P<word>(?:[^\s'"`()\[\],;]|(?<=\d),(?=\d))*[^\s'"`()\[\],;:.])
    """,
    re.VERBOSE | re.MULTILINE,
)
_NAME = re.compile(
    r"""
    .*\d.* | [sj]-[A-Z0-9]{13}      # numbers, dates, identifiers, versions
    | --\w[\w-]*(=.*)?              # options
    | \S*/\S*\w+\S* | \w+[_=]\w+    # paths, URIs, settings
    | [\w-]*\.[a-z]{2,6}            # files and their endings
    | [A-Z]{5,}                     # states
    | ([A-Z][a-z]+){2,}(-\w+)*      # names of stacks, groups and operations
    """,
    re.VERBOSE,
)
_UNITS = frozenset({"B", "kB", "MB", "GB", "USD", "ms", "s", "min", "vCPUs"})
_ENGLISH = frozenset({"CloudFormation", "JupyterHub", "EC2", "S3"})
"""Names of products, which a text may contain or not."""


def told(written: str) -> list[str]:
    """Return the lines of standard error, a message without its code; fail if a message has none."""
    return [_without_code(line) for line in written.splitlines()]


def codes(written: str) -> list[str]:
    """Return the codes of the messages in what was written to standard error."""
    return [found["code"] for line in written.splitlines() if (found := _MESSAGE.fullmatch(line))]


def values(text: str) -> list[str]:
    """Return what stays the same if a text is reworded, in the order of the text.

    These are numbers (with their unit), commands, options, paths, URIs, states, identifiers and quoted names.
    """
    found: list[str] = []
    number = False
    for match in _VALUE.finditer(text):
        word = match["word"] or ""
        if number and word in _UNITS:
            found[-1] += f" {word}"
        elif not word:
            found.append(match["command"] or match["quoted"])
        elif _NAME.fullmatch(word) and word not in _ENGLISH:
            found.append(word)
        number = word[:1].isdigit()
    return found


def _without_code(line: str) -> str:
    if not line.startswith("error: "):
        return line
    found = _MESSAGE.fullmatch(line)
    assert found is not None, f"{line!r} carries no code"
    return f"error: {found['what']}"
