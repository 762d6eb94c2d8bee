"""The run from photos to results: its stages, in the order in which they happen."""

import importlib.metadata
import io
import platform
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyspark
from pyspark import SparkContext

from job import classification, components, listing, reduction, results, session, storage, vocabulary
from job.arguments import NO_CLASSIFIER, Arguments
from job.backbone import FLOAT32, FULL, BackboneDescription, content_hash, read_description, require_usable
from job.classification import ComponentsFile
from job.components import PrincipalComponents
from job.descriptors import KINDS, require_opencv
from job.errors import JobError, OutputRefusedError, TooFewPhotosError, UsageError
from job.export import ExportRequest, cached_export
from job.extraction import Check, Extracted, Extraction
from job.failures import as_job_error
from job.features import FeaturesReport, FeaturesTask, as_stream, featurize_partition
from job.listing import PREDICT, TEST, TRAIN, Subset
from job.progress import Progress, utc_now
from job.reduction import Projection, ProjectionReport, ProjectionTask
from job.report import making
from job.visual_words import Learning
from job.word_arguments import CNN, ZERO
from job.word_extraction import WordExtraction, perceptron_parameters, reused

LIBRARIES = ("numpy", "pyarrow", "pillow", "ai-edge-litert")
"""Their versions go into the manifest: what a number may depend on."""

PERCEPTRON = "mlp"

SHARES = (0.80, 0.90, 0.95, 0.99)
"""Every run says how many components these shares of the variance need."""

LARGEST_FEATURES = 64 * 2**20
"""Bytes of features that a task may hold: networks with long vectors get smaller partitions."""


@dataclass(frozen=True)
class Run:
    """A run under way.

    Parameters
    ----------
    output
        URI of the results folder.
    run_id
        Goes into the names of its files.
    started
        When, as the manifest says it.
    progress
        Tells the person how far it is.
    folder
        A folder of this machine for as long as it lasts.
    """

    output: str
    run_id: str
    started: str
    progress: Progress
    folder: Path


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
    return into_output(arguments.output, arguments.overwrite, folders, partial(_carry_out, arguments))


def into_output(
    output: str, overwrite: bool, folders: Sequence[str], carry_out: Callable[[Run], dict[str, Any]]
) -> dict[str, Any]:
    """Carry out a run that writes into an output, and put away what it wrote if it cannot be; return the manifest.

    Parameters
    ----------
    output
        URI of the results folder.
    overwrite
        Whether it may hold results.
    folders
        URIs of the photos.
    carry_out
        The run itself.
    """
    output = storage.absolute_uri(output)
    require_apart(output, folders)
    if not overwrite:
        results.require_no_results(output)
    was_there = storage.folder_exists(output)
    started, run_id = utc_now(), results.new_run_id(datetime.now(UTC))
    progress = Progress(output, run_id)
    with tempfile.TemporaryDirectory(prefix="orchard-") as folder:
        try:
            return carry_out(Run(output, run_id, started, progress, Path(folder)))
        except UsageError:
            _discard(output, run_id, was_there)
            raise
        except BaseException:
            # The first failure is what the person has to hear of, not one of putting things away after it.
            with suppress(JobError):
                if results.has_data(output, run_id):
                    progress.fail()
                else:
                    _discard(output, run_id, was_there)
            raise


def _discard(output: str, run_id: str, was_there: bool) -> None:
    results.discard(output, run_id)
    if not was_there:
        storage.remove_empty_folder(output)


def require_apart(output: str, folders: Sequence[str]) -> None:
    """Raise UsageError if results would go among photos: a label may have the name of a results folder."""
    for folder in folders:
        photos = storage.absolute_uri(folder)
        if f"{storage.resolved(photos)}/".startswith(f"{storage.resolved(output)}/"):
            raise OutputRefusedError(
                f"The photos in '{photos}' lie in the output '{output}'.", "Choose an --output beside the photos."
            )


