"""Build the manifest of a run: its counts, components, versions, seconds, and the files that count."""

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import pyspark

from job.features.extractor import Extracted
from job.images import PREDICT, TEST, TRAIN
from job.pca import PrincipalComponents, components
from job.pca.passes import ProjectionReport
from job.results import DataFile, installed_version, layout, tables
from job.results.output import Run
from job.results.resume import Found
from job.results.tables import Tables
from job.spark.tasks import PhotosReport

LIBRARIES = ("numpy", "pyarrow", "pillow", "ai-edge-litert")
"""Their versions go into the manifest: what a number may depend on."""

SHARES = (0.80, 0.90, 0.95, 0.99)
"""Every manifest says how many components these shares of the variance need."""


def build_manifest(
    run: Run,
    arguments: dict[str, Any],
    photos: pa.Table,
    found: Found | None,
    extracted: Extracted,
    projected: Sequence[ProjectionReport],
    fitted: dict[str, Any],
    files: Mapping[str, Sequence[DataFile]],
) -> dict[str, Any]:
    """Return the manifest.

    Parameters
    ----------
    photos
        The listing.
    fitted
        The entries "components", "classifier", "predicted" and "reasons", and of a prediction "fitted", its run.
    files
        Files that the driver wrote, by data set.
    """
    reports = extracted.reports
    seconds = {**run.progress.seconds, **task_seconds(reports)}
    listed = {**data_files(reports, projected), **files}
    return {
        "schema_version": layout.SCHEMA_VERSION,
        "run_id": run.run_id,
        "started": run.started,
        "finished": layout.utc_now(),
        "arguments": arguments,
        "versions": versions(),
        **extracted.description,
        "counts": counts(photos, sum((report.used for report in reports), Counter[str]())),
        "resumed": None if found is None else found.as_manifest(),
        "labels": label_counts(reports),
        **fitted,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "files": {name: [asdict(file) for file in entries] for name, entries in listed.items()},
    }


def describe_components(fitted: PrincipalComponents, kept: int) -> dict[str, Any]:
    """Return the entry "components"."""
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


def label_counts(reports: Sequence[PhotosReport]) -> dict[str, dict[str, int]]:
    """Return how many photos of each label were used, by split."""
    labels = sum((report.labels for report in reports), Counter[tuple[str, str]]())
    return {
        split: {label: count for (of, label), count in sorted(labels.items()) if of == split} for split in (TRAIN, TEST)
    }


def task_seconds(reports: Sequence[PhotosReport]) -> dict[str, float]:
    """Return the seconds that the photo tasks spent on each of their stages, all tasks together."""
    return {name: sum(report.seconds[name] for report in reports) for name in reports[0].seconds}


def versions() -> dict[str, str]:
    """Return the versions of everything that a number may depend on."""
    # A cluster brings its own pyspark, which is not installed as a package.
    libraries = {name: installed_version(name) for name in LIBRARIES}
    installed = {name: version for name, version in libraries.items() if version is not None}
    return {"python": platform.python_version(), "pyspark": pyspark.__version__, **installed}


def write_tables(
    output: str,
    reports: Sequence[PhotosReport],
    projected: Sequence[ProjectionReport],
    predictions: Sequence[DataFile],
    labels: Sequence[str],
) -> Tables:
    """Write the data sets that the tasks have written as single CSV files too."""
    files = data_files(reports, projected)
    return tables.write_tables(output, files[layout.REJECTED], files[layout.COMPONENTS_CSV], predictions, labels)


def data_files(reports: Sequence[PhotosReport], projected: Sequence[ProjectionReport]) -> dict[str, list[DataFile]]:
    """Return the files that the tasks have written, by data set."""
    files: dict[str, list[DataFile | None]] = {
        layout.FEATURES: [report.file for report in reports],
        layout.REJECTED: [report.rejected for report in reports],
        layout.COMPONENTS: [report.components for report in projected],
        layout.COMPONENTS_CSV: [report.csv for report in projected],
    }
    return {name: [file for file in listed if file is not None] for name, listed in files.items()}
