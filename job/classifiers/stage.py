"""Train a classifier in a run, evaluate it, predict photos with it, and write and read it."""

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
    """A components file, and its number of photos by split."""

    file: DataFile
    splits: Counter[str]

    @property
    def others(self) -> int:
        """Number of photos outside the training split."""
        return self.splits.total() - self.splits[TRAIN]


@dataclass(frozen=True)
class Classified:
    """A trained classifier, its number of training photos, its evaluation and its predictions."""

    classifier: Classifier
    trained_on: int
    evaluation: Evaluation
    predictions: Sequence[DataFile]
    seconds: Mapping[str, float]


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


def components_files(reports: Sequence[PhotosReport], projected: Sequence[ProjectionReport]) -> list[ComponentsFile]:
    """Return the components files, one for each features file."""
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
    """Train a classifier, predict all photos except training photos, and evaluate it on the test photos."""
    with progress.stage("train"):
        trained_on = [(entry.file, entry.splits[TRAIN]) for entry in files]
        # Imported late: Spark ML takes most of a second to load, and most runs have no classifier.
        from job.classifiers import train  # noqa: PLC0415

        classifier = train.train(context, output, trained_on, kind, sorted(photos), width, seed, parameters)
    predictions, pairs = predict(context, output, classifier, files, progress)
    evaluated = evaluation.evaluate(classifier.labels, pairs)
    for entry in evaluated.unseen_labels():
        progress.say(
            f"The label '{entry['label']}' has test photos but no training photos: "
            f"{entry['photos']:,} photo{'s' if entry['photos'] != 1 else ''} will count as wrong."
        )
    seconds = {name: progress.seconds.get(name, 0.0) for name in ("train", "predict")}
    return Classified(classifier, sum(photos.values()), evaluated, predictions, seconds)


def predict(
    context: SparkContext, output: str, classifier: Classifier, files: Sequence[ComponentsFile], progress: Progress
) -> tuple[list[DataFile], Pairs]:
    """Predict all photos except training photos; return the files, and the label pairs of the test photos."""
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
    """Write model, metrics and confusion matrix; return these files and the predictions files."""
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
    """Return the entry "classifier" of the manifest."""
    return {
        "kind": classified.classifier.kind,
        "accuracy": classified.evaluation.accuracy,
        "macro_f1": classified.evaluation.macro_f1,
        "trained_on": classified.trained_on,
        "evaluated_on": classified.evaluation.photos,
        "labels": len(classified.classifier.labels),
    }


def read(output: str) -> Classifier:
    """Return the classifier in a results folder."""
    contents = (storage.read_bytes(storage.join(output, name)) for name in (layout.MODEL, layout.MODEL_NUMBERS))
    return Classifier.from_files(*contents)
