"""Express decision trees as matrices, comparisons and sums, for a runtime without branches.

This is the "GEMM" strategy of Hummingbird (Nakandala et al., "A Tensor Compiler for Unified Machine Learning Prediction
Serving", OSDI 2020): all questions of a tree are evaluated at once. A leaf is reached if every question on its path has
the answer of that path; the sum of answers, +1 for yes and -1 for no on the path, then equals its number of yeses.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from job.classifiers import TreesModel
from job.errors import PhoneModelError
from job.features.network.tflite_graph import Graph

LARGEST = 64_000_000
"""Most bytes of the matrices; deeper forests are too large for a phone."""

LEAST = 1e-30
"""Smoothing of trees without any: a phone's logarithm of 0 may not be -infinity."""

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TreeMatrices:
    """One tree."""

    asked: npt.NDArray[np.int32]  # int32 of shape (questions,): the component of each question
    thresholds: Float32s  # shape (questions,): yes if the component is at most this
    # shape (leaves, questions): 1 if yes leads to the leaf, -1 if no does, 0 if the question is not on its path
    paths: Float32s
    yeses: Float32s  # shape (leaves,): number of yeses on the path to the leaf
    shares: Float32s  # shape (leaves, labels)


def tree_matrices(model: TreesModel, root: int) -> TreeMatrices:
    """Return the matrices of the tree with this root."""
    questions: list[int] = []
    leaves: list[tuple[int, dict[int, int]]] = []
    waiting: list[tuple[int, dict[int, int]]] = [(int(root), {})]
    while waiting:
        node, way = waiting.pop()
        if model.leaf[node] >= 0:
            leaves.append((int(model.leaf[node]), way))
            continue
        number = len(questions)
        questions.append(node)
        waiting.append((int(model.right[node]), {**way, number: -1}))
        waiting.append((int(model.left[node]), {**way, number: 1}))
    _require_small(len(leaves), len(questions))
    # A tree of one leaf has no questions; a dummy question keeps the shapes valid.
    paths = np.zeros((len(leaves), max(len(questions), 1)), np.float32)
    for row, (_, way) in enumerate(leaves):
        for question, answer in way.items():
            paths[row, question] = answer
    asked, thresholds = (model.component[questions], model.threshold[questions]) if questions else ([0], [0.0])
    return TreeMatrices(
        np.asarray(asked, np.int32),
        at_most(np.asarray(thresholds, np.float64)),
        paths,
        (paths == 1).sum(axis=1).astype(np.float32),
        model.shares[[leaf for leaf, _ in leaves]].astype(np.float32),
    )


def at_most(thresholds: npt.NDArray[np.float64]) -> Float32s:
    """Round thresholds down to float32, which keeps the result of every comparison with a float32."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def apply_trees(graph: Graph, components: int, model: TreesModel, temperature: float) -> int:
    """Append the trees to a graph; return the index of their probabilities.

    ``components``: index of a tensor of shape (1, components).
    """
    trees = [tree_matrices(model, root) for root in model.roots]
    _require_small(sum(tree.paths.size for tree in trees), 1)
    labels = model.shares.shape[1]
    total, *others = [_apply_tree(graph, components, tree, len(trees)) for tree in trees]
    for part in others:
        total = graph.apply("ADD", [total, part], (1, labels), np.float32, schema.AddOptionsT())
    smoothing = graph.constant(np.full((1, 1), max(model.smoothing, LEAST), np.float32), "orchard/smoothing")
    smoothed = graph.apply("ADD", [total, smoothing], (1, labels), np.float32, schema.AddOptionsT())
    logarithms = graph.apply("LOG", [smoothed], (1, labels), np.float32)
    divisor = graph.constant(np.full((1, 1), temperature, np.float32), "orchard/temperature")
    scores = graph.apply("DIV", [logarithms, divisor], (1, labels), np.float32, schema.DivOptionsT())
    return graph.apply("SOFTMAX", [scores], (1, labels), np.float32, softmax_options())


def softmax_options() -> schema.SoftmaxOptionsT:
    """Return the options of an ordinary softmax."""
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return options


def _apply_tree(graph: Graph, components: int, tree: TreeMatrices, trees: int) -> int:
    leaves, questions = tree.paths.shape
    gather = schema.GatherOptionsT()
    gather.axis = 1
    asked = graph.constant(tree.asked, "orchard/asked")
    values = graph.apply("GATHER", [components, asked], (1, questions), np.float32, gather)
    thresholds = graph.constant(tree.thresholds[np.newaxis], "orchard/thresholds")
    answers = graph.apply("LESS_EQUAL", [values, thresholds], (1, questions), np.bool_, schema.LessEqualOptionsT())
    yeses = graph.multiply(graph.as_float(answers, questions), tree.paths)
    wanted = graph.constant(tree.yeses[np.newaxis], "orchard/yeses")
    reached = graph.apply("EQUAL", [yeses, wanted], (1, leaves), np.bool_, schema.EqualOptionsT())
    return graph.multiply(graph.as_float(reached, leaves), tree.shares.T / np.float32(trees))


def _require_small(leaves: int, questions: int) -> None:
    if 4 * leaves * questions > LARGEST:
        raise PhoneModelError(
            f"The matrices of the trees must take at most {LARGEST / 1e6:.0f} MB on a phone, and this run's take more.",
            "Train with --classifier logistic or --classifier mlp.",
        )
