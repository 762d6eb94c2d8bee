"""Splits an exported network for batching: the same features, computed faster.

The first layers of a network compute many values with few weights, and the values of one photo fill a processor's
cache. The last layers fetch mostly weights, again for every photo. So the network is cut where the weights begin to
outnumber the values, and the second part runs for several photos at a time.
docs/decisions/0082-a-network-in-two-parts.md has the figures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from job.features.network.litert import FLOAT32, Interpreted
from job.features.network.tflite_graph import Graph

BATCH = 4
"""Photos that the second part runs for at a time."""

LARGEST = 32 * 2**20
"""Bytes of a file that is worth splitting. Larger networks compute more with each weight that they fetch: InceptionV3
gained nothing. And splitting holds the network in memory several times."""


class SplitModel:
    """A network in two parts, as ``cut`` returns them; not for several threads at once.

    Loading raises ValueError or RuntimeError if the second part cannot run for several photos.
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
        # In a batch that is not full, values of earlier photos remain. They do not change other photos' features.
        features[:] = self._second.run(self._between)[: len(photos)]


@dataclass(frozen=True)
class CutPoint:
    """Where a network can be cut, because one tensor alone is needed from there on.

    Parameters
    ----------
    number
        Of the next operation.
    between
        Number of the tensor.
    weights, values
        How many weights are used and values are computed from there on.
    """

    number: int
    between: int
    weights: int
    values: int


def cut(model: bytes) -> tuple[bytes, bytes] | None:
    """Return models from the photo to the values at the cut, and from these values to the features.

    None if the weights never outnumber the values.
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
    """Yield the points at which a network can be cut, in order."""
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
