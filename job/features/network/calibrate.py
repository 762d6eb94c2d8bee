"""Quantize an exported network with TensorFlow's converter; run as a child process.

TensorFlow is large, slow to import and prints a lot, and only the submitting machine has it:
``python -m job.features.network.calibrate --help``. docs/decisions/0131-int8-by-calibration.md has the choices.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from job.features.network.tflite_graph import Graph
from job.images import Pixels

_CONVOLUTIONS = (schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.DEPTHWISE_CONV_2D)


def quantize(model: bytes, photos: Pixels) -> bytes:
    """Return a network whose convolutions and layers compute in int8; input and output stay uint8 and float32.

    Parameters
    ----------
    model
        An exported float32 network.
    photos
        uint8 of shape (photos, height, width, 3), whose activations decide the ranges.
    """
    # The converter's own two steps for full integer quantization: they take any exported file, without its Keras model.
    from tensorflow.lite.python.convert import mlir_quantize  # noqa: PLC0415
    from tensorflow.lite.python.optimize.calibrator import Calibrator  # noqa: PLC0415

    def inputs() -> Iterator[list[Pixels]]:
        for photo in photos:
            yield [photo[np.newaxis]]

    quantized: bytes = mlir_quantize(Calibrator(model).calibrate(inputs), denylisted_nodes=colour_scaling(model))
    return quantized


def colour_scaling(model: bytes) -> set[str]:
    """Return the names of what a network computes before its first convolution.

    It stays in float32: rounded to 8 bits at each step, the colours would lose more than all other layers together.
    """
    graph = Graph(model)
    names: set[str] = set()
    for operator in graph.subgraph.operators:
        if graph.tree.operatorCodes[operator.opcodeIndex].builtinCode in _CONVOLUTIONS:
            return names
        names |= {graph.subgraph.tensors[int(tensor)].name.decode() for tensor in operator.outputs}
    return set()


def main(argv: list[str] | None = None) -> int:
    """Quantize one network from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m job.features.network.calibrate", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="the exported float32 network")
    parser.add_argument("--photos", type=Path, required=True, metavar="FILE", help="decoded photos, as .npy")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the file to write")
    given = parser.parse_args(argv)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    photos = np.load(given.photos, allow_pickle=False)
    given.output.write_bytes(quantize(given.model.read_bytes(), photos))
    return 0


if __name__ == "__main__":
    sys.exit(main())
