"""Tests of whole runs with --group-pattern and --folds."""

import json
from pathlib import Path

import pytest

from tests.job.whole_runs import run

pytestmark = pytest.mark.usefixtures("spark")


def test_folds_by_group_are_in_metrics_and_report(sample_photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    argv = ["--images", str(sample_photos), "--model", str(random_backbone), "--classifier", "discriminant"]

    manifest = run(tmp_path, *argv, "--folds", "2", "--group-pattern", "/00([0-9])", "--classify-on", "features")

    photos = manifest["counts"]["train"]
    folds = json.loads((tmp_path / "classifier/metrics.json").read_text())["folds"]
    assert [entry["trained_on"] + entry["evaluated_on"] for entry in folds["each"]] == [photos] * 2
    assert folds["evaluated_on"] == photos
    assert folds["untested_labels"] == []
    assert manifest["classifier"]["folds"]["accuracy"] == folds["accuracy"]
    assert manifest["groups"] == {"train": 4, "test": 0}
    assert '<section id="folds">' in (tmp_path / "report.html").read_text()
