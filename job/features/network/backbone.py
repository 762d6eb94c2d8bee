"""Loads an exported backbone and computes features with it, in the way that suits processor and number of photos.

The file is a TensorFlow Lite model that takes RGB 0..255 and holds colour scaling, network and pooling, with its
own description inside (``job/features/network/export.py`` writes it). Why this format and this runtime:
docs/decisions/0001-backbone-file-and-runtime.md. Many photos are computed by ``job/features/network/split.py``,
at reduced precision by ``job/features/network/reduced_precision.py``.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from job.errors import BackboneError, UsageError
from job.features.network import reduced_precision
from job.features.network.litert import FLOAT32, Interpreted
from job.features.network.reduced_precision import ReducedPrecisionNetwork

DESCRIPTION_KEY = "orchard.backbone"
"""The name under which the description stands in the file's metadata."""

FULL, FAST = "full", "fast"
"""What --precision takes: as Keras computes it, or bfloat16 where the processor has it."""


@dataclass(frozen=True)
class BackboneDescription:
    """What an exported backbone is, as its file says."""

    name: str
    weights: str  # where the weights come from: "imagenet", "file sha256:...", or "random, seed ..."
    width: int
    height: int
    features: int

    @property
    def untrained(self) -> bool:
        """Whether the weights are random, so that features mean nothing."""
        return self.weights.startswith("random")


class Network(Protocol):
    """What computes the features of several photos; not for several threads at once.

    Attributes
    ----------
    batch
        At most so many at a time.
    computed_in
        ``litert.FLOAT32`` or ``reduced_precision.BFLOAT16``.
    """

    batch: int
    computed_in: str

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of at most ``batch`` photos in place.

        Parameters
        ----------
        photos
            RGB 0..255, each uint8 of shape (height, width, 3).
        features
            Where the result goes: float32 of shape (photos, features).
        """


class Backbone:
    """A callable network: a photo in, features out. Load it once a process; it is not for several threads at once.

    Attributes
    ----------
    photo_shape
        Height, width and colours of the photos that it takes.
    """

    batch, computed_in = 1, FLOAT32

    def __init__(self, path: str | Path) -> None:
        self._network = Interpreted(path)
        self.photo_shape = self._network.given_shape[1:]
        self.features = self._network.result_shape[-1]

    def compute(self, photo: npt.NDArray[np.uint8], features: npt.NDArray[np.float32]) -> None:
        """Compute one photo's features in place."""
        features[:] = self._network.run(photo[np.newaxis])[0]

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of some photos in place, as ``Network`` has it."""
        for photo, row in zip(photos, features, strict=True):
            self.compute(photo, row)


def load(path: str | Path, precision: str) -> Network:
    """Return an exported network as it computes many photos soonest on this processor.

    ``precision``: ``FULL``, or ``FAST`` for reduced precision if this processor has it.
    """
    if precision == FAST and reduced_precision.is_available():
        return ReducedPrecisionNetwork(path)
    # Imported here: describing a file must not wait for the schema of the format.
    from job.features.network.split import LARGEST, SplitModel, cut  # noqa: PLC0415

    small = Path(path).stat().st_size <= LARGEST
    parts = cut(Path(path).read_bytes()) if small else None
    try:
        return Backbone(path) if parts is None else SplitModel(*parts)
    except (ValueError, RuntimeError):
        # Some networks know only one photo at a time: as they were exported, every one of them runs.
        return Backbone(path)


def embed_description(model: bytes, description: BackboneDescription) -> bytes:
    """Return a TensorFlow Lite model with a description added to its metadata."""
    from job.features.network.tflite_graph import Graph  # noqa: PLC0415 - needed by the export alone

    graph = Graph(model)
    graph.add_metadata(DESCRIPTION_KEY, json.dumps(asdict(description)).encode())
    return graph.pack()


def read_description(path: str | Path) -> BackboneDescription:
    """Return the description inside an exported file."""
    from job.features.network.tflite_graph import read_metadata  # noqa: PLC0415 - the executors never describe a file

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BackboneError(
            f"The backbone '{path}' cannot be read: {error.strerror}.",
            "Name a file that was exported before.",
        ) from error
    try:
        found = read_metadata(content, DESCRIPTION_KEY)
    except Exception as error:  # the generated reader fails in many ways on what is cut off or no model at all
        raise _damaged(path) from error
    if found is None:
        raise BackboneError(
            f"'{path}' was not exported by this project.",
            "Export a backbone with python -m job.features.network.export, or leave --model out: "
            "it is then done on the spot.",
        )
    return BackboneDescription(**json.loads(found))


def require_usable(path: str | Path) -> None:
    """Raise UsageError if an exported file cannot be loaded, here rather than on the executors."""
    try:
        Backbone(path)
    except (ValueError, RuntimeError) as error:
        raise _damaged(path) from error


def content_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(path: str | Path) -> UsageError:
    return BackboneError(f"The backbone '{path}' is damaged, or is no backbone.", "Export it again, or copy it again.")


def seconds_a_photo(network: Backbone, least: float = 1.0) -> float:
    """Return how long a network takes for a photo that is already decoded, on one core: the median of some.

    ``least``: seconds of measuring; at least three photos are measured.
    """
    photo = np.random.default_rng(0).integers(0, 256, network.photo_shape, dtype=np.uint8)
    features = np.empty(network.features, np.float32)
    # The first photo also pays for memory and for tables that the next ones find ready.
    network.compute(photo, features)
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < least:
        began = time.perf_counter()
        network.compute(photo, features)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))
