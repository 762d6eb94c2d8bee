"""The Spark stages of visual words: describe every photo, learn the words from a sample, count them in every photo.

Descriptors are written once, a Parquet file a task; after that the tasks read these files. They are no result: when the
run is finished they are swept away. What goes through Spark itself is the bounded sample alone.
"""

import hashlib
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator, Broadcast, SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DoubleType, ShortType, StructField, StructType

from job import photo_tasks, results, workers
from job.decoding import DECODING, Pixels, decode_at_own_size
from job.descriptors import KINDS, LARGEST_SIDE, DescriptorKind, Descriptors, describer, opencv_version
from job.errors import TooFewPhotosError
from job.features import features_table
from job.listing import TRAIN
from job.photo_limits import RejectedPhotoError
from job.photo_tasks import Numbered, PhotosReport, usable
from job.reading import photos_in_turn
from job.results import DataFile
from job.vectors import vector_column
from job.vocabulary import Vocabulary

TASK_STAGES = ("read", "decode", "describe", "write")
"""What a task spends its time on, as in ``job.features``."""

FEWEST_PARTITIONS = 4
DISTANCES_A_PARTITION = 5_000_000
"""Of the sample, from which K-Means learns: enough work for a task not to be all start, and for a large sample to be
shared by a large cluster. The number depends on nothing else, because the first centres that are drawn depend on it."""

INITIALIZATIONS = {"parallel": "k-means||", "random": "random"}
"""How K-Means finds its first centres, and what Spark ML calls it."""

NO_KEYPOINTS = "no keypoints were found in it"
"""The reason for which a photo without descriptors is set aside."""

_SAMPLE_SCHEMA = StructType(
    [StructField("key", DoubleType(), False), StructField("descriptor", ArrayType(ShortType(), False), False)]
)


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


@dataclass(frozen=True)
class Learning:
    """How the words are learned.

    Parameters
    ----------
    words
        How many.
    sample
        About so many descriptors of training photos are drawn; all of them, if there are no more.
    initialization
        One of ``INITIALIZATIONS``.
    iterations
        At most so many.
    seed
        Draws the sample and the first centres.
    """

    words: int
    sample: int
    initialization: str
    iterations: int
    seed: int


@dataclass(frozen=True)
class Learned:
    """The visual words, and how they were found.

    Parameters
    ----------
    words
        The centres, float64 of shape (words, dimensions).
    sampled
        How many descriptors they were learned from.
    iterations
        How many K-Means took.
    cost
        Sum of the squared distances from each of these descriptors to its centre.
    """

    words: npt.NDArray[np.float64]
    sampled: int
    iterations: int
    cost: float


def made_by(kind: str, keypoints: int, keep_empty: bool) -> dict[str, Any]:
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
    part = photo_tasks.take_part(task.output, "descriptors", done, numbered)
    seconds = dict.fromkeys(TASK_STAGES, 0.0)
    with workers.ended_if_silent() as sign:
        described, reasons = describe_photos(part.photos, task, seconds, done, sign)
    used = usable(part.photos, reasons)
    rows = photo_tasks.all_rows(part, descriptors_table(used, described), used, computed_in="")
    training, counts = pc.equal(rows["split"], TRAIN).to_numpy(), stacked(rows, KINDS[task.kind])[1]
    by = made_by(task.kind, task.keypoints, task.keep_empty)
    return DescriptorsReport(
        photo_tasks.write_part(task.output, task.run_id, part, results.DESCRIPTORS, rows, reasons, by, seconds),
        int(counts[training].sum()),
        int((counts == 0).sum()),
    )


def describe_photos(
    listing: pa.Table,
    task: DescriptorsTask,
    seconds: dict[str, float],
    done: Accumulator[int],
    sign: Callable[[], None],
) -> tuple[list[Descriptors], list[str | None]]:
    """Return the descriptors of each photo that can be used, and for every photo why not (None if it can)."""
    describe = _load_describer(task.kind, task.keypoints)
    decode = partial(decode_at_own_size, largest_side=LARGEST_SIDE)
    described: list[Descriptors] = []
    reasons: list[str | None] = []
    paths, sizes, problems = (listing[name].to_pylist() for name in ("path", "size", "problem"))
    for photo in photos_in_turn(paths, sizes, problems, decode, seconds):
        began = time.perf_counter()
        found = _describe(photo, describe, task.keep_empty)
        if isinstance(found, RejectedPhotoError):
            reasons.append(str(found))
        else:
            described.append(found)
            reasons.append(None)
        seconds["describe"] += time.perf_counter() - began
        done.add(1)
        sign()
    return described, reasons


def descriptors_table(used: pa.Table, described: Sequence[Descriptors]) -> pa.Table:
    """Return the rows of a descriptors file."""
    values = pa.array([rows.tobytes() for rows in described], pa.binary())
    columns = [used["path"], used["label"], used["split"], values]
    return pa.table(columns, schema=results.DESCRIPTORS_SCHEMA)


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


