"""Names of sets of images, and where a set lies in the data bucket."""

import re

from infra.errors import WrongUseError

LONGEST_NAME = 64

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{LONGEST_NAME - 1}}}")


def set_prefix(name: str) -> str:
    """Return the prefix of a set's keys, with "/" at its end.

    Parameters
    ----------
    name
        The set's name.

    Raises
    ------
    WrongUseError
        If it cannot be a set's name: it is typed on command lines and stands in URIs.
    """
    if _NAME.fullmatch(name):
        return f"images/{name}/"
    suggestion = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:LONGEST_NAME] or "photos"
    raise WrongUseError(
        f"A set cannot be named '{name}': letters, digits, '.', '_' and '-' make a name, a letter or digit first, "
        f"{LONGEST_NAME} at most.",
        f"Name it: --to {suggestion}",
    )
