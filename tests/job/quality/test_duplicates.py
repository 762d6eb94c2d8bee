"""Tests of job/quality/duplicates.py, compared with all differences at once."""

import base64

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark import SparkContext

from job.quality import duplicates
from job.quality.duplicates import PIXELS


def drawn(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, PIXELS), np.uint8)


def photos(rows: npt.NDArray[np.uint8], digests: list[str | None]) -> pa.Table:
    texts = [None if digest is None else base64.b64encode(row) for digest, row in zip(digests, rows, strict=True)]
    return pa.table({"digest": pa.array(digests, pa.string()), "thumbnail": pa.array(texts, pa.string())})


def every_difference(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return the difference of each photo to each earlier one."""
    numbers = rows.astype(np.float64)
    squares = (numbers**2).sum(axis=1)
    every: npt.NDArray[np.float64] = np.sqrt((squares[:, None] + squares - 2 * numbers @ numbers.T) / PIXELS)
    every[np.triu_indices(len(rows))] = np.inf
    return every


def test_most_similar_earlier_photo_equals_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "ROWS", 7)
    monkeypatch.setattr(duplicates, "COLUMNS", 10)
    rows = drawn(50)

    blocks = [duplicates.of_block(rows, start) for start in range(0, 50, 7)]

    places, differences = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    every = every_difference(rows)
    assert differences[0] == np.inf
    np.testing.assert_array_equal(places[1:], every[1:].argmin(axis=1))
    np.testing.assert_allclose(differences[1:], every[1:].min(axis=1), rtol=1e-12)


def test_tasks_return_blocks_in_order(spark: SparkContext) -> None:
    rows = drawn(duplicates.ROWS * 2 + 100)

    places, differences = duplicates.nearest_earlier(spark, rows)

    np.testing.assert_array_equal(places[1:], every_difference(rows)[1:].argmin(axis=1))
    assert len(differences) == len(rows)


def test_finds_files_and_pixels_that_are_there_twice(spark: SparkContext) -> None:
    rows = drawn(6)
    rows[4] = rows[1]
    rows[4, :64] ^= 1
    digests: list[str | None] = ["a", "b", "c", "a", "d", "a"]

    found = duplicates.find(spark, photos(rows, digests))

    assert found.original.tolist() == [-1, -1, -1, 0, 1, 0]
    assert found.same_file.tolist() == [False, False, False, True, False, True]
    np.testing.assert_allclose(found.similarity[[3, 4, 5]], [1, 1 - 0.5 / 255, 1])
    assert (found.unknown, found.compared) == (0, True)


def test_rows_of_an_earlier_version_are_unknown(spark: SparkContext) -> None:
    found = duplicates.find(spark, photos(np.zeros((3, PIXELS), np.uint8), [None, None, "a"]))

    assert (found.original.tolist(), found.unknown) == ([-1, -1, -1], 2)


def test_too_many_photos_are_compared_by_file_only(spark: SparkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_PHOTOS", 3)

    found = duplicates.find(spark, photos(np.zeros((4, PIXELS), np.uint8), ["a", "b", "c", "a"]))

    assert (found.original.tolist(), found.compared) == ([-1, -1, -1, 0], False)
