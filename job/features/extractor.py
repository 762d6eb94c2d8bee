"""The feature extractor interface, which networks and visual words implement."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from pyspark import SparkContext

from job.matrices import list_column
from job.results import layout
from job.results.progress import Progress
from job.spark.tasks import PhotoExtractor, PhotosReport, Values


def features_table(photos: pa.Table, features: Values) -> pa.Table:
    """Return the rows of a features file, sharing the memory of the features: float32 of shape (photos, features)."""
    columns = [photos["path"], photos["label"], photos["split"], list_column(features)]
    return pa.table(columns, schema=layout.FEATURES_SCHEMA)


@dataclass(frozen=True)
class Extracted:
    """Photos turned into features.

    Parameters
    ----------
    reports
        One per task; its file is in ``features/``.
    description
        The manifest's entries on the source of the features: "backbone" and "vocabulary", one of them null.
    vocabulary
        Files of the vocabulary as ``layout.write_file`` takes them, not yet written; empty for a network.
    """

    reports: list[PhotosReport]
    description: dict[str, Any]
    vocabulary: Sequence[tuple[str, int, bytes]] = ()


class FeatureExtractor(PhotoExtractor, Protocol):
    """Turns photos into features; chosen and checked before Spark starts."""

    @property
    def features(self) -> int:
        """The number of features of a photo, at most."""

    @property
    def files(self) -> Sequence[Path]:
        """Files that the executors need in addition to the code."""

    def complete(
        self, context: SparkContext, reports: Sequence[PhotosReport], output: str, progress: Progress
    ) -> Extracted:
        """Turn the values that the photo tasks have written into features.

        Raises
        ------
        UsageError
            If the photos do not suffice for the arguments.
        """
