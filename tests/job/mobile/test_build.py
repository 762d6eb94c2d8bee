"""Tests of job/mobile/build.py and its neighbours: the phone's model computes what the run's parts compute."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from job.classifiers import Classifier, Distance, LinearModel, Model, PerceptronModel, TreesModel
from job.errors import BackboneError, PhoneModelError
from job.features.network import SQRT, Backbone, read_description
from job.images import EXACT, RejectedPhotoError, decode_views
from job.mobile import (
    MobileDescription,
    PhotoClassifier,
    mobile_model,
    parse_description,
    with_float16_weights,
)
from job.mobile.trees import at_most, tree_matrices
from job.pca import Projection
from tests.job.features.network.computed import features_of

LABELS = ("Apple", "Éclair", "Prune")

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def photos(sample_photos: Path) -> list[bytes]:
    return [photo.read_bytes() for photo in sorted(sample_photos.glob("*/*.jpg"))[::10]]


@pytest.fixture(scope="module")
def features(random_backbone: Path, photos: list[bytes]) -> Array:
    return features_of(random_backbone, photos)


@pytest.fixture(scope="module")
def projection(features: Array) -> Projection:
    generator = np.random.default_rng(5)
    scale = features.std(axis=0, dtype=np.float64)
    scale[scale == 0] = 1
    return Projection(features.mean(axis=0, dtype=np.float64), scale, generator.normal(size=(4, 1280)) / 30)


@pytest.fixture(scope="module")
def components(features: Array, projection: Projection) -> Array:
    return projection.project(features).astype(np.float64)


def probabilities(model: bytes, photos: list[bytes], folder: Path) -> Array:
    (folder / "model.tflite").write_bytes(model)
    classifier = PhotoClassifier(folder / "model.tflite")
    return np.array([classifier.probabilities(photo) for photo in photos])


def layer(seed: int, outputs: int, inputs: int) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=(outputs, inputs)), generator.normal(size=outputs)


def build(backbone: Path, projection: Projection, kind: str, model: Model, temperature: float = 1.0) -> bytes:
    classifier = Classifier(kind, LABELS, 4, {}, model, temperature=temperature)
    return mobile_model(backbone.read_bytes(), projection, classifier)


@pytest.fixture(scope="module")
def regression() -> LinearModel:
    return LinearModel(*layer(1, 3, 4))


@pytest.fixture(scope="module")
def logistic(random_backbone: Path, projection: Projection, regression: LinearModel) -> bytes:
    return build(random_backbone, projection, "logistic", regression)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_logistic_regression_gives_its_probabilities(
    random_backbone: Path,
    projection: Projection,
    regression: LinearModel,
    components: Array,
    photos: list[bytes],
    tmp_path: Path,
    temperature: float,
) -> None:
    given = probabilities(build(random_backbone, projection, "logistic", regression, temperature), photos, tmp_path)

    np.testing.assert_allclose(given, regression.probabilities(components, temperature), atol=2e-4)


def test_a_perceptron_gives_its_probabilities(
    random_backbone: Path, projection: Projection, components: Array, photos: list[bytes], tmp_path: Path
) -> None:
    layers = [layer(2, 5, 4), layer(3, 6, 5), layer(4, 3, 6)]
    perceptron = PerceptronModel(tuple(weights for weights, _ in layers), tuple(biases for _, biases in layers))

    given = probabilities(build(random_backbone, projection, "mlp", perceptron, 2.5), photos, tmp_path)

    np.testing.assert_allclose(given, perceptron.probabilities(components, 2.5), atol=2e-4)


def forest(components: Array) -> TreesModel:
    """Return a tree on two components and a tree of one leaf."""
    middle = np.sort(components, axis=0)[1:3].mean(axis=0)
    return TreesModel(
        roots=np.array([0, 5]),
        component=np.array([0, 1, -1, -1, -1, -1]),
        threshold=np.array([middle[0], middle[1], 0, 0, 0, 0]),
        left=np.array([1, 3, -1, -1, -1, -1]),
        right=np.array([2, 4, -1, -1, -1, -1]),
        leaf=np.array([-1, -1, 0, 1, 2, 3]),
        shares=np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25], [0, 1, 0], [0.25, 0.25, 0.5]]),
    )


@pytest.mark.parametrize(("smoothing", "temperature"), [(0.0, 1.0), (0.01, 0.4)])
def test_a_forest_gives_its_probabilities(
    random_backbone: Path,
    projection: Projection,
    components: Array,
    photos: list[bytes],
    tmp_path: Path,
    smoothing: float,
    temperature: float,
) -> None:
    trees = replace(forest(components), smoothing=smoothing)

    given = probabilities(build(random_backbone, projection, "forest", trees, temperature), photos, tmp_path)

    wanted = trees.probabilities(components, temperature)
    assert len(np.unique(wanted, axis=0)) > 1
    np.testing.assert_allclose(given, wanted, atol=1e-6)


def test_a_tree_is_matrices_of_its_questions_and_leaves() -> None:
    matrices = tree_matrices(forest(np.arange(16.0).reshape(4, 4)), 0)

    assert matrices.asked.tolist() == [0, 1]
    assert matrices.thresholds.tolist() == [6, 7]
    assert matrices.paths.tolist() == [[1, 1], [1, -1], [-1, 0]]
    assert matrices.yeses.tolist() == [2, 1, 0]
    np.testing.assert_allclose(matrices.shares, [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]])


def test_rounded_thresholds_keep_every_comparison() -> None:
    above, below = np.float64(0.1), np.float64(np.float32(0.1))

    assert at_most(np.array([above]))[0] <= above
    assert at_most(np.array([below]))[0] == np.float32(0.1)
    assert np.nextafter(at_most(np.array([above]))[0], np.float32(1)) > above


def test_trees_too_large_for_a_phone_are_refused(random_backbone: Path, projection: Projection) -> None:
    # A full tree of 12 levels: 4,095 questions and 4,096 leaves.
    nodes = np.arange(8191)
    inner = nodes < 4095
    tree = TreesModel(
        roots=np.array([0]),
        component=np.where(inner, 0, -1),
        threshold=np.zeros(8191),
        left=np.where(inner, 2 * nodes + 1, -1),
        right=np.where(inner, 2 * nodes + 2, -1),
        leaf=np.where(inner, -1, nodes - 4095),
        shares=np.full((4096, 3), 1 / 3),
    )

    with pytest.raises(PhoneModelError) as raised:
        build(random_backbone, projection, "tree", tree)

    assert "64 MB" in raised.value.message


def test_file_holds_description_and_labels(logistic: bytes) -> None:
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


def test_label_with_line_break_takes_one_line(
    random_backbone: Path, projection: Projection, regression: LinearModel
) -> None:
    classifier = Classifier("logistic", ("a\nb", *LABELS[1:]), 4, {}, regression)

    with zipfile.ZipFile(io.BytesIO(mobile_model(random_backbone.read_bytes(), projection, classifier))) as archive:
        assert archive.read("labels.txt").decode().splitlines() == ["a\\nb", *LABELS[1:]]


def test_same_run_gives_same_bytes(
    logistic: bytes, random_backbone: Path, projection: Projection, regression: LinearModel
) -> None:
    assert build(random_backbone, projection, "logistic", regression) == logistic


def test_phone_model_is_not_accepted_as_backbone(logistic: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(logistic)

    with pytest.raises(BackboneError):
        read_description(tmp_path / "m.tflite")


def test_float16_file_is_smaller_with_similar_results(logistic: bytes, photos: list[bytes], tmp_path: Path) -> None:
    smaller = with_float16_weights(logistic)

    described = parse_description(smaller)
    assert described is not None
    assert described.stored_as == "float16"
    assert len(smaller) < 0.55 * len(logistic)
    before, after = (probabilities(model, photos, tmp_path) for model in (logistic, smaller))
    assert (before != after).any()
    assert np.isfinite(after).all()


def test_views_are_averaged_inside_the_phone_model(
    random_backbone: Path, projection: Projection, regression: LinearModel, photos: list[bytes], tmp_path: Path
) -> None:
    classifier = Classifier("logistic", LABELS, 4, {}, regression)
    model = mobile_model(random_backbone.read_bytes(), projection, classifier, views=3)

    given = probabilities(model, photos[:2], tmp_path)

    network = Backbone(random_backbone)
    for photo, ours in zip(photos[:2], given, strict=True):
        views = [network.run(view[np.newaxis])[0] for view in decode_views(photo, 224, 224, 3, EXACT).pixels()]
        features = np.mean(views, axis=0)[np.newaxis]
        reduced = projection.project(features).astype(np.float64)
        np.testing.assert_allclose(ours, regression.probabilities(reduced)[0], atol=2e-4)


def test_phone_model_takes_the_square_root_of_features(
    random_backbone: Path, projection: Projection, regression: LinearModel, photos: list[bytes], tmp_path: Path
) -> None:
    classifier = Classifier("logistic", LABELS, 4, {}, regression)
    model = mobile_model(random_backbone.read_bytes(), projection, classifier, views=3, transform=SQRT)

    given = probabilities(model, photos[:1], tmp_path)[0]

    network = Backbone(random_backbone)
    views = [network.run(view[np.newaxis])[0] for view in decode_views(photos[0], 224, 224, 3, EXACT).pixels()]
    features = np.sqrt(np.mean(views, axis=0))[np.newaxis]
    reduced = projection.project(features).astype(np.float64)
    np.testing.assert_allclose(given, regression.probabilities(reduced)[0], atol=2e-4)


@pytest.mark.parametrize("kind", ["logistic", "forest"])
def test_rejected_photos_have_the_label_unknown(
    random_backbone: Path,
    projection: Projection,
    regression: LinearModel,
    components: Array,
    photos: list[bytes],
    tmp_path: Path,
    kind: str,
) -> None:
    models: dict[str, LinearModel | TreesModel] = {"logistic": regression, "forest": forest(components)}
    whitening = layer(7, 4, 4)[0]
    means = components[:2] @ whitening.T + 0.1
    distances = Distance(whitening, means, np.inf).of(components)
    wanted = models[kind].probabilities(components)
    limit, below = float(np.sort(distances)[-2:].mean()), float(np.sort(wanted.max(axis=1))[1]) - 1e-3
    rejected = (distances > limit) | (wanted.max(axis=1) < below)
    assert 0 < rejected.sum() < len(photos)
    classifier = Classifier(kind, LABELS, 4, {}, models[kind], distance=Distance(whitening, means, limit))

    model = mobile_model(random_backbone.read_bytes(), projection, classifier, reject_below=below)
    given = probabilities(model, photos, tmp_path)

    np.testing.assert_array_equal(given[:, 3], rejected)
    np.testing.assert_allclose(given[:, :3], wanted * ~rejected[:, np.newaxis], atol=2e-4)
    described = parse_description(model)
    assert described is not None
    assert (described.labels, described.reject_below) == ((*LABELS, "unknown"), below)
    unknown = photos[int(rejected.argmax())]
    assert PhotoClassifier(tmp_path / "model.tflite").classify(unknown) == ("unknown", 1.0)


def test_classify_returns_most_probable_label(logistic: bytes, photos: list[bytes], tmp_path: Path) -> None:
    given = probabilities(logistic, photos[:1], tmp_path)[0]

    assert PhotoClassifier(tmp_path / "model.tflite").classify(photos[0]) == (LABELS[given.argmax()], given.max())


def test_rejects_bytes_that_are_not_a_photo(logistic: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(logistic)

    with pytest.raises(RejectedPhotoError):
        PhotoClassifier(tmp_path / "m.tflite").classify(b"text")


def test_unusable_models_are_refused(logistic: bytes, random_backbone: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.tflite").write_bytes(logistic[:100_000])

    for file in (tmp_path / "none.tflite", tmp_path / "cut.tflite", random_backbone):
        with pytest.raises(PhoneModelError) as raised:
            PhotoClassifier(file)
        assert f"'{file}'" in raised.value.message
