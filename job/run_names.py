"""Check the names of runs, and name a run that was given none.

Loads neither Arrow nor Spark: ``orchard`` checks names before it does anything else.
"""

import re
import time

LONGEST = 64

RULE = f"1-{LONGEST} letters, digits, '.', '_' and '-', starting with a letter or digit"

_VALID = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST - 1}}}")
"""Names that mean the same in an S3 key, a URI, a shell and a file system."""


def is_valid(name: str) -> bool:
    """Return whether a text can name a run, and the folder of its results."""
    return _VALID.fullmatch(name) is not None


def nearest(text: str, otherwise: str) -> str:
    """Return the valid name that is nearest to a text, or another name if no part of the text is valid."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:LONGEST] or otherwise


def default(now: float | None = None) -> str:
    """Return a name from the time in UTC, like 20261129T123000Z.

    Parameters
    ----------
    now
        Seconds since 1970; None for the clock of this machine.
    """
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def folder(name: str) -> str:
    """Return the folder of a run's results, on this machine and in the data bucket."""
    return f"results/{name}"
