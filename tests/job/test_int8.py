"""Tests of whole runs with --precision int8: the network is kept in the results, resumed with, and predicted with."""

import shutil
from pathlib import Path

import pytest

from infra.commands.sample_photos import draw_photos
from job.features.network import content_hash, quantize
from job.features.network.backbone import read_calibrating
from job.features.network.quantize import path_digest
from tests.job.whole_runs import Manifest, failure, read_all, run

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 70 drawn photos. Read only."""
    folder = tmp_path_factory.mktemp("int8") / "photos"
    draw_photos(folder, angles=7, seed=5)
    return folder


@pytest.fixture(scope="module")
def finished(
    photos: Path, trained_backbone: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Manifest]:
    """Return the results of a run in int8, and its manifest. Read only."""
    output = tmp_path_factory.mktemp("finished") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        return output, run(output, *words(photos, trained_backbone))


def words(photos: Path, model: Path) -> list[str]:
    argv = ["--images", str(photos), "--model", str(model), "--precision", "int8"]
    return [*argv, "--classifier", "logistic", "--holdout", "0.2"]


def kept(output: Path, manifest: Manifest) -> Path:
    (entry,) = manifest["files"]["backbone"]
    return output / str(entry["path"])


def test_results_keep_the_network_and_the_manifest_its_draw(
    finished: tuple[Path, Manifest], trained_backbone: Path
) -> None:
    output, manifest = finished

    backbone = manifest["backbone"]
    assert content_hash(kept(output, manifest)) == backbone["sha256"] != content_hash(trained_backbone)
    assert backbone["precision"] == "int8"
    train = manifest["counts"]["train"]
    assert backbone["calibration"]["photos"] == int(0.8 * train)
    assert backbone["calibration"]["checked"] == train - int(0.8 * train)
    assert backbone["calibration"]["seed"] == 0


def test_no_test_photo_calibrates(finished: tuple[Path, Manifest], photos: Path) -> None:
    output, manifest = finished
    rows = read_all(output, "features", manifest)
    by_split = {
        split: {path_digest(str(Path(path).relative_to(photos))) for path in rows[rows["split"] == split]["path"]}
        for split in ("train", "test")
    }

    calibrating = read_calibrating(kept(output, manifest))

    assert len(calibrating) == manifest["backbone"]["calibration"]["photos"]
    assert calibrating <= by_split["train"]
    assert not calibrating & by_split["test"]


def test_resume_reuses_the_network_with_more_photos(
    finished: tuple[Path, Manifest],
    photos: Path,
    trained_backbone: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given results, and photos that the network was not calibrated for
    monkeypatch.delattr(quantize, "run_in_own_process")
    output, more = Path(shutil.copytree(finished[0], tmp_path / "results")), photos / "Kiwi" / "more.jpg"
    shutil.copyfile(photos / "Kiwi" / "000.jpg", more)

    try:
        manifest = run(output, *words(photos, trained_backbone), "--resume")
    finally:
        more.unlink()

    assert manifest["backbone"] == finished[1]["backbone"]
    assert manifest["resumed"] == {"reused": 70, "computed": 1, "removed": 0}
    assert [file.name for file in (output / "backbone").iterdir()] == [kept(output, manifest).name]


def test_predict_uses_the_kept_network(
    finished: tuple[Path, Manifest], photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given another machine, with an empty cache and without the float32 file
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    manifest = run(tmp_path / "predicted", "predict", "--results", str(finished[0]), "--images", str(photos / "Kiwi"))

    assert manifest["backbone"]["sha256"] == finished[1]["backbone"]["sha256"]
    assert manifest["backbone"]["precision"] == "int8"
    features = [read_all(*place) for place in ((finished[0], "features", finished[1]),)]
    predicted = read_all(tmp_path / "predicted", "features", manifest).set_index("path")["features"]
    computed = features[0].set_index("path")["features"]
    assert all(predicted[path].tolist() == computed[path].tolist() for path in predicted.index)


def test_int8_model_requires_its_precision(
    finished: tuple[Path, Manifest], photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = kept(*finished)

    refused = failure(["--images", str(photos), "--model", str(model), "--output", str(tmp_path / "results")], capsys)

    assert (refused.code, refused.hint) == ("ORC-140", "Add --precision int8")
