"""Computes the features of a partition's photos, in one Spark task, and writes them as one Parquet file."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Accumulator, SparkFiles

from job import filesystems, results, resume, workers
from job.backbone import Backbone, BackboneDescription
from job.listing import PREDICT
from job.photo_limits import RejectedPhotoError
from job.reading import Pixels, decode, photos_in_turn
from job.results import DataFile

TASK_STAGES = ("read", "decode", "infer", "write")
"""What a task spends its time on; reading is the time it waited for bytes, beside what was read ahead."""


@dataclass(frozen=True)
class FeaturesTask:
    """What every task of the stage needs to know.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Goes into the files' names.
    backbone
        Description of the exported network.
    model_file
        The name under which Spark carries the exported file to the executors.
    precision
        As ``--precision`` names it.
    made_by
        What decides the features of a photo; the files say it of themselves.
    """

    output: str
    run_id: str
    backbone: BackboneDescription
    model_file: str
    precision: str
    made_by: Mapping[str, Any]


@dataclass(frozen=True)
class FeaturesReport:
    """What a task has done: its files, its photos, and where its time went.

    Parameters
    ----------
    features
        The Parquet file of features; None if no photo could be used.
    rejected
        The Parquet file of photos set aside; None if there are none.
    used
        Photos by split.
    labels
        Photos by split and label; those without a label are left out.
    seconds
        By ``TASK_STAGES``.
    computed_in
        Photos by what they were computed in: float32 or bfloat16.
    """

    features: DataFile | None
    rejected: DataFile | None
    used: Counter[str]
    labels: Counter[tuple[str, str]]
    seconds: dict[str, float] = field(default_factory=dict)
    computed_in: Counter[str] = field(default_factory=Counter)


def featurize_partition(task: FeaturesTask, done: Accumulator[int], partition: tuple[int, bytes]) -> FeaturesReport:
    """Run one task: read, decode and infer a partition's photos, write the features and what was set aside.

    Parameters
    ----------
    task
        What all tasks share.
    done
        Counts photos, for the progress bar.
    partition
        Its number, and its part of the listing as an Arrow stream.
    """
    number, stream = partition
    # Arrow makes no client for another bucket while a read hangs: the output's must be there before.
    filesystems.open_filesystem(task.output)
    listing = pa.ipc.open_stream(stream).read_all()
    earlier, photos = resume.earlier_rows(task.output, listing, "features")
    done.add(listing.num_rows - photos.num_rows)
    backbone = _load_backbone(SparkFiles.get(task.model_file), task.precision)
    workers.settle()
    seconds = dict.fromkeys(TASK_STAGES, 0.0)
    with workers.ended_if_silent() as sign:

        def photo_done() -> None:
            done.add(1)
            sign()

        features, reasons = compute_features(
            photos["path"].to_pylist(),
            photos["size"].to_pylist(),
            photos["problem"].to_pylist(),
            task.backbone,
            backbone.compute_batch,
            backbone.batch,
            seconds,
            photo_done,
        )
    used = usable(photos, reasons)
    made = resume.with_rows_columns(features_table(used, features), used, backbone.computed_in)
    rows = resume.in_order(listing, made, earlier)
    rejected = rejected_table(photos, reasons)
    return write_partition(task.output, task.run_id, number, results.FEATURES, rows, rejected, task.made_by, seconds)


def write_partition(
    output: str,
    run_id: str,
    number: int,
    folder: str,
    rows: pa.Table,
    rejected: pa.Table,
    made_by: Mapping[str, Any],
    seconds: dict[str, float],
) -> FeaturesReport:
    """Write what a task has made of its photos, and what was set aside; return the task's report.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id, number
        Of the run and of the partition; they go into the files' names.
    folder
        Of the files with what was made.
    rows
        What was made, with the columns of ``resume.ROWS_SCHEMA``.
    rejected
        Path and reason of every photo that was set aside.
    made_by
        What decides the rows, beside the photos.
    seconds
        Where the task's time went; writing is set here.
    """
    began = time.perf_counter()
    attempt = results.attempt()

    def name(of: str) -> str:
        return results.data_file_name(of, run_id, number, attempt, "parquet")

    made_file = rejected_file = None
    if rows.num_rows:
        content = rows.drop_columns(resume.ROWS_SCHEMA.names)
        made_file = results.write_parquet(output, name(folder), content, resume.stamp(made_by, rows))
    if rejected.num_rows:
        rejected_file = results.write_parquet(output, name(results.REJECTED), rejected)
    seconds["write"] = time.perf_counter() - began
    splits, labels = rows["split"].to_pylist(), rows["label"].to_pylist()
    return FeaturesReport(
        made_file,
        rejected_file,
        Counter(splits),
        Counter((split, label) for split, label in zip(splits, labels, strict=True) if split != PREDICT),
        seconds,
        Counter(rows["computed_in"].to_pylist()),
    )


def usable(listing: pa.Table, reasons: Sequence[str | None]) -> pa.Table:
    """Return the part of a listing whose photos have no reason to be set aside."""
    return listing.filter(pa.array([reason is None for reason in reasons], pa.bool_()))


def compute_features(
    paths: list[str],
    sizes: list[int],
    problems: list[str],
    backbone: BackboneDescription,
    compute: Callable[[Sequence[Pixels], npt.NDArray[np.float32]], None],
    batch: int,
    seconds: dict[str, float],
    photo_done: Callable[[], None],
) -> tuple[npt.NDArray[np.float32], list[str | None]]:
    """Return the features of the photos that can be used, and for every photo why not.

    Parameters
    ----------
    paths
        URIs of the photos.
    sizes
        Bytes of each.
    problems
        Why a photo cannot be opened, known from the listing; empty for most.
    backbone
        Says the photos' size and how many features there are.
    compute
        Computes the features of some photos in place.
    batch
        How many photos it takes at a time.
    seconds
        Reading, decoding and inferring add their time to it.
    photo_done
        Called after every photo.

    Returns
    -------
    features
        float32 of shape (usable photos, features), in the order of the paths.
    reasons
        One a path: None if its features were computed, else why not.
    """
    features = np.empty((len(paths), backbone.features), np.float32)
    reasons: list[str | None] = []
    decoded: list[Pixels] = []
    used = 0
    left = len(paths)
    decode_to_size = partial(decode, width=backbone.width, height=backbone.height)
    for photo in photos_in_turn(paths, sizes, problems, decode_to_size, seconds):
        left -= 1
        if isinstance(photo, RejectedPhotoError):
            reasons.append(str(photo))
        else:
            decoded.append(photo)
            reasons.append(None)
        if len(decoded) == batch or (decoded and not left):
            began = time.perf_counter()
            compute(decoded, features[used : used + len(decoded)])
            seconds["infer"] += time.perf_counter() - began
            used += len(decoded)
            decoded.clear()
        photo_done()
    return features[:used], reasons


def features_table(used: pa.Table, features: npt.NDArray[np.float32]) -> pa.Table:
    """Return the rows of a features file; the values are taken over without a copy."""
    columns = [used["path"], used["label"], used["split"], list_column(features)]
    return pa.table(columns, schema=results.FEATURES_SCHEMA)


def rejected_table(listing: pa.Table, reasons: Sequence[str | None]) -> pa.Table:
    """Return the rows of a rejected file: path and reason of every photo that has a reason."""
    rows = [
        (path, reason) for path, reason in zip(listing["path"].to_pylist(), reasons, strict=True) if reason is not None
    ]
    columns = [[path for path, _ in rows], [reason for _, reason in rows]]
    return pa.table(columns, schema=results.REJECTED_SCHEMA)


def as_stream(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream, as a task takes its part of the listing."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def list_column(rows: npt.NDArray[np.float32]) -> pa.ListArray:
    """Return a matrix as an Arrow column of lists, one a row, sharing the matrix's memory."""
    offsets = np.arange(0, rows.size + 1, rows.shape[1], dtype=np.int32)
    values = pa.array(np.ascontiguousarray(rows).reshape(-1))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=results.FEATURES_SCHEMA.field("features").type)


def matrix(rows: pa.ListArray) -> npt.NDArray[np.float32]:
    """Return an Arrow array of equally long lists as a float32 matrix, one row a list, sharing its memory."""
    values: npt.NDArray[np.float32] = rows.flatten().to_numpy(zero_copy_only=True)
    return values.reshape(len(rows), -1)


@lru_cache(maxsize=1)
def _load_backbone(path: str, precision: str) -> Backbone:
    # Once a worker process: Spark keeps the process for the next tasks.
    return Backbone(path, precision)
