"""Tests of the job with a classifier, and of ``python -m job predict``: whole runs on drawn photos."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from job.classifiers import LinearModel, stage, trees
from job.classifiers.evaluate import interval
from job.errors import (
    BackboneError,
    OutputRefusedError,
    PrecisionNotReachedError,
    ResultsUnusableError,
    TooFewPhotosError,
)
from tests.job.whole_runs import Manifest, copy_in_splits, failure, read_all, run

pytestmark = pytest.mark.usefixtures("spark")

FITTED = (
    *("pca/projection.npz", "pca/explained_variance.csv"),
    *("classifier/model.json", "classifier/model.npz", "classifier/distance.npz"),
)
"""Every fitted file."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Path:
    """Return folders of photos: training 10 x 3, test 10 x 1, and 3 without a label."""
    folder = tmp_path_factory.mktemp("photos")
    copy_in_splits(sample_photos, folder)
    (folder / "unlabelled").mkdir()
    for label in ("Kiwi", "Pear", "Banana"):
        shutil.copy(sample_photos / label / "003.jpg", folder / "unlabelled" / f"{label}.jpg")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, photos: Path, random_backbone: Path) -> tuple[Path, Manifest]:
    """Return the results of a run with a classifier over all three splits, and its manifest. Read only."""
    output = tmp_path_factory.mktemp("finished") / "results"
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--classifier", "logistic"]
    return output, run(output, *argv, "--predict", str(photos / "unlabelled"), "--model", str(random_backbone))


