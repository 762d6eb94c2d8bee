"""Load an exported backbone and compute features with it.

The file is a TensorFlow Lite model from RGB 0..255 to features: colour scaling, network and pooling. Its metadata
holds its description (``job/features/network/export.py`` writes both).
docs/decisions/0001-backbone-file-and-runtime.md explains the format and the runtime.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from job.errors import BackboneError, UsageError
from job.features.network.litert import FLOAT32, Interpreted

DESCRIPTION_KEY = "orchard.backbone"
"""Key of the description in the file's metadata."""

CALIBRATING_KEY = "orchard.calibrating"
"""Key of the digests of the photos that calibrated a quantized network."""


@dataclass(frozen=True)
class BackboneDescription:
    """The description inside an exported backbone."""

    name: str
    weights: str  # "imagenet", "file sha256:...", or "random, seed ..."
    width: int
    height: int
    features: int
    precision: str = FLOAT32  # or ``litert.INT8``
    calibration: dict[str, Any] | None = None  # a ``Calibration``; None in float32

    @property
    def untrained(self) -> bool:
        """Whether the weights are random, so that the features are meaningless."""
        return self.weights.startswith("random")


@dataclass(frozen=True)
class Calibration:
    """How a network was quantized."""

    float32: str  # SHA-256 of the network that it was quantized from
    # photos, checked: photos that decided the ranges, and other photos on which the features were compared
    photos: int
    checked: int
    seed: int  # of the draw of both
    # mean_cosine, least_cosine: between the features of both networks
    mean_cosine: float
    least_cosine: float


class Network(Protocol):
    """A loaded network; not thread-safe.

    Attributes
    ----------
    batch
        Most photos in one call of ``compute_batch``.
    """

    batch: int

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of at most ``batch`` photos in place.

        Parameters
        ----------
        photos
            RGB 0..255, each uint8 of shape (height, width, 3).
        features
            The result, float32 of shape (photos, features).
        """


class Backbone:
    """A network that computes one photo at a time; not thread-safe.

    Attributes
    ----------
    input_shape
        Photos, height, width and channels of the input.
    """

    batch = 1

    def __init__(self, path: str | Path) -> None:
        self._network = Interpreted(path)
        self.input_shape = self._network.given_shape
        self.features = self._network.result_shape[-1]

    def run(self, photos: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the output for an input of ``input_shape``."""
        result: npt.NDArray[np.float32] = self._network.run(photos)
        return result

    def compute(self, photo: npt.NDArray[np.uint8], features: npt.NDArray[np.float32]) -> None:
        """Compute one photo's features in place."""
        features[:] = self._network.run(photo[np.newaxis])[0]

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of photos in place; see ``Network``."""
        for photo, row in zip(photos, features, strict=True):
            self.compute(photo, row)


def load(path: str | Path) -> Network:
    """Return an exported network in the form that computes many photos fastest."""
    # Imported here: describing a file must not wait for the schema of the format.
    from job.features.network.split import LARGEST, SplitModel, cut  # noqa: PLC0415

    small = Path(path).stat().st_size <= LARGEST
    parts = cut(Path(path).read_bytes()) if small else None
    try:
        return Backbone(path) if parts is None else SplitModel(*parts)
    except (ValueError, RuntimeError):
        # Some networks fix the batch to one photo; every network runs unsplit.
        return Backbone(path)


def embed_description(model: bytes, description: BackboneDescription, calibrating: Sequence[str] = ()) -> bytes:
    """Add a description to the metadata of a TensorFlow Lite model.

    ``calibrating``: digests of the paths of the photos that calibrated it.
    """
    from job.features.network.tflite_graph import Graph  # noqa: PLC0415 - needed by the export alone

    graph = Graph(model)
    graph.add_metadata(DESCRIPTION_KEY, json.dumps(asdict(description)).encode())
    if calibrating:
        graph.add_metadata(CALIBRATING_KEY, "\n".join(calibrating).encode())
    return graph.pack()


def read_description(path: str | Path) -> BackboneDescription:
    """Return the description inside an exported file."""
    from job.features.network.tflite_graph import read_metadata  # noqa: PLC0415 - the executors never describe a file

    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise BackboneError(
            f"Cannot read the backbone '{path}': {error.strerror}.",
            "Give an exported file: --model FILE, or leave --model out to export one.",
        ) from error
    try:
        found = read_metadata(content, DESCRIPTION_KEY)
    except Exception as error:  # the generated reader raises many kinds of errors on damaged files
        raise _damaged(path) from error
    if found is None:
        raise BackboneError(
            f"The backbone must be a .tflite file from orchard export, got '{path}'.",
            "Export one: orchard export --output FILE, or leave --model out to export one now.",
        )
    return BackboneDescription(**json.loads(found))


def read_calibrating(path: str | Path) -> set[str]:
    """Return the digests of the paths of the photos that calibrated an exported file; none in float32."""
    from job.features.network.tflite_graph import read_metadata  # noqa: PLC0415 - as above

    return set((read_metadata(Path(path).read_bytes(), CALIBRATING_KEY) or b"").decode().split())


def require_usable(path: str | Path) -> None:
    """Raise UsageError if an exported file cannot be loaded, before executors try to."""
    try:
        Backbone(path)
    except (ValueError, RuntimeError) as error:
        raise _damaged(path) from error


def content_hash(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _damaged(path: str | Path) -> UsageError:
    return BackboneError(
        f"The backbone '{path}' is damaged or is not a TensorFlow Lite model.", "Export it again, or copy it again."
    )


def seconds_a_photo(network: Backbone, least: float = 1.0) -> float:
    """Return the median seconds that a network needs for a decoded photo on one core.

    ``least``: seconds to measure for; at least three photos are measured.
    """
    photo = np.random.default_rng(0).integers(0, 256, network.input_shape, dtype=np.uint8)
    # The first photo also pays for allocation.
    network.run(photo)
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < least:
        began = time.perf_counter()
        network.run(photo)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))
