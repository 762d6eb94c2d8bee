"""Tests of job/features/words/vocabulary.py."""

import json
from pathlib import Path

import numpy as np
import pytest

from job.errors import ResultsUnusableError
from job.features.words import KINDS, Vocabulary, vocabulary
from job.features.words.vocabulary import default_components
from job.results import layout

ORB, SIFT = KINDS["orb"], KINDS["sift"]


def random_vocabulary(kind: str, words: int) -> Vocabulary:
    random = np.random.default_rng(3)
    numbers = random.random((words, KINDS[kind].dimensions)) * (1 if kind == "orb" else 255)
    return Vocabulary(KINDS[kind], 50, numbers)


@pytest.mark.parametrize("kind", ["orb", "sift"])
def test_histograms_equal_a_simple_reference(kind: str) -> None:
    random = np.random.default_rng(4)
    words = random_vocabulary(kind, 7)
    counts = np.array([3, 0, 50, 1, 0])
    descriptors = random.integers(0, 256, (54, KINDS[kind].width)).astype(np.uint8)
    expected = np.zeros((5, 7), np.float32)
    rows = iter(descriptors)
    for photo, count in enumerate(counts):
        for _ in range(count):
            row = next(rows)
            numbers = np.array([int(bit) for byte in row for bit in f"{byte:08b}"]) if kind == "orb" else row
            distances = [np.linalg.norm(numbers - word) for word in words.words]
            expected[photo, distances.index(min(distances))] += 1

    histograms = words.histograms(descriptors, counts)

    assert histograms.dtype == np.float32
    np.testing.assert_array_equal(histograms, expected)
    np.testing.assert_array_equal(histograms.sum(axis=1), counts)


def test_photos_without_any_descriptor_are_rows_of_zeros() -> None:
    histograms = random_vocabulary("orb", 4).histograms(np.empty((0, 32), np.uint8), np.array([0, 0]))

    np.testing.assert_array_equal(histograms, np.zeros((2, 4), np.float32))


def test_a_descriptor_between_two_words_counts_for_the_first() -> None:
    words = Vocabulary(SIFT, 50, np.stack([np.full(128, 2.0), np.zeros(128), np.full(128, 2.0)]))

    histograms = words.histograms(np.ones((1, 128), np.uint8), np.array([1]))

    np.testing.assert_array_equal(histograms, [[1, 0, 0]])


@pytest.mark.parametrize(
    ("words", "most", "kept"), [(30, 100, 21), (10, 100, 7), (1, 100, 1), (2, 100, 2), (31, 100, 22), (30, 12, 12)]
)
def test_default_components_are_seven_tenths_of_words(words: int, most: int, kept: int) -> None:
    assert default_components(words, most) == kept


def written(folder: Path, words: Vocabulary) -> str:
    files = [layout.write_file(str(folder), *file) for file in vocabulary.to_files(words, {"sampled": 12})]
    listed = [{"path": file.path, "rows": file.rows, "bytes": file.bytes} for file in files]
    layout.write_manifest(str(folder), {"schema_version": 2, "files": {"vocabulary": listed}})
    return str(folder)


@pytest.mark.parametrize("kind", ["orb", "sift"])
def test_what_was_saved_is_loaded_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    words = random_vocabulary(kind, 5)

    loaded, description = vocabulary.load(written(tmp_path, words))

    assert (loaded.kind, loaded.keypoints) == (words.kind, 50)
    np.testing.assert_array_equal(loaded.words, words.words)
    assert description == {
        "schema_version": 2,
        "descriptor": kind,
        "keypoints": 50,
        "words": 5,
        "dimensions": KINDS[kind].dimensions,
        "sampled": 12,
    }
    assert json.loads((tmp_path / "vocabulary" / "vocabulary.json").read_text()) == description


def test_the_words_can_be_read_with_numpy_alone(tmp_path: Path) -> None:
    words = random_vocabulary("orb", 5)
    written(tmp_path, words)

    with np.load(tmp_path / "vocabulary" / "words.npz", allow_pickle=False) as saved:
        np.testing.assert_array_equal(saved["words"], words.words)


def test_results_of_a_network_have_no_vocabulary(tmp_path: Path) -> None:
    layout.write_manifest(str(tmp_path), {"schema_version": 2, "files": {"pca": []}})

    with pytest.raises(ResultsUnusableError):
        vocabulary.load(str(tmp_path))


def test_refuses_words_of_schema_version_1(tmp_path: Path) -> None:
    folder = written(tmp_path, random_vocabulary("orb", 5))
    file = tmp_path / "vocabulary" / "vocabulary.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "schema_version": 1}))

    with pytest.raises(ResultsUnusableError) as raised:
        vocabulary.load(folder)

    assert "--overwrite" in raised.value.hint


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", None])
def test_damaged_words_are_refused(content: bytes | None, tmp_path: Path) -> None:
    folder = written(tmp_path, random_vocabulary("orb", 5))
    if content is None:
        (tmp_path / "vocabulary" / "words.npz").unlink()
    else:
        (tmp_path / "vocabulary" / "words.npz").write_bytes(content)

    with pytest.raises(ResultsUnusableError):
        vocabulary.load(folder)


def test_words_of_wrong_length_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, Vocabulary(ORB, 50, np.zeros((5, 32))))

    with pytest.raises(ResultsUnusableError):
        vocabulary.load(folder)
