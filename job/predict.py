"""The prediction: applies the components and the classifier of a finished run to other photos."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from job import rejection_limits, storage
from job.arguments import PredictArguments
from job.classifiers import Classifier, stage
from job.errors import (
    BackboneError,
    OutputRefusedError,
    ResultsIncompleteError,
    ResultsUnusableError,
    UsageError,
    another_output,
    one_line,
)
from job.features.extractor import FeatureExtractor
from job.features.network import NO_TRANSFORM
from job.features.network.export import ExportRequest, cached_export, find_local_backbone
from job.features.network.extractor import NetworkExtractor, open_network, warn_if_untrained
from job.features.words import require_opencv
from job.features.words.extractor import WordExtractor, reused_words
from job.features.words.options import ZERO
from job.images import EXACT, PREDICT, LeftOut, listing
from job.manifest import build_manifest, write_tables
from job.objects import stage as objects
from job.pca import Projection
from job.pca.passes import ProjectionTask
from job.pca.stage import project_photos, read_projection
from job.report import making
from job.results import layout, listed_files, resume
from job.results.output import Run, begin_to_replace, open_run
from job.spark import session, tasks


def run(arguments: PredictArguments, environment: Mapping[str, str]) -> dict[str, Any]:
    """Compute components, and predictions if the earlier run has a classifier; return the manifest.

    Raises
    ------
    UsageError
        If the arguments or photos make a prediction impossible; it then leaves nothing in the output.
    RunFailedError
        If it could not finish; what it wrote stays, without a manifest.
    """
    fitted, output = storage.absolute_uri(arguments.results), storage.absolute_uri(arguments.output)
    if storage.resolved(fitted) == storage.resolved(output):
        raise OutputRefusedError(
            f"--output must not be the folder of --results, got '{output}' for both.",
            f"Choose {another_output()}.",
        )
    with (
        session.launched(arguments.master, compile_quickly=True) as launch,
        open_run(output, arguments.overwrite or arguments.resume, [arguments.images]) as run,
    ):
        progress, left_out = run.progress, LeftOut()
        earlier = layout.read_manifest(fitted)
        projection, classifier = read_fitted(fitted, earlier)
        require_distance(arguments, classifier)
        with progress.stage("list"):
            photos = listing.list_photos(storage.absolute_uri(arguments.images), PREDICT, left_out=left_out)
        for line in (f"Found {len(photos):,} photos to predict.", *left_out.lines()):
            progress.say(line)
        extractor = find_extractor(arguments, fitted, earlier, storage.cache_folder(environment), run)
        searched = None
        if arguments.multiple:
            searched = objects.require_fitted(fitted, earlier, projection, classifier, extractor)
        listed = photos
        photos, found = resume.reuse(arguments.resume, output, extractor.folder, extractor.provenance, photos, progress)
        module = type(extractor).__module__
        with session.opened(launch, extractor.files, progress, run.folder, module) as context:
            reports = tasks.extract(context, photos, extractor, output, run.run_id, progress)
            rejection_limits.require_any(output, len(photos), arguments.max_rejected, reports)
            extracted = extractor.complete(context, reports, output, progress)
            task = ProjectionTask(output, arguments.csv)
            projected = project_photos(context, extracted.reports, projection, task, progress)
            predictions: Sequence[layout.DataFile] = []
            if classifier is not None:
                files = stage.input_files(extracted.reports, projected)
                reject_below = arguments.reject_below
                predictions = stage.predict(context, output, classifier, files, reject_below, progress).files
            boxes = None
            if searched is not None:
                boxes = objects.find(
                    *(context, output, run.run_id, listed, searched, arguments.reject_below, arguments.resume, progress)
                )
        begin_to_replace(run)
        classes = () if classifier is None else classifier.labels
        merged = write_tables(output, extracted.reports, projected, predictions, classes)
        outcome = {
            "fitted": {"results": fitted, "run_id": earlier["run_id"]},
            "ignored": left_out.as_manifest(),
            "components": earlier["components"],
            "classifier": earlier["classifier"],
            **merged.as_manifest(),
        }
        written = {"classifier": predictions, "tables": merged.files}
        if boxes is not None:
            outcome["objects"] = boxes.description
            written["objects"] = objects.write(output, boxes)
        manifest = build_manifest(run, arguments.as_manifest(), photos, found, extracted, projected, outcome, written)
        return making.finish_with_report(run, manifest, arguments.lang)


def read_fitted(fitted: str, manifest: dict[str, Any]) -> tuple[Projection, Classifier | None]:
    """Return the projection and, where there is one, the classifier of a finished run.

    Raises
    ------
    UsageError
        If the run was itself a prediction.
    RunFailedError
        If a file that the manifest lists cannot be read.
    """
    listed = listed_files(manifest)
    if layout.PROJECTION not in listed:
        raise ResultsUnusableError(
            f"--results must be a run that fitted components, got the prediction '{fitted}'.",
            f"Use the run that it applied: --results {manifest.get('fitted', {}).get('results', 'FOLDER')}",
        )
    try:
        return read_projection(fitted), stage.read(fitted) if layout.MODEL in listed else None
    except OSError as error:
        raise ResultsIncompleteError(
            f"The results '{fitted}' are incomplete: {one_line(error)}.", "Copy them again, or repeat their run."
        ) from error


def require_distance(arguments: PredictArguments, classifier: Classifier | None) -> None:
    """Raise ResultsUnusableError if --reject-below is given and the results cannot tell which photos are unknown."""
    if arguments.reject_below is not None and (classifier is None or classifier.distance is None):
        found = "without a classifier" if classifier is None else "of an earlier version, which has no distances"
        raise ResultsUnusableError(
            f"--reject-below requires results with a classifier and distances, got '{arguments.results}', {found}.",
            "Leave it out, or repeat the run of the results with --classifier discriminant --overwrite.",
        )


def find_extractor(
    arguments: PredictArguments, fitted: str, earlier: dict[str, Any], cache: Path, run: Run
) -> FeatureExtractor:
    """Return the extractor of the earlier run, with its backbone or its visual words.

    Raises
    ------
    UsageError
        If it is not available on this machine.
    """
    if earlier.get("vocabulary") is None:
        with run.progress.stage("backbone"):
            extractor = find_network(arguments.model, fitted, earlier, cache, run.folder)
        warn_if_untrained(run.progress, extractor.backbone)
        return extractor
    if arguments.model is not None:
        raise UsageError(
            f"--model requires results of a network, got '{fitted}', which are of visual words.", "Leave out --model."
        )
    require_opencv()
    words, description = reused_words(fitted, earlier["vocabulary"]["descriptor"])
    keep_empty = earlier["arguments"]["no_keypoints"] == ZERO
    return WordExtractor(
        words.kind, words.keypoints, keep_empty, (words, description), earlier["arguments"].get("decode", EXACT)
    )


def find_network(
    given: str | None, fitted: str, manifest: dict[str, Any], cache: Path, folder: Path
) -> NetworkExtractor:
    """Return the extractor of the backbone of a run.

    The file is the given one; else the one in the results, a cached one, the one that the run used, or a new export.

    Raises
    ------
    BackboneError
        If the file is not the one of the run, or does not exist.
    """
    described, earlier = manifest["backbone"], manifest["arguments"]
    wanted = described["sha256"]
    settings = earlier.get("decode", EXACT), described.get("views", 1), described.get("transform", NO_TRANSFORM)
    if given is not None:
        extractor = open_network(storage.local_copy(storage.absolute_uri(given), folder), *settings)
        found = extractor.provenance["model"]
        if found != wanted:
            raise BackboneError(
                f"--model must be the backbone of the results (SHA-256 {wanted}), got '{given}' (SHA-256 {found}).",
                "Leave out --model, or name the file that the earlier run used.",
            )
        return extractor
    kept = manifest["files"].get(layout.BACKBONE)
    try:
        model = find_local_backbone(manifest, cache)
        if kept:
            model = storage.local_copy(storage.join(fitted, kept[0]["path"]), folder)
        elif model is None and earlier["model"] is not None:
            model = storage.local_copy(storage.absolute_uri(earlier["model"]), folder)
        elif model is None:
            model = cached_export(ExportRequest(earlier["backbone"], earlier["weights"], earlier["seed"]))
        extractor = open_network(model, *settings)
    except UsageError as error:
        raise BackboneError(
            f"The backbone of the results is not on this machine: {error.message}",
            "Name its file: --model FILE",
        ) from error
    if extractor.provenance["model"] != wanted:
        raise BackboneError(
            f"The backbone of the results (SHA-256 {wanted}) is not on this machine.",
            "Name its file: --model FILE",
        )
    return extractor
