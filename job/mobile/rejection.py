"""Append the output "unknown" to a phone model: 1 for a rejected photo, whose labels then have probability 0."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from job.classifiers import Distance
from job.features.network.tflite_graph import Graph


def append_unknown(graph: Graph, probabilities: int, whitened: int, distance: Distance, reject_below: float) -> int:
    """Append the operations that reject a photo; return the index of their output, of shape (1, labels + 1).

    Parameters
    ----------
    probabilities
        Index of a tensor of shape (1, labels).
    whitened
        Index of a tensor of shape (1, k): the components after ``distance.whitening``.
    """
    labels = graph.length(probabilities)
    improbable = _compare(graph, "LESS", _reduced(graph, "REDUCE_MAX", probabilities, axis=1), reject_below)
    far = _compare(graph, "GREATER", _nearest(graph, whitened, distance), distance.limit**2)
    either = graph.apply("LOGICAL_OR", [improbable, far], (1, 1), np.bool_, schema.LogicalOrOptionsT())
    unknown = graph.as_float(either, 1)
    one = graph.constant(np.ones((1, 1), np.float32), "orchard/one")
    known = graph.apply("SUB", [one, unknown], (1, 1), np.float32, schema.SubOptionsT())
    kept = graph.apply("MUL", [probabilities, known], (1, labels), np.float32, schema.MulOptionsT())
    joined = schema.ConcatenationOptionsT()
    joined.axis = 1
    return graph.apply("CONCATENATION", [kept, unknown], (1, labels + 1), np.float32, joined)


def _nearest(graph: Graph, whitened: int, distance: Distance) -> int:
    """Append the square of the distance to the nearest mean."""
    count, dimensions = distance.means.shape
    means = graph.constant(distance.means.astype(np.float32), "orchard/means")
    options, shape = schema.SquaredDifferenceOptionsT(), (count, dimensions)
    squares = graph.apply("SQUARED_DIFFERENCE", [whitened, means], shape, np.float32, options)
    return _reduced(graph, "REDUCE_MIN", _reduced(graph, "SUM", squares, axis=1, rows=count), axis=0)


def _reduced(graph: Graph, operation: str, values: int, axis: int, rows: int = 1) -> int:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    along = graph.constant(np.array([axis], np.int32), "orchard/axis")
    return graph.apply(operation, [values, along], (rows, 1), np.float32, options)


def _compare(graph: Graph, operation: str, value: int, bound: float) -> int:
    options = {"LESS": schema.LessOptionsT, "GREATER": schema.GreaterOptionsT}[operation]()
    limit = graph.constant(np.full((1, 1), bound, np.float32), "orchard/bound")
    return graph.apply(operation, [value, limit], (1, 1), np.bool_, options)
