"""Run an exported network as a split model: the second part takes several photos at a time, with equal features.

The first layers compute many activations with few weights, and the activations of one photo fill a processor's cache.
The last layers read more weights than activations, again for every photo. The network is therefore cut where the
weights begin to outnumber the activations, and the photos of a batch share each weight that was read from memory.
docs/decisions/0082-split-models-for-batching.md has the figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from job.features.network.litert import Interpreted
from job.features.network.tflite_graph import Graph

BATCH = 4
"""Photos that the second part computes at a time."""

LARGEST = 32 * 2**20
"""Bytes of the largest file that is split. Larger networks do more arithmetic with each weight: InceptionV3 gained
nothing. Splitting also keeps several copies of the file in memory for a moment."""


class SplitModel:
    """A split model with the interface of ``backbone.Network``; not thread-safe.

    Raises
    ------
    ValueError, RuntimeError
        If the second part takes one photo only.
    """

    batch = BATCH

    def __init__(self, first: bytes, second: bytes) -> None:
        self._first, self._second = Interpreted(first), Interpreted(second, BATCH)
        if self._second.result_shape[0] != BATCH:
            raise ValueError(f"The second part returns {self._second.result_shape} for {BATCH} photos")
        self._between = np.zeros(self._second.given_shape, self._second.given_type)

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of at most ``BATCH`` photos in place; see ``backbone.Network``."""
        for photo, values in zip(photos, self._between, strict=False):
            values[:] = self._first.run(photo[np.newaxis])[0]
        # A batch that is not full keeps activations of earlier photos, which affect no other photo's features.
        features[:] = self._second.run(self._between)[: len(photos)]


@dataclass(frozen=True)
class CutPoint:
    """A point where a network can be cut, because a single tensor connects both sides."""

    number: int  # index of the next operation
    between: int  # index of the connecting tensor
    # weights, values: number of weights and of activations after the point
    weights: int
    values: int


def cut(model: bytes) -> tuple[bytes, bytes] | None:
    """Return the two parts of a network, or None if its weights never outnumber its activations.

    Returns
    -------
    first
        A model from the photo to the activations at the cut.
    second
        A model from these activations to the features.
    """
    first, second = Graph(model), Graph(model)
    chosen = next((point for point in cut_points(first) if point.weights > point.values), None)
    if chosen is None:
        return None
    photo, features = int(first.subgraph.inputs[0]), first.output
    first.keep(first.subgraph.operators[: chosen.number], photo, chosen.between)
    second.keep(second.subgraph.operators[chosen.number :], chosen.between, features)
    return first.pack(), second.pack()


def cut_points(graph: Graph) -> Iterator[CutPoint]:
    """Yield the cut points of a network from input to output."""
    operators = graph.subgraph.operators
    constants = [[tensor for tensor in operator.inputs if graph.is_constant(tensor)] for operator in operators]
    weights = [sum(map(graph.length, tensors)) for tensors in constants]
    values = [sum(map(graph.length, operator.outputs)) for operator in operators]
    last_use = {int(tensor): number for number, operator in enumerate(operators) for tensor in operator.inputs}
    last_use[graph.output] = len(operators)
    needed = {int(graph.subgraph.inputs[0])}
    for number, operator in enumerate(operators[:-1], 1):
        needed |= {int(tensor) for tensor in operator.outputs}
        needed = {tensor for tensor in needed if last_use.get(tensor, 0) >= number}
        if len(needed) == 1:
            yield CutPoint(number, next(iter(needed)), sum(weights[number:]), sum(values[number:]))
