"""Tests of job/features/network/registry.py: every network exports, and its file computes what Keras computes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.features.network import NETWORKS, RANDOM, efficientnet_lite, read_description
from job.features.network.export import ExportRequest, cached_export
from job.features.network.registry import LITE
from job.images.decode import decode
from tests.job.features.network.computed import Features, cosines, features_of

IN_EVERY_TEST_RUN = ("mobilenet_v2", "efficientnet_lite0")
"""The slow tests export the others."""


@pytest.fixture(scope="module")
def photos(sample_photos: Path) -> list[bytes]:
    return [photo.read_bytes() for photo in sorted(sample_photos.glob("*/*.jpg"))[::12]]


def by_keras(keras: Any, name: str, photos: list[bytes]) -> Features:
    network = NETWORKS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    pixels = np.stack([decode(photo, network.side, network.side) for photo in photos]).astype(np.float32)
    if network.module == LITE:
        lite = efficientnet_lite.build(keras, efficientnet_lite.VARIANTS[network.builder], network.side)
        lite_features: Features = lite.predict((pixels - 127) / 128, batch_size=1, verbose=0)
        return lite_features
    applications = keras.applications
    builder = getattr(applications, network.builder)
    if network.layer is None:
        model = builder(weights=None, include_top=False, pooling="avg", input_shape=(network.side, network.side, 3))
    else:
        whole = builder(weights=None)
        model = keras.Model(whole.input, whole.get_layer(network.layer).output)
    scaled = getattr(applications, network.module).preprocess_input(pixels)
    features: Features = model.predict(scaled, batch_size=1, verbose=0)
    return features


def require_equal(keras: Any, name: str, file: Path, photos: list[bytes]) -> None:
    described, network = read_description(file), NETWORKS[name]
    ours, theirs = features_of(file, photos), by_keras(keras, name, photos)
    # Random weights give similar features for all photos: compare the differences too, or a wrong channel order
    # would pass.
    apart = np.abs(theirs - theirs.mean(axis=0)).max()

    assert (described.name, described.width, described.height) == (name, network.side, network.side)
    assert described.features == network.features == theirs.shape[1]
    assert cosines(ours, theirs).min() >= 0.9999
    assert np.abs(ours - theirs).max() <= 1e-4 * apart


@pytest.mark.parametrize("name", IN_EVERY_TEST_RUN)
def test_exported_network_equals_keras(keras: Any, name: str, photos: list[bytes]) -> None:
    require_equal(keras, name, cached_export(ExportRequest(name, RANDOM, seed=0)), photos)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in IN_EVERY_TEST_RUN])
def test_every_other_exported_network_equals_keras(keras: Any, name: str, photos: list[bytes], tmp_path: Path) -> None:
    file = cached_export(ExportRequest(name, RANDOM, seed=0), cache=tmp_path)

    require_equal(keras, name, file, photos)

    # Hundreds of megabytes each, and pytest keeps the folders of three runs.
    file.unlink()
