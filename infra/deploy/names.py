"""What a run or a set of images may be called: names that mean the same in a key, a URI, a shell and a file system."""

import re

from infra.errors import WrongUseError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def require_name(name: str, what: str) -> None:
    """Raise WrongUseError unless a text can be a name.

    Parameters
    ----------
    name
        The text.
    what
        What it names, for the message.
    """
    if not _NAME.fullmatch(name):
        raise WrongUseError(
            f"{what} '{name}' is no name.",
            "Begin with a letter or digit, and go on with those, dots, hyphens and underscores.",
        )
