"""Run the photos of a run as Spark tasks: each reads, decodes, extracts and writes its part of the listing.

What is extracted from a photo is the business of a ``PhotoExtractor``; all else that a task does is here.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy.typing as npt
import pyarrow as pa
from pyspark import Accumulator, SparkContext

from job import storage
from job.images import PREDICT, Decoded, Identity, RejectedPhotoError, identify, listing, photos_in_turn
from job.results import DataFile, layout, resume
from job.results.progress import Progress
from job.spark import session, workers

Values = npt.NDArray[Any]
"""What is extracted from one photo."""

Result = TypeVar("Result")


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

    process: Callable[[Sequence[Decoded]], Iterable[Values | RejectedPhotoError]]
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
    def decoding(self) -> str:
        """How it decodes photos: a value of ``--decode``."""

    @property
    def largest_partition(self) -> int:
        """How many photos a task can hold the values of."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What determines a photo's values, apart from the photo. Computed on the driver only."""

    def load(self) -> Loaded:
        """Load what it works with, once a process."""

    def decode(self, content: bytes) -> Decoded:
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


def written(reports: Sequence[PhotosReport]) -> list[tuple[DataFile, Counter[str]]]:
    """Return the file of each task that has written one, and its number of photos by split."""
    return [(report.file, report.used) for report in reports if report.file is not None]


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
    partitions = listing.partition(photos, session.slots(context), largest, extractor.decoding)
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
    extracted = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    used = photos.filter(pa.array([not isinstance(outcome, str) for outcome in outcomes], pa.bool_()))
    values = task.extractor.to_column([values for values, _ in extracted])
    made = pa.table([used["path"], used["label"], used["split"], values], schema=task.extractor.schema)
    described = resume.with_rows_columns(made, used, [identity for _, identity in extracted])
    rows = resume.in_order(part, described, earlier)
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
) -> list[tuple[Values, Identity] | str]:
    """Return the values and the identity of each photo, or the reason why it is rejected."""
    outcomes: list[tuple[Values, Identity] | str] = []
    waiting: list[tuple[Decoded, Identity] | str] = []

    def decode(content: bytes) -> tuple[Decoded, Identity]:
        photo = extractor.decode(content)
        return photo, identify(content, photo.views[0])

    with workers.ended_if_silent() as heartbeat:
        for photo in photos_in_turn(photos, decode, seconds):
            waiting.append(_reason_if_rejected(photo))
            usable = [photo[0] for photo in waiting if not isinstance(photo, str)]
            if len(usable) == loaded.batch or len(outcomes) + len(waiting) == len(photos):
                began = time.perf_counter()
                processed = iter(loaded.process(usable) if usable else ())
                for decoded in waiting:
                    if isinstance(decoded, str):
                        outcomes.append(decoded)
                        continue
                    values = _reason_if_rejected(next(processed))
                    outcomes.append(values if isinstance(values, str) else (values, decoded[1]))
                waiting.clear()
                seconds[extractor.stage] += time.perf_counter() - began
            done.add(1)
            heartbeat()
    return outcomes


def _reason_if_rejected(outcome: Result | RejectedPhotoError) -> Result | str:
    # The error itself would keep the photo's content in memory, by its traceback.
    return str(outcome) if isinstance(outcome, RejectedPhotoError) else outcome


def _rejected_table(photos: pa.Table, outcomes: Sequence[object]) -> pa.Table:
    paths = photos["path"].to_pylist()
    rows = [(path, reason) for path, reason in zip(paths, outcomes, strict=True) if isinstance(reason, str)]
    return pa.table([[path for path, _ in rows], [reason for _, reason in rows]], schema=layout.REJECTED_SCHEMA)


def as_stream(table: pa.Table) -> bytes:
    """Return a table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
