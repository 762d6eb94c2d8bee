"""Describes a task's photos by their keypoints, and has the descriptors written as one Parquet file; reads them back.

What a descriptor is, and how OpenCV makes it: ``job/features/words/descriptors.py``.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator

from job.features.words.descriptors import KINDS, LARGEST_SIDE, DescriptorKind, Descriptors, describer, opencv_version
from job.images.decode import DECODING, Pixels, decode_at_own_size
from job.images.limits import RejectedPhotoError
from job.images.listing import TRAIN
from job.images.prefetch import photos_in_turn
from job.results import layout
from job.spark import tasks, workers
from job.spark.tasks import Numbered, PhotosReport, usable

TASK_STAGES = ("read", "decode", "describe", "write")
"""What a task spends its time on, as in ``job.features.network.task``."""

NO_KEYPOINTS = "no keypoints were found in it"
"""The reason for which a photo without descriptors is set aside."""


@dataclass(frozen=True)
class DescriptorsTask:
    """What every task that describes photos needs to know.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Goes into the files' names.
    kind
        Name of the descriptors.
    keypoints
        At most so many a photo.
    keep_empty
        Whether a photo without keypoints is kept, with no descriptors, rather than set aside.
    """

    output: str
    run_id: str
    kind: str
    keypoints: int
    keep_empty: bool


@dataclass(frozen=True)
class DescriptorsReport:
    """What a task has done.

    Parameters
    ----------
    photos
        Its file holds descriptors.
    training
        How many descriptors the training photos have.
    empty
        How many photos without keypoints were kept.
    """

    photos: PhotosReport
    training: int
    empty: int


def provenance(kind: str, keypoints: int, keep_empty: bool) -> dict[str, Any]:
    """Return what decides the descriptors of a photo, as their files say of themselves.

    Parameters
    ----------
    kind, keypoints, keep_empty
        As ``DescriptorsTask`` has them.
    """
    return {
        "descriptor": kind,
        "keypoints": keypoints,
        "empty": keep_empty,
        "decoding": DECODING,
        "versions": {"pillow": metadata.version("pillow"), "opencv": opencv_version()},
    }


def describe_partition(task: DescriptorsTask, done: Accumulator[int], numbered: Numbered) -> DescriptorsReport:
    """Run one task: read, decode and describe its photos, write the descriptors and what was set aside.

    Parameters
    ----------
    task
        What all tasks share.
    done
        Counts photos, for the progress bar.
    numbered
        Its part of the listing, as ``photo_tasks.in_tasks`` gives it.
    """
    part = tasks.take_part(task.output, "descriptors", done, numbered)
    _load_describer(task.kind, task.keypoints)
    workers.settle()
    seconds = dict.fromkeys(TASK_STAGES, 0.0)
    with tasks.counting(done) as photo_done:
        described, reasons = describe_photos(part.photos, task, seconds, photo_done)
    used = usable(part.photos, reasons)
    rows = tasks.all_rows(part, descriptors_table(used, described), used, computed_in="")
    training, counts = pc.equal(rows["split"], TRAIN).to_numpy(), stacked(rows, KINDS[task.kind])[1]
    by = provenance(task.kind, task.keypoints, task.keep_empty)
    return DescriptorsReport(
        tasks.write_part(task.output, task.run_id, part, layout.DESCRIPTORS, rows, reasons, by, seconds),
        int(counts[training].sum()),
        int((counts == 0).sum()),
    )


def describe_photos(
    photos: pa.Table, task: DescriptorsTask, seconds: dict[str, float], photo_done: Callable[[], None]
) -> tuple[list[Descriptors], list[str | None]]:
    """Return the descriptors of each photo that can be used, and for every photo why not.

    Parameters
    ----------
    photos
        Rows of a listing.
    task
        What all tasks share.
    seconds
        Reading, decoding and describing add their time to it.
    photo_done
        Called after every photo.

    Returns
    -------
    described
        One a usable photo, in the order of the listing: uint8 of shape (keypoints found, width).
    reasons
        One a photo: None if it was described, else why not.
    """
    describe = _load_describer(task.kind, task.keypoints)
    decode = partial(decode_at_own_size, largest_side=LARGEST_SIDE)
    described: list[Descriptors] = []
    reasons: list[str | None] = []
    paths, sizes, problems = (photos[name].to_pylist() for name in ("path", "size", "problem"))
    for photo in photos_in_turn(paths, sizes, problems, decode, seconds):
        began = time.perf_counter()
        found = _describe(photo, describe, task.keep_empty)
        if isinstance(found, RejectedPhotoError):
            reasons.append(str(found))
        else:
            described.append(found)
            reasons.append(None)
        seconds["describe"] += time.perf_counter() - began
        photo_done()
    return described, reasons


def descriptors_table(used: pa.Table, described: Sequence[Descriptors]) -> pa.Table:
    """Return the rows of a descriptors file."""
    values = pa.array([rows.tobytes() for rows in described], pa.binary())
    columns = [used["path"], used["label"], used["split"], values]
    return pa.table(columns, schema=layout.DESCRIPTORS_SCHEMA)


def stacked(table: pa.Table, kind: DescriptorKind) -> tuple[Descriptors, npt.NDArray[np.int64]]:
    """Return a table's descriptors, one photo's after the other, and how many each photo has.

    Returns
    -------
    descriptors
        uint8 of shape (n, kind.width).
    counts
        Shape (photos,).
    """
    values = table["descriptors"].combine_chunks()
    counts = pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64) // kind.width
    joined = b"".join(values.to_pylist())
    return np.frombuffer(joined, np.uint8).reshape(-1, kind.width), counts


def _describe(
    photo: Pixels | RejectedPhotoError, describe: Callable[[Pixels], Descriptors], keep_empty: bool
) -> Descriptors | RejectedPhotoError:
    if isinstance(photo, RejectedPhotoError):
        return photo
    try:
        found = describe(photo)
    except RejectedPhotoError as rejection:
        return rejection
    return found if len(found) or keep_empty else RejectedPhotoError(NO_KEYPOINTS)


@lru_cache(maxsize=1)
def _load_describer(kind: str, keypoints: int) -> Callable[[Pixels], Descriptors]:
    # Once a worker process: Spark keeps the process for the next tasks.
    return describer(KINDS[kind], keypoints)
