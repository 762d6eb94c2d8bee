"""The Spark stages of visual words: learns them from a sample of all descriptors, and counts them in every photo.

Descriptors are written once, a Parquet file a task (``job/photo_descriptors.py``); the tasks here read these files.
They are no result: when the run is finished they are swept away. What goes through Spark itself is the bounded sample
alone.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator, Broadcast, SparkContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, DoubleType, ShortType, StructField, StructType

from job import results, workers
from job.descriptors import DescriptorKind, Descriptors
from job.errors import TooFewPhotosError
from job.features import features_table
from job.listing import TRAIN
from job.photo_descriptors import DescriptorsReport, stacked
from job.results import DataFile
from job.vectors import vector_column
from job.vocabulary import Vocabulary

FEWEST_PARTITIONS = 4
DISTANCES_A_PARTITION = 5_000_000
"""Of the sample, from which K-Means learns: enough work for a task not to be all start, and for a large sample to be
shared by a large cluster. The number depends on nothing else, because the first centres that are drawn depend on it."""

INITIALIZATIONS = {"parallel": "k-means||", "random": "random"}
"""How K-Means finds its first centres, and what Spark ML calls it."""

_SAMPLE_SCHEMA = StructType(
    [StructField("key", DoubleType(), False), StructField("descriptor", ArrayType(ShortType(), False), False)]
)


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


def _count_file(output: str, shared: "Broadcast[Vocabulary]", done: Accumulator[int], file: DataFile) -> DataFile:
    with workers.ended_if_silent():
        table = results.read_parquet(output, file.path)
        histograms = shared.value.histograms(*stacked(table, shared.value.kind))
        name = file.path.removeprefix(f"{results.DESCRIPTORS}/").removesuffix(".parquet")
        written = results.write_parquet(
            output, f"{results.FEATURES}/{name}-{results.attempt()}.parquet", features_table(table, histograms)
        )
    done.add(file.rows)
    return written
