"""Find the objects of all photos of a prediction, and write them as tables."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import SparkContext

from job.classifiers import Classifier
from job.errors import ResultsUnusableError
from job.features.extractor import FeatureExtractor
from job.features.network.extractor import NetworkExtractor
from job.images import TRAIN
from job.objects import backdrop
from job.objects.backdrop import Backdrop
from job.objects.extractor import ObjectExtractor
from job.objects.search import Judge
from job.pca import Projection
from job.quality import duplicates, labelled
from job.results import DataFile, layout, resume
from job.results.progress import Progress
from job.spark import tasks
from job.spark.tasks import PhotosReport

VERSION = 2
"""Raise this when other objects are found than before: a resumed prediction then searches again."""

LEAST = 0.4
"""Least probability of an object's label without --reject-below."""

FILES_READ = 8
"""Features files of training photos that are read for their background."""


@dataclass(frozen=True)
class Fitted:
    """The run whose network and classifier find objects."""

    results: str
    manifest: dict[str, Any]
    projection: Projection
    classifier: Classifier
    network: NetworkExtractor


@dataclass(frozen=True)
class Found:
    """What the photo tasks have found."""

    reports: Sequence[PhotosReport]
    description: dict[str, Any]  # the manifest's entry "objects"

    @property
    def files(self) -> list[DataFile]:
        """The files of the tasks: a row for each photo."""
        return [report.file for report in self.reports if report.file is not None]


def require_fitted(
    results: str,
    manifest: dict[str, Any],
    projection: Projection,
    classifier: Classifier | None,
    extractor: FeatureExtractor,
) -> Fitted:
    """Return a run that can find objects; raise ResultsUnusableError if it cannot."""
    again = "Leave out --multiple, or repeat the run of the results with --classifier discriminant --overwrite."
    if classifier is None or classifier.distance is None:
        found = "without a classifier" if classifier is None else "of an earlier version, which has no distances"
        raise ResultsUnusableError(
            f"--multiple requires results with a classifier and distances, got '{results}', {found}.", again
        )
    if not isinstance(extractor, NetworkExtractor):
        raise ResultsUnusableError(
            f"--multiple requires results of a network, got '{results}', which are of visual words.", again
        )
    return Fitted(results, manifest, projection, classifier, extractor)


def find(
    context: SparkContext,
    output: str,
    run_id: str,
    photos: pa.Table,
    fitted: Fitted,
    reject_below: float | None,
    resumes: bool,
    progress: Progress,
) -> Found:
    """Find the objects of all photos of a listing; ``resumes``: reuse what an earlier prediction found."""
    with progress.stage("background"):
        plain = read_backdrop(context, fitted)
    least = LEAST if reject_below is None else reject_below
    provenance = describe_provenance(fitted, plain, least)
    photos, earlier = resume.reuse(resumes, output, layout.BOXES, provenance, photos, progress)
    judge = context.broadcast(Judge(fitted.projection, fitted.classifier, plain, least))
    extractor = ObjectExtractor(fitted.network, judge, provenance)
    reports = tasks.extract(context, photos, extractor, output, run_id, progress)
    labels = sum((report.tally for report in reports), Counter[str]())
    progress.say(f"Found {labels.total():,} objects.")
    description = {
        "objects": labels.total(),
        "labels": dict(sorted(labels.items(), key=lambda entry: (-entry[1], entry[0]))),
        "least_probability": least,
        "background": None if plain is None else asdict(plain),
        "reused": 0 if earlier is None else earlier.reused,
    }
    return Found(reports, description)


def describe_provenance(fitted: Fitted, plain: Backdrop | None, least: float) -> Mapping[str, Any]:
    """Return what determines the objects of a photo, apart from the photo."""
    return {
        **fitted.network.provenance,
        "fitted": fitted.manifest["run_id"],
        "background": None if plain is None else asdict(plain),
        "least_probability": least,
        "search": VERSION,
    }


def read_backdrop(context: SparkContext, fitted: Fitted) -> Backdrop | None:
    """Return the plain background of the training photos, from the thumbnails of some; None if there is none."""
    listed = [DataFile(**entry) for entry in fitted.manifest["files"][layout.FEATURES]]
    read = labelled.read(context, fitted.results, listed[:: -(-len(listed) // FILES_READ)]).photos
    training = read.filter(pc.equal(read["split"], TRAIN))["thumbnail"].drop_null()
    return backdrop.find(duplicates.thumbnails(training))


def write(output: str, found: Found) -> list[DataFile]:
    """Write a row for each object as Parquet and as CSV; return these files and those of the tasks."""
    parts = [flat(layout.read_parquet(output, file.path)) for file in found.files]
    # pyarrow writes the header again after an empty chunk.
    table = pa.concat_tables([layout.OBJECTS_SCHEMA.empty_table(), *parts]).combine_chunks()
    written = layout.write_parquet(output, layout.OBJECTS, table)
    return [written, layout.write_csv(output, layout.OBJECTS_TABLE, table), *found.files]


def flat(photos: pa.Table) -> pa.Table:
    """Return a row for each object of the rows of a task's file."""
    boxes = photos[layout.BOXES].combine_chunks()
    paths = photos["path"].take(pc.list_parent_indices(boxes))
    return pa.table([paths, *boxes.flatten().flatten()], schema=layout.OBJECTS_SCHEMA)
