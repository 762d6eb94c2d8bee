"""Turns photos into histograms of visual words: learned in this run, or taken over from an earlier one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark import SparkContext

from job.errors import ResultsUnusableError
from job.features.extractor import Check, Extracted
from job.features.words import vocabulary
from job.features.words.descriptors import KINDS, DescriptorKind, opencv_version
from job.features.words.kmeans import Learning, count_words, learn
from job.features.words.task import DescriptorsReport, DescriptorsTask, describe_partition, provenance
from job.features.words.vocabulary import Vocabulary
from job.results import layout
from job.results.layout import DataFile
from job.results.progress import Progress
from job.spark.tasks import PhotosReport, in_tasks
from job.storage import uri as addresses

LARGEST_NUMBERS = 64 * 2**20
"""Bytes of a partition's descriptors as float64, which a task holds when it counts words."""

PERCEPTRON_ITERATIONS = 200
"""Of its training, at most."""


@dataclass(frozen=True)
class WordExtraction:
    """Visual words as they were asked for.

    Parameters
    ----------
    kind
        Of the descriptors.
    keypoints
        At most so many a photo.
    keep_empty
        Whether a photo without keypoints is kept, as a histogram of zeros.
    source
        How the words are learned; or those of an earlier run, with their description.
    """

    kind: DescriptorKind
    keypoints: int
    keep_empty: bool
    source: Learning | tuple[Vocabulary, dict[str, Any]]

    @property
    def features(self) -> int:
        """How many words there are, at most."""
        return self.source.words if isinstance(self.source, Learning) else len(self.source[0].words)

    @property
    def writes(self) -> str:
        """Where the descriptors go; the histograms are counted anew in every run."""
        return layout.DESCRIPTORS

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What decides a photo's descriptors."""
        return provenance(self.kind.name, self.keypoints, self.keep_empty)

    def carry(self, context: SparkContext) -> None:
        """Give the executors nothing: OpenCV is installed there, and the words come later."""

    def extract(
        self, context: SparkContext, photos: pa.Table, output: str, run_id: str, progress: Progress, check: Check
    ) -> Extracted:
        """Describe all photos, learn the words, and write each photo's histogram.

        Parameters
        ----------
        context, photos, output, run_id, progress, check
            As ``Extraction`` has them.

        Raises
        ------
        UsageError
            If too few photos can be used, or if they have fewer descriptors than words are wanted.
        """
        task = DescriptorsTask(output, run_id, self.kind.name, self.keypoints, self.keep_empty)
        described = describe_all(context, photos, task, progress)
        check([report.photos for report in described])
        empty = sum(report.empty for report in described)
        if empty:
            progress.say(f"{empty:,} photos have no keypoints and count as histograms of zeros.")
        with progress.stage("vocabulary"):
            words, description = self._vocabulary(context, output, described)
        files = [report.photos.made for report in described if report.photos.made is not None]
        done = context.accumulator(0)
        with progress.counted_stage("histograms", sum(file.rows for file in files), done):
            counted = count_words(context, output, words, files, done)
        return Extracted(
            with_files([report.photos for report in described], counted),
            {"backbone": None, "vocabulary": {**vocabulary.describe(words), **description, "without_keypoints": empty}},
            (words, description),
        )

    def _vocabulary(
        self, context: SparkContext, output: str, described: Sequence[DescriptorsReport]
    ) -> tuple[Vocabulary, dict[str, Any]]:
        if not isinstance(self.source, Learning):
            return self.source
        learned = learn(context, output, self.kind, self.source, described)
        description = {
            "opencv": opencv_version(),
            "learning": {
                **asdict(self.source),
                "descriptors": sum(report.training for report in described),
                "sampled": learned.sampled,
                "cost": learned.cost,
            },
        }
        return Vocabulary(self.kind, self.keypoints, learned.words), description


def describe_all(
    context: SparkContext, photos: pa.Table, task: DescriptorsTask, progress: Progress
) -> list[DescriptorsReport]:
    """Describe all photos in tasks; return what each reports, in the order of the listing."""
    largest = LARGEST_NUMBERS // (8 * task.keypoints * KINDS[task.kind].dimensions)
    return in_tasks(context, photos, largest, partial(describe_partition, task), "descriptors", progress)


def with_files(reports: Sequence[PhotosReport], files: Sequence[DataFile]) -> list[PhotosReport]:
    """Return the reports with the features files in place of the descriptors files, of which there is one for each."""
    coming = iter(files)
    return [report if report.made is None else replace(report, made=next(coming)) for report in reports]


def reused(folder: str, descriptor: str) -> tuple[Vocabulary, dict[str, Any]]:
    """Return the visual words of an earlier run and their description.

    Parameters
    ----------
    folder
        Its results.
    descriptor
        The kind that was asked for.

    Raises
    ------
    UsageError
        If it has none, or words of another kind of descriptors.
    """
    uri = addresses.absolute_uri(folder)
    words, description = vocabulary.load(uri)
    if words.kind.name != descriptor:
        raise ResultsUnusableError(
            f"The visual words in '{uri}' are of {words.kind.name} descriptors, not of {descriptor}.",
            f"Use --descriptor {words.kind.name}, or other results.",
        )
    return words, {"opencv": description["opencv"], "learning": description["learning"], "reused_from": uri}


def perceptron_parameters(components: int) -> dict[str, Any]:
    """Return the layers and iterations of a perceptron for visual words: two hidden layers as wide as the input.

    They are those of the measurement in docs/decisions/0070-visual-words.md.

    Parameters
    ----------
    components
        How many components a photo has: the input.
    """
    return {"hidden": [components, components], "maxIter": PERCEPTRON_ITERATIONS}
