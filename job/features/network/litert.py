"""Run a TensorFlow Lite model with LiteRT on one thread."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt

FLOAT32, INT8 = "float32", "int8"
"""Values of ``--precision``: what a network computes in."""

FLOAT16 = "float16"
"""What a phone model may store the weights of a float32 network as."""

Array = npt.NDArray[Any]


class Interpreted:
    """A model with one input and one output; not thread-safe.

    Attributes
    ----------
    given_shape, result_shape
        Shapes of input and output; the first dimension is ``batch``.
    given_type
        Data type of the input.

    Raises
    ------
    ValueError, RuntimeError
        If the model is damaged or does not support the batch.
    """

    def __init__(self, model: str | Path | bytes, batch: int = 1) -> None:
        # Imported here: reading a description does not need the runtime.
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

        source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
        with _standard_error_closed():
            # One thread, because Spark runs one task per core.
            self._interpreter = Interpreter(**source, num_threads=1)
            given = self._interpreter.get_input_details()[0]
            if batch != 1:
                self._interpreter.resize_tensor_input(given["index"], [batch, *given["shape"][1:]])
            self._interpreter.allocate_tensors()
        given, result = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._given, self._result = given["index"], result["index"]
        self.given_shape: tuple[int, ...] = tuple(given["shape"].tolist())
        self.given_type = given["dtype"]
        self.result_shape: tuple[int, ...] = tuple(result["shape"].tolist())

    def run(self, values: Array) -> Array:
        """Return the output for an input."""
        self._interpreter.set_tensor(self._given, values)
        self._interpreter.invoke()
        result: Array = self._interpreter.get_tensor(self._result)
        return result


@contextmanager
def _standard_error_closed() -> Iterator[None]:
    """Hide the runtime's start message, which no setting turns off, from the progress bar; failures are raised."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
