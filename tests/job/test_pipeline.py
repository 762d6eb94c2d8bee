"""Tests of the whole job: job/pipeline.py and job/__main__.py, on drawn photos and a network with random weights."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
import pytest
from pyspark import TaskContext

from infra.commands.sample_photos import draw_photo
from job import arguments, pipeline
from job.__main__ import main
from job.errors import (
    BackboneError,
    NotWrittenError,
    OutputRefusedError,
    PhotosNotFoundError,
    TooFewPhotosError,
    UsageError,
)
from job.features.network import Backbone
from job.images import EXACT, decode_views
from job.spark import tasks
from job.spark.tasks import PhotosReport, extract_part
from tests.conftest import REAL_PHOTOS, REAL_WEIGHTS, needs_real_photos
from tests.job.bad_photos import BAD, write_bad_and_odd_photos
from tests.job.whole_runs import Manifest, copy_in_splits, failure, read_all, run

joins_a_running_spark = pytest.mark.usefixtures("spark")
"""For what does not depend on how Spark is started; ``finished`` is a run that starts and stops its own."""


def values(column: "pd.Series[Any]") -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.stack(column.tolist())


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, sample_photos: Path) -> Path:
    """Return folders of photos: training 10 x 3, test 10 x 1, and 3 without a label."""
    folder = tmp_path_factory.mktemp("photos")
    copy_in_splits(sample_photos, folder)
    (folder / "unlabelled").mkdir()
    for number, kind in enumerate(["Kiwi", "Pear", "Banana"]):
        draw_photo(kind, 10, np.random.default_rng(number)).save(folder / "unlabelled" / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, photos: Path, random_backbone: Path) -> tuple[Path, Manifest]:
    """Return the results of a run over all three splits, and its manifest. Read only."""
    output = tmp_path_factory.mktemp("finished") / "results"
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test")]
    argv += ["--predict", str(photos / "unlabelled"), "--model", str(random_backbone), "--output", str(output)]
    pipeline.run(arguments.parse([*argv, "--master", "local[2]"]))
    return output, json.loads((output / "manifest.json").read_text())


def test_counts_add_up_to_the_photos_found(finished: tuple[Path, Manifest]) -> None:
    _, manifest = finished

    assert manifest["counts"] == {
        "found": 43,
        "used": 43,
        "rejected": 0,
        "train": 30,
        "test": 10,
        "predict": 3,
    }
    assert manifest["labels"]["train"]["Kiwi"] == 3
    assert sum(manifest["labels"]["test"].values()) == 10


def test_every_file_of_the_layout_is_there_and_listed(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished

    listed = [entry["path"] for entries in manifest["files"].values() for entry in entries]
    assert files_in(output) == sorted([*listed, "manifest.json", "progress.json"])
    assert {"pca/explained_variance.csv", "pca/projection.npz", "pca/components.csv"} < set(listed)
    for name, entries in manifest["files"].items():
        for entry in entries:
            assert (output / entry["path"]).stat().st_size == entry["bytes"]
            assert name in ("pca", "quality", "report", "tables") or manifest["run_id"] in entry["path"]


def test_every_photo_has_its_features_label_and_split(finished: tuple[Path, Manifest], photos: Path) -> None:
    output, manifest = finished

    features = read_all(output, "features", manifest)

    assert features["path"].tolist() == sorted(str(photo) for photo in photos.rglob("*.*g"))
    assert values(features["features"]).shape == (43, 1280)
    kiwi = features[features["path"] == str(photos / "test" / "Kiwi" / "003.jpg")].iloc[0]
    assert (kiwi["label"], kiwi["split"]) == ("Kiwi", "test")
    assert features[features["split"] == "predict"]["label"].isna().all()


def test_components_equal_projection_of_features(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished
    features, components = (read_all(output, name, manifest) for name in ("features", "components"))

    with np.load(output / "pca" / "projection.npz", allow_pickle=False) as saved:
        expected = (values(features["features"]) - saved["mean"]) / saved["scale"] @ saved["components"].T

    assert features["path"].tolist() == components["path"].tolist()
    np.testing.assert_allclose(values(components["components"]), expected, rtol=1e-4, atol=1e-4)
    assert expected.shape[1] == manifest["components"]["kept"]


def test_the_fit_knows_training_photos_alone(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished
    features = read_all(output, "features", manifest)
    training = values(features[features["split"] == "train"]["features"]).astype(np.float64)

    with np.load(output / "pca" / "projection.npz", allow_pickle=False) as saved:
        np.testing.assert_allclose(saved["mean"], training.mean(axis=0), rtol=1e-9)


def test_csv_and_parquet_agree(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished
    components = read_all(output, "components", manifest)

    rows = []
    for entry in manifest["files"]["components.csv"]:
        with (output / entry["path"]).open(newline="") as stream:
            rows += list(csv.DictReader(stream))
    rows.sort(key=lambda row: row["path"])

    kept = manifest["components"]["kept"]
    assert list(rows[0]) == ["path", "label", "split", *(f"pc_{number}" for number in range(1, kept + 1))]
    assert [row["path"] for row in rows] == components["path"].tolist()
    assert [row["label"] or None for row in rows] == components["label"].tolist()
    numbers = np.array([[row[f"pc_{n}"] for n in range(1, kept + 1)] for row in rows], np.float32)
    np.testing.assert_array_equal(numbers, values(components["components"]))


def test_explained_variance_has_a_row_for_every_component(finished: tuple[Path, Manifest]) -> None:
    output, manifest = finished

    table = pd.read_csv(output / "pca" / "explained_variance.csv")

    assert table.columns.tolist() == ["component", "variance", "ratio", "cumulative"]
    assert table["component"].tolist() == list(range(1, 30))
    assert table["variance"].is_monotonic_decreasing
    np.testing.assert_allclose(table["cumulative"].iloc[-1], 1.0)
    kept = manifest["components"]["kept"]
    assert table["cumulative"][kept - 1] >= 0.95 > table["cumulative"][kept - 2]


def test_the_manifest_says_what_ran_and_how_long_each_stage_took(
    finished: tuple[Path, Manifest], random_backbone: Path
) -> None:
    _, manifest = finished

    assert manifest["schema_version"] == 2
    assert manifest["arguments"]["model"] == str(random_backbone)
    assert manifest["backbone"]["untrained"] is True
    assert (manifest["backbone"]["precision"], manifest["backbone"]["calibration"]) == ("float32", None)
    assert manifest["versions"]["pyspark"] == "3.5.8"
    stages = ["list", "backbone", "start", "features", "fit", "projection", "quality"]
    assert list(manifest["seconds"]) == [*stages, "read", "decode", "infer", "write", "report"]
    assert all(seconds >= 0 for seconds in manifest["seconds"].values())


def test_progress_ends_as_finished(finished: tuple[Path, Manifest]) -> None:
    output, _ = finished

    progress = json.loads((output / "progress.json").read_text())

    assert (progress["stage"], progress["done"], progress["total"]) == ("finished", 43, 43)


@pytest.mark.slow
def test_separate_executors_give_same_results(
    finished: tuple[Path, Manifest],
    photos: Path,
    random_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test")]
    argv += ["--predict", str(photos / "unlabelled"), "--model", str(random_backbone), "--output", "results"]

    manifest = pipeline.run(arguments.parse([*argv, "--master", "local-cluster[2,1,1024]"]))

    assert_same_results(finished, (tmp_path / "results", manifest))


@pytest.mark.slow
def test_photos_and_results_on_s3_give_the_same_components(
    finished: tuple[Path, Manifest], photos: Path, random_backbone: Path, bucket: str
) -> None:
    client = boto3.client("s3")
    for photo in (photos / "training").rglob("*.jpg"):
        client.upload_file(str(photo), bucket, f"images/{photo.relative_to(photos)}")
    client.upload_file(str(random_backbone), bucket, "models/backbone.tflite")
    argv = ["--images", f"s3://{bucket}/images/training", "--model", f"s3://{bucket}/models/backbone.tflite"]
    argv += ["--output", f"s3://{bucket}/results/one", "--components", "5", "--master", "local[2]"]

    # In a process of its own, so that Spark's workers are born with this server's address in their environment
    subprocess.run([sys.executable, "-m", "job", *argv], check=True, capture_output=True)

    manifest = json.loads(client.get_object(Bucket=bucket, Key="results/one/manifest.json")["Body"].read())
    assert manifest["counts"]["used"] == 30
    projection = client.get_object(Bucket=bucket, Key="results/one/pca/projection.npz")["Body"].read()
    with np.load(io.BytesIO(projection)) as there, np.load(finished[0] / "pca" / "projection.npz") as here:
        np.testing.assert_allclose(there["components"], here["components"][:5], atol=1e-9)
    keys = {entry["Key"] for entry in client.list_objects_v2(Bucket=bucket, Prefix="results/")["Contents"]}
    for entry in manifest["files"]["features"]:
        assert f"results/one/{entry['path']}" in keys


@joins_a_running_spark
def test_bad_photos_are_rejected_with_reasons(sample_photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "Kiwi"
    shutil.copytree(sample_photos / "Kiwi", folder)
    write_bad_and_odd_photos(folder, (folder / "000.jpg").read_bytes())
    output = tmp_path / "results"

    manifest = pipeline.run(
        arguments.parse(["--images", str(folder.parent), "--model", str(random_backbone), "--output", str(output)])
    )

    rejected = read_all(output, "rejected", manifest)
    assert {Path(path).name: reason for path, reason in zip(rejected["path"], rejected["reason"], strict=True)} == {
        **BAD,
        "truncated.jpg": rejected["reason"].iloc[-1],
    }
    assert rejected["reason"].iloc[-1].startswith("damaged: ")
    assert (manifest["counts"]["found"], manifest["counts"]["used"], manifest["counts"]["rejected"]) == (13, 9, 4)


@joins_a_running_spark
def test_finished_run_prints_counts_and_files(
    photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--images", str(photos / "training"), "--model", str(random_backbone), "--components", "3"]

    code = main([*argv, "--output", str(tmp_path / "results"), "--no-csv"])

    said = capsys.readouterr()
    assert code == 0
    assert "30 of 30 photos used, 0 rejected." in said.out
    assert "3 components for " in said.out
    assert said.out.splitlines()[-3:] == [
        f"Results: {tmp_path}/results",
        f"Photos to check: {tmp_path}/results/quality/photos.csv",
        f"Report: {tmp_path}/results/report.html",
    ]
    assert "(random, seed 0)" in said.err
    assert not (tmp_path / "results" / "components.csv").exists()


@joins_a_running_spark
def test_root_of_the_views_mean_is_the_feature(photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    argv = ["--model", str(random_backbone), "--views", "3", "--feature-transform", "sqrt"]
    manifest = run(tmp_path / "run", "--images", str(photos / "training"), *argv)
    again = ["predict", "--results", str(tmp_path / "run"), "--images", str(photos / "training")]
    assert main([*again, "--no-csv", "--output", str(tmp_path / "again"), "--master", "local[2]"]) == 0
    predicted = json.loads((tmp_path / "again" / "manifest.json").read_text())

    row = read_all(tmp_path / "run", "features", manifest).iloc[0]
    network = Backbone(random_backbone)
    windows = decode_views(Path(row["path"]).read_bytes(), 224, 224, 3, EXACT).pixels()
    mean = np.mean([network.run(window[np.newaxis])[0] for window in windows], axis=0)
    np.testing.assert_allclose(row["features"], np.sqrt(mean), rtol=1e-4, atol=1e-5)
    assert (manifest["backbone"]["views"], manifest["backbone"]["transform"]) == (3, "sqrt")
    fitted, applied = (
        values(read_all(output, "components", entries)["components"])
        for output, entries in ((tmp_path / "run", manifest), (tmp_path / "again", predicted))
    )
    np.testing.assert_array_equal(applied, fitted)


@joins_a_running_spark
def test_a_subset_is_drawn_from_training_and_test(photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    argv = ["--images", str(photos / "training"), "--test", str(photos / "test"), "--model", str(random_backbone)]
    argv += ["--labels", "Kiwi,Pear", "--per-label", "2", "--output", str(tmp_path / "results")]

    manifest = pipeline.run(arguments.parse(argv))

    assert manifest["labels"] == {"train": {"Kiwi": 2, "Pear": 2}, "test": {"Kiwi": 1, "Pear": 1}}


@joins_a_running_spark
def test_overwrite_replaces_results_only_by_complete_ones(
    photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results"
    argv = ["--images", str(photos / "training"), "--model", str(random_backbone), "--output", str(output)]
    assert main([*argv, "--components", "3"]) == 0
    before = files_in(output)

    # When the output holds results, a second run is refused
    refused = failure(argv, capsys)
    assert type(refused) is OutputRefusedError
    held = "manifest.json, progress.json, features, components, components.csv, pca, report.html"
    assert str(output) in refused.message
    assert held in refused.message
    assert files_in(output) == before
    # When an impossible run may replace them, they stay
    assert type(failure([*argv, "--components", "500", "--overwrite"], capsys)) is TooFewPhotosError
    assert files_in(output) == before
    # When a possible one may, only its files are left, even if an older version wrote the others
    older = {**json.loads((output / "manifest.json").read_text()), "schema_version": 1}
    (output / "manifest.json").write_text(json.dumps(older))
    assert main([*argv, "--components", "4", "--overwrite"]) == 0
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["components"]["kept"] == 4
    assert not set(before) & {entry["path"] for entry in manifest["files"]["features"]}
    assert len(files_in(output)) == len(before)


def test_too_many_components_are_refused_before_spark_starts(
    photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results"
    argv = ["--images", str(photos / "training"), "--model", str(random_backbone), "--components", "30"]

    error = failure([*argv, "--output", str(output)], capsys)

    assert type(error) is TooFewPhotosError
    assert error.message.endswith("got 30.")
    assert "--components 29 " in error.hint
    assert not output.exists()


@joins_a_running_spark
def test_too_many_components_for_used_photos_leave_nothing(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "photos", tmp_path / "results"
    shutil.copytree(sample_photos / "Kiwi", folder)
    (folder / "broken.jpg").write_text("hello")
    argv = ["--images", str(folder), "--model", str(random_backbone), "--components", "4", "--output", str(output)]

    error = failure(argv, capsys)

    assert type(error) is TooFewPhotosError
    assert error.message.endswith("got 4.")
    assert "--components 3 " in error.hint
    assert not output.exists()


def test_one_single_photo_is_refused(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copy(sample_photos / "Kiwi" / "000.jpg", tmp_path / "photos")
    output = tmp_path / "results"
    argv = ["--images", str(tmp_path / "photos"), "--model", str(random_backbone), "--output", str(output)]

    error = failure(argv, capsys)

    assert type(error) is TooFewPhotosError
    assert "got 1." in error.message
    assert not output.exists()


@joins_a_running_spark
def test_photos_all_rejected_are_refused_with_first_reason(
    random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "photos" / name).touch()
    output = tmp_path / "results"
    argv = ["--images", str(tmp_path / "photos"), "--model", str(random_backbone), "--output", str(output)]

    error = failure(argv, capsys)

    assert type(error) is TooFewPhotosError
    assert f"{tmp_path}/photos/a.jpg: the file is empty" in error.message
    assert not output.exists()


@joins_a_running_spark
def test_identical_photos_are_refused_and_leave_nothing(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(3):
        shutil.copy(sample_photos / "Kiwi" / "000.jpg", tmp_path / "photos" / f"{number}.jpg")
    output = tmp_path / "results"
    argv = ["--images", str(tmp_path / "photos"), "--model", str(random_backbone), "--output", str(output)]

    error = failure(argv, capsys)

    assert type(error) is TooFewPhotosError
    assert " all 3 " in error.message
    assert not output.exists()


@pytest.mark.parametrize(
    ("argv", "kind", "value"),
    [
        (["--images", "nowhere"], PhotosNotFoundError, "'{folder}/nowhere'"),
        (["--images", "empty"], PhotosNotFoundError, "'{folder}/empty'"),
        (["--images", "photos", "--model", "nowhere.tflite"], BackboneError, "'{folder}/nowhere.tflite'"),
        (["--images", "photos", "--weights", "nowhere.h5"], BackboneError, "'nowhere.h5'"),
        (["--images", "photos", "--labels", "Kiwi,Zebra"], PhotosNotFoundError, "'{folder}/photos', got 'Zebra'"),
        (["--images", "photos", "--test", "photos/Kiwi"], PhotosNotFoundError, "'{folder}/photos/Kiwi'"),
        (["--images", "photos", "--model", "damaged.tflite"], BackboneError, "'{folder}/damaged.tflite'"),
        (["--images", "photos", "--backbone", "alexnet"], BackboneError, "'alexnet'"),
    ],
)
def test_impossible_run_is_refused_and_leaves_nothing(
    argv: list[str],
    kind: type[UsageError],
    value: str,
    sample_photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(sample_photos / "Kiwi", tmp_path / "photos" / "Kiwi")
    (tmp_path / "empty").mkdir()
    (tmp_path / "damaged.tflite").write_bytes(b"\xff\xff\xff\x7fTFL3" + bytes(64))
    monkeypatch.chdir(tmp_path)

    error = failure([*argv, "--output", "new/results"], capsys)

    assert type(error) is kind
    assert value.format(folder=tmp_path) in error.message
    assert not (tmp_path / "new").exists()


def test_unwritable_output_fails_before_spark_starts(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    argv = ["--images", str(sample_photos), "--model", str(random_backbone)]

    error = failure([*argv, "--output", str(tmp_path / "taken" / "results")], capsys)

    assert type(error) is NotWrittenError
    assert f"'{tmp_path}/taken/results/progress.json'" in error.message


@joins_a_running_spark
def test_task_retried_after_writing_doubles_no_row(
    photos: Path, random_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given tasks whose first attempt is lost after its file was written, and before Spark heard of it
    def lost_at_first(*given: Any) -> PhotosReport:
        report = extract_part(*given)
        attempt = TaskContext.get()
        if attempt is not None and attempt.attemptNumber() == 0:
            raise RuntimeError("lost")
        return report

    monkeypatch.setattr(tasks, "extract_part", lost_at_first)
    output = tmp_path / "results"
    argv = ["--images", str(photos / "training"), "--model", str(random_backbone), "--output", str(output)]

    manifest = pipeline.run(arguments.parse([*argv, "--master", "local[2,2]"]))

    features = read_all(output, "features", manifest)
    assert features["path"].tolist() == sorted(str(photo) for photo in (photos / "training").rglob("*.jpg"))
    written = [name for name in files_in(output) if name.startswith("features/")]
    assert written == sorted(entry["path"] for entry in manifest["files"]["features"])


def test_results_never_go_among_the_photos(
    sample_photos: Path, random_backbone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("features", "rejected"):
        shutil.copytree(sample_photos / "Kiwi", tmp_path / label)
    argv = ["--images", str(tmp_path), "--model", str(random_backbone), "--output", str(tmp_path), "--overwrite"]

    error = failure(argv, capsys)

    assert type(error) is OutputRefusedError
    assert str(tmp_path) in error.message
    assert len(files_in(tmp_path)) == 8


@joins_a_running_spark
def test_photo_with_listed_problem_is_rejected(sample_photos: Path, random_backbone: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_photos / "Kiwi", tmp_path / "photos")
    os.mkfifo(tmp_path / "photos" / "pipe.jpg")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/photos/bad\xff.jpg")).write_bytes(b"1")
    output = tmp_path / "results"
    argv = ["--images", str(tmp_path / "photos"), "--model", str(random_backbone), "--output", str(output)]

    manifest = pipeline.run(arguments.parse(argv))

    rejected = read_all(output, "rejected", manifest)
    assert rejected["reason"].tolist() == ["its name is not UTF-8", "not a file"]
    assert manifest["counts"]["used"] == 4


@joins_a_running_spark
def test_photo_names_are_kept_as_they_are(random_backbone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "<script>alert(1)<"
    folder.mkdir(parents=True)
    names = ["100%.jpg", "a%20b.jpg", "new\nline.jpg", "quote'\".jpg", "two argv.jpg", "🍎.jpg"]
    for number, name in enumerate(names):
        draw_photo("Apple Red", 60 * number, np.random.default_rng(number)).save(folder / name, "JPEG")
    output = tmp_path / "results"

    manifest = pipeline.run(
        arguments.parse(["--images", str(folder.parent), "--model", str(random_backbone), "--output", str(output)])
    )

    components = read_all(output, "components", manifest)
    assert components["path"].tolist() == sorted(f"{folder}/{name}" for name in names)
    assert manifest["labels"]["train"] == {"<script>alert(1)<": 6}


@needs_real_photos
@pytest.mark.parametrize(
    ("drawn", "train", "test", "kept"),
    [
        pytest.param(["--per-label", "4"], 196, 196, 115, id="four of each label"),
        pytest.param([], 1470, 490, 385, marks=pytest.mark.slow, id="all"),
    ],
)
def test_real_photos_are_all_in_the_results(drawn: list[str], train: int, test: int, kept: int, tmp_path: Path) -> None:
    sample, output = REAL_PHOTOS / "fruits-360-sample", tmp_path / "results"
    argv = ["--images", str(sample / "Training"), "--test", str(sample / "Test")]
    argv += ["--predict", str(sample / "Unlabelled"), "--weights", str(REAL_WEIGHTS), "--output", str(output)]

    manifest = pipeline.run(arguments.parse([*argv, *drawn, "--variance", "0.95"]))

    found = train + test + 49
    assert manifest["counts"] == {
        "found": found,
        "used": found,
        "rejected": 0,
        "train": train,
        "test": test,
        "predict": 49,
    }
    assert manifest["components"]["kept"] == kept
    assert len(manifest["labels"]["train"]) == 49
    assert len(read_all(output, "components", manifest)) == found


def assert_same_results(one: tuple[Path, Manifest], other: tuple[Path, Manifest]) -> None:
    first, second = (read_all(output, "features", manifest) for output, manifest in (one, other))
    assert first["path"].tolist() == second["path"].tolist()
    np.testing.assert_array_equal(values(first["features"]), values(second["features"]))
    assert one[1]["counts"] == other[1]["counts"]
    assert one[1]["labels"] == other[1]["labels"]
    with np.load(one[0] / "pca" / "projection.npz") as here, np.load(other[0] / "pca" / "projection.npz") as there:
        np.testing.assert_allclose(there["components"], here["components"], atol=1e-9)


@pytest.mark.parametrize(
    ("kind", "trees"),
    [("none", False), ("discriminant", False), ("logistic", False), ("mlp", False), ("tree", True), ("forest", True)],
)
def test_runs_with_trees_need_a_fast_java(kind: str, trees: bool) -> None:
    assert pipeline.trains_trees(kind) is trees
    assert pipeline.trains_trees("auto")
