"""Train a classifier in a run, evaluate it, predict photos with it, and write and read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from pyspark import SparkContext

from job import storage
from job.classifiers import discriminant, unknown
from job.classifiers import evaluate as evaluation
from job.classifiers.distance import Distance
from job.classifiers.evaluate import Evaluation
from job.classifiers.models import DISCRIMINANT, FEATURES, LOGISTIC, PERCEPTRON, Classifier
from job.classifiers.precision import Threshold
from job.classifiers.predict import InputFile, Predictions, count_right, predict_files
from job.classifiers.sample import read_sample, sampled_paths
from job.classifiers.training import Training
from job.classifiers.tuning import Sample
from job.classifiers.unknown import Fitted
from job.errors import TooFewPhotosError
from job.images import TRAIN
from job.pca import passes
from job.pca.passes import ProjectionReport, SumTask
from job.results import DataFile, layout
from job.results.progress import Progress
from job.spark import session
from job.spark.tasks import PhotosReport, written


@dataclass(frozen=True)
class Classified:
    """A trained classifier, its evaluation, its predictions and its training photos."""

    classifier: Classifier
    evaluation: Evaluation  # of all test photos, before any was rejected
    predictions: Predictions
    seconds: Mapping[str, float]
    photos: Mapping[str, int]  # training photos by label
    trained_right: int  # how many of them it predicts correctly
    reject_below: float | None = None
    threshold: Threshold | None = None  # how ``reject_below`` was chosen, if the run chose it
    folds: Mapping[str, Any] | None = None  # the outcome of a cross-validation
    compared: Sequence[Mapping[str, Any]] | None = None  # what each kind reached, if the run chose the kind

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        classifier, evaluated, photos = self.classifier, self.evaluation, self.photos
        trained_on = sum(photos.values())
        return {
            "schema_version": layout.SCHEMA_VERSION,
            "classifier": classifier.kind,
            "labels": list(classifier.labels),
            "classify_on": classifier.classify_on,
            classifier.classify_on: classifier.inputs,
            "parameters": dict(classifier.parameters),
            "trained_on": trained_on,
            "evaluated_on": evaluated.photos,
            "accuracy": evaluated.accuracy,
            "macro_f1": evaluated.macro_f1,
            "accuracy_interval": evaluation.interval(evaluated.right, evaluated.photos) if evaluated.photos else None,
            "training_accuracy": self.trained_right / trained_on,
            "majority_accuracy": evaluated.always(max(sorted(photos), key=photos.__getitem__)),
            "per_label": [{**entry, "trained_on": photos[entry["label"]]} for entry in evaluated.per_label()],
            "unseen_labels": evaluated.unseen_labels(),
            "calibration": self.predictions.calibration.as_metrics(),
            "unknown": self._unknown(),
            "folds": self.folds,
            "compared": self.compared,
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def _unknown(self) -> dict[str, Any]:
        """Return when a photo is unknown, and how many test photos are.

        ``accuracy`` is that of the test photos that are not unknown, None without any.
        """
        distance, kept = self.classifier.distance, self.predictions.kept
        return {
            "distance_limit": distance.limit if distance is not None and np.isfinite(distance.limit) else None,
            "reject_below": self.reject_below,
            "chosen": None if self.threshold is None else self.threshold.as_metrics(),
            "photos": self.evaluation.photos - kept.total(),
            "accuracy": evaluation.evaluate(self.classifier.labels, kept).accuracy,
        }


def require_labels(photos: Mapping[str, int], found: str) -> None:
    """Raise TooFewPhotosError if there are fewer than two training labels.

    ``photos``: training photos by label; ``found``: "listed" or "used".
    """
    if len(photos) < 2:
        names = ", ".join(f"'{label}'" for label in photos)
        raise TooFewPhotosError(
            f"--classifier needs training photos of at least 2 labels; {found}: {names or 'none'}.",
            "Put the photos of each label into a separate folder, or remove --classifier.",
        )


def input_files(reports: Sequence[PhotosReport], projected: Sequence[ProjectionReport]) -> list[InputFile]:
    """Return each features file with its components file."""
    return [
        InputFile(features, report.components, splits)
        for report, (features, splits) in zip(projected, written(reports), strict=True)
    ]


def classify(
    context: SparkContext,
    output: str,
    files: Sequence[InputFile],
    asked: Training,
    fitted: Fitted,
    progress: Progress,
) -> Classified:
    """Train a classifier, predict all photos except training photos, and evaluate it on the test photos."""
    with progress.stage("train"):
        task = SumTask(output, FEATURES, asked.labels)
        sample = read_sample(context, task, [entry.features for entry in files], sampled_paths(asked.listing))
        if asked.classify_on == FEATURES:
            asked = replace(asked, moments=fitted.moments, sample=sample)
        inputs = [(entry.read_by(asked.classify_on), entry.splits[TRAIN]) for entry in files]
        classifier = train_classifier(context, output, inputs, asked)
        training = [entry.read_by(asked.classify_on) for entry in files if entry.splits[TRAIN]]
        trained_right = count_right(context, output, classifier, training)
        classifier = replace(classifier, distance=unknown.fit(fitted, sample))
    predictions = predict(context, output, classifier, files, asked.reject_below, progress)
    evaluated = evaluation.evaluate(classifier.labels, predictions.pairs)
    for entry in evaluated.unseen_labels():
        progress.say(
            f"The label '{entry['label']}' has test photos but no training photos: "
            f"{entry['photos']:,} photo{'s' if entry['photos'] != 1 else ''} will count as wrong."
        )
    seconds = {name: progress.seconds.get(name, 0.0) for name in ("train", "predict")}
    return Classified(classifier, evaluated, predictions, seconds, asked.photos, trained_right, asked.reject_below)


def train_classifier(
    context: SparkContext, output: str, files: Sequence[tuple[DataFile, int]], asked: Training
) -> Classifier:
    """Train a classifier on the training rows of some files, each with its number of training rows."""
    task = SumTask(output, asked.classify_on, asked.labels, asked.prepare)
    sample = asked.sample
    if sample is None:
        sample = read_sample(context, task, [file for file, _ in files], sampled_paths(asked.listing))
    if asked.kind == DISCRIMINANT:
        return _train_discriminant(context, task, files, asked, sample)
    if asked.kind in (LOGISTIC, PERCEPTRON):
        # Imported late: SciPy takes a moment to load, and most runs have no such classifier.
        from job.classifiers import lbfgs  # noqa: PLC0415

        return lbfgs.train(task, files, asked, sample)
    from job.classifiers import trees  # noqa: PLC0415 - as does Spark ML

    return trees.train(context, task, files, asked, sample)


def _train_discriminant(
    context: SparkContext, task: SumTask, files: Sequence[tuple[DataFile, int]], asked: Training, sample: Sample
) -> Classifier:
    moments = asked.moments
    if moments is None:
        moments = passes.sum_moments(context, task, files, session.slots(context), context.accumulator(0))
    choice = discriminant.choose(moments, sample)
    parameters = {"shrinkage": choice.setting, "log_loss_by_shrinkage": choice.losses}
    model = discriminant.fit(moments, choice.setting)
    return asked.trained(model, parameters, choice.temperature)


def predict(
    context: SparkContext,
    output: str,
    classifier: Classifier,
    files: Sequence[InputFile],
    reject_below: float | None,
    progress: Progress,
) -> Predictions:
    """Predict all photos except training photos.

    ``reject_below``: least probability of a label; None if no photo may be unknown.
    """
    wanted = [entry for entry in files if entry.others]
    if not wanted:
        return Predictions()
    done = context.accumulator(0)
    with progress.counted_stage("predict", sum(entry.others for entry in wanted), done):
        return predict_files(context, output, classifier, wanted, reject_below, done)


def write(output: str, classified: Classified) -> list[DataFile]:
    """Write model, distance, metrics and confusion matrix; return these files and the predictions files."""
    classifier = classified.classifier
    labels = len(classifier.labels)
    description, numbers = classifier.to_files()
    metrics = layout.to_json(classified.metrics)
    contents = {layout.MODEL: description, layout.MODEL_NUMBERS: numbers, layout.METRICS: metrics}
    if classifier.distance is not None:
        contents[layout.DISTANCE] = classifier.distance.to_file()
    files = [layout.write_file(output, name, labels, content) for name, content in contents.items()]
    files = [*classified.predictions.files, *files]
    if classified.evaluation.photos:
        files.append(layout.write_csv(output, layout.CONFUSION_MATRIX, classified.evaluation.table()))
    return files


def describe(classified: Classified) -> dict[str, Any]:
    """Return the entry "classifier" of the manifest: some of the metrics."""
    metrics, folds, calibration = classified.metrics, classified.folds, classified.metrics["calibration"]
    return {
        "kind": metrics["classifier"],
        **{name: metrics[name] for name in ("classify_on", "accuracy", "macro_f1", "trained_on", "evaluated_on")},
        "labels": len(metrics["labels"]),
        "ece": None if calibration is None else calibration["ece"],
        "unknown": metrics["unknown"],
        "folds": None if folds is None else {name: folds[name] for name in ("folds", "accuracy", "macro_f1")},
    }


def read(output: str) -> Classifier:
    """Return the classifier in a results folder."""
    contents = (storage.read_bytes(storage.join(output, name)) for name in (layout.MODEL, layout.MODEL_NUMBERS))
    classifier = Classifier.from_files(*contents)
    if not storage.exists_any(output, [layout.DISTANCE]):
        return classifier
    distance = Distance.from_file(storage.read_bytes(storage.join(output, layout.DISTANCE)))
    return replace(classifier, distance=distance)
