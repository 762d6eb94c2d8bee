"""Write the parts that sections are made of: paragraphs, tables, and places for figures."""

import re
from collections.abc import Sequence
from html import escape

from job.report.messages import Messages

NAMES_SHOWN = 20


def note(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def figure(name: str, title: str, box: str = "") -> str:
    """Return the place of a figure; with ``box``, a CSS class, in a box that scrolls."""
    figure = f'<div class="figure" id="figure-{name}"></div>'
    return scrolling(figure, title, box) if box else figure


def scrolling(content: str, title: str, box: str) -> str:
    """Return HTML in a box that scrolls; ``box``: its CSS class."""
    # What scrolls must be reachable by keyboard.
    return f'<div class="{box}" tabindex="0" role="region" aria-label="{escape(title)}">{content}</div>'


def key(entries: Sequence[tuple[str, str]]) -> str:
    """Return what the colours of a figure mean, each a CSS class and a text."""
    items = "".join(f'<li><i class="{name}"></i>{escape(text)}</li>' for name, text in entries)
    return f'<ul class="key">{items}</ul>'


def facts(rows: Sequence[tuple[str, str]], more: str = "") -> str:
    """Return a table of names and values; ``more`` are rows at its end, in HTML."""
    body = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f'<table class="facts"><tbody>{body}{more}</tbody></table>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return a table; ``numbers`` are the columns that are set flush right."""
    classes = [' class="number"' if column in numbers else "" for column in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for kind, text in zip(classes, heads, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(classes, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def first(names: Sequence[str]) -> str:
    """Return the first ``NAMES_SHOWN`` of some names, with dots if there are more."""
    return ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")


def photo(thumbnail: str | None, label: str, messages: Messages) -> str:
    """Return the place of a photo; ``thumbnail``: its data URI, None without one."""
    if thumbnail is None:
        return f'<div class="photo missing">{escape(messages("no_thumbnail"))}</div>'
    return f'<div class="photo"><img src="{escape(thumbnail)}" alt="{escape(label)}"></div>'


def short_name(path: str) -> str:
    """Return a photo's name with the folder that it is in."""
    return "/".join(path.split("/")[-2:])


def natural(text: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts numbers in texts by their value: "Apple 5" before "Apple 11"."""
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", text)]


def share(value: float | None, messages: Messages, digits: int) -> str:
    """Return a share in percent, a dash for None."""
    return "–" if value is None else messages.share(value, digits)
