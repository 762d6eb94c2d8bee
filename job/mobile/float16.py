"""Store a phone model's weights as float16; a phone turns them back into float32 once, when it loads the model.

What is computed stays in float32. docs/decisions/0131-int8-by-calibration.md has the smaller and faster int8 model.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from job.features.network import FLOAT16
from job.features.network.tflite_graph import Graph
from job.mobile.build import finished, parse_description

SMALLEST = 1024
"""Values; a smaller tensor (biases, scales) keeps its 32 bits: storing it smaller would save nothing."""

LARGEST_FLOAT16 = float(np.finfo(np.float16).max)
"""A tensor with a larger value keeps its 32 bits."""

_WEIGHTED = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)
"""Operations whose second input is weights."""


def with_float16_weights(model: bytes) -> bytes:
    """Return a phone's float32 model with its weights stored as float16."""
    described = parse_description(model)
    assert described is not None  # noqa: S101 - only models of ours come here
    graph = Graph(model)
    restoring = [_restored(graph, tensor, values) for tensor, values in _large_weights(graph).items()]
    graph.subgraph.operators = [*restoring, *graph.subgraph.operators]
    graph.drop_unused_buffers()
    return finished(graph, replace(described, stored_as=FLOAT16))


def _large_weights(graph: Graph) -> dict[int, npt.NDArray[np.float32]]:
    """Return the values of every tensor of weights that is worth storing smaller, by the tensor's number."""
    found = {}
    for operator in graph.subgraph.operators:
        if graph.tree.operatorCodes[operator.opcodeIndex].builtinCode not in _WEIGHTED:
            continue
        number = int(operator.inputs[1])
        tensor = graph.subgraph.tensors[number]
        data = graph.tree.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.FLOAT32 and data is not None and np.prod(tensor.shape) >= SMALLEST:
            values = np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)
            if np.abs(values).max() <= LARGEST_FLOAT16:
                found[number] = values
    return found


def _restored(graph: Graph, tensor: int, values: npt.NDArray[np.float32]) -> Any:  # noqa: ANN401
    """Store a tensor's values as float16; return the operation that restores the tensor."""
    stored = graph.constant(values.astype(np.float16), f"orchard/float16_{tensor}")
    # The tensor keeps its number, so that nothing that uses it changes; buffer 0 means: computed.
    graph.subgraph.tensors[tensor].buffer = 0
    return graph.operator("DEQUANTIZE", [stored], tensor, schema.DequantizeOptionsT())
