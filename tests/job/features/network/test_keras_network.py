"""Tests of keras_network.py and keras_weights.py: which files are weights, and what is said of others."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.errors import BackboneError, WeightsNotDownloadedError
from job.features.network import IMAGENET, NETWORKS
from job.features.network.registry import LITE, Network
from tests.error_report import values

SMALL = Network("mobilenet", "MobileNet", 32, 1024)
"""A network of the table on photos so small that a test takes a moment."""

for_a_file_that_lacks_layers = pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")
"""Keras warns of every layer that it does not find; the error names the first one."""


@pytest.fixture(scope="module")
def original(keras: Any) -> Any:
    keras.utils.set_random_seed(7)
    return keras.applications.MobileNet(weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3))


@pytest.fixture(scope="module")
def pixels() -> Any:
    return np.random.default_rng(3).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def build(keras: Any, weights: str, network: Network = SMALL, name: str = "mobilenet") -> Any:
    from job.features.network.keras_network import build  # noqa: PLC0415

    return build(keras, name, network, weights, seed=0)


def refused(keras: Any, weights: Path) -> BackboneError:
    with pytest.raises(BackboneError) as raised:
        build(keras, str(weights))
    return raised.value


def computed(model: Any, pixels: Any) -> Any:
    """Return a model's features; ``predict`` compiles it first, which takes longer than these few photos."""
    return np.asarray(model(pixels, training=False))


def expected(keras: Any, original: Any, pixels: Any) -> Any:
    return computed(original, keras.applications.mobilenet.preprocess_input(pixels.astype(np.float32)))


def require_same(features: Any, wanted: Any) -> None:
    """Allow for the order of sums, which Keras changes from one graph to the next; other weights differ by far more."""
    np.testing.assert_allclose(features, wanted, rtol=0, atol=1e-5 * wanted.max())


@pytest.mark.parametrize("file", ["m.weights.h5", "m.h5", "m.keras"])
def test_every_keras_format_gives_the_same_features(
    keras: Any, original: Any, pixels: Any, tmp_path: Path, file: str
) -> None:
    save = original.save_weights if file == "m.weights.h5" else original.save
    save(tmp_path / file)

    features = computed(build(keras, str(tmp_path / file)), pixels)

    require_same(features, expected(keras, original, pixels))


@pytest.mark.parametrize(
    ("saved", "renamed"), [("m.weights.h5", "m.h5"), ("m.h5", "m.weights.h5"), ("m.keras", "m.h5"), ("m.h5", "m.keras")]
)
def test_reads_renamed_file_by_its_content(
    keras: Any, original: Any, pixels: Any, tmp_path: Path, saved: str, renamed: str
) -> None:
    save = original.save_weights if saved == "m.weights.h5" else original.save
    save(tmp_path / saved)
    (tmp_path / saved).rename(tmp_path / renamed)

    features = computed(build(keras, str(tmp_path / renamed)), pixels)

    require_same(features, expected(keras, original, pixels))


def test_saved_model_loses_layer_after_features(keras: Any, original: Any, pixels: Any, tmp_path: Path) -> None:
    labelled = keras.Model(original.input, keras.layers.Dense(3, name="labels")(original.output))
    labelled.save(tmp_path / "labelled.keras")

    features = computed(build(keras, str(tmp_path / "labelled.keras")), pixels)

    require_same(features, expected(keras, original, pixels))


@for_a_file_that_lacks_layers
def test_refuses_weights_of_another_network_with_shapes(keras: Any, tmp_path: Path) -> None:
    half = keras.applications.MobileNet(
        weights=None, include_top=False, pooling="avg", input_shape=(32, 32, 3), alpha=0.5
    )
    for file, save in (("half.weights.h5", half.save_weights), ("half.h5", half.save)):
        save(tmp_path / file)

        error = refused(keras, tmp_path / file)

        for named in (f"'{tmp_path / file}'", "'conv1'", "3x3x3x32", "3x3x3x16"):
            assert named in error.message


@for_a_file_that_lacks_layers
def test_refuses_short_weights_with_first_missing_layer(keras: Any, tmp_path: Path) -> None:
    photos = keras.Input((32, 32, 3))
    keras.Model(photos, keras.layers.Conv2D(32, 3, strides=2, use_bias=False, name="conv1")(photos)).save_weights(
        tmp_path / "short.weights.h5"
    )

    error = refused(keras, tmp_path / "short.weights.h5")

    for named in (f"'{tmp_path}/short.weights.h5'", "'conv1_bn'", "32, 32, 32, 32"):
        assert named in error.message


