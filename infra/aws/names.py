"""What a run or a set of images may be called: names that mean the same in a key, a URI, a shell and a file system."""

import re

from infra.errors import WrongUseError

LONGEST_NAME = 64

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")


def require_name(name: str, message: str, hint: str) -> None:
    """Raise WrongUseError unless a text can be a name."""
    if not _NAME.fullmatch(name):
        raise WrongUseError(
            f"{message} '{name}' is no name: letters, digits, '.', '_' and '-' make one, a letter or digit first, "
            f"{LONGEST_NAME} at most.",
            hint,
        )


def nearest_name(text: str, otherwise: str) -> str:
    """Return the name that is nearest to a text, or another where nothing of it can stay."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:LONGEST_NAME] or otherwise
