"""Runs an exported backbone in bfloat16, on processors that compute in it: what ``--precision fast`` is.

docs/decisions/0080-openvino-for-reduced-precision.md says why by this runtime, and what it gains.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BATCH = 4
"""Photos computed at a time."""

BFLOAT16 = "bfloat16"
"""What it computes in."""


@lru_cache(maxsize=1)
def is_available() -> bool:
    """Return whether this machine has the runtime, and its processor instructions for bfloat16."""
    if find_spec("openvino") is None:
        return False
    return "BF16" in _runtime().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class ReducedPrecisionNetwork:
    """An exported network that computes in bfloat16; not for several threads at once.

    Where the processor has no such instructions but has AVX-512, the same numbers come out slowly.

    Raises
    ------
    RuntimeError
        If the runtime cannot read the file as a network.
    """

    batch, computed_in = BATCH, BFLOAT16

    def __init__(self, path: str | Path) -> None:
        runtime = _runtime()
        network = runtime.read_model(str(path))
        _, *photo_shape = network.input(0).partial_shape
        network.reshape([BATCH, *(length.get_length() for length in photo_shape)])
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16",
            # One thread: there are as many tasks as cores. Pinned, those of all tasks would end on the same core.
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
        }
        self._request = runtime.compile_model(network, "CPU", settings).create_infer_request()
        self._photos = self._request.get_input_tensor().data
        self._features = self._request.get_output_tensor().data

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of at most ``BATCH`` photos in place, as ``backbone.Network`` has it."""
        for place, photo in zip(self._photos, photos, strict=False):
            place[:] = photo
        self._request.infer()
        features[:] = self._features[: len(photos)]


def _runtime() -> Any:  # noqa: ANN401 - the runtime carries no types
    # Imported here: most runs compute at full precision, and never load it.
    from openvino import Core  # noqa: PLC0415

    return Core()
