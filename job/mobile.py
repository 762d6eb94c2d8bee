"""Builds the phone's model: one file that takes a photo and gives each label's probability.

The run's own backbone, with its weights as they are, is followed by what the run has fitted: standardisation and
projection as one matrix, then the classifier as matrices, comparisons and sums. Only TensorFlow Lite's built-in
operations are used. Why the file is made from the exported backbone: docs/decisions/0050-the-phones-model.md.
"""

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from job.backbone import DESCRIPTION_KEY
from job.errors import UsageError
from job.tflite_graph import Graph, read_metadata

MOBILE_KEY = "orchard.classifier"
"""The name under which the description stands in the file's metadata."""

LABELS_FILE = "labels.txt"
"""One label a line, in a ZIP archive behind the model: where tools for phones look for labels."""

LARGEST_TREES = 64_000_000
"""Bytes of the matrices that trees become; deeper forests do not belong on a phone."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Dense:
    """One layer: inputs times weights plus bias, then an activation.

    Parameters
    ----------
    weights
        Shape (outputs, inputs).
    bias
        Shape (outputs,).
    activation
        "sigmoid", "softmax" or "none".
    """

    weights: Matrix
    bias: Matrix
    activation: str


@dataclass(frozen=True)
class Tree:
    """A binary decision tree as arrays over its nodes; node 0 is the root.

    Parameters
    ----------
    feature
        Which component a node looks at; -1 for a leaf. Shape (nodes,).
    threshold
        A photo goes left where its component is at most this. Shape (nodes,).
    left, right
        Numbers of the children; unused for a leaf. Shape (nodes,).
    probabilities
        What a leaf says of each label; unused for the others. Shape (nodes, labels).
    """

    feature: npt.NDArray[np.int64]
    threshold: Matrix
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    probabilities: Matrix


Classifier = Sequence[Dense] | Sequence[Tree]
"""Layers one after the other, or trees whose probabilities are averaged."""


@dataclass(frozen=True)
class Projection:
    """What turns features into components: (features - mean) / scale, times the components.

    Parameters
    ----------
    mean, scale
        Shape (features,).
    components
        Shape (components, features).
    """

    mean: Matrix
    scale: Matrix
    components: Matrix

    def as_dense(self) -> Dense:
        """Return the same as one layer."""
        weights = self.components / self.scale
        return Dense(weights, -(weights @ self.mean), "none")


@dataclass(frozen=True)
class MobileDescription:
    """What a phone's model is, as its file says.

    Parameters
    ----------
    backbone
        Name of the network.
    weights
        Where its weights come from.
    width, height
        Pixels of the photos that it takes: RGB 0..255 as bytes.
    components
        How many principal components stand between network and classifier.
    classifier
        Kind of the classifier.
    labels
        In the order of the probabilities.
    stored_as
        How weights are stored: "float32", or smaller.
    """

    backbone: str
    weights: str
    width: int
    height: int
    components: int
    classifier: str
    labels: tuple[str, ...]
    stored_as: str = "float32"


def mobile_model(
    backbone: bytes, projection: Projection, classifier: Classifier, kind: str, labels: Sequence[str]
) -> bytes:
    """Return the phone's model.

    Parameters
    ----------
    backbone
        The content of the exported file that the run used.
    projection
        The run's standardisation and components.
    classifier
        Takes components, gives a probability a label.
    kind
        Name of the classifier.
    labels
        In the order of the probabilities.

    Raises
    ------
    UsageError
        If the trees are too large to become matrices.
    """
    described = json.loads(read_metadata(backbone, DESCRIPTION_KEY) or b"{}")
    graph = Graph(backbone)
    layers = [layer for layer in classifier if isinstance(layer, Dense)]
    trees = [tree for tree in classifier if isinstance(tree, Tree)]
    if trees:
        features = _apply_dense(graph, graph.output, projection.as_dense())
        graph.set_output(_apply_trees(graph, features, trees, len(projection.components)))
    else:
        first = _after(projection.as_dense(), layers[0])
        current = graph.output
        for layer in (first, *layers[1:]):
            current = _apply_dense(graph, current, layer)
        graph.set_output(current)
    description = MobileDescription(
        backbone=described["name"],
        weights=described["weights"],
        width=described["width"],
        height=described["height"],
        components=len(projection.components),
        classifier=kind,
        labels=tuple(labels),
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


def stored_smaller(description: MobileDescription, stored_as: str) -> MobileDescription:
    """Return the description of the same model with its weights stored in another way."""
    return replace(description, stored_as=stored_as)


def _after(first: Dense, second: Dense) -> Dense:
    """Return one layer that does what two do, where the first has no activation; float64, rounded once at the end."""
    return Dense(second.weights @ first.weights, second.weights @ first.bias + second.bias, second.activation)


def _apply_dense(graph: Graph, inputs: int, layer: Dense) -> int:
    outputs = len(layer.bias)
    weights = graph.constant(layer.weights.astype(np.float32), "orchard/weights")
    bias = graph.constant(layer.bias.astype(np.float32), "orchard/bias")
    result = _fully_connected(graph, [inputs, weights, bias], outputs)
    if layer.activation == "sigmoid":
        return graph.apply("LOGISTIC", [result], (1, outputs), np.float32)
    if layer.activation == "softmax":
        softmax = schema.SoftmaxOptionsT()
        softmax.beta = 1.0
        return graph.apply("SOFTMAX", [result], (1, outputs), np.float32, softmax)
    return result


def _fully_connected(graph: Graph, inputs: list[int], outputs: int) -> int:
    return graph.apply("FULLY_CONNECTED", inputs, (1, outputs), np.float32, schema.FullyConnectedOptionsT())


def _apply_trees(graph: Graph, components: int, trees: Sequence[Tree], count: int) -> int:
    """Add trees as matrices (the "GEMM" strategy of Hummingbird, Nakandala et al., OSDI 2020).

    Every question is asked at once. A leaf is reached where all questions on its way were answered its way: the
    sum of answers, +1 for a yes and -1 for a no that lead to it, then equals the number of its yeses.
    """
    tables = [_Table.of(tree, count) for tree in trees]
    if sum(table.paths.size for table in tables) * 4 > LARGEST_TREES:
        raise UsageError(
            "The trees of this run are too large for a phone: as matrices they take more than "
            f"{LARGEST_TREES / 1e6:.0f} MB.",
            "Train the run with --classifier logistic or mlp.",
        )
    labels = trees[0].probabilities.shape[1]
    parts = [_apply_tree(graph, components, table, labels, len(trees)) for table in tables]
    total = parts[0]
    for part in parts[1:]:
        total = graph.apply("ADD", [total, part], (1, labels), np.float32, schema.AddOptionsT())
    return total


@dataclass(frozen=True)
class _Table:
    """A tree as matrices; ``asked`` (questions,), ``paths`` (leaves, questions), ``yeses`` (leaves,)."""

    asked: npt.NDArray[np.int32]
    thresholds: npt.NDArray[np.float32]
    paths: npt.NDArray[np.float32]
    yeses: npt.NDArray[np.float32]
    leaves: Matrix

    @classmethod
    def of(cls, tree: Tree, count: int) -> "_Table":
        questions = np.flatnonzero(tree.feature >= 0)
        leaves = np.flatnonzero(tree.feature < 0)
        number = {int(node): index for index, node in enumerate(questions)}
        paths = np.zeros((len(leaves), max(len(questions), 1)), np.float32)
        row = {int(node): index for index, node in enumerate(leaves)}
        waiting: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
        while waiting:
            node, way = waiting.pop()
            if node in row:
                for question, answer in way:
                    paths[row[node], question] = answer
                continue
            question = number[node]
            waiting.append((int(tree.left[node]), [*way, (question, 1)]))
            waiting.append((int(tree.right[node]), [*way, (question, -1)]))
        # A tree of one leaf asks nothing; one question whose answer is ignored keeps the shapes whole.
        asked = tree.feature[questions] if len(questions) else np.zeros(1, np.int64)
        thresholds = tree.threshold[questions] if len(questions) else np.zeros(1)
        assert asked.max() < count  # noqa: S101 - the run's classifier was trained on its components
        return cls(
            asked.astype(np.int32),
            thresholds.astype(np.float32),
            paths,
            (paths == 1).sum(axis=1).astype(np.float32),
            tree.probabilities[leaves],
        )


def _apply_tree(graph: Graph, components: int, table: _Table, labels: int, trees: int) -> int:
    questions, leaves = len(table.asked), len(table.leaves)
    gather = schema.GatherOptionsT()
    gather.axis = 1
    asked = graph.constant(table.asked, "orchard/asked")
    values = graph.apply("GATHER", [components, asked], (1, questions), np.float32, gather)
    thresholds = graph.constant(table.thresholds[np.newaxis], "orchard/thresholds")
    answers = graph.apply("LESS_EQUAL", [values, thresholds], (1, questions), np.bool_, schema.LessEqualOptionsT())
    paths = graph.constant(table.paths, "orchard/paths")
    yeses = _fully_connected(graph, [_as_float(graph, answers, questions), paths, -1], leaves)
    wanted = graph.constant(table.yeses[np.newaxis], "orchard/yeses")
    reached = graph.apply("EQUAL", [yeses, wanted], (1, leaves), np.bool_, schema.EqualOptionsT())
    probabilities = graph.constant((table.leaves.T / trees).astype(np.float32), "orchard/leaves")
    return _fully_connected(graph, [_as_float(graph, reached, leaves), probabilities, -1], labels)


def _as_float(graph: Graph, answers: int, count: int) -> int:
    cast = schema.CastOptionsT()
    cast.inDataType, cast.outDataType = schema.TensorType.BOOL, schema.TensorType.FLOAT32
    return graph.apply("CAST", [answers], (1, count), np.float32, cast)
