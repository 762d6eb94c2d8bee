"""List the photos of a folder with their labels, draw subsets, and cut the listing into tasks."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from job import storage
from job.errors import PhotosNotFoundError, ShardsError
from job.images.decode import EXACT, SCALED
from job.images.formats import FORMAT_NAMES, count_endings, describe_ignored, is_photo
from job.images.labels import labels_of
from job.images.limits import LARGEST_FILE
from job.images.patterns import nfc
from job.storage import FileFound, shards

TRAIN, TEST, PREDICT = "train", "test", "predict"
"""The splits: photos to fit, to evaluate, and to predict only."""

MEMBER = (
    pa.field("archive", pa.string()),
    pa.field("start", pa.int64()),
    pa.field("stored", pa.int64()),
    pa.field("size", pa.int64()),
    pa.field("crc", pa.int64()),
)
"""The fields of ``storage.Member``."""

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
        pa.field("group", pa.string()),
        pa.field("member", pa.struct(MEMBER)),
    ]
)
"""A listing: URI, label (null without labels), split, size in bytes, why a photo cannot be opened, a version that
changes with its content, the file and row of an earlier run with its values (null without one), the group (null
without groups), and where the photo is in an archive (null if it is a file)."""

SMALLEST_PARTITION = 32
"""Photos. Below this the cost of starting a task shows."""

LARGEST_PARTITION = 512
"""Photos. Above this a lost task costs too much to repeat."""

LOST_AT_MOST = 0.05
"""Share of the work that runs at the same time, which a killed run has begun and not written."""

LIGHTLY_LOST = 128
"""Photos of a slot that a killed run may always lose: seconds of work, where each task and file more cost 10
milliseconds in every stage."""

REUSED = 0.01
"""Cost of a photo whose features are reused from an earlier run, in inferences."""

FOLDERS_SHOWN = 5

ARCHIVES_AT_A_TIME = 16
"""Archives of a folder that are listed together: each takes requests that are mostly waiting."""

BYTES_LIKE_ONE_PHOTO = {EXACT: 150_000, SCALED: 500_000}
"""Decoding this many bytes takes as long as one inference by MobileNetV2, by ``--decode`` (measured on 12-megapixel
JPEGs: exactly, 115,000 and 168,000 bytes of quality 75 and 90 in 6.6 ms; scaled, 510,000 bytes in 7 ms)."""


@dataclass(frozen=True)
class Subset:
    """The photos of a listing to use."""

    labels: tuple[str, ...] | None = None  # only these labels; None for all
    per_label: int | None = None  # at most this many photos a label; None for all
    seed: int = 0


@dataclass
class LeftOut:
    """Fills with what listings leave out of folders."""

    ignored: Counter[str] = field(default_factory=Counter)  # files that are not photos, by ending
    skipped: list[str] = field(default_factory=list)  # URIs of folders that belong to a system
    unreadable: list[str] = field(default_factory=list)  # URIs of folders
    empty: list[str] = field(default_factory=list)  # URIs of folders without a photo

    def lines(self) -> list[str]:
        """Return a line for each kind."""
        kinds = (
            ("Skipped {} of the system: {}.", self.skipped),
            ("Warning: cannot read {}: {}.", self.unreadable),
            ("Warning: there is no photo in {}: {}.", self.empty),
        )
        lines = [describe_ignored(self.ignored)] if self.ignored else []
        for text, folders in kinds:
            if folders:
                number = f"{len(folders):,} {'folder' if len(folders) == 1 else 'folders'}"
                shown = ", ".join(folders[:FOLDERS_SHOWN]) + (", ..." if len(folders) > FOLDERS_SHOWN else "")
                lines.append(text.format(number, shown))
        return lines

    def as_manifest(self) -> dict[str, Any]:
        """Return the manifest's entry "ignored"."""
        folders = {"skipped": self.skipped, "unreadable": self.unreadable, "empty": self.empty}
        return {"files": dict(sorted(self.ignored.items())), **{name: sorted(each) for name, each in folders.items()}}


