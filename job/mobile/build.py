"""Builds the phone's model: one file that takes a photo and gives each label's probability.

The run's own backbone, with its weights as they are, is followed by what the run has fitted: standardisation and
projection as one matrix, then the classifier as matrices, comparisons and sums. Only TensorFlow Lite's built-in
operations are used. Why the file is made from the exported backbone: docs/decisions/0050-one-file-for-phones.md.
"""

import io
import json
import zipfile
from dataclasses import asdict, dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from job.classifiers import Classifier, Floats, LogisticModel, Model, PerceptronModel, TreesModel
from job.features.network import DESCRIPTION_KEY
from job.features.network.tflite_graph import Graph, read_metadata
from job.mobile.trees import apply_trees
from job.pca import Projection

MOBILE_KEY = "orchard.classifier"
"""The name under which the description stands in the file's metadata."""

LABELS_FILE = "labels.txt"
"""One label a line, in a ZIP archive behind the model: where tools for phones look for labels."""


@dataclass(frozen=True)
class Dense:
    """One layer: inputs times weights plus bias, then an activation."""

    weights: Floats  # shape (outputs, inputs)
    bias: Floats  # shape (outputs,)
    activation: str | None  # the built-in operation that follows, "LOGISTIC" or "SOFTMAX"; None for none


@dataclass(frozen=True)
class MobileDescription:
    """What a phone's model is, as its file says."""

    backbone: str
    weights: str
    # width, height: pixels of the photos that it takes: RGB 0..255 as bytes
    width: int
    height: int
    components: int
    classifier: str
    labels: tuple[str, ...]  # in the order of the probabilities
    stored_as: str = "float32"  # how weights are stored: "float32", or smaller


def mobile_model(backbone: bytes, projection: Projection, classifier: Classifier) -> bytes:
    """Return the phone's model."""
    described = json.loads(read_metadata(backbone, DESCRIPTION_KEY) or b"{}")
    graph = Graph(backbone)
    if isinstance(classifier.model, TreesModel):
        components = _apply_dense(graph, graph.output, projecting(projection))
        graph.set_output(apply_trees(graph, components, classifier.model))
    else:
        first, *others = dense_layers(classifier.model)
        current = graph.output
        for layer in (_after(projecting(projection), first), *others):
            current = _apply_dense(graph, current, layer)
        graph.set_output(current)
    description = MobileDescription(
        backbone=described["name"],
        weights=described["weights"],
        width=described["width"],
        height=described["height"],
        components=len(projection.components),
        classifier=classifier.kind,
        labels=classifier.labels,
    )
    # It is no backbone any more, and must not be taken for one.
    graph.drop_metadata(DESCRIPTION_KEY)
    return finished(graph, description)


def finished(graph: Graph, description: MobileDescription) -> bytes:
    """Return a model with its description inside and the file of labels behind it."""
    graph.add_metadata(MOBILE_KEY, json.dumps(asdict(description), ensure_ascii=False).encode())
    packed = io.BytesIO(graph.pack())
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a") as archive:
        # A fixed date: the same run gives the same bytes.
        archive.writestr(zipfile.ZipInfo(LABELS_FILE), "\n".join(description.labels) + "\n")
    return packed.getvalue()


def parse_description(model: bytes) -> MobileDescription | None:
    """Return what a phone's model says of itself; None if it is none of ours."""
    found = read_metadata(model, MOBILE_KEY)
    if found is None:
        return None
    described = json.loads(found)
    return MobileDescription(**{**described, "labels": tuple(described["labels"])})


def projecting(projection: Projection) -> Dense:
    """Return a projection as one layer."""
    weights = projection.components / projection.scale
    return Dense(weights, -(weights @ projection.mean), None)


def dense_layers(model: Model) -> list[Dense]:
    """Return a classifier of matrices as layers."""
    if isinstance(model, LogisticModel):
        return [Dense(model.coefficients, model.intercepts, "SOFTMAX")]
    if isinstance(model, PerceptronModel):
        last = len(model.weights) - 1
        pairs = zip(model.weights, model.biases, strict=True)
        return [Dense(*pair, "SOFTMAX" if number == last else "LOGISTIC") for number, pair in enumerate(pairs)]
    raise TypeError(f"{type(model).__name__} is no classifier of matrices")


def _after(first: Dense, second: Dense) -> Dense:
    """Return one layer that does what two do, where the first has no activation; float64, rounded once at the end."""
    return Dense(second.weights @ first.weights, second.weights @ first.bias + second.bias, second.activation)


def _apply_dense(graph: Graph, inputs: int, layer: Dense) -> int:
    outputs = len(layer.bias)
    result = graph.multiply(inputs, layer.weights.astype(np.float32), layer.bias.astype(np.float32))
    if layer.activation is None:
        return result
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    options = softmax if layer.activation == "SOFTMAX" else None
    return graph.apply(layer.activation, [result], (1, outputs), np.float32, options)
