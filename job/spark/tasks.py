"""Deals the photos of a run to Spark tasks: what each takes, what it leaves to an earlier run, and what it reports.

Both ways to turn photos into features go by it. What a task makes of a photo is the business of
``job.features.network.task`` and ``job.features.words.task``.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
from pyspark import Accumulator, SparkContext

from job.images import listing
from job.images.listing import PREDICT
from job.results import layout, resume
from job.results.layout import DataFile
from job.results.progress import Progress
from job.spark import session, workers
from job.storage import filesystem

Numbered = tuple[int, bytes]
"""A task's part of the listing: its number, and its rows as an Arrow stream."""

Report = TypeVar("Report")


@dataclass(frozen=True)
class PhotosReport:
    """What a task has done: its files, its photos, and where its time went.

    Parameters
    ----------
    made
        The Parquet file of what was made of the photos; None if no photo could be used.
    rejected
        The Parquet file of photos set aside; None if there are none.
    used
        Photos by split.
    labels
        Photos by split and label; those without a label are left out.
    seconds
        By the stages inside a task.
    computed_in
        Photos by what a network computed them in, float32 or bfloat16; all under the empty name where none did.
    """

    made: DataFile | None
    rejected: DataFile | None
    used: Counter[str]
    labels: Counter[tuple[str, str]]
    seconds: dict[str, float] = field(default_factory=dict)
    computed_in: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Part:
    """A task's part of the listing, when it has looked at what an earlier run made of it.

    Parameters
    ----------
    number
        Its place among the parts; goes into the names of its files.
    listing
        All its photos.
    photos
        Those of them that no earlier run has left a row of: what this task works on.
    earlier
        The rows that an earlier run has made of the others; None if there are none.
    """

    number: int
    listing: pa.Table
    photos: pa.Table
    earlier: pa.Table | None


def in_tasks(
    context: SparkContext,
    photos: pa.Table,
    largest: int,
    work: Callable[[Accumulator[int], Numbered], Report],
    stage: str,
    progress: Progress,
) -> list[Report]:
    """Have all photos worked on in tasks; return what each reports, in the order of the listing.

    Parameters
    ----------
    context
        The running Spark.
    photos
        The listing.
    largest
        As many photos as a task can hold; a task never gets more than ``listing.LARGEST_PARTITION``.
    work
        Run for each task, on an executor, with a count of photos done and with its part.
    stage
        Name of the stage, which is timed and shown.
    progress
        Shows it.
    """
    partitions = listing.partition(photos, session.slots(context), max(1, min(listing.LARGEST_PARTITION, largest)))
    numbered = [(number, as_stream(part)) for number, part in enumerate(partitions)]
    done = context.accumulator(0)
    with progress.counted_stage(stage, len(photos), done):
        tasks = context.parallelize(numbered, len(numbered)).map(partial(work, done))
        return list(tasks.collect())


def take_part(output: str, column: str, done: Accumulator[int], numbered: Numbered) -> Part:
    """Return a task's part of the listing; what an earlier run has made of it counts as done.

    Parameters
    ----------
    output
        URI of the results folder.
    column
        Name of the column that holds what is made of a photo: "features" or "descriptors".
    done
        Counts photos, for the progress bar.
    numbered
        As ``in_tasks`` gives it.
    """
    number, stream = numbered
    # Arrow makes no client for another bucket while a read hangs: the output's must be there before.
    filesystem.open_filesystem(output)
    rows = pa.ipc.open_stream(stream).read_all()
    earlier, photos = resume.earlier_rows(output, rows, column)
    done.add(rows.num_rows - photos.num_rows)
    return Part(number, rows, photos, earlier)


@contextmanager
def counting(done: Accumulator[int]) -> Iterator[Callable[[], None]]:
    """Watch a task while the block lasts; yield what it calls after every photo.

    The call counts the photo, and is the sign of life without which ``workers.ended_if_silent`` ends the process.

    Parameters
    ----------
    done
        Counts photos, for the progress bar.
    """
    with workers.ended_if_silent() as sign:

        def photo_done() -> None:
            done.add(1)
            sign()

        yield photo_done


def all_rows(part: Part, made: pa.Table, used: pa.Table, computed_in: str) -> pa.Table:
    """Return the rows of a part, made now or earlier, in the order of the listing.

    Parameters
    ----------
    part
        As ``take_part`` returned it.
    made
        What was made of the photos that could be used.
    used
        These photos' part of the listing.
    computed_in
        What a network computed them in; empty for all else.

    Returns
    -------
    rows
        The columns of ``made``, and those of ``resume.ROWS_SCHEMA``.
    """
    return resume.in_order(part.listing, resume.with_rows_columns(made, used, computed_in), part.earlier)


def write_part(
    output: str,
    run_id: str,
    part: Part,
    folder: str,
    rows: pa.Table,
    reasons: Sequence[str | None],
    provenance: Mapping[str, Any],
    seconds: dict[str, float],
) -> PhotosReport:
    """Write what a task has made of its photos, and what was set aside; return the task's report.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Goes into the files' names, as the part's number does.
    part
        As ``take_part`` returned it.
    folder
        Of the files with what was made.
    rows
        As ``all_rows`` returned them.
    reasons
        One for each of the part's photos: why it was set aside, None if it was not.
    provenance
        What decides the rows, beside the photos.
    seconds
        Where the task's time went; writing is set here.
    """
    began = time.perf_counter()
    attempt = layout.attempt()

    def name(of: str) -> str:
        return layout.data_file_name(of, run_id, part.number, attempt, "parquet")

    made_file = rejected_file = None
    if rows.num_rows:
        content = rows.drop_columns(resume.ROWS_SCHEMA.names)
        made_file = layout.write_parquet(output, name(folder), content, resume.stamp(provenance, rows))
    rejected = rejected_table(part.photos, reasons)
    if rejected.num_rows:
        rejected_file = layout.write_parquet(output, name(layout.REJECTED), rejected)
    seconds["write"] = time.perf_counter() - began
    splits, labels = rows["split"].to_pylist(), rows["label"].to_pylist()
    return PhotosReport(
        made_file,
        rejected_file,
        Counter(splits),
        Counter((split, label) for split, label in zip(splits, labels, strict=True) if split != PREDICT),
        seconds,
        Counter(rows["computed_in"].to_pylist()),
    )


def usable(photos: pa.Table, reasons: Sequence[str | None]) -> pa.Table:
    """Return the photos of a listing that have no reason to be set aside."""
    return photos.filter(pa.array([reason is None for reason in reasons], pa.bool_()))


def rejected_table(photos: pa.Table, reasons: Sequence[str | None]) -> pa.Table:
    """Return the rows of a rejected file: path and reason of every photo that has a reason."""
    rows = [
        (path, reason) for path, reason in zip(photos["path"].to_pylist(), reasons, strict=True) if reason is not None
    ]
    columns = [[path for path, _ in rows], [reason for _, reason in rows]]
    return pa.table(columns, schema=layout.REJECTED_SCHEMA)


def as_stream(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream, as a task takes its part of the listing."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
