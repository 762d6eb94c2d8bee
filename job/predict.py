"""Applies what an earlier run fitted to other photos, refitting nothing: ``python -m job predict``."""

import io
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from job import pipeline, rejection_limits
from job.arguments import PredictArguments
from job.classifiers import stage
from job.classifiers.models import Classifier
from job.classifiers.stage import ComponentsFile
from job.errors import (
    BackboneError,
    OutputRefusedError,
    ResultsIncompleteError,
    ResultsUnusableError,
    UsageError,
    mapping,
)
from job.features.extractor import Extraction
from job.features.network.backbone import BackboneDescription, content_hash, read_description, require_usable
from job.features.network.export import ExportRequest, cached_export, find_cached
from job.features.network.extractor import NetworkExtraction, warn_if_untrained
from job.features.words.descriptors import require_opencv
from job.features.words.extractor import WordExtraction, reused
from job.features.words.options import ZERO
from job.images import listing
from job.images.listing import PREDICT
from job.manifest import counts, label_counts, manifest_files, task_seconds, versions
from job.pca import Projection
from job.pca.passes import ProjectionTask
from job.results import layout
from job.results.layout import listed_files
from job.results.output import Run, begin_to_replace, finish, into_output
from job.spark import session
from job.storage import files as storage
from job.storage import uri
from job.storage.files import cache_folder


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
    fitted = uri.absolute_uri(arguments.fitted)
    output = uri.absolute_uri(arguments.output)
    if uri.resolved(fitted) == uri.resolved(output):
        raise OutputRefusedError(
            f"The output '{output}' is the folder of the results that are applied.", "Choose another --output."
        )
    may_hold_results = arguments.overwrite or arguments.resume
    carry_out = partial(_carry_out, arguments, fitted, environment)
    return into_output(output, may_hold_results, [arguments.images], carry_out)


def _carry_out(arguments: PredictArguments, fitted: str, environment: dict[str, str], run: Run) -> dict[str, Any]:
    output, progress = run.output, run.progress
    earlier = layout.read_manifest(fitted)
    projection, classifier = read_fitted(fitted, earlier)
    with progress.stage("list"):
        photos = listing.list_photos(uri.absolute_uri(arguments.images), PREDICT)
    progress.say(f"Found {len(photos):,} photos to predict.")
    extraction = find_extraction(arguments, fitted, earlier, environment, run)
    photos, found = pipeline.take_over(arguments.resume, run, extraction, photos)
    predictions: list[layout.DataFile] = []
    with session.opened(arguments.master, extraction.carry, progress, run.folder) as context:
        check = partial(rejection_limits.require_any, output, len(photos), arguments.max_rejected)
        extracted = extraction.extract(context, photos, output, run.run_id, progress, check)
        featurized = extracted.reports
        written = [(report.made, report.used) for report in featurized if report.made is not None]
        files = [file for file, _ in written]
        projected = pipeline.project(
            context, ProjectionTask(output, run.run_id, arguments.csv), projection, files, progress
        )
        if classifier is not None:
            with_splits = [
                ComponentsFile(to.components, used) for to, (_, used) in zip(projected, written, strict=True)
            ]
            predictions, _ = stage.predict(context, output, classifier, with_splits, progress)
    begin_to_replace(run)
    used = sum((report.used for report in featurized), Counter[str]())
    seconds = {**progress.seconds, **task_seconds(featurized)}
    manifest = {
        "schema_version": layout.SCHEMA_VERSION,
        "run_id": run.run_id,
        "started": run.started,
        "finished": layout.utc_now(),
        "arguments": arguments.as_manifest(),
        "fitted": {"results": fitted, "run_id": earlier["run_id"]},
        "versions": versions(),
        **extracted.description,
        "counts": counts(photos, used),
        "resumed": None if found is None else found.as_manifest(),
        "labels": label_counts(featurized),
        "components": earlier["components"],
        "classifier": earlier.get("classifier"),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "files": {
            **manifest_files(featurized, projected),
            "classifier": [asdict(file) for file in predictions],
        },
    }
    return finish(run, manifest)


def find_extraction(
    arguments: PredictArguments, fitted: str, earlier: dict[str, Any], environment: dict[str, str], run: Run
) -> Extraction:
    """Return what turns photos into features just as the earlier run did: its backbone, or its visual words.

    Raises
    ------
    UsageError
        If it is not on this machine, or is another one.
    """
    if earlier.get("vocabulary") is None:
        with run.progress.stage("backbone"):
            model, backbone = find_backbone(arguments.model, earlier, cache_folder(environment), run.folder)
        warn_if_untrained(run.progress, backbone)
        precision = arguments.precision or earlier["precision"]["requested"]
        return NetworkExtraction(model, backbone, precision)
    if arguments.model is not None:
        raise UsageError(
            f"--model is a network, and the results '{fitted}' were fitted on visual words.", "Leave --model out."
        )
    require_opencv()
    source = reused(fitted, earlier["vocabulary"]["descriptor"])
    return WordExtraction(source[0].kind, source[0].keypoints, earlier["arguments"]["no_keypoints"] == ZERO, source)


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
    listed = listed_files(manifest)
    if layout.PROJECTION not in listed:
        raise ResultsUnusableError(
            f"The results '{fitted}' fitted nothing: they only apply what another run fitted.",
            f"Give that run's: --fitted {manifest.get('fitted', {}).get('results', 'RESULTS')}",
        )
    try:
        content = storage.read_bytes(uri.join(fitted, layout.PROJECTION))
        classifier = stage.read(fitted) if layout.MODEL in listed else None
    except OSError as error:
        raise ResultsIncompleteError(
            f"The results '{fitted}' are not whole: {mapping.one_line(error)}.", "Fetch them again, or run them again."
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
        model = storage.local_copy(uri.absolute_uri(given), folder)
        description = read_description(model)
        if content_hash(model) != wanted:
            raise BackboneError(
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
    kept = find_cached(cache, manifest["backbone"]["name"], wanted)
    if kept is not None:
        return kept
    try:
        if arguments["model"] is not None:
            model = storage.local_copy(uri.absolute_uri(arguments["model"]), folder)
            read_description(model)
        else:
            model = cached_export(ExportRequest(arguments["backbone"], arguments["weights"], arguments["seed"]))
    except UsageError as error:
        raise BackboneError(
            f"The backbone that was fitted with is not on this machine: {error.message}",
            "Name its file with --model FILE.",
        ) from error
    if content_hash(model) != wanted:
        raise BackboneError(
            f"The backbone that was fitted with (SHA-256 {wanted}) is not on this machine.",
            "Name its file with --model FILE.",
        )
    return model
