"""Tests of job/quality/leakage.py, compared with all cosines at once."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark import SparkContext

from job.images import TEST, TRAIN
from job.matrices import matrix
from job.quality import leakage
from job.quality.leakage import Nearest
from job.results import layout
from tests.job.classifiers.overlapping import overlapping_photos, write_files

CUTS = [[240], [32] * 7 + [16], [1] * 4 + [236]]


def search(context: SparkContext, folder: Path, photos: pa.Table, cut: list[int]) -> Nearest | None:
    output, files = write_files(folder, photos, cut)
    splits, counted, start = photos["split"].to_pylist(), [], 0
    for file, training in files:
        counted.append((file, training, splits[start : start + file.rows].count(TEST)))
        start += file.rows
    return leakage.find(context, output, counted, 5)


def expected(photos: pa.Table) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the nearest training photo of each test photo, and the cosine."""
    train, test = (photos.filter(pc.equal(photos["split"], split)) for split in (TRAIN, TEST))
    units = [rows / np.linalg.norm(rows, axis=1)[:, None] for rows in (matrix(p["features"]) for p in (train, test))]
    cosines = units[1].astype(float) @ units[0].T.astype(float)
    return [train["path"][int(place)].as_py() for place in cosines.argmax(axis=1)], cosines.max(axis=1)


@pytest.mark.parametrize("cut", CUTS, ids=["one", "many", "small"])
def test_finds_nearest_training_photo_in_any_files(
    spark: SparkContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: list[int]
) -> None:
    monkeypatch.setattr(leakage, "TEST_ROWS", 12)
    photos = overlapping_photos(layout.FEATURES_SCHEMA)

    found = search(spark, tmp_path, photos, cut)

    paths, cosines = expected(photos)
    assert found is not None
    test = photos.filter(pc.equal(photos["split"], TEST))
    assert (found.paths, found.labels) == (test["path"].to_pylist(), test["label"].to_pylist())
    assert found.nearest == paths
    label_of = dict(zip(photos["path"].to_pylist(), photos["label"].to_pylist(), strict=True))
    assert found.nearest_labels == [label_of[path] for path in paths]
    np.testing.assert_allclose(found.cosines, cosines, atol=1e-6)
    np.testing.assert_array_equal(found.near_duplicates(), cosines >= 0.95)


def test_cut_into_files_changes_no_bit(spark: SparkContext, tmp_path: Path) -> None:
    photos = overlapping_photos(layout.FEATURES_SCHEMA)

    found = [search(spark, tmp_path / str(len(cut)), photos, cut) for cut in CUTS]

    assert len({one.cosines.tobytes() for one in found if one is not None}) == 1


def test_no_test_photos_have_no_leakage(spark: SparkContext, tmp_path: Path) -> None:
    photos = overlapping_photos(layout.FEATURES_SCHEMA)

    assert search(spark, tmp_path, photos.filter(pc.equal(photos["split"], TRAIN)), [180]) is None


def test_first_of_equal_training_photos_is_taken() -> None:
    tests = np.zeros((leakage.BLOCK, 2), np.float32)
    tests[0] = [1, 0]

    places, values = leakage.best_products(tests, np.array([[0, 1], [1, 0], [1, 0]], np.float32))

    assert (places[0], values[0]) == (1, 1)


def test_rows_of_zeros_have_no_direction() -> None:
    units = leakage.unit_rows(np.array([[0, 0], [0, -4]], np.float32))

    assert units.tolist() == [[0, 0], [0, -1]]


@pytest.mark.parametrize(
    ("largest", "rows"), [(1000, [[0, 1, 2], [], [0, 1]]), (30, [[0, 1], [], [0]]), (1, [[0], [], []])]
)
def test_examines_an_even_sample_of_too_many(largest: int, rows: list[list[int]]) -> None:
    assert [part.tolist() for part in leakage.examined([3, 0, 2], 10, largest)] == rows
