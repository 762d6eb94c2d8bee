"""Predict the photos of each file of components or features in one Spark task, and write one Parquet file each."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Accumulator, Broadcast, SparkContext

from job.classifiers.evaluate import Pairs
from job.classifiers.models import Classifier
from job.images import TEST, TRAIN
from job.matrices import list_column, matrix
from job.results import DataFile, layout
from job.spark import slices, workers


@dataclass(frozen=True)
class PredictionsReport:
    """The predictions file of a task, and the label pairs of its test photos."""

    predictions: DataFile
    pairs: Pairs


def predict_files(
    context: SparkContext, output: str, classifier: Classifier, files: Sequence[DataFile], done: Accumulator[int]
) -> list[PredictionsReport]:
    """Write predictions of all photos except training photos; return the report of each task."""
    shared = context.broadcast(classifier)
    tasks = context.parallelize(files, len(files)).map(lambda file: _predict_file(output, shared, file, done))
    return list(tasks.collect())


def count_right(context: SparkContext, output: str, classifier: Classifier, files: Sequence[DataFile]) -> int:
    """Return how many of the training photos in the files are predicted correctly."""
    shared = context.broadcast(classifier)
    tasks = context.parallelize(files, max(1, len(files))).map(lambda file: _right_in_file(output, shared, file))
    return sum(tasks.collect())


def predictions_table(photos: pa.Table, classifier: Classifier) -> pa.Table:
    """Return the predictions of rows of components or features."""
    probabilities = classifier.probabilities(matrix(photos[classifier.classify_on]))
    predicted = probabilities.argmax(axis=1)
    rounded = probabilities.astype(np.float32)
    columns = [
        *(photos[name] for name in ("path", "label", "split")),
        pa.array(classifier.labels, pa.string()).take(pa.array(predicted)),
        pa.array(rounded[np.arange(len(predicted)), predicted]),
        list_column(rounded),
    ]
    return pa.table(columns, schema=layout.PREDICTIONS_SCHEMA)


def count_pairs(predictions: pa.Table) -> Pairs:
    """Count the test photos of a predictions table by true and predicted label."""
    test = predictions.filter(pc.equal(predictions["split"], TEST))
    return Counter(zip(test["label"].to_pylist(), test["predicted"].to_pylist(), strict=True))


def _right_in_file(output: str, shared: "Broadcast[Classifier]", file: DataFile) -> int:
    with workers.ended_if_silent():
        table = predictions_table(slices.training_rows(output, file.path), shared.value)
        return int(pc.sum(pc.equal(table["label"], table["predicted"]), min_count=0).as_py())


def _predict_file(
    output: str, shared: "Broadcast[Classifier]", file: DataFile, done: Accumulator[int]
) -> PredictionsReport:
    with workers.ended_if_silent():
        photos = layout.read_parquet(output, file.path)
        others = photos.filter(pc.not_equal(photos["split"], TRAIN))
        table = predictions_table(others, shared.value)
        name = PurePosixPath(file.path).stem
        written = layout.write_parquet(output, f"{layout.PREDICTIONS}/{name}-{layout.attempt()}.parquet", table)
    done.add(table.num_rows)
    return PredictionsReport(written, count_pairs(table))