def _carry_out(arguments: Arguments, run: Run) -> dict[str, Any]:
    output, run_id, progress = run.output, run.run_id, run.progress
    with progress.stage("list"):
        photos = list_all(arguments)
    progress.say(describe_listing(photos))
    extraction = choose_extraction(arguments, run)
    training = count(photos, TRAIN)
    if training < 2:
        raise TooFewPhotosError(
            f"There is {training} photo to fit on, and principal components need at least 2.", "Give more photos."
        )
    if arguments.components is not None:
        components.require_components(arguments.components, training, extraction.features)
    if arguments.classifier != NO_CLASSIFIER:
        classification.require_labels(listing.count_by_label(photos, TRAIN), "listed")
    with spark(arguments.master, extraction.carry, progress, run.folder) as context:
        check = partial(require_two, output, training)
        extracted = extraction.extract(context, photos, output, run_id, progress, check)
        featurized = extracted.reports
        written = [report for report in featurized if report.features is not None]
        files = [report.features for report in written if report.features is not None]
        used = sum((report.used for report in featurized), Counter[str]())
        if arguments.classifier != NO_CLASSIFIER:
            classification.require_labels(label_counts(featurized)[TRAIN], "used")
        fitted = fit(context, output, files, arguments.standardize, progress)
        kept = choose_components(arguments, fitted, used[TRAIN])
        projection = Projection(fitted.mean, fitted.scale, fitted.components[:kept])
        task = ProjectionTask(output, run_id, arguments.csv)
        projected = project(context, task, projection, files, progress)
        classified = None
        if arguments.classifier != NO_CLASSIFIER:
            classified = classification.classify(
                context,
                output,
                [ComponentsFile(to.components, of.used) for of, to in zip(written, projected, strict=True)],
                arguments.classifier,
                label_counts(featurized)[TRAIN],
                arguments.seed,
                progress,
                perceptron_parameters(kept) if extracted.vocabulary and arguments.classifier == PERCEPTRON else {},
            )
    # From here on the old results, if there were any, are no longer whole; the new ones are in a moment.
    storage.delete(storage.join(output, results.MANIFEST))
    files_by_name = manifest_files(featurized, projected)
    files_by_name["pca"] = [asdict(file) for file in write_components(output, fitted, projection)]
    if extracted.vocabulary is not None:
        files_by_name["vocabulary"] = [asdict(file) for file in vocabulary.save(output, *extracted.vocabulary)]
    if classified is not None:
        files_by_name["classifier"] = [asdict(file) for file in classification.write(output, classified)]
    seconds = {**progress.seconds, **task_seconds(featurized)}
    manifest: dict[str, Any] = {
        "schema_version": results.SCHEMA_VERSION,
        "run_id": run_id,
        "started": run.started,
        "finished": utc_now(),
        "arguments": arguments.as_manifest(),
        "versions": versions(),
        **extracted.description,
        "counts": counts(photos, used),
        "labels": label_counts(featurized),
        "components": describe_components(fitted, kept),
        "classifier": None if classified is None else classification.describe(classified),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "files": files_by_name,
    }
    with progress.stage("report"):
        report = making.write_if_possible(output, manifest, arguments.lang, progress.say)
    manifest["files"][making.FILES] = [asdict(file) for file in report]
    manifest["seconds"]["report"] = round(progress.seconds["report"], 3)
    return finish(run, manifest)


