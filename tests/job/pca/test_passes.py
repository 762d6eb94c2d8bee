"""Tests of job/pca/passes.py on a real Spark, compared with Spark ML's scaler and principal components."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pytest
from pyspark import Accumulator, SparkContext
from pyspark.ml.feature import PCA, StandardScaler
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession

from job.features.extractor import features_table
from job.images import PREDICT, TEST, TRAIN
from job.matrices import matrix
from job.pca import Moments, Projection, components, passes
from job.pca.passes import ProjectionTask, SumTask
from job.results import DataFile, layout

Rows = np.ndarray[Any, np.dtype[np.float32]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    random = np.random.default_rng(1)
    mixing = random.normal(size=(24, 24)) * np.logspace(0, -3, 24)[:, np.newaxis]
    return (random.normal(size=(600, 24)) @ mixing + 5).astype(np.float32)


Files = list[tuple[DataFile, int]]

LABELS = ("a", "b")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> tuple[str, Files]:
    """Write the rows to 20 features files, two training rows for each one to test or predict."""
    output = str(tmp_path_factory.mktemp("results"))
    files = []
    for number, part in enumerate(np.array_split(rows, 20)):
        splits = [(TRAIN, TRAIN, TEST if number % 2 else PREDICT)[row % 3] for row in range(len(part))]
        photos = [
            {
                "path": f"/{number}/{row}.jpg",
                "label": None if split == PREDICT else LABELS[row % 2],
                "split": split,
                "size": 1,
                "problem": "",
            }
            for row, split in enumerate(splits)
        ]
        table = features_table(pa.Table.from_pylist(photos), part)
        file = layout.write_parquet(output, f"features/part-{number:05d}-run-{number}.parquet", table)
        files.append((file, splits.count(TRAIN)))
    return output, files


def sums(
    spark: SparkContext, output: str, files: Files, slots: int = 2, done: Accumulator[int] | None = None
) -> Moments:
    """Sum the training rows' features by label."""
    done = spark.accumulator(0) if done is None else done
    return passes.sum_moments(spark, SumTask(output, "features", LABELS), files, slots, done)


