"""Tests of what `orchard results` makes of a run (variance table, phone's model), and of `orchard classify`."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression

from infra import commandline
from infra.aws.client import Aws
from infra.commands.mobile import PhotoToMeasure, measure, run_model
from infra.context import Context
from infra.errors import PhotoFolderError, SignInError, WrongUseError
from infra.runs.backbone import find_backbone
from infra.runs.fetch import in_folder
from job.classifiers import Classifier, Distance, LinearModel
from job.errors import OrchardError, UsageError
from job.features.network import Backbone, content_hash
from job.images.decode import decode
from job.matrices import FLOAT_LIST
from job.mobile import PhotoClassifier
from job.pca import Projection
from tests.error_report import values
from tests.infra.command_line import MANIFEST
from tests.infra.conftest import Deployed, World

DOCUMENT = Path(__file__).parents[3] / "docs" / "mobile.md"

EXPLAINED = b"component,variance,ratio,cumulative\n1,6,0.6,0.6\n2,3,0.3,0.9\n3,1,0.1,1\n"


def no_account() -> Aws:
    """Fail: nothing here may need an account."""
    raise SignInError("There is no account.", "Sign in.")


@pytest.fixture
def context() -> Context:
    """Return what a command works with that never speaks to AWS."""
    return Context(no_account, terminal=io.StringIO())


def orchard(context: Context, *words: str) -> list[str]:
    given = commandline.parse(list(words))
    assert given.command.execute(given, context) == 0
    assert isinstance(context.terminal, io.StringIO)
    return context.terminal.getvalue().splitlines()


@pytest.fixture(scope="module")
def finished_run(sample_photos: Path, random_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a results folder with a classifier of three labels, one test photo of which is gone by now."""
    folder = tmp_path_factory.mktemp("run")
    photos = [
        photo for photo in sorted(sample_photos.glob("*/*.jpg")) if photo.parent.name in three_labels(sample_photos)
    ]
    backbone, features = Backbone(random_backbone), np.empty((len(photos), 1280), np.float32)
    for photo, row in zip(photos, features, strict=True):
        backbone.compute(decode(photo.read_bytes(), 224, 224), row)
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale[scale == 0] = 1
    directions = np.linalg.svd((features - mean) / scale, full_matrices=False)[2][:5]
    components = Projection(mean, scale, directions).project(features)
    labels = [photo.parent.name for photo in photos]
    fitted = LogisticRegression().fit(components, labels)
    classifier = Classifier("logistic", tuple(fitted.classes_), 5, {}, LinearModel(fitted.coef_, fitted.intercept_))
    probabilities = classifier.probabilities(components)
    predicted = [classifier.labels[best] for best in probabilities.argmax(axis=1)]
    # Half of the photos are farther than the limit from a mean of zero.
    distances = Distance(np.eye(5), np.zeros((1, 5)), 0).of(components)
    distance = Distance(np.eye(5), np.zeros((1, 5)), float(np.sort(distances)[5:7].mean()))
    rows = {
        "path": [*(str(photo) for photo in photos), str(folder / "gone.jpg")],
        "label": [*labels, labels[0]],
        "split": ["test"] * (len(photos) + 1),
        "predicted": [*predicted, labels[0]],
        "probability": pa.array([*probabilities.max(axis=1), 1], pa.float32()),
        "probabilities": pa.array([*probabilities, [1, 0, 0]], FLOAT_LIST),
        "distance": pa.array([*distances, 0], pa.float32()),
    }
    for inside in ("pca", "classifier/predictions"):
        (folder / inside).mkdir(parents=True)
    (folder / "pca" / "explained_variance.csv").write_bytes(EXPLAINED)
    np.savez(folder / "pca" / "projection.npz", mean=mean, scale=scale, components=directions)
    description, numbers = classifier.to_files()
    (folder / "classifier" / "model.json").write_bytes(description)
    (folder / "classifier" / "model.npz").write_bytes(numbers)
    (folder / "classifier" / "distance.npz").write_bytes(distance.to_file())
    pq.write_table(pa.table(rows), folder / "classifier" / "predictions" / "part.parquet")
    files = {"classifier": [{"path": "classifier/predictions/part.parquet", "rows": len(photos), "bytes": 1}]}
    manifest = {
        "schema_version": 2,
        "run_id": "one",
        "arguments": {"model": None},
        "backbone": {
            "name": "mobilenet_v2",
            "weights": "random, seed 0",
            "sha256": content_hash(random_backbone),
        },
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def three_labels(photos: Path) -> set[str]:
    return {folder.name for folder in sorted(photos.iterdir())[:3]}


def test_lists_no_accuracy_of_a_prediction(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prediction's manifest repeats the classifier that it applied."""
    fitted = {"schema_version": 2, "run_id": "1", "counts": {"used": 3}, "classifier": {"accuracy": 0.5}}
    for name, manifest in (("run", fitted), ("prediction", {**fitted, "fitted": {"results": "run"}})):
        (tmp_path / "results" / name).mkdir(parents=True)
        (tmp_path / "results" / name / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(tmp_path)

    _, _, *rows = [line.split() for line in orchard(context, "results")]

    assert sorted(rows) == [["prediction", "local", "finished", "3"], ["run", "local", "finished", "3", "50.00%"]]


def test_variance_table_of_a_folder_has_a_line_per_number(context: Context, finished_run: Path) -> None:
    said = orchard(context, "results", str(finished_run), "--variance-table", "1,2,600")

    assert list(map(values, said)) == [[], ["1", "60.00%"], ["2", "90.00%"], ["3", "100.00%", "600"]]


def test_variance_table_of_a_run_in_the_bucket_fetches_nothing(
    deployed: Deployed, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, body in (("manifest.json", json.dumps(MANIFEST).encode()), ("pca/explained_variance.csv", EXPLAINED)):
        world.aws.s3.put_object(Bucket=deployed.data, Key=f"results/first/{name}", Body=body)

    said = orchard(world.context(), "results", "first", "--variance-table", "2")

    assert said == ["components  variance kept", "         2         90.00%"]
    assert list(tmp_path.iterdir()) == []


def test_the_phones_model_gives_the_runs_own_labels_and_says_so(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fruits.tflite"

    said = orchard(context, "results", str(finished_run), "--mobile", str(file), "--model", str(random_backbone))

    path, size, milliseconds, *network = values(said[0])
    assert (path, size) == (str(file), f"{file.stat().st_size / 1e6:.1f} MB")
    assert milliseconds.endswith(" ms")
    assert network == ["224", "224", "3", "mobilenet_v2", "5", "float32"]
    assert "logistic" in said[0]
    rows = pq.read_table(finished_run / "classifier" / "predictions" / "part.parquet").to_pylist()[:-1]
    right = sum(row["label"] == row["predicted"] for row in rows) / len(rows)
    # 12 of 12 photos agree, 1 could not be read; then the accuracy of the model and that of the run
    assert list(map(values, said[1:])) == [["12", "12", "1", f"{right:.2%}", f"{right:.2%}"]]
    assert [path.name for path in tmp_path.iterdir()] == ["fruits.tflite"]


def test_the_phones_model_rejects_the_photos_that_the_run_would(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    file, again = tmp_path / "fruits.tflite", Context(no_account, terminal=io.StringIO())
    argv = ["results", str(finished_run), "--mobile", str(file), "--model", str(random_backbone)]

    said = orchard(context, *argv, "--reject-below", "0")
    classified = orchard(again, "classify", *(row["path"] for row in rows_of(finished_run)), "--mobile", str(file))

    assert " to 3 labels or unknown; " in said[0]
    assert said[1].startswith("It gives the run's own label on 12 of 12 test photos ")
    assert said[1].endswith("; 6 are unknown.")
    assert sum(line.endswith(": unknown") for line in classified) == 6


def rows_of(run: Path) -> list[dict[str, Any]]:
    """Return the predictions of the test photos that exist."""
    rows: list[dict[str, Any]] = pq.read_table(run / "classifier" / "predictions" / "part.parquet").to_pylist()
    return rows[:-1]


def test_a_run_of_an_earlier_version_cannot_reject(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished_run, tmp_path / "run")
    (tmp_path / "run" / "classifier" / "distance.npz").unlink()
    argv = ["results", str(tmp_path / "run"), "--mobile", str(tmp_path / "m"), "--model", str(random_backbone)]

    with pytest.raises(WrongUseError, match=r"^--reject-below "):
        orchard(context, *argv, "--reject-below", "0.5")


def test_removed_test_photos_are_not_measured(
    aws: Aws, bucket: str, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fruits.tflite"
    file.write_bytes(run_model(in_folder(finished_run), random_backbone.read_bytes()))
    row = pq.read_table(finished_run / "classifier" / "predictions" / "part.parquet").to_pylist()[0]
    aws.s3.put_object(Bucket=bucket, Key="images/there.jpg", Body=Path(row["path"]).read_bytes())
    uris = [f"s3://{bucket}/images/{name}.jpg" for name in ("there", "removed")]

    measured = measure(lambda: aws, file, [PhotoToMeasure(uri, row["label"], row["predicted"]) for uri in uris])

    assert (measured.photos, measured.agree) == (1, 1)


def test_a_quantized_model_is_measured_beside_the_full_one(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    file = tmp_path / "small.tflite"
    words = ["--mobile", str(file), "--model", str(random_backbone), "--quantized"]

    said = orchard(context, "results", str(finished_run), *words)

    assert values(said[0])[-1] == "float16"
    assert values(said[1])[1] == "12"
    assert values(said[2])[:2] == ["12", "12"]
    assert file.stat().st_size < 0.55 * random_backbone.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["small.tflite"]


def test_int8_model_needs_an_int8_run(context: Context, finished_run: Path, tmp_path: Path) -> None:
    words = ["results", str(finished_run), "--mobile", str(tmp_path / "m.tflite"), "--quantized", "int8"]

    with pytest.raises(WrongUseError) as raised:
        orchard(context, *words)

    assert "--precision int8" in raised.value.message
    assert list(tmp_path.iterdir()) == []


def test_phone_model_uses_the_network_in_the_results(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    # Given an int8 run, whose network is in its results only
    results = Path(shutil.copytree(finished_run, tmp_path / "results"))
    (results / "backbone").mkdir()
    shutil.copyfile(random_backbone, results / "backbone" / "m.tflite")
    manifest = json.loads((results / "manifest.json").read_text())
    manifest["backbone"]["precision"] = "int8"
    manifest["files"]["backbone"] = [{"path": "backbone/m.tflite", "rows": 1, "bytes": 1}]
    (results / "manifest.json").write_text(json.dumps(manifest))
    file = tmp_path / "m.tflite"

    said = orchard(context, "results", str(results), "--mobile", str(file), "--quantized", "int8")

    assert values(said[1])[:2] == ["12", "12"]
    with pytest.raises(WrongUseError):
        orchard(context, "results", str(results), "--mobile", str(file), "--quantized", "float16")


def test_classify_continues_after_a_file_that_is_not_a_photo(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    file, text = tmp_path / "fruits.tflite", tmp_path / "text.jpg"
    orchard(context, "results", str(finished_run), "--mobile", str(file), "--model", str(random_backbone))
    text.write_text("no photo")
    row = pq.read_table(finished_run / "classifier" / "predictions" / "part.parquet").to_pylist()[0]
    again = Context(no_account, terminal=io.StringIO())
    given = commandline.parse(["classify", str(text), row["path"], str(tmp_path / "none"), "--mobile", str(file)])

    with pytest.raises(OrchardError) as raised:
        given.command.execute(given, again)

    assert isinstance(again.terminal, io.StringIO)
    said = again.terminal.getvalue().splitlines()
    assert said[0].startswith(f"{text}: ")
    assert said[0].endswith(": a text file")
    assert said[1].startswith(f"{row['path']}: {row['predicted']} ")
    assert said[1].endswith("%")
    assert said[2].startswith(f"{tmp_path / 'none'}: ")
    assert "%" not in said[0] + said[2]
    assert (raised.value.code, raised.value.exit_code) == ("ORC-263", 1)


def test_classify_takes_folders(
    context: Context, finished_run: Path, random_backbone: Path, sample_photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fruits.tflite"
    orchard(context, "results", str(finished_run), "--mobile", str(file), "--model", str(random_backbone))
    folder = next(path for path in sorted(sample_photos.iterdir()) if path.is_dir())
    again = Context(no_account, terminal=io.StringIO())

    said = orchard(again, "classify", str(folder), "--mobile", str(file))

    assert len(said) == len(list(folder.glob("*.jpg")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotoFolderError) as raised:
        orchard(again, "classify", str(tmp_path / "empty"), "--mobile", str(file))
    assert "--every-file" not in raised.value.hint


def test_the_lines_of_the_documentation_give_what_classify_gives(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    file, photo = tmp_path / "fruits.tflite", tmp_path / "photo.jpg"
    orchard(context, "results", str(finished_run), "--mobile", str(file), "--model", str(random_backbone))
    row = pq.read_table(finished_run / "classifier" / "predictions" / "part.parquet").to_pylist()[0]
    shutil.copyfile(row["path"], photo)
    lines = DOCUMENT.read_text().split("```python\n")[1].split("```")[0]

    ran = subprocess.run([sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=True)

    label, probability = PhotoClassifier(file).classify(photo.read_bytes())
    assert ran.stdout.rsplit(" ", 1)[0] == label == row["predicted"]
    assert float(ran.stdout.rsplit(" ", 1)[1]) == pytest.approx(probability)


@pytest.mark.parametrize(
    ("argv", "option"),
    [
        (["--variance-table", "5"], "--variance-table"),
        (["--open"], "--open"),
        (["results/first", "--output", "d"], "--output"),
        (["first", "--output", "d", "--mobile", "m"], "--output"),
        (["first", "--quantized", "int8"], "--quantized"),
        (["first", "--model", "m"], "--model"),
        (["first", "--reject-below", "0"], "--reject-below"),
    ],
)
def test_refuses_options_that_mean_nothing_together(context: Context, argv: list[str], option: str) -> None:
    with pytest.raises(WrongUseError, match=rf"^{option} "):
        orchard(context, "results", *argv)


def test_a_run_without_a_classifier_makes_no_model(
    context: Context, finished_run: Path, random_backbone: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "manifest.json").write_text((finished_run / "manifest.json").read_text())

    with pytest.raises(WrongUseError) as raised:
        orchard(context, "results", str(bare), "--mobile", str(tmp_path / "m"), "--model", str(random_backbone))

    assert str(bare) in raised.value.message
    assert "--classifier" in raised.value.hint


def test_a_folder_without_a_finished_run_is_refused(context: Context, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"manifest\.json"):
        orchard(context, "results", str(tmp_path), "--variance-table", "5")


def manifest_of(file: Path, model: str | None = None) -> dict[str, Any]:
    backbone = {"name": "mobilenet_v2", "weights": "imagenet", "sha256": content_hash(file)}
    return {"arguments": {"model": model}, "backbone": backbone}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have an empty cache of exported backbones; return its folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "orchard" / "backbones"
    folder.mkdir(parents=True)
    return folder


def test_the_backbone_is_found_in_the_cache_by_its_content(cache: Path) -> None:
    for name in ("mobilenet_v2-aa", "mobilenet_v2-bb"):
        (cache / f"{name}.tflite").write_text(name)

    wanted = manifest_of(cache / "mobilenet_v2-bb.tflite")

    assert find_backbone(wanted, None, None, None) == cache / "mobilenet_v2-bb.tflite"


def test_the_backbone_is_fetched_from_the_bucket_once(aws: Aws, bucket: str, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "m").write_text("the backbone")
    wanted = manifest_of(tmp_path / "m")
    digest = wanted["backbone"]["sha256"]
    aws.s3.put_object(Bucket=bucket, Key=f"models/{digest}.tflite", Body=b"the backbone")

    file = find_backbone(wanted, None, aws, bucket)

    assert file == cache / f"mobilenet_v2-{digest[:16]}.tflite"
    assert file.read_text() == "the backbone"
    assert find_backbone(wanted, None, None, None) == file


def test_a_backbone_with_another_content_is_refused_and_deleted(
    aws: Aws, bucket: str, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "m").write_text("the backbone")
    wanted = manifest_of(tmp_path / "m")
    wanted["backbone"]["name"] = "../../elsewhere"
    key = f"models/{wanted['backbone']['sha256']}.tflite"
    aws.s3.put_object(Bucket=bucket, Key=key, Body=b"another one")

    with pytest.raises(WrongUseError) as raised:
        find_backbone(wanted, None, aws, bucket)

    assert f"s3://{bucket}/{key}" in raised.value.message
    assert list(cache.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "m"]


@pytest.mark.usefixtures("cache")
def test_a_backbone_that_is_nowhere_or_another_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m").write_text("the backbone")
    (tmp_path / "other").write_text("another")
    wanted = manifest_of(tmp_path / "m", model=str(tmp_path / "other"))

    with pytest.raises(WrongUseError) as nowhere:
        find_backbone(wanted, None, None, None)
    with pytest.raises(WrongUseError) as another:
        find_backbone(wanted, tmp_path / "other", None, None)

    assert "(mobilenet_v2, imagenet)" in nowhere.value.message
    assert nowhere.value.hint.endswith("orchard export --backbone mobilenet_v2 --weights FILE")
    assert f"'{tmp_path}/other'" in another.value.message
