"""Draw the photos that a figure shows: evenly over the labels, however many photos there are."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from job.matrices import matrix
from job.results import layout

PHOTOS_SHOWN = 2400
"""Points of the scatter: enough to see groups, few enough to draw at once on a phone."""

COMPONENTS_READ = 50
"""Photos are compared by these; the others hold little of the variance."""

FILES_AT_A_TIME = 8


@dataclass(frozen=True)
class PhotoSample:
    """Some photos of a run, in random order."""

    paths: list[str]
    labels: list[str | None]
    splits: list[str]
    components: npt.NDArray[np.float32]  # float32 of shape (photos, at most ``COMPONENTS_READ``)
    total: int  # how many photos the run has, of which these were drawn
    plane: npt.NDArray[np.float64] | None = None  # positions on the map, of shape (photos, 2), if there is one


def draw(output: str, files: Sequence[str], label_counts: Iterable[int], total: int) -> PhotoSample:
    """Return a sample of the photos in components files; the same files give the same sample.

    ``label_counts``: photos of each label (photos without one count as one label).
    """
    most = photos_a_label(label_counts, PHOTOS_SHOWN)
    with ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        parts = list(pool.map(lambda item: _drawn_from_file(output, item[1], item[0], most), enumerate(files)))
    if not parts:
        return PhotoSample([], [], [], np.empty((0, 0), np.float32), total)
    photos = pa.concat_tables([part[0] for part in parts])
    values = np.concatenate([part[1] for part in parts])
    ranks = np.concatenate([part[2] for part in parts])
    kept = lowest_of_each(photos["label"].to_pylist(), ranks, most)[:PHOTOS_SHOWN]
    drawn = photos.take(pa.array(kept)).to_pydict()
    return PhotoSample(drawn["path"], drawn["label"], drawn["split"], values[kept], total)


def photos_a_label(label_counts: Iterable[int], wanted: int) -> int:
    """Return the most photos that each label may give so that all together give no more than is wanted; at least 1."""
    counts = np.array(list(label_counts), np.int64)
    most = bisect_right(range(wanted + 1), wanted, key=lambda photos: int(np.minimum(counts, photos).sum())) - 1
    return max(most, 1)


def lowest_of_each(labels: Sequence[str | None], ranks: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
    """Return the rows with the lowest ranks of each label, at most so many of one, ordered by rank."""
    seen: dict[str | None, int] = {}
    kept = []
    for row in np.argsort(ranks, kind="stable"):
        label = labels[row]
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= most:
            kept.append(row)
    return np.array(kept, np.int64)


Part = tuple[pa.Table, npt.NDArray[np.float32], npt.NDArray[np.float64]]


def _drawn_from_file(output: str, file: str, number: int, most: int) -> Part:
    table = layout.read_parquet(output, file)
    labels = table["label"].to_pylist()
    ranks = np.random.default_rng(number).random(len(labels))
    kept = lowest_of_each(labels, ranks, most)
    # Of the other photos nothing is kept in memory, however many there are.
    drawn = table.take(pa.array(kept))
    values = matrix(drawn["components"])[:, :COMPONENTS_READ].copy()
    return drawn.drop_columns(["components"]), values, ranks[kept]
