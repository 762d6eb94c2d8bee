"""Edit the graph of a TensorFlow Lite model: add operations or remove them.

Existing weights are copied byte for byte, so that an edited model computes with exactly the exported weights.
"""

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

VERSIONS = {"DEQUANTIZE": 5}
"""Least version of an operation, where 1 is not enough: DEQUANTIZE 5 supports a scale per channel."""

Array = npt.NDArray[Any]

_TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


class Graph:
    """A model with one subgraph, as objects of the format's schema."""

    def __init__(self, model: bytes) -> None:
        self.tree = schema.ModelT.InitFromPackedBuf(model, 0)
        self.subgraph = self.tree.subgraphs[0]

    @property
    def output(self) -> int:
        """The index of the output tensor."""
        return int(self.subgraph.outputs[0])

    def length(self, tensor: int) -> int:
        """Return the number of values of a tensor, for one photo."""
        return int(np.prod(self.subgraph.tensors[tensor].shape))

    def is_constant(self, tensor: int) -> bool:
        """Return whether the model stores the values of a tensor."""
        # An optional input that is left out has index -1.
        content = None if tensor < 0 else self.tree.buffers[self.subgraph.tensors[tensor].buffer].data
        return content is not None and len(content) > 0

    def keep(self, operators: list[Any], given: int, result: int) -> None:
        """Keep only these operations and their data; ``given`` and ``result`` are the new input and output tensors."""
        self.subgraph.operators = operators
        self.subgraph.inputs = np.array([given], np.int32)
        self.set_output(result)
        self.tree.metadata = []
        self.drop_unused_buffers()

    def set_batch(self, photos: int) -> None:
        """Change the first dimension of the input and of all computed tensors from 1 to a number of photos."""
        computed = {int(tensor) for operator in self.subgraph.operators for tensor in operator.outputs}
        for tensor in (self.subgraph.tensors[index] for index in {int(self.subgraph.inputs[0]), *computed}):
            if len(tensor.shape) and tensor.shape[0] == 1:
                tensor.shape = np.array([photos, *tensor.shape[1:]], np.int32)
        self.tree.signatureDefs = []

    def drop_unused_buffers(self) -> None:
        """Remove the bytes that neither an operation nor the metadata refers to."""
        tensors = {int(tensor) for operator in self.subgraph.operators for tensor in operator.inputs}
        used = {self.subgraph.tensors[tensor].buffer for tensor in tensors if tensor >= 0}
        used |= {entry.buffer for entry in self.tree.metadata or []}
        for number, buffer in enumerate(self.tree.buffers):
            if number not in used:
                buffer.data = None

    def set_output(self, tensor: int) -> None:
        """Make another tensor the output."""
        # A signature would still name the old output.
        self.tree.signatureDefs = []
        self.subgraph.outputs = np.array([tensor], np.int32)

    def constant(self, values: Array, name: str) -> int:
        """Add a constant tensor; return its index."""
        return self._add_tensor(values.dtype, values.shape, name, self.add_buffer(values))

    def add_buffer(self, values: Array) -> int:
        """Add the bytes of an array; return the index of their buffer."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.tree.buffers.append(buffer)
        return len(self.tree.buffers) - 1

    def apply(
        self,
        operation: str,
        inputs: list[int],
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        options: Any = None,  # noqa: ANN401
    ) -> int:
        """Append an operation; return the index of its output tensor."""
        result = self._add_tensor(np.dtype(dtype), shape, f"orchard/{operation.lower()}_{len(self.subgraph.tensors)}")
        self.subgraph.operators.append(self.operator(operation, inputs, result, options))
        return result

    def multiply(self, inputs: int, weights: Array, bias: Array | None = None) -> int:
        """Append a fully connected layer; return the index of its output, of shape (1, outputs).

        Parameters
        ----------
        inputs
            Index of a tensor of shape (1, inputs).
        weights
            float32 of shape (outputs, inputs).
        bias
            float32 of shape (outputs,); None for none.
        """
        matrix = self.constant(weights, "orchard/weights")
        added = -1 if bias is None else self.constant(bias, "orchard/bias")
        return self.apply(
            "FULLY_CONNECTED", [inputs, matrix, added], (1, len(weights)), np.float32, schema.FullyConnectedOptionsT()
        )

    def as_float(self, booleans: int, count: int) -> int:
        """Append the conversion of booleans, of shape (1, count), to 0 and 1; return the index of its output."""
        cast = schema.CastOptionsT()
        cast.inDataType, cast.outDataType = schema.TensorType.BOOL, schema.TensorType.FLOAT32
        return self.apply("CAST", [booleans], (1, count), np.float32, cast)

    def operator(self, operation: str, inputs: list[int], result: int, options: Any) -> Any:  # noqa: ANN401
        """Return an operation that is not part of the graph yet."""
        made = schema.OperatorT()
        made.opcodeIndex = self._operation_code(operation)
        made.inputs = np.array(inputs, np.int32)
        made.outputs = np.array([result], np.int32)
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        return made

    def add_metadata(self, name: str, content: bytes) -> None:
        """Add or replace a metadata entry."""
        entry = schema.MetadataT()
        entry.name = name.encode()
        entry.buffer = self.add_buffer(np.frombuffer(content, np.uint8))
        self.drop_metadata(name)
        self.tree.metadata = [*(self.tree.metadata or []), entry]

    def drop_metadata(self, name: str) -> None:
        """Remove a metadata entry."""
        self.tree.metadata = [entry for entry in self.tree.metadata or [] if entry.name != name.encode()]

    def pack(self) -> bytes:
        """Return the model as the content of a ``.tflite`` file."""
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.tree.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _add_tensor(self, dtype: np.dtype[Any], shape: tuple[int, ...], name: str, buffer: int = 0) -> int:
        tensor = schema.TensorT()
        tensor.type = _TYPES[dtype]
        tensor.shape = np.array(shape, np.int32)
        tensor.name = name
        tensor.buffer = buffer
        tensor.hasRank = True
        self.subgraph.tensors.append(tensor)
        return len(self.subgraph.tensors) - 1

    def _operation_code(self, operation: str) -> int:
        code = getattr(schema.BuiltinOperator, operation)
        version = VERSIONS.get(operation, 1)
        for number, known in enumerate(self.tree.operatorCodes):
            if known.builtinCode == code and known.version >= version:
                return number
        added = schema.OperatorCodeT()
        added.builtinCode = code
        # Readers from before 2020 use this field, an int8.
        added.deprecatedBuiltinCode = min(code, 127)
        added.version = version
        self.tree.operatorCodes.append(added)
        return len(self.tree.operatorCodes) - 1


def read_metadata(model: bytes, name: str) -> bytes | None:
    """Return a metadata entry of a model; None if it has no such entry or is not a TensorFlow Lite model."""
    if not schema.Model.ModelBufferHasIdentifier(model, 0):
        return None
    root = schema.Model.GetRootAs(model, 0)
    for index in range(root.MetadataLength()):
        entry = root.Metadata(index)
        if entry.Name() == name.encode():
            return bytes(root.Buffers(entry.Buffer()).DataAsNumpy())
    return None
