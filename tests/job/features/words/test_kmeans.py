"""Tests of job/features/words/kmeans.py: its stages one by one, on descriptors that are made up."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pytest
from pyspark import SparkContext
from sklearn.cluster import KMeans

from job.errors import TooFewPhotosError
from job.features.words import KINDS, Learning, Vocabulary, kmeans
from job.features.words.descriptors import Descriptors
from job.images import PREDICT, TEST, TRAIN
from job.matrices import matrix
from job.results import DataFile, layout

SIFT = KINDS["sift"]
LEARNING = Learning(words=3, sample=10_000, iterations=20, seed=0)


def clouds(photos: int, each: int) -> list[Descriptors]:
    """Return descriptors of so many photos, around three far-apart points in turn."""
    random = np.random.default_rng(7)
    middles = np.array([20, 120, 220])
    return [
        (middles[np.arange(each) % 3][:, np.newaxis] + random.integers(-5, 6, (each, 128))).astype(np.uint8)
        for _ in range(photos)
    ]


def descriptors_table(used: pa.Table, described: list[Descriptors]) -> pa.Table:
    values = pa.array([rows.tobytes() for rows in described], pa.binary())
    return pa.table([used["path"], used["label"], used["split"], values], schema=layout.DESCRIPTORS_SCHEMA)


def written(output: str, described: list[Descriptors], splits: list[str], parts: int) -> list[DataFile]:
    """Write descriptors as tasks do, in so many files."""
    files = []
    for number, chosen in enumerate(np.array_split(np.arange(len(described)), parts)):
        used = pa.table(
            {
                "path": [f"/{index}.jpg" for index in chosen],
                "label": ["a"] * len(chosen),
                "split": [splits[index] for index in chosen],
            }
        )
        rows = [described[index] for index in chosen]
        name = f"descriptors/part-{number:05d}-20260101T000000-00000000-{parts}.parquet"
        files.append(layout.write_parquet(output, name, descriptors_table(used, rows)))
    return files


def test_the_sample_comes_from_training_photos_alone() -> None:
    described = clouds(9, 4)
    splits = [TRAIN, TEST, PREDICT] * 3
    used = pa.table({"path": [""] * 9, "label": ["a"] * 9, "split": splits})

    _, drawn = kmeans.draw_sample(descriptors_table(used, described), SIFT, 1.0, 0)

    np.testing.assert_array_equal(drawn, np.concatenate(described[::3]))


def test_sample_has_the_share_and_depends_on_the_seed() -> None:
    used = pa.table({"path": [""] * 100, "label": ["a"] * 100, "split": [TRAIN] * 100})
    table = descriptors_table(used, clouds(100, 30))

    first, again, other = (kmeans.draw_sample(table, SIFT, 0.2, seed)[0].tolist() for seed in (1, 1, 2))

    assert first == again
    assert not set(first) & set(other)
    # Of 3,000 descriptors 600 are expected, and 22 is their standard deviation
    assert 500 < len(first) < 700
    assert max(first) < 0.2


def test_words_are_the_centres_that_scikit_learn_finds(spark: SparkContext, tmp_path: Path) -> None:
    described = clouds(40, 12)
    files = written(str(tmp_path), described, [TRAIN] * 40, parts=4)

    learned = kmeans.learn(spark, str(tmp_path), SIFT, LEARNING, files, available=480)

    reference = KMeans(3, n_init=5, random_state=0).fit(np.concatenate(described).astype(np.float64))
    assert learned.sampled == 480
    ordered = learned.words[learned.words[:, 0].argsort()]
    np.testing.assert_allclose(ordered, np.sort(reference.cluster_centers_, axis=0), atol=1e-9)
    np.testing.assert_allclose(learned.cost, reference.inertia_, rtol=1e-9)


def test_words_do_not_depend_on_the_cut_into_files(spark: SparkContext, tmp_path: Path) -> None:
    described = list(np.random.default_rng(2).integers(0, 256, (60, 10, 128)).astype(np.uint8))
    learning = replace(LEARNING, words=8, sample=300, iterations=2)

    few, many = (
        kmeans.learn(spark, str(tmp_path), SIFT, learning, written(str(tmp_path), described, [TRAIN] * 60, parts), 600)
        for parts in (2, 9)
    )

    assert 200 < few.sampled < 400
    assert few.sampled == many.sampled
    np.testing.assert_array_equal(few.words, many.words)
    assert few.cost == many.cost


def test_words_do_not_depend_on_the_number_of_threads() -> None:
    sample = np.random.default_rng(5).integers(0, 256, (3000, 128)).astype(np.uint8)
    before = cv2.getNumThreads()
    found = []
    try:
        for threads in (1, 2, 3):
            cv2.setNumThreads(threads)
            found.append(kmeans.cluster(sample, 40, 5, seed=2**32 - 1))
    finally:
        cv2.setNumThreads(before)

    assert len({(words.tobytes(), cost) for words, cost in found}) == 1


def test_each_word_is_the_exact_mean_of_its_descriptors() -> None:
    sample = np.random.default_rng(5).integers(0, 256, (3000, 128)).astype(np.uint8)

    words, cost = kmeans.cluster(sample, 7, 100, seed=0)

    nearest = ((sample[:, np.newaxis] - words) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(words, [sample[nearest == word].mean(axis=0) for word in range(7)])
    np.testing.assert_allclose(cost, ((sample - words[nearest]) ** 2).sum(), rtol=1e-12)


def test_more_words_than_different_descriptors_are_no_failure() -> None:
    sample = np.repeat(np.array([[0], [200]], np.uint8), 10, axis=0) * np.ones((1, 128), np.uint8)

    words, cost = kmeans.cluster(sample, 5, 20, seed=0)

    assert set(np.unique(words).tolist()) == {0.0, 200.0}
    assert cost == 0.0


def test_fewer_descriptors_than_words_are_refused(spark: SparkContext, tmp_path: Path) -> None:
    files = written(str(tmp_path), clouds(2, 6), [TRAIN, TEST], parts=1)

    with pytest.raises(TooFewPhotosError):
        kmeans.learn(spark, str(tmp_path), SIFT, replace(LEARNING, words=7), files, available=6)


def test_each_descriptors_file_gives_a_features_file(spark: SparkContext, tmp_path: Path) -> None:
    described = [*clouds(5, 7), np.empty((0, 128), np.uint8)]
    splits = [TRAIN, TEST, PREDICT, TRAIN, TRAIN, TEST]
    files = written(str(tmp_path), described, splits, parts=2)
    words = Vocabulary(SIFT, 50, np.array([[20.0] * 128, [120.0] * 128, [220.0] * 128]))
    done = spark.accumulator(0)

    features = kmeans.count_words(spark, str(tmp_path), words, files, done)

    table = pa.concat_tables([layout.read_parquet(str(tmp_path), file.path) for file in features])
    assert table.schema == layout.FEATURES_SCHEMA
    assert table["path"].to_pylist() == [f"/{index}.jpg" for index in range(6)]
    assert table["split"].to_pylist() == splits
    np.testing.assert_array_equal(matrix(table["features"]), [[3, 2, 2]] * 5 + [[0, 0, 0]])
    assert done.value == 6
