"""Tests of network/split.py: features of a network cut in two are those of the whole one, to the last bit."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from job.features.network import Backbone, load, split
from job.features.network.split import BATCH, SplitModel, cut, cut_points
from job.features.network.tflite_graph import Graph
from job.images import Pixels
from job.images.decode import decode
from tests.job.features.network.computed import one_by_one


@pytest.fixture(scope="module")
def photos(sample_photos: Path) -> list[Pixels]:
    """Return one photo more than whole batches, so that the last batch is not full."""
    return [decode(photo.read_bytes(), 224, 224) for photo in sorted(sample_photos.glob("*/*.jpg"))[: 2 * BATCH + 1]]


def test_split_model_gives_bit_equal_features(random_backbone: Path, photos: list[Pixels]) -> None:
    network = load(random_backbone)
    features = np.empty((len(photos), 1280), np.float32)

    for start in range(0, len(photos), BATCH):
        network.compute_batch(photos[start : start + BATCH], features[start : start + BATCH])

    assert isinstance(network, SplitModel)
    np.testing.assert_array_equal(features, one_by_one(random_backbone, photos))


def test_cuts_where_weights_first_outweigh_values(random_backbone: Path) -> None:
    graph = Graph(random_backbone.read_bytes())

    found = list(cut_points(graph))

    # Then the cut is inside the blocks of 28 x 28 activations with 32 channels
    at = next(index for index, point in enumerate(found) if point.weights > point.values)
    before, chosen = found[at - 1], found[at]
    assert graph.subgraph.tensors[chosen.between].shape.tolist() == [1, 28, 28, 32]
    assert (before.weights, before.values) == (2_167_522, 2_317_216)
    assert (chosen.weights, chosen.values) == (2_153_090, 1_965_984)


def test_each_part_holds_its_own_weights_alone(random_backbone: Path) -> None:
    whole = random_backbone.read_bytes()

    parts = cut(whole)

    assert parts is not None
    assert [round(len(part) / 1e6, 1) for part in parts] == [0.2, 8.6]
    assert sum(map(len, parts)) < len(whole) * 1.01


def test_does_not_cut_network_with_more_values_than_weights(random_backbone: Path) -> None:
    parts = cut(random_backbone.read_bytes())
    assert parts is not None

    assert cut(parts[0]) is None


def test_a_large_network_is_run_whole(random_backbone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "LARGEST", random_backbone.stat().st_size - 1)

    assert isinstance(load(random_backbone), Backbone)


def test_runs_single_photo_network_whole(random_backbone: Path, photos: list[Pixels], tmp_path: Path) -> None:
    # Given a network whose last operation fixes the batch to one photo
    graph = Graph(random_backbone.read_bytes())
    shape = graph.constant(np.array([1, 1280], np.int32), "shape")
    graph.set_output(graph.apply("RESHAPE", [graph.output, shape], (1, 1280), np.float32, schema.ReshapeOptionsT()))
    file = tmp_path / "one.tflite"
    file.write_bytes(graph.pack())

    network = load(file)
    features = np.empty((1, 1280), np.float32)
    network.compute_batch(photos[:1], features)

    assert network.batch == 1
    np.testing.assert_array_equal(features, one_by_one(random_backbone, photos[:1]))
