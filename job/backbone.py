"""Loads an exported backbone and computes features with it; the only module that knows how it is run.

The file is a TensorFlow Lite model that takes RGB 0..255 and holds colour scaling, network and pooling, with its
own description inside (``job/export.py`` writes it). Why this format and this runtime:
docs/decisions/0001-backbone-file-and-runtime.md. At reduced precision ``job/reduced_precision.py`` runs it.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from job import reduced_precision
from job.errors import BackboneError, UsageError
from job.reduced_precision import ReducedPrecisionNetwork

DESCRIPTION_KEY = "orchard.backbone"
"""The name under which the description stands in the file's metadata."""

FULL, FAST = "full", "fast"
"""What --precision takes: as Keras computes it, or bfloat16 where the processor has it."""

FLOAT32, BFLOAT16 = "float32", "bfloat16"
"""What a network was computed in."""


@dataclass(frozen=True)
class BackboneDescription:
    """What an exported backbone is, as its file says.

    Parameters
    ----------
    name
        Name of the network, as ``--backbone`` takes it.
    weights
        Where the weights come from: "imagenet", "file sha256:...", or "random, seed ...".
    width, height
        Pixels of the photos that it takes.
    features
        How many values it computes for a photo.
    """

    name: str
    weights: str
    width: int
    height: int
    features: int

    @property
    def untrained(self) -> bool:
        """Whether the weights are random, so that features mean nothing."""
        return self.weights.startswith("random")


class Backbone:
    """A callable network: photos in, features out. Load it once a process; it is not for several threads at once.

    Parameters
    ----------
    path
        The exported file.
    precision
        ``FULL``, or ``FAST`` for reduced precision if this processor has it.

    Attributes
    ----------
    computed_in
        ``FLOAT32`` or ``BFLOAT16``: what ``precision`` has come to on this processor.
    batch
        How many photos it computes at a time.
    photo_shape
        Height, width and colours of the photos that it takes.
    features
        How many values it computes for a photo.
    """

    def __init__(self, path: str | Path, precision: str = FULL) -> None:
        # Imported here: the submitting machine describes files without ever loading the runtime.
        from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415

        # One thread: there are as many tasks as cores, and threads of several tasks would fight for them.
        with _standard_error_closed():
            self._interpreter = Interpreter(model_path=str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        photo, features = self._interpreter.get_input_details()[0], self._interpreter.get_output_details()[0]
        self._input, self._output = photo["index"], features["index"]
        self.photo_shape: tuple[int, int, int] = tuple(photo["shape"][1:].tolist())
        self.features = int(features["shape"][-1])
        self._reduced: ReducedPrecisionNetwork | None = None
        if precision == FAST and reduced_precision.is_available():
            self._reduced = ReducedPrecisionNetwork(path)
        self.computed_in = FLOAT32 if self._reduced is None else BFLOAT16
        self.batch = 1 if self._reduced is None else reduced_precision.BATCH

    def compute(self, photo: npt.NDArray[np.uint8], features: npt.NDArray[np.float32]) -> None:
        """Compute one photo's features in place.

        Parameters
        ----------
        photo
            RGB 0..255, uint8 of shape (height, width, 3).
        features
            Where the result goes: float32 of shape (features,).
        """
        self.compute_batch([photo], features[np.newaxis])

    def compute_batch(self, photos: Sequence[npt.NDArray[np.uint8]], features: npt.NDArray[np.float32]) -> None:
        """Compute the features of at most ``batch`` photos in place.

        Parameters
        ----------
        photos
            RGB 0..255, each uint8 of shape (height, width, 3).
        features
            Where the result goes: float32 of shape (photos, features).
        """
        if self._reduced is not None:
            self._reduced.compute(photos, features)
            return
        for photo, row in zip(photos, features, strict=True):
            self._interpreter.set_tensor(self._input, photo[np.newaxis])
            self._interpreter.invoke()
            row[:] = self._interpreter.get_tensor(self._output)[0]


def embed_description(model: bytes, description: BackboneDescription) -> bytes:
    """Return a TensorFlow Lite model with a description added to its metadata."""
    from job.tflite_graph import Graph  # noqa: PLC0415 - needed by the export alone

    graph = Graph(model)
    graph.add_metadata(DESCRIPTION_KEY, json.dumps(asdict(description)).encode())
    return graph.pack()


def read_description(path: str | Path) -> BackboneDescription:
    """Return the description inside an exported file.

    Raises
    ------
    UsageError
        If the file cannot be read or was not exported by this project.
    """
    from job.tflite_graph import read_metadata  # noqa: PLC0415 - the executors never describe a file

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
            "Export a backbone with python -m job.export, or leave --model out: it is then done on the spot.",
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
    return BackboneError(f"The backbone '{path}' is damaged, or is no backbone.", "Export it anew, or copy it again.")


def seconds_a_photo(network: Backbone, least: float = 1.0) -> float:
    """Return how long a network takes for a photo that is already decoded, on one core: the median of some.

    Parameters
    ----------
    network
        It has computed nothing else at the same time.
    least
        Seconds of measuring; at least three photos are measured.
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


@contextmanager
def _standard_error_closed() -> Iterator[None]:
    """Keep the runtime's greeting, which no setting turns off, out of the progress bar; failures are raised."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
