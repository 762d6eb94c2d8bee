"""Take labels and groups from paths by the regular expressions of options."""

import re
import unicodedata
from collections.abc import Sequence

from job.errors import UsageError

FIRST_FOLDER = "^([^/]+)/"
"""The pattern for the first folder of a path."""


def compiled(option: str, pattern: str | None) -> re.Pattern[str] | None:
    """Return an option's pattern compiled; raise UsageError unless it is a regular expression with a group."""
    if pattern is None:
        return None
    hint = f"For the first folder of each path: {option} '{FIRST_FOLDER}'"
    try:
        made = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{option} must be a regular expression, got '{pattern}': {error}.", hint) from error
    if not made.groups:
        raise UsageError(f"{option} must have a group in parentheses, got '{pattern}'.", hint)
    return made


def captured(option: str, pattern: re.Pattern[str], insides: Sequence[str]) -> list[str]:
    """Return what the pattern's first group matches in each path, in NFC; raise UsageError if a path does not match.

    ``insides``: paths inside the listed folder; whole URIs of a list.
    """
    matches = [pattern.search(nfc(inside)) for inside in insides]
    texts = [(match[1] or "").strip() if match else "" for match in matches]
    unmatched = [inside for inside, text in zip(insides, texts, strict=True) if not text]
    if unmatched:
        raise UsageError(
            f"{option} must match every path with a group that is not empty, got '{pattern.pattern}', "
            f"which does not match {len(unmatched):,} of {len(insides):,}, for instance '{unmatched[0]}'.",
            "Change the pattern, or remove these photos.",
        )
    return texts


def nfc(text: str) -> str:
    """Return a text in Unicode's composed form, in which equal labels are equal: folders zipped on a Mac are not."""
    return unicodedata.normalize("NFC", text)
