"""Lists the photos once: which there are, their label and split, which of them are wanted, and who reads them."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.errors import PhotosNotFoundError, TooFewPhotosError
from job.images.limits import LARGEST_FILE
from job.storage import FileFound

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
        pa.field("problem", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("earlier_file", pa.string()),
        pa.field("earlier_row", pa.int32()),
    ]
)
"""A listing: URI, label (null where photos have none), split, size in bytes, why a photo cannot be opened, what changes
when its content does, and the place in an earlier run's files of what was computed of it (null where there is none)."""

SMALLEST_PARTITION = 32
"""Photos; below this the cost of starting a task shows."""

LARGEST_PARTITION = 512
"""Photos; above this a task that is lost costs too much to repeat."""

LOST_AT_MOST = 0.05
"""Share of the work that is under way at the same time: what a run that is killed has begun and not written."""

REUSED = 0.01
"""Cost of a photo whose features are reused from an earlier run, in inferences."""

BYTES_LIKE_ONE_PHOTO = 150_000
"""Decoding this many bytes takes as long as one inference by MobileNetV2 (measured on 12-megapixel JPEGs of quality
75 and 90: 115,000 and 168,000 bytes in 6.6 ms)."""


@dataclass(frozen=True)
class Subset:
    """Which photos of a listing are wanted."""

    labels: tuple[str, ...] | None = None  # only these labels; None for all
    per_label: int | None = None  # at most this many photos a label; None for all
    seed: int = 0


def list_photos(folder: str, split: str, subset: Subset = Subset()) -> pa.Table:
    """Return the listing of a folder, sorted by path.

    The label is the last folder of a photo's path; photos of the predict split have none.
    """
    photos = sorted(_photos_inside(folder), key=lambda photo: photo.inside)
    root_label = PurePosixPath(folder).name
    if split != PREDICT:
        photos = draw(photos, [label_of(photo.inside, root_label) for photo in photos], subset, folder)
    labels = [label_of(photo.inside, root_label) if split != PREDICT else None for photo in photos]
    return as_listing(
        [storage.join(folder, photo.inside) for photo in photos],
        labels,
        split,
        [photo.size for photo in photos],
        [photo.problem for photo in photos],
        [f"{photo.size}-{photo.modified}" for photo in photos],
    )


def as_listing(
    paths: Sequence[str],
    labels: Sequence[str | None],
    split: str,
    sizes: Sequence[int],
    problems: Sequence[str],
    versions: Sequence[str],
) -> pa.Table:
    """Return a listing of photos of one split, of which nothing has been computed yet."""
    count = len(paths)
    columns = [paths, labels, [split] * count, sizes, problems, versions, [None] * count, [None] * count]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, LISTING_SCHEMA, strict=True)]
    return pa.table(arrays, schema=LISTING_SCHEMA)


def label_of(inside: str, root_label: str) -> str:
    """Return a photo's label: the last folder of its path, the listed folder itself for photos right in it."""
    parents = PurePosixPath(inside).parent.name
    return parents or root_label


def with_problem_of_size(photo: FileFound) -> FileFound:
    """Return a photo with that as its problem if its file is too large to be read; else as it is."""
    if photo.size <= LARGEST_FILE or photo.problem:
        return photo
    return replace(photo, problem=f"{photo.size:,} bytes, more than the {LARGEST_FILE:,} that a photo may have")


def draw(photos: Sequence[FileFound], labels: Sequence[str], subset: Subset, folder: str) -> list[FileFound]:
    """Return the wanted photos of a folder, in the order given; ``labels`` has one for each photo.

    A photo's rank in its label comes from a hash of the seed and its path inside the folder, so that the same
    photos are drawn on any machine, in any listing order, and wherever the folder lies.
    """
    if subset.labels is None and subset.per_label is None:
        return list(photos)
    by_label: dict[str, list[str]] = {}
    for photo, label in zip(photos, labels, strict=True):
        by_label.setdefault(label, []).append(photo.inside)
    for wanted in subset.labels or ():
        if wanted not in by_label:
            raise PhotosNotFoundError(f"There is no label '{wanted}' in '{folder}'.", _suggest(wanted, set(by_label)))
    drawn = {
        inside
        for label, members in by_label.items()
        if subset.labels is None or label in subset.labels
        for inside in sorted(members, key=lambda inside: _rank(subset.seed, inside))[: subset.per_label]
    }
    return [photo for photo in photos if photo.inside in drawn]


