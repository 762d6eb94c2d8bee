"""Fit the principal components in a run, project every photo, and write and read the projection."""

from collections.abc import Sequence

import numpy as np
from pyspark import SparkContext

from job import storage
from job.errors import BackboneError
from job.images import TRAIN
from job.pca import components, passes
from job.pca.components import Moments, PrincipalComponents, Projection
from job.pca.passes import ProjectionReport, ProjectionTask, SumTask
from job.results import DataFile, layout
from job.results.progress import Progress
from job.spark import session
from job.spark.tasks import PhotosReport, written


def fit(
    context: SparkContext, reports: Sequence[PhotosReport], task: SumTask, standardize: bool, progress: Progress
) -> tuple[PrincipalComponents, Moments]:
    """Return all principal components of the features of the training photos, and the moments of the features."""
    files = [(file, used[TRAIN]) for file, used in written(reports)]
    done = context.accumulator(0)
    with progress.counted_stage("fit", sum(rows for _, rows in files), done):
        moments = passes.sum_moments(context, task, files, session.slots(context), done)
        require_finite(moments)
        return components.fit(moments, standardize), moments


def require_finite(moments: Moments) -> None:
    """Raise BackboneError if a feature of a training photo is NaN or infinite: one makes every component NaN."""
    if not (np.isfinite(moments.total).all() and np.isfinite(moments.shift).all()):
        raise BackboneError(
            "A network must compute finite features, got NaN or infinity for a training photo.",
            "Its weights are damaged or contain NaN: replace the file of --weights or --model.",
        )


def project_photos(
    context: SparkContext,
    reports: Sequence[PhotosReport],
    projection: Projection,
    task: ProjectionTask,
    progress: Progress,
) -> list[ProjectionReport]:
    """Write the components of all photos; return one report for each features file."""
    files = [file for file, _ in written(reports)]
    done = context.accumulator(0)
    with progress.counted_stage("projection", sum(file.rows for file in files), done):
        return passes.project_files(context, task, projection, files, session.slots(context), done)


def write_components(output: str, fitted: PrincipalComponents, projection: Projection) -> list[DataFile]:
    """Write the explained variance and the projection; return both files."""
    return [
        layout.write_csv(output, layout.EXPLAINED_VARIANCE, components.explained_variance(fitted)),
        layout.write_file(output, layout.PROJECTION, len(projection.components), projection.to_file()),
    ]


def read_projection(output: str) -> Projection:
    """Return the projection in a results folder; raise OSError if it cannot be read."""
    return Projection.from_file(storage.read_bytes(storage.join(output, layout.PROJECTION)))
