"""The run from photos to results: its stages in order."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark import SparkContext

from job import backbones, rejection_limits
from job.arguments import Arguments
from job.classifiers import COMPONENTS, FEATURES, MODELS, PERCEPTRON, TreesModel, choice, folds, precision, stage
from job.classifiers.folds import FoldContext, Outcome
from job.classifiers.precision import HeldOut
from job.classifiers.predict import Predictions
from job.classifiers.stage import Classified
from job.classifiers.training import Training
from job.classifiers.unknown import Fitted
from job.errors import TooFewPhotosError
from job.features.extractor import FeatureExtractor
from job.features.network.extractor import NetworkExtractor, open_network, warn_if_untrained
from job.features.words import KINDS, Learning, require_opencv, vocabulary
from job.features.words.extractor import WordExtractor, perceptron_parameters, reused_words
from job.features.words.options import CNN, ZERO
from job.images import TRAIN, LeftOut, listing
from job.inputs import (
    HELD_OUT_FOLDS,
    count,
    count_groups,
    describe_listing,
    fold_numbers,
    held_out_numbers,
    label_warnings,
    list_all,
)
from job.manifest import build_manifest, describe_components, label_counts, write_tables
from job.options import AUTO, NO_CLASSIFIER
from job.pca import PrincipalComponents, Projection, components
from job.pca.passes import ProjectionReport, ProjectionTask, SumTask
from job.pca.stage import fit, project_photos, write_components
from job.quality import stage as quality
from job.report import making
from job.results import DataFile, layout, resume
from job.results.output import Run, begin_to_replace, open_run
from job.spark import session, tasks
from job.spark.tasks import PhotosReport


def run(arguments: Arguments) -> dict[str, Any]:
    """Take photos to results; return the manifest.

    Raises
    ------
    UsageError
        If the arguments or photos make a run impossible; the run then leaves nothing in the output.
    RunFailedError
        If the run could not finish; what it wrote stays, without a manifest.
    """
    folders = [folder for folder in (arguments.images, arguments.test, arguments.predict) if folder is not None]
    compile_quickly = not trains_trees(arguments.classifier)
    with (
        session.launched(arguments.master, compile_quickly) as launch,
        open_run(arguments.output, arguments.overwrite or arguments.resume, folders) as run,
    ):
        output, progress, left_out = run.output, run.progress, LeftOut()
        with progress.stage("list"):
            photos = list_all(arguments, left_out)
        for line in (describe_listing(photos), *left_out.lines(), *label_warnings(photos, arguments)):
            progress.say(line)
        numbers, held_out = fold_numbers(photos, arguments), held_out_numbers(photos, arguments)
        extractor = choose_extractor(arguments, photos, run)
        require_possible(arguments, photos, extractor)
        photos, found = resume.reuse(arguments.resume, output, extractor.folder, extractor.provenance, photos, progress)
        written: dict[str, Sequence[DataFile]] = {}
        if isinstance(extractor, NetworkExtractor):
            # Before the features: --resume finds it after a run that did not finish.
            written[layout.BACKBONE] = backbones.keep(run, extractor.model, extractor.backbone)
        module = type(extractor).__module__
        with session.opened(launch, extractor.files, progress, run.folder, module) as context:
            reports = tasks.extract(context, photos, extractor, output, run.run_id, progress)
            rejection_limits.require_enough(output, count(photos, TRAIN), arguments.max_rejected, reports)
            extracted = extractor.complete(context, reports, output, progress)
            labels = label_counts(reports)[TRAIN]
            if arguments.classifier != NO_CLASSIFIER:
                stage.require_labels(labels, "used")
            summed = SumTask(output, FEATURES, tuple(sorted(labels)) if arguments.classifier != NO_CLASSIFIER else ())
            fitted, moments = fit(context, extracted.reports, summed, arguments.standardize, progress)
            kept = choose_components(arguments, fitted, sum(labels.values()))
            projection = Projection(fitted.mean, fitted.scale, fitted.components[:kept])
            task = ProjectionTask(output, arguments.csv)
            projected = project_photos(context, extracted.reports, projection, task, progress)
            classified = None
            if arguments.classifier != NO_CLASSIFIER:
                asked = Training(
                    arguments.classifier,
                    arguments.classify_on,
                    labels,
                    kept if arguments.classify_on == COMPONENTS else len(fitted.mean),
                    arguments.seed,
                    photos,
                    parameters=classifier_parameters(arguments, arguments.classifier, kept),
                    reject_below=arguments.reject_below,
                )
                whole = Fitted(moments, fitted, kept)
                classified = classify(
                    context, run, extracted.reports, projected, asked, whole, numbers, held_out, arguments
                )
            predicted = Predictions() if classified is None else classified.predictions
            checked = quality.check(
                context, output, extracted.reports, sorted(labels), fitted, predicted.files, progress
            )
        begin_to_replace(run)
        written["pca"] = write_components(output, fitted, projection)
        if extracted.vocabulary:
            written["vocabulary"] = [layout.write_file(output, *file) for file in extracted.vocabulary]
        if classified is not None:
            written["classifier"] = stage.write(output, classified)
        written["quality"] = quality.write(output, checked)
        classes = [] if classified is None else classified.classifier.labels
        merged = write_tables(output, extracted.reports, projected, predicted.files, classes)
        written["tables"] = merged.files
        outcome = {
            "ignored": left_out.as_manifest(),
            "groups": count_groups(photos),
            "components": describe_components(fitted, kept),
            "classifier": None if classified is None else stage.describe(classified),
            "quality": checked.description,
            **merged.as_manifest(),
        }
        manifest = build_manifest(run, arguments.as_manifest(), photos, found, extracted, projected, outcome, written)
        return making.finish_with_report(run, manifest, arguments.lang)


def classify(
    context: SparkContext,
    run: Run,
    reports: Sequence[PhotosReport],
    projected: Sequence[ProjectionReport],
    asked: Training,
    fitted: Fitted,
    numbers: Sequence[int] | None,
    held_out: Sequence[int] | None,
    arguments: Arguments,
) -> Classified:
    """Choose, cross-validate, train and evaluate the classifier, as far as the arguments ask for it.

    ``numbers``, ``held_out``: what ``fold_numbers`` and ``held_out_numbers`` return.
    """
    features = [file for file, _ in tasks.written(reports)]
    choose, progress = partial(choose_components_of_fold, arguments), run.progress
    without = FoldContext(context, run.output, features, choose, arguments.standardize)
    compared: Sequence[dict[str, Any]] | None = None
    outcomes: Sequence[Outcome] = []
    held = None if held_out is None else folds.of_listing(asked.listing, held_out, HELD_OUT_FOLDS)
    if arguments.classifier == AUTO and held is not None:
        parameters = partial(classifier_parameters, arguments)
        compared, best = choice.compare(without, held, asked, parameters, progress)
        progress.say(choice.sentence(compared))
        kind, outcomes = compared[0]["classifier"], [best]
        asked = replace(asked, kind=kind, parameters=parameters(kind, asked.width))
    tested = None
    if numbers is not None:
        assigned = folds.of_listing(asked.listing, numbers, arguments.folds or 0)
        outcomes = folds.cross_validate(without, assigned, asked, progress)
        tested = folds.summary(outcomes, asked.labels)
        progress.say(folds.sentence(tested, arguments.group_pattern is not None))
    threshold = None
    if arguments.wanted_precision is not None:
        if not outcomes and held is not None:
            with progress.stage("threshold"):
                outcomes = [folds.test(without, folds.hold_out(without, held, asked))]
        threshold = precision.choose(
            HeldOut.joined([outcome.held_out for outcome in outcomes]), arguments.wanted_precision
        )
        progress.say(threshold.sentence())
        asked = replace(asked, reject_below=threshold.reject_below)
    files = stage.input_files(reports, projected)
    classified = stage.classify(context, run.output, files, asked, fitted, progress)
    return replace(classified, compared=compared, folds=tested, threshold=threshold)


def choose_extractor(arguments: Arguments, photos: pa.Table, run: Run) -> FeatureExtractor:
    """Return the extractor that the arguments ask for.

    Raises
    ------
    UsageError
        If it is not available: no such file, no OpenCV, no visual words in the results named.
    """
    if arguments.descriptor == CNN:
        with run.progress.stage("backbone"):
            model = backbones.choose(arguments, photos, run.folder, run.progress.say)
            extractor = open_network(model, arguments.decode, arguments.views, arguments.feature_transform)
        warn_if_untrained(run.progress, extractor.backbone)
        return extractor
    require_opencv()
    kind, keep_empty = KINDS[arguments.descriptor], arguments.no_keypoints == ZERO
    if arguments.vocabulary is not None:
        words, description = reused_words(arguments.vocabulary, arguments.descriptor)
        return WordExtractor(kind, words.keypoints, keep_empty, (words, description), arguments.decode)
    learning = Learning(arguments.visual_words, arguments.word_sample, arguments.word_iterations, arguments.seed)
    return WordExtractor(kind, arguments.keypoints, keep_empty, learning, arguments.decode)


def require_possible(arguments: Arguments, photos: pa.Table, extractor: FeatureExtractor) -> None:
    """Raise UsageError if the listed photos are too few for the components or the classifier."""
    training = count(photos, TRAIN)
    if training < 2:
        raise TooFewPhotosError(
            f"Principal components require at least 2 photos, got {training}.", "Name at least 2 photos to fit on."
        )
    if arguments.components is not None:
        components.require_components(arguments.components, training, extractor.features)
    if arguments.classifier != NO_CLASSIFIER:
        stage.require_labels(listing.count_by_label(photos, TRAIN), "listed")


def choose_components(arguments: Arguments, fitted: PrincipalComponents, training: int) -> int:
    """Return how many components the run keeps; raise UsageError if more were asked for than there are."""
    if arguments.components is not None:
        components.require_components(arguments.components, training, len(fitted.mean))
        return arguments.components
    if arguments.variance is None:
        return vocabulary.default_components(len(fitted.mean), len(fitted.cumulative))
    return components.components_for(fitted.cumulative, arguments.variance)


def choose_components_of_fold(arguments: Arguments, fitted: PrincipalComponents) -> int:
    """Return how many components a fit without some of the photos keeps."""
    if arguments.components is not None:
        return min(arguments.components, len(fitted.cumulative))
    return choose_components(arguments, fitted, len(fitted.cumulative) + 1)


def trains_trees(kind: str) -> bool:
    """Return whether a value of --classifier trains trees, which Spark does in Java."""
    return kind == AUTO or MODELS.get(kind) is TreesModel


def classifier_parameters(arguments: Arguments, kind: str, kept: int) -> dict[str, Any]:
    """Return the parameters of a kind of classifier that differ from the defaults."""
    of_words = arguments.descriptor != CNN and kind == PERCEPTRON
    return perceptron_parameters(kept) if of_words else {}
