"""Test photos change no bit of the fitted files, for any number of them and any files of features."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from infra.commands.sample_photos import draw_photo
from job import arguments, pipeline
from job.images import listing
from job.pca import passes

pytestmark = pytest.mark.usefixtures("spark")


def fitted(argv: list[str], output: Path) -> tuple[int, dict[str, bytes]]:
    """Run; return how many features files there are, and the content of everything that was fitted."""
    manifest = pipeline.run(arguments.parse([*argv, "--output", str(output)]))
    names = ["pca/projection.npz", "pca/explained_variance.csv", "classifier/model.npz", "classifier/distance.npz"]
    return len(manifest["files"]["features"]), {name: (output / name).read_bytes() for name in names}


def test_test_photos_change_no_bit_of_fitted_files(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given runs whose features lie in several files, and are summed in several slices
    monkeypatch.setattr(listing, "LARGEST_PARTITION", 7)
    monkeypatch.setattr(passes, "ROWS_IN_A_SLICE", 9)
    few = tmp_path / "few"
    (few / "Kiwi").mkdir(parents=True)
    draw_photo("Kiwi", 10, np.random.default_rng(0)).save(few / "Kiwi" / "000.jpg", "JPEG")
    many = Path(shutil.copytree(few, tmp_path / "many"))
    for number in range(1, 12):
        draw_photo("Pear", number, np.random.default_rng(number)).save(many / "Kiwi" / f"{number:03d}.jpg", "JPEG")
    argv = ["--images", str(sample_photos), "--model", str(random_backbone), "--classifier", "logistic", "--no-csv"]

    # When one run tests one photo and the other twelve, of another label in truth, and on more slots
    files, one = fitted([*argv, "--test", str(few)], tmp_path / "one")
    monkeypatch.setattr(listing, "LARGEST_PARTITION", 5)
    more_files, twelve = fitted([*argv, "--test", str(many)], tmp_path / "twelve")

    assert 2 < files < more_files
    assert one == twelve
