"""Tests of whole runs with visual words: learned, applied by ``python -m job predict``, and reused."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from job.__main__ import main
from job.errors import ResultsUnusableError, TooFewPhotosError, UsageError
from job.features.words.descriptors import LARGEST_SIDE, ORB_BORDER
from job.features.words.extractor import NO_KEYPOINTS
from job.images import decode_at_own_size
from tests.job.bad_photos import BAD, ODD, write_bad_and_odd_photos
from tests.job.whole_runs import Manifest, copy_in_splits, failure, read_all, run

pytestmark = pytest.mark.usefixtures("spark")

OpenCV: Any = cv2
"""Without its types, which lack half of it."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Path:
    """Return folders of photos: training 10 x 3, test 10 x 1 and what is bad or odd beside them."""
    folder = tmp_path_factory.mktemp("photos")
    copy_in_splits(sample_photos, folder)
    write_bad_and_odd_photos(folder / "test" / "Kiwi", (folder / "test" / "Kiwi" / "003.jpg").read_bytes())
    return folder


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> tuple[Path, Manifest]:
    """Return the results of a run that learned 5 words of ORB, and its manifest. Read only."""
    output = tmp_path_factory.mktemp("learned") / "results"
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--descriptor", "orb"]
    argv += ["--visual-words", "5", "--word-iterations", "2", "--classifier", "mlp"]
    return output, run(output, *argv)


def test_manifest_describes_words_and_learning(learned: tuple[Path, Manifest]) -> None:
    output, manifest = learned

    assert manifest["backbone"] is None
    assert {name: manifest["vocabulary"][name] for name in ("descriptor", "keypoints", "words", "dimensions")} == {
        "descriptor": "orb",
        "keypoints": 50,
        "words": 5,
        "dimensions": 256,
    }
    learning = manifest["vocabulary"]["learning"]
    assert (learning["iterations"], learning["seed"]) == (2, 0)
    assert learning["sampled"] == learning["descriptors"] > 5
    assert json.loads((output / "vocabulary" / "vocabulary.json").read_text())["learning"] == learning
    stages = ["list", "start", "descriptors", "vocabulary", "histograms", "fit", "projection", "train", "predict"]
    assert list(manifest["seconds"]) == [*stages, "quality", "read", "decode", "describe", "write", "report"]


def test_descriptors_are_deleted_and_all_files_are_listed(learned: tuple[Path, Manifest]) -> None:
    output, manifest = learned

    listed = {entry["path"] for entries in manifest["files"].values() for entry in entries}
    there = {str(file.relative_to(output)) for file in output.rglob("*") if file.is_file()}
    assert there == listed | {"manifest.json", "progress.json"}
    assert {"vocabulary/words.npz", "vocabulary/vocabulary.json"} < listed
    assert not (output / "descriptors").exists()


def test_features_are_the_counts_that_opencv_and_numpy_come_to(learned: tuple[Path, Manifest]) -> None:
    output, manifest = learned
    with np.load(output / "vocabulary" / "words.npz", allow_pickle=False) as saved:
        words = saved["words"]
    orb = OpenCV.ORB_create(nfeatures=50, edgeThreshold=ORB_BORDER)

    features = read_all(output, "features", manifest)

    assert len(features) == manifest["counts"]["used"] > 20
    for path, found in zip(features["path"], features["features"], strict=True):
        pixels = np.asarray(decode_at_own_size(Path(path).read_bytes(), LARGEST_SIDE))
        _, descriptors = orb.detectAndCompute(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), None)
        bits = np.unpackbits(descriptors, axis=1).astype(np.float64)
        nearest = ((bits[:, np.newaxis] - words) ** 2).sum(axis=2).argmin(axis=1)
        np.testing.assert_array_equal(found, np.bincount(nearest, minlength=5))


def test_seven_tenths_of_the_words_are_kept_as_components(learned: tuple[Path, Manifest]) -> None:
    _, manifest = learned

    assert (manifest["components"]["kept"], manifest["components"]["dimensions"]) == (4, 5)


