"""Runs an exported network in two parts, the second for several photos at a time: the same features, sooner.

At its beginning a network computes many values with few weights, and those of one photo fill a processor's cache.
Towards its end it is the other way round: weights are most of what is fetched, for every photo again. So it is cut
where the weights begin to outweigh the values, and from there on photos share what was fetched.
docs/decisions/0082-split-models-for-batching.md has the figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from job.features.network.litert import FLOAT32, Interpreted
from job.features.network.tflite_graph import Graph

BATCH = 4
"""Photos that the second part is run for."""

LARGEST = 32 * 2**20
"""Bytes of a file worth taking apart. Larger networks compute more with each weight that they fetch: InceptionV3
gained nothing. And for a moment a network that is taken apart stands in memory several times."""


class SplitModel:
    """A network that computes the features of several photos; not for several threads at once.

    Raises
    ------
    ValueError, RuntimeError
        If the second part cannot be run for several photos.
    """

    batch, computed_in = BATCH, FLOAT32

    def __init__(self, first: bytes, second: bytes) -> None:
        self._first, self._second = Interpreted(first), Interpreted(second, BATCH)
        if self._second.result_shape[0] != BATCH:
            raise ValueError(f"The second part gives {self._second.result_shape} for {BATCH} photos")
        self._between = np.zeros(self._second.given_shape, np.float32)

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of at most ``BATCH`` photos in place, as ``backbone.Network`` has it."""
        for photo, values in zip(photos, self._between, strict=False):
            values[:] = self._first.run(photo[np.newaxis])[0]
        # What an earlier photo has left in the places of a batch that is not full changes no other photo's features.
        features[:] = self._second.run(self._between)[: len(photos)]


@dataclass(frozen=True)
class Place:
    """Where a network can be cut: all that goes on from there is one tensor."""

    number: int  # of the operation that comes next
    between: int  # number of the tensor
    # weights, values: how many weights are used from there on, and how many values are computed
    weights: int
    values: int


def cut(model: bytes) -> tuple[bytes, bytes] | None:
    """Return the two parts of a network; None if its weights never outweigh its values.

    Returns
    -------
    first
        A model from the photo to the values at the cut.
    second
        A model from these values to the features.
    """
    first, second = Graph(model), Graph(model)
    chosen = next((place for place in places(first) if place.weights > place.values), None)
    if chosen is None:
        return None
    photo, features = int(first.subgraph.inputs[0]), first.output
    first.keep(first.subgraph.operators[: chosen.number], photo, chosen.between)
    second.keep(second.subgraph.operators[chosen.number :], chosen.between, features)
    return first.pack(), second.pack()


def places(graph: Graph) -> Iterator[Place]:
    """Yield the places of a network, from its beginning to its end."""
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
            yield Place(number, next(iter(needed)), sum(weights[number:]), sum(values[number:]))
