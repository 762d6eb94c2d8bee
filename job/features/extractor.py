"""What a run asks of whoever turns photos into features, be it a network or visual words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
from pyspark import SparkContext

from job.features.words.vocabulary import Vocabulary
from job.results.progress import Progress
from job.spark.tasks import PhotosReport

STAGES = ("features", "descriptors", "vocabulary", "histograms")
"""From photos to features, of a network (the first) or of visual words (the others)."""

TASK_STAGES = ("read", "decode", "infer", "describe", "write")
"""What the tasks of these stages spend their time on, either way."""

Check = Callable[[Sequence[PhotosReport]], None]
"""Looks at what could be used of the photos, and raises UsageError where it is not enough to go on with."""


def extraction_seconds(seconds: Mapping[str, float]) -> float:
    """Return how long a run took from photos to features, of the manifest's seconds a stage."""
    return sum(seconds.get(stage, 0.0) for stage in STAGES)


@dataclass(frozen=True)
class Extracted:
    """Photos turned into features.

    Parameters
    ----------
    reports
        What each task did; its file is in ``features/``.
    description
        The manifest's entries on where the features come from: "backbone" and "vocabulary", one of them null, and of a
        network "precision".
    vocabulary
        The visual words and what vocabulary.json says of them; None for a network.
    """

    reports: list[PhotosReport]
    description: dict[str, Any]
    vocabulary: tuple[Vocabulary, dict[str, Any]] | None = None


class Extraction(Protocol):
    """A way to turn photos into features, chosen and checked before Spark starts."""

    @property
    def features(self) -> int:
        """How many values it computes for a photo, at most."""

    @property
    def writes(self) -> str:
        """The folder of the results in which its tasks write what they make of the photos."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What decides what its tasks make of a photo, beside the photo."""

    def carry(self, context: SparkContext) -> None:
        """Give the executors what they need beside the code."""

    def extract(
        self, context: SparkContext, photos: pa.Table, output: str, run_id: str, progress: Progress, check: Check
    ) -> Extracted:
        """Write the features of all photos.

        Parameters
        ----------
        context
            The running Spark.
        photos
            The listing.
        output
            URI of the results folder.
        run_id
            Goes into the files' names.
        progress
            Times the stages and shows how far they are.
        check
            Called once it is known which photos can be used.
        """
