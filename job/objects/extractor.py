"""Finds the objects of each photo, as the extractor of photo tasks."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast

from job.features.network.extractor import NetworkExtractor
from job.images import EXACT, Decoded, open_photo, resized
from job.objects.search import Judge, Objects, find
from job.results import layout
from job.spark.tasks import Loaded, Values

LARGEST_SIDE = 1600
"""Pixels of the longer side that a photo is reduced to: its smallest objects still have about 100."""

PHOTOS = 4096
"""Most photos of a task."""


@dataclass(frozen=True)
class ObjectExtractor:
    """Finds objects with the network and the classifier of a run."""

    network: NetworkExtractor
    judge: "Broadcast[Judge]"
    provenance: Mapping[str, Any]

    folder, schema, stage = layout.BOXES, layout.BOXES_SCHEMA, "find"
    largest_partition = PHOTOS
    decoding = EXACT

    def load(self) -> Loaded:
        """Load the network."""
        process_windows = self.network.load().process
        judge, size = self.judge.value, (self.network.backbone.width, self.network.backbone.height)

        def compute(windows: Sequence[Decoded]) -> npt.NDArray[np.float32]:
            return np.asarray(process_windows(windows), np.float32)

        def process(photos: Sequence[Decoded]) -> Iterator[Values]:
            for photo in photos:
                found = find(photo.views[0], judge, compute, size, self.network.views)
                yield as_values(found, photo)

        return Loaded(process)

    def decode(self, content: bytes) -> Decoded:
        """Decode a photo, and reduce its longer side to ``LARGEST_SIDE``."""
        photo = open_photo(content)
        scale = min(1.0, LARGEST_SIDE / max(photo.size))
        width, height = (max(1, round(length * scale)) for length in photo.size)
        return Decoded([resized(photo, width, height)], *photo.size)

    def to_column(self, values: Sequence[Values]) -> pa.Array:
        """Return the objects of each photo as a list."""
        labels = self.judge.value.classifier.labels
        return pa.array([as_boxes(found, labels) for found in values], layout.BOXES_SCHEMA.field(layout.BOXES).type)

    def tally(self, rows: pa.Table) -> Counter[str]:
        """Count the objects of each label."""
        return Counter(label for boxes in rows[layout.BOXES].to_pylist() for label in (box["label"] for box in boxes))


def as_values(found: Objects, photo: Decoded) -> Values:
    """Return the objects of a reduced photo: left, top, width and height in its own pixels, class, probability, size.

    Shape (objects, 8).
    """
    size = np.array([photo.width, photo.height])
    scale = size / photo.views[0].size
    first, last = (np.rint(found.boxes[:, axes] * scale) for axes in (slice(0, 2), slice(2, 4)))
    columns = [first, last - first, found.classes, found.probabilities, np.broadcast_to(size, first.shape)]
    values: Values = np.column_stack(columns)
    return values


def as_boxes(values: Values, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row of ``BOX_SCHEMA`` for each row of ``as_values``."""
    rows = []
    for *box, chosen, probability, width, height in values.tolist():
        numbers = [*box, labels[int(chosen)], probability, width, height]
        kinds = (int, int, int, int, str, float, int, int)
        rows.append({name: kind(n) for name, kind, n in zip(layout.BOX_SCHEMA.names, kinds, numbers, strict=True)})
    return rows
