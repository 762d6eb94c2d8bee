"""Reads what a person is told about a failure: the lines, and the code that each message must carry."""

import re

_MESSAGE = re.compile(r"error: (?P<what>.+) \[(?P<code>ORC-\d{3})\]")


def told(written: str) -> list[str]:
    """Return the lines of standard error, a message without its code; fail if a message has none."""
    return [_without_code(line) for line in written.splitlines()]


def codes(written: str) -> list[str]:
    """Return the codes of the messages in what was written to standard error."""
    return [found["code"] for line in written.splitlines() if (found := _MESSAGE.fullmatch(line))]


def _without_code(line: str) -> str:
    if not line.startswith("error: "):
        return line
    found = _MESSAGE.fullmatch(line)
    assert found is not None, f"{line!r} carries no code"
    return f"error: {found['what']}"
