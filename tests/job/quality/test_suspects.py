"""Tests of job/quality/suspects.py on clusters whose labels and outliers are known."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import SparkContext

from job.classifiers import discriminant
from job.classifiers.tuning import Sample
from job.images import TEST, TRAIN
from job.matrices import list_column, matrix
from job.pca import Moments, components
from job.pca.passes import classes_of
from job.quality import labelled, suspects
from job.quality.suspects import Judged
from job.results import layout
from tests.job.classifiers.overlapping import write_files

LABELS = ("apple", "kiwi", "pear")
COUNT = 120
SWAPPED, OUTLYING, TESTED = [3, 40, 77], [10, 50], range(100, 120)


def clusters() -> pa.Table:
    """Return features of three separate labels; three photos have a wrong label, two are far from theirs."""
    random = np.random.default_rng(2)
    true = np.arange(COUNT) % 3
    rows = random.normal(size=(COUNT, 6))
    rows[np.arange(COUNT), true] += 8
    rows[OUTLYING, 5] += 25
    labels = [LABELS[(label + (row in SWAPPED)) % 3] for row, label in enumerate(true)]
    splits = [TEST if row in TESTED else TRAIN for row in range(COUNT)]
    columns = [[f"/{row}.jpg" for row in range(COUNT)], labels, splits, list_column(rows.astype(np.float32))]
    return pa.table(columns, schema=layout.FEATURES_SCHEMA)


def judged(context: SparkContext, folder: Path, photos: pa.Table, cut: list[int]) -> Judged | None:
    output, files = write_files(folder, photos, cut)
    training = photos.filter(pc.equal(photos["split"], TRAIN))
    moments = Moments.nothing(np.zeros(matrix(photos["features"]).shape[1]))
    moments.add_rows(matrix(training["features"]))
    fitted = components.fit(moments, standardize=True)
    labels = sorted(set(training["label"].to_pylist()))
    projection = suspects.projection(fitted, labels, len(photos))
    known = labelled.read(context, output, [file for file, _ in files], projection)
    return suspects.judge(known, labels) if projection else None


def test_finds_swapped_labels_and_outliers(spark: SparkContext, tmp_path: Path) -> None:
    found = judged(spark, tmp_path, clusters(), [50, 50, 20])

    assert found is not None
    assert found.paths == [f"/{row}.jpg" for row in range(COUNT)]
    assert sorted(found.suspected().tolist()) == SWAPPED
    true = [LABELS[row % 3] for row in SWAPPED]
    assert [found.labels[found.other[row]] for row in SWAPPED] == true
    assert set(np.argsort(-found.deviations())[:2].tolist()) == set(OUTLYING)
    typical = found.typical().tolist()
    assert [found.labels[found.given[row]] for row in typical] == list(LABELS)


def test_photo_is_judged_by_a_fit_without_its_fold(spark: SparkContext, tmp_path: Path) -> None:
    photos = clusters()
    found = judged(spark, tmp_path, photos, [COUNT])

    assert found is not None
    training = photos.filter(pc.equal(photos["split"], TRAIN))
    rows, classes = matrix(training["features"]), classes_of(training, LABELS)
    deviation = rows.std(axis=0, ddof=1, dtype=np.float64)
    scaled = ((rows - rows.mean(axis=0, dtype=np.float64)) / deviation).astype(np.float32)
    fold = np.array([int((classes[:row] == classes[row]).sum()) % suspects.FOLDS for row in range(len(classes))])
    everything = Moments.nothing(np.zeros(6), 3)
    everything.add_rows(scaled, classes)
    choice = discriminant.choose(everything, Sample(scaled, classes, fold))
    rest = Moments.nothing(np.zeros(6), 3)
    rest.add_rows(scaled[fold != 0], classes[fold != 0])
    model = discriminant.fit(rest, choice.setting)
    held = np.flatnonzero(fold == 0)
    expected = model.probabilities(scaled[held].astype(np.float64), choice.temperature)[
        np.arange(len(held)), classes[held]
    ]
    np.testing.assert_allclose(found.own[held], expected, rtol=1e-3, atol=1e-6)


def test_cut_into_files_changes_no_bit(spark: SparkContext, tmp_path: Path) -> None:
    found = [judged(spark, tmp_path / str(len(cut)), clusters(), cut) for cut in ([COUNT], [17] * 7 + [1])]

    assert len({one.own.tobytes() + one.distance.tobytes() for one in found if one is not None}) == 1


def test_single_label_and_unknown_labels_are_not_judged(spark: SparkContext, tmp_path: Path) -> None:
    photos = clusters()
    apples = photos.filter(pc.equal(photos["label"], "apple"))
    names = ["plum" if number in (0, 119) else label for number, label in enumerate(photos["label"].to_pylist())]
    with_plums = photos.set_column(1, layout.FEATURES_SCHEMA.field("label"), pa.array(names))

    assert judged(spark, tmp_path / "one", apples, [len(apples)]) is None
    found = judged(spark, tmp_path / "two", with_plums, [COUNT])
    # The plum in training is in no fit without its fold; the one in test is judged by a fit with that plum
    assert found is not None
    assert {f"/{row}.jpg" for row in range(COUNT)} - set(found.paths) == {"/0.jpg"}


def test_labels_with_one_photo_are_judged_if_possible(spark: SparkContext, tmp_path: Path) -> None:
    photos = clusters().slice(0, 9)
    labels = pa.array(["a", "b", "c", "d", "e", "f", "g", "g", "g"])
    few = photos.set_column(1, layout.FEATURES_SCHEMA.field("label"), labels)

    found = judged(spark, tmp_path, few, [9])

    assert found is not None
    assert found.paths == ["/6.jpg", "/7.jpg", "/8.jpg"]
    assert np.isfinite(found.distance).all()


def test_training_photos_of_a_label_are_dealt_to_folds() -> None:
    given, training = np.array([0, 1, 0, 0, 1, 0]), np.array([True, True, False, True, True, True])

    assert suspects.assigned(given, training).tolist() == [0, 0, suspects.TESTED, 1, 1, 2]
