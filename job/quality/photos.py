"""The list of photos to check, worst first."""

from dataclasses import dataclass

import pyarrow as pa

from job.quality import DUPLICATE, LABEL, NEAR_DUPLICATE, OUTLIER
from job.quality.duplicates import Copies
from job.quality.suspects import UNUSUAL_DEVIATIONS, Judged

SCHEMA = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("related_path", pa.string()),
    ]
)

DIGITS = 4
"""Of the scores: more would depend on the order in which floats are added."""

TWO_LABELS, WRONG_LABEL, TWO_SPLITS, COPY, UNUSUAL = range(5)
"""How bad an entry is, the worst first."""


@dataclass(frozen=True)
class Photo:
    """A photo to check."""

    path: str
    label: str
    kind: str
    score: float
    related_path: str | None
    related_label: str | None
    severity: int


def of_copies(photos: pa.Table, copies: Copies) -> list[Photo]:
    """Return the photos that are copies of earlier ones; ``photos``: the rows that ``labelled.read`` returns."""
    paths, labels, splits = (photos[name].to_pylist() for name in ("path", "label", "split"))
    found = []
    for copy in (copies.original >= 0).nonzero()[0].tolist():
        original = int(copies.original[copy])
        kind = DUPLICATE if copies.same_file[copy] else NEAR_DUPLICATE
        severity = COPY if splits[copy] == splits[original] else TWO_SPLITS
        severity = severity if labels[copy] == labels[original] else TWO_LABELS
        score = round(float(copies.similarity[copy]), DIGITS)
        found.append(Photo(paths[copy], labels[copy], kind, score, paths[original], labels[original], severity))
    return found


def of_judged(judged: Judged) -> list[Photo]:
    """Return the photos with a suspected label, and the outliers of the other labels."""
    suspected, deviations, typical = judged.suspected(), judged.deviations(), judged.typical()
    outliers = sorted(set((deviations >= UNUSUAL_DEVIATIONS).nonzero()[0].tolist()) - set(suspected.tolist()))

    def photo(row: int, kind: str, score: float, label: int, severity: int) -> Photo:
        related = int(typical[label])
        return Photo(
            judged.paths[row],
            judged.labels[judged.given[row]],
            kind,
            round(score, DIGITS),
            judged.paths[related] if related >= 0 else None,
            judged.labels[label],
            severity,
        )

    margins = judged.margins()
    return [
        *(photo(row, LABEL, float(margins[row]), int(judged.other[row]), WRONG_LABEL) for row in suspected.tolist()),
        *(photo(row, OUTLIER, float(deviations[row]), int(judged.given[row]), UNUSUAL) for row in outliers),
    ]


def worst_first(found: list[Photo]) -> list[Photo]:
    """Return photos by severity, then by score."""
    return sorted(found, key=lambda photo: (photo.severity, -photo.score, photo.path, photo.kind))


def table(found: list[Photo]) -> pa.Table:
    """Return the rows of the list."""
    return pa.table([[getattr(photo, name) for photo in found] for name in SCHEMA.names], schema=SCHEMA)
