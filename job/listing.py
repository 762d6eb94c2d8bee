"""Lists the photos once: which there are, their label and split, which of them are wanted, and who reads them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.errors import UsageError

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
"""The endings of a photo's file name, compared in lower case."""

TRAIN, TEST, PREDICT = "train", "test", "predict"
"""The splits: fitted on, evaluated on, only predicted."""

LISTING_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("split", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
    ]
)
"""A listing: URI, label (null where photos have none), split, and size in bytes of every photo."""

SMALLEST_PARTITION = 32
"""Photos; below this the cost of starting a task shows."""

LARGEST_PARTITION = 512
"""Photos; above this a task that is lost costs too much to repeat."""

BYTES_LIKE_ONE_PHOTO = 150_000
"""Decoding this many bytes takes as long as one inference by MobileNetV2 (measured on 12-megapixel JPEGs of quality
75 and 90: 115,000 and 168,000 bytes in 6.6 ms)."""


@dataclass(frozen=True)
class Subset:
    """Which photos of a listing are wanted.

    Parameters
    ----------
    labels
        Only these labels; None for all.
    per_label
        At most this many photos a label; None for all.
    seed
        Another seed draws other photos.
    """

    labels: tuple[str, ...] | None = None
    per_label: int | None = None
    seed: int = 0


def list_photos(folder: str, split: str, subset: Subset = Subset()) -> pa.Table:
    """Return the listing of a folder, sorted by path.

    The label is the last folder of a photo's path; photos of the predict split have none.

    Parameters
    ----------
    folder
        URI of the folder; searched to any depth.
    split
        One of ``TRAIN``, ``TEST``, ``PREDICT``.
    subset
        Which of the photos are wanted; the predict split is always taken whole.

    Raises
    ------
    UsageError
        If the folder does not exist, is empty or holds no photo, or holds none of a wanted label.
    """
    inside_and_size = sorted(_photos_inside(folder))
    root_label = PurePosixPath(folder).name
    rows = [(inside, label_of(inside, root_label), size) for inside, size in inside_and_size]
    if split != PREDICT:
        rows = draw(rows, subset, folder)
    labels = [label if split != PREDICT else None for _, label, _ in rows]
    return pa.table(
        [
            pa.array([storage.join(folder, inside) for inside, _, _ in rows], pa.string()),
            pa.array(labels, pa.string()),
            pa.array([split] * len(rows), pa.string()),
            pa.array([size for _, _, size in rows], pa.int64()),
        ],
        schema=LISTING_SCHEMA,
    )


def label_of(inside: str, root_label: str) -> str:
    """Return a photo's label: the last folder of its path, the listed folder itself for photos right in it."""
    parents = PurePosixPath(inside).parent.name
    return parents or root_label


def draw(rows: Sequence[tuple[str, str, int]], subset: Subset, folder: str) -> list[tuple[str, str, int]]:
    """Return the wanted rows (path inside the folder, label, size), in the order given.

    A photo's rank in its label comes from a hash of the seed and its path inside the folder, so that the same
    photos are drawn on any machine, in any listing order, and wherever the folder lies.

    Raises
    ------
    UsageError
        If a wanted label has no photo.
    """
    if subset.labels is not None:
        known = {label for _, label, _ in rows}
        for wanted in subset.labels:
            if wanted not in known:
                raise UsageError(f"There is no label '{wanted}' in '{folder}'.", _suggest(wanted, known))
        rows = [row for row in rows if row[1] in subset.labels]
    if subset.per_label is None:
        return list(rows)
    by_label: dict[str, list[str]] = {}
    for inside, label, _ in rows:
        by_label.setdefault(label, []).append(inside)
    drawn = {
        inside
        for members in by_label.values()
        for inside in sorted(members, key=lambda inside: _rank(subset.seed, inside))[: subset.per_label]
    }
    return [row for row in rows if row[0] in drawn]


def require_disjoint(listings: Iterable[pa.Table]) -> None:
    """Raise UsageError if a photo is in two listings: what is tested on must not have been fitted on."""
    seen: dict[str, str] = {}
    for listing in listings:
        for path, split in zip(listing["path"].to_pylist(), listing["split"].to_pylist(), strict=True):
            if seen.setdefault(path, split) != split:
                raise UsageError(
                    f"'{path}' is in two of the folders given: for '{seen[path]}' and for '{split}'.",
                    "Give folders that do not lie in each other.",
                )


def partition(listing: pa.Table, slots: int, largest: int = LARGEST_PARTITION) -> list[pa.Table]:
    """Cut a listing into partitions: large ones first, ever smaller ones towards the end.

    Tasks start in this order, so that all slots finish close together however fast each one is, while most
    photos are in partitions large enough for the cost of a task not to show.

    Parameters
    ----------
    listing
        Rows of ``LISTING_SCHEMA``.
    slots
        How many tasks run at the same time.
    largest
        The most photos that a partition may hold.
    """
    cost = np.cumsum(photo_costs(listing["size"].to_numpy()))
    partitions: list[pa.Table] = []
    start, spent = 0, 0.0
    while start < len(cost):
        share = max(SMALLEST_PARTITION, (cost[-1] - spent) / (4 * slots))
        end = int(np.searchsorted(cost, spent + min(share, largest), side="right"))
        end = min(max(end, start + 1), start + largest)
        partitions.append(listing.slice(start, end - start))
        start, spent = end, float(cost[end - 1])
    return partitions


def photo_costs(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return what each photo costs, in inferences, from its size in bytes."""
    return 1.0 + sizes / BYTES_LIKE_ONE_PHOTO


def count_by_label(listing: pa.Table, split: str) -> dict[str, int]:
    """Return how many photos of a split each label has, sorted by label."""
    labels = listing.filter(pc.equal(listing["split"], split))["label"].drop_null()
    counts = {entry["values"]: entry["counts"] for entry in labels.value_counts().to_pylist()}
    return dict(sorted(counts.items()))


def _photos_inside(folder: str) -> list[tuple[str, int]]:
    files = list(storage.list_files(folder))
    if not files:
        raise UsageError(f"The folder '{folder}' is empty.", "Put photos into it, one folder a label.")
    photos = [(inside, size) for inside, size in files if inside.lower().endswith(PHOTO_ENDINGS)]
    if not photos:
        endings = ", ".join(PHOTO_ENDINGS)
        raise UsageError(f"The folder '{folder}' holds {len(files)} files, but no photo.", f"Photos end in {endings}.")
    return photos


def _suggest(wanted: str, known: set[str]) -> str:
    close = get_close_matches(wanted, sorted(known), n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(label) for label in close)}?"
    shown = ", ".join(sorted(known)[:10])
    return f"Its labels are {shown}{', ...' if len(known) > 10 else ''}."


def _rank(seed: int, inside: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{inside}".encode("utf-8", "surrogateescape"), digest_size=16).digest()
