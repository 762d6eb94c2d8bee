"""What a manifest says of a run: its counts, its components, its versions, and the files that count."""

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyspark

from job.images.listing import PREDICT, TEST, TRAIN
from job.pca import components
from job.pca.components import PrincipalComponents
from job.pca.passes import ProjectionReport
from job.results import layout
from job.results.layout import installed_version
from job.spark.tasks import PhotosReport

LIBRARIES = ("numpy", "pyarrow", "pillow", "ai-edge-litert", "openvino")
"""Their versions go into the manifest: what a number may depend on."""

SHARES = (0.80, 0.90, 0.95, 0.99)
"""Every run says how many components these shares of the variance need."""


def describe_components(fitted: PrincipalComponents, kept: int) -> dict[str, Any]:
    """Return what the manifest says of the components."""
    cumulative = fitted.cumulative
    return {
        "kept": kept,
        "variance_kept": float(cumulative[kept - 1]),
        "components_for_variance": {f"{share:g}": components.components_for(cumulative, share) for share in SHARES},
        "available": len(cumulative),
        "dimensions": len(fitted.mean),
        "constant_dimensions": fitted.constant,
    }


def counts(photos: pa.Table, used: Counter[str]) -> dict[str, int]:
    """Return how many photos were found, used (also by split) and rejected."""
    total = sum(used.values())
    by_split = {split: used[split] for split in (TRAIN, TEST, PREDICT)}
    return {"found": len(photos), "used": total, "rejected": len(photos) - total, **by_split}


def label_counts(featurized: Sequence[PhotosReport]) -> dict[str, dict[str, int]]:
    """Return how many photos of each label were used, by split."""
    labels = sum((report.labels for report in featurized), Counter[tuple[str, str]]())
    return {
        split: {label: count for (of, label), count in sorted(labels.items()) if of == split} for split in (TRAIN, TEST)
    }


def task_seconds(featurized: Sequence[PhotosReport]) -> dict[str, float]:
    """Return the seconds that the feature tasks spent on each of their stages, all tasks together."""
    stages = featurized[0].seconds
    return {name: sum(report.seconds[name] for report in featurized) for name in stages}


def versions() -> dict[str, str]:
    """Return the versions of everything that a number may depend on."""
    # A cluster brings its own pyspark, which is not installed as a package.
    libraries = {name: installed_version(name) for name in LIBRARIES}
    installed = {name: version for name, version in libraries.items() if version is not None}
    return {"python": platform.python_version(), "pyspark": pyspark.__version__, **installed}


def manifest_files(
    featurized: Sequence[PhotosReport], projected: Sequence[ProjectionReport]
) -> dict[str, list[dict[str, Any]]]:
    """Return the run's data files as the manifest lists them."""
    files: dict[str, list[layout.DataFile | None]] = {
        layout.FEATURES: [report.made for report in featurized],
        layout.REJECTED: [report.rejected for report in featurized],
        layout.COMPONENTS: [report.components for report in projected],
        layout.COMPONENTS_CSV: [report.csv for report in projected],
    }
    return {name: [asdict(file) for file in listed if file is not None] for name, listed in files.items()}
