"""Tests of whole runs over photos with planted copies."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.job.whole_runs import Manifest, copy_in_splits, run

pytestmark = pytest.mark.usefixtures("spark", "several_files")

ORIGINAL, SAME_FILE, SAVED_AGAIN = ("training/Kiwi/000.jpg", "test/Kiwi/copy.jpg", "training/Pear/copy.jpg")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Path:
    """Return photos in splits; one of training is in test too, and again in training, smaller and as another label."""
    folder = tmp_path_factory.mktemp("photos")
    copy_in_splits(sample_photos, folder)
    shutil.copy(folder / ORIGINAL, folder / SAME_FILE)
    with Image.open(folder / ORIGINAL) as photo:
        photo.resize((80, 80)).save(folder / SAVED_AGAIN, quality=80)
    return folder


def copies(output: Path, photos: Path) -> set[tuple[str, str, str]]:
    """Return kind, path and related path of the listed copies of the planted photo, inside the folder."""
    listed = pd.read_csv(output / "quality" / "photos.csv")
    rows = listed[listed["kind"].isin(["duplicate", "near_duplicate"])][["kind", "path", "related_path"]]
    found = {tuple(str(cell).removeprefix(f"{photos}/") for cell in row) for row in rows.itertuples(index=False)}
    return {(kind, path, related) for kind, path, related in found if path in (SAME_FILE, SAVED_AGAIN)}


def check(output: Path, manifest: Manifest, photos: Path) -> None:
    assert copies(output, photos) == {
        ("duplicate", SAME_FILE, ORIGINAL),
        ("near_duplicate", SAVED_AGAIN, ORIGINAL),
    }
    assert pd.read_csv(output / "quality" / "photos.csv").equals(pd.read_parquet(output / "quality" / "photos.parquet"))
    described = manifest["quality"]
    assert described["photos"]["duplicate"] == 1
    assert described["photos"]["copies_with_two_labels"] >= 1
    assert described["leakage"]["test"] == described["leakage"]["examined"] == 11
    assert described["leakage"]["near_duplicates"] >= 1
    assert described["duplicates"]["unknown"] == 0
    shown = json.loads((output / "quality" / "quality.json").read_text())
    assert {name: shown[name] for name in described} == described


def test_copies_are_found_with_a_network_and_after_a_resume(
    photos: Path, random_backbone: Path, tmp_path: Path
) -> None:
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--model", str(random_backbone)]

    first = run(tmp_path / "results", *argv, "--classifier", "discriminant")
    check(tmp_path / "results", first, photos)
    assert first["quality"]["leakage"]["accuracy"] == first["classifier"]["accuracy"]
    resumed = run(tmp_path / "results", *argv, "--classifier", "discriminant", "--resume")

    assert resumed["resumed"]["computed"] == 0
    check(tmp_path / "results", resumed, photos)


def test_copies_are_found_with_words_and_no_classifier(photos: Path, tmp_path: Path) -> None:
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--descriptor", "sift"]

    manifest = run(tmp_path / "results", *argv, "--visual-words", "5", "--no-keypoints", "zero")

    check(tmp_path / "results", manifest, photos)
    assert manifest["quality"]["leakage"]["accuracy"] is None


def test_single_label_without_test_photos_is_checked_for_copies(
    sample_photos: Path, random_backbone: Path, tmp_path: Path
) -> None:
    shutil.copytree(sample_photos / "Kiwi", tmp_path / "photos" / "Kiwi")
    shutil.copy(tmp_path / "photos" / "Kiwi" / "001.jpg", tmp_path / "photos" / "Kiwi" / "other.jpg")

    manifest = run(tmp_path / "results", "--images", str(tmp_path / "photos"), "--model", str(random_backbone))

    assert (manifest["quality"]["leakage"], manifest["quality"]["judged"]) == (None, 0)
    assert manifest["quality"]["photos"]["duplicate"] == 1
