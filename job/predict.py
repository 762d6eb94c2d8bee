"""Applies what an earlier run fitted to other photos, refitting nothing: ``python -m job predict``."""

import io
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from job import classification, listing, pipeline, results, storage
from job.arguments import PredictArguments
from job.backbone import BackboneDescription, content_hash, read_description, require_usable
from job.classification import ComponentsFile
from job.classifier import Classifier
from job.errors import RunFailedError, UsageError
from job.export import ExportRequest, cache_folder, cached_export
from job.features import FeaturesTask
from job.listing import PREDICT
from job.pipeline import Run
from job.progress import utc_now
from job.reduction import Projection, ProjectionTask


def run(arguments: PredictArguments, environment: dict[str, str]) -> dict[str, Any]:
    """Take photos to components, and to predictions where the earlier run has a classifier; return the manifest.

    Parameters
    ----------
    arguments
        What to apply to which photos.
    environment
        Of this process; says where exported backbones are kept.

    Raises
    ------
    UsageError
        If what was asked for cannot be done; of this run nothing is then left in the output.
    RunFailedError
        If the run could not be finished; what it wrote stays, without a manifest.
    """
    fitted = storage.absolute_uri(arguments.fitted)
    output = storage.absolute_uri(arguments.output)
    if storage.resolved(fitted) == storage.resolved(output):
        raise UsageError(
            f"The output '{output}' is the folder of the results that are applied.", "Choose another --output."
        )
    return pipeline.into_output(
        output, arguments.overwrite, [arguments.images], partial(_carry_out, arguments, fitted, environment)
    )


def _carry_out(arguments: PredictArguments, fitted: str, environment: dict[str, str], run: Run) -> dict[str, Any]:
    output, progress = run.output, run.progress
    earlier = results.read_manifest(fitted)
    projection, classifier = read_fitted(fitted, earlier)
    with progress.stage("list"):
        photos = listing.list_photos(storage.absolute_uri(arguments.images), PREDICT)
    progress.say(f"Found {len(photos):,} photos to predict.")
    with progress.stage("backbone"):
        model, backbone = find_backbone(arguments.model, earlier, Path(cache_folder(environment)), run.folder)
    pipeline.warn_if_untrained(progress, backbone)
    predictions: list[results.DataFile] = []
    with pipeline.spark(arguments.master, model, progress, run.folder) as context:
        task = FeaturesTask(output, run.run_id, backbone, model.name)
        featurized = pipeline.featurize(context, photos, task, progress)
        written = [(report.features, report.used) for report in featurized if report.features is not None]
        if not written:
            raise UsageError(
                f"None of {len(photos)} photos could be used. "
                f"The first reason: {pipeline.first_reason(output, featurized)}.",
                "Give other photos, or mend these.",
            )
        files = [file for file, _ in written]
        projected = pipeline.project(
            context, ProjectionTask(output, run.run_id, arguments.csv), projection, files, progress
        )
        if classifier is not None:
            with_splits = [
                ComponentsFile(to.components, used) for to, (_, used) in zip(projected, written, strict=True)
            ]
            predictions, _ = classification.predict(context, output, classifier, with_splits, progress)
    storage.delete(storage.join(output, results.MANIFEST))
    used = sum((report.used for report in featurized), Counter[str]())
    seconds = {**progress.seconds, **pipeline.task_seconds(featurized)}
    manifest = {
        "schema_version": results.SCHEMA_VERSION,
        "run_id": run.run_id,
        "started": run.started,
        "finished": utc_now(),
        "arguments": arguments.as_manifest(),
        "fitted": {"results": fitted, "run_id": earlier["run_id"]},
        "versions": pipeline.versions(),
        "backbone": earlier["backbone"],
        "counts": pipeline.counts(photos, used),
        "labels": pipeline.label_counts(featurized),
        "components": earlier["components"],
        "classifier": earlier.get("classifier"),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "files": {
            **pipeline.manifest_files(featurized, projected),
            "classifier": [asdict(file) for file in predictions],
        },
    }
    return pipeline.finish(run, manifest)


def read_fitted(fitted: str, manifest: dict[str, Any]) -> tuple[Projection, Classifier | None]:
    """Return the projection and, where there is one, the classifier of a finished run.

    Parameters
    ----------
    fitted
        URI of its results.
    manifest
        Its manifest.

    Raises
    ------
    UsageError
        If the run was itself one that applied another.
    RunFailedError
        If a file that the manifest lists cannot be read.
    """
    listed = pipeline.listed_files(manifest)
    if results.PROJECTION not in listed:
        raise UsageError(
            f"The results '{fitted}' fitted nothing: they only apply what another run fitted.",
            f"Give that run's: --fitted {manifest.get('fitted', {}).get('results', 'RESULTS')}",
        )
    try:
        content = storage.read_bytes(storage.join(fitted, results.PROJECTION))
        classifier = classification.read(fitted) if results.MODEL in listed else None
    except OSError as error:
        raise RunFailedError(
            f"The results '{fitted}' are not whole: {storage.one_line(error)}.", "Fetch them again, or run them again."
        ) from error
    with np.load(io.BytesIO(content), allow_pickle=False) as saved:
        projection = Projection(saved["mean"], saved["scale"], saved["components"])
    return projection, classifier


def find_backbone(
    given: str | None, manifest: dict[str, Any], cache: Path, folder: Path
) -> tuple[Path, BackboneDescription]:
    """Return the very backbone that a run was fitted with, on this machine, and its description.

    It is the file that is given; else one of the files kept in the cache, or the one that the run itself was given;
    else it is exported once more, from what the run says of it.

    Parameters
    ----------
    given
        URI of an exported backbone.
    manifest
        Of the run; says the file's SHA-256.
    cache
        Folder of exported backbones.
    folder
        Where a file that lies elsewhere is copied to.

    Raises
    ------
    UsageError
        If the file is another one, or if there is none.
    """
    wanted = manifest["backbone"]["sha256"]
    if given is not None:
        model = storage.local_copy(storage.absolute_uri(given), folder)
        description = read_description(model)
        if content_hash(model) != wanted:
            raise UsageError(
                f"The backbone '{given}' is not the one that was fitted with: "
                f"its SHA-256 is {content_hash(model)}, the manifest says {wanted}.",
                "Give the file that the earlier run was given or exported.",
            )
    else:
        model = _kept_backbone(manifest, cache, folder)
        description = read_description(model)
    require_usable(model)
    return model, description


def _kept_backbone(manifest: dict[str, Any], cache: Path, folder: Path) -> Path:
    wanted, arguments = manifest["backbone"]["sha256"], manifest["arguments"]
    for kept in sorted(cache.glob(f"{manifest['backbone']['name']}-*.tflite")):
        if content_hash(kept) == wanted:
            return kept
    try:
        if arguments["model"] is not None:
            model = storage.local_copy(storage.absolute_uri(arguments["model"]), folder)
            read_description(model)
        else:
            model = cached_export(ExportRequest(arguments["backbone"], arguments["weights"], arguments["seed"]))
    except UsageError as error:
        raise UsageError(
            f"The backbone that was fitted with is not on this machine: {error.what}",
            "Name its file with --model FILE.",
        ) from error
    if content_hash(model) != wanted:
        raise UsageError(
            f"The backbone that was fitted with (SHA-256 {wanted}) is not on this machine.",
            "Name its file with --model FILE.",
        )
    return model
