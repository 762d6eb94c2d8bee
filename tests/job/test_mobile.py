"""Tests of job/mobile.py and its neighbours: the phone's model computes what the run's parts compute."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.backbone import Backbone, read_description
from job.components import project
from job.errors import UsageError
from job.mobile import Classifier, Dense, MobileDescription, Projection, Tree, mobile_model, parse_description
from job.photo_classifier import PhotoClassifier
from job.reading import RejectedPhotoError, decode
from job.smaller_weights import FLOAT16, INT8, int8_steps, with_smaller_weights

LABELS = ("Apple", "Éclair", "Prune")

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def photos(sample_photos: Path) -> list[bytes]:
    return [photo.read_bytes() for photo in sorted(sample_photos.glob("*/*.jpg"))[::10]]


@pytest.fixture(scope="module")
def features(random_backbone: Path, photos: list[bytes]) -> Array:
    backbone = Backbone(random_backbone)
    computed = np.empty((len(photos), 1280), np.float32)
    for photo, row in zip(photos, computed, strict=True):
        backbone.compute(decode(photo, 224, 224), row)
    return computed


@pytest.fixture(scope="module")
def projection(features: Array) -> Projection:
    generator = np.random.default_rng(5)
    scale = features.std(axis=0, dtype=np.float64)
    scale[scale == 0] = 1
    return Projection(features.mean(axis=0, dtype=np.float64), scale, generator.normal(size=(4, 1280)) / 30)


@pytest.fixture(scope="module")
def components(features: Array, projection: Projection) -> Array:
    return project(features, projection.mean, projection.scale, projection.components).astype(np.float64)


def probabilities(model: bytes, photos: list[bytes], folder: Path) -> Array:
    (folder / "model.tflite").write_bytes(model)
    classifier = PhotoClassifier(folder / "model.tflite")
    return np.array([classifier.probabilities(photo) for photo in photos])


def softmax(values: Array) -> Array:
    raised: Array = np.exp(values - values.max(axis=1, keepdims=True))
    shares: Array = raised / raised.sum(axis=1, keepdims=True)
    return shares


def layer(seed: int, outputs: int, inputs: int, activation: str) -> Dense:
    generator = np.random.default_rng(seed)
    return Dense(generator.normal(size=(outputs, inputs)), generator.normal(size=outputs), activation)


def build(backbone: Path, projection: Projection, classifier: Classifier, kind: str) -> bytes:
    return mobile_model(backbone.read_bytes(), projection, classifier, kind, LABELS)


@pytest.fixture(scope="module")
def logistic(random_backbone: Path, projection: Projection) -> bytes:
    return build(random_backbone, projection, [layer(1, 3, 4, "softmax")], "logistic")


def test_a_logistic_regression_gives_the_softmax_of_its_layer(
    logistic: bytes, components: Array, photos: list[bytes], tmp_path: Path
) -> None:
    only = layer(1, 3, 4, "softmax")

    given = probabilities(logistic, photos, tmp_path)

    np.testing.assert_allclose(given, softmax(components @ only.weights.T + only.bias), atol=2e-4)


def test_a_perceptron_gives_what_its_layers_give_one_after_the_other(
    random_backbone: Path, projection: Projection, components: Array, photos: list[bytes], tmp_path: Path
) -> None:
    hidden, last = layer(2, 5, 4, "sigmoid"), layer(3, 3, 5, "softmax")

    given = probabilities(build(random_backbone, projection, [hidden, last], "mlp"), photos, tmp_path)

    activated = 1 / (1 + np.exp(-(components @ hidden.weights.T + hidden.bias)))
    np.testing.assert_allclose(given, softmax(activated @ last.weights.T + last.bias), atol=2e-4)


def two_questions(components: Array) -> Tree:
    """Ask the first component, then on the left the second one; three leaves."""
    middle = np.sort(components, axis=0)[1:3].mean(axis=0)
    leaves = [[0, 0, 0], [0, 0, 0], [0.1, 0.2, 0.7], [0.5, 0.25, 0.25], [0, 1, 0]]
    return Tree(
        feature=np.array([0, 1, -1, -1, -1]),
        threshold=np.array([middle[0], middle[1], 0, 0, 0]),
        left=np.array([1, 3, -1, -1, -1]),
        right=np.array([2, 4, -1, -1, -1]),
        probabilities=np.array(leaves),
    )


def walked(tree: Tree, row: Array) -> Array:
    node = 0
    while tree.feature[node] >= 0:
        goes_left = row[tree.feature[node]] <= tree.threshold[node]
        node = int(tree.left[node] if goes_left else tree.right[node])
    reached: Array = tree.probabilities[node]
    return reached


def test_trees_give_the_mean_of_the_leaves_that_a_walk_reaches(
    random_backbone: Path, projection: Projection, components: Array, photos: list[bytes], tmp_path: Path
) -> None:
    leaf = Tree(np.array([-1]), np.zeros(1), np.array([-1]), np.array([-1]), np.array([[0.25, 0.25, 0.5]]))
    trees = [two_questions(components), leaf]

    given = probabilities(build(random_backbone, projection, trees, "forest"), photos, tmp_path)

    wanted = np.array([np.mean([walked(tree, row) for tree in trees], axis=0) for row in components])
    assert len(np.unique(wanted, axis=0)) > 1
    np.testing.assert_allclose(given, wanted, atol=1e-6)


def test_trees_that_are_too_large_for_a_phone_are_refused(random_backbone: Path, projection: Projection) -> None:
    # A full tree of 12 levels: 4,095 questions and 4,096 leaves.
    nodes = np.arange(8191)
    inner = nodes < 4095
    tree = Tree(
        feature=np.where(inner, 0, -1),
        threshold=np.zeros(8191),
        left=np.where(inner, 2 * nodes + 1, -1),
        right=np.where(inner, 2 * nodes + 2, -1),
        probabilities=np.full((8191, 3), 1 / 3),
    )

    with pytest.raises(UsageError) as raised:
        build(random_backbone, projection, [tree], "tree")

    assert raised.value.what == (
        "The trees of this run are too large for a phone: as matrices they take more than 64 MB."
    )
    assert raised.value.remedy == "Train the run with --classifier logistic or mlp."


def test_the_file_says_what_it_is_and_carries_its_labels_where_phones_look_for_them(logistic: bytes) -> None:
    assert parse_description(logistic) == MobileDescription(
        backbone="mobilenet_v2",
        weights="random, seed 0",
        width=224,
        height=224,
        components=4,
        classifier="logistic",
        labels=LABELS,
    )
    with zipfile.ZipFile(io.BytesIO(logistic)) as archive:
        assert archive.read("labels.txt").decode() == "Apple\nÉclair\nPrune\n"


def test_the_same_run_gives_the_same_bytes(logistic: bytes, random_backbone: Path, projection: Projection) -> None:
    assert build(random_backbone, projection, [layer(1, 3, 4, "softmax")], "logistic") == logistic


def test_the_file_is_no_backbone_any_more(logistic: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(logistic)

    with pytest.raises(UsageError) as raised:
        read_description(tmp_path / "m.tflite")

    assert raised.value.what == f"'{tmp_path}/m.tflite' was not exported by this project."


@pytest.mark.parametrize(("stored_as", "share"), [(FLOAT16, 0.55), (INT8, 0.35)])
def test_smaller_weights_make_a_smaller_file_that_gives_nearly_the_same(
    logistic: bytes, photos: list[bytes], tmp_path: Path, stored_as: str, share: float
) -> None:
    smaller = with_smaller_weights(logistic, stored_as)

    described = parse_description(smaller)
    assert described is not None
    assert described.stored_as == stored_as
    assert len(smaller) < share * len(logistic)
    before, after = (probabilities(model, photos, tmp_path) for model in (logistic, smaller))
    assert (before != after).any()
    assert np.isfinite(after).all()


def test_each_channel_is_rounded_in_its_own_steps() -> None:
    weights = np.array([[1.0, -127.0, 0.4], [0, 0, 0], [0.5, 0.25, -0.125]], np.float32)

    numbers, steps = int8_steps(weights, axis=0)

    assert numbers.tolist() == [[1, -127, 0], [0, 0, 0], [127, 64, -32]]
    np.testing.assert_allclose(steps, [1, 1, 0.5 / 127])


def test_the_most_probable_label_is_given_with_its_probability(
    logistic: bytes, photos: list[bytes], tmp_path: Path
) -> None:
    given = probabilities(logistic, photos[:1], tmp_path)[0]

    assert PhotoClassifier(tmp_path / "model.tflite").classify(photos[0]) == (LABELS[given.argmax()], given.max())


def test_what_is_no_photo_is_rejected_as_the_job_rejects_it(logistic: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(logistic)

    with pytest.raises(RejectedPhotoError, match="not a photo, whatever its name says"):
        PhotoClassifier(tmp_path / "m.tflite").classify(b"text")


def test_models_that_cannot_be_used_are_refused(logistic: bytes, random_backbone: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.tflite").write_bytes(logistic[:100_000])

    for file, what in (
        (tmp_path / "none.tflite", f"The model '{tmp_path}/none.tflite' cannot be read: No such file or directory."),
        (tmp_path / "cut.tflite", f"The model '{tmp_path}/cut.tflite' is damaged."),
        (random_backbone, f"'{random_backbone}' is no model for phones."),
    ):
        with pytest.raises(UsageError) as raised:
            PhotoClassifier(file)
        assert raised.value.what == what
