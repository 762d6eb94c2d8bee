"""Tells a person of a failure, and the shell: two lines that no terminal obeys, and an exit code."""

import re
import sys
import traceback
from collections.abc import Sequence
from typing import Protocol

from job.errors import error_report


class Failure(Protocol):
    """What every failure that a person can meet says of itself."""

    message: str
    hint: str
    code: str
    exit_code: int


def tell(failure: Failure, words: Sequence[str]) -> int:
    """Write a failure to standard error, after its whole trace if ``--debug`` is among the words; return its exit code."""
    if "--debug" in words:
        sys.stderr.write(printable(traceback.format_exc()))
    sys.stderr.write(error_report(printable_line(failure.message), printable(failure.hint), failure.code))
    return failure.exit_code


_OBEYED = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    "\u2028\u2029"  # lines and paragraphs that are no newline
    "\ud800-\udfff"  # what was no UTF-8, and cannot be written as UTF-8 either
    "]"
)


def printable(text: str) -> str:
    """Return a text in which what a terminal would obey is an escape, backslash and all; newlines stay."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_line(text: str) -> str:
    """Return a text as ``printable`` does, on one line: a newline is an escape too, and cannot forge a line of ours."""
    return printable(text).replace("\n", "\\n")
