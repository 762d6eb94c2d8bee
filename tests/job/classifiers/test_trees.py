"""Tests of job/classifiers/trees.py on a real Spark: our models predict the same as Spark ML's."""

import gc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark import SparkContext
from pyspark.ml.classification import (
    DecisionTreeClassificationModel,
    DecisionTreeClassifier,
    RandomForestClassificationModel,
    RandomForestClassifier,
)
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession

from job.classifiers import COMPONENTS, Classifier, TreesModel, trees
from job.classifiers.sample import read_sample
from job.classifiers.training import Training
from job.images import TRAIN
from job.pca.passes import SumTask
from job.results import DataFile, layout
from job.spark.slices import Slice
from tests.job.classifiers.overlapping import LABELS, overlapping_photos, write_files

SMALL: dict[str, dict[str, Any]] = {
    "tree": {"maxDepth": 6},
    "forest": {"numTrees": 5, "maxDepth": 5},
}
"""Smaller parameters, for the same arithmetic in less time."""


@pytest.fixture(scope="module")
def photos() -> pa.Table:
    return overlapping_photos(layout.COMPONENTS_SCHEMA)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "PARAMETERS", SMALL)


def spark_model(kind: str, rows: DataFrame) -> Any:
    estimators: dict[str, Any] = {
        "tree": lambda: DecisionTreeClassifier(maxDepth=6, seed=1),
        "forest": lambda: RandomForestClassifier(numTrees=5, maxDepth=5, seed=1),
    }
    return estimators[kind]().fit(rows)


def train(spark: SparkContext, written: tuple[str, list[tuple[DataFile, int]]], kind: str) -> Classifier:
    output, files = written
    task = SumTask(output, COMPONENTS, LABELS)
    sample = read_sample(spark, task, [file for file, _ in files], {f"/{row}.jpg": row % 5 for row in range(240)})
    asked = Training(kind, COMPONENTS, dict.fromkeys(LABELS, 80), 5, 1, pa.table({}))
    return trees.train(spark, task, files, asked, sample)


@pytest.mark.parametrize("kind", list(SMALL))
def test_probabilities_and_predictions_equal_spark_mls(
    spark: SparkContext, photos: pa.Table, tmp_path: Path, kind: str
) -> None:
    # Given a model that Spark ML itself makes of the same training photos
    everything: npt.NDArray[np.float32] = np.array(photos["components"].to_pylist(), np.float32)
    is_training = np.array(photos["split"].to_pylist()) == TRAIN
    pairs = [
        (float(LABELS.index(label)) if label else 0.0, Vectors.dense(row.tolist()))
        for label, row in zip(photos["label"].to_pylist(), everything, strict=True)
    ]
    frame = SparkSession(spark).createDataFrame(pairs, ["label", "features"]).coalesce(1)
    rows = [pair for pair, wanted in zip(pairs, is_training, strict=True) if wanted]
    own = spark_model(kind, SparkSession(spark).createDataFrame(rows, ["label", "features"]).coalesce(1))
    expected = own.transform(frame).select("probability", "prediction").collect()

    # When we train from the files, and predict after a way through the two files
    trained = train(spark, write_files(tmp_path, photos, [100, 10, 130]), kind)
    model = Classifier.from_files(*trained.to_files()).model
    assert isinstance(model, TreesModel)
    probabilities = model.votes(everything.astype(np.float64))

    np.testing.assert_allclose(probabilities, [row["probability"].toArray() for row in expected], rtol=0, atol=1e-9)
    assert probabilities.argmax(axis=1).tolist() == [int(row["prediction"]) for row in expected]


@pytest.mark.parametrize("kind", list(SMALL))
def test_model_does_not_depend_on_the_cut_into_files(
    spark: SparkContext, photos: pa.Table, tmp_path: Path, kind: str
) -> None:
    one = train(spark, write_files(tmp_path / "one", photos, [240]), kind)
    many = train(spark, write_files(tmp_path / "many", photos, [32] * 7 + [16]), kind)

    assert one.to_files() == many.to_files()
    assert one.temperature != 1


@pytest.mark.parametrize("kind", list(SMALL))
def test_rows_are_cut_into_partitions_of_one_size(
    spark: SparkContext,
    photos: pa.Table,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(trees, "ROWS_IN_A_PARTITION", 32)
    dealt: list[int] = []
    parallelize = spark.parallelize

    def watched(parts: Any, slices: int) -> Any:
        dealt.append(slices)
        return parallelize(parts, slices)

    monkeypatch.setattr(spark, "parallelize", watched)

    train(spark, write_files(tmp_path, photos, [100, 140]), kind)

    assert dealt[-1] == 6


@pytest.mark.parametrize("kind", list(SMALL))
def test_what_spark_fitted_is_kept_until_its_trees_are_read(
    spark: SparkContext, photos: pa.Table, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Java deletes an object soon after Python has: a thread of Py4J tells it.
    def note_and_read(context: SparkContext, tree: Any) -> list[dict[str, Any]]:
        kept.add(any(type(each) is model for each in gc.get_objects()))
        return read(context, tree)

    model = DecisionTreeClassificationModel if kind == "tree" else RandomForestClassificationModel
    read, kept = trees.tree_nodes, set[bool]()
    monkeypatch.setattr(trees, "tree_nodes", note_and_read)

    train(spark, write_files(tmp_path, photos, [240]), kind)

    assert kept == {True}


def test_reads_training_rows_with_their_class(photos: pa.Table, tmp_path: Path) -> None:
    output, files = write_files(tmp_path, photos, [240])

    rows = list(trees.read_rows(SumTask(output, COMPONENTS, LABELS), [Slice(files[0][0].path, 2, 5)]))

    wanted = [row for row in photos.to_pylist() if row["split"] == TRAIN][2:5]
    assert [LABELS[int(number)] for number, _ in rows] == [row["label"] for row in wanted]
    assert [list(values) for _, values in rows] == [row["components"] for row in wanted]