def list_photos(
    folder: str,
    split: str,
    subset: Subset = Subset(),
    left_out: LeftOut | None = None,
    pattern: re.Pattern[str] | None = None,
) -> pa.Table:
    """Return the listing of a folder, sorted by path; photos of the predict split have no label.

    Parameters
    ----------
    pattern
        Of ``--label-pattern``; None takes the last folder of a photo's path as its label.
    """
    photos = sorted(_photos_inside(folder, left_out or LeftOut()), key=lambda photo: photo.inside)
    label_of: dict[str, str] = {}
    if split != PREDICT:
        insides = [storage.without_archive(photo.inside) for photo in photos]
        labels = labels_of(insides, PurePosixPath(folder).name, pattern)
        label_of = {photo.inside: label for photo, label in zip(photos, labels, strict=True)}
        photos = draw(photos, labels, subset, folder)
    return as_listing(
        [storage.join(folder, photo.inside) for photo in photos],
        [label_of.get(photo.inside) for photo in photos],
        split,
        [photo.size for photo in photos],
        [photo.problem for photo in photos],
        [f"{photo.size}-{photo.modified}" for photo in photos],
        [asdict(photo.member) if photo.member else None for photo in photos],
    )


def as_listing(
    paths: Sequence[str],
    labels: Sequence[str | None],
    split: str,
    sizes: Sequence[int],
    problems: Sequence[str],
    versions: Sequence[str],
    members: Sequence[dict[str, Any] | None] = (),
) -> pa.Table:
    """Return a listing of photos of one split, of which nothing has been computed yet."""
    nothing = [None] * len(paths)
    splits = [split] * len(paths)
    columns = [paths, labels, splits, sizes, problems, versions, nothing, nothing, nothing, members or nothing]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, LISTING_SCHEMA, strict=True)]
    return pa.table(arrays, schema=LISTING_SCHEMA)


def with_problem_of_size(photo: FileFound) -> FileFound:
    """Return a photo, with a problem if its file is too large to be read."""
    if photo.size <= LARGEST_FILE or photo.problem:
        return photo
    return replace(photo, problem=f"{photo.size:,} bytes, more than the {LARGEST_FILE:,} allowed")


def draw(photos: Sequence[FileFound], labels: Sequence[str], subset: Subset, folder: str) -> list[FileFound]:
    """Return the wanted photos of a folder, in the order given; ``labels`` has one for each photo.

    A photo's rank in its label is a hash of the seed and its path inside the folder, so that the same photos are drawn
    on every machine, in every listing order, and wherever the folder is.
    """
    if subset.labels is None and subset.per_label is None:
        return list(photos)
    by_label: dict[str, list[str]] = {}
    for photo, label in zip(photos, labels, strict=True):
        by_label.setdefault(label, []).append(photo.inside)
    chosen = None if subset.labels is None else {nfc(label) for label in subset.labels}
    for wanted in sorted(chosen or ()):
        if wanted not in by_label:
            raise PhotosNotFoundError(
                f"--labels must name labels of '{folder}', got '{wanted}'.", _suggest(wanted, set(by_label))
            )
    drawn = {
        inside
        for label, members in by_label.items()
        if chosen is None or label in chosen
        for inside in sorted(members, key=lambda inside: rank(subset.seed, storage.without_archive(inside)))[
            : subset.per_label
        ]
    }
    return [photo for photo in photos if photo.inside in drawn]


def require_separate(folders: Sequence[str]) -> None:
    """Raise UsageError if one folder of photos is inside another, because test photos must not be fitted.

    Links on this machine are followed.
    """
    resolved = [storage.resolved(folder) + "/" for folder in folders]
    for first in range(len(folders)):
        for second in range(first):
            if resolved[first].startswith(resolved[second]) or resolved[second].startswith(resolved[first]):
                raise PhotosNotFoundError(
                    f"Folders of photos must be separate, got '{folders[second]}' and '{folders[first]}'.",
                    "Choose folders of which none is inside another.",
                )


def partition(listing: pa.Table, slots: int, largest: int = LARGEST_PARTITION, decoding: str = EXACT) -> list[pa.Table]:
    """Cut a listing into partitions, which become smaller towards the end.

    Tasks start in this order, so all slots finish at about the same time, while most photos are in partitions large
    enough to hide the cost of a task. A killed run loses what all slots are working on: at most a twentieth of the
    whole, or ``LIGHTLY_LOST`` per slot.
    """
    reused = listing["earlier_row"].is_valid().to_numpy()
    cost = np.cumsum(np.where(reused, REUSED, photo_costs(listing["size"].to_numpy(), decoding)))
    partitions: list[pa.Table] = []
    start, spent = 0, 0.0
    while start < len(cost):
        most = max(LOST_AT_MOST * cost[-1] / slots, LIGHTLY_LOST)
        share = max(SMALLEST_PARTITION, min((cost[-1] - spent) / 4 / slots, most))
        end = int(np.searchsorted(cost, spent + min(share, largest), side="right"))
        end = min(max(end, start + 1), start + largest)
        partitions.append(listing.slice(start, end - start))
        start, spent = end, float(cost[end - 1])
    return partitions


