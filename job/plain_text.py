"""Makes text from outside harmless for a terminal: names of files and labels may hold whatever somebody wrote.

A terminal obeys control characters (colours, titles, moving back over what was said), and shows text behind the signs
for right-to-left writing in another order than it is in. Both are shown as escapes instead.
"""

import re

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
