"""The classifier's part of a run: trained, tested, applied to the photos to predict, written and read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark import SparkContext

from job import storage
from job.classifiers import evaluate as evaluation
from job.classifiers.evaluate import Evaluation, Pairs
from job.classifiers.models import Classifier
from job.classifiers.predict import predict_files
from job.errors import TooFewPhotosError
from job.images import TRAIN
from job.pca.passes import ProjectionReport
from job.results import DataFile, layout
from job.results.progress import Progress
from job.spark.tasks import PhotosReport


@dataclass(frozen=True)
class ComponentsFile:
    """A components file, and how many of its photos are in each split."""

    file: DataFile
    splits: Counter[str]

    @property
    def others(self) -> int:
        """How many of its photos were not trained on."""
        return self.splits.total() - self.splits[TRAIN]


@dataclass(frozen=True)
class Classified:
    """A trained classifier, how many photos it was trained on, and what it predicted."""

    classifier: Classifier
    trained_on: int
    evaluation: Evaluation
    predictions: Sequence[DataFile]
    seconds: Mapping[str, float]


def require_labels(photos: Mapping[str, int], found: str) -> None:
    """Raise TooFewPhotosError if the training photos, "listed" or "used", have fewer than two labels."""
    if len(photos) < 2:
        names = ", ".join(f"'{label}'" for label in photos)
        raise TooFewPhotosError(
            f"A classifier needs photos of at least 2 labels to train on; {found}: {names or 'none'}.",
            "Put each label's photos into a folder of its own, or leave --classifier out.",
        )


def components_files(reports: Sequence[PhotosReport], projected: Sequence[ProjectionReport]) -> list[ComponentsFile]:
    """Return the components files, of which there is one for each features file."""
    used = [report.used for report in reports if report.file is not None]
    return [ComponentsFile(report.components, splits) for report, splits in zip(projected, used, strict=True)]


def classify(
    context: SparkContext,
    output: str,
    files: Sequence[ComponentsFile],
    kind: str,
    photos: Mapping[str, int],
    width: int,
    seed: int,
    progress: Progress,
    parameters: Mapping[str, Any] = {},
) -> Classified:
    """Train a classifier, predict every photo that it was not trained on, and evaluate it on the test photos."""
    with progress.stage("train"):
        trained_on = [(entry.file, entry.splits[TRAIN]) for entry in files]
        # Imported here: Spark ML takes most of a second to load, and most runs train nothing.
        from job.classifiers import train  # noqa: PLC0415

        classifier = train.train(context, output, trained_on, kind, sorted(photos), width, seed, parameters)
    predictions, pairs = predict(context, output, classifier, files, progress)
    evaluated = evaluation.evaluate(classifier.labels, pairs)
    for entry in evaluated.unseen_labels():
        progress.say(
            f"The label '{entry['label']}' is tested and was never trained: {entry['photos']:,} "
            f"photo{'s' if entry['photos'] != 1 else ''} can only be predicted wrong."
        )
    seconds = {name: progress.seconds.get(name, 0.0) for name in ("train", "predict")}
    return Classified(classifier, sum(photos.values()), evaluated, predictions, seconds)


def predict(
    context: SparkContext, output: str, classifier: Classifier, files: Sequence[ComponentsFile], progress: Progress
) -> tuple[list[DataFile], Pairs]:
    """Predict the photos that were not trained on; return the files written, and the test photos' pairs of labels."""
    wanted = [entry for entry in files if entry.others]
    if not wanted:
        return [], Counter()
    done = context.accumulator(0)
    with progress.counted_stage("predict", sum(entry.others for entry in wanted), done):
        reports = predict_files(context, output, classifier, [entry.file for entry in wanted], done)
    return (
        [report.predictions for report in reports],
        sum((report.pairs for report in reports), Counter[tuple[str, str]]()),
    )


def write(output: str, classified: Classified) -> list[DataFile]:
    """Write model, metrics and confusion matrix; return these files and the predictions'."""
    labels = len(classified.classifier.labels)
    description, numbers = classified.classifier.to_files()
    contents = {
        layout.MODEL: description,
        layout.MODEL_NUMBERS: numbers,
        layout.METRICS: layout.to_json(metrics(classified)),
    }
    files = list(classified.predictions)
    for name, content in contents.items():
        storage.write_bytes(storage.join(output, name), content)
        files.append(DataFile(name, labels, len(content)))
    if classified.evaluation.photos:
        files.append(layout.write_csv(output, layout.CONFUSION_MATRIX, classified.evaluation.table()))
    return files


def metrics(classified: Classified) -> dict[str, Any]:
    """Return the content of metrics.json."""
    classifier, evaluated = classified.classifier, classified.evaluation
    return {
        "schema_version": layout.SCHEMA_VERSION,
        "classifier": classifier.kind,
        "labels": list(classifier.labels),
        "components": classifier.components,
        "parameters": dict(classifier.parameters),
        "trained_on": classified.trained_on,
        "evaluated_on": evaluated.photos,
        "accuracy": evaluated.accuracy,
        "macro_f1": evaluated.macro_f1,
        "per_label": evaluated.per_label(),
        "unseen_labels": evaluated.unseen_labels(),
        "seconds": {name: round(value, 3) for name, value in classified.seconds.items()},
    }


def describe(classified: Classified) -> dict[str, Any]:
    """Return what the manifest says of the classifier."""
    return {
        "kind": classified.classifier.kind,
        "accuracy": classified.evaluation.accuracy,
        "macro_f1": classified.evaluation.macro_f1,
        "trained_on": classified.trained_on,
        "evaluated_on": classified.evaluation.photos,
        "labels": len(classified.classifier.labels),
    }


def read(output: str) -> Classifier:
    """Return the classifier of a finished run's results."""
    contents = (storage.read_bytes(storage.join(output, name)) for name in (layout.MODEL, layout.MODEL_NUMBERS))
    return Classifier.from_files(*contents)
