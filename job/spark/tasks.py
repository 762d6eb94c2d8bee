"""Runs the photos of a run as Spark tasks: each reads, decodes, extracts and writes its part of the listing.

What is extracted from a photo is the business of a ``PhotoExtractor``; all else that a task does is here.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy.typing as npt
import pyarrow as pa
from pyspark import Accumulator, SparkContext

from job import storage
from job.images import PREDICT, Pixels, RejectedPhotoError, listing, photos_in_turn
from job.results import DataFile, layout, resume
from job.results.progress import Progress
from job.spark import session, workers

Values = npt.NDArray[Any]
"""What is extracted from one photo."""


@dataclass(frozen=True)
class Loaded:
    """An extractor that is ready to work in a process.

    Parameters
    ----------
    process
        Returns for each of several photos its values, or why it is rejected.
    batch
        How many photos ``process`` takes at a time.
    """

    process: Callable[[Sequence[Pixels]], Iterable[Values | RejectedPhotoError]]
    batch: int = 1


class PhotoExtractor(Protocol):
    """What a photo task asks of an extractor, which is pickled and sent to the executors."""

    @property
    def folder(self) -> str:
        """The folder for the extracted values; also the name of their column and of the stage."""

    @property
    def schema(self) -> pa.Schema:
        """Of the files in the folder: path, label, split and values."""

    @property
    def stage(self) -> str:
        """The name under which ``process`` is timed inside a task."""

    @property
    def largest_partition(self) -> int:
        """How many photos a task can hold the values of."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What determines a photo's values, apart from the photo. Computed on the driver only."""

    def load(self) -> Loaded:
        """Load what it works with, once a process."""

    def decode(self, content: bytes) -> Pixels:
        """Return the pixels of a photo file; raise RejectedPhotoError if it cannot be used."""

    def to_column(self, values: Sequence[Values]) -> pa.Array:
        """Return the values of all photos as a column of the schema's type."""

    def tally(self, rows: pa.Table) -> Counter[str]:
        """Return what else is counted in the rows that a task writes."""


@dataclass(frozen=True)
class PhotosReport:
    """What a task has done."""

    file: DataFile | None
    rejected: DataFile | None
    used: Counter[str]
    labels: Counter[tuple[str, str]]
    seconds: dict[str, float] = field(default_factory=dict)
    tally: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class PhotoTask:
    """What all tasks of the stage share."""

    output: str
    run_id: str
    extractor: PhotoExtractor
    provenance: Mapping[str, Any]


def extract(
    context: SparkContext, photos: pa.Table, extractor: PhotoExtractor, output: str, run_id: str, progress: Progress
) -> list[PhotosReport]:
    """Extract and write the values of all photos; return the report of each task, in the order of the listing."""
    largest = max(1, min(listing.LARGEST_PARTITION, extractor.largest_partition))
    partitions = listing.partition(photos, session.slots(context), largest)
    numbered = [(number, as_stream(part)) for number, part in enumerate(partitions)]
    task = PhotoTask(output, run_id, extractor, extractor.provenance)
    done = context.accumulator(0)
    with progress.counted_stage(extractor.folder, len(photos), done):
        return list(context.parallelize(numbered, len(numbered)).map(partial(extract_part, task, done)).collect())


def extract_part(task: PhotoTask, done: Accumulator[int], numbered: tuple[int, bytes]) -> PhotosReport:
    """Run one task."""
    number, stream = numbered
    # Arrow makes no client for another bucket while a read hangs: open the output's file system before any read.
    storage.open_filesystem(task.output)
    part = pa.ipc.open_stream(stream).read_all()
    earlier, photos = resume.earlier_rows(task.output, part, task.extractor.folder)
    done.add(len(part) - len(photos))
    loaded = task.extractor.load()
    workers.settle()
    seconds = dict.fromkeys(("read", "decode", task.extractor.stage, "write"), 0.0)
    outcomes = _process(photos, task.extractor, loaded, seconds, done)
    began = time.perf_counter()
    used = photos.filter(pa.array([not isinstance(outcome, str) for outcome in outcomes], pa.bool_()))
    values = task.extractor.to_column([outcome for outcome in outcomes if not isinstance(outcome, str)])
    made = pa.table([used["path"], used["label"], used["split"], values], schema=task.extractor.schema)
    rows = resume.in_order(part, resume.with_rows_columns(made, used), earlier)
    attempt = layout.attempt()

    def name(folder: str) -> str:
        return layout.data_file_name(folder, task.run_id, number, attempt, "parquet")

    values_file = rejected_file = None
    if len(rows):
        content = rows.drop_columns(resume.ROWS_SCHEMA.names)
        footer = resume.stamp(task.provenance, rows)
        values_file = layout.write_parquet(task.output, name(task.extractor.folder), content, footer)
    rejected = _rejected_table(photos, outcomes)
    if len(rejected):
        rejected_file = layout.write_parquet(task.output, name(layout.REJECTED), rejected)
    seconds["write"] = time.perf_counter() - began
    splits, labels = rows["split"].to_pylist(), rows["label"].to_pylist()
    return PhotosReport(
        values_file,
        rejected_file,
        Counter(splits),
        Counter((split, label) for split, label in zip(splits, labels, strict=True) if split != PREDICT),
        seconds,
        task.extractor.tally(rows),
    )


def _process(
    photos: pa.Table, extractor: PhotoExtractor, loaded: Loaded, seconds: dict[str, float], done: Accumulator[int]
) -> list[Values | str]:
    """Return the values of each photo, or the reason why it is rejected."""
    paths, sizes, problems, places = (photos[name].to_pylist() for name in ("path", "size", "problem", "member"))
    members = [place and storage.Member(**place) for place in places]
    outcomes: list[Values | str] = []
    waiting: list[Pixels | str] = []
    with workers.ended_if_silent() as heartbeat:
        for photo in photos_in_turn(paths, sizes, problems, members, extractor.decode, seconds):
            waiting.append(_reason_if_rejected(photo))
            usable = [pixels for pixels in waiting if not isinstance(pixels, str)]
            if len(usable) == loaded.batch or len(outcomes) + len(waiting) == len(paths):
                began = time.perf_counter()
                processed = iter(loaded.process(usable) if usable else ())
                outcomes += [
                    pixels if isinstance(pixels, str) else _reason_if_rejected(next(processed)) for pixels in waiting
                ]
                waiting.clear()
                seconds[extractor.stage] += time.perf_counter() - began
            done.add(1)
            heartbeat()
    return outcomes


def _reason_if_rejected(outcome: Values | RejectedPhotoError) -> Values | str:
    # The error itself would keep the photo's content in memory, by its traceback.
    return str(outcome) if isinstance(outcome, RejectedPhotoError) else outcome


def _rejected_table(photos: pa.Table, outcomes: Sequence[Values | str]) -> pa.Table:
    paths = photos["path"].to_pylist()
    rows = [(path, reason) for path, reason in zip(paths, outcomes, strict=True) if isinstance(reason, str)]
    return pa.table([[path for path, _ in rows], [reason for _, reason in rows]], schema=layout.REJECTED_SCHEMA)


def as_stream(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