def count_words(
    context: SparkContext,
    output: str,
    vocabulary: Vocabulary,
    files: Sequence[DataFile],
    done: Accumulator[int],
) -> list[DataFile]:
    """Write the histogram of every photo, one features file for each descriptors file; return them in that order."""
    shared = context.broadcast(vocabulary)
    tasks = context.parallelize(files, len(files)).map(partial(_count_file, output, shared, done))
    return list(tasks.collect())


def draw_sample(table: pa.Table, kind: DescriptorKind, share: float, seed: int) -> Iterator[tuple[float, Descriptors]]:
    """Yield about a share of the training photos' descriptors, each with the random number that chose it.

    The numbers come from the seed and the photo's own descriptors, so that the same photos give the same sample
    however they are cut into partitions, and wherever they lie.

    Parameters
    ----------
    table
        Rows of a descriptors file.
    kind
        Of the descriptors.
    share
        Above 0; 1 takes all.
    seed
        Another seed draws others.
    """
    training = table.filter(pc.equal(table["split"], TRAIN))
    for value in training["descriptors"].to_pylist():
        digest = hashlib.blake2b(value, digest_size=16, key=str(seed).encode()).digest()
        rows = np.frombuffer(value, np.uint8).reshape(-1, kind.width)
        keys = np.random.default_rng(int.from_bytes(digest)).random(len(rows))
        drawn = keys < share
        yield from zip(keys[drawn].tolist(), rows[drawn], strict=True)


def learn(
    context: SparkContext,
    output: str,
    kind: DescriptorKind,
    learning: Learning,
    reports: Sequence[DescriptorsReport],
) -> Learned:
    """Return the visual words: the centres that Spark ML's K-Means finds in a sample of the training descriptors.

    Raises
    ------
    UsageError
        If the training photos have fewer descriptors than words are wanted.
    """
    # Imported here: Spark ML takes most of a second to load, and most runs have no visual words.
    from pyspark.ml.clustering import KMeans  # noqa: PLC0415

    available = sum(report.training for report in reports)
    if available < learning.words:
        raise TooFewPhotosError(
            f"The photos to fit on have {available} descriptors, too few for --visual-words {learning.words}.",
            "Give more photos, or ask for fewer words.",
        )
    files = [report.photos.made for report in reports if report.photos.made is not None]
    sample = _sample(context, output, kind, files, learning, learning.sample / available).persist()
    try:
        model = KMeans(
            k=learning.words,
            seed=learning.seed,
            initMode=INITIALIZATIONS[learning.initialization],
            maxIter=learning.iterations,
        ).fit(sample)
        summary = model.summary
        return Learned(
            np.array(model.clusterCenters(), np.float64), sample.count(), summary.numIter, summary.trainingCost
        )
    finally:
        sample.unpersist()


def _sample(
    context: SparkContext,
    output: str,
    kind: DescriptorKind,
    files: Sequence[DataFile],
    learning: Learning,
    share: float,
) -> DataFrame:
    seed = learning.seed
    rows = context.parallelize(files, len(files)).flatMap(
        lambda file: (
            # An array goes to Java as one block of bytes, and needs no pandas, which a cluster's nodes do not have.
            (key, array("h", kind.as_numbers(row[np.newaxis]).astype(np.int16).tobytes()))
            for key, row in draw_sample(results.read_parquet(output, file.path), kind, share, seed)
        )
    )
    frame = SparkSession(context).createDataFrame(rows, _SAMPLE_SCHEMA, verifySchema=False)
    vectors = frame.select("key", vector_column(context, "descriptor").alias("features"))
    partitions = max(FEWEST_PARTITIONS, learning.sample * learning.words // DISTANCES_A_PARTITION)
    # The order of rows and partitions decides which first centres are drawn: here neither depends on the files.
    return vectors.repartition(partitions, "key").sortWithinPartitions("key")


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


def _count_file(output: str, shared: "Broadcast[Vocabulary]", done: Accumulator[int], file: DataFile) -> DataFile:
    table = results.read_parquet(output, file.path)
    histograms = shared.value.histograms(*stacked(table, shared.value.kind))
    name = file.path.removeprefix(f"{results.DESCRIPTORS}/").removesuffix(".parquet")
    written = results.write_parquet(
        output, f"{results.FEATURES}/{name}-{results.attempt()}.parquet", features_table(table, histograms)
    )
    done.add(file.rows)
    return written


@lru_cache(maxsize=1)
def _load_describer(kind: str, keypoints: int) -> Callable[[Pixels], Descriptors]:
    # Once a worker process: Spark keeps the process for the next tasks.
    return describer(KINDS[kind], keypoints)
