"""Extract histograms of visual words, which are learned in this run or reused from an earlier one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import SparkContext

from job import storage
from job.errors import ResultsUnusableError
from job.features.extractor import Extracted
from job.features.words import vocabulary
from job.features.words.descriptors import (
    KINDS,
    LARGEST_SIDE,
    DescriptorKind,
    Descriptors,
    describer,
    descriptor_counts,
    opencv_version,
)
from job.features.words.kmeans import count_words, learn
from job.features.words.vocabulary import Learning, Vocabulary
from job.images import DECODING, EXACT, TRAIN, Decoded, Pixels, RejectedPhotoError, decode_at_own_size
from job.results import layout
from job.results.progress import Progress
from job.spark.tasks import Loaded, PhotosReport, written

LARGEST_NUMBERS = 64 * 2**20
"""Bytes of a partition's descriptors as float64, which a task holds when it counts words."""

NO_KEYPOINTS = "no keypoints were found in it"
"""The reason for which a photo without descriptors is rejected."""

PERCEPTRON_ITERATIONS = 200
"""Of its training, at most."""


@dataclass(frozen=True)
class WordExtractor:
    """Histograms of visual words."""

    kind: DescriptorKind
    keypoints: int
    keep_empty: bool  # a photo without keypoints is kept, as a histogram of zeros, rather than rejected
    source: Learning | tuple[Vocabulary, dict[str, Any]]
    decoding: str = EXACT  # of --decode

    folder, schema, stage = layout.DESCRIPTORS, layout.DESCRIPTORS_SCHEMA, "describe"

    @property
    def features(self) -> int:
        """How many words there are, at most."""
        return self.source.words if isinstance(self.source, Learning) else len(self.source[0].words)

    @property
    def files(self) -> Sequence[Path]:
        """Nothing: OpenCV is installed on the executors, and the words come later."""
        return []

    @property
    def largest_partition(self) -> int:
        """How many photos' descriptors fit into ``LARGEST_NUMBERS``."""
        return LARGEST_NUMBERS // (8 * self.keypoints * self.kind.dimensions)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What decides a photo's descriptors; its histogram is counted in every run."""
        return {
            "descriptor": self.kind.name,
            "keypoints": self.keypoints,
            "empty": self.keep_empty,
            "decode": self.decoding,
            "decoding": DECODING,
            "versions": {"pillow": metadata.version("pillow"), "opencv": opencv_version()},
        }

    def load(self) -> Loaded:
        """Load OpenCV."""
        describe = _load_describer(self.kind.name, self.keypoints)

        def process(photos: Sequence[Decoded]) -> list[Descriptors | RejectedPhotoError]:
            return [self._describe(np.asarray(photo.views[0]), describe) for photo in photos]

        return Loaded(process)

    def decode(self, content: bytes) -> Decoded:
        """Decode a photo at its own size, or at the largest one that descriptors are made of."""
        photo = decode_at_own_size(content, LARGEST_SIDE, self.decoding)
        return Decoded([photo], *photo.size)

    def to_column(self, values: Sequence[Descriptors]) -> pa.Array:
        """Return each photo's descriptors as one binary value."""
        return pa.array([descriptors.tobytes() for descriptors in values], pa.binary())

    def tally(self, rows: pa.Table) -> Counter[str]:
        """Count the descriptors of training photos, and the photos without any."""
        counts = descriptor_counts(rows, self.kind)
        training = pc.equal(rows["split"], TRAIN).to_numpy()
        return Counter(training=int(counts[training].sum()), empty=int((counts == 0).sum()))

    def complete(
        self, context: SparkContext, reports: Sequence[PhotosReport], output: str, progress: Progress
    ) -> Extracted:
        """Learn the words from the descriptors, or take the reused ones, and write each photo's histogram."""
        empty = sum(report.tally["empty"] for report in reports)
        if empty:
            progress.say(f"{empty:,} photos have no keypoints and count as histograms of zeros.")
        files = [file for file, _ in written(reports)]
        with progress.stage("vocabulary"):
            if isinstance(self.source, Learning):
                available = sum(report.tally["training"] for report in reports)
                learned = learn(context, output, self.kind, self.source, files, available)
                words = Vocabulary(self.kind, self.keypoints, learned.words)
                learning = {
                    **asdict(self.source),
                    "descriptors": available,
                    "sampled": learned.sampled,
                    "cost": learned.cost,
                }
                description: dict[str, Any] = {"opencv": opencv_version(), "learning": learning}
            else:
                words, description = self.source
        done = context.accumulator(0)
        with progress.counted_stage("histograms", sum(file.rows for file in files), done):
            counted = iter(count_words(context, output, words, files, done))
        return Extracted(
            [report if report.file is None else replace(report, file=next(counted)) for report in reports],
            {"backbone": None, "vocabulary": {**vocabulary.describe(words), **description, "without_keypoints": empty}},
            vocabulary.to_files(words, description),
        )

    def _describe(self, photo: Pixels, describe: Callable[[Pixels], Descriptors]) -> Descriptors | RejectedPhotoError:
        try:
            found = describe(photo)
        except RejectedPhotoError as rejection:
            return rejection
        return found if len(found) or self.keep_empty else RejectedPhotoError(NO_KEYPOINTS)


def reused_words(folder: str, descriptor: str) -> tuple[Vocabulary, dict[str, Any]]:
    """Return the visual words of an earlier run and their description.

    Raises
    ------
    UsageError
        If it has none, or words of another kind of descriptors.
    """
    results = storage.absolute_uri(folder)
    words, description = vocabulary.load(results)
    if words.kind.name != descriptor:
        raise ResultsUnusableError(
            f"The visual words in '{results}' are of {words.kind.name} descriptors, not of {descriptor}.",
            f"Use --descriptor {words.kind.name}, or other results.",
        )
    return words, {"opencv": description["opencv"], "learning": description["learning"], "reused_from": results}


def perceptron_parameters(components: int) -> dict[str, Any]:
    """Return the parameters of a perceptron for visual words: two hidden layers as wide as the input.

    They are those of the measurement in docs/decisions/0070-visual-words.md.
    """
    return {"hidden": [components, components], "iterations": PERCEPTRON_ITERATIONS}


@lru_cache(maxsize=1)
def _load_describer(kind: str, keypoints: int) -> Callable[[Pixels], Descriptors]:
    # Once a worker process: Spark keeps the process for the next tasks.
    return describer(KINDS[kind], keypoints)
