"""Extract features with an exported network."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import SparkContext, SparkFiles

from job.features.extractor import Extracted
from job.features.network.backbone import (
    BackboneDescription,
    Network,
    content_hash,
    load,
    read_description,
    require_usable,
)
from job.features.network.transform import NO_TRANSFORM, transform_features
from job.images import DECODING, EXACT, Decoded, decode_views
from job.matrices import list_column
from job.results import installed_version, layout
from job.results.progress import Progress
from job.spark.tasks import Loaded, PhotosReport, Values

LARGEST_FEATURES = 64 * 2**20
"""Bytes of features that a task may hold: networks with long vectors get smaller partitions."""

LIBRARIES = ("pillow", "ai-edge-litert")
"""They decode photos and compute features; a new version may change the last bits."""


@dataclass(frozen=True)
class NetworkExtractor:
    """Features of an exported network."""

    model: Path
    backbone: BackboneDescription
    decoding: str = EXACT  # of --decode
    views: int = 1
    transform: str = NO_TRANSFORM  # of --feature-transform

    folder, schema, stage = layout.FEATURES, layout.FEATURES_SCHEMA, "infer"

    @property
    def features(self) -> int:
        """How many values it computes for a photo."""
        return self.backbone.features

    @property
    def files(self) -> Sequence[Path]:
        """The exported file, which the executors load."""
        return [self.model]

    @property
    def largest_partition(self) -> int:
        """How many photos' features fit into ``LARGEST_FEATURES``."""
        return LARGEST_FEATURES // (4 * self.features)

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """What decides a photo's features; cached, because the file is hashed for it and may have hundreds of MB."""
        return {
            "model": content_hash(self.model),
            "precision": self.backbone.precision,
            "views": self.views,
            "transform": self.transform,
            "decode": self.decoding,
            "decoding": DECODING,
            "versions": {name: installed_version(name) for name in LIBRARIES},
        }

    def load(self) -> Loaded:
        """Load the network."""
        network = _load_network(SparkFiles.get(self.model.name))

        def process(photos: Sequence[Decoded]) -> Values:
            views = [view for photo in photos for view in photo.views]
            features = np.empty((len(views), self.features), np.float32)
            for start in range(0, len(views), network.batch):
                together = slice(start, start + network.batch)
                network.compute_batch([np.asarray(view) for view in views[together]], features[together])
            mean = features.reshape(len(photos), self.views, self.features).mean(axis=1)
            return transform_features(mean, self.transform)

        return Loaded(process, network.batch)

    def decode(self, content: bytes) -> Decoded:
        """Decode the views of a photo."""
        return decode_views(content, self.backbone.width, self.backbone.height, self.views, self.decoding)

    def to_column(self, values: Sequence[Values]) -> pa.Array:
        """Return the features of all photos as lists of float32."""
        return list_column(np.array(values, np.float32).reshape(-1, self.features))

    def tally(self, rows: pa.Table) -> Counter[str]:  # noqa: ARG002 - of the interface
        """Count nothing else."""
        return Counter()

    def complete(
        self,
        context: SparkContext,  # noqa: ARG002 - of the interface
        reports: Sequence[PhotosReport],
        output: str,  # noqa: ARG002 - of the interface
        progress: Progress,  # noqa: ARG002 - of the interface
    ) -> Extracted:
        """Describe the features, which the photo tasks have written."""
        backbone = {
            **asdict(self.backbone),
            "untrained": self.backbone.untrained,
            "views": self.views,
            "transform": self.transform,
            "sha256": self.provenance["model"],
        }
        return Extracted(list(reports), {"backbone": backbone, "vocabulary": None})


def open_network(model: Path, decoding: str = EXACT, views: int = 1, transform: str = NO_TRANSFORM) -> NetworkExtractor:
    """Return the extractor of an exported file; raise UsageError if it cannot be read or loaded."""
    backbone = read_description(model)
    require_usable(model)
    return NetworkExtractor(model, backbone, decoding, views, transform)


def warn_if_untrained(progress: Progress, backbone: BackboneDescription) -> None:
    """Warn that random weights are for trials only."""
    if backbone.untrained:
        progress.say(f"The weights are untrained ({backbone.weights}): features mean nothing, this is a trial.")


@lru_cache(maxsize=1)
def _load_network(path: str) -> Network:
    # Once a worker process: Spark keeps the process for the next tasks.
    return load(path)
