"""Tests of export.py and backbone.py in job/features/network: the exported file computes what Keras computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from job import storage
from job.errors import BackboneError
from job.features.network import IMAGENET, RANDOM, BackboneDescription, content_hash, export, read_description
from job.features.network.export import ExportRequest, cached_export
from tests.conftest import REAL_PHOTOS, REAL_WEIGHTS, needs_real_photos
from tests.job.features.network.computed import Features, cosines, features_of


def predicted_by_keras(keras: Any, network: Any, photos: list[Path]) -> Features:
    pixels = [np.asarray(Image.open(photo).convert("RGB").resize((224, 224)), np.float32) for photo in photos]
    predicted: Features = network.predict(keras.applications.mobilenet_v2.preprocess_input(np.stack(pixels)), verbose=0)
    return predicted


def test_seeded_weights_give_keras_features(
    keras: Any,
    random_backbone: Path,
    sample_photos: Path,
) -> None:
    photos = sorted(sample_photos.glob("*/*.jpg"))
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))

    ours = features_of(random_backbone, [photo.read_bytes() for photo in photos])

    assert cosines(ours, predicted_by_keras(keras, network, photos)).min() >= 0.9999


@needs_real_photos
@pytest.mark.parametrize(
    ("every", "compared"), [pytest.param(10, 49, id="one of each label"), pytest.param(1, 490, marks=pytest.mark.slow)]
)
def test_real_weights_give_keras_features_on_real_photos(keras: Any, every: int, compared: int) -> None:
    photos = sorted((REAL_PHOTOS / "fruits-360-sample" / "Test").glob("*/*.jpg"))[::every]
    assert len(photos) == compared
    photos += sorted((REAL_PHOTOS / "imagenet-photos").iterdir())
    network = keras.applications.MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=(224, 224, 3))
    network.load_weights(REAL_WEIGHTS)
    model = cached_export(ExportRequest("mobilenet_v2", str(REAL_WEIGHTS), seed=0))

    ours = features_of(model, [photo.read_bytes() for photo in photos])

    assert len(ours) == len(photos) > compared
    assert cosines(ours, predicted_by_keras(keras, network, photos)).min() >= 0.9999


def test_exported_file_contains_description(random_backbone: Path) -> None:
    assert read_description(random_backbone) == BackboneDescription(
        name="mobilenet_v2", weights="random, seed 0", width=224, height=224, features=1280
    )
    assert read_description(random_backbone).untrained


def test_same_request_is_exported_once(random_backbone: Path) -> None:
    before = random_backbone.stat().st_mtime_ns

    again = cached_export(ExportRequest("mobilenet_v2", RANDOM, seed=0))

    assert again == random_backbone
    assert again.stat().st_mtime_ns == before


def test_seed_and_weights_file_change_cache_key(tmp_path: Path) -> None:
    one, two = tmp_path / "one.weights.h5", tmp_path / "two.weights.h5"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    requests = [
        ExportRequest("mobilenet_v2", RANDOM, seed=0),
        ExportRequest("mobilenet_v2", RANDOM, seed=1),
        ExportRequest("mobilenet_v2", str(one), seed=0),
        ExportRequest("mobilenet_v2", str(two), seed=0),
        ExportRequest("mobilenet_v2", IMAGENET, seed=0),
    ]

    assert len({export.cache_key(request) for request in requests}) == 5


def test_cache_key_depends_on_content_of_weights_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"same")

    keys = {export.cache_key(ExportRequest("mobilenet_v2", str(tmp_path / name), 0)) for name in ("one", "two")}

    assert len(keys) == 1


def test_cache_folder_follows_xdg_cache_home() -> None:
    assert storage.cache_folder({"XDG_CACHE_HOME": "/somewhere"}) == Path("/somewhere/orchard/backbones")


def test_unfit_weights_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.weights.h5"
    wrong.write_bytes(b"no weights")

    with pytest.raises(BackboneError) as raised:
        cached_export(ExportRequest("mobilenet_v2", str(wrong), seed=0), cache=tmp_path / "cache")

    assert f"'{wrong}'" in raised.value.message
    assert "HDF5" in raised.value.message
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_missing_weights_file_is_refused() -> None:
    with pytest.raises(BackboneError) as raised:
        ExportRequest("mobilenet_v2", "nowhere.h5", seed=0)

    assert raised.value.code == "ORC-140"
    assert "'nowhere.h5'" in raised.value.message


def test_exported_file_as_weights_is_used_unchanged(random_backbone: Path, tmp_path: Path) -> None:
    assert cached_export(ExportRequest("mobilenet_v2", str(random_backbone), seed=0), tmp_path) == random_backbone
    assert list(tmp_path.iterdir()) == []


def test_exported_file_of_another_network_is_refused(random_backbone: Path) -> None:
    with pytest.raises(BackboneError) as raised:
        cached_export(ExportRequest("vgg16", str(random_backbone), seed=0))

    assert "--backbone mobilenet_v2" in raised.value.hint


def test_file_without_description_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.tflite").write_bytes(b"something else")

    with pytest.raises(BackboneError) as raised:
        read_description(tmp_path / "other.tflite")

    assert f"'{tmp_path / 'other.tflite'}'" in raised.value.message


@pytest.mark.parametrize("kept", [100, 5_000_000])
def test_truncated_model_is_refused(random_backbone: Path, tmp_path: Path, kept: int) -> None:
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(random_backbone.read_bytes()[:kept])

    with pytest.raises(BackboneError) as raised:
        read_description(cut)

    assert f"'{cut}'" in raised.value.message


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError) as raised:
        read_description(tmp_path / "none.tflite")

    assert isinstance(raised.value.__cause__, FileNotFoundError)


def test_content_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")

    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert content_hash(tmp_path / "file") == expected


def test_own_process_starts_beside_a_job_py_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job.py").write_text("raise SystemExit('not the package')")
    monkeypatch.chdir(tmp_path)

    # A module that does nothing when it is run.
    export.run_in_own_process("job.run_names", [], "Reading names")
