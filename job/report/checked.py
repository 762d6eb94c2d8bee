"""Read and show what a run has found about its photos: leakage, copies, suspected labels and outliers."""

from collections.abc import Collection, Mapping
from html import escape
from typing import Any

from job.quality import KINDS
from job.report import markup
from job.report.messages import Messages
from job.results import layout

Checked = Mapping[str, Any]
"""The content of ``quality/quality.json``."""


def read(output: str, listed: Collection[str]) -> Checked | None:
    """Return what was found by the files that a manifest lists; None of a prediction, or of an earlier version."""
    return layout.read_json(output, layout.QUALITY) if layout.QUALITY in listed else None


def paths(checked: Checked) -> list[str]:
    """Return the photos that are shown."""
    shown = [*checked["examples"], *checked["pairs"]]
    return [path for entry in shown for path in (entry["path"], entry["related_path"]) if path is not None]


def section(checked: Checked, thumbnails: Mapping[str, str], messages: Messages) -> str:
    """Show pairs of test and training photos, and the worst photos of each kind."""
    body = []
    leakage = checked["leakage"]
    if leakage is not None:
        body += [markup.note(leakage_note(leakage, messages)), _gallery(checked["pairs"], thumbnails, messages)]
    counted = checked["photos"]
    if not any(counted[kind] for kind in KINDS):
        return "".join([*body, markup.note(messages("nothing_to_check"))])
    body.append(markup.note(messages("to_check_note", file=layout.QUALITY_TABLE)))
    for kind in KINDS:
        shown = [entry for entry in checked["examples"] if entry["kind"] == kind]
        if shown:
            title = messages(f"kind_{kind}", photos=messages.number(counted[kind]), shown=messages.number(len(shown)))
            body += [f"<h3>{escape(title)}</h3>", _gallery(shown, thumbnails, messages)]
    return "".join(body)


def leakage_note(leakage: Mapping[str, Any], messages: Messages) -> str:
    """Return the sentences on leakage."""
    numbers = {name: messages.number(leakage[name]) for name in ("near_duplicates", "examined")}
    shares = {name: markup.share(leakage[name], messages, 1) for name in ("share", "accuracy", "accuracy_without")}
    note = messages(
        "leakage_note", **numbers, share=shares["share"], threshold=messages.number(leakage["threshold"], 2)
    )
    if leakage["accuracy"] is None:
        return note
    return f"{note} {messages('leakage_accuracy', accuracy=shares['accuracy'], without=shares['accuracy_without'])}"


def _gallery(entries: Collection[Mapping[str, Any]], thumbnails: Mapping[str, str], messages: Messages) -> str:
    return f'<div class="cards">{"".join(_pair(entry, thumbnails, messages) for entry in entries)}</div>'


def _pair(entry: Mapping[str, Any], thumbnails: Mapping[str, str], messages: Messages) -> str:
    """Return a card with a photo, its relative, their labels and the score."""
    both = [(entry["path"], entry["label"]), (entry["related_path"], entry["related_label"])]
    shown = [(path, label) for path, label in both if path is not None]
    photos = "".join(markup.photo(thumbnails.get(path), label, messages) for path, label in shown)
    names = "".join(
        f'<b>{escape(label)}</b><small title="{escape(path)}">{escape(markup.short_name(path))}</small>'
        for path, label in shown
    )
    score = f'<span class="sure">{messages.number(entry["score"], 3)}</span>'
    return f'<div class="card pair"><div class="photos">{photos}</div><div>{names}{score}</div></div>'