def finish(run: Run, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest, delete what does not count, and say that the run is over; return the manifest."""
    results.write_manifest(run.output, manifest)
    results.sweep(run.output, listed_files(manifest), run.run_id)
    run.progress.finish(manifest["counts"]["used"])
    return manifest


def list_all(arguments: Arguments) -> pa.Table:
    """Return one listing of all photos: those to fit on, to test and to predict.

    Raises
    ------
    UsageError
        If a folder holds no photo, if a wanted label is not there, or if a folder lies in another.
    """
    subset = Subset(arguments.labels, arguments.per_label, arguments.seed)
    folders = [(arguments.images, TRAIN), (arguments.test, TEST), (arguments.predict, PREDICT)]
    given = [(storage.absolute_uri(folder), split) for folder, split in folders if folder is not None]
    listing.require_separate([folder for folder, _ in given])
    listings = [listing.list_photos(folder, split, subset) for folder, split in given]
    if arguments.holdout is not None:
        listings[0] = listing.hold_out(listings[0], arguments.holdout, arguments.seed, given[0][0])
    return pa.concat_tables(listings).combine_chunks()


def count(photos: pa.Table, split: str) -> int:
    """Return how many photos of a listing are in a split."""
    return len(photos.filter(pa.compute.equal(photos["split"], split)))


def warn_if_untrained(progress: Progress, backbone: BackboneDescription) -> None:
    """Tell the person that random weights are for trials only."""
    if backbone.untrained:
        progress.say(f"The weights are untrained ({backbone.weights}): features mean nothing, this is a trial.")


def describe_listing(photos: pa.Table) -> str:
    """Return one line on what was found."""
    found = Counter(photos["split"].to_pylist())
    names = {TRAIN: "to fit on", TEST: "to test", PREDICT: "to predict"}
    parts = [f"{found[split]:,} photos {name}" for split, name in names.items() if found[split]]
    labels = len(listing.count_by_label(photos, TRAIN))
    return f"Found {', '.join(parts)}; {labels:,} label{'s' if labels != 1 else ''}."


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

    def carry(self, context: SparkContext) -> None:
        """Give the executors the exported file."""
        context.addFile(str(self.model))

    def extract(
        self, context: SparkContext, photos: pa.Table, output: str, run_id: str, progress: Progress, check: Check
    ) -> Extracted:
        """Compute and write the features of all photos, as ``Extraction`` has it."""
        task = FeaturesTask(output, run_id, self.backbone, self.model.name, self.precision)
        reports = featurize(context, photos, task, progress)
        check(reports)
        made_by = {
            **asdict(self.backbone),
            "untrained": self.backbone.untrained,
            "sha256": content_hash(self.model),
        }
        return Extracted(
            reports, {"backbone": made_by, "precision": describe_precision(self.precision, reports), "vocabulary": None}
        )


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
        arguments.word_start,
        arguments.word_iterations,
        arguments.seed,
    )
    return WordExtraction(kind, arguments.keypoints, keep_empty, learning)


def require_two(output: str, training: int, reports: Sequence[FeaturesReport]) -> None:
    """Raise UsageError if fewer than two of the photos to fit on could be used."""
    used = sum(report.used[TRAIN] for report in reports)
    if used < 2:
        raise TooFewPhotosError(
            f"Of {training} photos to fit on, {used} could be used, and at least 2 are needed. "
            f"The first reason: {first_reason(output, reports)}.",
            "Give more photos, or mend these.",
        )


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
        model = storage.local_copy(storage.absolute_uri(arguments.model), folder)
    description = read_description(model)
    require_usable(model)
    return model, description


def featurize(context: SparkContext, photos: pa.Table, task: FeaturesTask, progress: Progress) -> list[FeaturesReport]:
    """Compute and write the features of all photos; return what each task reports."""
    largest = max(1, min(listing.LARGEST_PARTITION, LARGEST_FEATURES // (4 * task.backbone.features)))
    partitions = listing.partition(photos, session.slots(context), largest)
    numbered = [(number, as_stream(part)) for number, part in enumerate(partitions)]
    done = context.accumulator(0)
    with progress.counted_stage("features", len(photos), done):
        tasks = context.parallelize(numbered, len(numbered)).map(partial(featurize_partition, task, done))
        reports = list(tasks.collect())
    notice = precision_notice(describe_precision(task.precision, reports))
    if notice:
        progress.say(notice)
    return reports


def describe_precision(asked: str, featurized: Sequence[FeaturesReport]) -> dict[str, Any]:
    """Return what the manifest says of the precision: asked for, and how many photos were computed in what."""
    used: Counter[str] = Counter()
    for report in featurized:
        used[report.computed_in] += report.used.total()
    return {"asked": asked, "photos": {name: photos for name, photos in sorted(used.items()) if photos}}


def precision_notice(precision: dict[str, Any]) -> str | None:
    """Return what a person is told who asked for reduced precision where the processor has none; else None."""
    at_full = precision["photos"].get(FLOAT32, 0)
    if precision["asked"] == FULL or not at_full:
        return None
    return f"{at_full:,} photos were computed at full precision: their processor has no bfloat16 that can be used."


def fit(
    context: SparkContext,
    output: str,
    files: Sequence[results.DataFile],
    standardize: bool,
    progress: Progress,
) -> PrincipalComponents:
    """Return all principal components of the training photos."""
    done = context.accumulator(0)
    with progress.counted_stage("fit", sum(file.rows for file in files), done):
        moments = reduction.sum_moments(context, output, files, session.slots(context), done)
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
    files: Sequence[results.DataFile],
    progress: Progress,
) -> list[ProjectionReport]:
    """Write the components of all photos; return what each task reports."""
    done = context.accumulator(0)
    with progress.counted_stage("projection", sum(file.rows for file in files), done):
        return reduction.project_files(context, task, projection, files, session.slots(context), done)


def write_components(output: str, fitted: PrincipalComponents, projection: Projection) -> list[results.DataFile]:
    """Write the explained variance of every component, and what projects a new vector; return both files."""
    rows = components.explained_variance_rows(fitted)
    names = ("component", "variance", "ratio", "cumulative")
    table = pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=names)
    explained = results.write_csv(output, results.EXPLAINED_VARIANCE, table)
    archive = io.BytesIO()
    np.savez(archive, mean=projection.mean, scale=projection.scale, components=projection.components)
    content = archive.getvalue()
    storage.write_bytes(storage.join(output, results.PROJECTION), content)
    return [explained, results.DataFile(results.PROJECTION, len(projection.components), len(content))]


def describe_components(fitted: PrincipalComponents, kept: int) -> dict[str, Any]:
    """Return what the manifest says of the components."""
    cumulative = fitted.cumulative
    return {
        "kept": kept,
        "variance_kept": float(cumulative[kept - 1]),
        "needed": {f"{share:g}": components.components_for(cumulative, share) for share in SHARES},
        "available": len(cumulative),
        "dimensions": len(fitted.mean),
        "constant_dimensions": fitted.constant,
    }


def counts(photos: pa.Table, used: Counter[str]) -> dict[str, int]:
    """Return how many photos were found, used (also by split) and rejected."""
    total = sum(used.values())
    by_split = {split: used[split] for split in (TRAIN, TEST, PREDICT)}
    return {"found": len(photos), "used": total, "rejected": len(photos) - total, **by_split}


def label_counts(featurized: Sequence[FeaturesReport]) -> dict[str, dict[str, int]]:
    """Return how many photos of each label were used, by split."""
    labels = sum((report.labels for report in featurized), Counter[tuple[str, str]]())
    return {
        split: {label: count for (of, label), count in sorted(labels.items()) if of == split} for split in (TRAIN, TEST)
    }


def task_seconds(featurized: Sequence[FeaturesReport]) -> dict[str, float]:
    """Return the seconds that the feature tasks spent on each of their stages, all tasks together."""
    stages = featurized[0].seconds
    return {name: sum(report.seconds[name] for report in featurized) for name in stages}


def versions() -> dict[str, str]:
    """Return the versions of everything that a number may depend on."""
    # A cluster brings its own pyspark, which is not installed as a package.
    libraries = {name: importlib.metadata.version(name) for name in LIBRARIES}
    # There is none for some machines.
    with suppress(importlib.metadata.PackageNotFoundError):
        libraries["openvino"] = importlib.metadata.version("openvino")
    return {"python": platform.python_version(), "pyspark": pyspark.__version__, **libraries}


def manifest_files(
    featurized: Sequence[FeaturesReport], projected: Sequence[ProjectionReport]
) -> dict[str, list[dict[str, Any]]]:
    """Return the run's data files as the manifest lists them."""
    files: dict[str, list[results.DataFile | None]] = {
        results.FEATURES: [report.features for report in featurized],
        results.REJECTED: [report.rejected for report in featurized],
        results.COMPONENTS: [report.components for report in projected],
        results.COMPONENTS_CSV: [report.csv for report in projected],
    }
    return {name: [asdict(file) for file in listed if file is not None] for name, listed in files.items()}


def listed_files(manifest: dict[str, Any]) -> list[str]:
    """Return the path of every file that counts, by the manifest."""
    return [entry["path"] for entries in manifest["files"].values() for entry in entries]


@contextmanager
def spark(
    master: str | None, carry: Callable[[SparkContext], None], progress: Progress, folder: Path
) -> Iterator[SparkContext]:
    """Run Spark for as long as the block lasts, with the code and what else it needs on every executor.

    Parameters
    ----------
    master
        Where Spark runs; None as ``session.start`` has it.
    carry
        Gives the executors what they need beside the code.
    progress
        Times the start.
    folder
        Where the code is packed; it must stay until Spark stops.

    Raises
    ------
    JobError
        Whatever Spark fails with, as a person is told it.
    """
    joined = session.running() is not None
    with progress.stage("start"):
        context = session.start(master)
        session.carry_code(context, folder)
        carry(context)
    try:
        yield context
    except JobError:
        raise
    except Exception as error:
        raise as_job_error(error) from error
    finally:
        # Whoever started Spark, a notebook for instance, goes on with it.
        if not joined:
            session.stop(context)


def first_reason(output: str, featurized: Sequence[FeaturesReport]) -> str:
    """Return path and reason of the first photo that was set aside."""
    for report in featurized:
        if report.rejected is not None:
            row = results.read_parquet(output, report.rejected.path).slice(0, 1).to_pylist()[0]
            return f"{row['path']}: {row['reason']}"
    return "none was rejected"
