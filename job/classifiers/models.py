"""Classifiers as arrays: compute probabilities with NumPy, and read and write model files.

Prediction needs no Spark, and the files no pickle.

The inputs of a classifier are the components of a photo or its features.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from job.classifiers.distance import Distance, Floats
from job.errors import ResultsUnusableError
from job.matrices import from_npz, row_products, to_npz
from job.results import layout

Indices = npt.NDArray[np.int32]

NO_CHILD = -1
"""Value of ``component``, ``left`` and ``right`` in a leaf of a tree."""


class Model(ABC):
    """Arrays of a trained classifier, and its prediction."""

    @abstractmethod
    def scores(self, inputs: Floats) -> Floats:
        """Return the scores, of shape (photos, classes), for inputs of shape (photos, k)."""

    def probabilities(self, inputs: Floats, temperature: float = 1.0) -> Floats:
        """Return the softmax of the scores divided by a temperature, of shape (photos, classes)."""
        return softmax(self.scores(inputs) / temperature)

    @abstractmethod
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name, as in model.npz."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return the model with these arrays."""


@dataclass(frozen=True)
class LinearModel(Model):
    """Multinomial logistic regression or linear discriminant: linear scores."""

    RULE: ClassVar[str] = "softmax((inputs @ coefficients.T + intercepts) / temperature)"

    coefficients: Floats  # float64 of shape (classes, k)
    intercepts: Floats  # float64 of shape (classes,)

    def scores(self, inputs: Floats) -> Floats:
        """Return the scores, of shape (photos, classes)."""
        return row_products(inputs, self.coefficients) + self.intercepts

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {"coefficients": self.coefficients, "intercepts": self.intercepts}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return the model with these arrays."""
        return cls(arrays["coefficients"], arrays["intercepts"])


@dataclass(frozen=True)
class TreesModel(Model):
    """One or more decision trees; each votes with the class shares of the leaf that a photo reaches.

    One table has the nodes of all trees. An inner node sends a photo left if its input is at most the threshold,
    else right. The votes are added in the order of the trees and divided by their sum.
    """

    RULE: ClassVar[str] = (
        "from each root: left if inputs[component] <= threshold else right, until leaf >= 0; "
        "p = the sum of shares[leaf] over the trees, divided by its sum; then softmax(log(p + smoothing) / temperature)"
    )

    roots: Indices  # int32 of shape (trees,): row of each tree's root in the table
    component: Indices  # int32 of shape (nodes,): index of the input to compare, ``NO_CHILD`` in a leaf
    threshold: Floats  # float64 of shape (nodes,); 0 in a leaf
    # left, right: int32 of shape (nodes,): the next node, ``NO_CHILD`` in a leaf
    left: Indices
    right: Indices
    leaf: Indices  # int32 of shape (nodes,): row of ``shares``, ``NO_CHILD`` in an inner node
    shares: Floats  # float64 of shape (leaves, classes): share of each class among the training photos in the leaf
    smoothing: float = 0.0  # added to the votes, so that no score is infinite; 0 in results of earlier versions

    def votes(self, inputs: Floats) -> Floats:
        """Return the mean shares of the leaves that photos reach, of shape (photos, classes)."""
        photos = np.arange(len(inputs))
        votes = np.zeros((len(inputs), self.shares.shape[1]))
        for root in self.roots:
            node = np.full(len(inputs), root)
            walking = photos
            while len(walking):
                walking = walking[self.leaf[node[walking]] == NO_CHILD]
                here = node[walking]
                goes_left = inputs[walking, self.component[here]] <= self.threshold[here]
                node[walking] = np.where(goes_left, self.left[here], self.right[here])
            votes += self.shares[self.leaf[node]]
        mean: Floats = votes / votes.sum(axis=1, keepdims=True)
        return mean

    def scores(self, inputs: Floats) -> Floats:
        """Return the logarithms of the smoothed votes, of shape (photos, classes)."""
        # Without smoothing, the logarithm of no vote is -infinity, which the softmax turns into 0.
        with np.errstate(divide="ignore"):
            scores: Floats = np.log(self.votes(inputs) + self.smoothing)
        return scores

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name."""
        return {**{name: getattr(self, name) for name in _TREE_ARRAYS}, "smoothing": np.array(self.smoothing)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return the model with these arrays."""
        values: list[Any] = [*(arrays[name] for name in _TREE_ARRAYS), float(arrays.get("smoothing", 0.0))]
        return cls(*values)


_TREE_ARRAYS = ("roots", "component", "threshold", "left", "right", "leaf", "shares")


@dataclass(frozen=True)
class PerceptronModel(Model):
    """Multilayer perceptron: sigmoid layers, then linear scores."""

    RULE: ClassVar[str] = (
        "x = inputs; for every layer but the last: x = 1 / (1 + exp(-(x @ weights_N.T + biases_N))); "
        "then softmax((x @ weights_N.T + biases_N) / temperature)"
    )

    weights: tuple[Floats, ...]  # one per layer: float64 of shape (outputs, inputs)
    biases: tuple[Floats, ...]  # one per layer: float64 of shape (outputs,)

    def scores(self, inputs: Floats) -> Floats:
        """Return the scores, of shape (photos, classes)."""
        values = inputs
        for weights, biases in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = sigmoid(row_products(values, weights) + biases)
        return row_products(values, self.weights[-1]) + self.biases[-1]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays by name: weights_1, biases_1, weights_2, ..."""
        layers = list(zip(self.weights, self.biases, strict=True))
        return {
            name: array
            for number, (weights, biases) in enumerate(layers, 1)
            for name, array in ((f"weights_{number}", weights), (f"biases_{number}", biases))
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Return the model with these arrays."""
        numbers = range(1, len(arrays) // 2 + 1)
        return cls(
            tuple(arrays[f"weights_{number}"] for number in numbers),
            tuple(arrays[f"biases_{number}"] for number in numbers),
        )


COMPONENTS, FEATURES = "components", "features"
"""Values of --classify-on: the inputs of a classifier."""

DISCRIMINANT, LOGISTIC, PERCEPTRON = "discriminant", "logistic", "mlp"

MODELS: Mapping[str, type[LinearModel | TreesModel | PerceptronModel]] = {
    DISCRIMINANT: LinearModel,
    LOGISTIC: LinearModel,
    "tree": TreesModel,
    "forest": TreesModel,
    PERCEPTRON: PerceptronModel,
}
"""Values of --classifier other than none, and the model class of each."""


@dataclass(frozen=True)
class Classifier:
    """A trained classifier."""

    kind: str  # a key of ``MODELS``
    labels: tuple[str, ...]  # the training labels, sorted; a class is an index into them
    inputs: int  # how many components or features a photo has
    parameters: Mapping[str, Any]
    model: Model
    classify_on: str = COMPONENTS  # or FEATURES
    distance: Distance | None = None  # of components; None in results of earlier versions
    temperature: float = 1.0  # divides the scores; 1 in results of earlier versions, but of a discriminant

    def probabilities(self, inputs: npt.NDArray[np.float32]) -> Floats:
        """Return the probabilities, of shape (photos, labels), for inputs of shape (photos, k)."""
        return self.model.probabilities(inputs.astype(np.float64), self.temperature)

    def to_files(self) -> tuple[bytes, bytes]:
        """Return the contents of model.json and model.npz, the same bytes for the same classifier."""
        arrays = {**self.model.arrays(), "temperature": np.array(self.temperature)}
        description = {
            "schema_version": layout.SCHEMA_VERSION,
            "classifier": self.kind,
            "labels": list(self.labels),
            "classify_on": self.classify_on,
            self.classify_on: self.inputs,
            "parameters": dict(self.parameters),
            "probabilities": MODELS[self.kind].RULE,
            "arrays": {name: {"dtype": array.dtype.name, "shape": list(array.shape)} for name, array in arrays.items()},
        }
        # Compressed, because most shares of a leaf are zero.
        return layout.to_json(description), to_npz(arrays, compressed=True)

    @classmethod
    def from_files(cls, description: bytes, archive: bytes) -> Self:
        """Return the classifier from the contents of model.json and model.npz."""
        content = json.loads(description)
        layout.require_version(content, layout.MODEL)
        if content.get("classifier") not in MODELS:
            raise ResultsUnusableError(
                f"The classifier must be one of {', '.join(MODELS)}, got '{content.get('classifier')}'.",
                "Read it with the version of Orchard that wrote it.",
            )
        saved = from_npz(archive)
        arrays = {name: saved[name] for name in content["arrays"]}
        kind, classify_on = content["classifier"], content.get("classify_on", COMPONENTS)
        temperature = float(arrays.pop("temperature", 1.0))
        model = MODELS[kind].from_arrays(arrays)
        given = (kind, tuple(content["labels"]), content[classify_on], content["parameters"], model, classify_on)
        return cls(*given, temperature=temperature)


def softmax(values: Floats) -> Floats:
    """Return the exponentials of each row divided by their sum."""
    return softmax_and_logarithms(values)[0]


def softmax_and_logarithms(values: Floats) -> tuple[Floats, Floats]:
    """Return the softmax of each row, and the logarithm of the sum of its exponentials, of shape (rows,)."""
    largest = values.max(axis=1, keepdims=True)
    powers = np.exp(values - largest)
    sums = powers.sum(axis=1, keepdims=True)
    return powers / sums, (largest + np.log(sums))[:, 0]


def sigmoid(values: Floats) -> Floats:
    """Return ``1 / (1 + exp(-value))`` for each value."""
    # A large negative value overflows to 1 / (1 + infinity) = 0, which is correct.
    with np.errstate(over="ignore"):
        squashed: Floats = 1.0 / (1.0 + np.exp(-values))
    return squashed