def test_manifest_lists_every_classifier_file(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished

    listed = {entry["path"] for entry in manifest["files"]["classifier"]}
    there = {str(file.relative_to(output)) for file in (output / "classifier").rglob("*.*")}
    assert listed == there
    fixed = {"metrics.json", "confusion_matrix.csv", "model.json", "model.npz", "distance.npz"}
    assert {f"classifier/{name}" for name in fixed} < listed
    assert {"train", "predict"} < set(manifest["seconds"])


def test_metrics_follow_from_predictions_of_other_photos(
    finished: tuple[Path, Manifest],
) -> None:
    output, manifest = finished
    predictions = read_all(output, "classifier", manifest)
    metrics = json.loads((output / "classifier" / "metrics.json").read_text())

    assert predictions["split"].value_counts().to_dict() == {"test": 10, "predict": 3}
    probabilities = np.stack(predictions["probabilities"].tolist())
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert predictions["predicted"].tolist() == [metrics["labels"][best] for best in probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(predictions["probability"], probabilities.max(axis=1))
    test = predictions[predictions["split"] == "test"]
    assert metrics["accuracy"] == (test["label"] == test["predicted"]).mean()
    assert (metrics["trained_on"], metrics["evaluated_on"]) == (30, 10)
    assert metrics["accuracy_interval"] == list(interval(round(metrics["accuracy"] * 10), 10))
    assert (metrics["majority_accuracy"], metrics["training_accuracy"]) == (0.1, 1.0)
    assert [entry["trained_on"] for entry in metrics["per_label"]] == [3] * 10
    assert manifest["classifier"] == {
        "kind": "logistic",
        "classify_on": "components",
        "accuracy": metrics["accuracy"],
        "macro_f1": metrics["macro_f1"],
        "trained_on": 30,
        "evaluated_on": 10,
        "labels": 10,
        "ece": metrics["calibration"]["ece"],
        "unknown": metrics["unknown"],
        "folds": None,
    }
    with (output / "classifier" / "confusion_matrix.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["label", *metrics["labels"]]
    assert [row[0] for row in rows[1:]] == metrics["labels"]
    assert sum(int(rows[1 + number][1 + number]) for number in range(10)) == round(metrics["accuracy"] * 10)


def test_saved_classifier_gives_the_written_predictions(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished
    components, predictions = (read_all(output, name, manifest) for name in ("components", "classifier"))
    others = components[components["split"] != "train"]

    probabilities = stage.read(str(output)).probabilities(np.stack(others["components"].tolist()))

    written = np.stack(predictions["probabilities"].tolist())
    np.testing.assert_array_equal(probabilities.astype(np.float32), written)


def test_saved_distance_gives_the_written_distances(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished
    components, predictions = (read_all(output, name, manifest) for name in ("components", "classifier"))
    others = components[components["split"] != "train"]
    distance = stage.read(str(output)).distance

    assert distance is not None
    distances = distance.of(np.stack(others["components"].tolist())).astype(np.float32)

    np.testing.assert_array_equal(distances, predictions["distance"])
    unknown = json.loads((output / "classifier" / "metrics.json").read_text())["unknown"]
    assert (unknown["distance_limit"], unknown["reject_below"]) == (distance.limit, None)
    assert (unknown["photos"], unknown["accuracy"]) == (0, manifest["classifier"]["accuracy"])


@pytest.mark.parametrize("classify_on", ["components", "features"])
def test_rejected_photos_are_unknown_in_run_and_prediction(
    photos: Path, random_backbone: Path, tmp_path: Path, classify_on: str
) -> None:
    model = ["--model", str(random_backbone), "--reject-below", "0.11"]
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), *model]
    output, applied = tmp_path / "results", tmp_path / "applied"

    manifest = run(output, *argv, "--classifier", "discriminant", "--classify-on", classify_on)
    again = run(applied, "predict", "--results", str(output), "--images", str(photos / "test"), *model)

    predictions, repeated = read_all(output, "classifier", manifest), read_all(applied, "classifier", again)
    metrics = json.loads((output / "classifier" / "metrics.json").read_text())
    limit = metrics["unknown"]["distance_limit"]
    rejected = (predictions["probability"] < np.float32(0.11)) | (predictions["distance"] > np.float32(limit))
    assert 0 < rejected.sum() < 10
    assert ((predictions["predicted"] == "unknown") == rejected).all()
    best = [metrics["labels"][row.argmax()] for row in predictions["probabilities"]]
    assert metrics["accuracy"] == (predictions["label"] == best).mean()
    kept = predictions[~rejected]
    assert metrics["unknown"]["photos"] == rejected.sum()
    assert metrics["unknown"]["accuracy"] == (kept["label"] == kept["predicted"]).mean()
    assert repeated["predicted"].tolist() == predictions["predicted"].tolist()
    assert again["predicted"]["unknown"] == rejected.sum()


@pytest.mark.parametrize("more", [[], ["--folds", "3"]], ids=["holdout", "folds"])
def test_wanted_precision_chooses_and_records_a_threshold(
    photos: Path, random_backbone: Path, tmp_path: Path, more: list[str]
) -> None:
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--model", str(random_backbone)]

    manifest = run(tmp_path, *argv, "--classifier", "logistic", "--wanted-precision", "50%", *more)

    unknown = manifest["classifier"]["unknown"]
    below, chosen = unknown["reject_below"], unknown["chosen"]
    assert 0 < below <= 1
    assert (chosen["wanted_precision"], chosen["photos"]) == (0.5, 30 if more else 7)
    assert chosen["precision"] >= 0.5
    predictions = read_all(tmp_path, "classifier", manifest)
    far = predictions["distance"] > np.float32(unknown["distance_limit"])
    rejected = (predictions["probability"] < np.float32(below)) | far
    assert ((predictions["predicted"] == "unknown") == rejected).all()


def test_precision_that_few_photos_cannot_show_is_refused(
    photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--images", str(photos / "training"), "--model", str(random_backbone), "--classifier", "discriminant"]

    error = failure([*argv, "--wanted-precision", "99%", "--output", str(tmp_path)], capsys)

    assert type(error) is PrecisionNotReachedError


def test_results_without_distances_cannot_reject(
    finished: tuple[Path, Manifest], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(finished[0], tmp_path / "earlier")
    (tmp_path / "earlier" / "classifier" / "distance.npz").unlink()
    argv = ["predict", "--results", str(tmp_path / "earlier"), "--images", str(photos / "unlabelled")]

    error = failure([*argv, "--reject-below", "0.5", "--output", str(tmp_path / "out")], capsys)

    assert type(error) is ResultsUnusableError
    assert error.message.startswith("--reject-below ")
    assert not (tmp_path / "out").exists()


def test_planted_test_photos_change_no_fitted_file(
    finished: tuple[Path, Manifest],
    photos: Path,
    random_backbone: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given a training photo of a kiwi among the test's bananas, and one of a label that training never saw
    shutil.copytree(photos / "test", tmp_path / "test")
    shutil.copy(photos / "training" / "Kiwi" / "000.jpg", tmp_path / "test" / "Banana" / "planted.jpg")
    (tmp_path / "test" / "Zebra").mkdir()
    shutil.copy(photos / "training" / "Kiwi" / "001.jpg", tmp_path / "test" / "Zebra")
    output = tmp_path / "results"

    argv = ["--images", str(photos / "training"), "--test", str(tmp_path / "test"), "--classifier", "logistic"]
    run(output, *argv, "--model", str(random_backbone))

    for name in FITTED:
        assert (output / name).read_bytes() == (finished[0] / name).read_bytes(), name
    metrics = json.loads((output / "classifier" / "metrics.json").read_text())
    assert metrics["evaluated_on"] == 12
    assert metrics["unseen_labels"] == [{"label": "Zebra", "photos": 1}]
    assert "The label 'Zebra' " in capsys.readouterr().err


def test_predict_repeats_the_results_of_the_earlier_run(
    finished: tuple[Path, Manifest], photos: Path, random_backbone: Path, tmp_path: Path
) -> None:
    fitted, earlier = finished
    argv = ["--results", str(fitted), "--images", str(photos / "unlabelled"), "--model", str(random_backbone)]

    manifest = run(tmp_path / "out", "predict", *argv)

    assert manifest["fitted"] == {"results": str(fitted), "run_id": earlier["run_id"]}
    assert manifest["backbone"]["precision"] == "float32"
    assert manifest["counts"]["predict"] == 3
    for name, values in (("features", "features"), ("components", "components"), ("classifier", "probabilities")):
        before = read_all(fitted, name, earlier)
        before = before[before["split"] == "predict"].reset_index(drop=True)
        after = read_all(tmp_path / "out", name, manifest)
        assert after["path"].tolist() == before["path"].tolist()
        # The classifier's matrix products of few rows and of many may differ in the last bit of a float64.
        tolerance = 1e-6 if values == "probabilities" else 0
        np.testing.assert_allclose(np.stack(after[values].tolist()), np.stack(before[values].tolist()), rtol=tolerance)
    listed = {entry["path"] for entries in manifest["files"].values() for entry in entries}
    there = {str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*.*")}
    assert there == listed | {"manifest.json", "progress.json"}


def test_predict_refuses_another_backbone(
    finished: tuple[Path, Manifest],
    photos: Path,
    random_backbone: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(random_backbone.read_bytes() + b" ")
    argv = ["predict", "--results", str(finished[0]), "--images", str(photos / "unlabelled"), "--model", str(other)]

    error = failure([*argv, "--output", str(tmp_path / "out")], capsys)

    assert type(error) is BackboneError
    assert all(value in error.message for value in (str(other), finished[1]["backbone"]["sha256"]))
    assert not (tmp_path / "out").exists()


def test_predict_never_overwrites_the_results_it_applies(
    finished: tuple[Path, Manifest], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(finished[0])
    argv = ["predict", "--results", output, "--images", str(photos / "unlabelled"), "--output", output, "--overwrite"]

    error = failure(argv, capsys)

    assert type(error) is OutputRefusedError
    assert output in error.message


def test_predict_refuses_a_folder_without_results(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["predict", "--results", str(tmp_path), "--images", str(photos / "unlabelled")]

    error = failure([*argv, "--output", str(tmp_path / "out")], capsys)

    assert type(error) is ResultsUnusableError
    assert str(tmp_path) in error.message
    assert not (tmp_path / "out").exists()


def test_predict_refuses_results_of_schema_version_1(
    finished: tuple[Path, Manifest], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({**finished[1], "schema_version": 1}))
    argv = ["predict", "--results", str(tmp_path), "--images", str(photos / "unlabelled")]

    error = failure([*argv, "--output", str(tmp_path / "out")], capsys)

    assert type(error) is ResultsUnusableError
    assert "--overwrite" in error.hint


def test_one_label_is_refused_before_spark_starts(
    photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--images", str(photos / "training" / "Kiwi"), "--model", str(random_backbone), "--classifier", "tree"]

    error = failure([*argv, "--output", str(tmp_path / "out")], capsys)

    assert type(error) is TooFewPhotosError
    assert "listed: 'Kiwi'" in error.message
    assert not (tmp_path / "out").exists()


def test_labels_without_usable_photos_do_not_count() -> None:
    with pytest.raises(TooFewPhotosError, match="used: 'Kiwi'"):
        stage.require_labels({"Kiwi": 3}, "used")


def test_held_out_photos_are_tested_and_never_fitted(
    photos: Path, random_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(trees.PARAMETERS, "tree", {"maxDepth": 3})
    argv = ["--images", str(photos / "training"), "--model", str(random_backbone), "--components", "4"]

    manifest = run(tmp_path / "out", *argv, "--classifier", "tree", "--holdout", "0.34")

    assert manifest["labels"]["train"] == dict.fromkeys(manifest["labels"]["train"], 2)
    assert manifest["labels"]["test"] == dict.fromkeys(manifest["labels"]["train"], 1)
    features = read_all(tmp_path / "out", "features", manifest)
    fitted = np.stack(features[features["split"] == "train"]["features"].tolist()).astype(np.float64)
    with np.load(tmp_path / "out" / "pca" / "projection.npz") as saved:
        np.testing.assert_allclose(saved["mean"], fitted.mean(axis=0), rtol=1e-9)


def test_discriminant_on_features_is_trained_and_applied(photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--model", str(random_backbone)]
    output = tmp_path / "results"

    manifest = run(output, *argv, "--classifier", "discriminant", "--classify-on", "features")

    features, predictions = (read_all(output, name, manifest) for name in ("features", "classifier"))
    trained, classifier = features[features["split"] == "train"], stage.read(str(output))
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=classifier.parameters["shrinkage"])
    reference.fit(np.stack(trained["features"].tolist()).astype(np.float64), trained["label"])
    assert isinstance(classifier.model, LinearModel)
    # Untrained weights have features that hardly vary: coefficients of up to 1e13, next to which others are rounding.
    largest = np.abs(reference.coef_).max()
    np.testing.assert_allclose(classifier.model.coefficients / largest, reference.coef_ / largest, rtol=0, atol=1e-9)
    tested = np.stack(features[features["split"] == "test"]["features"].tolist())
    written = np.stack(predictions["probabilities"].tolist())
    np.testing.assert_array_equal(classifier.probabilities(tested).astype(np.float32), written)
    metrics = json.loads((output / "classifier" / "metrics.json").read_text())
    assert (metrics["classify_on"], metrics["features"]) == ("features", 1280)
    assert manifest["classifier"]["classify_on"] == "features"

    argv = ["predict", "--results", str(output), "--images", str(photos / "test"), "--model", str(random_backbone)]
    applied = run(tmp_path / "applied", *argv)

    again = read_all(tmp_path / "applied", "classifier", applied)
    np.testing.assert_array_equal(np.stack(again["probabilities"].tolist()), written)
