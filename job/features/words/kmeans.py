"""Learn visual words from a sample of all descriptors, and count them in every photo.

Each photo task writes one Parquet file of descriptors; the tasks here read these files, and the finished run deletes
them. The driver learns the words from a bounded sample: OpenCV's K-Means takes seconds for 200,000 descriptors, and
adds in the same order for any number of cores.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import Accumulator, Broadcast, SparkContext

from job.errors import TooFewPhotosError
from job.features.extractor import features_table
from job.features.words.descriptors import DescriptorKind, Descriptors, descriptor_counts, require_opencv, stacked
from job.features.words.vocabulary import Learning, Vocabulary
from job.images import TRAIN, of_split
from job.results import DataFile, layout, resume
from job.spark import session, workers

CONVERGED = 1e-4
"""K-Means ends when no centre has moved by more than this."""


@dataclass(frozen=True)
class Learned:
    """The visual words, learned from ``sampled`` descriptors."""

    words: npt.NDArray[np.float64]  # shape (words, dimensions)
    sampled: int
    cost: float  # sum of the squared distances from each descriptor to its word


def count_words(
    context: SparkContext,
    output: str,
    vocabulary: Vocabulary,
    files: Sequence[DataFile],
    done: Accumulator[int],
) -> list[DataFile]:
    """Write the histogram of every photo, one features file for each descriptors file; return them in that order."""
    shared = context.broadcast(vocabulary)
    tasks = session.spread(context, files).map(partial(_count_file, output, shared, done))
    return list(tasks.collect())


def draw_sample(
    table: pa.Table, kind: DescriptorKind, share: float, seed: int
) -> tuple[npt.NDArray[np.float64], Descriptors]:
    """Return about a share of the training photos' descriptors, each with the random number that chose it.

    The numbers come from the seed and the photo's own descriptors, so that the same photos give the same sample
    however they are cut into partitions, and wherever they lie. A share of 1 or more takes all.

    Returns
    -------
    keys
        Shape (n,): from 0 to the share.
    descriptors
        Shape (n, kind.width).
    """
    keys, drawn = [np.empty(0)], [np.empty((0, kind.width), np.uint8)]
    for value in of_split(table, TRAIN)["descriptors"].to_pylist():
        digest = hashlib.blake2b(value, digest_size=16, key=str(seed).encode()).digest()
        rows = np.frombuffer(value, np.uint8).reshape(-1, kind.width)
        numbers = np.random.default_rng(int.from_bytes(digest)).random(len(rows))
        keys.append(numbers[numbers < share])
        drawn.append(rows[numbers < share])
    return np.concatenate(keys), np.concatenate(drawn)


def learn(
    context: SparkContext,
    output: str,
    kind: DescriptorKind,
    learning: Learning,
    files: Sequence[DataFile],
    available: int,
) -> Learned:
    """Return the visual words: the centres that K-Means finds in a sample of the training descriptors.

    Raises
    ------
    UsageError
        If the training photos have fewer descriptors than words are wanted.
    """
    if available < learning.words:
        raise TooFewPhotosError(
            f"The photos to fit on have {available} descriptors, too few for --visual-words {learning.words}.",
            "Give more photos, or ask for fewer words.",
        )
    share, seed = learning.sample / available, learning.seed
    drawn = (
        session.spread(context, files)
        .map(lambda file: draw_sample(layout.read_parquet(output, file.path), kind, share, seed))
        .collect()
    )
    keys, descriptors = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    # K-Means depends on the order of its rows; sorted by key, it does not depend on the cut of the photos into files.
    sample = kind.as_numbers(descriptors[keys.argsort(kind="stable")])
    words, cost = cluster(sample, learning.words, learning.iterations, seed)
    return Learned(words, len(sample), cost)


def cluster(sample: Descriptors, words: int, iterations: int, seed: int) -> tuple[npt.NDArray[np.float64], float]:
    """Return the centres that K-Means finds, starting from K-Means++, and the sum of squared distances to them.

    The same rows in the same order give the same bits, on any number of cores. The sample has the shape
    (n, dimensions), n at least ``words``.

    Returns
    -------
    centres
        Shape (words, dimensions): the exact mean of the rows that are nearest to each.
    cost
        Sum of the squared distances from each row to its centre.
    """
    cv2 = require_opencv()
    cv2.setRNGSeed(int(np.uint32(seed).view(np.int32)))
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, iterations, CONVERGED)
    _, nearest, centres = cv2.kmeans(
        sample.astype(np.float32), words, None, criteria, attempts=1, flags=cv2.KMEANS_PP_CENTERS
    )
    exact, cost = centres.astype(np.float64), 0.0
    for word in range(words):
        members = sample[nearest[:, 0] == word].astype(np.float64)
        # A centre without rows, because others are at the same place, stays where it is.
        if len(members):
            exact[word] = members.mean(axis=0)
            cost += float(((members - exact[word]) ** 2).sum())
    return exact, cost


def _count_file(output: str, shared: "Broadcast[Vocabulary]", done: Accumulator[int], file: DataFile) -> DataFile:
    with workers.ended_if_silent():
        (table, footer), kind = layout.read_with_footer(output, file.path), shared.value.kind
        histograms = shared.value.histograms(stacked(table, kind), descriptor_counts(table, kind))
        # The stamp holds what identifies each photo.
        stamp = {name: text for name, text in footer.items() if name == resume.STAMP}
        name = layout.derived_file_name(layout.FEATURES, file.path)
        written = layout.write_parquet(output, name, features_table(table, histograms), stamp)
    done.add(file.rows)
    return written
