"""Tells a person of a failure, and the shell: two lines that no terminal obeys, and an exit code."""

import sys
import traceback
from collections.abc import Sequence
from typing import Protocol

from job.errors import in_two_lines
from job.plain_text import printable, printable_line


class Failure(Protocol):
    """What every failure that a person can meet says of itself."""

    what: str
    remedy: str
    code: str
    exit_code: int


def tell(failure: Failure, words: Sequence[str]) -> int:
    """Write a failure to standard error, after its whole trace if ``--debug`` is among the words; return its exit code.

    Parameters
    ----------
    failure
        The one that is being handled, or what is told of it.
    words
        The command line.
    """
    if "--debug" in words:
        sys.stderr.write(printable(traceback.format_exc()))
    sys.stderr.write(in_two_lines(printable_line(failure.what), printable(failure.remedy), failure.code))
    return failure.exit_code
