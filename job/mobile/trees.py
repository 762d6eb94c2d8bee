"""Decision trees as matrices, comparisons and sums, for a runtime that knows no branches.

The "GEMM" strategy of Hummingbird (Nakandala et al., "A Tensor Compiler for Unified Machine Learning Prediction
Serving", OSDI 2020): every question of a tree is asked at once. A leaf is reached where all questions on the way to it
were answered its way; the sum of answers, +1 for a yes and -1 for a no that lead to it, is its number of yeses.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from job.classifiers import TreesModel
from job.errors import PhoneModelError
from job.features.network.tflite_graph import Graph

LARGEST = 64_000_000
"""Bytes of the matrices that trees become; deeper forests do not belong on a phone."""

Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TreeMatrices:
    """One tree."""

    asked: npt.NDArray[np.int32]  # int32 of shape (questions,): which component each question looks at
    thresholds: Float32s  # shape (questions,): a component that is at most this is a yes
    # shape (leaves, questions): 1 where a yes leads to the leaf, -1 where a no does, 0 where it is not asked
    paths: Float32s
    yeses: Float32s  # shape (leaves,): how many yeses lead to the leaf
    shares: Float32s  # shape (leaves, labels)


def tree_matrices(model: TreesModel, root: int) -> TreeMatrices:
    """Return the matrices of the tree that begins at a root."""
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
    # A tree that is one leaf asks nothing; one question that no leaf listens to keeps the shapes whole.
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
    """Return each threshold as the largest float32 that is at most it: comparisons of float32 values stay the same."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def apply_trees(graph: Graph, components: int, model: TreesModel) -> int:
    """Add the trees to a graph; return the tensor of the mean of their shares.

    ``components``: the number of their tensor, of shape (1, components).
    """
    trees = [tree_matrices(model, root) for root in model.roots]
    _require_small(sum(tree.paths.size for tree in trees), 1)
    labels = model.shares.shape[1]
    total, *others = [_apply_tree(graph, components, tree, len(trees)) for tree in trees]
    for part in others:
        total = graph.apply("ADD", [total, part], (1, labels), np.float32, schema.AddOptionsT())
    return total


def _apply_tree(graph: Graph, components: int, tree: TreeMatrices, trees: int) -> int:
    leaves, questions = tree.paths.shape
    gather = schema.GatherOptionsT()
    gather.axis = 1
    asked = graph.constant(tree.asked, "orchard/asked")
    values = graph.apply("GATHER", [components, asked], (1, questions), np.float32, gather)
    thresholds = graph.constant(tree.thresholds[np.newaxis], "orchard/thresholds")
    answers = graph.apply("LESS_EQUAL", [values, thresholds], (1, questions), np.bool_, schema.LessEqualOptionsT())
    yeses = graph.multiply(_as_float(graph, answers, questions), tree.paths)
    wanted = graph.constant(tree.yeses[np.newaxis], "orchard/yeses")
    reached = graph.apply("EQUAL", [yeses, wanted], (1, leaves), np.bool_, schema.EqualOptionsT())
    return graph.multiply(_as_float(graph, reached, leaves), tree.shares.T / np.float32(trees))


def _as_float(graph: Graph, answers: int, count: int) -> int:
    cast = schema.CastOptionsT()
    cast.inDataType, cast.outDataType = schema.TensorType.BOOL, schema.TensorType.FLOAT32
    return graph.apply("CAST", [answers], (1, count), np.float32, cast)


def _require_small(leaves: int, questions: int) -> None:
    if 4 * leaves * questions > LARGEST:
        raise PhoneModelError(
            f"The trees of this run are too large for a phone: as matrices they take more than {LARGEST / 1e6:.0f} MB.",
            "Train with --classifier logistic or mlp, or shallower trees.",
        )