def hold_out(photos: pa.Table, share: float, seed: int, folder: str) -> pa.Table:
    """Return a listing in which a share of each label's training photos has become test photos.

    Which ones, follows from the seed and the path inside the folder, as in a draw. Of every label the nearest whole
    number is taken (halves up), and at least one photo stays to be trained on.

    ``share``: above 0 and below 1.
    """
    rows = photos.select(["path", "label", "split"]).to_pylist()
    by_label: dict[str, list[str]] = {}
    for row in rows:
        if row["split"] == TRAIN:
            by_label.setdefault(row["label"], []).append(row["path"])
    held = {
        path
        for members in by_label.values()
        for path in sorted(members, key=lambda path: _rank(seed, path.removeprefix(f"{folder}/")))[
            : min(math.floor(share * len(members) + 0.5), len(members) - 1)
        ]
    }
    if not held:
        raise TooFewPhotosError(
            f"--holdout {share:g} keeps no photo: no label has enough of them.",
            "Choose a larger share, or give --test.",
        )
    splits = pa.array([TEST if row["path"] in held else row["split"] for row in rows], pa.string())
    return photos.set_column(photos.schema.get_field_index("split"), photos.schema.field("split"), splits)


def require_separate(folders: Sequence[str]) -> None:
    """Raise UsageError if one folder of photos lies in another: what is tested on must not have been fitted on.

    ``folders``: their URIs; links on this machine are followed.
    """
    resolved = [storage.resolved(folder) + "/" for folder in folders]
    for first in range(len(folders)):
        for second in range(first):
            if resolved[first].startswith(resolved[second]) or resolved[second].startswith(resolved[first]):
                raise PhotosNotFoundError(
                    f"'{folders[second]}' and '{folders[first]}' are the same folder, or one lies in the other.",
                    "Give folders that do not share photos.",
                )


def partition(listing: pa.Table, slots: int, largest: int = LARGEST_PARTITION) -> list[pa.Table]:
    """Cut a listing into partitions: large ones first, ever smaller ones towards the end.

    Tasks start in this order, so that all slots finish close together however fast each one is, while most
    photos are in partitions large enough for the cost of a task not to show. They are small enough for a run that is
    killed to lose little: what all slots are at together, a twentieth of the whole or ``SMALLEST_PARTITION`` each.
    """
    reused = listing["earlier_row"].is_valid().to_numpy()
    cost = np.cumsum(np.where(reused, REUSED, photo_costs(listing["size"].to_numpy())))
    partitions: list[pa.Table] = []
    start, spent = 0, 0.0
    while start < len(cost):
        share = max(SMALLEST_PARTITION, min((cost[-1] - spent) / 4, LOST_AT_MOST * cost[-1]) / slots)
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


def _photos_inside(folder: str) -> list[FileFound]:
    files = storage.list_files(folder)
    if not files:
        raise PhotosNotFoundError(f"The folder '{folder}' is empty.", "Put photos into it, one folder a label.")
    photos = [with_problem_of_size(file) for file in files if file.inside.lower().endswith(PHOTO_ENDINGS)]
    if not photos:
        endings = ", ".join(PHOTO_ENDINGS)
        raise PhotosNotFoundError(
            f"The folder '{folder}' holds {len(files)} files, but no photo.", f"Photos end in {endings}."
        )
    return photos


def _suggest(wanted: str, known: set[str]) -> str:
    close = get_close_matches(wanted, sorted(known), n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(label) for label in close)}?"
    shown = ", ".join(sorted(known)[:10])
    return f"Its labels are {shown}{', ...' if len(known) > 10 else ''}."


def _rank(seed: int, inside: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{inside}".encode(), digest_size=16).digest()