def photo_costs(sizes: npt.NDArray[np.int64], decoding: str = EXACT) -> npt.NDArray[np.float64]:
    """Return the cost of each photo in inferences, from its size in bytes."""
    return 1.0 + sizes / BYTES_LIKE_ONE_PHOTO[decoding]


def of_split(rows: pa.Table, split: str) -> pa.Table:
    """Return the rows of a split, of any table with a column of splits."""
    return rows.filter(pc.equal(rows["split"], split))


def with_column(rows: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return rows with other values in a column that they have."""
    place = rows.schema.get_field_index(name)
    return rows.set_column(place, rows.schema.field(place), values)


def count_by_label(listing: pa.Table, split: str) -> dict[str, int]:
    """Return how many photos of a split each label has, sorted by label."""
    labels = of_split(listing, split)["label"].drop_null()
    counts = {entry["values"]: entry["counts"] for entry in labels.value_counts().to_pylist()}
    return dict(sorted(counts.items()))


def _photos_inside(folder: str, left_out: LeftOut) -> list[FileFound]:
    skipped = storage.Skipped()
    files = storage.list_files(folder, skipped)
    if not any(is_photo(file.inside) for file in files):
        # A folder of archives. An archive next to photos is more likely to be a copy of them.
        files = _with_members(folder, files, skipped)
    else:
        require_no_shards([file.inside for file in files if file.member is None], folder)
    photos = [with_problem_of_size(file) for file in files if is_photo(file.inside)]
    ignored = count_endings(file.inside for file in files if not is_photo(file.inside))
    left_out.ignored.update(ignored)
    left_out.skipped += [storage.join(folder, name) for name in skipped.system]
    left_out.unreadable += [storage.join(folder, name) for name in skipped.unreadable]
    left_out.empty += [storage.join(folder, name) for name in _empty(skipped.folders, photos)]
    if not files:
        raise PhotosNotFoundError(
            f"The folder '{folder}' must contain photos, got an empty folder.",
            "Put photos into it, one folder per label.",
        )
    if not photos:
        raise PhotosNotFoundError(
            f"The folder '{folder}' must contain photos, got other files only ({len(files):,}).",
            f"{describe_ignored(ignored)} Add photos in {FORMAT_NAMES}.",
        )
    return photos


def require_no_shards(insides: Iterable[str], folder: str) -> None:
    """Raise ShardsError if a shard is among the files of a folder with single photos: some may be in both."""
    shard = next((inside for inside in insides if shards.is_shard(inside)), None)
    if shard is not None:
        raise ShardsError(
            f"'{folder}' must have either shards or single photos, got photos next to '{shard}'.",
            "Send the photos to a set of another name: orchard upload FOLDER NAME --shards",
        )


def _with_members(folder: str, files: Sequence[FileFound], skipped: storage.Skipped) -> list[FileFound]:
    """Return the files of a folder, with the members of archives in their place."""
    packed = [file.inside for file in files if storage.is_archive(file.inside) and file.member is None]
    with ThreadPoolExecutor(ARCHIVES_AT_A_TIME) as pool:
        listed = pool.map(lambda inside: storage.list_members(storage.join(folder, inside), inside), packed)
        members = dict(zip(packed, listed, strict=True))
    shards.require_whole({inside: index for inside, (_, index) in members.items() if index is not None}, folder)
    found = chain.from_iterable(members[file.inside][0] if file.inside in members else [file] for file in files)
    return storage.without_hidden(list(found), skipped)


def _empty(folders: Sequence[str], photos: Sequence[FileFound]) -> list[str]:
    """Return the folders without a photo, of nested ones only the outermost."""
    used = {str(parent) for photo in photos for parent in PurePosixPath(photo.inside).parents}
    empty = set(folders) - used
    return sorted(folder for folder in empty if str(PurePosixPath(folder).parent) not in empty)


def _suggest(wanted: str, known: set[str]) -> str:
    close = get_close_matches(wanted, sorted(known), n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(repr(label) for label in close)}?"
    shown = ", ".join(sorted(known)[:10])
    return f"Its labels are {shown}{', ...' if len(known) > 10 else ''}."


def paths_inside(photos: pa.Table, folder: str) -> list[str]:
    """Return the path of each photo of a listing inside its folder, or inside an archive of that folder."""
    return [storage.path_inside(path, folder) for path in photos["path"].to_pylist()]


def rank(seed: int, inside: str) -> bytes:
    """Return what photos and groups are drawn by: the same for equal names on every machine."""
    return hashlib.blake2b(f"{seed}\0{inside}".encode(), digest_size=16).digest()