def test_refuses_model_with_other_input_or_output_shape(keras: Any, tmp_path: Path) -> None:
    small, few = keras.Input((16, 16, 3), name="photo"), keras.Input((32, 32, 3))
    keras.Model(small, keras.layers.Flatten()(small)).save(tmp_path / "small.keras")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(few)
    keras.Model(few, pooled).save(tmp_path / "few.keras")

    for named in ("'photo'", "(16, 16, 3)", "(32, 32, 3)"):
        assert named in refused(keras, tmp_path / "small.keras").message
    for named in ("'pool'", "(3,)", "(1024,)"):
        assert named in refused(keras, tmp_path / "few.keras").message


def test_refuses_truncated_weights_as_damaged(keras: Any, original: Any, tmp_path: Path) -> None:
    original.save_weights(tmp_path / "whole.weights.h5")
    (tmp_path / "cut.weights.h5").write_bytes((tmp_path / "whole.weights.h5").read_bytes()[:10_000])

    error = refused(keras, tmp_path / "cut.weights.h5")

    assert (error.code, error.exit_code) == ("ORC-140", 2)
    assert f"'{tmp_path}/cut.weights.h5'" in error.message


def test_refuses_file_that_is_not_a_model(keras: Any, tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("hello")

    assert f"'{tmp_path}/text.keras'" in refused(keras, tmp_path / "text.keras").message


def test_failed_imagenet_download_names_url_and_option(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> None:
        raise OSError("URL fetch failure on https://example.org/weights.h5:\nName or service not known")

    monkeypatch.setattr(keras.applications, "MobileNet", unreachable)

    with pytest.raises(WeightsNotDownloadedError) as raised:
        build(keras, IMAGENET)

    assert values(raised.value.message)[-1] == "https://example.org/weights.h5"
    assert "--weights FILE" in raised.value.hint


@pytest.mark.parametrize("file", ["published.h5", pytest.param("saved.weights.h5", marks=pytest.mark.slow)])
def test_efficientnet_file_keeps_imagenet_colour_scaling(
    keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    # Keras builds another network for weights="imagenet"; it is given its download here.
    import keras.src.applications.efficientnet as module  # noqa: PLC0415

    keras.utils.set_random_seed(1)
    options: dict[str, Any] = {"include_top": False, "pooling": "avg", "input_shape": (32, 32, 3)}
    plain = keras.applications.EfficientNetB0(weights=None, **options)
    normalization = next(layer for layer in plain.layers if type(layer).__name__ == "Normalization")
    normalization.adapt_mean.assign([0.485, 0.456, 0.406])
    normalization.adapt_variance.assign([0.229**2, 0.224**2, 0.225**2])
    plain.save_weights(tmp_path / "plain.weights.h5")
    plain.save(tmp_path / "published.h5")
    monkeypatch.setattr(module.file_utils, "get_file", lambda *_, **__: str(tmp_path / "plain.weights.h5"))
    published = keras.applications.EfficientNetB0(weights="imagenet", **options)
    published.save_weights(tmp_path / "saved.weights.h5")
    digest = hashlib.md5((tmp_path / "published.h5").read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setitem(module.WEIGHTS_HASHES, "b0", ("", digest))
    pixels = np.random.default_rng(3).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    network = Network("efficientnet", "EfficientNetB0", 32, 1280)

    theirs = computed(published, pixels.astype(np.float32))
    without = computed(plain, pixels.astype(np.float32))
    apart = np.abs(theirs - without).max()
    assert apart > 0
    ours = computed(build(keras, str(tmp_path / file), network, "efficientnet_b0"), pixels)
    assert np.abs(ours - theirs).max() < 1e-3 * apart


def test_every_network_of_keras_in_the_table_exists(keras: Any) -> None:
    for network in (network for network in NETWORKS.values() if network.module != LITE):
        assert callable(getattr(keras.applications, network.builder))
        assert callable(getattr(keras.applications, network.module).preprocess_input)


# Of an .h5 file nothing but the weights is ever read.
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_code_in_a_model_file_never_runs(
    keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    # Given a saved model with a layer of Python code, which is what a hostile file would be
    monkeypatch.delenv("CODE_RAN", raising=False)
    photos = keras.Input((SMALL.side, SMALL.side, 3))
    layer = keras.layers.Lambda(lambda x: __import__("os").environ.__setitem__("CODE_RAN", "1") or x)
    model = keras.Model(photos, keras.layers.GlobalAveragePooling2D()(layer(photos)))
    file = tmp_path / f"model{ending}"
    model.save(file)
    monkeypatch.delenv("CODE_RAN", raising=False)

    refused(keras, file)

    assert "CODE_RAN" not in os.environ
