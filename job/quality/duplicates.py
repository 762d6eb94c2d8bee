"""Find photos that are in the run twice: the same file, or the same photo saved or resized again.

Features do not suffice for this: two frames of a turning fruit are nearer to each other than a photo and its copy with
stronger JPEG compression. So thumbnails are compared, pixel by pixel.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Broadcast, SparkContext

from job.images import THUMBNAIL_SIDE, grey_levels
from job.spark import session, workers

LARGEST_DIFFERENCE = 2.0
"""Grey levels of 255, root mean square between two thumbnails of the same photo: docs/decisions/0139-leakage.md."""

MOST_PHOTOS = 150_000
"""Thumbnails are compared in pairs up to this number of photos: 38 MB of them, and about 240 core-seconds."""

ROWS, COLUMNS = 1024, 8192
"""Shape of a block of products: 34 MB."""

TASKS_A_SLOT = 4

PIXELS = THUMBNAIL_SIDE**2

Thumbnails = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Copies:
    """For each photo, an earlier one that is the same: its number, -1 without one.

    ``similarity``: 1 for the same file; else 1 minus the difference of the thumbnails as a share of 255.
    """

    original: npt.NDArray[np.intp]
    same_file: npt.NDArray[np.bool_]
    similarity: npt.NDArray[np.float64]
    unknown: int  # photos without a digest: an earlier version of Orchard computed their features
    compared: bool  # whether thumbnails were compared


def find(context: SparkContext, photos: pa.Table) -> Copies:
    """Return the copies among the labelled photos of a run, whose rows ``labelled.read`` returns."""
    count = len(photos)
    original, similarity = np.full(count, -1, np.intp), np.ones(count)
    first: dict[str, int] = {}
    for number, digest in enumerate(photos["digest"].to_pylist()):
        earlier = number if digest is None else first.setdefault(digest, number)
        if earlier != number:
            original[number] = earlier
    same_file = original >= 0
    compared = count <= MOST_PHOTOS
    if compared:
        known = np.flatnonzero(photos["thumbnail"].is_valid().to_numpy() & ~same_file)
        nearest, differences = nearest_earlier(context, thumbnails(photos["thumbnail"].take(pa.array(known))))
        near = differences <= LARGEST_DIFFERENCE
        original[known[near]] = known[nearest[near]]
        similarity[known[near]] = 1 - differences[near] / 255
    return Copies(original, same_file, similarity, photos["digest"].null_count, compared)


def thumbnails(column: pa.ChunkedArray) -> Thumbnails:
    """Return thumbnails of shape (photos, PIXELS) from a column without nulls."""
    rows: Thumbnails = np.array([grey_levels(text) for text in column.to_pylist()], np.uint8).reshape(-1, PIXELS)
    return rows


def nearest_earlier(context: SparkContext, rows: Thumbnails) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the most similar earlier row of each row, the first of equal ones, and the differences.

    The first row, which has none, gets an infinite difference.
    """
    if not len(rows):
        return np.empty(0, np.intp), np.empty(0)
    shared = context.broadcast(rows)
    starts = list(range(0, len(rows), ROWS))
    # Later blocks have more earlier rows: dealing them out in turn makes tasks of about equal size.
    count = min(len(starts), TASKS_A_SLOT * session.slots(context))
    groups = [starts[number::count] for number in range(count)]
    tasks = context.parallelize(groups, len(groups)).flatMap(
        lambda group: [(start, *_of_block(shared, start)) for start in group]
    )
    found = sorted(tasks.collect(), key=lambda part: part[0])
    shared.unpersist()
    return np.concatenate([places for _, places, _ in found]), np.concatenate([part for _, _, part in found])


def of_block(rows: Thumbnails, start: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the result of ``nearest_earlier`` for the rows of one block.

    All products and sums are whole numbers below 2^24, so float32 is exact, in any order of addition.
    """
    block = _centred(rows[start : start + ROWS])
    stop = start + len(block)
    own = (block**2).sum(axis=1)
    best, places = np.full(len(block), -np.inf, np.float32), np.zeros(len(block), np.intp)
    for first in range(0, stop, COLUMNS):
        others = _centred(rows[first : min(first + COLUMNS, stop)])
        closeness = block @ others.T
        closeness *= 2
        closeness -= (others**2).sum(axis=1)
        later = np.arange(first, first + len(others)) >= np.arange(start, stop)[:, np.newaxis]
        if first + len(others) > start:
            closeness[later] = -np.inf
        columns = closeness.argmax(axis=1)
        values = closeness[np.arange(len(block)), columns]
        better = values > best
        best[better], places[better] = values[better], first + columns[better]
    return places, np.sqrt(np.maximum(own - best, 0, dtype=np.float64) / PIXELS)


def _of_block(shared: "Broadcast[Thumbnails]", start: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    with workers.ended_if_silent():
        return of_block(shared.value, start)


def _centred(rows: Thumbnails) -> npt.NDArray[np.float32]:
    return rows.astype(np.float32) - 128
