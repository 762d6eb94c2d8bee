"""Print an error: two lines without terminal control characters, and an exit code."""

import difflib
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Failure(Protocol):
    """What ``tell`` prints: an ``OrchardError``, or an error of the local cloud, which imports none."""

    message: str
    hint: str
    code: str
    exit_code: int


def error_report(message: str, hint: str, code: str) -> str:
    """Return the two lines that report an error, wherever it is printed."""
    return f"error: {message} [{code}]\n{hint}\n"


def tell(failure: Failure, argv: Sequence[str]) -> int:
    """Report an error on standard error, after its traceback if ``argv`` has ``--debug``; return its exit code."""
    if "--debug" in argv:
        sys.stderr.write(printable(traceback.format_exc()))
    sys.stderr.write(error_report(printable_line(failure.message), printable(failure.hint), failure.code))
    return failure.exit_code


_JOB = "python -m job"
_PROGRAM: ContextVar[str] = ContextVar("program", default=_JOB)


@contextmanager
def started_as(program: str) -> Iterator[None]:
    """Begin the commands that messages print with another program while the block lasts."""
    token = _PROGRAM.set(program)
    try:
        yield
    finally:
        _PROGRAM.reset(token)


def job_command(arguments: str) -> str:
    """Return a command of the program that the user started: "orchard report results/", "python -m job report ..."."""
    return f"{_PROGRAM.get()} {arguments}"


def another_output() -> str:
    """Return the option that moves results elsewhere; ``orchard`` refuses --output where --name was given."""
    return "another --output" if _PROGRAM.get() == _JOB else "another --name or --output"


def nearest(text: str, known: Iterable[str]) -> str:
    """Return the known text that is most similar to a text; empty if none is similar."""
    # Without their dashes, which would make all options alike.
    names = {name.lstrip("-"): name for name in known}
    close = difflib.get_close_matches(text.lstrip("-"), names, n=1)
    return names[close[0]] if close else ""


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Return a question that begins a hint, "Did you mean --seed? "; empty if nothing known is similar to a text."""
    near = nearest(text, known)
    return f"Did you mean {near}? " if near else ""


_CONTROL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    "\u2028\u2029"  # separators of lines and paragraphs other than a newline
    "\ud800-\udfff"  # what was no UTF-8, and cannot be written as UTF-8 either
    "]"
)


def printable(text: str) -> str:
    """Return a text with control characters as backslash escapes; tabs and newlines stay."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def printable_line(text: str) -> str:
    """Return a text as ``printable`` does, with newlines escaped too, so that none can forge a line of a report."""
    return printable(text).replace("\n", "\\n")
