"""Stores a model's weights in fewer bits; a phone turns them back into floats once, when it loads the model.

What is computed stays in 32-bit floats, so that only the rounding of the weights costs accuracy. The two ways were
measured: docs/decisions/0051-quantized-models-for-phones.md.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from job.features.network.tflite_graph import Graph
from job.mobile.build import finished, parse_description

FLOAT16, INT8 = "float16", "int8"

SMALLEST = 1024
"""Values; a smaller tensor (biases, scales) is not quantized: that would save nothing and cost accuracy."""

LARGEST_FLOAT16 = float(np.finfo(np.float16).max)
"""A tensor with a larger value keeps its 32 bits."""

Weights = npt.NDArray[np.float32]

_CHANNELS = {
    schema.BuiltinOperator.CONV_2D: 0,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: 3,
    schema.BuiltinOperator.FULLY_CONNECTED: 0,
}
"""Operations with weights, their second input, and the axis of it along which each channel has its own scale."""


def with_quantized_weights(model: bytes, stored_as: str) -> bytes:
    """Return a phone's model with its weights stored as ``FLOAT16`` or ``INT8``."""
    described = parse_description(model)
    assert described is not None  # noqa: S101 - only models of ours come here
    graph = Graph(model)
    store = {FLOAT16: _as_float16, INT8: _as_int8}[stored_as]
    restoring = [
        _restored(graph, tensor, axis, store)
        for tensor, axis in _large_weights(graph).items()
        if stored_as == INT8 or np.abs(_values(graph, tensor)).max() <= LARGEST_FLOAT16
    ]
    graph.subgraph.operators = [*restoring, *graph.subgraph.operators]
    graph.drop_unused_buffers()
    return finished(graph, replace(described, stored_as=stored_as))


def int8_steps(weights: Weights, axis: int) -> tuple[npt.NDArray[np.int8], Weights]:
    """Return weights as -127..127 and each channel's step, so that weights are about steps times numbers.

    ``axis``: the one whose indices are the channels.
    """
    others = tuple(number for number in range(weights.ndim) if number != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    steps = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.round(weights / steps).astype(np.int8), steps.reshape(-1)


def _large_weights(graph: Graph) -> dict[int, int]:
    """Return the number and axis of every tensor of weights that is worth storing smaller."""
    found = {}
    for operator in graph.subgraph.operators:
        axis = _CHANNELS.get(graph.tree.operatorCodes[operator.opcodeIndex].builtinCode)
        if axis is None:
            continue
        number = int(operator.inputs[1])
        tensor = graph.subgraph.tensors[number]
        data = graph.tree.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.FLOAT32 and data is not None and np.prod(tensor.shape) >= SMALLEST:
            found[number] = axis
    return found


def _restored(graph: Graph, tensor: int, axis: int, store: Callable[[Graph, int, int], int]) -> Any:  # noqa: ANN401
    """Store a tensor's values smaller; return the operation that restores the tensor."""
    stored = store(graph, tensor, axis)
    # The tensor keeps its number, so that nothing that uses it changes; buffer 0 means: computed.
    graph.subgraph.tensors[tensor].buffer = 0
    return graph.operator("DEQUANTIZE", [stored], tensor, schema.DequantizeOptionsT())


def _values(graph: Graph, tensor: int) -> Weights:
    described = graph.subgraph.tensors[tensor]
    content = bytes(graph.tree.buffers[described.buffer].data)
    return np.frombuffer(content, np.float32).reshape(described.shape)


def _as_float16(graph: Graph, tensor: int, axis: int) -> int:  # noqa: ARG001 - every value has its own exponent
    return graph.constant(_values(graph, tensor).astype(np.float16), f"orchard/float16_{tensor}")


def _as_int8(graph: Graph, tensor: int, axis: int) -> int:
    numbers, steps = int8_steps(_values(graph, tensor), axis)
    stored = graph.constant(numbers, f"orchard/int8_{tensor}")
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = steps, np.zeros(len(steps), np.int64)
    quantization.quantizedDimension = axis
    graph.subgraph.tensors[stored].quantization = quantization
    return stored
