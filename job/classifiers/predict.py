"""Predict the photos of each file of components or features in one Spark task, and write one Parquet file each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator, Broadcast, SparkContext

from job.classifiers.calibration import Calibration, calibration_of
from job.classifiers.distance import with_unknown
from job.classifiers.evaluate import Pairs
from job.classifiers.models import COMPONENTS, FEATURES, Classifier
from job.images import TEST, TRAIN, of_split
from job.matrices import list_column, matrix
from job.results import DataFile, layout
from job.spark import session, slices, workers


@dataclass(frozen=True)
class InputFile:
    """A features file, the components of its photos in the same order, and its number of photos by split."""

    features: DataFile
    components: DataFile
    splits: Counter[str]

    def read_by(self, classify_on: str) -> DataFile:
        """Return the file that a classifier reads."""
        return self.features if classify_on == FEATURES else self.components

    @property
    def others(self) -> int:
        """Number of photos outside the training split."""
        return self.splits.total() - self.splits[TRAIN]


@dataclass(frozen=True)
class Predictions:
    """Predictions files, and how they predicted the test photos."""

    files: Sequence[DataFile] = ()
    pairs: Pairs = field(default_factory=Counter)  # before any photo was rejected
    kept: Pairs = field(default_factory=Counter)  # without the rejected photos
    calibration: Calibration = field(default_factory=Calibration)

    def __add__(self, other: "Predictions") -> "Predictions":
        """Return the predictions of both."""
        return Predictions(
            [*self.files, *other.files],
            self.pairs + other.pairs,
            self.kept + other.kept,
            self.calibration + other.calibration,
        )


def predict_files(
    context: SparkContext,
    output: str,
    classifier: Classifier,
    files: Sequence[InputFile],
    reject_below: float | None,
    done: Accumulator[int],
) -> Predictions:
    """Write predictions of all photos except training photos.

    ``reject_below``: least probability of a label; None if no photo may be unknown.
    """
    shared = context.broadcast(classifier)
    tasks = session.spread(context, files).map(lambda entry: _predict_file(output, shared, entry, reject_below, done))
    return sum(tasks.collect(), Predictions())


def count_right(context: SparkContext, output: str, classifier: Classifier, files: Sequence[DataFile]) -> int:
    """Return how many of the training photos in the files are predicted correctly."""
    shared = context.broadcast(classifier)
    tasks = session.spread(context, files).map(lambda file: _right_in_file(output, shared, file))
    return sum(tasks.collect())


def predictions_table(photos: pa.Table, classifier: Classifier, components: pa.Table | None = None) -> pa.Table:
    """Return the predictions of rows of components or features, none of them rejected.

    ``components``: of the same photos; without them, and of a classifier without distances, these are null.
    """
    probabilities = classifier.probabilities(matrix(photos[classifier.classify_on]))
    predicted = probabilities.argmax(axis=1)
    rounded = probabilities.astype(np.float32)
    distances = pa.nulls(len(predicted), pa.float32())
    if classifier.distance is not None and components is not None:
        distances = pa.array(classifier.distance.of(matrix(components["components"])).astype(np.float32))
    columns = [
        *(photos[name] for name in ("path", "label", "split")),
        pa.array(classifier.labels, pa.string()).take(pa.array(predicted)),
        pa.array(rounded[np.arange(len(predicted)), predicted]),
        list_column(rounded),
        distances,
    ]
    return pa.table(columns, schema=layout.PREDICTIONS_SCHEMA)


def count_pairs(predictions: pa.Table) -> Pairs:
    """Count the test photos of a predictions table by true and predicted label."""
    test = of_split(predictions, TEST)
    return Counter(zip(test["label"].to_pylist(), test["predicted"].to_pylist(), strict=True))


def _right_in_file(output: str, shared: "Broadcast[Classifier]", file: DataFile) -> int:
    with workers.ended_if_silent():
        table = predictions_table(slices.training_rows(output, file.path), shared.value)
        return int(pc.sum(pc.equal(table["label"], table["predicted"]), min_count=0).as_py())


def _predict_file(
    output: str,
    shared: "Broadcast[Classifier]",
    entry: InputFile,
    reject_below: float | None,
    done: Accumulator[int],
) -> Predictions:
    classifier = shared.value
    with workers.ended_if_silent():
        components = _others(output, entry.components)
        photos = components if classifier.classify_on == COMPONENTS else _others(output, entry.features)
        best = table = predictions_table(photos, classifier, components)
        if reject_below is not None and classifier.distance is not None:
            table = with_unknown(best, reject_below, classifier.distance.limit)
        kept = count_pairs(best.filter(pc.equal(best["predicted"], table["predicted"])))
        name = layout.derived_file_name(layout.PREDICTIONS, entry.read_by(classifier.classify_on).path)
        written = layout.write_parquet(output, name, table)
    done.add(table.num_rows)
    return Predictions([written], count_pairs(best), kept, calibration_of(best))


def _others(output: str, file: DataFile) -> pa.Table:
    """Return the rows of a file outside the training split."""
    table = layout.read_parquet(output, file.path)
    return table.filter(pc.not_equal(table["split"], TRAIN))
