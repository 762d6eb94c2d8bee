"""Tests of whole runs with --group-pattern and --folds."""

import json
from pathlib import Path

import pytest

from job.classifiers import choice
from job.errors import TooFewPhotosError
from tests.job.whole_runs import failure, run

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


def test_auto_takes_the_best_of_what_it_compared(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--images", str(sample_photos), "--model", str(random_backbone), "--components", "5"]

    manifest = run(tmp_path, *argv, "--classifier", "auto", "--group-pattern", "/00([0-9])")

    metrics = json.loads((tmp_path / "classifier/metrics.json").read_text())
    compared = metrics["compared"]
    assert {entry["classifier"] for entry in compared} == {"discriminant", "logistic", "mlp", "forest"}
    assert [entry["trained_on"] + entry["evaluated_on"] for entry in compared] == [manifest["counts"]["train"]] * 4
    accuracies = [entry["accuracy"] for entry in compared]
    assert accuracies == sorted(accuracies, reverse=True)
    assert metrics["classifier"] == manifest["classifier"]["kind"] == compared[0]["classifier"]
    assert manifest["classifier"]["trained_on"] == manifest["counts"]["train"]
    assert compared[0]["classifier"] in capsys.readouterr().err
    assert '<section id="compared">' in (tmp_path / "report.html").read_text()


def test_auto_chooses_the_threshold_on_what_it_compared(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "COMPARED", ("discriminant", "logistic"))
    argv = ["--images", str(sample_photos), "--model", str(random_backbone), "--components", "5"]

    manifest = run(tmp_path, *argv, "--classifier", "auto", "--wanted-precision", "1%")

    compared = json.loads((tmp_path / "classifier/metrics.json").read_text())["compared"]
    assert manifest["classifier"]["unknown"]["chosen"]["photos"] == compared[0]["evaluated_on"]
    assert "compare" in manifest["seconds"]
    assert "threshold" not in manifest["seconds"]


def test_auto_needs_two_photos_of_a_label(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--images", str(sample_photos), "--per-label", "1", "--model", str(random_backbone)]

    error = failure([*argv, "--classifier", "auto", "--output", str(tmp_path / "results")], capsys)

    assert isinstance(error, TooFewPhotosError)
    assert "--classifier discriminant" in error.hint
    assert not (tmp_path / "results").exists()
