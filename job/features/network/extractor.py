"""Turns photos into features by an exported network: which file it is, and the stage that computes them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark import SparkContext

from job.features.extractor import Check, Extracted
from job.features.network.backbone import (
    FAST,
    FULL,
    BackboneDescription,
    content_hash,
)
from job.features.network.litert import FLOAT32
from job.features.network.task import FeaturesTask, featurize_partition
from job.images.decode import DECODING
from job.results import layout
from job.results.layout import installed_version
from job.results.progress import Progress
from job.spark.tasks import PhotosReport, in_tasks

LARGEST_FEATURES = 64 * 2**20
"""Bytes of features that a task may hold: networks with long vectors get smaller partitions."""

RUNTIMES = {FULL: ("ai-edge-litert",), FAST: ("ai-edge-litert", "openvino")}
"""The libraries that compute features, by precision; a new version may change their last bits."""


@dataclass(frozen=True)
class NetworkExtraction:
    """Features by an exported network.

    Parameters
    ----------
    model
        The exported file on this machine.
    backbone
        Its description.
    precision
        As ``--precision`` names it.
    """

    model: Path
    backbone: BackboneDescription
    precision: str

    @property
    def features(self) -> int:
        """How many values it computes for a photo."""
        return self.backbone.features

    @property
    def writes(self) -> str:
        """Where the features go."""
        return layout.FEATURES

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """What decides a photo's features; the file is read through for it, and some are hundreds of megabytes."""
        libraries = RUNTIMES[self.precision]
        return {
            "model": content_hash(self.model),
            "precision": self.precision,
            "decoding": DECODING,
            "versions": {name: installed_version(name) for name in ("pillow", *libraries)},
        }

    def carry(self, context: SparkContext) -> None:
        """Give the executors the exported file."""
        context.addFile(str(self.model))

    def extract(
        self, context: SparkContext, photos: pa.Table, output: str, run_id: str, progress: Progress, check: Check
    ) -> Extracted:
        """Compute and write the features of all photos, as ``Extraction`` has it."""
        task = FeaturesTask(output, run_id, self.backbone, self.model.name, self.precision, self.provenance)
        reports = featurize(context, photos, task, progress)
        check(reports)
        described = {
            **asdict(self.backbone),
            "untrained": self.backbone.untrained,
            "sha256": self.provenance["model"],
        }
        precision = describe_precision(self.precision, reports)
        return Extracted(reports, {"backbone": described, "precision": precision, "vocabulary": None})


def warn_if_untrained(progress: Progress, backbone: BackboneDescription) -> None:
    """Tell the person that random weights are for trials only."""
    if backbone.untrained:
        progress.say(f"The weights are untrained ({backbone.weights}): features mean nothing, this is a trial.")


def featurize(context: SparkContext, photos: pa.Table, task: FeaturesTask, progress: Progress) -> list[PhotosReport]:
    """Compute and write the features of all photos; return what each task reports."""
    largest = LARGEST_FEATURES // (4 * task.backbone.features)
    reports = in_tasks(context, photos, largest, partial(featurize_partition, task), "features", progress)
    notice = precision_notice(describe_precision(task.precision, reports))
    if notice:
        progress.say(notice)
    return reports


def describe_precision(requested: str, featurized: Sequence[PhotosReport]) -> dict[str, Any]:
    """Return what the manifest says of the precision: the one requested, and how many photos were computed in what."""
    used: Counter[str] = Counter()
    for report in featurized:
        used += report.computed_in
    return {"requested": requested, "photos": {name: photos for name, photos in sorted(used.items()) if photos}}


def precision_notice(precision: dict[str, Any]) -> str | None:
    """Return what a person is told who asked for reduced precision where the processor has none; else None."""
    at_full = precision["photos"].get(FLOAT32, 0)
    if precision["requested"] == FULL or not at_full:
        return None
    return f"{at_full:,} photos were computed at full precision: there was no bfloat16, or no OpenVINO."