def is_training(rows: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.concatenate([np.arange(len(part)) % 3 < 2 for part in np.array_split(np.arange(rows), 20)])


def test_only_training_rows_are_summed(spark: SparkContext, rows: Rows, written: tuple[str, Files]) -> None:
    training = rows[is_training(len(rows))].astype(np.float64)

    moments = sums(spark, *written)

    assert moments.count == len(training) == 400
    np.testing.assert_allclose(moments.mean(), training.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance(), np.cov(training, rowvar=False), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("slots", [1, 3, 20])
def test_sums_are_bit_equal_for_any_number_of_tasks(
    spark: SparkContext, written: tuple[str, Files], slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given slices so small that there are 27 of them, and tasks of 16, 8 and 1 of them: the last are added in rounds
    monkeypatch.setattr(passes, "ROWS_IN_A_SLICE", 15)
    done = spark.accumulator(0)

    moments = sums(spark, *written, slots, done)

    alone = added_here(*written, 15)
    np.testing.assert_array_equal(moments.products, alone.products)
    np.testing.assert_array_equal(moments.total, alone.total)
    np.testing.assert_array_equal(moments.class_totals, alone.class_totals)
    assert moments.count == done.value == 400


def test_test_rows_and_file_cuts_change_no_bit_of_sums(
    spark: SparkContext, rows: Rows, written: tuple[str, Files], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the same training rows, in 20 files among others, and alone in 3 files
    monkeypatch.setattr(passes, "ROWS_IN_A_SLICE", 15)
    labels = iter(training_labels(*written))
    files = []
    for number, part in enumerate(np.array_split(rows[is_training(len(rows))], 3)):
        photos = [{"path": f"/{row}", "label": next(labels), "split": TRAIN} for row in range(len(part))]
        table = features_table(pa.Table.from_pylist(photos), part)
        files.append((layout.write_parquet(str(tmp_path), f"features/{number}.parquet", table), len(part)))

    planted = sums(spark, *written)
    alone = sums(spark, str(tmp_path), files)

    np.testing.assert_array_equal(planted.products, alone.products)
    np.testing.assert_array_equal(planted.total, alone.total)
    np.testing.assert_array_equal(planted.class_totals, alone.class_totals)


def added_here(output: str, files: Files, size: int) -> Moments:
    """Sum the training rows by slices in this process, as the docstring of add_in_pairs says, without Spark."""
    tables = [layout.read_parquet(output, file.path) for file, _ in files]
    training = pa.concat_tables(table.filter(pc.equal(table["split"], TRAIN)) for table in tables)
    features = matrix(training["features"])
    classes = np.array([LABELS.index(label) for label in training["label"].to_pylist()])
    parts = []
    for start in range(0, len(features), size):
        parts.append(Moments.nothing(features[0].astype(np.float64), len(LABELS)))
        parts[-1].add_rows(features[start : start + size], classes[start : start + size])
    while len(parts) > 1:
        for left, right in zip(parts[::2], parts[1::2], strict=False):
            left.add(right)
        parts = parts[::2]
    return parts[0]


def training_labels(output: str, files: Files) -> list[str]:
    tables = [layout.read_parquet(output, file.path) for file, _ in files]
    training = pa.concat_tables(table.filter(pc.equal(table["split"], TRAIN)) for table in tables)
    return list(training["label"].to_pylist())


def test_class_sums_equal_those_of_the_rows(spark: SparkContext, rows: Rows, written: tuple[str, Files]) -> None:
    training = rows[is_training(len(rows))].astype(np.float64)
    labels = np.array(training_labels(*written))

    moments = sums(spark, *written)

    assert moments.class_counts.tolist() == [int((labels == label).sum()) for label in LABELS]
    expected = [training[labels == label].mean(axis=0) for label in LABELS]
    np.testing.assert_allclose(moments.class_means(), expected, rtol=1e-12)
    centered = training - np.array(expected)[np.searchsorted(LABELS, labels)]
    np.testing.assert_allclose(moments.within_covariance(), centered.T @ centered / 400, rtol=1e-8, atol=1e-12)


def test_explained_variance_equals_spark_mls(spark: SparkContext, rows: Rows, written: tuple[str, Files]) -> None:
    training = rows[is_training(len(rows))]
    frame = SparkSession(spark).createDataFrame([(Vectors.dense(row.tolist()),) for row in training], ["features"])
    scaler = StandardScaler(withMean=True, withStd=True, inputCol="features", outputCol="scaled").fit(frame)
    reference = PCA(k=24, inputCol="scaled", outputCol="components").fit(scaler.transform(frame))

    moments = sums(spark, *written)
    fitted = components.fit(moments, standardize=True)

    np.testing.assert_allclose(fitted.ratio, reference.explainedVariance.toArray(), rtol=1e-6)
    np.testing.assert_allclose(fitted.scale, scaler.std.toArray(), rtol=1e-9)
    np.testing.assert_allclose(fitted.mean, scaler.mean.toArray(), rtol=1e-9)


def test_projects_every_photo_once_with_equal_csv(spark: SparkContext, rows: Rows, written: tuple[str, Files]) -> None:
    output, files = written[0], [file for file, _ in written[1]]
    moments = sums(spark, *written)
    fitted = components.fit(moments, standardize=True)
    projection = Projection(fitted.mean, fitted.scale, fitted.components[:3])

    reports = passes.project_files(
        spark, ProjectionTask(output, csv=True), projection, files, slots=1, done=spark.accumulator(0)
    )

    projected = pa.concat_tables([layout.read_parquet(output, report.components.path) for report in reports])
    expected = (rows.astype(np.float64) - fitted.mean) / fitted.scale @ fitted.components[:3].T
    np.testing.assert_allclose(matrix(projected["components"]), expected, rtol=1e-4, atol=1e-5)
    csv = pa.concat_tables(
        [pyarrow.csv.read_csv(Path(output, report.csv.path)) for report in reports if report.csv is not None]
    )
    assert csv.column_names == ["path", "label", "split", "pc_1", "pc_2", "pc_3"]
    assert csv["path"].to_pylist() == projected["path"].to_pylist()
    np.testing.assert_array_equal(csv["pc_2"].to_numpy().astype(np.float32), matrix(projected["components"])[:, 1])


def test_without_csv_none_is_written(spark: SparkContext, written: tuple[str, Files]) -> None:
    output, files = written[0], [file for file, _ in written[1]]
    projection = Projection(np.zeros(24), np.ones(24), np.eye(24)[:2])

    reports = passes.project_files(
        spark, ProjectionTask(output, csv=False), projection, files[:2], slots=1, done=spark.accumulator(0)
    )

    assert [report.csv for report in reports] == [None, None]


def test_file_groups_have_about_equal_rows() -> None:
    files = [DataFile(f"features/{rows}", rows, 0) for rows in (9, 8, 7, 3, 2, 1)]

    groups = passes.group_by_rows(files, 3)

    assert [[file.rows for file in group] for group in groups] == [[9, 1], [8, 2], [7, 3]]


def test_there_are_no_more_groups_than_files() -> None:
    assert len(passes.group_by_rows([DataFile("features/a", 1, 0)], 8)) == 1
