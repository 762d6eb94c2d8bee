"""Tests of job/classifiers/folds.py, on a real Spark."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark import SparkContext

from job.classifiers import COMPONENTS, DISCRIMINANT, FEATURES, folds, stage
from job.classifiers.calibration import Calibration
from job.classifiers.folds import FoldContext, Outcome
from job.classifiers.predict import count_pairs, predictions_table
from job.classifiers.training import Training
from job.images import TEST, TRAIN
from job.pca import PrincipalComponents, Projection, components, passes
from job.pca.passes import SumTask, components_table
from job.results import layout
from job.results.progress import Progress
from tests.job.classifiers.overlapping import LABELS, overlapping_photos, write_files

KEPT = 3


@pytest.fixture(scope="module")
def photos() -> pa.Table:
    table = overlapping_photos(layout.FEATURES_SCHEMA)
    return table.append_column("group", pa.array([f"{row // 4 % 20}" for row in range(len(table))]))


def numbers_of(photos: pa.Table) -> list[int]:
    """Return two folds of groups; the photos of group 19 are tested in none."""
    rows = photos.to_pylist()
    return [-1 if row["split"] != TRAIN or row["group"] == "19" else int(row["group"]) % 2 for row in rows]


def keep_three(fitted: PrincipalComponents) -> int:
    return min(KEPT, len(fitted.cumulative))


def cross_validated(
    spark: SparkContext, photos: pa.Table, folder: Path, rows: list[int], kind: str, classify_on: str
) -> dict[str, Any]:
    output, files = write_files(folder, photos.drop_columns("group"), rows)
    trained = Counter(row["label"] for row in photos.to_pylist() if row["split"] == TRAIN)
    asked = Training(kind, classify_on, trained, 5, 0, photos)
    assigned = folds.of_listing(photos, numbers_of(photos), 2)
    progress = Progress(output, "20261121T100000-0123abcd")
    context = FoldContext(spark, output, [file for file, _ in files], keep_three, True)
    return folds.summary(folds.cross_validate(context, assigned, asked, progress), asked.labels)


@pytest.mark.parametrize(
    ("kind", "classify_on"), [(DISCRIMINANT, FEATURES), (DISCRIMINANT, COMPONENTS), ("tree", COMPONENTS)]
)
def test_folds_equal_runs_on_photos_split_that_way(
    spark: SparkContext, photos: pa.Table, tmp_path: Path, kind: str, classify_on: str
) -> None:
    outcome = cross_validated(spark, photos, tmp_path / "all", [100, 40, 100], kind, classify_on)

    expected = [run_of_fold(spark, photos, tmp_path / f"{number}", number, kind, classify_on) for number in range(2)]
    assert [entry["accuracy"] for entry in outcome["each"]] == expected
    assert outcome["accuracy"] == {"mean": np.mean(expected), "std": np.std(expected, ddof=1)}
    assert outcome["evaluated_on"] == sum(number >= 0 for number in numbers_of(photos))


def run_of_fold(spark: SparkContext, photos: pa.Table, folder: Path, number: int, kind: str, classify_on: str) -> float:
    """Return the accuracy of a run on files in which a fold's photos are the test photos."""
    held = np.array(numbers_of(photos)) == number
    train = np.array([split == TRAIN for split in photos["split"].to_pylist()])
    split = photos.set_column(2, "split", pa.array(np.where(held, TEST, TRAIN).tolist()))
    table = split.filter(pa.array(train))
    listed, written = table, table.drop_columns("group")
    if classify_on == COMPONENTS:
        output, files = write_files(folder / "features", written, [len(table)])
        moments = passes.sum_moments(spark, SumTask(output, FEATURES), files, 1, spark.accumulator(0))
        fitted = components.fit(moments, True)
        written = components_table(written, Projection(fitted.mean, fitted.scale, fitted.components[:KEPT]))
    output, files = write_files(folder / "inputs", written, [len(table)])
    labels = Counter(row["label"] for row in table.to_pylist() if row["split"] == TRAIN)
    width = 5 if classify_on == FEATURES else KEPT
    classifier = stage.train_classifier(spark, output, files, Training(kind, classify_on, labels, width, 0, listed))
    tested = written.filter(pa.array([split == TEST for split in written["split"].to_pylist()]))
    pairs = count_pairs(predictions_table(tested, classifier))
    return sum(n for (true, predicted), n in pairs.items() if true == predicted) / pairs.total()


def test_outcome_is_bit_equal_for_any_files(
    spark: SparkContext, photos: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "ROWS_IN_A_SLICE", 15)
    one = cross_validated(spark, photos, tmp_path / "one", [240], "logistic", COMPONENTS)
    many = cross_validated(spark, photos, tmp_path / "many", [32] * 7 + [16], "logistic", COMPONENTS)

    assert one == many


def test_untested_labels_are_named_and_empty_folds_do_not_count() -> None:
    first = Outcome(("a", "b"), 10, 3, Counter({("a", "a"): 3, ("a", "b"): 1}), Calibration())
    outcome = folds.summary([first, Outcome(("a", "b"), 14, 3, Counter(), Calibration())], ["a", "b"])

    assert outcome["accuracy"] == {"mean": 0.75, "std": 0.0}
    assert outcome["untested_labels"] == ["b"]
    assert [entry["evaluated_on"] for entry in outcome["each"]] == [4, 0]
    assert "75.0%" in folds.sentence(outcome, grouped=True)


def test_nothing_tested_has_no_accuracy() -> None:
    outcome = folds.summary([Outcome(LABELS, 10, None, Counter(), Calibration())] * 2, LABELS)

    assert (outcome["accuracy"]["mean"], outcome["untested_labels"]) == (None, list(LABELS))
    assert "no photo" in folds.sentence(outcome, grouped=False)
