"""Build the phone model: one TensorFlow Lite file from a photo to the probability of each label.

The graph is the run's exported backbone, followed by standardization and projection as one matrix, and the classifier
as matrices, comparisons and sums. It uses built-in operations only.
docs/decisions/0050-one-file-for-phones.md explains why it is built from the exported file.
"""

import io
import json
import zipfile
from dataclasses import asdict, dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from job.classifiers import (
    COMPONENTS,
    UNKNOWN,
    Classifier,
    Floats,
    LinearModel,
    PerceptronModel,
    TreesModel,
)
from job.errors import printable_line
from job.features.network import CALIBRATING_KEY, DESCRIPTION_KEY, FLOAT32, NO_TRANSFORM, SQRT
from job.features.network.tflite_graph import Graph, read_metadata
from job.mobile.rejection import append_unknown
from job.mobile.trees import apply_trees, softmax_options
from job.pca import Projection

MOBILE_KEY = "orchard.classifier"
"""Key of the description in the file's metadata."""

LABELS_FILE = "labels.txt"
"""One label per line, in a ZIP archive appended to the model, where phone tools look for labels."""


@dataclass(frozen=True)
class Dense:
    """A fully connected layer and its activation."""

    weights: Floats  # shape (outputs, inputs)
    bias: Floats  # shape (outputs,)
    activation: str | None  # built-in operation: "LOGISTIC" or "SOFTMAX"; None for none


@dataclass(frozen=True)
class MobileDescription:
    """The description inside a phone model."""

    backbone: str
    weights: str
    # width, height: of the input in pixels, RGB 0..255 as uint8
    width: int
    height: int
    components: int  # 0 if the classifier takes the features
    classifier: str
    labels: tuple[str, ...]  # in the order of the probabilities
    stored_as: str = "float32"  # how the network's weights are stored: "float32", "float16" or "int8"
    views: int = 1  # the input is one photo for each of these ``job.images.WINDOWS``
    reject_below: float | None = None  # with a probability, the last label is "unknown"


def mobile_model(
    backbone: bytes,
    projection: Projection,
    classifier: Classifier,
    views: int = 1,
    transform: str = NO_TRANSFORM,
    reject_below: float | None = None,
) -> bytes:
    """Return the phone model of a run.

    Parameters
    ----------
    classifier
        With a distance, if photos are rejected.
    views
        Number of views whose features it averages.
    transform
        What is applied to the features.
    reject_below
        Least probability of a label; None if no photo may be unknown.
    """
    described = json.loads(read_metadata(backbone, DESCRIPTION_KEY) or b"{}")
    graph = Graph(backbone)
    if views > 1:
        graph.set_batch(views)
        graph.set_output(_apply_mean(graph, graph.output, described["features"]))
    if transform == SQRT:
        graph.set_output(graph.apply("SQRT", [graph.output], (1, described["features"]), np.float32))
    on_components, features = classifier.classify_on == COMPONENTS, graph.output
    if isinstance(classifier.model, TreesModel):
        inputs = _apply_dense(graph, graph.output, projecting(projection)) if on_components else graph.output
        graph.set_output(apply_trees(graph, inputs, classifier.model, classifier.temperature))
    else:
        first, *others = dense_layers(classifier)
        current = graph.output
        for layer in (_after(projecting(projection), first) if on_components else first, *others):
            current = _apply_dense(graph, current, layer)
        graph.set_output(current)
    labels, distance = classifier.labels, classifier.distance
    if reject_below is not None and distance is not None:
        labels = (*labels, UNKNOWN)
        whitening = Dense(distance.whitening, np.zeros(len(distance.whitening)), None)
        whitened = _apply_dense(graph, features, _after(projecting(projection), whitening))
        graph.set_output(append_unknown(graph, graph.output, whitened, distance, reject_below))
    description = MobileDescription(
        backbone=described["name"],
        weights=described["weights"],
        width=described["width"],
        height=described["height"],
        components=len(projection.components) if on_components else 0,
        classifier=classifier.kind,
        labels=labels,
        stored_as=described.get("precision", FLOAT32),
        views=views,
        reject_below=reject_below,
    )
    # Without its description nothing accepts the file as a backbone.
    for key in (DESCRIPTION_KEY, CALIBRATING_KEY):
        graph.drop_metadata(key)
    return finished(graph, description)


def finished(graph: Graph, description: MobileDescription) -> bytes:
    """Return the file of a model with its description and the appended labels."""
    graph.add_metadata(MOBILE_KEY, json.dumps(asdict(description), ensure_ascii=False).encode())
    packed = io.BytesIO(graph.pack())
    packed.seek(0, io.SEEK_END)
    with zipfile.ZipFile(packed, "a") as archive:
        # ZipInfo has a fixed date, so that the same run gives the same bytes.
        # A line break in a label would shift all labels after it.
        lines = "".join(f"{printable_line(label)}\n" for label in description.labels)
        archive.writestr(zipfile.ZipInfo(LABELS_FILE), lines)
    return packed.getvalue()


def parse_description(model: bytes) -> MobileDescription | None:
    """Return the description of a phone model; None if the file is not one."""
    found = read_metadata(model, MOBILE_KEY)
    if found is None:
        return None
    described = json.loads(found)
    return MobileDescription(**{**described, "labels": tuple(described["labels"])})


def projecting(projection: Projection) -> Dense:
    """Return a projection as one layer."""
    return Dense(projection.weights, -(projection.weights @ projection.mean), None)


def dense_layers(classifier: Classifier) -> list[Dense]:
    """Return a classifier other than trees as layers; the last one divides by the temperature."""
    model = classifier.model
    if isinstance(model, LinearModel):
        weights, biases = [model.coefficients], [model.intercepts]
    elif isinstance(model, PerceptronModel):
        weights, biases = list(model.weights), list(model.biases)
    else:
        raise TypeError(f"{type(model).__name__} has no layers")
    *hidden, (last, bias) = zip(weights, biases, strict=True)
    divisor = classifier.temperature
    return [*(Dense(*pair, "LOGISTIC") for pair in hidden), Dense(last / divisor, bias / divisor, "SOFTMAX")]


def _after(first: Dense, second: Dense) -> Dense:
    """Merge two layers, the first without activation, in float64."""
    return Dense(second.weights @ first.weights, second.weights @ first.bias + second.bias, second.activation)


def _apply_mean(graph: Graph, inputs: int, features: int) -> int:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    axis = graph.constant(np.zeros(1, np.int32), "orchard/views")
    return graph.apply("MEAN", [inputs, axis], (1, features), np.float32, options)


def _apply_dense(graph: Graph, inputs: int, layer: Dense) -> int:
    outputs = len(layer.bias)
    result = graph.multiply(inputs, layer.weights.astype(np.float32), layer.bias.astype(np.float32))
    if layer.activation is None:
        return result
    options = softmax_options() if layer.activation == "SOFTMAX" else None
    return graph.apply(layer.activation, [result], (1, outputs), np.float32, options)
