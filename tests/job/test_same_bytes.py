"""The fitted files have the same bytes on any number of cores and under load."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

FITTED = (
    *("vocabulary/words.npz", "vocabulary/vocabulary.json", "pca/projection.npz"),
    *("classifier/model.npz", "classifier/distance.npz"),
)
CHECKED = ("quality/photos.parquet", "quality/photos.csv", "quality/quality.json")


def begin(photos: Path, output: Path, classifier: str, master: str) -> "subprocess.Popen[bytes]":
    argv = ["--images", str(photos), "--holdout", "0.2", "--no-csv", "--output", str(output), "--master", master]
    argv += ["--descriptor", "sift", "--visual-words", "12", "--word-iterations", "5", "--classifier", classifier]
    return subprocess.Popen([sys.executable, "-m", "job", *argv], stdout=subprocess.DEVNULL)


def fitted(outputs: Sequence[Path]) -> list[list[bytes]]:
    return [[(output / name).read_bytes() for name in (*FITTED, *CHECKED)] for output in outputs]


@pytest.mark.parametrize("classifier", ["mlp", pytest.param("logistic", marks=pytest.mark.slow)])
def test_cores_and_load_change_no_byte_of_fitted_files(sample_photos: Path, tmp_path: Path, classifier: str) -> None:
    # Three runs at the same time are each other's load
    masters = {"one": "local[1]", "two": "local[2]", "three": "local[3]"}
    runs = {name: begin(sample_photos, tmp_path / name, classifier, master) for name, master in masters.items()}
    codes = [run.wait() for run in runs.values()]

    assert codes == [0, 0, 0]
    one, two, three = fitted([tmp_path / name for name in masters])
    assert one == two == three
