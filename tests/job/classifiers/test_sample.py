"""Tests of job/classifiers/sample.py, and of the discriminant that stage.py trains with it, on a real Spark."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark import SparkContext
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from job.classifiers import COMPONENTS, DISCRIMINANT, FEATURES, Classifier, LinearModel, stage
from job.classifiers.sample import read_sample, sampled_paths
from job.classifiers.training import Training
from job.images import TRAIN
from job.pca import passes
from job.pca.passes import SumTask
from job.results import DataFile, layout
from tests.job.classifiers.overlapping import LABELS, overlapping_photos, write_files

SCHEMAS = {COMPONENTS: layout.COMPONENTS_SCHEMA, FEATURES: layout.FEATURES_SCHEMA}

Files = list[tuple[DataFile, int]]


@pytest.fixture(scope="module", params=list(SCHEMAS))
def photos(request: pytest.FixtureRequest) -> pa.Table:
    return overlapping_photos(SCHEMAS[request.param])


def train(spark: SparkContext, output: str, files: Files, table: pa.Table) -> Classifier:
    trained = Counter(row["label"] for row in table.to_pylist() if row["split"] == TRAIN)
    listed = with_groups(table)
    return stage.train_classifier(
        spark, output, files, Training(DISCRIMINANT, table.column_names[3], trained, 5, 0, listed)
    )


def with_groups(table: pa.Table, groups: list[str] | None = None) -> pa.Table:
    return table.append_column("group", pa.nulls(len(table), pa.string()) if groups is None else pa.array(groups))


def test_sample_has_the_training_rows_in_order(spark: SparkContext, photos: pa.Table, tmp_path: Path) -> None:
    output, files = write_files(tmp_path, photos, [100, 1, 139])
    folds = {"/4.jpg": 1, "/100.jpg": 0, "/3.jpg": 2, "/232.jpg": 4}
    task = SumTask(output, photos.column_names[3], LABELS)

    sample = read_sample(spark, task, [file for file, _ in files], folds)

    rows = [row for row in photos.to_pylist() if row["path"] in folds and row["split"] == TRAIN]
    assert sample.folds.tolist() == [1, 0, 4]
    assert sample.classes.tolist() == [LABELS.index(row["label"]) for row in rows]
    assert sample.rows.tolist() == [row[photos.column_names[3]] for row in rows]


def test_only_training_photos_are_sampled(photos: pa.Table) -> None:
    training = {row["path"] for row in photos.to_pylist() if row["split"] == TRAIN}

    assert set(sampled_paths(with_groups(photos))) == training


def test_a_group_is_in_one_fold_of_the_sample(photos: pa.Table) -> None:
    groups = [f"{row % 40}" for row in range(len(photos))]

    folds = sampled_paths(with_groups(photos, groups))

    group_of = dict(zip(photos["path"].to_pylist(), groups, strict=True))
    assert len({(group_of[path], fold) for path, fold in folds.items()}) == len({group_of[path] for path in folds})
    assert set(folds.values()) == set(range(5))


def test_discriminant_of_files_equals_scikit_learns(spark: SparkContext, photos: pa.Table, tmp_path: Path) -> None:
    classifier = train(spark, *write_files(tmp_path, photos, [100, 10, 130]), photos)

    training = [row for row in photos.to_pylist() if row["split"] == TRAIN]
    rows = np.array([row[photos.column_names[3]] for row in training])
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=classifier.parameters["shrinkage"])
    reference.fit(rows, [row["label"] for row in training])
    assert isinstance(classifier.model, LinearModel)
    np.testing.assert_allclose(classifier.model.coefficients, reference.coef_, rtol=1e-9)
    np.testing.assert_allclose(classifier.model.intercepts, reference.intercept_, rtol=1e-9)
    assert (classifier.classify_on, classifier.inputs) == (photos.column_names[3], 5)


def test_discriminant_is_bit_equal_for_any_files(
    spark: SparkContext, photos: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "ROWS_IN_A_SLICE", 15)
    one = train(spark, *write_files(tmp_path / "one", photos, [240]), photos)
    many = train(spark, *write_files(tmp_path / "many", photos, [32] * 7 + [16]), photos)

    assert one.to_files() == many.to_files()