def test_perceptron_of_words_has_two_hidden_layers(learned: tuple[Path, Manifest]) -> None:
    metrics = json.loads((learned[0] / "classifier" / "metrics.json").read_text())

    assert (metrics["parameters"]["hidden"], metrics["parameters"]["iterations"]) == ([4, 4], 200)


def test_photos_without_keypoints_are_rejected_with_reasons(
    learned: tuple[Path, Manifest],
) -> None:
    output, manifest = learned
    rejected = read_all(output, "rejected", manifest)

    reasons = {Path(path).name: reason for path, reason in zip(rejected["path"], rejected["reason"], strict=True)}

    assert reasons.pop("truncated.jpg").startswith("damaged: ")
    assert {name: reasons[name] for name in BAD} == BAD
    assert {name: reasons[name] for name in ODD} == dict.fromkeys(ODD, NO_KEYPOINTS)
    counts = manifest["counts"]
    assert counts["found"] == 49
    assert counts["used"] + counts["rejected"] == counts["found"]


def test_predict_applies_the_words_to_other_photos(
    learned: tuple[Path, Manifest], photos: Path, tmp_path: Path
) -> None:
    fitted, earlier = learned

    assert main(["predict", "--results", str(fitted), "--images", str(photos / "test"), "--output", str(tmp_path)]) == 0

    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["vocabulary"]["reused_from"] == str(fitted)
    for data_set, column in (("components", "components"), ("classifier", "probabilities")):
        before, after = read_all(fitted, data_set, earlier), read_all(tmp_path, data_set, manifest)
        before = before[before["split"] == "test"]
        assert before["path"].tolist() == after["path"].tolist()
        expected, found = (np.stack(rows[column].tolist()) for rows in (before, after))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_words_are_reused_and_empty_photos_kept(
    learned: tuple[Path, Manifest], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fitted, _ = learned
    argv = ["--images", str(photos / "test"), "--descriptor", "orb", "--vocabulary", str(fitted)]

    manifest = run(tmp_path / "again", *argv, "--no-keypoints", "zero")

    before, after = (folder / "vocabulary" / "words.npz" for folder in (fitted, tmp_path / "again"))
    assert after.read_bytes() == before.read_bytes()
    assert manifest["vocabulary"]["reused_from"] == str(fitted)
    features = read_all(tmp_path / "again", "features", manifest)
    empty = [row for path, row in zip(features["path"], features["features"], strict=True) if Path(path).name in ODD]
    np.testing.assert_array_equal(np.stack(empty), np.zeros((5, 5)))
    assert manifest["vocabulary"]["without_keypoints"] == sum(not row.any() for row in features["features"])
    assert manifest["counts"]["rejected"] == 4
    assert "no keypoints" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "kind", "values"),
    [
        (["--descriptor", "sift", "--vocabulary", "RESULTS"], ResultsUnusableError, "RESULTS orb sift"),
        (
            ["--descriptor", "orb", "--visual-words", "5", "--components", "6"],
            TooFewPhotosError,
            "--components 30 5",
        ),
    ],
)
def test_impossible_words_are_refused_before_spark_starts(
    argv: list[str],
    kind: type[UsageError],
    values: str,
    learned: tuple[Path, Manifest],
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    argv = [word.replace("RESULTS", str(learned[0])) for word in argv]

    error = failure(["--images", str(photos / "training"), *argv, "--output", str(tmp_path / "results")], capsys)

    assert type(error) is kind
    assert all(value in error.message for value in values.replace("RESULTS", str(learned[0])).split())
    assert not (tmp_path / "results").exists()


def test_predict_with_a_network_for_visual_words_is_refused(
    learned: tuple[Path, Manifest], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["predict", "--results", str(learned[0]), "--images", str(photos / "test"), "--model", "any.tflite"]

    error = failure([*argv, "--output", str(tmp_path / "p")], capsys)

    assert type(error) is UsageError
    assert str(learned[0]) in error.message
