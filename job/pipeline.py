"""The run from photos to results: its stages, in the order in which they happen."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark import SparkContext

from job import rejection_limits
from job.arguments import NO_CLASSIFIER, Arguments
from job.classifiers import stage
from job.classifiers.stage import Classified, ComponentsFile
from job.errors import TooFewPhotosError
from job.features.extractor import Extracted, Extraction
from job.features.network.backbone import BackboneDescription, read_description, require_usable
from job.features.network.export import ExportRequest, cached_export
from job.features.network.extractor import NetworkExtraction, warn_if_untrained
from job.features.words import vocabulary
from job.features.words.descriptors import KINDS, require_opencv
from job.features.words.extractor import WordExtraction, perceptron_parameters, reused
from job.features.words.kmeans import Learning
from job.features.words.options import CNN, ZERO
from job.images import listing
from job.images.listing import TRAIN
from job.inputs import count, describe_listing, list_all
from job.manifest import counts, describe_components, label_counts, manifest_files, task_seconds, versions
from job.pca import Projection, components, passes
from job.pca.components import PrincipalComponents
from job.pca.passes import ProjectionReport, ProjectionTask
from job.report import making
from job.results import layout, resume
from job.results.output import Run, begin_to_replace, finish, into_output, make_count
from job.results.progress import Progress
from job.spark import session
from job.storage import files as storage
from job.storage import uri

PERCEPTRON = "mlp"


@dataclass(frozen=True)
class Fitted:
    """What the stages after the features have come to.

    Parameters
    ----------
    components
        All of them.
    projection
        What turns features into those that are kept.
    projected
        What the tasks of the projection have written.
    classified
        What came of the classifier, if one was asked for.
    """

    components: PrincipalComponents
    projection: Projection
    projected: Sequence[ProjectionReport]
    classified: Classified | None


def run(arguments: Arguments) -> dict[str, Any]:
    """Take photos to results; return the manifest.

    Raises
    ------
    UsageError
        If what was asked for cannot be done; of this run nothing is then left in the output.
    RunFailedError
        If the run could not be finished; what it wrote stays, without a manifest.
    """
    folders = [folder for folder in (arguments.images, arguments.test, arguments.predict) if folder is not None]
    may_hold_results = arguments.overwrite or arguments.resume
    return into_output(arguments.output, may_hold_results, folders, partial(_carry_out, arguments))


def _carry_out(arguments: Arguments, run: Run) -> dict[str, Any]:
    with run.progress.stage("list"):
        photos = list_all(arguments)
    run.progress.say(describe_listing(photos))
    extraction = choose_extraction(arguments, run)
    require_possible(arguments, photos, extraction)
    photos, found = take_over(arguments.resume, run, extraction, photos)
    with session.opened(arguments.master, extraction.carry, run.progress, run.folder) as context:
        check = partial(rejection_limits.require_enough, run.output, count(photos, TRAIN), arguments.max_rejected)
        extracted = extraction.extract(context, photos, run.output, run.run_id, run.progress, check)
        fitted = fit_all(context, arguments, run, extracted)
    return write_results(arguments, run, photos, found, extracted, fitted)


def require_possible(arguments: Arguments, photos: pa.Table, extraction: Extraction) -> None:
    """Raise UsageError if what is asked for cannot be had of the photos that are listed."""
    training = count(photos, TRAIN)
    if training < 2:
        raise TooFewPhotosError(
            f"There is {training} photo to fit on, and principal components need at least 2.", "Give more photos."
        )
    if arguments.components is not None:
        components.require_components(arguments.components, training, extraction.features)
    if arguments.classifier != NO_CLASSIFIER:
        stage.require_labels(listing.count_by_label(photos, TRAIN), "listed")


def take_over(wanted: bool, run: Run, extraction: Extraction, photos: pa.Table) -> tuple[pa.Table, resume.Found | None]:
    """Return the listing with what an earlier run has computed already, if that is wanted, and what was found."""
    if not wanted:
        return photos, None
    with run.progress.stage("resume"):
        photos, found = resume.find(run.output, extraction.writes, extraction.provenance, photos)
    run.progress.say(str(found))
    return photos, found


def fit_all(context: SparkContext, arguments: Arguments, run: Run, extracted: Extracted) -> Fitted:
    """Fit the components, project every photo, train and test the classifier: all from the features."""
    output, progress, reports = run.output, run.progress, extracted.reports
    labels = label_counts(reports)[TRAIN]
    if arguments.classifier != NO_CLASSIFIER:
        stage.require_labels(labels, "used")
    files = [(report.made, report.used) for report in reports if report.made is not None]
    fitted = fit(context, output, [(file, used[TRAIN]) for file, used in files], arguments.standardize, progress)
    kept = choose_components(arguments, fitted, sum(labels.values()))
    projection = Projection(fitted.mean, fitted.scale, fitted.components[:kept])
    task = ProjectionTask(output, run.run_id, arguments.csv)
    projected = project(context, task, projection, [file for file, _ in files], progress)
    classified = None
    if arguments.classifier != NO_CLASSIFIER:
        classified = stage.classify(
            context,
            output,
            [ComponentsFile(to.components, used) for (_, used), to in zip(files, projected, strict=True)],
            arguments.classifier,
            labels,
            kept,
            arguments.seed,
            progress,
            perceptron_parameters(kept) if extracted.vocabulary and arguments.classifier == PERCEPTRON else {},
        )
    return Fitted(fitted, projection, projected, classified)


def write_results(
    arguments: Arguments, run: Run, photos: pa.Table, found: resume.Found | None, extracted: Extracted, fitted: Fitted
) -> dict[str, Any]:
    """Write what is left to write and make the run count; return the manifest."""
    output, progress, reports = run.output, run.progress, extracted.reports
    begin_to_replace(run)
    files = manifest_files(reports, fitted.projected)
    files["pca"] = [asdict(file) for file in write_components(output, fitted.components, fitted.projection)]
    if extracted.vocabulary is not None:
        files["vocabulary"] = [asdict(file) for file in vocabulary.save(output, *extracted.vocabulary)]
    if fitted.classified is not None:
        files["classifier"] = [asdict(file) for file in stage.write(output, fitted.classified)]
    seconds = {**progress.seconds, **task_seconds(reports)}
    manifest: dict[str, Any] = {
        "schema_version": layout.SCHEMA_VERSION,
        "run_id": run.run_id,
        "started": run.started,
        "finished": layout.utc_now(),
        "arguments": arguments.as_manifest(),
        "versions": versions(),
        **extracted.description,
        "counts": counts(photos, sum((report.used for report in reports), Counter[str]())),
        "resumed": None if found is None else found.as_manifest(),
        "labels": label_counts(reports),
        "components": describe_components(fitted.components, len(fitted.projection.components)),
        "classifier": None if fitted.classified is None else stage.describe(fitted.classified),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "files": files,
    }
    # The results stand before they are drawn: whoever interrupts the drawing loses a picture and nothing else.
    make_count(run, manifest)
    with progress.stage("report"):
        report = making.write_if_possible(output, manifest, arguments.lang, progress.say)
    manifest["files"][making.FILES] = [asdict(file) for file in report]
    manifest["seconds"]["report"] = round(progress.seconds["report"], 3)
    return finish(run, manifest)


def choose_extraction(arguments: Arguments, run: Run) -> Extraction:
    """Return what turns the photos into features, as it was asked for.

    Raises
    ------
    UsageError
        If it cannot be had: no such file, no OpenCV, no visual words in the results named.
    """
    if arguments.descriptor == CNN:
        with run.progress.stage("backbone"):
            model, backbone = choose_backbone(arguments, run.folder)
        warn_if_untrained(run.progress, backbone)
        return NetworkExtraction(model, backbone, arguments.precision)
    require_opencv()
    kind, keep_empty = KINDS[arguments.descriptor], arguments.no_keypoints == ZERO
    if arguments.vocabulary is not None:
        source = reused(arguments.vocabulary, arguments.descriptor)
        return WordExtraction(kind, source[0].keypoints, keep_empty, source)
    learning = Learning(
        arguments.visual_words,
        arguments.word_sample,
        arguments.word_iterations,
        arguments.seed,
    )
    return WordExtraction(kind, arguments.keypoints, keep_empty, learning)


def fit(
    context: SparkContext,
    output: str,
    files: Sequence[tuple[layout.DataFile, int]],
    standardize: bool,
    progress: Progress,
) -> PrincipalComponents:
    """Return all principal components of the training photos."""
    done = context.accumulator(0)
    with progress.counted_stage("fit", sum(rows for _, rows in files), done):
        moments = passes.sum_moments(context, output, files, session.slots(context), done)
        return components.fit(moments, standardize)


def choose_components(arguments: Arguments, fitted: PrincipalComponents, training: int) -> int:
    """Return how many components the run keeps.

    Raises
    ------
    UsageError
        If more were asked for than there are.
    """
    if arguments.components is not None:
        components.require_components(arguments.components, training, len(fitted.mean))
        return arguments.components
    if arguments.variance is None:
        return vocabulary.default_components(len(fitted.mean), len(fitted.cumulative))
    return components.components_for(fitted.cumulative, arguments.variance)


def project(
    context: SparkContext,
    task: ProjectionTask,
    projection: Projection,
    files: Sequence[layout.DataFile],
    progress: Progress,
) -> list[ProjectionReport]:
    """Write the components of all photos; return what each task reports."""
    done = context.accumulator(0)
    with progress.counted_stage("projection", sum(file.rows for file in files), done):
        return passes.project_files(context, task, projection, files, session.slots(context), done)


def write_components(output: str, fitted: PrincipalComponents, projection: Projection) -> list[layout.DataFile]:
    """Write the explained variance of every component, and what projects a new vector; return both files."""
    rows = components.explained_variance_rows(fitted)
    names = ("component", "variance", "ratio", "cumulative")
    table = pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=names)
    explained = layout.write_csv(output, layout.EXPLAINED_VARIANCE, table)
    archive = io.BytesIO()
    np.savez(archive, mean=projection.mean, scale=projection.scale, components=projection.components)
    content = archive.getvalue()
    storage.write_bytes(uri.join(output, layout.PROJECTION), content)
    return [explained, layout.DataFile(layout.PROJECTION, len(projection.components), len(content))]


def choose_backbone(arguments: Arguments, folder: Path) -> tuple[Path, BackboneDescription]:
    """Return the exported backbone's file on this machine, and its description.

    Parameters
    ----------
    arguments
        Name an exported file, or what is to be exported.
    folder
        Where a file that lies elsewhere is copied to.

    Raises
    ------
    UsageError
        If the file cannot be read or is none of ours, or if the backbone cannot be exported.
    """
    if arguments.model is None:
        model = cached_export(ExportRequest(arguments.backbone, arguments.weights, arguments.seed))
    else:
        model = storage.local_copy(uri.absolute_uri(arguments.model), folder)
    description = read_description(model)
    require_usable(model)
    return model, description
