"""Tests of job/classifiers/models.py, without Spark; test_trees.py compares with Spark's own predictions."""

import json
from dataclasses import replace

import numpy as np
import pytest

from job.classifiers import (
    COMPONENTS,
    FEATURES,
    Classifier,
    Floats,
    LinearModel,
    Model,
    PerceptronModel,
    TreesModel,
)
from job.classifiers.models import sigmoid, softmax
from job.classifiers.trees import SMOOTHING, trees_model
from job.errors import ResultsUnusableError

LEAF = {"leftChild": -1, "rightChild": -1, "split": {"featureIndex": -1, "leftCategoriesOrThreshold": []}}

STUMP = [
    {
        "id": 0,
        "leftChild": 1,
        "rightChild": 2,
        "impurityStats": [3.0, 3.0],
        "split": {"featureIndex": 1, "leftCategoriesOrThreshold": [0.5]},
    },
    {"id": 1, "impurityStats": [3.0, 1.0], **LEAF},
    {"id": 2, "impurityStats": [0.0, 2.0], **LEAF},
]

MODELS: dict[str, Model] = {
    "discriminant": LinearModel(np.eye(2), np.array([0.0, 1.0])),
    "logistic": LinearModel(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 0.5])),
    "tree": trees_model([STUMP]),
    "forest": trees_model([STUMP, [{"id": 0, "impurityStats": [1.0, 3.0], **LEAF}]]),
    "mlp": PerceptronModel((np.eye(2), np.ones((2, 2))), (np.zeros(2), np.array([0.0, 1.0]))),
}


def classifier(kind: str, temperature: float = 1.0) -> Classifier:
    return Classifier(kind, ("Pêche", "plum"), 2, {"iterations": 5}, MODELS[kind], temperature=temperature)


def test_logistic_regression_is_a_softmax_of_sums() -> None:
    probabilities = classifier("logistic").probabilities(np.array([[2.0, 1.5]], np.float32))

    np.testing.assert_array_equal(probabilities, [[0.5, 0.5]])


@pytest.mark.parametrize("kind", list(MODELS))
def test_temperature_takes_the_root_of_probabilities(kind: str) -> None:
    rows = np.array([[0.3, 0.4], [1.0, 2.0]], np.float32)

    probabilities = classifier(kind, 2.0).probabilities(rows)

    roots = np.sqrt(classifier(kind).probabilities(rows))
    np.testing.assert_allclose(probabilities, roots / roots.sum(axis=1, keepdims=True), rtol=1e-12)


def votes(kind: str) -> Floats:
    model = MODELS[kind]
    assert isinstance(model, TreesModel)
    return model.votes(np.array([[9, 0.5], [9, 0.51]]))


def test_tree_gives_leaf_shares_and_goes_left_at_threshold() -> None:
    np.testing.assert_array_equal(votes("tree"), [[0.75, 0.25], [0.0, 1.0]])


def test_a_forest_gives_the_mean_of_its_trees() -> None:
    np.testing.assert_allclose(votes("forest"), [[0.5, 0.5], [0.125, 0.875]], rtol=1e-15)


def test_votes_are_smoothed() -> None:
    probabilities = classifier("tree").probabilities(np.array([[9, 0.51]], np.float32))

    np.testing.assert_allclose(
        probabilities, [[SMOOTHING / (1 + 2 * SMOOTHING), (1 + SMOOTHING) / (1 + 2 * SMOOTHING)]]
    )


def test_perceptron_applies_sigmoid_before_the_last_layer() -> None:
    probabilities = classifier("mlp").probabilities(np.array([[0, 0]], np.float32))

    np.testing.assert_allclose(probabilities, [[1 / (1 + np.e), np.e / (1 + np.e)]], rtol=1e-15)


def test_large_values_neither_overflow_nor_warn() -> None:
    np.testing.assert_array_equal(softmax(np.array([[1e4, 0.0]])), [[1.0, 0.0]])
    np.testing.assert_array_equal(sigmoid(np.array([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])


def test_no_photos_have_no_probabilities() -> None:
    for kind in MODELS:
        assert classifier(kind).probabilities(np.empty((0, 2), np.float32)).shape == (0, 2)


@pytest.mark.parametrize("kind", list(MODELS))
def test_classifier_round_trips_through_its_files(kind: str) -> None:
    description, archive = classifier(kind, 3.0).to_files()

    back = Classifier.from_files(description, archive)

    assert (back.kind, back.labels, back.inputs) == (kind, ("Pêche", "plum"), 2)
    assert back.to_files() == (description, archive)
    rows = np.array([[0.3, 0.4], [1.0, 2.0]], np.float32)
    np.testing.assert_array_equal(back.probabilities(rows), classifier(kind, 3.0).probabilities(rows))


def test_model_json_states_the_prediction_rule() -> None:
    content = json.loads(classifier("logistic").to_files()[0])

    assert content == {
        "schema_version": 2,
        "classifier": "logistic",
        "labels": ["Pêche", "plum"],
        "classify_on": "components",
        "components": 2,
        "parameters": {"iterations": 5},
        "probabilities": "softmax((inputs @ coefficients.T + intercepts) / temperature)",
        "arrays": {
            "coefficients": {"dtype": "float64", "shape": [2, 2]},
            "intercepts": {"dtype": "float64", "shape": [2]},
            "temperature": {"dtype": "float64", "shape": []},
        },
    }


def test_classifier_of_features_round_trips() -> None:
    on_features = replace(classifier("logistic"), classify_on=FEATURES)

    back = Classifier.from_files(*on_features.to_files())

    assert (back.classify_on, back.inputs) == (FEATURES, 2)


def test_reads_models_written_before_classify_on() -> None:
    description, archive = classifier("logistic").to_files()
    earlier = {name: value for name, value in json.loads(description).items() if name != "classify_on"}

    assert Classifier.from_files(json.dumps(earlier).encode(), archive).classify_on == COMPONENTS


@pytest.mark.parametrize("kind", ["logistic", "tree", "forest", "mlp"])
def test_reads_models_written_before_temperatures(kind: str) -> None:
    description, archive = classifier(kind).to_files()
    content = json.loads(description)
    content["arrays"] = {name: of for name, of in content["arrays"].items() if name not in ("temperature", "smoothing")}

    back = Classifier.from_files(json.dumps(content).encode(), archive)

    assert back.temperature == 1
    rows = np.array([[9, 0.5], [9, 0.51]], np.float32)
    expected = votes(kind) if kind in ("tree", "forest") else classifier(kind).probabilities(rows)
    np.testing.assert_allclose(back.probabilities(rows), expected, rtol=1e-15)


@pytest.mark.parametrize("description", [{"schema_version": 1, "classifier": "logistic"}, {"schema_version": 2}])
def test_refuses_other_version_or_kind(description: dict[str, object]) -> None:
    with pytest.raises(ResultsUnusableError):
        Classifier.from_files(json.dumps(description).encode(), b"")


def test_trees_share_one_table() -> None:
    model = MODELS["forest"]

    assert isinstance(model, TreesModel)
    assert model.roots.tolist() == [0, 3]
    assert model.left.tolist() == [1, -1, -1, -1]
    assert model.leaf.tolist() == [-1, 0, 1, 2]
