"""Read and show the objects that a prediction found: how many of each label, and boxes on some photos."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from job.report import markup
from job.report.messages import Messages
from job.results import layout

PHOTOS_SHOWN = 12
LABELS_SHOWN = 20

SIDE = 360
"""Pixels of the longer side of a photo with boxes."""

COLOURS = 8
"""Label colours of the page."""


@dataclass(frozen=True)
class PhotoOfObjects:
    """A photo with objects, and the rows of ``layout.BOX_SCHEMA``."""

    path: str
    width: int
    height: int
    boxes: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ObjectsFound:
    """The objects of a prediction."""

    labels: Mapping[str, int]  # objects by label, most frequent first
    photos: int  # photos with objects
    shown: Sequence[PhotoOfObjects]  # at most ``PHOTOS_SHOWN``, evenly spaced


def read(output: str, listed: Collection[str], labels: Mapping[str, int]) -> ObjectsFound | None:
    """Return the objects by the files that a manifest lists; None of a prediction without --multiple."""
    if layout.OBJECTS not in listed:
        return None
    table = layout.read_parquet(output, layout.OBJECTS)
    paths = table["path"].unique()
    places = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), PHOTOS_SHOWN)).astype(int))
    shown = []
    for path in paths.take(pa.array(places)).to_pylist():
        boxes = table.filter(pc.equal(table["path"], path)).to_pylist()
        shown.append(PhotoOfObjects(path, boxes[0]["photo_width"], boxes[0]["photo_height"], boxes))
    return ObjectsFound(labels, len(paths), shown)


def section(found: ObjectsFound, previews: Mapping[str, str], messages: Messages) -> str:
    """Show the number of objects by label, and some photos with their boxes."""
    note = messages(
        "objects_note",
        objects=messages.number(sum(found.labels.values())),
        photos=messages.number(found.photos),
        file=layout.OBJECTS_TABLE,
    )
    rows = [(label, messages.number(count)) for label, count in list(found.labels.items())[:LABELS_SHOWN]]
    colours = {label: number % COLOURS for number, label in enumerate(found.labels)}
    drawn = "".join(drawing(photo, previews.get(photo.path), colours, messages) for photo in found.shown)
    table = markup.table([messages("label"), messages("objects")], rows, numbers=(1,)) if rows else ""
    return f'{markup.note(note)}<div class="boxes">{drawn}</div>{table}'


def drawing(photo: PhotoOfObjects, preview: str | None, colours: Mapping[str, int], messages: Messages) -> str:
    """Return a photo with a numbered box around each object, and the labels by number.

    ``preview``: data URI of the photo, None without one.
    """
    image = f'<image href="{escape(preview)}" width="{photo.width}" height="{photo.height}"/>' if preview else ""
    size = max(photo.width, photo.height) / 18
    boxes, rows = [], []
    for number, box in enumerate(photo.boxes, 1):
        colour = f"var(--label-{colours[box['label']]})"
        left, top, width, height = (box[name] for name in ("left", "top", "width", "height"))
        boxes.append(
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" style="stroke:{colour}"/>'
            f'<text x="{left + size / 4:.1f}" y="{top + size:.1f}" font-size="{size:.1f}">{number}</text>'
        )
        share = messages.share(box["probability"])
        rows.append(f'<li><b style="color:{colour}">{escape(box["label"])}</b> <span class="sure">{share}</span></li>')
    name = escape(markup.short_name(photo.path))
    return (
        f'<figure><svg viewBox="0 0 {photo.width} {photo.height}" role="img" aria-label="{name}">{image}'
        f'{"".join(boxes)}</svg><figcaption><small title="{escape(photo.path)}">{name}</small><ol>{"".join(rows)}</ol>'
        "</figcaption></figure>"
    )
